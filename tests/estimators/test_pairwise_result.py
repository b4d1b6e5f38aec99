"""What a matrix of mutual information is, says and shows, and what is refused."""

from __future__ import annotations

import pickle
import warnings
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from estimators.mixed_tables import MEASURED, alone, found, mixed

from infotheory.estimators import (
    estimate_mutual_information,
    pairwise_mutual_information,
)
from infotheory.exceptions import PrecisionWarning

# ------------------------------------------------------------------------------------ the warnings


def test_pairs_to_rely_on_with_care_are_said_once() -> None:
    x = np.random.default_rng(0).normal(size=200)
    frame = {"a": x, "b": x, "c": x * 2 + 1, "d": np.random.default_rng(1).normal(size=200)}
    with pytest.warns(
        PrecisionWarning,
        match=r"3 of 6 pairs are to be relied on with care, such as 'a' and 'b': The estimate is "
        r"near .*\. result\.warnings holds all of them\.$",
    ) as caught:
        result = pairwise_mutual_information(frame)
    assert len(caught) == 1
    assert list(result.warnings) == [("a", "b"), ("a", "c"), ("b", "c")]
    for (first, second), texts in result.warnings.items():
        single = quietly(estimate_mutual_information, frame[first], frame[second], interval=False)
        assert texts == single.warnings


@pytest.mark.parametrize("method", ["auto", "ksg1", "gao"])
def test_warnings_are_those_of_a_call_for_the_pair(method: str) -> None:
    frame = mixed()[MEASURED].assign(constant=1.0)
    result = found(frame, method=method)
    for x, y in combinations(frame, 2):
        single = quietly(
            estimate_mutual_information, frame[x], frame[y], interval=False, method=method
        )
        assert result.warnings.get((x, y), ()) == single.warnings
    assert result.warnings["real", "constant"][0].startswith("y has one value only")


def test_nothing_is_said_of_ordinary_columns() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pairwise_mutual_information(x).warnings == {}


def test_a_method_that_is_not_for_all_pairs_serves_the_others() -> None:
    frame = mixed()[["real", "single", "whole"]]
    result = found(frame, method="ross")
    assert np.isnan(result["real", "single"])
    assert "for one discrete and one continuous variable" in result.warnings["real", "single"][0]
    assert result["real", "whole"] == alone(frame["real"], frame["whole"], method="ross")


# -------------------------------------------------------------------------------------- the result


def test_labels_are_kept() -> None:
    frame = mixed()[["real", "rounded", "word"]]
    result = found(frame, base=2)
    table = result.to_frame()
    assert list(table.index) == list(table.columns) == list(frame.columns)
    np.testing.assert_array_equal(table.to_numpy(), result.values)
    np.testing.assert_array_equal(np.asarray(result), result.values)
    assert np.asarray(result, dtype=np.float32).dtype == np.float32
    assert result.to_frame("method").loc["real", "rounded"] == result.method[0, 1]
    assert result.unit == "bits"
    assert result["real", "word"] == pytest.approx(found(frame)["real", "word"] / np.log(2))
    levels = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])
    nested = found(frame.set_axis(levels, axis=1))
    assert list(nested.to_frame().columns) == list(levels)
    assert nested[("a", 1), ("b", 1)] == found(frame)["real", "word"]


def test_pairs_are_ranked() -> None:
    result = found(mixed())
    ranked = result.pairs()
    assert list(ranked.columns) == ["x", "y", "value", "n", "method"]
    assert len(ranked) == 21
    assert (np.diff(ranked["value"]) <= 0.0).all()
    for line in ranked.itertuples():
        assert line.value == result[line.x, line.y]
        assert result.names.index(line.x) < result.names.index(line.y)
    partly = found(mixed()[["real", "single", "whole"]], method="ross").pairs()
    assert np.isnan(partly["value"].iloc[-1])
    assert (partly["x"].iloc[-1], partly["y"].iloc[-1]) == ("real", "single")


def test_it_is_shown_as_a_table_with_its_unit() -> None:
    result = found({"a": [0, 1] * 20, "b": [0, 1] * 20}, method="plugin", base=2)
    assert str(result) == (
        "     a    b\na  NaN  1.0\nb  1.0  NaN\nMutual information in bits, plugin"
    )
    assert repr(result) == f"PairwiseInformation(\n{result}\n)"
    assert "<table" in result._repr_html_()
    assert result._repr_html_().endswith("<p>Mutual information in bits, plugin</p>")
    doubtful = found(mixed()[["real", "rounded"]], method="ksg1")
    assert str(doubtful).endswith("with warnings")


def test_a_single_name_is_no_pair() -> None:
    result = found(mixed()[["real", "single"]])
    for wrong in ("real", ("real", "single", "real"), 0):
        with pytest.raises(KeyError, match="a pair of names is needed"):
            _ = result[wrong]


def test_it_cannot_be_changed() -> None:
    result = found(mixed()[["real", "single"]])
    for array in (result.values, result.n, result.method):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
    with pytest.raises(AttributeError):
        result.base = 2  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(result))  # noqa: S301
    np.testing.assert_array_equal(again.values, result.values)


def test_it_draws_itself() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    result = found(mixed()[["real", "single", "word"]])
    ax = result.plot()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["real", "single", "word"]
    _, own = plt.subplots()
    assert result.plot(own) is own
    plt.close("all")


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_a_bar_is_shown_where_it_is_wanted(
    progress: bool | None, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    found(mixed()[["real", "single", "rounded", "word"]], progress=progress)
    err = capsys.readouterr().err
    assert ("6/6" in err) == shown
    assert bool(err) == shown


# ------------------------------------------------------------------------------------ the refusals


@pytest.mark.parametrize(
    ("table", "options", "text"),
    [
        (np.zeros((5, 1)), {}, r"frame must have at least two columns; got one\."),
        (np.zeros(5), {}, r"frame must be a table: a DataFrame, .*; got 1 dimension\(s\)\. Give"),
        ([1, 2, 3], {}, r"frame must be a table: .*; got 1 dimension"),
        (np.zeros((2, 2, 2)), {}, r"frame must be a table: .*; got 3 dimension"),
        ({}, {}, r"frame must have at least one column; got none\."),
        (np.zeros((0, 2)), {}, r"frame\[0\] must have at least one sample; got shape \(0,\)"),
        ([[1, 2], [1]], {}, r"frame must be of rows of one length; got another at row 1\."),
        ([1, [2]], {}, r"frame must be of rows of one length; got another at row 0\."),
        (
            {"a": [1, 2], "b": [1, 2, 3]}, {},
            r"frame\['a'\] and frame\['b'\] must have one entry for each sample; got 2 in",
        ),
        (
            {"a": np.zeros((3, 2)), "b": [1.0] * 3}, {},
            r"frame\['a'\] must be one column; got rows of 2 values\. Give each of them a name",
        ),
        (
            {"a": np.zeros((3, 2), int), "b": [1.0] * 3}, {},
            r"frame\['a'\] must be one column; got rows of 2 values\.",
        ),
        (
            pd.DataFrame(np.zeros((3, 2)), columns=["a", "a"]), {},
            r"frame must be of columns with different names; got 'a' twice\.",
        ),
        (
            np.array([[1.0, np.inf], [1.0, 2.0]]), {},
            r"frame\[1\] must be finite; got inf at row 0\.",
        ),
        (np.zeros((5, 2)), {"method": "ksg"}, r"method must be one of 'auto', 'plugin',"),
        (np.zeros((5, 2)), {"k": 0}, r"k must be a positive integer"),
        (np.zeros((5, 2)), {"k": 5}, r"No pair has an estimate; of 0 and 1: k must be smaller"),
        (np.zeros((5, 2)), {"base": 1}, r"base must be None \(nats\)"),
        (np.zeros((5, 2)), {"standardize": 1}, r"standardize must be True or False; got 1"),
        (np.zeros((5, 2)), {"clip": "no"}, r"clip must be True or False; got 'no'"),
        (np.zeros((5, 2)), {"progress": 1}, r"progress must be True or False; got 1"),
        (np.zeros((5, 2)), {"n_jobs": 0}, r"n_jobs must be a positive integer"),
        (np.zeros((5, 2)), {"nan_policy": "drop"}, r"nan_policy must be one of 'raise', 'omit'"),
        (
            np.zeros((5, 2)), {"discrete": [True]},
            r"discrete must be 'auto', True, False, one of them for each of the 2 columns, or a ma",
        ),
        (np.zeros((5, 2)), {"discrete": [0, 1]}, r"discrete must be .*; got \[0, 1\]\. 'auto'"),
        (
            np.zeros((5, 2)), {"discrete": {"a": True}},
            r"discrete must be a mapping of names of columns; got 'a'\.",
        ),
        (np.zeros((5, 2)), {"discrete": {1: "yes"}}, r"discrete must be 'auto', True, False, one"),
        (
            np.zeros((5, 2)), {"discrete": True, "method": "ksg1"},
            r"discrete must be False or 'auto' for frame\[0\] with method='ksg1'; got True",
        ),
        (
            np.zeros((5, 2), int), {"discrete": False, "method": "nsb"},
            r"discrete must be True or 'auto' for frame\[0\] with method='nsb'; got False",
        ),
        (
            np.zeros((5, 2)), {"other": np.zeros(4), "discrete_other": 1},
            r"discrete_other must be 'auto', True",
        ),
        (
            np.zeros((5, 2)), {"other": np.zeros(4)},
            r"frame and other must have one entry for each sample; got 5 in frame and 4 in other",
        ),
        (
            np.zeros((5, 2)), {"other": {"a": [1.0, 2.0]}},
            r"frame and other must have one entry for each sample; got 5 in frame and 2 in other",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_measured(table: Any, options: dict[str, Any], text: str) -> None:
    other = options.pop("other", None)
    with pytest.raises(ValueError, match=text):
        quietly(pairwise_mutual_information, table, other, **options)


@pytest.mark.parametrize(
    ("table", "options", "text"),
    [
        (
            np.array([["a", "b"]] * 5), {"method": "ksg1"},
            r"frame\[0\] must be numbers; got dtype <U1",
        ),
        (
            {"a": [0.5, 1.5], "b": [1, 2]}, {"method": "nsb"},
            r"frame\['a'\] must be discrete \(integers, booleans",
        ),
        (np.zeros((3, 2), complex), {}, r"frame\[0\] must be discrete"),
    ],
)  # fmt: skip
def test_what_has_the_wrong_type(table: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        pairwise_mutual_information(table, **options)


def test_sparse_tables_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"frame must be dense; got csr_\w+\. Convert it with \.to"):
        pairwise_mutual_information(sparse.csr_array(np.eye(3)))


def test_names_that_are_not_there() -> None:
    result = found(mixed()[["real", "single"]])
    with pytest.raises(KeyError, match="word"):
        result["real", "word"]
    with pytest.raises(KeyError, match="rael"):
        result["rael", "single"]
    with pytest.raises(ValueError, match=r"part must be one of 'values', 'n', 'method'; got 'p'"):
        result.to_frame("p")
