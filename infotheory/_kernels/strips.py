"""Nearest neighbours in the plane, by strips of points of similar x that are sorted by y.

The distance of two points is the larger one of their distances in x and in y. The points are cut
into strips of some ``sqrt(2 k n)`` points, and only where x changes. The search of a point goes
up and down its own strip as long as the difference in y alone leaves a chance, and then through
the strips beside it as long as the gap in x leaves one.

A distance is the larger one of two rounded differences, and all bounds are such differences too,
which are monotone in the other number; so the k-th distance is that of a comparison of all pairs
bit for bit, whatever the strips are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._columns import end_above, end_below
from infotheory._typing import AnyArray, FloatArray

__all__ = ["Strips", "fill_radii", "fill_terms", "lay_out"]


class Strips(NamedTuple):
    """Points strip by strip, by y within a strip, with y = -inf before it and y = inf after it.

    Attributes
    ----------
    starts : ndarray of int32, shape (strips + 1,)
        Place of the first sentinel of each strip, and the number of places.
    before, after : ndarray of float64, shape (strips,)
        Largest x of the strip before each, -inf for the first; smallest x of the strip after it.
    x, y : ndarray of float64, shape (n + 2 strips,)
        Coordinates.
    ids, x_ranks, y_ranks : ndarray of int32, shape (n + 2 strips,)
        Which point it is; and its ranks in the two columns. Arbitrary at a sentinel.
    """

    starts: AnyArray
    before: FloatArray
    after: FloatArray
    x: FloatArray
    y: FloatArray
    ids: AnyArray
    x_ranks: AnyArray
    y_ranks: AnyArray


@kernel
def _cut(values: FloatArray, width: int) -> AnyArray:
    """First rank of each strip of ascending values, and their number."""
    n = values.size
    first = np.empty(n // width + 2, dtype=np.int32)
    first[0] = 0
    strips = 1
    rank = width
    while rank < n:
        if values[rank] == values[rank - 1]:
            rank += 1
        else:
            first[strips] = rank
            strips += 1
            rank += width
    first[strips] = n
    return first[: strips + 1]


@kernel
def _width(x_values: FloatArray, y_values: FloatArray, k: int) -> int:
    """Points of a strip: as many as make it about as wide as the k nearest of a point reach.

    That is ``sqrt(2 k n)`` where x and y spread alike. In a plane that is long and flat it takes
    fewer points of the long axis, or more of the short one.
    """
    n = x_values.size
    x_spread = x_values[3 * n // 4] - x_values[n // 4]
    y_spread = y_values[3 * n // 4] - y_values[n // 4]
    shape = 1.0
    if 0.0 < x_spread < np.inf and 0.0 < y_spread < np.inf:
        shape = y_spread / x_spread
    return int(min(max(math.sqrt(2.0 * k * n * shape), 2.0 * k), float(n)))


@kernel
def lay_out(
    x_values: FloatArray, x_ranks: AnyArray, y_values: FloatArray, y_order: AnyArray, k: int
) -> Strips:
    """Deal the points, in the order of y, to the strips of x: no second sort."""
    n = x_values.size
    first = _cut(x_values, _width(x_values, y_values, k))
    n_strips = first.size - 1
    size = n + 2 * n_strips
    starts = np.empty(n_strips + 1, dtype=np.int32)
    before = np.empty(n_strips)
    after = np.empty(n_strips)
    x = np.empty(size)
    y = np.empty(size)
    ids = np.empty(size, dtype=np.int32)
    ranks_x = np.empty(size, dtype=np.int32)
    ranks_y = np.empty(size, dtype=np.int32)
    strip_of = np.empty(n, dtype=np.int32)
    free = np.empty(n_strips, dtype=np.int32)
    starts[n_strips] = size
    before[0] = -np.inf
    after[n_strips - 1] = np.inf
    for s in range(n_strips):
        start, stop = first[s], first[s + 1]
        starts[s] = start + 2 * s
        free[s] = start + 2 * s + 1
        if s > 0:
            before[s] = x_values[start - 1]
            after[s - 1] = x_values[start]
        strip_of[start:stop] = s
        for place, sentinel in ((start + 2 * s, -np.inf), (stop + 2 * s + 1, np.inf)):
            x[place] = 0.0
            y[place] = sentinel
    for rank in range(n):
        point = y_order[rank]
        x_rank = x_ranks[point]
        s = strip_of[x_rank]
        place = free[s]
        free[s] = place + 1
        x[place] = x_values[x_rank]
        y[place] = y_values[rank]
        ids[place] = point
        ranks_x[place] = x_rank
        ranks_y[place] = rank
    return Strips(starts, before, after, x, y, ids, ranks_x, ranks_y)


@kernel
def _push(
    a: float, b: float, c: float, d: float, new: float
) -> tuple[float, float, float, float, float]:
    """Insert into four ascending numbers; the fifth result is the number that falls out."""
    return (
        min(a, new),
        min(b, max(a, new)),
        min(c, max(b, new)),
        min(d, max(c, new)),
        max(d, new),
    )


@kernel
def _displace(best: FloatArray, new: float) -> float:
    """Insert into an array of ascending numbers; return the number that falls out."""
    j = best.size - 1
    if new >= best[j]:
        return new
    out: float = best[j]
    while j > 0 and best[j - 1] > new:
        best[j] = best[j - 1]
        j -= 1
    best[j] = new
    return out


@kernel
def _first_from(ys: FloatArray, low: int, high: int, y: float) -> int:
    """First place of a range of ascending numbers, the last of them inf, that is at least y."""
    while low < high:
        middle = (low + high) >> 1
        if ys[middle] < y:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _radius(
    plane: Strips,
    strip: int,
    point: int,
    k: int,
    best: FloatArray,
    marks: AnyArray,
    places: AnyArray,
) -> float:
    """Distance to the k-th nearest of the other points; `point` is a place in the strip.

    Of the k smallest distances the largest four are in registers, and so are the next four; the
    others are in `best`. Where the search of a point of this strip has been in another strip,
    which is ``marks[other] == strip``, its y was no larger: `places[other]` is where to look on.
    """
    xs, ys, starts = plane.x, plane.y, plane.starts
    x, y = xs[point], ys[point]
    best[:] = np.inf
    p = -np.inf if k < 8 else np.inf
    q = -np.inf if k < 7 else np.inf
    r = -np.inf if k < 6 else np.inf
    s = np.inf
    a = -np.inf if k < 4 else np.inf
    b = -np.inf if k < 3 else np.inf
    c = -np.inf if k < 2 else np.inf
    d = np.inf
    low, high = point - 1, point + 1
    left, right = strip, strip  # what lies between them has been searched
    while True:
        below = y - ys[low]
        above = ys[high] - y
        down = below < d
        up = above < d
        # One hard guess a strip and not one a point: what comes too late to count is inserted
        # all the same and falls out, and a pointer that has come to its end stays there.
        while down or up:
            for distance in (max(below, abs(xs[low] - x)), max(above, abs(xs[high] - x))):
                new = distance
                if k > 4:
                    if k > 8:
                        new = _displace(best, new)
                    p, q, r, s, new = _push(p, q, r, s, new)
                a, b, c, d, _ = _push(a, b, c, d, new)
            low -= down
            high += up
            below = y - ys[low]
            above = ys[high] - y
            down = below < d
            up = above < d
        to_left = x - plane.before[left]
        to_right = plane.after[right] - x
        if min(to_left, to_right) >= d:
            return d
        if to_left < to_right:
            left -= 1
            other = left
        else:
            right += 1
            other = right
        if marks[other] == strip:
            high = places[other]
            while ys[high] < y:
                high += 1
        else:
            marks[other] = strip
            high = _first_from(ys, starts[other] + 1, starts[other + 1] - 1, y)
        places[other] = high
        low = high - 1


@kernel
def _scratch(plane: Strips, k: int) -> tuple[FloatArray, AnyArray, AnyArray]:
    """What `_radius` keeps from one point to the next: best, marks, places."""
    n_strips = plane.before.size
    return (
        np.empty(max(0, k - 8)),
        np.full(n_strips, -1, dtype=np.int32),
        np.empty(n_strips, dtype=np.int32),
    )


@kernel
def fill_radii(plane: Strips, start: int, stop: int, k: int, radii: FloatArray) -> None:
    """Write the radius of each point of strips `start` to `stop`."""
    best, marks, places = _scratch(plane, k)
    for strip in range(start, stop):
        for point in range(plane.starts[strip] + 1, plane.starts[strip + 1] - 1):
            radii[plane.ids[point]] = _radius(plane, strip, point, k, best, marks, places)


@kernel
def _add(
    radii: FloatArray,
    ids: AnyArray,
    ranks: AnyArray,
    values: FloatArray,
    table: AnyArray,
    scale: float,
    psi: FloatArray,
    terms: FloatArray,
) -> None:
    """Add psi of the count in one column, within its radius, to the term of each of some points."""
    for i in range(ids.size):
        rank, radius = ranks[i], radii[i]
        end = end_above(values, table, scale, rank, radius)
        terms[ids[i]] += psi[end - end_below(values, table, scale, rank, radius)]


@kernel
def fill_terms(
    plane: Strips,
    start: int,
    stop: int,
    x_values: FloatArray,
    x_table: AnyArray,
    x_scale: float,
    y_values: FloatArray,
    y_table: AnyArray,
    y_scale: float,
    k: int,
    psi: FloatArray,
    terms: FloatArray,
) -> None:
    """Add psi of the counts in x and in y within its radius to the term of each point, which is 0.

    A strip at a time, in three loops: in loops this short the processor fetches what it needs
    for several points at once, which takes a fifth off a million points.
    """
    best, marks, places = _scratch(plane, k)
    radii = np.empty(plane.x.size)
    for strip in range(start, stop):
        first, end = plane.starts[strip] + 1, plane.starts[strip + 1] - 1
        for point in range(first, end):
            radii[point - first] = _radius(plane, strip, point, k, best, marks, places)
        ids = plane.ids[first:end]
        _add(radii, ids, plane.x_ranks[first:end], x_values, x_table, x_scale, psi, terms)
        _add(radii, ids, plane.y_ranks[first:end], y_values, y_table, y_scale, psi, terms)
