"""Losses of other papers to compare with: focal, centre loss, confidence penalty.

Label smoothing is ``torch.nn.CrossEntropyLoss(label_smoothing=...)``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from infotheory._validation import check_choice, check_count, refusal
from infotheory.learning.functional.checks import (
    REDUCTIONS,
    check_labels,
    check_logits,
    check_weight,
    in_full_precision,
    reduced,
)
from infotheory.learning.functional.class_rows import sizes
from infotheory.learning.functional.entropies import entropy

__all__ = ["CenterLoss", "ConfidencePenaltyLoss", "FocalLoss"]


class FocalLoss(nn.Module):
    """Focal loss, (1 - p)^focus (-ln p) with p the probability of the true class.

    Parameters
    ----------
    focus : float, default 2.0
        Exponent, at least 0; with 0 this is the cross entropy. The paper calls it gamma.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples.

    Notes
    -----
    Called as ``loss(logits, labels)``, for any number of classes; in nats, in single precision at
    least. Samples that are certain weigh less the larger `focus` is.

    References
    ----------
    lin2017focal

    Examples
    --------
    A fair coin: a quarter of ln 2.

    >>> import torch
    >>> from infotheory.learning.losses import FocalLoss
    >>> FocalLoss()(torch.zeros(1, 2), torch.tensor([0]))
    tensor(0.1733)
    """

    def __init__(self, focus: float = 2.0, *, reduction: str = "mean") -> None:
        super().__init__()
        self.focus = check_weight("focus", focus)
        check_choice("reduction", reduction, REDUCTIONS)
        self.reduction = reduction

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"focus={self.focus}, reduction={self.reduction!r}"

    @in_full_precision
    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        logits : Tensor, shape (n, K)
            z.
        labels : Tensor of int, shape (n,)
            Classes in [0, K).

        Returns
        -------
        Tensor
            A scalar, or shape (n,) for "none".
        """
        log_p = _log_likelihoods(logits, labels)
        # The least positive number keeps the slope of a power below one finite at certainty.
        rest = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny)
        return reduced(-log_p * rest**self.focus, self.reduction)


class ConfidencePenaltyLoss(nn.Module):
    """Cross entropy - weight H(P): confident answers cost.

    Parameters
    ----------
    weight : float, default 0.1
        Of the entropy, at least 0. The paper calls it beta.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples.

    Attributes
    ----------
    terms : dict of str to Tensor
        After a call: "cross_entropy" and "entropy", detached means over the batch.

    Notes
    -----
    Called as ``loss(logits, labels)``; in nats, in single precision at least. The term of CMI with
    centroids that are uniform is ln K - H(P), the same penalty.

    References
    ----------
    pereyra2017regularizing

    Examples
    --------
    A fair coin: ln 2 less a tenth of it.

    >>> import torch
    >>> from infotheory.learning.losses import ConfidencePenaltyLoss
    >>> ConfidencePenaltyLoss(0.1)(torch.zeros(1, 2), torch.tensor([0]))
    tensor(0.6238)
    """

    def __init__(self, weight: float = 0.1, *, reduction: str = "mean") -> None:
        super().__init__()
        self.weight = check_weight("weight", weight)
        check_choice("reduction", reduction, REDUCTIONS)
        self.reduction = reduction
        self.terms: dict[str, Tensor] = {}

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"weight={self.weight}, reduction={self.reduction!r}"

    @in_full_precision
    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        logits : Tensor, shape (n, K)
            z.
        labels : Tensor of int, shape (n,)
            Classes in [0, K).

        Returns
        -------
        Tensor
            A scalar, or shape (n,) for "none".
        """
        loss, spread = -_log_likelihoods(logits, labels), entropy(logits)
        self.terms = {
            "cross_entropy": loss.detach().mean(),
            "entropy": spread.detach().mean(),
        }
        return reduced(loss - self.weight * spread, self.reduction)


class CenterLoss(nn.Module):
    """Centre loss, half the mean squared distance of features from the centre of their class.

    Parameters
    ----------
    n_classes : int
        C.
    n_features : int
        m.
    rate : float, default 0.5
        Of the moves of the centres, in [0, 1]. The paper calls it alpha.

    Attributes
    ----------
    centers : Tensor, shape (C, m)
        A buffer, zero at the start: no optimiser is to see it.

    Notes
    -----
    Called as ``loss(features, labels)``, to be added with a small weight to the cross entropy of
    the logits. In training mode and where gradients are recorded, the centres then move as in the
    paper: by rate sum(f_i - c) / (1 + n_c) over the n_c samples of class c. The paper sums over
    the batch where this takes the mean, so its weights are n times smaller.

    In a loop::

        features = model.features(x)
        loss = cross_entropy(model.head(features), y) + 0.01 * criterion(features, y)

    References
    ----------
    wen2016discriminative

    Examples
    --------
    One sample at distance 2; its centre goes a quarter of the way, half of 1 / (1 + 1).

    >>> import torch
    >>> from infotheory.learning.losses import CenterLoss
    >>> criterion = CenterLoss(2, 2)
    >>> features = torch.tensor([[2.0, 0.0]], requires_grad=True)
    >>> criterion(features, torch.tensor([1])).item()
    2.0
    >>> criterion.centers
    tensor([[0.0000, 0.0000],
            [0.5000, 0.0000]])
    """

    centers: Tensor

    def __init__(self, n_classes: int, n_features: int, *, rate: float = 0.5) -> None:
        super().__init__()
        self.n_classes = check_count("n_classes", n_classes)
        self.n_features = check_count("n_features", n_features)
        self.rate = check_weight("rate", rate)
        if self.rate > 1.0:
            raise refusal("rate", "at most 1", repr(rate), "Beyond it centres overshoot.")
        self.register_buffer("centers", torch.zeros(self.n_classes, self.n_features))

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"{self.n_classes}, {self.n_features}, rate={self.rate}"

    @in_full_precision
    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        features : Tensor, shape (n, m)
            What enters the last layer, say.
        labels : Tensor of int, shape (n,)
            Classes in [0, C).

        Returns
        -------
        Tensor
            A scalar.
        """
        if not isinstance(features, Tensor) or features.ndim != 2:
            raise TypeError(f"features must be a tensor of 2 dimensions; got {_form(features)}.")
        n, width = features.shape
        if width != self.n_features or n < 1:
            raise refusal(
                "features", f"have shape (n, {self.n_features})", f"shape {tuple(features.shape)}"
            )
        labels = check_labels(labels, n, self.n_classes)
        gaps = features - self.centers.index_select(0, labels).to(features.dtype)
        loss: Tensor = gaps.square().sum(1).mean() / 2.0
        if self.training and loss.requires_grad:
            self._move(gaps.detach().to(self.centers.dtype), labels)
        return loss

    def _move(self, gaps: Tensor, labels: Tensor) -> None:
        total = torch.zeros_like(self.centers).index_add_(0, labels, gaps)
        counts = sizes(labels, self.n_classes, total.dtype)
        moves = self.rate * total / (1.0 + counts)[:, None]
        # A batch that overflowed would stay for good.
        self.centers += torch.where(moves.isfinite().all(1, keepdim=True), moves, 0.0)


def _log_likelihoods(logits: Tensor, labels: Tensor) -> Tensor:
    """Return ln P_i(y_i), shape (n,)."""
    labels = check_labels(labels, *check_logits(logits))
    return torch.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]


def _form(value: Any) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
