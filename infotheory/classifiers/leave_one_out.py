"""What CMI would be without each of the samples in turn: pseudo-values of the jackknife."""

from __future__ import annotations

import numpy as np

from infotheory._kernels.class_sums_array import distributions
from infotheory._simplex import KINDS
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.row_terms import RowTerms, row_terms
from infotheory.classifiers.valid_rows import blocks

__all__ = ["centroid_shifts", "pseudo_terms"]


def pseudo_terms(
    sums: ClassSums,
    outputs: AnyArray,
    labels: IntArray,
    kind: str,
    temperature: float = 1.0,
    smoothing: float = 0.0,
    weights: FloatArray | None = None,
) -> RowTerms:
    """Return the terms of each row, with pseudo-values of the jackknife for the divergences.

    Parameters
    ----------
    sums : ClassSums
        Of these rows, in one part.
    outputs, labels, kind, temperature, smoothing
        As in :func:`centroid_shifts`.
    weights : ndarray of float, shape (n,), optional
        As in :func:`centroid_shifts`.

    Returns
    -------
    RowTerms
    """
    applied = (kind, temperature, smoothing)
    terms = row_terms(sums, outputs, labels, *applied)
    shifts = centroid_shifts(sums, outputs, labels, *applied, weights)
    return terms._replace(divergence=terms.divergence + shifts)


def centroid_shifts(
    sums: ClassSums,
    outputs: AnyArray,
    labels: IntArray,
    kind: str,
    temperature: float = 1.0,
    smoothing: float = 0.0,
    weights: FloatArray | None = None,
) -> FloatArray:
    """Return (W_c - w_i) / w_i times D(R_i || Q_c) for each row, R_i the centroid without it.

    Parameters
    ----------
    sums : ClassSums
        Of these rows, in one part.
    outputs, labels : ndarray
        As returned by ``as_outputs`` and ``as_labels``, and valid.
    kind, temperature, smoothing
        As in :func:`infotheory.measure_classifier`, checked.
    weights : ndarray of float, shape (n,), optional
        Positive sample weights w_i, one by default; W_c is their sum over a class.

    Returns
    -------
    ndarray of float, shape (n,)
        In nats; 0 in a class of one row.

    Notes
    -----
    Without weights, D(P_i || Q_c) plus this is the pseudo-value n_c F - (n_c - 1) F_i of the mean
    divergence F of a class, F_i being F without row i: by the compensation identity, (n_c - 1) F_i
    is the sum of the other divergences less (n_c - 1) D(R_i || Q_c). With weights, F - F_i is
    w_i / (W_c - w_i) times what that sum is above F. The terms of the divergence are taken as
    (1 + r) ln(1 + r) - r with r = w_i (Q - P) / ((W_c - w_i) Q), none of which is negative.
    """
    from scipy.special import xlog1py

    slots = np.searchsorted(sums.cells, labels)
    centroids = sums.mass / sums.weight[:, None]
    alone = sums.counts[slots] < 2
    w = np.ones(labels.size) if weights is None else weights
    # A row that has all but some 1e-12 of the weight of its class leaves nothing but rounding.
    others = np.where(alone, 1.0, np.maximum(sums.weight[slots] / w - 1.0, 1e-12))
    shifts = np.empty(labels.size)
    for start, rows in blocks(outputs):
        part = slice(start, start + rows.shape[0])
        block = distributions(rows, KINDS.index(kind), temperature, smoothing)
        centroid, rest = centroids[slots[part]], others[part, None]
        # Where no row of the class has mass, neither has this one, and nothing moves.
        moved = (centroid - block.probs) / (rest * np.where(centroid > 0.0, centroid, 1.0))
        np.maximum(moved, -1.0, out=moved)
        terms = centroid * (xlog1py(1.0 + moved, moved) - moved)
        shifts[part] = rest[:, 0] * terms.sum(axis=1)
    shifts[alone] = 0.0
    return shifts
