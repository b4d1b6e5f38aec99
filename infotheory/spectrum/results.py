"""What a bound on a probability is returned as."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, overload

import numpy as np

from infotheory._typing import FloatArray

__all__ = ["Bounds", "LogInterval", "around", "complement", "log_complement"]

_ROUNDING = 16 * 2.0**-53  # of a logarithm of a difference, relatively


class LogInterval(NamedTuple):
    """Logarithms between which that of a probability lies, and what they allow for.

    Attributes
    ----------
    lower, upper : float
        Natural logarithms; minus infinity for nothing at all.
    terms : dict of str to float
        Sizes of the errors that the ends hold already, by name.
    """

    lower: float
    upper: float
    terms: dict[str, float]


@overload
def log_complement(log_p: float) -> float: ...
@overload
def log_complement(log_p: FloatArray) -> FloatArray: ...
def log_complement(log_p: float | FloatArray) -> float | FloatArray:
    """Return ln(1 - exp(log_p)), right to some units of itself, or of the least of doubles."""
    logs = np.minimum(log_p, 0.0)
    near = logs > -math.log(2.0)
    with np.errstate(divide="ignore"):
        below = np.log(-np.expm1(np.where(near, logs, -1.0)))
    # Adding 0 makes the logarithm of 1 zero, not minus zero.
    found = np.where(near, below, np.log1p(-np.exp(np.where(near, -1.0, logs))) + 0.0)
    return found if found.ndim else float(found)


def around(low: float, high: float, relative: float) -> tuple[float, float]:
    """Move ends of an interval of logarithms apart, by a part of themselves and by a double.

    The latter is for those that nearly underflow, of which no part is left.
    """
    lower = math.nextafter(low - relative * abs(low), -math.inf) if low > -math.inf else low
    upper = math.nextafter(high + relative * abs(high), math.inf) if high > -math.inf else high
    return lower, min(upper, 0.0)


def complement(other: LogInterval) -> LogInterval:
    """Bound ln(1 - P)."""
    low, high = log_complement(other.upper), log_complement(other.lower)
    return LogInterval(*around(low, high, _ROUNDING), other.terms)


@dataclass(frozen=True)
class Bounds:
    """An interval that holds the logarithm of a probability.

    Attributes
    ----------
    lower, upper : float
        Natural logarithms of the bounds on the probability; minus infinity where it may be zero.
    method : str
        How they were found.
    event : str
        Of what, as text.
    error_terms : mapping of str to float
        Every error that the ends allow for, by name, with its size: of the logarithm for those
        named "relative ...", of the probability in units of the leading factor for the others.
    certified : bool
        Whether the interval is proved to hold the value; approximations are not.
    """

    lower: float
    upper: float
    method: str
    event: str
    error_terms: Mapping[str, float] = field(default_factory=dict)
    certified: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "error_terms", MappingProxyType(dict(self.error_terms)))

    @property
    def width(self) -> float:
        """How far the logarithms are apart; infinite where the lower one is minus infinity."""
        return 0.0 if self.lower == self.upper else self.upper - self.lower

    @property
    def probability(self) -> tuple[float, float]:
        """The bounds themselves, which underflow below 1e-308."""
        return math.exp(self.lower), math.exp(self.upper)

    def __contains__(self, log_probability: float) -> bool:
        return self.lower <= log_probability <= self.upper

    def __and__(self, other: Bounds) -> Bounds:
        """Return what both say of the same event."""
        if self.event != other.event:
            raise ValueError(
                f"bounds must be of the same event; got {self.event} and {other.event}. Intersect "
                "bounds that come from the same threshold, side and n."
            )
        methods = dict.fromkeys([*self.method.split(" & "), *other.method.split(" & ")])
        return Bounds(
            max(self.lower, other.lower),
            min(self.upper, other.upper),
            " & ".join(methods),
            self.event,
            {**self.error_terms, **other.error_terms},
            self.certified and other.certified,
        )

    def __str__(self) -> str:
        name = "" if self.certified else ", not certified"
        return f"ln {self.event} in [{self.lower:.12g}, {self.upper:.12g}] ({self.method}{name})"
