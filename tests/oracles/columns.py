"""Entropy and mutual information of lists of symbols, and texts cut by hand. Slow and obvious."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

SMALL = "abcdefghijklmnopqrstuvwxyzäöüéèëß"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜÉÈËẞ"


def entropy(symbols: Sequence[Hashable]) -> float:
    """Plug-in entropy in nats."""
    n = len(symbols)
    return math.fsum(-c / n * math.log(c / n) for c in Counter(symbols).values())


def mutual_information(
    x: Sequence[Hashable], y: Sequence[Hashable], z: Sequence[Hashable] | None = None
) -> float:
    """Plug-in I(X;Y) or I(X;Y|Z) in nats: the mean of the logarithm of a ratio of shares."""
    strata = [0] * len(x) if z is None else z
    triples = Counter(zip(x, y, strata, strict=True))
    first = Counter(zip(x, strata, strict=True))
    second = Counter(zip(y, strata, strict=True))
    alone = Counter(strata)
    return math.fsum(
        count / len(x) * math.log(count * alone[c] / (first[a, c] * second[b, c]))
        for (a, b, c), count in triples.items()
    )


def letters(text: str) -> list[str]:
    """The letters of a text, small, of the alphabet above."""
    found = []
    for character in text:
        for small, capital in zip(SMALL, CAPITALS, strict=True):
            if character in {small, capital}:
                found.append(small)
    return found


def words(text: str) -> list[str]:
    """Runs of these letters; an apostrophe between two letters belongs to its word."""
    found = [""]
    for place, character in enumerate(text):
        small = letters(character)
        between = (
            character in "'’"
            and 0 < place < len(text) - 1
            and bool(letters(text[place - 1]))
            and bool(letters(text[place + 1]))
        )
        if small or between:
            found[-1] += small[0] if small else character
        else:
            found.append("")
    return [word for word in found if word]
