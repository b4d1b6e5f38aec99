"""``infotheory ncmi --model`` in processes that were launched together."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from infotheory.cli import _output
from infotheory.cli._live import LiveWork, results_of
from infotheory.cli._results import told
from infotheory.evaluation.merging import merged
from infotheory.evaluation.processes import Processes
from infotheory.evaluation.states import Kept, kept_to_itself, read_kept, write_kept
from infotheory.exceptions import StateError

__all__ = ["run"]

_BEGIN = -1  # beside the statuses with which processes end


def run(arguments: argparse.Namespace, group: Processes) -> int:
    """Measure the rows of this process; the first one puts everything together, and speaks.

    Parameters
    ----------
    arguments : Namespace
        As understood by ``_arguments.parse``.
    group : Processes
        This process among the others.

    Returns
    -------
    int
        0 if every model was measured, 1 if some could not be: the same in each process.
    """
    if group.rank == 0:
        with group.connected():
            return _first(arguments, group)
    with _output.silent():
        try:
            with group.connected():
                return _other(arguments, group)
        except ConnectionError:  # for the first one to say
            return 1


def _first(arguments: argparse.Namespace, group: Processes) -> int:
    """Let all begin, and end, together; whatever is not foreseen ends the connection to all."""
    status = 1
    try:
        with kept_to_itself(arguments.save_state), tempfile.TemporaryDirectory() as folder:
            group.agreed(_BEGIN)
            work = _measured(arguments, group, arguments.save_state)
            kept = _together(work, group, Path(folder))
            if arguments.save_state is not None and kept:
                _save(arguments.save_state, kept)
        status = told(results_of(kept, work.failures, arguments), arguments)
    except StateError as error:  # before all have begun, or after they have sent what they have
        print(f"infotheory ncmi: {error}", file=sys.stderr)
    return group.agreed(status)


def _other(arguments: argparse.Namespace, group: Processes) -> int:
    status = group.agreed(_BEGIN)
    if status != _BEGIN:
        return status
    work = _measured(arguments, group, None)
    failures = {where: str(reason) for where, reason in work.failures.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        write_kept(path, work.kept)
        group.send(json.dumps(failures).encode())
        group.send(path.read_bytes())
    return group.agreed(1)


def _measured(arguments: argparse.Namespace, group: Processes, total: Path | None) -> LiveWork:
    """Measure the rows of this process, with a state of its own."""
    own = argparse.Namespace(**vars(arguments))
    if arguments.save_state is not None:
        state: Path = arguments.save_state
        own.save_state = state.with_name(f"{state.name}.{group.label}")
    own.device = group.device(arguments.device)
    work = LiveWork(own, group, total)
    try:
        with kept_to_itself(own.save_state):
            work.measure()
    except StateError as error:
        work.failures["--save-state"] = error
    return work


def _together(work: LiveWork, group: Processes, folder: Path) -> dict[str, Kept]:
    """Receive what the others have measured, and return what all of them have."""
    paths = [folder / str(rank) for rank in range(group.size)]
    write_kept(paths[0], work.kept)
    for rank, path in enumerate(paths[1:], start=1):
        failures = json.loads(group.receive(rank))
        path.write_bytes(group.receive(rank))
        for where, reason in failures.items():
            if str(work.failures.get(where)) != reason:
                work.failures[f"{where} (process {rank} of {group.size})"] = RuntimeError(reason)
    everywhere = set.intersection(*(set(read_kept(path)) for path in paths))
    # Their rows differ, even where their sums do not.
    found, _ = merged(paths, allow_repeats=True, allow_incomplete=False)
    return {name: kept for name, kept in found.items() if name in everywhere}


def _save(path: Path, kept: dict[str, Kept]) -> None:
    """Write the total, beside what else the file holds."""
    old = read_kept(path) if path.exists() else {}
    write_kept(path, old | kept)
