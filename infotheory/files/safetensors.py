"""Arrays in safetensors files, read at the offsets of their header."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from infotheory._typing import AnyArray
from infotheory.files.source import Header, Source, UnusableFileError, read_rows

__all__ = ["LONGEST_HEADER", "SafetensorsSource", "open_safetensors"]

LONGEST_HEADER = 100_000_000
"""In bytes; the limit that the format itself sets."""

_MOST_DIMENSIONS = 64  # of an array of numpy


# Numpy has no such type. It names one like this by its class and its bits, "bfloat16", and by that
# name `as_outputs` tells these bits from integers.
bfloat = type("bfloat", (np.void,), {})
_BFLOAT16 = np.dtype((bfloat, [("bits", "<i2")]))

_TYPES: dict[str, np.dtype[Any]] = {
    "BF16": _BFLOAT16,
    "BOOL": np.dtype(np.bool_),
    **{
        f"{kind}{8 * size}": np.dtype(f"<{kind.lower()}{size}")
        for kind in "IU"
        for size in (1, 2, 4, 8)
    },
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}


@dataclass(frozen=True, eq=False)
class SafetensorsSource(Source):
    """A safetensors file: arrays one after another, behind a header in JSON."""

    format: ClassVar[str] = "safetensors"

    offsets: dict[str, int] = field(default_factory=dict)

    def blocks(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int = 0
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Read rows in blocks, as the base class says."""
        with ExitStack() as stack:
            readers = [
                read_rows(
                    stack.enter_context(self.path.open("rb")),
                    self.arrays[name],
                    step,
                    start,
                    self.offsets[name],
                )
                for (name,) in wanted
            ]
            yield from zip(*readers, strict=True)


def open_safetensors(path: Path) -> SafetensorsSource:
    """Read and check the header of a safetensors file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    SafetensorsSource

    Raises
    ------
    ValueError
        If the header is malformed, or does not describe the bytes that are there exactly: arrays
        lie one behind the other, without gaps and without overlaps.
    UnusableFileError
        If it holds no array.
    """
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        size = path.stat().st_size - 8 - length
        if length > LONGEST_HEADER or size < 0:
            raise ValueError(f"a header of {length} bytes is announced")
        header = json.loads(stream.read(length).decode("utf-8"), object_pairs_hook=_unique)
    header.pop("__metadata__", None)
    if not header:
        raise UnusableFileError("it is a safetensors file without arrays.")
    arrays: dict[str, Header] = {}
    offsets: dict[str, int] = {}
    notes = []
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: _span(*item)):
        begin, stop = _span(name, entry)
        shape, kind = _whole_numbers(entry, "shape"), entry.get("dtype")
        if begin != end:
            raise ValueError(f"array {name!r} begins at byte {begin} and not at {end}")
        end = stop
        if not isinstance(kind, str) or kind not in _TYPES:
            notes.append(f"{name!r} is of the type {kind}: passed over")
            continue
        needed = math.prod(shape) * _TYPES[kind].itemsize
        if stop - begin != needed:
            raise ValueError(f"array {name!r} needs {needed} bytes and has {stop - begin}")
        arrays[name] = Header(shape, _TYPES[kind])
        offsets[name] = 8 + length + begin
    if end != size:
        raise ValueError(f"{end} bytes announced, {size} there")
    # JSON keeps the order in which the arrays were named; that of the bytes goes by their types.
    arrays = {name: arrays[name] for name in header if name in arrays}
    return SafetensorsSource(path, arrays, tuple(notes), offsets)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in the header")
    return found


def _span(name: str, entry: Any) -> tuple[int, int]:
    place = _whole_numbers(entry, "data_offsets")
    if len(place) != 2 or place[0] > place[1]:
        raise ValueError(f"array {name!r} has no place in the file")
    return place[0], place[1]


def _whole_numbers(entry: Any, field: str) -> tuple[int, ...]:
    """Return a list of whole numbers in the header as a tuple."""
    numbers = entry.get(field) if isinstance(entry, dict) else None
    if not isinstance(numbers, list) or len(numbers) > _MOST_DIMENSIONS:
        numbers = [None]
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError(f"the header gives no {field} of an array")
    return tuple(numbers)
