"""Rényi and Tsallis quantities of known distributions, of any order from 0 to infinity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infotheory._simplex import Block, Distributions
from infotheory._typing import FloatArray, IntArray
from infotheory.measures._pairs import Comparison, pair
from infotheory.measures._power_forms import (
    ENOUGH,
    divergences,
    entropies,
    log_escorts,
    over_orders,
    sharp_log_ratios,
)
from infotheory.measures._terms import LEAST, dots, of_rows, refined, rows_at_once
from infotheory.measures.divergence import block_kl_divergence
from infotheory.measures.shannon import block_entropy

__all__ = [
    "power_sum",
    "power_transform",
    "renyi_divergence",
    "renyi_entropy",
    "tsallis_entropy",
]

_LARGEST_PRODUCT = 8  # whole orders up to this one are products of probabilities


def renyi_entropy(p: Any, alpha: Any, *, kind: str = "probs", base: float | None = None) -> Any:
    """Rényi entropy H_alpha(p).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Distributions along the last axis.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new last axis.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...) or (..., number of orders)
        At least 0, at most log K, and no larger for a larger order. A Series with the same index
        for a DataFrame and one order, a DataFrame with a column an order for several.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, or `p` is no distribution.

    Notes
    -----
    H_alpha(p) = ln(sum_k p_k^alpha) / (1 - alpha). Order 0 is the logarithm of the size of the
    support (Hartley), 1 Shannon's entropy, 2 the collision entropy, infinity the min-entropy
    -ln max p; these limits are computed as such. Where the logarithm is small, which it is at any
    order near 1, the sum less one is taken as sum p expm1((alpha - 1) ln p), whose terms all have
    the same sign: no digits are lost however close the order is to 1.

    One pass over blocks that stay in cache; the cost of a logarithm and an exponential an entry, or
    of a few products for whole orders up to 8.

    Put in for p, frequencies of samples give a biased value, on average too low at orders up to 1.
    From samples use :func:`infotheory.estimate_entropy`, which corrects that at order 1.

    References
    ----------
    .. [1] renyi1961measures.

    Examples
    --------
    The squares of these probabilities sum to 3/8.

    >>> from infotheory.measures import renyi_entropy
    >>> p = [0.5, 0.25, 0.25]
    >>> round(2 ** -renyi_entropy(p, 2, base=2), 12)
    0.375
    >>> renyi_entropy(p, [0, 1, float("inf")], base=2).round(6).tolist()
    [1.584963, 1.5, 1.0]
    """
    return over_orders(_block_entropy, alpha, Distributions(p, "p", kind), base=base)


def tsallis_entropy(p: Any, alpha: Any, *, kind: str = "probs") -> Any:
    """Tsallis entropy S_alpha(p).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Distributions along the last axis.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new last axis.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds: probabilities, their natural logarithms, or unnormalised logarithms.

    Returns
    -------
    float or ndarray, shape (...) or (..., number of orders)
        At least 0. It is no logarithm, so it has no base. Labelled as :func:`renyi_entropy`.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, or `p` is no distribution.

    Notes
    -----
    S_alpha(p) = (1 - sum_k p_k^alpha) / (alpha - 1), evaluated as
    expm1((1 - alpha) H_alpha) / (1 - alpha) from the Rényi entropy: Shannon's entropy in nats at
    order 1, the Gini impurity at order 2, the size of the support less one at order 0, and 0 at
    infinity. Of independent parts it is S(A) + S(B) + (1 - alpha) S(A) S(B).

    Put in for p, frequencies of samples give a value that is on average too low, at order 1 and
    any other. From samples use :func:`infotheory.estimate_entropy`, which corrects that at order 1.

    References
    ----------
    .. [1] tsallis1988possible.

    Examples
    --------
    >>> from infotheory.measures import tsallis_entropy
    >>> round(tsallis_entropy([0.5, 0.25, 0.125, 0.125], 2), 12)
    0.65625
    """

    def block_tsallis(block: Block, order: float) -> FloatArray:
        renyi = _block_entropy(block, order)
        if order == math.inf:
            return np.zeros_like(renyi)
        return renyi if order == 1.0 else np.expm1((1.0 - order) * renyi) / (1.0 - order)

    return over_orders(block_tsallis, alpha, Distributions(p, "p", kind))


def power_sum(p: Any, alpha: Any, *, kind: str = "probs") -> Any:
    """Sum of the powers of probabilities, U_alpha(p).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Distributions along the last axis.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new last axis.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds: probabilities, their natural logarithms, or unnormalised logarithms.

    Returns
    -------
    float or ndarray, shape (...) or (..., number of orders)
        From the size of the support at order 0, over 1 at order 1, to 0 at infinity, or 1 there
        where one symbol is certain. Labelled as :func:`renyi_entropy`.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, or `p` is no distribution.

    Notes
    -----
    U_alpha(p) = sum_k p_k^alpha = exp((1 - alpha) H_alpha(p)), with 0^0 = 0. Its relative accuracy
    is that of (1 - alpha) H_alpha in absolute terms.

    Put in for p, frequencies of samples give a value that is on average too low below order 1 and
    too high above. For the entropy (order 1) of samples use :func:`infotheory.estimate_entropy`.

    References
    ----------
    .. [1] renyi1961measures.

    Examples
    --------
    >>> from infotheory.measures import power_sum
    >>> round(power_sum([0.5, 0.25, 0.25], 2), 12)
    0.375
    """

    def block_power_sum(block: Block, order: float) -> FloatArray:
        renyi = _block_entropy(block, order)
        if order == math.inf:
            return np.where(renyi > 0.0, 0.0, 1.0)
        return np.exp((1.0 - order) * renyi)

    return over_orders(block_power_sum, alpha, Distributions(p, "p", kind))


def power_transform(p: Any, alpha: Any, *, kind: str = "probs", log: bool = False) -> Any:
    """Power transform (escort distribution) p^(alpha).

    Parameters
    ----------
    p : array_like, shape (..., K)
        Distributions along the last axis.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new axis before the last.
    kind : {"probs", "log_probs", "logits"}
        What `p` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    log : bool
        Whether to return natural logarithms of probabilities, which cannot underflow.

    Returns
    -------
    ndarray, shape (..., K) or (..., number of orders, K)
        Distributions. A DataFrame or Series with the same labels for one, at one order.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, or `p` is no distribution.

    Notes
    -----
    p^(alpha)_k = p_k^alpha / sum_j p_j^alpha = softmax(alpha ln p)_k: sharper than p for an order
    above 1 and flatter below, with alpha = 1/T for a temperature T. Order 0 is uniform on the
    support, infinity uniform on the most likely symbols. Two of them in a row multiply:
    (p^(a))^(b) = p^(ab).

    References
    ----------
    .. [1] zheng2024ttm, equation 7.

    Examples
    --------
    >>> from infotheory.measures import power_transform
    >>> power_transform([0.5, 0.25, 0.25], 2).round(12).tolist()
    [0.666666666667, 0.166666666667, 0.166666666667]
    """

    def block_transform(block: Block, order: float) -> FloatArray:
        logs = log_escorts(block.log_p, order)
        return logs if log else np.exp(logs)

    values = over_orders(block_transform, alpha, Distributions(p, "p", kind), axis=1)
    pandas = getattr(p, "_constructor", None)
    return values if pandas is None or np.ndim(alpha) else pandas(values, *p.axes)


def renyi_divergence(
    p: Any, q: Any, alpha: Any, *, kind: str = "probs", base: float | None = None
) -> Any:
    """Rényi divergence D_alpha(p||q).

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis. Batches broadcast.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new last axis.
    kind : {"probs", "log_probs", "logits"}
        What `p` and `q` hold: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...) or (..., number of orders)
        At least 0, and no smaller for a larger order. Infinite where p and q have no symbol in
        common, and from order 1 on where q lacks a symbol of p. A Series with the same index for a
        DataFrame and one order, a DataFrame with a column an order for several.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, `p` or `q` is no distribution, or their alphabets
        have different sizes.

    Notes
    -----
    D_alpha(p||q) = ln(sum_k p_k^alpha q_k^(1-alpha)) / (alpha - 1), over the support of p. Order 0
    is -ln q(support of p), 1 the Kullback-Leibler divergence, infinity ln max p/q. Order 1/2 is
    symmetric, and (1 - alpha) D_alpha(p||q) = alpha D_(1-alpha)(q||p) below order 1.

    Where the logarithm is small (the order is near 1, or p near q) the sum less one is formed of
    p_k^alpha q_k^(1-alpha) - alpha p_k - (1 - alpha) q_k, all of one sign, with a series for ratios
    near one. So the result keeps its relative accuracy when p and q agree in most of their digits:
    for probabilities, to rounding; for logarithms, to what their own rounding leaves of the ratios.

    References
    ----------
    .. [1] renyi1961measures.
    .. [2] erven2014renyi.

    Examples
    --------
    Of order 2 against the uniform distribution it is ln(K sum p^2).

    >>> from infotheory.measures import renyi_divergence
    >>> renyi_divergence([1.0, 0.0], [0.5, 0.5], [0.5, 2, float("inf")], base=2)
    array([1., 1., 1.])
    >>> renyi_divergence([0.5, 0.5], [1.0, 0.0], 1)
    inf
    """
    return over_orders(_block_divergence, alpha, *pair(p, q, kind), base=base)


def _block_entropy(block: Block, alpha: float) -> FloatArray:
    if alpha == 1.0:
        return block_entropy(block)
    if alpha == 0.0:
        return entropies(block.log_p, alpha)
    quick = _quick_entropy(block, alpha)
    width = block.weights.shape[1]
    return refined(quick, lambda rows: entropies(block.log_p[rows], alpha), width)


def _quick_entropy(block: Block, alpha: float) -> FloatArray:
    """Entropies to some units of rounding of themselves, or nan, unless they are small."""
    w, total = block.weights, block.total
    if alpha == math.inf:
        return np.asarray(-np.log(w.max(axis=1) / total))
    t = alpha - 1.0
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        # The logarithm of the sum of powers is at most |t| ln K.
        if abs(t) * math.log(w.shape[1]) < 0.5:
            rise = t * block.finite_log_weights
            terms = dots(w, np.expm1(rise, out=rise)) / total
            scale = -t * np.log(total)
            return np.asarray(np.log1p(np.exp(scale) * terms + np.expm1(scale)) / -t)
        sums = _power_sums(block, alpha)
        log_power = np.log(sums) - alpha * np.log(total)
        good = (sums > LEAST) & (np.abs(log_power) >= ENOUGH)
        return np.where(good, log_power / -t, np.nan)


def _power_sums(block: Block, alpha: float) -> FloatArray:
    """Sums of powers of the weights; below `LEAST` not to be relied on."""
    w = block.weights
    if alpha == 0.5:
        return _sums(np.sqrt(w))
    if alpha != round(alpha) or alpha > _LARGEST_PRODUCT:
        powers = alpha * block.log_weights
        return _sums(np.exp(powers, out=powers))
    half, odd = divmod(round(alpha), 2)
    left, right = _whole_power(w, half), _whole_power(w, half + odd)
    return dots(left, right)


def _sums(terms: FloatArray) -> FloatArray:
    return dots(terms, np.ones((1, terms.shape[1])))


def _whole_power(w: FloatArray, power: int) -> FloatArray:
    result = w
    for _ in range(power - 1):
        result = result * w
    return result


def _block_divergence(p: Block, q: Block, alpha: float) -> FloatArray:
    if alpha == 1.0:
        return block_kl_divergence(p, q)

    def careful(rows: IntArray) -> FloatArray:
        found = Comparison(p, q, rows)
        ratio = sharp_log_ratios(found.difference, found.p, found.log_ratio)
        log_p, log_q = (np.broadcast_to(logs, ratio.shape) for logs in (found.log_p, found.log_q))
        return divergences(log_p, log_q, ratio, alpha)

    return refined(_quick_divergence(p, q, alpha), careful, p.weights.shape[1])


def _quick_divergence(p: Block, q: Block, alpha: float) -> FloatArray:
    """Divergences to some units of rounding of themselves, or nan, unless they are small."""
    t, n_rows = alpha - 1.0, len(p) if len(q) == 1 else len(q)
    if alpha in (0.0, math.inf) or abs(t) < ENOUGH:
        return np.full(n_rows, np.nan)
    sums, step = np.empty(n_rows), rows_at_once(p.weights.shape[1])
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        for part in (slice(start, start + step) for start in range(0, n_rows, step)):
            powers = alpha * of_rows(p.log_weights, part) - t * of_rows(q.log_weights, part)
            sums[part] = _sums(np.exp(powers, out=powers))
        log_sum = np.log(sums) - alpha * np.log(p.total) + t * np.log(q.total)
    good = (sums > LEAST) & (sums < np.inf) & (np.abs(log_sum) >= ENOUGH)
    return np.where(good, log_sum / t, np.nan)
