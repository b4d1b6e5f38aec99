"""From an estimate to what is reported: the interval, the doubts, and units."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from infotheory._results import Estimate, Interval
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.estimators.continuous.doubts import Facts, doubts
from infotheory.estimators.continuous.gaussian import GAUSSIAN_METHODS
from infotheory.estimators.continuous.neighbour_information import Terms
from infotheory.estimators.continuous.parts import Parts
from infotheory.estimators.continuous.shuffling import p_value
from infotheory.estimators.continuous.subsampling import (
    Scatter,
    interval_of,
    parts_of,
    scatter_of,
)

__all__ = ["Options", "Task", "certainty", "conclude"]

_SPARSE = 0.5  # share of samples without k mates in a part, beyond which it says nothing


@dataclass(frozen=True)
class Options:
    """How to estimate, checked; see :func:`infotheory.estimators.estimate_mutual_information`."""

    method: str
    k: int
    standardize: bool
    base: float | None
    level: float
    interval: bool
    n_permutations: int
    rng: Any
    n_jobs: int | None
    progress: bool


@dataclass(frozen=True)
class Task:
    """What is estimated: arrays of samples, of which the second is permuted, and a formula."""

    arrays: tuple[AnyArray, ...]
    formula: Callable[..., Terms | Parts]

    def of(self, rows: IntArray) -> float:
        """Estimate from some of the samples."""
        return self.formula(*(array[rows] for array in self.arrays)).value

    def shuffled(self, order: IntArray) -> float:
        """Estimate from all samples, with the second array in another order."""
        x, y, *z = self.arrays
        return self.formula(x, y[order], *z).value


def certainty(
    task: Task,
    whole: Terms | Parts,
    method: str,
    n: int,
    options: Options,
    mates: IntArray | None = None,
) -> tuple[Interval, Scatter | None]:
    """Return the interval, and how estimates from parts of the sample scatter, where it needs that.

    `mates` are how many samples have the symbols of each; None where there are no symbols.
    """
    value, level = whole.value, options.level
    if isinstance(whole, Parts) and method in GAUSSIAN_METHODS:
        error = whole.standard_error
        reach = float(ndtri(0.5 + level / 2)) * error
        return Interval(value, value - reach, value + reach, error, level, "delta, normal"), None
    if not options.interval:
        return Interval(value, math.nan, math.nan, math.nan, level, "none"), None
    # One fixed partition where no seed is given, so that the same call has the same interval.
    rng = np.random.default_rng(0 if options.rng is None else options.rng)
    _, size = parts_of(n)
    sparse = mates is not None and float(np.mean(mates * (size / n) <= options.k)) > _SPARSE
    scatter = None if sparse else scatter_of(task.of, n, options.k, rng)
    return interval_of(value, scatter, level), scatter


def conclude(
    facts: Facts, options: Options, stacklevel: int, null: FloatArray | None = None
) -> Estimate:
    """Say what there is to doubt, and return the estimate in the unit that was asked for."""
    found = doubts(facts)
    for kind, text in found:
        warnings.warn(text, kind, stacklevel=stacklevel)
    whole, unit = facts.whole, 1.0 if options.base is None else math.log(options.base)
    n = whole.terms.size if isinstance(whole, Terms) and whole.kept is not None else facts.n
    return Estimate(
        whole.value / unit,
        interval=facts.interval.scaled(unit),
        n=n,
        method=facts.method,
        base=options.base,
        p_value=None if null is None else p_value(whole.value, null),
        warnings=tuple(text for _, text in found),
        local=None if whole.local is None else whole.local / unit,
        null_distribution=None if null is None else null / unit,
    )
