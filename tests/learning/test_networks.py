"""The networks have the sizes, shapes and names that the literature gives them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from learning.published_networks import OTHERS, RESNETS, networks

pytest.importorskip("torch", reason="torch is not installed: no networks")

pytestmark = pytest.mark.usefixtures("seeded")

QUICK = ("resnet20", "resnet8x4", "wrn_16_2", "wrn_40_1")


def size(network: Any) -> int:
    return sum(weight.numel() for weight in network.parameters())


def counted(depth: int, c: int) -> int:
    """Weights of an option-A ResNet: convolutions, two numbers a normalised channel, the head."""
    k = (depth - 2) // 6
    widths = [3, 16] + [16] * 2 * k + [32] * 2 * k + [64] * 2 * k
    convolutions = sum(9 * a * b for a, b in pairwise(widths))
    return convolutions + 2 * sum(widths[1:]) + 64 * c + c


@pytest.mark.parametrize(("name", "expected"), RESNETS.items())
def test_resnets_have_the_published_sizes(name: str, expected: int) -> None:
    network = getattr(networks(), name)()
    assert size(network) == expected == counted(int(name.removeprefix("resnet")), 10)
    assert network.n_features == 64


@pytest.mark.parametrize(("name", "expected"), OTHERS.items())
def test_networks_of_distillation_have_the_published_sizes(name: str, expected: int) -> None:
    network = getattr(networks(), name)(n_classes=100)
    assert size(network) == expected
    assert network.n_features == {"r": 256, "w": 64 * int(name[-1])}[name[0]]


def test_small_networks_have_the_known_sizes() -> None:
    assert size(networks().LeNet()) == 61_706  # LeCun et al., with 10 classes
    assert size(networks().LeNet(10, 3, 32)) == 62_006
    assert size(networks().MLP(784, [300, 100], 10)) == 784 * 300 + 300 + 30_100 + 1_010
    assert size(networks().MLP(64, [], 10)) == 650


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize(("channels", "side"), [(3, 32), (1, 28), (2, 15)])
def test_shapes_for_images(torch: ModuleType, name: str, channels: int, side: int) -> None:
    network = getattr(networks(), name)(n_classes=7, channels=channels).eval()
    images = torch.rand(2, channels, side, side)
    with torch.no_grad():
        features, logits = network.features(images), network(images)
    assert features.shape == (2, network.n_features)
    assert logits.shape == (2, 7)
    torch.testing.assert_close(logits, network.linear(features))
    assert (features >= 0).all()  # means behind a ReLU


@pytest.mark.parametrize("name", QUICK)
def test_two_of_three_stages_halve_the_image(torch: ModuleType, name: str) -> None:
    network = getattr(networks(), name)().eval()
    sides = []
    with torch.no_grad():
        found = network.conv1(torch.rand(1, 3, 32, 32))
        for stage in (network.layer1, network.layer2, network.layer3):
            found = stage(found)
            sides.append(tuple(found.shape[2:]))
    assert sides == [(32, 32), (16, 16), (8, 8)]


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32), (1, 12), (2, 40)])
def test_shapes_of_lenet(torch: ModuleType, channels: int, side: int) -> None:
    network = networks().LeNet(5, channels, side)
    images = torch.rand(2, channels, side, side)
    assert network(images).shape == (2, 5)
    assert network.features(images).shape == (2, network.n_features) == (2, 84)


def test_a_margin_lets_images_of_28_be_seen_as_if_of_32(torch: ModuleType) -> None:
    small = networks().LeNet()
    large = networks().LeNet(size=32)
    large.load_state_dict(small.state_dict())
    images = torch.rand(2, 1, 28, 28)
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    torch.testing.assert_close(small(images), large(padded))


def test_a_perceptron_is_what_its_layers_say(torch: ModuleType) -> None:
    network = networks().MLP(6, [5, 4], 3).double()
    inputs = torch.rand(7, 2, 3, dtype=torch.float64)
    first, second = (part for part in network.hidden if isinstance(part, torch.nn.Linear))
    hidden = (inputs.reshape(7, 6) @ first.weight.T + first.bias).clamp(min=0)
    hidden = (hidden @ second.weight.T + second.bias).clamp(min=0)
    torch.testing.assert_close(network.features(inputs), hidden)
    torch.testing.assert_close(
        network(inputs), hidden @ network.linear.weight.T + network.linear.bias
    )
    linear = networks().MLP(6, [], 3).double()
    torch.testing.assert_close(linear.features(inputs), inputs.reshape(7, 6))
    assert linear.n_features == 6


def test_dropout_is_for_training(torch: ModuleType) -> None:
    inputs = torch.rand(4, 8)
    images = torch.rand(2, 3, 8, 8)
    for network, given in (
        (networks().MLP(8, [64], 3, dropout=0.5), inputs),
        (networks().WideResNet(10, 1, dropout=0.5), images),
    ):
        assert not torch.equal(network(given), network(given))
        network.eval()
        assert torch.equal(network(given), network(given))


@pytest.mark.parametrize("name", [*QUICK, "lenet", "mlp:8"])
def test_gradients_reach_every_weight(torch: ModuleType, name: str) -> None:
    network = networks().network(name, n_classes=3, input_shape=(1, 16, 16))
    loss = torch.nn.functional.cross_entropy(network(torch.rand(6, 1, 16, 16)), torch.arange(6) % 3)
    loss.backward()
    for weight in network.parameters():
        assert weight.grad is not None
        assert weight.grad.isfinite().all()
        assert weight.grad.any()


def test_zeros_make_the_shortcut_of_another_shape(torch: ModuleType) -> None:
    """With convolutions of weight zero a block leaves its shortcut, and that is written out."""
    block = networks().ResNet(8).layer2[0].eval()
    for part in (block.conv1, block.conv2):
        torch.nn.init.zeros_(part.weight)
    images = torch.rand(2, 16, 7, 7)
    found = block(images)
    assert found.shape == (2, 32, 4, 4)
    expected = torch.zeros(2, 32, 4, 4)
    for i in range(4):
        for j in range(4):
            expected[:, 8:24, i, j] = images[:, :, 2 * i, 2 * j]
    torch.testing.assert_close(found, expected)


def test_an_odd_number_of_missing_channels(torch: ModuleType) -> None:
    network = networks().ResNet(8, widths=(4, 7, 7, 9)).eval()
    assert network(torch.rand(2, 3, 8, 8)).shape == (2, 10)
    assert network.layer2[0]._short(torch.rand(2, 7, 8, 8)).shape == (2, 7, 4, 4)
    assert network.layer1[0]._short(torch.rand(2, 4, 8, 8)).shape == (2, 7, 8, 8)


def test_a_wide_block_starts_its_shortcut_behind_the_normalisation(torch: ModuleType) -> None:
    from torch.nn.functional import relu

    network = networks().WideResNet(10, 2).eval()
    changing, keeping = network.layer2[0], networks().WideResNet(16, 2).eval().layer2[1]
    for block, images in (
        (changing, torch.randn(2, 32, 8, 8)),
        (keeping, torch.randn(2, 64, 4, 4)),
    ):
        torch.nn.init.zeros_(block.conv2.weight)
        expected = images
        if block is changing:
            expected = block.shortcut(relu(block.bn1(images)))
        torch.testing.assert_close(block(images), expected)


def test_weights_are_drawn_from_the_random_numbers_of_torch(torch: ModuleType) -> None:
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(networks().resnet20())
    first, again, other = (network.state_dict() for network in drawn)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


@pytest.mark.parametrize("name", ["resnet20", "wrn_16_2"])
def test_convolutions_start_with_the_variance_of_he(torch: ModuleType, name: str) -> None:
    """The variance is 2 / (9 outputs); that of m normal draws has a deviation of sqrt(2 / m)."""
    network = getattr(networks(), name)()
    weight = network.layer3[0].conv1.weight.detach()
    assert weight.shape[0] == 2 * weight.shape[1]
    expected = 2.0 / (9 * weight.shape[0])
    assert float(weight.var()) == pytest.approx(expected, rel=5.0 * (2.0 / weight.numel()) ** 0.5)


@pytest.mark.parametrize("depth", [20, 32, 44, 56])
def test_given_weights_fit_by_name(data_dir: Path, depth: int) -> None:
    load_file = pytest.importorskip(
        "safetensors.torch", reason="safetensors is not installed"
    ).load_file
    weights = load_file(data_dir / "weights_cifar10_resnet" / f"cifar10_resnet{depth}.safetensors")
    network = getattr(networks(), f"resnet{depth}")()
    assert list(network.load_state_dict(weights, strict=True)) == [[], []]
    own = network.state_dict()
    assert all((own[name] == weights[name]).all() for name in weights)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda n: n.ResNet(21), r"depth must be 6 k \+ 2 for some k >= 1; got 21"),
        (lambda n: n.ResNet(2), r"depth must be 6 k \+ 2 for some k >= 1; got 2"),
        (lambda n: n.ResNet(20, widths=(16, 32, 64)), r"widths must be four numbers.*; got 3"),
        (
            lambda n: n.ResNet(20, widths=(16, 16, 8, 64)),
            r"in increasing order with shortcut='zeros'; got \(16, 16, 8, 64\)",
        ),
        (lambda n: n.ResNet(20, shortcut="A"), r"shortcut must be one of 'zeros', 'convolution'"),
        (lambda n: n.ResNet(20, 0), r"n_classes must be a positive integer"),
        (lambda n: n.WideResNet(20, 2), r"depth must be 6 k \+ 4 for some k >= 1; got 20"),
        (lambda n: n.WideResNet(4, 2), r"depth must be 6 k \+ 4 for some k >= 1; got 4"),
        (lambda n: n.WideResNet(16, 0), r"width must be a positive integer"),
        (lambda n: n.WideResNet(16, 2, dropout=-0.1), r"dropout must be a number in \[0, 1\)"),
        (lambda n: n.MLP(4, [3], 2, dropout=float("nan")), r"dropout must be a number in \[0, 1\)"),
    ],
)
def test_sizes_that_there_are_not(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(networks())


def test_decreasing_widths_are_for_convolutions(torch: ModuleType) -> None:
    network = networks().ResNet(8, widths=(16, 8, 8, 4), shortcut="convolution").eval()
    assert network(torch.rand(2, 3, 8, 8)).shape == (2, 10)
