"""The metric of torchmetrics; several processes are in `test_all_reduce.py`."""

from __future__ import annotations

import copy
import math
import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from infotheory import NCMIAccumulator
from infotheory.exceptions import InfiniteSeparationWarning

pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")

CLOSE = 1e-12  # sums of a hundred terms of one sign; CMI is a hundredth of the terms or more


def made(*args: Any, **options: Any) -> Any:
    from infotheory.learning import torchmetrics_metric

    return torchmetrics_metric(*args, **options)


def data(n: int = 90, k: int = 6) -> tuple[Any, Any]:
    import torch

    rng = np.random.default_rng(0)
    labels = rng.integers(0, k, n)
    return torch.from_numpy(rng.normal(size=(n, k)) + np.eye(k)[labels]), torch.from_numpy(labels)


def assert_values(found: dict[str, Any], want: Any) -> None:
    assert sorted(found) == ["cmi", "error", "gamma", "ncmi"]
    for name, value in found.items():
        assert str(value.dtype) == "torch.float64"
        assert float(value) == pytest.approx(getattr(want, name), rel=CLOSE), name


@pytest.mark.parametrize("base", [None, 2.0])
def test_updates_add_up_and_reset(base: float | None) -> None:
    logits, labels = data()
    metric = made(6, base=base, temperature=2.0)
    for start in range(0, 90, 40):
        metric.update(logits[start : start + 40], labels[start : start + 40])
    want = NCMIAccumulator(temperature=2.0).update(logits, labels)
    assert_values(metric.compute(), want.report(base=base))
    metric.reset()
    metric.update(logits[:60], labels[:60])
    want = NCMIAccumulator(temperature=2.0).update(logits[:60], labels[:60])
    assert_values(metric.compute(), want.report(base=base))


def test_forward_gives_the_value_of_the_batch() -> None:
    logits, labels = data()
    metric = made(6)
    metric(logits[:50], labels[:50])
    batch = metric(logits[50:], labels[50:])
    assert_values(batch, NCMIAccumulator().update(logits[50:], labels[50:]).report())
    assert_values(metric.compute(), NCMIAccumulator().update(logits, labels).report())


def test_on_a_device(monkeypatch: pytest.MonkeyPatch, torch: ModuleType) -> None:
    """Sums of tensors, which here are on the host for want of a device."""
    from infotheory.learning import batches

    monkeypatch.setattr(batches, "is_elsewhere", lambda x: isinstance(x, torch.Tensor))
    logits, labels = data()
    logits[3, 2] = -math.inf
    metric = made(6)
    metric.update(logits, labels)
    with pytest.warns(InfiniteSeparationWarning):
        want = NCMIAccumulator().update(logits, labels).report()
    assert_values(metric.compute(), want)
    assert int(metric.zeros.sum()) == 1


def test_weights_kinds_and_features() -> None:
    logits, labels = data()
    weights = np.random.default_rng(1).choice([0.0, 1.0, 3.0], 90)
    metric = made(3, n_outputs=6, kind="probs", smoothing=0.1)
    metric.update(logits.softmax(1), labels % 3, weights)
    want = NCMIAccumulator(3, smoothing=0.1)
    want.update(logits.softmax(1), labels % 3, "probs", sample_weight=weights)
    found = metric.compute()
    assert math.isnan(found.pop("error"))
    for name, value in found.items():
        assert float(value) == pytest.approx(getattr(want.report(), name), rel=CLOSE)


def test_in_a_collection() -> None:
    from torchmetrics import MetricCollection
    from torchmetrics.classification import MulticlassAccuracy

    logits, labels = data()
    accuracy = MulticlassAccuracy(6, average="micro")
    metrics = MetricCollection({"accuracy": accuracy, "ncmi": made(6)}, prefix="val_")
    for start in (0, 45):
        metrics(logits[start : start + 45], labels[start : start + 45])
    found = metrics.compute()
    # Accuracy is in single precision.
    assert float(found["val_error"]) == pytest.approx(1.0 - float(found["val_accuracy"]), abs=1e-7)


def test_copies_pickles_and_checkpoints() -> None:
    logits, labels = data()
    metric = made(6)
    metric.persistent(True)
    metric.update(logits, labels)
    want = NCMIAccumulator().update(logits, labels).report()
    assert_values(copy.deepcopy(metric).compute(), want)
    assert_values(pickle.loads(pickle.dumps(metric)).compute(), want)  # noqa: S301
    other = made(6)
    other.load_state_dict(metric.state_dict())
    other.update(logits[:0].new_zeros((1, 6)), [0], [0.0])
    assert_values(other.compute(), want)


@pytest.mark.filterwarnings("ignore:The ``compute`` method:UserWarning")  # of torchmetrics
def test_refusals() -> None:
    logits, labels = data()
    with pytest.raises(ValueError, match="metric must be updated with at least one sample"):
        made(6).compute()
    with pytest.raises(ValueError, match="preds must be rows of 5 symbols; got 6 columns"):
        made(5).update(logits, labels)
    with pytest.raises(ValueError, match=r"labels must be integers in \[0, 6\); got 9 at row 0"):
        made(6).update(logits, labels * 0 + 9)
    with pytest.raises(ValueError, match="n_classes must be a positive integer"):
        made(0)
    with pytest.raises(ValueError, match="kind must be one of"):
        made(3, kind="scores")
    with pytest.raises(ValueError, match="base must be None"):
        made(3, base=1.0)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(ImportError, match="torchmetrics_metric needs torchmetrics"):
        made(3)
