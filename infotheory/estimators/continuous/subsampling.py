"""How far estimates scatter, from disjoint parts of the sample.

Neighbours in a bootstrap sample are copies of one point, so resampling with replacement fails for
estimates that rest on neighbours. Disjoint parts are independent samples; the variance of the mean
over n samples is that of a part of m times m / n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from infotheory._results import Interval
from infotheory._typing import IntArray

__all__ = ["Scatter", "interval_of", "parts_of", "scatter_of"]

_LARGEST = 1000  # samples of a part: the variance of larger ones falls as 1/m closely enough
_PARTS = 10
_FEW_PARTS = 5
_LEAST = 60  # samples of each of ten parts; below that there are five
_SMALLEST = 20


class Scatter(NamedTuple):
    """Estimates from disjoint parts of a sample.

    Attributes
    ----------
    standard_error : float
        Of the estimate from the whole sample.
    n_parts : int
    size : int
        Samples of each part.
    mean, error : float
        Mean of the estimates from parts, and its standard deviation.
    """

    standard_error: float
    n_parts: int
    size: int
    mean: float
    error: float


def parts_of(n: int) -> tuple[int, int]:
    """Return how many parts n samples are cut into, and how many samples each has."""
    n_parts = _PARTS if n >= _PARTS * _LEAST else _FEW_PARTS
    return n_parts, min(n // n_parts, _LARGEST)


def scatter_of(
    value_of: Callable[[IntArray], float], n: int, k: int, rng: np.random.Generator
) -> Scatter | None:
    """Estimate from parts drawn at random; None where the sample is too small for parts."""
    n_parts, size = parts_of(n)
    if size < max(_SMALLEST, 4 * k):
        return None
    rows = rng.choice(n, n_parts * size, replace=False).reshape(n_parts, size)
    values = np.array([value_of(part) for part in rows])
    if not np.isfinite(values).all():
        return None
    deviation = float(np.std(values, ddof=1))
    error = deviation / math.sqrt(n_parts)
    return Scatter(deviation * math.sqrt(size / n), n_parts, size, float(values.mean()), error)


def interval_of(estimate: float, scatter: Scatter | None, level: float) -> Interval:
    """Return the interval by Student's law, with ends of nan where there is none."""
    if scatter is None or not math.isfinite(estimate):
        return Interval(estimate, math.nan, math.nan, math.nan, level, "subsampling, t")
    reach = float(stdtrit(scatter.n_parts - 1, 0.5 + level / 2)) * scatter.standard_error
    low, high = estimate - reach, estimate + reach
    return Interval(estimate, low, high, scatter.standard_error, level, "subsampling, t")
