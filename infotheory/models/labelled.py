"""Labelled samples in memory or mapped from a file, and what all kinds of them share."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, IntArray
from infotheory._validation import as_array, refusal
from infotheory.files.digests import ArrayBytes, content_digest
from infotheory.models.identity import take_in

__all__ = ["Labelled", "Samples", "checked_samples", "content_of"]

_CHANNELS = (1, 3, 4)


@dataclass(eq=False)
class Labelled(ABC):
    """Samples with labels: what :class:`infotheory.models.LabelledData` asks for, and notes.

    Attributes
    ----------
    name : str
        What tables call it.
    labels : ndarray of int, shape (n,)
        Class of each sample.
    class_names : tuple of str or None
        Names of the classes, where they are known.
    notes : tuple of str
        What was passed over on opening it, or is odd.
    """

    name: str
    labels: IntArray
    class_names: tuple[str, ...] | None
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def sample(self, row: int) -> Any:
        """Read one sample; safe to call from several threads."""

    @abstractmethod
    def where(self, row: int) -> str:
        """Return what a message calls a sample."""

    @abstractmethod
    def content(self) -> bytes:
        """Return a digest of the samples."""

    def fingerprint(self) -> str:
        """Return a name for labels and content, by which a later run knows them again.

        Returns
        -------
        str
            SHA-256, in hexadecimal. It does not depend on where a file is, or on times.
        """
        digest = hashlib.sha256(f"{type(self).__name__}:{len(self)}:".encode())
        digest.update(self.labels.tobytes())
        digest.update(self.content())
        return digest.hexdigest()


@dataclass(eq=False)
class Samples(Labelled):
    """Samples that can be taken by number: an array, or a sequence of images, arrays or texts.

    Attributes
    ----------
    name, labels, class_names, notes
        As for any data set.
    samples : sequence
        One a label.
    place : str
        Where they are, for messages.
    """

    samples: Sequence[Any] | AnyArray
    place: str

    def sample(self, row: int) -> Any:
        """Take one."""
        value = self.samples[row]
        if isinstance(value, np.str_):
            return str(value)
        if isinstance(value, np.memmap):
            return np.array(value)  # read now, and free of the file
        return as_array(value, "sample") if callable(getattr(value, "detach", None)) else value

    def where(self, row: int) -> str:
        """Return its row."""
        return f"row {row} of {self.place}"

    def content(self) -> bytes:
        """Hash an array (stripes of a large one), or all samples of a sequence."""
        if isinstance(self.samples, np.ndarray):
            about = repr((self.samples.dtype.str, self.samples.shape)).encode()
            return about + content_digest([ArrayBytes(self.samples)])
        return content_of(self.samples)


def content_of(samples: Iterable[Any]) -> bytes:
    """Return a digest of samples one by one: images, arrays, texts and what is made of these.

    Parameters
    ----------
    samples : iterable
        Those that are None cannot be read.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the content of one cannot be seen.
    """
    digest = hashlib.sha256()
    for sample in samples:
        try:
            take_in(digest, sample)
        except (OSError, SyntaxError) as error:  # an image that PIL reads only now, and cannot
            digest.update(repr(type(error)).encode())
    return digest.digest()


def checked_samples(array: AnyArray, argument: str, n_labels: int) -> AnyArray:
    """Return an array of images, features or texts, one a label, or refuse it.

    Parameters
    ----------
    array : ndarray, shape (n, ...)
        Images (uint8, (n, H, W) or (n, H, W, channels)), features (floating point, (n, ...)), or
        texts (n,).
    argument : str
        What a refusal calls it.
    n_labels : int
        How many there have to be.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If it is something else, or there are more or fewer.
    """
    shape, kind = array.shape, array.dtype.kind
    if not shape or shape[0] != n_labels:
        raise refusal(
            argument,
            f"have one sample a label ({n_labels})",
            f"shape {shape}",
            "Check that samples and labels belong together.",
        )
    image = array.dtype == np.uint8 and len(shape) in (3, 4)
    if image and (len(shape) == 3 or shape[3] in _CHANNELS) and 0 not in shape:
        return array
    if (kind == "f" and len(shape) > 1 and 0 not in shape) or (kind in "UT" and len(shape) == 1):
        return array
    raise refusal(
        argument,
        "images (uint8, shape (n, H, W) or (n, H, W, 1, 3 or 4)), features (floating point, "
        "shape (n, ...)) or texts (shape (n,))",
        f"dtype {array.dtype}, shape {shape}",
        "Put the channels of images last; convert features with .astype(float).",
    )
