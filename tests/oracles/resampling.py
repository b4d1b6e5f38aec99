"""What intervals are made of, by loops: quantities at other weights, shards, variances.

Class shares are held: a class counts with its share of all samples, whatever happens to the
weights inside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from oracles.classifiers import Row, cross_entropy, distribution, divergence, rank_of_label
from oracles.weighted import mean, mean_row


class Samples:
    """Rows as distributions, with every H(P_i, P_j) taken once."""

    def __init__(
        self,
        outputs: Any,
        labels: Any,
        weights: Any = None,
        *,
        kind: str = "logits",
        temperature: float = 1.0,
        smoothing: float = 0.0,
    ) -> None:
        self.raw = [[float(v) for v in row] for row in outputs]
        pairs = [distribution(row, kind, temperature, smoothing) for row in self.raw]
        self.p: list[Row] = [a for a, _ in pairs]
        self.logs: list[Row] = [b for _, b in pairs]
        self.y = [int(label) for label in labels]
        self.n = len(self.y)
        self.weights = [1.0] * self.n if weights is None else [float(w) for w in weights]
        self.classes = sorted({y for y, w in zip(self.y, self.weights, strict=True) if w > 0.0})
        total = math.fsum(self.weights)
        self.share = {
            c: math.fsum(self.weights[i] for i in range(self.n) if self.y[i] == c) / total
            for c in self.classes
        }
        self.cross = [
            [cross_entropy(p, logs, other) for other in self.logs]
            for p, logs in zip(self.p, self.logs, strict=True)
        ]
        named = max(self.y) < len(self.raw[0])
        self.wrong = [
            float(rank_of_label(row, label) > 0) if named else math.nan
            for row, label in zip(self.raw, self.y, strict=True)
        ]

    def members(self, c: int, weights: Sequence[float]) -> list[int]:
        return [i for i in range(self.n) if self.y[i] == c and weights[i] > 0.0]

    def cmi(self, weights: Sequence[float]) -> float:
        """Sum of p_c times the weighted mean over class c of D(P_i || Q_c)."""
        return math.fsum(self.share[c] * self.class_cmi(c, weights) for c in self.classes)

    def class_cmi(self, c: int, weights: Sequence[float]) -> float:
        rows = self.members(c, weights)
        its = [weights[i] for i in rows]
        centroid = mean_row([self.p[i] for i in rows], its)
        return mean([divergence(self.p[i], centroid) for i in rows], its)

    def gamma(self, weights: Sequence[float]) -> float:
        """Sum over different classes of p_a p_b times the weighted mean of H(P_i, P_j)."""
        of = {c: self.members(c, weights) for c in self.classes}
        within = {c: math.fsum(weights[i] for i in rows) for c, rows in of.items()}
        return math.fsum(
            self.share[a] / within[a] * self.share[b] / within[b]
            * weights[i] * weights[j] * self.cross[i][j]
            for a in self.classes for b in self.classes if a != b for i in of[a] for j in of[b]
        )  # fmt: skip

    def error(self, weights: Sequence[float]) -> float:
        total = 0.0
        for c in self.classes:
            rows = self.members(c, weights)
            total += self.share[c] * mean([self.wrong[i] for i in rows], [weights[i] for i in rows])
        return total

    def at(self, weights: Sequence[float]) -> tuple[float, float, float]:
        return self.cmi(weights), self.gamma(weights), self.error(weights)

    def divergences(self) -> list[float]:
        """D(P_i || Q_y) of each row."""
        centroids = {}
        for c in self.classes:
            rows = self.members(c, self.weights)
            its = [self.weights[i] for i in rows]
            centroids[c] = mean_row([self.p[i] for i in rows], its)
        return [divergence(self.p[i], centroids[self.y[i]]) for i in range(self.n)]

    def removals(self) -> list[float]:
        """What leaving out a row takes from ln CMI, per share of the row in all; 0 if alone."""
        result = []
        for i in range(self.n):
            w, c = self.weights[i], self.y[i]
            own = math.fsum(self.weights[j] for j in range(self.n) if self.y[j] == c)
            left = [0.0 if j == i else v for j, v in enumerate(self.weights)]
            if w == 0.0 or not self.members(c, left):
                result.append(0.0)
                continue
            lost = math.log(self.cmi(self.weights)) - math.log(self.cmi(left))
            result.append(lost * (own - w) / (self.share[c] * w))
        return result

    def separations(self) -> list[float]:
        """Sum over other classes b of p_b times the mean over its rows of H(i, j) + H(j, i)."""
        result = []
        for i in range(self.n):
            terms = []
            for b in self.classes:
                rows = self.members(b, self.weights)
                if b != self.y[i]:
                    both = [self.cross[i][j] + self.cross[j][i] for j in rows]
                    terms.append(self.share[b] * mean(both, [self.weights[j] for j in rows]))
            result.append(math.fsum(terms))
        return result

    def shards(self, size: int) -> list[int]:
        """Shard of each row: row number r of class c, weight zero left out, to (r + c) mod S."""
        met: dict[int, int] = {}
        shards = []
        for label, w in zip(self.y, self.weights, strict=True):
            r = met.get(label, 0)
            shards.append((r + label) % size)
            met[label] = r + (w > 0.0)
        return shards

    def without(self, shards: Sequence[int], part: int) -> list[float]:
        """Weights when a shard is left out, but never the last rows of a class."""
        weights = list(self.weights)
        for c in self.classes:
            rows = self.members(c, self.weights)
            if any(shards[i] != part for i in rows):
                for i in rows:
                    if shards[i] == part:
                        weights[i] = 0.0
        return weights

    def lost_by_halving(self, shards: Sequence[int], halves: Sequence[Sequence[bool]]) -> float:
        """How much smaller CMI is, on average, over the samples of half the shards."""
        lost = 0.0
        for c in self.classes:
            full = self.class_cmi(c, self.weights)
            values = []
            for half in halves:
                kept = [w if half[s] else 0.0 for w, s in zip(self.weights, shards, strict=True)]
                if self.members(c, kept):
                    values.append(self.class_cmi(c, kept))
            if values:
                lost += self.share[c] * (full - math.fsum(values) / len(values))
        return lost


def decay_power(ratio: float, size: int) -> float:
    """Solve ratio (2^a - 1) = (S - 1) ((S / (S - 1))^a - 1) for a in [1/4, 1], by bisection."""
    low, high = 0.25, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        slope = (size - 1) * ((size / (size - 1)) ** middle - 1)
        if slope / (2**middle - 1) > ratio:  # falls as the power grows
            low = middle
        else:
            high = middle
    return (low + high) / 2


def bias_bracket(slope: float, halved: float, size: int) -> tuple[float, float]:
    """Between what is missing where the bias falls as 1/n, and as the power that is seen."""
    if slope <= 0.0 or halved <= 0.0:
        return max(slope, 0.0), max(slope, 0.0)
    power = decay_power(slope / halved, size)
    return slope, max(slope, halved / (2**power - 1))


def variance_within_classes(
    terms: Sequence[float], labels: Sequence[int], weights: Sequence[float]
) -> tuple[float, float]:
    """Variance of a mean of independent rows with given class shares, and degrees of freedom."""
    total = math.fsum(weights)
    parts, free = [], []
    for c in sorted(set(labels)):
        rows = [i for i, label in enumerate(labels) if label == c]
        if len(rows) == 1:
            continue
        its = [weights[i] for i in rows]
        centre = mean([terms[i] for i in rows], its)
        share = math.fsum(its) / total
        # sum of (w / W_c)^2 (t - mean)^2 estimates the variance of the mean of the class, n_c/(n_c
        # - 1) times too small where weights are equal.
        spread = math.fsum(
            (w / math.fsum(its)) ** 2 * (terms[i] - centre) ** 2
            for w, i in zip(its, rows, strict=True)
        )
        parts.append(share**2 * spread * len(rows) / (len(rows) - 1))
        free.append(len(rows) - 1.0)
    variance = math.fsum(parts)
    if variance == 0.0:
        return 0.0, math.fsum(free)
    return variance, variance**2 / math.fsum(v**2 / f for v, f in zip(parts, free, strict=True))


def jackknife_variance(values: Sequence[float]) -> float:
    """(S - 1) / S times the sum of squared distances from the mean."""
    centre = math.fsum(values) / len(values)
    return (len(values) - 1) / len(values) * math.fsum((v - centre) ** 2 for v in values)
