"""Certified tails from functions of limited band that lie below and above exp(-lam x) on x > 0.

The wider the band, the nearer they are, and the more frequencies have to be looked at.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from infotheory._typing import FloatArray
from infotheory.spectrum._bands import (
    Band,
    Sieve,
    TiltedSum,
    band_of,
    normal_mass,
    period_of,
    rough_period,
    tilted_sum,
)
from infotheory.spectrum._events import Event
from infotheory.spectrum._extended import DIGITS
from infotheory.spectrum._lobes import LobeLattice
from infotheory.spectrum._ties import tied_mass, tolerance
from infotheory.spectrum._tilting import Tilt, tilt_of
from infotheory.spectrum.results import LogInterval

__all__ = ["brackets_bounds", "brackets_cost"]

_UNIT = 2.0**-53
_DEPTH = 2.5  # least lam, in units of 1 / (sigma sqrt n): a smaller one asks for longer periods
_TRIES = 40  # each by a factor of 0.7
_FIRST = 13  # the first band is 2^13 lam wide, about 1e4 lam
_GROWTH = 4  # binary digits from one band to the next
_STALLED = 0.95  # of the width of the band before: there is an atom on the threshold
_OVERSHOOT = 8.0  # how much wider the last band is than it has to be, and all before it
_POWER = 20.0  # angles that could be turned while a power is taken


class _Sums(NamedTuple):
    """S less a threshold, or two of them: all that is between counts as tied.

    Attributes
    ----------
    below, above : TiltedSum
        The same, unless a tie was declared.
    strict : bool
        Of a declared tie.
    apart : float
        Distance of the thresholds.
    tied : float
        At least so much is between, in units of the leading factor of `below`.
    """

    below: TiltedSum
    above: TiltedSum
    strict: bool
    apart: float
    tied: float


def brackets_bounds(
    event: Event, tilt: Tilt | None = None, *, width: float = 1e-8, effort: float = 1.6e7
) -> LogInterval:
    """Bracket the logarithm of a tail for any alphabet and any n.

    Parameters
    ----------
    event : Event
        Of a score with two atoms at least, and a threshold between its extremes. Both P(S > tau)
        and P(S >= tau) lie in the interval, unless the threshold is that of counts: then sums that
        agree with it but for the rounding of the values count as tied, and the event is what it
        says of ties.
    tilt : Tilt, optional
        Where to begin; lam is made larger where it is below 2.5 / (sigma sqrt n).
    width : float
        The band is widened until the logarithms are so near to each other.
    effort : float
        How many frequencies may be looked at.

    Returns
    -------
    LogInterval
        Terms "band limit" (by how much the functions differ in the mean), "alias" and "sieve" (what
        is left out) in units of the leading factor, and "relative rounding" of the logarithm.
    """
    sums = _sums(event, tilt)
    log_factor = float(sums.below.exponent)
    best = LogInterval(-math.inf, _outward(log_factor, 1.0, 1.0)[0], {})  # Chernoff's bound
    mass = normal_mass(sums.below)
    left, before = effort, math.inf
    sieve = _sieve(sums, width, mass)
    digits = _first(sums.below, sieve, effort)
    while True:
        band = _both_sides(sums, digits, sieve, left)
        if band is None:
            return best
        left -= band.nodes
        best = _intersection(best, band, log_factor)
        if best.upper - best.lower <= width:
            return best
        mass = min(1.0, max(band.lower, 1e-3 * band.upper))
        limit = band.terms["band limit"]
        growth = min(_GROWTH, math.ceil(math.log2(max(2.0, 1.4 * limit / (width * mass)))))
        growth = min(growth, int(math.log2(max(1.0, left / max(band.nodes, 1.0)))))
        if growth < 1 or (band.lower > 0.0 and limit > _STALLED * before):
            return best
        before = limit if band.lower > 0.0 else math.inf
        digits += growth
        if _kappa(width, mass) > sieve.kappa:
            sieve = _sieve(sums, width, mass)


def _kappa(width: float, mass: float) -> float:
    """Return such that exp(-kappa) is negligible beside `width` times the mass."""
    return math.log(90.0 / (width * mass))


def _sieve(sums: _Sums, width: float, mass: float) -> Sieve:
    kappa = _kappa(width, mass) + 0.5
    lattice = _lattice(sums.below, kappa, width)
    return Sieve(kappa, period_of(sums.below, kappa, sums.apart), lattice)


def _first(tilted: TiltedSum, sieve: Sieve, effort: float) -> int:
    """Return the binary digits of the first band: fewer where that would take much effort."""
    for digits in range(_FIRST, 1, -1):
        reach = tilted.lam * 2.0**digits
        if sieve.lattice.covered(reach) * sieve.period.length < effort / 16.0:
            return digits
    return 1


def brackets_cost(event: Event, *, width: float = 1e-8) -> float:
    """Estimate the work of `brackets_bounds`, in angles turned: some 2 nanoseconds each.

    Right to about an order of magnitude for values in no special relation. A band of lam / width is
    wide enough for any law, and a narrower one for a law whose atoms next to the threshold are a
    distance g apart: beyond 1 / g the functions differ by lam / (3 g band^2) relative.
    """
    tilted = _sums(event, None).below
    kappa = _kappa(width, normal_mass(tilted))
    lattice = _lattice(tilted, kappa, width)
    smooth = tilted.lam / width
    resolved = math.sqrt(tilted.lam / (3.0 * width * _gap(tilted)))
    reach = min(smooth, max(resolved, tilted.lam))
    nodes = _OVERSHOOT * lattice.covered(reach) * rough_period(tilted, kappa)
    return nodes * (len(tilted.weights) + _POWER)


def _gap(tilted: TiltedSum) -> float:
    """How far atoms of the sum are apart: the effective width of the law over that of counts."""
    entropy = math.sqrt(2.0 * math.pi * math.e)
    ways = np.sort(entropy * np.sqrt(tilted.n * tilted.weights))[:-1]
    count = float(np.exp(min(np.log(np.maximum(ways, 1.0)).sum(), 300.0)))
    return entropy * tilted.deviation / count


def _sums(event: Event, tilt: Tilt | None) -> _Sums:
    score, n = event.score, event.n
    tilt = tilt_of(event) if tilt is None else tilt
    lam = _deep_enough(score.values - event.threshold / n, tilt, n)
    if event.counts is None:
        only = tilted_sum(score, n, Decimal(event.threshold), lam)
        return _Sums(only, only, event.strict, 0.0, 0.0)
    tau = Decimal(0)
    for count, value in zip(event.counts, score.values.tolist(), strict=True):
        tau = DIGITS.fma(Decimal(count), Decimal(value), tau)
    near = tolerance(score.values, n)
    below = tilted_sum(score, n, DIGITS.subtract(tau, Decimal(near)), lam)
    above = tilted_sum(score, n, DIGITS.add(tau, Decimal(near)), lam)
    mass = tied_mass(score.values, below.weights, event.counts, near)
    tied = mass * math.exp(-2.0 * lam * near) * (1.0 - 1e-15)
    return _Sums(below, above, event.strict, 2.0 * near, tied)


def _deep_enough(steps: FloatArray, tilt: Tilt, n: int) -> float:
    """Return the tilt, or a larger one for which lam is not small in units of the deviation.

    The mean of the sum is moved by no more than that many deviations, which are others then: the
    threshold has to stay where the law is.
    """
    deviation = math.sqrt(n * tilt.variance)
    least = _DEPTH / deviation if deviation > 0.0 else 1.0 / float(np.ptp(steps))
    tried = max(least - tilt.lam, 0.0) * 0.7 ** np.arange(_TRIES)
    grown = tilt.weights * np.exp(tried[:, None] * (steps - steps.max()))
    weights = grown / (grown.sum(axis=1, keepdims=True) + 1e-300)
    means = weights @ steps
    variances = (weights * (steps - means[:, None]) ** 2).sum(axis=1)
    fits = means <= 2.0 * _DEPTH * np.sqrt(variances / n)
    fits[-1] = True
    return tilt.lam + float(tried[np.argmax(fits)])


def _lattice(tilted: TiltedSum, kappa: float, width: float) -> LobeLattice:
    return LobeLattice(
        tilted.score.values, tilted.weights, tilted.n, kappa, max(tilted.lam / width, 1.0)
    )


def _both_sides(sums: _Sums, digits: int, sieve: Sieve, most: float) -> Band | None:
    """Evaluate a band on both sides of what counts as tied, which is then told apart.

    What is tied weighs on the upper bound of all that reaches the threshold, and is missing from
    the lower one of all that exceeds it.
    """
    below = band_of(sums.below, digits, sieve, most)
    if below is None or sums.above is sums.below:
        return below
    above = band_of(sums.above, digits, sieve, most - below.nodes)
    if above is None:
        return None
    shift = math.exp(float(sums.above.exponent - sums.below.exponent)) * (1.0 - 1e-15)
    terms = {name: max(size, above.terms[name]) for name, size in below.terms.items()}
    terms["band limit"] = max(terms["band limit"] - sums.tied, 0.0)
    lower, upper = shift * above.lower, below.upper
    lower, upper = (lower, upper - sums.tied) if sums.strict else (lower + sums.tied, upper)
    return Band(lower, upper, terms, below.nodes + above.nodes)


def _intersection(best: LogInterval, band: Band, log_factor: float) -> LogInterval:
    terms = dict(band.terms)
    upper = _outward(log_factor, band.upper, 1.0)[0]
    if band.lower <= 0.0:
        return LogInterval(best.lower, min(upper, best.upper), terms)
    lower, slack = _outward(log_factor, band.lower, -1.0)
    terms["relative rounding"] = terms["relative rounding"] / band.lower + slack
    return LogInterval(max(lower, best.lower), min(upper, best.upper), terms)


def _outward(log_factor: float, share: float, sign: float) -> tuple[float, float]:
    """Logarithm of a product, and by how much it is moved for some roundings of its parts."""
    log_share = math.log(share)
    slack = 4.0 * _UNIT * (abs(log_factor) + abs(log_share) + 8.0)
    return log_factor + log_share + sign * slack, slack
