"""Several real processes train as one: see `training_ranks.py`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: no processes to connect")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning import training_ranks

SCRIPT = Path(training_ranks.__file__)
CLOSE = 1e-6


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def started(folder: Path, world: int) -> list[dict[str, Any]]:
    """Run the script in so many processes; return what each has found."""
    folder.mkdir()
    if world == 1:
        training_ranks.main(folder)
        return [json.loads((folder / "found-0.json").read_text())]
    launched = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = []
    for rank in range(world):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world), **launched}
        with (folder / f"log-{rank}").open("w") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, str(SCRIPT), str(folder)],
                    env=os.environ | own, stdout=log, stderr=log,
                )
            )  # fmt: skip
    try:
        codes = [process.wait(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    logs = "\n".join((folder / f"log-{rank}").read_text() for rank in range(world))
    assert codes == [0] * world, logs
    return [json.loads((folder / f"found-{rank}.json").read_text()) for rank in range(world)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """What two processes found, and one alone; the last of the list is the one."""
    folder = tmp_path_factory.mktemp("training")
    return folder, [*started(folder / "two", 2), *started(folder / "one", 1)]


def networks(folder: Path, name: str) -> list[dict[str, torch.Tensor]]:
    files = [folder / "two" / f"{name}-{rank}.pt" for rank in (0, 1)]
    return [
        torch.load(file, weights_only=True) for file in [*files, folder / "one" / f"{name}-0.pt"]
    ]


@pytest.mark.parametrize("name", ["pairs", "accumulated", "few"])
def test_two_processes_come_to_the_network_of_one(runs: Any, name: str) -> None:
    """A loss over pairs, batches of 8, 8, 8, 8, 8 and 1 (or 20, 20, 1), and a teacher."""
    first, second, alone = networks(runs[0], name)
    for key, value in alone.items():
        torch.testing.assert_close(first[key], value, atol=CLOSE, rtol=0)
        assert torch.equal(first[key], second[key])


@pytest.mark.parametrize("name", ["pairs", "accumulated", "few"])
def test_two_processes_see_what_one_sees(runs: Any, name: str) -> None:
    first, second, alone = (found[name] for found in runs[1])
    assert first == second
    assert first["batches"] == alone["batches"]
    np.testing.assert_allclose(first["found"], alone["found"], atol=CLOSE)
    assert first["report"] == pytest.approx(alone["report"], abs=CLOSE)
    for mine, its in zip(first["history"], alone["history"], strict=True):
        assert mine == pytest.approx(its, abs=CLOSE)


def test_all_go_on_from_one_checkpoint(runs: Any) -> None:
    for found in runs[1]:
        assert found["again"] == found["pairs"]["history"]


def test_statistics_of_batches_are_the_same_in_all(runs: Any) -> None:
    first, second, _ = (found["statistics"] for found in runs[1])
    assert first == second


def test_what_one_refuses_all_refuse(runs: Any) -> None:
    first, second, alone = (found["taken"] for found in runs[1])
    assert first == second
    for text in (first, alone):
        assert text.startswith("folder must be without a run; got ")
    small = [found["small"] for found in runs[1]]
    assert small[0] == small[1]
    assert small[0].startswith("batch_size must be at least the number of processes (2); got 1.")
    assert small[2] == ""


def test_the_gradient_of_gathered_rows(runs: Any) -> None:
    """2 x in each row that counts, times two processes; nothing for a stand-in."""
    rows = np.arange(1.0, 7.0).reshape(3, 2)
    first, second, _ = (found.get("gradient") for found in runs[1])
    np.testing.assert_array_equal(first, [*rows, *(4 * rows)])
    np.testing.assert_array_equal(second, [*rows, *(0 * rows)])
