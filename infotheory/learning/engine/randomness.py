"""States of chance: seeded for a run, kept in its checkpoints, and given back to the caller."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from infotheory.learning.engine.processes import Processes
from infotheory.learning.engine.settings import Settings

__all__ = ["generator_of", "random_state", "restore_random_state", "seed_of", "seeded"]

_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def seed_of(*numbers: int) -> int:
    """Return a seed of its own for each tuple of numbers.

    Parameters
    ----------
    *numbers : int
        Such as the seed of a run, what it is for, and the epoch.

    Returns
    -------
    int
        In [0, 2^63).
    """
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator_of(*numbers: int) -> torch.Generator:
    """Return a generator on the host, seeded by :func:`seed_of`.

    Parameters
    ----------
    *numbers : int
        As there.

    Returns
    -------
    torch.Generator
    """
    return torch.Generator().manual_seed(seed_of(*numbers))


def random_state(device: torch.device) -> str:
    """Return the global states of PyTorch, numpy and Python in this process, as a text.

    Parameters
    ----------
    device : torch.device
        Whose state is part of it, beside that of the host.

    Returns
    -------
    str
        JSON.
    """
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002 - libraries may draw from it
        "torch": torch.get_rng_state().tolist(),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device).tolist()
    return json.dumps(state, default=np.ndarray.tolist)


def restore_random_state(text: str, device: torch.device) -> None:
    """Set what :func:`random_state` gave.

    Parameters
    ----------
    text : str
        The states.
    device : torch.device
        Whose state is set, if it is there.
    """
    state = json.loads(text)
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(torch.tensor(state["torch"], dtype=torch.uint8))
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(torch.tensor(state["cuda"], dtype=torch.uint8), device)


@contextmanager
def seeded(settings: Settings, processes: Processes) -> Iterator[None]:
    """Seed all global states for a run, and give the caller's back afterwards.

    Parameters
    ----------
    settings : Settings
        Say the seed, and whether only deterministic algorithms are allowed.
    processes : Processes
        Each of them draws otherwise: dropout is not the same in all parts of a batch.

    Yields
    ------
    None
    """
    before = random_state(processes.device)
    strict = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    tuned = torch.backends.cudnn.benchmark
    workspace = os.environ.get(_WORKSPACE)
    seed = seed_of(settings.seed, processes.rank)
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        torch.manual_seed(seed)
        if settings.deterministic:
            os.environ.setdefault(_WORKSPACE, ":4096:8")  # or CUDA refuses products
            torch.use_deterministic_algorithms(True)
            torch.backends.cudnn.benchmark = False
        yield
    finally:
        torch.use_deterministic_algorithms(strict, warn_only=warns)
        torch.backends.cudnn.benchmark = tuned
        if workspace is None:
            os.environ.pop(_WORKSPACE, None)
        restore_random_state(before, processes.device)
