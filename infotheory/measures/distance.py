"""Distances that are no logarithms: total variation, Hellinger, chi-squared."""

from __future__ import annotations

from typing import Any

import numpy as np

from infotheory._simplex import Block, over_blocks
from infotheory._typing import FloatArray
from infotheory.measures._pairs import Comparison, compare, pair
from infotheory.measures._terms import LEAST

__all__ = ["chi_squared", "hellinger", "total_variation"]


def total_variation(p: Any, q: Any, *, kind: str = "probs") -> Any:
    """Total variation distance, half the sum of absolute differences.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.

    Returns
    -------
    float or ndarray, shape (...)
        In [0, 1]; 1 where no symbol is possible under both.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or the alphabets
        differ in size.

    Notes
    -----
    TV = 1/2 sum_k abs(p_k - q_k): the largest difference of the probabilities of one event.
    Pinsker's inequality is D(p||q) >= 2 TV^2 in nats.

    References
    ----------
    .. [1] cover2006elements, section 11.6.

    Examples
    --------
    >>> from infotheory.measures import total_variation
    >>> total_variation([0.5, 0.5], [0.75, 0.25])
    0.25
    """
    return over_blocks(block_total_variation, *pair(p, q, kind))


def block_total_variation(p: Block, q: Block) -> FloatArray:
    """Half the sum of |p - q| for each row."""
    return compare(_total_variation, p, q)


def _total_variation(found: Comparison) -> FloatArray:
    sums: FloatArray = np.abs(found.difference).sum(axis=1)
    return np.minimum(0.5 * sums, 1.0)


def hellinger(p: Any, q: Any, *, kind: str = "probs") -> Any:
    """Hellinger distance, which lies between 0 and 1.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.

    Returns
    -------
    float or ndarray, shape (...)
        In [0, 1]; 1 where no symbol is possible under both.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or the alphabets
        differ in size.

    Notes
    -----
    H = sqrt(1/2 sum_k (sqrt(p_k) - sqrt(q_k))^2) = sqrt(1 - sum_k sqrt(p_k q_k)). Some authors
    leave the 1/2 out, or call the square the distance. Each difference of roots is formed as
    (p - q) / (sqrt(p) + sqrt(q)). The Bhattacharyya distance is -ln(1 - H^2), half the Renyi
    divergence of order 1/2.

    References
    ----------
    .. [1] cam2000asymptotics.

    Examples
    --------
    >>> from infotheory.measures import hellinger
    >>> hellinger([0.5, 0.5], [1.0, 0.0])  # sqrt(1 - sqrt(1/2))
    0.5411961001461969
    """
    return over_blocks(_block_hellinger, *pair(p, q, kind))


def _block_hellinger(p: Block, q: Block) -> FloatArray:
    return compare(_hellinger, p, q)


def _hellinger(found: Comparison) -> FloatArray:
    lost = found.p + found.q < LEAST
    sums = np.sqrt(found.p) + np.sqrt(found.q)
    gaps = found.difference / np.where(lost, 1.0, sums)
    if lost.any():
        gaps = np.where(lost, np.exp(0.5 * found.log_q) - np.exp(0.5 * found.log_p), gaps)
    # Squares of the smallest differences would underflow.
    largest = np.abs(gaps).max(axis=1)
    scale = np.where(largest > 0, largest, 1.0)
    norms: FloatArray = np.sqrt(0.5 * ((gaps / scale[:, None]) ** 2).sum(axis=1))
    return np.minimum(scale * norms, 1.0)


def block_squared_hellinger(p: Block, q: Block) -> FloatArray:
    """Square of the Hellinger distance of each row."""
    return _block_hellinger(p, q) ** 2


def chi_squared(p: Any, q: Any, *, kind: str = "probs") -> Any:
    """Pearson's chi-squared divergence of p from q.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0. Infinite where `p` has mass on a symbol on which `q` has none.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or the alphabets
        differ in size.

    Notes
    -----
    chi^2(p||q) = sum_k (p_k - q_k)^2 / q_k, which is Neyman's divergence of `q` from `p`.
    D(p||q) <= ln(1 + chi^2). Where probabilities underflow, terms are formed from logarithms.

    References
    ----------
    .. [1] gibbs2002choosing.

    Examples
    --------
    >>> from infotheory.measures import chi_squared
    >>> chi_squared([0.75, 0.25], [0.5, 0.5])
    0.25
    """
    return over_blocks(block_chi_squared, *pair(p, q, kind))


def block_chi_squared(p: Block, q: Block) -> FloatArray:
    """Sum of (p - q)^2 / q for each row."""
    return compare(_chi_squared, p, q)


def _chi_squared(found: Comparison) -> FloatArray:
    lost = found.q < LEAST
    terms = found.difference * (found.difference / np.where(lost, 1.0, found.q))
    if lost.any():
        half_q = 0.5 * found.log_q
        with np.errstate(over="ignore", invalid="ignore"):
            apart = (np.exp(found.log_p - half_q) - np.exp(half_q)) ** 2
        # Without q the difference of logarithms is infinite, or nan where p has no mass either.
        terms = np.where(lost, np.where(np.isnan(apart), 0.0, apart), terms)
    sums: FloatArray = terms.sum(axis=1)
    return sums
