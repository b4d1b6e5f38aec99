"""How far a student's logits are from a teacher's: KD, TTM, WTTM and DIST.

The teacher is a constant: nothing here gives gradients to its logits. KD, TTM and WTTM are one
relative entropy D(p_T || q), with different temperatures on the student's side and different
weights; their gradient, a closed form, is kept from the forward pass. A logit of minus infinity is
a class of probability zero: where the student excludes a class that the teacher allows, the loss
is infinite or nearly so.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from infotheory._validation import check_choice, check_temperature
from infotheory.learning.functional.checks import (
    REDUCTIONS,
    check_logits,
    check_same_shape,
    check_weight,
    in_full_precision,
    reduced,
)

__all__ = ["dist_loss", "kd_loss", "ttm_loss", "wttm_loss"]

_SMALL_NORM = 1e-8  # added to the product of norms in DIST, as its authors do


@in_full_precision
def kd_loss(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float, *, reduction: str = "mean"
) -> Tensor:
    """Classic distillation, T^2 D(p_T || q_T): both sides softened.

    Parameters
    ----------
    student_logits, teacher_logits : Tensor, shape (n, K)
        z and v, over the same samples and classes.
    temperature : float
        T > 0.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples.

    Returns
    -------
    Tensor
        In nats times T^2, at least 0; a scalar, or shape (n,) for "none".

    Raises
    ------
    TypeError, ValueError
        Where the logits do not belong together, or `temperature` is not positive and finite.

    Notes
    -----
    p_T = softmax(v / T) and q_T = softmax(z / T); the gradient by z is T (q_T - p_T). The value is
    good to some T^2 units of rounding. For large T it becomes half the mean square of the
    difference of the centred logits of a sample.

    References
    ----------
    hinton2015distilling
    zheng2024ttm, equation 1.

    Examples
    --------
    With T = 1 it is the relative entropy, here of a fair coin to a bent one: ln(4/3) / 2.

    >>> import torch
    >>> from infotheory.learning.functional import kd_loss
    >>> kd_loss(torch.tensor([[0.75, 0.25]]).log(), torch.zeros(1, 2), 1.0)
    tensor(0.1438)
    """
    temperature = _check(student_logits, teacher_logits, temperature, reduction)
    squared = temperature * temperature
    return _matched(student_logits, teacher_logits, temperature, temperature, squared, reduction)


@in_full_precision
def ttm_loss(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float, *, reduction: str = "mean"
) -> Tensor:
    """Transformed teacher matching, D(p_T || q): the teacher alone is softened.

    Parameters
    ----------
    student_logits, teacher_logits : Tensor, shape (n, K)
        z and v, over the same samples and classes.
    temperature : float
        T > 0; the exponent of the power transform is 1/T.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples.

    Returns
    -------
    Tensor
        In nats, at least 0; a scalar, or shape (n,) for "none".

    Raises
    ------
    TypeError, ValueError
        Where the logits do not belong together, or `temperature` is not positive and finite.

    Notes
    -----
    q = softmax(z); the gradient by z is q - p_T. It is classic distillation with a reward for the
    Rényi entropy of the student:
    D(p_T || q) = T D(p_T || q_T) - (T - 1) H_{1/T}(q) + (T - 1) H(p_T).

    References
    ----------
    zheng2024ttm, equation 2.

    Examples
    --------
    The square roots of these probabilities are as 2 to 1: relative entropy ln(32/27) / 3.

    >>> import torch
    >>> from infotheory.learning.functional import ttm_loss
    >>> teacher = torch.tensor([[0.8, 0.2]]).log()
    >>> ttm_loss(torch.zeros(1, 2), teacher, 2.0)
    tensor(0.0566)
    """
    temperature = _check(student_logits, teacher_logits, temperature, reduction)
    return _matched(student_logits, teacher_logits, temperature, 1.0, 1.0, reduction)


@in_full_precision
def wttm_loss(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float, *, reduction: str = "mean"
) -> Tensor:
    """Weighted transformed teacher matching, U D(p_T || q): smooth teachers count more.

    Parameters
    ----------
    student_logits, teacher_logits : Tensor, shape (n, K)
        z and v, over the same samples and classes.
    temperature : float
        T > 0.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples; the weights are not normalised.

    Returns
    -------
    Tensor
        At least 0; a scalar, or shape (n,) for "none".

    Raises
    ------
    TypeError, ValueError
        Where the logits do not belong together, or `temperature` is not positive and finite.

    Notes
    -----
    U = sum_k p_k^(1/T), of the teacher's p = softmax(v), is from 1 to K^(1 - 1/T) for T >= 1: up to
    501 at T = 10 with a thousand classes, so that the weight of this loss is smaller than that of
    :func:`ttm_loss`. The gradient by z is U (q - p_T).

    Logarithms all the way: powers of probabilities that underflow in single precision are off by
    some 1e-4 for peaked teachers.

    References
    ----------
    zheng2024ttm, equation 23.

    Examples
    --------
    A teacher whose square roots sum to 3 / sqrt(5).

    >>> import torch
    >>> from infotheory.learning.functional import ttm_loss, wttm_loss
    >>> student, teacher = torch.zeros(1, 2), torch.tensor([[0.8, 0.2]]).log()
    >>> weight = wttm_loss(student, teacher, 2.0) / ttm_loss(student, teacher, 2.0)
    >>> weight**2
    tensor(1.8000)
    """
    temperature = _check(student_logits, teacher_logits, temperature, reduction)
    return _matched(student_logits, teacher_logits, temperature, 1.0, None, reduction)


@in_full_precision
def dist_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float = 1.0,
    *,
    inter_weight: float = 1.0,
    intra_weight: float = 1.0,
) -> Tensor:
    """Distillation by correlation (DIST): of the rows, and of the columns over the batch.

    Parameters
    ----------
    student_logits, teacher_logits : Tensor, shape (n, K)
        z and v, over the same samples and classes.
    temperature : float, default 1.0
        tau > 0, of both sides.
    inter_weight, intra_weight : float, default 1.0
        Weights, at least 0, of the part between classes (rows) and within classes (columns).

    Returns
    -------
    Tensor
        A scalar from 0 to 2 tau^2 (inter_weight + intra_weight).

    Raises
    ------
    TypeError, ValueError
        Where the logits do not belong together, or a number is out of range.

    Notes
    -----
    tau^2 (b_1 mean_b (1 - r_b) + b_2 mean_k (1 - r_k)) with Pearson's correlations r of the rows
    and the columns of softmax(z / tau) and softmax(v / tau), whose denominators are the product of
    the norms plus 1e-8, as in the authors' code: classes that are hardly predicted in a batch count
    as uncorrelated. The loss couples the samples of a batch, so it has no value a sample. In a
    batch of one sample the columns are constant and have no gradient.

    References
    ----------
    huang2022knowledge

    Examples
    --------
    The student says the opposite: every correlation is -1.

    >>> import torch
    >>> from infotheory.learning.functional import dist_loss
    >>> teacher = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> round(dist_loss(-teacher, teacher).item(), 4)
    4.0
    """
    temperature = _check(student_logits, teacher_logits, temperature)
    inter_weight = check_weight("inter_weight", inter_weight)
    intra_weight = check_weight("intra_weight", intra_weight)
    q = torch.softmax(student_logits / temperature, 1)
    p = torch.softmax(teacher_logits.detach() / temperature, 1)
    inter = inter_weight * (1.0 - _correlations(q, p, 1)).mean()
    intra = intra_weight * (1.0 - _correlations(q, p, 0)).mean()
    loss: Tensor = temperature**2 * (inter + intra)
    return loss


def _correlations(x: Tensor, y: Tensor, axis: int) -> Tensor:
    x = x - x.mean(axis, keepdim=True)
    y = y - y.mean(axis, keepdim=True)
    norms = torch.linalg.vector_norm(x, dim=axis) * torch.linalg.vector_norm(y, dim=axis)
    found: Tensor = (x * y).sum(axis) / (norms + _SMALL_NORM)
    return found


def _matched(
    student_logits: Tensor,
    teacher_logits: Tensor,
    temperature: float,
    softness: float,
    weight: float | None,
    reduction: str,
) -> Tensor:
    teacher = teacher_logits.detach().to(student_logits.dtype)
    loss: Tensor = _SoftTarget.apply(
        student_logits, teacher, temperature, softness, weight, reduction
    )
    return loss


def _check(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float, reduction: str = "mean"
) -> float:
    check_logits(student_logits, "student_logits")
    check_logits(teacher_logits, "teacher_logits")
    check_same_shape(student_logits, teacher_logits, ("student_logits", "teacher_logits"))
    check_choice("reduction", reduction, REDUCTIONS)
    return check_temperature(temperature)


class _SoftTarget(torch.autograd.Function):
    """weight D(softmax(v / T) || softmax(z / S)) of rows, reduced, with its gradient by z.

    That is weight / S (softmax(z / S) - softmax(v / T)) of a row. Without a weight it is the power
    sum of the teacher. New memory costs as much as exponentials: four tensors of this size are
    made, and one of them is kept. In small batches every call counts, log_softmax for several.
    """

    @staticmethod
    def forward(
        ctx: Any,
        z: Tensor,
        v: Tensor,
        temperature: float,
        softness: float,
        weight: float | None,
        reduction: str,
    ) -> Tensor:
        logs, logs_q = _centred(v), _centred(z)
        scale: Any = weight
        if weight is None:  # the power sum is `total` over a power of the sum at T = 1
            scale = logs.exp().sum(1, keepdim=True).pow_(-1.0 / temperature)
        powers, powers_q = _powers(logs, temperature), _powers(logs_q, softness)
        total = powers.sum(1, keepdim=True)
        ratio = total / powers_q.sum(1, keepdim=True)
        if weight is not None:
            scale = weight / total
        inner = logs.sub_(logs_q).mul_(powers).sum(1, keepdim=True)
        each = inner.addcmul_(total, ratio.log(), value=-1.0).mul_(scale)
        value = reduced(each[:, 0], reduction)
        if ctx.needs_input_grad[0]:
            scale = scale.div_(softness * len(z) if reduction == "mean" else softness)
            ctx.settings = temperature, softness, scale * total
            gradient = powers_q.mul_(ratio).sub_(powers).mul_(scale)
            ctx.save_for_backward(z, v, gradient)
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        z, v, gradient = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient is to be differentiated in its turn
            temperature, softness, factor = ctx.settings
            target = torch.softmax(v / temperature, 1)
            gradient = factor * (torch.softmax(z / softness, 1) - target)
        each = upstream if upstream.ndim == 0 else upstream[:, None]
        return each * gradient, None, None, None, None, None


def _centred(logits: Tensor) -> Tensor:
    """Take the largest off each row: differences of large logits are exact, quotients are not."""
    return logits - logits.amax(1, keepdim=True)


def _powers(logs: Tensor, temperature: float) -> Tensor:
    """Divide logarithms by T, in place, and return their exponentials.

    They are bounded: that of zero times zero is then zero, and no mask is needed.
    """
    if temperature != 1.0:
        logs.div_(temperature)
    return logs.clamp_(min=torch.finfo(logs.dtype).min / 4.0).exp()
