"""Counts that stream and merge."""

from __future__ import annotations

import copy
import enum
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st

from infotheory.estimators import (
    CountAccumulator,
    estimate_conditional_mutual_information,
    estimate_entropy,
    estimate_mutual_information,
)
from infotheory.exceptions import PrecisionWarning


class Suit(enum.Enum):
    CLUBS = 1
    HEARTS = 2


def batches(element: Any) -> Any:
    return st.lists(st.lists(element, min_size=1, max_size=8), min_size=1, max_size=5)


def filled(*parts: Any) -> CountAccumulator:
    accumulator = CountAccumulator()
    for part in parts:
        accumulator.update(part)
    return accumulator


ROWS = st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.booleans())


@given(batches(st.integers(-(10**20), 10**20) | st.integers(0, 3)))
def test_batches_are_counted_as_one(parts: list[list[int]]) -> None:
    flat = [symbol for part in parts for symbol in part]
    found = filled(*parts)
    assert found == filled(flat)
    assert found.symbols == sorted(set(flat))
    assert found.counts.tolist() == [flat.count(symbol) for symbol in found.symbols]
    assert (found.n, found.n_symbols_seen) == (len(flat), len(set(flat)))
    want = quietly(estimate_entropy, flat)
    assert repr(quietly(found.estimate_entropy).to_dict()) == repr(want.to_dict())


@given(batches(ROWS), st.randoms(use_true_random=False))
def test_merging_is_adding_in_any_order(parts: list[list[Any]], random: Any) -> None:
    whole = filled(*parts)
    single = [filled(part) for part in parts]
    random.shuffle(single)
    assert sum(single) == whole
    merged = CountAccumulator()
    for accumulator in single:
        before = copy.copy(accumulator)
        assert merged.merge(accumulator) is merged
        assert accumulator == before
    assert merged == whole
    assert merged.n == whole.n


@given(batches(ROWS))
def test_information_between_columns_is_that_of_the_samples(parts: list[list[Any]]) -> None:
    x, y, z = (
        list(column) for column in zip(*[row for part in parts for row in part], strict=True)
    )
    found = filled(*parts)
    for options in ({}, {"method": "plugin", "base": 2}, {"n_symbols": (3, 4)}):
        want = quietly(estimate_mutual_information, x, list(zip(z, y, strict=True)), **options)
        got = quietly(found.estimate_mutual_information, 0, [2, 1], **options)
        assert repr(got.to_dict()) == repr(want.to_dict())
    want = quietly(estimate_mutual_information, list(zip(x, z, strict=True)), y)
    got = quietly(found.estimate_mutual_information, [0, 2], 1)
    assert repr(got.to_dict()) == repr(want.to_dict())
    want = quietly(estimate_conditional_mutual_information, x, y, z)
    got = quietly(found.estimate_conditional_mutual_information, [0], (1,), 2)
    assert repr(got.to_dict()) == repr(want.to_dict())
    got = quietly(found.marginal([1, 2]).estimate_entropy)
    want = quietly(estimate_entropy, list(zip(y, z, strict=True)))
    assert repr(got.to_dict()) == repr(want.to_dict())


def test_a_column_may_come_twice() -> None:
    found = filled([[0, "a"], [1, "b"], [1, "a"], [0, "a"]] * 9)
    own = found.estimate_mutual_information(0, [0], method="plugin", base=2)
    assert own.value == pytest.approx(1.0, abs=1e-15)


def test_columns_of_arrays_and_of_frames() -> None:
    frame = pd.DataFrame({"one": [1, 1, 2], "two": ["a", "b", "a"], "three": [True, True, False]})
    found = filled(frame)
    assert found.symbols == [(1, "a", True), (1, "b", True), (2, "a", False)]
    single = found.marginal("two")
    assert (single.symbols, single.counts.tolist()) == (["a", "b"], [2, 1])
    assert single == filled(["a", "b", "a"])
    both = found.marginal(["three", "one"])
    assert both == filled(frame[["three", "one"]])
    assert both.marginal("one").symbols == [1, 2]
    array = filled(np.array([[5, 3], [5, 4]]))
    assert array.marginal(np.array([1])).symbols == [(3,), (4,)]
    assert array.marginal(1).symbols == [3, 4]
    # A frame after an array gives the columns their names.
    named = array.update(pd.DataFrame({"p": [5], "q": [3]}))
    assert named.marginal("q").counts.tolist() == [2, 1]


def test_types_of_one_kind_meet() -> None:
    found = filled(
        np.array([1, 2], dtype=np.int8), [1, 5], pd.Series([2], dtype="Int64"), pd.Categorical([5])
    )
    assert (found.symbols, found.counts.tolist()) == ([1, 2, 5], [2, 2, 2])
    found = filled(
        ["a"], np.array(["a"]), pd.Series(["b"], dtype="category"), np.array(["b"], object)
    )
    assert (found.symbols, found.counts.tolist()) == (["a", "b"], [2, 2])
    days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")
    assert filled(days, days[:1]).counts.tolist() == [2, 1]


def test_symbols_without_an_order() -> None:
    found = filled([Suit.HEARTS, Suit.CLUBS], [Suit.HEARTS])
    assert found.symbols == [Suit.HEARTS, Suit.CLUBS]
    assert found.counts.tolist() == [2, 1]
    assert found == filled([Suit.CLUBS], [Suit.HEARTS] * 2)


def test_missing_values() -> None:
    found = filled(["a", "b"])
    with pytest.raises(
        ValueError, match=r"^samples must be without missing values; got one at row"
    ):
        found.update(["a", None])
    assert found.n == 2
    assert found.update(["a", None], nan_policy="omit").counts.tolist() == [2, 1]


def test_copies_share_nothing() -> None:
    found = filled([1, 2])
    for other in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):  # noqa: S301
        assert other == found
        other.update([3])
        assert other != found
    added = found + filled([2])
    assert (found.n, added.n) == (2, 3)
    assert found != 5
    assert filled([1, 1]) != filled([1, 2])
    assert filled([1]) != filled([True])
    assert repr(added) == "CountAccumulator(n=3, n_symbols_seen=2)"
    with pytest.raises(TypeError, match="unhashable"):
        hash(found)


def test_an_empty_one() -> None:
    empty = CountAccumulator()
    assert (empty.n, empty.n_symbols_seen, empty.symbols) == (0, 0, [])
    assert empty.counts.tolist() == []
    assert empty == CountAccumulator()
    assert empty.merge(CountAccumulator()) == CountAccumulator()
    assert empty + filled([[1, "a"]]) == filled([[1, "a"]])
    message = "^accumulator must be updated with at least one batch; got no samples. Call update"
    with pytest.raises(ValueError, match=message):
        empty.estimate_entropy()
    with pytest.raises(ValueError, match=message):
        empty.estimate_mutual_information(0, 1)
    with pytest.raises(ValueError, match=message):
        empty.marginal(0)


REFUSED = [
    ([1, 2], ["a"], TypeError, r"of the types counted so far \(integer\); got string\. Convert"),
    ([1, 2], [True], TypeError, r"of the types counted so far \(integer\); got boolean"),
    ([[1, "a"]], [[1, 2]], TypeError, r"of .* \(integer, string\); got integer, integer"),
    ([1, 2], [[1]], ValueError, r"single values, as those before; got rows of 1 value\(s\)\. Use"),
    ([[1]], [1], ValueError, r"rows of 1 value\(s\), as those before; got single values"),
    ([[1, 2]], [[1, 2, 3]], ValueError, r"rows of 2 value\(s\), .*; got rows of 3 value\(s\)"),
    (
        pd.DataFrame({"a": [1], "b": [2]}),
        pd.DataFrame({"b": [1], "a": [2]}),
        ValueError,
        r"a frame with the columns \['a', 'b'\], in this order; got \['b', 'a'\]\. Select",
    ),
    ([1, 2], [0.5], TypeError, "discrete"),
]


@pytest.mark.parametrize(("first", "second", "kind", "message"), REFUSED)
def test_a_refused_batch_leaves_the_counts(
    first: Any, second: Any, kind: type, message: str
) -> None:
    found = filled(first)
    before = pickle.dumps(found)
    with pytest.raises(kind, match=f"^samples must be {message}"):
        found.update(second)
    assert pickle.dumps(found) == before
    if "discrete" not in message:
        with pytest.raises(kind, match=f"^other must be {message}"):
            found.merge(filled(second))
        assert pickle.dumps(found) == before


def test_other_refusals() -> None:
    rows = filled(pd.DataFrame({"a": [1, 2], "b": [2, 1]}))
    with pytest.raises(TypeError, match=r"^other must be a CountAccumulator; got list\.$"):
        rows.merge([1])
    with pytest.raises(TypeError, match="unsupported operand"):
        rows + 5
    with pytest.raises(TypeError, match="unsupported operand"):
        5 + rows
    with pytest.raises(
        ValueError, match=r"^columns must be among the columns \['a', 'b'\]; got 'c'"
    ):
        rows.marginal(["a", "c"])
    with pytest.raises(ValueError, match=r"^columns must be among .*; got \[\]"):
        rows.marginal([])
    with pytest.raises(ValueError, match=r"^y must be among the columns \['a', 'b'\]; got 2"):
        rows.estimate_mutual_information("a", 2)
    with pytest.raises(
        ValueError, match=r"^accumulator must be one of rows, .*; got single values"
    ):
        filled([1]).estimate_mutual_information(0, 1)
    with pytest.raises(ValueError, match=r"^method must be one of"):
        rows.estimate_mutual_information("a", "b", method="best")
    for options in ({"nan_policy": "omit"}, {"bas": 2}):
        unknown = f"information.. got an unexpected keyword argument '{next(iter(options))}'"
        with pytest.raises(TypeError, match=f"estimate_mutual_{unknown}"):
            rows.estimate_mutual_information("a", "b", **options)
        with pytest.raises(TypeError, match=f"estimate_conditional_mutual_{unknown}"):
            rows.estimate_conditional_mutual_information("a", "b", "b", **options)


def test_warnings_point_to_the_caller() -> None:
    found = filled([[0, 1, 2], [1, 2, 3], [2, 3, 4]])
    for call in (
        lambda: found.estimate_entropy(),
        lambda: found.estimate_mutual_information(0, 1),
        lambda: found.estimate_conditional_mutual_information(0, 1, 2),
    ):
        with pytest.warns(PrecisionWarning) as caught:
            estimate = call()
        assert [item.filename for item in caught] == [__file__]
        assert estimate.warnings == tuple(str(item.message) for item in caught)
