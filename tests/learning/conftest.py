"""What the tests of the room of torch share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small are fastest in one thread, and two workers share the cores."""
    if find_spec("torch") is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, or the test is skipped."""
    return pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")


@pytest.fixture
def seeded(torch: ModuleType) -> None:
    """The global random numbers of PyTorch, from the same point in every test."""
    torch.manual_seed(0)
