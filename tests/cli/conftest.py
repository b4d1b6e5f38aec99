"""A file of stored models."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli.models import LABELS, MODELS, K
from cli.running import ROWS

from infotheory.cli import ncmi as verb
from infotheory.evaluation import states


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    path = tmp_path / "models.npz"
    np.savez(path, **MODELS, labels=LABELS)
    return path


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Interruptions as in a terminal, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "_CHUNK_BYTES", ROWS * K * 4)


@pytest.fixture
def saved_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_EVERY", 0.0)
    monkeypatch.setattr(states, "_SHARE", 0.0)
