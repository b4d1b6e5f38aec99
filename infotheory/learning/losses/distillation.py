"""Losses of a student beside a teacher, called ``loss(student_logits, teacher_logits)``.

They are the distillation term alone: a user adds cross entropy, and the weights of both. The
teacher gets no gradients; run it in evaluation mode under ``torch.no_grad()``, or keep its logits.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from infotheory._validation import check_choice, check_temperature
from infotheory.learning.functional.checks import REDUCTIONS, check_weight
from infotheory.learning.functional.distillation import (
    dist_loss,
    kd_loss,
    ttm_loss,
    wttm_loss,
)

__all__ = ["DISTLoss", "KDLoss", "TTMLoss", "WTTMLoss"]


class _SoftTargetLoss(nn.Module):
    """A function of both logits, a temperature and a reduction."""

    function: Callable[..., Tensor]

    def __init__(self, temperature: float, *, reduction: str = "mean") -> None:
        super().__init__()
        check_choice("reduction", reduction, REDUCTIONS)
        self.temperature = check_temperature(temperature)
        self.reduction = reduction

    def extra_repr(self) -> str:
        """Return the settings, for ``print``."""
        return f"temperature={self.temperature:g}, reduction={self.reduction!r}"

    def forward(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        student_logits, teacher_logits : Tensor, shape (n, K)
            Over the same samples and classes; only the first gets gradients.

        Returns
        -------
        Tensor
            A scalar; shape (n,) where reduction is "none".
        """
        return type(self).function(
            student_logits, teacher_logits, self.temperature, reduction=self.reduction
        )


class KDLoss(_SoftTargetLoss):
    """Classic distillation, the mean of T^2 D(p_T || q_T).

    Parameters
    ----------
    temperature : float
        T > 0, of the teacher and the student.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples.

    Raises
    ------
    ValueError
        If the temperature is not positive and finite.

    See Also
    --------
    infotheory.learning.functional.kd_loss : the function, with formula and gradient.

    Notes
    -----
    T^2 is inside, so that the weight beside cross entropy hardly depends on T: usual is
    0.1 cross entropy + 0.9 of this at T = 4.

    References
    ----------
    hinton2015distilling

    Examples
    --------
    Softened, the teacher says 3 to 1, which is ln 2 - H(1/4) from a fair coin; times 4.

    >>> import torch
    >>> from infotheory.learning.losses import KDLoss
    >>> KDLoss(2.0)(torch.zeros(1, 2), torch.tensor([[9.0, 1.0]]).log())
    tensor(0.5232)
    """

    function = staticmethod(kd_loss)


class TTMLoss(_SoftTargetLoss):
    """Transformed teacher matching, the mean of D(p_T || q).

    Parameters
    ----------
    temperature : float
        T > 0, of the teacher alone; 1/T is the exponent gamma of the paper's tables.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples.

    Raises
    ------
    ValueError
        If the temperature is not positive and finite.

    See Also
    --------
    infotheory.learning.functional.ttm_loss : the function, with formula and gradient.

    Notes
    -----
    cross entropy + beta of this is, but for a constant and the scale, classic distillation with
    weights 1 - lam and lam, beta = lam T / (1 - lam), and a reward beta (T - 1) for the Rényi
    entropy of order 1/T of the student.

    References
    ----------
    zheng2024ttm

    Examples
    --------
    Softened, the teacher says 3 to 1, which is ln 2 - H(1/4) from a fair coin.

    >>> import torch
    >>> from infotheory.learning.losses import TTMLoss
    >>> TTMLoss(2.0)(torch.zeros(1, 2), torch.tensor([[9.0, 1.0]]).log())
    tensor(0.1308)
    """

    function = staticmethod(ttm_loss)


class WTTMLoss(_SoftTargetLoss):
    """Weighted transformed teacher matching, the mean of U D(p_T || q).

    Parameters
    ----------
    temperature : float
        T > 0, of the teacher alone; 1/T is the exponent gamma of the paper's tables.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples; it is not divided by the sum of the weights U.

    Raises
    ------
    ValueError
        If the temperature is not positive and finite.

    See Also
    --------
    infotheory.learning.functional.wttm_loss : the function, with formula and gradient.

    Notes
    -----
    U = sum_k p_k^(1/T) of the teacher grows with T and the number of classes. The beta that goes
    with this is that of TTM over the mean of U.

    References
    ----------
    zheng2024ttm

    Examples
    --------
    At T = 1 all weights are one.

    >>> import torch
    >>> from infotheory.learning.losses import TTMLoss, WTTMLoss
    >>> student, teacher = torch.tensor([[1.0, 0.0]]), torch.tensor([[3.0, 0.0]])
    >>> torch.isclose(WTTMLoss(1.0)(student, teacher), TTMLoss(1.0)(student, teacher))
    tensor(True)
    """

    function = staticmethod(wttm_loss)


class DISTLoss(nn.Module):
    """Distillation by correlation of rows and columns (DIST).

    Parameters
    ----------
    temperature : float, default 1.0
        tau > 0, of both sides; the scripts of the TTM paper use 4.
    inter_weight, intra_weight : float, default 1.0
        Weights, at least 0, of the rows and of the columns over the batch.

    Raises
    ------
    ValueError
        If a number is out of range.

    See Also
    --------
    infotheory.learning.functional.dist_loss : the function, with its formula.

    Notes
    -----
    It depends on which samples are in a batch. Gathered over processes, the batch is the whole one.

    References
    ----------
    huang2022knowledge

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.losses import DISTLoss
    >>> teacher = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> loss = DISTLoss(inter_weight=0.5)(-teacher, teacher)  # every correlation is -1
    >>> round(loss.item(), 4)
    3.0
    """

    def __init__(
        self, temperature: float = 1.0, *, inter_weight: float = 1.0, intra_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.temperature = check_temperature(temperature)
        self.inter_weight = check_weight("inter_weight", inter_weight)
        self.intra_weight = check_weight("intra_weight", intra_weight)

    def extra_repr(self) -> str:
        """Return the settings, for ``print``."""
        return (
            f"temperature={self.temperature:g}, inter_weight={self.inter_weight:g}, "
            f"intra_weight={self.intra_weight:g}"
        )

    def forward(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        student_logits, teacher_logits : Tensor, shape (n, K)
            Over the same samples and classes; only the first gets gradients.

        Returns
        -------
        Tensor
            A scalar.
        """
        return dist_loss(
            student_logits,
            teacher_logits,
            self.temperature,
            inter_weight=self.inter_weight,
            intra_weight=self.intra_weight,
        )
