"""The occupied cells of a table of counts, and the margins of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infotheory._typing import IntArray
from infotheory.estimators.reading import code_integers, is_narrow
from infotheory.estimators.symbols import Symbols, joint_symbols

__all__ = ["Cells", "cells_of_samples", "cells_of_table"]


@dataclass(frozen=True, eq=False)
class Cells:
    """A table of counts over several variables, without its empty cells.

    Attributes
    ----------
    counts : ndarray of int, shape (m,)
        How often each cell was seen, at least once.
    codes : tuple of ndarray of int, each of shape (m,)
        For each variable, the number of its symbol in each cell.
    """

    counts: IntArray
    codes: tuple[IntArray, ...]

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())

    def margin(self, axes: tuple[int, ...]) -> tuple[IntArray, IntArray]:
        """Return the counts of the combinations of some variables, and that of each cell.

        The second array gives for each cell its place in the first.
        """
        if axes == tuple(range(len(self.codes))):
            return self.counts, np.arange(self.counts.size)
        first, *others = axes
        place, values = code_integers(self.codes[first])
        for axis in others:
            # The numbers of the first factor are dense, so the product stays below m (max + 1).
            wide = place * (int(self.codes[axis].max()) + 1) + self.codes[axis]
            place, values = code_integers(wide)
        counts = np.zeros(values.size, dtype=np.int64)
        np.add.at(counts, place, self.counts)
        return counts, place

    def only(self, kept: IntArray) -> Cells:
        """Return some of the cells."""
        return Cells(self.counts[kept], tuple(codes[kept] for codes in self.codes))


def cells_of_table(table: IntArray) -> Cells:
    """Take the occupied cells of an array of counts with one axis a variable."""
    occupied = np.nonzero(table)
    return Cells(table[occupied], occupied)


def cells_of_samples(*parts: Symbols) -> Cells:
    """Count the combinations of symbols in samples of several variables."""
    shape = tuple(part.n_distinct for part in parts)
    size = int(np.prod(shape, dtype=object))
    if is_narrow(0, size, parts[0].n):
        number = np.ravel_multi_index(tuple(part.codes for part in parts), shape)
        return cells_of_table(np.bincount(number, minlength=size).reshape(shape))
    joint = joint_symbols(*parts)
    return Cells(joint.counts, tuple(joint.values.T))
