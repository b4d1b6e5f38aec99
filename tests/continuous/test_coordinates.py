"""Columns in units of their spread, and symbols as corners of a cube."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import neighbour_information as oracle

from infotheory.estimators.continuous.coordinates import placed, scaled
from infotheory.estimators.symbols import as_symbols


def column(*values: float) -> Any:
    return np.array(values, dtype=float)[:, None]


NORMAL = np.random.default_rng(0).normal(size=(50, 1))


def unit_of(numbers: Any) -> float:
    return float(scaled(numbers).units[0])


# ----------------------------------------------------------------------------------------- units


def test_the_unit_is_the_interquartile_range() -> None:
    numbers = column(0.7, 0.1, 1.3, 9.9, 5.9)
    found = scaled(numbers)
    assert found.units.tolist() == [5.9 - 0.7]
    np.testing.assert_array_equal(found.points, numbers / (5.9 - 0.7))
    assert found.points.flags.c_contiguous
    assert found.orders.tolist() == [[1, 0, 2, 4, 3]]
    assert unit_of(-numbers) == unit_of(numbers)
    assert unit_of(column(0.1, 0.7, 1.3, 9.9)) == 1.3 - 0.7


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ((0.1, 0.1, 3.4, 3.9, 7.0), 4.0),  # a tie: 3.8 rounded in the logarithm
        ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), 4.0),  # steps of 1: 3 rounded, sqrt(8) being less
        ((0.1, *[0.0] * 20), 2.0**-6),  # mostly one value: its standard deviation 0.0213
        ((7.5,) * 4, 1.0),
        ((1e-300, 2e-300, 3e-300, 5e-300, 1e200), 1.0),  # the last is too far for such a unit
        ((-1.7e308, -1.6e308, 1.6e308, 1.7e308), 2.0**1023),  # the range is no double
        ((1.7e308, 1.7e308, 0.0, 0.0), 2.0**1023),
    ],
)
def test_units_of_awkward_columns(values: Any, unit: float) -> None:
    found = scaled(column(*values))
    assert found.units.tolist() == [unit]
    assert np.isfinite(found.points).all()


@given(st.lists(st.sampled_from([-2.5, -1.0, 0.0, 0.3, 0.7, 4.25]) | st.floats(-9, 9), min_size=2))
def test_units_are_those_of_the_rule(values: list[float]) -> None:
    want = oracle.unit(values)
    if math.isfinite(1.0 / want) and math.isfinite(max(map(abs, values)) / want):
        assert unit_of(column(*values)) == pytest.approx(want, rel=1e-15)


def test_columns_have_their_own_units() -> None:
    both = np.hstack([NORMAL, 1e6 * NORMAL])
    found = scaled(both)
    assert found.units.tolist() == [unit_of(NORMAL), unit_of(1e6 * NORMAL)]
    np.testing.assert_allclose(found.points[:, 0], found.points[:, 1], rtol=1e-14)
    np.testing.assert_array_equal(found.orders, np.argsort(both.T, axis=1))


def test_columns_as_they_are() -> None:
    found = scaled(1e6 * NORMAL, standardize=False)
    assert found.units.tolist() == [1.0]
    np.testing.assert_array_equal(found.points, 1e6 * NORMAL)


@pytest.mark.parametrize("values", [(*range(9),), (*range(8), 3), (0.125, 0.25, 1.5, 7, 9, 2)])
def test_equal_distances_stay_equal_wherever_the_column_lies(values: Any) -> None:
    """Division by a power of two is exact, for ties and for steps."""
    numbers = column(*values)
    unit = unit_of(numbers)
    assert math.frexp(unit)[0] == 0.5
    moved = scaled(numbers + 1e9)
    assert moved.units.tolist() == [unit]
    np.testing.assert_array_equal(moved.points - 1e9 / unit, scaled(numbers).points)


def test_single_precision_has_no_steps() -> None:
    """Numbers above one have 23 places behind the point, their spread 20 fewer."""
    numbers = (NORMAL + 6.0).astype(np.float32).astype(float)
    assert math.frexp(unit_of(numbers))[0] != 0.5


def test_one_number_without_steps_is_enough() -> None:
    assert unit_of(column(*range(40), 35.3)) == 20.0
    assert unit_of(column(*range(41))) == 16.0


# --------------------------------------------------------------------------------------- symbols


@pytest.mark.parametrize("n_symbols", [1, 2, 3, 4, 5, 8, 9])
def test_symbols_are_corners_of_a_cube(n_symbols: int) -> None:
    codes = np.arange(50) % n_symbols
    found = placed([NORMAL, as_symbols(codes)], True, 1)
    points, corners = found.space.blocks
    assert corners.shape == (50, max(1, math.ceil(math.log2(n_symbols))))
    between = np.abs(corners[:, None] - corners[None]).max(axis=2)
    side = 4.0 * np.ptp(points)
    np.testing.assert_array_equal(between, np.where(codes[:, None] == codes, 0.0, side))
    assert list(found.measured) == [0]
    assert found.width == 1


def test_symbols_beside_what_does_not_vary() -> None:
    found = placed([as_symbols([0, 1, 0]), np.ones((3, 1))], True, 1)
    assert np.ptp(found.space.blocks[0]) == 1.0
    assert list(found.measured) == [1]


def test_the_widest_column_counts() -> None:
    numbers = np.hstack([NORMAL, 100 * NORMAL])
    found = placed([numbers, NORMAL, as_symbols(np.arange(50) % 2)], False, 1)
    assert np.ptp(found.space.blocks[2]) == 4.0 * np.ptp(100 * NORMAL)


# ------------------------------------------------------------------------------ what is noticed


def test_the_share_of_tied_values_is_that_of_the_worst_column() -> None:
    half = np.repeat(NORMAL[:25], 2, axis=0)
    found = placed([np.hstack([NORMAL, half]), NORMAL, as_symbols([0] * 50)], True, 1)
    assert found.tied_share == 0.5
    assert placed([NORMAL], True, 1).tied_share == 0.0


@pytest.mark.parametrize(("repeated", "tied"), [(0, False), (2, False), (3, True), (199, True)])
def test_more_than_one_repeated_value_in_a_hundred_are_ties(repeated: int, tied: bool) -> None:
    numbers = np.random.default_rng(0).normal(size=(200, 1))
    numbers[:repeated] = numbers[repeated]
    found = placed([numbers, as_symbols([0] * 200)], True, 1)
    assert found.tied_share == pytest.approx(repeated / 200)
    assert found.is_tied is tied


def test_constant_variables() -> None:
    one = np.ones((50, 1))
    variables = [one, np.hstack([one, NORMAL]), np.hstack([one, one]), as_symbols([0] * 50)]
    assert placed(variables, True, 1).constant == [0, 2]


def test_columns_are_sorted_once() -> None:
    space = placed([np.hstack([NORMAL, -NORMAL]), NORMAL[::-1]], True, 2).space
    for place, block in enumerate(space.blocks):
        for numbers, record in zip(block.T, space.columns(place), strict=True):
            np.testing.assert_array_equal(record.values, np.sort(numbers))
            np.testing.assert_array_equal(numbers[record.order], record.values)
    assert space.n_jobs == 2
    assert not space.is_plane
    assert placed([NORMAL, NORMAL], True, None).space.is_plane
