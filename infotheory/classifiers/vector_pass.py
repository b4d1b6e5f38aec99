"""The explicit-vector passes over logits, and the choice of their precision.

Loaded only where compilation is on; the other loops are called from
:mod:`infotheory.classifiers.one_pass`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from infotheory._kernels.class_sums import counting_sort
from infotheory._kernels.class_sums_vector import lane_class_sums, row_class_sums
from infotheory._typing import AnyArray, IntArray
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.valid_rows import refuse_logits

__all__ = ["VectorLoops", "precisions", "single_is_enough"]

_LOG2_E = Fraction("1.44269504088896340735992468100189213742664595415299")
_SERIAL_BELOW = 50_000_000  # numbers; below some 20 ms of work a second thread does not pay
_LANES_BELOW = 200  # columns; shorter rows are laid side by side
_SMALL = 1 << 20  # numbers; below, the choice between precisions costs more than it saves


def precisions(outputs: AnyArray) -> list[np.dtype[Any]]:
    """Precisions to try in turn: single where it may be enough, and double."""
    single = outputs.dtype != np.float64 and outputs.size >= _SMALL and rounding(outputs) < 1e-7
    double = np.dtype(np.float64)
    return [np.dtype(np.float32), double] if single else [double]


def single_is_enough(sums: ClassSums, terms: float, outputs: AnyArray) -> bool:
    """Whether single-precision arithmetic left CMI with seven good digits.

    CMI is a difference of terms whose mean size over the rows is `terms`, formed from exponentials
    with relative error 3e-9, and from sums whose rounding grows like the root of the number of
    additions. Over the rows, what the exponentials do is systematic and the rounding averages out,
    over as many rows as contribute differently: where most rows are nearly certain the few others
    decide, and equal logits round equally. The constants are estimates with a margin, from
    experiments; they do not change what is computed, only in which precision.
    """
    n = sums.n
    cmi = float((sums.centroid_entropies + sums.entropy).sum()) / n
    contributing = min(n * min(1.0, terms), _variety(outputs))
    if contributing == 0.0:
        return False
    error = rounding(outputs) * math.sqrt(n / contributing)
    return bool((2e-9 + error) * terms < 1e-7 * cmi)


def rounding(outputs: AnyArray) -> float:
    """Relative rounding to expect of the mean over all rows, if they all contribute.

    Logits of 16 bits are themselves off by far more; for them the number of additions is left out,
    which keeps CMI to 1e-6.
    """
    n, columns = outputs.shape
    additions = columns if columns < _LANES_BELOW else columns / 16
    growth = 0.0 if outputs.itemsize == 2 else 1.6e-7 * math.sqrt(additions)
    return float((2.4e-7 + growth) / math.sqrt(n))


def _variety(outputs: AnyArray) -> float:
    """How many different roundings to expect, from a sample of 128 rows.

    None where rows repeat or logits fall on a grid; no limit where logits seldom repeat. Logits of
    16 bits always fall on a grid, a fine one: for them it is the number of different ones.
    """
    sample = outputs[:: max(1, outputs.shape[0] // 128), :64]
    different = np.unique(sample).size
    if different < 64 or len({row.tobytes() for row in sample}) < 0.9 * sample.shape[0]:
        return 0.0
    if 2 * different > sample.size:
        return math.inf
    return float(different) if outputs.itemsize == 2 else 0.0


class VectorLoops:
    """The explicit-vector passes over one contiguous chunk of logits."""

    def __init__(
        self,
        outputs: AnyArray,
        slots: IntArray,
        temperature: float,
        n_jobs: int | None,
        offset: int,
    ) -> None:
        self.outputs = outputs
        # Half precision travels as its bits in uint16; bfloat16 is int16 already.
        self.stored = outputs.view(np.uint16) if outputs.dtype == np.float16 else outputs
        self.slots = slots
        self.temperature = temperature
        self.n_jobs = n_jobs
        self.offset = offset

    def fill(self, sums: ClassSums, precision: np.dtype[Any]) -> float:
        """Fill empty sums; return the mean over rows of log-sum-exp plus entropy, in nats."""
        n, columns = self.outputs.shape
        size = sums.cells.size
        classes = sums.classes
        lanes = 64 // precision.itemsize
        padded = -(-columns // lanes) * lanes
        scalars = np.zeros((size, 3))
        constants = _constants(self.temperature, precision)
        options = (sums.labelled, 1.0 / self.temperature, constants)
        results = (sums.mass, sums.log_mass, scalars, sums.top5_misses, sums.bins, sums.confidence)
        # Rows side by side need enough of them in each class to fill the lanes.
        side_by_side = columns < _LANES_BELOW and n >= 8 * size
        loop: Callable[..., bool] = lane_class_sums if side_by_side else row_class_sums
        if side_by_side:
            # A chunk is read nearly in order, yet must hold enough rows of a class to pay for
            # emptying its lanes.
            chunk = min(n, max(8192, 330 * size))
            rows: tuple[Any, ...] = (self.stored, self.slots, chunk)
            work_shape: tuple[int, ...] = (3, padded, lanes)
        else:
            rows = (self.stored, *_grouped(self.slots, size))
            work_shape = (4, padded)

        def run(bounds: tuple[int, int]) -> bool:
            work = np.zeros(work_shape, precision)
            return loop(*rows, classes, *bounds, *options, work, *results)

        parts = _split(sums.counts, _threads(self.n_jobs, self.outputs.size))
        if len(parts) == 1:
            valid = run(parts[0])
        else:
            with ThreadPoolExecutor(len(parts)) as pool:
                valid = all(list(pool.map(run, parts)))
        if not valid:
            refuse_logits(self.outputs, self.offset)
        sums.entropy[:], sums.loss[:] = scalars[:, :2].T
        if precision == np.float32:
            _restore_largest(sums)
        return float((scalars[:, 2].sum() - sums.entropy.sum()) / n)


def _grouped(slots: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Row numbers grouped by slot, and where each group starts (and the last one ends)."""
    order = np.empty(slots.size, np.int64)
    bounds = np.zeros(size + 1, np.int64)
    counting_sort(slots, 0, order, bounds)
    bounds[1:] = bounds[:-1].copy()
    bounds[0] = 0
    return order, bounds


def _constants(temperature: float, precision: np.dtype[Any]) -> AnyArray:
    """log2(e)/T in two parts, and the least v = logit - largest that is told from smaller ones."""
    exact = _LOG2_E / Fraction(temperature)
    high = precision.type(float(exact))
    low = precision.type(float(exact - Fraction(float(high))))
    floor = -87.0 if precision == np.float32 else -700.0
    return np.array([high, low, floor * temperature], precision)


def _threads(n_jobs: int | None, size: int) -> int:
    if n_jobs is not None:
        return n_jobs
    if size < _SERIAL_BELOW:
        return 1
    if hasattr(os, "sched_getaffinity"):  # what a container or a batch system lends us
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _split(counts: IntArray, parts: int) -> list[tuple[int, int]]:
    """Cut the groups into runs of about equal numbers of rows."""
    ends = np.cumsum(counts)
    targets = ends[-1] * np.arange(1, parts) / parts
    cuts = np.unique([0, *np.searchsorted(ends, targets, side="left") + 1, counts.size])
    cuts = cuts[cuts <= counts.size]
    return [(int(a), int(b)) for a, b in pairwise(cuts)]


def _restore_largest(sums: ClassSums) -> None:
    """Replace the largest entry of each row of ``mass`` by what the others leave of the count.

    In single precision it is the one entry that rounding moves noticeably.
    """
    rows = np.arange(sums.cells.size)
    top = sums.mass.argmax(axis=1)
    sums.mass[rows, top] = 0.0
    sums.mass[rows, top] = np.maximum(sums.counts - sums.mass.sum(axis=1), 0.0)
