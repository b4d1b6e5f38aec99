"""Counts of the symbols of columns, taken in while their files are read once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory.cli import _columns
from infotheory.estimators import CountAccumulator
from infotheory.files import SymbolReader, TextReader, UnusableFileError
from infotheory.files.entries import MISSING

__all__ = ["Job", "Tally", "count", "jobs_of"]


@dataclass(eq=False)
class Tally:
    """The counts of one variable: a column, or several together.

    Attributes
    ----------
    path : Path
        The file.
    reader : SymbolReader or TextReader
        Knows the symbols by their numbers.
    names : tuple of str
        The columns.
    counts : CountAccumulator
        Of the numbers of symbols.
    missing : int
        How many rows were left out.
    """

    path: Path
    reader: SymbolReader | TextReader
    names: tuple[str, ...]
    counts: CountAccumulator = field(default_factory=CountAccumulator)
    missing: int = 0

    @property
    def where(self) -> str:
        """What a message calls it."""
        return f"{self.path}[{', '.join(self.names)}]"

    def take(self, codes: Mapping[str, IntArray], begin: int, *, omit: bool) -> None:
        """Count a batch, of which the first row is number `begin`.

        Raises
        ------
        UnusableFileError
            If an entry is missing, and rows are not to be left out.
        """
        rows = np.stack([codes[name] for name in self.names], axis=1)
        gone = (rows == MISSING).any(axis=1)
        if gone.any():
            if not omit:
                row = int(np.argmax(gone))
                name = self.names[int(np.argmax(rows[row] == MISSING))]
                raise _columns.missing_refused(name, begin + row)
            self.missing += int(gone.sum())
            rows = rows[~gone]
        if len(rows):
            self.counts.update(rows if len(self.names) > 1 else rows[:, 0])


@dataclass(eq=False)
class Job:
    """One reading of a file.

    Attributes
    ----------
    path : Path
        The file.
    reader : SymbolReader or TextReader
        Gives the numbers of symbols.
    variables : list of tuple of str
        Columns whose entropy is wanted, alone or together.
    named : set of str
        Columns that were asked for by name, and are not passed over.
    """

    path: Path
    reader: SymbolReader | TextReader
    variables: list[tuple[str, ...]]
    named: set[str] = field(default_factory=set)


def jobs_of(path: Path, arguments: argparse.Namespace) -> list[Job]:
    """Open a file, and say what is to be read of it: columns of one length in one go.

    Raises
    ------
    UnusableFileError
        If it cannot be read, or a column is not there or holds no symbols.
    """
    if arguments.text:
        return [Job(path, TextReader(path, unit), [(unit,)]) for unit in arguments.text]
    try:
        table = _columns.opened(path, arguments.missing)
    except UnusableFileError as error:
        if path.is_file() and path.name.lower().removesuffix(".gz").endswith(".txt"):
            hint = "Pass --text words, letters or characters to read plain text."
            raise UnusableFileError(f"{error} {hint}") from error
        raise
    names, passed_over = table.choose(arguments.columns)
    _columns.note_passed_over(path, passed_over)
    if arguments.joint:
        return [Job(path, table.reader(names), [tuple(names)])]
    lengths: dict[int, list[str]] = {}
    for name in names:
        lengths.setdefault(table.columns[name].n_rows, []).append(name)
    named = set(names).intersection(arguments.columns or ())
    return [
        Job(path, table.reader(together), [(name,) for name in together], named)
        for together in lengths.values()
    ]


def count(job: Job, *, omit: bool, progress: Any, failures: dict[str, Exception]) -> list[Tally]:
    """Read a file once.

    Parameters
    ----------
    job : Job
        What to read.
    omit : bool
        Whether rows with missing entries are left out.
    progress : tqdm
        Moved on behind each batch.
    failures : dict of str to Exception
        Filled with what could not be counted, by place.

    Returns
    -------
    list of Tally
        Those that are complete.
    """
    reader = job.reader
    tallies = [Tally(job.path, reader, names) for names in job.variables]
    begin = 0
    try:
        for codes in reader.batches():
            for tally in list(tallies):
                try:
                    if reader.broken.keys().isdisjoint(tally.names):
                        tally.take(codes, begin, omit=omit)
                except UnusableFileError as error:
                    failures[tally.where] = error
                    tallies.remove(tally)
            if not tallies:
                break
            rows = codes[reader.names[0]].size
            begin += rows
            progress.update(rows)
    except UnusableFileError as error:  # the rows so far would pass for all of them
        failures[str(job.path)] = error
        return []
    whole = [tally for tally in tallies if reader.broken.keys().isdisjoint(tally.names)]
    if isinstance(reader, SymbolReader):
        _columns.note_texts(job.path, reader)
        _account_for_broken(job, reader, failures, only=not whole)
    return whole


def _account_for_broken(
    job: Job, reader: SymbolReader, failures: dict[str, Exception], *, only: bool
) -> None:
    """Columns that turned out to be no symbols fail where they were wanted, or nothing else is."""
    passed_over = {}
    for name, fact in reader.broken.items():
        if only or name in job.named:
            failures[f"{job.path}[{name}]"] = reader.table.refused(name, fact)
        else:
            passed_over[name] = fact
    _columns.note_passed_over(job.path, passed_over)
