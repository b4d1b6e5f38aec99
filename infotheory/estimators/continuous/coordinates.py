"""Variables as points of a space with the maximum norm, in which their neighbours are sought."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from infotheory._typing import FloatArray, IntArray
from infotheory.estimators.continuous.space import Space
from infotheory.estimators.measurements import Variable
from infotheory.estimators.neighbours.columns import SortedColumn, sorted_column
from infotheory.estimators.symbols import Symbols

__all__ = ["TIED", "Placed", "Scaled", "placed", "scaled"]

TIED = 0.01
"""Share of samples that repeat others beyond which a column is taken to have ties."""

_FAR = 4.0  # times the widest range: further apart than any two measurements
_LARGEST = 1023  # power of two that is a double
_FINE = 20  # binary digits of the finest step, fewer than those of a float32
_FEW = 32  # numbers that tell most columns without steps


@dataclass(frozen=True)
class Scaled:
    """Columns in units of their own spread.

    Attributes
    ----------
    points : ndarray of float64, shape (n, d)
        The columns divided by their units.
    units : ndarray of float64, shape (d,)
        Positive.
    orders : ndarray of int, shape (d, n)
        What sorts the columns.
    """

    points: FloatArray
    units: FloatArray
    orders: IntArray

    @cached_property
    def columns(self) -> list[SortedColumn]:
        """The columns in ascending order."""
        return [sorted_column(*pair) for pair in zip(self.points.T, self.orders, strict=True)]

    @property
    def n_distinct(self) -> int:
        """Number of distinct values of the column that has fewest."""
        return min(column.n_distinct for column in self.columns)


def scaled(numbers: FloatArray, standardize: bool = True) -> Scaled:
    """Divide each column by its interquartile range, so that no unit of measurement matters.

    Where more than half of a column is one value, by its standard deviation; a constant column is
    left as it is. A column with many ties, or of multiples of a step, is divided by a power of
    two, which is exact: distances that are equal stay equal.
    """
    orders = np.argsort(numbers.T, axis=1)
    units = np.ones(numbers.shape[1])
    if standardize:
        for place, order in enumerate(orders):
            units[place] = _unit(numbers[order, place])
    return Scaled(np.ascontiguousarray(numbers / units), units, orders)


def _unit(ascending: FloatArray) -> float:
    quarter = ascending.size // 4
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(ascending[-1 - quarter] - ascending[quarter])  # that of -x too
        if spread == 0.0:
            spread = float(np.std(ascending))
    if not spread > 0.0:
        return 1.0
    unit = spread
    if spread == math.inf or _is_tied(ascending) or _is_stepped(ascending, spread):
        unit = math.ldexp(1.0, min(round(math.log2(min(spread, 1.7e308))), _LARGEST))
    largest = float(np.abs(ascending[[0, -1]]).max())
    return unit if math.isfinite(largest / unit) else 1.0


def _is_tied(ascending: FloatArray) -> bool:
    repeated = np.count_nonzero(ascending[1:] == ascending[:-1])
    return bool(repeated > TIED * ascending.size)


def _is_stepped(ascending: FloatArray, spread: float) -> bool:
    """Whether numbers are whole multiples of a power of two about a millionth of their spread."""
    places = _FINE - math.frexp(spread)[1]
    with np.errstate(over="ignore"):
        steps = np.ldexp(ascending, places)
    few = steps[:_FEW]
    return bool((few == np.rint(few)).all() and (steps == np.rint(steps)).all())


@dataclass(frozen=True)
class Placed:
    """Variables as coordinates.

    Attributes
    ----------
    parts : tuple of Scaled or Symbols
        The variables.
    n_jobs : int or None
        Number of threads for what is done in the space.
    """

    parts: tuple[Scaled | Symbols, ...]
    n_jobs: int | None

    @property
    def measured(self) -> dict[int, Scaled]:
        """The variables that are measurements, by their place."""
        pairs = enumerate(self.parts)
        return {place: part for place, part in pairs if not isinstance(part, Symbols)}

    @property
    def width(self) -> int:
        """Number of columns of measurements."""
        return sum(part.points.shape[1] for part in self.measured.values())

    @property
    def tied_share(self) -> float:
        """Share of samples whose value repeats that of another, in the column with most of them."""
        n = self.parts[0].n if isinstance(self.parts[0], Symbols) else len(self.parts[0].points)
        return (n - min(part.n_distinct for part in self.measured.values())) / n

    @property
    def is_tied(self) -> bool:
        """Whether so many samples repeat that they hardly come from a density."""
        return self.tied_share > TIED

    @property
    def constant(self) -> list[int]:
        """Which variables are measurements that do not vary."""
        measured = self.measured.items()
        return [i for i, part in measured if all(c.n_distinct == 1 for c in part.columns)]

    @cached_property
    def space(self) -> Space:
        """A block of coordinates for each variable.

        Symbols become corners of a cube, so far apart that any two samples with the same symbol are
        closer. All corners are at the same distance from each other, so it does not matter which
        symbol is which.
        """
        ranges = [float(np.ptp(part.points, axis=0).max()) for part in self.measured.values()]
        far = _FAR * max(ranges, default=0.0) or 1.0
        blocks = [
            _corners(p.codes, far) if isinstance(p, Symbols) else p.points for p in self.parts
        ]
        columns = [None if isinstance(p, Symbols) else p.columns for p in self.parts]
        return Space(blocks, self.n_jobs, columns)

    def only(self, place: int) -> Space:
        """Return the space of one variable of measurements."""
        part = self.measured[place]
        return Space([part.points], self.n_jobs, [part.columns])


def placed(variables: Sequence[Variable], standardize: bool, n_jobs: int | None) -> Placed:
    """Give every variable coordinates; symbols get theirs where somebody asks for the space."""
    parts = (v if isinstance(v, Symbols) else scaled(v, standardize) for v in variables)
    return Placed(tuple(parts), n_jobs)


def _corners(codes: IntArray, side: float) -> FloatArray:
    """One coordinate for each binary digit of the numbers of symbols."""
    digits = max(1, int(codes.max()).bit_length())
    bits = (codes[:, None] >> np.arange(digits)) & 1
    return np.ascontiguousarray(bits * side)
