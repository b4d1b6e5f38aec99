"""Null distributions and p-values of information between measurements."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly
from oracles import neighbour_information as oracle

from infotheory import sources
from infotheory._jit import JIT_ENABLED
from infotheory._kernels.exchange import fill_exchange
from infotheory.estimators import (
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)
from infotheory.estimators.continuous.shuffling import (
    p_value,
    permutations_among,
    permutations_of,
    permutations_within,
)

compiled = pytest.mark.skipif(not JIT_ENABLED, reason="NUMBA_DISABLE_JIT is set: too slow")

B = 19
NEAR = 1e-12
N = 24
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
Y = 0.4 * X + RNG.normal(size=N)
Z = RNG.normal(size=N)
LABELS = np.arange(N) % 3


def mi(x: Any, y: Any, **options: Any) -> Any:
    return quietly(estimate_mutual_information, x, y, **options)


def cmi(x: Any, y: Any, z: Any, **options: Any) -> Any:
    return quietly(estimate_conditional_mutual_information, x, y, z, **options)


def table(variable: Any) -> oracle.Table:
    array = np.asarray(variable, dtype=float).reshape(len(variable), -1)
    return oracle.table(oracle.in_units([tuple(row) for row in array]))


def check(found: Any, local: oracle.Local, null: list[oracle.Local]) -> None:
    """Against the estimates from permuted samples."""
    value, want = oracle.mean(local), np.array([oracle.mean(other) for other in null])
    assert found.value == pytest.approx(value, abs=NEAR)
    np.testing.assert_allclose(found.null_distribution, want, rtol=0, atol=NEAR)
    assert found.p_value == (1 + np.count_nonzero(want >= value - NEAR)) / (1 + len(null))


# ---------------------------------------------------------------------------------- permutations


@pytest.mark.parametrize("method", list(oracle.INFORMATION))
def test_the_second_variable_is_permuted(method: str) -> None:
    for y in (Y, np.round(Y), np.column_stack([Y, Z])):
        found = mi(X, y, method=method, n_permutations=B, rng=7)
        rng = np.random.default_rng(7)
        orders = [rng.permutation(N) for _ in range(B)]
        function = oracle.INFORMATION[method]
        null = [function(table(X), table(y[order]), 3) for order in orders]
        check(found, function(table(X), table(y), 3), null)


def test_symbols_are_permuted() -> None:
    for x, y in ((X, LABELS), (LABELS, X)):
        found = mi(x, y, n_permutations=B, rng=7)
        rng = np.random.default_rng(7)
        orders = [rng.permutation(N) for _ in range(B)]
        null = [oracle.ross(table(X), LABELS[order].tolist(), 3) for order in orders]
        check(found, oracle.ross(table(X), LABELS.tolist(), 3), null)
    found = mi(X, LABELS, method="gao", n_permutations=B, rng=7)
    null = [oracle.gao(table(X), oracle.table(LABELS[order].tolist()), 3) for order in orders]
    check(found, oracle.gao(table(X), oracle.table(LABELS.tolist()), 3), null)


def test_only_samples_with_the_same_symbol_change_places() -> None:
    found = cmi(X, Y, LABELS, n_permutations=B, rng=7)
    orders = permutations_within(LABELS)(B, np.random.default_rng(7))
    z = oracle.table(LABELS.tolist())
    null = [oracle.ksg_ties(table(X), table(Y[order]), 3, z) for order in orders]
    check(found, oracle.ksg_ties(table(X), table(Y), 3, z), null)


def test_only_near_samples_change_places() -> None:
    found = cmi(X, Y, Z, n_permutations=B, rng=7)
    orders = permutations_among(Z[:, None])(B, np.random.default_rng(7))
    units = oracle.in_units([(value,) for value in Y])  # of the sample, as values may repeat
    tables = [oracle.table([units[row] for row in order]) for order in orders]
    null = [oracle.frenzel_pompe(table(X), y, table(Z), 3) for y in tables]
    check(found, oracle.frenzel_pompe(table(X), table(Y), table(Z), 3), null)


def test_samples_choose_in_turn() -> None:
    rng = np.random.default_rng(0)
    for n, width in ((1, 1), (6, 3), (40, 5)):
        choices, turns = rng.integers(0, n, (n, width)), rng.permutation(n)
        taken: set[int] = set()
        want = {}
        for sample in turns.tolist():
            row = choices[sample].tolist()
            want[sample] = next((one for one in row if one not in taken), row[0])
            taken.add(want[sample])
        found = np.empty(n, dtype=np.int64)
        fill_exchange(choices, turns, np.zeros(n, dtype=np.bool_), found)
        assert found.tolist() == [want[sample] for sample in range(n)]


@pytest.mark.parametrize("method", ["lnc", "gaussian", "gaussian_copula"])
def test_other_methods_permute_too(method: str) -> None:
    found = mi(X, Y, method=method, n_permutations=B, rng=7)
    rng = np.random.default_rng(7)
    want = [mi(X, Y[rng.permutation(N)], method=method).value for _ in range(B)]
    np.testing.assert_allclose(found.null_distribution, want, rtol=0, atol=1e-9)


def test_a_generator_is_drawn_from() -> None:
    found = mi(X, Y, n_permutations=B, rng=np.random.default_rng(7), interval=False)
    want = mi(X, Y, n_permutations=B, rng=7, interval=False)
    np.testing.assert_array_equal(found.null_distribution, want.null_distribution)
    other = mi(X, Y, n_permutations=B, rng=8)
    assert not np.array_equal(other.null_distribution, want.null_distribution)


def test_nothing_is_permuted_unless_asked() -> None:
    found = mi(X, Y)
    assert found.p_value is None
    assert found.null_distribution is None
    binned = mi(X, Y, method="binned", n_permutations=B, rng=7)
    assert 1 / (1 + B) <= binned.p_value <= 1.0


def test_progress_is_shown_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    mi(X, Y, n_permutations=3, progress=True)
    assert "Traceback" not in capsys.readouterr().err


# ---------------------------------------------------------------------------------- how to permute


def test_all_permutations_are_as_likely() -> None:
    """600 draws of 6 permutations: 100 each, give or take four deviations of 9.1."""
    for shuffle in (permutations_of(3), permutations_within(np.zeros(3, dtype=int))):
        orders = [tuple(order.tolist()) for order in shuffle(600, np.random.default_rng(0))]
        seen = Counter(orders)
        assert len(seen) == 6
        assert all(abs(count - 100) <= 37 for count in seen.values())


def test_strata_keep_their_samples() -> None:
    codes = np.array([2, 0, 1, 0, 2, 2, 0, 1, 3])
    orders = np.array(list(permutations_within(codes)(50, np.random.default_rng(0))))
    assert (codes[orders] == codes).all()
    assert (np.sort(orders, axis=1) == np.arange(9)).all()
    assert (orders != np.arange(9)).any(axis=0).tolist() == [True] * 8 + [False]


@pytest.mark.parametrize("width", [1, 2])
def test_values_come_from_the_five_nearest(width: int) -> None:
    points = np.random.default_rng(1).normal(size=(40, width))
    apart = np.abs(points[:, None] - points[None]).max(axis=2)
    near = np.sort(apart, axis=1)[:, 5]
    orders = np.array(list(permutations_among(points)(60, np.random.default_rng(0))))
    for order in orders:
        assert (apart[np.arange(40), order] <= near).all()
    choices = [np.unique(column).size for column in orders.T]
    assert choices == [6] * 40  # all of them, and the sample itself
    repeated = 1.0 - np.mean([np.unique(order).size / 40 for order in orders])
    assert repeated < 0.15


def test_groups_of_six_exchange_all_their_values() -> None:
    points = (100.0 * np.repeat(np.arange(5), 6) + np.tile(np.arange(6), 5))[:, None]
    for order in permutations_among(points)(20, np.random.default_rng(0)):
        assert np.array_equal(np.sort(order), np.arange(30))
        assert np.array_equal(order // 6, np.arange(30) // 6)


def test_copies_exchange_all_their_values() -> None:
    """The nearest of many copies would be the same five for all of them."""
    points = np.array([0.5] * 12 + [1.5] * 7 + [-0.0, 0.0] + [3.0, 3.1, 3.3, 3.6, 4.0, 4.4, 5.1])
    shuffle = permutations_among(points[:, None])
    orders = np.array(list(shuffle(300, np.random.default_rng(0))))
    for first, stop in ((0, 12), (12, 19)):
        part = orders[:, first:stop]
        assert (np.sort(part, axis=1) == np.arange(first, stop)).all()
        assert all(np.unique(column).size == stop - first for column in part.T)
    assert (orders[:, 21:] >= 19).all()


def test_few_samples_are_all_near() -> None:
    orders = list(permutations_among(np.array([[0.0], [1.0], [5.0]]))(30, np.random.default_rng(0)))
    assert all(sorted(order) == [0, 1, 2] for order in map(np.ndarray.tolist, orders))
    assert len({tuple(order.tolist()) for order in orders}) == 6


# --------------------------------------------------------------------------------------- p-values


def test_the_sample_is_one_of_the_permutations() -> None:
    null = np.array([0.3, 0.5, 0.5 - 1e-13, 0.7, 0.5 - 1e-11])
    assert p_value(0.5, null) == 4 / 6
    assert p_value(0.8, null) == 1 / 6
    assert p_value(math.inf, null) == 1 / 6
    assert p_value(-1.0, null) == 1.0


def test_rounding_does_not_break_ties() -> None:
    """Two columns of zeros and ones have some dozens of tables, and as many values."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 30) * 1.0
    y = (x + (rng.random(30) < 0.3)) % 2
    found = mi(x, y, method="gao", n_permutations=499, rng=0, interval=False)
    apart = np.abs(found.null_distribution - found.value)
    assert ((apart > 0.0) & (apart < 1e-12)).any()
    alike = np.count_nonzero(found.null_distribution >= found.value - 1e-9)
    assert found.p_value == (1 + alike) / 500


def test_dependence_is_found() -> None:
    x = np.tile(X, 2) + np.repeat([0.0, 0.01], N)
    y = x + 0.1 * np.tile(Y, 2)
    least = 1 / (1 + B)
    for method in ("ksg1", "gao", "lnc", "gaussian"):
        assert mi(x, y, method=method, n_permutations=B, rng=0).p_value == least
    assert mi(x, x > 0, n_permutations=B, rng=0).p_value == least
    given = np.tile(LABELS, 2)
    for z in (given, given.astype(float), np.tile(Z, 2)):
        for method in ("auto", "gaussian"):
            if not (z is given and method == "gaussian"):
                assert cmi(x, y, z, method=method, n_permutations=B, rng=0).p_value == least


def shares(function: Any, draw: Any, repeats: int = 200, **options: Any) -> tuple[float, float]:
    """How often p is at most 0.1 and 0.5."""
    found = [
        function(*draw(seed), n_permutations=B, rng=seed, interval=False, **options).p_value
        for seed in range(repeats)
    ]
    return float(np.mean(np.array(found) <= 0.1)), float(np.mean(np.array(found) <= 0.5))


@compiled
@pytest.mark.parametrize("method", ["ksg1", "gao", "gaussian"])
def test_p_values_are_uniform_at_independence(method: str) -> None:
    """Four deviations of 0.021 and 0.035."""
    few, half = shares(
        mi, lambda seed: np.random.default_rng(seed).normal(size=(2, 40)), method=method
    )
    assert abs(few - 0.1) <= 0.085
    assert abs(half - 0.5) <= 0.14


@compiled
def test_p_values_given_a_third_are_uniform_at_conditional_independence() -> None:
    """Four deviations of 0.03 and 0.05."""

    def of_symbols(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        z = rng.integers(0, 3, 60)
        return z + rng.normal(size=60), z + rng.normal(size=60), z

    def of_floats(seed: int) -> Any:
        x, y, z = of_symbols(seed)
        return x, y, z.astype(float)

    chain = sources.GaussianTriple(0.6, 0.6)
    for draw in (of_symbols, of_floats, lambda seed: chain.sample(60, rng=seed)):
        few, half = shares(cmi, draw, repeats=100)
        assert few <= 0.22
        assert abs(half - 0.5) <= 0.2


@compiled
def test_dependence_given_floats_with_few_values_is_found() -> None:
    """Half of the samples at least, as for symbols; without exchange among copies one in twenty."""

    def draw(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        z = rng.integers(0, 3, 150)
        x = z + rng.normal(size=150)
        return x, 0.6 * x + z + rng.normal(size=150), z.astype(float)

    few, _ = shares(cmi, draw, repeats=50)
    assert few > 0.5
