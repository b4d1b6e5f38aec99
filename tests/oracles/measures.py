"""Functionals of known distributions by their definitions, term by term, in 450 digits.

Enough for one less e^-900. Distributions are lists of numbers, joint ones nested lists; whatever
they hold is normalised exactly, so an input whose sum rounds to one means the same as to the
library.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from mpmath.ctx_mp import MPContext

mp = MPContext()  # of our own: the precision of mpmath's is for others to set
mp.dps = 450
mpf = mp.mpf


def flat(values: Any) -> list[Any]:
    if isinstance(values, (list, tuple)):
        return [entry for value in values for entry in flat(value)]
    return [values]


def weight(value: Any, kind: str) -> Any:
    """What a probability, or a logarithm of one, stands for before normalising."""
    return mpf(value) if kind == "probs" else mp.exp(mpf(value))


def distribution(values: Any, kind: str = "probs") -> list[Any]:
    weights = [weight(value, kind) for value in flat(values)]
    total = mp.fsum(weights)
    return [entry / total for entry in weights]


def joint_distribution(values: Any, kind: str = "probs") -> dict[tuple[int, ...], Any]:
    """Probabilities of a nested list by their indices."""
    shape = []
    inner = values
    while isinstance(inner, (list, tuple)):
        shape.append(len(inner))
        inner = inner[0]
    places = itertools.product(*map(range, shape))
    return dict(zip(places, distribution(values, kind), strict=True))


def marginal(joint: dict[tuple[int, ...], Any], *axes: int) -> dict[tuple[int, ...], Any]:
    found: dict[tuple[int, ...], Any] = {}
    for place, p in joint.items():
        key = tuple(place[axis] for axis in axes)
        found[key] = found.get(key, mpf(0)) + p
    return found


def minus_p_log_q(p: Any, q: Any) -> Any:
    if p == 0:
        return mpf(0)
    return mp.inf if q == 0 else -p * mp.log(q)


# ------------------------------------------------------------------------------ one distribution


def entropy(values: Any, kind: str = "probs") -> Any:
    return mp.fsum(minus_p_log_q(p, p) for p in distribution(values, kind))


# ------------------------------------------------------------------------------ two distributions


def cross_entropy(p: Any, q: Any, kind: str = "probs") -> Any:
    pairs = zip(distribution(p, kind), distribution(q, kind), strict=True)
    return mp.fsum(minus_p_log_q(a, b) for a, b in pairs)


def kl_divergence(p: Any, q: Any, kind: str = "probs") -> Any:
    return cross_entropy(p, q, kind) - entropy(p, kind)


def jensen_shannon_divergence(p: Any, q: Any, kind: str = "probs", a: float = 0.5) -> Any:
    p, q = distribution(p, kind), distribution(q, kind)
    a = mpf(a)
    mixture = [a * x + (1 - a) * y for x, y in zip(p, q, strict=True)]
    return entropy(mixture) - a * entropy(p) - (1 - a) * entropy(q)


def total_variation(p: Any, q: Any, kind: str = "probs") -> Any:
    """The largest difference of the probabilities of one event: of those likelier under p."""
    pairs = zip(distribution(p, kind), distribution(q, kind), strict=True)
    return mp.fsum(a - b for a, b in pairs if a > b)


def hellinger(p: Any, q: Any, kind: str = "probs") -> Any:
    pairs = zip(distribution(p, kind), distribution(q, kind), strict=True)
    return mp.sqrt(mp.fsum((mp.sqrt(a) - mp.sqrt(b)) ** 2 for a, b in pairs) / 2)


def chi_squared(p: Any, q: Any, kind: str = "probs") -> Any:
    pairs = list(zip(distribution(p, kind), distribution(q, kind), strict=True))
    if any(b == 0 < a for a, b in pairs):
        return mp.inf
    return mp.fsum((a - b) ** 2 / b for a, b in pairs if b > 0)


def cauchy_schwarz_divergence(p: Any, q: Any, kind: str = "probs") -> Any:
    p, q = distribution(p, kind), distribution(q, kind)
    dot = mp.fsum(a * b for a, b in zip(p, q, strict=True))
    if dot == 0:
        return mp.inf
    return mp.log(mp.fsum(a * a for a in p) * mp.fsum(b * b for b in q)) - 2 * mp.log(dot)


def f_divergence(
    p: Any, q: Any, f: Callable[[Any], Any], at_zero: Any, recession: Any, kind: str = "probs"
) -> Any:
    total = mpf(0)
    for a, b in zip(distribution(p, kind), distribution(q, kind), strict=True):
        if a > 0 and b > 0:
            total += b * f(a / b)
        elif b > 0:
            total += b * at_zero
        elif a > 0:
            total += a * recession
    return total


# ---------------------------------------------------------------------------- several variables


def conditional_entropy(joint: Any, kind: str = "probs") -> Any:
    """H(X|Y): the mean entropy of the columns."""
    cells = joint_distribution(joint, kind)
    total = mpf(0)
    for (y,), p_y in marginal(cells, 1).items():
        if p_y > 0:
            total += p_y * entropy([p for (_, other), p in cells.items() if other == y])
    return total


def mutual_information(joint: Any, kind: str = "probs") -> Any:
    cells = joint_distribution(joint, kind)
    p_x, p_y = marginal(cells, 0), marginal(cells, 1)
    return mp.fsum(p * mp.log(p / (p_x[(x,)] * p_y[(y,)])) for (x, y), p in cells.items() if p > 0)


def conditional_mutual_information(joint: Any, kind: str = "probs") -> Any:
    """I(X;Y|Z): the mean mutual information of the slices."""
    cells = joint_distribution(joint, kind)
    total = mpf(0)
    for (z,), p_z in marginal(cells, 2).items():
        if p_z > 0:
            n_x, n_y, _ = (1 + max(place[axis] for place in cells) for axis in range(3))
            part = [[cells[x, y, z] for y in range(n_y)] for x in range(n_x)]
            total += p_z * mutual_information(part)
    return total


def information_density(joint: Any, kind: str = "probs") -> dict[tuple[int, ...], Any]:
    cells = joint_distribution(joint, kind)
    p_x, p_y = marginal(cells, 0), marginal(cells, 1)
    return {
        (x, y): mp.log(p / (p_x[(x,)] * p_y[(y,)])) if p > 0 else -mp.inf
        for (x, y), p in cells.items()
    }


def variation_of_information(joint: Any, kind: str = "probs") -> Any:
    cells = joint_distribution(joint, kind)
    return (
        2 * entropy(list(cells.values()))
        - entropy_of_variable(joint, 0, kind)
        - (entropy_of_variable(joint, 1, kind))
    )


def entropy_of_variable(joint: Any, axis: int, kind: str = "probs") -> Any:
    return entropy(list(marginal(joint_distribution(joint, kind), axis).values()))


# ----------------------------------------------------------------------------------- partitions


def partition_information(first: list[Any], second: list[Any]) -> Any:
    """Mutual information of two labellings of the same samples."""
    n = len(first)
    pairs = list(zip(first, second, strict=True))
    return mp.fsum(
        mpf(pairs.count((a, b))) / n * mp.log(mpf(pairs.count((a, b)) * n) / (n_a * n_b))
        for a, b in set(pairs)
        for n_a, n_b in [(first.count(a), second.count(b))]
    )


def expected_information_by_dealing(first: list[Any], second: list[Any]) -> Any:
    """Its mean when the second labels are dealt in every possible order."""
    orders = list(itertools.permutations(second))
    return mp.fsum(partition_information(first, list(order)) for order in orders) / len(orders)


def expected_information(rows: list[int], columns: list[int]) -> Any:
    """The same mean for clusters of these sizes, from exact hypergeometric probabilities."""
    n = sum(rows)
    total = mpf(0)
    for a, b in itertools.product(rows, columns):
        for count in range(max(1, a + b - n), min(a, b) + 1):
            ways = math.comb(a, count) * math.comb(n - a, b - count)
            probability = mpf(ways) / math.comb(n, b)
            total += probability * mpf(count) / n * mp.log(mpf(count * n) / (a * b))
    return total
