"""Tails of sums of independent scores by all types, in whole numbers and fifty digits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import mpmath

_TIE = Fraction(8, 2**53)


def types(n: int, k: int) -> Iterator[tuple[int, ...]]:
    """All ways to spread n letters over k kinds."""
    if k == 1:
        yield (n,)
        return
    for count in range(n + 1):
        for rest in types(n - count, k - 1):
            yield (count, *rest)


def log_tail(
    values: Sequence[float],
    log_p: Sequence[float],
    n: int,
    threshold: float,
    strict: bool,
    counts: Sequence[int] | None = None,
) -> mpmath.mpf:
    """ln P(S > threshold), or >=, for the numbers exactly as they are.

    With counts the threshold is the sum that they make. What differs from it by at most 8 u times
    the largest value for each letter exchanged, u = 2^-53, is equal to it.
    """
    k = len(values)
    exact = [Fraction(v) for v in values]
    scale = math.lcm(*(v.denominator for v in exact), Fraction(threshold).denominator)
    whole = [int(v * scale) for v in exact]
    if counts is None:
        level = int(Fraction(threshold) * scale)
        radius = 0
    else:
        level = sum(c * v for c, v in zip(counts, whole, strict=True))
        radius = math.floor(_TIE * max(map(abs, whole)))
    with mpmath.workdps(50):
        powers = _powers(log_p, n)
        total = mpmath.mpf(0)
        for found in types(n, k):
            above = sum(c * v for c, v in zip(found, whole, strict=True)) - level
            if counts is not None:
                moved = sum(abs(a - b) for a, b in zip(found, counts, strict=True))
                above = 0 if abs(above) <= radius * moved else above
            if above > 0 or (above == 0 and not strict):
                total += probability(found, powers)
        return mpmath.log(total) - n * mpmath.log(mpmath.fsum(row[1] for row in powers))


def _powers(log_p: Sequence[float], n: int) -> list[list[mpmath.mpf]]:
    return [
        [mpmath.exp(mpmath.mpf(log) * count) for count in range(max(n, 1) + 1)] for log in log_p
    ]


def probability(counts: Sequence[int], powers: list[list[mpmath.mpf]]) -> mpmath.mpf:
    """Of all sequences with these counts."""
    ways, left = 1, sum(counts)
    result = mpmath.mpf(1)
    for count, row in zip(counts, powers, strict=True):
        ways *= math.comb(left, count)
        left -= count
        result *= row[count]
    return ways * result


def log_lattice_tail(
    places: Sequence[int], log_p: Sequence[float], n: int, point: int
) -> mpmath.mpf:
    """ln P(sum of places >= point), by n convolutions."""
    with mpmath.workdps(50):
        weights = [mpmath.exp(mpmath.mpf(log)) for log in log_p]
        law = [mpmath.mpf(1)]
        for _ in range(n):
            new = [mpmath.mpf(0)] * (len(law) + max(places))
            for i, mass in enumerate(law):
                for place, weight in zip(places, weights, strict=True):
                    new[i + place] += mass * weight
            law = new
        return mpmath.log(mpmath.fsum(law[point:]) / mpmath.fsum(law))


def log_binomial_tail(log_p: Sequence[float], n: int, count: int) -> mpmath.mpf:
    """ln P(at least `count` of the second of two letters), in thirty digits."""
    with mpmath.workdps(50):
        one, two = (mpmath.exp(mpmath.mpf(log)) for log in log_p)
        term = math.comb(n, count) * one ** (n - count) * two**count
        total = term
        for i in range(count, n):
            term *= (n - i) * two / ((i + 1) * one)
            total += term
            if (n - i) * two < (i + 1) * one and term < total * mpmath.mpf(10) ** -40:
                break
        return mpmath.log(total / (one + two) ** n)
