"""Stored outputs of classifiers with their labels, found in files and streamed from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infotheory._typing import AnyArray
from infotheory._validation import refusal
from infotheory.files.choice import choose_outputs
from infotheory.files.columns import Column, find_column
from infotheory.files.recognise import open_source
from infotheory.files.source import (
    Header,
    Source,
    UnusableFileError,
    objects_refused,
    unusable,
)

__all__ = ["Batch", "StoredModel", "find_models"]


class Batch(NamedTuple):
    """Some rows of a model, with what belongs to them.

    Attributes
    ----------
    outputs : ndarray, shape (n, K)
        As they are stored. A dtype of the name ``bfloat16`` holds the bits of that type.
    labels : ndarray of int, shape (n,)
        True classes.
    weights, groups : ndarray, shape (n,), or None
        Where they were asked for.
    """

    outputs: AnyArray
    labels: AnyArray
    weights: AnyArray | None
    groups: AnyArray | None


@dataclass(frozen=True, eq=False)
class StoredModel:
    """The outputs of one classifier in a file, and the labels of their rows.

    Attributes
    ----------
    source : Source
        The file of the outputs.
    columns : tuple of str
        The name of a 2-dimensional array, or the columns of a table that side by side are one.
    key : str
        Name of the array, of the column, of the pattern or of the numbered family of columns;
        empty where the file holds one model without a name.
    labels : Column
        Their place.
    weights, groups : Column or None
        Their places.
    """

    source: Source
    columns: tuple[str, ...]
    key: str
    labels: Column
    weights: Column | None = None
    groups: Column | None = None

    @property
    def file(self) -> Path:
        """The file of the outputs."""
        return self.source.path

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read: of the outputs, and of what lies beside them."""
        return tuple(self._sources)

    @property
    def _sources(self) -> dict[Path, Source]:
        beside = (column.source for column in self._beside.values())
        return {source.path: source for source in (self.source, *beside)}

    @property
    def n_rows(self) -> int:
        """Number of samples, known beforehand; the rows of a csv are counted when it is opened."""
        return self._header.shape[0]

    @property
    def n_outputs(self) -> int:
        """Number of output symbols K."""
        return self._header.shape[1]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the outputs."""
        return self._header.dtype

    @property
    def _header(self) -> Header:
        headers = [self.source.arrays[name] for name in self.columns]
        if len(headers[0].shape) == 2:
            return headers[0]
        dtype = np.result_type(*{header.dtype for header in headers})
        return Header((headers[0].shape[0], len(headers)), dtype)

    @property
    def _beside(self) -> dict[str, Column]:
        columns = {"labels": self.labels, "weights": self.weights, "groups": self.groups}
        return {role: column for role, column in columns.items() if column is not None}

    def batches(self, batch_bytes: int = 64 << 20, start: int = 0) -> Iterator[Batch]:
        """Read the rows in the order of the file, some megabytes of outputs at a time.

        Parameters
        ----------
        batch_bytes : int, default 64 MiB
            A batch has as many rows as fit into this, and at least one.
        start : int, default 0
            The first row, in [0, n]. Batches end at the same rows whatever it is.

        Returns
        -------
        iterator of Batch

        Raises
        ------
        UnusableFileError
            At once where outputs and labels cannot belong together; on the way where a file is
            damaged, or has missing or ragged entries. The message names the row.
        ValueError
            If there is no such first row.
        """
        rows, outputs, dtype = self.n_rows, self.n_outputs, self.dtype
        if not 0 <= start <= rows:
            raise refusal("start", f"a row in [0, {rows}]", str(start))
        if dtype.hasobject:
            raise objects_refused(self.source.what(self.columns[0]))
        if not (rows and outputs):
            raise unusable(
                "outputs",
                "have at least one row and one column",
                f"shape {(rows, outputs)}",
                "Store at least one sample.",
            )
        for role, column in self._beside.items():
            shape = column.header.shape
            if shape[0] != rows:
                raise unusable(
                    role,
                    f"have one entry per row of outputs ({rows})",
                    f"shape {shape}",
                    "Check that they come from the same samples.",
                )
        return self._read(max(1, batch_bytes // (outputs * dtype.itemsize)), start)

    def _read(self, step: int, start: int) -> Iterator[Batch]:
        # One reader a file, so that a table is gone through once.
        wanted: dict[Source, list[tuple[str, ...]]] = {self.source: [self.columns]}
        for column in self._beside.values():
            wanted.setdefault(column.source, []).append((column.name,))
        readers = [
            source.read(names, step, start, "" if source is self.source else f"in {source.path}: ")
            for source, names in wanted.items()
        ]
        begin = start
        for parts in zip(*readers, strict=True):
            found = {
                (source, names): array
                for (source, together), arrays in zip(wanted.items(), parts, strict=True)
                for names, array in zip(together, arrays, strict=True)
            }
            outputs = found[self.source, self.columns]
            beside = {
                role: column.converted(found[column.source, (column.name,)], role, begin)
                for role, column in self._beside.items()
            }
            yield Batch(
                outputs.reshape(len(outputs), self.n_outputs),
                beside["labels"],
                beside.get("weights"),
                beside.get("groups"),
            )
            begin += len(outputs)

    def fingerprint(self) -> str:
        """Return a name for the content, by which a later run knows it again.

        Returns
        -------
        str
            SHA-256, in hexadecimal, over formats, names, shapes, types, sizes, and the content of
            each file that is read: all of it up to 64 MiB, and of larger files 64 evenly spaced
            stripes of 1 MiB, the first and the last among them. It does not depend on paths or
            times. A change between the stripes that leaves the size is not noticed. A file is
            hashed once for all of its models.

        Raises
        ------
        UnusableFileError
            If one of the files has gone.
        """
        digest = hashlib.sha256()
        outputs = [("outputs", Column(self.source, name)) for name in self.columns]
        for role, column in (*outputs, *self._beside.items()):
            shape, dtype = column.header
            about = (role, column.source.format, column.name, shape, dtype.name)
            digest.update(repr(about).encode())
        for path, source in self._sources.items():
            try:
                digest.update(source.content_digest)
            except OSError as error:
                raise UnusableFileError(f"{path} may not be read any more ({error}).") from error
        return digest.hexdigest()


def find_models(
    path: Path,
    labels: str | None = None,
    *,
    outputs: Sequence[str] | None = None,
    weights: str | None = None,
    groups: str | None = None,
) -> tuple[list[StoredModel], list[str]]:
    """List the models of a file.

    Parameters
    ----------
    path : Path
        An npy, npz, parquet, safetensors, csv or tsv file (the last two also with ``.gz``).
    labels : str, optional
        Where the labels are: an array or column of the file, another file (``FILE``), or an array
        of another file (``FILE:KEY``). A file that exists wins over an array of that name. By
        default ``labels`` or else ``label`` in the file itself.
    outputs : sequence of str, optional
        Patterns (as of a shell) that choose the models by name: 2-dimensional arrays, columns of
        lists, or columns of numbers, which make up one model a pattern. By default every such array
        or column of lists; in a table of numbers a model for each of several numbered families of
        columns (``a_0, a_1, ..., b_0, b_1, ...``), or one model of all columns.
    weights, groups : str, optional
        Where the weight and the group of each row are, in the same forms as `labels`.

    Returns
    -------
    models : list of StoredModel
        In the order of the file.
    notes : list of str
        What was passed over, and why.

    Raises
    ------
    UnusableFileError
        If the file cannot be read, holds no model or no labels, or a pattern matches nothing; the
        message lists what there is.
    """
    source = open_source(path)
    sources = [source]
    places = {
        role: find_column(role, text, sources)
        for role, text in (("labels", labels), ("weights", weights), ("groups", groups))
        if text is not None or role == "labels"
    }
    taken = {column.name for column in places.values() if column.source is source}
    chosen, notes = choose_outputs(source, taken, outputs)
    models = [StoredModel(source, columns, key, **places) for key, columns in chosen.items()]
    return models, [*source.notes, *notes]
