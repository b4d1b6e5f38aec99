"""Run ``infotheory ncmi`` many times, each killed in the middle of its work, and tell what is left.

Started as a program of its own: python killed.py SEED KILLS BATCH_BYTES STATE ARGUMENT...

Each run is a fork of this process, which has everything imported. It is killed, by the signal that
nothing can catch, at the n-th call or return of a function, Python's and C's alike: in the middle
of reading, adding, writing a draft, or renaming it. n is random. After each kill the state file,
if there is one, must be loadable, and a line of JSON says what it held.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from infotheory.cli import main
from infotheory.cli import ncmi as verb
from infotheory.evaluation import states


def counted(arguments: list[str], kill_at: int | None = None) -> int:
    """Run the command and return how many calls and returns it took, if it lives."""
    count = 0

    def step(*_: object) -> None:
        nonlocal count
        count += 1
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        sys.setprofile(step)
        status = main(arguments)
        sys.setprofile(None)
    assert status == 0
    return count


def in_a_fork(arguments: list[str], kill_at: int) -> bool:
    """Run the command in a process of its own, and tell whether it was killed."""
    process = os.fork()
    if process == 0:
        status = 1
        with contextlib.suppress(BaseException):
            counted(arguments, kill_at)
            status = 0
        os._exit(status)
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, -signal.SIGKILL}, code
    return code != 0


def run(seed: int, kills: int, state: Path, arguments: list[str]) -> None:
    numbers = np.random.default_rng(seed)
    arguments = ["ncmi", *arguments, "--save-state", str(state)]
    counted(arguments)  # imports what is imported on use
    state.unlink()
    steps = counted(arguments)
    state.unlink()
    while kills:
        killed = in_a_fork(arguments, int(numbers.integers(1, steps // 2)))
        rows = []
        if state.exists():
            rows = [kept.measurement.rows for kept in states.read_kept(state).values()]
        drafts = len(list(state.parent.glob(f".{state.name}.*.part")))
        print(json.dumps({"killed": killed, "rows": rows, "drafts": drafts}), flush=True)
        if killed:
            kills -= 1
        else:
            state.unlink()  # it came to its end: from the beginning again


if __name__ == "__main__":
    states._EVERY = states._SHARE = 0.0  # a state behind every batch
    verb._CHUNK_BYTES = int(sys.argv[3])
    run(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[4]), sys.argv[5:])
