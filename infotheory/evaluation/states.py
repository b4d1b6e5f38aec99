"""Measurements in a state file: kept while they are made, and gone on with.

Beside each accumulator the file says, as a note, which rows of which data it has taken in, and how.
So a later run goes on only with what is its own, and nothing is counted twice by mistake.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infotheory._atomic import reserved
from infotheory._validation import refusal
from infotheory.classifiers import NCMIAccumulator, read_states, write_states
from infotheory.classifiers.state import begins_like_a_state
from infotheory.evaluation.measurement import Measured, Measurement, Settings, Skipped
from infotheory.exceptions import StateError

__all__ = [
    "Kept",
    "StateFile",
    "Stopped",
    "called",
    "deferred_interrupt",
    "fingerprints",
    "is_state",
    "kept_to_itself",
    "piece",
    "read_kept",
    "state_place",
    "write_kept",
]

_EVERY = 5.0  # seconds of work between two savings
_SHARE = 20.0  # and at least so many times as long as the last one took
_clock = time.monotonic


@dataclass
class Kept:
    """One model in a state file.

    Attributes
    ----------
    measurement : Measurement
        What has been taken in.
    sources : list of dict
        File and array of each piece of the data, or model and data set, and its fingerprint, as
        far as known. A piece of a whole has the fingerprint of that, and its rows ``FROM:TO``.
    options : dict
        How it was measured; empty if not known.
    rows : int
        How many rows there are to take in.
    """

    measurement: Measurement
    sources: list[dict[str, str]]
    options: dict[str, Any]
    rows: int

    @property
    def complete(self) -> bool:
        """Whether all rows have been taken in."""
        return self.measurement.rows >= self.rows

    @property
    def progress(self) -> str:
        """How far it is."""
        return f"{self.measurement.rows:,} of {self.rows:,} rows"

    @property
    def source(self) -> dict[str, str]:
        """File and array, or model and data set, and kind, for documents."""
        live = any("model" in source for source in self.sources)
        joined = {
            name: "; ".join(dict.fromkeys(source.get(name, "") for source in self.sources))
            for name in (("model", "data") if live else ("file", "array"))
        }
        return {**joined, "kind": self.options.get("kind", "")}


def write_kept(path: Path, models: Mapping[str, Kept]) -> None:
    """Write the state file, which is replaced once the new one is complete."""
    states: dict[str, NCMIAccumulator] = {}
    notes: dict[str, dict[str, Any]] = {}
    for name, kept in models.items():
        about = {
            "sources": kept.sources,
            "options": kept.options,
            "rows done": kept.measurement.rows,
            "rows total": kept.rows,
        }
        if kept.measurement.skipped.rows:
            about["skipped"] = asdict(kept.measurement.skipped)
        if kept.measurement.notes:
            about["notes"] = kept.measurement.notes
        measured: list[tuple[str | None, NCMIAccumulator]] = [(None, kept.measurement.total)]
        measured += kept.measurement.groups.items()
        for group, accumulator in measured:
            key = name if group is None else f"{name}[{group}]"
            while key in states:  # another model has that very name
                key += "'"
            states[key] = accumulator
            notes[key] = {"model": name, "group": group, **(about if group is None else {})}
    # The fingerprints know the data; a digest for each save would make the file grow without end.
    write_states(path, states, notes, remember=False)


def read_kept(path: Path) -> dict[str, Kept]:
    """Read a state file, also one that was written by :meth:`NCMIAccumulator.save`.

    Raises
    ------
    StateError
        If it is none, is damaged, or its notes are those of another program.
    OSError
        If it cannot be read.
    """
    models: dict[str, Kept] = {}
    stored = read_states(path)
    try:
        for key, (accumulator, note) in stored.items():
            if not note:
                rows = 0 if accumulator.n_outputs is None else accumulator.sums.n_rows
                sources = [{"file": str(path), "array": key}]
                models[key] = Kept(Measurement(accumulator, rows=rows), sources, {}, rows)
            elif note["group"] is None:
                skipped = Skipped(**note.get("skipped", {}))
                measurement = Measurement(accumulator, rows=int(note["rows done"]), skipped=skipped)
                measurement.notes += map(str, note.get("notes", ()))
                models[note["model"]] = Kept(
                    measurement,
                    [
                        {name: str(value) for name, value in source.items()}
                        for source in note["sources"]
                    ],
                    dict(note["options"]),
                    int(note["rows total"]),
                )
        for accumulator, note in stored.values():
            if note and note["group"] is not None:
                models[note["model"]].measurement.groups[note["group"]] = accumulator
        for source in (source for kept in models.values() for source in kept.sources):
            if "whole" in source:
                _ = piece(source), int(source["of"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"{path} must be a state written by infotheory ncmi; got notes of another kind."
        ) from error
    return models


def state_place(path: str | os.PathLike[str] | None) -> Path | None:
    """Return where a state is to be kept, and refuse a place where none can be.

    Raises
    ------
    ValueError
        If it is a folder, or in none.
    """
    if path is None:
        return None
    found = Path(path)
    if found.is_dir():
        raise refusal("save_state", "a file", f"the folder {found}", "Name a file in it.")
    if not found.resolve().parent.is_dir():
        raise refusal("save_state", "in an existing folder", str(found), "Make the folder first.")
    return found


@contextlib.contextmanager
def kept_to_itself(path: Path | None) -> Iterator[None]:
    """Let no second run use the state file, which would lose what the first one writes.

    Raises
    ------
    StateError
        If another run uses it now.
    """
    if path is None:
        yield
        return
    with reserved(path) as free:
        if not free:
            raise StateError(
                f"{path} must be used by one run at a time; it is in use by another run. "
                "Wait for its end, or save into another file and merge the two."
            )
        yield


def is_state(path: Path) -> bool:
    """Tell whether a file is a state by its beginning, as damaged ones and later versions are."""
    if not path.is_file():  # nothing is taken out of a pipe
        return False
    with contextlib.suppress(OSError), path.open("rb") as file:
        return begins_like_a_state(file)
    return False


class StateFile:
    """The state file of one run: read at the start, written now and then, and at the end.

    Parameters
    ----------
    path : Path
        The file. What else it holds is kept.
    note : callable
        Told once that the file cannot be written for now.
    before : callable, optional
        Called before the file is written.

    Raises
    ------
    StateError, OSError
        If there is a file that is no state, or cannot be read.
    """

    def __init__(
        self,
        path: Path,
        note: Callable[[str], object],
        before: Callable[[], object] = lambda: None,
    ) -> None:
        self.path = path
        self._before = before
        self._note: Callable[[str], object] | None = note
        self.models = read_kept(path) if path.exists() else {}
        self._unsaved = False
        self._due = _clock() + _EVERY

    def begin(self, models: Mapping[str, tuple[Measured, Settings]]) -> dict[str, Measurement]:
        """Return what the file has of each model; make a place for those that it has not.

        Raises
        ------
        StateError
            If the file holds other data, or data measured otherwise, under the same name.
        """
        places = {}
        for name, (model, options) in models.items():
            fresh = Kept(
                Measurement(options.accumulator()), model.sources(), options.to_dict(), model.n_rows
            )
            if name in self.models:
                self._refuse_another(name, fresh)
            places[name] = self.models.get(name, fresh)
        self.models |= places
        return {name: kept.measurement for name, kept in places.items()}

    def _refuse_another(self, name: str, fresh: Kept) -> None:
        old = self.models[name]
        differ = []
        if fingerprints(old) != fingerprints(fresh):
            what = (
                "a model, data, labels or part of the rows"
                if any("model" in source for source in fresh.sources)
                else "outputs, labels, weights or groups, or files of them,"
            )
            origin = "" if any("model" in source for source in old.sources) else "outputs from "
            differ.append(f"{what} other than those measured ({origin}{called(old.sources)})")
        if old.options.get("merged"):
            differ.append("a merger of several states, whose rows are in no order")
        for option, value in fresh.options.items():
            if old.options.get(option) != value:
                option_name = option.replace("_", "-")
                differ.append(f"{option_name} {old.options.get(option)} and not {value}")
        if differ:
            raise StateError(
                f"{self.path}: {name!r} must be kept of the same data and options; "
                f"got {'; '.join(differ)}. It is left as it is: save into another file."
            )

    def changed(self) -> None:
        """Take note of a batch; save if it is time to, or say that it failed and try later."""
        self._unsaved = True
        if _clock() < self._due:
            return
        try:
            self.save()
        except OSError as error:
            if self._note is not None:
                self._note(f"{self.path}: cannot be written, and is tried again ({error})")
                self._note = None

    def save(self) -> None:
        """Write the file if something has changed."""
        if not self._unsaved:
            return
        start = _clock()
        try:
            self._before()
            write_kept(self.path, self.models)
            self._unsaved = False
        finally:
            # A state that is large in relation to the data must not take up all the time.
            self._due = _clock() + max(_EVERY, _SHARE * (_clock() - start))


def called(sources: Sequence[Mapping[str, str]]) -> str:
    """Return what a message calls the data of a state."""
    texts = [
        f"{source['model']} on {source.get('data', '')}"
        if "model" in source
        else source.get("file", "")
        for source in sources
    ]
    return "; ".join(dict.fromkeys(texts))


def fingerprints(kept: Kept) -> list[str]:
    """Return the fingerprint of each piece, empty where it is not known."""
    return [source.get("fingerprint", "") for source in kept.sources]


def piece(source: Mapping[str, str]) -> tuple[int, int]:
    """Return the first row of a piece of a whole, and the one behind the last."""
    start, _, stop = source["rows"].partition(":")
    return int(start), int(stop)


class Stopped(KeyboardInterrupt):
    """An interruption that has waited for the end of a batch."""


@contextlib.contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C wait until it is asked for; a second one acts at once.

    Sums are not to be saved in the middle of an addition.
    """
    asked = False

    def wait(*_: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, usual)

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield lambda: False  # somebody else decides what an interruption does
        return
    usual = signal.signal(signal.SIGINT, wait)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, usual)
