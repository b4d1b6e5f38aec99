"""Images, decoded by Pillow as they are: neither turned nor converted."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

from infotheory.files.source import DAMAGE
from infotheory.models.interface import UnreadableSampleError
from infotheory.models.specs import needed

__all__ = ["read_image"]

# What the decoders of Pillow raise on damaged content, beside what other readers do.
_DAMAGE = (*DAMAGE, IndexError, KeyError, TypeError, MemoryError, struct.error)


def read_image(content: bytes | Path, where: str) -> Any:
    """Decode an image.

    Parameters
    ----------
    content : bytes or Path
        An encoded image, or its file.
    where : str
        What a message calls it.

    Returns
    -------
    PIL.Image.Image
        In the mode of the file (palette, grey, with transparency, ...), the first frame of several.
        As in torchvision, an orientation in the EXIF data is not followed.

    Raises
    ------
    UnreadableSampleError
        If it is missing, empty, cut off, no image, or of more pixels than Pillow allows.
    """
    pil = needed("PIL.Image", "Reading images", "images")
    try:
        data = content.read_bytes() if isinstance(content, Path) else content
        if not data:
            raise UnreadableSampleError(f"{where} cannot be read as an image: it is empty.")
        image = pil.open(BytesIO(data))
        image.load()
    except (pil.DecompressionBombError, pil.DecompressionBombWarning) as error:
        raise UnreadableSampleError(
            f"{where} is refused as an image: {_sentence(error)} "
            "Raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except pil.UnidentifiedImageError as error:
        raise UnreadableSampleError(
            f"{where} cannot be read as an image: its content is of no known format."
        ) from error
    except UnreadableSampleError:
        raise
    except _DAMAGE as error:
        raise UnreadableSampleError(
            f"{where} cannot be read as an image: {_sentence(error)}"
        ) from error
    return image


def _sentence(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text if text.endswith(".") else f"{text}."
