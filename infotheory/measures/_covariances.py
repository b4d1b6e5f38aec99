"""What covariance matrices must be, and their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infotheory._typing import BoolArray, FloatArray
from infotheory._validation import as_array, refusal

__all__ = ["as_covariance", "as_mean", "factored"]


def factored(matrices: FloatArray, argument: str) -> tuple[FloatArray, FloatArray]:
    """Standard deviations, and Cholesky factors of the correlation matrices."""
    scales = np.sqrt(np.diagonal(matrices, axis1=-2, axis2=-1))
    correlations = matrices / (scales[..., :, None] * scales[..., None, :])
    try:
        factor = np.linalg.cholesky(correlations)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(correlations)[..., 0]
        raise _singular(argument, correlations, smallest == smallest.min()) from None
    pivots = np.diagonal(factor, axis1=-2, axis2=-1)
    lost = (pivots**2 <= matrices.shape[-1] * np.finfo(np.float64).eps).any(axis=-1)
    if lost.any():
        raise _singular(argument, correlations, lost)
    return scales, factor


def _singular(argument: str, correlations: FloatArray, singular: BoolArray) -> ValueError:
    place = _first(np.asarray(singular))
    smallest = np.linalg.eigvalsh(correlations[place])[0]
    return refusal(
        argument,
        "positive definite",
        f"a smallest eigenvalue of the correlation matrix of {smallest:.3g}{_at(argument, place)}",
        "Leave out variables that are linear combinations of others.",
    )


def as_covariance(covariance: Any, argument: str) -> FloatArray:
    """Return symmetric matrices with positive diagonals.

    Raises
    ------
    ValueError
        If entries across the diagonal differ by more than the square root of the precision of
        the dtype (1.5e-8 for float64, 3.5e-4 for float32) times both standard deviations, a
        variance is not positive, or the last two axes are no squares.
    """
    array = _as_numbers(covariance, argument)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] == 0:
        raise refusal(
            argument,
            "square along its last two axes",
            f"shape {array.shape}",
            "One variable is [[variance]].",
        )
    matrices = array.astype(np.float64)
    variances = np.diagonal(matrices, axis1=-2, axis2=-1)
    if not (variances > 0).all():
        place = _first(~(variances > 0))
        raise refusal(
            argument,
            "of positive variances",
            f"{variances[place]:g}{_at(argument, (*place, place[-1]))}",
            "Leave out constants.",
        )
    # Half the digits of what was handed in: products of matrices are symmetric only to rounding.
    precision = np.finfo(array.dtype if array.dtype.kind == "f" else np.float64).eps
    tolerance = math.sqrt(precision)
    deviations = np.sqrt(variances)  # whose product cannot overflow, as that of variances can
    scale = deviations[..., :, None] * deviations[..., None, :]
    skew = np.abs(matrices - np.swapaxes(matrices, -1, -2)) > tolerance * scale
    if skew.any():
        place = _first(skew)
        mirror = (*place[:-2], place[-1], place[-2])
        raise refusal(
            argument,
            f"symmetric to {tolerance:.1e} of the standard deviations",
            f"{matrices[place]:g}{_at(argument, place)} and {matrices[mirror]:g} across",
            "Pass (C + C.T) / 2 if they should agree.",
        )
    return 0.5 * (matrices + np.swapaxes(matrices, -1, -2))


def as_mean(mean: Any, argument: str, size: int) -> FloatArray:
    array = _as_numbers(mean, argument)
    if array.ndim == 0 or array.shape[-1] != size:
        raise refusal(
            argument,
            f"have {size} entries along its last axis, one a variable",
            f"shape {array.shape}",
        )
    return array.astype(np.float64)


def _as_numbers(value: Any, argument: str) -> FloatArray:
    array = as_array(value, argument)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{argument} must be real numbers; got dtype {array.dtype}. "
            "Convert it with .astype(float)."
        )
    wrong = ~np.isfinite(array)
    if wrong.any():
        place = _first(wrong)
        raise refusal(
            argument,
            "finite",
            f"{array[place]:g}{_at(argument, place)}",
            "Drop or repair that entry.",
        )
    return array


def _first(wrong: BoolArray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(wrong)[0])


def _at(argument: str, place: tuple[int, ...]) -> str:
    return f" at {argument}[{', '.join(map(str, place))}]" if place else ""
