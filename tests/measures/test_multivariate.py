"""Information of several variables against the oracle, its laws, and worked examples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.measure_cases import RELATIVE, channels, distributions, joints, normalised, same
from oracles import multivariate as oracle

from infotheory.measures import (
    co_information,
    conditional_mutual_information,
    dual_total_correlation,
    entropy,
    mutual_information,
    o_information,
    s_information,
    total_correlation,
)

MEASURES = {
    "total_correlation": total_correlation,
    "dual_total_correlation": dual_total_correlation,
    "o_information": o_information,
    "s_information": s_information,
    "co_information": co_information,
}
EACH = pytest.mark.parametrize("name", list(MEASURES))
# Where variables are independent but for rounding, the square of that is left, once a term.
INDEPENDENT = 1e-29


def any_joints(least: int = 1, most: int = 4) -> st.SearchStrategy[Any]:
    return st.integers(least, most).flatmap(joints)


def rounding(joint: Any, rest: float = INDEPENDENT) -> float:
    """What results may be off by, beside some units of each information that is added up.

    There are at most 2^4 of these, none above the S-information. Marginals are sums, off by some
    4e-16 of themselves: an information v is the mean of squares t^2/2 of deviations then off by
    e = 4e-16, so it is off by at most e sqrt(2 v).
    """
    strength = s_information(joint) if joint.ndim > 1 else 0.0
    return 16 * (RELATIVE * strength + 4e-16 * math.sqrt(2 * strength)) + rest


# ------------------------------------------------------------------------------------- the oracle


@EACH
@given(joint=any_joints())
def test_against_entropies_of_subsets(name: str, joint: Any) -> None:
    expected = getattr(oracle, name)(joint)
    assert same(MEASURES[name](joint), expected, absolute=rounding(joint))


@EACH
def test_logarithms_far_below_the_smallest_double(name: str) -> None:
    logits = [[[0.0, -800.0], [-900.0, -2.0]], [[-1.0, -740.0], [-730.0, 1.0]]]
    expected = getattr(oracle, name)(logits, "logits")
    assert same(MEASURES[name](logits, kind="logits"), expected, absolute=1e-14)


@pytest.mark.parametrize("name", ["total_correlation", "dual_total_correlation", "s_information"])
@pytest.mark.parametrize("closeness", [1e-3, 1e-6, 1e-9])
def test_variables_close_to_independent_keep_their_digits(name: str, closeness: float) -> None:
    rng = np.random.default_rng(3)
    parts = [rng.dirichlet(np.ones(3)) for _ in range(4)]
    product = np.einsum("a,b,c,d->abcd", *parts)
    joint = normalised(product * (1.0 + closeness * rng.normal(size=product.shape)), 4)
    expected = getattr(oracle, name)(joint)
    # Marginals are sums, off by some 2e-16 of themselves: that is the share 4e-16 / closeness of
    # the deviations that are squared, in each of 27 cells that add up.
    assert expected < closeness**2
    assert same(MEASURES[name](joint), expected, relative=2e-14 / closeness)


# ------------------------------------------------------------------------------------------- laws


@given(any_joints(2))
def test_sum_and_difference(joint: Any) -> None:
    tc, dtc = total_correlation(joint), dual_total_correlation(joint)
    assert o_information(joint) == pytest.approx(tc - dtc, rel=0, abs=rounding(joint))
    assert s_information(joint) == pytest.approx(tc + dtc, rel=0, abs=rounding(joint))


@given(any_joints())
def test_limits(joint: Any) -> None:
    entropies = [entropy(joint.sum(axis=_others(joint, v))) for v in range(joint.ndim)]
    whole = entropy(joint.ravel())
    assert 0.0 <= total_correlation(joint) <= sum(entropies) - max(entropies) + rounding(joint)
    assert 0.0 <= dual_total_correlation(joint) <= whole + rounding(joint)


@EACH
@given(joint=any_joints(2), data=st.data())
def test_variables_have_no_order(name: str, joint: Any, data: Any) -> None:
    order = data.draw(st.permutations(range(joint.ndim)))
    found = MEASURES[name](joint.transpose(order))
    assert found == pytest.approx(MEASURES[name](joint), rel=0, abs=rounding(joint))


@given(joints(2))
def test_two_variables(joint: Any) -> None:
    information, slack = mutual_information(joint), rounding(joint)
    assert total_correlation(joint) == pytest.approx(information, rel=0, abs=slack)
    assert dual_total_correlation(joint) == total_correlation(joint)
    assert co_information(joint) == pytest.approx(information, rel=0, abs=slack)
    assert s_information(joint) == pytest.approx(2 * information, rel=0, abs=slack)
    assert o_information(joint) == 0.0


@given(joints(3))
def test_three_variables(joint: Any) -> None:
    found = co_information(joint)
    assert found == pytest.approx(o_information(joint), rel=0, abs=rounding(joint))
    apart = mutual_information(joint.sum(axis=2)) - conditional_mutual_information(joint)
    assert found == pytest.approx(apart, rel=0, abs=rounding(joint))


@given(joints(4))
def test_co_information_given_the_last_variable(joint: Any) -> None:
    last = joint.sum(axis=(0, 1, 2))
    given_last = sum(
        share * co_information(joint[..., k] / share) for k, share in enumerate(last) if share > 0
    )
    expected = co_information(joint.sum(axis=3)) - given_last
    assert co_information(joint) == pytest.approx(expected, rel=0, abs=1e-13)


@given(joints(3), distributions())
def test_an_independent_variable_adds_nothing(joint: Any, other: Any) -> None:
    wider = np.multiply.outer(joint, other)
    slack = rounding(joint)
    assert total_correlation(wider) == pytest.approx(total_correlation(joint), rel=0, abs=slack)
    assert o_information(wider) == pytest.approx(o_information(joint), rel=0, abs=slack)
    assert co_information(wider) == pytest.approx(0.0, abs=slack)


@given(joints(3), st.data())
def test_processing_one_variable_loses_total_correlation(joint: Any, data: Any) -> None:
    channel = data.draw(channels(joint.shape[2]))
    processed = np.einsum("ijk,km->ijm", joint, channel)
    assert total_correlation(processed) <= total_correlation(joint) + rounding(joint)


# ---------------------------------------------------------------------------------- known values


def deterministic(n_inputs: int, outputs: Callable[..., tuple[int, ...]], size: int = 2) -> Any:
    """Distribution of functions of independent fair bits."""
    n = len(outputs(*[0] * n_inputs))
    joint = np.zeros((size,) * n)
    for bits in itertools.product(range(2), repeat=n_inputs):
        joint[outputs(*bits)] += 0.5**n_inputs
    return joint


PARITY = deterministic(2, lambda a, b: (a, b, a ^ b))
COPIES = deterministic(1, lambda a: (a, a, a))
# Both of these have the same entropies of all subsets (James and Crutchfield, "Multivariate
# Dependence Beyond Shannon Information", Entropy 2017): each pair of variables shares a bit, and
# the three share nothing beyond.
DYADIC = deterministic(3, lambda a, b, c: (2 * a + b, 2 * b + c, 2 * c + a), size=4)
TRIADIC = deterministic(3, lambda a, b, c: (2 * a + b, 2 * a + c, 2 * a + (b ^ c)), size=4)
FOUR_COPIES = deterministic(1, lambda a: (a, a, a, a))
FOUR_PARITY = deterministic(3, lambda a, b, c: (a, b, c, a ^ b ^ c))


@pytest.mark.parametrize(
    ("joint", "expected"),
    [
        (PARITY, (1, 2, -1, 3, -1)),
        (COPIES, (2, 1, 1, 3, 1)),
        (DYADIC, (3, 3, 0, 6, 0)),
        (TRIADIC, (3, 3, 0, 6, 0)),
        (FOUR_COPIES, (3, 1, 2, 4, 1)),  # n - 1, 1, n - 2 for n copies
        (FOUR_PARITY, (1, 3, -2, 4, 1)),  # 1, n - 1, 2 - n; the co-information is (-1)^n
    ],
)
def test_worked_examples_in_bits(joint: Any, expected: tuple[float, ...]) -> None:
    found = [measure(joint, base=2) for measure in MEASURES.values()]
    # Sums of at most 16 terms of a few bits.
    assert found == pytest.approx(expected, rel=0, abs=2e-14)


def test_one_variable() -> None:
    p = [0.5, 0.25, 0.25]
    assert [measure(p, base=2) for measure in MEASURES.values()] == [0.0, 0.0, 0.0, 0.0, 1.5]


# ------------------------------------------------------------------------------- batches and input


@EACH
def test_a_batch_is_its_rows(name: str) -> None:
    rng = np.random.default_rng(0)
    batch = rng.dirichlet(np.ones(12), size=(5, 2)).reshape(5, 2, 2, 3, 2)
    found = MEASURES[name](batch, n_variables=3)
    assert found.shape == (5, 2)
    for place in np.ndindex(5, 2):
        # Sums over a block run in another order.
        assert found[place] == pytest.approx(MEASURES[name](batch[place]), rel=1e-13)


@EACH
def test_logarithms_are_the_same_distribution(name: str) -> None:
    rng = np.random.default_rng(1)
    joint = rng.dirichlet(np.ones(12)).reshape(2, 3, 2)
    expected = MEASURES[name](joint)
    for kind, values in (("log_probs", np.log(joint)), ("logits", np.log(joint) + 7.0)):
        assert MEASURES[name](values, kind=kind) == pytest.approx(expected, rel=1e-12)


@EACH
def test_half_precision_is_normalised(name: str) -> None:
    rng = np.random.default_rng(4)
    joint = rng.dirichlet(np.ones(12)).reshape(2, 3, 2).astype(np.float16)
    wide = joint.astype(np.float64)
    assert abs(wide.sum() - 1.0) > 1e-5
    expected = MEASURES[name](wide / wide.sum())
    assert MEASURES[name](joint) == pytest.approx(expected, rel=1e-11)


def test_a_data_frame_is_two_variables() -> None:
    frame = pd.DataFrame([[0.5, 0.0], [0.0, 0.5]], index=["a", "b"])
    assert total_correlation(frame, base=2) == 1.0


# --------------------------------------------------------------------------------------- refusals


@EACH
@pytest.mark.parametrize(
    ("joint", "options", "text"),
    [
        ([[0.5, 0.5]], {"n_variables": 0}, "n_variables must be a positive integer"),
        ([[0.5, 0.5]], {"n_variables": 3}, "joint must have at least 3 axes, one a variable"),
        (1.0, {}, r"joint must have at least 1 axis, .* got shape \(\)"),
        ([[0.5, 0.4]], {}, r"joint must have sum one over the last 2 axes; got 0\.9"),
        ([[1.5, -0.5]], {}, r"at least 0 and not nan; got -0\.5 at joint\[0, 1\]"),
        ([[0.5, 0.5]], {"base": 1}, "base must be None"),
        ([[0.5, 0.5]], {"kind": "counts"}, "kind must be one of"),
    ],
)
def test_refusals(name: str, joint: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        MEASURES[name](joint, **options)


def _others(joint: Any, variable: int) -> tuple[int, ...]:
    return tuple(v for v in range(joint.ndim) if v != variable)
