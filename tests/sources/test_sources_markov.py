"""Markov chains against sums over all paths, and against fractions."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import sources as oracle

from infotheory.sources import MarkovChain
from infotheory.sources.markov import _cumulative

# Sums over at most 4^6 paths, whose probabilities are products of six rounded numbers.
CLOSE = {"rel": 1e-12, "abs": 1e-12}

WEATHER = [[0.9, 0.1], [0.5, 0.5]]
CYCLE = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
TRANSIENT = [[0.5, 0.25, 0.25], [0, 0.3, 0.7], [0, 0.6, 0.4]]
# State 0 is left for {1, 2}, or for {3}, which nothing leaves.
ENDS = [[0.2, 0.3, 0.3, 0.2], [0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


@st.composite
def irreducible(draw: st.DrawFn, least: int = 1) -> list[list[Fraction]]:
    """A cycle through all states, and anything beside it."""
    size = draw(st.integers(least, 4))
    rows = []
    for i in range(size):
        weights = draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
        weights[(i + 1) % size] += 1
        rows.append([Fraction(w, sum(weights)) for w in weights])
    return rows


def floats(rows: Any) -> Any:
    return [[float(value) for value in row] for row in rows]


@given(irreducible())
def test_the_stationary_distribution(rows: Any) -> None:
    """The elimination subtracts nothing: each entry keeps its digits."""
    truth = [float(value) for value in oracle.stationary(rows)]
    np.testing.assert_allclose(MarkovChain(floats(rows)).stationary_distribution, truth, rtol=1e-13)


def test_entries_of_the_stationary_distribution_are_accurate_one_by_one() -> None:
    """Birth and death: pi_i is in proportion to 1e-9 to the power i."""
    up, down = 1e-9, 0.5
    size = 6
    rows = np.zeros((size, size))
    for i in range(size):
        if i + 1 < size:
            rows[i, i + 1] = up
        if i:
            rows[i, i - 1] = down
        rows[i, i] = 1 - rows[i].sum()
    shares = MarkovChain(rows).stationary_distribution
    np.testing.assert_allclose(shares / shares[0], [(up / down) ** i for i in range(size)], 1e-14)


def test_states_that_are_hardly_ever_left_keep_their_shares() -> None:
    """1 less the chance to stay has lost all but three digits; the chance to leave has not."""
    leave, back = 1e-13, 3e-13
    chain = MarkovChain([[1 - leave, leave], [back, 1 - back]])
    np.testing.assert_allclose(chain.stationary_distribution, [0.75, 0.25], rtol=1e-14)


@given(irreducible(), st.integers(1, 5))
def test_block_entropy_is_that_of_all_paths(rows: Any, n: int) -> None:
    initial = [float(value) for value in oracle.stationary(rows)]
    truth = oracle.block_entropy(n, floats(rows), initial)
    assert MarkovChain(floats(rows)).block_entropy(n) == pytest.approx(truth, **CLOSE)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("transition", [WEATHER, CYCLE, TRANSIENT, ENDS])
def test_block_entropy_from_a_given_start(transition: Any, n: int) -> None:
    initial = np.arange(1.0, len(transition) + 1)
    initial /= initial.sum()
    chain = MarkovChain(transition, initial)
    assert chain.block_entropy(n) == pytest.approx(
        oracle.block_entropy(n, transition, initial), **CLOSE
    )
    np.testing.assert_array_equal(chain.initial_distribution, initial)


@given(irreducible(), st.integers(1, 4))
def test_information_at_a_lag(rows: Any, lag: int) -> None:
    initial = [float(value) for value in oracle.stationary(rows)]
    truth = oracle.mutual_information(oracle.lag_joint(lag, floats(rows), initial))
    chain = MarkovChain(floats(rows))
    assert chain.mutual_information(lag) == pytest.approx(truth, **CLOSE)


@given(irreducible(), st.integers(1, 50))
def test_block_entropy_grows_by_the_rate(rows: Any, n: int) -> None:
    """H(n) = E + n h for a stationary chain, with the excess entropy E."""
    chain = MarkovChain(floats(rows))
    line = chain.excess_entropy() + n * chain.entropy_rate()
    assert chain.block_entropy(n) == pytest.approx(line, rel=1e-12, abs=1e-12)


@given(irreducible(), st.integers(1, 10))
def test_information_falls_with_the_lag(rows: Any, lag: int) -> None:
    chain = MarkovChain(floats(rows))
    assert chain.mutual_information(lag + 1) <= chain.mutual_information(lag) + 1e-13


@given(irreducible())
def test_the_rate_lies_between_zero_and_the_entropy_of_a_state(rows: Any) -> None:
    chain = MarkovChain(floats(rows))
    assert 0.0 <= chain.entropy_rate() <= chain.block_entropy(1) + 1e-13


def test_two_states_by_hand() -> None:
    """pi = (b, a) / (a + b), and h = pi_0 h(a) + pi_1 h(b)."""
    chain = MarkovChain(WEATHER)
    np.testing.assert_allclose(chain.stationary_distribution, [5 / 6, 1 / 6], rtol=1e-15)
    rate = (5 * oracle.binary_entropy(0.1) + oracle.binary_entropy(0.5)) / 6
    assert chain.entropy_rate() == pytest.approx(rate, rel=1e-15, abs=0)
    assert chain.entropy_rate(base=2) == pytest.approx(rate / math.log(2), rel=1e-15, abs=0)


def test_the_golden_mean_process() -> None:
    """Crutchfield and Feldman: 2/3 bit a symbol, and log2(3) - 4/3 bits of excess entropy."""
    chain = MarkovChain([[0.5, 0.5], [1.0, 0.0]])
    assert chain.entropy_rate(base=2) == pytest.approx(2 / 3, rel=1e-15, abs=0)
    assert chain.excess_entropy(base=2) == pytest.approx(math.log2(3) - 4 / 3, rel=1e-14, abs=0)


def test_a_periodic_chain() -> None:
    chain = MarkovChain(CYCLE)
    np.testing.assert_allclose(chain.stationary_distribution, [1 / 3] * 3, rtol=1e-15)
    assert chain.entropy_rate() == 0.0
    assert chain.excess_entropy() == pytest.approx(math.log(3), rel=1e-15, abs=0)
    for lag in (1, 2, 3, 1000):  # the past tells the phase for good
        assert chain.mutual_information(lag) == pytest.approx(math.log(3), rel=1e-15, abs=0)


def test_transient_states_have_no_share() -> None:
    chain = MarkovChain(TRANSIENT)
    np.testing.assert_allclose(chain.stationary_distribution, [0, 6 / 13, 7 / 13], rtol=1e-15)
    assert set(chain.sample(500, rng=0).tolist()) == {1, 2}


def test_shares_of_several_ends() -> None:
    """From 0 the path leaves with odds 6 to 2; {1, 2} then share 2 to 1."""
    shares = MarkovChain(ENDS, [1.0, 0, 0, 0]).stationary_distribution
    np.testing.assert_allclose(shares, [0, 0.5, 0.25, 0.25], rtol=1e-14)
    shares = MarkovChain(ENDS, [0.5, 0.25, 0, 0.25]).stationary_distribution
    np.testing.assert_allclose(shares, [0, (0.375 + 0.25) * 2 / 3, 0.625 / 3, 0.375], rtol=1e-14)
    # The limit of block entropies per step, which differ from it by a bounded amount.
    chain = MarkovChain(ENDS, [1.0, 0, 0, 0])
    n = 1 << 20
    assert chain.block_entropy(n) / n == pytest.approx(chain.entropy_rate(), abs=10 / n)


@pytest.mark.parametrize("e", [1e-3, 1e-15, 1e-20, 1e-200])
def test_ends_of_states_that_are_hardly_ever_left(e: float) -> None:
    """The odds of the ends are those of leaving for them, however rarely that happens."""
    alone = MarkovChain([[1, 0, 0], [0, 1, 0], [e, 3 * e, 1 - 4 * e]], [0, 0, 1])
    np.testing.assert_allclose(alone.stationary_distribution, [0.25, 0.75, 0], rtol=1e-14)
    # 2 and 3 lead to each other, but with e to an end: P = e + (1 - e)^2 P from 3 to 0.
    two = [[1, 0, 0, 0], [0, 1, 0, 0], [0, e, 0, 1 - e], [e, 0, 1 - e, 0]]
    shares = MarkovChain(two, [0, 0, 0, 1]).stationary_distribution
    np.testing.assert_allclose(shares, [1 / (2 - e), (1 - e) / (2 - e), 0, 0], rtol=1e-14)


@given(irreducible(least=3), st.sampled_from([2, -1]))
def test_ends_against_fractions(rows: Any, first: int) -> None:
    """Paths that begin again once they reach 0 or 1 spend time there as often as they end there."""
    size = len(rows)
    start = [Fraction(int(j == first % size)) for j in range(size)]
    again = oracle.stationary([start, start, *rows[2:]])
    truth = [float(again[end] / (again[0] + again[1])) for end in (0, 1)] + [0.0] * (size - 2)
    transition = np.eye(size)
    transition[2:] = floats(rows[2:])
    shares = MarkovChain(transition, floats([start])[0]).stationary_distribution
    np.testing.assert_allclose(shares, truth, rtol=1e-13)


def test_states_that_are_never_left() -> None:
    chain = MarkovChain(np.eye(3), [0.5, 0.25, 0.25])
    np.testing.assert_array_equal(chain.stationary_distribution, [0.5, 0.25, 0.25])
    assert chain.block_entropy(100, base=2) == 1.5
    assert chain.entropy_rate() == 0.0
    assert len(set(chain.sample(50, rng=1).tolist())) == 1


def test_independent_rows_are_a_memoryless_source() -> None:
    p = [0.2, 0.3, 0.5]
    chain = MarkovChain([p, p, p])
    assert chain.entropy_rate() == pytest.approx(oracle.entropy(p), rel=1e-14, abs=0)
    assert chain.excess_entropy() < 1e-15
    assert chain.block_entropy(7) == pytest.approx(7 * oracle.entropy(p), rel=1e-14, abs=0)


def test_very_long_blocks_and_lags_keep_their_digits() -> None:
    """Rows of the powers are kept at sum one, so nothing drifts in 27 squarings."""
    chain = MarkovChain([[0.9, 0.1, 0], [0.3, 0.3, 0.4], [0, 0.2, 0.8]])
    n = 100_000_000
    assert chain.block_entropy(n) == pytest.approx(
        chain.excess_entropy() + n * chain.entropy_rate(), rel=1e-13
    )
    assert chain.mutual_information(n) < 1e-14


# --------------------------------------------------------------------------------------- the paths


def test_a_path_uses_only_allowed_steps() -> None:
    path = MarkovChain(ENDS, [1.0, 0, 0, 0]).sample(300, rng=5)
    assert path[0] == 0
    assert all(ENDS[a][b] > 0 for a, b in itertools.pairwise(path))


def test_the_largest_draw_leads_to_a_state_of_the_row() -> None:
    """Ten tenths add up to less than the largest draw, 1 - 2^-53; the last state has no share."""
    sums = _cumulative(np.array([0.1] * 10 + [0.0]))
    assert bisect_right(sums, math.nextafter(1, 0)) == 9


@pytest.mark.parametrize("transition", [WEATHER, TRANSIENT])
def test_steps_are_as_frequent_as_their_probability(transition: Any) -> None:
    """Steps out of one state are independent draws: each share is within 5 standard errors."""
    path = MarkovChain(transition).sample(20_000, rng=2)
    p = np.array(transition)
    for state in set(path[:-1].tolist()):
        follow = np.bincount(path[1:][path[:-1] == state], minlength=len(p))
        visits = follow.sum()
        error = np.sqrt(p[state] * (1 - p[state]) / visits)
        assert (np.abs(follow / visits - p[state]) <= 5 * error).all()


def test_the_first_state_follows_its_distribution() -> None:
    """Within 5 standard errors over 2000 paths of one state."""
    chain = MarkovChain(WEATHER, [0.3, 0.7])
    rng = np.random.default_rng(0)
    ones = sum(int(chain.sample(1, rng)[0]) for _ in range(2000))
    assert abs(ones / 2000 - 0.7) < 5 * math.sqrt(0.21 / 2000)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("transition", "options", "message"),
    [
        ([[0.5, 0.5]], {}, r"transition must be a square matrix; got shape \(1, 2\)\."),
        ([0.5, 0.5], {}, r"transition must be a matrix, one distribution a row; got shape \(2,\)"),
        (np.ones((0, 2)), {}, r"transition must be a matrix, one distribution a row; got shape"),
        ([[0.5, 0.4], [0, 1]], {}, r"transition must have sum one .* got 0\.9 at transition\[0\]"),
        ([[1.5, -0.5], [0, 1]], {}, r"at least 0 and not nan; got -0\.5 at transition\[0, 1\]"),
        (
            np.eye(2),
            {},
            r"of one closed class of states .* got 2 classes, \[0\] and \[1\]",
        ),
        (ENDS, {}, r"2 classes, \[1, 2\] and \[3\] among them\. Pass the distribution"),
        (WEATHER, {"initial": "uniform"}, r"initial must be 'stationary' or .*; got 'uniform'\."),
        (
            WEATHER,
            {"initial": [1.0]},
            r"have one entry for each of the 2 states; got 1\.",
        ),
        (WEATHER, {"initial": [0.5, 0.6]}, r"initial must have sum one .* got 1\.1"),
    ],
)
def test_refused_chains(transition: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MarkovChain(transition, **options)


@pytest.mark.parametrize("quantity", ["mutual_information", "excess_entropy"])
def test_what_only_a_stationary_path_has(quantity: str) -> None:
    chain = MarkovChain(WEATHER, [0.5, 0.5])
    with pytest.raises(ValueError, match=r"^initial must be 'stationary' for a quantity that is"):
        getattr(chain, quantity)()


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2"])
def test_refused_lengths(wrong: Any) -> None:
    chain = MarkovChain(WEATHER)
    with pytest.raises(ValueError, match="n must be a positive integer"):
        chain.block_entropy(wrong)
    with pytest.raises(ValueError, match="lag must be a positive integer"):
        chain.mutual_information(wrong)
