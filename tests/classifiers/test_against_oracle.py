"""Reports against the double-precision oracle, over precisions, kinds and sizes.

The oracle gets exactly the numbers the library gets: inputs are rounded to their type first and
widened for the oracle, so every difference is the library's arithmetic. Class sizes straddle the
block lengths 16 and 64, and numbers of columns the switch of kernels near 200.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import (
    assert_matches,
    assert_per_class,
    away_from_bin_edges,
    class_sizes,
    clustered_logits,
    labels_of_sizes,
    measure,
)
from oracles import classifiers as oracle
from oracles import classifiers_large as large

OUTPUTS = [2, 3, 7, 10, 15, 16, 17, 31, 32, 33, 64, 100, 199, 200, 201, 257, 1000]
DTYPES = ["float16", "float32", "float64"]


def check(outputs: Any, labels: Any, **options: Any) -> None:
    report = measure(outputs, labels, **options)
    exact = large.measure(np.asarray(outputs, dtype=np.float64), labels, **options)
    assert_matches(report, exact, outputs.dtype)
    assert_per_class(report, exact, outputs.dtype)


def rounded(outputs: Any, labels: Any, dtype: str, kind: str = "logits") -> tuple[Any, Any]:
    """Outputs in their type, and labels, without rows that sit on an edge of a bin."""
    return away_from_bin_edges(outputs.astype(dtype), labels, kind)


def test_the_oracles_agree() -> None:
    rng = np.random.default_rng(11)
    for trial in range(12):
        k, classes = int(rng.integers(2, 9)), int(rng.integers(1, 9))
        y = rng.integers(0, classes, 25)
        z = clustered_logits(rng, y, k)
        if trial % 3 == 0:
            z[rng.random(z.shape) < 0.1] = -np.inf
            z[:, 0] = 0.0
        options = {"n_classes": classes, "smoothing": 0.1 * (trial % 2), "temperature": 1 + trial}
        slow, fast = oracle.measure(z, y, **options), large.measure(z, y, **options)
        closed = large.measure(z, y, **options, pairwise=False)
        for name in vars(slow):
            want = np.array(getattr(slow, name), dtype=float)
            for other in (fast, closed):
                got = np.array(getattr(other, name), dtype=float)
                np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", OUTPUTS)
def test_logits_of_every_width(k: int, dtype: str) -> None:
    rng = np.random.default_rng(1000 + k)
    y = labels_of_sizes(class_sizes(k), rng)
    z, y = rounded(clustered_logits(rng, y, k), y, dtype)
    check(z, y)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [3, 16, 100, 257])
def test_rows_grouped_by_label(k: int, dtype: str) -> None:
    rng = np.random.default_rng(2000 + k)
    y = labels_of_sizes(class_sizes(k))
    z, y = rounded(clustered_logits(rng, y, k), y, dtype)
    check(z, y)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("k", "classes"), [(7, 2), (3, 11), (10, 40), (64, 5), (257, 9), (300, 1)])
def test_other_numbers_of_classes(k: int, classes: int, dtype: str) -> None:
    rng = np.random.default_rng(3000 + k)
    y = labels_of_sizes(class_sizes(classes), rng)
    z = clustered_logits(rng, y, k).astype(dtype)
    check(z, y, n_classes=classes)


@pytest.mark.parametrize("k", [5, 300])
def test_more_classes_than_any_label(k: int) -> None:
    rng = np.random.default_rng(31)
    y = rng.integers(2, 4, 70)
    check(clustered_logits(rng, y, k), y, n_classes=k + 20)


@pytest.mark.kernel
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 63, 64, 65, 128, 129])
@pytest.mark.parametrize("k", [4, 210])
def test_every_block_length(k: int, n: int) -> None:
    rng = np.random.default_rng(n)
    # One class has n rows; another has three, so that there is a separation.
    y = labels_of_sizes([n, 3], rng)
    for dtype in DTYPES:
        check(clustered_logits(rng, y, k).astype(dtype), y, n_classes=2)


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [2, 10, 17, 100, 257])
def test_probabilities(k: int, dtype: str, kind: str) -> None:
    rng = np.random.default_rng(4000 + k)
    y = labels_of_sizes(class_sizes(k), rng)
    p, logs = large.distributions(clustered_logits(rng, y, k, scale=1.0))
    outputs, y = rounded(p if kind == "probs" else logs, y, dtype, kind)
    check(outputs, y, kind=kind)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [3, 20, 210])
def test_probabilities_with_exact_zeros(k: int, dtype: str) -> None:
    rng = np.random.default_rng(41)
    y = labels_of_sizes(class_sizes(k, 300), rng)
    counts = rng.multinomial(8, np.full(k, 1 / k), len(y))
    check((counts / 8).astype(dtype), y, kind="probs")


@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
@pytest.mark.parametrize("temperature", [0.25, 3.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.05])
@pytest.mark.parametrize("k", [6, 220])
def test_temperature_and_smoothing(k: int, smoothing: float, temperature: float, kind: str) -> None:
    rng = np.random.default_rng(51)
    y = labels_of_sizes(class_sizes(k, 250), rng)
    z = clustered_logits(rng, y, k, scale=1.0)
    p, logs = large.distributions(z)
    for dtype in ("float32", "float64"):
        outputs = {"logits": z, "probs": p, "log_probs": logs}[kind].astype(dtype)
        confidence = large.distributions(outputs, kind, temperature, smoothing)[0].max(axis=1)
        keep = np.abs(confidence[:, None] - np.arange(1, 15) / 15).min(axis=1) > 1e-5
        check(outputs[keep], y[keep], kind=kind, temperature=temperature, smoothing=smoothing)


@pytest.mark.parametrize("smoothing", [1e-6, 0.3])
@pytest.mark.parametrize("k", [5, 230])
def test_smoothing_removes_zeros(k: int, smoothing: float) -> None:
    rng = np.random.default_rng(52)
    y = labels_of_sizes(class_sizes(k, 200), rng)
    z = clustered_logits(rng, y, k)
    z[rng.random(z.shape) < 0.2] = -np.inf
    z[:, 1] = 0.5
    report = measure(z, y, smoothing=smoothing)
    exact = large.measure(z, y, smoothing=smoothing)
    assert math.isfinite(report.gamma)
    assert_matches(report, exact)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [4, 12, 40, 250])
def test_ties_everywhere(k: int, dtype: str) -> None:
    rng = np.random.default_rng(61)
    y = rng.integers(0, k, 400)
    # Three values only: most maxima are shared, and the label often shares its value with many.
    z = rng.integers(-1, 2, (400, k)).astype(np.float64)
    z, y = rounded(z, y, dtype)
    check(z, y)


# Small data are cheap in double precision; single precision pays, and is tested, from some 1e5
# numbers on. Pairs are too many then, so the oracle's separation is the closed form in float64.
MANY = 140_000


def many_labels(k: int, rng: np.random.Generator | None) -> Any:
    sizes = class_sizes(k)
    extra = max(0, MANY // k + 1 - sum(sizes))
    # Most rows go to two classes, the third of the extra ones to every class that has any.
    sizes[0] += extra // 3
    sizes[-1 if sizes[-1] else 0] += extra // 3
    present = [c for c in range(k) if sizes[c] > 1]
    for c in present:
        sizes[c] += extra // 3 // len(present)
    return labels_of_sizes(sizes, rng)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("k", OUTPUTS)
def test_single_precision_of_every_width(k: int, dtype: str) -> None:
    rng = np.random.default_rng(7000 + k)
    y = many_labels(k, rng if k % 2 else None)
    z, y = rounded(clustered_logits(rng, y, k, scale=2.0), y, dtype)
    exact = large.measure(z, y, pairwise=False)
    report = measure(z, y)
    assert_matches(report, exact, dtype)
    assert_per_class(report, exact, dtype)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("k", "n"), [(5_999, 40), (6_001, 40), (10_007, 23), (50_000, 9)])
def test_very_long_rows(k: int, n: int, dtype: str) -> None:
    rng = np.random.default_rng(k)
    y = rng.integers(0, 4, n)
    z = clustered_logits(rng, y, k, scale=2.0).astype(dtype)
    # Features or tokens rather than class scores, so no k x k table.
    check(z, y, n_classes=5)
    report = measure(z, y)
    exact = large.measure(z, y, n_classes=5)
    assert report.cmi == pytest.approx(exact.cmi, rel=1e-7)
    ranks = large.label_ranks(z, y)
    assert report.error == pytest.approx(float((ranks >= 1).mean()), abs=1e-15)
    assert report.top5_error == pytest.approx(float((ranks >= 5).mean()), abs=1e-15)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("k", "n"), [(10, 40_001), (40, 12_003), (250, 3_001)])
def test_many_rows_and_chunks(k: int, n: int, dtype: str) -> None:
    rng = np.random.default_rng(71)
    y = rng.integers(0, k, n)
    z, y = rounded(clustered_logits(rng, y, k), y, dtype)
    exact = large.measure(z, y, pairwise=False)
    report = measure(z, y)
    assert_matches(report, exact, dtype)
    assert_per_class(report, exact, dtype)


@pytest.mark.parametrize("k", [10, 300])
def test_threads_do_not_change_the_result(k: int) -> None:
    rng = np.random.default_rng(72)
    y = rng.integers(0, k, 40_000 if k == 10 else 4000)
    z = clustered_logits(rng, y, k).astype(np.float32)
    one, two = measure(z, y, n_jobs=1), measure(z, y, n_jobs=2)
    for name in ("cmi", "gamma", "mutual_information", "label_information", "cross_entropy"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-12)
    assert (one.error, one.top5_error, one.zeros) == (two.error, two.top5_error, two.zeros)
