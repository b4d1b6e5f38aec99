"""Images, decoded by Pillow as they are: neither turned nor converted."""

from __future__ import annotations

import stat
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

from infotheory.files.source import DAMAGE
from infotheory.models.interface import UnreadableSampleError
from infotheory.models.specs import needed

__all__ = ["read_image"]

# Those whose decoders start no other program, as that of EPS does.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_MOST = 1 << 30  # bytes of a file
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
        If it is missing, empty, cut off, no regular file, no image, or larger than 1 GiB or than
        Pillow allows.
    """
    pil = needed("PIL.Image", "Reading images", "images")
    pil.init()  # now it knows which of the formats it has
    known = [name for name in _FORMATS if name in pil.OPEN]
    try:
        data = _content(content, where) if isinstance(content, Path) else content
        if not data:
            raise UnreadableSampleError(f"{where} cannot be read as an image: it is empty.")
        image = pil.open(BytesIO(data), formats=known)
        image.load()
    except (pil.DecompressionBombError, pil.DecompressionBombWarning) as error:
        raise UnreadableSampleError(
            f"{where} is refused as an image: {_sentence(error)} "
            "Raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except pil.UnidentifiedImageError as error:
        raise UnreadableSampleError(
            f"{where} cannot be read as an image: its content is of no known format. "
            f"Known are {', '.join(known)}."
        ) from error
    except UnreadableSampleError:
        raise
    except _DAMAGE as error:
        raise UnreadableSampleError(
            f"{where} cannot be read as an image: {_sentence(error)}"
        ) from error
    return image


def _content(path: Path, where: str) -> bytes:
    """Read a file; a device, or what else has no end, is none."""
    about = path.stat()
    if stat.S_ISREG(about.st_mode) and about.st_size <= _MOST:
        return path.read_bytes()
    fact = "it is of more than 1 GiB" if stat.S_ISREG(about.st_mode) else "it is no regular file"
    name = "" if str(path) == where else f"{str(path)!r}: "
    raise UnreadableSampleError(f"{where} cannot be read as an image: {name}{fact}.")


def _sentence(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text if text.endswith(".") else f"{text}."
