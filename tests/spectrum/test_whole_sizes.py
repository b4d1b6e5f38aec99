"""Numbers of words, compared as whole numbers: the least likely ones, one by one."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import source_coding as oracle

from infotheory.measures import Score
from infotheory.spectrum import _words, coding_bounds, nep_bounds, size_bounds
from infotheory.spectrum.coding_bounds import coding_error_bounds, coding_rate_bounds
from infotheory.spectrum.source_coding import minimum_rate, optimal_error

STEEP = [1.0 - 1e-10, 1e-10]


def log_of(p: Fraction) -> float:
    with mp.workdps(30):
        return float(mp.log(mp.mpf(p.numerator)) - mp.log(mp.mpf(p.denominator)))


def exactly(p: list[float], n: int, size: int | Fraction) -> float:
    """Of the doubles as they are, divided by their sum."""
    whole = [Fraction(v) / sum(map(Fraction, p)) for v in p]
    return log_of(oracle.error_of_pairs(whole, n, Fraction(size)))


def sizes_of(n: int) -> list[int]:
    """Ends of classes, and their neighbours."""
    ends = [1, 1 + n, 2 ** (n - 1), 2**n - 1 - n, 2**n - 1]
    return sorted({size + step for size in ends for step in (-1, 0, 1)} - {0, 2**n})


# Sums over n letters of logarithms that are right to a unit each.
def tolerance(n: int) -> float:
    return 8e-16 * n + 1e-14


@pytest.mark.parametrize("p", [[0.7, 0.3], [0.999, 0.001], STEEP])
@pytest.mark.parametrize("n", [2, 30, 60, 101])
def test_words_are_told_from_the_next_ones(p: list[float], n: int) -> None:
    for size in sizes_of(n):
        exact = exactly(p, n, size)
        found = optimal_error(p, n, size=size)
        assert found == pytest.approx(exact, rel=tolerance(n), abs=tolerance(n))
    assert optimal_error(p, n, size=2**n) == -math.inf
    assert optimal_error(p, n, size=2**n - 1) == pytest.approx(n * math.log(p[1]), rel=1e-14)


@pytest.mark.parametrize("n", [1, 5, 30, 60])
@pytest.mark.parametrize("p", [[0.5, 0.3, 0.2], [0.25] * 4, [0.5, 0.25, 0.25], [1.0]])
def test_all_words_and_all_but_one(p: list[float], n: int) -> None:
    count = len(p) ** n
    assert optimal_error(p, n, size=count) == -math.inf
    assert optimal_error(p, n, size=2 * count) == -math.inf
    if count > 1:
        least = n * math.log(min(p))
        assert optimal_error(p, n, size=count - 1) == pytest.approx(least, rel=1e-13)


def test_sizes_of_any_type() -> None:
    p, n = [0.7, 0.3], 60
    assert optimal_error(p, n, size=2.0**60) == -math.inf
    assert optimal_error(p, n, size=np.uint64(2**60)) == -math.inf
    one = optimal_error(p, n, size=np.uint64(2**60 - 1))
    assert one == pytest.approx(60 * math.log(0.3), rel=1e-14)
    half = optimal_error(p, 3, size=7.5)
    assert half == pytest.approx(math.log(0.5 * 0.027), rel=1e-14)
    with pytest.raises(TypeError, match="size must be a number; got "):
        optimal_error(p, n, size=np.True_)


def test_rates_close_to_that_of_all_words() -> None:
    p = [0.7, 0.3]
    for n in (3, 60, 20_000):
        assert optimal_error(p, n, rate=math.log(2.0)) == -math.inf
    for other, n in ((p, 37), ([0.5, 0.3, 0.2], 5), ([0.25] * 4, 30), (np.arange(1, 8) / 28, 9)):
        assert optimal_error(other, n, rate=minimum_rate(other, n, 0.0)) == -math.inf
    n, rate = 60, math.log(2.0) - 1e-12
    # As many words as rounding of the rate is not: that of the product is 1e-4 of the difference.
    lost = -(2**60) * math.expm1(-60 * 1e-12)
    found = optimal_error(p, n, rate=rate)
    assert found == pytest.approx(exactly(p, n, Fraction(2**60 - round(lost))), abs=1e-3)


@pytest.mark.parametrize("p", [[0.7, 0.3], [0.999, 0.001], STEEP])
@pytest.mark.parametrize("n", [2, 30, 60, 101])
def test_the_least_size_is_that_of_its_error(p: list[float], n: int) -> None:
    """Of errors that some size just meets, and of those a little lower, which take one word more.

    Steps of less than a part in 10^11 of the error are taken for rounding.
    """
    for size in set(sizes_of(n)) - {2**n - 1}:
        before, at, after = (
            exactly(p, n, number) if number else 0.0 for number in (size - 1, size, size + 1)
        )
        if before - at > 1e-9 < at - after:
            found = n * minimum_rate(p, n, log_epsilon=at)
            assert found == pytest.approx(math.log(size), rel=1e-15, abs=1e-15)
            more = n * minimum_rate(p, n, log_epsilon=at - 1e-9)
            assert more == pytest.approx(math.log(size + 1), rel=1e-15)
    assert n * minimum_rate(p, n, 0.0) == pytest.approx(n * math.log(2.0), rel=4e-16)


def test_nearly_all_words_are_lost() -> None:
    """One of 2^70 equally likely words is kept."""
    assert optimal_error([0.5, 0.5], 70, size=1) == pytest.approx(-(2.0**-70), rel=1e-13)
    rare = optimal_error([0.6, 0.4], 200, size=3)
    kept = 0.6**200 + 2 * 0.6**199 * 0.4
    assert rare == pytest.approx(-kept, rel=1e-12, abs=0.0)


@given(st.integers(2, 40), st.floats(0.0, 1.0), st.sampled_from([[0.8, 0.2], [0.5, 0.3, 0.2]]))
def test_logarithms_in_place_of_whole_numbers(n: int, share: float, p: list[float]) -> None:
    """As beyond ten thousand letters: the error is continuous in the size."""
    count = len(p) ** min(n, 15)
    size = max(1, min(count - 1, round(count**share)))
    for number in (size, count - size):
        exact = optimal_error(p, min(n, 15), size=number)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_words, "_MOST_DIGITS", 0.0)
            found = optimal_error(p, min(n, 15), size=number)
        assert found == pytest.approx(exact, rel=1e-11, abs=1e-11)


def test_long_words() -> None:
    """One is lost of a number of words that has thirty thousand digits."""
    n = 100_000
    assert optimal_error([0.7, 0.3], n, size=2**n - 1) == pytest.approx(n * math.log(0.3))
    assert optimal_error([0.7, 0.3], n, size=2**n) == -math.inf
    # The next word is 10^10 times as likely: a part of it would be seen.
    last = optimal_error(STEEP, n, size=2**n - 1)
    assert last == pytest.approx(n * math.log(1e-10), abs=1e-2)
    first = optimal_error([0.9999, 0.0001], n, size=1)
    assert first == pytest.approx(math.log1p(-(0.9999**n)), rel=1e-10)


def test_sizes_are_multinomial_coefficients() -> None:
    types = _words._types(7, 3)
    found = _words._sizes(types, (1, 2, 3))
    for counts, size in zip(types.tolist(), found, strict=True):
        want = math.factorial(7) // math.prod(map(math.factorial, counts))
        assert size == want * 2 ** counts[1] * 3 ** counts[2]
    assert sum(found) == 6**7


# ------------------------------------------------------------------------- where bounds meet a size


def bisected(test: Any, low: float, high: float) -> tuple[float, float]:
    for _ in range(70):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if test(middle) else (low, middle)
    return low, high


@pytest.mark.parametrize(
    ("p", "n", "rate"),
    [([0.7, 0.3], 100, 0.6), ([0.4, 0.3, 0.2, 0.1], 10**6, 1.3), ([0.7, 0.3], 10**9, 0.62)],
)
def test_thresholds_are_those_of_plain_bisection(p: list[float], n: int, rate: float) -> None:
    score = Score.entropy(p)
    ends = n * score.minimum, n * score.maximum
    fits, _ = bisected(lambda tau: size_bounds(p, n, threshold=tau).upper <= rate, *ends)
    _, full = bisected(lambda tau: size_bounds(p, n, threshold=tau).lower < rate, *ends)
    found = coding_error_bounds(p, n, rate=rate)
    # Thresholds are off by 64 doubles, and logarithms by n (H + delta) and the slope times that.
    apart = 64 * 2.0**-52 * ends[1]
    assert found.upper == pytest.approx(nep_bounds(score, n, threshold=fits).upper, abs=apart)
    assert found.lower == pytest.approx(nep_bounds(score, n, threshold=full).lower, abs=apart)


@pytest.mark.parametrize(
    "p", [[0.7, 0.3], [1.0 - 1e-300, 1e-300], np.arange(1, 41) / 820, [0.5, 0.5 - 1e-9, 1e-9]]
)
@pytest.mark.parametrize("n", [100, 10**6])
def test_few_bounds_are_computed_in_fifty_digits(
    p: Any, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def counted(law: Any, *arguments: Any, **options: Any) -> Any:
        asked.extend([law] * isinstance(law, Score))
        return nep_bounds(law, *arguments, **options)

    monkeypatch.setattr(coding_bounds, "nep_bounds", counted)
    assert coding_error_bounds(p, n, rate=0.97 * math.log(len(p))).upper < 0.0
    assert len(asked) <= 20
    asked.clear()
    assert coding_rate_bounds(p, n, 0.3).width < 0.2
    # A threshold of 1e-295 beside one of 690 is looked for among all doubles.
    assert len(asked) <= (150 if min(p) < 1e-200 else 20)


def test_a_place_that_is_missed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search in doubles decides how long it takes, not what is found."""
    want = coding_error_bounds([0.6, 0.4], 50, rate=0.65)
    for wrong in (1e-3, 30.0, 45.0, 1e3):
        monkeypatch.setattr(coding_bounds, "brentq", lambda *_, at=wrong, **__: at)
        found = coding_error_bounds([0.6, 0.4], 50, rate=0.65)
        assert (found.lower, found.upper) == pytest.approx((want.lower, want.upper), rel=1e-12)


def test_a_dip_of_the_bounds_is_passed_over() -> None:
    """Next to the mean of three letters the lower bound dips below that of the rarest word."""
    found = coding_rate_bounds([0.9, 0.1], 3, log_epsilon=-32.0)
    assert found.lower > 0.6


@pytest.mark.parametrize("p", [[0.7, 0.3], [0.5, 0.3, 0.2], [0.99, 0.01]])
@pytest.mark.parametrize("n", [3, 50, 10**6])
def test_bounds_in_doubles_are_those_in_fifty_digits(p: list[float], n: int) -> None:
    source = _words.source_of(p, "probs")
    for law in (source.score, source.counting):
        for share in (0.01, 0.3, 0.6, 0.99, 1.0 - 1e-9):
            threshold = n * ((1.0 - share) * law.minimum + share * law.maximum)
            side = "right" if threshold >= n * law.mean else "left"
            want, found = (
                coding_bounds._tail(kind, n, threshold, side)
                for kind in (law, coding_bounds._Rounded(law))
            )
            # Moments are right to some units, and n times their rounding is that of the result.
            assert found.upper == pytest.approx(want.upper, rel=1e-9, abs=1e-9)
            assert found.lower == pytest.approx(want.lower, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("place", [0, 1, 5, 2**52, 4607182418800017408, -1, -4607182418800017408])
def test_places_of_doubles(place: int) -> None:
    x = coding_bounds._double(place)
    assert coding_bounds._place(x) == place
    assert coding_bounds._double(place + 1) == math.nextafter(x, math.inf)


def test_a_letter_that_underflows() -> None:
    """exp(-800) has no double, and its variance neither."""
    p = [0.0, -800.0]
    found = coding_error_bounds(p, 5, size=2, kind="logits")
    # Of the words with one rare letter all but one are lost.
    assert math.log(4.0) - 800.0 in found
    rates = coding_rate_bounds(p, 5, log_epsilon=math.log(4.5) - 800.0, kind="logits")
    assert math.log(2.0) / 5.0 in rates  # one word with that letter is enough
