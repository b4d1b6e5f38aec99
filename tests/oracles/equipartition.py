"""Equipartition with many digits: tails type by type, and the terms of the theorem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp


def law(log_p: Sequence[float]) -> list[Any]:
    """Probabilities exp(log_p), divided by their sum."""
    weights = [mp.exp(mp.mpf(v)) for v in log_p]
    total = mp.fsum(weights)
    return [w / total for w in weights]


def types(n: int, k: int) -> Iterator[tuple[int, ...]]:
    if k == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in types(n - first, k - 1):
            yield (first, *rest)


def tails(
    values: Sequence[float], log_p: Sequence[float], n: int, threshold: float
) -> dict[str, Any]:
    """Probabilities that the sum is >, >=, < and <= the threshold; all numbers are exact."""
    weights, exact = law(log_p), [Fraction(v) for v in values]
    factorials = [mp.mpf(1)]
    for i in range(1, n + 1):
        factorials.append(factorials[-1] * i)
    powers = [[w**i for i in range(n + 1)] for w in weights]
    found = {symbol: mp.mpf(0) for symbol in (">", ">=", "<", "<=")}
    level = Fraction(threshold)
    for counts in types(n, len(values)):
        term = factorials[n]
        for letter, count in enumerate(counts):
            term *= powers[letter][count] / factorials[count]
        away = sum((c * v for c, v in zip(counts, exact, strict=True)), -level)
        for symbol, holds in (
            (">", away > 0),
            (">=", away >= 0),
            ("<", away < 0),
            ("<=", away <= 0),
        ):
            if holds:
                found[symbol] += term
    return found


def log_tails(
    values: Sequence[float], log_p: Sequence[float], n: int, threshold: float
) -> dict[str, Any]:
    """Logarithms of the four, those near 0 from the complement."""
    found, logs = tails(values, log_p, n, threshold), {}
    for symbol, complement in ((">", "<="), (">=", "<"), ("<", ">="), ("<=", ">")):
        if found[symbol] == 0:
            logs[symbol] = -mp.inf
        elif found[complement] < 0.5:
            logs[symbol] = mp.log1p(-found[complement])
        else:
            logs[symbol] = mp.log(found[symbol])
    return logs


def survival(t: Any) -> Any:
    """Q(t) of the standard normal law."""
    return mp.erfc(t / mp.sqrt(2)) / 2


def quantile(q: Any) -> Any:
    """t with Q(t) = q."""
    return mp.sqrt(2) * mp.erfinv(1 - 2 * mp.mpf(q))


def moments(values: Sequence[Any], weights: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Mean, variance and third absolute central moment."""
    atoms = [(mp.mpf(v), w) for v, w in zip(values, weights, strict=True)]
    mean = mp.fsum(w * v for v, w in atoms)
    return (
        mean,
        mp.fsum(w * (v - mean) ** 2 for v, w in atoms),
        mp.fsum(w * abs(v - mean) ** 3 for v, w in atoms),
    )


def tilted(values: Sequence[Any], weights: Sequence[Any], lam: Any) -> tuple[Any, list[Any]]:
    """K(lam), and the tilted probabilities."""
    grown = [w * mp.exp(lam * mp.mpf(v)) for v, w in zip(values, weights, strict=True)]
    total = mp.fsum(grown)
    return mp.log(total), [g / total for g in grown]


def theorem(
    values: Sequence[Any], weights: Sequence[Any], n: int, level: Any, lam: Any
) -> dict[str, Any]:
    """Every term of the right-hand theorem at any slope, for a level above the mean."""
    k, law_there = tilted(values, weights, lam)
    mean_there, variance, third = moments(values, law_there)
    drift = abs(mean_there - level) * mp.sqrt(n / variance) / mp.sqrt(2 * mp.pi)
    e = mp.mpf("0.469") * third / (mp.sqrt(n) * variance ** mp.mpf("1.5")) + drift
    upper, lower = prefactors(lam * mp.sqrt(n * variance), e)
    mean, spread, absolute = moments(values, weights)
    return {
        "shift": mean_there - level,
        "log_factor": n * (k - lam * level),
        "drift": drift,
        "e": e,
        "upper": upper,
        "lower": lower,
        "plain": mp.mpf("0.469") * absolute / (mp.sqrt(n) * spread ** mp.mpf("1.5")),
        "normal": survival((level - mean) * mp.sqrt(n / spread)),
    }


def prefactors(a: Any, e: Any) -> tuple[Any, Any]:
    """Upper and lower bound on E_lam[exp(-lam (S - tau)); S > tau]."""
    core = mp.exp(a * a / 2)
    upper = 2 * e + core * (survival(a) - survival(a + quantile(e))) if e < 0.5 else mp.mpf(1)
    lower = core * survival(a + quantile(mp.mpf(1) / 2 - 2 * e)) if e < 0.25 else mp.mpf(0)
    return min(upper, mp.mpf(1)), lower
