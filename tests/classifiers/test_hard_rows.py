"""Rows on which single precision loses its digits, against the double-precision oracle.

Peaked rows (all but 1e-7 of the mass on one symbol), rows that agree with their centroid to a few
parts in 1e5, rows whose label is far below the maximum, and rows with exact zeros.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import (
    assert_close,
    assert_matches,
    class_sizes,
    clustered_logits,
    labels_of_sizes,
    measure,
    relative_goal,
    rounding_floor,
)
from oracles import classifiers_large as large

pytestmark = pytest.mark.kernel

WIDTHS = [3, 10, 100, 300, 1000]


# Data of some 1e5 numbers, from where on single precision pays: too many rows for pairs, so the
# oracle's separation is the closed form there.
MANY = [(2, 70_000), (10, 14_000), (50, 2_700), (300, 450), (1000, 140), (1000, 700)]


def check_information(outputs: Any, labels: Any, *, pairwise: bool = True, **options: Any) -> None:
    """CMI and Gamma within their goal; nothing about bins, which saturate here."""
    report = measure(outputs, labels, **options)
    exact = large.measure(
        np.asarray(outputs, dtype=np.float64), labels, pairwise=pairwise, **options
    )
    goal, floor = relative_goal(outputs.dtype), rounding_floor(exact)
    assert_close(report.cmi, exact.cmi, goal, floor, "cmi")
    assert_close(report.gamma, exact.gamma, goal, floor, "gamma")
    assert report.cmi >= 0.0
    if not math.isnan(exact.error):
        assert report.error == pytest.approx(exact.error, abs=1e-15)
        assert report.top5_error == pytest.approx(exact.top5_error, abs=1e-15)
        double = relative_goal(outputs.dtype) == 1e-12
        assert_close(
            report.cross_entropy,
            exact.cross_entropy,
            1e-12 if double else 1e-6,
            floor if double else 1e-12,
            "cross_entropy",
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", [1e-2, 1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("k", WIDTHS)
def test_soft_rows_that_agree(k: int, target: float, dtype: str) -> None:
    rng = np.random.default_rng(100 + k)
    y = labels_of_sizes([40, 65, 16, 100], rng)
    # To second order CMI is half the variance of a logit.
    z = clustered_logits(rng, y, k, scale=0.7, spread=math.sqrt(2 * target)).astype(dtype)
    exact = large.measure(z, y, n_classes=4)
    assert target / 4 < exact.cmi < target * 4
    check_information(z, y, n_classes=4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("depth", [4.0, 8.0, 14.0, 18.0, 22.0, 30.0])
@pytest.mark.parametrize("k", WIDTHS)
def test_peaked_rows(k: int, depth: float, dtype: str) -> None:
    rng = np.random.default_rng(200 + k)
    y = labels_of_sizes([30, 64, 65], rng)
    z = rng.normal(size=(len(y), k))
    z[np.arange(len(y)), y] = depth + math.log(k) + rng.normal(size=len(y))
    z = z.astype(dtype)
    p, _ = large.distributions(z)
    off = float(1 - p[np.arange(len(y)), y].mean())
    assert off < 0.2
    check_information(z, y, n_classes=3)
    if k >= 3:
        check_information(z, y, n_classes=k if k < 300 else None)


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("depth", [8.0, 14.0, 18.0, 22.0])
@pytest.mark.parametrize("k", [3, 10])
def test_peaked_probabilities(k: int, depth: float, dtype: str, kind: str) -> None:
    """ln P of the largest entry comes from what the others sum to, not from 1 - 1e-9 as stored."""
    rng = np.random.default_rng(int(depth))
    y = labels_of_sizes([30, 20, 10], rng)
    z = rng.normal(size=(len(y), k))
    z[np.arange(len(y)), y] = depth + math.log(k) + rng.normal(size=len(y))
    p, logs = large.distributions(z)
    outputs = (p if kind == "probs" else logs).astype(dtype)
    check_information(outputs, y, kind=kind, n_classes=3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("depth", [8.0, 18.0, 30.0])
@pytest.mark.parametrize("k", [4, 300])
def test_peaked_rows_with_a_masked_column(k: int, depth: float, dtype: str) -> None:
    rng = np.random.default_rng(250 + k)
    y = labels_of_sizes([30, 64, 65], rng)
    z = rng.normal(size=(len(y), k))
    z[np.arange(len(y)), y] = depth + math.log(k) + rng.normal(size=len(y))
    z[:, k - 1] = -np.inf
    check_information(z.astype(dtype), y, n_classes=3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("depth", [5.0, 12.0, 20.0])
@pytest.mark.parametrize("k", [10, 300])
def test_peaked_rows_away_from_the_label(k: int, depth: float, dtype: str) -> None:
    rng = np.random.default_rng(300 + k)
    y = labels_of_sizes([30, 64, 65], rng)
    z = rng.normal(size=(len(y), k))
    # Every row of a class peaks at one column, never the label's own.
    z[np.arange(len(y)), (y + 2) % k] += depth + math.log(k)
    check_information(z.astype(dtype), y)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("factor", [30.0, 90.0, 200.0])
@pytest.mark.parametrize("k", [3, 10, 16, 100, 300])
def test_wide_logits_and_random_labels(k: int, factor: float, dtype: str) -> None:
    rng = np.random.default_rng(400 + k)
    y = labels_of_sizes(class_sizes(k, 300), rng)
    # The label is rarely the maximum, and exp(z_max - z_label) overflows float32.
    z = (rng.normal(size=(len(y), k)) * factor).astype(dtype)
    check_information(z, y)
    report = measure(z, y)
    # e^-200 underflows in single precision: still no exact zero.
    assert report.zeros == 0
    assert math.isfinite(report.gamma)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [1e4, -1e4])
@pytest.mark.parametrize("k", [5, 64, 300])
def test_logits_far_from_zero(k: int, offset: float, dtype: str) -> None:
    rng = np.random.default_rng(500 + k)
    y = labels_of_sizes(class_sizes(k, 300), rng)
    check_information((clustered_logits(rng, y, k) + offset).astype(dtype), y)


@pytest.mark.parametrize(
    ("dtype", "offset"),
    [("float16", 100.0), ("float32", 100.0), ("float32", 1e3), ("float32", 1e4), ("float32", 1e5)],
)
@pytest.mark.parametrize(("k", "n"), MANY)
def test_many_logits_far_from_zero(k: int, n: int, offset: float, dtype: str) -> None:
    """Sums of ln P must not carry the digits of a common offset."""
    rng = np.random.default_rng(520 + k)
    y = rng.integers(0, min(k, 20), n)
    z = (clustered_logits(rng, y, k) + offset).astype(dtype)
    check_information(z, y, pairwise=False)


@pytest.mark.parametrize("step", [0.5, 1.0, 4.0, 8.0])
@pytest.mark.parametrize(
    ("k", "n", "seed"),
    [(2, 100_000, 0), (10, 20_000, 0), (50, 5_000, 0), (300, 5_000, 0), (10, 200_000, 4)],
)
def test_many_rows_that_repeat(k: int, n: int, seed: int, step: float) -> None:
    """Logits on a coarse grid: equal rows round equally, so their errors do not average out.

    With the last seed an error of 4e-7 was seen where they were assumed to.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, min(k, 20), n)
    z = np.round(clustered_logits(rng, y, k, 2.0) / step) * step
    check_information(z.astype(np.float32), y, pairwise=False)


@pytest.mark.parametrize("spread", [0.03, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("scale", [0.7, 3.0])
@pytest.mark.parametrize(("k", "n"), MANY)
def test_many_soft_rows(k: int, n: int, scale: float, spread: float) -> None:
    rng = np.random.default_rng(530 + k)
    y = rng.integers(0, min(k, 20), n)
    z = clustered_logits(rng, y, k, scale, spread).astype(np.float32)
    check_information(z, y, pairwise=False)


@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.parametrize(("k", "n"), [(10, 300_000), (250, 16_000)])
def test_very_many_rows_in_two_classes(k: int, n: int, spread: float) -> None:
    """Sums in single precision are emptied now and then: 1e5 rows of a class would swamp them."""
    rng = np.random.default_rng(535 + k)
    y = rng.integers(0, 2, n)
    z = clustered_logits(rng, y, k, 3.0, spread).astype(np.float32)
    check_information(z, y, pairwise=False, n_classes=2)


@pytest.mark.parametrize("depth", [4.0, 9.0, 14.0, 18.0])
@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize(("k", "n"), MANY)
def test_many_peaked_rows(k: int, n: int, shift: int, depth: float) -> None:
    """Rows that are certain of their label, or of the same wrong column throughout a class."""
    rng = np.random.default_rng(540 + k)
    y = rng.integers(0, min(k, 3), n)
    z = rng.normal(size=(n, k))
    z[np.arange(n), (y + shift) % k] = depth + math.log(k) + rng.normal(size=n)
    check_information(z.astype(np.float32), y, pairwise=False)


@pytest.mark.parametrize("temperature", [0.01, 0.3, 5.0, 100.0])
@pytest.mark.parametrize(("k", "n"), MANY)
def test_many_rows_at_a_temperature(k: int, n: int, temperature: float) -> None:
    rng = np.random.default_rng(550 + k)
    y = rng.integers(0, min(k, 20), n)
    z = clustered_logits(rng, y, k).astype(np.float32)
    check_information(z, y, pairwise=False, temperature=temperature)


@pytest.mark.parametrize("k", [5, 300])
def test_logits_near_the_largest_float(k: int) -> None:
    rng = np.random.default_rng(510)
    y = rng.integers(0, k, 50)
    for dtype, size in (("float32", 3e38), ("float64", 1e300), ("float16", 6e4)):
        z = clustered_logits(rng, y, k).astype(dtype)
        z[::2, 0] = size
        z[1::2, 0] = -size
        report = measure(z, y)
        exact = large.measure(z.astype(np.float64), y)
        assert_close(report.cmi, exact.cmi, relative_goal(dtype), 1e-13, "cmi")
        assert_close(report.gamma, exact.gamma, relative_goal(dtype), 1e-13, "gamma")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("k", [2, 10, 17, 64, 210, 300])
def test_masked_symbols(k: int, dtype: str) -> None:
    rng = np.random.default_rng(600 + k)
    y = labels_of_sizes(class_sizes(k, 300), rng)
    z = clustered_logits(rng, y, k).astype(dtype)
    z[rng.random(z.shape) < 0.05] = -np.inf
    z[np.isneginf(z).all(axis=1), 0] = 1.0
    report, exact = measure(z, y), large.measure(z, y)
    assert exact.gamma == math.inf
    # A label that is masked out costs infinitely many nats.
    assert exact.cross_entropy == math.inf
    assert_matches(report, exact, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [4, 10, 33, 210, 300])
def test_symbols_masked_for_everybody(k: int, dtype: str) -> None:
    """A column nobody may use changes nothing: exact zeros everywhere, mass nowhere."""
    rng = np.random.default_rng(700 + k)
    y = labels_of_sizes([30, 17, 65], rng)
    z = clustered_logits(rng, y, k).astype(dtype)
    z[:, [1, k - 1]] = -np.inf
    kept = np.delete(z, [1, k - 1], axis=1)
    report = measure(z, y, n_classes=3)
    exact = large.measure(kept, y, n_classes=3)
    assert report.zeros == 2 * len(y)
    assert report.first_zero_row == 0
    goal, floor = relative_goal(dtype), rounding_floor(exact)
    for name in ("cmi", "gamma", "gamma_kl", "mutual_information", "label_information"):
        assert_close(getattr(report, name), getattr(exact, name), 10 * goal, floor + goal, name)


@pytest.mark.parametrize("k", [6, 300])
def test_a_mask_and_an_underflow_still_meet(k: int) -> None:
    """A zero in one class against a mass of e^-2000 in another is an infinite separation."""
    z = np.zeros((4, k))
    z[:2, 3] = -np.inf
    z[2:, 3] = -2000.0
    for dtype in ("float32", "float64"):
        report = measure(z.astype(dtype), [0, 0, 1, 1])
        assert report.gamma == math.inf
        assert (report.zeros, report.first_zero_row) == (2, 0)
        # The other way round only: mass e^-2000 in both classes is finite.
        z_finite = np.where(np.isneginf(z), -2000.0, z).astype(dtype)
        finite = measure(z_finite, [0, 0, 1, 1])
        assert finite.zeros == 0
        assert finite.gamma == pytest.approx(
            0.5 * (math.log(k - 1)), rel=1e-7 if dtype == "float32" else 1e-12
        )


@pytest.mark.parametrize("k", [4, 40, 300])
def test_a_label_whose_own_logit_is_masked(k: int) -> None:
    rng = np.random.default_rng(800)
    y = rng.integers(0, k, 60)
    for dtype in ("float32", "float64"):
        z = clustered_logits(rng, y, k).astype(dtype)
        z[5, y[5]] = -np.inf
        report, exact = measure(z, y), large.measure(z, y)
        assert report.cross_entropy == math.inf
        assert_matches(report, exact, dtype)
        assert report.first_zero_row == 5
        assert report.zeros == 1
