"""Neighbours in one column."""

from __future__ import annotations

import numpy as np

from infotheory._kernels.line import fill_kth_distances
from infotheory._typing import FloatArray
from infotheory.estimators.neighbours.columns import SortedColumn
from infotheory.estimators.neighbours.parallel import in_chunks, workers_for

__all__ = ["kth_distances_sorted"]

_LEAST = 100_000  # points: fewer of them are searched sooner than threads are started


def kth_distances_sorted(column: SortedColumn, k: int, workers: int | None = None) -> FloatArray:
    """Return the distance of each number to the k-th nearest of the others, in original order."""
    n = column.values.size
    distances = np.empty(n)
    in_chunks(
        lambda start, stop: fill_kth_distances(
            column.values, column.order, k, start, stop, distances
        ),
        n,
        workers_for(workers, n, _LEAST),
    )
    return distances
