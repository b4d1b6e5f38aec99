"""Arrays in npy and npz files. Nothing is unpickled."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

import numpy as np
from numpy.lib import format as npy

from infotheory._typing import AnyArray
from infotheory.files.source import Header, Source, UnusableFileError, listed, read_rows, spans

__all__ = ["NpySource", "NpzSource", "open_npy", "open_npz"]


@dataclass(frozen=True)
class _Layout:
    """How an array lies in its stream."""

    header: Header
    fortran: bool
    offset: int


@dataclass(frozen=True, eq=False)
class NpySource(Source):
    """An npy file: one array, without a name. Columns that lie together (Fortran) are mapped."""

    format: ClassVar[str] = "npy"

    def blocks(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int = 0
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Read rows in blocks, as the base class says."""
        with self.path.open("rb") as stream:
            layout = _layout(stream, self.path.stat().st_size)
            if not layout.fortran:
                for block in read_rows(stream, layout.header, step, start, layout.offset):
                    yield (block,) * len(wanted)
                return
        mapped = np.load(self.path, mmap_mode="r", allow_pickle=False)
        for begin, end in spans(len(mapped), step, start):
            yield (np.array(mapped[begin:end], order="C"),) * len(wanted)


@dataclass(frozen=True, eq=False)
class NpzSource(Source):
    """An npz file: arrays in a zip archive, each streamed, compressed or not.

    An array whose columns lie together (Fortran order) is loaded whole, since a compressed stream
    can only be read forwards.
    """

    format: ClassVar[str] = "npz"

    def blocks(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int = 0
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Read rows in blocks, as the base class says."""
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            readers = []
            for (name,) in wanted:
                member = stack.enter_context(archive.open(f"{name}.npy"))
                stream = cast("BinaryIO", member)
                layout = _layout(stream, archive.getinfo(f"{name}.npy").file_size)
                if layout.fortran:
                    member.seek(0)
                    readers.append(_slices(npy.read_array(member, allow_pickle=False), step, start))
                else:
                    readers.append(read_rows(stream, layout.header, step, start, layout.offset))
            yield from zip(*readers, strict=True)


def _slices(array: AnyArray, step: int, start: int) -> Iterator[AnyArray]:
    for begin, end in spans(len(array), step, start):
        yield np.array(array[begin:end], order="C")


def open_npy(path: Path) -> NpySource:
    """Read the header of an npy file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    NpySource
    """
    with path.open("rb") as stream:
        layout = _layout(stream, path.stat().st_size)
    return NpySource(path, {"": layout.header})


def open_npz(path: Path) -> NpzSource:
    """Read the headers of the arrays of an npz file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    NpzSource

    Raises
    ------
    UnusableFileError
        If it is a zip file of something else, or two arrays have one name.
    """
    arrays: dict[str, Header] = {}
    notes: list[str] = []
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                name = info.filename.removesuffix(".npy")
                if name in arrays:
                    raise UnusableFileError(f"it holds two arrays of the name {name!r}.")
                with archive.open(info) as member:
                    stream = cast("BinaryIO", member)
                    arrays[name] = _layout(stream, info.file_size, f"array {name!r}").header
            elif not info.is_dir():
                notes.append(f"{info.filename!r} is not an array: passed over")
        held = [info.filename for info in archive.infolist()]
    if not arrays:
        raise UnusableFileError(f"it is a zip file without arrays; it holds {listed(held)}.")
    return NpzSource(path, arrays, tuple(notes))


def _layout(stream: BinaryIO, size: int, what: str = "the file") -> _Layout:
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran, dtype = npy.read_array_header_2_0(stream)
    else:  # version 3 is for records with names beyond Latin-1: no array of numbers has it
        raise UnusableFileError(f"npy format {version} is for records, not for plain arrays.")
    offset = stream.tell()
    needed = offset + math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and size < needed:
        raise UnusableFileError(f"{what} is truncated: {needed} bytes announced, {size} there.")
    return _Layout(Header(shape, dtype), fortran and len(shape) > 1, offset)
