"""Checks of sequences of symbols, and of the tables that are counted from them."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import as_array, refusal

__all__ = [
    "as_sequence",
    "check_alpha",
    "check_order",
    "check_size",
    "check_symbols",
    "find",
    "integers",
    "shown_size",
]

_MOST_BYTES = 2**31  # of a table; what computes with it holds some copies
_MOST_SYMBOLS = 100_000_000
_LEAST_ALPHA, _MOST_ALPHA = 1e-9, 1e9


def integers(argument: str, value: Any) -> IntArray:
    """Return an array of integers."""
    array = as_array(value, argument)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(
            str(
                refusal(
                    argument,
                    "integers",
                    f"dtype {array.dtype}",
                    "np.unique(list(text), return_inverse=True)[1] numbers the letters of a text.",
                )
            )
        )
    return array.astype(np.int64)


def as_sequence(sequence: Any, n_symbols: int | None) -> IntArray:
    """Return symbols one after the other, one at least."""
    symbols = integers("sequence", sequence)
    if symbols.ndim != 1 or not symbols.size:
        raise refusal("sequence", "1-dimensional, of one symbol at least", f"shape {symbols.shape}")
    check_symbols("sequence", symbols, n_symbols)
    return symbols


def check_symbols(argument: str, symbols: IntArray, n_symbols: int | None) -> None:
    """Refuse what is no symbol; the largest integers count as negative ones."""
    most = _MOST_SYMBOLS if n_symbols is None else n_symbols
    wrong = (symbols < 0) | (symbols >= most)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise refusal(
            argument,
            f"of symbols from 0 to {most - 1:,}",
            f"{symbols[place]} at {argument}[{', '.join(map(str, place))}]",
            "n_symbols is the size of the alphabet of all sequences.",
        )


def check_order(order: Any, n: int) -> int:
    """Return how many symbols the next one depends on, fewer than there are."""
    whole = isinstance(order, (int, np.integer)) and not isinstance(order, bool)
    if not (whole and 0 <= order < n):
        raise refusal(
            "order",
            f"a whole number from 0 to {n - 1}, for a sequence of {n}",
            repr(order),
            "The n-grams of text are those of order n - 1.",
        )
    return int(order)


def check_alpha(alpha: Any) -> float:
    """Return what is added to a count: nothing, or so much that its quotients keep their digits."""
    number = isinstance(alpha, Real) and not isinstance(alpha, bool)
    if not (number and (alpha == 0 or _LEAST_ALPHA <= alpha <= _MOST_ALPHA)):
        raise refusal(
            "alpha",
            f"0 or a number from {_LEAST_ALPHA:g} to {_MOST_ALPHA:g}",
            repr(alpha),
            "0.5 is a usual choice.",
        )
    return float(alpha)


def check_size(argument: str, numbers: int, fix: str) -> None:
    """Refuse a table of so many numbers that it would not fit into memory."""
    if 8 * numbers > _MOST_BYTES:
        raise refusal(
            argument,
            f"such that a table takes at most {shown_size(_MOST_BYTES)}",
            f"one of {shown_size(8 * numbers)}",
            f"Take {fix}.",
        )


def shown_size(size: int) -> str:
    """Bytes as in print: 3.2 GiB; of what no machine has, the power of two."""
    digits = math.floor(math.log2(size))
    power = digits // 10
    if power > 4:
        return f"2^{digits} bytes"
    return f"{size / 2.0 ** (10 * power):.3g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def find(table: IntArray, keys: IntArray) -> IntArray:
    """Return the places of keys in a sorted table, -1 for those that are not there."""
    places = np.minimum(np.searchsorted(table, keys), table.size - 1)
    return np.where(table[places] == keys, places, -1)
