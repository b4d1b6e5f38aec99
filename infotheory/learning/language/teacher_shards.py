"""A folder of what a teacher says about a training set, in files that are whole or not there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from infotheory._atomic import replaced
from infotheory._validation import refusal
from infotheory.exceptions import StateError
from infotheory.learning.engine.binding import as_plain, differences
from infotheory.models.identity import take_in

__all__ = ["Shards", "digest_of", "refuse_others"]

_DESCRIPTION = "teacher_outputs.json"
_FORMAT = "infotheory teacher outputs 1"
_STEP = "shard_rows"
# What is wrong with a file that says something else.
_FAULTS = {
    "made_from": "it was made from another teacher, or other data",
    "rows": "it has other rows",
    "content": "its content has changed",
}
# What the parts of a description are called where they differ.
_NAMED = {
    "architecture": "the class of the teacher",
    "config": "the configuration of the teacher",
    "weights": "the weights of the teacher",
    "tokens": "the tokens of the data set, or their order",
    "given": "the logits or features given",
}


def digest_of(thing: Any) -> str:
    """Name something by its content, the same in each process.

    Parameters
    ----------
    thing : object
        Tensors, numbers and texts, and containers of them.

    Returns
    -------
    str
        SHA-256.
    """
    digest = hashlib.sha256()
    take_in(digest, thing)
    return digest.hexdigest()


class Shards:
    """A folder with one description, and a safetensors file for each stretch of rows.

    Parameters
    ----------
    folder : Path
        Where; made where it is not there.
    identity : mapping of str to object
        What the rows were computed from, with their number "rows"; None to take what is there.
    shard_rows : int, optional
        Rows of a file, with `identity`.

    Attributes
    ----------
    identity : dict of str to object
        What the rows were computed from.

    Raises
    ------
    ValueError
        If the folder was made from something else; the text says what differs.
    StateError
        If its description cannot be read.
    """

    def __init__(
        self, folder: Path, identity: Mapping[str, Any] | None = None, shard_rows: int = 1
    ) -> None:
        self.folder = folder
        path = folder / _DESCRIPTION
        if identity is None or path.exists():
            self._description = _described(path)
            if identity is not None:
                refuse_others(
                    self._description,
                    {**identity, _STEP: shard_rows},
                    argument="folder",
                    requirement="made from this teacher and this data set",
                    place=folder,
                    fix="Choose another folder, or remove this one.",
                )
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._description = {**identity, _STEP: shard_rows}
            text = json.dumps({"format": _FORMAT, **self._description}, indent=1) + "\n"
            with replaced(path) as draft:  # several processes may write it: the content is one
                draft.write_text(text, encoding="utf-8")
        self.identity = {k: v for k, v in self._description.items() if k != _STEP}
        self._key = digest_of(self._description)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The rows of each file: the first, and the one behind the last."""
        n, step = self._description["rows"], self._description[_STEP]
        return [(start, min(start + step, n)) for start in range(0, n, step)]

    def _path(self, start: int) -> Path:
        return self.folder / f"rows-{start:010d}.safetensors"

    def has(self, start: int) -> bool:
        """Tell whether the rows from `start` on are there."""
        return self._path(start).exists()

    def write(self, start: int, stop: int, tensors: Mapping[str, Tensor]) -> None:
        """Keep the outputs of some rows."""
        metadata = self._told(start, stop, tensors)
        with replaced(self._path(start)) as draft:
            save_file(dict(tensors), draft, metadata)

    def _told(self, start: int, stop: int, tensors: Mapping[str, Tensor]) -> dict[str, str]:
        """Return what a file says about itself; the format has no check sums of its own."""
        content = digest_of(dict(tensors))
        return {"made_from": self._key, "rows": f"{start}-{stop}", "content": content}

    def read(self, start: int, stop: int) -> dict[str, Tensor]:
        """Return the outputs of some rows as they were written."""
        path, tensors, fault = self._path(start), {}, None
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError as error:
            done = sum(b - a for a, b in self.spans if self.has(a))
            raise refusal(
                "folder",
                "complete",
                f"{str(self.folder)!r} with {done:,} of {self.identity['rows']:,} rows",
                "Compute the rest: TeacherOutputs.compute with the same teacher, data and folder.",
            ) from error
        except (SafetensorError, OSError) as error:
            fault = f"it cannot be read ({error})"
        else:
            expected = self._told(start, stop, tensors)
            fault = next((_FAULTS[k] for k in _FAULTS if metadata.get(k) != expected[k]), None)
        if fault is not None:
            raise StateError(
                f"teacher outputs must be files as they were written; got {str(path)!r}: {fault}. "
                "Remove that file: its rows are then computed anew, and no others."
            )
        return tensors


def _described(path: Path) -> dict[str, Any]:
    """Return what a folder was made from."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise refusal(
            "folder",
            "one with the outputs of a teacher",
            f"{str(path.parent)!r}, which has no {path.name}",
            "TeacherOutputs.compute(teacher, data, folder=...) makes one.",
        ) from error
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
        raise StateError(
            f"teacher outputs must have a description that this version wrote; got {str(path)!r}, "
            "which is another file. Remove the folder to compute them again."
        )
    return found


def refuse_others(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    argument: str,
    requirement: str,
    place: Path,
    fix: str,
) -> None:
    """Refuse files that were made from something else, and say from what.

    Parameters
    ----------
    old, new : mapping of str to object
        What they were made from, and what is at hand now.
    argument, requirement, fix : str
        Parts of the sentence.
    place : Path
        Where the files are.

    Raises
    ------
    ValueError
        If there is a difference.
    """
    found = differences(old, as_plain(new))
    if not found:
        return
    told = [
        _NAMED.get(name.rpartition(".")[2], f"{name} ({was!r}, and now {now!r})")
        for name, (was, now) in found.items()
    ]
    fact = f"{str(place)!r}, where other things were used: {'; '.join(told)}"
    raise refusal(argument, requirement, fact, fix)
