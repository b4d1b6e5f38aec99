"""Outputs that stay on a device are summed there, and end in the same report and state."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from evaluation.fakes import FEATURES, LABELS, MATRIX, OUTPUTS, FakeData, FakeModel, K, N

from infotheory import NCMIAccumulator, measure_classifier
from infotheory.evaluation import evaluate_model, states
from infotheory.evaluation.states import read_kept


class OnDevice:
    """An array that says that it is on another device, and comes back when it is asked to."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.device = SimpleNamespace(type="cuda")

    def detach(self) -> OnDevice:
        return self

    def cpu(self) -> OnDevice:
        return self

    def numpy(self) -> np.ndarray:
        return self.array


class FakeMetric:
    """What is asked of the metric: it counts what it is given."""

    updates = 0

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.accumulator = NCMIAccumulator(**settings)

    def update(self, outputs: Any, labels: Any, kind: str) -> None:
        assert isinstance(outputs, OnDevice)
        FakeMetric.updates += 1
        self.accumulator.update(outputs.array, labels, kind)

    def reset(self) -> None:
        self.accumulator = NCMIAccumulator(**self.settings)


class DeviceModel(FakeModel):
    def outputs(self, prepared: Any) -> Any:
        return OnDevice(super().outputs(prepared))


@pytest.mark.parametrize("saved_often", [False, True])
def test_sums_are_formed_on_the_device(
    saved_often: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a state behind every batch, parts of the sums come to the host one after the other."""
    metrics = pytest.importorskip("infotheory.learning.metrics", reason="torch is not installed")
    monkeypatch.setattr(metrics, "NCMIMetric", FakeMetric)
    monkeypatch.setattr(FakeMetric, "updates", 0)
    if saved_often:
        monkeypatch.setattr(states, "_EVERY", 0.0)
        monkeypatch.setattr(states, "_SHARE", 0.0)
    found = evaluate_model(
        DeviceModel(),
        FakeData(),
        batch_size=10,
        save_state=tmp_path / "state",
        save_outputs=tmp_path,
    )
    assert FakeMetric.updates == 11
    expected = measure_classifier(OUTPUTS, LABELS, interval="jackknife")
    assert found.ncmi == pytest.approx(expected.ncmi, rel=1e-12)
    # dealt into shards as if in one go
    low = expected.intervals["ncmi"].low
    assert found.intervals["ncmi"].low == pytest.approx(low, rel=1e-9)
    assert read_kept(tmp_path / "state")["linear"].measurement.total.n == N
    assert np.array_equal(np.load(tmp_path / "linear.npy"), OUTPUTS)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_module_on_a_gpu(precision: str) -> None:
    """Logits in float32 differ by roundings of 2**-24 a term, in bfloat16 of 2**-9."""
    import torch

    layer = torch.nn.Linear(K, K, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(MATRIX.T))
    found = evaluate_model(
        layer, (FEATURES, LABELS), device="cuda", precision=precision, batch_size=32
    )
    expected = measure_classifier(OUTPUTS, LABELS)
    assert found.ncmi == pytest.approx(expected.ncmi, rel=1e-5 if precision == "float32" else 0.1)
    pairs = torch.utils.data.TensorDataset(torch.from_numpy(FEATURES), torch.from_numpy(LABELS))
    loader = torch.utils.data.DataLoader(pairs, batch_size=32)
    again = evaluate_model(layer, loader, device="cuda", precision=precision)
    assert again.ncmi == pytest.approx(found.ncmi, rel=1e-6 if precision == "float32" else 0.1)
