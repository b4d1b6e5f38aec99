"""Training with any loss of logits and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from infotheory.learning.engine.procedure import Batch, Context, Procedure

__all__ = ["ClassifierTraining"]


class ClassifierTraining(Procedure):
    """Minimise a loss of logits and labels: the baseline, and any drop-in loss.

    Parameters
    ----------
    network : Module
        Inputs to logits, shape (n, C).
    loss : Module, optional
        Called with logits and labels; cross entropy by default. Its ``terms``, where it has them,
        go into the history.

    Examples
    --------
    >>> from torch import nn
    >>> from infotheory.learning.trainers import ClassifierTraining
    >>> training = ClassifierTraining(nn.Linear(4, 3), nn.CrossEntropyLoss(label_smoothing=0.1))
    >>> training.describe()["loss.label_smoothing"]
    0.1
    """

    def __init__(self, network: nn.Module, loss: nn.Module | None = None) -> None:
        super().__init__(network)
        self.criterion = nn.CrossEntropyLoss() if loss is None else loss

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The loss, whose buffers belong to a checkpoint."""
        return {"loss": self.criterion}

    def loss(self, batch: Batch, context: Context) -> Tensor:
        """Return the loss of a batch."""
        del context
        value: Tensor = self.criterion(batch.outputs, batch.labels)
        return value

    def terms(self) -> Mapping[str, Tensor | float]:
        """Return the terms of the last loss, where it has any."""
        return getattr(self.criterion, "terms", {})

    def describe(self) -> dict[str, Any]:
        """Return what makes runs different: the loss with its arguments."""
        return super().describe() | {"loss": repr(self.criterion)} | _numbers(self.criterion)


def _numbers(loss: nn.Module) -> dict[str, Any]:
    """Return the numbers and texts that a loss was made with: not all of them are in its repr."""
    plain = {name: value for name, value in vars(loss).items() if not name.startswith("_")}
    return {
        f"loss.{name}": value
        for name, value in plain.items()
        if isinstance(value, (bool, int, float, str)) and name != "training"
    }
