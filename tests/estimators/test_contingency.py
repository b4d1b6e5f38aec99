"""Mutual information from tables of counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import mutual_information as oracle

from infotheory.estimators import (
    estimate_conditional_mutual_information,
    estimate_conditional_mutual_information_from_counts,
    estimate_mutual_information,
    estimate_mutual_information_from_counts,
)
from infotheory.exceptions import PrecisionWarning

EPS = 2.0**-52


def tables(axes: int) -> Any:
    shape = hnp.array_shapes(min_dims=axes, max_dims=axes, max_side=4)
    counts = hnp.arrays(np.int64, shape, elements=st.integers(0, 6))
    return counts.filter(lambda table: table.sum() > 0)


def expanded(table: Any) -> list[list[int]]:
    """One sample for each count."""
    rows = [index for index in np.ndindex(table.shape) for _ in range(table[index])]
    return [list(column) for column in zip(*rows, strict=True)]


@given(tables(2), st.sampled_from(["auto", "plugin", "nsb", "grassberger"]))
def test_a_table_is_its_samples(table: Any, method: str) -> None:
    x, y = expanded(table)
    found = quietly(estimate_mutual_information_from_counts, table, method=method)
    want = quietly(estimate_mutual_information, x, y, method=method)
    assert repr(found.to_dict()) == repr(want.to_dict())


@given(tables(3), st.sampled_from(["auto", "plugin", "miller_madow"]))
def test_a_table_of_three_is_its_samples(table: Any, method: str) -> None:
    x, y, z = expanded(table)
    found = quietly(estimate_conditional_mutual_information_from_counts, table, method=method)
    want = quietly(estimate_conditional_mutual_information, x, y, z, method=method)
    assert repr(found.to_dict()) == repr(want.to_dict())


@given(tables(2))
def test_the_plugin_value_is_that_of_the_definition(table: Any) -> None:
    x, y = expanded(table)
    found = quietly(estimate_mutual_information_from_counts, table, method="plugin")
    # Three entropies of at most 16 cells each, rounded.
    assert found.value == pytest.approx(oracle.mean_log_ratio(x, y), abs=64 * EPS)


@given(tables(2))
def test_empty_rows_and_columns_change_nothing(table: Any) -> None:
    wide = np.pad(table, ((1, 2), (0, 1)))
    want = quietly(estimate_mutual_information_from_counts, table)
    found = quietly(estimate_mutual_information_from_counts, wide)
    assert repr(found.to_dict()) == repr(want.to_dict())
    sizes = table.shape
    known = quietly(estimate_mutual_information_from_counts, wide, n_symbols=sizes)
    assert known.n_symbols == sizes[0] * sizes[1]


def test_what_tables_may_be_given_as() -> None:
    table = [[30, 10], [5, 25]]
    want = estimate_mutual_information_from_counts(table).to_dict()
    rows = [*["a"] * 40, *["b"] * 30]
    columns = [*"x" * 30, *"y" * 10, *"x" * 5, *"y" * 25]
    for given_ in (
        np.array(table, dtype=np.uint8),
        np.ma.array(table),
        np.array(table, dtype=object),
        pd.DataFrame(table),
        pd.DataFrame(table, dtype="Int64"),
        pd.crosstab(np.array(rows), np.array(columns)),
    ):
        assert estimate_mutual_information_from_counts(given_).to_dict() == want


def test_large_counts() -> None:
    """Half of the samples on each of two diagonals: one bit, with an error of 1e-7 or less."""
    found = estimate_mutual_information_from_counts([[2**50, 0], [0, 2**50]], base=2)
    assert found.value == pytest.approx(1.0, abs=1e-12)
    assert found.n == 2**51
    # Only the second order is left: a chi-square variable with one degree of freedom over 2 n.
    assert found.standard_error == pytest.approx(2**-0.5 / 2**51 / math.log(2), rel=1e-3)


def test_a_frame_that_only_looks_like_margins_is_taken() -> None:
    for frame in (
        pd.DataFrame([[2, 2], [2, 5]], columns=["a", "All"], index=["b", "All"]),
        pd.DataFrame([[2, 2], [2, 2]]),
        pd.DataFrame([[2, 2], [2, 2]], columns=["no", "yes"], index=["no", "yes"]),
        pd.DataFrame([[1, 2, 3], [1, 2, 3], [2, 4, 6]]),  # no name
        pd.DataFrame([[2, 2], [2, 2]], columns=["a", "b"], index=["a", "All"]),
        pd.DataFrame([[2, 2], [2, 2]], columns=["a", "All"], index=["a", "b"]),
        pd.DataFrame([[2, 2], [3, 3]], columns=["a", "All"], index=["b", "All"]),
        pd.DataFrame([[2, 3], [2, 3]], columns=["a", "All"], index=["b", "All"]),
        pd.DataFrame([[6]], columns=["All"], index=["All"]),
    ):
        assert quietly(estimate_mutual_information_from_counts, frame).n == frame.to_numpy().sum()


REFUSED = [
    ([1, 2], ValueError, r"^counts must be 2-dimensional, with one axis for each of x, y; got sha"),
    (np.ones((2, 2, 2), dtype=int), ValueError, r"got shape \(2, 2, 2\)\. Tables of counts come"),
    (
        np.ma.array([[1, 2], [3, 4]], mask=[[0, 0], [1, 0]]),
        ValueError,
        r"^counts must be without masked entries; got one at entry \(1, 0\)\. Fill them",
    ),
    ([np.ma.array([1, 2], mask=[0, 1]), [3, 4]], ValueError, r"got one at entry \(0, 1\)"),
    ([1, 2], ValueError, r"or from numpy\.histogramdd with \.astype\(int\), for instance\.$"),
    ([[1, 2], [3]], ValueError, "^counts must be a table; got rows of different lengths"),
    (
        [[1.0, 2.0]],
        TypeError,
        r"^counts must be integers; got dtype float64\. Convert .*\.astype\(int\)",
    ),
    ([[1.0, math.nan]], TypeError, r"got nan at entry \(0, 1\)"),
    ([[True, False]], TypeError, "got dtype bool"),
    ([["1", "2"]], TypeError, "got dtype <U1"),
    ([[1, None]], TypeError, r"got None at entry \(0, 1\)"),
    ([[1, 2], [3, -4]], ValueError, r"^counts must be at least 0; got -4 at entry \(1, 1\)"),
    ([[0, 0]], ValueError, r"^counts must have a sum from 1 to 2\*\*53; got 0"),
    (np.zeros((0, 3), dtype=int), ValueError, r"^counts must have a sum from 1 to 2\*\*53"),
    ([[2**62, 2**62]], ValueError, r"^counts must have a sum from 1 to 2\*\*53; got 9"),
    (
        pd.crosstab(np.array([0, 0, 1]), np.array([0, 1, 1]), margins=True),
        ValueError,
        r"^counts must be a table without its margins; got sums in the row and the column 'All'",
    ),
    (
        pd.crosstab(np.array([0, 0, 1]), np.array([0, 1, 1]), margins=True, margins_name="Total"),
        ValueError,
        "got sums in the row and the column 'Total'. Leave them out",
    ),
    (
        pd.crosstab([np.array([0, 0, 1]), np.zeros(3)], np.array([0, 1, 1]), margins=True),
        ValueError,
        "got sums in the row and the column 'All'",
    ),
    (
        pd.DataFrame([[3, 3], [3, 3]], columns=["a", "All"], index=["b", "All"]),
        ValueError,
        "got sums in the row and the column 'All'",
    ),
]


@pytest.mark.parametrize(("counts", "kind", "message"), REFUSED)
def test_what_is_no_table_is_refused(counts: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        estimate_mutual_information_from_counts(counts)


def test_refusals_of_three_variables_and_options() -> None:
    with pytest.raises(ValueError, match="3-dimensional, with one axis for each of x, y, z; got"):
        estimate_conditional_mutual_information_from_counts([[1, 2], [3, 4]])
    table = np.full((2, 2, 2), 9)
    with pytest.raises(ValueError, match=r"at least the numbers of symbols seen, \(2, 2, 2\); got"):
        estimate_conditional_mutual_information_from_counts(table, n_symbols=(2, 1, 2))
    with pytest.raises(ValueError, match=r"^method must be one of"):
        estimate_mutual_information_from_counts([[1, 2]], method="best")


def test_warnings_point_to_the_caller() -> None:
    for function, table in (
        (estimate_mutual_information_from_counts, np.eye(3, dtype=int)),
        (estimate_conditional_mutual_information_from_counts, np.ones((2, 2, 2), dtype=int)),
    ):
        with pytest.warns(PrecisionWarning) as caught:
            found = function(table)
        assert [item.filename for item in caught] == [__file__]
        assert found.warnings == tuple(str(item.message) for item in caught)
