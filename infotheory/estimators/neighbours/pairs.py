"""Neighbours in the plane of two columns, and what mutual information makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice

import numpy as np

from infotheory._kernels.strips import fill_radii, fill_terms, lay_out
from infotheory._kernels.strips_many import fill_pair_terms, fill_permuted_terms
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.estimators.neighbours.columns import SortedColumn
from infotheory.estimators.neighbours.parallel import in_chunks, workers_for

__all__ = ["ksg1_many", "ksg1_permuted", "ksg1_terms", "radii"]

_LEAST = 10_000  # points: fewer of them are searched sooner than threads are started
_GROUP = 1 << 21  # terms that are held at a time, 16 MiB: half a second of work for a thread


def _strips_first(x: SortedColumn, y: SortedColumn) -> tuple[SortedColumn, SortedColumn]:
    """The column with fewer values is cut into strips: they are cut only where it changes."""
    return (y, x) if y.n_distinct < x.n_distinct else (x, y)


def radii(x: SortedColumn, y: SortedColumn, k: int, workers: int | None = None) -> FloatArray:
    """Return the max-norm distance of each point to its k-th neighbour in the plane."""
    x, y = _strips_first(x, y)
    plane = lay_out(x.values, x.ranks, y.values, y.order, k)
    result = np.empty(x.values.size)
    in_chunks(
        lambda start, stop: fill_radii(plane, start, stop, k, result),
        plane.before.size,
        workers_for(workers, x.values.size, _LEAST),
    )
    return result


def ksg1_terms(
    x: SortedColumn, y: SortedColumn, k: int, psi: FloatArray, workers: int | None = None
) -> FloatArray:
    """Return psi(c_x) + psi(c_y) of each point.

    c is 1 plus the number of other points that are closer to it, in this column, than its k-th
    neighbour is in the plane. `psi` is the table of the digamma function up to n.
    """
    x, y = _strips_first(x, y)
    plane = lay_out(x.values, x.ranks, y.values, y.order, k)
    terms = np.zeros(x.values.size)
    in_chunks(
        lambda start, stop: fill_terms(
            plane, start, stop, x.values, x.table, x.scale, y.values, y.table, y.scale, k, psi,
            terms,
        ),
        plane.before.size,
        workers_for(workers, x.values.size, _LEAST),
    )  # fmt: skip
    return terms


def ksg1_many(
    columns: Sequence[SortedColumn],
    pairs: IntArray,
    k: int,
    psi: FloatArray,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> FloatArray:
    """Return the mean of ``ksg1_terms(columns[i], columns[j], k, psi)`` for each pair (i, j).

    The means are the same to the last bit. Columns have the same length; `progress` is told now
    and then how many pairs more are done.
    """
    values = np.stack([column.values for column in columns])
    order = np.stack([column.order for column in columns])
    ranks = np.stack([column.ranks for column in columns])
    table = np.stack([column.table for column in columns])
    scale = np.array([column.scale for column in columns])
    n_distinct = np.array([column.n_distinct for column in columns])
    swapped = n_distinct[pairs[:, 1]] < n_distinct[pairs[:, 0]]
    pairs = np.where(swapped[:, np.newaxis], pairs[:, ::-1], pairs)

    def fill(group: AnyArray, terms: FloatArray, start: int, stop: int) -> None:
        fill_pair_terms(values, order, ranks, table, scale, group, k, psi, start, stop, terms)

    return _means(fill, pairs, values.shape[1], workers, progress)


def ksg1_permuted(
    x: SortedColumn,
    y: SortedColumn,
    permutations: Iterable[IntArray],
    k: int,
    psi: FloatArray,
    workers: int | None = None,
) -> FloatArray:
    """Return the mean of the terms of x and ``y[permutation]`` for each permutation.

    The means are the same, to the last bit, as if the permuted column had been sorted. Each
    permutation must name every point once.
    """

    def fill(group: AnyArray, terms: FloatArray, start: int, stop: int) -> None:
        fill_permuted_terms(
            x.values, x.order, x.ranks, x.table, x.scale, y.values, y.ranks, y.table, y.scale,
            x.n_distinct <= y.n_distinct, group, k, psi, start, stop, terms,
        )  # fmt: skip

    return _means(fill, permutations, x.values.size, workers, None)


def _means(
    fill: Callable[[AnyArray, FloatArray, int, int], None],
    items: Iterable[IntArray],
    n: int,
    workers: int | None,
    progress: Callable[[int], None] | None,
) -> FloatArray:
    """Mean of the terms of each item, of which groups are given to threads."""
    size = max(_GROUP // n, workers_for(workers, n, _LEAST))
    rest = iter(items)
    means: list[float] = []
    while part := list(islice(rest, size)):
        group = np.array(part, dtype=np.int32)
        terms = np.zeros((len(part), n))
        threads = min(len(part), workers_for(workers, terms.size, _LEAST))
        in_chunks(partial(fill, group, terms), len(part), threads)
        means += [row.mean() for row in terms]  # the sum of a row alone, as of one pair
        if progress is not None:
            progress(len(part))
    return np.array(means)
