"""The numbers of each epoch, in the trainers of transformers and Lightning."""

from __future__ import annotations

import math
import sys
import warnings
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from infotheory import NCMIAccumulator

pytest.importorskip("torch", reason="torch is not installed: nothing to train")

# One pass of float32 through another batch size may round differently: 1e-6 of logits of order 1.
SINGLE = 1e-5


def report_of(logits: Any, labels: Any) -> Any:
    return NCMIAccumulator().update(np.asarray(logits, np.float64), np.asarray(labels)).report()


def samples(n: int = 50, k: int = 3) -> tuple[Any, Any]:
    import torch

    rng = np.random.default_rng(0)
    labels = rng.integers(0, k, n)
    features = rng.normal(size=(n, 4)) + labels[:, None]
    return torch.from_numpy(features).float(), torch.from_numpy(labels)


# ------------------------------------------------------------------------------------ transformers


class Rows:
    """A data set as the trainer of transformers takes it."""

    def __init__(self) -> None:
        self.features, self.labels = samples()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"x": self.features[row], "labels": self.labels[row]}


def tiny_model() -> Any:
    import torch

    class Tiny(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, x: Any, labels: Any = None) -> dict[str, Any]:
            logits = self.layer(x)
            loss = torch.nn.functional.cross_entropy(logits, labels)
            return {"loss": loss, "logits": logits, "hidden": x}

    return Tiny()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what transformers imports
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning")  # torch, where there is no GPU
@pytest.mark.parametrize("streaming", [False, True])
def test_the_trainer_of_transformers(streaming: bool, tmp_path: Path, torch: ModuleType) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    from infotheory.learning import NCMIComputeMetrics

    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), num_train_epochs=2, per_device_train_batch_size=16,
        per_device_eval_batch_size=16, eval_strategy="epoch", batch_eval_metrics=streaming,
        report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no", learning_rate=0.1,
        remove_unused_columns=False, logging_strategy="no",
    )  # fmt: skip
    model, rows = tiny_model(), Rows()
    trainer = transformers.Trainer(
        model, arguments, train_dataset=rows, eval_dataset=rows,
        compute_metrics=NCMIComputeMetrics(),
    )  # fmt: skip
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "eval_ncmi" in entry]
    assert len(logged) == 2
    assert logged[1]["eval_error"] < 1.0
    found = trainer.evaluate()
    with torch.no_grad():
        want = report_of(model.layer(rows.features), rows.labels)
    for name in ("cmi", "gamma", "ncmi", "error"):
        assert found[f"eval_{name}"] == pytest.approx(getattr(want, name), rel=SINGLE), name


def prediction(logits: Any, labels: Any) -> Any:
    return SimpleNamespace(predictions=logits, label_ids=labels)


def test_labels_left_out(torch: ModuleType) -> None:
    """One distribution a token, padding left out, in one batch or in several."""
    from infotheory.learning import NCMIComputeMetrics

    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(6, 5, 3)), rng.integers(0, 3, (6, 5))
    labels[:, 3:] = -100
    want = report_of(logits[:, :3].reshape(-1, 3), labels[:, :3].reshape(-1))
    ours = NCMIComputeMetrics()
    whole = ours(prediction((logits, np.zeros(6)), labels))
    assert whole["ncmi"] == pytest.approx(want.ncmi, rel=1e-12)
    for start in (0, 2):
        rows = slice(start, start + 2)
        batch = prediction(torch.from_numpy(logits[rows]), torch.from_numpy(labels[rows]))
        assert ours(batch, compute_result=False) == {}
    left = prediction(torch.from_numpy(logits[4:]), torch.from_numpy(labels[4:]))
    assert ours(left, compute_result=True)["ncmi"] == pytest.approx(want.ncmi, rel=1e-12)
    nothing = prediction(logits[:1, 3:], labels[:1, 3:])
    assert ours(nothing, compute_result=False) == {}
    with pytest.raises(ValueError, match="updated with at least one batch; got no samples"):
        ours(nothing)


def test_units_and_other_metrics(torch: ModuleType) -> None:
    from infotheory.learning import NCMIComputeMetrics

    logits, labels = np.eye(3)[[0, 1, 2, 0]] * 2.0, np.array([0, 1, 2, 1])
    ours = NCMIComputeMetrics(base=2, also=lambda given: {"rows": float(len(given.label_ids))})
    found = ours(prediction(logits, labels))
    assert found["cmi"] == pytest.approx(report_of(logits, labels).cmi / math.log(2), rel=1e-12)
    assert found["rows"] == 4.0
    with pytest.raises(ValueError, match="label_ids must be one array of class numbers; got a tup"):
        ours(prediction(logits, (labels, labels)))


def test_a_refused_evaluation_leaves_nothing_behind(torch: ModuleType) -> None:
    from infotheory.learning import NCMIComputeMetrics

    ours = NCMIComputeMetrics(2)
    with pytest.raises(ValueError, match="labels must be integers"):
        ours(prediction(np.full((2, 2), 3.0), np.array([0, 5])))
    ours(prediction(np.array([[3.0, 0.0], [0.0, 3.0]]), np.array([0, 1])))
    assert ours.metric.n == 0


def test_an_evaluation_that_was_interrupted_is_forgotten_on_demand(torch: ModuleType) -> None:
    """Nothing tells the metric of an interruption between two batches."""
    from infotheory.learning import NCMIComputeMetrics

    logits, labels = np.eye(3)[[0, 1, 2, 0]] * 2.0, np.array([0, 1, 2, 1])
    ours = NCMIComputeMetrics()
    ours(prediction(logits[:2], labels[:2]), compute_result=False)
    ours.reset()
    found = ours(prediction(logits, labels))
    assert found["error"] == report_of(logits, labels).error


@pytest.mark.parametrize("wrong", ["labels", "also", "tuple", "interrupted"])
def test_whatever_is_raised_leaves_nothing_of_the_batches_before(
    wrong: str, torch: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infotheory.learning import NCMIComputeMetrics, NCMIMetric

    def fail(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    logits, labels = np.eye(3)[[0, 1, 2, 0]] * 2.0, np.array([0, 1, 2, 1])
    ours = NCMIComputeMetrics(3, also=fail if wrong == "also" else None)
    ours(prediction(logits, labels), compute_result=False)
    last: Any = {"labels": labels + 5, "tuple": (labels, labels)}.get(wrong, labels)
    if wrong == "interrupted":
        monkeypatch.setattr(NCMIMetric, "update", fail)
    with pytest.raises((ValueError, KeyboardInterrupt)):
        ours(prediction(logits, last), compute_result=wrong == "also")
    assert ours.metric.n == 0


# --------------------------------------------------------------------------------------- Lightning


@pytest.fixture
def lightning() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        return pytest.importorskip("lightning.pytorch", reason="lightning is not installed")


def fitted(lightning: Any, folder: Path, step: Any, loaders: int = 1, **options: Any) -> Any:
    """Train a linear layer for two epochs; return trainer, module and data."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from infotheory.learning import lightning_callback

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layer = torch.nn.Linear(4, 3)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
            return step(self.layer(batch[0]), batch)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    features, labels = samples()
    train = DataLoader(TensorDataset(features, labels), batch_size=16)
    checked = [
        DataLoader(TensorDataset(features[: 50 - 20 * i], labels[: 50 - 20 * i]), batch_size=16)
        for i in range(loaders)
    ]
    recorded: list[dict[str, float]] = []

    class Recorder(lightning.Callback):
        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            if not trainer.sanity_checking:
                recorded.append({k: float(v) for k, v in trainer.callback_metrics.items()})

    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
        callbacks=[lightning_callback(**options), Recorder()],
    )  # fmt: skip
    net = Net()
    trainer.fit(net, train, checked if loaders > 1 else checked[0])
    with torch.no_grad():
        return recorded, net.layer(features), labels


quiet = pytest.mark.filterwarnings(
    "ignore:.*num_workers.*", "ignore:.*does not have many workers.*",
    "ignore::DeprecationWarning", "ignore:.*logging interval.*", "ignore:.*lr_scheduler.*",
    "ignore:.*treespec.*",
)  # fmt: skip


@quiet
@pytest.mark.parametrize(
    "step",
    [
        lambda logits, batch: {"logits": logits, "labels": batch[1]},
        lambda logits, batch: {"logits": logits, "y": batch[1], "loss": logits.sum()},
        lambda logits, batch: {"logits": logits},
    ],
    ids=["labels", "y", "of the batch"],
)
def test_lightning_logs_every_epoch(step: Any, lightning: Any, tmp_path: Path) -> None:
    recorded, logits, labels = fitted(lightning, tmp_path, step)
    want = report_of(logits, labels)
    assert len(recorded) == 2
    for name in ("cmi", "gamma", "ncmi", "error"):
        # Lightning keeps what is logged in single precision.
        assert recorded[1][f"val_{name}"] == pytest.approx(getattr(want, name), rel=SINGLE), name
    assert recorded[0]["val_cmi"] != recorded[1]["val_cmi"]


@quiet
def test_lightning_with_a_function_and_two_loaders(lightning: Any, tmp_path: Path) -> None:
    recorded, logits, labels = fitted(
        lightning,
        tmp_path,
        lambda logits, batch: logits.softmax(1),
        loaders=2,
        outputs_of=lambda outputs, batch: (outputs, batch[1]),
        kind="probs",
        prefix="valid/",
        base=2.0,
    )
    for number, rows in enumerate((50, 30)):
        want = report_of(logits[:rows], labels[:rows]).cmi / math.log(2)
        assert recorded[1][f"valid/cmi/dataloader_idx_{number}"] == pytest.approx(want, rel=SINGLE)


@quiet
@pytest.mark.parametrize(
    ("step", "text"),
    [
        (lambda logits, batch: logits, "must be a mapping with 'logits'; got Tensor. Return"),
        (lambda logits, batch: None, "must be a mapping with 'logits'; got NoneType. Return"),
        (lambda logits, batch: {"out": logits}, r"mapping with 'logits'; got \['out'\]. Return"),
    ],
)
def test_lightning_refuses_what_it_cannot_read(
    step: Any, text: str, lightning: Any, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=text):
        fitted(lightning, tmp_path, step)


def test_where_labels_are_looked_for(lightning: Any) -> None:
    from infotheory.learning._lightning import _usual

    assert _usual({"logits": 1, "y": 2}, {"labels": 3}) == (1, 2)
    assert _usual({"logits": 1}, {"labels": 3}) == (1, 3)
    assert _usual({"logits": 1}, [0, 4]) == (1, 4)
    with pytest.raises(ValueError, match=r"got \['logits'\] and a batch of type tuple"):
        _usual({"logits": 1}, (0, 4, 5))


def test_all_processes_log_the_total(lightning: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged is reduced already; Lightning is told to synchronise, which it asks for."""
    from infotheory.learning import NCMIMetric, lightning_callback

    calls = []
    monkeypatch.setattr(NCMIMetric, "all_reduce", lambda self: calls.append(self) or self)
    callback = lightning_callback()
    trainer = SimpleNamespace(num_val_batches=[2], world_size=2)
    logged: dict[str, Any] = {}
    module = SimpleNamespace(
        log_dict=lambda values, sync_dist, **_: logged.update(values, sync=sync_dist)
    )
    callback.on_validation_epoch_start(trainer, module)
    batch = {"logits": np.array([[2.0, 0.0], [0.0, 2.0]]), "labels": np.array([0, 1])}
    callback.on_validation_batch_end(trainer, module, batch, None, 0)
    callback.on_validation_epoch_end(trainer, module)
    assert (len(calls), logged["sync"], logged["val_error"]) == (1, True, 0.0)


def test_what_a_callback_refuses(lightning: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from infotheory.learning import lightning_callback

    with pytest.raises(ValueError, match="temperature must be a positive finite number"):
        lightning_callback(temperature=-1.0)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(ImportError, match="lightning_callback needs lightning"):
        lightning_callback()
