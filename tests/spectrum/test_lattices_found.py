"""Which scores are on a lattice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infotheory.measures import Score
from infotheory.spectrum._lattice import Lattice, lattice_of

FOUR = Score.entropy([0.4, 0.3, 0.2, 0.1])
U = 2.0**-53


def the_lattice(score: Score, span: Any = None) -> Lattice:
    found = lattice_of(score, span)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("p", "places"),
    [
        ([0.5, 0.25, 0.125, 0.125], [0, 1, 2]),
        ([0.4, 0.4, 0.1, 0.05, 0.05], [0, 2, 3]),
        ([9 / 13, 3 / 13, 1 / 13], [0, 1, 2]),
        ([0.7, 0.3], [0, 1]),
    ],
)
def test_lattices_of_entropy(p: list[float], places: list[int]) -> None:
    score = Score.entropy(p)
    found = the_lattice(score)
    assert found.places.tolist() == places
    off = np.abs(score.values - (found.origin + found.span * found.places))
    assert off.max() <= 8 * U * score.maximum


def test_scores_on_no_lattice() -> None:
    assert lattice_of(FOUR) is None
    assert lattice_of(Score.entropy([0.5, 0.3, 0.2])) is None
    # Two steps, of which the smaller is a 20,000th of the range; declared, it is one.
    score = Score([0.0, 1.0, 20_001.0], [0.4, 0.3, 0.3])
    assert lattice_of(score) is None
    assert the_lattice(score, 1.0).places.tolist() == [0, 1, 20_001]
    # Simple ratios of which the common denominator is not.
    assert lattice_of(Score([0.0, 1 / 97, 1 / 101, 1 / 103, 1.0], np.full(5, 0.2))) is None
    # Near a lattice, by far more than rounding.
    assert lattice_of(Score([0.0, 1.0, 2.0 + 1e-14], [0.4, 0.3, 0.3])) is None


def test_a_single_value() -> None:
    found = the_lattice(Score([2.5], [1.0]))
    assert (found.origin, found.places.tolist()) == (2.5, [0])


@given(
    st.lists(st.integers(0, 60), min_size=3, max_size=6, unique=True),
    st.sampled_from([1.0, 0.1, math.log(2), 1e-9, 1e9]),
    st.floats(-3, 3),
)
def test_lattices_are_found(places: list[int], span: float, origin: float) -> None:
    places = sorted(places)
    values = [span * (origin + place) for place in places]
    score = Score(values, np.full(len(values), 1 / len(values)))
    assume(len(score) == len(places))
    divisor = math.gcd(*(place - places[0] for place in places))
    found = the_lattice(score)
    assert found.places.tolist() == [(place - places[0]) // divisor for place in places]
    assert found.span == pytest.approx(span * divisor, rel=1e-13)
    declared = the_lattice(score, span * divisor)
    assert declared.places.tolist() == found.places.tolist()


@pytest.mark.parametrize(
    ("span", "error", "text"),
    [
        (0.0, ValueError, "span must be positive and finite; got 0"),
        (math.inf, ValueError, "span must be positive and finite; got inf"),
        (1e-7, ValueError, "at least a millionth of the range of the values, 2.5; got 1e-07"),
        (1.0, ValueError, r"got 1.0, which values\[2\] = 3.5 is off by 0.5"),
        ("half", TypeError, "span must be a number; got 'half'"),
        ([0.5, 1.0], TypeError, r"span must be a number; got \[0.5, 1.0\]"),
    ],
)
def test_false_spans(span: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        lattice_of(Score([1.0, 2.0, 3.5], [0.5, 0.3, 0.2]), span)
