"""Small students and teachers, rows of tokens, and runs that distil one into the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from infotheory.learning.language.distillation_objective import DistillationArguments
from infotheory.learning.language.token_rows import padded

try:
    from learning.language.tiny import WORDS, classifier
except ModuleNotFoundError:  # from a script
    from tiny import WORDS, classifier

N_CLASSES = 3

Row = dict[str, Any]


def bert(
    hidden: int = 16, layers: int = 2, *, seed: int = 0, dropout: float = 0.0, **options: Any
) -> Any:
    """A BERT that classifies texts, with weights that make a difference."""
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers, "num_labels": N_CLASSES}
    return classifier("Bert", dropout, seed, **{**sizes, "initializer_range": 0.3, **options})


def texts(n: int = 22, *, seed: int = 0, labelled: bool = True) -> list[Row]:
    """Rows of 3 to 8 tokens, the first of them its own for each row."""
    generator = torch.Generator().manual_seed(seed)
    rows: list[Row] = []
    for row in range(n):
        length = int(torch.randint(3, 9, (1,), generator=generator))
        ids = torch.randint(1, WORDS, (length,), generator=generator).tolist()
        ids[0] = 1 + row % (WORDS - 1)
        rows.append({"input_ids": ids, "attention_mask": [1] * length})
        if labelled:
            rows[-1]["labels"] = row % N_CLASSES
    return rows


def collate(rows: Sequence[Row]) -> dict[str, torch.Tensor]:
    batch = padded(rows, 0)
    if "labels" in rows[0]:
        batch["labels"] = torch.tensor([row["labels"] for row in rows])
    return batch


def trainer(
    folder: Path,
    student: Any,
    teacher: Any,
    rows: Any,
    distillation: DistillationArguments | None = None,
    *,
    collator: Any = collate,
    compute_metrics: Any = None,
    kind: Any = None,
    **options: Any,
) -> Any:
    """A trainer whose rate is high and constant, so that steps make a difference."""
    import transformers

    from infotheory.learning.language.distillation import DistillationTrainer

    arguments = transformers.TrainingArguments(
        str(folder),
        **{
            "report_to": [],
            "disable_tqdm": True,
            "use_cpu": True,
            "per_device_train_batch_size": 8,
            "num_train_epochs": 2,
            "learning_rate": 0.05,
            "lr_scheduler_type": "constant",
            "optim": "sgd",
            "logging_steps": 1,
            "save_strategy": "no",
            "dataloader_pin_memory": False,
            **options,
        },
    )
    return (kind or DistillationTrainer)(
        student,
        arguments,
        teacher=teacher,
        distillation=distillation,
        train_dataset=rows,
        eval_dataset=texts(9, seed=5),
        data_collator=collator,
        compute_metrics=compute_metrics,
    )


def losses(run: Any) -> list[float]:
    """The loss of each step."""
    return [row["loss"] for row in run.state.log_history if "loss" in row]


def furthest(first: torch.nn.Module, second: torch.nn.Module) -> float:
    """The largest difference between the weights of two models."""
    other = second.state_dict()
    return max(
        float((value - other[name]).abs().max()) for name, value in first.state_dict().items()
    )
