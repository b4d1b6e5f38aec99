"""Exponents and moments under the tilted law, for finite scores and for laws in closed form."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from infotheory.measures import Score
from infotheory.spectrum._events import TIE, Event, event_of, normalised
from infotheory.spectrum._extended import DIGITS, law_of
from infotheory.spectrum._tilting import nearest_slope, tilt_of

__all__ = [
    "IDENTICAL",
    "INDEPENDENT",
    "Exponent",
    "Saddle",
    "ScoreLaw",
    "asked",
    "berry_esseen",
    "certain",
    "exponent_at",
    "one_atom_throughout",
    "saddle_at",
    "signed_saddle",
]

IDENTICAL = 0.4690
"""How far a sum is from normal, in units of M / (sqrt(n) sigma^3): Shevtsova, 2013."""

INDEPENDENT = 0.5600
"""The same where the summands differ: Shevtsova, 2010."""

_UNIT = 2.0**-53
_CLOSED_FORM = 32.0  # units of rounding that a closed form may be off by
_DOUBLINGS = 52
_LEAST = -5e-324
_RARE = Decimal("-1e-20")  # a logarithm of a probability of nearly one
_LOST = Decimal("1e-25")  # a third power of which no digit is left


class ScoreLaw(Protocol):
    """A law of scores without atoms, known by its cumulants; `-law` is that of the negated score.

    Attributes
    ----------
    mean, variance : float
    minimum, maximum : float
        Ends of the support, infinite where it has none.
    slope_limit : float
        The least upper bound of the slopes at which K is finite.
    """

    @property
    def mean(self) -> float: ...
    @property
    def variance(self) -> float: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def slope_limit(self) -> float: ...
    def cumulant_generating_function(
        self, lam: float, *, derivative: int = 0, centred: bool = False
    ) -> Any:
        """K(lam) = ln E exp(lam Z), or its derivative, each right to a few units of rounding."""

    def tilted_third_absolute_moment(self, lam: float) -> float:
        """E_lam abs(Z - E_lam Z)^3."""

    def __neg__(self) -> ScoreLaw: ...


class Saddle(NamedTuple):
    """An event under a tilted law, in a few numbers.

    Attributes
    ----------
    lam : float
        Slope of the tilt.
    log_factor : float
        n K(lam) - lam threshold.
    slack : float
        By how much it may be off for its rounding.
    drift : float
        Mean of a summand under the tilted law, less the threshold a letter.
    drift_slack : float
        By how much that may be off; 0 where it is right to its last digit.
    variance, third : float
        Second central moment and third absolute central moment under the tilted law.
    size : int
        Terms in these sums.
    """

    lam: float
    log_factor: float
    slack: float
    drift: float
    drift_slack: float
    variance: float
    third: float
    size: int


class Exponent(NamedTuple):
    """What decides the probability that a mean reaches a level.

    Attributes
    ----------
    lam : float
        Slope at which the tilted mean is the level.
    rate : float
        lam level - K(lam): decay of the logarithm a letter.
    variance, third_absolute_moment : float
        About the level, under the tilted law.
    """

    lam: float
    rate: float
    variance: float
    third_absolute_moment: float


def exponent_at(score: Score | ScoreLaw, level: float) -> Exponent:
    """Exponent of a level strictly inside the support; lam is negative below the mean."""
    event = Event(cast("Score", score), 1, level, strict=True, counts=None, text="")
    found = signed_saddle(event)
    return Exponent(found.lam, -found.log_factor, found.variance, found.third)


# ---------------------------------------------------------------------------------------- events


def asked(
    score: Any, n: Any, delta: Any, *, threshold: Any, side: str, strict: Any
) -> tuple[Event, bool]:
    """Check what was asked for, and return it as a right tail; whether from a finite score."""
    options: dict[str, Any] = {"threshold": threshold, "side": side, "strict": strict}
    finite = isinstance(score, Score)
    if finite or not hasattr(score, "tilted_third_absolute_moment"):
        return normalised(event_of(score, n, delta, counts=None, **options)), finite
    # Of a law in closed form, what is checked looks at the mean only.
    event = event_of(Score([score.mean], [1.0]), n, delta, counts=None, **options)
    return dataclasses.replace(event, score=-score if side == "left" else score), finite


def certain(event: Event, finite: bool) -> float | None:
    """Logarithm of the probability where it is known: at the extremes of the sum, and beyond."""
    score, n = event.score, event.n
    if math.isinf(event.threshold):
        return -math.inf if event.threshold > 0.0 else 0.0
    for end, sign, beyond in ((score.maximum, 1.0, -math.inf), (score.minimum, -1.0, 0.0)):
        if math.isinf(end):
            continue
        room = sign * float(n * Fraction(end) - Fraction(event.threshold))
        reach = TIE * _UNIT * (abs(event.threshold) + n * abs(end))
        if finite and len(score) > 1:  # and no further than half way to the next sum
            values = score.values if sign < 0.0 else -score.values[::-1]
            reach = min(reach, 0.5 * float(values[1] - values[0]))
        if event.counts is not None:  # the threshold is the sum of these letters
            tie = event.counts[-1 if sign > 0.0 else 0] == n
            room = 0.0 if tie else 1.0
        else:
            tie = abs(room) <= reach
        if finite and tie:
            return _at_the_end(event, upper=sign > 0.0)
        if tie or room < 0.0:
            return beyond
    return None


def _at_the_end(event: Event, *, upper: bool) -> float:
    """Logarithm of the probability of an event that begins at an extreme of the sum."""
    if len(event.score) == 1:
        return -math.inf if event.strict else 0.0
    if upper:
        return -math.inf if event.strict else one_atom_throughout(event)
    return _some_other_atom(event) if event.strict else 0.0


def one_atom_throughout(event: Event) -> float:
    """Logarithm of the probability that every summand is the highest atom."""
    return _as_float(_log_throughout(event, -1))


def _some_other_atom(event: Event) -> float:
    """Logarithm of the probability that not every summand is the lowest atom."""
    all_lowest = _log_throughout(event, 0)
    if all_lowest > _RARE:  # ln(1 - exp(-x)) is ln x for an x that vanishes beside one
        return _as_float(DIGITS.ln(DIGITS.minus(all_lowest)))
    return _as_float(_log_but(DIGITS.exp(all_lowest)))


def _log_throughout(event: Event, place: int) -> Decimal:
    """Logarithm of the probability that every summand is one atom, negative however likely."""
    weights = law_of(event.score.values, event.score.log_probabilities, 0.0).weights
    weight, rest = weights.pop(place), Decimal(0)
    for other in weights:
        rest = DIGITS.add(rest, other)
    log_weight = DIGITS.ln(weight) if rest > weight else _log_but(rest)
    return DIGITS.multiply(Decimal(event.n), log_weight)


def _log_but(share: Decimal) -> Decimal:
    """Return ln(1 - share), of a share of which 1 - share may have few digits, or none."""
    if share > _LOST:
        return DIGITS.ln(DIGITS.subtract(Decimal(1), share))
    half = DIGITS.divide(share, Decimal(-2))
    return DIGITS.subtract(DIGITS.multiply(share, half), share)


def _as_float(log_p: Decimal) -> float:
    """Round a logarithm, and not to that of one."""
    return min(float(log_p), _LEAST)


# ----------------------------------------------------------------------------------------- tilts


def berry_esseen(third: float, variance: float, *, identical: bool = True) -> float:
    """How far the distribution function of a sum of independent terms can be from the normal one.

    Parameters
    ----------
    third, variance : float
        Sums over all terms of their third absolute central moments and of their variances.
    identical : bool
        Whether all terms have the same law.
    """
    scale = variance * math.sqrt(variance)
    return (IDENTICAL if identical else INDEPENDENT) * third / scale if scale > 0.0 else math.inf


def signed_saddle(event: Event) -> Saddle:
    """Tilt so that the mean of the sum is the threshold, upwards or downwards."""
    law: Any = event.score
    if isinstance(law, Score):
        return saddle_at(event, nearest_slope(law, event.level))
    if event.level >= law.mean:
        return saddle_at(event, _slope_of_law(law, event.level))
    return saddle_at(event, -_slope_of_law(-law, -event.level))


def saddle_at(event: Event, lam: float) -> Saddle:
    """Tilt by `lam`."""
    law: Any = event.score
    if isinstance(law, Score):
        tilt = tilt_of(event, lam)
        away = np.abs(tilt.steps - tilt.drift)
        third = float(tilt.weights @ away**3)
        parts = (tilt.lam, tilt.log_factor, tilt.slack, tilt.drift, 0.0, tilt.variance, third)
        return Saddle(*parts, len(law))
    n = event.n
    k, drift, variance = (
        float(law.cumulant_generating_function(lam, derivative=d, centred=True)) for d in (0, 1, 2)
    )
    delta = (event.threshold - n * law.mean) / n
    off = 8 * _UNIT * (abs(event.level) + abs(law.mean))  # of the difference, and of the mean
    return Saddle(
        lam,
        n * (k - lam * delta),
        n * (abs(lam) * off + _CLOSED_FORM * _UNIT * (abs(k) + abs(lam * delta))),
        drift - delta,
        off + _CLOSED_FORM * _UNIT * abs(drift),
        variance,
        float(law.tilted_third_absolute_moment(lam)),
        1,
    )


def _slope_of_law(law: ScoreLaw, level: float) -> float:
    """Slope for a level from the mean up; the steepest legal one where none reaches the level."""
    from scipy.optimize import brentq

    delta = level - law.mean

    def shortfall(lam: float) -> float:
        return float(law.cumulant_generating_function(lam, derivative=1, centred=True)) - delta

    limit, scale = law.slope_limit, 1.0 / math.sqrt(law.variance)
    if shortfall(0.0) >= 0.0:
        return 0.0
    high = 0.0
    for step in range(1, _DOUBLINGS):
        # Twice as far each time, or half as far from the limit.
        high = limit * -math.expm1(-step * math.log(2.0)) if limit < math.inf else scale * 2**step
        if shortfall(high) > 0.0:
            return float(brentq(shortfall, 0.0, high, xtol=1e-300, rtol=4 * 2.0**-52, maxiter=500))
    return high
