"""Streaming measurement: batches in, report out; states of separate processes merge."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Self

from infotheory._typing import AnyArray, IntArray
from infotheory._validation import (
    as_labels,
    as_outputs,
    check_base,
    check_choice,
    check_count,
    check_jobs,
    check_smoothing,
    check_temperature,
    refusal,
)
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.report import NCMIReport
from infotheory.classifiers.valid_rows import KINDS, refuse_probabilities

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

    One accumulator is not for several threads at once: give each thread its own and merge them.

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
        n_jobs: int | None = None,
    ) -> None:
        self._n_classes = None if n_classes is None else check_count("n_classes", n_classes)
        self.temperature = check_temperature(temperature)
        self.smoothing = check_smoothing(smoothing)
        self.class_names = None if class_names is None else tuple(map(str, class_names))
        self._n_jobs = check_jobs(n_jobs)
        self._sums: ClassSums | None = None
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

    def __repr__(self) -> str:
        return (
            f"NCMIAccumulator(n={self.n}, n_classes={self.n_classes}, n_outputs={self.n_outputs})"
        )

    def update(self, outputs: Any, labels: Any, kind: str = "logits") -> Self:
        """Take in a batch; a batch that is refused leaves the state as it was.

        Parameters
        ----------
        outputs : array_like, shape (n, K)
            float16, float32, float64 or bfloat16; a torch tensor on any device is accepted.
        labels : array_like of int, shape (n,)
            Class numbers in [0, C).
        kind : {"logits", "probs", "log_probs"}, default "logits"
            What `outputs` holds. -inf logits are legal: they mask a symbol.

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
        self.take(rows, targets, kind)
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

    def take(self, rows: AnyArray, targets: IntArray, kind: str, first_row: int = 0) -> None:
        """Add checked samples; `first_row` is what a refusal calls the first of them.

        Parameters
        ----------
        rows, targets : ndarray
            As returned by :meth:`check`.
        kind : {"logits", "probs", "log_probs"}
            What `rows` holds.
        first_row : int, default 0
            Number of the first row in the whole of which `rows` is a part.
        """
        batch = class_sums(
            rows,
            targets,
            self.n_classes or rows.shape[1],
            kind=kind,
            temperature=self.temperature,
            smoothing=self.smoothing,
            n_jobs=self._n_jobs,
            first_row=first_row,
        )
        self._sums = batch if self._sums is None else self._sums.absorb(batch)

    def merge(self, other: NCMIAccumulator) -> Self:
        """Take in the samples of another accumulator, as if they came after the present ones.

        Parameters
        ----------
        other : NCMIAccumulator
            Over the same classes and symbols, with the same temperature and smoothing. Not changed.

        Returns
        -------
        NCMIAccumulator
            Itself.

        Raises
        ------
        ValueError
            Where the two measure different things.
        """
        if not isinstance(other, NCMIAccumulator):
            raise TypeError(f"other must be an NCMIAccumulator; got {type(other).__name__}.")
        for name in ("temperature", "smoothing", "n_classes", "n_outputs"):
            mine, its = getattr(self, name), getattr(other, name)
            if mine != its and None not in (mine, its):
                raise refusal(
                    f"{name} of the accumulator to merge",
                    f"equal ({mine!r})",
                    repr(its),
                    "Only like measurements add up.",
                )
        if None not in (self.class_names, other.class_names) and (
            self.class_names != other.class_names
        ):
            raise refusal(
                "class_names of the accumulator to merge",
                "equal",
                f"{other.class_names!r} for {self.class_names!r}",
                "Class numbers must mean the same in both.",
            )
        self.class_names = self.class_names or other.class_names
        if other._sums is not None:
            self._check_names(other._sums.n_classes)
            self._sums = (
                other._sums.copy() if self._sums is None else self._sums.absorb(other._sums)
            )
        elif self._n_classes is None:
            self._n_classes = other._n_classes
        return self

    def __copy__(self) -> NCMIAccumulator:
        """Return an accumulator over the same samples that shares nothing with this one."""
        return copy.deepcopy(self)

    def __add__(self, other: NCMIAccumulator) -> NCMIAccumulator:
        """Return a new accumulator over the samples of both."""
        if not isinstance(other, NCMIAccumulator):
            return NotImplemented
        return copy.copy(self).merge(other)

    def report(self, *, base: float | None = None) -> NCMIReport:
        """Return the report over everything taken in so far; the accumulator may go on.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm: 2 for bits. Nats by default.

        Returns
        -------
        NCMIReport

        Raises
        ------
        ValueError
            Where nothing has been taken in yet.
        """
        return NCMIReport.from_sums(
            self.sums.copy(),
            base=check_base(base),
            temperature=self.temperature,
            smoothing=self.smoothing,
            class_names=self.class_names,
            stacklevel=3,
        )

    def _check_names(self, n_classes: int) -> None:
        if self.class_names is not None and len(self.class_names) != n_classes:
            raise refusal(
                "class_names",
                f"have one name per class ({n_classes})",
                f"{len(self.class_names)} names",
                "List them in the order of the class numbers.",
            )
