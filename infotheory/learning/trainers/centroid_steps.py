"""The step that moves class centroids: fresh samples of each class, seen without gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from infotheory._typing import IntArray
from infotheory.learning.engine.procedure import Context
from infotheory.learning.losses.centroids import CentroidLoss
from infotheory.learning.networks.at_work import in_mode

__all__ = ["move_by_fresh_samples", "rows_of_each_class", "seen_in_evaluation"]


def rows_of_each_class(labels: IntArray, count: int, generator: torch.Generator) -> Tensor:
    """Draw some samples of each class that there is, with replacement.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Classes of the training set.
    count : int
        How many of each class.
    generator : torch.Generator
        On the host.

    Returns
    -------
    Tensor of int64
        Numbers of samples, class after class.
    """
    order = np.argsort(labels, kind="stable")
    _, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    share = torch.rand(len(sizes), count, generator=generator, dtype=torch.float64)
    offset = (share * torch.from_numpy(sizes)[:, None]).long()  # below the size: share < 1
    return torch.from_numpy(order)[(torch.from_numpy(starts)[:, None] + offset).ravel()]


def seen_in_evaluation(
    network: nn.Module, context: Context, rows: Tensor, augment: bool
) -> tuple[Tensor, Tensor]:
    """Return outputs and labels of some samples; the network is left as it was.

    Parameters
    ----------
    network : Module
        In whatever mode; evaluation mode here, so that running statistics do not move.
    context : Context
        Gives the inputs.
    rows : Tensor of int64
        Which samples.
    augment : bool
        Whether they are augmented as in training.

    Returns
    -------
    outputs : Tensor, shape (n, K)
    labels : Tensor of int64, shape (n,)
    """
    with in_mode(network, training=False), torch.no_grad():
        outputs = network(context.inputs(rows, augment=augment))
    labels = torch.from_numpy(context.labels[rows.numpy()])
    return outputs, labels.to(outputs.device)


def move_by_fresh_samples(
    loss: CentroidLoss, network: nn.Module, context: Context, count: int, augment: bool
) -> None:
    """Move the centroids of a loss towards the means of fresh samples.

    Parameters
    ----------
    loss : CentroidLoss
        Whose centroids move.
    network : Module
        Gives the outputs.
    context : Context
        Gives the samples, and the draws.
    count : int
        How many of each class.
    augment : bool
        Whether they are augmented as in training.
    """
    rows = rows_of_each_class(context.labels, count, context.generator)
    loss.update(*seen_in_evaluation(network, context, rows, augment))
