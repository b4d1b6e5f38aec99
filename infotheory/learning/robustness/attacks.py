"""Inputs changed by little so that a network errs: FGSM and PGD."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from infotheory._validation import check_choice, check_count, check_flag, refusal
from infotheory.learning.functional.checks import check_labels, check_logits
from infotheory.learning.networks.at_work import MeanAndStd, brought, in_mode, normaliser
from infotheory.learning.robustness.ball import Ball

__all__ = ["METHODS", "NORMS", "attack", "check_radius"]

METHODS, NORMS = ("fgsm", "pgd"), ("linf", "l2")

_OVERSHOOT = 2.5  # of the way to the surface, over all steps: as the authors of PGD take it


def attack(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    method: str = "pgd",
    norm: str = "linf",
    steps: int = 10,
    step_size: float | None = None,
    random_start: bool = True,
    restarts: int = 1,
    bounds: tuple[float, float] = (0.0, 1.0),
    preprocessing: MeanAndStd | None = None,
    scores: Callable[[Tensor], Tensor] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return inputs near the given ones for which the labels are as unlikely as can be found.

    Parameters
    ----------
    network : Module
        Inputs to outputs. It computes in evaluation mode, and is left as it was: its weights get
        no gradients.
    inputs : Tensor, shape (n, ...)
        Samples within the bounds, float32 or float64; images in [0, 1], say, before mean and
        deviation are taken off.
    labels : Tensor of int, shape (n,)
        Their classes.
    epsilon : float
        How far a sample may move; 8/255 is usual for images in the largest norm.
    method : {"pgd", "fgsm"}, default "pgd"
        Many steps along the gradient, each followed by a projection; or one step of length
        `epsilon`.
    norm : {"linf", "l2"}, default "linf"
        Whether `epsilon` bounds the change of every number, or the Euclidean length of it.
    steps : int, default 10
        Of pgd.
    step_size : float, optional
        Of pgd; by default 2.5 epsilon / steps.
    random_start : bool, default True
        Whether pgd starts at a random point of the ball instead of at the sample.
    restarts : int, default 1
        How often pgd starts. Of each sample, an attempt that is misclassified is kept before one
        that is not, and then the one with the largest cross entropy.
    bounds : (float, float), default (0, 1)
        Of all inputs; (-inf, inf) for none.
    preprocessing : (mean, std), optional
        One number each, or one for each channel: the network gets (inputs - mean) / std.
    scores : callable, optional
        Outputs of the network to logits of the classes, differentiable; by default its outputs are
        the logits.
    generator : torch.Generator, optional
        For the random starts; torch's own random numbers by default.

    Returns
    -------
    Tensor, shape (n, ...)
        Within `epsilon` of the inputs, up to rounding, and within the bounds. For epsilon = 0
        they are the inputs.

    Raises
    ------
    ValueError
        If an argument is out of range, inputs are not within the bounds, or gradients are not
        finite.
    TypeError
        If network, inputs or labels are of another kind.

    Notes
    -----
    FGSM is x + epsilon sign(g) ("l2": x + epsilon g / norm(g)), cut at the bounds, where g is the
    gradient of the cross entropy; PGD repeats such steps. What is climbed here is not the cross
    entropy but ln(1/p_y - 1), which grows with it and so has a gradient of the same direction,
    and which is log-sum-exp over the other classes minus z_y: in float32 the cross entropy of a
    sample with p_y > 1 - 6e-8 has lost the part of its gradient that belongs to y, and with it the
    direction; this has not. A method that finds nothing proves nothing.

    Cost: `steps` forward and backward passes a restart, and a forward pass more with several.

    References
    ----------
    goodfellow2015explaining, section 4; madry2018towards, section 2.1

    Examples
    --------
    A linear network with weights w and two classes: x + epsilon sign(w_other - w_y).

    >>> import torch
    >>> from infotheory.learning.robustness import attack
    >>> network = torch.nn.Linear(2, 2, bias=False)
    >>> network.weight.data = torch.eye(2)
    >>> x, y = torch.tensor([[0.5, 0.4]]), torch.tensor([0])
    >>> attack(network, x, y, method="fgsm", epsilon=0.1)
    tensor([[0.4000, 0.5000]])
    """
    check_choice("method", method, METHODS)
    check_choice("norm", norm, NORMS)
    epsilon, (low, high) = check_radius("epsilon", epsilon), _checked_bounds(bounds)
    inputs = _checked_inputs(inputs, low, high)
    steps, restarts = check_count("steps", steps), check_count("restarts", restarts)
    if not check_flag("random_start", random_start) and restarts > 1:
        raise refusal("restarts", "1 without random_start", str(restarts), "All would be the same.")
    length = _OVERSHOOT * epsilon / steps
    length = length if step_size is None else check_radius("step_size", step_size)
    if method == "fgsm":
        steps, length, random_start, restarts = 1, epsilon, False, 1
    if epsilon == 0.0:
        return inputs.clone()
    ready = normaliser(preprocessing, inputs)

    def against(points: Tensor) -> tuple[Tensor, Tensor]:
        outputs = network(brought(ready(points), network))
        return _against(outputs if scores is None else scores(outputs), labels)

    ball = Ball(inputs, norm, epsilon, low, high)
    with in_mode(network, training=False), torch.enable_grad():
        found = _climbed(ball, against, steps, length, random_start, generator)
        for _ in range(1, restarts):
            other = _climbed(ball, against, steps, length, random_start, generator)
            found = _harder(found, other, against)
    return found


def check_radius(argument: str, value: Any) -> float:
    """Return a length, or refuse it.

    Parameters
    ----------
    argument : str
        What a refusal calls it.
    value : float
        Finite, at least 0.

    Raises
    ------
    ValueError
        If it is not.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and value >= 0):
        raise refusal(argument, "a finite number, at least 0", repr(value), "8/255, for example.")
    return float(value)


def _checked_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not low < high:
        raise refusal("bounds", "a pair (low, high) with low < high", repr(bounds))
    return float(low), float(high)


def _checked_inputs(inputs: Tensor, low: float, high: float) -> Tensor:
    """Return inputs without their history, or refuse what is no batch within the bounds."""
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs must be a tensor; got {type(inputs).__name__}.")
    if inputs.dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"inputs must be float32 or float64; got {inputs.dtype}. "
            "Bytes become images in [0, 1] by / 255; for half precision there is autocast."
        )
    if inputs.ndim < 2 or not inputs.numel():
        raise refusal("inputs", "have shape (n, ...) with n >= 1", f"shape {tuple(inputs.shape)}")
    inputs = inputs.detach()
    outside = ~((inputs >= low) & (inputs <= high)).flatten(1)
    rows = outside.any(dim=1).nonzero()
    if len(rows):
        row = int(rows[0])
        value = float(inputs[row].flatten()[outside[row]][0])
        raise refusal(
            "inputs",
            f"within bounds ({low:g}, {high:g})",
            f"{value:g} in sample {row}",
            "Pass inputs as they are before normalisation, with preprocessing=(mean, std); "
            "or other bounds.",
        )
    return inputs


def _against(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return ln(1 / p_y - 1) of each sample, and whether another class has the largest logit."""
    n, n_classes = check_logits(logits, "scores")
    logits = logits.float() if logits.dtype.itemsize < 4 else logits
    labels = check_labels(labels, n, n_classes).to(logits.device)[:, None]
    own = logits.gather(1, labels)[:, 0]
    others = logits.scatter(1, labels, -math.inf)
    return others.logsumexp(dim=1) - own, others.amax(dim=1) > own


def _climbed(
    ball: Ball,
    against: Callable[[Tensor], tuple[Tensor, Tensor]],
    steps: int,
    length: float,
    random_start: bool,
    generator: torch.Generator | None,
) -> Tensor:
    """Take projected steps of one length along the gradient."""
    points = ball.random(generator) if random_start else ball.centre
    finite = torch.ones((), dtype=torch.bool, device=points.device)
    for _ in range(steps):
        points = points.detach().requires_grad_()
        total = against(points)[0].sum()
        if not total.requires_grad:
            raise refusal(
                "network",
                "differentiable in its inputs, and scores in its outputs",
                "a result without gradients",
                "Leave out detach, argmax and no_grad on the way.",
            )
        (gradients,) = torch.autograd.grad(total, points)
        finite &= gradients.isfinite().all()
        points = ball.project(points.detach() + length * ball.steepest(gradients))
    if not finite:
        raise refusal(
            "network",
            "of finite gradients at these inputs",
            "inf or nan among them",
            "Look at its outputs: weights may have diverged.",
        )
    return points


@torch.no_grad()
def _harder(
    found: Tensor, other: Tensor, against: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> Tensor:
    """Return of each sample the attempt that is misclassified, and then the less likely one."""
    (odds, wrong), (other_odds, other_wrong) = against(found), against(other)
    better = torch.where(wrong == other_wrong, other_odds > odds, other_wrong)
    return torch.where(better.view(-1, *[1] * (found.ndim - 1)), other, found)
