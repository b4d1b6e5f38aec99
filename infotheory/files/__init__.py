"""Stored classifier outputs: found in a file and streamed from it, a batch at a time."""

from infotheory.files.models import Batch, StoredModel, find_models
from infotheory.files.source import UnusableFileError

__all__ = ["Batch", "StoredModel", "UnusableFileError", "find_models"]
