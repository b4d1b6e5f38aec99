"""Weights, kinds and smoothing in the readable loop and in whole-array operations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracles import weighted
from oracles.classifiers import distribution, rank_of_label

from infotheory._kernels._distribution import LOG_PROBS, LOGITS, PROBS
from infotheory._kernels.class_sums import scalar_class_sums
from infotheory._kernels.class_sums_array import add_block, from_logits, from_probs, smooth

pytestmark = pytest.mark.kernel

NAMES = ("mass", "log_mass", "zeros", "scalars", "top5_misses", "bins", "confidence")
KINDS = {"logits": LOGITS, "probs": PROBS, "log_probs": LOG_PROBS}
SIZE, COLUMNS = 3, 8
CLASSES = np.array([1, 4, 7])  # of the three rows of the sums


def empty() -> dict[str, Any]:
    table = (SIZE, COLUMNS)
    shapes = (table, table, table, (SIZE, 3), (SIZE,), (SIZE, 15, 2), (SIZE, 15))
    sums = {name: np.zeros(shape) for name, shape in zip(NAMES, shapes, strict=True)}
    sums["zeros"] = np.zeros(table, np.int64)
    return sums


def data(kind: str, masked: bool, n: int = 60) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(n, COLUMNS)) * 3
    slots = rng.integers(0, SIZE, n)
    weights = rng.exponential(size=n) * (rng.random(n) > 0.3)
    if masked:
        x[rng.random(x.shape) < 0.1] = -math.inf
    if kind != "logits":
        rows = [distribution(row) for row in x.tolist()]
        x = np.array([p if kind == "probs" else logs for p, logs in rows])
    return x, slots, weights


def by_scalars(
    x: Any,
    slots: Any,
    weights: Any,
    labelled: bool,
    kind: str,
    temperature: float,
    smoothing: float,
) -> tuple[tuple[int, int], dict[str, Any]]:
    sums = empty()
    told = scalar_class_sums(
        x, slots, weights, CLASSES, labelled, KINDS[kind], 1 / temperature, smoothing, 1e-9,
        *sums.values(),
    )  # fmt: skip
    return told, sums


def by_arrays(
    x: Any,
    slots: Any,
    weights: Any,
    labelled: bool,
    kind: str,
    temperature: float,
    smoothing: float,
) -> dict[str, Any]:
    sums = empty()
    block = (from_probs if kind == "probs" else from_logits)(x.copy(), temperature)
    if smoothing:
        block = smooth(block, smoothing)
    add_block(block, x, CLASSES[slots], slots, weights, labelled, *sums.values())
    return sums


def by_loops(
    x: Any,
    slots: Any,
    weights: Any,
    labelled: bool,
    kind: str,
    temperature: float,
    smoothing: float,
) -> dict[str, Any]:
    """The sums as :mod:`infotheory._kernels.class_sums` states them."""
    sums = empty()
    for row, slot, w in zip(x.tolist(), slots, weights, strict=True):
        if w == 0.0:
            continue
        p, logs = distribution(row, kind, temperature, smoothing)
        finite = [0.0 if v == -math.inf else v for v in logs]
        label = CLASSES[slot]
        sums["mass"][slot] += w * np.array(p)
        sums["log_mass"][slot] += w * np.array(finite)
        sums["zeros"][slot] += np.isneginf(logs)
        sums["scalars"][slot, 0] += w * math.fsum(a * b for a, b in zip(p, finite, strict=True))
        sums["scalars"][slot, 1] -= w * (logs[label] if labelled else max(logs))
        sums["scalars"][slot, 2] -= w * max(logs)
        if labelled:
            rank = rank_of_label(row, label)
            (place,) = [b for b in range(15) if b / 15 < max(p) <= (b + 1) / 15]
            sums["bins"][slot, place] += w, w * (rank == 0)
            sums["confidence"][slot, place] += w * max(p)
            sums["top5_misses"][slot] += w * (rank >= 5)
    return sums


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(("temperature", "smoothing"), [(1.0, 0.0), (1.8, 0.0), (0.7, 0.2)])
def test_both_ways_give_the_sums_of_the_definition(
    kind: str, masked: bool, labelled: bool, temperature: float, smoothing: float
) -> None:
    x, slots, weights = data(kind, masked)
    options = (labelled, kind, temperature, smoothing)
    (invalid, first_zero), scalar = by_scalars(x, slots, weights, *options)
    want = by_loops(x, slots, weights, *options)
    arrays = by_arrays(x, slots, weights, *options)
    assert invalid == -1
    for name in NAMES:
        # Sixty terms of size at most 60, each right to a few units of 1.1e-16.
        for got in (scalar, arrays):
            np.testing.assert_allclose(got[name], want[name], rtol=1e-12, atol=1e-12, err_msg=name)
    zero = (x == (0.0 if kind == "probs" else -math.inf)).any(axis=1) & (weights > 0.0)
    assert first_zero == (int(zero.argmax()) if masked and smoothing == 0.0 else -1)
    # Rows of no weight leave no trace, not even an infinite loss.
    assert (np.isinf(scalar["scalars"]) == np.isinf(want["scalars"])).all()


def test_rows_of_no_weight_are_checked() -> None:
    x, slots, weights = data("logits", masked=False)
    x[[20, 40], 3] = math.nan
    weights[20] = 0.0
    (invalid, _), _ = by_scalars(x, slots, weights, True, "logits", 1.0, 0.0)
    assert invalid == 20


def test_a_block_of_no_weight_adds_nothing() -> None:
    x, slots, _ = data("logits", masked=True)
    for sums in (
        by_arrays(x, slots, np.zeros(60), True, "logits", 1.0, 0.0),
        by_scalars(x, slots, np.zeros(60), True, "logits", 1.0, 0.0)[1],
    ):
        assert not any(values.any() for values in sums.values())


def test_confidence_is_a_weighted_mean() -> None:
    """The oracle of the report closes the circle: sums of weights over all bins."""
    x, slots, weights = data("logits", masked=False)
    _, sums = by_scalars(x, slots, weights, True, "logits", 1.0, 0.0)
    rows = [max(distribution(row)[0]) for row in x.tolist()]
    total = math.fsum(weights)
    assert sums["bins"][:, :, 0].sum() == pytest.approx(total, rel=1e-14)
    assert sums["confidence"].sum() / total == pytest.approx(
        weighted.mean(rows, weights.tolist()), rel=1e-13
    )
