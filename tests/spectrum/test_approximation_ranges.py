"""Approximations at the ends of the range of doubles, and far from the normal law."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from oracles import equipartition as oracle
from scipy.stats import binom, poisson, skellam

from infotheory.measures import Score
from infotheory.spectrum import nep_approximation, nep_bounds
from infotheory.spectrum._expansions import corrected_normal, skewness_and_kurtosis
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
    lambda *a, **k: edgeworth_approximation(*a, order=2, **k),
    bahadur_rao_approximation,
    lugannani_rice_approximation,
)
P = [0.5, 0.3, 0.2]


@pytest.mark.parametrize("exponent", [-1000, -660, -400, 400, 660, 1000])
@pytest.mark.parametrize("side", ["right", "left"])
def test_units_do_not_matter(exponent: int, side: str) -> None:
    """Values, thresholds and spans that are multiplied by a power of two."""
    unit = 2.0**exponent
    one, other = Score([0.0, 1.0, 3.0], P), Score([0.0, unit, 3.0 * unit], P)
    for threshold in (80.0, 54.99, 45.0, 20.5):
        for span in (None, 1.0):
            for function in ALL:
                want = function(one, 50, threshold=threshold, side=side, span=span)
                scale = None if span is None else unit
                found = function(other, 50, threshold=threshold * unit, side=side, span=scale)
                # Sums of three terms in other units: the same digits, rounded alike or nearly so.
                assert found == pytest.approx(want, rel=1e-13, abs=1e-13)
        want = nep_approximation(one, 50, threshold=threshold, side=side)
        found = nep_approximation(other, 50, threshold=threshold * unit, side=side)
        assert found == pytest.approx(want, rel=1e-13)
        inner, outer = (
            nep_bounds(one, 50, threshold=threshold, side=side),
            nep_bounds(other, 50, threshold=threshold * unit, side=side),
        )
        assert (outer.lower, outer.upper) == pytest.approx((inner.lower, inner.upper), rel=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_a_wrong_span_is_refused_in_its_units(function: Any) -> None:
    score = Score([0.0, 1e200, 2.5e200], P)
    with pytest.raises(ValueError, match=r"span must .*1e\+200"):
        function(score, 10, threshold=1e201, span=1e200)


@pytest.mark.parametrize(
    "score",
    [
        Score([0.0, 1.0], [0.0, -800.0], kind="logits"),
        Score([-1.0, 0.0, 1.0], [-800.0, 0.0, -800.0], kind="logits"),
        Score([0.0, 1.0], [0.0, math.log(1e-318)], kind="logits"),
        Score([0.0, 1.0], [1.0 - 1e-300, 1e-300]),
        Score([-1.0, 0.0, 1e-160], [1e-300, 0.5, 0.5]),
        GammaScore(0.0, 1e-3, 1e-100),
        GammaScore(0.0, 1.0, -1e100),
        GaussianPairScore(1e-100),
    ],
    ids=repr,
)
@pytest.mark.parametrize("n", [1, 10, 10**12])
def test_variances_that_nearly_underflow(score: Any, n: int) -> None:
    """Every answer is the logarithm of a probability."""
    scale = 1.0 if isinstance(score, Score) else math.sqrt(score.variance)
    for side in ("right", "left"):
        for away in (0.0, 1e-320, 1e-300, 1e-100, 1e-5, 0.3, -1e-300, -1e-5):
            for function in (*ALL, nep_approximation):
                assert function(score, n, away * scale, side=side) <= 0.0


def test_one_letter_in_ten_thousand_million() -> None:
    """Poisson's law but for 1e-10: far from normal where the slope times sigma is small."""
    n, score = 10**11, Score([0.0, 1.0], [1.0 - 1e-10, 1e-10])
    for count in (11, 15, 20, 40, 74, 200):
        exact = poisson.logsf(count - 1, 10.0)
        options: dict[str, Any] = {"threshold": count, "strict": False, "span": 1.0}
        found = lugannani_rice_approximation(score, n, **options)
        # Stirling's formula is off by 1 / (12 count), and the formula by less than that.
        assert found == pytest.approx(exact, abs=1.0 / (12.0 * count))
        found = bahadur_rao_approximation(score, n, **options)
        assert found == pytest.approx(exact, abs=1.0 if count > 15 else math.inf)


def test_the_rare_letter_that_underflows() -> None:
    """P(S >= 3) of ten is 120 e^-2400: the saddle point knows it, and the normal law nothing."""
    score = Score([0.0, 1.0], [0.0, -800.0], kind="logits")
    exact = math.log(120.0) - 2400.0
    options: dict[str, Any] = {"threshold": 3.0, "strict": False, "span": 1.0}
    # Stirling's formula for counts of 3 and 7.
    for function in (bahadur_rao_approximation, lugannani_rice_approximation):
        assert function(score, 10, **options) == pytest.approx(exact, abs=1 / 36 + 1 / 84)
    for function in ALL[:3]:
        assert function(score, 10, **options) == -math.inf
    both = Score([-1.0, 0.0, 1.0], [-800.0, 0.0, -800.0], kind="logits")
    for function in ALL[:3]:
        assert function(both, 10, -0.3) == 0.0
        assert function(both, 10, 0.0) == pytest.approx(math.log(0.5))


def test_rare_letters_on_both_sides() -> None:
    """The difference of two Poisson numbers: no skewness, and a large fourth cumulant."""
    n, score = 10**11, Score([-1.0, 0.0, 1.0], [5e-11, 1.0 - 1e-10, 5e-11])
    for count in (3, 5, 10, 20):
        exact = math.log(skellam.sf(count - 1, 5.0, 5.0))
        options: dict[str, Any] = {"threshold": count, "strict": False, "span": 1.0}
        found = lugannani_rice_approximation(score, n, **options)
        # Of the order of one over the variance of 10.
        assert found == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("count", [10, 15, 20])
def test_below_the_mean_of_a_lattice(count: int) -> None:
    """The complement is a tail of its own lattice, by the same formula."""
    score, n = Score([0.0, 1.0], [0.7, 0.3]), 100
    found = bahadur_rao_approximation(score, n, threshold=count, strict=False, span=1.0)
    exact = -binom.cdf(count - 1, n, 0.3)
    # The relative error is one over the square of the deviations, 2.2 of them at least.
    deviations = (30 - count) / math.sqrt(21)
    assert math.expm1(found) == pytest.approx(exact, rel=1.0 / deviations**2)
    other = bahadur_rao_approximation(-score, n, threshold=-count, span=1.0)
    assert math.exp(other) == pytest.approx(-math.expm1(found), rel=1e-12)


@pytest.mark.parametrize(
    ("values", "p"),
    [([0.0, 1.0, 3.0], P), ([-1.0, 0.0, 5.0], [0.2, 0.7999, 0.0001]), ([0.0, 1.0], [0.5, 0.5])],
)
def test_cumulants_in_standard_deviations(values: list[float], p: list[float]) -> None:
    score = Score(values, p)
    with mp.workdps(30):
        law = oracle.law(score.log_probabilities)
        mean = mp.fsum(w * mp.mpf(v) for w, v in zip(law, values, strict=True))
        two, three, four = (
            mp.fsum(w * (mp.mpf(v) - mean) ** k for w, v in zip(law, values, strict=True))
            for k in (2, 3, 4)
        )
        want = float(three / two**1.5), float(four / two**2 - 3)
    assert skewness_and_kurtosis(score) == pytest.approx(want, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_cumulants_of_gamma_laws(scale: float) -> None:
    """2 / sqrt(a) and 6 / a; the difference of two has 6 / b over two, and no skewness."""
    found = skewness_and_kurtosis(GammaScore(0.0, 2.5, scale))
    # The fourth is a slope over steps of 1e-3, to their fourth power and a unit over them.
    assert found == pytest.approx((2.0 / math.sqrt(2.5), 2.4), rel=1e-8)
    found = skewness_and_kurtosis(GaussianPairScore(1e-100))
    assert found == pytest.approx((0.0, 6.0), rel=1e-8)


def test_terms_that_overflow() -> None:
    """The square decides, however large the terms are."""
    assert corrected_normal(1e100, math.inf) == pytest.approx(-0.5e200, rel=1e-12)
    assert corrected_normal(1e200, math.inf) == -math.inf
    assert corrected_normal(1.0, math.inf) == 0.0
    assert corrected_normal(1.0, -math.inf) == corrected_normal(1.0, math.nan) == -math.inf
    assert corrected_normal(-1.0, math.inf) == 0.0
    assert np.isneginf(corrected_normal(-1.0, -math.inf))
