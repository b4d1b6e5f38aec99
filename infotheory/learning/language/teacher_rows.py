"""How the outputs of a teacher travel with the rows of a training set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset

from infotheory.learning.language.teacher_outputs import TeacherOutputs
from infotheory.learning.language.token_rows import read_rows

__all__ = ["FEATURES", "LOGITS", "ROW", "NumberedRows", "WithTeacher"]

ROW, LOGITS, FEATURES = "teacher_row", "teacher_logits", "teacher_features"


class NumberedRows(Dataset):
    """A data set whose rows know their number.

    Parameters
    ----------
    dataset : data set
        With ``len`` and indexing; its rows are mappings.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Return several rows, as data loaders ask for them."""
        found = read_rows(self.dataset, rows)
        return [{**each, ROW: int(row)} for row, each in zip(rows, found, strict=True)]


class WithTeacher:
    """A collator that adds what the teacher has said about the rows of a batch.

    Parameters
    ----------
    collator : callable
        Rows to a batch.
    outputs : TeacherOutputs
        Of the teacher.
    features : bool, default False
        Whether to add feature vectors too.
    """

    def __init__(
        self, collator: Callable[[list[Any]], Any], outputs: TeacherOutputs, *, features: bool
    ) -> None:
        self.collator, self.outputs, self.features = collator, outputs, features

    def __call__(self, samples: Sequence[dict[str, Any]]) -> Any:
        """Return a batch of rows that know their number."""
        rows = torch.tensor([sample[ROW] for sample in samples])
        batch = self.collator([{k: v for k, v in s.items() if k != ROW} for s in samples])
        batch[LOGITS] = self.outputs.logits[rows]
        if self.features:
            batch[FEATURES] = self.outputs.features[rows]  # type: ignore[index]
        return batch
