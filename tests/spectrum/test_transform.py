"""Certified tails from one transform of values rounded to a grid."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from oracles import spectrum_law as oracle

from infotheory.measures import Score
from infotheory.spectrum import _transform
from infotheory.spectrum._events import Event, event_of
from infotheory.spectrum._tilting import Tilt, tilt_of
from infotheory.spectrum._transform import (
    best_span,
    grid_of,
    law_mismatch,
    log_exceedance,
    plan_of,
    reach,
    spread_of,
    transform_bounds,
    window,
)

SIZE = 2**10  # few frequencies, as loops are slow where kernels are not compiled

FOUR = [0.4, 0.3, 0.2, 0.1]


def right_tail(score: Score, n: int, **given: Any) -> tuple[Event, Tilt]:
    options: dict[str, Any] = {"delta": None, "threshold": None, "counts": None, **given}
    event = event_of(score, n, options.pop("delta"), side="right", strict=True, **options)
    return event, tilt_of(event)


def random_case(rng: np.random.Generator) -> tuple[Score, int, float]:
    """A score of two to five letters, and a threshold from its mean to its largest sum."""
    k = int(rng.integers(2, 6))
    p = rng.dirichlet(np.full(k, rng.choice([0.3, 1.0, 3.0]))) + 1e-6
    p /= p.sum()
    kind = rng.integers(3)
    if kind == 0:
        score = Score.entropy(p)
    elif kind == 1:
        score = Score(rng.normal(size=k), p)
    else:
        score = Score(rng.permutation(np.arange(6))[:k].astype(float), p)  # on a lattice
    n = int(rng.integers(1, (60, 60, 16, 9, 7, 6)[len(score) - 1]))
    part = rng.uniform(0.0, 0.98)
    return score, n, n * ((1.0 - part) * score.mean + part * score.maximum)


# ------------------------------------------------------------------------------------ the interval


@pytest.mark.parametrize("seed", range(6))
def test_intervals_hold_the_exact_value_and_are_as_narrow_as_the_remainders_allow(
    seed: int,
) -> None:
    """Fifty random laws each.

    What is added up lies between exp(-+2 lam t) P(S > tau +- 2 t), with t the spread of the
    remainders and rounding, but for the probabilities that are neglected.
    """
    rng = np.random.default_rng(seed)
    widths = []
    for _ in range(50):
        score, n, threshold = random_case(rng)
        if len(score) == 1:
            continue
        event, tilt = right_tail(score, n, threshold=threshold)
        found = transform_bounds(event, tilt, size=SIZE)
        atoms = oracle.law(score.values.tolist(), score.log_probabilities.tolist(), n)
        tau = Fraction(threshold)
        assert found.lower <= oracle.log_above(atoms, tau)
        assert oracle.log_above(atoms, tau, strict=False) <= found.upper
        terms = found.terms
        spread = Fraction(plan_of(event, tilt, SIZE).spread)
        named = ("remainders", "wrap", "omitted mass", "rounding")
        slack = 3.0 * sum(terms[name] for name in named) * math.exp(tilt.log_factor)
        relative = 2.0 * tilt.lam * float(spread) + 3.0 * (
            terms["relative law mismatch"] + terms["relative rounding"]
        )
        above = math.exp(oracle.log_above(atoms, tau - 2 * spread, strict=False) + relative)
        below = math.exp(oracle.log_above(atoms, tau + 2 * spread) - relative)
        assert math.exp(found.upper) <= above + slack
        assert math.exp(found.lower) >= below - slack
        widths.append(found.upper - found.lower)
    assert np.median(widths) < 1e-3


@pytest.mark.parametrize(
    ("n", "delta", "exact", "width", "frequencies"),
    [
        (100, 0.05, -2.10761062021388, 8.6e-5, 2**20),
        (100, 0.15, -7.75730325376277, 3.1e-4, 2**20),
        (100, 0.3, -23.15999272040767, 3.6e-4, 2**20),
        (10**4, 0.02, -13.357553023335, 2.8e-4, 2**22),
        (10**4, 0.1, -257.966418348566, 5.5e-3, 2**22),
        (10**5, 0.02, -112.110526758449, 7.2e-3, 2**22),
        (10**6, 0.01, -277.822263158720, 1.4e-1, 2**22),
    ],
)
def test_values_known_from_conditioning_on_counts(
    n: int, delta: float, exact: float, width: float, frequencies: int
) -> None:
    """From two other methods that agree to twelve digits, for p = (.4, .3, .2, .1).

    A first version of this one, with a grid found by another rule, had these widths from so many
    frequencies; spans, and with them widths, are inversely proportional to their number.
    """
    size = 2**16
    event, tilt = right_tail(Score.entropy(FOUR), n, delta=delta)
    found = transform_bounds(event, tilt, size=size)
    assert found.lower <= exact <= found.upper
    assert found.upper - found.lower < width * frequencies / size


def test_narrower_with_more_frequencies_and_every_interval_meets_the_others() -> None:
    event, tilt = right_tail(Score.entropy(FOUR), 200, delta=0.1)
    found = [transform_bounds(event, tilt, size=2**t) for t in (8, 10, 12, 14)]
    widths = [one.upper - one.lower for one in found]
    assert widths[-1] < widths[0] / 16
    assert max(one.lower for one in found) <= min(one.upper for one in found)


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_any_tilt_is_legal(factor: float) -> None:
    event, tilt = right_tail(Score.entropy(FOUR), 100, delta=0.1)
    here = transform_bounds(event, tilt, size=2**13)
    there = transform_bounds(event, tilt_of(event, factor * tilt.lam), size=2**13)
    assert max(here.lower, there.lower) <= min(here.upper, there.upper)
    assert there.upper - there.lower < 0.5


@pytest.mark.parametrize(("n", "least", "log_p"), [(100, 42, None), (1000, 420, None)])
def test_two_letters_are_on_the_grid(n: int, least: int, log_p: None) -> None:
    """P(#{rare} >= 42 | 100) and its likes, with the threshold half-way between two counts."""
    exact = float(oracle.binomial_log_at_least(n, 0.3, least))
    event, tilt = right_tail(Score([0.0, 1.0], [0.7, 0.3]), n, threshold=least - 0.5)
    found = transform_bounds(event, tilt, size=SIZE)
    # The oracle has 0.3 and 0.7 as doubles that sum to 1 but for 2e-16, times n.
    assert found.lower - 1e-12 <= exact <= found.upper + 1e-12
    assert found.upper - found.lower < 1e-11


def test_an_event_that_is_lost_in_what_is_neglected_has_no_lower_bound() -> None:
    score = Score([0.0, 1.0, 1.41421356], [0.5, 0.3, 0.2])
    event, tilt = right_tail(score, 40, threshold=39.9)
    found = transform_bounds(event, tilt_of(event, tilt.lam / 30), size=64)
    assert found.lower == -math.inf
    assert found.terms["relative resolution"] > 0.0
    assert found.upper > -math.inf


def test_an_upper_bound_is_at_most_that_of_chernoff() -> None:
    event, _ = right_tail(Score.entropy(FOUR), 40, threshold=40 * 1.2)
    steep = tilt_of(event, 40.0)
    found = transform_bounds(event, steep, size=64)
    assert found.upper <= steep.log_factor + found.terms["relative rounding"]


@pytest.mark.parametrize("change", ["shift", "scale", "order"])
def test_invariance(change: str) -> None:
    values, p = np.array([0.1, 0.9, 1.3, 2.0]), np.array([0.2, 0.4, 0.1, 0.3])
    event, tilt = right_tail(Score(values, p), 30, threshold=42.0)
    here = transform_bounds(event, tilt, size=SIZE)
    if change == "shift":
        values, threshold = values + 3.0, 42.0 + 90.0
    elif change == "scale":
        values, threshold = 5.0 * values, 210.0
    else:
        values, p, threshold = values[::-1], p[::-1], 42.0
    event, tilt = right_tail(Score(values, p), 30, threshold=threshold)
    there = transform_bounds(event, tilt, size=SIZE)
    assert max(here.lower, there.lower) <= min(here.upper, there.upper)


# -------------------------------------------------------------------- the pieces of the certificate


CASES = [
    (np.array([-0.5, 0.5]), np.array([0.5, 0.5]), 40),
    (np.array([-0.3, 0.7]), np.array([0.7, 0.3]), 200),
    (np.array([-1e-4, 1.0 - 1e-4]), np.array([1.0 - 1e-4, 1e-4]), 50),
    (np.array([-0.9, 0.1, 0.6]), np.array([0.2, 0.6, 0.2]), 30),
]


@pytest.mark.parametrize(("around", "p", "n"), CASES)
@pytest.mark.parametrize("part", [0.05, 0.3, 0.7, 0.95])
def test_exceedance_is_chernoffs_bound(
    around: np.ndarray[Any, Any], p: np.ndarray[Any, Any], n: int, part: float
) -> None:
    """Slopes are 5 % apart, so at most 2.5 % from the best.

    The exponent is convex; for a normal law that costs 0.025^2 of it. Laws with a rare letter have
    a steeper one, of which e^{0.025 s z} - 1 - 0.025 s z <= 2 % for s z <= 8 is a safe share.
    """
    distance = part * n * around.max()
    best = float(oracle.chernoff(around.tolist(), p.tolist(), n, distance))
    found = log_exceedance(p, around, n, distance)
    assert best <= found <= best * (1.0 - 0.02) + 2e-9
    # What is reached with that probability is that distance, but for the same share.
    again = reach(p, around, n, found)
    assert again <= distance * 1.02
    assert float(oracle.chernoff(around.tolist(), p.tolist(), n, again)) <= found + 1e-9


@pytest.mark.parametrize(("around", "p", "n"), CASES)
def test_nothing_is_beyond_the_largest_sum(
    around: np.ndarray[Any, Any], p: np.ndarray[Any, Any], n: int
) -> None:
    assert log_exceedance(p, around, n, 1.01 * n * around.max()) == -math.inf
    assert reach(p, around, n, -1e6) == pytest.approx(n * around.max(), rel=1e-15)
    assert reach(p, 0.0 * around, n, -10.0) == 0.0
    assert log_exceedance(p, around, n, 0.0) == 0.0


def test_a_letter_that_doubles_lose_beside_one_is_not_forgotten() -> None:
    """The sum of one letter reaches 5 with its probability, 1e-20, by which 1 is not changed."""
    p, around = np.array([1.0, 1e-20]), np.array([-1.0, 5.0])
    assert math.log(1e-20) <= log_exceedance(p, around, 1, 5.0) <= 0.95 * math.log(1e-20)
    assert reach(p, around, 1, math.log(1e-19)) < 4.99
    assert reach(p, around, 1, math.log(1e-21)) == pytest.approx(5.0, rel=1e-15)
    best = float(oracle.chernoff([-1.0, 5.0], [1.0, 1e-20], 50, 225.0))
    assert best <= log_exceedance(p, around, 50, 225.0) <= 0.95 * best
    _, omitted = law_mismatch(np.array([1.0, 1e-300]), np.array([-1e-300, 0.0]), 10, -1e4)
    assert omitted >= 10 * 1e-300


@pytest.mark.parametrize("log_eta", [-3.0, -10.0, -40.0])
def test_the_spread_of_fair_signs_is_hoeffdings_or_less(log_eta: float) -> None:
    """For plus or minus a half Hoeffding's bound is nearly Chernoff's, whose best is n KL."""
    n, e = 400, np.array([-0.5, 0.5])
    hoeffding = math.sqrt(n * (math.log(2.0) - log_eta) / 2.0)
    found = spread_of(np.array([0.5, 0.5]), e, n, log_eta)
    assert found <= hoeffding * (1.0 + 1e-12)
    distance = oracle.chernoff(e.tolist(), [0.5, 0.5], n, found)
    assert float(distance) <= log_eta - math.log(2.0) + 1e-9
    assert found >= 0.9 * hoeffding


def test_hoeffdings_bound_is_taken_where_it_is_the_least() -> None:
    """Two equally likely remainders and n = 1: it is above the range, Chernoff's is the range."""
    e = np.array([-0.5, 0.5])
    assert spread_of(np.array([0.5, 0.5]), e, 1, -40.0) == pytest.approx(0.5, rel=1e-14)
    # Fair signs, log eta near 0: sqrt(ln(2) / 2) of the range, which Chernoff's grid just misses.
    found = spread_of(np.array([0.5, 0.5]), e, 10**6, -1e-3)
    assert found == pytest.approx(1000 * math.sqrt((math.log(2.0) + 1e-3) / 2.0), rel=1e-4)


@pytest.mark.parametrize(("around", "p", "n"), CASES)
@pytest.mark.parametrize("log_eta", [-2.0, -8.0, -25.0])
def test_the_spread_keeps_its_promise(
    around: np.ndarray[Any, Any], p: np.ndarray[Any, Any], n: int, log_eta: float
) -> None:
    spread = spread_of(p, around, n, log_eta)
    atoms = oracle.law(around.tolist(), np.log(p).tolist(), n)
    far = [mass for at, mass in atoms if abs(at) > Fraction(spread)]
    assert float(sum(far)) <= math.exp(log_eta)
    # Of the two sides one needs it, but for the slopes that are tried.
    less = 0.97 * spread
    sides = [side for side in (around, -around) if less < n * side.max()]
    needed = [float(oracle.chernoff(side.tolist(), p.tolist(), n, less)) for side in sides]
    assert not needed or max(needed) > log_eta - math.log(2.0)


@pytest.mark.parametrize("size", [16, 32, 64, 256])
def test_what_the_window_leaves_out_is_bounded(size: int) -> None:
    """Windows of some deviations up to all of the sums, against the law of the places."""
    score, n = Score([0.0, 1.0, 3.0, 4.0], [0.3, 0.3, 0.3, 0.1]), 40
    event, tilt = right_tail(score, n, threshold=90.5)
    grid = grid_of(event, tilt, 1.0)
    ends, wrap = window(grid, tilt, n, size, 1e-9)
    law = oracle.place_law(grid.places.tolist(), tilt.weights.tolist(), n)
    outside = sum(mass for at, mass in law.items() if not ends[2] - size <= at < ends[2])
    assert float(outside) <= wrap
    assert wrap <= 1e4 * float(outside) + 1e-18
    # It is Chernoff's bound for each side, of which the slopes miss the best by a few per cent.
    mean, p = n * float(tilt.weights @ grid.places), tilt.weights.tolist()
    around = grid.places - mean / n
    sides = ((around, ends[2] - mean), (-around, mean - (ends[2] - size) + 1))
    logs = [
        float(oracle.chernoff(side.tolist(), p, n, far))
        for side, far in sides
        if far < n * side.max()
    ]
    assert sum(map(math.exp, logs)) <= wrap <= sum(math.exp(0.95 * log) for log in logs)
    # Both sides take their share of the window.
    assert ends[2] - size <= mean < ends[2]


def test_a_window_that_is_too_small_costs_what_it_leaves_out() -> None:
    score, n = Score([0.0, 1.0, 3.0, 4.0], [0.3, 0.3, 0.3, 0.1]), 40
    event, tilt = right_tail(score, n, threshold=90.5)
    grid = grid_of(event, tilt, 1.0)
    small = _transform.Plan(grid, 1e-18, 1e-18, 1e-9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_transform, "plan_of", lambda *_: small)
        found = transform_bounds(event, tilt, size=64)
    atoms = oracle.law(score.values.tolist(), score.log_probabilities.tolist(), n)
    exact = float(oracle.log_above(atoms, Fraction(90.5)))
    assert 1e-4 < found.terms["wrap"] < 1.0
    assert found.lower <= exact <= found.upper
    assert math.exp(found.upper - tilt.log_factor) >= found.terms["wrap"]


def test_the_grid_is_an_identity() -> None:
    """Steps are span times place, plus the mean remainder, plus the rest: n of each at once."""
    event, tilt = right_tail(Score.entropy(FOUR), 10**6, delta=0.01)
    grid = grid_of(event, tilt, 1e-3)
    assert grid.places[np.argmax(tilt.weights)] == 0
    mean = [
        Fraction(high) + Fraction(low) - Fraction(1e-3) * int(place)
        for high, low, place in zip(
            tilt.steps.tolist(), tilt.steps_low.tolist(), grid.places.tolist(), strict=True
        )
    ]
    q = [
        Fraction(high) + Fraction(low)
        for high, low in zip(tilt.weights.tolist(), tilt.weights_low.tolist(), strict=True)
    ]
    centred = sum((a * b for a, b in zip(q, mean, strict=True)), Fraction(0))
    offset = 10**6 * centred + Fraction(1e-3) * grid.centre
    # 2^-105 of the weights and steps, times n, is below the last digit of a number of 1e-3.
    assert grid.offset == pytest.approx(float(offset), rel=1e-14, abs=1e-22)
    assert abs(grid.offset) <= 0.5e-3 * (1 + 1e-12)
    np.testing.assert_allclose(
        grid.remainders, [float(r - centred) for r in mean], rtol=1e-15, atol=1e-30
    )
    assert grid.range <= 1e-3


def test_the_best_span_leaves_little() -> None:
    """Two steps: nothing. On a lattice: nothing. Otherwise: less than most spans in the range."""
    weights = np.array([0.5, 0.3, 0.2])
    assert best_span(np.array([0.6, 0.4]), np.array([0.0, 1.0]), 0.011) == pytest.approx(
        1 / round(1 / best_span(np.array([0.6, 0.4]), np.array([0.0, 1.0]), 0.011)), rel=1e-14
    )
    lattice = np.array([0.0, 3.0, 7.0])
    span = best_span(weights, lattice, 0.3)
    assert 0.3 <= span <= 0.48
    np.testing.assert_allclose(lattice / span, np.rint(lattice / span), atol=1e-12)
    steps = np.array([0.0, math.sqrt(2.0), math.pi])
    span = best_span(weights, steps, 1e-3)
    places = np.rint(steps / span)
    assert np.abs(steps / span - places).max() < 1e-2

    def variance(span: float) -> float:
        left = steps - span * places
        return float(weights @ (left - weights @ left) ** 2)

    # The best one for its places, to first order.
    assert variance(span) < min(variance(span * (1 - 1e-9)), variance(span * (1 + 1e-9)))
    # No differences at all that a span of this size could divide: the range is taken as it is.
    assert 10.0 <= best_span(weights, steps, 10.0) <= 16.0


@pytest.mark.parametrize("n", [1, 100, 10**6])
def test_the_law_that_is_computed_with_is_close(n: int) -> None:
    """The largest weight is what the others lack to one."""
    weights = np.array([0.1, 0.6, 0.3])
    exact = [Fraction(w) for w in weights.tolist()]
    off = abs((1 - exact[0] - exact[2]) - exact[1]) / exact[1]
    mismatch, omitted = law_mismatch(weights, np.zeros(3), n, -40.0)
    rho = 1.01 * max(float(off), 2.0**-53)
    distance = min(math.sqrt(2 * n * (3 * math.log(2.0) + 40.0)), 2 * n)
    assert mismatch == pytest.approx(rho * distance + n * rho**2, rel=1e-12, abs=0)
    assert omitted == math.exp(-40.0)
