"""How samples are dealt into shards: evenly within every class, whatever their order."""

from __future__ import annotations

import numpy as np

from infotheory._typing import FloatArray, IntArray
from infotheory.classifiers.class_sums import ClassSums

__all__ = ["deal", "dealt_on", "usual_shards"]

_MOST, _FEWEST = 20, 4
_BYTES = 1 << 30  # what the sums of all shards may take


def usual_shards(counts: IntArray, n_outputs: int, n_groups: int = 1) -> int:
    """Return as many shards as a class has samples, from 4 to 20, within a gibibyte for their sums.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes,)
        Samples of each class.
    n_outputs : int
        K.
    n_groups : int
        Into how many groups the samples are divided besides.

    Returns
    -------
    int
    """
    present = counts[counts > 0]
    if present.size == 0:
        return _FEWEST
    affordable = _BYTES // (16 * present.size * n_outputs * n_groups)
    return int(np.clip(min(np.median(present), affordable), _FEWEST, _MOST))


def deal(
    labels: IntArray,
    n_shards: int,
    n_classes: int,
    so_far: ClassSums | None = None,
    weights: FloatArray | None = None,
    starts: IntArray | None = None,
) -> IntArray:
    """Return the shard of each row: sample number r of class c goes to shard (r + c) mod S.

    Each class is dealt in turn, so that shards are alike in their classes even where the rows come
    sorted by class, and the result does not depend on how the rows were cut into batches.  Starting
    each class at another shard keeps shards alike where classes are small.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Checked.
    n_shards, n_classes : int
        S and C.
    so_far : ClassSums, optional
        The samples dealt before these.
    weights : ndarray of float, shape (n,), optional
        Sample weights: only samples of positive weight are counted.
    starts : ndarray of int, shape (n_classes,), optional
        Where each class begins, in place of its number c.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    start = np.arange(n_classes) if starts is None else starts.copy()
    if so_far is not None:
        start += np.bincount(so_far.classes, so_far.counts, n_classes).astype(np.int64)
    order = np.argsort(labels, kind="stable")
    if weights is not None:
        order = order[weights[order] > 0.0]
    grouped = labels[order]
    ends = np.cumsum(np.bincount(grouped, minlength=n_classes))
    first = np.concatenate(([0], ends[:-1]))
    shards = np.zeros(labels.size, np.int64)
    shards[order] = (start[grouped] + np.arange(order.size) - first[grouped]) % n_shards
    return shards


def dealt_on(sums: ClassSums, so_far: ClassSums) -> ClassSums:
    """Return sums with their shards turned to where dealing had got to after other samples.

    Every deal begins at the same shard of a class: small parts that were dealt apart would pile up
    there when they are merged. Turned, they lie as if they had been dealt in one go.

    Parameters
    ----------
    sums : ClassSums
        Dealt by themselves.
    so_far : ClassSums
        The samples before them.

    Returns
    -------
    ClassSums
        As many shards, in other places; the sums themselves are not changed.
    """
    size = sums.n_parts
    before = np.bincount(so_far.classes, so_far.counts, sums.n_classes).astype(np.int64)
    classes = sums.classes
    cells = classes * size + (sums.cells % size + before[classes]) % size
    return sums.reordered(np.argsort(cells), np.sort(cells))
