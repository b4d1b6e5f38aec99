"""One sorted column, and which of its points lie within a distance of one of them.

A record of a column of n numbers holds

``order``
    Where the number of each rank is in the column: ``values = column[order]`` ascends.
``ranks``
    The inverse of it: ``ranks[order[r]] == r``. Equal numbers have ranks in any order.
``table``
    For each of n buckets of equal width, the first rank whose number lies in it or beyond; and n.
``scale``
    Buckets a unit; 0 where all numbers are in one bucket.

The table only guesses where an interval ends. The end is decided by ``value - other < radius``,
which is monotone in the other number as rounded, and is what a comparison of all pairs would use.
"""

from __future__ import annotations

from infotheory._jit import kernel
from infotheory._typing import AnyArray, FloatArray

__all__ = ["bucket", "end_above", "end_below", "fill_record"]

_NEAR = 8  # so many steps cost less than bisection


@kernel
def bucket(offset: float, scale: float, n: int) -> int:
    """Number of the bucket of a number at this distance from the smallest one."""
    place = offset * scale
    if not place > 0.0:  # nan where an infinite reach meets one bucket
        return 0
    return int(min(place, n - 1.0))


@kernel
def fill_record(
    values: FloatArray, order: AnyArray, scale: float, ranks: AnyArray, table: AnyArray
) -> int:
    """Fill ranks (n) and table (n + 1) of ascending values; return how many are distinct."""
    n = values.size
    filled = 0
    distinct = 0
    for r in range(n):
        ranks[order[r]] = r
        if r == 0 or values[r] != values[r - 1]:
            distinct += 1
        b = bucket(values[r] - values[0], scale, n)
        while filled <= b:
            table[filled] = r
            filled += 1
    table[filled:] = n
    return distinct


@kernel
def end_above(values: FloatArray, table: AnyArray, scale: float, rank: int, radius: float) -> int:
    """First rank above `rank` whose number is at least `radius` above that of `rank`."""
    n = values.size
    value = values[rank]
    b = bucket(value + radius - values[0], scale, n)
    end: int = max(table[b], rank + 1)
    while end > rank + 1 and values[end - 1] - value >= radius:
        end -= 1
    beyond = table[b + 1]
    if beyond - end > _NEAR:
        while end < beyond:  # the first of them that is too far
            middle = (end + beyond) >> 1
            if values[middle] - value < radius:
                end = middle + 1
            else:
                beyond = middle
    while end < n and values[end] - value < radius:
        end += 1
    return end


@kernel
def end_below(values: FloatArray, table: AnyArray, scale: float, rank: int, radius: float) -> int:
    """Smallest rank up to `rank` whose number is less than `radius` below that of `rank`."""
    n = values.size
    value = values[rank]
    b = bucket(value - radius - values[0], scale, n)
    end: int = min(table[b + 1], rank)
    while end < rank and value - values[end] >= radius:
        end += 1
    beyond = table[b]
    if end - beyond > _NEAR:
        while beyond < end:
            middle = (beyond + end) >> 1
            if value - values[middle] < radius:
                end = middle
            else:
                beyond = middle + 1
    while end > 0 and value - values[end - 1] < radius:
        end -= 1
    return end
