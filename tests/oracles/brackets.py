"""Extremal functions of Graham and Vaaler by their series, and exact tails over all types."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import mpmath


def minorant(decay: float, z: float) -> mpmath.mpf:
    """(sin(pi z) / pi)^2 sum over m >= 1 of e^(-decay m) ((z-m)^-2 - decay ((z-m)^-1 - z^-1))."""
    decay, z = mpmath.mpf(decay), mpmath.mpf(z)
    if z == 0:
        return mpmath.mpf(0)
    if z == mpmath.floor(z):
        return mpmath.exp(-decay * z) if z > 0 else mpmath.mpf(0)

    def term(m: mpmath.mpf) -> mpmath.mpf:
        return mpmath.exp(-decay * m) * ((z - m) ** -2 - decay * (1 / (z - m) - 1 / z))

    terms = int(mpmath.ceil((mpmath.mp.dps + 5) * mpmath.log(10) / decay))
    return (mpmath.sinpi(z) / mpmath.pi) ** 2 * mpmath.fsum(term(m) for m in range(1, terms))


def majorant(decay: float, z: float) -> mpmath.mpf:
    return minorant(decay, z) + mpmath.sinc(mpmath.pi * mpmath.mpf(z)) ** 2


def minorant_transform(decay: float, t: Fraction | mpmath.mpf) -> mpmath.mpc:
    """(1-t) g(t) + i decay (g(t) - g(0)) / (2 pi) for g(t) = 1 / (e^(decay + 2 pi i t) - 1)."""
    decay = mpmath.mpf(decay)
    t = mpmath.mpf(t.numerator) / t.denominator if isinstance(t, Fraction) else t
    g = 1 / (mpmath.exp(decay + 2j * mpmath.pi * t) - 1)
    at_zero = 1 / (mpmath.exp(decay) - 1)
    return (1 - t) * g + 1j * decay / (2 * mpmath.pi) * (g - at_zero)


def back(decay: float, z: float, excess: bool = False) -> mpmath.mpf:
    """The function of a transform that vanishes beyond 1, at z."""

    def integrand(t: mpmath.mpf) -> mpmath.mpf:
        value = minorant_transform(decay, t) + (1 - t if excess else 0)
        return (value * mpmath.expjpi(2 * t * mpmath.mpf(z))).real

    return 2 * mpmath.quad(integrand, mpmath.linspace(0, 1, 9))


def types(n: int, size: int) -> Iterator[tuple[int, ...]]:
    """All ways to write n as an ordered sum of so many counts."""
    if size == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in types(n - first, size - 1):
            yield (first, *rest)


def _law(log_p: Sequence[float]) -> list[mpmath.mpf]:
    shares = [mpmath.exp(mpmath.mpf(x)) for x in log_p]
    return [share / mpmath.fsum(shares) for share in shares]


def log_tails(
    values: Sequence[float], log_p: Sequence[float], n: int, threshold: Fraction
) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Logarithms of P(S > threshold) and P(S >= threshold), for the numbers as they are."""
    numbers = [Fraction(v) for v in values]
    scale = math.lcm(*(v.denominator for v in [*numbers, threshold]))
    whole = [int(v * scale) for v in numbers]
    edge = int(threshold * scale)
    powers = [[p**c / mpmath.factorial(c) for c in range(n + 1)] for p in _law(log_p)]
    above, tied = mpmath.mpf(0), mpmath.mpf(0)
    for counts in types(n, len(values)):
        total = sum(c * v for c, v in zip(counts, whole, strict=True))
        if total < edge:
            continue
        share = mpmath.fprod(powers[i][c] for i, c in enumerate(counts))
        if total > edge:
            above += share
        else:
            tied += share
    factor = mpmath.factorial(n)
    return (
        mpmath.log(above * factor) if above else mpmath.mpf("-inf"),
        mpmath.log((above + tied) * factor) if above + tied else mpmath.mpf("-inf"),
    )


def tilted(values: Sequence[float], log_p: Sequence[float], lam: float) -> list[mpmath.mpf]:
    """Probabilities of the law tilted by exp(lam value)."""
    top = max(values)
    shares = [
        mpmath.exp(mpmath.mpf(x) + mpmath.mpf(lam) * (mpmath.mpf(v) - top))
        for x, v in zip(log_p, values, strict=True)
    ]
    return [share / mpmath.fsum(shares) for share in shares]


def node_sum(
    values: Sequence[float],
    weights: Sequence[mpmath.mpf],
    n: int,
    threshold: Fraction,
    band: float,
    size: int,
    decay: float,
    nodes: Sequence[int],
) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Real parts of the sums of the transform, and of 1 - t, times powers over some nodes."""
    level = mpmath.mpf(threshold.numerator) / threshold.denominator / n
    minor, excess = [], []
    for j in nodes:
        omega = mpmath.mpf(j) * mpmath.mpf(band) / size
        shifted = [mpmath.mpf(v) - level for v in values]
        turns = [mpmath.expjpi(2 * omega * v) for v in shifted]
        power = mpmath.fsum(w * t for w, t in zip(weights, turns, strict=True)) ** n
        t = Fraction(j, size)
        minor.append((minorant_transform(decay, t) * power).real)
        excess.append((mpmath.mpf(t.denominator - t.numerator) / t.denominator * power).real)
    return mpmath.fsum(minor), mpmath.fsum(excess)


def wrapped_mass(
    values: Sequence[float],
    weights: Sequence[mpmath.mpf],
    n: int,
    threshold: float,
    lam: float,
    period: float,
) -> tuple[mpmath.mpf, mpmath.mpf]:
    """E[e^(-lam x); x > 0] for x = S - threshold, and E[e^(-lam y)] for x outside of (0, period].

    y is x moved into (0, period] by whole periods.
    """
    inside, outside = [], []
    for counts in types(n, len(values)):
        share = mpmath.factorial(n)
        for c, w in zip(counts, weights, strict=True):
            share *= w**c / mpmath.factorial(c)
        x = math.fsum(c * v for c, v in zip(counts, values, strict=True)) - threshold
        if x > 0:
            inside.append(share * mpmath.exp(-lam * x))
        if not 0 < x <= period:
            y = x - period * (math.ceil(x / period) - 1)
            outside.append(share * mpmath.exp(-lam * y))
    return mpmath.fsum(inside), mpmath.fsum(outside)
