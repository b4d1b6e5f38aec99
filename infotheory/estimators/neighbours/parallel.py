"""One long call without the interpreter's lock for each core, where the work is large."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["in_chunks", "workers_for"]


def workers_for(workers: int | None, size: int, least: int) -> int:
    """Return how many threads share `size` pieces of work.

    `workers` if it is given; else one for jobs smaller than `least`, whose threads would take
    longer to start than to work, and one a core for others.
    """
    if workers is None:
        workers = 1 if size < least else os.cpu_count() or 1
    return max(1, min(workers, size))


def in_chunks(work: Callable[[int, int], object], size: int, workers: int) -> None:
    """Call ``work(start, stop)`` for `workers` ranges that make up ``range(size)``.

    What `work` writes for one piece must not depend on the range that it comes in.
    """
    if workers == 1:
        work(0, size)
        return
    ends = np.linspace(0, size, workers + 1).astype(int).tolist()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))
