"""MNIST and its kin: images and labels in two idx files, plain or compressed by gzip."""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from infotheory._typing import AnyArray
from infotheory._validation import refusal
from infotheory.files.source import DAMAGE
from infotheory.models.labelled import Samples, checked_samples
from infotheory.models.labels import class_numbers
from infotheory.models.places import existing_folder
from infotheory.models.specs import Spec

__all__ = ["open_idx"]

_PREFIXES = {"test": "t10k|test", "train": "train"}
_BYTES = 8  # code of unsigned bytes among the types of the format
_STEP = 1 << 24  # bytes that are read at a time


def open_idx(spec: Spec) -> Samples:
    """Read the images and labels of a folder in the layout of MNIST.

    Parameters
    ----------
    spec : Spec
        ``idx:DIR?split=test|train``; the test images by default.

    Returns
    -------
    Samples
        In memory.

    Raises
    ------
    ValueError
        If a file is missing, damaged, or holds something else.
    """
    split = spec.take("split", "test")
    spec.finish()
    if split not in _PREFIXES:
        raise refusal("split", "one of 'test', 'train'", f"{split!r} in {spec.text!r}", "")
    folder = existing_folder(spec)
    images = _read(spec, _file(spec, folder, split, "images", 3), 3)
    labels_file = _file(spec, folder, split, "labels", 1)
    labels, _ = class_numbers(_read(spec, labels_file, 1), argument=f"labels in {labels_file}")
    samples = checked_samples(images, f"images in {folder}", len(labels))
    name = f"{folder.name} ({split})"
    return Samples(name, labels, None, samples, f"the {split} images in {folder}")


def _file(spec: Spec, folder: Path, split: str, what: str, n_axes: int) -> Path:
    pattern = re.compile(rf"({_PREFIXES[split]})-{what}[-.]idx{n_axes}-ubyte(\.gz)?")
    found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    if not found:
        there: Sequence[str] = sorted(path.name for path in folder.iterdir())[:5]
        prefix = _PREFIXES[split].split("|")[0]
        raise refusal(
            spec.argument,
            f"a folder with {prefix}-{what}-idx{n_axes}-ubyte, plain or with .gz",
            f"{spec.text!r}: {', '.join(map(repr, there)) or 'nothing in it'}",
            "Choose another folder, or ?split=train or test.",
        )
    return found[0]  # the plain one of two


def _read(spec: Spec, path: Path, n_axes: int) -> AnyArray:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            return _array(cast("BinaryIO", stream), n_axes)
    except DAMAGE as error:
        raise refusal(
            spec.argument,
            f"an undamaged idx file of bytes with {n_axes} axes",
            f"{path}: {error}",
            "Fetch it again.",
        ) from error


def _array(stream: BinaryIO, n_axes: int) -> AnyArray:
    magic, expected = stream.read(4), bytes((0, 0, _BYTES, n_axes))
    if magic != expected:
        raise ValueError(f"it begins with {magic.hex(' ')} and not {expected.hex(' ')}")
    sizes = stream.read(4 * n_axes)
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    if len(shape) < n_axes:
        raise EOFError("it ends in its header")
    content = bytearray()  # grows with what is there, whatever the header announces
    wanted = math.prod(shape)
    while piece := stream.read(min(_STEP, wanted + 1 - len(content))):
        content += piece
    if len(content) != wanted:
        amount = f"only {len(content)}" if len(content) < wanted else "more"
        raise ValueError(f"{wanted} bytes announced (shape {shape}), {amount} there")
    return np.frombuffer(content, np.uint8).reshape(shape)
