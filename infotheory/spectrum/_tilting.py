"""The law under which a rare event is a common one.

For every lam >= 0, with K(lam) = ln E exp(lam Z) and E_lam the mean under the law tilted by
exp(lam z - K(lam)),

    P(S > tau) = exp(n K(lam) - lam tau) E_lam[exp(-lam (S - tau)); S > tau],

and what is averaged lies in [0, 1]: an absolute error under the tilted law is a relative one of the
probability, however small that is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from infotheory._typing import FloatArray
from infotheory.measures import Score
from infotheory.spectrum._events import Event
from infotheory.spectrum._extended import DIGITS, law_of, split

__all__ = ["Tilt", "nearest_slope", "slope_for", "tilt_of"]

_UNIT = 2.0**-53
_STEEPEST = 2.0**900  # slope, in units of one over the range


@dataclass(frozen=True)
class Tilt:
    """An event under a tilted law.

    Attributes
    ----------
    lam : float
        At least 0.
    log_factor : float
        n K(lam) - lam tau.
    slack : float
        By how much it may be off for its rounding.
    weights, weights_low : ndarray, shape (k,)
        Tilted probabilities of the atoms, as doubles and what those lack.
    steps, steps_low : ndarray, shape (k,)
        Values less threshold / n, likewise: their sum is how far S is above the threshold.
    drift : float
        Mean of a step under the tilted law; 0 but for rounding where lam was solved for.
    variance : float
        Of a step under the tilted law.
    """

    lam: float
    log_factor: float
    slack: float
    weights: FloatArray
    weights_low: FloatArray
    steps: FloatArray
    steps_low: FloatArray
    drift: float
    variance: float


def slope_for(score: Score, level: float) -> float:
    """Return lam with K'(lam) = level, for a level between the least and the largest value.

    Newton's steps, bisected where they leave the bracket; right to rounding, which is all that is
    needed where any lam is legal. A level that no slope reaches has a very steep one.
    """
    if not score.minimum < level < score.maximum:
        raise ValueError(f"level must be between {score.minimum} and {score.maximum}; got {level}.")
    span = score.maximum - score.minimum
    low, high = -1.0 / span, 1.0 / span
    steepest = _STEEPEST / span  # beyond it logarithms overflow, and values cannot be told apart
    while -low < steepest and _excess(score, low, level)[0] > 0.0:
        low *= 2.0
    while high < steepest and _excess(score, high, level)[0] < 0.0:
        high *= 2.0
    lam = 0.0
    while True:  # the bracket shrinks at every step, to neighbouring doubles at the last
        excess, variance, size = _excess(score, lam, level)
        low, high = (lam, high) if excess < 0.0 else (low, lam)
        step = lam - excess / variance if variance > 0.0 else math.nan
        if abs(excess) <= 4 * _UNIT * size:
            return step if low < step < high else lam
        found = step if low < step < high else 0.5 * (low + high)
        if found in (low, high):
            return found
        lam = found


def nearest_slope(score: Score, level: float) -> float:
    """Slope for a level that may round to an extreme; any slope is legal, and a large one good."""
    low, high = np.nextafter(score.minimum, math.inf), np.nextafter(score.maximum, -math.inf)
    inside = float(min(max(level, low), high))
    if not score.minimum < inside < score.maximum:  # two atoms that are neighbouring doubles
        return math.copysign(1.0 / (score.maximum - score.minimum), level - score.mean)
    return slope_for(score, inside)


def _excess(score: Score, lam: float, level: float) -> tuple[float, float, float]:
    """Mean less the level, variance, and mean distance from the level, under a tilted law."""
    logs = score.log_probabilities + lam * score.values
    top = int(np.argmax(logs))
    # From the likeliest on, so that values near to it are told apart however large others are.
    logs = score.log_probabilities - score.log_probabilities[top]
    weights = np.exp(logs + lam * (score.values - score.values[top]))
    weights /= weights.sum()
    steps = score.values - level
    excess = float(weights @ steps)
    return excess, float(weights @ (steps - excess) ** 2), float(weights @ np.abs(steps))


def tilt_of(event: Event, lam: float | None = None) -> Tilt:
    """Tilt so that the mean of the sum is the threshold, or by `lam`.

    A threshold below the mean is not tilted to: lam is at least 0.
    """
    score, n = event.score, event.n
    if lam is None:
        lam = max(0.0, nearest_slope(score, event.level))
    law = law_of(score.values, score.log_probabilities, lam)
    tau = Decimal(event.threshold)
    exponent = DIGITS.subtract(
        DIGITS.multiply(Decimal(n), law.log_mean), DIGITS.multiply(Decimal(lam), tau)
    )
    level = DIGITS.divide(tau, Decimal(n))
    steps = [DIGITS.subtract(Decimal(value), level) for value in score.values.tolist()]
    drift, variance = Decimal(0), Decimal(0)
    for weight, step in zip(law.weights, steps, strict=True):
        drift = DIGITS.fma(weight, step, drift)
    for weight, step in zip(law.weights, steps, strict=True):
        away = DIGITS.subtract(step, drift)
        variance = DIGITS.fma(weight, DIGITS.multiply(away, away), variance)
    log_factor = float(exponent)
    return Tilt(
        lam,
        log_factor,
        _UNIT * abs(log_factor),
        *split(law.weights),
        *split(steps),
        float(drift),
        float(variance),
    )
