"""The score of one observation: its four kinds, its moments and its tilted laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.renyi_cases import distributions, joints, pairs, positive_distributions
from oracles import renyi as many_digits
from oracles import score as oracle

from infotheory.measures import (
    Score,
    conditional_entropy,
    entropy,
    kl_divergence,
    mutual_information,
    renyi_divergence,
    renyi_entropy,
)

lams = st.one_of(st.floats(-5.0, 5.0), st.sampled_from([0.0, 1e-8, -1e-4, 1.0, -1.0]))

# Values are at most 30 in size and off by some units of rounding of the logarithms they come from.
VALUE = 30 * 1e-15


def mass_near(atoms: oracle.Atoms, value: float, radius: float) -> float:
    return math.fsum(w for v, w in atoms if abs(v - value) <= radius)


def same_law(score: Score, atoms: oracle.Atoms) -> None:
    """Moments and probabilities of neighbourhoods, since rounding decides what is merged."""
    assert (np.diff(score.values) > 0).all()
    assert score.minimum == score.values[0]
    assert score.maximum == score.values[-1]
    # A mean of merged atoms is as far from each of them as they are from one another.
    assert abs(score.minimum - min(v for v, _ in atoms)) <= 3 * VALUE
    assert abs(score.maximum - max(v for v, _ in atoms)) <= 3 * VALUE
    found = list(zip(score.values, score.probabilities, strict=True))
    for value in score.values:
        assert mass_near(found, value, 3 * VALUE) <= mass_near(atoms, value, 6 * VALUE) + 1e-13
        assert mass_near(atoms, value, 3 * VALUE) <= mass_near(found, value, 6 * VALUE) + 1e-13
    assert abs(score.mean - oracle.mean(atoms)) <= VALUE
    # Powers of deviations of up to 30.
    for found, order, absolute in (
        (score.variance, 2, False),
        (score.third_central_moment, 3, False),
        (score.third_absolute_moment, 3, True),
    ):
        assert abs(found - oracle.central(atoms, order, absolute)) <= VALUE * order * 30 ** (
            order - 1
        )


# ----------------------------------------------------------------------------------- the oracle


@given(distributions())
def test_score_of_entropy(p: Any) -> None:
    score = Score.entropy(p)
    same_law(score, oracle.entropy_atoms(p))
    assert abs(score.mean - entropy(p)) <= VALUE


@given(joints())
def test_scores_of_two_variables(joint: Any) -> None:
    given_y, information = Score.conditional_entropy(joint), Score.mutual_information(joint)
    same_law(given_y, oracle.conditional_atoms(joint))
    same_law(information, oracle.information_atoms(joint))
    assert abs(given_y.mean - conditional_entropy(joint)) <= VALUE
    assert abs(information.mean - mutual_information(joint)) <= VALUE


@given(joints())
def test_score_of_a_channel_is_that_of_its_joint_law(joint: Any) -> None:
    joint = np.asarray(joint)
    p = joint.sum(axis=1)
    rows = np.divide(joint, p[:, None], out=np.full(joint.shape, 1.0), where=p[:, None] > 0)
    rows /= rows.sum(axis=1, keepdims=True)  # an input that is never used has some row
    score = Score.channel(rows, p / p.sum())
    same_law(score, oracle.information_atoms((p / p.sum())[:, None] * rows))


def test_score_of_a_binary_symmetric_channel() -> None:
    score = Score.channel([[0.9, 0.1], [0.1, 0.9]], [0.5, 0.5])
    assert np.allclose(score.values, np.log([0.2, 1.8]), rtol=4e-16, atol=0)
    assert np.allclose(score.probabilities, [0.1, 0.9], rtol=4e-16, atol=0)
    assert score.mean == pytest.approx(math.log(2) - entropy([0.9, 0.1]), abs=VALUE)


@given(pairs())
def test_score_of_relative_entropy(case: Any) -> None:
    p, q = case
    q = (q + p / 64) / (1 + 1 / 64)
    score = Score.relative_entropy(p, q)
    same_law(score, oracle.divergence_atoms(p, q))
    assert abs(score.mean - kl_divergence(p, q)) <= VALUE


@given(positive_distributions, lams)
def test_tilted_laws_and_cumulants(p: Any, lam: float) -> None:
    score, atoms = Score.entropy(p), oracle.entropy_atoms(p)
    k, law = oracle.tilted(atoms, lam)
    tilted = score.tilted(lam)
    same_law(tilted, law)
    kgf = score.cumulant_generating_function
    # Exponents are up to 5 * 30 in size.
    assert abs(kgf(lam) - k) <= 5 * VALUE
    assert abs(kgf(lam, centred=True) - (k - lam * oracle.mean(atoms))) <= 10 * VALUE
    assert abs(kgf(lam, derivative=1) - oracle.mean(law)) <= 5 * VALUE
    assert abs(kgf(lam, derivative=1, centred=True) - (oracle.mean(law) - oracle.mean(atoms))) <= (
        10 * VALUE
    )
    for order in (2, 3):
        tolerance = 5 * VALUE * order * 30 ** (order - 1)
        assert abs(kgf(lam, derivative=order) - oracle.central(law, order)) <= tolerance


@given(positive_distributions, st.sampled_from([1e-12, 1e-6, -1e-6, 1e-3, 0.02]))
def test_small_cumulants_keep_their_digits(p: Any, lam: float) -> None:
    """K(lam) - lam H from its many-digit form lam (H_(1-lam) - H)."""
    exact = many_digits.normalised(p)
    score = Score.entropy(p)
    shannon = many_digits.entropy(exact, 1)
    mp = many_digits.mp
    power = mp.log(mp.fsum(v ** (1 - mp.mpf(lam)) for v in exact))
    found = score.cumulant_generating_function(lam, centred=True)
    want = power - mp.mpf(lam) * shannon
    # Values that differ by less than their rounding, 1e-15, are one atom and have no spread.
    assert abs(found - want) <= 1e-12 * want + (lam * 1e-14) ** 2
    weights = [v ** (1 - mp.mpf(lam)) for v in exact]
    moved = -mp.fsum(w * mp.log(v) for w, v in zip(weights, exact, strict=True)) / mp.fsum(weights)
    drift = score.cumulant_generating_function(lam, derivative=1, centred=True)
    assert abs(drift - (moved - shannon)) <= abs(1e-12 * (moved - shannon)) + abs(lam) * 1e-28


# --------------------------------------------------------------------------------- known values


@pytest.mark.parametrize(
    ("p", "mean", "variance", "absolute", "lam", "tilted_variance", "tilted_absolute"),
    [
        (
            [0.7, 0.3],
            0.61086430205489346303,
            0.15076186948551396921,
            0.074089321476969480116,
            0.60946725940564986821,
            0.17465378390100211376,
            0.075980894697869229431,
        ),
        (
            [0.4, 0.3, 0.2, 0.1],
            1.2798542258336674672,
            0.18092168665391796322,
            0.13348885048704420601,
            0.89446285684470973024,
            0.26353583649213526519,
            0.18134438151396615263,
        ),
        (
            [0.5, 0.25, 0.25],
            1.0397207708399179641,
            0.12011325347955035617,
            0.041628081498616184965,
            1.3369380272146936581,
            0.097613253479550356167,
            0.040167352769716109515,
        ),
    ],
)
def test_moments_from_forty_digits(
    p: Any,
    mean: float,
    variance: float,
    absolute: float,
    lam: float,
    tilted_variance: float,
    tilted_absolute: float,
) -> None:
    score = Score.entropy(p)
    assert score.mean == pytest.approx(mean, rel=1e-15)
    assert score.variance == pytest.approx(variance, rel=2e-15)
    assert score.third_absolute_moment == pytest.approx(absolute, rel=3e-15)
    tilted = score.tilted(lam)
    assert tilted.variance == pytest.approx(tilted_variance, rel=5e-15)
    assert tilted.third_absolute_moment == pytest.approx(tilted_absolute, rel=5e-15)


def test_equal_scores_are_one_atom() -> None:
    assert len(Score.entropy(np.full(10, 0.1))) == 1
    for k in range(2, 60):
        uniform = Score.entropy(np.full(k, 1 / k))
        assert (uniform.variance, uniform.third_absolute_moment) == (0.0, 0.0)
        assert uniform.mean == uniform.minimum == uniform.maximum
        assert uniform.mean == pytest.approx(math.log(k), rel=1e-15)
    for p in np.random.default_rng(0).dirichlet(np.ones(5), size=20):  # sums off by rounding
        constant = Score(np.full(5, 3.7), p)
        assert (constant.mean, constant.variance) == (3.7, 0.0)
    # Rounding makes these probabilities and products of probabilities differ in their last digits.
    assert len(Score.entropy([0.1 + 0.2, 0.3, 0.4])) == 2
    independent = np.outer([0.1, 0.2, 0.7], [0.3, 0.3, 0.4])
    information = Score.mutual_information(independent)
    assert len(information) == 1
    assert abs(information.mean) <= 1e-15
    given_y = Score.conditional_entropy(independent)
    np.testing.assert_allclose(given_y.values, Score.entropy([0.1, 0.2, 0.7]).values, rtol=1e-15)
    # A variable tells all about itself.
    p = [0.1, 0.2, 0.7]
    own = Score.mutual_information(np.diag(p))
    np.testing.assert_allclose(own.values, Score.entropy(p).values, rtol=1e-15)
    np.testing.assert_allclose(own.probabilities, Score.entropy(p).probabilities, rtol=1e-15)


@pytest.mark.parametrize("step", [2.0**-40, 2.0**-53])
def test_close_laws_have_scores_of_full_digits(step: float) -> None:
    score = Score.relative_entropy([0.5, 0.5], [0.5 + step, 0.5 - step])
    # -ln(1 +- 2 step) = -+2 step + 2 step^2.
    want = [-2 * step + 2 * step**2, 2 * step + 2 * step**2]
    np.testing.assert_allclose(score.values, want, rtol=1e-15)
    assert score.variance == pytest.approx(4 * step**2, rel=1e-12, abs=0)


@pytest.mark.parametrize("strength", 10.0 ** -np.arange(2, 13, 2))
@pytest.mark.parametrize("kind", ["probs", "logits"])
def test_information_of_nearly_independent_variables_keeps_its_digits(
    strength: float, kind: str
) -> None:
    bend = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])
    joint = np.outer([0.3, 0.7], [0.1, 0.3, 0.6]) + 0.03 * strength * bend
    joint /= joint.sum()
    score = Score.mutual_information(joint if kind == "probs" else np.log(joint), kind=kind)
    # Values are of the size of the strength: each is off by some units of rounding of that, and
    # logarithms of the joint by as many units of numbers below 4.
    assert abs(score.mean - mutual_information(joint)) <= 4e-15 * strength
    assert score.mean > 0


def test_entropies_of_nearly_certain_variables_keep_their_digits() -> None:
    # Terms are off by some units of rounding; the exact functionals are tested elsewhere.
    for t in (1e-6, 1e-9, 1e-12, 1e-15):
        want = entropy([1 - t, t])
        assert Score.entropy([1 - t, t]).mean == pytest.approx(want, rel=1e-14, abs=0)
        joint = [[0.5 - t / 2, t / 2, 0.0], [0.0, 0.5, 0.0]]
        want = conditional_entropy(joint)
        assert Score.conditional_entropy(joint).mean == pytest.approx(want, rel=1e-14, abs=0)


def test_atoms_whose_probability_underflows_are_kept() -> None:
    logits = [0.0, -800.0]
    score = Score.entropy(logits, kind="logits")
    np.testing.assert_array_equal(score.values, [0.0, 800.0])
    np.testing.assert_array_equal(score.log_probabilities, [0.0, -800.0])
    np.testing.assert_array_equal(score.probabilities, [1.0, 0.0])
    flat = score.tilted(1.0)  # under which both have probability one half
    np.testing.assert_allclose(flat.probabilities, [0.5, 0.5], rtol=1e-12)
    assert score.cumulant_generating_function(1.0) == pytest.approx(math.log(2), rel=1e-12)
    assert score.cumulant_generating_function(1.0, derivative=1) == pytest.approx(400, rel=1e-12)


# ----------------------------------------------------------------------------------------- laws


@given(positive_distributions, st.sampled_from([-3.0, -0.5, 0.3, 0.9, 2.0]))
def test_cumulants_are_renyi_quantities(p: Any, lam: float) -> None:
    """K(lam) = lam H_(1-lam) for entropy, lam D_(1+lam) for divergence, where orders allow it."""
    if lam < 1:
        k = Score.entropy(p).cumulant_generating_function(lam)
        assert abs(k - lam * renyi_entropy(p, 1 - lam)) <= 10 * VALUE
    if lam > -1:
        q = np.full(len(p), 1 / len(p))
        k = Score.relative_entropy(p, q).cumulant_generating_function(lam)
        assert abs(k - lam * renyi_divergence(p, q, 1 + lam)) <= 10 * VALUE


@given(joints())
def test_expectations_of_exponentials(joint: Any) -> None:
    """E 1/p(X) is the size of the support, and E exp(-i) at most one."""
    p = joint.ravel()
    k = Score.entropy(p).cumulant_generating_function(1.0)
    assert abs(k - math.log(np.count_nonzero(p))) <= 10 * VALUE
    assert Score.mutual_information(joint).cumulant_generating_function(-1.0) <= 10 * VALUE


@given(positive_distributions, lams)
def test_cumulants_are_convex_with_the_stated_derivatives(p: Any, lam: float) -> None:
    kgf, step = Score.entropy(p).cumulant_generating_function, 1e-3
    grid = lam + step * np.array([-1.0, 0.0, 1.0])
    assert kgf(lam, centred=True) >= 0
    for order in (0, 1, 2):
        low, _, high = kgf(grid, derivative=order)
        # Central differences are off by step^2/6 of the third derivative, a cumulant of order
        # order + 3 of values in a range of 25: at most 2 (25/2)^5 for the largest of them.
        slope = (high - low) / (2 * step)
        bound = step**2 / 6 * 24 * 12.5 ** (order + 3) + 1e-13 * 30**order / step
        assert abs(slope - kgf(lam, derivative=order + 1)) <= bound
    assert kgf(lam, derivative=2) >= 0


@given(positive_distributions, lams, lams)
def test_tilts_add(p: Any, a: float, b: float) -> None:
    score = Score.entropy(p)
    twice, once = score.tilted(a).tilted(b), score.tilted(a + b)
    # Exponents are up to 10 * 30 in size.
    np.testing.assert_allclose(twice.probabilities, once.probabilities, rtol=1e-12, atol=1e-300)


@given(distributions(), lams)
def test_the_negated_score(p: Any, lam: float) -> None:
    score = Score.entropy(p)
    left = -score
    np.testing.assert_array_equal(left.values, -score.values[::-1])
    assert left.mean == pytest.approx(-score.mean, abs=VALUE)
    k = left.cumulant_generating_function(-lam)
    assert abs(k - score.cumulant_generating_function(lam)) <= 10 * VALUE


def test_samples_follow_the_law() -> None:
    score = Score.entropy([0.5, 0.25, 0.25])
    drawn = score.sample(4000, rng=0)
    assert set(drawn) <= set(score.values)
    # The mean of 4000 scores of standard deviation 0.35 strays by 0.0055; four of these.
    assert abs(drawn.mean() - score.mean) < 4 * math.sqrt(score.variance / 4000)
    np.testing.assert_array_equal(drawn, score.sample(4000, rng=np.random.default_rng(0)))


# ---------------------------------------------------------------------------- the class, refusals


def test_atoms_of_one_s_own() -> None:
    score = Score([2, 1, 2, 5], [0.25, 0.5, 0.25, 0.0])
    assert (score.values.tolist(), score.probabilities.tolist()) == ([1.0, 2.0], [0.5, 0.5])
    assert repr(score) == "Score(2 atoms, mean 1.5, variance 0.25)"
    assert repr(Score([3.0], [1.0])) == "Score(1 atom, mean 3, variance 0)"
    rough = Score([1.0, 1.25, 3.0], [0.25, 0.25, 0.5], slack=0.125)
    assert rough.values.tolist() == [1.125, 3.0]
    assert isinstance(score.cumulant_generating_function(1), float)
    assert score.cumulant_generating_function([[0.0, 1.0]]).shape == (1, 2)
    with pytest.raises(ValueError, match="read-only"):
        score.values[0] = 7.0
    with pytest.raises(ValueError, match="read-only"):
        score.log_probabilities[0] = 7.0


def test_refusals() -> None:
    with pytest.raises(
        ValueError, match=r"p must be one distribution, not a batch; got shape \(1,"
    ):
        Score.entropy([[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"joint must be one distribution, not a batch"):
        Score.mutual_information(np.full((2, 2, 2), 0.25))
    with pytest.raises(ValueError, match=r"p must have one entry an input \(2\); got 3"):
        Score.channel(np.eye(2), np.full(3, 1 / 3))
    with pytest.raises(ValueError, match=r"channel must be 2-dimensional, .* Make a score of one"):
        Score.channel([0.5, 0.5], [1.0])
    with pytest.raises(ValueError, match=r"q must be positive wherever p is; .* zero at q\[1\]"):
        Score.relative_entropy([0.5, 0.5], [1.0, 0.0])
    with pytest.raises(ValueError, match=r"q must have as many symbols as p \(2\); got 3"):
        Score.relative_entropy([0.5, 0.5], [0.5, 0.25, 0.25])
    with pytest.raises(TypeError, match="values must be numbers; got dtype <U1"):
        Score(["a"], [1.0])
    with pytest.raises(ValueError, match=r"values must have one entry a probability, shape \(1,\)"):
        Score([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"values must be finite; got inf at values\[1\]"):
        Score([1.0, math.inf], [0.5, 0.5])
    score = Score([1.0, math.inf], [1.0, 0.0])  # what never happens may have any score
    with pytest.raises(ValueError, match="derivative must be one of 0, 1, 2, 3; got 4"):
        score.cumulant_generating_function(0.0, derivative=4)
    for call in (score.cumulant_generating_function, score.tilted):
        with pytest.raises(
            ValueError, match=r"lam must be finite, .* got nan. In the limit all mass"
        ):
            call(math.nan)
        with pytest.raises(TypeError, match="lam must be a number or an array of numbers; got 'a'"):
            call("a")
    far = Score([1.0, 20.0], [0.5, 0.5])
    for call in (far.cumulant_generating_function, far.tilted):
        with pytest.raises(
            ValueError, match=r"lam must be .* at most 5e\+298 in size; got 1e\+308"
        ):
            call(1e308)
    assert far.tilted(1e298).mean == 20.0
    with pytest.raises(ValueError, match=r"lam must be one number; got shape \(2,\). Tilt by one"):
        far.tilted([1.0, 2.0])
    with pytest.raises(ValueError, match="n must be a positive integer"):
        score.sample(0)
    with pytest.raises(ValueError, match="rng must be a seed"):
        score.sample(1, rng="a")


@pytest.mark.parametrize(
    ("slack", "message"),
    [
        (math.nan, "slack must be finite and at least 0; got nan. A slack of 0 merges equal"),
        (math.inf, "slack must be finite and at least 0; got inf"),
        (-1, "slack must be finite and at least 0; got -1"),
        ([0.0, -0.5], r"slack must be finite and at least 0; got -0.5 at slack\[1\]"),
        ([0.0], r"slack must be one number, or one a value, shape \(2,\); got shape \(1,\)"),
        ([1.0, 2.0, 3.0], r"slack must be one number, .*; got shape \(3,\)"),
        ([1.0, [2.0]], "slack must be a rectangular array"),
    ],
)
def test_a_slack_that_is_none(slack: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Score([1.0, 2.0], [0.5, 0.5], slack=slack)


def test_a_slack_that_is_no_number() -> None:
    for slack, dtype in (("a", "<U1"), (None, "object"), (True, "bool")):
        with pytest.raises(TypeError, match=f"slack must be a number .*; got dtype {dtype}. Use"):
            Score([1.0, 2.0], [0.5, 0.5], slack=slack)
    each = Score([1.0, 1.25, 3.0], [0.25, 0.25, 0.5], slack=[0.125, 0.125, 0.0])
    assert each.values.tolist() == [1.125, 3.0]
