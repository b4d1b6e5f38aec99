"""What estimates are returned as."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Interval"]


@dataclass(frozen=True)
class Interval:
    """An estimate with a confidence interval, in the unit of the estimate.

    Attributes
    ----------
    estimate : float
        The plug-in value. The interval need not be centred on it: see `bias`.
    low, high : float
        Ends of the interval; nan where it is not defined.
    standard_error : float
        Of the estimate, bias correction included.
    level : float
        Confidence level, 0.95 say.
    method : str
        How it was formed.
    bias : float
        Estimated bias of `estimate`, which the interval corrects.
    """

    estimate: float
    low: float
    high: float
    standard_error: float
    level: float
    method: str
    bias: float = 0.0

    @property
    def corrected(self) -> float:
        """The estimate less its bias."""
        return self.estimate - self.bias

    @property
    def width(self) -> float:
        """How far the ends are apart."""
        return self.high - self.low

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.estimate:.6g} [{self.low:.6g}, {self.high:.6g}]"

    def scaled(self, unit: float) -> Interval:
        """Return the same interval in a unit that is `unit` times as large."""
        return Interval(
            self.estimate / unit,
            self.low / unit,
            self.high / unit,
            self.standard_error / unit,
            self.level,
            self.method,
            self.bias / unit,
        )
