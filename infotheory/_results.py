"""What estimates are returned as."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from infotheory._typing import FloatArray

__all__ = ["Estimate", "Interval", "unit_name"]


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


class Estimate(float):
    """An estimate from samples: a float that also knows how certain it is.

    Arithmetic gives plain floats. An estimate cannot be changed.

    Parameters
    ----------
    value : float
        The estimate, in the unit of `base`.
    interval : Interval
        Its standard error and confidence interval, in the same unit.
    n : int
        Number of samples it rests on.
    method : str
        How it was made; never ``"auto"``.
    base : float, optional
        Base of the logarithm; nats by default.
    n_symbols : int, optional
        Size of the alphabet, where it was known.
    p_value : float, optional
        Of a test that the quantity is zero, where one was asked for.
    warnings : tuple of str
        What to know before relying on it.
    local : ndarray of float, shape (n,), optional
        What each sample contributes: the estimate is their mean. None where there is no such part.
    null_distribution : ndarray of float, optional
        Estimates from permuted samples, where a p-value was asked for and they were kept.
    """

    interval: Interval
    n: int
    method: str
    base: float | None
    n_symbols: int | None
    p_value: float | None
    warnings: tuple[str, ...]
    local: FloatArray | None
    null_distribution: FloatArray | None

    def __new__(
        cls,
        value: float,
        *,
        interval: Interval,
        n: int,
        method: str,
        base: float | None = None,
        n_symbols: int | None = None,
        p_value: float | None = None,
        warnings: tuple[str, ...] = (),
        local: FloatArray | None = None,
        null_distribution: FloatArray | None = None,
    ) -> Self:
        """Make a float with its particulars."""
        self = super().__new__(cls, value)
        self.__dict__.update(
            interval=interval,
            n=n,
            method=method,
            base=base,
            n_symbols=n_symbols,
            p_value=p_value,
            warnings=warnings,
            local=local,
            null_distribution=null_distribution,
        )
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[float], dict[str, Any]]:
        return (float(self),), dict(self.__dict__)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an Estimate cannot be changed; {name!r} was to be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an Estimate cannot be changed; {name!r} was to be deleted")

    @property
    def value(self) -> float:
        """The estimate as a plain float."""
        return float(self)

    @property
    def standard_error(self) -> float:
        """Standard deviation of the estimate from sample to sample."""
        return self.interval.standard_error

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.interval.low

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.interval.high

    @property
    def level(self) -> float:
        """Confidence level of the interval."""
        return self.interval.level

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but arrays as plain values, for a table or for JSON."""
        return {
            "value": self.value,
            "standard_error": self.standard_error,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "interval_method": self.interval.method,
            "n": self.n,
            "n_symbols": self.n_symbols,
            "method": self.method,
            "base": self.base,
            "p_value": self.p_value,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        text = f"{self.value:.6g} {self.unit}"
        if not math.isnan(self.low):
            text += f", {100 * self.level:g} % [{self.low:.6g}, {self.high:.6g}]"
        text += f", {self.method}, n={self.n}"
        return text if self.p_value is None else f"{text}, p={self.p_value:.3g}"

    def __repr__(self) -> str:
        return f"Estimate({self})"

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)

    def _repr_html_(self) -> str:
        rows = {
            "estimate": f"{self.value:.6g} {self.unit}",
            f"{100 * self.level:g} % interval": f"[{self.low:.6g}, {self.high:.6g}]",
            "standard error": f"{self.standard_error:.3g} ({self.interval.method})",
            "method": self.method,
            "samples": f"{self.n:,}",
        }
        if self.p_value is not None:
            rows["p-value"] = f"{self.p_value:.3g}"
        if self.warnings:
            rows["warnings"] = " ".join(self.warnings)
        cells = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
            for name, text in rows.items()
        )
        return f"<table>{cells}</table>"


def unit_name(base: float | None) -> str:
    """Name the unit of information whose logarithm has this base."""
    if base is None:
        return "nats"
    return "bits" if base == 2 else f"base {base:g}"
