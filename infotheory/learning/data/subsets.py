"""Which samples of each class are set aside, or kept where few are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import as_rng, refusal
from infotheory.classifiers.calibration import split_rows

__all__ = ["few_rows", "rows_aside", "rows_without"]


def rows_aside(labels: IntArray, fraction: float, rng: Any) -> tuple[IntArray, IntArray]:
    """Choose samples of each class to set aside; each class keeps at least one.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Classes.
    fraction : float
        Share to set aside, in (0, 1).
    rng : int or numpy.random.Generator or None
        What decides.

    Returns
    -------
    rest, aside : ndarray of int
        Numbers of samples, each ascending.

    Raises
    ------
    ValueError
        If nothing would be set aside.
    """
    share = _checked_fraction(fraction)
    try:
        aside, rest = split_rows(labels, share, as_rng(rng))
    except ValueError as error:
        raise refusal(
            "fraction",
            "large enough to set samples aside",
            f"{share:g} of {len(labels)} samples in {len(np.unique(labels))} classes",
        ) from error
    return rest, aside


def few_rows(labels: IntArray, fraction: float, rng: Any) -> IntArray:
    """Choose the same share of each class, rounded, and at least one sample of it.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Classes.
    fraction : float
        Share to keep, in (0, 1).
    rng : int or numpy.random.Generator or None
        What decides.

    Returns
    -------
    ndarray of int
        Numbers of samples, ascending.

    Raises
    ------
    ValueError
        If `fraction` is no number in (0, 1).
    """
    share = _checked_fraction(fraction)
    order = np.lexsort((as_rng(rng).random(len(labels)), labels))  # by class, and shuffled within
    _, counts = np.unique(labels, return_counts=True)
    kept = np.maximum(1, np.rint(share * counts).astype(np.int64))
    place = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[place < np.repeat(kept, counts)])


def rows_without(labels: IntArray, classes: Iterable[int], n_classes: int) -> IntArray:
    """Choose the samples that are of none of some classes.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Classes.
    classes : iterable of int
        Which to leave out.
    n_classes : int
        C.

    Returns
    -------
    ndarray of int
        Numbers of samples, ascending.

    Raises
    ------
    ValueError
        If there is no such class, or nothing is left.
    """
    dropped = np.array(sorted(set(classes)), dtype=np.int64)
    outside = dropped[(dropped < 0) | (dropped >= n_classes)]
    if outside.size:
        raise refusal("classes", f"integers in [0, {n_classes})", str(outside[0]))
    kept = np.flatnonzero(~np.isin(labels, dropped))
    if not kept.size:
        raise refusal("classes", "such that samples are left", "all that there are")
    return kept


def _checked_fraction(fraction: Any) -> float:
    if not (isinstance(fraction, (float, np.floating)) and 0 < fraction < 1):
        raise refusal("fraction", "a number in (0, 1)", repr(fraction), "A share of each class.")
    return float(fraction)
