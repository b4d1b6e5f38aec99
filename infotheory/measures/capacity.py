"""Capacity of a discrete memoryless channel, with and without a constraint on cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from infotheory._results import unit_name
from infotheory._typing import FloatArray
from infotheory._validation import as_array, check_base, check_count, refusal
from infotheory.measures._atoms import channel_block
from infotheory.measures._interior_point import (
    check_number,
    check_tolerance,
    longest_step,
    narrow,
    solver,
    warn_if_wide,
)
from infotheory.measures._shown import html_table

__all__ = ["ChannelCapacity", "channel_capacity"]

_TO_BOUNDARY = 0.995  # part of the way to zero that a step may go


@dataclass(frozen=True, eq=False)
class ChannelCapacity:
    """The capacity of a channel, between two bounds.

    Attributes
    ----------
    lower : float
        What `input_distribution` attains: its mutual information.
    upper : float
        No input distribution attains more.
    input_distribution : ndarray, shape (Kx,)
        Of the bounds met, the best.
    output_distribution : ndarray, shape (Ky,)
        What comes out.
    price : float
        By how much the capacity grows with the permitted cost, per unit of it: 0 without a
        constraint, and nan where only the cheapest inputs are permitted. With other costs permitted
        the capacity is at most ``upper + price * (max_cost - that of this call)``. That line is as
        certain as `upper`; how close the price is to the derivative is not known.
    iterations : int
        Newton steps taken.
    base : float or None
        Base of the logarithm; None for nats.
    warnings : tuple of str
        What to know before relying on it.
    """

    lower: float
    upper: float
    input_distribution: FloatArray = field(repr=False)
    output_distribution: FloatArray = field(repr=False)
    price: float
    iterations: int
    base: float | None
    warnings: tuple[str, ...] = ()

    @property
    def capacity(self) -> float:
        """The rate that is attained, the lower bound."""
        return self.lower

    @property
    def gap(self) -> float:
        """How much the capacity may be larger."""
        return self.upper - self.lower

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    def __float__(self) -> float:
        return self.capacity

    def __str__(self) -> str:
        return f"{self.capacity:.9g} {self.unit} a use, certified to {self.gap:.1e}"

    def _repr_html_(self) -> str:
        used = int((self.input_distribution > 0).sum())
        rows = {
            "capacity": f"{self.capacity:.9g} {self.unit}",
            "upper bound": f"capacity + {self.gap:.1e}",
            "inputs used": f"{used} of {len(self.input_distribution)}",
            "iterations": str(self.iterations),
        }
        if self.warnings:
            rows["warnings"] = " ".join(self.warnings)
        return html_table(rows)


def channel_capacity(
    channel: Any,
    *,
    costs: Any = None,
    max_cost: float | None = None,
    kind: str = "probs",
    tolerance: float = 1e-9,
    max_iterations: int = 200,
    base: float | None = None,
) -> ChannelCapacity:
    """Capacity C of a discrete memoryless channel, max I(X;Y) over the input distribution.

    Parameters
    ----------
    channel : array_like, shape (Kx, Ky)
        Row x holds the distribution of the output where the input is x.
    costs : array_like, shape (Kx,), optional
        What each input costs.
    max_cost : float, optional
        The mean cost of the inputs is at most this.
    kind : {"probs", "log_probs", "logits"}
        What `channel` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    tolerance : float
        How far the bounds may be apart, in the unit of `base`.
    max_iterations : int
        Most Newton steps; a warning is given where they do not suffice.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    ChannelCapacity
        Bounds, and the distribution that attains the lower one.

    Raises
    ------
    ValueError
        If a row is no distribution, costs are not finite or not one an input, `max_cost` is less
        than the cheapest input, or only one of the two is given.

    Notes
    -----
    With q the output distribution of p, D_x = D(channel_x || q) gives both bounds of Blahut and of
    Arimoto: C is at least sum_x p_x D_x = I(p) and at most max_x D_x. With costs c and any price
    s >= 0 the upper one is max_x D_x - s (c_x - max_cost). They hold for every p up to rounding,
    some 1e-15 of the entropies, so the method matters only for speed: here a primal-dual interior
    point method, 8 to 20 Newton steps whatever the channel, where the iteration of Blahut and
    Arimoto takes a time inversely proportional to the tolerance for some channels. A step costs
    Kx Ky min(Kx, Ky).

    References
    ----------
    .. [1] blahut1972computation.
    .. [2] arimoto1972algorithm.

    Examples
    --------
    A channel that erases a quarter of the bits.

    >>> from infotheory.measures import channel_capacity
    >>> found = channel_capacity([[0.75, 0.25, 0.0], [0.0, 0.25, 0.75]], base=2)
    >>> round(found.capacity, 12), found.input_distribution
    (0.75, array([0.5, 0.5]))
    """
    base, max_iterations = check_base(base), check_count("max_iterations", max_iterations)
    unit = 1.0 if base is None else math.log(base)
    tolerance = check_tolerance(tolerance)
    rows = channel_block(channel, kind, "Compute the capacity of").p
    usable, budget, scale = _budget(costs, max_cost, len(rows))
    program = _Program(rows[usable], budget)
    found = narrow(program.path(), program.bounds, tolerance * unit, max_iterations)
    p = np.zeros(len(rows))
    p[usable], attained = program.tidied(found.point, -found.upper)
    lower = max(0.0, attained) / unit
    upper = max(lower, -found.lower / unit)
    return ChannelCapacity(
        lower,
        upper,
        p,
        p @ rows,
        program.price(found.dual) / scale / unit,
        found.iterations,
        base,
        warn_if_wide("capacity", upper - lower, tolerance, found.iterations, base),
    )


def _budget(
    costs: Any, max_cost: Any, n_inputs: int
) -> tuple[FloatArray | slice, FloatArray | None, float]:
    """Return which inputs are usable, their cost above the least in units of the room, and that.

    Without a constraint that needs looking after there are no costs.
    """
    if costs is None and max_cost is None:
        return slice(None), None, math.inf
    if costs is None or max_cost is None:
        missing, given = ("costs", "max_cost") if costs is None else ("max_cost", "costs")
        raise refusal(missing, f"given with {given}", "None")
    most = check_number("max_cost", max_cost)
    array = as_array(costs, "costs")
    if array.dtype.kind not in "iuf" or array.shape != (n_inputs,):
        raise refusal(
            "costs",
            f"have one number per row of channel ({n_inputs})",
            f"dtype {array.dtype}, shape {array.shape}",
        )
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        fix = "Leave out inputs that cannot be used."
        raise refusal("costs", "finite", f"{values[row]} at row {row}", fix)
    least = float(values.min())
    if most < least:
        raise refusal(
            "max_cost", f"at least the cost of the cheapest input ({least:g})", f"{most:g}"
        )
    if most == least:
        return values == least, None, math.nan
    if most >= values.max():
        return slice(None), None, math.inf
    return slice(None), (values - least) / (most - least), most - least


class _Point(NamedTuple):
    """Masses, and the multipliers of their signs.

    With costs, the last entry of each is that of the cost left over and its price.
    """

    x: FloatArray
    z: FloatArray


class _Program:
    """Minimise -I(p) over p >= 0 with sum one and, given costs, mean cost at most 1.

    The cost left over is one more input, whose row is zero: it counts in the sum of costs and
    nowhere else.
    """

    def __init__(self, channel: FloatArray, costs: FloatArray | None) -> None:
        channel = channel[:, channel.any(axis=0)]
        self._n_inputs = n = len(channel)
        self._costs = np.zeros(n) if costs is None else costs
        if costs is None:
            self._start = np.full(n, 1.0 / n)
            self._constraints = np.ones((1, n))
            self._target = np.ones(1)
        else:
            # Half of the permitted cost at most, and no mass close to zero but for dear inputs.
            p = 1.0 / (1.0 + costs)
            p /= p.sum()
            share = min(1.0, 0.5 / float(costs @ p))
            p = share * p + (1.0 - share) * (costs == 0) / np.count_nonzero(costs == 0)
            self._start = np.append(p, 1.0 - costs @ p)
            self._constraints = np.array([np.append(np.ones(n), 0.0), np.append(costs, 1.0)])
            self._target = np.ones(2)
            channel = np.vstack([channel, np.zeros(channel.shape[1])])
        self._channel = channel
        self._minus_entropies = _log_sums(channel)

    def bounds(self, point: _Point) -> tuple[float, float, _Point]:
        """Bounds on -C, and the point, which attains the upper one."""
        n = self._n_inputs
        p = point.x[:n] / point.x[:n].sum()
        divergences = self._divergences(p)[:n]
        dearest = float((divergences - self.price(point) * (self._costs - 1.0)).max())
        return -dearest, -float(p @ divergences), point

    def price(self, point: _Point) -> float:
        """What more of the permitted cost is worth, which is 0 without costs."""
        return float(point.z[self._n_inputs :].sum())

    def tidied(self, point: _Point, attained: float) -> tuple[FloatArray, float]:
        """The input distribution without those that are on their way out, if it attains as much.

        Also what it attains.
        """
        n = self._n_inputs
        p = point.x[:n] / point.x[:n].sum()
        kept = np.where(point.x[:n] > point.z[:n], p, 0.0)
        if not kept.any():
            return p, attained
        kept /= kept.sum()
        information = float(
            kept @ self._minus_entropies[:n] - _log_sums((kept @ self._channel[:n])[None])[0]
        )
        if information < attained or kept @ self._costs > max(1.0, p @ self._costs):
            return p, attained
        return kept, information

    def path(self) -> Iterator[_Point]:
        """Points closer and closer to the optimum, until rounding allows no further step."""
        x, y = self._start, np.zeros(len(self._target))
        z = np.ones(len(x))
        while True:
            yield _Point(x, z)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                newton = self._newton(x, y, z)
                if newton is None:
                    return
                mu = float(x @ z)
                d_x, _, d_z = newton(-x * z)
                part = min(1.0, longest_step(x, d_x), longest_step(z, d_z))
                ahead = float((x + part * d_x) @ (z + part * d_z))
                off = float(x @ np.abs(-self._divergences(x) - self._constraints.T @ y - z))
                centre = max((ahead / mu) ** 3 * mu, min(0.1 * off, mu)) * self._start
                d_x, d_y, d_z = newton(centre - x * z - d_x * d_z)
                part = min(1.0, _TO_BOUNDARY * min(longest_step(x, d_x), longest_step(z, d_z)))
                x, y, z = x + part * d_x, y + part * d_y, z + part * d_z
            if not (np.isfinite(x).all() and np.isfinite(z).all()):
                return

    def _divergences(self, x: FloatArray) -> FloatArray:
        """D(channel_x || q) of each input."""
        q = x[: self._n_inputs] @ self._channel[: self._n_inputs]
        found: FloatArray = self._minus_entropies - self._channel @ np.log(q)
        return found

    def _newton(
        self, x: FloatArray, y: FloatArray, z: FloatArray
    ) -> Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]] | None:
        """Return what gives the direction in which products x z change by a given amount."""
        inverse = self._inverse(x, z / x)
        if inverse is None:
            return None
        constraints = self._constraints
        solve = solver(constraints @ np.stack([inverse(row) for row in constraints], axis=1))
        if solve is None:
            return None
        residual = self._target - constraints @ x
        gradient = -self._divergences(x) - constraints.T @ y - z

        def newton(change: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
            pull = change / x - gradient
            d_y = solve(residual - constraints @ inverse(pull))
            d_x = inverse(constraints.T @ d_y + pull)
            return d_x, d_y, (change - z * d_x) / x

        return newton

    def _inverse(
        self, x: FloatArray, diagonal: FloatArray
    ) -> Callable[[FloatArray], FloatArray] | None:
        """Return what solves with W diag(1/q) W' + diag, W the channel, q the outputs of x."""
        W = self._channel
        q = x @ W
        # Woodbury's identity spares large matrices where there are more inputs than outputs, but
        # it cancels where the diagonal is small: for the inputs in use, which stay as they are.
        kept = diagonal < 1.0 if W.shape[0] > W.shape[1] else np.ones(len(W), dtype=np.bool_)
        A, B = W[kept], W[~kept]
        weighted = B / diagonal[~kept, None]
        outputs = _divider(q) if kept.all() else solver(np.diag(q) + B.T @ weighted)
        if outputs is None:
            return None
        inputs = solver(np.diag(diagonal[kept]) + A @ outputs(A.T))
        if inputs is None:
            return None

        def inverse(v: FloatArray) -> FloatArray:
            found = np.empty_like(v)
            pull = outputs(v[~kept] @ weighted)
            found[kept] = inputs(v[kept] - A @ pull)
            pull += outputs(found[kept] @ A)
            found[~kept] = (v[~kept] - B @ pull) / diagonal[~kept]
            return found

        return inverse


def _divider(q: FloatArray) -> Callable[[FloatArray], FloatArray]:
    return lambda right: (right.T / q).T


def _log_sums(masses: FloatArray) -> FloatArray:
    """Sums of m ln m along the last axis."""
    sums: FloatArray = np.einsum("ij,ij->i", masses, np.log(np.where(masses > 0, masses, 1.0)))
    return sums
