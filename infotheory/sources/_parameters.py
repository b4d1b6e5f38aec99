"""Checks of the parameters of sources."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from infotheory._simplex import Distributions
from infotheory._typing import FloatArray
from infotheory._validation import as_array, check_count, refusal

__all__ = [
    "as_covariance",
    "as_location",
    "as_probabilities",
    "as_rows",
    "check_dimension",
    "check_number",
    "wrong_kind",
]

# Smallest eigenvalue of a correlation matrix: four digits of its inverse are then still correct.
_LEAST_EIGENVALUE = 1e-12
_ASYMMETRY = 2.0**-40  # of a correlation matrix: sums over thousands of samples, rounded


def check_number(argument: str, value: Any, interval: str, fix: str = "") -> float:
    """Return a float in an interval written as in print, ``"[0, 1)"`` for instance.

    >>> check_number("noise", 0.5, "(0, inf)")
    0.5
    """
    low, high = map(float, interval[1:-1].split(","))
    number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    inside = number and (low <= value <= high)
    at_open_end = (value == low and interval[0] == "(") or (value == high and interval[-1] == ")")
    if not inside or at_open_end:
        raise refusal(argument, f"a number in {interval}", repr(value), fix)
    return float(value)


def wrong_kind(argument: str, requirement: str, value: object) -> TypeError:
    """Build the error for an object of another class."""
    return TypeError(str(refusal(argument, requirement, type(value).__name__)))


def check_dimension(dimension: Any) -> int | None:
    """Return how many coordinates a vector has; None is for a variable that is a number."""
    return None if dimension is None else check_count("dimension", dimension)


def as_probabilities(argument: str, value: Any, n_axes: int = 1) -> FloatArray:
    """Return one distribution, joint where it has several axes, divided by its sum."""
    distributions = Distributions(value, argument, n_axes=n_axes)
    if distributions.batch:
        raise refusal(
            argument,
            "one distribution, of 1 dimension",
            f"shape {distributions.array.shape}",
            "Make one source for each distribution.",
        )
    p: FloatArray = distributions.blocks(())(0, 1).p[0].copy()
    return p


def as_rows(argument: str, value: Any) -> FloatArray:
    """Return a matrix whose rows are distributions, each divided by its sum."""
    distributions = Distributions(value, argument)
    if len(distributions.batch) != 1 or not distributions.batch[0]:
        raise refusal(
            argument,
            "a matrix, one distribution a row",
            f"shape {distributions.array.shape}",
            "Row i is the distribution of what follows i.",
        )
    return distributions.blocks(distributions.batch)(0, distributions.batch[0]).p.copy()


def _as_numbers(argument: str, value: Any) -> FloatArray:
    array = as_array(value, argument)
    dtype = getattr(value, "dtype", array.dtype)
    if array.dtype.kind not in "iuf" or str(dtype) == "torch.bfloat16":  # that one comes as bits
        raise TypeError(str(refusal(argument, "numeric", f"dtype {dtype}", "Use .astype(float).")))
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        at = f" at {argument}{list(place)}" if place else ""
        raise refusal(argument, "finite", f"{array[place]}{at}", "Repair that entry.")
    return array.astype(np.float64)


def as_covariance(argument: str, value: Any) -> tuple[FloatArray, FloatArray]:
    """Return a covariance, a number or a matrix, and its lower Cholesky factor, a matrix."""
    array = _as_numbers(argument, value)
    square = array.ndim == 0 or (array.ndim == 2 and array.shape[0] == array.shape[1] > 0)
    if not square:
        raise refusal(
            argument,
            "a variance or a square matrix",
            f"shape {array.shape}",
            "numpy.diag makes a matrix of variances.",
        )
    matrix = np.atleast_2d(array)
    variances = matrix.diagonal()
    if not ((variances > 1e-300) & (variances < 1e300)).all():
        i = int(np.argmax(~((variances > 1e-300) & (variances < 1e300))))
        at = f" at {argument}[{i}, {i}]" if array.ndim else ""
        raise refusal(
            argument, "of variances in (1e-300, 1e300)", f"{variances[i]}{at}", "Change the unit."
        )
    deviations = np.sqrt(variances)
    correlations = matrix / deviations / deviations[:, None]
    uneven = np.abs(correlations - correlations.T)
    if uneven.max() > _ASYMMETRY:
        i, j = divmod(int(uneven.argmax()), len(uneven))
        raise refusal(
            argument,
            "symmetric",
            f"{matrix[i, j]} at [{i}, {j}] and {matrix[j, i]} at [{j}, {i}]",
            "(C + C.T) / 2 is symmetric.",
        )
    least = float(np.linalg.eigvalsh(correlations)[0])
    if least < _LEAST_EIGENVALUE:
        raise refusal(
            argument,
            "positive definite",
            f"{least:.3g} as the least eigenvalue of the correlations",
            "Drop variables that are sums of others.",
        )
    root = np.linalg.cholesky(correlations) * deviations[:, None]
    return array, root.astype(np.float64, copy=False)


def as_location(argument: str, value: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return a location of the given shape; one number is repeated."""
    array = _as_numbers(argument, value)
    if array.ndim and array.shape != shape:
        raise refusal(
            argument,
            f"a number, or have shape {shape}" if shape else "a number, as the spread is",
            f"shape {array.shape}",
            "Location and spread are of one number of coordinates.",
        )
    return np.broadcast_to(array, shape).copy()
