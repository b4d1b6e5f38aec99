"""Two real processes distil as one: see `distillation_ranks.py`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: no processes to connect")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

import torch
from learning.language import distillation_ranks
from learning.language.distillation_ranks import ROWS

CLOSE = 1e-5  # of weights and losses of order 1: some tens of units of float32, over six steps


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of a run in two processes, and in one."""
    folder = tmp_path_factory.mktemp("distilled")
    two, one = folder / "two", folder / "one"
    two.mkdir()
    one.mkdir()
    launched = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    processes = []
    for rank in ("0", "1"):
        with (two / f"log-{rank}").open("w") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, distillation_ranks.__file__, str(two)],
                    env=os.environ | {"RANK": rank, "LOCAL_RANK": rank, **launched},
                    stdout=log, stderr=log,
                )
            )  # fmt: skip
    distillation_ranks.main(one)
    try:
        codes = [process.wait(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert codes == [0, 0], "\n".join((two / f"log-{rank}").read_text() for rank in (0, 1))
    return two, one


def found(folder: Path, rank: int = 0) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / f"found-{rank}.json").read_text())
    return content


def furthest(first: Path, second: Path) -> float:
    states = [torch.load(path, weights_only=True) for path in (first, second)]
    return max(float((value - states[1][name]).abs().max()) for name, value in states[0].items())


@pytest.mark.parametrize("name", ["plain", "accumulated"])
def test_two_processes_are_the_plain_run(folders: tuple[Path, Path], name: str) -> None:
    two, one = folders
    assert found(two)[name] == pytest.approx(found(one)[name], abs=CLOSE)
    assert found(one)[name] == pytest.approx(found(one)["plain"], abs=CLOSE)
    for what in (name, f"map-{name}"):
        assert furthest(two / f"{what}-0.pt", two / f"{what}-1.pt") == 0.0
        assert furthest(two / f"{what}-0.pt", one / f"{what}-0.pt") < CLOSE


def test_each_process_passes_its_part_of_the_rows(folders: tuple[Path, Path]) -> None:
    two, one = folders
    assert [found(two, rank)["passed"] for rank in (0, 1)] == [ROWS // 2, ROWS // 2]
    assert found(one)["passed"] == ROWS


def test_a_run_of_several_processes_is_resumed(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        for what in ("", "map-"):
            assert furthest(folder / f"{what}again-0.pt", folder / f"{what}plain-0.pt") == 0.0
