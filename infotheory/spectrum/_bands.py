"""Means of functions of limited band under a tilted law, by finitely many frequencies.

Of all functions whose transforms vanish beyond a frequency, those of Graham and Vaaler are the
nearest ones below and above exp(-lam x) on x > 0. By Poisson's formula the sum of either over all
shifts by multiples of a period has a mean that is a finite sum of its transform times n-th powers
of the characteristic function: no grid, and no more terms than there are frequencies where the
power is not negligible, which become fewer as n grows.

References
----------
.. [1] graham1981class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx

from infotheory._kernels.brackets import node_sums, roundings
from infotheory._typing import FloatArray
from infotheory.measures import Score
from infotheory.spectrum._extended import DIGITS, law_of, split
from infotheory.spectrum._lobes import LobeLattice

__all__ = [
    "Band",
    "Period",
    "Sieve",
    "TiltedSum",
    "band_of",
    "moments",
    "normal_mass",
    "period_of",
    "ranges_of",
    "rough_period",
    "tilted_sum",
]

_STEEPEST = 700.0  # an exponent that does not overflow
_UNIT = 2.0**-53
_LARGEST = 2.0**51  # nodes that can be counted


@dataclass(frozen=True)
class TiltedSum:
    """S - tau under the tilted law."""

    score: Score
    n: int
    tau: Decimal
    lam: float
    exponent: Decimal  # n K(lam) - lam tau
    weights: FloatArray
    mean: float
    deviation: float

    def log_mean(self, slope: float) -> float:
        """Logarithm of E_lam exp(slope (S - tau)), rounded once."""
        return float(_exponent(self.score, self.n, self.tau, self.lam + slope) - self.exponent)


class Period(NamedTuple):
    """Length of a period, at least, and Chernoff bounds for what lies outside of it.

    The sum of the minorant over all x + m W is at most exp(-lam x) / (1 - exp(-lam W)) for x in
    (0, W], at most exp(-s (x + W)) over the same denominator for x <= 0 and any s from 0 to lam,
    and at most exp(s (x - W)) over it for x > W and any s >= 0.
    """

    length: float
    slopes: tuple[float, float]
    log_means: tuple[float, float]

    def alias(self, length: float) -> float:
        """Bound what the means of the two latter are, over a period of this length."""
        logs = zip(self.slopes, self.log_means, strict=True)
        return sum(math.exp(log_mean - slope * length) for slope, log_mean in logs) * (1.0 + 1e-9)


class Sieve(NamedTuple):
    """What may be left out: powers below exp(-kappa), and what is outside of a period."""

    kappa: float
    period: Period
    lattice: LobeLattice


class Band(NamedTuple):
    """What one band says, in units of the leading factor."""

    lower: float
    upper: float
    terms: dict[str, float]
    nodes: float


def tilted_sum(score: Score, n: int, tau: Decimal, lam: float) -> TiltedSum:
    law = law_of(score.values, score.log_probabilities, lam)
    weights = split(law.weights)[0]
    mean, deviation = moments(score.values - float(DIGITS.divide(tau, Decimal(n))), weights, n)
    return TiltedSum(score, n, tau, lam, _exponent(score, n, tau, lam), weights, mean, deviation)


def moments(steps: FloatArray, weights: FloatArray, n: int) -> tuple[float, float]:
    """Mean and deviation of the sum of n steps."""
    mean = float(weights @ steps)
    variance = float(weights @ (steps - mean) ** 2) + 1e-300  # which is not to vanish
    return n * mean, math.sqrt(n * variance)


def _exponent(score: Score, n: int, tau: Decimal, lam: float) -> Decimal:
    """Return n K(lam) - lam tau."""
    log_mean = law_of(score.values, score.log_probabilities, lam).log_mean
    return DIGITS.fma(Decimal(n), log_mean, -DIGITS.multiply(Decimal(lam), tau))


def normal_mass(tilted: TiltedSum) -> float:
    """Return what E_lam[exp(-lam x); x > 0] would be for a normal law, and more than nothing."""
    scale = tilted.deviation
    shift = tilted.mean / scale
    depth = tilted.lam * scale - shift
    mass = 0.5 * float(erfcx(depth / math.sqrt(2.0))) * math.exp(-0.5 * min(shift * shift, 60.0))
    return min(max(mass, 1e-12), 1.0)


def period_of(tilted: TiltedSum, kappa: float, apart: float = 0.0) -> Period:
    """Choose the slopes of the Chernoff bounds for the shortest period that leaves exp(-kappa).

    They hold for all thresholds from that of `tilted` to one that is larger by `apart`.
    """
    steps = tilted.score.values - float(tilted.tau) / tilted.n
    with np.errstate(divide="ignore"):
        log_weights = np.log(tilted.weights)
    slopes = math.sqrt(2.0 * kappa) / tilted.deviation * np.exp2(np.linspace(-3.0, 3.0, 61))

    def side(sign: float, tried: FloatArray, more: float) -> tuple[float, float]:
        grown = log_weights + sign * tried[:, None] * steps
        rough = tilted.n * np.logaddexp.reduce(grown, axis=1)
        slope = float(tried[np.argmin((rough + kappa) / tried)])
        return slope, tilted.log_mean(sign * slope) + slope * more

    left, left_mean = side(-1.0, np.minimum(slopes, tilted.lam), apart)
    right, right_mean = side(1.0, slopes, 0.0)
    length = max((left_mean + kappa) / left, (right_mean + kappa) / right)
    return Period(length, (left, right), (left_mean, right_mean))


def rough_period(tilted: TiltedSum, kappa: float) -> float:
    """Return how long a period would be for a normal law."""
    far = math.sqrt(2.0 * kappa)
    slope = min(tilted.lam * tilted.deviation, far)
    shift = tilted.mean / tilted.deviation
    return max(0.5 * slope + kappa / slope - shift, far + shift) * tilted.deviation


def band_of(tilted: TiltedSum, digits: int, sieve: Sieve, most: float) -> Band | None:
    """Evaluate both sums for a band of 2^digits lam, or return None where that takes too long."""
    decay, edge = 2.0**-digits, tilted.lam * 2.0**digits
    size = math.ceil(sieve.period.length * edge) + 1.0
    length = size / edge
    if size > _LARGEST:
        return None
    ranges = ranges_of(sieve.lattice, size, edge, most)
    if ranges is None:
        return None
    starts, stops, searched = ranges
    reference = int(np.argmax(tilted.weights))
    others = np.arange(len(tilted.weights)) != reference
    weights = tilted.weights[others]
    values = [Decimal(value) for value in tilted.score.values.tolist()]
    per_node = DIGITS.divide(Decimal(edge), Decimal(size))
    turns = [
        _turn(DIGITS.subtract(value, values[reference]), per_node)
        for value, other in zip(values, others, strict=True)
        if other
    ]
    together = DIGITS.fma(Decimal(tilted.n), values[reference], -tilted.tau)
    (turn_high,), (turn_low,) = split([_turn(together, per_node)])
    sums = np.zeros(4)
    least = math.exp(-sieve.kappa / tilted.n)
    done = node_sums(
        starts, stops, *split(turns), weights, float(turn_high), float(turn_low), float(tilted.n),
        size, decay, least,
        2.0 * math.pi * tilted.deviation / math.sqrt(tilted.n) / length * (1.0 + 1e-6),
        most - searched, sums,
    )  # fmt: skip
    if not done:
        return None
    at_zero = 1.0 / math.expm1(decay)
    minor = (at_zero + 2.0 * float(sums[0])) / size
    excess = (1.0 + 2.0 * float(sums[1])) / size
    # Lemma 5: 40 roundings of the first term, and those of the others.
    rounding = 1.01 * _UNIT / size * (40.0 * (at_zero + 1.0) + 2.0 * float(sums[2]))
    # What the sieve leaves out: rounding may have made a modulus smaller than it is, by no more
    # than the bound on X + iY, at most 6 times its unit.
    blurred = 8.0 * roundings(len(weights)) * _UNIT / least
    missed = math.exp(min(-sieve.kappa + blurred * tilted.n, _STEEPEST))
    missed *= (1.0 + math.log(size)) / math.pi + 2.7
    kept = -math.expm1(-tilted.lam * length)
    alias = sieve.period.alias(length)
    terms = {
        "band limit": kept * excess,
        "alias": alias,
        "sieve": kept * missed,
        "relative rounding": kept * rounding,
    }
    return Band(
        kept * (minor - rounding - missed) - alias,
        kept * (minor + excess + rounding + missed),
        terms,
        float(sums[3]) + searched,
    )


def _turn(value: Decimal, per_node: Decimal) -> Decimal:
    """By how many turns a node is further than the one before, less whole ones."""
    turns = DIGITS.multiply(value, per_node)
    return DIGITS.subtract(turns, turns.to_integral_value(context=DIGITS))


def ranges_of(
    lattice: LobeLattice, size: float, edge: float, most: float
) -> tuple[FloatArray, FloatArray, float] | None:
    """Return ranges of nodes outside of which powers are negligible, and what finding them took.

    All nodes where the lobes would cover much of them, or cannot be told apart.
    """
    length, reach = size / edge, edge * (size - 1.0) / size
    every = (np.array([1.0]), np.array([size - 1.0]), 0.0)
    covered = lattice.covered(reach)
    if covered > 0.5 * reach or size < 1e3:
        return every if size <= 4.0 * most else None
    lobes = lattice.lobes(reach, most) if covered * length < 4.0 * most else None
    if lobes is None:
        return every if size <= most else None
    starts = np.maximum(np.floor((lobes.centres - lobes.halves) * length), 1.0)
    stops = np.minimum(np.ceil((lobes.centres + lobes.halves) * length), size - 1.0)
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(stops[order])
    apart = starts[1:] > ends[:-1]
    starts = starts[np.concatenate(([True], apart))]
    stops = ends[np.concatenate((apart, [True]))]
    kept = starts <= stops
    return np.ascontiguousarray(starts[kept]), np.ascontiguousarray(stops[kept]), lobes.steps
