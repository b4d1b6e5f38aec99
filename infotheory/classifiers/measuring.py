"""The work behind the public functions: checks, the pass, groups, intervals, the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from infotheory._results import Interval
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory._validation import (
    as_groups,
    as_rng,
    as_weights,
    check_base,
    check_choice,
    check_level,
    check_resamples,
    refusal,
)
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.bootstrap import bootstrap_intervals
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.intervals import delta_intervals, jackknife_intervals
from infotheory.classifiers.leave_one_out import pseudo_terms
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.report import NCMIReport
from infotheory.classifiers.shards import deal, usual_shards

__all__ = ["measure"]

_INTERVALS = ("jackknife", "delta", "bootstrap")
_CHUNK_BYTES = 1 << 28  # of a file mapped into memory, or between two steps of a progress bar


def measure(
    outputs: Any,
    labels: Any,
    *,
    kind: str,
    temperature: float,
    n_classes: int | None,
    smoothing: float,
    n_jobs: int | None,
    class_names: Sequence[str] | None = None,
    sample_weight: Any = None,
    groups: Any = None,
    interval: str | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
    rng: np.random.Generator | int | None = None,
    base: float | None = None,
    progress: bool = False,
    stacklevel: int = 4,
) -> NCMIReport:
    """Do the work of every public function.

    Parameters
    ----------
    outputs, labels, kind, temperature, n_classes, smoothing, n_jobs, class_names, sample_weight
        As in :func:`measure_classifier`.
    groups, interval, level, n_resamples, rng, base, progress
        As in :func:`measure_classifier`.
    stacklevel : int
        Whose line a warning shows.

    Returns
    -------
    NCMIReport
    """
    base, level = check_base(base), check_level(level)
    n_resamples = check_resamples(n_resamples)
    generator = as_rng(rng)
    if interval is not None:
        check_choice("interval", interval, _INTERVALS)
    plan = NCMIAccumulator(
        n_classes,
        temperature=temperature,
        smoothing=smoothing,
        class_names=class_names,
        n_jobs=n_jobs,
    )
    rows, targets = plan.check(outputs, labels, kind)
    data = _Data(
        rows,
        targets,
        _positive_weights(sample_weight, rows.shape[0]),
        kind,
        plan.temperature,
        plan.smoothing,
    )
    size = plan.n_classes or rows.shape[1]
    stream = progress or isinstance(outputs, np.memmap)
    shown: dict[str, Any] = {"n_jobs": n_jobs, "stream": stream, "progress": progress}
    sums = None
    if groups is None or interval is not None:
        # The whole is dealt apart from the groups, so that they change nothing about it.
        n_shards = 1 if interval is None else data.n_shards()
        dealt = None if interval is None else deal(targets, n_shards, size, weights=data.weights)
        sums = data.sums(size, dealt, n_shards, **shown)
    names: list[str] = []
    numbers, slices = np.zeros(0, np.int64), []
    if groups is not None:
        names, numbers = as_groups(groups, rows.shape[0])
        n_shards = 1 if interval is None else data.n_shards(len(names))
        parts = numbers
        if interval is not None:
            parts = numbers * n_shards + deal(
                targets * len(names) + numbers,
                n_shards,
                size * len(names),
                weights=data.weights,
                starts=np.repeat(np.arange(size), len(names)),
            )
        grouped = data.sums(size, parts, len(names) * n_shards, **shown)
        slices = list(grouped.split(len(names)))
        sums = grouped.fold() if sums is None else sums
    assert sums is not None  # taken above, or folded from those of the groups

    def report(
        part: ClassSums,
        chosen: Any,
        groups: dict[str, NCMIReport] | None,
        stacklevel: int | None,
    ) -> NCMIReport:
        total = part if part.n_parts == 1 else part.fold()
        found = None
        if interval is not None:
            # The jackknife needs no rows, and those of a group would be copied.
            sample = data if interval == "jackknife" else data.of(chosen)
            found = sample.intervals(
                part, total, interval, level, n_resamples, generator, progress=progress
            )
        return NCMIReport.from_sums(
            total,
            base=base,
            temperature=plan.temperature,
            smoothing=plan.smoothing,
            class_names=plan.class_names,
            intervals=found,
            groups=groups,
            stacklevel=stacklevel,
        )

    reports = {
        names[number]: report(part, numbers == number, None, None)
        for number, part in enumerate(slices)
        if part.n > 0  # a group may have samples of weight zero only
    }
    return report(sums, slice(None), reports, stacklevel + 1)


@dataclass(frozen=True)
class _Data:
    """Checked samples, and what is applied to their outputs."""

    rows: AnyArray
    targets: IntArray
    weights: FloatArray | None
    kind: str
    temperature: float
    smoothing: float

    def of(self, chosen: Any) -> _Data:
        """Return some of the samples."""
        weights = None if self.weights is None else self.weights[chosen]
        return replace(self, rows=self.rows[chosen], targets=self.targets[chosen], weights=weights)

    def n_shards(self, n_groups: int = 1) -> int:
        """Into how many shards to deal the samples for intervals."""
        counted = self.targets if self.weights is None else self.targets[self.weights > 0.0]
        return usual_shards(np.bincount(counted), self.rows.shape[1], n_groups)

    def sums(
        self,
        n_classes: int,
        parts: IntArray | None,
        n_parts: int,
        *,
        n_jobs: int | None,
        stream: bool,
        progress: bool,
    ) -> ClassSums:
        """Take the class sums, at once or in steps (files in memory, a progress bar)."""
        from tqdm.auto import tqdm

        n, columns = self.rows.shape
        step = n
        if stream:
            step = max(1, min(_CHUNK_BYTES // (columns * self.rows.itemsize), -(-n // 20)))
        total: ClassSums | None = None
        with tqdm(total=n, unit="row", disable=not progress, delay=0.5) as bar:
            for start in range(0, n, step):
                chunk = slice(start, start + step)
                sums = class_sums(
                    self.rows[chunk],
                    self.targets[chunk],
                    n_classes,
                    kind=self.kind,
                    temperature=self.temperature,
                    smoothing=self.smoothing,
                    weights=None if self.weights is None else self.weights[chunk],
                    parts=None if parts is None else parts[chunk],
                    n_parts=n_parts,
                    n_jobs=n_jobs,
                    first_row=start,
                )
                total = sums if total is None else total.absorb(sums)
                bar.update(self.rows[chunk].shape[0])
        assert total is not None  # there is at least one row
        return total

    def intervals(
        self,
        sums: ClassSums,
        total: ClassSums,
        interval: str,
        level: float,
        n_resamples: int,
        rng: np.random.Generator,
        *,
        progress: bool,
    ) -> dict[str, Interval]:
        """Form the intervals; `sums` are those of these samples, in shards."""
        if interval == "jackknife":
            return jackknife_intervals(sums, total, level)
        applied: tuple[str, float, float] = (self.kind, self.temperature, self.smoothing)
        if interval == "delta":
            counted = self
            if self.weights is not None and not self.weights.all():
                counted = self.of(self.weights > 0.0)
            terms = pseudo_terms(total, counted.rows, counted.targets, *applied, counted.weights)
            return delta_intervals(sums, total, terms, counted.targets, counted.weights, level)
        return bootstrap_intervals(
            sums,
            total,
            (self.rows, self.targets, self.weights),
            applied,
            level=level,
            n_resamples=n_resamples,
            rng=rng,
            progress=progress,
        )


def _positive_weights(sample_weight: Any, n_rows: int) -> FloatArray | None:
    if sample_weight is None:
        return None
    weights = as_weights(sample_weight, n_rows)
    if not weights.any():
        raise refusal(
            "sample_weight",
            "positive for at least one sample",
            f"only zeros, for {n_rows} samples",
            "Give the samples that count a positive weight.",
        )
    return weights
