"""Distillation losses by loops over samples and classes, straight from their formulas.

Logits are lists of rows of numbers; minus infinity is a class of probability zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def softmax(row: Sequence[float], temperature: float = 1.0) -> list[float]:
    top = max(row)
    powers = [math.exp((z - top) / temperature) for z in row]
    total = math.fsum(powers)
    return [power / total for power in powers]


def log_softmax(row: Sequence[float], temperature: float = 1.0) -> list[float]:
    top = max(row)
    total = math.log(math.fsum(math.exp((z - top) / temperature) for z in row))
    return [(z - top) / temperature - total for z in row]


def divergence(
    target: Sequence[float], t_target: float, row: Sequence[float], t_row: float
) -> float:
    """D(softmax(target / t_target) || softmax(row / t_row))."""
    p, log_p = softmax(target, t_target), log_softmax(target, t_target)
    log_q = log_softmax(row, t_row)
    terms = [a * (b - c) for a, b, c in zip(p, log_p, log_q, strict=True) if a > 0.0]
    return math.fsum(terms)


def power_sum(row: Sequence[float], exponent: float) -> float:
    return math.fsum(math.exp(exponent * z) for z in log_softmax(row))


def kd(student: Rows, teacher: Rows, temperature: float) -> list[float]:
    return [
        temperature**2 * divergence(v, temperature, z, temperature)
        for z, v in zip(student, teacher, strict=True)
    ]


def ttm(student: Rows, teacher: Rows, temperature: float) -> list[float]:
    return [divergence(v, temperature, z, 1.0) for z, v in zip(student, teacher, strict=True)]


def wttm(student: Rows, teacher: Rows, temperature: float) -> list[float]:
    plain = ttm(student, teacher, temperature)
    return [power_sum(v, 1.0 / temperature) * loss for v, loss in zip(teacher, plain, strict=True)]


def gradient(name: str, student: Rows, teacher: Rows, temperature: float) -> list[list[float]]:
    """The derivative of each sample's loss by its student logits, in closed form."""
    result = []
    for z, v in zip(student, teacher, strict=True):
        p = softmax(v, temperature)
        q = softmax(z, temperature if name == "kd" else 1.0)
        factor = {"kd": temperature, "ttm": 1.0}.get(name)
        if factor is None:
            factor = power_sum(v, 1.0 / temperature)
        result.append([factor * (b - a) for a, b in zip(p, q, strict=True)])
    return result


def pearson(x: Sequence[float], y: Sequence[float]) -> float:
    a = [v - math.fsum(x) / len(x) for v in x]
    b = [v - math.fsum(y) / len(y) for v in y]
    inner = math.fsum(u * v for u, v in zip(a, b, strict=True))
    norms = math.sqrt(math.fsum(u * u for u in a)) * math.sqrt(math.fsum(u * u for u in b))
    return inner / (norms + 1e-8)


def dist(
    student: Rows, teacher: Rows, temperature: float, inter: float = 1.0, intra: float = 1.0
) -> float:
    q = [softmax(row, temperature) for row in student]
    p = [softmax(row, temperature) for row in teacher]
    rows = [1.0 - pearson(a, b) for a, b in zip(q, p, strict=True)]
    columns = [
        1.0 - pearson(a, b) for a, b in zip(zip(*q, strict=True), zip(*p, strict=True), strict=True)
    ]
    total = inter * math.fsum(rows) / len(rows) + intra * math.fsum(columns) / len(columns)
    return temperature**2 * total
