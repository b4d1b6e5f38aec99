"""Information of several variables, from the entropies of every subset of them, in 80 digits.

Joint distributions are arrays with one axis a variable.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations
from typing import Any

import numpy as np
from mpmath.ctx_mp import MPContext

mp = MPContext()
mp.dps = 80


class Entropies:
    """Entropies of the subsets of the variables of a joint distribution."""

    def __init__(self, values: Any, kind: str = "probs") -> None:
        joint = np.array(values)
        read = mp.mpf if kind == "probs" else mp.exp
        weights = {index: read(float(joint[index])) for index in np.ndindex(joint.shape)}
        total = mp.fsum(weights.values())
        self.p = {index: weight / total for index, weight in weights.items()}
        self.n = joint.ndim

    def __call__(self, variables: Iterable[int]) -> Any:
        chosen = sorted(variables)
        marginal: dict[tuple[int, ...], Any] = {}
        for index, share in self.p.items():
            key = tuple(index[v] for v in chosen)
            marginal[key] = marginal.get(key, mp.mpf(0)) + share
        return -mp.fsum(share * mp.log(share) for share in marginal.values() if share > 0)

    def others(self, variable: int) -> list[int]:
        return [v for v in range(self.n) if v != variable]


def total_correlation(values: Any, kind: str = "probs") -> Any:
    h = Entropies(values, kind)
    return mp.fsum(h([v]) for v in range(h.n)) - h(range(h.n))


def dual_total_correlation(values: Any, kind: str = "probs") -> Any:
    h = Entropies(values, kind)
    whole = h(range(h.n))
    return whole - mp.fsum(whole - h(h.others(v)) for v in range(h.n))


def o_information(values: Any, kind: str = "probs") -> Any:
    """(n - 2) H(X) + sum_i (H(Xi) - H(all others)), which is how the paper defines it."""
    h = Entropies(values, kind)
    parts = [h([v]) - h(h.others(v)) for v in range(h.n)]
    return (h.n - 2) * h(range(h.n)) + mp.fsum(parts)


def s_information(values: Any, kind: str = "probs") -> Any:
    h = Entropies(values, kind)
    whole = h(range(h.n))
    return mp.fsum(h([v]) + h(h.others(v)) - whole for v in range(h.n))


def co_information(values: Any, kind: str = "probs") -> Any:
    """Inclusion and exclusion over all subsets."""
    h = Entropies(values, kind)
    subsets = chain.from_iterable(combinations(range(h.n), k) for k in range(1, h.n + 1))
    return mp.fsum((-1) ** (len(subset) + 1) * h(subset) for subset in subsets)
