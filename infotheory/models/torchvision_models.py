"""Models of torchvision, with the preprocessing and the names that their weights come with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infotheory._validation import refusal
from infotheory.models.offline import loaded
from infotheory.models.preprocessing import ImageTransform, take_preprocessing
from infotheory.models.specs import Spec, needed
from infotheory.models.torch_modules import TorchClassifier, torch_device
from infotheory.models.weights import WEIGHT_FILES, with_weights

__all__ = ["open_torchvision"]


def open_torchvision(
    spec: Spec, *, device: str | None, precision: str, download: bool
) -> TorchClassifier:
    """Open ``torchvision:NAME``, with its best weights or those of ``?weights=NAME-or-FILE``.

    Parameters
    ----------
    spec : Spec
        What the user wrote.
    device, precision, download
        As for :func:`infotheory.models.open_model`.

    Returns
    -------
    TorchClassifier

    Raises
    ------
    ValueError
        If there is no such model or no such weights, or these are not on this machine.
    ImportError
        If torchvision is not there.
    """
    wanted, preprocess = spec.take("weights"), take_preprocessing(spec)
    spec.finish()
    models = needed("torchvision.models", "torchvision:", "vision")
    try:
        known = models.get_model_weights(spec.place)
    except (KeyError, ValueError) as error:
        raise refusal(
            spec.argument,
            "a model that torchvision knows",
            repr(spec.place),
            "torchvision.models.list_models() lists them.",
        ) from error
    from_file = wanted is not None and Path(wanted).suffix in WEIGHT_FILES
    weights = known.DEFAULT if wanted is None or from_file else _chosen(known, wanted)

    def build(n_outputs: int | None, pretrained: Any = None) -> Any:
        more = {} if n_outputs is None else {"num_classes": n_outputs}
        return loaded(
            lambda: models.get_model(spec.place, weights=pretrained, **more), spec.place, download
        )

    if wanted is not None and from_file:
        module = with_weights(build, wanted)
    else:
        module = build(None, weights)
    return TorchClassifier(
        module.eval(),
        name=spec.place,
        preprocess=preprocess or ImageTransform(weights.transforms()),
        device=torch_device(device),
        precision=precision,
        class_names=None if from_file else weights.meta.get("categories"),
    )


def _chosen(known: Any, wanted: str) -> Any:
    """Return the weights of a name, with or without that of their class before it."""
    member = wanted.removeprefix(f"{known.__name__}.")
    if member not in known.__members__:
        raise refusal(
            "weights",
            f"one of {', '.join(known.__members__)}, or a file of weights",
            repr(wanted),
            f"Endings of such files are {', '.join(WEIGHT_FILES)}.",
        )
    return known[member]
