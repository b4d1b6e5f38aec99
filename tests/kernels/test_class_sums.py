"""The loops under the façade: the fast twins against the readable one, and the parts they share."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from infotheory._jit import JIT_ENABLED
from infotheory._kernels.class_sums import LOGITS, counting_sort, scalar_class_sums, tally
from infotheory._kernels.class_sums_array import Block, add_block, from_logits, from_probs, smooth
from infotheory._validation import decode
from infotheory.classifiers.one_pass import class_sums

if JIT_ENABLED:
    from infotheory.classifiers.vector_pass import _constants, _grouped, _split

pytestmark = pytest.mark.kernel
needs_compiler = pytest.mark.skipif(
    not JIT_ENABLED,
    reason="explicit vectors exist in compiled form only (NUMBA_DISABLE_JIT is set)",
)
STORED = ("float32", "float64", "float16", "bfloat16")
# Stored type and type of the arithmetic; double precision is never narrowed.
TYPES = [(s, p) for s in STORED for p in ("float32", "float64") if (s, p) != ("float64", "float32")]


def encoded(logits: Any, stored: str) -> np.ndarray:
    """Logits as the package stores them: bfloat16 as the upper half of the bits of float32."""
    if stored == "bfloat16":
        return (
            (np.asarray(logits, np.float32).view(np.uint32) >> 16).astype(np.uint16).view(np.int16)
        )
    return np.asarray(logits, stored)


def empty(size: int, columns: int) -> dict[str, np.ndarray]:
    return {
        "mass": np.zeros((size, columns)),
        "log_mass": np.zeros((size, columns)),
        "scalars": np.zeros((size, 3)),
        "top5_misses": np.zeros(size),
        "bins": np.zeros((size, 15, 2)),
        "confidence": np.zeros((size, 15)),
    }


def by_scalars(x: np.ndarray, y: np.ndarray, classes: int, temperature: float, labelled: bool):
    sums = empty(classes, x.shape[1])
    zeros = np.zeros(sums["mass"].shape, np.int64)
    mass, log_mass, scalars, misses, bins, confidence = sums.values()
    invalid, _ = scalar_class_sums(
        decode(x), y, np.ones(y.size), np.arange(classes), labelled, LOGITS, 1 / temperature, 0.0,
        0.0,
        mass, log_mass, zeros, scalars, misses, bins, confidence,
    )  # fmt: skip
    valid = invalid < 0
    return valid, sums, zeros


def by_vectors(
    layout: str, x: np.ndarray, y: np.ndarray, classes: int, precision: str,
    temperature: float, labelled: bool,
):  # fmt: skip
    from infotheory._kernels.class_sums_vector import lane_class_sums, row_class_sums

    sums = empty(classes, x.shape[1])
    dtype = np.dtype(precision)
    lanes = 64 // dtype.itemsize
    padded = -(-x.shape[1] // lanes) * lanes
    stored = x.view(np.uint16) if x.dtype == np.float16 else x
    shared = (labelled, 1 / temperature, _constants(temperature, dtype))
    if layout == "rows":
        rows = (stored, *_grouped(y, classes))
        work, loop = np.zeros((4, padded), dtype), row_class_sums
    else:
        rows = (stored, y, 100)  # a chunk that ends in the middle of a class
        work, loop = np.zeros((3, padded, lanes), dtype), lane_class_sums
    valid = loop(*rows, np.arange(classes), 0, classes, *shared, work, *sums.values())
    return valid, sums


def sample(n: int, columns: int, classes: int, peak: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns)) * 2
    y = rng.integers(0, classes, n)
    hit = rng.random(n) < 0.7  # the others peak anywhere, which takes the second pass over a row
    x[np.arange(n), np.where(hit, y, rng.integers(0, columns, n))] += peak
    return x, y


@needs_compiler
@pytest.mark.parametrize("layout", ["rows", "lanes"])
@pytest.mark.parametrize(("stored", "precision"), TYPES)
@pytest.mark.parametrize(
    ("n", "columns", "classes", "peak", "temperature", "labelled"),
    [
        (400, 10, 10, 6.0, 1.0, True),
        (400, 10, 10, 60.0, 1.0, True),
        (130, 16, 2, 6.0, 1.7, True),
        (130, 17, 3, 40.0, 0.5, True),
        (259, 37, 4, 6.0, 1.0, False),
        (259, 5, 4, 30.0, 3.0, False),
        (65, 1, 1, 0.0, 1.0, True),
        (300, 100, 2, 9.0, 1.0, True),
    ],
)
def test_vectors_agree_with_scalars(
    layout: str, stored: str, precision: str, n: int, columns: int, classes: int, peak: float,
    temperature: float, labelled: bool,
) -> None:  # fmt: skip
    x, y = sample(n, columns, classes, peak)
    x = encoded(x, stored)
    valid, exact, zeros = by_scalars(x, y, classes, temperature, labelled)
    assert valid
    assert zeros.sum() == 0
    valid, fast = by_vectors(layout, x, y, classes, precision, temperature, labelled)
    assert valid
    # Each entry is a sum of at most n terms, each with a relative error of a few units; the terms
    # of log_mass are at most max |x| / T, those of mass and confidence at most one.
    unit = float(np.finfo(precision).eps)
    largest = float(np.abs(decode(x)).max()) * 2 / temperature + math.log(columns)
    for name in ("mass", "confidence"):
        assert np.abs(fast[name] - exact[name]).max() <= 8 * unit * n, name
    assert np.abs(fast["log_mass"] - exact["log_mass"]).max() <= 8 * unit * n * largest
    assert np.abs(fast["scalars"] - exact["scalars"]).max() <= 8 * unit * n * largest
    for name in ("top5_misses", "bins"):
        np.testing.assert_array_equal(fast[name], exact[name])


@needs_compiler
@pytest.mark.parametrize("layout", ["rows", "lanes"])
@pytest.mark.parametrize(("stored", "precision"), TYPES)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.nan])
@pytest.mark.parametrize("at_label", [True, False])
@pytest.mark.parametrize("columns", [3, 16, 33])
def test_vectors_notice_invalid_rows(
    layout: str, stored: str, precision: str, bad: float, at_label: bool, columns: int
) -> None:
    x, y = sample(70, columns, 3, 4.0)
    x[69, y[69] if at_label else (y[69] + 1) % columns] = bad
    valid, _ = by_vectors(layout, encoded(x, stored), y, 3, precision, 1.0, True)
    assert not valid
    x, y = sample(70, columns, 3, 4.0)
    x[3] = -math.inf
    valid, _ = by_vectors(layout, encoded(x, stored), y, 3, precision, 1.0, True)
    assert not valid


@needs_compiler
@pytest.mark.parametrize("layout", ["rows", "lanes"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("at_label", [True, False])
def test_vectors_leave_a_trace_of_masked_logits(
    layout: str, precision: str, at_label: bool
) -> None:
    """Minus infinity is valid, and shows in log_mass, which makes the caller count zeros."""
    x, y = sample(70, 20, 3, 4.0)
    x[5, y[5] if at_label else 19] = -math.inf
    valid, sums = by_vectors(layout, encoded(x, "float32"), y, 3, precision, 1.0, True)
    assert valid
    assert not np.isfinite(sums["log_mass"].sum())


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_arrays_agree_with_scalars(temperature: float, labelled: bool, masked: bool) -> None:
    x, y = sample(200, 12, 5, 8.0)
    if masked:
        x[::7, 3] = -np.inf
    _, exact, exact_zeros = by_scalars(x, y, 5, temperature, labelled)
    sums = empty(5, 12)
    zeros = np.zeros((5, 12), np.int64)
    mass, log_mass, *rest = sums.values()
    for part in (slice(0, 80), slice(80, 200)):
        block = from_logits(x[part].copy(), temperature)
        ones = np.ones(block.probs.shape[0])
        add_block(block, x[part], y[part], y[part], ones, labelled, mass, log_mass, zeros, *rest)
    np.testing.assert_array_equal(zeros, exact_zeros)
    for name, value in exact.items():
        # At most 200 terms of size at most 40, each right to a few units of 1.1e-16.
        np.testing.assert_allclose(sums[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


def test_probabilities_and_logits_give_the_same_block() -> None:
    x, _ = sample(50, 7, 3, 5.0)
    x[4, 2] = -np.inf
    for temperature in (1.0, 0.7):
        first = from_logits(x.copy(), temperature)
        second = from_probs(from_logits(x.copy(), 1.0).probs, temperature)
        np.testing.assert_array_equal(first.zero, second.zero)
        np.testing.assert_allclose(first.probs, second.probs, rtol=1e-13)
        np.testing.assert_allclose(first.log_probs, second.log_probs, rtol=1e-12, atol=1e-14)


def test_smoothing_mixes_with_the_uniform_distribution() -> None:
    block = Block(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]]), np.array([[False, True]]))
    mixed = smooth(block, 0.2)
    np.testing.assert_allclose(mixed.probs, [[0.9, 0.1]], rtol=1e-15)
    np.testing.assert_allclose(mixed.log_probs, np.log([[0.9, 0.1]]), rtol=1e-15)
    assert not mixed.zero.any()


@pytest.mark.parametrize("labels", [[2, 0, 2, 1, 0], [0], [3, 3, 3], [1, 0]])
def test_counting_sort_is_stable(labels: list[int]) -> None:
    order = np.empty(len(labels), np.int64)
    ends = np.zeros(max(labels) + 2, np.int64)
    counting_sort(np.array(labels), 100, order, ends)
    assert order.tolist() == [100 + i for i in sorted(range(len(labels)), key=labels.__getitem__)]
    assert ends[:-1].tolist() == [
        sum(label <= c for label in labels) for c in range(max(labels) + 1)
    ]


def test_confidence_bins_are_open_below_and_closed_above() -> None:
    for certainty, place in ((1 / 15, 0), (0.0667, 1), (0.5, 7), (1.0, 14), (1.0 + 1e-16, 14)):
        sums = empty(1, 1)
        tally(0, 0, certainty, 1.0, sums["top5_misses"], sums["bins"], sums["confidence"])
        assert np.argwhere(sums["bins"][0])[:, 0].tolist() == [place, place]
        assert sums["confidence"][0, place] == certainty


@needs_compiler
@pytest.mark.parametrize("temperature", [1.0, 0.3, 7.0])
@pytest.mark.parametrize(("precision", "digits"), [("float32", 2.0**-46), ("float64", 2.0**-102)])
def test_the_split_constant_keeps_twice_the_digits(
    temperature: float, precision: str, digits: float
) -> None:
    from mpmath import e, log, mp, mpf

    with mp.workdps(60):
        exact = 1 / (log(2) * mpf(temperature)) * log(e)
        high, low = (mpf(float(v)) for v in _constants(temperature, np.dtype(precision))[:2])
        assert abs(high + low - exact) <= digits * exact
    assert Fraction(float(high)) == Fraction(float(np.dtype(precision).type(float(high))))


@needs_compiler
@pytest.mark.parametrize("counts", [[1], [5, 5], [100, 1, 1], [1, 1, 100], [3] * 17])
@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_groups_are_split_without_gap_or_overlap(counts: list[int], parts: int) -> None:
    runs = _split(np.array(counts), parts)
    assert len(runs) <= parts
    assert [i for a, b in runs for i in range(a, b)] == list(range(len(counts)))


@pytest.mark.parametrize(("columns", "classes"), [(8, 8), (300, 4)])
def test_the_number_of_threads_does_not_matter(columns: int, classes: int) -> None:
    x, y = sample(1500, columns, classes, 5.0)
    one, two, many = (
        class_sums(x.astype(np.float32), y, columns, n_jobs=jobs) for jobs in (1, 2, 7)
    )
    for name in ("mass", "log_mass", "entropy", "loss", "top5_misses", "bins", "confidence"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
        assert np.array_equal(getattr(one, name), getattr(many, name)), name
