"""Entropy estimates from counts, by the formulas of their papers.

Loops over symbols, samples and terms of series; `fractions` and mpmath in place of closed forms.
`counts` are those of the symbols seen; `size` is the number of symbols of the alphabet. One oracle,
for many samples, is a fine grid in numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from scipy import special

Counts = Sequence[int]
DIGITS = 50


def plugin(counts: Counts) -> float:
    """Sum of -(c/n) ln (c/n)."""
    n = sum(counts)
    return math.fsum(-c / n * math.log(c / n) for c in counts if c > 0)


def miller_madow(counts: Counts) -> float:
    seen = sum(1 for c in counts if c > 0)
    return plugin(counts) + (seen - 1) / (2 * sum(counts))


def without_each_sample(estimate: Callable[[Counts], float], counts: Counts) -> list[float]:
    """The estimate after each of the n samples has been removed in turn."""
    values = []
    for place, count in enumerate(counts):
        rest = [c - (i == place) for i, c in enumerate(counts)]
        values += [estimate([c for c in rest if c > 0])] * count
    return values


def jackknife(counts: Counts) -> float:
    """n H - (n - 1) times the mean of H without one sample (Zahl 1977)."""
    n = sum(counts)
    if n == 1:
        return 0.0
    return n * plugin(counts) - (n - 1) * math.fsum(without_each_sample(plugin, counts)) / n


def jackknife_variance(estimate: Callable[[Counts], float], counts: Counts) -> float:
    values = without_each_sample(estimate, counts)
    n = len(values)
    mean = math.fsum(values) / n
    return (n - 1) / n * math.fsum((v - mean) ** 2 for v in values)


def grassberger(counts: Counts) -> float:
    """ln n - sum (c/n) G(c), by G(1) = -gamma - ln 2, G(2) = 2 + G(1), and steps of two after."""
    g = {1: -float(mpmath.euler) - math.log(2)}
    g[2] = 2.0 + g[1]
    for c in range(3, max(counts) + 1):
        g[c] = g[c - 1] if c % 2 else g[c - 2] + 2.0 / (c - 1)
    n = sum(counts)
    return math.log(n) - math.fsum(c / n * g[c] for c in counts)


def zhang(counts: Counts) -> float:
    """Sum over v of Z_v / v, Z_v the unbiased estimate of sum p (1 - p)^v (Zhang 2012).

    Z_v is n^(v + 1) (n - v - 1)! / n! times the sum of p (1 - p) (1 - p - 1/n) ..., v + 1 factors.
    """
    n, total = sum(counts), 0.0
    products = [Fraction(c, n) for c in counts]
    scale = Fraction(1)
    for v in range(1, n):
        products = [x * (1 - Fraction(c + v - 1, n)) for x, c in zip(products, counts, strict=True)]
        scale *= Fraction(n, n - v)
        total += float(scale * sum(products)) / v
    return total


def chao_shen(counts: Counts) -> float:
    """Horvitz-Thompson sum with frequencies times the coverage 1 - f1/n."""
    n, once = sum(counts), sum(1 for c in counts if c == 1)
    coverage = 1 - (once if once < n else n - 1) / n
    terms = []
    for c in counts:
        p = mpmath.mpf(coverage) * c / n
        terms.append(-p * mpmath.log(p) / (1 - (1 - p) ** n))
    return float(mpmath.fsum(terms))


def chao_wang_jost(counts: Counts) -> float:
    """Equation (7) of Chao, Wang and Jost (2013), as printed, with enough digits."""
    n = sum(counts)
    once, twice = (sum(1 for c in counts if c == k) for k in (1, 2))
    value = math.fsum(c / n * math.fsum(1 / k for k in range(c, n)) for c in counts)
    if once == 0:
        return value
    with mpmath.workdps(DIGITS + n):
        if twice:
            a = mpmath.mpf(2 * twice) / ((n - 1) * once + 2 * twice)
        else:
            a = mpmath.mpf(2) / ((n - 1) * (once - 1) + 2)
        if a == 1:
            return value
        series = mpmath.fsum((1 - a) ** r / r for r in range(1, n))
        return value + float(once * (1 - a) ** (1 - n) * (-mpmath.log(a) - series) / n)


def james_stein(counts: Counts, size: int) -> float:
    """Plug-in of frequencies shrunk towards 1/K (Hausser and Strimmer 2009)."""
    n = sum(counts)
    p = [Fraction(c, n) for c in counts] + [Fraction(0)] * (size - len(counts))
    above = 1 - sum(x * x for x in p)
    below = (n - 1) * sum((Fraction(1, size) - x) ** 2 for x in p)
    share = min(above / below, Fraction(1)) if below else Fraction(1)
    shrunk = [share / size + (1 - share) * x for x in p]
    return math.fsum(-float(x) * math.log(x) for x in shrunk if x > 0)


def with_more(counts: Counts, size: int, total: float) -> float:
    """Plug-in with total / K added to the count of each of K symbols, a symbol at a time."""
    n = sum(counts)
    shares = [(c + total / size) / (n + total) for c in [*counts, *[0] * (size - len(counts))]]
    return math.fsum(-p * math.log(p) for p in shares)


def jvhw(counts: Counts, coefficients: Sequence[Any]) -> float:
    """Estimate of Jiao et al. (2015) with the constants of their code, symbol by symbol.

    `coefficients` belong to the polynomial in the place of -x ln x on [0, 1], from x^0 on.
    """
    n, once = sum(counts), sum(1 for c in counts if c == 1)
    edge = 0.0
    if n >= len(coefficients) - 1 and once > 0:
        ratio = math.log(n / once)
        if n < 200 or ratio > 1.5:
            factor = 0.3303 * ratio + 0.4679
        else:
            factor = -0.530556484842359 * ratio**2 + 1.09787328176926 * ratio + 0.184831781602259
        edge = 4 * max(factor, 1 / (1.9 * math.log(n))) * math.log(n)
    return math.fsum(max(_jvhw_symbol(c, n, edge, coefficients), 0.0) for c in counts)


def _jvhw_symbol(c: int, n: int, edge: float, coefficients: Sequence[Any]) -> float:
    common = -c / n * math.log(c / n) + 1 / (2 * n)
    if c >= edge:
        return common
    with mpmath.workdps(DIGITS):
        t = mpmath.mpf(edge) / n
        rare = -mpmath.mpf(c) / n * mpmath.log(t)
        for k, g in enumerate(coefficients):
            falling = mpmath.mpf(1)
            for j in range(k):
                falling *= mpmath.mpf(c - j) / (n - j)
            rare += mpmath.mpf(str(g)) * t ** (1 - k) * falling
    share = min(max(2 * c / edge - 1, 0.0), 1.0)
    return share * common + (1 - share) * float(rare)


# ------------------------------------------------------------------------------------ under priors


def dirichlet_moments(parameters: Sequence[Any], numbers: Sequence[int]) -> tuple[Any, Any]:
    """Mean and variance of the entropy under a Dirichlet law (Wolpert and Wolf 1995).

    `numbers` says how many symbols have each of the parameters.
    """
    groups = [(m, mpmath.mpf(x)) for m, x in zip(numbers, parameters, strict=True)]
    total = sum(m * x for m, x in groups)
    mean = sum(m * x / total * (mpmath.psi(0, total + 1) - mpmath.psi(0, x + 1)) for m, x in groups)
    tail, log_total = mpmath.psi(1, total + 2), mpmath.psi(0, total + 2)
    logs = [mpmath.psi(0, x + 1) - log_total for _, x in groups]
    second = mpmath.mpf(0)
    for i, (m, x) in enumerate(groups):
        for j, (k, y) in enumerate(groups):
            pairs = m * (m - 1) if i == j else m * k
            second += pairs * x * y * (logs[i] * logs[j] - tail)
        log = mpmath.psi(0, x + 2) - log_total
        second += m * x * (x + 1) * (log**2 + mpmath.psi(1, x + 2) - tail)
    return mean, second / (total * (total + 1)) - mean**2


def dirichlet(counts: Counts, size: int) -> tuple[float, float]:
    """Mean and deviation under Jeffreys' prior."""
    parameters = [c + 0.5 for c in [*counts, *[0] * (size - len(counts))]]
    with mpmath.workdps(DIGITS):
        mean, variance = dirichlet_moments(parameters, [1] * size)
    return float(mean), math.sqrt(variance)


def nsb(counts: Counts, size: int) -> tuple[float, float]:
    """Mean and deviation under the prior of Nemenman, Shafee and Bialek, integrated over ln b.

    Trapezoids with a step of 1/2 from b = e^-40 to e^40: the integrand is analytic within pi of the
    real axis, so the error goes as exp(-2 pi^2 / step) = e^-39, beside tails of about e^-38. With
    a step of 1/3 the eleventh digit changes at most.
    """
    n = sum(counts)
    groups = [*([1] * len(counts)), size - len(counts)]
    weights, moments = [], []
    with mpmath.workdps(DIGITS):
        for step in range(-80, 81):
            b = mpmath.exp(mpmath.mpf(step) / 2)
            prior = size * mpmath.psi(1, size * b + 1) - mpmath.psi(1, b + 1)
            log = mpmath.loggamma(size * b) - mpmath.loggamma(size * b + n)
            log += sum(mpmath.loggamma(c + b) - mpmath.loggamma(b) for c in counts)
            weights.append(prior * mpmath.exp(log) * b)
            moments.append(dirichlet_moments([c + b for c in [*counts, 0]], groups))
        return _mixture(weights, moments)


def nsb_infinite(counts: Counts) -> tuple[float, float]:
    """The same for an infinite alphabet, over the logarithm of k = K b.

    For each k the moments are those of large alphabets, extrapolated to infinite ones: they differ
    by a term in 1 / K, and one of 1 / K^2 = 10^-24 is left.
    """
    n, seen = sum(counts), len(counts)
    weights, moments = [], []
    with mpmath.workdps(DIGITS):
        for step in range(-80, 81):
            k = mpmath.exp(mpmath.mpf(step) / 2)
            log = seen * mpmath.log(k) + mpmath.loggamma(k) - mpmath.loggamma(n + k)
            weights.append(mpmath.psi(1, k + 1) * mpmath.exp(log) * k)
            (m1, v1), (m2, v2) = (
                dirichlet_moments([c + k / size for c in [*counts, 0]], [*[1] * seen, size - seen])
                for size in (10**12, 10**13)
            )
            moments.append(((10 * m2 - m1) / 9, (10 * v2 - v1) / 9))
        return _mixture(weights, moments)


def _mixture(weights: list[Any], moments: list[tuple[Any, Any]]) -> tuple[float, float]:
    total = mpmath.fsum(weights)
    mean = mpmath.fdot(weights, [m for m, _ in moments]) / total
    square = mpmath.fdot(weights, [v + m**2 for m, v in moments]) / total
    return float(mean), float(mpmath.sqrt(square - mean**2))


def nsb_on_a_grid(
    numbers: Mapping[int, int], size: int, low: float = 1e-13, high: float = 1e9
) -> float:
    """Mean of :func:`nsb` by 20 000 points in ln b, for many samples.

    `numbers` says how many symbols were seen how often; b is kept within [low, high].
    """
    n, seen = sum(c * m for c, m in numbers.items()), sum(numbers.values())
    x = np.linspace(math.log(low), math.log(high), 20001)
    b = np.exp(x)
    logs = special.gammaln(size * b) - special.gammaln(n + size * b) + x
    logs += np.log(size * special.zeta(2, size * b + 1) - special.zeta(2, b + 1))
    means = (size - seen) * b * special.digamma(b + 1)
    for c, m in numbers.items():
        logs += m * (special.gammaln(c + b) - special.gammaln(b))
        means += m * (c + b) * special.digamma(c + b + 1)
    means = special.digamma(n + size * b + 1) - means / (n + size * b)
    weights = np.exp(logs - logs.max())
    return float(weights @ means / weights.sum())
