"""Batches of logits with labels, which the tests of CMI, Gamma and their losses share."""

from __future__ import annotations

from typing import Any

import numpy as np
from classifiers.support import EXAMPLE_A, EXAMPLE_B, LABELS_A, LABELS_B
from hypothesis import strategies as st

# Sums of at most some hundred terms below ten: a few hundred roundings of 2^-53.
CLOSE = 1e-13
# Centroids for example A.
DUMMY = [[0.6, 0.25, 0.15], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]]
FUNCTIONS = ("cmi", "gamma", "gamma_kl", "ncmi")


def call(name: str) -> Any:
    from infotheory.learning.functional import centroids, classification

    return getattr(centroids if name in centroids.__all__ else classification, name)


def number(value: Any) -> float:
    return float(value.detach())


def tensor(values: Any, grad: bool = False) -> Any:
    import torch

    return torch.tensor(np.asarray(values, dtype=np.float64), requires_grad=grad)


def labels_of(values: Any) -> Any:
    import torch

    return torch.tensor(list(values), dtype=torch.int64)


def example_a(grad: bool = False) -> tuple[Any, Any]:
    return tensor(np.log(np.array(EXAMPLE_A)), grad), labels_of(LABELS_A)


def example_b(grad: bool = False) -> tuple[Any, Any]:
    return tensor(EXAMPLE_B, grad), labels_of(LABELS_B)


def gradient(value: Any, logits: Any) -> Any:
    import torch

    return torch.autograd.grad(value, logits)[0]


@st.composite
def batches(draw: st.DrawFn, least: int = 1) -> tuple[Any, Any]:
    n, k = draw(st.integers(least, 9)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([0.0, 0.1, 1.0, 5.0]))
    labels = rng.integers(0, draw(st.integers(1, k)), n)
    return scale * rng.normal(size=(n, k)), labels


def loss_of(*args: Any, **options: Any) -> Any:
    from infotheory.learning.losses.classification import CMICLoss

    return CMICLoss(*args, **options)


def doubled(*args: Any, **options: Any) -> Any:
    return loss_of(*args, **options).double().reset()  # a third is another one in each type
