"""Information between variables that are cut into bins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly
from hypothesis import given
from hypothesis import strategies as st
from oracles import continuous as oracle
from oracles import mutual_information as discrete

from infotheory.estimators import (
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)
from infotheory.estimators.continuous import binned
from infotheory.estimators.entropy_sums import (
    CONDITIONAL_MUTUAL_INFORMATION,
    MUTUAL_INFORMATION,
    Settings,
)
from infotheory.exceptions import PrecisionWarning
from infotheory.sources import GaussianPair


def information(*variables: Any, n_bins: int, **options: Any) -> Any:
    terms = MUTUAL_INFORMATION if len(variables) == 2 else CONDITIONAL_MUTUAL_INFORMATION
    settings = Settings.checked("xyz"[: len(variables)], **options)
    return quietly(binned.estimate_binned, terms, variables, n_bins, settings, 2)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=30), st.integers(1, 7))
def test_bins_hold_equal_shares_and_never_part_ties(column: list[int], n_bins: int) -> None:
    found = binned.bins(np.array(column, dtype=float)[:, None], n_bins)[:, 0]
    assert found.tolist() == oracle.bins(column, n_bins)


@given(st.integers(2, 60), st.integers(1, 9))
def test_bins_without_ties_differ_by_one_sample(n: int, n_bins: int) -> None:
    columns = np.random.default_rng(n).normal(size=(n, 2))
    found = binned.bins(columns, n_bins)
    for codes, column in zip(found.T, columns.T, strict=True):
        counts = np.bincount(codes, minlength=n_bins)
        assert counts.size == n_bins
        assert np.ptp(counts) <= 1
        assert np.all(np.diff(codes[np.argsort(column)]) >= 0)


def test_how_many_bins() -> None:
    # Five samples a cell: 20 x 20 cells for 2000, 5 x 5 x 5 for 625, and at least two bins.
    assert binned.default_bins(2000, 2) == 20
    assert binned.default_bins(1999, 2) == 19
    assert binned.default_bins(625, 3) == 5
    assert binned.default_bins(624, 3) == 4
    assert binned.default_bins(1000, 20) == 2
    assert binned.default_bins(1, 2) == 2


@given(st.integers(1, 10**6), st.integers(1, 12))
def test_cells_hold_five_samples_and_no_more_bins_would(n: int, n_columns: int) -> None:
    number = binned.default_bins(n, n_columns)
    assert number == 2 or 5 * number**n_columns <= n
    assert 5 * (number + 1) ** n_columns > n


def test_the_estimate_is_that_of_the_symbols() -> None:
    x, y = GaussianPair(0.5, 2).sample(400, rng=0)
    z = x[:, :1] + y[:, 1:]
    codes = [binned.bins(variable, 3) for variable in (x, y, z)]
    options: dict[str, Any] = {"base": 2, "level": 0.9, "n_permutations": 20}
    found = information(x, y, n_bins=3, rng=0, **options)
    same = quietly(estimate_mutual_information, *codes[:2], method=binned.METHOD, rng=0, **options)
    assert found.method == "binned"
    assert found.to_dict() == {**same.to_dict(), "method": "binned"}
    found = information(x, y, z, n_bins=3)
    same = quietly(estimate_conditional_mutual_information, *codes, method=binned.METHOD)
    assert float(found) == float(same)
    assert found.interval == same.interval


def test_units_do_not_matter_and_x_and_y_may_change_places() -> None:
    x, y = GaussianPair(0.7, 1).sample(300, rng=1)
    whole = information(x, y, n_bins=7)
    assert float(information(np.exp(x), 1e9 + y**3, n_bins=7)) == float(whole)
    assert float(information(y, x, n_bins=7)) == float(whole)


def test_the_bound_is_close_for_a_weak_dependence_and_below_a_strong_one() -> None:
    weak, strong = GaussianPair(0.5, 1), GaussianPair(0.999, 1)
    found = information(*weak.sample(2000, rng=2), n_bins=20)
    assert found.low < weak.mutual_information() < found.high
    found = information(*strong.sample(2000, rng=2), n_bins=20)
    assert found.high < strong.mutual_information()


def test_the_bias_at_independence_is_small() -> None:
    """That of plug-in entropies is (20 - 1)^2 / (2 n), or 0.09."""
    x, y = GaussianPair(0.0, 1).sample(2000, rng=5)
    assert abs(information(x, y, n_bins=20)) < 0.03


def test_too_many_bins_are_reported_once_at_the_caller() -> None:
    x, y = GaussianPair(0.5, 1).sample(100, rng=3)
    settings = Settings.checked("xy")
    with pytest.warns(PrecisionWarning, match="alone with their combination") as caught:
        binned.estimate_binned(MUTUAL_INFORMATION, [x, y], 50, settings, stacklevel=2)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_local_values() -> None:
    x, y = GaussianPair(0.6, 1).sample(200, rng=4)
    local = binned.local_values(MUTUAL_INFORMATION, [x, y], 4, 0.25)
    assert local.mean() == pytest.approx(0.25, abs=1e-13)
    a, b = (binned.bins(variable, 4)[:, 0].tolist() for variable in (x, y))
    pairs = list(zip(a, b, strict=True))
    ratios = [
        math.log(200 * pairs.count(pair) / (a.count(pair[0]) * b.count(pair[1]))) for pair in pairs
    ]
    plugin = discrete.mutual_information(a, b)
    assert local - local.mean() == pytest.approx(np.array(ratios) - plugin, abs=1e-12)
    local = binned.local_values(CONDITIONAL_MUTUAL_INFORMATION, [x, y, x], 4, 0.0)
    assert local == pytest.approx(np.zeros(200), abs=1e-12)
