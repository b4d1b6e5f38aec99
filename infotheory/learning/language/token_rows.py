"""Rows of a tokenised data set: read by number, padded, and known again by their tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infotheory._typing import IntArray
from infotheory._validation import refusal

__all__ = ["IDS", "checked_length", "padded", "read_rows", "token_digest"]

IDS = "input_ids"
# What a tokenizer gives, and what stands for padding in it; that of the ids is the tokenizer's.
_PADDING = {IDS: 0, "attention_mask": 0, "token_type_ids": 0}
_CHUNK = 1024  # rows that are read together


def checked_length(dataset: Any, argument: str) -> int:
    """Return the number of rows of a data set that is read by row number.

    Parameters
    ----------
    dataset : object
        With ``len`` and indexing: of torch, of ``datasets``, or a list of dicts.
    argument : str
        What a refusal calls it.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If it has no length, or its rows cannot be read by number.
    ValueError
        If it is empty.
    """
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise TypeError(
            f"{argument} must be a data set with a length, whose rows are read by number; got "
            f"{type(dataset).__name__}. Read a stream into a list first: what a teacher says is "
            "kept by row."
        )
    if len(dataset) == 0:
        raise refusal(argument, "have at least one row", "an empty data set")
    return len(dataset)


def read_rows(dataset: Any, rows: Sequence[int]) -> list[Mapping[str, Any]]:
    """Return some rows of a data set.

    Parameters
    ----------
    dataset : object
        As :func:`checked_length` takes it.
    rows : sequence of int
        Their numbers.

    Returns
    -------
    list of mapping

    Raises
    ------
    TypeError
        If a row is no mapping with token ids.
    """
    many = getattr(dataset, "__getitems__", None)  # faster where there is one, as in `datasets`
    found = [dataset[row] for row in rows] if many is None else many(list(rows))
    for row, sample in zip(rows, found, strict=True):
        if not (isinstance(sample, Mapping) and IDS in sample):
            got = sorted(sample) if isinstance(sample, Mapping) else type(sample).__name__
            raise TypeError(
                f"dataset must have rows with {IDS!r}; got {got} in row {row}. Tokenise it first."
            )
    return found


def token_digest(dataset: Any, n_tokens: int | None = None) -> str:
    """Name a data set by its tokens, in the order of its rows.

    Parameters
    ----------
    dataset : object
        As :func:`checked_length` takes it.
    n_tokens : int, optional
        Number of tokens that the model knows.

    Returns
    -------
    str
        SHA-256.

    Raises
    ------
    ValueError
        If there is a token that the model does not know; the text names the row.
    TypeError
        If a row has no tokens.
    """
    digest, n = hashlib.sha256(), len(dataset)
    for start in range(0, n, _CHUNK):
        rows = range(start, min(start + _CHUNK, n))
        for row, sample in zip(rows, read_rows(dataset, rows), strict=True):
            ids = _whole(sample[IDS])
            if n_tokens is not None and ids.size and ids.max() >= n_tokens:
                raise refusal(
                    "teacher",
                    "one with the vocabulary of the data set",
                    f"one of {n_tokens:,} tokens for token {ids.max():,} in row {row}",
                    "Student and teacher must share the tokenizer.",
                )
            for name in _PADDING:
                if name in sample:
                    values = _whole(sample[name])
                    digest.update(f"{name}:{len(values)}:".encode())
                    digest.update(values.tobytes())
    return digest.hexdigest()


def _whole(values: Any) -> IntArray:
    return np.ascontiguousarray(values, dtype=np.int64)


def padded(samples: Sequence[Mapping[str, Any]], padding: int | None) -> dict[str, Tensor]:
    """Return a batch of rows, filled up behind their ends.

    Parameters
    ----------
    samples : sequence of mapping
        Rows with ``input_ids`` and what else a tokenizer gives.
    padding : int or None
        The token to fill up with; None where the model has none.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    ValueError
        If the rows differ in length and there is no token for padding.
    """
    rows = [{name: _whole(s[name]) for name in _PADDING if name in s} for s in samples]
    for row in rows:
        row.setdefault("attention_mask", np.ones_like(row[IDS]))
    lengths = {len(row[IDS]) for row in rows}
    if len(lengths) > 1 and padding is None:
        raise refusal(
            "teacher",
            "one with config.pad_token_id",
            f"None for rows of {min(lengths)} to {max(lengths)} tokens",
            "Set it, pass collator=, or use batch_size=1.",
        )
    fills = {**_PADDING, IDS: padding or 0}
    longest = max(lengths)
    batch = {}
    for name in rows[0]:
        filled = np.full((len(rows), longest), fills[name])
        for place, row in enumerate(rows):
            filled[place, : len(row[name])] = row[name]
        batch[name] = torch.from_numpy(filled)
    return batch
