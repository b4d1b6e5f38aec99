"""Tails of any alphabet by functions of limited band."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import brackets as oracle
from spectrum.tail_cases import Case, cases, event, meet

from infotheory._jit import JIT_ENABLED
from infotheory.measures import Score
from infotheory.spectrum import _brackets
from infotheory.spectrum._bands import Band
from infotheory.spectrum._brackets import brackets_bounds, brackets_cost
from infotheory.spectrum._tilting import tilt_of
from infotheory.spectrum.results import LogInterval

FOUR = Score.entropy([0.4, 0.3, 0.2, 0.1])
EIGHT = Score.entropy([0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.04])
EFFORT = 1e6 if JIT_ENABLED else 2e4
needs_jit = pytest.mark.skipif(not JIT_ENABLED, reason="takes minutes in plain Python")


def bounds(found: Any, **options: Any) -> LogInterval:
    return brackets_bounds(found, **{"effort": EFFORT} | options)


def width_of(interval: LogInterval) -> float:
    return interval.upper - interval.lower


# -------------------------------------------------------------------------------------- enumerated


@given(case=cases())
def test_intervals_hold_the_probability(case: Case) -> None:
    effort = EFFORT / (10.0 if JIT_ENABLED else 1000.0)
    found = bounds(case.event, width=1e-6, effort=effort)
    assert found.lower <= case.exact <= found.upper


def _random_score(rng: np.random.Generator, kind: str, k: int) -> Score:
    p = rng.dirichlet(np.full(k, rng.choice([1.0, 3.0]))) + 0.01
    p /= p.sum()
    if kind == "entropy":
        return Score.entropy(p)
    if kind == "plain":
        return Score(rng.normal(size=k), p)
    if kind == "divergence":
        return Score.relative_entropy(p, rng.dirichlet(np.ones(k)))
    step = rng.choice([1.0, 0.3, math.log(2)])
    return Score(step * rng.permutation(7)[:k] + 1.0 / 3.0, p)


@pytest.mark.parametrize("kind", ["entropy", "plain", "divergence", "lattice"])
@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("depth", [0.02, 0.3, 0.7])
def test_intervals_are_narrow(kind: str, k: int, depth: float) -> None:
    # Halfway between two atoms, unless nearer ones are within rounding of them.
    rng = np.random.default_rng([k, int(100 * depth), len(kind)])
    score = _random_score(rng, kind, k)
    n = {2: 120, 3: 25, 4: 12, 5: 9, 6: 7}[k]
    atoms = sorted(
        math.fsum(c * v for c, v in zip(counts, score.values.tolist(), strict=True))
        for counts in oracle.types(n, len(score))
    )
    near = n * (score.mean + depth * (score.maximum - score.mean))
    place = next(i for i, atom in enumerate(atoms) if atom > near)
    place = max(range(max(place - 3, 1), place + 3), key=lambda i: atoms[i] - atoms[i - 1])
    tau = 0.5 * (atoms[place] + atoms[place - 1])
    found = bounds(event(score, n, threshold=tau))
    below, above = oracle.log_tails(
        score.values.tolist(), score.log_probabilities.tolist(), n, Fraction(tau)
    )
    assert below == above
    assert found.lower <= below <= found.upper
    assert width_of(found) <= (1e-5 if JIT_ENABLED else 0.2)


@pytest.mark.parametrize("strict", [True, False])
def test_plain_thresholds_hold_both_events(strict: bool) -> None:
    score = Score([0.0, 1.0], [0.7, 0.3])
    found = bounds(event(score, 100, threshold=40.0, strict=strict))
    below, above = oracle.log_tails(
        score.values.tolist(), score.log_probabilities.tolist(), 100, Fraction(40)
    )
    assert found.lower <= below < above <= found.upper
    # An atom on the threshold is not told apart, however wide the band.
    assert width_of(found) == pytest.approx(float(above - below), rel=0.05)


# information-spectrum.md, section 6: M3 and M7 agree to 1e-12. The threshold n (H + delta) is
# rounded here, and so are the scores: lam n u 2 H moves the logarithm by 3e-11 for the last.
_TABLE = [
    (10**4, 0.02, -13.357553023335),
    (10**4, 0.1, -257.966418348566),
    (10**5, 0.02, -112.110526758449),
    (10**6, 0.01, -277.822263158720),
]


@pytest.mark.parametrize(("n", "delta", "known"), _TABLE)
def test_known_values(n: int, delta: float, known: float) -> None:
    found = bounds(event(FOUR, n, delta), width=1e-10, effort=1.6e7 if JIT_ENABLED else EFFORT)
    assert found.lower <= known + 1e-10
    assert found.upper >= known - 1e-10
    assert width_of(found) <= (1e-10 if JIT_ENABLED else 1e-4)


@pytest.mark.parametrize("n", [10**4, 10**6, 10**9, 10**12])
@pytest.mark.parametrize("letters", [5, 26])
def test_large_alphabets_and_many_letters(letters: int, n: int) -> None:
    weights = 1.0 / np.arange(1.0, letters + 1.0) ** 0.9
    score = Score.entropy(weights / weights.sum())
    delta = 3.0 * math.sqrt(score.variance / n)
    found = bounds(event(score, n, delta))
    assert width_of(found) <= (1.1e-8 if JIT_ENABLED else 1e-4)
    # Three deviations beyond the mean of a law that is nearly normal: skewness moves it by
    # (3^2 - 1) kappa_3 / (6 sigma^3 sqrt n), 8 times 3 / (6 * 100) for n = 10^4 and the worst.
    normal = math.log(0.5 * math.erfc(3.0 / math.sqrt(2.0)))
    assert found.lower == pytest.approx(normal, abs=12.0 / math.sqrt(n) + 1e-5)


# ------------------------------------------------------------------------------------ agreement


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("n", "delta"), [(30, 0.2), (1000, 0.05), (10**5, 0.001)])
def test_intervals_of_all_choices_meet(
    side: str, n: int, delta: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = event(EIGHT, n, delta, side=side)
    lam = tilt_of(asked).lam
    width = 1e-5 if JIT_ENABLED else 1e-2
    intervals = [
        bounds(asked, tilt=tilt_of(asked, factor * lam), width=w, effort=EFFORT / 4.0)
        for factor in (0.7, 1.0, 1.3)
        for w in (width, 1e3 * width, 1e-4 * width)  # bands, and with them what sieves leave out
    ]
    for first in (3, 9, 12):
        monkeypatch.setattr(_brackets, "_FIRST", first)
        intervals.append(bounds(asked, width=width))
    assert all(meet(one, other) for one in intervals for other in intervals)
    assert min(map(width_of, intervals)) <= 2e-2


def test_shallow_thresholds_are_tilted_further() -> None:
    # At the mean lam is zero, where the functions would not decay.
    asked = event(EIGHT, 1000, 0.0)
    assert tilt_of(asked).lam < 1e-9
    found = bounds(asked, width=1e-3)
    assert width_of(found) <= 1e-3
    # A half, less what skewness takes: kappa_3 / (6 sqrt(2 pi n) sigma^3), some hundredth.
    assert math.exp(found.upper) == pytest.approx(0.5, abs=0.01)


def test_rare_letters_do_not_pull_the_tilt_away() -> None:
    score = Score([0.0, 1.0, 1.7], [0.8, 0.2 - 1e-5, 1e-5])
    asked = event(score, 25, threshold=5.05)
    exact = oracle.log_tails(
        score.values.tolist(), score.log_probabilities.tolist(), 25, Fraction(5.05)
    )[0]
    found = bounds(asked)
    assert found.lower <= exact <= found.upper
    assert width_of(found) <= (1e-5 if JIT_ENABLED else 0.1)
    two = Score([0.0, 1.0], [1.0 - 2e-4, 2e-4])
    found = bounds(event(two, 150, threshold=0.5))
    exact = math.log(-math.expm1(150.0 * math.log1p(-2e-4)))
    # The probabilities are exp of rounded logarithms over their sum: a few units of each.
    assert found.lower - 1e-13 <= exact <= found.upper + 1e-13
    assert width_of(found) <= (1e-5 if JIT_ENABLED else 0.1)


_DYADIC = [0.125, 0.5, 1.25, 2.75]


def test_invariance() -> None:
    p, n, tau, width = [0.4, 0.3, 0.2, 0.1], 60, 57.3125, 1e-3
    plain = bounds(event(Score(_DYADIC, p), n, threshold=tau), width=width)
    order = [2, 0, 3, 1]
    others = [
        Score([_DYADIC[i] for i in order], [p[i] for i in order]),
        Score([v + 3.0 for v in _DYADIC], p),  # exact in binary
        Score([8.0 * v for v in _DYADIC], p),
    ]
    thresholds = [tau, tau + 3.0 * n, 8.0 * tau]
    for score, threshold in zip(others, thresholds, strict=True):
        found = bounds(event(score, n, threshold=threshold), width=width)
        # The same slope but for rounding, and so the same functions.
        assert found.lower == pytest.approx(plain.lower, abs=1e-9)
        assert found.upper == pytest.approx(plain.upper, abs=1e-9)


def test_tails_fall_with_the_threshold() -> None:
    found = [bounds(event(EIGHT, 500, delta), width=1e-3) for delta in (0.02, 0.05, 0.1, 0.3)]
    assert all(a.lower > b.upper for a, b in itertools.pairwise(found))


# ------------------------------------------------------------------------------------------ ties


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("score", "counts"),
    [
        (Score([0.0, 1.0], [0.7, 0.3]), (60, 40)),
        (Score.entropy([0.5, 0.25, 0.125, 0.125]), (3, 5, 4)),
        (Score([0.1, 0.7, 1.9], [0.5, 0.3, 0.2]), (7, 6, 7)),
        (FOUR, (3, 3, 4, 4)),
    ],
)
def test_declared_ties_are_told_apart(score: Score, counts: tuple[int, ...], strict: bool) -> None:
    n = sum(counts)
    found = bounds(event(score, n, counts=counts, strict=strict))
    values = score.values.tolist()
    tau = sum((c * Fraction(v) for c, v in zip(counts, values, strict=True)), Fraction(0))
    near = Fraction(1, 10**9)  # above all rounding, below all distances of atoms that differ
    edge = tau + near if strict else tau - near
    exact = oracle.log_tails(values, score.log_probabilities.tolist(), n, edge)[0]
    assert found.lower <= exact <= found.upper
    tied = oracle.log_tails(values, score.log_probabilities.tolist(), n, tau - near)[0]
    tied -= oracle.log_tails(values, score.log_probabilities.tolist(), n, tau + near)[0]
    # Far narrower than what a tie weighs.
    assert width_of(found) <= (1e-4 if JIT_ENABLED else 0.3) * tied


# ------------------------------------------------------------------------------- effort and terms


def test_terms_are_allowed_for() -> None:
    found = bounds(event(EIGHT, 1000, 0.1), width=1e-3)
    assert set(found.terms) == {"band limit", "alias", "sieve", "relative rounding"}
    assert all(size >= 0.0 for size in found.terms.values())
    assert found.terms["band limit"] > 0.0


def test_wider_bands_are_narrower_intervals() -> None:
    widths = [1e-1, 1e-2, 1e-3, 1e-4]
    asked = event(FOUR, 10_000, 0.02)
    found = [width_of(bounds(asked, width=width, effort=1e5)) for width in widths]
    assert all(got <= width for got, width in zip(found, widths, strict=True))


def test_no_effort_leaves_chernoff() -> None:
    asked = event(FOUR, 1000, 0.1)
    found = bounds(asked, effort=1.0)
    tilt = tilt_of(asked)
    assert found.lower == -math.inf
    assert found.upper == pytest.approx(tilt.log_factor, rel=1e-12)
    assert found.upper > tilt.log_factor
    assert found.terms == {}


def test_effort_may_end_between_two_sides() -> None:
    asked = event(FOUR, 14, counts=(3, 3, 4, 4))
    found = [bounds(asked, effort=effort) for effort in range(20, 120, 7)]
    assert found[0].lower == -math.inf < found[-1].lower
    assert all(meet(one, other) for one in found for other in found)


def test_little_effort_leaves_a_wide_interval() -> None:
    asked = event(EIGHT, 60, 0.2)
    found = [bounds(asked, effort=effort, width=1e-10) for effort in (3e2, 3e3, 2e4)]
    assert width_of(found[0]) > width_of(found[1]) > width_of(found[2]) > 1e-9
    assert all(meet(one, other) for one in found for other in found)


def test_poor_guess_of_the_mass_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # A sieve for a mass that is far too large leaves out too much, until it is chosen again.
    monkeypatch.setattr(_brackets, "normal_mass", lambda _: 100.0)
    asked = event(FOUR, 10_000, 0.02)
    found = bounds(asked, width=1e-5, effort=1e5)
    assert width_of(found) <= 1e-5


def test_one_letter_sums() -> None:
    score = Score([0.0, 0.4, 1.0, 1.1], [0.4, 0.3, 0.2, 0.1])
    found = bounds(event(score, 1, threshold=0.7))
    assert found.lower <= math.log(0.3) <= found.upper
    assert width_of(found) <= (1e-5 if JIT_ENABLED else 0.1)


def test_cost_grows_with_what_is_asked() -> None:
    asked = event(EIGHT, 1000, 0.1)
    assert 0.0 < brackets_cost(asked, width=1e-3) < brackets_cost(asked, width=1e-9)
    # The more letters are summed, the fewer frequencies count.
    assert brackets_cost(event(EIGHT, 100, 0.1)) > 100.0 * brackets_cost(event(EIGHT, 10**5, 0.1))


@needs_jit
@pytest.mark.parametrize(("n", "delta"), [(300, 0.15), (1000, 0.1), (10**4, 0.02), (10**6, 0.01)])
def test_cost_is_of_the_order_of_the_work(
    n: int, delta: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    original = _brackets.band_of

    def counted(*arguments: Any) -> Any:
        band = original(*arguments)
        looked.append(band.nodes)  # twenty for the power, as many as letters for its base
        return band

    monkeypatch.setattr(_brackets, "band_of", counted)
    weights = np.sqrt([23.0, 13.0, 11.0, 7.0, 5.0, 3.0, 2.0, 1.0])  # in no special relation
    asked = event(Score.entropy(weights / weights.sum()), n, delta)
    brackets_bounds(asked)
    work = sum(looked) * (len(weights) + 20.0)
    assert work / 30.0 <= brackets_cost(asked) <= work * 30.0


@given(p=st.floats(0.05, 0.95), n=st.integers(5, 60), share=st.floats(0.05, 0.9))
def test_two_letters_are_binomial(p: float, n: int, share: float) -> None:
    score = Score([0.0, 1.0], [1.0 - p, p])
    place = min(int(n * (p + share * (1.0 - p))), n - 1)
    found = bounds(event(score, n, threshold=place + 0.5), width=1e-3)
    mpmath.mp.dps = 30
    q = [mpmath.exp(mpmath.mpf(x)) for x in score.log_probabilities.tolist()]
    total = mpmath.fsum(
        mpmath.binomial(n, j) * q[1] ** j * q[0] ** (n - j) for j in range(place + 1, n + 1)
    )
    exact = mpmath.log(total / mpmath.fsum(q) ** n)
    assert found.lower <= exact <= found.upper
    assert width_of(found) <= (1e-3 if JIT_ENABLED else 0.5)


def test_a_band_that_bounds_nothing_from_below() -> None:
    best = LogInterval(-9.0, -1.0, {})
    band = Band(-0.25, 0.5, {"relative rounding": 0.0}, 10.0)
    found = _brackets._intersection(best, band, -2.0)
    assert found.lower == -9.0
    assert found.upper == pytest.approx(-2.0 + math.log(0.5), rel=1e-12)
