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

    `grouped` are the numbers of these ranks. A class has none, or no fewer than two of them.
    """
    for label in range(starts.size - 1):
        first, end = starts[label], starts[label + 1]
        size = end - first
        nearest = min(k, size - 1)
        for place in range(max(first, start), min(end, stop)):
            rank = ranks[place]
            e = kth_distance(grouped, place, first, end, nearest)
            above = end_above(values, table, scale, rank, e)
            near = above - end_below(values, table, scale, rank, e)
            terms[order[rank]] = psi[nearest] - psi[size] - psi[near]
