"""Four trained networks, as a factory and as ONNX, give the outputs that were recorded of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation.exporting import decoded, export
from models.model_support import outputs

from infotheory.models.opening import open_model

DEPTHS = (20, 32, 44, 56)
N = 200
FACTORIES = Path(__file__).with_name("resnets.py")


@pytest.fixture(scope="module")
def images(data_dir: Path) -> list[np.ndarray]:
    """The first images of the test set, decoded."""
    pytest.importorskip("PIL", reason="Pillow is not installed")
    return list(decoded(np.load(data_dir / "cifar10_jpeg" / "cifar10_test_jpeg.npz"), range(N)))


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


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_export_reproduces_the_recorded_logits(
    depth: int, images: list[np.ndarray], recorded: Any, tmp_path: Path
) -> None:
    for library in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    model = opened(depth)
    path = tmp_path / f"resnet{depth}.onnx"
    export((model.module, model._preprocess), path, external_data=depth == 56)
    exported = open_model(f"onnx:{path}", device="cpu")
    assert (exported.name, exported.n_outputs) == (f"resnet{depth}", 10)
    check(outputs(exported, images), recorded[f"resnet{depth}"][:N])
