"""A dozen samples in memory, and as data sets whose items are pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.utils.data import Dataset

RNG = np.random.default_rng(0)
LABELS = np.arange(12) % 3
FEATURES = RNG.normal(size=(12, 4)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (12, 5, 6, 3), dtype=np.uint8)


class Pairs(Dataset):
    """As data sets of torchvision are: items are pairs, and labels are asked for one by one."""

    def __init__(self, inputs: Any = FEATURES) -> None:
        self.inputs = inputs
        self.asked = 0

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, row: int) -> tuple[Any, int]:
        self.asked += 1
        return self.inputs[row], int(LABELS[row])


class Targets(Pairs):
    targets = LABELS.tolist()
