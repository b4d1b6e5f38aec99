"""What a fine-tuning refuses, and how."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to fine-tune")
pytest.importorskip("transformers", reason="transformers is not installed: no language models")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: no metrics of tasks")

from learning.language import worded
from learning.language.tiny import classifier, texts, training

from infotheory.learning.language import (
    CMIArguments,
    CMIObjective,
    CMITrainer,
    DistillationArguments,
    FinetuneSettings,
    finetune,
)
from infotheory.models import as_dataset

SETTINGS = FinetuneSettings(epochs=2, batch_size=16, lr=5e-3, max_length=8, seed=1, device="cpu")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"teacher": "x", "cmi": CMIArguments()}, "cmi must be None with a teacher"),
        ({"distillation": DistillationArguments()}, "teacher must be given with distillation"),
        ({"resume": 1}, "resume must be True or False"),
        ({"resume": True}, "folder must be given with resume=True"),
        ({"settings": replace(SETTINGS, precision="fp16")}, "precision must be 'no' or 'bf16' on"),
    ],
    ids=["both", "no teacher", "flag", "no folder", "precision"],
)
def test_what_does_not_go_together(
    place: Path, data: tuple[Any, Any], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        finetune(place / "encoder", *data, **options)


def test_other_kinds_of_arguments(place: Path, data: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match="cmi must be CMIArguments; got float"):
        finetune(place / "encoder", *data, cmi=0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="settings must be FinetuneSettings; got dict"):
        finetune(place / "encoder", *data, settings={"lr": 0.1})  # type: ignore[arg-type]


def test_a_student_has_no_negative_weight() -> None:
    with pytest.raises(ValueError, match="role='teacher'"):
        CMIArguments(lam=-0.1)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("epochs", 0, "epochs must be a positive integer"),
        ("lr", -1.0, "lr must be a positive number; got -1.0"),
        ("warmup", 1.5, r"warmup must be a share of the steps, in \[0, 1\]; got 1.5"),
        ("seed", -1, "seed must be a whole number from 0 to 4294967295; got -1"),
        ("device", "cuda", "device must be None or 'cpu'; got 'cuda'"),
        ("accumulation", 5, r"batch_size must be a multiple of accumulation \(5\); got 32"),
        ("precision", "half", "precision must be .*; got 'half'"),
        ("evaluate", "never", "evaluate must be .*; got 'never'"),
        ("max_length", 2.5, "max_length must be a positive integer"),
    ],
)
def test_settings_that_cannot_be_used(name: str, value: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        FinetuneSettings(**{name: value})


def test_settings_take_numbers_of_numpy() -> None:
    assert CMIArguments(lam=np.float32(0.5), decay=np.float64(0.5)).lam == 0.5
    settings = FinetuneSettings(epochs=np.int64(2), lr=np.float32(0.5), seed=np.int32(3))
    assert json.loads(json.dumps(settings.to_dict()))["lr"] == 0.5


def test_a_model_that_is_not_here(data: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"on this machine, .*owner/none.* Pass download=True"):
        finetune("owner/none", *data, settings=SETTINGS)


def test_a_head_for_other_classes(place: Path, data: tuple[Any, Any], tmp_path: Path) -> None:
    classifier(num_labels=3).save_pretrained(tmp_path)
    worded.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="model must be"):
        finetune(tmp_path, *data, settings=SETTINGS)


def test_more_tokens_than_the_model_takes(place: Path, data: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"max_length must be at most the 20 tokens .*; got 64"):
        finetune(place / "encoder", *data, settings=replace(SETTINGS, max_length=64))


def test_metrics_of_a_task_with_other_classes(place: Path, data: tuple[Any, Any]) -> None:
    """F1 would be that of the wrong class, without a word."""
    samples = [data[0].sample(row) for row in range(8)]
    other = as_dataset(samples, ["good", "bad"] * 4)
    text = r"task must be that of the data; sst2 has the classes negative, positive; got data with"
    with pytest.raises(ValueError, match=text):
        finetune(place / "encoder", other, other, task="sst2", settings=SETTINGS)
    three = as_dataset(samples, [0, 1, 2, 0, 1, 2, 0, 1])
    with pytest.raises(ValueError, match=r"task must be .* got data with more of them"):
        finetune(place / "encoder", three, three, task="sst2", settings=SETTINGS)
    with pytest.raises(ValueError, match=r"evaluation must be of the classes of train in their"):
        finetune(place / "encoder", data[0], other, settings=SETTINGS)


def test_what_is_no_data_and_no_model(place: Path, data: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match=r"train must be texts with labels; got float"):
        finetune(place / "encoder", 3.0, data[1], settings=SETTINGS)
    with pytest.raises(TypeError, match="model must be a directory, or a name; got Bert"):
        finetune(classifier(), *data, settings=SETTINGS)  # type: ignore[arg-type]
    mixed = as_dataset(["w4 w5", ("w4", "w5"), "w6", "w7"], [0, 1, 0, 1])
    with pytest.raises(ValueError, match="data must be of texts, or of pairs of texts; got both"):
        finetune(place / "encoder", mixed, mixed, settings=SETTINGS)


def test_texts_of_other_forms_are_taken(place: Path, data: tuple[Any, Any]) -> None:
    samples = [data[0].sample(row) for row in range(len(data[0]))]
    plain = finetune(place / "encoder", (samples, data[0].labels), data[1], settings=SETTINGS)
    assert plain.metrics == finetune(place / "encoder", *data, settings=SETTINGS).metrics


def test_a_teacher_of_another_task(place: Path, data: tuple[Any, Any], tmp_path: Path) -> None:
    classifier(id2label={0: "entailment", 1: "not_entailment"}).save_pretrained(tmp_path)
    worded.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="teacher must be one of the classes of the student, neg"):
        finetune(place / "encoder", *data, teacher=tmp_path, settings=SETTINGS)
    with pytest.raises(ValueError, match="an encoder, or a classifier of negative, positive; got"):
        finetune(tmp_path, *data, settings=SETTINGS)


def test_an_objective_without_its_callback(tmp_path: Path) -> None:
    import transformers

    model = classifier()
    objective = CMIObjective(model, CMIArguments())
    trainer = transformers.Trainer(
        model, training(tmp_path), train_dataset=texts(), compute_loss_func=objective
    )
    with pytest.raises(ValueError, match=r"callbacks must have objective\.callback"):
        trainer.train()
    objective.close()


def test_arguments_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="cmi must be CMIArguments; got dict"):
        CMITrainer(classifier(), training(tmp_path), cmi={"lam": 1.0})
