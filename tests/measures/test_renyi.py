"""Rényi and Tsallis quantities against many-digit arithmetic, worked examples and refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.renyi_cases import ORDERS, close, distributions, orders, pairs
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

LN2 = math.log(2)

# Plain sums have at most 6 terms whose exponents, up to 30 times the order, are off by some units
# of rounding; they serve where the logarithm is at least 0.05: 40 * 1.1e-16 / 0.05 of it. Twice.
RELATIVE = 2e-13

# p = (1/2, 1/4, 1/8, 1/8): order, H, D from uniform, Tsallis. From 50-digit arithmetic.
WORKED = (
    (0, 1.3862943611198906, 0.0, 3.0),
    (0.1, 1.3688919697032185, 0.0174023914166722, 2.697875941717114),
    (0.5, 1.2986137317871613, 0.0876806293327293, 1.82842712474619),
    (0.9, 1.2296728383698408, 0.1566215227500498, 1.308474233536344),
    (0.999999, 1.2130077311356435, 0.1732866299842472, 1.2130084668298189),
    (1, 1.2130075659799042, 0.1732867951399863, 1.2130075659799042),
    (1.000001, 1.2130074008241964, 0.1732869602956942, 1.2130066651310167),
    (2, 1.0678406300013560, 0.3184537311185346, 0.65625),
    (5, 0.8582680239952337, 0.5280263371246569, 0.2419281005859375),
    (50, 0.7072930413876993, 0.6790013197321914, 0.0204081632653063),
    (math.inf, 0.6931471805599453, 0.6931471805599453, 0.0),
)


# ---------------------------------------------------------------------------------- the oracle


@given(distributions(), orders)
def test_entropy_is_that_of_many_digits(p: Any, alpha: float) -> None:
    want = oracle.entropy(oracle.normalised(p), alpha)
    # At order 1 a term far smaller than the rest may lose some of its own digits.
    assert close(renyi_entropy(p, alpha), want, RELATIVE)


@given(pairs(), orders)
def test_divergence_is_that_of_many_digits_however_close_the_laws(case: Any, alpha: float) -> None:
    p, q = case
    want = oracle.divergence(oracle.normalised(p), oracle.normalised(q), alpha)
    # Normalising makes the laws differ by 1e-16 even where they are equal in exact arithmetic;
    # what that does to a divergence is of the second order, but for the extreme orders.
    absolute = 1e-15 if alpha in (0.0, math.inf) or alpha > 100 else 1e-30
    assert close(renyi_divergence(p, q, alpha), want, RELATIVE, absolute)


@given(distributions(), orders)
def test_power_quantities_are_those_of_many_digits(p: Any, alpha: float) -> None:
    exact = oracle.normalised(p)
    want = oracle.entropy(exact, alpha)
    if alpha == math.inf:
        assert tsallis_entropy(p, alpha) == 0.0
        assert power_sum(p, alpha) == (1.0 if want == 0 else 0.0)
        return
    u = sum(v ** oracle.mp.mpf(alpha) for v in exact if v > 0)
    # The exponential of (1 - alpha) H, which is at most 1000 * 30 in size.
    assert close(power_sum(p, alpha), u, RELATIVE * max(1.0, abs(1 - alpha) * float(want)), 1e-300)
    tsallis = want if alpha == 1 else (1 - u) / (oracle.mp.mpf(alpha) - 1)
    assert close(tsallis_entropy(p, alpha), tsallis, RELATIVE)


@given(distributions(), orders)
def test_escorts_are_those_of_many_digits(p: Any, alpha: float) -> None:
    want = oracle.escort(oracle.normalised(p), alpha)
    if alpha == math.inf:  # normalising may tell apart what is equal
        want = oracle.escort(oracle.normalised([float(v) for v in p]), alpha)
    for log in (False, True):
        found = power_transform(p, alpha, log=log)
        for v, w in zip(np.exp(found) if log else found, want, strict=True):
            # Exponents are at most 1000 * 30 in size, off by some units of rounding.
            assert close(v, w, 2e-11, 1e-300)


@pytest.mark.parametrize("alpha", ORDERS)
@pytest.mark.parametrize("exponent", [-17, -100, -250])
def test_small_entropies_keep_their_digits(alpha: float, exponent: int) -> None:
    p = [1.0, 10.0**exponent, 3 * 10.0**exponent]
    want = oracle.entropy(oracle.normalised(p, digits=800), alpha)
    # Exponents of up to 600 are off by half a unit of rounding each.
    assert close(renyi_entropy(p, alpha), want, 2e-13, 1e-300)


@pytest.mark.parametrize("alpha", [0.5, 0.999, 1.0, 1.001, 2.0, 50.0, math.inf])
@pytest.mark.parametrize("gap", [30.0, 700.0])
def test_logits_far_apart_keep_their_digits(alpha: float, gap: float) -> None:
    logits = [0.0, -gap]
    want = oracle.entropy(oracle.softmax(logits, digits=800), alpha)
    # e^-700 has a relative error of 700 units of rounding.
    assert close(renyi_entropy(logits, alpha, kind="logits"), want, 4e-13)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 0.999, 1.0, 1.001, 2.0, 9.0])
def test_divergence_from_a_law_that_underflows(alpha: float) -> None:
    p, q = [0.0, -900.0, -1.0], [-900.0, 0.0, -1.0]
    exact_p, exact_q = (oracle.softmax(z, digits=1000) for z in (p, q))
    want = oracle.divergence(exact_p, exact_q, alpha)
    assert close(renyi_divergence(p, q, alpha, kind="logits"), want, RELATIVE)


@pytest.mark.parametrize("alpha", [0.3, 0.999, 1.5, 8.0, 50.0, 1000.0])
@pytest.mark.parametrize("change", [-0.4, -1e-2, 1e-5, 1e-3, 0.2, 0.45])
def test_laws_that_differ_in_a_rare_symbol_only(alpha: float, change: float) -> None:
    """Powers of its ratio are large or small, and yet the divergence is tiny."""
    p, q = ([1 - rare, rare] for rare in (1e-9, 1e-9 * (1 + change)))
    want = oracle.divergence(oracle.normalised(p), oracle.normalised(q), alpha)
    assert close(renyi_divergence(p, q, alpha), want, RELATIVE)


def test_a_rare_symbol_with_few_digits_may_decide_the_extreme_order() -> None:
    """The exponential of -740 is known to one digit, its logarithm to all."""
    found = renyi_divergence([0.0, -740.0], [0.0, -740.25], math.inf, kind="logits")
    assert found == pytest.approx(0.25, rel=1e-12)  # half a unit of rounding of 740


def test_powers_that_underflow_are_not_missed() -> None:
    uniform = np.full(1000, 1e-3)
    found = renyi_entropy(uniform, [150, 1e4, 1e9, 1e200, 1.7e308])
    np.testing.assert_allclose(found, math.log(1000), rtol=1e-14)  # some units of rounding
    np.testing.assert_allclose(power_transform(uniform, 1e9), uniform, rtol=1e-6)


def test_divergence_whose_powers_overflow() -> None:
    p, q = [0.5, 0.5], [1e-9, 1 - 1e-9]
    want = oracle.divergence(oracle.normalised(p), oracle.normalised(q), 500)
    assert close(renyi_divergence(p, q, 500), want, RELATIVE)


def test_many_symbols() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(400), size=2)
    for alpha in (0.3, 0.5, 1.001, 2, 7, 12.5):
        # Sums of 400 terms: 20 units of rounding at random, in a logarithm of some tenths.
        want = oracle.entropy(oracle.normalised(p), alpha)
        assert close(renyi_entropy(p, alpha), want, 1e-13)
        want = oracle.divergence(oracle.normalised(p), oracle.normalised(q), alpha)
        assert close(renyi_divergence(p, q, alpha), want, 1e-13)


# --------------------------------------------------------------------------------- known values


@pytest.mark.parametrize(("alpha", "h", "d", "s"), WORKED)
def test_worked_example(alpha: float, h: float, d: float, s: float) -> None:
    p = [0.5, 0.25, 0.125, 0.125]
    # The values are printed to 16 digits.
    assert renyi_entropy(p, alpha) == pytest.approx(h, rel=1e-15)
    assert renyi_divergence(p, [0.25] * 4, alpha) == pytest.approx(d, rel=1e-14)
    assert tsallis_entropy(p, alpha) == pytest.approx(s, rel=1e-14)


def test_worked_escorts() -> None:
    p = [0.5, 0.25, 0.125, 0.125]
    half = [0.36939806251813, 0.26120387496374, 0.18469903125907, 0.18469903125907]
    np.testing.assert_allclose(power_transform(p, 0.5), half, rtol=3e-14)  # as printed
    np.testing.assert_allclose(power_transform(p, 2), [8 / 11, 2 / 11, 1 / 22, 1 / 22], rtol=1e-15)
    np.testing.assert_array_equal(power_transform([0.5, 0.5, 0.0], 0), [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(power_transform([0.4, 0.4, 0.2], math.inf), [0.5, 0.5, 0.0])


def test_worked_example_with_zeros() -> None:
    p, q = [0.7, 0.3, 0.0, 0.0], [0.2, 0.3, 0.4, 0.1]
    found = renyi_divergence(p, q, [0, 0.5, 1, 2, 5, math.inf])
    want = [
        LN2,
        0.7885585904337006,
        0.8769340779467575,
        1.0116009116784797,
        1.1643072031085835,
        1.2527629684953678,
    ]
    np.testing.assert_allclose(found, want, rtol=1e-15)
    assert renyi_entropy(p, 2) == pytest.approx(0.5447271754416722, rel=1e-15)
    back = renyi_divergence(q, p, [0.0, 0.5, 0.99, 1.0, 2.0, math.inf])
    assert np.isfinite(back[:3]).all()
    assert (back[3:] == math.inf).all()


@pytest.mark.parametrize("alpha", ORDERS)
def test_disjoint_laws_are_infinitely_far_apart(alpha: float) -> None:
    assert renyi_divergence([1.0, 0.0], [0.0, 1.0], alpha) == math.inf


@pytest.mark.parametrize("alpha", [*ORDERS[1:], 0.0])
def test_equal_laws_and_certain_laws_give_a_plain_zero(alpha: float) -> None:
    sure = [1.0, 0.0]
    zeros = (
        renyi_divergence([0.2, 0.8], [0.2, 0.8], alpha),
        renyi_entropy(sure, alpha),
        tsallis_entropy(sure, alpha),
    )
    for found in zeros:
        assert found == 0.0
        assert math.copysign(1.0, found) == 1.0
    assert power_sum([0.0, 1.0], alpha) == 1.0


def test_orders_one_are_shannon_s() -> None:
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.ones(5), size=(2, 7))
    np.testing.assert_array_equal(renyi_entropy(p, 1), entropy(p))
    np.testing.assert_array_equal(renyi_divergence(p, q, 1), kl_divergence(p, q))


# ------------------------------------------------------------------------------ shapes and kinds


def test_batches_and_orders_are_the_single_results() -> None:
    rng = np.random.default_rng(2)
    p, q = rng.dirichlet(np.ones(4), size=(2, 3)), rng.dirichlet(np.ones(4), size=3)
    alphas = [0.5, 1, 2.5]
    assert renyi_entropy(p, alphas).shape == (2, 3, 3)
    assert renyi_divergence(p, q, alphas).shape == (2, 3, 3)
    assert power_transform(p, alphas).shape == (2, 3, 3, 4)
    for i, j, k in np.ndindex(2, 3, 3):
        one, other, alpha = p[i, j], q[j], alphas[k]
        # A row of many and the row alone are summed in the same order, to a unit of rounding.
        assert renyi_entropy(p, alphas)[i, j, k] == pytest.approx(
            renyi_entropy(one, alpha), rel=1e-15
        )
        assert renyi_divergence(p, q, alphas)[i, j, k] == pytest.approx(
            renyi_divergence(one, other, alpha), rel=1e-14
        )
        np.testing.assert_allclose(
            power_transform(p, alphas)[i, j, k], power_transform(one, alpha), rtol=1e-15
        )


def test_one_law_against_many() -> None:
    p, q = np.array([0.2, 0.8]), np.array([[0.2, 0.8], [0.5, 0.5], [0.200001, 0.799999]])
    for alpha in (0.3, 0.999999, 2.0):
        np.testing.assert_allclose(
            renyi_divergence(p, q, alpha), [renyi_divergence(p, row, alpha) for row in q]
        )
        np.testing.assert_allclose(
            renyi_divergence(q, p, alpha), [renyi_divergence(row, p, alpha) for row in q]
        )


def test_more_rows_than_a_block_holds() -> None:
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(40), size=(2, 4000))
    chosen = [0, 1637, 1638, 3999]
    for alpha in (0.99, 2, 3.5):
        np.testing.assert_allclose(renyi_entropy(p, alpha)[chosen], renyi_entropy(p[chosen], alpha))
        np.testing.assert_allclose(
            renyi_divergence(p, q, alpha)[chosen], renyi_divergence(p[chosen], q[chosen], alpha)
        )


@given(pairs(), orders)
def test_the_three_kinds_agree(case: Any, alpha: float) -> None:
    p, q = case
    with np.errstate(divide="ignore"):
        logs = np.log(p), np.log(q)
    shifted = logs[0] + 3.0, logs[1] - 2.0
    h, d = renyi_entropy(p, alpha), renyi_divergence(p, q, alpha)
    for kind, (x, y) in (("log_probs", logs), ("logits", shifted)):
        # Logarithms up to 30 in size are off by half a unit of rounding, 2e-15.
        assert close(renyi_entropy(x, alpha, kind=kind), h, RELATIVE, 1e-14)
        # Ratios are off by twice that and divergences from them by its product with their root;
        # the largest order comes near that root itself.
        assert close(renyi_divergence(x, y, alpha, kind=kind), d, 1e-11, 1e-13)
        np.testing.assert_allclose(
            power_transform(x, min(alpha, 50), kind=kind), power_transform(p, min(alpha, 50)), 1e-11
        )


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_single_and_half_precision_are_widened(dtype: Any) -> None:
    p = np.array([0.1, 0.2, 0.7], dtype)
    wide = p.astype(np.float64) / p.astype(np.float64).sum()
    for alpha in (0.5, 0.999, 2, 2.5):
        assert renyi_entropy(p, alpha) == pytest.approx(renyi_entropy(wide, alpha), rel=1e-14)
        q = p[::-1]
        want = renyi_divergence(wide, wide[::-1], alpha)
        assert renyi_divergence(p, q, alpha) == pytest.approx(want, rel=1e-13)


def test_base_and_labels() -> None:
    table = pd.DataFrame([[0.5, 0.5], [1.0, 0.0]], index=["fair", "sure"], columns=["h", "t"])
    assert renyi_entropy(table, 2, base=2).to_dict() == {"fair": 1.0, "sure": 0.0}
    found = renyi_divergence(table, [0.5, 0.5], 2, base=2)
    assert found.round(12).to_dict() == {"fair": 0.0, "sure": 1.0}
    sharper = power_transform(table, 2)
    assert list(sharper.index) == ["fair", "sure"]
    assert list(sharper.columns) == ["h", "t"]
    assert power_transform(table.loc["fair"], 2).to_dict() == {"h": 0.5, "t": 0.5}
    assert power_transform(table, [1, 2]).shape == (2, 2, 2)


@given(distributions(), st.sampled_from([0.5, 1.0, 2.0]))
def test_zeros_may_be_added_and_symbols_exchanged(p: Any, alpha: float) -> None:
    longer = np.concatenate([p[::-1], [0.0, 0.0]])
    assert close(renyi_entropy(longer, alpha), renyi_entropy(p, alpha), RELATIVE)


# ------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("function", [renyi_entropy, tsallis_entropy, power_sum, power_transform])
def test_orders_that_are_refused(function: Any) -> None:
    p = [0.5, 0.5]
    wrong = "alpha must be an order of at least 0, infinity included; got "
    with pytest.raises(ValueError, match=wrong + "-1. alpha=1 is Shannon's."):
        function(p, -1)
    with pytest.raises(ValueError, match=wrong + "nan."):
        function(p, math.nan)
    with pytest.raises(ValueError, match=wrong + r"-0.5 at alpha\[1\]."):
        function(p, [1, -0.5])
    for alpha in ("2", None, True, 1j):
        with pytest.raises(TypeError, match="alpha must be a number or a sequence of numbers; got"):
            function(p, alpha)
    for alpha in ([], [[1.0]]):
        with pytest.raises(ValueError, match=r"alpha must be one order or a list of some; got sha"):
            function(p, alpha)


def test_laws_that_are_refused() -> None:
    with pytest.raises(ValueError, match=r"p must be probabilities, .* got -0.5 at p\[0\]"):
        renyi_entropy([-0.5, 1.5], 2)
    with pytest.raises(ValueError, match="p must have sum one over the last axis; got"):
        power_transform([0.5, 0.6], 2)
    with pytest.raises(ValueError, match=r"q must have as many symbols as p \(2\); got 3"):
        renyi_divergence([0.5, 0.5], [0.5, 0.25, 0.25], 2)
    with pytest.raises(ValueError, match="kind must be one of 'logits', 'probs', 'log_probs'"):
        renyi_entropy([0.5, 0.5], 2, kind="counts")
    with pytest.raises(ValueError, match="base must be None"):
        renyi_entropy([0.5, 0.5], 2, base=1)
