"""Sums and logarithms with fifty digits, for what is multiplied by n.

An error of one unit in the last place of K is one of 3e-10 in n K at n = 10^6. The decimal module
rounds exp and ln correctly to any number of digits, and costs some ten microseconds each.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import NamedTuple

import numpy as np

from infotheory._typing import FloatArray

__all__ = ["DIGITS", "Law", "law_of", "split"]

DIGITS = Context(prec=50, Emin=-(10**9), Emax=10**9)


class Law(NamedTuple):
    """A tilted law in fifty digits.

    Attributes
    ----------
    log_mean : Decimal
        K(lam) = ln E exp(lam Z).
    weights : list of Decimal
        Probabilities of the atoms, which sum to one.
    """

    log_mean: Decimal
    weights: list[Decimal]


def law_of(values: FloatArray, log_probabilities: FloatArray, lam: float) -> Law:
    """Tilt a law by exp(lam value).

    The law is that of the numbers as they are: the probabilities exp(log_probabilities), divided by
    their sum.
    """
    slope = Decimal(lam)
    logs = [Decimal(log_p) for log_p in log_probabilities.tolist()]
    grown = [
        DIGITS.fma(slope, Decimal(value), log_p)
        for value, log_p in zip(values.tolist(), logs, strict=True)
    ]
    log_total, weights = _normalised(grown)
    return Law(DIGITS.subtract(log_total, _normalised(logs)[0]), weights)


def _normalised(logs: Iterable[Decimal]) -> tuple[Decimal, list[Decimal]]:
    logs = list(logs)
    top = max(logs)
    shares = [DIGITS.exp(DIGITS.subtract(log, top)) for log in logs]
    total = Decimal(0)
    for share in shares:
        total = DIGITS.add(total, share)
    return DIGITS.add(top, DIGITS.ln(total)), [DIGITS.divide(share, total) for share in shares]


def split(numbers: Iterable[Decimal]) -> tuple[FloatArray, FloatArray]:
    """Return each number as a double, and what that lacks as another."""
    numbers = list(numbers)
    high = [float(number) for number in numbers]
    low = [
        float(DIGITS.subtract(number, Decimal(rounded)))
        for number, rounded in zip(numbers, high, strict=True)
    ]
    return np.array(high), np.array(low)
