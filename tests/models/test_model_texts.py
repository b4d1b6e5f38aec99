"""Models of texts: tokenizers, padding, how long a text may be, and what else a directory holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.model_support import outputs

from infotheory.models.opening import as_classifier, open_model

LETTERS = "abcdefghijklmnopqrstuvwxyz"
UNKNOWN = {"unk_token": "<unk>"}
RNG = np.random.default_rng(0)
TEXTS = [" ".join(RNG.choice(list(LETTERS), length)) for length in (1, 12, 3, 7, 2, 12, 5)]
SIZES = {
    "Bert": {"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32},
    "Roberta": {"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32},
    "GPT2": {"n_embd": 16, "n_layer": 2},
    "Bart": {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1},
}


@pytest.fixture(scope="module", autouse=True)
def _libraries() -> None:
    for name in ("torch", "transformers"):
        pytest.importorskip(name, reason=f"{name} is not installed")


def words(**options: Any) -> Any:
    """A tokenizer that knows letters: 0 is padding, 1 begins a text, and 2 ends it."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    special = {"<s>": 1, "</s>": 2, "<pad>": 0, "<unk>": 3}
    found = Tokenizer(
        models.WordLevel(special | {c: 4 + i for i, c in enumerate(LETTERS)}, **UNKNOWN)
    )
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokens = UNKNOWN | {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    inputs = ["input_ids", "attention_mask"]
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=found, model_input_names=inputs, **(tokens | options)
    )


def network(kind: str, positions: int = 40, **options: Any) -> Any:
    """A small model of one kind; its weights are large enough for positions to matter."""
    import torch
    import transformers

    more = {"num_attention_heads": 2, "n_head": 2, "encoder_attention_heads": 2}
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=30, num_labels=3, max_position_embeddings=positions, bos_token_id=1,
        eos_token_id=2, initializer_range=0.5, **{"pad_token_id": 0, **SIZES[kind], **more},
        decoder_attention_heads=2, **options,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, f"{kind}ForSequenceClassification")(config).eval()


def alone(module: Any, tokenizer: Any) -> np.ndarray:
    """What each text gives by itself, without padding."""
    import torch

    with torch.no_grad():
        batches = [tokenizer(text, return_tensors="pt") for text in TEXTS]
        return np.concatenate([module(**batch).logits.numpy() for batch in batches])


# ----------------------------------------------------------------------------------------- padding


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["Bert", "Roberta", "GPT2", "Bart"])
def test_a_text_gives_the_same_in_any_batch(kind: str, side: str) -> None:
    """Positions count from the first token on, whatever side its tokenizer would pad."""
    module, tokenizer = network(kind), words(padding_side=side)
    model: Any = as_classifier(module, preprocess=tokenizer)
    prepared = [model.prepare(text) for text in TEXTS]
    # Sums of at most 40 terms of float32 in another order, on logits of up to 10.
    expected = alone(module, tokenizer)
    np.testing.assert_allclose(model.outputs(prepared), expected, rtol=0, atol=1e-4)
    assert np.abs(expected - expected[0]).max() > 0.1
    assert tokenizer.padding_side == side


def test_models_without_positions_are_padded_where_their_tokenizers_do() -> None:
    """XLNet reads the end of a batch, wherever its texts end."""
    import transformers

    config = transformers.XLNetConfig(
        vocab_size=30, d_model=16, n_layer=1, n_head=2, d_inner=32, num_labels=3, pad_token_id=0
    )
    module = transformers.XLNetForSequenceClassification(config).eval()
    tokenizer = words(padding_side="left")
    model: Any = as_classifier(module, preprocess=tokenizer)
    expected = alone(module, tokenizer)
    np.testing.assert_allclose(outputs(model, TEXTS), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("padding", [None, 5])
def test_the_end_of_a_text_is_where_its_tokenizer_pads(padding: int | None) -> None:
    """The configuration of a model at hand may say nothing of padding, or another token."""
    module = network("GPT2")
    expected = alone(module, words())
    module.config.pad_token_id = padding
    model = as_classifier(module, preprocess=words())
    np.testing.assert_allclose(outputs(model, TEXTS), expected, rtol=0, atol=1e-4)
    assert module.config.pad_token_id == padding


# -------------------------------------------------------------------------------------- tokenizers


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "GPT2"])
def test_a_directory_without_a_tokenizer_is_refused(kind: str, tmp_path: Path) -> None:
    """Of which transformers may make one to which all texts are alike."""
    network(kind).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"model must be .*; got '{tmp_path}'") as caught:
        open_model(f"hf:{tmp_path}")
    assert "without" in str(caught.value) or "its library can load" in str(caught.value)
    assert "on this machine" not in str(caught.value)
    words().save_pretrained(tmp_path)
    assert open_model(f"hf:{tmp_path}", device="cpu").n_outputs == 3


def test_a_tokenizer_without_words_is_refused(tmp_path: Path) -> None:
    """Also where its settings are there, as after a download that was broken off."""
    import transformers
    from tokenizers import Tokenizer, models

    network("Bert").save_pretrained(tmp_path)
    settings = {"tokenizer_class": "BertTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    text = r"tokenizer must be that of the model, with a vocabulary; got a BertTokenizer.* with \d"
    with pytest.raises(ValueError, match=text):
        open_model(f"hf:{tmp_path}")
    blank = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<unk>": 0, "\u2581": 1}, **UNKNOWN)),
        **UNKNOWN,
    )
    with pytest.raises(ValueError, match=r"and no words\. Load it from where its files are"):
        as_classifier(network("Bert"), preprocess=blank)


# ------------------------------------------------------------------------------------------ length


def test_longer_than_the_positions_is_refused(tmp_path: Path) -> None:
    network("Bert", positions=8).save_pretrained(tmp_path)
    words().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"max_length must be at most the 8 tokens .*; got 9\."):
        open_model(f"hf:{tmp_path}?max_length=9")
    model: Any = open_model(f"hf:{tmp_path}?max_length=8", device="cpu")
    assert np.isfinite(outputs(model, TEXTS)).all()
    assert model.max_length == 8


def test_both_texts_of_a_pair_are_kept_when_it_is_cut() -> None:
    """Tokens go from the longer of the two, one by one."""
    model: Any = as_classifier(network("Bert", positions=9), preprocess=words())
    ids = model.prepare(("a b c d e f g", "x y z x y z"))["input_ids"]
    a, x = 4, 4 + LETTERS.index("x")
    assert ids == [1, a, a + 1, a + 2, 2, x, x + 1, x + 2, 2]
    assert model.prepare(("a", "x y z x y z"))["input_ids"][:3] == [1, a, 2]


# ------------------------------------------------------------------------------------- directories


def test_weights_compute_in_float32_however_they_are_stored(tmp_path: Path) -> None:
    import torch

    module = network("Bert").to(torch.bfloat16)
    module.save_pretrained(tmp_path)
    words().save_pretrained(tmp_path)
    model: Any = open_model(f"hf:{tmp_path}", device="cpu")
    assert {tensor.dtype for tensor in model.module.parameters()} == {torch.float32}
    expected = alone(module.float(), words())
    np.testing.assert_allclose(outputs(model, TEXTS), expected, rtol=0, atol=1e-4)


def broken(how: str, place: Path) -> None:
    """Damage a directory."""
    path = place / ("model.safetensors" if how == "weights" else "config.json")
    if how in ("weights", "settings"):
        path.write_bytes(b"junk")
        return
    settings = json.loads(path.read_text()) | {"model_type": "unheard-of"}
    path.write_text(json.dumps(settings))


@pytest.mark.parametrize("how", ["weights", "settings", "type"])
@pytest.mark.parametrize("download", [True, False])
def test_damaged_directories_are_here_all_the_same(
    how: str, download: bool, tmp_path: Path
) -> None:
    network("Bert").save_pretrained(tmp_path)
    words().save_pretrained(tmp_path)
    broken(how, tmp_path)
    with pytest.raises(ValueError, match="model must be one that its library can load") as caught:
        open_model(f"hf:{tmp_path}", download=download)
    assert "Save the model once more, with all that belongs to it." in str(caught.value)


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    """It would leave a mark."""
    network("Bert").save_pretrained(tmp_path)
    words().save_pretrained(tmp_path)
    mark = tmp_path / "was-run"
    (tmp_path / "own.py").write_text(
        f"open({str(mark)!r}, 'w').close()\n"
        "from transformers import BertConfig as OwnConfig\n"
        "from transformers import BertForSequenceClassification as Own\n"
    )
    path = tmp_path / "config.json"
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.Own"}
    settings = json.loads(path.read_text()) | {"model_type": "own", "auto_map": own}
    path.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"code is that of its library; got .* its own"):
        open_model(f"hf:{tmp_path}")
    assert not mark.exists()
