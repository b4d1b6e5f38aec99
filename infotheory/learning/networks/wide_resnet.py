"""Wide residual networks for small images."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from infotheory._validation import check_count, refusal
from infotheory.learning.networks.base import FeatureNetwork, check_dropout, initialise

__all__ = ["WideResNet", "wrn_16_2", "wrn_40_1", "wrn_40_2"]


class _Block(nn.Module):
    """Normalisation and ReLU before each of two convolutions, and a shortcut around them."""

    def __init__(self, before: int, after: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.dropout = dropout
        self.shortcut = None
        if stride > 1 or before != after:
            self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        ready = F.relu(self.bn1(inputs))
        found = F.relu(self.bn2(self.conv1(ready)))
        if self.dropout:
            found = F.dropout(found, self.dropout, self.training)
        # Where the shape changes, the shortcut starts behind the first normalisation.
        short = inputs if self.shortcut is None else self.shortcut(ready)
        total: Tensor = self.conv2(found) + short
        return total


class WideResNet(FeatureNetwork):
    """The wide residual network of Zagoruyko and Komodakis for images of about 32 x 32.

    Parameters
    ----------
    depth : int
        Layers, 6 k + 4: three stages of k blocks of two convolutions.
    width : int
        By how much the stages are wider than 16, 32 and 64 channels. There are 64 `width` features.
    n_classes : int, default 10
        C.
    channels : int, default 3
        Of the images.
    dropout : float, default 0
        Between the convolutions of a block.

    Raises
    ------
    ValueError
        If there is no network of that depth, or an argument is out of range.

    Notes
    -----
    Convolutions start with He's variance, from torch's own random numbers: ``torch.manual_seed``
    comes before.

    References
    ----------
    zagoruyko2016wide

    Examples
    --------
    >>> from infotheory.learning.networks import WideResNet
    >>> sum(weight.numel() for weight in WideResNet(16, 2, n_classes=100).parameters())
    703284
    """

    def __init__(
        self,
        depth: int,
        width: int,
        n_classes: int = 10,
        channels: int = 3,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if check_count("depth", depth) < 10 or depth % 6 != 4:
            raise refusal(
                "depth", "6 k + 4 for some k >= 1", str(depth), "16, 28 and 40 are usual."
            )
        dropout = check_dropout(dropout)
        sizes = [16, *(check_count("width", width) * size for size in (16, 32, 64))]
        k = depth // 6
        self.conv1 = nn.Conv2d(check_count("channels", channels), 16, 3, padding=1, bias=False)
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(
                _Block(before, after, stride, dropout),
                *(_Block(after, after, 1, dropout) for _ in range(1, k)),
            )
            for (before, after), stride in zip(pairwise(sizes), (1, 2, 2), strict=True)
        )
        self.bn1 = nn.BatchNorm2d(sizes[-1])
        self.linear = nn.Linear(sizes[-1], check_count("n_classes", n_classes))
        initialise(self)

    def features(self, inputs: Tensor) -> Tensor:
        """Return the means of the last channels over the image.

        Parameters
        ----------
        inputs : Tensor, shape (n, channels, height, width)
            Images.

        Returns
        -------
        Tensor, shape (n, m)
        """
        found = self.layer3(self.layer2(self.layer1(self.conv1(inputs))))
        return F.relu(self.bn1(found)).mean(dim=(2, 3))


def wrn_16_2(n_classes: int = 10, channels: int = 3) -> WideResNet:
    """Return a WRN-16-2: 0.7 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`WideResNet`.

    Returns
    -------
    WideResNet
    """
    return WideResNet(16, 2, n_classes, channels)


def wrn_40_1(n_classes: int = 10, channels: int = 3) -> WideResNet:
    """Return a WRN-40-1: 0.6 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`WideResNet`.

    Returns
    -------
    WideResNet
    """
    return WideResNet(40, 1, n_classes, channels)


def wrn_40_2(n_classes: int = 10, channels: int = 3) -> WideResNet:
    """Return a WRN-40-2: 2.2 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`WideResNet`.

    Returns
    -------
    WideResNet
    """
    return WideResNet(40, 2, n_classes, channels)
