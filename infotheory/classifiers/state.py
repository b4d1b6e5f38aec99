"""Accumulators in files: written whole or not at all, checked when read, never unpickled.

A file is an npz archive: the member ``state.json`` says what is in it, each array is a member
``INDEX/FIELD.npy``, and the comment of the archive, its last bytes, is the SHA-256 of all bytes
before. ``numpy.load`` reads the arrays of such a file, too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np
from numpy.lib import format as npy

from infotheory._atomic import replaced
from infotheory._typing import AnyArray
from infotheory._validation import refusal
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.class_sums import ClassSums
from infotheory.exceptions import StateError

__all__ = ["StoredState", "choose", "read_states", "write_states"]

_FORMAT = "infotheory NCMI state"
_VERSION = 1
_INDEX = "state.json"
_START = b"PK\x03\x04"  # of a zip archive; the name of the first member stands at byte 30
_HASH_LENGTH = 64  # hexadecimal digits of SHA-256
_BLOCK_BYTES = 1 << 20

# What the readers of archives, JSON and npy headers raise on content that nobody wrote on purpose.
_DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class StoredState(NamedTuple):
    """What a file holds under one name.

    Attributes
    ----------
    accumulator : NCMIAccumulator
        As it was when it was saved.
    note : dict
        What was written beside it; empty if nothing was.
    """

    accumulator: NCMIAccumulator
    note: dict[str, Any]


def write_states(
    path: str | os.PathLike[str],
    states: Mapping[str, NCMIAccumulator],
    notes: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    remember: bool = True,
) -> None:
    """Save accumulators into one file, which replaces an old one when it is complete.

    Parameters
    ----------
    path : path_like
        Where to; no ending is added.
    states : mapping of str to NCMIAccumulator
        What to save, by name.
    notes : mapping of str to mapping, optional
        What to keep beside each state: anything that JSON can hold.
    remember : bool, default True
        Whether each accumulator counts the saved state among its digests from then on, so that it
        is not merged with what has grown from it. False for a program that saves the same
        accumulators again and again, and knows their data by other means: one digest a save adds
        up.

    Returns
    -------
    None

    Raises
    ------
    OSError
        If the file cannot be written. What was there before is still there.
    TypeError, ValueError
        If a name is no string, a note cannot be written as JSON, or something else than a file is
        at `path`.

    See Also
    --------
    read_states : the way back.

    Notes
    -----
    The file is written beside the old one, brought to the disk, and renamed: whatever happens to
    this process, a whole state is there. Some 16 S K bytes for each accumulator, S the classes met
    (times the shards), and the digest takes some milliseconds a megabyte.

    References
    ----------
    yang2023cmicdl, for the quantities that follow from the saved sums.

    Examples
    --------
    >>> import tempfile
    >>> from infotheory import NCMIAccumulator
    >>> from infotheory.classifiers import read_states, write_states
    >>> accumulator = NCMIAccumulator().update([[2.0, 0.0], [0.0, 1.0]], [0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_states(f"{folder}/states", {"net": accumulator}, {"net": {"epoch": 7}})
    ...     stored = read_states(f"{folder}/states")
    >>> stored["net"].note, stored["net"].accumulator
    ({'epoch': 7}, NCMIAccumulator(n=2, n_classes=2, n_outputs=2))
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        raise refusal("path", "an ordinary file or a new name", str(target), "Choose another.")
    for name in states:
        if not isinstance(name, str):
            raise TypeError(f"names of states must be strings; got {name!r}.")
    records = {name: _Record.of(accumulator) for name, accumulator in states.items()}
    index = {
        "format": _FORMAT,
        "version": _VERSION,
        "states": [
            {"name": name, "note": dict((notes or {}).get(name, {})), **record.index()}
            for name, record in records.items()
        ],
    }
    text = json.dumps(index, allow_nan=False, indent=1)
    with replaced(target) as draft:
        with zipfile.ZipFile(draft, "w") as archive:
            # Members carry no time of writing: equal states give equal files.
            archive.writestr(zipfile.ZipInfo(_INDEX), text)
            for position, record in enumerate(records.values()):
                for field, array in record.arrays.items():
                    member = zipfile.ZipInfo(f"{position}/{field}.npy")
                    with archive.open(member, "w", force_zip64=True) as stream:
                        npy.write_array(stream, array, allow_pickle=False)
            archive.comment = bytes(_HASH_LENGTH)
        with draft.open("r+b") as file:
            checksum = _checksum(file)
            file.seek(-_HASH_LENGTH, os.SEEK_END)
            file.write(checksum)
    if remember:
        for name, record in records.items():
            states[name].include(None, record.all_digests)


def read_states(path: str | os.PathLike[str]) -> dict[str, StoredState]:
    """Read what :func:`write_states` or :meth:`NCMIAccumulator.save` wrote.

    Parameters
    ----------
    path : path_like
        The file.

    Returns
    -------
    dict of str to StoredState
        In the order in which they were written.

    Raises
    ------
    StateError
        If the file is no saved state, is truncated or damaged, or was written by a later version.
    OSError
        If there is no such file, or it may not be read.

    See Also
    --------
    write_states : the way there, with an example.

    Notes
    -----
    Checked are the checksum of the whole file, the version of the format, the digest of each state,
    and that its arrays fit together. Nothing is unpickled, and nothing is unpacked that takes more
    room than the file.

    References
    ----------
    yang2023cmicdl, for the quantities that follow from the saved sums.

    Examples
    --------
    >>> import tempfile
    >>> from infotheory import NCMIAccumulator
    >>> from infotheory.classifiers import read_states
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     NCMIAccumulator(10).save(f"{folder}/state")
    ...     read_states(f"{folder}/state")["classifier"].accumulator
    NCMIAccumulator(n=0, n_classes=10, n_outputs=None)
    """
    with Path(path).open("rb") as file:
        _refuse_damage(file, path)
        try:
            with zipfile.ZipFile(file) as archive:
                index = _index(archive, path)
                states = {}
                for position, entry in enumerate(index["states"]):
                    record = _Record.read(archive, position, entry)
                    states[entry["name"]] = StoredState(record.accumulator(), entry["note"])
                if len(states) < len(index["states"]):
                    raise ValueError("two states have the same name")
        except StateError:
            raise
        except _DAMAGE as error:
            _refuse(path, f"a file whose content contradicts itself ({error})")
    return states


def choose(
    states: Mapping[str, StoredState], name: str | None, path: str | os.PathLike[str]
) -> NCMIAccumulator:
    """Return the accumulator of that name, or the only one where none is given."""
    listed = ", ".join(map(repr, states)) or "nothing"
    if name is None and len(states) != 1:
        raise refusal(
            "name", f"one of the states in {os.fspath(path)}", "none", f"It holds {listed}."
        )
    if name is not None and name not in states:
        raise refusal(
            "name", f"one of the states in {os.fspath(path)}", repr(name), f"It holds {listed}."
        )
    return states[next(iter(states)) if name is None else name].accumulator


def _refuse(path: str | os.PathLike[str], fact: str, fix: str = "") -> NoReturn:
    fix = fix or "It is left as it is; measure again, into another file."
    raise StateError(str(refusal(os.fspath(path), "a state saved by infotheory", fact, fix)))


def _checksum(file: IO[bytes]) -> bytes:
    """Hash all but the last bytes, which are for the hash itself."""
    left = file.seek(0, os.SEEK_END) - _HASH_LENGTH
    file.seek(0)
    found = hashlib.sha256()
    while left > 0 and (block := file.read(min(left, _BLOCK_BYTES))):  # or it is being cut short
        found.update(block)
        left -= len(block)
    return found.hexdigest().encode()


def begins_like_a_state(file: IO[bytes]) -> bool:
    """Tell whether what is at the beginning of a file is that of a state, of any version."""
    head = file.read(30 + len(_INDEX))
    return head.startswith(_START) and head.endswith(_INDEX.encode())


def _refuse_damage(file: IO[bytes], path: str | os.PathLike[str]) -> None:
    if not os.fstat(file.fileno()).st_size:
        _refuse(path, "an empty file")
    if not begins_like_a_state(file):
        _refuse(path, "a file of another kind, or its beginning is damaged")
    checksum = _checksum(file)
    if file.read(_HASH_LENGTH) != checksum:
        _refuse(path, "a file that is truncated or damaged (its checksum does not match)")
    file.seek(0)


def _index(archive: zipfile.ZipFile, path: str | os.PathLike[str]) -> dict[str, Any]:
    index = json.loads(archive.read(_INDEX))
    if not isinstance(index, dict) or index.get("format") != _FORMAT:
        _refuse(path, "a file of another kind")
    version = index.get("version")
    if isinstance(version, int) and version > _VERSION:
        _refuse(
            path,
            f"format {version}, written by a later version",
            f"This version of infotheory reads up to format {_VERSION}; install a newer one.",
        )
    if version != _VERSION or not isinstance(index.get("states"), list):
        raise ValueError(f"version {version!r}")
    return index


@dataclass(frozen=True)
class _Record:
    """One accumulator, taken apart into arrays and what JSON holds."""

    settings: Mapping[str, Any]
    numbers: Mapping[str, int | None] | None  # the other fields of the sums; None: no samples
    arrays: Mapping[str, AnyArray]
    digests: frozenset[str]  # while saving, those of before

    @classmethod
    def of(cls, accumulator: NCMIAccumulator) -> _Record:
        if accumulator.n_outputs is None:
            return cls(accumulator.settings, None, {}, accumulator.digests)
        values = {f.name: getattr(accumulator.sums, f.name) for f in fields(ClassSums)}
        arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
        numbers = {k: v for k, v in values.items() if k not in arrays}
        return cls(accumulator.settings, numbers, arrays, accumulator.digests)

    @cached_property
    def digest(self) -> str:
        """The identity of the content: SHA-256 of the settings and sums."""
        text = json.dumps([self.settings, self.numbers], sort_keys=True)
        found = hashlib.sha256(text.encode())
        for name, array in sorted(self.arrays.items()):
            plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            found.update(f"\n{name} {plain.dtype.str} {plain.shape}\n".encode())
            found.update(plain.data)
        return found.hexdigest()

    @property
    def all_digests(self) -> frozenset[str]:
        """The digests and, where there are samples, that of this state itself."""
        return self.digests if self.numbers is None else self.digests | {self.digest}

    def index(self) -> dict[str, Any]:
        return {
            "settings": self.settings,
            "numbers": self.numbers,
            "arrays": list(self.arrays),
            "digests": sorted(self.all_digests),
            "digest": self.digest,
        }

    @classmethod
    def read(cls, archive: zipfile.ZipFile, position: int, entry: Mapping[str, Any]) -> _Record:
        if not (isinstance(entry["name"], str) and isinstance(entry["note"], dict)):
            raise ValueError(f"the name or note of state {position}")
        if not all(isinstance(digest, str) for digest in entry["digests"]):
            raise ValueError(f"the digests of state {position}")
        arrays = {name: _read_array(archive, f"{position}/{name}.npy") for name in entry["arrays"]}
        record = cls(entry["settings"], entry["numbers"], arrays, frozenset(entry["digests"]))
        if record.digest != entry["digest"]:
            raise ValueError(f"the digest of state {position}")
        return record

    def accumulator(self) -> NCMIAccumulator:
        accumulator = NCMIAccumulator(**self.settings)
        sums = None
        if self.numbers is not None:
            values: dict[str, Any] = {**self.numbers, **self.arrays}
            sums = ClassSums(**values)
            _check_sums(sums, accumulator)
        accumulator.include(sums, self.digests)
        return accumulator


def _read_array(archive: zipfile.ZipFile, name: str) -> AnyArray:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:  # so that no small file unpacks to a vast array
        raise ValueError(f"{name} is compressed")
    with archive.open(info) as stream:
        npy.read_magic(stream)
        shape, _, dtype = npy.read_array_header_1_0(stream)
        if stream.tell() + dtype.itemsize * math.prod(shape) != info.file_size:
            raise ValueError(f"the header of {name}")
        stream.seek(0)
        array = npy.read_array(stream, allow_pickle=False)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def _check_sums(sums: ClassSums, empty: NCMIAccumulator) -> None:
    """Refuse sums that do not fit together or an accumulator, so that nothing fails later on."""
    if (sums.n_classes, sums.n_parts) != (empty.n_classes, max(1, empty.shards)):
        raise ValueError("the number of classes or shards")
    if sums.mass.shape != (sums.cells.size, sums.n_outputs):
        raise ValueError("the shape of mass")
    like = ClassSums.empty(sums.n_classes, sums.n_outputs, sums.cells, sums.n_parts)
    like.zeros = None if sums.zeros is None else np.empty(like.mass.shape, like.counts.dtype)
    for field in fields(ClassSums):
        got, wanted = getattr(sums, field.name), getattr(like, field.name)
        if isinstance(wanted, np.ndarray):
            _check_array(field.name, got, wanted)
        elif isinstance(got, np.ndarray):
            raise ValueError(f"{field.name} is an array")
    cells, n_cells = sums.cells, sums.n_classes * sums.n_parts
    if (np.diff(cells) <= 0).any() or not (cells < n_cells).all() or sums.n > sums.n_rows:
        raise ValueError("the cells")


def _check_array(name: str, got: Any, wanted: AnyArray) -> None:
    if not isinstance(got, np.ndarray) or (got.dtype, got.shape) != (wanted.dtype, wanted.shape):
        raise ValueError(f"the type or shape of {name}")
    if (got < 0).any() if got.dtype.kind == "i" else np.isnan(got).any():
        raise ValueError(f"a value in {name}")
