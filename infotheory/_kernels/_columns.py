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

The guess is a little short, by a small part of a bucket: places are off by a few roundings of
numbers up to n < 2**31, far less than that, so it never lies beyond the end and need not be taken
back. What follows has no branch that depends on the numbers unless there are many of them, for
such a branch costs more than all the rest.
"""

from __future__ import annotations

from infotheory._jit import kernel
from infotheory._typing import AnyArray, FloatArray

__all__ = ["bucket", "end_above", "end_below", "fill_record"]

_SHORT = 2.0**-10  # buckets
_STEPS = 4  # that are taken without a branch
_NEAR = 8  # so many steps cost less than bisection


@kernel
def bucket(place: float, n: int) -> int:
    """Number of the bucket at a place, in buckets from the smallest number on."""
    if not place > 0.0:  # nan where an infinite reach meets one bucket
        return 0
    return int(min(place, n - 1.0))


@kernel
def fill_record(
    values: FloatArray, order: AnyArray, scale: float, ranks: AnyArray, table: AnyArray
) -> int:
    """Fill ranks (n) and table (n + 1) of ascending values; return how many are distinct."""
    n = values.size
    table[:] = 0
    distinct = 1
    for r in range(n):
        ranks[order[r]] = r
        distinct += int(values[r] != values[max(r - 1, 0)])
        table[bucket((values[r] - values[0]) * scale, n) + 1] += 1
    for b in range(n):
        table[b + 1] += table[b]
    return distinct


@kernel
def end_above(values: FloatArray, table: AnyArray, scale: float, rank: int, radius: float) -> int:
    """First rank above `rank` whose number is at least `radius` above that of `rank`."""
    n = values.size
    value = values[rank]
    b = bucket((value - values[0] + radius) * scale - _SHORT, n)
    end: int = max(table[b], rank + 1)
    beyond = table[b + 1]
    if beyond - end > _NEAR:
        while end < beyond:  # the first of them that is too far
            middle = (end + beyond) >> 1
            if values[middle] - value < radius:
                end = middle + 1
            else:
                beyond = middle
    if end + _STEPS <= n:
        within = 0
        for step in range(_STEPS):
            within += int(values[end + step] - value < radius)
        end += within
        if within < _STEPS:
            return end
    while end < n and values[end] - value < radius:
        end += 1
    return end


@kernel
def end_below(values: FloatArray, table: AnyArray, scale: float, rank: int, radius: float) -> int:
    """Smallest rank up to `rank` whose number is less than `radius` below that of `rank`."""
    n = values.size
    value = values[rank]
    b = bucket((value - values[0] - radius) * scale + _SHORT, n)
    end: int = min(table[b + 1], rank)
    beyond = table[b]
    if end - beyond > _NEAR:
        while beyond < end:
            middle = (beyond + end) >> 1
            if value - values[middle] < radius:
                end = middle
            else:
                beyond = middle + 1
    if end >= _STEPS:
        within = 0
        for step in range(1, _STEPS + 1):
            within += int(value - values[end - step] < radius)
        end -= within
        if within < _STEPS:
            return end
    while end > 0 and value - values[end - 1] < radius:
        end -= 1
    return end
