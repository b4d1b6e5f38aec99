"""In what measurements may come, which of them are left out, and which refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly

from infotheory.estimators import (
    CONDITIONAL_METHODS,
    ENTROPY_METHODS,
    INFORMATION_METHODS,
    Estimate,
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)

NAN = math.nan
N = 60
RNG = np.random.default_rng(0)
X = RNG.integers(-40, 40, N) / 16  # which every type of floats holds
Y = X + RNG.integers(-40, 40, N) / 16
Z = RNG.integers(-40, 40, N) / 16
LABELS = np.digitize(Y, [-1.0, 0.3, 1.5])
BOTH = np.column_stack([Y, Z])


def mi(x: Any, y: Any, **options: Any) -> Estimate:
    found = quietly(estimate_mutual_information, x, y, **options)
    assert isinstance(found, Estimate)
    return found


def cmi(x: Any, y: Any, z: Any, **options: Any) -> Estimate:
    found = quietly(estimate_conditional_mutual_information, x, y, z, **options)
    assert isinstance(found, Estimate)
    return found


def same(one: Estimate, other: Estimate) -> None:
    assert repr(one.to_dict()) == repr(other.to_dict())
    np.testing.assert_array_equal(one.local, other.local)


# ------------------------------------------------------------------------------------ containers

KINDS: dict[str, Any] = {
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "float16": lambda x: x.astype(np.float16),
    "float32": lambda x: x.astype(np.float32),
    "objects": lambda x: x.astype(object),
    "strided": lambda x: np.repeat(x, 2, axis=0)[::2],
    "masked": lambda x: np.ma.array(x, mask=False),
}
COLUMNS: dict[str, Any] = {
    "Series": lambda x: pd.Series(x, index=range(N, 0, -1)),
    "Series of objects": lambda x: pd.Series(x, dtype=object),
    "Float64": lambda x: pd.Series(x, dtype="Float64"),
    "Float32": lambda x: pd.Series(x, dtype="Float32"),
    "DataFrame": lambda x: pd.DataFrame({"a": x}),
    "row by row": lambda x: x[:, None],
}


@pytest.mark.parametrize("kind", [*KINDS, *COLUMNS])
def test_one_column(kind: str) -> None:
    wrap = (KINDS | COLUMNS)[kind]
    same(mi(wrap(X), Y), mi(X, Y))
    same(mi(X, wrap(Y), method="gaussian"), mi(X, Y, method="gaussian"))
    same(mi(wrap(X), LABELS), mi(X, LABELS))
    same(cmi(LABELS, X, wrap(Z)), cmi(LABELS, X, Z))


@pytest.mark.parametrize("kind", KINDS)
def test_several_columns(kind: str) -> None:
    same(mi(X, KINDS[kind](BOTH)), mi(X, BOTH))
    same(mi(X, KINDS[kind](BOTH), method="gaussian"), mi(X, BOTH, method="gaussian"))


def test_frames() -> None:
    frame = pd.DataFrame({"y": Y, "z": pd.Series(Z, dtype="Float64")})
    frame.index = pd.Index(range(N, 0, -1))
    same(mi(X, frame), mi(X, BOTH))
    whole = pd.DataFrame({"y": Y, "label": LABELS, "odd": LABELS % 2 == 1})
    same(mi(X, whole), mi(X, np.column_stack([Y, LABELS, LABELS % 2])))
    text = whole.assign(label=whole["label"].map(str))
    with pytest.raises(TypeError, match=r"^y\['label'\] must be numbers; got "):
        mi(X, text)
    same(mi(X, text, discrete=("auto", True)), mi(X, whole, discrete=("auto", True)))


@pytest.mark.parametrize(
    "wrap",
    [
        list,
        lambda labels: pd.Series(labels, dtype="Int64"),
        lambda labels: pd.Series(labels).astype("category"),
        lambda labels: pd.Categorical(labels, categories=[3, 2, 1, 0, 9]),
        lambda labels: np.array(["d", "a", "c", "b"])[labels],
        lambda labels: np.array(["2020-01-01"], dtype="datetime64[D]") + labels,
        lambda labels: np.ma.array(labels, mask=False),
        lambda labels: pd.DataFrame({"a": labels // 2, "b": (labels % 2).astype(str)}),
        lambda labels: pd.DataFrame({"a": labels // 2, "b": pd.Categorical(labels)}),
    ],
)
def test_symbols(wrap: Any) -> None:
    same(mi(X, wrap(LABELS)), mi(X, LABELS))
    same(mi(wrap(LABELS), X, method="gao"), mi(LABELS, X, method="gao"))
    same(cmi(X, Y, wrap(LABELS)), cmi(X, Y, LABELS))


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        given = torch.tensor(X[:, None], dtype=dtype)
        want = mi(given.double().numpy(), BOTH)  # bfloat16 rounds
        same(mi(given, torch.tensor(BOTH, requires_grad=True)), want)
    same(mi(torch.tensor(X), torch.tensor(LABELS)), mi(X, LABELS))
    same(cmi(torch.tensor(X), Y, torch.tensor(Z)), cmi(X, Y, Z))


# ------------------------------------------------------------------------- which of the two it is


def test_whole_numbers_are_symbols_unless_asked_or_the_method_knows_nothing_else() -> None:
    whole = np.rint(4 * Y).astype(int)
    want = mi(X, whole.astype(float))
    assert mi(X, whole).method == "ksg_ties"  # for X has ties
    assert mi(X + np.linspace(0.0, 1e-6, N), whole).method == "ross"
    same(mi(X, whole, discrete=False), want)
    same(mi(X, whole, discrete=("auto", False)), want)
    same(mi(X, whole, discrete=[False, np.False_]), want)
    for method in ("ksg1", "ksg2", "gaussian", "gaussian_copula", "binned"):
        floats = mi(X, whole.astype(float), method=method)
        same(mi(X, whole, method=method), floats)
        same(mi(X, whole, method=method, discrete=False), floats)
    same(mi(X > 0, Y, method="gao", discrete=False), mi((X > 0) * 1.0, Y, method="gao"))


def test_floats_are_symbols_where_asked() -> None:
    floats = LABELS + 0.5
    same(mi(X, floats, discrete=("auto", True)), mi(X, LABELS))
    same(mi(X, floats, discrete=np.array([False, True])), mi(X, LABELS))
    same(mi(LABELS % 3, floats, discrete=True), mi(LABELS % 3, LABELS))
    same(mi(floats, floats, discrete=True, method="plugin"), mi(LABELS, LABELS, method="plugin"))
    rows = np.column_stack([floats // 2, floats])
    for joint in (rows, rows.tolist(), pd.DataFrame(rows)):
        same(mi(X, joint, discrete=("auto", True)), mi(X, LABELS))
    same(cmi(X, Y, floats, discrete=("auto", "auto", True)), cmi(X, Y, LABELS))
    same(cmi(X, Y, floats, discrete=(False, False, True)), cmi(X, Y, LABELS))


# ------------------------------------------------------------------------------------ what lacks


def test_samples_that_lack_a_variable_are_left_out() -> None:
    x, y, labels = X.copy(), BOTH.copy(), LABELS.astype(object)
    x[3], y[10, 1], labels[20] = NAN, NAN, None
    kept = np.delete(np.arange(N), [3, 10])
    same(mi(x, y, nan_policy="omit"), mi(X[kept], BOTH[kept]))
    kept = np.delete(np.arange(N), [3, 20])
    for missing in (
        labels,
        labels.tolist(),
        pd.Series(labels, dtype="Int64"),
        np.ma.array(LABELS, mask=np.arange(N) == 20),
    ):
        same(mi(x, missing, nan_policy="omit"), mi(X[kept], LABELS[kept]))
    kept = np.delete(np.arange(N), [3, 10, 20])
    want = cmi(X[kept], BOTH[kept], LABELS[kept])
    same(cmi(x, y, labels, nan_policy="omit"), want)
    gapped = pd.Series(X, dtype="Float64")
    gapped[3] = pd.NA
    same(cmi(gapped, y, labels, nan_policy="omit"), want)
    masked = np.ma.array(X, mask=np.arange(N) == 3)
    same(cmi(masked, y, labels, nan_policy="omit"), want)
    for method in ("gaussian", "binned"):
        found = mi(x, y, nan_policy="omit", method=method)
        assert found.n == N - 2
    with pytest.raises(ValueError, match=r"^x must be without missing values; got one at row 3\."):
        mi(x, y)
    with pytest.raises(ValueError, match=r"^z must be without missing values; got one at row 20"):
        cmi(X, BOTH, labels)


# -------------------------------------------------------------------------------------- refusals

REFUSED: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    (X, Y, {"method": "ksg"}, ValueError, "method must be one of 'auto', 'plugin', .*'ksg1', .*;"),
    (X, Y, {"k": 0}, ValueError, r"k must be a positive integer \(at most 100,000,000\); got 0"),
    (X, Y, {"k": 2.0}, ValueError, r"k must be a positive integer .*; got 2\.0"),
    (X, Y, {"k": True}, ValueError, "k must be a positive integer .*; got True"),
    (X, Y, {"k": N}, ValueError, r"k must be smaller than the number of samples \(60\); got 60"),
    (X[:3], Y[:3], {}, ValueError, r"k must be smaller than the number of samples \(3\); got 3"),
    (X[:2], LABELS[:2], {}, ValueError, r"k must be smaller than the number of samples \(2\)"),
    (X, Y, {"discrete": 1}, ValueError, "discrete must be 'auto', True, False, or one of them"),
    (X, Y, {"method": "ksg1", "discrete": True}, ValueError, "discrete must be False or 'auto'"),
    (
        X,
        Y,
        {"method": "plugin", "discrete": (True, False)},
        ValueError,
        "discrete must be True or 'auto' for y with method='plugin'; got False",
    ),
    (X, Y, {"standardize": 1}, ValueError, "standardize must be True or False; got 1"),
    (X, Y, {"interval": None}, ValueError, "interval must be True or False; got None"),
    (X, Y, {"clip": "no"}, ValueError, "clip must be True or False; got 'no'"),
    (X, Y, {"n_jobs": 0}, ValueError, "n_jobs must be a positive integer"),
    (X, Y, {"n_permutations": -1}, ValueError, "n_permutations must be a whole number from 0"),
    (X, Y, {"rng": "seed"}, ValueError, "rng must be a seed"),
    (X, Y, {"base": 1}, ValueError, "base must be None"),
    (X, Y, {"level": 95}, ValueError, "level must be a number between 0 and 1; got 95"),
    (X, Y, {"nan_policy": "drop"}, ValueError, "nan_policy must be one of 'raise', 'omit'; got"),
    (X, Y, {"n_symbols": (2, 2)}, ValueError, "n_symbols must be None where a variable is cont"),
    (X, LABELS, {"n_symbols": (2, 2)}, ValueError, "n_symbols must be None where a variable is"),
    (X, Y, {"method": "ross"}, ValueError, "method must be for one discrete .*; got 0 discrete"),
    (
        LABELS,
        LABELS,
        {"method": "ross"},
        ValueError,
        "method must be for one discrete and one continuous variable where it is 'ross'; got 2 d",
    ),
    (
        LABELS,
        LABELS,
        {"method": "gao"},
        ValueError,
        "method must be one of auto, plugin, .* where every variable is discrete; got 'gao'",
    ),
    (
        X,
        range(N),
        {"method": "ross"},
        ValueError,
        "the discrete variable must have a symbol that occurs twice",
    ),
    (X, BOTH, {"method": "lnc", "k": 2}, ValueError, r"k must be at least the number of columns"),
    (X, np.zeros((N, 58)), {"method": "gaussian"}, ValueError, "x and y must have at least 61 sa"),
    (X, X[:-1], {}, ValueError, "x and y must have one entry for each sample; got 60 in x and 59"),
    ([], [], {}, ValueError, "x must have at least one sample"),
    (0.5, Y, {}, ValueError, "x must be 1-dimensional"),
    (X, 7, {}, ValueError, "y must be 1-dimensional"),
    (np.zeros((2, 2, 2)), Y, {}, ValueError, "x must be 1-dimensional.*; got 3 dimensions"),
    (np.zeros((N, 0)), Y, {}, ValueError, r"x must have at least one sample; got shape \(60, 0\)"),
    ([0.5, NAN], [1.0, 2.0], {}, ValueError, r"x must be without missing values; got one at row 1"),
    ([0.5, math.inf], [1.0, 2.0], {}, ValueError, r"x must be finite; got inf at row 1\. Leave"),
    (X, [-math.inf] * N, {"nan_policy": "omit"}, ValueError, "y must be finite; got -inf at row 0"),
    (X * 1j, Y, {}, TypeError, "x must be discrete .*; got dtype complex128"),
    (X * 1j, Y, {"method": "ksg1"}, TypeError, "x must be numbers; got dtype complex128"),
    (X, ["a"] * N, {"method": "ksg1"}, TypeError, "y must be numbers; got dtype <U1"),
    (X, [object()] * N, {}, TypeError, "y must be discrete .*; got object <object"),
    (X, Y, {"method": "plugin"}, TypeError, "x must be discrete .* Cut measurements into bins"),
]


@pytest.mark.parametrize(("x", "y", "options", "kind", "text"), REFUSED, ids=lambda value: "")
def test_what_is_refused(x: Any, y: Any, options: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"^{text}"):
        estimate_mutual_information(x, y, **options)


@pytest.mark.parametrize("method", [m for m in INFORMATION_METHODS if m not in CONDITIONAL_METHODS])
def test_methods_for_two_variables(method: str) -> None:
    with pytest.raises(ValueError, match=r"^method must be one of .*'binned'; got"):
        cmi(X, Y, Z, method=method)


def test_what_is_refused_given_a_third() -> None:
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (Z[:-1], {}, "x and z must have one entry for each sample; got 60 in x and 59 in z"),
        (np.full(N, math.inf), {}, "z must be finite; got inf at row 0"),
        (Z, {"discrete": (True, False)}, "discrete must be 'auto'.* for each of x, y, z"),
        (np.zeros((N, 57)), {"method": "gaussian"}, "x, y and z must have at least 61 samples for"),
        (Z, {"k": 60}, "k must be smaller than the number of samples"),
        (Z, {"n_symbols": (2, 2, 2)}, "n_symbols must be None where"),
    ]
    for z, options, text in cases:
        with pytest.raises(ValueError, match=f"^{text}"):
            cmi(X, Y, z, **options)


def test_neighbours_are_not_counted_where_none_are_sought() -> None:
    for method in ("gaussian", "gaussian_copula", "binned"):
        same(mi(X, Y, method=method, k=500), mi(X, Y, method=method))
    assert mi(LABELS, LABELS, k=500).method in ENTROPY_METHODS


def test_few_samples() -> None:
    assert mi(X[:4], Y[:4], method="gaussian").n == 4
    assert cmi(X[:5], Y[:5], Z[:5], method="gaussian").n == 5
    found = mi(X[:4], Y[:4])
    assert found.n == 4
    assert math.isnan(found.low)
    wide = np.random.default_rng(0).normal(size=(10, 20))  # more columns than samples
    assert math.isfinite(mi(wide, X[:10]).value)
