"""Labels of a training set: one for each sample, and none of the classes left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import as_array, as_labels, check_count, refusal

__all__ = ["checked_labels", "refuse_missing", "refuse_other_classes"]

_MOST_NAMED = 5

_Classes = tuple[int | None, Sequence[str] | None]


def checked_labels(
    labels: Any, n: int, n_classes: int | None, names: Sequence[str] | None
) -> tuple[IntArray, int]:
    """Return labels, and how many classes there are.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Classes.
    n : int
        Number of samples.
    n_classes : int or None
        C; by default the number of names, or one more than the largest label.
    names : sequence of str or None
        One name a class.

    Returns
    -------
    labels : ndarray of int, shape (n,)
    n_classes : int

    Raises
    ------
    ValueError, TypeError
        If these do not belong together, or a label is out of range.
    """
    array = as_array(labels, "labels")
    if array.shape[:1] != (n,):
        raise refusal(
            "labels",
            f"have one entry a sample ({n})",
            f"shape {array.shape}",
            "Check that inputs and labels belong together.",
        )
    if n_classes is None:
        n_classes = int(array.max()) + 1 if names is None else len(names)
        n_classes = max(1, n_classes)  # negative labels are refused by name
    checked = as_labels(array, n, check_count("n_classes", n_classes))
    if names is not None and len(names) != n_classes:
        raise refusal("class_names", f"have one name a class ({n_classes})", f"{len(names)}")
    return checked, int(n_classes)


def refuse_missing(counts: IntArray, names: Sequence[str] | None) -> None:
    """Refuse classes without samples, by name.

    Parameters
    ----------
    counts : ndarray of int, shape (C,)
        Number of samples of each class.
    names : sequence of str or None
        One name a class.

    Raises
    ------
    ValueError
        If there is one.
    """
    missing = [names[int(c)] if names else str(c) for c in np.flatnonzero(counts == 0)]
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        raise refusal(
            "labels",
            f"of all {len(counts)} classes",
            f"none of {', '.join(missing[:_MOST_NAMED])}{more}",
            "Number the classes without gaps; allow_missing=True leaves them without samples.",
        )


def refuse_other_classes(own: _Classes, other: _Classes) -> None:
    """Refuse data to measure on of other classes, or of the same in another order.

    Parameters
    ----------
    own : (int, sequence of str or None)
        How many classes the training data have, and their names.
    other : (int or None, sequence of str or None)
        The same of those to measure on.

    Raises
    ------
    ValueError
        If both know their number, or names, and differ: label 1 would be one class here and
        another there.
    """
    (number, names), (its_number, its_names) = own, other
    if names is not None and its_names is not None and tuple(names) != tuple(its_names):
        raise refusal(
            "data to measure on",
            f"of the classes of the training data, in their order ({', '.join(names)})",
            ", ".join(its_names),
            "Number their labels alike: TrainingData(inputs, labels, class_names=...).",
        )
    if its_number not in (None, number):
        raise refusal(
            "data to measure on",
            f"of the {number} classes of the training data",
            str(its_number),
            "Pass n_classes= to both.",
        )
