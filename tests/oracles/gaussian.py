"""Gaussian quantities from determinants with many digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath as mp


def _matrix(rows: Any, which: Sequence[int] | None = None) -> Any:
    mp.mp.dps = 80
    chosen = range(len(rows)) if which is None else which
    return mp.matrix([[float(rows[i][j]) for j in chosen] for i in chosen])


def _log_det(rows: Any, which: Sequence[int] | None = None) -> Any:
    if which == []:
        return mp.mpf(0)
    return mp.log(mp.det(_matrix(rows, which)))


def entropy(covariance: Any) -> Any:
    return (len(covariance) * (1 + mp.log(2 * mp.pi)) + _log_det(covariance)) / 2


def total_correlation(covariance: Any) -> Any:
    own = mp.fsum(_log_det(covariance, [i]) for i in range(len(covariance)))
    return (own - _log_det(covariance)) / 2


def conditional_information(covariance: Any, n_x: int, n_y: int) -> Any:
    """I(X;Y|Z), Z being what is left."""
    x, y = list(range(n_x)), list(range(n_x, n_x + n_y))
    z = list(range(n_x + n_y, len(covariance)))
    sums = _log_det(covariance, x + z) + _log_det(covariance, y + z)
    return (sums - _log_det(covariance, x + y + z) - _log_det(covariance, z)) / 2


def divergence(mean_p: Any, p: Any, mean_q: Any, q: Any) -> Any:
    inverse = mp.inverse(_matrix(q))
    product = inverse * _matrix(p)
    shift = mp.matrix(
        [mp.mpf(float(a)) - mp.mpf(float(b)) for a, b in zip(mean_p, mean_q, strict=True)]
    )
    trace = mp.fsum(product[i, i] for i in range(product.rows))
    return (trace - len(p) - mp.log(mp.det(product)) + (shift.T * inverse * shift)[0]) / 2
