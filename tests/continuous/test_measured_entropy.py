"""Differential entropy of measurements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.support import quietly
from oracles import neighbour_information as oracle
from scipy.stats import differential_entropy

from infotheory import sources
from infotheory._jit import JIT_ENABLED
from infotheory.estimators import DENSITY_METHODS, Estimate, estimate_entropy
from infotheory.exceptions import PrecisionWarning

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set: too slow")

SPACINGS = ("vasicek", "van_es", "ebrahimi", "correa")
NEAR = 1e-12  # of means of 60 sums of two digammas and a logarithm, each below ten
N = 60
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))


def entropy(samples: Any, **options: Any) -> Estimate:
    found = quietly(estimate_entropy, samples, **options)
    assert isinstance(found, Estimate)
    return found


def same(one: Estimate, other: Estimate) -> None:
    assert repr(one.to_dict()) == repr(other.to_dict())
    np.testing.assert_array_equal(one.local, other.local)


# ------------------------------------------------------------------------------ the definition


@pytest.mark.parametrize("norm", ["max", "euclidean"])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_distances_to_the_kth_neighbour(d: int, norm: str) -> None:
    points = [tuple(row) for row in X[:, :d].tolist()]
    for k in range(1, 6):
        found = entropy(X[:, :d], k=k, norm=norm, standardize=False)
        local = oracle.kozachenko_leonenko(points, k, norm)
        assert found.value == pytest.approx(oracle.mean(local), abs=NEAR)
        np.testing.assert_allclose(found.local, np.array(local, dtype=float), rtol=0, atol=NEAR)
        moved = math.fsum(map(math.log, map(oracle.unit, X[:, :d].T.tolist())))
        local = oracle.kozachenko_leonenko(oracle.in_units(points), k, norm)
        want = oracle.mean(local) + moved
        found = entropy(X[:, :d], k=k, norm=norm)
        assert found.value == pytest.approx(want, abs=NEAR)
        assert np.mean(found.local) == pytest.approx(found.value, abs=NEAR)
    assert found.method == "kozachenko_leonenko"


def test_norms_agree_on_a_line() -> None:
    for k in (1, 4):
        found = entropy(X[:, 0], k=k, norm="euclidean")
        assert found.value == entropy(X[:, 0], k=k).value
        same(found, entropy(X[:, :1], k=k))


@pytest.mark.parametrize("method", SPACINGS)
def test_spacings_are_those_of_scipy(method: str) -> None:
    name = method.replace("_", " ")
    want = differential_entropy(X[:, 0], method=name, window_length=8)  # round(sqrt(60))
    assert entropy(X[:, 0], method=method).value == pytest.approx(want, abs=1e-12)


def test_methods_are_named() -> None:
    assert entropy(X).method == "kozachenko_leonenko"
    for method in DENSITY_METHODS:
        found = entropy(X[:, 0], method=method)
        assert found.method == method
        assert found.n == N
        assert found.local is not None
        assert np.mean(found.local) == pytest.approx(found.value, abs=NEAR)


# ------------------------------------------------------------------------------------------ laws


@pytest.mark.parametrize("method", DENSITY_METHODS)
@pytest.mark.parametrize("factor", [1e-6, 0.37, -1.0, 1e6])
def test_units_add_their_logarithm(method: str, factor: float) -> None:
    """h(aX) = h(X) + ln abs(a)."""
    want = entropy(X[:, 0], method=method).value + math.log(abs(factor))
    assert entropy(factor * X[:, 0], method=method).value == pytest.approx(want, abs=1e-9)
    if method not in SPACINGS:
        want = entropy(X, method=method).value + math.log(abs(factor))
        found = entropy(X * [1.0, factor, 1.0], method=method).value
        assert found == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("factor", [2.0**1000, 2.0**-700])
@pytest.mark.parametrize("norm", ["max", "euclidean"])
def test_the_largest_numbers_as_they_are(norm: str, factor: float) -> None:
    """Their squares overflow, or vanish."""
    found = entropy(factor * X, norm=norm, standardize=False)
    want = entropy(X, norm=norm, standardize=False).value + 3 * math.log(factor)
    assert found.value == pytest.approx(want, rel=1e-14)


def test_an_offset_that_the_data_survive_does_not_change_a_bit() -> None:
    steps = np.column_stack([np.random.default_rng(1).permutation(N) / 8, np.round(8 * X[:, 0])])
    for d in (1, 2):
        for norm in ("max", "euclidean"):
            one, other = (entropy(steps[:, :d] + o, norm=norm) for o in (0.0, 1e9))
            same(one, other)


def test_threads_do_not_change_a_bit() -> None:
    for d in (1, 3):
        same(entropy(X[:, :d], n_jobs=1), entropy(X[:, :d], n_jobs=2))


@pytest.mark.parametrize("method", DENSITY_METHODS)
def test_the_base_is_a_unit(method: str) -> None:
    x = np.tile(X[:, 0], 2) + np.repeat([0.0, 0.1], N)
    nats, bits = (entropy(x, method=method, base=base) for base in (None, 2))
    for name in ("value", "standard_error", "low", "high"):
        want = getattr(nats, name) / math.log(2)
        assert getattr(bits, name) == pytest.approx(want, rel=1e-14), name
    np.testing.assert_allclose(bits.local, np.asarray(nats.local) / math.log(2), rtol=1e-14)
    assert bits.base == 2.0
    assert bits.interval.estimate == bits.value


def test_rounded_values_are_told() -> None:
    rounded = np.column_stack([X[:, 0], np.round(X[:, 1], 1)])
    share = 100 * (1 - np.unique(rounded[:, 1]).size / N)
    for samples, methods in (
        (rounded, ("auto", "kde")),
        (rounded[:, 1], (*SPACINGS, "kde", "kozachenko_leonenko")),
    ):
        for method in methods:
            found = entropy(samples, method=method, k=10)
            (text,) = (text for text in found.warnings if "repeat" in text)
            assert text == (
                f"{share:.0f} % of the values of a column repeat others, where method="
                f"'{found.method}' assumes a density. Give them as they were before rounding, or "
                "count them as symbols (discrete=True)."
            )
    with pytest.warns(PrecisionWarning, match=r"\d+ % of the values of a column repeat others"):
        estimate_entropy(rounded[:, 1], method="vasicek")
    assert entropy(rounded[:, 1], method="gaussian").warnings == ()
    for method in DENSITY_METHODS:
        assert not any("repeat" in text for text in entropy(X[:, 0], method=method).warnings)


def test_the_interval_can_be_left_out() -> None:
    x = np.tile(X, (2, 1)) + np.repeat([0.0, 0.1], N)[:, None]
    with_it, without = entropy(x), entropy(x, interval=False)
    assert with_it.value == without.value
    assert with_it.interval.method == "subsampling, t"
    assert with_it.low < with_it.value < with_it.high
    assert without.interval.method == "none"
    assert math.isnan(without.low)
    other = entropy(x, rng=7)
    assert other.value == with_it.value
    assert other.standard_error != with_it.standard_error
    same(entropy(x, rng=np.random.default_rng(7)), other)
    wide = entropy(x, level=0.99)
    assert wide.high - wide.value > with_it.high - with_it.value
    assert wide.level == 0.99


# ---------------------------------------------------------------------------------- known values


@compiled
@pytest.mark.parametrize(
    "source",
    [
        sources.Uniform(),
        sources.Exponential(),
        sources.Gamma(3.0),
        sources.Gamma(0.3),
        sources.Laplace(),
        sources.StudentT(df=3),
        sources.Gaussian(covariance=[[2.0, 0.5], [0.5, 1.0]]),
    ],
    ids=repr,
)
def test_sources_that_know_the_truth(source: Any) -> None:
    """Local values scatter by -ln of the density and the noise of neighbours, psi'(k)."""
    samples = source.sample(2000, rng=20240)
    for norm in ("max", "euclidean"):
        found = entropy(samples, norm=norm)
        error = np.std(found.local) / math.sqrt(2000)
        assert found.value == pytest.approx(source.differential_entropy(), abs=4 * error)


@compiled
@pytest.mark.parametrize("method", DENSITY_METHODS)
def test_a_normal_sample(method: str) -> None:
    x = np.random.default_rng(20240).normal(size=2000)
    found = entropy(x, method=method)
    truth = 0.5 * math.log(2 * math.pi * math.e)
    # Windows of sqrt(n) at the ends bias the spacings by up to 1 / sqrt(n).
    bias = 1 / math.sqrt(2000) if method in SPACINGS else 0.0
    assert found.value == pytest.approx(truth, abs=4 * found.standard_error + bias)


# ------------------------------------------------------------------------------ of which samples


def test_every_layout_gives_the_same() -> None:
    grid = np.round(16 * X[:, :2]) / 16
    want = entropy(grid)
    for samples in (
        grid.tolist(),
        grid.astype(np.float32),
        grid.astype(object),
        pd.DataFrame(grid),
        pd.DataFrame(grid, dtype="Float64"),
        np.ma.array(grid, mask=False),
    ):
        same(entropy(samples), want)


def test_which_samples_are_measured() -> None:
    whole = np.round(1.5 * X[:, 0]).astype(int)
    assert entropy(whole).method == "chao_wang_jost"
    assert entropy(whole, discrete=False, k=N - 1).method == "kozachenko_leonenko"
    same(entropy(whole, method="gaussian"), entropy(1.0 * whole, method="gaussian"))
    want = entropy(whole)
    for declared in (True, np.True_, [True], ("auto",)):
        given = whole if declared == ("auto",) else whole + 0.5
        same(entropy(given, discrete=declared), want)
    rows = np.column_stack([whole, whole // 2]) + 0.5
    same(entropy(rows, discrete=True), want)
    same(entropy(rows.tolist(), discrete=True, method="plugin"), entropy(whole, method="plugin"))
    same(entropy(whole + 0.5, discrete=True, n_symbols=20), entropy(whole, n_symbols=20))
    mixed = pd.DataFrame({"a": whole + 0.5, "b": list("uv") * 30})
    assert entropy(mixed, discrete=True).n == N


def test_missing_samples() -> None:
    gapped = X.copy()
    gapped[7, 1] = math.nan
    same(entropy(gapped, nan_policy="omit"), entropy(np.delete(X, 7, axis=0)))
    gapped = np.append(X[:, 0], math.nan)
    same(entropy(gapped, nan_policy="omit", method="kde"), entropy(X[:, 0], method="kde"))
    with pytest.raises(ValueError, match=r"^samples must be without missing values; got one at r"):
        estimate_entropy(gapped)
    halves = [0.5, 1.5, math.nan]
    found = entropy(halves, discrete=True, nan_policy="omit", method="plugin")
    assert found.value == pytest.approx(math.log(2))


@pytest.mark.parametrize("method", [*SPACINGS, "gaussian", "kde"])
def test_the_fewest_samples(method: str) -> None:
    """Five for windows, and two more than columns otherwise."""
    least = X[:5, :1] if method in SPACINGS else X[:5]
    assert math.isfinite(entropy(least, method=method).value)


REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (
        X,
        {"method": "knn"},
        ValueError,
        "method must be one of 'auto', 'plugin', .*'kde'; got 'knn'",
    ),
    (X, {"norm": "l1"}, ValueError, "norm must be one of 'max', 'euclidean'; got 'l1'"),
    (X, {"k": 0}, ValueError, "k must be a positive integer"),
    (X, {"k": N}, ValueError, r"k must be smaller than the number of samples \(60\); got 60"),
    (X, {"standardize": 1}, ValueError, "standardize must be True or False; got 1"),
    (X, {"interval": 1}, ValueError, "interval must be True or False; got 1"),
    (X, {"discrete": "no"}, ValueError, "discrete must be 'auto', True, False, or one of them for"),
    (X, {"discrete": (True, False)}, ValueError, "discrete must be 'auto', True, False, or one of"),
    (X, {"rng": -1}, ValueError, "rng must be a seed"),
    (X, {"n_jobs": 0}, ValueError, "n_jobs must be a positive integer"),
    (X, {"n_symbols": 5}, ValueError, "n_symbols must be None where a variable is continuous"),
    (X, {"method": "kde", "discrete": True}, ValueError, "discrete must be False or 'auto' for s"),
    ([1, 2], {"method": "zhang", "discrete": False}, ValueError, "discrete must be True or 'auto'"),
    (X, {"method": "plugin"}, TypeError, "samples must be discrete .* got dtype float64"),
    (X, {"method": "vasicek"}, ValueError, "samples must be one column with method='vasicek'; got"),
    (X[:4, 0], {"method": "correa"}, ValueError, "samples must be at least 5 rows with method="),
    (X[:4], {"method": "gaussian"}, ValueError, "samples must be at least 5 rows with .*; got 4"),
    (
        X[:4],
        {"method": "kde"},
        ValueError,
        "samples must be at least 5 rows with method='kde'; got",
    ),
    (["a", "b"], {"method": "kde"}, TypeError, "samples must be numbers; got dtype <U1"),
    ([0.5, math.inf], {}, ValueError, "samples must be finite; got inf at row 1"),
    ([[0.5], [0.5, 1.0]], {}, ValueError, "samples must be a rectangular array"),
    (np.zeros((0, 2)), {"discrete": False}, ValueError, "samples must have at least one sample"),
    (np.float64(0.5), {}, ValueError, "samples must be 1-dimensional"),
    (X * 1j, {}, TypeError, "samples must be discrete .* got dtype complex128"),
]


@pytest.mark.parametrize(("samples", "options", "kind", "text"), REFUSED, ids=lambda value: "")
def test_what_is_refused(samples: Any, options: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=f"^{text}"):
        estimate_entropy(samples, **options)
