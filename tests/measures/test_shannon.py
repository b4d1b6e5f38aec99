"""Entropy, joint, cross and conditional entropy against the oracle and worked examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from measures.measure_cases import (
    LOGITS_RELATIVE,
    close,
    distributions,
    joints,
    logit_pairs,
    pairs,
    same,
)
from oracles import measures as oracle

from infotheory.measures import conditional_entropy, cross_entropy, entropy, joint_entropy
from infotheory.measures._terms import dots

# ------------------------------------------------------------------------------------- the oracle


@given(distributions())
def test_entropy(p: Any) -> None:
    assert same(entropy(p), oracle.entropy(p.tolist()))


@given(pairs())
def test_cross_entropy(pair: Any) -> None:
    p, q = pair
    assert same(cross_entropy(p, q), oracle.cross_entropy(p.tolist(), q.tolist()))


@given(joints())
def test_conditional_entropy(joint: Any) -> None:
    assert same(conditional_entropy(joint), oracle.conditional_entropy(joint.tolist()))


@given(joints(3))
def test_joint_entropy(joint: Any) -> None:
    expected = oracle.entropy(joint.tolist())
    assert same(joint_entropy(joint), expected)  # by default every axis is a variable
    assert same(joint_entropy(joint, n_variables=3), expected)
    assert same(joint_entropy(joint[None], n_variables=3)[0], expected)


@given(logit_pairs())
def test_logits(pair: Any) -> None:
    p, q = pair
    for found, expected in (
        (entropy(p, kind="logits"), oracle.entropy(p.tolist(), "logits")),
        (
            cross_entropy(p, q, kind="logits"),
            oracle.cross_entropy(p.tolist(), q.tolist(), "logits"),
        ),
    ):
        assert same(found, expected, LOGITS_RELATIVE, 1e-300)


@given(logit_pairs())
def test_conditional_entropy_of_logits(pair: Any) -> None:
    joint = np.stack(pair)
    found = conditional_entropy(joint, kind="logits")
    # Where two symbols of X are alike given Y, ln 2 of that share is exact; where one is certain,
    # probabilities below 1e-308 lose digits.
    assert same(
        found, oracle.conditional_entropy(joint.tolist(), "logits"), LOGITS_RELATIVE, 1e-300
    )


# ---------------------------------------------------------------------------------- known values


def test_entropy_of_a_worked_example() -> None:
    # Cover and Thomas, example 1.1.2: eight horses.
    horses = [1 / 2, 1 / 4, 1 / 8, 1 / 16, *[1 / 64] * 4]
    assert entropy(horses, base=2) == 2.0


def test_joint_and_conditional_entropy_of_a_worked_example() -> None:
    # Cover and Thomas, example 2.2.1: H(X, Y) = 27/8, H(X|Y) = 11/8, H(Y|X) = 13/8 bits, with
    # columns of X and rows of Y.
    table = np.array(
        [
            [1 / 8, 1 / 16, 1 / 32, 1 / 32],
            [1 / 16, 1 / 8, 1 / 32, 1 / 32],
            [1 / 16, 1 / 16, 1 / 16, 1 / 16],
            [1 / 4, 0, 0, 0],
        ]
    )
    assert joint_entropy(table.T, base=2) == close(27 / 8, 1e-15)
    assert conditional_entropy(table.T, base=2) == close(11 / 8, 1e-15)
    assert conditional_entropy(table, base=2) == close(13 / 8, 1e-15)


def test_probabilities_that_underflow_keep_their_share() -> None:
    # p = e^-700 (a double) and 1 - p: H = p (700 + 1 - p / 2 ...) = 701 p to the last digit.
    assert entropy([0.0, -700.0], kind="logits") == close(701 * math.exp(-700), 1e-13)
    found = cross_entropy([0.0, -math.inf], [0.0, -700.0], kind="logits")
    assert found == close(math.exp(-700), 1e-13)
    # e^-800 is none; its entropy is none either, and not nan.
    assert entropy([0.0, -800.0], kind="logits") == 0.0
    assert cross_entropy([-800.0, 0.0], [0.0, -900.0], kind="logits") == 900.0
    assert cross_entropy([-800.0, 0.0], [-math.inf, 0.0], kind="logits") == math.inf


def test_an_almost_certain_symbol() -> None:
    # 1e-20 is lost beside one, but not in the entropy: p (1 - ln p) to the last digit.
    expected = 1e-20 * (1 + 20 * math.log(10))
    assert entropy([1e-20, 1.0]) == close(expected, 1e-14)
    assert cross_entropy([0.0, 1.0], [1e-20, 1.0]) == close(1e-20, 1e-14)
    assert conditional_entropy([[1e-20, 0.5], [0.5, 0.0]]) == close(
        1e-20 * (1 + math.log(0.5e20)), 1e-14
    )


@pytest.mark.parametrize(
    "found",
    [
        entropy([1.0]),
        entropy([0.0, 1.0]),
        entropy([0.0, -math.inf], kind="logits"),
        cross_entropy([0.0, 1.0], [0.0, 1.0]),
        conditional_entropy([[0.5, 0.0], [0.0, 0.5]]),
        joint_entropy([[1.0]]),
    ],
)
def test_certainty_is_a_zero_without_a_sign(found: float) -> None:
    assert found == 0.0
    assert math.copysign(1.0, found) == 1.0


# --------------------------------------------------------------------------- what is handed back


def test_single_precision_is_normalised() -> None:
    thirds = np.full(3, 1 / 3, dtype=np.float32)
    assert entropy(thirds) == close(math.log(3), 1e-15)
    assert cross_entropy(thirds, thirds) == close(math.log(3), 1e-15)
    assert joint_entropy([thirds, 0 * thirds]) == close(math.log(3), 1e-15)


def test_an_empty_batch() -> None:
    assert entropy(np.empty((0, 3))).shape == (0,)
    assert cross_entropy(np.empty((0, 3)), [0.5, 0.5, 0.0]).shape == (0,)
    assert conditional_entropy(np.empty((4, 0, 3, 2))).shape == (4, 0)


def test_a_batch_is_each_of_its_distributions() -> None:
    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.ones(4), (3, 1)), rng.dirichlet(np.ones(4), 5)
    q[0] = p[0, 0]
    found = cross_entropy(p, q)
    assert found.shape == (3, 5)
    for i, j in np.ndindex(3, 5):
        assert found[i, j] == cross_entropy(p[i, 0], q[j])
    joint = rng.dirichlet(np.ones(6), (2, 3)).reshape(2, 3, 2, 3)
    joint[0, 0] = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    conditional = conditional_entropy(joint)
    for i, j in np.ndindex(2, 3):
        assert conditional[i, j] == conditional_entropy(joint[i, j])


def test_many_symbols_add_up() -> None:
    """Numbers added one by one would be off by some 6e-13 of ten thousand, all alike."""
    p = np.full(10**4, 1e-4)
    assert entropy(p) == close(4 * math.log(10), 5e-14)
    assert cross_entropy(p, p) == close(4 * math.log(10), 5e-14)


@pytest.mark.parametrize("size", [1, 1024, 1025, 1536, 2000])
def test_sums_in_pieces(size: int) -> None:
    """Of whole numbers, so that every order gives the same."""
    a = np.arange(3.0 * size).reshape(3, size, 1) % 97
    b = np.arange(1.0 * size).reshape(1, size, 1) % 89
    expected = (a * b).sum(axis=(1, 2))
    assert dots(a, b).tolist() == expected.tolist()
    assert dots(b, a).tolist() == expected.tolist()


def test_labels_of_rows_are_kept() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[0.5, 0.5], [1.0, 0.0]], index=["coin", "brick"])
    assert cross_entropy(frame, frame, base=2).to_dict() == {"coin": 1.0, "brick": 0.0}


# -------------------------------------------------------------------------------------- refusals


def test_joint_distributions_have_axes() -> None:
    with pytest.raises(ValueError, match="joint must have at least 2 axes, one a variable"):
        conditional_entropy([0.5, 0.5])
    with pytest.raises(ValueError, match="joint must have at least 3 axes, one a variable"):
        joint_entropy([[0.5, 0.5]], n_variables=3)
    with pytest.raises(ValueError, match="n_variables must be a positive integer"):
        joint_entropy([[0.5, 0.5]], n_variables=0)
    with pytest.raises(ValueError, match=r"joint must have sum one over the last 2 axes; got 2"):
        conditional_entropy([[0.5, 0.5], [0.5, 0.5]])


def test_probabilities_and_options_are_checked() -> None:
    with pytest.raises(ValueError, match=r"p must be probabilities.*; got -0.5 at p\[1\]"):
        entropy([1.5, -0.5])
    with pytest.raises(ValueError, match=r"q must have sum one over the last axis; got 1.5"):
        cross_entropy([0.5, 0.5], [1.0, 0.5])
    with pytest.raises(ValueError, match="base must be None"):
        entropy([0.5, 0.5], base=1)
    with pytest.raises(ValueError, match="kind must be one of 'logits', 'probs', 'log_probs'"):
        entropy([0.5, 0.5], kind="counts")
