"""Scores of one observation by loops over atoms, and moments with `math.fsum`."""

from __future__ import annotations

import math
from collections.abc import Sequence

Atoms = list[tuple[float, float]]  # value, probability


def entropy_atoms(p: Sequence[float]) -> Atoms:
    return [(-math.log(v), v) for v in p if v > 0]


def conditional_atoms(joint: Sequence[Sequence[float]]) -> Atoms:
    y = [math.fsum(column) for column in zip(*joint, strict=True)]
    return [(-math.log(v / y[j]), v) for row in joint for j, v in enumerate(row) if v > 0]


def information_atoms(joint: Sequence[Sequence[float]]) -> Atoms:
    x = [math.fsum(row) for row in joint]
    y = [math.fsum(column) for column in zip(*joint, strict=True)]
    return [
        (math.log(v / (x[i] * y[j])), v)
        for i, row in enumerate(joint)
        for j, v in enumerate(row)
        if v > 0
    ]


def divergence_atoms(p: Sequence[float], q: Sequence[float]) -> Atoms:
    return [(math.log(a / b), a) for a, b in zip(p, q, strict=True) if a > 0]


def mean(atoms: Atoms) -> float:
    return math.fsum(v * w for v, w in atoms)


def central(atoms: Atoms, order: int, absolute: bool = False) -> float:
    middle = mean(atoms)
    sizes = [abs(v - middle) if absolute else v - middle for v, _ in atoms]
    return math.fsum(d**order * w for d, (_, w) in zip(sizes, atoms, strict=True))


def tilted(atoms: Atoms, lam: float) -> tuple[float, Atoms]:
    """K(lam), and the law of density exp(lam z - K(lam))."""
    top = max(lam * v for v, _ in atoms)
    terms = [w * math.exp(lam * v - top) for v, w in atoms]
    total = math.fsum(terms)
    return top + math.log(total), [(v, t / total) for (v, _), t in zip(atoms, terms, strict=True)]
