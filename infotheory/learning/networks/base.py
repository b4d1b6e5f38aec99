"""What the networks share: features, and one linear layer that makes logits of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from infotheory._validation import refusal

__all__ = ["FeatureNetwork", "check_dropout", "initialise"]


class FeatureNetwork(nn.Module, ABC):
    """A network whose last layer, :attr:`linear`, is linear.

    Attributes
    ----------
    linear : torch.nn.Linear
        The last layer.
    """

    linear: nn.Linear

    @property
    def n_features(self) -> int:
        """Number m of features."""
        return int(self.linear.in_features)

    @abstractmethod
    def features(self, inputs: Tensor) -> Tensor:
        """Return what enters the last layer.

        Parameters
        ----------
        inputs : Tensor, shape (n, ...)
            A batch.

        Returns
        -------
        Tensor, shape (n, m)
        """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits.

        Parameters
        ----------
        inputs : Tensor, shape (n, ...)
            A batch.

        Returns
        -------
        Tensor, shape (n, n_classes)
        """
        logits: Tensor = self.linear(self.features(inputs))
        return logits


def initialise(network: nn.Module) -> None:
    """Draw the weights of convolutions with variance 2 / (outputs of a weight), as He et al.

    Parameters
    ----------
    network : Module
        Changed in place; other layers keep what torch has given them.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")


def check_dropout(dropout: Any) -> float:
    """Return a probability of dropout.

    Parameters
    ----------
    dropout : float
        In [0, 1).

    Raises
    ------
    ValueError
        If it is not.
    """
    number = isinstance(dropout, int | float) and not isinstance(dropout, bool)
    if not (number and math.isfinite(dropout) and 0 <= dropout < 1):
        raise refusal("dropout", "a number in [0, 1)", repr(dropout), "0 leaves it out.")
    return float(dropout)
