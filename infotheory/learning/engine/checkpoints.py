"""Checkpoints: all that the next epoch depends on, in one file that is read without unpickling."""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from infotheory._atomic import replaced
from infotheory.exceptions import StateError

__all__ = ["checked_state", "load_checkpoint", "save_checkpoint"]

_FORMAT = "infotheory training checkpoint 1"
_PLAIN = {bool, int, float, str, bytes, type(None), torch.dtype, torch.Size}  # no kinds of them


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


def checked_state(state: dict[str, Any], place: str) -> dict[str, Any]:
    """Return the state of a module or procedure, if a checkpoint can be read that has it.

    Parameters
    ----------
    state : dict
        What ``state_dict()`` or ``extra_state()`` gave.
    place : str
        What a refusal calls it.

    Returns
    -------
    dict
        The same.

    Raises
    ------
    TypeError
        If there is anything else in it than tensors, numbers, texts, lists and dicts.
    """
    _refuse_objects(state, place)
    return state


def _refuse_objects(value: Any, place: str) -> None:
    if type(value) in {dict, OrderedDict, list, tuple}:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            _refuse_objects(item, f"{place}[{key!r}]")
    elif not isinstance(value, torch.Tensor) and type(value) not in _PLAIN:
        raise TypeError(
            f"{place} must be a tensor, a number or a text of Python, or a list or dict of them; "
            f"got {type(value).__module__}.{type(value).__name__}. Nothing else is read again: "
            "numbers of numpy become those of Python by .item() or .tolist()."
        )
