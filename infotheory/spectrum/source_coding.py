"""Lossless coding at a fixed rate: the least error and the least rate, from all types of words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from infotheory.spectrum._events import check_length
from infotheory.spectrum._words import classes_of, log_error_of, log_size_of, log_sum, source_of
from infotheory.spectrum.results import log_complement

__all__ = ["minimum_rate", "optimal_error"]

_SAME = 1e-11  # relative difference below which sizes are taken for equal


def optimal_error(
    p: Any,
    n: int,
    *,
    size: float | None = None,
    rate: float | None = None,
    kind: str = "probs",
) -> float:
    """Logarithm of the least error probability of a code with so many words.

    Parameters
    ----------
    p : array_like, shape (K,)
        Law of a letter; letters are drawn independently.
    n : int
        Length of a word.
    size : float, optional
        Number of words that have a code of their own, at least 1.
    rate : float, optional
        Instead, its natural logarithm divided by n.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds.

    Returns
    -------
    float
        ln P(error); minus infinity where every word of positive probability has a code. Between two
        whole sizes it is that of time sharing.

    Raises
    ------
    ValueError, TypeError
        If `p` is no distribution, not exactly one of `size` and `rate` is given, or there are too
        many types of words to go through.

    Notes
    -----
    The best code keeps the most likely words, whose probabilities are products: words with the same
    letters in another order are equally likely, and are counted at once. The error is summed from
    the words that are left out, so it has all its digits however small it is. Cost and memory are
    those of a table of all types, of which there are (n + k - 1 over k - 1) where p takes k
    different values; up to 10^7 entries are accepted.

    References
    ----------
    .. [1] shannon1948mathematical.
    .. [2] yang2012nonasymptotic.

    Examples
    --------
    Of three letters AAA, AAB, ABA and BAA are kept, and words with two or three B are lost.

    >>> import math
    >>> from infotheory.spectrum import optimal_error
    >>> round(math.exp(optimal_error([0.75, 0.25], 3, size=4)), 9)
    0.15625
    """
    source, n = source_of(p, kind), check_length(n)
    log_m = log_size_of(n, size, rate)
    classes = classes_of(source, n)
    kept = _first(len(classes.log_p), lambda j: log_sum(classes.log_size[: j + 1]) >= log_m)
    if kept == len(classes.log_p):
        return -math.inf
    below = log_sum(classes.log_size[: kept + 1])
    # The part of this class that is not kept.
    rest = below + log_complement(min(0.0, log_m - below)) - float(classes.log_size[kept])
    partial = float(classes.log_p[kept]) + min(0.0, rest)
    return min(0.0, float(np.logaddexp(partial, log_sum(classes.log_p[kept + 1 :]))))


def minimum_rate(
    p: Any,
    n: int,
    epsilon: float | None = None,
    *,
    log_epsilon: float | None = None,
    kind: str = "probs",
) -> float:
    """Least rate at which words of n letters have a code that fails so rarely.

    Parameters
    ----------
    p : array_like, shape (K,)
        Law of a letter; letters are drawn independently.
    n : int
        Length of a word.
    epsilon : float, optional
        Greatest error probability, in [0, 1).
    log_epsilon : float, optional
        Instead, its natural logarithm, for errors that underflow.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds.

    Returns
    -------
    float
        (ln M) / n for the least number M of words, in nats a letter.

    Raises
    ------
    ValueError, TypeError
        If `p` is no distribution, `epsilon` no probability below one, or there are too many types
        of words to go through.

    Notes
    -----
    M is the least whole number with an :func:`optimal_error` of at most epsilon; what is above a
    whole number by less than a part in 10^11 is that number. The cost is that of a table of all
    types of words.

    References
    ----------
    .. [1] shannon1948mathematical.
    .. [2] yang2012nonasymptotic.

    Examples
    --------
    >>> import math
    >>> from infotheory.spectrum import minimum_rate
    >>> round(math.exp(3 * minimum_rate([0.75, 0.25], 3, 0.15625)), 9)
    4.0
    """
    source, n = source_of(p, kind), check_length(n)
    log_error = log_error_of(epsilon, log_epsilon)
    classes = classes_of(source, n)
    every = len(classes.log_p)
    dropped = max(1, _first(every, lambda j: log_sum(classes.log_p[j:]) <= log_error))
    last = dropped - 1  # the class of which a part is kept
    top = float(classes.log_p[last])
    spare = math.exp(log_error - top) - math.exp(log_sum(classes.log_p[dropped:]) - top)
    share = max(0.0, 1.0 - spare)
    partial = float(classes.log_size[last]) + (math.log(share) if share > 0.0 else -math.inf)
    log_m = float(np.logaddexp(log_sum(classes.log_size[:last]), partial))
    if log_m < 53 * math.log(2.0):
        log_m = math.log(max(1.0, math.ceil(math.exp(log_m) * (1.0 - _SAME))))
    return log_m / n


def _first(count: int, test: Callable[[int], bool]) -> int:
    """Return the first of so many numbers that passes a test which all later ones pass."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if test(middle) else (middle + 1, high)
    return low
