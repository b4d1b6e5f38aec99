"""timm: and torchvision:, against small modules with the documented functions of these.

The libraries themselves cannot be installed beside every torch; where they are, the tests at the
end run them.
"""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from models.model_support import no_network, outputs

from infotheory.models.opening import open_model
from infotheory.models.preprocessing import Preprocessing

IMAGE = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    return pytest.importorskip("torch", reason="torch is not installed")


def network(torch: Any, n_outputs: int, seed: int) -> Any:
    """Means of the channels, and a linear head; a dropout that only evaluation leaves out."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Dropout(0.9),
            torch.nn.Linear(3, n_outputs),
        )  # fmt: skip


class Transform:
    """What a transform of torchvision does: a PIL image in, a tensor out."""

    def __init__(self, torch: Any, mean: float) -> None:
        self.torch, self.mean = torch, mean

    def __call__(self, image: Any) -> Any:
        from PIL import Image

        assert isinstance(image, Image.Image)
        assert image.mode == "RGB"
        pixels = self.torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)
        return pixels.float() / 255 - self.mean


def expected(module: Any, mean: float) -> np.ndarray:
    weight, bias = module[3].weight.detach().numpy(), module[3].bias.detach().numpy()
    return (IMAGE.mean(axis=(0, 1)) / 255 - mean) @ weight.T + bias


# -------------------------------------------------------------------------------------------- timm

SYNSETS = ["n01440764", "n01443537", "n01484850", "n01491361"]


@pytest.fixture
def timm(torch: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A timm with four models: on this machine, not on it, without a head, and one of the hub."""
    fake, data = ModuleType("timm"), ModuleType("timm.data")
    fake.made = []
    known = ("small", "far_away", "backbone", "hf-hub:me/mine")

    def create_model(model_name: str, pretrained: bool = False, **kwargs: Any) -> Any:
        fake.made.append((model_name, pretrained, kwargs))
        config = {"num_classes": 4, "input_size": (3, 6, 8), "mean": 0.25, "label_names": None}
        if pretrained and model_name == "far_away":
            torch.hub.load_state_dict_from_url("https://example.org/far_away.pth")
        if model_name.startswith("hf-hub:"):
            config |= {"source": "hf-hub", "label_names": ["a", "b", "c", "d"]}
        n_outputs = kwargs.get("num_classes", 4)
        module = network(torch, n_outputs, seed=2)
        module.num_classes = 0 if model_name == "backbone" else n_outputs
        module.pretrained_cfg = config
        return module

    def create_transform(*, input_size: Any, mean: float, is_training: bool) -> Any:
        assert not is_training
        return Transform(torch, mean)

    class ImageNetInfo:
        def __init__(self, subset: str) -> None:
            assert subset == "of-four"

        def label_names(self) -> list[str]:
            return SYNSETS

    def resolve_model_data_config(model: Any) -> dict[str, Any]:
        return {name: model.pretrained_cfg[name] for name in ("input_size", "mean")}

    fake.create_model = create_model
    fake.is_model = lambda name: name in known
    data.resolve_model_data_config = resolve_model_data_config
    data.create_transform = create_transform
    data.infer_imagenet_subset = lambda model: "of-four" if model.num_classes == 4 else None
    data.ImageNetInfo = ImageNetInfo
    fake.data = data
    monkeypatch.setitem(sys.modules, "timm", fake)
    monkeypatch.setitem(sys.modules, "timm.data", data)
    return fake


def test_a_model_of_timm_has_its_own_preprocessing_and_names(torch: Any, timm: Any) -> None:
    with no_network():
        model: Any = open_model("timm:small", device="cpu")
    assert timm.made == [("small", True, {})]
    assert (model.name, model.n_outputs, model.class_names) == ("small", 4, tuple(SYNSETS))
    assert not model.module.training
    found = outputs(model, [IMAGE, IMAGE])
    np.testing.assert_allclose(found, [expected(model.module, 0.25)] * 2, rtol=0, atol=1e-6)
    hub = open_model("timm:hf-hub:me/mine", device="cpu")
    assert (hub.name, hub.class_names) == ("hf-hub:me/mine", ("a", "b", "c", "d"))


def test_a_preprocessing_of_ones_own_takes_its_place(timm: Any) -> None:
    model: Any = open_model("timm:small?mean=0.5", device="cpu")
    np.testing.assert_allclose(
        outputs(model, [IMAGE])[0], expected(model.module, 0.5), rtol=0, atol=1e-6
    )


def test_weights_from_a_file_decide_the_number_of_classes(
    torch: Any, timm: Any, tmp_path: Path
) -> None:
    save = pytest.importorskip("safetensors.torch", reason="no safetensors").save_file
    for n_outputs in (4, 7):
        own = network(torch, n_outputs, seed=9)
        save(own.state_dict(), tmp_path / "w.safetensors")
        model: Any = open_model(f"timm:small?weights={tmp_path}/w.safetensors", device="cpu")
        assert (model.n_outputs, model.class_names) == (n_outputs, None)
        np.testing.assert_allclose(
            outputs(model, [IMAGE])[0], expected(own, 0.25), rtol=0, atol=1e-6
        )
    assert timm.made == [
        ("small", False, {}), ("small", False, {}), ("small", False, {"num_classes": 7}),
    ]  # fmt: skip


def test_what_timm_does_not_have_is_refused(timm: Any) -> None:
    with pytest.raises(ValueError, match=r"timm knows; got 'resnet5'\. timm.list_models\("):
        open_model("timm:resnet5")
    with pytest.raises(ValueError, match="classification head; got 'backbone', whose num_classes"):
        open_model("timm:backbone")
    with no_network(), pytest.raises(ValueError, match="nothing is downloaded unasked") as caught:
        open_model("timm:far_away")
    assert "got 'far_away', which is not (ConnectionError: the network is not used)" in str(
        caught.value
    )


# ------------------------------------------------------------------------------------- torchvision


@pytest.fixture
def torchvision(torch: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A torchvision with one model, and two sets of weights, one of which is not here."""
    fake, models = ModuleType("torchvision"), ModuleType("torchvision.models")

    @dataclass
    class Weights:
        url: str
        transforms: Any
        meta: dict[str, Any]

    class Small_Weights(enum.Enum):  # noqa: N801 - as they are called there
        IMAGENET1K_V1 = Weights(
            "https://example.org/one.pth", lambda: Transform(torch, 0.5), {"categories": ["a", "b"]}
        )
        IMAGENET1K_V2 = Weights(
            "https://example.org/two.pth",
            lambda: Transform(torch, 0.125),
            {"categories": ["c", "d"]},
        )
        DEFAULT = IMAGENET1K_V2

        def __getattr__(self, name: str) -> Any:
            if name in ("url", "transforms", "meta"):
                return getattr(self.value, name)
            raise AttributeError(name)

    def get_model_weights(name: str) -> Any:
        if name.lower() != "small":
            raise ValueError(f"Unknown model {name}")
        return Small_Weights

    def get_model(name: str, *, weights: Any = None, **config: Any) -> Any:
        if weights is Small_Weights.IMAGENET1K_V1:
            torch.hub.load_state_dict_from_url(weights.url, progress=True)
        return network(torch, config.get("num_classes", 2), seed=4)

    models.get_model_weights, models.get_model = get_model_weights, get_model
    monkeypatch.setitem(sys.modules, "torchvision", fake)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return models


@pytest.mark.parametrize("query", ["", "?weights=IMAGENET1K_V2", "?weights=DEFAULT",
                                   "?weights=Small_Weights.IMAGENET1K_V2"])  # fmt: skip
def test_weights_of_torchvision_bring_preprocessing_and_names(torchvision: Any, query: str) -> None:
    with no_network():
        model: Any = open_model(f"torchvision:small{query}", device="cpu")
    assert (model.name, model.class_names, model.n_outputs) == ("small", ("c", "d"), 2)
    found = outputs(model, [IMAGE])[0]
    np.testing.assert_allclose(found, expected(model.module, 0.125), rtol=0, atol=1e-6)


def test_a_file_of_weights_for_torchvision(torch: Any, torchvision: Any, tmp_path: Path) -> None:
    own = network(torch, 5, seed=6)
    torch.save(own.state_dict(), tmp_path / "w.pth")
    model: Any = open_model(f"torchvision:small?weights={tmp_path}/w.pth", device="cpu")
    found = outputs(model, [IMAGE])[0]
    assert model.class_names is None
    np.testing.assert_allclose(found, expected(own, 0.125), rtol=0, atol=1e-6)


def test_what_torchvision_does_not_have_is_refused(torchvision: Any) -> None:
    with pytest.raises(ValueError, match="that torchvision knows; got 'large'"):
        open_model("torchvision:large")
    with pytest.raises(ValueError, match="one of IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT, or a file"):
        open_model("torchvision:small?weights=V3")
    with no_network(), pytest.raises(ValueError, match="nothing is downloaded unasked") as caught:
        open_model("torchvision:small?weights=IMAGENET1K_V1")
    assert "got 'small', which is not (ConnectionError" in str(caught.value)


def test_downloads_happen_where_they_are_asked_for(
    torch: Any, torchvision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def urlopen(request: Any) -> Any:
        asked.append(request.full_url)
        raise ConnectionError("unplugged")

    monkeypatch.setattr(torch.hub, "urlopen", urlopen)
    with pytest.raises(ValueError, match=r"can load; got 'small' \(ConnectionError: unplugged\)"):
        open_model("torchvision:small?weights=IMAGENET1K_V1", download=True)
    assert asked == ["https://example.org/one.pth"]
    assert torch.hub.urlopen is urlopen


# ----------------------------------------------------------------------------- the real libraries


def test_the_real_timm(torch: Any, tmp_path: Path) -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed", exc_type=ImportError)
    save = pytest.importorskip("safetensors.torch", reason="no safetensors").save_file
    module = timm.create_model("resnet10t", pretrained=False, num_classes=5).eval()
    save(module.state_dict(), tmp_path / "w.safetensors")
    with no_network():
        model = open_model(f"timm:resnet10t?weights={tmp_path}/w.safetensors", device="cpu")
    config = timm.data.resolve_model_data_config(module)
    transform = timm.data.create_transform(**config, is_training=False)
    from PIL import Image

    with torch.no_grad():
        logits = module(transform(Image.fromarray(IMAGE))[None]).numpy()
    np.testing.assert_allclose(outputs(model, [IMAGE]), logits, rtol=0, atol=1e-4)
    with no_network(), pytest.raises(ValueError, match="nothing is downloaded unasked"):
        open_model("timm:resnet10t")


def test_the_real_torchvision(torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = pytest.importorskip(
        "torchvision.models", reason="torchvision is not installed", exc_type=ImportError
    )
    module = models.get_model("resnet18", weights=None, num_classes=5).eval()
    torch.save(module.state_dict(), tmp_path / "w.pth")
    with no_network():
        model = open_model(f"torchvision:resnet18?weights={tmp_path}/w.pth", device="cpu")
    from PIL import Image

    transform = models.get_model_weights("resnet18").DEFAULT.transforms()
    with torch.no_grad():
        logits = module(transform(Image.fromarray(IMAGE))[None]).numpy()
    np.testing.assert_allclose(outputs(model, [IMAGE]), logits, rtol=0, atol=1e-4)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with no_network(), pytest.raises(ValueError, match="nothing is downloaded unasked"):
        open_model("torchvision:resnet18")


def test_our_preprocessing_equals_the_real_one(torch: Any) -> None:
    transforms = pytest.importorskip(
        "torchvision.transforms", reason="torchvision is not installed", exc_type=ImportError
    )
    from PIL import Image

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    for shape, size, crop in (((60, 90), 32, 28), ((31, 77), (40, 20), (48, 17)), ((9, 9), 5, 8)):
        pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
        real = transforms.Compose(
            [
                transforms.Resize(size),
                transforms.CenterCrop(crop),
                transforms.ToTensor(),
                transforms.Normalize(mean, std),
            ]
        )
        ours = Preprocessing(size=size, crop=crop, mean=mean, std=std)(pixels)
        np.testing.assert_array_equal(ours, real(Image.fromarray(pixels)).numpy())
