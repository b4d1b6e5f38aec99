"""The digamma function of counts."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma

from infotheory._typing import FloatArray

__all__ = ["digamma_table"]

_SERIES_FROM = 32  # the first term that is left out is below 1e-18 of the value


def digamma_table(size: int) -> FloatArray:
    """Return psi(0), ..., psi(size - 1); the first entry, which no count may ask for, is nan.

    Large arguments take ``psi(n) = ln n - 1/(2n) - 1/(12 n^2) + 1/(120 n^4) - ...``.
    """
    table = np.empty(size)
    table[:_SERIES_FROM] = digamma(np.arange(min(size, _SERIES_FROM), dtype=np.float64))
    table[:1] = np.nan
    n = np.arange(_SERIES_FROM, size, dtype=np.float64)
    inverse = 1.0 / n
    square = inverse * inverse
    series = ((square / 240.0 - 1.0 / 252.0) * square + 1.0 / 120.0) * square - 1.0 / 12.0
    table[_SERIES_FROM:] = np.log(n) + (series * square - 0.5 * inverse)
    return table
