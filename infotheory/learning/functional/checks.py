"""What tensors of logits and labels must be, and the precision in which losses are computed.

Values are looked at on the host only: on another device that would wait for it in every step, and
PyTorch's own indexing refuses a label out of range there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Real
from typing import Any, ParamSpec, TypeVar

import torch

from infotheory._validation import refusal

__all__ = [
    "HALF",
    "REDUCTIONS",
    "check_labels",
    "check_logits",
    "check_same_shape",
    "check_share",
    "check_weight",
    "in_full_precision",
    "reduced",
]

P = ParamSpec("P")
T = TypeVar("T")

HALF = frozenset({torch.float16, torch.bfloat16})
REDUCTIONS = ("mean", "sum", "none")


def in_full_precision(function: Callable[P, T]) -> Callable[P, T]:
    """Compute a function of tensors in single precision at least, also under autocast.

    Half-precision tensors among its arguments become float32, and autocast is off inside: products
    of matrices there would be rounded to half precision again.
    """

    @functools.wraps(function)
    def computed(*args: P.args, **kwargs: P.kwargs) -> T:
        first = next((each for each in args if isinstance(each, torch.Tensor)), None)
        kind = "cpu" if first is None else first.device.type
        wide = [_widened(each) for each in args]
        named = {name: _widened(each) for name, each in kwargs.items()}
        if not torch.is_autocast_enabled(kind):  # to ask is quicker than to enter and leave
            return function(*wide, **named)
        with torch.autocast(kind, enabled=False):
            return function(*wide, **named)

    return computed


def _widened(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.dtype in HALF:
        return value.float()
    return value


def check_logits(logits: torch.Tensor, argument: str = "logits") -> tuple[int, int]:
    """Return the shape of a batch of logits, or refuse it.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        Floating point, with at least one row and two columns.
    argument : str
        What a refusal calls it.

    Returns
    -------
    n, K : int

    Raises
    ------
    TypeError
        If it is no tensor, or one of integers.
    ValueError
        If its shape is another.
    """
    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"{argument} must be a tensor; got {type(logits).__name__}.")
    if not logits.is_floating_point():
        raise TypeError(f"{argument} must be floating point; got {logits.dtype}.")
    if logits.ndim != 2 or logits.shape[0] < 1 or logits.shape[1] < 2:
        raise refusal(
            argument,
            "have shape (n, K) with n >= 1 and K >= 2",
            f"shape {tuple(logits.shape)}",
            "Pass one row a sample.",
        )
    return logits.shape[0], logits.shape[1]


def check_labels(labels: torch.Tensor, n: int, n_classes: int) -> torch.Tensor:
    """Return labels as int64, or refuse them.

    Parameters
    ----------
    labels : Tensor of int, shape (n,)
        Classes in [0, n_classes); looked at on the host only.
    n : int
        Number of samples.
    n_classes : int
        C.

    Returns
    -------
    Tensor of int64, shape (n,)

    Raises
    ------
    TypeError
        If it is no tensor of integers.
    ValueError
        If there are more or fewer, or one is out of range.
    """
    if not isinstance(labels, torch.Tensor):
        raise TypeError(f"labels must be a tensor; got {type(labels).__name__}.")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels must be integers; got {labels.dtype}.")
    if labels.shape != (n,):
        raise refusal(
            "labels", f"have shape ({n},)", f"shape {tuple(labels.shape)}", "One label a row."
        )
    if labels.device.type == "cpu":
        outside = ((labels < 0) | (labels >= n_classes)).nonzero()
        if len(outside):
            row = int(outside[0])
            raise refusal(
                "labels",
                f"in [0, {n_classes})",
                f"{int(labels[row])} in row {row}",
                "Number the classes from 0, and pass n_classes= if there are more.",
            )
    return labels.long()


def check_same_shape(first: torch.Tensor, second: torch.Tensor, names: tuple[str, str]) -> None:
    """Refuse two batches of logits, of a student and a teacher say, that do not belong together.

    Parameters
    ----------
    first, second : Tensor
        The batches.
    names : tuple of str
        What a refusal calls them.

    Raises
    ------
    ValueError
        If one has other rows or other classes than the other.
    """
    if first.shape != second.shape:
        raise refusal(
            names[1],
            f"have the shape of {names[0]}, {tuple(first.shape)}",
            f"shape {tuple(second.shape)}",
            "Both need the same samples and the same classes, in one order.",
        )


def check_weight(argument: str, weight: Any) -> float:
    """Return the weight of a term as a float, at least 0 and finite.

    Parameters
    ----------
    argument : str
        What a refusal calls it.
    weight : float
        The weight.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Where it is negative, infinite or no number.
    """
    number = isinstance(weight, Real) and not isinstance(weight, bool)
    if not (number and 0.0 <= weight < float("inf")):
        raise refusal(
            argument,
            "a finite number of at least 0",
            repr(weight),
            "A weight of 0 leaves the term out.",
        )
    return float(weight)


def check_share(argument: str, share: Any, *, below_one: bool = False) -> float:
    """Return the share of the past that a moving average keeps in a step.

    Parameters
    ----------
    argument : str
        What a refusal calls it.
    share : float
        From 0 to 1.
    below_one : bool, default False
        Whether 1, with which nothing ever moves, is refused.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Where it is out of range or no number.
    """
    number = isinstance(share, Real) and not isinstance(share, bool)
    if not (number and 0.0 <= share <= 1.0) or (below_one and share == 1.0):
        range_ = "a number in [0, 1)" if below_one else "a number from 0 to 1"
        fix = "It is what stays of the past; 0.9999 remembers some 10,000 steps."
        raise refusal(argument, range_, repr(share), fix)
    return float(share)


def reduced(losses: torch.Tensor, reduction: str) -> torch.Tensor:
    """Return the losses of samples as one number, or as they are.

    Parameters
    ----------
    losses : Tensor, shape (n,)
        One a sample.
    reduction : {"mean", "sum", "none"}
        One of ``REDUCTIONS``.

    Returns
    -------
    Tensor
    """
    if reduction == "none":
        return losses
    total: torch.Tensor = losses.mean() if reduction == "mean" else losses.sum()
    return total
