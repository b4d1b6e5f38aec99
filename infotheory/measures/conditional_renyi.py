"""Rényi quantities of two variables: conditional entropies, Arimoto's and Sibson's information."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infotheory._simplex import Block, Distributions
from infotheory._typing import FloatArray, IntArray
from infotheory._validation import check_choice
from infotheory.measures._power_forms import (
    ENOUGH,
    divergences,
    entropies,
    exponential_means,
    log_escorts,
    log_sums,
    over_orders,
    sharp_log_ratios,
)
from infotheory.measures._terms import LEAST, as_rows, refined, two_product
from infotheory.measures.information import block_mutual_information

__all__ = [
    "arimoto_mutual_information",
    "conditional_renyi_entropy",
    "sibson_centre",
    "sibson_mutual_information",
]

_DEFINITIONS = ("arimoto", "hayashi", "average", "chain_rule")


def conditional_renyi_entropy(
    joint: Any,
    alpha: Any,
    *,
    definition: str = "arimoto",
    kind: str = "probs",
    base: float | None = None,
) -> Any:
    """Conditional Rényi entropy H_alpha(X|Y) of the first variable given the second.

    Parameters
    ----------
    joint : array_like, shape (..., Kx, Ky)
        Joint distributions, X along the last axis but one and Y along the last.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new last axis.
    definition : {"arimoto", "hayashi", "average", "chain_rule"}
        How the entropies h_y = H_alpha(X|Y=y) become one number; see the notes.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...) or (..., number of orders)
        At least 0, and at most log Kx; at most H_alpha(X) for "arimoto".

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, the definition is unknown, or `joint` is no
        joint distribution.

    Notes
    -----
    "arimoto": alpha/(1-alpha) ln sum_y p(y) (sum_x p(x|y)^alpha)^(1/alpha), the largest value of
    -D_alpha(p(x,y) || 1 q(y)) over q: knowing Y never raises it, processing Y never lowers it.
    Order infinity is -ln of the probability of guessing X from Y, order 0
    max_y ln size of the support of p(x|y).
    "hayashi": 1/(1-alpha) ln sum_y p(y) sum_x p(x|y)^alpha, the same at q(y) = p(y).
    "average": sum_y p(y) h_y.
    "chain_rule": H_alpha(X,Y) - H_alpha(Y).
    All are Shannon's at order 1, and H_alpha(X) where X and Y are independent. The first three are
    means ln(sum_y p(y) exp(s h_y)) / s with s = (1-alpha)/alpha, 1-alpha and 0, formed near s = 0
    from terms of one sign, so they are continuous in the order to the last digits.

    References
    ----------
    .. [1] arimoto1977information.
    .. [2] ilic2018general.

    Examples
    --------
    The better guess is right with probability 0.4 + 0.3.

    >>> import math
    >>> from infotheory.measures import conditional_renyi_entropy
    >>> joint = [[0.4, 0.1], [0.2, 0.3]]
    >>> round(math.exp(-conditional_renyi_entropy(joint, math.inf)), 12)
    0.7
    """
    check_choice("definition", definition, _DEFINITIONS)

    def block_conditional(block: Block, order: float) -> FloatArray:
        return _block_conditional(block, order, definition)

    return over_orders(block_conditional, alpha, _joint(joint, kind), base=base)


def arimoto_mutual_information(
    joint: Any, alpha: Any, *, kind: str = "probs", base: float | None = None
) -> Any:
    """Arimoto mutual information of order alpha, H_alpha(X) - H_alpha(X|Y).

    Parameters
    ----------
    joint : array_like, shape (..., Kx, Ky)
        Joint distributions, X along the last axis but one and Y along the last.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new last axis.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...) or (..., number of orders)
        At least 0. Not symmetric in X and Y, and not monotone in the order.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, or `joint` is no joint distribution.

    Notes
    -----
    With Arimoto's conditional entropy. It is evaluated as Sibson's information of the same channel
    with input p(x)^(alpha), the power transform of p(x), which cancels nowhere. At order infinity
    it is the logarithm of how many times likelier the best guess of X becomes through Y, and may
    be zero without independence, as it may at order 0. Processing Y never raises it; processing X
    may.

    References
    ----------
    .. [1] arimoto1977information.
    .. [2] verdu2015alpha.

    Examples
    --------
    Knowing Y raises the chance of the best guess from 0.5 to 0.7.

    >>> import math
    >>> from infotheory.measures import arimoto_mutual_information
    >>> joint = [[0.4, 0.1], [0.2, 0.3]]
    >>> round(math.exp(arimoto_mutual_information(joint, math.inf)), 12)
    1.4
    """
    return over_orders(_block_arimoto, alpha, _joint(joint, kind), base=base)


def sibson_mutual_information(
    joint: Any, alpha: Any, *, kind: str = "probs", base: float | None = None
) -> Any:
    """Sibson mutual information of order alpha, min_Q D_alpha(P_XY || P_X Q).

    Parameters
    ----------
    joint : array_like, shape (..., Kx, Ky)
        Joint distributions, X along the last axis but one and Y along the last.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new last axis.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...) or (..., number of orders)
        At least 0, at most log Kx, and no smaller for a larger order. Not symmetric in X and Y.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, or `joint` is no joint distribution.

    Notes
    -----
    alpha/(alpha-1) ln sum_y (sum_x p(x) p(y|x)^alpha)^(1/alpha), which is the mean
    ln(sum_y p(y) exp(s D_y)) / s with s = (alpha-1)/alpha of the Rényi divergences D_y of p(x|y)
    from p(x). Every part is formed from terms of one sign, so nothing is lost at any finite order,
    nor where X and Y are almost independent. Order 1 is mutual information, infinity the maximal
    leakage ln sum_y max_x p(y|x): formed of what these maxima exceed the p(y|x) of one x by, it
    feels the rounding of these, at most some 1e-16 in absolute terms.

    References
    ----------
    .. [1] sibson1969information.
    .. [2] verdu2015alpha.
    .. [3] esposito2024sibson.

    Examples
    --------
    The largest entries of the columns of the channel, 0.8 and 0.6, sum to 1.4.

    >>> import math
    >>> from infotheory.measures import sibson_mutual_information
    >>> joint = [[0.4, 0.1], [0.2, 0.3]]
    >>> round(math.exp(sibson_mutual_information(joint, math.inf)), 12)
    1.4
    """
    return over_orders(_block_sibson, alpha, _joint(joint, kind), base=base)


def sibson_centre(joint: Any, alpha: Any, *, kind: str = "probs") -> Any:
    """Distribution Q of Y at which D_alpha(P_XY || P_X Q) is least.

    Parameters
    ----------
    joint : array_like, shape (..., Kx, Ky)
        Joint distributions, X along the last axis but one and Y along the last.
    alpha : float or sequence of float
        Order, at least 0 and `math.inf` included. Several orders make a new axis before the last.
    kind : {"probs", "log_probs", "logits"}
        What `joint` holds: probabilities, their natural logarithms, or unnormalised logarithms.

    Returns
    -------
    ndarray, shape (..., Ky) or (..., number of orders, Ky)
        Probabilities. The divergence there is :func:`sibson_mutual_information`.

    Raises
    ------
    ValueError, TypeError
        If an order is negative, nan or no number, or `joint` is no joint distribution.

    Notes
    -----
    Q(y) is proportional to (sum_x p(x) p(y|x)^alpha)^(1/alpha), and p(y) at order 1. At order 0
    every law on the most reachable symbols will do; p(y) restricted to them is returned.

    References
    ----------
    .. [1] sibson1969information.

    Examples
    --------
    >>> import math
    >>> from infotheory.measures import sibson_centre
    >>> sibson_centre([[0.4, 0.1], [0.2, 0.3]], math.inf).round(12).tolist()
    [0.571428571429, 0.428571428571]
    """
    return np.asarray(over_orders(_block_centre, alpha, _joint(joint, kind), axis=1))


def _joint(joint: Any, kind: str) -> Distributions:
    return Distributions(joint, "joint", kind, n_axes=2)


def _less(values: FloatArray, marginal: FloatArray) -> FloatArray:
    """The logarithm of a quotient whose numerator is zero wherever its denominator is."""
    return values - np.where(marginal > -np.inf, marginal, 0.0)


# ------------------------------------------------------------------------ conditional entropies


def _block_conditional(block: Block, alpha: float, definition: str) -> FloatArray:
    log_y = log_sums(block.log_p, axis=1)
    if definition == "chain_rule":
        flat = as_rows(block.log_p)
        return np.maximum(entropies(flat, alpha) - entropies(log_y, alpha), 0.0)
    columns = np.swapaxes(_less(block.log_p, log_y[:, None, :]), 1, 2)
    never = log_y == -np.inf
    values = entropies(np.where(never[..., None], 0.0, columns), alpha)
    slopes = {"arimoto": -_slope(alpha), "hayashi": 1.0 - alpha, "average": 0.0}
    return exponential_means(values, log_y, slopes[definition])


def _slope(alpha: float) -> float:
    """(alpha - 1) / alpha and its limits."""
    if alpha == math.inf:
        return 1.0
    return (alpha - 1.0) / alpha if alpha else -math.inf


# ----------------------------------------------------------------------------------- information


def _block_sibson(block: Block, alpha: float) -> FloatArray:
    if alpha == 1.0:
        return block_mutual_information(block)
    if alpha == math.inf:
        return _leakage(block)
    return _information(block, log_sums(block.log_p, axis=2), alpha)


def _block_arimoto(block: Block, alpha: float) -> FloatArray:
    if alpha == 1.0:
        return block_mutual_information(block)
    if alpha == math.inf:
        return _guessing_gain(block.p)
    return _information(block, log_escorts(log_sums(block.log_p, axis=2), alpha), alpha)


def _guessing_gain(p: FloatArray) -> FloatArray:
    """Logarithm of the probability of the best guess of X from Y, over that without Y."""
    x = p.sum(axis=2)
    best = x.argmax(axis=1)[:, None]
    without = np.take_along_axis(p, best[..., None], axis=1)
    gains = (p.max(axis=1, keepdims=True) - without).sum(axis=(1, 2))
    return np.asarray(np.log1p(gains / np.take_along_axis(x, best, axis=1)[:, 0]))


def _leakage(block: Block) -> FloatArray:
    """Logarithm of sum_y max_x p(y|x), from what the maxima exceed the surest row by."""
    w, log_w = block.weights, block.log_p
    scaled = np.exp(_less(log_w, log_w.max(axis=2, keepdims=True)))
    w = np.where(w.max(axis=2, keepdims=True) < LEAST, scaled, w)
    top = np.arange(w.shape[2]) == w.argmax(axis=2)[..., None]
    rest = np.where(top, 0.0, w).sum(axis=2, keepdims=True)
    total = rest + w.max(axis=2, keepdims=True)
    occurs, total = total > 0.0, np.where(total > 0.0, total, 1.0)
    channel = w / total
    # The largest entry of all is in the row whose other entries sum to least: nothing exceeds it.
    surest = np.where(occurs, rest / total, 1.0).argmin(axis=1)[..., None]
    gains = channel.max(axis=1, keepdims=True) - np.take_along_axis(channel, surest, axis=1)
    gains = np.where(np.take_along_axis(top, surest, axis=1), 0.0, gains)
    return np.asarray(np.log1p(gains.sum(axis=(1, 2))))


def _information(block: Block, log_input: FloatArray, alpha: float) -> FloatArray:
    """Sibson's information of the channel from X to Y of each joint law, with another input."""
    log_channel = _less(block.log_p, log_sums(block.log_p, axis=2)[..., None])

    def careful(rows: IntArray) -> FloatArray:
        own, channel = log_input[rows], log_channel[rows]
        log_output = log_sums(own[..., None] + channel, axis=1)
        log_ratio = _sharp_ratios(block, rows, own, log_output, channel)
        log_q = np.broadcast_to(own[:, None, :], log_ratio.shape)
        values = divergences(log_q - log_ratio, log_q, log_ratio, alpha)
        return exponential_means(values, log_output, _slope(alpha))

    width = math.prod(log_channel.shape[1:])
    return refined(_quick_information(log_input, log_channel, alpha), careful, width)


def _quick_information(log_input: FloatArray, log_channel: FloatArray, alpha: float) -> FloatArray:
    """Information to some units of rounding of itself, or nan, unless it is small."""
    if alpha == 0.0:
        return np.full(len(log_input), np.nan)
    value = log_sums(_log_centre(log_input, log_channel, alpha))
    return np.where(np.abs(value) >= ENOUGH, value / _slope(alpha), np.nan)


def _log_centre(log_input: FloatArray, log_channel: FloatArray, alpha: float) -> FloatArray:
    """Logarithms of (sum_x p(x) p(y|x)^alpha)^(1/alpha) for each y."""
    return log_sums(log_input[..., None] + alpha * log_channel, axis=1) / alpha


def _sharp_ratios(
    block: Block,
    rows: IntArray,
    log_input: FloatArray,
    log_output: FloatArray,
    log_channel: FloatArray,
) -> FloatArray:
    """The logarithm of q(y)/p(y|x), with axes Y, X; infinite where p(y|x) is zero.

    Where q(y) is close to p(y|x), from their difference: of products of the weights, in twice the
    precision, for the output of the law's own X; what another input adds is a mean of these.
    """
    w, total = block.weights[rows], block.total[rows, None, None]
    x = w.sum(axis=2, keepdims=True)
    expected, expected_lack = two_product(x, w.sum(axis=1, keepdims=True))
    observed, observed_lack = two_product(w, total)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        difference = ((expected - observed) + (expected_lack - observed_lack)) / (total * x)
        difference = np.where(x > 0, difference, 0.0)
        difference -= (np.exp(log_input)[..., None] * difference).sum(axis=1, keepdims=True)
    plain = np.where(log_output > -np.inf, log_output, 0.0)[:, None, :] - log_channel
    return np.swapaxes(sharp_log_ratios(difference * x, w, plain), 1, 2)


def _block_centre(block: Block, alpha: float) -> FloatArray:
    log_input, log_output = (log_sums(block.log_p, axis=axis) for axis in (2, 1))
    if alpha == 1.0:
        return np.exp(log_output)
    log_channel = _less(block.log_p, log_input[..., None])
    if alpha == 0.0:
        reach = np.where(log_channel > -np.inf, np.exp(log_input)[..., None], 0.0).sum(axis=1)
        most = reach.max(axis=1, keepdims=True)
        log_centre = np.where(reach >= most, log_output, -np.inf)
    elif alpha == math.inf:
        log_centre = log_channel.max(axis=1)
    else:
        log_centre = _log_centre(log_input, log_channel, alpha)
    # Powers of 1/alpha may be so large that what is left after a shift does not sum to one.
    centre = np.exp(log_centre - log_centre.max(axis=1, keepdims=True))
    return np.asarray(centre / centre.sum(axis=1, keepdims=True))
