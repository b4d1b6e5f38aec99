"""Calibration on some rows, measured on the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from classifiers.support import labels_of_sizes
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import infotheory
from infotheory.classifiers import calibrate_classifier, fit_temperature
from infotheory.classifiers.calibration import split_rows
from infotheory.exceptions import EmptyClassWarning


def sample(n: int = 3000, k: int = 3, scale: float = 4.0, seed: int = 0) -> tuple[Any, Any]:
    """Logits whose best temperature is scale / 2: the posterior is softmax of twice the rows."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    return scale * (rng.normal(size=(n, k)) + 2 * np.eye(k)[labels]), labels


def test_temperature_and_reports_are_those_of_the_two_parts() -> None:
    z, y = sample()
    found = calibrate_classifier(z, y, rng=3, base=2)
    fitted, measured = split_rows(y, 0.5, np.random.default_rng(3))
    assert found.temperature == fit_temperature(z[fitted], y[fitted])
    assert found.fitted_on == fitted.size
    for report, temperature in ((found.before, 1.0), (found.after, found.temperature)):
        want = infotheory.measure_classifier(
            z[measured], y[measured], temperature=temperature, base=2
        )
        assert report.to_dict() == want.to_dict()


def test_calibration_improves_what_is_too_confident() -> None:
    """The standard error of T is about 3 %: half of 3000 rows, each with some information."""
    z, y = sample(6000)
    found = calibrate_classifier(z, y, rng=0)
    assert found.temperature == pytest.approx(2.0, rel=0.15)
    assert found.after.cross_entropy < found.before.cross_entropy
    assert found.after.expected_calibration_error < 0.5 * found.before.expected_calibration_error
    assert found.after.error == found.before.error


def test_a_seed_repeats_the_split() -> None:
    z, y = sample(300)
    first, second, other = (calibrate_classifier(z, y, rng=seed) for seed in (1, 1, 2))
    assert first.temperature == second.temperature != other.temperature
    assert first.after.to_dict() == second.after.to_dict()


def test_measuring_with_calibrate_gives_the_report_after() -> None:
    z, y = sample(300)
    report = infotheory.measure_classifier(z, y, calibrate="temperature", rng=5)
    assert report.to_dict() == calibrate_classifier(z, y, rng=5).after.to_dict()


def test_weights_and_groups_follow_their_rows() -> None:
    z, y = sample(400)
    weights = np.random.default_rng(1).random(400)
    groups = np.where(np.arange(400) % 3 == 0, "a", "b")
    found = calibrate_classifier(z, y, rng=2, sample_weight=weights, groups=groups)
    fitted, measured = split_rows(y, 0.5, np.random.default_rng(2))
    want = fit_temperature(z[fitted], y[fitted], sample_weight=weights[fitted])
    assert found.temperature == want
    after = infotheory.measure_classifier(
        z[measured], y[measured], temperature=want, sample_weight=weights[measured],
        groups=groups[measured],
    )  # fmt: skip
    assert found.after.to_dict() == after.to_dict()
    assert found.after.per_group.equals(after.per_group)


def test_intervals_of_both_reports() -> None:
    z, y = sample(300)
    found = calibrate_classifier(z, y, rng=2, interval="jackknife", level=0.9)
    for report in (found.before, found.after):
        assert report.intervals["ncmi"].level == 0.9


def test_a_calibration_as_table_and_in_print() -> None:
    z, y = sample(300)
    found = calibrate_classifier(z, y, rng=2)
    assert found.to_frame().index.tolist() == ["before", "after"]
    assert found.to_frame().loc["after", "temperature"] == found.temperature
    rest = f"{300 - found.fitted_on} others"
    assert f"fitted on {found.fitted_on} rows, measured on {rest}" in str(found)
    assert f"{found.after.ncmi:.6g}" in str(found)
    assert f"{found.after.ncmi:.6g}" in found._repr_html_()


def test_the_figure_shows_both() -> None:
    z, y = sample(300)
    found = calibrate_classifier(z, y, rng=2)
    ax = found.plot(Figure(layout="constrained").subplots())
    points = np.asarray(ax.collections[0].get_offsets())
    want = [(r.cmi, r.gamma) for r in (found.before, found.after)]
    np.testing.assert_allclose(points, want)


def test_warnings_are_given_once_at_the_line_of_the_caller() -> None:
    z, y = sample(90, k=4)
    keep = y != 2
    for call in (
        lambda: calibrate_classifier(z[keep], y[keep], rng=0),
        lambda: infotheory.measure_classifier(z[keep], y[keep], calibrate="temperature", rng=0),
    ):
        with pytest.warns(EmptyClassWarning) as caught:
            call()
        assert [item.filename for item in caught] == [__file__]


# ------------------------------------------------------------------------------------ the split


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.floats(0.05, 0.95),
    st.integers(0, 2**32 - 1),
)
def test_the_split_is_stratified(sizes: list[int], fraction: float, seed: int) -> None:
    labels = labels_of_sizes([*sizes, 40], np.random.default_rng(seed))
    fitted, measured = split_rows(labels, fraction, np.random.default_rng(seed))
    assert sorted([*fitted, *measured]) == list(range(labels.size))
    assert (np.diff(fitted) > 0).all()
    assert (np.diff(measured) > 0).all()
    for c, size in enumerate([*sizes, 40]):
        taken = int((labels[fitted] == c).sum())
        assert taken <= size - 1
        assert abs(taken - fraction * size) < 1 or taken == size - 1


def test_every_row_is_as_likely_to_be_fitted_on() -> None:
    """600 splits: a share of 0.3 has a standard error of 0.019, and 24 rows are looked at.

    Of three rows 0.9 are to be taken, of five 1.5: chance decides which whole number.
    """
    labels = labels_of_sizes([3, 5, 16])
    rng = np.random.default_rng(0)
    times = np.zeros(24)
    for _ in range(600):
        times[split_rows(labels, 0.3, rng)[0]] += 1
    np.testing.assert_allclose(times / 600, 0.3, atol=4.5 * 0.019)


# -------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("fraction", [0, 1, 0.0, 1.0, -0.5, float("nan"), "half", None, True])
def test_fractions_that_are_refused(fraction: Any) -> None:
    z, y = sample(30)
    with pytest.raises(ValueError, match=r"fraction must be a number in \(0, 1\); got"):
        calibrate_classifier(z, y, fraction=fraction)


def test_single_rows_leave_nothing_to_fit_on() -> None:
    z, _ = sample(3)
    with pytest.raises(ValueError, match="fraction must be large enough to leave rows to fit on"):
        calibrate_classifier(z, [0, 1, 2])


def test_other_refusals() -> None:
    z, y = sample(30)
    with pytest.raises(ValueError, match="method must be one of 'temperature'; got 'platt'"):
        calibrate_classifier(z, y, method="platt")
    with pytest.raises(TypeError, match=r"temperature must be left out.*; got 2"):
        calibrate_classifier(z, y, temperature=2)
    with pytest.raises(TypeError, match="calibrate must be left out"):
        calibrate_classifier(z, y, calibrate="temperature")
    with pytest.raises(ValueError, match="sample_weight must have one entry per row"):
        calibrate_classifier(z, y, sample_weight=[1.0])
    with pytest.raises(ValueError, match=r"temperature must be left at 1.0"):
        infotheory.measure_classifier(z, y, temperature=2, calibrate="temperature")
