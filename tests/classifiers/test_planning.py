"""How many rows an interval of a given width takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import measure
from hypothesis import given
from hypothesis import strategies as st

from infotheory import NCMIReport, measure_classifier, sample_size_for_width

K = 4
QUANTITIES = ("ncmi", "cmi", "gamma", "error")


def rows(n: int, seed: int) -> tuple[Any, Any]:
    labels = np.arange(n) % K
    noise = np.random.default_rng(seed).normal(size=(n, K))
    return 2 * (1.5 * np.eye(K)[labels] + noise), labels


def pilot(n: int = 1000, seed: int = 0, **options: Any) -> NCMIReport:
    return measure_classifier(*rows(n, seed), **{"interval": "delta", **options})


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("interval", ["delta", "jackknife", "bootstrap"])
def test_the_present_width_takes_the_present_rows(quantity: str, interval: str) -> None:
    report = pilot(interval=interval, n_resamples=100, rng=0)
    assert sample_size_for_width(report, report.intervals[quantity].width, quantity) == 1000


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_predicted_width_is_met(quantity: str) -> None:
    """A standard error from 2000 rows is off by some 3 %, its square root law by less."""
    report = pilot(2000)
    for part in (0.5, 0.4):
        width = part * report.intervals[quantity].width
        n = sample_size_for_width(report, width, quantity)
        met = [pilot(n, seed).intervals[quantity].width for seed in (1, 2, 3)]
        assert np.mean(met) == pytest.approx(width, rel=0.1)


def test_ncmi_is_the_default() -> None:
    report = pilot()
    assert sample_size_for_width(report, 0.01) == sample_size_for_width(report, 0.01, "ncmi")


@pytest.mark.parametrize("quantity", ["ncmi", "cmi", "gamma"])
def test_narrow_intervals_follow_the_square_law(quantity: str) -> None:
    """n (2 t s / width)^2, where t s is what half the interval is in standard errors."""
    interval = pilot().intervals[quantity]
    for part in (1e-2, 1e-3):
        n = sample_size_for_width(pilot(), part * interval.width, quantity)
        assert n == pytest.approx(1000 / part**2, rel=0.05)


@given(st.floats(1e-6, 10.0), st.floats(1.0, 100.0), st.sampled_from(QUANTITIES))
def test_narrower_takes_no_fewer_rows(width: float, times: float, quantity: str) -> None:
    few = sample_size_for_width(REPORT, width * times, quantity)
    many = sample_size_for_width(REPORT, width, quantity)
    assert 1 <= few <= many


REPORT = pilot(400)


def wilson_width(p: float, n: float, z: float) -> float:
    return 2 * z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)


@given(st.integers(0, 40), st.floats(0.002, 0.5), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_error_rate_takes_the_least_number_of_rows(
    wrong: int, width: float, level: float
) -> None:
    z = np.where(np.eye(2)[np.arange(40) % 2] > 0, 2.0, -1.0)
    z[:wrong] = z[:wrong, ::-1]
    report = measure(z, np.arange(40) % 2, interval="jackknife", level=level)
    assert report.error == wrong / 40
    n = sample_size_for_width(report, width, "error")
    quantile = {0.8: 1.2815515655446004, 0.95: 1.959963984540054, 0.99: 2.5758293035489004}[level]
    assert wilson_width(wrong / 40, n, quantile) <= width * (1 + 1e-9)
    if n > 1:
        assert wilson_width(wrong / 40, n - 1, quantile) > width * (1 - 1e-9)


def test_the_error_rate_known_by_hand() -> None:
    """Half of the rows wrong: the width is z / sqrt(n + z^2), so n = z^2 (1 / width^2 - 1)."""
    z = np.where(np.eye(2)[np.arange(40) % 2] > 0, 2.0, -1.0)
    z[:20] = z[:20, ::-1]
    report = measure(z, np.arange(40) % 2, interval="jackknife")
    want = 1.959963984540054**2 * (1 / 0.02**2 - 1)
    assert sample_size_for_width(report, 0.02, "error") == math.ceil(want)


def test_weights_cost_rows() -> None:
    """Equal parts of weight 1 and 3: effective rows are (sum w)^2 / sum w^2 = 0.8 of all."""
    z, y = rows(4000, 0)
    weights = np.where(np.arange(4000) // K % 2 == 0, 1.0, 3.0)
    report = measure_classifier(z, y, interval="delta", sample_weight=weights)
    plain = measure_classifier(z, y, interval="delta")
    ratio = [sample_size_for_width(r, 0.01, "error") for r in (report, plain)]
    assert ratio[0] / ratio[1] == pytest.approx(1 / 0.8, rel=0.1)


# ---------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("width", [0, -1.0, math.nan, math.inf, "0.1", None, True])
def test_widths_that_are_refused(width: Any) -> None:
    with pytest.raises(ValueError, match="width must be a positive finite number; got"):
        sample_size_for_width(REPORT, width)


def test_reports_without_intervals_are_refused() -> None:
    report = measure_classifier(*rows(100, 0))
    message = "report must be one with an interval of ncmi; got a report without intervals. Measure"
    with pytest.raises(ValueError, match=message):
        sample_size_for_width(report, 0.1)


def test_intervals_that_say_nothing_are_refused() -> None:
    z, y = rows(40, 0)
    features = measure(z[:, :3], y, n_classes=4, interval="jackknife")
    with pytest.raises(ValueError, match="interval of error must be finite and not empty; got nan"):
        sample_size_for_width(features, 0.1, "error")
    equal = measure(np.eye(K)[y] * 3 - 1, y, interval="jackknife")
    with pytest.raises(ValueError, match=r"interval of cmi must be finite and not empty; got .*0"):
        sample_size_for_width(equal, 0.1, "cmi")
    with pytest.raises(ValueError, match="quantity must be one of 'ncmi', 'cmi', 'gamma', 'error'"):
        sample_size_for_width(REPORT, 0.1, "ece")
