"""Data sets of Hugging Face's library, without a network."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory.models import UnreadableSampleError
from infotheory.models.datasets import as_dataset, open_dataset


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The library, with every way out of this machine closed."""
    library = pytest.importorskip("datasets", reason="datasets is not installed")
    used = []

    def refused(*arguments: Any, **_: Any) -> None:
        used.append(arguments)  # the library may well catch what is raised
        raise OSError("the network is closed")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(library.config, "HF_HUB_OFFLINE", False)  # the default of users
    yield library
    assert used == []


@pytest.fixture
def table(hub: Any) -> Any:
    features = hub.Features(
        {
            "idx": hub.Value("int32"),
            "sentence": hub.Value("string"),
            "label": hub.ClassLabel(names=["bad", "good"]),
        }
    )
    rows = {"idx": range(6), "sentence": [f"text {k}" for k in range(6)], "label": [0, 1] * 3}
    return hub.Dataset.from_dict({key: list(value) for key, value in rows.items()}, features)


def test_a_saved_data_set_is_opened(tmp_path: Path, table: Any) -> None:
    table.save_to_disk(tmp_path / "saved")
    data = open_dataset(f"hf:{tmp_path}/saved")
    assert data.name == "saved"
    assert data.labels.tolist() == [0, 1] * 3
    assert data.class_names == ("bad", "good")
    assert [data.sample(row) for row in range(6)] == table["sentence"][:]
    assert data.where(4) == "row 4 of saved"
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(data.sample, range(6))) == table["sentence"][:]


def test_splits_are_chosen(tmp_path: Path, hub: Any, table: Any) -> None:
    parts = {"train": table.select(range(4)), "validation": table.select(range(4, 6))}
    hub.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    data = open_dataset(f"hf:{tmp_path}/saved?split=val")
    assert data.name == "saved (validation)"
    assert [data.sample(0), data.sample(1)] == ["text 4", "text 5"]
    fact = "split must be one of 'train', 'validation'; got none in 'hf:"
    with pytest.raises(ValueError, match=fact):
        open_dataset(f"hf:{tmp_path}/saved")


def test_images_are_decoded_here(tmp_path: Path, hub: Any) -> None:
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
    images = []
    for array in pixels:
        stream = io.BytesIO()
        pil.fromarray(array).save(stream, format="png")
        images.append({"bytes": stream.getvalue(), "path": None})
    images[2]["bytes"] = images[2]["bytes"][:40]
    features = hub.Features({"img": hub.Image(), "label": hub.Value("int64")})
    hub.Dataset.from_dict({"img": images, "label": [0, 1, 0]}, features).save_to_disk(
        tmp_path / "a"
    )
    data = open_dataset(f"hf:{tmp_path}/a")
    assert data.class_names is None
    for row in (0, 1):
        assert np.array_equal(np.asarray(data.sample(row)), pixels[row])
    with pytest.raises(UnreadableSampleError, match="row 2 of a cannot be read as an image: "):
        data.sample(2)


def test_arrays_are_pixels_or_features(hub: Any) -> None:
    features = hub.Features(
        {
            "image": hub.Array2D((2, 2), "uint8"),
            "embedding": hub.Sequence(hub.Value("float32"), length=3),
            "label": hub.Value("int64"),
        }
    )
    rows = {"image": [[[0, 1], [2, 255]]], "embedding": [[0.5, 1.5, 2.5]], "label": [0]}
    table = hub.Dataset.from_dict(rows, features)
    sample = as_dataset(table).sample(0)
    assert sample.dtype == np.uint8
    assert sample.tolist() == [[0, 1], [2, 255]]
    numbers = as_dataset(table.remove_columns("image")).sample(0)
    assert numbers.dtype == np.float32
    assert numbers.tolist() == [0.5, 1.5, 2.5]


def test_objects_of_the_library_are_taken(table: Any) -> None:
    data = as_dataset(table.select([5, 0, 3]), name="mine")
    assert data.name == "mine"
    assert data.labels.tolist() == [1, 0, 1]
    assert data.sample(0) == "text 5"
    assert data.class_names == ("bad", "good")


def test_several_splits_and_streams_are_refused(hub: Any, table: Any) -> None:
    with pytest.raises(TypeError, match=r"got DatasetDict\..* of several splits one\."):
        as_dataset(hub.DatasetDict({"test": table}))
    with pytest.raises(TypeError, match=r"got IterableDataset\."):
        as_dataset(table.to_iterable_dataset())


def test_columns_of_numbers_are_features(hub: Any) -> None:
    table = hub.Dataset.from_dict({"a": [1.5, 2.5], "b": [3, 4], "label": ["x", "y"]})
    data = as_dataset(table)
    assert data.sample(1).tolist() == [2.5, 4.0]
    assert data.class_names == ("x", "y")


def test_the_fingerprint_is_of_the_content(tmp_path: Path, table: Any) -> None:
    table.save_to_disk(tmp_path / "saved")
    first = as_dataset(table).fingerprint()
    assert open_dataset(f"hf:{tmp_path}/saved").fingerprint() == first
    flipped = table.map(lambda row: {"label": 1 - row["label"]}, load_from_cache_file=False)
    other = table.map(lambda row: {"sentence": row["sentence"] + "!"}, load_from_cache_file=False)
    assert len({as_dataset(data).fingerprint() for data in (table, flipped, other)}) == 3
    path = f"hf:{tmp_path}/saved"
    assert open_dataset(f"{path}?sample=idx").fingerprint() != first


def test_the_cache_is_used_without_the_network(
    tmp_path: Path, hub: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def load_dataset(name: str, config: str | None) -> Any:
        from huggingface_hub import constants

        asked.append((name, config, hub.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE))
        return hub.DatasetDict({"test": table})

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    data = open_dataset("hf:someone/reviews?config=small")
    assert data.name == "reviews (test)"
    open_dataset("hf:someone/reviews", download=True)
    assert asked == [
        ("someone/reviews", "small", True, True),
        ("someone/reviews", None, False, False),
    ]
    assert not hub.config.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE


def test_what_is_not_here_is_refused_without_the_network(
    tmp_path: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub.config, "HF_DATASETS_CACHE", tmp_path)
    fact = (
        "data must be on this machine, since nothing is downloaded unasked; got "
        "'hf:someone/reviews', which is not (ConnectionError: "
    )
    with pytest.raises(ValueError, match=re.escape(fact)) as caught:
        open_dataset("hf:someone/reviews")
    assert "Pass download=True (--download), or the folder of a copy." in str(caught.value)
    assert not hub.config.HF_HUB_OFFLINE


def test_what_the_library_cannot_load_is_refused(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(*_: Any) -> None:
        raise ValueError("Config name is missing.\nPick one: a, b")

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    fact = (
        "that its library can load; got 'hf:x' (ValueError: Config name is missing). Check its na"
    )
    with pytest.raises(ValueError, match=re.escape(fact)):
        open_dataset("hf:x", download=True)


@pytest.mark.parametrize(
    ("spec", "fact"),
    [
        (
            "hf:HERE",
            "data must be a folder written by save_to_disk, or the name of a data set; got",
        ),
        (
            "hf:HERE/nothing",
            "data must be an existing folder, or the name of a data set of the Hub",
        ),
        ("hf:HERE?config=x", "config must be left out for a folder; got 'x' in"),
        (
            "hf:HERE/saved?split=test",
            "split must be left out for data without splits; got 'test' in",
        ),
        (
            "hf:HERE/saved?label=idy",
            "label must be a column of hf:HERE/saved, which has 'idx', 'sent",
        ),
        ("hf:HERE/saved?name=x", "without options that hf: does not have; got 'name'"),
        (
            "hf:HERE/broken",
            "data must be undamaged, as save_to_disk has left it; got 'hf:HERE/brok",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, table: Any, spec: str, fact: str) -> None:
    table.save_to_disk(tmp_path / "saved")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.json").write_text("{")
    with pytest.raises(ValueError, match=re.escape(fact.replace("HERE", str(tmp_path)))):
        open_dataset(spec.replace("HERE", str(tmp_path)))


def test_samples_without_labels_are_refused(hub: Any, table: Any) -> None:
    features = table.features
    rows = hub.Dataset.from_dict({"idx": [0], "sentence": ["a"], "label": [-1]}, features)
    with pytest.raises(
        ValueError, match="column 'label' of the data set must be integers from 0 on"
    ):
        as_dataset(rows)
