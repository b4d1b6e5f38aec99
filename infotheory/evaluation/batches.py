"""Batches that somebody else has prepared, such as those of a torch DataLoader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from infotheory._validation import as_array, refusal
from infotheory.classifiers.shards import usual_shards
from infotheory.evaluation.live import LiveSettings, Taking
from infotheory.evaluation.measurement import Measurement
from infotheory.evaluation.outputs import SavedOutputs, file_names, write_labels
from infotheory.models import Classifier, LabelledData
from infotheory.models.torch_modules import TorchClassifier

__all__ = ["BatchClassifier", "is_batches", "measure_batches"]

_LABELS = ("labels", "label")
_MANY = 1 << 20  # samples a class, where their number is not known


def is_batches(data: Any) -> bool:
    """Tell whether data can only be gone through: what has items by number is samples."""
    return (
        not isinstance(data, (str, LabelledData))
        and hasattr(data, "__iter__")
        and not hasattr(data, "__getitem__")
    )


class BatchClassifier(TorchClassifier):
    """A torch module that takes whole batches as they are."""

    def collate(self, prepared: Any) -> Any:
        """Return the tensor, or the mapping of tensors, that the batch is.

        Parameters
        ----------
        prepared : _Rows
            A batch, or a part of it.
        """
        return _tensors(prepared.content)


class _Rows:
    """A batch by rows: a tensor or an array, or a mapping of these."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def __len__(self) -> int:
        if isinstance(self.content, Mapping):
            return max(map(len, self.content.values()), default=0)
        return len(self.content)

    def __getitem__(self, rows: slice) -> _Rows:
        if isinstance(self.content, Mapping):
            return _Rows({key: value[rows] for key, value in self.content.items()})
        return _Rows(self.content[rows])


def _tensors(content: Any) -> Any:
    import torch

    if isinstance(content, Mapping):
        return {key: _tensors(value) for key, value in content.items()}
    return torch.as_tensor(content)


def _taken_apart(batch: Any, number: int) -> tuple[Any, Any]:
    """Return inputs and labels."""
    inputs, labels = _parts(batch, number)
    if not hasattr(labels, "__len__") or getattr(labels, "shape", None) == ():
        raise refusal(
            "data",
            "batches with a label for each sample",
            f"{labels!r} as batch {number}",
            "Collect samples and labels into batches.",
        )
    return inputs, labels


def _parts(batch: Any, number: int) -> tuple[Any, Any]:
    if isinstance(batch, Mapping):
        name = next((name for name in _LABELS if name in batch), None)
        if name is not None:
            return {key: value for key, value in batch.items() if key != name}, batch[name]
        fact = f"a mapping with {', '.join(map(repr, batch)) or 'nothing'}"
    elif isinstance(batch, (tuple, list)):
        if len(batch) == 2:
            return batch[0], batch[1]
        fact = f"{len(batch)} things"
    else:
        fact = f"{type(batch).__name__}"
    raise refusal(
        "data",
        "batches that are pairs (inputs, labels), or mappings with 'labels'",
        f"{fact} as batch {number}",
        "Wrap the loader in a generator that yields such pairs.",
    )


def _refuse_several(inputs: Any, number: int, n_samples: int | None) -> None:
    """Refuse several arrays, unless they are a list of samples, if these may be so many."""
    if not isinstance(inputs, (tuple, list)) or not all(getattr(x, "shape", ()) for x in inputs):
        return
    if inputs and (isinstance(inputs, tuple) or len(inputs) != n_samples):
        raise refusal(
            "data",
            "batches whose inputs are one array, or a mapping of such by argument of the model",
            f"a {type(inputs).__name__} of {len(inputs)} arrays as batch {number}",
            "Wrap the loader in a generator that yields ({'name': array, ...}, labels), or stack "
            "the samples.",
        )


def _outputs(classifier: Classifier, inputs: Any) -> Any:
    if isinstance(classifier, BatchClassifier):
        return classifier.outputs(_Rows(inputs))  # type: ignore[arg-type]
    return classifier.outputs(list(inputs))


def measure_batches(
    classifiers: Mapping[str, Classifier],
    batches: Iterable[Any],
    *,
    temperature: float,
    smoothing: float,
    shards: int | None,
    save_outputs: Path | None,
    progress: bool | None,
) -> dict[str, Measurement]:
    """Take the models through the batches, which are gone through once.

    Parameters
    ----------
    classifiers : mapping of str to Classifier
        The models, by name.
    batches : iterable
        Pairs (inputs, labels), or mappings with labels.
    temperature, smoothing, shards
        As for :func:`infotheory.evaluate_model`.
    save_outputs : Path or None
        Folder to write outputs into.
    progress : bool or None
        Whether to show a bar; None for: on a terminal.

    Returns
    -------
    dict of str to Measurement

    Raises
    ------
    ValueError, TypeError
        If a batch is none, or there are none, or a model refuses one.
    """
    takings: dict[str, Taking] = {}
    labels: list[Any] = []
    files = file_names(classifiers)
    size = getattr(getattr(batches, "dataset", None), "__len__", lambda: None)()
    try:
        with tqdm(
            total=size,
            unit=" rows",
            unit_scale=True,
            delay=2,
            disable=None if progress is None else not progress,
        ) as bar:
            alone = any(isinstance(one, BatchClassifier) for one in classifiers.values())
            for number, inputs, targets in _filled(batches):
                _refuse_several(inputs, number, None if alone else len(targets))
                for name, classifier in classifiers.items():
                    outputs = _outputs(classifier, inputs)
                    if name not in takings:
                        takings[name] = _begun(
                            classifier, outputs.shape[1], temperature, smoothing, shards
                        )
                        if save_outputs is not None:
                            takings[name].saved = SavedOutputs(save_outputs, files[name])
                    takings[name].take(outputs, targets)
                    takings[name].measurement.rows += len(targets)
                if save_outputs is not None:
                    labels.append(as_array(targets, "labels").astype(np.int64))
                bar.update(len(targets))
        for taking in takings.values():
            taking.settle()
            if taking.saved is not None:
                taking.saved.finish()
        if save_outputs is not None:
            write_labels(save_outputs, {"": np.concatenate(labels)})
    finally:
        for taking in takings.values():
            if taking.saved is not None:
                taking.saved.close(keep=False)
    return {name: taking.measurement for name, taking in takings.items()}


def _filled(batches: Iterable[Any]) -> Iterator[tuple[int, Any, Any]]:
    """Yield number, inputs and labels of the batches that have samples."""
    empty = True
    for number, batch in enumerate(batches):
        inputs, labels = _taken_apart(batch, number)
        if len(labels):
            empty = False
            yield number, inputs, labels
    if empty:
        raise refusal(
            "data",
            "have at least one batch with samples",
            "none",
            "An iterator that was gone through before has no more.",
        )


def _begun(
    classifier: Classifier, n_outputs: int, temperature: float, smoothing: float, shards: int | None
) -> Taking:
    if shards is None:
        shards = usual_shards(np.full(n_outputs, _MANY), n_outputs)
    settings = LiveSettings(
        kind=classifier.kind,
        temperature=temperature,
        smoothing=smoothing,
        shards=shards,
        batch_size=0,
        precision="",
        class_names=classifier.class_names,
    )
    return Taking(classifier, settings, Measurement(settings.accumulator()))
