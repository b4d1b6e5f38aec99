"""How often chance alone makes two variables look as dependent as they do.

One variable is permuted, within the strata of a third where there is one. Where the tables of
counts are small they are drawn directly, with the margins of the sample: that law is the one of
permuted samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import xlogy
from scipy.stats import random_table

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.estimators.cells import Cells

__all__ = ["check_permutations", "permutation_p_value"]

_AT_ONCE = 1 << 20  # entries of the tables drawn together
_MOST = 100_000_000


def check_permutations(n_permutations: Any) -> int:
    """Return the number of permutations, zero for none."""
    whole = isinstance(n_permutations, (int, np.integer)) and not isinstance(n_permutations, bool)
    if not (whole and 0 <= n_permutations <= _MOST):
        raise refusal(
            "n_permutations",
            f"a whole number from 0 to {_MOST:,}",
            repr(n_permutations),
            "999 is a usual choice; 0 gives no p-value.",
        )
    return int(n_permutations)


def permutation_p_value(
    cells: Cells, n_permutations: int, rng: np.random.Generator, progress: bool = False
) -> float:
    """Return the share of permutations at least as dependent as the sample, which is one of them.

    Cells are those of x and y, or of x, y and z. While the margins (x, z) and (y, z) stay as they
    are, the plug-in I(X;Y|Z) grows with the sum of c ln c over the cells, which is compared.
    """
    from tqdm.auto import tqdm

    cells = _informative(cells)
    if cells.counts.size == 0:
        return 1.0  # every stratum has one symbol of x or one of y: no permutation changes a thing
    observed = float(xlogy(cells.counts, cells.counts).sum())
    # Other counts may have the same sum: 4 ln 4 + 4 (1 ln 1) = 4 (2 ln 2). At most n/2 terms differ
    # from zero; each is off by 3/2 ulp at most and each addition by 1/2, in both sums.
    least = observed * (1.0 - np.finfo(float).eps * (cells.n / 2 + 2))
    reached = 0
    with tqdm(total=n_permutations, unit="permutation", disable=not progress, delay=0.5) as bar:
        for sums in _sums(cells, n_permutations, rng):
            reached += int(np.count_nonzero(sums >= least))
            bar.update(sums.size)
    return (1 + reached) / (1 + n_permutations)


def _informative(cells: Cells) -> Cells:
    """Return cells of x, y and z, less the strata with one symbol of x or of y: they are fixed."""
    x, y, *z = cells.codes
    cells = Cells(cells.counts, (x, y, z[0] if z else np.zeros_like(x)))
    whole, of_x, of_y = (_totals(cells, axes) for axes in ((2,), (0, 2), (1, 2)))
    return cells.only(np.flatnonzero((of_x < whole) & (of_y < whole)))


def _totals(cells: Cells, axes: tuple[int, ...]) -> IntArray:
    """Return for each cell the count of the margin it belongs to."""
    counts, place = cells.margin(axes)
    return counts[place]


def _sums(cells: Cells, n_permutations: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Give the sums of c ln c over the cells of permuted samples, some at a time."""
    _, stratum = cells.margin((2,))
    order, ends = np.argsort(stratum, kind="stable"), np.cumsum(np.bincount(stratum))
    parts = [cells.only(place) for place in np.split(order, ends[:-1])]
    margins = [(part.margin((0,))[0], part.margin((1,))[0]) for part in parts]
    size = sum(rows.size * columns.size for rows, columns in margins)
    # Tables that are mostly empty take longer to go through than the samples themselves.
    if size > cells.n:
        yield from _shuffled_sums(cells, n_permutations, rng)
        return
    tables = [random_table(rows, columns) for rows, columns in margins]
    step = max(1, _AT_ONCE // size)
    for start in range(0, n_permutations, step):
        number = min(step, n_permutations - start)
        sums = np.zeros(number)
        for table in tables:
            drawn = table.rvs(number, random_state=rng).reshape(number, -1)
            sums += xlogy(drawn, drawn).sum(axis=1)
        yield sums


def _shuffled_sums(
    cells: Cells, n_permutations: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    of_x, y, stratum = (
        np.repeat(code, cells.counts)
        for code in (cells.margin((2, 0))[1], cells.codes[1], cells.margin((2,))[1])
    )
    order = np.argsort(stratum, kind="stable")
    first, y, stratum = of_x[order] * (int(y.max()) + 1), y[order], stratum[order]
    for _ in range(n_permutations):
        # Sorted by stratum and by chance: within a stratum, any order is as likely as any other.
        found = np.sort(first + y[np.lexsort((rng.random(y.size), stratum))])
        ends = np.flatnonzero(np.diff(found, append=-1))
        counts = np.diff(ends, prepend=-1)
        yield xlogy(counts, counts).sum(keepdims=True)
