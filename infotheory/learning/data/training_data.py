"""Samples with labels, as training needs them: by number, in batches, on a device."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infotheory._typing import IntArray
from infotheory._validation import as_names, refusal
from infotheory.learning.data.augmentation import Augmentation
from infotheory.learning.data.labels import checked_labels, refuse_missing, refuse_other_classes
from infotheory.learning.data.preparation import Preparation
from infotheory.learning.data.reading import parts_of, read_ahead
from infotheory.learning.data.samples import stored
from infotheory.learning.data.subsets import few_rows, rows_aside, rows_without

__all__ = ["TrainingData"]


class TrainingData:
    """Samples and their classes, with what is done to a batch on its way to the network.

    Parameters
    ----------
    inputs : array_like or Tensor or object
        In memory, shape (n, ...): images as uint8, (n, H, W) or (n, H, W, channels), become
        floating point in [0, 1], (n, channels, H, W); other numbers stay as they are. Or an object
        with ``len()`` whose ``[row]`` gives one sample, read as it is needed.
    labels : array_like of int, shape (n,)
        Classes.
    n_classes : int, optional
        C; by default the number of names, or one more than the largest label.
    class_names : sequence of str, optional
        One name a class.
    augment : Augmentation, optional
        Random changes while training, such as :class:`CropFlip`.
    mean, std : float or sequence of float, optional
        Taken off, and divided by, after augmentation; one for each channel, or for all. In the
        scale of the prepared inputs, which is [0, 1] for images.
    allow_missing : bool, default False
        Whether there may be classes without samples.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        Classes.
    n_classes : int
        C.
    class_names : tuple of str or None
        Names of the classes.

    Raises
    ------
    ValueError, TypeError
        If inputs and labels do not belong together, a label is out of range, or a class has no
        samples; the text names it.

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.learning.data import TrainingData
    >>> images = np.array([[[0, 255]], [[51, 0]]], dtype=np.uint8)
    >>> data = TrainingData(images, [1, 0])
    >>> data
    TrainingData(n=2, n_classes=2)
    >>> data.batch([1, 0]).shape  # two images of one channel, 1 by 2 pixels
    torch.Size([2, 1, 1, 2])
    >>> data.batch([1]).flatten().tolist()
    [0.20000000298023224, 0.0]
    """

    def __init__(
        self,
        inputs: Any,
        labels: Any,
        *,
        n_classes: int | None = None,
        class_names: Sequence[str] | None = None,
        augment: Augmentation | None = None,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        allow_missing: bool = False,
    ) -> None:
        self._samples = stored(inputs)
        if not len(self._samples):
            raise refusal("inputs", "have at least one sample", "none")
        self.class_names = as_names(class_names)
        self.labels, self.n_classes = checked_labels(
            labels, len(self._samples), n_classes, self.class_names
        )
        self._preparation = Preparation(augment, mean, std)
        self._rows: IntArray | None = None
        if not allow_missing:
            refuse_missing(self.counts, self.class_names)

    @classmethod
    def of(cls, data: Any, **options: Any) -> TrainingData:
        """Give data of another kind this form.

        Parameters
        ----------
        data : tuple or Dataset or LabelledData or TrainingData
            A pair (inputs, labels); a map-style data set of PyTorch whose items are pairs; what
            :func:`infotheory.models.open_dataset` gives, of images or features; or this form
            already, which is returned.
        **options
            Of the class.

        Returns
        -------
        TrainingData

        Raises
        ------
        TypeError, ValueError
            If it is something else.

        Notes
        -----
        The labels of a data set of pairs are its ``targets`` or ``labels``, where it has them;
        otherwise every item is read once.
        """
        if isinstance(data, TrainingData):
            if options:
                raise TypeError(f"{next(iter(options))} must be left out for a TrainingData.")
            return data
        inputs, labels, known = parts_of(data)
        return cls(inputs, labels, **known | options)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"TrainingData(n={len(self)}, n_classes={self.n_classes})"

    @property
    def augment(self) -> Augmentation | None:
        """What changes samples at random while training."""
        return self._preparation.augment

    @property
    def counts(self) -> IntArray:
        """Number of samples of each class, shape (C,)."""
        return np.bincount(self.labels, minlength=self.n_classes)

    # ------------------------------------------------------------------------------------ batches

    def batch(
        self,
        rows: Any,
        *,
        draws: Tensor | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Return some samples as the network gets them.

        Parameters
        ----------
        rows : array_like of int
            Their numbers, in any order.
        draws : Tensor, optional
            What ``augment.draw`` gave for them; without it nothing is changed at random.
        device : torch.device or str, default "cpu"
            Where to.
        dtype : torch.dtype, optional
            Type of floating samples and of images; by default that which they have. Training and
            measuring ask for that of the network.

        Returns
        -------
        Tensor, shape (n, ...)
        """
        return self.prepared(self.raw(rows), draws=draws, device=device, dtype=dtype)

    def raw(self, rows: Any) -> Tensor:
        """Return some samples as they are stored.

        Parameters
        ----------
        rows : array_like of int
            Their numbers.

        Returns
        -------
        Tensor, shape (n, ...)
        """
        if isinstance(rows, Tensor):
            rows = rows.cpu()
        rows = np.asarray(rows, dtype=np.int64)
        return self._samples.read(rows if self._rows is None else self._rows[rows])

    def prepared(
        self,
        raw: Tensor,
        *,
        draws: Tensor | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Return stored samples as the network gets them: the rest of :meth:`batch`.

        Parameters
        ----------
        raw : Tensor
            From :meth:`raw` or :meth:`read`.
        draws, device, dtype
            As for :meth:`batch`.

        Returns
        -------
        Tensor, shape (n, ...)
        """
        return self._preparation(raw.to(device), draws, dtype)  # bytes travel, not floats

    def read(
        self, parts: Iterable[IntArray], *, workers: int = 0, seed: int = 0
    ) -> Iterator[Tensor]:
        """Yield the stored samples of one part after the other.

        Parameters
        ----------
        parts : iterable of ndarray of int
            Numbers of the samples of each.
        workers : int, default 0
            Processes that read ahead, where samples are not in memory.
        seed : int, default 0
            Of what samples do at random where these processes read them.

        Yields
        ------
        Tensor, shape (n, ...)
        """
        if not workers or self._samples.in_memory:
            yield from map(self.raw, parts)
            return
        yield from read_ahead(self.raw, [part.tolist() for part in parts], workers, seed)

    # ------------------------------------------------------------------------------------ subsets

    def take(self, rows: Any, *, allow_missing: bool = False) -> TrainingData:
        """Return some of the samples, in the given order; nothing is copied.

        Parameters
        ----------
        rows : array_like of int or bool
            Their numbers, or for each sample whether to take it.
        allow_missing : bool, default False
            Whether a class may be left without samples.

        Returns
        -------
        TrainingData

        Raises
        ------
        ValueError
            If none is taken, or a class has none left.
        """
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        if not rows.size:
            raise refusal("rows", "have at least one number", "none")
        taken = copy.copy(self)
        taken.labels = self.labels[rows]
        taken._rows = rows if self._rows is None else self._rows[rows]  # noqa: SLF001 - of its kind
        if not allow_missing:
            refuse_missing(taken.counts, self.class_names)
        return taken

    def split(self, fraction: float, rng: Any = None) -> tuple[TrainingData, TrainingData]:
        """Set some samples of each class aside, for validation.

        Parameters
        ----------
        fraction : float
            Share of each class to set aside, in (0, 1). Where it is no whole number of samples,
            chance decides which of the two next to it.
        rng : int or numpy.random.Generator, optional
            Which samples; a seed makes the split repeatable, also of other data with these labels.

        Returns
        -------
        rest, aside : TrainingData
            Each class keeps at least one sample in `rest`, and may have none in `aside`.

        Raises
        ------
        ValueError
            If nothing would be set aside.

        Notes
        -----
        `augment` is for training alone. Random transforms inside a data set of your own are part
        of reading it, and stay on in `aside`. Split two of them by one seed instead, one with the
        transforms and one without::

            rest, _ = TrainingData.of(transformed).split(0.1, rng=0)
            _, aside = TrainingData.of(plain).split(0.1, rng=0)
        """
        rest, aside = rows_aside(self.labels, fraction, rng)
        return self.take(rest, allow_missing=True), self.take(aside, allow_missing=True)

    def few_shot(self, fraction: float, rng: Any = None) -> TrainingData:
        """Keep the same share of each class, and at least one sample of it.

        Parameters
        ----------
        fraction : float
            Share to keep, in (0, 1); of each class the nearest whole number of samples.
        rng : int or numpy.random.Generator, optional
            Which samples; a seed makes the choice repeatable.

        Returns
        -------
        TrainingData
            In the order of the rows here.

        Raises
        ------
        ValueError
            If `fraction` is no number in (0, 1).
        """
        return self.take(few_rows(self.labels, fraction, rng), allow_missing=True)

    def without(self, classes: Iterable[int]) -> TrainingData:
        """Drop all samples of some classes, which stay classes: C is as before.

        Parameters
        ----------
        classes : iterable of int
            Their numbers.

        Returns
        -------
        TrainingData

        Raises
        ------
        ValueError
            If there is no such class, or nothing is left.
        """
        return self.take(rows_without(self.labels, classes, self.n_classes), allow_missing=True)

    def matching(self, other: Any) -> TrainingData:
        """Give other data this form, for measuring: same classes, same mean and deviation.

        Parameters
        ----------
        other : object
            As for :meth:`of`. Only a TrainingData has a mean and deviation of its own, which have
            to be those of this one.

        Returns
        -------
        TrainingData
            Classes may be missing in it.

        Raises
        ------
        ValueError, TypeError
            If it has other classes, or is normalised otherwise.
        """
        classes = self.n_classes, self.class_names
        if not isinstance(other, TrainingData):
            inputs, labels, known = parts_of(other)
            refuse_other_classes(classes, (None, known.get("class_names")))
            own = {"n_classes": self.n_classes, "class_names": self.class_names}
            scale = self._preparation.scale()
            return TrainingData(inputs, labels, **known | own | scale, allow_missing=True)
        refuse_other_classes(classes, (other.n_classes, other.class_names))
        self._preparation.refuse_other_scale(other._preparation)  # noqa: SLF001 - of its kind
        return other

    # --------------------------------------------------------------------------------------- what

    def fingerprint(self) -> str:
        """Return a name for samples, labels and preparation, by which a later run knows them.

        Returns
        -------
        str
            SHA-256, in hexadecimal: over all of an array in memory, or stripes of a large one. Of
            samples that are read one by one, by their own ``fingerprint()``; without one, only by
            their number and kind.
        """
        digest = hashlib.sha256(repr((self.n_classes, self._preparation)).encode())
        digest.update(self.labels.tobytes())
        if self._rows is not None:
            digest.update(self._rows.tobytes())
        digest.update(self._samples.content())
        return digest.hexdigest()
