"""The data that a recipe names: training, validation and test samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from infotheory._validation import refusal
from infotheory.learning.data import CropFlip, TrainingData
from infotheory.learning.recipes.tables import check_keys, check_type
from infotheory.models import open_dataset
from infotheory.models.specs import needed

__all__ = ["DataParts", "data_parts"]

_KEYS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "source": (str, "a text"),
    "validation": ((str, float), "a text, or a fraction between 0 and 1"),
    "test": ((str, float), "a text, or a fraction between 0 and 1"),
    "mean": (list, "a list of numbers"),
    "std": (list, "a list of numbers"),
    "augment": (str, "'crop_flip', 'crop' or 'none'"),
    "padding": (int, "a whole number"),
    "few_shot": (float, "a fraction between 0 and 1"),
    "without": (list, "a list of classes"),
}
_AUGMENTS = ("none", "crop", "crop_flip")


class DataParts(NamedTuple):
    """Samples to train on, to choose by, and to report."""

    train: TrainingData
    validation: TrainingData | None
    test: TrainingData | None


def data_parts(table: Mapping[str, Any], place: Path, seed: int) -> DataParts:
    """Open the data of a recipe, and split them.

    Parameters
    ----------
    table : mapping
        ``source``, ``validation`` (a tenth of the source by default) and ``test``: specs of
        :func:`infotheory.models.open_dataset`, ``"digits"``, or for the last two a share of the
        source; ``mean``, ``std``, ``augment``, ``padding``, ``few_shot``, ``without``.
    place : Path
        What paths in specs are relative to.
    seed : int
        Of the splits.

    Returns
    -------
    DataParts
        Test samples are split off first, then validation samples; what is left is thinned
        (``few_shot``, ``without``). Only training is augmented.

    Raises
    ------
    ValueError
        If a key is not known, or a value is refused.
    """
    check_keys(table, _KEYS, "data")
    given = {key: check_type(table, key, *_KEYS[key]) for key in _KEYS}
    if given["source"] is None:
        raise refusal("data", "have the key 'source'", "a table without it", "Name the samples.")
    augment = given["augment"] or "none"
    if augment not in _AUGMENTS:
        raise refusal("augment", "one of " + ", ".join(map(repr, _AUGMENTS)), repr(augment))
    if given["padding"] is not None and augment == "none":
        raise refusal("padding", "given with augment only", repr(given["padding"]), "Add augment.")
    padding = 4 if given["padding"] is None else given["padding"]
    changed = None if augment == "none" else CropFlip(padding, flip=augment == "crop_flip")
    how = {"mean": given["mean"], "std": given["std"], "augment": changed}
    opened = _Opened(place, how)
    rng = np.random.default_rng(seed)
    train = opened.data(given["source"])
    train, test = _part(opened, train, given["test"], "test", rng)
    share = 0.1 if given["validation"] is None else given["validation"]
    train, validation = _part(opened, train, share, "validation", rng)
    if given["few_shot"] is not None:
        train = train.few_shot(given["few_shot"], rng)
    if given["without"]:
        if not all(type(each) is int for each in given["without"]):
            raise refusal("without", "a list of whole numbers", repr(given["without"]))
        train = train.without(given["without"])
    return DataParts(train, validation, test)


def _part(
    opened: _Opened, train: TrainingData, part: Any, name: str, rng: np.random.Generator
) -> tuple[TrainingData, TrainingData | None]:
    """Return what is left of the training samples, and another part."""
    if part is None:
        return train, None
    if isinstance(part, str):
        return train, train.matching(opened.found(part))
    if not 0 < part < 1:
        raise refusal(name, "a text, or a fraction between 0 and 1", repr(part))
    return train.split(part, rng)


class _Opened:
    """Data sets by their specs, normalised alike."""

    def __init__(self, place: Path, how: dict[str, Any]) -> None:
        self.place, self.how = place, how

    def data(self, spec: str) -> TrainingData:
        """Open samples to train on."""
        return TrainingData.of(self.found(spec), **self.how)

    def found(self, spec: str) -> Any:
        """Open a data set as it is."""
        if spec == "digits":
            datasets = needed("sklearn.datasets", "the handwritten digits", "demo")
            bunch = datasets.load_digits()
            return np.asarray(bunch.images / 16, np.float32)[:, None], bunch.target
        scheme, colon, rest = spec.partition(":")
        path = rest.partition("?")[0]
        if colon and scheme not in ("hf", "python") and (self.place / path).exists():
            spec = f"{scheme}:{self.place / path}{rest[len(path) :]}"
        return open_dataset(spec)
