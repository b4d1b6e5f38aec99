"""Entropy and information under the assumption that samples are Gaussian, or their scores are.

With the scatter matrix W of d Gaussian columns, nu = n - 1 and psi the digamma function,
E ln det W = ln det C + d ln 2 + sum_(i=1..d) psi((nu + 1 - i) / 2), and the variance of ln det W is
the same sum of trigammas: by Bartlett's decomposition det W is det C times a product of independent
chi-square variables. Every estimate here is a sum of such logarithms less what they exceed their
targets by, so it has no bias where the samples are Gaussian. Given Z the scatter of the residuals
has dim Z degrees of freedom fewer.

No covariance is formed or inverted. Columns are scaled by a power of two, centred twice and divided
by their norm; spaces are kept as orthonormal bases. A direction counts as empty where the rounding
of the data could have made what is left of it: constant and repeated columns of one variable add
nothing, and a linear relation between two variables makes their information infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, polygamma, psi

from infotheory._typing import FloatArray
from infotheory.estimators.continuous.linear import (
    beside,
    joined,
    precedes,
    rank_of,
    standardised,
    white_basis,
)
from infotheory.estimators.continuous.parts import Parts

__all__ = [
    "GAUSSIAN_METHODS",
    "conditional_mutual_information",
    "copula_scores",
    "entropy",
    "least_samples",
    "mutual_information",
    "o_information",
    "total_correlation",
]

GAUSSIAN_METHODS = ("gaussian", "gaussian_copula")
"""What assumes that samples are Gaussian, or that their scores are."""


def least_samples(dimensions: Sequence[int]) -> int:
    """Return how many samples variables of these numbers of columns need: two more than columns."""
    return sum(dimensions) + 2


def copula_scores(columns: FloatArray) -> FloatArray:
    """Return normal scores of each column, the Gaussian quantiles of rank / (n + 1).

    Samples that tie share the mean of their ranks.
    """
    from scipy.stats import rankdata  # which takes half a second to load

    scores: FloatArray = ndtri(rankdata(columns, axis=0) / (columns.shape[0] + 1))
    return np.ascontiguousarray(scores)


def entropy(x: FloatArray) -> Parts:
    """Return the differential entropy of Gaussian samples, shape (n, d) with n > d + 1.

    Notes
    -----
    (d ln(pi e) + ln det W - sum_i psi((n - i) / 2)) / 2, of variance sum_i psi'((n - i) / 2) / 4,
    about d / (2 n). Where the variance of the local values over n is larger, as it is for tails
    heavier than Gaussian ones, it takes its place. Minus infinity where a column follows linearly
    from others.
    """
    n, d = x.shape
    basis, log_root = white_basis(x)
    if log_root == -math.inf:
        return Parts(-math.inf, math.nan, np.full(n, -math.inf))
    excess, variance = _log_det_moments(n - 1, d)
    log_det = 2.0 * log_root
    value = 0.5 * (d * math.log(math.pi * math.e) + log_det - excess)
    local = value + 0.5 * (n * _leverages(basis) - d)
    return Parts(value, math.sqrt(max(0.25 * variance, float(local.var()) / n)), local)


def mutual_information(x: FloatArray, y: FloatArray) -> Parts:
    """Return I(X;Y) of Gaussian samples, shapes (n, dx) and (n, dy) with n > dx + dy + 1.

    Notes
    -----
    As :func:`conditional_mutual_information`, with nothing given.
    """
    return conditional_mutual_information(x, y, np.empty((x.shape[0], 0)))


def conditional_mutual_information(x: FloatArray, y: FloatArray, z: FloatArray) -> Parts:
    """Return I(X;Y|Z) of Gaussian samples with n > dx + dy + dz + 1; z may have no columns.

    Notes
    -----
    -sum_i ln(1 - r_i^2) / 2 less its bias, over the canonical correlations r_i of what regression
    on Z leaves of X and Y; sqrt(1 - r_i^2) is a singular value of its own, and keeps its digits
    where r_i is near one. The value is the same bit for bit when x and y change places.

    The variance is sum_i r_i^2 / n, by the delta method, plus the exact variance at independence,
    about dx dy / (2 n^2), where the first term should vanish: there the standard error is too large
    by a factor of up to sqrt(3), for the r_i are as random as the estimate. Where the variance of
    the local values is larger than sum_i r_i^2, as it is for tails heavier than Gaussian ones, it
    takes its place.

    Local values are logarithms of ratios of the fitted densities, moved so that their mean is the
    estimate. Infinite where x and y are linearly related, given z.
    """
    n = x.shape[0]
    given, *others = (standardised(block) for block in (z, x, y))
    if not precedes(others[0].columns, others[1].columns):
        others.reverse()
    rank = rank_of(given)
    fixed, _ = beside(given.columns, np.empty((n, 0)), rank)
    p, q = (rank_of(joined(given, other)) - rank for other in others)
    if rank_of(joined(given, *others)) < rank + p + q:
        return Parts(math.inf, math.nan, np.full(n, math.inf))
    first, _ = beside(others[0].columns, fixed, p)
    second, _ = beside(others[1].columns, fixed, q)
    rest, sines = beside(second, first, q)
    # Of canonical angles, sqrt(1 - r^2); q - p of them are one whatever the data.
    sines = sines[max(0, q - p) :]
    plugin = 0.0 - float(np.log(sines).sum())
    nu = n - 1 - rank
    own = [_log_det_moments(nu, size) for size in (p, q, p + q)]
    excess, least = (0.5 * (a + b - both) for a, b, both in zip(*own, strict=True))
    value = plugin - excess
    ratio = plugin + 0.5 * n * (_leverages(second) - _leverages(rest))
    local = value + (ratio - ratio.mean())
    leading = max(float((1.0 - sines * sines).sum()), float(local.var()))
    return Parts(value, math.sqrt(leading / n - 0.5 * least), local)


def total_correlation(*variables: FloatArray) -> Parts:
    """Return the total correlation of Gaussian samples, each of shape (n, d), as a sum of shares.

    Notes
    -----
    Each variable shares I(X_i; X_1, ..., X_(i-1)) with those before it, and local values add. Their
    variance over n is that of the estimate to first order, to which the exact one at independence
    is added, as for mutual information. Infinite where columns of several variables are linearly
    related.
    """
    before = (np.hstack(variables[:i]) for i in range(1, len(variables)))
    shares = [mutual_information(x, past) for x, past in zip(variables[1:], before, strict=True)]
    if len(shares) == 1:
        return shares[0]
    value = sum(share.value for share in shares)
    n, widths = len(variables[0]), [x.shape[1] for x in variables]
    if not math.isfinite(value):
        return Parts(value, math.nan, np.full(n, value))
    local = _sum([share.local for share in shares])
    whole, *own = (_log_det_moments(n - 1, size)[1] for size in (sum(widths), *widths))
    return Parts(value, math.sqrt(float(local.var()) / n + 0.25 * (whole - sum(own))), local)


def o_information(*variables: FloatArray) -> Parts:
    """Return the O-information of three or more Gaussian variables, each of shape (n, d).

    Notes
    -----
    (2 - m) T + sum_i T_i, with T the total correlation of all m variables and T_i that of all but
    the i-th. The variance is that of the local values over n: at independence it vanishes to second
    order, as that of the estimate does. Nan where variables are linearly related.
    """
    m = len(variables)
    whole = total_correlation(*variables)
    others = [total_correlation(*variables[:i], *variables[i + 1 :]) for i in range(m)]
    n, value = len(variables[0]), (2 - m) * whole.value + sum(part.value for part in others)
    if not math.isfinite(value):
        return Parts(value, math.nan, np.full(n, value))
    local = _sum([part.local for part in others]) + (2 - m) * _sum([whole.local])
    return Parts(value, math.sqrt(float(local.var()) / n), local)


def _sum(parts: Sequence[FloatArray | None]) -> FloatArray:
    return np.asarray(np.sum(np.array(parts, dtype=np.float64), axis=0))


def _leverages(basis: FloatArray) -> FloatArray:
    """Squared distances from the mean in the metric of the sample, over n."""
    squares: FloatArray = np.square(basis).sum(axis=1)
    return squares


def _log_det_moments(nu: int, size: int) -> tuple[float, float]:
    """E and variance of ln det of a scatter matrix, the first less ln det(2 C)."""
    halves = 0.5 * (nu - np.arange(size))
    return float(psi(halves).sum()), float(polygamma(1, halves).sum())
