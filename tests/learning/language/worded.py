"""A tiny encoder in a directory, with a tokenizer of whole words, and texts of such words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from learning.language.tiny import WORDS, classifier

HEADER = "sentence\tlabel\n"


def tokenizer(*, backwards: bool = False) -> Any:
    """Words w4, w5, ... with numbers of their own, or with these in the other direction."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    numbers = range(4, WORDS)
    known = dict(
        zip((f"w{k}" for k in numbers), numbers[::-1] if backwards else numbers, strict=True)
    )
    special = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}
    found = Tokenizer(models.WordLevel(special | known, unk_token="[UNK]"))  # noqa: S106 - a word
    found.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=found,
        unk_token="[UNK]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
        model_input_names=["input_ids", "attention_mask"],
    )


def encoder(folder: Path, **options: Any) -> Path:
    """An encoder without a head, as it is before fine-tuning."""
    classifier(dropout=0.1, **options).base_model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def sst2(folder: Path, n: int = 64, dev: int = 24) -> Path:
    """Files in the form of SST-2, in which each class has words of its own beside common ones."""
    rng = np.random.default_rng(5)
    (folder / "SST-2").mkdir(parents=True)
    for split, rows in (("train", n), ("dev", dev)):
        lines = []
        for row in range(rows):
            label = row % 2
            words = rng.integers(4 + 9 * label, 27 + 9 * label, int(rng.integers(3, 9)))
            lines.append(f"{' '.join(f'w{word}' for word in words)}\t{label}\n")
        path = folder / "SST-2" / f"{split}.tsv"
        path.write_text(HEADER + "".join(lines), encoding="utf-8")
    return folder
