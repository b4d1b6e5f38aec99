"""Entropy and information of Gaussian variables, in closed form from their covariance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infotheory._typing import FloatArray
from infotheory._validation import check_base, check_count, refusal
from infotheory.measures._covariances import as_covariance, as_mean, factored
from infotheory.measures._terms import excess

__all__ = [
    "gaussian_conditional_mutual_information",
    "gaussian_entropy",
    "gaussian_kl_divergence",
    "gaussian_mutual_information",
    "gaussian_total_correlation",
]


def gaussian_entropy(covariance: Any, *, base: float | None = None) -> Any:
    """Differential entropy h(X) of a Gaussian vector.

    Parameters
    ----------
    covariance : array_like, shape (..., d, d)
        Covariance matrices; for one variable [[variance]].
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        Of either sign: it depends on the units in which the variables are measured.

    Raises
    ------
    ValueError, TypeError
        If a covariance is not square, not symmetric, not finite or not positive definite; the last
        includes variables that determine one another, whose density does not exist.

    Notes
    -----
    h(X) = (d ln(2 pi e) + ln det C) / 2, by the Cholesky factor of the correlation matrix, so that
    variables may have any scales. Matrices whose smallest pivot is lost in rounding are refused as
    singular. O(d^3).

    References
    ----------
    .. [1] cover2006elements, theorem 8.4.1.

    Examples
    --------
    >>> import math
    >>> from infotheory.measures import gaussian_entropy
    >>> round(gaussian_entropy([[1.0]]) - math.log(2 * math.pi * math.e) / 2, 12)
    0.0
    """
    unit = check_base(base)
    matrices = as_covariance(covariance, "covariance")
    scales, factor = factored(matrices, "covariance")
    constant = 0.5 * matrices.shape[-1] * math.log(2.0 * math.pi * math.e)
    return _converted(constant + _log_root(scales, factor), unit)


def gaussian_total_correlation(covariance: Any, *, base: float | None = None) -> Any:
    """Total correlation of the components of a Gaussian vector.

    Parameters
    ----------
    covariance : array_like, shape (..., d, d)
        Covariance or correlation matrices.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0; zero where no two components are correlated.

    Raises
    ------
    ValueError, TypeError
        If a covariance is not square, not symmetric, not finite or not positive definite.

    Notes
    -----
    sum_i h(X_i) - h(X) = -ln(det R) / 2 with the correlation matrix R. With its Cholesky factor L
    it is -sum_i ln(1 - sum_(j<i) L_ij^2) / 2, of terms of at least zero: weak correlations keep
    their digits. O(d^3).

    References
    ----------
    .. [1] watanabe1960information.

    Examples
    --------
    >>> from infotheory.measures import gaussian_total_correlation
    >>> round(gaussian_total_correlation([[1.0, 0.6], [0.6, 1.0]], base=2), 12)  # -log2(0.8)
    0.321928094887
    """
    unit = check_base(base)
    _, factor = factored(as_covariance(covariance, "covariance"), "covariance")
    explained = np.einsum("...ij,...ij->...i", np.tril(factor, -1), np.tril(factor, -1))
    pivots = np.diagonal(factor, axis1=-2, axis2=-1)
    logs = np.where(explained < 0.5, np.log1p(-np.minimum(explained, 0.5)), 2.0 * np.log(pivots))
    return _converted(np.abs(logs.sum(axis=-1)) / 2.0, unit)


def gaussian_mutual_information(covariance: Any, n_x: int, *, base: float | None = None) -> Any:
    """Mutual information I(X;Y) of the parts of a Gaussian vector.

    Parameters
    ----------
    covariance : array_like, shape (..., d, d)
        Covariance or correlation matrices of (X, Y).
    n_x : int
        How many components belong to X, the first ones; the others are Y.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0; it does not depend on the scales of the variables.

    Raises
    ------
    ValueError, TypeError
        If a covariance is not square, not symmetric, not finite or not positive definite; that
        includes a Y determined by X, whose information is infinite. If X or Y would be empty.

    Notes
    -----
    I(X;Y) = -sum_i ln(1 - r_i^2) / 2 over the canonical correlations r_i, evaluated as
    sum_i ln(1 + s_i^2) / 2 with the singular values s_i = r_i / sqrt(1 - r_i^2) of a product of
    blocks of one Cholesky factor. It has relative accuracy where X and Y are almost independent
    and loses nothing to 1 - r^2 where they almost determine one another. O(d^3).

    References
    ----------
    .. [1] gelfand1959calculation.

    Examples
    --------
    >>> from infotheory.measures import gaussian_mutual_information
    >>> round(gaussian_mutual_information([[1.0, 0.6], [0.6, 1.0]], 1, base=2), 12)  # -log2(0.8)
    0.321928094887
    """
    unit = check_base(base)
    matrices = as_covariance(covariance, "covariance")
    n_x = _part("n_x", n_x, matrices.shape[-1] - 1, "Y")
    _, factor = factored(matrices, "covariance")
    return _converted(_information(factor, 0, n_x), unit)


def gaussian_conditional_mutual_information(
    covariance: Any, n_x: int, n_y: int, *, base: float | None = None
) -> Any:
    """Conditional mutual information I(X;Y|Z) of the parts of a Gaussian vector.

    Parameters
    ----------
    covariance : array_like, shape (..., d, d)
        Covariance or correlation matrices of (X, Y, Z).
    n_x, n_y : int
        How many components belong to X, the first ones, and to Y, the next ones; the others are Z.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0; it does not depend on the scales of the variables.

    Raises
    ------
    ValueError, TypeError
        If a covariance is not square, not symmetric, not finite or not positive definite, or X, Y
        or Z would be empty.

    Notes
    -----
    The mutual information of what is left of X and Y after regression on Z, from the Cholesky
    factor with Z first, as :func:`gaussian_mutual_information`. O(d^3).

    References
    ----------
    .. [1] cover2006elements, section 8.5.

    Examples
    --------
    X and Y are Z and noises, each as strong: given Z they are independent.

    >>> from infotheory.measures import gaussian_conditional_mutual_information
    >>> covariance = [[2.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 1.0]]
    >>> round(gaussian_conditional_mutual_information(covariance, 1, 1), 12)
    0.0
    """
    unit = check_base(base)
    matrices = as_covariance(covariance, "covariance")
    size = matrices.shape[-1]
    n_x = _part("n_x", n_x, size - 2, "Y and Z")
    n_y = _part("n_y", n_y, size - 1 - n_x, "Z")
    order = np.roll(np.arange(size), size - n_x - n_y)  # Z first
    _, factor = factored(matrices[..., order[:, None], order], "covariance")
    return _converted(_information(factor, size - n_x - n_y, n_x), unit)


def gaussian_kl_divergence(
    mean_p: Any,
    covariance_p: Any,
    mean_q: Any,
    covariance_q: Any,
    *,
    base: float | None = None,
) -> Any:
    """Kullback-Leibler divergence D(p||q) of Gaussian laws.

    Parameters
    ----------
    mean_p : array_like, shape (..., d)
        Mean of the first law. Batches of all four arguments broadcast.
    covariance_p : array_like, shape (..., d, d)
        Its covariance matrix.
    mean_q : array_like, shape (..., d)
        Mean of the second law.
    covariance_q : array_like, shape (..., d, d)
        Its covariance matrix.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.

    Returns
    -------
    float or ndarray, shape (...)
        At least 0, and 0 where the laws are equal.

    Raises
    ------
    ValueError, TypeError
        If a covariance is not square, not symmetric, not finite or not positive definite, a mean
        is not finite, or the dimensions differ.

    Notes
    -----
    (tr(Q^-1 P) - d - ln det(Q^-1 P) + m' Q^-1 m) / 2, with covariances P and Q and m the difference
    of the means. Where P is close to Q it is formed from the eigenvalues u of Q^-1 (P - Q) as
    sum(u - ln(1 + u)), of terms of at least zero, so it keeps its digits. O(d^3).

    References
    ----------
    .. [1] kullback1959information, chapter 9.

    Examples
    --------
    A shift by one standard deviation costs half a nat.

    >>> from infotheory.measures import gaussian_kl_divergence
    >>> gaussian_kl_divergence([1.0], [[4.0]], [3.0], [[4.0]])
    0.5
    """
    unit = check_base(base)
    p = as_covariance(covariance_p, "covariance_p")
    q = as_covariance(covariance_q, "covariance_q")
    size = q.shape[-1]
    if p.shape[-1] != size:
        raise refusal(
            "covariance_q",
            f"of the dimension of covariance_p ({p.shape[-1]})",
            f"dimension {size}",
            "Both laws are over one space.",
        )
    of_p, of_q = as_mean(mean_p, "mean_p", size), as_mean(mean_q, "mean_q", size)
    batches = (of_p.shape[:-1], p.shape[:-2], of_q.shape[:-1], q.shape[:-2])
    try:
        np.broadcast_shapes(*batches)
    except ValueError:
        listed = ", ".join(map(str, batches))
        raise refusal(
            "means and covariances",
            "of batch shapes that broadcast",
            listed,
            "Batch axes come first.",
        ) from None
    shift = of_p - of_q
    own_scales, own_factor = factored(p, "covariance_p")
    scales, factor = factored(q, "covariance_q")
    whitening = np.linalg.solve(factor, np.eye(size)) / scales[..., None, :]
    steps = np.einsum("...ij,...j->...i", whitening, shift)
    change = whitening @ (p - q) @ np.swapaxes(whitening, -1, -2)
    u = np.linalg.eigvalsh(change)
    near = np.abs(u).max(axis=-1) <= 0.5
    log_determinant = 2.0 * (_log_root(own_scales, own_factor) - _log_root(scales, factor))
    apart = u.sum(axis=-1) - log_determinant
    close = excess(np.where(near[..., None], u, 0.0)).sum(axis=-1)
    spread = np.where(near, close, apart)
    return _converted((spread + (steps**2).sum(axis=-1)) / 2.0, unit)


def _log_root(scales: FloatArray, factor: FloatArray) -> FloatArray:
    """Half the logarithm of the determinant."""
    pivots = np.diagonal(factor, axis1=-2, axis2=-1)
    return np.asarray((np.log(scales) + np.log(pivots)).sum(axis=-1))


def _information(factor: FloatArray, n_z: int, n_x: int) -> FloatArray:
    """I(X;Y|Z) from the Cholesky factor with components in the order Z, X, Y."""
    start = n_z + n_x
    # Given Z and X, Y varies by the last block; the one before it is what X adds given Z.
    added, own = factor[..., start:, n_z:start], factor[..., start:, start:]
    gains = np.linalg.svd(np.linalg.solve(own, added), compute_uv=False)
    return np.asarray(0.5 * np.log1p(gains**2).sum(axis=-1))


def _part(argument: str, value: Any, most: int, others: str) -> int:
    count = check_count(argument, value)
    if count > most:
        raise refusal(
            argument,
            f"at most {most}, to leave something for {others}",
            f"{count}",
            "It counts components of the covariance.",
        )
    return count


def _converted(values: FloatArray, unit: float | None) -> Any:
    values = np.asarray(values if unit is None else values / math.log(unit))
    return float(values) if values.ndim == 0 else values
