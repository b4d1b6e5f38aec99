"""Lossless coding at a fixed rate: the least error and the least rate, from all types of words."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from infotheory.spectrum._events import check_length
from infotheory.spectrum._words import (
    Classes,
    Size,
    classes_of,
    log_error_of,
    log_of,
    log_rest_of,
    log_sum,
    size_of,
    source_of,
)
from infotheory.spectrum.results import log_complement

__all__ = ["minimum_rate", "optimal_error"]

_SAME = 1e-11  # relative difference below which errors are taken for equal


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
    the words that are left out, so it has all its digits however small it is. Words are counted as
    whole numbers, or by logarithms of ten digits where these numbers have more than 10^8 binary
    digits in all: for k = 2, beyond 10^4 letters. A rate within rounding of the logarithm of the
    number of letters is that of all words. Cost and memory are those of a table of all types, of
    which there are (n + k - 1 over k - 1) where p takes k different values; up to 10^7 entries are
    accepted.

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
    asked = size_of(n, size, rate)
    classes = classes_of(source, n)
    log_rest = log_rest_of(source, n, asked)
    if log_rest == -math.inf:
        return -math.inf
    at, kept, lost = _cut(classes, n, asked, log_rest)
    log_lost = np.logaddexp(classes.log_p[at] + lost, log_sum(classes.log_p[at + 1 :]))
    log_kept = np.logaddexp(classes.log_p[at] + kept, log_sum(classes.log_p[:at]))
    return float(log_lost) if log_lost < log_kept else log_complement(float(log_kept))


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
    M is the least whole number with an :func:`optimal_error` of at most epsilon, or above it by
    less than a part in 10^11. The cost is that of a table of all types of words.

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
    allowed = math.exp(log_error - top)
    spare = max(0.0, allowed - math.exp(log_sum(classes.log_p[dropped:]) - top))
    spare = min(1.0, spare + _SAME * allowed)
    if classes.sizes is not None:
        lost = math.floor(classes.sizes[last] * Fraction(spare))
        return math.log(max(1, sum(classes.sizes[:dropped]) - lost)) / n
    partial = float(classes.log_size[last]) + (math.log1p(-spare) if spare < 1.0 else -math.inf)
    return max(0.0, float(np.logaddexp(log_sum(classes.log_size[:last]), partial))) / n


def _cut(classes: Classes, n: int, size: Size, log_rest: float) -> tuple[int, float, float]:
    """The class of which a part is kept, and logarithms of the shares that are kept and lost."""
    if classes.sizes is not None:
        number = size.number(n)
        ends = list(itertools.accumulate(classes.sizes))
        at = bisect.bisect_right(ends, number)
        share = Fraction(number - ends[at] + classes.sizes[at], classes.sizes[at])
        return at, log_of(share), log_of(1 - share)
    # From the end that is closer, so that nothing cancels.
    forwards = size.log < log_rest
    sizes, target = classes.log_size[:: 1 if forwards else -1], min(size.log, log_rest)
    at = _first(len(sizes), lambda j: log_sum(sizes[: j + 1]) > target)
    before = log_sum(sizes[:at])
    part = min(0.0, target + log_complement(before - target) - float(sizes[at]))
    if forwards:
        return at, part, log_complement(part)
    return len(sizes) - 1 - at, log_complement(part), part


def _first(count: int, test: Callable[[int], bool]) -> int:
    """Return the first of so many numbers that passes a test which all later ones pass."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if test(middle) else (middle + 1, high)
    return low
