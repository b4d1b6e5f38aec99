"""The ResNets of He et al. for CIFAR-10, as a user would write them to measure their own.

``infotheory ncmi --model python:tests/models/resnets.py:resnet20 --data ...``
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from safetensors.torch import load_file
from torch import Tensor, nn

PREPROCESSING = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


class Block(nn.Module):
    """Two convolutions, and a shortcut that subsamples and pads with zero channels."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.extra = (channels - before) // 2

    def forward(self, x: Tensor) -> Tensor:
        z = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.extra:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.extra, self.extra))
        return F.relu(z + x)


class ResNet(nn.Module):
    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(blocks)])
        self.layer2 = nn.Sequential(Block(16, 32, 2), *[Block(32, 32, 1) for _ in range(1, blocks)])
        self.layer3 = nn.Sequential(Block(32, 64, 2), *[Block(64, 64, 1) for _ in range(1, blocks)])
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        z = F.relu(self.bn1(self.conv1(x)))
        z = self.layer3(self.layer2(self.layer1(z)))
        return self.linear(z.mean(dim=(2, 3)))


def _trained(depth: int) -> tuple[nn.Module, dict[str, list[float]]]:
    with torch.random.fork_rng():  # the weights that are drawn here are replaced
        model = ResNet((depth - 2) // 6)
    folder = Path(os.environ["INFOTHEORY_DATA"]) / "weights_cifar10_resnet"
    model.load_state_dict(load_file(folder / f"cifar10_resnet{depth}.safetensors"))
    return model, PREPROCESSING


def resnet20() -> tuple[nn.Module, dict[str, list[float]]]:
    return _trained(20)


def resnet32() -> tuple[nn.Module, dict[str, list[float]]]:
    return _trained(32)


def resnet44() -> tuple[nn.Module, dict[str, list[float]]]:
    return _trained(44)


def resnet56() -> tuple[nn.Module, dict[str, list[float]]]:
    return _trained(56)
