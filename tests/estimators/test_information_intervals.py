"""How certain estimates of information are, and where they say that they are less so."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import mutual_information as oracle

from infotheory.estimators import (
    ENTROPY_METHODS,
    estimate_conditional_entropy,
    estimate_conditional_mutual_information,
    estimate_entropy,
    estimate_mutual_information,
    estimate_mutual_information_from_counts,
)
from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning

SYMBOL = st.integers(0, 2)
ROWS = st.lists(st.tuples(SYMBOL, SYMBOL, SYMBOL), min_size=3, max_size=25)
ORACLES = {"plugin": oracle.plugin, "miller_madow": oracle.miller_madow}
NORMAL = 1.959963984540054


def columns(rows: list[tuple[int, ...]]) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)]


# -------------------------------------------------------------------------- the standard error


@given(ROWS, st.sampled_from(sorted(ORACLES)))
def test_samples_are_left_out_one_by_one(rows: Any, method: str) -> None:
    x, y, z = columns(rows)
    n, entropy = len(rows), ORACLES[method]
    variance = oracle.jackknife_variance(
        (x, y), lambda *v: oracle.mutual_information(*v, entropy=entropy)
    )
    variance += abs(oracle.degrees_of_freedom(x, y)) / (2 * n**2)
    found = quietly(estimate_mutual_information, x, y, method=method)
    # Deviations are off by a few units of rounding, which matters where they are that small.
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9, abs=1e-13)
    variance = oracle.jackknife_variance(
        (x, y, z), lambda *v: oracle.conditional_mutual_information(*v, entropy=entropy)
    )
    variance += abs(oracle.degrees_of_freedom(x, y, z)) / (2 * n**2)
    found = quietly(estimate_conditional_mutual_information, x, y, z, method=method)
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9, abs=1e-13)
    variance = oracle.jackknife_variance(
        (x, y), lambda *v: oracle.conditional_entropy(*v, entropy=entropy)
    )
    pairs = len(set(zip(x, y, strict=True)))
    variance += (pairs - len(set(y))) / (2 * n**2)
    found = quietly(estimate_conditional_entropy, x, y, method=method)
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("method", [m for m in ENTROPY_METHODS if m != "ansb"])
def test_every_method_is_left_one_sample_at_a_time(method: str) -> None:
    """By the entropies of the package, sample by sample, in samples with several of each pair."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 3, 60)
    y = np.where(rng.random(60) < 0.5, x, rng.integers(0, 3, 60))

    def information(a: Any, b: Any) -> float:
        def entropy(samples: Any, size: int) -> float:
            return float(quietly(estimate_entropy, samples, method=method, n_symbols=size))

        pairs = np.stack([a, b], axis=1)
        return entropy(a, 4) + entropy(b, 3) - entropy(pairs, 12)

    variance = oracle.jackknife_variance((x.tolist(), y.tolist()), information)
    variance += oracle.degrees_of_freedom(x.tolist(), y.tolist()) / (2 * 60**2)
    found = quietly(estimate_mutual_information, x, y, method=method, n_symbols=(4, 3))
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-6)


@given(ROWS, st.floats(0.01, 0.99))
def test_the_interval_is_normal_and_corrects_the_bias_of_the_plugin(
    rows: Any, level: float
) -> None:
    x, y, _ = columns(rows)
    found = quietly(estimate_mutual_information, x, y, method="plugin", level=level)
    other = quietly(estimate_mutual_information, x, y, method="miller_madow", level=level)
    bias = oracle.degrees_of_freedom(x, y) / (2 * len(x))
    assert found.interval.bias == pytest.approx(bias, abs=1e-15)
    assert found.interval.corrected == pytest.approx(other.value, abs=1e-14)
    assert other.interval.bias == 0.0
    for estimate in (found, other):
        centre = estimate.interval.corrected
        assert (estimate.low + estimate.high) / 2 == pytest.approx(centre, abs=1e-13)
        assert estimate.level == level
        assert estimate.interval.method == "delete-one jackknife and second order, normal"
    wide = quietly(estimate_mutual_information, x, y)
    assert wide.high - wide.value == pytest.approx(NORMAL * wide.standard_error, abs=1e-12)


def test_the_second_order_is_a_chi_square_law() -> None:
    """2 n I of independent samples has the mean df and the variance 2 df, here of 9 degrees.

    Of 1000 tables the mean is known to sqrt(18 / 1000) and the variance to sqrt(2 / 1000) of
    itself, a little more for the fourth moment (12 / df): five of these, and a term of order 1/n.
    """
    rng = np.random.default_rng(0)
    n, joint = 4000, np.outer([0.1, 0.2, 0.3, 0.4], [0.25] * 4).ravel()
    statistic = [
        2 * n * quietly(estimate_mutual_information_from_counts, table, method="plugin")
        for table in rng.multinomial(n, joint, 1000).reshape(-1, 4, 4)
    ]
    assert np.mean(statistic) == pytest.approx(9, abs=5 * math.sqrt(18 / 1000) + 0.02)
    error = math.sqrt((2 + 12 / 9) / 1000)
    assert np.var(statistic) == pytest.approx(18, rel=5 * error + 0.01)


# Dependence of two variables of four symbols, and what 95 % intervals cover. The chi-square term
# makes them too wide near independence, and where the estimate is skew the normal law costs a
# little: the floor is 0.91 less four standard deviations of 200 draws, sqrt(0.91 0.09 / 200).
@pytest.mark.parametrize("method", ["auto", "miller_madow", "plugin"])
@pytest.mark.parametrize("strength", [0.0, 0.15, 0.5, 0.95])
def test_intervals_hold_the_truth(method: str, strength: float) -> None:
    rng = np.random.default_rng(7)
    joint = (1 - strength) / 16 + strength * np.eye(4) / 4
    truth = float((joint * np.log(16 * joint)).sum())
    tables = rng.multinomial(400, joint.ravel(), 200).reshape(-1, 4, 4)
    found = [
        quietly(estimate_mutual_information_from_counts, table, method=method) for table in tables
    ]
    covered = np.mean([estimate.low <= truth <= estimate.high for estimate in found])
    assert covered >= 0.91 - 4 * math.sqrt(0.91 * 0.09 / 200)
    scatter = np.std([estimate.interval.corrected for estimate in found])
    error = math.sqrt(np.mean([estimate.standard_error**2 for estimate in found]))
    # The scatter of 200 draws is known to some 5 % (more where it is skew): not too small, and
    # at most twice as large, as at independence: sqrt(2 + 1) with the chi-square term.
    assert 0.8 * scatter <= error <= 2.2 * scatter


# -------------------------------------------------------------------------------- the doubts


def test_a_tenth_of_the_samples_alone_is_the_limit() -> None:
    x = [0, 1] * 45
    y = [0, 0, 1, 1] * 22 + [0, 0]
    for alone in (10, 11):
        others = [f"once {i}" for i in range(alone)]
        found = quietly(
            estimate_mutual_information, list(map(str, x)) + others, list(map(str, y)) + others
        )
        assert bool(found.warnings) is (alone == 11)
    text = (
        "11 of 101 samples are alone with their combination of symbols: about 11 % of the "
        "distribution was not seen, and the interval leaves out the bias this may bring. "
        "Take more samples or fewer symbols"
    )
    assert found.warnings == (f"{text}, or pass n_symbols.",)
    sizes = (20, 20)
    known = quietly(
        estimate_mutual_information,
        list(map(str, x)) + others,
        list(map(str, y)) + others,
        n_symbols=sizes,
    )
    assert known.warnings == (f"{text}.",)


def test_methods_with_bias_are_told() -> None:
    """A uniform table of 20 x 20 with three samples a cell: half of the plug-in is bias."""
    table = np.random.default_rng(0).poisson(4, (20, 20))
    found = quietly(estimate_mutual_information_from_counts, table, method="james_stein")
    assert len(found.warnings) == 1
    best = quietly(estimate_mutual_information_from_counts, table)
    assert best.warnings == ()
    off = abs(found.value - best.value) / found.standard_error
    assert f"The estimate lies {off:.1f} standard errors from that of method=" in found.warnings[0]
    # What its interval corrects is no reproach to the plug-in value.
    plain = np.random.default_rng(0).poisson(10, (10, 10))
    close = quietly(estimate_mutual_information_from_counts, plain, method="plugin")
    assert close.interval.bias > 2 * close.standard_error
    assert close.warnings == ()
    with pytest.warns(PrecisionWarning, match=re.escape(found.warnings[0])):
        estimate_mutual_information_from_counts(table, method="james_stein")


def test_what_does_not_scatter_is_told() -> None:
    for variables in (([0] * 30, [0, 1, 2] * 10), ([0] * 30, [5] * 30)):
        with pytest.warns(
            PrecisionWarning, match="Without any one of the 30 samples the estimate w"
        ):
            found = estimate_mutual_information(*variables)
        assert found.standard_error == 0.0
        assert found.low == found.high == found.value
    with pytest.warns(PrecisionWarning, match="leaves the interval no width"):
        estimate_conditional_entropy([0, 1] * 20, ["a", "b"] * 20)
    rng = np.random.default_rng(0)
    y, z = rng.integers(0, 3, (2, 200))
    found = quietly(estimate_conditional_mutual_information, z % 2, y, z)
    assert found.standard_error == 0.0  # to rounding, of (a + b) - b - a
    assert "leaves the interval no width" in found.warnings[0]
    # That of a fair coin and its copy does: to second order.
    assert estimate_mutual_information([0, 1] * 20, [0, 1] * 20).standard_error > 0.0


def test_estimates_without_a_finite_value_have_no_interval() -> None:
    x, y = list(range(12)), list(range(12))
    for method in ("ansb", "nsb"):  # no coincidence leaves the entropy unbounded
        with pytest.warns(UndefinedIntervalWarning, match="without one of the 12 samples the"):
            found = estimate_mutual_information(x, y, method=method)
        assert not math.isfinite(found.value)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert len(found.warnings) == 1
    x[0] = y[0] = 1
    with pytest.warns(UndefinedIntervalWarning, match="is not finite"):
        found = estimate_mutual_information(x, y, method="ansb")
    assert math.isfinite(found.value)
    assert math.isnan(found.standard_error)


def test_estimates_may_be_negative_and_so_may_intervals() -> None:
    table = np.full((3, 3), 20)
    found = estimate_mutual_information_from_counts(table)
    assert found.value < 0.0
    assert found.low < found.value < found.high
    assert found.high > 0.0
