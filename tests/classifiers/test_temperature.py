"""The temperature of least cross entropy, and the quantities over temperatures."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classifiers.strategies import logit_cases
from classifiers.support import clustered_logits, labels_of_sizes, measure
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from oracles import classifiers as exact
from oracles import comparison as oracle

from infotheory.classifiers import fit_temperature, temperature_curve
from infotheory.exceptions import EmptyClassWarning


def sample(n: int = 300, k: int = 4, scale: float = 1.0, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    return scale * (rng.normal(size=(n, k)) + 1.5 * np.eye(k)[labels]), labels


def loss(outputs: Any, labels: Any, temperature: float) -> float:
    rows = [exact.distribution(row, temperature=temperature)[1] for row in outputs]
    return math.fsum(-row[label] for row, label in zip(rows, labels, strict=True))


# ------------------------------------------------------------------------------------ the fit


def test_a_temperature_known_by_hand() -> None:
    """Odds of nine to one at an accuracy of three in four, whose odds are three: T = 2."""
    rows = [[math.log(9), 0.0]] * 4
    assert fit_temperature(rows, [0, 0, 1, 0]) == pytest.approx(2.0, rel=1e-9)


def test_three_columns_known_by_hand() -> None:
    """At T the label has probability e^(1/T) / (e^(1/T) + 2); it is the label in half the rows."""
    rows = [[2.0, 1.0, 1.0]] * 8
    fitted = fit_temperature(rows, [0, 0, 0, 0, 1, 2, 1, 2])
    assert fitted == pytest.approx(1 / math.log(2), rel=1e-9)


@given(logit_cases(regimes=("ordinary", "ties", "confident"), square=True, min_rows=2))
def test_the_fit_is_that_of_bisection(case: Any) -> None:
    z, y = np.asarray(case.outputs), np.asarray(case.labels)
    gaps = z.max(axis=1) - z[np.arange(len(y)), y]
    slope = float((z.mean(axis=1) - z[np.arange(len(y)), y]).mean())
    # Where the minimum is flat, neither computation can place it: T itself is not determined.
    assume(gaps.mean() > 1e-3)
    assume(slope < -1e-3)
    want = oracle.best_temperature(z, y, [1.0] * len(y))
    assert fit_temperature(z, y) == pytest.approx(want, rel=1e-6)


def test_a_small_advantage_of_the_label_takes_a_large_temperature() -> None:
    """To first order in b = 1/T the derivatives of the two losses add up to (b - e) / 2: b = e."""
    for advantage in (1e-2, 1e-4):
        fitted = fit_temperature([[1.0 + advantage, 0.0], [1.0, 0.0]], [0, 1])
        assert fitted == pytest.approx(1 / advantage, rel=2 * advantage + 1e-3)


def test_no_other_temperature_has_less_cross_entropy() -> None:
    z, y = sample(60, seed=3)
    best = fit_temperature(z, y)
    least = loss(z, y, best)
    for factor in (0.9, 0.999, 1.001, 1.1):
        assert loss(z, y, best * factor) > least


@given(st.floats(1e-4, 1e4))
def test_temperature_goes_with_the_scale_of_logits(scale: float) -> None:
    z, y = sample(80)
    assert fit_temperature(scale * z, y) == pytest.approx(scale * fit_temperature(z, y), rel=1e-8)


def test_a_shift_of_rows_changes_nothing() -> None:
    z, y = sample(80)
    shifted = z + 100 * np.random.default_rng(1).normal(size=(80, 1))
    assert fit_temperature(shifted, y) == pytest.approx(fit_temperature(z, y), rel=1e-9)


def test_the_three_kinds_agree() -> None:
    z, y = sample(80)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    want = fit_temperature(z, y)
    assert fit_temperature(logs, y, kind="log_probs") == pytest.approx(want, rel=1e-9)
    assert fit_temperature(np.exp(logs), y, kind="probs") == pytest.approx(want, rel=1e-9)


def test_probabilities_of_zero_beside_the_label_are_legal() -> None:
    p = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.9, 0.1, 0.0]])
    y = [0, 1, 0, 0]
    assert fit_temperature(p, y, kind="probs") == pytest.approx(2.0, rel=1e-9)
    with np.errstate(divide="ignore"):
        assert fit_temperature(np.log(p), y) == pytest.approx(2.0, rel=1e-9)


def test_whole_weights_repeat_rows() -> None:
    z, y = sample(60)
    times = np.random.default_rng(5).integers(0, 4, 60)
    repeated = fit_temperature(np.repeat(z, times, axis=0), np.repeat(y, times))
    assert fit_temperature(z, y, sample_weight=times) == pytest.approx(repeated, rel=1e-9)
    weights = np.random.default_rng(6).random(60)
    want = oracle.best_temperature(z, y, weights.tolist())
    assert fit_temperature(z, y, sample_weight=weights) == pytest.approx(want, rel=1e-8)


def test_rows_of_weight_zero_do_not_count() -> None:
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [1.0, 0.0]])
    fitted = fit_temperature(p, [0, 1, 0, 0, 1], kind="probs", sample_weight=[1, 1, 1, 1, 0])
    assert fitted == pytest.approx(2.0, rel=1e-9)


def test_single_precision_rows_are_measured_in_double() -> None:
    z, y = sample(2000, 600)
    z32 = z.astype(np.float32)  # more numbers than single precision starts at
    assert fit_temperature(z32, y) == pytest.approx(fit_temperature(z32.astype(float), y), rel=1e-9)


def test_rows_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from infotheory.classifiers import temperature

    z, y = sample(70)
    want = fit_temperature(z, y)
    monkeypatch.setattr(temperature, "_CHUNK_NUMBERS", 40)
    assert fit_temperature(z, y) == pytest.approx(want, rel=1e-9)


REFUSED = [
    ([[2.0, 1.0], [0.0, 1.0]], [0, 1], "wrong in at least one row .*; got the largest output at t"),
    ([[2.0, 2.0], [0.0, 1.0]], [1, 1], "wrong in at least one row"),
    ([[2.0, 1.0], [0.0, 1.0]], [1, 0], "larger at the labels than on average .*; got labels that"),
    ([[2.0, 1.0], [2.0, 1.0]], [1, 0], "larger at the labels than on average"),
    ([[1.0 + 1e-9, 0.0], [1.0, 0.0]], [0, 1], "larger at the labels than on average"),
    ([[1.0, 1.0], [3.0, 3.0]], [1, 0], "different within a row; got rows of equal outputs only"),
    (
        [[0.0, 1.0], [3.0, -math.inf]],
        [1, 1],
        "positive at the label; got probability zero at row 1",
    ),
    ([[0.0, math.nan], [3.0, 0.0]], [1, 1], "finite or -inf logits; got nan at row 0"),
    ([[0.5, 0.5], [0.3, 0.7]], [1, 1], "logits for kind='logits'"),
]


@pytest.mark.parametrize(("rows", "labels", "message"), REFUSED)
def test_what_has_no_best_temperature_is_refused(rows: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"outputs must be {message}"):
        fit_temperature(rows, labels)


def test_a_search_without_success_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of 1000 that are right, and of 0.01 that are not always, take five steps of four."""
    from infotheory.classifiers import temperature

    z = np.array([[1000.0, 0.0]] * 3 + [[0.02, 0.0], [0.01, 0.0]])
    y = [0, 0, 0, 0, 1]
    assert fit_temperature(z, y) == pytest.approx(oracle.best_temperature(z, y, [1.0] * 5))
    monkeypatch.setattr(temperature, "_STEPS", 1)
    with pytest.raises(
        ValueError, match="outputs must be of one scale in all rows; got rows whose"
    ):
        fit_temperature(z, y)


def test_labels_that_name_no_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"labels must be integers in \[0, 2\); got 2 at row 1"):
        fit_temperature([[1.0, 2.0], [0.0, 1.0]], [0, 2])


def test_weights_of_zero_only_are_refused() -> None:
    with pytest.raises(ValueError, match="sample_weight must be positive for at least one sample"):
        fit_temperature([[1.0, 2.0], [0.0, 1.0]], [0, 1], sample_weight=[0, 0])


# ---------------------------------------------------------------------------------- the curve


def test_a_curve_is_what_single_measurements_give() -> None:
    z, y = sample(120)
    curve = temperature_curve(z, y, [2.0, 0.5, 1.0], base=2, smoothing=0.01)
    assert curve.temperatures.tolist() == [0.5, 1.0, 2.0]
    for i, temperature in enumerate(curve.temperatures):
        report = measure(z, y, temperature=temperature, base=2, smoothing=0.01)
        for name in curve.to_frame().columns:
            assert getattr(curve, name)[i] == getattr(report, name), name
    assert curve.unit == "bits"


def test_the_default_grid() -> None:
    z, y = sample(20)
    grid = temperature_curve(z, y).temperatures
    assert grid.size == 33
    assert grid[[0, 16, 32]] == pytest.approx([0.25, 1.0, 4.0], rel=1e-12)
    np.testing.assert_allclose(np.diff(np.log(grid)), math.log(2) / 8, rtol=1e-9)


def test_the_curve_has_its_least_cross_entropy_at_the_fit() -> None:
    z, y = sample(300, scale=1.7)
    fitted = fit_temperature(z, y)
    curve = temperature_curve(z, y, fitted * np.array([0.8, 0.9, 1.0, 1.1, 1.25]))
    assert curve.cross_entropy.argmin() == 2
    assert np.ptp(curve.error) == 0.0  # temperature keeps the order of outputs


def test_a_curve_as_table_and_in_print() -> None:
    z, y = sample(50)
    curve = temperature_curve(z, y, [1, 2])
    table = curve.to_frame()
    assert isinstance(table, pd.DataFrame)
    assert table.index.name == "temperature"
    assert list(table.columns) == [
        "cmi", "gamma", "ncmi", "cross_entropy", "expected_calibration_error", "error",
    ]  # fmt: skip
    assert f"{curve.ncmi[1]:.6g}" in str(curve)
    assert f"{curve.ncmi[1]:.6g}" in curve._repr_html_()


def test_a_curve_warns_once_at_the_line_of_its_caller() -> None:
    z = clustered_logits(np.random.default_rng(0), labels_of_sizes([5, 5, 5]), 4)
    with pytest.warns(EmptyClassWarning) as caught:
        curve = temperature_curve(z, labels_of_sizes([5, 5, 5]), [1, 2, 3])
    assert [item.filename for item in caught] == [__file__]
    assert curve.warnings == (str(caught[0].message),)


def test_features_have_a_curve_without_cross_entropy() -> None:
    z, y = sample(50)
    curve = temperature_curve(z, y % 3, [1, 2], n_classes=3)
    assert np.isnan(curve.cross_entropy).all()
    assert (curve.ncmi > 0).all()
    ax = curve.plot(Figure().subplots())
    assert ax.get_figure().axes == [ax]


def test_the_figure_of_a_curve() -> None:
    z, y = sample(200)
    curve = temperature_curve(z, y)
    ax = curve.plot(Figure().subplots())
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), curve.temperatures)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), curve.ncmi)
    (over,) = (other for other in ax.get_figure().axes if other is not ax)
    np.testing.assert_array_equal(over.lines[0].get_ydata(), curve.cross_entropy)
    assert over.lines[1].get_ydata() == [curve.cross_entropy.min()]
    assert "(nats)" in over.get_ylabel()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax.get_figure().draw_without_rendering()


@pytest.mark.parametrize(
    ("temperatures", "message"),
    [
        ([], r"temperatures must be a sequence of at least one number; got shape \(0,\)"),
        (2.0, r"temperatures must be a sequence of at least one number; got shape \(\)"),
        ([1.0, 0.0], "temperature must be a positive finite number"),
        ([1.0, math.nan], "temperature must be a positive finite number"),
    ],
)
def test_grids_that_are_refused(temperatures: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        temperature_curve([[1.0, 0.0], [0.0, 2.0]], [0, 1], temperatures)
