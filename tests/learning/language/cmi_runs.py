"""Short runs of the trainer with CMI, and what they leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from learning.language.tiny import batch_of, classifier, texts, training

CLOSE = 1e-5  # sums of some ten thousand terms in single precision, in another order


def trained(folder: Path, model: Any = None, cmi: Any = None, **options: Any) -> Any:
    """A trainer after its run."""
    own = {name: options.pop(name) for name in ("samples", "callbacks") if name in options}
    from infotheory.learning.language import CMITrainer

    trainer = CMITrainer(
        model or classifier(),
        training(folder, **options),
        train_dataset=own.get("samples", texts()),
        eval_dataset=texts(21, seed=8),
        cmi=cmi,
        callbacks=own.get("callbacks"),
    )
    trainer.train()
    return trainer


def centroids(trainer: Any) -> np.ndarray:
    return np.asarray(trainer.objective.criterion.centroids)


def logged(trainer: Any, name: str) -> list[float]:
    return [row[name] for row in trainer.state.log_history if name in row]


def features_of(model: Any, samples: Any) -> tuple[Any, Any]:
    """Logits and pooled features of texts, without a reader."""
    import torch

    with torch.no_grad():
        batch = batch_of(samples)
        return model.eval()(**batch).logits, model.bert(**batch).pooler_output
