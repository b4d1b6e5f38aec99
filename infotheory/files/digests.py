"""Names for content: SHA-256 over all of it, or over stripes of it where there is a lot."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from infotheory._typing import AnyArray

__all__ = ["ArrayBytes", "FileBytes", "Piece", "content_digest"]

_STRIPE = 1 << 20  # bytes that are hashed together
_STRIPES = 64  # of content that is not hashed whole


class Piece(ABC):
    """Some bytes, read where they are wanted.

    Attributes
    ----------
    size : int
        How many there are.
    """

    size: int

    @abstractmethod
    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, all of which are there."""


class FileBytes(Piece):
    """The bytes of a file; one that cannot be read has none.

    Parameters
    ----------
    path : Path
        Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size if os.access(path, os.R_OK) else 0

    def read(self, start: int, length: int) -> bytes:
        """Read some of them."""
        with self.path.open("rb") as stream:
            stream.seek(start)
            return stream.read(length)


class ArrayBytes(Piece):
    """The bytes of an array in C order, of which no copy is made.

    Parameters
    ----------
    array : ndarray
        With at least one row.
    """

    def __init__(self, array: AnyArray) -> None:
        self.array = array
        self.size = array.nbytes
        self._row = array.nbytes // len(array)

    def read(self, start: int, length: int) -> bytes:
        """Copy some of them."""
        first = start // self._row
        rows = self.array[first : -(-(start + length) // self._row)].tobytes()
        return rows[start - first * self._row :][:length]


def content_digest(pieces: Sequence[Piece]) -> bytes:
    """Hash the sizes of some pieces, and what they hold one behind the other.

    Parameters
    ----------
    pieces : sequence of Piece
        Files, or arrays.

    Returns
    -------
    bytes
        SHA-256 over the size of all and the content: the whole of it up to 64 MiB, and 64 evenly
        spaced stripes of 1 MiB of a longer one, the first and the last among them.
    """
    starts = [0, *accumulate(piece.size for piece in pieces)]
    size = starts[-1]
    digest = hashlib.sha256(f"{size}:".encode())
    stripes = min(max(2, -(-size // _STRIPE)), _STRIPES)  # without gaps, where they suffice
    for number in range(stripes):
        begin = number * max(0, size - _STRIPE) // (stripes - 1)
        end = min(begin + _STRIPE, size)
        which = bisect_right(starts, begin) - 1
        while begin < end:
            length = min(end, starts[which + 1]) - begin
            if length:  # nothing is asked of a piece without bytes
                digest.update(pieces[which].read(begin - starts[which], length))
            begin += length
            which += 1
    return digest.digest()
