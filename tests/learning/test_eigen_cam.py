"""Eigen-CAM is the first singular vector of the last features, seen from the places."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed: no networks to look into")


@pytest.fixture(autouse=True)
def _seeded(torch: ModuleType) -> None:
    torch.manual_seed(0)


def cam(*args: Any, **options: Any) -> Any:
    from infotheory.learning.eigen_cam import eigen_cam

    return eigen_cam(*args, **options)


def given_back(scale: int) -> Any:
    """A network whose layer "0" gives the means of its inputs over squares of so many pixels."""
    import torch

    return torch.nn.Sequential(torch.nn.AvgPool2d(scale), torch.nn.Flatten())


def shown(features: Any, **options: Any) -> Any:
    """The maps of given features, at their own size."""
    import torch

    return cam(torch.nn.Identity(), features, "", **options)


def by_numpy(features: np.ndarray, centred: bool) -> np.ndarray:
    """The map of one image, (C, h, w), by the decomposition of numpy."""
    c, h, w = features.shape
    places = np.array([[features[k, i, j] for k in range(c)] for i in range(h) for j in range(w)])
    mean = places.mean(axis=0)
    used = places - mean if centred else places
    vector = np.linalg.svd(used)[2][0]
    if np.dot(mean, vector) < 0:
        vector = -vector
    values = np.array([max(np.dot(row, vector), 0.0) for row in used])
    return ((values - values.min()) / (values.max() - values.min())).reshape(h, w)


@given(
    seed=st.integers(0, 10**6),
    c=st.integers(1, 9),
    h=st.integers(1, 5),
    w=st.integers(2, 5),
    centred=st.booleans(),
    offset=st.sampled_from([-1.0, 0.0, 2.0]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_maps_are_those_of_numpy(
    torch: ModuleType, seed: int, c: int, h: int, w: int, centred: bool, offset: float
) -> None:
    """In float64: a singular vector is good to eps over the relative gap to the next one.

    Random matrices of this size have gaps above 1e-4 in all but one case of thousands, so 1e-9
    leaves four digits to spare.
    """
    features = offset + torch.randn(
        3, c, h, w, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    maps = shown(features, centred=centred)
    for one, image in zip(maps, features, strict=True):
        np.testing.assert_allclose(one, by_numpy(image.numpy(), centred), atol=1e-9)


def test_a_pattern_of_rank_one_is_its_own_map(torch: ModuleType) -> None:
    pattern = torch.tensor([[0.0, 1.0, 2.0], [4.0, 3.0, 1.0]])
    weights = torch.tensor([0.5, 2.0, 1.0, 0.0])
    features = weights[None, :, None, None] * pattern
    torch.testing.assert_close(shown(features)[0], pattern / 4.0)
    # What is negative at all places and in all features has its largest map where it is largest.
    torch.testing.assert_close(shown(-features)[0], pattern / 4.0)


def test_the_sign_follows_the_mean_feature(torch: ModuleType) -> None:
    """Two places with 3 v and one with -v: the sum is positive, and the place of -v is cut off."""
    v = torch.tensor([1.0, -2.0, 2.0])
    features = torch.stack([3 * v, -v, 3 * v], dim=1)[None, :, None]
    expected = torch.tensor([[1.0, 0.0, 1.0]])
    torch.testing.assert_close(shown(features)[0], expected)
    torch.testing.assert_close(shown(-features)[0], expected)
    # Centred: 4/3 v, -8/3 v, 4/3 v, and the mean is 5/3 v.
    torch.testing.assert_close(shown(features, centred=True)[0], expected)
    few = torch.stack([3 * v, 0 * v, 0 * v], dim=1)[None, :, None]
    torch.testing.assert_close(shown(few, centred=True)[0], torch.tensor([[1.0, 0.0, 0.0]]))


def test_features_that_are_not_negative_have_no_part_cut_off(torch: ModuleType) -> None:
    features = torch.rand(20, 5, 4, 4)
    places = features.flatten(2).mT
    vectors = torch.linalg.svd(places).Vh[:, 0]
    values = (places @ vectors[:, :, None])[..., 0].abs()
    expected = (values - values.amin(1, True)) / (values.amax(1, True) - values.amin(1, True))
    torch.testing.assert_close(
        shown(features).flatten(1), expected, rtol=0, atol=1e-4
    )  # float32, and gaps of a tenth at least


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.3, 1e-30, 1e15])
@pytest.mark.parametrize(("c", "side"), [(1, 4), (64, 7), (512, 7)])
def test_constant_features_have_a_map_of_zeros(
    torch: ModuleType, centred: bool, value: float, c: int, side: int
) -> None:
    features = value * torch.linspace(0.5, 1.0, c).view(1, c, 1, 1).expand(2, c, side, side)
    assert not shown(features, centred=centred).any()


@pytest.mark.parametrize("centred", [False, True])
def test_rounding_is_no_pattern(torch: ModuleType, centred: bool) -> None:
    """Features that differ by one unit in their last place, of a sum over 64 of them."""
    features = torch.linspace(0.5, 1.0, 64).view(1, 64, 1, 1).expand(2, 64, 5, 5).clone()
    features[:, ::3, ::2] *= 1.0 + 2.0**-23
    assert not shown(features, centred=centred).any()
    features[:, ::3, ::2] *= 1.001
    assert shown(features, centred=centred).any()


def test_maps_are_as_large_as_the_images(torch: ModuleType) -> None:
    network = given_back(4)
    images = torch.rand(3, 2, 16, 24)
    maps = cam(network, images, "0")
    assert maps.shape == (3, 16, 24)
    assert not maps.requires_grad
    small = torch.stack(
        [
            torch.from_numpy(by_numpy(image.double().numpy(), False))
            for image in torch.nn.functional.avg_pool2d(images, 4)
        ]
    )
    expected = torch.nn.functional.interpolate(
        small[:, None], scale_factor=4, mode="bilinear", align_corners=False
    )[:, 0]
    # The images are in [0, 1], so the first singular value stands far above the next.
    torch.testing.assert_close(maps.double(), expected, rtol=0, atol=1e-4)


def test_weights_of_the_interpolation_do_not_lead_beyond_one(torch: ModuleType) -> None:
    """Of six rows out of one and ten columns out of two, the weights of some sum to 1 + 2**-23."""
    images = torch.tensor([0.0, 1.0]).repeat_interleave(5).expand(1, 1, 6, 10)
    network = torch.nn.Sequential(torch.nn.AvgPool2d((6, 5)))
    assert float(cam(network, images, "0").max()) == 1.0


@given(seed=st.integers(0, 10**6), h=st.integers(1, 7), factor=st.integers(1, 5))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_maps_are_between_zero_and_one(torch: ModuleType, seed: int, h: int, factor: int) -> None:
    images = torch.randn(
        2, 3, h * factor, 3 * factor, generator=torch.Generator().manual_seed(seed)
    )
    maps = cam(given_back(factor), images, "0")
    assert float(maps.min()) >= 0.0
    assert float(maps.max()) <= 1.0


# --------------------------------------------------------------------------------------- the layers


def branching() -> Any:
    """Convolutions that run in another order than they are listed, one of them never."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second = torch.nn.Conv2d(4, 5, 1)
            self.first = torch.nn.Conv2d(3, 4, 1)
            self.unused = torch.nn.Conv2d(3, 2, 1)
            self.relu = torch.nn.ReLU(inplace=True)
            self.linear = torch.nn.Linear(5, 2)
            self.pair = torch.nn.Identity()

        def forward(self, images: Any) -> Any:
            features = self.relu(self.second(self.first(images)))
            self.pair((features, features))
            return self.linear(features.mean((2, 3)))

    return Network()


def test_the_convolution_that_runs_last_is_taken(torch: ModuleType) -> None:
    network = branching()
    images = torch.rand(2, 3, 6, 6)
    maps = cam(network, images)
    for same in ("second", network.second):
        assert torch.equal(maps, cam(network, images, same))
    with torch.no_grad():
        features = network.second(network.first(images))
    # Before the ReLU that works in place.
    assert (features < 0).any()
    torch.testing.assert_close(maps, shown(features))
    assert not torch.equal(maps, cam(network, images, "first"))
    torch.testing.assert_close(cam(network, images, "relu"), shown(features.relu()))


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet20", "layer3.2.conv2"),
        ("resnet8x4", "layer3.0.conv2"),
        ("wrn_16_2", "layer3.1.conv2"),
    ],
)
def test_in_residual_networks_it_is_not_a_shortcut(
    torch: ModuleType, name: str, layer: str
) -> None:
    from infotheory.learning.networks import network

    built = network(name, n_classes=3, input_shape=(1, 16, 16))
    images = torch.rand(2, 1, 16, 16)
    assert torch.equal(cam(built, images), cam(built, images, layer))


def test_preprocessing_and_precision(torch: ModuleType) -> None:
    network = branching()
    images = torch.rand(2, 3, 6, 6)
    mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([1.0, 2.0, 3.0])
    ready = (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    found = cam(network, images, preprocessing=(mean, std))
    torch.testing.assert_close(found, cam(network, ready))
    assert not torch.equal(found, cam(network, images))
    assert cam(network.double(), images).dtype == torch.float64
    half = cam(network.bfloat16(), images.bfloat16())
    assert half.dtype == torch.float32
    # Features have eight bits; what they decide is the map, to some per cent.
    assert float((half - cam(network.float(), images)).abs().max()) < 0.2


@pytest.mark.gpu
def test_a_device_gives_the_same_maps(torch: ModuleType) -> None:
    network, images = branching().double(), torch.rand(2, 3, 6, 6)
    expected = cam(network, images)
    found = cam(network.cuda(), images)
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=1e-9)


def hooks(network: Any) -> int:
    return sum(len(part._forward_hooks) for part in network.modules())


def test_the_network_is_left_as_it_was(torch: ModuleType) -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, 4, 1)
    )
    network[1].eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    first = cam(network, torch.rand(2, 3, 8, 8))
    assert first.shape == (2, 8, 8)
    assert [part.training for part in network.modules()] == [True, True, False, True]
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert hooks(network) == 0
    with pytest.raises(RuntimeError):
        cam(network, torch.rand(2, 2, 8, 8))
    assert hooks(network) == 0
    assert [part.training for part in network.modules()] == [True, True, False, True]


def test_refusals(torch: ModuleType) -> None:
    network, images = branching(), torch.rand(2, 3, 6, 6)
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 2))
    with pytest.raises(
        ValueError, match=r"network must have a convolution; got Sequential without"
    ):
        cam(plain, images)
    with pytest.raises(
        ValueError, match=r"a part of the network; got 'third'. Convolutions: second, first, unused"
    ):
        cam(network, images, "third")
    with pytest.raises(ValueError, match=r"got '2'. Convolutions: none"):
        cam(plain, images, "2")
    with pytest.raises(ValueError, match=r"that its forward pass uses; got 'unused'"):
        cam(network, images, "unused")
    with pytest.raises(ValueError, match=r"that its forward pass uses; got Conv2d"):
        cam(network, images, torch.nn.Conv2d(1, 1, 1))
    with pytest.raises(ValueError, match=r"of shape \(n, C, h, w\); got \(2, 2\) from 'linear'"):
        cam(network, images, "linear")
    with pytest.raises(ValueError, match=r"of shape \(n, C, h, w\); got tuple from 'pair'"):
        cam(network, images, "pair")
    with pytest.raises(
        ValueError, match=r"inputs must have shape \(n, channels, H, W\).*\(3, 6, 6\)"
    ):
        cam(network, images[0])
    with pytest.raises(ValueError, match=r"with n >= 1; got shape \(0, 3, 6, 6\)"):
        cam(network, images[:0])
    with pytest.raises(TypeError, match=r"inputs must be a tensor; got ndarray"):
        cam(network, images.numpy())
    with pytest.raises(TypeError, match=r"network must be a torch.nn.Module; got function"):
        cam(lambda x: x, images)
    with pytest.raises(ValueError, match=r"centred must be True or False; got 1"):
        cam(network, images, centred=1)
    with pytest.raises(ValueError, match=r"layer must be of finite features; got inf or nan in"):
        cam(network, images * torch.inf)


# --------------------------------------------------------------------------------------- the figure


def drawn(*args: Any, **options: Any) -> Any:
    module = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed")
    from infotheory.learning.eigen_cam import plot_eigen_cam

    figure = module.Figure(figsize=(4, 4), layout="constrained")
    assert plot_eigen_cam(*args, figure, **options) is figure
    return figure


def test_rows_are_images_and_columns_are_networks(torch: ModuleType) -> None:
    images = torch.rand(3, 3, 4, 6, requires_grad=True)
    maps = {"plain": torch.rand(3, 4, 6), "a long name" * 4: torch.rand(3, 4, 6)}
    figure = drawn(images, maps, row_names=["cat", "dog", 5], opacity=0.25)
    assert len(figure.axes) == 9
    grid = np.array(figure.axes).reshape(3, 3)
    assert [ax.get_title() for ax in grid[0]] == ["image", "plain", ("a long name" * 4)[:29] + "…"]
    assert {ax.get_title() for ax in grid[1:].flat} == {""}
    assert [ax.get_ylabel() for ax in grid[:, 0]] == ["cat", "dog", "5"]
    for row in range(3):
        expected = images[row].detach().permute(1, 2, 0).numpy()
        for ax in grid[row]:
            np.testing.assert_allclose(ax.images[0].get_array(), expected)
            assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
        for ax, values in zip(grid[row, 1:], maps.values(), strict=True):
            np.testing.assert_allclose(ax.images[1].get_array(), values[row].numpy())
            assert ax.images[1].get_alpha() == 0.25
            assert ax.images[1].get_clim() == (0.0, 1.0)
        assert len(grid[row, 0].images) == 1


def test_grey_images_in_a_new_figure(torch: ModuleType) -> None:
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    from infotheory.learning.eigen_cam import plot_eigen_cam

    figure = plot_eigen_cam(torch.rand(1, 1, 4, 6), {"a": torch.rand(1, 4, 6)})
    assert len(figure.axes) == 2
    image = figure.axes[0].images[0]
    assert image.get_array().shape == (4, 6)
    assert image.get_clim() == (0.0, 1.0)
    assert figure.axes[0].get_ylabel() == ""
    plt.close(figure)


def test_figures_refuse(torch: ModuleType) -> None:
    images, maps = torch.rand(2, 3, 4, 4), {"a": torch.rand(2, 4, 4)}
    with pytest.raises(
        ValueError, match=r"\(n, 1, H, W\) or \(n, 3, H, W\); got shape \(2, 2, 4, 4\)"
    ):
        drawn(images[:, :2], maps)
    with pytest.raises(
        ValueError, match=r"inputs must be in \[0, 1\]; got .* to 2\. Draw images as"
    ):
        drawn(torch.cat([images, torch.full((1, 3, 4, 4), 2.0)]), maps)
    with pytest.raises(
        ValueError, match=r"maps\['a'\] must have shape \(2, 4, 4\); got \(1, 4, 4\)"
    ):
        drawn(images, {"a": maps["a"][:1]})
    with pytest.raises(ValueError, match=r"row_names must be 2 names; got 1"):
        drawn(images, maps, row_names=["cat"])
