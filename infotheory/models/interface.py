"""What a classifier at work, and a data set for it, have to offer: the adapters all fit this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from infotheory._typing import IntArray

__all__ = ["Classifier", "LabelledData", "UnreadableSampleError"]


class UnreadableSampleError(ValueError):
    """One sample of a data set cannot be read; the text names it."""


@runtime_checkable
class Classifier(Protocol):
    """A trained model: samples in, one row of outputs for each of them out.

    Attributes
    ----------
    name : str
        What tables call it.
    kind : {"logits", "probs", "log_probs"}
        What its outputs are.
    n_outputs : int or None
        Number of output symbols K, as far as it is known before the first batch.
    class_names : tuple of str or None
        Names of the output symbols, where the model knows them.
    """

    name: str
    kind: str
    n_outputs: int | None
    class_names: tuple[str, ...] | None

    def fingerprint(self) -> str:
        """Return a name for what the model computes, by which a later run knows it again."""
        ...

    def prepare(self, sample: Any) -> Any:
        """Apply the model's own preprocessing to one sample; safe to call from several threads.

        Parameters
        ----------
        sample : PIL.Image.Image or ndarray or str or tuple of str
            An image (PIL, or uint8 of shape (H, W) or (H, W, channels)), features (floating point,
            any shape), a text, or a pair of texts.
        """
        ...

    def outputs(self, prepared: Sequence[Any]) -> Any:
        """Return the outputs of some prepared samples, shape (n, K).

        An array, or a tensor that stays on the device where it was computed.
        """
        ...


@runtime_checkable
class LabelledData(Protocol):
    """Samples with labels, read one by one in any order.

    Attributes
    ----------
    name : str
        What tables call it.
    labels : ndarray of int, shape (n,)
        Class of each sample.
    class_names : tuple of str or None
        Names of the classes, where the data set knows them.
    """

    name: str
    labels: IntArray
    class_names: tuple[str, ...] | None

    def fingerprint(self) -> str:
        """Return a name for the content, by which a later run knows it again."""
        ...

    def sample(self, row: int) -> Any:
        """Read one sample; safe to call from several threads.

        Raises
        ------
        UnreadableSampleError
            If it cannot be read.
        """
        ...

    def where(self, row: int) -> str:
        """Return what a message calls a sample: its file, or its row in a file."""
        ...
