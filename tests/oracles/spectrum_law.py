"""Laws of sums by going through all types, with exact values and many digits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp

DIGITS = 40

Law = list[tuple[Fraction, Any]]  # value of the sum and its probability, ascending


def types(n: int, k: int) -> Iterator[tuple[int, ...]]:
    for bars in itertools.combinations(range(n + k - 1), k - 1):
        ends = (-1, *bars, n + k - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(ends))


def weights(log_probabilities: Sequence[float]) -> list[Any]:
    with mp.workdps(DIGITS):
        masses = [mp.exp(mp.mpf(log_p)) for log_p in log_probabilities]
        total = mp.fsum(masses)
        return [mass / total for mass in masses]


def law(values: Sequence[float], log_probabilities: Sequence[float], n: int) -> Law:
    """Every value of the sum, equal ones joined."""
    found: dict[Fraction, Any] = {}
    with mp.workdps(DIGITS):
        p = weights(log_probabilities)
        powers = [[mass**c for c in range(n + 1)] for mass in p]
        exact = [Fraction(value) for value in values]
        for counts in types(n, len(values)):
            ways = math.factorial(n)
            for c in counts:
                ways //= math.factorial(c)
            mass = mp.mpf(ways)
            for row, c in zip(powers, counts, strict=True):
                mass *= row[c]
            at = sum((c * v for c, v in zip(counts, exact, strict=True)), Fraction(0))
            found[at] = found.get(at, mp.mpf(0)) + mass
    return sorted(found.items())


def log_above(atoms: Law, threshold: Fraction, *, strict: bool = True) -> Any:
    """ln P(S > threshold), or >=."""
    with mp.workdps(DIGITS):
        total = mp.fsum(
            mass for at, mass in atoms if at > threshold or (at == threshold and not strict)
        )
        return mp.log(total) if total > 0 else mp.mpf("-inf")


def log_up_to(atoms: Law, threshold: Fraction) -> Any:
    """ln P(S <= threshold)."""
    with mp.workdps(DIGITS):
        total = mp.fsum(mass for at, mass in atoms if at <= threshold)
        return mp.log(total) if total > 0 else mp.mpf("-inf")


def log_mass(atoms: Law, holds: Callable[[Fraction], bool]) -> Any:
    """ln of the mass of some sums, with all digits where that is hardly any or nearly one."""
    with mp.workdps(DIGITS):
        inside = mp.fsum(mass for at, mass in atoms if holds(at))
        outside = mp.fsum(mass for at, mass in atoms if not holds(at))
        if not inside:
            return mp.mpf("-inf")
        return mp.log(inside) if inside < outside else mp.log1p(-outside)


def binomial_log_at_least(n: int, p: float, least: int) -> Any:
    with mp.workdps(DIGITS):
        q = mp.mpf(p)
        return mp.log(
            mp.fsum(mp.binomial(n, c) * q**c * (1 - q) ** (n - c) for c in range(least, n + 1))
        )


def log_far_binomial_tail(log_probabilities: Sequence[float], n: int, count: int) -> Any:
    """ln P(at least `count` of the second of two letters), far above its mean, for any n."""
    with mp.workdps(DIGITS):
        one, two = weights(log_probabilities)
        ways = mp.loggamma(n + 1) - mp.loggamma(count + 1) - mp.loggamma(n - count + 1)
        term = total = mp.mpf(1)
        for place in range(count, n):
            term *= (n - place) * two / ((place + 1) * one)
            total += term
            if term < mp.mpf(10) ** -30:
                break
        return ways + (n - count) * mp.log(one) + count * mp.log(two) + mp.log(total)


def place_law(places: Sequence[int], p: Sequence[float], n: int) -> dict[int, Any]:
    """Law of the sum of n places by convolving n times; the mass lacking is at place 0."""
    with mp.workdps(DIGITS):
        one: dict[int, Any] = {}
        for place, mass in zip(places, p, strict=True):
            if place != 0:
                one[place] = one.get(place, mp.mpf(0)) + mp.mpf(mass)
        one[0] = 1 - mp.fsum(one.values())
        total = {0: mp.mpf(1)}
        for _ in range(n):
            longer: dict[int, Any] = {}
            for at, mass in total.items():
                for step, share in one.items():
                    longer[at + step] = longer.get(at + step, mp.mpf(0)) + mass * share
            total = longer
        return total


def chernoff(values: Sequence[float], p: Sequence[float], n: int, distance: float) -> Any:
    """ln of the least exp(n K(s) - s distance) for a distance below n max, by ternary search."""
    with mp.workdps(DIGITS):
        pairs = [(mp.mpf(v), mp.mpf(q)) for v, q in zip(values, p, strict=True)]

        def exponent(s: Any) -> Any:
            return n * mp.log(mp.fsum(q * mp.exp(s * v) for v, q in pairs)) - s * distance

        low, high = mp.mpf(0), mp.mpf(1)
        while exponent(2 * high) < exponent(high):
            high *= 2
        high *= 2
        for _ in range(200):
            a, b = low + (high - low) / 3, high - (high - low) / 3
            low, high = (low, b) if exponent(a) < exponent(b) else (a, high)
        return exponent(low)
