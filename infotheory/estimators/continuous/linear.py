"""Linear algebra of samples that keeps the digits they have, whatever their units and offsets."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from infotheory._typing import FloatArray

__all__ = ["Standardised", "beside", "joined", "precedes", "rank_of", "standardised", "white_basis"]

_ROUNDINGS = 2.0  # by how many last places the data may be off
_EPS = float(np.finfo(float).eps)


class Standardised(NamedTuple):
    """Centred columns of norm one, and how far rounding may have moved them.

    Zero where that may be all there is: where they are constant, for instance.
    """

    columns: FloatArray
    log_norms: FloatArray
    noise: FloatArray


def standardised(columns: FloatArray) -> Standardised:
    """Centre columns and divide them by their norms."""
    largest = np.abs(columns).max(axis=0)
    exponents = np.frexp(largest)[1]
    scaled = np.ldexp(columns, -exponents)  # exact, and sums do not overflow
    centred = scaled - scaled.mean(axis=0)
    centred -= centred.mean(axis=0)
    norms = np.sqrt((centred * centred).sum(axis=0))
    off = _ROUNDINGS * _EPS * math.sqrt(len(columns)) * np.ldexp(largest, -exponents)
    empty = norms <= off
    safe = np.where(empty, 1.0, norms)
    with np.errstate(divide="ignore"):
        log_norms = np.log(np.where(empty, 0.0, norms)) + exponents * math.log(2.0)
    noise = np.maximum(off / safe, _EPS)
    return Standardised(np.where(empty, 0.0, centred / safe), log_norms, noise)


def joined(*blocks: Standardised) -> Standardised:
    """Put the columns of several side by side."""
    columns, log_norms, noise = (
        np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True)
    )
    return Standardised(columns, log_norms, noise)


def rank_of(unit: Standardised) -> int:
    """Count the directions that rounding cannot have made.

    Errors of noise_j in column j change the length of A v by at most sum_j abs(v_j) noise_j.
    """
    triangle = np.linalg.qr(unit.columns, mode="r")
    _, lengths, directions = np.linalg.svd(triangle)
    return int((lengths > np.abs(directions) @ unit.noise).sum())


def beside(columns: FloatArray, basis: FloatArray, rank: int) -> tuple[FloatArray, FloatArray]:
    """Return an orthonormal basis of what projection leaves of columns, and its singular values."""
    left = columns - basis @ (basis.T @ columns)
    found, lengths, _ = np.linalg.svd(left, full_matrices=False)
    return found[:, :rank], lengths[:rank]


def white_basis(columns: FloatArray) -> tuple[FloatArray, float]:
    """Return uncorrelated columns of norm one that span these, and ln det of the scatter, halved.

    The latter is minus infinity where some column follows linearly from others.
    """
    unit = standardised(columns)
    basis, lengths, _ = np.linalg.svd(unit.columns, full_matrices=False)
    if rank_of(unit) < columns.shape[1]:
        return basis, -math.inf
    return basis, float(np.log(lengths).sum() + unit.log_norms.sum())


def precedes(x: FloatArray, y: FloatArray) -> bool:
    """Order two variables by what they hold, so that it does not matter which is called x."""
    if x.shape != y.shape:
        return bool(x.shape[1] < y.shape[1])
    where = np.argmax(x != y)
    return bool(np.ravel(x)[where] < np.ravel(y)[where])
