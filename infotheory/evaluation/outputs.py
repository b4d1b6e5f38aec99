"""Outputs in npy files, written as they come, and gone on with after an interruption."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from infotheory._atomic import replaced
from infotheory._typing import IntArray
from infotheory._validation import as_outputs, decode, refusal
from infotheory.exceptions import StateError

__all__ = ["SavedOutputs", "file_names", "write_labels"]


def file_names(models: Iterable[str]) -> dict[str, str]:
    """Return what the file of each model is called, without the ending.

    >>> file_names(["resnet20", "timm:a/b", "timm:a:b"])
    {'resnet20': 'resnet20', 'timm:a/b': 'timm_a_b', 'timm:a:b': 'timm_a_b_2'}
    """
    names: dict[str, str] = {}
    taken = {"labels"}
    for model in models:
        plain = re.sub(r"[^\w.+-]", "_", model).lstrip(".") or "model"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name.casefold())
        names[model] = name
    return names


class SavedOutputs:
    """The outputs of one model: ``NAME.npy.part`` while it grows, ``NAME.npy`` once it is complete.

    Parameters
    ----------
    folder : Path
        Where to. It is made if it is not there.
    name : str
        Of the file, without the ending.
    rows : int
        How many rows of an earlier run to go on from.
    complete : bool
        Whether the earlier run came to its end.

    Raises
    ------
    StateError
        If the rows of the earlier run are not there.
    ValueError
        If there is a file in the place of the folder.
    """

    def __init__(self, folder: Path, name: str, rows: int = 0, *, complete: bool = False) -> None:
        if folder.exists() and not folder.is_dir():
            raise refusal("save_outputs", "a folder", f"the file {folder}", "Name a new folder.")
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.npy"
        self._draft = folder / f"{name}.npy.part"
        self._rows = rows
        self._shape: tuple[int, ...] = ()
        self._dtype: np.dtype[Any] = np.dtype(np.float32)
        self._descriptor: int | None = None
        if not rows:
            self._draft.unlink(missing_ok=True)
        elif not (complete and self._is_finished()):
            self._go_on()

    def _is_finished(self) -> bool:
        """Tell whether the complete file is that of the earlier run."""
        if self._draft.exists() or not self.path.exists():
            return False
        found = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return bool(found.shape[:1] == (self._rows,))

    def _go_on(self) -> None:
        """Open the draft, and cut off what was written behind the last state."""
        try:
            with self._draft.open("rb") as file:
                npy.read_magic(file)
                (_, *shape), _, self._dtype = npy.read_array_header_1_0(file)
        except (OSError, ValueError) as error:
            raise self._not_there("no such file" if not self._draft.exists() else error) from error
        self._shape = tuple(shape)
        end = self._end()
        if self._draft.stat().st_size < end:
            raise self._not_there("fewer rows")
        self._descriptor = os.open(self._draft, os.O_RDWR)
        os.ftruncate(self._descriptor, end)
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def _not_there(self, fact: object) -> StateError:
        return StateError(
            f"{self._draft} must hold the outputs of the {self._rows:,} rows that the saved state "
            f"has taken in; got {fact}. Measure them again, with another state."
        )

    def _header(self, rows: int) -> bytes:
        """Return the header, which is equally long for any number of rows."""
        stream = io.BytesIO()
        descr = npy.dtype_to_descr(self._dtype)
        npy.write_array_header_1_0(
            stream, {"descr": descr, "fortran_order": False, "shape": (rows, *self._shape)}
        )
        return stream.getvalue()

    def _end(self) -> int:
        row = self._dtype.itemsize * int(np.prod(self._shape))
        return len(self._header(0)) + self._rows * row

    def append(self, outputs: Any) -> None:
        """Write the outputs of some more rows: float64 as they are, others as float32."""
        array = as_outputs(outputs)
        if self._descriptor is None:
            self._dtype = np.dtype(np.float64 if array.dtype == np.float64 else np.float32)
            self._shape = array.shape[1:]
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
            self._descriptor = os.open(self._draft, flags, 0o666)
            _write(self._descriptor, self._header(0))
        plain = decode(array) if array.dtype == np.int16 else array
        _write(self._descriptor, np.ascontiguousarray(plain, self._dtype).data.cast("B"))
        self._rows += len(array)

    def sync(self) -> None:
        """Bring what was written to the disk, before a state says that it is there."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def finish(self) -> None:
        """Give the complete file its name."""
        if not self._draft.exists():  # an earlier run has done so, or there were no rows
            return
        self.close()
        with self._draft.open("r+b") as file:
            file.write(self._header(self._rows))
            os.fsync(file.fileno())
        self._draft.replace(self.path)

    def close(self, *, keep: bool = True) -> None:
        """Write no more for now; keep the draft for a later run, or remove it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            if not keep:
                self._draft.unlink()


def write_labels(folder: Path, labels: dict[str, IntArray]) -> None:
    """Write the labels of the saved rows: one file, or one for each model where they differ.

    What an earlier run has left of the other form is removed, as far as it is of these models.

    Parameters
    ----------
    folder : Path
        Where to.
    labels : dict of str to ndarray
        By file name of the model.
    """
    arrays, models = list(labels.values()), list(labels)
    if all(np.array_equal(array, arrays[0]) for array in arrays):
        labels = {"": arrays[0]}
    for name, array in labels.items():
        with (
            replaced(folder / f"{name}{'.' if name else ''}labels.npy") as draft,
            draft.open("wb") as file,
        ):
            np.save(file, array, allow_pickle=False)
    if "" in labels:
        for name in models:
            (folder / f"{name}.labels.npy").unlink(missing_ok=True)
    elif {file.stem for file in folder.glob("*.npy") if "labels" not in file.stem} <= {*models}:
        (folder / "labels.npy").unlink(missing_ok=True)


def _write(descriptor: int, data: bytes | memoryview) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
