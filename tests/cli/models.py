"""Small models with known labels, for the tests of the command line."""

from __future__ import annotations

import warnings

import numpy as np

from infotheory import NCMIReport, measure_classifier

N, K = 60, 5
RNG = np.random.default_rng(20240)
LABELS = np.arange(N) % K
SIGNAL = np.eye(K)[LABELS]


def logits(strength: float) -> np.ndarray:
    """Outputs that follow the labels the better the greater the strength."""
    return (strength * SIGNAL + RNG.normal(size=(N, K))).astype(np.float32)


MODELS = {"weak": logits(1.0), "strong": logits(4.0), "middling": logits(2.0)}
WITH_ZEROS = np.where(SIGNAL > 0, 1.0, 0.0)[np.roll(np.arange(N), 1)]  # one-hot, and wrong


def report(outputs: np.ndarray, labels: np.ndarray = LABELS, **options: object) -> NCMIReport:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return measure_classifier(outputs, labels, **options)


def table_rows(text: str) -> list[str]:
    """First words of the lines of the table."""
    lines = text.split("---\n", 1)[1].splitlines()
    return [line.split()[0] for line in lines[: next(i for i, x in enumerate(lines) if "," in x)]]


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z.astype(np.float64))
    return e / e.sum(axis=1, keepdims=True)
