"""Samples are read once, in order, a bounded number of batches ahead, by any number of threads."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from evaluation.fakes import FEATURES, FakeData, N
from hypothesis import given
from hypothesis import strategies as st

from infotheory.evaluation.stream import Prepared, check_threads, stream
from infotheory.models import UnreadableSampleError


def batches(data: FakeData, prepare: Any = None, rows: range = range(N), **options: Any) -> list:
    prepare = {"a": lambda x: 2 * x, "b": np.sum} if prepare is None else prepare
    return list(stream(data, prepare, rows, **options))


@given(
    first=st.integers(0, N),
    size=st.integers(0, N),
    batch_size=st.integers(1, N + 5),
    batches_done=st.integers(0, 3),
    broken=st.sets(st.integers(0, N - 1)),
    n_threads=st.sampled_from([0, 1, 3]),
)
def test_every_row_comes_once_and_in_order(
    first: int, size: int, batch_size: int, batches_done: int, broken: set[int], n_threads: int
) -> None:
    rows = range(first, min(first + size, N))
    done = min(batches_done * batch_size, len(rows))
    data = FakeData(broken=sorted(broken))
    found = batches(
        data, None, rows, batch_size=batch_size, done=done, on_error="skip", n_threads=n_threads
    )
    left = rows[done:]
    assert [row for batch in found for row in range(batch.start, batch.stop)] == list(left)
    assert all(batch.stop - batch.start == batch_size for batch in found[:-1])
    readable = [row for row in left if row not in broken]
    assert [row for batch in found for row in batch.rows] == readable
    assert [x.tolist() for b in found for x in b.samples["a"]] == (2 * FEATURES[readable]).tolist()
    assert [x for b in found for x in b.samples["b"]] == [np.sum(FEATURES[r]) for r in readable]
    assert [row for batch in found for row in batch.unreadable] == sorted(broken & set(left))
    assert sorted(data.read) == list(left)  # each once, for both models


def test_threads_are_those_asked_for() -> None:
    alone = FakeData()
    batches(alone, batch_size=10, n_threads=0)
    assert alone.threads == {threading.get_ident()}
    several = FakeData()
    batches(several, batch_size=10, n_threads=2)
    assert threading.get_ident() not in several.threads
    assert 1 <= len(several.threads) <= 2


def test_only_some_batches_are_read_ahead() -> None:
    data = FakeData()
    found = stream(data, {}, range(N), batch_size=5, n_threads=2)
    first = next(found)
    for _ in range(200):  # let them read as far as they will
        time.sleep(0.001)
    assert (first.start, first.stop) == (0, 5)
    assert max(data.read) < 15  # this batch, and the two that wait
    found.close()
    assert max(data.read) < 20


def test_without_threads_nothing_is_read_ahead() -> None:
    data = FakeData()
    next(stream(data, {}, range(N), batch_size=5))
    assert data.read == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("n_threads", [0, 2])
def test_an_unreadable_sample_stops_at_its_place(n_threads: int) -> None:
    found = stream(FakeData(broken=[27]), {}, range(N), batch_size=10, n_threads=n_threads)
    assert [next(found).start, next(found).start] == [0, 10]
    text = (
        "row 27 of fake must be readable; got a broken one. on_error='skip' "
        r"\(--on-error skip\) leaves such samples out, and counts them\."
    )
    with pytest.raises(UnreadableSampleError, match=text):
        next(found)
    assert not [t for t in threading.enumerate() if t.name.startswith("infotheory-reader")]


@pytest.mark.parametrize("n_threads", [0, 2])
def test_a_model_that_cannot_have_a_sample_leaves_the_others_alone(n_threads: int) -> None:
    def picky(sample: np.ndarray) -> np.ndarray:
        if any((sample == FEATURES[row]).all() for row in (41, 43, 58)):
            raise ValueError("sample must be nice; got another.")
        return sample

    found = batches(FakeData(), {"picky": picky, "any": np.sum}, batch_size=20, n_threads=n_threads)
    assert [bool(batch.failures) for batch in found] == [False, False, True, False, False, False]
    bad: Prepared = found[2]
    assert str(bad.failures["picky"]) == "row 41 of fake: sample must be nice; got another."
    assert list(bad.samples) == ["any"]
    assert len(bad.samples["any"]) == 20


def test_a_sample_that_turns_out_unreadable_late_is_nobodys() -> None:
    def late(sample: np.ndarray) -> np.ndarray:
        if (sample == FEATURES[3]).all():
            raise UnreadableSampleError("truncated")
        return sample

    (batch,) = batches(
        FakeData(), {"a": np.sum, "late": late}, range(6), batch_size=6, on_error="skip"
    )
    assert batch.rows.tolist() == [0, 1, 2, 4, 5]
    assert batch.unreadable == {3: "row 3 of fake"}
    assert len(batch.samples["a"]) == len(batch.samples["late"]) == 5


def test_other_errors_of_models_keep_their_kind() -> None:
    def broken(sample: np.ndarray) -> None:
        raise RuntimeError("out of order")

    (batch,) = batches(FakeData(), {"a": broken}, range(3), batch_size=3)
    with pytest.raises(RuntimeError, match=r"^out of order$"):
        raise batch.failures["a"]


def test_a_model_that_is_taken_out_is_not_prepared_for() -> None:
    counted: list[int] = []
    prepare = {"a": lambda x: counted.append(1), "b": np.sum}
    found = stream(FakeData(), prepare, range(N), batch_size=10)
    next(found)
    del prepare["a"]
    assert list(next(found).samples) == ["b"]
    assert len(counted) == 10


@pytest.mark.parametrize("wrong", [-1, 1.5, "2", True, False])
def test_numbers_of_threads_are_checked(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"n_threads must be None .* of at least 0; got"):
        check_threads(wrong)


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(6)), raising=False)
    assert check_threads(None) == 6
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert check_threads(None) == 2
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "100")
    assert check_threads(None) == 1
    assert check_threads(0) == 0
    assert check_threads(np.int64(5)) == 5


def test_what_to_do_about_unreadable_samples_is_one_of_two() -> None:
    with pytest.raises(ValueError, match="on_error must be one of 'stop', 'skip'; got 'ignore'"):
        batches(FakeData(), batch_size=5, on_error="ignore")
