"""NCMI of four trained networks at work, as torch modules and as ONNX, against recorded logits.

    python benchmarks/pretrained.py             the four ResNets on all 10,000 pictures
    python benchmarks/pretrained.py --rows 500  on the first so many
    python benchmarks/pretrained.py --save      also write benchmarks/results/pretrained.json

The networks are ``python:tests/models/resnets.py:resnet20`` and so on; the pictures, the weights
and the logits that were recorded once, by a plain loop in torch, are in the folder INFOTHEORY_DATA.
All eight go through the command line in one pass over the data.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from loading import loaded
from timing import machine

import infotheory
from infotheory.cli import main

ROOT = Path(__file__).parent.parent
FACTORIES = Path("tests") / "models" / "resnets.py"
RESULTS = Path(__file__).parent / "results" / "pretrained.json"
NAMES = ("resnet20", "resnet32", "resnet44", "resnet56")
QUANTITIES = ("error", "cmi", "gamma", "ncmi", "cross_entropy")
GOAL = 1e-5


def measured(specs: dict[str, str], images: Path, folder: Path) -> tuple[dict[str, Any], float]:
    """Run the command, and return its models by spec, and the seconds it took."""
    arguments = [word for spec in specs.values() for word in ("--model", spec)]
    out = folder / "out.json"
    start = time.perf_counter()
    options = ["--batch-size", "100", "--device", "cpu", "--interval", "jackknife"]
    options += ["--save-outputs", str(folder / "outputs"), "--json", str(out)]
    assert main(["ncmi", *arguments, "--data", f"npz:{images}", *options]) == 0
    taken = time.perf_counter() - start
    models = json.loads(out.read_text(encoding="utf-8"))["models"]
    return {model["model"]: model for model in models}, taken


def compared(
    specs: dict[str, str], found: dict[str, Any], recorded: Any, labels: np.ndarray, outputs: Path
) -> list[dict[str, Any]]:
    """Return a row a model: its numbers, and how far they are from those of the recorded logits."""
    from infotheory.evaluation.outputs import file_names

    files = file_names(model["name"] for model in found.values())
    rows = []
    for spec in specs.values():
        model = found[spec]
        name = spec.rpartition(":")[2].rpartition("/")[2].removesuffix(".onnx")
        old = recorded[name][: len(labels)]
        expected = infotheory.measure_classifier(old, labels)
        new = np.load(outputs / f"{files[model['name']]}.npy")
        scale = np.abs(old).max(axis=1, keepdims=True)
        rows.append(
            {
                "model": name,
                "form": spec.partition(":")[0],
                **{quantity: model[quantity] for quantity in QUANTITIES},
                "ncmi_interval": [model["intervals"]["ncmi"][end] for end in ("low", "high")],
                "ncmi_recorded": expected.ncmi,
                "relative_difference": abs(model["ncmi"] / expected.ncmi - 1.0),
                "largest_difference_of_logits": float(np.abs((new - old) / scale).max()),
                "same_decisions": bool(np.array_equal(new.argmax(1), old.argmax(1))),
            }
        )
    return rows


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    if "INFOTHEORY_DATA" not in os.environ:
        print("INFOTHEORY_DATA is not set: the pictures and weights are not at hand")
        return 1
    data = Path(os.environ["INFOTHEORY_DATA"])
    os.chdir(ROOT)
    exporting = loaded(Path("tests") / "evaluation" / "exporting.py")
    resnets = loaded(FACTORIES)
    stored = np.load(data / "cifar10_jpeg" / "cifar10_test_jpeg.npz")
    recorded = np.load(data / "logits_cifar10_jpeg_resnet" / "logits_4resnets_on_jpeg.npz")
    labels = stored["labels"][: arguments.rows].astype(np.int64)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images = folder / "cifar10.npz"
        np.savez(images, images=exporting.decoded(stored, range(len(labels))), labels=labels)
        specs = {}
        for name in NAMES:
            exporting.export(getattr(resnets, name)(), folder / f"{name}.onnx")
            specs[f"python {name}"] = f"python:{FACTORIES}:{name}"
            specs[f"onnx {name}"] = f"onnx:{folder / name}.onnx"
        found, taken = measured(specs, images, folder)
        rows = compared(specs, found, recorded, labels, folder / "outputs")
    for row in rows:
        print(
            f"{row['model']} {row['form']:7}NCMI {row['ncmi']:.9f}, recorded "
            f"{row['ncmi_recorded']:.9f}, relative difference {row['relative_difference']:.1e}; "
            f"logits differ by {row['largest_difference_of_logits']:.1e} of their scale at most"
        )
    worst = max(row["relative_difference"] for row in rows)
    met = worst <= GOAL and all(row["same_decisions"] for row in rows)
    print(f"{len(labels):,} pictures, {taken:.0f} s; goal {GOAL:g}: {'met' if met else 'missed'}")
    if arguments.save:
        content = {
            "command": f"python benchmarks/pretrained.py {' '.join(sys.argv[1:])}".strip(),
            "machine": machine(),
            "rows": len(labels),
            "seconds": round(taken, 1),
            "goal": GOAL,
            "models": rows,
        }
        RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(run())
