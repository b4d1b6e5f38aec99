"""Laws of Rényi entropy, divergence, the power transform and Tsallis entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.renyi_cases import (
    ORDERS,
    channels,
    distributions,
    finite_orders,
    orders,
    pairs,
    positive_distributions,
)
from oracles import renyi as oracle

from infotheory.measures import (
    entropy,
    kl_divergence,
    power_sum,
    power_transform,
    renyi_divergence,
    renyi_entropy,
    tsallis_entropy,
)

# Results are right to 2e-13 of themselves (see test_renyi) and at most 30 in size, so that a law
# that compares two of them holds to this.
SLACK = 1e-11

below_one = st.sampled_from([a for a in ORDERS if 0 < a < 1])


# -------------------------------------------------------------------------------------- entropy


@given(distributions())
def test_entropy_lies_in_its_range_and_falls_with_the_order(p: Any) -> None:
    h = renyi_entropy(p, ORDERS)
    assert (h >= 0).all()
    assert h[0] == math.log(np.count_nonzero(p))
    assert (np.diff(h) <= SLACK * h[:-1]).all()


@given(st.integers(1, 40), orders)
def test_uniform_laws_have_log_k_at_every_order(k: int, alpha: float) -> None:
    found = renyi_entropy(np.full(k, 1.0 / k), alpha)
    assert abs(found - math.log(k)) <= 1e-13  # 40 terms, each off by a unit of rounding


@given(distributions(), distributions(), orders)
def test_entropy_of_independent_parts_adds(p: Any, q: Any, alpha: float) -> None:
    product = np.outer(p, q).ravel()
    sums = renyi_entropy(p, alpha) + renyi_entropy(q, alpha)
    assert abs(renyi_entropy(product, alpha) - sums) <= SLACK


@given(distributions(), finite_orders)
def test_min_entropy_bounds_the_others(p: Any, alpha: float) -> None:
    least, collision = renyi_entropy(p, [math.inf, 2])
    assert least <= collision + SLACK
    assert collision <= 2 * least + SLACK
    if alpha > 1:
        assert least >= (alpha - 1) / alpha * renyi_entropy(p, alpha) - SLACK


@given(distributions(4), st.permutations(range(4)), st.floats(0, 1), orders)
def test_mixing_with_a_permutation_never_lowers_entropy(
    p: Any, order: Any, share: float, alpha: float
) -> None:
    mixed = share * p + (1 - share) * p[list(order)]
    if alpha == 0.0 or share in (0.0, 1.0):
        return  # a share may be so small that products underflow to zero: the support shrinks
    assert renyi_entropy(mixed, alpha) >= renyi_entropy(p, alpha) - SLACK


@given(distributions(4), distributions(4), st.floats(0.01, 0.99), st.sampled_from(ORDERS[1:12]))
def test_entropy_is_concave_up_to_order_one(p: Any, q: Any, share: float, alpha: float) -> None:
    mixed = renyi_entropy(share * p + (1 - share) * q, alpha)
    parts = share * renyi_entropy(p, alpha) + (1 - share) * renyi_entropy(q, alpha)
    assert mixed >= parts - SLACK


@given(distributions(), st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_the_logarithm_of_power_sums_is_convex_in_the_order(p: Any, a: float, b: float) -> None:
    first, middle, last = np.log(power_sum(p, [a, (a + b) / 2, b]))
    assert middle <= (first + last) / 2 + 1e-9  # logarithms of up to 20 * 30 in size


@given(positive_distributions, st.sampled_from([0.3, 0.9, 1.5, 2.0, 5.0]))
def test_the_derivative_in_the_order(p: Any, alpha: float) -> None:
    step = 1e-4
    rise = (renyi_entropy(p, alpha + step) - renyi_entropy(p, alpha - step)) / (2 * step)
    want = -kl_divergence(power_transform(p, alpha), p) / (1 - alpha) ** 2
    # Central differences are off by step^2/6 of the third derivative: at most some moments of
    # ln p, 20^4 in size; and by 1e-13/step for rounding.
    assert abs(rise - want) <= 1e-8 * 20**4 / 6 + 1e-9


@given(distributions(), orders)
def test_entropy_is_what_is_left_of_log_k(p: Any, alpha: float) -> None:
    k = len(p)
    distance = renyi_divergence(p, np.full(k, 1 / k), alpha)
    assert abs(renyi_entropy(p, alpha) - (math.log(k) - distance)) <= SLACK


@given(distributions(), distributions(), finite_orders)
def test_tsallis_entropy_is_pseudo_additive(p: Any, q: Any, alpha: float) -> None:
    a, b = tsallis_entropy(p, alpha), tsallis_entropy(q, alpha)
    both = tsallis_entropy(np.outer(p, q).ravel(), alpha)
    assert abs(both - (a + b + (1 - alpha) * a * b)) <= SLACK * (1 + a + b + a * b)


@given(distributions(), finite_orders)
def test_tsallis_entropy_and_power_sums_are_one_thing(p: Any, alpha: float) -> None:
    u, s = power_sum(p, alpha), tsallis_entropy(p, alpha)
    assert abs(u - (1 + (1 - alpha) * s)) <= SLACK * (1 + u)
    gini = 1 - math.fsum(v * v for v in p)
    assert abs(tsallis_entropy(p, 2) - gini) <= 1e-15  # its own rounding


# ----------------------------------------------------------------------------------- divergence


@given(pairs())
def test_divergence_is_at_least_zero_and_grows_with_the_order(case: Any) -> None:
    d = renyi_divergence(*case, ORDERS)
    assert (d >= 0).all()
    finite = d[np.isfinite(d)]
    assert np.isinf(d[len(finite) :]).all()
    # A maximum comes within 1e-16 of itself only, where it is that of p/q near one.
    assert (np.diff(finite) >= -SLACK * finite[1:] - 1e-15).all()


@given(pairs(), below_one)
def test_skew_symmetry(case: Any, alpha: float) -> None:
    p, q = case
    there, back = renyi_divergence(p, q, alpha), renyi_divergence(q, p, 1 - alpha)
    if math.isinf(there):
        assert back == math.inf
    else:
        left, right = (1 - alpha) * there, alpha * back
        # 1 - alpha is rounded, which near order 1 is a share 1e-16/(1 - alpha) of it.
        assert abs(left - right) <= 1e-12 * left + 1e-16 * there + 1e-16 * back


@given(pairs(), pairs(), orders)
def test_divergence_of_independent_parts_adds(one: Any, other: Any, alpha: float) -> None:
    parts = renyi_divergence(*one, alpha) + renyi_divergence(*other, alpha)
    p, q = (np.outer(a, b).ravel() for a, b in zip(one, other, strict=True))
    whole = renyi_divergence(p, q, alpha)
    # Just below order 1, a law that lacks a symbol is as far away as the order is near.
    assert whole == parts or abs(whole - parts) <= SLACK * (1 + parts)


@given(st.data(), pairs(), orders)
def test_processing_never_raises_divergence(data: Any, case: Any, alpha: float) -> None:
    p, q = case
    channel = data.draw(channels(len(p)))
    after = renyi_divergence(p @ channel, q @ channel, alpha)
    # Products of a channel move its outputs by 1e-16, which the extreme orders show.
    assert after <= renyi_divergence(p, q, alpha) * (1 + SLACK) + 1e-13


@given(pairs(), st.sampled_from(ORDERS[1:12]))
def test_divergence_bounds_total_variation(case: Any, alpha: float) -> None:
    p, q = case
    # Sums are one to within rounding, which moves the distance by as much.
    distance = max(math.fsum(abs(a - b) for a, b in zip(p, q, strict=True)) - 1e-15, 0.0)
    assert renyi_divergence(p, q, alpha) >= alpha / 2 * distance**2 * (1 - SLACK)


@given(st.lists(distributions(3), min_size=4, max_size=4), st.floats(0.01, 0.99), below_one)
def test_divergence_is_jointly_convex_below_order_one(
    laws: Any, share: float, alpha: float
) -> None:
    p, q, r, s = laws
    mixed = renyi_divergence(share * p + (1 - share) * r, share * q + (1 - share) * s, alpha)
    parts = share * renyi_divergence(p, q, alpha) + (1 - share) * renyi_divergence(r, s, alpha)
    assert mixed <= parts + SLACK


@given(st.lists(distributions(3), min_size=3, max_size=3), st.floats(0.01, 0.99), orders)
def test_divergence_is_convex_in_its_second_law(laws: Any, share: float, alpha: float) -> None:
    p, q, r = laws
    mixed = renyi_divergence(p, share * q + (1 - share) * r, alpha)
    parts = share * renyi_divergence(p, q, alpha) + (1 - share) * renyi_divergence(p, r, alpha)
    assert mixed <= parts + SLACK


@given(positive_distributions, st.data(), st.sampled_from([0.3, 0.5, 0.7, 0.96]))
def test_the_variational_form(p: Any, data: Any, alpha: float) -> None:
    """The minimum over r of alpha D(r||p) + (1-alpha) D(r||q) is (1-alpha) D_alpha(p||q)."""
    q = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=len(p), max_size=len(p))))
    q /= q.sum()
    best = p**alpha * q ** (1 - alpha)
    best /= best.sum()
    least = alpha * kl_divergence(best, p) + (1 - alpha) * kl_divergence(best, q)
    assert abs(least - (1 - alpha) * renyi_divergence(p, q, alpha)) <= 1e-14
    other = alpha * kl_divergence(q, p)  # at r = q
    assert other >= least - SLACK


@given(positive_distributions, st.data())
def test_order_two_is_chi_squared_and_order_half_the_overlap(p: Any, data: Any) -> None:
    q = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=len(p), max_size=len(p))))
    q /= q.sum()
    chi = math.fsum((a - b) ** 2 / b for a, b in zip(p, q, strict=True))
    overlap = math.fsum(math.sqrt(a * b) for a, b in zip(p, q, strict=True))
    half, two = renyi_divergence(p, q, [0.5, 2])
    assert abs(two - math.log1p(chi)) <= 1e-14 * (1 + two)
    assert abs(half + 2 * math.log(overlap)) <= 1e-14


# ----------------------------------------------------------------------------- power transform


@given(distributions(), st.floats(0.05, 5.0), st.floats(0.05, 5.0))
def test_power_transforms_in_a_row_multiply(p: Any, a: float, b: float) -> None:
    twice = power_transform(power_transform(p, a, log=True), b, kind="log_probs", log=True)
    # Logarithms of up to 25 * 30 in size.
    np.testing.assert_allclose(twice, power_transform(p, a * b, log=True), rtol=1e-12, atol=1e-12)


@given(distributions(), orders)
def test_power_transforms_keep_order_and_sum(p: Any, alpha: float) -> None:
    escort = power_transform(p, alpha)
    assert abs(escort.sum() - 1.0) <= 1e-12
    ranked = escort[np.argsort(p, kind="stable")]
    assert (np.diff(ranked) >= -1e-14).all()
    np.testing.assert_allclose(power_transform(p[::-1], alpha), escort[::-1], rtol=1e-12)


@given(distributions())
def test_sharper_laws_have_less_entropy(p: Any) -> None:
    h = entropy(power_transform(p, ORDERS))
    assert (np.diff(h) <= SLACK).all()
    # Order one changes nothing but for the rounding of logarithms of up to 30 in size.
    np.testing.assert_allclose(power_transform(p, 1), p, rtol=1e-14)


# ------------------------------------------------------------------- powers beyond what is stored


def test_powers_that_lose_digits_to_underflow_are_not_relied_on() -> None:
    uniform = np.full(3, 1 / 3)
    alphas = np.arange(600.5, 690.5, 10)  # 3^-650 is below 1e-308
    # Logarithms of powers, up to 760 in size, over t ln 3: some units of rounding.
    np.testing.assert_allclose(renyi_entropy(uniform, alphas), math.log(3), rtol=1e-15)


@pytest.mark.parametrize("gap", [1300.0, 1400.0, 1440.0, 1480.0])
def test_products_that_lose_digits_to_underflow_are_not_relied_on(gap: float) -> None:
    """At order 1/2 both products of roots are e^(-gap/2)."""
    found = renyi_divergence([0.0, -gap], [-gap, 0.0], 0.5, kind="logits")
    assert found == pytest.approx(gap - 2 * math.log(2), rel=1e-15)  # some units of rounding


def test_low_orders_exchange_the_laws() -> None:
    """Terms of order 1/16 of themselves cancel unless the roles of p and q are exchanged."""
    rng = np.random.default_rng(0)
    rare = 10.0 ** rng.uniform(-12, -4, 200)
    rarer = rare * np.exp(rng.uniform(-2, -1, 200))
    errors = []
    for r, e in zip(rarer, rare, strict=True):
        p, q = [1 - r, r], [1 - e, e]
        want = oracle.divergence(oracle.normalised(p), oracle.normalised(q), 1 / 16)
        errors.append(abs(float(renyi_divergence(p, q, 1 / 16) / want) - 1))
    # Logarithms of up to 30 are off by at most half a unit of rounding, 1.8e-15, and their
    # difference, at least 1, by twice that.
    assert np.median(errors) < 4e-15


# --------------------------------------------------------------------------- batches and orders


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0, 2.5, math.inf])
def test_batches_of_nothing(alpha: float) -> None:
    empty = np.zeros((0, 3))
    for function in (renyi_entropy, tsallis_entropy, power_sum):
        assert function(empty, alpha).shape == (0,)
        assert function(empty, [alpha, 3]).shape == (0, 2)
        assert function(np.zeros((2, 0, 3)), alpha, kind="logits").shape == (2, 0)
    assert power_transform(empty, alpha).shape == (0, 3)
    assert power_transform(empty, [alpha, 3]).shape == (0, 2, 3)
    assert renyi_divergence(empty, empty, alpha).shape == (0,)
    assert renyi_divergence(empty, [0.5, 0.25, 0.25], [alpha, 3]).shape == (0, 2)


def test_rows_with_names_and_several_orders_make_a_table() -> None:
    table = pd.DataFrame([[0.5, 0.5], [1.0, 0.0]], index=["fair", "sure"])
    alphas = [0.5, 2, math.inf]
    for function in (renyi_entropy, tsallis_entropy, power_sum):
        found = function(table, alphas)
        assert list(found.index) == ["fair", "sure"]
        assert list(found.columns) == alphas
        np.testing.assert_array_equal(found.to_numpy(), function(table.to_numpy(), alphas))
    for p, q in ((table, [0.5, 0.5]), ([0.5, 0.5], table), (table, table)):
        found = renyi_divergence(p, q, alphas)
        assert list(found.index) == ["fair", "sure"]
        assert list(found.columns) == alphas
    assert type(renyi_entropy(table.loc["fair"], alphas)) is np.ndarray
    assert renyi_divergence(table, np.full((3, 1, 2), 0.5), alphas).shape == (3, 2, 3)


def test_orders_may_be_tensors() -> None:
    torch = pytest.importorskip("torch")
    p = [0.5, 0.25, 0.25]
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int16):
        one, several = torch.tensor(2, dtype=dtype), torch.tensor([1, 2], dtype=dtype)
        assert renyi_entropy(p, one) == renyi_entropy(p, 2)
        np.testing.assert_array_equal(renyi_entropy(p, several), renyi_entropy(p, [1, 2]))
    learnt = torch.tensor(0.5, requires_grad=True)
    assert renyi_entropy(p, learnt) == renyi_entropy(p, 0.5)
    with pytest.raises(ValueError, match=r"alpha must be an order of at least 0, .* got -1"):
        renyi_entropy(p, torch.tensor(-1, dtype=torch.bfloat16))


def test_whole_orders_of_any_size() -> None:
    p = [0.5, 0.25, 0.25]
    assert renyi_entropy(p, 10**400) == renyi_entropy(p, math.inf)
    with pytest.raises(TypeError, match=r"alpha must be a number .* got -10{10,20}\.\.\.0+\. Pass"):
        renyi_entropy(p, -(10**400))
    assert renyi_entropy(p, np.longdouble(2)) == renyi_entropy(p, 2)
    with pytest.raises(ValueError, match="alpha must be a rectangular array"):
        renyi_entropy(p, [1, [2, 3]])
