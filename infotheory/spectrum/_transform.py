"""A certified tail from one transform of the tilted law, rounded to a grid.

Each step (value less threshold / n) is h times an integer and a remainder. The sum of the integers
has a law on a lattice, whose transform is the n-th power of a sum over the atoms; the sum of the
remainders stays close to its mean. So the sum of the steps is above zero about where h J plus that
mean is, and not elsewhere but for events of a bounded probability under the tilted law.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx

from infotheory._kernels.transform import tail_sums
from infotheory._typing import FloatArray, IntArray
from infotheory.spectrum._events import Event
from infotheory.spectrum._extended import DIGITS
from infotheory.spectrum._tilting import Tilt
from infotheory.spectrum.results import LogInterval

__all__ = [
    "Grid",
    "Plan",
    "best_span",
    "grid_of",
    "law_mismatch",
    "log_exceedance",
    "places_of",
    "plan_of",
    "reach",
    "spread_of",
    "transform_bounds",
    "window",
]

_UNIT = 2.0**-53
_SLOPES = np.geomspace(1e-2, 1e2, 200)  # neighbours are 5 % apart, which costs 0.1 % of a bound
_PAD = 1e-9  # on the logarithms of bounds that were computed in doubles
_TRIED = 2000  # spans that are tried for a difference of two steps
_TRIED_DIFFERENCES = 6
_CELLS = 2_000_000  # numbers that may take
_NEGLIGIBLE = 1e-18  # of the probability: what each event that is neglected may have
_LOSING = 1e-290
_FARTHEST = 2**38  # times as many frequencies it is an integer of the machine
_CUT = 80.0  # powers below e^-80 are left out


class Grid(NamedTuple):
    """Steps as multiples of a span, and what is left.

    Attributes
    ----------
    span : float
    places : ndarray of int, shape (k,)
        Of each step on the grid; 0 for the commonest.
    centre : int
        About n times the mean place.
    offset : float
        n times the mean remainder, and the span times the centre: the sum of the steps is about
        this where the places sum to the centre.
    remainders : ndarray, shape (k,)
        Of the steps, less their mean.
    """

    span: float
    places: IntArray
    centre: int
    offset: float
    remainders: FloatArray

    @property
    def range(self) -> float:
        """Of the remainders, rounded up."""
        return float(np.ptp(self.remainders)) * (1.0 + 8 * _UNIT)


class Plan(NamedTuple):
    """A grid, and what to neglect.

    Attributes
    ----------
    grid : Grid
    small : float
        A probability under the tilted law that does not matter beside that of the event.
    eta : float
        Probability that the remainders sum up to more than the spread.
    spread : float
    """

    grid: Grid
    small: float
    eta: float
    spread: float


def transform_bounds(event: Event, tilt: Tilt, *, size: int = 2**18) -> LogInterval:
    """Bound ln P of an event from `size` frequencies, a power of two.

    Holds for both P(S > tau) and P(S >= tau): it is wide on an atom. Costs O(k size), and hardly
    any memory. The width grows with sqrt(n) times the range of the remainders; that is far below
    the span for lucky spans, of which the best is taken.
    """
    n, lam = event.n, tilt.lam
    plan = plan_of(event, tilt, size)
    grid, spread = plan.grid, plan.spread
    ends, wrap = window(grid, tilt, n, size, spread)
    mismatch, omitted = law_mismatch(tilt.weights, tilt.weights_low, n, math.log(plan.small))
    # What is averaged is at most 1 up to the spread and falls like e^{-lam (x - spread)} from there
    # on, for the upper end; it begins beyond the spread with e^{-lam (x + spread)} for the lower.
    sums = np.empty(4)
    tail_sums(grid.places, tilt.weights, n, size, lam * grid.span, ends, _CUT, sums)
    box, tail, box_error, tail_error = sums.tolist()
    first = grid.span * float(ends[1] - grid.centre) + grid.offset
    share = math.exp(-lam * max(first - spread, 0.0))
    # The fall is a product of lam and the span, which is rounded: e^-745 is nothing.
    rounding = box_error + share * (tail_error + 800 * _UNIT * abs(tail))
    neglected = plan.eta + wrap + omitted
    upper = math.exp(mismatch) * (box + share * tail + rounding) + neglected
    middle = share * math.exp(-2.0 * lam * spread)
    lower = math.exp(-mismatch) * (middle * tail - rounding - omitted) - neglected
    slack = 2 * tilt.slack + 64 * _UNIT
    width = (box + share * tail) / (middle * tail) if middle * tail > 0.0 else math.inf
    low = math.log(lower) if lower > 0.0 else -math.inf
    high = math.log(upper) if 0.0 < upper < 1.0 else 0.0
    return LogInterval(
        tilt.log_factor + low - slack,
        tilt.log_factor + high + slack,
        {
            "remainders": plan.eta,
            "wrap": wrap,
            "omitted mass": omitted,
            "rounding": rounding,
            "relative resolution": math.log(max(width, 1.0)),
            "relative law mismatch": mismatch,
            "relative rounding": slack,
        },
    )


def plan_of(event: Event, tilt: Tilt, size: int) -> Plan:
    """Choose a grid whose window fits, and how much of the remainders to allow for."""
    n, deviation = event.n, math.sqrt(event.n * tilt.variance)
    likely = 0.5 * float(erfcx(tilt.lam * deviation / math.sqrt(2.0)))
    small = _NEGLIGIBLE * likely
    around = tilt.steps - tilt.drift
    ways = [reach(tilt.weights, sign * around, n, math.log(small)) for sign in (1, -1)]
    span = best_span(tilt.weights, tilt.steps, 1.02 * sum(ways) / (size - 8))
    grid = grid_of(event, tilt, span)
    # A thousandth of the width that the remainders cost anyway is a good price for less of them.
    density = tilt.lam + (1.0 / deviation if deviation > 0.0 else 0.0)
    cost = 1e-3 * grid.range * math.sqrt(n) * density
    eta = likely * min(max(cost, _NEGLIGIBLE), 1e-6)
    spread = spread_of(tilt.weights, grid.remainders, n, math.log(eta))
    # Positions on the grid are off by a few units of their size, and steps by their third part.
    far = spread + grid.span + abs(grid.offset) + n * _UNIT * float(np.abs(tilt.steps).max())
    return Plan(grid, small, eta, spread + 8 * _UNIT * far)


def grid_of(event: Event, tilt: Tilt, span: float) -> Grid:
    """Round the steps to multiples of a span, and their remainders in fifty digits."""
    commonest = int(np.argmax(tilt.weights))
    places = places_of(tilt.steps - tilt.steps[commonest], span)
    unit, mean = Decimal(span), Decimal(0)
    remainders = [
        DIGITS.subtract(
            DIGITS.add(Decimal(high), Decimal(low)), DIGITS.multiply(unit, Decimal(place))
        )
        for high, low, place in zip(
            tilt.steps.tolist(), tilt.steps_low.tolist(), places.tolist(), strict=True
        )
    ]
    for high, low, remainder in zip(
        tilt.weights.tolist(), tilt.weights_low.tolist(), remainders, strict=True
    ):
        mean = DIGITS.fma(DIGITS.add(Decimal(high), Decimal(low)), remainder, mean)
    whole = DIGITS.multiply(Decimal(event.n), mean)
    # Under the tilt the sum of the steps has its mean near zero, so h J has it near minus `whole`.
    centre = int(DIGITS.to_integral_value(DIGITS.divide(DIGITS.minus(whole), unit)))
    offset = float(DIGITS.fma(unit, Decimal(centre), whole))
    around = np.array([float(DIGITS.subtract(remainder, mean)) for remainder in remainders])
    return Grid(span, places, centre, offset, around)


def places_of(steps: FloatArray, span: float, most: int = _FARTHEST) -> IntArray:
    """Round steps to multiples of a span, but to `most` where that is farther than can be counted.

    Any place is legal, since the remainder is what it leaves.
    """
    return np.rint(np.clip(steps / span, -most, most)).astype(np.int64)


def best_span(weights: FloatArray, steps: FloatArray, least: float) -> float:
    """Return a span from `least` to half as much again that leaves small remainders.

    The differences of the steps are all near multiples of some span in this range by luck, the
    more the fewer they are. Of those that divide one difference, what they leave of the others is
    compared; for two steps, and on lattices, nothing is left.
    """
    differences = steps - steps[np.argmax(weights)]
    others = np.argsort(-weights, kind="stable")[1 : _TRIED_DIFFERENCES + 1]
    each = max(16, min(_TRIED, _CELLS // (len(steps) * len(others))))
    spans = np.concatenate(
        [_divisors(abs(gap), least, each) for gap in differences[others].tolist()]
        + [np.linspace(least, 1.5 * least, each)]
    )
    ratios = differences[:, None] / spans
    remainders = (ratios - np.rint(ratios)) * spans
    best = np.argmin(weights @ remainders**2 - (weights @ remainders) ** 2)
    # The places found, the span that fits them best is that of least squares.
    places = np.rint(ratios[:, best])
    around = places - weights @ places
    square = float(weights @ around**2)
    fitted = float(weights @ (around * differences)) / square if square > 0.0 else 0.0
    return fitted if least <= fitted <= 1.6 * least else float(spans[best])


def _divisors(gap: float, least: float, most: int) -> FloatArray:
    """Spans in the range that divide a gap: all of them, or some; none where any nearly does."""
    if gap / least > _FARTHEST:
        return np.empty(0)
    first, last = math.ceil(gap / (1.5 * least)), math.floor(gap / least)
    times = np.arange(max(first, 1), last + 1, max(1, -(-(last - first + 1) // most)))
    return gap / times


def reach(weights: FloatArray, around: FloatArray, n: int, log_eta: float) -> float:
    """How far above n times 0 a sum of n is but with probability eta, by Chernoff's bound.

    For every s > 0, P(sum >= t) <= exp(n ln E e^{s z} - s t). `around` are the values, near their
    mean; they bound the sum, too.
    """
    variance = float(weights @ around**2)
    normal = math.sqrt(-2.0 * log_eta / (n * variance)) if variance > 0.0 else math.inf
    slopes, logs = _growth(weights, around, n, normal)
    most = n * max(float(around.max()), 0.0) * (1.0 + 4 * _UNIT)
    if len(slopes) == 0:
        return most
    return min(float(np.min((logs - log_eta + _PAD) / slopes)), most)


def log_exceedance(weights: FloatArray, around: FloatArray, n: int, distance: float) -> float:
    """Logarithm of Chernoff's bound on P(sum of n >= distance), for a positive distance."""
    if distance > n * max(float(around.max()), 0.0) * (1.0 + 4 * _UNIT):
        return -math.inf
    variance = float(weights @ around**2)
    normal = abs(distance) / (n * variance) if variance > 0.0 else math.inf
    slopes, logs = _growth(weights, around, n, normal)
    return min(float(np.min(logs - slopes * distance, initial=0.0)) + _PAD, 0.0)


def _growth(
    weights: FloatArray, around: FloatArray, n: int, normal: float
) -> tuple[FloatArray, FloatArray]:
    """Slopes s about the best for a normal law, and as steep as terms are, and n ln E e^{s z}."""
    most = float(np.abs(around).max())
    if most == 0.0:
        return np.empty(0), np.empty(0)
    slopes = np.minimum(np.concatenate([_SLOPES * normal, _SLOPES / most]), 700.0 / most)
    # A mean far below 1 is lost beside it, and less than a half is no better a bound.
    change = np.maximum(np.expm1(slopes[:, None] * around) @ weights, -0.5)
    return slopes, n * np.log1p(change)


def spread_of(weights: FloatArray, remainders: FloatArray, n: int, log_eta: float) -> float:
    """How far a sum of n remainders of mean zero is from it but with probability eta.

    The least of what Hoeffding's bound, Chernoff's for each side, and their range say:
    P(abs(sum) > t) <= 2 exp(-2 t^2 / (n range^2)).
    """
    size = float(np.ptp(remainders)) * (1.0 + 8 * _UNIT)
    half = log_eta - math.log(2.0)
    hoeffding = size * math.sqrt(-0.5 * n * half)
    chernoff = max(reach(weights, sign * remainders, n, half) for sign in (1, -1))
    return min(hoeffding, chernoff)


def window(grid: Grid, tilt: Tilt, n: int, size: int, spread: float) -> tuple[IntArray, float]:
    """Where the averaged function begins and falls, the end of the window, and the mass beyond."""
    mean = float(tilt.weights @ grid.places)
    around = grid.places.astype(np.float64) - mean
    centre = n * mean
    ways = [reach(tilt.weights, sign * around, n, -60.0) for sign in (1, -1)]
    below = ways[1] + 0.5 * max(size - 1 - sum(ways), 0.0)
    if sum(ways) > size:
        below = size * ways[1] / sum(ways)
    start = math.floor(centre - below)
    beyond = (
        log_exceedance(tilt.weights, around, n, start + size - centre),
        log_exceedance(tilt.weights, -around, n, centre - start + 1),
    )
    wrap = sum(map(math.exp, beyond))
    rises = math.floor((-spread - grid.offset) / grid.span) + 1 + grid.centre
    falls = math.floor((spread - grid.offset) / grid.span) + 1 + grid.centre
    last = start + size
    ends = [min(max(place, start), last) for place in (rises, falls)]
    return np.array([*ends, last], dtype=np.int64), wrap


def law_mismatch(
    weights: FloatArray, weights_low: FloatArray, n: int, log_eta: float
) -> tuple[float, float]:
    """How far the law that is computed with may be from the tilted one, and for which mass.

    All weights but the largest are doubles, and the largest is what they lack to 1. Sequences whose
    counts are within a distance D of n times the weights in all have probabilities within
    exp(rho D + n rho^2), where rho bounds the logarithms of the ratios of the weights; all others
    together have at most 2^k exp(-D^2 / (2 n)).
    """
    commonest = int(np.argmax(weights))
    rest = Decimal(1)
    for index, weight in enumerate(weights.tolist()):
        if index != commonest:
            rest = DIGITS.subtract(rest, Decimal(weight))
    exact = DIGITS.add(Decimal(float(weights[commonest])), Decimal(float(weights_low[commonest])))
    off = abs(float(DIGITS.divide(DIGITS.subtract(rest, exact), exact)))
    rho = 1.01 * max(off, _UNIT)
    distance = math.sqrt(2.0 * n * (len(weights) * math.log(2.0) - log_eta))
    # Where weights are so small that doubles lose digits, no sequence with them is counted on.
    lost = 2.0 * n * float(weights[weights < _LOSING].sum())
    return rho * min(distance, 2.0 * n) + n * rho**2, math.exp(log_eta) + lost
