"""``infotheory ncmi``: measure stored outputs of classifiers, or models at work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from tqdm import tqdm

from infotheory.cli import _output
from infotheory.cli._arguments import parse
from infotheory.cli._intervals import Wanted, default_shards, intervals_of
from infotheory.cli._models import Model, Places, find
from infotheory.cli._output import note
from infotheory.cli._results import Results, told
from infotheory.evaluation.measurement import Measurement, Options, measure
from infotheory.evaluation.merging import merged
from infotheory.evaluation.processes import Processes
from infotheory.evaluation.states import (
    StateFile,
    Stopped,
    deferred_interrupt,
    kept_to_itself,
    write_kept,
)
from infotheory.exceptions import StateError
from infotheory.files import UnusableFileError

__all__ = ["run"]

_CHUNK_BYTES = 64 * 2**20  # of outputs in a batch; states of other batches are not gone on with


def run(argv: Sequence[str]) -> int:
    """Measure stored or live models, or merge saved states, and print their table.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory ncmi``.

    Returns
    -------
    int
        0 if every model was measured, 1 if some could not be.
    """
    group = Processes.launched()
    with _output.silent() if group is not None and group.rank else nullcontext():
        arguments = parse(argv)
    if arguments.model:
        from infotheory.cli import _live

        return _live.run(arguments, group)
    try:
        with kept_to_itself(arguments.save_state):
            found = _merge(arguments) if arguments.merge else _measure(arguments)
    except StateError as error:
        print(f"infotheory ncmi: {error}", file=sys.stderr)
        return 1
    return told(found, arguments)


def _measure(arguments: argparse.Namespace) -> Results:
    """Measure the models in files, each from the row that a state file has reached."""
    places = Places(arguments.labels, arguments.weights, arguments.groups, arguments.outputs)
    found = find(arguments.files, places, arguments.name, allow_repeats=arguments.allow_repeats)
    for text in found.notes:
        note(text)
    results = Results({}, {}, found.failures)
    models: dict[str, tuple[Model, Options]] = {}
    for name, model in found.models.items():
        try:
            models[name] = (model, _options(arguments, model))
        except UnusableFileError as error:
            results.failures[model.where] = error
    state = None
    if arguments.save_state is not None:
        state = StateFile(arguments.save_state, note)
        measurements = state.begin(models)
        _note_progress(state, measurements)
    else:
        measurements = {name: Measurement(o.accumulator()) for name, (_, o) in models.items()}
    _take_in(arguments, models, measurements, state, results)
    if state is not None:
        try:
            state.save()
        except OSError as error:  # the work is done, and is shown
            results.failures[str(state.path)] = error
    return results


def _options(arguments: argparse.Namespace, model: Model) -> Options:
    shards = arguments.shards
    if shards is None:
        n_classes = arguments.n_classes or model.n_outputs
        wanted = arguments.interval != "none"
        shards = default_shards(model, n_classes, _CHUNK_BYTES) if wanted else 0
    return Options(
        kind=arguments.kind,
        temperature=arguments.temperature,
        smoothing=arguments.smoothing,
        n_classes=arguments.n_classes,
        shards=shards,
        batch_bytes=_CHUNK_BYTES,
    )


def _note_progress(state: StateFile, measurements: Mapping[str, Measurement]) -> None:
    for name, kept in state.models.items():
        if name not in measurements:
            note(f"{state.path}: {name!r} is kept as it is")
        elif kept.complete:
            note(f"{name}: already measured, see {state.path}")
        elif kept.measurement.rows:
            note(f"{name}: resumed behind {kept.progress}")


def _take_in(
    arguments: argparse.Namespace,
    models: Mapping[str, tuple[Model, Options]],
    measurements: Mapping[str, Measurement],
    state: StateFile | None,
    results: Results,
) -> None:
    """Read the rows that are left, fill in the results, and keep the state up to date."""
    with (
        tqdm(
            total=sum(model.n_rows for model, _ in models.values()),
            initial=sum(measurement.rows for measurement in measurements.values()),
            unit=" rows",
            unit_scale=True,
            delay=2,  # seconds: short runs stay silent
            disable=True if arguments.no_progress else None,  # None: only on a terminal
        ) as progress,
        deferred_interrupt() if state else nullcontext(lambda: False) as interrupted,
    ):

        def advance(rows: int) -> None:
            progress.update(rows)
            if state is not None:
                state.changed()
            if interrupted():
                raise Stopped

        try:
            for name, (model, options) in models.items():
                try:
                    measure(model, measurements[name], options, advance)
                    results.reports[name] = measurements[name].report(
                        base=arguments.base,
                        intervals_of=intervals_of(_wanted(arguments), model, options),
                    )
                    results.sources[name] = {**model.source, "kind": options.kind}
                except UnusableFileError as error:
                    results.failures[model.where] = error
            if interrupted():
                raise Stopped
        except Stopped:
            if state is not None:
                state.save()
            raise


def _wanted(arguments: argparse.Namespace) -> Wanted:
    return Wanted(arguments.interval, arguments.level, arguments.seed)


def _merge(arguments: argparse.Namespace) -> Results:
    """Put saved states together."""
    models, notes = merged(
        arguments.merge,
        allow_repeats=arguments.allow_repeats,
        allow_incomplete=arguments.allow_incomplete,
    )
    for text in notes:
        note(text)
    results = Results({}, {}, {})
    for name, kept in models.items():
        if arguments.interval == "jackknife" and not kept.measurement.total.shards:
            raise StateError(
                f"{name!r} must have shards for --interval jackknife; got states without. "
                "Measure the data with --shards 20."
            )
        try:
            results.reports[name] = kept.measurement.report(
                base=arguments.base, intervals_of=intervals_of(_wanted(arguments))
            )
            results.sources[name] = kept.source
        except UnusableFileError as error:
            results.failures[name] = error
    if arguments.save_state is not None:
        write_kept(arguments.save_state, models)
    return results
