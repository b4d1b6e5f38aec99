"""One data set in every format."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from infotheory.files import Batch, StoredModel, UnusableFileError, find_models

RNG = np.random.default_rng(7)
N, K = 50, 4
LABELS = RNG.integers(0, K, N)
LOGITS = RNG.normal(size=(N, K)) + 3 * np.eye(K)[LABELS]

FORMATS = ("npz", "npy", "csv", "csv.gz", "tsv", "parquet", "safetensors")
"""Tests of a format that cannot be written here are skipped, and say why."""

WRITABLE = tuple(
    form
    for form in FORMATS
    if find_spec({"parquet": "pyarrow"}.get(form, form if form == "safetensors" else "numpy"))
)
"""Those that can be written here, for tests that draw one."""


def write_npz(path: Path, arrays: Mapping[str, np.ndarray], *, compressed: bool = False) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def write_safetensors(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    pytest.importorskip("safetensors.numpy").save_file(dict(arrays), path)
    return path


def write_parquet(
    path: Path, columns: Mapping[str, object], *, rows_of_a_group: int = 1000
) -> Path:
    """Write columns; 2-dimensional arrays become lists of one length."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def column(values: object) -> object:
        if isinstance(values, np.ndarray) and values.ndim == 2:
            return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        return values if isinstance(values, pa.Array) else pa.array(values)

    table = pa.table({name: column(values) for name, values in columns.items()})
    parquet.write_table(table, path, row_group_size=rows_of_a_group)
    return path


def write_table(path: Path, columns: Mapping[str, Sequence[object]]) -> Path:
    """Write a csv or tsv file, compressed where the name says so."""
    separator = "\t" if ".tsv" in path.name else ","
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow([repr(x) if isinstance(x, float) else x for x in row])
    return path


def scalars(outputs: np.ndarray, prefix: str = "logit_") -> dict[str, list[float]]:
    return {f"{prefix}{k}": outputs[:, k].tolist() for k in range(outputs.shape[1])}


def stored(
    folder: Path,
    form: str,
    outputs: np.ndarray = LOGITS,
    *,
    labels: np.ndarray = LABELS,
    **beside: np.ndarray,
) -> StoredModel:
    """Write outputs and labels in a format, and find them again."""
    path = folder / f"data.{form}"
    beside = {"labels": labels, **beside}
    places = {name: name for name in ("weights", "groups") if name in beside}
    if form == "npz":
        write_npz(path, {"logits": outputs, **beside})
    elif form == "npy":
        np.save(path, outputs)
        for name, values in beside.items():
            np.save(folder / f"{name}.npy", values)
        places = {name: str(folder / f"{name}.npy") for name in beside}
    elif form == "safetensors":
        write_safetensors(path, {"logits": outputs, **beside})
    elif form == "parquet":
        write_parquet(path, {"logits": outputs, **beside}, rows_of_a_group=7)
    else:
        write_table(path, scalars(outputs) | {k: v.tolist() for k, v in beside.items()})
    (model,), notes = find_models(path, **places)
    assert notes == []
    return model


def joined(model: StoredModel, batch_bytes: int = 1000, start: int = 0) -> Batch:
    """All batches of a model behind one another."""
    batches = list(model.batches(batch_bytes, start))
    return Batch(
        *(
            None if parts[0] is None else np.concatenate(parts)
            for parts in zip(*batches, strict=True)
        )
    )


def _use(path: Path, *arguments: object, **options: object) -> None:
    for model in find_models(path, *arguments, **options)[0]:
        list(model.batches())


def refused(path: Path, *arguments: object, **options: object) -> str:
    """The reason for which a file cannot be used, on opening or on reading."""
    with pytest.raises(UnusableFileError) as caught:
        _use(path, *arguments, **options)
    return str(caught.value)
