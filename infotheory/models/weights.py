"""Weights from a file: safetensors, or a torch file that holds nothing but tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infotheory._validation import refusal
from infotheory.models.offline import reason
from infotheory.models.specs import needed

__all__ = ["WEIGHT_FILES", "existing_file", "hash_file", "read_weights", "with_weights"]

_TORCH_FILES = (".pt", ".pth", ".bin", ".ckpt", ".tar")
WEIGHT_FILES = (".safetensors", *_TORCH_FILES)
"""Endings of the files that :func:`read_weights` reads."""

_WRAPPINGS = ("state_dict", "model_state_dict", "model")
_SAFE = (
    "Write the weights with safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."
)


def existing_file(place: str, what: str) -> Path:
    """Return the path of a file that is there.

    Raises
    ------
    ValueError
        If it is not.
    """
    path = Path(place).expanduser()
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no such file"
        raise refusal(what, "an existing file", f"{place!r} ({kind})")
    return path


def read_weights(place: str) -> dict[str, Any]:
    """Read tensors by name; nothing is unpickled but tensors and plain containers.

    Parameters
    ----------
    place : str
        A ``.safetensors`` file; or a torch file, which torch reads with ``weights_only=True``.

    Returns
    -------
    dict of str to torch.Tensor
        Without the prefix ``module.`` that DataParallel leaves.

    Raises
    ------
    ValueError
        If the file is not there, of another format, damaged, or holds other objects.
    """
    path = existing_file(place, "weights")
    if path.suffix == ".safetensors":
        load, read = needed("safetensors.torch", "a file of weights", "learning").load_file, {}
    elif path.suffix in _TORCH_FILES:
        torch = needed("torch", "a file of weights", "learning")
        load, read = torch.load, {"weights_only": True, "map_location": "cpu"}
    else:
        listed = ", ".join(WEIGHT_FILES)
        raise refusal("weights", f"a file that ends in one of {listed}", repr(place), _SAFE)
    try:
        found = load(path, **read)
    except Exception as error:
        raise refusal(
            "weights", "a readable file of tensors alone", f"{place!r} ({reason(error)})", _SAFE
        ) from error
    for wrapping in _WRAPPINGS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapping), Mapping):
            found = found[wrapping]
    if not isinstance(found, Mapping) or not all(hasattr(v, "dtype") for v in found.values()):
        raise refusal("weights", "tensors by name", f"other content of {place!r}", _SAFE)
    return {str(name).removeprefix("module."): tensor for name, tensor in found.items()}


def with_weights(build: Callable[[int | None], Any], place: str) -> Any:
    """Return a module with the weights of a file, and as many outputs as these have.

    Parameters
    ----------
    build : callable
        Makes the module without weights, with a number of outputs or (None) its usual one.
    place : str
        The file.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If they do not fit.
    """
    weights = read_weights(place)
    module = build(None)
    names = [name for name, _ in module.named_parameters()]
    # The head comes last, and has one row, or one bias, an output.
    if names and names[-1] in weights:
        n_outputs = len(weights[names[-1]])
        if n_outputs != len(module.get_parameter(names[-1])):
            module = build(n_outputs)
    _load(module, weights, place)
    return module


def _load(module: Any, weights: Mapping[str, Any], place: str) -> None:
    """Put weights into a module that has to have exactly these."""
    own = module.state_dict()
    for what, names in (
        ("also", [name for name in own if name not in weights]),
        ("no", [name for name in weights if name not in own]),
    ):
        if names:
            raise refusal(
                "weights",
                f"those of the model, which has {what} {names[0]!r}",
                f"{len(weights)} tensors in {place!r} ({len(names)} do not match)",
                "Check that the file belongs to this architecture.",
            )
    for name, tensor in weights.items():
        if tuple(tensor.shape) != tuple(own[name].shape):
            raise refusal(
                "weights",
                f"of shape {tuple(own[name].shape)} in {name!r}",
                f"{tuple(tensor.shape)} in {place!r}",
                "Check that the file belongs to this architecture.",
            )
    module.load_state_dict(weights)


def hash_file(path: Path) -> bytes:
    """Return the SHA-256 of all of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def refuse_precision(precision: str, what: str) -> None:
    """Refuse a precision for what computes in its own.

    Raises
    ------
    ValueError
        If it is not "float32".
    """
    if precision != "float32":
        raise refusal("precision", f"'float32' for {what}", repr(precision))
