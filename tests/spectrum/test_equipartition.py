"""Bounds of the equipartition property: values in many digits, enumeration, and their laws."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import equipartition as oracle
from spectrum.equipartition_cases import WORKED

from infotheory.measures import Score
from infotheory.spectrum import _exponents as exponents
from infotheory.spectrum import equipartition
from infotheory.spectrum._exponents import exponent_at
from infotheory.spectrum.equipartition import nep_approximation, nep_bounds, nep_terms

SYMBOLS = {("right", True): ">", ("right", False): ">=", ("left", True): "<", ("left", False): "<="}


def numbers_of(case: dict[str, Any]) -> dict[str, float]:
    score, n, delta = Score.entropy(case["p"]), case["n"], case["delta"]
    parts = nep_terms(score, n, delta, side=case["side"])
    own = score if case["side"] == "right" else -score
    found = exponent_at(own, own.mean + delta)
    low, high = parts["prefactor"].probability
    return {
        "mean": score.mean,
        "variance": score.variance,
        "third": score.third_absolute_moment,
        "lam": found.lam,
        "rate": found.rate,
        "variance_lam": found.variance,
        "third_lam": found.third_absolute_moment,
        "e": parts["prefactor"].error_terms["normal law"],
        "xi_up": high * math.exp(n * found.rate),
        "xi_lo": low * math.exp(n * found.rate),
        "chernoff": parts["Chernoff"].probability[1],
        "up": high,
        "lo": low,
        "half": parts["Berry-Esseen"].error_terms["normal law"],
    }


@pytest.mark.parametrize("case", WORKED)
def test_worked_examples(case: dict[str, Any]) -> None:
    # Tolerance: 1e-12 of each number. The threshold is rounded to 1e-16 of itself, and logarithms
    # change by lam n t times that; ends are moved out by some 1e-14.
    found = numbers_of(case)
    assert {name: case[name] for name in found} == {
        name: pytest.approx(value, rel=1e-12) for name, value in found.items()
    }
    score = Score.entropy(case["p"])
    bounds = nep_bounds(score, case["n"], case["delta"], side=case["side"])
    assert bounds.probability[0] <= case["exact"] <= bounds.probability[1]


@pytest.mark.parametrize(
    ("n", "delta", "wanted", "lower", "upper"),
    [
        (10**4, 0.02, -13.356454558, -13.5508, -13.1796),
        (10**4, 0.1, -257.964976227, -258.7903, -257.3637),
        (10**5, 0.02, None, -112.2971, -111.9394),
        (10**6, 0.01, -277.822261660, -277.9168, -277.7319),
    ],
)
def test_long_blocks_of_four_letters(
    n: int, delta: float, wanted: float | None, lower: float, upper: float
) -> None:
    score = Score.entropy([0.4, 0.3, 0.2, 0.1])
    bounds = nep_bounds(score, n, delta)
    assert (bounds.lower, bounds.upper) == pytest.approx((lower, upper), abs=6e-5)
    if wanted is not None:
        assert nep_approximation(score, n, delta) == pytest.approx(wanted, abs=6e-10)


def test_constants() -> None:
    """No search finds a violation for constants a little too small: they are pinned here."""
    assert exponents.IDENTICAL == 0.4690
    assert exponents.INDEPENDENT == 0.5600
    assert exponents.berry_esseen(8.0, 4.0) == 0.4690
    assert exponents.berry_esseen(8.0, 4.0, identical=False) == 0.5600
    assert exponents.berry_esseen(1.0, 0.0) == math.inf


# ----------------------------------------------------------------------------------- enumeration


def entropies(rng: np.random.Generator, k: int) -> Score:
    return Score.entropy(distribution(rng, k))


def distribution(rng: np.random.Generator, k: int) -> Any:
    p = rng.dirichlet(np.full(k, rng.choice([0.3, 1.0, 3.0]))) + 1e-6
    return p / p.sum()


def scores(rng: np.random.Generator, k: int) -> Score:
    """One of the four quantities, or of arbitrary values."""
    joint = distribution(rng, 4).reshape(2, 2)
    made = [
        lambda: entropies(rng, k),
        lambda: Score.conditional_entropy(joint),
        lambda: Score.mutual_information(joint),
        lambda: Score.relative_entropy(distribution(rng, k), distribution(rng, k)),
        lambda: Score(rng.normal(size=k), distribution(rng, k)),
    ]
    return made[rng.integers(len(made))]()


@given(st.integers(0, 2**32 - 1))
def test_bounds_hold_the_enumerated_probability(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = scores(rng, int(rng.choice([2, 2, 2, 3, 4])))
    n = round(math.exp(rng.uniform(0, math.log({1: 9, 2: 60, 3: 18}.get(len(score), 9)))))
    atoms = rng.choice(score.values, size=n)
    threshold = (
        math.fsum(atoms) if rng.random() < 0.5 else rng.uniform(atoms.min(), atoms.max()) * n
    )
    for end in (score.minimum, score.maximum):
        # A threshold within rounding of an extreme is taken to be that.
        gap = Fraction(threshold) - n * Fraction(float(end))
        assume(gap == 0 or abs(gap) > 1e-9)
    mp.mp.dps = 40
    found = oracle.log_tails(score.values, score.log_probabilities, n, threshold)
    for (side, strict), symbol in SYMBOLS.items():
        exact = found[symbol]
        parts = nep_terms(score, n, threshold=threshold, side=side, strict=strict)
        for part in parts.values():
            assert part.lower <= exact <= part.upper
        bounds = nep_bounds(score, n, threshold=threshold, side=side, strict=strict)
        assert bounds.lower == max(part.lower for part in parts.values())
        assert bounds.upper == min(part.upper for part in parts.values())
        assert bounds.certified
        assert bounds.event == f"P(S_{n} {symbol} {threshold!r})"


@given(st.integers(0, 2**32 - 1), st.sampled_from([30, 1000, 10**6, 10**12]))
def test_every_term_against_many_digits(seed: int, n: int) -> None:
    """At the slope that is used, and with what it is off by allowed for."""
    rng = np.random.default_rng(seed)
    score = scores(rng, 3)
    assume(len(score) > 1)
    share = rng.uniform(0.01, 0.9)
    threshold = n * ((1 - share) * score.mean + share * score.maximum)
    parts = nep_terms(score, n, threshold=threshold)
    lam = exponents.nearest_slope(score, threshold / n)
    mp.mp.dps = 60
    level, weights = mp.mpf(threshold) / n, oracle.law(score.log_probabilities)
    want = oracle.theorem(score.values, weights, n, level, mp.mpf(lam))
    # The slope is right but for rounding of the mean that it leads to.
    size = max(-score.minimum, score.maximum)
    assert abs(want["shift"]) <= 16 * 2.0**-53 * size
    prefactor, chernoff = parts["prefactor"], want["log_factor"]
    assert 0 <= parts["Chernoff"].upper - chernoff <= 12 * 2.0**-53 * abs(chernoff)
    e = prefactor.error_terms["normal law"]
    assert prefactor.error_terms["drift"] == pytest.approx(float(want["drift"]), rel=1e-12)
    assert want["e"] <= e <= want["e"] * (1 + 1e-14) + 1e-12 * want["drift"]
    # An end allows for its own rounding, and is at most as much again from where it should be.
    # The widening of e by some 50 units moves it by up to e / (1/2 - e) or so times that.
    slack = 2 * prefactor.error_terms["relative rounding"] + 1e-12
    above, below = (
        chernoff + mp.log(want["upper"]),
        chernoff + (mp.log(want["lower"]) if want["lower"] else -mp.inf),
    )
    assert above <= prefactor.upper <= max(above + slack, chernoff + 1e-12 * abs(chernoff))
    if want["lower"] > 1e-6 and e < 0.249:
        assert below - slack <= prefactor.lower <= below
    assert prefactor.lower <= below
    plain = parts["Berry-Esseen"]
    assert mp.exp(mp.mpf(plain.upper)) >= min(1, want["normal"] + want["plain"])
    assert plain.error_terms["normal law"] == pytest.approx(float(want["plain"]), rel=1e-9)


def test_the_pieces_of_the_prefactor() -> None:
    """Special functions enter within a fraction of the rounding that is allowed for."""
    mp.mp.dps = 60
    for a in (0.0, 1e-9, 0.3, 5.0, 1e3, 1e8):
        for e in (1e-9, 1e-4, 0.1, 0.2499, 0.26, 0.49):
            if a * e > 50:  # a prefactor of e^-100 and less
                continue
            lower, upper, rounding = equipartition._log_prefactors(a, e)
            up, low = oracle.prefactors(mp.mpf(a), mp.mpf(e))
            assert mp.log(up) <= upper <= mp.log(up) + 3 * rounding
            if low > 0:
                assert mp.log(low) - 2 * rounding <= lower <= mp.log(low)
            else:
                assert lower == -math.inf
    assert equipartition._log_prefactors(1.0, 0.5)[:2] == (-math.inf, 0.0)


def test_a_wrong_slope_widens_the_bounds_and_keeps_them_true(monkeypatch: Any) -> None:
    score, n, threshold = Score([0.0, 1.0], [0.7, 0.3]), 400, 160.0
    right = nep_bounds(score, n, threshold=threshold)
    exact = float(oracle.log_tails(score.values, score.log_probabilities, n, threshold)[">"])
    slope = exponents.nearest_slope
    for factor in (0.98, 1.02):
        monkeypatch.setattr(exponents, "nearest_slope", lambda s, v, f=factor: f * slope(s, v))
        found = nep_terms(score, n, threshold=threshold)["prefactor"]
        assert found.lower < right.lower
        assert found.upper > right.upper
        assert exact in found
        # Phi moves by at most the shift of the tilted mean in deviations over sqrt(2 pi).
        tilted = score.tilted(factor * slope(score, 0.4))
        shift = abs(tilted.mean - 0.4) * math.sqrt(n / tilted.variance) / math.sqrt(2 * math.pi)
        assert found.error_terms["drift"] == pytest.approx(shift, rel=1e-9)
