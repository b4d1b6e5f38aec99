"""Entropy and information of samples taken for Gaussian, or of their normal scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import continuous as oracle

from infotheory.estimators.continuous import gaussian
from infotheory.estimators.continuous.linear import precedes
from infotheory.sources import Gaussian, GaussianPair, GaussianTriple

# Of well conditioned samples: a few dozen roundings of numbers below 100.
NEAR = 1e-11


def mixed(seed: int, n: int, *dims: int) -> list[Any]:
    """Gaussian blocks that all depend on one another."""
    rng = np.random.default_rng(seed)
    width = sum(dims)
    samples = rng.normal(size=(n, width)) @ (np.eye(width) + 0.4 * rng.normal(size=(width, width)))
    return np.split(samples, np.cumsum(dims)[:-1], axis=1)


def as_rows(*blocks: Any) -> list[list[list[float]]]:
    return [block.tolist() for block in blocks]


# ------------------------------------------------------------------------------- the definitions


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(0, 6))
def test_entropy_and_its_local_values(seed: int, d: int, more: int) -> None:
    (x,) = mixed(seed, d + 2 + more, d)
    value, variance, local = oracle.gaussian_entropy(x.tolist())
    found = gaussian.entropy(x)
    # Few samples of several columns can be nearly dependent: what the determinant then magnifies.
    near = 1e-14 * np.linalg.cond(x - x.mean(axis=0)) ** 2 + NEAR
    assert found.value == pytest.approx(float(value), abs=near)
    assert found.local == pytest.approx([float(each) for each in local], abs=near)
    scatter = max(float(variance), float(np.var(found.local)) / len(x))
    assert found.standard_error == pytest.approx(math.sqrt(scatter))


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2))
def test_information_and_its_local_values(seed: int, dx: int, dy: int, dz: int) -> None:
    x, y, z = mixed(seed, dx + dy + dz + 2 + seed % 9, dx, dy, dz)
    value, least, local = oracle.gaussian_information(*as_rows(x, y, z))
    found = gaussian.conditional_mutual_information(x, y, z)
    near = 1e-14 * np.linalg.cond(np.hstack([x, y, z]) - np.hstack([x, y, z]).mean(0)) ** 2 + NEAR
    assert found.value == pytest.approx(float(value), abs=near)
    assert found.local == pytest.approx([float(each) for each in local], abs=near)
    if dz == 0:
        assert gaussian.mutual_information(x, y).value == found.value
    # The first term is the larger of the sum of squared correlations and the scatter of the local
    # values, which is at least as large as the latter.
    assert (
        found.standard_error**2 * len(x)
        >= float(np.var(found.local)) + float(least) * len(x) - near
    )


@given(st.integers(0, 1000), st.lists(st.integers(1, 2), min_size=3, max_size=4))
def test_several_variables_and_their_local_values(seed: int, widths: list[int]) -> None:
    """By entropies: T = sum H_i - H, and O = (m - 2) H + sum (H_i - H without i)."""
    m, n = len(widths), sum(widths) + 2 + seed % 9
    variables = mixed(seed, n, *widths)

    def entropy(*blocks: Any) -> np.ndarray:
        value, _, local = oracle.gaussian_entropy(np.hstack(blocks).tolist())
        return np.array([float(each) for each in (value, *local)])

    whole, own = entropy(*variables), [entropy(x) for x in variables]
    rest = [entropy(*variables[:i], *variables[i + 1 :]) for i in range(m)]
    near = 1e-13 * np.linalg.cond(np.hstack(variables) - np.hstack(variables).mean(0)) ** 2 + NEAR
    for found, want in (
        (gaussian.total_correlation(*variables), sum(own) - whole),
        (gaussian.o_information(*variables), (m - 2) * whole + sum(own) - sum(rest)),
    ):
        assert [found.value, *found.local] == pytest.approx(want.tolist(), abs=near)
    total = gaussian.total_correlation(*variables)
    least = [float(oracle.gaussian_entropy(x.tolist())[1]) for x in variables]
    least = float(oracle.gaussian_entropy(np.hstack(variables).tolist())[1]) - sum(least)
    want_error = math.sqrt(float(np.var(total.local)) / n + least)
    assert total.standard_error == pytest.approx(want_error, rel=1e-9)
    beyond = gaussian.o_information(*variables)
    assert beyond.standard_error == pytest.approx(np.std(beyond.local) / math.sqrt(n), rel=1e-9)


@pytest.mark.parametrize(("r", "n"), [(0.0, 30), (0.6, 30), (0.999, 30)])
def test_the_standard_error_of_a_pair(r: float, n: int) -> None:
    """r^2 / n by the delta method and about 1 / (2 n^2), for samples lighter than Gaussian ones."""
    x = np.sqrt(2.0) * np.cos(2 * np.pi * np.arange(n) / n)[:, None]  # orthogonal, of one length
    noise = np.sqrt(2.0) * np.sin(2 * np.pi * np.arange(n) / n)[:, None]
    y = r * x + math.sqrt(1 - r * r) * noise
    _, least, _ = oracle.gaussian_information(*as_rows(x, y, np.empty((n, 0))))
    found = gaussian.mutual_information(x, y)
    assert np.var(found.local) < r * r + 1e-12
    assert found.standard_error**2 == pytest.approx(r * r / n + float(least), rel=1e-9)
    assert float(least) == pytest.approx(0.5 / (n - 2) ** 2, rel=0.1)


# -------------------------------------------------------------------------------- known values


@pytest.mark.parametrize(
    ("r", "n", "dimension"), [(0.0, 8, 2), (0.5, 12, 2), (0.9, 40, 3), (0.3, 60, 1)]
)
def test_information_is_unbiased_and_scatters_as_it_says(r: float, n: int, dimension: int) -> None:
    pair, rng, size = GaussianPair(r, dimension), np.random.default_rng(0), 400
    found = [gaussian.mutual_information(*pair.sample(n, rng)) for _ in range(size)]
    values = np.array([each.value for each in found])
    error = values.std() / math.sqrt(size)
    assert abs(values.mean() - pair.mutual_information()) < 4 * error
    # Near independence the standard error is too large, by a factor of up to sqrt(3).
    claimed = math.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert 0.85 * values.std() < claimed < 2.0 * values.std()


def test_conditional_information_and_entropy_are_unbiased() -> None:
    triple, rng, size = GaussianTriple(0.8, 0.6, 0.5, dimension=2), np.random.default_rng(1), 300
    drawn = [triple.sample(20, rng) for _ in range(size)]
    values = [gaussian.conditional_mutual_information(*variables).value for variables in drawn]
    error = np.std(values) / math.sqrt(size)
    assert abs(np.mean(values) - triple.conditional_mutual_information()) < 4 * error
    source = Gaussian(covariance=[[2.0, 1.0], [1.0, 1.0]])
    values = [gaussian.entropy(source.sample(6, rng)).value for _ in range(size)]
    error = np.std(values) / math.sqrt(size)
    assert abs(np.mean(values) - source.differential_entropy()) < 4 * error


@pytest.mark.parametrize(("r", "n"), [(0.0, 200), (0.5, 60), (0.9, 200)])
def test_total_correlation_and_o_information_scatter_as_they_say(r: float, n: int) -> None:
    law = (1 - r) * np.eye(4) + r
    truth = -0.5 * np.linalg.slogdet(law)[1]
    others = -0.5 * np.linalg.slogdet(law[:3, :3])[1]
    rng, size = np.random.default_rng(3), 200
    draws = rng.normal(size=(size, n, 4)) @ np.linalg.cholesky(law).T
    for function, want in (
        (gaussian.total_correlation, truth),
        (gaussian.o_information, 4 * others - 2 * truth),
    ):
        found = [function(*np.split(x, 4, axis=1)) for x in draws]
        values = np.array([each.value for each in found])
        assert abs(values.mean() - want) < 4 * values.std() / math.sqrt(size)
        claimed = math.sqrt(np.mean([each.standard_error**2 for each in found]))
        # A standard deviation from 200 draws is known to 5 %; independence doubles what is claimed.
        assert 0.8 * values.std() < claimed < (2.4 if r == 0.0 else 1.25) * values.std()


def test_total_correlation_of_two_variables_is_their_information() -> None:
    x, y = mixed(5, 30, 1, 2)
    total, information = gaussian.total_correlation(x, y), gaussian.mutual_information(x, y)
    assert total[:2] == information[:2]
    np.testing.assert_array_equal(total.local, information.local)


def test_heavy_tails_widen_the_standard_error() -> None:
    rng = np.random.default_rng(2)
    values = rng.standard_t(5, size=(500, 2))
    n = len(values)
    of_gaussian = math.sqrt(float(oracle.gaussian_entropy(values.tolist())[1]))
    assert gaussian.entropy(values).standard_error > 1.2 * of_gaussian
    x, y = values[:, :1], values[:, :1] + values[:, 1:]
    assert gaussian.mutual_information(x, y).standard_error > 1.1 * math.sqrt(0.5 / n)


def test_how_many_samples_are_needed() -> None:
    assert gaussian.least_samples([3]) == 5
    x, y = mixed(0, gaussian.least_samples([2, 3]), 2, 3)
    assert math.isfinite(gaussian.mutual_information(x, y).value)


# -------------------------------------------------------------------------------------- laws


@given(st.integers(0, 1000), st.sampled_from([(1, 1), (2, 2), (1, 3), (3, 2)]))
def test_x_and_y_may_change_places_to_the_last_bit(seed: int, dims: tuple[int, int]) -> None:
    x, y, z = mixed(seed, 20, *dims, 2)
    one = gaussian.conditional_mutual_information(x, y, z)
    other = gaussian.conditional_mutual_information(y, x, z)
    assert one[:2] == other[:2]
    assert np.array_equal(one.local, other.local)


def test_the_order_does_not_depend_on_which_is_x() -> None:
    x, y, wide = np.array([[1.0], [2.0]]), np.array([[1.0], [3.0]]), np.zeros((2, 2))
    assert precedes(x, y)
    assert not precedes(y, x)
    assert not precedes(x, x)
    assert precedes(x, wide)
    assert not precedes(wide, x)


@given(st.integers(0, 1000))
def test_units_offsets_and_maps_within_a_variable_do_not_matter(seed: int) -> None:
    x, y, z = mixed(seed, 30, 2, 2, 1)
    whole = gaussian.conditional_mutual_information(x, y, z)
    map_x = np.array([[2.0, 1.0], [0.0, 3.0]])
    moved = gaussian.conditional_mutual_information(x @ map_x + z, y * 1e200, -z)
    assert moved.value == pytest.approx(whole.value, abs=NEAR)
    assert moved.local == pytest.approx(whole.local, abs=1e-9)
    # An offset of 1e9 leaves the data seven digits after the point: roundings of 1e-7 each.
    far = gaussian.conditional_mutual_information(x + 1e9, y - 1e9, z + 1e9)
    assert far.value == pytest.approx(whole.value, abs=1e-5)
    by_two = gaussian.conditional_mutual_information(x * 2.0**-900, y * 2.0**900, z)
    assert by_two[:2] == whole[:2]


def test_entropy_follows_units() -> None:
    (x,) = mixed(3, 40, 2)
    whole = gaussian.entropy(x)
    assert gaussian.entropy(x * 1e300).value == pytest.approx(whole.value + 600 * math.log(10))
    tiny = gaussian.entropy(x * [2.0**-1000, 1.0])
    assert tiny.value == pytest.approx(whole.value - 1000 * math.log(2), abs=1e-9)
    assert gaussian.entropy(x + 1e9).value == pytest.approx(whole.value, abs=1e-5)


def test_local_values_average_to_the_estimate() -> None:
    x, y, z = mixed(4, 50, 2, 1, 1)
    found = gaussian.conditional_mutual_information(x, y, z)
    assert found.local.mean() == pytest.approx(found.value, abs=1e-13)
    assert gaussian.entropy(x).local.mean() == pytest.approx(gaussian.entropy(x).value, abs=1e-12)


@pytest.mark.parametrize("r", [1e-9, 1e-4, 0.7, 1 - 1e-6, 1 - 1e-11])
def test_weak_and_strong_correlations_keep_their_digits(r: float) -> None:
    angle = 2 * np.pi * np.arange(16) / 16
    x, noise = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, noise = x - x.mean(), noise - noise.mean()
    found = gaussian.mutual_information(x, r * x + math.sqrt((1 - r) * (1 + r)) * noise)
    none = gaussian.mutual_information(x, noise)
    exact = -0.5 * math.log1p(-r * r)
    # A rounding of the data of 2^-53 moves sqrt(1 - r^2) by as much.
    near = 1e-15 + 4e-16 / math.sqrt((1 - r) * (1 + r))
    assert found.value - none.value == pytest.approx(exact, abs=near, rel=1e-12)


def test_an_offset_of_numbers_that_hold_it_changes_nothing() -> None:
    x, y = np.round(1000 * np.random.default_rng(11).normal(size=(2, 5000, 1)))
    whole = gaussian.mutual_information(x + y, x - 2 * y)
    far = gaussian.mutual_information(x + y + 2.0**45, x - 2 * y - 2.0**45)
    # Means of 5000 numbers near 2^45 are off by 0.1 or so before they are taken again.
    assert far.value == pytest.approx(whole.value, abs=1e-12)


# ---------------------------------------------------------------------------------- degenerate


def test_what_follows_linearly_is_infinite() -> None:
    x, y, z = mixed(5, 30, 2, 1, 1)
    for other in (x @ [[1.0], [2.0]], 3.0 * x[:, :1] + 7.0, (x[:, :1] + 1e9) * 2.0):
        found = gaussian.mutual_information(x, other)
        assert found.value == math.inf
        assert math.isnan(found.standard_error)
        assert np.all(found.local == math.inf)
    assert gaussian.conditional_mutual_information(x, x[:, :1] + z, z).value == math.inf
    assert math.isfinite(gaussian.mutual_information(x, x[:, :1] + z).value)
    for noise in (1e-9, 3e-14):
        assert math.isfinite(gaussian.mutual_information(x, x[:, :1] + noise * y).value)


def test_constant_and_repeated_columns_of_one_variable_add_nothing() -> None:
    x, y, z = mixed(6, 30, 2, 1, 1)
    whole = gaussian.mutual_information(x, y)
    fuller = np.hstack([x, np.full((30, 1), 0.1), x[:, :1] - x[:, 1:]])
    found = gaussian.mutual_information(fuller, y)
    assert found.value == pytest.approx(whole.value, abs=NEAR)
    assert found.standard_error == pytest.approx(whole.standard_error, abs=NEAR)
    assert found.local == pytest.approx(whole.local, abs=NEAR)
    given_twice = np.hstack([z, z, np.ones((30, 1))])
    found = gaussian.conditional_mutual_information(x, y, given_twice)
    once = gaussian.conditional_mutual_information(x, y, z)
    assert found.value == pytest.approx(once.value, abs=NEAR)


def test_what_is_known_from_z_adds_nothing() -> None:
    x, y, z = mixed(7, 30, 1, 1, 2)
    found = gaussian.conditional_mutual_information(z[:, :1] - 2 * z[:, 1:], y, z)
    assert found.value == 0.0
    found = gaussian.conditional_mutual_information(np.hstack([x, z]), y, z)
    once = gaussian.conditional_mutual_information(x, y, z)
    assert found.value == pytest.approx(once.value, abs=NEAR)


def test_a_constant_tells_nothing() -> None:
    (x,) = mixed(8, 20, 2)
    found = gaussian.mutual_information(x, np.full((20, 1), 1 / 3))
    assert found.value == 0.0
    assert found.standard_error < 1e-10
    assert found.local == pytest.approx(np.zeros(20), abs=1e-14)


def test_a_column_at_the_limit_of_its_digits_does_not_drown_others() -> None:
    rng = np.random.default_rng(9)
    x, y = GaussianPair(0.95, 1).sample(200, rng)
    alone = gaussian.mutual_information(x, y).value
    for spread in (2e-6, 1e-7):  # one digit is left, or none
        times = 1.7e9 + spread * rng.normal(size=(200, 1))
        found = gaussian.mutual_information(np.hstack([x, times]), y)
        assert found.value == pytest.approx(alone, abs=0.05)
    assert gaussian.entropy(times).value == -math.inf


@pytest.mark.parametrize(
    "columns", [np.ones((9, 1)), np.arange(9.0)[:, None] * [1.0, 2.0], np.zeros((9, 2))]
)
def test_the_entropy_of_dependent_columns_is_minus_infinity(columns: Any) -> None:
    found = gaussian.entropy(columns)
    assert found.value == -math.inf
    assert math.isnan(found.standard_error)
    assert np.all(found.local == -math.inf)


# -------------------------------------------------------------------------------- normal scores


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20))
def test_scores_are_quantiles_of_ranks(column: list[int]) -> None:
    found = gaussian.copula_scores(np.array(column, dtype=float)[:, None])
    # Both quantile functions are good to some units of the last place.
    assert found[:, 0] == pytest.approx(oracle.normal_scores(column), abs=1e-13)


def test_scores_depend_on_order_only() -> None:
    (x,) = mixed(10, 40, 3)
    scores = gaussian.copula_scores(x)
    assert scores.flags.c_contiguous
    assert np.array_equal(gaussian.copula_scores(np.exp(x) * 1e-9), scores)
    assert gaussian.copula_scores(-x) == pytest.approx(-scores, abs=1e-13)
    assert np.all(gaussian.copula_scores(np.ones((7, 1))) == 0.0)


def test_scores_give_the_information_of_a_gaussian_copula() -> None:
    pair = GaussianPair(0.6, 1)
    x, y = pair.sample(4000, rng=0)
    scores = [gaussian.copula_scores(column) for column in (np.exp(x), y**3)]
    found = gaussian.mutual_information(*scores)
    assert abs(found.value - pair.mutual_information()) < 3 * found.standard_error
