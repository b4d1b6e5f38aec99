"""What the verbs that read columns have in common: options, files, and what is said of them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from infotheory.cli import _output, _types
from infotheory.estimators import ENTROPY_METHODS
from infotheory.files import SymbolReader, SymbolTable, UnusableFileError, open_symbols
from infotheory.files.entries import padded

__all__ = [
    "ENTRIES",
    "FILES",
    "FORMATS",
    "OUTCOME",
    "add_data_options",
    "add_method_options",
    "add_result_options",
    "bar",
    "check_outputs",
    "missing_refused",
    "note_passed_over",
    "note_texts",
    "nothing_left",
    "opened",
    "quoted",
]

_SHOWN = 20

FORMATS = "csv, tsv (also .gz), parquet, npy, npz or safetensors"

ENTRIES = """\
In a csv file a column is one of numbers if most of its first thousand entries are: in it 1 and 1.0
are one symbol, and a text is another. Where some begin with 0, as 0123, and in every other column,
entries are taken as they are written.
Array NAME of two dimensions has the columns NAME.0, NAME.1, ... (0, 1, ... in an npy file).
"""

FILES = f"""\
Symbols are whole numbers, booleans, strings and dates; columns of fractional numbers are to be cut
into bins first.
{ENTRIES}"""

OUTCOME = """\
exit status: 0 everything was measured, 1 something could not be, 2 arguments not understood,
130 interrupted
"""


def add_data_options(group: Any) -> None:
    """Add what decides which entries count."""
    group.add_argument(
        "--missing",
        metavar="TEXT",
        action="append",
        default=[],
        help="an entry of this text is missing too, NA say; may be repeated (empty ones are, and "
        "nan among numbers)",
    )
    group.add_argument(
        "--nan-policy",
        choices=("raise", "omit"),
        default="raise",
        help="refuse columns with missing entries, or leave those rows out (default: raise)",
    )


def add_method_options(group: Any, default: str, methods: Iterable[str] = ENTROPY_METHODS) -> None:
    """Add what decides how quantities are estimated."""
    methods = tuple(methods)
    group.add_argument(
        "--method",
        metavar="M",
        choices=("auto", *methods),
        default="auto",
        help=f"{', '.join(methods)}, or auto: {default} (default: auto)",
    )
    group.add_argument(
        "--base", metavar="B", type=_types.base, help="of logarithms: 2 gives bits (default: nats)"
    )
    group.add_argument(
        "--level",
        metavar="P",
        type=_types.level,
        default=0.95,
        help="of the intervals (default: 0.95)",
    )


def add_result_options(group: Any, row: str, figure: str) -> None:
    """Add what is to be written where."""
    group.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    group.add_argument("--csv", metavar="OUT", type=Path, help=f"write one line a {row} as CSV")
    group.add_argument("--plot", metavar="OUT.png", type=Path, help=figure)
    group.add_argument("--no-progress", action="store_true", help="no progress bar")


def check_outputs(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, read: Sequence[Path]
) -> None:
    """End the program where a result could not be written."""
    written = [(arguments.json, ""), (arguments.csv, ""), (arguments.plot, "figure")]
    _output.check(parser, written, read)


def bar(arguments: argparse.Namespace, total: int | None, unit: str) -> Any:
    """Return a progress bar, for a terminal and for work that takes its time."""
    return tqdm(
        total=total,
        unit=f" {unit}",
        unit_scale=True,
        delay=2,  # seconds: short runs stay silent
        disable=True if arguments.no_progress else None,  # None: only on a terminal
    )


def opened(path: Path, missing: Sequence[str]) -> SymbolTable:
    """Open a file, and say what else is in it."""
    table = open_symbols(path, missing)
    for text in table.notes:
        _output.note(f"{path}: {text}")
    return table


def note_passed_over(path: Path, facts: Mapping[str, str], wanted: str = "discrete") -> None:
    """Say which columns are not measured, and what they hold."""
    if facts:
        shown = [f"{name!r} ({fact})" for name, fact in list(facts.items())[:_SHOWN]]
        left = len(facts) - len(shown)
        more = f" and {left} more" if left else ""
        _output.note(f"{path}: not {wanted}, passed over: {', '.join(shown)}{more}")


def note_texts(path: Path, reader: SymbolReader) -> None:
    """Say which columns of whole numbers have texts that count as symbols."""
    for name, (row, text) in reader.texts.items():
        if name in reader.broken:
            continue
        where = f"{path}: column {name!r}: {text!r} at row {row} among whole numbers"
        if padded(text):
            _output.note(f"{where} counts as a symbol, apart from the number without leading zeros")
        else:
            option = f"--missing{'=' if text.startswith('-') else ' '}{shlex.quote(text)}"
            _output.note(f"{where} counts as a symbol; {option} --nan-policy omit leaves it out")


def missing_refused(name: str, row: int) -> UnusableFileError:
    """Build the error for a column with a missing entry."""
    return UnusableFileError(
        f"column {name!r} must be without missing entries; got nothing at row {row}. "
        "Pass --nan-policy omit to leave such rows out."
    )


def nothing_left(names: Sequence[str]) -> UnusableFileError:
    """Build the error for columns without a row on which all of them have an entry."""
    return UnusableFileError(
        f"{quoted(names)} must have a row without missing entries; got none. "
        "Choose columns that were observed together."
    )


def quoted(names: Sequence[str]) -> str:
    """Return the words for one column or several."""
    return f"column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
