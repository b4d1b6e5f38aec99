"""Bounds on tails of information densities, against exact laws of short sums."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from infotheory.measures import Score
from infotheory.spectrum import nep_terms, tail
from infotheory.testing.enumeration import EnumeratedLaw, enumerated_law
from infotheory.testing.hunting import Finding

__all__ = ["certified_tails", "equipartition"]

_SHARES = (0.6, 0.25, 0.15)  # of cases with two, three and four letters
_LONGEST = {2: 1000, 3: 100, 4: 30}
_CONCENTRATIONS = (0.3, 1.0, 3.0)
_ENUMERATED = 1e-11  # nats: logarithms of factorials up to 6,000 in size, and what they enter
_METHODS = ("auto", "types", "lattice", "windows", "brackets", "transform")
_WIDTH = 1e-3  # nats: brackets of sums as short as these take long to become narrower
_WIDEST = {"types": 1e-10, "lattice": 1e-9, "windows": 1e-9, "transform": math.inf}


def _score(rng: np.random.Generator, k: int) -> tuple[Score, str]:
    """Draw a score of about k letters, of any of the four kinds or of none."""
    p = rng.dirichlet(np.full(k, rng.choice(_CONCENTRATIONS))) + 1e-6
    p /= p.sum()
    kind = rng.integers(5)
    if kind == 0:
        values = rng.normal(size=k)
        if rng.random() < 0.3:  # of different sizes
            values *= 10.0 ** rng.uniform(-4.0, 4.0, size=k)
        return Score(values, p), f"Score({values.tolist()}, {p.tolist()})"
    if kind == 1 and k > 2:
        joint = np.append(p[:-1], p[-1] * 0.5).reshape(-1, 1)
        joint = np.append(p, 1e-6).reshape(2, -1) if k == 3 else p.reshape(2, -1)
        joint = joint / joint.sum()
        name = str(rng.choice(["conditional_entropy", "mutual_information"]))
        return getattr(Score, name)(joint), f"Score.{name}({joint.tolist()})"
    if kind == 2:
        q = rng.dirichlet(np.full(k, 3.0)) + 1e-6
        q /= q.sum()
        return (
            Score.relative_entropy(p, q),
            f"Score.relative_entropy({p.tolist()}, {q.tolist()})",
        )
    return Score.entropy(p), f"Score.entropy({p.tolist()})"


def _drawn(rng: np.random.Generator) -> tuple[Score, EnumeratedLaw, int, float, str]:
    """Draw a score, a length and a threshold, half of them on an atom of the sum."""
    score, text = _score(rng, int(rng.choice([2, 3, 4], p=_SHARES)))
    longest = _LONGEST[min(max(len(score), 2), 4)]
    n = int(math.exp(rng.uniform(0.0, math.log(longest + 1))))
    law = enumerated_law(score, n)
    scale = math.sqrt(n * score.variance)
    if rng.random() < 0.5:
        threshold = float(rng.choice(law.sums))
    else:
        threshold = n * score.mean + scale * float(rng.normal()) * float(
            rng.choice([0.3, 1.5, 4.0])
        )
    return score, law, n, threshold, f"{text}, n = {n}"


def equipartition(rng: np.random.Generator) -> Iterator[Finding]:
    """Compare each part of the bounds of the equipartition property with the exact tail."""
    score, law, n, threshold, case = _drawn(rng)
    if rng.random() < 0.5:
        side, inner, outer = "right", law.log_above(threshold), law.log_from(threshold)
    else:
        side, low = "left", _mirrored(law)
        inner, outer = low.log_above(-threshold), low.log_from(-threshold)
    for strict in (True, False):
        parts = nep_terms(score, n, threshold=threshold, side=side, strict=strict)
        for name, found in parts.items():
            text = f"{case}, threshold = {threshold!r}, {side}, strict = {strict}"
            text = f"{text}: [{found.lower!r}, {found.upper!r}]"
            exact = inner if name == "exact" and strict else outer
            if name == "exact":
                yield _inside(f"{name}, {side}", found.lower, found.upper, exact, exact, text)
            else:
                yield _inside(f"{name}, {side}", found.lower, found.upper, inner, outer, text)


def certified_tails(rng: np.random.Generator) -> Iterator[Finding]:
    """Compare certified intervals of every method with the exact tail."""
    score, law, n, threshold, case = _drawn(rng)
    if rng.random() < 0.3:
        options, exact, text = _declared(rng, score, law, n)
        case = f"{case}, {text}"
    else:
        threshold = math.nextafter(threshold + 4 * law.tolerance, math.inf)
        options = {"threshold": threshold}
        case = f"{case}, threshold = {threshold!r}"
        exact = law.log_above(threshold) if law.is_clear_of(threshold) else math.nan
    # Where sums cannot be told from the threshold there is no exact value to compare with.
    for method in () if math.isnan(exact) else _METHODS:
        try:
            found = tail(score, n, **options, method=method, width=_WIDTH)
        except ValueError:  # a method that is not for such a score
            continue
        text = f"{case}, {method}: [{found.lower!r}, {found.upper!r}]"
        yield _inside(
            f"{method} holds the exact value", found.lower, found.upper, exact, exact, text
        )
        widest = _WIDEST.get(method)
        if widest is not None and math.isfinite(exact):
            yield Finding(f"{method} is narrow", widest - found.width, text)


def _declared(
    rng: np.random.Generator, score: Score, law: EnumeratedLaw, n: int
) -> tuple[dict[str, Any], float, str]:
    """Draw counts whose sum is the threshold; nan where others may have the same sum."""
    likely = score.tilted(float(rng.normal()) / math.sqrt(score.variance)).probabilities
    counts = rng.multinomial(n, likely)
    strict = bool(rng.random() < 0.5)
    threshold = float(counts @ score.values)
    exact = law.log_above(threshold) if strict else law.log_from(threshold)
    if np.count_nonzero(np.abs(law.sums - threshold) <= law.tolerance) != 1:
        exact = math.nan
    text = f"counts = {counts.tolist()}, strict = {strict}"
    return {"counts": counts, "strict": strict}, exact, text


def _inside(
    statement: str, lower: float, upper: float, inner: float, outer: float, text: str
) -> Finding:
    """State that both logarithms lie between the bounds, up to the rounding of the enumeration."""
    below = math.inf if lower == -math.inf else inner - lower
    above = math.inf if outer == -math.inf else upper - outer
    allowed = _ENUMERATED * (1.0 + abs(inner if math.isfinite(inner) else 0.0))
    return Finding(statement, min(below, above) + allowed, f"{text}, exact {inner!r} to {outer!r}")


def _mirrored(law: EnumeratedLaw) -> EnumeratedLaw:
    return EnumeratedLaw(-law.sums[::-1], law.log_probabilities[::-1], law.tolerance)
