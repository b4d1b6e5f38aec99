"""The whole law of a sum of scores, against going through all types and known values."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import spectrum_law as oracle
from spectrum.law_cases import FOUR, STITCHED, gridded, latticed

from infotheory.measures import Score
from infotheory.spectrum._stitched import StitchedSums
from infotheory.spectrum.spectrum import exact


def listed_slack(log_p: float, k: int) -> float:
    """k + 1 terms of at most abs(ln P) + 4, each off by some 8 units of itself, and their sum."""
    return 16 * (k + 1) * 2.0**-53 * (abs(log_p) + 4.0)


# ------------------------------------------------------------------------------------ against types


@st.composite
def laws(draw: st.DrawFn) -> tuple[Score, int]:
    k = draw(st.integers(2, 5))
    weights = draw(st.lists(st.floats(0.01, 1.0), min_size=k, max_size=k))
    p = np.array(weights) / sum(weights)
    if draw(st.booleans()):
        score = Score.entropy(p)
    else:
        values = draw(st.lists(st.floats(-3, 3), min_size=k, max_size=k))
        score = Score(np.round(values, 6), p)
    return score, draw(st.integers(1, (30, 30, 12, 8, 6)[k - 1]))


@given(laws())
def test_listed_laws_are_those_of_all_types(case: tuple[Score, int]) -> None:
    score, n = case
    law = exact(score, n)
    atoms = oracle.law(score.values.tolist(), score.log_probabilities.tolist(), n)
    sums = [at for at, _ in atoms]
    gaps = [0.5 * (float(a) + float(b)) for a, b in itertools.pairwise(sums) if b - a > 1e-9]
    for threshold in gaps[:: max(1, len(gaps) // 12)]:
        up = float(oracle.log_up_to(atoms, Fraction(threshold)))
        down = float(oracle.log_above(atoms, Fraction(threshold)))
        k = len(score)
        assert law.log_cdf(threshold / n) == pytest.approx(up, rel=0, abs=listed_slack(up, k))
        assert law.log_sf(threshold / n) == pytest.approx(down, rel=0, abs=listed_slack(down, k))


@pytest.mark.parametrize(
    ("places", "p", "n"),
    [
        ([0, 1], [0.7, 0.3], 40),
        ([0, 1, 3], [0.5, 0.3, 0.2], 25),
        ([0, 2, 7], [0.98, 0.01, 0.01], 20),
        ([0, 1, 2, 6], [0.1, 0.2, 0.3, 0.4], 15),
    ],
)
def test_stitched_laws_are_right_at_every_sum(places: list[int], p: list[float], n: int) -> None:
    log_p = np.log(p)
    law = StitchedSums(np.array(places), log_p, n)
    exact_p = [float(w) for w in oracle.weights(log_p.tolist())]
    masses = oracle.law([float(a) for a in places], log_p.tolist(), n)
    every = np.arange(law.top + 1)
    up, down = law.log_at_most(every), law.log_at_least(every)
    assert sum(exact_p) == pytest.approx(1.0)
    for j in every.tolist():
        assert up[j] == pytest.approx(float(oracle.log_up_to(masses, Fraction(j))), abs=STITCHED)
        wanted = float(oracle.log_above(masses, Fraction(j), strict=False))
        assert down[j] == pytest.approx(wanted, abs=STITCHED)
    single = law.log_p(every)
    # A sum far rarer than those beside it is right to as much of them only.
    for at, mass in masses:
        j = int(at)
        beside = max(single[max(j - 9, 0) : j + 10])
        assert math.exp(single[j] - beside) == pytest.approx(
            float(mp.exp(mp.log(mass) - beside)), abs=1e-11
        )
    outside = np.array([-1, law.top + 1])
    assert law.log_at_least(outside).tolist() == [0.0, -math.inf]
    assert law.log_at_most(outside).tolist() == [-math.inf, 0.0]
    assert law.log_p(outside).tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("least", [4200, 6000, 9000, 9990, 10000])
def test_tails_are_right_where_doubles_have_long_ended(least: int) -> None:
    """P(at least so many of 10,000), down to e^-12000."""
    score, n = Score([0.0, 1.0], [0.7, 0.3]), 10**4
    law = latticed([0, 1], [0.7, 0.3], n)
    with mp.workdps(40):
        # All terms beyond the first 3,000 together are far below the last digit.
        q = oracle.weights(score.log_probabilities.tolist())
        term = mp.binomial(n, least) * q[1] ** least * q[0] ** (n - least)
        total, c = term, least
        while c < n and term > total * mp.mpf(10) ** -25:
            term *= mp.mpf(n - c) / (c + 1) * q[1] / q[0]
            total, c = total + term, c + 1
        wanted = float(mp.log(total))
    # One unit of ln P, three times.
    slack = STITCHED + 4e-16 * abs(wanted)
    assert law.log_sf((least - 1) / n) == pytest.approx(wanted, rel=0, abs=slack)
    mirrored = latticed([0, 1], [0.3, 0.7], n)
    assert mirrored.log_cdf((n - least) / n) == pytest.approx(wanted, rel=0, abs=slack)
    listed = exact(score, n)
    assert listed.form == "atoms"
    assert listed.log_sf((least - 1) / n) == pytest.approx(wanted, rel=0, abs=slack)


@pytest.mark.parametrize("seed", range(4))
def test_a_grid_is_off_by_its_resolution(seed: int) -> None:
    """F(x - r) - 2e-12 <= F_grid(x) <= F(x + r) + 2e-12, for a law of few atoms."""
    rng = np.random.default_rng(seed)
    score = Score(rng.normal(size=3), rng.dirichlet(np.full(3, 2.0)) * 0.97 + 0.01)
    n = 24
    grid, law = gridded(score, n), exact(score, n)
    assert (grid.form, law.form) == ("grid", "atoms")
    r = grid.resolution
    assert 0.0 < r < 0.05 * math.sqrt(grid.variance)
    x = np.linspace(score.minimum - 0.1, score.maximum + 0.1, 120)
    assert (law.cdf(x - r) - 2e-12 <= grid.cdf(x)).all()
    assert (grid.cdf(x) <= law.cdf(x + r) + 2e-12).all()
    assert (law.sf(x + r) - 2e-12 <= grid.sf(x)).all()
    assert (grid.sf(x) <= law.sf(x - r) + 2e-12).all()


def test_a_grid_that_fits_is_a_lattice() -> None:
    """Then no mass is spread, and values just above an atom are told from it."""
    score = Score([0.0, 1.0, 3.0], [0.5, 0.3, 0.2])
    grid, law = gridded(score, 30), exact(score, 30)
    x = np.array([(j + side) / 30 for j in (0, 20, 27, 55, 89) for side in (-0.02, 0.02)])
    np.testing.assert_allclose(grid.log_cdf(x[1:-1]), law.log_cdf(x[1:-1]), atol=STITCHED)
    np.testing.assert_allclose(grid.log_sf(x[1:-1]), law.log_sf(x[1:-1]), atol=STITCHED)


def test_a_grid_keeps_relative_accuracy_in_the_tails() -> None:
    """The table for p = (.4, .3, .2, .1), where n = 1e4 has 1.7e11 types.

    An atom next to the threshold may lie on the wrong side of it: lam r n of the probability.
    """
    law = exact(FOUR, 10**4, size=2**16)
    assert law.form == "grid"
    for delta, lam, wanted in ((0.02, 0.1075, -13.357553023335), (0.1, 0.4889, -257.966418348566)):
        slack = 2 * lam * law.resolution * law.n
        assert law.log_sf(law.mean + delta) == pytest.approx(wanted, rel=0, abs=slack)


# ------------------------------------------------------------------------------------ known values


@pytest.mark.parametrize(
    ("n", "least", "wanted"),
    [
        (100, 42, 0.007173562599373489),
        (1000, 420, 6.115470381647244e-16),
        (10**4, 3200, 7.510683796427025e-06),
    ],
)
def test_two_letters(n: int, least: int, wanted: float) -> None:
    """Binomial tails, from closed forms."""
    for law in (exact(Score([0.0, 1.0], [0.7, 0.3]), n), latticed([0, 1], [0.7, 0.3], n)):
        assert law.sf((least - 1) / n) == pytest.approx(wanted, rel=2 * STITCHED)
        assert law.sf(math.nextafter(least / n, 0)) == law.sf(least / n)  # a tie, by rounding


def test_a_lattice_of_logarithms() -> None:
    """p = (.5, .25, .25) at n = 100 and delta = .15: exact to 20 digits elsewhere."""
    score = Score.entropy([0.5, 0.25, 0.25])
    law = exact(score, 100)
    assert law.sf(score.mean + 0.15) == pytest.approx(6.2895750083394267508e-6, rel=1e-13)
