"""Columns of a file in memory: numbers of symbols, or measurements."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import AnyArray, BoolArray, FloatArray
from infotheory.cli import _columns, _output
from infotheory.estimators import ENTROPY_METHODS
from infotheory.estimators.continuous.information import NUMERIC_METHODS
from infotheory.files import SymbolReader, SymbolTable, UnusableFileError
from infotheory.files.entries import MISSING
from infotheory.files.source import unusable

__all__ = ["Kinds", "Variable", "kinds_of", "read_variables", "refused", "sample_of"]

_EXACT = 2**53  # integers up to here are doubles


class Kinds(NamedTuple):
    """Which columns are what.

    Attributes
    ----------
    symbols, numbers : frozenset of str
        Columns that were declared to be symbols, or measurements.
    measurable : frozenset of str
        Columns that will do though they hold numbers instead of symbols.
    all_symbols, all_numbers : bool
        Whether the method knows nothing else.
    """

    symbols: frozenset[str]
    numbers: frozenset[str]
    measurable: frozenset[str]
    all_symbols: bool
    all_numbers: bool

    @property
    def wanted(self) -> str:
        """What columns are to be, in words."""
        if self.all_symbols:
            return "discrete"
        return "numbers" if self.all_numbers else "numbers, booleans or strings"


class Variable(NamedTuple):
    """One column.

    Attributes
    ----------
    values : ndarray, shape (n,)
        Measurements, nan where they are missing; or numbers of symbols, `MISSING` there.
    measured : bool
        Which of the two.
    symbols : sequence
        By their numbers.
    """

    values: AnyArray
    measured: bool
    symbols: Sequence[Any] = ()

    @property
    def missing(self) -> BoolArray:
        """Which entries are not there."""
        gone: BoolArray = np.isnan(self.values) if self.measured else self.values == MISSING
        return gone


def kinds_of(table: SymbolTable, arguments: argparse.Namespace) -> Kinds:
    """Find what was declared of columns, and what the method makes of the others."""
    symbols, numbers = (
        frozenset(name for pattern in patterns or () for name in table.matching(pattern))
        for patterns in (arguments.discrete, arguments.continuous)
    )
    for name in symbols & numbers:
        raise unusable(f"column {name!r}", "discrete or continuous", "both", "Leave one of them.")
    counting = arguments.method in ENTROPY_METHODS
    measurable = frozenset(name for name, column in table.columns.items() if column.measurable)
    return Kinds(
        symbols,
        numbers,
        measurable & symbols if counting else measurable,
        counting,
        arguments.method in NUMERIC_METHODS,
    )


def read_variables(
    table: SymbolTable,
    names: Sequence[str],
    kinds: Kinds,
    arguments: argparse.Namespace,
    passed_over: dict[str, str],
) -> dict[str, Variable]:
    """Read columns of one length once; those that are fractional further down, twice.

    Columns of no use are left out, and `passed_over` says what they hold.
    """
    reader = table.reader(names, kinds.measurable)
    parts = _parts(reader, arguments)
    _columns.note_texts(arguments.file, reader)
    late = [name for name in reader.broken if name not in reader.measured]
    if kinds.all_symbols:
        late = [name for name in late if name in kinds.symbols]
    if late:
        again = table.reader(late, late)
        parts |= _parts(again, arguments)
        reader.measured |= again.measured
        reader.broken = {n: f for n, f in reader.broken.items() if n not in late} | again.broken
    passed_over |= reader.broken
    found = {}
    for name in names:
        if name not in reader.broken:
            values = np.concatenate(parts.pop(name))
            variable = _as_declared(name, values, reader, kinds, arguments)
            if isinstance(variable, str):
                passed_over[name] = variable
            else:
                found[name] = variable
    return found


def _parts(reader: SymbolReader, arguments: argparse.Namespace) -> dict[str, list[AnyArray]]:
    parts: dict[str, list[AnyArray]] = {name: [] for name in reader.names}
    with _columns.bar(arguments, reader.n_rows, "rows") as progress:
        for batch in reader.batches():
            for name, values in batch.items():
                narrow = values if name in reader.measured else values.astype(np.int32)
                parts[name].append(narrow)
            progress.update(batch[reader.names[0]].size)
    return parts


def _as_declared(
    name: str, values: AnyArray, reader: SymbolReader, kinds: Kinds, arguments: argparse.Namespace
) -> Variable | str:
    """Return a variable, or the words for an entry that cannot be taken."""
    as_numbers = kinds.all_numbers or name in kinds.numbers
    if name not in reader.measured:
        variable = Variable(values, False, reader.symbols(name))
        if not as_numbers:
            return variable
        return _text_in(variable) or Variable(_numbers(name, variable), True)
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        return f"{values[row]:g} at row {row}"
    if name in kinds.symbols:
        return _numbered(values)
    if as_numbers or (values % 1.0 > 0.0).any() or np.isnan(values).all():
        return Variable(values, True)
    _output.note(
        f"{arguments.file}: column {name!r} holds whole numbers only, which count as symbols; "
        f"--continuous {shlex.quote(name)} measures them"
    )
    return _numbered(values)


def _numbered(values: FloatArray) -> Variable:
    symbols, codes = np.unique(values, return_inverse=True)  # nan once, the last
    codes = codes.astype(np.int32)
    if np.isnan(symbols[-1]):
        symbols = symbols[:-1]
        codes[codes == symbols.size] = MISSING
    return Variable(codes, False, symbols.tolist())


def _text_in(variable: Variable) -> str:
    """Return the words for the first symbol that is no number; nothing if there is none."""
    for code, symbol in enumerate(variable.symbols):
        if not isinstance(symbol, (bool, int, float)):
            return f"{symbol!r} at row {int(np.argmax(variable.values == code))}"
    return ""


def _numbers(name: str, variable: Variable) -> FloatArray:
    if any(abs(symbol) > _EXACT for symbol in variable.symbols):
        raise unusable(
            f"column {name!r}",
            "of integers up to 2**53, which doubles hold exactly",
            f"{max(variable.symbols, key=abs)}",
            "Subtract what they have in common.",
        )
    numbers = np.array([*variable.symbols, np.nan], np.float64)  # the last is that of MISSING
    return numbers[variable.values]


def refused(table: SymbolTable, name: str, fact: str, kinds: Kinds) -> UnusableFileError:
    """Build the error for a column that is wanted, and of no use."""
    if kinds.all_symbols:
        return table.refused(name, fact)
    wanted = "numbers" if name in kinds.numbers else kinds.wanted
    return unusable(
        f"column {name!r}",
        f"{wanted}, and finite",
        fact,
        "Say what stands for missing entries with --missing TEXT, or choose other columns.",
    )


def sample_of(names: Sequence[str], variables: Mapping[str, Variable]) -> tuple[AnyArray, bool]:
    """Return one column, or several as rows, and whether they are measurements.

    Whole numbers beside measurements are measurements too.
    """
    measured = any(variables[name].measured for name in names)
    columns = []
    for name in names:
        variable = variables[name]
        if measured and not variable.measured:
            text = _text_in(variable)
            if text:
                raise unusable(
                    _columns.quoted(names),
                    "measurements, or symbols, all of them together",
                    f"{text} in {name!r}",
                    "Take them apart, or give the numbers with --discrete.",
                )
            columns.append(_numbers(name, variable))
        else:
            columns.append(variable.values)
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1), measured
