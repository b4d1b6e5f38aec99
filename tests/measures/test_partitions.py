"""Adjusted mutual information against every way of dealing labels, and against scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measures.measure_cases import close
from oracles import measures as oracle

from infotheory.measures import adjusted_mutual_information, partitions
from infotheory.measures.partitions import expected_information

NORMALIZATIONS = ("arithmetic", "geometric", "min", "max")
# Information and entropies of at most ln 40 are off by some units of 1e-16. They are divided by
# what chance leaves of an entropy: of 40 samples least where one partition has a single sample
# apart and the other a single pair together, 0.05 ln(2) / 20 > 1e-3 nats.
ROUNDING = 1e-11
LABELS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 5), min_size=n, max_size=n)] * 2)
)


def sizes(labels: list[Any]) -> list[int]:
    return [labels.count(label) for label in sorted(set(labels))]


def expected_of(first: list[Any], second: list[Any], normalization: str) -> float:
    a, b = sizes(first), sizes(second)
    entropies = [oracle.entropy([count / len(first) for count in part]) for part in (a, b)]
    scale = {
        "arithmetic": sum(entropies) / 2,
        "geometric": oracle.mp.sqrt(entropies[0] * entropies[1]),
        "min": min(entropies),
        "max": max(entropies),
    }[normalization]
    chance = oracle.expected_information(a, b)
    return float((oracle.partition_information(first, second) - chance) / (scale - chance))


# ------------------------------------------------------------------------------------- the oracle


@given(LABELS, st.sampled_from(NORMALIZATIONS))
def test_the_definition(labels: Any, normalization: str) -> None:
    first, second = labels
    found = adjusted_mutual_information(first, second, normalization=normalization)
    clusters = {len(set(first)), len(set(second))}
    if len(set(zip(first, second, strict=True))) == min(clusters) == max(clusters):
        assert found == 1.0
    elif clusters & {1, len(first)}:
        assert found == 0.0
    else:
        assert found == pytest.approx(expected_of(first, second, normalization), abs=ROUNDING)


def test_chance_is_every_order_of_the_labels() -> None:
    for first, second in (
        ([0, 0, 1, 1], [0, 1, 0, 1]),
        ([0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 1]),
        ([0, 1, 2, 3, 3, 3], [0, 0, 0, 0, 1, 2]),
    ):
        dealt = oracle.expected_information_by_dealing(first, second)
        by_sizes = oracle.expected_information(sizes(first), sizes(second))
        assert abs(dealt - by_sizes) < 1e-50
        found = expected_information(np.array(sizes(first), float), np.array(sizes(second), float))
        assert found == close(float(dealt), 1e-14)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([500, 300, 200], [400, 600]),
        ([1999, 1], [1, 1999]),
        ([1] * 20 + [980], [700, 300]),
        ([2, 3], [4, 1]),
        ([400, 400, 400], [3, 7, 1190]),
        ([3000, 1], [2999, 2]),
    ],
)
def test_chance_with_large_clusters(rows: list[int], columns: list[int]) -> None:
    found = expected_information(np.array(rows, float), np.array(columns, float))
    # Terms of one sign, each with a product of ratios with four roundings; beyond some 300 from the
    # mode there is next to nothing.
    assert found == close(float(oracle.expected_information(rows, columns)), 2e-13)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("clusters", [(2, 3), (10, 10), (40, 5), (300, 290)])
def test_scikit_learn(clusters: tuple[int, int], normalization: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(6)
    first, second = (rng.integers(0, n, 400) for n in clusters)
    second[:150] = first[:150] % clusters[1]
    expected = metrics.adjusted_mutual_info_score(first, second, average_method=normalization)
    # Scikit-learn's factorials of 400 have logarithms of 2000: they are off by some 1e-12.
    found = adjusted_mutual_information(first, second, normalization=normalization)
    assert found == pytest.approx(expected, abs=2e-11)


# ------------------------------------------------------------------------------------ properties


@given(LABELS, st.sampled_from(NORMALIZATIONS))
def test_symmetry_and_names_of_clusters(labels: Any, normalization: str) -> None:
    first, second = labels
    found = adjusted_mutual_information(first, second, normalization=normalization)
    exchanged = adjusted_mutual_information(second, first, normalization=normalization)
    assert found == pytest.approx(exchanged, abs=ROUNDING)
    renamed = [f"cluster {7 - label}" for label in first]
    assert adjusted_mutual_information(renamed, second, normalization=normalization) == (
        pytest.approx(found, abs=ROUNDING)
    )
    assert found <= 1.0 + ROUNDING or normalization == "min"


def test_the_mean_over_all_deals_is_zero() -> None:
    rng = np.random.default_rng(9)
    first, second = rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    values = [adjusted_mutual_information(first, rng.permutation(second)) for _ in range(400)]
    error = float(np.std(values)) / math.sqrt(400)
    assert abs(float(np.mean(values))) <= 4 * error


@pytest.mark.parametrize("cells", [1, 7, 1 << 14])
def test_pieces_of_the_work_do_not_matter(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns = np.array([30.0, 20, 20, 5, 1]), np.array([50.0, 6, 6, 6, 8])
    expected = float(oracle.expected_information([30, 20, 20, 5, 1], [50, 6, 6, 6, 8]))
    monkeypatch.setattr(partitions, "_CELLS", cells)
    monkeypatch.setattr(partitions, "_PAIRS", cells)
    assert expected_information(rows, columns) == close(expected, 1e-13)


# ---------------------------------------------------------------------------------- known values


def test_a_worked_example() -> None:
    # Each of 4 cells has N = 0, 1, 2 in 1, 4, 1 of 6 ways, of which 2 alone says something:
    # E = 4 (1/6) (2/4) ln 2 = ln(2)/3, and I = 0.
    found = adjusted_mutual_information([0, 0, 1, 1], [0, 1, 0, 1])
    assert found == close(-(1 / 3) / (1 - 1 / 3), 1e-14)


def test_a_table_of_few_cells_in_use_is_not_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [i // 2 for i in range(40)]
    second = [(i + 1) % 40 // 2 for i in range(40)]
    expected = adjusted_mutual_information(first, second)
    assert expected == pytest.approx(expected_of(first, second, "arithmetic"), abs=ROUNDING)
    monkeypatch.setattr(partitions, "_SMALL_TABLE", 1)
    assert adjusted_mutual_information(first, second) == expected


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_partitions_that_leave_nothing_to_chance(normalization: str) -> None:
    def of(first: Any, second: Any) -> float:
        return adjusted_mutual_information(first, second, normalization=normalization)

    assert of([1, 1, 1], [0, 0, 0]) == 1.0
    assert of([0, 1, 2], [5, 3, 4]) == 1.0
    assert of([7], [7]) == 1.0
    assert of([0, 0, 0], [0, 1, 1]) == 0.0
    assert of([0, 1, 1], [0, 1, 2]) == 0.0
    assert of([0, 0, 0], [0, 1, 2]) == 0.0
    assert isinstance(of([0, 0, 1], [0, 1, 1]), float)


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", "b", "c"],
        [b"a", b"b", b"b", b"c"],
        (1, 2, 2, 10**30),
        np.array([1, 2, 2, 3], dtype=np.uint8),
        np.array(["a", "b", "b", "c"]),
        np.array([True, 2, 2, 3], dtype=np.int8),
    ],
)
def test_labels_of_every_kind(labels: Any) -> None:
    assert adjusted_mutual_information(labels, [5, 6, 6, 8]) == 1.0


def test_booleans_series_and_tensors() -> None:
    assert adjusted_mutual_information([True, False, True], [1, 0, 1]) == 1.0
    pandas = pytest.importorskip("pandas")
    assert adjusted_mutual_information(pandas.Series(["x", "y", "x"]), [1, 0, 1]) == 1.0
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert adjusted_mutual_information(torch.tensor([4, 2, 4]), [1, 0, 1]) == 1.0


# -------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([], ValueError, r"labels_pred must be 1-dimensional, with at least one label; got shape"),
        ([[0, 1]], ValueError, r"labels_pred must be 1-dimensional.*; got shape \(1, 2\)"),
        (
            [0, 1],
            ValueError,
            r"labels_pred must have one entry a sample, .* \(3\); got 2",
        ),
        ([0.5, 1, 1], TypeError, r"labels_pred must be integers, .* one type; got 0\.5 at row 0\."),
        ([0, "a", 1], TypeError, r"labels_pred must be .* of one type; got 'a' at row 1\."),
        ([0, True, 1], TypeError, r"labels_pred must be .* of one type; got True at row 1\."),
        (["a", None, "b"], TypeError, r"labels_pred must be .*; got None at row 1\. Convert"),
        (np.array([0.0, 1, 2]), TypeError, "labels_pred must be .*; got dtype float64. Cut"),
    ],
)
def test_labels_are_checked(labels: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        adjusted_mutual_information([0, 1, 1], labels)


def test_numbers_and_normalizations_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"normalization must be one of .*, 'min', 'max'; got 'j"):
        adjusted_mutual_information([0, 1], [0, 1], normalization="joint")
    monkeypatch.setattr(partitions, "_MOST_SAMPLES", 3)
    with pytest.raises(ValueError, match=r"labels_true must be at most 3 labels; got 4\. Draw"):
        adjusted_mutual_information([0, 1, 1, 0], [0, 1, 1, 0])
