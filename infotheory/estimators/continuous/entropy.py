"""Differential entropy of samples with a density."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln, ndtri

from infotheory._results import Estimate, Interval
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.estimators.continuous import gaussian, kernel_density, spacings
from infotheory.estimators.continuous.coordinates import scaled
from infotheory.estimators.continuous.doubts import Doubt, still_moving, tied, undefined
from infotheory.estimators.continuous.parts import Parts
from infotheory.estimators.continuous.subsampling import Scatter, interval_of, scatter_of
from infotheory.estimators.neighbours.columns import check_neighbours, sorted_column
from infotheory.estimators.neighbours.digamma import digamma_table
from infotheory.estimators.neighbours.line import kth_distances_sorted
from infotheory.estimators.neighbours.tree import Norm, build_tree, kth_distances
from infotheory.exceptions import PrecisionWarning

__all__ = ["DENSITY_METHODS", "DensityOptions", "estimate_density_entropy"]

_UNROUNDED = "Give them as they were before rounding, or count them as symbols (discrete=True)."

DENSITY_METHODS = ("kozachenko_leonenko", *spacings.METHODS, "gaussian", "kde")
"""What estimates the differential entropy of measurements, beside "auto"."""


@dataclass(frozen=True)
class DensityOptions:
    """How to estimate, checked; see :func:`infotheory.estimators.estimate_entropy`."""

    method: str
    k: int
    norm: Norm
    standardize: bool
    base: float | None
    level: float
    interval: bool
    n_jobs: int | None
    rng: Any


def estimate_density_entropy(
    samples: FloatArray, options: DensityOptions, stacklevel: int
) -> Estimate:
    """Estimate the differential entropy of finite samples of shape (n, d)."""
    n, method = len(samples), options.method
    if method == "auto":
        method = "kozachenko_leonenko"
    scatter = None
    if method == "kozachenko_leonenko":
        local, scatter = _kozachenko_leonenko(samples, options)
        value = float(np.mean(local))
        interval = interval_of(value, scatter, options.level)
        if not options.interval:
            interval = Interval(value, math.nan, math.nan, math.nan, options.level, "none")
    else:
        parts = _parts(samples, method)
        value, local = parts.value, np.asarray(parts.local)
        reach = float(ndtri(0.5 + options.level / 2)) * parts.standard_error
        interval = Interval(
            value, value - reach, value + reach, parts.standard_error, options.level, "normal"
        )
    ties = None if method == "gaussian" else tied(_repeated(samples), method, _UNROUNDED)
    found = _doubts(value, samples.shape, options.k, interval, scatter, local, ties)
    for kind, text in found:
        warnings.warn(text, kind, stacklevel=stacklevel)
    unit = 1.0 if options.base is None else math.log(options.base)
    return Estimate(
        value / unit,
        interval=interval.scaled(unit),
        n=n,
        method=method,
        base=options.base,
        warnings=tuple(text for _, text in found),
        local=local / unit,
    )


def _parts(samples: FloatArray, method: str) -> Parts:
    n, d = samples.shape
    if method in spacings.METHODS:
        if d != 1:
            raise refusal(
                "samples",
                f"one column with method={method!r}",
                f"{d} columns",
                "Use 'kozachenko_leonenko' for several columns together.",
            )
        _check_enough(n, spacings.LEAST_SAMPLES, method)
        return spacings.entropy(samples[:, 0], method)
    _check_enough(n, gaussian.least_samples([d]), method)
    return gaussian.entropy(samples) if method == "gaussian" else kernel_density.entropy(samples)


def _check_enough(n: int, least: int, method: str) -> None:
    if n < least:
        raise refusal(
            "samples",
            f"at least {least} rows with method={method!r}",
            f"{n}",
            "Take more samples or fewer columns.",
        )


# --------------------------------------------------------------------------- Kozachenko-Leonenko


def _kozachenko_leonenko(
    samples: FloatArray, options: DensityOptions
) -> tuple[FloatArray, Scatter | None]:
    """Return the local values, whose mean is the estimate, and how far the mean scatters."""
    n, k = len(samples), options.k
    check_neighbours(n, k)
    found = scaled(samples, options.standardize)
    points, moved = found.points, float(np.log(found.units).sum())
    if options.norm == "euclidean" and points.shape[1] > 1:
        # Squares might overflow otherwise; a power of two is exact.
        unit = math.ldexp(1.0, math.frexp(float(np.ptp(points, axis=0).max()))[1] - 1)
        points, moved = points / unit, moved + points.shape[1] * math.log(unit)
    local = _log_volumes(points, k, options.norm, options.n_jobs, found.orders[0]) + moved
    if not options.interval:
        return local, None

    def value_of(rows: IntArray) -> float:
        return float(np.mean(_log_volumes(points[rows], k, options.norm, 1))) + moved

    rng = np.random.default_rng(0 if options.rng is None else options.rng)
    return local, scatter_of(value_of, n, k, rng)


def _log_volumes(
    points: FloatArray, k: int, norm: Norm, n_jobs: int | None, order: IntArray | None = None
) -> FloatArray:
    """Return psi(n) - psi(k) + ln of the volume of the ball up to the k-th neighbour."""
    n, d = points.shape
    psi = digamma_table(n + 1)
    constant = psi[n] - psi[k]
    with np.errstate(divide="ignore"):
        if d == 1:
            column = sorted_column(points[:, 0], order)
            lengths = kth_distances_sorted(column, k, n_jobs)
            return np.asarray(constant + math.log(2.0) + np.log(lengths))
        distances = kth_distances(build_tree(points, workers=n_jobs), k, norm=norm, workers=n_jobs)
        if norm == "max":
            return np.asarray(constant + d * math.log(2.0) + d * np.log(distances))
        log_ball = 0.5 * d * math.log(math.pi) - float(gammaln(0.5 * d + 1.0))
        return np.asarray(constant + log_ball + 0.5 * d * np.log(distances))  # of their squares


# ----------------------------------------------------------------------------------- what to know


def _doubts(
    value: float,
    shape: tuple[int, ...],
    k: int,
    interval: Interval,
    scatter: Scatter | None,
    local: FloatArray,
    ties: Doubt | None,
) -> list[Doubt]:
    n, width = shape
    copies = int(np.count_nonzero(np.isneginf(local)))
    if value == -math.inf:
        text = (
            f"The estimate is minus infinity: {copies} of {n} samples have a neighbourhood without "
            "volume, as copies do and columns that follow from others. Measure the discrete part "
            "as symbols (discrete=True) and the rest alone."
        )
        return [(PrecisionWarning, text)]
    found = [ties]
    if interval.method == "subsampling, t" and scatter is None:
        found.append(undefined(n, k))
    elif ties is None:
        found.append(still_moving(value, scatter, n, width, "method='gaussian'"))
    return [doubt for doubt in found if doubt is not None]


def _repeated(samples: FloatArray) -> float:
    """Share of values that repeat others, in the column with most of them."""
    ascending = np.sort(samples.T, axis=1)
    return int((ascending[:, 1:] == ascending[:, :-1]).sum(axis=1).max()) / len(samples)
