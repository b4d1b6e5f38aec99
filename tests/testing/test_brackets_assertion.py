"""The assertion that bounds hold an exact value: what it lets pass, and what it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.measures import Score
from infotheory.spectrum.results import Bounds, LogInterval
from infotheory.testing import assert_brackets

BOUNDS = Bounds(-2.0, -1.0, "types", "P(S_3 > 1.5)", {"relative rounding": 1e-15})

logs = st.one_of(st.floats(-1e4, 0.0), st.just(-math.inf))


@given(logs, logs, logs, st.floats(0.0, 1.0))
def test_it_passes_what_is_inside_and_nothing_else(
    a: float, b: float, exact: float, slack: float
) -> None:
    interval = LogInterval(min(a, b), max(a, b), {})
    if interval.lower <= exact + slack and exact - slack <= interval.upper:
        assert_brackets(interval, exact, slack=slack)
    else:
        with pytest.raises(AssertionError, match=r"the (lower|upper) end"):
            assert_brackets(interval, exact, slack=slack)


@given(logs, logs, st.floats(0.0, 100.0))
def test_it_passes_what_is_narrow_and_nothing_else(a: float, b: float, ceiling: float) -> None:
    interval = LogInterval(min(a, b), max(a, b), {})
    width = 0.0 if a == b else interval.upper - interval.lower
    if width <= ceiling:
        assert_brackets(interval, interval.upper, ceiling=ceiling)
    else:
        with pytest.raises(AssertionError, match=r"wider than the ceiling of"):
            assert_brackets(interval, interval.upper, ceiling=ceiling)


@pytest.mark.parametrize(
    ("exact", "inside"), [(-1.05, True), (-1.15, False), (-0.45, True), (-0.35, False)]
)
def test_slack_widens_both_ends_once(exact: float, inside: bool) -> None:
    interval = LogInterval(-1.0, -0.5, {})
    if inside:
        assert_brackets(interval, exact, slack=0.1)
    else:
        with pytest.raises(AssertionError, match=r"is 0\.15 (below|above) the (lower|upper) end"):
            assert_brackets(interval, exact, slack=0.1)


def test_tails_below_the_smallest_double_are_told_apart() -> None:
    """exp(-800) is 0 in doubles, below every bound."""
    assert_brackets(LogInterval(-800.1, -799.9, {}), -800.0)
    with pytest.raises(AssertionError, match=r"is 0\.1 below the lower end"):
        assert_brackets(LogInterval(-800.1, -799.9, {}), -800.2)


def test_the_whole_message() -> None:
    score = Score([0.1, 1.0], [0.75, 0.25])
    with pytest.raises(AssertionError) as caught:
        assert_brackets(
            BOUNDS, -0.5, score=score, p=np.array([0.1, 0.9]), n=np.int64(3), side="right"
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == "ln P(S_3 > 1.5) = -0.5 is 0.5 above the upper end of [-2.0, -1.0]"
    assert lines[1:3] == ["method: types", "errors allowed for: relative rounding 1e-15"]
    assert lines[3].endswith("p = [0.1, 0.9]; n = 3; side = 'right'")
    # What is printed makes the same numbers again.
    code = lines[3].removeprefix("replay: ").replace("; ", "\n")
    names: dict[str, Any] = {"Score": Score}
    exec(code, names)  # noqa: S102
    assert names["score"].values.tolist() == score.values.tolist()
    assert names["score"].log_probabilities == pytest.approx(score.log_probabilities, rel=1e-15)
    assert names["p"] == [0.1, 0.9]


def test_an_interval_without_particulars() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_brackets(LogInterval(-2.0, -1.0, {}), -3.0)
    assert str(caught.value) == "ln P = -3.0 is 1 below the lower end of [-2.0, -1.0]"


@pytest.mark.parametrize("ends", [(math.nan, 0.0), (-1.0, math.nan)])
def test_what_is_not_a_number_holds_nothing(ends: tuple[float, float]) -> None:
    with pytest.raises(AssertionError, match="an end that is not a number"):
        assert_brackets(LogInterval(*ends, {}), -0.5)


def test_impossible_events() -> None:
    assert_brackets(LogInterval(-math.inf, -math.inf, {}), -math.inf, ceiling=0.0)
    with pytest.raises(AssertionError, match="is inf below the lower end"):
        assert_brackets(LogInterval(-700.0, -600.0, {}), -math.inf)


@pytest.mark.parametrize("value", [0.25, 1.0, math.nan])
def test_probabilities_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="exact must be the logarithm of a probability, at most 0"):
        assert_brackets(BOUNDS, value)
