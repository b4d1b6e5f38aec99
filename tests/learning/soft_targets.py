"""What the tests of distillation losses share: functions by name, and logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to train with")

TEACHER = [[4.0, 1.0, 0.0, -2.0]]
STUDENT = [[1.5, 0.5, -1.0, 0.0]]
NAMES = ("kd", "ttm", "wttm")
MODULES = {"kd": "KDLoss", "ttm": "TTMLoss", "wttm": "WTTMLoss"}


def loss(name: str) -> Any:
    from infotheory.learning.functional import distillation

    return getattr(distillation, f"{name}_loss")


def module(name: str) -> Any:
    from infotheory.learning.losses import distillation

    return getattr(distillation, name)


def entropies() -> Any:
    from infotheory.learning.functional import entropies

    return entropies


def rows(values: Any, grad: bool = False, dtype: str = "float64") -> Any:
    return torch.tensor(values, dtype=getattr(torch, dtype), requires_grad=grad)


def random_pair(n: int = 12, k: int = 6, scale: float = 3.0, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return tuple(torch.from_numpy(scale * rng.normal(size=(n, k))) for _ in range(2))
