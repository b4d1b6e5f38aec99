"""One process of several that fine-tune together with CMI; or the only one.

RANK=0 WORLD_SIZE=2 ... python cmi_ranks.py FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from tiny import classifier, losses, texts, training

from infotheory.learning.language import CMIArguments, CMITrainer

CASES = {
    "ema": CMIArguments(lam=1.0),
    "epoch": CMIArguments(lam=1.0, centroid="epoch"),
    "reverse": CMIArguments(lam=1.0, role="teacher", centroid="reverse"),
}


def text_of(trainer: Any) -> str:
    try:
        trainer.train()
    except FloatingPointError as error:
        return str(error)
    return ""


def main(folder: Path) -> None:
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    found: dict[str, Any] = {}
    for name, cmi in CASES.items():
        options = {
            "per_device_train_batch_size": 16 // world,
            "save_strategy": "epoch",
            "num_train_epochs": 2,
        }
        trainer = CMITrainer(
            classifier(),
            training(folder / name, **options),
            train_dataset=texts(48),
            eval_dataset=texts(21, seed=8),  # which do not divide evenly
            cmi=cmi,
        )
        trainer.train()
        measured = trainer.evaluate()
        history = trainer.state.log_history
        found[name] = {
            "loss": losses(trainer),
            "surrogate": [row["surrogate"] for row in history if "surrogate" in row],
            "centroids": trainer.objective.criterion.centroids.tolist(),
            "seen": trainer.objective.criterion.seen.tolist(),
            "measured": {each: measured[each] for each in measured if "gamma" in each},
            "feature_cmi": measured["eval_feature_cmi"],
            "norm": measured["eval_feature_norm"],
            "error": measured["eval_error"],
            "eval_loss": measured["eval_loss"],
        }
    # Where one process meets a loss that is no number, all stop.
    trainer = CMITrainer(
        classifier(),
        training(folder / "bad", per_device_train_batch_size=16 // world),
        train_dataset=texts(48),
        cmi=CMIArguments(lam=1.0),
    )
    if rank == world - 1:
        trainer.model.classifier.register_forward_hook(lambda *given: given[-1] * torch.nan)
    found["stopped"] = text_of(trainer)
    (folder / f"found-{rank}-of-{world}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
