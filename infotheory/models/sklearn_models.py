"""Estimators of scikit-learn, from files of skops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._typing import AnyArray
from infotheory._validation import check_choice, refusal
from infotheory.models.adapter import KINDS, Adapter, stacked
from infotheory.models.offline import reason
from infotheory.models.preprocessing import FeaturesOrTexts, take_preprocessing
from infotheory.models.samples import is_text
from infotheory.models.specs import Spec, needed
from infotheory.models.weights import existing_file, hash_file, refuse_precision

__all__ = ["SklearnClassifier", "is_estimator", "open_sklearn"]

_METHODS = {
    "log_probs": "predict_log_proba",
    "probs": "predict_proba",
    "logits": "decision_function",
}
_UNSAFE = (".pkl", ".pickle", ".joblib", ".pt", ".pth")
_FIX = (
    "Name it: sklearn:FILE?mode=L&mean=...&std=... (divisor=1 leaves pixels as 0 to 255), or pass "
    "preprocess=."
)


def open_sklearn(
    spec: Spec,
    *,
    device: str | None,  # noqa: ARG001
    precision: str,
    download: bool,  # noqa: ARG001
) -> SklearnClassifier:
    """Open ``sklearn:FILE``, written by ``skops.io.dump``.

    Parameters
    ----------
    spec : Spec
        What the user wrote, with ``?trust=TYPE,TYPE`` for types that skops does not know,
        ``?kind=probs`` and the fields of :class:`infotheory.models.Preprocessing`.
    device : str or None
        Without meaning here: scikit-learn computes on the CPU.
    precision : str
        "float32": an estimator computes as it does.
    download : bool
        Without meaning here.

    Returns
    -------
    SklearnClassifier

    Raises
    ------
    ValueError
        If the file cannot be used, holds types that are not trusted, or no classifier.
    ImportError
        If skops or scikit-learn is not there.
    """
    trust, kind = spec.take("trust"), spec.take("kind")
    preprocess = take_preprocessing(spec)
    spec.finish()
    refuse_precision(precision, "an estimator of scikit-learn")
    if Path(spec.place).suffix in _UNSAFE:
        raise refusal(
            spec.argument,
            "in a format that runs no code when it is read",
            repr(spec.place),
            "Where you trust it, load it yourself once and write it with skops.io.dump(estimator, "
            "'model.skops'); for torch modules, safetensors.torch.save_file and a python: factory.",
        )
    path = existing_file(spec.place, "model")
    estimator = _read(path, trust.split(",") if trust else [])
    return SklearnClassifier(
        estimator,
        name=path.stem,
        kind=kind,
        preprocess=preprocess,
        identity=hash_file(path),
    )


def _read(path: Path, trusted: list[str]) -> Any:
    skops = needed("skops.io", "sklearn:", "skops")
    try:
        foreign = [kind for kind in skops.get_untrusted_types(file=path) if kind not in trusted]
        if not foreign:
            return skops.load(path, trusted=trusted)
    except Exception as error:
        raise refusal(
            "model",
            "a file that skops can read",
            f"{str(path)!r} ({reason(error)})",
            "skops.io.dump(estimator, 'model.skops') writes one.",
        ) from error
    raise refusal(
        "model",
        "made of types that are trusted",
        f"{', '.join(foreign)} in {str(path)!r}",
        f"Where you trust these, add the option trust={','.join([*trusted, *foreign])}.",
    )


def is_estimator(thing: Any) -> bool:
    """Tell whether something is an estimator, of scikit-learn or after its manner."""
    return hasattr(thing, "fit") and hasattr(thing, "predict") and hasattr(thing, "get_params")


class SklearnClassifier(Adapter):
    """A fitted classifier of scikit-learn.

    Parameters
    ----------
    estimator : object
        With ``classes_``, and ``predict_proba`` or a ``decision_function`` of a column a class.
    name : str
        What tables call it.
    kind : {"log_probs", "probs", "logits"} or None, default None
        Which of its methods is taken: predict_log_proba, predict_proba or decision_function; None
        for the first that it has.
    preprocess : callable or None, default None
        Prepares one sample; None for features and texts only.
    class_names : iterable of str or None, default None
        Names of the outputs; None for the ``classes_``, unless these are just 0, 1, ....
    identity : bytes or None, default None
        What it is known by again; None for all that it is made of.

    Raises
    ------
    ValueError
        If it is no classifier with such outputs, or not fitted.

    Notes
    -----
    Labels without names are compared with ``classes_`` by their values, where these are whole
    numbers.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        name: str,
        kind: str | None = None,
        preprocess: Any = None,
        class_names: Any = None,
        identity: bytes | None = None,
    ) -> None:
        if kind is not None:
            check_choice("kind", kind, KINDS)
        classes = getattr(estimator, "classes_", None)
        if classes is None or isinstance(classes, list) or np.ndim(classes) != 1:
            raise refusal(
                f"model {name!r}",
                "a fitted classifier of one label a sample",
                f"{type(estimator).__name__} without such classes_",
                "Call fit first; regressors and estimators of several outputs have no NCMI.",
            )
        there = [found for found, method in _METHODS.items() if hasattr(estimator, method)]
        if not there or (kind is not None and kind not in there):
            raise refusal(
                f"model {name!r}",
                f"an estimator with {_METHODS[kind] if kind else 'predict_proba'}",
                type(estimator).__name__,
                "sklearn.calibration.CalibratedClassifierCV gives probabilities to any classifier.",
            )
        _refuse_votes(estimator, name, kind or there[0])
        if class_names is None and not np.array_equal(classes, np.arange(len(classes))):
            whole = classes.dtype.kind == "f" and np.array_equal(classes, np.trunc(classes))
            class_names = classes.astype(np.int64 if whole else classes.dtype).tolist()
        super().__init__(
            name, kind or there[0], preprocess or FeaturesOrTexts(_FIX), class_names, len(classes)
        )
        self.estimator = estimator
        self._file = identity

    def outputs(self, prepared: Sequence[Any]) -> AnyArray:
        """Return the outputs of some prepared samples.

        Parameters
        ----------
        prepared : sequence
            What :meth:`prepare` has returned for them.

        Returns
        -------
        ndarray, shape (n, K)

        Raises
        ------
        ValueError
            If the estimator takes another number of features.
        """
        batch: Any = list(prepared)
        if not is_text(batch[0]):
            batch = stacked(batch).reshape(len(batch), -1)
            wanted = getattr(self.estimator, "n_features_in_", batch.shape[1])
            if batch.shape[1] != wanted:
                raise refusal(
                    "prepared samples",
                    f"have the number of features of model {self.name!r} ({wanted})",
                    str(batch.shape[1]),
                    _FIX,
                )
        with np.errstate(divide="ignore"):  # the logarithm of a probability of zero is meant
            outputs = np.asarray(getattr(self.estimator, _METHODS[self.kind])(batch))
        return np.asarray(self._checked(outputs, len(batch)))

    def fingerprint(self) -> str:
        """Return a name for the file; of an estimator in memory for all that it is made of.

        Returns
        -------
        str
            SHA-256.
        """
        return self._identity(self.estimator if self._file is None else self._file)


def _refuse_votes(estimator: Any, name: str, kind: str) -> None:
    """Refuse a support vector machine with a column of outputs for each pair of classes."""
    inner = estimator
    while inner is not None:
        if kind == "logits" and getattr(inner, "decision_function_shape", None) == "ovo":
            raise refusal(
                f"model {name!r}",
                "have a column of outputs a class",
                f"{type(inner).__name__}(decision_function_shape='ovo'), with one for each pair",
                "Set estimator.decision_function_shape = 'ovr'; no new fit is needed.",
            )
        steps = getattr(inner, "steps", None)  # the last one of a pipeline, the best of a search
        inner = steps[-1][1] if steps else getattr(inner, "best_estimator_", None)
