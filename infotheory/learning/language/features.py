"""The feature vector of a text classifier, read from its forward passes by a hook."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn

from infotheory._validation import check_choice, refusal

__all__ = ["FEATURES", "FeatureReader", "TokenInputs", "tokens_of", "unwrapped"]

FEATURES = ("pooled", "cls", "mean", "last_token")
TokenInputs = tuple[Tensor | None, Tensor | None, Tensor | None]

# Models with a pooler that their head does not read, so that nothing has trained it.
_IDLE_POOLERS = frozenset({"big_bird"})


def tokens_of(inputs: Mapping[str, Any]) -> TokenInputs:
    """Return what tells a text from others among the inputs of a model.

    Parameters
    ----------
    inputs : mapping of str to Tensor
        By the names of transformers.

    Returns
    -------
    tuple of Tensor or None
        Token numbers, mask and token types; None for what is not there.
    """
    return inputs.get("input_ids"), inputs.get("attention_mask"), inputs.get("token_type_ids")


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model inside the wrappers of DDP, of ``torch.compile`` and of peft.

    Parameters
    ----------
    model : Module
        Wrapped or not.

    Returns
    -------
    Module
    """
    while True:
        if isinstance(model, nn.parallel.DistributedDataParallel):
            model = model.module
        elif hasattr(model, "_orig_mod"):  # torch.compile has no public name for it
            model = model._orig_mod  # noqa: SLF001
        elif hasattr(model, "get_base_model"):  # of every PeftModel
            model = model.get_base_model()
        else:
            return model


class FeatureReader:
    """Reads the features of each forward pass of a text classifier, and changes nothing in it.

    Parameters
    ----------
    model : Module
        An ``AutoModelForSequenceClassification``: an encoder, or decoder-only; also inside DDP,
        ``torch.compile`` or peft.
    feature : {"pooled", "cls", "mean", "last_token"}, optional
        Which vector. "pooled": the pooler's output; "cls": the last hidden state of the first token
        that is no padding; "mean": the mean of those of all such tokens; "last_token": that of the
        last. By default "pooled" where there is a pooler that the head reads (that of BigBird does
        not), else "last_token" for a decoder and "cls" for an encoder.
    keep_tokens : bool, default False
        Whether :attr:`tokens` are kept too.

    Attributes
    ----------
    feature : str
        Which vector is read.
    n_features : int
        Its length d.
    tokens : tuple of Tensor, or None
        Token numbers, mask and types of the pass that is to be read, if they are kept.

    Raises
    ------
    TypeError
        If it is no model of transformers.
    ValueError
        If the model has no such vector, or has an encoder beside its decoder.

    Notes
    -----
    The hook is on the encoder, so that wrappers, adapters and gradient checkpointing are no matter.
    Of a pass the vectors alone are kept, with their graph, until :meth:`read` or the next pass;
    copies of the model have none of them.
    Means are formed in single precision at least. Padding is told by ``attention_mask``, or else by
    ``config.pad_token_id``; the last token of a decoder is found as transformers' own heads find
    theirs, by ``config.pad_token_id`` first.

    ::

        with FeatureReader(model) as reader:
            logits = model(**batch).logits
            features = reader.read()
    """

    def __init__(
        self, model: nn.Module, feature: str | None = None, *, keep_tokens: bool = False
    ) -> None:
        self._model = unwrapped(model)
        self._encoder = _encoder_of(self._model)
        self._config = self._model.config.get_text_config()  # of several, that of the language
        has_pooler = getattr(self._encoder, "pooler", None) is not None
        self.feature = _choose(self._model, feature, has_pooler)
        self.n_features = _width(self._config)
        self.keep_tokens = keep_tokens
        self.tokens: TokenInputs | None = None
        self._found: Tensor | None = None
        # What positional arguments of the encoder are called.
        self._names = tuple(inspect.signature(type(self._encoder).forward).parameters)[1:]
        self._hook = self._encoder.register_forward_hook(self._take, with_kwargs=True)

    def reads(self, model: nn.Module) -> bool:
        """Tell whether these are the features of this model, wrapped or not."""
        return unwrapped(model) is self._model

    def __getstate__(self) -> dict[str, Any]:
        # A model is copied and saved with its hooks; a graph can be neither.
        return self.__dict__ | {"_found": None, "tokens": None}

    def _take(
        self, encoder: nn.Module, positional: tuple[Any, ...], named: dict[str, Any], output: Any
    ) -> None:
        del encoder
        given = dict(zip(self._names, positional, strict=False)) | named
        tokens = tokens_of(given)
        self._found = self._vectors(output, *tokens[:2])
        self.tokens = tokens if self.keep_tokens else None

    def _vectors(self, output: Any, ids: Tensor | None, mask: Tensor | None) -> Tensor:
        if self.feature == "pooled":
            return _part(output, "pooler_output", 1)
        hidden = _part(output, "last_hidden_state", 0)
        real = _real_tokens(hidden, ids, mask, self._config, by_mask=self.feature != "last_token")
        if self.feature == "mean":
            precise = torch.promote_types(hidden.dtype, torch.float32)
            weights = real.to(hidden.dtype)[..., None]
            total = (hidden * weights).sum(1, dtype=precise)
            return total / real.sum(1, keepdim=True).clamp_min(1).to(precise)
        places = torch.arange(hidden.shape[1], device=hidden.device)
        if self.feature == "cls":
            chosen = (real * places.flip(0)).argmax(1)  # the first of several that are real
        else:
            chosen = (real * places).argmax(1)
        return hidden[torch.arange(len(hidden), device=hidden.device), chosen]

    def read(self) -> Tensor:
        """Return the features of the last forward pass, once; nothing is kept afterwards.

        Returns
        -------
        Tensor, shape (n, d)
            With the graph of the pass.

        Raises
        ------
        RuntimeError
            If there was no pass since the last reading.
        """
        found, self._found, self.tokens = self._found, None, None
        if found is None:
            raise RuntimeError(
                "features must be read after a forward pass of the model; got none since the last "
                "reading. Make the reader for the model that is trained, and read once a pass."
            )
        return found

    def close(self) -> None:
        """Take the hook away; the reader is of no further use."""
        self._hook.remove()
        self._found, self.tokens = None, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _encoder_of(model: nn.Module) -> nn.Module:
    """Return what stands before the classification head."""
    encoder = getattr(model, "base_model", None)
    if not isinstance(encoder, nn.Module) or not hasattr(model, "config"):
        raise TypeError(
            "model must be a text classifier of transformers "
            f"(AutoModelForSequenceClassification); got {type(model).__name__}."
        )
    if encoder is model:
        raise refusal(
            "model",
            "a classifier: an encoder with a head",
            f"{type(model).__name__}, which has no head",
            "Load it with AutoModelForSequenceClassification.",
        )
    if getattr(model.config, "is_encoder_decoder", False):
        raise refusal(
            "model",
            "an encoder, or decoder-only",
            f"{type(model).__name__}, an encoder with a decoder",
            "Such a model has no one vector of a text.",
        )
    return encoder


def _choose(model: nn.Module, feature: str | None, has_pooler: bool) -> str:
    if feature is None:
        idle = getattr(model.config, "model_type", None) in _IDLE_POOLERS
        if has_pooler and not idle:
            return "pooled"
        return "last_token" if _is_decoder(model) else "cls"
    check_choice("feature", feature, FEATURES)
    if feature == "pooled" and not has_pooler:
        others = ", ".join(repr(each) for each in FEATURES if each != "pooled")
        raise refusal(
            "feature",
            f"one of {others} for this model",
            "'pooled'",
            f"{type(model).__name__} has no pooler.",
        )
    return feature


def _is_decoder(model: nn.Module) -> bool:
    # In transformers the heads of decoders are called so; of the others a few are not.
    if hasattr(model, "score") or getattr(model.config, "is_decoder", False):
        return True
    transformers = sys.modules.get("transformers")  # there, if the model is one of its own
    if transformers is None:
        return False
    kind = type(model.config)
    causal, masked = "MODEL_FOR_CAUSAL_LM_MAPPING", "MODEL_FOR_MASKED_LM_MAPPING"
    return kind in getattr(transformers, causal) and kind not in getattr(transformers, masked)


def _width(config: Any) -> int:
    # Some models (OPT) project their last hidden state to another width.
    return int(getattr(config, "word_embed_proj_dim", None) or config.hidden_size)


def _part(output: Any, name: str, place: int) -> Tensor:
    """Return a part of the encoder's output, which is a mapping or a tuple."""
    found = output.get(name) if isinstance(output, Mapping) else output[place]
    if not isinstance(found, Tensor):
        raise TypeError(f"{name} must be a tensor; got {type(found).__name__} from the encoder.")
    return found


def _real_tokens(
    hidden: Tensor, ids: Tensor | None, mask: Tensor | None, config: Any, *, by_mask: bool
) -> Tensor:
    """Return which positions are no padding, as 0 and 1, shape (n, length)."""
    shape = hidden.shape[:2]
    padding = getattr(config, "pad_token_id", None)
    by_ids = None
    if ids is not None and padding is not None and ids.shape == shape:
        by_ids = ids.ne(padding).long()
    if mask is not None and mask.shape == shape and (by_mask or by_ids is None):
        return mask.ne(0).long()
    if by_ids is not None:
        return by_ids
    if mask is not None:
        raise refusal(
            "attention_mask", f"have shape {tuple(shape)}", f"shape {tuple(mask.shape)}",
            "Pass 1 for tokens and 0 for padding.",
        )  # fmt: skip
    return torch.ones(shape, dtype=torch.int64, device=hidden.device)
