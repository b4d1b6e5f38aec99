"""Differential entropy of one variable from the distances between its ordered samples."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from infotheory._typing import FloatArray
from infotheory.estimators.continuous.parts import Parts

__all__ = ["LEAST_SAMPLES", "METHODS", "entropy", "window_length"]

_NAMES: dict[str, Literal["vasicek", "van es", "ebrahimi", "correa"]] = {
    "vasicek": "vasicek",
    "van_es": "van es",
    "ebrahimi": "ebrahimi",
    "correa": "correa",
}

METHODS = tuple(_NAMES)
"""Names of the estimators."""

LEAST_SAMPLES = 5
"""For fewer, two windows are longer than the sample."""


def window_length(n: int) -> int:
    """Return the m of m-spacings, the whole number next to sqrt(n)."""
    return math.floor(math.sqrt(n) + 0.5)


def entropy(samples: FloatArray, method: str) -> Parts:
    """Return the differential entropy of at least `LEAST_SAMPLES` numbers, by one of `METHODS`.

    Notes
    -----
    The value is that of :func:`scipy.stats.differential_entropy` with windows of m = round(sqrt(n))
    on either side. It is minus infinity where a window has no length because its samples tie: more
    than m alike, for windows at the ends of the range, or m + 1 in a row for "van_es".

    All four are asymptotically normal with the variance of ln f(X) over n, as the mean of ln f over
    the samples would be. It is estimated by the variance of the logarithms of the 2m-spacings; they
    are flattened at the ends of the range, which makes it a quarter too small at n = 100.

    The local values are these logarithms, in the order of the samples, moved so that their mean is
    the estimate. Positions are scaled by a power of two and measured from the median, so that units
    and an offset cost no digits that the data have.
    """
    from scipy.stats import differential_entropy  # which takes half a second to load

    n, m = samples.size, window_length(samples.size)
    exponent = int(np.frexp(np.abs(samples).max())[1])
    scaled = np.ldexp(samples, -exponent)  # exact, and differences do not overflow
    scaled -= np.median(scaled)
    order = np.argsort(scaled, kind="stable")
    ordered: FloatArray = scaled[order]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = differential_entropy(ordered, window_length=m, method=_NAMES[method])
    value = float(found)
    if not math.isfinite(value):  # correa divides nothing by nothing where the others take ln 0
        return Parts(-math.inf, math.nan, np.full(n, -math.inf))
    value += exponent * math.log(2.0)
    logs = _log_spacings(ordered, m)
    local = np.empty(n)
    local[order] = value + (logs - logs.mean())
    return Parts(value, float(logs.std()) / math.sqrt(n), local)


def _log_spacings(ordered: FloatArray, m: int) -> FloatArray:
    """Minus the logarithm of the density at each sample, apart from a constant.

    From the length of the window of m samples on either side, and fewer at the ends of the range.
    """
    place = np.arange(ordered.size)
    low, high = np.maximum(place - m, 0), np.minimum(place + m, ordered.size - 1)
    return np.asarray(np.log((ordered[high] - ordered[low]) / (high - low)))
