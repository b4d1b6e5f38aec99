"""Models of transformers for texts: tokens, padding, and where a text ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from infotheory._validation import refusal
from infotheory.models.offline import replaced
from infotheory.models.samples import is_text, shown
from infotheory.models.torch_modules import TorchClassifier

__all__ = ["TextClassifier", "input_length", "padding_side"]


class TextClassifier(TorchClassifier):
    """A model of transformers for texts, or pairs of texts.

    Texts are cut at the longest input of the model; how many were is among the notes. A batch is
    padded to its longest text: behind the texts where the model counts positions, which padding
    before them would move, and else where its tokenizer does.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        With a head for sequences.
    tokenizer : transformers.PreTrainedTokenizerBase
        Its tokenizer.
    max_length : int or None, default None
        Number of tokens to cut at; None for the most that tokenizer and model take.
    **options
        As for :class:`infotheory.models.torch_modules.TorchClassifier`.

    Raises
    ------
    ValueError
        If the tokenizer has no words, or the model takes fewer tokens than `max_length`.
    """

    def __init__(
        self, module: Any, tokenizer: Any, *, max_length: int | None = None, **options: Any
    ) -> None:
        _refuse_wordless(tokenizer)
        # Without a token for padding, texts of different lengths cannot share a batch.
        super().__init__(module, most=None if tokenizer.pad_token else 1, **options)
        self.tokenizer = tokenizer
        self._side = padding_side(module, tokenizer)
        self.max_length = input_length(max_length, module, tokenizer)
        self._lock = threading.Lock()  # a tokenizer changes while it works
        self._seen = self._cut = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """How many texts were cut."""
        cut, seen = f"{self._cut:,}", f"{self._seen:,}"
        note = f"model {self.name!r}: {cut} of {seen} texts were cut at {self.max_length} tokens"
        return (note,) if self._cut else ()

    def begin(self) -> None:
        """Count anew how many texts are cut."""
        self._seen = self._cut = 0

    def prepare(self, sample: Any) -> dict[str, list[int]]:
        """Turn a text or a pair of texts into tokens.

        Parameters
        ----------
        sample : str or (str, str)
            The text.

        Returns
        -------
        dict of str to list of int
            Arguments of the module.

        Raises
        ------
        ValueError
            If it is no text.
        """
        if not is_text(sample):
            raise refusal("sample", "a text, or a pair of texts", shown(sample))
        texts = (sample,) if isinstance(sample, str) else sample
        with self._lock:
            tokens = self.tokenizer(*texts, verbose=False)
            self._seen += 1
            if self.max_length is not None and len(tokens["input_ids"]) > self.max_length:
                self._cut += 1
                tokens = self.tokenizer(*texts, truncation=True, max_length=self.max_length)
        return dict(tokens)

    def collate(self, prepared: Sequence[Any]) -> Any:
        """Pad tokens to the longest text of the batch.

        Parameters
        ----------
        prepared : sequence of dict
            What :meth:`prepare` has returned.

        Returns
        -------
        dict of str to torch.Tensor
        """
        return self.tokenizer.pad(
            list(prepared),
            padding=len(prepared) > 1,
            padding_side=self._side,
            return_tensors="pt",
        )

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Beside the rest, the tokenizer's padding is the model's: decoders look for its end."""
        config, padding = self.module.config.get_text_config(), self.tokenizer.pad_token_id
        if padding is None:
            padding = config.pad_token_id
        with super()._at_work(), replaced(config, "pad_token_id", padding):
            yield

    def fingerprint(self) -> str:
        """Return a name for weights, structure, tokenizer and precision.

        Returns
        -------
        str
            SHA-256.
        """
        return self._identity(self.precision, self.max_length, _told(self.tokenizer), self.module)


def _refuse_wordless(tokenizer: Any) -> None:
    """Refuse a tokenizer to which all texts are alike."""
    special = set(tokenizer.all_special_tokens)
    if not any(token not in special and token.strip("\u2581") for token in tokenizer.get_vocab()):
        raise refusal(
            "tokenizer",
            "that of the model, with a vocabulary",
            f"a {type(tokenizer).__name__} with {len(tokenizer)} special token(s) and no words",
            "Load it from where its files are, or save it beside the model.",
        )


def padding_side(module: Any, tokenizer: Any) -> str:
    """Return where padding goes: behind texts where a model counts positions from the left."""
    return "right" if _positions(module) is not None else str(tokenizer.padding_side)


def input_length(asked: int | None, module: Any, tokenizer: Any) -> int | None:
    """Return the number of tokens to cut at."""
    most = _positions(module)
    if asked is not None and most is not None and asked > most:
        raise refusal("max_length", f"at most the {most} tokens that the model takes", str(asked))
    return asked or _longest(module, tokenizer)


def _longest(module: Any, tokenizer: Any) -> int | None:
    """Return the most tokens that model and tokenizer take, or None where there is no limit."""
    known = tokenizer.model_max_length < 10**9  # what is unknown is a number beyond all uses
    limits = (int(tokenizer.model_max_length) if known else None, _positions(module))
    return min((limit for limit in limits if limit is not None), default=None)


def _positions(module: Any) -> int | None:
    """Return for how many tokens a model has positions, or None where it counts none."""
    positions = getattr(module.config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= 0:
        return None
    # RoBERTa and its kin count positions from behind that of the padding.
    padding = getattr(getattr(module.base_model, "embeddings", None), "padding_idx", None)
    return positions - (-1 if padding is None else padding) - 1


def _told(tokenizer: Any) -> str:
    """Return what decides a tokenizer, without the state that its last use has left."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return json.dumps(tokenizer.get_vocab(), sort_keys=True)
    told = json.loads(backend.to_str())
    return json.dumps({k: v for k, v in told.items() if k not in ("truncation", "padding")})
