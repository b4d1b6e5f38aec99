"""Minimum-entropy couplings against all couplings of tiny marginals, and their bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.measure_cases import distributions
from oracles import coupling as oracle

from infotheory.measures import entropy, minimum_entropy_coupling

# Sums of up to 28 masses are off by some 3e-15, and entropies by that times logarithms.
ROUNDING = 1e-13


@st.composite
def marginals(draw: Any, most: int = 4) -> list[Any]:
    return [draw(distributions()) for _ in range(draw(st.integers(2, most)))]


# ------------------------------------------------------------------------------------- the oracle


@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (3, 3), (2, 4)])
@given(data=st.data())
def test_the_least_entropy_is_within_both_bounds(sizes: tuple[int, int], data: Any) -> None:
    p, q = (data.draw(distributions(n_symbols=size)) for size in sizes)
    least = oracle.least_entropy(p.tolist(), q.tolist())
    found = minimum_entropy_coupling(p, q)
    # The oracle drops what is below 1e-12, which takes part in no more than 28e-12 nats each.
    assert found.lower_bound <= least + 1e-10
    assert least <= found.entropy + 1e-10
    # Compton et al. (2023): within log2(e)/e bits, 1/e nats, of the least.
    assert found.entropy <= least + 1 / math.e + 1e-10


@given(marginals())
def test_the_bound_is_at_least_those_it_refines(parts: list[Any]) -> None:
    found = minimum_entropy_coupling(*parts)
    lists = [p.tolist() for p in parts]
    assert found.lower_bound >= max(entropy(p) for p in parts) - ROUNDING
    assert found.lower_bound >= oracle.entropy(oracle.meet(*lists)) - ROUNDING
    assert found.lower_bound >= oracle.profile(*lists) - ROUNDING


@given(marginals())
def test_the_guarantee_of_the_greedy_method(parts: list[Any]) -> None:
    """1/e nats from the least for two marginals, (1 + ln 2)/2 for more; so from this bound too."""
    found = minimum_entropy_coupling(*parts)
    most = 1 / math.e if len(parts) == 2 else 0.5 * (1 + math.log(2))
    assert 0.0 <= found.gap <= most
    # Compton (2022): within one nat of the entropy of the greatest lower bound.
    meet = oracle.meet(*(p.tolist() for p in parts))
    assert found.entropy <= oracle.entropy(meet) + 1.0 + ROUNDING


# ------------------------------------------------------------------------------------------- laws


@given(marginals())
def test_it_is_a_coupling(parts: list[Any]) -> None:
    found = minimum_entropy_coupling(*parts)
    joint = found.joint
    assert joint.shape == found.sizes == tuple(len(p) for p in parts)
    for axis, p in enumerate(parts):
        others = tuple(a for a in range(len(parts)) if a != axis)
        assert joint.sum(axis=others) == pytest.approx(p, rel=0, abs=1e-14)
    assert found.probabilities.min() > 0.0
    assert found.entropy == pytest.approx(entropy(found.probabilities), rel=0, abs=ROUNDING)
    assert len(found.probabilities) <= sum(found.sizes) - len(parts) + 1 + len(parts)


@given(marginals())
def test_atoms_come_from_the_largest_on_and_each_once(parts: list[Any]) -> None:
    found = minimum_entropy_coupling(*parts)
    assert (np.diff(found.probabilities) <= 0).all()
    assert len(np.unique(found.indices, axis=0)) == len(found.indices)


@given(marginals(), st.data())
def test_the_order_of_symbols_and_marginals_does_not_matter(parts: list[Any], data: Any) -> None:
    expected = minimum_entropy_coupling(*parts)
    shuffled = [
        p[data.draw(st.permutations(range(len(p))))] for p in data.draw(st.permutations(parts))
    ]
    found = minimum_entropy_coupling(*shuffled)
    assert found.entropy == pytest.approx(expected.entropy, rel=0, abs=ROUNDING)
    assert found.lower_bound == pytest.approx(expected.lower_bound, rel=0, abs=ROUNDING)


@given(distributions(), st.integers(2, 4))
def test_copies_are_coupled_without_entropy_of_their_own(p: Any, copies: int) -> None:
    found = minimum_entropy_coupling(*[p] * copies)
    assert found.entropy == pytest.approx(entropy(p), rel=0, abs=ROUNDING)
    assert found.gap == pytest.approx(0.0, abs=ROUNDING)


@given(distributions(), distributions())
def test_a_function_of_a_variable_adds_nothing(p: Any, q: Any) -> None:
    """Marginals of which one is a sum of the other's symbols: the bound is the entropy."""
    fine = np.multiply.outer(p, q)
    found = minimum_entropy_coupling(p, fine.ravel() / fine.sum())
    assert found.lower_bound == pytest.approx(entropy(fine.ravel()), rel=0, abs=ROUNDING)


# ---------------------------------------------------------------------------------- known values


def test_worked_examples_in_bits() -> None:
    # The coin is a function of the die.
    found = minimum_entropy_coupling([0.5, 0.5], np.full(4, 0.25), base=2)
    assert (found.entropy, found.lower_bound, found.gap) == (2.0, 2.0, 0.0)
    # A coin and three thirds: atoms 1/3, 1/3, 1/6, 1/6.
    found = minimum_entropy_coupling([0.5, 0.5], np.full(3, 1 / 3), base=2)
    assert found.entropy == pytest.approx(math.log2(3) + 1 / 3, abs=1e-14)
    assert found.lower_bound == pytest.approx(math.log2(3), abs=1e-14)
    # Largest with largest: 0.5 of 0.5 and 0.6, then 0.2, 0.2 of 0.4, and the 0.1 that is left.
    found = minimum_entropy_coupling([0.5, 0.4, 0.1], [0.6, 0.2, 0.2])
    assert found.indices.tolist() == [[0, 0], [1, 1], [1, 2], [2, 0]]
    assert found.probabilities == pytest.approx([0.5, 0.2, 0.2, 0.1])


def test_the_bound_under_the_envelope() -> None:
    """From the left: 0.5 and 0.2 below both marginals, then 0.2 and what is left."""
    found = minimum_entropy_coupling([0.5, 0.4, 0.1], [0.6, 0.2, 0.2])
    assert found.lower_bound == pytest.approx(entropy([0.5, 0.2, 0.2, 0.1]), rel=0, abs=1e-14)
    # (0.6, 0.4) and (0.5, 0.5): 0.5, and 0.4 from there on.
    found = minimum_entropy_coupling([0.6, 0.4], [0.5, 0.5])
    assert found.lower_bound == pytest.approx(entropy([0.5, 0.4, 0.1]), rel=0, abs=1e-14)
    assert found.gap == pytest.approx(0.0, abs=1e-14)


def test_symbols_too_small_for_sums() -> None:
    tiny = np.append(np.full(9, 0.1), np.full(50, 1e-18))
    tiny[0] += 1.0 - tiny.sum()
    found = minimum_entropy_coupling(tiny, np.full(7, 1 / 7))
    assert found.lower_bound >= math.log(9) - 1e-12
    assert 0.0 <= found.gap <= 1 / math.e
    lonely = minimum_entropy_coupling([1.0, 0.0], [1.0])
    assert (lonely.entropy, lonely.lower_bound) == (0.0, 0.0)
    assert lonely.indices.tolist() == [[0, 0]]


# ------------------------------------------------------------------------------- input and refusals


def test_units_and_kinds() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.6, 0.4])
    nats, bits = minimum_entropy_coupling(p, q), minimum_entropy_coupling(p, q, base=2)
    assert bits.entropy == pytest.approx(nats.entropy / math.log(2), rel=1e-15)
    assert bits.lower_bound == pytest.approx(nats.lower_bound / math.log(2), rel=1e-15)
    assert (nats.unit, bits.unit) == ("nats", "bits")
    logs = minimum_entropy_coupling(np.log(p) + 1.0, np.log(q), kind="logits")
    assert logs.entropy == pytest.approx(nats.entropy, rel=1e-14)


def test_in_print() -> None:
    found = minimum_entropy_coupling([0.5, 0.5], [0.25] * 4, base=2)
    assert str(found) == "2 bits in 4 atoms, at most 0 from the least"
    assert "indices" not in repr(found)
    assert "2 x 4" in found._repr_html_()


@pytest.mark.parametrize(
    ("parts", "options", "text"),
    [
        ([], {}, "marginals must be two distributions or more; got 0"),
        ([[0.5, 0.5]], {}, "got 1. Pass each by itself"),
        ([[0.5, 0.5], [0.5, 0.4]], {}, r"marginals\[1\] must have sum one .* got 0\.9"),
        ([[0.5, 0.5], [[0.5, 0.5]]], {}, r"marginals\[1\] must be 1-dimensional; got shape \(1, 2"),
        ([[1.5, -0.5], [1.0]], {}, r"got -0\.5 at marginals\[0\]\[1\]"),
        ([[1.0], [1.0]], {"base": 1}, "base must be None"),
        ([[1.0], [1.0]], {"kind": "x"}, "kind must be one of"),
    ],
)
def test_refusals(parts: list[Any], options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        minimum_entropy_coupling(*parts, **options)
