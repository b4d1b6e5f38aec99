"""The exact law of a sum along a short path of a Markov chain, by how often each score occurs.

Paths are grouped by their last state and by how often each of the distinct scores occurs in them;
the number of paths of a group follows from those one letter shorter. Groups are far fewer than
paths: for a chain with c distinct scores there are at most m n^(c - 1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from infotheory._typing import BoolArray, FloatArray, IntArray
from infotheory.spectrum._chain import Chain
from infotheory.spectrum.results import LogInterval

__all__ = ["ChainLaw", "chain_law", "law_bounds"]

_UNIT = 2.0**-53
_MOST_GROUPS = 400_000
_MOST_WORK = 20_000_000  # groups, summed over all letters
_LARGEST_KEY = 2**62
_LOG_COUNT = 690.0  # shares of the m^n words are at least exp(-690)


class ChainLaw(NamedTuple):
    """Sums and their probabilities, one entry a group of paths; sums may be equal.

    Attributes
    ----------
    sums, log_probabilities : ndarray
    slack : float
        By how much each of either may be off.
    """

    sums: FloatArray
    log_probabilities: FloatArray
    slack: float


def chain_law(chain: Chain, n: int) -> ChainLaw | None:
    """Return the law of S_n, or None where there are too many groups."""
    pairs = [_pairs_of(chain), _starts_of(chain)]
    kinds, places = np.unique(np.concatenate(pairs), axis=0, return_inverse=True)
    base = n + 1
    if base ** len(kinds) >= _LARGEST_KEY or n * math.log(chain.size) > _LOG_COUNT:
        return None
    powers = np.array([base**i for i in range(len(kinds))])
    places = places.ravel()
    n_steps = len(pairs[0])
    step_keys = np.zeros((chain.size, chain.size), dtype=np.int64)
    step_keys[chain.allowed] = powers[places[:n_steps]]
    start_keys = np.zeros(chain.size, dtype=np.int64)
    started = chain.log_first > -np.inf
    start_keys[started] = powers[places[n_steps:]]
    keys = [start_keys[x : x + 1] if started[x] else start_keys[:0] for x in range(chain.size)]
    counts = [np.full(len(one), 1.0 / chain.size) for one in keys]
    work = 0
    for _ in range(n - 1):
        grown = [
            _step(keys, counts, step_keys[:, y], chain.allowed[:, y]) for y in range(chain.size)
        ]
        keys = [one[0] for one in grown]
        counts = [one[1] for one in grown]
        groups = sum(map(len, keys))
        work += groups
        if groups > _MOST_GROUPS or work > _MOST_WORK:
            return None
    all_keys, shares = np.concatenate(keys), np.concatenate(counts)
    digits = all_keys[:, None] // powers % base
    sums = digits @ kinds[:, 0]
    logs = np.log(shares) + n * math.log(chain.size) + digits @ kinds[:, 1]
    # Sums of n scores and of n logarithms, which are rounded themselves; n m additions of counts.
    largest = chain.largest + float(np.abs(kinds).max())
    slack = _UNIT * n * ((len(kinds) + 4.0) * largest + 2.0 * chain.size + 4.0) + 800.0 * _UNIT
    return ChainLaw(sums, logs, slack)


def _pairs_of(chain: Chain) -> FloatArray:
    """Return scores and logarithms of probabilities of the possible transitions, a row each."""
    pairs = chain.steps[chain.allowed], chain.log_steps[chain.allowed]
    return np.stack(pairs, axis=1)


def _starts_of(chain: Chain) -> FloatArray:
    started = chain.log_first > -np.inf
    return np.stack([chain.first[started], chain.log_first[started]], axis=1)


def _step(
    keys: list[IntArray], counts: list[FloatArray], added: IntArray, allowed: BoolArray
) -> tuple[IntArray, FloatArray]:
    """Return the groups of paths that end in one state, one letter longer; counts by m^letters."""
    size = len(keys)
    longer = np.concatenate([keys[x] + added[x] for x in range(size) if allowed[x]])
    weights = np.concatenate([counts[x] for x in range(size) if allowed[x]]) / size
    order = np.argsort(longer, kind="stable")
    longer = longer[order]
    if len(longer) == 0:
        return longer, weights
    starts = np.flatnonzero(np.concatenate([[True], np.diff(longer) > 0]))
    return longer[starts], np.add.reduceat(weights[order], starts)


def law_bounds(law: ChainLaw, threshold: float) -> LogInterval:
    """Bound ln P(S > threshold), and of >=: sums within rounding of it count on the upper side."""
    tie = law.slack + 4.0 * _UNIT * abs(threshold)
    low, high = (
        _log_mass(law.log_probabilities[inside])
        for inside in (law.sums > threshold + tie, law.sums >= threshold - tie)
    )
    relative = law.slack + 8.0 * _UNIT * (max(-high, 0.0) + 4.0 if high > -math.inf else 0.0)
    return LogInterval(low - relative, min(0.0, high + relative), {"relative rounding": relative})


def _log_mass(logs: FloatArray) -> float:
    if len(logs) == 0:
        return -math.inf
    top = float(logs.max())
    return top + math.log(math.fsum(np.exp(logs - top).tolist()))
