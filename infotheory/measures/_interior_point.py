"""What iterations with certified bounds have in common: arguments, steps, and when to stop."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import scipy.linalg

from infotheory._results import unit_name
from infotheory._typing import FloatArray
from infotheory._validation import refusal
from infotheory.exceptions import PrecisionWarning

__all__ = [
    "Certified",
    "check_number",
    "check_tolerance",
    "longest_step",
    "narrow",
    "solver",
    "warn_if_wide",
]

_P = TypeVar("_P")
_Q = TypeVar("_Q")


class Certified(NamedTuple, Generic[_Q]):
    """What is known of a minimum: it lies between `lower` and `upper`.

    Attributes
    ----------
    lower, upper : float
        The best bounds met.
    point, dual : object
        Where `upper` is attained, and what `lower` follows from.
    iterations : int
        Steps taken.
    """

    lower: float
    upper: float
    point: _Q
    dual: _Q
    iterations: int


def narrow(
    points: Iterable[_P],
    bounds: Callable[[_P], tuple[float, float, _Q]],
    tolerance: float,
    max_iterations: int,
) -> Certified[_Q]:
    """Go along `points` until the bounds on a minimum are `tolerance` apart.

    `bounds` gives a lower bound, an upper bound, and what they were formed from.
    """
    lower, upper = -math.inf, math.inf
    best: _Q | None = None
    dual: _Q | None = None
    iterations = 0
    for iterations, point in enumerate(islice(points, max_iterations + 1)):  # noqa: B007
        low, high, made = bounds(point)
        if low > lower:  # false for nan, as below
            lower, dual = low, made
        if high < upper:
            upper, best = high, made
        if upper - lower <= tolerance:
            break
    assert best is not None  # the first point lies inside, so its bounds are finite
    assert dual is not None
    # Of equal bounds the lower one may come out larger, by rounding.
    return Certified(min(lower, upper), upper, best, dual, iterations)


def solver(matrix: FloatArray) -> Callable[[FloatArray], FloatArray] | None:
    """Return what solves linear systems with a symmetric positive semidefinite matrix.

    None where it is not finite or far from semidefinite. Rows may have any scale. A singular
    system that has solutions is solved by one of them.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scale = 1.0 / np.sqrt(np.diag(matrix))
        scaled = matrix * scale[:, None] * scale
    if not np.isfinite(scaled).all():
        return None
    for ridge in (1e-14, 1e-11, 1e-8):  # the diagonal is 1: the first ridge is that of rounding
        scaled.flat[:: len(scaled) + 1] = 1.0 + ridge
        try:
            factor = scipy.linalg.cho_factor(scaled, check_finite=False)
        except scipy.linalg.LinAlgError:
            continue
        return partial(_solution, factor, scale)
    return None


def _solution(factor: tuple[Any, bool], scale: FloatArray, right: FloatArray) -> FloatArray:
    scaled = (scale * right.T).T  # of one column or of several
    found: FloatArray = scipy.linalg.cho_solve(factor, scaled, check_finite=False)
    return (scale * found.T).T


def longest_step(values: FloatArray, change: FloatArray) -> float:
    """How much of `change` takes the first of the positive `values` to zero."""
    falling = change < 0
    return float((values[falling] / -change[falling]).min(initial=math.inf))


def check_tolerance(tolerance: Any) -> float:
    """Return the width of an interval, a positive finite float."""
    value = check_number("tolerance", tolerance, "a positive finite number", "Try 1e-9.")
    if not value > 0:
        raise refusal("tolerance", "a positive finite number", repr(tolerance), "Try 1e-9.")
    return value


def check_number(
    argument: str, value: Any, requirement: str = "a finite number", fix: str = ""
) -> float:
    """Return a finite number as a float."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    if isinstance(value, bool) or not (number and math.isfinite(value)):
        raise refusal(argument, requirement, repr(value), fix)
    return float(value)


def warn_if_wide(
    quantity: str, gap: float, tolerance: float, iterations: int, base: float | None
) -> tuple[str, ...]:
    """Warn of bounds further apart than asked for, all in the unit of `base`."""
    if gap <= tolerance:
        return ()
    text = (
        f"The bounds on the {quantity} are {gap:.2g} {unit_name(base)} apart after {iterations} "
        f"iterations, more than the tolerance of {tolerance:.2g}; take that as its error, or "
        "allow more with max_iterations."
    )
    warnings.warn(text, PrecisionWarning, stacklevel=3)
    return (text,)
