"""The tail of a sum along a Markov chain, from scores rounded to a grid under a tilted law.

With Q Doob's transform of P exp(lam z), psi its eigenvector with least entry one, and r the root,

    P(S > tau) = exp((n - 1) ln r - lam tau) Z E_Q[exp(-lam (S - tau)) / psi(x_n); S > tau],

where Z is the sum of pi exp(lam z) psi: what is averaged lies in [0, 1]. Scores are rounded to
multiples of h. What is left over is a function of the first state, one of the last, and a
martingale, which leaves [-t, t] with a probability that Hoeffding and Azuma bound.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.spectrum._chain import (
    Chain,
    TiltedChain,
    cumulants,
    poisson,
    powered,
    stationary,
    tilt_chain,
)
from infotheory.spectrum.results import LogInterval

__all__ = ["grid_bounds"]

_UNIT = 2.0**-53
_RARE = 1e-14  # probability, under the tilted law, that rounding is beyond what is allowed for
_WINDOW = 10.0  # standard deviations to each side
_WIDEST = 1e100  # standard deviations
_TRIED = 200  # steps of the grid
_EXPONENTS = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0)
_AT_ONCE = 4096  # frequencies


class _Grid(NamedTuple):
    """Scores as multiples of a step.

    Attributes
    ----------
    step : float
    first, steps : ndarray of int
        Multiples for the first state and for the transitions.
    centre : float
        S is near step J + centre, J being the sum of the multiples.
    slack : float
        How far from it, but for a probability of `_RARE`.
    """

    step: float
    first: IntArray
    steps: IntArray
    centre: float
    slack: float


def grid_bounds(chain: Chain, n: int, threshold: float, lam: float, size: int) -> LogInterval:
    """Bound ln P(S_n > threshold), and ln P(S_n >= threshold), for any lam >= 0."""
    tilted = tilt_chain(chain, lam)
    law = tilted.kernel / tilted.kernel.sum(axis=1, keepdims=True)
    spread = math.sqrt(n * cumulants(law, chain.steps)[1]) + (chain.largest or 1.0)
    if not spread < _WIDEST:
        return LogInterval(-math.inf, 0.0, {})  # the tilted chain hardly moves
    grid = _best_grid(chain, tilted, law, n, 2.0 * _WINDOW * spread / size)
    middle = round((threshold - grid.centre) / grid.step)
    low, high = middle - size // 2, middle + size // 2 - 1
    alias = _outside(tilted, grid, n, (low, high), spread)
    lower, upper, transform = _means(tilted, grid, n, (threshold, low, high))
    factor = (n - 1) * tilted.log_root - lam * threshold + tilted.log_start
    sizes = abs(lam * threshold) + abs(tilted.log_start) + abs(factor) + 8.0
    relative = 1.01 * n * (tilted.unit + 4.0 * _UNIT * abs(tilted.log_root)) + 4.0 * _UNIT * sizes
    terms = {
        "alias": alias,
        "rounding to the grid": _RARE,
        "float transform": transform,
        "relative rounding": relative,
    }
    allowed = alias + _RARE + transform
    return LogInterval(
        factor + math.log(lower - allowed) - relative if lower > allowed else -math.inf,
        min(0.0, factor + math.log(upper + allowed) + relative),
        terms,
    )


def _best_grid(chain: Chain, tilted: TiltedChain, law: FloatArray, n: int, step: float) -> _Grid:
    """Return the grid that leaves the least, of steps up to half as large again."""
    flow = stationary(law)[:, None] * law
    common = float(chain.steps.flat[int(flow.argmax())])  # it falls on the grid itself
    grids = (
        _grid(chain, tilted, law, n, (step * (1.0 + 0.5 * i / _TRIED), common))
        for i in range(_TRIED)
    )
    return min(grids, key=lambda grid: grid.slack)


def _grid(
    chain: Chain, tilted: TiltedChain, law: FloatArray, n: int, place: tuple[float, float]
) -> _Grid:
    step, common = place
    allowed, started = chain.allowed, tilted.start > 0.0
    steps = np.where(allowed, np.rint((chain.steps - common) / step), 0.0)
    first = np.where(started, np.rint(chain.first / step), 0.0)
    rest = np.where(allowed, chain.steps - common - step * steps, 0.0)
    rest_first = chain.first - step * first
    # Poisson's equation makes a martingale of the residuals of the transitions. By Hoeffding's
    # lemma E exp(s D) is at most exp(s^2 c^2 / 8) given the past, for the largest range c of a step
    # D: a sum of n - 1 leaves [-t, t] with probability 2 exp(-2 t^2 / ((n - 1) c^2)) at most.
    mu = stationary(law)
    means = (law * rest).sum(axis=1)
    mean = float(mu @ means)
    phi = poisson(law, mu, means - mean)
    gains = rest + phi[None, :]
    drift = np.abs((law * gains).sum(axis=1) - mean - phi).max()
    ranges = np.where(allowed, gains, -np.inf).max(axis=1) - np.where(allowed, gains, np.inf).min(1)
    begins = (rest_first + phi)[started]
    largest = abs(common) + chain.largest + step * float(np.abs(steps).max() + np.abs(first).max())
    slack = float(ranges.max()) * math.sqrt(0.5 * (n - 1) * math.log(2.0 / _RARE))
    slack += 0.5 * float(np.ptp(begins) + np.ptp(phi))
    slack += n * (float(drift) + 16.0 * _UNIT * (largest + float(np.abs(phi).max())))
    centre = (n - 1) * (common + mean)
    centre += 0.5 * float(begins.max() + begins.min() - phi.max() - phi.min())
    return _Grid(step, first.astype(np.int64), steps.astype(np.int64), centre, slack)


def _outside(
    tilted: TiltedChain, grid: _Grid, n: int, window: tuple[int, int], spread: float
) -> float:
    """Bound the probability under the tilted law that J is outside the window, by Chernoff's."""
    ends = np.exp(-tilted.log_psi)
    off = 1.001 * math.exp(4.0 * n * (len(ends) + 4.0) * _UNIT)  # of products of n matrices
    total = 0.0
    for sign, edge in ((-1.0, window[0] - 1), (1.0, window[1] + 1)):
        bounds = []
        for exponent in _EXPONENTS:
            slope = sign * exponent * grid.step / spread
            # Each letter less its share of the edge: where that is some deviations from the mean,
            # powers neither over- nor underflow at any length.
            kernel = tilted.kernel * np.exp(slope * (grid.steps - edge / n))
            start = tilted.start * np.exp(slope * (grid.first - edge / n))
            with np.errstate(over="ignore", invalid="ignore"):
                mean = float(start @ powered(kernel, n - 1, ends))
            if mean > 1e-280:  # or it may have underflowed in part
                bounds.append(math.log(mean))
        total += math.exp(min([0.0, *bounds])) * off
    return total


def _means(
    tilted: TiltedChain, grid: _Grid, n: int, place: tuple[float, int, int]
) -> tuple[float, float, float]:
    """Return the means of functions below and above, and a bound on the errors of both."""
    threshold, low, high = place
    count = high - low + 1
    shift = grid.centre - threshold
    slack = grid.slack + 16.0 * _UNIT * (abs(grid.centre) + abs(threshold))
    starts = [
        min(max(math.floor(at), low - 1), high) + 1
        for at in (
            (slack - shift) / grid.step + 1e-6,
            (-slack - shift) / grid.step - 1e-6,
            (slack - shift) / grid.step,
        )
    ]
    frequencies = np.arange(count // 2 + 1)
    steep = tilted.lam * grid.step
    below, above, flat = (
        _Series(start, stop, slope, tilted.lam * lead)
        for start, stop, slope, lead in (
            (starts[0], high + 1, steep, grid.step * starts[0] + shift + slack),
            (starts[2], high + 1, steep, max(0.0, grid.step * starts[2] + shift - slack)),
            (starts[1], starts[2], 0.0, 0.0),
        )
    )
    sums = np.zeros(2)
    error = 0.0
    unit = n * (3.0 * len(tilted.start) + 36.0) * _UNIT + 100.0 * _UNIT
    for begin in range(0, len(frequencies), _AT_ONCE):
        k = frequencies[begin : begin + _AT_ONCE]
        transform = _transform(tilted, grid, n, k, count)
        weights = np.where((k == 0) | (2 * k == count), 1.0, 2.0) / count
        lower, lower_error = _series(below, k, count)
        upper, upper_error = _series(above, k, count)
        level, level_error = _series(flat, k, count)
        sums[0] += float((weights * (transform * lower).real).sum())
        sums[1] += float((weights * (transform * (upper + level)).real).sum())
        sizes = np.abs(upper) + np.abs(level) + np.abs(lower)
        error += float((weights * (unit * sizes + lower_error + upper_error + level_error)).sum())
    return float(sums[0]), float(sums[1]), 1.1 * error


class _Series(NamedTuple):
    """Weights exp(-lead - slope (J - start)) for start <= J < stop."""

    start: int
    stop: int
    slope: float
    lead: float


def _series(series: _Series, k: IntArray, count: int) -> tuple[AnyArray, FloatArray]:
    """Return sums of the weights times exp(-2 pi i k J / count), and bounds on their errors."""
    start, stop, slope, lead = series
    length = stop - start
    zero = np.zeros(len(k))
    if length == 0:
        return zero, zero
    angle = 2.0 * np.pi / count * k
    shrink = math.exp(-slope)
    # One less the ratio, of terms that do not cancel.
    gap = (
        -math.expm1(-slope) + 2.0 * shrink * np.sin(0.5 * angle) ** 2 + 1j * shrink * np.sin(angle)
    )
    still = gap == 0.0  # a sum of ones
    divisor = np.where(still, 1.0, gap)
    ends = 1.0 - math.exp(-slope * length) * _phases(k, length, count)
    sums = np.where(still, float(length), ends / divisor)
    height = math.exp(-lead)
    sums = height * sums * _phases(k, start, count)
    return sums, 40.0 * _UNIT * (np.abs(sums) + height / np.abs(divisor))


def _phases(k: IntArray, places: int, count: int) -> AnyArray:
    """Return exp(-2 pi i k places / count), the product reduced in whole numbers."""
    turns: AnyArray = np.exp(-2j * np.pi / count * ((k * (places % count)) % count))
    return turns


def _transform(tilted: TiltedChain, grid: _Grid, n: int, k: IntArray, count: int) -> AnyArray:
    """Return means of exp(2 pi i k J / count) / psi(x_n) under the tilted law."""
    turns = (k[:, None, None] * (grid.steps % count)) % count
    kernels = tilted.kernel * np.exp(2j * np.pi / count * turns)
    ends = np.broadcast_to(np.exp(-tilted.log_psi)[:, None], (len(k), len(tilted.start), 1))
    means = powered(kernels, n - 1, ends)[..., 0]
    turns = (k[:, None] * (grid.first % count)) % count
    result: AnyArray = (tilted.start * np.exp(2j * np.pi / count * turns) * means).sum(axis=1)
    return result
