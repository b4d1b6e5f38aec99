"""Listed laws: which sums are one atom, and what is said of those that were merged."""

from __future__ import annotations

import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import spectrum_law as oracle

from infotheory.measures import Score
from infotheory.spectrum._atoms import atoms_of
from infotheory.spectrum.spectrum import exact

MIXED = Score([0.0, 1e-8, 1e8], [0.5, 0.4, 0.1])


def law_of(score: Score, n: int) -> oracle.Law:
    return oracle.law(score.values.tolist(), score.log_probabilities.tolist(), n)


def test_small_letters_are_not_lost_to_large_ones() -> None:
    """Sums of 0 and 1e-8 are four atoms, whatever else may occur."""
    atoms = exact(MIXED, 3).pmf()
    want = law_of(MIXED, 3)[:4]  # those without the large letter
    # Three roundings of a product, a sum and a quotient.
    np.testing.assert_allclose(atoms.values[:4], [float(at / 3) for at, _ in want], rtol=4e-16)
    masses = np.exp(atoms.log_probabilities[:4])
    np.testing.assert_allclose(masses, [float(mass) for _, mass in want], rtol=1e-14)
    law = exact(MIXED, 3)
    for place, x in enumerate((0.0, 1e-8 / 3, 2e-8 / 3, 1e-8)):
        assert law.cdf(x) == pytest.approx(float(sum(mass for _, mass in want[: place + 1])))
    assert law.quantile(0.1) == 0.0


def test_what_is_merged_is_said() -> None:
    """Beside 1e8, sums that differ by 1e-8 are the same double: up to 2e-8 apart for n = 3."""
    law = exact(MIXED, 3)
    assert len(law.pmf().values) == 4 + 3
    # At least half of 2e-8, for a mean of three; at most 10 units of 2e8 in all.
    assert 1e-8 / 3 <= law.resolution <= 20 * 2.0**-53 * 2e8 / 3
    assert exact(Score([0.0, 1.0, 3.1], [0.5, 0.3, 0.2]), 9).resolution == 0.0


def test_an_atom_is_found_from_where_its_first_sum_is() -> None:
    """Five values, each 26 units above the one before: neighbours agree, and all are one."""
    law = exact(Score(1.0 + 2.0**-53 * np.arange(0.0, 130.0, 26.0), np.full(5, 0.2)), 1)
    assert len(law.pmf().values) == 1
    assert law.cdf([1.0 - 1e-13, 1.0, 1.0 + 1e-13]).tolist() == [0.0, 1.0, 1.0]
    assert 52 * 2.0**-53 <= law.resolution <= 60 * 2.0**-53


def test_sums_that_cancel_are_found() -> None:
    """Three times -0.1 and once 0.3 are 5e-17 below zero, and above it when negated."""
    for values in ([-0.1, 0.3, 5.0], [-0.3, 0.1, 5.0]):
        law = exact(Score(values, [0.5, 0.3, 0.2]), 4)
        want = [m for at, m in law_of(law.score, 4) if at < Fraction(1, 10**9)]
        assert law.cdf(0.0) == pytest.approx(float(sum(want)), rel=1e-14)
        assert law.cdf(-1e-15) < law.cdf(0.0) - 0.01


def test_large_letters_that_cancel_hide_small_ones() -> None:
    """1e8 + 3e-8 - 1e8 may be any of 2e-8 and 3e-8, and what is asked for just before, too."""
    w = math.nextafter(math.nextafter(1e8, 2e8), 2e8)
    score = Score([-1e8, 0.0, 1e-8, w], [0.25, 0.25, 0.25, 0.25])
    law, atoms = exact(score, 3), law_of(score, 3)
    x = np.linspace(-5e-8, 9e-8, 57) / 3
    found = law.cdf(x)
    assert (np.diff(found) >= 0.0).all()
    assert (np.diff(law._law._starts) >= 0.0).all()  # or a search may end anywhere
    # Sums of three letters of 1e8 are looked for within twelve units, to each side.
    r = 3 * law.resolution + 12 * 2.0**-53 * 3e8
    for one, cdf in zip(x.tolist(), found.tolist(), strict=True):
        below, above = (
            float(sum(mass for at, mass in atoms if at <= 3 * one + sign * r)) for sign in (-1, 1)
        )
        assert below - 1e-13 <= cdf <= above + 1e-13


@st.composite
def mixed(draw: st.DrawFn) -> tuple[Score, int]:
    k = draw(st.integers(2, 4))
    values = [draw(st.floats(-3, 3)) * 10.0 ** draw(st.integers(-12, 12)) for _ in range(k)]
    weights = np.array([draw(st.floats(0.05, 1.0)) for _ in range(k)])
    return Score(values, weights / weights.sum()), draw(st.integers(1, 6))


@given(mixed())
def test_the_law_is_within_its_resolution(case: tuple[Score, int]) -> None:
    """F(x - r) <= F_listed(x) <= F(x + r), for what r says and the rounding of x itself."""
    score, n = case
    law, atoms = exact(score, n), law_of(*case)
    # An atom is looked for within 8 units of x and of what its letters add up to, 2 (k + 2) units.
    sizes = 20 * 2.0**-53 * n * np.abs(score.values).max()
    for x in law.pmf().values.tolist():
        r = Fraction(law.resolution * n * (1 + 1e-9) + sizes)
        low, high = (oracle.log_up_to(atoms, Fraction(x) * n + sign * r) for sign in (-1, 1))
        assert float(low) - 1e-13 <= law.log_cdf(x) <= float(high) + 1e-13


@given(mixed())
def test_atoms_are_ascending_and_apart(case: tuple[Score, int]) -> None:
    found = atoms_of(*case)
    assert (np.diff(found.sums) > 0.0).all()
    assert math.fsum(np.exp(found.logs)) == pytest.approx(1.0, abs=1e-13)
    assert (found.slack >= 0.0).all()
    assert 0.0 <= found.moved <= found.slack.max()


def test_sums_that_agree_but_for_rounding_are_one() -> None:
    """ln 0.4 + ln 0.1 = 2 ln 0.2: of ten types of two letters, nine values."""
    law = exact(Score.entropy([0.4, 0.3, 0.2, 0.1]), 2)
    assert len(law.pmf().values) == 9
    assert law.resolution <= 12 * 2.0**-53  # and values of 2.3 at most, half of them


def test_one_letter_takes_no_memory() -> None:
    tracemalloc.start()
    law = exact(Score([2.0], [1.0]), 10**15)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6
    assert (law.pmf().values.tolist(), law.pmf().log_probabilities.tolist()) == ([2.0], [0.0])
    assert law.cdf([1.9, 2.0]).tolist() == [0.0, 1.0]
    assert law.quantile([0.0, 0.4, 1.0]).tolist() == [2.0, 2.0, 2.0]
    assert repr(law) == f"Spectrum(n={10**15}, mean 2, deviation 0, 1 atom)"
