"""Plain text as a column of characters, letters or words."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from unicodedata import normalize

import numpy as np

from infotheory._typing import IntArray
from infotheory.files.entries import MISSING, Book
from infotheory.files.source import UnusableFileError, faults_named, opening, unusable

__all__ = ["TEXT_UNITS", "TextReader"]

_CHARACTERS = 1 << 20  # that are read at a time
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class TextReader:
    """Goes through a text once.

    Parameters
    ----------
    path : Path
        Text in UTF-8, compressed by gzip where its name ends in ``.gz``.
    unit : {"characters", "letters", "words"}
        What is a symbol: every character, a line end being one; letters of any alphabet, capitals
        as small ones; or runs of letters, also with apostrophes between them, likewise.

    Raises
    ------
    UnusableFileError
        If the file cannot be read.
    """

    def __init__(self, path: Path, unit: str) -> None:
        self.names = (unit,)
        self.broken: dict[str, str] = {}
        self._path = path
        self._book = Book()
        self._codes = _CODED[unit]
        with opening(path):
            path.open("rb").close()

    def symbols(self, _name: str) -> list[str]:
        """Return the symbols met so far, in the order of their numbers."""
        return self._book.symbols

    def batches(self) -> Iterator[dict[str, IntArray]]:
        """Read the text from the start.

        Yields
        ------
        dict of str to ndarray of int
            Under the name of the unit the numbers of the symbols, counted from 0 as new ones are
            met.

        Raises
        ------
        UnusableFileError
            If the file is damaged, or no text in UTF-8.
        """
        opener = gzip.open if self._path.suffix.lower() == ".gz" else open
        try:
            with faults_named("the file"), opener(self._path, "rt", encoding="utf-8-sig") as stream:
                for piece in _pieces(stream):
                    yield {self.names[0]: self._codes(piece, self._book)}
        except UnusableFileError as error:
            if isinstance(error.__cause__, UnicodeError):
                raise unusable(
                    "the file", "text in UTF-8", str(error.__cause__), "Convert it first."
                ) from error
            raise


def _pieces(stream: IO[str]) -> Iterator[str]:
    """Cut a text behind white space, so that no word is torn."""
    held: list[str] = []
    while chunk := stream.read(_CHARACTERS):
        cut = max(chunk.rfind(" "), chunk.rfind("\n")) + 1
        if cut:
            yield "".join([*held, chunk[:cut]])
            held = []
        held.append(chunk[cut:])
    yield "".join(held)


def _characters(text: str, book: Book) -> IntArray:
    return _listed(text, book, lambda _: True)


def _letters(text: str, book: Book) -> IntArray:
    return _listed(normalize("NFC", text).lower(), book, str.isalpha)


def _listed(text: str, book: Book, counts: Callable[[str], bool]) -> IntArray:
    """Number the characters that count, each distinct one being looked up once."""
    from infotheory.estimators.reading import code_integers  # not for files of classifiers

    if not text:
        return np.zeros(0, np.int64)
    found = code_integers(np.frombuffer(text.encode("utf-32-le"), np.uint32))
    kept = [book[c] if counts(c) else MISSING for c in map(chr, found.values.tolist())]
    codes = np.array(kept, np.int64)[found.codes]
    there: IntArray = codes[codes != MISSING]
    return there


def _words(text: str, book: Book) -> IntArray:
    return book.numbers(_WORD.findall(normalize("NFC", text).lower()))


_CODED = {"characters": _characters, "letters": _letters, "words": _words}

TEXT_UNITS = tuple(_CODED)
"""What a symbol of a text may be."""
