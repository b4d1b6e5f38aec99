"""What the bounds on sums along chains allow for: terms that a random search would not find."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import binom

from infotheory.spectrum import _chain, _chain_grid, _chain_law
from infotheory.spectrum import markov as module
from infotheory.spectrum.markov import MarkovScore

KNOWN = MarkovScore([[0.9, 0.1], [0.3, 0.7]])
THREE = [[0.0, 0.6, 0.4], [0.5, 0.25, 0.25], [0.7, 0.3, 0.0]]
PERIODIC = [[0.0, 1.0, 0.0], [0.3, 0.0, 0.7], [0.0, 1.0, 0.0]]
CHAINS = (KNOWN.chain.transition, [[0.5, 0.5], [1.0, 0.0]], THREE, PERIODIC)


def _pieces(n: int, lam: float) -> Any:
    paths = KNOWN._paths
    tilted = _chain.tilt_chain(paths, lam)
    return paths, tilted, module._law(tilted), n


def law_of_multiples(tilted: Any, grid: Any, n: int) -> dict[tuple[int, int], float]:
    """Mass of each last state and sum of multiples under the tilted chain, letter by letter."""
    masses = {(x, int(grid.first[x])): float(tilted.start[x]) for x in range(2)}
    for _ in range(n - 1):
        grown: dict[tuple[int, int], float] = {}
        for (x, j), mass in masses.items():
            for y in range(2):
                key = y, j + int(grid.steps[x, y])
                grown[key] = grown.get(key, 0.0) + mass * tilted.kernel[x, y]
        masses = grown
    return masses


def test_the_slack_of_independent_steps_is_hoeffdings() -> None:
    """Equal rows: no martingale is needed but the residuals themselves."""
    p = np.array([0.6, 0.3, 0.1])
    paths = MarkovScore(np.tile(p, (3, 1)), p)._paths
    tilted = _chain.tilt_chain(paths, 0.0)
    n, step = 50, 0.31
    grid = _chain_grid._grid(paths, tilted, np.tile(p, (3, 1)), n, (step, -math.log(0.6)))
    rest = -np.log(p) + math.log(0.6)
    rest = rest - step * np.rint(rest / step)
    hoeffding = np.ptp(rest) * math.sqrt(0.5 * (n - 1) * math.log(2 / _chain_grid._RARE))
    begins = -np.log(p) - step * np.rint(-np.log(p) / step)
    assert grid.slack == pytest.approx(hoeffding + 0.5 * np.ptp(begins), rel=1e-9)
    centre = (n - 1) * (-math.log(0.6) + p @ rest) + 0.5 * (begins.max() + begins.min())
    assert grid.centre == pytest.approx(centre, rel=1e-12)


@pytest.mark.parametrize("transition", CHAINS)
def test_what_rounding_leaves_has_the_allowed_size(
    transition: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all words: those further from their multiples than the slack have little weight."""
    monkeypatch.setattr(_chain_grid, "_RARE", 0.05)
    score, n, step = MarkovScore(transition), 9, 0.4
    paths = score._paths
    tilted = _chain.tilt_chain(paths, 0.0)
    grid = _chain_grid._grid(paths, tilted, module._law(tilted), n, (step, 0.1))
    beyond, most = 0.0, 0.0
    for word in np.ndindex(*(len(transition),) * n):
        p = score.chain.initial_distribution[word[0]]
        total, count = paths.first[word[0]], grid.first[word[0]]
        for x, y in itertools.pairwise(word):
            p *= score.chain.transition[x, y]
            total, count = total + paths.steps[x, y], count + grid.steps[x, y]
        away = abs(total - grid.step * count - grid.centre)
        beyond += p * (away > grid.slack)
        most = max(most, away * (p > 0))
    assert beyond <= 0.05
    assert most >= grid.slack / 8  # and the slack is not idle


def test_alias_is_the_mass_outside_at_most() -> None:
    paths, tilted, law, n = _pieces(30, 0.3)
    spread = math.sqrt(n * _chain.cumulants(law, paths.steps)[1])
    grid = _chain_grid._grid(paths, tilted, law, n, (0.05, 0.1))
    masses = law_of_multiples(tilted, grid, n)
    weights = np.exp(-tilted.log_psi)
    mean = sum(m * j for (_, j), m in masses.items())
    for width in (4.0, 5.5, 7.0):
        half = int(width * spread / grid.step)
        low, high = int(mean) - half, int(mean) + half
        outside = sum(m * weights[x] for (x, j), m in masses.items() if not low <= j <= high)
        bound = _chain_grid._outside(tilted, grid, n, (low, high), spread)
        # Chernoff's bound lacks a factor of 1 / (exponent sqrt(2 pi)), and exponents are rounded.
        assert 0.0 < outside <= bound <= 1000.0 * outside
        chernoff = 0.0
        for sign, edge in ((-1.0, low - 1), (1.0, high + 1)):
            slopes = [sign * e * grid.step / spread for e in _chain_grid._EXPONENTS]
            chernoff += min(
                sum(m * weights[x] * math.exp(t * (j - edge)) for (x, j), m in masses.items())
                for t in slopes
            )
        assert bound == pytest.approx(1.001 * chernoff, rel=1e-9)


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
def test_alias_is_small_at_any_length(n: int) -> None:
    """Ten deviations to each side: exp(-50), however small powers of the kernel are."""
    found = KNOWN.log_tail(n, 3.0 / math.sqrt(n))
    assert 0.0 < found.error_terms["alias"] < 1e-20
    assert -math.inf < found.lower <= found.upper < -7.8


@pytest.mark.parametrize("n", [10**5, 10**6])
def test_long_paths_of_independent_letters_are_binomial(n: int) -> None:
    score = MarkovScore([[0.9, 0.1]] * 2, [0.9, 0.1])
    deviation = math.sqrt(0.09) * math.log(9.0)
    for shift in (1.0, 3.0, 6.0):
        delta = shift * deviation / math.sqrt(n)
        # S_n = n ln(1/0.9) + ln(9) J.
        least = (n * (score.entropy_rate + delta) + n * math.log(0.9)) / math.log(9.0)
        exact = binom.logsf(math.floor(least), n, 0.1)
        found = score.log_tail(n, delta)
        assert found.lower <= exact <= found.upper
        assert found.width < 0.1
        exact = binom.logcdf(math.ceil(n * 0.2 - least) - 1, n, 0.1)
        found = score.log_tail(n, delta, "left")
        assert found.lower <= exact <= found.upper


@pytest.mark.parametrize("n", [10**9, 10**12, 10**15])
def test_bounds_of_paths_of_any_length(n: int) -> None:
    """Chernoff's bound is the asymptotic rate to rounding, and a grid adds no more than time."""
    score = MarkovScore([[0.9, 0.1]] * 2, [0.9, 0.1])
    level = 0.1 + 0.01 / math.log(9.0)
    rate = level * math.log(level / 0.1) + (1 - level) * math.log((1 - level) / 0.9)
    for side, delta in (("right", 0.01), ("left", -0.01)):
        assert score.chernoff_bound(n, 0.01).upper == pytest.approx(-n * rate, rel=1e-6)
        found = score.log_tail(n, delta, side, size=1024)
        if side == "right":
            assert found.upper <= -n * rate * (1 - 1e-6)
        else:
            assert -1e-300 < found.lower <= found.upper == 0.0
    assert math.isfinite(score.log_moment(n, 0.5))


def test_the_transform_is_right_within_its_bound() -> None:
    """Means of both functions from the law of J, against those from its transform."""
    paths, tilted, law, n = _pieces(25, 0.5)
    grid = _chain_grid._grid(paths, tilted, law, n, (0.11, 0.2))
    threshold = 14.0
    low = round((threshold - grid.centre) / grid.step) - 512
    below, above, error = _chain_grid._means(tilted, grid, n, (threshold, low, low + 1023))
    masses = law_of_multiples(tilted, grid, n)
    t, lower, upper = grid.slack, 0.0, 0.0
    for (x, j), mass in masses.items():
        at = grid.step * j + grid.centre - threshold
        weight = mass * math.exp(-tilted.log_psi[x])
        lower += weight * math.exp(-0.5 * (at + t)) * (at > t)
        upper += weight * math.exp(-0.5 * max(0.0, at - t)) * (at > -t)
    # Functions of size one, whose transforms are off by 42 units a letter.
    assert n * 42 * 2.0**-53 <= error < 1e-11
    assert abs(below - lower) <= error
    assert abs(above - upper) <= error
    assert below < above


def test_slack_grows_with_the_root_of_the_length() -> None:
    """What is left of the mean of the residuals in each state is a matter of the ends alone."""
    paths, tilted, law, _ = _pieces(1, 0.3)
    short, long = (
        _chain_grid._grid(paths, tilted, law, n, (0.4, 0.1)).slack for n in (101, 10_001)
    )
    assert 5.0 * short < long < 10.5 * short


@pytest.mark.parametrize("lam", [-2.0, 0.4, 3.0])
@pytest.mark.parametrize("n", [10, 10**4, 10**7])
def test_moments_are_off_by_their_bound_at_most(n: int, lam: float) -> None:
    """Of the scores as they are rounded, in forty digits."""
    paths = KNOWN._paths
    found, error = _chain.log_moment(paths, n, lam)
    with mp.workdps(40):
        kernel, start = mp.matrix(2, 2), mp.matrix(1, 2)
        for x in range(2):
            start[0, x] = float(KNOWN.chain.initial_distribution[x])
            start[0, x] *= mp.exp(lam * mp.mpf(float(paths.first[x])))
            for y in range(2):
                kernel[x, y] = float(KNOWN.chain.transition[x, y])
                kernel[x, y] *= mp.exp(lam * mp.mpf(float(paths.steps[x, y])))
        exact = mp.log(mp.fsum(start * kernel ** (n - 1)))
        assert abs(found - exact) <= error
    # A unit of rounding for each letter, and of what is multiplied by their number.
    assert n * 2.0**-53 <= error <= 1000.0 * n * 2.0**-53


def test_eigenvectors_that_are_not_found_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_chain, "_ROUNDS", 0)
    with pytest.raises(ValueError, match="lam must be such that the eigenvector"):
        MarkovScore(THREE).cumulant_generating_function(0.7)


def test_chains_that_are_tilted_to_rest() -> None:
    """States that the tilted chain never leaves, to the last digit of a double."""
    sticky = MarkovScore([[1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9]])
    assert sticky.cumulant_generating_function(-30.0) == pytest.approx(
        31 * math.log1p(-1e-9), rel=1e-6
    )
    with pytest.raises(ValueError, match="lam must be such that the tilted chain moves between"):
        sticky.cumulant_generating_function(-40.0, derivative=3)
    found = _chain_grid.grid_bounds(sticky._paths.negated(), 5, -1e-8, 40.0, 256)
    assert (found.lower, found.upper) == (-math.inf, 0.0)
    # Chernoff's bound needs none of that.
    both = sticky.log_tail(100, 0.0, "left", method="grid")
    assert both.lower == -math.inf
    assert both.upper == sticky.chernoff_bound(100, 0.0, "left").upper < -10.0


@pytest.mark.parametrize(
    ("threshold", "lower", "upper"),
    [(2 - 1e-9, 0.25, 0.25), (2 - 5e-13, 0.0, 0.25), (2 + 5e-13, 0.0, 0.25), (2 + 1e-9, 0.0, 0.0)],
)
def test_sums_within_their_slack_count_above_only(
    threshold: float, lower: float, upper: float
) -> None:
    law = _chain_law.ChainLaw(np.array([1.0, 2.0]), np.log([0.75, 0.25]), 1e-12)
    found = _chain_law.law_bounds(law, threshold)
    assert math.exp(found.lower) == pytest.approx(lower, rel=1e-11)
    assert math.exp(found.upper) == pytest.approx(upper, rel=1e-11)
    assert found.lower <= found.upper


def test_too_many_groups_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = MarkovScore(THREE)._paths
    assert _chain_law.chain_law(paths, 10) is not None
    monkeypatch.setattr(_chain_law, "_MOST_GROUPS", 20)
    assert _chain_law.chain_law(paths, 10) is None
