"""Tiny text classifiers of transformers from a configuration, and texts of numbered words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Peft asks transformers for this by its former name.
PEFT_ASKS = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"
)
WORDS, LENGTH, PAD = 40, 10, 0
SIZES = {"vocab_size": WORDS, "num_labels": 2, "pad_token_id": PAD}
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 2 * LENGTH,
}


def classifier(kind: str = "Bert", dropout: float = 0.0, seed: int = 0, **options: Any) -> Any:
    """A classifier with weights of its own; without dropout its losses are the same each time."""
    import torch
    import transformers

    sizes = SMALL | SIZES
    if kind == "Bert":
        sizes |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    elif kind == "GPT2":
        own = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 2 * LENGTH}
        sizes = SIZES | own | dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), 0.0)
    elif kind == "DistilBert":
        own = {"dim": 16, "hidden_dim": 16, "n_layers": 1, "n_heads": 2}
        none = ("dropout", "attention_dropout", "seq_classif_dropout")
        sizes = SIZES | own | dict.fromkeys(none, 0.0)
    elif kind == "Llama":
        sizes |= {"num_key_value_heads": 1}
    config = getattr(transformers, f"{kind}Config")(**sizes | options)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return getattr(transformers, f"{kind}ForSequenceClassification")(config)


def texts(n: int = 64, seed: int = 3, left: bool = False, classes: int = 2) -> list[dict[str, Any]]:
    """Samples of several lengths, padded; words of each class are drawn from other parts."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        label, size = number % classes, int(rng.integers(3, LENGTH + 1))
        words = rng.integers(1 + 9 * label, 22 + 9 * label, size).tolist()
        padding, real = [PAD] * (LENGTH - size), [1] * size
        ids = padding + words if left else words + padding
        mask = padding + real if left else real + padding
        found.append({"input_ids": ids, "attention_mask": mask, "labels": label})
    return found


def batch_of(samples: list[dict[str, Any]]) -> dict[str, Any]:
    import torch

    return {
        name: torch.tensor([sample[name] for sample in samples])
        for name in ("input_ids", "attention_mask")
    }


def training(folder: Path, **options: Any) -> Any:
    """Arguments of a short and silent run on the host."""
    import transformers

    plain = {
        "report_to": [],
        "disable_tqdm": True,
        "use_cpu": True,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 8,
        "num_train_epochs": 2,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "save_strategy": "no",
    }
    return transformers.TrainingArguments(output_dir=str(folder), **plain | options)


def checkpoint_activations(model: Any) -> None:
    """Under the name that this version of transformers has for it."""
    enable = getattr(model, "activation_checkpointing_enable", None)
    (enable or model.gradient_checkpointing_enable)({"use_reentrant": False})


def losses(trainer: Any) -> list[float]:
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]
