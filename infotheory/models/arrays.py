"""Samples and labels as arrays of one npz file."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.lib import format as npy

from infotheory._typing import AnyArray
from infotheory._validation import refusal
from infotheory.files.source import DAMAGE
from infotheory.models.labelled import Samples, checked_samples
from infotheory.models.labels import class_numbers
from infotheory.models.places import existing_file
from infotheory.models.specs import Spec

__all__ = ["open_arrays"]

_USUAL = {
    "images": ("images", "image", "features", "samples", "data", "X", "x"),
    "labels": ("labels", "label", "targets", "target", "Y", "y"),
}


def open_arrays(spec: Spec) -> Samples:
    """Open the arrays of an npz file.

    Parameters
    ----------
    spec : Spec
        ``npz:FILE?images=KEY&labels=KEY&class_names=KEY``.

    Returns
    -------
    Samples
        Mapped from the file where it is not compressed (``numpy.savez``), else in memory.

    Raises
    ------
    ValueError
        If the file or an array in it cannot be used. Nothing is unpickled.
    """
    asked = {role: spec.take(role) for role in (*_USUAL, "class_names")}
    spec.finish()
    path = existing_file(spec)
    keys = _keys(spec, path)
    images = _choose(spec, "images", asked["images"], keys)
    labels = _choose(spec, "labels", asked["labels"], keys)
    names = asked["class_names"] or ("class_names" if "class_names" in keys else None)
    if names is not None:
        names = _choose(spec, "class_names", names, keys)
    numbers, class_names = class_numbers(
        _read(spec, path, labels),
        None if names is None else _read(spec, path, names).ravel().tolist(),
        f"labels {labels!r} in {path}",
    )
    what = f"array {images!r} in {path}"
    samples = checked_samples(_mapped(spec, path, images), what, len(numbers))
    return Samples(path.stem, numbers, class_names, samples, what)


def _keys(spec: Spec, path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except DAMAGE as error:
        raise _damaged(spec, str(path), error) from error
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")]


def _choose(spec: Spec, role: str, asked: str | None, keys: Sequence[str]) -> str:
    if asked in keys:
        return str(asked)
    found = [key for key in _USUAL.get(role, ()) if key in keys] if asked is None else []
    if found:
        return found[0]
    listed = ", ".join(map(repr, keys[:20])) or "no array"
    fact = f"{asked!r}" if asked else "none of the usual names"
    raise refusal(
        role,
        f"an array of {spec.text.partition('?')[0]!r}, which holds {listed}",
        fact,
        f"Add ?{role}=KEY.",
    )


def _read(spec: Spec, path: Path, key: str) -> AnyArray:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as member:
            _refuse_short(member, archive.getinfo(f"{key}.npy").file_size)
            member.seek(0)
            array: AnyArray = npy.read_array(member, allow_pickle=False)
            return array
    except (*DAMAGE, MemoryError) as error:
        raise _damaged(spec, f"array {key!r} in {path}", error) from error


def _refuse_short(member: IO[bytes], size: int) -> None:
    """Refuse an array whose header announces more than there is, before there is room for it."""
    if npy.read_magic(member) == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(member)
    else:
        shape, _, dtype = npy.read_array_header_2_0(member)
    wanted = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and wanted > size:
        raise ValueError(f"it is cut off: {wanted} bytes are announced, and {size} there")


def _mapped(spec: Spec, path: Path, key: str) -> AnyArray:
    """Map an array that lies in the archive as it is; read any other."""
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
            info = archive.getinfo(f"{key}.npy")
            stored = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
            stream.seek(info.header_offset + 26)  # the local header: 30 bytes, a name and an extra
            name, extra = np.frombuffer(stream.read(4), "<u2").tolist()
            stream.seek(name + extra, 1)
            if stored and npy.read_magic(stream) == (1, 0):
                shape, fortran, dtype = npy.read_array_header_1_0(stream)
                if not dtype.hasobject and 0 not in shape:
                    order: Literal["F", "C"] = "F" if fortran else "C"
                    return np.memmap(path, dtype, "r", stream.tell(), shape, order)
    except DAMAGE as error:
        raise _damaged(spec, f"array {key!r} in {path}", error) from error
    return _read(spec, path, key)


def _damaged(spec: Spec, what: str, error: BaseException) -> ValueError:
    return refusal(
        spec.argument,
        "an undamaged npz file of plain arrays",
        f"{what}: {error}",
        "Save it by numpy.savez, without Python objects.",
    )
