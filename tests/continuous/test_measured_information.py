"""Mutual information, conditional or not, where some variable is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly
from oracles import neighbour_information as oracle
from scipy.special import ndtri

from infotheory import sources
from infotheory._jit import JIT_ENABLED
from infotheory.estimators import (
    CONDITIONAL_METHODS,
    INFORMATION_METHODS,
    Estimate,
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set: too slow")

NEAR = 1e-12  # of means of 40 sums of five digammas below ln 40
NUMERIC = tuple(method for method in INFORMATION_METHODS if method != "ross")
NEIGHBOURS = ("ksg1", "ksg2", "ksg_ties", "gao", "mesner_shalizi")
RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=N)
Y = X + RNG.normal(size=N)
Z = 0.5 * X + RNG.normal(size=N)
VECTOR = np.column_stack([Y, RNG.normal(size=N)])
LABELS = np.digitize(X + RNG.normal(size=N), [-1.0, 0.3, 1.5])


def mi(x: Any, y: Any, method: str = "auto", **options: Any) -> Estimate:
    found = quietly(estimate_mutual_information, x, y, method=method, **options)
    assert isinstance(found, Estimate)
    return found


def cmi(x: Any, y: Any, z: Any, method: str = "auto", **options: Any) -> Estimate:
    found = quietly(estimate_conditional_mutual_information, x, y, z, method=method, **options)
    assert isinstance(found, Estimate)
    return found


def same(one: Estimate, other: Estimate) -> None:
    """To the last bit."""
    assert repr(one.to_dict()) == repr(other.to_dict())  # nan is like nan here
    np.testing.assert_array_equal(one.local, other.local)


def table(variable: Any, standardize: bool = True) -> oracle.Table:
    rows = [tuple(row) for row in np.asarray(variable, dtype=float).reshape(len(variable), -1)]
    return oracle.table(oracle.in_units(rows) if standardize else rows)


# ------------------------------------------------------------------------------ the definitions


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("y", [Y, VECTOR, np.round(Y), np.maximum(Y, 0.0)])
def test_measurements(y: Any, standardize: bool) -> None:
    tables = table(X, standardize), table(y, standardize)
    for method in NEIGHBOURS:
        for k in (1, 3):
            found = mi(X, y, method, k=k, standardize=standardize, interval=False)
            local = oracle.INFORMATION[method](*tables, k)
            assert found.value == pytest.approx(oracle.mean(local), abs=NEAR)
            assert found.method == method
            assert found.n == N


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("z", [Z, VECTOR, np.round(Z), np.full(N, 0.25)])
def test_given_measurements(z: Any, standardize: bool) -> None:
    x, y, given = (table(variable, standardize) for variable in (X, Y, z))
    for k in (1, 3):
        options: Any = {"k": k, "standardize": standardize, "interval": False}
        want = oracle.mean(oracle.frenzel_pompe(x, y, given, k))
        assert cmi(X, Y, z, "ksg1", **options).value == pytest.approx(want, abs=NEAR)
        want = oracle.mean(oracle.mesner_shalizi(x, y, k, given))
        assert cmi(X, Y, z, "mesner_shalizi", **options).value == pytest.approx(want, abs=NEAR)
        want = oracle.mean(oracle.ksg_ties(x, y, k, given))
        assert cmi(X, Y, z, "ksg_ties", **options).value == pytest.approx(want, abs=NEAR)


@pytest.mark.parametrize("x", [X, VECTOR])
def test_measurements_and_symbols(x: Any) -> None:
    symbols = oracle.table(LABELS.tolist())
    for k in (1, 3, 20):
        want = oracle.mean(oracle.ross(table(x), LABELS.tolist(), k))
        assert mi(x, LABELS, "ross", k=k).value == pytest.approx(want, abs=NEAR)
        for method in ("ksg_ties", "gao", "mesner_shalizi"):
            want = oracle.mean(oracle.INFORMATION[method](table(x), symbols, k))
            assert mi(x, LABELS, method, k=k).value == pytest.approx(want, abs=NEAR)
        for method, of in (
            ("mesner_shalizi", oracle.mesner_shalizi),
            ("ksg_ties", oracle.ksg_ties),
        ):
            want = oracle.mean(of(table(x), symbols, k, table(Z)))
            assert cmi(x, LABELS, Z, method, k=k).value == pytest.approx(want, abs=NEAR)
            want = oracle.mean(of(table(x), table(Z), k, symbols))
            assert cmi(x, Z, LABELS, method, k=k).value == pytest.approx(want, abs=NEAR)


def test_what_auto_takes() -> None:
    copies = np.repeat(X[:12], 5)
    assert mi(X, Y).method == "ksg1"
    assert mi(X, np.round(Y, 1)).method == "ksg_ties"  # ties of y alone
    assert mi(copies, copies).method == "ksg_ties"
    assert mi(X, LABELS).method == "ross"
    assert mi(LABELS, X).method == "ross"
    assert mi(copies, LABELS % 2).method == "ksg_ties"
    assert mi(LABELS, LABELS).method == "chao_wang_jost"
    assert cmi(X, Y, Z).method == "ksg1"
    assert cmi(copies, copies, copies).method == "ksg_ties"
    assert cmi(LABELS, Y, Z).method == "ksg_ties"
    assert cmi(X, LABELS, LABELS).method == "ksg_ties"
    assert cmi(LABELS, LABELS, LABELS).method == "chao_wang_jost"


# -------------------------------------------------------------------------------------- symmetry

PAIRS: Sequence[Any] = [(X, Y), (X, np.round(Y)), (VECTOR, np.column_stack([X, Z])), (X, VECTOR)]


@pytest.mark.parametrize("method", NUMERIC)
def test_variables_change_places(method: str) -> None:
    for x, y in PAIRS:
        same(mi(x, y, method, k=4, base=2), mi(y, x, method, k=4, base=2))


@pytest.mark.parametrize("method", CONDITIONAL_METHODS)
def test_variables_change_places_given_a_third(method: str) -> None:
    for x, y in PAIRS:
        same(cmi(x, y, Z, method), cmi(y, x, Z, method))


@pytest.mark.parametrize("method", ["auto", "ross", "ksg_ties", "gao", "mesner_shalizi"])
def test_measurements_and_symbols_change_places(method: str) -> None:
    for x in (X, np.round(X), VECTOR):
        same(mi(x, LABELS, method), mi(LABELS, x, method))


def test_parts_of_the_sample_are_the_same_too() -> None:
    x, y = np.tile(X, 2), np.tile(Y, 2) + np.repeat([0.0, 0.1], N)
    for method in (*NEIGHBOURS, "lnc"):
        found = mi(x, y, method)
        assert found.standard_error > 0.0
        same(found, mi(y, x, method))


# ------------------------------------------------------------------------------------ invariance


@pytest.mark.parametrize("method", NUMERIC)
@pytest.mark.parametrize("factor", [1e-6, 0.37, -1.0, 1e6])
def test_units_of_a_column_do_not_matter(method: str, factor: float) -> None:
    """Quotients are rounded; what is nearest is not, unless two distances agree to 1e-15."""
    want = mi(X, VECTOR, method, k=4, interval=False).value
    assert mi(factor * X, VECTOR, method, k=4).value == pytest.approx(want, abs=1e-9)
    found = mi(X, VECTOR * [1.0, factor], method, k=4)
    assert found.value == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_do_not_matter_to_the_others(factor: float) -> None:
    want = mi(X, LABELS, "ross").value
    assert mi(factor * X, LABELS, "ross").value == pytest.approx(want, abs=1e-9)
    for method in CONDITIONAL_METHODS:
        want = cmi(X, Y, VECTOR, method).value
        found = cmi(X, factor * Y, VECTOR * [factor, 1.0], method)
        assert found.value == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("method", ["gaussian_copula", "binned"])
def test_monotone_maps_do_not_change_a_bit_of_ranks(method: str) -> None:
    same(mi(X, VECTOR, method), mi(np.exp(X), VECTOR**3, method))
    same(cmi(X, Y, Z, method), cmi(X, np.exp(Y), np.sinh(Z), method))


def test_a_copula_has_normal_scores() -> None:
    scores = ndtri(np.arange(1, N + 1) / (N + 1))
    x, y = scores[np.argsort(np.argsort(X))], scores[np.argsort(np.argsort(Y))]
    assert mi(X, Y, "gaussian_copula").value == pytest.approx(mi(x, y, "gaussian").value, abs=NEAR)
    assert mi(np.exp(X), Y, "gaussian").value != mi(X, Y, "gaussian").value


TIED = np.round(4 * X) / 8
STEPS = np.random.default_rng(1).permutation(N) / 8
ON_A_GRID: Sequence[Any] = [(TIED, np.round(8 * Y) / 8), (STEPS, np.round(4 * Y)), (STEPS, VECTOR)]


@pytest.mark.parametrize("method", [*NEIGHBOURS, "gaussian_copula", "binned"])
def test_powers_of_two_do_not_change_a_bit(method: str) -> None:
    for x, y in ON_A_GRID:
        for power in (-20, 20):
            same(mi(x, y, method), mi(np.ldexp(x, power), y, method))
    same(mi(TIED, LABELS), mi(np.ldexp(TIED, 20), LABELS))


@pytest.mark.parametrize("method", [*NEIGHBOURS, "gaussian_copula", "binned"])
def test_an_offset_that_the_data_survive_does_not_change_a_bit(method: str) -> None:
    for x, y in ON_A_GRID:
        same(mi(x, y, method), mi(x + 1e9, y, method))
    same(mi(TIED, LABELS), mi(TIED - 1e9, LABELS))
    same(mi(STEPS, LABELS), mi(STEPS - 1e9, LABELS))
    same(cmi(TIED, STEPS, VECTOR), cmi(TIED + 1e9, STEPS - 1e9, VECTOR))


@pytest.mark.parametrize("method", ["ross", "ksg_ties", "gao", "mesner_shalizi"])
def test_names_of_symbols_do_not_matter(method: str) -> None:
    for names in (["d", "a", "c", "b"], [70, 3, -1, 8], [3.5, 0.5, 9.0, 1.0]):
        renamed = [names[label] for label in LABELS]
        same(mi(X, LABELS, method), mi(X, renamed, method, discrete=("auto", True)))
        if method in CONDITIONAL_METHODS:
            kinds = ("auto", "auto", True)
            same(cmi(X, Y, LABELS, method), cmi(X, Y, renamed, method, discrete=kinds))


@pytest.mark.parametrize("method", NUMERIC)
def test_the_order_of_samples_matters_to_rounding_only(method: str) -> None:
    rows = np.random.default_rng(3).permutation(N)
    for x, y in PAIRS:
        want = mi(x, y, method, k=4)
        found = mi(x[rows], y[rows], method, k=4)
        assert found.value == pytest.approx(want.value, abs=NEAR)
        if want.local is not None and method != "lnc":
            np.testing.assert_allclose(found.local, want.local[rows], rtol=0, atol=1e-10)
    want = mi(X, LABELS)
    assert mi(X[rows], LABELS[rows]).value == pytest.approx(want.value, abs=NEAR)


@pytest.mark.parametrize("method", NUMERIC)
def test_threads_do_not_change_a_bit(method: str) -> None:
    for x, y in PAIRS:
        one, two = (mi(x, y, method, k=4, n_jobs=n, n_permutations=2, rng=0) for n in (1, 2))
        same(one, two)
        np.testing.assert_array_equal(one.null_distribution, two.null_distribution)
    same(mi(X, LABELS, n_jobs=1), mi(X, LABELS, n_jobs=2))
    if method in CONDITIONAL_METHODS:
        same(cmi(X, Y, Z, method, n_jobs=1), cmi(X, Y, Z, method, n_jobs=2))


# ---------------------------------------------------------------------------- parts of the result


def test_the_mean_of_local_values_is_the_estimate() -> None:
    found = [mi(X, VECTOR, method, k=4, base=2) for method in NUMERIC if method != "binned"]
    found += [cmi(X, Y, Z, method) for method in CONDITIONAL_METHODS if method != "binned"]
    found.append(mi(X, LABELS))
    for estimate in found:
        assert estimate.local is not None
        assert estimate.local.shape == (N,)
        assert np.mean(estimate.local) == pytest.approx(estimate.value, abs=NEAR)


def test_samples_left_out_have_no_local_value() -> None:
    labels = [*["a"] * 30, "b", *["c"] * 28, "d"]
    found = mi(X, labels, "ross")
    assert found.local is not None
    assert np.flatnonzero(np.isnan(found.local)).tolist() == [30, 59]
    assert np.nanmean(found.local) == pytest.approx(found.value, abs=NEAR)


@pytest.mark.parametrize("base", [2, 10.0])
def test_the_base_is_a_unit(base: float) -> None:
    pairs = [(mi, (X, Y), method) for method in ("ksg1", "lnc", "gaussian", "binned")]
    pairs += [(mi, (X, LABELS), "ross"), (cmi, (X, Y, Z), "mesner_shalizi")]
    for function, variables, method in pairs:
        options: Any = {"method": method, "n_permutations": 3, "rng": 1}
        nats, found = (function(*variables, base=b, **options) for b in (None, base))
        unit = math.log(base)
        for name in ("value", "standard_error", "low", "high"):
            want = getattr(nats, name) / unit
            assert getattr(found, name) == pytest.approx(want, rel=1e-14, nan_ok=True), name
        for name in ("local", "null_distribution"):
            if getattr(nats, name) is not None:
                np.testing.assert_allclose(getattr(found, name), getattr(nats, name) / unit)
        assert found.p_value == nats.p_value
        assert found.base == base
        assert found.interval.estimate == found.value


def test_what_is_below_zero_can_be_clipped() -> None:
    x, y = np.random.default_rng(4).normal(size=(2, 120))
    for function, variables in (
        (mi, (x, y)),
        (mi, (x, y > 0)),
        (cmi, (x, y, Y.repeat(2))),
        (mi, (x > 0, y > 0)),
    ):
        plain = function(*variables, k=2)
        found = function(*variables, k=2, clip=True)
        assert plain.low < 0.0
        assert found.value == max(0.0, plain.value)
        assert found.interval.estimate == found.value
        assert (found.low, found.high) == (0.0, max(0.0, plain.high))
        assert found.standard_error == plain.standard_error
    few = mi(x[:30], y[:30], clip=True)
    assert math.isnan(few.low)
    same(mi(X, Y, "gaussian"), mi(X, Y, "gaussian", clip=True))


def test_an_interval_costs_and_can_be_left_out() -> None:
    x, y = np.tile(X, 2), np.random.default_rng(5).normal(size=120)
    with_it, without = mi(x, y, "ksg1"), mi(x, y, "ksg1", interval=False)
    assert with_it.value == without.value
    assert with_it.interval.method == "subsampling, t"
    assert without.interval.method == "none"
    assert math.isnan(without.standard_error)
    assert mi(x, y, "gaussian", interval=False).standard_error > 0.0


# ---------------------------------------------------------------------------------- known values

# Local values scatter by the logarithm of the ratio of densities, and by the noise of their
# neighbours; their deviation over sqrt(n) is the standard error.
ERRORS = 4.0
TRUTHS: Sequence[tuple[Any, tuple[str, ...]]] = [
    (sources.GaussianPair(0.0), ("auto", "ksg2", "lnc", "gao", "mesner_shalizi", "gaussian")),
    (sources.GaussianPair(0.5), ("auto", "ksg2", "gao", "gaussian", "gaussian_copula")),
    (sources.GaussianPair(0.9), ("auto", "ksg2", "lnc", "gao", "gaussian", "gaussian_copula")),
    (sources.GaussianPair(0.999), ("auto", "ksg2", "lnc", "gaussian", "gaussian_copula")),
    (sources.GaussianPair(0.5, dimension=3), ("auto", "ksg2", "gaussian", "gaussian_copula")),
    (sources.GaussianPair(0.9, dimension=10), ("gaussian", "gaussian_copula")),
    (sources.StudentTPair(2, 0.5), ("auto", "ksg2")),
    (sources.StudentTPair(5, 0.5), ("auto", "ksg2")),
    (sources.UniformSum(0.75), ("auto", "ksg2", "lnc")),
    (sources.GammaExponential(3.0), ("auto", "ksg2")),
    (sources.ZeroInflatedPoisson(0.0), ("ross", "ksg_ties", "gao", "mesner_shalizi")),
    (sources.ZeroInflatedPoisson(0.15), ("ross", "ksg_ties", "gao", "mesner_shalizi")),
    (sources.OverlappingUniforms(5), ("auto", "ksg_ties", "gao", "mesner_shalizi")),
]


@compiled
@pytest.mark.parametrize(("source", "methods"), TRUTHS, ids=lambda value: repr(value))
def test_sources_that_know_the_truth(source: Any, methods: tuple[str, ...]) -> None:
    x, y = source.sample(2000, rng=20240)
    for method in methods:
        found = mi(x, y, method)
        error = np.nanstd(found.local) / math.sqrt(2000)
        assert found.value == pytest.approx(source.mutual_information(), abs=ERRORS * error), method


CONDITIONAL_TRUTHS: Sequence[tuple[Any, tuple[str, ...]]] = [
    (sources.GaussianTriple(0.8, 0.6), ("auto", "gaussian", "gaussian_copula")),
    (sources.GaussianTriple(0.8, 0.6, 0.9), ("auto", "gaussian", "gaussian_copula")),
    (sources.UniformBinomialChain(5), ("auto",)),
]


@compiled
@pytest.mark.parametrize(("source", "methods"), CONDITIONAL_TRUTHS, ids=lambda value: repr(value))
def test_sources_that_know_the_conditional_truth(source: Any, methods: tuple[str, ...]) -> None:
    x, y, z = source.sample(2000, rng=20240)
    truth = source.conditional_mutual_information()
    for method in methods:
        found = cmi(x, y, z, method)
        error = np.nanstd(found.local) / math.sqrt(2000)
        assert found.value == pytest.approx(truth, abs=ERRORS * error), method


def test_a_given_constant_tells_nothing() -> None:
    """psi(c_z) = psi(n) for both: the formulas with three variables turn into those with two."""
    for method in ("ksg1", "ksg_ties", "mesner_shalizi", "gaussian"):
        want = mi(X, Y, method).value
        assert cmi(X, Y, np.ones(N), method).value == pytest.approx(want, abs=NEAR)
        assert cmi(X, Y, ["a"] * N, "mesner_shalizi").value == pytest.approx(
            mi(X, Y, "mesner_shalizi").value, abs=NEAR
        )
