"""Sums and products without rounding error, as a double and what it lacks."""

from __future__ import annotations

import math

from infotheory._jit import kernel

__all__ = ["fraction", "two_product", "two_sum"]

_SPLITTER = 134217729.0  # 2^27 + 1


@kernel
def two_sum(a: float, b: float) -> tuple[float, float]:
    """Rounded sum of two numbers and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@kernel
def two_product(a: float, b: float) -> tuple[float, float]:
    """Rounded product of two numbers of a size below 1e290, and its error."""
    product = a * b
    scaled = _SPLITTER * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    scaled = _SPLITTER * b
    b_high = scaled - (scaled - b)
    b_low = b - b_high
    rest = ((product - a_high * b_high) - a_low * b_high) - a_high * b_low
    return product, a_low * b_low - rest


@kernel
def fraction(j: float, high: float, low: float) -> float:
    """Distance of j (high + low) from the nearest whole number, with its sign.

    For a whole j < 2^52 and numbers of a size of at most one half, it is right to one rounding of
    its own and j 2^-105.
    """
    product, lacking = two_product(j, high)
    return (product - math.floor(product + 0.5)) + (lacking + j * low)
