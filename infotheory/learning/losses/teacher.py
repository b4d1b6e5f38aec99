"""Cross entropy with a reward for conditional mutual information: the loss of MCMI teachers."""

from __future__ import annotations

from torch import Tensor

from infotheory.learning.functional.centroids import reverse_channel_bound
from infotheory.learning.functional.checks import check_weight, in_full_precision
from infotheory.learning.functional.class_rows import (
    combined,
    concentration,
    cross_entropy,
)
from infotheory.learning.losses.centroids import DECAY
from infotheory.learning.losses.reverse_channel import NEED_A_PASS, ReverseChannelLoss

__all__ = ["MCMITeacherLoss"]

CENTROIDS = ("frozen", "epoch", "ema", "batch", "reverse")


class MCMITeacherLoss(ReverseChannelLoss):
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
        super().__init__(
            n_classes, n_outputs, n_samples, centroid=centroid, modes=CENTROIDS, decay=decay
        )
        self.lam = check_weight("lam", lam)

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
        if self.centroid in NEED_A_PASS:
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
