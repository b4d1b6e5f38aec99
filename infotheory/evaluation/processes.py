"""Processes that were launched together, and measure one part of the rows each."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infotheory.evaluation.live import part_of
from infotheory.models.specs import needed

__all__ = ["Processes"]

_PATIENCE = timedelta(days=7)  # one part may take much longer than another


@dataclass(frozen=True)
class Processes:
    """One process among those of ``torchrun`` or ``accelerate launch``.

    Attributes
    ----------
    rank, size : int
        The number of this process, and how many there are.
    local_rank : int
        Its number on its own machine.
    """

    rank: int
    size: int
    local_rank: int

    @classmethod
    def launched(cls) -> Processes | None:
        """Return what the environment says of them; None where this process is alone."""
        try:
            size = int(os.environ.get("WORLD_SIZE", "1"))
            rank = int(os.environ.get("RANK", "0"))
            local_rank = int(os.environ.get("LOCAL_RANK", rank))
        except ValueError:
            return None
        return cls(rank, size, local_rank) if size > 1 else None

    @property
    def label(self) -> str:
        """What the files of this process are called by."""
        return f"part{self.rank + 1}of{self.size}"

    def part(self, rows: range) -> range:
        """Return the rows of this process."""
        return part_of(rows, self.rank + 1, self.size)

    def device(self, asked: str | None) -> str | None:
        """Return a device of its own where there are GPUs and none of them was asked for."""
        cuda = needed("torch.cuda", "a launch of many processes", "learning")
        if asked not in {None, "cuda"} or not cuda.is_available():
            return asked
        return f"cuda:{self.local_rank % cuda.device_count()}"

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Connect the processes for a while.

        Raises
        ------
        ConnectionError
            If they do not find each other.
        """
        distributed = needed("torch.distributed", "a launch of many processes", "learning")
        with _faults_of_connection():
            distributed.init_process_group("gloo", timeout=_PATIENCE)
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def send(self, content: bytes) -> None:
        """Send something to the first process."""
        torch, distributed = _torch()
        with _faults_of_connection():
            distributed.send(torch.tensor([len(content)]), 0)
            distributed.send(torch.frombuffer(bytearray(content), dtype=torch.uint8), 0)

    def receive(self, rank: int) -> bytes:
        """Receive what another process sends to this one, the first."""
        torch, distributed = _torch()
        size = torch.zeros(1, dtype=torch.int64)
        with _faults_of_connection():
            distributed.recv(size, rank)
            content = torch.empty(int(size), dtype=torch.uint8)
            distributed.recv(content, rank)
        return bytes(content.numpy())

    def agreed(self, status: int) -> int:
        """Return the status that the first process has come to; wait for it."""
        torch, distributed = _torch()
        said = torch.tensor([status])
        with _faults_of_connection():
            distributed.broadcast(said, 0)
        return int(said)


@contextlib.contextmanager
def _faults_of_connection() -> Iterator[None]:
    """Let whatever fails between processes be a ConnectionError that says what to look at."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise ConnectionError(
            "processes that were launched together (WORLD_SIZE above 1) must reach each other "
            f"until all are done; got: {str(error).splitlines()[0].partition('. ')[0]}. "
            "Look at what the others have said, and start them with torchrun."
        ) from error


def _torch() -> tuple[Any, Any]:
    import torch
    from torch import distributed

    return torch, distributed
