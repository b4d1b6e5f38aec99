"""Tilted laws with mpmath, and exact tails by going through all sequences."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp

DIGITS = 60


def normalised(log_probabilities: Sequence[float]) -> list[Any]:
    with mp.workdps(DIGITS):
        weights = [mp.exp(mp.mpf(log_p)) for log_p in log_probabilities]
        total = mp.fsum(weights)
        return [weight / total for weight in weights]


def log_mean(values: Sequence[float], log_probabilities: Sequence[float], lam: float) -> Any:
    """K(lam) = ln E exp(lam Z)."""
    with mp.workdps(DIGITS):
        weights = normalised(log_probabilities)
        terms = [w * mp.exp(mp.mpf(lam) * mp.mpf(v)) for w, v in zip(weights, values, strict=True)]
        return mp.log(mp.fsum(terms))


def tilted(values: Sequence[float], log_probabilities: Sequence[float], lam: float) -> list[Any]:
    with mp.workdps(DIGITS):
        weights = normalised(log_probabilities)
        terms = [w * mp.exp(mp.mpf(lam) * mp.mpf(v)) for w, v in zip(weights, values, strict=True)]
        total = mp.fsum(terms)
        return [term / total for term in terms]


def log_tail(
    values: Sequence[float],
    log_probabilities: Sequence[float],
    n: int,
    threshold: Fraction,
    strict: bool,
) -> Any:
    """ln P(S_n > threshold), or >=, over all sequences of letters; the numbers are exact."""
    with mp.workdps(DIGITS):
        weights = normalised(log_probabilities)
        total = mp.mpf(0)
        for word in itertools.product(range(len(values)), repeat=n):
            at = sum((Fraction(values[letter]) for letter in word), Fraction(0))
            if at > threshold or (at == threshold and not strict):
                total += mp.fprod(weights[letter] for letter in word)
        return mp.log(total) if total > 0 else mp.mpf("-inf")
