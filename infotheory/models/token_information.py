"""Information of the tokens of a text to a causal language model."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from infotheory._typing import FloatArray, IntArray
from infotheory._validation import check_base, check_count, check_flag, check_level, refusal
from infotheory.exceptions import PrecisionWarning
from infotheory.models.causal_models import CausalModel, Window, open_causal, windows
from infotheory.models.token_result import TokenInformation

__all__ = ["token_information"]


class _Text(NamedTuple):
    """A text as tokens."""

    tokens: IntArray  # all but the first are predicted
    offsets: IntArray  # of those that are
    left_out: int  # characters that nothing predicts
    own: int  # where the tokens of the text itself begin


def token_information(
    model: Any,
    tokenizer: Any,
    text: str | Sequence[str],
    *,
    max_length: int | None = None,
    stride: int | None = None,
    batch_size: int = 8,
    base: float | None = None,
    device: Any = None,
    progress: bool | None = None,
    level: float = 0.95,
) -> TokenInformation:
    """Information density -ln p(x_t | x_<t) of each token of a text to a causal language model.

    Parameters
    ----------
    model : transformers.PreTrainedModel or path_like
        A language model that predicts the next token; or a directory with one, written by
        ``save_pretrained``, of which safetensors are read.
    tokenizer : transformers.PreTrainedTokenizerBase or None
        Its tokenizer, a fast one; None for the one in the directory.
    text : str or sequence of str
        The text, or several that do not depend on each other.
    max_length : int, optional
        Tokens of a window, the last of which is only predicted; by default what model and tokenizer
        take, up to 1024.
    stride : int, optional
        By how many tokens the window moves on over a longer text, less than `max_length`; half of
        it by default. Behind the first window each token is predicted from ``max_length - stride``
        tokens at least.
    batch_size : int, default 8
        Windows at once; fewer where memory does not suffice.
    base : float, optional
        Base of the logarithm, 2 for bits; nats by default.
    device : str or torch.device, optional
        Where to compute. None leaves a model where it is, and opens one from a directory on a GPU
        where there is one.
    progress : bool, optional
        Whether to show a bar; by default on a terminal, where it takes more than two seconds.
    level : float, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    TokenInformation
        ``information`` and ``conditional_entropy`` of each token; ``entropy_rate`` and
        ``per_character`` with intervals; ``perplexity``, ``varentropy``, ``to_frame()``,
        ``plot()``.

    Raises
    ------
    ValueError, TypeError
        If the model is no causal language model, the tokenizer is not its own, a text has no token
        to predict, or a number is not as described.
    ImportError
        If torch or transformers is not there.

    Warns
    -----
    PrecisionWarning
        Where tokens do not tell the text: what they leave out costs nothing here, so that
        information per character is too low.

    Notes
    -----
    The first token is predicted from the tokenizer's token that begins a text; where it has none,
    the first token is left out, and its characters with it. Special tokens are not added otherwise.
    The logits of float32 (or lower) weights are turned into logarithms of probabilities in double
    precision. O(n max_length / stride) tokens go through the model.

    The mean is a cross-entropy: the entropy rate of the text plus what the model does not know.
    Where it lies above the mean of ``conditional_entropy``, the model is more certain than it
    should be. Neighbouring tokens depend on each other, so the interval comes from blocks
    (:func:`infotheory.estimators.estimate_rate`).

    **Another model of the same text.** Bits a token compare models with one tokenizer only; per
    character all of them can be compared, if they have read the same text before and are measured
    on the same characters. With Markov sources of letters (:func:`infotheory.sources.fit_markov`):

    .. code-block:: python

        alphabet, codes = np.unique(list(known + held_out), return_inverse=True)
        source = fit_markov(codes[: len(known)], 4, n_symbols=len(alphabet))
        ours = token_information(model, tokenizer, held_out, base=2)
        letters, other = ours.by_character(), source.information(codes[len(known) :], base=2)
        both = ~np.isnan(letters)
        ours.per_character, estimate_rate(other[both], base=2)
        estimate_rate((letters - other)[both], base=2)  # paired: below zero, ours is better
        block_spectra({"ours": letters[both], "4 letters": other[both]}, 1000)

    References
    ----------
    .. [1] shannon1951prediction.
    .. [2] flegal2010batch.
    """
    unit, level = check_base(base), check_level(level)
    size = check_count("batch_size", batch_size)
    shown = None if progress is None else check_flag("progress", progress)
    texts = _as_texts(text)
    if isinstance(model, (str, os.PathLike)):
        model, tokenizer = open_causal(model, tokenizer, device=device)
    reader = CausalModel(model, tokenizer, max_length=max_length, stride=stride, device=device)
    read = [_read(tokenizer, each, place, len(texts)) for place, each in enumerate(texts)]
    _check_vocabulary(reader.module, read)
    cut = [[*windows(each.tokens, reader.max_length, reader.stride)] for each in read]
    measured = _measure(reader, [window for each in cut for window in each], size, shown)
    if np.isnan(measured).any():
        raise refusal("logits", "numbers", "nan", "Check the weights; float16 may overflow.")
    measured /= 1.0 if unit is None else math.log(unit)
    found = np.concatenate([each.tokens[1:] for each in read])
    doubts = _doubts(tokenizer, texts, read)
    for doubt in doubts:
        warnings.warn(doubt, PrecisionWarning, stacklevel=2)
    return TokenInformation(
        model=reader.name,
        tokens=tuple(map(str, tokenizer.convert_ids_to_tokens(found.tolist()))),
        offsets=np.concatenate([each.offsets for each in read]),
        documents=np.repeat(np.arange(len(read)), [len(each.offsets) for each in read]),
        information=measured[:, 0].copy(),
        conditional_entropy=measured[:, 1].copy(),
        characters=np.array([len(each) for each in texts]),
        left_out=np.array([each.left_out for each in read]),
        base=unit,
        level=level,
        max_length=reader.max_length,
        stride=reader.stride,
        warnings=doubts,
    )


def _as_texts(text: Any) -> list[str]:
    texts = [text] if isinstance(text, str) else text
    if not isinstance(texts, Sequence) or not all(isinstance(each, str) for each in texts):
        kind = type(text).__name__
        raise TypeError(str(refusal("text", "a str, or a sequence of them", f"a {kind}")))
    if not texts or not all(texts):
        fact = f"an empty one at text[{[*texts].index('')}]" if texts else "none"
        raise refusal("text", "have characters", fact if len(texts) != 1 else "an empty one")
    return [*texts]


def _read(tokenizer: Any, text: str, place: int, n_texts: int) -> _Text:
    """Turn a text into tokens, behind the one that begins a text."""
    read = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )
    tokens = np.array(read["input_ids"], dtype=np.int64)
    offsets = np.array(read["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    begin = tokenizer.bos_token_id
    needed = 2 if begin is None else 1
    if tokens.size < needed:
        raise refusal(
            "text" if n_texts == 1 else f"text[{place}]",
            f"of {needed} token(s) at least, with a tokenizer that has "
            f"{'no' if begin is None else 'a'} token to begin with",
            str(tokens.size),
            "What comes first is only looked at." if begin is None else "",
        )
    if begin is not None:
        return _Text(np.concatenate([[begin], tokens]), offsets, 0, 1)
    # Of a character of several tokens the others are predicted.
    return _Text(tokens, offsets[1:], int(min(offsets[0, 1], offsets[1, 0])), 0)


def _check_vocabulary(module: Any, read: Sequence[_Text]) -> None:
    """Refuse tokens that the model does not know: on a GPU that would be no Python error."""
    known = len(module.get_input_embeddings().weight)
    most = max(int(each.tokens.max()) for each in read)
    if most >= known:
        raise refusal(
            "tokenizer", f"that of the model, which knows {known:,} tokens", f"token {most}"
        )


def _measure(
    reader: CausalModel, cut: Sequence[Window], size: int, progress: bool | None
) -> FloatArray:
    """Return information and conditional entropy of all new targets, in the order of windows."""
    from tqdm.auto import tqdm

    found: dict[int, FloatArray] = {}
    # Windows of like lengths share a batch, so that little is padding; the longest come first.
    order = sorted(range(len(cut)), key=lambda place: -cut[place].inputs.size)
    total = sum(window.targets.size - window.first for window in cut)
    with tqdm(
        total=total,
        unit=" tokens",
        unit_scale=True,
        delay=2,  # seconds: short runs stay silent
        disable=None if progress is None else not progress,
    ) as bar:
        for start in range(0, len(order), size):
            places = order[start : start + size]
            outputs = reader.outputs([cut[place] for place in places]).numpy()
            for place, rows in zip(places, outputs, strict=True):
                found[place] = rows[: cut[place].targets.size - cut[place].first]
                bar.update(len(found[place]))
    return np.concatenate([found[place] for place in range(len(cut))])


def _doubts(tokenizer: Any, texts: Sequence[str], read: Sequence[_Text]) -> tuple[str, ...]:
    """Say what tokens do not tell of the texts."""
    unknown = tokenizer.unk_token_id
    if unknown in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        unknown = None  # that of a tokenizer which knows all bytes
    unseen = sum(int((each.tokens[each.own :] == unknown).sum()) for each in read)
    lost = 0
    for text, each in zip(texts, read, strict=True):
        inside = np.zeros(len(text) + 1, dtype=np.int64)
        np.add.at(inside, each.offsets[:, 0], 1)
        np.add.at(inside, each.offsets[:, 1], -1)
        bare = int((np.cumsum(inside)[each.left_out : -1] == 0).sum())
        words = each.tokens[each.own :]
        if bare and tokenizer.decode(words, clean_up_tokenization_spaces=False) != text:
            lost += bare
    total = sum(map(len, texts))
    found = []
    if unseen:
        found.append(f"{unseen:,} token(s) stand for text that the tokenizer does not know.")
    if lost:
        found.append(f"{lost:,} of {total:,} characters belong to no token.")
    advice = " Information per character leaves out what they are: do not compare it."
    return tuple(each + advice for each in found)
