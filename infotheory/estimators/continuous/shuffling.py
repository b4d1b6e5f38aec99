"""Estimates from samples made independent by permuting one variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from infotheory._kernels.exchange import fill_exchange
from infotheory._typing import FloatArray, IntArray
from infotheory.estimators.neighbours.tree import build_tree, neighbour_indices

__all__ = ["Shuffler", "p_value", "permutations_among", "permutations_of", "permutations_within"]

Shuffler = Callable[[int, np.random.Generator], Iterator[IntArray]]
"""Gives so many permutations of the samples."""

_NEAR = 5  # neighbours in z among which values are exchanged, as Runge proposes
_ROUNDING = 1e-12  # nats, of the mean of n terms of at most 3 ln n each, in whatever order


def permutations_of(n: int) -> Shuffler:
    """Return what permutes all samples."""

    def shuffle(count: int, rng: np.random.Generator) -> Iterator[IntArray]:
        for _ in range(count):
            yield rng.permutation(n)

    return shuffle


def permutations_within(codes: IntArray) -> Shuffler:
    """Return what permutes samples with the same symbol."""
    order = np.argsort(codes, kind="stable")

    def shuffle(count: int, rng: np.random.Generator) -> Iterator[IntArray]:
        for _ in range(count):
            found = np.empty_like(order)
            # Sorted by symbol, and at random within.
            found[order] = np.lexsort((rng.random(codes.size), codes))
            yield found

    return shuffle


def permutations_among(points: FloatArray) -> Shuffler:
    """Return what gives each sample the value of a near one, as far as possible of another each.

    Samples choose in random order among their nearest neighbours and themselves, one whose value
    was not taken yet if there is any: values may repeat, so these are no permutations strictly.
    A sample with as many copies as that exchanges values with its copies only, all of them.
    """
    near = min(_NEAR, len(points) - 1)
    own = np.arange(len(points))[:, None]
    choices = np.hstack([own, neighbour_indices(build_tree(points), near)])
    codes = np.unique(points, axis=0, return_inverse=True)[1].ravel()
    copied = np.bincount(codes)[codes] > near
    exchange = permutations_within(codes)

    def shuffle(count: int, rng: np.random.Generator) -> Iterator[IntArray]:
        for _ in range(count):
            turns = rng.permutation(len(points))
            found = _local_permutation(rng.permuted(choices, axis=1), turns)
            if copied.any():
                found[copied] = next(exchange(1, rng))[copied]
            yield found

    return shuffle


def _local_permutation(choices: IntArray, turns: IntArray) -> IntArray:
    found = np.empty_like(turns)
    fill_exchange(choices, turns, np.zeros(turns.size, dtype=np.bool_), found)
    return found


def p_value(observed: float, null: FloatArray) -> float:
    """Return the share of permutations that look as dependent as the sample, which is one.

    Estimates in nats that differ by rounding only are alike: where samples repeat, many
    permutations give the terms of the sample in another order.
    """
    return float(1 + np.count_nonzero(null >= observed - _ROUNDING)) / (1 + null.size)
