"""A teacher of torch alone that may kill its process in the middle of a pass.

python killed_teacher.py FOLDER BATCHES
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from infotheory.learning.language.teacher_outputs import TeacherOutputs

N_ROWS, SHARD_ROWS, BATCH_SIZE = 40, 8, 4


class Teacher(nn.Module):
    """The mean of the vectors of its tokens, as logits; counts its batches."""

    def __init__(self, last: int = -1, *, seed: int = 0, n_classes: int = 3) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.words = nn.Embedding(50, n_classes)
        self.drop = nn.Dropout(0.5)
        self.last, self.calls, self.rows = last, 0, 0

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        self.calls += 1
        self.rows += len(input_ids)
        if self.calls == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        assert not torch.is_grad_enabled()
        weights = attention_mask[..., None] / attention_mask.sum(1)[:, None, None]
        return SimpleNamespace(logits=self.drop((self.words(input_ids) * weights).sum(1)))


def rows(n: int = N_ROWS) -> list[dict[str, Any]]:
    return [{"input_ids": [row % 50, *range(row % 5)], "note": "not for the model"}
            for row in range(n)]  # fmt: skip


def compute(folder: Path | None, teacher: Teacher, **options: Any) -> TeacherOutputs:
    chosen = {"batch_size": BATCH_SIZE, "shard_rows": SHARD_ROWS, "progress": False, **options}
    data = chosen.pop("data", None) or rows()
    return TeacherOutputs.compute(teacher, data, folder=folder, **chosen)


if __name__ == "__main__":
    torch.set_num_threads(1)
    compute(Path(sys.argv[1]), Teacher(int(sys.argv[2])))
