"""Where a network looks: the strongest pattern among its last convolutional features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from infotheory._validation import check_flag, refusal
from infotheory.learning.networks.at_work import MeanAndStd, brought, in_mode, normaliser

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["eigen_cam", "plot_eigen_cam"]


def eigen_cam(
    network: nn.Module,
    inputs: Tensor,
    layer: str | nn.Module | None = None,
    *,
    centred: bool = False,
    preprocessing: MeanAndStd | None = None,
) -> Tensor:
    """Return the Eigen-CAM of images: where the features of a layer have their strongest pattern.

    Parameters
    ----------
    network : Module
        Computes in evaluation mode without gradients, and is left as it was.
    inputs : Tensor, shape (n, channels, H, W)
        Images.
    layer : str or Module, optional
        A part of the network that gives (n, C, h, w), by its name in ``named_modules()`` or
        itself; by default the convolution that runs last. What follows a convolution in its block
        may be a better choice, such as "layer3" of :class:`infotheory.learning.networks.ResNet`.
    centred : bool, default False
        Whether the mean over the places is taken off each feature before the decomposition, as
        some implementations do.
    preprocessing : (mean, std), optional
        One number each, or one for each channel: the network gets (inputs - mean) / std.

    Returns
    -------
    Tensor, shape (n, H, W)
        In [0, 1]; zero everywhere where the layer gives the same at all places.

    Raises
    ------
    ValueError
        If there is no such layer, no convolution, or what the layer gives is not of that shape or
        not finite.
    TypeError
        If network or inputs are of another kind.

    Notes
    -----
    The features of an image are a matrix A of h w places and C columns. Its first right singular
    vector v gives the map A v, of which the negative part is cut off; then it is brought to
    [0, 1] and upsampled bilinearly. The map does not depend on any class.

    A singular vector has no sign. Here the mean feature vector has a positive product with v, so
    that the sum of A v is positive where A is not centred; features that are not negative, behind
    a ReLU, then have a map that is not negative.

    Cost: one forward pass, and O(h w C min(h w, C)) for each image.

    References
    ----------
    muhammad2020eigencam

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.eigen_cam import eigen_cam
    >>> pattern = torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]])  # one image of one feature
    >>> eigen_cam(torch.nn.Identity(), pattern, layer="")
    tensor([[[0.0000, 0.2500],
             [0.5000, 1.0000]]])
    """
    if not isinstance(inputs, Tensor):
        raise TypeError(f"inputs must be a tensor; got {type(inputs).__name__}.")
    if inputs.ndim != 4 or not inputs.numel():
        raise refusal(
            "inputs", "have shape (n, channels, H, W) with n >= 1", f"shape {tuple(inputs.shape)}"
        )
    centred = check_flag("centred", centred)
    with in_mode(network, training=False), torch.no_grad():
        sent = brought(inputs, network)
        features = _given(network, normaliser(preprocessing, sent)(sent), layer)
        maps = _strongest(features.flatten(2).mT, centred).view(len(inputs), *features.shape[2:])
        maps = F.interpolate(maps[:, None], inputs.shape[2:], mode="bilinear")[:, 0]
        # Weights of the interpolation may sum to one and a rounding error.
        return maps.clamp(0.0, 1.0)


def _given(network: nn.Module, inputs: Tensor, layer: str | nn.Module | None) -> Tensor:
    """Return what a layer gives for the inputs, in single precision at least."""
    name, parts = _parts(network, layer)
    last: list[Any] = [None]

    def keep(part: nn.Module, given: Any, result: Any) -> None:  # noqa: ARG001 - a hook's form
        # What comes next may work in place.
        last[0] = result.clone() if isinstance(result, Tensor) else result

    with ExitStack() as stack:
        for part in parts:
            stack.callback(part.register_forward_hook(keep).remove)
        network(inputs)
    found = last[0]
    if found is None:
        raise refusal("layer", "a part of the network that its forward pass uses", name)
    shape = tuple(getattr(found, "shape", ()))
    if len(shape) != 4 or shape[0] != len(inputs):
        raise refusal(
            "layer",
            "one that gives features of shape (n, C, h, w)",
            f"{shape or type(found).__name__} from {name}",
            "Name a convolution, or a block of these.",
        )
    if not bool(found.isfinite().all()):
        raise refusal("layer", "of finite features", f"inf or nan in those of {name}")
    features: Tensor = found.float() if found.dtype.itemsize < 4 else found
    return features


def _parts(network: nn.Module, layer: str | nn.Module | None) -> tuple[str, list[nn.Module]]:
    """Return what a message calls the layer, and the modules of which the last to run is it."""
    if isinstance(layer, nn.Module):
        return type(layer).__name__, [layer]
    named = dict(network.named_modules())
    if layer is not None:
        if layer not in named:
            listed = ", ".join(name for name, part in named.items() if _convolves(part))
            raise refusal(
                "layer", "a part of the network", repr(layer), f"Convolutions: {listed or 'none'}."
            )
        return repr(layer), [named[layer]]
    convolutions = [part for part in named.values() if _convolves(part)]
    if not convolutions:
        raise refusal(
            "network",
            "have a convolution",
            f"{type(network).__name__} without one",
            "Name a layer that gives features of shape (n, C, h, w).",
        )
    return "the last convolution", convolutions


def _convolves(part: nn.Module) -> bool:
    return isinstance(part, nn.Conv2d)


def _strongest(features: Tensor, centred: bool) -> Tensor:
    """Return the maps of features of shape (n, places, C), before upsampling: (n, places)."""
    mean = features.mean(dim=1, keepdim=True)
    used = features - mean if centred else features
    vectors = torch.linalg.svd(used, full_matrices=False).Vh[:, 0, :, None]
    signs = torch.where(mean @ vectors < 0, -1.0, 1.0)
    maps = (used @ (signs * vectors))[..., 0].relu()
    low, high = maps.amin(dim=1, keepdim=True), maps.amax(dim=1, keepdim=True)
    # Equal features give products that differ by the rounding of a sum of C terms.
    rounding = torch.finfo(maps.dtype).eps * features.shape[2]
    scale = features.norm(dim=2).amax(dim=1, keepdim=True)
    flat = high - low <= rounding * scale
    return torch.where(flat, 0.0, (maps - low) / torch.where(flat, 1.0, high - low))


def plot_eigen_cam(
    inputs: Tensor,
    maps: Mapping[str, Tensor],
    figure: Figure | None = None,
    *,
    row_names: Sequence[str] | None = None,
    opacity: float = 0.5,
) -> Figure:
    """Draw images, one a row, and beside each its map for each network.

    Parameters
    ----------
    inputs : Tensor, shape (n, 1, H, W) or (n, 3, H, W)
        Images in [0, 1].
    maps : mapping of str to Tensor, shape (n, H, W)
        From :func:`eigen_cam`, by the name of the network.
    figure : matplotlib Figure, optional
        An empty figure, best with ``layout="constrained"``; a new one by default.
    row_names : sequence of str, optional
        What to write beside each image.
    opacity : float, default 0.5
        Of the maps over the images.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If these are no such images, or maps and images do not belong together.
    """
    from infotheory.plotting.networks import map_grid

    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        raise refusal(
            "inputs", "have shape (n, 1, H, W) or (n, 3, H, W)", f"shape {tuple(inputs.shape)}"
        )
    inputs = inputs.detach()
    low, high = float(inputs.min()), float(inputs.max())
    if not (low >= 0.0 and high <= 1.0):
        raise refusal(
            "inputs",
            "in [0, 1]",
            f"{low:.3g} to {high:.3g}",
            "Draw images as they are before normalisation; eigen_cam takes preprocessing=.",
        )
    images = inputs.permute(0, 2, 3, 1).cpu().double().numpy()
    return map_grid(
        images[..., 0] if images.shape[-1] == 1 else images,
        {name: values.detach().cpu().double().numpy() for name, values in maps.items()},
        figure,
        row_names=row_names,
        opacity=opacity,
    )
