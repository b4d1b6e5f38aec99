"""Columns of a table, each read once, for estimates of many pairs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import AnyArray, BoolArray
from infotheory._validation import check_choice, refusal
from infotheory.estimators.continuous.information import NUMERIC_METHODS
from infotheory.estimators.measurements import are_measurements, check_kind, read_numbers
from infotheory.estimators.methods import ENTROPY_METHODS
from infotheory.estimators.reading import read_table
from infotheory.estimators.symbols import check_lengths, complete_rows

__all__ = ["PairColumn", "check_columns", "read_columns"]

_NESTED = (list, tuple, np.ndarray)
_TABLE = "a table: a DataFrame, an array of two dimensions, or a mapping of names to columns"


class PairColumn(NamedTuple):
    """One variable of a table.

    Attributes
    ----------
    label : object
        Its name, or its number where the table has no names.
    argument : str
        What messages call it.
    values : ndarray, shape (n,)
        Numbers, nan where they are missing; or the numbers of symbols, below zero there.
    discrete : bool
        Whether they are symbols; numbers may be.
    missing : ndarray of bool, shape (n,)
        Which entries are missing.
    """

    label: Any
    argument: str
    values: AnyArray
    discrete: bool
    missing: BoolArray


def read_columns(
    table: Any,
    argument: str,
    discrete: Any,
    method: str,
    *,
    single: bool = False,
    kinds: str = "discrete",
) -> list[PairColumn]:
    """Read the columns of a table as `method` takes them.

    Parameters
    ----------
    table : DataFrame, array_like of shape (n, m), or mapping
        The table.
    argument : str
        What messages call it.
    discrete : bool, "auto", sequence or mapping
        Which columns are symbols.
    method : str
        For which method of estimation.
    single : bool, default False
        Whether one column without a table is taken too.
    kinds : str, default "discrete"
        What messages call `discrete`.
    """
    labels, columns = _columns_of(table, argument, single)
    if not columns:
        raise refusal(argument, "have at least one column", "none", "Pass some variables.")
    for place, label in enumerate(labels):
        if label in labels[:place]:
            raise refusal(
                argument, "of columns with different names", f"{label!r} twice", "Rename one."
            )
    flat = single and getattr(table, "ndim", 1) == 1 and not isinstance(table, Mapping)
    names = [argument if flat else f"{argument}[{label!r}]" for label in labels]
    found = [
        _read(label, name, column, kind, method)
        for label, name, column, kind in zip(
            labels, names, columns, _kinds(discrete, labels, kinds), strict=True
        )
    ]
    first, *_ = found
    for column in found:
        check_lengths({first.argument: first.missing.size, column.argument: column.missing.size})
    return found


def check_columns(columns: Sequence[PairColumn], nan_policy: str) -> None:
    """Refuse missing entries where `nan_policy` says so."""
    check_choice("nan_policy", nan_policy, ("raise", "omit"))
    if nan_policy == "raise":
        complete_rows({column.argument: column.missing for column in columns}, nan_policy)


def _columns_of(table: Any, argument: str, single: bool) -> tuple[list[Any], list[Any]]:
    if isinstance(table, Mapping):
        return list(table), list(table.values())
    if hasattr(table, "toarray"):
        raise TypeError(
            str(refusal(argument, "dense", type(table).__name__, "Convert it with .toarray()."))
        )
    if isinstance(table, (list, tuple)):
        if not any(isinstance(row, _NESTED) for row in table):
            table = np.fromiter(table, dtype=object, count=len(table))
        else:
            return _columns_of_rows(table, argument)
    if not hasattr(table, "ndim"):
        table = np.asarray(table)
    if table.ndim == 1 and single:
        label = getattr(table, "name", None)
        return [0 if label is None else label], [table]
    if table.ndim != 2:
        raise refusal(
            argument, _TABLE, f"{table.ndim} dimension(s)", "Give every variable a column."
        )
    if hasattr(table, "iloc"):
        return list(table.columns), [table.iloc[:, j] for j in range(table.shape[1])]
    return list(range(table.shape[1])), [table[:, j] for j in range(table.shape[1])]


def _columns_of_rows(rows: Sequence[Any], argument: str) -> tuple[list[Any], list[Any]]:
    """Take lists apart without numpy's conversions, which turn 1 beside 0.5 into 1.0."""
    width = len(rows[0]) if isinstance(rows[0], _NESTED) else -1
    for number, row in enumerate(rows):
        if not isinstance(row, _NESTED) or len(row) != width:
            raise refusal(argument, "of rows of one length", f"another at row {number}", "")
    entries = list(chain.from_iterable(rows))
    return list(range(width)), [entries[j::width] for j in range(width)]


def _kinds(discrete: Any, labels: Sequence[Any], argument: str) -> list[bool | None]:
    """Return for each column whether it is discrete; None to go by its dtype."""
    fix = "'auto' takes floats for continuous and everything else for discrete."
    if isinstance(discrete, Mapping):
        for label in discrete:
            if label not in labels:
                raise refusal(argument, "a mapping of names of columns", repr(label), fix)
        given = [discrete.get(label, "auto") for label in labels]
    elif isinstance(discrete, _NESTED):
        given = list(discrete)
    else:
        given = [discrete] * len(labels)
    known = all(
        kind == "auto" if isinstance(kind, str) else isinstance(kind, (bool, np.bool_))
        for kind in given
    )
    if len(given) != len(labels) or not known:
        raise refusal(
            argument,
            f"'auto', True, False, one of them for each of the {len(labels)} columns, or a mapping "
            "of names to them",
            repr(discrete),
            fix,
        )
    return [None if isinstance(kind, str) else bool(kind) for kind in given]


def _read(label: Any, argument: str, column: Any, kind: bool | None, method: str) -> PairColumn:
    if method in ENTROPY_METHODS or method in NUMERIC_METHODS:
        check_kind(argument, method, kind, method in ENTROPY_METHODS)
    numbers = are_measurements(column)
    if method in NUMERIC_METHODS:
        kind = False
    if kind is None:
        kind = method in ENTROPY_METHODS or not numbers
        numbers = numbers and not kind  # where symbols are needed floats are refused
    if kind and not numbers:
        parts = [part.codes for part in read_table(column, argument).columns]
        missing = parts[0] < 0
    else:
        parts = [*np.ascontiguousarray(read_numbers(column, argument).T)]
        missing = np.isnan(parts[0])
    if len(parts) > 1:
        fact = f"rows of {len(parts)} values"
        raise refusal(argument, "one column", fact, "Give each of them a name.")
    (values,) = parts
    return PairColumn(label, argument, values, kind, missing)
