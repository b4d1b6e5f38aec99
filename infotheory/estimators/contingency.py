"""Mutual information, conditional or not, from tables of counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from infotheory._results import Estimate
from infotheory._validation import refusal
from infotheory.estimators.cells import Cells, cells_of_table
from infotheory.estimators.counting import refuse_masked, whole_counts
from infotheory.estimators.entropy_sums import (
    CONDITIONAL_MUTUAL_INFORMATION,
    MUTUAL_INFORMATION,
    Settings,
    estimate_sum,
)

__all__ = [
    "estimate_conditional_mutual_information_from_counts",
    "estimate_mutual_information_from_counts",
]


def estimate_mutual_information_from_counts(
    counts: Any,
    *,
    method: str = "auto",
    n_symbols: Sequence[int] | None = None,
    base: float | None = None,
    level: float = 0.95,
    n_permutations: int = 0,
    rng: Any = None,
    progress: bool = False,
) -> Estimate:
    """Estimate the mutual information I(X;Y) from a contingency table.

    Parameters
    ----------
    counts : array_like of int or DataFrame, shape (Kx, Ky)
        How often each pair of symbols was seen, without sums at the margins. Rows and columns of
        zeros change nothing: only `n_symbols` says how large the alphabets are.
    method : str, default "auto"
        As in :func:`infotheory.estimators.estimate_mutual_information`.
    n_symbols : pair of int, optional
        Sizes of the alphabets; ``counts.shape``, where the table has a place for every symbol.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    n_permutations : int, default 0
        Number of random tables with the same margins for the p-value of independence; 0 for none.
    rng : int or numpy.random.Generator, optional
        Source of these tables.
    progress : bool, default False
        Whether to show a progress bar while they are drawn.

    Returns
    -------
    Estimate
        As from the samples themselves; it may be negative.

    Raises
    ------
    ValueError, TypeError
        Where counts are no table of two variables, not whole numbers, negative or all zero; where
        `n_symbols` is smaller than the number of symbols seen, or an option unknown.

    Warns
    -----
    PrecisionWarning, UndefinedIntervalWarning
        As in :func:`infotheory.estimators.estimate_mutual_information`.

    Notes
    -----
    The formula, the interval and the p-value are those of
    :func:`infotheory.estimators.estimate_mutual_information`. O(Kx Ky) time.

    References
    ----------
    .. [1] shannon1948mathematical.
    .. [2] patefield1981algorithm.

    Examples
    --------
    Two fair coins that always agree share one bit, and rows that are proportional nothing: no table
    with their margins has less information.

    >>> from infotheory.estimators import estimate_mutual_information_from_counts
    >>> estimate_mutual_information_from_counts([[50, 0], [0, 50]], method="plugin", base=2).value
    1.0
    >>> found = estimate_mutual_information_from_counts([[40, 80], [20, 40]], n_permutations=99)
    >>> found.p_value
    1.0
    """
    settings = Settings.checked(
        "xy",
        method=method,
        n_symbols=n_symbols,
        base=base,
        level=level,
        n_permutations=n_permutations,
        rng=rng,
        progress=progress,
    )
    return estimate_sum(MUTUAL_INFORMATION, _as_cells(counts, "xy"), settings, stacklevel=3)


def estimate_conditional_mutual_information_from_counts(
    counts: Any,
    *,
    method: str = "auto",
    n_symbols: Sequence[int] | None = None,
    base: float | None = None,
    level: float = 0.95,
    n_permutations: int = 0,
    rng: Any = None,
    progress: bool = False,
) -> Estimate:
    """Estimate the conditional mutual information I(X;Y|Z) from a table of three variables.

    Parameters
    ----------
    counts : array_like of int, shape (Kx, Ky, Kz)
        How often each triple of symbols was seen; zeros do not say how large the alphabets are.
    method : str, default "auto"
        As in :func:`infotheory.estimators.estimate_conditional_mutual_information`.
    n_symbols : triple of int, optional
        Sizes of the alphabets.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    n_permutations : int, default 0
        Number of random tables with the same counts of (x, z) and of (y, z), for the p-value of
        conditional independence; 0 for none.
    rng : int or numpy.random.Generator, optional
        Source of these tables.
    progress : bool, default False
        Whether to show a progress bar while they are drawn.

    Returns
    -------
    Estimate
        As from the samples themselves; it may be negative.

    Raises
    ------
    ValueError, TypeError
        As in :func:`estimate_mutual_information_from_counts`.

    Warns
    -----
    PrecisionWarning, UndefinedIntervalWarning
        As in :func:`infotheory.estimators.estimate_mutual_information`.

    Notes
    -----
    The formula, the interval and the p-value are those of
    :func:`infotheory.estimators.estimate_conditional_mutual_information`. O(Kx Ky Kz) time.

    References
    ----------
    .. [1] cover2006elements, section 2.5.

    Examples
    --------
    Of two bits and their sum modulo 2, each of the four combinations 25 times:

    >>> import numpy as np
    >>> from infotheory.estimators import estimate_conditional_mutual_information_from_counts
    >>> counts = np.zeros((2, 2, 2), dtype=int)
    >>> counts[[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]] = 25
    >>> found = estimate_conditional_mutual_information_from_counts(counts, method="plugin", base=2)
    >>> float(found)
    1.0
    """
    settings = Settings.checked(
        "xyz",
        method=method,
        n_symbols=n_symbols,
        base=base,
        level=level,
        n_permutations=n_permutations,
        rng=rng,
        progress=progress,
    )
    cells = _as_cells(counts, "xyz")
    return estimate_sum(CONDITIONAL_MUTUAL_INFORMATION, cells, settings, stacklevel=3)


def _as_cells(counts: Any, names: str) -> Cells:
    _refuse_margins(counts)
    refuse_masked(counts)
    try:
        table = np.asarray(counts)
    except ValueError as error:
        raise refusal("counts", "a table", "rows of different lengths", "Fill it up.") from error
    if table.ndim != len(names):
        raise refusal(
            "counts",
            f"{len(names)}-dimensional, with one axis for each of {', '.join(names)}",
            f"shape {table.shape}",
            "Tables of counts come from pandas.crosstab, or from numpy.histogramdd with "
            ".astype(int), for instance.",
        )
    return cells_of_table(whole_counts(table))


def _refuse_margins(counts: Any) -> None:
    """Refuse a pandas cross tabulation with its sums, which would count every sample four times."""
    if not hasattr(counts, "iloc") or counts.ndim != 2 or min(counts.shape) < 2:
        return
    name = _last_label(counts.columns)
    if not isinstance(name, str) or _last_label(counts.index) != name:
        return
    if counts.shape == (2, 2) and name != "All":
        return  # four equal counts are more likely a table than one count with its sums
    table = counts.to_numpy()
    of_rows, of_columns = table[:-1].sum(0), table[:, :-1].sum(1)
    if np.array_equal(table[-1], of_rows) and np.array_equal(table[:, -1], of_columns):
        raise refusal(
            "counts",
            "a table without its margins",
            f"sums in the row and the column {name!r}",
            "Leave them out: counts.iloc[:-1, :-1].",
        )


def _last_label(labels: Any) -> Any:
    """Return the last label, the outermost where there are several levels."""
    return labels[-1][0] if isinstance(labels[-1], tuple) else labels[-1]
