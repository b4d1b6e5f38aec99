"""A file known by its headers, from which some rows of some arrays are read at a time."""

from __future__ import annotations

import gzip
import math
import tokenize
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

import numpy as np

from infotheory._typing import AnyArray
from infotheory._validation import refusal
from infotheory.files.digests import FileBytes, content_digest

__all__ = [
    "DAMAGE",
    "Header",
    "Source",
    "UnusableFileError",
    "faults_named",
    "listed",
    "objects_refused",
    "opening",
    "read_rows",
    "refuse_equal_names",
    "regrouped",
    "spans",
    "unusable",
]

DAMAGE = (
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    UnicodeError,
    ValueError,
    gzip.BadGzipFile,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the readers of archives, headers and tables raise on damaged or foreign content."""

_SHOWN = 20


class UnusableFileError(Exception):
    """A file or one of its arrays cannot be used; the text gives the reason without the name."""


def unusable(argument: str, requirement: str, fact: str, fix: str = "") -> UnusableFileError:
    """Build the error for content that cannot be used, in the words of every refusal."""
    return UnusableFileError(str(refusal(argument, requirement, fact, fix)))


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Let whatever fails in opening a file be an :class:`UnusableFileError`."""
    try:
        if path.is_dir():
            raise UnusableFileError("this is a folder.")
        yield
    except FileNotFoundError as error:
        raise UnusableFileError("there is no such file.") from error
    except PermissionError as error:
        raise UnusableFileError("it may not be read (permission denied).") from error
    except DAMAGE as error:
        raise UnusableFileError(f"the file is truncated or damaged ({error}).") from error


@contextmanager
def faults_named(what: str, where: str = "") -> Iterator[None]:
    """Let whatever fails in reading be an :class:`UnusableFileError` that says in what."""
    try:
        yield
    except UnusableFileError as error:
        raise UnusableFileError(f"{where}{error}") from error.__cause__
    except DAMAGE as error:
        raise UnusableFileError(f"{where}{what} is truncated or damaged ({error}).") from error
    except MemoryError as error:
        raise UnusableFileError(
            f"{where}{what} does not fit in memory. Save it in C order, which is streamed."
        ) from error


def objects_refused(what: str) -> UnusableFileError:
    """Build the error for an array that only unpickling could read."""
    return UnusableFileError(
        f"{what} holds Python objects, which are never unpickled here. "
        "Save it as a plain array of numbers."
    )


def listed(names: Sequence[str]) -> str:
    """Return names as a reader wants to see what there is: quoted, and not hundreds of them."""
    text = ", ".join(map(repr, names[:_SHOWN]))
    left = len(names) - _SHOWN
    return text + (f" and {left} more" if left > 0 else "") if names else "none"


def refuse_equal_names(names: Sequence[str]) -> None:
    """Refuse columns that cannot be told apart."""
    for name, count in Counter(names).most_common(1):
        if count > 1:
            raise unusable(
                "names of columns", "different", f"{name!r} {count} times", "Rename some of them."
            )


class Header(NamedTuple):
    """Shape and type of one array, known before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class Source(ABC):
    """What a file holds, and how to read rows of it.

    Attributes
    ----------
    path : Path
        Where it is.
    arrays : mapping of str to Header
        Arrays or columns by name, in the order of the file. The name is empty where the format
        has none.
    notes : tuple of str
        What else is in the file, and was passed over.
    format : str
        Name of the format.
    noun : str
        What the format calls an array.
    typed : bool
        Whether the format tells integers from other numbers; in text it takes a look at them.
    """

    path: Path
    arrays: Mapping[str, Header]
    notes: tuple[str, ...] = ()

    format: ClassVar[str]
    noun: ClassVar[str] = "array"
    typed: ClassVar[bool] = True

    @abstractmethod
    def blocks(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int = 0
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Read rows from `start` on in blocks that end at the multiples of `step`.

        Parameters
        ----------
        wanted : sequence of tuple of str
            Names, of arrays of one length. Where several are together, they are columns of one
            number a row and make up a 2-dimensional array.
        step : int
            Rows of a block.
        start : int, default 0
            The first row.

        Yields
        ------
        tuple of ndarray
            One array a tuple of names.

        Raises
        ------
        UnusableFileError
            Where an entry is missing or is no number.
        ValueError, OSError, ...
            Any of `DAMAGE` where the file is damaged.
        """

    def read(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int = 0, where: str = ""
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Read rows as :meth:`blocks` does, and say what is wrong where that fails.

        Parameters
        ----------
        wanted, step, start
            As for :meth:`blocks`.
        where : str, default ""
            What every message begins with.

        Yields
        ------
        tuple of ndarray
            One array a tuple of names.

        Raises
        ------
        UnusableFileError
            Whatever it is that fails.
        """
        with faults_named(self.what(wanted[0][0]), where):
            yield from self.blocks(wanted, step, start)

    @cached_property
    def content_digest(self) -> bytes:
        """SHA-256 of the size and the content, of a large file of evenly spaced stripes."""
        with self.path.open("rb"):  # or it may not be read any more
            return content_digest([FileBytes(self.path)])

    def what(self, name: str) -> str:
        """Return the words for one of the arrays."""
        return f"{self.noun} {name!r}" if name else f"the {self.noun}"


def spans(n_rows: int, step: int, start: int) -> Iterator[tuple[int, int]]:
    """Cut the rows from `start` on at the multiples of `step`.

    >>> list(spans(10, 4, 0)), list(spans(10, 4, 5))
    ([(0, 4), (4, 8), (8, 10)], [(5, 8), (8, 10)])
    """
    while start < n_rows:
        stop = min((start // step + 1) * step, n_rows)
        yield start, stop
        start = stop


def read_rows(
    stream: BinaryIO, header: Header, step: int, start: int, offset: int
) -> Iterator[AnyArray]:
    """Read the rows of an array that begins at `offset` of a stream, in C order."""
    n_rows, *rest = header.shape
    stream.seek(offset + start * header.dtype.itemsize * math.prod(rest))
    for begin, end in spans(n_rows, step, start):
        block = np.empty((end - begin, *rest), header.dtype)
        if block.nbytes and stream.readinto(block.view(np.uint8).data) < block.nbytes:  # type: ignore[attr-defined]
            raise EOFError(f"rows from {begin} on are not there")
        yield block


def regrouped(
    pieces: Iterator[tuple[AnyArray, ...]], n_rows: int, step: int, start: int
) -> Iterator[tuple[AnyArray, ...]]:
    """Cut and join pieces of any lengths, of which the first begins at `start`, as `spans` says."""
    held: list[tuple[AnyArray, ...]] = []
    for begin, end in spans(n_rows, step, start):
        there = sum(len(piece[0]) for piece in held)
        while there < end - begin:
            piece = next(pieces, None)
            if piece is None:
                raise EOFError(f"rows from {begin + there} on are not there")
            held.append(piece)
            there += len(piece[0])
        over = there - (end - begin)
        last = held[-1]
        cut = len(last[0]) - over
        parts = [*held[:-1], tuple(array[:cut] for array in last)]
        held = [tuple(array[cut:] for array in last)] if over else []
        yield (
            parts[0]
            if len(parts) == 1
            else tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))
        )
