"""Layers one after the other, for features and small images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from infotheory._validation import check_count
from infotheory.learning.networks.base import FeatureNetwork, check_dropout

__all__ = ["MLP"]


class MLP(FeatureNetwork):
    """A multilayer perceptron: linear layers with ReLU between them.

    Parameters
    ----------
    n_inputs : int
        Numbers in a sample; inputs of more than one axis are flattened.
    widths : sequence of int
        Units of the hidden layers. Without any, the network is linear.
    n_classes : int
        C.
    dropout : float, default 0
        Probability with which a hidden unit is left out in training.

    Raises
    ------
    ValueError
        If a size is not positive, or `dropout` not in [0, 1).

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.networks import MLP
    >>> network = MLP(64, [32, 16], 10)
    >>> images = torch.zeros(5, 8, 8)
    >>> network(images).shape, network.features(images).shape
    (torch.Size([5, 10]), torch.Size([5, 16]))
    """

    def __init__(
        self, n_inputs: int, widths: Sequence[int], n_classes: int, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        sizes = [check_count("n_inputs", n_inputs)]
        sizes += [check_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
        dropout = check_dropout(dropout)
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
        self.hidden = nn.Sequential(*layers)
        self.linear = nn.Linear(sizes[-1], check_count("n_classes", n_classes))

    def features(self, inputs: Tensor) -> Tensor:
        """Return the units of the last hidden layer, or the inputs where there is none.

        Parameters
        ----------
        inputs : Tensor, shape (n, ...)
            A batch.

        Returns
        -------
        Tensor, shape (n, m)
        """
        found: Tensor = self.hidden(inputs)
        return found
