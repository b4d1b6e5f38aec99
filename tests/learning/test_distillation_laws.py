"""What distillation losses obey, whatever the logits and the temperature."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning.soft_targets import (
    NAMES,
    entropies,
    loss,
    random_pair,
    rows,
)

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to train with")


numbers = st.floats(-30, 30)
some_rows = st.lists(numbers, min_size=5, max_size=5)
temperatures = st.floats(1.0, 50.0)
orders_below = st.floats(0.02, 1.0)


@given(some_rows, some_rows, temperatures)
def test_decomposition(student: list[float], teacher: list[float], temperature: float) -> None:
    z, v, more = rows([student]), rows([teacher]), temperature - 1.0
    left = loss("ttm")(z, v, temperature).item()
    soft = loss("kd")(z, v, temperature).item() / temperature
    renyi = entropies().renyi_entropy(z, 1 / temperature).item()
    entropy = entropies().entropy(v / temperature).item()
    scale = 1.0 + soft + more * (renyi + entropy)
    # The terms on the right cancel, so that the error is relative to their sizes.
    assert left == pytest.approx(soft - more * renyi + more * entropy, abs=1e-12 * scale)


@given(some_rows, temperatures, temperatures)
def test_power_sum_of_the_teacher(teacher: list[float], one: float, two: float) -> None:
    v, (low, high) = rows([teacher]), sorted((one, two))
    power_sum = entropies().power_sum
    first, second = power_sum(v, 1 / low).item(), power_sum(v, 1 / high).item()
    assert 1.0 - 1e-13 <= first <= second * (1 + 1e-12)
    assert second <= 5 ** (1 - 1 / high) * (1 + 1e-12)
    renyi = entropies().renyi_entropy(v, 1 / high).item()
    assert math.log(second) == pytest.approx((1 - 1 / high) * renyi, abs=1e-13)


@given(some_rows, some_rows, temperatures)
def test_weighted_matching_is_matching_times_the_power_sum(
    student: list[float], teacher: list[float], temperature: float
) -> None:
    z, v = rows([student]), rows([teacher])
    plain, weighted = (loss(name)(z, v, temperature).item() for name in ("ttm", "wttm"))
    assert plain >= -1e-14
    assert plain - 1e-13 <= weighted <= 5 ** (1 - 1 / temperature) * plain + 1e-13
    factor = entropies().power_sum(v, 1 / temperature).item()
    assert weighted == pytest.approx(factor * plain, rel=1e-12, abs=1e-13)


@given(some_rows, some_rows)
def test_at_temperature_one_all_are_the_relative_entropy(
    student: list[float], teacher: list[float]
) -> None:
    z, v = rows([student]), rows([teacher])
    kd, ttm, wttm = (loss(name)(z, v, 1.0).item() for name in NAMES)
    assert kd == pytest.approx(ttm, abs=1e-13)
    assert wttm == pytest.approx(ttm, rel=1e-13, abs=1e-13)


@given(st.lists(st.tuples(some_rows, some_rows), min_size=2, max_size=4), temperatures,
       st.permutations(range(5)), numbers)  # fmt: skip
def test_shifts_and_permutations_change_nothing(
    pairs: list[tuple[list[float], list[float]]],
    temperature: float,
    permutation: list[int],
    shift: float,
) -> None:
    z, v = (rows([pair[i] for pair in pairs]) for i in (0, 1))
    for name in NAMES:
        value = loss(name)(z, v, temperature)
        # A shift by 30 rounds logits to 7e-15; KD squares the temperature, up to 2500.
        close = {"rtol": 1e-12, "atol": 1e-10 if name == "kd" else 1e-12}
        shifted = loss(name)(z + shift, v - shift, temperature)
        torch.testing.assert_close(shifted, value, **close)
        permuted = loss(name)(z[:, permutation], v[:, permutation], temperature)
        torch.testing.assert_close(permuted, value, **close)
        turned = loss(name)(z.flip(0), v.flip(0), temperature)
        torch.testing.assert_close(turned, value, **close)
    for z_, v_ in ((z[:, permutation], v[:, permutation]), (z.flip(0), v.flip(0))):
        # Norms of constant columns are rounding beside 1e-8: their correlation is below 1e-6.
        torch.testing.assert_close(loss("dist")(z_, v_), loss("dist")(z, v), rtol=0, atol=1e-5)


@given(some_rows, some_rows, st.floats(0.2, 50.0))
def test_gradients(student: list[float], teacher: list[float], temperature: float) -> None:
    z, v = rows([student], grad=True), rows([teacher])
    grads = {}
    for name in NAMES:
        (grads[name],) = torch.autograd.grad(loss(name)(z, v, temperature), z)
        # Five terms of at most the weight, each rounded.
        assert abs(grads[name].sum().item()) <= 1e-14 * max(50.0, 5 ** (1 / temperature))
    (renyi,) = torch.autograd.grad(entropies().renyi_entropy(z, 1 / temperature).sum(), z)
    # q - p_T = (q_T - p_T) - (q_T - q), the latter from the reward.
    right = grads["kd"] / temperature - (temperature - 1.0) * renyi
    torch.testing.assert_close(grads["ttm"], right, rtol=0, atol=1e-13)


@given(some_rows, temperatures, temperatures)
def test_softening_keeps_the_order_and_raises_the_entropy(
    teacher: list[float], one: float, two: float
) -> None:
    v, (low, high) = rows([teacher]), sorted((one, two))
    softened = entropies().power_transform(v, 1 / high)[0]
    for i in range(5):
        for j in range(5):
            if teacher[i] >= teacher[j]:
                assert softened[i] >= softened[j]
    entropy = entropies().entropy
    assert entropy(v / low).item() <= entropy(v / high).item() + 1e-13


def test_the_limit_of_a_high_temperature() -> None:
    z, v = random_pair(scale=1.0)
    uniform = torch.zeros_like(v)
    # First order in 1/T, with a factor of some units: spread of the logits.
    torch.testing.assert_close(
        loss("ttm")(z, v, 1e6), loss("ttm")(z, uniform, 1.0), rtol=0, atol=1e-5
    )
    centred = (v - v.mean(1, keepdim=True)) - (z - z.mean(1, keepdim=True))
    matched = (centred**2).mean(1).mean() / 2
    # First order in 1/T = 1e-3, beside rounding of 1e-16 times T^2.
    assert loss("kd")(z, v, 1e3).item() == pytest.approx(matched.item(), rel=0.01)
    assert loss("kd")(z, v, 1e5).item() == pytest.approx(matched.item(), rel=1e-4)


@given(st.lists(st.tuples(some_rows, some_rows), min_size=2, max_size=4), st.floats(0.5, 10))
def test_dist_is_between_its_bounds(
    pairs: list[tuple[list[float], list[float]]], temperature: float
) -> None:
    z, v = (rows([pair[i] for pair in pairs]) for i in (0, 1))
    found = loss("dist")(z, v, temperature).item()
    assert -1e-9 <= found <= 4.0 * temperature**2 * (1 + 1e-9)
    only = loss("dist")(z, v, temperature, intra_weight=0.0).item()
    rest = loss("dist")(z, v, temperature, inter_weight=0.0).item()
    assert found == pytest.approx(only + rest, rel=1e-12, abs=1e-12)


def test_dist_of_the_same_is_zero_but_for_the_number_in_the_denominator() -> None:
    z, _ = random_pair(scale=1.0)
    # 1e-8 beside norms of rows and columns, here at least 0.03: at most 1e-5 each.
    assert 0.0 <= loss("dist")(z, z + 1.0, 4.0).item() <= 16 * 2e-5
