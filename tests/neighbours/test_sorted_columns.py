"""Sorted columns, what lies within a radius in them, and how work is shared."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import neighbours as oracle

from infotheory._kernels._columns import bucket, end_above, end_below
from infotheory._kernels.rectangles import reach_of_points
from infotheory.estimators.neighbours.columns import (
    SortedColumn,
    check_neighbours,
    sorted_column,
)
from infotheory.estimators.neighbours.parallel import in_chunks, workers_for

# Differences of the "huge" cloud overflow, which numpy notices where the loops are plain Python.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]


def radii_of(values: list[float], rank: int) -> list[float]:
    """Radii at which a point of the column is, just beyond one, and of all sizes."""
    at = [abs(values[(rank * 7 + j) % len(values)] - values[rank]) for j in (1, 5, 11)]
    return [0.0, 5e-324, 1.0, np.inf, *at, *np.nextafter(at, np.inf).tolist()]


def ends(column: SortedColumn, rank: int, radius: float) -> tuple[int, int]:
    where = (column.values, column.table, column.scale, rank, radius)
    return end_below(*where), end_above(*where)


@pytest.mark.kernel
@pytest.mark.parametrize("n", [1, 2, 9, 90])
@pytest.mark.parametrize("kind", oracle.CLOUDS)
def test_ends_of_an_interval(kind: str, n: int) -> None:
    column = sorted_column(oracle.cloud(kind, n, 1)[:, 0])
    values = column.values.tolist()
    for rank in range(n):
        for radius in radii_of(values, rank):
            assert ends(column, rank, radius) == oracle.interval(values, rank, radius)


@pytest.mark.kernel
def test_ends_where_one_bucket_holds_nearly_all() -> None:
    # All but one number in the first bucket, on either side: the table says nothing about them.
    crowd = np.linspace(0.0, 1.0, 60)
    for values in (np.append(crowd, 1e9), np.append(crowd, -1e9)):
        column = sorted_column(values)
        numbers = column.values.tolist()
        for rank in range(61):
            for radius in (0.0, 0.05, 0.3, 2.0, 1e9, 2e9):
                assert ends(column, rank, radius) == oracle.interval(numbers, rank, radius)


@pytest.mark.kernel
@pytest.mark.parametrize("step", [0.1, 1 / 3, 0.7])
def test_ends_where_rounding_misses_the_bucket(step: float) -> None:
    # Each number is at the edge of its bucket, so a sum that is rounded may be in the one before.
    column = sorted_column(np.arange(40) * step)
    values = column.values.tolist()
    for rank in range(40):
        for other in values:
            at = abs(other - values[rank])
            for radius in (at, float(np.nextafter(at, np.inf))):
                assert ends(column, rank, radius) == oracle.interval(values, rank, radius)


@pytest.mark.parametrize("kind", oracle.CLOUDS)
def test_the_record_of_a_column(kind: str) -> None:
    numbers = oracle.cloud(kind, 77, 1)[:, 0]
    column = sorted_column(numbers)
    assert column.values.tolist() == sorted(numbers.tolist())
    np.testing.assert_array_equal(numbers[column.order], column.values)
    np.testing.assert_array_equal(column.ranks[column.order], np.arange(77))
    assert column.n_distinct == len(set(numbers.tolist()))
    assert {a.dtype for a in (column.order, column.ranks, column.table)} == {np.dtype(np.int32)}
    buckets = [bucket((v - column.values[0]) * column.scale, 77) for v in column.values]
    want = [sum(b < place for b in buckets) for place in range(77)]
    assert column.table.tolist() == [*want, 77]


def test_an_order_that_is_known() -> None:
    numbers = oracle.cloud("rounded", 40, 1)[:, 0]
    for one, other in zip(
        sorted_column(numbers), sorted_column(numbers, np.argsort(numbers)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_known_record() -> None:
    column = sorted_column(np.array([3.0, 0.0, 0.0, 4.0, 1.0]))
    assert column.values.tolist() == [0, 0, 1, 3, 4]
    assert column.scale == 1.0
    assert column.table.tolist() == [0, 2, 3, 3, 4, 5]
    assert column.n_distinct == 4


@pytest.mark.parametrize(
    "numbers", [[2.5], [2.5] * 6, [-1.7e308, 1.7e308], [0.0, 5e-324, 1e-323], [-0.0, 0.0]]
)
def test_spans_that_have_no_scale(numbers: list[float]) -> None:
    column = sorted_column(np.array(numbers))
    assert column.scale == 0.0
    assert column.n_distinct == len(set(numbers))
    assert column.table.tolist() == [0] + [len(numbers)] * len(numbers)


@pytest.mark.parametrize(
    ("place", "want"),
    [(-2.0, 0), (0.0, 0), (0.8, 0), (1.0, 1), (6.0, 6), (198.0, 9), (np.inf, 9), (-np.inf, 0),
     (np.nan, 0)],
)  # fmt: skip
def test_buckets(place: float, want: int) -> None:
    assert bucket(np.float64(place), 10) == want


@pytest.mark.kernel
@pytest.mark.parametrize("offset", [0.0, 1e9, -3e15])
@pytest.mark.parametrize("crowd", [1, 6, 30])
def test_ends_in_crowded_buckets_far_from_zero(offset: float, crowd: int) -> None:
    rng = np.random.default_rng(crowd)
    numbers = np.append(rng.normal(size=60) * 2.0 ** -(crowd // 2), [-1.0, 1.0, 0.25, 0.25])
    column = sorted_column(numbers + offset)
    values = column.values.tolist()
    for rank in range(len(values)):
        for radius in (0.0, 0.01, 0.25, float(np.nextafter(0.25, 1)), 0.5, 1.5, 3.0):
            assert ends(column, rank, radius) == oracle.interval(values, rank, radius)


@pytest.mark.kernel
@given(
    st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=60),
    st.floats(0, 1e6) | st.integers(0, 4).map(float),
)
def test_intervals_of_all_points(numbers: list[float], radius: float) -> None:
    column = sorted_column(np.array(numbers))
    n = len(numbers)
    bounds = np.empty((n, 2), dtype=np.int32)
    reach_of_points(
        column.values, column.order, column.table, column.scale, np.full(n, radius), 0, n, bounds
    )
    values = column.values.tolist()
    want = [oracle.interval(values, rank, radius) for rank in column.ranks]
    assert [tuple(pair) for pair in bounds.tolist()] == want


def test_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert workers_for(None, 99, 100) == 1
    assert workers_for(None, 100, 100) == 6
    assert workers_for(3, 99, 100) == 3
    assert workers_for(3, 2, 100) == 2
    assert workers_for(3, 0, 100) == 1


def test_workers_where_the_cores_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert workers_for(None, 1000, 10) == 1


@pytest.mark.parametrize("workers", [1, 2, 3, 10])
def test_chunks_make_up_the_range(workers: int) -> None:
    seen, lock = [], threading.Lock()

    def work(start: int, stop: int) -> None:
        with lock:
            seen.append((start, stop))

    in_chunks(work, 10, workers)
    assert len(seen) == workers
    assert sorted(i for start, stop in seen for i in range(start, stop)) == list(range(10))


def test_an_error_in_a_chunk_is_raised() -> None:
    def work(start: int, stop: int) -> None:
        if stop == 10:
            raise ArithmeticError("here")

    with pytest.raises(ArithmeticError, match="here"):
        in_chunks(work, 10, 2)


def test_as_many_neighbours_as_samples_are_refused() -> None:
    check_neighbours(4, 3)
    with pytest.raises(
        ValueError, match=r"k must be smaller than the number of samples \(4\); got 4\."
    ):
        check_neighbours(4, 4)
