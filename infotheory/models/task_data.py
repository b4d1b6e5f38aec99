"""A split of a text classification task, and parts of it that are drawn at random."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import as_rng, check_count, refusal
from infotheory.classifiers.calibration import split_rows
from infotheory.models.glue_tasks import GlueTask
from infotheory.models.labelled import Labelled

__all__ = ["TaskData"]


@dataclass(eq=False)
class TaskData(Labelled):
    """Rows of a split of a task: a text or a pair of texts each, with the classes of the task.

    Attributes
    ----------
    name, labels, class_names, notes
        As for any data set.
    task : GlueTask
        What is to be told.
    split_name : str
        Of which split they are: "train", "dev", ...
    sources : sequence of Labelled
        Where the rows are: one file after the other.
    rows : ndarray of int, shape (n,)
        Numbers of the rows, counted through all sources.
    """

    task: GlueTask
    split_name: str
    sources: Sequence[Labelled]
    rows: IntArray
    _starts: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._starts = np.cumsum([0, *map(len, self.sources)])

    def sample(self, row: int) -> Any:
        """Read one row."""
        source, number = self._place(row)
        return source.sample(number)

    def where(self, row: int) -> str:
        """Return its file, and its row there."""
        source, number = self._place(row)
        return source.where(number)

    def _place(self, row: int) -> tuple[Labelled, int]:
        number = self.rows[row]
        which = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self.sources[which], int(number - self._starts[which])

    def content(self) -> bytes:
        """Hash what the sources are known by, and which rows of them."""
        digest = hashlib.sha256(self.rows.tobytes())
        for source in self.sources:
            digest.update(source.fingerprint().encode())
        return digest.digest()

    def subset(self, n: int, rng: Any = None) -> TaskData:
        """Draw rows, of each class its share.

        Parameters
        ----------
        n : int
            How many, from the number of classes on.
        rng : int or numpy.random.Generator, optional
            Which rows; a seed makes the draw repeatable, and a smaller draw of the same seed is
            part of a larger one.

        Returns
        -------
        TaskData
            In the order of the rows here. Of each class at least one row, and no more than its
            share rounded up.

        Raises
        ------
        ValueError
            If there are not so many rows, or fewer than one a class are asked for.
        """
        count, classes = check_count("n", n), len(np.unique(self.labels))
        if not classes <= count <= len(self):
            raise refusal(
                "n",
                f"from {classes}, one row a class, to {len(self):,}, the rows of {self.name}",
                f"{count:,}",
            )
        return self._taken(_drawn(self.labels, count, as_rng(rng)))

    def split(self, fraction: Any, rng: Any = None) -> tuple[TaskData, TaskData]:
        """Set some rows of each class aside, for validation.

        Parameters
        ----------
        fraction : float
            Share of each class to set aside, in (0, 1). Where it is no whole number of rows,
            chance decides which of the two next to it.
        rng : int or numpy.random.Generator, optional
            Which rows; a seed makes the split repeatable.

        Returns
        -------
        rest, aside : TaskData
            Each in the order of the rows here. Each class keeps at least one row in `rest`.

        Raises
        ------
        ValueError
            If `fraction` is no number in (0, 1), or nothing would be set aside.
        """
        if not (isinstance(fraction, (float, np.floating)) and 0 < fraction < 1):
            fix = "It is the share of each class to set aside."
            raise refusal("fraction", "a number in (0, 1)", repr(fraction), fix)
        try:
            aside, rest = split_rows(self.labels, fraction, as_rng(rng))
        except ValueError as error:
            fact = f"{fraction:g} of {len(self):,} rows in {len(np.unique(self.labels))} classes"
            raise refusal("fraction", "large enough to set rows aside", fact) from error
        return self._taken(rest), self._taken(aside)

    def _taken(self, rows: IntArray) -> TaskData:
        name = f"{self.task.name} ({self.split_name}, {len(rows):,} rows)"
        return replace(self, name=name, labels=self.labels[rows], rows=self.rows[rows])


def _drawn(labels: IntArray, n: int, rng: np.random.Generator) -> IntArray:
    """Return the numbers of `n` rows, ascending.

    Each class is shuffled, and its rows are put at 0, 1/c, 2/c, ... where c is their number; the
    first n are taken. That is Adams's rule of apportionment: none goes beyond its share rounded
    up, and the first of each class comes before all others.
    """
    order = np.lexsort((rng.random(len(labels)), labels))  # by class, and shuffled within
    _, counts = np.unique(labels, return_counts=True)
    place = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.argsort(place / np.repeat(counts, counts), kind="stable")[:n]
    return np.sort(order[first])
