"""Concentration and separation of classifier outputs, straight from the definitions.

Python loops and `math.fsum` only. The separation is the sum over all ordered pairs of rows, so
the cost is O(n^2 K): use `oracles.classifiers_large` for more than some forty rows.

Every distribution is kept twice, as probabilities and as logarithms: a probability may underflow
while its logarithm stays finite, and only a logarithm of minus infinity is an exact zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = list[float]
ECE_BINS = 15


@dataclass(frozen=True)
class Exact:
    """Everything a report states, in nats; rows of classes without samples are nan.

    Besides, what sets the scale of rounding: `row_entropy`, the mean of H(P_i), and `class_loss`,
    the largest -ln P_i(y_i) of a class, or -ln max P_i where labels are no columns.
    """

    n: int
    n_classes: int
    n_outputs: int
    cmi: float
    gamma: float
    gamma_kl: float
    gamma_pair: float
    ncmi: float
    mutual_information: float
    label_information: float
    cross_entropy: float
    error: float
    top5_error: float
    expected_calibration_error: float
    zeros: int
    first_zero_row: int | None
    row_entropy: float
    class_n: Sequence[int]
    class_cmi: Sequence[float]
    class_error: Sequence[float]
    class_loss: Sequence[float]
    centroid_entropy: Sequence[float]
    separation: Sequence[Sequence[float]]


def log_softmax_row(z: Sequence[float]) -> Row:
    """ln softmax(z); minus infinity stays minus infinity."""
    top = max(range(len(z)), key=lambda k: z[k])
    # The largest term is exactly one and is added by log1p, so that nothing vanishes beside it.
    rest = math.fsum(math.exp(v - z[top]) for k, v in enumerate(z) if k != top)
    return [(v - z[top]) - math.log1p(rest) for v in z]


def softmax_row(z: Sequence[float]) -> Row:
    """softmax(z), each entry to full relative accuracy."""
    top = max(z)
    weights = [math.exp(v - top) for v in z]
    total = math.fsum(weights)
    return [w / total for w in weights]


def distribution(
    row: Sequence[float], kind: str = "logits", temperature: float = 1.0, smoothing: float = 0.0
) -> tuple[Row, Row]:
    """One row of outputs as (P, ln P), after temperature and then smoothing."""
    values = [float(v) for v in row]
    if kind == "probs":
        total = math.fsum(values)
        p = [v / total for v in values]
        logs = [math.log(v) if v > 0 else -math.inf for v in p]
        # Beside 1 the small ones lose their digits; the largest is what they leave.
        top = max(range(len(values)), key=lambda k: values[k])
        rest = math.fsum(v for k, v in enumerate(values) if k != top)
        logs[top] = math.log1p(-rest / total)
        if temperature != 1.0:
            tempered = [v / temperature for v in logs]
            p, logs = softmax_row(tempered), log_softmax_row(tempered)
    else:
        # Log-probabilities are logits whose exponentials happen to sum to one.
        largest = max(values)
        tempered = [(v - largest) / temperature for v in values]
        p, logs = softmax_row(tempered), log_softmax_row(tempered)
    if smoothing > 0.0:
        p = [(1.0 - smoothing) * v + smoothing / len(p) for v in p]
        logs = [math.log(v) for v in p]
    return p, logs


def entropy(p: Sequence[float]) -> float:
    """H(p) = -sum p ln p."""
    return -math.fsum(v * math.log(v) for v in p if v > 0)


def divergence(p: Sequence[float], q: Sequence[float]) -> float:
    """D(p||q) for p absolutely continuous with respect to q.

    Both sum to one, so sum p ln(p/q) = sum (p ln(p/q) - p + q), whose terms are all
    non-negative: the small difference of nearly equal distributions keeps its digits.
    """
    terms = []
    for a, b in zip(p, q, strict=True):
        if a == 0.0 or b == 0.0:
            terms.append(b - a)
        else:
            near = abs(a - b) < 0.5 * b
            ratio = math.log1p((a - b) / b) if near else math.log(a / b)
            terms.append(a * ratio - a + b)
    return math.fsum(terms)


def cross_entropy(p: Row, log_p: Row, log_q: Row) -> float:
    """H(p, q) = -sum p ln q; infinite where q is exactly zero and p is not."""
    terms = []
    for a, log_a, log_b in zip(p, log_p, log_q, strict=True):
        if log_b == -math.inf:
            if log_a > -math.inf:
                return math.inf
        else:
            terms.append(-a * log_b)
    return math.fsum(terms)


def pair_divergence(p: Row, log_p: Row, log_q: Row) -> float:
    """D(p||q) of two single rows from their logarithms; infinite as `cross_entropy` is."""
    terms = []
    for a, log_a, log_b in zip(p, log_p, log_q, strict=True):
        if log_b == -math.inf:
            if log_a > -math.inf:
                return math.inf
        elif log_a > -math.inf:
            terms.append(a * (log_a - log_b))
    return math.fsum(terms)


def mean_row(rows: Sequence[Row]) -> Row:
    """The arithmetic mean of distributions."""
    return [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]


def rank_of_label(row: Sequence[float], label: int) -> int:
    """How many columns come before the label: strictly greater, or equal at a lower index."""
    greater = sum(1 for v in row if v > row[label])
    return greater + sum(1 for v in row[:label] if v == row[label])


def calibration_error(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Sum over 15 equal bins (i/15, (i+1)/15] of n_b/n |accuracy - mean confidence|."""
    n = len(confidences)
    total = 0.0
    for b in range(ECE_BINS):
        inside = [i for i in range(n) if b / ECE_BINS < confidences[i] <= (b + 1) / ECE_BINS]
        if inside:
            accuracy = sum(1 for i in inside if correct[i]) / len(inside)
            confidence = math.fsum(confidences[i] for i in inside) / len(inside)
            total += len(inside) / n * abs(accuracy - confidence)
    return total


def ratio(cmi: float, gamma: float) -> float:
    """NCMI: zero for an infinite separation, undefined for none."""
    if gamma == 0.0:
        return math.nan
    return 0.0 if gamma == math.inf else cmi / gamma


def measure(
    outputs: Any,
    labels: Sequence[int],
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    n_classes: int | None = None,
) -> Exact:
    """Every quantity of a report, from rows and labels."""
    raw = [[float(v) for v in row] for row in outputs]
    y = [int(v) for v in labels]
    n, k = len(raw), len(raw[0])
    classes = k if n_classes is None else n_classes
    pairs = [distribution(row, kind, temperature, smoothing) for row in raw]
    p, logs = [a for a, _ in pairs], [b for _, b in pairs]
    members = [[i for i in range(n) if y[i] == c] for c in range(classes)]
    centroids = [mean_row([p[i] for i in rows]) if rows else [] for rows in members]
    overall = mean_row(p)

    to_centroid = [divergence(p[i], centroids[y[i]]) for i in range(n)]
    separation = [[math.nan] * classes for _ in range(classes)]
    gamma_terms, gamma_kl_terms = [], []
    for a in range(classes):
        for b in range(classes):
            terms = [cross_entropy(p[i], logs[i], logs[j]) for i in members[a] for j in members[b]]
            if terms:
                separation[a][b] = math.fsum(terms) / len(terms)
            if a != b:
                gamma_terms += terms
                gamma_kl_terms += [
                    pair_divergence(p[i], logs[i], logs[j]) for i in members[a] for j in members[b]
                ]
    different_pairs = len(gamma_terms)
    gamma_sum = math.fsum(gamma_terms)
    cmi, gamma = math.fsum(to_centroid) / n, gamma_sum / n**2

    nan = math.nan
    ce = error = top5 = ece = nan
    class_error = [nan] * classes
    if classes == k:
        ranks = [rank_of_label(raw[i], y[i]) for i in range(n)]
        ce = math.fsum(-logs[i][y[i]] for i in range(n)) / n
        error = sum(1 for r in ranks if r >= 1) / n
        top5 = sum(1 for r in ranks if r >= 5) / n
        ece = calibration_error([max(row) for row in p], [r == 0 for r in ranks])
        class_error = [
            sum(1 for i in rows if ranks[i] >= 1) / len(rows) if rows else nan for rows in members
        ]
    zero_rows = [i for i in range(n) for v in logs[i] if v == -math.inf]
    return Exact(
        n=n,
        n_classes=classes,
        n_outputs=k,
        cmi=cmi,
        gamma=gamma,
        gamma_kl=math.fsum(gamma_kl_terms) / n**2,
        gamma_pair=gamma_sum / different_pairs if different_pairs else nan,
        ncmi=ratio(cmi, gamma),
        mutual_information=math.fsum(divergence(row, overall) for row in p) / n,
        label_information=math.fsum(
            len(rows) / n * divergence(centroids[c], overall)
            for c, rows in enumerate(members)
            if rows
        ),
        cross_entropy=ce,
        error=error,
        top5_error=top5,
        expected_calibration_error=ece,
        zeros=len(zero_rows),
        first_zero_row=zero_rows[0] if zero_rows else None,
        row_entropy=math.fsum(entropy(row) for row in p) / n,
        class_n=[len(rows) for rows in members],
        class_cmi=[
            math.fsum(to_centroid[i] for i in rows) / len(rows) if rows else nan for rows in members
        ],
        class_error=class_error,
        class_loss=[
            max(-logs[i][y[i]] if classes == k else -max(logs[i]) for i in rows) if rows else nan
            for rows in members
        ],
        centroid_entropy=[entropy(q) if q else nan for q in centroids],
        separation=separation,
    )
