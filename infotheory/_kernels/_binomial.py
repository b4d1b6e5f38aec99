"""Multinomial counts by binomial splits: of n letters so many are of one kind, of the rest ...

All weights are products and sums of positive numbers, so that relative errors only add up.
"""

from __future__ import annotations

from infotheory._jit import kernel
from infotheory._kernels._double_double import two_product, two_sum
from infotheory._typing import AnyArray, FloatArray

__all__ = ["SHARE", "exceeds", "fill_binomial", "next_counts"]

SHARE = 0.3  # a window is not opened for a weight that is not this much above what is cut off


@kernel
def fill_binomial(n: int, odds: float, cut: float, row: FloatArray) -> tuple[int, int, int, float]:
    """Fill `row` with the probabilities of counts of n letters that are each of a kind with odds.

    Returns the least and the largest count kept, the count of which row[0] would hold the
    probability, and a bound on the mass that is missing. By ratios from the mode, 1 there, until
    they are below `cut` or the row is full. Ratios fall from there on, so that the rest is at most
    a geometric series. All is divided by the sum with those rests: no probability is too large.
    """
    half = row.size // 2
    mode = min(n, int((n + 1) * (odds / (1.0 + odds))))
    first = mode - half
    row[half] = 1.0
    total = 1.0
    rest = 0.0
    top = mode
    x = 1.0
    while top < n:
        ratio = ((n - top) * odds) / (top + 1)
        x *= ratio
        if x < cut or top + 1 - first >= row.size:
            rest += x / (1.0 - ratio)
            break
        top += 1
        row[top - first] = x
        total += x
    bottom = mode
    x = 1.0
    while bottom > 0:
        ratio = bottom / ((n - bottom + 1) * odds)
        x *= ratio
        if x < cut or bottom == first:
            rest += x / (1.0 - ratio)
            break
        bottom -= 1
        row[bottom - first] = x
        total += x
    scale = 1.0 / (total + rest)
    for i in range(bottom - first, top - first + 1):
        row[i] *= scale
    return bottom, top, first, rest * scale


@kernel
def next_counts(
    odds: FloatArray, rises: FloatArray, middles: AnyArray, cut: float, rows: FloatArray,
    cursor: AnyArray, counts: AnyArray, ends: AnyArray, firsts: AnyArray, left: AnyArray,
    masses: FloatArray, sums: FloatArray, lost: FloatArray,
) -> bool:  # fmt: skip
    """Move to the next counts of letters that are split off one after the other.

    Before the first call, cursor[0] is 0, ends are -1, left[0] is n, masses[0] is 1 and sums[0]
    what all middles make. After a call that returns True: counts[i] of letter i, and left[-1],
    masses[-1] and sums[-1] of what is left. lost[0] collects the mass that is never visited.
    """
    levels = odds.size
    depth = cursor[0]
    while depth >= 0:
        if depth == levels:
            cursor[0] = depth - 1
            return True
        if ends[depth] < 0:
            if cut > SHARE * masses[depth]:
                lost[0] += masses[depth]
                depth -= 1
                continue
            bottom, top, first, missing = fill_binomial(
                left[depth], odds[depth], cut / masses[depth], rows[depth]
            )
            lost[0] += masses[depth] * missing
            counts[depth], ends[depth], firsts[depth] = bottom, top, first
        else:
            counts[depth] += 1
        count = counts[depth]
        if count > ends[depth]:
            ends[depth] = -1
            depth -= 1
            continue
        left[depth + 1] = left[depth] - count
        masses[depth + 1] = masses[depth] * rows[depth, count - firsts[depth]]
        sums[depth + 1] = sums[depth] + (count - middles[depth]) * rises[depth]
        depth += 1
    cursor[0] = -1
    return False


@kernel
def exceeds(
    counts: AnyArray, declared: AnyArray, values: FloatArray, radius: float, strict: bool
) -> bool:
    """Whether the sum of one sequence exceeds that of another, or reaches it.

    They are equal where they differ by at most `radius` for each letter that is exchanged.
    """
    total = 0.0
    lack = 0.0
    moved = 0.0
    for i in range(values.size):
        number = float(counts[i] - declared[i])
        moved += abs(number)
        product, error = two_product(number, values[i])
        total, rest = two_sum(total, product)
        lack += error + rest
    total += lack
    return total > 0.0 if abs(total) > radius * moved else not strict
