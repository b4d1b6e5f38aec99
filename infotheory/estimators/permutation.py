"""How often chance alone makes two variables look as dependent as they do.

One variable is permuted, within the strata of a third where there is one. Where the tables of
counts are small they are drawn directly, with the margins of the sample: that law is the one of
permuted samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import xlogy

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
    are, the counts expected at independence are, and the sums of c ln(c / e) over the cells, which
    are n times the plug-in I(X;Y|Z), are compared.
    """
    from tqdm.auto import tqdm

    cells = _informative(cells)
    if cells.counts.size == 0:
        return 1.0  # every stratum has one symbol of x or one of y: no permutation changes a thing
    whole, of_x, of_y = (_totals(cells, axes) for axes in ((2,), (0, 2), (1, 2)))
    observed = float(_deviations(cells.counts, _expected(of_x, of_y, whole)).sum())
    least = observed - _rounding(observed, cells)
    reached = 0
    with tqdm(total=n_permutations, unit="permutation", disable=not progress, delay=0.5) as bar:
        for sums in _sums(cells, n_permutations, rng):
            reached += int(np.count_nonzero(sums >= least))
            bar.update(sums.size)
    return (1 + reached) / (1 + n_permutations)


def _expected(of_x: IntArray, of_y: IntArray, whole: IntArray | int) -> FloatArray:
    return np.asarray(of_x.astype(np.float64) * of_y / whole)


def _deviations(counts: IntArray | FloatArray, expected: FloatArray) -> FloatArray:
    """Return c ln(c / e) to a relative error where c and e are close, as it is O(|c - e|) there."""
    apart = (counts - expected) / expected
    close = np.abs(apart) < 0.5
    near = counts * np.log1p(np.where(close, apart, 0.0))
    return np.asarray(np.where(close, near, xlogy(counts, counts / expected)))


def _rounding(observed: float, cells: Cells) -> float:
    """Bound by how much the sums of two tables with the same dependence may be rounded apart.

    Other counts may have the same sum: 4 ln 4 + 4 (1 ln 1) = 4 (2 ln 2).

    Notes
    -----
    For n below 2^53, with u = eps / 2, S the sum and D that of |c - e|: without their signs the
    terms add to at most S + D.  Each is off by 5 u of itself and 2 u |c - e|; adding m of them is
    off by (m - 1) u (S + D); and the errors of e, 2 u each, count in the difference of the two
    tables only, 4 u D.  So two sums differ by eps (m + 8) (S + D) at most.  By Pinsker's inequality
    D^2 <= 2 n S.  What all tables have in common, up to eps n, may be missing in S.
    """
    n, eps = cells.n, float(np.finfo(float).eps)
    x, y, stratum = (int(code.max()) + 1 for code in cells.codes)
    terms = min(n, x * y * stratum)
    largest = max(observed, 0.0) + 2 * eps * n
    return eps * (terms + 8) * (largest + math.sqrt(2 * n * largest))


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
    """Give the sums of c ln(c / e) over the cells of permuted samples, some at a time."""
    from scipy.stats import random_table  # which takes half a second to load

    _, stratum = cells.margin((2,))
    order, ends = np.argsort(stratum, kind="stable"), np.cumsum(np.bincount(stratum))
    parts = [cells.only(place) for place in np.split(order, ends[:-1])]
    margins = [(part.margin((0,))[0], part.margin((1,))[0]) for part in parts]
    size = sum(rows.size * columns.size for rows, columns in margins)
    # Tables that are mostly empty take longer to go through than the samples themselves.
    if size > cells.n:
        yield from _shuffled_sums(cells, n_permutations, rng)
        return
    tables = [
        (random_table(rows, columns), _expected(rows[:, None], columns, int(rows.sum())).ravel())
        for rows, columns in margins
    ]
    step = max(1, _AT_ONCE // size)
    for start in range(0, n_permutations, step):
        number = min(step, n_permutations - start)
        sums = np.zeros(number)
        for table, expected in tables:
            drawn = table.rvs(number, random_state=rng).reshape(number, -1)
            sums += _deviations(drawn, expected).sum(axis=1)
        yield sums


def _shuffled_sums(
    cells: Cells, n_permutations: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    (of_x, x), (of_y, y), (whole, z) = (cells.margin(axes) for axes in ((2, 0), (2, 1), (2,)))
    stratum_of_x = np.empty_like(of_x)
    stratum_of_x[x] = whole[z]
    first, second, stratum = (np.repeat(place, cells.counts) for place in (x, y, z))
    order = np.argsort(stratum, kind="stable")
    first, second, stratum = first[order] * of_y.size, second[order], stratum[order]
    for _ in range(n_permutations):
        # Sorted by stratum and by chance: within a stratum, any order is as likely as any other.
        found = np.sort(first + second[np.lexsort((rng.random(second.size), stratum))])
        ends = np.flatnonzero(np.diff(found, append=-1))
        counts = np.diff(ends, prepend=-1)
        row, column = np.divmod(found[ends], of_y.size)
        expected = _expected(of_x[row], of_y[column], stratum_of_x[row])
        yield _deviations(counts, expected).sum(keepdims=True)
