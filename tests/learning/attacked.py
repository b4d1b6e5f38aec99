"""Networks to attack, shared by the tests of attacks and of sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np

# Points are sums of a centre in [-1, 2] and a step: two roundings of at most 2**-23 in float32.
ROUNDING = 4e-7


def perceptron(seed: int = 0, n_inputs: int = 6, n_classes: int = 3) -> Any:
    import torch

    from infotheory.learning.networks import MLP

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MLP(n_inputs, [16], n_classes)


def trained_toy() -> tuple[Any, Any, Any]:
    """Three overlapping clouds in the unit square, and a network trained on them."""
    import torch

    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 240)
    middles = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.7]])
    inputs = np.clip(middles[labels] + 0.1 * rng.normal(size=(240, 2)), 0, 1).astype(np.float32)
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
    network = perceptron(1, 2)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    return network, x, y


def attack(*args: Any, **options: Any) -> Any:
    from infotheory.learning.robustness import attack as function

    return function(*args, **options)


def linear(weights: Any) -> Any:
    import torch

    weights = torch.as_tensor(weights)
    network = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False, dtype=weights.dtype)
    network.weight.data = weights
    return network
