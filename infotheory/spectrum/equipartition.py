"""Non-asymptotic equipartition: explicit bounds on tails of information densities."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from scipy.special import erfc, erfcinv, erfcx, erfinv

from infotheory._validation import refusal
from infotheory.spectrum._events import Event
from infotheory.spectrum._exponents import (
    Saddle,
    asked,
    berry_esseen,
    certain,
    one_atom_throughout,
    saddle_at,
    signed_saddle,
)
from infotheory.spectrum.results import Bounds, LogInterval, around, complement, log_complement

__all__ = ["event_asked", "nep_approximation", "nep_bounds", "nep_terms"]

_UNIT = 2.0**-53
_ROUNDING = 64 * _UNIT  # of the special functions, which are right to 10 units, and what they enter
_ROOT_2 = math.sqrt(2.0)
_ROOT_2_PI = math.sqrt(2.0 * math.pi)

Terms = dict[str, float]
End = tuple[float, Terms]  # the logarithm of a bound, and what it allows for


def nep_bounds(
    score: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    side: str = "right",
    strict: bool = True,
) -> Bounds:
    """Explicit bounds on the probability that an information density is far from its mean.

    Parameters
    ----------
    score : Score
        Law of what one observation adds. A law in closed form will do as well, if it has the
        attributes `mean, variance, minimum, maximum, slope_limit`, the methods
        `cumulant_generating_function` and `tilted_third_absolute_moment`, a negative, and no
        atoms.
    n : int
        Number of observations, up to 1e15.
    delta : float, optional
        Distance from the mean a letter: the event is S_n > n (mean + delta) on the right, and
        S_n < n (mean - delta) on the left. It may be negative.
    threshold : float, optional
        Of the sum itself, in place of `delta`; it may be infinite.
    side : {"right", "left"}
        Which tail.
    strict : bool
        Whether the threshold itself does not count. Strictly inside the support the bounds hold
        with it and without.

    Returns
    -------
    Bounds
        Certified: the best of the parts of :func:`nep_terms`, and of 0 and 1. `method` says which
        of them each end comes from, `error_terms` what that allows for.

    Raises
    ------
    ValueError, TypeError
        If `score` is no law of scores, `n` no length, or not exactly one of `delta` and `threshold`
        is given, as a number.

    Notes
    -----
    Let t be the threshold a letter, lam the slope at which the mean of the tilted score is t,
    r = lam t - K(lam), sigma and M the standard deviation and the third absolute central moment of
    the tilted score, a = sqrt(n) lam sigma and e = C M / (sqrt(n) sigma^3) with C = 0.4690 [2]_.
    Then, for t above the mean [1]_,

    - Chernoff: P <= exp(-n r);
    - prefactor: P exp(n r) is at most 2 e + exp(a^2/2) (Q(a) - Q(a + s)) where Q(s) = e, and at
      least exp(a^2/2) Q(a + s) where Q(s) = 1/2 - 2 e;
    - Berry-Esseen: P is within C M / (sqrt(n) sigma^3), of the score as it is, of Q(x), where x is
      the distance to the mean in standard deviations of the sum;
    - the highest atom n times in a row is one way to exceed t.

    Below the mean they are bounds on the complement. A slope that is right to rounding only leaves
    a drift d of the tilted mean from t. The normal law of the sum is then off by sqrt(n) d / sigma,
    which moves its distribution function by at most sqrt(n) abs(d) / (sigma sqrt(2 pi)): e is
    widened by that, and the theorem holds at any slope. The exponent is found in fifty digits for
    a finite score, so that n r is right to the last digit of a double at any n.

    The cost is that of some sums over the atoms, whatever n is. The two ends of the prefactor both
    decay like exp(-n r) / sqrt(n), and stay a factor apart; exact methods are narrower.

    A threshold within 8 units of rounding of n times the largest or smallest value is taken to be
    that, and the probability is then exact.

    References
    ----------
    .. [1] yang2012nonasymptotic.
    .. [2] shevtsova2013estimates.

    Examples
    --------
    The exact probability is 0.0071736.

    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import nep_bounds
    >>> bounds = nep_bounds(Score.entropy([0.7, 0.3]), 100, 0.1)
    >>> [round(p, 6) for p in bounds.probability]
    [0.002938, 0.010425]
    """
    parts = nep_terms(score, n, delta, threshold=threshold, side=side, strict=strict)
    if "exact" in parts:
        return parts["exact"]
    below = max(parts.values(), key=lambda part: part.lower)
    above = min(parts.values(), key=lambda part: part.upper)
    terms = {f"{name}, below": size for name, size in below.error_terms.items()}
    terms |= {f"{name}, above": size for name, size in above.error_terms.items()}
    method = f"NEP ({below.method} below, {above.method} above)"
    return Bounds(below.lower, above.upper, method, below.event, terms)


def nep_terms(
    score: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    side: str = "right",
    strict: bool = True,
) -> dict[str, Bounds]:
    """Parts of the bounds of the equipartition property, each a bound by itself.

    Parameters
    ----------
    score : Score
        As for :func:`nep_bounds`, like all that follows.
    n : int
        Number of observations.
    delta, threshold : float, optional
        One of the two.
    side : {"right", "left"}
        Which tail.
    strict : bool
        Whether the threshold itself does not count.

    Returns
    -------
    dict of str to Bounds
        "Chernoff", "prefactor", "Berry-Esseen" and, for a finite score, "highest atom"; "exact"
        alone for a threshold at an extreme of the sum or beyond, where the probability is known.

    Raises
    ------
    ValueError, TypeError
        As :func:`nep_bounds`.

    Notes
    -----
    The formulas are those of :func:`nep_bounds`.

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    All eight letters may be the rarer one: 0.25^8.

    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import nep_terms
    >>> score = Score([0.0, 1.0], [0.75, 0.25])
    >>> {name: round(part.upper, 4) for name, part in nep_terms(score, 8, 0.5).items()}
    {'Chernoff': -4.3944, 'prefactor': -4.9067, 'highest atom': 0.0, 'Berry-Esseen': -1.4276}
    >>> round(nep_terms(score, 8, 0.5)["highest atom"].lower, 4)
    -11.0904
    >>> nep_terms(score, 8, threshold=8.0)["exact"].probability
    (0.0, 0.0)
    """
    event, finite = event_asked(score, n, delta, threshold=threshold, side=side, strict=strict)
    known = certain(event, finite)
    if known is not None:
        return {"exact": _bounds(*_about(known), "exact", event.text)}
    reference = event.n * event.score.mean
    centred = saddle_at(dataclasses.replace(event, threshold=reference), 0.0)
    distance = event.threshold - reference - event.n * centred.drift
    if distance >= 0.0:
        found = _of_the_tail(event, finite)
    else:
        mirrored = _of_the_tail(event.mirrored(), finite)
        found = {name: _complement(*ends) for name, ends in mirrored.items()}
    found["Berry-Esseen"] = _normal(event.n, distance, centred)
    return {name: _bounds(low, high, name, event.text) for name, (low, high) in found.items()}


def nep_approximation(
    score: Any,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    side: str = "right",
    strict: bool = True,
) -> float:
    """Approximate the logarithm of the probability of a tail by the core of its bounds.

    Parameters
    ----------
    score : Score
        As for :func:`nep_bounds`, like all that follows.
    n : int
        Number of observations.
    delta, threshold : float, optional
        One of the two.
    side : {"right", "left"}
        Which tail.
    strict : bool
        Whether the threshold itself does not count, which matters at the extremes only.

    Returns
    -------
    float
        An approximation to ln P, neither above nor below it for certain: a number and no interval,
        so that it is not taken for one that holds the value.

    Raises
    ------
    ValueError, TypeError
        As :func:`nep_bounds`.

    Notes
    -----
    ln P ~ -n r + a^2/2 + ln Q(a) with r and a of :func:`nep_bounds`; the complement is approximated
    below the mean. Good for smooth laws at any distance from the mean, to a relative error of the
    order 1 / sqrt(n) of P. Laws on a lattice have a correction that it lacks:
    :func:`lugannani_rice_approximation` has it.

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    The exact value is -13.357553.

    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import nep_approximation
    >>> round(nep_approximation(Score.entropy([0.4, 0.3, 0.2, 0.1]), 10_000, 0.02), 6)
    -13.356455
    """
    event, finite = event_asked(score, n, delta, threshold=threshold, side=side, strict=strict)
    known = certain(event, finite)
    if known is not None:
        return known
    above = event.level >= event.score.mean
    saddle = signed_saddle(event if above else event.mirrored())
    a = saddle.lam * math.sqrt(event.n * saddle.variance)
    tail = saddle.log_factor + _log_core(a)
    return tail if above else log_complement(tail)


def event_asked(
    score: Any, n: Any, delta: Any, *, threshold: Any, side: str, strict: Any
) -> tuple[Event, bool]:
    """Check an event that is given by one of two numbers; whether it is of a finite score."""
    if (delta is None) == (threshold is None):
        fact = "none of them" if delta is None else "delta and threshold"
        fix = "delta is a distance from the mean a letter, threshold a value of the sum."
        raise refusal("one of delta and threshold", "given", fact, fix)
    return asked(score, n, delta, threshold=threshold, side=side, strict=strict)


# --------------------------------------------------------------------------------------- theorem


def _of_the_tail(event: Event, finite: bool) -> dict[str, tuple[End, End]]:
    """Ends of the parts for a threshold from the mean up, inside the support."""
    saddle = signed_saddle(event)
    if saddle.lam < 0.0:  # at the mean, by rounding
        saddle = saddle_at(event, 0.0)
    scale = math.sqrt(event.n * saddle.variance)
    drift = event.n * (abs(saddle.drift) + saddle.drift_slack)
    drift = drift / (scale * _ROOT_2_PI) if scale > 0.0 else math.inf
    distance = _berry_esseen(event.n, saddle) + drift
    lower, upper, rounding = _log_prefactors(saddle.lam * scale, distance)
    factor = saddle.log_factor
    slack = saddle.slack + 4 * _UNIT * abs(factor)  # of the factor, and of what is added to it
    terms = {"normal law": distance, "drift": drift, "relative rounding": slack + rounding}
    found: dict[str, tuple[End, End]] = {
        "Chernoff": ((-math.inf, {}), (factor + slack, {"relative rounding": slack})),
        "prefactor": ((factor + lower - slack, terms), (factor + upper + slack, terms)),
    }
    if finite:
        found["highest atom"] = (_about(one_atom_throughout(event))[0], (0.0, {}))
    return found


def _log_prefactors(a: float, e: float) -> tuple[float, float, float]:
    """Logarithms between which E_lam[exp(-lam (S - tau)); S > tau] lies, and their rounding.

    `a` is the slope in standard deviations of the sum; `e` bounds how far the distribution function
    of the standardised sum is from the normal one anywhere. The probability G(s) of up to s above
    the threshold is then within 2 e of Phi(s) - 1/2, at most 1/2 + e and at least 0, and what is
    sought is the integral of a exp(-a s) G(s).
    """
    lower, upper, rounding = -math.inf, 0.0, 0.0
    if e < 0.25:
        s = _ROOT_2 * float(erfinv(4.0 * e))  # Q(s) = 1/2 - 2 e
        rounding = _ROUNDING * (1.0 + a * s + s * s)
        lower = _log_core(a + s) - a * s - 0.5 * s * s - rounding
    if e < 0.5:
        s = _ROOT_2 * float(erfcinv(2.0 * e))  # Q(s) = e
        beyond = math.exp(_log_core(a + s) - a * s - 0.5 * s * s)
        upper = min(0.0, math.log(2.0 * e + math.exp(_log_core(a)) - beyond) + 2 * _ROUNDING)
    return lower, upper, max(rounding, 2 * _ROUNDING)


def _log_core(a: float) -> float:
    """a^2/2 + ln Q(a) for a >= 0, without the square."""
    return math.log(0.5 * float(erfcx(a / _ROOT_2)))


def _normal(n: int, distance: float, centred: Saddle) -> tuple[End, End]:
    """Ends from the normal law, for a threshold of this distance from the mean of the sum."""
    scale = math.sqrt(n * centred.variance)
    if scale == 0.0:  # a variance that underflows
        return (-math.inf, {}), (0.0, {})
    tail = 0.5 * float(erfc(distance / (scale * _ROOT_2)))
    drift = n * centred.drift_slack / (scale * _ROOT_2_PI)
    rounding = 16 * _UNIT
    error = _berry_esseen(n, centred) + drift + rounding
    terms = {"normal law": error, "drift": drift, "rounding": rounding}
    lower = math.log(tail - error) if tail > error else -math.inf
    return (lower, terms), (math.log(tail + error), terms)


def _berry_esseen(n: int, saddle: Saddle) -> float:
    """Constant times M / (sqrt(n) sigma^3), no smaller for the rounding of its sums."""
    inflation = 1.0 + (2 * saddle.size + 40) * _UNIT
    return berry_esseen(n * saddle.third, n * saddle.variance) * inflation


def _complement(low: End, high: End) -> tuple[End, End]:
    """Ends for an event that those of its complement make, moved out by their rounding."""
    found = complement(LogInterval(low[0], high[0], {}))
    return (found.lower, high[1]), (found.upper, low[1])


def _about(value: float) -> tuple[End, End]:
    """Ends on both sides of a logarithm that is right to its last digits, or that of 0 or 1."""
    if not -math.inf < value < 0.0:
        return (value, {}), (value, {})
    low, high = around(value, value, 16 * _UNIT)
    terms = {"relative rounding": value - low}
    return (low, terms), (high, terms)


def _bounds(low: End, high: End, name: str, event: str) -> Bounds:
    return Bounds(min(0.0, low[0]), min(0.0, high[0]), name, event, {**low[1], **high[1]})
