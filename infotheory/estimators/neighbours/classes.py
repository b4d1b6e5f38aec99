"""Neighbours of the same class, and what mutual information makes of them."""

from __future__ import annotations

import numpy as np

from infotheory._kernels.classes import by_class, fill_class_terms
from infotheory._typing import BoolArray, FloatArray, IntArray
from infotheory.estimators.neighbours.columns import SortedColumn, sorted_column
from infotheory.estimators.neighbours.parallel import in_chunks, workers_for

__all__ = ["ross_terms"]

_LEAST = 30_000  # points: fewer of them are searched sooner than threads are started


def ross_terms(
    x: SortedColumn, labels: IntArray, k: int, psi: FloatArray, workers: int | None = None
) -> tuple[BoolArray, FloatArray]:
    """Return which points are kept, and psi(k_i) - psi(n_class) - psi(c) of each of those.

    Points that are alone in their class are dropped first. k_i is k, or the number of others in
    the class where they are fewer; c is 1 plus the number of other points that are closer than
    the k_i-th neighbour in the class. Labels count from 0; `psi` is the table up to n.
    """
    sizes = np.bincount(labels)
    kept = sizes[labels] > 1
    if not kept.all():
        column = np.empty(kept.size)
        column[x.order] = x.values
        labels = labels[kept]
        if labels.size == 0:
            return kept, np.empty(0)
        x = sorted_column(column[kept])
        sizes[sizes == 1] = 0
    starts = np.concatenate(([0], np.cumsum(sizes)))
    ranks = by_class(x.order, labels, starts)
    grouped = x.values[ranks]
    terms = np.empty(labels.size)
    in_chunks(
        lambda start, stop: fill_class_terms(
            x.values, x.order, x.table, x.scale, starts, ranks, grouped, k, psi, start, stop, terms,
        ),
        labels.size,
        workers_for(workers, labels.size, _LEAST),
    )  # fmt: skip
    return kept, terms
