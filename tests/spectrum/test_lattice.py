"""Tails of sums of values on a lattice."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import spectrum_types as oracle
from spectrum.tail_cases import NARROW, event, meet

from infotheory._kernels.lattice import ratio_sum, transformed_tail
from infotheory.measures import Score
from infotheory.spectrum import _lattice as lattice_module
from infotheory.spectrum._lattice import (
    Lattice,
    _chernoff,
    _log_factorial,
    _period,
    lattice_bounds,
    lattice_cost,
    lattice_of,
)
from infotheory.spectrum._tilting import tilt_of
from infotheory.spectrum._types import types_bounds
from infotheory.spectrum._windows import windows_bounds

pytestmark = pytest.mark.kernel

U = 2.0**-53


def the_lattice(score: Score, span: Any = None) -> Lattice:
    found = lattice_of(score, span)
    assert found is not None
    return found


def bounds(found: Any, lam: float | None = None) -> Any:
    return lattice_bounds(found, tilt_of(found, lam), the_lattice(found.score))


# -------------------------------------------------------------------------------------- the tail


@st.composite
def latticed(draw: Any) -> tuple[Any, list[int], int]:
    """An event, the places of its letters, and the sum of places that it begins with."""
    k = draw(st.integers(2, 5))
    places = sorted(draw(st.lists(st.integers(0, 9), min_size=k, max_size=k, unique=True)))
    weights = [draw(st.integers(1, 1000)) for _ in range(k)]
    weights[0] *= 10.0 ** draw(st.sampled_from([0, -6, -25]))
    span = draw(st.sampled_from([1.0, math.log(2), 0.3]))
    origin = draw(st.sampled_from([0.0, -1.7, 2.0]))
    values = [origin + span * place for place in places]
    score = Score(values, [weight / math.fsum(weights) for weight in weights])
    n = draw(st.integers(1, 25))
    strict = draw(st.booleans())
    assume(n * (places[-1] - places[0]) > 1)
    point = draw(st.integers(n * places[0] + 1, n * places[-1] - 1))
    on = draw(st.booleans())
    level = n * origin + span * (point + (0.0 if on else draw(st.floats(0.01, 0.99))))
    assume(n * score.mean <= level)
    found = event(score, n, threshold=level, strict=strict)
    return found, places, point + (strict if on else 1)


@given(latticed())
def test_intervals_hold_the_probability(case: tuple[Any, list[int], int]) -> None:
    found, places, point = case
    exact = oracle.log_lattice_tail(places, found.score.log_probabilities.tolist(), found.n, point)
    got = bounds(found)
    assert got.lower <= exact <= got.upper
    # Errors of the transform, some 1e-14 of the tilted mass, are relative to what that is beyond
    # the threshold. With single letters there may be little: the next sum may be far above.
    if found.n >= 5:
        assert got.upper - got.lower <= NARROW


@given(latticed(), st.sampled_from([0.0, 0.7, 1.3]))
def test_any_slope_gives_the_same(case: tuple[Any, list[int], int], factor: float) -> None:
    tilt = tilt_of(case[0])
    assert meet(bounds(case[0]), bounds(case[0], factor * tilt.lam))


@pytest.mark.parametrize(
    ("n", "count", "known"),
    [
        # By binomial sums in other code.
        (100, 42, 0.007173562599373489),
        (1000, 420, 6.115470381647244e-16),
        (10_000, 3200, 7.510683796427025e-06),
    ],
)
def test_known_binomial_tails(n: int, count: int, known: float) -> None:
    score = Score.entropy([0.7, 0.3])
    found = bounds(event(score, n, counts=(n - count, count), strict=False))
    # The known values have sixteen digits, and the logarithm of p = .3 is off by a rounding.
    assert found.lower == pytest.approx(math.log(known), abs=n * 4e-16 + 1e-14)
    assert found.upper - found.lower <= 1e-12
    exact = oracle.log_binomial_tail(score.log_probabilities.tolist(), n, count)
    assert found.lower <= exact <= found.upper


def test_a_known_lattice_of_merged_letters() -> None:
    # p = (1/2, 1/4, 1/4), n = 100, delta = 0.15, by enumeration in forty digits.
    found = bounds(event(Score.entropy([0.5, 0.25, 0.25]), 100, 0.15))
    assert found.lower == pytest.approx(math.log(6.2895750083394267508e-6), abs=1e-12)


@pytest.mark.parametrize("n", [10**6, 10**12])
def test_long_binomials(n: int) -> None:
    score = Score([0.0, 1.0], [0.75, 0.25])
    count = n // 4 + round(3.0 * math.sqrt(n)) if n < 10**9 else round(0.9 * n)
    got = bounds(event(score, n, counts=(n - count, count), strict=False))
    with mpmath.workdps(40):
        ways = mpmath.loggamma(n + 1) - mpmath.loggamma(count + 1) - mpmath.loggamma(n - count + 1)
        one, two = (mpmath.mpf(log) for log in score.log_probabilities.tolist())
        total = mpmath.log(mpmath.exp(one) + mpmath.exp(two))
        first = ways + count * two + (n - count) * one - n * total
        terms, ratio = [mpmath.mpf(1)], mpmath.exp(two - one)
        while terms[-1] > mpmath.mpf(10) ** -30:
            place = count + len(terms) - 1
            terms.append(terms[-1] * (n - place) / (place + 1) * ratio)
        exact = first + mpmath.log(mpmath.fsum(terms))
    assert got.lower <= exact <= got.upper
    # The leading logarithm is rounded: to 1e-4 at 1e12.
    assert got.upper - got.lower <= 1e-11 + 30 * U * abs(got.lower)


@pytest.mark.parametrize("n", [1, 99, 100, 101, 150, 10**6, 10**15])
def test_logarithms_of_factorials(n: int) -> None:
    with mpmath.workdps(50):
        off = mpmath.mpf(str(_log_factorial(n))) - mpmath.loggamma(n + 1)
        assert abs(off) <= mpmath.mpf(10) ** -32 * max(1, n // 10**15 * 10)


def test_deep_tails_of_a_transform() -> None:
    score = Score([0.0, 1.0, 2.0], [1.0 - 1e-30 - 1e-60, 1e-30, 1e-60])
    found = event(score, 60, threshold=50.5)
    exact = oracle.log_lattice_tail([0, 1, 2], score.log_probabilities.tolist(), 60, 51)
    got = bounds(found)
    assert exact < -2000
    assert got.lower <= exact <= got.upper
    assert got.upper - got.lower <= NARROW


def test_three_methods_agree() -> None:
    score = Score.entropy([0.5, 0.25, 0.125, 0.0625, 0.0625])
    found = event(score, 25, 0.31)
    tilt = tilt_of(found)
    ways = [bounds(found), types_bounds(found, tilt), windows_bounds(found, tilt)]
    assert all(meet(one, other) for one in ways for other in ways)
    assert max(one.upper - one.lower for one in ways) <= 1e-11


@pytest.mark.parametrize(("n", "delta"), [(10**4, 0.02), (10**5, 0.01), (10**7, 0.001)])
def test_long_sums(n: int, delta: float) -> None:
    score = Score.entropy([0.5, 0.25, 0.125, 0.125])
    found = event(score, n, delta)
    first = bounds(found)
    assert meet(first, bounds(found, 0.8 * tilt_of(found).lam))
    # Lemma 0: two roundings for each of twenty deviations of four counts.
    assert first.upper - first.lower <= 4 * U * 80 * math.sqrt(n) + 1e-12


def test_sums_are_convolutions() -> None:
    # P(S_(n + m) >= t) = sum over s of P(S_n = s) P(S_m >= t - s), by tails of one law only.
    score = Score([0.0, 1.0, 3.0], [0.5, 0.3, 0.2])
    n, m, point = 7, 12, 33

    def tail(length: int, at: int) -> float:
        if at <= 0 or at > 3 * length:
            return float(at <= 0)
        right = at - 0.5 >= length * score.mean
        found = event(score, length, threshold=at - 0.5, side="right" if right else "left")
        share = math.exp(0.5 * sum(bounds(found)[:2]))
        return share if right else 1.0 - share

    parts = [(tail(n, s) - tail(n, s + 1)) * tail(m, point - s) for s in range(3 * n + 1)]
    assert math.fsum(parts) == pytest.approx(tail(n + m, point), rel=1e-12)


def test_finer_spans_may_be_declared() -> None:
    score = Score([0.0, 1.0, 3.0], [0.5, 0.3, 0.2])
    fine = the_lattice(score, 0.5)
    assert fine.places.tolist() == [0, 2, 6]
    found = event(score, 20, threshold=31.2)
    tilt = tilt_of(found)
    assert meet(lattice_bounds(found, tilt, fine), lattice_bounds(found, tilt, the_lattice(score)))
    two = Score([0.0, 1.5], [0.6, 0.4])
    found = event(two, 20, threshold=16.0)
    tilt = tilt_of(found)
    first = lattice_bounds(found, tilt, the_lattice(two, 0.5))
    assert first.lower == lattice_bounds(found, tilt, the_lattice(two)).lower


# ------------------------------------------------------------------------------------------ ties


def test_strict_and_not_at_a_point() -> None:
    score = Score.entropy([0.5, 0.25, 0.125, 0.125])
    counts = (4, 8, 8)
    log_p = score.log_probabilities.tolist()
    for strict in (True, False):
        declared = bounds(event(score, 20, counts=counts, strict=strict))
        point = 8 + 16 + strict
        exact = oracle.log_lattice_tail([0, 1, 2], log_p, 20, point)
        assert declared.lower <= exact <= declared.upper
        # Numbers within rounding of the point are the point.
        number = event(score, 20, counts=counts).threshold
        for threshold in (number, number * (1 + 3 * U), number * (1 - 3 * U)):
            got = bounds(event(score, 20, threshold=threshold, strict=strict))
            assert got.lower == pytest.approx(declared.lower, abs=1e-12)
            assert got.terms["tie"] == 0.0
        assert "tie" in declared.terms
    assert "tie" not in bounds(event(score, 20, threshold=number + 0.1)).terms
    moved = bounds(event(score, 20, threshold=number * (1 + 1e-13), strict=False))
    assert moved.upper < declared.lower


def test_nothing_and_everything() -> None:
    score = Score([0.0, 1.0, 3.0], [0.5, 0.3, 0.2])
    found = event(score, 10, threshold=30.0 * (1 - 2 * U))
    assert bounds(found)[:2] == (-math.inf, -math.inf)
    found = event(score, 10, threshold=1e-16, strict=False)
    assert bounds(found, 0.0)[:2] == (0.0, 0.0)


def test_points_too_near_to_tell_apart() -> None:
    # At n = 1e15 rounding of the threshold moves it by more than a step.
    score = Score([100.0, 101.0], [0.5, 0.5])
    n = 10**15
    found = event(score, n, 0.3)
    got = bounds(found)
    assert got.lower < got.upper - 1.0
    assert got.upper < -1000.0
    assert "tie" not in got.terms


# -------------------------------------------------------------------------------- parts and costs


def test_mass_beyond_the_period() -> None:
    # Chernoff's inequality under the tilted law, against the law itself.
    n, places = 30, np.array([0.0, 1.0, 3.0])
    weights = np.array([0.5, 0.3, 0.2])
    mean = n * float(weights @ places)
    variance = n * float(weights @ (places - weights @ places) ** 2)
    point = round(mean)
    for reach in (5, 12, 25, 40):
        bound = _chernoff(n, places - point / n, weights, variance, reach)
        exact = mpmath.exp(
            oracle.log_lattice_tail([0, 1, 3], np.log(weights).tolist(), n, point + reach)
        )
        assert exact <= bound
        # The best slope gives exp(-reach^2 / (2 variance)), and a cubic term that is positive here.
        best = min(
            n * math.log(float(weights @ np.exp(s * (places - point / n)))) - s * reach
            for s in np.linspace(0.001, 4.0, 4000)
        )
        assert best - 1e-3 <= math.log(bound) <= 0.5 * best
    size, alias = _period(n, places - point / n, weights, variance, 0.1, point)
    assert size & (size - 1) == 0
    # The whole range is within half a period of the point, or what is not is negligible.
    assert alias <= 1e-14
    # Below the point is nothing, and above it a long tail.
    rare, far = np.array([0.999, 0.0005, 0.0005]), np.array([0.0, 1.0, 50.0])
    spread = 1000 * float(rare @ (far - rare @ far) ** 2)
    assert _period(1000, far - 0.02, rare, spread, 0.1, 20)[1] <= 1e-14
    assert _chernoff(n, places - point / n, weights, variance, 10**6) <= math.exp(-1e5)
    # A variance too small for the slope that it asks for.
    assert _chernoff(10**6, np.array([-1e-9, 1.0]), np.array([1.0, 1e-9]), 1e-3, 20) <= 1e-50


def test_alias_and_rounding_are_stated() -> None:
    found = event(Score.entropy([0.5, 0.25, 0.125, 0.125]), 1000, 0.1)
    terms = bounds(found).terms
    assert {"alias", "rounding", "omitted mass", "relative law mismatch"} <= set(terms)
    assert 0.0 < terms["rounding"] < 1e-12
    assert 0.0 <= terms["alias"] <= 1e-14
    assert terms["omitted mass"] == pytest.approx(6 * math.exp(-50.0))


def test_ends_allow_for_the_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    found = event(Score.entropy([0.5, 0.25, 0.125, 0.125]), 1000, 0.1)
    got = bounds(found)
    relative = [size for name, size in got.terms.items() if name.startswith("relative")]
    assert min(relative) > 0.0
    # Two roundings, of some deviations of each of three counts.
    assert 1e-15 < got.terms["relative law mismatch"] < 1e-12
    assert got.upper - got.lower >= 2.0 * math.fsum(relative)
    plain = lattice_module._period
    monkeypatch.setattr(lattice_module, "_period", lambda *given: (plain(*given)[0], 1e-3))
    wide = bounds(found)
    assert wide.terms["alias"] == 1e-3
    # The mean under the tilted law is at most 1.
    assert wide.lower <= got.lower - 1e-3
    assert wide.upper >= got.upper + 0.9e-3


def test_one_sum_over_frequencies() -> None:
    # Places 0, 2, 5 under a slope of 0.3 from 14 on, in a period of 64, by the discrete transform.
    n, theta, size, point = 9, 0.3, 64, 14
    weights = np.array([0.5, 0.3, 0.2])
    law = np.zeros(size)
    law[[0, 2, 5]] = weights
    powers = np.fft.fft(law) ** n
    weighed = np.where(np.arange(size) < size // 2, np.exp(-theta * np.arange(size)), 0.0)
    exact = float(np.fft.ifft(powers).real[(np.arange(size) + point) % size] @ weighed)
    out = np.empty(2)
    transformed_tail(n, theta, size, -point % size, np.array([2, 5]), weights[1:], out)
    assert out[0] == pytest.approx(exact, rel=1e-13)
    # 40 roundings of the first term and at least 80 of each of the others.
    sizes = np.abs(np.fft.fft(weighed) * powers) / size
    assert 80.0 * sizes.sum() - 40.0 * sizes[0] <= out[1] * (1 + 1e-9)
    assert out[1] <= 2000.0 * sizes.sum()


def test_rest_of_ratios() -> None:
    n, count, odds = 1000, 420, 3.0 / 7.0
    total, rest, steps = ratio_sum(n, count, odds)
    terms, place = [mpmath.mpf(1)], count
    while place < n:
        terms.append(terms[-1] * (n - place) * odds / (place + 1))
        place += 1
    left = mpmath.fsum(terms[steps + 1 :])
    assert 0.0 < left <= rest <= 1.5 * left
    assert float(mpmath.fsum(terms[: steps + 1])) == pytest.approx(total, rel=1e-13)
    assert ratio_sum(5, 4, 2.0) == (1.0 + 2.0 / 5.0, 0.0, 1)


def test_cost() -> None:
    def cost(score: Score, n: int) -> float:
        found = event(score, n, 1e-4)
        return lattice_cost(found, tilt_of(found), the_lattice(score))

    two, three = Score.entropy([0.7, 0.3]), Score.entropy([0.5, 0.25, 0.125, 0.125])
    assert cost(two, 10**8) / cost(two, 10**6) == pytest.approx(10.0, rel=0.01)
    assert cost(three, 10**8) / cost(three, 10**6) == pytest.approx(10.0, rel=0.05)
    assert cost(two, 10**6) < cost(three, 10**6)
