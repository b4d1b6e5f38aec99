"""``infotheory ncmi --model --save-state``, killed: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli.live_models import FEATURES, LABELS, N, Room
from cli.running import results

KILLS = 12

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes, the POSIX way")


def test_killed_at_any_step(tmp_path: Path, saved_at_every_batch: None) -> None:
    """At a random call or return of a function: while reading, adding, writing, renaming."""
    room, folder = Room(tmp_path), tmp_path / "states"
    folder.mkdir()
    options = [*room.arguments("sharp", "flat"), "--batch-size", "9", "--threads", "0"]
    options += ["--interval", "jackknife"]
    plain = results(*options, out=tmp_path / "plain.json")
    saved = ["--save-outputs", str(tmp_path / "outputs")]
    driver = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [
            sys.executable,
            str(driver),
            "5",
            str(KILLS),
            "1",
            str(folder / "state"),
            *options,
            *saved,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # every state that was left could be loaded
    deaths = [line for line in map(json.loads, done.stdout.splitlines()) if line["killed"]]
    assert len(deaths) == KILLS
    rows = [sum(death["rows"]) for death in deaths]  # did they come in the middle of things?
    assert sum(0 < total < 2 * N for total in rows) >= KILLS // 4
    assert len(set(rows)) >= KILLS // 4
    again = results(*options, *saved, "--save-state", folder / "state", out=tmp_path / "again.json")
    assert again == plain  # to the last bit
    assert [entry.name for entry in folder.iterdir()] == ["state"]
    outputs = tmp_path / "outputs"
    assert sorted(entry.name for entry in outputs.iterdir()) == [
        "flat.npy", "labels.npy", "sharp.npy",
    ]  # fmt: skip
    assert np.array_equal(np.load(outputs / "sharp.npy"), 4.0 * FEATURES)
    assert np.array_equal(np.load(outputs / "flat.npy"), 0.25 * FEATURES)
    assert np.array_equal(np.load(outputs / "labels.npy"), LABELS)
