"""``infotheory ncmi --save-state``, killed: a state is whole at any moment, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.models import LABELS, MODELS, RNG, K, N
from cli.running import rows_done

KILLS = 20

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes, the POSIX way")


def command(batch_bytes: int, *arguments: object) -> list[str]:
    """A real process that works in small batches, and keeps its state behind each of them."""
    code = (
        "import sys\n"
        "from infotheory.cli import main, ncmi\n"
        "from infotheory.evaluation import states\n"
        "states._EVERY = states._SHARE = 0.0\n"
        f"ncmi._CHUNK_BYTES = {batch_bytes}\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return [sys.executable, "-c", code, "ncmi", *map(str, arguments)]


def finished(batch_bytes: int, out: Path, *arguments: object) -> dict[str, Any]:
    subprocess.run(command(batch_bytes, *arguments, "--json", out), check=True, capture_output=True)
    content: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize(
    "options", [[], ["--groups", "side", "--weights", "w", "--interval", "jackknife"]]
)
def test_killed_at_any_step(tmp_path: Path, options: list[str]) -> None:
    """Twenty times, at a random call or return of a function of the program."""
    path, folder = tmp_path / "models.npz", tmp_path / "states"
    folder.mkdir()
    state = folder / "state"
    rng = np.random.default_rng(0)
    np.savez(path, **MODELS, labels=LABELS, side=rng.integers(0, 2, N), w=rng.random(N) + 0.1)
    batch_bytes = 15 * K * 4
    plain = finished(batch_bytes, tmp_path / "plain.json", path, *options)
    driver = Path(__file__).with_name("killed.py")
    numbers = ["1", str(KILLS), str(batch_bytes)]
    done = subprocess.run(
        [sys.executable, str(driver), *numbers, str(state), str(path), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # every state that was left could be loaded
    deaths = [line for line in map(json.loads, done.stdout.splitlines()) if line["killed"]]
    assert len(deaths) == KILLS
    # Did they come in the middle of things?
    rows = [sum(death["rows"]) for death in deaths]
    assert sum(0 < total < len(MODELS) * N for total in rows) >= KILLS // 4
    assert len(set(rows)) >= KILLS // 4
    assert any(death["drafts"] for death in deaths)  # some of them while a state was written
    again = finished(batch_bytes, tmp_path / "again.json", path, *options, "--save-state", state)
    assert again == plain  # to the last bit
    assert [entry.name for entry in folder.iterdir()] == ["state"]


def test_killed_at_any_time(tmp_path: Path) -> None:
    """Five times, after a random time; the work takes long because the rows are many."""
    rows, columns, batch_rows = 30_000, 50, 500
    outputs, labels, state = tmp_path / "z.npy", tmp_path / "y.npy", tmp_path / "state"
    np.save(outputs, RNG.normal(size=(rows, columns)).astype(np.float32))
    np.save(labels, RNG.integers(0, columns, rows))
    options = ["--labels", labels, "--smoothing", 0.01]  # takes a plain loop
    batch_bytes = batch_rows * columns * 4
    start = time.monotonic()
    plain = finished(batch_bytes, tmp_path / "plain.json", outputs, *options)
    duration = time.monotonic() - start
    numbers = np.random.default_rng(2)
    seen = []
    for _ in range(5):
        before = rows_done(state)["z"] if state.exists() else 0
        with subprocess.Popen(
            command(batch_bytes, outputs, *options, "--save-state", state),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            deadline = time.monotonic() + numbers.uniform(0.0, 2.0 * duration)
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)  # a random time is what this test is about
            process.kill()
        if not state.exists():
            continue
        after = rows_done(state)["z"]
        assert after >= before
        assert after % batch_rows == 0
        seen.append(after)
        if after == rows:
            state.unlink()
    again = finished(batch_bytes, tmp_path / "again.json", outputs, *options, "--save-state", state)
    assert again == plain
    assert seen  # whether kills come in the middle is for the test above to show
