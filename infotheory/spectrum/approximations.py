"""Approximations to tails of information densities: quick, close, and certain of nothing."""

from __future__ import annotations

import math
from typing import Any

from scipy.special import log_ndtr

from infotheory._validation import refusal
from infotheory.spectrum._expansions import (
    LOG_ROOT_2_PI,
    corrected_normal,
    inverse_difference,
    lattice_share,
    skewness_and_kurtosis,
)
from infotheory.spectrum._exponents import signed_saddle
from infotheory.spectrum._placement import Tail, placed, tail_of
from infotheory.spectrum.results import log_complement

__all__ = [
    "bahadur_rao_approximation",
    "edgeworth_approximation",
    "lugannani_rice_approximation",
    "normal_approximation",
]


def normal_approximation(
    score: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    side: str = "right",
    strict: bool = True,
    span: float | None = None,
) -> float:
    """Approximate the logarithm of the probability of a tail by that of the normal law.

    Parameters
    ----------
    score : Score
        Law of a summand, or a law in closed form as :func:`nep_bounds` takes it.
    n : int
        Number of observations.
    delta : float, optional
        Distance from the mean a letter.
    threshold : float, optional
        Of the sum itself, in place of `delta`.
    side : {"right", "left"}
        Which tail.
    strict : bool
        Whether the threshold itself does not count, which matters where `span` is given and at the
        extremes of the sum.
    span : float, optional
        Step of the lattice that all values of the score lie on; that between the two values of a
        score of two atoms, for instance. By default the law is taken to be smooth.

    Returns
    -------
    float
        ln P, approximately; the exact value at the extremes of the sum and beyond.

    Raises
    ------
    ValueError, TypeError
        If the event is not one that :func:`nep_bounds` takes, or values are not on the lattice.

    Notes
    -----
    P ~ Q(x), x = (threshold - n mean) / (sigma sqrt(n)). On a lattice x is taken half a step below
    the least point of the event (continuity correction).

    *Valid* within a few standard deviations of the mean: the error of P is at most of the order
    1 / sqrt(n), so that far out, where P is smaller than that, not even its order is right.

    References
    ----------
    .. [1] strassen1962asymptotische.

    Examples
    --------
    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import normal_approximation
    >>> score = Score([0.0, 1.0], [0.5, 0.5])
    >>> round(normal_approximation(score, 100, 0.1), 4)  # 20 against a standard deviation of 5
    -3.7832
    """
    options: dict[str, Any] = {"threshold": threshold, "side": side, "strict": strict}
    tail = tail_of(score, n, delta, span, options)
    return tail.known if tail.known is not None else float(log_ndtr(-_standardised(tail)))


def edgeworth_approximation(
    score: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    side: str = "right",
    strict: bool = True,
    span: float | None = None,
    order: int = 1,
) -> float:
    """Approximate the logarithm of the probability of a tail by Edgeworth's expansion.

    Parameters
    ----------
    score : Score
        As for :func:`normal_approximation`, like all that follows.
    n : int
        Number of observations.
    delta, threshold : float, optional
        One of the two.
    side : {"right", "left"}
        Which tail.
    strict : bool
        Whether the threshold itself does not count.
    span : float, optional
        Step of the lattice that all values lie on.
    order : {1, 2}
        Up to which power of 1 / sqrt(n).

    Returns
    -------
    float
        ln P, approximately; minus infinity where the expansion is negative, 0 where it exceeds one.

    Raises
    ------
    ValueError, TypeError
        As :func:`normal_approximation`, or if `order` is not 1 or 2.

    Notes
    -----
    With x and phi the normal density there, g3 and g4 the skewness and the excess kurtosis,

    P ~ Q(x) + phi(x) [g3 (x^2 - 1) / (6 sqrt(n))
    + (g4 (x^3 - 3 x) / 24 + g3^2 (x^5 - 10 x^3 + 15 x) / 72) / n].

    On a lattice of span h, x is that of :func:`normal_approximation`, and order 2 has the further
    term -h^2 x / (24 sigma^2 n), by which a sum over midpoints differs from the integral.

    *Valid* within a few standard deviations: the terms grow with powers of x, and the expansion
    may turn negative.

    References
    ----------
    .. [1] feller1971introduction.

    Examples
    --------
    The exact probability is 0.296967, and the normal one 0.308538.

    >>> import math
    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import edgeworth_approximation
    >>> score = Score([0.0, 1.0], [0.9, 0.1])  # more than 11 of 100, in standard deviations of 3
    >>> found = edgeworth_approximation(score, 100, threshold=11.0, span=1.0, order=2)
    >>> round(math.exp(found), 4)
    0.2971
    """
    if order not in (1, 2):
        raise refusal("order", "1 or 2", repr(order), "Order 0 is normal_approximation.")
    options: dict[str, Any] = {"threshold": threshold, "side": side, "strict": strict}
    tail = tail_of(score, n, delta, span, options)
    if tail.known is not None:
        return tail.known
    law, n, x = tail.event.score, tail.event.n, _standardised(tail)
    if law.variance == 0.0:  # it underflows: there is nothing to expand in
        return float(log_ndtr(-x))
    skewness, kurtosis = skewness_and_kurtosis(law)
    square = x * x
    terms = skewness * (square - 1.0) / (6.0 * math.sqrt(n))
    if order == 2:
        step = tail.span / math.sqrt(n * law.variance)
        terms += kurtosis * x * (square - 3.0) / (24.0 * n) - step * step * x / 24.0
        terms += skewness * skewness * x * ((square - 10.0) * square + 15.0) / (72.0 * n)
    return corrected_normal(x, terms)


def bahadur_rao_approximation(
    score: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    side: str = "right",
    strict: bool = True,
    span: float | None = None,
) -> float:
    """Approximate the logarithm of the probability of a tail by Bahadur and Rao's formula.

    Parameters
    ----------
    score : Score
        As for :func:`normal_approximation`, like all that follows.
    n : int
        Number of observations.
    delta, threshold : float, optional
        One of the two.
    side : {"right", "left"}
        Which tail.
    strict : bool
        Whether the threshold itself does not count.
    span : float, optional
        Step of the lattice that all values lie on.

    Returns
    -------
    float
        ln P, approximately; 0 where the formula exceeds one, minus infinity where that of the
        complement does.

    Raises
    ------
    ValueError, TypeError
        As :func:`normal_approximation`.

    Notes
    -----
    P ~ exp(-n r) / (lam sigma sqrt(2 pi n)), with lam, r and sigma at the threshold as in
    :func:`nep_bounds`. On a lattice of span h all are taken at the least point of the event, and
    h / (1 - exp(-lam h)) takes the place of 1 / lam. The complement is approximated below the mean.

    *Valid* where lam sigma sqrt(n), how far out the threshold is, is large: the relative error is
    of the order of one over its square. Within a standard deviation of the mean it exceeds one
    half, and then one.

    References
    ----------
    .. [1] bahadur1960deviations.

    Examples
    --------
    At least 42 of 100 at 0.3 each has the probability 0.0071736.

    >>> import math
    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import bahadur_rao_approximation
    >>> score = Score([0.0, 1.0], [0.7, 0.3])
    >>> found = bahadur_rao_approximation(score, 100, threshold=42, strict=False, span=1.0)
    >>> round(math.exp(found), 6)
    0.007874
    """
    options: dict[str, Any] = {"threshold": threshold, "side": side, "strict": strict}
    tail = tail_of(score, n, delta, span, options)
    if tail.known is not None or tail.event.level >= tail.event.score.mean:
        return _bahadur_rao(tail)
    return log_complement(
        _bahadur_rao(placed(tail.event.mirrored(), tail.finite, tail.span or None))
    )


def lugannani_rice_approximation(
    score: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    side: str = "right",
    strict: bool = True,
    span: float | None = None,
) -> float:
    """Approximate the logarithm of the probability of a tail by Lugannani and Rice's formula.

    Parameters
    ----------
    score : Score
        As for :func:`normal_approximation`, like all that follows.
    n : int
        Number of observations.
    delta, threshold : float, optional
        One of the two.
    side : {"right", "left"}
        Which tail.
    strict : bool
        Whether the threshold itself does not count.
    span : float, optional
        Step of the lattice that all values lie on. Give it for every score of two atoms: without
        it the formula is 15 % off at n = 100.

    Returns
    -------
    float
        ln P, approximately; minus infinity where the formula is negative.

    Raises
    ------
    ValueError, TypeError
        As :func:`normal_approximation`.

    Notes
    -----
    P ~ Q(w) + phi(w) (1/u - 1/w), w = sign(lam) sqrt(2 n r), u = lam sigma sqrt(n), with lam, r and
    sigma at the threshold as in :func:`nep_bounds`; 1/u - 1/w is taken from its series where lam is
    small. On a lattice of span h all are at the least point of the event, and
    u = (1 - exp(-lam h)) / h sigma sqrt(n).

    *Valid* at any distance from the mean, to a relative error of the order 1/n for smooth laws and
    on lattices. Laws between the two, such as few letters with related probabilities, are off by
    the order 1 / sqrt(n).

    References
    ----------
    .. [1] lugannani1980saddle.
    .. [2] daniels1987tail.

    Examples
    --------
    At least 42 of 100 at 0.3 each has the probability 0.0071736.

    >>> import math
    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import lugannani_rice_approximation
    >>> score = Score([0.0, 1.0], [0.7, 0.3])
    >>> found = lugannani_rice_approximation(score, 100, threshold=42, strict=False, span=1.0)
    >>> round(math.exp(found), 6)
    0.007177
    """
    options: dict[str, Any] = {"threshold": threshold, "side": side, "strict": strict}
    tail = tail_of(score, n, delta, span, options)
    if tail.known is not None:
        return tail.known
    event, h = tail.event, tail.span
    lam, log_factor, *_, variance, _, _ = signed_saddle(event)
    w = math.copysign(math.sqrt(max(0.0, -2.0 * log_factor)), lam)
    u = lam * math.sqrt(event.n * variance)
    terms = inverse_difference(event, lam, u, w)
    if h:
        terms += h / math.sqrt(event.n * variance) * lattice_share(lam * h)
    return corrected_normal(w, terms)


# ---------------------------------------------------------------------------------------- shared


def _standardised(tail: Tail) -> float:
    """Standard deviations from the mean of the sum to where the normal law begins to count."""
    event = tail.event
    away = event.threshold - 0.5 * tail.span - event.n * event.score.mean
    scale = math.sqrt(event.n * event.score.variance)
    if scale == 0.0:  # a variance that underflows
        return math.copysign(math.inf, away) if away else 0.0
    return away / scale


def _bahadur_rao(tail: Tail) -> float:
    if tail.known is not None:
        return tail.known
    lam, log_factor, *_, variance, _, _ = signed_saddle(tail.event)
    if lam <= 0.0:
        return 0.0
    reach = -math.expm1(-lam * tail.span) / tail.span if tail.span else lam
    spread = math.log(reach) + 0.5 * math.log(tail.event.n * variance) + LOG_ROOT_2_PI
    return min(0.0, log_factor - spread)
