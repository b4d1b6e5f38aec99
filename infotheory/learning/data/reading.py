"""Data sets of other kinds taken apart, and samples read ahead by other processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from infotheory._typing import IntArray
from infotheory.learning.data.samples import ReadSamples
from infotheory.models.interface import LabelledData
from infotheory.models.labelled import Samples

__all__ = ["parts_of", "read_ahead"]


def parts_of(data: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Take a data set apart.

    Parameters
    ----------
    data : tuple or Dataset or LabelledData
        As :meth:`infotheory.learning.data.TrainingData.of` takes it.

    Returns
    -------
    inputs, labels : object
        As the class takes them.
    options : dict
        What else is known, by the name of its argument.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if isinstance(data, (tuple, list)) and len(data) == 2:
        return *data, {}
    if isinstance(data, TensorDataset) and len(data.tensors) == 2:
        return *data.tensors, {}
    if isinstance(data, LabelledData):
        named = {} if data.class_names is None else {"class_names": data.class_names}
        if isinstance(data, Samples) and isinstance(data.samples, np.ndarray):
            return data.samples, data.labels, named
        return ReadSamples(_Labelled(data)), data.labels, named
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return ReadSamples(_Inputs(data)), _labels_of_pairs(data), {}
    raise TypeError(
        "data must be a pair (inputs, labels), a data set of pairs, a TrainingData, or what "
        f"infotheory.models.open_dataset gives; got {type(data).__name__}."
    )


class _Labelled:
    """The samples of a data set of `infotheory.models`, by number."""

    def __init__(self, data: LabelledData) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data.labels)

    def __getitem__(self, row: int) -> Any:
        return self.data.sample(row)

    def fingerprint(self) -> str:
        return self.data.fingerprint()


class _Inputs:
    """The first of each pair in a data set of pairs."""

    def __init__(self, pairs: Any) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, row: int) -> Any:
        return self.pairs[row][0]

    def fingerprint(self) -> str:
        return f"{type(self.pairs).__module__}.{type(self.pairs).__qualname__}:{len(self)}"


def _labels_of_pairs(data: Any) -> IntArray:
    changed = getattr(data, "target_transform", None) is not None  # so the items say it
    for name in ("targets", "labels"):  # as data sets of torchvision and others have them
        own: Any = None if changed else getattr(data, name, None)
        if hasattr(own, "__len__") and len(own) == len(data):
            return np.asarray(own.cpu() if isinstance(own, Tensor) else own)
    found = []
    for row in range(len(data)):
        item = data[row]
        if not (isinstance(item, (tuple, list)) and len(item) == 2):
            raise TypeError(
                f"data must give pairs (input, label); got {type(item).__name__} in row {row}."
            )
        found.append(int(item[1]))
    return np.array(found, dtype=np.int64)


def read_ahead(
    read: Callable[[list[int]], Tensor], parts: Sequence[list[int]], workers: int, seed: int
) -> Iterator[Tensor]:
    """Yield one part after the other, read by other processes.

    Parameters
    ----------
    read : callable
        Numbers of samples to a tensor.
    parts : sequence of list of int
        The numbers.
    workers : int
        How many processes.
    seed : int
        Of what reading does at random there.

    Yields
    ------
    Tensor
    """
    yield from DataLoader(
        _Batches(read),
        batch_sampler=parts,
        num_workers=workers,
        collate_fn=_as_it_is,
        generator=torch.Generator().manual_seed(seed),
    )


class _Batches:
    """The form in which a DataLoader reads a batch at a time."""

    def __init__(self, read: Callable[[list[int]], Tensor]) -> None:
        self.read = read

    def __getitem__(self, row: int) -> Tensor:
        return self.read([row])

    def __getitems__(self, rows: list[int]) -> Tensor:
        return self.read(rows)


def _as_it_is(batch: Tensor) -> Tensor:
    return batch
