"""Models at work for ``infotheory ncmi``: opened, put together with data, and measured."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infotheory._validation import refusal
from infotheory.cli import _output
from infotheory.cli._intervals import Wanted, intervals_of
from infotheory.cli._results import Results, told
from infotheory.evaluation.live import LiveModel, LiveSettings, live_model, part_of
from infotheory.evaluation.one_pass import Pass, measure_live
from infotheory.evaluation.processes import Processes
from infotheory.evaluation.states import Kept, called, kept_to_itself, read_kept
from infotheory.evaluation.stream import FAULTS, check_threads
from infotheory.exceptions import InfotheoryWarning, StateError
from infotheory.files import UnusableFileError
from infotheory.models import Classifier, LabelledData

__all__ = ["LiveWork", "results_of", "run"]

_PLAIN = (ValueError, TypeError, OSError, ImportError)  # whose texts speak for themselves


def run(arguments: argparse.Namespace, group: Processes | None) -> int:
    """Measure models at work.

    Parameters
    ----------
    arguments : Namespace
        As understood by ``_arguments.parse``.
    group : Processes or None
        This process among those launched together; None if it is alone.

    Returns
    -------
    int
        0 if every model was measured, 1 if some could not be.
    """
    if group is not None:
        from infotheory.cli import _processes

        return _processes.run(arguments, group)
    work = LiveWork(arguments)
    try:
        with kept_to_itself(arguments.save_state):
            work.measure()
    except StateError as error:
        print(f"infotheory ncmi: {error}", file=sys.stderr)
        return 1
    return told(results_of(work.kept, work.failures, arguments), arguments)


def results_of(
    kept: dict[str, Kept], failures: dict[str, Exception], arguments: argparse.Namespace
) -> Results:
    """Report on what was measured."""
    wanted = Wanted(arguments.interval, arguments.level, arguments.seed)
    results = Results({}, {}, dict(failures))
    for name, one in kept.items():
        try:
            results.reports[name] = one.measurement.report(
                base=arguments.base, intervals_of=intervals_of(wanted)
            )
            results.sources[name] = one.source
        except UnusableFileError as error:
            results.failures[name] = error
    return results


@dataclass
class LiveWork:
    """What one process has to do, and what has come of it.

    Attributes
    ----------
    arguments : Namespace
        What it was told; the places to write are those of this process.
    group : Processes or None
        This process among others.
    total : Path or None
        The state file into which everything is put together, if that is for this process to do.
    kept : dict of str to Kept
        What was measured, by model.
    failures : dict of str to Exception
        What failed, by place.
    """

    arguments: argparse.Namespace
    group: Processes | None = None
    total: Path | None = None
    kept: dict[str, Kept] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)

    def measure(self) -> None:
        """Open models and data, and go through the rows of this process."""
        from infotheory.models.datasets import open_dataset

        arguments = self.arguments
        try:
            with _warnings_noted(self._note):
                data = open_dataset(arguments.data, download=arguments.download)
        except FAULTS as error:
            self.failures[arguments.data] = _plain(error)
            return
        for text in getattr(data, "notes", ()):
            self._note(f"{data.name}: {text}")
        count = arguments.part[1]
        if count > len(data.labels):
            requirement = f"at most the number of rows ({len(data.labels)})"
            self.failures["--part"] = refusal("N", requirement, str(count))
            return
        rows = self._rows(data)
        with _warnings_noted(self._note):
            models = self._models(data, rows)
            if models:
                self._pass(data, rows, models)

    def _note(self, text: str) -> None:
        if self.group is None or self.group.rank == 0:
            _output.note(text)

    def _rows(self, data: LabelledData) -> range:
        rows = part_of(range(len(data.labels)), *self.arguments.part)
        return rows if self.group is None else self.group.part(rows)

    def _folder(self) -> Path | None:
        """Return the folder for the outputs of these rows."""
        folder: Path | None = self.arguments.save_outputs
        number, count = self.arguments.part
        if folder is not None and count > 1:
            folder /= f"part{number}of{count}"
        if folder is not None and self.group is not None:
            folder /= self.group.label
        return folder

    def _models(self, data: LabelledData, rows: range) -> dict[str, tuple[LiveModel, LiveSettings]]:
        """Open the models, and put each together with the data set."""
        from infotheory.models.opening import open_model

        arguments = self.arguments
        opened: dict[str, Classifier] = {}
        for spec in arguments.model:
            with self._failing(spec):
                opened[spec] = open_model(
                    spec,
                    device=arguments.device,
                    precision=arguments.precision,
                    download=arguments.download,
                )
        names = _names(opened, arguments.name)
        shards = arguments.shards
        if shards is None and arguments.interval == "none":
            shards = 0
        models = {}
        for spec, classifier in opened.items():
            with self._failing(spec):
                models[names[spec]] = live_model(
                    spec,
                    classifier,
                    data,
                    arguments.label_map,
                    rows,
                    batch_size=arguments.batch_size,
                    precision=arguments.precision,
                    temperature=arguments.temperature,
                    smoothing=arguments.smoothing,
                    shards=shards,
                    note=self._note,
                )
        return models

    @contextlib.contextmanager
    def _failing(self, where: str) -> Iterator[None]:
        try:
            yield
        except FAULTS as error:
            self.failures[where] = _plain(error)

    def _pass(
        self,
        data: LabelledData,
        rows: range,
        models: dict[str, tuple[LiveModel, LiveSettings]],
    ) -> None:
        arguments = self.arguments

        def failed(name: str, error: Exception) -> None:
            self.failures[models[name][0].where] = _plain(error)

        work = Pass(
            data,
            models,
            rows,
            arguments.batch_size,
            check_threads(arguments.threads),
            arguments.on_error,
            arguments.save_state,
            self._folder(),
        )
        try:
            if self.total is not None:
                _refuse_another(self.total, models)
            self.kept = measure_live(
                work,
                note=self._note,
                news=self._note,
                failed=failed,
                unsaved=lambda path, error: self.failures.update({str(path): error}),
                progress=False if arguments.no_progress else None,
            )
        except StateError:
            raise
        except FAULTS as error:  # of the data, which nothing can go on without
            self.failures[arguments.data] = _plain(error)


def _refuse_another(path: Path, models: dict[str, tuple[LiveModel, LiveSettings]]) -> None:
    """Refuse to put something else in the place of what a state file holds."""
    old = read_kept(path) if path.exists() else {}
    for name in old.keys() & models.keys():
        wholes = {source.get("whole") for source in old[name].sources}
        if wholes != {models[name][0].sources()[0]["whole"]}:
            raise StateError(
                f"{path}: {name!r} must be kept of the same model and data; got "
                f"{called(old[name].sources)}. It is left as it is: save into another file."
            )


def _plain(error: Exception) -> Exception:
    """Name the kind of an error whose text may not speak for itself."""
    if isinstance(error, _PLAIN) and str(error):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")


def _names(opened: dict[str, Classifier], name: str | None) -> dict[str, str]:
    """Return the name of each model, by spec: all of that where its own is not the only one."""
    if name is not None:
        return dict.fromkeys(opened, name)
    count = Counter(classifier.name for classifier in opened.values())
    return {
        spec: classifier.name if count[classifier.name] == 1 else spec
        for spec, classifier in opened.items()
    }


@contextlib.contextmanager
def _warnings_noted(note: Callable[[str], object]) -> Iterator[None]:
    """Let warnings of this package be notes."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", InfotheoryWarning)
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, InfotheoryWarning):
                note(str(message))
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield
