"""Conditional Rényi entropies, Arimoto's and Sibson's information."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.renyi_cases import ORDERS, channels, close, distributions, joints, orders
from oracles import renyi as oracle

from infotheory.measures import (
    arimoto_mutual_information,
    conditional_entropy,
    conditional_renyi_entropy,
    mutual_information,
    power_transform,
    renyi_divergence,
    renyi_entropy,
    sibson_centre,
    sibson_mutual_information,
)

DEFINITIONS = ("arimoto", "hayashi", "average", "chain_rule")
JOINT = [[0.4, 0.1], [0.2, 0.3]]
SLACK = 1e-11

# As for single laws: 2e-13 of the larger of the result and 0.05, where plain sums begin.
RELATIVE, ABSOLUTE = 2e-13, 1e-14


# ---------------------------------------------------------------------------------- the oracle


@given(joints(), orders, st.sampled_from(DEFINITIONS))
def test_conditional_entropy_is_that_of_many_digits(
    joint: Any, alpha: float, definition: str
) -> None:
    want = oracle.conditional_entropy(oracle.joint_of(joint), alpha, definition)
    found = conditional_renyi_entropy(joint, alpha, definition=definition)
    assert close(found, want, RELATIVE, ABSOLUTE)


@given(joints(), orders)
def test_information_is_that_of_many_digits(joint: Any, alpha: float) -> None:
    exact = oracle.joint_of(joint)
    # Marginals are off by 1e-16 of themselves. Sums of squares of ratios near one feel that to the
    # second order, the extreme orders directly; 4e-30 / 1e-13 of them is the size of the squares.
    absolute = 1e-14 if alpha in (0.0, math.inf) or alpha > 10 else 1e-26
    assert close(
        sibson_mutual_information(joint, alpha), oracle.sibson(exact, alpha), 1e-12, absolute
    )
    # The power transform of order 1000 multiplies errors by as much.
    share = 1e-12 * max(1.0, alpha if alpha < math.inf else 1.0)
    assert close(
        arimoto_mutual_information(joint, alpha), oracle.arimoto(exact, alpha), share, absolute
    )


@given(joints(), orders)
def test_the_centre_is_that_of_many_digits(joint: Any, alpha: float) -> None:
    if alpha == 0:
        return
    powers = oracle.centre_powers(oracle.joint_of(joint), alpha)
    want = [float(v / sum(powers)) for v in powers]
    # Below order one, powers of 1/alpha multiply what sums are off by.
    rtol = 1e-12 + 1e-15 / alpha
    np.testing.assert_allclose(sibson_centre(joint, alpha), want, rtol=rtol, atol=1e-300)


@pytest.mark.parametrize("alpha", [0.01, 0.5, 0.999, 1.0, 1.001, 2.0, 50.0])
@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9])
def test_almost_independent_variables_keep_the_digits_of_their_information(
    alpha: float, size: float
) -> None:
    joint = np.outer([0.2, 0.3, 0.5], [0.6, 0.4]) * (
        1 + size * np.array([[1, -2], [3, 5], [-4, 7]])
    )
    joint /= joint.sum()
    exact = oracle.joint_of(joint)
    # Marginals are rounded: (1e-16 / size)^2 of the information, and some units of rounding.
    share = 1e-12 + 10 * (1e-16 / size) ** 2
    assert close(sibson_mutual_information(joint, alpha), oracle.sibson(exact, alpha), share)
    assert close(arimoto_mutual_information(joint, alpha), oracle.arimoto(exact, alpha), share * 20)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.999, 1.0, 1.5, 30.0, math.inf])
def test_logits_whose_probabilities_underflow(alpha: float) -> None:
    """The first input is all but impossible, and yet the one that leaks most."""
    logits = np.array([[-800.0, -math.inf], [-2.0, -1.0], [0.0, -1.5]])
    mp_joint = [oracle.softmax(logits.ravel(), digits=900)[i : i + 2] for i in (0, 2, 4)]
    want = oracle.sibson(mp_joint, alpha)
    assert close(sibson_mutual_information(logits, alpha, kind="logits"), want, 1e-12, 1e-15)
    for definition in DEFINITIONS:
        want = oracle.conditional_entropy(mp_joint, alpha, definition)
        found = conditional_renyi_entropy(logits, alpha, definition=definition, kind="logits")
        assert close(found, want, RELATIVE, ABSOLUTE)


@pytest.mark.parametrize("rare", [1e-3, 1e-9, 1e-18, 1e-280])
def test_small_leakage_keeps_its_digits(rare: float) -> None:
    """The outputs of all inputs are almost certain, or those of the likelier ones."""
    for joint in (
        [[0.0, rare], [rare, 1 - 2 * rare]],
        [[rare, 0.5 - rare], [0.0, 0.5]],
        [[0.0, 0.5 - 2 * rare, 2 * rare], [0.0, 0.0, 0.0], [rare, 0.5 - rare, 0.0]],
        [[0.1 * rare, 0.9 * rare], [rare, 1 - 2 * rare]],
    ):
        # Rows are sums of a rare and a likely entry: in as many digits as the rarest has.
        exact = oracle.normalised(np.ravel(joint).tolist(), digits=700)
        width = len(joint[0])
        rows = [exact[i : i + width] for i in range(0, len(exact), width)]
        # Some ten roundings, none of them followed by a difference but of terms far apart.
        found = sibson_mutual_information(np.array(joint), math.inf)
        assert close(found, oracle.sibson(rows, math.inf), 1e-15)


def test_leakage_below_the_rounding_of_one() -> None:
    joint = np.array([[0.3, 3e-17], [0.5, 5.25e-17], [0.2, 2.08e-17]])
    want = oracle.sibson(oracle.joint_of(joint), math.inf)
    # A difference, 5e-18, of two numbers of 1e-16 that are off by three roundings each.
    assert close(sibson_mutual_information(joint, math.inf), want, 2e-14)


# --------------------------------------------------------------------------------- known values


def test_worked_example_of_two_inputs() -> None:
    """From 50-digit arithmetic; X is uniform, so both informations agree."""
    found = conditional_renyi_entropy(JOINT, [0.5, 1, 2, math.inf])
    want = [0.6481998062995913, 0.6068425588244111, 0.5398379189549596, 0.3566749439387323]
    np.testing.assert_allclose(found, want, rtol=1e-15)
    want = [
        0.0449473742603540,
        0.0863046217355343,
        0.1533092616049857,
        0.2521438162734202,
        0.3364722366212129,
    ]
    for function in (sibson_mutual_information, arimoto_mutual_information):
        np.testing.assert_allclose(function(JOINT, [0.5, 1, 2, 5, math.inf]), want, rtol=4e-15)


def test_processing_the_input_may_raise_arimoto_information() -> None:
    """X' uniform on ten symbols and X = Y = 1{X' = 9}, order 5."""
    fine = np.zeros((10, 2))
    fine[:9, 0], fine[9, 1] = 0.1, 0.1
    assert arimoto_mutual_information(fine, 5) == pytest.approx(0.5953747916, abs=5e-11)
    coarse = [[0.9, 0.0], [0.0, 0.1]]
    found = arimoto_mutual_information(coarse, 5)
    assert found == pytest.approx(0.1316964108, abs=5e-11)
    assert found == pytest.approx(renyi_entropy([0.9, 0.1], 5), rel=1e-14)
    assert sibson_mutual_information(fine, 5) >= sibson_mutual_information(coarse, 5)


def test_order_zero_and_order_infinity_by_hand() -> None:
    joint = [[0.3, 0.0, 0.2], [0.0, 0.1, 0.4]]
    assert sibson_mutual_information(joint, 0) == 0.0  # the third output is reached from both
    apart = [[0.3, 0.2, 0.0], [0.0, 0.0, 0.5]]
    assert sibson_mutual_information(apart, 0, base=2) == pytest.approx(1.0, rel=1e-15)
    assert conditional_renyi_entropy(joint, 0, base=2) == pytest.approx(1.0, rel=1e-15)
    assert sibson_mutual_information(apart, math.inf, base=2) == pytest.approx(1.0, rel=1e-15)
    # The best guess of X without Y is the second symbol (0.5), with Y right in 0.3 + 0.1 + 0.4.
    assert arimoto_mutual_information(joint, math.inf) == pytest.approx(math.log(1.6), rel=1e-15)
    # A guess that Y never changes: no gain, though X and Y depend on one another.
    stubborn = [[0.4, 0.3], [0.1, 0.2]]
    assert arimoto_mutual_information(stubborn, math.inf) == 0.0
    assert mutual_information(stubborn) > 0.01


def test_orders_next_to_the_limits_go_over_into_them() -> None:
    joint = [[0.3, 0.0, 0.2], [0.0, 0.1, 0.4]]
    for definition in DEFINITIONS:
        found = conditional_renyi_entropy(joint, [0, 1e-300], definition=definition)
        assert found[0] == pytest.approx(found[1], rel=1e-15)
        found = conditional_renyi_entropy(joint, [1e280, math.inf], definition=definition)
        assert found[0] == pytest.approx(found[1], rel=1e-15)
    for function in (sibson_mutual_information, arimoto_mutual_information):
        found = function([[0.3, 0.2, 0.0], [0.0, 0.1, 0.4]], [0, 1e-300, 1e280, math.inf])
        assert found[0] == pytest.approx(found[1], rel=1e-15)
        assert found[2] == pytest.approx(found[3], rel=1e-15)
    # The mean's exponent times an entropy is beyond what can be stored.
    alone = np.full((8, 1), 1 / 8)
    assert conditional_renyi_entropy(alone, 6e-309) == pytest.approx(math.log(8), rel=1e-15)


def test_the_centre_by_hand() -> None:
    np.testing.assert_allclose(sibson_centre(JOINT, 1), [0.6, 0.4], rtol=1e-15)
    np.testing.assert_allclose(sibson_centre(JOINT, math.inf), [4 / 7, 3 / 7], rtol=1e-15)
    joint = [[0.3, 0.0, 0.2], [0.0, 0.1, 0.4]]
    np.testing.assert_array_equal(sibson_centre(joint, 0), [0.0, 0.0, 1.0])
    found = sibson_centre([[0.1, 0.2, 0.0], [0.3, 0.3, 0.1]], 0)  # p(y) on two of three outputs
    np.testing.assert_allclose(found, [4 / 9, 5 / 9, 0], rtol=1e-15)
    for alpha in (1e-3, 1e-12, 1e-300):  # a sum of powers of 1/alpha
        assert sibson_centre([[1, 0, 1], [0, 1, 0]] / np.float64(3), alpha).sum() == 1.0


def test_order_one_is_shannon_s() -> None:
    rng = np.random.default_rng(0)
    joint = rng.dirichlet(np.ones(6), size=4).reshape(4, 2, 3)
    want = conditional_entropy(joint)
    for definition in DEFINITIONS:
        found = conditional_renyi_entropy(joint, 1, definition=definition)
        np.testing.assert_allclose(found, want, rtol=1e-14)
    for function in (sibson_mutual_information, arimoto_mutual_information):
        np.testing.assert_array_equal(function(joint, 1), mutual_information(joint))


# ---------------------------------------------------------------------------------------- laws


@given(joints())
def test_conditional_entropy_lies_in_its_range_and_falls_with_the_order(joint: Any) -> None:
    h = conditional_renyi_entropy(joint, ORDERS)
    assert (h >= 0).all()
    assert (h <= renyi_entropy(joint.sum(axis=1), ORDERS) + SLACK).all()
    assert (np.diff(h) <= SLACK).all()


@given(joints(), orders)
def test_definitions_are_in_their_order(joint: Any, alpha: float) -> None:
    """Arimoto's is a maximum of which Hayashi's is one value."""
    arimoto = conditional_renyi_entropy(joint, alpha)
    assert conditional_renyi_entropy(joint, alpha, definition="hayashi") <= arimoto + SLACK


@given(joints(), st.sampled_from([0.3, 0.5, 0.96, 1.5, 2.0, 9.0]), st.data())
def test_two_definitions_are_divergences_from_uniform(joint: Any, alpha: float, data: Any) -> None:
    """-D_alpha(p(x,y) || q(y)/Kx) + ln Kx: Hayashi's at q(y) = p(y), less than Arimoto's at any."""
    kx, ky = joint.shape

    def at(q: Any) -> float:
        reference = np.broadcast_to(q / kx, (kx, ky)).ravel()
        return float(math.log(kx) - renyi_divergence(joint.ravel(), reference, alpha))

    hayashi = conditional_renyi_entropy(joint, alpha, definition="hayashi")
    assert abs(at(joint.sum(axis=0)) - hayashi) <= SLACK
    other = data.draw(distributions(ky))
    assert at(other) <= conditional_renyi_entropy(joint, alpha) + SLACK


@given(distributions(), distributions(), orders)
def test_independent_variables(p: Any, q: Any, alpha: float) -> None:
    joint = np.outer(p, q)
    for definition in DEFINITIONS:
        found = conditional_renyi_entropy(joint, alpha, definition=definition)
        assert abs(found - renyi_entropy(p, alpha)) <= SLACK
    # Products are rounded: 1e-16 each, whose squares count; the extreme orders feel them directly.
    most = 1e-15 * (1 if alpha in (0.0, math.inf) or alpha > 10 else 1e-13)
    assert 0 <= sibson_mutual_information(joint, alpha) <= most
    assert 0 <= arimoto_mutual_information(joint, alpha) <= most


@given(joints(), orders)
def test_arimoto_information_is_what_y_tells(joint: Any, alpha: float) -> None:
    h = renyi_entropy(joint.sum(axis=1), alpha)
    left = h - conditional_renyi_entropy(joint, alpha)
    assert abs(arimoto_mutual_information(joint, alpha) - left) <= SLACK


@given(joints(), st.sampled_from([0.01, 0.3, 0.5, 0.999, 1.001, 2.0, 9.0]))
def test_arimoto_information_is_sibson_s_of_the_escort_input(joint: Any, alpha: float) -> None:
    x = joint.sum(axis=1)
    joint, x = joint[x > 0], x[x > 0]
    other = power_transform(x, alpha)[:, None] * (joint / x[:, None])
    found = arimoto_mutual_information(joint, alpha)
    assert abs(found - sibson_mutual_information(other / other.sum(), alpha)) <= SLACK


@given(joints())
def test_sibson_information_grows_with_the_order_within_its_range(joint: Any) -> None:
    found = sibson_mutual_information(joint, ORDERS)
    assert (np.diff(found) >= -SLACK * found[1:] - 1e-15).all()
    supports = [np.count_nonzero(joint.sum(axis=axis)) for axis in (0, 1)]
    assert found[-1] <= math.log(min(supports)) + 1e-15
    assert (found >= 0).all()


@given(joints(), st.data(), orders)
def test_sibson_information_is_a_minimum_at_its_centre(joint: Any, data: Any, alpha: float) -> None:
    least = sibson_mutual_information(joint, alpha)

    def at(q: Any) -> float:
        return float(renyi_divergence(joint.ravel(), np.outer(x, q).ravel(), alpha))

    x = joint.sum(axis=1)
    assert abs(at(sibson_centre(joint, alpha)) - least) <= SLACK
    assert at(data.draw(distributions(joint.shape[1]))) >= least - SLACK


@given(joints(), st.data(), orders)
def test_processing_the_output_never_raises_information(
    joint: Any, data: Any, alpha: float
) -> None:
    after = joint @ data.draw(channels(joint.shape[1]))
    after /= after.sum()
    for function in (sibson_mutual_information, arimoto_mutual_information):
        assert function(after, alpha) <= function(joint, alpha) + SLACK


@given(joints(), st.data(), orders)
def test_processing_the_input_never_raises_sibson_information(
    joint: Any, data: Any, alpha: float
) -> None:
    after = data.draw(channels(joint.shape[0])).T @ joint
    after /= after.sum()
    found = sibson_mutual_information(after, alpha)
    assert found <= sibson_mutual_information(joint, alpha) + SLACK


# ------------------------------------------------------------------------------ shapes, refusals


def test_batches_and_orders_are_the_single_results() -> None:
    rng = np.random.default_rng(1)
    joint = rng.dirichlet(np.full(6, 0.5), size=(2, 3)).reshape(2, 3, 2, 3)
    joint[0, 0] = np.outer([0.5, 0.5], [0.2, 0.3, 0.5])
    alphas = [0.5, 1, 2]
    functions = (
        sibson_mutual_information,
        arimoto_mutual_information,
        conditional_renyi_entropy,
    )
    for function in functions:
        found = function(joint, alphas, base=2)
        assert found.shape == (2, 3, 3)
        for i, j, k in np.ndindex(2, 3, 3):
            one = function(joint[i, j], alphas[k]) / math.log(2)
            assert found[i, j, k] == pytest.approx(one, rel=1e-13, abs=1e-30)
    centres = sibson_centre(joint, alphas)
    assert centres.shape == (2, 3, 3, 3)
    np.testing.assert_allclose(centres[1, 2, 0], sibson_centre(joint[1, 2], 0.5), rtol=1e-14)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0, math.inf])
def test_batches_of_nothing(alpha: float) -> None:
    empty = np.zeros((0, 3, 2))
    for definition in DEFINITIONS:
        assert conditional_renyi_entropy(empty, alpha, definition=definition).shape == (0,)
    for function in (sibson_mutual_information, arimoto_mutual_information):
        assert function(empty, alpha).shape == (0,)
        assert function(empty, [alpha, 2, 3]).shape == (0, 3)
        assert function(np.zeros((4, 0, 3, 2)), alpha, kind="logits").shape == (4, 0)
    assert sibson_centre(empty, alpha).shape == (0, 2)
    assert sibson_centre(empty, [alpha, 2, 3]).shape == (0, 3, 2)


def test_the_names_of_x_are_not_given_to_other_things() -> None:
    table = pd.DataFrame(JOINT, index=["a", "b"], columns=["c", "d"])
    assert sibson_mutual_information(table, 2) == sibson_mutual_information(JOINT, 2)
    assert type(sibson_mutual_information(table, [1, 2])) is np.ndarray
    assert type(sibson_centre(table, 2)) is np.ndarray


@pytest.mark.parametrize(
    "function",
    [
        conditional_renyi_entropy,
        arimoto_mutual_information,
        sibson_mutual_information,
        sibson_centre,
    ],
)
def test_refusals(function: Any) -> None:
    with pytest.raises(ValueError, match="joint must have at least 2 axes, one a variable"):
        function([0.5, 0.5], 2)
    with pytest.raises(ValueError, match="alpha must be an order of at least 0, infinity included"):
        function(JOINT, -2)
    with pytest.raises(ValueError, match="joint must have sum one over the last 2 axes; got 2"):
        function(np.ones((2, 1)), 2)


def test_unknown_definitions_are_refused() -> None:
    names = "'arimoto', 'hayashi', 'average', 'chain_rule'"
    with pytest.raises(ValueError, match=f"definition must be one of {names}; got 'renner'"):
        conditional_renyi_entropy(JOINT, 2, definition="renner")
