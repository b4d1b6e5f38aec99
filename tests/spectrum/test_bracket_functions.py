"""Functions of limited band, their transforms, and arithmetic without rounding error."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import brackets

from infotheory._kernels._double_double import fraction, two_product, two_sum
from infotheory._kernels.brackets import BLOCK, characteristic, roundings, transform

UNIT = 2.0**-53

decays = st.floats(-30.0, 1.0).map(lambda x: 2.0**x)
moderate = st.floats(-53.0, 53.0).filter(lambda x: x == 0.0 or abs(x) > 1e-100)
wholes = st.integers(1, 2**51)


@pytest.mark.parametrize("decay", [0.05, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("z", [-2.7, -1.0, -0.4, 0.0, 1e-3, 0.5, 1.0, 1.6, 4.2])
def test_functions_are_on_either_side(decay: float, z: float) -> None:
    below, above = brackets.minorant(decay, z), brackets.majorant(decay, z)
    exact = mpmath.exp(-decay * z)
    # Equal at whole z, where sin(pi z) is zero; mpmath computes with 15 digits.
    assert below <= (exact if z > 0 else 0) + 1e-12
    assert above >= (exact if z >= 0 else 0) - 1e-12


def test_functions_touch_at_zero() -> None:
    assert brackets.minorant(0.3, 0.0) == 0
    assert brackets.majorant(0.3, 0.0) == 1


@pytest.mark.parametrize("decay", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("z", [-1.3, 0.0, 0.45, 2.2])
def test_transforms_are_those_of_the_functions(decay: float, z: float) -> None:
    # The integrand of the way back has no singularity: quadrature to 15 digits less a few.
    assert float(brackets.back(decay, z)) == pytest.approx(
        float(brackets.minorant(decay, z)), abs=1e-10
    )
    assert float(brackets.back(decay, z, excess=True)) == pytest.approx(
        float(brackets.majorant(decay, z)), abs=1e-10
    )


@given(decay=decays, size=st.integers(2, 2**45), share=st.floats(0.0, 1.0, exclude_max=True))
def test_transform_has_sixteen_roundings_at_most(decay: float, size: int, share: float) -> None:
    j = min(max(int(share * size), 1), size - 1)
    real, imaginary, rest = transform(
        float(j), float(size), decay, math.exp(-decay), -math.expm1(-decay)
    )
    mpmath.mp.dps = 50
    exact = brackets.minorant_transform(decay, Fraction(j, size))
    # Lemma 5 allows for 40 units of |transform| + 1, of which 16 are those of the transform.
    assert abs(mpmath.mpc(real, imaginary) - exact) <= 16 * UNIT * (abs(exact) + 1)
    assert rest == pytest.approx(float(1 - Fraction(j, size)), rel=4 * UNIT)


@given(size=st.integers(2, 2**45), share=st.floats(0.0, 1.0, exclude_max=True), decay=decays)
def test_transform_is_as_small_as_the_sieve_takes_it_to_be(
    decay: float, size: int, share: float
) -> None:
    j = min(max(int(share * size), 1), size - 1)
    t = Fraction(j, size)
    value = abs(brackets.minorant_transform(decay, t))
    assert value <= 1 / (2 * math.pi * float(t)) + 1 / math.pi + 1e-12


@given(a=moderate, b=moderate)
def test_sum_and_product_lose_nothing(a: float, b: float) -> None:
    high, low = two_sum(a, b)
    assert Fraction(high) + Fraction(low) == Fraction(a) + Fraction(b)
    high, low = two_product(a, b)
    assert Fraction(high) + Fraction(low) == Fraction(a) * Fraction(b)


@given(j=wholes, numerator=st.integers(-(10**30), 10**30))
def test_fraction_of_many_turns(j: int, numerator: int) -> None:
    exact = Fraction(numerator, 2 * 10**30)
    high = float(exact)
    low = float(exact - Fraction(high))
    turned = j * exact
    away = turned - math.floor(turned + Fraction(1, 2))
    found = fraction(float(j), high, low)
    # Either end of [-1/2, 1/2] where the turn is a half but for the error.
    error = abs(Fraction(found) - away)
    assert min(error, abs(error - 1)) <= 2 * UNIT * abs(Fraction(found)) + Fraction(j, 2**104)


@given(
    first=st.integers(1, 2**40),
    raw=st.lists(st.integers(-(10**30), 10**30), min_size=1, max_size=7),
    data=st.data(),
)
def test_characteristic_function_keeps_its_digits(
    first: int, raw: list[int], data: st.DataObject
) -> None:
    small = data.draw(st.sampled_from([1, 10**6, 10**15]))  # letters that nearly agree
    mpmath.mp.dps = 50
    turns = [Fraction(x, 2 * 10**30 * small) for x in raw]
    high = np.array([float(x) for x in turns])
    low = np.array([float(x - Fraction(h)) for x, h in zip(turns, high.tolist(), strict=True)])
    weights = np.full(len(raw), 0.9 / len(raw))
    values = np.zeros((2, BLOCK))
    characteristic(float(first), high, low, weights, values)
    for i in range(0, BLOCK, 5):
        angles = [2 * (first + i) * mpmath.mpf(x.numerator) / x.denominator for x in turns]
        pairs = list(zip(weights.tolist(), angles, strict=True))
        x = -2 * mpmath.fsum(w * mpmath.sinpi(a / 2) ** 2 for w, a in pairs)
        y = mpmath.fsum(w * mpmath.sinpi(a) for w, a in pairs)
        unit = roundings(len(raw)) * UNIT * (2 * abs(x) + mpmath.sqrt(2 * abs(x)))
        # Beside it, what double-double phases lack at so many turns.
        unit += 2.0**-100 * (first + i)
        assert abs(values[0, i] - x) <= unit
        assert abs(values[1, i] - y) <= unit


def test_roundings_grow_with_letters() -> None:
    assert roundings(3) < roundings(100)
