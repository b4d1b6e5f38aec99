"""The terms of a loss over the rows of a step: looked at before the step, and kept for the log."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from infotheory.learning.gathering import summed_over_processes

__all__ = ["StepTerms"]

TOTAL = "loss"


class StepTerms:
    """Means over rows: of one step, and of the steps since they were last asked for.

    Notes
    -----
    Each step waits once for its sums, as the trainer itself does to see whether a loss is finite.
    """

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._sums: Tensor | None = None
        self._count = 0.0
        self._means: dict[str, float] = {}

    def take(self, rows: Mapping[str, Tensor]) -> None:
        """Take in one part of a step.

        Parameters
        ----------
        rows : mapping of str to Tensor, shape (n,)
            Terms of each row, with their weighted sum as "loss".
        """
        values = torch.stack([torch.ones_like(rows[TOTAL]), *rows.values()]).detach().sum(1)
        self._names = tuple(rows)
        self._sums = values if self._sums is None else self._sums + values

    def step(self, number: int, rate: float) -> None:
        """End a step, in all processes.

        Parameters
        ----------
        number : int
            Of the step.
        rate : float
            Learning rate.

        Raises
        ------
        FloatingPointError
            If its loss is not finite.
        """
        sums, self._sums = self._sums, None
        assert sums is not None
        summed_over_processes(sums)
        count, *totals = sums.tolist()
        means = {name: total / count for name, total in zip(self._names, totals, strict=True)}
        if not math.isfinite(means[TOTAL]):
            terms = ", ".join(f"{name} {mean:.6g}" for name, mean in means.items())
            raise FloatingPointError(
                f"the loss must be finite; got {terms} in step {number} (learning rate {rate:g}). "
                "Try a smaller learning rate, gradient clipping (max_grad_norm), or bf16 in place "
                "of fp16. Checkpoints are kept."
            )
        whole = self._count + count
        self._means = {
            name: (self._means.get(name, 0.0) * self._count + mean * count) / whole
            for name, mean in means.items()
        }
        self._count = whole

    def logged(self) -> dict[str, float]:
        """Return the means since the last call, without the loss itself, and begin anew.

        Returns
        -------
        dict of str to float
        """
        found = {name: mean for name, mean in self._means.items() if name != TOTAL}
        self.forget()
        return found

    def forget(self) -> None:
        """Begin anew."""
        self._sums, self._count, self._means = None, 0.0, {}
