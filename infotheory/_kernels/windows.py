"""Tail of a sum over four kinds of letters, of which the last two are summed in closed form."""

from __future__ import annotations

import math

import numpy as np

from infotheory._jit import kernel
from infotheory._kernels._binomial import SHARE, exceeds, fill_binomial, next_counts
from infotheory._typing import AnyArray, FloatArray

__all__ = ["windowed_tail"]


@kernel
def windowed_tail(
    n: int, lam: float, near: float, cut: float, start: float,
    odds: FloatArray, rises: FloatArray, middles: AnyArray, halves: AnyArray,
    values: FloatArray, declared: AnyArray, radius: float, strict: bool, out: FloatArray,
) -> None:  # fmt: skip
    """Write E exp(-lam y) over y > 0, what is undecided, and the mass that is left out.

    y = start + the sum of (count - middle) * rise over all splits. The first splits are letters
    taken off one after the other; of the last three, the first splits what is left into two pairs,
    and the others those pairs into letters a, b and c, d. Rises are differences of values: of the
    letter and d, of b and d, of a and b, of c and d > 0.

    Sums within `near` of zero are undecided: unless `declared` holds the counts of a sequence, then
    they are zero where they are within `radius` for each letter that is exchanged between the two.
    """
    levels = odds.size - 3
    widest = halves.max() if levels == 0 else halves[:levels].max()
    rows = np.zeros((levels, 2 * widest + 1))
    cursor = np.zeros(1, np.int64)
    counts = np.zeros(levels + 4, np.int64)
    ends = np.full(levels, -1, np.int64)
    firsts = np.zeros(levels, np.int64)
    left = np.zeros(levels + 1, np.int64)
    masses = np.ones(levels + 1)
    sums = np.zeros(levels + 1)
    lost = np.zeros(1)
    pairs = np.zeros(2 * halves[levels] + 1)
    ones = np.zeros(2 * halves[levels + 1] + 1)
    twos = np.zeros(2 * halves[levels + 2] + 1)
    series = np.zeros(twos.size + 1)
    gap = rises[levels + 2]
    rise = rises[levels + 1]
    inverse = 1.0 / gap
    shrink = math.exp(-lam * gap)
    left[0] = n
    sums[0] = start
    sure = 0.0
    unsure = 0.0
    while next_counts(
        odds[:levels], rises, middles, cut, rows, cursor, counts, ends, firsts, left, masses, sums,
        lost,
    ):  # fmt: skip
        mass = masses[levels]
        rest = left[levels]
        if cut > SHARE * mass:
            lost[0] += mass
            continue
        low, high, first, missing = fill_binomial(rest, odds[levels], cut / mass, pairs)
        lost[0] += mass * missing
        for pair in range(low, high + 1):
            weight = mass * pairs[pair - first]
            if cut > SHARE * weight:
                lost[0] += weight
                continue
            a_low, a_high, a_first, missing = fill_binomial(
                pair, odds[levels + 1], cut / weight, ones
            )
            lost[0] += weight * missing
            kept = weight * (1.0 - missing)
            c_low, c_high, c_first, missing = fill_binomial(
                rest - pair, odds[levels + 2], cut / weight, twos
            )
            lost[0] += kept * missing
            # The sum of P(c + t) exp(-lam gap t) over t >= 0, at the place of c.
            tail = 0.0
            series[c_high + 1 - c_first] = 0.0
            for place in range(c_high - c_first, c_low - c_first - 1, -1):
                tail = twos[place] + shrink * tail
                series[place] = tail
            bottom = float(c_low - middles[levels + 2])
            top = float(c_high + 1 - middles[levels + 2])
            shift = middles[levels + 2] - c_first
            base = sums[levels] + (pair - middles[levels]) * rises[levels]
            inner = 0.0
            for a in range(a_low, a_high + 1):
                y = base + (a - middles[levels + 1]) * rise
                step = min(max(math.floor((near - y) * inverse) + 1.0, bottom), top)
                above = y + step * gap
                if above <= near:  # the quotient was rounded
                    step = min(step + 1.0, top)
                    above = y + step * gap
                place = int(step) + shift
                # Below the threshold even for the last c, the series is zero and its factor huge.
                weighed = math.exp(-lam * max(above, 0.0)) * series[place]
                inner += ones[a - a_first] * weighed
                if above - gap >= -2.0 * near and step > bottom:
                    counts[levels] = a
                    counts[levels + 1] = pair - a
                    while step > bottom:
                        step -= 1.0
                        above = y + step * gap
                        if above < -near:
                            break
                        place = int(step) + shift
                        share = weight * ones[a - a_first] * twos[place]
                        counts[levels + 2] = place + c_first
                        counts[levels + 3] = rest - pair - counts[levels + 2]
                        if declared.size == 0:
                            unsure += share
                        elif exceeds(counts, declared, values, radius, strict):
                            sure += share * math.exp(-lam * above)
            sure += weight * inner
    out[0] = sure
    out[1] = unsure
    out[2] = lost[0]
