"""The entropy estimate of Nemenman, Shafee and Bialek, by an exact integral.

The prior is a mixture of symmetric Dirichlet laws over an alphabet of K symbols, such that the
expected entropy before any sample is uniform between 0 and ln K.  In terms of the total k = K b of
the parameters its density is psi'(k + 1) - psi'(k / K + 1) / K.  For an unknown alphabet K is
infinite: the density is psi'(k + 1), the expected entropy uniform over the half-line.

Everything is integrated over x = ln k, where the integrand is analytic in the strip |Im x| < pi and
falls off exponentially on both sides: sums over equally spaced points converge exponentially, and
points are added until they have.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, zeta

from infotheory._typing import FloatArray
from infotheory.estimators.additive import Additive
from infotheory.estimators.dirichlet import gap, posterior_mean, posterior_variance, weighted_gaps
from infotheory.estimators.profile import Profile, Shape

__all__ = ["Posterior", "ansb", "ansb_deviation", "nsb_posterior", "nsb_without_one"]

_NEGLIGIBLE = 45.0  # exp(-45) = 3e-20 of the largest value, below the rounding of the sum
_LARGE = 20.0  # from here on the series below are exact in double precision
_HALVINGS = 10  # three or four suffice; more could only follow what rounding does
_TOLERANCE = 1e-9  # change by halving the step; the error left is about its square


class Posterior(NamedTuple):
    """Mean and standard deviation of the entropy given the samples, in nats."""

    mean: float
    deviation: float


def nsb_posterior(profile: Profile) -> Posterior:
    """Return mean and deviation of the entropy under the prior that is uniform in entropy.

    Notes
    -----
    For an infinite alphabet, samples without any coincidence leave the posterior improper and the
    entropy unbounded: both values are infinite.
    """
    if profile.shape.n_symbols == 1:
        return Posterior(0.0, 0.0)
    if profile.shape.n_symbols is None and profile.shape.observed == profile.shape.n:
        return Posterior(math.inf, math.inf)
    rule = _integrate(
        _log_prior_range(profile.shape),
        lambda points: _log_weight(profile, points),
        lambda points: posterior_mean(profile, *_totals(profile.shape, points)),
    )
    within = posterior_variance(profile, *_totals(profile.shape, rule.points))
    variance = rule.deviations**2 + np.sum(rule.weights * within, axis=0)
    return Posterior(float(rule.means[0]), math.sqrt(float(variance[0])))


def nsb_without_one(profile: Profile) -> FloatArray:
    """Return the mean of the entropy without one sample of a symbol of each count, in nats.

    Notes
    -----
    With one sample less of a symbol seen c times the likelihood is (n - 1 + k) / (c - 1 + k / K)
    times what it was, and one term of the mean is another: all are formed on the same points.
    """
    shape, counts = profile.shape, profile.counts
    if shape.n_symbols == 1:
        return np.zeros(1)
    result = np.full(counts.size, math.inf)
    bounded = shape.n - shape.observed > (counts > 1) if shape.n_symbols is None else counts > 0
    counts = counts[bounded]
    if counts.size == 0:
        return result

    def logs(points: FloatArray) -> FloatArray:
        total, each = _totals(shape, points)
        # Of a symbol seen once k / K goes, or k: the same up to a constant.
        gone = np.where(counts == 1.0, total, counts - 1 + each)
        return np.asarray(_log_weight(profile, points) + np.log((shape.n - 1 + total) / gone))

    def means(points: FloatArray) -> FloatArray:
        total, each = _totals(shape, points)
        a, less, others = counts + each, counts - 1 + each, shape.n - counts + (total - each)
        moved = less * gap(less, others) - a * gap(a, others - 1)
        return np.asarray((weighted_gaps(profile, total, each, 1) + moved) / (shape.n - 1 + total))

    result[bounded] = _integrate(_log_prior_range(shape), logs, means).means
    return result


class _Rule(NamedTuple):
    """Points, weights that sum to one in each column, and what they give."""

    points: FloatArray
    weights: FloatArray
    means: FloatArray
    deviations: FloatArray


def _integrate(
    ends: tuple[float, float],
    logs_at: Callable[[FloatArray], FloatArray],
    values_at: Callable[[FloatArray], FloatArray],
) -> _Rule:
    """Take means of values under weights given by their logarithms, columns side by side."""
    low, high = _support(ends, logs_at)
    points: FloatArray = np.linspace(low, high, 33)
    logs, values = logs_at(points), values_at(points)
    rule = _rule(points, logs, values)
    step = (high - low) / 32
    for _ in range(_HALVINGS):
        between = np.asarray(low + step * (np.arange(points.size - 1) + 0.5), dtype=np.float64)
        step /= 2
        points = np.concatenate([points, between])
        logs = np.concatenate([logs, logs_at(between)])
        values = np.concatenate([values, values_at(between)])
        before, rule = rule, _rule(points, logs, values)
        change = np.abs(rule.means - before.means) + np.abs(rule.deviations - before.deviations)
        # Logarithms are rounded to their size; weights that are off by that move means by it.
        rounding = np.finfo(float).eps * np.abs(logs).max(axis=0) * rule.deviations
        if np.all(change <= _TOLERANCE * rule.means + rounding):
            break
    return rule


def _rule(points: FloatArray, logs: FloatArray, values: FloatArray) -> _Rule:
    weights = np.exp(logs - logs.max(axis=0))
    weights /= weights.sum(axis=0)
    means = np.sum(weights * values, axis=0)
    return _Rule(points, weights, means, np.sqrt(np.sum(weights * (values - means) ** 2, axis=0)))


def _support(
    ends: tuple[float, float], logs_at: Callable[[FloatArray], FloatArray]
) -> tuple[float, float]:
    """Find where the weights of some column are not negligible, by looking closer and closer."""
    low, high = ends
    while True:
        points = np.linspace(low, high, 129)
        logs = logs_at(points)
        places = np.flatnonzero(np.any(logs > logs.max(axis=0) - _NEGLIGIBLE, axis=1))
        width = high - low
        low, high = points[max(places[0] - 1, 0)], points[min(places[-1] + 1, 128)]
        if high - low > width / 2:
            return float(low), float(high)


def _log_prior_range(shape: Shape) -> tuple[float, float]:
    """Return a range of x beyond which weights are negligible.

    They rise at least as exp(x) and fall at least as exp(-x) outside the range in which the
    likelihood depends on k, from 1 / ln n to K n^2.
    """
    reach = 1.5 * _NEGLIGIBLE
    return -reach, reach + 2 * math.log(shape.n) + math.log(shape.n_symbols or 1)


def _totals(shape: Shape, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Total of the prior parameters at x = ln k, and the parameter of each symbol; columns."""
    total = np.exp(points)[:, None]
    return total, np.zeros_like(total) if shape.n_symbols is None else total / shape.n_symbols


def _log_weight(profile: Profile, points: FloatArray) -> FloatArray:
    """Log density over x of prior times likelihood, up to a constant; a column."""
    shape = profile.shape
    total, each = _totals(shape, points)
    known = -_log_rising(total, np.array([float(shape.n)])) + points[:, None]
    if shape.n_symbols is None:  # each symbol seen gives k times what does not depend on k
        return known + shape.observed * points[:, None] + np.log(zeta(2, total + 1))
    parts = _log_rising(each, profile.counts) @ profile.symbols[:, None]
    return np.asarray(known + parts + _log_prior(total, shape.n_symbols))


def _log_rising(z: FloatArray, counts: FloatArray) -> FloatArray:
    """Return ln of z (z + 1) ... (z + c - 1) / (c - 1)!, without differences of large terms.

    With Gamma(z + c) / (Gamma(z) Gamma(c)) symmetric, Stirling's formula is taken for the larger of
    z and c, and the sum, where that is large, and for the smaller where both are.
    """
    more, less = np.maximum(z, counts), np.minimum(z, counts)
    base, both = np.maximum(more, _LARGE), np.maximum(less, _LARGE)
    far = (base - 0.5) * np.log1p(less / base) + _stirling(base + less) - _stirling(base)
    far += np.where(
        less < _LARGE,
        less * (np.log(base + less) - 1) - gammaln(less),
        both * np.log1p(base / both) + np.log(both / (2 * math.pi)) / 2 - _stirling(both),
    )
    return np.where(more < _LARGE, gammaln(z + counts) - gammaln(z) - gammaln(counts), far)


def _stirling(z: FloatArray) -> FloatArray:
    """Return ln Gamma(z) less Stirling's formula, for z >= 20."""
    w = 1 / z
    v = w * w
    return w * (1 / 12 - v * (1 / 360 - v * (1 / 1260 - v * (1 / 1680 - v / 1188))))


def _log_prior(total: FloatArray, size: int) -> FloatArray:
    """Return ln of psi'(k + 1) - psi'(k / K + 1) / K, where psi'(z) = zeta(2, z)."""
    each = total / size
    large = each >= _LARGE
    density = zeta(2, total + 1) - zeta(2, each + 1) / size
    # The leading terms, 1/k each, cancel.
    density[large] = _trigamma_rest(total[large]) - _trigamma_rest(each[large]) / size
    return np.asarray(np.log(density))


def _trigamma_rest(z: FloatArray) -> FloatArray:
    """Return psi'(z + 1) - 1/z for z >= 20."""
    w = 1 / z
    v = w * w
    return v * (-1 / 2 + w * (1 / 6 - v * (1 / 30 - v * (1 / 42 - v / 30))))


def ansb(shape: Shape) -> Additive:
    """Return Nemenman's limit of the estimate for few coincidences d = n - s in many symbols.

    With k far above n the likelihood of an infinite alphabet is k^-d exp(-n^2 / (2 k)), and the
    entropy is ln k - psi(1): its mean is ln(n^2 / 2) - psi(d) - psi(1).
    """
    coincidences = shape.n - shape.observed
    if coincidences == 0:
        return Additive(math.inf, np.zeros_like)
    constant = 2 * math.log(shape.n) - math.log(2) - digamma(coincidences) - digamma(1)
    return Additive(float(constant), np.zeros_like)


def ansb_deviation(shape: Shape) -> float:
    """Return the standard deviation that belongs to :func:`ansb`, the root of psi'(d)."""
    coincidences = shape.n - shape.observed
    return math.sqrt(zeta(2, coincidences)) if coincidences else math.inf
