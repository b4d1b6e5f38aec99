"""The worked example of CMI fine-tuning, and what the tests of its loss share."""

from __future__ import annotations

from typing import Any

import numpy as np

CLOSE = 1e-13  # some hundred terms of order one in double precision

# Section 11 of the method's description: five texts, four features, two classes.
FEATURES = [
    (0.9, -0.9, 0.3, 0.1),
    (0.7, -0.5, 0.2, 0.4),
    (-0.8, 0.6, 0.1, -0.2),
    (-0.6, 0.9, -0.3, 0.0),
    (-0.2, 0.1, 0.5, 0.7),
]
LABELS = (0, 0, 1, 1, 1)
HEAD = [(1.0, -1.0), (-0.5, 0.5), (0.2, 0.1), (0.0, 0.3)]
DUMMY = [(0.4, 0.1, 0.25, 0.25), (0.15, 0.35, 0.25, 0.25)]
PRINTED = 2e-15  # the last digit that is printed, and some ten roundings of numbers near one


def loss_of(n_features: int = 4, lam: float = 0.1, n_classes: int = 2, **options: Any) -> Any:
    from infotheory.learning.losses import LanguageCMILoss

    return LanguageCMILoss(n_classes, n_features, lam, **options).double().reset()


def tensor(values: Any, grad: bool = False) -> Any:
    import torch

    return torch.tensor(np.asarray(values, dtype=np.float64), requires_grad=grad)


def labels_of(values: Any = LABELS) -> Any:
    import torch

    return torch.tensor(list(values), dtype=torch.int64)


def example(grad: bool = False) -> tuple[Any, Any, Any]:
    """Logits, labels and features; logits follow from features through the head."""
    h = tensor(FEATURES, grad)
    return h @ tensor(HEAD), labels_of(), h


def number(value: Any) -> float:
    return float(value.detach())


def terms(criterion: Any) -> dict[str, float]:
    return {name: number(value) for name, value in criterion.terms.items()}
