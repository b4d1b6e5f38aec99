"""Arrays of npz files."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory.models.datasets import open_dataset

RNG = np.random.default_rng(1)
IMAGES = RNG.integers(0, 256, (5, 4, 3, 3), dtype=np.uint8)
FEATURES = RNG.normal(size=(5, 7)).astype(np.float32)
LABELS = np.array([0, 2, 1, 1, 0])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "samples",
    [IMAGES, IMAGES[..., 0], FEATURES, np.asfortranarray(FEATURES), FEATURES.astype(">f8")],
)
def test_samples_are_what_was_saved(tmp_path: Path, save: Any, samples: Any) -> None:
    path = tmp_path / "data.npz"
    save(path, labels=LABELS, images=samples)
    data = open_dataset(f"npz:{path}")
    assert data.name == "data"
    assert data.labels.tolist() == LABELS.tolist()
    for row in range(5):
        sample = data.sample(row)
        assert type(sample) is np.ndarray
        assert sample.dtype == samples.dtype
        assert np.array_equal(sample, samples[row])
    assert data.where(3) == f"row 3 of array 'images' in {path}"


def test_stored_arrays_are_mapped_and_packed_ones_are_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    np.savez_compressed(tmp_path / "b.npz", images=IMAGES, labels=LABELS)
    mapped: Any = open_dataset(f"npz:{tmp_path}/a.npz")
    held: Any = open_dataset(f"npz:{tmp_path}/b.npz")
    assert isinstance(mapped.samples, np.memmap)
    assert not isinstance(held.samples, np.memmap)
    assert mapped.fingerprint() == held.fingerprint()
    assert mapped.sample(0).flags.writeable


def test_names_of_arrays_are_found_or_given(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    names = np.array(["x", "y", "z"])
    np.savez(path, x_test=IMAGES, y_test=LABELS, names=names, X=FEATURES, y=LABELS[::-1])
    usual = open_dataset(f"npz:{path}")
    assert usual.sample(0).shape == (7,)
    assert usual.labels.tolist() == LABELS[::-1].tolist()
    given = open_dataset(f"npz:{path}?images=x_test&labels=y_test&class_names=names")
    assert given.sample(0).shape == (4, 3, 3)
    assert given.labels.tolist() == LABELS.tolist()
    assert given.class_names == ("x", "y", "z")


def test_class_names_and_texts_come_along(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, data=np.array(["one", "two"]), labels=[1, 0], class_names=["x", "y"])
    data = open_dataset(f"npz:{path}")
    assert data.class_names == ("x", "y")
    assert data.sample(1) == "two"
    assert type(data.sample(1)) is str


def test_names_as_labels(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, images=IMAGES[:2], labels=["dog", "cat"])
    data = open_dataset(f"npz:{path}")
    assert data.labels.tolist() == [1, 0]
    assert data.class_names == ("cat", "dog")


def test_the_fingerprint_sees_samples_and_labels(tmp_path: Path) -> None:
    def fingerprint(**arrays: Any) -> str:
        np.savez(tmp_path / "data.npz", **arrays)
        return open_dataset(f"npz:{tmp_path}/data.npz").fingerprint()

    other = IMAGES.copy()
    other[4, 3, 2, 1] ^= 1
    prints = {
        fingerprint(images=IMAGES, labels=LABELS),
        fingerprint(images=other, labels=LABELS),
        fingerprint(images=IMAGES, labels=LABELS[::-1]),
        fingerprint(images=IMAGES.reshape(5, 3, 4, 3), labels=LABELS),
        fingerprint(images=IMAGES.reshape(5, -1).view(np.float32), labels=LABELS),
    }
    assert len(prints) == 5


@pytest.mark.parametrize(
    ("arrays", "fact"),
    [
        (
            {"images": IMAGES},
            "labels must be an array of 'npz:PATH', which holds 'images'; got non",
        ),
        (
            {"images": IMAGES, "labels": LABELS[:4]},
            "one sample a label (4); got shape (5, 4, 3, 3)",
        ),
        ({"images": IMAGES.astype(int), "labels": LABELS}, "dtype int64, shape (5, 4, 3, 3). Put"),
        (
            {"images": IMAGES.transpose(0, 3, 1, 2)[..., :2], "labels": LABELS},
            "shape (5, 3, 4, 2).",
        ),
        ({"images": IMAGES[:, :, 0, 0], "labels": LABELS}, "dtype uint8, shape (5, 4)."),
        ({"images": FEATURES[:, 0], "labels": LABELS}, "dtype float32, shape (5,)."),
        ({"images": FEATURES[:, :0], "labels": LABELS}, "dtype float32, shape (5, 0)."),
        ({"images": np.float32(1), "labels": LABELS}, "got shape ()."),
        ({"images": IMAGES, "labels": LABELS - 1}, "got -1 at row 0. Samples without a label"),
        ({"images": IMAGES, "labels": LABELS / 2}, "got 0.5 at row 2, of dtype float64."),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "data must have at least one sample"),
        ({"images": IMAGES, "labels": LABELS, "class_names": ["a"]}, "class names (1); got 2 at r"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, arrays: Any, fact: str) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=re.escape(fact.replace("PATH", str(path)))):
        open_dataset(f"npz:{path}")


@pytest.mark.parametrize("role", ["images", "labels", "class_names"])
def test_an_unknown_array_is_refused(tmp_path: Path, role: str) -> None:
    np.savez(tmp_path / "data.npz", images=IMAGES, labels=LABELS)
    fact = rf"{role} must be an array of 'npz:.*', which holds 'images', 'labels'; got 'nix'\."
    with pytest.raises(ValueError, match=fact):
        open_dataset(f"npz:{tmp_path}/data.npz?{role}=nix")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("role", ["images", "labels"])
def test_nothing_is_unpickled(tmp_path: Path, role: str, save: Any) -> None:
    arrays: Any = {"images": IMAGES, "labels": LABELS, role: np.array([{}, 1, 2, 3, 4])}
    save(tmp_path / "data.npz", **arrays)
    fact = rf"undamaged npz file of plain arrays; got array '{role}' in .*allow_pickle=False"
    with pytest.raises(ValueError, match=fact):
        open_dataset(f"npz:{tmp_path}/data.npz")


@pytest.mark.parametrize("cut", [0, 10, 200, -30])
def test_a_damaged_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(
        ValueError, match="data must be an undamaged npz file of plain arrays; got "
    ):
        open_dataset(f"npz:{path}")


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, labels=LABELS, images=IMAGES)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(5, 4, 3, 3)", b"(9, 9, 9, 9)"))
    with pytest.raises(
        ValueError, match="data must be an undamaged npz file of plain arrays; got "
    ):
        open_dataset(f"npz:{path}")


@pytest.mark.parametrize("role", ["images", "labels"])
@pytest.mark.parametrize("lying", [False, True])
def test_a_header_that_announces_more_than_there_is(tmp_path: Path, role: str, lying: bool) -> None:
    """182 TiB, for which no room is to be made; with the size of the entry said to be as much."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (25000000000000,), }"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(800)
    np.savez_compressed(tmp_path / "data.npz", **{"images": IMAGES, "labels": LABELS, role: [0]})
    path = tmp_path / "other.npz"
    with zipfile.ZipFile(tmp_path / "data.npz") as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            content = member if info.filename == f"{role}.npy" else old.read(info)
            new.writestr(info.filename, content, zipfile.ZIP_DEFLATED)
        if lying:
            new.getinfo(f"{role}.npy").file_size = 1 << 48
    fact = "Unable to allocate" if lying else "it is cut off: 200000000000000 bytes are announced"
    with pytest.raises(ValueError, match=f"plain arrays; got array '{role}' in .*{fact}"):
        open_dataset(f"npz:{path}")


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be an existing file; got a folder: "):
        open_dataset(f"npz:{tmp_path}")
    with pytest.raises(ValueError, match="must be an existing file; got no such file: "):
        open_dataset(f"npz:{tmp_path}/nothing.npz")
