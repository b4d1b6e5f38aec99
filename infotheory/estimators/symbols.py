"""Discrete samples as numbers: every distinct symbol, or row of symbols, has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, BoolArray, IntArray
from infotheory._validation import check_choice, refusal
from infotheory.estimators.counting import table_of_integers
from infotheory.estimators.reading import Column, Table, code_integers, read_table

__all__ = [
    "Symbols",
    "aligned_symbols",
    "as_symbols",
    "check_lengths",
    "complete_rows",
    "count_symbols",
    "join_columns",
    "joint_symbols",
    "missing_rows",
    "take_rows",
]


@dataclass(frozen=True, eq=False)
class Symbols:
    """Samples of a discrete variable.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Number of the symbol of each sample, in [0, m).
    values : ndarray, shape (m,) or (m, d)
        The distinct symbols in increasing order, rows of them where samples were rows.
    """

    codes: IntArray
    values: AnyArray

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.codes.size

    @property
    def n_distinct(self) -> int:
        """Number of symbols that occur."""
        return len(self.values)

    @cached_property
    def counts(self) -> IntArray:
        """How often each symbol occurs, at least once."""
        return np.bincount(self.codes, minlength=self.n_distinct)


def as_symbols(samples: Any, argument: str = "samples", nan_policy: str = "raise") -> Symbols:
    """Number the distinct symbols of a column, or the distinct rows of a table.

    Missing entries (None, nan, NaT, NA, masked) are refused, the first named, or their samples
    left out.
    """
    return aligned_symbols({argument: samples}, nan_policy)[0]


def aligned_symbols(variables: Mapping[str, Any], nan_policy: str = "raise") -> list[Symbols]:
    """Number the symbols of several variables of the same samples, row by row.

    A sample that lacks one variable is left out of all of them where `nan_policy` says so.
    """
    tables = {name: read_table(samples, name) for name, samples in variables.items()}
    check_lengths({name: table.columns[0].codes.size for name, table in tables.items()})
    lost = {name: missing_rows(table) for name, table in tables.items()}
    kept = complete_rows(lost, nan_policy)
    if kept is not None:
        tables = {name: take_rows(table, kept) for name, table in tables.items()}
    return [join_columns(table) for table in tables.values()]


def complete_rows(lost: Mapping[str, BoolArray], nan_policy: str) -> BoolArray | None:
    """Return which samples lack none of the variables; None for all of them.

    Refuse missing values where `nan_policy` says so, and samples of which none is complete.
    """
    check_choice("nan_policy", nan_policy, ("raise", "omit"))
    gone: BoolArray = np.logical_or.reduce(list(lost.values()))
    if not gone.any():
        return None
    if nan_policy == "raise":
        name, rows = next((name, rows) for name, rows in lost.items() if rows.any())
        raise refusal(
            name,
            "without missing values",
            f"one at row {int(np.argmax(rows))}",
            "Use nan_policy='omit' to leave such samples out.",
        )
    if gone.all():
        raise refusal(
            " and ".join(lost),
            "have at least one complete sample",
            f"{gone.size} with missing values",
            "Choose variables that are observed together.",
        )
    return ~gone


def joint_symbols(*parts: Symbols) -> Symbols:
    """Number the distinct combinations of symbols; `values` holds the numbers of each part."""
    columns = [Column(part.codes, np.arange(part.n_distinct)) for part in parts]
    return join_columns(Table(columns, flat=False))


def count_symbols(
    samples: Any, argument: str = "samples", nan_policy: str = "raise"
) -> tuple[AnyArray, IntArray]:
    """Return the distinct symbols and their counts, without numbering samples where possible."""
    check_choice("nan_policy", nan_policy, ("raise", "omit"))
    # A masked array is an ndarray too, and other kinds of integers are left to the general way.
    if type(samples) is np.ndarray and samples.dtype == np.int64 and samples.ndim == 1:
        found = table_of_integers(np.ascontiguousarray(samples))
        if found is not None:
            low, table = found
            seen = np.flatnonzero(table)
            return seen + low, table[seen]
    symbols = as_symbols(samples, argument, nan_policy)
    return symbols.values, symbols.counts


def check_lengths(sizes: Mapping[str, int]) -> None:
    """Refuse variables that do not have the same number of samples."""
    first, *others = sizes
    for other in others:
        if sizes[other] != sizes[first]:
            raise refusal(
                f"{first} and {other}",
                "have one entry for each sample",
                f"{sizes[first]} in {first} and {sizes[other]} in {other}",
                "Pass the variables of the same samples in the same order.",
            )


def missing_rows(table: Table) -> BoolArray:
    """Tell which samples lack some column."""
    gone: BoolArray = np.logical_or.reduce([column.codes < 0 for column in table.columns])
    return gone


def take_rows(table: Table, kept: BoolArray) -> Table:
    """Take some rows, and of the values those that are left."""
    columns = []
    for codes, values in table.columns:
        left = code_integers(codes[kept])
        columns.append(Column(left.codes, values[left.values]))
    return table._replace(columns=columns)


def join_columns(table: Table) -> Symbols:
    """Number the distinct rows, in the order of the first column, then of the second, and so on."""
    first, *others = table.columns
    if table.flat:
        return Symbols(*first)
    codes = first.codes
    for column in others:
        # Both factors are numbers of distinct rows, so the product stays below n squared.
        codes = code_integers(codes * len(column.values) + column.codes).codes
    sample = np.empty(int(codes.max()) + 1, dtype=np.int64)
    sample[codes] = np.arange(codes.size)  # any row with the symbol will do
    parts = [column.values[column.codes[sample]] for column in table.columns]
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) > 1:
        parts = [part.astype(object) for part in parts]
    return Symbols(codes, np.stack(parts, axis=1))
