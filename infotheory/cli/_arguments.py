"""What ``infotheory ncmi`` may be told, and what it refuses to be told."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from infotheory.cli import _live_arguments, _output, _types

__all__ = ["parse"]

_EPILOG = """\
examples:
  infotheory ncmi logits.npz
      every 2-D array of the file is a model; the labels are its array `labels`
  infotheory ncmi a.npz b.parquet --kind probs --labels y_test --plot models.png
      probabilities of models in two files, with labels under `y_test` in each
  infotheory ncmi huge.npy --labels labels.npy --save-state huge.state
      one model in a file that may be larger than memory; after an interruption, the same
      command goes on where it was
  infotheory ncmi part1.npy part2.npy --labels y1.npy --labels y2.npy --name resnet
      one model whose rows are in two files
  infotheory ncmi --merge shard*.state --save-state total.state
      measured in parts, on one machine or many, and put together
  infotheory ncmi logits.npz --interval jackknife --groups camera --per-class
      confidence intervals, and tables of groups and of classes
  infotheory ncmi knn.npz --kind probs --smoothing 1e-3
      exact zeros make Gamma infinite; mixing in a little of the uniform distribution does not
{live}

The table is sorted by NCMI = CMI / Gamma, smallest first. Models with infinite Gamma come last.
JSON has neither infinity nor nan: such a value is null, and `non_finite` of its model names it.
With --per-class, --json also holds a table of the classes of each model.

exit status: 0 all models measured, 1 some could not be measured, 2 arguments not understood,
130 interrupted (what was measured is in the state file, if there is one)
"""

# What decides how rows are measured, with its default; for a state it has been decided.
_MEASURING = {
    "labels": (),
    "weights": (),
    "groups": (),
    "outputs": None,
    "name": None,
    "kind": "logits",
    "temperature": 1.0,
    "smoothing": 0.0,
    "n_classes": None,
    "shards": None,
}
_OF_FILES = ("labels", "weights", "groups", "outputs", "kind", "n_classes")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Understand the arguments, or end the program with what is wrong with them.

    Parameters
    ----------
    argv : sequence of str
        After ``infotheory ncmi``.

    Returns
    -------
    Namespace
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    _live_arguments.check(parser, arguments)
    if arguments.merge:
        _check_merging(parser, arguments)
    elif arguments.model:
        _refuse_given(
            parser, arguments, _OF_FILES, "goes with FILE: a model at work gives its own outputs"
        )
    elif not arguments.files:
        parser.error(
            "the following arguments are required: FILE, or --model SPEC, or --merge STATE"
        )
    elif arguments.allow_incomplete:
        parser.error("--allow-incomplete goes with --merge")
    elif arguments.allow_repeats and arguments.name is None:
        parser.error("--allow-repeats goes with --merge or --name")
    for name, default in _MEASURING.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)
    for option in ("labels", "weights", "groups"):
        given = len(getattr(arguments, option))
        if given > 1 and given != len(arguments.files):
            parser.error(
                f"--{option} must be given once, or once for each FILE ({len(arguments.files)}); "
                f"got {given}"
            )
    _check_outputs(parser, arguments)
    return arguments


def _check_merging(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    if arguments.files:
        parser.error("FILE and --merge exclude each other: measure the files into a state first")
    _refuse_given(parser, arguments, _MEASURING, "has no meaning with --merge: states are measured")
    if arguments.interval in {"delta", "bootstrap"}:
        parser.error(f"--interval {arguments.interval} needs the rows, which states do not hold")


def _refuse_given(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    names: Iterable[str],
    reason: str,
) -> None:
    for name in names:
        if getattr(arguments, name) is not None:
            parser.error(f"--{name.replace('_', '-')} {reason}")


def _check_outputs(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    beside = (*arguments.labels, *arguments.weights, *arguments.groups)
    # The file of FILE:KEY may be the part in front of the colon, or all of it.
    texts = [part for text in beside for part in (text, text.rpartition(":")[0]) if part]
    read = [*arguments.files, *map(Path, texts), *_live_arguments.read(arguments)]
    merged = arguments.merge or []
    written = [(arguments.json, ""), (arguments.csv, ""), (arguments.plot, "figure")]
    _output.check(parser, written, [*read, *merged])
    # A state may be read and written: that is what going on, and adding to a total, means.
    state = arguments.save_state
    _output.check(parser, [*written, (state, "state")], read)
    if state is not None and state.exists():
        if not state.is_file():
            parser.error(f"{state}: a state is kept in an ordinary file only")
        if arguments.merge and state.resolve() not in {path.resolve() for path in merged}:
            parser.error(f"{state}: there is a file already; merge it too, or choose another name")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="infotheory ncmi",
        usage="infotheory ncmi [options] FILE...\n       "
        "infotheory ncmi [options] --model SPEC... --data SPEC\n       "
        "infotheory ncmi [options] --merge STATE...",
        description="Measure concentration (CMI), separation (Gamma) and NCMI = CMI / Gamma\n"
        "of stored classifier outputs, or of classifiers at work.",
        epilog=_EPILOG.format(live=_live_arguments.EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        type=Path,
        help="npz, npy, parquet, safetensors, csv or tsv; the formats may be mixed",
    )
    data = parser.add_argument_group("what to measure")
    place = "KEY|FILE|FILE:KEY"
    data.add_argument(
        "--labels",
        metavar=place,
        action="append",
        help="labels: an array or column of each FILE, or another file (default: labels, label)",
    )
    data.add_argument(
        "--outputs",
        metavar="PATTERN",
        action="append",
        help="which arrays or columns are outputs, as in a shell; may be repeated",
    )
    data.add_argument(
        "--weights", metavar=place, action="append", help="how much each row counts (default: one)"
    )
    data.add_argument(
        "--groups", metavar=place, action="append", help="measure each group of rows as well"
    )
    data.add_argument(
        "--name", metavar="NAME", help="all FILEs together are one model; or, of the one --model"
    )
    data.add_argument(
        "--kind",
        choices=("logits", "probs", "log_probs"),
        help="what the outputs are (default: logits)",
    )
    data.add_argument(
        "--n-classes",
        metavar="C",
        type=_types.count,
        help="number of classes, where it is not the number of columns",
    )
    _live_arguments.add(parser)
    how = parser.add_argument_group("how")
    how.add_argument(
        "--temperature", metavar="T", type=_types.positive, help="divide logits by T (default: 1)"
    )
    how.add_argument(
        "--smoothing",
        metavar="E",
        type=_types.fraction,
        help="replace P by (1-E) P + E/K (default: 0)",
    )
    how.add_argument(
        "--base",
        metavar="B",
        type=_types.base,
        help="base of logarithms: 2 gives bits (default: nats)",
    )
    how.add_argument(
        "--interval",
        choices=("none", "jackknife", "delta", "bootstrap"),
        default="none",
        help="confidence intervals: jackknife reads files twice, or once with --shards; delta and "
        "bootstrap read them once more, and with --groups once more for each group; bootstrap "
        "keeps the rows in memory (default: none)",
    )
    how.add_argument(
        "--level",
        metavar="P",
        type=_types.level,
        default=0.95,
        help="of the intervals (default: 0.95)",
    )
    how.add_argument(
        "--seed", metavar="N", type=_types.seed, default=0, help="of the bootstrap (default: 0)"
    )
    how.add_argument(
        "--shards",
        metavar="S",
        type=_types.whole(4, 1000),
        help="keep the sums of S shards, for --interval of one reading or of merged states; 20 say",
    )
    states = parser.add_argument_group("states")
    states.add_argument(
        "--save-state",
        metavar="STATE",
        type=Path,
        help="keep what is measured in a file, every few seconds, and go on from it if it exists",
    )
    states.add_argument(
        "--merge", metavar="STATE", nargs="+", type=Path, help="put saved states together"
    )
    states.add_argument(
        "--allow-repeats", action="store_true", help="count the same samples more than once"
    )
    states.add_argument(
        "--allow-incomplete", action="store_true", help="merge states that were not finished"
    )
    results = parser.add_argument_group("results")
    results.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    results.add_argument("--csv", metavar="OUT", type=Path, help="write one line a model as CSV")
    results.add_argument("--plot", metavar="OUT.png", type=Path, help="draw the models")
    results.add_argument("--per-class", action="store_true", help="print a table of classes too")
    results.add_argument("--no-progress", action="store_true", help="no progress bar")
    return parser
