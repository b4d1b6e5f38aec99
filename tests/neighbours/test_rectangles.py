"""Counts in marginals against the comparison of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import neighbours as oracle

from infotheory.estimators.neighbours import rectangles as module
from infotheory.estimators.neighbours.columns import sorted_column
from infotheory.estimators.neighbours.rectangles import Marginal

# Blocks have 8 ranks in two columns and 16 in three, so 100 points make a table of 13 or 7 a side.
CASES = [(kind, 100, d) for kind in oracle.CLOUDS for d in (1, 2, 3)] + [
    *(("normal", n, d) for n in (2, 15, 16, 17, 33) for d in (2, 3)),
    ("rounded", 100, 4),
    ("four levels", 70, 5),
]
clouds = pytest.mark.parametrize(("kind", "n", "d"), CASES)
# Differences of the "huge" cloud overflow, which numpy notices where the loops are plain Python.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]


def marginal(points: np.ndarray) -> Marginal:
    return Marginal([sorted_column(np.ascontiguousarray(column)) for column in points.T])


def some_radii(points: np.ndarray, seed: int = 0) -> np.ndarray:
    """Gaps of the data in one coordinate, gaps a little larger, zero and infinity."""
    rng = np.random.default_rng(seed)
    n, d = points.shape
    radii = np.abs(points[rng.permutation(n), rng.integers(0, d, n)] - points[:, 0])
    radii[::3] = np.nextafter(radii[::3], np.inf)
    radii[::9] = 0.0
    radii[5::40] = np.inf
    return radii


def brute(points: np.ndarray, radii: np.ndarray) -> list[int]:
    counts = oracle.count_within(points.tolist(), radii.tolist())
    return [max(1, count) for count in counts]


@pytest.mark.kernel
@clouds
def test_counts_by_rank(kind: str, n: int, d: int) -> None:
    points = oracle.cloud(kind, n, d)
    radii = some_radii(points)
    counts = marginal(points).count(radii)
    assert counts.dtype == np.int32
    assert counts.tolist() == brute(points, radii)


@pytest.mark.kernel
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("shift", [0, 1, 3, 5, 8])
def test_blocks_of_any_size(shift: int, d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_block_shift", lambda n, d: shift)
    points = oracle.cloud("rounded", 150, d)
    radii = some_radii(points)
    assert marginal(points).count(radii).tolist() == brute(points, radii)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_one_marginal_serves_many_radii(d: int) -> None:
    points = oracle.cloud("rounded", 60, d)
    prepared = marginal(points)
    for seed in range(3):
        radii = some_radii(points, seed)
        assert prepared.count(radii).tolist() == brute(points, radii)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_up_to_and_at_the_radius(d: int) -> None:
    points = oracle.cloud("four levels", 50, d)
    at = [sum(oracle.distance(p, q) <= 1.0 for q in points.tolist()) for p in points.tolist()]
    assert marginal(points).count(np.nextafter(np.ones(50), np.inf)).tolist() == at
    copies = [points.tolist().count(p) for p in points.tolist()]
    assert marginal(points).count(np.nextafter(np.zeros(50), np.inf)).tolist() == copies


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("workers", [2, 7])
def test_any_number_of_workers(workers: int, d: int) -> None:
    points = oracle.cloud("half zeros", 90, d)
    radii = some_radii(points)
    prepared = marginal(points)
    np.testing.assert_array_equal(
        prepared.count(radii, workers=workers), prepared.count(radii, workers=1)
    )


def test_a_known_square() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [5.0, 5.0]])
    prepared = marginal(points)
    assert prepared.count(np.full(5, 1.0)).tolist() == [1, 1, 1, 1, 1]
    assert prepared.count(np.full(5, 1.5)).tolist() == [4, 4, 4, 4, 1]
    assert prepared.count(np.array([0.0, 4.5, 5.5, 4.5, 4.5])).tolist() == [1, 4, 5, 5, 2]


@given(st.integers(2, 60), st.integers(2, 4), st.integers(0, 2**32))
def test_the_order_of_the_columns_does_not_matter(n: int, d: int, seed: int) -> None:
    points = oracle.cloud("rounded", n, d, seed)
    radii = some_radii(points, seed)
    counts = marginal(points).count(radii)
    np.testing.assert_array_equal(marginal(points[:, ::-1]).count(radii), counts)


@given(st.integers(2, 60), st.integers(1, 3), st.integers(0, 2**32))
def test_a_copied_column_changes_nothing(n: int, d: int, seed: int) -> None:
    points = oracle.cloud("repeated", n, d, seed)
    radii = some_radii(points, seed)
    doubled = np.concatenate([points, points[:, :1]], axis=1)
    np.testing.assert_array_equal(marginal(doubled).count(radii), marginal(points).count(radii))


@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=2, max_size=50))
def test_small_integers(rows: list[tuple[int, int, int]]) -> None:
    points = np.array(rows, dtype=float)
    radii = np.arange(len(rows)) % 4 * 1.0
    assert marginal(points).count(radii).tolist() == brute(points, radii)


@pytest.mark.parametrize("n", [1, 2, 10**3, 10**4, 10**5, 10**6, 10**7, 2**31 - 1])
@pytest.mark.parametrize("d", [2, 3])
def test_tables_grow_with_the_data(d: int, n: int) -> None:
    shift = module._block_shift(n, d)
    assert shift >= 0
    # A block may be smaller than meant by the square root of 2, and there is one edge more.
    assert ((n - 1 >> shift) + 2) ** d <= (n ** (1 / d) * 2**0.5 / 0.75 + 2) ** d
    assert 2.0**0.5 * 2**shift >= 0.75 * n ** ((d - 1) / d)


def test_large_jobs_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def workers_for(workers: int | None, size: int, least: int) -> int:
        asked.append((workers, size, least))
        return 2

    monkeypatch.setattr(module, "workers_for", workers_for)
    points = oracle.cloud("normal", 40, 2)
    radii = some_radii(points)
    assert marginal(points).count(radii).tolist() == brute(points, radii)
    assert asked == [(None, 40, 10_000)] * 3  # a search in each column, and the counts
