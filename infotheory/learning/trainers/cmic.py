"""CMI-constrained training: steps of the network and of the class centroids in turn."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from infotheory._validation import check_choice, check_count
from infotheory.learning.engine.procedure import Batch, Context
from infotheory.learning.losses.classification import CMICLoss
from infotheory.learning.trainers.centroid_steps import move_by_fresh_samples
from infotheory.learning.trainers.classifier import ClassifierTraining

__all__ = ["CMICTraining"]

STARTS = ("uniform", "pass", "kept")


class CMICTraining(ClassifierTraining):
    """Train with cross entropy + lam CMI - beta Gamma, alternating with the class centroids Q.

    Parameters
    ----------
    network : Module
        Inputs to logits, shape (n, C).
    loss : CMICLoss
        Its `centroid` says how Q is kept: "ema" moves it after each step, "epoch" computes it
        exactly before each epoch, "batch" takes the means of each batch.
    samples_per_class : int, optional
        With "ema": how many fresh samples of each class a step of Q draws, 8 by default; 0 uses
        the outputs of the batch itself, which costs nothing.
    start : {"uniform", "pass", "kept"}, default "uniform"
        With "ema": whether Q starts at the uniform distribution, at the means of a full pass, or
        as the loss comes.
    augment : bool, default True
        Whether the samples of the steps of Q are augmented as those of training.

    Notes
    -----
    A step of Q costs one evaluation of ``samples_per_class * C`` samples without gradients. The
    network is in evaluation mode for it, so that running statistics of batch normalisation are
    those of training alone. From uniform centroids and with a decay of 0.9999, Q has forgotten its
    start after some 50,000 steps; a short run wants ``start="pass"`` or a smaller decay.

    References
    ----------
    yang2023cmicdl: the alternating algorithm. Eight samples a class, the decay and the uniform
    start are those of code of the same group.

    Examples
    --------
    >>> from torch import nn
    >>> from infotheory.learning import CMICLoss
    >>> from infotheory.learning.trainers import CMICTraining
    >>> training = CMICTraining(nn.Linear(4, 3), CMICLoss(3, lam=0.7, beta=0.4))
    >>> training.describe()["samples_per_class"]
    8
    """

    criterion: CMICLoss

    def __init__(
        self,
        network: nn.Module,
        loss: CMICLoss,
        *,
        samples_per_class: int = 8,
        start: str = "uniform",
        augment: bool = True,
    ) -> None:
        if not isinstance(loss, CMICLoss):
            raise TypeError(f"loss must be a CMICLoss; got {type(loss).__name__}.")
        super().__init__(network, loss)
        check_choice("start", start, STARTS)
        if samples_per_class != 0:
            check_count("samples_per_class", samples_per_class)
        self.samples_per_class, self.start_from, self.augment = samples_per_class, start, augment

    def start(self, context: Context) -> None:
        """Bring the centroids to where they are to start: the loss may have been used before."""
        if self.criterion.centroid == "ema" and self.start_from == "pass":
            self.criterion.fit(context.passes())
        elif self.criterion.centroid == "ema" and self.start_from == "uniform":
            self.criterion.reset()

    def start_epoch(self, context: Context) -> None:
        """Compute the centroids anew, if they are those of an epoch."""
        if self.criterion.centroid == "epoch":
            self.criterion.fit(context.passes())

    def loss(self, batch: Batch, context: Context) -> Tensor:
        """Return the loss of a batch; the centroids stay until after the step."""
        del context
        value: Tensor = self.criterion(batch.outputs, batch.labels, update=False)
        return value

    def after_step(self, batch: Batch, context: Context) -> None:
        """Move the centroids towards the means of fresh samples."""
        if self.criterion.centroid != "ema":
            return
        if self.samples_per_class == 0:
            self.criterion.update(batch.outputs.detach(), batch.labels)
            return
        move_by_fresh_samples(
            self.criterion, self.network, context, self.samples_per_class, self.augment
        )

    def describe(self) -> dict[str, Any]:
        """Return what makes runs different."""
        return super().describe() | {
            "samples_per_class": self.samples_per_class,
            "start": self.start_from,
            "augment": self.augment,
        }
