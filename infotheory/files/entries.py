"""Entries of columns: what is written in a text, and the numbers of symbols as they come."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from infotheory._typing import FloatArray, IntArray

__all__ = [
    "MISSING",
    "Book",
    "NotANumberError",
    "NotWholeError",
    "WholeNumbers",
    "as_it_is",
    "content",
    "numbers",
    "padded",
    "place_of",
    "present",
]

MISSING = -1
"""The number of an entry that is not there."""


_PADDED = re.compile(r"\s*[+-]?0\d+\s*")


class NotWholeError(Exception):
    """A fractional number among whole ones; the text is the entry."""


class NotANumberError(Exception):
    """A text among measurements; the text is the entry."""


def _number(text: str) -> int | float | None:
    """Return the number that a text is, whole ones as integers; None where it is none."""
    if "_" in text or padded(text):  # which Python would allow
        return None
    try:
        return int(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            return None
    return int(value) if value.is_integer() else value


def padded(text: str) -> bool:
    """Tell whether a text is a whole number with leading zeros, a postcode say."""
    return _PADDED.fullmatch(text) is not None


def content(entries: Sequence[str], missing: Sequence[str]) -> tuple[str, bool]:
    """Return what a column holds instead of symbols, or nothing, and whether it is of numbers.

    It is of numbers where they are the majority: fractional ones are measurements then, and with
    leading zeros they are names. Among texts a few numbers are names like any other.
    """
    rows = [(row, text) for row, text in enumerate(entries) if text.strip() and text not in missing]
    values = [_number(text) for _, text in rows]
    odd = [n for n, v in enumerate(values) if isinstance(v, float) and not math.isnan(v)]
    texts = [n for n, v in enumerate(values) if v is None]
    n_numbers = len(odd) + sum(isinstance(v, int) for v in values)
    if texts and len(texts) >= n_numbers:
        return "", False
    if odd:
        fact = place_of(*rows[odd[0]])
        if texts:
            row, text = rows[texts[0]]
            fact += f" beside {text!r} at row {row} (is it a missing entry?)"
        return fact, False
    return "", not any(padded(rows[n][1]) for n in texts)


def place_of(row: int, text: str) -> str:
    """Return the words for an entry and its row."""
    return f"{text.strip()} at row {row}"


def numbers(entries: Sequence[str], missing: Sequence[str]) -> FloatArray:
    """Return measurements as doubles, with nan for what is missing; other texts are refused."""
    gaps = frozenset(missing)
    return np.fromiter((_measured(text, gaps) for text in entries), np.float64, len(entries))


def _measured(text: str, gaps: frozenset[str]) -> float:
    if text in gaps or not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise NotANumberError(text) from None
    if "_" in text:  # which Python would allow
        raise NotANumberError(text)
    return value


class WholeNumbers:
    """The symbols of entries among whole numbers.

    Attributes
    ----------
    text : str
        The first entry that is no number, and a symbol all the same; empty if there is none.
    """

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, text: str) -> int | str | None:
        """Return the symbol of an entry; a fractional one is refused."""
        value = _number(text)
        if isinstance(value, float):
            if math.isnan(value):
                return None
            raise NotWholeError(text)
        if value is not None or present(text) is None:
            return value
        self.text = self.text or text
        return text


def present(text: str) -> str | None:
    """Return the text, or None for one with nothing on it."""
    return text if text.strip() else None


def as_it_is(entry: Hashable) -> Hashable:
    """Return the entry."""
    return entry


class Book(dict[Any, int]):
    """The numbers of entries, given as they come.

    Parameters
    ----------
    symbol_of : callable, optional
        The symbol that an entry stands for, None where it is missing; by default itself.
    missing : iterable
        Entries that are missing.
    """

    def __init__(
        self,
        symbol_of: Callable[[Any], Hashable] = as_it_is,
        missing: Sequence[Hashable] = (),
    ) -> None:
        super().__init__(dict.fromkeys(missing, MISSING))
        self._symbol_of = symbol_of
        self._numbers: dict[Hashable, int] = {None: MISSING}

    def __missing__(self, entry: Any) -> int:
        symbol = self._symbol_of(entry)
        number = self[entry] = self._numbers.setdefault(symbol, len(self._numbers) - 1)
        return number

    @property
    def symbols(self) -> list[Any]:
        """The symbols in the order of their numbers."""
        return list(self._numbers)[1:]

    def numbers(self, entries: Sequence[Any]) -> IntArray:
        """Return the number of each entry."""
        return np.fromiter(map(self.__getitem__, entries), np.int64, len(entries))
