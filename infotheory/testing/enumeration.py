"""Exact laws of short sums, by going through all sequences up to their order."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import check_count, refusal
from infotheory.measures import Score

__all__ = ["MOST_TYPES", "EnumeratedLaw", "enumerated_law", "types_of"]

MOST_TYPES = 1_000_000
"""How many types are gone through at most."""

_UNIT = 2.0**-53


class EnumeratedLaw(NamedTuple):
    """The law of the sum of n scores, a type at a time.

    Attributes
    ----------
    sums : ndarray of float, shape (m,)
        Value of the sum for each type, ascending; equal ones are not merged.
    log_probabilities : ndarray of float, shape (m,)
        Natural logarithms of the probabilities of the types.
    tolerance : float
        Sums that are closer to each other than this may be equal.
    """

    sums: FloatArray
    log_probabilities: FloatArray
    tolerance: float

    def log_above(self, threshold: float) -> float:
        """Return ln P of the sums that are above the threshold by more than the tolerance."""
        return self._log_sum(self.sums > threshold + self.tolerance)

    def log_from(self, threshold: float) -> float:
        """Return ln P of the sums that are above the threshold, or may be equal to it."""
        return self._log_sum(self.sums >= threshold - self.tolerance)

    def is_clear_of(self, threshold: float) -> bool:
        """Whether no sum is so close to the threshold that it may be equal."""
        return not bool((np.abs(self.sums - threshold) <= self.tolerance).any())

    def _log_sum(self, chosen: np.ndarray) -> float:
        logs = self.log_probabilities[chosen]
        if not logs.size:
            return -math.inf
        top = float(logs.max())
        return top + math.log(math.fsum(np.exp(logs - top).tolist()))


def types_of(n: int, k: int) -> IntArray:
    """Return all ways to divide n into k counts.

    Parameters
    ----------
    n : int
        Length of the sequences.
    k : int
        Number of letters.

    Returns
    -------
    ndarray of int, shape (m, k)
        The types, m = (n + k - 1)! / (n! (k - 1)!) of them, at most `MOST_TYPES`.

    Raises
    ------
    ValueError
        If there are more.

    Examples
    --------
    >>> from infotheory.testing import types_of
    >>> types_of(2, 2).tolist()
    [[0, 2], [1, 1], [2, 0]]
    """
    n, k = check_count("n", n), check_count("k", k)
    number = math.comb(n + k - 1, k - 1)
    if number > MOST_TYPES:
        raise refusal(
            "n", f"so small that there are at most {MOST_TYPES:,} types", f"{number:,} of them"
        )
    found = np.arange(n + 1)[:, None] if k > 1 else np.array([[n]])
    for _ in range(k - 2):
        left = n - found.sum(axis=1)
        rows = np.repeat(np.arange(len(found)), left + 1)
        starts = np.repeat(np.cumsum(left + 1) - (left + 1), left + 1)
        found = np.column_stack([found[rows], np.arange(rows.size) - starts])
    return found if k == 1 else np.column_stack([found, n - found.sum(axis=1)])


def enumerated_law(score: Score, n: int) -> EnumeratedLaw:
    """Return the law of the sum of n independent scores.

    Parameters
    ----------
    score : Score
        Law of a summand.
    n : int
        Number of summands; there may be at most `MOST_TYPES` types.

    Returns
    -------
    EnumeratedLaw
        Probabilities are right to about 1e-13 times ln n!, relatively.

    Raises
    ------
    ValueError
        If there are too many types.

    Examples
    --------
    >>> import math
    >>> from infotheory.measures import Score
    >>> from infotheory.testing import enumerated_law
    >>> law = enumerated_law(Score([0.0, 1.0], [0.5, 0.5]), 10)
    >>> round(1024 * math.exp(law.log_above(8.0)))
    11
    """
    types = types_of(n, len(score))
    sums = types @ score.values
    ways = gammaln(n + 1) - gammaln(types + 1).sum(axis=1)
    order = np.argsort(sums, kind="stable")
    size = float(np.abs(score.values).max())
    return EnumeratedLaw(
        sums[order],
        (ways + types @ score.log_probabilities)[order],
        8 * len(score) * _UNIT * n * size,
    )
