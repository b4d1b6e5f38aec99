"""Files in the format of MNIST."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory.models.datasets import open_dataset

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([1, 0], np.uint8)


def idx(array: Any) -> bytes:
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    return bytes(header + array.tobytes())


def write(
    folder: Path, prefix: str = "t10k", dash: str = "-", packed: bool = False, images: Any = IMAGES
) -> None:
    for what, array in (("images", images), ("labels", LABELS)):
        name = f"{prefix}-{what}{dash}idx{array.ndim}-ubyte"
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dash", ["-", "."])
@pytest.mark.parametrize(
    ("prefix", "option", "split"),
    [("t10k", "", "test"), ("test", "?split=test", "test"), ("train", "?split=train", "train")],
)
def test_every_way_of_storing_it_is_read(
    tmp_path: Path, prefix: str, option: str, split: str, dash: str, packed: bool
) -> None:
    write(tmp_path, prefix, dash, packed)
    data = open_dataset(f"idx:{tmp_path}{option}")
    assert data.labels.tolist() == [1, 0]
    assert data.class_names is None
    assert data.name == f"{tmp_path.name} ({split})"
    for row in (0, 1):
        assert data.sample(row).dtype == np.uint8
        assert np.array_equal(data.sample(row), IMAGES[row])
    assert data.where(1) == f"row 1 of the {split} images in {tmp_path}"


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    prints = []
    for name, packed, images in (
        ("a", True, IMAGES),
        ("b", False, IMAGES),
        ("c", False, IMAGES + 1),
    ):
        (tmp_path / name).mkdir()
        write(tmp_path / name, packed=packed, images=images)
        prints.append(open_dataset(f"idx:{tmp_path / name}").fingerprint())
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "it begins with  and not 00 00 08 03"),
        (b"\0\0\x0d\3" + idx(IMAGES)[4:], "it begins with 00 00 0d 03 and not 00 00 08 03"),
        (idx(LABELS), "it begins with 00 00 08 01 and not 00 00 08 03"),
        (idx(IMAGES)[:12], "it ends in its header"),
        (idx(IMAGES)[:-1], "24 bytes announced (shape (2, 3, 4)), only 23 there"),
        (idx(IMAGES) + b"\0", "24 bytes announced (shape (2, 3, 4)), more there"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damage_is_refused_with_the_file(
    tmp_path: Path, content: bytes, fact: str, packed: bool
) -> None:
    write(tmp_path, packed=packed)
    path = tmp_path / f"t10k-images-idx3-ubyte{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content) if packed else content)
    expected = f"data must be an undamaged idx file of bytes with 3 axes; got {path}: {fact}."
    with pytest.raises(ValueError, match=re.escape(expected)):
        open_dataset(f"idx:{tmp_path}")


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    write(tmp_path, packed=True)
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="undamaged idx file of bytes with 1 axes"):
        open_dataset(f"idx:{tmp_path}")


def test_a_header_that_announces_too_much_takes_no_memory(tmp_path: Path) -> None:
    write(tmp_path)
    huge = b"\0\0\x08\3" + b"\xff" * 12
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(huge)
    with pytest.raises(ValueError, match=r"bytes announced .*, only 0 there"):
        open_dataset(f"idx:{tmp_path}")


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    write(tmp_path, images=IMAGES[:1])
    with pytest.raises(
        ValueError, match=r"must have one sample a label \(2\); got shape \(1, 3, 4\)"
    ):
        open_dataset(f"idx:{tmp_path}")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing in it\. Choose another folder"):
        open_dataset(f"idx:{tmp_path}")
    (tmp_path / "test").mkdir()
    write(tmp_path / "test", "test")
    with pytest.raises(ValueError, match="a folder with train-images-idx3-ubyte, plain or with"):
        open_dataset(f"idx:{tmp_path}/test?split=train")
    (tmp_path / "train").mkdir()
    write(tmp_path / "train", "train")
    fact = "a folder with t10k-images-idx3-ubyte, plain or with .gz; got "
    with pytest.raises(ValueError, match=f"{fact}.*'train-images-idx3-ubyte', 'train-labels-"):
        open_dataset(f"idx:{tmp_path}/train")
    with pytest.raises(
        ValueError, match="split must be one of 'test', 'train'; got 'all' in 'idx:"
    ):
        open_dataset(f"idx:{tmp_path}?split=all")
