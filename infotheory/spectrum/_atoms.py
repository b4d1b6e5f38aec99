"""Every value of a sum of n scores with its probability, where these are few enough to list."""

from __future__ import annotations

import math

import numpy as np

from infotheory._kernels.transform import running_logs
from infotheory._typing import FloatArray, IntArray
from infotheory.measures import Score
from infotheory.spectrum._stitched import log_complement

__all__ = ["atoms_of", "log_tails"]

_UNIT = 2.0**-53
_FACTORIALS = 16  # up to where ln m! less Stirling's formula is tabulated
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def atoms_of(score: Score, n: int) -> tuple[FloatArray, FloatArray]:
    """Return the sums of n scores, ascending, and the logarithms of their probabilities.

    Sums that differ by no more than rounding are one atom. The logarithm of the probability of the
    counts c is a constant less a term for each of them, none of which is negative: nothing cancels.
    Takes C(n + k - 1, k - 1) numbers of memory.
    """
    left = np.array([n])
    sums, logs = np.zeros(1), np.array([_rest(np.array([n]))[0]])
    last = len(score) - 1
    for index, (value, log_p) in enumerate(
        zip(score.values.tolist(), score.log_probabilities.tolist(), strict=True)
    ):
        if index < last:
            ways = left + 1
            ends = np.cumsum(ways)
            counts = np.arange(ends[-1]) - np.repeat(ends - ways, ways)
            left, sums, logs = (np.repeat(array, ways) for array in (left, sums, logs))
        else:
            counts = left
        terms = _terms(n, log_p)
        left, sums, logs = left - counts, sums + counts * value, logs - terms[counts]
    order = np.argsort(sums, kind="stable")
    size = 4 * (len(score) + 2) * _UNIT * n * max(-score.minimum, score.maximum, 0.0)
    return _merged(sums[order], logs[order], size)


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


def _merged(sums: FloatArray, logs: FloatArray, size: float) -> tuple[FloatArray, FloatArray]:
    """Join neighbours that are at most `size` apart at their middle."""
    first = np.flatnonzero(np.append(True, np.diff(sums) > size))
    last = np.append(first[1:], len(sums)) - 1
    return 0.5 * (sums[first] + sums[last]), np.logaddexp.reduceat(logs, first)
