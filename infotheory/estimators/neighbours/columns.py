"""Columns that are sorted once and looked up many times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from infotheory._kernels._columns import fill_record
from infotheory._typing import AnyArray, FloatArray
from infotheory._validation import refusal

__all__ = ["SortedColumn", "check_neighbours", "sorted_column"]


class SortedColumn(NamedTuple):
    """A column in ascending order, with an index into it.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        Ascending.
    order, ranks : ndarray of int32, shape (n,)
        ``values = column[order]``, and ``ranks[order[r]] = r``.
    table : ndarray of int32, shape (n + 1,)
        First rank of each of n buckets of equal width; see ``_kernels/_columns.py``.
    scale : float
        Buckets a unit.
    n_distinct : int
        Number of distinct values.
    """

    values: FloatArray
    order: AnyArray
    ranks: AnyArray
    table: AnyArray
    scale: float
    n_distinct: int


def sorted_column(column: FloatArray, order: AnyArray | None = None) -> SortedColumn:
    """Sort a column of finite numbers, of which there are fewer than 2**31 and at least one.

    `order` is what `numpy.argsort` gives, where it is known.
    """
    if order is None:
        order = np.argsort(column)
    values = column[order]
    n = values.size
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scale = (n - 1) / (values[-1] - values[0])
    if not 0.0 < scale < np.inf:  # one value; or a span too small or too large for a double
        scale = 0.0
    order = order.astype(np.int32)
    ranks = np.empty(n, dtype=np.int32)
    table = np.empty(n + 1, dtype=np.int32)
    n_distinct = fill_record(values, order, float(scale), ranks, table)
    return SortedColumn(values, order, ranks, table, float(scale), n_distinct)


def check_neighbours(n: int, k: int) -> None:
    """Refuse more neighbours than there are other samples."""
    if n <= k:
        raise refusal(
            "k",
            f"smaller than the number of samples ({n})",
            str(k),
            "Take more samples or fewer neighbours.",
        )
