"""What a run may not change in the middle: told before it begins, and compared on resuming."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from infotheory._validation import refusal

__all__ = ["as_plain", "differences", "parts_of", "refuse_differences", "shapes_of"]

_ABSENT = "absent"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # in the repr of functions and plain objects
_MOST_NAMED = 4


def shapes_of(module: nn.Module) -> dict[str, str]:
    """Say what each tensor of a module is, and which of its parameters are frozen.

    Parameters
    ----------
    module : Module
        Any.

    Returns
    -------
    dict of str to str
        By the names of its state.
    """
    parameters = module.named_parameters(remove_duplicate=False)
    frozen = {name for name, each in parameters if not each.requires_grad}
    tensors = {name: each for name, each in module.state_dict().items() if isinstance(each, Tensor)}
    return {
        name: f"{each.dtype} {tuple(each.shape)}{', frozen' if name in frozen else ''}"
        for name, each in tensors.items()
    }


def parts_of(module: nn.Module) -> dict[str, str]:
    """Say of each part of a module what its repr would: an activation has no tensors.

    Parameters
    ----------
    module : Module
        Any.

    Returns
    -------
    dict of str to str
        By the names of the parts.
    """
    return {
        name: f"{type(part).__name__}({part.extra_repr()})" for name, part in module.named_modules()
    }


def as_plain(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description as JSON has it, and without the addresses of objects.

    Parameters
    ----------
    description : mapping of str to object
        Texts, numbers of Python or numpy, lists and mappings.

    Returns
    -------
    dict
        The same in each process and each run.

    Raises
    ------
    TypeError
        If there is anything else in it.
    """
    plain: dict[str, Any] = json.loads(_ADDRESS.sub("", json.dumps(description, default=_number)))
    return plain


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        "describe() must give texts, numbers, and lists or dicts of them; got "
        f"{type(value).__module__}.{type(value).__name__}."
    )


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs between two descriptions, by dotted name.

    Parameters
    ----------
    old, new : mapping of str to object
        As :func:`as_plain` gives them; mappings in them are compared by their own names.

    Returns
    -------
    dict of str to tuple
        The old and the new value; "absent" where there is none.
    """
    before, after = _flat(dict(old)), _flat(dict(new))
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
