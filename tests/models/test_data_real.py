"""Real data in each format: what is read equals what a few lines by hand read."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory.models.datasets import open_dataset

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def idx(path: Path) -> Any:
    """The lines of the data's own description."""
    content = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(content[3])]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx(data_dir: Path, name: str) -> None:
    folder = data_dir / name
    data: Any = open_dataset(f"idx:{folder}")
    assert np.array_equal(data.labels, idx(folder / "t10k-labels-idx1-ubyte.gz"))
    assert np.array_equal(np.stack([data.sample(row) for row in range(10_000)]), data.samples)
    assert np.array_equal(data.samples, idx(folder / "t10k-images-idx3-ubyte.gz"))


@pytest.mark.parametrize(
    ("file", "options", "sample", "label", "names"),
    [
        ("rte/dev.tsv", "", ("sentence1", "sentence2"), "label", ("entailment", "not_entailment")),
        ("qnli/dev.tsv", "", ("question", "sentence"), "label", ("entailment", "not_entailment")),
        ("wnli/dev.tsv", "", ("sentence1", "sentence2"), "label", None),
        ("sst2/test.tsv", "", "sentence", "label", None),
        ("cola/in_domain_dev.tsv", "?header=no&label=1&sample=3", 3, 1, None),
        (
            "mrpc/msr_paraphrase_test.txt",
            "?label=Quality&sample=#1 String,#2 String",
            ("#1 String", "#2 String"),
            "Quality",
            None,
        ),
    ],
)
def test_glue(data_dir: Path, file: str, options: str, sample: Any, label: Any, names: Any) -> None:
    pd = pytest.importorskip("pandas")
    path = data_dir / "glue_text" / file
    header = None if "header=no" in options else 0
    frame = pd.read_csv(
        path, sep="\t", quoting=csv.QUOTE_NONE, header=header, encoding="utf-8-sig",
        keep_default_na=False,
    )  # fmt: skip
    data: Any = open_dataset(f"tsv:{path}{options}")
    assert data.class_names == names
    found = [names[label] for label in data.labels] if names else data.labels.tolist()
    assert found == frame[label].tolist()
    texts = frame[list(sample)] if isinstance(sample, tuple) else frame[[sample]]
    expected = list(texts.itertuples(index=False, name=None))
    read = [data.sample(row) for row in range(len(data))]
    assert read == (expected if isinstance(sample, tuple) else [text for (text,) in expected])


@pytest.fixture
def photos(data_dir: Path) -> tuple[list[bytes], list[int]]:
    """The first 200 test images of CIFAR-10 as JPEG files, and their classes."""
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    with np.load(data_dir / "cifar10_jpeg" / "cifar10_test_jpeg.npz") as stored:
        content, offsets, labels = stored["jpeg"].tobytes(), stored["offsets"], stored["labels"]
    pieces = [content[offsets[row] : offsets[row + 1]] for row in range(200)]
    return pieces, labels[:200].tolist()


def decoded(content: bytes) -> Any:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content)))


def test_photos_in_folders(tmp_path: Path, photos: Any) -> None:
    content = {}
    for row, (piece, label) in enumerate(zip(*photos, strict=True)):
        path = tmp_path / CLASSES[label] / f"{row:03}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(piece)
        content[str(path)] = piece, label
    data: Any = open_dataset(f"imagefolder:{tmp_path}")
    assert data.class_names == tuple(CLASSES)
    assert len(data) == 200
    for row in range(200):
        piece, label = content[data.where(row)]
        assert data.labels[row] == label
        assert np.array_equal(np.asarray(data.sample(row)), decoded(piece))


def test_photos_in_parquet(tmp_path: Path, photos: Any) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    import pyarrow as pa

    pieces, labels = photos
    images = [{"bytes": piece, "path": None} for piece in pieces]
    path = tmp_path / "test-00000-of-00001.parquet"
    parquet.write_table(pa.table({"img": images, "label": labels}), path, row_group_size=64)
    data = open_dataset(f"parquet:{tmp_path}?split=test")
    assert data.labels.tolist() == labels
    for row, piece in enumerate(pieces):
        assert np.array_equal(np.asarray(data.sample(row)), decoded(piece))


def test_parquet_as_the_library_writes_it(tmp_path: Path, photos: Any) -> None:
    hub = pytest.importorskip("datasets", reason="datasets is not installed")
    pieces, labels = photos
    features = hub.Features({"img": hub.Image(), "label": hub.ClassLabel(names=CLASSES)})
    images = [{"bytes": piece, "path": None} for piece in pieces]
    table = hub.Dataset.from_dict({"img": images, "label": labels}, features)
    table.to_parquet(tmp_path / "data.parquet")
    data = open_dataset(f"parquet:{tmp_path}/data.parquet")
    assert data.class_names == tuple(CLASSES)
    assert data.labels.tolist() == labels
    assert np.array_equal(np.asarray(data.sample(123)), decoded(pieces[123]))
