"""Sequences whose sums of scores agree.

Sums of the same atoms agree, and others do where values are in a relation of whole numbers, as the
logarithms of 0.4, 0.2 and 0.1 are. Relations are sought among small numbers by reducing a lattice.
What is found gives a lower bound on the mass of a tie, whatever may be missed.
"""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from infotheory._kernels.lobes import reduce_basis
from infotheory._typing import FloatArray
from infotheory.spectrum._extended import DIGITS

__all__ = ["tied_mass", "tolerance"]

_UNIT = 2.0**-53
_GROWTH = 2.0**10  # of the price of a difference, between two reductions
_FINEST = 2.0**44
_MOST = 20_000  # ways to tie
_TINY = 5e-324
_NONE = -1e300  # in the place of the logarithm of zero
_NEGLIGIBLE = 30.0  # logarithm of how much smaller than that of the first a mass may be


def tolerance(values: FloatArray, n: int) -> float:
    """Return how near sums are that count as tied: as near as rounded values may bring equal ones.

    Ways to tie differ by some multiple of the root of n in how often they hold a letter.
    """
    return 256.0 * _UNIT * math.sqrt(n) * float(np.abs(values).max())


def tied_mass(
    values: FloatArray, weights: FloatArray, counts: tuple[int, ...], near: float
) -> float:
    """Bound from below the probability of a sum no further than `near` from that of some counts."""
    # A weight that underflowed is at least zero: sequences with such a letter have no mass here.
    logs = np.where(weights > 0.0, np.log(np.maximum(weights, _TINY)), _NONE)
    first = np.array(counts, dtype=np.float64)
    relations = _relations(values)
    gaps = [_difference(relation, values) for relation in relations]
    reach = max((float(np.abs(relation).max()) for relation in relations), default=0.0)
    start = tuple([0] * len(relations))
    waiting, seen = [start], {start}
    largest, total = _log_mass(first, logs), 0.0
    while waiting and len(seen) < _MOST:
        place = waiting.pop()
        found = first + sum((t * r for t, r in zip(place, relations, strict=True)), 0.0 * first)
        gap = sum(t * g for t, g in zip(place, gaps, strict=True))
        if found.min() < -reach or abs(gap) > 0.5 * near:
            continue
        # What holds a letter less than never has no mass, but may be on the way to what has.
        log_mass = _log_mass(np.maximum(found, 0.0), logs)
        if log_mass < largest - _NEGLIGIBLE:
            continue
        if found.min() >= 0.0:
            largest = max(largest, log_mass)
            total += math.exp(log_mass)
        for axis in range(len(place)):
            for step in (-1, 1):
                other = (*place[:axis], place[axis] + step, *place[axis + 1 :])
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
    return total


def _log_mass(counts: FloatArray, logs: FloatArray) -> float:
    """Logarithm of a multinomial probability, less what rounding may have added."""
    n = float(counts.sum())
    parts = [math.lgamma(n + 1.0)]
    parts += [-math.lgamma(count + 1.0) for count in counts.tolist()]
    parts += (counts * logs).tolist()
    # Logarithms of factorials and of the weights are right to some units of their size.
    size = math.fsum(abs(part) for part in parts)
    return math.fsum(parts) - 16.0 * _UNIT * (size + n)


def _relations(values: FloatArray) -> list[FloatArray]:
    """Whole numbers that sum to zero, and to nearly zero when they multiply the values."""
    size = len(values)
    rows = np.eye(size)[1:] - np.eye(size)[0]
    scale = 1.0 / float(np.ptp(values))
    price = 1.0
    while price < _FINEST:
        price *= _GROWTH
        differences = np.array([_difference(row, values) for row in rows])
        basis = np.column_stack((rows, price * scale * differences))
        steps = np.eye(len(rows))
        reduce_basis(basis, steps)
        rows = steps @ rows
    size_of = np.abs(rows) @ np.abs(values)
    return [
        row
        for row, total in zip(rows, size_of.tolist(), strict=True)
        if abs(_difference(row, values)) <= 8.0 * _UNIT * total
    ]


def _difference(row: FloatArray, values: FloatArray) -> float:
    total = Decimal(0)
    for whole, value in zip(row.tolist(), values.tolist(), strict=True):
        total = DIGITS.fma(Decimal(whole), Decimal(value), total)
    return float(total)
