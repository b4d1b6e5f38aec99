"""What a run shows and writes down."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.toys import (
    N_CLASSES,
    CrossEntropy,
    N,
    mlp,
    one_thread,  # noqa: F401 - a fixture of every test here
    problem,
    settings,
)
from torch import nn

from infotheory.learning.engine import Procedure, Settings, train


def test_the_bar_shows_steps_loss_and_what_was_measured(capfd: pytest.CaptureFixture[str]) -> None:
    def bar(progress: bool | None) -> str:
        data = problem()
        train(CrossEntropy(mlp()), data, validation=data, settings=settings(), progress=progress)
        return capfd.readouterr().err

    assert bar(None) == ""  # no terminal
    assert bar(False) == ""
    text = bar(True)
    assert "epoch 3/3" in text
    assert "18/18" in text
    for name in ("loss=", "lr=", "ncmi=", "error="):
        assert name in text.replace(" ", "")


@pytest.mark.parametrize("place", ["tqdm.notebook", "tqdm.std"])
def test_a_notebook_shows_the_bar_though_it_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    hidden = []

    class Bar:
        disable = True

        def __init__(self, **options: Any) -> None:
            hidden.append(options["disable"])

        def close(self) -> None:
            """Nothing is open."""

    Bar.__module__ = place
    monkeypatch.setattr("infotheory.learning.engine.progress.tqdm", Bar)
    for progress in (None, True, False):
        train(CrossEntropy(mlp()), problem(), settings=settings(epochs=1), progress=progress)
    # None lets the bar of a terminal find out.
    assert hidden == [False if place == "tqdm.notebook" else None, False, True]


def test_tensorboard_gets_every_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: list[tuple[str, float, int]] = []

    class SummaryWriter:
        def __init__(self, place: Path, purge_step: int) -> None:
            assert (place, purge_step) == (tmp_path / "tensorboard", 1)

        def add_scalar(self, name: str, value: float, epoch: int) -> None:
            written.append((name, value, epoch))

        def close(self) -> None:
            written.append(("closed", 0.0, 0))

    board = SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    monkeypatch.setitem(sys.modules, "tensorboard", board)
    run = train(
        CrossEntropy(mlp()), problem(), settings=settings(epochs=2), folder=tmp_path,
        log=["tensorboard"],
    )  # fmt: skip
    want = [(name, value, int(row["epoch"])) for row in run.history for name, value in row.items()]
    assert written == [each for each in want if each[0] != "epoch"] + [("closed", 0.0, 0)]
    assert not (tmp_path / "history.csv").exists()


def test_tensorboard_is_optional(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r"needs tensorboard.*infotheory-toolkit\[tensorboard\]"):
        train(CrossEntropy(mlp()), problem(), folder=tmp_path, log=["tensorboard"])


def test_the_folder_tells_what_was_done(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    data = problem()
    run = train(
        CrossEntropy(mlp()), data, validation=data, settings=settings(), folder=tmp_path / "a" / "b"
    )
    folder = tmp_path / "a" / "b"
    assert run.folder == folder
    assert sorted(each.name for each in folder.iterdir()) == [
        "best.safetensors", "checkpoint.pt", "history.csv", "history.json", "last.safetensors",
        "run.json",
    ]  # fmt: skip
    assert json.loads((folder / "history.json").read_text()) == run.history
    with (folder / "history.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [{name: float(text) for name, text in row.items()} for row in table] == run.history
    about = json.loads((folder / "run.json").read_text())
    assert Settings(**about["settings"]) == settings()
    assert about["procedure"] == {"procedure": "CrossEntropy"}
    assert about["versions"]["torch"] == torch.__version__
    assert (about["samples"], about["classes"], about["processes"]) == (N, N_CLASSES, 1)
    last = load_file(folder / "last.safetensors")
    assert all(torch.equal(last[name], each) for name, each in run.network.state_dict().items())


def test_tied_weights_are_saved(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6)).double()
    network[1].weight = network[0].weight
    train(CrossEntropy(network), problem(), settings=settings(epochs=1), folder=tmp_path)
    run = train(
        CrossEntropy(network), problem(), settings=settings(epochs=1), folder=tmp_path, resume=True
    )
    assert run.network[1].weight is run.network[0].weight


def test_a_run_is_drawn(tmp_path: Path) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    data = problem()
    run = train(CrossEntropy(mlp()), data, validation=data, settings=settings())
    figure = run.plot()
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels[:2] == ["epoch", "concentration CMI (nats)"]
    pyplot.close(figure)


def test_a_procedure_must_say_its_loss() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Procedure(mlp())  # type: ignore[abstract]
