"""What a student learns by: cross entropy, the outputs of its teacher, and its features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from infotheory._validation import check_choice, check_temperature, refusal
from infotheory.learning.functional.checks import (
    check_labels,
    check_logits,
    check_weight,
    in_full_precision,
)
from infotheory.learning.functional.distillation import kd_loss, ttm_loss, wttm_loss
from infotheory.learning.language.features import FEATURES

__all__ = ["DistillationArguments", "cross_entropies", "row_terms"]

_LOSSES: dict[str, Callable[..., Tensor]] = {"kd": kd_loss, "ttm": ttm_loss, "wttm": wttm_loss}


@dataclass(frozen=True)
class DistillationArguments:
    """How a student learns: ce_weight CE + weight D + hidden_weight (1 - cos).

    Attributes
    ----------
    loss : {"kd", "ttm", "wttm"}
        D: T^2 D(p_T || q_T), D(p_T || q), or U D(p_T || q) for the teacher's p and the student's q.
    temperature : float
        T > 0.
    ce_weight : float
        Of the cross entropy with the labels, at least 0; 0 needs no labels.
    weight : float
        Of D, at least 0.
    hidden_weight : float
        Of one minus the cosine between the feature vectors of student and teacher, at least 0.
    feature : str or None
        Which feature vectors, as of :class:`infotheory.learning.language.FeatureReader`; None for
        the one that it chooses for each model.

    Raises
    ------
    ValueError
        If a value is out of range, or all weights are 0.

    Notes
    -----
    ============================================  ==============================================
    objective                                     arguments
    ============================================  ==============================================
    alpha CE + (1 - alpha) T^2 D(p_T || q_T)      ``ce_weight=alpha, weight=1 - alpha``
    CE + beta D(p_T || q)           (TTM, eq. 2)  ``loss="ttm", ce_weight=1.0, weight=beta``
    CE + beta U D(p_T || q)       (WTTM, eq. 23)  ``loss="wttm", ce_weight=1.0, weight=beta``
    ============================================  ==============================================

    The first line with alpha = 1/2 and T = 2 is the default. With beta = lam T / (1 - lam) the
    second is, but for the scale, the first at alpha = 1 - lam with a reward for the entropy of the
    student: 2 at these defaults. The third is then weighted by that beta over the mean of U.

    References
    ----------
    hinton2015distilling
    zheng2024ttm, equations 1, 2, 19 and 23.

    Examples
    --------
    >>> from infotheory.learning.language.distillation_objective import DistillationArguments
    >>> DistillationArguments(loss="ttm", ce_weight=1.0, weight=2.0).temperature
    2.0
    """

    loss: str = "kd"
    temperature: float = 2.0
    ce_weight: float = 0.5
    weight: float = 0.5
    hidden_weight: float = 0.0
    feature: str | None = None

    def __post_init__(self) -> None:
        check_choice("loss", self.loss, tuple(_LOSSES))
        check_temperature(self.temperature)
        if self.feature is not None:
            check_choice("feature", self.feature, FEATURES)
        names = ("ce_weight", "weight", "hidden_weight")
        if not any([check_weight(name, getattr(self, name)) for name in names]):  # noqa: C419 - all
            raise refusal("weight", "positive where the others are 0", "0 for every term")


def row_terms(
    arguments: DistillationArguments,
    logits: Tensor,
    labels: Tensor | None,
    teacher_logits: Tensor,
    distances: Tensor | None = None,
    *,
    smoothing: float = 0.0,
) -> dict[str, Tensor]:
    """Return the terms of each row, and "loss": ce_weight CE + weight D + hidden_weight distance.

    Parameters
    ----------
    arguments : DistillationArguments
        The objective.
    logits, teacher_logits : Tensor, shape (n, K)
        Of the student and the teacher; only the first get gradients.
    labels : Tensor of int, shape (n,), or None
        Needed where `ce_weight` is positive.
    distances : Tensor, shape (n,), or None
        Between feature vectors; needed where `hidden_weight` is positive.
    smoothing : float, default 0.0
        Weight of the uniform distribution in the labels.

    Returns
    -------
    dict of str to Tensor, shape (n,)
        "loss", and before weighting "cross_entropy", "distillation" and "hidden", without those
        whose weight is 0.

    Raises
    ------
    ValueError, TypeError
        Where these do not belong together.
    """
    n, n_classes = check_logits(logits)
    terms: dict[str, tuple[float, Tensor]] = {}
    if arguments.ce_weight:
        if labels is None:
            raise refusal(
                "train_dataset",
                "have labels where ce_weight is positive",
                "rows without any",
                "With ce_weight=0 the student learns from the teacher alone.",
            )
        labels = check_labels(labels, n, n_classes)
        entropies = cross_entropies(logits, labels, smoothing)
        terms["cross_entropy"] = arguments.ce_weight, entropies
    if arguments.weight:
        matched = _LOSSES[arguments.loss](
            logits, teacher_logits, arguments.temperature, reduction="none"
        )
        terms["distillation"] = arguments.weight, matched
    if arguments.hidden_weight:
        assert distances is not None
        terms["hidden"] = arguments.hidden_weight, distances
    total = torch.stack([weight * rows for weight, rows in terms.values()]).sum(0)
    return {"loss": total} | {name: rows for name, (_, rows) in terms.items()}


@in_full_precision
def cross_entropies(logits: Tensor, labels: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Return the cross entropy of each row with its label.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        Unnormalised log-probabilities.
    labels : Tensor of int, shape (n,)
        Classes; -100 leaves a row out.
    smoothing : float, default 0.0
        Weight of the uniform distribution in the labels.

    Returns
    -------
    Tensor, shape (n,)
    """
    rows: Tensor = F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    return rows
