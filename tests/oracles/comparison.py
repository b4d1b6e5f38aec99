"""Temperature, paired tests and correlations of classifiers, straight from the definitions.

Python loops and `math.fsum`; a sample is left out by measuring the others again. Nothing is shared
with the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath

from oracles.classifiers import Row, cross_entropy, distribution, divergence, mean_row


def best_temperature(rows: Any, labels: Sequence[int], weights: Sequence[float]) -> float:
    """Bisect for the 1/T at which the mean logit equals that of the label, on average."""

    def slope(beta: float) -> float:
        terms = []
        for row, label, weight in zip(rows, labels, weights, strict=True):
            z = [float(v) for v in row]
            p, _ = distribution(z, temperature=1.0 / beta)
            terms += [
                weight * a * (v - z[label]) for a, v in zip(p, z, strict=True) if v > -math.inf
            ]
        return math.fsum(terms)

    low, high = 2.0**-40, 2.0**40
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return 1.0 / math.sqrt(low * high)


def class_divergence(members: Sequence[Row]) -> float:
    """Mean divergence of distributions from their mean."""
    centroid = mean_row(members)
    return math.fsum(divergence(p, centroid) for p in members) / len(members)


class Rows:
    """Distributions and labels; quantities from what is left after leaving one row out."""

    def __init__(self, outputs: Any, labels: Sequence[int], **options: Any) -> None:
        pairs = [distribution(row, **options) for row in outputs]
        self.p, self.logs = [a for a, _ in pairs], [b for _, b in pairs]
        self.labels = [int(label) for label in labels]
        self.n = len(self.labels)
        self.members = {
            c: [i for i in range(self.n) if self.labels[i] == c] for c in set(self.labels)
        }

    def cmi(self, members: dict[int, list[int]]) -> float:
        """Classes keep the share they have among all rows."""
        return math.fsum(
            len(self.members[c]) / self.n * class_divergence([self.p[i] for i in rows])
            for c, rows in members.items()
        )

    def gamma(self, members: dict[int, list[int]]) -> float:
        """Sum over pairs of classes of the shares times the mean cross entropy of pairs of rows."""
        terms = []
        for a, first in members.items():
            for b, second in members.items():
                if a != b:
                    share = len(self.members[a]) * len(self.members[b]) / self.n**2
                    terms += [
                        share
                        / (len(first) * len(second))
                        * cross_entropy(self.p[i], self.logs[i], self.logs[j])
                        for i in first
                        for j in second
                    ]
        return math.fsum(terms)

    def contributions(self, quantity: str) -> list[float]:
        """Pseudo-value of each row; 0 in a class of one row.

        For Gamma, which is made of pairs of classes, only up to a constant for each class.
        """
        if quantity == "ncmi":
            cmi, gamma = self.cmi(self.members), self.gamma(self.members)
            pairs = zip(self.contributions("cmi"), self.contributions("gamma"), strict=True)
            return [(a - cmi / gamma * b) / gamma for a, b in pairs]
        measure: Callable[[dict[int, list[int]]], float] = getattr(self, quantity)
        values = []
        for i, c in enumerate(self.labels):
            rows = self.members[c]
            if len(rows) == 1:
                values.append(0.0)
                continue
            others = {} if quantity == "cmi" else self.members
            whole, rest = others | {c: rows}, others | {c: [j for j in rows if j != i]}
            lost = len(rows) * measure(whole) - (len(rows) - 1) * measure(rest)
            values.append(lost * self.n / len(rows))
        return values


def stratified(values: Sequence[float], labels: Sequence[int]) -> tuple[float, float]:
    """Variance of the mean within classes, and Satterthwaite's degrees of freedom."""
    n = len(values)
    parts, free = [], []
    for c in set(labels):
        members = [v for v, label in zip(values, labels, strict=True) if label == c]
        if len(members) > 1:
            mean = math.fsum(members) / len(members)
            variance = math.fsum((v - mean) ** 2 for v in members) / (len(members) - 1)
            parts.append((len(members) / n) ** 2 * variance / len(members))
            free.append(len(members) - 1)
    total = math.fsum(parts)
    if total == 0.0:
        return 0.0, float(sum(free))
    return total, total**2 / math.fsum(a**2 / f for a, f in zip(parts, free, strict=True))


def two_sided_t(statistic: float, freedom: float) -> float:
    """P(|t| >= statistic), by the incomplete beta function."""
    x = freedom / (freedom + statistic**2)
    return float(mpmath.betainc(freedom / 2, 0.5, 0, x, regularized=True))


def mcnemar(first_only: int, second_only: int) -> float:
    """Two-sided probability of a division of the discordant rows at least as uneven."""
    total = first_only + second_only
    fewest = min(first_only, second_only)
    tail = sum(math.comb(total, k) for k in range(fewest + 1)) / 2**total
    return min(1.0, 2 * tail)


def pearson(x: Sequence[float], y: Sequence[float]) -> float:
    """Correlation of two sequences."""
    mx, my = math.fsum(x) / len(x), math.fsum(y) / len(y)
    top = math.fsum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return top / math.sqrt(
        math.fsum((a - mx) ** 2 for a in x) * math.fsum((b - my) ** 2 for b in y)
    )
