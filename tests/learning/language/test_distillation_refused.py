"""Students, teachers, data and arguments that do not go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
import transformers
from learning.language.distilled import (
    bert,
    collate,
    texts,
    trainer,
)

from infotheory.learning.language.distillation_objective import DistillationArguments
from infotheory.learning.language.feature_match import FeatureMatch
from infotheory.learning.language.teacher_outputs import TeacherOutputs

NAMED = {"id2label": {0: "no", 1: "maybe", 2: "yes"}, "label2id": {"no": 0, "maybe": 1, "yes": 2}}


REFUSED: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("other classes", {"teacher": lambda: bert(num_labels=2)}, ValueError,
     "teacher must be of the 3 classes of the student; got one of 2"),
    ("outputs of other classes", {"teacher": lambda: TeacherOutputs(torch.zeros(22, 2))},
     ValueError, "teacher must be of the 3 classes of the student; got one of 2"),
    ("outputs of other rows", {"teacher": lambda: TeacherOutputs(torch.zeros(21, 3))},
     ValueError, "train_dataset must have the 21 rows of the teacher's outputs; got 22 rows"),
    ("outputs of other tokens",
     {"teacher": lambda: TeacherOutputs.compute(bert(), texts(seed=3))},
     ValueError, "the tokens that the teacher has seen, in their order; got other tokens"),
    ("no features",
     {"teacher": lambda: TeacherOutputs.compute(bert(), texts()), "hidden": 1.0},
     ValueError, "given with feature vectors where hidden_weight is positive; got logits alone"),
    ("nothing", {"teacher": lambda: None}, TypeError, "teacher must be .*; got NoneType"),
    ("no folder", {"teacher": lambda: "nowhere"}, ValueError, "which has no teacher_outputs.json"),
    ("no data", {"rows": None}, TypeError, "train_dataset must be a data set with a length"),
    ("a stream", {"rows": iter([])}, TypeError, "train_dataset must be .*; got list_iterator"),
    ("empty", {"rows": []}, ValueError, "train_dataset must have at least one row"),
    ("arguments", {"arguments": {"loss": "kd"}}, TypeError, "must be DistillationArguments; got d"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=[case[0] for case in REFUSED])
def test_what_does_not_go_together(tmp_path: Path, case: Any) -> None:
    _, given, error, text = case
    teacher = given.get("teacher", bert)
    rows = given.get("rows", texts())
    chosen = given.get("arguments") or DistillationArguments(hidden_weight=given.get("hidden", 0.0))
    with pytest.raises(error, match=text):
        trainer(tmp_path, bert(), teacher(), rows, chosen)


def test_what_is_refused_when_training_begins(tmp_path: Path) -> None:
    small = trainer(tmp_path, bert(), bert(vocab_size=20), texts())
    with pytest.raises(ValueError, match=r"one of 20 tokens for token \d+ in row 0"):
        small.train()
    bare = trainer(tmp_path, bert(), bert(), texts(labelled=False))
    with pytest.raises(ValueError, match=r"have labels where ce_weight is positive; got rows with"):
        bare.train()
    wrong = [{**row, "labels": -100 if k == 3 else 0} for k, row in enumerate(texts())]
    with pytest.raises(ValueError, match=r"labels must be in \[0, 3\); got -100"):
        trainer(tmp_path, bert(), bert(), wrong).train()
    run = trainer(tmp_path, bert().train(), bert(), texts())
    with pytest.raises(ValueError, match="without the outputs of the teacher"):
        run.compute_loss(run.model, collate(texts(3)))


def test_other_refusals_of_the_trainer(tmp_path: Path) -> None:
    model = bert()
    with pytest.raises(ValueError, match="another module than the student"):
        trainer(tmp_path, model, model, texts())
    from infotheory.learning.language.distillation import DistillationTrainer

    options: dict[str, Any] = {"teacher": bert(), "train_dataset": texts()}
    for name in ("compute_loss_func", "model_init"):
        with pytest.raises(ValueError, match=f"{name} must be None"):
            DistillationTrainer(None, None, **options, **{name: bert})
    turned = {"id2label": {0: "yes", 1: "maybe", 2: "No"}, "label2id": {}}
    with pytest.raises(
        ValueError, match="in the order of the student, no, maybe, yes; got yes, ma"
    ):
        trainer(tmp_path, bert(**NAMED), bert(**turned), texts())
    trainer(tmp_path, bert(**NAMED), bert(seed=2), texts())  # one that names nothing


def test_devices_in_one_process_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers.TrainingArguments, "n_gpu", property(lambda _: 2))
    with pytest.raises(ValueError, match="one device a process; got 2 devices in one"):
        trainer(tmp_path, bert(), bert(), texts())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"loss": "dist"}, "loss must be one of 'kd', 'ttm', 'wttm'"),
        ({"temperature": 0.0}, "temperature must be a positive"),
        ({"ce_weight": -0.1}, "ce_weight must be a finite number of at least 0"),
        ({"weight": float("inf")}, "weight must be a finite number"),
        ({"hidden_weight": True}, "hidden_weight must be a finite number"),
        ({"ce_weight": 0.0, "weight": 0}, "positive where the others are 0; got 0 for every term"),
        ({"feature": "first"}, "feature must be one of"),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        DistillationArguments(**options)


def test_the_map_is_no_matter_of_the_state_of_random_numbers() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, second, third = (FeatureMatch(4, 6, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.map.weight, second.map.weight)
    assert not torch.equal(first.map.weight, third.map.weight)
    student = torch.randn(5, 4, requires_grad=True)
    teacher = torch.randn(5, 6, requires_grad=True)
    first(student, teacher).sum().backward()
    assert student.grad is not None
    assert first.map.weight.grad is not None
    assert teacher.grad is None
    for widths in ((0, 4), (4, 1.5)):
        with pytest.raises(ValueError, match="must be a positive integer"):
            FeatureMatch(*widths)  # type: ignore[arg-type]
