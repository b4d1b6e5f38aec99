"""Neighbours in one column, and the digamma function of counts."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import neighbours as brute

from infotheory.estimators.neighbours.columns import sorted_column
from infotheory.estimators.neighbours.digamma import digamma_table
from infotheory.estimators.neighbours.line import kth_distances_sorted

# Differences of the "huge" cloud overflow, which numpy notices where the loops are plain Python.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]


@pytest.mark.kernel
@pytest.mark.parametrize("k", [1, 2, 3, 8, 9, 21, 39])
@pytest.mark.parametrize("kind", brute.CLOUDS)
def test_distances_are_those_of_all_pairs(kind: str, k: int) -> None:
    column = brute.cloud(kind, 40, 1)
    found = kth_distances_sorted(sorted_column(column[:, 0]), k)
    assert found.tolist() == brute.kth_distances(column.tolist(), k)


@pytest.mark.kernel
@given(st.data(), st.integers(2, 12))
def test_any_neighbour_of_a_few_numbers(data: st.DataObject, n: int) -> None:
    numbers = data.draw(st.lists(st.floats(-1e300, 1e300), min_size=n, max_size=n))
    k = data.draw(st.integers(1, n - 1))
    found = kth_distances_sorted(sorted_column(np.array(numbers)), k)
    assert found.tolist() == brute.kth_distances([[x] for x in numbers], k)


def test_four_numbers_by_hand() -> None:
    column = sorted_column(np.array([7.0, 0, 3, 1]))
    assert kth_distances_sorted(column, 1).tolist() == [4, 1, 2, 1]
    assert kth_distances_sorted(column, 2).tolist() == [6, 3, 3, 2]
    assert kth_distances_sorted(column, 3).tolist() == [7, 7, 4, 6]


@pytest.mark.parametrize("workers", [None, 2, 5])
def test_threads_do_not_matter_on_a_line(workers: int | None) -> None:
    column = sorted_column(brute.cloud("normal", 30, 1)[:, 0])
    want = kth_distances_sorted(column, 3, workers=1)
    assert kth_distances_sorted(column, 3, workers=workers).tolist() == want.tolist()


def test_digamma_of_counts() -> None:
    table = digamma_table(3000)
    for n in [*range(1, 200), *range(200, 3000, 97), 2999]:
        exact = mpmath.digamma(n)
        # One rounding of the logarithm, one of the sum, and little more.
        assert abs(mpmath.mpf(float(table[n])) - exact) <= 1.5 * np.spacing(abs(float(exact)))


def test_digamma_of_one_is_minus_eulers_constant() -> None:
    assert digamma_table(2)[1] == -np.euler_gamma


@pytest.mark.parametrize("size", [0, 1, 2, 31, 32, 33, 100])
def test_tables_of_any_size(size: int) -> None:
    table = digamma_table(size)
    assert np.isnan(table[:1]).all()
    np.testing.assert_array_equal(table, digamma_table(120)[:size])
