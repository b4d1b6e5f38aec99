"""Outputs in npy files: whole at the end, and cut back to the state after an interruption."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.evaluation.outputs import SavedOutputs, file_names, write_labels
from infotheory.exceptions import StateError

ROWS = np.random.default_rng(3).normal(size=(1234, 3))


@given(cuts=st.lists(st.integers(0, 1234), max_size=5), double=st.booleans())
def test_pieces_make_up_the_whole(
    cuts: list[int], double: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = ROWS if double else ROWS.astype(np.float32)
    folder = tmp_path_factory.mktemp("outputs")
    saved = SavedOutputs(folder, "net")
    edges = [0, *sorted(cuts), len(rows)]
    for start, stop in pairwise(edges):
        if stop > start:
            saved.append(rows[start:stop])
    assert not saved.path.exists()
    saved.finish()
    found = np.load(folder / "net.npy", mmap_mode="r", allow_pickle=False)
    assert found.dtype == rows.dtype
    assert np.array_equal(found, rows)
    assert [entry.name for entry in folder.iterdir()] == ["net.npy"]


@given(written=st.integers(1, 200), kept=st.integers(1, 200))
def test_what_is_behind_the_state_is_cut_off(
    written: int, kept: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = min(kept, written)
    folder = tmp_path_factory.mktemp("outputs")
    first = SavedOutputs(folder, "net")
    first.append(ROWS[:written])
    first.append(-ROWS[:3])  # killed before the state knew of it
    first.close()
    second = SavedOutputs(folder, "net", kept)
    second.append(ROWS[kept:])
    second.finish()
    assert np.array_equal(np.load(folder / "net.npy"), ROWS)


@pytest.mark.parametrize("dtype", [np.float16, np.int64, "bfloat16"])
def test_shorter_numbers_become_float32(dtype: object, tmp_path: Path) -> None:
    saved = SavedOutputs(tmp_path, "net")
    if dtype == "bfloat16":
        torch = pytest.importorskip("torch", reason="torch is not installed")
        rows = torch.tensor(ROWS, dtype=torch.bfloat16)
        expected = rows.float().numpy()
    else:
        rows = (10 * ROWS).astype(dtype)
        expected = rows.astype(np.float64 if dtype is np.int64 else np.float32)
    saved.append(rows)
    saved.finish()
    found = np.load(saved.path)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_a_complete_file_is_left_alone(tmp_path: Path) -> None:
    first = SavedOutputs(tmp_path, "net")
    first.append(ROWS)
    first.close()
    unnamed = SavedOutputs(tmp_path, "net", len(ROWS), complete=True)  # killed before it was named
    unnamed.finish()
    time = (tmp_path / "net.npy").stat().st_mtime_ns
    named = SavedOutputs(tmp_path, "net", len(ROWS), complete=True)
    named.finish()
    assert (tmp_path / "net.npy").stat().st_mtime_ns == time
    assert np.array_equal(np.load(tmp_path / "net.npy"), ROWS)


@pytest.mark.parametrize(
    ("content", "fact"),
    [(None, "no such file"), (b"not an array at all", "the magic string"), ("short", "fewer rows")],
)
def test_rows_that_are_not_there_are_refused(content: object, fact: str, tmp_path: Path) -> None:
    draft = tmp_path / "net.npy.part"
    if content == "short":
        saved = SavedOutputs(tmp_path, "net")
        saved.append(ROWS[:9])
        saved.close()
    elif isinstance(content, bytes):
        draft.write_bytes(content)
    before = draft.read_bytes() if draft.exists() else None
    with pytest.raises(StateError, match=f"must hold the outputs of the 10 rows .* got {fact}"):
        SavedOutputs(tmp_path, "net", 10)
    assert (draft.read_bytes() if draft.exists() else None) == before


def test_a_complete_file_of_other_rows_is_no_substitute(tmp_path: Path) -> None:
    np.save(tmp_path / "net.npy", ROWS[:9])
    with pytest.raises(StateError, match="no such file"):
        SavedOutputs(tmp_path, "net", 10, complete=True)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"save_outputs must be a folder; got the file .*file\."):
        SavedOutputs(tmp_path / "file", "net")


def test_an_abandoned_draft_is_not_taken_for_outputs(tmp_path: Path) -> None:
    old = SavedOutputs(tmp_path, "net")
    old.append(ROWS)
    old.close()
    SavedOutputs(tmp_path, "net").finish()  # a run of which no sample could be read
    assert list(tmp_path.iterdir()) == []


def test_labels_are_one_file_where_all_agree(tmp_path: Path) -> None:
    write_labels(tmp_path, {"a": np.arange(3), "b": np.arange(3)})
    assert np.load(tmp_path / "labels.npy").tolist() == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 1


def test_labels_of_each_model_where_they_differ(tmp_path: Path) -> None:
    write_labels(tmp_path, {"a": np.arange(3), "b": np.arange(3)[::-1]})
    assert np.load(tmp_path / "a.labels.npy").tolist() == [0, 1, 2]
    assert np.load(tmp_path / "b.labels.npy").tolist() == [2, 1, 0]


def test_labels_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    """They would pass for those of the outputs that are there now."""
    apart = {"a": np.arange(3), "b": np.arange(3)[::-1]}
    together = {"a": np.arange(4), "b": np.arange(4)}
    write_labels(tmp_path, apart)
    np.save(tmp_path / "c.labels.npy", np.arange(2))  # of a model that is not measured now
    write_labels(tmp_path, together)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.labels.npy", "labels.npy"]
    for name in apart:
        np.save(tmp_path / f"{name}.npy", ROWS)
    write_labels(tmp_path, apart)
    assert sorted(file.name for file in tmp_path.glob("*labels.npy")) == [
        "a.labels.npy", "b.labels.npy", "c.labels.npy",
    ]  # fmt: skip
    (tmp_path / "a.labels.npy").unlink()
    np.save(tmp_path / "d.npy", ROWS)  # whose labels they are, perhaps
    np.save(tmp_path / "labels.npy", np.arange(4))
    write_labels(tmp_path, apart)
    assert (tmp_path / "labels.npy").exists()


def test_names_of_files_are_plain_and_differ() -> None:
    names = file_names(["hf:org/net", "hf:org:net", "labels", "Labels", "../up", "..", "net.v1+x"])
    assert list(names.values()) == [
        "hf_org_net",
        "hf_org_net_2",
        "labels_2",
        "Labels_3",
        "_up",
        "model",
        "net.v1+x",
    ]
