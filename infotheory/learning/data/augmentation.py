"""Random changes to images that leave their class as it is, for a batch at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from infotheory._validation import check_flag, refusal

__all__ = ["Augmentation", "CropFlip"]


class Augmentation(ABC):
    """A random change to the samples of a batch, in two halves.

    Chance is drawn for a whole batch, and applied to the rows that a process has of it: so what
    happens to a row does not depend on how many processes there are.
    """

    @abstractmethod
    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return the draws for n samples, one row each, from this generator alone."""

    @abstractmethod
    def __call__(self, inputs: Tensor, draws: Tensor) -> Tensor:
        """Return changed samples, of the same shape, type and device.

        Parameters
        ----------
        inputs : Tensor, shape (n, ...)
            As the network would get them. Not changed in place.
        draws : Tensor, shape (n, ...)
            What :meth:`draw` gave for them; on the host.
        """


@dataclass(frozen=True)
class CropFlip(Augmentation):
    """Shift images by some pixels in each direction, and mirror every other one.

    Attributes
    ----------
    padding : int
        How far an image moves at most. What comes in from outside is zero, before normalisation:
        see the notes.
    flip : bool
        Whether left and right are swapped with probability 1/2.

    Notes
    -----
    The usual augmentation of CIFAR: padding by 4, a random crop of the old size, and a horizontal
    flip. It is applied before mean and standard deviation are taken off, so the border is black as
    it is there.

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.data import CropFlip
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> CropFlip(padding=1)(image, torch.tensor([[0, 1, 1]]))  # down by one pixel, and mirrored
    tensor([[[[0., 0.],
              [2., 1.]]]])
    """

    padding: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        padding: object = self.padding
        if not isinstance(padding, int) or isinstance(padding, bool) or padding < 0:
            raise refusal("padding", "a whole number of pixels, at least 0", repr(padding))
        check_flag("flip", self.flip)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return first row, first column and whether to mirror, for n images.

        Parameters
        ----------
        n : int
            How many images.
        generator : torch.Generator
            On the host.

        Returns
        -------
        Tensor of int64, shape (n, 3)
        """
        corners = torch.randint(0, 2 * self.padding + 1, (n, 2), generator=generator)
        mirrored = torch.randint(0, 1 + self.flip, (n, 1), generator=generator)
        return torch.cat([corners, mirrored], dim=1)

    def __call__(self, inputs: Tensor, draws: Tensor) -> Tensor:
        """Return the images as the draws say.

        Parameters
        ----------
        inputs : Tensor, shape (n, channels, H, W)
            Images.
        draws : Tensor of int64, shape (n, 3)
            From :meth:`draw`.

        Returns
        -------
        Tensor, shape (n, channels, H, W)

        Raises
        ------
        ValueError
            Where the samples are no images.
        """
        if inputs.ndim != 4:
            raise refusal(
                "inputs",
                "images of shape (n, channels, H, W) to be cropped",
                f"shape {tuple(inputs.shape)}",
                "Leave augment out.",
            )
        height, width = inputs.shape[2:]
        top, left, mirrored = draws.to(inputs.device).T[:, :, None]
        across = torch.arange(width, device=inputs.device)
        across = torch.where(mirrored == 1, width - 1 - across, across) + left
        down = torch.arange(height, device=inputs.device) + top
        padded = pad(inputs, [self.padding] * 4)
        row = torch.arange(len(inputs), device=inputs.device)
        # The two slices lie between the indices, so that channels come last.
        taken = padded[row[:, None, None], :, down[:, :, None], across[:, None, :]]
        return taken.permute(0, 3, 1, 2).contiguous()
