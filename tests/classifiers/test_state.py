"""Saved accumulators: back to the last bit, adding up, and in one piece at any moment."""

from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers.strategies import Case, logit_cases
from classifiers.support import (
    clustered_logits,
    labels_of_sizes,
    measure,
    quietly,
    rounding_floor,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import classifiers_large as large

from infotheory import NCMIAccumulator, NCMIReport
from infotheory.classifiers import ClassSums, read_states, write_states
from infotheory.exceptions import StateError

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


MORE = (2 * np.eye(4), [0, 1, 2, 3])


def filled(seed: int = 0, k: int = 4, rows: int = 9, **options: Any) -> NCMIAccumulator:
    rng = np.random.default_rng(seed)
    return NCMIAccumulator(**options).update(rng.normal(size=(rows, k)), np.arange(rows) % 3)


def with_zeros(seed: int = 0) -> NCMIAccumulator:
    z = np.random.default_rng(seed).normal(size=(9, 4))
    z[5, 2] = z[7, 0] = -math.inf
    return NCMIAccumulator().update(z, np.arange(9) % 3)


def assert_identical(got: NCMIAccumulator, want: NCMIAccumulator) -> None:
    """Equal to the last bit, the parts aside."""
    assert got.settings == want.settings
    assert got.n_outputs == want.n_outputs
    if want.n_outputs is None:
        return
    for field in dataclasses.fields(ClassSums):
        a, b = getattr(got.sums, field.name), getattr(want.sums, field.name)
        assert type(a) is type(b)
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert a.tobytes() == b.tobytes(), field.name
        else:
            assert a == b, field.name


# ------------------------------------------------------------------------------- there and back

KINDS_OF_STATE = {
    "plain": filled,
    "zeros": with_zeros,
    "temperature": lambda: filled(temperature=1 / 3),
    "smoothing": lambda: filled(smoothing=0.1),
    "class names": lambda: filled(class_names=["a", "b", "ü", "d/e"]),
    "more classes than columns": lambda: filled(n_classes=9),
    "shards": lambda: filled(shards=4),
    "weights": lambda: NCMIAccumulator().update(
        np.eye(3) + 1, [0, 1, 2], sample_weight=[0.5, 0.0, 2.0]
    ),
    "weights of zero only": lambda: NCMIAccumulator().update(
        np.eye(2) + 1, [0, 1], sample_weight=[0.0, 0.0]
    ),
    "infinite loss": lambda: NCMIAccumulator().update([[0.0, -math.inf]], [1]),
    "nothing": NCMIAccumulator,
    "nothing of known classes": lambda: NCMIAccumulator(7, temperature=2.0),
}


@pytest.mark.parametrize("kind", KINDS_OF_STATE)
def test_what_was_saved_comes_back(tmp_path: Path, kind: str) -> None:
    accumulator, path = KINDS_OF_STATE[kind](), tmp_path / "state"
    accumulator.save(path)
    loaded = NCMIAccumulator.load(path)
    assert_identical(loaded, accumulator)
    assert loaded.digests == accumulator.digests
    assert_identical(KINDS_OF_STATE[kind](), accumulator)  # saving changed nothing else


@in_one_folder
@given(case=logit_cases(masked=True), cut=st.floats(0, 1), shards=st.sampled_from([0, 4, 5]))
def test_going_on_from_a_file_is_going_on(
    tmp_path: Path, case: Case, cut: float, shards: int
) -> None:
    """As if there had been no file in between: to the last bit."""
    rows, path = int(cut * len(case.labels)), tmp_path / "state"
    halves = [(case.outputs[:rows], case.labels[:rows]), (case.outputs[rows:], case.labels[rows:])]
    accumulators = [NCMIAccumulator(case.n_classes, shards=shards) for _ in range(2)]
    for outputs, labels in halves:
        if len(labels):
            for accumulator in accumulators:
                quietly(accumulator.update, outputs, labels)
        accumulators[0].save(path)
        accumulators[0] = NCMIAccumulator.load(path)
    assert_identical(*accumulators)


def test_a_loaded_state_shares_nothing_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    filled().save(path)
    before = path.read_bytes()
    NCMIAccumulator.load(path).update(*MORE)
    assert path.read_bytes() == before


def test_equal_states_give_equal_files(tmp_path: Path) -> None:
    """No time, no order of a set, nothing of the process is in the file."""
    for name in ("one", "two"):
        filled().merge(filled(1)).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_numpy_reads_the_arrays(tmp_path: Path) -> None:
    accumulator, path = filled(), tmp_path / "state.npz"
    accumulator.save(path)
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["0/mass"], accumulator.sums.mass)
        assert b'"format": "infotheory NCMI state"' in archive["state.json"]


def test_no_ending_is_added(tmp_path: Path) -> None:
    filled().save(str(tmp_path / "state"))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_several_states_and_their_notes(tmp_path: Path) -> None:
    path = tmp_path / "states"
    states = {"b": filled(1), "a/../b": filled(2, k=5), "": NCMIAccumulator()}
    notes = {"b": {"rows": 7, "where": ["ä", None, 0.1]}}
    write_states(path, states, notes)
    stored = read_states(path)
    assert list(stored) == list(states)  # in the order in which they were written
    for name, (accumulator, note) in stored.items():
        assert_identical(accumulator, states[name])
        assert accumulator.digests == states[name].digests
        assert note == notes.get(name, {})
    assert_identical(NCMIAccumulator.load(path, "a/../b"), states["a/../b"])


def test_one_of_several_states_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "states"
    write_states(path, {"one": filled(1), "two": filled(2)})
    with pytest.raises(ValueError, match=r"name must be one of .*; got none\. .*'one', 'two'\."):
        NCMIAccumulator.load(path)
    with pytest.raises(ValueError, match=r"got 'three'\. It holds 'one', 'two'\."):
        NCMIAccumulator.load(path, "three")
    write_states(path, {})
    with pytest.raises(ValueError, match="It holds nothing"):
        NCMIAccumulator.load(path)


# --------------------------------------------------------------------------------- adding up

FIELDS = ("cmi", "gamma", "ncmi", "gamma_kl", "mutual_information", "label_information")


def shards_of(seed: int, options: dict[str, Any]) -> tuple[Any, Any, list[NCMIAccumulator]]:
    """Random data of 12 classes, of which two are absent and some in one shard only."""
    rng = np.random.default_rng(seed)
    y = labels_of_sizes([100, 1, 200, 0, 90, 2, 60, 300, 40, 0, 5, 70], rng)
    z = clustered_logits(rng, y, 12)
    if seed % 2:
        z[rng.integers(len(y), size=3), rng.integers(12, size=3)] = -math.inf
    cuts = np.sort(rng.choice(np.arange(1, len(y)), 63, replace=False))
    shards = [
        NCMIAccumulator(**options).update(*shard)
        for shard in zip(np.split(z, cuts), np.split(y, cuts), strict=True)
    ]
    return z, y, shards


def assert_same_report(got: NCMIReport, z: Any, y: Any) -> None:
    """All of a report against one pass, to 1e-12.

    Every sum of the state has terms of one sign, so another order of n = 868 terms moves it by a
    relative error of about sqrt(n) 2^-53, 3e-15; CMI is a difference of two sums some ten times
    its size. What rounding leaves where CMI is tiny is the floor of the oracle tests.
    """
    want, exact = measure(z, y), large.measure(z, y)
    floor = rounding_floor(exact)
    assert (got.n, got.n_classes, got.error, got.zeros) == (
        want.n,
        want.n_classes,
        want.error,
        want.zeros,
    )
    for name in FIELDS:
        assert getattr(got, name) == pytest.approx(getattr(want, name), rel=1e-12, abs=floor), name
    # A class's own share: the same, over its own rows.
    for column in ("cmi", "error", "centroid_entropy"):
        np.testing.assert_allclose(
            got.per_class[column], want.per_class[column], rtol=1e-12, atol=8 * floor
        )
    np.testing.assert_allclose(got.separation, want.separation, rtol=1e-12, atol=8 * floor)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), order=st.randoms(use_true_random=False))
@pytest.mark.parametrize("options", [{}, {"shards": 5}])
def test_64_shards_in_any_order_equal_one_pass(
    options: dict[str, Any], seed: int, order: Any
) -> None:
    z, y, shards = shards_of(seed, options)
    order.shuffle(shards)
    assert_same_report(quietly(sum(shards).report), z, y)


def test_64_saved_shards_in_any_order_equal_one_pass(tmp_path: Path) -> None:
    z, y, shards = shards_of(5, {})
    paths = [tmp_path / str(number) for number in range(64)]
    for path, shard in zip(paths, shards, strict=True):
        shard.save(path)
    total = NCMIAccumulator()
    for index in np.random.default_rng(0).permutation(64):
        total.merge(NCMIAccumulator.load(paths[index]))
    assert_same_report(quietly(total.report), z, y)
    assert len(total.digests) == 64
    # Merged pairwise, as a tree, and saved on the way.
    while len(paths) > 1:
        for a, b in zip(paths[::2], paths[1::2], strict=True):
            (NCMIAccumulator.load(a) + NCMIAccumulator.load(b)).save(a)
        paths = paths[::2]
    total = NCMIAccumulator.load(paths[0])
    assert_same_report(quietly(total.report), z, y)
    assert len(total.digests) == 64 + 63


def test_rows_are_counted_in_the_order_of_merging() -> None:
    """The first row with a zero is the first in that order."""
    clean, zeros = filled(rows=20), with_zeros()
    assert quietly((clean + zeros).report).first_zero_row == 25
    assert quietly((zeros + clean).report).first_zero_row == 5


def test_an_empty_accumulator_takes_a_copy() -> None:
    other = filled()
    NCMIAccumulator().merge(other).update(*[part[:3] for part in MORE])  # of the same classes
    assert_identical(other, filled())


def test_sum_starts_from_nothing() -> None:
    parts = [filled(seed) for seed in range(3)]
    total = sum(parts)
    assert isinstance(total, NCMIAccumulator)
    assert_identical(total, parts[0] + parts[1] + parts[2])
    alone = sum(parts[:1])
    assert isinstance(alone, NCMIAccumulator)
    for accumulator in (total, alone):
        accumulator.update(*MORE)
    assert_identical(parts[0], filled(0))  # left as it was
    with pytest.raises(TypeError, match="unsupported operand"):
        1 + parts[0]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: filled(n_classes=7), r"n_classes of the accumulator to merge must be equal \(4\)"),
        (
            lambda: filled(k=5, n_classes=4),
            r"n_outputs of the accumulator .* must be equal \(4\); got 5",
        ),
        (lambda: filled(temperature=2.0), r"temperature .* must be equal \(1.0\); got 2.0"),
        (lambda: filled(shards=5), r"shards .* must be equal \(0\); got 5"),
        (lambda: NCMIAccumulator(class_names="abc"), r"class_names must have one name per class"),
    ],
)
def test_unlike_shards_are_refused_and_nothing_changes(
    tmp_path: Path, other: Any, message: str
) -> None:
    path = tmp_path / "shard"
    other().save(path)
    total = filled()
    with pytest.raises(ValueError, match=message):
        total.merge(NCMIAccumulator.load(path))
    assert_identical(total, filled())
    assert total.digests == frozenset()


# ------------------------------------------------------------------------- whole at any moment


@pytest.mark.parametrize("step", ["ZipFile.open", "fsync", "replace"])
def test_an_interruption_while_saving_leaves_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "state"
    filled().save(path)
    target = {
        "ZipFile.open": "zipfile.ZipFile.open",
        "fsync": "os.fsync",
        "replace": "pathlib.Path.replace",
    }[step]

    def interrupt(*args: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    later = filled(1)
    monkeypatch.setattr(target, interrupt)
    with pytest.raises(KeyboardInterrupt):
        later.save(path)
    monkeypatch.undo()
    assert later.digests == frozenset()  # it is not in any file
    assert_identical(NCMIAccumulator.load(path), filled())
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"]


def test_a_note_that_json_cannot_hold_leaves_the_old_state(tmp_path: Path) -> None:
    path = tmp_path / "state"
    filled().save(path)
    before = path.read_bytes()
    for note in ({"x": math.nan}, {"x": object()}):
        with pytest.raises((TypeError, ValueError)):
            write_states(path, {"a": filled(1)}, {"a": note})
    assert path.read_bytes() == before


def test_names_are_strings_also_odd_ones(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with pytest.raises(TypeError, match=r"names of states must be strings; got None\."):
        write_states(path, {None: filled()})  # type: ignore[dict-item]
    assert not path.exists()
    odd = {"\udcff": filled(1), "a\nb": filled(2)}  # a path that is not UTF-8 reads like that
    write_states(path, odd, {name: {name: name} for name in odd})
    assert {name: state.note for name, state in read_states(path).items()} == {
        name: {name: name} for name in odd
    }


def test_only_an_ordinary_file_is_replaced(tmp_path: Path) -> None:
    for odd in (tmp_path, Path(os.devnull)):
        with pytest.raises(ValueError, match="path must be an ordinary file or a new name; got"):
            filled().save(odd)
    with pytest.raises(FileNotFoundError):
        filled().save(tmp_path / "none" / "state")


def test_a_link_to_a_state_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "state", tmp_path / "link"
    filled().save(path)
    link.symlink_to(path)
    filled(1).save(link)
    assert link.is_symlink()
    assert_identical(NCMIAccumulator.load(path), filled(1))


def test_a_missing_file_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        NCMIAccumulator.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        NCMIAccumulator.load(tmp_path)
    assert issubclass(StateError, ValueError)
