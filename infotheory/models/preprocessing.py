"""From an image to the numbers that a network takes: size, crop, scale, normalisation, layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, FloatArray
from infotheory._validation import check_choice, refusal
from infotheory.models.samples import as_features, as_image, as_pixels, is_text, shown
from infotheory.models.specs import Spec

__all__ = [
    "Features",
    "FeaturesOrTexts",
    "ImageTransform",
    "Preprocessing",
    "in_rgb",
    "take_preprocessing",
]

_INTERPOLATIONS = ("bilinear", "bicubic", "nearest", "box", "hamming", "lanczos")
_NAMES = ("interpolation", "mode", "layout")  # the fields that are no numbers


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The usual way from an image to the input of a network.

    Resize, crop the centre, divide, subtract the mean, divide by the standard deviation: what
    torchvision writes as ``Resize``, ``CenterCrop``, ``ToTensor`` and ``Normalize``, and equal to
    it to the last bit. Features (floating point) pass through.

    Attributes
    ----------
    size : int or (int, int) or None, default None
        Length of the shorter side, or height and width; None leaves the size.
    crop : int or (int, int) or None, default None
        Height and width of the part in the centre that is kept; None keeps all. A smaller image
        gets a black border.
    interpolation : str, default "bilinear"
        One of bilinear, bicubic, nearest, box, hamming, lanczos; as Pillow does them.
    mode : {"RGB", "L"}, default "RGB"
        Three colours, or brightness alone.
    divisor : float, default 255
        By which the pixels, 0 to 255, are divided.
    mean, std : float or tuple of float or None, default None
        Subtracted, and then divided by: one number, or one a channel, on the scale that the
        division has left.
    layout : {"CHW", "HWC"}, default "CHW"
        Order of channels, height and width: "CHW" for torch, "HWC" for Keras.

    Raises
    ------
    ValueError
        If a field is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.models import Preprocessing
    >>> grey = Preprocessing(mode="L", mean=0.5, std=0.25)
    >>> grey(np.array([[0, 255]], dtype=np.uint8))
    array([[[-2.,  2.]]], dtype=float32)
    """

    size: int | tuple[int, int] | None = None
    crop: int | tuple[int, int] | None = None
    interpolation: str = "bilinear"
    mode: str = "RGB"
    divisor: float = 255.0
    mean: float | tuple[float, ...] | None = None
    std: float | tuple[float, ...] | None = None
    layout: str = "CHW"

    def __post_init__(self) -> None:
        check_choice("interpolation", self.interpolation, _INTERPOLATIONS)
        check_choice("mode", self.mode, ("RGB", "L"))
        check_choice("layout", self.layout, ("CHW", "HWC"))
        for name in ("size", "crop"):
            object.__setattr__(self, name, _lengths(name, getattr(self, name)))
        object.__setattr__(self, "divisor", _positive("divisor", (self.divisor,))[0])
        for name in ("mean", "std"):
            object.__setattr__(self, name, self._channels(name, getattr(self, name)))

    def _channels(self, name: str, value: Any) -> tuple[float, ...] | None:
        """Return one number a channel."""
        if value is None:
            return None
        n_channels = len(self.mode)
        numbers = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        if len(numbers) not in (1, n_channels):
            raise refusal(
                name,
                f"one number, or one a channel ({n_channels} of mode {self.mode})",
                f"{len(numbers)} numbers",
            )
        check = _positive if name == "std" else _finite
        return check(name, numbers if len(numbers) > 1 else numbers * n_channels)

    @cached_property
    def _table(self) -> FloatArray:
        """What becomes of each value of a pixel in each channel: float32, in torchvision's order.

        A table of 256 rows gives the very numbers of three passes over the image, in one.
        """
        values = np.arange(256, dtype=np.float32) / np.float32(self.divisor)
        table = np.repeat(values[None, :], len(self.mode), axis=0)
        if self.mean is not None:
            table -= np.asarray(self.mean, dtype=np.float32)[:, None]
        if self.std is not None:
            table /= np.asarray(self.std, dtype=np.float32)[:, None]
        return table

    def __call__(self, sample: Any) -> AnyArray:
        """Prepare one sample.

        Parameters
        ----------
        sample : PIL.Image.Image or ndarray
            An image (8 bits a channel), or features (floating point), which pass through.

        Returns
        -------
        ndarray
            Of an image float32, shape (C, H, W) or (H, W, C).

        Raises
        ------
        ValueError
            If it is something else.
        """
        features = as_features(sample)
        if features is not None:
            return features
        if self.size is not None:
            sample = self._resized(as_image(sample, self.mode))
        pixels = as_pixels(sample, self.mode)
        if self.crop is not None:
            pixels = _centre(pixels, _pair(self.crop))
        planes = pixels if pixels.ndim == 3 else pixels[:, :, None]
        prepared = np.empty((len(self.mode), *pixels.shape[:2]), dtype=np.float32)
        for channel, values in enumerate(self._table):
            np.take(values, planes[:, :, min(channel, planes.shape[2] - 1)], out=prepared[channel])
        return (
            np.ascontiguousarray(prepared.transpose(1, 2, 0)) if self.layout == "HWC" else prepared
        )

    def _resized(self, image: Any) -> Any:
        width, height = image.size
        if isinstance(self.size, tuple):
            target = self.size[::-1]
        else:
            assert self.size is not None
            # The longer side is rounded down, as torchvision does.
            long = int(self.size * max(width, height) / min(width, height))
            target = (self.size, long) if width <= height else (long, self.size)
        if target == image.size:
            return image
        return image.resize(target, _INTERPOLATION_NUMBERS[self.interpolation])

    def to_json(self) -> str:
        """Return the fields as JSON.

        Returns
        -------
        str
            What :meth:`of` reads; the metadata ``infotheory.preprocessing`` of an ONNX model.
        """
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, value: Preprocessing | Mapping[str, Any] | str) -> Preprocessing:
        """Return the preprocessing that something describes.

        Parameters
        ----------
        value : Preprocessing or mapping or str
            Returned as it is; fields by name; or these as JSON.

        Returns
        -------
        Preprocessing

        Raises
        ------
        ValueError
            If it does not describe one.
        """
        if isinstance(value, cls):
            return value
        read: Any = value
        if isinstance(value, str):
            try:
                read = json.loads(value)
            except ValueError:
                read = None
        known = [field.name for field in fields(cls)]
        if not isinstance(read, Mapping) or any(name not in known for name in read):
            raise refusal(
                "preprocessing", f"a mapping with names among {', '.join(known)}", repr(value)
            )
        return cls(**read)


# Numbers of Pillow's filters, which are its stable interface beside the names.
_INTERPOLATION_NUMBERS = {
    "nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5,
}  # fmt: skip


class Features:
    """The preprocessing of a model without any: features pass, and nothing else.

    Parameters
    ----------
    fix : str
        How to give the model a preprocessing, for the refusal.
    """

    def __init__(self, fix: str) -> None:
        self._fix = fix

    def __call__(self, sample: Any) -> AnyArray:
        """Return features as they are, and refuse images and texts."""
        features = as_features(sample)
        if features is None:
            raise refusal(
                "sample",
                "features (floating point) for a model that comes without a preprocessing",
                shown(sample),
                self._fix,
            )
        return features


class FeaturesOrTexts(Features):
    """The same for a model that may take texts, which pass too."""

    def __call__(self, sample: Any) -> Any:
        """Return features and texts as they are, and refuse images."""
        return sample if is_text(sample) else super().__call__(sample)


class ImageTransform:
    """A transform of PIL images, such as those of torchvision.

    Parameters
    ----------
    transform : callable
        Takes a PIL image.
    mode : {"RGB", "L"} or None, default "RGB"
        Mode of the image that it takes: three colours, or brightness alone; None for that which
        the image has.

    Raises
    ------
    ValueError
        If the mode is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.models import ImageTransform
    >>> size = ImageTransform(lambda image: np.array([image.width, image.height], dtype=float))
    >>> size(np.zeros((20, 30, 3), dtype=np.uint8))
    array([30., 20.])
    """

    def __init__(self, transform: Any, mode: str | None = "RGB") -> None:
        if mode is not None:
            check_choice("mode", mode, ("RGB", "L"))
        self.transform = transform
        self.mode = mode

    def __call__(self, sample: Any) -> Any:
        """Transform an image; features pass through.

        Parameters
        ----------
        sample : PIL.Image.Image or ndarray
            An image, or features (floating point).

        Returns
        -------
        object
            What the transform gives.

        Raises
        ------
        ValueError
            If it is something else.
        """
        features = as_features(sample)
        return self.transform(as_image(sample, self.mode)) if features is None else features


class _InRGB:
    """A function of the user, which gets images of PIL in RGB, and all else as it is."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, sample: Any) -> Any:
        return self.function(as_image(sample, "RGB") if hasattr(sample, "getbands") else sample)


def in_rgb(preprocess: Any) -> Any:
    """Let a function of the user have images as torchvision's folders give them: in RGB.

    A file may be grey, or hold indices of a palette; what is made for images says itself what it
    takes.
    """
    known = preprocess is None or isinstance(preprocess, (Preprocessing, ImageTransform))
    return preprocess if known else _InRGB(preprocess)


def take_preprocessing(spec: Spec) -> Preprocessing | None:
    """Take the options of a spec that describe a preprocessing; None where there are none.

    Raises
    ------
    ValueError
        If a value is out of range.
    """
    given: dict[str, Any] = {}
    for field in fields(Preprocessing):
        text = spec.take(field.name)
        if text is not None:
            given[field.name] = text if field.name in _NAMES else _numbers(field.name, text)
    return Preprocessing(**given) if given else None


def _numbers(name: str, text: str) -> Any:
    """Read ``224``, ``0.5`` or ``0.5,0.5,0.5``."""
    kind = int if name in ("size", "crop") else float
    try:
        numbers = tuple(kind(part) for part in text.split(","))
    except ValueError as error:
        raise refusal(name, "a number, or several with commas", repr(text)) from error
    return numbers if len(numbers) > 1 else numbers[0]


def _lengths(name: str, value: Any) -> Any:
    if value is None:
        return None
    numbers = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in numbers)
    if not whole or len(numbers) > 2 or not all(1 <= n <= 100_000 for n in numbers):
        raise refusal(name, "None, a positive integer, or two of them (height, width)", repr(value))
    return tuple(map(int, numbers)) if len(numbers) == 2 else int(numbers[0])


def _finite(name: str, numbers: tuple[Any, ...]) -> tuple[float, ...]:
    for number in numbers:
        real = isinstance(number, (int, float, np.number)) and not isinstance(number, bool)
        if not (real and np.isfinite(number)):
            raise refusal(name, "finite numbers", repr(number))
    return tuple(float(number) for number in numbers)


def _positive(name: str, numbers: tuple[Any, ...]) -> tuple[float, ...]:
    found = _finite(name, numbers)
    if min(found) <= 0:
        raise refusal(name, "positive", repr(min(found)))
    return found


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _centre(pixels: AnyArray, shape: tuple[int, int]) -> AnyArray:
    """Cut out the centre, of an image with a black border where it is too small."""
    border = [max(0, wanted - there) for wanted, there in zip(shape, pixels.shape, strict=False)]
    if any(border):
        width = [(extra // 2, (extra + 1) // 2) for extra in border]
        pixels = np.pad(pixels, [*width, (0, 0)][: pixels.ndim])
    # Python rounds halves to even numbers, and so does torchvision.
    top, left = (round((pixels.shape[axis] - shape[axis]) / 2) for axis in (0, 1))
    return pixels[top : top + shape[0], left : left + shape[1]]
