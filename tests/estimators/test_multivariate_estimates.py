"""Total correlation and O-information from samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from oracles import multivariate as exact
from oracles import neighbour_information as oracle
from scipy.special import digamma

from infotheory._jit import JIT_ENABLED
from infotheory.estimators import (
    ENTROPY_METHODS,
    Estimate,
    estimate_mutual_information,
    estimate_o_information,
    estimate_total_correlation,
)
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set: too slow")

NEAR = 1e-12  # of means of 60 sums of a few digammas below ln 60
N = 60
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
Y = X + RNG.normal(size=N)
Z = X - Y + RNG.normal(size=N)
W = RNG.normal(size=(N, 2))
ALL = np.column_stack([X, Y, Z])
BITS = RNG.integers(0, 2, (N, 2))
XOR = np.column_stack([BITS, BITS.sum(axis=1) % 2])


def total(variables: Any, **options: Any) -> Estimate:
    found = quietly(estimate_total_correlation, variables, **options)
    assert isinstance(found, Estimate)
    return found


def beyond(variables: Any, **options: Any) -> Estimate:
    found = quietly(estimate_o_information, variables, **options)
    assert isinstance(found, Estimate)
    return found


def same(one: Estimate, other: Estimate) -> None:
    assert repr(one.to_dict()) == repr(other.to_dict())
    np.testing.assert_array_equal(one.local, other.local)


def table(variable: Any) -> oracle.Table:
    array = np.asarray(variable, dtype=float).reshape(len(variable), -1)
    return oracle.table(oracle.in_units([tuple(row) for row in array]))


# ------------------------------------------------------------------------------ the definitions


@pytest.mark.parametrize(
    "variables", [[X, Y, Z], [X, np.round(Y), Z], [X, W], [X, W, Y, Z], [W, W[:, ::-1], X]]
)
@pytest.mark.parametrize("k", [1, 3])
def test_neighbours(variables: Any, k: int) -> None:
    tables = [table(variable) for variable in variables]
    found = total(variables, k=k)
    tied = any(len(np.unique(v)) < 0.99 * np.size(v) for v in variables)
    local = (oracle.total_correlation_with_ties if tied else oracle.total_correlation)(tables, k)
    assert found.value == pytest.approx(oracle.mean(local), abs=NEAR)
    np.testing.assert_allclose(found.local, np.array(local, dtype=float), rtol=0, atol=NEAR)
    assert found.method == ("ksg_ties" if tied else "ksg1")
    if len(variables) > 2:
        found = beyond(variables, k=k, method="ksg1")
        local = oracle.o_information(tables, k)
        assert found.value == pytest.approx(oracle.mean(local), abs=NEAR)
        np.testing.assert_allclose(found.local, np.array(local, dtype=float), rtol=0, atol=NEAR)


def test_columns_as_they_are() -> None:
    tables = [oracle.table([(value,) for value in column]) for column in (ALL * [1, 9, 1]).T]
    found = total(ALL * [1, 9, 1], standardize=False)
    assert found.value == pytest.approx(oracle.mean(oracle.total_correlation(tables, 3)), abs=NEAR)
    assert total(ALL * [1, 9, 1]).value == pytest.approx(total(ALL).value, abs=1e-9)


@pytest.mark.parametrize("method", ["ksg1", "gaussian", "gaussian_copula"])
def test_two_variables_share_their_mutual_information(method: str) -> None:
    for x, y in ((X, Y), (X, W)):
        want = quietly(estimate_mutual_information, x, y, method=method).value
        assert total([x, y], method=method).value == pytest.approx(want, abs=NEAR)


@pytest.mark.parametrize("method", ["gaussian", "gaussian_copula"])
def test_gaussian_estimates_are_sums_of_mutual_information(method: str) -> None:
    def share(x: Any, y: Any) -> float:
        return float(quietly(estimate_mutual_information, x, y, method=method))

    want = share(X, Y) + share(ALL[:, :2], Z)
    found = total(ALL, method=method)
    assert found.value == pytest.approx(want, abs=NEAR)
    assert found.local.mean() == pytest.approx(want, abs=NEAR)
    # 2 T - sum of what is left without one: n - 2 = 1 times T turns into minus that.
    want = -want + share(Y, Z) + share(X, Z) + share(X, Y)
    assert beyond(ALL, method=method).value == pytest.approx(want, abs=NEAR)


def test_gaussian_samples() -> None:
    """-ln det R / 2 of the correlations, for samples whose correlations are exact."""
    basis = np.linalg.qr(np.column_stack([np.ones(5000), RNG.normal(size=(5000, 3))]))[0][:, 1:]
    r = np.array([[1.0, 0.5, 0.3], [0.5, 1.0, -0.4], [0.3, -0.4, 1.0]])
    x = basis @ np.linalg.cholesky(r).T
    truth = -0.5 * math.log(np.linalg.det(r))
    pairs = [-0.5 * math.log(1 - r[i, j] ** 2) for i, j in ((0, 1), (0, 2), (1, 2))]
    # The correction for bias is 3 / (2 n) and half that for pairs, to first order.
    assert total(x, method="gaussian").value == pytest.approx(truth, abs=2 / 5000)
    assert beyond(x, method="gaussian").value == pytest.approx(sum(pairs) - truth, abs=2 / 5000)


def test_symbols() -> None:
    rows = [tuple(row) for row in XOR.tolist()]
    p = np.zeros((2, 2, 2))
    for row in rows:
        p[row] += 1 / N
    assert total(XOR, method="plugin").value == pytest.approx(exact.total_correlation(p), abs=NEAR)
    assert beyond(XOR, method="plugin").value == pytest.approx(exact.o_information(p), abs=NEAR)
    for method in ("auto", *ENTROPY_METHODS):
        if method != "ansb":
            assert math.isfinite(total(XOR, method=method).value)
    assert total(XOR).method == "chao_wang_jost"
    named = [XOR[:, 0], np.array(["u", "v"])[XOR[:, 1]], pd.Series(XOR[:, 2]).astype("category")]
    assert total(named).to_dict() == total(XOR).to_dict()


def test_known_values() -> None:
    """Independent bits and their sum: synergy of one bit. Copies: redundancy of one bit."""
    bits = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]] * 16)
    assert total(bits, method="plugin", base=2).value == pytest.approx(1.0, abs=NEAR)
    assert beyond(bits, method="plugin", base=2).value == pytest.approx(-1.0, abs=NEAR)
    copies = np.repeat([[0], [1]], 32, axis=0) * [1, 1, 1]
    assert total(copies, method="plugin", base=2).value == pytest.approx(2.0, abs=NEAR)
    assert beyond(copies, method="plugin", base=2).value == pytest.approx(1.0, abs=NEAR)


@compiled
@pytest.mark.parametrize("method", ["ksg1", "gaussian", "gaussian_copula"])
def test_gaussian_truths(method: str) -> None:
    rng = np.random.default_rng(20240)
    cause = rng.normal(size=2000)
    x = cause[:, None] + rng.normal(size=(2000, 3))
    r = 0.5 * np.ones((3, 3)) + 0.5 * np.eye(3)
    truth = -0.5 * math.log(np.linalg.det(r))
    pair = -0.5 * math.log(0.75)
    for function, want in ((total, truth), (beyond, 3 * pair - truth)):
        found = function(x, method=method)
        assert found.value == pytest.approx(want, abs=4 * found.standard_error)


# ---------------------------------------------------------------------------------- the interval


def test_parts_of_the_sample() -> None:
    x = np.tile(ALL, (2, 1)) + np.repeat([0.0, 0.1], N)[:, None]
    for function in (total, beyond):
        for method in ("ksg1", "ksg_ties"):
            found = function(x, method=method)
            assert found.low < found.value < found.high
            assert found.interval.method == "subsampling, t"
            other = function(x, method=method, rng=5)
            assert other.value == found.value
            assert other.standard_error != found.standard_error
            same(function(x, method=method, rng=np.random.default_rng(5)), other)
            same(function(x, method=method, n_jobs=1), function(x, method=method, n_jobs=2))
            without = function(x, method=method, interval=False)
            assert math.isnan(without.low)
            assert without.interval.method == "none"


@pytest.mark.parametrize("method", ["ksg1", "ksg_ties", "gaussian", "gaussian_copula"])
def test_units(method: str) -> None:
    x = np.tile(ALL, (2, 1)) + np.repeat([0.0, 0.1], N)[:, None]
    for function in (total, beyond):
        found, bits = function(x, method=method), function(x, method=method, base=2, level=0.9)
        assert bits.value == pytest.approx(found.value / math.log(2), rel=1e-14)
        assert bits.standard_error == pytest.approx(found.standard_error / math.log(2))
        assert bits.level == 0.9
        np.testing.assert_allclose(bits.local, found.local / math.log(2))


@pytest.mark.parametrize("method", ["gaussian", "gaussian_copula"])
def test_gaussian_intervals_need_no_parts(method: str) -> None:
    for function in (total, beyond):
        found = function(ALL, method=method, interval=False)
        assert found.interval.method == "delta, normal"
        assert found.high - found.value == pytest.approx(1.959964 * found.standard_error, rel=1e-6)


# ------------------------------------------------------------------------------ what is said


def test_warnings() -> None:
    with pytest.warns(
        UndefinedIntervalWarning, match="^The interval is undefined: 60 samples"
    ) as c:
        found = estimate_total_correlation(ALL)
    assert [item.filename for item in c] == [__file__]
    assert found.warnings == tuple(str(item.message) for item in c)
    with pytest.warns(PrecisionWarning, match="^The estimate is infinite: some columns of one"):
        found = estimate_total_correlation([X, 2 * X], method="gaussian", interval=False)
    assert found.value == math.inf
    with pytest.warns(PrecisionWarning, match="^The estimate is undefined: some columns"):
        found = estimate_o_information([X, 2 * X, Y], method="gaussian", interval=False)
    assert math.isnan(found.value)
    with pytest.warns(PrecisionWarning, match="^97 % of the values of a column repeat .*'ksg1'"):
        estimate_total_correlation([X, 0.5 + XOR[:, 0]], method="ksg1", interval=False)
    with pytest.warns(PrecisionWarning, match="copies or more: .* with integers or strings"):
        estimate_total_correlation(0.5 + XOR, interval=False)
    with pytest.warns(PrecisionWarning, match=r"^variables\[1\] has one value only: nothing can"):
        estimate_total_correlation([X, np.ones(N), Y], interval=False)
    for function, most in ((estimate_total_correlation, 2), (estimate_o_information, 1)):
        ceiling = most * (digamma(N) - digamma(3))
        with pytest.warns(PrecisionWarning, match=f"^The estimate is near {ceiling:.2f} nats"):
            function([X, X + 1e-9 * Y, X - 1e-9 * Z], interval=False)
    with pytest.warns(PrecisionWarning, match="Take more samples") as c:
        estimate_total_correlation(np.arange(9)[:, None] * [1, 1])
    assert [item.filename for item in c] == [__file__]


@compiled
def test_many_variables() -> None:
    rng = np.random.default_rng(0)
    x = 3 * rng.normal(size=(1000, 1)) + rng.normal(size=(1000, 12))
    with pytest.warns(PrecisionWarning, match="still depends on the number of samples"):
        estimate_total_correlation(x)


# ------------------------------------------------------------------------------ of which samples


def test_every_layout_gives_the_same() -> None:
    grid = np.round(16 * ALL) / 16
    want = total(grid)
    for variables in (
        grid.tolist(),
        list(grid.T),
        tuple(pd.Series(column) for column in grid.T),
        grid.astype(np.float32),
        np.ma.array(grid, mask=False),
        pd.DataFrame(grid, columns=list("abc")),
        pd.DataFrame(grid, columns=list("aba")),  # names may repeat
        pd.DataFrame(grid, dtype="Float64"),
        [grid[:, :1], grid[:, 1], grid[:, 2].tolist()],
    ):
        same(total(variables), want)


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    same(total(torch.tensor(ALL)), total(ALL))
    same(total([torch.tensor(column) for column in ALL.T]), total(ALL))


def test_one_measurement_makes_numbers_of_all() -> None:
    frame = pd.DataFrame({"a": XOR[:, 0], "b": X, "c": XOR[:, 1] == 1})
    same(total(frame), total(frame.astype(float)))
    same(total(XOR, method="gaussian"), total(XOR.astype(float), method="gaussian"))
    frame["d"] = list("uv") * 30
    with pytest.raises(TypeError, match=r"^variables\['d'\] must be numbers"):
        total(frame)


def test_missing_values_leave_out_the_sample() -> None:
    gapped = ALL.copy()
    gapped[3, 1] = math.nan
    kept = np.delete(ALL, 3, axis=0)
    same(total(gapped, nan_policy="omit"), total(kept))
    masked = np.ma.array(ALL, mask=np.isnan(gapped))
    same(total(masked, nan_policy="omit"), total(kept))
    with pytest.raises(ValueError, match=r"^variables\[:, 1\] must be without missing values; got"):
        total(gapped)
    symbols = XOR.astype(object)
    symbols[7, 2] = None
    want = total(np.delete(XOR, 7, axis=0))
    assert total(symbols, nan_policy="omit").to_dict() == want.to_dict()


REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (X, {}, ValueError, "variables must be a table with a column for each .*; got 1 dimensions"),
    (np.zeros((2, 2, 2)), {}, ValueError, "variables must be a table .*; got 3 dimensions"),
    ([[0.5, 1.0], [2.0]], {}, ValueError, "variables must be a rectangular array"),
    ([], {}, ValueError, "variables must be a table"),
    (np.zeros((0, 3)), {}, ValueError, r"variables\[:, 0\] must have at least one sample"),
    ([X, Y[:-1], Z], {}, ValueError, r"variables\[0\] and variables\[1\] must have one entry for"),
    (ALL * math.inf, {}, ValueError, r"variables\[:, 0\] must be finite"),
    (ALL, {"method": "ksg2"}, ValueError, "method must be one of 'auto', .*'gaussian_copula'; got"),
    (ALL, {"method": "plugin"}, TypeError, r"variables\[:, 0\] must be discrete"),
    (pd.DataFrame(ALL), {"method": "plugin"}, TypeError, r"variables\[0\] must be discrete"),
    (ALL, {"k": 60}, ValueError, r"k must be smaller than the number of samples \(60\); got 60"),
    (ALL, {"k": 0}, ValueError, "k must be a positive integer"),
    (ALL[:4], {"method": "gaussian"}, ValueError, "variables must be at least 5 samples of 3 colu"),
    (ALL, {"interval": 0}, ValueError, "interval must be True or False"),
    (ALL, {"standardize": 0}, ValueError, "standardize must be True or False"),
    (ALL, {"base": 0}, ValueError, "base must be None"),
    (ALL, {"level": 0}, ValueError, "level must be a number"),
    (ALL, {"n_jobs": 0}, ValueError, "n_jobs must be"),
    (ALL, {"rng": "x"}, ValueError, "rng must be a seed"),
    (ALL, {"nan_policy": "drop"}, ValueError, "nan_policy must be one of 'raise', 'omit'"),
]


@pytest.mark.parametrize("function", [estimate_total_correlation, estimate_o_information])
@pytest.mark.parametrize(("variables", "options", "kind", "text"), REFUSED, ids=lambda value: "")
def test_what_is_refused(
    function: Any, variables: Any, options: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=f"^{text}"):
        function(variables, **options)


def test_the_fewest_samples() -> None:
    assert total(ALL[:5], method="gaussian").n == 5
    assert beyond(ALL[:4]).n == 4


def test_how_many_variables_there_must_be() -> None:
    with pytest.raises(ValueError, match=r"^variables must be 2 or more; got 1\. Pass one column"):
        total(ALL[:, :1])
    with pytest.raises(ValueError, match=r"^variables must be 3 or more; got 2"):
        beyond(pd.DataFrame(ALL[:, :2]))
