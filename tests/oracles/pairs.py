"""What two columns, or a column and labels, are worth to estimators: by comparing all pairs."""

from __future__ import annotations

from collections.abc import Sequence


def ksg1_counts(x: Sequence[float], y: Sequence[float], k: int) -> tuple[list[int], list[int]]:
    """For each point 1 and the others nearer in x, and in y, than the k-th is in the plane."""
    n = len(x)
    in_x, in_y = [], []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        radius = sorted(max(abs(x[i] - x[j]), abs(y[i] - y[j])) for j in others)[k - 1]
        in_x.append(1 + sum(abs(x[i] - x[j]) < radius for j in others))
        in_y.append(1 + sum(abs(y[i] - y[j]) < radius for j in others))
    return in_x, in_y


def ross_counts(
    x: Sequence[float], labels: Sequence[int], k: int
) -> list[tuple[int, int, int, int]]:
    """For each point that is not alone in its class: where, neighbour, size of class, count."""
    kept = [i for i in range(len(x)) if list(labels).count(labels[i]) > 1]
    found = []
    for i in kept:
        others = [j for j in kept if j != i]
        mates = sorted(abs(x[i] - x[j]) for j in others if labels[j] == labels[i])
        nearest = min(k, len(mates))
        near = 1 + sum(abs(x[i] - x[j]) < mates[nearest - 1] for j in others)
        found.append((i, nearest, len(mates) + 1, near))
    return found
