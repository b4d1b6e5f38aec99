"""Class centroids of a batch of logits, and the lower bound of CMI that stored outputs give."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from infotheory.learning.functional.checks import check_logits, check_same_shape, in_full_precision
from infotheory.learning.functional.class_rows import ClassRows

__all__ = ["Centroids", "class_centroids", "reverse_channel_bound", "reverse_channel_log_ratio"]


class Centroids(NamedTuple):
    """Means of the output distributions of each class.

    Attributes
    ----------
    log_probs : Tensor, shape (C, K)
        ln Q_c. Minus infinity throughout for a class without samples.
    counts : Tensor of int64, shape (C,)
        Number of samples of each class: zero marks those without.
    """

    log_probs: Tensor
    counts: Tensor


@in_full_precision
def class_centroids(logits: Tensor, labels: Tensor, n_classes: int | None = None) -> Centroids:
    """Class centroids Q_c, the means of softmax(z) over each class, as logarithms.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z.
    labels : Tensor of int, shape (n,)
        Classes in [0, C).
    n_classes : int, optional
        C; by default K.

    Returns
    -------
    Centroids
        ``log_probs`` (C, K) and ``counts`` (C,), both without gradients.

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits, or `labels` are not its classes.

    Notes
    -----
    Logarithms since the probabilities may underflow; the means are formed with the largest term
    taken out.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import class_centroids
    >>> rows = torch.tensor([[0.75, 0.25], [0.25, 0.75]]).log()
    >>> found = class_centroids(rows, torch.tensor([1, 1]))
    >>> found.counts, found.log_probs.exp()
    (tensor([0, 2]), tensor([[0.0000, 0.0000],
            [0.5000, 0.5000]]))
    """
    rows = ClassRows.of(logits, labels, n_classes)
    size = logits.shape[1] if n_classes is None else n_classes
    table = rows.log_probs.new_full((size, logits.shape[1]), -torch.inf)
    counts = torch.zeros(size, dtype=torch.int64, device=table.device)
    return Centroids(
        table.index_copy_(0, rows.present, rows.log_centroids),
        counts.index_copy_(0, rows.present, rows.counts.long()),
    )


@in_full_precision
def reverse_channel_log_ratio(
    logits: Tensor, labels: Tensor, n_classes: int | None = None
) -> Tensor:
    """Logarithms ln P_i - ln Q_{y_i} of stored outputs, which make the reverse-channel bound.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z of all samples of the data: Q are their class means.
    labels : Tensor of int, shape (n,)
        Classes in [0, C).
    n_classes : int, optional
        C; by default K.

    Returns
    -------
    Tensor, shape (n, K)
        Without a gradient; at most ln n_c in class c. Its mean under the P_i is the CMI.

    Raises
    ------
    TypeError, ValueError
        Where `logits` is no batch of logits, or `labels` are not its classes.

    References
    ----------
    ye2024mcmi

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import reverse_channel_log_ratio
    >>> rows = torch.tensor([[0.75, 0.25], [0.25, 0.75]]).log()
    >>> reverse_channel_log_ratio(rows, torch.tensor([0, 0])).exp()
    tensor([[1.5000, 0.5000],
            [0.5000, 1.5000]])
    """
    rows = ClassRows.of(logits, labels, n_classes)
    return rows.log_probs - rows.own(rows.log_centroids)


@in_full_precision
def reverse_channel_bound(logits: Tensor, log_ratio: Tensor) -> Tensor:
    """Lower bound of the CMI by stored outputs: the mean of <P_i, ln P0_i - ln Q0_{y_i}>.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        z, of the samples of which `log_ratio` was made, or of some of them.
    log_ratio : Tensor, shape (n, K)
        Their rows of :func:`reverse_channel_log_ratio`, constants.

    Returns
    -------
    Tensor
        A scalar, in nats. At most the CMI of all samples, and equal to it while the outputs are
        those stored; negative where they have moved far from them.

    Raises
    ------
    TypeError, ValueError
        Where the two do not belong together.

    Notes
    -----
    Since the bound is tight where it was made, and has the gradient of the CMI there, whatever it
    gains is gained by the CMI itself. The surrogate by old centroids, which is an upper bound,
    promises nothing of the kind. The gap is sum_c p_c sum_k Q_c(k) D(R'_ck || R_ck), where
    R_ck(i) = P_i(k) / (n_c Q_c(k)) is the posterior over the samples of class c by the stored
    outputs, and R' that by those of today.

    The mean over some of the samples is an unbiased estimate of that over all.

    References
    ----------
    ye2024mcmi

    Examples
    --------
    Both answers have become the same, so that the CMI is 0: the bound is below.

    >>> import torch
    >>> from infotheory.learning.functional import reverse_channel_bound, reverse_channel_log_ratio
    >>> before = torch.tensor([[0.75, 0.25], [0.25, 0.75]]).log()
    >>> log_ratio = reverse_channel_log_ratio(before, torch.tensor([0, 0]))
    >>> reverse_channel_bound(before[[0, 0]], log_ratio)
    tensor(-0.1438)
    """
    check_logits(logits)
    check_same_shape(logits, log_ratio, ("logits", "log_ratio"))
    bound: Tensor = (torch.softmax(logits, 1) * log_ratio.detach()).sum(1).mean()
    return bound
