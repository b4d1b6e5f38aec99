"""Mutual information of strongly dependent variables: neighbours in boxes that follow the points.

The estimate "ksg2" counts on a density that is uniform in the box of the k neighbours of a point,
whose sides are parallel to the axes. Where points lie along a curve much thinner than that box, the
density in the part that they fill is higher than it seems. Gao, Ver Steeg and Galstyan (2015) turn
the box to the principal axes of the offsets of the neighbours; where its volume W is smaller than
the volume V of the first one by more than chance, the point adds ln(V / W).

They take numbers x and y. For vectors V is the product of the volumes of two boxes, each along the
principal axes of x or of y alone: that x fills its own space thinly says nothing about dependence.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from infotheory._typing import FloatArray
from infotheory._validation import refusal
from infotheory.estimators.continuous.linear import precedes
from infotheory.estimators.continuous.neighbour_information import ksg2
from infotheory.estimators.continuous.parts import Parts
from infotheory.estimators.continuous.space import Space
from infotheory.estimators.neighbours.tree import neighbour_indices

__all__ = ["log_shrinkage", "mutual_information", "threshold"]

_CHANCE = 0.005  # share of points that are corrected where the density is uniform
_TRIALS = 20_000
_AT_ONCE = 1 << 20  # numbers held at a time
_EPS = float(np.finfo(float).eps)


def mutual_information(x: FloatArray, y: FloatArray, k: int, workers: int | None = None) -> Parts:
    """Return I(X;Y) of samples of shapes (n, dx) and (n, dy), with dx + dy <= k < n.

    Notes
    -----
    The value of "ksg2" plus the mean of ln(V / W) over the points where it exceeds what one in 200
    points exceeds under a uniform density; see :func:`threshold`. Sides of boxes are at least the
    rounding of the coordinates: a curve without any width would make the estimate infinite.

    Fewer than dx + dy neighbours span no volume, so that such a k is refused. The standard error is
    nan: local values of neighbours depend on each other, and only parts of the sample tell.
    """
    first, second = (x, y) if precedes(x, y) else (y, x)
    width = first.shape[1] + second.shape[1]
    if k < width:
        raise refusal(
            "k",
            f"at least the number of columns of x and y ({width}) with method='lnc'",
            str(k),
            "Fewer neighbours span no volume; method='ksg1' needs none.",
        )
    space = Space([first, second], workers)
    points = np.hstack(space.blocks)
    near = neighbour_indices(space.tree, k, workers=workers)
    least = threshold(k, first.shape[1], second.shape[1])
    gained = np.empty(space.n)
    step = max(1, _AT_ONCE // (k * width))
    for start in range(0, space.n, step):
        rows = slice(start, start + step)
        offsets = points[near[rows]] - points[rows, None]
        finest = _EPS * np.abs(points[rows]).max(axis=1)
        shrinkage = log_shrinkage(offsets, first.shape[1], finest)
        gained[rows] = np.where(shrinkage > least, shrinkage, 0.0)
    local = ksg2(space, k).local + gained
    return Parts(float(local.mean()), math.nan, local)


@lru_cache(maxsize=64)
def threshold(k: int, dx: int, dy: int) -> float:
    """Return what ln(V / W) exceeds with probability 1/200 under a uniform density.

    From 20,000 draws with a fixed seed: of k neighbours the furthest lies on the surface of a cube,
    the others are anywhere inside.
    """
    rng = np.random.default_rng(0)
    width = dx + dy
    found = []
    step = max(1, _AT_ONCE // (k * width))
    for start in range(0, _TRIALS, step):
        size = min(step, _TRIALS - start)
        offsets = rng.uniform(-1.0, 1.0, (size, k, width))
        offsets[:, 0] /= np.abs(offsets[:, 0]).max(axis=1, keepdims=True)
        found.append(log_shrinkage(offsets, dx, np.zeros(size)))
    return float(np.quantile(np.concatenate(found), 1.0 - _CHANCE))


def log_shrinkage(offsets: FloatArray, dx: int, finest: FloatArray) -> FloatArray:
    """Return ln(V / W) for offsets of k neighbours each, shape (m, k, d), dx columns of them x's.

    `finest`, of shape (m,), is the least half side of a box. Where columns of x alone make a box
    that thin, V and W share the side, and it does not matter.
    """
    whole = np.abs(offsets).max(axis=(1, 2))
    whole[whole == 0.0] = 1.0
    unit = offsets / whole[:, None, None]
    least = np.maximum(finest / whole, _EPS)[:, None]
    apart = _log_box(unit[:, :, :dx], least) + _log_box(unit[:, :, dx:], least)
    return apart - _log_box(unit, least)


def _log_box(offsets: FloatArray, least: FloatArray) -> FloatArray:
    """Return the sum of the logarithms of half sides along the principal axes."""
    axes = np.linalg.eigh(np.swapaxes(offsets, 1, 2) @ offsets)[1]
    sides = np.abs(offsets @ axes).max(axis=1)
    return np.asarray(np.log(np.maximum(sides, least)).sum(axis=1))
