"""Labels of a training set: one for each sample, and none of the classes left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import as_array, as_labels, check_count, refusal

__all__ = ["checked_labels", "refuse_missing", "refuse_other_names"]

_MOST_NAMED = 5


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


def refuse_other_names(own: Sequence[str] | None, other: Sequence[str] | None) -> None:
    """Refuse data to measure on whose classes have other names, or the same in another order.

    Parameters
    ----------
    own : sequence of str or None
        Names of the classes of the training data.
    other : sequence of str or None
        Names of those to measure on.

    Raises
    ------
    ValueError
        If both are known and differ: label 1 would be one class here and another there.
    """
    if own is not None and other is not None and tuple(own) != tuple(other):
        raise refusal(
            "data to measure on",
            f"of the classes of the training data, in their order ({', '.join(own)})",
            ", ".join(other),
            "Number their labels alike: TrainingData(inputs, labels, class_names=...).",
        )
