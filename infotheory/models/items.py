"""Data sets whose items are (sample, label), such as those of torch and torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from infotheory._validation import as_array, refusal
from infotheory.files.source import DAMAGE
from infotheory.models.interface import UnreadableSampleError
from infotheory.models.labelled import Labelled, content_of
from infotheory.models.labels import class_numbers

__all__ = ["ItemSamples"]

_LOOKED_AT = 2048  # items of a large data set, by which a later run knows it again
_LABELS = ("targets", "labels")  # where torchvision's data sets keep theirs


@dataclass(eq=False)
class ItemSamples(Labelled):
    """The samples of a data set whose items are (sample, label).

    Attributes
    ----------
    name, labels, class_names, notes
        As for any data set.
    items : object
        The data set.
    values : sequence
        The label of each item as it has it, with which it is compared once more when it is read.
    """

    items: Any
    values: Sequence[Any]

    @classmethod
    def of(cls, items: Any, class_names: Sequence[str] | None, name: str) -> ItemSamples:
        """Read the labels of a data set once.

        Parameters
        ----------
        items : object
            Has a length, and items (sample, label).
        class_names : sequence of str or None
            Names of the classes; by default what it calls its ``classes``.
        name : str
            What tables call it.

        Returns
        -------
        ItemSamples

        Raises
        ------
        ValueError
            If an item is no such pair, or labels cannot be used.
        """
        values = _stored_labels(items)
        if values is None or not all(
            _agrees(items, row, values[row], name) for row in {0, len(items) // 2, len(items) - 1}
        ):
            values = [_pair(items, row, name)[1] for row in range(len(items))]
        labels, names = class_numbers(values, class_names or _stored_names(items))
        return cls(name, labels, names, items, values)

    def sample(self, row: int) -> Any:
        """Read one item, and see that its label is the one that it had before."""
        value, label = _pair(self.items, row, self.name)
        if not bool(label == self.values[row]):
            raise refusal(
                "labels of data",
                "those of its items",
                f"{self.values[row]!r}, and {label!r} with {self.where(row)}",
                "Take out what changes labels at random, or correct targets.",
            )
        return as_array(value, "sample") if callable(getattr(value, "detach", None)) else value

    def where(self, row: int) -> str:
        """Return its number."""
        return f"item {row} of {self.name}"

    def content(self) -> bytes:
        """Hash all items, or as many of them, evenly spaced, as a look takes little time."""
        rows = np.linspace(0, len(self) - 1, min(len(self), _LOOKED_AT)).astype(int)
        return content_of(self._readable(row) for row in rows.tolist())

    def _readable(self, row: int) -> Any:
        """Return a sample, or None where it is for the reader of samples to meet the fault."""
        try:
            return self.sample(row)
        except UnreadableSampleError:
            return None


def _pair(items: Any, row: int, name: str) -> tuple[Any, Any]:
    try:
        item = items[row]
    except DAMAGE as error:
        raise UnreadableSampleError(f"item {row} of {name} cannot be read: {error}.") from error
    if not (isinstance(item, (tuple, list)) and len(item) == 2):
        raise refusal(
            "data",
            "samples with labels, or a data set with items (sample, label)",
            f"an item of type {type(item).__name__}",
            "Pass labels, or give each item the form (sample, label).",
        )
    return item[0], item[1]


def _agrees(items: Any, row: int, label: Any, name: str) -> bool:
    try:
        return bool(_pair(items, row, name)[1] == label)
    except UnreadableSampleError:
        return True  # it is for the reader of samples to meet it


def _stored_labels(items: Any) -> list[Any] | None:
    """Return the labels beside the items, but not those that are made into others on access."""
    both = getattr(items, "transforms", None)  # torchvision puts the two transforms together
    if getattr(both, "target_transform", both) is not None:
        return None
    if getattr(items, "target_transform", None) is not None:
        return None
    if hasattr(items, "indices") and hasattr(items, "dataset"):  # a part of another, as in torch
        whole = _stored_labels(items.dataset)
        return None if whole is None else [whole[number] for number in items.indices]
    for attribute in _LABELS:
        values = getattr(items, attribute, None)
        if values is not None and len(values) == len(items) > 0:
            array: list[Any] = as_array(values, attribute).tolist()
            return array
    return None


def _stored_names(items: Any) -> list[str] | None:
    while hasattr(items, "indices") and hasattr(items, "dataset"):
        items = items.dataset
    names = getattr(items, "classes", None)
    if not isinstance(names, (list, tuple)):
        return None
    # ImageNet of torchvision has several names a class.
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in names]
