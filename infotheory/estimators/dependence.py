"""Mutual information, conditional or not, of samples of any kind: which estimator serves them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from infotheory._results import Estimate
from infotheory._validation import check_choice, check_count, check_flag, check_jobs, refusal
from infotheory.estimators.cells import cells_of_samples
from infotheory.estimators.continuous import binned
from infotheory.estimators.continuous.information import (
    CONDITIONAL_METHODS,
    INFORMATION_METHODS,
    NUMERIC_METHODS,
    estimate_information,
)
from infotheory.estimators.continuous.reporting import Options
from infotheory.estimators.entropy_sums import (
    CONDITIONAL_MUTUAL_INFORMATION,
    MUTUAL_INFORMATION,
    Settings,
    estimate_sum,
)
from infotheory.estimators.measurements import (
    Variable,
    are_measurements,
    as_kinds,
    check_kind,
    check_no_symbols,
    read_variables,
)
from infotheory.estimators.methods import ENTROPY_METHODS
from infotheory.estimators.reading import read_table
from infotheory.estimators.symbols import Symbols

__all__ = ["estimate_dependence"]

_COUNTING = ("auto", *ENTROPY_METHODS)


def estimate_dependence(
    samples: Mapping[str, Any],
    *,
    method: str,
    k: Any,
    discrete: Any,
    n_symbols: Any,
    base: Any,
    level: Any,
    interval: Any,
    standardize: Any,
    clip: Any,
    nan_policy: str,
    n_permutations: Any,
    rng: Any,
    n_jobs: Any,
    progress: bool,
    stacklevel: int = 4,
) -> Estimate:
    """Estimate I(X;Y), or I(X;Y|Z) where there are three variables."""
    conditional = len(samples) == 3
    known = CONDITIONAL_METHODS if conditional else INFORMATION_METHODS
    check_choice("method", method, (*_COUNTING, *known))
    settings = Settings.checked(
        "".join(samples),
        method=method if method in _COUNTING else "auto",
        n_symbols=n_symbols,
        base=base,
        level=level,
        n_permutations=n_permutations,
        rng=rng,
        progress=progress,
    )
    options = Options(
        method=method,
        k=check_count("k", k),
        standardize=check_flag("standardize", standardize),
        base=settings.base,
        level=settings.level,
        interval=check_flag("interval", interval),
        n_permutations=settings.n_permutations,
        rng=rng,
        n_jobs=check_jobs(n_jobs),
        progress=settings.progress,
    )
    clip = check_flag("clip", clip)
    variables = _read(samples, method, discrete, nan_policy)
    terms = CONDITIONAL_MUTUAL_INFORMATION if conditional else MUTUAL_INFORMATION
    symbols = [variable for variable in variables if isinstance(variable, Symbols)]
    if len(symbols) == len(variables) and method in _COUNTING:
        found = estimate_sum(terms, cells_of_samples(*symbols), settings, stacklevel)
        return _clipped(found) if clip else found
    _check_kinds(samples, method, len(symbols), n_symbols)
    if method == "binned":
        numbers = [variable for variable in variables if not isinstance(variable, Symbols)]
        n_bins = binned.default_bins(len(numbers[0]), sum(x.shape[1] for x in numbers))
        found = binned.estimate_binned(terms, numbers, n_bins, settings, stacklevel)
    else:
        found = estimate_information(variables, options, stacklevel)
    return _clipped(found) if clip else found


def _read(
    samples: Mapping[str, Any], method: str, discrete: Any, nan_policy: str
) -> list[Variable]:
    kinds = as_kinds(discrete, tuple(samples))
    for name, kind in kinds.items():
        if method in ENTROPY_METHODS or method in NUMERIC_METHODS:
            check_kind(name, method, kind, method in ENTROPY_METHODS)
        if method in ENTROPY_METHODS and kind is None and are_measurements(samples[name]):
            read_table(samples[name], name)  # which says what is wrong with them
    if method in NUMERIC_METHODS:
        kinds = dict.fromkeys(kinds, False)
    return read_variables(samples, kinds, nan_policy)


def _check_kinds(samples: Mapping[str, Any], method: str, n_discrete: int, n_symbols: Any) -> None:
    check_no_symbols(n_symbols)
    if method == "ross" and n_discrete != 1:
        raise refusal(
            "method",
            "for one discrete and one continuous variable where it is 'ross'",
            f"{n_discrete} discrete ones",
            "Say which with discrete=(True, False), or use 'auto'.",
        )
    if n_discrete == len(samples):
        raise refusal(
            "method",
            f"one of {', '.join(_COUNTING)} where every variable is discrete",
            repr(method),
            "Pass discrete=False for numbers with a density.",
        )


def _clipped(found: Estimate) -> Estimate:
    """Set what is below zero to zero."""
    if found.value >= 0.0 and not found.low < 0.0:
        return found
    given = found.interval
    low, high = (end if math.isnan(end) else max(0.0, end) for end in (given.low, given.high))
    interval = dataclasses.replace(given, estimate=max(0.0, given.estimate), low=low, high=high)
    return Estimate(max(0.0, found.value), **(vars(found) | {"interval": interval}))
