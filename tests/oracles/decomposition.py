"""Partial information decompositions of small distributions, by loops and by search.

Joint distributions are nested lists p[s1][s2][t].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Pairs = list[list[float]]
Joint = Sequence[Sequence[Sequence[float]]]


def pairs_with_target(p: Joint, source: int) -> Pairs:
    """Distribution of source 1 or 2 and the target."""
    k1, k2, kt = len(p), len(p[0]), len(p[0][0])
    if source == 1:
        return [[math.fsum(p[i][j][t] for j in range(k2)) for t in range(kt)] for i in range(k1)]
    return [[math.fsum(p[i][j][t] for i in range(k1)) for t in range(kt)] for j in range(k2)]


def information(pairs: Pairs) -> float:
    rows = [math.fsum(row) for row in pairs]
    columns = [math.fsum(column) for column in zip(*pairs, strict=True)]
    return math.fsum(
        a * math.log(a / (r * c))
        for row, r in zip(pairs, rows, strict=True)
        for a, c in zip(row, columns, strict=True)
        if a > 0
    )


def of_both(p: Joint) -> float:
    return information([list(cell) for row in p for cell in row])


def minimum_information(p: Joint) -> float:
    """Redundancy of Williams and Beer: the mean over t of the least specific information."""
    both = [pairs_with_target(p, 1), pairs_with_target(p, 2)]
    target = [math.fsum(row[t] for row in both[0]) for t in range(len(both[0][0]))]
    total = 0.0
    for t, share in enumerate(target):
        if share == 0:
            continue
        specific = []
        for pairs in both:
            terms = [
                row[t] / share * (math.log(1 / share) - math.log(sum(row) / row[t]))
                for row in pairs
                if row[t] > 0
            ]
            specific.append(math.fsum(terms))
        total += share * min(specific)
    return total


def least(function: Callable[[float], float], low: float, high: float) -> float:
    """Minimum of a convex function, by ternary search."""
    for _ in range(60):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if function(a) > function(b):
            low = a
        else:
            high = b
    return function(0.5 * (low + high))


def union_of_binary_sources(p: Joint) -> float:
    """Least I(S1, S2; T) with the same pairs, where all variables are binary.

    For each value of the target one number is free: q(0, 0, t).
    """
    first, second = pairs_with_target(p, 1), pairs_with_target(p, 2)

    def table(t: int, corner: float) -> list[float]:
        a, b = first[0][t], second[0][t]
        rest = first[1][t] + first[0][t] - a - b
        return [max(0.0, v) for v in (corner, a - corner, b - corner, rest + corner)]

    def limits(t: int) -> tuple[float, float]:
        a, b, whole = first[0][t], second[0][t], first[0][t] + first[1][t]
        return max(0.0, a + b - whole), min(a, b)

    def inner(corner: float) -> float:
        zero = table(0, corner)
        return least(
            lambda other: information([[x, y] for x, y in zip(zero, table(1, other), strict=True)]),
            *limits(1),
        )

    return least(inner, *limits(0))
