"""Entropy estimates that are a constant and a term for each symbol seen.

Constant and term may depend on the shape of the sample (n, singletons, doubletons, symbols seen),
so that one sample less changes them too, but in no more than four ways.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import digamma

from infotheory._typing import FloatArray
from infotheory.estimators.profile import Profile, Shape

__all__ = [
    "Additive",
    "additive_value",
    "additive_without_one",
    "grassberger",
    "jackknife",
    "miller_madow",
    "plugin",
    "zhang",
]


class Additive(NamedTuple):
    """An estimate in nats: `constant` + the sum of `term` over the counts of the symbols seen."""

    constant: float
    term: Callable[[FloatArray], FloatArray]


def additive_value(form: Callable[[Shape], Additive], profile: Profile) -> float:
    """Return the estimate for a profile, in nats."""
    constant, term = form(profile.shape)
    return constant + float(profile.symbols @ term(profile.counts))


def additive_without_one(form: Callable[[Shape], Additive], profile: Profile) -> FloatArray:
    """Return the estimate without one sample of a symbol of each count, in nats.

    Notes
    -----
    A symbol seen c times becomes one seen c - 1 times: the sum over all symbols loses one term and
    gains another. O(d) for d distinct counts.
    """
    values = np.empty(profile.counts.size)
    for least in (1, 2, 3, 4):  # the shape changes in the same way for all counts above three
        group = profile.counts == least if least < 4 else profile.counts >= least
        if not group.any():
            continue
        constant, term = form(profile.shape.without(least))
        total = constant + float(profile.symbols @ term(profile.counts))
        counts = profile.counts[group]
        gained = 0.0 if least == 1 else term(counts - 1.0)
        values[group] = total - term(counts) + gained
    return values


def plugin(shape: Shape) -> Additive:
    """Entropy of the observed frequencies."""

    def term(counts: FloatArray) -> FloatArray:
        p = counts / shape.n
        return np.asarray(-p * np.log(p))

    return Additive(0.0, term)


def miller_madow(shape: Shape) -> Additive:
    """Plug-in plus the first term of its bias, (s - 1) / (2 n) for s symbols seen."""
    return Additive((shape.observed - 1) / (2 * shape.n), plugin(shape).term)


def jackknife(shape: Shape) -> Additive:
    """Return n times the plug-in value less n - 1 times its mean without one sample.

    The means are taken in closed form: with h(c) = c ln c - (c - 1) ln(c - 1), a symbol seen c
    times adds (c/n) (h(n) - h(c)).
    """

    def last_step(counts: FloatArray | float) -> FloatArray:
        before = np.maximum(np.asarray(counts) - 1.0, 1.0)  # 0 ln 0 = 0 = 1 ln 1, times 0
        return np.asarray(np.log(counts) + (np.asarray(counts) - 1.0) * np.log(counts / before))

    whole = last_step(float(shape.n))
    return Additive(0.0, lambda counts: counts / shape.n * (whole - last_step(counts)))


def grassberger(shape: Shape) -> Additive:
    """Grassberger's series of 2003, which has no bias from odd counts."""
    whole = np.log(shape.n)

    def term(counts: FloatArray) -> FloatArray:
        sign = np.where(counts % 2 == 0, 0.5, -0.5)
        tail = sign * (digamma((counts + 1) / 2) - digamma(counts / 2))
        return np.asarray(counts / shape.n * (whole - digamma(counts) - tail))

    return Additive(0.0, term)


def zhang(shape: Shape) -> Additive:
    """Zhang's estimate of 2012: sum of (c/n) (psi(n) - psi(c))."""
    whole = digamma(shape.n)
    return Additive(0.0, lambda counts: counts / shape.n * (whole - digamma(counts)))
