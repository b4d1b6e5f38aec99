"""Class sums in parts, and how samples are dealt into shards."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from classifiers.strategies import Case, logit_cases
from classifiers.support import clustered_logits, measure
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import resampling

from infotheory import NCMIAccumulator
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.quantities import finish
from infotheory.classifiers.shards import deal

FIELDS = [field.name for field in dataclasses.fields(ClassSums)]


def assert_same(got: ClassSums, want: ClassSums, but: tuple[str, ...] = ()) -> None:
    """All fields, up to the rounding of sums whose terms came in another order."""
    for name in FIELDS:
        a, b = getattr(got, name), getattr(want, name)
        if name in but:
            continue
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype, name
            # At most twenty terms, none of which is larger than 200 (logarithms of the regimes).
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, err_msg=name)
        else:
            assert a == b, name


def zeros_of(sums: ClassSums) -> Any:
    return np.zeros(sums.mass.shape, np.int64) if sums.zeros is None else sums.zeros


@st.composite
def parted(draw: Any, max_parts: int = 6) -> tuple[Case, Any, int, Any]:
    """A case, the part of each row, the number of parts, and weights, some zero, or None."""
    case = draw(logit_cases(masked=draw(st.booleans())))
    n, size = len(case.labels), draw(st.integers(1, max_parts))
    parts = draw(hnp.arrays(np.int64, n, elements=st.integers(0, size - 1)))
    weights = draw(
        st.none() | hnp.arrays(np.float64, n, elements=st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    )
    return case, parts, size, weights


def sums_of(
    case: Case, weights: Any, parts: Any = None, size: int = 1, chosen: Any = slice(None)
) -> ClassSums:
    return class_sums(
        case.outputs[chosen],
        case.labels[chosen],
        case.n_classes,
        weights=None if weights is None else weights[chosen],
        parts=None if parts is None else parts[chosen],
        n_parts=size,
    )


@given(parted())
def test_folding_gives_the_sums_of_one_pass(given: Any) -> None:
    case, parts, size, weights = given
    sums = sums_of(case, weights, parts, size)
    assert sums.n_rows == len(case.labels)
    assert (np.diff(sums.cells) > 0).all()
    assert (sums.classes == sums.cells // size).all()
    assert (sums.counts > 0).all()
    assert_same(sums.fold(), sums_of(case, weights))


@given(parted(), st.data())
def test_folding_some_parts_gives_the_sums_of_their_rows(given: Any, drawn: Any) -> None:
    case, parts, size, weights = given
    keep = drawn.draw(hnp.arrays(np.bool_, size))
    folded = sums_of(case, weights, parts, size).fold(keep)
    chosen = keep[parts]
    if not chosen.any():
        assert (folded.cells.size, folded.n, folded.n_rows) == (0, 0, 0)
        return
    want = sums_of(case, weights, chosen=chosen)
    assert_same(folded, want, but=("zeros", "n_rows", "first_zero_row"))
    np.testing.assert_array_equal(zeros_of(folded), zeros_of(want))
    if keep.all():
        assert (folded.n_rows, folded.first_zero_row) == (want.n_rows, want.first_zero_row)
    else:
        assert (folded.n_rows, folded.first_zero_row) == (want.n, None)


@given(parted(), st.data())
def test_parts_may_be_named_anew(given: Any, drawn: Any) -> None:
    """A permutation is undone by its inverse, and divisions compose."""
    case, parts, size, weights = given
    sums = sums_of(case, weights, parts, size)
    order = np.array(drawn.draw(st.permutations(range(size))))
    moved = sums.in_parts(order, size)
    assert_same(moved, sums_of(case, weights, order[parts], size))
    assert_same(moved.in_parts(np.argsort(order), size), sums)
    fewer = drawn.draw(hnp.arrays(np.int64, size, elements=st.integers(0, 2)))
    assert_same(moved.in_parts(fewer, 3), sums.in_parts(fewer[order], 3))
    assert_same(sums.in_parts(fewer, 3), sums_of(case, weights, fewer[parts], 3))


@given(parted(), st.integers(1, 4))
def test_splitting_and_adding_up(given: Any, groups: int) -> None:
    case, shards, size, weights = given
    group = np.arange(len(shards)) % groups
    sums = sums_of(case, weights, group * size + shards, groups * size)
    pieces = list(sums.split(groups))
    assert len(pieces) == groups
    total = ClassSums.empty(case.n_classes, sums.n_outputs, np.zeros(0, np.int64), size)
    for number, piece in enumerate(pieces):
        assert piece.n_parts == size
        if (group == number).any():
            want = sums_of(case, weights, shards, size, chosen=group == number)
            assert_same(piece, want, but=("zeros", "n_rows", "first_zero_row"))
            np.testing.assert_array_equal(zeros_of(piece), zeros_of(want))
        total = total.absorb(piece)
    together = sums_of(case, weights, shards, size)
    assert_same(total, together, but=("zeros", "n_rows", "first_zero_row"))
    np.testing.assert_array_equal(zeros_of(total), zeros_of(together))
    (whole,) = sums.split(1)
    assert_same(whole, sums)


@given(parted(), st.integers(0, 20))
def test_absorbing_later_rows(given: Any, cut: int) -> None:
    case, parts, size, weights = given
    cut = min(cut, len(parts) - 1)
    last = sums_of(case, weights, parts, size, chosen=slice(cut, None))
    sums = last
    if cut > 0:
        sums = sums_of(case, weights, parts, size, chosen=slice(cut))
        _ = sums.centroid_entropies  # a cached value that absorbing must forget
        both = sums + last
        assert_same(both, sums_of(case, weights, parts, size))
        sums = sums.absorb(last)
    want = sums_of(case, weights, parts, size)
    assert_same(sums, want)
    np.testing.assert_allclose(sums.class_cmi, want.class_cmi, rtol=0, atol=1e-11)


def test_what_is_derived_shares_nothing_that_grows() -> None:
    rng = np.random.default_rng(0)
    case = Case(rng.normal(size=(30, 4)), rng.integers(0, 4, 30), 4)
    case.outputs[5, 1] = -math.inf
    sums = sums_of(case, None, np.arange(30) % 3, 3)
    before = sums.copy()
    for derived in (sums.fold(), sums.in_parts(np.arange(3), 3), *sums.split(1), sums.copy()):
        derived.absorb(derived.copy())
    assert_same(sums, before)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n_parts": 4}, r"n_parts of the sums to merge must be equal \(3\); got 4\. Only outputs"),
        ({"n_classes": 5}, r"n_classes of the sums to merge must be equal \(4\); got 5"),
        ({"n_outputs": 6}, r"n_outputs of the sums to merge must be equal \(4\); got 6"),
    ],
)
def test_unlike_sums_do_not_add_up(change: Any, text: str) -> None:
    sizes = {"n_classes": 4, "n_outputs": 4, "n_parts": 3}
    one, other = (
        ClassSums.empty(cells=np.arange(2), **options) for options in (sizes, sizes | change)
    )
    with pytest.raises(ValueError, match=text):
        one + other


def test_some_classes_only() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 5, 60)
    z = clustered_logits(rng, y, 5, 1.0)
    z[y == 3, 2] = -math.inf
    kept = np.isin(y, (1, 3, 4))
    sums = class_sums(z, y, 5).of_classes(np.array([1, 3, 4]))
    want = class_sums(z[kept], y[kept], 5)
    assert_same(sums, want, but=("first_zero_row",))
    assert sums.n_rows == kept.sum()
    assert sums.first_zero_row is None
    assert class_sums(z[y != 3], y[y != 3], 5).of_classes(np.array([0, 1])).zeros is None


def test_other_class_weights() -> None:
    """Every class keeps its centroid, its CMI and its error; their shares are the new ones."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, 4, 50)
    z = clustered_logits(rng, y, 4, 1.0)
    sums = class_sums(z, y, 4)
    new = np.array([1.0, 0.5, 7.0, 20.0])
    changed = sums.reweighted(new)
    np.testing.assert_allclose(changed.weight, new, rtol=1e-15)
    np.testing.assert_array_equal(changed.counts, sums.counts)
    want = measure(z, y, sample_weight=(new / np.bincount(y))[y])
    got, before = finish(changed), finish(sums)
    for name in ("cmi", "gamma", "gamma_kl", "gamma_pair", "mutual_information", "error",
                 "cross_entropy", "top5_error", "expected_calibration_error"):  # fmt: skip
        assert getattr(got, name) == pytest.approx(getattr(want, name), rel=1e-12), name
    for name in ("class_cmi", "class_error", "class_centroid_entropy"):
        np.testing.assert_allclose(getattr(got, name), getattr(before, name), rtol=1e-12)
    assert_same(sums.reweighted(sums.weight), sums)


labels = hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, 5))


@given(labels, st.integers(4, 20), st.data())
def test_every_class_is_dealt_evenly(y: Any, size: int, drawn: Any) -> None:
    weights = drawn.draw(
        st.none() | hnp.arrays(np.float64, y.size, elements=st.sampled_from([0.0, 1.0, 2.0]))
    )
    shards = deal(y, size, 6, weights=weights)
    every = np.ones(y.size) if weights is None else weights
    kept = every > 0.0
    counts = np.zeros((6, size), np.int64)
    np.add.at(counts, (y[kept], shards[kept]), 1)
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()
    assert shards.dtype == np.int64
    assert ((shards >= 0) & (shards < size)).all()
    if kept.any():
        want = resampling.Samples(np.eye(6)[y], y, every).shards(size)
        assert shards[kept].tolist() == np.array(want)[kept].tolist()


@given(labels, st.integers(4, 20), st.lists(st.integers(0, 60), max_size=4), st.data())
def test_batches_do_not_matter_to_the_dealing(
    y: Any, size: int, cuts: list[int], drawn: Any
) -> None:
    weights = drawn.draw(hnp.arrays(np.float64, y.size, elements=st.sampled_from([0.0, 0.5, 1.0])))
    z = np.eye(6)[y] + 0.5
    want = deal(y, size, 6, weights=weights)
    so_far: ClassSums | None = None
    got = []
    for rows in np.split(np.arange(y.size), sorted(min(cut, y.size) for cut in cuts)):
        if rows.size == 0:
            continue
        part = deal(y[rows], size, 6, so_far, weights[rows])
        sums = class_sums(z[rows], y[rows], 6, weights=weights[rows], parts=part, n_parts=size)
        so_far = sums if so_far is None else so_far.absorb(sums)
        got.append(part)
    kept = weights > 0.0
    np.testing.assert_array_equal(np.concatenate(got)[kept], want[kept])


def test_each_class_starts_at_another_shard() -> None:
    """Ten classes of one sample fill ten shards, not one."""
    assert deal(np.arange(10), 20, 10).tolist() == list(range(10))
    assert deal(np.array([3, 3, 0, 3]), 4, 5).tolist() == [3, 0, 0, 1]


@pytest.mark.parametrize("batch", [1, 13, 100])
def test_an_accumulator_keeps_the_shards_of_one_deal(batch: int) -> None:
    rng = np.random.default_rng(7)
    y = np.sort(rng.integers(0, 4, 70))
    z = clustered_logits(rng, y, 4, 1.0)
    accumulator = NCMIAccumulator(shards=6)
    for start in range(0, len(y), batch):
        accumulator.update(z[start : start + batch], y[start : start + batch])
    want = class_sums(z, y, 4, parts=deal(y, 6, 4), n_parts=6)
    assert_same(accumulator.sums, want)


def test_a_row_that_is_reweighted_is_worth_as_many_samples() -> None:
    """Weights of a class in proportion are worth what they were, and so is their class CMI."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    sums = class_sums(rng.normal(size=(60, 3)), y, 3, weights=rng.random(60))
    heavier = sums.reweighted(np.array([5.0, 0.25, 100.0]))
    np.testing.assert_allclose(heavier.weight, [5.0, 0.25, 100.0], rtol=1e-14)
    np.testing.assert_allclose(heavier.worth, sums.worth, rtol=1e-13)
    np.testing.assert_allclose(heavier.class_cmi, sums.class_cmi, rtol=1e-12)
