"""The fingerprint of a model changes with what is read and with nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from files.support import FORMATS, LABELS, LOGITS, stored, write_npz

from infotheory.files import UnusableFileError, find_models


@pytest.mark.parametrize("form", FORMATS)
def test_it_does_not_depend_on_path_and_time(tmp_path: Path, form: str) -> None:
    (tmp_path / "a").mkdir()
    model = stored(tmp_path / "a", form)
    first = model.fingerprint()
    assert len(first) == 64
    shutil.move(tmp_path / "a", tmp_path / "b")
    path = tmp_path / "b" / model.file.name
    os.utime(path, (1, 1))
    labels = str(tmp_path / "b" / "labels.npy") if form == "npy" else None
    (moved,), _ = find_models(path, labels)
    assert moved.fingerprint() == first


@pytest.mark.parametrize("form", FORMATS)
def test_it_changes_with_the_outputs_and_the_labels(tmp_path: Path, form: str) -> None:
    outputs, labels = LOGITS.copy(), LABELS.copy()
    outputs[-1, -1] += 1
    labels[0] = (labels[0] + 1) % 4
    prints = set()
    for number, (z, y) in enumerate([(LOGITS, LABELS), (outputs, LABELS), (LOGITS, labels)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        prints.add(stored(folder, form, z, labels=y).fingerprint())
    assert len(prints) == 3


def test_it_tells_apart_what_one_file_holds(tmp_path: Path) -> None:
    arrays = {"a": LOGITS, "b": LOGITS, "labels": LABELS, "y": LABELS, "w": np.ones(len(LABELS))}
    path = write_npz(tmp_path / "x.npz", arrays)
    found = [find_models(path, labels)[0] for labels in (None, "y")]
    found.append(find_models(path, weights="w")[0])
    prints = {model.fingerprint() for models in found for model in models}
    assert len(prints) == 6


def test_the_ends_and_the_size_of_a_large_file_count(tmp_path: Path) -> None:
    labels = tmp_path / "y.npy"
    np.save(labels, np.zeros(4000, int))
    path = tmp_path / "z.npy"
    prints = []
    for place in (None, (0, 0), (3999, 99)):
        outputs = np.zeros((4000, 100))  # 3.2 MB
        if place:
            outputs[place] = 1
        np.save(path, outputs)
        prints.append(find_models(path, str(labels))[0][0].fingerprint())
    assert len(set(prints)) == 3


def fingerprints_with_a_change_at(folder: Path, size: int, places: list[int]) -> list[str]:
    """Of a model with weights in a file of zeros of that size, and of it with one byte set."""
    weights = folder / "weights.npy"
    np.lib.format.open_memmap(weights, "w+", np.uint8, (size - 128,)).flush()
    assert weights.stat().st_size == size
    path = write_npz(folder / "x.npz", {"z": LOGITS, "labels": LABELS})
    prints = [find_models(path, weights=str(weights))[0][0].fingerprint()]
    for place in places:
        with weights.open("r+b") as stream:
            stream.seek(place)
            stream.write(b"1")
        prints.append(find_models(path, weights=str(weights))[0][0].fingerprint())
        with weights.open("r+b") as stream:
            stream.seek(place)
            stream.write(b"\0")
    return prints


@pytest.mark.parametrize("size", [10 * 2**20, 64 * 2**20 - 1, 64 * 2**20])
def test_any_byte_of_a_file_of_64_mib_counts(tmp_path: Path, size: int) -> None:
    places = [200, 2**20, size // 2, size // 2 + 2**20, size - 2**20 - 1, size - 1]
    assert len(set(fingerprints_with_a_change_at(tmp_path, size, places))) == 1 + len(places)


def test_stripes_of_a_larger_file_count_and_nothing_between_them(tmp_path: Path) -> None:
    size = 127 * 2**20  # 64 stripes, 63 gaps
    places = [200, 2 * 2**20, 64 * 2**20, 65 * 2**20 - 1, size - 2**20, size - 1]
    assert len(set(fingerprints_with_a_change_at(tmp_path, size, places))) == 1 + len(places)
    gaps = [2**20 + 5, size - 2**20 - 5]
    assert len(set(fingerprints_with_a_change_at(tmp_path, size, gaps))) == 1  # as is documented


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    model = stored(tmp_path, "npz")
    model.file.unlink()
    with pytest.raises(UnusableFileError, match="may not be read any more"):
        model.fingerprint()


def test_the_files_that_are_read_are_named_once(tmp_path: Path) -> None:
    model = stored(tmp_path, "npy", weights=np.ones(len(LABELS)))
    assert model.files == tuple(tmp_path / n for n in ("data.npy", "labels.npy", "weights.npy"))
    assert stored(tmp_path, "npz", weights=np.ones(len(LABELS))).files == (tmp_path / "data.npz",)
