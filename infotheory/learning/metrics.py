"""The streaming measurement for training code: tensors in, on any device, and one total."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch

from infotheory.classifiers import ClassSums, NCMIAccumulator, NCMIReport
from infotheory.classifiers.told_once import collected, tell
from infotheory.learning.batches import is_elsewhere, sums_of_batch
from infotheory.learning.functional import TensorSums
from infotheory.learning.gathering import gathered_states
from infotheory.models.specs import needed

__all__ = ["NCMIMetric", "torchmetrics_metric"]


class NCMIMetric:
    """CMI, Gamma and NCMI that grow batch by batch, from tensors on any device.

    Parameters
    ----------
    n_classes : int, optional
        C, the number of classes; by default the number of output columns of the first batch.
    temperature : float, default 1.0
        P = softmax(z / temperature).
    smoothing : float, default 0.0
        Weight in [0, 1) of the uniform distribution that is mixed into every row.
    class_names : sequence of str, optional
        One name a class, used in tables and plots.
    shards : int, default 0
        Into how many shards the samples of each class are dealt, for confidence intervals.

    See Also
    --------
    infotheory.NCMIAccumulator : the same for arrays, with the arguments explained at length.

    Notes
    -----
    Tensors on the host are read where they are by the loops of
    :class:`infotheory.NCMIAccumulator`. Others are summed on their device, in double precision, and
    16 K bytes for each class met come to the host when the result is asked for: see
    :func:`infotheory.learning.functional.class_sums`. An update waits for the device, so that a
    batch that is refused leaves everything as it was.

    Gradients are not followed: this measures. One metric is not for several threads at once.

    In a loop, and in several processes::

        metric = NCMIMetric()
        for images, labels in loader:
            metric.update(model(images), labels)
        report = metric.all_reduce().compute()  # one process: all_reduce does nothing

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning import NCMIMetric
    >>> metric = NCMIMetric()
    >>> _ = metric.update(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    >>> metric.update(torch.tensor([[3.0, 1.0]]), torch.tensor([0]))
    NCMIMetric(n=3, n_classes=2, n_outputs=2)
    >>> metric.compute().error
    0.0
    """

    def __init__(
        self,
        n_classes: int | None = None,
        *,
        temperature: float = 1.0,
        smoothing: float = 0.0,
        class_names: Sequence[str] | None = None,
        shards: int = 0,
    ) -> None:
        self._total = NCMIAccumulator(
            n_classes,
            temperature=temperature,
            smoothing=smoothing,
            class_names=class_names,
            shards=shards,
        )
        self._settings = self._total.settings  # as they were given: a reset forgets what data told
        self._pending: TensorSums | None = None
        self._reduced = False

    @property
    def accumulator(self) -> NCMIAccumulator:
        """Everything taken in so far, on the host; not a copy."""
        self._settle()
        return self._total

    @property
    def n(self) -> int:
        """Number of samples taken in."""
        pending = self._pending
        return self._total.n + (0 if pending is None else int(pending.counts.sum()))

    def __repr__(self) -> str:
        known = f"n_classes={self._total.n_classes}, n_outputs={self._total.n_outputs}"
        return f"NCMIMetric(n={self.n}, {known})"

    def __copy__(self) -> NCMIMetric:
        """Return a metric over the same samples that shares nothing with this one."""
        return copy.deepcopy(self)

    def update(
        self, outputs: Any, labels: Any, kind: str = "logits", *, sample_weight: Any = None
    ) -> Self:
        """Take in a batch; a batch that is refused leaves everything as it was.

        Parameters
        ----------
        outputs : Tensor or array_like, shape (n, K)
            On any device; float16, bfloat16, float32, float64 or integers.
        labels : Tensor or array_like of int, shape (n,)
            Class numbers in [0, C), on any device.
        kind : {"logits", "probs", "log_probs"}, default "logits"
            What `outputs` holds. -inf logits are legal: they mask a symbol.
        sample_weight : array_like of float, shape (n,), optional
            How much each sample counts, one by default; zero leaves it out.

        Returns
        -------
        NCMIMetric
            Itself.

        Raises
        ------
        ValueError, TypeError
            Where outputs are not distributions or labels are not classes; the message names the
            argument and the first offending row of the batch.
        """
        if not is_elsewhere(outputs):
            self.accumulator.update(outputs, labels, kind, sample_weight=sample_weight)
            return self
        if self._pending is not None and self._pending.device != outputs.device:
            self._settle()
        sums = sums_of_batch(
            self._total, outputs, labels, kind, sample_weight, so_far=self._pending
        )
        self._pending = sums if self._pending is None else self._pending.absorb(sums)
        if self._total.n_outputs is None:  # from now on the shape is known
            nothing = np.zeros(0, np.int64)
            self._total.include(
                ClassSums.empty(sums.n_classes, sums.n_outputs, nothing, sums.n_parts)
            )
        return self

    def _settle(self) -> None:
        """Bring what is on a device to the host."""
        if self._pending is not None:
            self._total.include(self._pending.class_sums())
            self._pending = None

    def compute(self, base: float | None = None, level: float = 0.95) -> NCMIReport:
        """Return the report over everything taken in so far; the metric may go on.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm: 2 for bits. Nats by default.
        level : float, default 0.95
            Confidence level of the intervals, which are there if `shards` were kept.

        Returns
        -------
        NCMIReport

        Raises
        ------
        ValueError
            Where nothing has been taken in yet, or only samples of weight zero.
        """
        with collected() as warned:
            report = self.accumulator.report(base=base, level=level)
        tell(warned)
        return report

    def merge(self, other: NCMIMetric, allow_repeats: bool = False) -> Self:
        """Take in the samples of another metric, as if they came after the present ones.

        Parameters
        ----------
        other : NCMIMetric
            Over the same classes and symbols, with the same settings. Not changed.
        allow_repeats : bool, default False
            Whether to count the samples of a saved state again that is contained in both.

        Returns
        -------
        NCMIMetric
            Itself.

        Raises
        ------
        ValueError
            Where the two measure different things, or share a saved state.
        """
        if not isinstance(other, NCMIMetric):
            raise TypeError(f"other must be an NCMIMetric; got {type(other).__name__}.")
        self.accumulator.merge(other.accumulator, allow_repeats)
        self._reduced = self._reduced or other._reduced
        return self

    def reset(self) -> Self:
        """Forget all samples, and what they told about the number of classes.

        Returns
        -------
        NCMIMetric
            Itself, as it was made.
        """
        self._total = NCMIAccumulator(**self._settings)
        self._pending = None
        self._reduced = False
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything taken in so far into a file, as :meth:`infotheory.NCMIAccumulator.save`.

        Parameters
        ----------
        path : path_like
            An existing file is replaced once the new one is complete.
        """
        self.accumulator.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], name: str | None = None) -> NCMIMetric:
        """Return the metric that :meth:`save`, or an accumulator's, wrote.

        Parameters
        ----------
        path : path_like
            The file. Nothing in it is ever unpickled.
        name : str, optional
            Which one, where the file holds several.

        Returns
        -------
        NCMIMetric

        Raises
        ------
        StateError
            Where the file is no saved state, or truncated or damaged.
        ValueError
            Where the file does not hold that name, or several states and none is named.
        """
        total = NCMIAccumulator.load(path, name)
        metric = cls(**total.settings)
        metric._total = total
        return metric

    def all_reduce(self, group: Any = None) -> Self:
        """Give every process the samples of all of them, those of rank 0 first.

        Parameters
        ----------
        group : torch.distributed.ProcessGroup, optional
            Whose processes; by default all. Without a process group this does nothing.

        Returns
        -------
        NCMIMetric
            Itself, equal on every rank.

        Raises
        ------
        ValueError
            On every rank: where one measures something else than the others, or has been reduced
            already; its samples would be counted twice.

        Notes
        -----
        A rank may have no samples, lack a class, or not know the number of classes. What travels
        is the bytes of saved states, one rank after the other: 16 K bytes a class met and shard,
        and two of them in memory at a time. Nothing is pickled. Call :meth:`reset` before the next
        epoch.
        """
        distributed = torch.distributed
        if not (distributed.is_available() and distributed.is_initialized()):
            return self
        states = gathered_states(self.accumulator, self._reduced, group)
        _, total = next(states)  # that of rank 0 for all: what does not fit is refused by all
        for rank, state in states:
            try:
                total.merge(state, allow_repeats=True)  # equal samples may be on two ranks
            except ValueError as error:
                raise ValueError(f"rank {rank}: {error}") from error
        self._total, self._reduced = total, True
        return self


def torchmetrics_metric(
    n_classes: int,
    *,
    n_outputs: int | None = None,
    kind: str = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    base: float | None = None,
    **kwargs: Any,
) -> Any:
    """Return CMI, Gamma, NCMI and the error as a metric of torchmetrics.

    Parameters
    ----------
    n_classes : int
        C.
    n_outputs : int, optional
        K; by default C, and labels then name columns.
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What the outputs are.
    temperature, smoothing
        As of :class:`NCMIMetric`.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    **kwargs
        Of ``torchmetrics.Metric``: ``dist_sync_on_step``, ``process_group`` and the like.

    Returns
    -------
    torchmetrics.Metric
        Whose ``compute`` gives a dict of tensors, "cmi", "gamma", "ncmi" and "error", float64.

    Raises
    ------
    ImportError
        Where torchmetrics is not installed.

    Notes
    -----
    Its states are dense tensors that add up (16 C K bytes, and 8 C K for the zeros), so that
    torchmetrics itself synchronises, resets, clones and saves them. ``forward`` costs one update
    and one O(C K) ``compute`` a batch; ``update`` alone is cheaper where the value of the batch is
    not needed. For confidence intervals and the whole report there is :class:`NCMIMetric`.

    >>> import torch
    >>> from torchmetrics import MetricCollection
    >>> from torchmetrics.classification import MulticlassAccuracy
    >>> metrics = MetricCollection([MulticlassAccuracy(2), torchmetrics_metric(2)])
    >>> metrics.update(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    >>> sorted(metrics.compute())
    ['MulticlassAccuracy', 'cmi', 'error', 'gamma', 'ncmi']
    """
    needed("torchmetrics", "torchmetrics_metric", "torchmetrics")
    from infotheory.learning._torchmetrics import NCMIForTorchmetrics

    return NCMIForTorchmetrics(
        n_classes,
        n_outputs=n_outputs,
        kind=kind,
        temperature=temperature,
        smoothing=smoothing,
        base=base,
        **kwargs,
    )
