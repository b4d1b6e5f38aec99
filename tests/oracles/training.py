"""What training terms are, from their definitions: loops over rows, and differences for gradients.

Rows are lists of numbers; distributions come with their logarithms, as in `oracles.classifiers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from oracles.classifiers import Row, log_softmax_row, mean_row, softmax_row

Rows = Sequence[Sequence[float]]


def centroids(logits: Rows, labels: Sequence[int]) -> dict[int, Row]:
    """The mean distribution of each class that there is."""
    return {
        c: mean_row([softmax_row(z) for z, y in zip(logits, labels, strict=True) if y == c])
        for c in set(labels)
    }


def log_centroids(logits: Rows, labels: Sequence[int]) -> dict[int, Row]:
    """Their logarithms, also where every probability of a column underflows."""
    found = {}
    for c in set(labels):
        members = [log_softmax_row(z) for z, y in zip(logits, labels, strict=True) if y == c]
        tops = [max(column) for column in zip(*members, strict=True)]
        found[c] = [
            top + math.log(math.fsum(math.exp(v - top) for v in column) / len(members))
            for top, column in zip(tops, zip(*members, strict=True), strict=True)
        ]
    return found


def surrogate(logits: Rows, labels: Sequence[int], log_q: dict[int, Row]) -> float:
    """Mean of D(P_i || Q_{y_i}) for any Q."""
    terms = []
    for z, y in zip(logits, labels, strict=True):
        p, logs = softmax_row(z), log_softmax_row(z)
        terms += [a * (b - c) for a, b, c in zip(p, logs, log_q[y], strict=True)]
    return math.fsum(terms) / len(labels)


def cmi(logits: Rows, labels: Sequence[int]) -> float:
    """The surrogate at the class means."""
    return surrogate(logits, labels, log_centroids(logits, labels))


def gamma(logits: Rows, labels: Sequence[int]) -> float:
    """Sum of H(P_i, P_j) over ordered pairs with different labels, over n^2."""
    p, logs = [softmax_row(z) for z in logits], [log_softmax_row(z) for z in logits]
    n = len(labels)
    return math.fsum(
        -a * b
        for i in range(n)
        for j in range(n)
        if labels[i] != labels[j]
        for a, b in zip(p[i], logs[j], strict=True)
    ) / (n * n)


def gamma_kl(logits: Rows, labels: Sequence[int]) -> float:
    """Sum of D(P_i || P_j) over ordered pairs with different labels, over n^2."""
    p, logs = [softmax_row(z) for z in logits], [log_softmax_row(z) for z in logits]
    n = len(labels)
    return math.fsum(
        a * (b - c)
        for i in range(n)
        for j in range(n)
        if labels[i] != labels[j]
        for a, b, c in zip(p[i], logs[i], logs[j], strict=True)
    ) / (n * n)


def cross_entropy(logits: Rows, labels: Sequence[int]) -> float:
    """Mean of -ln P_i(y_i)."""
    return math.fsum(
        -log_softmax_row(z)[y] for z, y in zip(logits, labels, strict=True)
    ) / len(labels)  # fmt: skip


def objective(logits: Rows, labels: Sequence[int], lam: float, beta: float) -> float:
    """Cross entropy + lam CMI - beta Gamma."""
    return cross_entropy(logits, labels) + lam * cmi(logits, labels) - beta * gamma(logits, labels)


def moved(former: Row, mean: Row, weight: float) -> Row:
    """A centroid after one step, normalised."""
    row = [(1.0 - weight) * a + weight * b for a, b in zip(former, mean, strict=True)]
    total = math.fsum(row)
    return [v / total for v in row]


def reverse_bound(logits: Rows, labels: Sequence[int], stored: Rows) -> float:
    """Mean of ln n_y plus the mean of sum_k P_i(k) ln R_i(k), with R the posterior of `stored`."""
    log_q = log_centroids(stored, labels)
    terms = []
    for z, y, z0 in zip(logits, labels, stored, strict=True):
        size = sum(1 for label in labels if label == y)
        terms.append(math.log(size))
        for a, b, q in zip(softmax_row(z), log_softmax_row(z0), log_q[y], strict=True):
            terms.append(a * (b - math.log(size) - q))
    return math.fsum(terms) / len(labels)


def reverse_gap(logits: Rows, labels: Sequence[int], stored: Rows) -> float:
    """What the bound lacks: sum over c of p_c sum over k of Q_c(k) D(R'(.|k,c) || R(.|k,c))."""
    terms = []
    for c in set(labels):
        now = [softmax_row(z) for z, y in zip(logits, labels, strict=True) if y == c]
        old = [softmax_row(z) for z, y in zip(stored, labels, strict=True) if y == c]
        for k in range(len(now[0])):
            total, total_old = math.fsum(p[k] for p in now), math.fsum(p[k] for p in old)
            for p, p0 in zip(now, old, strict=True):
                posterior, before = p[k] / total, p0[k] / total_old
                terms.append(total * posterior * math.log(posterior / before))
    return math.fsum(terms) / len(labels)


def slopes(function: Callable[[Rows], float], logits: Rows, step: float = 1e-5) -> list[Row]:
    """Gradient by central differences of fourth order: off by some step^4 and eps / step."""
    found = []
    for i, row in enumerate(logits):
        entries = []
        for k in range(len(row)):
            values = []
            for shift in (-2, -1, 1, 2):
                changed = [list(other) for other in logits]
                changed[i][k] += shift * step
                values.append(function(changed))
            far_left, left, right, far_right = values
            entries.append((8.0 * (right - left) - (far_right - far_left)) / (12.0 * step))
        found.append(entries)
    return found
