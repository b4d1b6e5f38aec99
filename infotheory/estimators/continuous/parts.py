"""What an estimate from continuous samples consists of, before units and intervals."""

from __future__ import annotations

from typing import NamedTuple

from infotheory._typing import FloatArray

__all__ = ["Parts"]


class Parts(NamedTuple):
    """An estimate in nats.

    Attributes
    ----------
    value : float
        The estimate; it may be infinite.
    standard_error : float
        Its standard deviation from sample to sample; nan where it is not defined.
    local : ndarray of float, shape (n,), or None
        What each sample adds: their mean is the estimate. None where there is no such part.
    """

    value: float
    standard_error: float
    local: FloatArray | None
