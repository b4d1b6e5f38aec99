"""Terms that do not cancel, for quantities that may be close to zero.

Plain formulas are differences of large numbers there. Each of these is a sum of terms that are at
least zero, so the sum has as many good digits as its terms.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from infotheory._typing import FloatArray, IntArray

__all__ = [
    "LEAST",
    "as_rows",
    "dots",
    "entropies_of_masses",
    "excess",
    "of_rows",
    "refined",
    "relative_entropy_terms",
    "rows_at_once",
    "two_product",
]

LEAST = 1e-290
"""Below this a double has lost digits to underflow, which its logarithm may still have."""

# A plain formula is off by some units of rounding of the entropies it subtracts. Just above this
# many nats, up to 4e-13 of the result have been seen for a hundred thousand symbols, and 2e-14 for
# a thousand.
_ENOUGH = 0.05

_PIECE = 512  # numbers added one by one


# Temporaries of more than 128 KiB are mapped and unmapped each time, which costs more than the
# arithmetic.
_NUMBERS_AT_ONCE = 1 << 13


def rows_at_once(width: int) -> int:
    """How many rows of so many numbers are worked on at a time where temporaries are many."""
    return max(1, _NUMBERS_AT_ONCE // width)


def refined(quick: FloatArray, careful: Callable[[IntArray], FloatArray], width: int) -> FloatArray:
    """Replace the rows of `quick` that are small or nan by `careful` of their numbers.

    A row has `width` numbers.
    """
    rows = np.flatnonzero(~(quick > _ENOUGH))
    step = rows_at_once(width)
    for start in range(0, rows.size, step):
        part = rows[start : start + step]
        quick[part] = careful(part)
    return quick


def as_rows(values: FloatArray) -> FloatArray:
    """Make one axis of all but the first."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def dots(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sums of a b over all axes but the first, on which they broadcast.

    Numbers are added one by one (einsum, the fastest) in pieces, and the pieces in pairs: the error
    of a sum of many would grow with their number.
    """
    a, b = as_rows(a), as_rows(b)
    whole = a.shape[1] // _PIECE * _PIECE if a.shape[1] > 2 * _PIECE else 0
    sums: FloatArray = np.einsum("ij,ij->i", a[:, whole:], b[:, whole:])
    if whole:
        pieces = (x[:, :whole].reshape(len(x), -1, _PIECE) for x in (a, b))
        sums += np.einsum("ijk,ijk->ij", *pieces).sum(axis=1)
    return sums


def of_rows(values: FloatArray, rows: IntArray | slice) -> FloatArray:
    """Return these rows; a single row stands for every row of a batch."""
    return values if len(values) == 1 else values[rows]


def entropies_of_masses(masses: FloatArray) -> FloatArray:
    """T H(m / T) for masses m along the last axis with sum T; 0 where there are none.

    The largest share is one less the others: its logarithm is taken from them.
    """
    place = np.expand_dims(masses.argmax(axis=-1), -1)
    largest = np.take_along_axis(masses, place, axis=-1)
    others = masses.copy()
    np.put_along_axis(others, place, 0.0, axis=-1)
    rest = others.sum(axis=-1, keepdims=True)
    logs = np.log(np.where(others > 0, others, 1.0))
    total = np.where(largest > 0, largest + rest, 1.0)
    products = (others * np.where(others > 0, np.log(total) - logs, 0.0)).sum(axis=-1)
    sure = largest * np.log1p(rest / np.where(largest > 0, largest, 1.0))
    result: FloatArray = products + sure[..., 0]
    return result


def excess(u: FloatArray) -> FloatArray:
    """Return u - ln(1 + u) for |u| of at most 1/2, to some units of rounding of itself."""
    # With r = u / (2 + u), ln(1 + u) = 2 artanh(r) = 2 r + 2 r^3 / 3 + 2 r^5 / 5 + ..., and
    # u - 2 r = r u. For |u| < 1/8 the term after the last is below 4e-17 of |u|.
    r = u / (2.0 + u)
    square = r * r
    tail = np.full_like(u, 1.0 / 13.0)
    for odd in (11.0, 9.0, 7.0, 5.0, 3.0):
        tail = tail * square + 1.0 / odd
    return np.where(np.abs(u) < 0.125, r * (u - 2.0 * square * tail), u - np.log1p(u))


def relative_entropy_terms(
    p: FloatArray, q: FloatArray, difference: FloatArray, log_ratio: FloatArray
) -> FloatArray:
    """Return p ln(p/q) - p + q, which is at least 0.

    The `difference` is q - p: it decides where q is close to p. The `log_ratio`, ln(q/p), decides
    elsewhere; it is minus infinity where p has mass and q has none, and may be nan where neither
    has.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        u = difference / p
        near = np.abs(u) <= 0.5
        far = difference - p * log_ratio
    close = p * excess(np.where(near, u, 0.0))
    terms = np.where(p > 0, np.where(near, close, far), q)
    return np.where(np.isneginf(log_ratio), np.inf, terms)


def two_product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a b as two numbers: the rounded product and, but for underflow, what it lacks."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    lack = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return product, lack


def _halves(a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Split (Veltkamp) into a part of 26 bits and a rest of 26; |a| must be below 1e300."""
    scaled = 134217729.0 * a  # 2^27 + 1
    high = scaled - (scaled - a)
    return high, a - high
