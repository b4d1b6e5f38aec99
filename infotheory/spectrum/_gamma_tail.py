"""Tails of gamma laws and of differences of two, however small, between bounds that are proved.

A tail is a factor, formed with fifty digits, times an integral of a positive function over the
real line, by the trapezoidal rule. For F analytic in the strip abs(Im v) < d, with an integral of
abs(F) of at most M along every line in it, sums of step h are off by at most

    2 M / (exp(2 pi d / h) - 1)                                                               (T)

(Trefethen and Weideman 2014): the error is the sum of the Fourier transform of F at multiples of
2 pi / h, by Poisson's formula, and that is at most M exp(-d abs(frequency)). Rounding is bounded
node by node, with exp, log, log1p and expm1 taken to be right to two units in the last place, and
erfcx to 32 of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np
from scipy.special import erfcx

from infotheory._typing import FloatArray
from infotheory.measures._power_forms import second_remainder
from infotheory.spectrum._extended import DIGITS
from infotheory.spectrum.results import LogInterval, complement

__all__ = ["difference_tail", "gamma_tail", "log_gamma", "log_remainder"]

_UNIT = 2.0**-53
_STEP = 0.078125
_HALF_WIDTH = math.pi / 6
_DEEP = 60.0  # exponents beyond which nodes are bounded and not summed: e^-60 is 1e-26
_EXCESS = 20.0  # exponents by which that may be off
_SHIFT = 40  # from where on Stirling's series with 25 terms is right to fifty digits
# Numerators and denominators of the Bernoulli numbers B_2, B_4, ..., B_50.
_BERNOULLI = (
    (1, 6),
    (-1, 30),
    (1, 42),
    (-1, 30),
    (5, 66),
    (-691, 2730),
    (7, 6),
    (-3617, 510),
    (43867, 798),
    (-174611, 330),
    (854513, 138),
    (-236364091, 2730),
    (8553103, 6),
    (-23749461029, 870),
    (8615841276005, 14322),
    (-7709321041217, 510),
    (2577687858367, 6),
    (-26315271553053477373, 1919190),
    (2929993913841559, 6),
    (-261082718496449122051, 13530),
    (1520097643918070802691, 1806),
    (-27833269579301024235023, 690),
    (596451111593912163277961, 282),
    (-5609403368997817686249127547, 46410),
    (495057205241079648212477525, 66),
)
_LOG_TWO_PI = DIGITS.ln(Decimal("6.2831853071795864769252867665590057683943387987502116419498892"))


# -------------------------------------------------------------------------------------- gamma laws


def gamma_tail(shape: Decimal, point: Decimal, *, upper: bool) -> LogInterval:
    """Bound ln P(G > point) for G of a gamma law with scale one, or ln P(G < point).

    Beyond the mean, with A the shape and x the point,

        P(G > x) = x^A e^-x / Gamma(A)  int_0^inf exp(-x s) (1 + s)^(A - 1) ds,      x >= A,
        P(G < x) = x^A e^-x / Gamma(A)  int_0^inf exp(-A w - x (e^-w - 1)) dw,       x <= A,

    from t = x (1 + s) and t = x e^-w. On this side of it, one less the other tail.
    """
    if point <= 0:
        return LogInterval(0.0, 0.0, {}) if upper else LogInterval(-math.inf, -math.inf, {})
    if upper != (point >= shape):
        return complement(gamma_tail(shape, point, upper=not upper))
    # The exponents are alpha s + beta r(s), all terms positive.
    remainder: Callable[[FloatArray], FloatArray]
    if upper and shape < 1:
        alpha, beta, remainder = float(point), float(DIGITS.subtract(Decimal(1), shape)), np.log1p
    elif upper:
        beta = float(DIGITS.subtract(shape, Decimal(1)))
        alpha, remainder = float(DIGITS.add(DIGITS.subtract(point, shape), 1)), log_remainder
    else:
        alpha, beta, remainder = float(DIGITS.subtract(shape, point)), float(point), _above_exp
    first = 2.0 / (alpha + math.hypot(alpha, math.sqrt(2.0 * beta)))  # the exponent is about 1
    last = 1.0
    while alpha * first * last + _convex(beta, remainder, first * last) < _DEEP:
        last *= 2.0
    # Functions are less than exp(v): nodes left out below e^-44 sum to less than that.
    places = np.arange(math.floor(-44.0 / _STEP), math.ceil(math.log(last) / _STEP) + 1)
    nodes = np.exp(places * _STEP)
    exponents = alpha * first * nodes + beta * remainder(first * nodes)
    terms = nodes * np.exp(-exponents)
    total = math.fsum(terms.tolist())
    # Nodes beyond the last: the convex part of the exponent is at least 60 there and grows in
    # proportion at least, by 4 or more from one node to the next.
    omitted = (float(terms[-1]) + float(nodes[0])) / (_STEP * total) * 1.1
    # Exponents are off by 20 units at most, as twice the four of a node, and twelve more.
    rounding = _UNIT * (math.fsum((terms * (20.0 * exponents + 8.0)).tolist()) / total + 4.0)
    # (T) with v = ln s. On the ray of angle y, with z = s cos y and k = 1 - tan(y)^2, the real
    # parts of the remainders r, z - ln(1+z) and e^-z - 1 + z, are at least k r(z) >= r(k z), so
    # that M is at most 1 / (k cos y) times the integral; for log1p at most 1 / cos y times it.
    growth = 1.0 / ((1.0 - math.tan(_HALF_WIDTH) ** 2) * math.cos(_HALF_WIDTH))
    trapezoid = 2.0 * growth / math.expm1(2.0 * math.pi * _HALF_WIDTH / _STEP)
    logs = DIGITS.subtract(DIGITS.multiply(shape, DIGITS.ln(point)), point)
    factor = DIGITS.subtract(logs, log_gamma(shape))
    return _interval(
        factor, math.log(first) + math.log(_STEP * total), (trapezoid, omitted, rounding)
    )


def _convex(beta: float, remainder: Callable[[FloatArray], FloatArray], at: float) -> float:
    """Return beta r(at), or nothing of a remainder that is not convex."""
    return 0.0 if remainder is np.log1p else beta * float(remainder(np.array([at]))[0])


def log_remainder(z: FloatArray) -> FloatArray:
    """Return z - ln(1 + z) for z > -1, right to some units of itself."""
    small = np.abs(z - 0.25) <= 0.75
    e = np.where(small, z, 0.0)
    e = e / (2.0 + e)  # ln(1 + z) is 2 artanh e
    square = e * e
    series = np.zeros_like(e)
    for k in range(35, 1, -2):  # what is left out is below 3^-35
        series = series * square + 1.0 / k
    with np.errstate(invalid="ignore"):
        return np.where(small, z * e - 2.0 * e * square * series, z - np.log1p(z))


def _above_exp(z: FloatArray) -> FloatArray:
    """Return e^-z - 1 + z for z >= 0."""
    small = np.minimum(z, 0.5)
    return np.where(z <= 0.5, small * small * second_remainder(-small), np.expm1(-z) + z)


def log_gamma(a: Decimal) -> Decimal:
    """Return ln Gamma(a) for a > 0 with nearly fifty digits, by Stirling's series."""
    product = Decimal(1)
    while a < _SHIFT:
        product = DIGITS.multiply(product, a)
        a = DIGITS.add(a, 1)
    inverse = DIGITS.divide(Decimal(1), a)
    square = DIGITS.multiply(inverse, inverse)
    series = Decimal(0)
    for m in range(len(_BERNOULLI), 0, -1):
        top, bottom = _BERNOULLI[m - 1]
        term = DIGITS.divide(Decimal(top), Decimal(bottom * 2 * m * (2 * m - 1)))
        series = DIGITS.fma(series, square, term)
    log_a = DIGITS.ln(a)
    main = DIGITS.fma(DIGITS.subtract(a, Decimal("0.5")), log_a, DIGITS.minus(a))
    main = DIGITS.add(main, DIGITS.multiply(_LOG_TWO_PI, Decimal("0.5")))
    main = DIGITS.fma(series, inverse, main)
    return DIGITS.subtract(main, DIGITS.ln(product))


# ----------------------------------------------------------------- differences of two gamma laws


def difference_tail(shape: Decimal, point: Decimal) -> LogInterval:
    """Bound ln P(G - G' > point) for independent G, G' of a gamma law with scale one.

    With b the shape and y the point, G - G' is a Gaussian number of variance 2 V, where V is of the
    same gamma law: for y >= 0

        P(G - G' > y) = E erfc(y / (2 sqrt(V))) / 2
                      = C int exp(-E(t)) erfcx(sqrt(q) e^(-t/2)) / 2 dt,
        E(t) = v (e^t - 1 - t) + q (e^-t - 1 + t),

    for V = v e^t at the saddle v - q = b, 4 v q = y^2, and C = v^b exp(-v - q) / Gamma(b). The
    saddle is met in exact numbers: what v and q lack as doubles is a part of each exponent.
    """
    if point < 0:
        return complement(difference_tail(shape, DIGITS.minus(point)))
    root = DIGITS.sqrt(DIGITS.fma(shape, shape, DIGITS.multiply(point, point)))
    v = DIGITS.multiply(DIGITS.add(shape, root), Decimal("0.5"))
    q = DIGITS.divide(DIGITS.multiply(point, point), DIGITS.multiply(Decimal(4), v))
    rise, fall, b = float(v), float(q), float(shape)
    half_width = min(1.0, 2.0 / math.sqrt(b + 2.0 * fall))
    # Chernoff's bound below is above the integral by a power of the point.
    excess = 0.5 * math.log1p(rise + fall) + 0.5 * math.log1p(fall)
    depth = _DEEP + max(0.0, excess - _EXCESS)
    step = 2.0 * math.pi * half_width / depth
    ends = [_reach(rise, fall, sign) for sign in (-1.0, 1.0)]
    places = np.arange(math.floor(-ends[0] / step), math.ceil(ends[1] / step) + 1)
    t = np.asarray(places * step, dtype=np.float64)
    exponents = rise * _exp_remainder(t) + fall * _exp_remainder(-t)
    terms = np.exp(-exponents) * (0.5 * erfcx(math.sqrt(fall) * np.exp(-0.5 * t)))
    total = math.fsum(terms.tolist())
    # Beyond the ends the exponents are convex, and erfcx falls to the left. To the right, where its
    # argument does, it grows no faster than that: w erfcx(w) grows with w.
    left = terms[1] / -math.expm1(exponents[2] - exponents[1])
    right = terms[-2] / -math.expm1(exponents[-3] - exponents[-2] + 0.5 * step)
    omitted = 1.1 * float(left + right) / total
    # Exponents by 20 units of themselves, erfcx by 32 and by 4 of its argument, whose logarithm
    # it changes by no more than that.
    rounding = _UNIT * (math.fsum((terms * (20.0 * exponents + 60.0)).tolist()) / total + 4.0)
    # (T): where Im t = y, abs(erfc(w)) <= erfc(sqrt(Re w^2)) abs(w) / sqrt(Re w^2), and a shift of
    # t then gives M <= cos(y)^-(b + 1/2) P(G - G' > y cos y), for which Chernoff's bound serves.
    # Its logarithm at slope 2 q / y is ln C + ln(Gamma(b) e^b / b^b) + 2 q (1 - cos y).
    cosine = math.cos(half_width)
    log_power = DIGITS.multiply(shape, DIGITS.ln(shape))
    chernoff = float(DIGITS.subtract(DIGITS.add(log_gamma(shape), shape), log_power))
    growth = -(b + 0.5) * math.log(cosine) + 4.0 * fall * math.sin(0.5 * half_width) ** 2
    log_total = math.log(step) + math.log(total)
    trapezoid = 2.0 * math.exp(growth + chernoff - depth + 1e-9 - log_total)
    factor = DIGITS.subtract(DIGITS.multiply(shape, DIGITS.ln(v)), DIGITS.add(v, q))
    factor = DIGITS.subtract(factor, log_gamma(shape))
    return _interval(factor, log_total, (trapezoid, omitted, rounding))


def _reach(rise: float, fall: float, sign: float) -> float:
    """How far from zero, to one side, the exponent of a difference reaches 60."""
    at = 1.0 / math.sqrt(rise + fall)
    while True:
        t = np.array([sign * at])
        if rise * float(_exp_remainder(t)[0]) + fall * float(_exp_remainder(-t)[0]) >= _DEEP:
            return at
        at *= 1.1


def _exp_remainder(t: FloatArray) -> FloatArray:
    """Return e^t - 1 - t."""
    small = np.clip(t, -0.5, 0.5)
    return np.where(np.abs(t) <= 0.5, small * small * second_remainder(small), np.expm1(t) - t)


# ---------------------------------------------------------------------------------------- shared


def _interval(
    factor: Decimal, log_integral: float, errors: tuple[float, float, float]
) -> LogInterval:
    """Put an integral with its relative errors under the logarithm of its factor."""
    trapezoid, omitted, rounding = errors
    value = float(DIGITS.add(factor, Decimal(log_integral)))
    # The logarithms, their sum, and each end are rounded.
    rounding += 2.0 * _UNIT * (2.0 * abs(log_integral) + abs(value) + 4.0)
    terms = {
        "relative trapezoid": trapezoid,
        "relative omitted nodes": omitted,
        "relative rounding": rounding,
    }
    error = 1.01 * (trapezoid + omitted + rounding)  # -ln(1 - e) is below 1.01 e for e < 0.01
    return LogInterval(value - error, min(value + error, 0.0), terms)
