"""Every value of a sum of n scores with its probability, where these are few enough to list."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from infotheory._kernels.transform import running_logs
from infotheory._typing import FloatArray, IntArray
from infotheory.measures import Score
from infotheory.spectrum.results import log_complement

__all__ = ["Listing", "atoms_of", "log_tails"]

_UNIT = 2.0**-53
_FACTORIALS = 16  # up to where ln m! less Stirling's formula is tabulated
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


class Listing(NamedTuple):
    """Atoms of a sum.

    Attributes
    ----------
    sums, logs : ndarray, shape (m,)
        Ascending, and the logarithms of their probabilities.
    slack : ndarray, shape (m,)
        How far what was joined to an atom may be from it, and what is asked for as that atom.
    moved : float
        How far a sum is at most from the atom that it was joined to.
    """

    sums: FloatArray
    logs: FloatArray
    slack: FloatArray
    moved: float


def atoms_of(score: Score, n: int) -> Listing:
    """Return the sums of n scores, and the logarithms of their probabilities.

    Neighbours that differ by no more than rounding are one atom: by some units of the sizes of the
    letters that they are made of, so that sums of small letters are not lost to large ones that do
    not occur in them. The logarithm of the probability of the counts c is a constant less a term
    for each of them, none of which is negative: nothing cancels. Takes C(n + k - 1, k - 1) numbers
    of memory.
    """
    if len(score) == 1:
        only = np.array([n * score.maximum])
        return Listing(only, np.zeros(1), 8 * _UNIT * np.abs(only), 0.0)
    left = np.array([n])
    sums, sizes, logs = np.zeros(1), np.zeros(1), np.array([_rest(np.array([n]))[0]])
    last = len(score) - 1
    for index, (value, log_p) in enumerate(
        zip(score.values.tolist(), score.log_probabilities.tolist(), strict=True)
    ):
        if index < last:
            ways = left + 1
            ends = np.cumsum(ways)
            counts = np.arange(ends[-1]) - np.repeat(ends - ways, ways)
            left, sums, sizes, logs = (np.repeat(each, ways) for each in (left, sums, sizes, logs))
        else:
            counts = left
        left, logs = left - counts, logs - _terms(n, log_p)[counts]
        sums, sizes = sums + counts * value, sizes + counts * abs(value)
    order = np.argsort(sums, kind="stable")
    return _merged(sums[order], logs[order], 2 * (len(score) + 2) * _UNIT * sizes[order])


def log_tails(logs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return logarithms of the sums up to each atom and from each, none as 1 less a small number.

    What is above a half is the complement of the other tail.
    """
    up, down = np.empty_like(logs), np.empty_like(logs)
    running_logs(logs, up)
    running_logs(np.ascontiguousarray(logs[::-1]), down)
    down = down[::-1]
    after = np.append(down[1:], -np.inf)
    before = np.append(-np.inf, up[:-1])
    half = -math.log(2.0)
    return (
        np.where(after < half, log_complement(after), up),
        np.where(before < half, log_complement(before), down),
    )


def _terms(n: int, log_p: float) -> FloatArray:
    """Return ln c! less Stirling's formula, and c ln(c / (n p)) + n p - c, for c = 0, ..., n."""
    counts = np.arange(n + 1)
    return _rest(counts) + _deviance(counts, n, log_p)


def _rest(counts: IntArray) -> FloatArray:
    """Return ln c! - (c ln c - c): a half of ln(2 pi c) and a small rest, or 0 for c = 0."""
    table = np.array(
        [math.lgamma(m + 1) - (m * math.log(m) - m if m else 0.0) for m in range(_FACTORIALS)]
    )
    large = np.maximum(counts, _FACTORIALS).astype(np.float64)
    square, series = large * large, np.zeros(counts.shape)
    for coefficient in reversed(_SERIES):
        series = coefficient + series / square
    stirling = series / large + 0.5 * np.log(2.0 * math.pi * large)
    return np.where(counts < _FACTORIALS, table[np.minimum(counts, _FACTORIALS - 1)], stirling)


def _deviance(counts: IntArray, n: int, log_p: float) -> FloatArray:
    """Return c ln(c / m) + m - c with m = n p: by a series where c and m are close."""
    mean = n * math.exp(log_p)
    ratio = (counts - mean) / (counts + mean) if mean > 0.0 else np.ones(counts.shape)
    near = np.abs(ratio) < 0.1
    e = np.where(near, ratio, 0.0)
    total = (counts - mean) * e
    power = 2.0 * counts * e
    for j in range(1, 10):
        power = power * e * e
        total = total + power / (2 * j + 1)
    safe = np.maximum(counts, 1)
    far = counts * (np.log(safe / n) - log_p) + mean - counts
    return np.where(near, total, far)


def _merged(sums: FloatArray, logs: FloatArray, slack: FloatArray) -> Listing:
    """Join neighbours that are within their slack at their middle."""
    first = np.flatnonzero(np.append(True, np.diff(sums) > slack[:-1] + slack[1:]))
    last = np.append(first[1:], len(sums)) - 1
    half, most = 0.5 * (sums[last] - sums[first]), np.maximum.reduceat(slack, first)
    # Half of the slack is more than the rounding of a sum.
    moved = np.where(last > first, half + 0.5 * most, 0.0)
    joined = np.logaddexp.reduceat(logs, first)
    return Listing(sums[first] + half, joined, most + half, float(moved.max()))
