"""Tails by conditioning on counts within windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import spectrum_types as oracle
from spectrum.tail_cases import NARROW, WINDOWED, Case, cases, event, meet

from infotheory._jit import JIT_ENABLED
from infotheory._kernels.types import enumerated_tail
from infotheory._kernels.windows import windowed_tail
from infotheory.measures import Score
from infotheory.spectrum._lattice import lattice_bounds, lattice_of
from infotheory.spectrum._tilting import tilt_of
from infotheory.spectrum._types import types_bounds
from infotheory.spectrum._windows import windows_bounds, windows_cost

FOUR = Score.entropy([0.4, 0.3, 0.2, 0.1])
pytestmark = pytest.mark.kernel
needs_jit = pytest.mark.skipif(not JIT_ENABLED, reason="takes minutes in plain Python")


def bounds(found: Any, lam: float | None = None) -> Any:
    return windows_bounds(found, tilt_of(found, lam))


def log_tail(score: Score, n: int, threshold: float, strict: bool = True) -> Any:
    return oracle.log_tail(
        score.values.tolist(), score.log_probabilities.tolist(), n, threshold, strict
    )


@given(cases())
def test_intervals_hold_the_probability(case: Case) -> None:
    case.check(bounds(case.event), WINDOWED)


@given(cases(), st.sampled_from([0.7, 1.3]))
def test_any_slope_gives_the_same(case: Case, factor: float) -> None:
    tilt = tilt_of(case.event)
    other = windows_bounds(case.event, tilt_of(case.event, factor * tilt.lam))
    assert meet(other, windows_bounds(case.event, tilt))
    assert other.lower <= case.exact <= other.upper


# By this method and by band-limited brackets in other code, which agree to 1e-12. The threshold
# n (H + delta) is rounded here, which moves the logarithm by lam n H u: 1e-11 for the last.
_TABLE = [
    (100, 0.05, -2.10761062021388),
    (100, 0.15, -7.75730325376277),
    (100, 0.3, -23.15999272040767),
    pytest.param(10**4, 0.02, -13.357553023335, marks=needs_jit),
    pytest.param(10**4, 0.1, -257.966418348566, marks=needs_jit),
    pytest.param(10**5, 0.02, -112.110526758449, marks=needs_jit),
    pytest.param(10**6, 0.01, -277.822263158720, marks=needs_jit),
]


@pytest.mark.parametrize(("n", "delta", "known"), _TABLE)
def test_known_values(n: int, delta: float, known: float) -> None:
    found = bounds(event(FOUR, n, delta))
    assert found.lower <= known + 2e-11
    assert found.upper >= known - 2e-11
    assert found.upper - found.lower <= 1e-10


@pytest.mark.parametrize(
    ("p", "n", "delta"),
    [
        ([0.7, 0.3], 300, 0.1),
        ([0.5, 0.3, 0.2], 120, 0.1),
        ([0.6, 0.3, 0.1 - 1e-3, 1e-3], 60, 0.3),
        ([0.3, 0.3, 0.15, 0.15, 0.1 - 1e-5, 1e-5], 40, 0.2),
        ([0.35, 0.25, 0.2, 0.13, 0.07], 24, 0.05),
    ],
)
def test_windows_that_cut_agree_with_all_types(p: list[float], n: int, delta: float) -> None:
    for side in ("right", "left"):
        found = event(Score.entropy(p), n, delta, side=side)
        first, second = bounds(found), types_bounds(found, tilt_of(found))
        assert meet(first, second)
        assert max(one.upper - one.lower for one in (first, second)) <= 1e-10


@needs_jit
def test_five_letters() -> None:
    found = event(Score.entropy([0.35, 0.25, 0.2, 0.13, 0.07]), 1000, 0.1)
    tilt = tilt_of(found)
    first = windows_bounds(found, tilt)
    assert first.upper - first.lower <= 1e-10
    assert meet(first, windows_bounds(found, tilt_of(found, 0.9 * tilt.lam)))


def test_far_in_the_tail() -> None:
    score = Score([0.0, 1.0, 1.7, 0.4], [1.0, 1e-30, 1e-30, 1e-40])
    got = bounds(event(score, 40, threshold=45.3))
    exact = types_bounds(
        event(score, 40, threshold=45.3), tilt_of(event(score, 40, threshold=45.3))
    )
    assert got.upper < -1800
    assert meet(got, exact)
    assert got.upper - got.lower <= WINDOWED


def test_windows_are_widened_for_rare_ends() -> None:
    # Whole numbers under a slope of some fifty: half a step above the threshold is e^-25, far less
    # than the mass that windows leave out at first would weigh.
    score = Score([0.0, 1.0, 2.0], [1.0, 1e-22, 1e-44])
    n, threshold = 400, 200.5
    found = event(score, n, threshold=threshold)
    got = bounds(found)
    whole = types_bounds(found, tilt_of(found))
    assert meet(got, whole)
    assert got.upper - got.lower <= 3e-10
    assert got.terms["omitted mass"] < 1e-17


def test_nothing_above_that_is_not_lost() -> None:
    # Above the threshold are sums whose letters are too rare for any window.
    p = np.array([math.log(0.6), math.log(0.4), -3000.0])
    score = Score([0.0, 1.0, 3.0], p, kind="log_probs")
    got = windows_bounds(
        event(score, 5, threshold=5.5), tilt_of(event(score, 5, threshold=5.5), 0.01)
    )
    assert got.lower == -math.inf
    assert got.upper <= -500.0


@pytest.mark.parametrize("cut", [1e-2, 1e-4, 1e-9])
@pytest.mark.parametrize("outer", [[], [0.3], [0.2, 0.5]])
def test_mass_is_summed_or_lost(outer: list[float], cut: float) -> None:
    # Without a slope, and with a threshold below all sums, what is summed is the mass of windows.
    odds = np.array([*outer, 0.7, 1.4, 0.4])
    halves = np.full(len(odds), 14)
    out = np.empty(3)
    none = np.zeros(0, np.int64)
    windowed_tail(
        14, 0.0, 1e-12, cut, 1e3, odds, np.ones(len(odds)), np.full(len(odds), 3), halves,
        np.zeros(len(odds) + 1), none, 0.0, True, out,
    )  # fmt: skip
    sure, unsure, lost = out.tolist()
    assert unsure == 0.0
    assert sure + lost == pytest.approx(1.0, abs=1e-13)
    assert 0.0 < lost < 1.0 + 1e-13
    enumerated_tail(
        14, 0.0, 1e-12, cut, 1e3, odds, np.ones(len(odds)), np.full(len(odds), 3), 14,
        np.zeros(len(odds) + 1), none, 0.0, True, out,
    )  # fmt: skip
    assert out[0] + out[2] == pytest.approx(1.0, abs=1e-13)
    assert out[2] > 0.0


def test_two_values_that_nearly_agree() -> None:
    # Several counts of the two are within rounding of the threshold: more than one is undecided.
    score = Score([0.0, 1.0, 1.0 + 2**-51, 2.0], [0.3, 0.3, 0.2, 0.2])
    n = 12
    for threshold in (13.0, 14.5):
        found = event(score, n, threshold=threshold)
        exact = log_tail(score, n, threshold)
        got = bounds(found)
        assert got.lower <= exact <= got.upper
    assert got.upper - got.lower <= NARROW
    whole = Score([0.0, 1.0, 2.0], [0.3, 0.5, 0.2])
    got = bounds(event(score, n, threshold=13.0))
    assert got.lower <= log_tail(whole, n, 13.0, strict=True)
    assert got.upper >= log_tail(whole, n, 13.0, strict=False)
    for strict in (True, False):
        declared = bounds(event(score, n, counts=(3, 3, 2, 4), strict=strict))
        known = log_tail(whole, n, 13.0, strict=strict)
        # Values that are off by 4e-16 move no probability.
        assert declared.lower <= known <= declared.upper
        assert declared.upper - declared.lower <= NARROW


def test_thresholds_below_the_mean_are_not_tilted_to() -> None:
    found = event(FOUR, 30, threshold=30 * FOUR.mean * (1 - 1e-16))
    tilt = tilt_of(found, 0.0)
    got = windows_bounds(found, tilt)
    assert meet(got, types_bounds(found, tilt))
    assert -1.5 < got.lower < got.upper < 0.0


@pytest.mark.parametrize("k", [3, 4, 5, 6])
def test_declared_ties(k: int) -> None:
    # A lattice, where each second sum or so is a tie; and the law of its places.
    p = [2.0**-i for i in range(1, k)] + [2.0 ** (1 - k)]
    score = Score(np.arange(1.0, k + 1.0) * math.log(2.0), p)
    n = {3: 30, 4: 16, 5: 9, 6: 7}[k]
    counts = [0] * k
    counts[0], counts[k - 1] = n - n // 2, n // 2
    point = n // 2 * (k - 1)
    for strict in (True, False):
        got = bounds(event(score, n, counts=counts, strict=strict))
        known = oracle.log_lattice_tail(
            range(k), score.log_probabilities.tolist(), n, point + strict
        )
        assert got.lower <= known <= got.upper
        assert got.upper - got.lower <= WINDOWED


@needs_jit
def test_ties_of_long_sums() -> None:
    # The threshold is rounded by more than what counts may add to the rounding of their sum.
    n = 10**6
    score = Score(50.0 + math.log(2) * np.array([0.0, 1.0, 2.0]), [0.5, 0.3, 0.2])
    lattice = lattice_of(score)
    assert lattice is not None
    for third in range(200_500, 200_560, 7):
        for strict in (True, False):
            found = event(score, n, counts=(500_000, 500_000 - third, third), strict=strict)
            tilt = tilt_of(found)
            known = lattice_bounds(found, tilt, lattice)
            got = windows_bounds(found, tilt)
            assert meet(got, known)
            assert max(one.upper - one.lower for one in (got, known)) <= 1e-9


def test_shifted_and_permuted() -> None:
    values, p = np.array([0.3, 1.1, 2.0, 2.9, 0.8]), np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    first = bounds(event(Score(values, p), 12, counts=(2, 2, 2, 3, 3)))
    moved = bounds(event(Score(values[::-1] * 2 - 7, p[::-1]), 12, counts=(2, 2, 2, 3, 3)))
    assert meet(first, moved)


@pytest.mark.parametrize("method", [types_bounds, windows_bounds])
def test_ends_allow_for_the_terms(method: Any) -> None:
    found = event(FOUR, 40, 0.3)
    tilt = tilt_of(found)
    got = method(found, tilt)
    relative = [size for name, size in got.terms.items() if name.startswith("relative")]
    assert len(relative) == 3
    assert got.upper - got.lower >= 2.0 * math.fsum(relative)
    # Sums of up to 40 letters that are up to 1.4 apart are off by some ten roundings.
    size = got.terms["relative sum rounding"] / tilt.lam
    assert 5 * 2.0**-53 <= size <= 40 * 2.0**-53 * 40 * 4 * 1.4


def test_rounding_grows_with_the_windows() -> None:
    # Ten roundings a place of each half window of some eight deviations, of a letter and a pair.
    found = event(Score.entropy([0.5, 0.3, 0.2]), 2000, 0.02)
    tilt = tilt_of(found)
    got = windows_bounds(found, tilt).terms["relative rounding"] * 2.0**53
    one, two, three = sorted(tilt.weights.tolist())
    deviations = math.sqrt(2000 * one * (1 - one)), math.sqrt(2000 * two * three / (two + three))
    assert got >= 2400.0 + 80.0 * deviations[0] + 144.0 * deviations[1]
    assert got <= 2400.0 + 200.0 * deviations[0] + 360.0 * deviations[1]


def test_cost_grows_as_stated() -> None:
    def cost(p: list[float], n: int) -> float:
        found = event(Score.entropy(p), n, 0.01)
        return windows_cost(found, tilt_of(found))

    three, four = [0.5, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]
    five, six = [0.35, 0.25, 0.2, 0.13, 0.07], [0.3, 0.25, 0.2, 0.13, 0.07, 0.05]
    for p, power in ((three, 1.0), (four, 1.0), (five, 1.5), (six, 2.0)):
        assert cost(p, 10**8) / cost(p, 10**6) == pytest.approx(100**power, rel=0.1)
    assert cost([0.7, 0.3], 10**6) < cost(three, 10**6) < cost(four, 10**6) < cost(five, 10**6)
