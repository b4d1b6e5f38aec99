"""A teacher of transformers: what it takes, by what it is known again, and its classes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from infotheory._validation import refusal
from infotheory.learning.language.features import unwrapped
from infotheory.learning.language.teacher_shards import digest_of
from infotheory.learning.networks.at_work import place_of

__all__ = [
    "accepted_inputs",
    "check_class_order",
    "check_classes",
    "identity_of",
    "moved",
    "n_tokens",
]

# Settings that decide no output; they differ between a model in memory and the same one read back.
_IDLE_SETTINGS = frozenset(
    {"architectures", "dtype", "problem_type", "torch_dtype", "use_cache", "output_hidden_states"}
)
_LABELS = frozenset({"label", "labels", "label_ids"})


@contextmanager
def moved(module: nn.Module, device: Any) -> Iterator[None]:
    """Keep a module on a device for a while.

    Parameters
    ----------
    module : Module
        Any; where it has no weights, nothing is moved.
    device : str or device or None
        Which; None for where it is.
    """
    before, _ = place_of(module)
    if device is None or before is None:
        yield
        return
    module.to(device)
    try:
        yield
    finally:
        module.to(before)


def accepted_inputs(model: nn.Module) -> frozenset[str]:
    """Return the inputs that a model takes by name, without labels.

    Parameters
    ----------
    model : Module
        Of transformers, also within an adapter of peft.

    Returns
    -------
    frozenset of str
    """
    # An adapter of peft takes anything, and hands it on to the model inside.
    return frozenset(inspect.signature(unwrapped(model).forward).parameters) - _LABELS


def n_tokens(model: nn.Module) -> int | None:
    """Return how many tokens a model knows, or None where it does not say.

    Parameters
    ----------
    model : Module
        Of transformers.

    Returns
    -------
    int or None
    """
    embedding = model.get_input_embeddings() if hasattr(model, "get_input_embeddings") else None
    return getattr(embedding, "num_embeddings", None)


def identity_of(teacher: nn.Module) -> dict[str, str]:
    """Return by what a model is known again, in memory or read back from its files.

    Parameters
    ----------
    teacher : Module
        Of transformers, or any other.

    Returns
    -------
    dict of str to str
        Class, configuration and weights, the latter by SHA-256.
    """
    config: Any = getattr(teacher, "config", None)
    settings = {} if config is None else config.to_dict()
    told = {
        key: value
        for key, value in settings.items()
        if not key.startswith("_") and key not in _IDLE_SETTINGS
    }
    return {
        "architecture": type(teacher).__name__,
        "config": digest_of(told),
        "weights": digest_of(dict(teacher.state_dict())),
    }


def check_classes(n_classes: int | None, model: Any) -> None:
    """Refuse a teacher of other classes than the student.

    Parameters
    ----------
    n_classes : int or None
        Of the teacher, as far as it is known.
    model : Module
        The student.

    Raises
    ------
    ValueError
        If their numbers differ.
    """
    own = getattr(getattr(model, "config", None), "num_labels", None)
    if None not in (own, n_classes) and own != n_classes:
        raise refusal(
            "teacher",
            f"of the {own} classes of the student",
            f"one of {n_classes}",
            "Load the student with num_labels= of the teacher.",
        )


def _names(config: Any) -> list[str]:
    """Return the names of the classes."""
    found: Mapping[int, str] = getattr(config, "id2label", None) or {}
    return [str(found[k]).lower() for k in sorted(found)]


def _tell(names: list[str]) -> bool:
    """Tell whether names of classes say anything; LABEL_0 and 0 do not."""
    return bool(names) and not all(re.fullmatch(r"(label_)?\d+", name) for name in names)


def check_class_order(teacher: Any, student: Any) -> None:
    """Refuse a teacher of classes with other names, or with another order.

    Parameters
    ----------
    teacher, student : Module
        Of transformers; without names of classes nothing is checked.

    Raises
    ------
    ValueError
        If the order differs.
    """
    own, other = (_names(getattr(model, "config", None)) for model in (student, teacher))
    if sorted(own) != sorted(other) and _tell(own) and _tell(other):
        raise refusal(
            "teacher",
            f"one of the classes of the student, {', '.join(own)}",
            ", ".join(other),
            "Fine-tune a teacher for this task.",
        )
    if own != other and sorted(own) == sorted(other):
        raise refusal(
            "teacher",
            f"one with its classes in the order of the student, {', '.join(own)}",
            ", ".join(other),
            "Load the student with id2label= of the teacher, and number the labels so.",
        )
