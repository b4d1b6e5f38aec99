"""Rényi quantities straight from their definitions, in many digits and by loops.

Distributions are lists of numbers, taken as exact and divided by their sum. Orders may be infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mpmath as mp

Row = list[Any]


def normalised(weights: Sequence[float], digits: int = 60) -> Row:
    """Probabilities with many digits; logarithms of weights come as mpmath numbers already."""
    mp.mp.dps = digits
    exact = [mp.mpf(w) if isinstance(w, mp.mpf) else mp.mpf(float(w)) for w in weights]
    total = mp.fsum(exact)
    return [w / total for w in exact]


def softmax(logits: Sequence[float], digits: int = 60) -> Row:
    """Probabilities of unnormalised logarithms, minus infinity included."""
    mp.mp.dps = digits
    powers = [mp.exp(mp.mpf(float(z))) if z > -math.inf else mp.mpf(0) for z in logits]
    return normalised(powers, digits)


def entropy(p: Row, alpha: float) -> Any:
    support = [v for v in p if v > 0]
    if alpha == 0:
        return mp.log(len(support))
    if alpha == 1:
        return -mp.fsum(v * mp.log(v) for v in support)
    if alpha == math.inf:
        return -mp.log(max(support))
    a = mp.mpf(alpha)
    return mp.log(mp.fsum(v**a for v in support)) / (1 - a)


def divergence(p: Row, q: Row, alpha: float) -> Any:
    pairs = [(u, v) for u, v in zip(p, q, strict=True) if u > 0]
    shared = [(u, v) for u, v in pairs if v > 0]
    if not shared or (alpha >= 1 and len(shared) < len(pairs)):
        return mp.inf
    if alpha == 0:
        return -mp.log(mp.fsum(v for _, v in pairs))
    if alpha == 1:
        return mp.fsum(u * mp.log(u / v) for u, v in pairs)
    if alpha == math.inf:
        return mp.log(max(u / v for u, v in pairs))
    a = mp.mpf(alpha)
    return mp.log(mp.fsum(u**a * v ** (1 - a) for u, v in shared)) / (a - 1)


def escort(p: Row, alpha: float) -> Row:
    if alpha == 0:
        chosen = [v > 0 for v in p]
    elif alpha == math.inf:
        chosen = [v == max(p) for v in p]
    else:
        powers = [v ** mp.mpf(alpha) if v > 0 else mp.mpf(0) for v in p]
        return [v / mp.fsum(powers) for v in powers]
    return [mp.mpf(1) / sum(chosen) if c else mp.mpf(0) for c in chosen]


# ------------------------------------------------------------------------------- two variables


def joint_of(rows: Sequence[Sequence[float]], digits: int = 60) -> list[Row]:
    flat = normalised([v for row in rows for v in row], digits)
    width = len(rows[0])
    return [flat[i : i + width] for i in range(0, len(flat), width)]


def columns(joint: list[Row]) -> list[Row]:
    return [list(column) for column in zip(*joint, strict=True)]


def conditional_entropy(joint: list[Row], alpha: float, definition: str) -> Any:
    """H_alpha(X|Y) with X along the rows, by each of four definitions."""
    y = [mp.fsum(column) for column in columns(joint)]
    if definition == "chain_rule":
        return entropy([v for row in joint for v in row], alpha) - entropy(y, alpha)
    given = [
        (w, [v / w for v in column]) for w, column in zip(y, columns(joint), strict=True) if w > 0
    ]
    if definition == "average" or alpha == 1:
        return mp.fsum(w * entropy(p, alpha) for w, p in given)
    if definition == "hayashi":
        if alpha == math.inf:
            return min(entropy(p, alpha) for _, p in given)
        a = mp.mpf(alpha)
        inner = [mp.fsum(v**a for v in p if v > 0) for _, p in given]
        return mp.log(mp.fsum(w * s for (w, _), s in zip(given, inner, strict=True))) / (1 - a)
    return _arimoto_mean(given, alpha)


def _arimoto_mean(given: list[tuple[Any, Row]], alpha: float) -> Any:
    if alpha == 0:
        return max(entropy(p, 0) for _, p in given)
    if alpha == math.inf:
        return -mp.log(mp.fsum(w * max(p) for w, p in given))
    a = mp.mpf(alpha)
    norms = [w * mp.fsum(v**a for v in p if v > 0) ** (1 / a) for w, p in given]
    return a / (1 - a) * mp.log(mp.fsum(norms))


def arimoto(joint: list[Row], alpha: float) -> Any:
    x = [mp.fsum(row) for row in joint]
    return entropy(x, alpha) - conditional_entropy(joint, alpha, "arimoto")


def sibson(joint: list[Row], alpha: float) -> Any:
    """From the channel and its input; at order 1 the mutual information."""
    if alpha == 1:
        y = [mp.fsum(column) for column in columns(joint)]
        return mp.fsum(
            v * mp.log(v / (mp.fsum(row) * w))
            for row in joint
            for v, w in zip(row, y, strict=True)
            if v > 0
        )
    if alpha == 0:
        return -mp.log(max(reached(joint)))
    powers = centre_powers(joint, alpha)
    if alpha == math.inf:
        return mp.log(mp.fsum(powers))
    a = mp.mpf(alpha)
    return a / (a - 1) * mp.log(mp.fsum(powers))


def reached(joint: list[Row]) -> Row:
    """For each output the probability of an input that can lead to it."""
    x = [mp.fsum(row) for row in joint]
    return [
        mp.fsum(w for w, v in zip(x, column, strict=True) if v > 0) for column in columns(joint)
    ]


def centre_powers(joint: list[Row], alpha: float) -> Row:
    """(sum_x p(x) p(y|x)^alpha)^(1/alpha) for each y."""
    x = [mp.fsum(row) for row in joint]
    channel = [[v / w for v in row] for row, w in zip(joint, x, strict=True) if w > 0]
    inputs = [w for w in x if w > 0]
    if alpha == math.inf:
        return [max(column) for column in columns(channel)]
    a = mp.mpf(alpha)
    return [
        mp.fsum(w * v**a for w, v in zip(inputs, column, strict=True) if v > 0) ** (1 / a)
        for column in columns(channel)
    ]
