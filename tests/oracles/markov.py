"""Paths of Markov chains, one by one, and largest eigenvalues in many digits."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath as mp


def words(transition: Any, initial: Any, n: int) -> list[tuple[float, float]]:
    """-ln p and p of every possible path of n letters."""
    found = []
    for word in itertools.product(range(len(initial)), repeat=n):
        factors = [float(initial[word[0]])]
        factors += [float(transition[x][y]) for x, y in itertools.pairwise(word)]
        if min(factors) > 0.0:
            found.append((-math.fsum(map(math.log, factors)), math.prod(factors)))
    return found


def tail(paths: list[tuple[float, float]], threshold: float, side: str) -> tuple[float, float]:
    """Probability of sums beyond a threshold, and of those within 1e-9 of it or beyond."""
    sign = 1.0 if side == "right" else -1.0
    inside = [(sign * (score - threshold), p) for score, p in paths]
    strictly = math.fsum(p for gap, p in inside if gap > 1e-9)
    return strictly, math.fsum(p for gap, p in inside if gap > -1e-9)


def moment(paths: list[tuple[float, float]], lam: float) -> float:
    """E exp(lam S)."""
    return math.fsum(p * math.exp(lam * score) for score, p in paths)


def log_root(transition: Any, lam: Any) -> Any:
    """Logarithm of the largest eigenvalue of P^(1 - lam), entry by entry."""
    size = len(transition)
    power = 1 - lam
    entry = lambda x, y: mp.mpf(float(transition[x][y])) ** power if transition[x][y] else mp.mpf(0)  # noqa: E731
    matrix = mp.matrix(size, size)
    for x in range(size):
        for y in range(size):
            matrix[x, y] = entry(x, y)
    values = mp.eig(matrix, left=False, right=False)
    return mp.log(max(mp.re(value) for value in values))


def rate(transition: Any, lam: float, derivative: int) -> float:
    """A derivative of the logarithm of the largest eigenvalue, by differences in 60 digits."""
    with mp.workdps(60):
        return float(mp.diff(lambda t: log_root(transition, t), mp.mpf(lam), derivative))
