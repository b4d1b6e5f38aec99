"""Confidence intervals of stored models: from shards, or from a second reading of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from infotheory._results import Interval
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.classifiers import ClassSums, NCMIAccumulator
from infotheory.classifiers.bootstrap import bootstrap_intervals
from infotheory.classifiers.intervals import delta_intervals, jackknife_intervals
from infotheory.classifiers.leave_one_out import pseudo_terms
from infotheory.classifiers.row_terms import RowTerms
from infotheory.classifiers.shards import usual_shards
from infotheory.cli._models import Model
from infotheory.evaluation.measurement import Options, checked
from infotheory.files import UnusableFileError

__all__ = ["Wanted", "default_shards", "intervals_of"]

_N_RESAMPLES = 1000

Intervals = Mapping[str, Interval]


class Wanted(NamedTuple):
    """Which intervals, as on the command line."""

    method: str
    level: float
    seed: int


def default_shards(model: Model, n_classes: int, batch_bytes: int) -> int:
    """Return into how many shards ``measure_classifier`` would deal the samples.

    This reads the model once.
    """
    counts = np.zeros(n_classes, np.int64)
    for _, _, batch in model.batches(batch_bytes):
        labels = np.asarray(batch.labels)
        counted = (labels >= 0) & (labels < n_classes)
        if batch.weights is not None:
            counted &= batch.weights > 0
        counts += np.bincount(labels[counted].astype(np.int64), minlength=n_classes)
    return usual_shards(counts, model.n_outputs)


def intervals_of(
    wanted: Wanted, model: Model | None = None, options: Options | None = None
) -> Callable[[NCMIAccumulator, str | None], Intervals | None]:
    """Return what gives the intervals of an accumulator: the total, or that of a group.

    Parameters
    ----------
    wanted : Wanted
        Which intervals. They need shards.
    model, options : Model and Options, optional
        Whose rows are read again, as the delta method and the bootstrap need to.
    """
    generator = np.random.default_rng(wanted.seed)

    def found(accumulator: NCMIAccumulator, group: str | None) -> Intervals | None:
        if wanted.method == "none" or not (accumulator.shards and accumulator.n):
            return None
        sums = accumulator.sums
        total = sums.fold()
        if model is None or options is None or wanted.method == "jackknife":
            return jackknife_intervals(sums, total, wanted.level)
        samples = _samples(model, options, group)
        applied = (options.kind, options.temperature, options.smoothing)
        if wanted.method == "delta":
            terms, labels, weights = _terms(total, samples, applied)
            return delta_intervals(sums, total, terms, labels, weights, wanted.level)
        return bootstrap_intervals(
            sums,
            total,
            _together(samples),
            applied,
            level=wanted.level,
            n_resamples=_N_RESAMPLES,
            rng=generator,
        )

    return found


Sample = tuple[AnyArray, IntArray, FloatArray | None]


def _samples(model: Model, options: Options, group: str | None) -> Iterator[Sample]:
    """Read the rows again that count, all of them or those of a group."""
    like = options.accumulator()
    for _, _, batch in model.batches(options.batch_bytes):
        outputs, labels, weights, groups = checked(like, batch, options.kind)
        chosen = np.ones(labels.size, np.bool_) if group is None else groups.get(group)
        if chosen is None:
            continue
        if weights is not None:
            chosen = chosen & (weights > 0.0)  # what is left out may be of a class without sums
        if not chosen.all():
            outputs, labels = outputs[chosen], labels[chosen]
            weights = None if weights is None else weights[chosen]
        if labels.size:
            yield outputs, labels, weights


def _terms(
    total: ClassSums, samples: Iterator[Sample], applied: tuple[str, float, float]
) -> tuple[RowTerms, IntArray, FloatArray | None]:
    """Keep three numbers a row."""
    found, labels, weights = [], [], []
    for rows, targets, their_weights in samples:
        found.append(pseudo_terms(total, rows, targets, *applied, their_weights))
        labels.append(targets)
        if their_weights is not None:
            weights.append(their_weights)
    terms = RowTerms(*(np.concatenate(values) for values in zip(*found, strict=True)))
    return terms, np.concatenate(labels), np.concatenate(weights) if weights else None


def _together(samples: Iterator[Sample]) -> Sample:
    try:
        rows, labels, weights = zip(*samples, strict=True)
        together = None if weights[0] is None else np.concatenate(weights)
        return np.concatenate(rows), np.concatenate(labels), together
    except MemoryError as error:
        raise UnusableFileError(
            "the rows do not fit in memory, which the bootstrap needs. Use --interval delta."
        ) from error
