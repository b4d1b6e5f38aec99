"""Scores in other units, and at the ends of the range of doubles."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.measures import Score

VALUES = st.lists(st.floats(-1e3, 1e3).filter(lambda v: abs(v) > 1e-3), min_size=2, max_size=6)


def score_of(values: list[float]) -> Score:
    weights = np.arange(1.0, len(values) + 1.0)
    return Score(values, weights / weights.sum())


@given(VALUES, st.integers(-900, 900))
def test_powers_of_two_change_nothing_else(values: list[float], exponent: int) -> None:
    score = score_of(values)
    other = score.scaled(exponent)
    wanted = [Fraction(v) * Fraction(2) ** exponent for v in score.values.tolist()]
    assert [Fraction(v) for v in other.values.tolist()] == wanted
    np.testing.assert_array_equal(other.log_probabilities, score.log_probabilities)
    np.testing.assert_array_equal(other.scaled(-exponent).values, score.values)


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=7))
def test_the_negated_score_has_the_same_law_to_the_last_digit(weights: list[float]) -> None:
    score = Score(np.arange(float(len(weights))), np.array(weights) / sum(weights))
    np.testing.assert_array_equal((-score).log_probabilities, score.log_probabilities[::-1])
    np.testing.assert_array_equal((-score).values, -score.values[::-1])
    assert math.copysign(1.0, (-score).maximum) == 1.0  # no minus zero


def test_units_by_hand() -> None:
    score = Score([1.0, 3.0], [0.5, 0.5])
    assert score.scaled(-1).values.tolist() == [0.5, 1.5]
    assert score.scaled(0).values.tolist() == [1.0, 3.0]
    with pytest.raises(ValueError, match="read-only"):
        score.scaled(3).values[0] = 7.0


@pytest.mark.parametrize(("value", "exponent"), [(1e300, 200), (1e-300, -100), (5e-324, -1)])
def test_values_that_would_lose_digits_are_refused(value: float, exponent: int) -> None:
    text = rf"^exponent must be such that every value keeps its digits; got {exponent} for"
    with pytest.raises(ValueError, match=text):
        Score([0.0, value], [0.5, 0.5]).scaled(exponent)


@pytest.mark.parametrize("exponent", [-300, 300])
def test_moments_in_other_units(exponent: int) -> None:
    score = score_of([0.0, 1.0, 3.5])
    other = score.scaled(exponent)
    assert other.variance == math.ldexp(score.variance, 2 * exponent)
    assert other.third_central_moment == math.ldexp(score.third_central_moment, 3 * exponent)


def test_moments_beyond_all_doubles() -> None:
    assert repr(Score([0.0, 1e200], [0.5, 0.5])) == "Score(2 atoms, mean 5e+199, variance inf)"
    # What has no probability as a double has no part in them.
    rare = Score([0.0, 1e200], [0.0, -2000.0], kind="logits")
    assert (rare.variance, rare.third_central_moment) == (0.0, 0.0)
