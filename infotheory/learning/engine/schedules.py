"""What a step of the optimiser is, and how far it goes at each point of a run."""

from __future__ import annotations

import math
from bisect import bisect_right

import torch
from torch import nn

from infotheory._validation import refusal
from infotheory.learning.engine.settings import Settings

__all__ = ["learning_rate", "optimiser_for"]


def learning_rate(settings: Settings, epoch: int, fraction: float) -> float:
    """Return the learning rate of a step.

    Parameters
    ----------
    settings : Settings
        Say the schedule.
    epoch : int
        How many epochs have ended.
    fraction : float
        How much of this epoch has ended with this step, in (0, 1].

    Returns
    -------
    float

    Notes
    -----
    It depends on nothing else, so that a schedule has no state. In the warm-up of w epochs it is
    lr (epoch + fraction) / w; afterwards it changes from epoch to epoch only. With "cosine" it is
    lr (1 + cos(pi t)) / 2 with t = (epoch - w) / (epochs - w), which starts at 0.

    Examples
    --------
    >>> from infotheory.learning.engine import Settings
    >>> from infotheory.learning.engine.schedules import learning_rate
    >>> settings = Settings(epochs=4, lr=1.0)
    >>> [round(learning_rate(settings, epoch, 1.0), 3) for epoch in range(4)]
    [1.0, 0.854, 0.5, 0.146]
    """
    done, warmup = epoch + fraction, settings.warmup_epochs
    if done <= warmup:
        return settings.lr * done / warmup
    if settings.schedule == "steps":
        return settings.lr * settings.factor ** bisect_right(settings.milestones, epoch)
    if settings.schedule == "cosine":
        passed = max(0.0, epoch - warmup) / (settings.epochs - warmup)
        return settings.lr * (1 + math.cos(math.pi * passed)) / 2
    return settings.lr


def optimiser_for(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """Return the optimiser of the parameters that are not frozen.

    Parameters
    ----------
    network : Module
        Whose.
    settings : Settings
        Say which.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    ValueError
        If there is no such parameter.
    """
    parameters = [each for each in network.parameters() if each.requires_grad]
    if not parameters:
        raise refusal("network", "a module with parameters to train", "none that is not frozen")
    shared = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    if settings.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, momentum=settings.momentum, nesterov=settings.nesterov, **shared
        )
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return kind(parameters, **shared)
