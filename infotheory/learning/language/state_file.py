"""Centroids in a checkpoint: one safetensors file, and of which run and weights they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from infotheory._atomic import replaced
from infotheory._validation import refusal
from infotheory.exceptions import StateError
from infotheory.learning.language.features import unwrapped
from infotheory.learning.language.teacher_shards import digest_of
from infotheory.models.specs import needed

__all__ = ["FILE_NAME", "check_weights", "load_state", "save_state", "save_weights"]

FILE_NAME = "cmi_centroids.safetensors"

_WEIGHTS = "cmi_weights.json"

_FORMAT = "infotheory language centroids 1"
_ABSENT = "absent"


def save_state(folder: Path, tensors: Mapping[str, Tensor], run: Mapping[str, Any]) -> None:
    """Write centroids into a checkpoint.

    Parameters
    ----------
    folder : Path
        The checkpoint; made where it is missing.
    tensors : mapping of str to Tensor
        The state of the loss.
    run : mapping
        What another run that goes on from here must agree with, as JSON can hold it.
    """
    safetensors = needed("safetensors.torch", "a checkpoint", "learning")
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: each.detach().cpu().contiguous() for name, each in tensors.items()}
    told = {"format": _FORMAT, "run": json.dumps(dict(run), sort_keys=True)}
    with replaced(folder / FILE_NAME) as draft:
        safetensors.save_file(plain, draft, metadata=told)


def load_state(folder: Path, run: Mapping[str, Any]) -> dict[str, Tensor]:
    """Read centroids from a checkpoint of the same run.

    Parameters
    ----------
    folder : Path
        The checkpoint.
    run : mapping
        What it must agree with.

    Returns
    -------
    dict of str to Tensor
        On the host.

    Raises
    ------
    ValueError
        If there is no such file, or it is of a run with other arguments; the text names them.
    StateError
        If the file is none of ours, truncated or damaged.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise refusal(
            "resume_from_checkpoint",
            f"a checkpoint with {FILE_NAME}",
            f"{str(folder)!r} without it",
            "It was not written by this trainer or callback; start a new run from its model.",
        )
    saved, tensors = _content(path)
    # Through JSON, as what was saved went.
    own = json.loads(json.dumps(dict(run)))
    unlike = [name for name in sorted(saved | own) if _shown(saved, name) != _shown(own, name)]
    if unlike:
        there = ", ".join(f"{name}={_shown(saved, name)}" for name in unlike)
        here = ", ".join(f"{name}={_shown(own, name)}" for name in unlike)
        raise refusal(
            "resume_from_checkpoint",
            f"of a run with {here}",
            f"{there} in {str(folder)!r}",
            "Go on with its arguments, or start a new run.",
        )
    return tensors


def save_weights(folder: Path, model: nn.Module) -> None:
    """Write into a checkpoint by what its weights are known again.

    Parameters
    ----------
    folder : Path
        The checkpoint.
    model : Module
        As it is saved there.
    """
    with replaced(folder / _WEIGHTS) as draft:
        draft.write_text(json.dumps({"weights": _digest(model)}) + "\n", encoding="utf-8")


def check_weights(folder: Path, model: nn.Module) -> None:
    """Refuse a checkpoint of other weights than those that a model has been resumed with.

    Parameters
    ----------
    folder : Path
        The checkpoint.
    model : Module
        As it was loaded.

    Raises
    ------
    ValueError
        If there is no such checkpoint, or it is another one.
    """
    try:
        saved = json.loads((folder / _WEIGHTS).read_text(encoding="utf-8"))["weights"]
    except (OSError, ValueError, TypeError, KeyError):
        saved = None
    if saved is not None and saved == _digest(model):
        return
    place = repr(str(folder))
    raise refusal(
        "the centroids of the checkpoint that is resumed",
        "in output_dir",
        f"none in {place} that are known to be of its weights"
        if saved is None
        else f"other weights than those of {place}",
        "Tell where they are: objective.callback.checkpoint = Path(...).",
    )


def _digest(model: nn.Module) -> str | None:
    weights = dict(unwrapped(model).named_parameters())
    # Of weights that are divided among processes (DTensor), none has seen all.
    divided = any(hasattr(each, "to_local") for each in weights.values())
    return None if divided else digest_of(weights)


def _shown(run: Mapping[str, Any], name: str) -> str:
    return repr(run[name]) if name in run else _ABSENT


def _content(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    safetensors = needed("safetensors", "a checkpoint", "learning")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            # Copies: the file is to be free when this ends.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise StateError(_damaged(path, str(error))) from error
    if told.get("format") != _FORMAT:
        raise StateError(_damaged(path, f"its format is {told.get('format')!r}"))
    return json.loads(told["run"]), tensors


def _damaged(path: Path, fault: str) -> str:
    return (
        f"{FILE_NAME} must be a whole file that this version wrote; got {str(path)!r}: {fault}. "
        "Resume from an earlier checkpoint."
    )
