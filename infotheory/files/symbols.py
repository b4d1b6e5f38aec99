"""Columns of any stored table as discrete symbols, numbered as they come, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import AnyArray, IntArray
from infotheory.files.delimited import DelimitedSource
from infotheory.files.entries import (
    MISSING,
    Book,
    NotWholeError,
    WholeNumbers,
    as_it_is,
    content,
    place_of,
    present,
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
    regrouped,
    unusable,
)

__all__ = ["SymbolColumn", "SymbolReader", "SymbolTable", "open_symbols"]

_LOOK = 1000  # rows that decide what the entries of a text are
_STEP = 1 << 16  # rows of a batch
_DISCRETE = "discrete (whole numbers, booleans or strings)"


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
    """

    array: str
    place: int | None
    n_rows: int
    fact: str = ""
    whole: bool = False


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

    def choose(self, patterns: Sequence[str] | None = None) -> tuple[list[str], dict[str, str]]:
        """Choose columns of symbols.

        Parameters
        ----------
        patterns : sequence of str, optional
            Names, and patterns as of a shell; every column by default.

        Returns
        -------
        names : list of str
            In the order of the patterns, and then of the file.
        passed_over : dict of str to str
            What columns hold that match, but were not named, and are not of symbols.

        Raises
        ------
        UnusableFileError
            If a pattern matches nothing, a column that is named holds no symbols, or none does.
        """
        found: dict[str, str] = {}
        for pattern in ["*"] if patterns is None else patterns:
            if pattern in self.columns:
                if self.columns[pattern].fact:
                    raise self.refused(pattern, self.columns[pattern].fact)
                matching = [pattern]
            else:
                matching = [name for name in self.columns if fnmatchcase(name, pattern)]
            if not matching:
                raise self._unknown(pattern)
            found |= {name: self.columns[name].fact for name in matching}
        names = [name for name, fact in found.items() if not fact]
        passed_over = {name: fact for name, fact in found.items() if fact}
        if not names:
            first = next(iter(passed_over))
            raise self.refused(first, passed_over[first], len(passed_over) - 1)
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

    def refused(self, name: str, fact: str, others: int = 0) -> UnusableFileError:
        """Build the error for a column that holds something else, beside which others do too."""
        more = f", and {others} more such" if others else ""
        return unusable(
            f"column {name!r}{more}",
            _DISCRETE,
            fact,
            "Cut measurements into bins, with numpy.digitize for instance, "
            "and store whole numbers as integers.",
        )

    def reader(self, names: Sequence[str]) -> SymbolReader:
        """Return what goes through some columns once.

        Parameters
        ----------
        names : sequence of str
            Columns of one length.

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
        return SymbolReader(self, tuple(names))


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
                table[name] = table[name]._replace(fact=fact, whole=is_whole)
    return SymbolTable(source, table, tuple(missing))


def _columns_of(array: str, header: Header) -> list[tuple[str, SymbolColumn]]:
    shape, dtype = header
    fact = "" if dtype.kind in "biuUS" else f"dtype {dtype.name}"
    if dtype.hasobject:
        fact = "Python objects, which are never unpickled"
    if len(shape) == 2:
        prefix = f"{array}." if array else ""
        return [(f"{prefix}{k}", SymbolColumn(array, k, shape[0], fact)) for k in range(shape[1])]
    if len(shape) != 1:
        fact = f"an array of {len(shape)} dimensions"
    return [(array or "0", SymbolColumn(array, None, shape[0] if shape else 0, fact))]


@dataclass(eq=False)
class SymbolReader:
    """Goes through some columns of a table once.

    Attributes
    ----------
    table : SymbolTable
        The table.
    names : tuple of str
        The columns.
    broken : dict of str to str
        Columns that turned out to hold something else, and what. What is read of them counts for
        nothing.
    texts : dict of str to tuple
        Columns of whole numbers in which a text was met: the row of the first, and the text.
    """

    table: SymbolTable
    names: tuple[str, ...]
    broken: dict[str, str] = field(default_factory=dict)
    texts: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open a book for each column."""
        missing = (*self.table.missing, None)
        delimited = isinstance(self.table.source, DelimitedSource)
        columns = self.table.columns
        self._whole = {name: WholeNumbers() for name in self.names if columns[name].whole}
        other = present if delimited else as_it_is
        self._books = {name: Book(self._whole.get(name, other), missing) for name in self.names}

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return self.table.columns[self.names[0]].n_rows

    def symbols(self, name: str) -> list[Any]:
        """Return the symbols of a column met so far, in the order of their numbers."""
        return self._books[name].symbols

    def batches(self, step: int = _STEP) -> Iterator[dict[str, IntArray]]:
        """Read the rows in the order of the file.

        Parameters
        ----------
        step : int
            Rows of a batch.

        Yields
        ------
        dict of str to ndarray of int
            For each column the numbers of its symbols, counted from 0 as new ones are met, or
            `MISSING`.

        Raises
        ------
        UnusableFileError
            If the file is damaged, or has changed since it was opened.
        """
        with faults_named("the file"):
            for arrays in regrouped(self._pieces(step), self.n_rows, step, 0):
                if len(self.broken) == len(self.names):
                    return
                yield dict(zip(self.names, arrays, strict=True))

    def _pieces(self, step: int) -> Iterator[tuple[IntArray, ...]]:
        source = self.table.source
        if isinstance(source, DelimitedSource):
            yield from self._written(source)
        elif isinstance(source, ParquetSource):
            arrays = list(dict.fromkeys(self.table.columns[name].array for name in self.names))
            for begin, rows in source.tables(arrays, step):
                yield tuple(self._of_parquet(source, name, rows, begin) for name in self.names)
        else:
            arrays = list(dict.fromkeys(self.table.columns[name].array for name in self.names))
            for blocks in source.blocks([(array,) for array in arrays], step):
                found = dict(zip(arrays, blocks, strict=True))
                yield tuple(self._of_array(name, found) for name in self.names)

    def _written(self, source: DelimitedSource) -> Iterator[tuple[IntArray, ...]]:
        places = {name: place for place, name in enumerate(source.columns)}
        begin = 0
        for part in source.entries():
            codes = []
            for name in self.names:
                found = np.full(len(part), MISSING)
                if name not in self.broken:
                    entries = [row[places[name]] for row in part]
                    try:
                        found = self._books[name].numbers(entries)
                    except NotWholeError as error:
                        (text,) = error.args
                        self.broken[name] = place_of(begin + entries.index(text), text)
                    self._note_text(name, entries, begin)
                codes.append(found)
            yield tuple(codes)
            begin += len(part)

    def _note_text(self, name: str, entries: Sequence[str], begin: int) -> None:
        text = self._whole[name].text if name in self._whole else ""
        if text and name not in self.texts:
            self.texts[name] = (begin + entries.index(text), text)

    def _of_parquet(self, source: ParquetSource, name: str, rows: Any, begin: int) -> IntArray:
        array, place, *_ = self.table.columns[name]
        if place is not None:
            return self._of_array(name, {array: source.array(rows, array, begin)})
        column = rows.column(array)
        if not hasattr(column, "dictionary"):
            column = column.dictionary_encode()
        numbers = self._books[name].numbers([*column.dictionary.to_pylist(), None])
        codes: IntArray = numbers[
            column.indices.cast("int64").fill_null(len(numbers) - 1).to_numpy()
        ]
        return codes

    def _of_array(self, name: str, arrays: Mapping[str, AnyArray]) -> IntArray:
        from infotheory.estimators.reading import code_integers  # not for files of classifiers

        array, place, *_ = self.table.columns[name]
        values = arrays[array] if place is None else arrays[array][:, place]
        if values.dtype.kind == "U":
            return self._books[name].numbers(values.tolist())
        if values.dtype.kind == "S":
            # Bytes that are no UTF-8 stay apart.
            texts = [entry.decode(errors="surrogateescape") for entry in values.tolist()]
            return self._books[name].numbers(texts)
        found = code_integers(values)
        codes: IntArray = self._books[name].numbers(found.values.tolist())[found.codes]
        return codes
