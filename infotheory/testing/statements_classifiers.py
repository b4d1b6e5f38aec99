"""What holds of the concentration and separation of the outputs of any classifier."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from infotheory import measures
from infotheory.classifiers import NCMIAccumulator, measure_classifier
from infotheory.testing.drawing import draw_pmf
from infotheory.testing.hunting import Finding
from infotheory.testing.statements_measures import equal

__all__ = ["concentration"]

_ROUNDING = 1e-11  # nats, of sums over up to forty rows of logarithms that are at most 700


def _close(statement: str, one: float, other: float, case: str) -> Finding:
    """State that two numbers are the same, or both undefined."""
    if math.isnan(one) and math.isnan(other):
        one = other = math.inf
    return equal(statement, one, other, case, _ROUNDING)


def concentration(rng: np.random.Generator) -> Iterator[Finding]:
    """Signs, identities, order and merging of CMI and Gamma, of one random set of outputs."""
    n, n_classes = int(rng.integers(2, 40)), int(rng.integers(2, 6))
    labels = rng.integers(0, n_classes, n)
    outputs = np.array([draw_pmf(rng, n_classes) for _ in range(n)])
    case = f"labels = {labels.tolist()}, outputs = {outputs.tolist()}"
    report = measure_classifier(outputs, labels, kind="probs")
    yield Finding("CMI >= 0", report.cmi + _ROUNDING, case)
    gamma = math.inf if math.isnan(report.gamma) else report.gamma  # undefined for one class
    yield Finding("Gamma >= 0", gamma + _ROUNDING, case)
    yield Finding("CMI <= ln K", math.log(n_classes) - report.cmi + _ROUNDING, case)
    # I(X;Yhat) = I(X;Yhat|Y) + I(Y;Yhat): the label is a function of the sample.
    total = report.cmi + report.label_information
    yield _close("I(X;Yhat) = CMI + I(Y;Yhat)", report.mutual_information, total, case)
    centroids = {c: outputs[labels == c].mean(axis=0) for c in set(labels.tolist())}
    spread = [
        measures.kl_divergence(row / row.sum(), _unit(centroids[label]))
        for row, label in zip(outputs, labels.tolist(), strict=True)
    ]
    yield _close(
        "CMI is the mean divergence from the class", report.cmi, math.fsum(spread) / n, case
    )
    order = rng.permutation(n)
    shuffled = measure_classifier(outputs[order], labels[order], kind="probs")
    yield _close("CMI does not depend on the order", report.cmi, shuffled.cmi, case)
    yield _close("Gamma does not depend on the order", report.gamma, shuffled.gamma, case)
    cut = int(rng.integers(1, n))
    parts = [NCMIAccumulator(n_classes) for _ in range(2)]
    parts[0].update(outputs[:cut], labels[:cut], kind="probs")
    parts[1].update(outputs[cut:], labels[cut:], kind="probs")
    merged = (parts[0] + parts[1]).report()
    yield _close("CMI of merged parts", report.cmi, merged.cmi, case)
    yield _close("Gamma of merged parts", report.gamma, merged.gamma, case)
    names = rng.permutation(n_classes)
    renamed = measure_classifier(outputs[:, np.argsort(names)], names[labels], kind="probs")
    yield _close("CMI does not depend on the names of classes", report.cmi, renamed.cmi, case)
    yield _close("Gamma does not depend on the names of classes", report.gamma, renamed.gamma, case)


def _unit(p: np.ndarray) -> np.ndarray:
    return np.asarray(p / p.sum())
