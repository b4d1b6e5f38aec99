"""Tables of text: csv and tsv, plain or compressed with gzip, with a line of column names."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from infotheory._typing import AnyArray
from infotheory.files.source import (
    Header,
    Source,
    UnusableFileError,
    refuse_equal_names,
    regrouped,
    unusable,
)

__all__ = ["ENDINGS", "DelimitedSource", "open_delimited"]

ENDINGS = {".csv": ",", ".tsv": "\t"}
"""Separator by the ending of a name, to which ``.gz`` may be added."""

_SAMPLE = 1000  # rows that decide which columns hold numbers
_ENTRIES = 1 << 14  # converted at once: as strings they take some ten times their room as numbers


@dataclass(frozen=True, eq=False)
class DelimitedSource(Source):
    """A csv or tsv file, gone through once for its number of rows and once a reading.

    Text carries no types. A column is one of numbers, in double precision, if its first thousand
    entries are; any other is of strings. Numbers are converted as Python does, so what ``repr``
    wrote comes back bit for bit.
    """

    format: ClassVar[str] = "csv"
    noun: ClassVar[str] = "column"
    typed: ClassVar[bool] = False

    columns: tuple[str, ...] = ()

    def blocks(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int = 0
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Read rows in blocks, as the base class says."""
        n_rows = self.arrays[wanted[0][0]].shape[0]
        yield from regrouped(self._pieces(wanted, start), n_rows, step, start)

    def _pieces(
        self, wanted: Sequence[tuple[str, ...]], start: int
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Convert some rows at a time, far fewer than a block has."""
        place = {name: number for number, name in enumerate(self.columns)}
        picks = [itemgetter(*(place[name] for name in names)) for names in wanted]
        begin = start
        for part in self.entries(start):
            yield tuple(
                self._convert(list(map(pick, part)), names, begin)
                for pick, names in zip(picks, wanted, strict=True)
            )
            begin += len(part)

    def entries(self, start: int = 0) -> Generator[list[list[str]], None, None]:
        """Read rows from `start` on as they are written, some at a time.

        Yields
        ------
        list of list of str
            Rows of the entries of all `columns`.
        """
        with closing(_lines(self.path)) as lines:
            rows = islice(lines, 1 + start, None)  # behind the names
            while part := list(islice(rows, max(1, _ENTRIES // len(self.columns)))):
                if any(len(row) != len(self.columns) for row in part):
                    raise ValueError("it changed while it was read")
                yield part

    def _convert(self, entries: Sequence[Any], names: tuple[str, ...], begin: int) -> AnyArray:
        """Make an array of some rows of some columns, or say which entry is at fault."""
        if self.arrays[names[0]].dtype.kind == "U":
            strings = np.array(entries)
            missing = strings == ""
            if missing.any():
                raise self._missing(names[0], begin + int(np.argmax(missing)))
            return strings
        try:
            return np.array(entries, dtype=np.float64)
        except ValueError:
            for number, row in enumerate(entries, begin):
                for name, entry in zip(names, (row,) if len(names) == 1 else row, strict=True):
                    if not entry.strip():
                        raise self._missing(name, number) from None
                    if not _is_number(entry):
                        raise unusable(
                            self.what(name),
                            "a number in every row",
                            f"{entry!r} at row {number}",
                            "Mend the file, or choose other columns.",
                        ) from None
            raise

    def _missing(self, name: str, row: int) -> UnusableFileError:
        return unusable(
            self.what(name),
            "without missing entries",
            f"nothing at row {row}",
            "Drop such rows, or fill them in.",
        )


def open_delimited(path: Path) -> DelimitedSource:
    """Read the names of the columns, what they hold, and the number of rows.

    Parameters
    ----------
    path : Path
        The file. All of it is gone through once, to count its rows.

    Returns
    -------
    DelimitedSource

    Raises
    ------
    UnusableFileError
        If the first line does not name the columns, or a row has more or fewer entries.
    """
    with closing(_lines(path)) as rows:
        names = next(rows, None)
        if names is None:
            raise UnusableFileError("it is empty.")
        _check_names(names)
        sample = []
        n_rows = 0
        for row in rows:
            if len(row) != len(names):
                raise unusable(
                    "rows",
                    f"have one entry per column ({len(names)})",
                    f"{len(row)} at row {n_rows}",
                    "The file may be cut off, or have another separator.",
                )
            if n_rows < _SAMPLE:
                sample.append(row)
            n_rows += 1
    columns = zip(*sample, strict=True) if sample else [("0",)] * len(names)
    arrays = {
        name: Header((n_rows,), _type(column))
        for name, column in zip(names, columns, strict=True)
        if name
    }
    notes = () if "" not in names else ("the column without a name is passed over",)
    return DelimitedSource(path, arrays, notes, tuple(names))


def _type(column: Sequence[str]) -> np.dtype[Any]:
    entries = [entry for entry in column if entry]
    numbers = bool(entries) and all(map(_is_number, entries))
    return np.dtype(np.float64 if numbers else np.str_)


def _check_names(names: list[str]) -> None:
    fix = "The first line must name the columns."
    if not any(names):
        raise unusable("columns", "named", "a first line without names", fix)
    refuse_equal_names(names)
    numbers = [name for name in names if _is_number(name)]
    counted = [[str(k + first) for k in range(len(numbers))] for first in (0, 1)]
    if len(numbers) == len(names) and sorted(numbers, key=float) not in counted:
        raise unusable("columns", "named", f"numbers in the first line ({names[0]!r}, ...)", fix)


def _lines(path: Path) -> Generator[list[str], None, None]:
    """Split a file into entries; lines with nothing on them do not count."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    separator = ENDINGS[Path(path.name.lower().removesuffix(".gz")).suffix]
    with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
        try:
            yield from filter(None, csv.reader(stream, delimiter=separator, strict=True))
        except csv.Error as error:
            raise ValueError(str(error)) from error


def _is_number(entry: str) -> bool:
    """Tell whether an entry is a number, without the underscores that Python would allow."""
    try:
        float(entry)
    except ValueError:
        return False
    return "_" not in entry
