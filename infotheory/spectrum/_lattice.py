"""Sums of values that are multiples of a span: which scores have them, and their tails."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from infotheory._kernels.lattice import ratio_sum, transformed_tail
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import as_array, refusal
from infotheory.measures import Score
from infotheory.spectrum._events import TIE, Event
from infotheory.spectrum._extended import DIGITS, law_of
from infotheory.spectrum._splitting import UNIT, interval, split_up
from infotheory.spectrum._tilting import Tilt
from infotheory.spectrum.results import LogInterval

__all__ = ["Lattice", "lattice_bounds", "lattice_cost", "lattice_of"]

_FOUND = 10_000  # places of a lattice that is found; among fractions of more, any number has one
_DECLARED = 1_000_000
_STEEPEST = 600.0  # exponent
_TINY = 1e-300  # in the place of a variance that underflows
_UNLIKELY = 50.0  # minus the logarithm of the mass of counts that Lemma 0 leaves out
_STIRLING = [Fraction(*ratio) for ratio in (
    (1, 12), (-1, 360), (1, 1260), (-1, 1680), (1, 1188), (-691, 360360), (1, 156), (-3617, 122400),
    (43867, 244188), (-174611, 125400),
)]  # fmt: skip
_EXACT = 100  # factorials up to which are computed as they are
_HALF_LOG_TWO_PI = Decimal("0.91893853320467274178032973640561763986139747363778")


class Lattice(NamedTuple):
    """Values origin + span places.

    Attributes
    ----------
    origin, span : float
    places : ndarray of int
        Of the atoms, ascending from 0.
    """

    origin: float
    span: float
    places: IntArray


def lattice_of(score: Score, span: Any = None) -> Lattice | None:
    """Return the lattice that the values of a score lie on, None if none is found.

    Parameters
    ----------
    score : Score
    span : float, optional
        A step that all differences of values are multiples of, by at most a million of them.
        Without it, steps of up to a ten thousandth of the range are found.

    Returns
    -------
    Lattice or None
        Every value is confirmed to be on it: within 8 u times the largest of them, u = 2^-53, which
        allows for the rounding of logarithms. Two values always are on one, and a single one too.

    Raises
    ------
    ValueError, TypeError
        If a declared span is no positive number, or values are not multiples of it.
    """
    values = [Fraction(value) for value in score.values.tolist()]
    if span is not None:
        return _declared(score, values, span)
    if len(values) == 1:
        return Lattice(score.minimum, 1.0, np.zeros(1, np.int64))
    width = values[-1] - values[0]
    ratios = [((value - values[0]) / width).limit_denominator(_FOUND) for value in values]
    count = math.lcm(*(ratio.denominator for ratio in ratios))
    if count > _FOUND:
        return None
    places = [int(ratio * count) for ratio in ratios]
    found = Lattice(score.minimum, float(width / count), np.array(places, np.int64))
    fits = max(_distances(values, found)) <= _allowed(score)
    return found if fits and _tells_apart(score, found) else None


def _declared(score: Score, values: list[Fraction], span: Any) -> Lattice:
    array = as_array(span, "span")
    if array.ndim or array.dtype.kind not in "iuf":
        raise TypeError(f"span must be a number; got {span!r}. Give the step of the lattice.")
    step = float(array)
    if not 0.0 < step < math.inf:
        raise refusal("span", "positive and finite", f"{step:g}")
    if (values[-1] - values[0]) / Fraction(step) > _DECLARED:
        raise refusal(
            "span",
            f"at least a millionth of the range of the values, {score.maximum - score.minimum:g}",
            f"{step:g}",
        )
    places = [round((value - values[0]) / Fraction(step)) for value in values]
    lattice = Lattice(score.minimum, step, np.array(places, np.int64))
    distances = _distances(values, lattice)
    worst = max(range(len(values)), key=lambda i: distances[i])
    if distances[worst] > _allowed(score):
        raise refusal(
            "span",
            "a step of which all differences of values are multiples",
            f"{step!r}, which values[{worst}] = {score.values[worst]:g} is off by "
            f"{float(distances[worst]):.3g}",
            "Leave it out to have simple lattices found.",
        )
    if not _tells_apart(score, lattice):
        raise refusal(
            "span",
            "such that no two values are the same multiple of it, to within rounding",
            f"{step!r} for values that are {float(np.diff(score.values).min()):.3g} apart",
            "Leave it out to have simple lattices found.",
        )
    return lattice


def _distances(values: list[Fraction], lattice: Lattice) -> list[Fraction]:
    origin, span = Fraction(lattice.origin), Fraction(lattice.span)
    places = lattice.places.tolist()
    return [abs(v - origin - j * span) for v, j in zip(values, places, strict=True)]


def _tells_apart(score: Score, lattice: Lattice) -> bool:
    """Whether values have places of their own, further apart than their rounding."""
    apart = len(score) == 1 or int(np.diff(lattice.places).min()) > 0
    return apart and (len(score) == 1 or _allowed(score) < 0.25 * lattice.span)


def _allowed(score: Score) -> float:
    return TIE * UNIT * float(np.abs(score.values).max())


# --------------------------------------------------------------------------------------- the tail


def lattice_bounds(event: Event, tilt: Tilt, lattice: Lattice) -> LogInterval:
    """Return logarithms between which that of a right tail lies, for values on a lattice.

    Parameters
    ----------
    event : Event
        Of a score with at least two atoms, its threshold between the extremes of the sum.
    tilt : Tilt
        Of the event, by any lam of at least 0.
    lattice : Lattice
        Of the score.

    Returns
    -------
    LogInterval

    Notes
    -----
    The law is that of values that are on the lattice to the last digit, which has the probabilities
    of the score. A threshold within 8 u (abs(threshold) + n times the largest value) of a point of
    the lattice is that point, and declared counts are the point that they make: `strict` decides
    whether it counts, and the terms then hold a "tie" of size 0. Other events consist of the same
    sequences as for the values as they are, so that the interval holds their probability as well;
    that of a tie may for those be anything between the strict event and the other, as rounding
    happened to order sums that ought to agree. Where n is so large that points are not further
    apart than this, the interval holds the probabilities of all events that may be meant.

    Two atoms: the binomial tail in units of its first weight, of which the logarithm is taken in
    fifty digits; O(sqrt(n)). More: the mean of a truncated exponential under the tilted law, as one
    sum over the frequencies of a period that is some twenty standard deviations long; what lies
    further from the threshold is bounded by Chernoff's inequality.
    """
    first, last, tied = _points(event, lattice)
    likely, rare = (_beyond(event, tilt, lattice, point) for point in (first, last))
    terms = likely.terms | ({"tie": 0.0} if tied else {})
    return LogInterval(rare.lower, likely.upper, terms)


def lattice_cost(event: Event, tilt: Tilt, lattice: Lattice) -> float:
    """Estimate how many inner operations `lattice_bounds` takes, of about a nanosecond each."""
    atoms, top = len(lattice.places), float(lattice.places[-1])
    spread = math.sqrt(event.n * tilt.variance) / lattice.span
    if atoms == 2:
        return 9.0 * spread / top
    return 100.0 * atoms * min(9.0 * spread + 20.0 * top, event.n * top + 1.0)


def _points(event: Event, lattice: Lattice) -> tuple[int, int, bool]:
    """First and last point of the lattice from which the event may begin, and whether it is a tie.

    Points are sums of places.
    """
    if event.counts is not None:
        pairs = zip(event.counts, lattice.places.tolist(), strict=True)
        point = sum(count * place for count, place in pairs) + event.strict
        return point, point, True
    n, span, origin = event.n, Fraction(lattice.span), Fraction(lattice.origin)
    place = (Fraction(event.threshold) - n * origin) / span
    size = abs(event.threshold) + n * float(np.abs(event.score.values).max())
    allowed = Fraction(TIE * UNIT * size) / span
    nearest = round(place)
    if allowed >= Fraction(1, 4):
        return math.ceil(place - allowed), math.floor(place + allowed) + 1, False
    if abs(place - nearest) <= allowed:
        return nearest + event.strict, nearest + event.strict, True
    return math.ceil(place), math.ceil(place), False


def _beyond(event: Event, tilt: Tilt, lattice: Lattice, point: int) -> LogInterval:
    """Logarithm of the probability that the sum of places is at least `point`."""
    if point <= 0:
        return LogInterval(0.0, 0.0, {})
    if point > event.n * int(lattice.places[-1]):
        return LogInterval(-math.inf, -math.inf, {})
    if len(lattice.places) == 2:
        return _binomial(event, tilt, -(-point // int(lattice.places[-1])))
    return _transformed(event, tilt, lattice, point)


def _binomial(event: Event, tilt: Tilt, count: int) -> LogInterval:
    """Tail of the number of letters that have the larger of two values."""
    n, score = event.n, event.score
    law = law_of(score.values, score.log_probabilities, 0.0)
    splits = split_up(law.weights, [1, 0], paired=False)
    with localcontext(DIGITS):
        low, high = (weight.ln() for weight in law.weights)
        log_ways = _log_factorial(n) - _log_factorial(count) - _log_factorial(n - count)
        log_first = float(log_ways + count * high + (n - count) * low)
    total, rest, steps = ratio_sum(n, count, float(splits.odds[0]))
    # Two roundings a ratio, one each for the odds, a product and a sum.
    leading = replace(tilt, log_factor=log_first, slack=UNIT * abs(log_first))
    return interval(leading, total, 2.0 * rest, 5.0 * steps + 10.0, {"omitted mass": 2.0 * rest})


def _log_factorial(n: int) -> Decimal:
    """Logarithm of n! in more than thirty digits, by Stirling's series."""
    if n <= _EXACT:
        return DIGITS.ln(Decimal(math.factorial(n)))
    with localcontext(DIGITS):
        number = Decimal(n)
        series = sum(
            Decimal(term.numerator) / term.denominator / number ** (2 * i + 1)
            for i, term in enumerate(_STIRLING)
        )
        return (number + Decimal("0.5")) * number.ln() - number + _HALF_LOG_TWO_PI + series


def _transformed(event: Event, tilt: Tilt, lattice: Lattice, point: int) -> LogInterval:
    n, places, theta = event.n, lattice.places, tilt.lam * lattice.span
    law = law_of(places.astype(np.float64), event.score.log_probabilities, theta)
    weights = np.array([float(weight) for weight in law.weights])
    common = int(np.argmax(weights))
    others = [i for i in range(len(weights)) if i != common]
    steps = places.astype(np.float64) - point / n
    variance = n * float(weights @ (places - weights @ places) ** 2)
    size, alias = _period(n, steps, weights, variance, theta, point)
    out = np.empty(2)
    transformed_tail(
        n, theta, size, (n * int(places[common]) - point) % size,
        (places[others] - places[common]) % size, weights[others], out,
    )  # fmt: skip
    mean, roundings = out.tolist()
    rounding = 1.01 * UNIT * roundings
    # Lemma 0, for counts no further from their means than Bernstein's inequality makes likely.
    spread = n * weights * (1.0 - weights)
    reach = _UNLIKELY / 3 + np.sqrt(_UNLIKELY**2 / 9 + 2 * _UNLIKELY * spread)
    mismatch = _mismatch(law.weights, weights, common)
    omitted = 2.0 * len(weights) * math.exp(-_UNLIKELY)
    with localcontext(DIGITS):
        exponent = float(n * law.log_mean - Decimal(theta) * point)
    leading = replace(tilt, log_factor=exponent, slack=UNIT * abs(exponent))
    off = rounding + alias + omitted
    terms = {
        "relative law mismatch": mismatch * (float(reach.sum()) + n * mismatch),
        "alias": alias,
        "rounding": rounding,
        "omitted mass": omitted,
    }
    return interval(leading, mean - off, 2.0 * off, 10.0, terms)


def _mismatch(weights: list[Decimal], shown: FloatArray, common: int) -> float:
    """Largest abs(ln(q / q')), where the commonest letter has what the others leave."""
    with localcontext(DIGITS):
        made = [Decimal(weight) for weight in shown.tolist()]
        made[common] = 1 - (sum(made, Decimal(0)) - made[common])
        pairs = [(q, m) for q, m in zip(weights, made, strict=True) if m > Decimal("1e-290")]
        return 1.01 * float(max(abs(q / m - 1) for q, m in pairs))


def _period(
    n: int, steps: FloatArray, weights: FloatArray, variance: float, theta: float, point: int
) -> tuple[int, float]:
    """Return a power of two, and the mass that is half as far or further from the point."""
    top = round(n * float(steps[-1] - steps[0]))
    enough = 1e-14 / (1.0 + 2.5 * theta * math.sqrt(variance))
    size = 1 << max(1, math.ceil(math.log2(18.0 * math.sqrt(variance) + 2.0)))
    while True:
        reach = size // 2
        above = _chernoff(n, steps, weights, variance, reach) if point + reach <= top else 0.0
        below = _chernoff(n, -steps, weights, variance, reach) if point - reach >= 0 else 0.0
        if above + below <= enough:
            return size, above + below
        size *= 2


def _chernoff(n: int, steps: FloatArray, weights: FloatArray, variance: float, reach: int) -> float:
    """Bound on the mass of sums of n steps that are at least `reach`, for any slope."""
    exponents = [0.0]
    largest = float(np.abs(steps).max())
    # The slope of Bennett's inequality, from which the best one is not far.
    start = math.log1p(largest * reach / max(variance, _TINY)) / largest
    for share in (0.7, 1.0, 1.4, 2.0, 2.8, 4.0):
        slope = min(share * start, _STEEPEST / largest)
        rounding = 8 * UNIT * n * (1.0 + slope * largest)
        # Less than a half is no better a bound, and may be lost beside one.
        log_mean = math.log1p(max(float(weights @ np.expm1(slope * steps)), -0.5))
        exponents.append(n * log_mean - slope * reach + rounding)
    return 1.01 * math.exp(min(exponents))
