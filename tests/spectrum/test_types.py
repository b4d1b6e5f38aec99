"""Tails by enumeration of all types."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import spectrum_types as oracle
from spectrum.tail_cases import NARROW, Case, cases, event, meet

from infotheory._kernels._binomial import exceeds, fill_binomial, next_counts
from infotheory.measures import Score
from infotheory.spectrum._splitting import split_up, weights_of
from infotheory.spectrum._tilting import tilt_of
from infotheory.spectrum._types import number_of_types, types_bounds

pytestmark = pytest.mark.kernel

FOUR = Score.entropy([0.4, 0.3, 0.2, 0.1])


def bounds(found: Any, lam: float | None = None) -> Any:
    return types_bounds(found, tilt_of(found, lam))


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 2), (7, 3), (6, 5)])
def test_number_of_types(n: int, k: int) -> None:
    assert number_of_types(n, k) == len(list(oracle.types(n, k)))


def test_number_of_types_is_exact() -> None:
    assert number_of_types(100, 4) == 176851
    assert number_of_types(10**6, 3) == (10**6 + 1) * (10**6 + 2) // 2


@given(cases())
def test_intervals_hold_the_probability(case: Case) -> None:
    case.check(bounds(case.event), NARROW)


@given(cases(), st.sampled_from([0.0, 0.7, 1.3]))
def test_any_slope_gives_the_same(case: Case, factor: float) -> None:
    tilt = tilt_of(case.event)
    other = types_bounds(case.event, tilt_of(case.event, factor * tilt.lam))
    assert meet(other, types_bounds(case.event, tilt))
    assert other.lower <= case.exact <= other.upper


@pytest.mark.parametrize(
    ("delta", "known"),
    [(0.05, -2.10761062021388), (0.15, -7.75730325376277), (0.3, -23.15999272040767)],
)
def test_known_values(delta: float, known: float) -> None:
    # By enumeration in other code, in fourteen digits.
    found = bounds(event(FOUR, 100, delta))
    assert found.lower <= known + 1e-13
    assert found.upper >= known - 1e-13
    assert found.upper - found.lower <= 1e-11


def test_far_in_the_tail() -> None:
    # Probabilities of 1e-30, of which thirty-one of forty letters are: about e^(-31 * 69).
    score = Score([0.0, 1.0, 1.7], [1.0, 1e-30, 1e-30])
    found = event(score, 40, threshold=45.3)
    exact = oracle.log_tail(score.values.tolist(), score.log_probabilities.tolist(), 40, 45.3, True)
    got = bounds(found)
    assert exact < -1800
    assert got.lower <= exact <= got.upper
    assert got.upper - got.lower <= NARROW


def test_a_letter_that_never_occurs() -> None:
    log_p = np.array([math.log(0.5), math.log(0.3), math.log(0.2), -3000.0])
    with_it = Score([0.0, 1.0, 2.5, -1.0], log_p, kind="log_probs")
    without = Score([0.0, 1.0, 2.5], log_p[:3], kind="log_probs")
    first, second = (
        bounds(event(with_it, 12, threshold=16.2)),
        bounds(event(without, 12, threshold=16.2)),
    )
    assert meet(first, second)
    assert first.upper - first.lower <= NARROW


# ------------------------------------------------------------------------------------------- ties


def test_strict_and_not_at_a_declared_tie() -> None:
    counts = (3, 4, 2, 3)
    strict, weak = (
        bounds(event(FOUR, 12, counts=counts, strict=strict)) for strict in (True, False)
    )
    total = mpmath.exp(weak.upper) - mpmath.exp(strict.upper)
    # Related letters: ln .4 - ln .2 = ln .2 - ln .1, so that some types have the same sum.
    log_p = FOUR.log_probabilities.tolist()
    tied = mpmath.fsum(
        oracle.probability(found, oracle._powers(log_p, 12))
        for found in oracle.types(12, 4)
        if abs(math.fsum((a - b) * v for a, b, v in zip(found, counts, FOUR.values, strict=True)))
        < 1e-12
    )
    assert float(total / tied) == pytest.approx(1.0, abs=1e-10)
    assert "undecided ties" in strict.terms
    assert strict.terms["undecided ties"] == 0.0


def test_a_number_on_an_atom_is_undecided() -> None:
    counts = (3, 4, 2, 3)
    declared = [event(FOUR, 12, counts=counts, strict=strict) for strict in (True, False)]
    found = bounds(event(FOUR, 12, threshold=declared[0].threshold))
    strict, weak = map(bounds, declared)
    assert found.lower <= strict.upper < weak.lower <= found.upper
    assert found.terms["undecided ties"] > 0.0
    # No wider than what is undecided.
    assert found.upper - found.lower <= weak.upper - strict.lower + NARROW


def test_sums_that_rounding_alone_tells_apart_are_ties() -> None:
    values = np.array([1.0, 2.0, 3.0])
    some, other = np.array([2, 1, 2]), np.array([1, 3, 1])
    moved = 8 * 2.0**-53 * 3.0
    assert not exceeds(some, other, values, moved, True)
    assert exceeds(some, other, values, moved, False)
    near = values + np.array([0.0, 0.0, 1e-15])  # two letters exchanged allow for 1.1e-14
    assert not exceeds(some, other, near, moved, True)
    far = values + np.array([0.0, 0.0, 1e-13])
    assert exceeds(some, other, far, moved, True)
    assert not exceeds(other, some, far, moved, False)


# ------------------------------------------------------------------------------------ invariance


@given(cases(), st.floats(0.1, 10), st.floats(-5, 5))
def test_scaled_and_shifted(case: Case, scale: float, shift: float) -> None:
    found = case.event
    score = Score(
        found.score.values * scale + shift, found.score.log_probabilities, kind="log_probs"
    )
    if len(score) < len(found.score) or found.counts is None:
        return  # values that rounding has made equal, or thresholds off by rounding
    moved = event(score, found.n, counts=found.counts, strict=found.strict)
    got = bounds(moved)
    # Ties of the one may be ties of the other only to rounding, and so may be near ones.
    if all(abs(above) > 1e-9 or above == 0.0 for above in _aboves(found)):
        assert got.lower <= case.exact + 1e-11 * (1 + abs(case.exact))
        assert got.upper >= case.exact - 1e-11 * (1 + abs(case.exact))


def _aboves(found: Any) -> list[float]:
    values = found.score.values.tolist()
    return [
        math.fsum((a - b) * v for a, b, v in zip(counts, found.counts, values, strict=True))
        for counts in oracle.types(found.n, len(values))
    ]


def test_merged_letters() -> None:
    split = Score([0.0, 1.0, 1.0, 2.5], [0.4, 0.1, 0.2, 0.3])
    whole = Score([0.0, 1.0, 2.5], [0.4, 0.3, 0.3])
    first = bounds(event(split, 15, threshold=20.2))
    assert meet(first, bounds(event(whole, 15, threshold=20.2)))


# ----------------------------------------------------------------------------------- the splits


@pytest.mark.parametrize("n", [0, 1, 9])
@pytest.mark.parametrize("odds", [0.0, 1e-3, 0.7, 5.0, 1e290])
def test_binomial_rows(n: int, odds: float) -> None:
    row = np.zeros(41)
    bottom, top, first, missing = fill_binomial(n, odds, 1e-290, row)
    assert (bottom >= 0, top <= n, missing <= 1e-285) == (True, True, True)
    for count in range(bottom, top + 1):
        exact = math.comb(n, count) * mpmath.mpf(odds) ** count / (1 + mpmath.mpf(odds)) ** n
        # Some five roundings a step.
        assert float(row[count - first] / exact) == pytest.approx(1.0, abs=60 * 2.0**-53)


@pytest.mark.parametrize("cut", [1e-3, 1e-12])
@pytest.mark.parametrize("size", [5, 201])
def test_what_rows_leave_out(cut: float, size: int) -> None:
    n, odds = 100, 0.5
    row = np.zeros(size)
    bottom, top, first, missing = fill_binomial(n, odds, cut, row)
    exact = [math.comb(n, i) * odds**i / (1 + odds) ** n for i in range(n + 1)]
    kept = math.fsum(exact[bottom : top + 1])
    assert 1.0 - kept <= missing <= 1.0
    assert all(row[i - first] <= exact[i] * (1 + 1e-13) for i in range(bottom, top + 1))
    assert math.fsum(row[bottom - first : top - first + 1]) == pytest.approx(1 - missing, rel=1e-13)
    # A geometric series from ratios of at most 0.9 is at most ten times what it bounds.
    assert missing <= (10.0 if size == 201 else math.inf) * (1.0 - kept) + 1e-15


@pytest.mark.parametrize("cut", [1e-2, 1e-5])
def test_all_counts_are_visited_or_lost(cut: float) -> None:
    n, odds, rises = 12, np.array([0.4, 1.2]), np.array([0.5, 2.0, 7.0])
    middles = np.array([3, 5, 0])
    rows, cursor, counts = np.zeros((2, 51)), np.zeros(1, np.int64), np.zeros(2, np.int64)
    ends, firsts, left = np.full(2, -1), np.zeros(2, np.int64), np.full(3, n)
    masses, sums, lost = np.ones(3), np.full(3, -1.0), np.zeros(1)
    seen: dict[tuple[int, int], float] = {}
    while next_counts(
        odds, rises, middles, cut, rows, cursor, counts, ends, firsts, left, masses, sums, lost
    ):
        one, two = counts.tolist()
        assert left[2] == n - one - two
        assert sums[2] == pytest.approx(-1.0 + (one - 3) * 0.5 + (two - 5) * 2.0)
        seen[one, two] = float(masses[2])
    p = np.array([0.4 / 1.4, 1.2 / 2.2 / 1.4, 1 / 2.2 / 1.4])
    powers = [[float(share) ** i for i in range(n + 1)] for share in p]
    for (one, two), mass in seen.items():
        exact = float(oracle.probability((one, two, n - one - two), powers))
        # What a window leaves out is added to its sum, by which its weights are divided.
        assert exact * (1 - 40 * cut) * 0.7 <= mass <= exact * (1 + 1e-13)
    assert len(seen) < number_of_types(n, 3)
    total = math.fsum(seen.values())
    assert lost[0] == pytest.approx(1.0 - total, abs=1e-13)


def test_mismatch_of_splits() -> None:
    found = event(FOUR, 10, 0.1)
    weights = weights_of(tilt_of(found))
    splits = split_up(weights, [0, 1, 2, 3], paired=False)
    one, two, three = (mpmath.mpf(odd) for odd in splits.odds.tolist())
    with mpmath.workdps(40):
        made = [
            one / (1 + one),
            two / (1 + two) / (1 + one),
            three / (1 + three) / (1 + two) / (1 + one),
            1 / (1 + three) / (1 + two) / (1 + one),
        ]
        worst = max(
            abs(mpmath.log(mpmath.mpf(str(w)) / m)) for w, m in zip(weights, made, strict=True)
        )
    assert 0 < worst <= splits.mismatch <= 4 * 2.0**-53
    assert splits.mismatch <= 1.02 * worst
