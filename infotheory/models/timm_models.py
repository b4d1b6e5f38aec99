"""Models of timm, with the preprocessing that their configuration names."""

from __future__ import annotations

from typing import Any

from infotheory._validation import refusal
from infotheory.models.offline import loaded
from infotheory.models.preprocessing import ImageTransform, take_preprocessing
from infotheory.models.specs import Spec, needed
from infotheory.models.torch_modules import TorchClassifier, torch_device
from infotheory.models.weights import with_weights

__all__ = ["open_timm"]


def open_timm(spec: Spec, *, device: str | None, precision: str, download: bool) -> TorchClassifier:
    """Open ``timm:NAME``, with its pretrained weights or those of ``?weights=FILE``.

    Parameters
    ----------
    spec : Spec
        What the user wrote. The name may be any that ``timm.create_model`` takes, ``hf-hub:...``
        and ``local-dir:...`` among them.
    device, precision, download
        As for :func:`infotheory.models.open_model`.

    Returns
    -------
    TorchClassifier

    Raises
    ------
    ValueError
        If there is no such model, it is not on this machine, or has no classification head.
    ImportError
        If timm is not there.
    """
    file = spec.take("weights")
    preprocess: Any = take_preprocessing(spec)
    spec.finish()
    timm = needed("timm", "timm:", "vision")
    data = needed("timm.data", "timm:", "vision")
    if ":" not in spec.place and not timm.is_model(spec.place):
        raise refusal(
            spec.argument,
            "a model that timm knows",
            repr(spec.place),
            "timm.list_models('*resnet*') lists those with that in their name.",
        )

    def build(n_outputs: int | None, pretrained: bool = False) -> Any:
        more = {} if n_outputs is None else {"num_classes": n_outputs}
        return loaded(
            lambda: timm.create_model(spec.place, pretrained=pretrained, **more),
            spec.place,
            download,
        )

    module = build(None, pretrained=True) if file is None else with_weights(build, file)
    if getattr(module, "num_classes", None) == 0:
        raise refusal(
            spec.argument,
            "a model with a classification head",
            f"{spec.place!r}, whose num_classes is 0",
            "Choose weights that were trained to classify, or pass ?weights=FILE.",
        )
    config = data.resolve_model_data_config(module)
    if preprocess is None:
        mode = "L" if config["input_size"][0] == 1 else "RGB"
        preprocess = ImageTransform(data.create_transform(**config, is_training=False), mode)
    return TorchClassifier(
        module.eval(),
        name=spec.place,
        preprocess=preprocess,
        device=torch_device(device),
        precision=precision,
        class_names=_class_names(data, module) if file is None else None,
        n_outputs=getattr(module, "num_classes", None),
    )


def _class_names(data: Any, module: Any) -> tuple[str, ...] | None:
    """Return the names that the weights come with, or those of ImageNet for its class counts."""
    config = module.pretrained_cfg
    names = config.get("label_names")
    if names is None and config.get("source") not in ("hf-hub", "local-dir"):
        subset = data.infer_imagenet_subset(module)
        names = data.ImageNetInfo(subset).label_names() if subset else None
    return tuple(names) if names and len(names) == module.num_classes else None
