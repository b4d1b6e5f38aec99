"""How far transformers' Trainer has come: a bar, and the history as rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

from transformers import TrainerCallback

from infotheory.learning.engine.progress import Progress

__all__ = ["Bar", "SaveBetween", "history_of", "metrics_of"]

_OTHER = ("epoch", "step", "grad_norm", "total_flos")
_SPEED = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


class Bar(TrainerCallback):
    """The bar of the engine, moved by transformers' Trainer.

    Parameters
    ----------
    show : bool or None
        Whether there is a bar; None for: on a terminal or in a notebook.
    """

    def __init__(self, show: bool | None) -> None:
        self._show = show
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(*fault)

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Begin the bar where training begins or goes on."""
        del control, more
        if state.is_world_process_zero:
            epochs = math.ceil(args.num_train_epochs)
            self._bar = Progress(epochs, state.max_steps, state.global_step, self._show)

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Show a step of the optimiser."""
        del args, control
        if self._bar is not None:
            scheduler = more.get("lr_scheduler")
            rate = 0.0 if scheduler is None else float(scheduler.get_last_lr()[0])
            self._bar.step(math.ceil(state.epoch or 1), {}, rate)

    def on_evaluate(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Show what was measured."""
        del args, state, control
        if self._bar is not None:
            self._bar.measured(metrics_of(more.get("metrics") or {}))


class SaveBetween(TrainerCallback):
    """Save between the ends of epochs too.

    An end of an epoch is left to the trainer, which measures before it saves there: what goes on
    from a checkpoint has all that was measured until then.

    Parameters
    ----------
    every : int
        Steps from one checkpoint to the next.
    per_epoch : int
        Steps of an epoch.
    """

    def __init__(self, every: int, per_epoch: int) -> None:
        self._every, self._per_epoch = every, per_epoch

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Ask for a checkpoint."""
        del args, more
        at_end = state.global_step % self._per_epoch == 0 or state.global_step >= state.max_steps
        if state.global_step % self._every == 0 and not at_end:
            control.should_save = True


def metrics_of(found: Mapping[str, float]) -> dict[str, float]:
    """Return what an evaluation has found, under its own names and without the speed of it.

    Parameters
    ----------
    found : mapping of str to float
        As ``trainer.evaluate()`` returns it.
    """
    names = {name.removeprefix("eval_"): value for name, value in found.items()}
    return {name: float(names[name]) for name in names if name not in (*_OTHER, *_SPEED)}


def history_of(log: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Return the log of a trainer as one row an epoch.

    Parameters
    ----------
    log : sequence of mapping
        ``trainer.state.log_history``, where logs and evaluations come once an epoch.

    Returns
    -------
    list of dict
        "epoch", "lr", "loss", and each metric without the ``eval_`` before its name; what the
        objective logged begins with ``training_``.
    """
    rows: dict[float, dict[str, float]] = {}
    for entry in log:
        row = rows.setdefault(float(entry["epoch"]), {"epoch": float(entry["epoch"])})
        measured = any(name.startswith("eval_") for name in entry)
        if measured:
            row |= {name: value for name, value in metrics_of(entry).items() if name != "loss"}
            continue
        for name, value in entry.items():
            if name not in _OTHER and not name.startswith("train_"):
                new = {"loss": "loss", "learning_rate": "lr"}.get(name, f"training_{name}")
                row[new] = float(value)
    return [row for _, row in sorted(rows.items()) if len(row) > 1]
