"""The folder of a run: who may write into it, and what is there after each epoch."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from infotheory._atomic import replaced, reserved
from infotheory._validation import refusal
from infotheory.learning.engine.checkpoints import load_checkpoint, save_checkpoint
from infotheory.learning.engine.history import Row, as_csv, as_json
from infotheory.learning.engine.processes import Processes
from infotheory.models.specs import needed

__all__ = ["LOGS", "Folder", "check_log"]

LOGS = ("csv", "json", "tensorboard")
"""Forms of a history."""

_CHECKPOINT = "checkpoint.pt"
_WRITERS = {"csv": as_csv, "json": as_json}
_TOLD = ("infotheory-toolkit", "accelerate", "numpy", "torch")


class Folder:
    """Where one run keeps its files; without a path it keeps nothing.

    Parameters
    ----------
    path : Path or None
        The folder.
    log : sequence of str
        In what forms it has the history.
    writes : bool
        Whether this process is the one that writes.
    """

    def __init__(self, path: Path | None, log: Sequence[str], writes: bool) -> None:
        self.path = path
        self._log = tuple(log)
        self._writes = writes and path is not None
        self._board: Any = None

    @classmethod
    @contextmanager
    def opened(
        cls,
        place: str | os.PathLike[str] | None,
        resume: bool,
        log: Sequence[str],
        processes: Processes,
    ) -> Iterator[Folder]:
        """Keep a folder to this run for a while.

        Parameters
        ----------
        place : path_like or None
            The folder, made where it is not there.
        resume : bool
            Whether it may hold a run.
        log : sequence of str
            In what forms it has the history.
        processes : Processes
            The first of which writes.

        Yields
        ------
        Folder

        Raises
        ------
        ValueError
            In every process: if another run is writing there, or it holds one and `resume` is
            False.
        """
        if place is None:
            yield cls(None, log, writes=False)
            return
        path = Path(place).expanduser().resolve()
        with ExitStack() as stack:
            processes.first_does(lambda: stack.enter_context(_kept(path, resume)))
            folder = cls(path, log, writes=processes.first)
            stack.callback(folder.close)
            yield folder

    @property
    def has_checkpoint(self) -> bool:
        """Whether an epoch has been saved here."""
        return self.path is not None and (self.path / _CHECKPOINT).exists()

    def checkpoint(self) -> dict[str, Any] | None:
        """Return the state that was saved last, if there is one."""
        if self.path is None or not self.has_checkpoint:
            return None
        return load_checkpoint(self.path / _CHECKPOINT)

    def describe(self, about: Mapping[str, Any]) -> None:
        """Write down what the run is, and with which versions it goes on."""
        versions = {"python": platform.python_version(), **{name: _version(name) for name in _TOLD}}
        self._text("run.json", json.dumps({**about, "versions": versions}, indent=1) + "\n")

    def save(self, state: Mapping[str, Any], network: nn.Module) -> None:
        """Replace the last weights, and then the checkpoint: a kill in between costs an epoch."""
        if self._writes and self.path is not None:
            self.weights("last", network)
            save_checkpoint(self.path / _CHECKPOINT, state)

    def weights(self, name: str, network: nn.Module) -> None:
        """Replace a file of weights, ``NAME.safetensors``."""
        if self._writes and self.path is not None:
            save = needed("safetensors.torch", "Training into a folder", "learning").save
            state = network.state_dict().items()
            tensors = {key: each.contiguous().clone() for key, each in state if _is_tensor(each)}
            with replaced(self.path / f"{name}.safetensors") as draft:
                draft.write_bytes(save(tensors))  # clones: weights may be tied

    def history(self, history: Sequence[Row]) -> None:
        """Replace the files of the history, whose last row is new."""
        if not self._writes or self.path is None:
            return
        for form in self._log:
            if form in _WRITERS:
                self._text(f"history.{form}", _WRITERS[form](history))
            else:
                self._to_board(self.path / form, history[-1])

    def close(self) -> None:
        """Finish what is written bit by bit."""
        if self._board is not None:
            self._board.close()

    def _text(self, name: str, text: str) -> None:
        if self._writes and self.path is not None:
            with replaced(self.path / name) as draft:
                draft.write_text(text, encoding="utf-8")

    def _to_board(self, place: Path, row: Row) -> None:
        epoch = int(row["epoch"])
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(place, purge_step=epoch)
        for name, value in row.items():
            if name != "epoch":
                self._board.add_scalar(name, value, epoch)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # used from its sources
        return None


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)


@contextmanager
def _kept(path: Path, resume: bool) -> Iterator[None]:
    """Make a folder and reserve it; refuse one that has a run already."""
    if path.exists() and not path.is_dir():
        raise refusal("folder", "a folder", f"{str(path)!r}, a file")
    path.mkdir(parents=True, exist_ok=True)
    with reserved(path / _CHECKPOINT) as free:
        if not free:
            raise refusal(
                "folder",
                "free",
                f"{str(path)!r}, into which another process is writing a run",
                "Wait for it, or choose another folder.",
            )
        if not resume and (path / _CHECKPOINT).exists():
            raise refusal(
                "folder",
                "without a run",
                f"{str(path)!r}, which has a checkpoint",
                "Go on with it by resume=True, or choose another folder.",
            )
        yield


def check_log(log: Any, folder: object) -> tuple[str, ...]:
    """Return in what forms a history is kept.

    Parameters
    ----------
    log : sequence of str
        Some of "csv", "json" and "tensorboard".
    folder : object
        Where; None for nowhere.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError, TypeError
        If a form is not known, or there is no folder for the events of TensorBoard.
    ImportError
        If TensorBoard is asked for and not installed.
    """
    if isinstance(log, str) or not isinstance(log, Sequence):
        raise TypeError(f"log must be a sequence of {', '.join(map(repr, LOGS))}; got {log!r}.")
    for form in log:
        if form not in LOGS:
            raise refusal("log", f"some of {', '.join(map(repr, LOGS))}", repr(form))
    if "tensorboard" in log:
        if folder is None:
            raise refusal("folder", "given with log='tensorboard'", "None")
        needed("tensorboard", "log='tensorboard'", "tensorboard")
    return tuple(dict.fromkeys(log))
