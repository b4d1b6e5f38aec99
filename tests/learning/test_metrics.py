"""The metric takes in tensors of the host and of a device alike."""

from __future__ import annotations

import copy
import math
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import infotheory
from infotheory import NCMIAccumulator
from infotheory.exceptions import EmptyClassWarning, StateError

pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")

NAMES = ("cmi", "gamma", "ncmi", "gamma_kl", "mutual_information", "cross_entropy", "error",
         "top5_error", "expected_calibration_error")  # fmt: skip
# Sums of some hundred terms of one sign, each good to some eps; CMI is a difference of two of them
# and at least a hundredth of either here.
CLOSE = 1e-12


@pytest.fixture(params=["host", "device"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let tensors of the host pass for those of a device, or not."""
    if request.param == "device":
        as_on_a_device(monkeypatch)
    return str(request.param)


def as_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from infotheory.learning import batches, metrics

    for module in (batches, metrics):
        monkeypatch.setattr(module, "is_elsewhere", lambda x: isinstance(x, torch.Tensor))


def metric(*args: Any, **options: Any) -> Any:
    from infotheory.learning import NCMIMetric

    return NCMIMetric(*args, **options)


def data(n: int = 200, k: int = 7, seed: int = 0) -> tuple[Any, Any]:
    import torch

    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k)) + 2.0 * np.eye(k)[labels]
    return torch.from_numpy(logits), torch.from_numpy(labels)


def assert_same(got: Any, want: Any) -> None:
    for name in NAMES:
        mine, its = getattr(got, name), getattr(want, name)
        assert mine == pytest.approx(its, rel=CLOSE, abs=1e-15, nan_ok=True), name
    assert (got.n, got.zeros, got.first_zero_row) == (want.n, want.zeros, want.first_zero_row)


@pytest.mark.parametrize("shards", [0, 5])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_batches(where: str, kind: str, shards: int, torch: ModuleType) -> None:
    """With a last batch that is shorter, and the same intervals."""
    logits, labels = data()
    values = {"logits": logits, "probs": logits.softmax(1), "log_probs": logits.log_softmax(1)}
    ours = metric(temperature=1.5, shards=shards)
    for start in range(0, 200, 64):
        ours.update(values[kind][start : start + 64], labels[start : start + 64], kind)
    want = NCMIAccumulator(temperature=1.5, shards=shards).update(values[kind], labels, kind)
    report, wanted = ours.compute(base=2), want.report(base=2)
    assert_same(report, wanted)
    assert list(report.intervals) == list(wanted.intervals)
    for name, interval in wanted.intervals.items():
        # A jackknife takes differences of leave-one-out values, which costs two digits or three.
        assert report.intervals[name].low == pytest.approx(interval.low, rel=1e-9)


def test_shards_are_dealt_alike(where: str, torch: ModuleType) -> None:
    logits, labels = data()
    weights = np.random.default_rng(1).choice([0.0, 1.0, 2.0], 200)
    ours, want = metric(shards=4), NCMIAccumulator(shards=4)
    for rows in (slice(0, 90), slice(90, 91), slice(91, 200)):
        ours.update(logits[rows], labels[rows], sample_weight=weights[rows])
        want.update(logits[rows], labels[rows], sample_weight=weights[rows])
    assert np.array_equal(ours.accumulator.sums.cells, want.sums.cells)
    assert np.array_equal(ours.accumulator.sums.counts, want.sums.counts)


def test_host_and_device_take_turns(monkeypatch: pytest.MonkeyPatch, torch: ModuleType) -> None:
    as_on_a_device(monkeypatch)
    logits, labels = data()
    logits[150, 2] = -math.inf
    ours = metric(shards=6)
    ours.update(logits[:50], labels[:50])
    ours.update(logits[50:90].numpy(), labels[50:90])
    ours.update(logits[90:140], labels[90:140])
    ours.update(logits[140:], labels[140:])
    want = NCMIAccumulator(shards=6).update(logits, labels)
    with pytest.warns(infotheory.exceptions.InfiniteSeparationWarning):
        report = ours.compute()
    assert report.first_zero_row == 150
    assert np.array_equal(ours.accumulator.sums.counts, want.sums.counts)
    np.testing.assert_allclose(ours.accumulator.sums.mass, want.sums.mass, rtol=CLOSE)


def test_another_device(monkeypatch: pytest.MonkeyPatch, torch: ModuleType) -> None:
    """Sums of two devices meet on the host."""
    from infotheory.learning.functional import TensorSums

    as_on_a_device(monkeypatch)
    logits, labels = data()
    ours = metric().update(logits[:100], labels[:100])
    monkeypatch.setattr(TensorSums, "device", torch.device("cuda", 1))
    ours.update(logits[100:], labels[100:])
    assert ours._total.n == 100
    assert_same(ours.compute(), NCMIAccumulator().update(logits, labels).report())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(cuts=st.lists(st.integers(1, 79), max_size=4))
def test_any_cuts_give_the_same(where: str, cuts: list[int], torch: ModuleType) -> None:
    logits, labels = data(80, 3)
    ours = metric()
    edges = [0, *sorted(set(cuts)), 80]
    for start, stop in pairwise(edges):
        ours.update(logits[start:stop], labels[start:stop])
    assert_same(ours.compute(), NCMIAccumulator().update(logits, labels).report())


def test_a_refused_batch_leaves_everything(where: str, torch: ModuleType) -> None:
    logits, labels = data()
    ours = metric()
    wrong = logits.clone()
    wrong[17, 1] = math.nan
    with pytest.raises(ValueError, match="got nan at row 17, column 1"):
        ours.update(wrong, labels)
    assert (ours.n, repr(ours)) == (0, "NCMIMetric(n=0, n_classes=None, n_outputs=None)")
    ours.update(logits, labels)
    for bad, names in ((wrong, labels), (logits[:, :4], labels % 4), (logits, labels + 1)):
        with pytest.raises(ValueError, match="must"):
            ours.update(bad, names)
    assert_same(ours.compute(), NCMIAccumulator().update(logits, labels).report())


def test_columns_are_those_of_the_first_batch(where: str, torch: ModuleType) -> None:
    logits, labels = data()
    ours = metric().update(logits, labels)
    with pytest.raises(ValueError, match="rows of 7 symbols, as in the first batch; got 6 columns"):
        ours.update(logits[:, :6], labels % 6)
    with pytest.raises(ValueError, match="class_names must have one name per class"):
        metric(class_names=["a", "b"]).update(logits, labels)


def test_reset_forgets_what_data_told(where: str, torch: ModuleType) -> None:
    logits, labels = data()
    ours = metric(temperature=2.0).update(logits, labels)
    assert ours.reset() is ours
    assert repr(ours) == "NCMIMetric(n=0, n_classes=None, n_outputs=None)"
    with pytest.raises(ValueError, match="updated with at least one batch; got no samples"):
        ours.compute()
    ours.update(logits[:, :3], labels % 3)
    assert ours.accumulator.settings["temperature"] == 2.0
    assert ours.accumulator.n_classes == 3


def test_merge_and_copy(where: str, torch: ModuleType) -> None:
    logits, labels = data()
    first, second = metric().update(logits[:70], labels[:70]), metric()
    second.update(logits[70:], labels[70:])
    apart = copy.copy(first)
    assert_same(first.merge(second).compute(), NCMIAccumulator().update(logits, labels).report())
    assert (apart.n, second.n, first.n) == (70, 130, 200)
    with pytest.raises(ValueError, match="temperature of the accumulator to merge must be equal"):
        first.merge(metric(temperature=3.0))
    with pytest.raises(TypeError, match="other must be an NCMIMetric; got NCMIAccumulator"):
        first.merge(NCMIAccumulator())


def test_save_and_load(where: str, tmp_path: Path, torch: ModuleType) -> None:
    from infotheory.learning import NCMIMetric

    logits, labels = data()
    ours = metric(shards=4, smoothing=0.01).update(logits, labels)
    ours.save(tmp_path / "state")
    again = NCMIMetric.load(tmp_path / "state")
    assert_same(again.compute(), ours.compute())
    assert NCMIAccumulator.load(tmp_path / "state").n == 200
    with pytest.raises(ValueError, match="a saved state must be merged once"):
        ours.merge(again)
    assert ours.merge(again, allow_repeats=True).n == 400
    (tmp_path / "state").write_bytes(b"x")
    with pytest.raises(StateError, match="a state saved by infotheory"):
        NCMIMetric.load(tmp_path / "state")


def test_warnings_show_the_line_of_the_user(where: str, torch: ModuleType) -> None:
    logits, labels = data()
    ours = metric().update(logits, labels.clamp(max=5))
    with pytest.warns(EmptyClassWarning) as caught:
        report = ours.compute()
    assert [Path(item.filename).name for item in caught] == [Path(__file__).name]
    assert report.warnings


def test_features(where: str, torch: ModuleType) -> None:
    """Outputs that are no scores of classes."""
    logits, labels = data()
    ours = metric(3).update(logits, labels % 3)
    assert_same(ours.compute(), NCMIAccumulator(3).update(logits, labels % 3).report())
    assert math.isnan(ours.compute().error)


def test_gradients_are_not_followed(where: str, torch: ModuleType) -> None:
    logits, labels = data()
    with torch.enable_grad():
        grown = logits.requires_grad_()
        assert metric().update(grown, labels).n == 200
    assert grown.grad is None


def test_without_a_process_group(torch: ModuleType) -> None:
    logits, labels = data()
    ours = metric().update(logits, labels)
    assert ours.all_reduce() is ours
    assert ours.all_reduce().n == 200
