"""The minimax estimate: its polynomial is best, and estimated without bias."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from infotheory.estimators.jvhw import _rare_terms, _threshold, best_polynomial, jvhw
from infotheory.estimators.profile import Shape


@pytest.mark.parametrize("degree", [1, 2, 5, 11, 22])
def test_the_polynomial_is_the_best_one(degree: int) -> None:
    """Chebyshev's criterion: the error takes its extreme values degree + 2 times, in turn.

    Without the constant the error lies between zero, at x = 0, and twice the least error.
    """
    # sin^2 puts the points where the extremes are: close together towards the ends.
    x = np.sin(np.linspace(0.0, np.pi / 2, 100 * (degree + 2))) ** 2
    powers = [Fraction(g) for g in best_polynomial(degree)]
    poly = np.array(
        [float(sum(g * Fraction(float(v)) ** k for k, g in enumerate(powers))) for v in x]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(x > 0, -x * np.log(x), 0.0) - poly
    low, high = error.min(), error.max()
    share = (error - low) / (high - low)
    # The exchange stops when no error is more than 1e-4 above the level of the others, and a
    # hundredth of the distance between two extremes costs another 3e-4.
    sides = [side for side in np.where(share < 5e-4, -1, np.where(share > 1 - 5e-4, 1, 0)) if side]
    turns = 1 + sum(a != b for a, b in itertools.pairwise(sides))
    assert turns == degree + 2


def test_the_polynomial_of_degree_one_is_known() -> None:
    """The chord of -x ln x on [0, 1] is zero, its highest point 1/e at x = 1/e: the slope is 0."""
    constant, slope = best_polynomial(1)
    assert constant == 0
    assert float(slope) == pytest.approx(0.0, abs=1e-4)


def test_errors_fall_with_the_square_of_the_degree() -> None:
    """Bernstein's rate for -x ln x on [0, 1]: about four times less for twice the degree."""
    x = np.linspace(1e-9, 1, 2001)
    spans = []
    for degree in (4, 8, 16):
        poly = np.polyval([float(g) for g in best_polynomial(degree)[::-1]], x)
        error = -x * np.log(x) - poly
        spans.append(error.max() - error.min())
    assert 3.0 < spans[0] / spans[1] < 4.5
    assert 3.0 < spans[1] / spans[2] < 4.5


@pytest.mark.parametrize("p", [Fraction(1, 10), Fraction(1, 3), Fraction(4, 5)])
def test_rare_terms_have_the_polynomial_for_their_mean(p: Fraction) -> None:
    """For binomial counts, T P(p / T) - p ln T, whatever the threshold T."""
    n, degree, edge = 12, 5, 12.0
    terms = _rare_terms(n, edge, degree)
    assert terms.size == n + 1
    mean = math.fsum(
        float(math.comb(n, c) * p**c * (1 - p) ** (n - c)) * term for c, term in enumerate(terms)
    )
    t = edge / n
    poly = sum(float(g) * (float(p) / t) ** k for k, g in enumerate(best_polynomial(degree)))
    # Coefficients are below 1e3 for degree 5, and so are the terms.
    assert mean == pytest.approx(t * poly - float(p) * math.log(t), abs=1e-12)


def test_nothing_is_added_for_a_symbol_that_was_not_seen() -> None:
    assert _rare_terms(1000, 9.5, 13)[0] == 0.0


def test_without_singletons_all_terms_are_those_of_miller_and_madow() -> None:
    constant, term = jvhw(Shape(100, 0, 5, 30, None))
    counts = np.array([2.0, 50.0])
    p = counts / 100
    assert constant == 0.0
    assert term(counts) == pytest.approx(-p * np.log(p) + 1 / 200, rel=1e-14)


def test_no_symbol_lowers_the_entropy() -> None:
    """A polynomial estimate far from its mean is negative; such terms are zero."""
    shape = Shape(n=8, singletons=6, doubletons=0, observed=7, n_symbols=None)
    assert _rare_terms(8, _threshold(shape), 7)[4] < -0.4
    assert jvhw(shape).term(np.array([4.0])) == 0.0
