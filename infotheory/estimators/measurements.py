"""Samples of variables of any kind: numbers with a density, symbols, or both beside each other.

Which of the two a variable is, is decided here and nowhere else: floats are measurements, and
whatever :mod:`infotheory.estimators.reading` reads are symbols. Either can be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, BoolArray, FloatArray
from infotheory._validation import as_array, refusal
from infotheory.estimators.reading import Column, Table, read_table
from infotheory.estimators.symbols import (
    Symbols,
    check_lengths,
    complete_rows,
    join_columns,
    missing_rows,
    take_rows,
)

__all__ = [
    "Variable",
    "are_measurements",
    "as_kinds",
    "check_kind",
    "check_no_symbols",
    "read_numbers",
    "read_variables",
]

Variable = FloatArray | Symbols
"""Measurements, of shape (n, d), or symbols."""

_EXACT = 2**53  # integers below it are doubles; others may be rounded to it
_NUMBERS = "numbers"
_NESTED = (list, tuple, np.ndarray)


def are_measurements(samples: Any) -> bool:
    """Whether samples are floats: any of their columns, or any entry where they are objects."""
    if _is_frame(samples):
        return any(are_measurements(column) for _, column in samples.items())
    if callable(getattr(samples, "detach", None)):  # a torch tensor
        return bool(samples.dtype.is_floating_point)
    if not hasattr(samples, "dtype"):
        if not isinstance(samples, (list, tuple)):
            return False
        rows: Any = (row if isinstance(row, _NESTED) else (row,) for row in samples)
        return any(_is_real_number(value) for value in chain.from_iterable(rows))
    if samples.dtype == object:
        return any(_is_real_number(value) for value in np.asarray(samples).flat)
    return _is_real(samples.dtype)


def _is_frame(samples: Any) -> bool:
    return hasattr(samples, "iloc") and getattr(samples, "ndim", 0) == 2


def _is_real(dtype: Any) -> bool:
    return getattr(dtype, "kind", "O") == "f" or getattr(dtype, "name", "") == "bfloat16"


def _is_real_number(value: Any) -> bool:
    """Whether an object is a float; nan stands for what is missing, among integers too."""
    return isinstance(value, (float, np.floating)) and bool(value == value)  # noqa: PLR0124


def as_kinds(discrete: Any, names: tuple[str, ...]) -> dict[str, bool | None]:
    """Return for each variable whether it is discrete; None to go by its dtype."""
    if isinstance(discrete, _NESTED) and len(discrete) == len(names):
        given = list(discrete)
    else:
        given = [discrete] * len(names)
    if not all(isinstance(kind, (bool, np.bool_)) or kind == "auto" for kind in given):
        raise refusal(
            "discrete",
            f"'auto', True, False, or one of them for each of {', '.join(names)}",
            repr(discrete),
            "'auto' takes floats for continuous and everything else for discrete.",
        )
    kinds = (None if isinstance(kind, str) else bool(kind) for kind in given)
    return dict(zip(names, kinds, strict=True))


def check_kind(name: str, method: str, kind: bool | None, wanted: bool) -> None:
    """Refuse what was declared to be of one kind where the method takes the other."""
    if kind is (not wanted):
        raise refusal(
            "discrete",
            f"{wanted} or 'auto' for {name} with method={method!r}",
            repr(kind),
            f"That method takes {'symbols' if wanted else 'numbers'}; 'auto' chooses one.",
        )


def check_no_symbols(n_symbols: Any) -> None:
    """Refuse the size of an alphabet where a variable has none."""
    if n_symbols is not None:
        raise refusal(
            "n_symbols",
            "None where a variable is continuous",
            repr(n_symbols),
            "Pass discrete=True for variables whose values are symbols.",
        )


def read_variables(
    variables: Mapping[str, Any], discrete: Mapping[str, bool | None], nan_policy: str
) -> list[Variable]:
    """Read variables of the same samples, row by row.

    A sample that lacks one variable is left out of all of them where `nan_policy` says so.
    """
    read = {name: _read(samples, name, discrete[name]) for name, samples in variables.items()}
    lost = {name: _incomplete(found) for name, found in read.items()}
    check_lengths({name: rows.size for name, rows in lost.items()})
    kept = complete_rows(lost, nan_policy)
    result: list[Variable] = []
    for found in read.values():
        if isinstance(found, Table):
            result.append(join_columns(found if kept is None else take_rows(found, kept)))
        else:
            result.append(found if kept is None else found[kept])
    return result


def _incomplete(found: FloatArray | Table) -> BoolArray:
    if isinstance(found, Table):
        return missing_rows(found)
    return np.asarray(np.isnan(found).any(axis=1))


def _read(samples: Any, argument: str, discrete: bool | None) -> FloatArray | Table:
    if discrete is None:
        discrete = not are_measurements(samples)
    return _read_symbols(samples, argument) if discrete else read_numbers(samples, argument)


def _read_symbols(samples: Any, argument: str) -> Table:
    """Read symbols, of which floats may be the names."""
    if not are_measurements(samples):
        return read_table(samples, argument)
    if _is_frame(samples):  # whose columns may be of several types
        parts = [_read_symbols(part, f"{argument}[{name!r}]") for name, part in samples.items()]
        return Table([part.columns[0] for part in parts], flat=False)
    numbers = read_numbers(samples, argument)
    return Table([_symbols_of(column) for column in numbers.T], flat=numbers.shape[1] == 1)


def _symbols_of(column: FloatArray) -> Column:
    there = ~np.isnan(column)
    values, places = np.unique(column[there], return_inverse=True)
    codes = np.full(column.size, -1, dtype=np.int64)
    codes[there] = places
    return Column(codes, values)


# --------------------------------------------------------------------------------------- numbers


def read_numbers(samples: Any, argument: str) -> FloatArray:
    """Return finite numbers as doubles of shape (n, d), with nan for what is missing."""
    if _is_frame(samples):
        _check_shape(samples.shape, argument)
        columns = [_as_doubles(part, f"{argument}[{name!r}]") for name, part in samples.items()]
        array = np.stack(columns, axis=1)
    else:
        array = _as_doubles(samples, argument)
        _check_shape(array.shape, argument)
        array = array.reshape(len(array), -1)
    infinite = np.isinf(array)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        where = f"row {row}" if array.shape[1] == 1 else f"row {row}, column {column}"
        raise refusal(
            argument,
            "finite",
            f"{array[row, column]:g} at {where}",
            "Leave such samples out, or replace them by nan and use nan_policy='omit'.",
        )
    return np.ascontiguousarray(array)


def _as_doubles(samples: Any, argument: str) -> AnyArray:
    if isinstance(samples, np.ma.MaskedArray):
        gaps = np.ma.getmaskarray(samples)
        return np.where(gaps, np.nan, _as_doubles(np.asarray(samples.data), argument))
    if getattr(getattr(samples, "dtype", None), "name", "") == "category":
        raise _not_numbers(argument, "dtype category")
    if hasattr(samples, "factorize") and getattr(samples.dtype, "kind", "O") in "iufb":  # pandas
        numbers: AnyArray = samples.to_numpy(dtype=np.float64, na_value=np.nan)
        if samples.dtype.kind in "iu":
            _check_exact(numbers, argument)
        return numbers
    array = as_array(samples, argument)
    if array.dtype.kind == "O":
        return _from_objects(array, argument)
    if not (array.dtype.kind in "iub" or _is_real(array.dtype)):
        raise _not_numbers(argument, f"dtype {array.dtype}")
    numbers = array.astype(np.float64)
    if array.dtype.kind in "iu":
        _check_exact(numbers, argument)
    return numbers


def _from_objects(array: AnyArray, argument: str) -> FloatArray:
    numbers = np.full(array.size, np.nan)
    for place, value in enumerate(array.flat):
        if isinstance(value, (int, np.integer)) and not -_EXACT < int(value) < _EXACT:
            raise _too_large(argument, int(value))
        if isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
            numbers[place] = value
        elif not (value is None or type(value).__name__ == "NAType"):
            row = place // (array.size // len(array))
            raise _not_numbers(argument, f"{type(value).__name__} {value!r} at row {row}")
    return numbers.reshape(array.shape)


def _check_exact(numbers: FloatArray, argument: str) -> None:
    large = np.abs(numbers) >= _EXACT
    if large.any():
        raise _too_large(argument, int(numbers[large][0]))


def _too_large(argument: str, integer: int) -> ValueError:
    return refusal(
        argument,
        "integers below 2**53 in size, which doubles hold exactly",
        str(integer),
        "Subtract what they have in common.",
    )


def _not_numbers(argument: str, fact: str) -> TypeError:
    fix = "Symbols without distances are for methods that count them; discrete=True says so."
    return TypeError(str(refusal(argument, _NUMBERS, fact, fix)))


def _check_shape(shape: tuple[int, ...], argument: str) -> None:
    if len(shape) not in (1, 2):
        raise refusal(
            argument,
            "1-dimensional, one number a sample, or 2-dimensional, one row a sample",
            f"{len(shape)} dimensions",
            "Reshape it to (n_samples, n_variables).",
        )
    if 0 in shape:
        raise refusal(
            argument, "have at least one sample", f"shape {shape}", "Pass some observations."
        )
