"""A run with everything that a checkpoint has to know; it may kill itself in mid-epoch.

python killed_run.py FOLDER STEP
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from infotheory.learning.data import CropFlip, TrainingData
from infotheory.learning.engine import Batch, Context, Run, Settings, train

try:
    from learning.toys import N_CLASSES, Restless
except ModuleNotFoundError:  # as a script
    from toys import N_CLASSES, Restless

SETTINGS = {"epochs": 4, "batch_size": 8, "accumulation": 2, "optimiser": "adamw", "lr": 0.01}
STEPS_OF_AN_EPOCH = 3


class Dying(Restless):
    """Ends the process at once when it comes to some step."""

    def __init__(self, network: nn.Module, step: int) -> None:
        super().__init__(network)
        self.step = step

    def after_step(self, batch: Batch, context: Context) -> None:
        super().after_step(batch, context)
        if context.step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = [nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3)]
        return nn.Sequential(*first, nn.Linear(8, N_CLASSES)).double()


def data(seed: int = 0, **options: Any) -> TrainingData:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (45, 4, 4), dtype=np.uint8)
    return TrainingData(images, np.arange(45) % N_CLASSES, **options)


def run(folder: Path | None, step: int = -1, **options: Any) -> Run:
    before = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    try:
        chosen = {**SETTINGS, **options.pop("settings", {})}
        make = options.pop("procedure", lambda: Dying(network(), step))
        return train(
            make(),
            options.pop("data", None) or data(augment=CropFlip(1), mean=0.5),
            validation=options.pop("validation", None) or data(1, mean=0.5),
            settings=Settings(device="cpu", **chosen),
            folder=folder,
            **options,
        )
    finally:
        torch.set_num_threads(before[0])
        torch.set_default_dtype(before[1])


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
