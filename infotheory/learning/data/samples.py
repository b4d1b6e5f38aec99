"""Samples by number, stacked: from memory, from a file, or read one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infotheory._typing import AnyArray, IntArray
from infotheory._validation import refusal
from infotheory.files.digests import ArrayBytes, content_digest

__all__ = [
    "ArraySamples",
    "ReadSamples",
    "StoredSamples",
    "TensorSamples",
    "as_floats",
    "stored",
]

_CHANNELS = (1, 3, 4)
_PLAIN_MODES = ("L", "RGB", "RGBA")  # of Pillow's images; others are converted


class StoredSamples(ABC):
    """Samples that can be taken by number."""

    in_memory = True

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, rows: IntArray) -> Tensor:
        """Return some of them, stacked, as they are stored."""

    @abstractmethod
    def content(self) -> bytes:
        """Return a digest by which a later run knows them again."""


class ArraySamples(StoredSamples):
    """Rows of an array in memory, or mapped from a file.

    Parameters
    ----------
    array : ndarray, shape (n, ...)
        Numbers.
    """

    def __init__(self, array: AnyArray) -> None:
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"inputs must be numbers; got dtype {array.dtype}. "
                "Encode texts as token numbers first."
            )
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def read(self, rows: IntArray) -> Tensor:
        """Copy some rows."""
        return _tensor_of(self.array[rows])

    def content(self) -> bytes:
        """Hash all of it, or stripes of a large one."""
        about = repr((self.array.dtype.str, self.array.shape)).encode()
        return about + content_digest([ArrayBytes(self.array)])


class TensorSamples(StoredSamples):
    """Rows of a tensor, on any device.

    Parameters
    ----------
    tensor : Tensor, shape (n, ...)
        Numbers.
    """

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()

    def __len__(self) -> int:
        return len(self.tensor)

    def read(self, rows: IntArray) -> Tensor:
        """Copy some rows."""
        return self.tensor[torch.from_numpy(rows).to(self.tensor.device)]

    def content(self) -> bytes:
        """Hash all of it, or stripes of a large one."""
        host = self.tensor.cpu()
        array = (host.view(torch.int16) if host.dtype == torch.bfloat16 else host).numpy()
        about = repr((str(host.dtype), tuple(host.shape))).encode()
        return about + content_digest([ArrayBytes(array)])


class ReadSamples(StoredSamples):
    """What an object with ``len()`` and ``[row]`` gives, one sample a row.

    Parameters
    ----------
    samples : object
        Whose items are arrays, tensors or images of one shape.
    """

    in_memory = False

    def __init__(self, samples: Any) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def read(self, rows: IntArray) -> Tensor:
        """Read some, and stack them."""
        found = [_as_tensor(self.samples[int(row)]) for row in rows]
        for row, sample in zip(rows, found, strict=True):
            if sample.shape != found[0].shape:
                raise refusal(
                    "inputs",
                    f"of one shape, {tuple(found[0].shape)} as in row {rows[0]}",
                    f"{tuple(sample.shape)} in row {row}",
                    "Resize or pad them where they are read.",
                )
        return torch.stack(found)

    def content(self) -> bytes:
        """Return the object's own fingerprint, or hash its kind: items may be read at random."""
        own = getattr(self.samples, "fingerprint", None)
        kind = f"{type(self.samples).__module__}.{type(self.samples).__qualname__}"
        return (str(own()) if callable(own) else f"{kind}:{len(self)}").encode()


def stored(inputs: Any) -> StoredSamples:
    """Give inputs the form from which batches are taken.

    Parameters
    ----------
    inputs : Tensor or array_like or object
        Samples along the first axis, or an object with ``len()`` and ``[row]``.

    Returns
    -------
    StoredSamples

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or images are laid out otherwise.
    """
    if isinstance(inputs, StoredSamples):
        return inputs
    if isinstance(inputs, Tensor):
        _check_layout(tuple(inputs.shape), inputs.dtype == torch.uint8)
        return TensorSamples(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, (str, bytes)):
        inputs = np.asarray(inputs) if _is_nested_list(inputs) else inputs
    if isinstance(inputs, np.ndarray) or hasattr(inputs, "to_numpy"):  # or of pandas
        array = np.asanyarray(inputs)
        _check_layout(array.shape, array.dtype == np.uint8)
        return ArraySamples(array)
    if hasattr(inputs, "__len__") and hasattr(inputs, "__getitem__"):
        return ReadSamples(inputs)
    raise TypeError(
        "inputs must be an array, a tensor, or an object with len() and [row]; "
        f"got {type(inputs).__name__}."
    )


def _is_nested_list(inputs: Sequence[Any]) -> bool:
    first = inputs[0] if len(inputs) else 0.0
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    return isinstance(first, (int, float, np.number))


def as_floats(raw: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return images as the network reads them; whole numbers are left alone.

    Parameters
    ----------
    raw : Tensor
        Images are uint8, of shape (n, H, W) or (n, H, W, channels).
    dtype : torch.dtype, optional
        Floating point type of the result; by default that of the samples, and PyTorch's own for
        images.

    Returns
    -------
    Tensor
        Images: floating point in [0, 1], of shape (n, channels, H, W).

    Raises
    ------
    ValueError
        If uint8 is of another shape.
    """
    if raw.dtype != torch.uint8:
        return raw.to(dtype) if dtype is not None and raw.is_floating_point() else raw
    _check_layout(tuple(raw.shape), is_bytes=True)
    planes = raw[:, None] if raw.ndim == 3 else raw.permute(0, 3, 1, 2)
    dtype = torch.get_default_dtype() if dtype is None else dtype
    return planes.to(dtype, memory_format=torch.contiguous_format) / 255


def _check_layout(shape: tuple[int, ...], is_bytes: bool) -> None:
    if len(shape) < 2 and not is_bytes:
        raise refusal(
            "inputs", "have one row a sample, shape (n, ...)", f"shape {shape}", "Reshape it."
        )
    if is_bytes and not (len(shape) == 3 or (len(shape) == 4 and shape[3] in _CHANNELS)):
        raise refusal(
            "inputs",
            "of shape (n, H, W) or (n, H, W, 1, 3 or 4) where they are uint8: images",
            f"shape {shape}",
            "Put the channels last, or convert features with .astype('float32').",
        )


def _as_tensor(sample: Any) -> Tensor:
    if isinstance(sample, Tensor):
        return sample
    if hasattr(sample, "getbands"):  # an image of Pillow
        sample = sample if sample.mode in _PLAIN_MODES else sample.convert("RGB")
    elif not hasattr(sample, "__array__"):
        raise TypeError(
            f"inputs must hold tensors, arrays or images; got {type(sample).__name__}. "
            "Encode texts as token numbers first."
        )
    return _tensor_of(np.array(sample))


def _tensor_of(array: AnyArray) -> Tensor:
    """Return a tensor over an array that nobody else has, in the byte order of this machine."""
    return torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")))
