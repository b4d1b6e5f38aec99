"""The feature vectors of text classifiers, read from their forward passes."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from learning.language.tiny import (
    LENGTH,
    PAD,
    PEFT_ASKS,
    batch_of,
    checkpoint_activations,
    classifier,
    texts,
)

pytest.importorskip("torch", reason="torch is not installed: no models to read")
pytest.importorskip("transformers", reason="transformers is not installed: no texts to classify")

from infotheory.learning.language import FeatureReader

KINDS = ("Bert", "DistilBert", "GPT2", "Llama", "Albert", "Electra", "OPT", "ModernBertDecoder")
CHOSEN = {"Bert": "pooled", "Albert": "pooled", "DistilBert": "cls", "Electra": "cls"}


def made(kind: str, **options: Any) -> Any:
    more: dict[str, Any] = {
        "OPT": {"word_embed_proj_dim": 8, "ffn_dim": 16},
        "Albert": {"embedding_size": 8},
    }
    return classifier(kind, **more.get(kind, {}) | options).eval()


def hidden_of(model: Any, batch: Any) -> Any:
    """The last hidden states, as transformers gives them to whoever asks."""
    return model.base_model(**batch).last_hidden_state


@pytest.mark.parametrize("kind", KINDS)
def test_a_feature_is_chosen_and_nothing_changes(kind: str) -> None:
    import torch

    model, batch = made(kind), batch_of(texts(4))
    with torch.no_grad():
        want = model(**batch).logits
        with FeatureReader(model) as reader:
            logits = model(**batch).logits
            features = reader.read()
    assert torch.equal(logits, want)
    assert reader.feature == CHOSEN.get(kind, "last_token")
    assert tuple(features.shape) == (4, reader.n_features)


@pytest.mark.parametrize("kind", ["Bert", "GPT2"])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("feature", ["cls", "mean", "last_token"])
def test_features_are_those_of_the_hidden_states(kind: str, left: bool, feature: str) -> None:
    import torch

    model, samples = made(kind), texts(5, left=left)
    batch = batch_of(samples)
    with torch.no_grad(), FeatureReader(model, feature) as reader:
        model(**batch)
        features = reader.read()
        hidden = hidden_of(model, batch)
    for row, sample in enumerate(samples):
        real = [place for place, there in enumerate(sample["attention_mask"]) if there]
        own = {
            "cls": hidden[row, real[0]],
            "mean": torch.stack([hidden[row, place] for place in real]).mean(0),
            "last_token": hidden[row, real[-1]],
        }[feature]
        # A mean of ten numbers of order one in single precision.
        torch.testing.assert_close(features[row], own, rtol=1e-5, atol=1e-6)


def test_a_pooler_that_feeds_no_head_is_not_chosen() -> None:
    """That of BigBird: its head reads the first token itself."""
    import torch

    model, batch = made("BigBird", attention_type="original_full"), batch_of(texts(3))
    with FeatureReader(model) as reader:
        logits = model(**batch).logits
        features = reader.read()
    assert reader.feature == "cls"
    torch.testing.assert_close(model.classifier(features[:, None]), logits)
    assert torch.autograd.grad(
        logits.sum(), model.bert.pooler.weight, allow_unused=True
    ) == (None,)  # fmt: skip


def test_pooled_is_what_the_pooler_gives() -> None:
    import torch

    model, batch = made("Bert"), batch_of(texts(3))
    with FeatureReader(model) as reader:
        logits = model(**batch).logits
        features = reader.read()
    assert torch.equal(features, model.bert(**batch).pooler_output)
    assert torch.equal(model.classifier(features), logits)
    (gradient,) = torch.autograd.grad(features.sum(), model.bert.pooler.dense.bias)
    assert bool((gradient != 0).any())


def test_the_head_of_a_decoder_reads_the_same_token() -> None:
    """Also where the padding token ends the text, as is usual for GPT-2."""
    import torch

    for kind in ("GPT2", "Llama"):
        model, batch = made(kind), batch_of(texts(4))
        batch["attention_mask"][:, -1] = 1  # the last padding counts as a token
        with FeatureReader(model) as reader:
            logits = model(**batch).logits
            features = reader.read()
        torch.testing.assert_close(model.score(features), logits)


def test_padding_without_a_mask() -> None:
    import torch

    model, batch = made("Bert"), batch_of(texts(4))
    with torch.no_grad(), FeatureReader(model, "mean") as reader:
        model(input_ids=batch["input_ids"])
        features = reader.read()
        hidden = model.base_model(input_ids=batch["input_ids"]).last_hidden_state
        weights = (batch["input_ids"] != PAD)[..., None]
        want = (hidden * weights).sum(1) / weights.sum(1)
        torch.testing.assert_close(features, want)
        embedded = model.get_input_embeddings()(batch["input_ids"])
        model(inputs_embeds=embedded)  # nothing tells what is padding
        features = reader.read()
        torch.testing.assert_close(
            features, model.base_model(inputs_embeds=embedded).last_hidden_state.mean(1)
        )


def test_outputs_as_tuples_and_other_precisions() -> None:
    import torch

    batch = batch_of(texts(3))
    model = made("Bert")
    for feature in ("pooled", "mean"):
        with torch.no_grad(), FeatureReader(model, feature) as reader:
            model(**batch)
            want = reader.read()
            model(**batch, return_dict=False)
            assert torch.equal(reader.read(), want)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                model(**batch)
                half = reader.read()
    assert half.dtype == torch.float32  # a mean
    torch.testing.assert_close(half, want, rtol=0.1, atol=0.05)


@PEFT_ASKS
def test_wrapped_models() -> None:
    import torch

    from infotheory.learning.language.features import unwrapped

    model, batch = made("Bert"), batch_of(texts(3))
    compiled = torch.compile(model, backend="eager")
    assert unwrapped(compiled) is model
    with torch.no_grad(), FeatureReader(compiled) as reader:
        assert reader.reads(model)
        assert not reader.reads(made("Bert"))
        model(**batch)
        want = reader.read()
    peft = pytest.importorskip("peft", reason="peft is not installed: no adapters")
    adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="SEQ_CLS", r=2))
    assert unwrapped(adapted) is model
    with torch.no_grad(), FeatureReader(adapted) as reader:
        adapted(**batch)
        torch.testing.assert_close(reader.read(), want)  # adapters begin as nothing


def test_gradient_checkpointing() -> None:
    import torch

    gradients = []
    for checkpointed in (False, True):
        model = classifier("Bert").train()
        if checkpointed:
            checkpoint_activations(model)
        with FeatureReader(model, "mean") as reader:
            model(**batch_of(texts(3)))
            reader.read().square().sum().backward()
        gradients.append(model.bert.embeddings.word_embeddings.weight.grad)
    torch.testing.assert_close(*gradients)


def test_nothing_is_kept_after_reading() -> None:
    model, batch = made("Bert"), batch_of(texts(3))
    with FeatureReader(model, keep_tokens=True) as reader:
        model(**batch)
        assert reader.tokens is not None
        features = weakref.ref(reader.read())
        gc.collect()
        assert features() is None
        assert reader.tokens is None
        with pytest.raises(RuntimeError, match="features must be read after a forward pass"):
            reader.read()
        model(**batch)
    with pytest.raises(RuntimeError, match="got none since the last reading"):
        reader.read()
    model(**batch)  # the hook is gone
    with pytest.raises(RuntimeError, match="got none since the last reading"):
        reader.read()
    assert not model.bert._forward_hooks


def test_tokens_are_those_that_the_model_was_given() -> None:
    import torch

    model, batch = made("Bert"), batch_of(texts(3))
    given = {**batch, "token_type_ids": torch.ones_like(batch["input_ids"])}
    with FeatureReader(model, keep_tokens=True) as reader:
        model(**given)
        assert reader.tokens is not None
        names = ("input_ids", "attention_mask", "token_type_ids")
        assert all(
            torch.equal(own, given[name]) for own, name in zip(reader.tokens, names, strict=True)
        )


def test_a_model_can_be_copied_and_saved_after_any_pass() -> None:
    """A graph cannot: the copy has none of what was found."""
    import copy
    import io

    import torch

    model, batch = made("Bert"), batch_of(texts(3))
    with FeatureReader(model, keep_tokens=True) as reader:
        logits = model(**batch).logits
        twin = copy.deepcopy(model)
        torch.save(model, io.BytesIO())
        assert reader.tokens is not None
        assert reader.read().grad_fn is not None  # still there for the model itself
    assert torch.equal(twin(**batch).logits, logits)
    (hook,) = twin.bert._forward_hooks.values()
    copied = hook.__self__
    assert copied is not reader
    assert copied.reads(twin)
    again = copy.deepcopy(twin).bert._forward_hooks.values()
    assert [(each.__self__.tokens, each.__self__._found) for each in again] == [(None, None)]


def test_refusals() -> None:
    import torch
    import transformers

    model = made("DistilBert")
    with pytest.raises(
        ValueError,
        match=r"feature must be one of 'cls', 'mean', 'last_token' for this model; got 'pooled'. "
        r"DistilBertForSequenceClassification has no pooler.",
    ):
        FeatureReader(model, "pooled")
    with pytest.raises(ValueError, match=r"feature must be one of 'pooled', 'cls', 'mean', 'last"):
        FeatureReader(model, "first")
    with pytest.raises(ValueError, match=r"model must be a classifier: an encoder with a head"):
        FeatureReader(model.base_model)
    with pytest.raises(TypeError, match=r"model must be a text classifier of transformers"):
        FeatureReader(torch.nn.Linear(2, 2))
    config = transformers.BartConfig(
        vocab_size=40, d_model=8, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=8,
        decoder_ffn_dim=8, encoder_attention_heads=1, decoder_attention_heads=1,
        max_position_embeddings=2 * LENGTH, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=2, forced_eos_token_id=2,
    )  # fmt: skip
    both = transformers.BartForSequenceClassification(config)
    with pytest.raises(ValueError, match=r"model must be an encoder, or decoder-only; got BartFor"):
        FeatureReader(both)


def test_a_mask_that_tells_nothing_of_tokens() -> None:
    batch, model = batch_of(texts(3)), made("Bert")
    embedded = model.get_input_embeddings()(batch["input_ids"])
    mask = batch["attention_mask"][:, None, None, :].bool()
    text = r"attention_mask must have shape \(3, 10\); got shape \(3, 1, 1, 10\)"
    with FeatureReader(model, "cls"), pytest.raises(ValueError, match=text):
        model(inputs_embeds=embedded, attention_mask=mask)
