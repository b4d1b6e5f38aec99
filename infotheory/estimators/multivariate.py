"""Total correlation and O-information of several variables, from samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from infotheory._results import Estimate
from infotheory._typing import FloatArray
from infotheory._validation import (
    as_array,
    check_choice,
    check_count,
    check_flag,
    check_jobs,
    refusal,
)
from infotheory.estimators.cells import cells_of_samples
from infotheory.estimators.continuous.gaussian import GAUSSIAN_METHODS, least_samples
from infotheory.estimators.continuous.reporting import Options
from infotheory.estimators.continuous.together import TOGETHER_METHODS, estimate_together
from infotheory.estimators.entropy_sums import EntropySum, Settings, estimate_sum
from infotheory.estimators.measurements import are_measurements, read_variables
from infotheory.estimators.methods import ENTROPY_METHODS
from infotheory.estimators.neighbours.columns import check_neighbours
from infotheory.estimators.reading import read_table
from infotheory.estimators.symbols import Symbols

__all__ = ["estimate_o_information", "estimate_total_correlation"]

_METHODS = ("auto", *ENTROPY_METHODS, *TOGETHER_METHODS)
_TOTAL_CORRELATION, _O_INFORMATION = 0, 1


def estimate_total_correlation(
    variables: Any,
    *,
    method: str = "auto",
    k: int = 3,
    base: float | None = None,
    level: float = 0.95,
    interval: bool = True,
    standardize: bool = True,
    nan_policy: str = "raise",
    rng: Any = None,
    n_jobs: int | None = None,
) -> Estimate:
    """Estimate the total correlation of two or more variables: how far from independent they are.

    Parameters
    ----------
    variables : DataFrame, array_like of shape (n, m), or sequence of m arrays
        The variables, a column each or, in a list or tuple of arrays, each of one or several
        columns: all of them measurements (floats), or all of them symbols.
    method : str, default "auto"
        For symbols how each entropy is estimated: one of `ENTROPY_METHODS`. For measurements
        "ksg1", "ksg_ties", "gaussian" or "gaussian_copula". "auto" takes "ksg1" for measurements,
        or "ksg_ties" where more than one in a hundred values of a column repeat others.
    k : int, default 3
        Number of neighbours, for "ksg1" and "ksg_ties".
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    level : float, default 0.95
        Confidence level of the interval.
    interval : bool, default True
        Whether "ksg1" and "ksg_ties" estimate their scatter from parts of the sample too.
    standardize : bool, default True
        Whether each column is divided by its interquartile range before distances are measured.
    nan_policy : {"raise", "omit"}, default "raise"
        Whether missing values are refused, or samples that lack a variable are left out.
    rng : int or numpy.random.Generator, optional
        Into which parts the samples are dealt for the interval; always the same by default.
    n_jobs : int, optional
        Number of threads; by default all cores where the work is large.

    Returns
    -------
    Estimate
        A float with its interval; it may be negative.

    Raises
    ------
    ValueError, TypeError
        Where there are fewer than two variables, some but not all are measurements, samples are
        missing, infinite, or fewer than the method needs, or an option is unknown.

    Warns
    -----
    PrecisionWarning, UndefinedIntervalWarning
        As in :func:`estimate_mutual_information`.

    Notes
    -----
    T = sum_i H(X_i) - H(X_1, ..., X_m) [1]_. Of measurements "ksg1" is psi(k) + (m - 1) psi(n) -
    <sum_i psi(c_i)> [2]_, where c_i counts the points closer in variable i than the k-th neighbour
    in all; for two variables that is the mutual information. "ksg_ties" allows for ties as it does
    there. The Gaussian methods add I(X_i; X_1, ..., X_(i-1)), without bias for Gaussian samples.

    References
    ----------
    .. [1] watanabe1960information.
    .. [2] kraskov2004estimating, equation (23).

    Examples
    --------
    Two fair bits and their sum modulo 2 share one bit:

    >>> from infotheory.estimators import estimate_total_correlation
    >>> bits = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]] * 50
    >>> round(float(estimate_total_correlation([*bits, *bits[:3]], base=2)), 2)
    1.0
    """
    return _estimate(
        _TOTAL_CORRELATION,
        variables,
        method=method,
        k=k,
        base=base,
        level=level,
        interval=interval,
        standardize=standardize,
        nan_policy=nan_policy,
        rng=rng,
        n_jobs=n_jobs,
    )


def estimate_o_information(
    variables: Any,
    *,
    method: str = "auto",
    k: int = 3,
    base: float | None = None,
    level: float = 0.95,
    interval: bool = True,
    standardize: bool = True,
    nan_policy: str = "raise",
    rng: Any = None,
    n_jobs: int | None = None,
) -> Estimate:
    """Estimate the O-information: positive where redundancy outweighs synergy, negative elsewhere.

    Parameters
    ----------
    variables : DataFrame, array_like of shape (n, m), or sequence of m arrays
        As in :func:`estimate_total_correlation`, three or more.
    method, k, base, level, interval, standardize, nan_policy, rng, n_jobs
        As in :func:`estimate_total_correlation`.

    Returns
    -------
    Estimate
        A float with its interval.

    Raises
    ------
    ValueError, TypeError
        As in :func:`estimate_total_correlation`, and where there are fewer than three variables.

    Warns
    -----
    PrecisionWarning, UndefinedIntervalWarning
        As in :func:`estimate_mutual_information`.

    Notes
    -----
    (m - 2) H(X) + sum_i (H(X_i) - H(R_i)) with R_i all variables but X_i [1]_. Of measurements
    every entropy is measured by balls of the same size, so that their volumes cancel:
    (m - 2) (psi(n) - psi(k)) + <sum_i (psi(r_i) - psi(c_i))>, with counts c_i in X_i and r_i in R_i
    of the points closer than the k-th neighbour in all variables, or those of "ksg_ties". The
    Gaussian methods take the same sum of total correlations; at independence both it and its
    standard error vanish faster than 1/n.

    References
    ----------
    .. [1] rosas2019quantifying.

    Examples
    --------
    The sum modulo 2 of two fair bits is pure synergy, and a bit seen three times redundancy:

    >>> from infotheory.estimators import estimate_o_information
    >>> bits = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]] * 25
    >>> round(float(estimate_o_information([*bits, bits[0]], method="plugin", base=2)), 2)
    -1.0
    >>> copies = [[0, 0, 0], [1, 1, 1]] * 50 + [[0, 0, 0]]
    >>> round(float(estimate_o_information(copies, method="plugin", base=2)), 2)
    1.0
    """
    return _estimate(
        _O_INFORMATION,
        variables,
        method=method,
        k=k,
        base=base,
        level=level,
        interval=interval,
        standardize=standardize,
        nan_policy=nan_policy,
        rng=rng,
        n_jobs=n_jobs,
    )


def _estimate(
    which: int,
    variables: Any,
    *,
    method: str,
    k: Any,
    base: Any,
    level: Any,
    interval: Any,
    standardize: Any,
    nan_policy: str,
    rng: Any,
    n_jobs: Any,
) -> Estimate:
    check_choice("method", method, _METHODS)
    counting = method if method in ENTROPY_METHODS else "auto"
    settings = Settings.checked("x", method=counting, base=base, level=level, rng=rng)
    options = Options(
        method=method,
        k=check_count("k", k),
        standardize=check_flag("standardize", standardize),
        base=settings.base,
        level=settings.level,
        interval=check_flag("interval", interval),
        n_permutations=0,
        rng=rng,
        n_jobs=check_jobs(n_jobs),
        progress=False,
    )
    samples = _variables(variables, 2 + which)
    read = read_variables(samples, _kinds(samples, method), nan_policy)
    symbols = [variable for variable in read if isinstance(variable, Symbols)]
    if symbols:
        return estimate_sum(_terms(len(read), which), cells_of_samples(*symbols), settings, 4)
    arrays = [variable for variable in read if not isinstance(variable, Symbols)]
    _check_enough(arrays, method, options.k)
    beyond = which == _O_INFORMATION
    return estimate_together(arrays, list(samples), options, 4, beyond=beyond)


def _variables(variables: Any, least: int) -> dict[str, Any]:
    """Return the variables by name: the columns of a table, or the members of a sequence."""
    if hasattr(variables, "iloc") and getattr(variables, "ndim", 0) == 2:  # a frame
        unique = variables.columns.is_unique
        found = {
            f"variables[{name!r}]" if unique else f"variables.iloc[:, {i}]": column
            for i, (name, column) in enumerate(variables.items())
        }
    elif isinstance(variables, (list, tuple)) and any(hasattr(v, "shape") for v in variables):
        found = {f"variables[{i}]": variable for i, variable in enumerate(variables)}
    else:
        masked = isinstance(variables, np.ma.MaskedArray)  # whose gaps are read later
        array = variables if masked else as_array(variables, "variables")
        if array.ndim != 2:
            raise refusal(
                "variables",
                "a table with a column for each variable, or a sequence of arrays",
                f"{array.ndim} dimensions",
                "Stack the variables with numpy.column_stack.",
            )
        found = {f"variables[:, {i}]": column for i, column in enumerate(array.T)}
    if len(found) < least:
        raise refusal(
            "variables",
            f"{least} or more",
            f"{len(found)}",
            "Pass one column, or one array, for each variable.",
        )
    return found


def _kinds(samples: Mapping[str, Any], method: str) -> dict[str, bool | None]:
    """Say for all variables whether they are symbols, which none is where one is measured."""
    real = {name: are_measurements(column) for name, column in samples.items()}
    if method in ENTROPY_METHODS and any(real.values()):
        name = next(name for name, measured in real.items() if measured)
        read_table(samples[name], name)  # which says what is wrong with it
    numbers = any(real.values()) or method in TOGETHER_METHODS
    return dict.fromkeys(samples, not numbers)


def _terms(m: int, which: int) -> EntropySum:
    everything = tuple(range(m))
    alone = [(1, (i,)) for i in everything]
    if which == _TOTAL_CORRELATION:
        return (*alone, (-1, everything))
    others = [(-1, tuple(j for j in everything if j != i)) for i in everything]
    return (*alone, *others, (m - 2, everything))


def _check_enough(arrays: Sequence[FloatArray], method: str, k: int) -> None:
    n, width = len(arrays[0]), sum(array.shape[1] for array in arrays)
    if method not in GAUSSIAN_METHODS:
        check_neighbours(n, k)
    elif n < least_samples([width]):
        raise refusal(
            "variables",
            f"at least {least_samples([width])} samples of {width} columns with method={method!r}",
            f"{n}",
            "Take more samples or fewer variables.",
        )
