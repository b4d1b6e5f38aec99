"""One model measured batch by batch, with its groups, from any row on."""

from __future__ import annotations

import warnings as python_warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from infotheory._typing import AnyArray, BoolArray, FloatArray, IntArray
from infotheory._validation import as_groups, as_weights
from infotheory.classifiers import NCMIAccumulator, NCMIReport
from infotheory.exceptions import InfotheoryWarning
from infotheory.files import Batch, UnusableFileError

if TYPE_CHECKING:
    from infotheory._results import Interval

__all__ = [
    "Measured",
    "Measurement",
    "Options",
    "Rows",
    "Settings",
    "Skipped",
    "StoredRows",
    "checked",
    "measure",
]

_NAMED = 5  # of the samples that were left out

IntervalsOf = Callable[[NCMIAccumulator, str | None], "Mapping[str, Interval] | None"]


class Measured(Protocol):
    """What a state file has to know of a model."""

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        ...

    def sources(self) -> list[dict[str, str]]:
        """File, array and fingerprint of each piece of the data."""
        ...


class Settings(Protocol):
    """How a model is measured."""

    def accumulator(self) -> NCMIAccumulator:
        """Return an empty accumulator."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON holds them."""
        ...


class StoredRows(Protocol):
    """Outputs that are read from files."""

    def batches(self, batch_bytes: int, start: int = 0) -> Iterator[tuple[str, int, Batch]]:
        """Read the rows from `start` on: file, number of the first row in it, and batch."""
        ...


@dataclass(frozen=True)
class Options:
    """What decides the sums of a model, to the last bit."""

    kind: str
    temperature: float
    smoothing: float
    n_classes: int | None
    shards: int
    batch_bytes: int

    def accumulator(self) -> NCMIAccumulator:
        """Return an empty accumulator."""
        return NCMIAccumulator(
            self.n_classes,
            temperature=self.temperature,
            smoothing=self.smoothing,
            shards=self.shards,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON holds them."""
        return asdict(self)


class Rows(NamedTuple):
    """The rows of a batch, checked, and which of them belong to each group."""

    outputs: AnyArray
    labels: IntArray
    weights: FloatArray | None
    groups: dict[str, BoolArray]


def checked(accumulator: NCMIAccumulator, batch: Batch, kind: str) -> Rows:
    """Return a batch as the accumulator takes it, or refuse it with ValueError or TypeError."""
    outputs, labels = accumulator.check(batch.outputs, batch.labels, kind)
    n = len(labels)
    weights = None if batch.weights is None else as_weights(batch.weights, n)
    if batch.groups is None:
        return Rows(outputs, labels, weights, {})
    groups = batch.groups
    names, numbers = as_groups(groups.astype(np.str_) if groups.dtype.kind == "S" else groups, n)
    return Rows(outputs, labels, weights, {name: numbers == i for i, name in enumerate(names)})


@dataclass
class Skipped:
    """Samples that could not be read.

    Attributes
    ----------
    rows : list of int
        Their rows in the data set.
    named : list of str
        What the first few of them are called.
    """

    rows: list[int] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    def add(self, rows: Mapping[int, str]) -> None:
        """Take note of some more, by row."""
        self.merge(Skipped(list(rows), list(rows.values())))

    def merge(self, other: Skipped) -> None:
        """Take note of those of another."""
        self.rows += other.rows
        self.named = [*self.named, *other.named][:_NAMED]

    def warning(self) -> str:
        """Say it."""
        count = len(self.rows)
        more = ", ..." if count > len(self.named) else ""
        return (
            f"{count:,} sample{'s' if count > 1 else ''} could not be read and "
            f"{'are' if count > 1 else 'is'} left out: {', '.join(self.named)}{more}"
        )


@dataclass
class Measurement:
    """What has been taken in of one model.

    Attributes
    ----------
    total : NCMIAccumulator
        Over all rows.
    groups : dict of str to NCMIAccumulator
        Over the rows of each group met so far.
    rows : int
        How many rows were taken in, or left out.
    skipped : Skipped
        Those that were left out.
    notes : list of str
        What the reader of a result should know of how the model took them, from each run.
    """

    total: NCMIAccumulator
    groups: dict[str, NCMIAccumulator] = field(default_factory=dict)
    rows: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    notes: list[str] = field(default_factory=list)

    def take(self, batch: Batch, options: Options) -> None:
        """Add a batch; one that is refused leaves everything as it was."""
        rows = checked(self.total, batch, options.kind)
        self.total.take(rows.outputs, rows.labels, options.kind, rows.weights)
        for name, chosen in rows.groups.items():
            # These rows are in the total already, so none of them is refused.
            self.groups.setdefault(name, options.accumulator()).take(
                rows.outputs[chosen],
                rows.labels[chosen],
                options.kind,
                None if rows.weights is None else rows.weights[chosen],
            )
        self.rows += len(rows.labels)

    def merge(self, other: Measurement) -> None:
        """Add the rows of another, which is used up.

        Whether they are other rows is for the caller to know.
        """
        self.total.merge(other.total, allow_repeats=True)
        for name, accumulator in other.groups.items():
            if name in self.groups:
                self.groups[name].merge(accumulator, allow_repeats=True)
            else:
                self.groups[name] = accumulator
        self.rows += other.rows
        self.skipped.merge(other.skipped)
        self.notes += other.notes

    def report(
        self, *, base: float | None, intervals_of: IntervalsOf, warn: bool = False
    ) -> NCMIReport:
        """Return the report, with one on each group that has samples.

        Parameters
        ----------
        base : float or None
            Of the logarithm.
        intervals_of : callable
            Gives the intervals of an accumulator, the total or that of the named group.
        warn : bool, default False
            Whether to give warnings, the texts of which the report keeps in any case.

        Raises
        ------
        UnusableFileError
            Where no sample has weight, or none could be read.
        """
        if not self.total.n:
            if self.skipped.rows:
                raise UnusableFileError(f"there is nothing to report: {self.skipped.warning()}.")
            try:
                self.total.report()  # says why there is nothing to report
            except ValueError as error:
                raise UnusableFileError(str(error)) from error
        groups = {
            name: _report(self.groups[name], base, intervals_of(self.groups[name], name))
            for name in sorted(self.groups, key=_in_order)
            if self.groups[name].n
        }
        stacklevel = 1 if warn else None
        report = _report(self.total, base, intervals_of(self.total, None), groups, stacklevel)
        texts = [*self.notes, self.skipped.warning()] if self.skipped.rows else self.notes
        for text in texts if warn else ():
            python_warnings.warn(text, InfotheoryWarning, stacklevel=2)
        return replace(report, warnings=(*report.warnings, *texts))


def _in_order(name: str) -> tuple[bool, int, str]:
    """Numbers by value, before names."""
    number = name.removeprefix("-").isdecimal()
    return not number, int(name) if number else 0, name


def _report(
    accumulator: NCMIAccumulator,
    base: float | None,
    intervals: Mapping[str, Interval] | None,
    groups: Mapping[str, NCMIReport] | None = None,
    stacklevel: int | None = None,
) -> NCMIReport:
    return NCMIReport.from_sums(
        accumulator.sums.fold(),
        base=base,
        temperature=accumulator.temperature,
        smoothing=accumulator.smoothing,
        class_names=accumulator.class_names,
        intervals=intervals,
        groups=groups,
        stacklevel=stacklevel,
    )


def measure(
    model: StoredRows, measurement: Measurement, options: Options, advance: Callable[[int], object]
) -> None:
    """Take in the rows of a model that are not in the measurement yet.

    Parameters
    ----------
    model : StoredRows
        The rows.
    measurement : Measurement
        Of the first rows of this model, up to the end of a batch.
    options : Options
        How to measure.
    advance : callable
        Called behind each batch, with its number of rows.

    Raises
    ------
    UnusableFileError
        Where rows are refused; the measurement holds all batches before.
    """
    for file, row, batch in model.batches(options.batch_bytes, measurement.rows):
        try:
            measurement.take(batch, options)
        except (TypeError, ValueError) as error:
            where = f" Rows are counted from row {row} of the array." if row else ""
            raise UnusableFileError(f"{file}{error}{where}") from error
        advance(len(batch.labels))
