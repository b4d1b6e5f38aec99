"""Images in folders, one a class: the layout of ImageNet, and of torchvision's ImageFolder."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._validation import refusal
from infotheory.files.digests import FileBytes, content_digest
from infotheory.models.images import read_image
from infotheory.models.labelled import Labelled
from infotheory.models.places import SPLITS, existing_folder
from infotheory.models.specs import Spec

__all__ = ["IMAGE_SUFFIXES", "ImageFolder", "open_image_folder"]

IMAGE_SUFFIXES = frozenset(
    (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""Endings of the names of images, in small letters."""

_SHOWN = 5


@dataclass(eq=False)
class ImageFolder(Labelled):
    """Files of images, opened as they are asked for.

    Attributes
    ----------
    name, labels, class_names, notes
        As for any data set.
    folder : Path
        That of all classes.
    files : sequence of str
        Relative to it, class by class in the order of torchvision.
    """

    folder: Path
    files: Sequence[str]

    def sample(self, row: int) -> Any:
        """Decode one file."""
        return read_image(self.folder / self.files[row], self.where(row))

    def where(self, row: int) -> str:
        """Return the file."""
        return str(self.folder / self.files[row])

    def content(self) -> bytes:
        """Hash the names and sizes of the files, and what they hold."""
        pieces = [FileBytes(self.folder / file) for file in self.files]
        digest = hashlib.sha256()
        for file, piece in zip(self.files, pieces, strict=True):
            digest.update(f"{Path(file).as_posix()}:{piece.size}\n".encode())
        digest.update(content_digest(pieces))
        return digest.digest()


def open_image_folder(spec: Spec) -> ImageFolder:
    """List the images of a folder of folders.

    Parameters
    ----------
    spec : Spec
        ``imagefolder:DIR``.

    Returns
    -------
    ImageFolder
        Classes and files sorted by name, as text.

    Raises
    ------
    ValueError
        If there is no such folder, or no image in it; if its folders are not classes.
    """
    spec.finish()
    folder = existing_folder(spec)
    names = sorted(entry.name for entry in os.scandir(folder) if _is_class(entry))
    if not names or {name.lower() for name in names} <= SPLITS.keys():
        raise _no_classes(spec, names)
    files: list[str] = []
    labels: list[int] = []
    others: list[str] = [
        entry.name for entry in os.scandir(folder) if not entry.is_dir() and entry.name[0] != "."
    ]
    for number, name in enumerate(names):
        for file in _files(folder / name):
            relative = os.path.relpath(file, folder)
            if Path(file).suffix.lower() in IMAGE_SUFFIXES:
                files.append(relative)
                labels.append(number)
            else:
                others.append(relative)
    if not files:
        raise refusal(
            spec.argument,
            "a folder with images",
            f"{spec.text!r}: none in its {len(names)} folder(s)",
            f"Known endings are {', '.join(sorted(IMAGE_SUFFIXES))}.",
        )
    notes = tuple(_notes(names, labels, others))
    return ImageFolder(
        folder.name, np.array(labels, np.int64), tuple(names), folder, files, notes=notes
    )


def _is_class(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")


def _files(folder: Path) -> Iterator[str]:
    """List files in the order of torchvision, hidden ones left out, each folder entered once."""
    entered = set()
    found = []
    for place, inner, files in os.walk(folder, followlinks=True):
        identity = os.stat(place)  # noqa: PTH116
        if (identity.st_dev, identity.st_ino) in entered:  # a link to a folder above
            inner.clear()
            continue
        entered.add((identity.st_dev, identity.st_ino))
        inner[:] = [name for name in inner if not name.startswith(".")]
        found.append((place, sorted(name for name in files if not name.startswith("."))))
    for place, files in sorted(found):
        yield from (os.path.join(place, name) for name in files)  # noqa: PTH118


def _no_classes(spec: Spec, names: list[str]) -> ValueError:
    fact = f"folders {', '.join(map(repr, names))}" if names else "no folders in it"
    fix = f"Choose one: {spec.scheme}:{spec.place}/{names[0]}." if names else "Sort them by class."
    return refusal(spec.argument, "a folder with one folder a class", f"{spec.text!r}: {fact}", fix)


def _notes(names: list[str], labels: list[int], others: list[str]) -> Iterator[str]:
    if others:
        endings = Counter(Path(file).suffix.lower() or "no ending" for file in others)
        kinds = ", ".join(f"{count} {ending}" for ending, count in sorted(endings.items()))
        yield f"{len(others)} file(s) that are not images of a class passed over: {kinds}"
    filled = set(labels)
    empty = [name for number, name in enumerate(names) if number not in filled]
    if empty:
        shown = ", ".join(map(repr, empty[:_SHOWN])) + (", ..." if len(empty) > _SHOWN else "")
        yield f"{len(empty)} class(es) without images: {shown}"
    if all(name.isdecimal() for name in names) and sorted(names, key=int) != names:
        yield "classes named by numbers are in the order of text: " + ", ".join(names[:_SHOWN])
