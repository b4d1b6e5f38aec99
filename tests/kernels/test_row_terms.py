"""The loop over rows behind influence functions and sample divergences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from oracles import resampling

from infotheory._kernels._distribution import LOG_PROBS, LOGITS, PROBS
from infotheory._kernels.row_terms import row_terms

pytestmark = pytest.mark.kernel

# Two classes over three symbols, met with chances 1/4 and 3/4: ln Q_c, and what the other class
# has, p_b Q_b and p_b L_b.
CENTROIDS = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])
OTHERS = np.array([0.75, 0.25])[:, None] * CENTROIDS[::-1]
OTHERS_LOG = np.array([0.75, 0.25])[:, None] * np.array([[-2.0, -1.0, -3.0], [-1.0, -4.0, -2.0]])


def run(x: Any, slots: Any, kind: int = PROBS, **changes: Any) -> tuple[int, Any]:
    x = np.array(x, dtype=np.float64)
    options: dict[str, Any] = {
        "classes": np.arange(2),
        "labelled": True,
        "scale": 1.0,
        "smoothing": 0.0,
        "log_centroid": np.log(CENTROIDS),
        "others_mass": OTHERS,
        "others_log_mass": OTHERS_LOG,
    } | changes
    terms = np.full((len(x), 3), -7.0)
    invalid = row_terms(
        x, np.array(slots), options["classes"], options["labelled"], kind, options["scale"],
        options["smoothing"], 1e-9, options["log_centroid"], options["others_mass"],
        options["others_log_mass"], terms,
    )  # fmt: skip
    return invalid, terms


def test_worked_rows() -> None:
    """By hand: the centroid itself, and a row of the other class."""
    invalid, terms = run([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]], [0, 1])
    assert invalid == -1
    ln2 = math.log(2)
    # D(Q_0 || Q_0) = 0 and D(Q_0 || Q_1) = (1/2) ln 2 - (1/4) ln 2.
    np.testing.assert_allclose(terms[:, 0], [0.0, ln2 / 4], rtol=1e-14)
    # -<P, p_b L_b> = 3/4 (2/2 + 1/4 + 3/4) and 1/4 (1/2 + 4/4 + 2/4), and -<p_b Q_b, ln P>
    # = 3/4 (1/4 + 2/2 + 2/4) ln 2 and 1/4 (1/2 + 2/4 + 2/4) ln 2.
    want = [0.75 * 2.0 + 0.75 * 1.75 * ln2, 0.25 * 2.0 + 0.25 * 1.5 * ln2]
    np.testing.assert_allclose(terms[:, 1], want, rtol=1e-14)
    assert terms[:, 2].tolist() == [0.0, 1.0]


def test_kinds_agree() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    want = run(p, [0, 1])[1]
    np.testing.assert_allclose(run(np.log(p), [0, 1], LOG_PROBS)[1], want, rtol=1e-13)
    np.testing.assert_allclose(run(np.log(p) + 5.0, [0, 1], LOGITS)[1], want, rtol=1e-13)
    tempered = p**0.5 / (p**0.5).sum(axis=1, keepdims=True)
    soft = 0.9 * tempered + 0.1 / 3
    got = run(np.log(p), [0, 1], LOGITS, scale=0.5, smoothing=0.1)[1]
    np.testing.assert_allclose(got, run(soft, [0, 1])[1], rtol=1e-13)


@pytest.mark.parametrize(
    ("row", "label", "wrong"),
    [
        ([3.0, 2.0, 1.0], 0, 0.0),
        ([2.0, 3.0, 1.0], 0, 1.0),
        ([1.0, 1.0, 1.0], 0, 0.0),  # ties go to the lowest index
        ([1.0, 1.0, 1.0], 1, 1.0),
        ([0.0, 1.0, 1.0], 1, 0.0),
        ([0.0, 1.0, 1.5], 1, 1.0),
    ],
)
def test_decisions(row: Any, label: int, wrong: float) -> None:
    assert run([row], [label], LOGITS)[1][0, 2] == wrong
    assert math.isnan(run([row], [label], LOGITS, labelled=False)[1][0, 2])


def test_slots_are_not_classes() -> None:
    """Row 0 of the tables may stand for class 2: its column decides."""
    _, terms = run([[0.0, 0.0, 1.0]], [0], LOGITS, classes=np.array([2, 5]))
    assert terms[0, 2] == 0.0


def test_zeros() -> None:
    """Nothing where nothing meets; infinite where mass meets what excludes it."""
    log_centroid = np.log([[0.5, 0.5, 1.0], [0.25, 0.5, 0.25]])
    log_centroid[0, 2] = -math.inf
    free = OTHERS.copy()
    free[:, 2] = 0.0
    shut = OTHERS_LOG.copy()
    shut[:, 2] = -math.inf
    rows = [[0.5, 0.5, 0.0], [0.5, 0.25, 0.25]]
    invalid, terms = run(rows, [0, 0], log_centroid=log_centroid, others_mass=free)
    assert invalid == -1
    assert terms[0, 0] == pytest.approx(0.0, abs=1e-15)
    assert math.isfinite(terms[0, 1])
    assert terms[1, 0] == math.inf
    # The row excludes a symbol that others have.
    assert run(rows[:1], [0], log_centroid=log_centroid)[1][0, 1] == math.inf
    # Others exclude a symbol: the first row does too, the second has mass there.
    terms = run(rows, [1, 1], others_mass=free, others_log_mass=shut)[1]
    assert math.isfinite(terms[0, 1])
    assert terms[1, 1] == math.inf


@pytest.mark.parametrize("bad", [[0.5, math.nan, 0.5], [0.5, -0.1, 0.6], [0.5, 0.5, 0.5]])
def test_the_first_invalid_row_is_told(bad: Any) -> None:
    good = [0.5, 0.25, 0.25]
    invalid, terms = run([good, good, bad, bad], [0, 1, 0, 1])
    assert invalid == 2
    assert (terms[2:] == -7.0).all()
    assert (terms[:2] != -7.0).all()


def test_equal_rows_have_no_divergence() -> None:
    """Rounding may not make it negative: the logarithm of P and that of Q differ by a few eps."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)) * 4
    samples = resampling.Samples(x, np.zeros(200))
    for i in range(200):
        _, terms = run(x[i : i + 1], [0], LOGITS, log_centroid=np.log([samples.p[i]] * 2))
        assert 0.0 <= terms[0, 0] < 1e-14
