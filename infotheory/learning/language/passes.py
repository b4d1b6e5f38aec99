"""One look at the training data without gradients, and the numbers of samples by their content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn
from torch.utils.data import DataLoader

from infotheory._validation import refusal
from infotheory.learning.functional.checks import check_labels
from infotheory.learning.language.features import TokenInputs
from infotheory.learning.networks.at_work import in_mode

__all__ = ["SampleNumbers", "TrainingPass"]


class SampleNumbers:
    """Finds the number of a sample in the training set by its tokens, their types and its class.

    A loss that transformers calls is not told which samples it gets. Samples that are equal are
    one and the same for a model without dropout, so that any of their numbers will do.

    Parameters
    ----------
    padding : int or None
        The token that pads, where no mask tells.
    """

    def __init__(self, padding: int | None) -> None:
        self._padding = padding
        self._numbers: dict[bytes, int] = {}

    def add(self, tokens: TokenInputs, labels: Tensor, first: int) -> None:
        """Take in a batch whose samples are numbered from `first`."""
        for offset, key in enumerate(self._keys(tokens, labels)):
            self._numbers.setdefault(key, first + offset)

    def find(self, tokens: TokenInputs, labels: Tensor) -> Tensor:
        """Return the numbers of a batch, where its labels are."""
        found = [self._numbers.get(key) for key in self._keys(tokens, labels)]
        if None in found:
            raise refusal(
                "samples",
                "those of the training set with centroid='reverse'",
                f"others in row {found.index(None)} of a batch",
                "Tokens must be the same each time they are read; or use another centroid.",
            )
        return torch.tensor(found, device=labels.device)

    def _keys(self, tokens: TokenInputs, labels: Tensor) -> Iterator[bytes]:
        ids, mask, types = (None if each is None else each.cpu() for each in tokens)
        if ids is None:
            raise refusal(
                "inputs",
                "token numbers, input_ids, with centroid='reverse'",
                "none",
                "Use another centroid.",
            )
        if mask is None or mask.shape != ids.shape:
            mask = torch.ones_like(ids) if self._padding is None else ids != self._padding
        parts = torch.stack([ids, torch.zeros_like(ids) if types is None else types], dim=1)
        for row, real, label in zip(parts, mask.bool(), labels.tolist(), strict=True):
            content = row[:, real].to(torch.int64).numpy().tobytes()
            yield blake2b(content + label.to_bytes(8, "little"), digest_size=16).digest()


@dataclass(frozen=True)
class TrainingPass:
    """The training set, read in order, and the model to look at it with.

    Attributes
    ----------
    model : Module
        Not wrapped: no gradients travel.
    dataset : Sequence
        Its samples, as the trainer has it.
    collate : callable
        Makes a batch of samples.
    batch_size : int
        Of batches without gradients.
    n_classes : int
        C.
    """

    model: nn.Module
    dataset: Sequence[Any]
    collate: Callable[[list[Any]], dict[str, Any]]
    batch_size: int
    n_classes: int

    def batches(self) -> Iterator[tuple[dict[str, Any], Tensor, int]]:
        """Give inputs and labels of all samples, on the host, and the number of the first.

        Yields
        ------
        inputs : dict
            Without labels.
        labels : Tensor of int64, shape (n,)
        first : int

        Raises
        ------
        TypeError, ValueError
            If a batch has no labels, or one is no class.
        """
        # With a generator of its own: the loader would draw from the one that shuffles.
        loader = DataLoader(
            self.dataset,
            batch_size=self.batch_size,
            collate_fn=self.collate,
            generator=torch.Generator(),
        )
        first = 0
        for batch in loader:
            inputs = dict(batch)
            labels = inputs.pop("labels", None)
            if labels is None:
                raise refusal(
                    "train_dataset",
                    "have labels",
                    f"batches of {', '.join(map(repr, inputs))}",
                    "Call the column of the classes 'labels' or 'label'.",
                )
            labels = labels.flatten()
            yield inputs, check_labels(labels, len(labels), self.n_classes), first
            first += len(labels)

    def outputs(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Give what the model makes of this process's part of the batches, in evaluation mode.

        Yields
        ------
        logits : Tensor, shape (n, C)
        labels : Tensor of int64, shape (n,)
        rows : Tensor of int64, shape (n,)
            Numbers of the samples.
        """
        device = next(self.model.parameters()).device
        rank, world = _place()
        with in_mode(self.model, training=False), torch.no_grad():
            for number, (inputs, labels, first) in enumerate(self.batches()):
                if number % world == rank:
                    there = {
                        name: value.to(device) if isinstance(value, Tensor) else value
                        for name, value in inputs.items()
                    }
                    logits = logits_of(self.model(**there))
                    yield logits, labels.to(device), torch.arange(first, first + len(labels))


def logits_of(outputs: Any) -> Tensor:
    """Return the logits among the outputs of a classifier of transformers, given without labels.

    Parameters
    ----------
    outputs : ModelOutput or tuple

    Returns
    -------
    Tensor, shape (n, C)
    """
    found: Tensor = outputs["logits"] if isinstance(outputs, dict) else outputs[0]
    return found


def _place() -> tuple[int, int]:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
