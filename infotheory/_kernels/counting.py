"""How often each integer occurs."""

from __future__ import annotations

from infotheory._jit import kernel
from infotheory._typing import IntArray

__all__ = ["count_integers", "span"]


@kernel
def span(values: IntArray, ends: IntArray) -> None:
    """Put the smallest and the largest of the values into `ends`; there is one value at least."""
    low = values[0]
    high = values[0]
    for i in range(values.size):
        low = min(low, values[i])
        high = max(high, values[i])
    ends[0] = low
    ends[1] = high


@kernel
def count_integers(values: IntArray, low: int, tables: IntArray) -> None:
    """Add how often each value v occurs to the entries v - low of four tables, in turn.

    Equal neighbours go to different tables: an increment need not wait for the one before it.
    """
    whole = values.size - values.size % 4
    for i in range(0, whole, 4):
        tables[0, values[i] - low] += 1
        tables[1, values[i + 1] - low] += 1
        tables[2, values[i + 2] - low] += 1
        tables[3, values[i + 3] - low] += 1
    for i in range(whole, values.size):
        tables[0, values[i] - low] += 1
