"""Couplings of least entropy of tiny marginals, by trying all, and bounds by definition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def entropy(masses: Sequence[float]) -> float:
    return -math.fsum(m * math.log(m) for m in masses if m > 0)


def least_entropy(p: Sequence[float], q: Sequence[float]) -> float:
    """Entropy is concave, so it is least at a vertex of the polytope of couplings.

    Every vertex arises by choosing cells one after another, each getting all that its row and its
    column still allow.
    """

    def best(rows: list[float], columns: list[float], done: float) -> float:
        cells = [
            (i, j) for i, a in enumerate(rows) for j, b in enumerate(columns) if a > 0 and b > 0
        ]
        if not cells:
            return done
        found = math.inf
        for i, j in cells:
            mass = min(rows[i], columns[j])
            # What is as good as used up is used up: rounding must leave no crumbs.
            left = [a - mass * (k == i) for k, a in enumerate(rows)]
            below = [b - mass * (k == j) for k, b in enumerate(columns)]
            left, below = ([x if x > 1e-12 else 0.0 for x in side] for side in (left, below))
            found = min(found, best(left, below, done - mass * math.log(mass)))
        return found

    return best(list(p), list(q), 0.0)


def meet(*marginals: Sequence[float]) -> list[float]:
    """The greatest lower bound in the order of majorisation: minima of partial sums."""
    longest = max(map(len, marginals))
    sums = []
    for p in marginals:
        ordered = sorted(p, reverse=True) + [0.0] * (longest - len(p))
        sums.append([math.fsum(ordered[: k + 1]) for k in range(longest)])
    least = [min(column) for column in zip(*sums, strict=True)]
    return [max(0.0, b - a) for a, b in zip([0.0, *least], least, strict=False)]


def profile(*marginals: Sequence[float]) -> float:
    """Integral of -ln of the smallest size of a symbol, marginals laid out by size.

    The profile bound of Compton et al. (2023).
    """
    edges = {0.0, 1.0}
    laid_out = []
    for p in marginals:
        start, symbols = 0.0, []
        for size in sorted((x for x in p if x > 0), reverse=True):
            symbols.append((start, start + size, size))
            start += size
            edges.add(min(start, 1.0))
        laid_out.append(symbols)
    places = sorted(edges)
    total = []
    for a, b in pairwise(places):
        middle = 0.5 * (a + b)
        sizes = [size for symbols in laid_out for lo, hi, size in symbols if lo <= middle < hi]
        if sizes:  # rounding may leave a crumb at the end
            total.append(-(b - a) * math.log(min(sizes)))
    return math.fsum(total)
