"""Entropy estimates from counts against their papers' formulas, sample by sample."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import entropy_estimators as oracle

from infotheory.estimators import shrinkage
from infotheory.estimators.coverage import _series_rest
from infotheory.estimators.jvhw import best_polynomial
from infotheory.estimators.methods import (
    ENTROPY_METHODS,
    automatic_method,
    deviation,
    entropy_of_counts,
    entropy_without_one,
)
from infotheory.estimators.profile import profile_of

SAMPLES = [
    (1,),
    (1, 1),
    (2,),
    (2, 1),
    (9,),
    (3, 1, 1),
    (4, 2, 3, 2, 4, 2, 1, 1),
    (10, 10),
    (30, 1, 1),
    (1,) * 12,
    (2, 2, 2, 2),
    (7, 20, *(1,) * 5, *(2,) * 3),  # more than 32 samples, and doubletons
    (60, 25, 3, 1, 1, 1),  # none
    (150, 60, *(2,) * 10, *(1,) * 30),  # more than 200, few of which are singletons
    (60, *(1,) * 150),  # or most
]

# Sums of at most some hundred terms of order one, each within some ulp.
ROUNDING = 2e-13


def jvhw(counts: Any) -> float:
    degree = min(4 + math.ceil(1.2 * math.log(sum(counts))), 22)
    return oracle.jvhw(counts, best_polynomial(degree))


WITHOUT_SIZE: dict[str, Callable[[Any], float]] = {
    "plugin": oracle.plugin,
    "miller_madow": oracle.miller_madow,
    "jackknife": oracle.jackknife,
    "grassberger": oracle.grassberger,
    "zhang": oracle.zhang,
    "chao_shen": oracle.chao_shen,
    "chao_wang_jost": oracle.chao_wang_jost,
    "jvhw": jvhw,
}
WITH_SIZE: dict[str, Callable[[Any, int], float]] = {
    "james_stein": oracle.james_stein,
    "laplace": lambda counts, size: oracle.with_more(counts, size, size),
    "jeffreys": lambda counts, size: oracle.with_more(counts, size, size / 2),
    "perks": lambda counts, size: oracle.with_more(counts, size, 1),
    "minimax": lambda counts, size: oracle.with_more(counts, size, math.sqrt(sum(counts))),
    "dirichlet": lambda counts, size: oracle.dirichlet(counts, size)[0],
}


WITH_MORE = ("laplace", "jeffreys", "perks", "minimax")


def of(counts: Any, method: str, n_symbols: int | None = None) -> float:
    return entropy_of_counts(np.array(counts), method, n_symbols)


@pytest.mark.parametrize("counts", SAMPLES, ids=str)
@pytest.mark.parametrize("method", WITHOUT_SIZE)
def test_methods_that_need_no_alphabet(method: str, counts: tuple[int, ...]) -> None:
    want = WITHOUT_SIZE[method](counts)
    assert of(counts, method) == pytest.approx(want, rel=ROUNDING, abs=ROUNDING)
    assert of(counts, method, len(counts) + 5) == of(counts, method)


@pytest.mark.parametrize("counts", SAMPLES, ids=str)
@pytest.mark.parametrize("method", WITH_SIZE)
def test_methods_that_use_the_alphabet(method: str, counts: tuple[int, ...]) -> None:
    for size in (len(counts), len(counts) + 3, 200):
        want = WITH_SIZE[method](counts, size)
        assert of(counts, method, size) == pytest.approx(want, rel=ROUNDING, abs=ROUNDING)
    assert of(counts, method) == of(counts, method, len(counts))


def test_every_method_is_checked_somewhere() -> None:
    assert {*WITHOUT_SIZE, *WITH_SIZE, "nsb", "ansb"} == set(ENTROPY_METHODS)


# ----------------------------------------------------------------------- without one of the samples


@pytest.mark.parametrize("counts", SAMPLES, ids=str)
@pytest.mark.parametrize("method", ENTROPY_METHODS)
def test_leaving_one_sample_out(method: str, counts: tuple[int, ...]) -> None:
    for n_symbols in (None, len(counts), len(counts) + 1, 200):
        found = entropy_without_one(np.array(counts), method, n_symbols)
        assert found.shape == (len(counts),)
        for place in range(len(counts)):
            rest = [c - (i == place) for i, c in enumerate(counts)]
            rest = [c for c in rest if c > 0]
            if not rest:
                assert np.isnan(found).all()
                continue
            want = of(rest, method, n_symbols)
            assert found[place] == pytest.approx(want, rel=ROUNDING, abs=ROUNDING)


def test_leaving_one_out_keeps_the_order_of_the_counts() -> None:
    found = entropy_without_one(np.array([5, 1, 5, 2]), "plugin", None)
    assert found[0] == found[2]
    assert len(set(found.tolist())) == 3


@pytest.mark.parametrize("n_symbols", [None, 700])
def test_shrinkage_leaves_one_out_in_blocks(
    n_symbols: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = np.arange(1, 601)
    whole = entropy_without_one(counts, "james_stein", n_symbols)
    monkeypatch.setattr(shrinkage, "_AT_ONCE", 3500)  # five rows of the 600
    tracemalloc.start()
    found = entropy_without_one(counts, "james_stein", n_symbols)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == pytest.approx(whole, rel=1e-14)
    assert most < 8 * 600**2  # bytes of a single array of all pairs


@pytest.mark.parametrize("method", [m for m in ENTROPY_METHODS if m not in ("nsb", "ansb")])
def test_the_standard_error_is_that_of_the_jackknife(method: str) -> None:
    counts = (4, 2, 3, 2, 4, 2, 1, 1)
    found, how = deviation(profile_of(np.array(counts), None)[0], method)
    if method == "dirichlet":
        assert how == "posterior deviation, normal"
        assert found == pytest.approx(oracle.dirichlet(counts, len(counts))[1], rel=1e-12)
        return
    n = sum(counts)
    estimate = WITHOUT_SIZE.get(method, lambda rest: WITH_SIZE[method](rest, len(rest)))
    variance = max(oracle.jackknife_variance(estimate, counts), (len(counts) - 1) / (2 * n**2))
    assert how == "delete-one jackknife, normal"
    # Differences of the estimates are of the order 1/n = 1/19, so that they keep 1e-10.
    assert found == pytest.approx(math.sqrt(variance), rel=1e-10)


def test_the_standard_error_of_equal_counts_is_that_of_the_second_order() -> None:
    profile, _ = profile_of(np.array([10, 10, 10]), None)
    # Without one sample the estimate is the same whichever it was: the jackknife sees no variance.
    assert deviation(profile, "plugin")[0] == math.sqrt(2 / (2 * 30**2))


def test_one_sample_has_no_standard_error() -> None:
    assert math.isnan(deviation(profile_of(np.array([1]), None)[0], "plugin")[0])


# ------------------------------------------------------------------------------------- known values


@pytest.mark.parametrize(
    ("method", "want"),
    [
        ("plugin", math.log(2)),
        ("miller_madow", math.log(2) + 1 / 4),
        ("jackknife", 2 * math.log(2)),  # nothing is uncertain about one sample
        ("zhang", 1.0),  # psi(2) - psi(1)
        ("grassberger", 2 * math.log(2) + np.euler_gamma),
        ("james_stein", math.log(2)),
        *[(method, math.log(2)) for method in ("laplace", "jeffreys", "perks", "minimax")],
        ("chao_shen", math.log(4) / (1 - (3 / 4) ** 2) / 2),  # two terms of p = 1/4
        ("dirichlet", 11 / 6 - 8 / 3 + 2 * math.log(2)),  # psi(4) - psi(5/2)
    ],
)
def test_two_samples_of_two_symbols(method: str, want: float) -> None:
    assert of((1, 1), method) == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize("n", [2, 3, 5, 20, 60])
@pytest.mark.parametrize("share", [2 / 3, 0.5, 0.1, 1e-2, 1e-5])
def test_the_rest_of_the_series_of_chao_wang_and_jost(n: int, share: float) -> None:
    with mpmath.workdps(60):
        a = mpmath.mpf(share)
        terms = mpmath.fsum((1 - a) ** r / r for r in range(1, n))
        want = float((1 - a) ** (1 - n) * (-mpmath.log(a) - terms))
    assert _series_rest(n, share) == pytest.approx(want, rel=1e-14)


def test_the_rest_of_a_long_series() -> None:
    """For n A far above 1 the sum of q^(k + 1) / (n + k) is q / (n A) (1 - q / (n A) + ...)."""
    n, share = 10**9, 1e-3
    x = (1 - share) / (n * share)
    assert _series_rest(n, share) == pytest.approx(x * (1 - x), rel=1e-11)


def test_diversity_of_spiders() -> None:
    """The values that the introduction to iNEXT gives for its spider data: exp(H), observed too."""
    girdled = (46, 22, 17, 15, 15, 9, 8, 6, 6, 4, *(2,) * 4, *(1,) * 12)
    logged = (
        *(88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2),
        *(1,) * 14,
    )
    found = [math.exp(of(c, m)) for c in (girdled, logged) for m in ("plugin", "chao_wang_jost")]
    assert [round(value, 3) for value in found] == [12.06, 13.826, 14.421, 16.337]


def test_jackknife_and_zhang_on_samples_that_are_all_different() -> None:
    n = 6
    h = [k * math.log(k) for k in range(1, n + 1)]
    assert of((1,) * n, "jackknife") == pytest.approx(h[n - 1] - h[n - 2], rel=1e-14)
    assert of((1,) * n, "zhang") == pytest.approx(sum(1 / k for k in range(1, n)), rel=1e-14)


@pytest.mark.parametrize("p", [(0.5, 0.5), (0.7, 0.2, 0.1), (0.9, 0.1)])
def test_the_mean_of_zhang_is_the_first_terms_of_the_series_of_the_entropy(
    p: tuple[float, ...],
) -> None:
    """H = sum over v >= 1 of sum p (1 - p)^v / v; the estimate has no bias up to v = n - 1."""
    n, mean = 7, 0.0
    for counts in itertools.product(range(n + 1), repeat=len(p)):
        if sum(counts) == n:
            ways = math.factorial(n) / math.prod(map(math.factorial, counts))
            weight = ways * math.prod(q**c for q, c in zip(p, counts, strict=True))
            mean += weight * of([c for c in counts if c], "zhang")
    series = sum(q * (1 - q) ** v / v for q in p for v in range(1, n))
    assert mean == pytest.approx(series, rel=1e-13)  # some hundred terms, all positive


@pytest.mark.parametrize(
    ("method", "shares"),
    [("laplace", (3, 2, 1, 1)), ("jeffreys", (5, 3, 1, 1)), ("perks", (9, 5, 1, 1))],
)
def test_pseudo_counts_by_hand(method: str, shares: tuple[int, ...]) -> None:
    """Of four symbols two were seen, twice and once: 2, 1, 0, 0 and 1, 1/2 or 1/4 for each."""
    whole = sum(shares)
    want = math.fsum(k / whole * math.log(whole / k) for k in shares)
    assert of((2, 1), method, 4) == pytest.approx(want, rel=1e-15 * 8)


# ------------------------------------------------------------------------------------------- "auto"


@pytest.mark.parametrize(
    ("ones", "size", "method"),
    [(11, 30, "nsb"), (10, 30, "chao_wang_jost"), (11, None, "chao_wang_jost")],
)
def test_auto_is_nsb_for_a_known_alphabet_of_which_much_is_missing(
    ones: int, size: int | None, method: str
) -> None:
    # So many of 100 samples are alone with their symbol, and the rest are of nine.
    rest = np.bincount(np.arange(100 - ones) % 9)
    profile, _ = profile_of(np.append(rest, np.ones(ones, dtype=int)), size)
    assert automatic_method(profile) == method


def test_auto_is_nsb_where_the_other_would_exceed_a_known_alphabet() -> None:
    for size, method in ((6, "nsb"), (7, "chao_wang_jost"), (None, "chao_wang_jost")):
        profile, _ = profile_of(np.array([10] * 6), size)
        assert automatic_method(profile) == method


# --------------------------------------------------------------------------------------------- laws

COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(COUNTS, st.sampled_from(ENTROPY_METHODS), st.randoms(use_true_random=False))
def test_names_of_symbols_do_not_matter(counts: list[int], method: str, random: Any) -> None:
    other = counts.copy()
    random.shuffle(other)
    assert of(counts, method) == of(other, method)


@given(COUNTS, st.integers(0, 20))
def test_estimates_that_cannot_leave_the_range_of_entropy(counts: list[int], more: int) -> None:
    size = len(counts) + more
    for method in ("james_stein", *WITH_MORE, "dirichlet", "nsb"):
        assert -1e-12 <= of(counts, method, size) <= math.log(size) * (1 + 1e-12)
    assert 0.0 <= of(counts, "plugin") <= math.log(len(counts)) * (1 + 1e-12)


@given(COUNTS)
def test_corrections_of_the_plugin_value_are_upwards(counts: list[int]) -> None:
    plugin = of(counts, "plugin") - 1e-12
    for method in (
        "miller_madow",
        "jackknife",
        "zhang",
        "chao_wang_jost",
        "jvhw",
        "james_stein",
        *WITH_MORE,
    ):
        assert of(counts, method) >= plugin
    assert of(counts, "chao_wang_jost") >= of(counts, "zhang")


@given(COUNTS, st.sampled_from([m for m in ENTROPY_METHODS if m != "ansb"]))
def test_with_many_samples_all_agree(counts: list[int], method: str) -> None:
    """First-order terms are s/(2n), at most ln n times that under a prior of half a sample each.

    Minimax frequencies are mixed with a share 1 / (1 + sqrt(n)) of the uniform ones; by concavity a
    mixture gains at most the share times ln s, and ln s < ln n.
    """
    many = [10_000 * c for c in counts]
    n = sum(many)
    bound = math.log(n) * (1 / math.sqrt(n) if method == "minimax" else len(counts) / n)
    assert abs(of(many, method) - of(many, "plugin")) <= bound


@given(st.integers(1, 30), st.integers(2, 20))
def test_shrinkage_takes_equal_counts_for_a_uniform_distribution(count: int, size: int) -> None:
    assert of([count] * size, "james_stein") == pytest.approx(math.log(size), rel=1e-14)
