"""Capacities and rate-distortion functions by the textbook iterations, slow and obvious.

Loops and `math.fsum`; nothing is accelerated, so that a gap of 1e-6 can take thousands of rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Table = Sequence[Sequence[float]]


def output(p: Sequence[float], channel: Table) -> list[float]:
    return [
        math.fsum(a * row[y] for a, row in zip(p, channel, strict=True))
        for y in range(len(channel[0]))
    ]


def divergence(row: Sequence[float], q: Sequence[float]) -> float:
    return math.fsum(a * math.log(a / b) for a, b in zip(row, q, strict=True) if a > 0)


def information(p: Sequence[float], channel: Table) -> float:
    """I(X; Y) of an input distribution."""
    q = output(p, channel)
    return math.fsum(a * divergence(row, q) for a, row in zip(p, channel, strict=True) if a > 0)


def blahut_arimoto(
    channel: Table, rounds: int, costs: Sequence[float] | None = None, price: float = 0.0
) -> tuple[float, float, list[float]]:
    """Bounds on max I(X; Y) - price E[cost] after so many rounds, and the input distribution."""
    costs = [0.0] * len(channel) if costs is None else costs
    p = [1.0 / len(channel)] * len(channel)
    lower = upper = 0.0
    for _ in range(rounds):
        q = output(p, channel)
        scores = [
            divergence(row, q) - price * cost for row, cost in zip(channel, costs, strict=True)
        ]
        lower = math.fsum(a * score for a, score in zip(p, scores, strict=True))
        upper = max(scores)
        weights = [a * math.exp(score - upper) for a, score in zip(p, scores, strict=True)]
        total = math.fsum(weights)
        p = [w / total for w in weights]
    return lower, upper, p


def largest(function: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Where a concave function has its maximum, and that, by ternary search."""
    for _ in range(120):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if function(a) < function(b):
            low = a
        else:
            high = b
    middle = 0.5 * (low + high)
    return middle, function(middle)


def two_inputs(channel: Table, most_of_second: float = 1.0) -> float:
    """Capacity of a channel with two inputs, the second used at most so often."""
    return largest(lambda a: information([1.0 - a, a], channel), 0.0, most_of_second)[1]


def blahut_rate(
    p: Sequence[float], distortion: Table, slope: float, rounds: int
) -> tuple[float, float, float]:
    """A point of the rate-distortion curve after so many rounds: distortion, rate, and a bound.

    The bound is below the rate at that distortion (Blahut 1972).
    """
    n_outputs = len(distortion[0])
    q = [1.0 / n_outputs] * n_outputs
    kernel = [[math.exp(-slope * d) for d in row] for row in distortion]
    for _ in range(rounds):
        sums = [math.fsum(b * a for b, a in zip(q, row, strict=True)) for row in kernel]
        factors = [
            math.fsum(w * row[y] / t for w, row, t in zip(p, kernel, sums, strict=True))
            for y in range(n_outputs)
        ]
        q = [b * f for b, f in zip(q, factors, strict=True)]
    sums = [math.fsum(b * a for b, a in zip(q, row, strict=True)) for row in kernel]
    factors = [
        math.fsum(w * row[y] / t for w, row, t in zip(p, kernel, sums, strict=True))
        for y in range(n_outputs)
    ]
    channel = [
        [b * a / t for b, a in zip(q, row, strict=True)]
        for row, t in zip(kernel, sums, strict=True)
    ]
    spent = math.fsum(
        w * c * d
        for w, conditional, row in zip(p, channel, distortion, strict=True)
        for c, d in zip(conditional, row, strict=True)
        if c > 0
    )
    bound = -slope * spent - math.fsum(w * math.log(t) for w, t in zip(p, sums, strict=True))
    return spent, information(p, channel), bound - math.log(max(factors))
