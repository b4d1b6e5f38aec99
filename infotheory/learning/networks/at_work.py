"""A network that is looked at, not trained: its mode, its device, and what goes into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from infotheory._validation import refusal

__all__ = ["MeanAndStd", "brought", "in_mode", "normaliser", "place_of"]

_COMPUTING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)  # float8 only stores
MeanAndStd: TypeAlias = "tuple[float | Sequence[float] | Tensor, float | Sequence[float] | Tensor]"


@contextmanager
def in_mode(network: nn.Module, *, training: bool) -> Iterator[None]:
    """Put a network into training or evaluation mode for a while, and each part of it back.

    Parameters
    ----------
    network : Module
        Any.
    training : bool
        Which mode.

    Raises
    ------
    TypeError
        If it is no module.
    """
    if not isinstance(network, nn.Module):
        raise TypeError(f"network must be a torch.nn.Module; got {type(network).__name__}.")
    before = {part: part.training for part in network.modules()}
    network.train(training)
    try:
        yield
    finally:
        for part, mode in before.items():
            part.training = mode


def place_of(network: nn.Module) -> tuple[torch.device | None, torch.dtype | None]:
    """Return where the weights of a network are, and the type that floating inputs have to have.

    Parameters
    ----------
    network : Module
        Whose first floating weights say so.

    Returns
    -------
    device : torch.device or None
        None for a network without weights.
    dtype : torch.dtype or None
        None also where weights are kept in a type that nothing is computed in.
    """
    weights = next((each for each in network.parameters() if each.dtype in _COMPUTING), None)
    if weights is not None:
        return weights.device, weights.dtype
    return next((each.device for each in network.parameters()), None), None


def brought(inputs: Tensor, network: nn.Module) -> Tensor:
    """Return inputs where the weights of a network are, and floating ones in their type.

    Parameters
    ----------
    inputs : Tensor, shape (n, ...)
        A batch; whole numbers, such as those of tokens, stay what they are.
    network : Module
        Whose weights say where; without weights the batch stays where it is.
    """
    device, dtype = place_of(network)
    return inputs.to(device=device, dtype=dtype if inputs.is_floating_point() else None)


def normaliser(preprocessing: Any, inputs: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the function that takes off the mean of each channel and divides by its deviation.

    Parameters
    ----------
    preprocessing : (mean, std) or None
        One number each, or one for each channel; None for a function that changes nothing.
    inputs : Tensor, shape (n, channels, ...)
        What it will be applied to.

    Raises
    ------
    ValueError
        If these are not as many numbers as channels, or a deviation is not positive.
    """
    if preprocessing is None:
        return lambda batch: batch
    if not isinstance(preprocessing, tuple | list) or len(preprocessing) != 2:
        raise refusal("preprocessing", "None or a pair (mean, std)", repr(preprocessing))
    mean, std = (_by_channel(values, inputs) for values in preprocessing)
    if not bool((std > 0).all()):
        raise refusal("preprocessing", "of positive deviations", str(std.flatten().tolist()))
    return lambda batch: (batch - mean) / std


def _by_channel(values: float | Sequence[float] | Tensor, inputs: Tensor) -> Tensor:
    """Return one number, or one for each channel, in a shape that fits a batch."""
    given = torch.as_tensor(values, dtype=inputs.dtype, device=inputs.device)
    if given.ndim == 0:
        return given
    if given.shape != inputs.shape[1:2]:
        raise refusal(
            "preprocessing",
            "a number, or one for each channel",
            f"shape {tuple(given.shape)} for inputs of shape {tuple(inputs.shape)}",
        )
    return given.view(-1, *[1] * (inputs.ndim - 2))
