"""Sample weights: against the weighted definitions, and the laws a weight must obey."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from classifiers.strategies import Case, logit_cases
from classifiers.support import (
    assert_matches,
    assert_per_class,
    clustered_logits,
    measure,
    quietly,
    rounding_floor,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import classifiers as oracle
from oracles import classifiers_large as large
from oracles import weighted

import infotheory
from infotheory import NCMIAccumulator
from infotheory.classifiers.report_text import MEANING

pytestmark = pytest.mark.kernel

LIBRARY_KINDS = ("logits", "probs", "log_probs")


def data(n: int = 60, k: int = 5, seed: int = 0) -> tuple[Any, Any, Any]:
    """Logits, labels and weights; a quarter of the weights is zero."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    weights = rng.exponential(size=n) * (rng.random(n) > 0.25)
    return clustered_logits(rng, y, k, 1.0), y, weights


def as_kind(logits: Any, kind: str) -> Any:
    p, logs = large.distributions(logits)
    return {"logits": logits, "probs": p, "log_probs": logs}[kind]


def assert_same(got: Any, want: Any, relative: float = 1e-12, absolute: float = 1e-14) -> None:
    """All numbers of two reports, the counts of samples and zeros aside."""
    for name in MEANING:
        a, b = getattr(got, name), getattr(want, name)
        assert a == pytest.approx(b, rel=relative, abs=absolute, nan_ok=True), name
    left = got.per_class.drop(columns="n").to_numpy(dtype=float)
    right = want.per_class.drop(columns="n").to_numpy(dtype=float)
    np.testing.assert_allclose(left, right, rtol=relative, atol=absolute)
    np.testing.assert_allclose(got.separation, want.separation, rtol=relative, atol=absolute)


def check(outputs: Any, labels: Any, weights: Any, **options: Any) -> None:
    report = measure(outputs, labels, sample_weight=weights, **options)
    exact = weighted.measure(outputs, labels, weights, **options)
    assert_matches(report, exact)
    assert_per_class(report, exact)


def test_the_oracle_with_equal_weights_is_the_oracle_without() -> None:
    z, y, _ = data()
    z[3, 1] = z[20, 0] = -math.inf
    for weight in (1.0, 0.25):
        got = weighted.measure(z, y, [weight] * len(y), temperature=2.0)
        want = oracle.measure(z, y, temperature=2.0)
        for field in dataclasses.fields(want):
            a, b = (np.array(getattr(x, field.name), dtype=float) for x in (got, want))
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15, err_msg=field.name)


@pytest.mark.parametrize("kind", LIBRARY_KINDS)
@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 1.7}, {"smoothing": 0.05}, {"temperature": 0.6, "smoothing": 0.3}],
)
def test_against_the_weighted_definitions(kind: str, options: Any) -> None:
    z, y, weights = data()
    check(as_kind(z, kind), y, weights, kind=kind, **options)


@pytest.mark.parametrize("kind", LIBRARY_KINDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_exact_zeros(kind: str, smoothing: float) -> None:
    z, y, weights = data(seed=1)
    z[np.random.default_rng(5).random(z.shape) < 0.1] = -math.inf
    z[:, 0] = np.where(np.isneginf(z).all(axis=1), 0.0, z[:, 0])
    check(as_kind(z, kind), y, weights, kind=kind, smoothing=smoothing)


@pytest.mark.parametrize(("n", "k", "classes"), [(40, 3, 2), (50, 7, 4), (1, 2, 2), (30, 9, 9)])
def test_features_and_single_samples(n: int, k: int, classes: int) -> None:
    rng = np.random.default_rng(n)
    y = rng.integers(0, classes, n)
    check(rng.normal(size=(n, k)) * 3, y, rng.random(n) + 0.1, n_classes=classes)


def test_more_rows_than_a_block() -> None:
    """Blocks of 65,536 numbers: first zero row and sums over three of them."""
    rng = np.random.default_rng(3)
    n, k = 250, 600
    y = rng.integers(0, 8, n)
    z = clustered_logits(rng, y, k, 1.0)
    z[[150, 230], 4] = -math.inf
    weights = rng.exponential(size=n)
    weights[150] = 0.0
    report = measure(z, y, n_classes=8, sample_weight=weights)
    assert report.first_zero_row == 230
    assert report.zeros == 1
    kept = weights > 0
    twice = measure(z[kept], y[kept], n_classes=8, sample_weight=weights[kept])
    assert_same(report, twice)


@given(logit_cases(masked=True), st.data())
def test_whole_weights_repeat_rows(case: Case, drawn: Any) -> None:
    times = np.array(
        drawn.draw(
            st.lists(st.integers(0, 4), min_size=len(case.labels), max_size=len(case.labels))
        )
    )
    assume(times.any())
    z, y = np.repeat(case.outputs, times, axis=0), np.repeat(case.labels, times)
    exact = weighted.measure(case.outputs, case.labels, times, n_classes=case.n_classes)
    got = measure(case.outputs, case.labels, n_classes=case.n_classes, sample_weight=times)
    # Repeated rows may happen to look like probabilities; log-probabilities are never mistaken.
    want = measure(large.distributions(z)[1], y, kind="log_probs", n_classes=case.n_classes)
    floor = 4 * rounding_floor(exact)
    for name in MEANING:
        # Bins jump where a confidence is at an edge, which rounding decides.
        if name != "expected_calibration_error" and not (name == "ncmi" and exact.gamma < 1e-9):
            a, b = getattr(got, name), getattr(want, name)
            scale = max(1.0, 1.0 / exact.gamma) if name == "ncmi" and exact.gamma > 0 else 1.0
            assert a == pytest.approx(b, rel=1e-12, abs=floor * scale, nan_ok=True), name


@pytest.mark.parametrize("kind", LIBRARY_KINDS)
def test_whole_weights_repeat_rows_to_the_last_digits(kind: str) -> None:
    z, y, _ = data(seed=2)
    times = np.arange(len(y)) % 4
    got = measure(as_kind(z, kind), y, kind=kind, sample_weight=times)
    want = measure(np.repeat(as_kind(z, kind), times, axis=0), np.repeat(y, times), kind=kind)
    assert_same(got, want)
    assert got.n == np.count_nonzero(times)  # samples, not their weights
    assert want.n == times.sum()


@pytest.mark.parametrize("factor", [3.0, 1e-50, 1e60])
def test_the_unit_of_weights_does_not_matter(factor: float) -> None:
    z, y, weights = data()
    z[7, 2] = -math.inf
    weights[7] = 1.0
    for rows in (z, np.where(np.isneginf(z), -3.0, z)):
        want = measure(rows, y, sample_weight=weights)
        got = measure(rows, y, sample_weight=factor * weights)
        assert_same(got, want)
        assert (got.n, got.zeros, got.first_zero_row) == (want.n, want.zeros, want.first_zero_row)


@pytest.mark.parametrize("interval", ["jackknife", "delta", "bootstrap"])
def test_nor_does_it_for_intervals(interval: str) -> None:
    z, y, weights = data(80)
    options = {"interval": interval, "rng": 0, "n_resamples": 100}
    want = measure(z, y, sample_weight=weights, **options).intervals
    for factor in (3.0, 1e-50):
        got = measure(z, y, sample_weight=factor * weights, **options).intervals
        for name in want:
            a, b = dataclasses.astuple(got[name]), dataclasses.astuple(want[name])
            numbers = [i for i, value in enumerate(b) if isinstance(value, float)]
            # Replicates are differences of sums: their rounding, some 1e-15, is seen against
            # their spread, some 1e-2, and the bias is a difference of such differences.
            np.testing.assert_allclose(
                [a[i] for i in numbers], [b[i] for i in numbers], rtol=1e-9, atol=1e-13
            )


def test_equal_weights_are_none() -> None:
    z, y, _ = data()
    want = measure(z, y)
    for weights in (np.ones(len(y)), np.ones(len(y), bool), [2] * len(y), np.full(len(y), 0.1)):
        got = measure(z, y, sample_weight=weights)
        assert_same(got, want)
        assert got.n == want.n


@pytest.mark.parametrize("kind", LIBRARY_KINDS)
def test_a_weight_of_zero_removes_the_row(kind: str) -> None:
    z, y, weights = data(seed=4)
    outputs = as_kind(z, kind)
    kept = weights > 0
    got = measure(outputs, y, kind=kind, sample_weight=weights)
    want = measure(outputs[kept], y[kept], kind=kind, sample_weight=weights[kept])
    assert_same(got, want)
    assert (got.n, got.zeros) == (want.n, want.zeros)
    assert got.per_class["n"].tolist() == want.per_class["n"].tolist()


@pytest.mark.parametrize("interval", ["jackknife", "delta", "bootstrap"])
def test_a_weight_of_zero_removes_the_row_from_intervals(interval: str) -> None:
    z, y, weights = data(80, seed=4)
    kept = weights > 0
    options = {"interval": interval, "rng": 0, "n_resamples": 100}
    got = measure(z, y, sample_weight=weights, **options).intervals
    want = measure(z[kept], y[kept], sample_weight=weights[kept], **options).intervals
    for name in want:
        assert (got[name].low, got[name].high) == pytest.approx(
            (want[name].low, want[name].high), rel=1e-9
        )


def test_the_only_zero_may_have_no_weight() -> None:
    z, y, _ = data()
    z[11, 2] = -math.inf
    weights = np.ones(len(y))
    assert measure(z, y, sample_weight=weights).gamma == math.inf
    weights[11] = 0.0
    report = measure(z, y, sample_weight=weights)
    assert math.isfinite(report.gamma)
    assert (report.zeros, report.first_zero_row) == (0, None)
    assert report.warnings == ()


def test_rows_are_numbered_with_those_of_no_weight() -> None:
    z, y, _ = data()
    z[[11, 30], 2] = -math.inf
    weights = np.ones(len(y))
    weights[:20] = 0.0
    assert measure(z, y, sample_weight=weights).first_zero_row == 30
    accumulator = NCMIAccumulator()
    for part in (slice(0, 15), slice(15, 25), slice(25, None)):
        accumulator.update(z[part], y[part], sample_weight=weights[part])
    assert quietly(accumulator.report).first_zero_row == 30
    assert accumulator.n == len(y) - 20


def test_the_only_sample_of_a_class_may_have_no_weight() -> None:
    z, y, _ = data()
    y[y == 4] = 0
    y[9] = 4
    weights = np.ones(len(y))
    weights[9] = 0.0
    with pytest.warns(infotheory.exceptions.EmptyClassWarning, match="1 of 5 classes"):
        report = infotheory.measure_classifier(z, y, sample_weight=weights)
    kept = np.arange(len(y)) != 9
    assert_same(report, measure(z[kept], y[kept]))
    assert report.per_class["n"].iloc[4] == 0
    assert math.isnan(report.per_class["cmi"].iloc[4])


@pytest.mark.parametrize("kind", LIBRARY_KINDS)
def test_a_wrong_row_of_no_weight_is_refused(kind: str) -> None:
    z, y, _ = data()
    outputs = np.array(as_kind(z, kind))
    outputs[13, 1] = math.nan
    weights = np.ones(len(y))
    weights[13] = 0.0
    with pytest.raises(ValueError, match="nan at row 13, column 1"):
        infotheory.measure_classifier(outputs, y, kind=kind, sample_weight=weights)
    y[14] = 5
    outputs[13, 1] = outputs[12, 1]
    with pytest.raises(ValueError, match=r"labels must be integers in \[0, 5\); got 5 at row 14"):
        infotheory.measure_classifier(outputs, y, kind=kind, sample_weight=weights)


@pytest.mark.parametrize("batch", [1, 7, 60])
@pytest.mark.parametrize("shards", [0, 4])
def test_batches_give_the_whole(batch: int, shards: int) -> None:
    z, y, weights = data(seed=6)
    weights[14:21] = 0.0  # with batches of seven: one without any weight
    z[40, 3] = -math.inf
    weights[40] = 1.0
    accumulator = NCMIAccumulator(shards=shards)
    for start in range(0, len(y), batch):
        part = slice(start, start + batch)
        accumulator.update(z[part], y[part], sample_weight=weights[part])
    report = quietly(accumulator.report)
    want = measure(z, y, sample_weight=weights)
    assert_same(report, want)
    assert (report.n, report.zeros, report.first_zero_row) == (want.n, want.zeros, 40)


def test_a_batch_of_no_weight_first() -> None:
    z, y, weights = data()
    accumulator = NCMIAccumulator().update(z, y, sample_weight=np.zeros(len(y)))
    assert accumulator.n == 0
    with pytest.raises(
        ValueError,
        match=r"sample_weight must be positive for at least one sample; got only zeros, for 60 ",
    ):
        accumulator.report()
    accumulator.update(z, y, sample_weight=weights)
    assert_same(quietly(accumulator.report), measure(z, y, sample_weight=weights))


def test_weighted_and_plain_batches_mix() -> None:
    z, y, weights = data()
    accumulator = NCMIAccumulator().update(z, y).update(z, y, sample_weight=weights)
    both = measure(np.vstack([z, z]), np.tile(y, 2), sample_weight=np.r_[np.ones(60), weights])
    assert_same(quietly(accumulator.report), both)


def test_single_precision_rows() -> None:
    z, y, weights = data(k=12)
    for dtype in ("float16", "float32"):
        rows = z.astype(dtype)
        report = measure(rows, y, sample_weight=weights)
        assert_matches(report, weighted.measure(rows, y, weights), "float64")


def test_the_layout_of_weighted_rows_does_not_matter() -> None:
    z, y, weights = data()
    want = measure(z, y, sample_weight=weights)
    wide = np.repeat(z, 2, axis=1)[:, ::2]
    for rows in (np.asfortranarray(z), wide, z.astype(">f8")):
        assert_same(measure(rows, y, sample_weight=weights), want)
    assert_same(measure(z, y, sample_weight=np.repeat(weights, 2)[::2].astype(">f8")), want)


def test_wide_weights_stay_finite() -> None:
    """All that counts is the heavy row and its class; nothing overflows, nothing warns."""
    z, y, _ = data()
    weights = np.ones(len(y))
    weights[[0, 1, 2]] = 1e100, 1e-100, 1e-30
    for interval in (None, "jackknife", "delta", "bootstrap"):
        report = measure(z, y, sample_weight=weights, interval=interval, n_resamples=100, rng=0)
        assert math.isfinite(report.cmi)
        # The chance of another class is 1e-100, and so is Gamma, but for its factor.
        assert 0.0 < report.gamma < 1e-97
        # A decision is wrong or right with the heavy row.
        assert report.error == pytest.approx(float(z[0].argmax() != y[0]), abs=1e-15)


REFUSALS = [
    (lambda w: np.where(w == 1, -0.5, w), r"zero or positive and finite .*; got -0\.5 at row 1\."),
    (lambda w: np.where(w == 1, math.nan, w), r"zero or positive and finite .*; got nan at row 1"),
    (lambda w: np.where(w == 1, math.inf, w), r"zero or positive and finite .*; got inf at row 1"),
    (lambda w: np.where(w == 1, 1e101, w), r"zero or positive and finite .*; got 1e\+101 at row 1"),
    (lambda w: np.where(w == 1, 1e-101, w), r"zero or positive and finite .*; got 1e-101 at row 1"),
    (lambda w: w[:-1], r"have one entry per row of outputs, shape \(4,\); got shape \(3,\)\."),
    (lambda w: w[:, None], r"have one entry per row of outputs, shape \(4,\); got shape \(4, 1\)"),
    (lambda w: 2.0, r"have one entry per row of outputs, shape \(4,\); got shape \(\)"),
]


@pytest.mark.parametrize(("weights", "text"), REFUSALS)
def test_refused_weights(weights: Any, text: str) -> None:
    z, y = np.arange(12.0).reshape(4, 3) % 5, [0, 1, 2, 0]
    bad = weights(np.arange(4.0))
    with pytest.raises(ValueError, match=f"sample_weight must (be )?{text}"):
        infotheory.measure_classifier(z, y, sample_weight=bad)
    accumulator = NCMIAccumulator()
    with pytest.raises(ValueError, match=f"sample_weight must (be )?{text}"):
        accumulator.update(z, y, sample_weight=bad)
    assert accumulator.n == 0


@pytest.mark.parametrize("weights", [["a", "b", "c", "d"], [None] * 4, [1j, 0, 0, 0]])
def test_weights_are_numbers(weights: Any) -> None:
    with pytest.raises(TypeError, match=r"sample_weight must be numbers; got dtype .*astype"):
        infotheory.measure_classifier(np.eye(4)[:, :3] * 3, [0, 1, 2, 0], sample_weight=weights)


def test_some_weight_is_needed() -> None:
    with pytest.raises(
        ValueError,
        match=r"sample_weight must be positive for at least one sample; got only zeros, for 4 "
        r"samples\. Give the samples that count a positive weight\.",
    ):
        infotheory.measure_classifier(np.eye(4) * 3, [0, 1, 2, 0], sample_weight=np.zeros(4))
