"""The terms of single samples: their divergence from the centroid, and influence functions.

With class shares p_c taken as given and rows independent within their class, the plug-in CMI,
Gamma and error are smooth functions of class means, and these terms, less their class means, are
their influence functions: the variance of CMI is the sum over classes of p_c^2 var_c(D_i) / n_c.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from infotheory._kernels import row_terms as kernel
from infotheory._simplex import KINDS, sum_tolerance
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.valid_rows import blocks, refuse_row

__all__ = ["RowTerms", "row_terms", "stratified_variance"]


class RowTerms(NamedTuple):
    """One number a sample, in nats, arrays of shape (n,)."""

    divergence: FloatArray
    """D(P_i || Q_y), whose mean is CMI."""
    separation: FloatArray
    """-(<P_i, sum of p_b L_b> + <sum of p_b Q_b, ln P_i>) over the other classes b."""
    wrong: FloatArray
    """1 where the decision is wrong, 0 where it is right; nan where there is none."""


def row_terms(
    sums: ClassSums,
    outputs: AnyArray,
    labels: IntArray,
    kind: str,
    temperature: float = 1.0,
    smoothing: float = 0.0,
    first_row: int = 0,
) -> RowTerms:
    """Return the terms of each row, given the class sums of one part.

    Parameters
    ----------
    sums : ClassSums
        Of these rows or of others; its classes must contain the labels.
    outputs, labels : ndarray
        As returned by ``as_outputs`` and ``as_labels``.
    kind, temperature, smoothing
        As in :func:`infotheory.measure_classifier`, checked.
    first_row : int
        What a refusal calls the first row.

    Returns
    -------
    RowTerms
        A divergence is infinite where a row has mass at a symbol at which its centroid has none.
    """
    share = (sums.weight / sums.weight.sum())[:, None]
    with np.errstate(divide="ignore"):
        log_centroid = np.log(sums.mass) - np.log(sums.weight)[:, None]
    mass = sums.mass * (share / sums.weight[:, None])
    log_mass = sums.log_mass * (share / sums.weight[:, None])
    if sums.zeros is not None:
        log_mass[sums.zeros > 0] = -np.inf
    finite = np.where(np.isinf(log_mass), 0.0, log_mass)
    blocked = (np.isinf(log_mass).sum(axis=0) - np.isinf(log_mass)) > 0  # by some other class
    others_log = np.where(blocked, -np.inf, finite.sum(axis=0) - finite)
    tables = (log_centroid, np.maximum(mass.sum(axis=0) - mass, 0.0), others_log)
    slots = np.searchsorted(sums.cells, labels)
    tolerance = sum_tolerance(outputs.dtype, outputs.shape[1], kind)
    terms = np.empty((outputs.shape[0], 3))
    for start, rows in blocks(outputs):
        part = slice(start, start + rows.shape[0])
        invalid = kernel.row_terms(
            rows, slots[part], sums.cells, sums.labelled, KINDS.index(kind), 1.0 / temperature,
            smoothing, tolerance, *tables, terms[part],
        )  # fmt: skip
        if invalid >= 0:
            refuse_row(rows, invalid, kind, tolerance, first_row + start)
    return RowTerms(*terms.T.copy())


def stratified_variance(
    terms: FloatArray, labels: IntArray, weights: FloatArray | None = None
) -> tuple[float, float]:
    """Variance of the mean of terms under sampling within classes, and its degrees of freedom.

    Parameters
    ----------
    terms : ndarray of float, shape (n,)
        Of the samples.
    labels : ndarray of int, shape (n,)
        Their classes, whose shares are taken as given.
    weights : ndarray of float, shape (n,), optional
        Sample weights, positive.

    Returns
    -------
    variance, degrees_of_freedom : float
        Sum over classes of p_c^2 s_c^2 / n_c, where s_c^2 has n_c - 1 in its denominator, and
        Satterthwaite's degrees of freedom for it. A class with one sample adds nothing.
    """
    w = np.ones(terms.size) if weights is None else weights
    counts = np.bincount(labels)
    total = np.bincount(labels, w)
    mean = np.bincount(labels, w * terms) / np.where(total > 0, total, 1.0)
    squares = np.bincount(labels, (w * (terms - mean[labels])) ** 2)
    several = counts > 1
    free = counts[several] - 1.0
    parts = squares[several] / w.sum() ** 2 * (counts[several] / free)
    variance = float(parts.sum())
    if variance == 0.0:
        return 0.0, float(free.sum())
    shares = parts / variance  # whose squares do not underflow
    return variance, 1.0 / float((shares**2 / free).sum())
