"""The least rate at which a source can be described within a distortion."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from infotheory._results import unit_name
from infotheory._simplex import Block, Distributions
from infotheory._typing import BoolArray, FloatArray
from infotheory._validation import as_array, check_base, check_count, refusal
from infotheory.measures._entropy_program import EntropyProgram, Point
from infotheory.measures._interior_point import (
    Certified,
    check_number,
    check_tolerance,
    narrow,
    warn_if_wide,
)
from infotheory.measures._shown import html_table
from infotheory.measures.information import block_mutual_information
from infotheory.measures.shannon import block_entropy

__all__ = ["RateDistortion", "rate_distortion"]


@dataclass(frozen=True, eq=False)
class RateDistortion:
    """A point of the rate-distortion curve, between two bounds.

    Attributes
    ----------
    lower : float
        No description within `distortion` has a smaller rate.
    upper : float
        Rate of `test_channel`.
    distortion : float
        The distortion asked for or, where a slope was asked for, that of `test_channel`; the
        largest that is of use, where more was permitted.
    slope : float
        By how much the rate falls with the distortion, per unit of it: 0 where the rate is zero,
        and infinite at the least distortion. At other distortions D the rate is at least
        ``lower - slope * (D - distortion)``. That line is as certain as `lower`; how close its
        slope is to the derivative of the curve is not known.
    test_channel : ndarray, shape (Kx, Ky)
        Distribution of the reproduction of each symbol of the source.
    output_distribution : ndarray, shape (Ky,)
        How often each reproduction is used.
    iterations : int
        Steps taken.
    base : float or None
        Base of the logarithm; None for nats.
    warnings : tuple of str
        What to know before relying on it.
    """

    lower: float
    upper: float
    distortion: float
    slope: float
    test_channel: FloatArray = field(repr=False)
    output_distribution: FloatArray = field(repr=False)
    iterations: int
    base: float | None
    warnings: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """The rate that is attained, the upper bound."""
        return self.upper

    @property
    def gap(self) -> float:
        """How much the least rate may be smaller."""
        return self.upper - self.lower

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    def __float__(self) -> float:
        return self.rate

    def __str__(self) -> str:
        return (
            f"{self.rate:.9g} {self.unit} a symbol at distortion {self.distortion:.6g}, "
            f"certified to {self.gap:.1e}"
        )

    def _repr_html_(self) -> str:
        rows = {
            "rate": f"{self.rate:.9g} {self.unit}",
            "lower bound": f"rate - {self.gap:.1e}",
            "distortion": f"{self.distortion:.6g}",
            "slope": f"{self.slope:.6g}",
            "iterations": str(self.iterations),
        }
        if self.warnings:
            rows["warnings"] = " ".join(self.warnings)
        return html_table(rows)


def rate_distortion(
    p: Any,
    distortion: Any,
    *,
    max_distortion: float | None = None,
    slope: float | None = None,
    kind: str = "probs",
    tolerance: float = 1e-9,
    max_iterations: int = 200,
    base: float | None = None,
) -> RateDistortion:
    """Rate-distortion function R(D) of a memoryless source, min I(X;Y) with E[d(X, Y)] <= D.

    Parameters
    ----------
    p : array_like, shape (Kx,)
        Distribution of the source.
    distortion : array_like, shape (Kx, Ky)
        Distortion d(x, y) of symbol x reproduced as y; infinite where that is not permitted.
    max_distortion : float, optional
        D. Give this or `slope`.
    slope : float, optional
        Find the point of the curve where the rate falls by this much per unit of distortion.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    tolerance : float
        How far the bounds may be apart, in the unit of `base`.
    max_iterations : int
        Most steps; a warning is given where they do not suffice.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    RateDistortion
        Bounds, and the test channel that attains the upper one.

    Raises
    ------
    ValueError
        If `p` is no distribution, the table of distortions has another number of rows, holds nan
        or minus infinity or only infinity in the row of a symbol that occurs, if D is less than
        the least that can be reached, or not exactly one of D and slope is given.

    Notes
    -----
    Any test channel within the distortion bounds R(D) from above. From below, Berger's dual: for
    every s >= 0 and a, R(D) >= H(X) + sum_x p_x a_x - s D - max_y ln sum_x exp(a_x - s d(x, y)).
    Both bounds hold up to rounding, some 1e-15 of H(X), and D is part of the program, so no search
    for the slope is needed. An interior point method takes 10 to 30 steps of cost Kx^2 Ky, where
    the iteration of Blahut takes very many near the ends of the curve.

    R(D) is zero from the least distortion of a constant reproduction on, and has its largest value
    at D = sum_x p_x min_y d(x, y).

    References
    ----------
    .. [1] blahut1972computation.
    .. [2] berger1971rate.

    Examples
    --------
    A fair bit of which a tenth may be wrong: 1 - h(0.1) bits.

    >>> from infotheory.measures import entropy, rate_distortion
    >>> found = rate_distortion([0.5, 0.5], [[0, 1], [1, 0]], max_distortion=0.1, base=2)
    >>> round(found.rate, 9) == round(1 - entropy([0.1, 0.9], base=2), 9)
    True
    """
    base, max_iterations = check_base(base), check_count("max_iterations", max_iterations)
    unit = 1.0 if base is None else math.log(base)
    tolerance = check_tolerance(tolerance)
    source = _source(p, kind)
    used = source > 0
    table = _distortions(distortion, used)
    if (max_distortion is None) == (slope is None):
        given = "neither" if slope is None else "both"
        raise refusal("max_distortion", "given, or else slope", given)
    program = _Program(source[used], table[used])
    if slope is not None:
        found = program.at_slope(_slope(slope) * unit, tolerance * unit, max_iterations)
        level = program.distortion_of(found.point.pi)
    else:
        level = min(_level(max_distortion, program.least), program.largest)
        found = program.at_level(level, tolerance * unit, max_iterations)
    pi = found.point.pi
    output = pi.sum(axis=0)
    channel = np.tile(output, (len(source), 1))  # symbols that never occur tell nothing
    channel[used] = pi / source[used, None]
    upper = max(0.0, found.upper) / unit
    lower = min(upper, max(0.0, found.lower / unit))
    return RateDistortion(
        lower,
        upper,
        level,
        found.dual.price / unit,
        channel,
        output,
        found.iterations,
        base,
        warn_if_wide("rate", upper - lower, tolerance, found.iterations, base),
    )


def _source(p: Any, kind: str) -> FloatArray:
    operand = Distributions(p, "p", kind)
    if operand.batch:
        raise refusal(
            "p", "1-dimensional", f"shape {operand.array.shape}", "Take one source at a time."
        )
    block = operand.blocks(())(0, 1)
    source: FloatArray = block.p[0]
    return source


def _distortions(distortion: Any, used: BoolArray) -> FloatArray:
    array = as_array(distortion, "distortion")
    if array.dtype.kind not in "iuf" or array.ndim != 2 or len(array) != len(used):
        raise refusal(
            "distortion",
            f"have numbers in 2 dimensions, with one row per symbol of p ({len(used)})",
            f"dtype {array.dtype}, shape {array.shape}",
        )
    table = array.astype(np.float64)
    wrong = ~(table > -np.inf)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise refusal(
            "distortion",
            "finite, or infinite for what is not permitted",
            f"{table[row, column]:g} at distortion[{row}, {column}]",
        )
    lost = used & np.isinf(table).all(axis=1)
    if lost.any():
        raise refusal(
            "distortion",
            "finite for some reproduction of each symbol that occurs",
            f"only inf in row {int(np.argmax(lost))}",
            "Permit a reproduction, at a large distortion.",
        )
    return table


def _slope(slope: Any) -> float:
    value = check_number("slope", slope, "a finite number of at least 0")
    if value < 0:
        raise refusal(
            "slope",
            "a finite number of at least 0",
            f"{value:g}",
            "It is how much the rate falls: minus the derivative.",
        )
    return value


def _level(max_distortion: Any, least: float) -> float:
    value = check_number("max_distortion", max_distortion)
    if value < least - 1e-12 * abs(least):
        raise refusal(
            "max_distortion", f"at least the least that can be reached ({least:.9g})", f"{value:g}"
        )
    return max(value, least)


class _Channel(NamedTuple):
    """A joint distribution of source and reproduction, and the price of distortion there."""

    pi: FloatArray
    price: float


class _Program:
    """Minimise I(X;Y) over joint distributions pi(x, y) with the marginal p of x.

    Distortions are counted from the least of each row, which takes the same from every joint
    distribution.
    """

    def __init__(self, p: FloatArray, distortion: FloatArray) -> None:
        self._p = p
        floor = distortion.min(axis=1)
        self.least = float(p @ floor)
        self._excess = distortion - floor[:, None]
        constant = p @ distortion
        self._constant = int(np.argmin(constant))
        self.largest = float(constant[self._constant])
        self._entropy = float(block_entropy(_block(p))[0])
        self._possible = np.isfinite(self._excess)
        self._x, y = np.nonzero(self._possible)
        numbers, self._block = np.unique(y, return_inverse=True)
        self._n_blocks = len(numbers)
        shape = (len(p), len(y))
        self._marginal = sp.csr_array((np.ones(len(y)), (self._x, np.arange(len(y)))), shape)

    def distortion_of(self, pi: FloatArray) -> float:
        """Mean distortion of a joint distribution."""
        return self.least + self._excess_of(pi)

    def at_slope(self, slope: float, tolerance: float, max_iterations: int) -> Certified[_Channel]:
        """Minimise I + slope E[d]: bounds on R at the distortion of what was found."""
        cost = slope * self._excess[self._possible]
        program = EntropyProgram(self._marginal, self._p, self._block, cost)

        def bounds(point: Point) -> tuple[float, float, _Channel]:
            pi = self._joint(point.x)
            lower = self._entropy + float(self._p @ point.y - point.log_sums.max())
            return lower, _information(pi) + slope * self._excess_of(pi), _Channel(pi, slope)

        path = program.path(np.log(self._p), np.full(self._n_blocks, 1.0 / self._n_blocks))
        found = narrow(path, bounds, tolerance, max_iterations)
        spent = slope * self._excess_of(found.point.pi)
        return found._replace(lower=found.lower - spent, upper=found.upper - spent)

    def at_level(self, level: float, tolerance: float, max_iterations: int) -> Certified[_Channel]:
        """Minimise I with E[d] at most `level`."""
        room = level - self.least
        if level >= self.largest:
            pi = np.zeros_like(self._excess)
            pi[:, self._constant] = self._p
            nothing = _Channel(pi, 0.0)
            return Certified(0.0, 0.0, nothing, nothing, 0)
        if room <= 0:
            nearest = _Program(self._p, np.where(self._excess == 0, 0.0, np.inf))
            found = nearest.at_slope(0.0, tolerance, max_iterations)
            return found._replace(dual=found.dual._replace(price=math.inf))
        # The room that is left over is one more unknown, in a block of its own.
        row = np.append(self._excess[self._possible] / room, 1.0)
        column = sp.csr_array((len(self._p), 1))
        matrix = sp.vstack([sp.hstack([self._marginal, column]), sp.csr_array(row[None])])
        block = np.append(self._block, self._n_blocks)
        target = np.append(self._p, 1.0)
        program = EntropyProgram(matrix.tocsr(), target, block, np.zeros(len(row)))

        def bounds(point: Point) -> tuple[float, float, _Channel]:
            pi = self._within(self._joint(point.x[:-1]), room)
            # The multiplier of the distortion is minus the slack of a block of one: negative.
            lower = self._entropy + float(target @ point.y - point.log_sums[:-1].max())
            return lower, _information(pi), _Channel(pi, -float(point.y[-1]) / room)

        masses = np.full(self._n_blocks + 1, 1.0 / self._n_blocks)
        path = program.path(np.append(np.log(self._p), -1.0), masses)
        return narrow(path, bounds, tolerance, max_iterations)

    def _excess_of(self, pi: FloatArray) -> float:
        return float(pi[self._possible] @ self._excess[self._possible])

    def _joint(self, x: FloatArray) -> FloatArray:
        """Masses as a table, with the marginal p to the last digit."""
        pi = np.zeros_like(self._excess)
        pi[self._possible] = x
        scaled: FloatArray = pi * (self._p / pi.sum(axis=1))[:, None]
        return scaled

    def _within(self, pi: FloatArray, room: float) -> FloatArray:
        """Mix in what has the least distortion until the mean is no more than permitted."""
        excess = self._excess_of(pi)
        if excess <= room:
            return pi
        nearest = np.zeros_like(pi)
        nearest[np.arange(len(pi)), self._excess.argmin(axis=1)] = self._p
        part = room / excess
        mixed: FloatArray = part * pi + (1.0 - part) * nearest
        return mixed


def _block(p: FloatArray) -> Block:
    return Block(p[None], np.atleast_1d(p.sum()), positive=False)


def _information(pi: FloatArray) -> float:
    return float(block_mutual_information(_block(pi))[0])
