"""Cumulants in standard deviations, and terms that correct the normal law by them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import erfcx

from infotheory.measures import Score
from infotheory.spectrum._events import Event
from infotheory.spectrum.results import log_complement

__all__ = [
    "LOG_ROOT_2_PI",
    "corrected_normal",
    "inverse_difference",
    "lattice_share",
    "skewness_and_kurtosis",
]

LOG_ROOT_2_PI = 0.5 * math.log(2.0 * math.pi)

_NEAR = 1e-4  # how far tilting moves a law, below which differences are taken from series
_STEP = 1e-3  # standard deviations
_LARGEST = 710.0  # logarithm of doubles


def corrected_normal(x: float, terms: float) -> float:
    """Logarithm of Q(x) + phi(x) terms, clipped to that of a probability."""
    # Of the smaller side, as a multiple of phi, so that nothing underflows.
    share = math.sqrt(0.5 * math.pi) * float(erfcx(abs(x) / math.sqrt(2.0)))
    share += terms if x >= 0.0 else -terms
    # A share that overflows is as large as doubles are, and the square is of another size.
    log_share = min(math.log(share), _LARGEST) if share > 0.0 else -math.inf
    log_p = min(0.0, log_share - 0.5 * x * x - LOG_ROOT_2_PI)
    return log_p if x >= 0.0 else log_complement(log_p)


@np.errstate(over="ignore")
def skewness_and_kurtosis(law: Any) -> tuple[float, float]:
    """Third and fourth cumulant of a law, in standard deviations."""
    spread = math.sqrt(law.variance)
    if isinstance(law, Score):
        away = (law.values - law.mean) / spread
        powers = law.probabilities * away * away * away  # from the left, as away^3 may overflow
        return float(powers.sum()), float(powers @ away) - 3.0
    third, *around = (
        float(law.cumulant_generating_function(k * _STEP / spread, derivative=3)) / spread**3
        for k in (0, 1, -1, 2, -2)
    )
    # Slope of the third one, to the fourth power of the step.
    slope = 8.0 * (around[0] - around[1]) - (around[2] - around[3])
    return third, slope / (12.0 * _STEP)


def inverse_difference(event: Event, lam: float, u: float, w: float) -> float:
    """1/u - 1/w for u = lam sigma sqrt(n) and w = sign(lam) sqrt(2 n r), close numbers."""
    near = _near_difference(event, lam)
    if near is not None:
        return near
    return 1.0 / u - 1.0 / w if u and w else 0.0  # at the mean, to rounding


def _near_difference(event: Event, lam: float) -> float | None:
    """1/u - 1/w to its second term, for a slope so small that it is exact enough."""
    slope = lam * math.sqrt(event.score.variance)
    if event.score.variance == 0.0:  # it underflows
        return None if lam else 0.0
    skewness, kurtosis = skewness_and_kurtosis(event.score)
    if abs(slope) * max(1.0, abs(skewness), math.sqrt(abs(kurtosis))) >= _NEAR:
        return None
    second = slope * (5.0 * skewness * skewness / 24.0 - kurtosis / 8.0)
    return (second - skewness / 6.0) / math.sqrt(event.n)


def lattice_share(y: float) -> float:
    """1 / (1 - e^-y) - 1/y, which is 1/2 at 0 and 1 far above it."""
    if abs(y) < 1e-2:
        return 0.5 + y / 12.0 - y**3 / 720.0
    return -1.0 / math.expm1(-y) - 1.0 / y
