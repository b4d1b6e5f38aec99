"""The door to training: one call that trains, and what it gives back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from infotheory._validation import check_flag, refusal
from infotheory.classifiers import NCMIReport
from infotheory.learning.data import TrainingData
from infotheory.learning.engine.folder import Folder, check_log
from infotheory.learning.engine.loop import Loop
from infotheory.learning.engine.procedure import Procedure
from infotheory.learning.engine.processes import Processes
from infotheory.learning.engine.randomness import seeded
from infotheory.learning.engine.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Run", "train"]


@dataclass(frozen=True, eq=False)
class Run:
    """What training has come to.

    Attributes
    ----------
    procedure : Procedure
        What was trained, with its network and modules in the state that `keep` of the settings
        asked for.
    settings : Settings
        How it was trained.
    history : list of dict
        One row an epoch: "epoch" (from 1), "lr" (at its end), "seconds", "loss" and "loss_NAME" for
        each of the procedure's terms (means over the rows), "cmi", "gamma", "ncmi", "error" and
        "cross_entropy" of the validation data, and the procedure's figures.
    best_epoch : int or None
        The epoch with the smallest `monitor`; None without validation data.
    kept_epoch : int
        The epoch whose network this is.
    stopped : str
        Why it ended.
    report : NCMIReport or None
        On the test data, or else the validation data, of the network as it is now.
    report_on : {"test", "validation", None}
        On which.
    folder : Path or None
        Where the files are.
    """

    procedure: Procedure = field(repr=False)
    settings: Settings = field(repr=False)
    history: list[dict[str, float]] = field(repr=False)
    best_epoch: int | None
    kept_epoch: int
    stopped: str
    report: NCMIReport | None = field(repr=False)
    report_on: str | None
    folder: Path | None

    @property
    def network(self) -> nn.Module:
        """The trained network, in evaluation mode."""
        return self.procedure.network

    def to_frame(self) -> pd.DataFrame:
        """Return the history as a table, one row an epoch."""
        import pandas as pd

        return pd.DataFrame(self.history).set_index("epoch")

    def plot(self, figure: Figure | None = None) -> Figure:
        """Draw losses and errors over the epochs, and the path of (CMI, Gamma).

        Parameters
        ----------
        figure : matplotlib Figure, optional
            An empty one to fill; a new one by default.

        Returns
        -------
        matplotlib Figure
            Without validation data, the curves alone.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from infotheory.plotting.training import training_figure

        return training_figure(self.to_frame(), figure)


def train(
    procedure: Procedure,
    data: Any,
    *,
    validation: Any = None,
    test: Any = None,
    settings: Settings | None = None,
    folder: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool | None = None,
    log: Sequence[str] = ("csv", "json"),
) -> Run:
    """Train a network by a procedure, and measure it.

    Parameters
    ----------
    procedure : Procedure
        The network, and what a step is.
    data : TrainingData or object
        What to train on; other objects as :meth:`TrainingData.of` takes them. Floating samples get
        the type of the network; whole numbers, such as those of tokens, stay what they are.
    validation : TrainingData or object, optional
        Measured after each epoch; says which epoch is the best and when to stop early. Other
        objects get the mean and deviation of `data`, which a TrainingData has to have.
    test : TrainingData or object, optional
        Measured once, at the end; as for `validation`.
    settings : Settings, optional
        How to train.
    folder : path_like, optional
        Where to keep checkpoints, weights and history; made where it is not there. Without it
        nothing is written.
    resume : bool, default False
        Whether to go on from the checkpoint in the folder, where there is one. A finished run is
        given back as it is.
    progress : bool, optional
        Whether to show a bar; by default on a terminal or in a notebook.
    log : sequence of {"csv", "json", "tensorboard"}, default ("csv", "json")
        In what forms the folder has the history.

    Returns
    -------
    Run

    Raises
    ------
    ValueError, TypeError
        Where an argument cannot be used; where the folder has a run and `resume` is False; where
        the run there was made with other settings, another procedure or network, other frozen
        parameters, or other data.
    StateError
        Where the checkpoint is damaged.
    FloatingPointError
        Where a loss is not finite, or outputs that are measured are not. The last checkpoint stays.
    ImportError
        Where "tensorboard" is asked for and not installed.

    Notes
    -----
    The order of the rows is a permutation by a generator of (seed, epoch). A batch is dealt to the
    processes as evenly as can be, and outputs are gathered again before the loss, which so is that
    of the whole batch however many processes there are. Batch normalisation is the exception: each
    process normalises by its own rows, and the running statistics are those of the first one;
    ``torch.nn.SyncBatchNorm.convert_sync_batchnorm`` makes it the same on GPUs.

    A checkpoint holds all that the next epoch depends on, random states too: a run that was killed
    and goes on gives the same bits as one that was not, on the host and at a fixed number of
    threads. It is replaced whole, after the epoch has been measured; what is lost is the epoch in
    flight. The random states of the caller are left as they were.

    The folder has ``checkpoint.pt``, ``last.safetensors`` and ``best.safetensors`` (the network),
    ``history.csv``, ``history.json`` and ``run.json`` (settings, procedure, versions). Nothing in
    it is ever unpickled.

    Many processes are started with ``torchrun`` or ``accelerate launch``; each calls this function
    alike, and the first one writes.
    """
    if not isinstance(procedure, Procedure):
        raise TypeError(f"procedure must be a Procedure; got {type(procedure).__name__}.")
    settings = Settings() if settings is None else settings
    if not isinstance(settings, Settings):
        raise TypeError(f"settings must be Settings; got {type(settings).__name__}.")
    data = TrainingData.of(data)
    validation = None if validation is None else data.matching(validation)
    test = None if test is None else data.matching(test)
    log = check_log(log, folder)
    check_flag("resume", resume)
    _refuse_blindness(settings, validation)
    with (
        Processes.started(settings) as processes,
        seeded(settings, processes),
        Folder.opened(folder, resume, log, processes) as place,
    ):
        loop = Loop(procedure, data, validation, settings, processes, place)
        loop.begin()
        with _told(loop):
            stopped = loop.run(progress)
        measured = validation if test is None else test
        best = loop.best_epoch
        return Run(
            procedure=procedure,
            settings=settings,
            history=loop.history,
            best_epoch=best,
            kept_epoch=best if settings.keep == "best" and best is not None else loop.epoch,
            stopped=stopped,
            report=None if measured is None else loop.report(measured),
            report_on=None if measured is None else "validation" if test is None else "test",
            folder=place.path,
        )


def _refuse_blindness(settings: Settings, validation: TrainingData | None) -> None:
    """Refuse to look for the best epoch where none is measured."""
    for wanted, asked in (
        ("patience", settings.patience),
        ("keep='best'", settings.keep == "best"),
    ):
        if not asked:
            continue
        if validation is None:
            raise refusal(
                "validation", f"given with {wanted}", "None", "data.split(0.1) sets some aside."
            )
        if settings.monitor == "ncmi" and np.count_nonzero(validation.counts) < 2:
            raise refusal(
                "validation", f"of two classes at least with {wanted} and monitor='ncmi'", "one"
            )


@contextmanager
def _told(loop: Loop) -> Iterator[None]:
    """Say how far a run had come when it broke off, and what is left of it."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(_remains(loop)) from error
    except (ArithmeticError, ValueError, RuntimeError) as error:
        error.add_note(_remains(loop))
        raise


def _remains(loop: Loop) -> str:
    broken = f"The run broke off in epoch {len(loop.history) + 1}, after {loop.step} steps"
    if loop.folder.path is None:
        return f"{broken}; it has no folder, so there is no checkpoint."
    if not loop.folder.has_checkpoint:
        return f"{broken}, before its first checkpoint."
    return f"{broken}; resume=True goes on from the checkpoint in {str(loop.folder.path)!r}."
