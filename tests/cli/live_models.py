"""A file of models and one of data, for the tests of models at work on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from infotheory.evaluation import states  # noqa: F401 - tests patch it under this name

N, K = 90, 4
RNG = np.random.default_rng(20262)
# The last class is not in the second half.
LABELS = np.concatenate([np.arange(45) % K, np.arange(45) % (K - 1)])
FEATURES = np.eye(K)[LABELS] + 0.7 * RNG.normal(size=(N, K))
SCALES = {"sharp": 4.0, "soft": 1.0, "flat": 0.25}

MODELS = """
import pathlib
import numpy as np

def sharp():
    return lambda rows: 4.0 * rows

def soft():
    return lambda rows: 1.0 * rows

def flat():
    return lambda rows: 0.25 * rows

def features():
    return lambda rows: rows[:, :, None]

def narrow():
    return lambda rows: rows[:, :3]

def failing():
    def model(rows):
        if np.isclose(rows[:, 0], FAILS_AT).any() and not MENDED.exists():
            raise RuntimeError("the model has had enough")
        return 2.0 * rows
    return model
"""


class Room:
    """A folder with models and data in it."""

    def __init__(self, folder: Path, fails_at: int = 50) -> None:
        self.folder = folder
        self.models = folder / "models.py"
        self.mended = folder / "mended"  # the failing model does its work once this file is there
        constants = (
            f"FAILS_AT = {FEATURES[fails_at, 0]!r}\nMENDED = pathlib.Path({str(self.mended)!r})\n"
        )
        self.models.write_text(MODELS + constants, encoding="utf-8")
        np.savez(folder / "data.npz", features=FEATURES, labels=LABELS)
        self.data = f"npz:{folder / 'data.npz'}"

    def model(self, name: str) -> str:
        return f"python:{self.models}:{name}"

    def arguments(self, *names: str) -> list[str]:
        """The options for some of the models, on the data."""
        models = [part for name in names for part in ("--model", self.model(name))]
        return [*models, "--data", self.data]
