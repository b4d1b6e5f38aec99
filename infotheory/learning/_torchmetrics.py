"""The metric of torchmetrics; imported only where that package is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torchmetrics

from infotheory._kernels.class_sums import N_BINS
from infotheory._simplex import KINDS
from infotheory._validation import check_base, check_choice, check_count, refusal
from infotheory.classifiers import ClassSums, NCMIAccumulator
from infotheory.classifiers.quantities import cmi_and_gamma, error_rate, ncmi_of
from infotheory.learning.batches import sums_of_batch

__all__ = ["NCMIForTorchmetrics"]


class NCMIForTorchmetrics(torchmetrics.Metric):
    """See :func:`infotheory.learning.torchmetrics_metric`."""

    is_differentiable = False
    higher_is_better = None
    full_state_update = False  # sums of batches add up, so forward needs one update only

    def __init__(
        self,
        n_classes: int,
        *,
        n_outputs: int | None = None,
        kind: str = "logits",
        temperature: float = 1.0,
        smoothing: float = 0.0,
        base: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_choice("kind", kind, KINDS)
        self.kind, self.base = kind, check_base(base)
        empty = NCMIAccumulator(
            check_count("n_classes", n_classes), temperature=temperature, smoothing=smoothing
        )
        self.settings = empty.settings
        self.n_outputs = n_classes if n_outputs is None else check_count("n_outputs", n_outputs)
        shapes = {
            "weight": (),
            "squares": (),
            "mass": (self.n_outputs,),
            "log_mass": (self.n_outputs,),
            "entropy": (),
            "loss": (),
            "top5_misses": (),
            "bins": (N_BINS, 2),
            "confidence": (N_BINS,),
        }
        for name, shape in shapes.items():
            zero = torch.zeros((n_classes, *shape), dtype=torch.float64)
            self.add_state(name, zero, dist_reduce_fx="sum")
        counts = torch.zeros(n_classes, dtype=torch.int64)
        self.add_state("counts", counts, dist_reduce_fx="sum")
        zeros = torch.zeros((n_classes, self.n_outputs), dtype=torch.int64)
        self.add_state("zeros", zeros, dist_reduce_fx="sum")
        self._sums = tuple(shapes)

    def update(self, preds: Any, target: Any, sample_weight: Any = None) -> None:
        """Take in the outputs of a batch, and the labels."""
        if preds.ndim == 2 and preds.shape[1] != self.n_outputs:
            raise refusal(
                "preds", f"rows of {self.n_outputs} symbols", f"{preds.shape[1]} columns",
                "Say n_outputs where labels do not name columns.",
            )  # fmt: skip
        empty = NCMIAccumulator(**self.settings)
        sums = sums_of_batch(empty, preds, target, self.kind, sample_weight)
        device = self.mass.device
        rows = torch.from_numpy(sums.cells).to(device)
        self.counts.index_add_(0, rows, torch.from_numpy(sums.counts).to(device))
        for name in self._sums:
            getattr(self, name).index_add_(0, rows, getattr(sums, name).to(device))
        if sums.zeros is not None:
            self.zeros.index_add_(0, rows, sums.zeros.to(device))

    def compute(self) -> dict[str, torch.Tensor]:
        """Return CMI, Gamma, NCMI and the error over everything that was taken in."""
        counts = self.counts.cpu().numpy()
        met = np.flatnonzero(counts)
        if not met.size:
            raise refusal(
                "metric", "updated with at least one sample", "none", "Call update first."
            )
        rows = torch.from_numpy(met).to(self.mass.device)
        fields = {name: getattr(self, name)[rows].cpu().numpy() for name in self._sums}
        zeros = self.zeros[rows].cpu().numpy()
        sums = ClassSums(
            n_classes=counts.size,
            n_outputs=self.n_outputs,
            cells=met,
            counts=counts[met],
            zeros=zeros if zeros.any() else None,
            n_rows=int(counts.sum()),
            **fields,
        )
        cmi, gamma = cmi_and_gamma(sums)
        unit = 1.0 if self.base is None else float(np.log(self.base))
        found = {
            "cmi": cmi / unit,
            "gamma": gamma / unit,
            "ncmi": ncmi_of(cmi, gamma),
            "error": error_rate(sums),
        }
        return {
            name: torch.tensor(value, dtype=torch.float64, device=self.mass.device)
            for name, value in found.items()
        }
