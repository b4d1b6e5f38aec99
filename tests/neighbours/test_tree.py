"""The k-d tree against the comparison of all pairs: equal to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import neighbours as oracle

from infotheory._kernels.tree_search import leaves_of
from infotheory.estimators.neighbours import tree as module
from infotheory.estimators.neighbours.tree import (
    build_tree,
    count_within,
    extents,
    kth_distances,
    kth_distances_from,
    neighbour_indices,
)

# Leaves hold 32 points, so 100 make four of them and 150 make eight.
CASES = [(kind, 100, d) for kind in oracle.CLOUDS for d in (1, 2, 3)] + [
    ("normal", 2, 2),
    ("normal", 150, 2),
    ("normal", 32, 4),
    ("rounded", 33, 5),
    ("four levels", 101, 7),
    ("repeated", 129, 6),
]
clouds = pytest.mark.parametrize(("kind", "n", "d"), CASES)
# Differences of the "huge" cloud overflow, which numpy notices where the loops are plain Python.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]


def every_k(n: int) -> list[int]:
    return sorted({1, 3, min(n - 1, 5), min(n - 1, 9)} & set(range(1, n)))


def shuffled_radii(points: np.ndarray) -> np.ndarray:
    """Radii that points are at exactly, that none is at, zero and infinity."""
    radii = np.array(oracle.kth_distances(points.tolist(), 1))
    rng = np.random.default_rng(1)
    radii[::3] = np.nextafter(radii[::3], np.inf)
    radii[1::3] *= 2
    radii[::7] = 0.0
    radii[1::40] = np.inf
    return rng.permutation(radii)


@pytest.mark.kernel
@pytest.mark.parametrize("norm", ["max", "euclidean"])
@clouds
def test_distances_to_the_kth_neighbour(kind: str, n: int, d: int, norm: str) -> None:
    points = oracle.cloud(kind, n, d)
    tree = build_tree(points)
    for k in every_k(n):
        want = oracle.kth_distances(points.tolist(), k, norm)
        assert kth_distances(tree, k, norm=norm).tolist() == want


@pytest.mark.kernel
@pytest.mark.parametrize("norm", ["max", "euclidean"])
@clouds
def test_distances_from_elsewhere(kind: str, n: int, d: int, norm: str) -> None:
    points = oracle.cloud(kind, n, d)
    queries = np.concatenate([points[:5], oracle.cloud(kind, 20, d, 1), np.zeros((1, d))])
    tree = build_tree(points)
    for k in (1, min(4, n), min(n, 10)):
        want = oracle.kth_distances_from(points.tolist(), queries.tolist(), k, norm)
        assert kth_distances_from(tree, queries, k, norm=norm).tolist() == want


@pytest.mark.kernel
@clouds
def test_counts(kind: str, n: int, d: int) -> None:
    points = oracle.cloud(kind, n, d)
    radii = shuffled_radii(points)
    counts = count_within(build_tree(points), radii)
    assert counts.dtype == np.int32
    assert counts.tolist() == oracle.count_within(points.tolist(), radii.tolist())


@pytest.mark.kernel
@clouds
def test_extents(kind: str, n: int, d: int) -> None:
    points = oracle.cloud(kind, n, d + 1)
    tree = build_tree(points)
    for radii in (kth_distances(tree, min(3, n - 1)), shuffled_radii(points)):
        lefts, rights = extents(tree, radii, d)
        want = oracle.extents(points.tolist(), radii.tolist(), d)
        assert (lefts.tolist(), rights.tolist()) == want


@pytest.mark.kernel
@clouds
def test_rows_of_the_neighbours(kind: str, n: int, d: int) -> None:
    points = oracle.cloud(kind, n, d)
    k = min(4, n - 1)
    rows = neighbour_indices(build_tree(points), k)
    assert rows.dtype == np.int32
    assert rows.tolist() == oracle.neighbour_indices(points.tolist(), k)


def test_all_others_are_neighbours() -> None:
    points = oracle.cloud("rounded", 70, 2)
    tree = build_tree(points)
    rows = neighbour_indices(tree, 69)
    assert rows.tolist() == oracle.neighbour_indices(points.tolist(), 69)
    farthest = np.abs(points[:, None] - points).max(axis=2).max(axis=1)
    assert kth_distances(tree, 69).tolist() == farthest.tolist()
    assert kth_distances_from(tree, points, 70).tolist() == farthest.tolist()


def test_one_point() -> None:
    tree = build_tree(np.array([[1.0, 2.0]]))
    assert kth_distances_from(tree, np.array([[4.0, -2.0]]), 1).tolist() == [4.0]
    assert kth_distances_from(tree, np.array([[4.0, -2.0]]), 1, norm="euclidean").tolist() == [25.0]
    assert count_within(tree, np.array([1.0])).tolist() == [1]
    assert extents(tree, np.array([1.0]), 1) == (0.0, 0.0)


def test_a_known_line() -> None:
    # 0 1 3 7 15: gaps double, so each point after the second has all neighbours to its left.
    tree = build_tree(np.array([[7.0], [0.0], [15.0], [3.0], [1.0]]))
    assert kth_distances(tree, 1).tolist() == [4, 1, 8, 2, 1]
    assert kth_distances(tree, 2, norm="euclidean").tolist() == [36, 9, 144, 9, 4]
    assert neighbour_indices(tree, 2).tolist() == [[3, 4], [4, 3], [0, 3], [4, 1], [1, 3]]
    assert count_within(tree, np.full(5, 4.0)).tolist() == [1, 3, 1, 3, 3]
    assert count_within(tree, np.full(5, 4.5)).tolist() == [2, 3, 1, 4, 3]


def test_equal_distances_by_row() -> None:
    points = np.zeros((100, 2))
    points[::2, 0] = 1.0
    want = [[j for j in range(100) if j % 2 == i % 2 and j != i][:3] for i in range(100)]
    assert neighbour_indices(build_tree(points), 3).tolist() == want


@clouds
def test_the_tree_itself(kind: str, n: int, d: int) -> None:
    points = oracle.cloud(kind, n, d)
    tree = build_tree(points)
    n_leaves = len(tree.owners)
    np.testing.assert_array_equal(points[tree.order], tree.points)
    assert tree.owners[tree.owners >= 0].tolist() == tree.order.tolist()
    for level in range(n_leaves.bit_length()):
        for place in range(1 << level):
            start, stop = (place * n) >> level, ((place + 1) * n) >> level
            node, rows = (1 << level) + place, tree.points[start:stop]
            low, high = tree.boxes[node]
            assert (low.tolist(), high.tolist()) == (
                rows.min(axis=0).tolist(),
                rows.max(axis=0).tolist(),
            )
            axis = tree.axes[node]
            assert high[axis] - low[axis] == (high - low).max()
            if node < n_leaves:  # halves that share nothing but numbers at the cut
                assert tree.boxes[2 * node, 1, axis] <= tree.boxes[2 * node + 1, 0, axis]
            else:
                tile = tree.tiles[node - n_leaves]
                assert tile[:, : stop - start].T.tolist() == rows.tolist()
                assert (tile[:, stop - start :] == np.inf).all()


def test_a_search_starts_where_the_query_is() -> None:
    points = oracle.cloud("normal", 150, 2)
    tree = build_tree(points)
    leaves = np.empty(150, dtype=np.int32)
    leaves_of(tree.boxes, tree.axes, points, leaves)
    for row, leaf in enumerate(leaves):
        assert row in tree.owners[leaf]


def test_the_data_stay_as_they_were() -> None:
    points = oracle.cloud("normal", 100, 3)
    before = points.copy()
    build_tree(points)
    np.testing.assert_array_equal(points, before)


def test_layouts_of_the_data() -> None:
    points = oracle.cloud("normal", 80, 3)
    want = kth_distances(build_tree(points), 2)
    tree = build_tree(np.asfortranarray(points))
    np.testing.assert_array_equal(kth_distances(tree, 2), want)
    np.testing.assert_array_equal(kth_distances_from(tree, points[:, ::-1][:, ::-1], 3), want)


@pytest.mark.parametrize("workers", [2, 3, 1000])
def test_any_number_of_workers(workers: int) -> None:
    points = oracle.cloud("rounded", 150, 3)
    tree = build_tree(points, workers=1)
    for one, many in zip(tree, build_tree(points, workers=workers), strict=True):
        np.testing.assert_array_equal(one, many)
    radii = kth_distances(tree, 3, workers=1)
    np.testing.assert_array_equal(kth_distances(tree, 3, workers=workers), radii)
    for one, many in (
        [kth_distances_from(tree, points, 3, workers=w) for w in (1, workers)],
        [count_within(tree, radii, workers=w) for w in (1, workers)],
        [np.array(extents(tree, radii, 1, workers=w)) for w in (1, workers)],
        [neighbour_indices(tree, 3, workers=w) for w in (1, workers)],
    ):
        np.testing.assert_array_equal(one, many)


def test_large_jobs_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def workers_for(workers: int | None, size: int, least: int) -> int:
        asked.append((workers, size, least))
        return 2

    monkeypatch.setattr(module, "workers_for", workers_for)
    points = oracle.cloud("normal", 90, 2)
    tree = build_tree(points)
    assert kth_distances(tree, 1).tolist() == oracle.kth_distances(points.tolist(), 1)
    kth_distances_from(tree, points[:7], 1, workers=5)
    count_within(tree, np.ones(90))
    assert asked == [(None, 90, 10_000)] * 2 + [(5, 7, 10_000), (None, 4, 312)]


@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 2), min_size=34, max_size=40), st.integers(1, 33))
def test_small_integers(points: list[tuple[int, int]], k: int) -> None:
    numbers = [tuple(map(float, p)) for p in points]
    tree = build_tree(np.array(numbers))
    assert kth_distances(tree, k).tolist() == oracle.kth_distances(numbers, k)
    assert neighbour_indices(tree, k).tolist() == oracle.neighbour_indices(numbers, k)


@given(st.integers(33, 70), st.integers(1, 3), st.integers(0, 2**32))
def test_the_order_of_the_rows_does_not_matter(n: int, d: int, seed: int) -> None:
    points = oracle.cloud("rounded", n, d, seed)
    order = np.random.default_rng(seed).permutation(n)
    radii = kth_distances(build_tree(points), 2)
    tree = build_tree(points[order])
    np.testing.assert_array_equal(kth_distances(tree, 2), radii[order])
    counts = count_within(build_tree(points), radii)
    np.testing.assert_array_equal(count_within(tree, radii[order]), counts[order])


@given(st.integers(33, 70), st.integers(1, 4), st.integers(0, 2**32))
def test_a_ball_holds_as_many_as_its_radius_says(n: int, k: int, seed: int) -> None:
    tree = build_tree(oracle.cloud("normal", n, 2, seed))
    radii = kth_distances(tree, k)
    assert (count_within(tree, radii) == k).all()  # the centre and k - 1 neighbours
    assert (count_within(tree, np.nextafter(radii, np.inf)) == k + 1).all()
    lefts, rights = extents(tree, radii, 1)
    np.testing.assert_array_equal(np.maximum(lefts, rights), radii)
