"""The estimate of Nemenman, Shafee and Bialek: integrals, limits, and the numbers of ndd."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import entropy_estimators as oracle

from infotheory.estimators.methods import entropy_of_counts
from infotheory.estimators.nsb import (
    _HALVINGS,
    _integrate,
    _log_prior,
    _log_rising,
    ansb_deviation,
    nsb_posterior,
    nsb_without_one,
)
from infotheory.estimators.profile import profile_of

NDD = json.loads((Path(__file__).parents[1] / "reference" / "nsb_ndd.json").read_text("utf-8"))
ROWS = [
    (row["size"], {int(c): m for c, m in row["counts"].items()}, row["nsb"]) for row in NDD["rows"]
]


def profile(counts: Any, n_symbols: int | None) -> Any:
    return profile_of(np.array(counts), n_symbols)[0]


def counts_of(numbers: dict[int, int]) -> np.ndarray[Any, Any]:
    return np.repeat(list(numbers), list(numbers.values()))


INTEGRAL = 1e-10  # what the step of the oracle leaves


@pytest.mark.parametrize(
    ("counts", "size"), [((1,), 2), ((3, 1, 1), 5), ((2, 2), 2), ((7, 1, 2), 40)]
)
def test_a_known_alphabet(counts: tuple[int, ...], size: int) -> None:
    mean, error = oracle.nsb(counts, size)
    found = nsb_posterior(profile(counts, size))
    assert found.mean == pytest.approx(mean, rel=INTEGRAL)
    assert found.deviation == pytest.approx(error, rel=INTEGRAL)


@pytest.mark.parametrize("counts", [(3, 1, 1), (2, 2)])
def test_an_infinite_alphabet(counts: tuple[int, ...]) -> None:
    mean, error = oracle.nsb_infinite(counts)
    found = nsb_posterior(profile(counts, None))
    assert found.mean == pytest.approx(mean, rel=INTEGRAL)
    assert found.deviation == pytest.approx(error, rel=INTEGRAL)


@pytest.mark.parametrize(
    ("n", "size", "exponent"), [(2_000, 50, 1.0), (10_000, 1_000, 1.0), (5_000, 10**6, 1.5)]
)
def test_many_samples(n: int, size: int, exponent: float) -> None:
    p = np.arange(1.0, 1001.0) ** -exponent
    drawn = np.random.default_rng(1).multinomial(n, p[:size] / p[:size].sum())
    values, symbols = np.unique(drawn[drawn > 0], return_counts=True)
    numbers = dict(zip(values.tolist(), symbols.tolist(), strict=True))
    # Logarithms of the weights are of order n ln n = 1e5, and lose 1e-11 to rounding.
    want = oracle.nsb_on_a_grid(numbers, size, low=1e-13, high=1e7)
    assert nsb_posterior(profile(counts_of(numbers), size)).mean == pytest.approx(want, rel=1e-9)


# Mean, deviation, and mean without one sample of the most frequent symbol.
CONCENTRATED: list[tuple[tuple[int, ...], int | None, float, float, float]] = [
    ((10**8,), 2, 8.867264966461088e-09, 4.088427966378339e-08, 8.867265054754006e-09),
    ((10**9,), 2, 8.94852368713791e-10, 4.351674833963516e-09, 8.948523696053644e-10),
    ((10**10, 1), 3, 2.544282668332503e-09, 2.3516293438745364e-09, 2.5442826685768853e-09),
    ((10**9, 30, 5), 7, 6.521598337393456e-07, 1.0417377842522742e-07, 6.521598343565046e-07),
    ((10**9,), None, 9.91746450389628e-10, 4.604420990708577e-09, 9.917464513815028e-10),
    ((10**10, 1), None, 2.559548786562796e-09, 2.362980898211856e-09, 2.5595487868087584e-09),
]


@pytest.mark.parametrize(("counts", "size", "mean", "error", "without"), CONCENTRATED)
def test_many_samples_of_one_symbol(
    counts: tuple[int, ...], size: int | None, mean: float, error: float, without: float
) -> None:
    """Means of ln(n) / n, which a difference of terms of ln n would lose.

    The values are those of the oracles with steps of 1/6: the likelihood n^-k, with k = e^x, grows
    beyond pi / 2 from the real axis, and steps of 1/2 leave exp(-2 pi^2) of it.
    """
    found = nsb_posterior(profile(counts, size))
    assert found.mean == pytest.approx(mean, rel=1e-13, abs=0.0)
    # The variance within is a difference of terms of 1 / n, and of the order of ln(n) / n^2: of
    # sixteen digits nine may be lost at n = 10^10.
    assert found.deviation == pytest.approx(error, rel=1e-7, abs=0.0)
    found_without = nsb_without_one(profile(counts, size))[-1]
    assert found_without == pytest.approx(without, rel=1e-13, abs=0.0)


def test_an_integral_settles_as_far_as_rounding_lets_it() -> None:
    # Logarithms of 3e12 are rounded to 2.5e-4, and weights with them, of a deviation of 0.7.
    rule = _integrate(
        (-9.0, 9.0), lambda x: 3e12 - (x[:, None] - 0.3) ** 2, lambda x: x[:, None] + 10
    )
    assert rule.points.size <= 32 * 2**4 + 1
    assert rule.means[0] == pytest.approx(10.3, abs=2e-4)


def test_an_integral_that_does_not_settle_is_given_up() -> None:
    rng = np.random.default_rng(0)
    rule = _integrate((-9.0, 9.0), lambda x: -(x[:, None] ** 2), lambda x: rng.random((x.size, 1)))
    assert rule.points.size == 32 * 2**_HALVINGS + 1
    # Of 2^15 values about a third have weight: five standard deviations of their mean.
    assert rule.means[0] == pytest.approx(0.5, abs=5 * math.sqrt(1 / 12 / 10_000))


# ------------------------------------------------------------------------------------- ndd's values


def test_the_example_of_ndd() -> None:
    """The counts of 20 symbols in its README."""
    counts = (7, 3, 5, 8, 9, 1, 3, 3, 1, 2, 5, 2, 11, 4, 23, 5, 8)
    found = nsb_posterior(profile(counts, 20))
    assert found.mean == pytest.approx(2.623634344902917, abs=1e-9)
    # Its "std", 0.0486755, leaves out how uncertain the entropy is for each b: ours holds both.
    assert found.deviation > 0.0486755


@pytest.mark.parametrize(("size", "numbers", "value"), ROWS)
def test_the_values_of_ndd(size: int, numbers: dict[int, int], value: float) -> None:
    """It integrates b from about 1e-8 to 1e4, which cuts uniform samples: up to 4e-5 too small.

    So its values lie between the integral over that range and the whole one. Where nothing is cut
    they agree to 1e-9.
    """
    whole = entropy_of_counts(counts_of(numbers), "nsb", size)
    cut = oracle.nsb_on_a_grid(numbers, size, 1e-8, 1e4)
    assert abs(whole - value) <= abs(whole - cut) + 1e-9
    assert abs(whole - value) <= 4e-5


def test_nothing_is_cut_in_half_of_the_values_of_ndd() -> None:
    errors = [abs(entropy_of_counts(counts_of(m), "nsb", k) - value) for k, m, value in ROWS]
    assert sum(error < 1e-9 for error in errors) >= len(errors) / 2


# ------------------------------------------------------------------------------------------- limits


def test_one_symbol_in_all() -> None:
    assert nsb_posterior(profile((5,), 1)) == (0.0, 0.0)
    assert nsb_without_one(profile((5,), 1)).tolist() == [0.0]


def test_an_infinite_alphabet_needs_a_coincidence() -> None:
    assert nsb_posterior(profile((1, 1, 1), None)) == (math.inf, math.inf)
    assert nsb_without_one(profile((1, 1, 1), None)).tolist() == [math.inf]
    assert nsb_without_one(profile((1, 2), None)).tolist() == [
        pytest.approx(nsb_posterior(profile((2,), None)).mean, rel=1e-12),
        math.inf,
    ]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8).filter(lambda c: max(c) > 1))
def test_a_large_alphabet_is_an_infinite_one(counts: list[int]) -> None:
    """They differ by terms of s^2 / K = 1e-10 and, in the tail of the prior, of 1 / ln K."""
    infinite = nsb_posterior(profile(counts, None))
    large = nsb_posterior(profile(counts, 10**12))
    # With d coincidences the weight falls as k^-d, to K^-d at k = K, and the entropy is below ln K.
    tail = 10.0 ** (-12 * (sum(counts) - len(counts))) * math.log(10**12) * sum(counts) ** 2
    assert large.mean == pytest.approx(infinite.mean, rel=1e-9, abs=tail)


def test_uniform_samples_leave_little_doubt() -> None:
    assert nsb_posterior(profile((1000,) * 4, 4)).mean == pytest.approx(math.log(4), rel=1e-3)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=10),
    st.integers(0, 10**9),
)
def test_the_deviation_is_that_of_a_bounded_quantity(counts: list[int], more: int) -> None:
    size = len(counts) + more
    found = nsb_posterior(profile(counts, size))
    # Of all laws on [0, ln K] with this mean, the one on the two ends varies most.
    most = math.sqrt(max(found.mean * (math.log(size) - found.mean), 0.0))
    assert 0.0 <= found.deviation <= most + 1e-9


def test_the_limit_of_few_coincidences() -> None:
    """For d coincidences among n samples of an infinite alphabet: 2 ln n - ln 2 - psi(d) - psi(1).

    The likelihood k^-d exp(-n^2 / 2k) has terms of n^3 / k^2 next, and k is of order n^2 / 2d: the
    relative error is of order d / n.
    """
    counts = (*(2,) * 5, *(1,) * 9_990)
    exact = nsb_posterior(profile(counts, None))
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4  # psi(5) - psi(1)
    limit = 2 * math.log(10_000) - math.log(2) - harmonic + 2 * np.euler_gamma
    assert entropy_of_counts(np.array(counts), "ansb", None) == pytest.approx(limit, rel=1e-14)
    assert exact.mean == pytest.approx(limit, abs=0.02)
    spread = math.sqrt(math.pi**2 / 6 - (1 + 1 / 4 + 1 / 9 + 1 / 16))  # of psi'(5)
    assert ansb_deviation(profile(counts, None).shape) == pytest.approx(spread, rel=1e-13)
    assert exact.deviation == pytest.approx(spread, abs=0.02)
    assert ansb_deviation(profile((1, 1), None).shape) == math.inf
    assert entropy_of_counts(np.array((1, 1)), "ansb", None) == math.inf


# ---------------------------------------------------------------------------- numbers near rounding


def test_rising_factorials() -> None:
    """ln of z (z + 1) ... (z + c - 1) / (c - 1)! by its factors; formulas change at 20."""
    z = np.array([[1e-12], [0.3], [19.9], [20.1], [1e6], [1e15]])
    counts = np.array([1.0, 2.0, 7.0, 19.0, 20.0, 40.0])
    found = _log_rising(z, counts)
    for row, value in enumerate(z[:, 0]):
        for column, count in enumerate(counts):
            logs = [math.log(value + j) for j in range(int(count))]
            want = math.fsum(logs + [-math.log(j) for j in range(1, int(count))])
            assert found[row, column] == pytest.approx(want, rel=1e-14, abs=1e-13)


@pytest.mark.parametrize("size", [2, 1000, 10**12])
def test_the_prior_where_its_terms_cancel(size: int) -> None:
    import mpmath

    for total in (1e-9, 1.0, 19.9 * size, 20.1 * size, 1e6 * size, 1e12 * size):
        with mpmath.workdps(60):
            k = mpmath.mpf(total)
            want = mpmath.log(mpmath.psi(1, k + 1) - mpmath.psi(1, k / size + 1) / size)
        found = _log_prior(np.array([[total]]), size)[0, 0]
        # Just below the change of formulas two terms of order 1 leave one of order 1/40.
        assert found == pytest.approx(float(want), rel=1e-13, abs=1e-13)
