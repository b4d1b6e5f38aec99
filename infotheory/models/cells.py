"""Cells of an arrow table as samples: encoded images, texts, lists of numbers, single numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._typing import AnyArray
from infotheory.models.images import read_image
from infotheory.models.interface import UnreadableSampleError

__all__ = ["cells_of", "sample_of"]


def cells_of(table: Any, columns: Sequence[str], row: int) -> list[Any]:
    """Return some cells of one row of a table of pyarrow.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    columns : sequence of str
        Names of columns.
    row : int
        Which row.

    Returns
    -------
    list
        Lists of numbers as arrays, everything else as Python has it.

    Raises
    ------
    ValueError, TypeError
        If a list is ragged or has missing entries.
    """
    cells = []
    for name in columns:
        column = table.column(name)
        value = column[row].as_py()
        cells.append(np.array(value, _leaf(column.type)) if isinstance(value, list) else value)
    return cells


def _leaf(kind: Any) -> Any:
    """Return the type of the numbers in lists of lists of them."""
    while hasattr(kind, "storage_type") or hasattr(kind, "value_type"):
        kind = kind.storage_type if hasattr(kind, "storage_type") else kind.value_type
    return kind.to_pandas_dtype()


def sample_of(cells: Sequence[Any], where: str) -> Any:
    """Make a sample of the cells of one row.

    Parameters
    ----------
    cells : sequence
        One or several: an image as Hugging Face stores it (a mapping with ``bytes`` and ``path``)
        or its bytes; one text or two; an array; numbers.
    where : str
        What a message calls the sample.

    Returns
    -------
    PIL.Image.Image or str or tuple of str or ndarray
        Arrays of uint8 with 2 or 3 axes are images as they are, all other numbers features.

    Raises
    ------
    UnreadableSampleError
        If a cell is missing or of another kind, or the image cannot be decoded.
    """
    if len(cells) <= 2 and all(isinstance(cell, str) for cell in cells):
        return cells[0] if len(cells) == 1 else tuple(cells)
    if len(cells) == 1 and isinstance(cells[0], (Mapping, bytes)):
        return read_image(_encoded(cells[0], where), where)
    numbers: AnyArray = np.asarray(cells if len(cells) > 1 else cells[0])
    if numbers.dtype.kind not in "iufb" or not numbers.size:
        kinds = ", ".join("nothing" if cell is None else type(cell).__name__ for cell in cells)
        raise UnreadableSampleError(
            f"{where} must be an image, one text or two, or numbers; got {kinds}."
        )
    if numbers.dtype == np.uint8 and numbers.ndim in (2, 3):
        return numbers
    return np.atleast_1d(numbers if numbers.dtype.kind == "f" else numbers.astype(np.float64))


def _encoded(cell: Mapping[str, Any] | bytes, where: str) -> bytes | Path:
    if isinstance(cell, bytes):
        return cell
    content, path = cell.get("bytes"), cell.get("path")
    if content is not None:
        return bytes(content)
    if not path:
        raise UnreadableSampleError(f"{where} cannot be read as an image: nothing is stored.")
    return Path(path)
