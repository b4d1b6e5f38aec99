"""A data set and a classifier that are seen through: features, and a product with a matrix."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from infotheory.models import UnreadableSampleError

N, K = 103, 4
RNG = np.random.default_rng(20261)
LABELS = RNG.permutation(np.arange(N) % K)
FEATURES = np.eye(K)[LABELS] + RNG.normal(size=(N, K))
MATRIX = RNG.normal(size=(K, K)) + 2 * np.eye(K)
OUTPUTS = np.array([row @ MATRIX for row in FEATURES])  # row by row, as the classifier does it


class FakeData:
    """Features in memory, of which some rows cannot be read."""

    def __init__(
        self,
        features: np.ndarray = FEATURES,
        labels: np.ndarray = LABELS,
        broken: Sequence[int] = (),
        class_names: tuple[str, ...] | None = None,
        name: str = "fake",
    ) -> None:
        self.name = name
        self.labels = labels
        self.class_names = class_names
        self.features = features
        self.broken = set(broken)
        self.read: list[int] = []
        self.threads: set[int] = set()

    def fingerprint(self) -> str:
        return f"{self.features.sum()!r} {self.features.shape}"

    def sample(self, row: int) -> Any:
        self.read.append(row)
        self.threads.add(threading.get_ident())
        if row in self.broken:
            raise UnreadableSampleError(f"{self.where(row)} must be readable; got a broken one.")
        return self.features[row]

    def where(self, row: int) -> str:
        return f"row {row} of {self.name}"


class FakeModel:
    """Rows times a matrix, one by one, so that nothing depends on how they are batched."""

    def __init__(
        self,
        matrix: np.ndarray = MATRIX,
        name: str = "linear",
        kind: str = "logits",
        before: Callable[[int], object] = lambda batch: None,
        class_names: tuple[str, ...] | None = None,
        short: int | None = None,
    ) -> None:
        self.name = name
        self.short = short
        self.kind = kind
        self.n_outputs: int | None = matrix.shape[1]
        self.class_names = class_names
        self.matrix = matrix
        self.before = before
        self.batches: list[int] = []
        self.notes: tuple[str, ...] = ()

    def begin(self) -> None:
        self.notes = ()

    def fingerprint(self) -> str:
        return repr(self.matrix.tolist())

    def prepare(self, sample: Any) -> Any:
        return np.asarray(sample, dtype=np.float64)

    def outputs(self, prepared: Sequence[Any]) -> Any:
        self.before(len(self.batches))
        self.batches.append(len(prepared))
        if self.short is not None:
            self.notes = (f"{len(self.batches)} batches were cut at {self.short}",)
        return np.array([row @ self.matrix for row in prepared])
