"""Attacks find what has a closed form, and refuse what they cannot attack."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from learning.attacked import ROUNDING, attack, linear, perceptron, trained_toy

pytest.importorskip("torch", reason="torch is not installed: no networks to attack")

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.fixture(scope="module")
def toy() -> tuple[Any, Any, Any]:
    return trained_toy()


def error(network: Any, inputs: Any, labels: Any) -> float:
    return float((network(inputs).argmax(1) != labels).double().mean())


def test_fgsm_of_a_linear_network_has_a_closed_form(torch: ModuleType) -> None:
    """For two classes each number moves by epsilon towards the other class, until the bounds."""
    weights = torch.randn(2, 5, dtype=torch.float64)
    inputs = torch.rand(8, 5, dtype=torch.float64)
    labels = torch.arange(8) % 2
    found = attack(linear(weights), inputs, labels, method="fgsm", epsilon=0.2)
    signs = (weights[1 - labels] - weights[labels]).sign()
    torch.testing.assert_close(found, (inputs + 0.2 * signs).clamp(0, 1))


def test_fgsm_in_the_euclidean_norm(torch: ModuleType) -> None:
    weights = torch.randn(2, 5, dtype=torch.float64)
    inputs = torch.rand(8, 5, dtype=torch.float64)
    labels = torch.arange(8) % 2
    found = attack(
        linear(weights), inputs, labels, method="fgsm", norm="l2", epsilon=0.3,
        bounds=(-math.inf, math.inf),
    )  # fmt: skip
    apart = weights[1 - labels] - weights[labels]
    expected = inputs + 0.3 * apart / (apart**2).sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(found, expected)


def pgd_of_cross_entropy(
    network: Any, inputs: Any, labels: Any, epsilon: float, norm: str, steps: int, size: float
) -> Any:
    """PGD as it is written in papers: cross entropy, sample by sample, without a random start."""
    import torch

    rows = []
    for x0, y in zip(inputs, labels, strict=True):
        x = x0.clone()
        for _ in range(steps):
            x = x.clone().requires_grad_()
            torch.nn.functional.cross_entropy(network(x[None]), y[None]).backward()
            g = x.grad
            x = x.detach() + size * (g.sign() if norm == "linf" else g / (g**2).sum().sqrt())
            if norm == "linf":
                x = torch.min(torch.max(x, x0 - epsilon), x0 + epsilon)
            elif ((x - x0) ** 2).sum().sqrt() > epsilon:
                x = x0 + (x - x0) * epsilon / ((x - x0) ** 2).sum().sqrt()
            x = x.clamp(0, 1)
        rows.append(x)
    return torch.stack(rows)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("size", [None, 0.03])
def test_pgd_takes_the_steps_of_the_cross_entropy(
    torch: ModuleType, norm: str, size: float | None
) -> None:
    """In float64 both ways of writing the loss give one direction, to rounding."""
    network = perceptron().double()
    inputs = torch.rand(12, 6, dtype=torch.float64)
    labels = torch.arange(12) % 3
    found = attack(
        network, inputs, labels, epsilon=0.1, norm=norm, steps=7, step_size=size,
        random_start=False,
    )  # fmt: skip
    expected = pgd_of_cross_entropy(
        network, inputs, labels, 0.1, norm, 7, 2.5 * 0.1 / 7 if size is None else size
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_a_confident_network_still_has_a_direction(torch: ModuleType) -> None:
    """In float32 the cross entropy has no gradient where the other probabilities underflow."""
    weights = 400.0 * torch.eye(3)
    inputs, labels = torch.tensor([[0.9, 0.4, 0.35]]), torch.tensor([0])
    leaf = inputs.clone().requires_grad_()
    torch.nn.functional.cross_entropy(linear(weights)(leaf), labels).backward()
    assert not leaf.grad.any()
    found = attack(linear(weights), inputs, labels, method="fgsm", epsilon=0.1)
    torch.testing.assert_close(found, torch.tensor([[0.8, 0.5, 0.45]]))
    found = attack(linear(weights), inputs, labels, norm="l2", epsilon=0.5)
    assert float(found[0, 1]) > float(found[0, 0])


def test_small_gradients_keep_their_direction_in_the_euclidean_norm(torch: ModuleType) -> None:
    weights = 1e-25 * torch.tensor([[3.0, 4.0], [0.0, 0.0]])  # squares are 1e-49: zero in float32
    found = attack(
        linear(weights), torch.full((1, 2), 0.5), torch.tensor([0]), method="fgsm", norm="l2",
        epsilon=0.1,
    )  # fmt: skip
    torch.testing.assert_close(found, torch.tensor([[0.44, 0.42]]))


def test_no_gradient_no_step(torch: ModuleType) -> None:
    inputs = torch.rand(3, 4)
    for norm in ("linf", "l2"):
        found = attack(
            linear(torch.zeros(2, 4)), inputs, torch.tensor([0, 1, 0]), norm=norm, epsilon=0.1,
            random_start=False,
        )  # fmt: skip
        torch.testing.assert_close(found, inputs)


def test_stronger_attacks_err_more(toy: tuple[Any, Any, Any]) -> None:
    network, x, y = toy
    before = error(network, x, y)
    for norm, epsilon in (("linf", 0.1), ("l2", 0.12)):
        one = error(network, attack(network, x, y, method="fgsm", norm=norm, epsilon=epsilon), y)
        many = error(
            network, attack(network, x, y, norm=norm, epsilon=epsilon, random_start=False), y
        )
        assert before < one <= many
        # Twice as far errs at least as often, on a network so small.
        twice = attack(network, x, y, norm=norm, epsilon=2 * epsilon, random_start=False)
        assert error(network, twice, y) >= many


def test_under_autocast(torch: ModuleType) -> None:
    network = perceptron(3)
    inputs, labels = torch.rand(5, 6), torch.tensor([0, 1, 2, 0, 1])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attack(network, inputs, labels, epsilon=0.1)
    assert found.dtype == torch.float32
    assert float((found - inputs).abs().max()) <= 0.1 + ROUNDING


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": -0.1}, r"epsilon must be a finite number, at least 0; got -0\.1"),
        ({"epsilon": math.inf}, r"epsilon must be a finite number, at least 0; got inf"),
        ({"method": "bim"}, r"method must be one of 'fgsm', 'pgd'; got 'bim'"),
        ({"norm": "l1"}, r"norm must be one of 'linf', 'l2'; got 'l1'"),
        ({"steps": 0}, r"steps must be a positive integer"),
        ({"restarts": 0}, r"restarts must be a positive integer"),
        ({"step_size": -1.0}, r"step_size must be a finite number, at least 0; got -1\.0"),
        ({"random_start": 1}, r"random_start must be True or False; got 1"),
        ({"random_start": False, "restarts": 2}, r"restarts must be 1 without random_start; got 2"),
        ({"bounds": (1, 0)}, r"bounds must be a pair \(low, high\) with low < high; got \(1, 0\)"),
        (
            {"bounds": (0, 0.5)},
            r"inputs must be within bounds \(0, 0\.5\); got 0\.7 in sample 1\. Pass .*std\);",
        ),
        (
            {"preprocessing": (0.5, 0.0)},
            r"preprocessing must be of positive deviations; got \[0\.0\]",
        ),
        ({"preprocessing": 0.5}, r"preprocessing must be None or a pair \(mean, std\); got 0\.5"),
        (
            {"preprocessing": ([0.5, 0.5], 1.0)},
            r"a number, or one for each channel; got shape \(2,\) for inputs of shape \(2, 6\)",
        ),
        ({"scores": lambda z: z[:, 0]}, r"scores must have shape \(n, K\)"),
        ({"scores": lambda z: z.detach()}, r"network must be differentiable in its inputs"),
        ({"scores": lambda z: z * math.nan}, r"network must be of finite gradients"),
    ],
)
def test_refusals(torch: ModuleType, options: dict[str, Any], message: str) -> None:
    inputs = torch.tensor([[0.5] * 6, [0.5, 0.7, 0.5, 0.9, 0.5, 0.5]])
    with pytest.raises(ValueError, match=message):
        attack(perceptron(), inputs, torch.tensor([0, 1]), **{"epsilon": 0.1} | options)


def test_refusals_of_what_is_attacked(torch: ModuleType) -> None:
    labels = torch.tensor([0, 1])
    with pytest.raises(TypeError, match=r"inputs must be a tensor; got ndarray"):
        attack(perceptron(), np.zeros((2, 6)), labels, epsilon=0.1)
    with pytest.raises(
        TypeError, match=r"float32 or float64; got torch.uint8. Bytes become images"
    ):
        attack(perceptron(), torch.zeros(2, 6, dtype=torch.uint8), labels, epsilon=0.1)
    with pytest.raises(TypeError, match=r"float32 or float64; got torch.bfloat16"):
        attack(perceptron(), torch.zeros(2, 6, dtype=torch.bfloat16), labels, epsilon=0.1)
    with pytest.raises(
        ValueError, match=r"inputs must have shape \(n, ...\) with n >= 1; got shape"
    ):
        attack(perceptron(), torch.zeros(0, 6), labels[:0], epsilon=0.1)
    with pytest.raises(ValueError, match=r"got nan in sample 1"):
        attack(perceptron(), torch.tensor([[0.0] * 6, [math.nan] * 6]), labels, epsilon=0.1)
    with pytest.raises(
        ValueError, match=r"labels must lie in \[0, 3\); got 3 in row 1|labels must"
    ):
        attack(perceptron(), torch.zeros(2, 6), torch.tensor([0, 3]), epsilon=0.1)
    with pytest.raises(TypeError, match=r"network must be a torch.nn.Module; got function"):
        attack(lambda x: x, torch.zeros(2, 6), labels, epsilon=0.1)
