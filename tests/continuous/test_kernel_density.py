"""Differential entropy from a kernel density without the sample itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import continuous as oracle
from scipy.optimize import brute

from infotheory.estimators.continuous import kernel_density
from infotheory.sources import Exponential, Gaussian


def silverman(n: int, d: int) -> float:
    return (4 / ((d + 2) * n)) ** (1 / (d + 4))


@given(st.integers(0, 1000), st.integers(1, 3))
def test_the_value_is_that_of_the_definition(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    n = d + 3 + seed % 9
    x = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d)))
    found = kernel_density.entropy(x, "silverman")
    expected = oracle.kernel_surprises(x.tolist(), silverman(n, d))
    # Few samples of several columns can be nearly dependent, which magnifies rounding.
    near = 1e-11 + 1e-14 * np.linalg.cond(x - x.mean(axis=0)) ** 2
    assert found.local == pytest.approx(expected, abs=near)
    assert found.value == pytest.approx(math.fsum(expected) / n, abs=near)
    assert found.standard_error == pytest.approx(np.std(found.local) / math.sqrt(n))


@pytest.mark.parametrize("d", [1, 2])
def test_the_likeliest_width_makes_the_estimate_least(d: int) -> None:
    x = np.random.default_rng(1).exponential(size=(20, d))
    found = kernel_density.entropy(x)

    def value(log_width: np.ndarray) -> float:
        width = silverman(20, d) * math.exp(log_width.item())
        return math.fsum(oracle.kernel_surprises(x.tolist(), width)) / 20

    least = brute(value, [slice(-1.5, 0.7, 0.1)], full_output=True, finish=None)[1]
    assert found.value <= least + 1e-9
    assert found.value > least - 0.05


def test_only_some_samples_judge_the_width_of_large_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = np.random.default_rng(2).normal(size=(90, 1))
    whole = kernel_density.entropy(x).value
    monkeypatch.setattr(kernel_density, "_JUDGES", 30)
    some = kernel_density.entropy(x).value
    assert some == pytest.approx(whole, abs=0.05)
    assert some != whole


def test_blocks_of_rows_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(3).normal(size=(50, 2))
    whole = kernel_density.entropy(x, "silverman")
    monkeypatch.setattr(kernel_density, "_AT_ONCE", 7 * 50)
    assert np.array_equal(kernel_density.entropy(x, "silverman").local, whole.local)
    monkeypatch.setattr(kernel_density, "_AT_ONCE", 1)
    assert np.array_equal(kernel_density.entropy(x, "silverman").local, whole.local)


@pytest.mark.parametrize("source", [Gaussian(), Exponential()])
def test_the_truth_is_near(source: object) -> None:
    """Kernels smooth the density, which adds 0.1 or so at n = 500 where it has an edge."""
    samples = source.sample(500, rng=0)[:, None]  # type: ignore[attr-defined]
    found = kernel_density.entropy(samples)
    truth = source.differential_entropy()  # type: ignore[attr-defined]
    assert abs(found.value - truth) < 0.1 + 3 * found.standard_error


def test_units_and_offsets() -> None:
    x = np.random.default_rng(4).normal(size=(40, 2))
    whole = kernel_density.entropy(x)
    assert kernel_density.entropy(x * [1e200, 1e-100]).value == pytest.approx(
        whole.value + 100 * math.log(10), abs=1e-9
    )
    assert kernel_density.entropy(x + 1e9).value == pytest.approx(whole.value, abs=1e-5)
    turned = x @ [[1.0, 1.0], [-1.0, 1.0]]
    assert kernel_density.entropy(turned).value == pytest.approx(whole.value + math.log(2))


def test_a_far_sample_is_surprising_but_not_infinitely() -> None:
    x = np.random.default_rng(5).normal(size=(60, 1))
    x[0] = 1e6
    found = kernel_density.entropy(x)
    assert math.isfinite(found.value)
    assert found.local.argmax() == 0


def test_dependent_columns_have_no_density() -> None:
    found = kernel_density.entropy(np.arange(9.0)[:, None] * [1.0, 2.0])
    assert found.value == -math.inf
    assert math.isnan(found.standard_error)
    assert np.all(found.local == -math.inf)


def test_copies_are_predicted_ever_better() -> None:
    x = np.repeat(np.random.default_rng(6).normal(size=(20, 1)), 2, axis=0)
    found = kernel_density.entropy(x)
    # The narrowest kernel allowed has 1e-4 of Silverman's width.
    assert -10.0 < found.value < -5.0
