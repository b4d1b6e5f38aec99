"""Counts as they are handed in, checked; counts of plain integers, fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, BoolArray, IntArray
from infotheory._validation import refusal
from infotheory.estimators.reading import is_narrow

__all__ = ["as_counts", "refuse_masked", "table_of_integers", "whole_counts"]

_MOST = 2**53  # whole numbers above it are not exact in double precision
_COMPILED = 1 << 17  # so many samples repay loading the compiled loops
_WIDEST = 1 << 14  # four tables of this width stay in the fast caches


def as_counts(counts: Any) -> IntArray:
    """Return counts as a 1-D array of positive integers, without the symbols not seen."""
    counts = list(counts.values()) if isinstance(counts, Mapping) else counts
    refuse_masked(counts)
    array = np.asarray(counts)
    if array.ndim != 1:
        raise refusal(
            "counts",
            "1-dimensional, one entry a symbol",
            f"shape {array.shape}",
            "Use counts.ravel() if every cell is a symbol.",
        )
    whole = whole_counts(array)
    return whole[whole > 0]


def refuse_masked(counts: Any) -> None:
    """Refuse the first masked entry, which numpy.asarray would count; rows may have masks too."""
    nested = isinstance(counts, (list, tuple))
    for row, part in enumerate(counts if nested else [counts]):
        if isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part):
            entry = (row,) * nested + _first(np.ma.getmaskarray(part))
            raise refusal(
                "counts",
                "without masked entries",
                f"one at entry {_named(entry)}",
                "Fill them, with counts.filled(0) where nothing was seen, or leave them out.",
            )


def whole_counts(array: AnyArray) -> IntArray:
    """Return an array of counts, of any shape, as int64, or refuse the first that is none."""
    whole = _as_integers(array)
    if whole.size and whole.min() < 0:
        entry = _first(whole < 0)
        raise refusal("counts", "at least 0", f"{whole[entry]} at entry {_named(entry)}")
    total = float(whole.sum(dtype=np.float64))
    if not 0 < total < _MOST:
        raise refusal(
            "counts",
            "have a sum from 1 to 2**53",
            f"{total:g} over {whole.size} entries",
            "Pass how often each symbol was seen.",
        )
    return whole.astype(np.int64, copy=False)


def _as_integers(array: AnyArray) -> AnyArray:
    if array.dtype.kind in "iu" or array.size == 0:
        return array.astype(np.int64) if array.size == 0 else array
    fact, fix = f"dtype {array.dtype}", "Convert whole numbers with .astype(int)."
    if array.dtype.kind == "f" and np.isnan(array).any():
        entry = _named(_first(np.isnan(array)))
        fact, fix = f"nan at entry {entry}", "Leave out symbols without a count."
    if array.dtype.kind == "O":  # Python's integers, or pandas' own
        for place, count in np.ndenumerate(array):
            if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
                fact = f"{count!r} at entry {_named(place)}"
                fix = "Pass whole numbers, zero for none."
                break
        else:
            return np.maximum(np.minimum(array, _MOST), -_MOST).astype(np.int64)
    raise TypeError(str(refusal("counts", "integers", fact, fix)))


def _first(wrong: BoolArray) -> tuple[int, ...]:
    return tuple(np.argwhere(wrong)[0].tolist())


def _named(entry: tuple[int, ...]) -> str:
    """Name an entry by its number, or by those along each axis."""
    return str(entry[0] if len(entry) == 1 else entry)


def table_of_integers(samples: IntArray) -> tuple[int, IntArray] | None:
    """Count integers that lie close together, or return None where a table would not pay.

    Parameters
    ----------
    samples : ndarray of int64, contiguous, shape (n,)

    Returns
    -------
    low : int
        The smallest sample.
    table : ndarray of int
        How often each integer from it on occurs.
    """
    if samples.size == 0:
        return None
    compiled = samples.size >= _COMPILED
    low, high = _span(samples) if compiled else (int(samples.min()), int(samples.max()))
    if not is_narrow(low, high, samples.size):
        return None
    if compiled and high - low < _WIDEST:
        return low, _fast_table(samples, low, high)
    return low, np.bincount(samples - low)


def _span(samples: IntArray) -> tuple[int, int]:
    from infotheory._kernels.counting import span

    ends = np.empty(2, dtype=np.int64)
    span(samples, ends)
    return int(ends[0]), int(ends[1])


def _fast_table(samples: IntArray, low: int, high: int) -> IntArray:
    from infotheory._kernels.counting import count_integers

    tables = np.zeros((4, high - low + 1), dtype=np.int64)
    count_integers(samples, low, tables)
    table: IntArray = tables.sum(axis=0)
    return table
