"""Cross entropy with the CMI of features: the loss that fine-tunes language models."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor

from infotheory._validation import check_choice, check_count, refusal
from infotheory.learning.functional.centroids import reverse_channel_bound
from infotheory.learning.functional.checks import check_logits, check_weight, in_full_precision
from infotheory.learning.functional.class_rows import (
    ClassRows,
    Part,
    combined,
    concentration,
    cross_entropy,
    separation,
)
from infotheory.learning.functional.classification import n_pairs
from infotheory.learning.gathering import summed_over_processes
from infotheory.learning.losses.reverse_channel import NEED_A_PASS, ReverseChannelLoss

__all__ = ["LanguageCMILoss", "check_objective"]

CENTROIDS = ("ema", "epoch", "batch", "frozen", "reverse")
SPACES = ("feature", "output")
SIGNS = {"student": 1.0, "teacher": -1.0}
_OTHER = {"student": "teacher", "teacher": "student"}


def check_objective(lam: Any, beta: Any, role: str, space: str, centroid: str) -> None:
    """Refuse weights, a role and a way to keep centroids that do not go together.

    Parameters
    ----------
    lam, beta, role, space, centroid
        As of :class:`LanguageCMILoss`.

    Raises
    ------
    ValueError
        The text says which.
    """
    check_choice("role", role, tuple(SIGNS))
    check_choice("space", space, SPACES)
    check_choice("centroid", centroid, CENTROIDS)
    if isinstance(lam, (int, float)) and lam < 0:
        raise refusal("lam", "at least 0", repr(lam), f"Or use role={_OTHER[role]!r}.")
    check_weight("lam", lam)
    if check_weight("beta", beta) > 0 and role == "teacher":
        raise refusal(
            "beta",
            "0 with role='teacher'",
            repr(beta),
            "No source says whether a teacher's classes are to be driven apart or together.",
        )
    if centroid == "reverse" and role == "student":
        raise refusal(
            "centroid",
            "another than 'reverse' with role='student'",
            repr(centroid),
            "A lower bound can be made small while CMI is not; use 'ema'.",
        )


class LanguageCMILoss(ReverseChannelLoss):
    """Cross entropy + lam CMI - beta Gamma for a model, cross entropy - lam CMI for a teacher.

    Parameters
    ----------
    n_classes : int
        C.
    n_features : int
        d, any number from 2: fewer than classes is fine.
    lam : float
        Weight of CMI, at least 0.
    beta : float, default 0.0
        Weight of Gamma in the same space, at least 0; 0 for a teacher.
    role : {"student", "teacher"}, default "student"
        Whether CMI is made small, for a better model, or large, for a better teacher.
    space : {"feature", "output"}, default "feature"
        Of what: of f = softmax(h / T) over the features h, or of the output distributions.
    feature_temperature : float, default 1.0
        T > 0, in the space of features.
    centroid : {"ema", "epoch", "batch", "frozen", "reverse"}, default "ema"
        How the centroids of the classes are kept: moving averages; one pass before each epoch; the
        means of each batch; one pass before the first; for a teacher "reverse", the lower bound by
        the features of the last pass. Passes are given to :meth:`fit`.
    decay : float, default 0.9
        Of the moving averages, in [0, 1). A class that was never met takes its first mean whole.
    n_samples : int, optional
        With "reverse": how many samples the training set has.

    Attributes
    ----------
    centroids : Tensor, shape (C, d), or (C, C) in the space of outputs
        g, probabilities in single precision at least; uniform at the start.
    seen : Tensor of int64, shape (C,)
        How many samples each was made of.
    terms : dict of str to Tensor
        After a call, detached scalars: "cross_entropy"; "cmi", that of the batch by its own
        centroids; "surrogate", the mean D(f_i || g_{y_i}) or the lower bound, which is what the
        loss holds; "gamma" where it has a weight; "feature_norm", the mean length of h.

    See Also
    --------
    infotheory.learning.losses.CMICLoss : the same idea for outputs over many classes.
    infotheory.learning.losses.MCMITeacherLoss : why a surrogate of a teacher may lie.

    Notes
    -----
    Called as ``loss(logits, labels, features)``, with "reverse" also ``rows=``. A mean over the
    batch, in nats, in single precision at least (also under autocast), with a closed-form gradient
    that can be differentiated once: (1/n) f_i (ln f_i/g - D(f_i || g)) / T by h_i. It reaches the
    encoder and never the head. Centroids are constants in it. Of Gamma the slope by the first
    argument alone is taken, as in :class:`CMICLoss`.

    Two or three classes leave outputs little room, hence features. Two things to know of them:
    h + c changes nothing, and s h has about s^2 times the CMI, so that shrinking all features does
    what a student's term asks for. "feature_norm" shows it. A teacher's surrogate by old centroids
    grows when a whole class moves away from its centroid; "cmi" does not, nor does "reverse".

    With "ema", in training mode and where gradients are recorded, a call moves the centroids by its
    batch afterwards. Where several batches, or processes with a part each, make one step of the
    optimiser, the loss of each is ``update=False``, and ::

        criterion.observe(features, labels)  # each batch
        criterion.step()                     # once a step of the optimiser, in every process

    moves them once, by all of it. With "batch", and for Gamma, such parts are not the same as the
    whole: each is taken by itself.

    References
    ----------
    sivakaran2025cmi

    Examples
    --------
    Equal features have no CMI.

    >>> import torch
    >>> from infotheory.learning.losses import LanguageCMILoss
    >>> criterion = LanguageCMILoss(2, 3, lam=0.5, centroid="batch")
    >>> features = torch.tensor([[3.0, 0.0, 4.0]]).expand(2, 3)
    >>> loss = criterion(torch.zeros(2, 2), torch.tensor([0, 0]), features)
    >>> {name: round(float(value), 4) for name, value in criterion.terms.items()}
    {'cross_entropy': 0.6931, 'cmi': 0.0, 'surrogate': 0.0, 'feature_norm': 5.0}
    """

    def __init__(
        self,
        n_classes: int,
        n_features: int,
        lam: float,
        *,
        beta: float = 0.0,
        role: str = "student",
        space: str = "feature",
        feature_temperature: float = 1.0,
        centroid: str = "ema",
        decay: float = 0.9,
        n_samples: int | None = None,
    ) -> None:
        check_objective(lam, beta, role, space, centroid)
        of_features = space == "feature"
        super().__init__(
            n_classes,
            n_features if of_features else None,
            n_samples,
            centroid=centroid,
            modes=CENTROIDS,
            decay=decay,
            of_features=of_features,
            temperature=feature_temperature if of_features else 1.0,
        )
        self.n_features = check_count("n_features", n_features)
        self.lam, self.beta = float(lam), float(beta)
        self.role, self.space, self.feature_temperature = role, space, float(feature_temperature)
        self._observed: tuple[Tensor, Tensor] | None = None

    def extra_repr(self) -> str:
        """Return the arguments."""
        samples = "" if self.n_samples is None else f", n_samples={self.n_samples}"
        return (
            f"{self.n_classes}, {self.n_features}, lam={self.lam}, beta={self.beta}, "
            f"role={self.role!r}, space={self.space!r}, "
            f"feature_temperature={self.feature_temperature}, centroid={self.centroid!r}, "
            f"decay={self.decay}{samples}"
        )

    @in_full_precision
    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        features: Tensor | None = None,
        *,
        rows: Tensor | None = None,
        update: bool = True,
    ) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        logits : Tensor, shape (n, C)
            z.
        labels : Tensor of int, shape (n,)
            Classes in [0, C).
        features : Tensor, shape (n, d)
            h, what the head is fed with. In the space of outputs only their length is told, and
            they may be left out.
        rows : Tensor of int, shape (n,), optional
            Numbers of the samples in the training set; needed with "reverse".
        update : bool, default True
            With "ema", in training mode and where gradients are recorded: move the centroids by
            this batch, after the loss is formed.

        Returns
        -------
        Tensor
            A scalar. Not a number where a logit or a feature is infinite or none.

        Raises
        ------
        TypeError, ValueError
            Where the batch is of another shape, a label or row out of range, or what :meth:`fit`
            makes is missing.
        """
        if self.centroid in NEED_A_PASS:
            self._refuse_unknown()
        answers, target, batch = self._read(logits, labels, features)
        own, parts, bound = cross_entropy(answers), [], None
        self.terms = {"cross_entropy": own.value, "cmi": concentration(batch).value}
        if self.centroid == "reverse":
            bound = reverse_channel_bound(target, self._ratios(rows, len(target)))
            self.terms["surrogate"] = bound.detach()
        else:
            together = self._together(batch)
            self.terms["surrogate"] = together.value
            parts.append((SIGNS[self.role] * self.lam, together))
        if self.beta:
            apart = separation(batch, n_pairs(len(target), unbiased=False), both=False)
            self.terms["gamma"] = apart.value
            parts.append((-self.beta, apart))
        if features is not None:
            self.terms["feature_norm"] = features.detach().norm(dim=1).mean()
        # What has no weight has no say, not even where it is no number.
        parts = [(weight, part) for weight, part in parts if weight]
        together_with = parts if batch is answers else []
        loss = combined(logits, answers, (1.0, own), *together_with)
        if parts and batch is not answers:
            loss = loss + combined(target, batch, *parts)
        if bound is not None and self.lam:
            loss = loss - self.lam * bound
        if update and self.centroid == "ema" and self.training and loss.requires_grad:
            self._collect(batch)
            self.step()
        return loss

    def _read(
        self, logits: Tensor, labels: Tensor, features: Tensor | None
    ) -> tuple[ClassRows, Tensor, ClassRows]:
        """Return the answers; and what CMI is of, as a function of the network, and as rows."""
        if self.space == "output":
            batch = self._rows(logits, labels)
            return batch, logits, batch
        n, columns = check_logits(logits)
        if columns != self.n_classes:
            raise refusal("logits", f"have {self.n_classes} columns, one a class", str(columns))
        if features is None:
            raise refusal(
                "features",
                "given with space='feature'",
                "None",
                "Call loss(logits, labels, features) with what the head is fed with.",
            )
        if self._check_outputs(features) != n:
            raise refusal("features", f"have one row a row of logits, {n}", str(len(features)))
        batch = self._rows(features, labels)
        return ClassRows.of(logits, labels, self.n_classes), self._scaled(features), batch

    def _together(self, batch: ClassRows) -> Part:
        stored = None if self.centroid == "batch" else self._log_centroids(batch)
        return concentration(batch, stored)

    @torch.no_grad()
    @in_full_precision
    def observe(self, rows: Tensor, labels: Tensor) -> Self:
        """Take in a batch for the next :meth:`step`: its sums over classes are added up.

        Parameters
        ----------
        rows : Tensor, shape (n, d)
            The features; in the space of outputs the logits.
        labels : Tensor of int, shape (n,)
            Their classes.

        Returns
        -------
        LanguageCMILoss
            Itself.
        """
        self._collect(self._rows(rows, labels))
        return self

    def _collect(self, batch: ClassRows) -> None:
        mass, counts = self._pending()
        # Sums in double precision, so that the parts they came in make no difference.
        mass.index_add_(0, batch.present, batch.mass.double())
        counts.index_add_(0, batch.present, batch.counts.double())
        self._observed = mass, counts

    def _pending(self) -> tuple[Tensor, Tensor]:
        if self._observed is None:
            mass = torch.zeros_like(self.centroids, dtype=torch.float64)
            return mass, mass.new_zeros(self.n_classes)
        return self._observed

    @torch.no_grad()
    def step(self) -> Self:
        """Move the centroids of "ema" once, by all that was observed since; others stay.

        Returns
        -------
        LanguageCMILoss
            Itself.

        Notes
        -----
        g <- decay g + (1 - decay) mean f, for classes that were observed. With several processes
        (of PyTorch's default group) the means are over all of them, and all have to call this.
        """
        (mass, counts), self._observed = self._pending(), None
        if self.centroid == "ema":
            summed_over_processes(mass, counts)
            everyone = torch.arange(self.n_classes, device=mass.device)
            new = self.seen == 0
            self._blend(everyone, mass, counts * new, 1.0)
            self._blend(everyone, mass, counts * ~new, 1.0 - self.decay)
        return self

    def forget(self) -> Self:
        """Drop what was observed since the last :meth:`step`.

        Returns
        -------
        LanguageCMILoss
            Itself.
        """
        self._observed = None
        return self
