"""Any trained classifier as one thing: named by a text, or at hand as an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infotheory._validation import check_choice
from infotheory.models.adapter import KINDS
from infotheory.models.interface import Classifier
from infotheory.models.onnx_models import open_onnx
from infotheory.models.preprocessing import Preprocessing, in_rgb
from infotheory.models.python_objects import FunctionClassifier, call_factory
from infotheory.models.sklearn_models import SklearnClassifier, is_estimator, open_sklearn
from infotheory.models.specs import Spec, parse_spec
from infotheory.models.text_models import TextClassifier
from infotheory.models.timm_models import open_timm
from infotheory.models.torch_modules import PRECISIONS, TorchClassifier, is_module, torch_device
from infotheory.models.torchvision_models import open_torchvision
from infotheory.models.transformers_models import (
    image_transform,
    is_image_processor,
    is_tokenizer,
    open_hf,
)
from infotheory.models.weights import refuse_precision

__all__ = ["MODEL_FORMS", "as_classifier", "open_model"]

MODEL_FORMS = {
    "timm": "timm:NAME",
    "torchvision": "torchvision:NAME",
    "hf": "hf:DIRECTORY-or-name",
    "onnx": "onnx:FILE",
    "python": "python:module:factory or python:FILE.py:factory",
    "sklearn": "sklearn:FILE",
}
"""How the name of a model looks, by its scheme."""


def open_model(
    spec: str, *, device: str | None = None, precision: str = "float32", download: bool = False
) -> Classifier:
    """Open a trained classifier by its name.

    Parameters
    ----------
    spec : str
        One of the forms below. Options follow a question mark: ``onnx:m.onnx?kind=probs``.
    device : str or None, default None
        Where to compute, for example "cpu" or "cuda:1"; None for a GPU where there is one.
        Estimators of scikit-learn and functions compute where they do.
    precision : {"float32", "tf32", "bf16", "fp16"}, default "float32"
        In which to compute. "float32" is exact float32 on GPUs too; "tf32" lets their convolutions
        round to ten bits, which is torch's own default; "bf16" and "fp16" are automatic mixed
        precision. Models that are not of torch compute as they are stored: "float32".
    download : bool, default False
        Whether pretrained weights may come over the network. Otherwise they have to be on this
        machine.

    Returns
    -------
    Classifier
        Ready to measure: in evaluation mode, with the model's own preprocessing.

    Raises
    ------
    ValueError
        If the name has no known form, or what it names is not there, cannot be read, is of an
        unsafe format, or does not classify.
    TypeError
        If it is no text.
    ImportError
        If a library is missing that this form needs; the text says which.

    Notes
    -----
    ============================  ================================================================
    ``timm:NAME``                 any name of ``timm.create_model``; ``?weights=FILE``
    ``torchvision:NAME``          ``?weights=IMAGENET1K_V2`` or ``?weights=FILE``
    ``hf:DIRECTORY-or-name``      a transformers model for sequences or images; ``?revision=``,
                                  ``?max_length=`` of texts
    ``onnx:FILE``                 ``?output=``, ``?kind=probs``
    ``python:module:factory``     a function without arguments, also ``python:FILE.py:factory``,
                                  that returns what :func:`as_classifier` takes, or this and a
                                  preprocessing; ``?kind=probs``
    ``sklearn:FILE``              written by ``skops.io.dump``; ``?trust=TYPE,TYPE``, ``?kind=``
    ============================  ================================================================

    All but ``hf:`` and ``python:`` take the fields of :class:`Preprocessing` as options, in place
    of the preprocessing that comes with the model:
    ``onnx:m.onnx?size=256&crop=224&mean=0.485,0.456,0.406&std=0.229,0.224,0.225``.

    Weights are read from safetensors, or by torch with ``weights_only``; nothing is unpickled.
    ``python:`` runs the user's own code.

    .. code-block:: python

        model = open_model("timm:resnet50", download=True)
        report = infotheory.evaluate_model(model, "imagefolder:val")
    """
    if not isinstance(spec, str):
        raise TypeError(
            f"model must be a text such as 'timm:resnet50'; got {type(spec).__name__}. "
            "Objects are taken by as_classifier."
        )
    check_choice("precision", precision, PRECISIONS)
    parsed = parse_spec("model", spec, MODEL_FORMS)
    opener = _OPENERS.get(parsed.scheme, _open_python)
    found: Classifier = opener(parsed, device=device, precision=precision, download=download)
    return found


def _open_python(
    spec: Spec,
    *,
    device: str | None,
    precision: str,
    download: bool,  # noqa: ARG001 - the factory does what it does
) -> Classifier:
    """Open ``python:module:factory``."""
    kind = spec.take("kind")
    spec.finish()
    made, preprocess = call_factory(spec), None
    if isinstance(made, tuple) and len(made) == 2:
        made, preprocess = made
    if is_module(made):
        made, device = made.eval(), torch_device(device)
    return as_classifier(
        made,
        name=spec.place.rpartition(":")[2],
        preprocess=preprocess,
        device=device,
        precision=precision,
        kind=kind,
    )


_OPENERS: dict[str, Callable[..., Any]] = {
    "timm": open_timm,
    "torchvision": open_torchvision,
    "hf": open_hf,
    "onnx": open_onnx,
    "sklearn": open_sklearn,
}


def as_classifier(
    model: Any,
    *,
    name: str | None = None,
    preprocess: Any = None,
    device: str | None = None,
    precision: str = "float32",
    kind: str | None = None,
    class_names: Any = None,
) -> Classifier:
    """Return a model at hand as a classifier.

    Parameters
    ----------
    model : object
        A torch module; a fitted estimator of scikit-learn; any function from a batch, an array
        with a sample a row, to outputs of shape (n, K), such as the ``predict`` of a Keras model;
        or a classifier, of which only `device` and `precision` can still be chosen.
    name : str or None, default None
        What tables call it; None for the name of its class or function.
    preprocess : Preprocessing or mapping or callable or None, default None
        Prepares one sample: a :class:`Preprocessing` or the fields of one, any function of a
        sample, which gets images of PIL in RGB (another mode: :class:`ImageTransform`), or the
        tokenizer or image processor of a transformers model. None for features only.
    device : str or None, default None
        Where to bring a torch module, in place; None leaves it where it is. Other things compute
        where they do.
    precision : {"float32", "tf32", "bf16", "fp16"}, default "float32"
        As for :func:`open_model`; a classifier keeps its own unless another one is asked for.
    kind : {"logits", "probs", "log_probs"} or None, default None
        What the outputs are; None for logits, and for scikit-learn whatever the estimator has.
    class_names : iterable of str or None, default None
        Names of the outputs.

    Returns
    -------
    Classifier

    Raises
    ------
    TypeError
        If it is nothing of that, or `preprocess` no function.
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.models import as_classifier
    >>> model = as_classifier(lambda x: np.stack([x[:, 0], -x[:, 0]], axis=1), name="sign")
    >>> model.outputs([model.prepare(np.array([2.0])), model.prepare(np.array([-1.0]))])
    array([[ 2., -2.],
           [-1.,  1.]])
    """
    check_choice("precision", precision, PRECISIONS)
    if kind is not None:
        check_choice("kind", kind, KINDS)
    if isinstance(model, TorchClassifier):
        return model.computing(device, precision)
    if isinstance(model, Classifier):
        refuse_precision(precision, f"model {model.name!r}, which computes as it does")
        return model
    name = name or str(getattr(model, "__name__", type(model).__name__))
    if isinstance(preprocess, dict):
        preprocess = Preprocessing.of(preprocess)
    if not (preprocess is None or callable(preprocess)):
        raise TypeError(
            "preprocess must be a Preprocessing, its fields, or a function of one sample; got "
            f"{type(preprocess).__name__}."
        )
    if is_module(model):
        options: dict[str, Any] = {"name": name, "device": device, "precision": precision}
        options |= {"kind": kind or "logits", "class_names": class_names}
        if is_tokenizer(preprocess):
            return TextClassifier(model, preprocess, **options)
        if is_image_processor(preprocess):
            preprocess = image_transform(preprocess, getattr(model, "config", None))
        return TorchClassifier(model, preprocess=in_rgb(preprocess), **options)
    preprocess = in_rgb(preprocess)
    refuse_precision(precision, f"model {name!r}, which is not of torch")
    if is_estimator(model):
        return SklearnClassifier(
            model, name=name, kind=kind, preprocess=preprocess, class_names=class_names
        )
    if not callable(model):
        raise TypeError(
            "model must be a classifier, a torch module, an estimator of scikit-learn or a "
            f"function of a batch; got {type(model).__name__}. "
            "A model of another library has a function that predicts: pass that."
        )
    return FunctionClassifier(
        model, name=name, kind=kind or "logits", preprocess=preprocess, class_names=class_names
    )
