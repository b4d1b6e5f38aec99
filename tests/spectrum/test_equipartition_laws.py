"""Bounds of the equipartition property: their limits, their laws, and scores without atoms."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infotheory.measures import Score
from infotheory.spectrum import _exponents as exponents
from infotheory.spectrum._events import Event
from infotheory.spectrum._exponents import exponent_at
from infotheory.spectrum.continuous import GammaScore, GaussianPairScore
from infotheory.spectrum.equipartition import nep_approximation, nep_bounds, nep_terms

# ---------------------------------------------------------------------------------------- limits


COIN = Score([0.0, 1.0], [0.75, 0.25])


@pytest.mark.parametrize(
    ("threshold", "side", "strict", "wanted"),
    [
        (8.0, "right", True, -math.inf),
        (8.0, "right", False, 8 * math.log(0.25)),
        (8.0 + 1e-15, "right", False, 8 * math.log(0.25)),
        (9.0, "right", False, -math.inf),
        (8.0, "left", True, math.log1p(-(0.25**8))),
        (8.0, "left", False, 0.0),
        (0.0, "right", True, math.log1p(-(0.75**8))),
        (0.0, "right", False, 0.0),
        (-1.0, "right", True, 0.0),
        (0.0, "left", False, 8 * math.log(0.75)),
        (0.0, "left", True, -math.inf),
    ],
)
def test_thresholds_at_the_extremes(
    threshold: float, side: str, strict: bool, wanted: float
) -> None:
    bounds = nep_bounds(COIN, 8, threshold=threshold, side=side, strict=strict)
    assert wanted in bounds
    assert bounds.method == "exact"
    assert bounds.width <= 1e-13
    found = nep_approximation(COIN, 8, threshold=threshold, side=side, strict=strict)
    assert found == pytest.approx(wanted, rel=1e-14)


def test_the_largest_delta_is_the_maximum() -> None:
    score = Score.entropy([0.6, 0.3, 0.1])
    largest = score.maximum - score.mean
    for n in (1, 7, 1000):
        assert n * math.log(0.1) in nep_bounds(score, n, largest, strict=False)
        assert nep_bounds(score, n, largest).upper == -math.inf
        assert nep_bounds(score, n, 1.01 * largest, strict=False).upper == -math.inf


@pytest.mark.parametrize(("threshold", "strict", "wanted"), [
    (2.0, True, -math.inf), (2.0, False, 0.0), (1.9, True, 0.0), (2.1, False, -math.inf),
])  # fmt: skip
def test_one_atom_is_a_step(threshold: float, strict: bool, wanted: float) -> None:
    bounds = nep_bounds(Score([0.5], [1.0]), 4, threshold=threshold, strict=strict)
    assert (bounds.lower, bounds.upper) == (wanted, wanted)


def test_just_below_the_maximum_there_is_one_word() -> None:
    threshold = math.nextafter(1e15, 0.0)
    for score, n in ((COIN, 10**15), (Score([0.0, 1.0, 1.0 + 2.0**-52], [0.2, 0.3, 0.5]), 40)):
        top = n * score.maximum
        inside = top - 1e-13 * top
        parts = nep_terms(score, n, threshold=min(threshold, inside))
        run = n * float(score.log_probabilities[-1])
        assert parts["highest atom"].lower == pytest.approx(run, rel=1e-14)
        assert parts["Chernoff"].upper >= run
    near = Score([1.0, 1.0 + 2.0**-52], [0.5, 0.5])
    assert len(near) == 2
    assert abs(exponents.nearest_slope(near, 1.0)) == 2.0**52
    # Far more summands than the gap has units of rounding: the level itself is an extreme.
    assert exponents.nearest_slope(COIN, 1.0) > 30.0


def test_at_the_mean() -> None:
    bounds = nep_bounds(COIN, 100, 0.0)
    assert bounds.method == "NEP (Berry-Esseen below, Berry-Esseen above)"
    assert bounds.upper < math.log(0.7)
    assert nep_approximation(COIN, 100, 0.0) == pytest.approx(math.log(0.5))
    # Within rounding of the mean, on the one side and the other.
    for delta in (1e-17, -1e-17, 1e-12, -1e-12):
        near = nep_bounds(Score.entropy([0.6, 0.3, 0.1]), 100, delta)
        assert near.lower < math.log(0.5) < near.upper


def test_a_slope_that_rounds_below_zero_counts_as_zero(monkeypatch: Any) -> None:
    found = []
    for slope in (0.0, -1e-3):
        monkeypatch.setattr(exponents, "nearest_slope", lambda *_, slope=slope: slope)
        found.append(nep_terms(COIN, 100, 1e-9))
    assert found[0] == found[1]


def test_below_the_mean_the_complement_is_bounded() -> None:
    score = Score.entropy([0.7, 0.3])
    above = nep_bounds(score, 100, -0.1)
    left = nep_bounds(score, 100, 0.1, side="left", strict=False)
    assert above.lower == pytest.approx(math.log1p(-math.exp(left.upper)), rel=1e-12)
    assert above.upper == pytest.approx(math.log1p(-math.exp(left.lower)), rel=1e-12)
    found = nep_approximation(score, 100, -0.1)
    assert found == pytest.approx(math.log1p(-math.exp(nep_approximation(-score, 100, 0.1))))


# -------------------------------------------------------------------------------- laws of theory


levels = st.floats(0.02, 0.98)
small_laws = st.lists(st.floats(1e-3, 1.0), min_size=2, max_size=5).map(
    lambda w: np.array(w) / sum(w)
)


def inside(p: Any, share: float) -> tuple[Score, float]:
    score = Score.entropy(p)
    assume(score.maximum - score.minimum > 1e-3)
    return score, score.minimum + share * (score.maximum - score.minimum)


@given(small_laws, levels)
def test_exponent_and_slope(p: Any, share: float) -> None:
    score, level = inside(p, share)
    found = exponent_at(score, level)
    assert found.rate >= 0.0
    assert (found.lam >= 0.0) == (level >= score.mean) or abs(level - score.mean) < 1e-12
    # r = D(tilted || law), and at most -ln of the probability of the atom at that end.
    tilted = np.exp(score.tilted(found.lam).log_probabilities)
    divergence = math.fsum(
        q * (math.log(q) - log_p)
        for q, log_p in zip(tilted, score.log_probabilities, strict=True)
        if q > 0.0
    )
    assert found.rate == pytest.approx(divergence, rel=1e-9, abs=1e-13)
    end = score.log_probabilities[-1 if level > score.mean else 0]
    assert found.rate <= -end * (1 + 1e-12)
    # r' = lam and r'' = 1 / variance, by a central difference of error h^2 of the next derivative.
    h = 1e-4 * (score.maximum - score.minimum) * min(share, 1 - share)
    rates = [exponent_at(score, level + k * h).rate for k in (-1, 0, 1)]
    assert (rates[2] - rates[0]) / (2 * h) == pytest.approx(found.lam, rel=1e-5, abs=1e-5)
    assert rates[2] - 2 * rates[1] + rates[0] >= -1e-14  # convex
    near = exponent_at(score, level + h)
    assert near.lam > found.lam


@given(small_laws, st.floats(0.05, 0.9), st.integers(1, 500))
def test_invariances(p: Any, share: float, n: int) -> None:
    score, level = inside(p, share)
    bounds = nep_bounds(score, n, threshold=n * level)
    # Ends change with the threshold, whose rounding is that of n (level + shift).
    tolerance = {"rel": 1e-9, "abs": 1e-9}

    def same(other: Score, threshold: float, side: str = "right") -> None:
        found = nep_bounds(other, n, threshold=threshold, side=side)
        assert (found.lower, found.upper) == pytest.approx(
            (bounds.lower, bounds.upper), **tolerance
        )

    same(-score, -n * level, side="left")
    same(Score(score.values + 0.5, score.log_probabilities, kind="log_probs"), n * (level + 0.5))
    same(Score(2.0 * score.values, score.log_probabilities, kind="log_probs"), 2.0 * n * level)
    same(Score.entropy(p[::-1]), n * level)
    # Independent of the rest, and equal to another: the same scores.
    joint = np.outer(p, [0.25, 0.75])
    same(Score.conditional_entropy(joint), n * level)
    same(Score.mutual_information(np.diag(p)), n * level)


@given(small_laws, st.floats(0.1, 0.8), st.integers(1, 60))
def test_blocks_of_two(p: Any, share: float, m: int) -> None:
    """Of pairs, n r is the same and the distance from normal is larger."""
    score, level = inside(p, share)
    pairs = Score(
        np.add.outer(score.values, score.values).ravel(),
        np.add.outer(score.log_probabilities, score.log_probabilities).ravel(),
        kind="log_probs",
        slack=1e-14,
    )
    one, two = exponent_at(score, level), exponent_at(pairs, 2 * level)
    assert two.rate == pytest.approx(2 * one.rate, rel=1e-9, abs=1e-13)
    e = [
        nep_terms(s, length, threshold=2 * m * level)["Berry-Esseen"].error_terms["normal law"]
        for s, length in ((score, 2 * m), (pairs, m))
    ]
    assert e[1] >= e[0] * (1 - 1e-9)


@given(small_laws, st.floats(-0.3, 0.3), st.integers(1, 10**6))
def test_width_of_the_normal_interval(p: Any, delta: float, n: int) -> None:
    score, _ = inside(p, 0.5)
    parts = nep_terms(score, n, delta)
    assume("exact" not in parts)
    half = 0.4690 * score.third_absolute_moment / (math.sqrt(n) * score.variance**1.5)
    low, high = parts["Berry-Esseen"].probability
    assert parts["Berry-Esseen"].error_terms["normal law"] == pytest.approx(half, rel=1e-9)
    assert high - low <= 2 * half * (1 + 1e-9) + 1e-14


# ------------------------------------------------------------------------------- laws without atoms


CONTINUOUS = [
    GammaScore.gaussian(1.0), GammaScore.exponential(2.0), GammaScore.laplace(1.0),
    GammaScore.pareto(3.0), GaussianPairScore(0.6),
]  # fmt: skip


@pytest.mark.parametrize("law", CONTINUOUS, ids=repr)
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(
    ("n", "delta"), [(1, 0.3), (100, 0.2), (100, -0.1), (100, 0.0), (10**4, 0.01)]
)
def test_laws_in_closed_form(law: Any, side: str, n: int, delta: float) -> None:
    exact = law.log_tail(n, delta, side)
    bounds = nep_bounds(law, n, delta, side=side)
    assert bounds.lower <= exact.lower
    assert exact.upper <= bounds.upper
    # The constant ratio of the two ends, e^4 here; of a single letter they say little.
    assert bounds.width < 4.0 or n == 1
    assert "highest atom" not in nep_terms(law, n, delta, side=side)
    # Off by the order of the skewness, at most 2, over sqrt(n).
    approximation = nep_approximation(law, n, delta, side=side)
    assert approximation == pytest.approx(exact.lower, abs=2.0 / math.sqrt(n))


def test_exponent_of_a_gaussian_source() -> None:
    """r(d) = d - ln(1 + 2 d) / 2 on the right, and -d - ln(1 - 2 d) / 2 on the left."""
    law = GammaScore.gaussian(1.0)
    assert exponent_at(law, law.mean + 0.2).rate == pytest.approx(
        0.031763881689393534748, rel=1e-12
    )
    found = exponent_at(law, law.mean - 0.2)
    assert found.rate == pytest.approx(0.055412811882995341603, rel=1e-12)
    assert found.lam < 0.0
    # No density lies below the least score; a letter of its level is impossible.
    for n, delta, wanted in ((10, 0.5, -math.inf), (10, 0.6, -math.inf)):
        assert nep_bounds(law, n, delta, side="left").upper == wanted
    assert nep_bounds(law, 10, -0.6).lower == 0.0


def test_the_rounding_of_a_large_mean_is_allowed_for() -> None:
    """K(lam) = lam offset - shape ln(1 - lam scale); the mean is rounded, and so is n times it."""
    mp.mp.dps = 50
    for offset in (1e6 + 0.1, 1e6 + 0.7, -3e7 - 0.3):
        law, n = GammaScore(offset, 1.0, 1.0), 77
        threshold = n * (law.mean + 0.2)
        event = Event(law, n, threshold, strict=True, counts=None, text="")  # type: ignore[arg-type]
        found = exponents.signed_saddle(event)
        lam = mp.mpf(found.lam)
        k = lam * mp.mpf(offset) - mp.log(1 - lam)
        assert abs(found.log_factor - (n * k - lam * mp.mpf(threshold))) <= found.slack
        drift = mp.mpf(offset) + 1 / (1 - lam) - mp.mpf(threshold) / n
        assert abs(found.drift - drift) <= found.drift_slack
        assert found.slack < 1e-4


@dataclasses.dataclass(frozen=True)
class Bent:
    """A law whose tilted means stay below 2, as happens where a tail is e^-z / z^3 say."""

    mean: float = 0.0
    variance: float = 1.0
    minimum: float = -math.inf
    maximum: float = math.inf
    slope_limit: float = 1.0

    def cumulant_generating_function(
        self, lam: float, *, derivative: int = 0, centred: bool = False
    ) -> float:
        assert 0.0 <= lam < 1.0
        assert centred
        return (0.5 * lam**2, lam, 1.0)[derivative]

    def tilted_third_absolute_moment(self, lam: float) -> float:
        return math.sqrt(8 / math.pi)

    def __neg__(self) -> Bent:
        return self


def test_levels_that_no_slope_reaches() -> None:
    parts = nep_terms(Bent(), 10, 2.0)
    # Chernoff's bound at the steepest slope: K(1) - 2 a letter.
    assert parts["Chernoff"].upper == pytest.approx(10 * (0.5 - 2.0), rel=1e-12)
    assert parts["prefactor"].lower == -math.inf
    assert parts["prefactor"].upper == pytest.approx(parts["Chernoff"].upper)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("function", [nep_bounds, nep_terms, nep_approximation])
def test_refusals(function: Any) -> None:
    with pytest.raises(TypeError, match="score must be a Score; got list"):
        function([0.5, 0.5], 10, 0.1)
    with pytest.raises(ValueError, match="n must be a whole number"):
        function(COIN, 2.5, 0.1)
    with pytest.raises(ValueError, match="one of delta and threshold must be given"):
        function(COIN, 10)
    with pytest.raises(ValueError, match="delta must be finite; got inf"):
        function(COIN, 10, math.inf)
    with pytest.raises(ValueError, match="side must be one of 'right', 'left'"):
        function(COIN, 10, 0.1, side="up")
    with pytest.raises(ValueError, match="n must be a whole number"):
        function(GammaScore.laplace(1.0), 0, 0.1)
