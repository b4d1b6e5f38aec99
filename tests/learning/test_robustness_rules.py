"""What an attack may and may not do, whatever the network."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learning.attacked import ROUNDING, attack, perceptron

pytest.importorskip("torch", reason="torch is not installed: no networks to attack")

pytestmark = pytest.mark.usefixtures("seeded")


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


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_inputs_of_another_type_than_the_weights(torch: ModuleType, method: str) -> None:
    """The points are moved in their own type; the network sees them in its own."""
    network = torch.nn.Linear(3, 2)
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(5, 3, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 1, 0, 1, 1])
    found = attack(network, inputs, labels, method=method, epsilon=0.1, random_start=False)
    assert found.dtype == torch.float64
    # A linear network: each number moves by epsilon against the weights of its class.
    w = network.weight.detach().double()
    direction = torch.sign(w[1 - labels] - w[labels])
    expected = (inputs + 0.1 * direction).clamp(0.0, 1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
