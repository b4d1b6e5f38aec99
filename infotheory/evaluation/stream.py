"""Samples on their way to models: read once, prepared for each of them, a little ahead of use."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import check_choice, check_count, refusal
from infotheory.files.source import spans
from infotheory.models.interface import LabelledData, UnreadableSampleError

__all__ = ["FAULTS", "Prepared", "check_threads", "stream"]

ON_ERROR = ("stop", "skip")

FAULTS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What models and data sets of others raise; an interruption and lack of memory are not theirs."""

_PIECE = 16  # samples that one thread takes in hand
_AHEAD = 2  # batches that wait for the models
_MOST_THREADS = 8

Prepare = Mapping[str, Callable[[Any], Any]]


class Prepared(NamedTuple):
    """A batch.

    Attributes
    ----------
    start, stop : int
        Its rows of the data set.
    rows : ndarray of int
        Those that could be read.
    samples : dict of str to list
        They, prepared, by model.
    unreadable : dict of int to str
        What the others are called, by row.
    failures : dict of str to Exception
        Models that cannot be given one of the samples, and why.
    """

    start: int
    stop: int
    rows: IntArray
    samples: dict[str, list[Any]]
    unreadable: dict[int, str]
    failures: dict[str, Exception]


def check_threads(n_threads: Any) -> int:
    """Return how many threads are to read; by default as many as there are cores, up to eight."""
    if n_threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        # Processes that were launched together share the cores.
        sharing = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        return max(1, min(_MOST_THREADS, cores // max(1, sharing)))
    if isinstance(n_threads, (int, np.integer)) and n_threads == 0 and n_threads is not False:
        return 0
    try:
        return check_count("n_threads", n_threads)
    except ValueError as error:
        raise refusal(
            "n_threads",
            "None (automatic) or a whole number of at least 0",
            repr(n_threads),
            "0 reads in the thread of the caller.",
        ) from error


def stream(
    data: LabelledData,
    prepare: Prepare,
    rows: range,
    *,
    batch_size: int,
    done: int = 0,
    on_error: str = "stop",
    n_threads: int = 0,
) -> Generator[Prepared, None, None]:
    """Go once through some rows of a data set.

    Parameters
    ----------
    data : LabelledData
        Whose samples to read.
    prepare : mapping of str to callable
        What each model does with a sample before it is one of a batch. What is removed in the
        meantime is not prepared for any longer.
    rows : range
        Which rows.
    batch_size : int
        Rows of a batch, but for the last one.
    done : int, default 0
        How many of the rows, up to the end of a batch, to leave out.
    on_error : {"stop", "skip"}, default "stop"
        What to do about a sample that cannot be read.
    n_threads : int, default 0
        How many threads read and prepare, a bounded number of batches ahead; 0 for the thread of
        the caller, which reads what it is asked for.

    Yields
    ------
    Prepared
        In the order of the rows.

    Raises
    ------
    UnreadableSampleError
        Where a sample cannot be read, and `on_error` is "stop".
    """
    check_choice("on_error", on_error, ON_ERROR)
    batches = [
        range(rows.start + start, rows.start + stop)
        for start, stop in spans(len(rows), batch_size, done)
    ]
    reader = _Reader(data, prepare, skip=on_error == "skip")
    if n_threads == 0:
        for batch in batches:
            yield _joined(batch, [reader(batch)])
        return
    waiting: deque[tuple[range, list[Future[_Piece]]]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="infotheory-reader") as pool:
        try:
            for batch in batches:
                cuts = range(0, len(batch), _PIECE)
                waiting.append((batch, [pool.submit(reader, batch[i : i + _PIECE]) for i in cuts]))
                if len(waiting) > _AHEAD:
                    yield _awaited(*waiting.popleft())
            while waiting:
                yield _awaited(*waiting.popleft())
        finally:
            for _, pieces in waiting:  # nobody asks for them any more
                for piece in pieces:
                    piece.cancel()


class _Piece(NamedTuple):
    """Some rows of a batch."""

    rows: list[int]
    samples: dict[str, list[Any]]
    unreadable: dict[int, str]
    failures: dict[str, Exception]


class _Reader:
    """Reads rows, in any thread."""

    def __init__(self, data: LabelledData, prepare: Prepare, *, skip: bool) -> None:
        self._data = data
        self._prepare = prepare
        self._skip = skip

    def __call__(self, rows: range) -> _Piece:
        prepare = list(self._prepare.items())
        found = _Piece([], {name: [] for name, _ in prepare}, {}, {})
        for row in rows:
            try:
                ready = self._ready(row, prepare, found.failures)
            except UnreadableSampleError as error:
                if not self._skip:
                    raise UnreadableSampleError(
                        f"{error} on_error='skip' (--on-error skip) leaves such samples out, "
                        "and counts them."
                    ) from error
                found.unreadable[row] = self._data.where(row)
                continue
            found.rows.append(row)
            for name, sample in ready.items():
                found.samples[name].append(sample)
        return found

    def _ready(
        self,
        row: int,
        prepare: list[tuple[str, Callable[[Any], Any]]],
        failures: dict[str, Exception],
    ) -> dict[str, Any]:
        """Read one sample, and prepare it for each model that has not failed."""
        sample = self._data.sample(row)
        ready = {}
        for name, of_model in prepare:
            if name in failures:
                continue
            try:
                ready[name] = of_model(sample)
            except UnreadableSampleError:
                raise  # the data are to blame, and no model is to have the sample
            except FAULTS as error:
                failures[name] = _placed(error, self._data.where(row))
        return ready


def _placed(error: Exception, where: str) -> Exception:
    """Say in a refusal which sample it is about."""
    if type(error) in {ValueError, TypeError}:
        placed = type(error)(f"{where}: {error}")
        placed.__cause__ = error
        return placed
    return error


def _awaited(batch: range, pieces: list[Future[_Piece]]) -> Prepared:
    try:
        return _joined(batch, [piece.result() for piece in pieces])
    finally:
        for piece in pieces:  # where one has failed, the others are not needed
            piece.cancel()


def _joined(batch: range, pieces: list[_Piece]) -> Prepared:
    failures = {}
    for piece in reversed(pieces):  # the first one stays
        failures.update(piece.failures)
    return Prepared(
        batch.start,
        batch.stop,
        np.array([row for piece in pieces for row in piece.rows], np.int64),
        {
            name: [sample for piece in pieces for sample in piece.samples.get(name, ())]
            for name in pieces[-1].samples  # a model that was given up meanwhile is not there
            if name not in failures
        },
        {row: where for piece in pieces for row, where in piece.unreadable.items()},
        failures,
    )
