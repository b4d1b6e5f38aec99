"""Hypothesis profiles, the folder of real data, and the gpu marker."""

from __future__ import annotations

import os
from pathlib import Path

import mpmath
import pytest
from hypothesis import HealthCheck, settings

# Figures are drawn without a screen, in the tests and in the processes they start.
os.environ.setdefault("MPLBACKEND", "Agg")

# No test asserts a duration, so neither does hypothesis; loops are slow in the interpreted lane.
_SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("gate", derandomize=True, database=None, max_examples=50, **_SHARED)
settings.register_profile("brief", derandomize=True, database=None, max_examples=8, **_SHARED)
settings.register_profile("explore", max_examples=1000, print_blob=True, **_SHARED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture(autouse=True)
def _digits() -> None:
    """Begin each test with 15 digits in mpmath, whatever the one before has left.

    The precision is global there, and integrals in hundreds of digits would take hours.
    """
    mpmath.mp.dps = 15


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data, outside the repository."""
    folder = os.environ.get("INFOTHEORY_DATA")
    if not folder:
        pytest.skip("INFOTHEORY_DATA is not set: the real data are not at hand")
    if not Path(folder).is_dir():
        pytest.fail(f"INFOTHEORY_DATA must be a folder; got {folder!r}")
    return Path(folder)


def _why_no_gpu() -> str | None:
    try:
        import torch
    except ModuleNotFoundError:
        return "gpu: torch is not installed"
    return None if torch.cuda.is_available() else "gpu: torch finds no CUDA device"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    # Torch takes seconds to import, so it is asked only where a test needs the answer.
    reason = _why_no_gpu() if marked else None
    if reason is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))
