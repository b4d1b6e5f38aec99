"""Measure several classifiers for a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from infotheory._validation import as_rng, check_choice, check_level, refusal
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.calibration import refuse_features, split_rows
from infotheory.classifiers.comparison import ComparedRows, Comparison
from infotheory.classifiers.functions import measure_classifier
from infotheory.classifiers.leave_one_out import pseudo_terms
from infotheory.classifiers.report import NCMIReport
from infotheory.classifiers.temperature import fit_temperature
from infotheory.classifiers.told_once import collected, tell

__all__ = ["compare_classifiers"]


def compare_classifiers(
    models: Mapping[str, tuple[Any, Any]],
    *,
    kind: str | Mapping[str, str] = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    n_classes: int | None = None,
    class_names: Sequence[str] | None = None,
    base: float | None = None,
    interval: str | None = "jackknife",
    level: float = 0.95,
    n_resamples: int = 1000,
    calibrate: str | None = None,
    rng: np.random.Generator | int | None = None,
    n_jobs: int | None = None,
    progress: bool = False,
) -> Comparison:
    """Measure several classifiers, and keep what it takes to test their differences.

    Parameters
    ----------
    models : mapping of str to (outputs, labels)
        One pair for each model name, as in :func:`infotheory.measure_classifier`. Models on
        different data can be measured together; paired tests take models on the same rows.
    kind : {"logits", "probs", "log_probs"} or mapping of str to these, default "logits"
        What the outputs are, of all models or for each name.
    temperature, smoothing, n_classes, class_names, base
        As in :func:`infotheory.measure_classifier`, for every model.
    interval : {"jackknife", "delta", "bootstrap"} or None, default "jackknife"
        How to form the intervals of the single models.
    level : float, default 0.95
        Confidence level of intervals and tests.
    n_resamples : int, default 1000
        Bootstrap resamples.
    calibrate : {"temperature"}, optional
        Fit a temperature to each model on one half of the rows, drawn within classes, and measure
        it on the other half: the same rows for all models with the same labels. This takes
        differences in the scale of logits out of the comparison.
    rng : numpy.random.Generator or int, optional
        Source of randomness or its seed: for the bootstrap, the halves, and the intervals of the
        correlation.
    n_jobs : int, optional
        Threads, as in :func:`infotheory.measure_classifier`.
    progress : bool, default False
        Show a progress bar over models.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, TypeError
        As in :func:`infotheory.measure_classifier`, with the name of the model.

    Warns
    -----
    EmptyClassWarning, SingleClassWarning, InfiniteSeparationWarning
        With the name of the model.

    Notes
    -----
    Beside the pass of :func:`infotheory.measure_classifier`, three more over the outputs, for what
    each row contributes. Three numbers a row and model are kept, and no outputs.

    References
    ----------
    yang2023cmicdl; guo2017calibration for `calibrate`.

    Examples
    --------
    >>> import numpy as np
    >>> import infotheory
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 3, 600)
    >>> logits = rng.normal(size=(600, 3)) + 2 * np.eye(3)[labels]
    >>> models = {"good": (logits, labels), "noisy": (logits + rng.normal(size=(600, 3)), labels)}
    >>> comparison = infotheory.compare_classifiers(models, rng=0)
    >>> list(comparison.to_frame().index)
    ['good', 'noisy']
    >>> comparison.test("good", "noisy").p_value < 1e-6
    True
    """
    from tqdm.auto import tqdm

    _check_models(models)
    level = check_level(level)
    if calibrate is not None:
        check_choice("calibrate", calibrate, ("temperature",))
        if temperature != 1.0:
            raise refusal(
                "temperature",
                "left at 1.0 where calibrate is given",
                repr(temperature),
                "Calibration finds the temperature of each model.",
            )
    generator = as_rng(rng)
    split_seed, seed = (int(s) for s in generator.integers(2**63, size=2))
    options: dict[str, Any] = {
        "smoothing": smoothing,
        "n_classes": n_classes,
        "class_names": class_names,
        "base": base,
        "interval": interval,
        "level": level,
        "n_resamples": n_resamples,
        "rng": generator,
        "n_jobs": n_jobs,
    }
    reports: dict[str, NCMIReport] = {}
    kept: dict[str, ComparedRows] = {}
    for name in tqdm(models, unit="model", disable=not progress, delay=0.5):
        outputs, labels, its_kind = _model(name, models[name], kind)
        with collected() as warned, _named(name):
            rows, targets = NCMIAccumulator(n_classes).check(outputs, labels, its_kind)
            # Models mostly share their labels: keep those once.
            same = (k.labels for k in kept.values() if np.array_equal(k.labels, targets))
            targets = next(same, targets.copy())
            fitted, measured = None, None
            if calibrate is not None:
                refuse_features(n_classes, rows.shape[1])
                halves = np.random.default_rng(split_seed)
                fitted, measured = split_rows(targets, 0.5, halves)
                temperature = fit_temperature(
                    rows[fitted], targets[fitted], kind=its_kind, n_jobs=n_jobs
                )
                rows = rows[measured]
            its_labels = targets if measured is None else targets[measured]
            report = measure_classifier(
                rows, its_labels, kind=its_kind, temperature=temperature, **options
            )
            applied = (its_kind, report.temperature, report.smoothing)
            terms = pseudo_terms(report.sums, rows, its_labels, *applied)
            kept[name] = ComparedRows(targets, measured, terms)
            reports[name] = report
        tell(warned, about=name)
    return Comparison(reports, level, kept, seed)


def _check_models(models: Any) -> None:
    if not isinstance(models, Mapping) or not models:
        raise refusal(
            "models",
            "a mapping from names to (outputs, labels), with at least one",
            "an empty one" if isinstance(models, Mapping) else type(models).__name__,
            'Pass {"resnet": (logits, labels)} for example.',
        )


def _model(name: object, model: Any, kind: str | Mapping[str, str]) -> tuple[Any, Any, str]:
    """Return outputs, labels and kind of one model."""
    if not isinstance(name, str):
        raise TypeError(f"names of models must be strings; got {name!r}.")
    if not (isinstance(model, (tuple, list)) and len(model) == 2):
        raise refusal(
            f"models[{name!r}]",
            "a pair (outputs, labels)",
            f"{type(model).__name__} of length {len(model)}"
            if hasattr(model, "__len__")
            else type(model).__name__,
            "Labels are given with every model, since models may be measured on different data.",
        )
    if not isinstance(kind, Mapping):
        return *model, kind
    if name not in kind:
        raise refusal(
            "kind", "given for every model", f"none for {name!r}", "Add it to the mapping."
        )
    return *model, kind[name]


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say in a refusal which model it is about."""
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: {error}") from error
