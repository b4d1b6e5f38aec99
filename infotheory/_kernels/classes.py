"""Nearest neighbours within the classes of a column."""

from __future__ import annotations

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._columns import end_above, end_below
from infotheory._kernels._line import kth_distance
from infotheory._typing import AnyArray, FloatArray

__all__ = ["by_class", "fill_class_terms"]


@kernel
def by_class(order: AnyArray, labels: AnyArray, starts: AnyArray) -> AnyArray:
    """Ranks of the points of class 0, then of class 1, ...: those of each class ascend."""
    ranks = np.empty(order.size, dtype=np.int32)
    free = starts.copy()
    for rank in range(order.size):
        label = labels[order[rank]]
        ranks[free[label]] = rank
        free[label] += 1
    return ranks


@kernel
def fill_class_terms(
    values: FloatArray,
    order: AnyArray,
    table: AnyArray,
    scale: float,
    labels: AnyArray,
    starts: AnyArray,
    ranks: AnyArray,
    grouped: FloatArray,
    k: int,
    psi: FloatArray,
    start: int,
    stop: int,
    terms: FloatArray,
) -> None:
    """Write the term of each point of places `start` to `stop` of `ranks`.

    `grouped` are the numbers of these ranks. A class has no fewer than two of them.
    """
    for place in range(start, stop):
        rank = ranks[place]
        point = order[rank]
        first, end = starts[labels[point]], starts[labels[point] + 1]
        size = end - first
        nearest = min(k, size - 1)
        e = kth_distance(grouped, place, first, end, nearest)
        near = end_above(values, table, scale, rank, e) - end_below(values, table, scale, rank, e)
        terms[point] = psi[nearest] - psi[size] - psi[near]
