"""What a frozen teacher says about a training set: computed once, and kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import torch
import torch.distributed
from torch import Tensor, nn
from tqdm.auto import tqdm

from infotheory._validation import check_count, refusal
from infotheory.learning.functional.checks import check_logits
from infotheory.learning.language.features import FeatureReader
from infotheory.learning.language.teacher_model import (
    accepted_inputs,
    identity_of,
    moved,
    n_tokens,
)
from infotheory.learning.language.teacher_shards import Shards, digest_of
from infotheory.learning.language.token_rows import (
    IDS,
    checked_length,
    padded,
    read_rows,
    token_digest,
)
from infotheory.learning.networks.at_work import in_mode, place_of

__all__ = ["TeacherOutputs"]

Collator = Callable[[list[Any]], Any]


class TeacherOutputs:
    """Logits, and if wanted feature vectors, of a teacher for each row of a training set.

    Made by :meth:`compute`, read by :meth:`open`, or from logits that one has.

    Parameters
    ----------
    logits : Tensor, shape (n, K)
        One row for each row of the training set, in its order.
    features : Tensor, shape (n, d), optional
        Feature vectors of the same rows.
    identity : mapping of str to object, optional
        What they were computed from.

    Attributes
    ----------
    logits : Tensor of float32, shape (n, K)
        On the host.
    features : Tensor of float32, shape (n, d), or None
        On the host.
    identity : dict of str to object
        What they were computed from, by SHA-256: the teacher and the tokens; of given logits,
        themselves.

    Raises
    ------
    TypeError, ValueError
        If these are no such tensors, or have nan in them.

    Notes
    -----
    In memory and on disk 4 (K + d) bytes a row: SST-2 with its 67,349 rows and two classes is
    0.5 MB, with 768 features 207 MB.

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.language.teacher_outputs import TeacherOutputs
    >>> outputs = TeacherOutputs(torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    >>> len(outputs), outputs.n_classes, outputs.n_features
    (3, 2, None)
    """

    def __init__(
        self, logits: Tensor, features: Tensor | None = None, *, identity: Any = None
    ) -> None:
        check_logits(logits)
        self.logits = _kept(logits, "logits")
        self.features = None if features is None else _kept(features, "features")
        if self.features is not None and (
            self.features.ndim != 2 or len(self.features) != len(self.logits)
        ):
            raise refusal(
                "features",
                f"have shape (n, d) with n = {len(self.logits)}",
                f"shape {tuple(self.features.shape)}",
                "One row for each row of logits.",
            )
        if identity is None:
            identity = {"rows": len(self.logits), "given": digest_of([self.logits, self.features])}
        self.identity: dict[str, Any] = dict(identity)

    def __len__(self) -> int:
        return len(self.logits)

    def __repr__(self) -> str:
        n_features = "" if self.n_features is None else f", {self.n_features} features"
        return f"TeacherOutputs({len(self):,} rows, {self.n_classes} classes{n_features})"

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return int(self.logits.shape[1])

    @property
    def n_features(self) -> int | None:
        """Number of features d, or None where there are none."""
        return None if self.features is None else int(self.features.shape[1])

    @classmethod
    def compute(
        cls,
        teacher: nn.Module,
        dataset: Any,
        *,
        folder: str | os.PathLike[str] | None = None,
        batch_size: int = 64,
        collator: Collator | None = None,
        features: str | bool | None = None,
        device: str | torch.device | None = None,
        shard_rows: int = 1024,
        progress: bool | None = None,
    ) -> Self:
        """Pass a data set through a teacher once, in evaluation mode and without gradients.

        Parameters
        ----------
        teacher : Module
            Of transformers, with a head for sequences.
        dataset : data set
            Tokenised rows with ``input_ids``, read by number.
        folder : path_like, optional
            Where to keep the outputs. A pass that was interrupted goes on behind the last whole
            file; one that is complete is read, and the teacher is not run.
        batch_size : int, default 64
            Rows that go through the teacher together.
        collator : callable, optional
            Rows to a batch; by default they are filled up behind their ends.
        features : str or bool, optional
            Which feature vectors to keep too, as of
            :class:`infotheory.learning.language.FeatureReader`; True for the one it chooses.
        device : str or device, optional
            Where to run the teacher, for this while; by default where it is.
        shard_rows : int, default 1024
            Rows of a file.
        progress : bool, optional
            Whether to show a bar; by default on a terminal.

        Returns
        -------
        TeacherOutputs

        Raises
        ------
        ValueError, TypeError
            If teacher and data do not go together, an output is nan, or the folder was made from
            another teacher, other data or other options; the text says which.
        StateError
            If a file in the folder is damaged.

        Notes
        -----
        Rows of similar length are passed together, which pads least; padding moves outputs by
        some units of rounding. In several processes with one folder each computes a part of the
        rows; without a folder each computes all of them.

        A teacher with a tokenizer of its own gets a data set of its own, with the same rows: hand
        on ``TeacherOutputs(outputs.logits, outputs.features)``, of which only the number of rows
        can be checked.
        """
        n = checked_length(dataset, "dataset")
        batch_size = check_count("batch_size", batch_size)
        shard_rows = check_count("shard_rows", shard_rows)
        with ExitStack() as stack:
            stack.enter_context(in_mode(teacher, training=False))
            stack.enter_context(moved(teacher, device))
            stack.enter_context(torch.no_grad())
            reader = None
            if features:
                asked = None if features is True else features
                reader = stack.enter_context(FeatureReader(teacher, asked))
            identity = identity_of(teacher) | {
                "tokens": token_digest(dataset, n_tokens(teacher)),
                "rows": n,
                "feature": None if reader is None else reader.feature,
            }
            run = _Pass(teacher, dataset, batch_size, collator, reader)
            if folder is None:
                with _bar(n, 0, progress) as bar:
                    found = run.outputs(range(n), bar)
                return cls(found["logits"], found.get("features"), identity=identity)
            shards = Shards(Path(folder).expanduser(), identity, shard_rows)
            _fill(shards, run, progress)
        return cls._read(shards)

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what :meth:`compute` has written; the teacher is not needed.

        Parameters
        ----------
        folder : path_like
            The folder.

        Returns
        -------
        TeacherOutputs

        Raises
        ------
        ValueError
            If it has no such outputs, or not all of them.
        StateError
            If a file in it is damaged.
        """
        return cls._read(Shards(Path(folder).expanduser()))

    @classmethod
    def _read(cls, shards: Shards) -> Self:
        parts = [shards.read(start, stop) for start, stop in shards.spans]
        whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return cls(whole["logits"], whole.get("features"), identity=shards.identity)

    def check(self, dataset: Any) -> None:
        """Refuse a data set that is not the one of these outputs.

        Parameters
        ----------
        dataset : data set
            As for :meth:`compute`.

        Raises
        ------
        ValueError
            If it has other rows, or other tokens in them.
        """
        n = checked_length(dataset, "train_dataset")
        if n != len(self):
            raise refusal(
                "train_dataset",
                f"have the {len(self):,} rows of the teacher's outputs",
                f"{n:,} rows",
                "Compute the outputs of the teacher for this data set.",
            )
        tokens = self.identity.get("tokens")
        if tokens is not None and tokens != token_digest(dataset):
            raise refusal(
                "train_dataset",
                "have the tokens that the teacher has seen, in their order",
                "other tokens",
                "Tokenise as before, or compute the outputs of the teacher for this data set.",
            )


class _Pass:
    """A teacher at work on some rows."""

    def __init__(
        self,
        teacher: nn.Module,
        dataset: Any,
        batch_size: int,
        collator: Collator | None,
        reader: FeatureReader | None,
    ) -> None:
        self.teacher, self.dataset, self.batch_size = teacher, dataset, batch_size
        self.reader = reader
        self._accepted = accepted_inputs(teacher)
        config = getattr(teacher, "config", None)
        self._collate = collator or (lambda rows: padded(rows, getattr(config, "pad_token_id", 0)))
        self._device, _ = place_of(teacher)

    def outputs(self, rows: range, bar: Any) -> dict[str, Tensor]:
        """Return logits, and features if wanted, of some rows in their order."""
        samples = read_rows(self.dataset, rows)
        order = sorted(range(len(rows)), key=lambda place: len(samples[place][IDS]))
        parts: dict[str, list[Tensor]] = {}
        for start in range(0, len(order), self.batch_size):
            places = order[start : start + self.batch_size]
            found = self._of_batch([samples[place] for place in places])
            bad = torch.isnan(found["logits"]).any(1).nonzero()
            if len(bad):
                row = rows[places[int(bad[0])]]
                raise refusal("teacher", "one whose logits are numbers", f"nan in row {row}")
            for name, part in found.items():
                parts.setdefault(name, []).append(part)
            bar.update(len(places))
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return {name: torch.cat(each)[back] for name, each in parts.items()}

    def _of_batch(self, samples: Sequence[Any]) -> dict[str, Tensor]:
        # As the trainer does for the student: columns that the model does not take are left out.
        rows = [{k: v for k, v in sample.items() if k in self._accepted} for sample in samples]
        batch = self._collate(rows)
        inputs = {k: v.to(self._device) for k, v in batch.items() if k in self._accepted}
        logits = getattr(self.teacher(**inputs), "logits", None)
        if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(rows):
            got = None if logits is None else tuple(logits.shape)
            raise refusal(
                "teacher",
                "a classifier of sequences, with logits of shape (n, K)",
                f"{type(self.teacher).__name__} with logits of shape {got}",
            )
        found = {"logits": logits.float().cpu()}
        if self.reader is not None:
            found["features"] = self.reader.read().float().cpu()
        return found


def _fill(shards: Shards, run: _Pass, progress: bool | None) -> None:
    """Compute what is missing in a folder, each process its part."""
    distributed = torch.distributed
    several = distributed.is_available() and distributed.is_initialized()
    rank, world = (distributed.get_rank(), distributed.get_world_size()) if several else (0, 1)
    mine = shards.spans[rank::world]
    missing = [span for span in mine if not shards.has(span[0])]
    total, left = (sum(stop - start for start, stop in spans) for spans in (mine, missing))
    with _bar(total, total - left, progress if rank == 0 else False) as bar:
        for start, stop in missing:
            shards.write(start, stop, run.outputs(range(start, stop), bar))
    if several:
        distributed.barrier()


def _bar(total: int, done: int, progress: bool | None) -> Any:
    hidden = None if progress is None else not progress
    return tqdm(total=total, initial=done, desc="teacher", unit=" rows", delay=2, disable=hidden)


def _kept(tensor: Tensor, argument: str) -> Tensor:
    """Return a tensor as float32 on the host, outside of all graphs."""
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise TypeError(f"{argument} must be a floating-point tensor; got {type(tensor).__name__}.")
    kept = tensor.detach().to("cpu", torch.float32)
    bad = torch.isnan(kept).nonzero()
    if len(bad):
        raise refusal(argument, "numbers", f"nan in row {int(bad[0, 0])}")
    return kept
