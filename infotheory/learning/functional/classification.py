"""Concentration and separation of a batch of logits, differentiable: CMI, Gamma, NCMI.

P_i = softmax(z_i) is a distribution over K symbols and y_i one of C classes; labels need not name
columns. All values are in nats. A function takes O(nK + SK) time and memory for the S classes met
in the batch (on an accelerator for all of up to 4096 classes, so that nothing waits for it), in the
precision of the logits but at least single precision, also under autocast.

Gradients by the logits are closed forms, found together with the value: these functions can be
differentiated once. Infinite logits and such as are no number give a result that is no number.
"""

from __future__ import annotations

import torch
from torch import Tensor

from infotheory._validation import check_choice, check_flag, refusal
from infotheory.learning.functional.checks import REDUCTIONS, check_logits, in_full_precision
from infotheory.learning.functional.class_rows import (
    ClassRows,
    combined,
    concentration,
    divergence_separation,
    log_means,
    separation,
)

__all__ = [
    "cmi",
    "gamma",
    "gamma_kl",
    "n_pairs",
    "ncmi",
]

GRADIENTS = ("both", "first")


@in_full_precision
def cmi(
    logits: Tensor,
    labels: Tensor,
    log_centroids: Tensor | None = None,
    *,
    n_classes: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Concentration CMI = I(X; Yhat | Y) of a batch, or its bound by given centroids.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z.
    labels : Tensor of int, shape (n,)
        Classes in [0, C).
    log_centroids : Tensor, shape (C, K), optional
        ln Q, constants: the result is then the mean of D(P_i || Q_{y_i}), which is the CMI of the
        batch plus the mean divergence of its own centroids from Q. By default the centroids of the
        batch itself.
    n_classes : int, optional
        C; by default the number of rows of `log_centroids`, or K.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the samples.

    Returns
    -------
    Tensor
        In nats; a scalar, or shape (n,) for "none".

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits, `labels` are not its classes, or `log_centroids` has
        another shape.

    See Also
    --------
    infotheory.classifiers.cmi : the same for arrays, in double precision.
    infotheory.learning.functional.class_centroids : makes `log_centroids`.

    Notes
    -----
    The gradient by z_i is (1/n) P_i (ln P_i/Q_{y_i} - D(P_i || Q_{y_i})), whether Q is given or the
    mean of the batch: what flows through exact means is zero. With "none" it is followed by PyTorch
    itself, through the means too, since the samples may then be weighted.

    A class with one sample in the batch contributes exactly 0, and no gradient. With m samples a
    class the CMI of a batch is about 1 - 1/m of that of the population where classes are tight
    clouds, and less where they have outliers; given centroids that are too old make an upper bound.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    Two certain and opposite answers within one class: one bit.

    >>> import torch
    >>> from infotheory.learning.functional import cmi
    >>> logits = torch.tensor([[50.0, 0.0], [0.0, 50.0]])
    >>> cmi(logits, torch.tensor([0, 0])) / torch.tensor(2.0).log()
    tensor(1.)
    """
    check_choice("reduction", reduction, REDUCTIONS)
    if log_centroids is not None:
        n_classes = _classes_of(log_centroids, logits, n_classes)
    rows = ClassRows.of(logits, labels, n_classes)
    given = None
    if log_centroids is not None:
        given = log_centroids.detach().to(rows.log_probs.dtype).index_select(0, rows.present)
    if reduction == "none":
        return _each_divergence(logits, rows, given)
    weight = 1.0 if reduction == "mean" else float(len(logits))
    return combined(logits, rows, (weight, concentration(rows, given)))


def _classes_of(log_centroids: Tensor, logits: Tensor, n_classes: int | None) -> int:
    _, columns = check_logits(logits)
    wanted = log_centroids.shape[0] if n_classes is None else n_classes
    if log_centroids.shape != (wanted, columns):
        raise refusal(
            "log_centroids",
            f"have shape ({wanted}, {columns}), a row a class and a column an output",
            f"shape {tuple(log_centroids.shape)}",
            "class_centroids makes them.",
        )
    return wanted


def _each_divergence(logits: Tensor, rows: ClassRows, log_centroids: Tensor | None) -> Tensor:
    log_probs = torch.log_softmax(logits, 1)
    if log_centroids is None:
        log_centroids = log_means(log_probs, rows.slots, rows.counts)
    divergences: Tensor = (log_probs.exp() * (log_probs - rows.own(log_centroids))).sum(1)
    return divergences


@in_full_precision
def gamma(
    logits: Tensor,
    labels: Tensor,
    *,
    n_classes: int | None = None,
    gradient: str = "both",
    unbiased: bool = False,
) -> Tensor:
    """Separation Gamma of a batch: the sum of H(P_i, P_j) over pairs of unlike labels, over n^2.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z.
    labels : Tensor of int, shape (n,)
        Classes in [0, C).
    n_classes : int, optional
        C; by default K.
    gradient : {"both", "first"}, default "both"
        "first" takes P_j as a constant. That is not half of the true gradient.
    unbiased : bool, default False
        Divide by n (n - 1) instead of n^2.

    Returns
    -------
    Tensor
        A scalar, in nats, at least 0; it has no upper bound. Exactly 0, with a gradient of 0, where
        the batch holds one class only.

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits, `labels` are not its classes, or an option is unknown.

    See Also
    --------
    infotheory.classifiers.gamma : the same for arrays, in double precision.

    Notes
    -----
    With A_c and B_c the sums of P and of ln P over class c, and A and B those over all samples,
    n^2 Gamma = -sum_c <A_c, B - B_c>. The gradient by z_i, times -n^2, is
    P_i (b - <P_i, b>) + a - m P_i, where a = A - A_y, b = B - B_y and m is the number of samples of
    other classes; "first" leaves out a - m P_i.

    For n samples drawn independently the mean over draws is exactly (1 - 1/n) Gamma, which
    `unbiased` corrects; for n of N drawn without replacement it is (1 - 1/n) / (1 - 1/N) Gamma.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    Every answer is a fair coin: ln 2 for half of the four pairs.

    >>> import torch
    >>> from infotheory.learning.functional import gamma
    >>> gamma(torch.zeros(2, 2), torch.tensor([0, 1])) / torch.tensor(2.0).log()
    tensor(0.5000)
    """
    rows = ClassRows.of(logits, labels, n_classes)
    part = separation(rows, n_pairs(len(logits), unbiased), _check_gradient(gradient))
    return combined(logits, rows, (1.0, part))


@in_full_precision
def gamma_kl(
    logits: Tensor,
    labels: Tensor,
    *,
    n_classes: int | None = None,
    gradient: str = "both",
    unbiased: bool = False,
) -> Tensor:
    """Separation by divergences: the sum of D(P_i || P_j) over pairs of unlike labels, over n^2.

    Parameters
    ----------
    logits, labels, n_classes, gradient, unbiased
        As of :func:`gamma`.

    Returns
    -------
    Tensor
        A scalar, in nats, at least 0 and at most Gamma.

    Raises
    ------
    TypeError, ValueError
        As :func:`gamma`.

    Notes
    -----
    Gamma = Gamma_KL + (1/n) sum_i (1 - n_{y_i}/n) H(P_i). Rewarding Gamma therefore rewards the
    entropy of single answers too; this does not.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    Equal answers are not separated, whatever their entropy.

    >>> import torch
    >>> from infotheory.learning.functional import gamma_kl
    >>> gamma_kl(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor(0.)
    """
    rows = ClassRows.of(logits, labels, n_classes)
    part = divergence_separation(rows, n_pairs(len(logits), unbiased), _check_gradient(gradient))
    return combined(logits, rows, (1.0, part))


def _check_gradient(gradient: str) -> bool:
    check_choice("gradient", gradient, GRADIENTS)
    return gradient == "both"


def n_pairs(n: int, unbiased: bool) -> int:
    """Return by what the sum over ordered pairs of samples is divided.

    Parameters
    ----------
    n : int
        Number of samples.
    unbiased : bool
        Whether pairs of a sample with itself, which never have unlike labels, are left out.

    Returns
    -------
    int
        One at least.
    """
    return max(n * (n - 1), 1) if check_flag("unbiased", unbiased) else n * n


@in_full_precision
def ncmi(
    logits: Tensor,
    labels: Tensor,
    *,
    n_classes: int | None = None,
    gradient: str = "both",
    unbiased: bool = False,
) -> Tensor:
    """Normalised CMI of a batch, CMI / Gamma; small means tight and well separated.

    Parameters
    ----------
    logits, labels, n_classes, gradient, unbiased
        As of :func:`gamma`.

    Returns
    -------
    Tensor
        A scalar. Not a number where the batch holds one class only, and its gradient neither.

    Raises
    ------
    TypeError, ValueError
        As :func:`gamma`.

    See Also
    --------
    infotheory.ncmi : the same for arrays, in double precision.

    Notes
    -----
    Its gradient is (d CMI - NCMI d Gamma) / Gamma. Training takes CMI and Gamma with weights
    instead, which is bounded where Gamma is small: see
    :class:`infotheory.learning.losses.CMICLoss`.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    Each class answers with one voice.

    >>> import torch
    >>> from infotheory.learning.functional import ncmi
    >>> ncmi(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    tensor(0.)
    """
    rows = ClassRows.of(logits, labels, n_classes)
    apart = separation(rows, n_pairs(len(logits), unbiased), _check_gradient(gradient))
    together = combined(logits, rows, (1.0, concentration(rows)))
    unlike = combined(logits, rows, (1.0, apart))
    return torch.where(unlike == 0.0, torch.nan, together / unlike)
