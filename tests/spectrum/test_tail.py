"""Certified tails: which method, at the extremes, and on both sides."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from oracles import spectrum as oracle

from infotheory._jit import JIT_ENABLED
from infotheory.exceptions import PrecisionWarning
from infotheory.measures import Score
from infotheory.spectrum import TAIL_METHODS, Bounds, nep_bounds, tail
from infotheory.spectrum.results import LogInterval

module = import_module("infotheory.spectrum.tail")  # the function has its name

P = [0.4, 0.3, 0.2, 0.1]
SCORE = Score.entropy(P)
CLOSE = 1e-12  # ln-width of an exact method for sums of a few letters


def exact(score: Score, n: int, threshold: Any, strict: bool = True, side: str = "right") -> float:
    values, logs = score.values.tolist(), score.log_probabilities.tolist()
    if side == "left":
        values, threshold = [-value for value in values], -threshold
    return float(oracle.log_tail(values, logs, n, Fraction(threshold), strict))


def holds(found: Bounds, want: float, width: float = CLOSE) -> None:
    assert found.certified
    assert found.lower <= want + 1e-15 * abs(want)
    assert found.upper >= want - 1e-15 * abs(want)
    assert found.width <= width


# ---------------------------------------------------------------------------------- every method


@pytest.mark.parametrize("method", ["auto", *TAIL_METHODS])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("delta", [0.31, 0.05, 0.013, -0.3])
def test_methods_hold_the_exact_value(method: str, side: str, delta: float) -> None:
    if not JIT_ENABLED and method in ("brackets", "transform") and delta != 0.05:
        pytest.skip("takes seconds in plain Python")
    for score in (SCORE, Score([0.0, 1.0, 3.0], [0.2, 0.5, 0.3])):
        sign = 1 if side == "right" else -1
        want = exact(score, 5, 5 * (score.mean + sign * delta), side=side)
        options: dict[str, Any] = {"side": side, "method": method, "width": 1e-4}
        if method == "lattice" and score is SCORE:
            with pytest.raises(ValueError, match="Its values are on no lattice that was found"):
                tail(score, 5, delta, **options)
            continue
        found = tail(score, 5, delta, **options)
        holds(found, want, math.inf if method in ("nep", "transform") else 1e-3)
        if method in ("auto", "types", "windows"):
            holds(found, want)
        if method not in {"auto", "nep"}:
            assert method in found.method
        assert found.event.startswith("P(S_5 > " if side == "right" else "P(S_5 < ")


def test_ties_that_are_declared() -> None:
    score, counts = Score.entropy([0.37, 0.31, 0.21, 0.11]), [1, 1, 2, 1]
    threshold = sum(Fraction(v) * c for v, c in zip(score.values.tolist(), counts, strict=True))
    for strict in (True, False):
        for side in ("right", "left"):
            want = exact(score, 5, threshold, strict, side)
            holds(tail(score, 5, counts=counts, side=side, strict=strict), want)
    below, above = (tail(score, 5, counts=counts, strict=strict) for strict in (True, False))
    assert below.upper < above.lower


def test_letters_that_add_up_to_the_same() -> None:
    """ln 0.4 - ln 0.2 = ln 0.2 - ln 0.1: two of 0.2 for one of each is a tie, but for rounding."""
    ways = 60 * 0.4 * 0.3 * 0.2**2 * 0.1 + 30 * 0.4**2 * 0.3 * 0.1**2 + 5 * 0.3 * 0.2**4
    below, above = (tail(SCORE, 5, counts=[1, 1, 2, 1], strict=strict) for strict in (True, False))
    assert math.exp(above.upper) - math.exp(below.lower) == pytest.approx(ways, rel=1e-10)
    assert above.width < 1e-10


def test_sides_add_up() -> None:
    for delta in (-0.3, -0.01, 0.02, 0.35):
        right = tail(SCORE, 60, delta)
        left = tail(SCORE, 60, -delta, side="left", strict=False)
        assert math.exp(right.lower) + math.exp(left.lower) <= 1.0 + 1e-15
        assert math.exp(right.upper) + math.exp(left.upper) >= 1.0 - 1e-15


def test_far_below_what_a_double_holds() -> None:
    """All of n letters the rarest but for a few: a binomial sum in logarithms."""
    score, n = Score([0.0, 1.0], [0.999, 0.001]), 3000
    with oracle.mp.workdps(50):
        p, q = oracle.normalised(score.log_probabilities.tolist())[::-1]
        terms = [oracle.mp.binomial(n, j) * p**j * q ** (n - j) for j in range(2990, n + 1)]
        want = float(oracle.mp.log(oracle.mp.fsum(terms)))
    assert want < -20_000
    found = tail(score, n, threshold=2990.0, strict=False)
    holds(found, want, 1e-8)


# ----------------------------------------------------------------------------------- the extremes


@pytest.mark.parametrize("n", [1, 7, 10**6])
def test_thresholds_at_the_extremes_and_beyond(n: int) -> None:
    top, bottom = n * SCORE.maximum, n * SCORE.minimum
    beyond = tail(SCORE, n, threshold=top * 1.001)
    assert (beyond.lower, beyond.upper) == (-math.inf, -math.inf)
    assert tail(SCORE, n, threshold=top).upper == -math.inf
    at = tail(SCORE, n, threshold=top, strict=False)
    assert n * math.log(0.1) == pytest.approx(at.lower, rel=1e-12)
    assert at.width <= 1e-14 * n
    assert tail(SCORE, n, counts=[0, 0, 0, n], strict=False).lower == at.lower
    assert tail(SCORE, n, threshold=bottom, strict=False).lower == 0.0
    assert tail(SCORE, n, threshold=0.999 * bottom).lower == 0.0
    rest = tail(SCORE, n, threshold=bottom)
    assert rest.upper == pytest.approx(math.log1p(-(0.4**n)), rel=1e-13)
    assert rest.width <= 1e-14
    assert tail(SCORE, n, SCORE.maximum - SCORE.mean).upper == -math.inf
    everything = tail(SCORE, n, threshold=top, side="left", strict=False)
    assert (everything.lower, everything.upper) == (0.0, 0.0)


def test_a_threshold_near_an_extreme_of_a_long_sum() -> None:
    """The next lower sum is closer to it than the rounding of n times a letter."""
    n, near = 10**9, Score([0.0, 1.0 - 2.0**-40, 1.0], [0.5, 0.25, 0.25])
    last = tail(near, n, counts=[0, 1, n - 1], strict=False)
    assert last.lower <= n * math.log(0.25) + math.log1p(n) <= last.upper
    everything = tail(near, n, counts=[0, 0, n], strict=False)
    assert everything.upper == pytest.approx(n * math.log(0.25), rel=1e-15)
    assert everything.upper < last.upper


def test_letters_that_hardly_occur() -> None:
    """What is left beside the commonest letter: n times 1e-300, or 1e-12, or nearly all."""
    for rare in (1e-300, 1e-12, 1e-5):
        score = Score([0.0, 1.0], [0.0, math.log(rare)], kind="logits")
        for n in (3, 10**6, 10**9):
            found = tail(score, n, threshold=0.0)
            with oracle.mp.workdps(400):
                share = oracle.mp.mpf(rare)
                share = share / (1 + share)
                want = float(oracle.mp.log(1 - (1 - share) ** n))
            assert found.upper == pytest.approx(want, rel=1e-13, abs=1e-300)
            assert found.width <= 1e-13 * (1 + abs(want))


def test_one_letter() -> None:
    only = Score.entropy([0.25] * 4)
    assert len(only) == 1
    assert tail(only, 10, 0.0).upper == -math.inf
    assert tail(only, 10, 0.0, strict=False).lower == 0.0
    assert tail(only, 10, -0.1).lower == 0.0
    assert tail(only, 10, 0.1, strict=False).upper == -math.inf


# ------------------------------------------------------------------------------------- the choice


def test_which_method_is_taken() -> None:
    uneven = Score.entropy(np.array([35, 25, 20, 13, 7]) / 100)
    assert tail(SCORE, 20, 0.1).method == "types"
    assert tail(Score.entropy([0.7, 0.3]), 3, 0.1).method == "lattice"
    assert tail(Score.entropy([0.7, 0.3]), 10**6, 0.01).method == "lattice"
    assert tail(Score.entropy([0.5, 0.25, 0.25]), 10**5, 0.01).method == "lattice"
    assert tail(Score([0.0, 0.1, 0.3], [0.5, 0.3, 0.2]), 2000, 0.01, span=0.1).method == "lattice"
    assert tail(uneven, 10**5, 0.01, width=1e-3).method == "brackets"


def test_absurd_lengths_are_left_to_closed_forms() -> None:
    with pytest.warns(PrecisionWarning, match=r"^n = 100000000000000 is beyond 1e\+12") as caught:
        found = tail(SCORE, 10**14, 1e-6)
    assert [item.filename for item in caught] == [__file__]
    assert found.method == "nep"
    assert found.width < 1.0


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"method": "exact"}, ValueError, "method must be one of 'auto', 'types', 'lattice'"),
        ({"width": 0.0}, ValueError, "width must be a positive number; got 0.0"),
        ({"width": "x"}, ValueError, "width must be a positive number; got 'x'"),
        ({"method": "lattice"}, ValueError, "method must be one of .* for this score and n; got"),
        ({"method": "types", "n": 10**6}, ValueError, "method must be .*too many types"),
        ({"n": 0}, ValueError, "n must be a whole number"),
        ({"score": P}, TypeError, "score must be a Score; got list"),
        ({"threshold": 3.0}, ValueError, "one of delta, threshold and counts must be given"),
        ({"span": 0.1}, ValueError, "span must be"),
    ],
)
def test_what_is_refused(options: dict[str, Any], kind: type[Exception], text: str) -> None:
    given = {"score": SCORE, "n": 50, "delta": 0.1, **options}
    with pytest.raises(kind, match=f"^{text}"):
        tail(**given)


@pytest.mark.skipif(not JIT_ENABLED, reason="takes a minute in plain Python")
def test_letters_of_very_different_size() -> None:
    """On no lattice: a step of 1e8 does not tell 0 from 1e-8."""
    score = Score([0.0, 1e-8, 1e8], [0.5, 0.4, 0.1])
    found = tail(score, 3, threshold=1.00001e8)
    assert found.method == "types"
    holds(found, exact(score, 3, 1.00001e8))
    tied = tail(score, 3, threshold=1e8)  # as a number, it cannot be told from 1e8 and 1e-8
    assert tied.lower <= exact(score, 3, 1e8) <= tied.upper
    with pytest.raises(
        ValueError, match=r"^span must be such that no two values are the same mult"
    ):
        tail(score, 3, threshold=1e8, span=1e8)
    for strict in (True, False):
        counts = [2, 1, 0] if strict else [1, 2, 0]
        threshold = sum(Fraction(v) * c for v, c in zip(score.values.tolist(), counts, strict=True))
        tied = tail(score, 3, counts=counts, strict=strict)
        want = exact(score, 3, threshold, strict)
        assert tied.lower <= want <= tied.upper
        assert "brackets" in tied.method


def test_a_span_that_does_not_tell_values_apart() -> None:
    score = Score([0.0, 1e-8, 1e8], [0.5, 0.4, 0.1])
    with pytest.raises(
        ValueError, match=r"^span must be such that no two values are the same mult"
    ):
        tail(score, 3, threshold=1e8, span=1e8)


def test_closed_forms_that_contradict_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    uneven = Score.entropy([0.37, 0.31, 0.21, 0.11])
    plain = tail(uneven, 5, 0.1, method="transform")
    nothing = LogInterval(-90.0, -80.0, {})
    monkeypatch.setattr(module, "_WIDE", 0.0)
    monkeypatch.setattr(module, "_closed_form", lambda event: nothing)
    found = tail(uneven, 5, 0.1, method="transform")
    assert (found.lower, found.upper) == (plain.lower, plain.upper)
    assert found.method == "transform"


def test_a_variance_that_underflows() -> None:
    """Three letters of four hundred nats each: exp(-2400) for any three of nine."""
    score = Score([0.0, 1.0], [0.0, -800.0], kind="logits")
    found = nep_bounds(score, 9, threshold=3.0, strict=False)
    assert found.lower <= math.log(84) - 2400.0 <= found.upper
    narrow = tail(score, 9, threshold=3.0, strict=False)
    assert narrow.lower <= math.log(84) - 2400.0 <= narrow.upper


def test_thresholds_beyond_all_doubles() -> None:
    with pytest.raises(ValueError, match=r"^delta must be such that n times the threshold is fini"):
        tail(SCORE, 100, 1e308)


@pytest.mark.parametrize("method", ["transform", "types", "windows"])
def test_methods_that_cannot_decide_a_tie(method: str) -> None:
    near = Score([0.5, math.nextafter(0.5, 1.0), 1.5], [0.5, 0.25, 0.25])
    with pytest.raises(ValueError, match=r"^method must be one of .* for this score and n; got"):
        tail(near, 4, counts=[1, 3, 0], method=method)


def test_windows_are_for_three_values_and_more() -> None:
    with pytest.raises(ValueError, match="A score of two values is on a lattice"):
        tail(Score.entropy([0.7, 0.3]), 10, 0.1, method="windows")
