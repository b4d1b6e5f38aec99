"""Neighbours by comparing all pairs, a number at a time; and clouds that are awkward to search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Point = Sequence[float]

CLOUDS = (
    "normal", "rounded", "four levels", "constant", "half zeros", "far away", "denormal", "huge",
    "steep", "repeated",
)  # fmt: skip


def cloud(kind: str, n: int, d: int, seed: int = 0) -> np.ndarray:
    """Draw n points of d coordinates."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    if kind == "rounded":
        x = np.round(x, 1)
    elif kind == "four levels":
        x = rng.integers(0, 4, (n, d)).astype(float)
    elif kind == "constant":
        x[:] = -0.25
    elif kind == "half zeros":
        x *= rng.random((n, d)) < 0.5  # of either sign
    elif kind == "far away":
        x = rng.standard_cauchy((n, d)) + 1e9
    elif kind == "denormal":
        x *= 1e-310
    elif kind == "huge":
        x = np.clip(x, -1.7, 1.7) * 1e308  # differences overflow
    elif kind == "steep":
        x **= 9
    elif kind == "repeated":
        x = x[rng.integers(0, n // 5 + 1, n)]
    return x


def distance(a: Point, b: Point, norm: str = "max") -> float:
    """Largest difference; or the sum of squares in the order of the coordinates."""
    if norm == "max":
        return max(abs(s - t) for s, t in zip(a, b, strict=True))
    total = 0.0
    for s, t in zip(a, b, strict=True):
        total += (s - t) * (s - t)
    return total


def kth_distances(points: Sequence[Point], k: int, norm: str = "max") -> list[float]:
    """To the k-th of the other points."""
    return [
        sorted(distance(p, q, norm) for j, q in enumerate(points) if j != i)[k - 1]
        for i, p in enumerate(points)
    ]


def kth_distances_from(
    points: Sequence[Point], queries: Sequence[Point], k: int, norm: str = "max"
) -> list[float]:
    return [sorted(distance(p, q, norm) for p in points)[k - 1] for q in queries]


def neighbour_indices(points: Sequence[Point], k: int) -> list[list[int]]:
    found = []
    for i, p in enumerate(points):
        others = sorted((distance(p, q), j) for j, q in enumerate(points) if j != i)
        found.append([j for _, j in others[:k]])
    return found


def count_within(points: Sequence[Point], radii: Sequence[float]) -> list[int]:
    """Points nearer than a radius, the centre among them."""
    return [
        sum(distance(p, q) < radius for q in points)
        for p, radius in zip(points, radii, strict=True)
    ]


def extents(
    points: Sequence[Point], radii: Sequence[float], split: int
) -> tuple[list[float], list[float]]:
    """Farthest in the first and in the last coordinates, over all others up to a radius."""
    lefts, rights = [], []
    for i, (p, radius) in enumerate(zip(points, radii, strict=True)):
        ball = [q for j, q in enumerate(points) if j != i and distance(p, q) <= radius]
        lefts.append(max((distance(p[:split], q[:split]) for q in ball), default=0.0))
        rights.append(max((distance(p[split:], q[split:]) for q in ball), default=0.0))
    return lefts, rights


def interval(values: Sequence[float], rank: int, radius: float) -> tuple[int, int]:
    """First rank nearer than a radius to one of ascending values, and the first beyond it."""
    value = values[rank]
    start, stop = rank, rank + 1
    while start > 0 and value - values[start - 1] < radius:
        start -= 1
    while stop < len(values) and values[stop] - value < radius:
        stop += 1
    return start, stop
