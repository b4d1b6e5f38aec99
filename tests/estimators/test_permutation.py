"""P-values of independence, given a third variable or not, against the law of all permutations."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import mutual_information as oracle
from scipy import stats

from infotheory.estimators import (
    estimate_conditional_mutual_information,
    estimate_conditional_mutual_information_from_counts,
    estimate_mutual_information,
    estimate_mutual_information_from_counts,
)
from infotheory.estimators.cells import cells_of_samples, cells_of_table
from infotheory.estimators.permutation import (
    _deviations,
    _expected,
    _rounding,
    _shuffled_sums,
    _sums,
    permutation_p_value,
)
from infotheory.estimators.symbols import as_symbols

DRAWS = 4000
EPS = 2.0**-52


def near(found: float, exact: Fraction, draws: int = DRAWS) -> bool:
    """Within five standard deviations of a share of `draws`, and the sample itself counted in."""
    p = float(exact)
    return abs(found - p) <= 5 * math.sqrt(p * (1 - p) / draws) + 1 / draws


def p_value(*variables: Any, draws: int = DRAWS, seed: int = 0) -> float:
    function = (
        estimate_mutual_information
        if len(variables) == 2
        else estimate_conditional_mutual_information
    )
    found = quietly(function, *variables, n_permutations=draws, rng=seed).p_value
    assert found is not None
    return float(found)


def expanded(table: Any) -> list[list[int]]:
    """One sample for each count."""
    rows = [index for index in np.ndindex(table.shape) for _ in range(table[index])]
    return [list(column) for column in zip(*rows, strict=True)]


# Seven samples have 5040 permutations.
CASES = [
    ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 0], None),
    ([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1], None),
    ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], None),  # no tie is broken: p = 1
    ([0, 0, 1, 1, 2, 2, 0], [2, 2, 1, 0, 0, 0, 2], None),
    ([0, 0, 0, 0, 0, 1, 1], [3, 0, 0, 2, 0, 1, 1], None),
    ([0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 0, 1, 0, 1], [0, 0, 0, 0, 1, 1, 1, 1]),
    ([0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1, 1, 1], [5, 5, 5, 5, 3, 3, 3, 3]),
    ([0, 1, 2, 0, 1, 2, 0, 1], [0, 1, 2, 0, 1, 2, 0, 1], [0, 0, 0, 0, 1, 1, 1, 1]),
    ([0, 1, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 0, 1], [2, 2, 2, 2, 1, 0, 0]),
]


@pytest.mark.parametrize(("x", "y", "z"), CASES)
def test_the_share_of_all_permutations(x: Any, y: Any, z: Any) -> None:
    exact = oracle.exact_p_value(x, y, z)
    variables = (x, y) if z is None else (x, y, z)
    assert near(p_value(*variables), exact)


@pytest.mark.parametrize(
    "table", [[[1, 1, 0], [1, 1, 0], [0, 0, 4]], [[0, 2, 0], [0, 0, 2], [2, 0, 2]]]
)
def test_equal_sums_of_other_counts_are_ties(table: Any) -> None:
    """Tables with the same margins: 4 ln 4 = 4 (2 ln 2)."""
    x, y = expanded(np.array(table))
    assert oracle.dependence(x, y, [0] * 8) == 256
    assert near(p_value(x, y), oracle.exact_p_value_of_table(table))


def test_equal_sums_that_are_rounded_apart_are_ties() -> None:
    """The same nine counts in another order give sums that differ in the last bit."""
    table = [[2, 3, 4], [4, 2, 3], [3, 4, 2]]
    x, y = expanded(np.array(table))
    exact = oracle.exact_p_value_of_table(table)
    # Without a tolerance a share of 0.026 is lost; five standard deviations are 0.011.
    assert near(p_value(x, y, draws=40_000), exact, draws=40_000)


@pytest.mark.parametrize("n", [3 * 10**7, 10**8, 10**9])
@pytest.mark.parametrize("strata", [1, 2])
def test_many_samples_with_little_dependence(n: int, strata: int) -> None:
    """A fourfold table with equal margins is off by sqrt(n) / 4 at chance, normally distributed.

    To a share of n^-1/2; 2 n I is 4, the sum of squares of one such variable for each stratum.
    """
    off = round(2 * math.sqrt(n / strata) / 4)
    inside = np.array([[n // 4 + off, n // 4 - off], [n // 4 - off, n // 4 + off]])
    inside -= n // 4 - n // 4 // strata
    table = np.stack([inside, *[np.full((2, 2), n // 4 // strata)] * (strata - 1)], axis=2)
    function = estimate_conditional_mutual_information_from_counts
    found = quietly(function, table, n_permutations=DRAWS, rng=0).p_value
    assert near(found, Fraction(float(stats.chi2.sf(4.0, strata))))


def test_more_dependence_among_many_samples() -> None:
    a, off = 10**9 // 4, 60_000  # 15 standard deviations
    table = [[a + off, a - off], [a - off, a + off]]
    found = quietly(estimate_mutual_information_from_counts, table, n_permutations=999, rng=0)
    assert found.p_value == 1 / 1000


SEEDS = st.integers(0, 2**32 - 1)


@given(st.integers(1, 2**50), st.floats(-0.99, 3.0), st.floats(1e-12, 1.0))
def test_deviations_from_expected_counts(count: int, side: float, size: float) -> None:
    expected = float(count) / (1 + side * size)
    with mpmath.workdps(60):
        exact = count * mpmath.log(mpmath.mpf(count) / mpmath.mpf(expected))
        allowed = 2.5 * EPS * abs(exact) + EPS * abs(count - mpmath.mpf(expected))
        found = float(_deviations(np.array([count]), np.array([expected]))[0])
        assert abs(found - exact) <= allowed


@given(SEEDS, st.integers(2, 6), st.sampled_from([10, 10**5, 10**9, 10**13]), st.integers(0, 2))
def test_sums_of_tables_with_one_dependence_are_close(seed: int, k: int, n: int, how: int) -> None:
    """Tables of dependent variables, of independent ones, and without any deviation."""
    rng = np.random.default_rng(seed)
    if how == 0:
        table = rng.multinomial(n, rng.dirichlet(np.ones(k * k))).reshape(k, k) + 1
    elif how == 1:
        p = np.outer(*rng.dirichlet(np.ones(k), 2)).ravel()
        table = rng.multinomial(n, p / p.sum()).reshape(k, k) + 1
    else:
        table = np.outer(*rng.integers(1, 1 + math.isqrt(n), (2, k)))
    margins = [table.sum(axis=axis) for axis in (1, 0)]
    n = int(table.sum())
    with mpmath.workdps(40):
        ratios = [
            (int(c), mpmath.mpf(int(c)) * n / int(margins[0][i]) / int(margins[1][j]))
            for (i, j), c in np.ndenumerate(table)
        ]
        exact = abs(float(mpmath.fsum(c * mpmath.log(ratio) for c, ratio in ratios)))
    sums = []
    for order in (np.arange(k), rng.permutation(k)):
        rows, columns = (np.array(margin)[order] for margin in margins)
        expected = _expected(rows[:, None], columns, n)
        sums.append(float(_deviations(table[order][:, order], expected).sum()))
    bound = _rounding(exact, cells_of_table(table[:, :, None]))
    assert abs(sums[1] - sums[0]) <= bound
    # What all tables have in common is a share of n.
    assert abs(sums[0] - exact) <= bound + 2 * EPS * n
    assert bound <= 100 * EPS * (exact + math.sqrt(2 * n * exact) + 1e-7 * n)


@pytest.mark.parametrize("table", [[[3, 1], [1, 4]], [[2, 0, 3], [1, 4, 1]], [[1, 2], [3, 6]]])
def test_the_law_of_tables(table: Any) -> None:
    found = quietly(estimate_mutual_information_from_counts, table, n_permutations=DRAWS, rng=1)
    assert near(found.p_value, oracle.exact_p_value_of_table(table))


def test_the_two_oracles_agree() -> None:
    for table in ([[2, 1], [1, 3]], [[2, 0, 1], [0, 2, 1]]):
        assert oracle.exact_p_value(*expanded(np.array(table))) == oracle.exact_p_value_of_table(
            table
        )


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4))
def test_drawn_tables_and_shuffled_samples_have_one_law(seed: int, strata: int, k: int) -> None:
    """Kolmogorov and Smirnov's distance of 300 draws each, at a level of 1e-4 for one of 50."""
    rng = np.random.default_rng(seed)
    table = rng.integers(2, 9, (k + 1, k + 1, strata))
    cells = cells_of_table(table)
    drawn = np.concatenate(list(_sums(cells, 300, rng)))
    shuffled = np.concatenate(list(_shuffled_sums(cells, 300, rng)))
    assert drawn.shape == shuffled.shape == (300,)
    assert stats.ks_2samp(drawn.round(9), shuffled.round(9), method="asymp").pvalue > 1e-4


def test_sparse_tables_are_shuffled() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 40, (2, 60))
    found = [p_value(x, y, draws=199, seed=seed) for seed in range(3)]
    assert all(0.0 < p <= 1.0 for p in found)
    assert p_value(x, x, draws=199) == 1 / 200


@pytest.mark.parametrize("shape", [(3, 2), (25, 25), (2, 3, 3), (4, 4, 30)])
def test_p_values_of_independent_samples_are_valid(shape: tuple[int, ...]) -> None:
    """P(p <= a) <= a: of 300 samples at most a share of a and four standard deviations."""
    rng = np.random.default_rng(len(shape))
    found = [
        p_value(*(rng.integers(0, k, 40) for k in shape), draws=19, seed=int(rng.integers(2**32)))
        for _ in range(300)
    ]
    for level in (0.05, 0.2, 0.5):
        share = np.mean(np.array(found) <= level + 1e-12)
        assert share <= level + 4 * math.sqrt(level * (1 - level) / 300)


def test_dependence_is_found_and_conditioning_explains_it() -> None:
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, 600)
    x, y = (np.where(rng.random(600) < 0.7, z, rng.integers(0, 3, 600)) for _ in range(2))
    assert p_value(x, y, draws=199) == 1 / 200
    assert p_value(x, y, z, draws=199) > 0.05


def test_nothing_to_permute() -> None:
    assert p_value([0, 0, 0], [1, 2, 3], draws=9) == 1.0
    assert p_value([1, 2, 3], [0, 0, 0], draws=9) == 1.0
    assert p_value([0, 1, 1, 2], [0, 1, 2, 2], [0, 1, 2, 3], draws=9) == 1.0


def test_a_seed_repeats_and_tables_equal_samples() -> None:
    rng = np.random.default_rng(0)
    x, y, z = rng.integers(0, 3, (3, 50))
    table = np.zeros((3, 3, 3), dtype=int)
    np.add.at(table, (x, y, z), 1)
    want = p_value(x, y, z, draws=99, seed=5)
    assert p_value(x, y, z, draws=99, seed=5) == want
    found = quietly(
        estimate_conditional_mutual_information_from_counts, table, n_permutations=99, rng=5
    )
    assert found.p_value == want
    assert quietly(estimate_mutual_information, x, y).p_value is None


def test_draws_in_parts_are_all_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    from infotheory.estimators import permutation

    x, y, z = CASES[5]
    cells = cells_of_samples(*(as_symbols(variable) for variable in (x, y, z)))
    monkeypatch.setattr(permutation, "_AT_ONCE", 20)
    sizes = [part.size for part in _sums(cells, 11, np.random.default_rng(0))]
    assert sizes == [2, 2, 2, 2, 2, 1]
    found = permutation_p_value(cells, DRAWS, np.random.default_rng(0))
    assert near(found, oracle.exact_p_value(x, y, z))


def test_a_progress_bar_where_it_is_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    x = [0, 1] * 10
    for progress in (False, True):
        estimate_mutual_information(x, x, n_permutations=9, rng=0, progress=progress)
        assert capfd.readouterr().err.strip() == ""  # too short to be shown


@pytest.mark.parametrize("wrong", [-1, 2.0, True, None, "many", 10**9])
def test_numbers_of_permutations_that_are_refused(wrong: Any) -> None:
    message = r"^n_permutations must be a whole number from 0 to 100,000,000; got .*\. 999 is a"
    with pytest.raises(ValueError, match=message):
        estimate_mutual_information([0, 1], [0, 1], n_permutations=wrong)


def test_sources_of_randomness_that_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^rng must be a seed"):
        estimate_mutual_information([0, 1], [0, 1], n_permutations=9, rng="dice")
