"""One accumulator taken apart into what an archive holds, and put together again, checked."""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib import format as npy

from infotheory._typing import AnyArray
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.class_sums import ClassSums

__all__ = ["Record"]


@dataclass(frozen=True)
class Record:
    """One accumulator, taken apart into arrays and what JSON holds."""

    settings: Mapping[str, Any]
    numbers: Mapping[str, int | None] | None  # the other fields of the sums; None: no samples
    arrays: Mapping[str, AnyArray]
    digests: frozenset[str]  # while saving, those of before

    @classmethod
    def of(cls, accumulator: NCMIAccumulator) -> Record:
        """Take an accumulator apart; its arrays are not copied."""
        if accumulator.n_outputs is None:
            return cls(accumulator.settings, None, {}, accumulator.digests)
        values = {f.name: getattr(accumulator.sums, f.name) for f in fields(ClassSums)}
        arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
        numbers = {k: v for k, v in values.items() if k not in arrays}
        return cls(accumulator.settings, numbers, arrays, accumulator.digests)

    @cached_property
    def digest(self) -> str:
        """The identity of the content: SHA-256 of the settings and sums."""
        text = json.dumps([self.settings, self.numbers], sort_keys=True)
        found = hashlib.sha256(text.encode())
        for name, array in sorted(self.arrays.items()):
            plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            found.update(f"\n{name} {plain.dtype.str} {plain.shape}\n".encode())
            found.update(plain.data)
        return found.hexdigest()

    @property
    def all_digests(self) -> frozenset[str]:
        """The digests and, where there are samples, that of this state itself."""
        return self.digests if self.numbers is None else self.digests | {self.digest}

    def index(self) -> dict[str, Any]:
        """Return what JSON is to hold of it."""
        return {
            "settings": self.settings,
            "numbers": self.numbers,
            "arrays": list(self.arrays),
            "digests": sorted(self.all_digests),
            "digest": self.digest,
        }

    @classmethod
    def read(cls, archive: zipfile.ZipFile, position: int, entry: Mapping[str, Any]) -> Record:
        """Read the record at a position of the archive, of which the index has this entry."""
        if not (isinstance(entry["name"], str) and isinstance(entry["note"], dict)):
            raise ValueError(f"the name or note of state {position}")
        if not all(isinstance(digest, str) for digest in entry["digests"]):
            raise ValueError(f"the digests of state {position}")
        arrays = {name: _read_array(archive, f"{position}/{name}.npy") for name in entry["arrays"]}
        record = cls(entry["settings"], entry["numbers"], arrays, frozenset(entry["digests"]))
        if record.digest != entry["digest"]:
            raise ValueError(f"the digest of state {position}")
        return record

    def accumulator(self) -> NCMIAccumulator:
        """Put the accumulator together again, or raise where the parts do not fit."""
        accumulator = NCMIAccumulator(**self.settings)
        sums = None
        if self.numbers is not None:
            values: dict[str, Any] = {**self.numbers, **self.arrays}
            sums = ClassSums(**values)
            _check_sums(sums, accumulator)
        accumulator.include(sums, self.digests)
        return accumulator


def _read_array(archive: zipfile.ZipFile, name: str) -> AnyArray:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:  # so that no small file unpacks to a vast array
        raise ValueError(f"{name} is compressed")
    with archive.open(info) as stream:
        npy.read_magic(stream)
        shape, _, dtype = npy.read_array_header_1_0(stream)
        if stream.tell() + dtype.itemsize * math.prod(shape) != info.file_size:
            raise ValueError(f"the header of {name}")
        stream.seek(0)
        array = npy.read_array(stream, allow_pickle=False)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def _check_sums(sums: ClassSums, empty: NCMIAccumulator) -> None:
    """Refuse sums that do not fit together or an accumulator, so that nothing fails later on."""
    if (sums.n_classes, sums.n_parts) != (empty.n_classes, max(1, empty.shards)):
        raise ValueError("the number of classes or shards")
    if sums.mass.shape != (sums.cells.size, sums.n_outputs):
        raise ValueError("the shape of mass")
    like = ClassSums.empty(sums.n_classes, sums.n_outputs, sums.cells, sums.n_parts)
    like.zeros = None if sums.zeros is None else np.empty(like.mass.shape, like.counts.dtype)
    for field in fields(ClassSums):
        got, wanted = getattr(sums, field.name), getattr(like, field.name)
        if isinstance(wanted, np.ndarray):
            _check_array(field.name, got, wanted)
        elif isinstance(got, np.ndarray):
            raise ValueError(f"{field.name} is an array")
    cells, n_cells = sums.cells, sums.n_classes * sums.n_parts
    if (np.diff(cells) <= 0).any() or not (cells < n_cells).all() or sums.n > sums.n_rows:
        raise ValueError("the cells")


def _check_array(name: str, got: Any, wanted: AnyArray) -> None:
    if not isinstance(got, np.ndarray) or (got.dtype, got.shape) != (wanted.dtype, wanted.shape):
        raise ValueError(f"the type or shape of {name}")
    if (got < 0).any() if got.dtype.kind == "i" else np.isnan(got).any():
        raise ValueError(f"a value in {name}")
