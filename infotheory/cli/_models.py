"""The models that a command names: their files, their names, and their rows one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from infotheory.files import Batch, StoredModel, UnusableFileError, find_models

__all__ = ["Found", "Model", "Places", "find"]


class Places(NamedTuple):
    """Where to look for what, once for each file or once for all of them."""

    labels: Sequence[str]
    weights: Sequence[str]
    groups: Sequence[str]
    outputs: Sequence[str] | None

    def of_file(self, number: int) -> dict[str, Any]:
        """Return the arguments of ``find_models`` for one of the files."""
        one = {
            role: None if not given else given[number if len(given) > 1 else 0]
            for role, given in (
                ("labels", self.labels),
                ("weights", self.weights),
                ("groups", self.groups),
            )
        }
        return {**one, "outputs": self.outputs}


@dataclass(frozen=True)
class Model:
    """One classifier: its outputs are the rows of one stored model, or of several in turn."""

    name: str
    pieces: tuple[StoredModel, ...]

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return sum(piece.n_rows for piece in self.pieces)

    @property
    def n_outputs(self) -> int:
        """Number of output symbols K."""
        return self.pieces[0].n_outputs

    @property
    def where(self) -> str:
        """What a message calls it."""
        if len(self.pieces) > 1:
            return self.name
        (piece,) = self.pieces
        return f"{piece.file}[{piece.key}]" if piece.key else str(piece.file)

    @property
    def source(self) -> dict[str, str]:
        """File and array, for documents."""
        return {
            "file": "; ".join(str(piece.file) for piece in self.pieces),
            "array": "; ".join(dict.fromkeys(piece.key for piece in self.pieces)),
        }

    def sources(self) -> list[dict[str, str]]:
        """File and array of each piece, and the fingerprint by which a later run knows it again."""
        return [
            {"file": str(piece.file), "array": piece.key, "fingerprint": piece.fingerprint()}
            for piece in self.pieces
        ]

    def batches(self, batch_bytes: int, start: int = 0) -> Iterator[tuple[str, int, Batch]]:
        """Read the rows from `start` on, which is the end of a batch or 0.

        Yields
        ------
        file : str
            Empty where there is only one.
        row : int
            Number of the first row of the batch in its own array.
        batch : Batch
        """
        for piece in self.pieces:
            file = f"{piece.file}: " if len(self.pieces) > 1 else ""
            row = min(start, piece.n_rows)
            start -= row
            if row == piece.n_rows > 0:
                continue
            try:
                for batch in piece.batches(batch_bytes, row):
                    yield file, row, batch
                    row += len(batch.labels)
            except UnusableFileError as error:
                raise UnusableFileError(f"{file}{error}") from error


class Found(NamedTuple):
    """Models by name, what was passed over, and what failed, by place."""

    models: dict[str, Model]
    notes: list[str]
    failures: dict[str, Exception]


def find(
    files: Sequence[Path], places: Places, name: str | None, *, allow_repeats: bool = False
) -> Found:
    """Look into the files.

    Parameters
    ----------
    files : sequence of Path
        In the order given.
    places : Places
        Where labels and so on are.
    name : str, optional
        Of the one model that the files make up together; without it each holds models of its own.
    allow_repeats : bool, default False
        Whether the same data may be in that model more than once.

    Returns
    -------
    Found
    """
    stored: list[StoredModel] = []
    notes: list[str] = []
    failures: dict[str, Exception] = {}
    for number, path in enumerate(files):
        try:
            models, passed_over = find_models(path, **places.of_file(number))
            if name is not None and len(models) != 1:
                keys = ", ".join(repr(model.key) for model in models)
                raise UnusableFileError(
                    f"it must hold one model, to be a part of {name!r}; got {keys}. "
                    "Choose one with --outputs."
                )
        except UnusableFileError as error:
            failures[str(path)] = error
            continue
        stored += models
        notes += [f"{path}: {note}" for note in passed_over]
    if name is None:
        named = {n: Model(n, (model,)) for n, model in zip(_names(stored), stored, strict=True)}
        return Found(named, notes, failures)
    if not failures:
        failures |= _unfit(name, stored, allow_repeats=allow_repeats)
    # A part of the rows would pass for the whole.
    return Found({} if failures else {name: Model(name, tuple(stored))}, notes, failures)


def _unfit(
    name: str, pieces: Sequence[StoredModel], *, allow_repeats: bool
) -> dict[str, Exception]:
    """Say why pieces cannot be one model, or nothing."""
    sizes = {str(piece.file): piece.n_outputs for piece in pieces}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{size} in {file}" for file, size in sizes.items())
        return {
            name: UnusableFileError(
                f"outputs must have the same number of columns in each file; got {listed}."
            )
        }
    first: dict[str, Path] = {}
    for piece in () if allow_repeats else pieces:
        fingerprint = piece.fingerprint()
        if fingerprint in first:
            return {
                str(piece.file): UnusableFileError(
                    f"its samples must be others than those of {first[fingerprint]}; "
                    "got the same. Pass --allow-repeats to count them again."
                )
            }
        first[fingerprint] = piece.file
    return {}


def _names(models: Sequence[StoredModel]) -> list[str]:
    """Name models by key, or by file, with as much of the path as tells them apart."""
    candidates = [
        (
            model.key or model.file.stem,
            model.file.stem,
            f"{model.file.stem}:{model.key}",
            f"{model.file}:{model.key}".rstrip(":"),
        )
        for model in models
    ]
    counts = [Counter(names) for names in zip(*candidates, strict=True)]
    chosen = [
        next((n for n, count in zip(names, counts, strict=True) if count[n] == 1), names[-1])
        for names in candidates
    ]
    # A key of one file may be the name of another: then both take their whole path.
    taken = Counter(chosen)
    return [
        name if taken[name] == 1 else names[-1]
        for name, names in zip(chosen, candidates, strict=True)
    ]
