"""A run that goes on from a checkpoint is the run, and one of another run is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.language.distilled import (
    bert,
    furthest,
    losses,
    texts,
    trainer,
)

from infotheory.learning.callbacks import NCMIComputeMetrics
from infotheory.learning.language.distillation_objective import DistillationArguments
from infotheory.learning.language.teacher_outputs import TeacherOutputs


@pytest.mark.parametrize("epochs_done", [1, 2])
@pytest.mark.parametrize("hidden", [0.0, 1.0])
def test_a_resumed_run_is_the_run(tmp_path: Path, hidden: float, epochs_done: int) -> None:
    rows, teacher = texts(), bert(24, seed=2)
    outputs = TeacherOutputs.compute(teacher, rows, features=True if hidden else None)
    chosen = DistillationArguments("ttm", hidden_weight=hidden)
    options = {
        "num_train_epochs": 3, "save_strategy": "epoch", "optim": "adamw_torch",
        "eval_strategy": "steps", "eval_steps": 2, "learning_rate": 3e-3,
        "lr_scheduler_type": "linear", "weight_decay": 0.1,
        "compute_metrics": NCMIComputeMetrics(),
    }  # fmt: skip
    whole = trainer(tmp_path, bert(seed=1, dropout=0.3), outputs, rows, chosen, **options)
    whole.train()
    expected = whole.evaluate()
    student = bert(seed=9, dropout=0.3)
    again = trainer(tmp_path, student, outputs, rows, chosen, **options)
    again.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{3 * epochs_done}"))
    assert furthest(student, whole.model) == 0.0
    found = again.evaluate()
    assert {name: found[name] for name in ("eval_loss", "eval_cmi", "eval_ncmi", "eval_error")} == {
        name: expected[name] for name in ("eval_loss", "eval_cmi", "eval_ncmi", "eval_error")
    }
    assert losses(again) == losses(whole)
    assert found["eval_feature_cmi"] == expected["eval_feature_cmi"] > 0.0
    if hidden:
        assert furthest(again.feature_match, whole.feature_match) == 0.0


def test_resuming_in_the_middle_of_an_epoch_at_the_last_checkpoint(tmp_path: Path) -> None:
    rows, outputs = texts(), TeacherOutputs.compute(bert(seed=2), texts())
    options = {"save_strategy": "steps", "save_steps": 2, "num_train_epochs": 2}
    whole = trainer(tmp_path / "a", bert(seed=1, dropout=0.3), outputs, rows, **options)
    whole.train()
    trainer(
        tmp_path / "b", bert(seed=1, dropout=0.3), outputs, rows, max_steps=4, **options
    ).train()
    again = trainer(tmp_path / "b", bert(seed=4, dropout=0.3), outputs, rows, **options)
    again.train(resume_from_checkpoint=True)
    assert again.state.global_step == 6
    assert furthest(again.model, whole.model) == 0.0


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"temperature": 3.0}, r"distillation.temperature \(2.0, and now 3.0\)"),
        ({"loss": "ttm"}, r"distillation.loss \('kd', and now 'ttm'\)"),
        ({"teacher": 3}, "the weights of the teacher"),
        ({"given": 1}, "the class of the teacher.*the logits or features given"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, changed: dict[str, Any], differs: str
) -> None:
    rows = texts()
    options: dict[str, Any] = {"save_strategy": "epoch", "num_train_epochs": 1}
    trainer(tmp_path, bert(seed=1), bert(seed=2), rows, **options).train()
    teacher: Any = bert(seed=changed.pop("teacher", 2))
    if changed.pop("given", None):
        teacher = TeacherOutputs(torch.zeros(22, 3))
    other = trainer(tmp_path, bert(seed=1), teacher, rows, DistillationArguments(**changed),
                    **options)  # fmt: skip
    with pytest.raises(ValueError, match=f"with this teacher and this objective; got .*{differs}"):
        other.train(resume_from_checkpoint=True)


def test_a_checkpoint_of_another_trainer_is_refused(tmp_path: Path) -> None:
    run = trainer(tmp_path, bert(), bert(seed=2), texts())
    (tmp_path / "checkpoint-1").mkdir()
    with pytest.raises(ValueError, match=r"one of a DistillationTrainer; got .*checkpoint-1'"):
        run.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
