"""One column of discrete samples, whatever it is kept in, as numbers of its distinct values.

What counts as discrete is decided here and nowhere else: integers, booleans, strings, bytes,
dates, enumerations, and any pandas categories. Floats are not.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import AnyArray, BoolArray, IntArray
from infotheory._validation import refusal

__all__ = ["Column", "Table", "code_integers", "is_narrow", "kind_of", "read_table"]

_DISCRETE = "discrete (integers, booleans, strings, categories or dates)"
_CUT = (
    "Cut measurements into bins, with numpy.digitize for instance; whole numbers can be "
    "converted with .astype(int)."
)
_KEEP = " (.astype('Int64') keeps missing values)"
_NARROW = 1 << 16  # span of integers for which a table is always worth its memory
_MISSING = "missing"
_FLOAT = "number"
_KINDS: dict[str, tuple[type, ...]] = {  # in the order in which they are tried
    "boolean": (bool, np.bool_),
    "datetime64": (np.datetime64,),
    "timedelta64": (np.timedelta64,),  # which are integers for numpy
    "integer": (int, np.integer),
    "string": (str,),
    "bytes": (bytes,),
    _FLOAT: (float, complex, np.inexact),
}
_NAMED = (enum.Enum, dt.date, dt.timedelta)  # kinds by the names of their types
_GAPPED = ("datetime64", "timedelta64", _FLOAT)  # of which a value may be missing, as nan is
_NESTED = (list, tuple, np.ndarray)


class Column(NamedTuple):
    """One variable: `codes` number the rows of `values`, which are distinct; -1 is missing."""

    codes: IntArray
    values: AnyArray


class Table(NamedTuple):
    """Columns of one length; `flat` where a sample was one value and not a row of values."""

    columns: list[Column]
    flat: bool


def read_table(samples: Any, argument: str) -> Table:
    """Read a column, or a table of which each row is one joint symbol."""
    if hasattr(samples, "iloc") and getattr(samples, "ndim", 0) == 2:  # a frame
        _check_shape(samples.shape, argument)
        parts = [samples.iloc[:, place] for place in range(samples.shape[1])]
        return Table([_read(part, f"{argument}[{part.name!r}]") for part in parts], flat=False)
    if not hasattr(samples, "factorize"):  # pandas columns stay what they are
        samples = _as_array(samples, argument)
    _check_shape(samples.shape, argument)
    _check_dtype(samples, argument)
    if samples.ndim == 1:
        return Table([_read(samples, argument)], flat=True)
    parts = [(samples[:, j], f"{argument}[:, {j}]") for j in range(samples.shape[1])]
    return Table([_read(part, name) for part, name in parts], flat=False)


def _as_array(samples: Any, argument: str) -> AnyArray:
    if isinstance(samples, (list, tuple)):
        return _from_list(samples, argument)
    if callable(getattr(samples, "detach", None)):  # a torch tensor: torch is loaded already
        if samples.dtype.is_floating_point or samples.dtype.is_complex:
            raise _not_discrete(argument, f"dtype {samples.dtype}", _CUT)
        return np.asarray(samples.detach().cpu().numpy())
    if isinstance(samples, np.ma.MaskedArray) and np.ma.is_masked(samples):
        _check_dtype(samples, argument)
        array = np.asarray(samples.data).astype(object)
        array[np.ma.getmaskarray(samples)] = None
        return array
    return np.asarray(samples)


def _from_list(samples: Sequence[Any], argument: str) -> AnyArray:
    """Make an array without numpy's conversions, which turn 1 beside a string into "1"."""
    if not any(isinstance(row, _NESTED) for row in samples):
        return np.fromiter(samples, dtype=object, count=len(samples))
    width = len(samples[0]) if isinstance(samples[0], _NESTED) else None
    for number, row in enumerate(samples):
        found = len(row) if isinstance(row, _NESTED) else None
        if found is None or found != width:
            raise refusal(
                argument,
                "a sequence of symbols, or of rows of one length",
                f"{_row_in_words(found)} at row {number}"
                + (f" after {_row_in_words(width)}" if number else ""),
                "Give every sample the same number of values.",
            )
    assert width is not None
    values = chain.from_iterable(samples)
    return np.fromiter(values, dtype=object, count=len(samples) * width).reshape(
        len(samples), width
    )


def _row_in_words(width: int | None) -> str:
    return "a single value" if width is None else f"{width} value(s)"


def _check_shape(shape: tuple[int, ...], argument: str) -> None:
    if len(shape) not in (1, 2):
        raise refusal(
            argument,
            "1-dimensional, one symbol a sample, or 2-dimensional, one row a sample",
            f"{len(shape)} dimensions",
            "Use list(text) for the characters of a text, and list(...) for an iterator."
            if not shape
            else "Reshape it to (n_samples, n_variables).",
        )
    if 0 in shape:
        raise refusal(
            argument, "have at least one sample", f"shape {shape}", "Pass some observations."
        )


def _read(column: Any, argument: str) -> Column:
    """Number the distinct values of one column, in their order where they have one."""
    _check_dtype(column, argument)
    if not isinstance(column.dtype, np.dtype):  # of pandas: categories, text, nullable integers
        codes, values = column.factorize()
        return _in_order(np.asarray(codes, dtype=np.int64), _scalars(np.asarray(values)))
    array = np.asarray(column)
    if array.dtype.kind in "iub":
        return code_integers(array)
    if array.dtype.kind in "mM":
        found = _where(~np.isnat(array), array.astype(np.int64))
        return found._replace(values=_scalars(found.values.astype(array.dtype)))
    if array.dtype.kind in "OT":  # text of variable width may have gaps
        return _read_objects(array.tolist(), argument)
    return _number(array.tolist())  # text, which hashes faster than it sorts


def _scalars(values: AnyArray) -> AnyArray:
    """Keep dates as objects, since numpy would make lists of them to integers."""
    if values.dtype.kind not in "mM":
        return values
    return np.fromiter(values, dtype=object, count=values.size)


def _check_dtype(column: Any, argument: str) -> None:
    dtype = column.dtype
    kind = getattr(dtype, "kind", "O")
    if kind in "fc":
        keep = _KEEP if hasattr(column, "factorize") else ""  # of pandas
        raise _not_discrete(argument, f"dtype {dtype}", _CUT + keep)
    if kind == "V":
        raise _not_discrete(argument, f"dtype {dtype}", "Stack its fields as columns.")


def _not_discrete(argument: str, fact: str, fix: str) -> TypeError:
    return TypeError(str(refusal(argument, _DISCRETE, fact, fix)))


# ------------------------------------------------------------------------------------- integers


def is_narrow(low: int, high: int, n: int) -> bool:
    """Whether a table with an entry for each integer from `low` to `high` pays for n samples."""
    return high - low < max(4 * n, _NARROW)


def code_integers(array: AnyArray) -> Column:
    """Number the distinct values of integers or booleans in increasing order."""
    low, high = int(array.min()), int(array.max())
    if not is_narrow(low, high, array.size):
        values, codes = np.unique(array, return_inverse=True)
        return Column(codes.astype(np.int64, copy=False), values)
    wide = array if array.dtype.itemsize == 8 else array.astype(np.int64)
    whole = wide.dtype.type
    codes = (wide - whole(low)).astype(np.int64, copy=False)
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[codes] = True
    values = (np.flatnonzero(seen).astype(whole) + whole(low)).astype(array.dtype)
    if not seen.all():
        codes = (np.cumsum(seen) - 1)[codes]
    return Column(codes, values)


def _where(there: BoolArray, integers: IntArray) -> Column:
    """Number integers of which some are missing."""
    if not there.any():
        return Column(np.full(there.size, -1, dtype=np.int64), integers[:0])
    codes = np.full(there.size, -1, dtype=np.int64)
    found = code_integers(integers[there])
    codes[there] = found.codes
    return Column(codes, found.values)


# ------------------------------------------------------------------------------ Python's objects


def kind_of(symbol: Any) -> str:
    """Name what a symbol is: a boolean, an integer, a string, or the name of its type."""
    return _kind(type(symbol)) or type(symbol).__name__


def _kind(kind: type) -> str:
    """Name what a value of this type is; "" for what cannot be a symbol."""
    if kind is type(None) or kind.__name__ in ("NAType", "NaTType"):  # pandas' own
        return _MISSING
    for name, types in _KINDS.items():
        if issubclass(kind, types):
            return name
    return kind.__name__ if issubclass(kind, _NAMED) else ""


def _read_objects(objects: list[Any], argument: str) -> Column:
    kinds = {kind: _kind(kind) for kind in set(map(type, objects))}
    found = set(kinds.values())
    plain = len(found) == 1 and not found & {"", _MISSING, *_GAPPED}
    column = _number(objects) if plain else _number_with_gaps(objects, kinds, argument)
    if "boolean" in found:
        return column._replace(values=column.values.astype(bool))
    if "integer" in found and all(-(2**63) <= value < 2**63 for value in column.values[[0, -1]]):
        return column._replace(values=column.values.astype(np.int64))
    return column


def _number_with_gaps(objects: list[Any], kinds: dict[type, str], argument: str) -> Column:
    """Number objects of which some are missing, or refuse the first that does not belong."""
    rows: list[int] = []
    expected = ""
    for row, value in enumerate(objects):
        kind = kinds[type(value)]
        if kind == _MISSING or (kind in _GAPPED and value != value):  # noqa: PLR0124
            continue
        if kind in ("", _FLOAT):
            raise _not_discrete(
                argument,
                f"{type(value).__name__} {value!r} at row {row}",
                _CUT if kind else "Name the symbols by strings.",
            )
        expected = expected or kind
        if kind != expected:
            raise TypeError(
                str(
                    refusal(
                        argument,
                        "of one type",
                        f"{kind} {value!r} at row {row} after {expected} {objects[rows[0]]!r}",
                        "Convert all of them with .astype(str), or sort the mixture out.",
                    )
                )
            )
        rows.append(row)
    codes = np.full(len(objects), -1, dtype=np.int64)
    found = _number([objects[row] for row in rows])
    codes[rows] = found.codes
    return Column(codes, found.values)


def _number(objects: list[Any]) -> Column:
    numbers: dict[Any, int] = {}
    codes = [numbers.setdefault(value, len(numbers)) for value in objects]
    values = np.fromiter(numbers, dtype=object, count=len(numbers))
    return _in_order(np.array(codes, dtype=np.int64), values)


def _in_order(codes: IntArray, values: AnyArray) -> Column:
    """Sort distinct values; those without an order, as enumerations, stay as they first came."""
    listed = values.tolist()
    try:
        order = sorted(range(len(listed)), key=listed.__getitem__)
    except TypeError:
        return Column(codes, values)
    place = np.full(len(listed) + 1, -1, dtype=np.int64)  # whose last entry serves the code -1
    place[order] = np.arange(len(listed))
    return Column(place[codes], values[order])
