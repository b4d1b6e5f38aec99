"""Rényi quantities of rows of logarithms, exact in every limit of the order.

Near order 1, and where a quantity is close to zero, logarithms of sums that are close to one lose
all their digits. There sums less one are formed instead, of terms that all have the same sign.
The last axis is the alphabet; minus infinity is the logarithm of zero.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import exprel

from infotheory._simplex import Distributions, over_blocks
from infotheory._typing import BoolArray, FloatArray
from infotheory._validation import as_array, as_numbers, decode, refusal
from infotheory.measures._terms import LEAST

__all__ = [
    "ENOUGH",
    "divergences",
    "entropies",
    "exponential_means",
    "log_escorts",
    "log_sums",
    "over_orders",
    "second_remainder",
    "sharp_log_ratios",
]

_LARGEST_ORDER = 1e290  # beyond it, results differ from their limits by less than can be stored

ENOUGH = 0.05
"""A logarithm of a sum of numbers near one is off by some units of rounding of one: where its size
is at least this, that is some 1e-14 of itself, and the plain form serves."""


# ------------------------------------------------------------------------------------- orders


def over_orders(
    functional: Callable[..., FloatArray],
    alpha: Any,
    *operands: Distributions,
    base: float | None = None,
    axis: int = -1,
) -> Any:
    """Apply a functional of blocks and an order; several orders take a new axis of the result."""
    orders = _as_orders(alpha)
    if isinstance(orders, float):
        return over_blocks(lambda *blocks: functional(*blocks, orders), *operands, base=base)

    def stacked(*blocks: Any) -> FloatArray:
        return np.stack([functional(*blocks, order) for order in orders], axis=axis)

    values = np.asarray(over_blocks(stacked, *operands, base=base))
    for operand in operands:  # one of them may be a table of pandas, which is not imported here
        frame = getattr(operand.like, "_constructor", None)
        if frame is not None and operand.batch and operand.batch == values.shape[:-1]:
            return frame(values, index=operand.like.index, columns=orders)
    return values


def _as_orders(alpha: Any) -> float | list[float]:
    """Return one order, or several as a list; each at least 0, infinity included."""
    if type(alpha) in (int, float) and alpha >= 0:
        return float(alpha) if alpha <= _LARGEST_ORDER else math.inf
    values = as_array(alpha, "alpha")
    if values.dtype.kind not in "iuf":
        raise TypeError(
            f"alpha must be a number or a sequence of numbers; got {reprlib.repr(alpha)}. "
            "Pass for example alpha=2, or [0.5, 1, 2]."
        )
    if values.ndim > 1 or values.size == 0:
        raise refusal(
            "alpha", "one order or a list of some", f"shape {values.shape}", "List the orders."
        )
    # The integers may be the bits of a bfloat16 tensor.
    orders = decode(values if values.dtype.kind == "f" else as_numbers(alpha, "alpha"))
    wrong = ~(orders >= 0.0)
    if wrong.any():
        first = int(np.argmax(wrong))
        place = f" at alpha[{first}]" if orders.ndim else ""
        raise refusal(
            "alpha",
            "an order of at least 0, infinity included",
            f"{orders.flat[first]:g}{place}",
            "alpha=1 is Shannon's.",
        )
    found: float | list[float] = np.where(orders > _LARGEST_ORDER, math.inf, orders).tolist()
    return found


# ------------------------------------------------------------------------------------- entropy


def entropies(log_p: FloatArray, alpha: float) -> FloatArray:
    """Rényi entropies of order alpha of distributions given by their logarithms; never -0.0."""
    if alpha == 0.0:
        return np.asarray(np.log(np.count_nonzero(log_p > -np.inf, axis=-1)))
    p = np.exp(log_p)
    log_p = _with_sure_top(p, log_p)
    if alpha == math.inf:
        least: FloatArray = np.abs(log_p.max(axis=-1))
        return least
    if alpha == 1.0:
        shannon: FloatArray = np.abs((p * np.where(p > 0.0, log_p, 0.0)).sum(axis=-1))
        return shannon
    log_power = log_sums(alpha * log_p)
    near = np.abs(log_power) < ENOUGH
    if near.any():
        log_power[near] = _near_log_power(p[near], log_p[near], alpha)
    return np.abs(log_power / (1.0 - alpha))


def _near_log_power(p: FloatArray, log_p: FloatArray, alpha: float) -> FloatArray:
    """Logarithm of sum p^alpha near one: of 1 + sum (p^alpha - p), whose terms have one sign."""
    t = alpha - 1.0
    # By whichever power is the smaller: no exponential can overflow.
    terms = p * np.expm1(t * log_p) if t > 0 else -np.exp(alpha * log_p) * np.expm1(-t * log_p)
    return np.asarray(np.log1p(terms.sum(axis=-1)))


def _with_sure_top(p: FloatArray, log_p: FloatArray) -> FloatArray:
    """Take the logarithm of the largest probability from all the others, where they are small."""
    top = np.expand_dims(p.argmax(axis=-1), -1)
    others = p.copy()
    np.put_along_axis(others, top, 0.0, axis=-1)
    rest = others.sum(axis=-1, keepdims=True)
    sure = np.log1p(-np.minimum(rest, 0.5))
    best = np.where(rest < 0.5, sure, np.take_along_axis(log_p, top, axis=-1))
    result = log_p.copy()
    np.put_along_axis(result, top, best, axis=-1)
    return result


def log_escorts(log_p: FloatArray, alpha: float) -> FloatArray:
    """Logarithms of the power transforms of order alpha."""
    if alpha in (0.0, math.inf):
        least = log_p.max(axis=-1, keepdims=True) if alpha else -np.finfo(np.float64).max
        chosen = log_p >= least
        count = np.count_nonzero(chosen, axis=-1, keepdims=True)
        return np.where(chosen, -np.log(count), -np.inf)
    powers = alpha * log_p
    return np.asarray(powers - log_sums(powers)[..., None])


# ---------------------------------------------------------------------------------- divergence


def sharp_log_ratios(difference: FloatArray, p: FloatArray, log_ratio: FloatArray) -> FloatArray:
    """Logarithms of q/p, small ones from q - p, which has more of their digits."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        u = difference / p
        near = (p > LEAST) & (np.abs(u) <= 0.5)
    return np.where(near, np.log1p(np.where(near, u, 0.0)), log_ratio)


def divergences(
    log_p: FloatArray, log_q: FloatArray, log_ratio: FloatArray, alpha: float
) -> FloatArray:
    """Rényi divergences of any order but 1; never -0.0.

    `log_ratio` is ln(q/p), to the last digits where it is small, and nan or any number where both
    are zero. The three arrays have one shape.
    """
    if alpha == 0.0:
        return _minus_log_mass(log_q, log_p > -np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        value = _plain_value(log_p, log_q, log_ratio, alpha)
        if alpha == math.inf:
            return np.abs(value)
        near = np.abs(value) < ENOUGH
        if near.any():
            value[near] = _near_value(log_p[near], log_q[near], log_ratio[near], alpha)
    return np.abs(value / (alpha - 1.0))


def _plain_value(
    log_p: FloatArray, log_q: FloatArray, log_ratio: FloatArray, alpha: float
) -> FloatArray:
    """Logarithm of sum p^alpha q^(1-alpha), or of max p/q for order infinity."""
    possible = log_p > -np.inf
    if alpha == math.inf:
        return np.asarray(np.where(possible, -log_ratio, -np.inf).max(axis=-1))
    missing = np.inf if alpha > 1.0 else -np.inf
    exponents = np.where(log_q > -np.inf, log_q - alpha * log_ratio, missing)
    return log_sums(np.where(possible, exponents, -np.inf))


def _near_value(
    log_p: FloatArray, log_q: FloatArray, log_ratio: FloatArray, alpha: float
) -> FloatArray:
    """The same from terms of one sign; below order 1/2 with the roles of p and q exchanged."""
    if alpha < 0.5:
        log_p, log_q, log_ratio, t = log_q, log_p, -log_ratio, -alpha
    else:
        t = alpha - 1.0
    gap = _gaps(log_p, log_q, log_ratio, t).sum(axis=-1)
    return np.asarray(np.log1p(t * gap))


def _gaps(log_p: FloatArray, log_q: FloatArray, log_ratio: FloatArray, t: float) -> FloatArray:
    """(p^(1+t) q^-t - p)/t + q - p, which is at least 0, for t >= -1/2 but 0."""
    p, q = np.exp(log_p), np.exp(log_q)
    drift = -t * log_ratio
    gentle, near = np.abs(drift) <= 1.0, np.abs(log_ratio) <= 0.5
    # Differences of exponentials are taken as such only where the exponents are far apart.
    rise = -p * log_ratio * exprel(np.where(gentle, drift, 0.0))
    rise = np.where(gentle, rise, (np.exp(log_p + drift) - p) / t)
    far = rise + np.where(near, p * np.expm1(np.where(near, log_ratio, 0.0)), q - p)
    near &= np.abs(drift) <= 0.5
    small = np.where(near, log_ratio, 0.0)
    close = p * small**2 * (second_remainder(small) + t * second_remainder(-t * small))
    return np.where(log_p == -np.inf, q, np.where(near, close, far))


def second_remainder(y: FloatArray) -> FloatArray:
    """(e^y - 1 - y) / y^2, which is 1/2 at zero, for |y| of at most 1/2."""
    # What is left out of the series is below 2^-14 / 16!, or 3e-18.
    result = np.full_like(y, 1.0 / math.factorial(15))
    for k in range(14, 1, -1):
        result = result * y + 1.0 / math.factorial(k)
    return result


def _minus_log_mass(log_q: FloatArray, inside: BoolArray) -> FloatArray:
    """-ln of the mass that q has inside a set, from what is outside where that is little."""
    outside = np.exp(np.where(inside, -np.inf, log_q)).sum(axis=-1)
    log_inside = log_sums(np.where(inside, log_q, -np.inf))
    return np.where(outside < 0.5, np.abs(np.log1p(-np.minimum(outside, 0.5))), -log_inside)


# --------------------------------------------------------------------------------------- means


def exponential_means(values: FloatArray, log_weights: FloatArray, s: float) -> FloatArray:
    """ln(sum_i w_i e^(s v_i)) / s: the mean at s = 0, the extremes at infinity.

    The values are at least 0 and the weights of each row sum to one.
    """
    possible = log_weights > -np.inf
    if s > _LARGEST_ORDER:
        return np.asarray(np.where(possible, values, -np.inf).max(axis=-1))
    if s < -_LARGEST_ORDER:
        return np.asarray(np.where(possible, values, np.inf).min(axis=-1))
    weights, values = np.exp(log_weights), np.where(possible, values, 0.0)
    if s == 0.0:
        return np.asarray((weights * values).sum(axis=-1))
    log_mean = log_sums(log_weights + s * values)
    result = np.asarray(log_mean / s)
    near = np.abs(log_mean) < ENOUGH
    if near.any():
        steep, w = s * values[near], weights[near]
        # A weight may underflow where e^(s v) overflows; their product does neither.
        grown = np.exp(log_weights[near] + steep) - w
        terms = np.where(steep > 1.0, grown, w * np.expm1(np.minimum(steep, 1.0)))
        result[near] = np.log1p(terms.sum(axis=-1)) / s
    return np.abs(result)


def log_sums(logs: FloatArray, axis: int = -1) -> FloatArray:
    """Logarithms of sums of exponentials; the largest term is one, so log1p adds it."""
    top = logs.max(axis=axis, keepdims=True)
    finite = np.isfinite(top)
    shift = np.where(finite, top, 0.0)
    terms = np.exp(np.where(finite, logs - shift, -np.inf))
    np.put_along_axis(terms, np.expand_dims(logs.argmax(axis=axis), axis), 0.0, axis=axis)
    return np.asarray(np.squeeze(top, axis) + np.log1p(terms.sum(axis=axis)))
