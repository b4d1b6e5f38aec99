"""NCMI against error over models: coefficients, and intervals of two kinds."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import comparison as oracle
from scipy import stats

import infotheory
from infotheory.classifiers.correlation import (
    Correlation,
    correlation_intervals,
    ncmi_error_correlation,
    why_no_correlation,
)

K = 3
LABELS = np.arange(120) % K


def models(count: int, seed: int = 0, labels: Any = LABELS) -> dict[str, tuple[Any, Any]]:
    """Each with its own noise and its own strength, so that NCMI and error go together loosely."""
    rng = np.random.default_rng(seed)
    strength = rng.uniform(0.5, 2.5, count)
    return {
        f"m{i}": (s * np.eye(K)[labels] + rng.normal(size=(len(labels), K)), labels)
        for i, s in enumerate(strength)
    }


def compared(count: int = 6, **options: Any) -> infotheory.classifiers.Comparison:
    return infotheory.compare_classifiers(models(count), interval=None, rng=0, **options)


def values(comparison: Any) -> tuple[list[float], list[float]]:
    reports = comparison.reports.values()
    return [r.ncmi for r in reports], [r.error for r in reports]


# ------------------------------------------------------------------------------- coefficients


@given(st.integers(0, 2**32 - 1), st.integers(3, 7))
def test_coefficients_are_those_of_scipy_and_of_the_definition(seed: int, count: int) -> None:
    comparison = infotheory.compare_classifiers(models(count, seed), interval=None)
    x, y = values(comparison)
    found = ncmi_error_correlation(comparison.reports)
    if found is None:
        assert max(x) == min(x) or max(y) == min(y)
        return
    assert found.pearson == pytest.approx(oracle.pearson(x, y), abs=1e-12)
    assert found.spearman == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found.models == count


def test_the_object_repeats_the_coefficients() -> None:
    comparison = compared()
    found = comparison.correlation
    assert found is not None
    want = ncmi_error_correlation(comparison.reports)
    assert (found.pearson, found.spearman, found.models) == want
    assert found.n == 120
    assert comparison.correlation is found  # computed once


# ------------------------------------------------------------------------ over models


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_the_interval_of_pearson_over_models_is_that_of_scipy(level: float) -> None:
    comparison = compared(level=level)
    want = stats.pearsonr(*values(comparison)).confidence_interval(level)
    found = comparison.correlation.pearson_over_models
    assert (found.low, found.high) == pytest.approx((want.low, want.high), rel=1e-9)
    assert found.level == level


def test_the_interval_of_spearman_over_models_by_hand() -> None:
    """r = 0.6 over 12 models: variance (1 + 0.18) / 9, and atanh 0.6 = ln 2."""
    measured = np.zeros((12, 2))
    found = correlation_intervals(
        Correlation(0.0, 0.6, 12), 100, 0.95, measured, None, np.random.default_rng(0)
    ).spearman_over_models
    reach = 1.959963984540054 * math.sqrt(1.18 / 9)
    assert found.low == pytest.approx(math.tanh(math.log(2) - reach), rel=1e-12)
    assert found.high == pytest.approx(math.tanh(math.log(2) + reach), rel=1e-12)
    assert found.standard_error == pytest.approx(0.64 * math.sqrt(1.18 / 9), rel=1e-12)


def test_what_models_cannot_tell_is_the_whole_range() -> None:
    three = compared(3).correlation
    for found in (three.pearson_over_models, three.spearman_over_models):
        assert (found.low, found.high) == (-1.0, 1.0)
        assert found.method.endswith("undetermined by 3 models")
    found = correlation_intervals(
        Correlation(0.9, 1.0, 5), 9, 0.95, np.zeros((5, 2)), None, np.random.default_rng(0)
    )
    assert (found.spearman_over_models.low, found.spearman_over_models.high) == (-1.0, 1.0)
    assert found.spearman_over_models.method.endswith("undetermined at 1")
    assert found.pearson_over_models.low > -1.0


# --------------------------------------------------------------------------- over rows


def test_the_interval_over_rows_is_as_wide_as_other_rows_scatter() -> None:
    """Six fixed models on 150 test sets: a spread with a relative error of 6 %, as much from the
    draws and from the estimated covariance, and the normal law of 600 rows is an approximation."""
    labels = np.arange(600) % K
    rng = np.random.default_rng(8)
    strength = [0.7, 1.0, 1.3, 1.6, 2.0, 2.4]
    scale = [1.0, 2.0, 1.5, 1.0, 2.5, 1.2]

    def test_set() -> dict[str, Any]:
        shared = rng.normal(size=(600, K))
        return {
            f"m{i}": (c * (s * np.eye(K)[labels] + shared + rng.normal(size=(600, K))), labels)
            for i, (s, c) in enumerate(zip(strength, scale, strict=True))
        }

    pearson, spearman = [], []
    for _ in range(150):
        reports = {name: infotheory.measure_classifier(*pair) for name, pair in test_set().items()}
        found = ncmi_error_correlation(reports)
        pearson.append(found.pearson)
        spearman.append(found.spearman)
    errors = []
    for _ in range(8):
        found = infotheory.compare_classifiers(test_set(), interval=None, rng=1).correlation
        errors.append(
            (found.pearson_over_rows.standard_error, found.spearman_over_rows.standard_error)
        )
    mean = np.mean(errors, axis=0)
    assert mean[0] == pytest.approx(np.std(pearson), rel=0.3)
    assert mean[1] == pytest.approx(np.std(spearman), rel=0.3)


def test_draws_against_percentiles_of_other_draws() -> None:
    """Four models with independent errors: a law that is drawn here once more, without ranks.

    The correlation is strong, so that most draws have a weaker one.
    """
    measured = np.array([[1.0, 1.0], [2.0, 2.3], [3.0, 2.8], [4.0, 4.0]])
    deviations = np.array([0.6, 0.3, 0.5, 0.7, 0.4, 0.5, 0.6, 0.3])
    r = oracle.pearson(*measured.T.tolist())
    found = correlation_intervals(
        Correlation(r, 0.8, 4), 9, 0.9, measured, np.diag(deviations**2), np.random.default_rng(0)
    )
    other = np.random.default_rng(1)
    draws = []
    for _ in range(4000):
        drawn = measured + (deviations * other.normal(size=8)).reshape(4, 2)
        draws.append(oracle.pearson(*drawn.T.tolist()))
    below = stats.norm.ppf(np.mean(np.array(draws) < r))
    ends = stats.norm.cdf(2 * below + stats.norm.ppf([0.05, 0.95]))
    want = np.quantile(draws, ends)
    # Percentiles of 2000 draws: a standard error of sqrt(0.05 0.95 / 2000) = 0.5 % in level.
    got = (found.pearson_over_rows.low, found.pearson_over_rows.high)
    assert below > 1.0
    assert got == pytest.approx(want, abs=0.02)
    assert want[0] > np.quantile(draws, 0.05) + 0.1
    assert found.pearson_over_rows.standard_error == pytest.approx(np.std(draws), rel=0.1)


def test_rows_that_say_everything_leave_no_doubt() -> None:
    measured = np.array([[1.0, 1.0], [2.0, 1.5], [3.0, 4.0]])
    r = oracle.pearson(*measured.T.tolist())
    found = correlation_intervals(
        Correlation(r, 1.0, 3), 9, 0.95, measured, np.zeros((6, 6)), np.random.default_rng(0)
    )
    for interval, want in ((found.pearson_over_rows, r), (found.spearman_over_rows, 1.0)):
        assert (interval.low, interval.high) == pytest.approx((want, want), abs=1e-12)


def test_errors_that_all_models_share_do_not_count() -> None:
    measured = np.array([[1.0, 1.0], [2.0, 1.5], [3.0, 4.0]])
    shared = np.kron(np.ones((3, 3)), np.diag([0.5, 0.2]))
    found = correlation_intervals(
        Correlation(0.9, 1.0, 3), 9, 0.95, measured, shared, np.random.default_rng(0)
    )
    assert found.spearman_over_rows.low == pytest.approx(1.0, abs=1e-9)
    assert found.pearson_over_rows.standard_error == pytest.approx(0.0, abs=1e-6)


def test_intervals_narrow_with_the_level() -> None:
    found = [compared(level=level).correlation for level in (0.5, 0.8, 0.95, 0.99)]
    for kind in ("pearson_over_rows", "spearman_over_rows", "pearson_over_models"):
        for narrow, wide in pairwise(found):
            one, other = getattr(narrow, kind), getattr(wide, kind)
            assert other.low <= one.low
            assert one.high <= other.high
        assert getattr(found[0], kind).width < getattr(found[3], kind).width


def test_models_on_other_rows_have_no_interval_over_rows() -> None:
    given = models(4)
    order = np.random.default_rng(0).permutation(120)
    z, y = given["m2"]
    given["m2"] = (z[order], y[order])
    found = infotheory.compare_classifiers(given, interval=None).correlation
    assert found.pearson_over_rows is None
    assert found.spearman_over_rows is None
    assert "other rows" not in str(found)
    assert found.to_frame()["over"].tolist() == ["models", "models"]


# --------------------------------------------------------------- undefined, and in print


def test_why_there_is_no_correlation() -> None:
    z, y = models(1)["m0"]
    cases = [
        (models(2), "it takes three models with an error rate and a finite Gamma; got 2"),
        (
            {**models(3), "m2": (z[3:], y[3:]), "m3": (z[1:], y[1:])},
            "the models were not measured on the same number of samples in each class",
        ),
        (dict.fromkeys("abc", (z, y)), "all models have the same NCMI"),
        ({str(s): (s * z, y) for s in (1, 2, 3)}, "all models have the same error"),
    ]
    for given_, why in cases:
        comparison = infotheory.compare_classifiers(given_, interval=None)
        assert comparison.correlation is None
        assert why_no_correlation(comparison.reports) == why
        assert comparison.correlation_note == f"no correlation of NCMI with error: {why}"
        assert ncmi_error_correlation(comparison.reports) is None


def test_infinite_models_take_no_part() -> None:
    z, y = models(1)["m0"]
    masked = z.copy()
    masked[0, 1] = -math.inf
    comparison = quietly(
        infotheory.compare_classifiers, {"odd": (masked, y), **models(4)}, interval=None
    )
    assert comparison.correlation.models == 4
    assert comparison.correlation.pearson_over_rows is not None


def test_the_correlation_as_table_and_in_print() -> None:
    found = compared().correlation
    table = found.to_frame()
    assert table[["coefficient", "over"]].to_numpy().tolist() == [
        ["pearson", "models"], ["pearson", "rows"], ["spearman", "models"], ["spearman", "rows"],
    ]  # fmt: skip
    assert table["low"].tolist()[1] == found.pearson_over_rows.low
    lines = str(found).splitlines()
    assert lines[0] == "NCMI against error, 6 models, 120 rows"
    assert lines[1].startswith(f"Pearson {found.pearson:.3f}: other models [")
    assert lines[2].startswith(f"Spearman {found.spearman:.3f}: other models [")
