"""Trained networks at work on real pictures have the NCMI of their recorded logits."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation.exporting import decoded, export

from infotheory import measure_classifier
from infotheory.cli import main

FACTORIES = Path(__file__).parent.parent / "models" / "resnets.py"
N = 1000
NAMES = ("resnet20", "resnet32")


def factory(name: str) -> Any:
    spec = importlib.util.spec_from_file_location("resnets", FACTORIES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)()


def test_factories_and_exports_in_one_pass(data_dir: Path, tmp_path: Path) -> None:
    """Two networks, each as a module and as ONNX.

    Logits are reproduced to 1e-5 of their scale, in either direction; NCMI, a ratio of means of
    smooth functions of them, to the same.
    """
    for library in ("torch", "safetensors", "onnx", "onnxscript", "onnxruntime", "PIL"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    stored = np.load(data_dir / "cifar10_jpeg" / "cifar10_test_jpeg.npz")
    labels = stored["labels"][:N].astype(np.int64)
    np.savez(tmp_path / "cifar10.npz", images=decoded(stored, range(N)), labels=labels)
    arguments = ["--data", f"npz:{tmp_path / 'cifar10.npz'}", "--device", "cpu"]
    for name in NAMES:
        path = tmp_path / f"{name}.onnx"
        export(factory(name), path)
        arguments += ["--model", f"python:{FACTORIES}:{name}", "--model", f"onnx:{path}"]
    out = tmp_path / "out.json"
    assert main(["ncmi", *arguments, "--batch-size", "100", "--json", str(out)]) == 0
    found = {model["model"]: model for model in json.loads(out.read_text("utf-8"))["models"]}
    recorded = np.load(data_dir / "logits_cifar10_jpeg_resnet" / "logits_4resnets_on_jpeg.npz")
    assert np.array_equal(recorded["labels"][:N], labels)
    for name in NAMES:
        expected = measure_classifier(recorded[name][:N], labels)
        for spec in (f"python:{FACTORIES}:{name}", f"onnx:{tmp_path / name}.onnx"):
            model = found[spec]
            assert model["error"] == expected.error
            for quantity in ("cmi", "gamma", "ncmi", "cross_entropy"):
                assert model[quantity] == pytest.approx(getattr(expected, quantity), rel=1e-5)
