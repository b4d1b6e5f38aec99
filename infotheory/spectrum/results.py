"""What a bound on a probability is returned as."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Bounds", "LogInterval", "complement", "log_complement"]

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


def log_complement(log_p: float) -> float:
    """Return ln(1 - exp(log_p)), right to some units of itself."""
    if log_p >= 0.0:
        return -math.inf
    if log_p > -math.log(2.0):
        return math.log(-math.expm1(log_p))
    return math.log1p(-math.exp(log_p))


def complement(other: LogInterval) -> LogInterval:
    """Bound ln(1 - P)."""
    low, high = (log_complement(end) for end in (other.upper, other.lower))
    # A logarithm that underflows to zero is below zero.
    low = math.nextafter(low * (1.0 + _ROUNDING), -math.inf)
    return LogInterval(low, high * (1.0 - _ROUNDING), other.terms)


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
