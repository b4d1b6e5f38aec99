"""Entropy under a Dirichlet prior, for an alphabet that may be infinite.

With a symmetric prior of concentration b a symbol seen c times has the parameter c + b; all
parameters add to A = n + K b.  Under their Dirichlet law, with q = parameter / A as weights,

    E H = mean of psi(A + 1) - psi(a + 1),
    Var H = (variance of psi(a + 1) + mean of (a + 1) psi'(a + 1)) / (A + 1) - psi'(A + 1),

which are the moments of Wolpert and Wolf without their differences of large numbers.  Held by its
total k = K b, the prior has a limit for infinite K, b = 0: symbols not seen keep the share k / A,
and psi(a + 1) = psi(1) for each of them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma, zeta

from infotheory._typing import FloatArray
from infotheory.estimators.additive import Additive
from infotheory.estimators.profile import Profile, Shape

__all__ = [
    "dirichlet",
    "dirichlet_deviation",
    "gap",
    "posterior_mean",
    "posterior_variance",
    "weighted_gaps",
]

_EACH = 0.5  # Jeffreys' prior
_LARGE = 20.0  # from here on the series below is exact in double precision


def posterior_mean(profile: Profile, total: FloatArray, each: FloatArray) -> FloatArray:
    """Return the mean entropy, in nats, for priors of a `total` with the share `each` a symbol.

    Both have shape (m, 1), and so has the result.
    """
    return weighted_gaps(profile, total, each, 0) / (total + profile.shape.n)


def weighted_gaps(profile: Profile, total: FloatArray, each: FloatArray, fewer: int) -> FloatArray:
    """Return the sum of a (psi(A + 1) - psi(a + 1)) over all symbols, of shape (m, 1).

    A is the sum of the parameters a less a number of samples.
    """
    others = total - each
    n = profile.shape.n - fewer
    a = profile.counts + each
    seen = (a * gap(a, n - profile.counts + others)) @ profile.symbols[:, None]
    return np.asarray(seen + _unseen(profile, total, each) * gap(each, n + others))


def gap(a: FloatArray, rest: FloatArray) -> FloatArray:
    """Return psi(a + rest + 1) - psi(a + 1), to a relative error where a is large.

    There psi(z + 1) = ln z + 1 / (2 z) - ..., and the difference of the logarithms is formed first.
    """
    large = a >= _LARGE
    base = np.where(large, a, _LARGE)
    far = np.log1p(rest / base) + _digamma_rest(base + rest) - _digamma_rest(base)
    return np.asarray(np.where(large, far, digamma(a + rest + 1) - digamma(a + 1)))


def _digamma_rest(z: FloatArray) -> FloatArray:
    """Return psi(z + 1) - ln z, for z >= 19."""
    w = 1 / z
    v = w * w
    return w / 2 - v * (1 / 12 - v * (1 / 120 - v * (1 / 252 - v * (1 / 240 - v / 132))))


def _unseen(profile: Profile, total: FloatArray, each: FloatArray) -> FloatArray:
    """Sum of the parameters of the symbols not seen."""
    return np.maximum(total - profile.shape.observed * each, 0.0)


def posterior_variance(profile: Profile, total: FloatArray, each: FloatArray) -> FloatArray:
    """Return the variance of the entropy for the priors of :func:`posterior_mean`."""
    weight = total + profile.shape.n
    a = np.concatenate([profile.counts + each, each], axis=1)
    number = profile.symbols * a[:, :-1]
    weights = np.concatenate([number, _unseen(profile, total, each)], axis=1) / weight
    logs = digamma(a + 1)
    centre = np.sum(weights * logs, axis=1, keepdims=True)
    spread = weights * ((logs - centre) ** 2 + (a + 1) * zeta(2, a + 1))
    return np.asarray(spread.sum(axis=1, keepdims=True) / (weight + 1) - zeta(2, weight + 1))


def dirichlet(shape: Shape) -> Additive:
    """Mean of the entropy given the samples, under Jeffreys' prior of half a sample a symbol."""
    weight = shape.n + shape.alphabet * _EACH
    whole = digamma(weight + 1)
    unseen = (shape.alphabet - shape.observed) * _EACH / weight

    def term(counts: FloatArray) -> FloatArray:
        a = counts + _EACH
        return np.asarray(a / weight * (whole - digamma(a + 1)))

    return Additive(float(unseen * (whole - digamma(_EACH + 1))), term)


def dirichlet_deviation(profile: Profile) -> float:
    """Standard deviation of the entropy given the samples, under Jeffreys' prior."""
    each = np.array([[_EACH]])
    variance = posterior_variance(profile, profile.shape.alphabet * each, each)
    return math.sqrt(max(float(variance[0, 0]), 0.0))
