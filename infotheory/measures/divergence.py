"""How far one known distribution is from another, in units of information."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infotheory._simplex import Block, over_blocks
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import refusal
from infotheory.measures._pairs import Comparison, compare, pair
from infotheory.measures._terms import LEAST, dots, of_rows, refined, relative_entropy_terms

__all__ = [
    "cauchy_schwarz_divergence",
    "jensen_shannon_distance",
    "jensen_shannon_divergence",
    "kl_divergence",
]


def kl_divergence(p: Any, q: Any, *, kind: str = "probs", base: float | None = None) -> Any:
    """Kullback-Leibler divergence D(p||q), the relative entropy.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, and 0 exactly where `p` equals `q`. Infinite where `p` has mass on a symbol
        on which `q` has none.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or the alphabets
        differ in size.

    Notes
    -----
    D(p||q) = sum_k p_k ln(p_k / q_k), with 0 log 0 = 0. Where that is small its terms almost
    cancel, and the sum of p ln(p/q) - p + q is formed instead: with u = q/p - 1 its terms
    p (u - ln(1 + u)) are at least zero. So divergences of probabilities have relative accuracy
    however close `q` is to `p`. Logarithms have an error of their own, some 1e-16 of themselves.

    References
    ----------
    .. [1] kullback1951information.

    Examples
    --------
    >>> from infotheory.measures import kl_divergence
    >>> kl_divergence([1.0, 0.0], [0.25, 0.75], base=2)
    2.0
    >>> kl_divergence([0.5, 0.5], [1.0, 0.0])
    inf
    """
    return over_blocks(block_kl_divergence, *pair(p, q, kind), base=base)


def block_kl_divergence(p: Block, q: Block) -> FloatArray:
    """D(p||q) for each row."""
    if min(p.weights.min(initial=1.0), q.weights.min(initial=1.0)) > LEAST:
        products = dots(p.weights, np.log(p.weights / q.weights))  # no quotient overflows
    else:
        with np.errstate(invalid="ignore"):
            products = dots(p.weights, p.finite_log_weights) - dots(p.weights, q.log_weights)
    quick = products / p.total + np.log(q.total / p.total)

    def careful(rows: IntArray) -> FloatArray:
        found = Comparison(p, q, rows)
        terms = relative_entropy_terms(found.p, found.q, found.difference, found.log_ratio)
        return np.asarray(terms.sum(axis=1))

    return refined(quick, careful, p.weights.shape[1])


def jensen_shannon_divergence(
    p: Any,
    q: Any,
    *,
    weights: Any = None,
    kind: str = "probs",
    base: float | None = None,
) -> Any:
    """Jensen-Shannon divergence of two distributions from their mixture.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    weights : pair of float, optional
        Weights of `p` and of `q` in the mixture, of sum one; one half each by default.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, and at most the entropy of the weights: log 2 by default.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, the alphabets differ
        in size, or `weights` are not two numbers of at least 0 with sum one.

    Notes
    -----
    With m = a p + b q, JS = a D(p||m) + b D(q||m) = H(m) - a H(p) - b H(q): what a symbol says
    about which of the two it was drawn from. Formed from terms of at least zero and from
    m - p = b (q - p), so it keeps relative accuracy where `p` is close to `q`. It is not
    squared: :func:`jensen_shannon_distance` is its square root.

    References
    ----------
    .. [1] lin1991divergence.

    Examples
    --------
    >>> from infotheory.measures import jensen_shannon_divergence
    >>> jensen_shannon_divergence([1.0, 0.0], [0.0, 1.0], base=2)
    1.0
    """
    a, b = (0.5, 0.5) if weights is None else _as_weights(weights)
    return over_blocks(
        lambda block_p, block_q: block_jensen_shannon(block_p, block_q, a, b),
        *pair(p, q, kind),
        base=base,
    )


def _as_weights(weights: Any) -> tuple[float, float]:
    """Return two weights with sum one."""
    found = np.asarray(weights)
    if found.dtype.kind not in "iuf" or found.shape != (2,):
        fact = f"shape {found.shape}" if found.dtype.kind in "iuf" else repr(weights)
        raise refusal(
            "weights", "a pair of numbers", fact, "Use weights=(0.5, 0.5) for equal ones."
        )
    a, b = (float(weight) for weight in found)
    if not (a >= 0 and b >= 0 and abs(a + b - 1.0) <= 1e-12):
        raise refusal(
            "weights",
            "at least 0 and of sum one",
            f"{a:g} and {b:g}",
            "Divide them by their sum.",
        )
    return a, b


def block_jensen_shannon(p: Block, q: Block, a: float = 0.5, b: float = 0.5) -> FloatArray:
    """Jensen-Shannon divergence of each row, with weights a of p and b of q."""
    return compare(lambda found: _jensen_shannon(found, a, b), p, q)


def _jensen_shannon(found: Comparison, a: float, b: float) -> FloatArray:
    mixture = a * found.p + b * found.q
    sums = np.zeros(len(mixture))
    parts = ((a, found.p, b * found.difference), (b, found.q, -a * found.difference))
    for weight, own, difference in parts:
        if weight > 0:
            masses = np.minimum(own, mixture) > 0
            log_ratio = np.log(np.where(masses, mixture, 1.0)) - np.log(np.where(masses, own, 1.0))
            terms = relative_entropy_terms(own, mixture, difference, log_ratio)
            sums += weight * terms.sum(axis=1)
    least = min(a, b)  # the other is one less that
    most = -least * math.log(least) - (1.0 - least) * math.log1p(-least) if least > 0 else 0.0
    return np.minimum(sums, most)  # by rounding it might be larger


def jensen_shannon_distance(
    p: Any, q: Any, *, kind: str = "probs", base: float | None = None
) -> Any:
    """Jensen-Shannon distance, the square root of the divergence.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm of the divergence, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, and at most sqrt(log 2).

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or the alphabets
        differ in size.

    Notes
    -----
    The square root of :func:`jensen_shannon_divergence` with equal weights; it is a metric.

    References
    ----------
    .. [1] endres2003metric.

    Examples
    --------
    >>> from infotheory.measures import jensen_shannon_distance
    >>> jensen_shannon_distance([1.0, 0.0], [0.0, 1.0], base=2)
    1.0
    """
    divergence = jensen_shannon_divergence(p, q, kind=kind, base=base)
    return math.sqrt(divergence) if isinstance(divergence, float) else np.sqrt(divergence)


def cauchy_schwarz_divergence(
    p: Any, q: Any, *, kind: str = "probs", base: float | None = None
) -> Any:
    """Cauchy-Schwarz divergence, from the angle between two distributions as vectors.

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, and 0 exactly where `p` equals `q`. Infinite where no symbol is possible
        under both.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, or the alphabets
        differ in size.

    Notes
    -----
    D_CS = -ln((sum_k p_k q_k)^2 / (sum_k p_k^2 sum_k q_k^2)) = -ln cos^2 of the angle; some
    authors take half of it. Where the angle is small, its sine is formed from q - p and the
    divergence as -ln(1 - sin^2); where products underflow, from logarithms.

    References
    ----------
    .. [1] principe2010information.

    Examples
    --------
    >>> from infotheory.measures import cauchy_schwarz_divergence
    >>> round(cauchy_schwarz_divergence([0.5, 0.5], [1.0, 0.0], base=2), 12)  # 45 degrees
    1.0
    """
    return over_blocks(
        lambda block_p, block_q: compare(_cauchy_schwarz, block_p, block_q),
        *pair(p, q, kind),
        base=base,
    )


def _cauchy_schwarz(found: Comparison) -> FloatArray:
    squares = dots(found.p, found.p) * dots(found.q, found.q)
    # |p ^ q| = |m ^ d| for the mean m and the difference d = q - p, less its part along m.
    mean = 0.5 * (found.p + found.q)
    along = dots(mean, found.difference) / dots(mean, mean)
    across = found.difference - along[:, None] * mean
    sine_squared = dots(mean, mean) * dots(across, across) / squares
    products = dots(found.p, found.q)
    lost = np.flatnonzero(products < LEAST)
    with np.errstate(divide="ignore"):
        log_products = np.log(products)
    if lost.size:
        both = of_rows(found.log_p, lost) + of_rows(found.log_q, lost)
        log_products[lost] = np.logaddexp.reduce(both, axis=1)
    far = np.log(squares) - 2.0 * log_products
    return np.where(sine_squared < 0.5, -np.log1p(-np.minimum(sine_squared, 0.5)), far)
