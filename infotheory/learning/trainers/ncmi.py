"""NCMI training: no last layer; samples are decoded to the nearest centroid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from infotheory._validation import refusal
from infotheory.learning.engine.procedure import Batch, Context
from infotheory.learning.losses.codewords import NCMILoss
from infotheory.learning.metrics import NCMIMetric
from infotheory.learning.trainers.classifier import ClassifierTraining

__all__ = ["NCMITraining"]

_MEASURED = ("cmi", "gamma", "ncmi")


class NCMITraining(ClassifierTraining):
    """Train features with the NCMI loss, and decode them to the nearest class centroid.

    Parameters
    ----------
    network : Module
        Inputs to features, shape (n, m); no classification layer. Features that are rectified may
        die at a random start, and with them the class whose codeword they carry: let the last
        layer be linear.
    loss : NCMILoss
        Its `centroid` says what the codewords do: "fixed", "mean" (class means, computed before
        each epoch) or "trained" (a step of their own after each step of the network).
    codeword_lr, codeword_momentum : float, default 1.0, 0.0
        Of the steps of trained codewords, by stochastic gradient descent.
    first_codeword_epoch : int, default 0
        Epochs that pass before trained codewords (or class means) start to move. Class means of a
        network at its random start are nearly equal, and classes may collapse: begin later.
    augment : bool, default False
        Whether the pass that computes centroids augments samples as training does.

    Notes
    -----
    After each epoch one pass over the training set, in evaluation mode, computes the centroids to
    which :meth:`scores` decodes: -D(P_x || V_c) for each class c, whose largest is the decision.
    What the loop reports as CMI, Gamma and NCMI is of the softmax of these scores, which are small
    numbers: hardly a distribution. The history therefore has ``feature_cmi``, ``feature_gamma`` and
    ``feature_ncmi``, of the distributions P over the features of the training set.

    The gradient of trained codewords is taken from the loss before the loop scales it for half
    precision, so the two step sizes are independent. In the authors' code that step has no effect:
    its codewords never receive a gradient; ``centroid="fixed"`` is what it computes.

    References
    ----------
    ye2026ncmi
    """

    criterion: NCMILoss

    def __init__(
        self,
        network: nn.Module,
        loss: NCMILoss,
        *,
        codeword_lr: float = 1.0,
        codeword_momentum: float = 0.0,
        first_codeword_epoch: int = 0,
        augment: bool = False,
    ) -> None:
        if not isinstance(loss, NCMILoss):
            raise TypeError(f"loss must be an NCMILoss; got {type(loss).__name__}.")
        super().__init__(network, loss)
        if not codeword_lr > 0:
            raise refusal("codeword_lr", "a positive number", repr(codeword_lr))
        if not 0 <= codeword_momentum < 1:
            raise refusal("codeword_momentum", "a number in [0, 1)", repr(codeword_momentum))
        self.augment = augment
        self.codeword_lr, self.codeword_momentum = codeword_lr, codeword_momentum
        self.first_codeword_epoch = first_codeword_epoch
        self._gradients: list[Tensor] = []
        self._velocity: Tensor | None = None
        self._figures: dict[str, float] = {}

    def loss(self, batch: Batch, context: Context) -> Tensor:
        """Return the loss of a batch; codewords that are class means stay for the epoch."""
        value: Tensor = self.criterion(batch.outputs, batch.labels, update=False)
        if self.criterion.centroid == "trained" and context.epoch >= self.first_codeword_epoch:
            self._gradients += torch.autograd.grad(
                value, [self.criterion.codewords], retain_graph=True
            )
        return value

    def start(self, context: Context) -> None:
        """Forget an earlier training; refuse data without a class: nothing would decode to it."""
        missing = sorted(set(range(self.criterion.n_classes)) - set(context.labels.tolist()))
        if missing:
            raise refusal(
                "data",
                f"have samples of all {self.criterion.n_classes} classes of the loss",
                f"none of {', '.join(map(str, missing[:5]))}",
                "Samples are decoded to the nearest class mean; number the classes that there are.",
            )
        self.criterion.reset()
        self._gradients.clear()
        self._velocity = None

    def start_epoch(self, context: Context) -> None:
        """Move the codewords to the class means, if that is what they are."""
        if self.criterion.centroid == "mean" and context.epoch >= self.first_codeword_epoch:
            self.criterion.fit(context.passes(augment=self.augment))

    def after_step(self, batch: Batch, context: Context) -> None:
        """Take the step of trained codewords."""
        del batch, context
        if not self._gradients:
            return
        gradient = torch.stack(self._gradients).mean(0)  # of the batches of this step
        self._gradients.clear()
        self.criterion.codewords.grad = None  # what the loop's own backward pass left there
        if self._velocity is None:
            self._velocity = torch.zeros_like(gradient)
        self._velocity = self.codeword_momentum * self._velocity.to(gradient.device) + gradient
        with torch.no_grad():
            self.criterion.codewords.sub_(self.codeword_lr * self._velocity)

    def end_epoch(self, context: Context) -> None:
        """Compute the centroids to which samples are decoded, and measure the features."""
        metric = NCMIMetric(context.n_classes)
        self.criterion.fit_decoding(self._measured(context, metric))
        found = metric.compute()
        self._figures = {f"feature_{name}": getattr(found, name) for name in _MEASURED}

    def _measured(self, context: Context, metric: NCMIMetric) -> Iterator[tuple[Tensor, Tensor]]:
        """Pass on features and labels of the training set; the metric takes them in."""
        for features, labels, _ in context.passes(augment=self.augment):
            metric.update(self.criterion.log_probs(features), labels, "log_probs")
            yield features, labels

    def scores(self, outputs: Tensor) -> Tensor:
        """Return minus the divergence from each centroid."""
        return self.criterion.scores(outputs)

    def figures(self, context: Context) -> Mapping[str, float]:
        """Return CMI, Gamma and NCMI of the features of the training set."""
        del context
        return self._figures

    def extra_state(self) -> dict[str, Any]:
        """Return the velocity of the codewords."""
        return {} if self._velocity is None else {"velocity": self._velocity}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take back the velocity of the codewords."""
        self._velocity = state.get("velocity")

    def describe(self) -> dict[str, Any]:
        """Return what makes runs different."""
        return super().describe() | {
            "codeword_lr": self.codeword_lr,
            "codeword_momentum": self.codeword_momentum,
            "first_codeword_epoch": self.first_codeword_epoch,
            "augment": self.augment,
        }
