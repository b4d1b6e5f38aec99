"""One process of several that distil together; or the only one.

RANK=0 WORLD_SIZE=2 ... python distillation_ranks.py FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
import transformers

from infotheory.learning.language.distillation_objective import DistillationArguments
from infotheory.learning.language.teacher_outputs import TeacherOutputs

try:
    from learning.language.distilled import bert, collate, losses, texts, trainer
except ModuleNotFoundError:  # as a script
    from distilled import bert, collate, losses, texts, trainer

ROWS = 24  # three steps of eight, in two processes as in one
CHOSEN = DistillationArguments("wttm", ce_weight=1.0, weight=1.5, hidden_weight=0.5)


def main(folder: Path) -> None:
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    transformers.utils.logging.disable_progress_bar()
    teacher, rows, found = bert(24, seed=2), texts(ROWS), {}
    passed: list[int] = []
    teacher.register_forward_pre_hook(
        lambda module, args, named: passed.append(len(named["input_ids"])), with_kwargs=True
    )
    for name, batch, accumulation in (("plain", 8, 1), ("accumulated", 4, 2)):
        # Weights that differ at the start are those of the first process.
        student = bert(seed=1 if rank == 0 else 7)
        run = trainer(
            folder / f"run-{name}", student, teacher, rows, CHOSEN,
            per_device_train_batch_size=batch // world, gradient_accumulation_steps=accumulation,
            max_grad_norm=0.0, save_strategy="epoch",
        )  # fmt: skip
        if name == "plain":  # the group of processes is there now: the passes are shared
            TeacherOutputs.compute(teacher, rows, folder=folder / "teacher", batch_size=4,
                                   collator=collate, features=True, shard_rows=6)  # fmt: skip
            found["passed"] = sum(passed)
            run._outputs = TeacherOutputs.open(folder / "teacher")
        run.train()
        torch.save(student.state_dict(), folder / f"{name}-{rank}.pt")
        torch.save(run.feature_match.state_dict(), folder / f"map-{name}-{rank}.pt")
        found[name] = losses(run)
    again = trainer(
        folder / "run-plain", bert(seed=9), folder / "teacher", rows, CHOSEN,
        per_device_train_batch_size=8 // world, max_grad_norm=0.0, save_strategy="epoch",
    )  # fmt: skip
    again.train(resume_from_checkpoint=str(folder / "run-plain" / "checkpoint-3"))
    torch.save(again.model.state_dict(), folder / f"again-{rank}.pt")
    torch.save(again.feature_match.state_dict(), folder / f"map-again-{rank}.pt")
    (folder / f"found-{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
