"""Scores of Markov chains: against all words, against independent letters, and method by method."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import markov as oracle

from infotheory.measures import Score
from infotheory.spectrum.markov import MarkovScore
from infotheory.testing import assert_brackets
from infotheory.testing.strategies import distributions, markov_chains

KNOWN = MarkovScore([[0.9, 0.1], [0.3, 0.7]])
GOLDEN = [[0.5, 0.5], [1.0, 0.0]]  # no two ones in a row
THREE = [[0.0, 0.6, 0.4], [0.5, 0.25, 0.25], [0.7, 0.3, 0.0]]
PERIODIC = [[0.0, 1.0, 0.0], [0.3, 0.0, 0.7], [0.0, 1.0, 0.0]]
CHAINS = (KNOWN.chain.transition, GOLDEN, THREE, PERIODIC)

chains = markov_chains(min_states=2)
lams = st.floats(-3.0, 3.0)


@st.composite
def cases(draw: Any) -> Any:
    """A chain, the law of its first state or None, a length, a distance and a side."""
    transition = draw(chains)
    size = len(transition)
    initial = draw(st.one_of(st.none(), distributions(min_size=size, max_size=size)))
    n = draw(st.integers(1, 7 if size == 2 else 5))
    return (
        transition,
        initial,
        n,
        draw(st.floats(-1.5, 1.5)),
        draw(st.sampled_from(["right", "left"])),
    )


def threshold_of(score: MarkovScore, n: int, delta: float, side: str) -> float:
    return n * (score.entropy_rate + (delta if side == "right" else -delta))


def log(p: float) -> float:
    return math.log(p) if p > 0.0 else -math.inf


# ------------------------------------------------------------------------------------ the oracle


@given(cases())
def test_bounds_hold_the_share_of_all_words(case: Any) -> None:
    transition, initial, n, delta, side = case
    score = MarkovScore(transition, initial)
    paths = oracle.words(score.chain.transition, score.chain.initial_distribution, n)
    strictly, loosely = oracle.tail(paths, threshold_of(score, n, delta, side), side)
    # Products of n probabilities, and a sum of 3^5 of them at most.
    slack = 1e-13
    exact = score.log_tail(n, delta, side)
    assert exact.method == "counts"
    assert exact.lower <= log(strictly) + slack
    assert exact.upper >= log(strictly) - slack
    assert exact.lower >= log(strictly) - 1e-11  # near ties may be undecided: then all of them are
    assert exact.upper <= log(loosely) + 1e-11
    grid = score.log_tail(n, delta, side, method="grid", size=512)
    assert grid.lower <= log(strictly) + slack
    assert grid.upper >= log(strictly) - slack
    assert score.chernoff_bound(n, delta, side).upper >= log(strictly) - slack


@given(cases(), lams)
def test_moments_and_laws_are_those_of_all_words(case: Any, lam: float) -> None:
    transition, initial, n, _, _ = case
    score = MarkovScore(transition, initial)
    paths = oracle.words(score.chain.transition, score.chain.initial_distribution, n)
    exact = math.log(oracle.moment(paths, lam))
    # Exponents of up to 3 * 690 a letter, in units of rounding.
    assert score.log_moment(n, lam) == pytest.approx(exact, abs=1e-12 * (1 + n))
    law = score.law(n)
    mean = math.fsum(p * s for s, p in paths)
    largest = max(s for s, _ in paths)
    assert law.mean == pytest.approx(mean, abs=1e-14 * (1 + largest))
    variance = math.fsum(p * (s - mean) ** 2 for s, p in paths)
    assert law.variance == pytest.approx(variance, abs=1e-13 * (1 + largest**2))
    assert law.maximum == pytest.approx(largest, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("transition", CHAINS)
@pytest.mark.parametrize("derivative", [0, 1, 2, 3])
def test_cumulants_are_derivatives_of_the_eigenvalue(transition: Any, derivative: int) -> None:
    score = MarkovScore(transition)
    for lam in (-2.0, 0.0, 0.4, 1.0, 2.5):
        exact = oracle.rate(score.chain.transition, lam, derivative)
        found = score.cumulant_generating_function(lam, derivative=derivative)
        assert found == pytest.approx(exact, rel=1e-11, abs=1e-13)


def test_eigenvalues_far_out() -> None:
    """K(lam) where entries of the matrix range over exp(±400)."""
    for lam in (-150.0, -40.0, 60.0, 150.0):
        with mp.workdps(500):
            exact = float(oracle.log_root(KNOWN.chain.transition, mp.mpf(lam)))
        assert KNOWN.cumulant_generating_function(lam) == pytest.approx(exact, rel=1e-13)


# --------------------------------------------------------------------------------- known values


def test_the_worked_example() -> None:
    assert KNOWN.entropy_rate == pytest.approx(0.39652830555730956, rel=1e-15)
    assert KNOWN.varentropy_rate == pytest.approx(0.57318, abs=5e-6)
    for n, tail in ((12, 0.22719712768500), (40, 0.050936799216144)):
        for method, ceiling in (("counts", 1e-11), ("grid", 0.01)):
            found = KNOWN.log_tail(n, 0.2, method=method)
            # The tails are known to fourteen digits.
            assert_brackets(found, math.log(tail), slack=2e-13, ceiling=ceiling)
    chernoff = KNOWN.chernoff_bound(40, 0.2)
    assert chernoff.lower == -math.inf
    # The figure is that of a grid of slopes, and so a little above the least.
    assert 0.26484 <= math.exp(chernoff.upper) <= 0.2648473


def test_moments_of_a_square() -> None:
    """E exp(S_n) is the number of paths, and E exp(0) is one."""
    golden = MarkovScore(GOLDEN)
    words_of_five = 13  # of zeros and ones without two ones in a row: a Fibonacci number
    assert golden.log_moment(5, 1.0) == pytest.approx(math.log(words_of_five), rel=1e-14)
    assert golden.log_moment(10**6, 0.0) == pytest.approx(0.0, abs=1e-9)
    ratio = (1 + math.sqrt(5)) / 2
    assert golden.cumulant_generating_function(1.0) == pytest.approx(math.log(ratio), rel=1e-14)


def test_a_tilt_to_equal_words() -> None:
    """At slope one, all words of a length are as likely as one another: the golden mean chain."""
    tilted = MarkovScore(GOLDEN).tilted(1.0)
    ratio = (1 + math.sqrt(5)) / 2
    assert tilted.transition[0, 0] == pytest.approx(1 / ratio, rel=1e-14)
    assert tilted.transition[1].tolist() == [1.0, 0.0]


def test_chains_that_leave_no_doubt() -> None:
    turning = MarkovScore([[0.0, 1.0], [1.0, 0.0]])  # the first letter says it all
    assert turning.entropy_rate == turning.varentropy_rate == 0.0
    for method in ("counts", "grid"):
        assert turning.log_tail(9, 0.05, method=method).upper == pytest.approx(0.0, abs=1e-9)
        assert turning.log_tail(9, 0.5, method=method).upper < -5.0
    alone = MarkovScore([[1.0]])
    assert alone.log_tail(9, 0.5).upper == -math.inf
    assert alone.log_tail(9, 0.5, "left", method="grid").upper < -100.0
    assert MarkovScore([[0.5, 0.5]] * 2).law(20).values == pytest.approx([20 * math.log(2.0)])


# ------------------------------------------------------------------------------------ properties


@given(distributions(min_size=2, max_size=3, zeros=False), st.integers(1, 6), lams)
def test_equal_rows_are_independent_letters(p: Any, n: int, lam: float) -> None:
    assume(p.min() > 1e-100)
    markov, score = MarkovScore(np.tile(p, (len(p), 1)), p), Score.entropy(p)
    size = 1e-13 * (1 + score.maximum) * (1 + abs(lam))
    k = markov.cumulant_generating_function
    for order in (0, 1, 2, 3):
        exact = score.cumulant_generating_function(lam, derivative=order)
        assert k(lam, derivative=order) == pytest.approx(
            exact, abs=size * (1 + score.maximum) ** order
        )
    assert markov.log_moment(n, lam) == pytest.approx(n * k(lam), abs=n * size)
    law = markov.law(n)
    assert law.mean == pytest.approx(n * score.mean, abs=n * size)
    assert law.variance == pytest.approx(n * score.variance, abs=n * size * (1 + score.maximum))


@given(chains, st.integers(2, 40), st.floats(-0.6, 0.6), st.sampled_from(["right", "left"]))
def test_methods_agree(transition: Any, n: int, delta: float, side: str) -> None:
    score = MarkovScore(transition)
    exact = score.log_tail(n, delta, side)
    assume(exact.method == "counts")
    grid = score.log_tail(n, delta, side, method="grid", size=1024)
    assert grid.method == "grid"
    assert grid.lower <= exact.upper
    assert exact.lower <= grid.upper
    assert exact.lower <= score.chernoff_bound(n, delta, side).upper


@given(chains, st.integers(2, 1000), lams, lams, st.floats(0.0, 1.0))
def test_cumulants_are_convex(transition: Any, n: int, a: float, b: float, share: float) -> None:
    score = MarkovScore(transition)
    between = share * a + (1 - share) * b
    for k in (score.cumulant_generating_function, lambda lam: score.log_moment(n, lam) / n):
        low, high = k(a), k(b)
        assert k(between) <= share * low + (1 - share) * high + 1e-11 * (1 + abs(low) + abs(high))


@given(chains, lams)
def test_the_tilted_chain_has_the_mean_of_the_slope(transition: Any, lam: float) -> None:
    score = MarkovScore(transition)
    tilted = score.tilted(lam)
    assert ((tilted.transition > 0) <= (score.chain.transition > 0)).all()
    flow = tilted.stationary_distribution[:, None] * tilted.transition
    mean = float((flow * score._paths.steps).sum())
    exact = score.cumulant_generating_function(lam, derivative=1)
    # Stationary laws of chains that hardly move: a rounded weight of 1e-12 is off by 1e-4.
    assert mean == pytest.approx(exact, rel=1e-3, abs=1e-10)


@pytest.mark.parametrize("transition", CHAINS)
def test_a_tilt_by_nothing_changes_nothing(transition: Any) -> None:
    score = MarkovScore(transition)
    same = score.tilted(0.0)
    # Row sums are even to 1e-13.
    assert same.transition == pytest.approx(score.chain.transition, abs=1e-13)
    assert same.initial_distribution == pytest.approx(score.chain.initial_distribution, abs=1e-13)
    assert score.cumulant_generating_function(0.0) == pytest.approx(0.0, abs=1e-14)
    assert score.cumulant_generating_function(0.0, derivative=1) == pytest.approx(
        score.entropy_rate
    )


def test_longer_grids_are_narrower_and_overlap() -> None:
    widths = []
    exact = KNOWN.log_tail(150, 0.3)
    for size in (2**10, 2**13, 2**16):
        found = KNOWN.log_tail(150, 0.3, method="grid", size=size)
        assert found.lower <= exact.lower <= exact.upper <= found.upper
        widths.append(found.width)
    assert widths[0] > 3 * widths[1] > 9 * widths[2]
    assert widths[2] < 0.05


def test_a_coarse_grid_says_no_less_than_chernoffs_bound() -> None:
    coarse = KNOWN.log_tail(5000, 0.2, size=256)
    assert coarse.upper == pytest.approx(KNOWN.chernoff_bound(5000, 0.2).upper, rel=1e-12)


def test_nearly_certain_events_are_known_by_their_complements() -> None:
    """Where one less the probability is below what a transform can tell from nothing."""
    found = KNOWN.log_tail(400, -0.25, method="grid")
    other = KNOWN.log_tail(400, 0.25, "left", method="grid")
    assert -1e-12 < found.lower <= found.upper < 0.0
    assert found.width < 0.1 * abs(found.lower)
    assert math.exp(other.upper) == pytest.approx(-found.lower, rel=1e-12, abs=0.0)


def test_long_paths_fall_back_to_the_grid() -> None:
    found = KNOWN.log_tail(5000, 0.1, size=2**14)
    assert found.method == "grid"
    assert -math.inf < found.lower <= found.upper <= KNOWN.chernoff_bound(5000, 0.1).upper
    # Far in the tail of many letters, where probabilities underflow.
    deep = KNOWN.log_tail(5000, 1.0, size=2**16)
    assert deep.upper < -1000.0
    assert deep.width < 5.0


def test_samples_have_the_rates() -> None:
    n, rounds = 200, 2000
    rng = np.random.default_rng(11)
    sums = np.array([KNOWN.sample(n, rng).sum() for _ in range(rounds)])
    mean = KNOWN.chain.block_entropy(n)
    # Five standard errors; the fourth moment of a sum of 200 is that of a normal number nearly.
    assert abs(sums.mean() - mean) <= 5 * math.sqrt(n * KNOWN.varentropy_rate / rounds)
    spread = KNOWN.law(n).variance
    assert abs(sums.var() - spread) <= 5 * spread * math.sqrt(3 / rounds)
    above = np.mean(sums > n * (KNOWN.entropy_rate + 0.1))
    assert abs(above - math.exp(KNOWN.log_tail(n, 0.1).upper)) <= 5 * math.sqrt(0.25 / rounds)
    path = MarkovScore(GOLDEN).chain.sample(50, rng=3)
    scores = MarkovScore(GOLDEN).sample(50, rng=3)
    assert scores[1:].tolist() == [0.0 if x else math.log(2.0) for x in path[:-1]]


def test_sums_at_the_threshold_count_on_one_side_only() -> None:
    fair = MarkovScore([[0.5, 0.5]] * 2)  # all words have one score
    both = fair.log_tail(10, 0.0)
    assert both.lower == -math.inf
    assert both.upper == 0.0


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: MarkovScore([[1.0, 0.0], [0.5, 0.5]]),
            "transition must be such that each state can be reached from each other one; got",
        ),
        (lambda: MarkovScore([[0.5, 0.5]]), "transition must be a square matrix"),
        (lambda: MarkovScore(GOLDEN, "start"), "initial must be 'stationary' or the distribution"),
        (lambda: KNOWN.log_tail(0, 0.1), "n must be a whole number"),
        (lambda: KNOWN.log_tail(5, 0.1, "up"), "side must be one of"),
        (lambda: KNOWN.log_tail(5, math.nan), "delta must be finite; got nan"),
        (lambda: KNOWN.log_tail(5, 0.1, method="fft"), "method must be one of 'auto', 'counts'"),
        (lambda: KNOWN.log_tail(5, 0.1, size=1000), "size must be a power of two from 256"),
        (lambda: KNOWN.log_tail(5000, 0.1, method="counts"), "n must be short enough for paths"),
        (lambda: KNOWN.law(10**6), "log_tail with method='grid' and chernoff_bound take any n"),
        (lambda: KNOWN.log_moment(5, [0.1]), "lam must be one number; got shape"),
        (lambda: KNOWN.cumulant_generating_function(1e5), "lam must be such that the eigenvector"),
        (
            lambda: KNOWN.cumulant_generating_function(0.0, derivative=4),
            "derivative must be one of 0, 1, 2, 3; got 4",
        ),
        (
            lambda: MarkovScore(np.full((20, 20), 0.05)).log_tail(5, 0.1, size=2**20),
            "size must be at most 167772 for 20 states; got 1048576",
        ),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_wrong_types() -> None:
    with pytest.raises(TypeError, match="lam must be a number or an array of numbers; got 'x'"):
        KNOWN.cumulant_generating_function("x")


def test_arrays_of_slopes_and_the_text() -> None:
    found = KNOWN.cumulant_generating_function([[0.0, 0.5]], derivative=1)
    assert found.shape == (1, 2)
    assert found[0, 1] == KNOWN.cumulant_generating_function(0.5, derivative=1)
    assert repr(KNOWN) == ("MarkovScore(2 states, entropy rate 0.396528, varentropy rate 0.573183)")
    assert KNOWN.log_tail(5, 0.5, "left").event.startswith("P(S_5 < -0.51")
    assert MarkovScore(GOLDEN, None).chain == MarkovScore(GOLDEN).chain
