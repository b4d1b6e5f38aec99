"""Labels become class numbers, or are refused with the first row at fault."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.models.labels import class_numbers, text_labels

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@pytest.mark.parametrize(
    "values",
    [
        [2, 0, 1],
        (2, 0, 1),
        np.array([2, 0, 1], np.uint8),
        np.array([2, 0, 1], np.int32),
        np.array([2, 0, 1], object),
        [np.int64(2), 0, 1],
    ],
)
def test_integers_stay_as_they_are(values: Any) -> None:
    labels, names = class_numbers(values)
    assert labels.dtype == np.int64
    assert labels.tolist() == [2, 0, 1]
    assert names is None


def test_truth_values_are_two_classes() -> None:
    assert class_numbers([True, False])[0].tolist() == [1, 0]


@given(st.lists(NAMES, min_size=1))
def test_names_are_numbered_in_the_order_of_text(values: list[str]) -> None:
    labels, names = class_numbers(values)
    assert names is not None
    assert [names[label] for label in labels] == values
    if not all(value.isdecimal() for value in values):
        assert list(names) == sorted(set(values))


def test_names_that_are_numbers_are_in_the_order_of_numbers() -> None:
    labels, names = class_numbers(["10", "9", "10"])
    assert names == ("9", "10")
    assert labels.tolist() == [1, 0, 1]


def test_given_names_decide_the_order_and_need_not_all_occur() -> None:
    labels, names = class_numbers(["b", "a"], ["b", "c", "a"])
    assert labels.tolist() == [0, 2]
    assert names == ("b", "c", "a")
    assert class_numbers([2, 0], ["b", "c", "a"])[1] == ("b", "c", "a")


def test_of_equal_names_the_first_counts() -> None:
    assert class_numbers(["a", "b"], ["a", "b", "a"])[0].tolist() == [0, 1]


def test_columns_of_pandas_and_tensors_are_taken() -> None:
    pd = pytest.importorskip("pandas")
    assert class_numbers(pd.Series(["x", "y", "x"]))[0].tolist() == [0, 1, 0]
    assert class_numbers(pd.Series([1, 0]))[0].tolist() == [1, 0]
    torch = pytest.importorskip("torch")
    assert class_numbers(torch.tensor([1, 0]))[0].tolist() == [1, 0]
    assert class_numbers([torch.tensor(1), torch.tensor(0)])[0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "fact"),
    [
        ([0, -1, -2], "got -1 at row 1. Samples without a label (often -1) must be left out."),
        ([0, 1 << 31], "got 2147483648 at row 1."),
        (np.array([0, 1 << 63], np.uint64), "got 9223372036854775808 at row 1."),
        ([0, 1 << 70], "got 0 at row 0, of dtype object."),
        ([1.0, 2.0, 2.5], "got 2.5 at row 2, of dtype float64."),
        ([1.0, 2.0], "got 1.0 at row 0, of dtype float64. Convert whole numbers"),
        (np.array([1.0, np.nan]), "got nan at row 1, of dtype float64."),
        ([1, None, None], "labels must be there for every sample; got None at row 1."),
        (["a", None], "labels must be there for every sample; got None at row 1."),
        (["a", float("nan")], "labels must be there for every sample; got nan at row 1."),
        (["a", ""], "labels must be there for every sample; got nothing at row 1."),
        (["a", "b", 3], "all integers or all names; got 'a' at row 0 and 3 at row 2."),
        ([0, "b"], "all integers or all names; got 0 at row 0 and 'b' at row 1."),
        ([0, b"b"], "labels must be integers from 0 on, or names; got"),
        ([[0, 1], [1, 0]], "labels must be 1-dimensional; got shape (2, 2)."),
        ([[0, 1], [1]], "labels must be a rectangular array; got rows of different lengths."),
        ([], "data must have at least one sample; got none."),
    ],
)
def test_what_is_no_label_is_refused(values: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        class_numbers(values)


def test_missing_entries_of_pandas_are_named() -> None:
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="got <NA> at row 1, of dtype object"):
        class_numbers(pd.Series([0, pd.NA, 1], dtype="Int64").astype(object))


@pytest.mark.parametrize(
    ("values", "fact"),
    [
        (["a", "x"], "labels must be among the class names; got 'x' at row 1. The names are 'a', "),
        ([0, 12], "labels must be below the number of class names (12); got 12 at row 1."),
    ],
)
def test_labels_beyond_the_names_are_refused(values: Any, fact: str) -> None:
    names = list("abcdefghijkl")
    with pytest.raises(ValueError, match=re.escape(fact)):
        class_numbers(values, names)


def test_many_names_are_cut_in_the_message() -> None:
    with pytest.raises(ValueError, match=r"'i', 'j', \.\.\.\.$"):
        class_numbers(["x"], list("abcdefghijkl"))


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1))
def test_integers_that_are_written_out_are_integers(values: list[int]) -> None:
    labels, names = class_numbers(text_labels([str(value) for value in values]))
    assert labels.tolist() == values
    assert names is None


@pytest.mark.parametrize("entries", [["1_0", "2"], ["1", "a"], ["", "b"]])
def test_other_texts_are_names(entries: list[str]) -> None:
    assert text_labels(entries) == entries


@pytest.mark.parametrize("entries", [["1.0", "0.0"], ["1", "nan"], ["1e3"], ["9" * 30]])
def test_fractions_in_text_are_refused_and_no_names(entries: list[str]) -> None:
    with pytest.raises(ValueError, match="must be integers from 0 on, or names; got"):
        class_numbers(text_labels(entries))
