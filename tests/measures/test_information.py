"""Information between variables against the oracle, worked examples and scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.measure_cases import (
    LOGITS_RELATIVE,
    RELATIVE,
    close,
    joints,
    logit_pairs,
    same,
    same_of_logits,
)
from oracles import measures as oracle

from infotheory.measures import (
    conditional_mutual_information,
    entropy,
    information_density,
    joint_entropy,
    mutual_information,
    normalized_mutual_information,
    variation_of_information,
)

# Marginals are rounded by some units; where that is all there is, its square remains.
INDEPENDENT = 1e-30
NORMALIZATIONS = ("arithmetic", "geometric", "min", "max", "joint")


# ------------------------------------------------------------------------------------- the oracle


@given(joints())
def test_mutual_information(joint: Any) -> None:
    expected = oracle.mutual_information(joint.tolist())
    assert same(mutual_information(joint), expected, absolute=INDEPENDENT)


@given(joints(3))
def test_conditional_mutual_information(joint: Any) -> None:
    expected = oracle.conditional_mutual_information(joint.tolist())
    assert same(conditional_mutual_information(joint), expected, absolute=INDEPENDENT)


@given(joints())
def test_variation_of_information(joint: Any) -> None:
    expected = oracle.variation_of_information(joint.tolist())
    assert same(variation_of_information(joint), expected)


@given(joints())
def test_information_density(joint: Any) -> None:
    found = information_density(joint)
    for place, expected in oracle.information_density(joint.tolist()).items():
        # Three logarithms of at most 100, and sums of four.
        assert same(found[place], expected, absolute=1e-13)


@given(logit_pairs())
def test_logits(pair: Any) -> None:
    joint = np.stack(pair)
    nested = joint.tolist()
    # Where probabilities underflow, so does what they contribute.
    expected = oracle.mutual_information(nested, "logits")
    found = mutual_information(joint, kind="logits")
    assert same_of_logits(found, expected)
    expected = oracle.conditional_mutual_information([nested], "logits")
    found = conditional_mutual_information(joint[None], kind="logits")
    assert same_of_logits(found, expected)
    expected = oracle.variation_of_information(nested, "logits")
    found = variation_of_information(joint, kind="logits")
    assert same(found, expected, LOGITS_RELATIVE, 1e-300)
    density = information_density(joint, kind="logits")
    for place, value in oracle.information_density(nested, "logits").items():
        assert same(density[place], value, absolute=1e-12)  # five roundings of 900


@given(joints(), st.sampled_from(NORMALIZATIONS))
def test_normalized_mutual_information(joint: Any, normalization: str) -> None:
    found = normalized_mutual_information(joint, normalization=normalization)
    nested = joint.tolist()
    x, y = (oracle.entropy_of_variable(nested, axis) for axis in range(2))
    if max(x, y) == 0:
        assert found == 1.0
        return
    scale = {
        "arithmetic": (x + y) / 2,
        "geometric": oracle.mp.sqrt(x * y),
        "min": min(x, y),
        "max": max(x, y),
        "joint": oracle.entropy(nested),
    }[normalization]
    expected = oracle.mutual_information(nested) / scale if scale > 0 else 0.0
    # An information of 1e-30 nats is not known to its digits, and is divided by entropies that
    # may be as small.
    slack = INDEPENDENT / float(scale) if scale > 0 else 0.0
    assert same(found, expected, 2 * RELATIVE, slack)
    assert 0.0 <= found <= 1.0


@pytest.mark.parametrize("normalization", ["arithmetic", "geometric", "min", "max"])
def test_normalized_mutual_information_of_labels_is_scikit_learns(normalization: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    for clusters in ((2, 3), (5, 5), (1, 4), (30, 7)):
        labels = [rng.integers(0, n, 200) for n in clusters]
        labels[1][:100] = labels[0][:100] % clusters[1]
        table = np.zeros(clusters)
        np.add.at(table, tuple(labels), 1 / 200)
        expected = metrics.normalized_mutual_info_score(*labels, average_method=normalization)
        found = normalized_mutual_information(table, normalization=normalization)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


# ---------------------------------------------------------------------------------- known values


def test_mutual_information_of_a_worked_example() -> None:
    # Cover and Thomas, example 2.2.1 with 2.4: I = 3/8 bit.
    table = np.array(
        [
            [1 / 8, 1 / 16, 1 / 32, 1 / 32],
            [1 / 16, 1 / 8, 1 / 32, 1 / 32],
            [1 / 16, 1 / 16, 1 / 16, 1 / 16],
            [1 / 4, 0, 0, 0],
        ]
    )
    assert mutual_information(table, base=2) == close(3 / 8, 1e-14)
    assert variation_of_information(table, base=2) == close(11 / 8 + 13 / 8, 1e-14)
    assert normalized_mutual_information(table, normalization="max") == close((3 / 8) / 2, 1e-14)


def test_a_symmetric_channel_with_little_noise_left() -> None:
    """Of inputs that are kept with probability (1 + d) / 2: I = sum d^2k / (2k (2k - 1))."""
    for power in (1, 10, 23, 40):
        d = 0.5**power  # so that (1 + d) / 4 and (1 - d) / 4 are exact
        joint = np.array([[1 + d, 1 - d], [1 - d, 1 + d]]) / 4
        expected = math.fsum(d ** (2 * k) / (2 * k * (2 * k - 1)) for k in range(1, 40))
        assert mutual_information(joint) == close(expected, 1e-13)


def test_small_information_is_not_a_difference_of_entropies() -> None:
    """Entropies of some 5 nats, off by 1e-15, would leave 2e-13 of a few thousandths."""
    rng = np.random.default_rng(7)
    for spread in [0.06] * 10 + [0.3] * 10:
        joint = np.exp(spread * rng.normal(size=(12, 12)))
        joint /= joint.sum()
        expected = float(oracle.mutual_information(joint.tolist()))
        assert 0.001 < expected < 0.05
        # Each term has some tens of roundings, and none is negative.
        assert mutual_information(joint) == close(expected, 1e-14)


def test_exclusive_or_and_a_common_cause() -> None:
    parity, cause = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    for x, y in np.ndindex(2, 2):
        parity[x, y, x ^ y] = 0.25
        cause[x, x, x] += 0.25
    assert conditional_mutual_information(parity) == close(math.log(2), 1e-15)
    assert mutual_information(parity.sum(axis=2)) == 0.0
    assert conditional_mutual_information(cause) == 0.0
    assert mutual_information(cause.sum(axis=2)) == close(math.log(2), 1e-15)


def test_densities_of_what_never_happens() -> None:
    found = information_density([[0.5, 0.0, 0.0], [0.25, 0.25, 0.0], [0.0, 0.0, 0.0]], base=2)
    assert found.tolist() == [
        [pytest.approx(math.log2(4 / 3)), -math.inf, -math.inf],
        [pytest.approx(math.log2(2 / 3)), pytest.approx(1.0), -math.inf],
        [-math.inf, -math.inf, -math.inf],
    ]


def test_densities_of_probabilities_that_underflow() -> None:
    # Each symbol of X occurs with its own of Y: i = -ln p(x), 800 of the rare one.
    found = information_density([[0.0, -math.inf], [-math.inf, -800.0]], kind="logits")
    assert found.tolist() == [[0.0, -math.inf], [-math.inf, 800.0]]


def test_marginals_whose_product_underflows() -> None:
    # p(x) p(y) = 1e-400 is not a double; I = 1e-200 ln(1e200) + (1 - 1e-200) ln(...) ~ that sum.
    joint = np.array([[1.0, 0.0], [0.0, 1e-200]])
    expected = float(oracle.mutual_information(joint.tolist()))
    assert mutual_information(joint) == close(expected, 1e-13)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_constants_are_equal_and_say_nothing_about_others(normalization: str) -> None:
    both = [[0.0, 0.0], [0.0, 1.0]]
    assert normalized_mutual_information(both, normalization=normalization) == 1.0
    assert normalized_mutual_information([[0.5, 0.5]], normalization=normalization) == 0.0
    assert normalized_mutual_information([[0.5], [0.5]], normalization=normalization) == 0.0


# --------------------------------------------------------------------------- what is handed back


def test_a_batch_is_each_of_its_distributions() -> None:
    rng = np.random.default_rng(8)
    joint = rng.dirichlet(np.ones(12), (2, 3)).reshape(2, 3, 2, 3, 2)
    joint[1, 1] = 1 / 12
    conditional = conditional_mutual_information(joint)
    density = information_density(joint[..., 0] / joint[..., 0].sum((-1, -2), keepdims=True))
    assert density.shape == (2, 3, 2, 3)
    for i, j in np.ndindex(2, 3):
        assert conditional[i, j] == conditional_mutual_information(joint[i, j])
        part = joint[i, j, ..., 0] / joint[i, j, ..., 0].sum()
        assert (density[i, j] == information_density(part)).all()


def test_an_empty_batch() -> None:
    empty = np.empty((0, 2, 3))
    for function in (mutual_information, variation_of_information, normalized_mutual_information):
        assert function(empty).shape == (0,)
    assert information_density(empty).shape == (0, 2, 3)
    assert conditional_mutual_information(empty[..., None]).shape == (0,)


def test_the_mean_density_is_the_information() -> None:
    joint = np.random.default_rng(2).dirichlet(np.ones(12)).reshape(3, 4)
    mean = float((joint * information_density(joint, base=2)).sum())
    assert mean == close(mutual_information(joint, base=2), 1e-13)


def test_shares_do_not_exceed_one() -> None:
    joint = np.zeros((500, 5, 5))
    joint[:, range(5), range(5)] = np.random.default_rng(13).dirichlet(np.ones(5), 500)
    for normalization in NORMALIZATIONS:
        found = normalized_mutual_information(joint, normalization=normalization)
        assert (found <= 1.0).all()
        assert found == close(1.0, 1e-15)


def test_a_variable_says_everything_about_itself() -> None:
    p = np.array([0.5, 0.3, 0.2])
    assert mutual_information(np.diag(p)) == close(entropy(p), 1e-15)
    assert joint_entropy(np.diag(p)) == close(entropy(p), 1e-15)
    assert variation_of_information(np.diag(p)) == 0.0
    for normalization in NORMALIZATIONS:
        found = normalized_mutual_information(np.diag(p), normalization=normalization)
        assert found == close(1.0, 4e-16)


# -------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "function",
    [
        mutual_information,
        information_density,
        variation_of_information,
        normalized_mutual_information,
    ],
)
def test_joint_distributions_are_checked(function: Any) -> None:
    with pytest.raises(ValueError, match=r"joint must have at least 2 axes.*; got shape \(2,\)"):
        function([0.5, 0.5])
    with pytest.raises(
        ValueError, match=r"joint must be probabilities.*; got nan at joint\[1, 0\]"
    ):
        function([[0.5, 0.5], [math.nan, 0.0]])


def test_three_variables_and_normalizations_are_checked() -> None:
    with pytest.raises(ValueError, match=r"joint must have at least 3 axes.*; got shape \(1, 2\)"):
        conditional_mutual_information([[0.5, 0.5]])
    with pytest.raises(
        ValueError,
        match="normalization must be one of 'arithmetic', 'geometric', 'min', 'max', 'joint'; got",
    ):
        normalized_mutual_information([[1.0]], normalization="sqrt")
