"""The bar that shows how far a run has come."""

from __future__ import annotations

from typing import Self

from tqdm.auto import tqdm

from infotheory.learning.engine.history import Row

__all__ = ["Progress"]

_SHOWN = ("ncmi", "error")


class Progress:
    """A bar over the steps of a run, with the loss, the learning rate and what was measured last.

    Parameters
    ----------
    epochs, batches : int
        Epochs of the run, and batches of all of them.
    done : int
        Batches that have ended before.
    show : bool or None
        Whether there is a bar; None for: on a terminal or in a notebook.
    """

    def __init__(self, epochs: int, batches: int, done: int, show: bool | None) -> None:
        self._epochs, self._measured = epochs, {}  # type: tuple[int, dict[str, str]]
        in_notebook = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
        hidden = (False if in_notebook else None) if show is None else not show
        self._bar = tqdm(total=batches, initial=done, unit=" batches", disable=hidden)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self._bar.close()

    def step(self, epoch: int, values: Row, rate: float) -> None:
        """Show that a batch has ended."""
        if self._bar.disable:
            return
        self._bar.set_description(f"epoch {epoch}/{self._epochs}", refresh=False)
        losses = {"loss": f"{values['loss']:.4g}"} if "loss" in values else {}
        shown = {**losses, "lr": f"{rate:.3g}", **self._measured}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def measured(self, row: Row) -> None:
        """Show what an epoch has come to."""
        self._measured = {name: f"{row[name]:.4g}" for name in _SHOWN if name in row}
