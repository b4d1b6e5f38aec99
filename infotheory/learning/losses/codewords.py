"""The NCMI surrogate loss: features near the codeword of their class, far from the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor, nn

from infotheory._validation import check_choice, check_temperature, refusal
from infotheory.learning.functional.checks import check_labels, check_logits, check_share
from infotheory.learning.functional.class_rows import classes_met, log_means, sizes
from infotheory.learning.functional.codewords import (
    centroid_scores,
    check_floor,
    codeword_divergences,
    codeword_ratio,
    log_sigmax,
    normalised_features,
)
from infotheory.learning.losses.codebooks import at_least_two, initial_codewords

__all__ = ["NCMILoss"]

_CENTROIDS = ("fixed", "trained", "mean")


class NCMILoss(nn.Module):
    """NCMI surrogate of features: nearness to the codeword of the class over distance from others.

    Parameters
    ----------
    n_classes : int
        C, at least 2.
    n_features : int
        m. The network has no classification layer.
    temperature : float, default 0.2
        T of the features: u = (f - mu) / (T norm(f - mu)), then P = sigmax(u).
    centroid : {"fixed", "trained", "mean"}, default "fixed"
        Where the codewords S come from. "fixed": they stay as they begin, which is what the
        released code does. "trained": S = sigmax(w) of a parameter w, for an optimiser of its own.
        "mean": the mean P of each class, which minimises the numerator.
    codebook : {"identity", "random"}, default "identity"
        How codewords begin. "identity": w is 10 at the feature with the number of the class and
        1e-6 elsewhere, which needs m >= C. "random": w has a random direction and the length 1/T
        of the features, for any m >= 2.
    centre_decay : float, default 0.999999
        How much of the centre mu stays in each training batch, from 0 to 1.
    centroid_decay : float, default 0.99
        With "mean": how much of a codeword stays when a training batch holds its class. 1 leaves
        codewords to :meth:`fit`.
    epsilon : float, default 0.0
        Added to the sums in sigmax. With 1e-8 the numbers are those of the released code.
    floor : float, default 1e-8
        Least denominator of a sample.
    generator : torch.Generator, optional
        For the random codebook; by default PyTorch's global one.

    Attributes
    ----------
    centre : Tensor, shape (m,)
        mu, the running mean of the features; that of the first training batch to begin with.
    codewords : Parameter, shape (C, m)
        w, with "trained" only.
    log_centroids : Tensor, shape (C, m)
        Logarithms of the decoding centroids V, once :meth:`fit_decoding` has run.
    terms : dict of Tensor
        Of the last batch, without gradients: "concentration", the mean of D(P || S_y), and
        "separation", the mean of the denominators.

    Raises
    ------
    ValueError
        If a number is out of range, or the codebook needs more features.

    See Also
    --------
    infotheory.learning.functional.ncmi_codeword_loss : the function, with its formula.

    Notes
    -----
    The loss is the mean over the samples of D(P || S_y) / [(1/C) sum_{c != y} D(S_c || P)], y the
    class of the sample: O(n m + C m). Gradients reach the features and, with "trained", w; none
    reaches mu or the means. In training mode each call first moves mu; in evaluation mode nothing
    changes. All this state belongs to the training of one network: mu hardly moves after its first
    batch, so that another network needs a new loss, or :meth:`reset` before it starts.

    To predict, keep the mean P of each class over the training set and take the nearest::

        loss = NCMILoss(n_classes, n_features)
        for inputs, labels in loader:                 # in training mode
            loss(network(inputs), labels).backward()
            ...
        with torch.no_grad():                         # network and loss in evaluation mode
            loss.fit_decoding((network(inputs), labels) for inputs, labels in loader)
        predicted = loss.scores(network(inputs)).argmax(1)

    Where the paper and the released code differ, this is the code: its centroids never train, since
    the loss reads them detached ("trained" and "mean" are the paper's alternating step); the
    divisor is C with C - 1 terms; decoding centroids are not the codewords. One thing is mended:
    the code forms decoding centroids of features normalised in the L1 norm, here it is the norm of
    training. With "identity" an own entry of a codeword is only twice another (sigmoid of 10 and
    of 0), and a trained w hardly moves there, where the sigmoid is flat. A centre_decay of 0.9999
    and less trains far worse in the authors' logs.

    References
    ----------
    ye2026ncmi

    Examples
    --------
    Two features that point to their classes, and one that has changed sides.

    >>> import torch
    >>> from infotheory.learning.losses import NCMILoss
    >>> loss = NCMILoss(2, 2)
    >>> features = torch.tensor([[3.0, 0.0], [0.0, 3.0], [0.0, 3.0], [3.0, 0.0]])
    >>> value = loss(features, torch.tensor([0, 1, 1, 1]))
    >>> loss.centre
    tensor([1.5000, 1.5000])
    >>> loss.eval().scores(features).argmax(1)  # by codewords, before fit_decoding
    tensor([0, 1, 1, 0])
    """

    centre: Tensor
    batches: Tensor
    code: Tensor
    log_centroids: Tensor
    decodes: Tensor
    _start: Tensor

    def __init__(
        self,
        n_classes: int,
        n_features: int,
        *,
        temperature: float = 0.2,
        centroid: str = "fixed",
        codebook: str = "identity",
        centre_decay: float = 0.999999,
        centroid_decay: float = 0.99,
        epsilon: float = 0.0,
        floor: float = 1e-8,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_choice("centroid", centroid, _CENTROIDS)
        self.n_classes = at_least_two("n_classes", n_classes)
        self.n_features = at_least_two("n_features", n_features)
        self.temperature = check_temperature(temperature)
        self.centroid, self.codebook = centroid, codebook
        self.centre_decay = check_share("centre_decay", centre_decay)
        self.centroid_decay = check_share("centroid_decay", centroid_decay)
        self.epsilon, self.floor = epsilon, check_floor(floor)
        self.terms: dict[str, Tensor] = {}
        w = initial_codewords(
            codebook, self.n_classes, self.n_features, self.temperature, generator
        )
        code = log_sigmax(w, epsilon)
        self.register_buffer("centre", torch.zeros(n_features))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self.register_buffer("log_centroids", torch.zeros_like(code))
        self.register_buffer("decodes", torch.zeros((), dtype=torch.bool))
        if centroid == "trained":
            self.codewords = nn.Parameter(w.clone())
        else:
            self.register_buffer("code", code)
        if centroid != "fixed":  # for reset; no part of what is saved
            begin = w if centroid == "trained" else code.clone()
            self.register_buffer("_start", begin, persistent=False)

    def extra_repr(self) -> str:
        """Return the settings, for ``print``."""
        return (
            f"{self.n_classes}, {self.n_features}, temperature={self.temperature:g}, "
            f"centroid={self.centroid!r}, codebook={self.codebook!r}, "
            f"centre_decay={self.centre_decay!r}, centroid_decay={self.centroid_decay!r}, "
            f"epsilon={self.epsilon:g}, floor={self.floor:g}"
        )

    @torch.no_grad()
    def reset(self) -> Self:
        """Forget the centre and the decoding centroids; codewords are again as they began.

        Returns
        -------
        NCMILoss
            Itself.
        """
        self.centre.zero_()
        self.batches.zero_()
        self.log_centroids.zero_()
        self.decodes.zero_()
        self.terms = {}
        if self.centroid == "trained":
            self.codewords.copy_(self._start)
        elif self.centroid == "mean":
            self.code.copy_(self._start)
        return self

    def log_codewords(self) -> Tensor:
        """Return the logarithms of the codewords S, as the loss uses them now.

        Returns
        -------
        Tensor, shape (C, m)
            Differentiable by w with "trained".
        """
        return log_sigmax(self.codewords, self.epsilon) if self.centroid == "trained" else self.code

    def forward(self, features: Tensor, labels: Tensor, *, update: bool = True) -> Tensor:
        """Return the loss of a batch; in training mode move the centre before.

        Parameters
        ----------
        features : Tensor, shape (n, m)
            f, what the network gives.
        labels : Tensor of int, shape (n,)
            Classes in [0, C).
        update : bool, default True
            With "mean", in training mode: move the codewords by this batch afterwards.

        Returns
        -------
        Tensor
            A scalar.
        """
        n = self._check_features(features)
        labels = check_labels(labels, n, self.n_classes)
        if self.training:
            self._move_centre(features)
        else:
            self._check_centre()
        log_p = self.log_probs(features)
        own, others = codeword_divergences(log_p, labels, self.log_codewords())
        self.terms = {"concentration": own.detach().mean(), "separation": others.detach().mean()}
        if update and self.training and self.centroid == "mean" and self.centroid_decay < 1.0:
            self._move_codewords(log_p.detach(), labels)
        return codeword_ratio(own, others, self.floor)

    @torch.no_grad()
    def fit(self, batches: Iterable[Any]) -> None:
        """Make the codewords the mean P of each class: the closed-form step of "mean".

        Parameters
        ----------
        batches : iterable of (features, labels, ...)
            One pass over the training set, with the present network. Where there is no centre yet,
            the first of them sets it.

        Raises
        ------
        ValueError
            If the codewords are not those of "mean", or a class is missing.
        """
        if self.centroid != "mean":
            raise refusal(
                "centroid",
                "'mean' for codewords to be fitted",
                repr(self.centroid),
                "Fixed codewords stay, trained ones are for an optimiser.",
            )
        means, _ = self._class_means(batches)
        self.code.copy_(means)

    @torch.no_grad()
    def fit_decoding(self, batches: Iterable[Any]) -> float:
        """Make the decoding centroids V the mean P of each class.

        Parameters
        ----------
        batches : iterable of (features, labels, ...)
            One pass over the training set, with the network in evaluation mode. Where there is no
            centre yet, the first of them sets it.

        Returns
        -------
        float
            The mean of D(P_i || V_y), which is the CMI of the features of that set, in nats.

        Raises
        ------
        ValueError
            If a class is missing.
        """
        means, concentration = self._class_means(batches)
        self.log_centroids.copy_(means)
        self.decodes.fill_(True)
        return concentration

    def scores(self, features: Tensor) -> Tensor:
        """Return minus the distance of each sample from the centroid of each class, -D(P || V_c).

        Parameters
        ----------
        features : Tensor, shape (n, m)
            f.

        Returns
        -------
        Tensor, shape (n, C)
            The largest is the prediction; as logits they make a distribution over the classes.
            From the codewords instead of V before the first :meth:`fit_decoding`. Differentiable.

        Raises
        ------
        ValueError
            Where there was no training batch yet, so that there is no centre.
        """
        self._check_features(features)
        self._check_centre()
        centroids = self.log_centroids if bool(self.decodes) else self.log_codewords()
        return centroid_scores(self.log_probs(features), centroids)

    def log_probs(self, features: Tensor) -> Tensor:
        """Return ln P, the logarithms of what the loss compares with codewords.

        Parameters
        ----------
        features : Tensor, shape (n, m)
            f.

        Returns
        -------
        Tensor, shape (n, m)
        """
        return log_sigmax(
            normalised_features(features, self.centre, self.temperature), self.epsilon
        )

    def _check_features(self, features: Tensor) -> int:
        n, m = check_logits(features, "features")
        if m != self.n_features:
            raise refusal(
                "features",
                f"have {self.n_features} columns",
                f"shape {(n, m)}",
                "Pass what enters the last layer of a classifier, or set n_features.",
            )
        return n

    def _check_centre(self) -> None:
        if not bool(self.batches):
            raise refusal(
                "the centre",
                "set before features are measured",
                "no training batch so far",
                "Call the loss in training mode first, or load its saved state.",
            )

    @torch.no_grad()
    def _move_centre(self, features: Tensor) -> None:
        mean = features.to(self.centre.dtype).mean(0)
        usable = mean.isfinite().all()  # a batch that overflowed would stay for good
        rate = torch.where(self.batches == 0, 1.0, 1.0 - self.centre_decay).to(mean.dtype)
        moved = torch.lerp(self.centre, mean, rate)
        self.centre.copy_(torch.where(usable, moved, self.centre))
        self.batches += usable

    @torch.no_grad()
    def _move_codewords(self, log_p: Tensor, labels: Tensor) -> None:
        present, slots = classes_met(labels, self.n_classes)
        counts = sizes(slots, len(present), log_p.dtype)
        means = log_means(log_p, slots, counts).to(self.code.dtype)
        kept = self.code.index_select(0, present)
        share = self.code.new_tensor([self.centroid_decay, 1.0 - self.centroid_decay]).log()
        moved = torch.logaddexp(kept + share[0], means + share[1])
        usable = moved.isfinite().all(1, keepdim=True) & (counts > 0)[:, None]
        self.code.index_copy_(0, present, torch.where(usable, moved, kept))

    def _class_means(self, batches: Iterable[Any]) -> tuple[Tensor, float]:
        """Return logarithms of the mean P of each class, and the mean divergence from them."""
        double = {"device": self.centre.device, "dtype": torch.float64}
        sums = torch.zeros((self.n_classes, self.n_features), **double)
        counts = torch.zeros(self.n_classes, **double)
        inner = torch.zeros((), **double)
        for features, classes, *_ in batches:
            labels = check_labels(classes, self._check_features(features), self.n_classes)
            if not bool(self.batches):
                self._move_centre(features)
            log_p = self.log_probs(features).double()
            p, labels = log_p.exp(), labels.to(log_p.device)
            sums.index_add_(0, labels, p)
            counts.index_add_(0, labels, p.new_ones(len(labels)))
            inner += (p * log_p).sum()
        missing = (counts == 0).nonzero().flatten().tolist()
        if missing:
            raise refusal(
                "batches",
                "have samples of every class",
                f"none of class {', '.join(map(str, missing[:5]))}",
                "Go through the whole training set, or lower n_classes.",
            )
        # An entry may underflow at a very low temperature, and its logarithm is needed finite.
        least = torch.finfo(self.centre.dtype).tiny
        means = (sums / sums.sum(1, keepdim=True)).clamp_min(least).log()
        concentration = (inner - (sums * means).sum()) / counts.sum()
        return means, float(concentration)
