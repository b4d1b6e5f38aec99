"""Folders of images: which files count, in which order, and what is said about the others."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory.models import UnreadableSampleError
from infotheory.models.datasets import open_dataset


@pytest.fixture
def pil() -> Any:
    return pytest.importorskip("PIL.Image", reason="Pillow is not installed")


@pytest.fixture
def folder(tmp_path: Path, pil: Any) -> Path:
    """Two classes of three images each, one of them nested, with other things beside them."""
    rng = np.random.default_rng(0)
    for name in ("b/1.png", "b/sub/0.PNG", "b/2.png", "a/x.bmp", "a/y.png", "a/Z.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pil.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)).save(path)
    return tmp_path


def files(data: Any) -> list[str]:
    return [Path(file).as_posix() for file in data.files]


def test_classes_and_files_are_sorted_as_torchvision_does(folder: Path) -> None:
    data: Any = open_dataset(f"imagefolder:{folder}")
    assert data.name == folder.name
    assert data.class_names == ("a", "b")
    assert files(data) == ["a/Z.png", "a/x.bmp", "a/y.png", "b/1.png", "b/2.png", "b/sub/0.PNG"]
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert len(data) == 6
    assert data.notes == ()


def test_folders_come_before_the_files_below_them(tmp_path: Path, pil: Any) -> None:
    # torchvision: sorted(os.walk(class folder)), and in each folder sorted names
    for name in ("c/b/1.png", "c/a.png", "c/z.png", "c/a/9.png", "c/a/b/0.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        pil.new("L", (2, 2)).save(tmp_path / name)
    expected = [
        os.path.relpath(Path(root) / name, tmp_path)
        for root, _, names in sorted(os.walk(tmp_path / "c"))
        for name in sorted(names)
    ]
    data: Any = open_dataset(f"imagefolder:{tmp_path}")
    assert list(data.files) == expected


def test_images_are_decoded_as_they_are(folder: Path, pil: Any) -> None:
    data = open_dataset(f"imagefolder:{folder}")
    for row in range(6):
        with pil.open(data.where(row)) as image:
            expected = np.asarray(image)
        assert np.array_equal(np.asarray(data.sample(row)), expected)


def test_modes_and_orientation_are_left_alone(tmp_path: Path, pil: Any) -> None:
    (tmp_path / "a").mkdir()
    pil.new("P", (3, 2)).save(tmp_path / "a" / "p.png")
    turned = pil.new("L", (3, 2))
    exif = turned.getexif()
    exif[0x0112] = 6  # "turn by 90 degrees"
    turned.save(tmp_path / "a" / "q.jpg", exif=exif)
    data = open_dataset(f"imagefolder:{tmp_path}")
    assert data.sample(0).mode == "P"
    assert data.sample(1).size == (3, 2)


def test_what_is_passed_over_is_counted_and_named(folder: Path) -> None:
    for name in ("a/notes.txt", "b/more.TXT", "b/plain", "README.md"):
        (folder / name).write_text("no image")
    for name in (".hidden/x.png", "a/.x.png", "a/.thumbs/x.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("hidden")
    for name in ("empty", "also"):
        (folder / name).mkdir()
    data: Any = open_dataset(f"imagefolder:{folder}")
    assert len(data) == 6
    assert data.class_names == ("a", "also", "b", "empty")
    assert set(data.labels.tolist()) == {0, 2}
    assert data.notes == (
        "4 file(s) that are not images of a class passed over: 1 .md, 2 .txt, 1 no ending",
        "2 class(es) without images: 'also', 'empty'",
    )


def test_numbers_in_the_order_of_text_are_noted(tmp_path: Path, pil: Any) -> None:
    for name in ("9", "10"):
        (tmp_path / name).mkdir()
        pil.new("L", (2, 2)).save(tmp_path / name / "0.png")
    data: Any = open_dataset(f"imagefolder:{tmp_path}")
    assert data.class_names == ("10", "9")
    assert data.notes == ("classes named by numbers are in the order of text: 10, 9",)


def test_links_are_followed_once(folder: Path) -> None:
    (folder / "a" / "again").symlink_to(folder / "a", target_is_directory=True)
    (folder / "c").symlink_to(folder / "b", target_is_directory=True)
    data: Any = open_dataset(f"imagefolder:{folder}")
    assert data.class_names == ("a", "b", "c")
    assert np.bincount(data.labels).tolist() == [3, 3, 3]


def test_no_image_starts_another_program(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow would hand what begins like PostScript to Ghostscript."""
    programs = tmp_path_factory.mktemp("programs")
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {programs}/was-run\nexit 1\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    (folder / "a" / "y.png").write_bytes(eps)
    data = open_dataset(f"imagefolder:{folder}")
    row = next(row for row in range(len(data.labels)) if data.where(row).endswith("a/y.png"))
    with pytest.raises(UnreadableSampleError, match=r"of no known format\. Known are .*PNG"):
        data.sample(row)
    assert not (programs / "was-run").exists()


@pytest.mark.parametrize("kind", ["device", "large"])
def test_only_regular_files_of_some_size_are_read(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device may have no end (this one has, should it be read after all)."""
    place = folder / "a" / "y.png"
    place.unlink()
    fact = "it is no regular file"
    if kind == "device":
        place.symlink_to("/dev/null")
    else:
        place.write_bytes(png(folder))
        monkeypatch.setattr("infotheory.models.images._MOST", 10)
        fact = "it is of more than 1 GiB"
    data = open_dataset(f"imagefolder:{folder}")
    row = next(row for row in range(len(data.labels)) if data.where(row).endswith("a/y.png"))
    with pytest.raises(UnreadableSampleError, match=f"{place} cannot be read as an image: {fact}"):
        data.sample(row)


def png(folder: Path) -> bytes:
    return (folder / "b" / "1.png").read_bytes()


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (lambda whole: b"", "cannot be read as an image: it is empty."),
        (lambda whole: b"plain text", "its content is of no known format."),
        (lambda whole: whole[:60], "cannot be read as an image: "),
        (lambda whole: whole[:-30], "cannot be read as an image: "),
        (lambda whole: whole[:41] + b"\xff" + whole[42:], "cannot be read as an image: "),
    ],
)
def test_a_damaged_image_is_named(folder: Path, content: Any, fact: str) -> None:
    (folder / "a" / "y.png").write_bytes(content(png(folder)))
    data = open_dataset(f"imagefolder:{folder}")
    with pytest.raises(UnreadableSampleError, match=re.escape(fact)) as caught:
        data.sample(2)
    assert str(folder / "a" / "y.png") in str(caught.value)
    assert np.asarray(data.sample(3)).shape == (4, 5, 3)


def test_an_image_that_goes_away_is_named(folder: Path) -> None:
    data = open_dataset(f"imagefolder:{folder}")
    (folder / "a" / "y.png").unlink()
    with pytest.raises(
        UnreadableSampleError, match=r"y\.png cannot be read as an image: .*No such"
    ):
        data.sample(2)
    data.fingerprint()  # does not fail on it


@pytest.mark.parametrize("most", [9, 19])  # 20 pixels: beyond twice the limit, and beyond it
def test_an_image_of_too_many_pixels_is_refused(
    folder: Path, pil: Any, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(pil, "MAX_IMAGE_PIXELS", most)
    data = open_dataset(f"imagefolder:{folder}")
    with pytest.raises(
        UnreadableSampleError, match=r"refused as an image: Image size \(20 pixels\)"
    ):
        data.sample(0)


@pytest.mark.parametrize("seed", range(40))
def test_no_damage_escapes(folder: Path, pil: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = ("png", "jpeg", "gif", "bmp", "tiff", "webp")[seed % 6]
    path = folder / "a" / "x.bmp"
    pil.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path, format=kind)
    content = bytearray(path.read_bytes())
    for place in rng.integers(0, len(content), 4).tolist():
        content[place] = int(rng.integers(256))
    path.write_bytes(bytes(content))
    data = open_dataset(f"imagefolder:{folder}")
    try:
        found = np.asarray(data.sample(1))
    except UnreadableSampleError as error:
        found = str(error)
    assert "x.bmp" in found if isinstance(found, str) else found.ndim in (2, 3)


def test_the_fingerprint_names_files_labels_and_content(folder: Path, tmp_path: Path) -> None:
    def fingerprint() -> str:
        return open_dataset(f"imagefolder:{folder}").fingerprint()

    first = fingerprint()
    (folder / "notes.txt").write_text("not part of it")
    os.utime(folder / "a" / "y.png")
    assert fingerprint() == first
    content = bytearray((folder / "a" / "y.png").read_bytes())
    content[-1] ^= 1
    (folder / "a" / "y.png").write_bytes(bytes(content))
    second = fingerprint()
    (folder / "a" / "y.png").rename(folder / "a" / "z.png")
    third = fingerprint()
    (folder / "0").mkdir()  # an empty class before the others
    fourth = fingerprint()
    assert len({first, second, third, fourth}) == 4


def test_the_fingerprint_does_not_name_the_folder(folder: Path) -> None:
    first = open_dataset(f"imagefolder:{folder}").fingerprint()
    moved = folder.parent / f"{folder.name}_moved"
    folder.rename(moved)
    assert open_dataset(f"imagefolder:{moved}").fingerprint() == first


@pytest.mark.parametrize(
    ("names", "fact"),
    [
        ((), "data must be a folder with one folder a class; got 'imagefolder:HERE': no folders"),
        (("0.png",), "no folders in it. Sort them by class."),
        (("Train/a/0.png", "val/a/0.png"), "folders 'Train', 'val'. Choose one: imagefolder:HERE/"),
        (("a/x.txt",), "data must be a folder with images; got 'imagefolder:HERE': none in its 1"),
    ],
)
def test_folders_without_classes_are_refused(
    tmp_path: Path, names: tuple[str, ...], fact: str
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=re.escape(fact.replace("HERE", str(tmp_path)))):
        open_dataset(f"imagefolder:{tmp_path}")


def test_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="must be an existing folder; got a file: "):
        open_dataset(f"imagefolder:{tmp_path}/file")
    with pytest.raises(ValueError, match="must be an existing folder; got no such folder: "):
        open_dataset(f"imagefolder:{tmp_path}/nothing")
    with pytest.raises(ValueError, match="without options that imagefolder: does not have"):
        open_dataset(f"imagefolder:{tmp_path}?split=test")
