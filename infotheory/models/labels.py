"""Labels as class numbers, from numbers or from names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, IntArray
from infotheory._validation import as_array, refusal

__all__ = ["class_numbers", "text_labels"]

_MOST = 1 << 31  # no data set has that many classes, and sums are kept for each of them


def class_numbers(
    values: Any, class_names: Sequence[str] | None = None, argument: str = "labels"
) -> tuple[IntArray, tuple[str, ...] | None]:
    """Return labels as integers from 0 on, and the names of the classes where there are any.

    Parameters
    ----------
    values : array-like, shape (n,)
        Integers, or names.
    class_names : sequence of str, optional
        Names in the order of the classes. By default names are sorted, those that are all whole
        numbers by value, and integers have no names.
    argument : str, default "labels"
        What a refusal calls them.

    Returns
    -------
    labels : ndarray of int, shape (n,)
        Class of each sample.
    class_names : tuple of str or None
        Names of the classes.

    Raises
    ------
    ValueError
        If there are none, or one is missing, negative, a fraction, or has no name. The text names
        the first row at fault.
    """
    array = _uniform(values, argument)
    if array.ndim != 1:
        raise refusal(argument, "1-dimensional", f"shape {array.shape}", "Give one label a sample.")
    if not len(array):
        raise refusal("data", "have at least one sample", "none", "Check where the samples are.")
    if array.dtype.kind in "UT":
        return _from_names(array.tolist(), class_names, argument)
    if array.dtype.kind not in "iub":
        raise _not_whole(argument, array)
    wrong = (array < 0) | (array >= _MOST)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise refusal(
            argument,
            "integers from 0 on, or names",
            f"{array[row]} at row {row}",
            "Samples without a label (often -1) must be left out.",
        )
    labels = array.astype(np.int64)
    if class_names is None:
        return labels, None
    names = tuple(map(str, class_names))
    beyond = labels >= len(names)
    if beyond.any():
        row = int(np.argmax(beyond))
        raise refusal(
            argument,
            f"below the number of class names ({len(names)})",
            f"{labels[row]} at row {row}",
            "Labels count from 0; name every class.",
        )
    return labels, names


def text_labels(entries: list[str]) -> list[str] | AnyArray:
    """Return labels that were read from a text, as integers if all of them are written so.

    Parameters
    ----------
    entries : list of str
        One a sample.

    Returns
    -------
    list of str or ndarray
        Names, or numbers; numbers that are no integers are for :func:`class_numbers` to refuse.

    Examples
    --------
    >>> text_labels(["1", "0"]), text_labels(["yes", "no"])
    (array([1, 0]), ['yes', 'no'])
    >>> text_labels(["1.0", "0.0"])
    array([1., 0.])
    """
    if any("_" in entry for entry in entries):  # which Python would allow in numbers
        return entries
    for kind in (np.int64, np.float64):  # fractions are refused as such, and are no names
        try:
            return np.array(list(map(int if kind is np.int64 else float, entries)), kind)
        except (ValueError, OverflowError):
            continue
    return entries


def _uniform(values: Any, argument: str) -> AnyArray:
    """Return an array of one type; what lacks a label or is of mixed types is refused."""
    if isinstance(values, (list, tuple)):  # numpy would make strings of numbers among strings
        array = np.fromiter(values, dtype=object, count=len(values))
    else:
        array = as_array(values, argument)
    if array.dtype.kind != "O" or array.ndim != 1:
        return array
    row = next((row for row, value in enumerate(array) if _is_missing(value)), None)
    if row is not None:
        raise refusal(
            argument,
            "there for every sample",
            f"{array[row]!r} at row {row}",
            "Leave out the samples without one.",
        )
    named = [isinstance(value, str) for value in array]
    if any(named) and not all(named):
        row = named.index(not named[0])
        raise refusal(
            argument,
            "all integers or all names",
            f"{array[0]!r} at row 0 and {array[row]!r} at row {row}",
            "Use one kind.",
        )
    return as_array(array.tolist(), argument)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and math.isnan(value))


def _not_whole(argument: str, array: AnyArray) -> ValueError:
    row = 0
    if array.dtype.kind == "f":
        row = int(np.argmax(array != np.trunc(array)))  # nan differs from everything
    elif array.dtype.kind == "O":
        whole = [isinstance(value, (int, np.integer)) for value in array]
        row = whole.index(False) if False in whole else 0
    return refusal(
        argument,
        "integers from 0 on, or names",
        f"{array[row]!s} at row {row}, of dtype {array.dtype}",
        "Convert whole numbers with .astype(int).",
    )


def _from_names(
    values: list[str], class_names: Sequence[str] | None, argument: str
) -> tuple[IntArray, tuple[str, ...]]:
    if "" in values:
        raise refusal(
            argument,
            "there for every sample",
            f"nothing at row {values.index('')}",
            "Leave out the samples without one.",
        )
    if class_names is None:
        distinct = set(values)
        by_value = all(name.isdecimal() for name in distinct)
        names = tuple(sorted(distinct, key=(lambda name: (int(name), name)) if by_value else None))
    else:
        names = tuple(map(str, class_names))
    numbers = {name: number for number, name in reversed(list(enumerate(names)))}
    row = next((row for row, value in enumerate(values) if value not in numbers), None)
    if row is not None:
        raise refusal(
            argument,
            "among the class names",
            f"{values[row]!r} at row {row}",
            f"The names are {', '.join(map(repr, names[:10]))}"
            f"{', ...' if len(names) > 10 else ''}.",
        )
    return np.array([numbers[value] for value in values], np.int64), names
