"""Approximations to tails: exact values, their orders of accuracy, lattices and limits."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import equipartition as oracle
from scipy.stats import binom
from spectrum.equipartition_cases import WORKED

from infotheory.measures import Score
from infotheory.spectrum import _expansions
from infotheory.spectrum._events import Event
from infotheory.spectrum.approximations import (
    bahadur_rao_approximation,
    edgeworth_approximation,
    lugannani_rice_approximation,
    normal_approximation,
)
from infotheory.spectrum.continuous import GammaScore, GaussianPairScore

ALL = (
    normal_approximation,
    edgeworth_approximation,
    bahadur_rao_approximation,
    lugannani_rice_approximation,
)
COIN = Score([0.0, 1.0], [0.7, 0.3])
RARE = {
    (100, 42): 0.007173562599373489,
    (1000, 420): 6.115470381647244e-16,
    (10_000, 3200): 7.510683796427025e-06,
}


@pytest.mark.parametrize("case", WORKED)
def test_worked_examples(case: dict[str, Any]) -> None:
    score = Score.entropy(case["p"])
    found = normal_approximation(score, case["n"], case["delta"], side=case["side"])
    # The threshold is rounded to 1e-16 of itself, and the logarithm changes by x / sigma of that.
    assert math.exp(found) == pytest.approx(case["normal"], rel=1e-12)
    found = lugannani_rice_approximation(score, case["n"], case["delta"], side=case["side"])
    assert math.exp(found) == pytest.approx(case["lr"], rel=1e-12)


@pytest.mark.parametrize(
    ("n", "delta", "saddle", "bahadur"),
    [
        (10**4, 0.02, -13.3575304825, -13.3154404),
        (10**4, 0.1, -257.9651824846, -257.9631513),
        (10**5, 0.02, -112.1105642173, -112.1059656),
        (10**6, 0.01, -277.8222870897, -277.8204603),
    ],
)
def test_long_blocks_of_four_letters(n: int, delta: float, saddle: float, bahadur: float) -> None:
    score = Score.entropy([0.4, 0.3, 0.2, 0.1])
    assert lugannani_rice_approximation(score, n, delta) == pytest.approx(saddle, abs=1e-9)
    assert bahadur_rao_approximation(score, n, delta) == pytest.approx(bahadur, abs=6e-8)


@pytest.mark.parametrize(
    ("n", "least", "saddle", "bahadur", "edgeworth"),
    [
        (100, 42, 1.00047, 1.098, 1.027),
        (1000, 420, 1.00004, 1.012, 0.48),
        (10_000, 3200, 1.0000007, 1.047, 0.998),
    ],
)
def test_a_lattice(n: int, least: int, saddle: float, bahadur: float, edgeworth: float) -> None:
    """Ratios to the exact value, as many digits of them as are known."""
    options: dict[str, Any] = {"threshold": least, "strict": False, "span": 1.0}
    exact = math.log(RARE[n, least])
    for function, ratio, half in (
        (lugannani_rice_approximation, saddle, 5e-6 if n < 10_000 else 5e-8),
        (bahadur_rao_approximation, bahadur, 5e-4),
        (edgeworth_approximation, edgeworth, 5e-3 if n == 1000 else 5e-4),
    ):
        found = math.exp(function(COIN, n, **options) - exact)
        assert abs(found - ratio) <= half
        # Thresholds between two points, and the one before where it does not count, are the same.
        for threshold, strict in ((least - 0.5, True), (least - 1, True), (least - 1e-3, False)):
            same = function(COIN, n, threshold=threshold, strict=strict, span=1.0)
            assert same == pytest.approx(function(COIN, n, **options), rel=1e-12)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("strict", [True, False])
def test_both_sides_of_a_lattice(side: str, strict: bool) -> None:
    """Sums off the lattice of whole numbers, at every threshold."""
    score, n, p = Score([0.25, 1.5], [0.7, 0.3]), 40, 0.3
    for count in range(2, 28):
        threshold = n * 0.25 + 1.25 * count
        tail = {
            ("right", True): binom.logsf(count, n, p),
            ("right", False): binom.logsf(count - 1, n, p),
            ("left", True): binom.logcdf(count - 1, n, p),
            ("left", False): binom.logcdf(count, n, p),
        }[side, strict]
        options: dict[str, Any] = {
            "threshold": threshold, "side": side, "strict": strict, "span": 1.25,
        }  # fmt: skip
        # The error is that of Stirling's formula for the two counts, one of which is off by one.
        stirling = (1 / (count - 1) + 1 / (n - count - 1)) / 12
        found = lugannani_rice_approximation(score, n, **options)
        assert found == pytest.approx(tail, abs=stirling)
        near = abs(count - n * p) < 2.0 * math.sqrt(n * p * (1 - p))
        if near:
            assert normal_approximation(score, n, **options) == pytest.approx(tail, abs=0.5)
            found = edgeworth_approximation(score, n, order=2, **options)
            assert found == pytest.approx(tail, abs=0.02)


LAWS = [GammaScore.exponential(1.0), GammaScore.gaussian(1.0), GaussianPairScore(0.7)]


@pytest.mark.parametrize("law", LAWS, ids=repr)
@pytest.mark.parametrize("side", ["right", "left"])
def test_orders_of_accuracy(law: Any, side: str) -> None:
    """At a fixed number of standard deviations errors shrink as n^-1/2, n^-1 and n^-3/2."""
    errors: dict[str, list[float]] = {"normal": [], "first": [], "second": [], "saddle": []}
    for n in (400, 6400):
        delta = 1.3 * math.sqrt(law.variance / n)
        exact = law.log_tail(n, delta, side).lower
        for name, found in (
            ("normal", normal_approximation(law, n, delta, side=side)),
            ("first", edgeworth_approximation(law, n, delta, side=side)),
            ("second", edgeworth_approximation(law, n, delta, side=side, order=2)),
            ("saddle", lugannani_rice_approximation(law, n, delta, side=side)),
        ):
            errors[name].append(abs(found - exact))
    symmetric = isinstance(law, GaussianPairScore)
    # By 4, 16 and 64, less what the following terms spoil; a symmetric law has no odd terms.
    assert errors["normal"][1] <= errors["normal"][0] / (12 if symmetric else 3)
    assert errors["first"][1] <= errors["first"][0] / 12
    assert errors["second"][1] <= errors["second"][0] / (100 if symmetric else 40)
    assert errors["saddle"][1] <= errors["saddle"][0] / 12
    assert errors["saddle"][0] < 1e-3


@given(st.floats(-3e-3, 3e-3), st.sampled_from([None, 0.5]))
def test_the_saddle_point_formula_is_smooth_at_the_mean(delta: float, span: float | None) -> None:
    """1/u - 1/w is taken from its series close by: neighbours join on."""
    score = Score([0.0, 0.5, 2.0], [0.5, 0.3, 0.2])
    n, step = 50, 1e-7
    options = {"span": span}
    if span is not None:
        delta, step = 0.01 * round(delta * 100 / 0.3), 0.01  # from point to point of the lattice
    values = [
        lugannani_rice_approximation(score, n, delta + k * step, **options) for k in (-1, 0, 1)
    ]
    assert values[0] >= values[1] >= values[2]
    if span is None:
        assert values[0] - values[2] <= 5 * 2 * step * math.sqrt(n) / math.sqrt(score.variance)


def test_the_series_near_the_mean() -> None:
    """1/u - 1/w to its second term, and the part of the lattice, in many digits."""
    score = Score([0.0, 0.5, 2.0], [0.5, 0.3, 0.2])
    mp.mp.dps = 50
    weights = oracle.law(score.log_probabilities)
    event = Event(score, 50, 50 * score.mean, strict=True, counts=None, text="")
    for lam in (1e-5, -1e-5, 1e-4):
        k, law = oracle.tilted(score.values, weights, mp.mpf(lam))
        level, spread, _ = oracle.moments(score.values, law)
        w = mp.sign(lam) * mp.sqrt(2 * 50 * (lam * level - k))
        u = lam * mp.sqrt(50 * spread)
        # The third term is of the order of the square of the slope.
        found = _expansions._near_difference(event, lam)
        assert abs(found - (1 / u - 1 / w)) <= lam**2
    for y in (1e-9, 9e-3, 1.1e-2, 3.0, 50.0, 800.0, -1e-3, -0.5):
        want = 1 / (1 - mp.exp(-mp.mpf(y))) - 1 / mp.mpf(y)
        # The next term of the series, y^5 / 30240, or rounding of 1 / y.
        assert abs(_expansions.lattice_share(y) - want) <= 2e-14


def test_at_the_mean() -> None:
    score, n = Score.entropy([0.6, 0.3, 0.1]), 100
    skewness = score.third_central_moment / score.variance**1.5
    found = lugannani_rice_approximation(score, n, 0.0)
    assert math.exp(found) == pytest.approx(0.5 - skewness / (6 * math.sqrt(2 * math.pi * n)))
    assert bahadur_rao_approximation(score, n, 0.0) in (0.0, -math.inf)
    assert bahadur_rao_approximation(score, n, 1e-9) == 0.0
    assert bahadur_rao_approximation(score, n, -1e-9) == -math.inf
    assert bahadur_rao_approximation(COIN, 10, threshold=3.0, strict=False, span=1.0) == 0.0


def test_far_out_nothing_underflows() -> None:
    score, n = Score.entropy([0.4, 0.3, 0.2, 0.1]), 10**8
    for function in ALL:
        found = function(score, n, 0.3)
        assert -math.inf < found < -1e6
    # Where the expansion is negative it is clipped.
    skewed = Score([-1.0, 0.0], [0.2, 0.8])  # four standard deviations are 16
    assert edgeworth_approximation(skewed, 100, 0.16) == -math.inf
    assert edgeworth_approximation(skewed, 100, -0.16, side="left") == 0.0


@pytest.mark.parametrize("function", ALL)
def test_extremes_and_steps(function: Any) -> None:
    assert function(COIN, 5, threshold=5.0, strict=False) == pytest.approx(5 * math.log(0.3))
    assert function(COIN, 5, threshold=5.0) == -math.inf
    assert function(COIN, 5, threshold=4.5, span=1.0) == pytest.approx(5 * math.log(0.3))
    assert function(COIN, 5, threshold=-1.0) == 0.0
    assert function(COIN, 5, threshold=0.5, side="left", span=1.0) == pytest.approx(
        5 * math.log(0.7)
    )
    assert function(Score([0.5], [1.0]), 4, threshold=1.9) == 0.0
    assert function(Score([0.5], [1.0]), 4, threshold=2.0) == -math.inf


@pytest.mark.parametrize("function", ALL)
def test_refusals(function: Any) -> None:
    with pytest.raises(TypeError, match="score must be a Score"):
        function("0.5", 10, 0.1)
    with pytest.raises(ValueError, match="span"):
        function(Score([0.0, 1.0, 2.5], [0.5, 0.3, 0.2]), 10, 0.1, span=1.0)
    with pytest.raises(ValueError, match="span must be None for a law without atoms"):
        function(LAWS[0], 10, 0.1, span=1.0)
    with pytest.raises(ValueError, match="one of delta and threshold must be given"):
        function(COIN, 10)


def test_order_is_one_or_two() -> None:
    with pytest.raises(ValueError, match="order must be 1 or 2; got 3"):
        edgeworth_approximation(COIN, 10, 0.1, order=3)


def test_a_sum_over_midpoints_is_not_the_integral() -> None:
    """The term of the span in the second order: symmetric letters, so that no other one is odd."""
    score, n = Score(np.array([-1.0, 1.0]), [0.5, 0.5]), 100
    exact = binom.logsf(54, n, 0.5)  # at least ten heads more than tails
    found = edgeworth_approximation(score, n, threshold=10, strict=False, span=2.0, order=2)
    first = edgeworth_approximation(score, n, threshold=10, strict=False, span=2.0)
    assert abs(found - exact) < 0.1 * abs(first - exact)  # of the next order, 1/n of it
