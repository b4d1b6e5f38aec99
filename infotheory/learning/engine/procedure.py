"""What a training procedure says to the loop: what a step is, and nothing of how it is run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from infotheory._typing import IntArray

__all__ = ["Batch", "Context", "Procedure"]


@dataclass(frozen=True)
class Batch:
    """One batch as the loss sees it, whole: the rows of all processes, in one order.

    Attributes
    ----------
    outputs : Tensor, shape (n, K)
        What the network gave; differentiable.
    labels : Tensor of int64, shape (n,)
        Classes.
    rows : Tensor of int64, shape (n,)
        Numbers of the samples in the training set.
    companion : Tensor or None, shape (n, ...)
        What :meth:`Procedure.companion` gave for them.
    """

    outputs: Tensor
    labels: Tensor
    rows: Tensor
    companion: Tensor | None = None


@dataclass(frozen=True)
class Context:
    """What a procedure may ask of the run while it goes on.

    Attributes
    ----------
    epoch, step : int
        Epochs and steps that have ended; the epoch that ends counts in ``end_epoch``.
    device : torch.device
        Where the network is.
    labels : ndarray of int, shape (n,)
        Classes of the training set.
    n_classes : int
        C.
    generator : torch.Generator
        For draws of the procedure; on the host, the same in every process, and part of checkpoints.
    inputs : callable
        ``inputs(rows, augment=False)``: samples of the training set by number, on the device.
    passes : callable
        ``passes(augment=False, training=False)``: one pass over the training set without
        gradients; yields (outputs, labels, rows), the whole of it in every process. `training`
        leaves the network in training mode.
    """

    epoch: int
    step: int
    device: torch.device
    labels: IntArray
    n_classes: int
    generator: torch.Generator
    inputs: Callable[..., Tensor]
    passes: Callable[..., Iterator[tuple[Tensor, Tensor, Tensor]]]


class Procedure(ABC):
    """A way to train a network, as hooks of the loop :func:`infotheory.learning.train`.

    Parameters
    ----------
    network : Module
        Inputs to rows of outputs. Its parameters are those that the loop's optimiser steps.

    Notes
    -----
    Everything that changes in training and is not in the network belongs into one of
    :attr:`modules` (as buffers or parameters) or into :meth:`extra_state`: the checkpoint saves
    these, and nothing else of the procedure.
    """

    def __init__(self, network: nn.Module) -> None:
        if not isinstance(network, nn.Module):
            raise TypeError(f"network must be a torch.nn.Module; got {type(network).__name__}.")
        self.network = network

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Modules beside the network whose state belongs to a checkpoint, such as the loss."""
        return {}

    @abstractmethod
    def loss(self, batch: Batch, context: Context) -> Tensor:
        """Return the loss of one batch, a scalar. The same in every process.

        Draws are to come from the generator of the context: others differ by process.
        """

    def terms(self) -> Mapping[str, Tensor | float]:
        """Return parts of the last loss by name, detached; the history averages them."""
        return {}

    def companion(self, inputs: Tensor, rows: Tensor) -> Tensor | None:
        """Return what goes with these inputs (teacher logits, say), without gradients.

        Called for the rows of this process, with the inputs that the network gets.
        """
        del inputs, rows
        return None

    def start(self, context: Context) -> None:  # noqa: B027 - a hook that may stay empty
        """Run before the first epoch of a new run (not on resuming)."""

    def start_epoch(self, context: Context) -> None:  # noqa: B027 - a hook that may stay empty
        """Run before each epoch."""

    def after_step(self, batch: Batch, context: Context) -> None:  # noqa: B027 - may stay empty
        """Run after each step of the optimiser, without gradients.

        Of several batches whose gradients make one step, this is the last.
        """

    def end_epoch(self, context: Context) -> None:  # noqa: B027 - a hook that may stay empty
        """Run after each epoch, before the network is measured."""

    def scores(self, outputs: Tensor) -> Tensor:
        """Return logits over the classes from outputs of the network, to be measured.

        Parameters
        ----------
        outputs : Tensor, shape (n, K)
            In evaluation mode, without gradients.

        Returns
        -------
        Tensor, shape (n, K)
            The first C columns are of the classes. In further ones no sample is right: a
            prediction there is an error.
        """
        return outputs

    def figures(self, context: Context) -> Mapping[str, float]:
        """Return further numbers for the row of an epoch; run after :meth:`end_epoch`."""
        del context
        return {}

    def extra_state(self) -> dict[str, Any]:
        """Return state that no module holds: tensors, numbers, texts, lists and dicts of them."""
        return {}

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`extra_state` gave."""
        if state:
            raise ValueError(f"state must be empty for this procedure; got {sorted(state)}.")

    def describe(self) -> dict[str, Any]:
        """Return what makes two runs of this procedure different, for checkpoints to compare.

        Returns
        -------
        dict
            Texts and numbers; the shapes of the network's parameters are compared besides.
        """
        return {"procedure": type(self).__name__}
