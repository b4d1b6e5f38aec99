"""Entropy estimates that reckon with the symbols not seen, by the share of singletons."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma, exp1, hyperu

from infotheory._typing import FloatArray
from infotheory.estimators.additive import Additive
from infotheory.estimators.profile import Shape

__all__ = ["chao_shen", "chao_wang_jost", "sample_coverage"]


def sample_coverage(shape: Shape) -> float:
    """Estimate which share of the distribution belongs to symbols that were seen.

    Good and Turing's 1 - f1/n; where all symbols are singletons one of them is taken to be none,
    so that the share stays positive.
    """
    singletons = min(shape.singletons, shape.n - 1)
    return 1.0 - singletons / shape.n


def chao_shen(shape: Shape) -> Additive:
    """Horvitz-Thompson sum over the symbols seen, with frequencies scaled by the coverage."""
    scale = sample_coverage(shape) / shape.n

    def term(counts: FloatArray) -> FloatArray:
        p = np.minimum(scale * counts, 1.0)  # more where the symbol is the one that loses a sample
        with np.errstate(divide="ignore"):  # one symbol that is everything
            seen = -np.expm1(shape.n * np.log1p(-p))
        return np.asarray(-p * np.log(p) / seen)

    return Additive(0.0, term)


def chao_wang_jost(shape: Shape) -> Additive:
    """Zhang's sum, and an estimate of the rest of its series from singletons and doubletons."""
    n, once, twice = shape.n, shape.singletons, shape.doubletons
    whole = digamma(n)
    rest = 0.0
    if once > 0:
        # Expected share of a symbol that was seen once, by Good and Turing.
        singles, pairs = (once, twice) if twice else (once - 1, 1)
        share = 2 * pairs / ((n - 1) * singles + 2 * pairs)
        rest = once / n * _series_rest(n, share)
    return Additive(rest, lambda counts: counts / n * (whole - digamma(counts)))


_LAGUERRE = np.polynomial.laguerre.laggauss(12)
_LEAST = 4  # from here on twelve nodes are exact in double precision


def _series_rest(n: int, share: float) -> float:
    """Return (1-A)^(1-n) (-ln A - sum over r < n of (1-A)^r / r), A being the share.

    Notes
    -----
    It is the sum over k >= 0 of q^(k+1) / (n + k) with q = 1 - A, or q times the integral of
    exp(-n v) / (1 - exp(-v - L)) over v > 0 with L = -ln q. The pole 1 / (v + L) gives the
    exponential integral exp(n L) E1(n L) = U(1, 1, n L); what is left is smooth. The difference in
    the first line loses all digits as soon as n A is large.
    """
    q = 1.0 - share
    if q <= 0.0:
        return 0.0
    first, start = 0.0, max(n, _LEAST)
    for k in range(start - n):
        first += q ** (k + 1) / (n + k)
    decay = -math.log1p(-share)
    nodes, weights = _LAGUERRE
    smooth = float(weights @ _without_pole(decay + nodes / start)) / start
    return first + q ** (start - n) * q * (_scaled_exp1(start * decay) + smooth)


def _scaled_exp1(x: float) -> float:
    """Return exp(x) E1(x); of U(1, 1, x) ten digits are right for some x below 40."""
    return float(np.exp(x) * exp1(x) if x < 100.0 else hyperu(1, 1, x))


def _without_pole(u: FloatArray) -> FloatArray:
    """Return 1 / (1 - exp(-u)) - 1/u for u > 0."""
    with np.errstate(divide="ignore"):
        exact = -1.0 / np.expm1(-u) - 1.0 / u
    series = 0.5 + u / 12 - u**3 / 720 + u**5 / 30240
    return np.where(u < 0.05, series, exact)
