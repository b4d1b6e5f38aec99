"""f-divergences: convex functions with their derivatives and conjugates, and their sums."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np

from infotheory._simplex import Block, over_blocks
from infotheory._typing import FloatArray
from infotheory._validation import check_choice, refusal
from infotheory.measures._pairs import Comparison, compare, pair
from infotheory.measures.distance import (
    block_chi_squared,
    block_squared_hellinger,
    block_total_variation,
)
from infotheory.measures.divergence import block_jensen_shannon, block_kl_divergence

__all__ = ["F_DIVERGENCES", "FDivergence", "alpha_divergence_generator", "f_divergence"]


@dataclass(frozen=True, kw_only=True)
class FDivergence:
    """A convex function f with f(1) = 0, and what belongs to it.

    D_f(p||q) = sum_k q_k f(p_k / q_k). Each function takes an array of ratios u = p/q > 0, or of
    slopes t, and the module whose functions it uses, numpy by default:
    ``F_DIVERGENCES["kl"].conjugate(t, torch)`` works on tensors. In the registry f'(1) = 0 as
    well, so f is at least 0; adding c (u - 1) to f would change no divergence.

    Attributes
    ----------
    name : str
        Its key in the registry.
    f : callable
        The function itself.
    derivative : callable or None
        f'; where f has a kink, a slope in its middle.
    second_derivative : callable or None
        f''; None where f has a kink.
    conjugate : callable or None
        f*(t) = sup over u >= 0 of t u - f(u): minus f(0) up to t = f'(0), infinite beyond
        `recession`. D_f(p||q) = sup over T of E_p[T] - E_q[f*(T)].
    at_zero : float
        f(0), the limit as u falls to 0; nan where not known.
    recession : float
        The limit of f(u)/u as u grows, where the domain of f* ends; nan where not known. A
        symbol that has mass p and no q counts p times this.
    meaning : str
        The divergence in the names of this package.
    functional : callable or None
        What computes it from two blocks of distributions, where more is known than f.
    """

    name: str
    f: Callable[..., Any]
    derivative: Callable[..., Any] | None = None
    second_derivative: Callable[..., Any] | None = None
    conjugate: Callable[..., Any] | None = None
    at_zero: float = math.nan
    recession: float = math.nan
    meaning: str = ""
    functional: Callable[[Block, Block], FloatArray] | None = None


def _conjugate(
    formula: Callable[[Any, Any], Any],
    slope_at_zero: float,
    at_zero: float,
    recession: float,
    at_recession: float = math.inf,
) -> Callable[..., Any]:
    """Complete a conjugate known between two slopes."""

    def conjugate(t: Any, xp: Any = np, /) -> Any:
        outside = (t <= slope_at_zero) | (t >= recession)
        values = formula(xp.where(outside, 0.0, t), xp)
        values = xp.where(t <= slope_at_zero, -at_zero, values)
        values = xp.where(t >= recession, at_recession, values)
        return xp.where(t > recession, math.inf, values)

    return conjugate


_LN_2 = math.log(2.0)
_TINY = 1e-250  # an order this close to 0 is 0 to every digit, while its products may underflow

_ENTRIES = (
    FDivergence(
        name="kl",
        f=lambda u, xp=np, /: u * xp.log(u) - u + 1.0,
        derivative=lambda u, xp=np, /: xp.log(u),
        second_derivative=lambda u, _xp=np, /: 1.0 / u,
        conjugate=_conjugate(lambda t, xp: xp.expm1(t), -math.inf, 1.0, math.inf),
        at_zero=1.0,
        recession=math.inf,
        meaning="kl_divergence(p, q)",
        functional=block_kl_divergence,
    ),
    FDivergence(
        name="reverse_kl",
        f=lambda u, xp=np, /: u - 1.0 - xp.log(u),
        derivative=lambda u, _xp=np, /: 1.0 - 1.0 / u,
        second_derivative=lambda u, _xp=np, /: u**-2.0,
        conjugate=_conjugate(lambda t, xp: -xp.log1p(-t), -math.inf, math.inf, 1.0),
        at_zero=math.inf,
        recession=1.0,
        meaning="kl_divergence(q, p)",
        functional=lambda p, q: block_kl_divergence(q, p),
    ),
    FDivergence(
        name="jensen_shannon",
        f=lambda u, xp=np, /: 0.5 * (u * xp.log(u / (0.5 + 0.5 * u)) - xp.log(0.5 + 0.5 * u)),
        derivative=lambda u, xp=np, /: 0.5 * xp.log(u / (0.5 + 0.5 * u)),
        second_derivative=lambda u, _xp=np, /: 0.5 / (u * (1.0 + u)),
        conjugate=_conjugate(
            lambda t, xp: -0.5 * xp.log1p(-xp.expm1(2.0 * t)), -math.inf, 0.5 * _LN_2, 0.5 * _LN_2
        ),
        at_zero=0.5 * _LN_2,
        recession=0.5 * _LN_2,
        meaning="jensen_shannon_divergence(p, q)",
        functional=block_jensen_shannon,
    ),
    FDivergence(
        name="total_variation",
        f=lambda u, xp=np, /: 0.5 * xp.abs(u - 1.0),
        derivative=lambda u, xp=np, /: 0.5 * xp.sign(u - 1.0),
        conjugate=_conjugate(lambda t, _xp: t, -0.5, 0.5, 0.5, 0.5),
        at_zero=0.5,
        recession=0.5,
        meaning="total_variation(p, q)",
        functional=block_total_variation,
    ),
    FDivergence(
        name="squared_hellinger",
        f=lambda u, xp=np, /: 0.5 * (xp.sqrt(u) - 1.0) ** 2,
        derivative=lambda u, xp=np, /: 0.5 - 0.5 / xp.sqrt(u),
        second_derivative=lambda u, _xp=np, /: 0.25 * u**-1.5,
        conjugate=_conjugate(lambda t, _xp: t / (1.0 - 2.0 * t), -math.inf, 0.5, 0.5),
        at_zero=0.5,
        recession=0.5,
        meaning="hellinger(p, q) ** 2",
        functional=block_squared_hellinger,
    ),
    FDivergence(
        name="pearson_chi_squared",
        f=lambda u, _xp=np, /: (u - 1.0) ** 2,
        derivative=lambda u, _xp=np, /: 2.0 * (u - 1.0),
        second_derivative=lambda u, _xp=np, /: 2.0 * u**0.0,
        conjugate=_conjugate(lambda t, _xp: t + 0.25 * t**2, -2.0, 1.0, math.inf),
        at_zero=1.0,
        recession=math.inf,
        meaning="chi_squared(p, q)",
        functional=block_chi_squared,
    ),
    FDivergence(
        name="neyman_chi_squared",
        f=lambda u, _xp=np, /: (u - 1.0) * ((u - 1.0) / u),
        derivative=lambda u, _xp=np, /: 1.0 - u**-2.0,
        second_derivative=lambda u, _xp=np, /: 2.0 * u**-3.0,
        conjugate=_conjugate(
            lambda t, xp: 2.0 - 2.0 * xp.sqrt(1.0 - t), -math.inf, math.inf, 1.0, 2.0
        ),
        at_zero=math.inf,
        recession=1.0,
        meaning="chi_squared(q, p)",
        functional=lambda p, q: block_chi_squared(q, p),
    ),
    FDivergence(
        name="triangular_discrimination",
        f=lambda u, _xp=np, /: (u - 1.0) * ((u - 1.0) / (u + 1.0)),
        derivative=lambda u, _xp=np, /: 1.0 - (2.0 / (u + 1.0)) ** 2,
        second_derivative=lambda u, _xp=np, /: (2.0 / (u + 1.0)) ** 3,
        conjugate=_conjugate(lambda t, xp: 4.0 - t - 4.0 * xp.sqrt(1.0 - t), -3.0, 1.0, 1.0, 3.0),
        at_zero=1.0,
        recession=1.0,
        meaning="sum((p - q) ** 2 / (p + q)), twice the Vincze-Le Cam divergence",
    ),
)

F_DIVERGENCES: Mapping[str, FDivergence] = MappingProxyType({f.name: f for f in _ENTRIES})
"""Every f-divergence with a name of its own; read-only."""


def alpha_divergence_generator(alpha: Any) -> FDivergence:
    """The f of the alpha-divergence, continuous in its order.

    Parameters
    ----------
    alpha : float
        Order, any finite number: 1 is "kl", 0 "reverse_kl", 2 half of "pearson_chi_squared", -1
        half of "neyman_chi_squared", 1/2 four times "squared_hellinger".

    Returns
    -------
    FDivergence
        To be handed to :func:`f_divergence`.

    Raises
    ------
    ValueError
        If `alpha` is not a finite number.

    Notes
    -----
    f(u) = (u^a - a u + a - 1) / (a (a - 1)), f'(u) = (u^(a-1) - 1) / (a - 1),
    f''(u) = u^(a-2), f*(t) = ((1 + (a - 1) t)^(a/(a-1)) - 1) / a. Powers are formed with expm1,
    so orders close to 0 and 1 are as exact as those far away. Exchanging p and q exchanges the
    orders a and 1 - a.

    References
    ----------
    .. [1] cressie1984multinomial (with lambda = alpha - 1).

    Examples
    --------
    >>> from infotheory.measures import alpha_divergence_generator, f_divergence
    >>> f_divergence([0.75, 0.25], [0.5, 0.5], f=alpha_divergence_generator(2))
    0.125
    """
    if isinstance(alpha, bool) or not (isinstance(alpha, Real) and math.isfinite(alpha)):
        raise refusal(
            "alpha", "a finite number", repr(alpha), "alpha=1 is Kullback and Leibler's order."
        )
    order = float(alpha)
    rest = order - 1.0

    def f(u: Any, xp: Any = np, /) -> Any:
        if order < 0.5:
            return (_deformed_log(u, order, xp) - (u - 1.0)) / rest
        return (u * _deformed_log(u, rest, xp) - (u - 1.0)) / order

    def formula(t: Any, xp: Any) -> Any:
        log_u = xp.log1p(rest * t) / rest if rest else t
        return xp.expm1(order * log_u) / order if abs(order) > _TINY else log_u

    at_zero = 1.0 / order if order > 0 else math.inf
    recession = 1.0 / (1.0 - order) if order < 1 else math.inf
    slope_at_zero = -1.0 / rest if rest > 0 else -math.inf
    at_recession = -1.0 / order if order < 0 else math.inf
    return FDivergence(
        name=f"alpha({order!r})",
        f=f,
        derivative=lambda u, xp=np, /: _deformed_log(u, rest, xp),
        second_derivative=lambda u, _xp=np, /: u ** (order - 2.0),
        conjugate=_conjugate(formula, slope_at_zero, at_zero, recession, at_recession),
        at_zero=at_zero,
        recession=recession,
        meaning=f"the alpha-divergence of order {order!r}",
    )


def _deformed_log(u: Any, power: float, xp: Any) -> Any:
    """(u^power - 1) / power, which is ln u for power 0, and for powers whose products underflow."""
    return xp.expm1(power * xp.log(u)) / power if abs(power) > _TINY else xp.log(u)


def f_divergence(
    p: Any, q: Any, *, f: str | FDivergence | Callable[[Any], Any] = "kl", kind: str = "probs"
) -> Any:
    """Csiszar's f-divergence D_f(p||q).

    Parameters
    ----------
    p, q : array_like, shape (..., K)
        Distributions along the last axis; batches broadcast.
    f : str, FDivergence or callable
        A key of `F_DIVERGENCES`, a record, or a function of arrays of ratios u = p/q > 0 that is
        convex with f(1) = 0.
    kind : {"probs", "log_probs", "logits"}
        What both hold: probabilities, their natural logarithms, or unnormalised logarithms.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, but for rounding where `f` comes without its second derivative. In nats, where
        logarithms are involved.

    Raises
    ------
    ValueError
        If an entry is negative or nan, a distribution does not sum to one, the alphabets differ
        in size, `f` is unknown or not zero at 1, or a probability is zero and the limit of f
        that this calls for is not known.
    TypeError
        If `f` is none of these, or does not work on arrays.

    Notes
    -----
    D_f(p||q) = sum_k q_k f(p_k / q_k), where a symbol with p_k = 0 counts q_k f(0), and one with
    q_k = 0 counts p_k times the recession of f; ratios beyond 1e300 count as infinite, and their
    inverses as zero; where f overflows, so does its sum.

    Records with a `functional` are computed by it, as the function of their `meaning`. For others
    with f'', ratios within 1/4 of one use f(1 + x) = f'(1) x
    + x^2 int_0^1 (1 - s) f''(1 + s x) ds, by Gauss's rule of 8 nodes, as far as f'' is between a
    third and three times f''(1): the linear parts add up to nothing and are left out, so that
    nothing cancels where `p` is close to `q`.

    References
    ----------
    .. [1] csiszar2004information, section 4.

    Examples
    --------
    >>> from infotheory.measures import f_divergence
    >>> f_divergence([0.75, 0.25], [0.5, 0.5], f="total_variation")
    0.25
    >>> f_divergence([0.75, 0.25], [0.5, 0.5], f=lambda u: (u - 1) ** 2)
    0.25
    """
    record = _as_record(f)

    def summed(block_p: Block, block_q: Block) -> FloatArray:
        return compare(lambda found: _sums_of_f(found, record), block_p, block_q)

    return over_blocks(record.functional or summed, *pair(p, q, kind))


def _as_record(f: str | FDivergence | Callable[[Any], Any]) -> FDivergence:
    if isinstance(f, str):
        check_choice("f", f, tuple(F_DIVERGENCES))
        return F_DIVERGENCES[f]
    if isinstance(f, FDivergence):
        record = f
    elif callable(f):
        record = FDivergence(name="given", f=lambda u, _xp=np, /: f(u))
    else:
        raise TypeError(
            f"f must be a name, an FDivergence or a function; got {f!r}. "
            f"Names are {', '.join(map(repr, F_DIVERGENCES))}."
        )
    at_one = float(_on_arrays(record.f)[0])
    if not abs(at_one) <= 1e-12:
        raise refusal("f", "zero at 1", f"f(1) = {at_one:g}", "Subtract that constant from f.")
    return record


def _on_arrays(f: Callable[..., Any]) -> FloatArray:
    """Values of f at 1 and 1."""
    fix = "Use functions of numpy and np.where, or np.vectorize(f)."
    try:
        values = np.asarray(f(np.ones(2)), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"f must work on arrays; got {error!r} for two ratios. {fix}") from error
    if values.shape != (2,):
        raise TypeError(f"f must work on arrays; got shape {values.shape} for two ratios. {fix}")
    return values


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_NODES = 0.5 * (_NODES + 1.0)
_WEIGHTS = 0.5 * _WEIGHTS * (1.0 - _NODES)


def _sums_of_f(found: Comparison, record: FDivergence) -> FloatArray:
    own, other, difference = np.broadcast_arrays(found.p, found.q, found.difference)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio, x = own / other, -difference / other
    terms = np.zeros(x.shape)
    near, slope = np.zeros(x.shape, dtype=bool), 0.0
    if record.derivative is not None and record.second_derivative is not None:
        near = _near(x, record.second_derivative)
        slope = float(record.derivative(np.ones(1))[0])  # the linear part is taken off everywhere
        curvature = record.second_derivative(1.0 + x[near][:, None] * _NODES) @ _WEIGHTS
        terms[near] = other[near] * x[near] ** 2 * curvature
    plain = (ratio > 1e-300) & (ratio < 1e300) & ~near
    with np.errstate(over="ignore"):
        terms[plain] = other[plain] * (record.f(ratio[plain]) - slope * x[plain])
    without_p = (other > 0) & ~(ratio > 1e-300)
    without_q = (own > 0) & ~(ratio < 1e300)
    if without_p.any():
        limit = _known(record.at_zero, "at 0 where p has zeros", "at_zero")
        terms[without_p] = other[without_p] * (limit + slope)
    if without_q.any():
        limit = _known(record.recession, "for large u where q has zeros", "recession")
        terms[without_q] = own[without_q] * (limit - slope)
    return np.asarray(terms.sum(axis=1))


def _near(x: FloatArray, second_derivative: Callable[..., Any]) -> Any:
    """Where f'' changes so little between 1 and 1 + x that few nodes do."""
    near = np.abs(x) <= 0.25
    with np.errstate(all="ignore"):
        bend = second_derivative(1.0 + x[near]) / second_derivative(np.ones(1))
    near[near] = (bend > 1.0 / 3.0) & (bend < 3.0)
    return near


def _known(limit: float, where: str, field: str) -> float:
    if math.isnan(limit):
        fix = f"Pass an FDivergence that names its {field}."
        raise refusal("f", f"of a known limit {where}", "none", fix)
    return limit
