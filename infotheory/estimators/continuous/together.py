"""Total correlation and O-information of several variables that are measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from infotheory._results import Estimate
from infotheory._typing import FloatArray, IntArray
from infotheory.estimators.continuous import gaussian
from infotheory.estimators.continuous.coordinates import placed
from infotheory.estimators.continuous.doubts import Facts
from infotheory.estimators.continuous.neighbour_information import Terms, with_ties
from infotheory.estimators.continuous.parts import Parts
from infotheory.estimators.continuous.reporting import Options, Task, certainty, conclude
from infotheory.estimators.continuous.space import Space
from infotheory.estimators.neighbours.digamma import digamma_table

__all__ = ["TOGETHER_METHODS", "estimate_together", "o_information", "total_correlation"]

TOGETHER_METHODS = ("ksg1", "ksg_ties", *gaussian.GAUSSIAN_METHODS)
"""What estimates total correlation and O-information of measurements, beside "auto"."""


def estimate_together(
    variables: Sequence[FloatArray],
    names: Sequence[str],
    options: Options,
    stacklevel: int,
    *,
    beyond: bool,
) -> Estimate:
    """Estimate the total correlation, or the O-information where it is what lies `beyond` pairs.

    Variables have shape (n, d), and there are more samples than the method needs.
    """
    k, n, m = options.k, len(variables[0]), len(variables)
    place = placed(variables, options.standardize, options.n_jobs)
    method = options.method
    if method == "auto":
        method = "ksg_ties" if place.is_tied else "ksg1"
    if method in gaussian.GAUSSIAN_METHODS:
        formula = gaussian.o_information if beyond else gaussian.total_correlation
        scores = method == "gaussian_copula"
        arrays = tuple(gaussian.copula_scores(x) if scores else x for x in variables)
        whole: Terms | Parts = formula(*arrays)
        task = Task(arrays, formula)
    else:
        function, ties = (o_information if beyond else total_correlation), method == "ksg_ties"
        whole = function(place.space, k, ties)
        blocks = tuple(place.space.blocks)
        task = Task(blocks, lambda *parts: function(Space(parts, 1), k, ties))
    interval, scatter = certainty(task, whole, method, n, options)
    facts = Facts(
        method,
        n,
        k,
        whole,
        interval,
        scatter,
        place,
        names=names,
        symbols="integers or strings",
        repeats=m - 2 if beyond else m - 1,
    )
    return conclude(facts, options, stacklevel + 1)


def total_correlation(space: Space, k: int, ties: bool) -> Terms:
    """Return psi(k) + (m - 1) psi(n) - <sum_i psi(c_i)> of m variables, `ties` as in "ksg_ties"."""
    psi, m = digamma_table(space.n + 2), len(space.blocks)
    near, copied, own = _counts(space, k, ties, [[i] for i in range(m)])
    return Terms((m - 1) * psi[space.n], _sum(psi, own) - psi[near], None, copied)


def o_information(space: Space, k: int, ties: bool) -> Terms:
    """Return (m - 2) (psi(n) - psi(k)) + <sum_i psi(r_i) - psi(c_i)> of m variables.

    The counts r_i are those in all variables but one.
    """
    psi, m = digamma_table(space.n + 2), len(space.blocks)
    rests = [[j for j in range(m) if j != i] for i in range(m)]
    near, copied, found = _counts(space, k, ties, [*([i] for i in range(m)), *rests])
    terms = _sum(psi, found[:m]) - _sum(psi, found[m:]) + (m - 2) * psi[near]
    return Terms((m - 2) * psi[space.n], terms, None, copied)


def _counts(
    space: Space, k: int, ties: bool, subsets: Sequence[Sequence[int]]
) -> tuple[int | IntArray, float, list[IntArray]]:
    """Return how many neighbours there are in all variables, and counts in some of them."""
    radii = space.radii(k)
    if ties:
        near, counts = with_ties(space, radii, *subsets)
        return near, float(np.mean(radii == 0.0)), counts
    return k, 0.0, space.counts(radii, *subsets)


def _sum(psi: FloatArray, counts: Sequence[IntArray]) -> FloatArray:
    return np.asarray(sum(psi[found] for found in counts))
