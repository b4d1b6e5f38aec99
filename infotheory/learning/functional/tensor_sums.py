"""The additive state of :class:`infotheory.classifiers.ClassSums` as tensors, on any device."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from infotheory._typing import IntArray
from infotheory.classifiers import ClassSums
from infotheory.classifiers.class_sums import ADDITIVE

__all__ = ["TensorSums"]

_ADDITIVE = tuple(name for name in ADDITIVE if name != "counts")  # which are on the host


@dataclass(eq=False)
class TensorSums:
    """Class sums whose large parts stay on the device where they were formed.

    Attributes
    ----------
    n_classes, n_outputs, n_parts, n_rows, first_zero_row
        As in :class:`infotheory.classifiers.ClassSums`.
    cells, counts : ndarray of int, shape (S,)
        As there, and on the host: they say which rows there are.
    weight, squares, mass, log_mass, entropy, loss, top5_misses, bins, confidence : Tensor
        As there, float64.
    zeros : Tensor of int64, shape (S, K), or None
        As there.
    """

    n_classes: int
    n_outputs: int
    cells: IntArray
    counts: IntArray
    weight: torch.Tensor
    squares: torch.Tensor
    mass: torch.Tensor
    log_mass: torch.Tensor
    zeros: torch.Tensor | None
    entropy: torch.Tensor
    loss: torch.Tensor
    top5_misses: torch.Tensor
    bins: torch.Tensor
    confidence: torch.Tensor
    n_parts: int = 1
    n_rows: int = 0
    first_zero_row: int | None = None

    @classmethod
    def of(cls, sums: ClassSums) -> TensorSums:
        """Return class sums as tensors on the host, which share their memory.

        Parameters
        ----------
        sums : ClassSums
            In arrays.

        Returns
        -------
        TensorSums
        """
        values: dict[str, Any] = {f.name: getattr(sums, f.name) for f in fields(cls)}
        for name in (*_ADDITIVE, "zeros"):
            if values[name] is not None:
                values[name] = torch.from_numpy(values[name])
        return cls(**values)

    @property
    def device(self) -> torch.device:
        """Where the sums are."""
        return self.mass.device

    def class_sums(self) -> ClassSums:
        """Return the same as arrays on the host; of sums on the host they share the memory.

        Returns
        -------
        ClassSums
        """
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                # Views of a wider buffer become arrays of their own.
                values[name] = np.ascontiguousarray(value.cpu().numpy())
        return ClassSums(**values)

    def absorb(self, other: TensorSums) -> TensorSums:
        """Return the sums of the concatenated samples, those of `other` last.

        Parameters
        ----------
        other : TensorSums
            Over the same classes, symbols and parts, on the same device.

        Returns
        -------
        TensorSums
            This one's tensors where `other` meets no new cell: both are used up.
        """
        union = np.union1d(self.cells, other.cells)
        total = self if union.size == self.cells.size else self._spread(union)
        place = np.searchsorted(union, other.cells)
        rows = torch.from_numpy(place).to(self.device)
        if other.zeros is not None:
            if total.zeros is None:
                total.zeros = torch.zeros(
                    total.mass.shape, dtype=torch.int64, device=total.mass.device
                )
            total.zeros.index_add_(0, rows, other.zeros)
        for name in _ADDITIVE:  # no row twice, so the order of adding is fixed
            getattr(total, name).index_add_(0, rows, getattr(other, name))
        total.counts[place] += other.counts
        if total.first_zero_row is None and other.first_zero_row is not None:
            total.first_zero_row = total.n_rows + other.first_zero_row
        total.n_rows += other.n_rows
        return total

    def _spread(self, cells: IntArray) -> TensorSums:
        """Copy into rows for `cells`, a superset of the present ones."""
        place = np.searchsorted(cells, self.cells)
        rows = torch.from_numpy(place).to(self.device)
        counts = np.zeros(cells.size, np.int64)
        counts[place] = self.counts
        larger: dict[str, Any] = {}
        for name in (*_ADDITIVE, "zeros"):
            value = getattr(self, name)
            if value is not None:
                larger[name] = value.new_zeros((cells.size, *value.shape[1:]))
                larger[name].index_copy_(0, rows, value)
        return replace(self, cells=cells, counts=counts, **larger)
