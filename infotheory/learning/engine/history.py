"""What is written down of a run: means of the losses of an epoch, and one row for each epoch."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["Tally", "as_csv", "as_json", "best_epoch", "refuse_divergence"]

Row = dict[str, float]
_STEADIER = (
    "Try a smaller lr, warmup_epochs, clip=1.0, a smaller weight of CMI or Gamma, or "
    "precision='no'; look for inf and NaN in the inputs."
)


class Tally:
    """Losses and their terms, averaged over the rows of an epoch.

    Parameters
    ----------
    epoch : int
        Its number, for messages.
    every : int
        After how many batches the values are looked at. Looking waits for the device; on the host
        it costs nothing.

    Attributes
    ----------
    last : dict of str to float
        The values that were looked at last.
    """

    def __init__(self, epoch: int, every: int) -> None:
        self.epoch, self.every = epoch, every
        self.last: Row = {}
        self._batches = 0
        self._pending: list[tuple[int, dict[str, Tensor | float]]] = []
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, n: int, loss: Tensor, terms: Mapping[str, Tensor | float]) -> None:
        """Take in a batch.

        Parameters
        ----------
        n : int
            Its rows.
        loss : Tensor
            A scalar.
        terms : mapping of str to Tensor or float
            Its parts.

        Raises
        ------
        FloatingPointError
            If the loss of a batch that is looked at now is not finite.
        """
        named = {f"loss_{name}": value for name, value in terms.items()}
        values = {"loss": loss, **named}
        self._pending.append((n, {name: _detached(value) for name, value in values.items()}))
        self._batches += 1
        if len(self._pending) >= self.every:
            self.look()

    def look(self) -> None:
        """Take the values to the host.

        Raises
        ------
        FloatingPointError
            If a loss is not finite; the text names epoch and step, both from 1, and the terms.
        """
        if not self._pending:
            return
        first = self._batches - len(self._pending) + 1
        values = iter(_on_host([value for _, row in self._pending for value in row.values()]))
        for number, (n, row) in enumerate(self._pending, start=first):
            self.last = {name: next(values) for name in row}
            if not math.isfinite(self.last["loss"]):
                raise FloatingPointError(
                    _complaint(f"step {number} of epoch {self.epoch}", self.last)
                )
            for name, value in self.last.items():
                total, rows = self._sums.get(name, (0.0, 0))
                self._sums[name] = (total + n * value, rows + n)
        self._pending.clear()

    def means(self) -> Row:
        """Return means over the rows of all batches.

        Returns
        -------
        dict of str to float
        """
        self.look()
        return {name: total / rows for name, (total, rows) in self._sums.items()}


def _detached(value: Tensor | float) -> Tensor | float:
    return value.detach() if isinstance(value, Tensor) else value


def _on_host(values: Sequence[Tensor | float]) -> list[float]:
    """Bring scalars to the host, those of a device together."""
    tensors = [value.reshape(()) for value in values if isinstance(value, Tensor)]
    where = tensors[0].device
    kind = torch.float32 if where.type == "mps" else torch.float64
    found = iter(torch.stack([each.to(where, kind) for each in tensors]).tolist())
    return [next(found) if isinstance(value, Tensor) else float(value) for value in values]


def _complaint(where: str, values: Row) -> str:
    terms = ", ".join(f"{name} {value:.6g}" for name, value in values.items() if name != "loss")
    return (
        f"the loss must be finite; got {values['loss']:g} in {where}"
        f"{f' ({terms})' if terms else ''}. {_STEADIER}"
    )


def refuse_divergence(scores: object, epoch: int) -> None:
    """Refuse scores of a network that its last steps have spoiled; the losses did not show it.

    Parameters
    ----------
    scores : object
        Where it is a tensor of logits; -inf is a symbol that is masked.
    epoch : int
        How many epochs have ended.

    Raises
    ------
    FloatingPointError
        If there is inf or NaN among them.
    """
    if not isinstance(scores, Tensor) or not scores.numel() or not scores.is_floating_point():
        return
    largest = float(scores.max())  # NaN, if there is any
    if not largest < math.inf:
        raise FloatingPointError(
            f"outputs must be finite where they are measured; got {largest:g} after epoch {epoch}: "
            f"the weights have diverged. {_STEADIER}"
        )


def best_epoch(history: Sequence[Row], monitor: str) -> int | None:
    """Return the first epoch in which a measured number was smallest.

    Parameters
    ----------
    history : sequence of dict
        One row an epoch.
    monitor : str
        Which number.

    Returns
    -------
    int or None
        The epoch, from 1; None where the number was never measured or never finite. An NCMI of
        zero because Gamma is infinite does not count.
    """
    values = {
        int(row["epoch"]): row[monitor]
        for row in history
        if math.isfinite(row.get(monitor, math.nan))
        and (monitor != "ncmi" or math.isfinite(row["gamma"]))
    }
    return min(values, key=values.__getitem__) if values else None


def as_csv(history: Sequence[Row]) -> str:
    """Return the history as CSV, with every column that a row has.

    Parameters
    ----------
    history : sequence of dict
        One row an epoch.

    Returns
    -------
    str
    """
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in history for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()


def as_json(history: Sequence[Row]) -> str:
    """Return the history as JSON; what is not finite becomes null, which JSON knows.

    Parameters
    ----------
    history : sequence of dict
        One row an epoch.

    Returns
    -------
    str
    """
    rows = [
        {name: value if math.isfinite(value) else None for name, value in row.items()}
        for row in history
    ]
    return json.dumps(rows, indent=1) + "\n"
