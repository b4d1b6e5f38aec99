"""Networks by their name: ours, a factory of the user's, those of timm and torchvision."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from learning.published_networks import OTHERS, RESNETS, networks

pytest.importorskip("torch", reason="torch is not installed: no networks")

pytestmark = pytest.mark.usefixtures("seeded")


# ----------------------------------------------------------------------------------- by their name


@pytest.mark.parametrize(
    ("name", "kind", "features"),
    [
        ("linear", "MLP", 784),
        ("mlp:64,32", "MLP", 32),
        ("mlp:64?dropout=0.25", "MLP", 64),
        ("lenet", "LeNet", 84),
        ("resnet20", "ResNet", 64),
        ("wrn_40_1", "WideResNet", 64),
    ],
)
def test_names_build_networks(torch: ModuleType, name: str, kind: str, features: int) -> None:
    network = networks().network(name, n_classes=4, input_shape=(1, 28, 28))
    assert type(network).__name__ == kind
    assert network.n_features == features
    assert network.training
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 4)
    rates = [part.p for part in network.modules() if isinstance(part, torch.nn.Dropout)]
    assert rates == ([0.25] if "dropout" in name else [])


def test_every_listed_name_is_known() -> None:
    forms = networks().NETWORK_FORMS
    plain = [form for form in forms if ":" not in form]
    assert set(plain) == {"linear", "lenet", *RESNETS, *OTHERS}
    for name in plain:
        networks().network(name, n_classes=2, input_shape=(3, 32, 32))


FACTORY = """
import torch

def plain():
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.BatchNorm1d(4), torch.nn.Dropout(), torch.nn.Linear(4, 3)
    )

def with_more():
    return plain().eval(), {"mean": 0.5}

def narrow():
    return torch.nn.Linear(4, 2)

def double():
    return torch.nn.Linear(4, 3).double()

def frozen():
    module = plain()
    module[1].eval()
    return module

def number():
    return 3
"""


def test_a_factory_of_the_user(torch: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(FACTORY, encoding="utf-8")

    def built(name: str) -> Any:
        return networks().network(f"python:{file}:{name}", n_classes=3, input_shape=(4,))

    network = built("plain")
    assert network.training
    assert network[2].training
    assert (network[1].num_batches_tracked == 0).all()  # being tried has left no trace
    assert not built("with_more").training
    assert built("double").weight.dtype == torch.float64
    frozen = built("frozen")
    assert (frozen.training, frozen[1].training, frozen[2].training) == (True, False, True)
    with pytest.raises(
        ValueError, match=r"outputs of shape \(n, 3\); got \(2, 2\) for two samples"
    ):
        built("narrow")
    with pytest.raises(TypeError, match=r"must be a torch.nn.Module; got int from 'python:"):
        built("number")
    with pytest.raises(
        ValueError, match=r"input_shape must be one that 'python:.*; got \(5,\) \(Run"
    ):
        networks().network(f"python:{file}:plain", n_classes=3, input_shape=(5,))
    with pytest.raises(ValueError, match=r"without options that python: does not have"):
        networks().network(f"python:{file}:plain?depth=3", n_classes=3, input_shape=(4,))


class FakeTimm(ModuleType):
    """What is used of timm."""

    def __init__(self) -> None:
        super().__init__("timm")
        self.asked: dict[str, Any] = {}

    def create_model(self, name: str, **options: Any) -> Any:
        import torch

        if name != "small":
            raise RuntimeError(f"Unknown model ({name})")
        self.asked = options
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(options["num_classes"]))


# The lazy layer says that it is new to torch.
@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
def test_networks_of_timm(torch: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    timm = FakeTimm()
    monkeypatch.setitem(sys.modules, "timm", timm)
    network = networks().network("timm:small", n_classes=6, input_shape=(3, 8, 8))
    assert timm.asked == {"num_classes": 6, "in_chans": 3}
    assert network(torch.rand(2, 3, 8, 8)).shape == (2, 6)
    with pytest.raises(
        ValueError, match=r"that timm can make; got 'timm:huge' \(RuntimeError: Unkn"
    ):
        networks().network("timm:huge", n_classes=6, input_shape=(3, 8, 8))


class FakeTorchvisionModels(ModuleType):
    """What is used of torchvision."""

    def get_model(self, name: str, *, weights: Any, num_classes: int) -> Any:
        import torch

        assert weights is None
        if name != "small":
            raise ValueError(f"Unknown model {name}")
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64, num_classes))


def test_networks_of_torchvision(torch: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(
        sys.modules, "torchvision.models", FakeTorchvisionModels("torchvision.models")
    )
    network = networks().network("torchvision:small", n_classes=6, input_shape=(3, 8, 8))
    assert network(torch.rand(2, 3, 8, 8)).shape == (2, 6)
    with pytest.raises(ValueError, match=r"input_shape must be one that 'torchvision:small' takes"):
        networks().network("torchvision:small", n_classes=6, input_shape=(3, 9, 9))
    with pytest.raises(ValueError, match=r"torchvision.models.list_models\(\) lists them"):
        networks().network("torchvision:huge", n_classes=6, input_shape=(3, 8, 8))


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("resnet21", (3, 32, 32), r"network must be one of linear, mlp:WIDTH.*; got 'resnet21'"),
        ("mlp:", (4,), r"network must be mlp:WIDTH,WIDTH,...; got 'mlp:'"),
        ("mlp:8,x", (4,), r"network must be of the form mlp:256,128 or .*; got 'mlp:8,x'"),
        ("mlp:8?dropout=x", (4,), r"of the form mlp:256,128 or mlp:256,128\?dropout=0\.2; got"),
        ("mlp:8?dropout=", (4,), r"of the form mlp:256,128 or .*; got .mlp:8.dropout=.\."),
        ("mlp:8?dropout=1", (4,), r"dropout must be a number in \[0, 1\); got 1\.0"),
        ("mlp:8?width=1", (4,), r"without options that mlp: does not have; got 'width'"),
        ("mlp:0", (4,), r"widths\[0\] must be a positive integer"),
        ("resnet20", (784,), r"must be \(channels, height, width\) for resnet20.*; got \(784,\)"),
        ("lenet", (1, 28, 30), r"input_shape must be square for lenet; got 28 x 30"),
        ("lenet", (1, 8, 8), r"size must be at least 12; got 8\. Use an MLP"),
        ("linear", (), r"input_shape must be the shape of one sample; got \(\)"),
        ("linear", (4, 0), r"input_shape\[1\] must be a positive integer"),
    ],
)
def test_names_and_shapes_that_do_not_fit(name: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        networks().network(name, n_classes=3, input_shape=shape)
