"""Events of small sums, whose probabilities can be enumerated, and what intervals of them obey."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mpmath
from hypothesis import assume
from hypothesis import strategies as st
from oracles import spectrum_types as oracle

from infotheory.measures import Score
from infotheory.spectrum._events import Event, event_of
from infotheory.spectrum.results import LogInterval

# Relative errors of n < 60 letters: 2,400 roundings of exponents, some 10 for each of at most 60
# counts of 6 letters, of 1.1e-16 each; and slopes of at most 700 times 10 roundings of sums that
# are 60 spans long at most, which is 5e-11; twice that for both ends.
NARROW = 1e-10
# Windows may leave out a part in 10^10, twice for its rounding.
WINDOWED = NARROW + 2e-10


def event(score: Score, n: int, delta: Any = None, **options: Any) -> Event:
    given: dict[str, Any] = {"threshold": None, "counts": None, "side": "right", "strict": True}
    return event_of(score, n, delta, **given | options)


@dataclass(frozen=True)
class Case:
    event: Event
    exact: mpmath.mpf
    on_atom: bool  # whether a threshold that is a plain number is a sum that may occur

    def check(self, found: LogInterval, width: float) -> None:
        assert found.lower <= self.exact <= found.upper, (found, self.exact)
        if not self.on_atom:
            assert found.upper - found.lower <= width, found


def _score(draw: Any) -> Score:
    k = draw(st.integers(2, 6))
    weights = [draw(st.integers(1, 1000)) for _ in range(k)]
    if draw(st.booleans()):
        weights[0] *= 10.0 ** draw(st.sampled_from([-3, -9, -25]))
    p = [weight / math.fsum(weights) for weight in weights]
    kind = draw(st.sampled_from(["entropy", "plain", "whole"]))
    if kind == "entropy":
        return Score.entropy(p)
    if kind == "whole":
        step = draw(st.sampled_from([1.0, 0.3, math.log(2)]))
        return Score([step * draw(st.integers(-3, 5)) for _ in range(k)], p)
    return Score([draw(st.floats(-3, 3, width=32)) for _ in range(k)], p)


@st.composite
def cases(draw: Any) -> Case:
    score = _score(draw)
    k = len(score)
    assume(k >= 2)
    most = max(n for n in range(1, 41) if math.comb(n + k - 1, k - 1) <= 600)
    n = draw(st.integers(1, most))
    strict = draw(st.booleans())
    kind = draw(st.sampled_from(["between", "declared", "on an atom"]))
    if kind == "between":
        share = draw(st.floats(0.0, 0.99))
        found = event(score, n, share * (score.maximum - score.mean), strict=strict)
    else:
        cuts = sorted(draw(st.integers(0, n)) for _ in range(k - 1))
        counts = [b - a for a, b in zip([0, *cuts], [*cuts, n], strict=True)]
        found = event(score, n, counts=counts, strict=strict)
        if kind == "on an atom":
            found = event(score, n, threshold=found.threshold, strict=strict)
    assume(n * score.mean <= found.threshold)
    assume(n * score.minimum < found.threshold < n * score.maximum)
    exact = oracle.log_tail(
        score.values.tolist(),
        score.log_probabilities.tolist(),
        n,
        found.threshold,
        strict,
        found.counts,
    )
    # Thresholds between atoms may be as near to one as rounding, but are so by accident only.
    return Case(found, exact, kind == "on an atom" or _touched(found))


def _touched(found: Event) -> bool:
    """Whether a sum is within rounding of a threshold that is not declared."""
    if found.counts is not None:
        return False
    values, n = found.score.values.tolist(), found.n
    near = 1e-13 * n * (1.0 + max(map(abs, values)))
    return any(
        abs(math.fsum(c * v for c, v in zip(counts, values, strict=True)) - found.threshold) <= near
        for counts in oracle.types(n, len(values))
    )


def meet(one: LogInterval, other: LogInterval) -> bool:
    return max(one.lower, other.lower) <= min(one.upper, other.upper)
