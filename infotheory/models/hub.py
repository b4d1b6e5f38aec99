"""Data sets of Hugging Face's `datasets` library, which is imported on use."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._validation import refusal
from infotheory.models.cells import cells_of, sample_of
from infotheory.models.columns import chosen_columns
from infotheory.models.interface import UnreadableSampleError
from infotheory.models.labelled import Labelled
from infotheory.models.labels import class_numbers
from infotheory.models.offline import kept_offline, reason, replaced
from infotheory.models.places import chosen_split
from infotheory.models.specs import Spec, needed

__all__ = ["HubSamples", "open_hub", "wrapped"]

_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")
_HASHED = 4096  # rows whose content is part of the fingerprint
_FILES = ("state.json", "dataset_dict.json")  # what save_to_disk leaves


@dataclass(eq=False)
class HubSamples(Labelled):
    """Rows of a ``datasets.Dataset``, read as arrow has them and decoded here.

    Attributes
    ----------
    name, labels, class_names, notes
        As for any data set.
    table : datasets.Dataset
        The rows, in the format ``"arrow"``.
    columns : tuple of str
        Those of the samples.
    """

    table: Any
    columns: tuple[str, ...]
    _lock: Any = field(init=False, repr=False, default_factory=threading.Lock)

    def sample(self, row: int) -> Any:
        """Read one row."""
        try:
            cells = self._cells(row)
        except (TypeError, ValueError, OSError) as error:
            raise UnreadableSampleError(f"{self.where(row)} cannot be read: {error}.") from error
        return sample_of(cells, self.where(row))

    def where(self, row: int) -> str:
        """Return its row."""
        return f"row {row} of {self.name}"

    def content(self) -> bytes:
        """Hash the content of at most 4096 evenly spaced rows."""
        digest = hashlib.sha256()
        last = len(self) - 1
        for row in np.unique(np.linspace(0, last, min(len(self), _HASHED)).astype(int)).tolist():
            for cell in self._cells(row):
                if isinstance(cell, np.ndarray):
                    digest.update(repr((cell.dtype.str, cell.shape)).encode() + cell.tobytes())
                else:
                    digest.update(repr(cell).encode())
        return digest.digest()

    def _cells(self, row: int) -> list[Any]:
        with self._lock:
            table = self.table[row]
        return cells_of(table, self.columns, 0)


def open_hub(spec: Spec, *, download: bool) -> HubSamples:
    """Open what ``save_to_disk`` has written, or a data set of the Hub.

    Parameters
    ----------
    spec : Spec
        ``hf:NAME-or-DIR?config=CONFIG&split=SPLIT&sample=COLUMN,COLUMN&label=COLUMN``.
    download : bool
        Whether a data set that is not on this machine may be fetched.

    Returns
    -------
    HubSamples

    Raises
    ------
    ValueError
        If it is not there or cannot be used.
    ImportError
        If `datasets` is not installed.
    """
    config, split = spec.take("config"), spec.take("split")
    sample, label = spec.take("sample"), spec.take("label")
    spec.finish()
    datasets = needed("datasets", "Reading hf: data sets", "hub")
    path = Path(spec.place).expanduser()
    if path.is_dir():
        found = _from_disk(spec, path, config, datasets)
    else:
        found = _from_hub(spec, config, datasets, download=download)
    name = path.resolve().name
    if isinstance(found, dict):
        split = chosen_split(spec, split, list(found))
        found, name = found[split], f"{name} ({split})"
    elif split is not None:
        raise refusal("split", "left out for data without splits", f"{split!r} in {spec.text!r}")
    return wrapped(found, f"{spec.scheme}:{spec.place}", name, sample=sample, label=label)


def _from_disk(spec: Spec, path: Path, config: str | None, datasets: Any) -> Any:
    if config is not None:
        raise refusal("config", "left out for a folder", f"{config!r} in {spec.text!r}")
    if not any((path / file).exists() for file in _FILES):
        raise refusal(
            spec.argument,
            "a folder written by save_to_disk, or the name of a data set",
            f"another folder: {spec.text!r}",
            "Folders of files are opened by parquet: or imagefolder:.",
        )
    try:
        return datasets.load_from_disk(str(path))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise refusal(
            spec.argument,
            "undamaged, as save_to_disk has left it",
            f"{spec.text!r} ({reason(error)})",
            "Save it again.",
        ) from error


def _from_hub(spec: Spec, config: str | None, datasets: Any, *, download: bool) -> Any:
    if not _REPOSITORY.fullmatch(spec.place):
        raise refusal(
            spec.argument,
            "an existing folder, or the name of a data set of the Hub",
            repr(spec.text),
            "Names look like 'glue' or 'stanfordnlp/sst2'.",
        )
    try:
        with kept_offline(download):
            if download:
                return datasets.load_dataset(spec.place, config)
            with replaced(datasets.config, "HF_HUB_OFFLINE", True):
                return datasets.load_dataset(spec.place, config)
    except (KeyError, TypeError, ValueError, OSError, RuntimeError) as error:
        if download:
            raise refusal(
                spec.argument,
                "a data set that its library can load",
                f"{spec.text!r} ({reason(error)})",
                "Check its name, its ?config=, and the connection.",
            ) from error
        raise refusal(
            spec.argument,
            "on this machine, since nothing is downloaded unasked",
            f"{spec.text!r}, which is not ({reason(error)})",
            "Pass download=True (--download), or the folder of a copy.",
        ) from error


def wrapped(
    table: Any, where: str, name: str, *, sample: str | None = None, label: str | None = None
) -> HubSamples:
    """Give a ``datasets.Dataset`` the form of the others.

    Parameters
    ----------
    table : datasets.Dataset
        The rows.
    where : str
        What a refusal calls it.
    name : str
        What tables call it.
    sample, label : str, optional
        Names of columns, by default the usual ones.

    Returns
    -------
    HubSamples

    Raises
    ------
    ValueError
        If a column is missing, or labels are.
    """
    numbers = {key for key, feature in table.features.items() if _is_number(feature)}
    columns, label = chosen_columns(where, table.column_names, sample, label, numbers)
    names = getattr(table.features[label], "names", None)
    rows = table.with_format("arrow")
    values = rows.select_columns([label])[:].column(label).to_pylist()
    labels, names = class_numbers(values, names, f"column {label!r} of {where}")
    return HubSamples(name, labels, names, rows.select_columns(list(columns)), columns)


def _is_number(feature: Any) -> bool:
    return str(getattr(feature, "dtype", "")).startswith(("int", "uint", "float"))
