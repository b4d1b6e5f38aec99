"""Small networks, defined once, and others by their names.

Each of them has ``features(inputs)``, of shape (n, ``n_features``): what enters the last layer,
which is linear. Their weights are drawn from torch's own random numbers.
"""

from infotheory.learning.networks.building import NETWORK_FORMS, network
from infotheory.learning.networks.lenet import LeNet
from infotheory.learning.networks.mlp import MLP
from infotheory.learning.networks.resnet import (
    ResNet,
    resnet8x4,
    resnet20,
    resnet32,
    resnet32x4,
    resnet44,
    resnet56,
    resnet110,
)
from infotheory.learning.networks.wide_resnet import WideResNet, wrn_16_2, wrn_40_1, wrn_40_2

__all__ = [
    "MLP",
    "NETWORK_FORMS",
    "LeNet",
    "ResNet",
    "WideResNet",
    "network",
    "resnet8x4",
    "resnet20",
    "resnet32",
    "resnet32x4",
    "resnet44",
    "resnet56",
    "resnet110",
    "wrn_16_2",
    "wrn_40_1",
    "wrn_40_2",
]
