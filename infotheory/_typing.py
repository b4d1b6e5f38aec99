"""Array types shared by the whole package.

Façades accept anything array-like; inside, every array has one of these types.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
"""Double precision: every sum and every result."""

FloatingArray: TypeAlias = npt.NDArray[np.floating[Any]]
"""Any real floating type, as handed in by the user: half, single or double precision."""

IntArray: TypeAlias = npt.NDArray[np.int64]
"""Labels and counts."""

BoolArray: TypeAlias = npt.NDArray[np.bool_]
"""Masks."""

AnyArray: TypeAlias = npt.NDArray[Any]
"""An array whose type has not been checked yet."""

__all__ = ["AnyArray", "BoolArray", "FloatArray", "FloatingArray", "IntArray"]
