"""Sequences by the counts of their letters, which binomial splits draw one after the other."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from infotheory._typing import FloatArray, IntArray
from infotheory.spectrum._events import TIE, Event
from infotheory.spectrum._extended import DIGITS
from infotheory.spectrum._tilting import Tilt
from infotheory.spectrum.results import LogInterval

__all__ = [
    "UNIT",
    "Splits",
    "Sums",
    "certified",
    "half_window",
    "half_windows",
    "interval",
    "reaches",
    "split_up",
    "sums_of",
    "weights_of",
]

UNIT = 2.0**-53

_LARGEST = 1e290  # odds, and the inverse of the smallest probability of a letter that occurs
_STEEPEST = 700.0  # exponents that do not overflow
_FLOOR = 1e-260  # more than all that underflows, and than n letters that are taken not to occur


class Splits(NamedTuple):
    """Binomial splits that draw counts of letters from a tilted law.

    Attributes
    ----------
    odds : ndarray
        Of the first part of each split against the second, as the code has them.
    chances : list of float
        The same as probabilities.
    sizes : list of float
        Probability that a letter comes to a split.
    mismatch : float
        Largest abs(ln(q / q')), for the probabilities q that are meant and q' that these odds make.
    """

    odds: FloatArray
    chances: list[float]
    sizes: list[float]
    mismatch: float


class Sums(NamedTuple):
    """How sums are compared with the threshold.

    Attributes
    ----------
    values : ndarray
        Of the letters, in the order of the splits.
    declared : ndarray
        Counts of a sequence whose sum is the threshold; empty where none is known.
    radius : float
        Sums are equal where they differ by at most this for each letter exchanged.
    start : float
        How far the sum of the usual counts is above the threshold.
    off, near : float
        By how much a sum may be off for rounding, and how near sums are not decided from it.
    """

    values: FloatArray
    declared: IntArray
    radius: float
    start: float
    off: float
    near: float


def weights_of(tilt: Tilt) -> list[Decimal]:
    """Return the tilted probabilities with all the digits that there are."""
    pairs = zip(tilt.weights.tolist(), tilt.weights_low.tolist(), strict=True)
    return [DIGITS.add(Decimal(high), Decimal(low)) for high, low in pairs]


def split_up(weights: list[Decimal], order: list[int], *, paired: bool) -> Splits:
    """Return the odds by which letters are taken off, in order, until one or four are left.

    Four split into two pairs, and those into letters. A letter of `order` that is -1 never occurs.
    """
    shares = [weights[i] if i >= 0 else Decimal(0) for i in order]
    taken = len(order) - (4 if paired else 1)
    odds: list[Decimal] = []
    sizes: list[Decimal] = []
    made: list[Decimal] = []  # probabilities by these odds

    def halve(first: Decimal, second: Decimal, mass: Decimal) -> tuple[Decimal, Decimal]:
        odd = min(float(first / second), _LARGEST) if second else _LARGEST
        odds.append(Decimal(odd if odd > 1.0 / _LARGEST else 0.0))
        sizes.append(first + second)
        return mass * odds[-1] / (1 + odds[-1]), mass / (1 + odds[-1])

    with localcontext(DIGITS):
        rests = list(accumulate(reversed(shares)))[::-1]
        left = Decimal(1)
        for i in range(taken):
            one, left = halve(shares[i], rests[i + 1], left)
            made.append(one)
        if paired:
            a, b, c, d = shares[taken:]
            pair, other = halve(a + b, c + d, left)
            made += [*halve(a, b, pair), *halve(c, d, other)]
        else:
            made.append(left)
        # Letters that never occur are part of what _FLOOR allows for.
        known = [(w, m) for w, m in zip(shares, made, strict=True) if w * Decimal(_LARGEST) > 1]
        mismatch = max(abs(weight / shown - 1) for weight, shown in known)
    found = list(map(float, odds))
    chances = [odd / (1.0 + odd) for odd in found]
    return Splits(np.array(found), chances, list(map(float, sizes)), 1.01 * float(mismatch))


def half_window(variance: float, n: int, cut: float) -> int:
    """Half the length of a window of counts up to n, so that what is beyond is below `cut`.

    By Bernstein's inequality; a row that is too short would only cost mass that is accounted for.
    """
    log = 1.0 - math.log(cut) + 0.5 * math.log(2 * math.pi * (variance + 1.0))
    half = int(log / 3 + math.sqrt(log * log / 9 + 2 * log * variance)) + 2
    return min(half, n) if variance > 0.0 else 0


def half_windows(n: int, splits: Splits, cut: float) -> list[int]:
    """Half lengths of the windows of all splits."""
    parts = zip(splits.sizes, splits.chances, splits.odds.tolist(), strict=True)
    return [half_window(n * size * chance / (1.0 + odd), n, cut) for size, chance, odd in parts]


def reaches(halves: list[int], chances: list[float]) -> list[float]:
    """How far counts that are taken off one after the other may be from what is expected.

    Less than half a window and by how much that is shifted for the letters already taken off.
    """
    found: list[float] = []
    for half, chance in zip(halves, chances, strict=True):
        found.append(half + 3 + chance * sum(found) if chance > 0.0 else 0.0)
    return found


def sums_of(
    event: Event, order: list[int], usual: list[int], rises: FloatArray, reach: list[float]
) -> Sums:
    """Compare sums with the threshold by how far their counts are from usual ones.

    A letter of `order` that is -1 never occurs, and its value does not matter.
    """
    there = [i >= 0 for i in order]
    values = np.where(there, event.score.values[order], 0.0)
    with localcontext(DIGITS):
        pairs = zip(usual, values.tolist(), strict=True)
        total = sum((count * Decimal(value) for count, value in pairs), Decimal(0))
        start = float(total - Decimal(event.threshold))
    # Lemma 1, e_S: exact multiples of rounded rises, each product and each sum rounded.
    most = abs(start) + float(np.abs(rises) @ reach)
    off = (len(rises) + 4) * UNIT * most
    if event.counts is None:
        return Sums(values, np.zeros(0, np.int64), 0.0, start, off, off)
    declared = np.where(there, np.array(event.counts)[order], 0)
    # Of the largest value, for each letter exchanged: what rounding may make of a tie.
    radius = TIE * UNIT * float(np.abs(event.score.values).max())
    moved = 2 * sum(reach) + float(np.abs(usual - declared).sum())
    # The threshold is the sum of the declared counts, rounded.
    near = off + 2 * (radius * moved + UNIT * abs(event.threshold))
    return Sums(values, declared, radius, start, off, near)


def interval(
    tilt: Tilt, sure: float, extra: float, rounding: float, terms: dict[str, float]
) -> LogInterval:
    """Return the logarithms of what is sure and of that with all that may come to it.

    `rounding` is how many units each may be off, relative to it; terms that are relative are added.
    """
    terms = {"relative rounding": rounding * UNIT / (1.0 - rounding * UNIT), **terms}
    relative = sum(size for name, size in terms.items() if name.startswith("relative"))
    relative += tilt.slack + 8 * UNIT * abs(tilt.log_factor)
    low, high = sure - _FLOOR, math.log(sure + extra + _FLOOR)
    upper = tilt.log_factor + high + relative + 8 * UNIT * (1.0 + abs(high))
    lower = -math.inf
    if low > 0.0:
        low = math.log(low)
        lower = tilt.log_factor + low - relative - 8 * UNIT * (1.0 + abs(low))
    return LogInterval(min(lower, 0.0), min(upper, 0.0), terms)


def certified(
    event: Event, tilt: Tilt, splits: Splits, halves: list[int], sums: Sums, found: FloatArray,
    rounding: float,
) -> LogInterval:  # fmt: skip
    """Return the interval of a tail that was summed over the counts of splits.

    `found` holds what is sure of E exp(-lam (S - tau)), the mass of sums that are not decided, and
    that of counts that were not looked at. `rounding` is the m of Lemma 1.
    """
    sure, unsure, lost = found.tolist()
    # Lemma 0, D: each count is off by half a window, and what is left by as much.
    apart = 2.0 * sum(half + 2 for half in halves)
    terms = {
        "relative law mismatch": splits.mismatch * (apart + event.n * splits.mismatch),
        "relative sum rounding": tilt.lam * sums.off,
        "omitted mass": 2.0 * lost,  # twice for its own rounding, and that of the law
        "undecided ties": unsure * math.exp(min(2.0 * tilt.lam * sums.near, _STEEPEST)),
    }
    extra = terms["omitted mass"] + terms["undecided ties"]
    return interval(tilt, sure, extra, rounding, terms)
