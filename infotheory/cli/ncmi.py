"""``infotheory ncmi FILE...``: measure stored outputs of classifiers."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from infotheory.classifiers import NCMIAccumulator
from infotheory.cli import _table
from infotheory.cli._files import StoredModel, UnusableFileError, find_models
from infotheory.exceptions import InfotheoryWarning

if TYPE_CHECKING:
    from infotheory.classifiers import NCMIReport

__all__ = ["run"]

_CHUNK_BYTES = 64 * 2**20

_EPILOG = """\
examples:
  infotheory ncmi logits.npz
      every 2-D array of the file is a model; the labels are its array `labels`
  infotheory ncmi a.npz b.npz --kind probs --labels y_test --plot models.png
      probabilities of models in two files, with labels under `y_test` in each
  infotheory ncmi huge.npy --labels labels.npy --json huge.json --per-class
      one model in a file that may be larger than memory
  infotheory ncmi knn.npz --kind probs --smoothing 1e-3
      exact zeros make Gamma infinite; mixing in a little of the uniform distribution does not

The table is sorted by NCMI = CMI / Gamma, smallest first. Models with infinite Gamma come last.
JSON has neither infinity nor nan: such a value is null, and `non_finite` of its model names it.
With --per-class, --json also holds a table of the classes of each model.

exit status: 0 all models measured, 1 some could not be measured, 2 arguments not understood
"""


def run(argv: Sequence[str]) -> int:
    """Measure the models in some files and print their table.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory ncmi``.

    Returns
    -------
    int
        0 if every model was measured, 1 if some could not be.
    """
    arguments = _arguments(argv)
    models, failures = _find(arguments.files, arguments.labels)
    reports: dict[str, NCMIReport] = {}
    rows = sum(model.outputs.shape[0] for model in models.values())
    with tqdm(
        total=rows,
        unit=" rows",
        unit_scale=True,
        delay=2,  # seconds: short runs stay silent
        disable=True if arguments.no_progress else None,  # None: only on a terminal
    ) as progress:
        for name, model in models.items():
            try:
                reports[name] = _measure(model, arguments, progress.update)
            except UnusableFileError as error:
                key = model.outputs.key
                failures[f"{model.outputs.file}[{key}]" if key else str(model.outputs.file)] = error
    reports = _table.ranked(reports)
    _show(reports, per_class=arguments.per_class)
    _write(arguments, reports, models, failures)
    for where, reason in failures.items():
        print(f"infotheory ncmi: {where}: {reason}", file=sys.stderr)
    return 1 if failures else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infotheory ncmi",
        description="Measure concentration (CMI), separation (Gamma) and NCMI = CMI / Gamma "
        "of stored classifier outputs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="npz with models, or npy with one"
    )
    parser.add_argument(
        "--labels",
        metavar="FILE|KEY",
        help="labels: an npy file, or their key in each npz file (default: labels)",
    )
    parser.add_argument(
        "--kind",
        choices=("logits", "probs", "log_probs"),
        default="logits",
        help="what the outputs are (default: %(default)s)",
    )
    parser.add_argument(
        "--temperature",
        metavar="T",
        type=_positive,
        default=1.0,
        help="divide logits by T (default: 1)",
    )
    parser.add_argument(
        "--smoothing",
        metavar="E",
        type=_fraction,
        default=0.0,
        help="replace P by (1-E) P + E/K (default: 0)",
    )
    parser.add_argument(
        "--n-classes",
        metavar="C",
        type=_count,
        help="number of classes, where it is not the number of columns",
    )
    parser.add_argument(
        "--base", metavar="B", type=_base, help="base of logarithms: 2 gives bits (default: nats)"
    )
    parser.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    parser.add_argument("--csv", metavar="OUT", type=Path, help="write one line a model as CSV")
    parser.add_argument("--plot", metavar="OUT.png", type=Path, help="draw the models")
    parser.add_argument("--per-class", action="store_true", help="print a table of classes too")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    arguments = parser.parse_args(argv)
    for path, figure in (
        (arguments.json, False),
        (arguments.csv, False),
        (arguments.plot, True),
    ):
        problem = None if path is None else _table.output_problem(path, figure=figure)
        if problem is not None:
            parser.error(problem)
    used = {path.resolve(): "is read" for path in arguments.files}
    if arguments.labels is not None:
        used[Path(arguments.labels).resolve()] = "is read"
    for path in (arguments.json, arguments.csv, arguments.plot):
        if path is not None and path.resolve() in used:
            parser.error(f"{path}: would be overwritten, and {used[path.resolve()]}")
        if path is not None and not path.is_char_device():
            used[path.resolve()] = "is written for another option"
    return arguments


def _number(requirement: str, accept: Callable[[float], bool]) -> Callable[[str], float]:
    """Make a type of argument that says what it must be."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not accept(value):
            raise argparse.ArgumentTypeError(f"must be {requirement}; got {text!r}")
        return value

    return parse


_positive = _number("a positive number", lambda value: 1e-30 <= value <= 1e30)
_fraction = _number("a number in [0, 1)", lambda value: 0 <= value < 1)
_base = _number("a number above 1", lambda value: 1 < value < math.inf)
_whole = _number("a whole number of at least 1", lambda n: 1 <= n <= 1e8 and n % 1 == 0)


def _count(text: str) -> int:
    return int(_whole(text))


def _find(
    files: Sequence[Path], labels: str | None
) -> tuple[dict[str, StoredModel], dict[str, UnusableFileError]]:
    """Look into the files: the models by name, and the files that failed."""
    found: list[StoredModel] = []
    failures: dict[str, UnusableFileError] = {}
    for path in files:
        try:
            models, notes = find_models(path, labels)
        except UnusableFileError as error:
            failures[str(path)] = error
            continue
        found += models
        for note in notes:
            print(f"note: {path}: {note}", file=sys.stderr)
    return dict(zip(_names(found), found, strict=True)), failures


def _names(models: Sequence[StoredModel]) -> list[str]:
    """Name models by key, or by file, with as much of the path as tells them apart."""
    candidates = [
        (
            array.key or array.file.stem,
            array.file.stem,
            f"{array.file.stem}:{array.key}",
            f"{array.file}:{array.key}".rstrip(":"),
        )
        for array in (model.outputs for model in models)
    ]
    counts = [Counter(names) for names in zip(*candidates, strict=True)]
    chosen = [
        next((n for n, count in zip(names, counts, strict=True) if count[n] == 1), names[-1])
        for names in candidates
    ]
    # A key of one file may be the name of another: then both take their whole path.
    taken = Counter(chosen)
    return [
        name if taken[name] == 1 else names[-1]
        for name, names in zip(chosen, candidates, strict=True)
    ]


def _measure(
    model: StoredModel, arguments: argparse.Namespace, advance: Callable[[int], object]
) -> NCMIReport:
    """Stream one model through an accumulator, some 64 MB at a time."""
    rows, *columns = model.outputs.shape
    if model.labels.shape != (rows,):
        raise UnusableFileError(
            f"labels must have one entry per row of outputs ({rows}); "
            f"got shape {model.labels.shape}."
        )
    outputs, labels = model.outputs.read(), model.labels.read()
    step = max(1, _CHUNK_BYTES // max(1, math.prod(columns) * outputs.dtype.itemsize))
    accumulator = NCMIAccumulator(
        arguments.n_classes, temperature=arguments.temperature, smoothing=arguments.smoothing
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfotheoryWarning)  # the report keeps their text
        for start in range(0, max(rows, 1), step):
            part = slice(start, start + step)
            try:
                accumulator.update(outputs[part], labels[part], kind=arguments.kind)
            except (TypeError, ValueError) as error:
                where = f" Rows are counted from row {start} of the array." if start else ""
                raise UnusableFileError(f"{error}{where}") from error
            advance(min(step, rows - start))
        return accumulator.report(base=arguments.base)


def _show(reports: Mapping[str, NCMIReport], *, per_class: bool) -> None:
    if not reports:
        return
    _table.note_warnings(reports)
    print(_table.model_table(reports))
    if len(reports) > 1:
        print(_table.correlation_line(reports))
    if per_class:
        for name, report in reports.items():
            print(f"\n{name}\n{_table.class_table(report)}")


def _write(
    arguments: argparse.Namespace,
    reports: Mapping[str, NCMIReport],
    models: Mapping[str, StoredModel],
    failures: Mapping[str, UnusableFileError],
) -> None:
    sources = {
        name: {
            "file": str(model.outputs.file),
            "array": model.outputs.key,
            "kind": arguments.kind,
        }
        for name, model in models.items()
    }
    if arguments.json is not None:
        content = _table.document(reports, sources, per_class=arguments.per_class)
        content["failed"] = [{"where": w, "reason": str(r)} for w, r in failures.items()]
        _table.write_json(arguments.json, content)
    if arguments.csv is not None:
        _table.write_csv(arguments.csv, reports, sources)
    if arguments.plot is not None and reports:
        _table.write_figure(arguments.plot, reports)
