"""Accumulators in files: written whole or not at all, checked when read, never unpickled.

A file is an npz archive: the member ``state.json`` says what is in it, each array is a member
``INDEX/FIELD.npy``, and the comment of the archive, its last bytes, is the SHA-256 of all bytes
before. ``numpy.load`` reads the arrays of such a file, too.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

from numpy.lib import format as npy

from infotheory._atomic import replaced
from infotheory._validation import refusal
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.state_record import Record
from infotheory.exceptions import StateError

__all__ = [
    "StoredState",
    "choose",
    "pack_states",
    "read_states",
    "unpack_states",
    "write_states",
]

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
    records = _records(states)
    text = _index_of(records, notes)
    with replaced(target) as draft, draft.open("w+b") as file:
        _write(file, records, text)
    if remember:
        for name, record in records.items():
            states[name].include(None, record.all_digests)


def pack_states(
    states: Mapping[str, NCMIAccumulator], notes: Mapping[str, Mapping[str, Any]] | None = None
) -> bytes:
    """Return what :func:`write_states` would write, to be sent to another process.

    Parameters
    ----------
    states, notes
        As in :func:`write_states`. The accumulators do not remember that they were packed.

    Returns
    -------
    bytes
    """
    records = _records(states)
    stream = io.BytesIO()
    _write(stream, records, _index_of(records, notes))
    return stream.getvalue()


def _records(states: Mapping[str, NCMIAccumulator]) -> dict[str, Record]:
    for name in states:
        if not isinstance(name, str):
            raise TypeError(f"names of states must be strings; got {name!r}.")
    return {name: Record.of(accumulator) for name, accumulator in states.items()}


def _index_of(records: Mapping[str, Record], notes: Mapping[str, Mapping[str, Any]] | None) -> str:
    index = {
        "format": _FORMAT,
        "version": _VERSION,
        "states": [
            {"name": name, "note": dict((notes or {}).get(name, {})), **record.index()}
            for name, record in records.items()
        ],
    }
    return json.dumps(index, allow_nan=False, indent=1)


def _write(file: IO[bytes], records: Mapping[str, Record], index: str) -> None:
    """Write the archive into an empty file that can be read, too."""
    with zipfile.ZipFile(file, "w") as archive:
        # Members carry no time of writing: equal states give equal files.
        archive.writestr(zipfile.ZipInfo(_INDEX), index)
        for position, record in enumerate(records.values()):
            for field, array in record.arrays.items():
                member = zipfile.ZipInfo(f"{position}/{field}.npy")
                with archive.open(member, "w", force_zip64=True) as stream:
                    npy.write_array(stream, array, allow_pickle=False)
        archive.comment = bytes(_HASH_LENGTH)
    checksum = _checksum(file)
    file.seek(-_HASH_LENGTH, os.SEEK_END)
    file.write(checksum)


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
        return _read(file, path)


def unpack_states(content: bytes, source: str) -> dict[str, StoredState]:
    """Read what :func:`pack_states` returned, checked as a file is.

    Parameters
    ----------
    content : bytes
        What was received.
    source : str
        What a refusal calls it.

    Returns
    -------
    dict of str to StoredState

    Raises
    ------
    StateError
        As in :func:`read_states`.
    """
    return _read(io.BytesIO(content), source)


def _read(file: IO[bytes], path: str | os.PathLike[str]) -> dict[str, StoredState]:
    _refuse_damage(file, path)
    states = {}
    try:
        with zipfile.ZipFile(file) as archive:
            index = _index(archive, path)
            for position, entry in enumerate(index["states"]):
                record = Record.read(archive, position, entry)
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
    if not file.seek(0, os.SEEK_END):
        _refuse(path, "an empty file")
    file.seek(0)
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
