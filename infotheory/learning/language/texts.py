"""Labelled texts as tokens, in the form in which transformers' Trainer takes them."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset
from tqdm.auto import tqdm

from infotheory._validation import check_count, refusal
from infotheory.models.interface import LabelledData
from infotheory.models.samples import is_text, shown

__all__ = ["TokenisedTexts"]

_CHUNK = 1024  # texts that go to the tokenizer together


class TokenisedTexts(Dataset):
    """Texts, or pairs of texts, as tokens with labels.

    Parameters
    ----------
    data : LabelledData
        Samples are texts or pairs of texts, as of :func:`infotheory.models.read_task`.
    tokenizer : transformers.PreTrainedTokenizerBase
        Of the model that is to read them.
    max_length : int, default 128
        Number of tokens to cut at; of a pair, the longer text is cut.
    progress : bool, default False
        Whether to show a bar.

    Attributes
    ----------
    cut : int
        How many were cut.
    n_classes : int
        C, the number of names of classes, or of labels up to the largest.
    name : str
        Of the data.
    fingerprint : str
        Of the data.

    Raises
    ------
    ValueError
        If a sample is no text, there are none, or a label is negative.

    Notes
    -----
    An item is a dict of lists as the tokenizer gives it, with "labels", a whole number;
    ``transformers.DataCollatorWithPadding(tokenizer)`` makes batches of them.
    """

    def __init__(
        self, data: LabelledData, tokenizer: Any, max_length: int = 128, *, progress: bool = False
    ) -> None:
        check_count("max_length", max_length)
        labels = [int(label) for label in data.labels]
        if not labels:
            raise refusal("data", "have at least one sample", f"{data.name!r} without any")
        if min(labels) < 0:
            row = next(row for row, label in enumerate(labels) if label < 0)
            raise refusal(
                "data",
                "labelled",
                f"{data.name!r} with label {labels[row]} in {data.where(row)}",
                "Take a split whose labels are public.",
            )
        self.name = data.name
        self.fingerprint = data.fingerprint()
        names = data.class_names
        self.n_classes = max(labels) + 1 if names is None else len(names)
        self.max_length = max_length
        self.cut = 0
        self._items: list[dict[str, Any]] = []
        chunks = range(0, len(labels), _CHUNK)
        for start in tqdm(chunks, desc="tokens", unit=" x 1,024 texts", disable=not progress):
            rows = range(start, min(start + _CHUNK, len(labels)))
            tokens = self._tokens(tokenizer, [_texts(data, row) for row in rows])
            for place, row in enumerate(rows):
                item = {key: values[place] for key, values in tokens.items()}
                self._items.append({**item, "labels": labels[row]})

    def _tokens(self, tokenizer: Any, samples: list[tuple[str, ...]]) -> dict[str, list[Any]]:
        """Return the tokens of some texts, and count those that are cut."""
        if len({len(sample) for sample in samples}) > 1:
            raise refusal("data", "of texts, or of pairs of texts", f"both, in {self.name!r}")
        texts = [list(part) for part in zip(*samples, strict=True)]
        tokens = dict(tokenizer(*texts, verbose=False))
        long = [k for k, ids in enumerate(tokens["input_ids"]) if len(ids) > self.max_length]
        if long:
            self.cut += len(long)
            short = tokenizer(
                *[[part[k] for k in long] for part in texts],
                truncation=True,
                max_length=self.max_length,
            )
            for key, values in tokens.items():
                for place, k in enumerate(long):
                    values[k] = short[key][place]
        return tokens

    @property
    def note(self) -> str | None:
        """How many texts were cut, or None."""
        if not self.cut:
            return None
        total = f"{len(self):,}"
        return f"{self.name}: {self.cut:,} of {total} texts were cut at {self.max_length} tokens"

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return dict(self._items[row])


def _texts(data: LabelledData, row: int) -> tuple[str, ...]:
    sample = data.sample(row)
    if not is_text(sample):
        raise refusal("data", "of texts, or pairs of texts", f"{shown(sample)}: {data.where(row)}")
    return (sample,) if isinstance(sample, str) else tuple(sample)
