"""The definitions of `oracles.classifiers` with a weight for every sample.

A weight is how much a sample counts: means, class shares and the sums over pairs are weighted, and
a sample of weight zero is not there, except that rows are numbered with it. Python loops and
`math.fsum`; O(n^2 K).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from oracles.classifiers import (
    ECE_BINS,
    Exact,
    Row,
    cross_entropy,
    distribution,
    divergence,
    entropy,
    pair_divergence,
    rank_of_label,
    ratio,
)


def mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted mean."""
    total = math.fsum(weights)
    return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / total


def mean_row(rows: Sequence[Row], weights: Sequence[float]) -> Row:
    """Weighted mean of distributions."""
    return [mean(column, weights) for column in zip(*rows, strict=True)]


def calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], weights: Sequence[float]
) -> float:
    """Sum over 15 equal bins (i/15, (i+1)/15] of W_b/W |accuracy - mean confidence|."""
    rows = range(len(weights))
    total = 0.0
    for b in range(ECE_BINS):
        inside = [i for i in rows if b / ECE_BINS < confidences[i] <= (b + 1) / ECE_BINS]
        if inside:
            w = [weights[i] for i in inside]
            accuracy = mean([float(correct[i]) for i in inside], w)
            confidence = mean([confidences[i] for i in inside], w)
            total += math.fsum(w) * abs(accuracy - confidence)
    return total / math.fsum(weights)


def measure(
    outputs: Any,
    labels: Sequence[int],
    weights: Sequence[float],
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    n_classes: int | None = None,
) -> Exact:
    """Every quantity of a report, from rows, labels and weights."""
    every = [float(w) for w in weights]
    rows = [i for i, w in enumerate(every) if w > 0.0]
    w = [every[i] for i in rows]
    raw = [[float(v) for v in outputs[i]] for i in rows]
    y = [int(labels[i]) for i in rows]
    n, k = len(raw), len(raw[0])
    classes = k if n_classes is None else n_classes
    pairs = [distribution(row, kind, temperature, smoothing) for row in raw]
    p, logs = [a for a, _ in pairs], [b for _, b in pairs]
    total = math.fsum(w)
    members = [[i for i in range(n) if y[i] == c] for c in range(classes)]
    heavy = [[w[i] for i in one] for one in members]
    centroids = [
        mean_row([p[i] for i in one], its) if one else []
        for one, its in zip(members, heavy, strict=True)
    ]
    overall = mean_row(p, w)

    to_centroid = [divergence(p[i], centroids[y[i]]) for i in range(n)]
    separation = [[math.nan] * classes for _ in range(classes)]
    gamma_terms, gamma_kl_terms, different = [], [], []
    for a in range(classes):
        for b in range(classes):
            met = [(i, j) for i in members[a] for j in members[b]]
            terms = [w[i] * w[j] * cross_entropy(p[i], logs[i], logs[j]) for i, j in met]
            if met:
                separation[a][b] = math.fsum(terms) / math.fsum(w[i] * w[j] for i, j in met)
            if a != b:
                gamma_terms += terms
                different += [w[i] * w[j] for i, j in met]
                gamma_kl_terms += [
                    w[i] * w[j] * pair_divergence(p[i], logs[i], logs[j]) for i, j in met
                ]
    gamma_sum = math.fsum(gamma_terms)
    cmi, gamma = mean(to_centroid, w), gamma_sum / total**2

    nan = math.nan
    ce = error = top5 = ece = nan
    class_error = [nan] * classes
    if classes == k:
        ranks = [rank_of_label(raw[i], y[i]) for i in range(n)]
        ce = mean([-logs[i][y[i]] for i in range(n)], w)
        error = mean([float(r >= 1) for r in ranks], w)
        top5 = mean([float(r >= 5) for r in ranks], w)
        ece = calibration_error([max(row) for row in p], [r == 0 for r in ranks], w)
        class_error = [
            mean([float(ranks[i] >= 1) for i in one], its) if one else nan
            for one, its in zip(members, heavy, strict=True)
        ]
    zero_rows = [i for i in range(n) for v in logs[i] if v == -math.inf]
    return Exact(
        n=n,
        n_classes=classes,
        n_outputs=k,
        cmi=cmi,
        gamma=gamma,
        gamma_kl=math.fsum(gamma_kl_terms) / total**2,
        gamma_pair=gamma_sum / math.fsum(different) if different else nan,
        ncmi=ratio(cmi, gamma),
        mutual_information=mean([divergence(row, overall) for row in p], w),
        label_information=math.fsum(
            math.fsum(its) / total * divergence(centroids[c], overall)
            for c, its in enumerate(heavy)
            if its
        ),
        cross_entropy=ce,
        error=error,
        top5_error=top5,
        expected_calibration_error=ece,
        zeros=len(zero_rows),
        first_zero_row=rows[zero_rows[0]] if zero_rows else None,
        row_entropy=mean([entropy(row) for row in p], w),
        class_n=[len(one) for one in members],
        class_cmi=[
            mean([to_centroid[i] for i in one], its) if one else nan
            for one, its in zip(members, heavy, strict=True)
        ],
        class_error=class_error,
        class_loss=[
            max(-logs[i][y[i]] if classes == k else -max(logs[i]) for i in one) if one else nan
            for one in members
        ],
        centroid_entropy=[entropy(q) if q else nan for q in centroids],
        separation=separation,
    )
