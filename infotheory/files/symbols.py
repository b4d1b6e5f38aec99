"""Columns of any stored table: which hold discrete symbols, and which numbers to be measured."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from infotheory.files.delimited import DelimitedSource
from infotheory.files.entries import (
    content,
)
from infotheory.files.parquet import ParquetSource
from infotheory.files.recognise import open_source
from infotheory.files.source import (
    Header,
    Source,
    UnusableFileError,
    faults_named,
    listed,
    refuse_equal_names,
    unusable,
)
from infotheory.files.symbol_reader import SymbolReader

__all__ = ["SymbolColumn", "SymbolTable", "open_symbols"]

_LOOK = 1000  # rows that decide what the entries of a text are
_DISCRETE = "discrete (whole numbers, booleans or strings)"
_ANY = "numbers, booleans or strings"
_BINS = (
    "Cut measurements into bins, with numpy.digitize for instance, and store whole numbers as "
    "integers."
)


class SymbolColumn(NamedTuple):
    """A column of a file.

    Attributes
    ----------
    array : str
        The array that it is, or is a column of.
    place : int or None
        Which column of a 2-dimensional array.
    n_rows : int
        How many entries it has.
    fact : str
        What it holds instead of symbols, as far as known before it is read; empty if nothing.
    whole : bool
        Whether it is written as text and is of whole numbers, as most of its first rows say.
    measurable : bool
        Whether it holds numbers instead of symbols.
    """

    array: str
    place: int | None
    n_rows: int
    fact: str = ""
    whole: bool = False
    measurable: bool = False


@dataclass(frozen=True, eq=False)
class SymbolTable:
    """A file as a table of columns, of which some hold discrete symbols.

    Attributes
    ----------
    source : Source
        The file.
    columns : mapping of str to SymbolColumn
        By name, in the order of the file.
    missing : tuple of str
        Texts that stand for entries which are not there.
    """

    source: Source
    columns: Mapping[str, SymbolColumn]
    missing: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is in the file, and was passed over."""
        return self.source.notes

    def matching(self, pattern: str) -> list[str]:
        """Return the columns that a name or a pattern means.

        Raises
        ------
        UnusableFileError
            If there are none.
        """
        if pattern in self.columns:
            return [pattern]
        found = [name for name in self.columns if fnmatchcase(name, pattern)]
        if not found:
            raise self._unknown(pattern)
        return found

    def choose(
        self, patterns: Sequence[str] | None = None, measured: Container[str] | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """Choose columns of symbols, and of measurements where they are of use.

        Parameters
        ----------
        patterns : sequence of str, optional
            Names, and patterns as of a shell; every column by default.
        measured : container of str, optional
            Which columns will do that hold numbers instead of symbols; by default none.

        Returns
        -------
        names : list of str
            In the order of the patterns, and then of the file.
        passed_over : dict of str to str
            What columns hold that match, but were not named, and are of no use.

        Raises
        ------
        UnusableFileError
            If a pattern matches nothing, a column that is named is of no use, or all are.
        """
        wanted = _DISCRETE if measured is None else _ANY
        usable = {
            name: "" if measured and column.measurable and name in measured else column.fact
            for name, column in self.columns.items()
        }
        found: dict[str, str] = {}
        for pattern in ["*"] if patterns is None else patterns:
            if usable.get(pattern):
                raise self.refused(pattern, usable[pattern], wanted=wanted)
            found |= {name: usable[name] for name in self.matching(pattern)}
        names = [name for name, fact in found.items() if not fact]
        passed_over = {name: fact for name, fact in found.items() if fact}
        if not names:
            first = next(iter(passed_over))
            raise self.refused(first, passed_over[first], len(passed_over) - 1, wanted)
        return names, passed_over

    def _unknown(self, pattern: str) -> UnusableFileError:
        if isinstance(self.source, ParquetSource):
            from pyarrow.parquet import read_schema

            schema = read_schema(self.source.path)
            if pattern in schema.names and pattern not in self.source.arrays:
                fact = f"type {schema.field(pattern).type}, which is passed over"
                return unusable(f"column {pattern!r}", _DISCRETE, fact, "Store it as strings.")
        near = get_close_matches(pattern, self.columns, n=3)
        return unusable(
            "columns",
            "chosen by names, or by patterns that match some",
            f"{pattern!r}, and there are {listed(list(self.columns))}",
            f"Did you mean {' or '.join(map(repr, near))}?"
            if near
            else "Patterns are those of a shell: 'x*'.",
        )

    def refused(
        self, name: str, fact: str, others: int = 0, wanted: str = _DISCRETE
    ) -> UnusableFileError:
        """Build the error for a column that holds something else, beside which others do too."""
        more = f", and {others} more such" if others else ""
        fix = _BINS if wanted == _DISCRETE else ""
        return unusable(f"column {name!r}{more}", wanted, fact, fix)

    def reader(self, names: Sequence[str], measured: Container[str] = ()) -> SymbolReader:
        """Return what goes through some columns once.

        Parameters
        ----------
        names : sequence of str
            Columns of one length.
        measured : container of str
            Which of them to read as measurements.

        Raises
        ------
        UnusableFileError
            If they differ in length, or are empty.
        """
        lengths = {name: self.columns[name].n_rows for name in names}
        first = names[0]
        for name, length in lengths.items():
            if length != lengths[first]:
                raise unusable(
                    "columns",
                    "have one entry for each row",
                    f"{lengths[first]} in {first!r} and {length} in {name!r}",
                    "Choose columns of one length.",
                )
        if not lengths[first]:
            raise unusable("columns", "have at least one row", "none", "Store some samples.")
        return SymbolReader(self, tuple(names), frozenset(n for n in names if n in measured))


def open_symbols(path: Path, missing: Sequence[str] = ()) -> SymbolTable:
    """List the columns of a file.

    Parameters
    ----------
    path : Path
        A csv, tsv, parquet, npy, npz or safetensors file.
    missing : sequence of str
        Texts that stand for entries which are not there. In a csv or tsv file empty entries always
        do, and ``nan`` among numbers.

    Returns
    -------
    SymbolTable
        A 1-dimensional array is a column, a 2-dimensional one a column for each of its columns:
        ``NAME.0, NAME.1, ...``, or ``0, 1, ...`` in an npy file.

    Raises
    ------
    UnusableFileError
        If the file cannot be read, or two columns would have one name.
    """
    source = open_source(path)
    columns = [
        (name, column)
        for array, header in source.arrays.items()
        for name, column in _columns_of(array, header)
    ]
    refuse_equal_names([name for name, _ in columns])
    table = dict(columns)
    if isinstance(source, DelimitedSource):
        with faults_named("the file"), closing(source.entries()) as parts:
            first = list(islice(chain.from_iterable(parts), _LOOK))
        for place, name in enumerate(source.columns):
            if name:
                fact, is_whole = content([row[place] for row in first], missing)
                table[name] = table[name]._replace(fact=fact, whole=is_whole, measurable=bool(fact))
    return SymbolTable(source, table, tuple(missing))


def _columns_of(array: str, header: Header) -> list[tuple[str, SymbolColumn]]:
    shape, dtype = header
    fact = "" if dtype.kind in "biuUS" else f"dtype {dtype.name}"
    if dtype.hasobject:
        fact = "Python objects, which are never unpickled"
    number = dtype.kind == "f"
    if len(shape) == 2:
        prefix = f"{array}." if array else ""
        whole = SymbolColumn(array, None, shape[0], fact, measurable=number)
        return [(f"{prefix}{k}", whole._replace(place=k)) for k in range(shape[1])]
    if len(shape) != 1:
        fact, number = f"an array of {len(shape)} dimensions", False
    n_rows = shape[0] if shape else 0
    return [(array or "0", SymbolColumn(array, None, n_rows, fact, measurable=number))]
