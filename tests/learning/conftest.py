"""What the tests of the room of torch share."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, or the test is skipped."""
    return pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")
