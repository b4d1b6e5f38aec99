"""Scores of continuous variables: tails far beyond underflow, cumulants, and their densities."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import gamma_tail as oracle
from scipy import stats

from infotheory.spectrum.continuous import GammaScore, GaussianPairScore
from infotheory.spectrum.equipartition import nep_bounds
from infotheory.testing import assert_brackets

SCORES = (
    GammaScore.gaussian(),
    GammaScore.gaussian(np.diag([1.0, 4.0, 0.25])),
    GammaScore.exponential(3.0),
    GammaScore.laplace(0.2),
    GammaScore.pareto(2.5, 0.1),
    -GammaScore.pareto(0.3),
    -GammaScore.gaussian(7.0),
    GaussianPairScore(0.8),
    -GaussianPairScore(-0.3),
)


def slopes_of(score: Any) -> list[float]:
    """Slopes well inside the range of a score, on both sides."""
    right, left = min(score.slope_limit, 4.0), min((-score).slope_limit, 4.0)
    return [share * right for share in (0.01, 0.3, 0.7, 0.9)] + [-0.4 * left, 0.0, 1e-9]


# ------------------------------------------------------------------------------------ the oracle


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("derivative", [0, 1, 2, 3])
def test_cumulants_are_derivatives(score: Any, derivative: int) -> None:
    """Of the closed forms in fifty digits."""

    def k(lam: Any) -> Any:
        if isinstance(score, GaussianPairScore):
            return -mp.log(1 - (mp.mpf(score._rho) * lam) ** 2) / 2
        s, a = mp.mpf(score._scale), mp.mpf(score._shape)
        return -a * (mp.log(1 - s * lam) + s * lam)

    for lam in slopes_of(score):
        with mp.workdps(50):
            exact = mp.diff(k, mp.mpf(lam), derivative)
        found = score.cumulant_generating_function(lam, derivative=derivative, centred=True)
        # Some units, by the powers of 1 / (1 - scale lam) = 10 at most that rounding enters with.
        assert abs(found - exact) <= 1e-14 * abs(exact) + 1e-40
        plain = score.cumulant_generating_function(lam, derivative=derivative)
        moved = {0: lam * score.mean, 1: score.mean}.get(derivative, 0.0)
        assert plain == pytest.approx(found + moved, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize("shape", [0.5, 1.0, 1.5, 20.0])
def test_third_absolute_moments_of_gamma_laws(shape: float) -> None:
    exact = float(oracle.third_absolute_gamma(shape))
    for scale, lam in ((1.0, 0.0), (1.0, 0.5), (-2.0, 0.25), (-2.0, -0.25)):
        found = GammaScore(1.0, shape, scale).tilted_third_absolute_moment(lam)
        assert found == pytest.approx(exact * (abs(scale) / (1 - scale * lam)) ** 3, rel=1e-11)


@pytest.mark.parametrize("w", [0.0, 1e-3, 0.5, -0.9])
def test_third_absolute_moments_of_pairs(w: float) -> None:
    rho = 0.5
    found = GaussianPairScore(rho).tilted_third_absolute_moment(w / rho)
    assert found == pytest.approx(rho**3 * float(oracle.third_absolute_pair(w)), rel=1e-9)


# --------------------------------------------------------------------------------- known values


@pytest.mark.parametrize(
    ("score", "side", "tail"),
    [
        (GammaScore.gaussian(), "right", "0.0051405024585058938995"),
        (GammaScore.gaussian(), "left", "0.00051889146254803429258"),
        (GammaScore.exponential(), "right", "0.027863739890520661484"),
        (GammaScore.exponential(0.2), "left", "0.017108313035133114166"),
        (GammaScore.laplace(5.0), "right", "0.027863739890520661484"),
        (GammaScore.laplace(), "left", "0.017108313035133114166"),
    ],
)
def test_tails_of_a_hundred_samples(score: Any, side: str, tail: str) -> None:
    with mp.workdps(25):
        assert_brackets(score.log_tail(100, 0.2, side), mp.log(mp.mpf(tail)), ceiling=1e-13)


@pytest.mark.parametrize("delta", [0.5, 1e3, 1e6, 1e30])
def test_one_exponential_score_has_an_exponential_law(delta: float) -> None:
    """P(Z > 1 + delta) = exp(-1 - delta), far beyond the smallest double."""
    found = GammaScore.exponential().log_tail(1, delta)
    assert_brackets(
        found, -1.0 - delta, slack=2.0**-52 * (1 + delta), ceiling=1e-15 * delta + 1e-13
    )


@pytest.mark.parametrize("rho", [0.01, -0.5, 0.999])
def test_two_pairs_have_a_laplace_law(rho: float) -> None:
    for distance in (0.25, 2.0, 1e3, 1e7):
        delta = distance * abs(rho)
        exact = -2 * delta / abs(rho) - math.log(2.0)
        # n delta / rho is rounded three times here.
        assert_brackets(GaussianPairScore(rho).log_tail(2, delta), exact, slack=1e-15 * abs(exact))


@pytest.mark.parametrize(
    ("rho", "n", "delta"), [(0.5, 10, 1e40), (1e-100, 10, 0.125), (1e-100, 8, 1e100)]
)
@pytest.mark.parametrize("side", ["right", "left"])
def test_pairs_at_distances_of_any_size(rho: float, n: int, delta: float, side: str) -> None:
    score = GaussianPairScore(rho)
    with mp.workdps(60):
        exact = oracle.log_difference_tail(n // 2, n * mp.mpf(delta) / mp.mpf(rho))
        assert_brackets(score.log_tail(n, delta, side), exact, ceiling=2e-15 * abs(float(exact)))
    sure = score.log_tail(n, -delta, side)
    assert (sure.lower, sure.upper) == (-5e-324, 0.0)


@pytest.mark.parametrize("delta", [1e16, 1e40, 1e100])
@pytest.mark.parametrize("score", [SCORES[0], SCORES[7], -SCORES[2], GammaScore(0.0, 1.0, 0.3)])
def test_slopes_next_to_their_limit(score: Any, delta: float) -> None:
    """No slope reaches the threshold, and the steepest one is that of nearly all digits."""
    side = "right" if score.slope_limit < math.inf else "left"
    found, bounds = score.log_tail(10, delta, side), nep_bounds(score, 10, delta, side=side)
    assert bounds.upper == pytest.approx(found.upper, rel=1e-9)
    assert found.upper <= bounds.upper


@given(st.floats(1e-100, 1e100))
def test_slopes_that_are_legal_have_finite_cumulants(scale: float) -> None:
    score = GammaScore(0.0, 1.0, scale)
    steepest = (1.0 - 3.0 * 2.0**-53) * score.slope_limit
    assert score.cumulant_generating_function(steepest) <= 53.0 * math.log(2.0)
    mean = score.cumulant_generating_function(steepest, derivative=1) / scale
    assert 2.0**50 <= mean <= 2.0**53
    with pytest.raises(ValueError, match="lam must be in"):
        score.cumulant_generating_function(score.slope_limit)


def test_entropies_and_variances() -> None:
    assert GammaScore.gaussian(4.0).mean == pytest.approx(0.5 * math.log(2 * math.pi * math.e * 4))
    assert GammaScore.gaussian(4.0).variance == 0.5
    assert GammaScore.gaussian(np.eye(3)).variance == 1.5
    assert GammaScore.laplace(3.0).mean == pytest.approx(1 + math.log(6.0))
    assert GammaScore.pareto(2.0).variance == 1.5**2
    assert GaussianPairScore(0.6).mean == pytest.approx(-0.5 * math.log(0.64))
    assert GaussianPairScore(0.6).variance == pytest.approx(0.36)
    assert (GammaScore.exponential().minimum, GammaScore.exponential().maximum) == (0.0, math.inf)
    assert (-GammaScore.exponential()).maximum == 0.0
    assert (-GammaScore.exponential()).minimum == -math.inf
    assert (GaussianPairScore(0.6).minimum, GaussianPairScore(0.6).maximum) == (-math.inf, math.inf)
    assert (-GammaScore.exponential()).slope_limit == math.inf


@pytest.mark.parametrize(
    ("score", "collision"),
    [
        (GammaScore.gaussian(9.0), 1 / (6 * math.sqrt(math.pi))),
        (GammaScore.exponential(4.0), 1 / 8),
        (GammaScore.laplace(4.0), 1 / 16),
        (GammaScore.pareto(2.0, 3.0), 4 / 15),
        (GaussianPairScore(-0.7), 1.0),
    ],
)
def test_the_mean_of_the_density_itself(score: Any, collision: float) -> None:
    """E exp(-Z): the integral of the squared density, and one for an information density."""
    assert score.cumulant_generating_function(-1.0) == pytest.approx(math.log(collision), abs=1e-14)


# ------------------------------------------------------------------------------------ properties

deltas = st.floats(-3.0, 3.0)
indices = st.integers(0, len(SCORES) - 1)


@given(indices, st.integers(1, 10**6), deltas)
def test_both_sides_make_one(index: int, n: int, delta: float) -> None:
    score = SCORES[index]
    right, left = score.log_tail(n, delta), score.log_tail(n, -delta, "left")
    assert math.exp(right.lower) + math.exp(left.lower) <= 1.0 + 1e-15
    assert math.exp(right.upper) + math.exp(left.upper) >= 1.0 - 1e-15


@given(indices, st.integers(1, 1000), deltas, st.sampled_from(["right", "left"]))
def test_a_negated_score_has_the_other_tail(index: int, n: int, delta: float, side: str) -> None:
    other = {"right": "left", "left": "right"}[side]
    found, mirrored = (
        SCORES[index].log_tail(n, delta, side),
        (-SCORES[index]).log_tail(n, delta, other),
    )
    assert (found.lower, found.upper) == (mirrored.lower, mirrored.upper)


@given(indices, st.integers(1, 10**9), st.floats(0.0, 3.0), st.sampled_from(["right", "left"]))
def test_tails_lie_between_the_bounds_of_the_equipartition_property(
    index: int, n: int, delta: float, side: str
) -> None:
    score = SCORES[index]
    found, bounds = score.log_tail(n, delta, side), nep_bounds(score, n, delta, side=side)
    assert found.upper >= bounds.lower
    assert found.lower <= bounds.upper


@given(indices, st.integers(1, 10**6), st.floats(0.0, 2.0), st.floats(0.0, 1.0))
def test_tails_fall(index: int, n: int, delta: float, more: float) -> None:
    score = SCORES[index]
    assert score.log_tail(n, delta + more).lower <= score.log_tail(n, delta).upper


@given(st.floats(1e-3, 1e3), st.integers(1, 100), deltas)
def test_scale_moves_the_entropy_only(variance: float, n: int, delta: float) -> None:
    found, unit = GammaScore.gaussian(variance).log_tail(n, delta), SCORES[0].log_tail(n, delta)
    assert (found.lower, found.upper) == (unit.lower, unit.upper)


@given(indices, st.floats(0.0, 0.95), st.floats(0.0, 0.95), st.floats(0.0, 1.0))
def test_cumulants_are_convex(index: int, a: float, b: float, share: float) -> None:
    score = SCORES[index]
    limit = min(score.slope_limit, 10.0)
    k = score.cumulant_generating_function
    between = share * a + (1 - share) * b
    chord = share * k(limit * a) + (1 - share) * k(limit * b)
    assert k(limit * between) <= chord + 1e-13 * (1 + abs(chord) + 10 * abs(score.mean))


@given(st.integers(1, 60), st.floats(0.01, 2.0))
def test_a_vector_is_as_many_numbers(n: int, delta: float) -> None:
    vectors, numbers = GammaScore.gaussian(np.eye(2)), GammaScore.gaussian()
    found, same = vectors.log_tail(n, 2 * delta), numbers.log_tail(2 * n, delta)
    assert (found.lower, found.upper) == (same.lower, same.upper)


DENSITIES = [
    (GammaScore.gaussian(4.0), stats.norm(scale=2.0)),
    (GammaScore.exponential(3.0), stats.expon(scale=3.0)),
    (GammaScore.laplace(0.2), stats.laplace(scale=0.2)),
    (GammaScore.pareto(2.5, 0.1), stats.pareto(2.5, scale=0.1)),
]


@pytest.mark.parametrize(("score", "law"), DENSITIES)
def test_scores_are_those_of_the_density(score: Any, law: Any) -> None:
    """-ln p of samples, and samples of the score itself, have its mean and variance."""
    n = 40_000
    drawn = -law.logpdf(law.rvs(size=n, random_state=np.random.default_rng(5)))
    assert drawn.min() >= score.minimum - 1e-12
    for values in (drawn, score.sample(n, rng=6)):
        # Five standard errors; the fourth central moment of a gamma law is 3 v^2 + 6 v^2 / shape.
        assert abs(values.mean() - score.mean) <= 5 * math.sqrt(score.variance / n)
        spread = score.variance * math.sqrt((2 + 6 / score._shape) / n)
        assert abs(values.var() - score.variance) <= 5 * spread


def test_pairs_have_the_density_of_their_samples() -> None:
    rho, n = -0.6, 40_000
    score = GaussianPairScore(rho)
    x, e = np.random.default_rng(7).standard_normal((2, n))
    y = rho * x + math.sqrt(1 - rho * rho) * e
    both = stats.multivariate_normal(cov=[[1, rho], [rho, 1]])
    density = both.logpdf(np.stack([x, y], 1)) - stats.norm.logpdf(x) - stats.norm.logpdf(y)
    for values in (density, score.sample(n, rng=8)):
        assert abs(values.mean() - score.mean) <= 5 * math.sqrt(score.variance / n)
        # (A - B) / 2 has the fourth moment 9: 48 of each, 12 of both, by 2, over 16.
        assert abs(values.var() - score.variance) <= 5 * rho * rho * math.sqrt(8 / n)
        above = np.mean(values > score.mean + 0.5)
        assert abs(above - math.exp(score.log_tail(1, 0.5).upper)) <= 5 * math.sqrt(0.25 / n)


def test_what_cannot_happen_and_what_must() -> None:
    score = GammaScore.exponential()
    for delta in (1.0, 5.0):  # a sum of positive numbers is not below zero
        below = score.log_tail(10, delta, "left")
        assert below.lower == below.upper == -math.inf
        above = score.log_tail(10, -delta)
        assert above.lower == above.upper == 0.0
    sure = score.log_tail(10**6, -0.9)  # its complement underflows
    assert -1e-300 < sure.lower < 0.0 == abs(sure.upper)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GammaScore(0.0, -1.0, 1.0), "shape must be positive; got -1"),
        (lambda: GammaScore(0.0, 1.0, 0.0), "scale must be from 1e-100 to 1e\\+100 in size"),
        (lambda: GammaScore.pareto(-1.0), "index must be positive; got -1"),
        (lambda: GammaScore.laplace(0.0), "scale must be a number in"),
        (lambda: GaussianPairScore(0.0), "correlation must be from 1e-100 to 1 in size; got 0"),
        (lambda: GaussianPairScore(1.0), "correlation must be less than 1 in size; got 1.0"),
        (lambda: SCORES[0].log_tail(0, 0.1), "n must be a whole number"),
        (lambda: SCORES[0].log_tail(1, 0.1, "up"), "side must be one of 'right', 'left'"),
        (lambda: SCORES[0].log_tail(1, math.inf), "delta must be at most 1e\\+100 in size"),
        (lambda: SCORES[0].cumulant_generating_function(1.0), "lam must be in \\(-inf, 1\\)"),
        (lambda: SCORES[7].cumulant_generating_function([0.0, -2.0]), "got -2. Beyond that"),
        (
            lambda: SCORES[0].cumulant_generating_function(0.0, derivative=4),
            "derivative must be one of 0, 1, 2, 3; got 4",
        ),
        (lambda: SCORES[0].tilted_third_absolute_moment([0.1]), "lam must be one number"),
        (lambda: SCORES[0].sample(0), "n must be a positive integer"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GammaScore("a", 1.0, 1.0), "offset must be a number; got 'a'"),
        (lambda: SCORES[0].log_tail(1, [0.1]), "delta must be a number"),
        (lambda: SCORES[0].cumulant_generating_function("x"), "lam must be a number"),
    ],
)
def test_wrong_types(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_arrays_of_slopes_and_the_text() -> None:
    score = SCORES[0]
    found = score.cumulant_generating_function(np.array([[0.1, 0.2]]), derivative=1)
    assert found.shape == (1, 2)
    assert found[0, 1] == score.cumulant_generating_function(0.2, derivative=1)
    assert repr(score) == "GammaScore(mean 1.41894, variance 0.5)"
    assert score.log_tail(5, 0.5).event == "P(S_5 > n (E Z + 0.5))"
    assert score.log_tail(5, 0.5, "left").event == "P(S_5 < n (E Z - 0.5))"
    assert score.log_tail(5, 0.5).certified
