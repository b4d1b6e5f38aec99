"""Counts of points within a distance in some columns of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from infotheory._kernels.rectangles import (
    count_in_boxes,
    count_in_rectangles,
    reach_of_points,
)
from infotheory._typing import AnyArray, FloatArray
from infotheory.estimators.neighbours.columns import SortedColumn
from infotheory.estimators.neighbours.parallel import in_chunks, workers_for
from infotheory.estimators.neighbours.tree import build_tree, count_within

__all__ = ["Marginal", "reach_in"]

_LEAST = 10_000  # points; fewer are served by one thread sooner than by two


class Marginal:
    """Some columns of the data, prepared for counts within any radii in the max norm.

    The ball around a point is a product of intervals. Each is found in its sorted column, as an
    interval of ranks, so that points are counted by comparing integers: one column needs nothing
    else, two and three a table of counts (see ``_kernels/rectangles.py``), and more a k-d tree.

    Parameters
    ----------
    columns : sequence of SortedColumn
        Of equal length, in any order.
    workers : int, optional
        Number of threads that prepare them; None for as many as pay.
    """

    def __init__(self, columns: Sequence[SortedColumn], *, workers: int | None = None) -> None:
        self._columns = columns
        n = columns[0].values.size
        if len(columns) > 3:
            points = np.empty((n, len(columns)))
            for j, column in enumerate(columns):
                points[column.order, j] = column.values
            self._tree = build_tree(points, workers=workers)
        elif len(columns) > 1:
            self._shift = _block_shift(n, len(columns))
            self._table = _cumulative_counts(columns, self._shift)
            self._partners = _partners(columns, self._shift)

    def count(
        self,
        radii: FloatArray,
        *,
        workers: int | None = None,
        reaches: Sequence[AnyArray] | None = None,
    ) -> AnyArray:
        """Return how many points are nearer to each point than its radius in all columns.

        Radii and counts are in the order of the data. The point itself counts, whatever the radius.
        For the points up to and at the radius, give ``np.nextafter(radii, np.inf)``. `reaches` are
        those of the columns, where they are known.
        """
        columns = self._columns
        n = radii.size
        if len(columns) > 3:
            return np.maximum(count_within(self._tree, radii, workers=workers), 1)
        if reaches is None:
            reaches = [reach_in(column, radii, workers=workers) for column in columns]
        if len(columns) == 1:
            return reaches[0][:, 1] - reaches[0][:, 0]
        bounds = np.stack(reaches, axis=1)
        counts = np.empty(n, dtype=np.int32)

        def count(first: int, last: int) -> None:
            kernel = count_in_rectangles if len(columns) == 2 else count_in_boxes
            kernel(
                self._table, self._partners, self._shift, columns[0].order, bounds, first, last,
                counts,
            )  # fmt: skip

        in_chunks(count, n, workers_for(workers, n, _LEAST))
        return counts


def reach_in(column: SortedColumn, radii: FloatArray, *, workers: int | None = None) -> AnyArray:
    """Return the first rank within the radius of each point and the first beyond, shape (n, 2)."""
    bounds = np.empty((radii.size, 2), dtype=np.int32)

    def reach(first: int, last: int) -> None:
        reach_of_points(
            column.values, column.order, column.table, column.scale, radii, first, last, bounds
        )

    in_chunks(reach, radii.size, workers_for(workers, radii.size, _LEAST))
    return bounds


def _block_shift(n: int, d: int) -> int:
    """Choose blocks for which the table and the corrections together cost the least.

    The time of a correction grows with the side of a block, and the table with the number of
    blocks. With this side, found by measurement, the table has at most 7 n entries.
    """
    return round(math.log2(0.75 * n ** ((d - 1) / d)))


def _cumulative_counts(columns: Sequence[SortedColumn], shift: int) -> AnyArray:
    n, d = columns[0].values.size, len(columns)
    edges = (n - 1 >> shift) + 2
    place = np.zeros(n, dtype=np.int64)
    for column in columns:
        place = place * edges + (column.ranks >> shift) + 1
    table = np.bincount(place, minlength=edges**d).astype(np.int32).reshape((edges,) * d)
    for axis in range(d):
        np.cumsum(table, axis=axis, out=table)
    return table


def _partners(columns: Sequence[SortedColumn], shift: int) -> AnyArray:
    n, d = columns[0].values.size, len(columns)
    padded = (n - 1 >> shift) + 1 << shift
    partners = np.full((d, d - 1, padded), -1, dtype=np.int32)
    for i, column in enumerate(columns):
        others = [other for j, other in enumerate(columns) if j != i]
        for row, other in zip(partners[i], others, strict=True):
            row[:n] = other.ranks[column.order]
    return partners
