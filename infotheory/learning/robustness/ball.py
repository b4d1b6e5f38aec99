"""The inputs that an attack may choose from: a ball around each sample, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Ball"]


@dataclass(frozen=True)
class Ball:
    """Points near those of a batch, each sample by itself.

    Attributes
    ----------
    centre : Tensor, shape (n, ...)
        The samples, within the bounds.
    norm : {"linf", "l2"}
        How distances are measured.
    radius : float
        The largest distance.
    low, high : float
        Bounds of every number.
    """

    centre: Tensor
    norm: str
    radius: float
    low: float
    high: float

    def project(self, points: Tensor) -> Tensor:
        """Return points of the ball, within the bounds; those that lie there stay.

        Coordinates cut at the bounds come nearer to the centre, which is within them: the order
        of the two steps does not matter to the ball.
        """
        moved = points - self.centre
        if self.norm == "linf":
            moved = moved.clamp(-self.radius, self.radius)
        else:
            moved = moved * (self.radius / _lengths(moved)).clamp(max=1.0)
        return (self.centre + moved).clamp(self.low, self.high)

    def random(self, generator: torch.Generator | None) -> Tensor:
        """Return a point drawn uniformly from each ball, cut at the bounds."""
        if self.norm == "linf":
            moved = 2.0 * self._draw(torch.rand, self.centre.shape, generator) - 1.0
        else:
            moved = self._draw(torch.randn, self.centre.shape, generator)
            # The share of the ball within a radius r is r to the power of its dimension.
            share = self._draw(torch.rand, (len(moved), *[1] * (moved.ndim - 1)), generator)
            moved = moved / _lengths(moved) * share ** (1.0 / moved[0].numel())
        return self.project(self.centre + self.radius * moved)

    def _draw(
        self,
        law: Callable[..., Tensor],
        shape: tuple[int, ...],
        generator: torch.Generator | None,
    ) -> Tensor:
        """Draw where the generator is, so that a device does not change the numbers."""
        device = self.centre.device if generator is None else generator.device
        drawn = law(shape, generator=generator, device=device, dtype=self.centre.dtype)
        return drawn.to(self.centre.device)

    def steepest(self, gradients: Tensor) -> Tensor:
        """Return the directions of length one in which a linear function rises most."""
        if self.norm == "linf":
            return gradients.sign()
        # Squares of small gradients would underflow.
        largest = gradients.abs().flatten(1).amax(1).view(-1, *[1] * (gradients.ndim - 1))
        scaled = torch.where(largest > 0, gradients / largest, 0.0)
        return scaled / _lengths(scaled)


def _lengths(moved: Tensor) -> Tensor:
    """Return the Euclidean length of each sample, in a shape to divide by; one in place of zero."""
    lengths = moved.flatten(1).norm(dim=1).view(-1, *[1] * (moved.ndim - 1))
    return torch.where(lengths > 0, lengths, 1.0)
