"""Neighbours in the plane of two columns: one pair, many pairs, and a column permuted."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import neighbours as brute
from oracles import pairs as oracle

from infotheory._kernels.strips import Strips, lay_out
from infotheory.estimators.neighbours import pairs
from infotheory.estimators.neighbours.columns import sorted_column
from infotheory.estimators.neighbours.digamma import digamma_table
from infotheory.estimators.neighbours.pairs import ksg1_many, ksg1_permuted, ksg1_terms, radii

# Differences of the "huge" cloud overflow, which numpy notices where the loops are plain Python.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]
KINDS = st.sampled_from(brute.CLOUDS)
SCALES = st.sampled_from([1.0, 1e-6, 0.1])
PSI = digamma_table(200)


@st.composite
def planes(draw: st.DrawFn, most: int = 45) -> tuple[np.ndarray, np.ndarray, int]:
    """Two columns, each awkward in its way or one the other, and a k."""
    n = draw(st.integers(2, most))
    seed = draw(st.integers(0, 1000))
    x = brute.cloud(draw(KINDS), n, 1, seed)[:, 0]
    y = brute.cloud(draw(KINDS), n, 1, seed + draw(st.integers(0, 1)))[:, 0] * draw(SCALES)
    return x, y, draw(st.integers(1, min(n - 1, draw(st.sampled_from([2, 8, 45])))))


def terms_of(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    return ksg1_terms(sorted_column(x), sorted_column(y), k, PSI)


@pytest.mark.kernel
@given(planes())
def test_radii_are_those_of_all_pairs(plane: tuple[np.ndarray, np.ndarray, int]) -> None:
    x, y, k = plane
    points = np.column_stack([x, y]).tolist()
    found = radii(sorted_column(x), sorted_column(y), k)
    assert found.tolist() == brute.kth_distances(points, k)


@pytest.mark.kernel
@given(planes())
def test_terms_are_those_of_all_pairs(plane: tuple[np.ndarray, np.ndarray, int]) -> None:
    x, y, k = plane
    in_x, in_y = oracle.ksg1_counts(x.tolist(), y.tolist(), k)
    assert terms_of(x, y, k).tolist() == (PSI[in_x] + PSI[in_y]).tolist()


@pytest.mark.kernel
@pytest.mark.parametrize("k", [*range(1, 14), 30])
def test_any_neighbour_among_many_strips(k: int) -> None:
    x, y = brute.cloud("normal", 60, 2).T
    points = np.column_stack([x, y]).tolist()
    found = radii(sorted_column(x), sorted_column(y), k)
    assert found.tolist() == brute.kth_distances(points, k)


@given(planes())
def test_order_of_columns_does_not_matter(plane: tuple[np.ndarray, np.ndarray, int]) -> None:
    x, y, k = plane
    assert terms_of(x, y, k).tolist() == terms_of(y, x, k).tolist()


@given(planes(), st.integers(1, 9))
def test_threads_do_not_matter(plane: tuple[np.ndarray, np.ndarray, int], workers: int) -> None:
    x, y, k = plane
    columns = sorted_column(x), sorted_column(y)
    want = ksg1_terms(*columns, k, PSI, workers=1)
    assert ksg1_terms(*columns, k, PSI, workers=workers).tolist() == want.tolist()
    assert radii(*columns, k, workers=workers).tolist() == radii(*columns, k, workers=1).tolist()


@given(planes(), st.randoms(use_true_random=False))
def test_terms_follow_their_points(plane: tuple[np.ndarray, np.ndarray, int], random) -> None:
    x, y, k = plane
    order = list(range(x.size))
    random.shuffle(order)
    assert terms_of(x[order], y[order], k).tolist() == terms_of(x, y, k)[order].tolist()


def test_five_points_by_hand() -> None:
    # Nearest in the plane: 0-1 at 1, 1-0, 2-1 at 2, 3-4 at 3, 4-3; so two 1s, a 2 and two 3s.
    x, y = sorted_column(np.array([0.0, 1, 2, 9, 7])), sorted_column(np.array([0.0, 1, 3, 9, 6]))
    assert radii(x, y, 1).tolist() == [1, 1, 2, 3, 3]
    # Strictly nearer in x: nobody, nobody, 1, 4, 3. In y: nobody, nobody, nobody, nobody, nobody.
    one, two = -np.euler_gamma, 1 - np.euler_gamma
    want = [2 * one, 2 * one, one + two, one + two, one + two]
    # Two roundings of numbers below 2.
    assert ksg1_terms(x, y, 1, PSI) == pytest.approx(want, abs=2**-51, rel=0)


def strips_of(x: np.ndarray, y: np.ndarray, k: int) -> tuple[Strips, list[list[float]]]:
    """The strips, and the x of the points of each."""
    first, second = sorted_column(x), sorted_column(y)
    plane = lay_out(first.values, first.ranks, second.values, second.order, k)
    ends = zip(plane.starts[:-1], plane.starts[1:], strict=True)
    return plane, [plane.x[start + 1 : stop - 1].tolist() for start, stop in ends]


@pytest.mark.parametrize(
    ("scale", "sizes"),
    # sqrt(2 k n) where both sides are as long; at least 2 k, and at most all.
    [(1.0, [8] * 4), (0.5, [4] * 8), (1e-9, [2] * 16), (2.0, [16] * 2), (1e9, [32])],
)
def test_strips_are_as_wide_as_neighbours_are_far(scale: float, sizes: list[int]) -> None:
    x = np.arange(32.0)
    _, strips = strips_of(x, x[::-1] * scale**2, 1)
    assert [len(strip) for strip in strips] == sizes


@given(planes())
def test_points_with_the_same_number_share_a_strip(
    plane: tuple[np.ndarray, np.ndarray, int],
) -> None:
    x, y, k = plane
    plane, strips = strips_of(x, y, k)
    assert sorted(value for strip in strips for value in strip) == sorted(x.tolist())
    for s, (left, right) in enumerate(itertools.pairwise(strips)):
        assert max(left) < min(right)
        assert (plane.before[s + 1], plane.after[s]) == (max(left), min(right))
    assert (plane.before[0], plane.after[-1]) == (-np.inf, np.inf)


def test_a_point_far_off_asks_every_strip() -> None:
    x = np.append(np.arange(40.0), [20.0, 20.5])
    y = np.append(np.arange(40.0) % 7, [1e6, 2e6])
    points = np.column_stack([x, y]).tolist()
    for k in (1, 3):
        found = radii(sorted_column(x), sorted_column(y), k)
        assert found.tolist() == brute.kth_distances(points, k)


COLUMNS = [
    brute.cloud(kind, 24, 1, seed)[:, 0]
    for seed, kind in enumerate(["normal", "rounded", "constant", "four levels", "normal"])
]
PAIRS = np.array([(i, j) for i in range(5) for j in range(5) if i != j])


@pytest.mark.kernel
@pytest.mark.parametrize(("workers", "held"), [(None, 24), (1, 7 * 24), (2, 1), (3, 1 << 21)])
@pytest.mark.parametrize("k", [1, 4, 9])
def test_many_pairs_are_single_pairs(
    k: int, workers: int | None, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "_GROUP", held)
    done: list[int] = []
    columns = [sorted_column(x) for x in COLUMNS]
    found = ksg1_many(columns, PAIRS, k, PSI, workers, done.append)
    want = [np.mean(ksg1_terms(columns[i], columns[j], k, PSI)) for i, j in PAIRS]
    assert found.tolist() == want
    assert sum(done) == 20
    assert max(done) == min(20, max(held // 24, workers or 1))


def test_no_pairs() -> None:
    columns = [sorted_column(x) for x in COLUMNS]
    assert ksg1_many(columns, np.empty((0, 2), dtype=np.int64), 3, PSI).tolist() == []


def test_a_mean_is_numpys_own() -> None:
    # More than eight terms are summed in blocks of an order that only a row of its own has.
    x, y = brute.cloud("normal", 150, 2).T
    columns = sorted_column(x), sorted_column(y)
    (found,) = ksg1_many(columns, np.array([[0, 1]]), 3, PSI)
    assert found == np.mean(ksg1_terms(*columns, 3, PSI))


@pytest.mark.kernel
@given(planes(most=20), st.integers(0, 5), st.integers(1, 3))
def test_a_permuted_column_is_the_column_of_permuted_numbers(
    plane: tuple[np.ndarray, np.ndarray, int], count: int, workers: int
) -> None:
    x, y, k = plane
    rng = np.random.default_rng(count)
    permutations = [rng.permutation(x.size) for _ in range(count)]
    found = ksg1_permuted(sorted_column(x), sorted_column(y), permutations, k, PSI, workers)
    assert found.tolist() == [np.mean(terms_of(x, y[p], k)) for p in permutations]


@pytest.mark.parametrize("x", COLUMNS[:3])
def test_permutations_may_come_one_by_one(x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = sorted_column(x), sorted_column(COLUMNS[1])
    permutations = np.random.default_rng(0).permuted(np.tile(np.arange(24), (7, 1)), axis=1)
    want = ksg1_permuted(*columns, permutations, 3, PSI)
    monkeypatch.setattr(pairs, "_GROUP", 3 * 24)
    found = ksg1_permuted(*columns, iter(permutations.astype(np.int32)), 3, PSI)
    assert found.tolist() == want.tolist()


@pytest.mark.parametrize("swapped", [False, True])
def test_the_column_of_fewer_values_is_cut(swapped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the time depends on it, so the calls are watched.
    seen = []

    def watch(name: str, argument: int) -> None:
        function = getattr(pairs, name)

        def watched(*arguments: object) -> object:
            seen.append(arguments[argument])
            return function(*arguments)

        monkeypatch.setattr(pairs, name, watched)

    watch("lay_out", 0)
    watch("fill_pair_terms", 5)
    watch("fill_permuted_terms", 9)
    columns = [sorted_column(COLUMNS[i]) for i in (1, 0)]  # the first one is rounded
    few = int(swapped)
    x, y = columns[few], columns[1 - few]
    radii(x, y, 3)
    ksg1_terms(x, y, 3, PSI)
    ksg1_many([x, y], np.array([[0, 1], [1, 0]]), 3, PSI)
    ksg1_permuted(x, y, [np.arange(24)], 3, PSI)
    assert seen[0] is columns[0].values
    assert seen[1] is columns[0].values
    assert seen[2].tolist() == [[few, 1 - few]] * 2
    assert seen[3] is not swapped


def test_dependence_shows() -> None:
    # The estimate psi(k) + psi(n) - mean, for a normal pair of correlation 0.9: 0.830 nats.
    x, noise = brute.cloud("normal", 150, 2).T
    y = 0.9 * x + math.sqrt(1 - 0.81) * noise
    estimate = PSI[3] + PSI[150] - np.mean(terms_of(x, y, 3))
    # Its standard deviation is about 0.07 at this size; the seed is fixed, this is two of them.
    assert estimate == pytest.approx(-0.5 * math.log(1 - 0.81), abs=0.15)
