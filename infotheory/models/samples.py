"""What a sample is, and how each kind of it becomes an array."""

from __future__ import annotations

from typing import Any

import numpy as np

from infotheory._typing import AnyArray
from infotheory._validation import as_array, refusal
from infotheory.models.specs import needed

__all__ = ["as_features", "as_image", "as_pixels", "is_image", "is_text", "shown"]

_CHANNELS = (1, 3, 4)
# What PIL can convert without loss of range: 8 bits a channel, or one.
_EIGHT_BITS = frozenset(
    {"1", "CMYK", "HSV", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "YCbCr"}
)


def is_image(sample: Any) -> bool:
    """Tell whether a sample is a PIL image, or an array of pixels."""
    if hasattr(sample, "getbands"):
        return True
    return isinstance(sample, np.ndarray) and sample.dtype == np.uint8


def is_text(sample: Any) -> bool:
    """Tell whether a sample is a text or a pair of texts."""
    if isinstance(sample, tuple):
        return len(sample) == 2 and all(isinstance(part, str) for part in sample)
    return isinstance(sample, str)


def shown(sample: Any) -> str:
    """Return the words of a refusal for a sample."""
    if hasattr(sample, "getbands"):
        return f"an image of mode {sample.mode} and {sample.size[0]} x {sample.size[1]} pixels"
    if is_text(sample):
        return "a text" if isinstance(sample, str) else "a pair of texts"
    if hasattr(sample, "dtype"):
        kind = "an image, an array" if is_image(sample) else "an array"
        return f"{kind} of dtype {sample.dtype} and shape {tuple(sample.shape)}"
    return f"an object of type {type(sample).__name__}"


def as_features(sample: Any) -> AnyArray | None:
    """Return floating-point features as an array in C order, and None for anything else."""
    if isinstance(sample, (np.ndarray, list)) or callable(getattr(sample, "detach", None)):
        array = as_array(sample, "sample")
        return np.ascontiguousarray(array) if array.dtype.kind == "f" else None
    return None


def as_pixels(sample: Any, mode: str) -> AnyArray:
    """Return the pixels of an image.

    Parameters
    ----------
    sample : PIL.Image.Image or ndarray of uint8
        The image.
    mode : {"RGB", "L"}
        Three colours, or brightness alone. An array of four channels gives up the last one.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, 3)
        In two dimensions where all channels are the same.

    Raises
    ------
    ValueError
        If it is no such image.
    """
    if is_image(sample) and isinstance(sample, np.ndarray) and sample.size:
        pixels: AnyArray = _squeezed(sample)
        if pixels.ndim == 2:
            return pixels
        if mode == "RGB" and pixels.ndim == 3 and pixels.shape[2] in _CHANNELS:
            return pixels[:, :, :3]
    return np.asarray(as_image(sample, mode))


def as_image(sample: Any, mode: str | None) -> Any:
    """Return a sample as a PIL image of the given mode or its own, and refuse what is no image.

    Raises
    ------
    ValueError
        If it is no image, or has more than 8 bits a channel.
    """
    if hasattr(sample, "getbands"):
        if mode is None:
            return sample
        if sample.mode not in _EIGHT_BITS:
            raise refusal(
                "sample",
                "an image of 8 bits a channel",
                shown(sample),
                "Scale it to the range 0 to 255 and convert it to mode L or RGB.",
            )
        return sample if sample.mode == mode else sample.convert(mode)
    pixels = _squeezed(sample) if is_image(sample) else None
    if pixels is None or pixels.size == 0 or not _has_channels(pixels):
        raise refusal(
            "sample",
            "an image: of PIL, or uint8 of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)",
            shown(sample),
            "",
        )
    image = needed("PIL.Image", "an image of another size or mode", "images").fromarray(pixels)
    return image if mode in (None, image.mode) else image.convert(mode)


def _squeezed(pixels: AnyArray) -> AnyArray:
    """Return an image of one channel in two dimensions, others as they are."""
    return pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def _has_channels(pixels: AnyArray) -> bool:
    return pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in _CHANNELS)
