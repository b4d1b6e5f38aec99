"""A batch of outputs as distributions grouped by class, and scalars of it with known gradients.

Everything that training minimises or maximises here is, up to terms that a softmax removes, of the
form sum_i <P_i, s_i> with slopes s_i: its gradient by the logits follows in closed form. So values
are formed without a graph, and one step of autograd hands on the gradient that came with them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from infotheory._validation import check_count
from infotheory.learning.functional.checks import check_labels, check_logits

__all__ = [
    "ClassRows",
    "Part",
    "combined",
    "concentration",
    "cross_entropy",
    "divergence_separation",
    "log_means",
    "separation",
]

_MOST_SLOTS = 4096
_LOG2_E = 1.0 / math.log(2.0)


@dataclass(eq=False)
class ClassRows:
    """Rows of ln P with their classes; sums over classes are formed once, when asked for.

    Attributes
    ----------
    log_probs, probs : Tensor, shape (n, K)
        ln P and P = softmax of the logits, without a graph.
    labels : Tensor of int64, shape (n,)
        Classes.
    present : Tensor of int64, shape (S,)
        The class of each slot: all classes, or those met where there are more than rows (and, on
        another device than the host, many).
    slots : Tensor of int64, shape (n,)
        The slot of each row.
    """

    log_probs: Tensor
    probs: Tensor
    labels: Tensor
    present: Tensor
    slots: Tensor

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor, n_classes: int | None = None) -> ClassRows:
        """Return the rows of a batch of logits, or refuse it.

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
        ClassRows
        """
        n, columns = check_logits(logits)
        size = columns if n_classes is None else check_count("n_classes", n_classes)
        labels = check_labels(labels, n, size)
        present, slots = classes_met(labels, size)
        # Both from one exponential, the dearest of it all; to base two it is the quickest. Rounding
        # of the factor changes P as little as that of its logarithm does.
        values = logits.detach()
        log_probs = values - values.amax(1, keepdim=True)
        probs = (log_probs * _LOG2_E).exp2_()
        total = probs.sum(1, keepdim=True)
        return cls(log_probs.sub_(total.log()), probs.div_(total), labels, present, slots)

    @cached_property
    def counts(self) -> Tensor:
        """Number of rows of each slot, floating point, shape (S,)."""
        return sizes(self.slots, len(self.present), self.log_probs.dtype)

    @cached_property
    def mass(self) -> Tensor:
        """Sum of P over each slot, shape (S, K)."""
        return self.summed(self.probs)

    @cached_property
    def log_centroids(self) -> Tensor:
        """Logarithms of the mean of P over each slot, shape (S, K); an empty one gives -inf."""
        return log_means(self.log_probs, self.slots, self.counts)

    def summed(self, rows: Tensor) -> Tensor:
        """Return the sum of rows over each slot, shape (S, K)."""
        total = rows.new_zeros((len(self.present), rows.shape[1]))
        return total.index_add_(0, self.slots, rows)

    def own(self, values: Tensor) -> Tensor:
        """Return for each row what belongs to its slot, a new tensor."""
        return values.index_select(0, self.slots)

    def others(self, sums: Tensor) -> Tensor:
        """Return for each row the sum over all slots but its own: exactly 0 where it is alone."""
        own = self.own(sums)
        found: Tensor = torch.sub(sums.sum(0), own, out=own)
        return found


def classes_met(labels: Tensor, n_classes: int) -> tuple[Tensor, Tensor]:
    """Return the classes that slots stand for, and the slot of each row."""
    # Elsewhere than on the host, counting the classes met would wait for the device.
    most = len(labels) if labels.device.type == "cpu" else max(len(labels), _MOST_SLOTS)
    if n_classes <= most:
        return torch.arange(n_classes, device=labels.device), labels
    present, slots = torch.unique(labels, return_inverse=True)
    return present, slots


def sizes(slots: Tensor, n_slots: int, dtype: torch.dtype) -> Tensor:
    """Return how many rows each slot has, without waiting for the device."""
    ones = torch.ones(len(slots), dtype=dtype, device=slots.device)
    return ones.new_zeros(n_slots).index_add_(0, slots, ones)


def log_means(log_probs: Tensor, slots: Tensor, counts: Tensor) -> Tensor:
    """Return ln of the mean of P over each slot; differentiable.

    Parameters
    ----------
    log_probs : Tensor, shape (n, K)
        ln P.
    slots : Tensor of int64, shape (n,)
        The slot of each row.
    counts : Tensor, shape (S,)
        Number of rows of each.

    Returns
    -------
    Tensor, shape (S, K)
        Minus infinity where a slot is empty. Rows that are equal have exactly that mean.

    Notes
    -----
    The largest term of each column is taken out, so that nothing underflows: where P is zero in
    the precision at hand, ln Q is still finite.
    """
    shape = (len(counts), log_probs.shape[1])
    with torch.no_grad():
        least = torch.finfo(log_probs.dtype).min
        top = log_probs.new_full(shape, least)
        top.scatter_reduce_(0, slots[:, None].expand_as(log_probs), log_probs, "amax")
    scaled = (log_probs - top.index_select(0, slots)).exp()
    total = torch.zeros_like(top).index_add(0, slots, scaled)
    return (total / counts.clamp_min(1.0)[:, None]).log() + top


class Part(NamedTuple):
    """A scalar of a batch, and what its gradient by the logits is made of.

    The gradient is that of f sum_i (<P_i, s_i> + <a_i, ln P_i>) + u sum_i ln P_i(y_i) with s and a
    held constant, where a_i is a sum over the slots of others than i.

    Attributes
    ----------
    value : Tensor
        Detached.
    factor : float
        f.
    slope : Tensor, shape (n, K), or None
        s.
    sums : Tensor, shape (S, K), or None
        What is summed to a.
    label_weight : float
        u.
    """

    value: Tensor
    factor: float = 0.0
    slope: Tensor | None = None
    sums: Tensor | None = None
    label_weight: float = 0.0


def cross_entropy(rows: ClassRows) -> Part:
    """Return the mean of -ln P_i(y_i).

    Parameters
    ----------
    rows : ClassRows
        The batch; labels name columns.

    Returns
    -------
    Part
    """
    own = rows.log_probs.gather(1, rows.labels[:, None])
    return Part(-own.mean(), label_weight=-1.0 / len(own))


def concentration(rows: ClassRows, log_centroids: Tensor | None = None) -> Part:
    """Return the mean of D(P_i || Q_{y_i}).

    Parameters
    ----------
    rows : ClassRows
        The batch.
    log_centroids : Tensor, shape (S, K), optional
        ln Q by slot, a constant; by default that of the means of this batch. The gradient through
        these is zero, so that the slope is the same.

    Returns
    -------
    Part
    """
    exact = log_centroids is None
    slope = rows.own(rows.log_centroids if log_centroids is None else log_centroids)
    torch.sub(rows.log_probs, slope, out=slope)
    factor = 1.0 / len(slope)
    value = _inner(rows.probs, slope) * factor
    return Part(value.clamp_min(0.0) if exact else value, factor, slope)  # rounding aside


def separation(rows: ClassRows, pairs: int, both: bool = True) -> Part:
    """Return the sum of H(P_i, P_j) over pairs with different labels, divided by `pairs`.

    Parameters
    ----------
    rows : ClassRows
        The batch.
    pairs : int
        n^2, or n (n - 1) for the estimate without bias.
    both : bool, default True
        Whether P_j is differentiated as well as P_i.

    Returns
    -------
    Part
    """
    slope = rows.others(rows.summed(rows.log_probs))
    value = 0.0 - _inner(rows.probs, slope) / pairs  # and not -0.0
    return Part(value, -1.0 / pairs, slope, rows.mass if both else None)


def divergence_separation(rows: ClassRows, pairs: int, both: bool = True) -> Part:
    """Return the sum of D(P_i || P_j) over pairs with different labels, divided by `pairs`.

    Parameters
    ----------
    rows, pairs, both
        As of :func:`separation`.

    Returns
    -------
    Part
    """
    slope = rows.others(rows.summed(rows.log_probs))
    n_others = len(slope) - rows.counts.index_select(0, rows.slots)
    slope.addcmul_(rows.log_probs, n_others[:, None], value=-1.0)
    value = 0.0 - _inner(rows.probs, slope) / pairs
    return Part(value.clamp_min(0.0), -1.0 / pairs, slope, rows.mass if both else None)


def _inner(first: Tensor, second: Tensor) -> Tensor:
    return torch.dot(first.flatten(), second.flatten())


def combined(logits: Tensor, rows: ClassRows, *parts: tuple[float, Part]) -> Tensor:
    """Return a weighted sum of parts as a function of the logits, with its gradient.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        What `rows` were made of.
    rows : ClassRows
        The batch.
    *parts : tuple of float and Part
        Weights and parts; the tensors of these are used up.

    Returns
    -------
    Tensor
        A scalar; can be differentiated once.
    """
    (weight, first), *others = parts
    value = first.value * weight
    for weight, part in others:
        value = value + part.value * weight
    if not (torch.is_grad_enabled() and logits.requires_grad):
        return value
    found: Tensor = _KnownGradient.apply(logits, value, _gradient(rows, parts))
    return found


def _gradient(rows: ClassRows, parts: tuple[tuple[float, Part], ...]) -> Tensor:
    slope: Tensor | None = None
    for weight, part in parts:
        if part.slope is not None:
            scale = weight * part.factor
            # In place: few large tensors are there at a time.
            slope = part.slope.mul_(scale) if slope is None else slope.add_(part.slope, alpha=scale)
    gradient = torch.zeros_like(rows.probs) if slope is None else slope.mul_(rows.probs)
    for weight, part in parts:
        if part.sums is not None:
            gradient.add_(rows.others(part.sums), alpha=weight * part.factor)
    label_weight = sum(weight * part.label_weight for weight, part in parts)
    if label_weight:
        own = rows.labels[:, None]
        gradient.scatter_add_(1, own, gradient.new_full(own.shape, label_weight))
    # Through the softmax: a row of the gradient sums to zero.
    return gradient.addcmul_(rows.probs, gradient.sum(1, keepdim=True), value=-1.0)


class _KnownGradient(torch.autograd.Function):
    """A scalar whose gradient by the logits came with it."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        del logits
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        # A constant would silently pass for the gradient's own derivative.
        if torch.is_grad_enabled():
            raise RuntimeError(
                "create_graph must be False here; got True. The gradient is a closed form, which "
                "cannot be differentiated again; cmi(..., reduction='none') can."
            )
        (gradient,) = ctx.saved_tensors
        return upstream * gradient, None, None
