"""Scores of features: those of single calls, and of use to scikit-learn."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import columns as oracle

from infotheory.estimators import (
    estimate_mutual_information,
    mutual_information_scores,
    pair_values,
)
from infotheory.exceptions import PrecisionWarning

N = 50


def alone(x: Any, y: Any, **options: Any) -> Any:
    return quietly(estimate_mutual_information, x, y, interval=False, **options)


def scores(*samples: Any, **options: Any) -> Any:
    return quietly(mutual_information_scores, *samples, **options)


def features(seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=N)
    return pd.DataFrame(
        {
            "strong": common + 0.1 * rng.normal(size=N),
            "weak": common + 2.0 * rng.normal(size=N),
            "none": rng.normal(size=N),
            "rounded": (common + rng.normal(size=N)).round(0),
            "whole": (2 * common).round(0).astype(int),
            "word": np.where(common < 0.5, "low", "high"),
            "target": common,
            "label": (common > 0.0).astype(int),
        }
    )


FRAME = features()
X = FRAME.drop(columns=["target", "label"])


# -------------------------------------------------------------------------------------- the scores


@pytest.mark.parametrize("target", ["target", "label"])
@pytest.mark.parametrize("options", [{}, {"k": 5, "base": 2}, {"method": "gao", "clip": True}])
def test_every_score_is_that_of_a_call_for_the_feature(
    target: str, options: dict[str, Any]
) -> None:
    y = FRAME[target]
    names = [name for name in X if "gao" not in options.values() or X[name].dtype == float]
    found = scores(X[names], y, **options)
    assert isinstance(found, pd.Series)
    assert list(found.index) == names
    for name in names:
        assert found[name] == float(alone(X[name], y, **options))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_scores_of_symbols_are_those_of_the_definition(rows: list[tuple[int, int]]) -> None:
    x, y = (list(column) for column in zip(*rows, strict=True))
    found = scores(np.stack([x, y], axis=1), np.array(y), method="plugin")
    # Three entropies of sums of at most thirty terms below one, rounded.
    assert found == pytest.approx(
        [oracle.mutual_information(x, y), oracle.entropy(y)], abs=3 * 34 * 2.0**-52
    )


def test_arrays_give_arrays() -> None:
    numbers = X[["strong", "weak", "rounded"]].to_numpy()
    found = scores(numbers, FRAME["label"].to_numpy())
    assert isinstance(found, np.ndarray)
    expected = [float(alone(column, FRAME["label"].to_numpy())) for column in numbers.T]
    assert found.tolist() == expected
    named = {"strong": numbers[:, 0], "weak": numbers[:, 1], "rounded": numbers[:, 2]}
    np.testing.assert_array_equal(scores(named, FRAME["label"].tolist()), found)


@pytest.mark.parametrize("discrete", [[False, True], {"rounded": True}, np.array([False, True])])
def test_which_features_are_symbols(discrete: Any) -> None:
    found = scores(X[["weak", "rounded"]], FRAME["target"], discrete_features=discrete)
    assert found["weak"] == float(alone(X["weak"], FRAME["target"]))
    assert found["rounded"] == float(alone(X["rounded"], FRAME["target"], discrete=(True, False)))


def test_whether_the_target_is_symbols() -> None:
    y = FRAME["label"].astype(float)
    found = scores(X[["weak"]], y, discrete_target=True)
    assert found["weak"] == float(alone(X["weak"], FRAME["label"]))
    assert found["weak"] != scores(X[["weak"]], y)["weak"]


def test_each_feature_leaves_out_its_own_rows() -> None:
    gappy = X[["strong", "weak", "word"]].copy()
    gappy.loc[2:5, "weak"] = np.nan
    y = FRAME["target"].where(FRAME.index != 9)
    found = scores(gappy, y, nan_policy="omit")
    for name in gappy:
        assert found[name] == float(alone(gappy[name], y, nan_policy="omit"))
    with pytest.raises(ValueError, match=r"X\['weak'\] must be without missing values; got one at"):
        mutual_information_scores(gappy, FRAME["target"])
    with pytest.raises(ValueError, match=r"y must be without missing values; got one at row 9"):
        mutual_information_scores(X, y)


# ------------------------------------------------------------------------------------ the p-values


@pytest.mark.parametrize("target", ["target", "label"])
@pytest.mark.parametrize("n_jobs", [1, 2, None])
def test_p_values_are_those_of_calls_for_the_features(
    target: str, n_jobs: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_values, "_LEAST", 1)
    y, names = FRAME[target], ["strong", "none", "word"]
    options = {"n_permutations": 9, "rng": 4}
    found, p_values = scores(X[names], y, n_jobs=n_jobs, **options)
    for name in names:
        single = alone(X[name], y, **options)
        assert (found[name], p_values[name]) == (float(single), single.p_value)
    assert p_values["strong"] == 0.1 < p_values["none"]


def test_a_generator_is_drawn_from_in_the_order_of_the_features(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pair_values, "_LEAST", 1)
    noise = np.random.default_rng(1).integers(0, 3, (N, 5))  # p-values all over the place
    options = {"method": "plugin", "n_permutations": 99}
    _, p_values = scores(noise, FRAME["label"], rng=np.random.default_rng(8), n_jobs=2, **options)
    rng = np.random.default_rng(8)
    expected = [alone(column, FRAME["label"], rng=rng, **options).p_value for column in noise.T]
    assert p_values.tolist() == expected
    rng = np.random.default_rng(8)
    backwards = [
        alone(column, FRAME["label"], rng=rng, **options).p_value for column in noise.T[::-1]
    ]
    assert backwards[::-1] != expected


def test_without_a_seed_there_are_p_values_too() -> None:
    _, p_values = scores(X[["strong"]].to_numpy(), FRAME["label"], n_permutations=4)
    assert isinstance(p_values, np.ndarray)
    assert 0.2 <= p_values[0] <= 1.0


# ------------------------------------------------------------------------------------ the warnings


def test_features_without_a_score_are_nan_and_said() -> None:
    names = [f"id {number}" for number in range(N)]
    table = X[["weak"]].assign(name=names)
    with pytest.warns(
        PrecisionWarning,
        match=r"1 of 2 pairs have no estimate, and are nan, such as 'name' and 'target': the discr",
    ) as caught:
        found, p_values = mutual_information_scores(table, FRAME["target"], n_permutations=4, rng=0)
    assert caught[0].filename == __file__
    assert np.isnan([found["name"], p_values["name"]]).all()
    assert np.isfinite([found["weak"], p_values["weak"]]).all()


def test_doubtful_scores_are_said_once() -> None:
    with pytest.warns(PrecisionWarning, match=r"^1 of 1 pairs are to be relied on .* 'discrete=T|"):
        mutual_information_scores(FRAME[["target"]], FRAME["target"])


# --------------------------------------------------------------------------------- in scikit-learn


def test_it_selects_the_best_features() -> None:
    selection = pytest.importorskip("sklearn.feature_selection")
    names = ["none", "strong", "weak"]
    y = FRAME["label"].to_numpy()
    best = selection.SelectKBest(score_func=quiet_scores, k=1).fit(X[names], y)
    assert best.get_feature_names_out().tolist() == ["strong"]
    np.testing.assert_array_equal(best.scores_, scores(X[names].to_numpy(), y))
    assert best.pvalues_ is None


def test_options_are_set_by_partial() -> None:
    selection = pytest.importorskip("sklearn.feature_selection")
    names = ["none", "strong", "weak"]
    score = partial(quiet_scores, k=2, n_permutations=9, rng=0, base=2)
    best = selection.SelectKBest(score_func=score, k=2).fit(X[names], FRAME["target"])
    assert best.get_feature_names_out().tolist() == ["strong", "weak"]
    expected = scores(X[names], FRAME["target"], k=2, n_permutations=9, rng=0, base=2)
    np.testing.assert_array_equal(best.scores_, expected[0])
    np.testing.assert_array_equal(best.pvalues_, expected[1])
    chosen = selection.SelectFpr(score_func=score, alpha=0.11).fit(X[names], FRAME["target"])
    assert "strong" in chosen.get_feature_names_out()


def quiet_scores(*samples: Any, **options: Any) -> Any:
    return scores(*samples, **options)


# ------------------------------------------------------------------------------------ the refusals


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"y": FRAME[["target", "label"]]},
            r"y must be one column; got 2 columns\. Use pairwise_m",
        ),
        ({"y": [1.0, 2.0]}, r"X and y must have one entry for each sample; got 50 in X and 2 in y"),
        ({"X": FRAME["weak"]}, r"X must be a table: a DataFrame, .*; got 1 dimension"),
        ({"X": FRAME[["word"]], "discrete_features": False, "method": "nsb"}, "discrete must be"),
        ({"discrete_features": "yes"}, r"discrete_features must be 'auto', True, False, one of"),
        ({"discrete_target": "yes"}, r"discrete_target must be 'auto', True, False, one of"),
        ({"method": "mi"}, r"method must be one of 'auto', 'plugin'"),
        ({"k": -1}, r"k must be a positive integer"),
        ({"k": N}, r"No pair has an estimate; of 'weak' and 'target': k must be smaller than"),
        ({"base": 0}, r"base must be None \(nats\)"),
        ({"standardize": None}, r"standardize must be True or False"),
        ({"clip": None}, r"clip must be True or False"),
        ({"progress": "yes"}, r"progress must be True or False"),
        ({"n_jobs": 0.5}, r"n_jobs must be a positive integer"),
        ({"nan_policy": "propagate"}, r"nan_policy must be one of 'raise', 'omit'"),
        ({"n_permutations": -1}, r"n_permutations must be a whole number from 0 to"),
        ({"n_permutations": 5, "rng": "seed"}, r"rng must be a seed"),
    ],
)
def test_what_cannot_be_scored(options: dict[str, Any], text: str) -> None:
    samples = {"X": FRAME[["weak"]], "y": FRAME["target"]} | options
    with pytest.raises(ValueError, match=text):
        quietly(mutual_information_scores, samples.pop("X"), samples.pop("y"), **samples)


def test_sparse_features_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"X must be dense; got csr_matrix\. Convert it with"):
        mutual_information_scores(sparse.csr_matrix(np.eye(3)), [0, 1, 1])
