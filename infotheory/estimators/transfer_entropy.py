"""Transfer entropy of time series: what one tells about the future of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from infotheory._results import Estimate
from infotheory._typing import AnyArray
from infotheory._validation import as_array, check_count, refusal
from infotheory.estimators.dependence import estimate_dependence

__all__ = ["estimate_transfer_entropy"]


def estimate_transfer_entropy(
    source: Any,
    target: Any,
    *,
    source_history: int = 1,
    target_history: int = 1,
    delay: int = 1,
    condition: Any = None,
    method: str = "auto",
    k: int = 3,
    discrete: bool | str = "auto",
    n_symbols: Sequence[int] | None = None,
    base: float | None = None,
    level: float = 0.95,
    interval: bool = True,
    standardize: bool = True,
    clip: bool = False,
    nan_policy: str = "raise",
    n_permutations: int = 0,
    rng: Any = None,
    n_jobs: int | None = None,
    progress: bool = False,
) -> Estimate:
    """Estimate the transfer entropy from one time series to another.

    Parameters
    ----------
    source, target : array_like or Series, shape (n,) or (n, d)
        Values at successive times, the oldest first: measurements or symbols.
    source_history, target_history : int, default 1
        How many values of the past of each are looked at.
    delay : int, default 1
        How many steps lie between the latest value of the source and the target.
    condition : array_like or Series, shape (n,) or (n, d), optional
        A third series, of which the value of the step before is known too.
    method : str, default "auto"
        How to estimate, as in :func:`estimate_conditional_mutual_information`.
    k : int, default 3
        Number of neighbours.
    discrete : bool or "auto", default "auto"
        Whether the series are symbols; "auto" goes by their dtype.
    n_symbols : triple of int, optional
        Numbers of symbols of the past of the source, of the target and of its past.
    base, level, interval, standardize, clip, nan_policy, n_permutations, rng, n_jobs, progress
        As in :func:`estimate_conditional_mutual_information`.

    Returns
    -------
    Estimate
        A float with its interval, in nats unless `base` says otherwise; `n` is the number of
        times with a complete past. The interval and the p-value take these for independent given
        the past of the target; for strongly dependent series both are too sure.

    Raises
    ------
    ValueError, TypeError
        Where the series differ in length or are shorter than the past that is looked at, have
        missing values, or as in :func:`estimate_conditional_mutual_information`.

    Notes
    -----
    With s the source, t the target, and l and m the numbers of past values [1]_:

    I(T_i; S_(i-delay), ..., S_(i-delay-l+1) | T_(i-1), ..., T_(i-m)).

    References
    ----------
    .. [1] schreiber2000measuring.

    Examples
    --------
    A target that repeats fair coin tosses one step later takes one bit a step from them:

    >>> import numpy as np
    >>> from infotheory.estimators import estimate_transfer_entropy
    >>> tosses = np.random.default_rng(0).integers(0, 2, 2001)
    >>> later = np.roll(tosses, 1)
    >>> round(float(estimate_transfer_entropy(tosses, later, base=2)), 2)
    1.0
    >>> abs(estimate_transfer_entropy(later, tosses, base=2)) < 0.01
    True
    """
    lags = {
        "source_history": check_count("source_history", source_history),
        "target_history": check_count("target_history", target_history),
        "delay": check_count("delay", delay),
    }
    series = {"source": _rows(source, "source"), "target": _rows(target, "target")}
    if condition is not None:
        series["condition"] = _rows(condition, "condition")
    _check_same_length(series)
    first = max(lags["target_history"], lags["delay"] + lags["source_history"] - 1)
    n = len(series["target"])
    if n <= first:
        raise refusal(
            "target",
            f"longer than the past that is looked at ({first} steps)",
            f"{n} values",
            "Take longer series, or look at fewer past values.",
        )
    now = series["target"][first:]
    sources = _past(series["source"], first, lags["delay"], lags["source_history"])
    given = _past(series["target"], first, 1, lags["target_history"])
    if condition is not None:
        given = _side_by_side([given, _past(series["condition"], first, 1, 1)])
    return estimate_dependence(
        {"x": sources, "y": now, "z": given},
        method=method,
        k=k,
        discrete=discrete,
        n_symbols=n_symbols,
        base=base,
        level=level,
        interval=interval,
        standardize=standardize,
        clip=clip,
        nan_policy=nan_policy,
        n_permutations=n_permutations,
        rng=rng,
        n_jobs=n_jobs,
        progress=progress,
    )


def _rows(series: Any, name: str) -> AnyArray:
    if isinstance(series, np.ma.MaskedArray):  # what is masked is missing
        gaps, series = np.ma.getmaskarray(series), np.asarray(series.data).astype(object)
        series[gaps] = None
    values = series.to_numpy() if hasattr(series, "to_numpy") else as_array(series, name)
    if values.ndim not in (1, 2) or 0 in values.shape:
        raise refusal(
            name,
            "a series of values or of rows",
            f"shape {values.shape}",
            "Put time along the first axis.",
        )
    return values.reshape(len(values), -1)


def _check_same_length(series: dict[str, AnyArray]) -> None:
    n = len(series["target"])
    for name, values in series.items():
        if len(values) != n:
            raise refusal(
                name,
                f"as long as target ({n})",
                f"{len(values)} values",
                "Pass the values of the same times.",
            )


def _past(values: AnyArray, first: int, delay: int, length: int) -> AnyArray:
    """Values `delay` steps before each time from `first` on, and those before them."""
    n = len(values)
    return _side_by_side([values[first - lag : n - lag] for lag in range(delay, delay + length)])


def _side_by_side(parts: list[AnyArray]) -> AnyArray:
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) > 1 and not kinds <= {"f", "i", "u", "b"}:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts, axis=1)
