"""Streaming, merging and failing: the accumulator against the whole data set at once."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
from classifiers.support import (
    assert_matches,
    away_from_bin_edges,
    class_sizes,
    clustered_logits,
    labels_of_sizes,
    measure,
    quietly,
)
from oracles import classifiers_large as large

import infotheory
from infotheory import NCMIAccumulator

FIELDS = (
    "cmi",
    "gamma",
    "gamma_kl",
    "gamma_pair",
    "ncmi",
    "mutual_information",
    "label_information",
    "cross_entropy",
    "error",
    "top5_error",
    "expected_calibration_error",
)


def data(k: int = 12, rows: int = 400, dtype: str = "float64") -> tuple[Any, Any]:
    rng = np.random.default_rng(k)
    y = labels_of_sizes(class_sizes(k, rows), rng)
    return away_from_bin_edges(clustered_logits(rng, y, k).astype(dtype), y)


def report_of(accumulator: NCMIAccumulator, **options: Any) -> infotheory.NCMIReport:
    return quietly(accumulator.report, **options)


def assert_same(got: Any, want: Any, relative: float = 1e-12, absolute: float = 1e-14) -> None:
    assert (got.n, got.n_classes, got.n_outputs) == (want.n, want.n_classes, want.n_outputs)
    assert (got.zeros, got.first_zero_row) == (want.zeros, want.first_zero_row)
    for name in FIELDS:
        a, b = getattr(got, name), getattr(want, name)
        assert a == pytest.approx(b, rel=relative, abs=absolute, nan_ok=True), name
    np.testing.assert_allclose(
        got.per_class.to_numpy(dtype=float),
        want.per_class.to_numpy(dtype=float),
        rtol=relative,
        atol=absolute,
    )
    np.testing.assert_allclose(got.separation, want.separation, rtol=relative, atol=absolute)


def parts_of(z: Any, y: Any, cuts: list[int]) -> list[tuple[Any, Any]]:
    return list(zip(np.split(z, cuts), np.split(y, cuts), strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [3, 12, 210])
@pytest.mark.parametrize("batch", [1, 16, 100, 10_000])
def test_batches_give_the_whole(k: int, dtype: str, batch: int) -> None:
    z, y = data(k, 150 if batch == 1 else 400, dtype)
    accumulator = NCMIAccumulator()
    for begin in range(0, len(y), batch):
        accumulator.update(z[begin : begin + batch], y[begin : begin + batch])
    # In double precision the sums differ in their order only; in single precision a block that is
    # cut in two rounds elsewhere, and the promise is the usual one against the oracle.
    report = report_of(accumulator)
    if dtype == "float64":
        assert_same(report, measure(z, y))
    assert_matches(report, large.measure(z, y), dtype)


def test_update_and_merge_return_the_accumulator() -> None:
    z, y = data()
    one, other = NCMIAccumulator(), NCMIAccumulator()
    assert one.update(z, y) is one
    assert other.update(z, y).merge(one) is other
    assert one.n == len(y)
    assert other.n == 2 * len(y)


def test_sizes_are_known_after_the_first_update() -> None:
    z, y = data(12)
    accumulator = NCMIAccumulator()
    assert (accumulator.n, accumulator.n_classes, accumulator.n_outputs) == (0, None, None)
    accumulator.update(z, y)
    assert (accumulator.n, accumulator.n_classes, accumulator.n_outputs) == (len(y), 12, 12)
    given = NCMIAccumulator(20)
    assert (given.n_classes, given.n_outputs) == (20, None)
    given.update(z, y)
    assert (given.n_classes, given.n_outputs) == (20, 12)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_merging_in_any_order(order: tuple[int, ...]) -> None:
    z, y = data()
    parts = [NCMIAccumulator().update(*part) for part in parts_of(z, y, [50, 170])]
    total = NCMIAccumulator()
    for index in order:
        total.merge(parts[index])
    assert_same(report_of(total), measure(z, y))


def test_adding_leaves_both_sides_as_they_were() -> None:
    z, y = data()
    z[3, 2] = z[90, 1] = -math.inf
    first, second = (NCMIAccumulator().update(*part) for part in parts_of(z, y, [80]))
    before = report_of(first), report_of(second)
    total = first + second
    assert_same(report_of(total), measure(z, y))
    total.update(z, y)
    assert_same(report_of(first), before[0], 0.0, 0.0)
    assert_same(report_of(second), before[1], 0.0, 0.0)


def test_merging_leaves_the_other_as_it_was() -> None:
    z, y = data()
    first, second = (NCMIAccumulator().update(*part) for part in parts_of(z, y, [80]))
    before = report_of(second)
    first.merge(second)
    first.update(z, y)
    assert_same(report_of(second), before, 0.0, 0.0)


def test_merging_with_itself_doubles_the_data() -> None:
    z, y = data()
    accumulator = NCMIAccumulator().update(z, y)
    accumulator.merge(accumulator)
    assert_same(report_of(accumulator), measure(np.vstack([z, z]), np.concatenate([y, y])))


def test_merging_an_empty_accumulator() -> None:
    z, y = data()
    want = measure(z, y)
    assert_same(report_of(NCMIAccumulator().update(z, y).merge(NCMIAccumulator())), want)
    assert_same(report_of(NCMIAccumulator().merge(NCMIAccumulator().update(z, y))), want)
    assert (NCMIAccumulator() + NCMIAccumulator()).n == 0


@pytest.mark.parametrize("new_classes", [True, False])
def test_a_report_is_a_snapshot(new_classes: bool) -> None:
    z, y = data()
    if not new_classes:
        y = np.arange(len(y)) % 12
    accumulator = NCMIAccumulator().update(z[:200], y[:200])
    early = report_of(accumulator)
    frozen = repr(early.to_dict())
    accumulator.update(z[200:], y[200:])
    assert repr(early.to_dict()) == frozen
    # Computed at first access, but from the state of then.
    assert_same(early, measure(z[:200], y[:200]))
    assert_same(report_of(accumulator), measure(z, y))


@pytest.mark.parametrize("bad", ["nan", "label", "inf", "length", "width", "kind"])
def test_a_failing_update_changes_nothing(bad: str) -> None:
    z, y = data()
    z[7, 1] = -math.inf
    accumulator = NCMIAccumulator().update(z, y)
    before = report_of(accumulator)
    more, labels, kind = z.copy(), y.copy(), "logits"
    if bad == "nan":
        more[-1, -1] = math.nan
    elif bad == "inf":
        more[-1, 0] = math.inf
    elif bad == "label":
        labels[-1] = 12
    elif bad == "length":
        labels = labels[:-1]
    elif bad == "width":
        more = more[:, :-1]
    else:
        kind = "probs"
    with pytest.raises(ValueError, match="must"):
        accumulator.update(more, labels, kind=kind)
    assert_same(report_of(accumulator), before, 0.0, 0.0)
    accumulator.update(z, y)
    assert accumulator.n == 2 * len(y)


def test_a_failing_first_update_leaves_the_sizes_open() -> None:
    accumulator = NCMIAccumulator()
    with pytest.raises(ValueError, match="nan at row 1"):
        accumulator.update([[0.0, 1.0], [math.nan, 0.0]], [0, 1])
    assert (accumulator.n, accumulator.n_classes, accumulator.n_outputs) == (0, None, None)
    accumulator.update([[0.0, 1.0, 3.0], [2.0, 0.0, 0.0]], [0, 1])
    assert (accumulator.n, accumulator.n_outputs) == (2, 3)


def test_a_failing_merge_changes_nothing() -> None:
    z, y = data()
    accumulator = NCMIAccumulator().update(z, y)
    before = report_of(accumulator)
    with pytest.raises(ValueError, match="temperature"):
        accumulator.merge(NCMIAccumulator(temperature=2.0).update(z, y))
    assert_same(report_of(accumulator), before, 0.0, 0.0)


def test_nothing_to_report() -> None:
    with pytest.raises(ValueError, match="at least one"):
        NCMIAccumulator(3).report()


def filled(k: int = 4, **options: Any) -> NCMIAccumulator:
    rng = np.random.default_rng(1)
    return NCMIAccumulator(**options).update(rng.normal(size=(9, k)), np.arange(9) % 3)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: filled(5, n_classes=4), "output|K|column"),
        (lambda: filled(4, n_classes=7), "class"),
        (lambda: filled(temperature=2.0), "temperature"),
        (lambda: filled(smoothing=0.1), "smoothing"),
        (lambda: NCMIAccumulator(7), "class"),
        (lambda: NCMIAccumulator(temperature=3.0), "temperature"),
    ],
)
def test_unlike_accumulators_do_not_merge(other: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        filled().merge(other())
    with pytest.raises(ValueError, match=message):
        filled() + other()


def test_class_names_must_agree_or_be_absent() -> None:
    named = {name: filled(class_names=list(name)) for name in ("abcd", "wxyz")}
    with pytest.raises(ValueError, match="class_names"):
        named["abcd"] + named["wxyz"]
    for total in (filled() + named["abcd"], named["abcd"] + filled()):
        assert report_of(total).class_names == tuple("abcd")


def test_only_accumulators_merge() -> None:
    with pytest.raises(TypeError):
        filled().merge(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        filled() + 3  # type: ignore[operator]


def test_later_batches_keep_the_number_of_columns() -> None:
    with pytest.raises(ValueError, match=r"outputs must .*4.*got .*5"):
        filled(4).update(np.zeros((2, 5)), [0, 1])


def test_kinds_may_be_mixed() -> None:
    z, y = data(12)
    p, logs = large.distributions(z)
    accumulator = NCMIAccumulator()
    for (rows, kind), labels in zip(
        ((z[:100], "logits"), (p[100:250], "probs"), (logs[250:], "log_probs")),
        np.split(y, [100, 250]),
        strict=True,
    ):
        accumulator.update(rows, labels, kind=kind)
    assert_same(report_of(accumulator), measure(z, y))


def test_precisions_may_be_mixed() -> None:
    z, y = data(12, dtype="float32")
    accumulator = NCMIAccumulator().update(z[:90], y[:90])
    accumulator.update(z[90:].astype(np.float64), y[90:])
    assert_matches(report_of(accumulator), large.measure(z, y), "float32")


def test_the_first_zero_row_counts_over_all_batches() -> None:
    z, y = data(12)
    z[[137, 290], [3, 4]] = -math.inf
    accumulator = NCMIAccumulator()
    for rows, labels in parts_of(z, y, [60, 120, 200]):
        accumulator.update(rows, labels)
    assert report_of(accumulator).first_zero_row == 137
    assert report_of(accumulator).zeros == 2
    # In a merge, the rows of the other come after one's own.
    first, second = (NCMIAccumulator().update(*part) for part in parts_of(z, y, [100]))
    assert report_of(first + second).first_zero_row == 137
    assert report_of(second + first).first_zero_row == 37


def test_an_infinity_that_no_part_has() -> None:
    """Class 0 has the zeros, class 1 the mass: each part alone is finite."""
    zeros = np.array([[0.0, -math.inf, 1.0], [1.0, -math.inf, 0.0]])
    mass = np.array([[0.0, 1.0, 0.5]])
    first = NCMIAccumulator().update(zeros, [0, 0])
    second = NCMIAccumulator().update(mass, [1])
    assert report_of(first).gamma == 0.0
    assert report_of(second).gamma == 0.0
    for total in (first + second, second + first):
        report = report_of(total)
        assert report.gamma == math.inf
        assert report.ncmi == 0.0
        assert report.zeros == 2
        assert report.separation[1, 0] == math.inf
        assert math.isfinite(report.separation[0, 1])


def test_options_are_the_functions_options() -> None:
    z, y = data(12)
    options = {"temperature": 2.5, "smoothing": 0.01}
    report = report_of(NCMIAccumulator(15, **options).update(z, y), base=2)
    assert_same(report, measure(z, y, n_classes=15, base=2, **options), 1e-14)


def test_accumulators_can_be_copied_and_pickled() -> None:
    z, y = data(12)
    z[4, 4] = -math.inf
    accumulator = NCMIAccumulator(temperature=1.5).update(z, y)
    want = report_of(accumulator)
    for twin in (copy.deepcopy(accumulator), pickle.loads(pickle.dumps(accumulator))):  # noqa: S301
        assert_same(report_of(twin), want, 0.0, 0.0)
        twin.update(z, y)
    assert_same(report_of(accumulator), want, 0.0, 0.0)
