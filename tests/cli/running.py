"""Running ``infotheory ncmi`` with states, and stopping it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.models import LABELS, MODELS, N

from infotheory import NCMIAccumulator
from infotheory.cli import main
from infotheory.evaluation import states

ROWS = 7  # of a batch, with the fixture `small_batches`


def run(*arguments: object) -> int:
    return main(["ncmi", *map(str, arguments)])


def results(*arguments: object, out: Path, status: int = 0) -> dict[str, Any]:
    assert run(*arguments, "--json", out) == status
    return json.loads(out.read_text(encoding="utf-8"))


def rows_done(state: Path) -> dict[str, int]:
    return {name: kept.measurement.rows for name, kept in states.read_kept(state).items()}


def stopped_after(
    monkeypatch: pytest.MonkeyPatch, batches: int, stop: Callable[[], object]
) -> pytest.MonkeyPatch:
    """Make something happen when so many batches have been taken in, in the middle of the next."""
    left = iter(range(batches))
    take = NCMIAccumulator.take

    def counted(self: NCMIAccumulator, *args: Any, **options: Any) -> None:
        if next(left, None) is None:
            stop()
        take(self, *args, **options)

    monkeypatch.setattr(NCMIAccumulator, "take", counted)
    return monkeypatch


def shard_files(folder: Path, count: int = 3) -> list[Path]:
    """The rows of the models, dealt to several files."""
    paths = [folder / f"shard{number}.npz" for number in range(count)]
    for path, rows in zip(paths, np.array_split(np.arange(N), count), strict=True):
        np.savez(path, labels=LABELS[rows], **{name: z[rows] for name, z in MODELS.items()})
    return paths


def states_of(files: list[Path], *options: object) -> list[Path]:
    states = [path.with_suffix(".state") for path in files]
    for path, state in zip(files, states, strict=True):
        assert run(path, "--save-state", state, *options) == 0
    return states
