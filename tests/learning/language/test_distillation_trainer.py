"""The trainer of a student: its loss, its gradient, accumulation, and what comes of the teacher."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
import transformers
from learning.language.distilled import (
    N_CLASSES,
    bert,
    collate,
    furthest,
    losses,
    texts,
    trainer,
)
from oracles import distillation as oracle

from infotheory.learning.language.distillation_objective import DistillationArguments
from infotheory.learning.language.feature_match import FeatureMatch
from infotheory.learning.language.features import FeatureReader
from infotheory.learning.language.teacher_model import identity_of
from infotheory.learning.language.teacher_outputs import TeacherOutputs

CLOSE = 1e-5  # of weights and losses of order 1: some tens of units of float32, over a few steps


def outputs_of(model: Any, rows: list[dict[str, Any]], feature: str) -> tuple[Any, Any]:
    """Logits and features of each row, passed alone, with the graph."""
    logits, features = [], []
    with FeatureReader(model, feature) as reader:
        for row in rows:
            logits.append(model(input_ids=torch.tensor([row["input_ids"]])).logits[0])
            features.append(reader.read()[0])
    return logits, features


def cosine(x: Any, y: Any) -> float:
    inner = math.fsum(a * b for a, b in zip(x, y, strict=True))
    return inner / math.sqrt(math.fsum(a * a for a in x) * math.fsum(b * b for b in y))


@pytest.mark.parametrize("loss", ["kd", "ttm", "wttm"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_a_step_by_loops(tmp_path: Path, loss: str, smoothing: float) -> None:
    chosen = DistillationArguments(loss, 3.0, ce_weight=0.7, weight=1.3, hidden_weight=0.4,
                                   feature="mean")  # fmt: skip
    rows, student, teacher = texts(8), bert(seed=1), bert(seed=2, layers=3).eval()
    run = trainer(tmp_path, student, teacher, rows, chosen, num_train_epochs=1, learning_rate=0.0,
                  label_smoothing_factor=smoothing)  # fmt: skip
    run.train()
    (found,) = losses(run)
    own, own_features = outputs_of(student, rows, "mean")
    its, its_features = outputs_of(teacher, rows, "mean")
    z, v = ([row.tolist() for row in each] for each in (own, its))
    logs = [oracle.log_softmax(row) for row in z]
    entropy = [
        -(1 - smoothing) * log[row["labels"]] - smoothing * math.fsum(log) / N_CLASSES
        for log, row in zip(logs, rows, strict=True)
    ]
    matched = getattr(oracle, loss)(z, v, 3.0)
    distances = [
        1 - cosine(x.tolist(), y.tolist())
        for x, y in zip(own_features, its_features, strict=True)
    ]  # fmt: skip
    total = [0.7 * a + 1.3 * b + 0.4 * c
             for a, b, c in zip(entropy, matched, distances, strict=True)]  # fmt: skip
    assert found == pytest.approx(math.fsum(total) / len(rows), rel=CLOSE)
    (logged,) = (row for row in run.state.log_history if "loss" in row)
    for name, values in (("cross_entropy", entropy), ("distillation", matched),
                         ("hidden", distances)):  # fmt: skip
        assert logged[name] == pytest.approx(math.fsum(values) / len(rows), rel=CLOSE)
    evaluated = run.evaluate()
    held_out = texts(9, seed=5)
    z = [row.tolist() for row in outputs_of(student.eval(), held_out, "mean")[0]]
    logs = [oracle.log_softmax(row) for row in z]
    plain = [
        -(1 - smoothing) * log[row["labels"]] - smoothing * math.fsum(log) / N_CLASSES
        for log, row in zip(logs, held_out, strict=True)
    ]
    assert evaluated["eval_loss"] == pytest.approx(math.fsum(plain) / 9, rel=CLOSE)


def test_gradients_reach_the_student_and_its_map_alone(tmp_path: Path) -> None:
    student, teacher = bert(seed=1), bert(24, 3, seed=2, dropout=0.5).train()
    frozen = {name: value.clone() for name, value in teacher.state_dict().items()}
    before = {name: value.clone() for name, value in student.state_dict().items()}
    run = trainer(tmp_path, student, teacher, texts(),
                  DistillationArguments(ce_weight=0.0, weight=0.0, hidden_weight=1.0))  # fmt: skip
    run.train()
    assert all(torch.equal(value, frozen[name]) for name, value in teacher.state_dict().items())
    assert all(each.grad is None for each in teacher.parameters())
    assert teacher.training
    assert run.feature_match.map.weight.shape == (24, 16)
    first = FeatureMatch(16, 24, seed=run.args.seed).map.weight
    assert not torch.equal(run.feature_match.map.weight, first)
    changed = {name for name, value in student.state_dict().items()
               if not torch.equal(value, before[name])}  # fmt: skip
    assert "bert.embeddings.word_embeddings.weight" in changed
    assert "classifier.weight" not in changed  # features do not depend on it
    assert not student.bert._forward_hooks  # the reader has gone
    assert all(values.grad_fn is None for values in (run.teacher_outputs.logits,))


def test_a_teacher_is_known_by_what_decides_its_outputs(tmp_path: Path) -> None:
    plain = identity_of(bert(seed=2))
    assert identity_of(bert(seed=2, num_attention_heads=4))["config"] != plain["config"]
    assert identity_of(bert(seed=3))["weights"] != plain["weights"]
    used = bert(seed=2).train()
    run = transformers.Trainer(used, transformers.TrainingArguments(str(tmp_path), use_cpu=True,
                               report_to=[], learning_rate=0.0, disable_tqdm=True, max_steps=1),
                               train_dataset=texts(), data_collator=collate)  # fmt: skip
    run.train()
    run.save_model(str(tmp_path))
    read = transformers.BertForSequenceClassification.from_pretrained(tmp_path)
    assert identity_of(used) == identity_of(read) == plain


class Counting:
    """Counts the passes of a teacher."""

    def __init__(self, teacher: Any) -> None:
        self.calls = 0
        self.modes: set[bool] = set()
        teacher.register_forward_pre_hook(self._count)

    def _count(self, teacher: Any, args: Any) -> None:
        self.calls += 1
        self.modes.add(any(part.training for part in teacher.modules()))
        assert not torch.is_grad_enabled()


def test_the_teacher_is_run_once_without_dropout_and_not_kept(tmp_path: Path) -> None:
    teacher = bert(seed=2, dropout=0.5).train()
    counting = Counting(teacher)
    run = trainer(tmp_path, bert(seed=1), teacher, texts(), num_train_epochs=3,
                  per_device_eval_batch_size=10)  # fmt: skip
    assert counting.calls == 0
    run.train()
    assert (counting.calls, counting.modes) == (3, {False})  # 22 rows by 10
    run.train()
    run.evaluate()
    assert counting.calls == 3
    assert run._teacher is None
    with torch.no_grad():
        expected = outputs_of(teacher.eval(), texts(), "pooled")[0]
    assert torch.allclose(run.teacher_outputs.logits, torch.stack(expected), atol=CLOSE)


@pytest.mark.parametrize("hidden", [0.0, 1.0])
def test_model_outputs_and_folder_are_one(tmp_path: Path, hidden: float) -> None:
    rows, teacher = texts(), bert(24, seed=2)
    chosen = DistillationArguments("ttm", hidden_weight=hidden, feature="cls" if hidden else None)
    folder = tmp_path / "teacher"
    features = "cls" if hidden else None
    outputs = TeacherOutputs.compute(
        teacher, rows, folder=folder, collator=collate, batch_size=8, features=features
    )
    students = [bert(seed=1) for _ in range(3)]
    for student, given in zip(students, [teacher, outputs, folder], strict=True):
        trainer(tmp_path / "run", student, given, rows, chosen).train()
    assert furthest(students[0], students[1]) == 0.0
    assert furthest(students[0], students[2]) == 0.0
    assert furthest(students[0], bert(seed=1)) > 0.01


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("hidden", [0.0, 0.5])
def test_accumulated_batches_are_the_plain_batch(
    tmp_path: Path, labelled: bool, hidden: float
) -> None:
    # The last step has 6 rows, in batches of 4 and 2.
    rows = texts(22, labelled=labelled)
    chosen = DistillationArguments(
        "wttm", ce_weight=float(labelled), weight=1.5, hidden_weight=hidden
    )
    found = []
    for size, steps in ((8, 1), (4, 2), (2, 4)):
        student = bert(seed=1)
        run = trainer(tmp_path, student, bert(24, seed=2), rows, chosen,
                      per_device_train_batch_size=size, gradient_accumulation_steps=steps,
                      max_grad_norm=0.0)  # fmt: skip
        run.train()
        found.append((losses(run), student, run.feature_match))
    for each, student, match in found[1:]:
        assert each == pytest.approx(found[0][0], abs=CLOSE)
        assert furthest(student, found[0][1]) < CLOSE
        if match is not None:
            assert furthest(match, found[0][2]) < CLOSE


@pytest.mark.parametrize("labels", [None, -100])
def test_a_step_is_the_mean_over_its_rows_without_labels(tmp_path: Path, labels: Any) -> None:
    """22 rows in batches of 4, three to a step: the last step has 10 rows, the last batch 2."""
    rows = texts(22, labelled=False)
    if labels is not None:
        rows = [{**row, "labels": labels if k % 3 else 0} for k, row in enumerate(rows)]
    student, teacher = bert(seed=1), bert(seed=2).eval()
    run = trainer(tmp_path, student, teacher, rows,
                  DistillationArguments("ttm", ce_weight=0.0, weight=1.3), learning_rate=0.0,
                  per_device_train_batch_size=4, gradient_accumulation_steps=3,
                  num_train_epochs=1)  # fmt: skip
    firsts: list[int] = []
    hook = student.register_forward_pre_hook(
        lambda module, args, named: firsts.extend(named["input_ids"][:, 0].tolist()),
        with_kwargs=True,
    )
    run.train()
    hook.remove()
    ordered = [next(row for row in rows if row["input_ids"][0] == first) for first in firsts]
    z, v = ([row.tolist() for row in outputs_of(each, ordered, "cls")[0]]
            for each in (student, teacher))  # fmt: skip
    matched = oracle.ttm(z, v, 2.0)
    means = [math.fsum(matched[:12]) / 12, math.fsum(matched[12:]) / 10]
    assert losses(run) == pytest.approx([1.3 * mean for mean in means], rel=CLOSE)


def test_plain_fine_tuning_is_the_student_without_a_teacher(tmp_path: Path) -> None:
    rows, students = texts(), [bert(seed=1), bert(seed=1)]
    chosen = DistillationArguments(ce_weight=1.0, weight=0.0)
    run = trainer(tmp_path, students[0], bert(seed=2), rows, chosen)
    run.train()

    def plain(
        model: Any, arguments: Any, *, teacher: Any, distillation: Any, **options: Any
    ) -> Any:
        return transformers.Trainer(model, arguments, **options)

    other = trainer(tmp_path, students[1], None, rows, kind=plain)
    other.train()
    assert losses(run) == pytest.approx(losses(other), abs=CLOSE)
    assert furthest(*students) < CLOSE
    found, expected = run.evaluate(), other.evaluate()
    assert found["eval_loss"] == pytest.approx(expected["eval_loss"], abs=CLOSE)


def test_a_student_that_is_its_teacher_has_nothing_to_learn(tmp_path: Path) -> None:
    student = bert(seed=2)
    chosen = DistillationArguments("kd", ce_weight=0.0, weight=1.0, hidden_weight=1.0)
    run = trainer(tmp_path, student, bert(seed=2), texts(), chosen)
    run.train()
    assert max(losses(run)) < CLOSE
    assert furthest(student, bert(seed=2)) < CLOSE
    assert not list(run.feature_match.parameters())  # of one width: no map


def test_rows_of_datasets_and_columns_that_the_model_does_not_take(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    rows = [{**row, "text": "a", "idx": k} for k, row in enumerate(texts())]
    table = datasets.Dataset.from_list(rows)
    students = [bert(seed=1), bert(seed=1), bert(seed=1)]
    for student, data, workers in zip(students, [rows, table, rows], [0, 0, 1], strict=True):
        trainer(tmp_path, student, bert(seed=2), data, dataloader_num_workers=workers).train()
    assert furthest(students[0], students[1]) == furthest(students[0], students[2]) == 0.0
    sizes = trainer(tmp_path, bert(seed=1), bert(seed=2), table,
                    train_sampling_strategy="group_by_length")  # fmt: skip
    sizes.train()
    assert sizes.train_dataset is table  # the trainer has the data set of the user again


def test_the_batches_have_the_outputs_of_their_rows(tmp_path: Path) -> None:
    rows = texts()
    outputs = TeacherOutputs.compute(bert(seed=2), rows, features="mean")
    run = trainer(tmp_path, bert(seed=1), outputs, rows,
                  DistillationArguments(hidden_weight=1.0))  # fmt: skip
    by_first = {row["input_ids"][0]: k for k, row in enumerate(rows)}
    seen = []
    for batch in run.get_train_dataloader():
        places = [by_first[int(first)] for first in batch["input_ids"][:, 0]]
        assert torch.equal(batch["teacher_logits"], outputs.logits[places])
        assert torch.equal(batch["teacher_features"], outputs.features[places])
        seen += places
    assert sorted(seen) == list(range(22))
    assert seen != sorted(seen)  # they are shuffled
    batch = next(iter(run.get_eval_dataloader()))
    assert "teacher_logits" not in batch


def test_the_log_has_means_over_its_steps(tmp_path: Path) -> None:
    options: dict[str, Any] = {"num_train_epochs": 1, "per_device_train_batch_size": 4}
    chosen = DistillationArguments("wttm", ce_weight=1.0, weight=2.0)
    every = trainer(tmp_path, bert(seed=1), bert(seed=2), texts(), chosen, **options)
    all_ = trainer(tmp_path, bert(seed=1), bert(seed=2), texts(), chosen, logging_steps=6,
                   gradient_accumulation_steps=1, **options)  # fmt: skip
    every.train()
    all_.train()
    single = [row for row in every.state.log_history if "loss" in row]
    (whole,) = (row for row in all_.state.log_history if "loss" in row)
    sizes = [4, 4, 4, 4, 4, 2]
    for name in ("cross_entropy", "distillation"):
        mean = math.fsum(n * row[name] for n, row in zip(sizes, single, strict=True)) / 22
        assert whole[name] == pytest.approx(mean, rel=CLOSE)
    assert "hidden" not in whole
    for row in single:
        assert row["loss"] == pytest.approx(
            row["cross_entropy"] + 2 * row["distillation"], rel=1e-4
        )


def test_an_interrupted_step_is_forgotten(tmp_path: Path) -> None:
    class Interrupting(transformers.TrainerCallback):
        def on_substep_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            raise KeyboardInterrupt

    options = {"gradient_accumulation_steps": 2, "learning_rate": 0.0}
    run = trainer(tmp_path, bert(seed=1), bert(seed=2), texts(), **options)
    run.add_callback(Interrupting())
    with pytest.raises(KeyboardInterrupt):
        run.train()
    run.remove_callback(Interrupting)
    run.train()
    for row in run.state.log_history:
        if "loss" in row:
            mean = (row["cross_entropy"] + row["distillation"]) / 2
            assert row["loss"] == pytest.approx(mean, rel=1e-4)  # it is logged with five digits


def test_a_loss_that_is_not_finite_ends_the_run_before_the_step(tmp_path: Path) -> None:
    student = bert(seed=1)
    run = trainer(tmp_path, student, bert(seed=2), texts(), save_strategy="steps", save_steps=1,
                  gradient_accumulation_steps=2, per_device_train_batch_size=4)  # fmt: skip

    class Breaking(transformers.TrainerCallback):
        def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == 2:
                more["model"].classifier.bias.data[1] = torch.nan

    run.add_callback(Breaking())
    with pytest.raises(FloatingPointError, match=r"must be finite; got loss nan, .* in step 3 \(l"):
        run.train()
    assert not student.bert.embeddings.word_embeddings.weight.isnan().any()
    again = trainer(tmp_path, bert(seed=1), bert(seed=2), texts())
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert math.isfinite(again.evaluate()["eval_loss"])
    run.callback_handler.remove_callback(Breaking)
    run.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert math.isfinite(losses(run)[-1])


def test_another_data_set_is_looked_at_anew(tmp_path: Path) -> None:
    run = trainer(tmp_path, bert(seed=1), bert(seed=2), texts())
    run.train()
    run.train_dataset = list(texts())
    assert len(list(run.get_train_dataloader())) == 3
    run.train_dataset = texts(seed=3)
    with pytest.raises(ValueError, match="must have the tokens that the teacher has seen"):
        run.train()


def test_half_precision(tmp_path: Path) -> None:
    run = trainer(tmp_path, bert(seed=1), bert(24, seed=2), texts(),
                  DistillationArguments("wttm", hidden_weight=0.5), bf16=True)  # fmt: skip
    full = trainer(tmp_path, bert(seed=1), bert(24, seed=2), texts(),
                   DistillationArguments("wttm", hidden_weight=0.5))  # fmt: skip
    run.train()
    full.train()
    # Three digits of bfloat16, over a dozen products of matrices.
    assert losses(run)[0] == pytest.approx(losses(full)[0], rel=0.05)
    assert run.feature_match.map.weight.dtype == torch.float32
