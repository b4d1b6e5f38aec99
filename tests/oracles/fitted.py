"""Markov sources fitted by counting in dictionaries, one symbol at a time, in fractions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction


def counted(sequence: Sequence[int], order: int) -> Counter[tuple[int, ...]]:
    """How often each symbol follows the `order` symbols before it."""
    ends = range(order, len(sequence))
    return Counter(tuple(sequence[end - order : end + 1]) for end in ends)


def _behind(grams: Counter[tuple[int, ...]], context: tuple[int, ...]) -> Counter[int]:
    """How often each symbol was seen behind a context, as long as that of the rows or shorter."""
    found: Counter[int] = Counter()
    for gram, count in grams.items():
        before = gram[:-1]
        if before[len(before) - len(context) :] == context:
            found[gram[-1]] += count
    return found


def witten_bell(
    grams: Counter[tuple[int, ...]], context: tuple[int, ...], symbol: int, n_symbols: int
) -> Fraction:
    """P(symbol | context), mixed with that behind the context without its oldest symbol."""
    if context:
        shorter = witten_bell(grams, context[1:], symbol, n_symbols)
    else:
        shorter = Fraction(1, n_symbols)
    seen = _behind(grams, context)
    if not seen:
        return shorter
    return (seen[symbol] + len(seen) * shorter) / (sum(seen.values()) + len(seen))


def additive(
    grams: Counter[tuple[int, ...]],
    context: tuple[int, ...],
    symbol: int,
    n_symbols: int,
    alpha: Fraction,
) -> Fraction:
    """P(symbol | context), where each symbol was seen alpha times more."""
    seen = _behind(grams, context)
    if not seen:
        return Fraction(1, n_symbols)
    return (seen[symbol] + alpha) / (sum(seen.values()) + alpha * n_symbols)
