"""Closed forms for Gaussian variables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import gaussian as oracle

from infotheory.measures import (
    gaussian_conditional_mutual_information,
    gaussian_entropy,
    gaussian_kl_divergence,
    gaussian_mutual_information,
    gaussian_total_correlation,
)

# Matrices below are at most 6 x 6 with condition numbers below some 1e3 after scaling: factors are
# off by 6 * 1e3 units of rounding at the very most, 7e-13.
RELATIVE = 1e-12


@st.composite
def covariances(draw: Any, least: int = 1) -> Any:
    """Well conditioned but for their scales; some almost diagonal."""
    size = draw(st.integers(least, 5))
    entries = draw(st.lists(st.floats(-1, 1), min_size=size**2, max_size=size**2))
    root = np.array(entries).reshape(size, size)
    coupling = draw(st.sampled_from([1.0, 1e-3, 1e-8]))
    correlation = np.eye(size) + coupling * (root @ root.T) / size
    powers = draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    scales = 10.0 ** np.array(powers)
    return correlation * np.outer(scales, scales)


# ---------------------------------------------------------------------------------- the oracle


@given(covariances())
def test_entropy_and_total_correlation_are_those_of_many_digits(covariance: Any) -> None:
    want = oracle.entropy(covariance)
    assert abs(gaussian_entropy(covariance) - want) <= RELATIVE * (1 + abs(want))
    want = oracle.total_correlation(covariance)
    found = gaussian_total_correlation(covariance)
    assert abs(found - want) <= RELATIVE * want + 1e-30


@given(covariances(least=3), st.data())
def test_information_is_that_of_many_digits(covariance: Any, data: Any) -> None:
    size = len(covariance)
    n_x = data.draw(st.integers(1, size - 2))
    n_y = data.draw(st.integers(1, size - 1 - n_x))
    want = oracle.conditional_information(covariance, n_x, n_y)
    found = gaussian_conditional_mutual_information(covariance, n_x, n_y)
    # Given Z, X and Y may be less dependent than the rounding of their covariances.
    assert abs(found - want) <= RELATIVE * want + 1e-15 * math.sqrt(abs(want)) + 1e-30
    want = oracle.conditional_information(covariance, n_x, size - n_x)
    found = gaussian_mutual_information(covariance, n_x)
    assert abs(found - want) <= RELATIVE * want + 1e-30


@given(covariances(), st.data())
def test_divergence_is_that_of_many_digits(p: Any, data: Any) -> None:
    size = len(p)
    noise = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=size, max_size=size)))
    scales = np.sqrt(np.diag(p))
    strength = data.draw(st.sampled_from([1.0, 1e-2, 1e-7]))
    q = p + strength * np.outer(noise * scales, noise * scales)
    mean_p, mean_q = np.zeros(size), strength * noise * scales
    want = oracle.divergence(mean_p, p, mean_q, q)
    found = gaussian_kl_divergence(mean_p, p, mean_q, q)
    # Eigenvalues are off by some units of rounding of the largest one, whose square counts.
    assert abs(found - want) <= 1e-11 * want + 1e-30


# -------------------------------------------------------------------------------- known values


def test_values_by_hand() -> None:
    normal = 0.5 * math.log(2 * math.pi * math.e)
    assert gaussian_entropy([[4.0]]) == pytest.approx(normal + math.log(2), rel=1e-15)
    assert gaussian_entropy(np.eye(3)) == pytest.approx(3 * normal, rel=1e-15)
    rho = [[1.0, 0.6], [0.6, 1.0]]
    for found in (gaussian_mutual_information(rho, 1), gaussian_total_correlation(rho)):
        assert found == pytest.approx(-math.log(0.8), rel=1e-15)
    found = gaussian_kl_divergence([0.0], [[1.0]], [0.0], [[4.0]])
    assert found == pytest.approx(math.log(2) + 1 / 8 - 1 / 2, rel=1e-15)
    assert gaussian_kl_divergence([1.0, 0.0], np.eye(2), [0.0, 2.0], np.eye(2)) == 2.5


@pytest.mark.parametrize("rho", [1e-3, 1e-9, 1e-100])
def test_weak_correlations_keep_their_digits(rho: float) -> None:
    pair = [[1.0, rho], [rho, 1.0]]
    want = -0.5 * math.log1p(-rho * rho)
    for found in (gaussian_mutual_information(pair, 1), gaussian_total_correlation(pair)):
        assert found == pytest.approx(want, rel=1e-15)


def test_strong_correlations_are_not_capped() -> None:
    rho = 1 - 2.0**-40
    want = -0.5 * math.log1p(-rho * rho)
    # 1 - rho^2 is 2e-12, of which the rounding of a pivot takes 1e-4.
    found = gaussian_mutual_information([[1.0, rho], [rho, 1.0]], 1)
    assert found == pytest.approx(want, abs=1e-4)
    assert found > 12


def test_divergence_of_close_laws_keeps_its_digits() -> None:
    step = 2.0**-30
    found = gaussian_kl_divergence([0.0], [[1.0 + step]], [0.0], [[1.0]])
    want = oracle.divergence([0.0], [[1.0 + step]], [0.0], [[1.0]])
    assert found == pytest.approx(float(want), rel=1e-15)
    assert gaussian_kl_divergence([3.0], [[2.0]], [3.0], [[2.0]]) == 0.0


# ---------------------------------------------------------------------------------------- laws


@given(covariances(least=3), st.data())
def test_chain_rules(covariance: Any, data: Any) -> None:
    """I(X;YZ) = I(X;Z) + I(X;Y|Z), and entropies that add up to informations."""
    size = len(covariance)
    n_x = data.draw(st.integers(1, size - 2))
    n_y = data.draw(st.integers(1, size - 1 - n_x))
    both = gaussian_mutual_information(covariance, n_x)
    rest = [*range(n_x), *range(n_x + n_y, size)]
    alone = gaussian_mutual_information(covariance[np.ix_(rest, rest)], n_x)
    given_z = gaussian_conditional_mutual_information(covariance, n_x, n_y)
    assert abs(both - alone - given_z) <= 1e-11
    x, y = covariance[:n_x, :n_x], covariance[n_x:, n_x:]
    entropies = gaussian_entropy(x) + gaussian_entropy(y) - gaussian_entropy(covariance)
    assert abs(both - entropies) <= 1e-11 * 50  # entropies are up to 50 in size
    parts = gaussian_total_correlation(x) + gaussian_total_correlation(y)
    assert abs(gaussian_total_correlation(covariance) - parts - both) <= 1e-11


@given(covariances(least=2), st.data())
def test_information_is_symmetric_and_free_of_scale(covariance: Any, data: Any) -> None:
    size = len(covariance)
    n_x = data.draw(st.integers(1, size - 1))
    found = gaussian_mutual_information(covariance, n_x)
    turned = np.roll(np.arange(size), -n_x)
    other = gaussian_mutual_information(covariance[np.ix_(turned, turned)], size - n_x)
    assert abs(found - other) <= RELATIVE * found + 1e-30
    scales = np.exp2(np.arange(size))  # powers of two change no digit
    scaled = gaussian_mutual_information(covariance * np.outer(scales, scales), n_x)
    assert abs(scaled - found) <= RELATIVE * found + 1e-30


@given(covariances(least=2))
def test_total_correlation_is_the_divergence_from_independence(covariance: Any) -> None:
    zero = np.zeros(len(covariance))
    apart = gaussian_kl_divergence(zero, covariance, zero, np.diag(np.diag(covariance)))
    assert abs(gaussian_total_correlation(covariance) - apart) <= 1e-11 * apart + 1e-30


@given(covariances())
def test_divergence_is_at_least_zero_and_free_of_coordinates(p: Any) -> None:
    size = len(p)
    q = p + np.diag(np.diag(p)) / 2
    mean = np.sqrt(np.diag(p))
    found = gaussian_kl_divergence(mean, p, 0 * mean, q)
    assert found > 0
    scales, order = np.exp2(np.arange(size)), np.arange(size)[::-1]
    moved_p, moved_q = ((c * np.outer(scales, scales))[np.ix_(order, order)] for c in (p, q))
    moved = gaussian_kl_divergence((scales * mean)[order], moved_p, 0 * mean, moved_q)
    assert abs(moved - found) <= RELATIVE * found


# ---------------------------------------------------------------------------- shapes, refusals


def test_batches_and_units() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(2, 3, 4, 4))
    covariance = root @ np.swapaxes(root, -1, -2) + np.eye(4)
    mean = rng.normal(size=(3, 4))
    calls = (
        lambda c, base: gaussian_entropy(c, base=base),
        lambda c, base: gaussian_total_correlation(c, base=base),
        lambda c, base: gaussian_mutual_information(c, 2, base=base),
        lambda c, base: gaussian_conditional_mutual_information(c, 1, 2, base=base),
        lambda c, base: gaussian_kl_divergence(mean[0], c, np.zeros(4), np.eye(4), base=base),
    )
    for call in calls:
        found = call(covariance, 2)
        assert found.shape == (2, 3)
        one = call(covariance[1, 2], None)
        assert isinstance(one, float)
        assert found[1, 2] == pytest.approx(one / math.log(2), rel=1e-13)
    found = gaussian_kl_divergence(mean, covariance, np.zeros(4), np.eye(4))
    assert found.shape == (2, 3)
    one = gaussian_kl_divergence(mean[1], covariance[0, 1], np.zeros(4), np.eye(4))
    assert found[0, 1] == pytest.approx(one, rel=1e-13)


def test_rounding_of_a_product_is_no_asymmetry() -> None:
    skew = np.array([[1.0, 0.5], [0.5 + 1e-12, 2.0]])
    assert gaussian_mutual_information(skew, 1) == pytest.approx(-0.5 * math.log(7 / 8), rel=1e-11)
    single = np.array([[1.0, 0.5], [0.5001, 2.0]], np.float32)
    assert gaussian_mutual_information(single, 1) == pytest.approx(-0.5 * math.log(7 / 8), rel=1e-3)


@pytest.mark.parametrize("function", [gaussian_entropy, gaussian_total_correlation])
def test_covariances_that_are_refused(function: Any) -> None:
    for wrong in (1.0, [1.0, 2.0], [[1.0, 0.0]], np.ones((0, 0))):
        with pytest.raises(ValueError, match="covariance must be square along its last two axes"):
            function(wrong)
    with pytest.raises(TypeError, match="covariance must be real numbers; got dtype complex128"):
        function([[1j]])
    with pytest.raises(ValueError, match=r"finite; got nan at covariance\[0, 1\]. Drop or repair"):
        function([[1.0, math.nan], [0.0, 1.0]])
    with pytest.raises(ValueError, match=r"of positive variances; got 0 at covariance\[1, 1\]"):
        function([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(
        ValueError,
        match=r"symmetric to 1.5e-08 of .*; got 0.5 at covariance\[0, 1\] and 0.2 across",
    ):
        function([[1.0, 0.5], [0.2, 1.0]])
    with pytest.raises(ValueError, match=r"symmetric to .*; got 5e\+199 at covariance\[0, 1\]"):
        function([[1e200, 5e199], [2e199, 1e200]])  # variances whose product overflows
    singular = np.array([np.eye(2), [[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
    with pytest.raises(
        ValueError, match=r"positive definite; got a smallest .* at covariance\[1\]"
    ):
        function(singular)
    indefinite = np.array([np.eye(2), [[1.0, 2.0], [2.0, 1.0]]])
    with pytest.raises(ValueError, match=r"matrix of -1 at covariance\[1\]. Leave out variables"):
        function(indefinite)
    rho = 1 - 2.0**-53  # the factor exists, and its last pivot is rounding
    with pytest.raises(ValueError, match="positive definite; got a smallest eigenvalue of the"):
        function([[1.0, rho], [rho, 1.0]])
    with pytest.raises(ValueError, match="base must be None"):
        function(np.eye(2), base=0)


def test_parts_that_are_refused() -> None:
    with pytest.raises(ValueError, match="n_x must be at most 1, to leave something for Y; got 2"):
        gaussian_mutual_information(np.eye(2), 2)
    with pytest.raises(ValueError, match="n_x must be a positive integer"):
        gaussian_mutual_information(np.eye(2), 0)
    with pytest.raises(ValueError, match="n_x must be at most 1, to leave something for Y and Z"):
        gaussian_conditional_mutual_information(np.eye(3), 2, 1)
    with pytest.raises(ValueError, match="n_y must be at most 1, to leave something for Z; got 2"):
        gaussian_conditional_mutual_information(np.eye(3), 1, 2)


def test_laws_that_are_refused() -> None:
    zero, unit = [0.0, 0.0], np.eye(2)
    with pytest.raises(
        ValueError, match=r"of the dimension of covariance_p \(2\); got dimension 1"
    ):
        gaussian_kl_divergence(zero, unit, [0.0], [[1.0]])
    with pytest.raises(ValueError, match=r"mean_p must have 2 entries along its last axis"):
        gaussian_kl_divergence([0.0], unit, zero, unit)
    with pytest.raises(ValueError, match=r"mean_q must have 2 entries along its last axis"):
        gaussian_kl_divergence(zero, unit, 0.0, unit)
    with pytest.raises(ValueError, match=r"mean_q must be finite; got inf at mean_q\[1\]"):
        gaussian_kl_divergence(zero, unit, [0.0, math.inf], unit)
    with pytest.raises(ValueError, match=r"broadcast; got \(2,\), \(\), \(3,\), \(\)"):
        gaussian_kl_divergence(np.zeros((2, 2)), unit, np.zeros((3, 2)), unit)
