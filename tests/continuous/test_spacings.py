"""Differential entropy from spacings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import continuous as oracle

from infotheory.estimators.continuous import spacings
from infotheory.sources import Exponential, Gaussian, Uniform

NEAR = 1e-11  # of means of logarithms, which lie between -40 and 40


@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=5, max_size=40, unique=True),
    st.sampled_from(spacings.METHODS),
)
def test_values_are_those_of_the_definitions(samples: list[int], method: str) -> None:
    found = spacings.entropy(np.array(samples) / 1000.0, method)
    expected = oracle.spacings_entropy([value / 1000.0 for value in samples], method)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.local is not None
    assert found.local.mean() == pytest.approx(found.value, abs=NEAR)
    assert found.standard_error == pytest.approx(found.local.std() / math.sqrt(len(samples)))


def test_windows() -> None:
    assert [spacings.window_length(n) for n in (5, 6, 7, 100)] == [2, 2, 3, 10]
    assert 2 * spacings.window_length(spacings.LEAST_SAMPLES) < spacings.LEAST_SAMPLES


def test_local_values_are_in_the_order_of_the_samples() -> None:
    samples = np.random.default_rng(0).exponential(size=200)
    found = spacings.entropy(samples, "vasicek")
    order = np.random.default_rng(1).permutation(200)
    moved = spacings.entropy(samples[order], "vasicek")
    assert moved.value == found.value
    assert np.array_equal(moved.local, found.local[order])
    # Far from zero the density is small, and minus its logarithm large.
    assert np.corrcoef(found.local, samples)[0, 1] > 0.9


def test_local_values_are_logarithms_of_windows() -> None:
    samples = np.sort(np.random.default_rng(5).normal(size=30))
    found = spacings.entropy(samples, "ebrahimi").local  # m = 5
    expected = []
    for i in range(30):
        low, high = max(i - 5, 0), min(i + 5, 29)
        expected.append(math.log(30 * (samples[high] - samples[low]) / (high - low)))
    assert found == pytest.approx(expected, abs=NEAR)


def test_local_values_of_a_line_are_those_of_its_density() -> None:
    found = spacings.entropy(np.arange(50) / 5.0, "ebrahimi")
    # Windows that are cut off at the ends are as much shorter as they hold fewer samples.
    assert found.local == pytest.approx(np.full(50, found.value), abs=1e-12)
    assert found.standard_error < 1e-12


@pytest.mark.parametrize("method", spacings.METHODS)
@pytest.mark.parametrize("source", [Gaussian(), Exponential(), Uniform()])
def test_the_truth_is_near(method: str, source: object) -> None:
    """Within the bias of 0.1 that windows of 45 of 2000 samples have, of whichever sign."""
    samples = source.sample(2000, rng=0)  # type: ignore[attr-defined]
    found = spacings.entropy(samples, method)
    truth = source.differential_entropy()  # type: ignore[attr-defined]
    assert abs(found.value - truth) < 0.1 + 3 * found.standard_error


def test_the_standard_error_is_that_of_repeated_samples() -> None:
    rng = np.random.default_rng(0)
    found = [spacings.entropy(rng.exponential(size=1000), "vasicek") for _ in range(200)]
    # The deviation of 200 values is known to 1 / sqrt(400), five percent.
    claimed = math.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert claimed == pytest.approx(np.std([each.value for each in found]), rel=0.2)
    assert claimed == pytest.approx(1.0 / math.sqrt(1000), rel=0.1)  # Var ln f = 1


@pytest.mark.parametrize("method", spacings.METHODS)
def test_units_and_offsets(method: str) -> None:
    samples = np.random.default_rng(2).normal(size=60)
    whole = spacings.entropy(samples, method)
    scaled = spacings.entropy(samples * 1e-300, method)
    assert scaled.value == pytest.approx(whole.value - 300 * math.log(10), abs=1e-9)
    large = spacings.entropy(samples * 5e307 / np.abs(samples).max(), method)
    assert math.isfinite(large.value)
    # An offset of 1e9 rounds positions to 1e-7, a hundred thousandth of the shortest windows.
    assert spacings.entropy(samples + 1e9, method).value == pytest.approx(whole.value, abs=1e-4)
    assert spacings.entropy(-samples, method).value == pytest.approx(whole.value, abs=NEAR)


@pytest.mark.parametrize("method", spacings.METHODS)
def test_an_offset_of_numbers_that_hold_it_changes_nothing(method: str) -> None:
    samples = np.round(1000 * np.random.default_rng(4).normal(size=200))
    whole = spacings.entropy(samples, method).value
    assert spacings.entropy(samples + 2.0**45, method).value == pytest.approx(whole, abs=NEAR)


@pytest.mark.parametrize("method", spacings.METHODS)
def test_ties_that_fill_a_window_give_minus_infinity(method: str) -> None:
    samples = np.random.default_rng(3).normal(size=100)
    samples[:25] = samples[25]  # windows hold 10 samples on either side
    found = spacings.entropy(samples, method)
    assert found.value == -math.inf
    assert math.isnan(found.standard_error)
    assert np.all(found.local == -math.inf)
    assert spacings.entropy(np.ones(9), method).value == -math.inf
    samples[:20] += np.arange(20)
    assert math.isfinite(spacings.entropy(samples, method).value)
