"""Trained ResNets for CIFAR-10, as a user would bring their own to be measured.

``infotheory ncmi --model python:tests/models/resnets.py:resnet20 --data ...``
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from infotheory.learning.networks import ResNet

PREPROCESSING = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def _trained(depth: int) -> tuple[nn.Module, dict[str, list[float]]]:
    with torch.random.fork_rng():  # the weights that are drawn here are replaced
        model = ResNet(depth)
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
