"""Which format a file has: by its content, and for text by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from infotheory.files.delimited import ENDINGS, open_delimited
from infotheory.files.npy import open_npy, open_npz
from infotheory.files.parquet import open_parquet
from infotheory.files.safetensors import LONGEST_HEADER, open_safetensors
from infotheory.files.source import Source, UnusableFileError, opening

__all__ = ["open_source"]


def open_source(path: Path) -> Source:
    """Read the headers of a file of any of the formats.

    Parameters
    ----------
    path : Path
        An npy, npz, parquet, safetensors, csv or tsv file, the last two also compressed by gzip.

    Returns
    -------
    Source

    Raises
    ------
    UnusableFileError
        If it cannot be read, is damaged, or has another format.
    """
    with opening(path):
        if path.exists() and not path.is_file():
            raise UnusableFileError("it is a device or a pipe, which cannot be read twice.")
        with path.open("rb") as stream:
            head = stream.read(9)
        return _opener(head, path)(path)


def _opener(head: bytes, path: Path) -> Callable[[Path], Source]:
    """Choose by the first bytes; text has none of its own, and is known by the name."""
    if not head:
        raise UnusableFileError("it is empty.")
    for magic, opener in ((b"\x93NUMPY", open_npy), (b"PK", open_npz), (b"PAR1", open_parquet)):
        if head.startswith(magic):
            return opener
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") <= LONGEST_HEADER:
        return open_safetensors
    if Path(path.name.lower().removesuffix(".gz")).suffix in ENDINGS:
        return open_delimited
    raise UnusableFileError(
        "it is no npy, npz, parquet or safetensors file, and its name does not end in "
        ".csv or .tsv (or .gz behind them). Pickles and other formats are not read."
    )
