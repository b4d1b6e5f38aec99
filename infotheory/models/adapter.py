"""What all classifiers of this package share, wherever they come from."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from infotheory._simplex import are_probabilities
from infotheory._typing import AnyArray
from infotheory._validation import (
    as_array,
    as_names,
    as_outputs,
    check_choice,
    decode,
    refusal,
)
from infotheory.models.identity import take_in

__all__ = ["KINDS", "Adapter", "stacked"]

KINDS = ("logits", "probs", "log_probs")


class Adapter(ABC):
    """A classifier: :class:`infotheory.models.Classifier`, with notes.

    Parameters
    ----------
    name : str
        What tables call it.
    kind : {"logits", "probs", "log_probs"}
        What its outputs are.
    preprocess : callable
        Prepares one sample.
    class_names : iterable of str or None, default None
        Names of the output symbols.
    n_outputs : int or None, default None
        Number of output symbols, if known.

    Raises
    ------
    ValueError
        If the kind is not known, or the names are not one an output symbol.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        preprocess: Callable[[Any], Any],
        class_names: Any = None,
        n_outputs: int | None = None,
    ) -> None:
        check_choice("kind", kind, KINDS)
        self.name = name
        self.kind = kind
        self.class_names = as_names(class_names)
        self.n_outputs = n_outputs
        self._preprocess = preprocess
        self._looked = False  # whether two rows of outputs have been looked through
        self._first: AnyArray | None = None
        if self.class_names is not None:
            self._expect(len(self.class_names), "one class name an output symbol")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, kind={self.kind!r}, K={self.n_outputs})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened on the way that the reader of a result should know."""
        return ()

    def begin(self) -> None:  # noqa: B027 - most have none
        """Forget the notes of what happened before: another measurement begins."""

    def prepare(self, sample: Any) -> Any:
        """Apply the model's own preprocessing to one sample."""
        return self._preprocess(sample)

    @abstractmethod
    def outputs(self, prepared: Sequence[Any]) -> Any:
        """Return the outputs of some prepared samples, shape (n, K)."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a name for what the model computes."""

    def _expect(self, n_outputs: int, what: str) -> None:
        """Keep the number of output symbols, and refuse another one."""
        if self.n_outputs is None:
            self.n_outputs = n_outputs
        if self.n_outputs != n_outputs:
            raise refusal(
                f"model {self.name!r}",
                f"have {what} ({self.n_outputs})",
                str(n_outputs),
                "Check that weights, configuration and class names belong together.",
            )

    def _checked(self, outputs: Any, n_samples: int) -> Any:
        """Return outputs, an array or a tensor, if they are those of a classifier."""
        shape = tuple(outputs.shape)
        if len(shape) != 2 or shape[0] != n_samples or shape[1] < 2:
            raise refusal(
                f"model {self.name!r}",
                "have a classification head: one row of at least two outputs a sample",
                f"outputs of shape {shape} for {n_samples} sample(s)",
                "Add the head, or wrap the model in a function that returns such rows; "
                "a single logit z of two classes is the row [0, z].",
            )
        self._expect(shape[1], "the same number of outputs in all batches")
        if self._looked:  # later batches are looked through as they are measured
            return outputs
        rows = as_outputs(outputs, f"outputs of model {self.name!r}")
        bad = np.isnan(decode(rows)).any(axis=1)
        if bad.any():
            raise refusal(
                f"outputs of model {self.name!r}",
                "numbers",
                f"nan in row {int(np.argmax(bad))} of the first batch",
                "Check the preprocessing and the weights; precision 'fp16' may overflow.",
            )
        self._first = rows if self._first is None else np.concatenate([self._first, rows])
        if self.kind == "logits" and are_probabilities(self._first):
            raise refusal(
                f"outputs of model {self.name!r}",
                "logits, which is what they are taken for",
                "non-negative rows that sum to one",
                "Where these are probabilities, pass as_classifier(..., kind='probs'), or write "
                "?kind=probs behind the name of the model.",
            )
        self._looked = len(self._first) > 1  # of one row alone that cannot be told
        if self._looked:
            self._first = None
        return outputs

    def _identity(self, *things: Any) -> str:
        """Return the SHA-256 of some things, and of all that decides the outputs beside them."""
        digest = hashlib.sha256()
        take_in(digest, (type(self).__name__, self.kind, self._preprocess, *things))
        return digest.hexdigest()


def stacked(prepared: Sequence[Any]) -> AnyArray:
    """Return prepared samples as one array, a sample a row.

    Raises
    ------
    ValueError
        If they differ in shape.
    """
    arrays = [as_array(sample, "sample") for sample in prepared]
    for array in arrays:
        if array.shape != arrays[0].shape:
            raise refusal(
                "prepared samples",
                "of one shape",
                f"{arrays[0].shape} and {array.shape}",
                "Give the preprocessing a size (height,width), or a size and a crop.",
            )
    return np.stack(arrays)
