"""Bad input is refused with the argument, the requirement, the fact and the first bad row."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers.support import measure

import infotheory
from infotheory.classifiers import cmi, gamma

REFUSED = (ValueError, TypeError)
GOOD = np.array([(2.0, 0.0, -1.0), (0.5, 1.0, 0.0), (0.0, 0.0, 0.0), (-1.0, 2.0, 0.5)])
ROWS = np.array([(0.7, 0.2, 0.1), (0.5, 0.3, 0.2), (0.1, 0.8, 0.1), (0.2, 0.6, 0.2)])
LABELS = np.array([0, 1, 2, 1])

FUNCTIONS = [infotheory.ncmi, cmi, gamma, infotheory.measure_classifier]


def test_what_is_good_is_accepted() -> None:
    for function in FUNCTIONS:
        function(GOOD, LABELS)
        function(ROWS, LABELS, kind="probs")
        function(np.log(ROWS), LABELS, kind="log_probs")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_entrance_checks(function: Any) -> None:
    bad = GOOD.copy()
    bad[3, 1] = math.nan
    with pytest.raises(ValueError, match=r"outputs must be .*; got nan at row 3, column 1\."):
        function(bad, LABELS)
    with pytest.raises(ValueError, match=r"labels must be integers in \[0, 3\); got 3 at row 2"):
        function(GOOD, [0, 1, 3, 1])
    with pytest.raises(ValueError, match="kind must be one of 'logits', 'probs', 'log_probs'"):
        function(GOOD, LABELS, kind="softmax")
    with pytest.raises(ValueError, match=r"temperature must be a positive finite number.*; got 0"):
        function(GOOD, LABELS, temperature=0)
    with pytest.raises(ValueError, match=r"smoothing must be a number in \[0, 1\); got 1.5"):
        function(GOOD, LABELS, smoothing=1.5)


def test_the_accumulator_checks() -> None:
    accumulator = infotheory.NCMIAccumulator()
    with pytest.raises(ValueError, match=r"outputs must be .*; got inf at row 0, column 2"):
        accumulator.update(np.where(np.arange(3) == 2, math.inf, GOOD), LABELS)
    with pytest.raises(ValueError, match="temperature must be"):
        infotheory.NCMIAccumulator(temperature=-1)
    with pytest.raises(ValueError, match="smoothing must be"):
        infotheory.NCMIAccumulator(smoothing=1)
    with pytest.raises(REFUSED, match="n_classes must be"):
        infotheory.NCMIAccumulator(0)


@pytest.mark.kernel
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("k", [3, 10, 17, 100, 210, 300])
def test_values_that_are_not_numbers(k: int, value: float, dtype: str) -> None:
    rng = np.random.default_rng(k)
    y = rng.integers(0, k, 150)
    z = rng.normal(size=(150, k)).astype(dtype)
    for row in (0, 16, 77, 149):
        columns = {0, 1, k // 2, k - 1, int(y[row])}
        for column in columns:
            bad = z.copy()
            bad[row, column] = value
            # A later row is bad too, and one of an earlier class: the first row counts.
            bad[149, 0] = value
            with pytest.raises(ValueError, match=rf"got {value} at row {row}, column ") as caught:
                infotheory.ncmi(bad, y)
            if row < 149:
                assert f"column {column}." in str(caught.value)


@pytest.mark.kernel
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_a_bad_row_far_down_is_counted_from_the_top(kind: str, order: Any) -> None:
    """Work goes in blocks and chunks, up to 32 MB each; rows are numbered over all of them."""
    n, k = 450_000, 10
    row = {"logits": 0.0, "probs": 0.1, "log_probs": math.log(0.1)}[kind]
    outputs = np.full((n, k), row, order=order)
    outputs[:, 0] += 1e-15
    labels = np.zeros(n, dtype=int)
    for bad in (9_999, 430_001):
        outputs[bad, 3] = math.nan
        with pytest.raises(ValueError, match=f"nan at row {bad}, column 3"):
            infotheory.ncmi(outputs, labels, kind=kind)
        outputs[bad, 3] = row
        labels[bad] = 10
        with pytest.raises(ValueError, match=f"got 10 at row {bad}"):
            infotheory.ncmi(outputs, labels, kind=kind)
        labels[bad] = 0


@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_rows_are_counted_over_all_steps(tmp_path: Path, kind: str) -> None:
    p = np.full((1000, 4), 0.25)
    outputs = p if kind == "probs" else 2.0 * p
    outputs[777, 2] = math.nan
    np.save(tmp_path / "outputs.npy", outputs)
    mapped = np.load(tmp_path / "outputs.npy", mmap_mode="r")
    labels = np.arange(1000) % 4
    with pytest.raises(ValueError, match="nan at row 777, column 2"):
        infotheory.measure_classifier(mapped, labels, kind=kind)
    with pytest.raises(ValueError, match="nan at row 777, column 2"):
        infotheory.measure_classifier(outputs, labels, kind=kind, progress=True)


@pytest.mark.kernel
@pytest.mark.parametrize("k", [4, 300])
def test_bad_values_beside_masks(k: int) -> None:
    y = np.arange(40) % k
    for dtype in ("float32", "float64"):
        z = np.zeros((40, k), dtype)
        z[:, 2] = -math.inf
        z[9, 2] = math.nan
        with pytest.raises(ValueError, match="nan at row 9, column 2"):
            infotheory.ncmi(z, y)
        z[9, 2] = math.inf
        with pytest.raises(ValueError, match="inf at row 9, column 2"):
            infotheory.ncmi(z, y)


@pytest.mark.kernel
@pytest.mark.parametrize("k", [3, 16, 300])
def test_rows_with_every_symbol_masked(k: int) -> None:
    y = np.arange(30) % k
    for dtype in ("float16", "float32", "float64"):
        z = np.zeros((30, k), dtype)
        z[11] = -math.inf
        z[20] = -math.inf
        with pytest.raises(ValueError, match=r"outputs must .*; got .*row 11\b"):
            infotheory.ncmi(z, y)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_probabilities_that_do_not_sum_to_one(dtype: str) -> None:
    bad = ROWS.copy()
    bad[2] = (0.5, 0.5, 0.25)
    bad[3] = (0.5, 0.25, 0.125)
    with pytest.raises(
        ValueError, match=r"outputs must be rows that sum to one .*'probs'; got row 2 .*1\.25"
    ):
        infotheory.ncmi(bad.astype(dtype), LABELS, kind="probs")
    with np.errstate(divide="ignore"):
        logs = np.log(bad).astype(dtype)
    with pytest.raises(ValueError, match=r"outputs must be rows .*sum to one.*; got row 2 .*1\.2"):
        infotheory.ncmi(logs, LABELS, kind="log_probs")


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float16", 2.0**-8), ("float32", 2.0**-15), ("float64", 2.0**-42)]
)
def test_the_tolerance_of_a_sum(dtype: str, tolerance: float, kind: str) -> None:
    k = 4
    limit = tolerance + k * float(np.finfo(dtype).eps) / 2
    if kind == "log_probs":
        # Rounding ln p by a share of itself moves p by |ln p| such shares, ln K on average.
        limit *= 1 + math.log(k)

    def rows(excess: float) -> Any:
        p = np.full((6, k), 0.25)
        p[3, 1] += excess
        return (p if kind == "probs" else np.log(p)).astype(dtype)

    for sign in (1, -1):
        # Half of it is kept clear, because log-probabilities are rounded when they are stored.
        accepted = measure(rows(sign * 0.5 * limit), np.arange(6) % 4, kind=kind)
        assert math.isfinite(accepted.ncmi)
        with pytest.raises(ValueError, match=r"got row 3\b"):
            measure(rows(sign * 1.6 * limit), np.arange(6) % 4, kind=kind)


def test_accepted_rows_are_divided_by_their_sum() -> None:
    exact = np.array([(0.7, 0.2, 0.1), (0.1, 0.8, 0.1), (0.3, 0.3, 0.4), (0.2, 0.2, 0.6)])
    off = (exact * (1 + 2e-5)).astype(np.float32)
    want = measure(
        off.astype(np.float64) / off.astype(np.float64).sum(1, keepdims=True), LABELS, kind="probs"
    )
    got = measure(off, LABELS, kind="probs")
    assert got.cmi == pytest.approx(want.cmi, rel=1e-7)
    assert got.gamma == pytest.approx(want.gamma, rel=1e-7)


def test_probabilities_that_are_not_probabilities() -> None:
    bad = ROWS.copy()
    bad[1] = (1.0, -0.25, 0.25)
    with pytest.raises(ValueError, match=r"must be non-negative.*; got -0\.25 at row 1, column 1"):
        infotheory.ncmi(bad, LABELS, kind="probs")
    bad[1] = (math.nan, 0.5, 0.5)
    with pytest.raises(ValueError, match="nan at row 1, column 0"):
        infotheory.ncmi(bad, LABELS, kind="probs")
    bad[1] = (0.5, math.inf, 0.5)
    with pytest.raises(ValueError, match=r"inf|row 1"):
        infotheory.ncmi(bad, LABELS, kind="probs")
    bad[1] = 0.0
    with pytest.raises(ValueError, match=r"sum to one .*row 1\b"):
        infotheory.ncmi(bad, LABELS, kind="probs")


def test_logarithms_that_are_not_logarithms_of_probabilities() -> None:
    bad = np.log(ROWS)
    bad[2, 0] = math.nan
    with pytest.raises(ValueError, match="nan at row 2, column 0"):
        infotheory.ncmi(bad, LABELS, kind="log_probs")
    with pytest.raises(ValueError, match=r"sum to one.*; got row 0\b"):
        infotheory.ncmi(GOOD, LABELS, kind="log_probs")
    bad[2] = -math.inf
    with pytest.raises(ValueError, match=r"row 2\b"):
        infotheory.ncmi(bad, LABELS, kind="log_probs")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("k", [3, 10, 300])
def test_probabilities_handed_in_as_logits(k: int, dtype: str) -> None:
    rng = np.random.default_rng(k)
    p = rng.dirichlet(np.ones(k), 40)
    p = (p / p.sum(axis=1, keepdims=True)).astype(dtype)
    with pytest.raises(ValueError, match=r"outputs must be logits .*; got .*sum.*kind='probs'"):
        infotheory.ncmi(p, np.arange(40) % k)
    with pytest.raises(ValueError, match="kind='probs'"):
        infotheory.ncmi(np.eye(3), [0, 1, 2])


def test_a_single_row_of_logits_among_many_may_look_like_probabilities() -> None:
    z = GOOD.copy()
    z[1] = (0.5, 0.25, 0.25)
    assert math.isfinite(infotheory.ncmi(z, LABELS))


def test_what_looks_like_probabilities_is_judged_as_a_whole(tmp_path: Path) -> None:
    """Steps of a long run are no data sets of their own: one accepted at once is accepted."""
    z = np.zeros((1000, 3))
    z[:, 1] = 1.0
    z[500:, 1] = 2.0
    labels = np.arange(1000) % 3
    want = infotheory.measure_classifier(z, labels).cmi
    assert infotheory.measure_classifier(z, labels, progress=True).cmi == pytest.approx(want)
    np.save(tmp_path / "z.npy", z)
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    assert infotheory.measure_classifier(mapped, labels).cmi == pytest.approx(want)
    with pytest.raises(ValueError, match="kind='probs'"):
        infotheory.measure_classifier(z[:500], labels[:500], progress=True)


@pytest.mark.parametrize(
    ("outputs", "labels", "message"),
    [
        (GOOD[0], [0], r"outputs must be 2-dimensional.*; got 1 dimension"),
        (GOOD[None], LABELS, r"outputs must be 2-dimensional.*; got 3 dimension"),
        (np.float64(3.0), [0], r"outputs must be 2-dimensional.*; got 0 dimension"),
        (GOOD[:0], [], r"outputs must .*at least one row.*; got shape \(0, 3\)"),
        (GOOD[:, :0], LABELS, r"outputs must .*column.*; got shape \(4, 0\)"),
        (GOOD.astype(object), LABELS, r"outputs must be numeric.*; got dtype object"),
        (GOOD.astype(str), LABELS, r"outputs must be numeric.*; got dtype <U"),
        (GOOD.astype(complex), LABELS, r"outputs must be numeric.*; got dtype complex128"),
        (GOOD > 0, LABELS, r"outputs must be numeric.*; got dtype bool"),
        ([[1.0, 2.0], [3.0]], [0, 1], r"outputs must .*rows of different lengths"),
        (None, LABELS, r"outputs must be numeric.*; got dtype object"),
        (np.ma.masked_equal(GOOD, 1.0), LABELS, r"outputs must be without masked.*row 1\b"),
        (GOOD, np.ma.masked_equal(LABELS, 2), r"labels must be without masked.*row 2\b"),
        (GOOD, [0, 1, 2], r"labels must have one entry per row of outputs \(4\); got 3"),
        (GOOD, [0, 1, 2, 1, 1], r"labels must have one entry per row of outputs \(4\); got 5"),
        (GOOD, [], r"labels must "),
        (GOOD, [0, 1, 2, -1], r"labels must be integers in \[0, 3\); got -1 at row 3"),
        (GOOD, [0, 3, 5, -1], r"labels must be integers in \[0, 3\); got 3 at row 1"),
        (GOOD, [0.0, 1.0, 2.0, 1.0], r"labels must be integers; got dtype float64"),
        (GOOD, [0, 1, math.nan, 1], r"labels must be integers; got dtype float64"),
        (GOOD, [True, False, True, True], r"labels must be integers; got dtype bool"),
        (GOOD, ["a", "b", "a", "b"], r"labels must be integers; got dtype <U1"),
        (GOOD, np.array([0, 1, 2, None]), r"labels must be integers; got dtype object"),
        (GOOD, LABELS[:, None], r"labels must be 1-dimensional.*; got "),
        (GOOD, np.eye(4, 3, dtype=int), r"labels must be 1-dimensional.*; got "),
        (GOOD, np.array([0, 1, 2, 2**63], np.uint64), r"labels must be .*\[0, 3\); got 9223372"),
    ],
)
def test_shapes_types_and_labels(outputs: Any, labels: Any, message: str) -> None:
    with pytest.raises(REFUSED, match=message):
        infotheory.ncmi(outputs, labels)
    with pytest.raises(REFUSED, match=message):
        infotheory.NCMIAccumulator().update(outputs, labels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "foo"}, r"kind must be one of 'logits', 'probs', 'log_probs'; got 'foo'"),
        ({"kind": None}, r"kind must be one of .*; got None"),
        ({"temperature": 0.0}, r"temperature must be a positive finite number.*; got 0\.0"),
        ({"temperature": -1}, r"temperature must be a positive finite number.*; got -1"),
        ({"temperature": math.inf}, r"temperature must be a positive finite number.*; got inf"),
        ({"temperature": math.nan}, r"temperature must be a positive finite number.*; got nan"),
        ({"temperature": "warm"}, r"temperature must be a positive finite number.*; got 'warm'"),
        ({"temperature": None}, r"temperature must be a positive finite number.*; got None"),
        ({"smoothing": 1.0}, r"smoothing must be a number in \[0, 1\); got 1\.0"),
        ({"smoothing": -0.1}, r"smoothing must be a number in \[0, 1\); got -0\.1"),
        ({"smoothing": math.nan}, r"smoothing must be a number in \[0, 1\); got nan"),
        ({"smoothing": "a"}, r"smoothing must be a number in \[0, 1\); got 'a'"),
        ({"n_classes": 0}, r"n_classes must be .*; got 0"),
        ({"n_classes": -3}, r"n_classes must be .*; got -3"),
        ({"n_classes": 3.5}, r"n_classes must be .*; got 3\.5"),
        ({"n_classes": 2}, r"labels must be integers in \[0, 2\); got 2 at row 2"),
        ({"n_jobs": 0}, r"n_jobs must be .*; got 0"),
    ],
)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(REFUSED, match=message):
        infotheory.ncmi(GOOD, LABELS, **options)
    with pytest.raises(REFUSED, match=message):
        infotheory.measure_classifier(GOOD, LABELS, **options)


@pytest.mark.parametrize("base", [0, 0.5, 1, 1.0, -2, math.nan, math.inf, "e"])
def test_bases(base: Any) -> None:
    for function in (cmi, gamma, infotheory.measure_classifier):
        with pytest.raises(REFUSED, match=r"base must be .*; got "):
            function(GOOD, LABELS, base=base)
    with pytest.raises(REFUSED, match=r"base must be .*; got "):
        infotheory.NCMIAccumulator().update(GOOD, LABELS).report(base=base)


def test_class_names() -> None:
    with pytest.raises(REFUSED, match=r"class_names must .*3.*; got 2"):
        infotheory.measure_classifier(GOOD, LABELS, class_names=["a", "b"])
    with pytest.raises(REFUSED, match=r"class_names must .*; got 4"):
        infotheory.NCMIAccumulator(3, class_names=list("abcd"))
    with pytest.raises(REFUSED, match=r"class_names must "):
        infotheory.NCMIAccumulator(class_names=list("abcd")).update(GOOD, LABELS)


def test_unknown_plot() -> None:
    report = measure(GOOD, LABELS)
    with pytest.raises(ValueError, match="kind must be one of"):
        report.plot(kind="pie")
    with pytest.raises(REFUSED, match="top must be"):
        report.most_confused(top=-1)
