"""What the tests of codewords and of the NCMI loss share: a worked example, random cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to train with")

# The worked example of the specification: m = 4, C = 3, T = 0.2.
FEATURES = [
    [1.0, -0.5, 0.2, 0.3],
    [0.8, -0.2, -0.4, 0.1],
    [-0.3, 0.9, 0.1, -0.2],
    [0, 0.2, 1.1, 0.4],
]
LABELS = [0, 0, 1, 2]
CENTRE = [0.375, 0.1, 0.25, 0.15]
CODEBOOK = [[10.0 * (c == k) + 1e-6 for k in range(4)] for c in range(3)]
EPSILON = 1e-8  # of the released code


def functional() -> Any:
    from infotheory.learning.functional import codewords

    return codewords


def made(*args: Any, **options: Any) -> Any:
    from infotheory.learning.losses.codewords import NCMILoss

    return NCMILoss(*args, **options)


def rows(values: Any, grad: bool = False, dtype: str = "float64") -> Any:
    return torch.tensor(values, dtype=getattr(torch, dtype), requires_grad=grad)


def labels_of(values: list[int]) -> Any:
    return torch.tensor(values)


def released(**options: Any) -> Any:
    """The loss of the worked example."""
    # Buffers are made in double precision: 1e-6 and 10 are not whole numbers of single units.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return made(3, 4, epsilon=EPSILON, **options)
    finally:
        torch.set_default_dtype(before)


def random_case(n: int = 9, m: int = 5, c: int = 3, seed: int = 0) -> tuple[Any, Any, Any]:
    """Features, labels that meet every class, and arguments of codewords."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(c), rng.integers(0, c, n - c)])
    arrays = rng.normal(size=(n, m)), labels, rng.normal(size=(c, m))
    return tuple(torch.from_numpy(array) for array in arrays)
