"""Arrays in npy and npz files, known by their headers and read on demand. Nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.lib import format as npy

from infotheory._typing import AnyArray

__all__ = ["StoredArray", "StoredModel", "UnusableFileError", "find_models"]

_LABELS = "labels"

# What the readers of zip members and npy headers raise on damaged or foreign content.
_DAMAGE = (
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class UnusableFileError(Exception):
    """A file or one of its arrays cannot be used; the text gives the reason without the name."""


@dataclass(frozen=True)
class StoredArray:
    """One array of a file.

    Attributes
    ----------
    file : Path
        Where it is.
    key : str
        Its name in an npz file; empty for an npy file.
    shape : tuple of int
        From the header.
    dtype : numpy.dtype
        From the header.
    """

    file: Path
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def read(self) -> AnyArray:
        """Read the array: an npy file is mapped, an npz member is loaded.

        Raises
        ------
        UnusableFileError
            If the array holds objects, which only unpickling could read; if the file is damaged;
            if there is too little memory.
        """
        if self.dtype.hasobject:
            raise UnusableFileError(
                f"{self._what} holds Python objects, which are never unpickled here. "
                "Save it as a plain array of floats."
            )
        try:
            if not self.key:
                mapped: AnyArray = np.load(self.file, mmap_mode="r", allow_pickle=False)
                return mapped
            with zipfile.ZipFile(self.file) as archive, archive.open(f"{self.key}.npy") as member:
                return npy.read_array(member, allow_pickle=False)
        except _DAMAGE as error:
            raise UnusableFileError(f"{self._what} is truncated or damaged ({error}).") from error
        except MemoryError as error:
            raise UnusableFileError(
                f"{self._what} does not fit in memory. Save it as an npy file, which is mapped."
            ) from error

    @property
    def _what(self) -> str:
        return f"array {self.key!r}" if self.key else "the array"


@dataclass(frozen=True)
class StoredModel:
    """The outputs of one classifier and the labels of their rows."""

    outputs: StoredArray
    labels: StoredArray


def find_models(path: Path, labels: str | None) -> tuple[list[StoredModel], list[str]]:
    """List the models of a file.

    Parameters
    ----------
    path : Path
        An npz file, in which every 2-D array but the labels is a model, or an npy file, which is
        one model.
    labels : str, optional
        Where the labels are: the name of an npy file, or a key of the npz file; ``labels`` by
        default.

    Returns
    -------
    models : list of StoredModel
        In the order of the file.
    notes : list of str
        What was passed over, and why.

    Raises
    ------
    UnusableFileError
        If the file cannot be read, or holds no model or no labels.
    """
    arrays, notes = _arrays(path)
    if labels is not None and labels.endswith(".npy"):
        key = None
        label_array = _labels_file(Path(labels))
    else:
        key = labels or _LABELS
        label_array = _member_labels(arrays, key)
    models = []
    for array in arrays:
        if key is not None and array.key == key:
            continue
        if len(array.shape) == 2:
            models.append(StoredModel(array, label_array))
        elif array.key:
            notes.append(f"{array.key!r} is {len(array.shape)}-dimensional: passed over")
        else:
            raise UnusableFileError(
                f"outputs must be 2-dimensional; got shape {array.shape} in the file."
            )
    if not models:
        raise UnusableFileError("there is no 2-dimensional array in it to measure.")
    return models, notes


def _labels_file(path: Path) -> StoredArray:
    try:
        arrays, _ = _arrays(path)
    except UnusableFileError as error:
        raise UnusableFileError(f"labels in {path}: {error}") from error
    if arrays[0].key:
        raise UnusableFileError(f"labels in {path}: this is an npz file. Save them as npy.")
    return arrays[0]


def _member_labels(arrays: Sequence[StoredArray], key: str) -> StoredArray:
    for array in arrays:
        if array.key == key and key:
            return array
    if not arrays[0].key:
        raise UnusableFileError("an npy file holds no labels. Pass them by --labels FILE.npy.")
    held = ", ".join(repr(array.key) for array in arrays)
    raise UnusableFileError(
        f"there are no labels under {key!r}; the arrays are {held}. "
        "Pass --labels KEY or --labels FILE.npy."
    )


def _arrays(path: Path) -> tuple[list[StoredArray], list[str]]:
    """Every array of a file by its header, and notes on what else is in it."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(6)
            stream.seek(0)
            if magic.startswith(b"PK"):
                return _members(path, stream)
            if magic == b"\x93NUMPY":
                array = _header(path, "", stream, path.stat().st_size)
                return [array], []
    except FileNotFoundError as error:
        raise UnusableFileError("there is no such file.") from error
    except IsADirectoryError as error:
        raise UnusableFileError("this is a folder.") from error
    except PermissionError as error:
        raise UnusableFileError("it may not be read (permission denied).") from error
    except _DAMAGE as error:
        raise UnusableFileError(f"the file is truncated or damaged ({error}).") from error
    what = "it is empty" if not magic else "it is neither an npy nor an npz file"
    raise UnusableFileError(f"{what}. Pickles and other formats are not read.")


def _members(path: Path, stream: BinaryIO) -> tuple[list[StoredArray], list[str]]:
    arrays: list[StoredArray] = []
    notes: list[str] = []
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                with archive.open(info) as member:
                    key = info.filename.removesuffix(".npy")
                    arrays.append(_header(path, key, cast("BinaryIO", member), info.file_size))
            elif not info.is_dir():
                notes.append(f"{info.filename!r} is not an array: passed over")
    if not arrays:
        raise UnusableFileError("it is a zip file without arrays.")
    return arrays, notes


def _header(path: Path, key: str, stream: BinaryIO, size: int) -> StoredArray:
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = npy.read_array_header_2_0(stream)
    else:  # version 3 is for records with names beyond Latin-1: no array of numbers has it
        raise UnusableFileError(f"npy format {version} is for records, not for plain arrays.")
    array = StoredArray(path, key, shape, dtype)
    needed = stream.tell() + math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and size < needed:
        what = f"array {key!r}" if key else "the file"
        raise UnusableFileError(f"{what} is truncated: {needed} bytes announced, {size} there.")
    return array
