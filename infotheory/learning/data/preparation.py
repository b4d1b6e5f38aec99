"""What is done to stored samples on their way to the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from infotheory._validation import refusal
from infotheory.learning.data.augmentation import Augmentation
from infotheory.learning.data.samples import as_floats

__all__ = ["Preparation"]

_Numbers = float | Sequence[float] | None


class Preparation:
    """Bytes to numbers in [0, 1], augmentation, mean and standard deviation, in this order.

    Parameters
    ----------
    augment : Augmentation or None
        Random changes.
    mean, std : float or sequence of float or None
        One number for each channel, or one for all.

    Raises
    ------
    TypeError, ValueError
        If one cannot be used.
    """

    def __init__(self, augment: Augmentation | None, mean: _Numbers, std: _Numbers) -> None:
        if augment is not None and not isinstance(augment, Augmentation):
            raise TypeError(
                "augment must be an Augmentation, such as CropFlip(); got "
                f"{type(augment).__name__}."
            )
        self.augment = augment
        self._mean, self._std = _numbers("mean", mean), _numbers("std", std)
        if self._std is not None and not bool((self._std > 0).all()):
            raise refusal("std", "positive", repr(std))

    def __call__(self, raw: Tensor, draws: Tensor | None, dtype: torch.dtype | None) -> Tensor:
        """Prepare samples where they are; without draws nothing is changed at random."""
        inputs = as_floats(raw, dtype)
        if draws is not None and self.augment is not None:
            inputs = self.augment(inputs, draws)
        if self._mean is not None:
            inputs = inputs - _along_channels(self._mean, inputs, "mean")
        if self._std is not None:
            inputs = inputs / _along_channels(self._std, inputs, "std")
        return inputs

    def scale(self) -> dict[str, Any]:
        """Return mean and standard deviation by name, as lists.

        Returns
        -------
        dict of str to list or None
        """
        named = {"mean": self._mean, "std": self._std}
        return {name: None if each is None else each.tolist() for name, each in named.items()}

    def refuse_other_scale(self, other: Preparation) -> None:
        """Refuse samples to measure on that would come to the network in another scale.

        Parameters
        ----------
        other : Preparation
            Of those samples.

        Raises
        ------
        ValueError
            If its mean or deviation is another.
        """
        for name, rest in (("mean", 0.0), ("std", 1.0)):
            own, its = self.scale()[name] or [rest], other.scale()[name] or [rest]
            if len(own) != len(its):  # one for all channels, beside one for each
                own, its = own * len(its), its * len(own)
            if own != its:
                raise refusal(
                    f"{name} of data to measure on",
                    f"that of the training data, {self.scale()[name]}",
                    str(other.scale()[name]),
                    "Pass a pair (inputs, labels), which gets it, or give both the same.",
                )

    def __repr__(self) -> str:
        """Return a text that is the same in each run, unlike that of any object."""
        plain = self.augment is None or dataclasses.is_dataclass(self.augment)
        augment = repr(self.augment) if plain else type(self.augment).__qualname__
        return f"Preparation({augment}, {self.scale()})"


def _numbers(name: str, value: Any) -> Tensor | None:
    if value is None:
        return None
    wanted = "finite numbers, one for each channel or one for all"
    try:
        numbers = torch.as_tensor(value, dtype=torch.float64).reshape(-1)
    except (TypeError, ValueError, RuntimeError) as error:  # texts, say
        raise refusal(name, wanted, repr(value)) from error
    if not (len(numbers) and bool(numbers.isfinite().all())):
        raise refusal(name, wanted, repr(value))
    return numbers


def _along_channels(numbers: Tensor, inputs: Tensor, name: str) -> Tensor:
    """Return the numbers in a shape that meets the channels, which are the second axis."""
    if not inputs.is_floating_point():
        raise refusal(name, "None where inputs are not floating point", str(inputs.dtype))
    if len(numbers) not in (1, inputs.shape[1]):
        raise refusal(
            name,
            f"one number, or one for each of the {inputs.shape[1]} channels",
            f"{len(numbers)} numbers",
        )
    shape = (1, -1, *(1,) * (inputs.ndim - 2))
    return numbers.to(inputs.device, inputs.dtype).reshape(shape)
