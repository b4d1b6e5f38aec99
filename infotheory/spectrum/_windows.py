"""A tail by conditioning on counts within windows: exact but for what lies outside of them.

The letters but four are taken off one after the other. What is left splits into two pairs, whose
letters are a, b and c, d. The sum over c, d of the weights times exp(-lam (S - tau)) is a partial
sum of one series, at the place where S passes tau: the cost is that of all counts of the others,
each within some eight standard deviations.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from infotheory._kernels.windows import windowed_tail
from infotheory.spectrum._events import Event
from infotheory.spectrum._splitting import (
    Splits,
    certified,
    half_window,
    half_windows,
    reaches,
    split_up,
    sums_of,
    weights_of,
)
from infotheory.spectrum._tilting import Tilt
from infotheory.spectrum.results import LogInterval

__all__ = ["windows_bounds", "windows_cost"]

_CUT = 1e-17  # of the tilted mass
_ENOUGH = 1e-10  # of the result may be lost
_SMALLEST = 1e-250
_STEP = 4  # times what it costs to fill a window is what it costs to use it
_EXPONENTS = 2400  # roundings of three exponents up to 745, where exponentials vanish


def windows_bounds(event: Event, tilt: Tilt) -> LogInterval:
    """Return logarithms between which that of a right tail lies.

    Parameters
    ----------
    event : Event
        Of a score with at least two atoms, its threshold between the extremes of the sum.
    tilt : Tilt
        Of the event, by any lam of at least 0.

    Returns
    -------
    LogInterval

    Notes
    -----
    O(n^((k - 2) / 2)) times the widths of the windows in standard deviations, for k >= 4 atoms;
    O(n) for three. What windows leave out has a weight of at most 1: that is added to the upper
    end. Should it be more than a part in 10^10, the windows are widened.

    Without declared counts, sums within rounding of the threshold are undecided: the lower end does
    not hold them, the upper one does. With them, a sum is the threshold itself where it differs by
    at most 8 u times the largest value for each letter that the sequences do not share, u = 2^-53,
    which is what the rounding of values that ought to agree may come to.
    """
    _, order = _cheapest(event.n, tilt.weights.tolist())
    splits = split_up(weights_of(tilt), order, paired=True)
    cut = _CUT
    while True:
        found, sure, lost = _sum(event, tilt, order, splits, cut)
        if lost <= _ENOUGH * sure or cut <= _SMALLEST:
            return found
        cut = max(min(cut * sure / lost, cut**2), _SMALLEST)


def windows_cost(event: Event, tilt: Tilt) -> float:
    """Estimate how many inner operations `windows_bounds` takes, of about a nanosecond each."""
    cost, _ = _cheapest(event.n, tilt.weights.tolist())
    return cost


def _cheapest(n: int, weights: list[float]) -> tuple[float, list[int]]:
    """Cost of the best order of the letters, as they are taken off and then a, b, c, d; and that.

    The rarest are taken off. Where there is no a, b, they are -1: letters that never occur.
    """
    spread = [weight * (1.0 - weight) for weight in weights]
    letters = sorted(range(len(weights)), key=lambda i: (spread[i], i))
    taken = 1 if len(letters) == 3 else max(len(letters) - 4, 0)
    outer, inner = letters[:taken], letters[taken:]
    found = []
    for pair in combinations(inner, len(inner) - 2):
        first = sorted(pair) or [-1, -1]
        last = sorted(set(inner) - set(pair), reverse=True)  # the value of c exceeds that of d
        one, two = (
            _variance(*(weights[i] if i >= 0 else 0.0 for i in both)) for both in (first, last)
        )
        share = sum(weights[i] for i in pair)
        variances = [*(spread[i] for i in outer), share * (1.0 - share), one, two]
        found.append((_cost(n, variances), [*outer, *first, *last]))
    return min(found)


def _variance(first: float, second: float) -> float:
    """Of the first of two letters, a letter of all, where their sum is given."""
    return first * second / (first + second) if first + second > 0.0 else 0.0


def _cost(n: int, variances: list[float]) -> float:
    halves = [half_window(n * variance, n, _CUT) for variance in variances]
    *outer, one, two = (min(2.0 * half, n) + 1.0 for half in halves)
    # Windows are narrower where weights are small: counts fill a ball and not a cube.
    radius = 0.5 * (len(outer) + 1)
    log_ball = radius * math.log(0.25 * math.pi) - math.lgamma(radius + 1)
    log_cost = log_ball + math.fsum(map(math.log, outer)) + math.log(_STEP * one + two)
    return math.exp(min(log_cost, 700.0))


def _middles(n: int, chances: list[float]) -> list[int]:
    """Counts that are as expected, of the first part of each split."""
    middles, left = [], n
    for chance in chances[:-2]:
        middles.append(min(round(left * chance), left))
        left -= middles[-1]
    one, two = chances[-2:]
    return [*middles, min(round(middles[-1] * one), middles[-1]), min(round(left * two), left)]


def _sum(
    event: Event, tilt: Tilt, order: list[int], splits: Splits, cut: float
) -> tuple[LogInterval, float, float]:
    """Run the kernel once; return the interval, what is sure of it, and the mass left out."""
    n, chances, taken = event.n, splits.chances, len(order) - 4
    *outer, pair, one, two = middles = _middles(n, chances)
    usual = [*outer, one, pair - one, two, n - sum(outer) - pair - two]
    halves = half_windows(n, splits, cut)
    reach = reaches(halves[:-2], chances[:-2])
    reach += [
        halves[-2] + 3 + chances[-2] * reach[-1],
        halves[-1] + 3 + chances[-1] * sum(reach),
    ]
    values = event.score.values[order]
    a, b, c, d = values[taken:].tolist()
    rises = np.array([*(values[:taken] - d), b - d, a - b, c - d])
    sums = sums_of(event, order, usual, rises, reach)
    out = np.empty(3)
    windowed_tail(
        n, tilt.lam, sums.near, cut, sums.start, splits.odds, rises, np.array(middles),
        np.array(halves), sums.values, sums.declared, sums.radius, event.strict, out,
    )  # fmt: skip
    # Lemma 1, m: half a window has three roundings a ratio, a whole one an addition for its sum and
    # another for what it is used for; then four a place of the series.
    rounding = 10.0 * sum(halves) + 8.0 * halves[-1] + 20.0 * len(halves) + _EXPONENTS
    return certified(event, tilt, splits, halves, sums, out, rounding), float(out[0]), float(out[2])
