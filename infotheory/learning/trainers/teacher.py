"""The teacher of most conditional mutual information: fine-tuning that keeps context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from infotheory._validation import check_count
from infotheory.learning.engine.procedure import Batch, Context
from infotheory.learning.losses.teacher import MCMITeacherLoss
from infotheory.learning.metrics import NCMIMetric
from infotheory.learning.trainers.centroid_steps import move_by_fresh_samples
from infotheory.learning.trainers.classifier import ClassifierTraining

__all__ = ["TeacherTraining"]


class TeacherTraining(ClassifierTraining):
    """Fine-tune a trained classifier with cross entropy - lam CMI: the second stage of MCMI.

    Parameters
    ----------
    network : Module
        A classifier that has been trained by maximum likelihood: inputs to logits, shape (n, C).
    loss : MCMITeacherLoss
        Its `centroid` says what is maximised: "frozen" (as published: centroids of the start),
        "epoch", "ema", "batch", or "reverse", a lower bound of CMI.
    augment : bool, default True
        Whether the pass that computes centroids augments samples as training does.
    training_mode : bool, default False
        Whether that pass leaves the network in training mode, with the statistics of each batch,
        as the authors' code does; running statistics of batch normalisation move then.
    samples_per_class : int, default 8
        With "ema": how many fresh samples of each class a step of the centroids draws.

    Notes
    -----
    With frozen centroids the objective is an upper bound of CMI, and can rise without CMI by
    moving a class away from where its centroid was. The history therefore has, beside the terms of
    the loss, the CMI of the validation set, which is exact, and ``training_cmi``, the exact CMI of
    the training set after each epoch (one more pass). "reverse" maximises a lower bound that is
    tight at the start of each epoch, where no such gain is possible.

    With "reverse" the pass is never augmented: the bound is about the samples themselves.

    References
    ----------
    ye2024mcmi
    """

    criterion: MCMITeacherLoss

    def __init__(
        self,
        network: nn.Module,
        loss: MCMITeacherLoss,
        *,
        augment: bool = True,
        training_mode: bool = False,
        samples_per_class: int = 8,
    ) -> None:
        if not isinstance(loss, MCMITeacherLoss):
            raise TypeError(f"loss must be an MCMITeacherLoss; got {type(loss).__name__}.")
        super().__init__(network, loss)
        self.augment, self.training_mode = augment, training_mode
        self.samples_per_class = check_count("samples_per_class", samples_per_class)
        self._training_cmi = float("nan")

    def start(self, context: Context) -> None:
        """Compute the centroids of the classifier as it comes."""
        if self.criterion.centroid in ("frozen", "ema"):
            self._fit(context)

    def start_epoch(self, context: Context) -> None:
        """Compute the centroids anew, if they are those of an epoch."""
        if self.criterion.centroid in ("epoch", "reverse"):
            self._fit(context)

    def _fit(self, context: Context) -> None:
        augment = self.augment and self.criterion.centroid != "reverse"
        self.criterion.fit(context.passes(augment=augment, training=self.training_mode))

    def loss(self, batch: Batch, context: Context) -> Tensor:
        """Return the loss of a batch; the centroids stay until after the step."""
        del context
        rows = batch.rows if self.criterion.centroid == "reverse" else None
        value: Tensor = self.criterion(batch.outputs, batch.labels, rows=rows, update=False)
        return value

    def after_step(self, batch: Batch, context: Context) -> None:
        """Move the centroids towards the means of fresh samples, where they move so."""
        del batch
        if self.criterion.centroid == "ema":
            move_by_fresh_samples(
                self.criterion, self.network, context, self.samples_per_class, self.augment
            )

    def end_epoch(self, context: Context) -> None:
        """Measure the exact CMI of the training set."""
        self._training_cmi = _exact(context)

    def figures(self, context: Context) -> Mapping[str, float]:
        """Return the exact CMI of the training set."""
        del context
        return {"training_cmi": self._training_cmi}

    def describe(self) -> dict[str, Any]:
        """Return what makes runs different."""
        return super().describe() | {
            "augment": self.augment,
            "training_mode": self.training_mode,
            "samples_per_class": self.samples_per_class,
        }


def _exact(context: Context) -> float:
    """Measure one pass over the training set, without augmentation."""
    metric = NCMIMetric(context.n_classes)
    for outputs, labels, _ in context.passes():
        metric.update(outputs, labels)
    return metric.compute().cmi
