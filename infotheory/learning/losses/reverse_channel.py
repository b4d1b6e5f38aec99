"""Stored outputs of every sample, and the lower bound of CMI that they give a loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from infotheory._validation import check_count, refusal
from infotheory.learning.gathering import summed_over_processes
from infotheory.learning.losses.centroids import CentroidLoss

__all__ = ["NEED_A_PASS", "ReverseChannelLoss"]

NEED_A_PASS = frozenset({"frozen", "epoch", "reverse"})
"""The ways to keep centroids that have none before a pass over the data."""


class ReverseChannelLoss(CentroidLoss):
    """What losses share that know the reverse channel among their ways to keep centroids.

    Parameters
    ----------
    n_classes, n_outputs
        As of :class:`CentroidLoss`.
    n_samples : int, optional
        With "reverse", and only there: how many samples the training set has.
    centroid : str
        How centroids are kept.
    **options
        As of :class:`CentroidLoss`.

    Attributes
    ----------
    log_ratio : Tensor, shape (n_samples, K)
        With "reverse": ln P0 - ln Q0 of each sample.
    """

    log_ratio: Tensor

    def __init__(
        self,
        n_classes: int,
        n_outputs: int | None,
        n_samples: int | None,
        *,
        centroid: str,
        **options: Any,
    ) -> None:
        super().__init__(n_classes, n_outputs, centroid=centroid, **options)
        if (n_samples is None) == (centroid == "reverse"):
            raise refusal(
                "n_samples",
                "given with centroid='reverse' and with no other",
                f"{n_samples} with centroid={centroid!r}",
                "It is the number of samples of the training set.",
            )
        self.n_samples = n_samples if n_samples is None else check_count("n_samples", n_samples)
        if self.n_samples is not None:
            shape = (self.n_samples, self.n_outputs)
            self.register_buffer("log_ratio", torch.full(shape, math.nan))

    def _ratios(self, rows: Tensor | None, n: int) -> Tensor:
        assert self.n_samples is not None
        if rows is None:
            raise refusal(
                "rows",
                "given with centroid='reverse'",
                "None",
                "Pass the numbers of the samples: loss(logits, labels, rows=rows).",
            )
        return self.log_ratio.index_select(0, checked_rows(rows, n, self.n_samples))

    def fit(self, batches: Iterable[Sequence[Tensor]], *, shared: bool = False) -> Self:
        """Compute the centroids from one pass, and with "reverse" what the bound is made of.

        Parameters
        ----------
        batches : iterable of (logits, labels) or (logits, labels, rows)
            As of :meth:`CentroidLoss.fit`; with "reverse" every sample once, with its number.
        shared : bool, default False
            Whether every process has a part of the samples, as of :meth:`CentroidLoss.fit`.

        Returns
        -------
        ReverseChannelLoss
            Itself.

        Raises
        ------
        ValueError
            Where there is no sample, or with "reverse" not every sample once.
        """
        if self.centroid != "reverse":
            super().fit(batches, shared=shared)
            return self
        self.reset()  # a pass that breaks off leaves nothing to be used
        classes = self._keep(batches, shared)
        counts = torch.bincount(classes, minlength=self.n_classes)
        means = self.centroids.double()
        members = classes.argsort(stable=True).split(counts.tolist())
        for label, own in enumerate(members):
            if len(own):
                log_probs = self.log_ratio.index_select(0, own).double()
                log_mean = torch.logsumexp(log_probs, 0) - math.log(len(own))
                self.log_ratio.index_copy_(0, own, (log_probs - log_mean).to(self.log_ratio.dtype))
                means[label] = log_mean.exp()
        self._set(means, counts)
        return self

    def _keep(self, batches: Iterable[Sequence[Tensor]], shared: bool) -> Tensor:
        """Store ln P of every sample where its ratios will be, and return the classes."""
        size, device = len(self.log_ratio), self.log_ratio.device
        classes, times = torch.zeros((2, size), dtype=torch.int64, device=device)
        self.log_ratio.zero_()  # what other processes have is added
        for logits, labels, *rest in batches:
            if not rest:
                raise refusal(
                    "batches",
                    "triples (logits, labels, rows) with centroid='reverse'",
                    "pairs",
                    "Number the samples of the training set from 0.",
                )
            log_probs, own = self._log_probs(logits, labels)
            rows = checked_rows(rest[0], len(own), size).to(device)
            self.log_ratio.index_copy_(0, rows, log_probs.to(self.log_ratio.dtype))
            classes.index_copy_(0, rows, own)
            times.index_add_(0, rows, torch.ones_like(rows))
        if shared:
            summed_over_processes(self.log_ratio, classes, times)
        wrong = (times != 1).nonzero()
        if len(wrong):
            row = int(wrong[0])
            raise refusal(
                "batches",
                f"a pass over all {size} samples, each once",
                f"{int(times[row])} times sample {row}",
                "Pass the whole training set; n_samples is its size.",
            )
        return classes


def checked_rows(rows: Tensor, n: int, n_samples: int) -> Tensor:
    """Return numbers of samples as int64, or refuse them; values are looked at on the host only.

    Parameters
    ----------
    rows : Tensor of int, shape (n,)
        Numbers in [0, n_samples).
    n, n_samples : int
        How many there are here, and in all.

    Returns
    -------
    Tensor of int64, shape (n,)
    """
    if not isinstance(rows, Tensor) or rows.is_floating_point() or rows.dtype == torch.bool:
        raise TypeError(f"rows must be a tensor of integers; got {_kind(rows)}.")
    if rows.shape != (n,):
        raise refusal(
            "rows", f"have shape ({n},)", f"shape {tuple(rows.shape)}", "One a logit row."
        )
    if rows.device.type == "cpu":
        outside = ((rows < 0) | (rows >= n_samples)).nonzero()
        if len(outside):
            raise refusal(
                "rows",
                f"numbers of samples in [0, {n_samples})",
                str(int(rows[int(outside[0])])),
                "n_samples is the size of the training set.",
            )
    return rows.long()


def _kind(value: object) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
