"""The law of a sum of n integer places, right in both tails however far they reach.

One transform of the law tilted to some sum is right where that law is large. Blocks of sums a few
deviations wide are tilted to their middles, each when it is first asked for, and every probability
is taken from the block it belongs to: from its right tail above the mean, from its left below.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.fft import irfft

from infotheory._kernels.transform import decayed_sums, powers
from infotheory._typing import FloatArray, IntArray
from infotheory.measures import Score
from infotheory.spectrum._events import Event
from infotheory.spectrum._tilting import slope_for, tilt_of
from infotheory.spectrum._transform import reach
from infotheory.spectrum.results import log_complement

__all__ = ["StitchedSums", "widest_window", "window_of"]

_WIDTH = 4.0  # deviations in a block: its ends have an eighth of the density of its middle
_DEPTH = -50.0  # logarithm of what may be beyond a window
_CUT = 60.0
_SLOPES = np.concatenate([-np.geomspace(1e3, 1e-3, 80), [0.0], np.geomspace(1e-3, 1e3, 80)])


class _Block(NamedTuple):
    start: int
    stop: int
    log_tails: FloatArray  # of at least start, ..., stop
    log_p: FloatArray  # of start, ..., stop - 1


class _RightTail:
    """Probabilities of at least j, for j from some sum near the mean to the largest."""

    def __init__(self, score: Score, n: int, first: int) -> None:
        self.score, self.n, self.first = score, n, first
        self.top = n * round(score.maximum)
        self._blocks: dict[tuple[int, int], _Block] = {}
        self._is_leaf: dict[tuple[int, int], bool] = {}

    def block(self, j: int) -> _Block:
        """Return the block that j belongs to."""
        start, stop = self.first, self.top + 1
        while not self._narrow(start, stop):
            middle = (start + stop) // 2
            start, stop = (start, middle) if j < middle else (middle, stop)
        if (start, stop) not in self._blocks:
            self._blocks[start, stop] = self._made(start, stop)
        return self._blocks[start, stop]

    def _narrow(self, start: int, stop: int) -> bool:
        if stop - start == 1:
            return True
        if (start, stop) not in self._is_leaf:
            lam = slope_for(self.score, 0.5 * (start + stop - 1) / self.n)
            variance = self.score.cumulant_generating_function(lam, derivative=2)
            self._is_leaf[start, stop] = stop - start <= _WIDTH * math.sqrt(self.n * variance)
        return self._is_leaf[start, stop]

    def _made(self, start: int, stop: int) -> _Block:
        if start == self.top:
            log_p = self.n * float(self.score.log_probabilities[-1])
            return _Block(start, stop, np.array([log_p, -np.inf]), np.array([log_p]))
        aim = 0.5 * (start + stop - 1)
        tilt = tilt_of(Event(self.score, self.n, aim, False, None, ""))
        commonest = int(np.argmax(tilt.weights))
        values = np.rint(self.score.values).astype(np.int64)
        places = values - values[commonest]
        around = places - float(tilt.weights @ places)
        above, below = (reach(tilt.weights, way * around, self.n, _DEPTH) for way in (1, -1))
        lowest = min(math.floor(aim - below), start)
        size = window_of(above + aim - lowest + 2)
        spectrum = np.empty(size // 2 + 1, dtype=np.complex128)
        powers(places, tilt.weights, self.n, size, _CUT, spectrum)
        # Position i holds the sums that are i more than n times the commonest, modulo the size.
        turn = (lowest - self.n * int(values[commonest])) % size
        p = np.maximum(np.roll(irfft(spectrum, size), -turn), 0.0)
        p = p[start - lowest :]
        tails = np.empty(len(p))
        decayed_sums(p, tilt.lam, tails)
        tails, p = np.append(tails, 0.0)[: stop - start + 1], p[: stop - start]
        shift = tilt.log_factor - tilt.lam * (np.arange(start, stop + 1) - aim)
        with np.errstate(divide="ignore"):
            return _Block(start, stop, np.log(tails) + shift, np.log(p) + shift[:-1])


class StitchedSums:
    """Law of the sum of n independent integers.

    Parameters
    ----------
    places : ndarray of int, shape (k,)
        Distinct or not; the least is taken for zero.
    log_probabilities : ndarray, shape (k,)
    n : int

    Attributes
    ----------
    top : int
        The largest sum; the least is 0.
    mean : float
        Of the sum.
    deviation : float
    """

    def __init__(self, places: IntArray, log_probabilities: FloatArray, n: int) -> None:
        values = (places - places.min()).astype(np.float64)
        score = Score(values, log_probabilities, kind="logits")
        self.n, self.score = n, score
        self.top = n * int(score.maximum)
        self.mean, self.deviation = n * score.mean, math.sqrt(n * score.variance)
        middle = min(max(round(self.mean), 0), self.top)
        self._right = _RightTail(score, n, middle)
        turned = Score(score.maximum - score.values, score.log_probabilities, kind="logits")
        self._left = _RightTail(turned, n, self.top - middle + 1)
        self._middle = middle

    def log_at_least(self, sums: IntArray) -> FloatArray:
        """Logarithms of P(J >= j)."""
        return self._directed(sums, upwards=True)

    def log_at_most(self, sums: IntArray) -> FloatArray:
        """Logarithms of P(J <= j)."""
        return self._directed(sums, upwards=False)

    def log_p(self, sums: IntArray) -> FloatArray:
        """Logarithms of P(J = j)."""
        found = np.full(sums.shape, -np.inf)
        right = (sums >= self._middle) & (sums <= self.top)
        left = (sums < self._middle) & (sums >= 0)
        found[right] = _looked_up(self._right, sums[right], "log_p")
        found[left] = _looked_up(self._left, self.top - sums[left], "log_p")
        return found

    def _directed(self, sums: IntArray, *, upwards: bool) -> FloatArray:
        """A tail from its own side of the mean, and from the complement on the other."""
        found = np.empty(sums.shape)
        beyond, before = (sums > self.top, sums <= 0) if upwards else (sums < 0, sums >= self.top)
        found[beyond], found[before] = -np.inf, 0.0
        rest = ~(beyond | before)
        if upwards:
            near = rest & (sums >= self._middle)
            far = rest & (sums < self._middle)
            found[near] = _looked_up(self._right, sums[near], "log_tails")
            others = _looked_up(self._left, self.top - sums[far] + 1, "log_tails")
        else:
            near = rest & (sums < self._middle)
            far = rest & (sums >= self._middle)
            found[near] = _looked_up(self._left, self.top - sums[near], "log_tails")
            others = _looked_up(self._right, sums[far] + 1, "log_tails")
        found[far] = log_complement(others)
        return found


def widest_window(score: Score, n: int) -> float:
    """How wide a window must be for the sum of n under the tilt that spreads it most."""
    size = score.maximum - score.minimum
    variances = score.cumulant_generating_function(_SLOPES / size, derivative=2)
    return min(20.0 * math.sqrt(n * float(variances.max())), n * size)


def window_of(length: float) -> int:
    """The least power of two, and at least 16, that is not below a length."""
    return max(16, 1 << (math.ceil(length) - 1).bit_length())


def _looked_up(tail: _RightTail, sums: IntArray, part: str) -> FloatArray:
    found = np.empty(sums.shape)
    order = np.argsort(sums, kind="stable")
    ordered = sums[order]
    place = 0
    while place < len(ordered):
        block = tail.block(int(ordered[place]))
        after = int(np.searchsorted(ordered, block.stop, side="left"))
        found[order[place:after]] = getattr(block, part)[ordered[place:after] - block.start]
        place = after
    return found
