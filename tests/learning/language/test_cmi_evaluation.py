"""What evaluations of text classifiers tell of CMI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning.language.cmi_runs import CLOSE, centroids, features_of, logged, trained
from learning.language.tiny import classifier, texts, training

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: transformers cannot train")

from infotheory.learning.language import CMIArguments, CMITrainer

MEASURED = (
    "cmi", "gamma", "ncmi", "error",
    "feature_cmi", "feature_gamma", "feature_ncmi", "feature_norm",
)  # fmt: skip


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_evaluation_is_exact(tmp_path: Path, temperature: float) -> None:
    from infotheory import NCMIAccumulator

    cmi = CMIArguments(lam=1.0, feature_temperature=temperature)
    trainer = trained(tmp_path, cmi=cmi, num_train_epochs=1)
    found = trainer.evaluate()
    samples = texts(21, seed=8)
    logits, features = features_of(trainer.model, samples)
    labels = [sample["labels"] for sample in samples]
    outputs = NCMIAccumulator(2).update(logits, labels).report()
    other = NCMIAccumulator(2, temperature=temperature).update(features, labels).report()
    want = {name: getattr(outputs, name) for name in ("cmi", "gamma", "ncmi", "error")}
    want |= {f"feature_{name}": getattr(other, name) for name in ("cmi", "gamma", "ncmi")}
    want["feature_norm"] = float(features.double().norm(dim=1).mean())
    for name in MEASURED:  # features of other batches differ in their last bits
        assert found[f"eval_{name}"] == pytest.approx(want[name], rel=1e-4, abs=1e-9), name
    assert trainer.state.log_history[-1]["eval_cmi"] == found["eval_cmi"]


def test_eval_loss_is_the_cross_entropy(tmp_path: Path) -> None:
    import torch

    trainer = trained(tmp_path, cmi=CMIArguments(lam=100.0), num_train_epochs=1)
    samples = texts(16, seed=8)
    logits, _ = features_of(trainer.model, samples)
    labels = torch.tensor([sample["labels"] for sample in samples])
    want = float(torch.nn.functional.cross_entropy(logits, labels))
    assert trainer.evaluate(samples)["eval_loss"] == pytest.approx(want, rel=CLOSE)


def test_metrics_of_ones_own_are_untouched(tmp_path: Path) -> None:
    shapes = []

    def compute(prediction: Any) -> dict[str, float]:
        shapes.append((prediction.predictions.shape, prediction.label_ids.shape))
        return {"error": -1.0, "mine": 2.0}

    trainer = CMITrainer(
        classifier(), training(tmp_path), eval_dataset=texts(21), compute_metrics=compute,
        cmi=CMIArguments(),
    )  # fmt: skip
    found = trainer.evaluate()
    assert shapes == [((21, 2), (21,))]
    assert (found["eval_error"], found["eval_mine"]) == (-1.0, 2.0)
    assert found["eval_cmi"] > 0
    test = trainer.predict(texts(9))
    assert test.metrics["test_feature_cmi"] > 0
    assert test.predictions.shape == (9, 2)
    silent = [{name: each for name, each in row.items() if name != "labels"} for row in texts(9)]
    assert "test_cmi" not in trainer.predict(silent).metrics


def test_the_best_model_by_a_measured_number(tmp_path: Path) -> None:
    trainer = trained(
        tmp_path, cmi=CMIArguments(lam=1.0), num_train_epochs=3, learning_rate=3e-2,
        eval_strategy="epoch", save_strategy="epoch",
        load_best_model_at_end=True, metric_for_best_model="eval_feature_ncmi",
        greater_is_better=False,
    )  # fmt: skip
    values = logged(trainer, "eval_feature_ncmi")
    assert trainer.state.best_metric == min(values)
    best = tmp_path / f"checkpoint-{4 * (1 + int(np.argmin(values)))}"
    before = centroids(trainer).copy()
    trainer.objective.load(best)
    assert np.array_equal(centroids(trainer), before)
