"""Tails of gamma laws and of differences of two: digits, and the errors that are allowed for."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import gamma_tail as oracle

from infotheory.spectrum import _gamma_tail as module


# Widths: rounding of some 30 units for the nodes and of one for a logarithm of size L, twice.
def ceiling(exact: Any) -> float:
    return 1e-12 + 2e-15 * abs(float(exact))


@pytest.mark.parametrize("shape", [1e-3, 0.1, 0.5, 1.0, 1.5, 7.5, 40.0, 333.5, 1e4])
@pytest.mark.parametrize("upper", [True, False])
def test_gamma_tails_hold_those_of_many_digits(shape: float, upper: bool) -> None:
    for ratio in (1e-5, 0.3, 0.9, 0.999, 1.0, 1.001, 1.1, 2.0, 30.0):
        if shape > 1e3 and not 0.9 <= ratio <= 1.1:
            continue  # the oracle is slow
        point = shape * ratio
        exact = oracle.log_gamma_tail(shape, point, upper)
        found = module.gamma_tail(Decimal(shape), Decimal(point), upper=upper)
        assert found.lower <= exact <= found.upper
        # A tail that is nearly certain is known as well as the other one.
        assert found.upper - found.lower <= ceiling(exact) * (1000.0 if shape < 0.1 else 1.0)


@given(st.floats(0.3, 60.0), st.floats(0.05, 4.0), st.booleans())
def test_gamma_tails_of_any_shape(shape: float, ratio: float, upper: bool) -> None:
    point = shape * ratio
    exact = oracle.log_gamma_tail(shape, point, upper)
    found = module.gamma_tail(Decimal(shape), Decimal(point), upper=upper)
    assert found.lower <= exact <= found.upper
    assert found.upper - found.lower <= ceiling(exact)


@pytest.mark.parametrize("shape", [1, 2, 3, 10, 25])
def test_differences_hold_their_finite_sums(shape: int) -> None:
    for ratio in (0.0, 1e-6, 0.1, 1.0, 3.0, 40.0, 1e4):
        exact = oracle.log_difference_tail(shape, shape * ratio)
        found = module.difference_tail(Decimal(shape), Decimal(shape * ratio))
        assert found.lower <= exact <= found.upper
        assert found.upper - found.lower <= ceiling(exact)


@pytest.mark.parametrize("shape", [1, 5, 25])
@pytest.mark.parametrize("point", [1e-215, 1e-40, 1e9, 1.7e16, 2e41, 1e100, 1e215])
def test_differences_of_any_size(shape: int, point: float) -> None:
    """Where a saddle that is rounded to a double is far from the integrand."""
    exact = oracle.log_difference_tail(shape, point)
    found = module.difference_tail(Decimal(shape), Decimal(point))
    assert found.lower <= exact <= found.upper
    assert found.upper - found.lower <= ceiling(exact)
    assert 0.0 < found.terms["relative trapezoid"] < 1e-14
    assert 0.0 < found.terms["relative omitted nodes"] < 1e-14


@pytest.mark.parametrize("point", [1e20, 1e40, 1e215])
def test_one_gaussian_pair_far_out(point: float) -> None:
    """Hankel's expansion of K_0, integrated, to its second term: the third is 1e-39 of it."""
    with mp.workdps(300):
        y = mp.mpf(point)
        exact = mp.log(mp.sqrt(mp.pi / (2 * y)) / mp.pi * (1 - 5 / (8 * y))) - y
        found = module.difference_tail(Decimal("0.5"), Decimal(point))
        assert found.lower <= exact <= found.upper
    assert found.upper - found.lower <= ceiling(exact)


@pytest.mark.parametrize("point", [1e-3, 1.0, 60.0])
def test_one_gaussian_pair_holds_the_integral_of_its_density(point: float) -> None:
    exact = oracle.log_bessel_tail(point)
    found = module.difference_tail(Decimal("0.5"), Decimal(point))
    # The oracle's integrals are right to 1e-12.
    assert found.lower - 1e-12 <= exact <= found.upper + 1e-12
    assert found.upper - found.lower <= ceiling(exact)


@pytest.mark.parametrize("a", ["0.5", "1", "3.25", "39.5", "41", "1e6", "1e12"])
def test_log_gamma_has_forty_digits(a: str) -> None:
    with mp.workdps(60):
        exact = mp.loggamma(mp.mpf(a))
        found = mp.mpf(str(module.log_gamma(Decimal(a))))
        # Fifty digits of terms of size a ln a.
        assert abs(found - exact) <= mp.mpf(10) ** -45 * (100 + 30 * mp.mpf(a))


@pytest.mark.parametrize("z", [-0.99, -0.6, -0.5, -0.49, -1e-9, 0.0, 1e-8, 0.3, 1.0, 1.01, 40.0])
def test_remainders_keep_their_digits(z: float) -> None:
    with mp.workdps(40):
        exact = mp.mpf(z) - mp.log1p(mp.mpf(z))
        assert abs(module.log_remainder(np.array([z]))[0] - exact) <= 1e-15 * exact
        for remainder, sign in ((module._exp_remainder, 1), (module._above_exp, -1)):
            if sign < 0 > z:
                continue
            exact = mp.expm1(sign * mp.mpf(z)) - sign * mp.mpf(z)
            assert abs(remainder(np.array([z]))[0] - exact) <= 1e-15 * exact


def test_error_terms_are_those_of_the_theorems() -> None:
    terms = module.gamma_tail(Decimal(50), Decimal(60), upper=True).terms
    angle, step = math.pi / 6, 5 / 64
    growth = 1 / (math.cos(angle) * (1 - math.tan(angle) ** 2))
    expected = 2 * growth / (math.exp(2 * math.pi * angle / step) - 1)
    assert terms["relative trapezoid"] == pytest.approx(expected, rel=1e-12, abs=0.0)
    assert terms["relative omitted nodes"] <= 1e-18
    assert 2.0**-52 <= terms["relative rounding"] <= 1e-13


@pytest.mark.parametrize("shape", ["0.5", "3", "1000"])
def test_the_step_decides_the_error_of_a_difference(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With wide steps the error is seen, and its bound holds it."""
    b, y = Decimal(shape), Decimal(shape) / 3
    fine = module.difference_tail(b, y)
    monkeypatch.setattr(module, "_DEEP", 12.0)
    coarse = module.difference_tail(b, y)
    assert 1e-7 < coarse.terms["relative trapezoid"] < 1e-2
    assert coarse.lower <= fine.lower <= fine.upper <= coarse.upper


@pytest.mark.parametrize(("shape", "point"), [(0.5, 0.1), (3.0, 1.0), (50.0, 400.0), (1e4, 300.0)])
def test_the_error_of_a_difference_is_that_of_the_theorem(shape: float, point: float) -> None:
    """2 M / exp(60) beside the tail itself, with Chernoff's bound in M."""
    found = module.difference_tail(Decimal(shape), Decimal(point))
    root = math.hypot(shape, point)
    slope, fall = (root - shape) / point, 0.5 * (root - shape)
    cosine = math.cos(min(1.0, 2.0 / math.sqrt(shape + 2.0 * fall)))
    chernoff = -slope * point * cosine - shape * math.log1p(-slope * slope)
    log_mass = chernoff - (shape + 0.5) * math.log(cosine)
    expected = 2.0 * math.exp(log_mass - 60.0 - found.upper)
    assert found.terms["relative trapezoid"] == pytest.approx(expected, rel=1e-6, abs=0.0)


def test_complements_of_the_extremes() -> None:
    found = module.complement(module.LogInterval(-math.inf, 0.0, {}))
    assert found.lower == -math.inf
    assert found.upper == 0.0
    half = module.complement(module.LogInterval(-math.log(2.0), -math.log(2.0), {}))
    assert half.lower < -math.log(2.0) < half.upper
