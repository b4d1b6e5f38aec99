"""Classifiers of transformers, of texts and of images, from a directory or by name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infotheory._validation import check_count, refusal
from infotheory.models.offline import loaded
from infotheory.models.preprocessing import ImageTransform
from infotheory.models.specs import Spec, needed
from infotheory.models.text_models import TextClassifier, padding_side
from infotheory.models.torch_modules import TorchClassifier, torch_device

__all__ = [
    "image_transform",
    "in_float32",
    "is_image_processor",
    "is_tokenizer",
    "named_place",
    "open_encoder",
    "open_hf",
    "quietly",
    "refuse_blank",
    "refuse_incomplete",
    "refuse_unsafe",
]

_TEXT, _IMAGE = "ForSequenceClassification", "ForImageClassification"
_TOKENS = ("tokenizer_config.json", "tokenizer.json")  # beside those that its class names
_UNSAFE = ("*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.ckpt")


def open_hf(spec: Spec, *, device: str | None, precision: str, download: bool) -> TorchClassifier:
    """Open ``hf:DIRECTORY-or-name``, with its own tokenizer or image processor.

    Parameters
    ----------
    spec : Spec
        What the user wrote, with ``?revision=...`` of a name, and ``?max_length=...`` of texts.
    device, precision, download
        As for :func:`infotheory.models.open_model`.

    Returns
    -------
    TorchClassifier

    Raises
    ------
    ValueError
        If it is not on this machine, does not classify, its weights are no safetensors, or it comes
        without its tokenizer.
    ImportError
        If transformers is not there.
    """
    revision, limit = spec.take("revision"), spec.take("max_length")
    spec.finish()
    place = named_place(spec)
    transformers = needed("transformers", "hf:", "language")
    needed("torch", "hf:", "learning")
    options = {
        "revision": revision or "main",
        "local_files_only": not download,
        "trust_remote_code": False,
    }

    def get(kind: str, **more: Any) -> Any:
        loader = getattr(transformers, kind).from_pretrained
        return loaded(lambda: loader(place, **options, **more), spec.place, download)

    with quietly(transformers):
        config = get("AutoConfig")
        task = _task(spec, config)
        refuse_unsafe(spec, place)
        module, report = get(
            f"AutoModel{task}",
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            **in_float32(transformers),
        )
        refuse_incomplete(spec, report)
        about: dict[str, Any] = {
            "name": Path(place).resolve().name if Path(place).is_dir() else place,
            "device": torch_device(device),
            "precision": precision,
            "class_names": _class_names(config),
            "n_outputs": config.num_labels,
        }
        if task == _IMAGE:
            if limit is not None:
                raise refusal("max_length", "given for texts", f"a model of images, {place!r}")
            processor = get("AutoImageProcessor")
            return TorchClassifier(
                module.eval(), preprocess=image_transform(processor, config), **about
            )
        tokenizer = get("AutoTokenizer")
        refuse_blank(spec, place, tokenizer)
        return TextClassifier(module.eval(), tokenizer, max_length=_whole(limit), **about)


def open_encoder(
    model: str | os.PathLike[str],
    class_names: Sequence[str],
    *,
    seed: int = 0,
    download: bool = False,
) -> tuple[Any, Any]:
    """Open a language model with a head for some classes, to be fine-tuned, and its tokenizer.

    Parameters
    ----------
    model : path_like
        A directory written by ``save_pretrained``, with weights as safetensors; or a name such as
        ``owner/model``.
    class_names : sequence of str
        Names of the classes; their number is that of the outputs.
    seed : int, default 0
        Of the weights that are new, which are those of the head.
    download : bool, default False
        Whether to fetch what is not on this machine.

    Returns
    -------
    module : transformers.PreTrainedModel
        Of class ``...ForSequenceClassification``, in float32, on the host.
    tokenizer : transformers.PreTrainedTokenizerBase
        One without a token for padding pads with its token for the end of a text.

    Raises
    ------
    ValueError
        If it is not on this machine, its weights are no safetensors or not those of its encoder,
        its head is for other classes, or it comes without its tokenizer.
    ImportError
        If transformers is not there.
    """
    if not isinstance(model, str | os.PathLike):
        raise TypeError(f"model must be a directory, or a name; got {type(model).__name__}.")
    text = os.fspath(model)
    spec = Spec("model", text, "hf", text, {})
    place = named_place(spec)
    transformers = needed("transformers", "fine-tuning", "language")
    torch = needed("torch", "fine-tuning", "learning")
    options = {"local_files_only": not download, "trust_remote_code": False}
    refuse_unsafe(spec, place)
    names = dict(enumerate(class_names))
    with quietly(transformers), torch.random.fork_rng():
        config = loaded(
            lambda: transformers.AutoConfig.from_pretrained(place, **options), text, download
        )
        _refuse_other_head(spec, config, tuple(class_names))
        torch.manual_seed(seed)
        module, report = loaded(
            lambda: transformers.AutoModelForSequenceClassification.from_pretrained(
                place,
                num_labels=len(names),
                id2label=names,
                label2id={name: k for k, name in names.items()},
                use_safetensors=True,
                output_loading_info=True,
                **in_float32(transformers),
                **options,
            ),
            text,
            download,
        )
        tokenizer = loaded(
            lambda: transformers.AutoTokenizer.from_pretrained(place, **options), text, download
        )
    refuse_blank(spec, place, tokenizer)
    inside = f"{module.base_model_prefix}."
    missing = {str(key) for key in report["missing_keys"] if str(key).startswith(inside)}
    # A pooler belongs to the head: some encoders are trained and published without one.
    refuse_incomplete(
        spec,
        {
            "missing_keys": {key for key in missing if ".pooler." not in key},
            "mismatched_keys": report["mismatched_keys"],
        },
    )
    tokenizer.padding_side = padding_side(module, tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if module.config.pad_token_id is None:
        module.config.pad_token_id = tokenizer.pad_token_id
    return module, tokenizer


def _refuse_other_head(spec: Spec, config: Any, class_names: tuple[str, ...]) -> None:
    """Refuse a model with a head for classes of other names: it would answer for these."""
    has_head = any(str(name).endswith(_TEXT) for name in config.architectures or [])
    names = _class_names(config) if has_head else None
    if names is not None and [n.lower() for n in names] != [n.lower() for n in class_names]:
        raise refusal(
            spec.argument,
            f"an encoder, or a classifier of {', '.join(class_names)}",
            f"{spec.place!r}, a classifier of {', '.join(names)}",
            "Save its encoder alone: model.base_model.save_pretrained(NEW).",
        )


def in_float32(transformers: Any) -> dict[str, Any]:
    """Return what makes weights float32, however they are stored: the default until version 5."""
    newer = int(transformers.__version__.partition(".")[0]) >= 5
    return {"dtype": sys.modules["torch"].float32} if newer else {}


def _whole(limit: str | None) -> int | None:
    if limit is None:
        return None
    return check_count("max_length", int(limit) if limit.isdecimal() else limit)


def named_place(spec: Spec) -> str:
    """Return a directory or a name, and refuse a path to nothing."""
    path = Path(spec.place).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            there = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) or "nothing"
            raise refusal(
                spec.argument,
                "a directory written by save_pretrained, with a config.json",
                f"{spec.place!r}, with {there}",
            )
        return str(path)
    if path.exists() or path.is_absolute() or spec.place[0] in "~." or spec.place.count("/") > 1:
        raise refusal(
            spec.argument,
            "a directory, or a name like 'owner/model'",
            f"{spec.place!r}, which is no directory",
        )
    return spec.place


def _task(spec: Spec, config: Any) -> str:
    """Return the end of the class that the model belongs to."""
    architectures = config.architectures or []
    for task in (_TEXT, _IMAGE):
        if any(name.endswith(task) for name in architectures):
            break
    else:
        raise refusal(
            spec.argument,
            f"a model with a classification head, of a class named ...{_TEXT} or ...{_IMAGE}",
            f"{spec.place!r} with architectures {architectures}",
            "Fine-tune it to classify first, or open it with a python: factory.",
        )
    if config.num_labels < 2 or config.problem_type in ("regression", "multi_label_classification"):
        raise refusal(
            spec.argument,
            "a classifier with one label a sample",
            f"{spec.place!r} with num_labels {config.num_labels} and problem_type "
            f"{config.problem_type!r}",
        )
    return task


def refuse_unsafe(spec: Spec, place: str) -> None:
    """Refuse a directory with weights that only unpickling, or another framework, could read."""
    path = Path(place)
    if not path.is_dir() or any(path.glob("*.safetensors")):
        return
    files = sorted(file.name for pattern in _UNSAFE for file in path.glob(pattern))
    raise refusal(
        spec.argument,
        "a directory with weights as safetensors",
        f"{spec.place!r} with {', '.join(files) or 'no weights'}",
        "Where you trust them, load and save them once: "
        "from_pretrained(DIR).save_pretrained(NEW), which writes safetensors.",
    )


def refuse_incomplete(spec: Spec, report: Mapping[str, Any]) -> None:
    """Refuse a model of which a part, such as the head, would be drawn at random."""
    missing = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if missing:
        raise refusal(
            spec.argument,
            "a model with all its weights",
            f"{spec.place!r} without {', '.join(missing[:3])}",
            "Fine-tune it to classify first; transformers would draw what is missing at random.",
        )


def refuse_blank(spec: Spec, place: str, tokenizer: Any) -> None:
    """Refuse a directory without a tokenizer, of which transformers makes one without words."""
    path = Path(place)
    files = {*_TOKENS, *getattr(tokenizer, "vocab_files_names", {}).values()}
    if path.is_dir() and not any((path / file).is_file() for file in files):
        raise refusal(
            spec.argument,
            "a directory with the model's own tokenizer",
            f"{spec.place!r} without {' or '.join(sorted(files))}",
            "Add it: tokenizer.save_pretrained(DIR).",
        )


def _class_names(config: Any) -> tuple[str, ...] | None:
    """Return the names of the classes; LABEL_0 is a number and no name."""
    names = tuple(str(config.id2label[k]) for k in range(config.num_labels))
    return None if all(re.fullmatch(r"LABEL_\d+", name) for name in names) else names


@contextmanager
def quietly(transformers: Any) -> Iterator[None]:
    """Let transformers show no bars and no remarks for a while: what matters is refused."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def is_tokenizer(thing: Any) -> bool:
    """Tell whether something is a tokenizer of transformers."""
    return any(base.__name__ == "PreTrainedTokenizerBase" for base in type(thing).__mro__)


def is_image_processor(thing: Any) -> bool:
    """Tell whether something is an image processor of transformers."""
    return any(base.__name__ == "ImageProcessingMixin" for base in type(thing).__mro__)


class _Processed:
    """A processor of images as a transform of one."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __call__(self, image: Any) -> Any:
        return self._processor(images=image, return_tensors="pt")["pixel_values"][0]


def image_transform(processor: Any, config: Any) -> ImageTransform:
    """Return the preprocessing of images that a processor of transformers does."""
    mode = "L" if getattr(config, "num_channels", 3) == 1 else "RGB"
    return ImageTransform(_Processed(processor), mode)
