"""Cross entropy with a reward for conditional mutual information: the loss of MCMI teachers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Self

import torch
from torch import Tensor

from infotheory._validation import check_count, refusal
from infotheory.learning.functional.centroids import reverse_channel_bound
from infotheory.learning.functional.checks import check_weight, in_full_precision
from infotheory.learning.functional.class_rows import (
    combined,
    concentration,
    cross_entropy,
)
from infotheory.learning.losses.centroids import DECAY, CentroidLoss

__all__ = ["MCMITeacherLoss"]

CENTROIDS = ("frozen", "epoch", "ema", "batch", "reverse")

_NEED_A_PASS = frozenset({"frozen", "epoch", "reverse"})


class MCMITeacherLoss(CentroidLoss):
    """Cross entropy - lam CMI, which keeps context in the outputs of a teacher.

    Parameters
    ----------
    n_classes : int
        C.
    lam : float
        Weight of CMI, at least 0. Published: 0.1 to 0.25. From there on training may diverge.
    n_outputs : int, optional
        K, at least C; by default C.
    centroid : {"frozen", "epoch", "ema", "batch", "reverse"}, default "frozen"
        What stands for CMI. "frozen": the mean of D(P_i || Q_{y_i}) with centroids Q of one pass at
        the start, as published; "epoch": the same, a pass before each epoch; "ema": with moving
        averages; "batch": the CMI of each batch; "reverse": the lower bound by the outputs of the
        last pass. Passes are given to :meth:`fit`.
    n_samples : int, optional
        With "reverse": how many samples the training set has.
    decay : float, default 0.9999
        Of the moving averages, in [0, 1).

    Attributes
    ----------
    centroids : Tensor, shape (C, K)
        Q, probabilities in single precision at least; uniform at the start.
    seen : Tensor of int64, shape (C,)
        How many samples each was made of.
    log_ratio : Tensor, shape (n_samples, K)
        With "reverse": ln P0 - ln Q0 of each sample.
    terms : dict of str to Tensor
        After a call: "cross_entropy", "surrogate" (what is maximised) and "cmi", the CMI of the
        batch by its own centroids; detached scalars.

    See Also
    --------
    infotheory.learning.functional.reverse_channel_bound : the bound, and why it is safe.

    Notes
    -----
    Called as ``loss(logits, labels)``, with "reverse" as ``loss(logits, labels, rows=rows)`` where
    rows are numbers of samples. In nats; Q is a constant in the gradient.

    With old centroids the surrogate is CMI plus the divergence of the centroids of today from the
    old ones. Being an upper bound it can be raised by moving a whole class away from its old
    centroid, while CMI falls. Compare "surrogate" with "cmi" and, after an epoch, with
    :func:`infotheory.measure_classifier` on the training set. The reverse channel is a lower bound,
    tight at each pass, so that such moves cannot pay; it takes 4 n_samples K bytes.

    "cmi" is biased: with m samples a class in the batch it is about 1 - 1/m of that of the data.

    With "ema", a call moves the centroids as in :class:`infotheory.learning.losses.CMICLoss`.

    References
    ----------
    ye2024mcmi

    Examples
    --------
    Two answers that are equal have no CMI, but centroids that lie elsewhere see some.

    >>> import torch
    >>> from infotheory.learning.losses import MCMITeacherLoss
    >>> criterion = MCMITeacherLoss(3, lam=0.15)
    >>> _ = criterion.set_centroids([[0.8, 0.1, 0.1]] * 3)
    >>> loss = criterion(torch.eye(3)[[0, 0]], torch.tensor([0, 0]))
    >>> {name: round(float(value), 6) for name, value in criterion.terms.items()}
    {'cross_entropy': 0.551445, 'surrogate': 0.129256, 'cmi': 0.0}
    """

    log_ratio: Tensor

    def __init__(
        self,
        n_classes: int,
        lam: float,
        *,
        n_outputs: int | None = None,
        centroid: str = "frozen",
        n_samples: int | None = None,
        decay: float = DECAY,
    ) -> None:
        super().__init__(n_classes, n_outputs, centroid=centroid, modes=CENTROIDS, decay=decay)
        self.lam = check_weight("lam", lam)
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

    def extra_repr(self) -> str:
        """Return the arguments."""
        samples = "" if self.n_samples is None else f", n_samples={self.n_samples}"
        return (
            f"{self.n_classes}, lam={self.lam}, n_outputs={self.n_outputs}, "
            f"centroid={self.centroid!r}{samples}, decay={self.decay}"
        )

    @in_full_precision
    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        *,
        rows: Tensor | None = None,
        update: bool = True,
    ) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        logits : Tensor, shape (n, K)
            z.
        labels : Tensor of int, shape (n,)
            Classes in [0, C).
        rows : Tensor of int, shape (n,), optional
            Numbers of the samples in the training set; needed with "reverse".
        update : bool, default True
            With "ema", in training mode and where gradients are recorded: move the centroids by
            this batch, after the loss is formed.

        Returns
        -------
        Tensor
            A scalar. Not a number where a logit is infinite or none.

        Raises
        ------
        TypeError, ValueError
            Where the batch is of another shape, a label or row out of range, or what :meth:`fit`
            makes is missing.
        """
        batch = self._rows(logits, labels)
        if self.centroid in _NEED_A_PASS:
            self._refuse_unknown()
        own, exact = cross_entropy(batch), concentration(batch)
        if self.centroid == "reverse":
            bound = reverse_channel_bound(logits, self._ratios(rows, len(logits)))
            self._tell(own.value, bound.detach(), exact.value)
            loss: Tensor = combined(logits, batch, (1.0, own)) - self.lam * bound
            return loss
        together = exact
        if self.centroid != "batch":
            together = concentration(batch, self._log_centroids(batch))
        self._tell(own.value, together.value, exact.value)
        loss = combined(logits, batch, (1.0, own), (-self.lam, together))
        if update and self.centroid == "ema" and self.training and loss.requires_grad:
            self.follow(batch)
        return loss

    def _tell(self, own: Tensor, surrogate: Tensor, exact: Tensor) -> None:
        self.terms = {"cross_entropy": own, "surrogate": surrogate, "cmi": exact}

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

    def fit(self, batches: Iterable[Sequence[Tensor]]) -> Self:
        """Compute the centroids from one pass, and with "reverse" what the bound is made of.

        Parameters
        ----------
        batches : iterable of (logits, labels) or (logits, labels, rows)
            As of :meth:`CentroidLoss.fit`; with "reverse" every sample once, with its number.

        Returns
        -------
        MCMITeacherLoss
            Itself.

        Raises
        ------
        ValueError
            Where there is no sample, or with "reverse" not every sample once.
        """
        if self.centroid != "reverse":
            super().fit(batches)
            return self
        self.reset()  # a pass that breaks off leaves nothing to be used
        classes = self._keep(batches)
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

    def _keep(self, batches: Iterable[Sequence[Tensor]]) -> Tensor:
        """Store ln P of every sample where its ratios will be, and return the classes."""
        size, device = len(self.log_ratio), self.log_ratio.device
        classes, times = torch.zeros((2, size), dtype=torch.int64, device=device)
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
