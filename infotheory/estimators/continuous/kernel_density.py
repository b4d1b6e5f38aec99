"""Differential entropy from a kernel estimate of the density, each sample left out of its own."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist

from infotheory._typing import FloatArray, IntArray
from infotheory.estimators.continuous.linear import white_basis
from infotheory.estimators.continuous.parts import Parts

__all__ = ["BANDWIDTHS", "entropy"]

BANDWIDTHS = ("likelihood", "silverman")
"""How the width of the kernel is chosen."""

_AT_ONCE = 1 << 20  # distances held at a time
_JUDGES = 1000  # samples whose likelihood decides on the width
_RANGE = (math.log(1e-4), math.log(2.0))  # of the width, as a multiple of Silverman's


def entropy(x: FloatArray, bandwidth: str = "likelihood") -> Parts:
    """Return the differential entropy of samples, shape (n, d) with n > d + 1.

    Notes
    -----
    The mean of -ln f_i(x_i), where f_i is the mean of Gaussian kernels about the samples other than
    x_i. Samples are whitened first, so that one width serves all directions. "silverman" is the
    width (4 / ((d + 2) n))^(1/(d + 4)), which suits Gaussian samples, and "likelihood" the one that
    predicts left-out samples best, which makes the estimate least; at most a thousand samples,
    evenly spaced, are predicted to find it.

    The error is that of the mean of n independent local values. O(n^2 d) time; memory is bounded.
    Minus infinity where a column follows linearly from others. Where samples repeat, the likelihood
    favours widths of nothing, and the estimate falls without bound with the share that repeats: the
    width is therefore kept above 1e-4 of Silverman's.
    """
    n, d = x.shape
    basis, log_root = white_basis(x)
    if log_root == -math.inf:
        return Parts(-math.inf, math.nan, np.full(n, -math.inf))
    points = basis * math.sqrt(n - 1)  # of unit covariance
    width = (4.0 / ((d + 2) * n)) ** (1.0 / (d + 4))
    if bandwidth == "likelihood":
        width *= _likeliest(points, width)
    local = _surprise(points, np.arange(n), width) + (log_root - 0.5 * d * math.log(n - 1))
    value = float(local.mean())
    return Parts(value, float(local.std()) / math.sqrt(n), local)


def _likeliest(points: FloatArray, width: float) -> float:
    """Return the multiple of a width with which left-out samples are predicted best."""
    judges = np.arange(0, len(points), -(-len(points) // _JUDGES))
    found = minimize_scalar(
        lambda step: float(_surprise(points, judges, width * math.exp(step)).mean()),
        bounds=_RANGE,
        method="bounded",
        options={"xatol": 0.02},
    )
    return math.exp(found.x)


def _surprise(points: FloatArray, rows: IntArray, width: float) -> FloatArray:
    """-ln of the density at some of the points, as the others give it."""
    n, d = points.shape
    found = np.empty(rows.size)
    step = max(1, _AT_ONCE // n)
    for start in range(0, rows.size, step):
        block = rows[start : start + step]
        squares = cdist(points[block], points, "sqeuclidean")
        squares[np.arange(block.size), block] = math.inf
        least = squares.min(axis=1)
        kernels = np.exp((least[:, None] - squares) / (2.0 * width * width))
        found[start : start + step] = least / (2.0 * width * width) - np.log(kernels.sum(axis=1))
    constant = 0.5 * d * math.log(2.0 * math.pi) + d * math.log(width) + math.log(n - 1)
    return np.asarray(found + constant)
