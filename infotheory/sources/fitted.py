"""Markov sources of any order, fitted to a sequence by counting what follows what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import check_base, check_choice, check_count, refusal
from infotheory.sources._sequences import (
    as_sequence,
    check_alpha,
    check_order,
    check_size,
    check_symbols,
    find,
    integers,
    shown_size,
)
from infotheory.sources.markov import MarkovChain
from infotheory.sources.source import Source

__all__ = ["SMOOTHINGS", "MarkovSource", "fit_markov"]

SMOOTHINGS = ("witten-bell", "additive")
"""How :func:`fit_markov` gives a probability to what has not been seen."""

_MOST_STATES = 2048  # of a chain of contexts: some seconds for its entropy rate


class _Level(NamedTuple):
    """What was counted behind contexts of one length; a context is a number."""

    contexts: IntArray  # sorted: number of the shorter context times K, plus the symbol before it
    pairs: IntArray  # sorted: number of the context times K, plus the symbol after it
    counts: FloatArray  # of the pairs
    totals: FloatArray  # of the contexts
    distinct: FloatArray  # how many symbols were seen behind each context


@dataclass(frozen=True, eq=False, repr=False)
class MarkovSource(Source[IntArray]):
    """Symbols 0, ..., K - 1, the next of which depends on the last few; from counts.

    Made by :func:`fit_markov`. ``sample(n)`` gives one path of n symbols; ``information(sequence)``
    is -ln p of each symbol of a sequence. The first symbols, which have fewer before them, follow
    the source of that lower order.

    Attributes
    ----------
    grams : array_like of int, shape (m, k + 1)
        Different rows of k symbols, the oldest first, and the symbol that came next; k is the
        order.
    counts : array_like of int, shape (m,)
        How often each row was seen, at least once.
    n_symbols : int
        Size K of the alphabet.
    smoothing : {"witten-bell", "additive"}
        As for :func:`fit_markov`.
    alpha : float
        As for :func:`fit_markov`.

    Raises
    ------
    ValueError, TypeError
        If rows repeat or hold other numbers than symbols, a count is not positive, or an option is
        not as described.

    Notes
    -----
    Shorter contexts are counted in the same rows. Contexts that were not seen take no room: O(m k)
    memory.

    References
    ----------
    .. [1] shannon1948mathematical, section 3.

    Examples
    --------
    After 0 came 1 three times out of three, and 0 every time after 1:

    >>> from infotheory.sources import MarkovSource
    >>> source = MarkovSource([[0, 1], [1, 0]], [3, 3], 2, smoothing="additive", alpha=1)
    >>> source.conditional_probabilities([[0], [1]]).tolist()
    [[0.2, 0.8], [0.8, 0.2]]
    """

    grams: Any
    counts: Any
    n_symbols: int
    smoothing: str = "witten-bell"
    alpha: float = 0.5

    def __post_init__(self) -> None:
        k = check_count("n_symbols", self.n_symbols)
        check_choice("smoothing", self.smoothing, SMOOTHINGS)
        grams = integers("grams", self.grams)
        if grams.ndim != 2 or not grams.size:
            raise refusal("grams", "a matrix, one row of symbols each", f"shape {grams.shape}")
        check_symbols("grams", grams, k)
        counts = integers("counts", self.counts)
        if counts.shape != grams.shape[:1]:
            raise refusal("counts", f"have one entry a row ({len(grams)})", f"shape {counts.shape}")
        if counts.min() < 1:
            row = int(counts.argmin())
            raise refusal(
                "counts", "positive", f"{counts[row]} at row {row}", "Leave that row out."
            )
        self._keep(grams=grams, counts=counts, n_symbols=k, alpha=check_alpha(self.alpha))
        if self._levels[-1].pairs.size < len(grams):
            raise refusal("grams", "different rows", "one that repeats", "Add up their counts.")

    @property
    def order(self) -> int:
        """How many symbols the next one depends on."""
        return int(self.grams.shape[1]) - 1

    @cached_property
    def _levels(self) -> tuple[_Level, ...]:
        """Counts behind contexts of 0, 1, ..., `order` symbols."""
        weights = self.counts.astype(np.float64)
        numbers, levels = np.zeros(len(self.grams), dtype=np.int64), []
        for length in range(self.order + 1):
            contexts = np.zeros(1, dtype=np.int64)
            if length:
                keys = numbers * self.n_symbols + self.grams[:, -1 - length]
                contexts, numbers = np.unique(keys, return_inverse=True)
            pairs, place = np.unique(
                numbers * self.n_symbols + self.grams[:, -1], return_inverse=True
            )
            tallies = (
                np.bincount(place, weights),
                np.bincount(numbers, weights),
                np.bincount(pairs // self.n_symbols),
            )
            counts, totals, distinct = (tally.astype(np.float64) for tally in tallies)
            levels.append(_Level(contexts, pairs, counts, totals, distinct))
        return tuple(levels)

    # ------------------------------------------------------------------------- probabilities

    def information(self, sequence: Any, base: float | None = None) -> FloatArray:
        """Information density -ln p(x_t | x_1, ..., x_(t-1)) of each symbol of a sequence.

        Parameters
        ----------
        sequence : array_like of int, shape (n,)
            Symbols, such as those of a text that was held out.
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        ndarray of float, shape (n,)
            Their sum is -ln p of the sequence. Infinite where additive smoothing with ``alpha=0``
            meets what it has not seen.

        Raises
        ------
        ValueError, TypeError
            If the sequence is empty, or holds other numbers than symbols.
        """
        unit, symbols = check_base(base), as_sequence(sequence, self.n_symbols)
        p = np.full(symbols.size, 1.0 / self.n_symbols)
        numbers = np.zeros(symbols.size, dtype=np.int64)
        for length, level in enumerate(self._levels[: symbols.size]):
            if length:
                keys = numbers[length:] * self.n_symbols + symbols[:-length]
                numbers[length:] = find(level.contexts, keys)
            here = slice(length, None)
            pairs = numbers[here] * self.n_symbols + symbols[here]
            p[here] = self._mixed(level, numbers[here], find(level.pairs, pairs), p[here])
        with np.errstate(divide="ignore"):
            nats: FloatArray = np.abs(np.log(p))  # no zero is negative
        return nats if unit is None else nats / math.log(unit)

    def conditional_probabilities(self, contexts: Any) -> FloatArray:
        """Law of the symbol that follows each of some contexts.

        Parameters
        ----------
        contexts : array_like of int, shape (m, j)
            Rows of symbols, the oldest first; only the last `order` of them count, and with fewer
            they stand at the beginning of a sequence.

        Returns
        -------
        ndarray of float, shape (m, K)
            Rows that sum to one.

        Raises
        ------
        ValueError, TypeError
            If these are no rows of symbols, or the result would not fit into memory.
        """
        rows = integers("contexts", contexts)
        if rows.ndim != 2 or not len(rows):
            raise refusal("contexts", "a matrix, one context a row", f"shape {rows.shape}")
        check_symbols("contexts", rows, self.n_symbols)
        check_size("contexts", len(rows) * self.n_symbols, "fewer contexts at a time")
        p = np.full((len(rows), self.n_symbols), 1.0 / self.n_symbols)
        numbers = np.zeros(len(rows), dtype=np.int64)
        for length, level in enumerate(self._levels[: rows.shape[1] + 1]):
            if length:
                keys = numbers * self.n_symbols + rows[:, -length]
                numbers = find(level.contexts, keys)
            pairs = numbers[:, None] * self.n_symbols + np.arange(self.n_symbols)
            p = self._mixed(level, numbers[:, None], find(level.pairs, pairs), p)
        return p

    def _mixed(
        self, level: _Level, numbers: IntArray, pairs: IntArray, shorter: FloatArray
    ) -> FloatArray:
        """Probabilities behind contexts, from those behind the contexts shorter by one symbol."""
        seen = numbers >= 0
        total = np.where(seen, level.totals[numbers], 0.0)
        # A pair of no context is a negative number, which is not among those that were counted.
        count = np.where(pairs >= 0, level.counts[pairs], 0.0)
        if self.smoothing == "witten-bell":
            new = np.where(seen, level.distinct[numbers], 1.0)
            mixed: FloatArray = (count + new * shorter) / (total + new)
            return mixed
        mass = total + self.alpha * self.n_symbols
        known = mass > 0.0
        p: FloatArray = (count + self.alpha) / np.where(known, mass, 1.0)
        return np.where(known, p, 1.0 / self.n_symbols)

    # -------------------------------------------------------------------------------- rates

    def chain(self) -> MarkovChain:
        """Return the chain whose states are contexts, as a stationary process.

        Returns
        -------
        MarkovChain
            State x_1 K^(k-1) + ... + x_k is the context (x_1, ..., x_k); of a source without
            memory the states are the symbols. Its ``transition`` is what
            :class:`infotheory.spectrum.MarkovScore` takes, for the exact law of -ln p of n symbols.

        Raises
        ------
        ValueError
            If there are more than 2048 contexts.
        """
        k, length = self.n_symbols, max(self.order, 1)
        size: int = k**length
        if size > _MOST_STATES:
            raise refusal(
                "order",
                f"such that there are at most {_MOST_STATES:,} contexts, states of a chain",
                f"{self.order}, with {k}^{length} contexts of {k} symbols: a matrix of "
                f"{shown_size(8 * size * size)}",
                "Take a lower one, or the mean of information(source.sample(n)).",
            )
        states = np.arange(size)
        contexts = states[:, None] // k ** np.arange(length - 1, -1, -1) % k
        rows = np.zeros((size, size))
        onward = states[:, None] * k % size + np.arange(k)
        rows[states[:, None], onward] = self.conditional_probabilities(
            contexts[:, length - self.order :]
        )
        return MarkovChain(rows)

    def entropy_rate(self, base: float | None = None) -> float:
        """Entropy per symbol of a long path, exact.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            That of :meth:`chain`: the least information a symbol that any model leaves on average,
            of sequences from this source.

        Raises
        ------
        ValueError
            If there are more than 2048 contexts.
        """
        return self.chain().entropy_rate(base)

    def _draw(self, n: int, rng: np.random.Generator) -> IntArray:
        path = np.empty(n, dtype=np.int64)
        for t, draw in enumerate(rng.random(n).tolist()):
            context = path[None, max(t - self.order, 0) : t]
            sums = np.cumsum(self.conditional_probabilities(context)[0])
            # They end in one, so that what is impossible is not drawn.
            path[t] = np.searchsorted(sums / sums[-1], draw, side="right")
        return path


def fit_markov(
    sequence: Any,
    order: int,
    *,
    n_symbols: int | None = None,
    smoothing: str = "witten-bell",
    alpha: float = 0.5,
) -> MarkovSource:
    """Fit a Markov source of order k, an n-gram model of n = k + 1, to a sequence.

    Parameters
    ----------
    sequence : array_like of int, shape (n,)
        Symbols, counted from 0: letters or tokens of a text as numbers.
    order : int
        How many symbols the next one depends on, k; 0 for symbols that do not depend on each other.
    n_symbols : int, optional
        Size K of the alphabet; by default one more than the largest symbol. A model of a text that
        was held out needs the symbols of that text, too.
    smoothing : {"witten-bell", "additive"}, default "witten-bell"
        How unseen symbols get a probability: interpolation with the shorter contexts, or counting
        `alpha` more of each symbol.
    alpha : float, default 0.5
        What "additive" adds: 0 for none (maximum likelihood), 0.5 for the estimator of Krichevsky
        and Trofimov, 1 for that of Laplace.

    Returns
    -------
    MarkovSource
        ``information(held_out)`` measures it, ``sample`` draws from it.

    Raises
    ------
    ValueError, TypeError
        If the sequence is not longer than `order`, or holds anything but symbols; if a table of so
        many symbols a row would not fit into memory.

    Notes
    -----
    With N(c) the number of times a context c was seen, N(c, x) how often x followed it, D(c) how
    many different symbols did, and c' the context without its oldest symbol,

    P(x | c) = (N(c, x) + D(c) P(x | c')) / (N(c) + D(c))  (Witten and Bell, interpolated [1]_ [2]_)

    P(x | c) = (N(c, x) + alpha) / (N(c) + alpha K)  (additive; uniform behind unseen contexts)

    where the first begins with the uniform law, before a context of no symbols. All contexts are
    counted at the positions with k symbols before them. Without smoothing the mean information of
    the sequence itself is an empirical conditional entropy, so it never rises with the order, and
    says nothing about other sequences.

    Only what occurs is stored: O(k n log n) time, O(k n) memory, whatever K^k is.

    References
    ----------
    .. [1] witten1991zero, method C.
    .. [2] chen1999empirical.

    Examples
    --------
    The order decides whether an alternation is seen:

    >>> import math
    >>> from infotheory.sources import fit_markov
    >>> sequence = [0, 1] * 8
    >>> plain = fit_markov(sequence, 0, smoothing="additive")
    >>> float(plain.information([0, 1], base=2).sum())
    2.0
    >>> pairs = fit_markov(sequence, 1, smoothing="additive", alpha=0)
    >>> pairs.information([0, 1, 0])[1:].tolist(), pairs.entropy_rate()
    ([0.0, 0.0], 0.0)

    Of a text, letters as numbers, with the alphabet of both parts:

    >>> import numpy as np
    >>> text = "to be or not to be that is the question " * 9
    >>> alphabet, codes = np.unique(list(text), return_inverse=True)
    >>> source = fit_markov(codes[:240], 2, n_symbols=len(alphabet))
    >>> bool(source.information(codes[240:]).mean() < math.log(len(alphabet)))
    True
    """
    k = None if n_symbols is None else check_count("n_symbols", n_symbols)
    symbols = as_sequence(sequence, k)
    order = check_order(order, symbols.size)
    check_size("order", symbols.size * (order + 1), "a lower one")
    k = int(symbols.max()) + 1 if k is None else k
    ends = np.arange(order, symbols.size)
    numbers, first, counts = np.zeros(ends.size, dtype=np.int64), ends, ends
    for lag in range(order, -1, -1):  # a row of symbols gets a number, one symbol after the other
        _, first, numbers, counts = np.unique(
            numbers * k + symbols[ends - lag],
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
    grams = symbols[ends[first][:, None] - np.arange(order, -1, -1)]
    return MarkovSource(grams, counts, k, smoothing, alpha)
