"""Cross entropy constrained by concentration and separation: the loss of CMIC-DL."""

from __future__ import annotations

from torch import Tensor

from infotheory._validation import check_choice, check_flag
from infotheory.learning.functional.checks import check_weight, in_full_precision
from infotheory.learning.functional.class_rows import (
    combined,
    concentration,
    cross_entropy,
    separation,
)
from infotheory.learning.functional.classification import GRADIENTS, n_pairs
from infotheory.learning.losses.centroids import DECAY, CentroidLoss

__all__ = ["CMICLoss"]

CENTROIDS = ("ema", "epoch", "batch")


class CMICLoss(CentroidLoss):
    """Cross entropy + lam CMI - beta Gamma, with class centroids as its state.

    Parameters
    ----------
    n_classes : int
        C.
    lam : float
        Weight of the concentration CMI, at least 0.
    beta : float
        Weight of the separation Gamma, at least 0.
    n_outputs : int, optional
        K, at least C; by default C.
    centroid : {"ema", "epoch", "batch"}, default "ema"
        Where the centroids Q of the term of CMI come from: moving averages; an exact pass over the
        training data by :meth:`fit`, to be repeated at the start of each epoch; the means of each
        batch.
    decay : float, default 0.9999
        Of the moving averages, in [0, 1).
    gradient : {"first", "both"}, default "first"
        Whether both arguments of the cross entropies in Gamma are differentiated, or the second is
        a constant. "both" is the gradient of the loss, but needs a small `beta`: see below.
    unbiased : bool, default False
        Whether Gamma is divided by n (n - 1) instead of n^2.

    Attributes
    ----------
    centroids : Tensor, shape (C, K)
        Q, probabilities in single precision at least; uniform at the start.
    seen : Tensor of int64, shape (C,)
        How many samples each was made of.
    terms : dict of str to Tensor
        After a call: "cross_entropy", "cmi" (by Q) and "gamma", detached scalars.

    See Also
    --------
    infotheory.learning.functional.cmi : the term alone, and what is differentiated.
    infotheory.measure_classifier : CMI, Gamma and NCMI of the trained network.

    Notes
    -----
    Called as ``loss(logits, labels)``. All terms are means over the batch, in nats, in single
    precision at least (also under autocast), with one closed-form gradient that can be
    differentiated once. Q is a constant in it; with centroids of the batch that changes nothing.
    In a loop of one's own::

        criterion = CMICLoss(10, lam=0.7, beta=0.4)
        loss = criterion(model(x), y)
        loss.backward()

    With "ema", each call in training mode that records gradients also moves Q by its own batch.
    The published algorithm draws fresh samples of each class instead, eight of them by code of the
    same group, and starts from the uniform distribution: call ``criterion(..., update=False)`` and
    give :meth:`update` the outputs of such samples after each step. Several processes with a part
    of the batch each must gather logits and labels first, or their Q drift apart.

    With "epoch", at the start of each epoch::

        with torch.no_grad():
            criterion.fit((model(x), y) for x, y in loader)

    Gamma has no upper bound. Where a network fits its training data, larger logits lower this loss
    without end for any `beta` above 0, and with "both" that is where training goes: on the digits
    of scikit-learn a small network diverges with 0.1 (clipping delays it), not with 0.01. The slope
    by "first" vanishes where answers are certain; 0.4 is stable there. It is what code of the
    authors' group does.

    A batch of one class has Gamma = 0 and no gradient from it; with "batch" centroids a class with
    one sample has no CMI and no gradient from it. While Q is too old the term of CMI is too large,
    never too small.

    Label smoothing alone is ``torch.nn.CrossEntropyLoss(label_smoothing=...)``.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    Each class answers with one voice, so that CMI is 0 and the loss is CE - beta Gamma.

    >>> import torch
    >>> from infotheory.learning.losses import CMICLoss
    >>> criterion = CMICLoss(2, lam=0.7, beta=0.4, centroid="batch")
    >>> loss = criterion(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    >>> {name: round(float(value), 4) for name, value in criterion.terms.items()}
    {'cross_entropy': 0.3133, 'cmi': 0.0, 'gamma': 0.5222}
    >>> round(float(loss), 4)  # 0.3133 - 0.4 x 0.5222
    0.1044
    """

    def __init__(
        self,
        n_classes: int,
        lam: float,
        beta: float,
        *,
        n_outputs: int | None = None,
        centroid: str = "ema",
        decay: float = DECAY,
        gradient: str = "first",
        unbiased: bool = False,
    ) -> None:
        super().__init__(n_classes, n_outputs, centroid=centroid, modes=CENTROIDS, decay=decay)
        self.lam = check_weight("lam", lam)
        self.beta = check_weight("beta", beta)
        check_choice("gradient", gradient, GRADIENTS)
        self.gradient = gradient
        self.unbiased = check_flag("unbiased", unbiased)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return (
            f"{self.n_classes}, lam={self.lam}, beta={self.beta}, n_outputs={self.n_outputs}, "
            f"centroid={self.centroid!r}, decay={self.decay}, gradient={self.gradient!r}, "
            f"unbiased={self.unbiased}"
        )

    @in_full_precision
    def forward(self, logits: Tensor, labels: Tensor, *, update: bool = True) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        logits : Tensor, shape (n, K)
            z.
        labels : Tensor of int, shape (n,)
            Classes in [0, C).
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
            Where the batch is of another shape, a label out of range, or centroids are to come from
            :meth:`fit`, which was not called.
        """
        rows = self._rows(logits, labels)
        stored = None
        if self.centroid != "batch":
            if self.centroid == "epoch":
                self._refuse_unknown()
            stored = self._log_centroids(rows)
        own = cross_entropy(rows)
        together = concentration(rows, stored)
        apart = separation(rows, n_pairs(len(logits), self.unbiased), self.gradient == "both")
        self.terms = {
            "cross_entropy": own.value,
            "cmi": together.value,
            "gamma": apart.value,
        }
        loss = combined(logits, rows, (1.0, own), (self.lam, together), (-self.beta, apart))
        if update and self.centroid == "ema" and self.training and loss.requires_grad:
            self.follow(rows)
        return loss
