"""Two real processes fine-tune as one: see `cmi_ranks.py`."""

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
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: transformers cannot train")

HERE = Path(__file__).parent
CLOSE = 1e-5
CASES = ("ema", "epoch", "reverse")


def _free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the only process found, and each of two."""
    folder = tmp_path_factory.mktemp("ranks")
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    started, logs = [], []
    for rank, world in ((0, 1), (0, 2), (1, 2)):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
        place = folder / str(world)
        place.mkdir(exist_ok=True)
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | (own | address if world > 1 else {})
        logs.append(folder / f"log-{rank}-{world}")
        with logs[-1].open("w") as log:
            command = [sys.executable, str(HERE / "cmi_ranks.py"), str(place)]
            started.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=HERE)
            )
    try:
        codes = [process.wait(timeout=300) for process in started]
    finally:
        for process in started:
            process.kill()
    assert codes == [0, 0, 0], "\n".join(log.read_text() for log in logs)
    alone = json.loads((folder / "1/found-0-of-1.json").read_text())
    pair = [json.loads((folder / f"2/found-{rank}-of-2.json").read_text()) for rank in (0, 1)]
    return alone, pair, folder


@pytest.mark.parametrize("case", CASES)
def test_loss_and_centroids_are_those_of_one_process(found: Any, case: str) -> None:
    alone, pair, _ = found
    for own in pair:
        assert own[case]["loss"] == pytest.approx(alone[case]["loss"], abs=CLOSE)
        assert own[case]["surrogate"] == pytest.approx(alone[case]["surrogate"], abs=CLOSE)
        np.testing.assert_allclose(
            own[case]["centroids"], alone[case]["centroids"], rtol=0, atol=CLOSE
        )
        assert own[case]["seen"] == alone[case]["seen"]
    assert pair[0][case]["centroids"] == pair[1][case]["centroids"]


@pytest.mark.parametrize("case", CASES)
def test_evaluation_counts_each_text_once(found: Any, case: str) -> None:
    alone, pair, _ = found
    for own in pair:
        assert own[case]["error"] == alone[case]["error"]
        assert own[case]["measured"] == pytest.approx(alone[case]["measured"], rel=1e-4)
        for name in ("feature_cmi", "norm"):
            assert own[case][name] == pytest.approx(alone[case][name], rel=1e-3)
    assert pair[0][case]["measured"] == pair[1][case]["measured"]


def test_the_first_process_saves(found: Any) -> None:
    _, _, folder = found
    for world in ("1", "2"):
        file = folder / world / "ema/checkpoint-6/cmi_centroids.safetensors"
        assert file.is_file()


def test_all_stop_where_one_loss_is_no_number(found: Any) -> None:
    alone, pair, _ = found
    for own in (alone, *pair):
        assert own["stopped"].startswith("the loss must be finite; got nan in step 1 ")
