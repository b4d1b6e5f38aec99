"""Several models measured in one pass over a data set, from any row on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from infotheory.evaluation.live import LiveModel, LiveSettings, Taking
from infotheory.evaluation.measurement import Measurement
from infotheory.evaluation.outputs import SavedOutputs, file_names, write_labels
from infotheory.evaluation.states import Kept, StateFile, Stopped, deferred_interrupt
from infotheory.evaluation.stream import FAULTS, Prepared, stream
from infotheory.models import LabelledData

__all__ = ["Pass", "measure_live"]


@dataclass(frozen=True)
class Pass:
    """One pass over a data set.

    Attributes
    ----------
    data : LabelledData
        The data set.
    models : dict of str to (LiveModel, LiveSettings)
        The models, by name.
    rows : range
        Which rows.
    batch_size, n_threads, on_error
        As for :func:`infotheory.evaluation.stream.stream`.
    save_state, save_outputs : Path or None
        File and folder to write.
    """

    data: LabelledData
    models: dict[str, tuple[LiveModel, LiveSettings]]
    rows: range
    batch_size: int
    n_threads: int
    on_error: str
    save_state: Path | None = None
    save_outputs: Path | None = None


def measure_live(
    work: Pass,
    *,
    note: Callable[[str], object],
    news: Callable[[str], object],
    failed: Callable[[str, Exception], object],
    unsaved: Callable[[Path, OSError], object],
    progress: bool | None,
) -> dict[str, Kept]:
    """Take the models through the rows that a state file does not have of them.

    Parameters
    ----------
    work : Pass
        What there is to do.
    note : callable
        Told once that the state cannot be written for now.
    news : callable
        Told what the state file has already, which is not measured again.
    failed : callable
        Told which model cannot go on, and why; the others do, unless it raises.
    unsaved : callable
        Told that the state cannot be written at the end.
    progress : bool or None
        Whether to show a bar; None for: on a terminal.

    Returns
    -------
    dict of str to Kept
        What was measured of each model that has not failed.

    Raises
    ------
    StateError
        If the state file, or the saved outputs, are those of something else.
    UnreadableSampleError
        If a sample cannot be read. What was measured before is in the state file.
    KeyboardInterrupt
        Likewise.
    """
    run = _Run(work, note, unsaved)
    if run.state is not None:
        _tell_progress(run.state, run.takings, news)

    def drop(name: str, error: Exception) -> None:
        del run.going[name]
        failed(name, error)

    try:
        _go_through(run, drop, progress)
    except (Stopped, *FAULTS):  # no addition is half done: what there is agrees with itself
        if run.state is not None:
            run.state.changed()  # some models may be a batch ahead
        run.save()
        raise
    else:
        run.save()
    finally:
        run.close()
    run.finish()
    return {name: run.kept(name) for name in run.complete}


class _Run:
    """The models of one pass, the state file, and the files of outputs."""

    def __init__(
        self,
        work: Pass,
        note: Callable[[str], object],
        unsaved: Callable[[Path, OSError], object],
    ) -> None:
        self.work = work
        self._unsaved = unsaved
        self.state: StateFile | None = None
        self.takings: dict[str, Taking] = {}
        if work.save_state is not None:
            self.state = StateFile(work.save_state, note, self._settle)
        measured = self.state.begin(work.models) if self.state else {}
        for name, (model, settings) in work.models.items():
            measurement = measured.get(name) or Measurement(settings.accumulator())
            self.takings[name] = Taking(model.classifier, settings, measurement)
        self._open_outputs()
        self.going = {n: t for n, t in self.takings.items() if not self._is_complete(t)}

    def _is_complete(self, taking: Taking) -> bool:
        return taking.measurement.rows == len(self.work.rows)

    @property
    def complete(self) -> dict[str, Taking]:
        """The models that have had all rows."""
        return {n: t for n, t in self.takings.items() if self._is_complete(t)}

    def kept(self, name: str) -> Kept:
        """Return what was measured of a model."""
        if self.state is not None:
            return self.state.models[name]
        model, settings = self.work.models[name]
        measurement = self.takings[name].measurement
        return Kept(measurement, [model.source], settings.to_dict(), model.n_rows)

    def _settle(self) -> None:
        for taking in self.takings.values():
            taking.settle()

    def save(self) -> None:
        """Write the state, and let all measurements be whole."""
        self._settle()
        if self.state is None:
            return
        try:
            self.state.save()
        except OSError as error:  # the work is done, and is shown
            self._unsaved(self.state.path, error)

    def _open_outputs(self) -> None:
        folder = self.work.save_outputs
        if folder is None:
            return
        for model, name in file_names(self.takings).items():
            taking = self.takings[model]
            rows = taking.measurement.rows - len(taking.measurement.skipped.rows)
            taking.saved = SavedOutputs(folder, name, rows, complete=self._is_complete(taking))

    def close(self) -> None:
        """Write no more outputs; without a state, nobody could go on from a part of them."""
        for taking in self.takings.values():
            if taking.saved is not None:
                taking.saved.close(keep=self.state is not None or self._is_complete(taking))

    def finish(self) -> None:
        """Give the files of complete models their names, and write the labels of their rows."""
        folder, rows = self.work.save_outputs, self.work.rows
        if folder is None or not self.complete:
            return
        labels = {}
        for name, taking in self.complete.items():
            assert taking.saved is not None  # opened for each of them
            taking.saved.finish()
            skipped = taking.measurement.skipped.rows
            read = np.setdiff1d(np.arange(rows.start, rows.stop), skipped)
            labels[taking.saved.path.stem] = self.work.models[name][0].labels[read]
        write_labels(folder, labels)


def _tell_progress(
    state: StateFile, takings: Mapping[str, Taking], news: Callable[[str], object]
) -> None:
    for name, kept in state.models.items():
        if name not in takings:
            news(f"{state.path}: {name!r} is kept as it is")
        elif kept.complete:
            news(f"{name}: already measured, see {state.path}")
        elif kept.measurement.rows:
            news(f"{name}: resumed behind {kept.progress}")


def _go_through(run: _Run, drop: Callable[[str, Exception], None], progress: bool | None) -> None:
    """Take each batch to the models that have not had it."""
    if not run.going:
        return
    work, state = run.work, run.state
    done = min(taking.measurement.rows for taking in run.going.values())
    prepare = {name: taking.classifier.prepare for name, taking in run.going.items()}
    batches = stream(
        work.data,
        prepare,
        work.rows,
        batch_size=work.batch_size,
        done=done,
        on_error=work.on_error,
        n_threads=work.n_threads,
    )
    with (
        tqdm(
            total=len(work.rows),
            initial=done,
            unit=" rows",
            unit_scale=True,
            delay=2,  # seconds: short runs stay silent
            disable=None if progress is None else not progress,
        ) as bar,
        deferred_interrupt() if state else contextlib.nullcontext(lambda: False) as interrupted,
        contextlib.closing(batches),
    ):
        for batch in batches:
            for name, taking in list(run.going.items()):
                if taking.measurement.rows > batch.start - work.rows.start:
                    continue  # it is ahead of the others
                try:
                    _take(work, name, taking, batch)
                except FAULTS as error:
                    del prepare[name]
                    drop(name, error)
            if not run.going:
                return
            bar.update(batch.stop - batch.start)
            if state is not None:
                state.changed()
            if interrupted():
                raise Stopped


def _take(work: Pass, name: str, taking: Taking, batch: Prepared) -> None:
    """Take one batch to one model, all of it or nothing."""
    if name in batch.failures:
        raise batch.failures[name]
    if batch.rows.size:
        model, _ = work.models[name]
        try:
            outputs = taking.classifier.outputs(batch.samples[name])
            if not taking.measurement.rows:
                model.confirm()
            taking.take(outputs, model.labels[batch.rows])
        except (TypeError, ValueError) as error:
            if type(error) not in {TypeError, ValueError} or batch.start == 0:
                raise
            raise type(error)(
                f"{error} This is in the batch of rows {batch.start} to {batch.stop - 1} of "
                f"{work.data.name}."
            ) from error
    taking.measurement.rows += batch.stop - batch.start
    if batch.unreadable:
        taking.measurement.skipped.add(batch.unreadable)
