"""The command that trains: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

from infotheory.cli import main

RECIPE = """
title = "Two clouds"
procedure = "cmic"
network = "mlp:8"
[data]
source = "npz:points.npz"
validation = 0.2
test = 0.2
[loss]
lam = 0.3
beta = 0.2
[settings]
epochs = 3
batch_size = 16
lr = 0.1
device = "cpu"
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    points = rng.normal(size=(100, 3)).astype(np.float32) + 2.0 * labels[:, None].astype(np.float32)
    np.savez(tmp_path / "points.npz", samples=points, labels=labels)
    path = tmp_path / "clouds.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_it_prints_the_measured_result(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out, plot = tmp_path / "run", tmp_path / "out.json", tmp_path / "out.png"
    command = ["train", str(recipe), "--folder", str(folder), "--json", str(out)]
    assert main([*command, "--plot", str(plot), "--no-progress"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Two clouds: 3 epochs, ")
    assert "CMI, Gamma and cross entropy in nats" in printed
    assert str(folder) in printed
    found = json.loads(out.read_text())
    assert [row["epoch"] for row in found["history"]] == [1, 2, 3]
    assert found["result"]["n"] == 20
    assert f"{found['result']['ncmi']:.6f}" in printed
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert {"checkpoint.pt", "last.safetensors", "best.safetensors", "history.csv"} <= {
        file.name for file in folder.iterdir()
    }


def test_values_of_the_recipe_can_be_changed(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    changes = ["--set", "settings.epochs=1", "--set", "network=linear", "--set", "loss.beta=0"]
    assert main(["train", str(recipe), *changes, "--seed", "4", "--json", str(out)]) == 0
    assert len(json.loads(out.read_text())["history"]) == 1


def test_a_finished_run_is_given_back(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(recipe), "--folder", str(tmp_path / "run")]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert main([*command, "--resume"]) == 0
    assert capsys.readouterr().out == first


def test_it_lists_the_shipped_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    assert "digits-cmic" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "required: RECIPE, or --list"),
        (["RECIPE", "--resume"], 2, "--resume goes with --folder DIR"),
        (["RECIPE", "--set", "epochs"], 2, "must be of the form KEY=VALUE; got 'epochs'"),
        (["RECIPE", "--plot", "out.txt"], 2, "a figure's name must end in one of"),
        (["none.toml"], 1, "recipe must be a TOML file, or one of"),
        (["RECIPE", "--set", "settings.epoch=2"], 1, "Did you mean 'epochs'?"),
        (["RECIPE", "--set", "settings.lr=high"], 1, "lr must be a positive number; got 'high'"),
        (["RECIPE", "--set", "settings.lr=1e30"], 1, "epoch"),
    ],
)
def test_refusals(
    recipe: Path, arguments: list[str], status: int, message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command = [str(recipe) if each == "RECIPE" else each for each in arguments]
    assert main(["train", *command]) == status
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_folder_with_a_run_is_not_written_over(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(recipe), "--folder", str(tmp_path / "run")]
    assert main(command) == 0
    assert main(command) == 1
    assert "resume" in capsys.readouterr().err


def test_two_processes_give_what_one_gives(recipe: Path, tmp_path: Path) -> None:
    """As torchrun launches them; the first one speaks."""
    results: list[dict[str, Any]] = []
    for count in (1, 2):
        out = tmp_path / f"{count}.json"
        command = [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
            str(count), "-m", "infotheory", "train", str(recipe), "--json", str(out),
        ]  # fmt: skip
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("Two clouds") == 1
        results.append(json.loads(out.read_text()))
    one, two = ([row["loss"] for row in each["history"]] for each in results)
    # Single precision, some twenty steps: rounding grows by a few units a step.
    assert two == pytest.approx(one, rel=1e-5)
    assert results[1]["result"]["ncmi"] == pytest.approx(results[0]["result"]["ncmi"], rel=1e-4)
