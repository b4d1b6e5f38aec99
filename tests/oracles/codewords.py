"""The NCMI surrogate loss by loops over samples, classes and features."""

from __future__ import annotations

import math
from collections.abc import Sequence

Row = list[float]


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def sigmax(u: Sequence[float], epsilon: float = 0.0) -> Row:
    values = [sigmoid(x) for x in u]
    total = math.fsum(values) + epsilon
    return [value / total for value in values]


def probabilities(
    features: Sequence[Sequence[float]],
    centre: Sequence[float],
    temperature: float,
    epsilon: float = 0.0,
) -> list[Row]:
    result = []
    for row in features:
        offset = [a - b for a, b in zip(row, centre, strict=True)]
        norm = math.sqrt(math.fsum(a * a for a in offset))
        result.append(sigmax([a / (temperature * norm) for a in offset], epsilon))
    return result


def divergence(p: Sequence[float], q: Sequence[float]) -> float:
    return math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def parts(
    probs: Sequence[Sequence[float]], labels: Sequence[int], codewords: Sequence[Sequence[float]]
) -> tuple[Row, Row]:
    """D(P || S_y), and the sum over the other classes of D(S_c || P) divided by C."""
    own = [divergence(p, codewords[y]) for p, y in zip(probs, labels, strict=True)]
    others = [
        math.fsum(divergence(s, p) for c, s in enumerate(codewords) if c != y) / len(codewords)
        for p, y in zip(probs, labels, strict=True)
    ]
    return own, others


def loss(
    probs: Sequence[Sequence[float]], labels: Sequence[int], codewords: Sequence[Sequence[float]]
) -> float:
    own, others = parts(probs, labels, codewords)
    return math.fsum((a + 1e-10) / b for a, b in zip(own, others, strict=True)) / len(own)


def class_means(
    probs: Sequence[Sequence[float]], labels: Sequence[int], n_classes: int
) -> list[Row]:
    """Sums of the rows of each class, normalised."""
    result = []
    for c in range(n_classes):
        rows = [p for p, y in zip(probs, labels, strict=True) if y == c]
        sums = [math.fsum(column) for column in zip(*rows, strict=True)]
        result.append([value / math.fsum(sums) for value in sums])
    return result
