"""The terms of many pairs of columns in one call without the interpreter's lock.

Tasks of a few milliseconds that come back to the interpreter in between do not run side by side.
"""

from __future__ import annotations

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels.strips import fill_terms, lay_out
from infotheory._typing import AnyArray, FloatArray

__all__ = ["fill_pair_terms", "fill_permuted_terms"]


@kernel
def fill_pair_terms(
    values: FloatArray,
    order: AnyArray,
    ranks: AnyArray,
    table: AnyArray,
    scale: FloatArray,
    pairs: AnyArray,
    k: int,
    psi: FloatArray,
    start: int,
    stop: int,
    terms: FloatArray,
) -> None:
    """Write the terms of pairs `start` to `stop` of the columns, which are the rows of arrays."""
    for row in range(start, stop):
        x, y = pairs[row]
        plane = lay_out(values[x], ranks[x], values[y], order[y], k)
        fill_terms(
            plane, 0, plane.before.size, values[x], table[x], scale[x], values[y], table[y],
            scale[y], k, psi, terms[row],
        )  # fmt: skip


@kernel
def fill_permuted_terms(
    x_values: FloatArray,
    x_order: AnyArray,
    x_ranks: AnyArray,
    x_table: AnyArray,
    x_scale: float,
    y_values: FloatArray,
    y_ranks: AnyArray,
    y_table: AnyArray,
    y_scale: float,
    strips_of_x: bool,
    permutations: AnyArray,
    k: int,
    psi: FloatArray,
    start: int,
    stop: int,
    terms: FloatArray,
) -> None:
    """Write the terms of x and of y with its numbers dealt out anew: ``y[permutation]``.

    A permuted column keeps its values and their table, and its ranks are permuted: no sort.
    """
    n = x_values.size
    ranks = np.empty(n, dtype=np.int32)
    order = np.empty(n, dtype=np.int32)
    for row in range(start, stop):
        for i in range(n):
            rank = y_ranks[permutations[row, i]]
            ranks[i] = rank
            order[rank] = i
        if strips_of_x:
            plane = lay_out(x_values, x_ranks, y_values, order, k)
            fill_terms(
                plane, 0, plane.before.size, x_values, x_table, x_scale, y_values, y_table,
                y_scale, k, psi, terms[row],
            )  # fmt: skip
        else:
            plane = lay_out(y_values, ranks, x_values, x_order, k)
            fill_terms(
                plane, 0, plane.before.size, y_values, y_table, y_scale, x_values, x_table,
                x_scale, k, psi, terms[row],
            )  # fmt: skip
