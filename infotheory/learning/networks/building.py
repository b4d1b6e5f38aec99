"""A network to be trained, by its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from infotheory._validation import check_count, refusal
from infotheory.learning.networks import resnet, wide_resnet
from infotheory.learning.networks.at_work import brought, in_mode
from infotheory.learning.networks.lenet import LeNet
from infotheory.learning.networks.mlp import MLP
from infotheory.models.offline import kept_offline, reason
from infotheory.models.python_objects import call_factory
from infotheory.models.specs import Spec, needed, parse_spec

__all__ = ["NETWORK_FORMS", "network"]

# Networks for images, made from a number of classes and of channels.
_FOR_IMAGES: dict[str, Callable[[int, int], nn.Module]] = {
    **{name: getattr(resnet, name) for name in resnet.__all__ if name != "ResNet"},
    **{name: getattr(wide_resnet, name) for name in wide_resnet.__all__ if name != "WideResNet"},
}

_WITH_PLACE = {
    "mlp": "mlp:WIDTH,WIDTH,...",
    "timm": "timm:NAME",
    "torchvision": "torchvision:NAME",
    "python": "python:module:factory or python:FILE.py:factory",
}

NETWORK_FORMS = (
    "linear",
    _WITH_PLACE["mlp"],
    "lenet",
    *_FOR_IMAGES,
    *list(_WITH_PLACE.values())[1:],
)
"""How the name of a network looks."""


def network(name: str, *, n_classes: int, input_shape: Sequence[int]) -> nn.Module:
    """Return a network of random weights for given inputs and classes, by its name.

    Parameters
    ----------
    name : str
        One of the forms below.
    n_classes : int
        C, the number of outputs.
    input_shape : sequence of int
        Of one sample: (channels, height, width), or (n_features,).

    Returns
    -------
    torch.nn.Module
        In training mode.

    Raises
    ------
    ValueError
        If there is no such network, or it does not take these inputs or give these outputs.
    TypeError
        If a factory gives no network.
    ImportError
        If a library is missing that this form needs; the text says which.

    Notes
    -----
    ========================================  ====================================================
    ``linear``                                one layer, of inputs that are flattened
    ``mlp:256,128``                           :class:`MLP` with these hidden layers;
                                              ``?dropout=0.2``
    ``lenet``                                 :class:`LeNet`
    ``resnet20``, ``resnet32``, ...           :class:`ResNet`: also 44, 56, 110, 8x4, 32x4
    ``wrn_16_2``, ``wrn_40_1``, ``wrn_40_2``  :class:`WideResNet`
    ``timm:NAME``, ``torchvision:NAME``       any classifier of these libraries, without its
                                              trained weights
    ``python:module:factory``                 what this function returns when it is called without
                                              arguments, also ``python:FILE.py:factory``: a
                                              network, or one and something else
    ========================================  ====================================================

    The last three are tried with two samples of zeros. Weights are drawn from torch's own random
    numbers, so that ``torch.manual_seed`` determines them. ``python:`` runs the user's own code;
    its network comes as the factory has made it, with trained weights perhaps.

    Examples
    --------
    >>> from infotheory.learning.networks import network
    >>> linear = network("linear", n_classes=10, input_shape=(8, 8))
    >>> sum(weight.numel() for weight in linear.parameters())
    650
    """
    n_classes = check_count("n_classes", n_classes)
    shape = tuple(check_count(f"input_shape[{i}]", size) for i, size in enumerate(input_shape))
    if not shape:
        raise refusal("input_shape", "the shape of one sample", "()", "(28, 28), for example.")
    if name == "linear":
        return MLP(math.prod(shape), (), n_classes)
    if name == "lenet":
        channels, height, width = _image(name, shape)
        if height != width:
            raise refusal("input_shape", "square for lenet", f"{height} x {width}")
        return LeNet(n_classes, channels, height)
    if name in _FOR_IMAGES:
        return _FOR_IMAGES[name](n_classes, _image(name, shape)[0])
    if name.partition(":")[0] not in _WITH_PLACE:
        raise refusal("network", f"one of {', '.join(NETWORK_FORMS)}", repr(name))
    spec = parse_spec("network", name, _WITH_PLACE)
    if spec.scheme == "mlp":
        return _mlp(spec, math.prod(shape), n_classes)
    spec.finish()
    return _tried(spec, _OPENERS[spec.scheme](spec, n_classes, shape), n_classes, shape)


def _image(name: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return channels, height and width."""
    if len(shape) != 3:
        raise refusal(
            "input_shape",
            f"(channels, height, width) for {name}, a network for images",
            str(shape),
            "For features there is mlp:256,128.",
        )
    return shape


def _mlp(spec: Spec, n_inputs: int, n_classes: int) -> MLP:
    """Build ``mlp:256,128?dropout=0.2``."""
    dropout = spec.take("dropout", "0")
    spec.finish()
    try:
        widths = [int(width) for width in spec.place.split(",")]
        left_out = float(dropout or "")
    except ValueError as error:
        raise refusal(
            "network", "of the form mlp:256,128 or mlp:256,128?dropout=0.2", repr(spec.text)
        ) from error
    return MLP(n_inputs, widths, n_classes, dropout=left_out)


def _timm(spec: Spec, n_classes: int, shape: tuple[int, ...]) -> Any:
    timm = needed("timm", "timm:", "vision")
    channels = _image(spec.text, shape)[0]
    return _made(
        spec, lambda: timm.create_model(spec.place, num_classes=n_classes, in_chans=channels)
    )


def _torchvision(spec: Spec, n_classes: int, shape: tuple[int, ...]) -> Any:
    models = needed("torchvision.models", "torchvision:", "vision")
    _image(spec.text, shape)
    return _made(spec, lambda: models.get_model(spec.place, weights=None, num_classes=n_classes))


def _made(spec: Spec, make: Callable[[], Any]) -> Any:
    """Return what a library makes of a name, without the network."""
    with kept_offline(download=False):
        try:
            return make()
        except Exception as error:
            raise refusal(
                spec.argument,
                f"a classifier that {spec.scheme} can make",
                f"{spec.text!r} ({reason(error)})",
                f"{_LISTS[spec.scheme]} lists them.",
            ) from error


def _python(spec: Spec, n_classes: int, shape: tuple[int, ...]) -> Any:  # noqa: ARG001 - as others
    made = call_factory(spec)
    return made[0] if isinstance(made, tuple) and made else made


_LISTS = {"timm": "timm.list_models()", "torchvision": "torchvision.models.list_models()"}
_OPENERS = {"timm": _timm, "torchvision": _torchvision, "python": _python}


def _tried(spec: Spec, made: Any, n_classes: int, shape: tuple[int, ...]) -> nn.Module:
    """Return a network that does take such inputs and give such outputs."""
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"network must be a torch.nn.Module; got {type(made).__name__} from {spec.text!r}."
        )
    samples = brought(torch.zeros(2, *shape), made)
    try:
        with in_mode(made, training=False), torch.no_grad():
            outputs = made(samples)
    except Exception as error:
        raise refusal(
            "input_shape",
            f"one that {spec.text!r} takes",
            f"{shape} ({reason(error)})",
            "Bring the inputs to the shape that the network is made for.",
        ) from error
    found = tuple(getattr(outputs, "shape", ()))
    if found != (2, n_classes):
        raise refusal(
            "network",
            f"one with outputs of shape (n, {n_classes})",
            f"{found} for two samples, of {spec.text!r}",
            "Give its last layer an output for each class.",
        )
    return made
