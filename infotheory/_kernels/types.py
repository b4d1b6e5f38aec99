"""Tail of a sum over all types: the counts of every letter in a sequence."""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._binomial import SHARE, exceeds, fill_binomial, next_counts
from infotheory._typing import AnyArray, FloatArray

__all__ = ["enumerated_tail"]


@kernel
def enumerated_tail(
    n: int, lam: float, near: float, cut: float, start: float,
    odds: FloatArray, rises: FloatArray, middles: AnyArray, widest: int,
    values: FloatArray, declared: AnyArray, radius: float, strict: bool, out: FloatArray,
) -> None:  # fmt: skip
    """Write E exp(-lam y) over y > 0, what is undecided, and the mass that is left out.

    y = start + the sum of (count - middle) * rise, over all letters but the last one, which are
    taken off one after the other. Sums within `near` of zero are as in `windowed_tail`.
    """
    levels = odds.size - 1
    rows = np.zeros((levels + 1, 2 * widest + 1))
    cursor = np.zeros(1, np.int64)
    counts = np.zeros(levels + 2, np.int64)
    ends = np.full(levels, -1, np.int64)
    firsts = np.zeros(levels, np.int64)
    left = np.zeros(levels + 1, np.int64)
    masses = np.ones(levels + 1)
    sums = np.zeros(levels + 1)
    lost = np.zeros(1)
    left[0] = n
    sums[0] = start
    sure = 0.0
    unsure = 0.0
    row = rows[levels]
    while next_counts(
        odds[:levels], rises, middles, cut, rows, cursor, counts, ends, firsts, left, masses, sums,
        lost,
    ):  # fmt: skip
        mass = masses[levels]
        if cut > SHARE * mass:
            lost[0] += mass
            continue
        low, high, first, missing = fill_binomial(left[levels], odds[levels], cut / mass, row)
        lost[0] += mass * missing
        inner = 0.0
        for count in range(low, high + 1):
            y = sums[levels] + (count - middles[levels]) * rises[levels]
            holds = y > near
            if not holds and y >= -near:
                if declared.size == 0:
                    unsure += mass * row[count - first]
                else:
                    counts[levels] = count
                    counts[levels + 1] = left[levels] - count
                    holds = exceeds(counts, declared, values, radius, strict)
            if holds:
                inner += row[count - first] * math.exp(-lam * y)
        sure += mass * inner
    out[0] = sure
    out[1] = unsure
    out[2] = lost[0]
