"""The metrics of GLUE: against loops, known values, and in the trainer of transformers."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

# A few roundings of numbers in [-1, 1].
ROUNDING = 1e-12
ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40)


def oracle(pairs: list[tuple[int, int]]) -> dict[str, float]:
    """From the four counts of (prediction, label)."""
    a = sum(pair == (1, 1) for pair in pairs)
    b = sum(pair == (1, 0) for pair in pairs)
    c = sum(pair == (0, 1) for pair in pairs)
    d = sum(pair == (0, 0) for pair in pairs)
    square = (a + b) * (a + c) * (d + b) * (d + c)
    return {
        "accuracy": (a + d) / len(pairs),
        "f1": 2 * a / (2 * a + b + c) if a + b + c else 0.0,
        "matthews": (a * d - b * c) / math.sqrt(square) if square else 0.0,
    }


def evaluated(logits: Any, labels: Any) -> Any:
    return SimpleNamespace(predictions=logits, label_ids=labels)


@pytest.mark.parametrize("task", ["cola", "mrpc", "qqp", "sst2", "wnli"])
@given(ROWS)
def test_metrics_are_those_of_the_counts(task: str, pairs: list[tuple[int, int]]) -> None:
    from infotheory.learning.language.official_metrics import task_metrics
    from infotheory.models.glue_tasks import GLUE_TASKS

    found, labels = (list(column) for column in zip(*pairs, strict=True))
    metrics = task_metrics(task, found, labels)
    assert tuple(metrics) == GLUE_TASKS[task].metrics
    assert all(type(value) is float for value in metrics.values())
    expected = oracle(pairs)
    for name, value in metrics.items():
        assert abs(value - expected[name]) < ROUNDING


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20))
def test_three_classes_have_an_accuracy(pairs: list[tuple[int, int]]) -> None:
    from infotheory.learning.language.official_metrics import task_metrics

    found, labels = (np.array(column) for column in zip(*pairs, strict=True))
    metrics = task_metrics("mnli", found, labels)
    assert set(metrics) == {"accuracy"}
    assert abs(metrics["accuracy"] - sum(x == y for x, y in pairs) / len(pairs)) < ROUNDING


@pytest.mark.parametrize(
    ("found", "labels", "cola", "mrpc"),
    [
        # a = 2, b = 1, c = 1, d = 1: (2 - 1) / sqrt(3 3 2 2) = 1/6, and F1 = 4/6.
        ([1, 1, 1, 0, 0], [1, 1, 0, 1, 0], 1 / 6, (3 / 5, 2 / 3)),
        ([1, 0], [1, 0], 1.0, (1.0, 1.0)),
        ([0, 1], [1, 0], -1.0, (0.0, 0.0)),
        # Where one side is all of a class, or both are.
        ([1, 1], [1, 0], 0.0, (0.5, 2 / 3)),
        ([1, 0], [0, 0], 0.0, (0.5, 0.0)),
        ([0, 0], [0, 0], 0.0, (1.0, 0.0)),
        ([1], [1], 0.0, (1.0, 1.0)),
        ([0, 0], [1, 1], 0.0, (0.0, 0.0)),
    ],
)
def test_known_values(
    found: list[int], labels: list[int], cola: float, mrpc: tuple[float, float]
) -> None:
    from infotheory.learning.language.official_metrics import task_metrics

    assert task_metrics("CoLA", found, labels)["matthews"] == pytest.approx(cola, abs=ROUNDING)
    values = task_metrics("mrpc", found, labels)
    assert (values["accuracy"], values["f1"]) == pytest.approx(mrpc, abs=ROUNDING)


@pytest.mark.parametrize(
    ("task", "found", "labels", "fact"),
    [
        ("cola", [], [], "predictions must be one class a row, at least one; got shape (0,). Of"),
        ("cola", [[0.0, 1.0]], [1], "got shape (1, 2). Of logits take argmax(1)."),
        ("cola", [0, 1], [1], "labels must have one entry per row of outputs (2); got 1."),
        ("cola", [0], [1, 0], "labels must have one entry per row of outputs (1); got 2."),
        ("cola", [0, 2], [1, 0], "predictions must be integers in [0, 2) for cola; got 2 at row 1"),
        ("cola", [0, -1], [1, 0], "predictions must be integers in [0, 2) for cola; got -1 at ro"),
        ("mnli", [0, 3], [1, 0], "predictions must be integers in [0, 3) for mnli; got 3 at row 1"),
        ("cola", [0, 1], [1, -100], "labels must be integers in [0, 2); got -100 at row 1."),
        ("cola", [0, 1], [1, 2], "labels must be integers in [0, 2); got 2 at row 1."),
        ("stsb", [0], [0], "task must be one of 'cola', 'sst2'"),
    ],
)
def test_what_cannot_be_measured_is_refused(task: str, found: Any, labels: Any, fact: str) -> None:
    from infotheory.learning.language.official_metrics import task_metrics

    with pytest.raises(ValueError, match=re.escape(fact)):
        task_metrics(task, found, labels)


def test_fractions_are_no_classes() -> None:
    from infotheory.learning.language.official_metrics import task_metrics

    with pytest.raises(TypeError, match="predictions must be integers; got dtype float64"):
        task_metrics("cola", [0.0, 1.0], [0, 1])
    with pytest.raises(TypeError, match="labels must be integers; got dtype float64"):
        task_metrics("cola", [0, 1], [0.0, 1.0])


# --------------------------------------------------------------------------------- compute_metrics


@pytest.mark.parametrize("form", ["array", "tuple", "float32", "bfloat16"])
def test_the_largest_logit_is_the_prediction(form: str) -> None:
    import torch

    from infotheory.learning.language.official_metrics import TaskComputeMetrics

    logits: Any = np.array([[2.0, -math.inf], [0.5, 1.0], [3.0, -1.0]])
    labels: Any = np.array([0, 1, 1])
    if form == "tuple":
        logits = (logits, np.zeros((3, 7)))
    elif form != "array":  # as they come batch by batch, on their device
        logits, labels = torch.tensor(logits).to(getattr(torch, form)), torch.tensor(labels)
    found = TaskComputeMetrics("mrpc")(evaluated(logits, labels))
    assert found == pytest.approx({"accuracy": 2 / 3, "f1": 2 / 3}, abs=ROUNDING)


def test_batches_make_up_an_evaluation() -> None:
    from infotheory.learning.language.official_metrics import TaskComputeMetrics, task_metrics

    rng = np.random.default_rng(0)
    compute = TaskComputeMetrics("cola")
    for _ in range(2):  # nothing is left of the first evaluation
        logits, labels = rng.normal(size=(20, 2)), rng.integers(0, 2, 20)
        expected = task_metrics("cola", logits.argmax(1), labels)
        for start in range(0, 16, 8):
            batch = slice(start, start + 8)
            assert compute(evaluated(logits[batch], labels[batch]), compute_result=False) == {}
        assert compute(evaluated(logits[16:], labels[16:])) == expected


def test_what_was_refused_is_forgotten() -> None:
    from infotheory.learning.language.official_metrics import TaskComputeMetrics

    compute = TaskComputeMetrics("sst2")
    compute(evaluated([[1.0, 0.0]] * 3, [0, 0, 0]), compute_result=False)
    with pytest.raises(ValueError, match="labels must be integers"):
        compute(evaluated([[1.0, 0.0]], [5]))
    assert compute(evaluated([[1.0, 0.0]], [1])) == {"accuracy": 0.0}
    compute(evaluated([[1.0, 0.0]] * 3, [0, 0, 0]), compute_result=False)
    compute.reset()
    assert compute(evaluated([[1.0, 0.0]], [1])) == {"accuracy": 0.0}


@pytest.mark.parametrize(
    ("logits", "labels", "fact"),
    [
        (
            [[0.0, 1.0, 2.0]],
            [1],
            "predictions must be logits of the 2 classes of sst2, shape (n, 2)",
        ),
        ([0.0, 1.0], [1, 0], "got shape (2,). Load the model with num_labels of the task;"),
        (np.zeros((0, 2)), [], "got shape (0, 2)."),
        (
            [[0.0, 1.0], [math.nan, 1.0]],
            [1, 0],
            "predictions must be without NaN; got one at row 1",
        ),
        ([[0.0, 1.0]], [1, 0], "labels must have one entry per row of outputs (1); got 2."),
        ([[0.0, 1.0]], [-100], "labels must be integers in [0, 2); got -100 at row 0."),
    ],
)
def test_predictions_of_another_task_are_refused(logits: Any, labels: Any, fact: str) -> None:
    from infotheory.learning.language.official_metrics import TaskComputeMetrics

    with pytest.raises(ValueError, match=re.escape(fact)):
        TaskComputeMetrics("sst2")(evaluated(logits, labels))


# ----------------------------------------------------------------------------------------- at work


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fine-tuned model of SST-2 with its tokenizer, and a dev file."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers

    known = {"<pad>": 0, "<unk>": 1} | {letter: 2 + k for k, letter in enumerate("abcdefgh")}
    special = {"unk_token": "<unk>", "pad_token": "<pad>"}
    words = Tokenizer(models.WordLevel(known, unk_token=special["unk_token"]))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, model_input_names=["input_ids", "attention_mask"], **special
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=10, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=16, initializer_range=1.0,
            id2label={0: "negative", 1: "positive"}, label2id={"negative": 0, "positive": 1},
        )  # fmt: skip
        model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    rng = np.random.default_rng(1)
    rows = [f"{' '.join(rng.choice(list('abcdefgh'), 5))}\t{row % 2}" for row in range(12)]
    (tmp_path / "dev.tsv").write_text("\n".join(["sentence\tlabel", *rows, ""]))
    return tmp_path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what transformers imports
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning")  # torch, where there is no GPU
@pytest.mark.filterwarnings("ignore:sst2 .*12 rows, where GLUE has 872")  # meant to be few
@pytest.mark.parametrize("streaming", [False, True])
def test_the_trainer_and_ncmi_see_the_same_accuracy(folder: Path, streaming: bool) -> None:
    import transformers

    from infotheory import evaluate_model
    from infotheory.learning import NCMIComputeMetrics
    from infotheory.learning.language.official_metrics import TaskComputeMetrics
    from infotheory.models import open_dataset

    report = evaluate_model(f"hf:{folder / 'model'}", f"glue:sst2?dir={folder}")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    data = open_dataset(f"glue:sst2?dir={folder}")
    rows = [
        tokenizer(data.sample(row)) | {"labels": int(label)}
        for row, label in enumerate(data.labels)
    ]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "run"), per_device_eval_batch_size=5, report_to=[], use_cpu=True,
        disable_tqdm=True, batch_eval_metrics=streaming,
    )  # fmt: skip
    compute: Any = TaskComputeMetrics("sst2")
    if not streaming:
        compute = NCMIComputeMetrics(also=compute)
    trainer = transformers.Trainer(
        model, arguments, eval_dataset=rows, processing_class=tokenizer, compute_metrics=compute
    )
    found = trainer.evaluate()
    assert 0 < found["eval_accuracy"] < 1
    assert found["eval_accuracy"] == pytest.approx(1 - report.error, abs=ROUNDING)
    if not streaming:
        assert found["eval_error"] == pytest.approx(report.error, abs=ROUNDING)
