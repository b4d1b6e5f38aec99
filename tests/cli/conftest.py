"""A file of stored models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.models import LABELS, MODELS


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    path = tmp_path / "models.npz"
    np.savez(path, **MODELS, labels=LABELS)
    return path
