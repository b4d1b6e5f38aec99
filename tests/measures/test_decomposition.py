"""Partial information decompositions against search, their axioms, and worked examples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from measures.measure_cases import joints, normalised
from oracles import decomposition as oracle

from infotheory.exceptions import PrecisionWarning
from infotheory.measures import (
    PartialInformationDecomposition,
    conditional_mutual_information,
    mutual_information,
    partial_information_decomposition,
)

METHODS = ("broja", "mmi", "williams_beer")
EACH = pytest.mark.parametrize("method", METHODS)
TOLERANCE = 1e-9

# Among random laws there are hard ones; what is left of their gap is part of the result.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The bounds on the union information:infotheory.exceptions.PrecisionWarning"
)
ROUNDING = 1e-13  # some units of a few nats


def parts(found: PartialInformationDecomposition) -> tuple[float, float, float, float]:
    return found.redundancy, found.unique_1, found.unique_2, found.synergy


def of_sources(joint: Any) -> tuple[float, float, float]:
    """I(S1; T), I(S2; T) and I(S1, S2; T)."""
    first, second = mutual_information(joint.sum(axis=1)), mutual_information(joint.sum(axis=0))
    return first, second, mutual_information(joint.reshape(-1, joint.shape[2]))


def binary_joints() -> st.SearchStrategy[Any]:
    share = st.one_of(st.just(0.0), st.sampled_from([1.0, 2.0]), st.floats(0.001, 1.0))
    return hnp.arrays(np.float64, (2, 2, 2), elements=share).map(lambda w: normalised(w, 3))


# ------------------------------------------------------------------------------------- the oracle


@given(joints(3))
def test_williams_beer(joint: Any) -> None:
    found = partial_information_decomposition(joint, method="williams_beer")
    expected = oracle.minimum_information(joint.tolist())
    assert found.redundancy == pytest.approx(expected, rel=0, abs=ROUNDING)


@given(joints(3))
def test_mmi(joint: Any) -> None:
    found = partial_information_decomposition(joint, method="mmi")
    expected = min(oracle.information(oracle.pairs_with_target(joint.tolist(), i)) for i in (1, 2))
    assert found.redundancy == pytest.approx(expected, rel=0, abs=ROUNDING)


@pytest.mark.parametrize("seed", range(12))
def test_broja_of_binary_variables(seed: int) -> None:
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.full(8, 0.5)).reshape(2, 2, 2)
    found = partial_information_decomposition(joint)
    union = oracle.union_of_binary_sources(joint.tolist())
    first, second, _ = of_sources(joint)
    # Two nested searches find a minimum to rounding of its value.
    assert found.redundancy == pytest.approx(first + second - union, rel=0, abs=2e-9)


# ------------------------------------------------------------------------------------------ axioms


@EACH
@given(joint=joints(3))
def test_parts_add_up_and_none_is_negative(method: str, joint: Any) -> None:
    found = partial_information_decomposition(joint, method=method)
    first, second, both = of_sources(joint)
    assert min(parts(found)) >= 0.0
    assert found.redundancy + found.unique_1 == pytest.approx(first, rel=0, abs=ROUNDING)
    assert found.redundancy + found.unique_2 == pytest.approx(second, rel=0, abs=ROUNDING)
    assert sum(parts(found)) == pytest.approx(both, rel=0, abs=ROUNDING)
    assert found.mutual_information == pytest.approx(both, rel=0, abs=ROUNDING)
    assert found.gap <= TOLERANCE


@EACH
@given(joint=joints(3))
def test_exchange_of_sources(method: str, joint: Any) -> None:
    found = partial_information_decomposition(joint, method=method)
    turned = partial_information_decomposition(joint.transpose(1, 0, 2), method=method)
    slack = 2 * max(TOLERANCE, found.gap + turned.gap)
    one = parts(found)
    assert parts(turned) == pytest.approx((one[0], one[2], one[1], one[3]), rel=0, abs=slack)


@given(joints(3))
def test_methods_are_in_order(joint: Any) -> None:
    """Redundancy by BROJA is the smallest, by MMI the largest.

    BROJA: redundancy is the largest I(S1;T) + I(S2;T) - I_Q(S1,S2;T) over Q with the same pairs.
    That is redundancy less synergy by Williams and Beer too, and their redundancy, which depends
    on pairs only, is no less as synergy is not negative. It is a mean of minima, which is at most
    the minimum of means.
    """
    broja, mmi, williams_beer = (
        partial_information_decomposition(joint, method=m).redundancy for m in METHODS
    )
    assert broja <= williams_beer + ROUNDING
    assert williams_beer <= mmi + ROUNDING


@given(joints(3))
def test_the_minimizer_has_the_pairs_of_the_joint(joint: Any) -> None:
    found = partial_information_decomposition(joint)
    q = found.minimizer
    assert q.min() >= 0.0
    for axis in (0, 1):
        assert q.sum(axis=axis) == pytest.approx(joint.sum(axis=axis), rel=0, abs=1e-15)
    # What both sources tell under it is within the gap of the union of the parts.
    union = found.redundancy + found.unique_1 + found.unique_2
    attained = mutual_information(q.reshape(-1, q.shape[2]))
    assert union - ROUNDING <= attained <= union + found.gap + ROUNDING


@given(joints(3))
def test_unique_information_is_at_most_the_conditional(joint: Any) -> None:
    """The joint is one of the distributions over which V is a minimum."""
    found = partial_information_decomposition(joint)
    given_second = conditional_mutual_information(joint.transpose(0, 2, 1))
    assert found.unique_1 <= given_second + TOLERANCE


@given(joints(3), st.data())
def test_only_the_pairs_matter_to_all_but_synergy(joint: Any, data: Any) -> None:
    """Conditionally independent sources with the same pairs have the same redundancy."""
    first, second, target = joint.sum(axis=1), joint.sum(axis=0), joint.sum(axis=(0, 1))
    share = second / np.where(target > 0, target, 1.0)
    apart = normalised(first[:, None] * share[None], 3)
    method = data.draw(st.sampled_from(METHODS))
    one = partial_information_decomposition(joint, method=method)
    other = partial_information_decomposition(apart, method=method)
    # The pairs differ by rounding, which moves the parts by some logarithms of 1e-16.
    assert parts(other)[:3] == pytest.approx(parts(one)[:3], rel=0, abs=3 * TOLERANCE)


@given(joints(2))
def test_a_source_that_repeats_the_other(pair: Any) -> None:
    """With S2 = S1 everything is redundant."""
    k, kt = pair.shape
    joint = np.zeros((k, k, kt))
    joint[np.arange(k), np.arange(k)] = pair
    for method in METHODS:
        found = partial_information_decomposition(joint, method=method)
        expected = (mutual_information(pair), 0.0, 0.0, 0.0)
        assert parts(found) == pytest.approx(expected, rel=0, abs=2 * TOLERANCE)


@given(joints(2))
def test_a_target_that_is_both_sources(pair: Any) -> None:
    """Of a copy of the sources BROJA says: their information is redundant, the rest unique."""
    k1, k2 = pair.shape
    joint = np.zeros((k1, k2, k1 * k2))
    for i, j in np.ndindex(k1, k2):
        joint[i, j, i * k2 + j] = pair[i, j]
    found = partial_information_decomposition(joint)
    first, second, _ = of_sources(joint)
    shared = mutual_information(pair)
    expected = (shared, first - shared, second - shared, 0.0)
    assert parts(found) == pytest.approx(expected, rel=0, abs=2 * TOLERANCE)


# ---------------------------------------------------------------------------------- known values


def gate(function: Callable[[int, int], int]) -> Any:
    """Two fair bits and a function of them."""
    joint = np.zeros((2, 2, 4))
    for a, b in itertools.product(range(2), repeat=2):
        joint[a, b, function(a, b)] = 0.25
    return joint


REDUNDANT = np.zeros((2, 2, 2))
REDUNDANT[0, 0, 0] = REDUNDANT[1, 1, 1] = 0.5
# I(S; T) of one input and the output of an AND gate: h(1/4) - 1/2 bits.
AND = 2.0 - 0.75 * math.log2(3) - 0.5


@pytest.mark.parametrize(
    ("joint", "broja", "mmi", "williams_beer"),
    [
        (gate(lambda a, b: a ^ b), (0, 0, 0, 1), (0, 0, 0, 1), (0, 0, 0, 1)),
        (gate(lambda a, b: a & b), (AND, 0, 0, 0.5), (AND, 0, 0, 0.5), (AND, 0, 0, 0.5)),
        (gate(lambda a, b: a | b), (AND, 0, 0, 0.5), (AND, 0, 0, 0.5), (AND, 0, 0, 0.5)),
        (gate(lambda a, b: a + b), (0.5, 0, 0, 1), (0.5, 0, 0, 1), (0.5, 0, 0, 1)),
        (gate(lambda a, b: a), (0, 1, 0, 0), (0, 1, 0, 0), (0, 1, 0, 0)),
        (gate(lambda a, b: 2 * a + b), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 0, 1)),
        (REDUNDANT, (1, 0, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0)),
    ],
    ids=["xor", "and", "or", "sum", "unique", "copy", "redundant"],
)
def test_gates_in_bits(joint: Any, broja: Any, mmi: Any, williams_beer: Any) -> None:
    """Worked examples of Williams and Beer (2010) and of Bertschinger et al. (2014)."""
    for method, expected in zip(METHODS, (broja, mmi, williams_beer), strict=True):
        found = partial_information_decomposition(joint, method=method, base=2)
        assert parts(found) == pytest.approx(expected, rel=0, abs=TOLERANCE)


def test_a_unique_part_that_may_be_zero_is_zero() -> None:
    found = partial_information_decomposition(gate(lambda a, b: a & b))
    assert (found.unique_1, found.unique_2) == (0.0, 0.0)


# In the last two a step goes wrong that does not heed how log sums curve.
@pytest.mark.parametrize(
    ("exponent", "seed"), [*itertools.product((12, 40, 200), range(10)), (12, 172), (12, 271)]
)
def test_probabilities_of_any_size(exponent: int, seed: int) -> None:
    """A wider gap than asked for would be a warning, which is an error here."""
    rng = np.random.default_rng(seed)
    joint = normalised(10.0 ** rng.uniform(-exponent, 0, (3, 4, 3)), 3)
    found = partial_information_decomposition(joint, tolerance=1e-11)
    # Some 10 to 30 for most, and 79 at most among 1500 such distributions.
    assert found.iterations <= 120


def test_sizes_of_every_kind() -> None:
    rng = np.random.default_rng(1)
    for shape in ((1, 1, 1), (1, 3, 2), (3, 1, 2), (2, 2, 1), (12, 11, 3)):
        joint = rng.dirichlet(np.ones(math.prod(shape))).reshape(shape)
        found = partial_information_decomposition(joint)
        assert found.gap <= TOLERANCE
        first, second, both = of_sources(joint)
        if 1 in shape[:2]:
            expected = (0.0, first, second, both - first - second)
            assert parts(found) == pytest.approx(expected, rel=0, abs=2 * TOLERANCE)


# ------------------------------------------------------------------------ input, units and warnings


def test_units_and_kinds() -> None:
    rng = np.random.default_rng(2)
    joint = rng.dirichlet(np.ones(12)).reshape(2, 3, 2)
    nats = partial_information_decomposition(joint, tolerance=1e-12)
    bits = partial_information_decomposition(joint, tolerance=1e-12, base=2)
    scaled = [v * math.log(2) for v in parts(bits)]
    assert scaled == pytest.approx(parts(nats), rel=0, abs=1e-11)
    assert (nats.unit, bits.unit) == ("nats", "bits")
    assert partial_information_decomposition(joint, base=math.exp(1e-3)).gap <= TOLERANCE
    logs = partial_information_decomposition(np.log(joint) - 2.0, kind="logits", tolerance=1e-12)
    assert parts(logs) == pytest.approx(parts(nats), rel=0, abs=1e-11)


def test_a_gap_wider_than_asked_for_is_told() -> None:
    rng = np.random.default_rng(4)
    joint = rng.dirichlet(np.ones(27)).reshape(3, 3, 3)
    text = "bounds on the union information are .* nats apart after 2 iterations"
    with pytest.warns(PrecisionWarning, match=text) as caught:
        found = partial_information_decomposition(joint, max_iterations=2)
    assert found.warnings == (str(caught[0].message),)
    assert caught[0].filename == __file__
    with pytest.warns(PrecisionWarning, match="bits apart"):
        bits = partial_information_decomposition(joint, max_iterations=2, base=2)
    assert bits.gap * math.log(2) == pytest.approx(found.gap)
    better = partial_information_decomposition(joint)
    assert parts(found) == pytest.approx(parts(better), rel=0, abs=found.gap)
    assert "max_iterations" in found._repr_html_()


def test_in_print() -> None:
    found = partial_information_decomposition(gate(lambda a, b: a ^ b), base=2, method="mmi")
    assert str(found) == "redundancy 0, unique 0 and 0, synergy 1 bits (mmi)"
    assert "minimizer" not in repr(found)
    assert found.minimizer is None
    page = found._repr_html_()
    assert "<td>1 bits</td>" in page
    assert "certified" not in page
    assert "warnings" not in page
    broja = partial_information_decomposition(gate(lambda a, b: a ^ b))
    assert "certified to" in broja._repr_html_()


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("joint", "options", "text"),
    [
        ([[0.5, 0.5]], {}, r"joint must have at least 3 axes, .* got shape \(1, 2\)"),
        (np.full((2, 2, 2, 2), 0.125), {}, r"joint must be 3-dimensional: .*shape \(2, 2, 2, 2\)"),
        ([[[0.5, 0.4]]], {}, r"joint must have sum one over the last 3 axes; got 0\.9"),
        ([[[1.5, -0.5]]], {}, r"got -0\.5 at joint\[0, 0, 1\]"),
        ([[[0.5, 0.5]]], {"method": "ince"}, "method must be one of 'broja', 'mmi', 'williams_bee"),
        ([[[0.5, 0.5]]], {"kind": "x"}, "kind must be one of"),
        ([[[0.5, 0.5]]], {"base": -1}, "base must be None"),
        ([[[0.5, 0.5]]], {"tolerance": math.inf}, "tolerance must be a positive finite number"),
        ([[[0.5, 0.5]]], {"max_iterations": -3}, "max_iterations must be a positive integer"),
    ],
)
def test_refusals(joint: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        partial_information_decomposition(joint, **options)
