"""How likely a sum of n scores is to be large or small, with a certificate."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Container
from typing import Any

import numpy as np

from infotheory._validation import check_choice, refusal
from infotheory.exceptions import PrecisionWarning
from infotheory.measures import Score
from infotheory.spectrum._brackets import brackets_bounds, brackets_cost
from infotheory.spectrum._events import Event, event_of, normalised
from infotheory.spectrum._exponents import certain
from infotheory.spectrum._lattice import Lattice, lattice_bounds, lattice_cost, lattice_of
from infotheory.spectrum._tilting import Tilt, tilt_of
from infotheory.spectrum._transform import transform_bounds
from infotheory.spectrum._types import number_of_types, types_bounds
from infotheory.spectrum._windows import windows_bounds, windows_cost
from infotheory.spectrum.equipartition import nep_bounds
from infotheory.spectrum.results import Bounds, LogInterval, around, complement

__all__ = ["TAIL_METHODS", "tail"]

TAIL_METHODS = ("types", "lattice", "windows", "brackets", "transform", "nep")
"""What bounds the probability of a tail, beside "auto"."""

_UNIT = 2.0**-53
_FEW_TYPES = 100_000  # counted one by one in some milliseconds
_MANY_TYPES = 10_000_000
_LONGEST = 10**12
_CLOSE = 64 * _UNIT
_LONG = 2e10  # operations of a nanosecond
_WIDE = 1e-3  # beyond this the closed forms may say more
_WHY = {
    "types": "There are too many types to go through, or letters too close for a declared tie.",
    "lattice": "Its values are on no lattice that was found (pass span= if there is one), or the "
    "sum has too many points: 'brackets' and 'nep' take no longer for larger n.",
    "windows": "A score of two values is on a lattice; others may take too long.",
    "transform": "It knows no declared ties.",
}


def tail(
    score: Score,
    n: int,
    delta: float | None = None,
    *,
    threshold: float | None = None,
    counts: Any = None,
    side: str = "right",
    strict: bool = True,
    method: str = "auto",
    width: float = 1e-9,
    span: float | None = None,
) -> Bounds:
    """Bound ln P(S_n > n (E Z + delta)) for the sum S_n of n independent scores Z, certified.

    Parameters
    ----------
    score : Score
        Law of one score, such as ``Score.entropy(p)``.
    n : int
        Number of them, up to 1e15.
    delta : float, optional
        Distance of the threshold from the mean, a letter: to the right or to the left.
    threshold : float, optional
        Instead of `delta`, the threshold of the sum S_n itself, taken to be exact; it may be
        infinite.
    counts : array_like of int, optional
        Instead of both, how often each atom of the score occurs in a sequence whose sum is the
        threshold. Ties with it are exact.
    side : {"right", "left"}, default "right"
        Whether the sum lies above the threshold, or below.
    strict : bool, default True
        Whether the threshold itself does not count.
    method : str, default "auto"
        One of `TAIL_METHODS`, listed in the notes; "auto" takes the cheapest that is narrow.
    width : float, default 1e-9
        How far apart the logarithms may be, for "brackets"; narrower takes longer.
    span : float, optional
        Distance of which all differences of values are multiples, where the score is known to lie
        on such a lattice. Simple ones are found.

    Returns
    -------
    Bounds
        Of the natural logarithm of the probability, with the method and every error allowed for.

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as described, none or several thresholds are given, the method is
        not for such a score, or a span is claimed that the values do not have.

    Warns
    -----
    PrecisionWarning
        Where n is so large that only the closed forms of :func:`nep_bounds` are left.

    Notes
    -----
    All methods look at the law tilted by exp(lam z), under which the threshold is the mean: an
    absolute error there is a relative one here, however small the probability [1]_. The law is
    that of the numbers of the score as they are, and so is the threshold: what rounding they had
    before is not known here.

    ============  ==================================================================================
    "types"       All sequences up to order, one by one. For few letters and small n.
    "lattice"     Values that are multiples of a span, by one sum or transform. Thresholds within
                  rounding of a lattice point are that point.
    "windows"     Conditioning on how often letters occur, within what is likely under the tilted
                  law: up to five letters.
    "brackets"    Functions above and below the indicator whose Fourier transform is bounded, so
                  that a finite sum gives their mean [2]_. Any alphabet, any n.
    "transform"   One Fourier transform of values rounded to a grid, with a bound on the rounding.
    "nep"         The closed forms of :func:`nep_bounds`: wide, at no cost.
    ============  ==================================================================================

    A threshold within 8 units of rounding of n times the largest or smallest value is that extreme.
    A threshold below the mean is that of the complement. Milliseconds up to a second, as a rule
    less for larger n.

    References
    ----------
    .. [1] yang2012nonasymptotic.
    .. [2] graham1981class.

    Examples
    --------
    Ten fair coins show at least nine heads with probability 11 / 1024:

    >>> import math
    >>> from infotheory.measures import Score
    >>> from infotheory.spectrum import tail
    >>> heads = Score([0.0, 1.0], [0.5, 0.5])
    >>> found = tail(heads, 10, threshold=9, strict=False)
    >>> math.log(11 / 1024) in found, found.width < 1e-12
    (True, True)
    """
    check_choice("method", method, ("auto", *TAIL_METHODS))
    event = event_of(score, n, delta, threshold=threshold, counts=counts, side=side, strict=strict)
    event, width = normalised(event), _checked_width(width)
    if span is not None:
        lattice_of(score, span)  # a wrong one is refused in the units it was given in
        span = float(np.ldexp(span, -event.exponent))
    if event.n > _LONGEST and method == "auto":
        warnings.warn(
            f"n = {event.n} is beyond {_LONGEST:.0e}, up to which rounding is allowed for: only "
            "the closed forms of nep_bounds are left.",
            PrecisionWarning,
            stacklevel=2,
        )
        method = "nep"
    known = certain(event, finite=True)
    if known is not None:
        return _as_bounds(_exactly(known), "exact", event)
    if event.threshold >= event.n * event.score.mean:
        return _as_bounds(*_right_tail(event, method, width, span), event)
    other = event.mirrored()
    found, name = _right_tail(other, method, width, span)
    return _as_bounds(complement(found), name, event)


def _checked_width(width: Any) -> float:
    if not (isinstance(width, (int, float, np.floating)) and 0.0 < width < math.inf):
        raise refusal("width", "a positive number", repr(width), "1e-9 is nine digits.")
    return float(width)


def _exactly(known: float) -> LogInterval:
    """Return the interval of a logarithm that is right to some units, or is that of 0 or of 1."""
    if not -math.inf < known < 0.0:
        return LogInterval(known, known, {"relative rounding": 0.0})
    low, high = around(known, known, 4 * _UNIT)
    return LogInterval(low, high, {"relative rounding": known - low})


def _as_bounds(found: LogInterval, method: str, event: Event) -> Bounds:
    return Bounds(found.lower, min(found.upper, 0.0), method, event.text, found.terms)


# ----------------------------------------------------------------------------------- which method


def _right_tail(
    event: Event, method: str, width: float, span: float | None
) -> tuple[LogInterval, str]:
    """Bound the probability of a threshold that is not below the mean."""
    tilt, lattice = tilt_of(event), lattice_of(event.score, span)
    ways = _ways(event, tilt, width, lattice)
    if method == "auto":
        method = _automatic(event, tilt, ways)
    if method not in ways:
        raise refusal(
            "method",
            f"one of {', '.join(map(repr, ways))} for this score and n",
            repr(method),
            _WHY[method],
        )
    found = ways[method]()
    if method != "nep" and not found.upper - found.lower <= _WIDE:
        other = ways["nep"]()
        ends = max(found.lower, other.lower), min(found.upper, other.upper)
        if ends[0] <= ends[1]:
            return LogInterval(*ends, {**found.terms, **other.terms}), f"{method} & nep"
    return found, method


def _ways(
    event: Event, tilt: Tilt, width: float, lattice: Lattice | None
) -> dict[str, Callable[[], LogInterval]]:
    """Return what can be done for an event, by name."""
    k = len(event.score)
    ways: dict[str, Callable[[], LogInterval]] = {}
    # Ties of declared counts are within so much; where letters are as close, only brackets tell.
    clear = event.counts is None or _smallest_gap(event) > _CLOSE
    if clear and number_of_types(event.n, k) <= _MANY_TYPES:
        ways["types"] = lambda: types_bounds(event, tilt)
    if lattice is not None and lattice_cost(event, tilt, lattice) <= _LONG:
        ways["lattice"] = lambda: lattice_bounds(event, tilt, lattice)
    if clear and k > 2 and windows_cost(event, tilt) <= _LONG:
        ways["windows"] = lambda: windows_bounds(event, tilt)
    ways["brackets"] = lambda: brackets_bounds(event, width=width)
    if event.counts is None:
        ways["transform"] = lambda: transform_bounds(event, tilt)
    ways["nep"] = lambda: _closed_form(event)
    return ways


def _smallest_gap(event: Event) -> float:
    """Distance of the closest two values, in units of the largest one."""
    values = event.score.values
    return float(np.diff(values).min()) / float(np.abs(values).max())


def _closed_form(event: Event) -> LogInterval:
    """Return the bounds of equipartition; a declared sum is known to the rounding of its value."""
    off = 0.0 if event.counts is None else 2 * _UNIT * abs(event.threshold)
    lower, upper = (
        nep_bounds(event.score, event.n, threshold=event.threshold + slack, strict=event.strict)
        for slack in (off, -off)
    )
    return LogInterval(lower.lower, upper.upper, {**lower.error_terms, **upper.error_terms})


def _automatic(event: Event, tilt: Tilt, ways: Container[str]) -> str:
    """Return the method that is cheapest among those that are narrow."""
    if "lattice" in ways:  # on which ties are told from their neighbours
        return "lattice"
    types = number_of_types(event.n, len(event.score))
    if types <= _FEW_TYPES and "types" in ways:
        return "types"
    costs = {
        "types": float(types),
        "windows": windows_cost(event, tilt),
        "brackets": brackets_cost(event),
    }
    return min((name for name in costs if name in ways), key=costs.__getitem__)
