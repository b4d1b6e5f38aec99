"""Events, the law that makes them common, and what bounds are returned as."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import spectrum as oracle

from infotheory.measures import Score
from infotheory.spectrum import Bounds
from infotheory.spectrum._events import Event, check_length, event_of
from infotheory.spectrum._extended import law_of, split
from infotheory.spectrum._tilting import slope_for, tilt_of

P = [0.4, 0.3, 0.2, 0.1]
SCORE = Score.entropy(P)


def event(delta: Any = 0.1, n: Any = 100, **options: Any) -> Event:
    given: dict[str, Any] = {"threshold": None, "counts": None, "side": "right", "strict": True}
    return event_of(options.pop("score", SCORE), options.pop("n", n), delta, **given | options)


# ---------------------------------------------------------------------------------------- events


def test_a_distance_from_the_mean() -> None:
    found = event(0.1, 100)
    assert found.threshold == 100 * (SCORE.mean + 0.1)
    assert found.level == pytest.approx(SCORE.mean + 0.1, rel=1e-15)
    assert found.text == f"P(S_100 > {found.threshold!r})"
    assert event(0.1, 100, strict=False).text == f"P(S_100 >= {found.threshold!r})"
    assert event(0.1, 100.0).n == 100


def test_the_left_side_is_the_right_side_of_the_negated_score() -> None:
    found = event(0.1, 100, side="left")
    assert found.threshold == pytest.approx(-100 * (SCORE.mean - 0.1), rel=1e-15)
    assert found.score.values.tolist() == (-SCORE.values[::-1]).tolist()
    assert found.text == f"P(S_100 < {-found.threshold!r})"
    assert event(0.1, 100, side="left", strict=False).text.startswith("P(S_100 <= ")


def test_a_threshold_and_counts() -> None:
    assert event(None, threshold=130).threshold == 130.0
    counts = [10, 20, 30, 40]
    found = event(None, counts=counts)
    assert found.counts == (10, 20, 30, 40)
    want = math.fsum(c * v for c, v in zip(counts, SCORE.values, strict=True))
    assert found.threshold == want
    left = event(None, counts=counts, side="left")
    assert left.counts == (40, 30, 20, 10)
    assert left.threshold == -want


def test_the_complement() -> None:
    found = event(None, counts=[10, 20, 30, 40], strict=False)
    other = found.mirrored()
    assert other.strict
    assert other.threshold == -found.threshold
    assert other.counts == (40, 30, 20, 10)
    assert other.text == found.text
    assert event(0.1).mirrored().counts is None
    assert not event(0.1).mirrored().strict


@pytest.mark.parametrize(
    ("delta", "options", "kind", "text"),
    [
        (0.1, {"score": [0.5, 0.5]}, TypeError, r"score must be a Score; got list\. Make one with"),
        (0.1, {"n": 0}, ValueError, "n must be a whole number from 1 to 1e15; got 0"),
        (0.1, {"n": 1.5}, ValueError, "n must be a whole number from 1 to 1e15; got 1.5"),
        (0.1, {"n": True}, ValueError, "n must be a whole number .*; got True"),
        (0.1, {"n": 10**16}, ValueError, "n must be a whole number"),
        (0.1, {"n": math.nan}, ValueError, "n must be a whole number .*; got nan"),
        (0.1, {"side": "up"}, ValueError, "side must be one of 'right', 'left'; got 'up'"),
        (0.1, {"strict": 1}, ValueError, "strict must be True or False"),
        (None, {}, ValueError, "one of delta, threshold and counts must be given; got none of"),
        (0.1, {"threshold": 1.0}, ValueError, "one of delta, .* got delta and threshold"),
        (math.inf, {}, ValueError, "delta must be finite; got inf"),
        ([0.1], {}, TypeError, r"delta must be a number; got \[0.1\]\. Ask for one event at a"),
        ("x", {}, TypeError, "delta must be a number; got 'x'"),
        (None, {"threshold": math.nan}, ValueError, "threshold must be a number, or infinite; got"),
        (None, {"counts": [100]}, ValueError, "counts must be a whole number for each of the 4"),
        (None, {"counts": ["1", "2"]}, ValueError, "counts must be a whole number for each of"),
        (None, {"counts": [1.5, 2, 3, 93.5]}, ValueError, r"counts must be whole numbers; got 1.5"),
        (None, {"counts": [1, math.nan, 3, 96]}, ValueError, r"counts must be whole .*counts\[1\]"),
        (None, {"counts": [1, 2, 97, math.inf]}, ValueError, "counts must be at least 0 and sum"),
        (None, {"counts": [1, 2, 3, 4]}, ValueError, r"counts must be at least 0 and sum to n \(1"),
        (None, {"counts": [-1, 1, 0, 100]}, ValueError, "counts must be at least 0"),
    ],
)
def test_what_is_refused(delta: Any, options: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"^{text}"):
        event(delta, **options)


def test_lengths() -> None:
    assert check_length(np.int64(7)) == 7
    assert check_length(10**15) == 10**15


# ------------------------------------------------------------------------------------ fifty digits

VALUES = st.lists(st.floats(-5, 5), min_size=2, max_size=5, unique=True)


@given(VALUES, st.data())
def test_the_tilted_law(values: list[float], data: st.DataObject) -> None:
    logs = data.draw(
        st.lists(st.floats(-30, 0), min_size=len(values), max_size=len(values)), label="logs"
    )
    lam = data.draw(st.floats(-20, 20), label="lam")
    law = law_of(np.array(values), np.array(logs), lam)
    with mp.workdps(60):
        want = oracle.log_mean(values, logs, lam)
        # Sums of logarithms of size 200 in fifty digits.
        assert abs(mp.mpf(str(law.log_mean)) - want) < mp.mpf(10) ** -46
        for found, share in zip(law.weights, oracle.tilted(values, logs, lam), strict=True):
            assert abs(mp.mpf(str(found)) - share) <= mp.mpf(10) ** -46 * share
        assert abs(mp.fsum(mp.mpf(str(weight)) for weight in law.weights) - 1) < mp.mpf(10) ** -48


def test_numbers_as_two_doubles() -> None:
    third = Decimal(1) / 3
    high, low = split([third, Decimal("0.5")])
    assert high[0] == 1 / 3
    assert abs(Decimal(high[0]) + Decimal(low[0]) - third) < Decimal(2) ** -108
    assert low[1] == 0.0


# ----------------------------------------------------------------------------------------- tilting


@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=5, unique=True).filter(
        lambda values: max(values) - min(values) > 1e-3
    ),
    st.floats(0.001, 0.999),
)
def test_the_slope_moves_the_mean_to_the_level(values: list[float], share: float) -> None:
    score = Score(values, np.full(len(values), 1 / len(values)))
    level = score.minimum + share * (score.maximum - score.minimum)
    lam = slope_for(score, level)
    spread = math.sqrt(score.tilted(lam).variance)
    # The mean is a sum of numbers up to 5 in size, each off by a few parts in 1e16.
    assert score.tilted(lam).mean == pytest.approx(level, abs=1e-14 * 5 + 1e-13 * spread)


def test_slopes_by_hand() -> None:
    """Two letters: odds q / (1 - q) = exp(lam) times those of p."""
    score = Score([0.0, 1.0], [0.75, 0.25])
    assert slope_for(score, 0.25) == pytest.approx(0.0, abs=1e-15)
    assert slope_for(score, 0.5) == pytest.approx(math.log(3), rel=1e-14)
    assert slope_for(score, 0.1) == pytest.approx(-math.log(3), rel=1e-14)
    assert slope_for(score, 1 - 1e-12) == pytest.approx(math.log(3) + 27.6310211159, rel=1e-6)
    with pytest.raises(ValueError, match=r"^level must be between 0.0 and 1.0; got 1.0"):
        slope_for(score, 1.0)


def test_slopes_of_laws_with_hardly_any_mass_beside_the_top() -> None:
    score = Score([0.0, 1.0, 2.0], [1 - 2e-300, 1e-300, 1e-300])
    lam = slope_for(score, 1.5)
    assert score.tilted(lam).mean == pytest.approx(1.5, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "delta", "lam", "rate"),
    [
        (10**4, 0.02, 0.10749660478181, 0.0010848803628928),
        (10**4, 0.1, 0.48887043560, 0.025389338954871),
        (10**6, 0.01, 0.05449179191186, 0.000273744165873731),
    ],
)
def test_known_rates(n: int, delta: float, lam: float, rate: float) -> None:
    """From the working of exact tails of this law; as many digits as were written down."""
    found = tilt_of(event(delta, n))
    assert found.lam == pytest.approx(lam, rel=2e-11)
    assert found.log_factor == pytest.approx(-n * rate, rel=1e-13)
    assert abs(found.drift) < 1e-14
    assert found.variance == pytest.approx(SCORE.tilted(found.lam).variance, rel=1e-13)
    assert found.slack == 2.0**-53 * abs(found.log_factor)


def test_steps_and_weights_hold_more_than_a_double() -> None:
    found = tilt_of(event(0.1, 7), lam=0.3)
    assert found.lam == 0.3
    values, logs = SCORE.values.tolist(), SCORE.log_probabilities.tolist()
    with mp.workdps(60):
        level = mp.mpf(event(0.1, 7).threshold) / 7
        for i, share in enumerate(oracle.tilted(values, logs, 0.3)):
            weight = mp.mpf(found.weights[i]) + mp.mpf(found.weights_low[i])
            assert abs(weight - share) <= mp.mpf(2) ** -104 * share
            step = mp.mpf(found.steps[i]) + mp.mpf(found.steps_low[i])
            assert abs(step - (values[i] - level)) <= mp.mpf(2) ** -104


def test_a_threshold_below_the_mean_is_not_tilted_to() -> None:
    found = tilt_of(event(-0.1))
    assert found.lam == 0.0
    assert abs(found.log_factor) < 1e-45  # fifty digits
    np.testing.assert_allclose(found.weights, SCORE.probabilities, rtol=1e-15)
    assert found.drift == pytest.approx(0.1, rel=1e-13)


# ----------------------------------------------------------------------------------------- bounds


def test_bounds() -> None:
    found = Bounds(-2.0, -1.0, "one", "P(E)", {"slack": 0.5})
    assert found.width == 1.0
    assert found.probability == (math.exp(-2), math.exp(-1))
    assert -1.5 in found
    assert -2.5 not in found
    assert str(found) == "ln P(E) in [-2, -1] (one)"
    assert str(Bounds(-1.0, -1.0, "normal", "P(E)", certified=False)).endswith(
        "(normal, not certified)"
    )
    assert Bounds(-math.inf, -math.inf, "exact", "P(E)").width == 0.0
    assert Bounds(-math.inf, -3.0, "exact", "P(E)").width == math.inf
    with pytest.raises(TypeError):
        found.error_terms["slack"] = 1.0  # type: ignore[index]


def test_the_intersection() -> None:
    one = Bounds(-2.0, -1.0, "one", "P(E)", {"slack": 0.5})
    two = Bounds(-1.8, -0.5, "two", "P(E)", {"tail": 0.1}, certified=False)
    both = one & two
    assert (both.lower, both.upper) == (-1.8, -1.0)
    assert both.method == "one & two"
    assert dict(both.error_terms) == {"slack": 0.5, "tail": 0.1}
    assert not both.certified
    assert (both & one).method == "one & two"
    with pytest.raises(ValueError, match=r"^bounds must be of the same event; got P\(E\) and P\(F"):
        one & Bounds(-1.0, 0.0, "one", "P(F)")
