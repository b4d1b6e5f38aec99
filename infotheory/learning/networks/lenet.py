"""LeNet-5, for images of digits and clothes."""

from __future__ import annotations

from torch import Tensor, nn

from infotheory._validation import check_count, refusal
from infotheory.learning.networks.base import FeatureNetwork

__all__ = ["LeNet"]

_FULL, _LEAST = 32, 12


class LeNet(FeatureNetwork):
    """LeNet-5 with ReLU and maxima where the original has squashing and means.

    Parameters
    ----------
    n_classes : int, default 10
        C.
    channels : int, default 1
        Of the images.
    size : int, default 28
        Height and width of the images, at least 12. Below 32 they get a margin of two zeros, as
        the original gave it to images of 28.

    Raises
    ------
    ValueError
        If a number is too small.

    References
    ----------
    lecun1998gradient

    Examples
    --------
    >>> from infotheory.learning.networks import LeNet
    >>> sum(weight.numel() for weight in LeNet().parameters())
    61706
    """

    def __init__(self, n_classes: int = 10, channels: int = 1, size: int = 28) -> None:
        super().__init__()
        channels, size = check_count("channels", channels), check_count("size", size)
        if size < _LEAST:
            raise refusal("size", f"at least {_LEAST}", str(size), "Use an MLP for less.")
        margin = 2 if size < _FULL else 0
        side = ((size + 2 * margin - 4) // 2 - 4) // 2
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=margin),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * side * side, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
        )
        self.linear = nn.Linear(84, check_count("n_classes", n_classes))

    def features(self, inputs: Tensor) -> Tensor:
        """Return the 84 units before the last layer.

        Parameters
        ----------
        inputs : Tensor, shape (n, channels, size, size)
            Images.

        Returns
        -------
        Tensor, shape (n, 84)
        """
        found: Tensor = self.hidden(self.convolutions(inputs))
        return found
