"""How many points have their ranks in given intervals, in two and three columns.

The product of the intervals is rounded to blocks of ``2**shift`` ranks a side, whose cumulative
counts are in a table. Each bound was moved by at most half a block: the points between where it is
and where it was moved to are counted one by one, and added or taken away. All of it is arithmetic
of integers.

``table[a, b]``
    Points with ranks below ``a << shift`` and ``b << shift``; in three columns likewise.
``partners[i, j, rank]``
    Rank in the j-th of the other columns, in their order, of the point that has this rank in column
    i; padded to a whole number of blocks with -1, which is in no interval.
``bounds[point, i]``
    First rank in the interval of column i, and the first beyond it.
"""

from __future__ import annotations

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._columns import end_above, end_below
from infotheory._typing import AnyArray, FloatArray

__all__ = ["count_in_boxes", "count_in_rectangles", "reach_of_points"]


@kernel
def reach_of_points(
    values: FloatArray, order: AnyArray, table: AnyArray, scale: float, radii: FloatArray,
    first: int, last: int, bounds: AnyArray,
) -> None:  # fmt: skip
    """Find the first rank in reach and the first beyond, of the points of ranks first..last-1.

    Radii and bounds are in the order of the data.
    """
    for rank in range(first, last):
        owner = order[rank]
        bounds[owner, 0] = end_below(values, table, scale, rank, radii[owner])
        bounds[owner, 1] = end_above(values, table, scale, rank, radii[owner])


@kernel
def _strip(partners: AnyArray, i: int, rounded: int, exact: int, low: int, high: int) -> int:
    """Count the points from a rounded bound to the exact one, less than none if that is lower."""
    start = np.uint64(min(rounded, exact))  # an index without a sign cannot count from the end,
    least, most = np.int32(low), np.int32(high - 1)  # so that the loop is one over vectors
    total = 0
    for step in range(abs(exact - rounded)):
        rank = partners[i, 0, start + np.uint64(step)]
        total += (rank >= least) & (rank <= most)
    return total if exact > rounded else -total


@kernel
def _slab(
    partners: AnyArray, i: int, rounded: int, exact: int, low: int, high: int, floor: int, roof: int
) -> int:
    """Do the same with an interval for each of two other columns."""
    start = np.uint64(min(rounded, exact))
    least, most = np.int32(low), np.int32(high - 1)
    bottom, top = np.int32(floor), np.int32(roof - 1)
    total = 0
    for step in range(abs(exact - rounded)):
        rank = partners[i, 0, start + np.uint64(step)]
        other = partners[i, 1, start + np.uint64(step)]
        total += (rank >= least) & (rank <= most) & (other >= bottom) & (other <= top)
    return total if exact > rounded else -total


@kernel
def count_in_rectangles(
    table: AnyArray, partners: AnyArray, shift: int, order: AnyArray, bounds: AnyArray,
    first: int, last: int, out: AnyArray,
) -> None:  # fmt: skip
    """Count for the points of ranks first..last-1 in the first of two columns."""
    half = (1 << shift) >> 1
    for rank in range(first, last):
        point = order[rank]
        a, b = bounds[point, 0, 0], bounds[point, 0, 1]
        c, d = bounds[point, 1, 0], bounds[point, 1, 1]
        p, q, r, s = (
            (a + half) >> shift,
            (b + half) >> shift,
            (c + half) >> shift,
            (d + half) >> shift,
        )
        total = table[q, s] - table[p, s] - table[q, r] + table[p, r]
        p, q, r, s = p << shift, q << shift, r << shift, s << shift
        total += _strip(partners, 0, q, b, r, s) - _strip(partners, 0, p, a, r, s)
        total += _strip(partners, 1, s, d, a, b) - _strip(partners, 1, r, c, a, b)
        out[point] = total


@kernel
def count_in_boxes(
    table: AnyArray, partners: AnyArray, shift: int, order: AnyArray, bounds: AnyArray,
    first: int, last: int, out: AnyArray,
) -> None:  # fmt: skip
    """Count for the points of ranks first..last-1 in the first of three columns."""
    half = (1 << shift) >> 1
    for rank in range(first, last):
        point = order[rank]
        a, b = bounds[point, 0, 0], bounds[point, 0, 1]
        c, d = bounds[point, 1, 0], bounds[point, 1, 1]
        e, f = bounds[point, 2, 0], bounds[point, 2, 1]
        p, q = (a + half) >> shift, (b + half) >> shift
        r, s = (c + half) >> shift, (d + half) >> shift
        t, u = (e + half) >> shift, (f + half) >> shift
        total = table[q, s, u] - table[p, s, u] - table[q, r, u] + table[p, r, u]
        total -= table[q, s, t] - table[p, s, t] - table[q, r, t] + table[p, r, t]
        p, q, r, s, t, u = p << shift, q << shift, r << shift, s << shift, t << shift, u << shift
        total += _slab(partners, 0, q, b, r, s, t, u) - _slab(partners, 0, p, a, r, s, t, u)
        total += _slab(partners, 1, s, d, a, b, t, u) - _slab(partners, 1, r, c, a, b, t, u)
        total += _slab(partners, 2, u, f, a, b, c, d) - _slab(partners, 2, t, e, a, b, c, d)
        out[point] = total
