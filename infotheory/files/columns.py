"""Labels, weights and groups: one entry a row, in the file of the outputs or in another."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infotheory._typing import AnyArray
from infotheory.files.choice import LABELS
from infotheory.files.recognise import open_source
from infotheory.files.source import (
    Header,
    Source,
    UnusableFileError,
    listed,
    objects_refused,
    unusable,
)

__all__ = ["Column", "find_column"]

_LOOK = 1000  # rows that decide whether groups in a text are numbered
_EXACT = 2.0**53  # up to here every integer is a float

_PLACES = "Say where they are: KEY, FILE or FILE:KEY."
_KINDS = {"labels": "iu", "weights": "iuf", "groups": "biufUS"}
_REQUIRED = {"labels": "integers", "weights": "numbers", "groups": "numbers or strings"}
_FIXES = {
    "labels": "Encode names as class numbers, counted from 0.",
    "weights": "Save them as floats.",
    "groups": "Save one number or name a row.",
}


class Column(NamedTuple):
    """One 1-dimensional array of a file."""

    source: Source
    name: str
    whole: bool = False  # numbers in a text are read as floats, and these are to be integers

    @property
    def header(self) -> Header:
        """Its shape and type."""
        return self.source.arrays[self.name]

    def converted(self, values: AnyArray, role: str, begin: int) -> AnyArray:
        """Return values as they are, or as integers; the first of them is in row `begin`."""
        if not self.whole:
            return values
        wrong = ~(np.abs(values) <= _EXACT) | (np.floor(values) != values)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise unusable(
                role, "integers", f"{float(values[row])!r} at row {begin + row}", _FIXES[role]
            )
        return values.astype(np.int64)


def find_column(role: str, text: str | None, sources: list[Source]) -> Column:
    """Find the array that belongs to the rows of outputs.

    Parameters
    ----------
    role : {"labels", "weights", "groups"}
        What it is for.
    text : str, or None
        ``KEY``, ``FILE`` or ``FILE:KEY``; None for the usual place of labels.
    sources : list of Source
        The files that are open, first that of the outputs. Another one is added to them.

    Returns
    -------
    Column

    Raises
    ------
    UnusableFileError
        If there is no such array, or it is not 1-dimensional, or of a type that cannot be used.
    """
    if text is not None:
        column = _named(role, text, sources)
    else:
        source = sources[0]
        inside = [name for name in LABELS if name in source.arrays]
        if not inside:
            raise unusable(
                "labels",
                "in the file or in a file of their own",
                _holdings(source, f"no {source.noun} 'labels' or 'label'"),
                _PLACES,
            )
        column = Column(source, inside[0])
    shape, dtype = column.header
    if dtype.hasobject:
        raise objects_refused(column.source.what(column.name))
    if len(shape) != 1:
        raise unusable(role, "1-dimensional", f"shape {shape}", "Save one entry a row.")
    if not column.source.typed and dtype.kind == "f" and role != "weights":
        return column._replace(whole=role == "labels" or _starts_whole(column))
    if dtype.kind not in _KINDS[role]:
        fact = "strings" if dtype.kind in "SU" else f"dtype {dtype}"
        raise unusable(role, _REQUIRED[role], fact, _FIXES[role])
    return column


def _starts_whole(column: Column) -> bool:
    """Tell whether the first rows of a column of a text are integers."""
    blocks = column.source.read([(column.name,)], _LOOK)
    return all(float(value).is_integer() for (values,) in islice(blocks, 1) for value in values)


def _holdings(source: Source, lacking: str) -> str:
    names = [name for name in source.arrays if name]
    if not names:
        return f"{lacking}: an {source.format} file holds one array without a name"
    return f"{lacking} among {listed(names)}"


def _named(role: str, text: str, sources: list[Source]) -> Column:
    source = sources[0]
    file, _, key = text.rpartition(":")
    if _is_file(text):
        return _in_file(role, Path(text), None, sources)
    if _is_file(file):
        return _in_file(role, Path(file), key, sources)
    if text and text in source.arrays:
        return Column(source, text)
    raise unusable(
        role,
        "in the file or in a file of their own",
        _holdings(source, f"no file {text!r} and no {source.noun} {text!r}"),
        _PLACES,
    )


def _is_file(text: str) -> bool:
    try:
        return bool(text) and Path(text).is_file()
    except OSError:  # a name that is too long, or under a folder that may not be entered
        return False


def _in_file(role: str, path: Path, key: str | None, sources: list[Source]) -> Column:
    try:
        other = next((source for source in sources if path.samefile(source.path)), None)
        if other is None:
            other = open_source(path)
            sources.append(other)
        vectors = [name for name, header in other.arrays.items() if len(header.shape) == 1]
        if key is not None:
            if key not in other.arrays:
                raise UnusableFileError(_holdings(other, f"there is no {other.noun} {key!r}") + ".")
            return Column(other, key)
        if len(vectors) != 1 and len(other.arrays) > 1:
            raise UnusableFileError(
                f"there are {len(vectors)} {other.noun}s of one dimension: {listed(vectors)}. "
                f"Say which: {path}:KEY."
            )
        return Column(other, (vectors or list(other.arrays))[0])
    except UnusableFileError as error:
        raise UnusableFileError(f"{role} in {path}: {error}") from error
