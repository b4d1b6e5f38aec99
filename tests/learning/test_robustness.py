"""Attacks stay where they may, and find what has a closed form."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learning.attacked import perceptron, trained_toy

pytest.importorskip("torch", reason="torch is not installed: no networks to attack")

# Points are sums of a centre in [-1, 2] and a step: two roundings of at most 2**-23 in float32.
ROUNDING = 4e-7


@pytest.fixture(autouse=True)
def _seeded(torch: ModuleType) -> None:
    torch.manual_seed(0)


def attack(*args: Any, **options: Any) -> Any:
    from infotheory.learning.robustness import attack as function

    return function(*args, **options)


def linear(weights: Any) -> Any:
    import torch

    weights = torch.as_tensor(weights)
    network = torch.nn.Linear(weights.shape[1], weights.shape[0], bias=False, dtype=weights.dtype)
    network.weight.data = weights
    return network


@pytest.fixture(scope="module")
def toy() -> tuple[Any, Any, Any]:
    return trained_toy()


def error(network: Any, inputs: Any, labels: Any) -> float:
    return float((network(inputs).argmax(1) != labels).double().mean())


# ------------------------------------------------------------------------------- one attack: values


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


# -------------------------------------------------------------------------------- one attack: rules


@given(
    seed=st.integers(0, 10**6),
    norm=st.sampled_from(["linf", "l2"]),
    method=st.sampled_from(["fgsm", "pgd"]),
    epsilon=st.sampled_from([0.0, 1e-4, 0.03, 0.5, 3.0]),
    step=st.sampled_from([None, 0.0, 1.0]),
    start=st.booleans(),
    bounds=st.sampled_from([(0.0, 1.0), (-1.0, 2.0), (0.2, 0.6)]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_attack_stays_in_the_ball_and_the_bounds(
    torch: ModuleType,
    seed: int,
    norm: str,
    method: str,
    epsilon: float,
    step: float | None,
    start: bool,
    bounds: tuple[float, float],
) -> None:
    generator = torch.Generator().manual_seed(seed)
    low, high = bounds
    inputs = low + (high - low) * torch.rand(5, 2, 3, generator=generator)
    inputs = inputs.clamp(low, high)
    inputs[0] = high  # in the corner
    before = inputs.clone()
    found = attack(
        perceptron(seed), inputs, torch.randint(0, 3, (5,), generator=generator),
        epsilon=epsilon, norm=norm, method=method, steps=3, step_size=step, random_start=start,
        bounds=bounds, generator=generator,
    )  # fmt: skip
    assert torch.equal(inputs, before)
    assert found.shape == inputs.shape
    assert found.dtype == inputs.dtype
    # Bounds are numbers of float64, the inputs of float32.
    assert float(found.min()) >= np.float32(low)
    assert float(found.max()) <= np.float32(high)
    moved = (found - inputs).double().flatten(1)
    lengths = moved.abs().amax(1) if norm == "linf" else (moved**2).sum(1).sqrt()
    # The Euclidean length collects the rounding of six numbers.
    assert float(lengths.max()) <= epsilon + ROUNDING * (1 if norm == "linf" else 6**0.5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_no_strength_is_no_attack(torch: ModuleType, norm: str, method: str) -> None:
    inputs = torch.rand(4, 6)
    found = attack(
        perceptron(), inputs, torch.tensor([0, 1, 2, 0]), epsilon=0.0, norm=norm, method=method
    )
    assert torch.equal(found, inputs)
    assert found.data_ptr() != inputs.data_ptr()


def test_projection_is_the_nearest_point(torch: ModuleType) -> None:
    from infotheory.learning.robustness.ball import Ball

    centre = torch.full((3, 2), 0.5, dtype=torch.float64)
    points = centre + torch.tensor([[0.3, 0.4], [0.03, 0.04], [0.0, -2.0]], dtype=torch.float64)
    euclidean = Ball(centre, "l2", 0.25, 0.0, 1.0).project(points) - centre
    expected = torch.tensor([[0.15, 0.2], [0.03, 0.04], [0.0, -0.25]], dtype=torch.float64)
    torch.testing.assert_close(euclidean, expected)
    largest = Ball(centre, "linf", 0.25, 0.3, 1.0).project(points) - centre
    expected = torch.tensor([[0.25, 0.25], [0.03, 0.04], [0.0, -0.2]], dtype=torch.float64)
    torch.testing.assert_close(largest, expected)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_random_starts_are_uniform_in_the_ball(torch: ModuleType, norm: str) -> None:
    """The share within half of the radius is 2**-3 in three dimensions.

    Of 20,000 draws it misses by 5 sqrt(1/8 7/8 / 20,000) = 0.012 once in two million times; the
    mean of a coordinate, of variance 1/3 at most, by 5 sqrt(1/3 / 20,000) = 0.02 of the radius.
    """
    from infotheory.learning.robustness.ball import Ball

    centre = torch.zeros(20_000, 3)
    ball = Ball(centre, norm, 2.0, -math.inf, math.inf)
    drawn = ball.random(torch.Generator().manual_seed(5)) / 2.0
    lengths = drawn.abs().amax(1) if norm == "linf" else (drawn**2).sum(1).sqrt()
    assert float(lengths.max()) <= 1.0 + ROUNDING
    assert float((lengths < 0.5).float().mean()) == pytest.approx(0.125, abs=0.012)
    assert float(drawn.mean(0).abs().max()) < 0.02
    again = ball.random(torch.Generator().manual_seed(5)) / 2.0
    assert torch.equal(drawn, again)


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


def test_restarts_keep_what_is_misclassified_and_then_unlikely(torch: ModuleType) -> None:
    """Each restart alone, with the same draws; the best of the three is picked by hand."""
    network, inputs = perceptron(4), torch.rand(40, 6)
    with torch.no_grad():
        labels = network(inputs).argmax(1)
    options: dict[str, Any] = {"epsilon": 0.3, "steps": 1, "step_size": 0.0}
    generator = torch.Generator().manual_seed(1)
    single = [attack(network, inputs, labels, generator=generator, **options) for _ in range(3)]
    generator = torch.Generator().manual_seed(1)
    found = attack(network, inputs, labels, restarts=3, generator=generator, **options)
    picked = 0
    for row, label in enumerate(labels):
        with torch.no_grad():
            logits = torch.stack([network(each[row][None])[0] for each in single])
        wrong = logits.argmax(1) != label
        loss = torch.nn.functional.cross_entropy(logits, label.expand(3), reduction="none")
        best = max(range(3), key=lambda i: (bool(wrong[i]), float(loss[i])))
        assert torch.equal(found[row], single[best][row])
        picked += best > 0
    assert picked > 10


def test_a_misclassified_attempt_beats_a_less_likely_one(torch: ModuleType) -> None:
    """p = (.4, .35, .25) is right and less likely than the wrong (.45, .5, .05)."""
    from infotheory.learning.robustness.attacks import _against, _harder

    right = torch.tensor([[0.4, 0.35, 0.25]]).log()
    wrong = torch.tensor([[0.45, 0.5, 0.05]]).log()

    def against(points: Any) -> Any:
        return _against(points, torch.tensor([0]))

    assert torch.equal(_harder(right, wrong, against), wrong)
    assert torch.equal(_harder(wrong, right, against), wrong)
    odds, missed = against(torch.cat([right, wrong])[:1])
    assert float(odds) == pytest.approx(math.log(0.6 / 0.4), abs=1e-6)
    assert not missed


def test_the_network_is_left_as_it_was(torch: ModuleType) -> None:
    network = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(), torch.nn.Linear(8, 3)
    )
    network[2].eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [part.training for part in network.modules()]
    inputs, labels = torch.rand(4, 6, requires_grad=True), torch.tensor([0, 1, 2, 0])
    with torch.no_grad():
        first = attack(network, inputs, labels, epsilon=0.1, random_start=False)
    assert not first.requires_grad
    assert torch.equal(first, attack(network, inputs, labels, epsilon=0.1, random_start=False))
    assert [part.training for part in network.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert all(weight.grad is None for weight in [inputs, *network.parameters()])
    # Evaluation mode: each sample by itself.
    alone = attack(network, inputs[:1], labels[:1], epsilon=0.1, random_start=False)
    torch.testing.assert_close(alone, first[:1])


def test_the_mode_comes_back_after_an_error(torch: ModuleType) -> None:
    network = perceptron().train()
    with pytest.raises(RuntimeError):
        attack(network, torch.rand(2, 5), torch.tensor([0, 1]), epsilon=0.1)
    assert all(part.training for part in network.modules())


def test_preprocessing_is_part_of_the_network(torch: ModuleType) -> None:
    network = perceptron(2, 12)
    images, labels = torch.rand(5, 3, 2, 2), torch.tensor([0, 1, 2, 0, 1])
    mean, std = [0.5, 0.4, 0.3], [0.2, 0.25, 0.5]

    class Inside(torch.nn.Module):
        def forward(self, batch: Any) -> Any:
            parts = [(batch[:, i] - mean[i]) / std[i] for i in range(3)]
            return network(torch.stack(parts, 1))

    options: dict[str, Any] = {"epsilon": 0.1, "random_start": False}
    found = attack(network, images, labels, preprocessing=(mean, std), **options)
    torch.testing.assert_close(found, attack(Inside(), images, labels, **options))
    one = attack(network, images, labels, preprocessing=(0.5, 0.25), **options)
    same = attack(network, images, labels, preprocessing=([0.5] * 3, [0.25] * 3), **options)
    assert torch.equal(one, same)


def test_scores_make_logits_of_outputs(torch: ModuleType) -> None:
    network = perceptron(3)
    inputs, labels = torch.rand(5, 6), torch.tensor([0, 1, 2, 0, 1])

    def turned(outputs: Any) -> Any:
        return outputs[:, [1, 2, 0]]

    options: dict[str, Any] = {"epsilon": 0.1, "random_start": False}
    found = attack(network, inputs, labels, scores=turned, **options)
    # Column c of the scores is column c + 1 of the outputs.
    torch.testing.assert_close(found, attack(network, inputs, (labels + 1) % 3, **options))


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
