"""Streaming measurement: batches in, report out; states of separate processes merge."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Sequence
from typing import Any, Self

from infotheory._simplex import KINDS
from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory._validation import (
    as_labels,
    as_names,
    as_outputs,
    as_weights,
    check_base,
    check_choice,
    check_count,
    check_jobs,
    check_level,
    check_shards,
    check_smoothing,
    check_temperature,
    refusal,
)
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.intervals import jackknife_intervals
from infotheory.classifiers.likeness import check_names, refuse_repeats, refuse_unlike
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.report import NCMIReport
from infotheory.classifiers.shards import deal, dealt_on
from infotheory.classifiers.valid_rows import refuse_probabilities

__all__ = ["NCMIAccumulator"]


class NCMIAccumulator:
    """Class sums that grow batch by batch, and the report at any moment.

    Parameters
    ----------
    n_classes : int, optional
        C, the number of classes. By default the number of output columns of the first batch, and
        labels then name columns. Give it where outputs are features or tokens rather than class
        scores: cross entropy, error, top-5 error and calibration error are then nan.
    temperature : float, default 1.0
        P = softmax(z / temperature); probabilities are raised to 1/temperature and normalised.
    smoothing : float, default 0.0
        Weight in [0, 1) of the uniform distribution that is mixed into every row. Positive
        smoothing makes Gamma finite in the presence of exact zeros, and changes every quantity.
    class_names : sequence of str, optional
        One name a class, used in tables and plots.
    shards : int, default 0
        Into how many shards the samples of each class are dealt in turn, 20 say. With shards the
        report has confidence intervals, by leaving out one shard after the other: no second pass,
        also over merged states; memory and the size of saved states grow by that factor.
    n_jobs : int, optional
        Threads for one batch. By default one, or all cores for batches of more than fifty million
        numbers. The result does not depend on it.

    See Also
    --------
    infotheory.measure_classifier : the same for outputs that are in memory at once.

    Notes
    -----
    The state takes 16 bytes x K for each class met, and an update O(n K) time; nothing of size
    n x K is allocated. A small batch that meets S classes costs a temporary of 16 S K bytes.
    One accumulator is not for several threads at once: each has its own, and they are merged.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> from infotheory import NCMIAccumulator
    >>> accumulator = NCMIAccumulator()
    >>> for logits, labels in [([[2.0, 0.0]], [0]), ([[0.0, 1.0], [3.0, 1.0]], [1, 0])]:
    ...     _ = accumulator.update(logits, labels)
    >>> accumulator
    NCMIAccumulator(n=3, n_classes=2, n_outputs=2)
    >>> round(accumulator.report().error, 3)
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
        n_jobs: int | None = None,
    ) -> None:
        self._n_classes = None if n_classes is None else check_count("n_classes", n_classes)
        self.temperature = check_temperature(temperature)
        self.smoothing = check_smoothing(smoothing)
        self.class_names = as_names(class_names)
        self.shards = check_shards(shards)
        self._n_jobs = check_jobs(n_jobs)
        self._sums: ClassSums | None = None
        self._digests: frozenset[str] = frozenset()
        if self._n_classes is not None:
            self._check_names(self._n_classes)

    @property
    def n(self) -> int:
        """Number of samples taken in."""
        return 0 if self._sums is None else self._sums.n

    @property
    def n_classes(self) -> int | None:
        """Number of classes C; None before it is known."""
        return self._n_classes if self._sums is None else self._sums.n_classes

    @property
    def n_outputs(self) -> int | None:
        """Number of output symbols K; None before the first batch."""
        return None if self._sums is None else self._sums.n_outputs

    @property
    def sums(self) -> ClassSums:
        """The state itself, not a copy: read it, do not change it."""
        if self._sums is None:
            raise refusal(
                "accumulator", "updated with at least one batch", "no samples", "Call update first."
            )
        return self._sums

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make an empty accumulator like this one, `n_jobs` aside."""
        return {
            "n_classes": self.n_classes,
            "temperature": self.temperature,
            "smoothing": self.smoothing,
            "class_names": self.class_names,
            "shards": self.shards,
        }

    @property
    def digests(self) -> frozenset[str]:
        """Digests of the saved states whose samples are in this one: its own, and those merged."""
        return self._digests

    def __repr__(self) -> str:
        return (
            f"NCMIAccumulator(n={self.n}, n_classes={self.n_classes}, n_outputs={self.n_outputs})"
        )

    def update(
        self, outputs: Any, labels: Any, kind: str = "logits", *, sample_weight: Any = None
    ) -> Self:
        """Take in a batch; a batch that is refused leaves the state as it was.

        Parameters
        ----------
        outputs : array_like, shape (n, K)
            float16, float32, float64 or bfloat16; a torch tensor on any device is accepted.
        labels : array_like of int, shape (n,)
            Class numbers in [0, C).
        kind : {"logits", "probs", "log_probs"}, default "logits"
            What `outputs` holds. -inf logits are legal: they mask a symbol.
        sample_weight : array_like of float, shape (n,), optional
            How much each sample counts, one by default; zero leaves it out.

        Returns
        -------
        NCMIAccumulator
            Itself.

        Raises
        ------
        ValueError, TypeError
            Where outputs are not distributions or labels are not classes; the message names the
            argument and the first offending row of the batch.
        """
        rows, targets = self.check(outputs, labels, kind)
        weights = None if sample_weight is None else as_weights(sample_weight, rows.shape[0])
        self.take(rows, targets, kind, weights)
        return self

    def check(self, outputs: Any, labels: Any, kind: str) -> tuple[AnyArray, IntArray]:
        """Return outputs and labels as arrays that :meth:`take` accepts, or refuse them.

        Parameters
        ----------
        outputs, labels, kind
            As in :meth:`update`.

        Returns
        -------
        rows, targets : ndarray
            Of the same samples. Rows are not copied and not yet checked to be distributions.
        """
        check_choice("kind", kind, KINDS)
        rows = as_outputs(outputs)
        if self.n_outputs is not None and rows.shape[1] != self.n_outputs:
            raise refusal(
                "outputs",
                f"rows of {self.n_outputs} symbols, as in the first batch",
                f"{rows.shape[1]} columns",
                "Use one accumulator for each model.",
            )
        if kind == "logits":
            refuse_probabilities(rows)
        n_classes = self.n_classes or rows.shape[1]
        self._check_names(n_classes)
        return rows, as_labels(labels, rows.shape[0], n_classes)

    def take(
        self,
        rows: AnyArray,
        targets: IntArray,
        kind: str,
        weights: FloatArray | None = None,
        first_row: int = 0,
    ) -> None:
        """Add checked samples; `first_row` is what a refusal calls the first of them.

        Parameters
        ----------
        rows, targets : ndarray
            As returned by :meth:`check`.
        kind : {"logits", "probs", "log_probs"}
            What `rows` holds.
        weights : ndarray of float, shape (n,), optional
            Checked sample weights.
        first_row : int, default 0
            Number of the first row in the whole of which `rows` is a part.
        """
        n_classes = self.n_classes or rows.shape[1]
        parts = deal(targets, self.shards, n_classes, self._sums, weights) if self.shards else None
        batch = class_sums(
            rows,
            targets,
            n_classes,
            kind=kind,
            temperature=self.temperature,
            smoothing=self.smoothing,
            weights=weights,
            parts=parts,
            n_parts=max(1, self.shards),
            n_jobs=self._n_jobs,
            first_row=first_row,
        )
        self._sums = batch if self._sums is None else self._sums.absorb(batch)

    def merge(self, other: NCMIAccumulator, allow_repeats: bool = False) -> Self:
        """Take in the samples of another accumulator, as if they came after the present ones.

        Parameters
        ----------
        other : NCMIAccumulator
            Over the same classes and symbols, with the same temperature and smoothing. Not changed.
        allow_repeats : bool, default False
            Whether to count the samples of a saved state again that is contained in both.

        Returns
        -------
        NCMIAccumulator
            Itself.

        Raises
        ------
        ValueError
            Where the two measure different things, or share a saved state.
        """
        if not isinstance(other, NCMIAccumulator):
            raise TypeError(f"other must be an NCMIAccumulator; got {type(other).__name__}.")
        refuse_unlike(self, other)
        if not allow_repeats:
            refuse_repeats(self, other)
        self.class_names = self.class_names or other.class_names
        self._n_classes = self._n_classes or other._n_classes
        sums = other._sums
        if sums is not None:
            sums = sums.copy() if self._sums is None else dealt_on(sums, self._sums)
        self.include(sums, other._digests)
        return self

    def include(self, sums: ClassSums | None, digests: Iterable[str] = ()) -> None:
        """Add sums over further samples; neither they nor their source are checked.

        Parameters
        ----------
        sums : ClassSums or None
            Over the same classes and symbols. An empty accumulator keeps them, not a copy.
        digests : iterable of str
            Of the saved states from which the samples come, for :attr:`digests`.
        """
        if sums is not None:
            self._sums = sums if self._sums is None else self._sums.absorb(sums)
        self._digests |= frozenset(digests)

    def __copy__(self) -> NCMIAccumulator:
        """Return an accumulator over the same samples that shares nothing with this one."""
        return copy.deepcopy(self)

    def __add__(self, other: NCMIAccumulator) -> NCMIAccumulator:
        """Return a new accumulator over the samples of both."""
        if not isinstance(other, NCMIAccumulator):
            return NotImplemented
        return copy.copy(self).merge(other)

    def __radd__(self, other: int) -> NCMIAccumulator:
        """Return a copy where `other` is 0, with which ``sum`` begins."""
        return copy.copy(self) if other == 0 else NotImplemented

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything taken in so far into a file, from which :meth:`load` goes on.

        Parameters
        ----------
        path : path_like
            An existing file is replaced once the new one is complete, so that a state is there
            at any moment, whatever happens to this process.

        See Also
        --------
        infotheory.classifiers.write_states : several accumulators in one file, with notes.

        Notes
        -----
        The digest of what is saved is among the :attr:`digests` of this accumulator from then on,
        and of whatever it is merged into, so that :meth:`merge` knows samples it has already.
        """
        from infotheory.classifiers.state import write_states

        write_states(path, {"classifier": self})

    @classmethod
    def load(cls, path: str | os.PathLike[str], name: str | None = None) -> NCMIAccumulator:
        """Return the accumulator that :meth:`save` wrote, to the last bit.

        Parameters
        ----------
        path : path_like
            The file. Nothing in it is ever unpickled.
        name : str, optional
            Which one, where the file holds several.

        Returns
        -------
        NCMIAccumulator

        Raises
        ------
        StateError
            Where the file is no saved state, or truncated or damaged.
        ValueError
            Where the file does not hold that name, or several states and none is named.
        """
        from infotheory.classifiers.state import choose, read_states

        return choose(read_states(path), name, path)

    def report(self, *, base: float | None = None, level: float = 0.95) -> NCMIReport:
        """Return the report over everything taken in so far; the accumulator may go on.

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
        base, level = check_base(base), check_level(level)
        if self.sums.n == 0:
            raise refusal(
                "sample_weight",
                "positive for at least one sample",
                f"only zeros, for {self.sums.n_rows} samples",
                "Give the samples that count a positive weight.",
            )
        total = self.sums.fold()
        return NCMIReport.from_sums(
            total,
            base=base,
            temperature=self.temperature,
            smoothing=self.smoothing,
            class_names=self.class_names,
            intervals=jackknife_intervals(self.sums, total, level) if self.shards else None,
            stacklevel=3,
        )

    def _check_names(self, n_classes: int) -> None:
        check_names(self.class_names, n_classes)
