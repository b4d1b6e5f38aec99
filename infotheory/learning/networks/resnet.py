"""Residual networks for small images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from infotheory._validation import check_choice, check_count, refusal
from infotheory.learning.networks.base import FeatureNetwork, initialise

__all__ = [
    "ResNet",
    "resnet8x4",
    "resnet20",
    "resnet32",
    "resnet32x4",
    "resnet44",
    "resnet56",
    "resnet110",
]

_WIDTHS = (16, 16, 32, 64)
_WIDTHS_X4 = (32, 64, 128, 256)


class _Block(nn.Module):
    """Two convolutions, and a shortcut around them."""

    def __init__(self, before: int, after: int, stride: int, projects: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.stride, self.missing = stride, after - before
        self.shortcut = None
        if projects and (stride > 1 or self.missing):
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        short = self._short(inputs)
        found = F.relu(self.bn1(self.conv1(inputs)))
        return F.relu(self.bn2(self.conv2(found)) + short)

    def _short(self, inputs: Tensor) -> Tensor:
        """Bring the inputs to the shape of the outputs."""
        if self.shortcut is not None:
            projected: Tensor = self.shortcut(inputs)
            return projected
        if self.stride > 1:
            inputs = inputs[:, :, :: self.stride, :: self.stride]
        if self.missing:
            first = self.missing // 2
            inputs = F.pad(inputs, (0, 0, 0, 0, first, self.missing - first))
        return inputs


class ResNet(FeatureNetwork):
    """The residual network of He et al. for images of about 32 x 32.

    Parameters
    ----------
    depth : int
        Layers, 6 k + 2: three stages of k blocks of two convolutions, beside the first and last
        layer.
    n_classes : int, default 10
        C.
    channels : int, default 3
        Of the images.
    widths : sequence of 4 ints, default (16, 16, 32, 64)
        Channels of the first convolution and of the three stages. The last is the number of
        features.
    shortcut : {"zeros", "convolution"}, default "zeros"
        How a shortcut reaches another shape. "zeros" leaves out every other row and column and
        adds channels of zeros (option A of the paper, which has no parameters); "convolution" is a
        1 x 1 convolution with normalisation (option B, common in studies of distillation).

    Raises
    ------
    ValueError
        If there is no network of that depth, or an argument is out of range.

    Notes
    -----
    Convolutions start with He's variance, from torch's own random numbers: ``torch.manual_seed``
    comes before. With "zeros" the names in the state dict are those of the widely used
    implementation for CIFAR-10 (``conv1``, ``bn1``, ``layer1.0.conv1``, ..., ``linear``).

    References
    ----------
    he2016deep, section 4.2

    Examples
    --------
    >>> from infotheory.learning.networks import ResNet
    >>> sum(weight.numel() for weight in ResNet(20).parameters())
    269722
    """

    def __init__(
        self,
        depth: int,
        n_classes: int = 10,
        channels: int = 3,
        *,
        widths: Sequence[int] = _WIDTHS,
        shortcut: str = "zeros",
    ) -> None:
        super().__init__()
        if check_count("depth", depth) < 8 or depth % 6 != 2:
            raise refusal(
                "depth", "6 k + 2 for some k >= 1", str(depth), "20, 32, 44, 56 and 110 are usual."
            )
        check_choice("shortcut", shortcut, ("zeros", "convolution"))
        stem, *stages = _checked_widths(widths, shortcut)
        self.conv1 = nn.Conv2d(check_count("channels", channels), stem, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        projects, k = shortcut == "convolution", depth // 6
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(
                _Block(before, after, stride, projects),
                *(_Block(after, after, 1, projects) for _ in range(1, k)),
            )
            for (before, after), stride in zip(pairwise([stem, *stages]), (1, 2, 2), strict=True)
        )
        self.linear = nn.Linear(stages[-1], check_count("n_classes", n_classes))
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
        found = F.relu(self.bn1(self.conv1(inputs)))
        found = self.layer3(self.layer2(self.layer1(found)))
        return found.mean(dim=(2, 3))


def _checked_widths(widths: Sequence[int], shortcut: str) -> list[int]:
    sizes = [check_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
    if len(sizes) != 4:
        raise refusal(
            "widths",
            "four numbers: of the first convolution and of the three stages",
            f"{len(sizes)}",
            "(16, 16, 32, 64) are usual.",
        )
    if shortcut == "zeros" and sizes != sorted(sizes):
        raise refusal(
            "widths",
            "in increasing order with shortcut='zeros'",
            f"{tuple(sizes)}",
            "Zeros add channels; shortcut='convolution' takes any widths.",
        )
    return sizes


def resnet20(n_classes: int = 10, channels: int = 3) -> ResNet:
    """Return a ResNet-20 for small images: 0.27 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`ResNet`.

    Returns
    -------
    ResNet
    """
    return ResNet(20, n_classes, channels)


def resnet32(n_classes: int = 10, channels: int = 3) -> ResNet:
    """Return a ResNet-32 for small images: 0.46 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`ResNet`.

    Returns
    -------
    ResNet
    """
    return ResNet(32, n_classes, channels)


def resnet44(n_classes: int = 10, channels: int = 3) -> ResNet:
    """Return a ResNet-44 for small images: 0.66 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`ResNet`.

    Returns
    -------
    ResNet
    """
    return ResNet(44, n_classes, channels)


def resnet56(n_classes: int = 10, channels: int = 3) -> ResNet:
    """Return a ResNet-56 for small images: 0.85 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`ResNet`.

    Returns
    -------
    ResNet
    """
    return ResNet(56, n_classes, channels)


def resnet110(n_classes: int = 10, channels: int = 3) -> ResNet:
    """Return a ResNet-110 for small images: 1.7 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`ResNet`.

    Returns
    -------
    ResNet
    """
    return ResNet(110, n_classes, channels)


def resnet8x4(n_classes: int = 10, channels: int = 3) -> ResNet:
    """Return the wide ResNet-8 of studies of distillation: 1.2 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`ResNet`.

    Returns
    -------
    ResNet
        With convolutions as shortcuts.
    """
    return ResNet(8, n_classes, channels, widths=_WIDTHS_X4, shortcut="convolution")


def resnet32x4(n_classes: int = 10, channels: int = 3) -> ResNet:
    """Return the wide ResNet-32 of studies of distillation: 7.4 million parameters.

    Parameters
    ----------
    n_classes, channels : int
        As of :class:`ResNet`.

    Returns
    -------
    ResNet
        With convolutions as shortcuts.
    """
    return ResNet(32, n_classes, channels, widths=_WIDTHS_X4, shortcut="convolution")
