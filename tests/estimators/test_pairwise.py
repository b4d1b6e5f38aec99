"""Mutual information between all columns of a table: each entry is that of a call for the pair."""

from __future__ import annotations

import threading
import time
from itertools import combinations
from math import fsum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from estimators.mixed_tables import MEASURED, N, alone, found, mixed
from hypothesis import given
from hypothesis import strategies as st
from oracles.pairs import ksg1_counts
from scipy.special import digamma

from infotheory.estimators import (
    INFORMATION_METHODS,
    PairwiseInformation,
    estimate_mutual_information,
    pair_values,
    pairwise_mutual_information,
)
from infotheory.exceptions import PrecisionWarning


def assert_all_alone(frame: pd.DataFrame, result: PairwiseInformation, **options: Any) -> None:
    """Every entry is that of a call for the pair, to the last bit, in either order."""
    for x, y in combinations(frame.columns, 2):
        assert result[x, y] == result[y, x] == alone(frame[x], frame[y], **options), (x, y)


# ------------------------------------------------------------------------------------- the entries


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("standardize", [True, False])
def test_every_entry_is_that_of_a_call_for_the_pair(k: int, standardize: bool) -> None:
    frame = mixed()
    result = found(frame, k=k, standardize=standardize)
    assert_all_alone(frame, result, k=k, standardize=standardize)
    assert np.isnan(np.diag(result.values)).all()
    assert result.method[0, 1] == "ksg1"
    assert result.method[0, 4] == "ross"
    assert result.method[2, 5] == "ksg_ties"
    assert result.method[4, 5] == "chao_wang_jost"
    assert (np.diag(result.method) == "").all()
    assert (result.n == N * (1 - np.eye(7))).all()


@pytest.mark.parametrize("method", INFORMATION_METHODS)
@pytest.mark.parametrize("standardize", [True, False])
def test_every_method_of_measurements(method: str, standardize: bool) -> None:
    frame = mixed().assign(rounded=lambda t: 8 * t["rounded"], single=lambda t: t["single"] / 5)
    frame = frame[["whole", "rounded"] if method == "ross" else MEASURED]
    options = {"method": method, "base": 2, "clip": True, "standardize": standardize}
    result = found(frame, **options)
    assert_all_alone(frame, result, **options)
    assert {*result.method.flat} == {"", method}


@pytest.mark.parametrize("method", ["plugin", "nsb"])
def test_every_method_of_symbols(method: str) -> None:
    frame = mixed()[["whole", "word", "flag"]]
    assert_all_alone(frame, found(frame, method=method), method=method)


def test_the_values_are_those_of_the_formula() -> None:
    x = np.random.default_rng(1).normal(size=(25, 3))
    x[:, 2] += x[:, 0]
    result = found(x, k=2, standardize=False)
    for i, j in combinations(range(3), 2):
        counts = ksg1_counts(x[:, i].tolist(), x[:, j].tolist(), 2)
        terms = [digamma(a) + digamma(b) for a, b in zip(*counts, strict=True)]
        expected = digamma(2) + digamma(25) - fsum(terms) / 25
        # A sum of a few dozen numbers below ten, divided by their number.
        assert result.values[i, j] == pytest.approx(expected, abs=1e-13)


levels = st.integers(-2, 2).map(lambda level: level / 2)


@given(
    st.lists(st.tuples(levels, levels, st.floats(-1, 1)), min_size=3, max_size=30),
    st.integers(1, 4),
    st.sampled_from(["auto", "ksg1"]),
)
def test_copies_decide_the_method_as_in_a_call_for_the_pair(
    rows: list[tuple[float, float, float]], k: int, method: str
) -> None:
    frame = pd.DataFrame(rows, columns=list("abc"))
    if len(frame) <= k:
        with pytest.raises(ValueError, match=r"No pair has an estimate; of 'a' and 'b': k must be"):
            found(frame, k=k, method=method)
        return
    result = found(frame, k=k, method=method)
    for x, y in combinations("abc", 2):
        single = quietly(estimate_mutual_information, frame[x], frame[y], k=k, method=method)
        assert result[x, y] == float(single)
        row, column = result.names.index(x), result.names.index(y)
        assert result.method[row, column] == single.method


def test_values_that_repeat_without_copies() -> None:
    grid = np.indices((5, 5)).reshape(2, -1).T / 2.0  # every value five times, every row once
    result = found(grid, k=3)
    assert result.method[0, 1] == quietly(estimate_mutual_information, *grid.T).method == "ksg_ties"
    assert result[0, 1] == alone(*grid.T)


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_threads_change_nothing(n_jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = mixed()
    expected = found(frame, n_jobs=1)
    monkeypatch.setattr(pair_values, "_LEAST", 1)
    result = found(frame, n_jobs=n_jobs)
    np.testing.assert_array_equal(result.values, expected.values)
    assert result.warnings == expected.warnings
    np.testing.assert_array_equal(found(frame, n_jobs=None).values, expected.values)


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_threads_over_sets_of_rows_change_nothing(
    n_jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(2).normal(size=(40, 5))
    x[np.arange(5) * 7, np.arange(5)] = np.nan  # every pair has rows of its own
    expected = found(x, nan_policy="omit", n_jobs=1)
    assert (expected.n + 38 * np.eye(5) == 38).all()
    threads = set()
    once = pair_values._from_sorted

    def watched(*arguments: Any) -> Any:
        threads.add(threading.get_ident())
        time.sleep(0.01)  # or one thread may do it all
        return once(*arguments)

    monkeypatch.setattr(pair_values, "_from_sorted", watched)
    monkeypatch.setattr(pair_values, "_LEAST", 1)
    result = found(x, nan_policy="omit", n_jobs=n_jobs)
    np.testing.assert_array_equal(result.values, expected.values)
    assert len(threads) == (n_jobs if n_jobs < 3 else 1)  # ten sets are too few for three


def test_rescaled_columns_change_nothing() -> None:
    frame = mixed()
    scaled = frame.assign(real=frame["real"] * 1024, rounded=frame["rounded"] / 64 + 8)
    np.testing.assert_array_equal(found(frame).values, found(scaled).values)


# ------------------------------------------------------------------------------------- two tables


def test_each_column_with_each_of_another_table() -> None:
    frame = mixed()
    left, right = frame[["real", "word"]], frame[["single", "whole", "real"]]
    result = found(left, right)
    assert (result.names, result.other_names) == (("real", "word"), ("single", "whole", "real"))
    for x in left:
        for y in right:
            assert result[x, y] == alone(left[x], right[y])
    assert list(result.to_frame("n").to_numpy().flat) == [N] * 6
    assert len(result.pairs()) == 6


@pytest.mark.parametrize("kind", [list, np.asarray, pd.Series])
def test_one_target_needs_no_table(kind: Any) -> None:
    frame = mixed()
    target = kind(frame["flag"].tolist())
    result = found(frame[["real", "word"]], target)
    assert result.values.shape == (2, 1)
    assert result.other_names == (0,)
    assert result["real", 0] == alone(frame["real"], frame["flag"])
    named = found(frame[["real"]], frame["flag"])
    assert named.other_names == ("flag",)
    assert named["real", "flag"] == result["real", 0]


def test_kinds_of_both_tables() -> None:
    frame = mixed()
    result = found(frame[["whole"]], frame["rounded"], discrete=False, discrete_other=True)
    assert result["whole", "rounded"] == alone(
        frame["whole"], frame["rounded"], discrete=(False, True)
    )


# -------------------------------------------------------------------------------------- the tables


@pytest.mark.parametrize("discrete", ["auto", (False, True), {1: True}, np.array([False, True])])
def test_tables_of_every_sort(discrete: Any) -> None:
    x = mixed()[["real", "rounded"]].to_numpy()
    expected = alone(x[:, 0], x[:, 1], discrete=(False, not isinstance(discrete, str)))
    tables = [x, np.ma.array(x), x.tolist(), tuple(map(tuple, x)), list(x), pd.DataFrame(x)]
    for table in [*tables, {0: x[:, 0], 1: x[:, 1].tolist()}, {0: x[:, :1], 1: x[:, 1]}]:
        result = found(table, discrete=discrete)
        assert result.names == (0, 1)
        assert result[0, 1] == expected


def test_rows_of_lists_keep_their_types() -> None:
    frame = mixed()[["real", "whole", "word"]]
    result = found([list(row) for row in frame.itertuples(index=False)])
    np.testing.assert_array_equal(result.values, found(frame).values)


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    x = mixed()[["real", "inflated"]].to_numpy()
    assert found(torch.tensor(x))[0, 1] == found(x)[0, 1]


def test_anything_that_numpy_reads() -> None:
    class Table:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return mixed()[["real", "inflated"]].to_numpy()

    assert found(Table())[0, 1] == found(mixed())["real", "inflated"]


@pytest.mark.parametrize("method", ["auto", "gao", "mesner_shalizi"])
def test_kinds_by_name(method: str) -> None:
    frame = mixed()[["real", "whole", "rounded"]]
    kinds = {"whole": False, "rounded": True}
    result = found(frame, discrete=kinds, method=method)
    for x, y in combinations(frame, 2):
        pair = (kinds.get(x, False), kinds.get(y, False))
        assert result[x, y] == alone(frame[x], frame[y], discrete=pair, method=method)


def test_whole_numbers_are_measured_where_the_method_knows_nothing_else() -> None:
    frame = mixed()[["real", "whole"]]
    assert_all_alone(frame, found(frame, method="ksg1"), method="ksg1")


# ------------------------------------------------------------------------------------- the missing


def gaps() -> pd.DataFrame:
    frame = mixed().drop(columns="flag")
    frame.loc[3:6, ["real", "inflated"]] = np.nan
    frame.loc[6:9, "single"] = np.nan
    frame["word"] = frame["word"].where(frame.index != 20)
    return frame


def test_each_pair_leaves_out_its_own_rows() -> None:
    frame = gaps()
    result = found(frame, nan_policy="omit")
    assert_all_alone(frame, result, nan_policy="omit")
    n = result.to_frame("n")
    lacking = {
        ("real", "inflated"): 4, ("real", "single"): 7, ("rounded", "whole"): 0,
        ("rounded", "word"): 1, ("real", "rounded"): 4, ("single", "word"): 5,
    }  # fmt: skip
    for (x, y), lost in lacking.items():
        assert n.loc[x, y] == n.loc[y, x] == N - lost


def test_missing_values_are_refused_by_name() -> None:
    with pytest.raises(
        ValueError, match=r"frame\['real'\] must be without missing values; got one at row 3\. Use"
    ):
        pairwise_mutual_information(gaps())
    with pytest.raises(ValueError, match=r"other must be without missing values; got one at row 6"):
        pairwise_mutual_information(mixed(), gaps()["single"])


def test_pairs_that_were_not_observed_together_are_nan_and_said() -> None:
    frame = mixed()[["real", "single", "word"]]
    frame.loc[: N // 2, "real"] = np.nan
    frame.loc[N // 2 :, "single"] = np.nan
    with pytest.warns(
        PrecisionWarning,
        match=r"1 of 3 pairs have no estimate, and are nan, such as 'real' and 'single': no row ha",
    ) as caught:
        result = pairwise_mutual_information(frame, nan_policy="omit")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isnan(result["real", "single"])
    assert result.warnings == {("real", "single"): ("no row has entries of both",)}
    assert result["single", "word"] == alone(frame["single"], frame["word"], nan_policy="omit")
    assert result.method[0].tolist() == ["", "", "ross"]
    assert result.n[0].tolist() == [0, 0, N // 2 - 1]


def test_too_few_rows_together_are_said() -> None:
    frame = mixed()[["real", "single", "inflated"]]
    frame.loc[: N - 4, "real"] = np.nan
    result = found(frame, nan_policy="omit")
    (reason,) = result.warnings["real", "single"]
    assert reason.startswith("k must be smaller than the number of samples (3); got 3.")
    assert np.isfinite(result["single", "inflated"])
