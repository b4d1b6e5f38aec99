"""A smaller student, made of some layers of a model."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from infotheory._validation import check_choice, check_count, refusal

__all__ = ["fewer_layers"]

_SPACINGS = ("even", "first")


def fewer_layers(model: Any, n_layers: int, *, layers: str | Sequence[int] = "even") -> Any:
    """Return a model of fewer layers with the weights of another, which stays as it is.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With one stack of layers: BERT and its kin, or a decoder.
    n_layers : int
        How many layers the student has, at most those of `model`.
    layers : {"even", "first"} or sequence of int, default "even"
        Which layers to copy: evenly spaced from the first to the last, the first ones, or these, in
        their order.

    Returns
    -------
    transformers.PreTrainedModel
        Of the same class, on the same device, in the same precision and mode.

    Raises
    ------
    ValueError
        If there are not so many layers, or one of `layers` is not there or does not fit.
    TypeError
        If the model has no one stack of layers.

    Notes
    -----
    Evenly spaced layers of twelve, six of them, are 0, 2, 4, 7, 9 and 11: those that DistilBERT
    begins with. Everything beside the layers, such as embeddings and head, is copied.
    ``from_pretrained(DIR, num_hidden_layers=3)`` of transformers itself also gives the first
    layers, of a model in a directory.
    """
    stack = _stack(model)
    depth = model.config.num_hidden_layers
    n_layers = check_count("n_layers", n_layers)
    if n_layers > depth:
        raise refusal("n_layers", f"at most the {depth} layers of the model", str(n_layers))
    chosen = _chosen(layers, n_layers, depth)
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = n_layers
    if getattr(config, "layer_types", None) is not None:  # what kind each layer is
        config.layer_types = [model.config.layer_types[layer] for layer in chosen]
    with torch.random.fork_rng(devices=[]):  # the weights that it begins with are all replaced
        student = type(model)(config)
    student.to(device=model.device, dtype=model.dtype)
    try:
        student.load_state_dict(_renumbered(model.state_dict(), stack, chosen))
    except RuntimeError as error:  # in some models the first layer differs from the others
        raise refusal(
            "layers",
            "those that can stand where they are put",
            f"{chosen} for {type(model).__name__}, whose layers differ",
            "Begin with layer 0.",
        ) from error
    return student.train(model.training)


def _chosen(layers: str | Sequence[int], n_layers: int, depth: int) -> list[int]:
    if isinstance(layers, str):
        check_choice("layers", layers, _SPACINGS)
        if layers == "first" or n_layers == 1:
            return list(range(n_layers))
        # From the first to the last, both included; halves go to the even neighbour.
        return [round(k * (depth - 1) / (n_layers - 1)) for k in range(n_layers)]
    chosen = list(layers)
    wrong = [layer for layer in chosen if not (type(layer) is int and 0 <= layer < depth)]
    if wrong or len(chosen) != n_layers:
        fact = f"{wrong[0]!r}" if wrong else f"{len(chosen)} of them"
        raise refusal("layers", f"{n_layers} numbers from 0 to {depth - 1}", fact)
    return chosen


def _stack(model: Any) -> str:
    """Return the name of the list of layers in a model."""
    depth = getattr(getattr(model, "config", None), "num_hidden_layers", None)
    named: Iterable[tuple[str, nn.Module]] = ()
    if depth is not None and isinstance(model, nn.Module):
        named = model.named_modules()
    found = [name for name, part in named if isinstance(part, nn.ModuleList) and len(part) == depth]
    found = [name for name in found if not any(name.startswith(f"{other}.") for other in found)]
    if len(found) != 1:
        raise TypeError(
            "model must be one of transformers with one stack of layers; got "
            f"{type(model).__name__} with {len(found)}."
        )
    return found[0]


def _renumbered(state: dict[str, Any], stack: str, chosen: list[int]) -> dict[str, Any]:
    """Return the weights of the chosen layers under their new numbers, and all others."""
    found = {name: value for name, value in state.items() if not name.startswith(f"{stack}.")}
    for place, layer in enumerate(chosen):
        before = f"{stack}.{layer}."
        for name, value in state.items():
            if name.startswith(before):
                found[f"{stack}.{place}.{name.removeprefix(before)}"] = value
    return found
