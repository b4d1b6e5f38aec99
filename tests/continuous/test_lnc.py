"""Mutual information with boxes that follow the neighbours."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import continuous as oracle

from infotheory.estimators.continuous import lnc
from infotheory.estimators.continuous.neighbour_information import ksg2
from infotheory.estimators.continuous.space import Space
from infotheory.sources import GaussianPair


@given(st.integers(0, 1000), st.integers(2, 6), st.sampled_from([0.0, 0.9, 0.99999]))
def test_the_value_is_that_of_the_definition(seed: int, k: int, r: float) -> None:
    n = k + 1 + seed % 25
    x, y = GaussianPair(r, 1).sample(n, rng=seed)
    found = lnc.mutual_information(x, y, k)
    expected = oracle.corrected_information(
        x[:, 0].tolist(), y[:, 0].tolist(), k, lnc.threshold(k, 1, 1)
    )
    # The short side of a thin box is known to some roundings of the long one, here 1e-3 of it.
    assert found.value == pytest.approx(expected, abs=1e-10)
    assert found.local is not None
    assert found.local.mean() == found.value
    assert math.isnan(found.standard_error)


def test_points_along_a_line_in_a_box() -> None:
    """Of 2 x 2 half sides the box along the diagonal keeps 2 sqrt(2) by 0.1 sqrt(2): ln 10."""
    offsets = np.array([[[2.0, 2.0], [-1.0, -1.0], [0.1, -0.1], [-0.1, 0.1]]])
    assert lnc.log_shrinkage(offsets, 1, np.zeros(1))[0] == pytest.approx(math.log(10))
    assert lnc.log_shrinkage(offsets * 1e-250, 1, np.zeros(1))[0] == pytest.approx(math.log(10))
    # Sides are no shorter than the digits of the positions.
    found = lnc.log_shrinkage(offsets, 1, np.array([0.5 * math.sqrt(2.0)]))
    assert found[0] == pytest.approx(math.log(2))


def test_a_variable_that_fills_its_own_space_thinly_gains_nothing() -> None:
    rng = np.random.default_rng(0)
    line = rng.normal(size=(50, 6, 1))
    offsets = np.concatenate([line, line, rng.normal(size=(50, 6, 1))], axis=2)
    apart = lnc.log_shrinkage(offsets, 2, np.zeros(50))
    alone = lnc.log_shrinkage(offsets[:, :, 1:], 1, np.zeros(50))
    # The scale of the two equal columns is that of one times sqrt(2), which turns the joint axes.
    assert np.abs(apart).max() < 3.0
    assert np.abs(apart - alone).mean() < 0.5
    copies = np.zeros((1, 4, 2))
    assert lnc.log_shrinkage(copies, 1, np.zeros(1))[0] == 0.0


def test_one_point_in_200_is_corrected_by_chance() -> None:
    x, y = np.random.default_rng(1).uniform(size=(2, 1000, 1))
    for k in (3, 8):
        plain = ksg2(Space([x, y], 1), k).local
        found = lnc.mutual_information(x, y, k)
        changed = np.count_nonzero(found.local != plain)
        # Near 5 points; those at the edges of the square have lopsided neighbourhoods besides.
        assert 1 <= changed < 30
        assert np.all(found.local >= plain)


def test_the_threshold() -> None:
    assert lnc.threshold(3, 1, 1) > lnc.threshold(5, 1, 1) > lnc.threshold(20, 1, 1) > 0.0
    rng = np.random.default_rng(2)
    offsets = rng.uniform(-1.0, 1.0, (20_000, 5, 2))
    reach = np.abs(offsets).max(axis=2)
    # Five of six points uniform in a cube: in units of the furthest they are as supposed.
    found = lnc.log_shrinkage(offsets / reach.max(axis=1)[:, None, None], 1, np.zeros(20_000))
    # A share of 0.005 of 20,000 draws has the deviation 0.0005, for the threshold as well.
    assert np.mean(found > lnc.threshold(5, 1, 1)) == pytest.approx(0.005, abs=4 * 0.0007)


def test_a_strong_dependence_is_seen_where_plain_boxes_do_not() -> None:
    """Uniform X and Y = X + noise of +-e: I = e - ln(2 e), see UniformSum. n = 300 show 6 nats."""
    rng = np.random.default_rng(3)
    x = rng.uniform(size=(300, 1))
    y = x + 1e-4 * rng.uniform(-1.0, 1.0, size=(300, 1))
    truth = 1e-4 - math.log(2e-4)
    plain = ksg2(Space([x, y], 1), 5).value
    found = lnc.mutual_information(x, y, 5).value
    assert plain < truth - 2.0
    assert abs(found - truth) < 0.5


@given(st.integers(0, 1000), st.sampled_from([(1, 1), (1, 2), (2, 2)]))
def test_x_and_y_may_change_places_and_workers_do_not_matter(
    seed: int, dims: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, dims[0]))
    y = x[:, :1] + 1e-5 * rng.normal(size=(30, dims[1]))
    found = lnc.mutual_information(x, y, 5)
    other = lnc.mutual_information(y, x, 5, workers=2)
    assert found.value == other.value
    assert np.array_equal(found.local, other.local)


def test_blocks_of_points_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = GaussianPair(0.9999, 1).sample(60, rng=4)
    whole = lnc.mutual_information(x, y, 4).local
    least = lnc.threshold(4, 1, 1)
    monkeypatch.setattr(lnc, "_AT_ONCE", 1)
    assert np.array_equal(lnc.mutual_information(x, y, 4).local, whole)
    monkeypatch.setattr(lnc, "_AT_ONCE", 8 * 3000)
    lnc.threshold.cache_clear()
    assert lnc.threshold(4, 1, 1) == pytest.approx(least, abs=0.2)
    lnc.threshold.cache_clear()


def test_a_curve_without_width_and_copies_stay_finite() -> None:
    x = np.random.default_rng(5).normal(size=(100, 1))
    assert 25.0 < lnc.mutual_information(x, 2.0 * x, 3).value < 45.0
    # Next to 1e9 positions have digits down to 1e-7, and the curve that width.
    assert 10.0 < lnc.mutual_information(x + 1e9, x + 1e9, 3).value < 20.0
    grid = np.random.default_rng(6).integers(0, 4, size=(2, 100, 1)).astype(float)
    assert math.isfinite(lnc.mutual_information(*grid, 3).value)
    assert math.isfinite(lnc.mutual_information(x, np.zeros((100, 1)), 3).value)


def test_an_offset_costs_no_more_than_the_digits_of_the_data() -> None:
    x, y = GaussianPair(0.9, 1).sample(200, rng=7)
    whole = lnc.mutual_information(x, y, 5).value
    assert lnc.mutual_information(x + 1e9, y - 1e9, 5).value == pytest.approx(whole, abs=1e-3)


def test_too_few_neighbours_are_refused() -> None:
    x = np.zeros((9, 2))
    with pytest.raises(
        ValueError,
        match=r"k must be at least the number of columns of x and y \(4\) with method='lnc'; got 3",
    ):
        lnc.mutual_information(x, x, 3)
