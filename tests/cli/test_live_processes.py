"""``torchrun -m infotheory ncmi --model``: many processes, and the numbers of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.live_models import FEATURES, LABELS, K, Room
from cli.running import results, run

from infotheory.evaluation.live import part_of
from infotheory.evaluation.processes import Processes
from infotheory.evaluation.states import read_kept

TORCH = """

def module():
    import torch
    layer = torch.nn.Linear(4, 4, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(3 * torch.eye(4))
    return layer
"""


def launched(size: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command in so many processes."""
    pytest.importorskip("torch", reason="torch is not installed")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(size)]
    command = [sys.executable, *launch, "-m", "infotheory", "ncmi", *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=240)
        finally:  # processes that wait for each other for ever; the launcher ends all of them
            process.terminate()
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def test_two_processes_are_equal_to_one(tmp_path: Path) -> None:
    """The second one has no sample of the last class; 45 rows are not a multiple of 7.

    First one of the models does not bear a sample of the second process.
    """
    pytest.importorskip("torch", reason="torch is not installed")
    room = Room(tmp_path, fails_at=70)
    with room.models.open("a", encoding="utf-8") as file:
        file.write(TORCH)
    assert K - 1 in LABELS[:45]
    assert K - 1 not in LABELS[45:]
    options = ["--batch-size", 7, "--interval", "jackknife"]
    alone = results(*room.arguments("module", "soft"), *options, out=tmp_path / "alone.json")
    state, out = tmp_path / "state", tmp_path / "together.json"
    saved = ["--save-state", state, "--save-outputs", tmp_path / "outputs", "--json", out]

    done = launched(2, *room.arguments("module", "soft", "failing"), *options, *saved)
    assert done.returncode != 0
    where = f"{room.model('failing')} (process 1 of 2)"
    assert f"infotheory ncmi: {where}: RuntimeError: the model has had enough" in done.stderr
    assert done.stderr.count("the model has had enough") == 1  # one process speaks
    assert done.stdout.count("CMI, Gamma and cross entropy") == 1
    together = json.loads(out.read_text(encoding="utf-8"))
    assert [item["where"] for item in together["failed"]] == [where]
    _assert_equal(together, alone)
    parts = [read_kept(tmp_path / f"state.part{number}of2") for number in (1, 2)]
    assert [kept["module"].sources[0]["rows"] for kept in parts] == ["0:45", "45:90"]
    assert [kept["failing"].measurement.rows for kept in parts] == [45, 21]
    found = [np.load(tmp_path / "outputs" / f"part{n}of2" / "module.npy") for n in (1, 2)]
    assert np.array_equal(np.concatenate(found), 3.0 * FEATURES)

    # Another run has nothing to do, and the total is a state like any other.
    again = launched(2, *room.arguments("module", "soft"), *options, *saved)
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    assert again.stderr.count("note: module: already measured") == 1
    models = json.loads(out.read_text(encoding="utf-8"))["models"]
    assert models == together["models"]
    merged = results("--merge", state, "--interval", "jackknife", out=tmp_path / "merged.json")
    _assert_equal(merged, alone)


def _assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert [model["name"] for model in found["models"]] == [m["name"] for m in expected["models"]]
    for model, other in zip(found["models"], expected["models"], strict=True):
        assert model.keys() == other.keys()
        for key, value in other.items():
            if key == "intervals":
                for name, interval in value.items():
                    assert model[key][name]["low"] == pytest.approx(interval["low"], rel=1e-9)
            elif isinstance(value, float):
                assert model[key] == pytest.approx(value, rel=1e-12, abs=1e-13)
            else:
                assert model[key] == value


# ------------------------------------------------------------- what happens to one of them only

STOPS = """

def stopping():
    import os
    def model(rows):
        if os.environ["RANK"] == "{rank}":
            raise {error}
        return rows
    return model
"""


def test_a_state_in_use_ends_all_at_once(tmp_path: Path) -> None:
    """The others must not measure for nothing, or wait for the first one for ever."""
    from infotheory._atomic import reserved

    room, state = Room(tmp_path), tmp_path / "state"
    with reserved(state) as free:
        assert free
        done = launched(2, *room.arguments("soft"), "--save-state", state)
    assert done.returncode != 0
    assert done.stderr.count("must be used by one run at a time; it is in use by another") == 1
    assert not list(tmp_path.glob("state*"))


@pytest.mark.parametrize("rank", [0, 1])
def test_an_unforeseen_end_of_one_ends_all(rank: int, tmp_path: Path) -> None:
    room = Room(tmp_path)
    with room.models.open("a", encoding="utf-8") as file:
        file.write(STOPS.format(rank=rank, error="KeyboardInterrupt"))
    done = launched(2, *room.arguments("stopping"), "--no-progress")
    assert done.returncode != 0
    assert "CMI" not in done.stdout
    assert ("infotheory ncmi: interrupted" if rank == 0 else "must reach each other") in done.stderr


def test_different_models_are_not_one(tmp_path: Path) -> None:
    """As where the files of two machines differ: it is said, and nobody waits."""
    room, state = Room(tmp_path), tmp_path / "state"
    with room.models.open("a", encoding="utf-8") as file:
        file.write(
            "\n\ndef various():\n    import os\n    scale = 1.0 + int(os.environ['RANK'])\n"
            "    return lambda rows: scale * rows\n"
        )
    done = launched(2, *room.arguments("various"), "--save-state", state)
    assert done.returncode != 0
    assert "'various' must be one model in all of the states; got" in done.stderr
    assert not state.exists()


# ------------------------------------------------------------------------ without starting any


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"WORLD_SIZE": "1", "RANK": "0"}, None),
        ({"WORLD_SIZE": "many"}, None),
        ({"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}, Processes(3, 4, 1)),
        ({"WORLD_SIZE": "4", "RANK": "3"}, Processes(3, 4, 3)),
    ],
)
def test_the_environment_tells_of_a_launch(
    environment: dict[str, str], expected: Processes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Processes.launched() == expected


@pytest.mark.parametrize(("rows", "size"), [(10, 3), (2, 5), (90, 7), (0, 2)])
def test_parts_are_all_rows_in_order(rows: int, size: int) -> None:
    whole = range(5, 5 + rows)
    parts = [Processes(rank, size, rank).part(whole) for rank in range(size)]
    assert [row for part in parts for row in part] == list(whole)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert parts == [part_of(whole, number, size) for number in range(1, size + 1)]


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = pytest.importorskip("torch.cuda", reason="torch is not installed")
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "device_count", lambda: 2)
    group = Processes(6, 8, 3)  # the last one of its machine, after four of another one's
    assert group.device(None) == group.device("cuda") == "cuda:1"
    assert group.device("cpu") == "cpu"
    assert group.device("cuda:0") == "cuda:0"
    monkeypatch.setattr(cuda, "is_available", lambda: False)
    assert group.device(None) is None


def test_processes_that_cannot_connect_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    monkeypatch.setenv("RANK", "0")
    assert run(*Room(tmp_path).arguments("soft")) == 1
    assert "processes that were launched together" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "1")
    assert run(*Room(tmp_path).arguments("soft")) == 1
    assert run("--nonsense") == 2
    assert capsys.readouterr().err == ""


def test_a_total_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    from infotheory.cli._live import _refuse_another
    from infotheory.exceptions import StateError

    class Other:
        def sources(self) -> list[dict[str, str]]:
            return [{"whole": "another"}]

    room, state = Room(tmp_path), tmp_path / "state"
    assert run(*room.arguments("soft"), "--save-state", state) == 0
    models: Any = {"soft": (Other(), None)}
    with pytest.raises(StateError, match="'soft' must be kept of the same model and data"):
        _refuse_another(state, models)
    _refuse_another(state, {"another": (Other(), None)})  # type: ignore[dict-item]
    _refuse_another(tmp_path / "new", models)
