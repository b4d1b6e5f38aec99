"""Lossless coding at a fixed rate: certified bounds at any length."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from infotheory.measures import Score
from infotheory.spectrum._events import check_length
from infotheory.spectrum._words import (
    Source,
    log_error_of,
    log_rest_of,
    size_of,
    source_of,
)
from infotheory.spectrum.equipartition import event_asked, nep_bounds
from infotheory.spectrum.results import Bounds, LogInterval, complement, log_complement

__all__ = ["RateBounds", "coding_error_bounds", "coding_rate_bounds", "size_bounds"]

_UNIT = 2.0**-53
_FAR = 1e9  # nats
_ROUNDING = 32  # doubles from one to the next that cumulants may put a threshold off by
_CLOSE = 64  # doubles that are as good as one another: a part in 10^14


@dataclasses.dataclass(frozen=True)
class RateBounds:
    """An interval that holds (ln M) / n for some number M of words, in nats a letter.

    Attributes
    ----------
    lower, upper : float
        Its ends; minus infinity where there may be no word at all.
    """

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """How far the ends are apart."""
        return self.upper - self.lower

    def __contains__(self, rate: float) -> bool:
        return self.lower <= rate <= self.upper


def size_bounds(
    p: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    kind: str = "probs",
) -> RateBounds:
    """Bound how many words are no less likely than exp(-n (H + delta)).

    Parameters
    ----------
    p : array_like, shape (K,)
        Law of a letter; letters are drawn independently.
    n : int
        Length of a word, up to 1e15.
    delta : float, optional
        Distance from the entropy a letter, of either sign.
    threshold : float, optional
        Instead of n (H + delta), as one number.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds.

    Returns
    -------
    RateBounds
        Certified, of (ln N) / n for the number N of words.

    Raises
    ------
    ValueError, TypeError
        If `p` is no distribution, `n` no length, or not exactly one of `delta` and `threshold` is
        given.

    Notes
    -----
    N is k^n times the probability of such a word if all k letters of the support were equally
    likely, which :func:`nep_bounds` bounds: the tilted law there is proportional to p^(1 - lam), as
    it is for the probability under p, and the prefactor has 1 - lam in place of lam. For lam above
    1 it is the complement that is bounded. Also N <= exp(n (H + delta)).

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    176 of the 1024 words of ten letters have at most three of the rarer one.

    >>> import math
    >>> from infotheory.spectrum import size_bounds
    >>> threshold = -7 * math.log(0.75) - 3 * math.log(0.25) + 0.1
    >>> math.log(176) / 10 in size_bounds([0.75, 0.25], 10, threshold=threshold)
    True
    """
    source, n = source_of(p, kind), check_length(n)
    # As an event of the source, whose mean a distance is from.
    event, _ = event_asked(source.score, n, delta, threshold=threshold, side="right", strict=True)
    return _sizes(source, n, float(np.ldexp(event.threshold, event.exponent)))


def coding_error_bounds(
    p: Any,
    n: int,
    *,
    size: float | None = None,
    rate: float | None = None,
    kind: str = "probs",
) -> Bounds:
    """Bound the least error probability of a code with so many words, at any length.

    Parameters
    ----------
    p : array_like, shape (K,)
        Law of a letter; letters are drawn independently.
    n : int
        Length of a word, up to 1e15.
    size : float, optional
        Number of words that have a code of their own, at least 1.
    rate : float, optional
        Instead, its natural logarithm divided by n.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds.

    Returns
    -------
    Bounds
        Certified, of ln P(error): a converse below and an achievable error above.

    Raises
    ------
    ValueError, TypeError
        As :func:`optimal_error`, but for the number of types.

    Notes
    -----
    A code that keeps the N words no less likely than some threshold is the best with N words, and
    its error is the probability of the others. At the largest threshold where N, by
    :func:`size_bounds`, is at most the size, the :func:`nep_bounds` on that probability are from
    above for the size, too; at the least one where N is at least the size they are from below. The
    source is the one whose words have probability exp(-sum of scores) for the scores as doubles.

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    >>> from infotheory.spectrum import coding_error_bounds, optimal_error
    >>> optimal_error([0.7, 0.3], 400, rate=0.65) in coding_error_bounds([0.7, 0.3], 400, rate=0.65)
    True
    """
    source, n = source_of(p, kind), check_length(n)
    asked = size_of(n, size, rate)
    log_m = asked.log
    name = f"P(error) at {log_m / n!r} nats a letter, n = {n}"
    share = log_m - n * source.log_letters
    slack = 8 * _UNIT * (1.0 + log_m + n * source.log_letters)
    every = asked.exact is not None and log_rest_of(source, n, asked) == -math.inf
    if share >= slack or every:
        return Bounds(-math.inf, -math.inf, "exact", name)
    if len(source.score) == 1:  # all words are equally likely
        kept = LogInterval(min(share - slack, 0.0), min(share + slack, 0.0), {"rounding": slack})
        lost = complement(kept)
        return Bounds(lost.lower, lost.upper, "exact", name, lost.terms)
    fits, _ = _boundary(source, n, lambda law, tau: log_m / n - _sizes(law, n, tau).upper)
    _, full = _boundary(source, n, lambda law, tau: log_m / n - _sizes(law, n, tau).lower)
    above, below = _error(source, n, fits), _error(source, n, full)
    terms = {key: value for key, value in below.error_terms.items() if key.endswith("below")}
    terms |= {key: value for key, value in above.error_terms.items() if key.endswith("above")}
    lower = -math.inf if share > -slack else below.lower  # every word may have a code
    return Bounds(lower, above.upper, "NEP converse and achievability", name, terms)


def coding_rate_bounds(
    p: Any,
    n: int,
    epsilon: float | None = None,
    *,
    log_epsilon: float | None = None,
    kind: str = "probs",
) -> RateBounds:
    """Bound the least rate at which a code fails so rarely, at any length.

    Parameters
    ----------
    p : array_like, shape (K,)
        Law of a letter; letters are drawn independently.
    n : int
        Length of a word, up to 1e15.
    epsilon : float, optional
        Greatest error probability, in [0, 1).
    log_epsilon : float, optional
        Instead, its natural logarithm, for errors that underflow.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds.

    Returns
    -------
    RateBounds
        Certified: a converse below and an achievable rate above, in nats a letter.

    Raises
    ------
    ValueError, TypeError
        As :func:`minimum_rate`, but for the number of types.

    Notes
    -----
    The words no less likely than a threshold are enough where the others have a probability of at
    most epsilon by :func:`nep_bounds`, and too few where that is larger for certain. Their number
    is bounded by :func:`size_bounds`.

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    >>> from infotheory.spectrum import coding_rate_bounds, minimum_rate
    >>> minimum_rate([0.7, 0.3], 400, 0.01) in coding_rate_bounds([0.7, 0.3], 400, 0.01)
    True
    """
    source, n = source_of(p, kind), check_length(n)
    log_error = log_error_of(epsilon, log_epsilon)
    if len(source.score) == 1:
        rate = max(0.0, source.log_letters + log_complement(log_error) / n)
        one_more = np.logaddexp(0.0, n * rate) / n  # the size is a whole number
        return RateBounds(rate, min(float(one_more), source.log_letters))
    _, enough = _boundary(source, n, lambda law, tau: _gap(_error(law, n, tau).upper, log_error))
    too_few, _ = _boundary(source, n, lambda law, tau: _gap(_error(law, n, tau).lower, log_error))
    lower, upper = _sizes(source, n, too_few).lower, _sizes(source, n, enough).upper
    return RateBounds(max(0.0, lower), min(upper, source.log_letters))


def _sizes(source: Source, n: int, threshold: float) -> RateBounds:
    """Bounds on (ln N) / n for the number of words no less likely than exp(-threshold)."""
    bounds = _tail(source.counting, n, threshold, "left")
    # Of the logarithm of k, and of the probabilities of values that several letters share.
    slack = 8 * _UNIT * (1.0 + source.log_letters)
    lower = source.log_letters + bounds.lower / n - slack
    upper = source.log_letters + bounds.upper / n + slack
    return RateBounds(lower, min(upper, threshold / n * (1 + 2 * _UNIT)))


def _error(source: Source, n: int, threshold: float) -> Bounds:
    """Bounds on the probability of the other words."""
    return _tail(source.score, n, threshold, "right")


def _tail(law: Any, n: int, threshold: float, side: str) -> Bounds:
    found = nep_bounds(law, n, threshold=threshold, side=side, strict=side == "right")
    return law.with_extreme(found, n, threshold, side) if isinstance(law, _Rounded) else found


# ---------------------------------------------------------------------- where bounds meet a number


class _Rounded:
    """A finite law as laws in closed form are known: by cumulants, right to rounding."""

    slope_limit = math.inf

    def __init__(self, score: Score) -> None:
        self._score = score
        self.mean, self.minimum, self.maximum = score.mean, score.minimum, score.maximum
        self.variance = score.variance or score.maximum**2  # of one that underflows, a scale
        self.cumulant_generating_function = score.cumulant_generating_function

    def tilted_third_absolute_moment(self, lam: float) -> float:
        return self._score.tilted(lam).third_absolute_moment

    def __neg__(self) -> _Rounded:
        return _Rounded(-self._score)

    def with_extreme(self, found: Bounds, n: int, threshold: float, side: str) -> Bounds:
        """Add what is known of finite laws only: n times one extreme is a way to be beyond."""
        right = side == "right"
        if (threshold >= n * self.mean) != right:
            return found
        all_extreme = n * float(self._score.log_probabilities[-1 if right else 0])
        return dataclasses.replace(found, lower=max(found.lower, min(found.upper, all_extreme)))


def _gap(one: float, other: float) -> float:
    return 0.0 if one == other else one - other  # both may be minus infinity


def _boundary(source: Source, n: int, gap: Callable[[Source, float], float]) -> tuple[float, float]:
    """Two thresholds close together, of which the first has a positive gap and the second has none.

    No word is more likely than the one, or all words are no less likely than the other, where there
    is no such place. It is looked for in doubles first, since fifty digits take their time.
    """
    least = n * source.score.minimum * (1.0 - 1e-9) - 1e-9
    most = n * source.score.maximum * (1.0 + 1e-9) + 1e-9
    rounded: Any = {"score": _Rounded(source.score), "counting": _Rounded(source.counting)}
    quick = source._replace(**rounded)

    def quickly(threshold: float) -> float:
        return min(max(gap(quick, threshold), -_FAR), _FAR)

    near = most
    if quickly(least) > 0.0 > quickly(most):
        near = float(brentq(quickly, least, most, xtol=4 * _UNIT * most, rtol=8 * _UNIT))
    low, high, middle = _place(least), _place(most), _place(near)
    reach = _ROUNDING
    while reach <= high - low:  # on both sides of that place, further away each time
        for place in (middle - reach, middle + reach):
            if low < place < high:
                low, high = (place, high) if gap(source, _double(place)) > 0.0 else (low, place)
        reach *= 32
    while high - low > _CLOSE:
        place = (low + high) // 2
        low, high = (place, high) if gap(source, _double(place)) > 0.0 else (low, place)
    return _double(low), _double(high)


def _place(x: float) -> int:
    """Place of a number among all doubles, counted from zero."""
    return -_place(-x) if x < 0.0 else int(np.float64(x).view(np.int64))


def _double(place: int) -> float:
    return -_double(-place) if place < 0 else float(np.int64(place).view(np.float64))
