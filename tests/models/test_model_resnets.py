"""Four trained networks, as a factory and as ONNX, give the outputs that were recorded of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.model_support import outputs

from infotheory.models.opening import open_model

DEPTHS = (20, 32, 44, 56)
N = 200
FACTORIES = Path(__file__).with_name("resnets.py")


@pytest.fixture(scope="module")
def images(data_dir: Path) -> list[np.ndarray]:
    """The first images of the test set, decoded."""
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    stored = np.load(data_dir / "cifar10_jpeg" / "cifar10_test_jpeg.npz")
    blob, ends = stored["jpeg"], stored["offsets"]
    files = (io.BytesIO(blob[ends[i] : ends[i + 1]].tobytes()) for i in range(N))
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


@pytest.fixture(scope="module")
def recorded(data_dir: Path) -> Any:
    return np.load(data_dir / "logits_cifar10_jpeg_resnet" / "logits_4resnets_on_jpeg.npz")


def opened(depth: int) -> Any:
    for library in ("torch", "safetensors"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    return open_model(f"python:{FACTORIES}:resnet{depth}", device="cpu")


def check(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to 1e-5 of the largest logit of each row.

    All logits of a row are sums over the same 64 features, whose errors are those of float32
    (2**-24 = 6e-8) times the square root of the 16 * 9 to 64 * 9 terms of each convolution, 24 at
    most: 1.4e-6 of their scale a layer at worst, most of which the next normalisation keeps in
    proportion; another order of the sums has been seen to change them by up to 1.7e-5 at a scale
    of 30.
    """
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert np.abs((found - expected) / scale).max() < 1e-5
    assert np.array_equal(found.argmax(axis=1), expected.argmax(axis=1))


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_factory_reproduces_the_recorded_logits(
    depth: int, images: list[np.ndarray], recorded: Any
) -> None:
    model = opened(depth)
    assert model.name == f"resnet{depth}"
    check(outputs(model, images), recorded[f"resnet{depth}"][:N])


# The exporter uses what torch itself has given up, and names libraries that are not here.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("depth", DEPTHS)
def test_an_export_reproduces_the_recorded_logits(
    depth: int, images: list[np.ndarray], recorded: Any, tmp_path: Path
) -> None:
    for library in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    import torch

    model = opened(depth)
    program = torch.onnx.export(
        model.module,
        (torch.zeros(2, 3, 32, 32),),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("n")},),
        verbose=False,
        optimize=False,
    )
    program.model.metadata_props["infotheory.preprocessing"] = model._preprocess.to_json()
    program.save(tmp_path / f"resnet{depth}.onnx", external_data=depth == 56)
    exported = open_model(f"onnx:{tmp_path}/resnet{depth}.onnx", device="cpu")
    assert (exported.name, exported.n_outputs) == (f"resnet{depth}", 10)
    check(outputs(exported, images), recorded[f"resnet{depth}"][:N])
