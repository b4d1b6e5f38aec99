"""The law of a sum of n scores in three forms: listed, on a lattice, and rounded to a grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from infotheory._kernels.transform import fewest_terms
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.measures import Score
from infotheory.spectrum._atoms import atoms_of, log_tails
from infotheory.spectrum._events import TIE
from infotheory.spectrum._lattice import lattice_of
from infotheory.spectrum._stitched import StitchedSums, widest_window
from infotheory.spectrum._transform import best_span, places_of, spread_of

__all__ = ["Atoms", "Gridded", "Latticed", "Listed", "Target", "law_of_sum", "on_a_grid"]

_UNIT = 2.0**-53
_FLAT, _STEEP = 1e-6, 1e18  # slopes at which a law is hardly tilted, or all at one end
_ROWS = 4096
_NEGLECTED = 1e-12  # mass that may be further from its place on a grid than the resolution
_STEEPEST = 1e-6  # of a span
_MOST_ATOMS = 2**22
_FINEST = 2.0**-400  # span, in units of the range, where variances underflow
_FARTHEST, _LARGEST = 2**38, 2**61  # place on a grid, and sum of places
_FEW_TYPES = 10**6
_COARSE = 0.5  # of a standard deviation: a grid that resolves less is refused


class Atoms(NamedTuple):
    """Every value of S_n / n, with its probability.

    Attributes
    ----------
    values : ndarray, shape (m,)
        Ascending.
    log_probabilities : ndarray, shape (m,)
    """

    values: FloatArray
    log_probabilities: FloatArray


class Target(NamedTuple):
    """What a quantile leaves below it and above, as logarithms that allow for rounding."""

    q: float
    log_below: float
    log_above: float

    @classmethod
    def of(cls, q: float) -> Target:
        """Return the target of a probability strictly between 0 and 1."""
        log_q = math.log(q)
        return cls(q, log_q - 4 * _UNIT * (1.0 - log_q), math.log(1.0 - q + 4 * _UNIT))

    def reached(self, log_at_most: float, log_above: float) -> bool:
        """Whether enough is below: in the tail that is small."""
        if self.q <= 0.5:
            return log_at_most >= self.log_below
        return log_above <= self.log_above


class Listed:
    """Every atom with its probability."""

    form = "atoms"

    def __init__(self, score: Score, n: int) -> None:
        self.sums, self.logs, slack, self.resolution = atoms_of(score, n)
        self._below, self._from = log_tails(self.logs)
        # Where atoms begin, for what is asked for; none begins before one that is less.
        self._starts = np.minimum.accumulate((self.sums - slack)[::-1])[::-1]

    def log_cdf(self, sums: FloatArray) -> FloatArray:
        return np.append(-np.inf, self._below)[self._up_to(sums)]

    def log_sf(self, sums: FloatArray) -> FloatArray:
        return np.append(self._from, -np.inf)[self._up_to(sums)]

    def _up_to(self, sums: FloatArray) -> IntArray:
        return np.searchsorted(self._starts, sums, "right")

    def quantile(self, target: Target) -> float:
        after = np.append(self._from[1:], -np.inf)
        reached = self._below >= target.log_below if target.q <= 0.5 else after <= target.log_above
        return float(self.sums[np.argmax(reached)])

    def atoms(self) -> tuple[FloatArray, FloatArray]:
        return self.sums, self.logs


class Latticed:
    """Sums origin + span j, j a sum of integers."""

    form = "lattice"
    resolution = 0.0

    def __init__(self, score: Score, law: StitchedSums, origin: float, span: float) -> None:
        self.law, self.origin, self.span = law, origin, span
        self._size = law.n * max(-score.minimum, score.maximum)

    def log_cdf(self, sums: FloatArray) -> FloatArray:
        return self.law.log_at_most(self._up_to(sums))

    def log_sf(self, sums: FloatArray) -> FloatArray:
        return self.law.log_at_least(self._up_to(sums) + 1)

    def _up_to(self, sums: FloatArray) -> IntArray:
        tie = TIE * _UNIT * (np.abs(sums) + self._size)
        places = np.floor((sums - self.origin + tie) / self.span)
        return np.clip(places, -1.0, self.law.top).astype(np.int64)

    def quantile(self, target: Target) -> float:
        return self.origin + self.span * _first(self.law, target)

    def atoms(self) -> tuple[FloatArray, FloatArray] | None:
        law = self.law
        if law.top >= _MOST_ATOMS:
            return None
        every = np.arange(law.top + 1)
        fewest = np.empty(law.top + 1, dtype=np.int64)
        fewest_terms(np.rint(law.score.values[1:]).astype(np.int64), fewest)
        reached = every[(fewest >= 0) & (fewest <= law.n)]
        sums = self.origin + self.span * reached.astype(np.float64)
        return sums, law.log_p(reached)


class Gridded:
    """Scores rounded to a grid; a sum stands where its mean is, given the sum of the integers.

    The mass of an integer is spread evenly over as much as the remainders deviate: over all the way
    to the next one, or hardly at all where the values are nearly on the grid.
    """

    form = "grid"

    def __init__(self, score: Score, law: StitchedSums, places: IntArray, span: float) -> None:
        self.score, self.law, self.span = score, law, span
        self._places = (places - places.min()).astype(np.float64)
        p, remainders = score.probabilities, score.values - span * self._places
        remainders -= p @ remainders
        evenly = math.sqrt(12.0 * law.n * float(p @ remainders**2)) / span
        self._spread = min(max(evenly, _STEEPEST), 1.0)
        # The remainders move a sum, and so does where their mean goes under a tilt.
        far = spread_of(p, remainders, law.n, math.log(_NEGLECTED))
        self.resolution = 2.0 * far + 0.5 * self._spread * span

    def log_cdf(self, sums: FloatArray) -> FloatArray:
        cell, part = self._cells(sums)
        return _between(self.law.log_at_most(cell), self.law.log_at_most(cell - 1), 1.0 - part)

    def log_sf(self, sums: FloatArray) -> FloatArray:
        cell, part = self._cells(sums)
        return _between(self.law.log_at_least(cell), self.law.log_at_least(cell + 1), part)

    def _cells(self, sums: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the integer next to each sum, and which part of its mass is below."""
        n, score = self.law.n, self.score
        inside = (sums > n * score.minimum) & (sums < n * score.maximum)
        places = np.where(sums <= n * score.minimum, -1.0, self.law.top + 1.0)
        levels = matched(score, score.values, self._places, sums[inside] / n)
        places[inside] = n * levels
        cells = np.floor(places + 0.5)
        parts = np.clip((places - cells) / self._spread + 0.5, 0.0, 1.0)
        return cells.astype(np.int64), parts

    def quantile(self, target: Target) -> float:
        cell = _first(self.law, target)
        here = np.array([cell])
        if target.q <= 0.5:
            top, before = self.law.log_at_most(here)[0], self.law.log_at_most(here - 1)[0]
            part = 1.0 - _share(top, before, math.log(target.q))
        else:
            top, before = self.law.log_at_least(here)[0], self.law.log_at_least(here + 1)[0]
            part = _share(top, before, math.log1p(-target.q))
        n, score = self.law.n, self.score
        place = (cell + self._spread * (part - 0.5)) / n
        if not 0.0 < place < self.law.top / n:
            return n * (score.minimum if place <= 0.0 else score.maximum)
        return n * float(matched(score, self._places, score.values, np.array([place]))[0])

    def atoms(self) -> None:
        return None


def law_of_sum(
    score: Score, n: int, span: float | None, points: int
) -> Listed | Latticed | Gridded:
    """Law of the sum of n scores, in the most exact form that fits."""
    if math.comb(n + len(score) - 1, len(score) - 1) <= _FEW_TYPES:
        return Listed(score, n)
    lattice = lattice_of(score, span)
    if lattice is not None:
        law = StitchedSums(lattice.places, score.log_probabilities, n)
        if widest_window(law.score, n) <= points:
            return Latticed(score, law, n * lattice.origin, lattice.span)
    grid, deviation = on_a_grid(score, n, points), math.sqrt(n * score.variance)
    if not grid.resolution <= _COARSE * deviation:
        raise refusal(
            "n",
            f"small enough for a grid of size={points} points",
            f"{n}, where a deviation is {deviation / grid.resolution:.2g} of what it resolves",
            "Pass a larger size, or ask tail or nep_bounds for single probabilities.",
        )
    return grid


def on_a_grid(score: Score, n: int, size: int) -> Gridded:
    """Round scores to the best grid of which a window of the sum has `size` points at most."""
    width = widest_window(score, n)
    least = max(1.02 * width / (size - 8), _FINEST * (score.maximum - score.minimum))
    span = best_span(score.probabilities, score.values, least)
    commonest = float(score.values[np.argmax(score.log_probabilities)])
    places = places_of(score.values - commonest, span, min(_FARTHEST, _LARGEST // n))
    return Gridded(score, StitchedSums(places, score.log_probabilities, n), places, span)


def matched(score: Score, given: FloatArray, wanted: FloatArray, levels: FloatArray) -> FloatArray:
    """Means of `wanted` under the tilted laws that give `given` these means.

    Both are one number for each atom, `given` with a mean that grows with the slope of the tilt.
    """
    found = np.empty(levels.shape)
    for start in range(0, len(levels), _ROWS):
        part = levels[start : start + _ROWS]
        low, high = _slopes(score, given, part)
        found[start : start + _ROWS] = _tilted_means(score, 0.5 * (low + high), wanted)
    return found


def _slopes(score: Score, given: FloatArray, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bisect the slopes, from a bracket that is doubled until it holds them."""
    low, high = np.full(levels.shape, -1.0), np.full(levels.shape, 1.0)
    outside = np.ones(1, dtype=bool)
    while outside.any():
        short = (_tilted_means(score, high, given) < levels) & (high < _STEEP)
        long = (_tilted_means(score, low, given) > levels) & (low > -_STEEP)
        high, low = np.where(short, 2.0 * high, high), np.where(long, 2.0 * low, low)
        outside = short | long
    middle = 0.5 * (low + high)
    while (high - low > 4 * _UNIT * np.maximum(np.abs(middle), _FLAT)).any():
        below = _tilted_means(score, middle, given) < levels
        low, high = np.where(below, middle, low), np.where(below, high, middle)
        middle = 0.5 * (low + high)
    return low, high


def _tilted_means(score: Score, slopes: FloatArray, numbers: FloatArray) -> FloatArray:
    """Means of numbers under the laws tilted by slopes, in units of one over the range."""
    scaled = (score.values - score.mean) / (score.maximum - score.minimum)
    logs = score.log_probabilities + slopes[:, None] * scaled
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    means: FloatArray = weights @ numbers / weights.sum(axis=1)
    return means


def _between(top: FloatArray, next_: FloatArray, part: FloatArray) -> FloatArray:
    """ln((1 - part) e^top + part e^next), for next <= top."""
    finite = np.isfinite(top)
    drop = np.minimum(np.where(finite, next_, 0.0) - np.where(finite, top, 0.0), 0.0)
    with np.errstate(divide="ignore"):
        found: FloatArray = top + np.log1p(part * np.expm1(drop))
    return found


def _share(top: float, next_: float, goal: float) -> float:
    """Which part of the way from e^top to e^next it is to e^goal."""
    way = -math.expm1(min(next_ - top, 0.0))
    return min(max(-math.expm1(min(goal - top, 0.0)) / way, 0.0), 1.0) if way > 0.0 else 0.0


def _first(law: StitchedSums, target: Target) -> int:
    """Return the least integer up to which there is enough mass."""

    def reached(place: int) -> bool:
        here = np.array([place])
        if target.q <= 0.5:
            return target.reached(float(law.log_at_most(here)[0]), 0.0)
        return target.reached(0.0, float(law.log_at_least(here + 1)[0]))

    guess = law.mean + law.deviation * float(ndtri(min(max(target.q, 1e-300), 1.0 - 1e-16)))
    return _least(reached, min(max(round(guess), 0), law.top), law.top)


def _least(reached: Callable[[int], bool], guess: int, top: int) -> int:
    """Bisect a monotone condition on 0, ..., top, from a guess outwards; it holds at the top."""
    step, low, high = 1, guess - 1, guess
    while high < top and not reached(high):
        low, high, step = high, min(high + step, top), 2 * step
    step = 1
    while low >= 0 and reached(low):
        low, high, step = max(low - step, -1), low, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
