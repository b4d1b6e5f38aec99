"""Interleaved timing: every contender in turn, round after round, in one process.

The machine may be shared, so single times mean little. CPU time of the process and wall time are
both taken, and ratios are formed round by round, which a drift of the machine's speed leaves alone.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPREAD_LIMIT = 0.10  # no verdict beyond this (interquartile range over median)


@dataclass(frozen=True)
class Timing:
    """Seconds of each round."""

    cpu: list[float]
    wall: list[float]

    @property
    def spread(self) -> float:
        """Interquartile range of the CPU times over their median."""
        low, middle, high = statistics.quantiles(self.cpu, n=4)
        return (high - low) / middle


def interleave(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Run every contender once per round, after one uncounted round."""
    taken = {name: Timing([], []) for name in contenders}
    for count in range(rounds + 1):
        for name, run in contenders.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if count:
                taken[name].cpu.append(cpu)
                taken[name].wall.append(wall)
    return taken


def ratio(ours: Timing, theirs: Timing, clock: str = "cpu") -> tuple[float, float, float]:
    """Median of the ratio round by round, and its first and third quartile."""
    pairs = zip(getattr(ours, clock), getattr(theirs, clock), strict=True)
    low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
    return middle, low, high


def verdict(ours: Timing, theirs: Timing, goal: float, clock: str = "cpu") -> str:
    """Whether the goal (a largest ratio) is met, unless the times scatter too much to say."""
    middle, low, high = ratio(ours, theirs, clock)
    if (high - low) / middle > SPREAD_LIMIT:
        return f"no verdict (ratio scatters from {low:.2f} to {high:.2f})"
    return "met" if middle <= goal else "missed"


def machine() -> dict[str, str]:
    """Describe the machine, for the record beside the figures."""
    name = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), name)
    load = ", ".join(f"{x:.2f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "?"
    return {
        "processor": name,
        "cores": str(os.cpu_count()),
        "load": load,
        "python": platform.python_version(),
        "system": platform.system(),
    }
