"""Checkpoints: all that the next epoch depends on, in one file that is read without unpickling."""

from __future__ import annotations

import json
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from infotheory._atomic import replaced
from infotheory._validation import refusal
from infotheory.exceptions import StateError

__all__ = [
    "checked_state",
    "differences",
    "load_checkpoint",
    "refuse_differences",
    "save_checkpoint",
]

_FORMAT = "infotheory training checkpoint 1"
_PLAIN = {bool, int, float, str, bytes, type(None)}  # and no kinds of them, as numpy has
_ABSENT = "absent"
_MOST_NAMED = 4


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint, which takes the place of the old one once it is complete.

    Parameters
    ----------
    path : Path
        The file.
    state : mapping
        Tensors, numbers, texts, and lists and dicts of them.
    """
    with replaced(path) as draft:
        torch.save({"format": _FORMAT, **state}, draft)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; nothing is unpickled but tensors and plain containers.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        With all tensors on the host.

    Raises
    ------
    StateError
        If it is no checkpoint of this package, truncated or damaged.
    """
    fault = _damage(path)
    if fault is None:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # noqa: BLE001 - whatever the reader meets in foreign content
            fault = f"it holds other objects than tensors ({type(error).__name__})"
        else:
            if isinstance(state, dict) and state.get("format") == _FORMAT:
                return state
            fault = "its content is of another kind"
    raise StateError(
        f"checkpoint must be a whole file that this version wrote; got {str(path)!r}: {fault}. "
        "The file is left as it is; remove it to start the run again."
    )


def _damage(path: Path) -> str | None:
    """Say what is wrong with the archive, by the check sums of its members."""
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        return f"it is truncated or damaged ({error})"
    return None if bad is None else f"it is damaged ({bad})"


def checked_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a procedure, if a checkpoint can be read that has it.

    Parameters
    ----------
    state : dict
        What :meth:`infotheory.learning.engine.Procedure.extra_state` gave.

    Returns
    -------
    dict
        The same.

    Raises
    ------
    TypeError
        If there is anything else in it than tensors, numbers, texts, lists and dicts.
    """
    _refuse_objects(state, "extra_state()")
    return state


def _refuse_objects(value: Any, place: str) -> None:
    if type(value) in {dict, OrderedDict, list, tuple}:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            _refuse_objects(item, f"{place}[{key!r}]")
    elif not isinstance(value, torch.Tensor) and type(value) not in _PLAIN:
        raise TypeError(
            f"{place} must be a tensor, a number or a text of Python, or a list or dict of them; "
            f"got {type(value).__module__}.{type(value).__name__}."
        )


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs between two descriptions, by dotted name.

    Parameters
    ----------
    old, new : mapping of str to object
        What JSON can hold; mappings in them are compared by their own names.

    Returns
    -------
    dict of str to tuple
        The old and the new value; "absent" where there is none.
    """
    before, after = (_flat(json.loads(json.dumps(each))) for each in (old, new))
    return {
        name: (before.get(name, _ABSENT), after.get(name, _ABSENT))
        for name in dict.fromkeys((*before, *after))
        if before.get(name, _ABSENT) != after.get(name, _ABSENT)
    }


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= _flat(item, f"{prefix}.{name}" if prefix else str(name))
    return found


def refuse_differences(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
    """Refuse to go on with a run that was something else.

    Parameters
    ----------
    old, new : mapping
        What binds the run in the folder, and what is asked for now.
    place : str
        The folder.

    Raises
    ------
    ValueError
        If they differ; the text names what, and both values.
    """
    found = differences(old, new)
    if not found:
        return
    each = [f"{name} {now!r} in place of {was!r}" for name, (was, now) in found.items()]
    more = f" and {len(each) - _MOST_NAMED} more" if len(each) > _MOST_NAMED else ""
    named = "; ".join(each[:_MOST_NAMED]) + more
    fix = "Go on as the run began, or choose another folder."
    if "settings.epochs" in found:
        fix += " With schedule='cosine' every step depends on the number of epochs."
    raise refusal("a resumed run", f"the one that {place!r} holds", named, fix)
