"""Causal language models: what they say of each next token, window by window."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from infotheory._typing import IntArray
from infotheory._validation import check_count, refusal
from infotheory.models.offline import loaded
from infotheory.models.specs import Spec, needed
from infotheory.models.text_models import input_length
from infotheory.models.torch_modules import TorchClassifier, is_module, torch_device
from infotheory.models.transformers_models import (
    in_float32,
    named_place,
    quietly,
    refuse_blank,
    refuse_incomplete,
    refuse_unsafe,
)

__all__ = ["CausalModel", "Window", "open_causal", "windows"]

_LONGEST = 1024  # tokens of a window, where neither user nor model says less
_NUMBERS = 1 << 22  # of a table of logarithms: tokens times size of the vocabulary
# By how much logits may depend on later tokens, relative to the largest: by rounding alone.
_ROUNDING = {1: 1e-1, 2: 3e-2, 4: 1e-4, 8: 1e-9}


class Window(NamedTuple):
    """A stretch of tokens that goes through the model at once."""

    inputs: IntArray  # tokens that are looked at
    targets: IntArray  # the token after each of them
    first: int  # where the targets begin that no earlier window has predicted


def windows(tokens: IntArray, max_length: int, stride: int) -> Iterator[Window]:
    """Cut a text so that each token but the first is predicted once, from as much as fits.

    Parameters
    ----------
    tokens : ndarray of int, shape (n,)
        Two at least; the first is only looked at.
    max_length : int
        Tokens of a window, the last of which is only predicted: models that were trained on
        stretches as long as their positions have never predicted anything from the last one.
    stride : int
        By how many the window moves on, less than `max_length`.

    Yields
    ------
    Window
        Behind the first window, the model looks at ``max_length - stride`` tokens at least before
        each one that it predicts.
    """
    last, done, begin = tokens.size - 1, 0, 0
    while done < last:
        end = min(begin + max_length - 1, last)
        yield Window(tokens[begin:end], tokens[begin + 1 : end + 1], done - begin)
        done, begin = end, begin + stride


class CausalModel(TorchClassifier):
    """A causal language model of transformers; its samples are windows, not texts.

    The module computes in evaluation mode and without gradients, in the precision of its weights,
    and is left in the mode in which it was. Where memory does not suffice for a batch, the batch is
    halved.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        With a head for the next token.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer, a fast one.
    max_length : int or None, default None
        Tokens of a window, the last of which is only predicted; None for the most that tokenizer
        and model take, 1024 at most.
    stride : int or None, default None
        By how many tokens the window moves on; None for half of it.
    device : str or torch.device or None, default None
        Where to; None leaves the module where it is.

    Raises
    ------
    ValueError, TypeError
        If the module is no language model of one direction, the tokenizer does not know where its
        tokens stand, or a length is not one that the model takes.
    """

    def __init__(
        self,
        module: Any,
        tokenizer: Any,
        *,
        max_length: int | None = None,
        stride: int | None = None,
        device: Any = None,
    ) -> None:
        if not (is_module(module) and hasattr(module, "config")):
            kind = type(module).__name__
            text = "a model of transformers, or a directory with one"
            raise TypeError(str(refusal("model", text, f"an object of type {kind}")))
        if getattr(module.config, "is_encoder_decoder", False):
            raise self._wrong(f"{type(module).__name__}, which reads with an encoder")
        if not getattr(tokenizer, "is_fast", False):
            raise refusal(
                "tokenizer",
                "a fast one of transformers, which knows where its tokens stand in the text",
                type(tokenizer).__name__,
                "AutoTokenizer gives one for nearly all models.",
            )
        place = str(getattr(module.config, "name_or_path", ""))
        super().__init__(
            module,
            name=Path(place).name or type(module).__name__,
            preprocess=lambda window: window,
            device=device,
            precision=_precision(module),
        )
        asked = None if max_length is None else check_count("max_length", max_length)
        longest = input_length(asked, module, tokenizer)
        self.tokenizer = tokenizer
        self.max_length: int = asked or min(longest or _LONGEST, _LONGEST)
        if self.max_length < 2:
            raise refusal("max_length", "2 at least: a token to look at, and one to predict", "1")
        self.stride = self._checked_stride(stride)
        self._causal = False

    def _checked_stride(self, stride: int | None) -> int:
        if stride is None:
            return self.max_length // 2
        checked = check_count("stride", stride)
        if checked >= self.max_length:
            raise refusal(
                "stride",
                f"less than max_length ({self.max_length}), or tokens would be left out",
                str(checked),
                "Half of max_length is a usual choice.",
            )
        return checked

    def _wrong(self, fact: str) -> ValueError:
        return refusal(
            "model",
            "a causal language model, which predicts each token from those before it",
            fact,
            "Load it with transformers.AutoModelForCausalLM.",
        )

    def collate(self, prepared: Sequence[Any]) -> Any:
        """Pad windows behind their ends, where a causal model does not look from before them.

        Parameters
        ----------
        prepared : sequence of Window
            Of any lengths.

        Returns
        -------
        dict of str to torch.Tensor
        """
        torch = sys.modules["torch"]
        longest = max(window.inputs.size for window in prepared)
        tokens = torch.zeros(len(prepared), longest, dtype=torch.int64)
        mask = torch.zeros_like(tokens)
        for row, window in enumerate(prepared):
            tokens[row, : window.inputs.size] = torch.as_tensor(window.inputs)
            mask[row, : window.inputs.size] = 1
        return {"input_ids": tokens, "attention_mask": mask}

    def _forward(self, prepared: Sequence[Any]) -> Any:
        """Return -ln p of each new target, and the entropy of its law: (windows, tokens, 2)."""
        torch = sys.modules["torch"]
        found = torch.full((len(prepared), self.max_length, 2), torch.nan, dtype=torch.float64)
        with self._at_work():
            if not self._causal:
                self._check_causal(prepared[0])
            logits = self._of_tokens(self.collate(prepared))
            for row, (_, targets, first) in enumerate(prepared):
                new = logits[row, first : targets.size]
                measured = _measured(new, torch.as_tensor(targets[first:]).to(new.device))
                found[row, : len(measured)] = measured.cpu()
        return found

    def _of_tokens(self, batch: Any) -> Any:
        """Return logits of the next token, shape (windows, tokens, vocabulary)."""
        # What is remembered for tokens that would follow is not needed: memory.
        given = self.module(**self._sent(batch), use_cache=False)
        logits = getattr(given, "logits", None)
        n_windows, length = batch["input_ids"].shape
        if logits is None or logits.ndim != 3 or logits.shape[:2] != (n_windows, length):
            raise self._wrong(f"{type(self.module).__name__}, without logits for each token")
        return logits

    def _check_causal(self, window: Window) -> None:
        """Refuse a model that looks at later tokens: another last one must change nothing before.

        What a class is named does not tell: an encoder with a head for language models is one that
        its configuration can turn into a decoder, and is none before.
        """
        start = window.inputs[:8]
        tokens = start if start.size > 1 else window.targets[[0, 0]]
        other = tokens.copy()
        other[-1] = tokens[0] if tokens[0] != tokens[-1] else (tokens[-1] == 0)
        pair = [Window(each, each, 0) for each in (tokens, other)]
        logits = self._of_tokens(self.collate(pair))
        one, two = logits[:, :-1].double().cpu()
        finite = one.isfinite() & two.isfinite()
        gap = (one - two)[finite].abs().max().item() if finite.any() else 0.0
        size = one[finite].abs().max().item() if finite.any() else 0.0
        # An encoder of small random weights changes little, but relative to the spread it does.
        if gap > _ROUNDING[logits.dtype.itemsize] * size:
            raise self._wrong(f"{type(self.module).__name__}, which looks at later tokens too")
        self._causal = True


def _precision(module: Any) -> str:
    """Return the precision of the weights, as it is."""
    kinds = {str(weight.dtype) for weight in module.parameters() if weight.is_floating_point()}
    return next(
        (
            name
            for name, kind in (("fp16", "torch.float16"), ("bf16", "torch.bfloat16"))
            if kind in kinds
        ),
        "float32",
    )


def _measured(logits: Any, targets: Any) -> Any:
    """Return information and conditional entropy of tokens in nats, a table at a time."""
    torch = sys.modules["torch"]
    # Doubles, but where there are none: the sum over a vocabulary then adds no error of its own.
    dtype = torch.float32 if logits.device.type == "mps" else torch.float64
    rows = max(_NUMBERS // logits.shape[-1], 1)
    parts = []
    for some, wanted in zip(logits.split(rows), targets.split(rows), strict=True):
        log_p = some.to(dtype).log_softmax(dim=-1)
        own = -log_p.gather(1, wanted[:, None])[:, 0]
        parts.append(torch.stack([own.abs(), torch.special.entr(log_p.exp()).sum(dim=-1)], dim=1))
    return torch.cat(parts)


def open_causal(
    place: str | os.PathLike[str], tokenizer: Any = None, *, device: Any = None
) -> tuple[Any, Any]:
    """Open a causal language model from a directory, with its tokenizer; nothing is downloaded.

    Parameters
    ----------
    place : path_like
        A directory written by ``save_pretrained``, with weights as safetensors.
    tokenizer : transformers.PreTrainedTokenizerBase, optional
        By default the one in the directory.
    device : str or torch.device or None, default None
        Where to; None for a GPU where there is one.

    Returns
    -------
    module : transformers.PreTrainedModel
        In float32.
    tokenizer : transformers.PreTrainedTokenizerBase

    Raises
    ------
    ValueError
        If it is no such directory, a part of the model is not in it, or it has no tokenizer.
    ImportError
        If transformers is not there.
    """
    text = str(place)
    spec = Spec("model", text, "hf", text, {})
    folder = named_place(spec)
    transformers = needed("transformers", "a language model", "language")
    needed("torch", "a language model", "learning")
    options = {"local_files_only": True, "trust_remote_code": False}
    with quietly(transformers):
        refuse_unsafe(spec, folder)
        module, report = loaded(
            lambda: transformers.AutoModelForCausalLM.from_pretrained(
                folder,
                use_safetensors=True,
                output_loading_info=True,
                **in_float32(transformers),
                **options,
            ),
            text,
            False,
        )
        refuse_incomplete(spec, report)
        if tokenizer is None:
            tokenizer = loaded(
                lambda: transformers.AutoTokenizer.from_pretrained(folder, **options), text, False
            )
            refuse_blank(spec, folder, tokenizer)
    return module.to(torch_device(device)), tokenizer
