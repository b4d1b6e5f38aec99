"""Stored data: outputs of classifiers, and columns of any table, streamed a batch at a time."""

from infotheory.files.models import Batch, StoredModel, find_models
from infotheory.files.source import UnusableFileError
from infotheory.files.symbol_reader import SymbolReader
from infotheory.files.symbols import SymbolTable, open_symbols
from infotheory.files.text import TEXT_UNITS, TextReader

__all__ = [
    "TEXT_UNITS",
    "Batch",
    "StoredModel",
    "SymbolReader",
    "SymbolTable",
    "TextReader",
    "UnusableFileError",
    "find_models",
    "open_symbols",
]
