"""Comparisons of certified bounds with exact values."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from infotheory._validation import refusal
from infotheory.measures import Score

__all__ = ["assert_brackets"]


class _Interval(Protocol):
    @property
    def lower(self) -> float: ...

    @property
    def upper(self) -> float: ...


def assert_brackets(
    bounds: _Interval,
    exact: float,
    *,
    slack: float = 0.0,
    ceiling: float = math.inf,
    **case: Any,
) -> None:
    """Assert that bounds on the logarithm of a probability hold its exact value.

    Parameters
    ----------
    bounds : Bounds
        Or anything with a `lower` and an `upper` end, natural logarithms.
    exact : float
        Natural logarithm of the exact probability: probabilities themselves underflow, so that
        every lower bound below 1e-308 would look violated. Minus infinity for an impossible event.
    slack : float, default 0.0
        How far off `exact` itself may be.
    ceiling : float, optional
        Largest width that passes, so that [-inf, 0] does not.
    **case : Any
        What the bounds were made from, by name. A failure prints it as Python code that makes it
        again.

    Raises
    ------
    AssertionError
        If the value is outside, by how much; if the interval is wider than the ceiling; or if an
        end is not a number.
    ValueError
        If `exact` is no logarithm of a probability.

    Notes
    -----
    The failing side is named with its distance in nats, and with the errors that the bounds say
    they allow for.

    References
    ----------
    .. [1] yang2012nonasymptotic.

    Examples
    --------
    >>> import math
    >>> from infotheory.spectrum import Bounds
    >>> from infotheory.testing import assert_brackets
    >>> half = Bounds(-0.7, -0.6, "by hand", "P(heads)")
    >>> assert_brackets(half, math.log(0.5))
    >>> assert_brackets(half, math.log(0.25), p=[0.25, 0.75])
    Traceback (most recent call last):
        ...
    AssertionError: ln P(heads) = -1.3862943611198906 is 0.686 below the lower end of [-0.7, -0.6]
    method: by hand
    replay: p = [0.25, 0.75]
    """
    exact = float(exact)
    if not exact <= slack:
        raise refusal(
            "exact",
            "the logarithm of a probability, at most 0",
            f"{exact:g}",
            "Pass math.log of it.",
        )
    lower, upper = float(bounds.lower), float(bounds.upper)
    fault = _fault(lower, upper, exact, slack, ceiling)
    if fault is None:
        return
    lines = [f"ln {getattr(bounds, 'event', 'P')} = {exact!r} {fault} [{lower!r}, {upper!r}]"]
    method = getattr(bounds, "method", None)
    if method is not None:
        lines.append(f"method: {method}")
    errors = getattr(bounds, "error_terms", None) or getattr(bounds, "terms", None)
    if errors:
        listed = ", ".join(f"{name} {float(size):.3g}" for name, size in errors.items())
        lines.append(f"errors allowed for: {listed}")
    if case:
        lines.append("replay: " + "; ".join(f"{name} = {_code(v)}" for name, v in case.items()))
    raise AssertionError("\n".join(lines))


def _fault(lower: float, upper: float, exact: float, slack: float, ceiling: float) -> str | None:
    """Say what is wrong, if anything is."""
    if math.isnan(lower) or math.isnan(upper):
        return "has an end that is not a number in"
    if exact < lower - slack:
        return f"is {lower - exact:.3g} below the lower end of"
    if exact > upper + slack:
        return f"is {exact - upper:.3g} above the upper end of"
    width = 0.0 if lower == upper else upper - lower
    if width > ceiling:
        return f"is inside, but {width:.3g} is wider than the ceiling of {ceiling:g} in"
    return None


def _code(value: Any) -> str:
    """Write a value as Python code that makes it again; the law of a score is normalised anew."""
    if isinstance(value, Score):
        values, logs = value.values.tolist(), value.log_probabilities.tolist()
        return f"Score({values!r}, {logs!r}, kind='log_probs')"
    if isinstance(value, (np.ndarray, np.generic)):
        return repr(value.tolist())
    return repr(value)
