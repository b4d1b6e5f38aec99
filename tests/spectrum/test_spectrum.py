"""Laws of sums: their properties, the form that is chosen, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spectrum.law_cases import FOUR, STITCHED, gridded, latticed

from infotheory.measures import Score
from infotheory.spectrum import _laws
from infotheory.spectrum import spectrum as spectrum_module
from infotheory.spectrum._laws import Gridded
from infotheory.spectrum.results import log_complement
from infotheory.spectrum.spectrum import Spectrum, exact

# -------------------------------------------------------------------------------------- properties

SCORES = [
    FOUR,
    Score.entropy([0.5, 0.25, 0.25]),
    Score.relative_entropy([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]),
    Score([-1.0, 0.0, 2.5, 3.0], [0.4, 0.3, 0.2, 0.1]),
]


@pytest.mark.parametrize("n", [1, 2, 17])
@pytest.mark.parametrize("score", SCORES)
def test_moments_of_the_atoms(score: Score, n: int) -> None:
    atoms = exact(score, n).pmf()
    p = np.exp(atoms.log_probabilities)
    law = exact(score, n)
    assert math.fsum(p) == pytest.approx(1.0, abs=1e-14)
    assert p @ atoms.values == pytest.approx(law.mean, abs=1e-13)
    assert p @ (atoms.values - law.mean) ** 2 == pytest.approx(law.variance, rel=1e-12)
    assert (np.diff(atoms.values) > 0).all()


def test_one_summand_is_the_score_itself() -> None:
    atoms = exact(FOUR, 1).pmf()
    np.testing.assert_array_equal(atoms.values, FOUR.values)
    np.testing.assert_allclose(atoms.log_probabilities, FOUR.log_probabilities, atol=1e-15)


def test_moments_of_a_stitched_law() -> None:
    law = latticed([0, 1, 3], [0.5, 0.3, 0.2], 300, span=0.25)
    atoms = law.pmf()
    p = np.exp(atoms.log_probabilities)
    assert math.fsum(p) == pytest.approx(1.0, abs=STITCHED)
    assert p @ atoms.values == pytest.approx(law.mean, rel=STITCHED)
    assert p @ (atoms.values - law.mean) ** 2 == pytest.approx(law.variance, rel=10 * STITCHED)
    # Of the sums only 899 cannot be reached: one less than 300 times three.
    assert len(atoms.values) == 900
    assert not np.isclose(atoms.values * 300 / 0.25, 899).any()


@pytest.mark.parametrize("form", ["listed", "stitched"])
def test_longer_sums_are_convolutions(form: str) -> None:
    places, p = [0, 1, 3], [0.5, 0.3, 0.2]

    def masses(n: int) -> Any:
        law = latticed(places, p, n) if form == "stitched" else exact(Score(places, p), n)
        found = np.zeros(3 * n + 1)
        atoms = law.pmf()
        found[np.rint(atoms.values * n).astype(int)] = np.exp(atoms.log_probabilities)
        return found

    np.testing.assert_allclose(masses(21), np.convolve(masses(8), masses(13)), rtol=1e-11, atol=0)


def log_mean_exp(law: Spectrum, sign: float) -> float:
    atoms = law.pmf()
    return float(np.logaddexp.reduce(atoms.log_probabilities + sign * law.n * atoms.values))


def test_the_mean_of_one_over_the_probability_counts_the_sequences() -> None:
    """E 1 / p(X^n) = k^n."""
    for p, n in ([0.4, 0.3, 0.2, 0.1], 30), ([0.9, 0.1], 500), ([0.5, 0.25, 0.25], 200):
        law = exact(Score.entropy(p), n)
        assert log_mean_exp(law, 1.0) == pytest.approx(n * math.log(len(p)), rel=1e-13)


def test_the_mean_likelihood_ratio_is_one() -> None:
    """E q(X^n) / p(X^n) = 1."""
    score = Score.relative_entropy([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
    for n in (1, 10, 300):
        # Ratios are up to e^{n ln 2.5}, off by some units of their exponent.
        assert log_mean_exp(exact(score, n), -1.0) == pytest.approx(0.0, abs=1e-15 * n + 1e-14)


@pytest.mark.parametrize(
    "law",
    [exact(FOUR, 12), latticed([0, 1, 3], [0.5, 0.3, 0.2], 60), gridded(FOUR, 60)],
    ids=["atoms", "lattice", "grid"],
)
class TestEveryForm:
    def test_tails_are_monotone_and_complements(self, law: Spectrum) -> None:
        low, high = law.score.minimum, law.score.maximum
        x = np.linspace(low - 0.1, high + 0.1, 211)
        up, down = law.log_cdf(x), law.log_sf(x)
        assert (up[1:] >= up[:-1] - STITCHED).all()
        assert (down[1:] <= down[:-1] + STITCHED).all()
        np.testing.assert_allclose(law.cdf(x) + law.sf(x), 1.0, rtol=0, atol=1e-13)
        assert (law.log_cdf(-np.inf), law.log_sf(-np.inf)) == (-math.inf, 0.0)
        assert (law.log_cdf(np.inf), law.log_sf(np.inf)) == (0.0, -math.inf)
        assert (law.log_cdf(high), law.log_sf(high)) == (0.0, -math.inf)

    def test_quantiles_invert_the_distribution_function(self, law: Spectrum) -> None:
        q = np.array([1e-9, 1e-3, 0.2, 0.5, 0.7, 0.999, 1 - 1e-9])
        x = law.quantile(q)
        assert (np.diff(x) > 0).all()
        if law.form == "grid":
            # A step of the grid that is steeper than its numbers are fine.
            np.testing.assert_allclose(law.cdf(x), q, rtol=1e-6)
        else:
            assert (law.cdf(x) >= q * (1 - 1e-14)).all()
            assert (law.cdf(x - 1e-9) < q).all()
            atoms = law.pmf()
            some = atoms.values[(law.cdf(atoms.values) < 0.999) & (law.cdf(atoms.values) > 1e-6)]
            np.testing.assert_allclose(law.quantile(law.cdf(some)), some, rtol=1e-14)
        assert law.quantile(0.0) == law.score.minimum
        assert law.quantile(1) == law.score.maximum
        assert law.quantile([[0.5]]).shape == (1, 1)

    def test_bounds_hold_the_law(self, law: Spectrum) -> None:
        r = law.resolution
        for part in (-3.1, -1.0, 0.3, 2.2, 4.0):
            x = law.mean + part * math.sqrt(law.variance)
            for side, log_of in (("right", law.log_sf), ("left", law.log_cdf)):
                bounds = law.bounds(x, side)
                assert bounds.certified
                assert bounds.error_terms
                # What a grid moves by 1e-12 in all is nothing beside these probabilities.
                ends = sorted((log_of(x - r), log_of(x + r)))
                assert ends[0] - 1e-6 * (r > 0) - STITCHED <= bounds.upper
                assert bounds.lower <= ends[1] + 1e-6 * (r > 0) + STITCHED

    def test_it_knows_what_it_is_of(self, law: Spectrum) -> None:
        assert law.mean == law.score.mean
        assert law.variance == law.score.variance / law.n
        assert f"n={law.n}, mean {law.mean:.6g}" in repr(law)
        assert law.form[:4] in repr(law)


def test_negated_scores_have_mirrored_laws() -> None:
    for law, other in (
        (exact(FOUR, 9), exact(-FOUR, 9)),
        (latticed([0, 1, 3], [0.5, 0.3, 0.2], 40), latticed([-3, -1, 0], [0.2, 0.3, 0.5], 40)),
    ):
        x = np.linspace(law.score.minimum, law.score.maximum, 50)[1:-1] + 1e-7
        np.testing.assert_allclose(law.log_cdf(x), other.log_sf(-x), rtol=0, atol=2 * STITCHED)


def test_a_single_value_is_a_step() -> None:
    law = exact(Score.entropy([0.25] * 4), 50)
    assert repr(law) == "Spectrum(n=50, mean 1.38629, deviation 0, 1 atom)"
    assert law.cdf([1.0, math.log(4.0), 2.0]).tolist() == [0.0, 1.0, 1.0]
    assert law.sf([1.0, math.log(4.0), 2.0]).tolist() == [1.0, 0.0, 0.0]
    assert law.quantile([0.0, 0.3, 1.0]) == pytest.approx(math.log(4.0), rel=1e-15)


def test_rates_may_have_any_shape() -> None:
    law = exact(FOUR, 5)
    x = np.linspace(0.5, 2.5, 6).reshape(2, 3)
    assert law.cdf(x).shape == (2, 3)
    assert law.cdf(x)[1, 2] == law.cdf(float(x[1, 2]))
    assert isinstance(law.log_sf(1.0), float)
    assert law.cdf([]).shape == (0,)


def test_which_form_a_law_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a million types listed; then a lattice, where its windows fit; then a grid."""
    three = Score([0.0, 1.0, 3.0], [0.5, 0.3, 0.2])
    assert exact(three, 1413).form == "lattice"
    monkeypatch.setattr(_laws, "_FEW_TYPES", 100)
    assert exact(three, 12).form == "atoms"
    assert exact(three, 13).form == "lattice"
    assert exact(Score([0.0, 1.0, 997.0], [0.5, 0.3, 0.2]), 30, size=2**10).form == "grid"
    assert exact(FOUR, 13).form == "grid"
    # A claimed span holds for bounds, too.
    claimed = exact(Score([0.0, 0.1, 0.3], [0.5, 0.3, 0.2]), 50, span=0.05)
    assert claimed.form == "lattice"
    assert claimed.log_sf(0.1) in claimed.bounds(0.1) & claimed.bounds(0.1)


def test_lattices_begin_where_the_values_do(monkeypatch: pytest.MonkeyPatch) -> None:
    score = Score([1.5, 2.0, 4.0], [0.5, 0.3, 0.2])
    listed = exact(score, 40)
    monkeypatch.setattr(_laws, "_FEW_TYPES", 1)
    law = exact(score, 40)
    assert (listed.form, law.form) == ("atoms", "lattice")
    atoms, others = listed.pmf(), law.pmf()
    np.testing.assert_allclose(atoms.values, others.values, rtol=1e-14)
    np.testing.assert_allclose(
        atoms.log_probabilities, others.log_probabilities, rtol=0, atol=STITCHED
    )


def test_bounds_are_asked_for_as_the_law_was(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(spectrum_module, "tail", lambda *_, **given: asked.append(given))
    law = exact(Score([0.0, 0.5], [0.5, 0.5]), 8, span=0.25)
    law.bounds(0.25)
    law.bounds(0.25, "left")
    assert asked == [
        {"threshold": 2.0, "side": "right", "strict": True, "span": 0.25},
        {"threshold": 2.0, "side": "left", "strict": False, "span": 0.25},
    ]


def test_lattices_with_too_many_points_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    law = latticed([0, 1], [0.5, 0.5], 40)
    monkeypatch.setattr(_laws, "_MOST_ATOMS", 40)
    with pytest.raises(ValueError, match=r"pmf must be that of atoms .*; got Spectrum\(n=40"):
        law.pmf()


@given(st.floats(-800.0, -1e-12))
def test_complements(log_p: float) -> None:
    with mp.workdps(400):
        wanted = float(mp.log(1 - mp.exp(mp.mpf(log_p))))
    assert log_complement(np.array([log_p]))[0] == pytest.approx(wanted, rel=1e-14)


def test_tilted_means_of_any_level() -> None:
    """Levels from next to one end to next to the other, and of either sign of the slope."""
    score = Score([0.0, 1e-3, 1.0], [0.2, 0.5, 0.3])
    levels = np.array([1e-9, 1e-4, score.mean, 0.5, 0.999999])
    found = _laws.matched(score, score.values, score.values, levels)
    np.testing.assert_allclose(found, levels, rtol=1e-12, atol=1e-16)
    counts = np.array([1.0, 0.0, 0.0])
    assert _laws.matched(score, score.values, counts, np.array([score.mean]))[0] == pytest.approx(
        0.2, rel=1e-12
    )


def test_quantiles_on_a_grid_stop_at_its_ends() -> None:
    law = gridded(Score([0.0, 1.0, math.pi], [1e-9, 1e-9, 1.0 - 2e-9]), 3)
    assert law.quantile(1 - 1e-12) == law.score.maximum
    law = gridded(Score([0.0, 1.0, math.pi], [1.0 - 2e-9, 1e-9, 1e-9]), 3)
    assert law.quantile(1e-12) == law.score.minimum


# ---------------------------------------------------------------------------------------- refusals


def test_refusals() -> None:
    with pytest.raises(TypeError, match=r"score must be a Score; got list\. Make one with"):
        exact([0.5, 0.5], 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"n must be a whole number from 1 to 1e15; got 0"):
        exact(FOUR, 0)
    with pytest.raises(ValueError, match=r"size must be a power of two from 256 to 16777216; got"):
        exact(FOUR, 10, size=1000)
    with pytest.raises(ValueError, match=r"size must be a power of two .*; got True"):
        exact(FOUR, 10, size=True)
    with pytest.raises(ValueError, match=r"span must be "):
        exact(FOUR, 10, span=0.3)
    with pytest.raises(ValueError, match=r"n must be small enough .*tail or nep_bounds"):
        exact(FOUR, 10**14, size=256)
    law = exact(FOUR, 10)
    with pytest.raises(ValueError, match=r"q must be between 0 and 1; got 1\.5"):
        law.quantile([0.5, 1.5])
    with pytest.raises(ValueError, match=r"x must be numbers; got nan"):
        law.cdf(math.nan)
    with pytest.raises(TypeError, match=r"x must be a number or an array of numbers; got 'a'"):
        law.sf("a")
    with pytest.raises(ValueError, match=r"x must be one number; got shape \(2,\)"):
        law.bounds([1.0, 2.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"side must be one of 'right', 'left'; got 'up'"):
        law.bounds(1.0, "up")
    with pytest.raises(ValueError, match=r"pmf must be that of atoms that can be listed; got Spec"):
        gridded(FOUR, 30).pmf()


def test_the_form_of_a_grid_has_a_resolution() -> None:
    law = gridded(FOUR, 30)
    assert isinstance(law._law, Gridded)
    assert f"grid that resolves {law.resolution:.2g}" in repr(law)
    assert exact(FOUR, 3).resolution <= 2e-15  # 0.4 and 0.1 make 0.2 and 0.2, but for rounding
    assert latticed([0, 1], [0.5, 0.5], 8, span=0.5).resolution == 0.0
    assert law.span is None
    assert latticed([0, 1], [0.5, 0.5], 8, span=0.5).span == 0.0625
