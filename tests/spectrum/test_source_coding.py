"""Codes at a fixed rate: brute force over words, identities, and bounds that hold them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles import equipartition as tails
from oracles import source_coding as oracle

from infotheory.measures import Score
from infotheory.spectrum._words import _log_frequencies, _types, classes_of, source_of
from infotheory.spectrum.coding_bounds import (
    RateBounds,
    coding_error_bounds,
    coding_rate_bounds,
    size_bounds,
)
from infotheory.spectrum.equipartition import nep_bounds
from infotheory.spectrum.source_coding import minimum_rate, optimal_error

EIGHTHS = (
    [Fraction(v, 8) for v in (5, 3)],
    [Fraction(v, 8) for v in (4, 2, 2)],
    [Fraction(v, 8) for v in (4, 3, 1, 0)],
    [Fraction(v, 8) for v in (2, 2, 2, 2)],
    [Fraction(1)],
)
laws = st.sampled_from(EIGHTHS)
lengths = st.integers(1, 5)


def doubles(p: list[Fraction]) -> list[float]:
    return [float(v) for v in p]


# Sums of a few hundred terms of relative error below 1e-14 each.
EXACT = 1e-11


@given(laws, lengths, st.fractions(0, 1, max_denominator=997))
def test_error_word_by_word(p: list[Fraction], n: int, share: Fraction) -> None:
    count = len(oracle.words(p, n))
    size = 1 + share * (count - 1)
    if share < Fraction(1, 2):
        size = Fraction(round(size))
    found = math.exp(optimal_error(doubles(p), n, size=float(size)))
    assert found == pytest.approx(float(oracle.error(p, n, size)), rel=EXACT, abs=1e-13)
    by_rate = math.exp(optimal_error(doubles(p), n, rate=math.log(size) / n))
    assert by_rate == pytest.approx(found, rel=EXACT, abs=1e-13)


@given(laws, lengths, st.fractions(0, Fraction(99, 100), max_denominator=997))
def test_least_rate_word_by_word(p: list[Fraction], n: int, epsilon: Fraction) -> None:
    size = oracle.least_size(p, n, epsilon)
    assert math.exp(n * minimum_rate(doubles(p), n, float(epsilon))) == pytest.approx(size)
    if epsilon:
        found = minimum_rate(doubles(p), n, log_epsilon=math.log(epsilon))
        assert math.exp(n * found) == pytest.approx(size)


@pytest.mark.parametrize("p", EIGHTHS[:3])
@pytest.mark.parametrize("n", [1, 4, 8, 12])
def test_the_error_at_a_likelihood_is_a_tail(p: list[Fraction], n: int) -> None:
    """eps*(n, N(delta)) = P(-ln p(X^n) > n (H + delta)), counted word by word."""
    if len([v for v in p if v]) ** n > 5000:
        n = 7
    score = Score.entropy(doubles(p))
    for least in sorted(set(oracle.words(p, n)))[:: max(1, n // 3)]:
        count, rest = oracle.likely(p, n, least)
        found = optimal_error(doubles(p), n, size=count)
        assert math.exp(found) == pytest.approx(float(rest), rel=EXACT, abs=1e-13)
        if rest:
            # Between this likelihood and the next lower one.
            threshold = -math.log(least) + 1e-9
            exact = tails.log_tails(score.values, score.log_probabilities, n, threshold)[">"]
            assert found == pytest.approx(float(exact), rel=EXACT)


@pytest.mark.parametrize("p", [
    [Fraction(7, 10), Fraction(3, 10)], [Fraction(2, 3), Fraction(1, 3)],
    [Fraction(5, 10), Fraction(3, 10), Fraction(2, 10)], [Fraction(1, 3)] * 3,
])  # fmt: skip
def test_errors_that_are_met_exactly(p: list[Fraction]) -> None:
    """An error that is that of a whole number of words, as near as a double comes."""
    for n in (1, 2, 3, 5):
        rest = Fraction(1)
        for size, word in enumerate(oracle.words(p, n), start=1):
            rest -= word
            found = minimum_rate(doubles(p), n, float(rest))
            assert math.exp(n * found) == pytest.approx(size, rel=1e-9)


def test_frequencies_of_long_words() -> None:
    """Poisson weights relative to the likeliest count keep their digits at any length."""
    n, p = 10**6, 0.3
    found = _log_frequencies(n, math.log(p))
    mp.mp.dps = 40
    mode = 300_000
    for away in (-3000, -1, 0, 1, 5000):
        count = mode + away
        want = away * mp.log(mp.mpf(n) * mp.mpf(p)) + mp.loggamma(mode + 1)
        want -= mp.loggamma(count + 1)
        # A sum of as many terms of at most 0.02, and the rounding of n p.
        assert found[count] - found[mode] == pytest.approx(float(want), rel=1e-10, abs=1e-12)


def test_known_rates_of_a_rare_letter() -> None:
    """The exact rates behind the expansion for polynomially small errors."""
    for alpha, n, wanted in (
        (1.0, 1000, 0.64700381270306),
        (1.0, 3000, 0.63550689900161),
        (2.0, 3000, 0.64494351198983),
        (0.5, 3000, 0.62824081964383),
    ):
        epsilon = n**-alpha / (2 * math.sqrt(math.pi * alpha * math.log(n)))
        assert minimum_rate([0.7, 0.3], n, epsilon) == pytest.approx(wanted, abs=1e-13)


def test_errors_that_underflow() -> None:
    p, n = [0.7, 0.3], 20_000
    rate = 0.685
    found = optimal_error(p, n, rate=rate)
    assert found < -760.0
    assert minimum_rate(p, n, log_epsilon=found) == pytest.approx(rate, abs=1e-10)
    assert optimal_error(p, n, rate=0.7) == -math.inf
    assert optimal_error([0.5, 0.25, 0.25], 4, size=81) == -math.inf
    assert minimum_rate([0.5, 0.25, 0.25], 4, 0.0) == pytest.approx(math.log(3))
    assert minimum_rate(p, 4, 1 - 1e-13) == 0.0  # a single word


def test_types_and_their_sizes() -> None:
    types = _types(5, 3)
    assert sorted(map(tuple, types.tolist())) == sorted(tails.types(5, 3))
    classes = classes_of(source_of([0.5, 0.25, 0.25], "probs"), 6)
    assert np.exp(classes.log_size).sum() == pytest.approx(3**6, rel=1e-13)
    assert np.exp(classes.log_p).sum() == pytest.approx(1.0, rel=1e-13)
    assert (np.diff(classes.log_p - classes.log_size) < 0).all()


# ---------------------------------------------------------------------------------------- bounds


def random_law(seed: int, k: int) -> Any:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(k, rng.choice([0.5, 1.0, 3.0]))) + 1e-4
    return p / p.sum()


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 30), st.floats(0.0, 1.0))
def test_sizes_lie_within_their_bounds(seed: int, k: int, n: int, share: float) -> None:
    """Over the whole support, so on both sides of slope 1, where letters are equally likely."""
    p = random_law(seed, k)
    source = source_of(p, "probs")
    assume(len(source.score) == k)
    threshold = n * ((1 - share) * source.score.minimum + share * source.score.maximum)
    classes = classes_of(source, n)
    sums = classes.log_size - classes.log_p
    # Ties within rounding of the sums of this test belong to neither side for certain.
    assume(np.abs(sums - threshold).min() > 1e-9)
    inside = classes.log_size[sums <= threshold]
    exact = float(np.logaddexp.reduce(inside)) / n if len(inside) else -math.inf
    bounds = size_bounds(p, n, threshold=threshold)
    # Logarithms of sums of whole numbers are right to a few units.
    assert bounds.lower <= exact + 1e-13
    assert exact - 1e-13 <= bounds.upper
    same = size_bounds(p, n, threshold / n - source.score.mean)
    assert (same.lower, same.upper) == pytest.approx((bounds.lower, bounds.upper), abs=1e-9)


def test_sizes_on_both_sides_of_even_letters() -> None:
    """The slope of the entropy is 1 at the mean of -ln p under equally likely letters."""
    p, n = [0.7, 0.3], 2000
    even = -0.5 * (math.log(0.7) + math.log(0.3))
    below = size_bounds(p, n, threshold=n * (even - 0.05))
    above = size_bounds(p, n, threshold=n * (even + 0.05))
    assert below.upper < math.log(2) - 1e-3
    assert math.log(2) - above.lower < 1e-4
    assert above.width < 1e-6
    assert below.width < 2e-3
    assert size_bounds(p, n, threshold=-1.0) == RateBounds(-math.inf, -math.inf)
    assert math.log(2) in size_bounds(p, n, threshold=1e9)
    # A law with equal letters: all words or none.
    assert size_bounds([0.25] * 4, 3, 0.1).width < 1e-13
    assert size_bounds([0.25] * 4, 3, -0.1).upper == -math.inf


@settings(max_examples=12)  # each takes some hundreds of bounds
@given(st.integers(0, 2**32 - 1), st.integers(2, 3), st.integers(1, 60), st.floats(0.0, 1.0))
def test_converse_exact_achievability(seed: int, k: int, n: int, share: float) -> None:
    p = random_law(seed, k)
    rate = share * math.log(k)
    exact = optimal_error(p, n, rate=rate)
    bounds = coding_error_bounds(p, n, rate=rate)
    tolerance = 1e-11 * max(1.0, abs(exact)) if math.isfinite(exact) else 0.0
    assert bounds.lower <= exact + tolerance
    assert exact - tolerance <= bounds.upper
    assert bounds.certified
    epsilon = 0.001 + 0.99 * share
    least, between = minimum_rate(p, n, epsilon), coding_rate_bounds(p, n, epsilon)
    assert between.lower <= least + 1e-12
    assert least - 1e-12 <= between.upper


def test_bounds_are_taken_at_the_best_threshold() -> None:
    p, n, rate = [0.5, 0.3, 0.2], 200, 1.05
    score, steps = Score.entropy(p), np.linspace(0.0, 1.0, 401)[1:-1]
    taus = n * ((1 - steps) * score.minimum + steps * score.maximum)
    sizes = [size_bounds(p, n, threshold=tau) for tau in taus]
    errors = [nep_bounds(score, n, threshold=tau) for tau in taus]
    pairs = list(zip(sizes, errors, strict=True))
    # Between neighbours of this grid logarithms of errors differ by about lam (max - min) n / 400.
    apart = 0.5
    found = coding_error_bounds(p, n, rate=rate)
    converse = max(error.lower for size, error in pairs if size.lower >= rate)
    achieved = min(error.upper for size, error in pairs if size.upper <= rate)
    assert converse <= found.lower <= converse + apart
    assert achieved - apart <= found.upper <= achieved
    epsilon, apart = 0.001, apart / n
    between = coding_rate_bounds(p, n, epsilon)
    least = max(size.lower for size, error in pairs if error.lower > math.log(epsilon))
    enough = min(size.upper for size, error in pairs if error.upper <= math.log(epsilon))
    assert least <= between.lower <= least + apart
    assert enough - apart <= between.upper <= enough


def test_bounds_are_not_all_there_is() -> None:
    p = [0.7, 0.3]
    bounds = coding_error_bounds(p, 400, rate=0.65)
    assert bounds.width < 2.0
    assert bounds.event == "P(error) at 0.65 nats a letter, n = 400"
    assert all(name.endswith(("above", "below")) for name in bounds.error_terms)
    # The ratio of the two ends of each prefactor is constant: the width falls like 1/n.
    widths = [n * coding_rate_bounds(p, n, 0.01).width for n in (10**4, 10**8, 10**12)]
    assert max(widths) < 30.0
    tiny = coding_rate_bounds(p, 1000, log_epsilon=-2000.0)
    assert math.log(2) in tiny


def test_equally_likely_letters() -> None:
    p = [0.25] * 4
    bounds = coding_error_bounds(p, 3, size=16)
    assert bounds.method == "exact"
    assert bounds.lower <= math.log(0.75) <= bounds.upper
    assert bounds.width <= 64 * 2.0**-53 * (1 + 2 * math.log(64)) * 3  # of the logarithm of 1/4
    assert optimal_error(p, 3, size=16) == pytest.approx(math.log(0.75))
    assert coding_error_bounds(p, 3, size=64).upper == -math.inf
    assert coding_error_bounds([0.7, 0.3], 5, size=40).upper == -math.inf
    for epsilon in (0.0, 0.1, 0.7, 0.99):
        assert minimum_rate(p, 3, epsilon) in coding_rate_bounds(p, 3, epsilon)
    assert minimum_rate([1.0], 7, 0.2) == 0.0
    assert coding_rate_bounds([1.0], 7, 0.2).upper == 0.0


@pytest.mark.parametrize("n", [3, 60, 10**5])
@pytest.mark.parametrize("p", [[0.5, 0.5], [0.7, 0.3]])
def test_all_words_but_one(p: list[float], n: int) -> None:
    """The one that is lost is the least likely, of probability min(p)^n."""
    lost = coding_error_bounds(p, n, size=2**n - 1)
    assert lost.lower <= n * math.log(min(p)) * (1 - 1e-15) <= lost.upper
    assert coding_error_bounds(p, n, size=2**n).upper == -math.inf
    half = coding_error_bounds(p, n, size=2 ** (n - 1))
    assert half.upper >= (math.log(0.5) if p[0] == 0.5 else half.lower)


def test_the_largest_rate_is_that_of_all_words() -> None:
    third = [0.3333333333333336, 0.33333333333333304, 0.33333333333333337]
    assert coding_rate_bounds(third, 12, 0.0).upper == pytest.approx(math.log(3), rel=1e-15)


def test_the_error_of_a_threshold_is_the_tail_of_the_entropy() -> None:
    """The number of words at a threshold and the probability of the others, both bounded."""
    p, n, delta = [0.4, 0.3, 0.2, 0.1], 30, 0.1
    rates = size_bounds(p, n, delta)
    tail = nep_bounds(Score.entropy(p), n, delta)
    assert optimal_error(p, n, rate=rates.lower) >= tail.lower
    assert optimal_error(p, n, rate=rates.upper) <= tail.upper


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("function", [optimal_error, coding_error_bounds])
def test_refusals_of_sizes(function: Any) -> None:
    with pytest.raises(ValueError, match="one of size and rate must be given; got none of them"):
        function([0.5, 0.5], 3)
    with pytest.raises(ValueError, match="one of size and rate must be given; got size and rate"):
        function([0.5, 0.5], 3, size=2, rate=0.1)
    with pytest.raises(ValueError, match="size must be finite and at least 1; got 0"):
        function([0.5, 0.5], 3, size=0)
    with pytest.raises(ValueError, match=r"rate must be finite and at least 0; got -0\.1"):
        function([0.5, 0.5], 3, rate=-0.1)
    with pytest.raises(TypeError, match="rate must be a number; got '1'"):
        function([0.5, 0.5], 3, rate="1")
    with pytest.raises(TypeError, match="size must be a number; got True"):
        function([0.5, 0.5], 3, size=True)
    with pytest.raises(ValueError, match="p must have sum one"):
        function([0.5, 0.6], 3, size=2)


@pytest.mark.parametrize("function", [minimum_rate, coding_rate_bounds])
def test_refusals_of_errors(function: Any) -> None:
    with pytest.raises(ValueError, match="one of epsilon and log_epsilon must be given; got none"):
        function([0.5, 0.5], 3)
    with pytest.raises(ValueError, match="got epsilon and log_epsilon"):
        function([0.5, 0.5], 3, 0.1, log_epsilon=-1.0)
    with pytest.raises(ValueError, match=r"epsilon must be a number in \[0, 1\); got 1"):
        function([0.5, 0.5], 3, 1)
    with pytest.raises(ValueError, match=r"log_epsilon must be a number below 0; got 0\.0"):
        function([0.5, 0.5], 3, log_epsilon=0.0)


def test_too_many_types() -> None:
    with pytest.raises(ValueError, match=r"n must be small enough .* Use coding_error_bounds"):
        optimal_error(np.arange(1, 27) / 351, 100, rate=1.0)
    with pytest.raises(ValueError, match="one of delta and threshold must be given"):
        size_bounds([0.5, 0.5], 3)
    with pytest.raises(ValueError, match="one of delta and threshold must be given"):
        size_bounds([0.5, 0.5], 3, 0.1, threshold=0.5)
    with pytest.raises(ValueError, match="delta must be finite; got nan"):
        size_bounds([0.5, 0.5], 3, math.nan)
    with pytest.raises(ValueError, match="threshold must be a number, or infinite; got nan"):
        size_bounds([0.5, 0.5], 3, threshold=math.nan)
    with pytest.raises(TypeError, match="delta must be a number; got '1'"):
        size_bounds([0.5, 0.5], 3, "1")
