"""Samples of any kind become numbers or symbols, and say which they are."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.estimators.measurements import (
    are_measurements,
    as_kinds,
    check_kind,
    check_no_symbols,
    read_numbers,
    read_variables,
)
from infotheory.estimators.symbols import Symbols

NAN = float("nan")

# ------------------------------------------------------------------------------ which of the two

MEASURED = [
    [0.5, 1],
    (1.0, 2.0),
    [1, None, 0.5],
    [[1, 0.5], [2, 1]],
    [(1, 2), (1, 2.0)],
    [np.array([1, 2]), np.array([1.5, 2.0])],
    [np.float32(1)],
    np.array([1.0]),
    np.array([1], dtype=np.float16),
    np.array([1], dtype=np.float32),
    np.array([1], dtype=">f8"),
    np.array([1], dtype=np.longdouble),
    np.array([1, 0.5, None], dtype=object),
    np.ma.array([1.0, 2.0], mask=[True, False]),
    pd.Series([1.0]),
    pd.Series([1, None]),
    pd.Series([1, None], dtype="Float64"),
    pd.Series([1, 0.5], dtype=object),
    pd.Index([1.0]),
    pd.DataFrame({"a": [1], "b": [0.5]}),
    pd.DataFrame({"a": ["u"], "b": [0.5]}),
    pd.DataFrame({"a": pd.Series([0.5], dtype=object)}),
]

NOT_MEASURED = [
    [1, 2],
    [1, None, NAN],
    [True],
    ["a", NAN],
    [[1, 2], [3, 4]],
    [],
    "0.5",
    0.5,
    [Decimal("0.5")],
    [dt.date(2020, 1, 1)],
    np.array([1]),
    np.array([True]),
    np.array([1, None, NAN], dtype=object),
    np.array(["0.5"]),
    np.array([0.5 + 1j]),
    np.array(["2020-01-01"], dtype="datetime64[D]"),
    pd.Series([1]),
    pd.Series([1, None], dtype="Int64"),
    pd.Series([0.5, 1.5]).astype("category"),
    pd.Series(["0.5"]),
    pd.cut(pd.Series([0.5, 1.5]), 2),
    pd.DataFrame({"a": [1], "b": [True]}),
]


def name_of(samples: Any) -> str:
    return f"{type(samples).__name__}-{getattr(samples, 'dtype', '')}"


@pytest.mark.parametrize("samples", MEASURED, ids=name_of)
def test_floats_are_measurements(samples: Any) -> None:
    assert are_measurements(samples)


@pytest.mark.parametrize("samples", NOT_MEASURED, ids=name_of)
def test_everything_else_is_not(samples: Any) -> None:
    assert not are_measurements(samples)


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        tensor = torch.tensor([[1.5, -2.0], [0.25, 8.0]], dtype=dtype)
        assert are_measurements(tensor)
        assert read_numbers(tensor, "x").tolist() == [[1.5, -2.0], [0.25, 8.0]]
    learned = torch.tensor([1.5, 2.0], requires_grad=True)
    assert read_numbers(learned, "x").tolist() == [[1.5], [2.0]]
    whole = torch.tensor([1, 2])
    assert not are_measurements(whole)
    assert read_numbers(whole, "x").tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("discrete", "kinds"),
    [
        ("auto", [None, None]),
        (True, [True, True]),
        (np.False_, [False, False]),
        ((True, "auto"), [True, None]),
        (["auto", np.True_], [None, True]),
        (np.array([True, False]), [True, False]),
    ],
)
def test_kinds(discrete: Any, kinds: Any) -> None:
    found = as_kinds(discrete, ("x", "y"))
    assert list(found) == ["x", "y"]
    for kind, want in zip(found.values(), kinds, strict=True):
        assert kind is want


@pytest.mark.parametrize(
    "discrete",
    [None, 1, "yes", (True,), (True, False, True), (True, 1), [True, "no"], np.array([0, 1])],
)
def test_kinds_that_are_refused(discrete: Any) -> None:
    text = "discrete must be 'auto', True, False, or one of them for each of x, y; got "
    with pytest.raises(ValueError, match=f"^{re.escape(text + repr(discrete))}"):
        as_kinds(discrete, ("x", "y"))


def test_kinds_that_do_not_suit_a_method() -> None:
    check_kind("x", "ksg1", None, False)
    check_kind("x", "ksg1", False, False)
    check_kind("x", "plugin", True, True)
    text = "^discrete must be False or 'auto' for x with method='ksg1'; got True. .* takes numbers"
    with pytest.raises(ValueError, match=text):
        check_kind("x", "ksg1", True, False)
    text = "^discrete must be True or 'auto' for y with .*'plugin'; got False. .* takes symbols"
    with pytest.raises(ValueError, match=text):
        check_kind("y", "plugin", False, True)
    check_no_symbols(None)
    with pytest.raises(ValueError, match=r"^n_symbols must be None where .* got \(2, 2\)\. Pass"):
        check_no_symbols((2, 2))


# --------------------------------------------------------------------------------------- numbers

SAME = [
    [1.5, -2, 0],
    (1.5, -2, 0),
    [[1.5], [-2], [0]],
    np.array([1.5, -2, 0]),
    np.array([[1.5], [-2], [0]]),
    np.array([1.5, -2, 0], dtype=np.float16),
    np.array([1.5, -2, 0], dtype=np.float32),
    np.array([1.5, -2, 0], dtype=">f8"),
    np.array([1.5, -2, 0], dtype=np.longdouble),
    np.array([1.5, -2, False], dtype=object),
    np.array([1.5, -2, 0, 9])[:3],
    np.array([0, -2, 1.5])[::-1],
    np.ma.array([1.5, -2, 0]),
    pd.Series([1.5, -2, 0], index=[5, 5, 9]),
    pd.Series([1.5, -2, 0], dtype="Float64"),
    pd.Series([1.5, -2, 0], dtype=object),
    pd.Index([1.5, -2, 0]),
    pd.DataFrame({"a": [1.5, -2, 0]}),
]


@pytest.mark.parametrize("samples", SAME, ids=name_of)
def test_every_layout_gives_the_same_numbers(samples: Any) -> None:
    found = read_numbers(samples, "x")
    assert found.tolist() == [[1.5], [-2.0], [0.0]]
    assert found.dtype == np.float64
    assert found.flags.c_contiguous


@pytest.mark.parametrize(
    "samples",
    [
        [3, -2, 1],
        np.array([3, -2, 1], dtype=np.int8),
        pd.Series([3, -2, 1], dtype="Int64"),
        pd.DataFrame({"a": [3, -2, 1]}, dtype="int32"),
    ],
    ids=name_of,
)
def test_integers_are_numbers_where_asked_for(samples: Any) -> None:
    assert read_numbers(samples, "x").tolist() == [[3.0], [-2.0], [1.0]]


def test_booleans_are_numbers_where_asked_for() -> None:
    for samples in ([True, False], np.array([True, False]), pd.Series([True, False])):
        assert read_numbers(samples, "x").tolist() == [[1.0], [0.0]]
    assert read_numbers(pd.Series([True, False], dtype="boolean"), "x").tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize(
    "samples",
    [
        [1.5, None, 2],
        [1.5, NAN, 2],
        np.array([1.5, None, 2], dtype=object),
        np.ma.array([1.5, 7, 2], mask=[False, True, False]),
        pd.Series([1.5, None, 2]),
        pd.Series([1.5, None, 2], dtype="Float64"),
        pd.Series([1.5, pd.NA, 2], dtype=object),
        pd.DataFrame({"a": [1.5, NAN, 2]}),
    ],
    ids=name_of,
)
def test_what_is_missing_is_nan(samples: Any) -> None:
    np.testing.assert_array_equal(read_numbers(samples, "x"), [[1.5], [NAN], [2.0]])


def test_integers_of_which_some_are_missing() -> None:
    want = [[1.0], [NAN], [2.0]]
    for samples in (
        pd.Series([1, None, 2], dtype="Int64"),
        np.ma.array([1, 7, 2], mask=[False, True, False]),
    ):
        np.testing.assert_array_equal(read_numbers(samples, "x"), want)


def test_frames_of_several_types() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, NAN], "c": pd.Series([True, None], dtype=object)})
    np.testing.assert_array_equal(read_numbers(frame, "x"), [[1, 0.5, 1], [2, NAN, NAN]])
    twice = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["a", "a"])
    assert read_numbers(twice, "x").tolist() == [[1.0, 2.0], [3.0, 4.0]]


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_integers_are_read_exactly(value: int) -> None:
    for samples in ([value], np.array([value]), pd.Series([value], dtype="Int64"), [value, None]):
        assert int(read_numbers(samples, "x")[0, 0]) == value


@pytest.mark.parametrize(
    "samples",
    [
        np.array([0, 2**53]),
        np.array([0, -(2**53)]),
        np.array([2**53 + 1]),  # which would become 2**53
        np.array([2**64 - 1], dtype=np.uint64),
        pd.Series([1, 2**53], dtype="Int64"),
        [1, None, 2**53 + 1],
        [2**70],
        [-(10**400)],
    ],
    ids=name_of,
)
def test_integers_that_doubles_do_not_hold(samples: Any) -> None:
    text = r"^x must be integers below 2\*\*53 in size, which doubles hold exactly; got -?\d{16,}\."
    with pytest.raises(ValueError, match=text):
        read_numbers(samples, "x")


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (
            ["a", "b"],
            "x must be numbers; got dtype <U1. Symbols without distances .* discrete=True",
        ),
        ([1.5, "b"], "x must be numbers; got dtype <U32"),
        (np.array([1.5, "b"], dtype=object), "x must be numbers; got str 'b' at row 1"),
        (np.array([[1, 2], [3, "b"]], dtype=object), "x must be numbers; got str 'b' at row 1"),
        (np.array([[1, {}], [3, 4]], dtype=object), "x must be numbers; got dict {} at row 0"),
        ([Decimal("0.5")], "x must be numbers; got Decimal Decimal.* at row 0"),
        (np.array([1j]), "x must be numbers; got dtype complex128"),
        (np.array(["2020"], dtype="datetime64[Y]"), r"x must be numbers; got dtype datetime64"),
        (pd.Series([1, 2]).astype("category"), "x must be numbers; got dtype category"),
        (pd.Series(["a"]), "x must be numbers; got "),
        (
            pd.DataFrame({"a": [0.5], "b": pd.Categorical([1])}),
            r"x\['b'\] must be numbers; got dtype category",
        ),
        (pd.DataFrame({"a": [0.5], "b": ["u"]}), r"x\['b'\] must be numbers; got "),
    ],
    ids=lambda value: name_of(value) if not isinstance(value, str) else "",
)
def test_what_is_no_number(samples: Any, text: str) -> None:
    with pytest.raises(TypeError, match=f"^{text}"):
        read_numbers(samples, "x")


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (0.5, "x must be 1-dimensional, one number a sample, or .* got 0 dimensions. Reshape"),
        (np.zeros((2, 2, 2)), "x must be 1-dimensional.* got 3 dimensions"),
        ([], r"x must have at least one sample; got shape \(0,\)"),
        (np.zeros((0, 3)), r"x must have at least one sample; got shape \(0, 3\)"),
        (np.zeros((3, 0)), r"x must have at least one sample; got shape \(3, 0\)"),
        (pd.DataFrame({"a": []}), r"x must have at least one sample; got shape \(0, 1\)"),
        ([[1.0], [1.0, 2.0]], "x must be a rectangular array; got rows of different lengths"),
        ([1.0, np.inf], "x must be finite; got inf at row 1. Leave such samples out, or .* nan"),
        (np.array([[1.0, 2.0], [3.0, -np.inf]]), "x must be finite; got -inf at row 1, column 1"),
        (pd.DataFrame({"a": [1.0], "b": [np.inf]}), "x must be finite; got inf at row 0, column 1"),
    ],
)
def test_shapes_and_values_that_are_refused(samples: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}"):
        read_numbers(samples, "x")


# ------------------------------------------------------------------------------ several variables


def read(nan_policy: str = "raise", **variables: tuple[Any, bool | None]) -> list[Any]:
    samples = {name: value for name, (value, _) in variables.items()}
    kinds = {name: kind for name, (_, kind) in variables.items()}
    return read_variables(samples, kinds, nan_policy)


def codes(variable: Any) -> list[int]:
    assert isinstance(variable, Symbols)
    return [int(code) for code in variable.codes]


def test_each_variable_is_of_its_kind() -> None:
    x, y, z = read(x=([0.5, 1.5], None), y=(["b", "a"], None), z=([3, 2], False))
    assert x.tolist() == [[0.5], [1.5]]
    assert codes(y) == [1, 0]
    assert z.tolist() == [[3.0], [2.0]]


def test_floats_may_name_symbols() -> None:
    for samples in (
        [0.5, -1.0, 0.5],
        np.array([0.5, -1.0, 0.5], dtype=np.float32),
        pd.Series([0.5, -1.0, 0.5], dtype="Float64"),
        np.array([0.5, -1.0, 0.5], dtype=object),
    ):
        (found,) = read(x=(samples, True))
        assert codes(found) == [1, 0, 1]
        assert found.values.tolist() == [-1.0, 0.5]
    (found,) = read(x=([0.0, -0.0], True))
    assert codes(found) == [0, 0]


ROWS = [[0.5, 2.0], [0.5, 1.0], [-1.0, 2.0], [0.5, 2.0]]


@pytest.mark.parametrize(
    "samples", [ROWS, np.array(ROWS), list(map(np.array, ROWS)), pd.DataFrame(ROWS)], ids=name_of
)
def test_a_row_of_floats_may_name_a_symbol(samples: Any) -> None:
    (found,) = read(x=(samples, True))
    assert codes(found) == [2, 1, 0, 2]
    assert found.values.tolist() == [[-1.0, 2.0], [0.5, 1.0], [0.5, 2.0]]


def test_a_frame_of_floats_and_strings_may_name_symbols() -> None:
    frame = pd.DataFrame(
        {"a": [0.5, 0.5, -1.0], "b": ["v", "u", "v"], "c": pd.Categorical([1, 1, 2])}
    )
    (found,) = read(x=(frame, True))
    assert codes(found) == [2, 1, 0]
    frame.loc[1, "a"] = np.inf
    with pytest.raises(ValueError, match=r"^x\['a'\] must be finite; got inf at row 1"):
        read(x=(frame, True))


def test_samples_that_lack_a_variable_are_left_out() -> None:
    x, y, z = read(
        "omit",
        x=([0.5, NAN, 1.5, 2.5, 3.5], None),
        y=(["b", "a", None, "a", "b"], None),
        z=([1.0, 1.0, 1.0, NAN, 2.0], True),
    )
    assert x.tolist() == [[0.5], [3.5]]
    assert codes(y) == [0, 0]
    assert y.values.tolist() == ["b"]
    assert codes(z) == [0, 1]


def test_a_row_lacks_what_one_of_its_columns_lacks() -> None:
    x, y = read("omit", x=([[0.5, 1.0], [NAN, 1.0], [2.0, 3.0]], None), y=([1, 2, None], None))
    assert x.tolist() == [[0.5, 1.0]]
    assert codes(y) == [0]


def test_samples_of_several_variables_that_are_refused() -> None:
    for variables, policy, text in (
        (([0.5, 1.5], [1, 2, 3]), "raise", "x and y must have one entry .* 2 in x and 3 in y"),
        (([1, 2], [0.5, NAN]), "raise", "y must be without missing values; got one at row 1"),
        (([1, None], [NAN, 0.5]), "omit", "x and y must have at least one .*; got 2 with missing"),
        (([0.5], [1]), "drop", "nan_policy must be one of 'raise', 'omit'; got 'drop'"),
    ):
        with pytest.raises(ValueError, match=f"^{text}"):
            read(policy, x=(variables[0], None), y=(variables[1], None))
