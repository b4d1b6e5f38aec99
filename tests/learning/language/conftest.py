"""What the tests of language models share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib.util import find_spec

import pytest


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
