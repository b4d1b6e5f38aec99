"""Measure models at work: any model on any data set, in one call."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infotheory._validation import (
    check_base,
    check_choice,
    check_count,
    check_flag,
    check_level,
    check_shards,
    check_smoothing,
    check_temperature,
    refusal,
)
from infotheory.classifiers import NCMIAccumulator, NCMIReport
from infotheory.classifiers.intervals import jackknife_intervals
from infotheory.classifiers.told_once import collected, tell
from infotheory.evaluation.batches import BatchClassifier, is_batches, measure_batches
from infotheory.evaluation.live import live_model, named
from infotheory.evaluation.measurement import IntervalsOf, Measurement
from infotheory.evaluation.one_pass import Pass, measure_live
from infotheory.evaluation.states import kept_to_itself, state_place
from infotheory.evaluation.stream import ON_ERROR, check_threads
from infotheory.exceptions import InfotheoryWarning
from infotheory.files import UnusableFileError
from infotheory.models import Classifier, LabelledData

if TYPE_CHECKING:
    from infotheory._results import Interval

__all__ = ["evaluate_model", "evaluate_models"]


def evaluate_model(
    model: Any,
    data: Any,
    *,
    batch_size: int = 64,
    device: Any = None,
    precision: str = "float32",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    shards: int | None = None,
    level: float = 0.95,
    base: float | None = None,
    label_map: Any = None,
    on_error: str = "stop",
    n_threads: int | None = None,
    save_state: str | os.PathLike[str] | None = None,
    save_outputs: str | os.PathLike[str] | None = None,
    download: bool = False,
    progress: bool = True,
) -> NCMIReport:
    """Run a trained classifier over a data set, and measure its outputs as they come.

    Parameters
    ----------
    model : str or object
        A spec such as ``"timm:resnet50"``, see :func:`infotheory.models.open_model`; or whatever
        :func:`infotheory.models.as_classifier` takes: a torch module, a scikit-learn estimator, a
        function from arrays to outputs.
    data : str or object
        A spec such as ``"imagefolder:DIR"``, see :func:`infotheory.models.open_dataset`; whatever
        :func:`infotheory.models.as_dataset` takes: arrays (X, y), a data set with items
        (sample, label); or something to go through once, a torch DataLoader or a generator say, of
        batches (inputs, labels) that are ready for the model. A batch may also be a mapping with
        "labels", as for transformers.
    batch_size : int, default 64
        Samples that the model sees at a time. A loader makes its own batches.
    device : str, optional
        Where a torch or ONNX model computes: "cuda:1", "cpu". By default on a GPU where a spec
        names the model, and where it is where a module is given.
    precision : {"float32", "tf32", "bf16", "fp16"}, default "float32"
        In which a torch model computes. The sums are in double precision in any case.
    temperature, smoothing
        As in :func:`infotheory.measure_classifier`.
    shards : int, optional
        For the confidence intervals, as in :class:`infotheory.NCMIAccumulator`; 0 for none. By
        default as many as a class has samples, from 4 to 20.
    level : float, default 0.95
        Confidence level.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.
    label_map : mapping or path_like, optional
        Which output stands for which class, by names or numbers, where names do not tell.
    on_error : {"stop", "skip"}, default "stop"
        What to do about a sample that cannot be read: stop, or leave it out and say so.
    n_threads : int, optional
        Threads that read and prepare samples ahead of the model; by default one a core, at most
        eight. 0 for none.
    save_state : path_like, optional
        Keep what is measured in this file, every few seconds, and go on from it if it exists.
    save_outputs : path_like, optional
        Write the outputs into ``NAME.npy`` and the labels into ``labels.npy`` of this folder, for
        ``infotheory ncmi`` and :func:`infotheory.measure_classifier`.
    download : bool, default False
        Whether a model or data set named by a spec may be fetched.
    progress : bool, default True
        Show a progress bar, on a terminal or in a notebook, if it takes more than two seconds.

    Returns
    -------
    NCMIReport
        ``report.warnings`` says what was left out, or cut by the model's preprocessing.

    Raises
    ------
    ValueError, TypeError
        Where model and data do not fit together, a sample cannot be read, or outputs are not
        those of a classifier.
    StateError
        If `save_state` holds something else than this model on these data, measured so.
    ImportError
        If the model or the data need a package that is not installed.

    Warns
    -----
    InfotheoryWarning
        Where samples are left out or cut, labels are renumbered, or a number means less than it
        seems; and where `save_state` holds some of it, or all, already.

    See Also
    --------
    evaluate_models : several models in one pass over the data.
    infotheory.measure_classifier : the same for outputs that are there already.

    Notes
    -----
    The model computes in evaluation mode, without gradients, and is left in the mode in which it
    was. Memory is that of three batches, of the model, and of the class sums,
    O(C K) times the shards; outputs are not kept. On a GPU the sums are formed there. Batches of a
    loader have no names of classes and are in no known order, so `label_map`, `on_error`,
    `n_threads` and `save_state` do not go with them, and `shards` is 20 by default.

    With a torch module and loader::

        report = infotheory.evaluate_model(net, loader)

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.evaluation import evaluate_model
    >>> features = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> double = lambda batch: 2 * batch
    >>> report = evaluate_model(double, (features, [0, 0, 1, 1]))
    >>> report.n, report.error, abs(round(report.ncmi, 9))  # equal rows in each class
    (4, 0.0, 0.0)
    """
    return _evaluate(
        [(None, model)],
        data,
        batch_size=batch_size,
        device=device,
        precision=precision,
        temperature=temperature,
        smoothing=smoothing,
        shards=shards,
        level=level,
        base=base,
        label_map=label_map,
        on_error=on_error,
        n_threads=n_threads,
        save_state=save_state,
        save_outputs=save_outputs,
        download=download,
        progress=progress,
    ).popitem()[1]


def evaluate_models(models: Mapping[str, Any], data: Any, **options: Any) -> dict[str, NCMIReport]:
    """Run several classifiers over a data set at once: each sample is read once.

    Parameters
    ----------
    models : mapping of str to str or object
        Models as in :func:`evaluate_model`, by name.
    data : str or object
        As in :func:`evaluate_model`.
    **options
        As in :func:`evaluate_model`, for all models.

    Returns
    -------
    dict of str to NCMIReport
        In the order given.

    Raises
    ------
    ValueError, TypeError, StateError, ImportError
        As in :func:`evaluate_model`, with the name of the model.

    See Also
    --------
    infotheory.compare_classifiers : paired tests, from outputs such as `save_outputs` writes.

    Notes
    -----
    All models are in memory at the same time.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.evaluation import evaluate_models
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 3, 300)
    >>> features = 2 * np.eye(3)[labels] + rng.normal(size=(300, 3))
    >>> models = {"sharp": lambda x: 3 * x, "dull": lambda x: x / 3}
    >>> reports = evaluate_models(models, (features, labels))
    >>> reports["sharp"].error == reports["dull"].error
    True
    >>> reports["sharp"].cross_entropy < reports["dull"].cross_entropy
    True
    """
    if not models or not hasattr(models, "items"):
        raise refusal(
            "models",
            "a mapping from names to models, with at least one",
            f"{models!r}",
            'Pass {"resnet": model} for example.',
        )
    for name in models:
        if not isinstance(name, str):
            raise TypeError(f"names of models must be strings; got {name!r}.")
    return _evaluate(list(models.items()), data, **options)


def _evaluate(
    models: list[tuple[str | None, Any]],
    data: Any,
    *,
    batch_size: int = 64,
    device: Any = None,
    precision: str = "float32",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    shards: int | None = None,
    level: float = 0.95,
    base: float | None = None,
    label_map: Any = None,
    on_error: str = "stop",
    n_threads: int | None = None,
    save_state: str | os.PathLike[str] | None = None,
    save_outputs: str | os.PathLike[str] | None = None,
    download: bool = False,
    progress: bool = True,
) -> dict[str, NCMIReport]:
    """Do the work of both."""
    level, base = check_level(level), check_base(base)
    applied: dict[str, Any] = {
        "temperature": check_temperature(temperature),
        "smoothing": check_smoothing(smoothing),
        "shards": None if shards is None else check_shards(shards),
    }
    batch_size = check_count("batch_size", batch_size)
    check_choice("on_error", on_error, ON_ERROR)
    threads = check_threads(n_threads)
    download = check_flag("download", download)
    shown: bool | None = False
    if check_flag("progress", progress):  # a notebook is no terminal
        shown = True if "ipykernel" in sys.modules else None
    state = state_place(save_state)
    folder = None if save_outputs is None else Path(save_outputs)
    of_model = {"device": device, "precision": precision}
    if is_batches(data):
        asked = {
            "label_map": label_map is not None,
            "on_error": on_error != "stop",
            "n_threads": n_threads is not None,
            "save_state": save_state is not None,
        }
        for argument, given in asked.items():
            if given:
                raise refusal(
                    argument,
                    "left out for batches, which are ready for the model and have no names",
                    "one",
                    "Pass a data set, of samples with labels, in place of the batches.",
                )
        classifiers = named(
            [(name, _for_batches(model, of_model, download=download)) for name, model in models]
        )
        measured = measure_batches(
            classifiers, data, **applied, save_outputs=folder, progress=shown
        )
        return _reports(measured, level, base)
    dataset = _opened_data(data, download=download)
    classifiers = named([(name, _opened(model, of_model, download)) for name, model in models])
    rows = range(len(dataset.labels))
    passed = {
        name: live_model(
            classifier.name,
            classifier,
            dataset,
            label_map,
            rows,
            batch_size=batch_size,
            precision=precision,
            note=_note,
            **applied,
        )
        for name, classifier in classifiers.items()
    }
    work = Pass(dataset, passed, rows, batch_size, threads, on_error, state, folder)
    with kept_to_itself(state):
        kept = measure_live(
            work,
            note=_note,
            news=_note,
            failed=_raised if len(models) > 1 else _raised_alone,
            unsaved=lambda path, error: _note(f"{path}: cannot be written ({error})"),
            progress=shown,
        )
    return _reports({name: one.measurement for name, one in kept.items()}, level, base)


def _opened(model: Any, of_model: dict[str, Any], download: bool) -> Classifier:
    from infotheory.models.opening import as_classifier, open_model

    if isinstance(model, str):
        return open_model(model, **of_model, download=download)
    return as_classifier(model, **of_model)


def _for_batches(model: Any, of_model: dict[str, Any], *, download: bool) -> Classifier:
    """Return a classifier of whole batches where the model is a module."""
    from infotheory.models.torch_modules import is_module

    if is_module(model):
        return BatchClassifier(model, name=type(model).__name__, **of_model)
    return _opened(model, of_model, download)


def _opened_data(data: Any, *, download: bool) -> LabelledData:
    from infotheory.models.datasets import as_dataset, open_dataset

    found = open_dataset(data, download=download) if isinstance(data, str) else as_dataset(data)
    for text in getattr(found, "notes", ()):
        _note(f"{found.name}: {text}")
    return found


def _reports(
    measured: Mapping[str, Measurement], level: float, base: float | None
) -> dict[str, NCMIReport]:
    reports = {}
    for name, measurement in measured.items():
        with collected() as warned:
            try:
                found = measurement.report(base=base, intervals_of=_jackknife(level), warn=True)
            except UnusableFileError as error:  # its kind is that of stored outputs
                raise ValueError(str(error)) from error
        reports[name] = found
        tell(warned, about=name if len(measured) > 1 else "")
    return reports


def _jackknife(level: float) -> IntervalsOf:
    def found(accumulator: NCMIAccumulator, _: str | None) -> Mapping[str, Interval] | None:
        if not accumulator.shards:
            return None
        return jackknife_intervals(accumulator.sums, accumulator.sums.fold(), level)

    return found


def _note(text: str) -> None:
    tell({(InfotheoryWarning, text): None})


def _raised(name: str, error: Exception) -> None:
    """Say which model it is that cannot go on."""
    if type(error) in {ValueError, TypeError}:
        raise type(error)(f"{name}: {error}") from error
    raise error


def _raised_alone(_: str, error: Exception) -> None:
    raise error
