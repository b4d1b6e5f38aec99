"""Batches on their way to the network: in what order, whose rows, and changed by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from infotheory._typing import IntArray
from infotheory._validation import refusal
from infotheory.learning.data import TrainingData
from infotheory.learning.engine.processes import Processes
from infotheory.learning.engine.randomness import generator_of, seed_of
from infotheory.learning.engine.settings import Settings
from infotheory.learning.networks.at_work import place_of

__all__ = ["Feed", "chunks"]

_ORDER, _AUGMENTATION, _WORKERS = 1, 2, 3  # what a seed is for


class Feed:
    """The training set, dealt to the processes.

    Parameters
    ----------
    data : TrainingData
        All of it, in every process.
    settings : Settings
        Say batches, seed and workers.
    processes : Processes
        Between which a batch is divided.
    network : Module
        Whose type floating samples get.

    Raises
    ------
    ValueError
        If there would be no batch.
    """

    def __init__(
        self, data: TrainingData, settings: Settings, processes: Processes, network: nn.Module
    ) -> None:
        self.data = data
        _, self._dtype = place_of(network)
        self._settings, self._processes = settings, processes
        if settings.drop_last and len(data) < settings.batch_size:
            raise refusal(
                "batch_size",
                f"at most the number of samples ({len(data)}) with drop_last=True",
                str(settings.batch_size),
            )

    @property
    def n_batches(self) -> int:
        """Batches of an epoch."""
        n, size = len(self.data), self._settings.batch_size
        return n // size if self._settings.drop_last else -(-n // size)

    def epoch(self, epoch: int) -> Iterator[tuple[IntArray, Tensor]]:
        """Yield the batches of an epoch: rows of the whole batch, inputs of this process.

        The order depends on seed and epoch alone, and so do the draws of augmentation.
        """
        seed = self._settings.seed
        order = torch.randperm(len(self.data), generator=generator_of(seed, _ORDER, epoch)).numpy()
        batches = chunks(order, self._settings.batch_size)[: self.n_batches]
        chance = generator_of(seed, _AUGMENTATION, epoch)
        return self._inputs(batches, chance, seed_of(seed, _WORKERS, epoch))

    def once(self, chance: torch.Generator | None) -> Iterator[tuple[IntArray, Tensor]]:
        """Yield the training set once, in its own order, short last batch and all.

        It is augmented where there is a generator to draw from.
        """
        rows = np.arange(len(self.data))
        return self._inputs(chunks(rows, self._settings.batch_size), chance, self._settings.seed)

    def inputs(self, rows: Any, chance: torch.Generator | None) -> Tensor:
        """Return samples by number, on the device; all of them in each process."""
        return self._prepared(self.data.raw(rows), self._draws(len(rows), chance))

    def labels(self, rows: IntArray) -> Tensor:
        """Return classes by number, on the device."""
        return torch.from_numpy(self.data.labels[rows]).to(self._processes.device)

    def _inputs(
        self, batches: Sequence[IntArray], chance: torch.Generator | None, seed: int
    ) -> Iterator[tuple[IntArray, Tensor]]:
        part = self._processes.part
        stored = self.data.read(
            [part(rows) for rows in batches], workers=self._settings.workers, seed=seed
        )
        for rows, raw in zip(batches, stored, strict=True):
            draws = self._draws(len(rows), chance)
            own = None if draws is None else part(draws)
            yield rows, self._prepared(raw, own)

    def _prepared(self, raw: Tensor, draws: Tensor | None) -> Tensor:
        device = self._processes.device
        return self.data.prepared(raw, draws=draws, device=device, dtype=self._dtype)

    def _draws(self, n: int, chance: torch.Generator | None) -> Tensor | None:
        augment = self.data.augment
        return None if chance is None or augment is None else augment.draw(n, chance)


def chunks(rows: IntArray, size: int) -> list[IntArray]:
    """Cut rows into batches, the last of which may be shorter.

    Parameters
    ----------
    rows : ndarray of int
        In order; none give no batch.
    size : int
        Rows of a batch.

    Returns
    -------
    list of ndarray of int
    """
    return [rows[start : start + size] for start in range(0, len(rows), size)]
