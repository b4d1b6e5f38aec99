"""Distillation: a student learns from a teacher's outputs, by any loss and a second one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from infotheory._validation import refusal
from infotheory.learning.engine.procedure import Batch, Context, Procedure
from infotheory.learning.functional.checks import check_weight
from infotheory.learning.networks.at_work import brought

__all__ = ["DistillationTraining"]


class DistillationTraining(Procedure):
    """Train a student with ce_weight CE + weight loss(student, teacher) + second_weight second.

    Parameters
    ----------
    network : Module
        The student: inputs to logits, shape (n, C).
    teacher : Module
        Inputs to logits of the same classes. It is put into evaluation mode, sees the same
        (augmented) inputs, and gets no gradients.
    loss : Module
        Called with student logits and teacher logits: KDLoss, TTMLoss, WTTMLoss, DISTLoss.
    weight : float, default 1.0
        Of that loss (beta in TTM and WTTM).
    ce_weight : float, default 1.0
        Of the cross entropy with the labels; 0 leaves it out.
    second : Module, optional
        A further loss of the same form.
    second_weight : float, default 1.0
        Of that one.

    Notes
    -----
    In the history ``cross_entropy_loss``, ``distillation`` and ``second`` are the terms before
    weighting. Few samples are ``data.few_shot(fraction, rng)``; classes that the student never
    sees are ``data.without([9])``, with a teacher that was trained on all of them.

    The teacher is no part of checkpoints: a run is resumed with the same teacher, which is checked
    by a digest of its parameters.

    References
    ----------
    zheng2024ttm, equations 1, 2 and 23.

    Examples
    --------
    >>> from torch import nn
    >>> from infotheory.learning import WTTMLoss
    >>> from infotheory.learning.trainers import DistillationTraining
    >>> student, teacher = nn.Linear(4, 3), nn.Linear(4, 3)
    >>> training = DistillationTraining(student, teacher, WTTMLoss(4.0), weight=2.0)
    >>> training.describe()["weight"]
    2.0
    """

    def __init__(
        self,
        network: nn.Module,
        teacher: nn.Module,
        loss: nn.Module,
        *,
        weight: float = 1.0,
        ce_weight: float = 1.0,
        second: nn.Module | None = None,
        second_weight: float = 1.0,
    ) -> None:
        super().__init__(network)
        if not isinstance(teacher, nn.Module):
            raise TypeError(f"teacher must be a torch.nn.Module; got {type(teacher).__name__}.")
        if teacher is network:
            raise refusal("teacher", "another module than network", "the same", "Copy one of them.")
        named = {"weight": weight, "ce_weight": ce_weight, "second_weight": second_weight}
        self.teacher, self.criterion, self.second = teacher, loss, second
        self.weights = {name: check_weight(name, value) for name, value in named.items()}
        self._terms: dict[str, Tensor] = {}
        self._digest: str | None = None

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The losses; the teacher does not change."""
        return {"loss": self.criterion} | ({} if self.second is None else {"second": self.second})

    def companion(self, inputs: Tensor, rows: Tensor) -> Tensor:
        """Return the teacher's logits."""
        del rows
        self.teacher.to(inputs.device).eval()
        with torch.no_grad():
            logits: Tensor = self.teacher(brought(inputs, self.teacher))
        return logits

    def loss(self, batch: Batch, context: Context) -> Tensor:
        """Return the weighted sum of the losses of a batch."""
        del context
        parts = {"distillation": (self.weights["weight"], self._matched(self.criterion, batch))}
        if self.weights["ce_weight"]:
            entropy = F.cross_entropy(batch.outputs, batch.labels)
            parts["cross_entropy_loss"] = self.weights["ce_weight"], entropy
        if self.second is not None:
            parts["second"] = self.weights["second_weight"], self._matched(self.second, batch)
        self._terms = {name: value.detach() for name, (_, value) in parts.items()}
        total = torch.stack([weight * value for weight, value in parts.values()])
        return total.sum()

    def _matched(self, loss: nn.Module, batch: Batch) -> Tensor:
        value: Tensor = loss(batch.outputs, batch.companion)
        return value

    def terms(self) -> Mapping[str, Tensor | float]:
        """Return the terms of the last loss, before weighting."""
        return self._terms

    def describe(self) -> dict[str, Any]:
        """Return what makes runs different: losses, weights, and the teacher's parameters."""
        if self._digest is None:
            self._digest = _digest(self.teacher)
        return (
            super().describe()
            | self.weights
            | {
                "loss": repr(self.criterion),
                "second": repr(self.second),
                "teacher": self._digest,
            }
        )


def _digest(module: nn.Module) -> str:
    """Name the parameters and buffers of a module."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(f"{name}:{tuple(value.shape)}:{value.dtype}:".encode())
        digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
