"""Inequalities and identities between measures of known distributions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from infotheory import measures
from infotheory._typing import FloatArray
from infotheory.testing.drawing import draw_channel, draw_joint, draw_pmf
from infotheory.testing.hunting import Finding

__all__ = ["equal", "renyi", "shannon"]

_ROUNDING = 1e-12  # nats, of sums of some ten logarithms that are at most 700
_ORDERS = (0.0, 0.1, 0.5, 0.9, 1.0 - 1e-7, 1.0, 1.0 + 1e-7, 1.3, 2.0, 5.0, 40.0, math.inf)


def _at_most(statement: str, low: float, high: float, case: str) -> Finding:
    """State that one number is at most another, up to rounding."""
    scale = 1.0 + max((abs(x) for x in (low, high) if math.isfinite(x)), default=0.0)
    margin = math.inf if low == high else high - low
    text = f"{low!r} <= {high!r} for {case}"
    return Finding(statement, margin + _ROUNDING * scale, text)


def equal(
    statement: str, one: float, other: float, case: str, rounding: float = _ROUNDING
) -> Finding:
    """State that two numbers are the same, up to so much rounding of a number of size one."""
    scale = 1.0 + max((abs(x) for x in (one, other) if math.isfinite(x)), default=0.0)
    margin = 0.0 if one == other else -abs(one - other)
    return Finding(statement, margin + rounding * scale, f"{one!r} = {other!r} for {case}")


def shannon(rng: np.random.Generator) -> Iterator[Finding]:
    """Chain rules, processing, Pinsker's and Fano's inequality, of one random case."""
    a, b, c = (int(size) for size in rng.integers(2, 5, 3))
    joint = draw_joint(rng, a, b, c)
    pair, case = joint.sum(axis=2), f"joint = {joint.tolist()}"
    information = measures.mutual_information
    both = information(joint.reshape(a, b * c))
    given = measures.conditional_mutual_information(joint.transpose(0, 2, 1))
    yield equal("I(X;YZ) = I(X;Y) + I(X;Z|Y)", both, information(pair) + given, case)
    yield _at_most("I(X;Z|Y) >= 0", 0.0, given, case)
    equivocation = measures.conditional_entropy(pair)
    yield _at_most("H(X|Y) <= H(X)", equivocation, measures.entropy(pair.sum(axis=1)), case)
    yield _at_most("H(X) <= ln K", measures.entropy(pair.sum(axis=1)), math.log(a), case)
    channel = draw_channel(rng, b, c)
    processed = information(pair @ channel)
    case = f"joint = {pair.tolist()}, channel = {channel.tolist()}"
    yield _at_most("processing: I(X;Z) <= I(X;Y)", processed, information(pair), case)
    wrong = 1.0 - float(pair.max(axis=0).sum())
    wrong = min(max(wrong, 0.0), 1.0)
    fano = measures.entropy([wrong, 1.0 - wrong]) + wrong * math.log(a - 1)
    yield _at_most("Fano: H(X|Y) <= h(e) + e ln(K - 1)", equivocation, fano, case)
    p, q = draw_pmf(rng, b), draw_pmf(rng, b)
    case = f"p = {p.tolist()}, q = {q.tolist()}"
    divergence = measures.kl_divergence(p, q)
    distance = measures.total_variation(p, q)
    yield _at_most("Pinsker: 2 TV^2 <= D(p||q)", 2 * distance**2, divergence, case)
    if distance < 1.0:
        sharp = -math.log1p(-(distance**2))
        yield _at_most("Bretagnolle-Huber: -ln(1 - TV^2) <= D(p||q)", sharp, divergence, case)
    merged = measures.kl_divergence(p @ channel, q @ channel)
    case = f"{case}, channel = {channel.tolist()}"
    yield _at_most("processing: D(pW||qW) <= D(p||q)", merged, divergence, case)


def renyi(rng: np.random.Generator) -> Iterator[Finding]:
    """Monotonicity in the order, processing, and what links the families, of one random case."""
    size, outputs = (int(number) for number in rng.integers(2, 6, 2))
    p, q, channel = draw_pmf(rng, size), draw_pmf(rng, size), draw_channel(rng, size, outputs)
    low, high = sorted(rng.choice(_ORDERS, 2, replace=False).tolist())
    yield from _of_entropy(p, low, high)
    yield from _of_divergence(p, q, channel, low, high)
    joint = p[:, None] * channel
    case = f"joint = {joint.tolist()}, orders {low!r} and {high!r}"
    sibson = [measures.sibson_mutual_information(joint, alpha=order) for order in (low, high)]
    yield _at_most("Sibson's information grows with the order", sibson[0], sibson[1], case)
    yield _at_most("Sibson's information >= 0", 0.0, sibson[0], case)
    arimoto = [measures.arimoto_mutual_information(joint, alpha=order) for order in (low, high)]
    entropy = measures.renyi_entropy(p, alpha=low)
    yield _at_most("Arimoto: H(X|Y) >= 0", arimoto[0], entropy, case)
    if 0.0 < high < 40.0:
        escort = measures.power_transform(p, high)
        other = measures.sibson_mutual_information(escort[:, None] * channel, alpha=high)
        yield equal("Arimoto's is Sibson's of the escort law", arimoto[1], other, case)


def _of_entropy(p: FloatArray, low: float, high: float) -> Iterator[Finding]:
    case = f"p = {p.tolist()}, orders {low!r} and {high!r}"
    first, second = (measures.renyi_entropy(p, alpha=order) for order in (low, high))
    yield _at_most("Renyi entropy falls with the order", second, first, case)
    yield _at_most("Renyi entropy >= 0", 0.0, second, case)
    yield _at_most("Renyi entropy <= ln of the support", first, math.log((p > 0).sum()), case)
    least = measures.renyi_entropy(p, alpha=math.inf)
    if high > 1.0 + 1e-3 and high < math.inf:
        # sum p^a lies between (max p)^a and (max p)^(a - 1).
        bound = high / (high - 1.0) * least
        yield _at_most("H_a <= a / (a - 1) H_inf", second, bound, case)


def _of_divergence(
    p: FloatArray, q: FloatArray, channel: FloatArray, low: float, high: float
) -> Iterator[Finding]:
    case = f"p = {p.tolist()}, q = {q.tolist()}, orders {low!r} and {high!r}"
    first, second = (measures.renyi_divergence(p, q, alpha=order) for order in (low, high))
    yield _at_most("Renyi divergence grows with the order", first, second, case)
    yield _at_most("Renyi divergence >= 0", 0.0, first, case)
    merged = measures.renyi_divergence(p @ channel, q @ channel, alpha=high)
    case = f"{case}, channel = {channel.tolist()}"
    yield _at_most("processing: D_a(pW||qW) <= D_a(p||q)", merged, second, case)
    if 0.0 < low < 1.0 - 1e-3 and math.isfinite(first):
        other = low / (1.0 - low) * measures.renyi_divergence(q, p, alpha=1.0 - low)
        yield equal("D_a(p||q) = a / (1 - a) D_(1-a)(q||p)", first, other, case)
