"""Columns of parquet files, a row group at a time. Needs pyarrow, which is imported on use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from infotheory._typing import AnyArray
from infotheory.files.source import (
    Header,
    Source,
    UnusableFileError,
    listed,
    refuse_equal_names,
    regrouped,
    unusable,
)

__all__ = ["ParquetSource", "open_parquet"]

_NEEDS = "parquet files need pyarrow: pip install 'infotheory-toolkit[files]'"
_BUFFER = 1 << 16  # bytes of a column that are read ahead; without it, all of a row group are
_INDEX = "__index_level_"  # how pandas calls the index that it stores as a column


@dataclass(frozen=True, eq=False)
class ParquetSource(Source):
    """A parquet file, of which only the wanted columns are read."""

    format: ClassVar[str] = "parquet"
    noun: ClassVar[str] = "column"

    def blocks(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int = 0
    ) -> Iterator[tuple[AnyArray, ...]]:
        """Read rows in blocks, as the base class says."""
        n_rows = self.arrays[wanted[0][0]].shape[0]
        yield from regrouped(self._pieces(wanted, step, start), n_rows, step, start)

    def _pieces(
        self, wanted: Sequence[tuple[str, ...]], step: int, start: int
    ) -> Iterator[tuple[AnyArray, ...]]:
        names = list(dict.fromkeys(name for part in wanted for name in part))
        with _arrow():
            for begin, rows in self.tables(names, step, start):
                yield tuple(self._together(rows, part, begin) for part in wanted)

    def tables(self, names: Sequence[str], step: int, start: int = 0) -> Iterator[tuple[int, Any]]:
        """Read rows from `start` on, at most `step` at a time, as pyarrow keeps them.

        Yields
        ------
        int
            Number of the first row.
        pyarrow.RecordBatch
            Rows of the named columns.
        """
        with _arrow(), _open(self.path) as file:
            begin, groups = 0, list(range(file.num_row_groups))
            while groups and begin + file.metadata.row_group(groups[0]).num_rows <= start:
                begin += file.metadata.row_group(groups.pop(0)).num_rows
            for table in file.iter_batches(step, row_groups=groups, columns=list(names)):
                past = min(table.num_rows, max(0, start - begin))
                rows = table.slice(past)
                begin += past
                if rows.num_rows:
                    yield begin, rows
                begin += rows.num_rows

    def _together(self, rows: Any, names: tuple[str, ...], begin: int) -> AnyArray:
        if len(names) == 1:
            return self.array(rows, names[0], begin)
        return np.stack([self.array(rows, name, begin) for name in names], axis=1)

    def array(self, rows: Any, name: str, begin: int) -> AnyArray:
        """Convert one column of some rows, of which the first is number `begin` of the file."""
        column = rows.column(name)
        self._refuse_nulls(column, name, begin)
        shape, dtype = self.arrays[name]
        if len(shape) == 2:
            lengths = _lengths(column)
            if (lengths != shape[1]).any():
                row = int(np.argmax(lengths != shape[1]))
                raise unusable(
                    self.what(name),
                    f"of lists of one length ({shape[1]}, as in row 0)",
                    f"{lengths[row]} entries at row {begin + row}",
                    "Pad the lists, or choose other columns.",
                )
            values = column.flatten()
            self._refuse_nulls(values, name, begin, shape[1])
            return np.array(values.to_numpy(), dtype).reshape(-1, shape[1])
        if dtype.kind == "U":
            return np.array(column.to_pylist(), dtype=np.str_)
        return np.array(column.to_numpy(zero_copy_only=False), dtype)

    def _refuse_nulls(self, column: Any, name: str, begin: int, width: int = 1) -> None:
        if column.null_count:
            row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False))) // width
            raise unusable(
                self.what(name),
                "without missing entries",
                f"null at row {begin + row}",
                "Drop such rows, or fill them in.",
            )


def open_parquet(path: Path) -> ParquetSource:
    """Read the columns of a parquet file and their types.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ParquetSource

    Raises
    ------
    UnusableFileError
        If pyarrow is not installed, or two columns have one name.
    """
    with _arrow(), _open(path) as file:
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
        names = list(schema.names)
        if n_rows < 0:
            raise ValueError(f"{n_rows} rows are announced")
        refuse_equal_names(names)
        arrays = {field.name: _header(file, field, n_rows) for field in schema}
    usable = {name: header for name, header in arrays.items() if header is not None}
    left = [name for name in names if name not in usable]
    notes = (f"neither numbers nor strings, passed over: {listed(left)}",) if left else ()
    return ParquetSource(path, usable, notes)


@contextmanager
def _arrow() -> Iterator[None]:
    """Have pyarrow at hand, and let what it raises count as damage."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise UnusableFileError(f"{_NEEDS}.") from error
    try:
        yield
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def _open(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.ParquetFile(
        path,
        buffer_size=_BUFFER,
        pre_buffer=False,  # or it reads whole row groups ahead
        page_checksum_verification=True,
    )


def _header(file: Any, field: Any, n_rows: int) -> Header | None:
    """Return the shape and type of a column, or None where it is of no use."""
    from pyarrow import types

    kind = field.type
    if field.name.startswith(_INDEX):
        return None
    if types.is_fixed_size_list(kind) and _is_number(kind.value_type):
        return Header((n_rows, kind.list_size), _dtype(kind.value_type))
    if (types.is_list(kind) or types.is_large_list(kind)) and _is_number(kind.value_type):
        rows = next(file.iter_batches(1, columns=[field.name]), None)
        first = None if rows is None else rows.column(field.name)[0].as_py()
        return Header((n_rows, len(first or ())), _dtype(kind.value_type))
    if _is_number(kind) or types.is_boolean(kind):
        return Header((n_rows,), _dtype(kind))
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_temporal(kind):
        return Header((n_rows,), np.dtype(np.str_))
    return None


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind))


def _dtype(kind: Any) -> np.dtype[Any]:
    dtype: np.dtype[Any] = np.dtype(kind.to_pandas_dtype())
    return dtype


def _lengths(column: Any) -> AnyArray:
    from pyarrow import types

    if types.is_fixed_size_list(column.type):
        return np.full(len(column), column.type.list_size)
    return np.diff(column.offsets.to_numpy())
