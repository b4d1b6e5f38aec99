"""Divergence of one distribution from another, from samples of both."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np

from infotheory._results import Estimate, Interval
from infotheory._typing import FloatArray
from infotheory._validation import (
    as_rng,
    check_base,
    check_choice,
    check_count,
    check_flag,
    check_jobs,
    check_level,
    refusal,
)
from infotheory.estimators.continuous.coordinates import scaled
from infotheory.estimators.continuous.divergence import (
    Ratios,
    from_integral,
    kullback_leibler,
    power_integral,
    ratios,
    scatter,
)
from infotheory.estimators.continuous.doubts import Doubt, still_moving
from infotheory.estimators.continuous.subsampling import Scatter, interval_of
from infotheory.estimators.measurements import read_numbers
from infotheory.estimators.symbols import complete_rows
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

__all__ = ["DIVERGENCE_METHODS", "estimate_divergence"]

DIVERGENCE_METHODS = ("kl", "renyi", "tsallis", "hellinger")
"""Which divergences can be estimated."""

_NEAR_ONE = 1e-6  # closer to it the constant of the estimate loses its digits


def estimate_divergence(
    x: Any,
    y: Any,
    *,
    method: str = "kl",
    alpha: float | None = None,
    k: int = 3,
    base: float | None = None,
    level: float = 0.95,
    interval: bool = True,
    standardize: bool = True,
    nan_policy: str = "raise",
    rng: Any = None,
    n_jobs: int | None = None,
) -> Estimate:
    """Estimate the divergence D(P||Q) of the law P of x from the law Q of y.

    Parameters
    ----------
    x, y : array_like, Series or DataFrame, shape (n,) or (n, d), and (m,) or (m, d)
        Independent samples of measurements, not matched: n and m may differ, d may not.
    method : {"kl", "renyi", "tsallis", "hellinger"}, default "kl"
        Which divergence: that of Kullback and Leibler, that of Renyi or Tsallis of order `alpha`,
        or Hellinger's distance.
    alpha : float, optional
        The order, for "renyi" and "tsallis": positive, not 1, and less than k + 1.
    k : int, default 3
        Number of neighbours. More scatter less and are more biased.
    base : float, optional
        Base of the logarithm for "kl" and "renyi", 2 for bits; nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    interval : bool, default True
        Whether to estimate the scatter from parts of both samples, which takes about as long again.
    standardize : bool, default True
        Whether to divide each column by the interquartile range of x and y together first. No
        divergence depends on units, but distances over several columns do.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether samples with missing values are refused or left out.
    rng : int or numpy.random.Generator, optional
        Into which parts the samples are dealt for the interval; always the same by default.
    n_jobs : int, optional
        Number of threads; by default all cores where the work is large. The value does not depend
        on it.

    Returns
    -------
    Estimate
        A float with its interval; ``n`` counts both samples, and for "kl" ``local`` holds
        ln(p / q) at each point of x. It may be negative where the divergence is near zero, and is
        not cut off, but for "hellinger".

    Raises
    ------
    ValueError, TypeError
        Where x or y are no numbers, infinite, missing, of different numbers of columns, or not more
        than k; where `alpha` does not suit the method, or an option is unknown.

    Warns
    -----
    PrecisionWarning
        Where points have k copies; where points of x occur in y; where the terms of an integral
        have no variance, with 2 abs(alpha - 1) >= k; where parts of the samples say something
        else than the whole, so that more samples would too.
    UndefinedIntervalWarning
        Where a sample is too small to be cut into parts.

    Notes
    -----
    With r and s the Euclidean distances from a point of x to its k-th neighbour in x and in y, and
    means over the points of x,

    ===========  ===============================================================================
    "kl"         mean of d ln(s / r), + psi(m + 1) - psi(n): the estimate of [1]_, which has
                 ln(m / (n - 1)) in place of the digammas and differs by less than 1/n + 1/m.
    "renyi"      ln(J) / (alpha - 1) with J = B mean (r / s)^(d (1 - alpha)), of [2]_.
    "tsallis"    (J - 1) / (alpha - 1).
    "hellinger"  sqrt(1 - J) with alpha = 1/2, or 0 where J exceeds 1.
    ===========  ===============================================================================

    The constant B is that for which J has no bias where densities are constant within the balls,
    for all n and m: with t = 1 - alpha and the gamma function G, B is G(k)^2 G(n + t) G(m + 1 - t)
    / (G(k + t) G(k - t) G(n) G(m + 1)), which needs abs(t) < k. What is left is the bias from
    densities that change within a ball; where Q is thin and P is not, many samples are needed.

    Copies are masses, not densities: for a point of which k neighbours in x, or k in y, are copies,
    ln(p / q) is that of the shares of its copies in both samples. No noise is added. Where y has
    none, P is not absolutely continuous: "kl" is infinite, and J too for alpha > 1.

    The interval takes five or ten disjoint parts of both samples, of at most a thousand of the
    smaller one, whose estimates vary as those of the whole do but for the size, and Student's
    quantile. For "renyi", "tsallis" and "hellinger" it is that of J, carried over to where J stands
    for. Bias is left out.

    O((n + m) log(n + m)) time for few columns.

    References
    ----------
    .. [1] wang2009divergence.
    .. [2] poczos2011estimation.

    Examples
    --------
    Gaussian laws of variance 1, whose means are 1 apart, have a divergence of 1/2:

    >>> import numpy as np
    >>> from infotheory.estimators import estimate_divergence
    >>> x, y = np.random.default_rng(0).normal([[0.0], [1.0]], size=(2, 5000))
    >>> round(float(estimate_divergence(x, y)), 1)
    0.5
    """
    check_choice("method", method, DIVERGENCE_METHODS)
    k = check_count("k", k)
    order = _check_order(method, alpha, k)
    base, level = _check_base(method, base), check_level(level)
    wanted, n_jobs = check_flag("interval", interval), check_jobs(n_jobs)
    found_x, found_y = _read(x, y, nan_policy)
    _check_sizes(found_x, found_y, k)
    if check_flag("standardize", standardize):
        both = scaled(np.vstack([found_x, found_y])).points
        found_x, found_y = both[: len(found_x)].copy(), both[len(found_x) :].copy()

    def value_of(of_x: FloatArray, of_y: FloatArray) -> float:
        return _value(ratios(of_x, of_y, k, 1), order)

    whole = ratios(found_x, found_y, k, n_jobs)
    value = _value(whole, order)
    spread = None
    if wanted:
        generator = np.random.default_rng(0) if rng is None else as_rng(rng)
        spread = scatter(found_x, found_y, value_of, k, generator)
    limits = _limits(value, spread, method, order, level)
    if not wanted:
        limits = dataclasses.replace(limits, method="none")
    told = _doubts(whole, limits, order, spread, wanted, found_x.shape[1])
    for kind, text in told:
        warnings.warn(text, kind, stacklevel=2)
    unit = 1.0 if base is None else math.log(base)
    return Estimate(
        limits.estimate / unit,
        interval=limits.scaled(unit),
        n=whole.n + whole.m,
        method=method,
        base=base,
        warnings=tuple(text for _, text in told),
        local=kullback_leibler(whole) / unit if order is None else None,
    )


def _check_order(method: str, alpha: Any, k: int) -> float | None:
    """Return the order of the integral to estimate; None for "kl", which is none."""
    if method in ("kl", "hellinger"):
        if alpha is not None:
            raise refusal("alpha", f"None with method={method!r}", repr(alpha), "It has no order.")
        return None if method == "kl" else 0.5
    number = isinstance(alpha, (int, float, np.integer, np.floating)) and alpha is not True
    if not (number and 0.0 < alpha < k + 1 and abs(alpha - 1.0) >= _NEAR_ONE):
        raise refusal(
            "alpha",
            f"a positive number not within {_NEAR_ONE:g} of 1 and less than k + 1 ({k + 1}) with "
            f"method={method!r}",
            repr(alpha),
            "The limit at 1 is method='kl'; larger orders need more neighbours.",
        )
    return float(alpha)


def _check_base(method: str, base: Any) -> float | None:
    if method in ("tsallis", "hellinger") and base is not None:
        raise refusal(
            "base",
            f"None with method={method!r}",
            repr(base),
            "It is no logarithm, and has no unit.",
        )
    return check_base(base)


def _read(x: Any, y: Any, nan_policy: str) -> tuple[FloatArray, FloatArray]:
    found = []
    for name, samples in (("x", x), ("y", y)):
        numbers = read_numbers(samples, name)
        lost = np.asarray(np.isnan(numbers).any(axis=1))
        kept = complete_rows({name: lost}, nan_policy)
        found.append(numbers if kept is None else numbers[kept])
    return found[0], found[1]


def _check_sizes(x: FloatArray, y: FloatArray, k: int) -> None:
    if x.shape[1] != y.shape[1]:
        raise refusal(
            "y",
            f"have as many columns as x ({x.shape[1]})",
            str(y.shape[1]),
            "Both are samples of the same variables.",
        )
    if len(x) <= k or len(y) <= k:
        raise refusal(
            "k",
            f"smaller than the number of samples ({min(len(x), len(y))})",
            str(k),
            "Take more samples or fewer neighbours.",
        )


def _value(found: Ratios, order: float | None) -> float:
    if order is None:
        return float(kullback_leibler(found).mean())
    return power_integral(found, order)


def _limits(
    value: float, spread: Scatter | None, method: str, order: float | None, level: float
) -> Interval:
    """Return the divergence with its interval, from that of the integral where there is one."""
    limits = interval_of(value, spread, level)
    if order is not None:
        value = from_integral(method, value, order)
    if spread is None or not math.isfinite(value):
        return Interval(value, math.nan, math.nan, math.nan, level, limits.method)
    if order is None:
        return limits
    first, last = (from_integral(method, max(0.0, end), order) for end in (limits.low, limits.high))
    error = _carried_over(limits.standard_error, limits.estimate, value, method, order)
    low, high = min(first, last), max(first, last)
    return Interval(value, low, high, error, level, limits.method)


def _carried_over(error: float, integral: float, value: float, method: str, order: float) -> float:
    """Return the standard error of a divergence: that of the integral times the slope there."""
    if method == "hellinger":  # whose slope is infinite at zero, where it scatters as a root does
        return 0.5 * error / max(value, math.sqrt(error)) if error else 0.0
    return error / abs(order - 1.0) / (integral if method == "renyi" else 1.0)


def _doubts(
    found: Ratios,
    limits: Interval,
    order: float | None,
    spread: Scatter | None,
    wanted: bool,
    width: int,
) -> list[Doubt]:
    told: list[Doubt] = []
    value = limits.estimate
    copies = int(np.count_nonzero(found.atoms))
    if copies:
        text = (
            f"{copies} of {found.n} samples of x have {found.k} copies or more in x or in y: there "
            "the shares of copies are compared in place of densities"
        )
        text += "" if math.isfinite(value) else ", and y has none for some, which is infinitely far"
        told.append((PrecisionWarning, f"{text}. Give numbers as they were before rounding."))
    elif found.n_shared:
        text = (
            f"{found.n_shared} of {found.n} samples of x occur in y too, where those of densities "
            "would not: the estimate is biased. Draw x and y apart."
        )
        told.append((PrecisionWarning, text))
    if order is not None and 2.0 * abs(order - 1.0) >= found.k:
        text = (
            f"With alpha={order:g} the terms of the integral have no variance for k={found.k} "
            f"neighbours. Use k={math.floor(2.0 * abs(order - 1.0)) + 1} or more."
        )
        told.append((PrecisionWarning, text))
    if wanted and spread is None and math.isfinite(value):
        why = (
            "in parts of the samples y lacks what x repeats"
            if copies
            else f"{min(found.n, found.m)} samples cannot be cut into parts large enough"
        )
        text = f"The interval is undefined: {why}. Take more samples."
        told.append((UndefinedIntervalWarning, text))
    if order is None and spread is not None and spread.standard_error > 0.0:
        fallback = "infotheory.measures.gaussian_kl_divergence of their moments"
        moving = still_moving(value, spread, min(found.n, found.m), width, fallback)
        told += [] if moving is None else [moving]
    return told
