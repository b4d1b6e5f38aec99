"""Samples and labels in parquet files, a row group at a time. Needs pyarrow, imported on use."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from infotheory._validation import refusal
from infotheory.files.digests import FileBytes, content_digest
from infotheory.files.source import DAMAGE
from infotheory.models.cells import cells_of, sample_of
from infotheory.models.columns import chosen_columns
from infotheory.models.interface import UnreadableSampleError
from infotheory.models.labelled import Labelled
from infotheory.models.labels import class_numbers
from infotheory.models.places import SPLITS, chosen_split
from infotheory.models.specs import Spec, needed

__all__ = ["ParquetSamples", "open_parquet_data"]

_KEPT = 64 << 20  # bytes of row groups that are kept, beside the last two
_INDEX = "__index_level_"  # how pandas calls the index that it stores as a column
_SHARD = re.compile(r"(.+)-\d{5}-of-\d{5}")


class _Group(NamedTuple):
    """A row group: its file, its number there, and the first of its rows there."""

    path: Path
    metadata: Any
    number: int
    start: int


class _RowGroups:
    """Rows of some columns of some files, read a row group at a time and kept for a while.

    Each group is read once as long as rows are asked for in about the order of the files, since the
    last two groups are kept, and more up to 64 MiB.
    """

    def __init__(self, files: Sequence[Path], columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._groups = [group for path in files for group in _groups(path)]
        lengths = (group.metadata.row_group(group.number).num_rows for group in self._groups)
        self._starts = [0, *accumulate(lengths)]
        self._tables: OrderedDict[int, Any] = OrderedDict()
        self._lock = threading.Lock()

    def cells(self, row: int) -> list[Any]:
        """Return the cells of one row."""
        which = bisect_right(self._starts, row) - 1
        with self._lock:
            if which not in self._tables:
                self._tables[which] = self._read(self._groups[which])
                self._forget()
            self._tables.move_to_end(which)
            table = self._tables[which]
        return cells_of(table, self.columns, row - self._starts[which])

    def place(self, row: int) -> tuple[Path, int]:
        """Return the file of a row, and its number there."""
        which = bisect_right(self._starts, row) - 1
        group = self._groups[which]
        return group.path, group.start + row - self._starts[which]

    def _read(self, group: _Group) -> Any:
        with _opened(group.path, group.metadata) as file:
            return file.read_row_group(group.number, columns=list(self.columns))

    def _forget(self) -> None:
        kept = sum(table.nbytes for table in self._tables.values())
        while kept > _KEPT and len(self._tables) > 2:
            kept -= self._tables.popitem(last=False)[1].nbytes


@dataclass(eq=False)
class ParquetSamples(Labelled):
    """Rows of parquet files. In random order each costs the reading of its row group.

    Attributes
    ----------
    name, labels, class_names, notes
        As for any data set.
    files : sequence of Path
        In the order of the rows.
    columns : tuple of str
        Those of the samples.
    """

    files: Sequence[Path]
    columns: tuple[str, ...]
    _rows: _RowGroups = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._rows = _RowGroups(self.files, self.columns)

    def sample(self, row: int) -> Any:
        """Read one row."""
        try:
            cells = self._rows.cells(row)
        except _failures() as error:
            raise UnreadableSampleError(f"{self.where(row)} cannot be read: {error}.") from error
        return sample_of(cells, self.where(row))

    def where(self, row: int) -> str:
        """Return its file, and its row there."""
        path, number = self._rows.place(row)
        return f"row {number} of {path}"

    def content(self) -> bytes:
        """Hash the names of the columns, and the files."""
        digest = hashlib.sha256(repr(self.columns).encode())
        digest.update(content_digest([FileBytes(path) for path in self.files]))
        return digest.digest()


def open_parquet_data(spec: Spec) -> ParquetSamples:
    """Read the labels of one parquet file, or of a folder of them.

    Parameters
    ----------
    spec : Spec
        ``parquet:FILE-or-DIR?sample=COLUMN,COLUMN&label=COLUMN&split=SPLIT``. The split is part of
        the names of files or folders, as ``test-00000-of-00001.parquet`` or ``test/0000.parquet``.

    Returns
    -------
    ParquetSamples
        Images as Hugging Face stores them, texts, or numbers; several columns of numbers make up
        the features.

    Raises
    ------
    ValueError
        If the files or a column cannot be used.
    ImportError
        If pyarrow is not installed.
    """
    sample, label, split = spec.take("sample"), spec.take("label"), spec.take("split")
    spec.finish()
    parquet = needed("pyarrow.parquet", "Reading parquet files", "files")
    path = Path(spec.place).expanduser()
    files, name = ([path], path.stem) if path.is_file() else _in_folder(spec, path, split)
    try:
        schema = parquet.read_schema(files[0])
        columns, label = _columns(spec, schema, sample, label)
        values: list[Any] = []
        for file in files:
            _check_columns(spec, file, (*columns, label))
            values += parquet.read_table(file, columns=[label]).column(label).to_pylist()
        labels, names = class_numbers(
            values, _class_names(schema, label), f"column {label!r} of {spec.place}"
        )
        return ParquetSamples(name, labels, names, files, columns)
    except _damage() as error:
        raise refusal(
            spec.argument, "undamaged parquet files", f"{spec.text!r}: {error}", "Fetch them again."
        ) from error


def _damage() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (OSError, pa.ArrowException)


def _failures() -> tuple[type[Exception], ...]:
    """Return what reading a row may raise: also where lists are ragged, or rows not there."""
    return (*_damage(), *DAMAGE, TypeError, IndexError)


def _opened(path: Path, metadata: Any = None) -> Any:
    from pyarrow import parquet

    return parquet.ParquetFile(path, metadata=metadata, page_checksum_verification=True)


def _groups(path: Path) -> Iterator[_Group]:
    with _opened(path) as file:
        metadata, start = file.metadata, 0
    for number in range(metadata.num_row_groups):
        yield _Group(path, metadata, number, start)
        start += metadata.row_group(number).num_rows


def _in_folder(spec: Spec, folder: Path, split: str | None) -> tuple[list[Path], str]:
    """Return the files of a split, and what to call them."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        relative = path.relative_to(folder)
        if not any(part.startswith((".", "_")) for part in relative.parts):
            found.setdefault(_split(relative), []).append(path)
    if not found:
        fact = "no such file or folder" if not folder.exists() else "none in the folder"
        raise refusal(spec.argument, "parquet files", f"{fact}: {spec.text!r}", "")
    chosen = chosen_split(spec, split, list(found))
    folders = list(dict.fromkeys(path.parent for path in found[chosen]))
    if len(folders) > 1:
        listed = f"{str(folders[0])!r} and {str(folders[1])!r}"
        fix = f"Choose one: parquet:{folders[0]}."
        raise refusal(spec.argument, "parquet files in one folder", f"files in {listed}", fix)
    return found[chosen], folder.resolve().name + (f" ({chosen})" if chosen != "all" else "")


def _split(path: Path) -> str:
    """Return the split that a path in a folder speaks of."""
    shard = _SHARD.fullmatch(path.stem)
    if shard:
        return shard[1]
    words = re.findall("[a-z]+", f"{path.parent.name} {path.stem}".lower())
    return next((SPLITS[word] for word in words if word in SPLITS), "all")


def _columns(
    spec: Spec, schema: Any, sample: str | None, label: str | None
) -> tuple[tuple[str, ...], str]:
    from pyarrow import types

    names = [name for name in schema.names if not name.startswith(_INDEX)]
    numbers = {
        name
        for name in names
        if types.is_integer(schema.field(name).type) or types.is_floating(schema.field(name).type)
    }
    return chosen_columns(spec.text.partition("?")[0], names, sample, label, numbers)


def _check_columns(spec: Spec, path: Path, columns: Sequence[str]) -> None:
    with _opened(path) as file:
        there = file.schema_arrow.names
    for name in columns:
        if there.count(name) != 1:
            raise refusal(
                spec.argument,
                "parquet files with the same columns, each once",
                f"{there.count(name)} of the name {name!r} in {path}",
                "Choose one of the files.",
            )


def _class_names(schema: Any, label: str) -> list[str] | None:
    """Return the names that Hugging Face's library wrote beside the columns."""
    try:
        about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        feature = about["info"]["features"][label]
        return list(feature["names"]) if feature["_type"] == "ClassLabel" else None
    except (KeyError, TypeError, ValueError):
        return None
