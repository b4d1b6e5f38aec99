"""A model at work on some rows of a data set, and what takes in its outputs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import refusal
from infotheory.classifiers import NCMIAccumulator
from infotheory.classifiers.shards import usual_shards
from infotheory.evaluation.measurement import Measurement
from infotheory.evaluation.outputs import SavedOutputs
from infotheory.models import Classifier, LabelledData

if TYPE_CHECKING:
    from infotheory.learning.metrics import NCMIMetric

__all__ = ["LiveModel", "LiveSettings", "Taking", "live_model", "named", "part_of"]


@dataclass(frozen=True)
class LiveSettings:
    """How a model at work is measured."""

    kind: str
    temperature: float
    smoothing: float
    shards: int
    batch_size: int
    precision: str
    class_names: tuple[str, ...] | None = None

    def accumulator(self) -> NCMIAccumulator:
        """Return an empty accumulator."""
        return NCMIAccumulator(**self.of_accumulator())

    def of_accumulator(self) -> dict[str, Any]:
        """Return what an accumulator, or the metric of another device, is made with."""
        return {
            "temperature": self.temperature,
            "smoothing": self.smoothing,
            "class_names": self.class_names,
            "shards": self.shards,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return what decides the sums, as JSON holds it."""
        found = asdict(self)
        del found["class_names"]
        return found


@dataclass(frozen=True, eq=False)
class LiveModel:
    """A model at work on some rows of a data set.

    Attributes
    ----------
    where : str
        What documents call it: the text that names it.
    classifier : Classifier
        The model.
    data : LabelledData
        The data set.
    labels : ndarray of int
        Labels of all samples, as numbers of the outputs.
    class_names : tuple of str or None
        Names of the outputs.
    rows : range
        Which rows.
    label_map : object
        As the user gave it.
    """

    where: str
    classifier: Classifier
    data: LabelledData
    labels: IntArray
    class_names: tuple[str, ...] | None
    rows: range
    label_map: Any = None

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return len(self.rows)

    @property
    def source(self) -> dict[str, str]:
        """Model and data set, for documents."""
        return {"model": self.where, "data": self.data.name}

    def sources(self) -> list[dict[str, str]]:
        """Model, data set and rows, and the fingerprints by which a later run knows them again."""
        rows = f"{self.rows.start}:{self.rows.stop}"
        whole = hashlib.sha256("".join(self._fingerprints.values()).encode()).hexdigest()
        part = hashlib.sha256(f"{whole} {rows}".encode()).hexdigest()
        return [
            {
                **self.source,
                "rows": rows,
                "of": str(len(self.labels)),
                **{f"{what} fingerprint": told for what, told in self._fingerprints.items()},
                "whole": whole,
                # Where there are more parts than rows, empty ones are alike.
                "fingerprint": part if self.rows else "",
            }
        ]

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        """Those of model, data and labels, which may take seconds."""
        return {
            "model": self.classifier.fingerprint(),
            "data": self.data.fingerprint(),
            "labels": hashlib.sha256(self.labels.astype("<i8").tobytes()).hexdigest(),
        }

    def confirm(self) -> None:
        """Look once more at names and numbers of classes, of which a first batch may tell more.

        Raises
        ------
        ValueError
            If labels and outputs do not go together.
        """
        from infotheory.models.label_names import align

        align(self.data, self.classifier, self.label_map)

    def default_shards(self) -> int:
        """Return into how many shards ``measure_classifier`` would deal all samples."""
        counts = np.bincount(self.labels)
        return usual_shards(counts, self.classifier.n_outputs or counts.size)


def part_of(rows: range, number: int, count: int) -> range:
    """Return one of several parts of some rows, which are of equal length but for one row.

    >>> [part_of(range(10), number, 3) for number in (1, 2, 3)]
    [range(0, 3), range(3, 6), range(6, 10)]
    """
    return rows[len(rows) * (number - 1) // count : len(rows) * number // count]


@dataclass(eq=False)
class Taking:
    """What takes in the outputs of one model: on their own device where that is not the CPU.

    Attributes
    ----------
    classifier : Classifier
        The model.
    settings : LiveSettings
        How to measure it.
    measurement : Measurement
        Where to; complete once :meth:`settle` has been called.
    saved : SavedOutputs or None
        Where the outputs are written.
    """

    classifier: Classifier
    settings: LiveSettings
    measurement: Measurement
    saved: SavedOutputs | None = None
    _metric: NCMIMetric | None = field(default=None, init=False)
    _noted: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        """Keep the notes of an earlier run; those of this one begin here."""
        self._noted = tuple(self.measurement.notes)
        getattr(self.classifier, "begin", lambda: None)()

    def take(self, outputs: Any, labels: Any) -> None:
        """Add the outputs of some samples, all or none."""
        if self.saved is not None:  # first: what is written behind the last state is cut off later
            self.saved.append(outputs)
        if getattr(getattr(outputs, "device", None), "type", "cpu") == "cpu":
            self.measurement.total.update(outputs, labels, self.settings.kind)
        else:
            self._on_device().update(outputs, labels, self.settings.kind)

    def _on_device(self) -> NCMIMetric:
        if self._metric is None:
            from infotheory.learning.metrics import NCMIMetric

            self._metric = NCMIMetric(**self.settings.of_accumulator())
        return self._metric

    def settle(self) -> None:
        """Let the measurement hold everything that was taken in, and the disk the outputs."""
        if self._metric is not None:
            self.measurement.total.merge(self._metric.accumulator)
            self._metric.reset()
        self.measurement.notes = [*self._noted, *getattr(self.classifier, "notes", ())]
        if self.saved is not None:
            self.saved.sync()


def live_model(
    where: str,
    classifier: Classifier,
    data: LabelledData,
    label_map: Any,
    rows: range,
    *,
    batch_size: int,
    precision: str,
    temperature: float,
    smoothing: float,
    shards: int | None,
    note: Callable[[str], object],
) -> tuple[LiveModel, LiveSettings]:
    """Put a model and a data set together.

    Parameters
    ----------
    where : str
        What documents call the model.
    classifier, data, label_map
        As for :func:`infotheory.models.label_names.align`.
    rows : range
        Which rows to measure.
    batch_size, precision, temperature, smoothing, shards
        As for :func:`evaluate_model`.
    note : callable
        Told how labels were taken.

    Returns
    -------
    LiveModel, LiveSettings

    Raises
    ------
    ValueError
        If labels and outputs do not go together.
    """
    from infotheory.models.label_names import align

    alignment = align(data, classifier, label_map)
    for text in alignment.notes:
        note(text)
    model = LiveModel(
        where, classifier, data, alignment.labels, alignment.class_names, rows, label_map
    )
    settings = LiveSettings(
        kind=classifier.kind,
        temperature=temperature,
        smoothing=smoothing,
        shards=model.default_shards() if shards is None else shards,
        batch_size=batch_size,
        precision=str(getattr(classifier, "precision", precision)),  # its own, if it has one
        class_names=alignment.class_names,
    )
    return model, settings


def named(models: list[tuple[str | None, Classifier]]) -> dict[str, Classifier]:
    """Return models by their names, given or their own.

    Raises
    ------
    ValueError
        If two have the same name.
    """
    names = [name or model.name for name, model in models]
    for name, count in Counter(names).most_common(1):
        if count > 1:
            raise refusal("models", "of different names", f"{name!r} {count} times", "Name each.")
    return {name: model for name, (_, model) in zip(names, models, strict=True)}
