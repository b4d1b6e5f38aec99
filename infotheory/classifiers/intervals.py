"""Confidence intervals for CMI, Gamma, NCMI and the error rate.

The design.  Class shares are taken as given, as those of a benchmark are, and samples are
independent within their class.

The bias.  H(Q_c) is concave, so with n_c samples the plug-in CMI is too small, to first order by
the sum over classes of p_c chi2_c / (2 n_c), chi2_c the mean over the class of the chi-squared
divergence of P_i from Q_c.  Outputs of trained classifiers are peaked, and then the decay is slower
than 1/n_c for all n_c of practice.  So the decay is measured: leaving out one shard gives the slope
of CMI over the number of samples, halving the shards gives a second point, and the two fix a power
n^-alpha.  That power, as it holds between n/2 and n, overstates the bias (the decay gets faster),
and alpha = 1 understates it: the interval is centred in the middle of the two, and their distance
enters the standard error as that of a uniform law.  Gamma is a mean over pairs of independent
samples, and unbiased.

The scale.  All three are positive with errors in proportion: intervals are formed for logarithms,
with a t quantile.  The error rate gets the score interval of Wilson, which has no trouble with
zero errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from infotheory._results import Interval
from infotheory._typing import BoolArray, FloatArray, IntArray
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.quantities import cmi_and_gamma, error_rate, ncmi_of
from infotheory.classifiers.row_terms import RowTerms, stratified_variance

__all__ = [
    "Spread",
    "cmi_bias",
    "delta_intervals",
    "error_interval",
    "jackknife_intervals",
    "log_intervals",
    "shard_replicates",
]

_HALVINGS = 8  # ways to divide the shards in two halves
_SLOWEST = 0.25  # power of the decay of the bias, beyond which two points do not fix it
_MOST_REMOVED = 0.999  # share of CMI that leaving out one row is taken to remove, at most
_LEAST_REST = 1e-8  # share of the weight of a class that must stay when a shard is left out


def jackknife_intervals(sums: ClassSums, total: ClassSums, level: float) -> dict[str, Interval]:
    """Return intervals from leaving out one shard after the other.

    Parameters
    ----------
    sums : ClassSums
        In S parts, between which the samples of each class were dealt.
    total : ClassSums
        The parts taken together.
    level : float
        Confidence level.

    Returns
    -------
    dict of str to Interval
        For "cmi", "gamma", "ncmi" and "error", in nats.

    Notes
    -----
    Pseudo-values are formed for logarithms; S - 1 degrees of freedom. A class of one sample, or all
    but all of whose weight is in one shard, cannot be left out, and adds no variance. Costs S + 16
    times the closing of a pass, O(S K) each.
    """
    deleted = shard_replicates(sums, total)
    free = sums.n_parts - 1.0  # also the factor from the variance of replicates to that of all
    with np.errstate(divide="ignore", invalid="ignore"):
        cmi, gamma = np.log(deleted[:, :2]).T
        spreads = [
            Spread.of_variance(free * _variance(x), free, level) for x in (cmi, gamma, cmi - gamma)
        ]
    method = f"jackknife over {sums.n_parts} shards"
    bias = cmi_bias(sums, total, deleted[:, 0])
    return {
        **log_intervals(total, spreads, bias, level, method),
        "error": error_interval(total, level),
    }


def _variance(values: FloatArray) -> float:
    """Mean squared distance from the mean; nan where a value is infinite."""
    return float(np.var(values)) if np.isfinite(values).all() else math.nan


def shard_replicates(sums: ClassSums, total: ClassSums) -> FloatArray:
    """CMI, Gamma and error rate without each of the shards, shape (S, 3)."""
    return np.array([_without(sums, total, part) for part in range(sums.n_parts)])


def _without(sums: ClassSums, total: ClassSums, part: int) -> tuple[float, float, float]:
    """CMI, Gamma and error without one shard, class shares as they were."""
    left_out = sums.fold(np.arange(sums.n_parts) == part)
    rows = np.searchsorted(total.cells, left_out.cells)
    # Something must be left of a class, and more than subtraction rounds away.
    several = total.weight[rows] - left_out.weight > _LEAST_REST * total.weight[rows]
    rows = rows[several]
    fields = {}
    for name in ("weight", "mass", "log_mass", "entropy", "bins"):
        values = getattr(total, name).copy()
        values[rows] -= getattr(left_out, name)[several]
        fields[name] = values
    np.maximum(fields["mass"], 0.0, out=fields["mass"])  # where nothing but rounding is left
    rest = replace(total, **fields).reweighted(total.weight)
    return (*cmi_and_gamma(rest), error_rate(rest))


def cmi_bias(sums: ClassSums, total: ClassSums, deleted: FloatArray) -> tuple[float, float]:
    """Estimate by how much the plug-in CMI is too small, and the standard error of that.

    Parameters
    ----------
    sums, total : ClassSums
        As in :func:`jackknife_intervals`.
    deleted : ndarray of float, shape (S,)
        CMI without each of the shards.

    Returns
    -------
    shortfall, standard_error : float
        Not negative.
    """
    size = sums.n_parts
    full = total.class_cmi
    first_order = max(
        (size - 1) * float(total.weight @ full / total.weight.sum() - deleted.mean()), 0.0
    )
    values, found = np.zeros(full.size), np.zeros(full.size)
    for keep in _halves(size):
        half = sums.fold(keep)
        rows = np.searchsorted(total.cells, half.cells)
        values[rows] += half.class_cmi
        found[rows] += 1
    lost = full - values / found  # every class is in one half of a pair at least
    halved = float(total.weight @ lost / total.weight.sum())
    if first_order == 0.0 or halved <= 0.0:
        return first_order, 0.0
    power = _power(first_order / halved, size)
    measured = max(halved / (2.0**power - 1.0), first_order)
    return (first_order + measured) / 2, (measured - first_order) / math.sqrt(12)


def _halves(size: int) -> list[BoolArray]:
    """Fixed divisions of the shards in two: nothing is random, as shards are dealt evenly."""
    order = np.random.default_rng(0)
    halves = []
    for _ in range(_HALVINGS):
        half = np.zeros(size, np.bool_)
        half[order.permutation(size)[: size // 2]] = True
        halves += [half, ~half]
    return halves


def _power(ratio: float, size: int) -> float:
    """Solve for alpha: the ratio of the first-order bias to the loss by halving, for n^-alpha."""
    powers = np.linspace(1.0, _SLOWEST, 301)
    slopes = (size - 1) * ((size / (size - 1)) ** powers - 1)
    return float(np.interp(ratio, slopes / (2**powers - 1), powers))  # ascending in this order


class Spread(NamedTuple):
    """How uncertain a logarithm is."""

    error: float
    """Standard error."""
    below: float
    above: float
    """From the estimate to the ends of its interval."""
    quantile: float
    """How many standard errors the interval reaches."""

    @classmethod
    def of_variance(cls, variance: float, freedom: float, level: float) -> Spread:
        """Spread of a t law with the given variance and degrees of freedom."""
        from scipy.special import stdtrit

        quantile = float(stdtrit(max(freedom, 1.0), 0.5 + level / 2))
        error = math.sqrt(variance)
        return cls(error, quantile * error, quantile * error, quantile)


def log_intervals(
    total: ClassSums,
    spreads: Sequence[Spread],
    bias: tuple[float, float],
    level: float,
    method: str,
) -> dict[str, Interval]:
    """Form the intervals of CMI, Gamma and NCMI from the spreads of their logarithms.

    Parameters
    ----------
    total : ClassSums
        All samples, in one part.
    spreads : sequence of Spread
        Of the logarithms of CMI, Gamma and NCMI; nan where undefined.
    bias : tuple of float
        By how much CMI is too small, and the standard error of that.
    level : float
        Confidence level.
    method : str
        What to call it.

    Returns
    -------
    dict of str to Interval
    """
    cmi, gamma = cmi_and_gamma(total)
    scale = gamma if 0.0 < gamma < math.inf else math.nan
    cases = (
        ("cmi", cmi, *bias),
        ("gamma", gamma, 0.0, 0.0),
        ("ncmi", ncmi_of(cmi, gamma), bias[0] / scale, bias[1] / scale),
    )
    varies = bool((total.counts > 1).any())  # classes of one sample each tell nothing
    most = {"cmi": math.log(total.n_outputs), "ncmi": math.log(total.n_outputs) / scale}
    result = {}
    for (name, value, missing, uncertain), spread in zip(cases, spreads, strict=True):
        if value == cmi == 0.0 and name != "gamma" and varies:  # rows of a class are equal
            result[name] = Interval(0.0, 0.0, 0.0, 0.0, level, method)
            continue
        centre = value + missing
        if not (varies and 0.0 < value < math.inf and math.isfinite(spread.error)):
            result[name] = Interval(value, math.nan, math.nan, math.nan, level, method)
            continue
        share = uncertain / centre
        low = centre * math.exp(-math.hypot(spread.below, spread.quantile * share))
        high = centre * math.exp(min(math.hypot(spread.above, spread.quantile * share), 700.0))
        high = min(high, max(value, most.get(name, math.inf)))
        error = centre * math.hypot(spread.error, share)
        result[name] = Interval(value, low, high, error, level, method, 0.0 - missing)
    return result


def error_interval(total: ClassSums, level: float) -> Interval:
    """Score interval for the error rate, at the number of equal samples that weights are worth.

    Parameters
    ----------
    total : ClassSums
        All samples, in one part.
    level : float
        Confidence level.

    Returns
    -------
    Interval
    """
    from scipy.special import ndtri

    error = error_rate(total)
    method = "Wilson score"
    if math.isnan(error):
        return Interval(error, math.nan, math.nan, math.nan, level, method)
    n = float(total.weight.sum() ** 2 / total.squares.sum())
    z2 = float(ndtri(0.5 + level / 2)) ** 2
    centre = (error + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2 * (error * (1 - error) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if error == 0.0 else max(centre - reach, 0.0)
    high = 1.0 if error == 1.0 else min(centre + reach, 1.0)
    return Interval(error, low, high, math.sqrt(error * (1 - error) / n), level, method)


def delta_intervals(
    sums: ClassSums,
    total: ClassSums,
    terms: RowTerms,
    labels: IntArray,
    weights: FloatArray | None,
    level: float,
) -> dict[str, Interval]:
    """Return intervals from what each row contributes.

    Parameters
    ----------
    sums, total : ClassSums
        As in :func:`jackknife_intervals`: the bias is measured on shards.
    terms : RowTerms
        Of the rows that `total` sums up, with pseudo-values for the divergences, from
        :func:`infotheory.classifiers.leave_one_out.pseudo_terms`.
    labels : ndarray of int, shape (n,)
        Classes of these rows.
    weights : ndarray of float, shape (n,), optional
        Sample weights, positive.
    level : float
        Confidence level.

    Returns
    -------
    dict of str to Interval
        For "cmi", "gamma", "ncmi" and "error", in nats.

    Notes
    -----
    With few samples a row may make up much of CMI, and the derivative of ln CMI understates what
    leaving it out does. So the influence of a row on ln CMI is taken as the difference it makes,
    (W_c - w_i) / (p_c w_i) times ln CMI - ln CMI without it, which tends to the derivative.
    """
    cmi, gamma = cmi_and_gamma(total)
    w = np.ones(labels.size) if weights is None else weights
    slots = np.searchsorted(total.cells, labels)
    own, share = total.weight[slots], (total.weight / total.weight.sum())[slots]
    alone = total.counts[slots] < 2  # such a class adds no variance
    rest = np.where(alone, 1.0, np.maximum(own / w - 1.0, _LEAST_REST))
    with np.errstate(divide="ignore", invalid="ignore"):
        removed = share / rest * (terms.divergence - total.class_cmi[slots]) / cmi
        near = -np.log1p(-np.minimum(removed, _MOST_REMOVED)) * rest / share
        far = terms.separation / gamma
        spreads = [
            Spread.of_variance(*stratified_variance(values, labels, weights), level)
            for values in (near, far, near - far)
        ]
    bias = cmi_bias(sums, total, shard_replicates(sums, total)[:, 0])
    return {
        **log_intervals(total, spreads, bias, level, "delta method"),
        "error": error_interval(total, level),
    }
