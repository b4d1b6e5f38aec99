"""Entropy estimates by name, and what they would be without each of the samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from infotheory._typing import FloatArray, IntArray
from infotheory.estimators.additive import (
    Additive,
    additive_value,
    additive_without_one,
    grassberger,
    jackknife,
    miller_madow,
    plugin,
    zhang,
)
from infotheory.estimators.coverage import chao_shen, chao_wang_jost, sample_coverage
from infotheory.estimators.dirichlet import dirichlet, dirichlet_deviation
from infotheory.estimators.jvhw import jvhw
from infotheory.estimators.nsb import ansb, ansb_deviation, nsb_posterior, nsb_without_one
from infotheory.estimators.profile import Profile, Shape, profile_of
from infotheory.estimators.shrinkage import (
    james_stein,
    james_stein_without_one,
    jeffreys,
    laplace,
    minimax,
    perks,
)

__all__ = [
    "ENTROPY_METHODS",
    "automatic_method",
    "deviation",
    "entropy_of_counts",
    "entropy_without_one",
    "value",
    "without_one",
]

_ADDITIVE: MappingProxyType[str, Callable[[Shape], Additive]] = MappingProxyType(
    {
        "plugin": plugin,
        "miller_madow": miller_madow,
        "jackknife": jackknife,
        "grassberger": grassberger,
        "chao_shen": chao_shen,
        "chao_wang_jost": chao_wang_jost,
        "zhang": zhang,
        "laplace": laplace,
        "jeffreys": jeffreys,
        "perks": perks,
        "minimax": minimax,
        "dirichlet": dirichlet,
        "ansb": ansb,
        "jvhw": jvhw,
    }
)
_OTHER: MappingProxyType[
    str, tuple[Callable[[Profile], float], Callable[[Profile], FloatArray]]
] = MappingProxyType(
    {
        "james_stein": (james_stein, james_stein_without_one),
        "nsb": (lambda profile: nsb_posterior(profile).mean, nsb_without_one),
    }
)
# How far the entropy itself may be from the estimate, where a prior says so.
_POSTERIOR: MappingProxyType[str, Callable[[Profile], float]] = MappingProxyType(
    {
        "dirichlet": dirichlet_deviation,
        "nsb": lambda profile: nsb_posterior(profile).deviation,
        "ansb": lambda profile: ansb_deviation(profile.shape),
    }
)

ENTROPY_METHODS: tuple[str, ...] = (
    "plugin",
    "miller_madow",
    "jackknife",
    "grassberger",
    "zhang",
    "chao_shen",
    "chao_wang_jost",
    "james_stein",
    "laplace",
    "jeffreys",
    "perks",
    "minimax",
    "dirichlet",
    "nsb",
    "ansb",
    "jvhw",
)
"""Names of the methods, beside "auto" which stands for one of them."""

_COVERED = 0.9


def automatic_method(profile: Profile) -> str:
    """Return the method that "auto" stands for.

    Parameters
    ----------
    profile : Profile
        The counts of the sample.

    Notes
    -----
    "nsb" where the alphabet is known and more than a tenth of the distribution belongs to symbols
    not seen, by Good and Turing, or "chao_wang_jost" would exceed the logarithm of its size, which
    "nsb" cannot; "chao_wang_jost" otherwise. With few unseen the prior of "nsb" does harm where the
    distribution is none that a Dirichlet law would give, as Zipf's: over a thousand symbols and
    10^4 samples its error is twice that of "chao_wang_jost".
    """
    shape = profile.shape
    if shape.n_symbols is None:
        return "chao_wang_jost"
    unseen = sample_coverage(shape) < _COVERED
    return "nsb" if unseen or value(profile, "chao_wang_jost") > shape.most else "chao_wang_jost"


def entropy_of_counts(counts: IntArray, method: str, n_symbols: int | None) -> float:
    """Return an entropy estimate from counts.

    Parameters
    ----------
    counts : ndarray of int, shape (s,)
        How often each symbol was seen, at least once.
    method : str
        One of `ENTROPY_METHODS`, which does not hold "auto".
    n_symbols : int or None
        Size of the alphabet, at least s; None where it is not known.

    Returns
    -------
    float
        In nats.
    """
    return value(profile_of(counts, n_symbols)[0], method)


def entropy_without_one(counts: IntArray, method: str, n_symbols: int | None) -> FloatArray:
    """Return, for each symbol, the estimate after one of its samples is removed.

    Parameters
    ----------
    counts, method, n_symbols
        As in :func:`entropy_of_counts`.

    Returns
    -------
    ndarray of float, shape (s,)
        In nats, in the order of `counts`; nan where no sample is left (n = 1). Where the symbols
        seen stand for the alphabet, they are counted anew.

    Notes
    -----
    O(d) for d distinct counts; O(d^2) for "james_stein".
    """
    profile, place = profile_of(counts, n_symbols)
    return without_one(profile, method)[place]


def value(profile: Profile, method: str) -> float:
    """Return the estimate for a profile, in nats."""
    if method in _ADDITIVE:
        return additive_value(_ADDITIVE[method], profile)
    return _OTHER[method][0](profile)


def without_one(profile: Profile, method: str) -> FloatArray:
    """Return the estimate without one sample of a symbol of each distinct count, in nats."""
    if profile.shape.n == 1:
        return np.full(1, np.nan)
    if method in _ADDITIVE:
        return additive_without_one(_ADDITIVE[method], profile)
    return _OTHER[method][1](profile)


def deviation(profile: Profile, method: str) -> tuple[float, str]:
    """Return the standard error of an estimate in nats, and how it was formed.

    Notes
    -----
    Estimates under a prior have the posterior standard deviation, the others that of the jackknife:
    (n - 1) / n times the sum over samples of (H without it - mean)^2. Its square is at least
    (s - 1) / (2 n^2) for s symbols seen, the variance of the plug-in value when all are equally
    likely (2 n (ln s - H) then follows the chi-squared law): the jackknife sees the first order
    only, which vanishes there.
    """
    if method in _POSTERIOR:
        return _POSTERIOR[method](profile), "posterior deviation, normal"
    n = profile.shape.n
    values = without_one(profile, method)
    weights = profile.symbols * profile.counts / n
    variance = (n - 1) * float(weights @ (values - weights @ values) ** 2)
    least = (profile.shape.observed - 1) / (2 * n**2)
    return math.sqrt(max(variance, least)), "delete-one jackknife, normal"
