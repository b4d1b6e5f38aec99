"""Class centroids as the state of a loss: how they start, move, are computed, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from infotheory._validation import check_choice, check_count, check_temperature, refusal
from infotheory.learning.functional.checks import (
    HALF,
    check_labels,
    check_logits,
    check_share,
    in_full_precision,
)
from infotheory.learning.functional.class_rows import ClassRows
from infotheory.learning.gathering import summed_over_processes

__all__ = ["CentroidLoss"]

FLOOR = 1e-12  # of stored centroids before the logarithm
DECAY = 0.9999

# What refusals call the rows and the number of their columns: of outputs, and of features.
_NAMES = {False: ("logits", "n_outputs"), True: ("features", "n_features")}
_NORMAL = 1e-4  # how far a row that is given may be from summing to one: single precision, K = 1000


class CentroidLoss(nn.Module):
    """What losses with stored class centroids share.

    Parameters
    ----------
    n_classes : int
        C.
    n_outputs : int, optional
        K, at least C; by default C.
    centroid : str
        How centroids are kept, one of `modes`.
    modes : sequence of str
        What there is to choose from.
    decay : float
        Of the moving averages of "ema", in [0, 1).
    of_features : bool, default False
        Whether rows are features instead of outputs: no label names a column of them, so that K
        may be any number from 2, and refusals speak of features.
    temperature : float, default 1.0
        T > 0: distributions are softmax(z / T).

    Attributes
    ----------
    centroids : Tensor, shape (C, K)
        Q as probabilities, in single precision at least. Uniform at the start.
    seen : Tensor of int64, shape (C,)
        How many samples each centroid was made of.
    terms : dict of str to Tensor
        Parts of the last loss by name, detached scalars.
    """

    centroids: Tensor
    seen: Tensor

    def __init__(
        self,
        n_classes: int,
        n_outputs: int | None,
        *,
        centroid: str,
        modes: Sequence[str],
        decay: float,
        of_features: bool = False,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.n_classes = check_count("n_classes", n_classes)
        self._rows_are, self._columns = _NAMES[of_features]
        self.n_outputs = (
            self.n_classes if n_outputs is None else check_count(self._columns, n_outputs)
        )
        self._check_columns(of_features)
        self._temperature = check_temperature(temperature)
        check_choice("centroid", centroid, tuple(modes))
        self.centroid = centroid
        self.decay = check_share("decay", decay, below_one=True)
        self.terms: dict[str, Tensor] = {}
        self._known = False  # whether any centroid was computed; on the host, so as to be asked
        shape = (self.n_classes, self.n_outputs)
        self.register_buffer("centroids", torch.full(shape, 1.0 / self.n_outputs))
        self.register_buffer("seen", torch.zeros(self.n_classes, dtype=torch.int64))

    def _check_columns(self, of_features: bool) -> None:
        if of_features and self.n_outputs < 2:
            raise refusal(self._columns, "at least 2", str(self.n_outputs))
        if not of_features and self.n_outputs < max(self.n_classes, 2):
            raise refusal(
                "n_outputs",
                f"at least n_classes, {self.n_classes}, and 2",
                str(self.n_outputs),
                "Labels name columns of the logits.",
            )

    def reset(self) -> Self:
        """Forget all centroids: they are uniform again.

        Returns
        -------
        CentroidLoss
            Itself.
        """
        self.centroids.fill_(1.0 / self.n_outputs)
        self.seen.zero_()
        self._known = False
        return self

    def set_centroids(self, centroids: Any, seen: Any = None) -> Self:
        """Take centroids as they are given.

        Parameters
        ----------
        centroids : Tensor or array_like, shape (C, K)
            Distributions, one row a class.
        seen : Tensor or array_like of int, shape (C,), optional
            Of how many samples each was made; by default as many as the decay remembers.

        Returns
        -------
        CentroidLoss
            Itself.

        Raises
        ------
        ValueError
            Where they are not C distributions over K symbols; the message names the first row.
        """
        table = torch.as_tensor(centroids, dtype=torch.float64).detach().cpu()
        shape = tuple(self.centroids.shape)
        if tuple(table.shape) != shape:
            raise refusal("centroids", f"have shape {shape}", f"shape {tuple(table.shape)}")
        wrong = ~((table >= 0).all(1) & ((table.sum(1) - 1.0).abs() <= _NORMAL))
        if wrong.any():
            row = int(wrong.nonzero()[0])
            raise refusal(
                "centroids",
                "distributions, one row a class",
                f"row {row} with sum {float(table[row].sum()):g} and least entry "
                f"{float(table[row].min()):g}",
                "Pass probabilities, not logits.",
            )
        memory = round(1.0 / (1.0 - self.decay))
        counts = torch.full((self.n_classes,), memory) if seen is None else torch.as_tensor(seen)
        self._set(table / table.sum(1, keepdim=True), counts)
        return self

    def _set(self, centroids: Tensor, seen: Tensor) -> None:
        self.centroids.copy_(centroids)
        self.seen.copy_(seen)
        self._known = True

    def fit(self, batches: Iterable[Sequence[Tensor]], *, shared: bool = False) -> Self:
        """Compute the centroids exactly, from one pass over the data.

        Parameters
        ----------
        batches : iterable of (logits, labels) or (logits, labels, rows)
            Tensors on any device, of a pass over the training data; rows are numbers of samples, of
            which only a reverse channel makes use.
        shared : bool, default False
            Whether every process has a part of the samples: their sums are then added up over the
            processes of PyTorch's default group, if there is one. All have to call this.

        Returns
        -------
        CentroidLoss
            Itself. The centroid of a class without samples is left as it was.

        Raises
        ------
        ValueError
            Where there is no sample at all.

        Notes
        -----
        Sums are in double precision. Mind the mode of the network: with batch normalisation or
        dropout, outputs in training mode are others than in evaluation mode.
        """
        total = torch.zeros(self.centroids.shape, dtype=torch.float64, device=self.centroids.device)
        counts = torch.zeros_like(self.seen)
        for logits, labels, *_ in batches:
            log_probs, own = self._log_probs(logits, labels)
            total.index_add_(0, own, log_probs.exp())
            counts.index_add_(0, own, torch.ones_like(own))
        if shared:
            summed_over_processes(total, counts)
        met = counts > 0
        if not met.any():
            raise refusal(
                "batches", "have at least one sample", "none", "A generator can be used once only."
            )
        means = total / counts.clamp_min(1)[:, None]
        self._set(
            torch.where(met[:, None], means, self.centroids), torch.where(met, counts, self.seen)
        )
        return self

    def _log_probs(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return ln softmax in double precision, and labels, where the centroids are."""
        n = self._check_outputs(logits)
        labels = check_labels(labels, n, self.n_classes).to(self.centroids.device)
        rows = self._scaled(logits.detach().to(self.centroids.device).double())
        return torch.log_softmax(rows, 1), labels

    def _scaled(self, logits: Tensor) -> Tensor:
        return logits if self._temperature == 1.0 else logits / self._temperature

    @in_full_precision
    def update(self, logits: Tensor, labels: Tensor) -> Self:
        """Move centroids towards class means: Q <- decay Q + (1 - decay) mean softmax(z).

        Parameters
        ----------
        logits : Tensor, shape (n, K)
            Outputs for samples that were drawn for this, eight of each class say.
        labels : Tensor of int, shape (n,)
            Their classes. Centroids of classes that are absent stay.

        Returns
        -------
        CentroidLoss
            Itself.
        """
        self._move(self._rows(logits, labels), 1.0 - self.decay)
        return self

    def follow(self, rows: ClassRows) -> None:
        """Move centroids towards the means of a training batch, quickly while they are new.

        Parameters
        ----------
        rows : ClassRows
            The batch.

        Notes
        -----
        The weight of m samples after s earlier ones of a class is 2 m / (s + m), at most one and at
        least 1 - decay. So the first batch replaces the uniform start, and for a while Q is a mean
        in which a sample weighs the more the later it came: the network changes most at first.
        """
        seen = self.seen.index_select(0, rows.present).to(rows.counts.dtype)
        share = 2.0 * rows.counts / (seen + rows.counts).clamp_min(1.0)
        self._move(rows, share.clamp(1.0 - self.decay, 1.0)[:, None])

    def _move(self, rows: ClassRows, weight: float | Tensor) -> None:
        self._blend(rows.present, rows.mass, rows.counts, weight)

    def _blend(self, present: Tensor, mass: Tensor, counts: Tensor, weight: float | Tensor) -> None:
        """Move centroids of some classes towards means, given as sums and numbers of samples."""
        dtype = self.centroids.dtype
        met = (counts > 0)[:, None]
        means = (mass / counts.clamp_min(1.0)[:, None]).to(dtype)
        former = self.centroids.index_select(0, present)
        moved = torch.lerp(former, means, (met.to(dtype) * weight).to(dtype))
        total = moved.sum(1, keepdim=True)
        broken = ~total.isfinite()  # a batch that overflowed would stay for good
        moved /= total.masked_fill_(~met, 1.0)
        # To choose takes longer than to divide; on another device, to ask would wait for it.
        if moved.device.type != "cpu" or bool(broken.any()):
            moved = torch.where(broken, former, moved)
        self.centroids.index_copy_(0, present, moved)
        self.seen.index_add_(0, present, counts.long() * ~broken[:, 0])
        self._known = True

    def _rows(self, logits: Tensor, labels: Tensor) -> ClassRows:
        """Return the checked batch."""
        self._check_outputs(logits)
        if logits.device != self.centroids.device:
            raise refusal(
                self._rows_are,
                f"on {self.centroids.device}, where the centroids are",
                f"a tensor on {logits.device}",
                f"Move the loss: criterion.to({str(logits.device)!r}).",
            )
        return ClassRows.of(self._scaled(logits), labels, self.n_classes)

    def _check_outputs(self, logits: Tensor) -> int:
        n, columns = check_logits(logits, self._rows_are)
        if columns != self.n_outputs:
            raise refusal(
                self._rows_are,
                f"have {self.n_outputs} columns, as the centroids",
                str(columns),
                f"Make the loss with {self._columns}={columns}.",
            )
        return n

    def _log_centroids(self, rows: ClassRows) -> Tensor:
        """Return ln Q of the slots of a batch."""
        stored = self.centroids.index_select(0, rows.present).to(rows.log_probs.dtype)
        return stored.clamp_min_(FLOOR).log_()

    def _refuse_unknown(self) -> None:
        if not self._known:
            raise refusal(
                "centroids",
                f"computed before the first batch with centroid={self.centroid!r}",
                "a loss without any",
                "Call fit(batches) with the (logits, labels) of one pass over the training data.",
            )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # A moving average in half precision would stand still.
        exact = self.centroids
        super()._apply(fn, recurse)
        if self.centroids.dtype in HALF:
            self.centroids = exact.to(self.centroids.device)
        return self

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        for name, own in self.named_buffers(recurse=False):
            given = state_dict.get(prefix + name)
            if isinstance(given, Tensor) and given.shape != own.shape:
                raise refusal(
                    "state_dict",
                    f"have {name} of shape {tuple(own.shape)}",
                    f"shape {tuple(given.shape)}",
                    "It was saved by a loss for other classes, outputs or samples.",
                )
        super()._load_from_state_dict(state_dict, prefix, *rest)
        self._known = bool(self.seen.any())
