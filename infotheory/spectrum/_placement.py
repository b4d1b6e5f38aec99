"""Where on a lattice a tail begins."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from infotheory._validation import refusal
from infotheory.spectrum._events import TIE, Event
from infotheory.spectrum._exponents import certain
from infotheory.spectrum._lattice import lattice_of
from infotheory.spectrum.equipartition import event_asked

__all__ = ["Tail", "placed", "tail_of"]

_UNIT = 2.0**-53


class Tail(NamedTuple):
    """A right tail that begins at a point of the lattice, if there is one."""

    event: Event
    finite: bool
    span: float  # 0 without a lattice
    known: float | None


def tail_of(score: Any, n: Any, delta: Any, span: float | None, options: dict[str, Any]) -> Tail:
    event, finite = event_asked(score, n, delta, **options)
    if span is not None and not finite:
        raise refusal("span", "None for a law without atoms", repr(span), "Leave it out.")
    if span is not None:
        lattice_of(score, span)  # a wrong one is refused in the units it was given in
        span = float(np.ldexp(span, -event.exponent))
    return placed(event, finite, span)


def placed(event: Event, finite: bool, span: float | None) -> Tail:
    """Move the threshold up to the first point of the lattice that belongs to the event.

    The span is in the units of the event.
    """
    known = certain(event, finite)
    if span is None or known is not None:
        return Tail(event, finite, 0.0, known)
    lattice = lattice_of(event.score, span=span)
    assert lattice is not None  # a span that is declared is confirmed or refused
    score, n = event.score, event.n
    place = (event.threshold - n * lattice.origin) / lattice.span
    size = abs(event.threshold) + n * max(abs(score.minimum), abs(score.maximum))
    nearest = round(place)
    if abs(place - nearest) * lattice.span <= TIE * _UNIT * size:
        first = nearest + 1 if event.strict else nearest
    else:
        first = math.ceil(place)
    start = n * lattice.origin + lattice.span * first
    moved = dataclasses.replace(event, threshold=start, strict=False)
    return Tail(moved, finite, lattice.span, certain(moved, finite))
