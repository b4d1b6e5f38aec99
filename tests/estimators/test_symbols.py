"""Samples of all kinds become numbers of their distinct symbols."""

from __future__ import annotations

import datetime as dt
import enum
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.estimators.reading import code_integers, kind_of
from infotheory.estimators.symbols import (
    aligned_symbols,
    as_symbols,
    count_symbols,
    joint_symbols,
)


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


DAYS = np.array(["2020-01-02", "2020-01-01", "2020-01-02"], dtype="datetime64[D]")

SAME = [
    (["b", "a", "b"], ["a", "b"]),
    (("b", "a", "b"), ["a", "b"]),
    (np.array(["b", "a", "b"]), ["a", "b"]),
    (np.array(["b", "a", "b"], dtype=object), ["a", "b"]),
    (np.array(["b", "a", "b"], dtype=np.dtypes.StringDType()), ["a", "b"]),
    (np.array([b"b", b"a", b"b"]), [b"a", b"b"]),
    (pd.Series(["b", "a", "b"], index=[5, 5, 9]), ["a", "b"]),
    (pd.Series(["b", "a", "b"], dtype=object), ["a", "b"]),
    (pd.Series(["b", "a", "b"], dtype="category"), ["a", "b"]),
    (pd.Categorical(["b", "a", "b"], categories=["z", "b", "a"]), ["a", "b"]),
    (pd.Index(["b", "a", "b"]), ["a", "b"]),
    ([7, -2, 7], [-2, 7]),
    (np.array([7, -2, 7], dtype=np.int8), [-2, 7]),
    (np.array([127, -128, 127], dtype=np.int8), [-128, 127]),
    (np.array([7, -2, 7], dtype=">i4"), [-2, 7]),
    (np.array([200, 3, 200], dtype=np.uint8), [3, 200]),
    (np.array([2**64 - 1, 2**64 - 9, 2**64 - 1], dtype=np.uint64), [2**64 - 9, 2**64 - 1]),
    (np.array([2**63 - 1, -(2**63), 2**63 - 1]), [-(2**63), 2**63 - 1]),
    ([np.int32(7), -2, np.uint8(7)], [-2, 7]),
    ([2**80, 1, 2**80], [1, 2**80]),
    (pd.Series([7, -2, 7], dtype="Int64"), [-2, 7]),
    (np.ma.array([7, -2, 7], mask=False), [-2, 7]),
    ([True, False, True], [False, True]),
    (np.array([True, False, True]), [False, True]),
    (pd.Series([True, False, True], dtype="boolean"), [False, True]),
    (DAYS, sorted(set(DAYS))),
    (pd.Series(DAYS), sorted(set(DAYS))),
    (
        pd.Series(DAYS).dt.tz_localize("UTC"),
        [pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-02", tz="UTC")],
    ),
    ([dt.date(2020, 1, 2), dt.date(2020, 1, 1), dt.date(2020, 1, 2)], sorted(set(DAYS.tolist()))),
]


@pytest.mark.parametrize(("samples", "values"), SAME, ids=lambda value: type(value).__name__)
def test_every_layout_gives_the_same_numbers(samples: Any, values: Any) -> None:
    found = as_symbols(samples)
    assert found.codes.tolist() == [1, 0, 1]
    assert found.codes.dtype == np.int64
    assert found.values.tolist() == list(values)
    assert found.counts.tolist() == [1, 2]
    assert (found.n, found.n_distinct) == (3, 2)
    seen, counts = count_symbols(samples)
    assert seen.tolist() == list(values)
    assert counts.tolist() == [1, 2]


def test_symbols_without_an_order_stay_as_they_come() -> None:
    found = as_symbols([Colour.RED, Colour.BLUE, Colour.RED])
    assert found.values.tolist() == [Colour.RED, Colour.BLUE]
    assert found.codes.tolist() == [0, 1, 0]


def test_intervals_of_a_cut_are_in_order() -> None:
    found = as_symbols(pd.cut(pd.Series([0.1, 5.0, 2.6]), [0, 2.5, 3, 6]))
    assert found.codes.tolist() == [0, 2, 1]
    assert [interval.left for interval in found.values] == [0, 2.5, 3]


ROWS = [
    [["a", 1], ["a", 0], ["a", 1]],
    [("a", 1), ("a", 0), ("a", 1)],
    np.array([["a", 1], ["a", 0], ["a", 1]], dtype=object),
    pd.DataFrame({"one": ["a", "a", "a"], "two": [1, 0, 1]}),
]


@pytest.mark.parametrize("samples", ROWS, ids=lambda value: type(value).__name__)
def test_a_row_is_one_symbol(samples: Any) -> None:
    found = as_symbols(samples)
    assert found.codes.tolist() == [1, 0, 1]
    assert found.values.tolist() == [["a", 0], ["a", 1]]


def test_rows_of_one_kind_keep_it() -> None:
    found = as_symbols([np.array([2, 1]), np.array([0, 5]), np.array([2, 1])])
    assert found.values.dtype == np.int64
    assert found.values.tolist() == [[0, 5], [2, 1]]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.sampled_from([1, 10**6]))
def test_integers_of_any_range_are_numbered_as_by_unique(values: list[int], step: int) -> None:
    array = np.array(values) // step  # narrow ranges take another way
    found = code_integers(array)
    want, numbers = np.unique(array, return_inverse=True)
    np.testing.assert_array_equal(found.values, want)
    np.testing.assert_array_equal(found.codes, numbers)


@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=30))
def test_rows_are_numbered_in_the_order_of_tuples(rows: list[tuple[int, ...]]) -> None:
    found = as_symbols(rows)
    order = sorted(set(rows))
    assert [tuple(row) for row in found.values.tolist()] == order
    assert [order[code] for code in found.codes] == rows
    parts = [as_symbols([row[place] for row in rows]) for place in range(3)]
    np.testing.assert_array_equal(joint_symbols(*parts).codes, found.codes)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=20))
def test_counts_do_not_need_numbers(values: list[int]) -> None:
    for array in (np.array(values), np.array(values) % 7, np.array(values) - 10**6):
        want, times = np.unique(array, return_counts=True)
        seen, counts = count_symbols(array)
        np.testing.assert_array_equal(seen, want)
        np.testing.assert_array_equal(counts, times)


@pytest.mark.kernel
def test_many_integers_are_counted_by_the_kernel() -> None:
    array = np.random.default_rng(0).integers(-5, 3, 2 * 10**5)
    array[array == 0] = 1
    for samples in (array, array[::-1], array[::2]):
        seen, counts = count_symbols(samples)
        assert seen.tolist() == [-5, -4, -3, -2, -1, 1, 2]
        np.testing.assert_array_equal(counts, np.bincount(samples + 5)[[0, 1, 2, 3, 4, 6, 7]])


# ---------------------------------------------------------------------------- missing values

GAPS = [
    ["a", None, "b"],
    ["a", math.nan, "b"],
    ["a", np.float32("nan"), "b"],
    [1, pd.NA, 2],
    [dt.date(2020, 1, 1), pd.NaT, dt.date(2020, 1, 2)],
    np.array(["2020", "NaT", "2021"], dtype="datetime64[Y]"),
    list(np.array(["2020", "NaT", "2021"], dtype="datetime64[Y]")),
    list(np.array([1, "NaT", 2], dtype="timedelta64[D]")),
    [np.timedelta64(1, "D"), None, np.timedelta64(2, "D")],
    [dt.timedelta(1), None, dt.timedelta(2)],
    np.array(["a", math.nan, "b"], dtype=np.dtypes.StringDType(na_object=math.nan)),
    np.array(["a", None, "b"], dtype=np.dtypes.StringDType(na_object=None)),
    pd.Series(["a", None, "b"]),
    pd.Series(["a", None, "b"], dtype="category"),
    pd.Series([1, None, 2], dtype="Int64"),
    pd.Series([False, None, True], dtype="boolean"),
    np.ma.array([1, 5, 2], mask=[False, True, False]),
    np.ma.array(["a", "c", "b"], mask=[False, True, False]),
    [["a", 1], ["a", None], ["b", 0]],
    pd.DataFrame({"one": ["a", "b", "b"], "two": pd.Series([1, None, 1], dtype="Int64")}),
]


@pytest.mark.parametrize("samples", GAPS, ids=lambda value: type(value).__name__)
def test_missing_values_are_refused_or_left_out(samples: Any) -> None:
    message = r"^samples must be without missing values; got one at row 1\. Use nan_policy='omit'"
    with pytest.raises(ValueError, match=message):
        as_symbols(samples)
    found = as_symbols(samples, nan_policy="omit")
    assert found.codes.tolist() == [0, 1]
    assert found.n_distinct == 2
    assert count_symbols(samples, nan_policy="omit")[1].tolist() == [1, 1]


def test_a_sample_is_left_out_of_all_variables() -> None:
    x, y = ["a", None, "b", "a"], [3, 4, 5, None]
    one, other = aligned_symbols({"x": x, "y": y}, "omit")
    assert (one.values.tolist(), one.codes.tolist()) == (["a", "b"], [0, 1])
    assert (other.values.tolist(), other.codes.tolist()) == ([3, 5], [0, 1])
    with pytest.raises(ValueError, match=r"^y must be without missing values; got one at row 3\."):
        aligned_symbols({"x": ["a", "b", "b", "a"], "y": y})


def test_nothing_left_is_refused() -> None:
    for samples in ([None, None], np.array(["NaT"], dtype="datetime64[D]"), [math.nan]):
        with pytest.raises(ValueError, match="samples must have at least one complete sample"):
            as_symbols(samples, nan_policy="omit")
    with pytest.raises(ValueError, match="x and y must have at least one complete sample; got 2 w"):
        aligned_symbols({"x": [1, None], "y": [None, 1]}, "omit")


# ---------------------------------------------------------------------------------- refusals

DISCRETE = r"samples must be discrete \(integers, booleans, strings, categories or dates\); got "
REFUSED = [
    (np.array([1.0, 2.0]), TypeError, DISCRETE + "dtype float64. Cut .* numpy.digitize .* .astype"),
    (np.array([1, math.nan]), TypeError, DISCRETE + "dtype float64"),
    (pd.Series([1, None]), TypeError, DISCRETE + r"dtype float64.*\('Int64'\) keeps missing"),
    (
        pd.Series([1.5], dtype="Float64"),
        TypeError,
        r"dtype Float64.*'Int64'\) keeps missing",
    ),
    (np.ma.array([1.0, 2.0], mask=[0, 1]), TypeError, DISCRETE + "dtype float64"),
    (np.array([1j]), TypeError, DISCRETE + "dtype complex128"),
    ([1.0, 2.0], TypeError, DISCRETE + r"float 1\.0 at row 0\. Cut"),
    ([1, 2, 3.0], TypeError, DISCRETE + r"float 3\.0 at row 2"),
    ([1, None, 0.5], TypeError, DISCRETE + r"float 0\.5 at row 2"),
    ([1, 2j], TypeError, DISCRETE + "complex 2j at row 1"),
    (np.array([(1, 2)], dtype="i4,i4"), TypeError, "Stack its fields as columns"),
    (pd.MultiIndex.from_tuples([(1, 2)]), TypeError, DISCRETE + r"tuple \(1, 2\) at row 0"),
    (["a", 1], TypeError, r"^samples must be of one type; got integer 1 at row 1 after string 'a'"),
    ([1, np.timedelta64(1)], TypeError, "got timedelta64 .* at row 1 after integer 1"),
    ([1, True], TypeError, "got boolean True at row 1 after integer 1. Convert all of them"),
    ([1, None, "a"], TypeError, "got string 'a' at row 2 after integer 1"),
    ([b"a", "a"], TypeError, "got string 'a' at row 1 after bytes b'a'"),
    ([["a", 1], ["b", "c"]], TypeError, r"samples\[:, 1\] must be of one type"),
    (np.array([[1.0, 2.0]]), TypeError, "^samples must be discrete"),
    (pd.DataFrame({"a": [1], "b": [0.5]}), TypeError, r"^samples\['b'\] must be discrete"),
    ([], ValueError, r"have at least one sample; got shape \(0,\)"),
    ([[], []], ValueError, r"have at least one sample; got shape \(2, 0\)"),
    (np.zeros((0, 2), dtype=int), ValueError, "have at least one sample"),
    (pd.DataFrame({"a": []}), ValueError, "have at least one sample"),
    ("text", ValueError, r"1-dimensional, .*; got 0 dimensions\. Use list\(text\) for the chara"),
    (iter([1]), ValueError, "got 0 dimensions"),
    (5, ValueError, "got 0 dimensions"),
    (np.zeros((1, 1, 1), dtype=int), ValueError, r"3 dimensions\. Reshape it to \(n_samples"),
    ([[1, 2], [3]], ValueError, r"rows of one length; got 1 value\(s\) at row 1 after 2 value\(s"),
    ([1, [2]], ValueError, r"a single value at row 0\. Give"),
    ([[2], 1], ValueError, r"a single value at row 1 after 1 value\(s\)"),
    ([[[1], [2]], [[3], [4]]], TypeError, r"samples\[:, 0\] must be discrete .* list \[1\] at row"),
]


@pytest.mark.parametrize(("samples", "kind", "message"), REFUSED)
def test_what_is_not_discrete_is_refused(samples: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        as_symbols(samples)
    with pytest.raises(kind, match=message):
        count_symbols(samples)


def test_other_refusals() -> None:
    message = r"^x and z must have one entry for each sample; got 2 in x and 3 in z\. Pass the var"
    with pytest.raises(ValueError, match=message):
        aligned_symbols({"x": [1, 2], "y": [1, 2], "z": [1, 2, 3]})
    for call in (as_symbols, count_symbols):
        for samples in (np.array([1]), ["a"]):
            with pytest.raises(ValueError, match=r"^nan_policy must be one of 'raise', 'omit';"):
                call(samples, nan_policy="drop")


def test_kinds_have_names() -> None:
    values = [True, 1, "a", b"a", dt.date(2020, 1, 1), DAYS[0], pd.Interval(0, 1)]
    names = ["boolean", "integer", "string", "bytes", "date", "datetime64", "Interval"]
    values += [dt.timedelta(1), np.timedelta64(1)]
    names += ["timedelta", "timedelta64"]
    assert [kind_of(value) for value in values] == names


def test_tensors() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for dtype in (torch.int64, torch.int8):
        found = as_symbols(torch.tensor([7, -2, 7], dtype=dtype))
        assert (found.codes.tolist(), found.values.tolist()) == ([1, 0, 1], [-2, 7])
    truths = as_symbols(torch.tensor([True, False, True]))
    assert (truths.codes.tolist(), truths.values.tolist()) == ([1, 0, 1], [False, True])
    assert as_symbols(torch.tensor([[2], [0], [2]])).values.tolist() == [[0], [2]]
    refused = [
        (torch.tensor([1.0]), "dtype torch.float32"),
        (torch.tensor([1j]), "dtype torch.complex64"),
        ([torch.tensor(1)], r"Tensor tensor\(1\) at row 0\. Name the symbols"),
    ]
    for samples, text in refused:
        with pytest.raises(TypeError, match=DISCRETE + text):
            as_symbols(samples)
