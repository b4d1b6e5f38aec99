"""Columns of a table gone through once: symbols numbered as they come, or measurements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._typing import AnyArray
from infotheory.files.delimited import DelimitedSource
from infotheory.files.entries import (
    MISSING,
    Book,
    NotANumberError,
    NotWholeError,
    WholeNumbers,
    as_it_is,
    numbers,
    place_of,
    present,
)
from infotheory.files.parquet import ParquetSource
from infotheory.files.source import faults_named, regrouped

if TYPE_CHECKING:
    from infotheory._typing import IntArray
    from infotheory.files.symbols import SymbolTable

__all__ = ["SymbolReader"]

_STEP = 1 << 16  # rows of a batch


@dataclass(eq=False)
class SymbolReader:
    """Goes through some columns of a table once.

    Attributes
    ----------
    table : SymbolTable
        The table.
    names : tuple of str
        The columns.
    measured : frozenset of str
        Those that are read as measurements.
    broken : dict of str to str
        Columns that turned out to hold something else, and what. What is read of them counts for
        nothing.
    texts : dict of str to tuple
        Columns of whole numbers in which a text was met: the row of the first, and the text.
    """

    table: SymbolTable
    names: tuple[str, ...]
    measured: frozenset[str] = frozenset()
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

    def batches(self, step: int = _STEP) -> Iterator[dict[str, AnyArray]]:
        """Read the rows in the order of the file.

        Parameters
        ----------
        step : int
            Rows of a batch.

        Yields
        ------
        dict of str to ndarray
            For each column the numbers of its symbols, counted from 0 as new ones are met, or
            `MISSING`; or its measurements, with nan for those that are missing.

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

    def _pieces(self, step: int) -> Iterator[tuple[AnyArray, ...]]:
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

    def _written(self, source: DelimitedSource) -> Iterator[tuple[AnyArray, ...]]:
        places = {name: place for place, name in enumerate(source.columns)}
        begin = 0
        for part in source.entries():
            columns = ([row[places[name]] for row in part] for name in self.names)
            yield tuple(
                self._of_text(name, entries, begin)
                for name, entries in zip(self.names, columns, strict=True)
            )
            begin += len(part)

    def _of_text(self, name: str, entries: Sequence[str], begin: int) -> AnyArray:
        if name not in self.broken:
            try:
                if name in self.measured:
                    return numbers(entries, self.table.missing)
                found = self._books[name].numbers(entries)
                self._note_text(name, entries, begin)
                return found
            except (NotWholeError, NotANumberError) as error:
                (text,) = error.args
                among = " among measurements" if name in self.measured else ""
                self.broken[name] = place_of(begin + entries.index(text), text) + among
        return np.full(len(entries), math.nan if name in self.measured else MISSING)

    def _note_text(self, name: str, entries: Sequence[str], begin: int) -> None:
        text = self._whole[name].text if name in self._whole else ""
        if text and name not in self.texts:
            self.texts[name] = (begin + entries.index(text), text)

    def _of_parquet(self, source: ParquetSource, name: str, rows: Any, begin: int) -> AnyArray:
        array, place, *_ = self.table.columns[name]
        if place is not None:
            return self._of_array(name, {array: source.array(rows, array, begin)})
        column = rows.column(array)
        if name in self.measured:
            return np.array(column.to_numpy(zero_copy_only=False), np.float64)
        if not hasattr(column, "dictionary"):
            column = column.dictionary_encode()
        entries = column.dictionary.to_pylist()
        if source.arrays[array].dtype.kind == "U":  # which dates are to be, too
            entries = list(map(str, entries))
        found = self._books[name].numbers([*entries, None])
        codes: IntArray = found[column.indices.cast("int64").fill_null(len(found) - 1).to_numpy()]
        return codes

    def _of_array(self, name: str, arrays: Mapping[str, AnyArray]) -> AnyArray:
        from infotheory.estimators.reading import code_integers  # not for files of classifiers

        array, place, *_ = self.table.columns[name]
        values = arrays[array] if place is None else arrays[array][:, place]
        if name in self.measured:
            return values.astype(np.float64)
        if values.dtype.kind == "U":
            return self._books[name].numbers(values.tolist())
        if values.dtype.kind == "S":
            # Bytes that are no UTF-8 stay apart.
            texts = [entry.decode(errors="surrogateescape") for entry in values.tolist()]
            return self._books[name].numbers(texts)
        found = code_integers(values)
        codes: IntArray = self._books[name].numbers(found.values.tolist())[found.codes]
        return codes
