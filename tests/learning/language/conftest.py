"""What the tests of language models share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from learning.language import worded


@pytest.fixture(scope="session", autouse=True)
def imported_for_good() -> Iterator[None]:
    """A trainer collects garbage at each start, which takes long in all that is imported here."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        yield
        return
    import transformers

    transformers.utils.logging.disable_progress_bar()
    from transformers import Trainer  # noqa: F401 - what it brings along

    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny encoder, and a task of GLUE for it."""
    folder = tmp_path_factory.mktemp("language")
    worded.encoder(folder / "encoder")
    worded.sst2(folder / "glue")
    return folder


@pytest.fixture(scope="module")
def data(place: Path) -> tuple[Any, Any]:
    """Its training and dev sets."""
    from infotheory.models import read_task

    return read_task("sst2", place / "glue"), read_task("sst2", place / "glue", "dev")
