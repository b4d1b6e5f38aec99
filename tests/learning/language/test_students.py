"""Smaller students: which layers they have, and that the model stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: no students")
pytest.importorskip("transformers", reason="transformers is not installed: no models")

import torch
import transformers
from learning.language.distilled import bert, collate, texts

from infotheory.learning.language.students import fewer_layers

SMALL = {"vocab_size": 40, "num_labels": 3, "pad_token_id": 0}


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Nothing said about special tokens beyond a vocabulary this small."""
    transformers.utils.logging.set_verbosity_error()
    yield
    transformers.utils.logging.set_verbosity_warning()


def by_hand(model: Any, layers: list[int], batch: Any) -> torch.Tensor:
    """The logits of a BERT of which only some layers are passed, one after the other."""
    inner = model.bert
    hidden = inner.embeddings(input_ids=batch["input_ids"])
    mask = torch.where(batch["attention_mask"][:, None, None, :] == 1, 0.0, -torch.inf)
    for layer in layers:
        found = inner.encoder.layer[layer](hidden, mask)
        hidden = found[0] if isinstance(found, tuple) else found
    return model.classifier(inner.pooler(hidden))


@pytest.mark.parametrize(
    ("depth", "n", "layers", "chosen"),
    [
        (4, 2, "first", [0, 1]),
        (4, 2, "even", [0, 3]),
        (6, 3, "even", [0, 2, 5]),
        (4, 1, "even", [0]),
        (4, 4, "even", [0, 1, 2, 3]),
        (4, 2, (3, 1), [3, 1]),
        (12, 6, "even", [0, 2, 4, 7, 9, 11]),  # those that DistilBERT begins with
    ],
)
def test_a_student_is_its_layers(depth: int, n: int, layers: Any, chosen: list[int]) -> None:
    model = bert(layers=depth).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(1)
    state = torch.get_rng_state()
    student = fewer_layers(model, n, layers=layers)
    assert torch.equal(state, torch.get_rng_state())
    assert (student.config.num_hidden_layers, model.config.num_hidden_layers) == (n, depth)
    assert not student.training
    batch = collate(texts(5, labelled=False))
    with torch.no_grad():
        # Products of the same matrices; the mask may be applied by another kernel.
        assert torch.allclose(student(**batch).logits, by_hand(model, chosen, batch), atol=1e-5)
        for each in student.parameters():  # copies: the model does not move with them
            each.add_(1.0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "kind", ["DistilBert", "Roberta", "Electra", "GPT2", "Llama", "ModernBert", "Qwen2", "Albert"]
)
def test_encoders_and_decoders(kind: str) -> None:
    sizes = {
        "DistilBert": {"dim": 16, "n_layers": 4, "n_heads": 2, "hidden_dim": 24},
        "GPT2": {"n_embd": 16, "n_layer": 4, "n_head": 2},
    }.get(kind, {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2,
                 "intermediate_size": 24, "num_key_value_heads": 2})  # fmt: skip
    config = getattr(transformers, f"{kind}Config")(**SMALL, **sizes)
    if hasattr(config, "layer_types") and config.layer_types is not None:
        assert len(config.layer_types) == 4
    model = getattr(transformers, f"{kind}ForSequenceClassification")(config).double().train()
    if kind == "Albert":  # its layers are one
        with pytest.raises(TypeError, match=r"one stack of layers; got Albert.* with 0"):
            fewer_layers(model, 2)
        return
    chosen = [0, 3] if kind == "ModernBert" else [1, 3]
    student = fewer_layers(model, 2, layers=chosen)
    assert (student.dtype, student.training) == (torch.float64, True)
    assert type(student) is type(model)
    if getattr(config, "layer_types", None) is not None:
        assert student.config.layer_types == [config.layer_types[layer] for layer in chosen]
    both = [sum(each.numel() for each in one.parameters()) for one in (model, student)]
    assert both[1] < both[0]
    ids = torch.tensor([[3, 4, 5], [6, 7, 8]])
    student.eval()
    model.eval()
    assert not torch.equal(student(input_ids=ids).logits, model(input_ids=ids).logits)
    if kind == "ModernBert":  # the first of its layers has no normalisation before it
        with pytest.raises(ValueError, match=r"got \[1, 3\] for ModernBert.*Begin with layer 0"):
            fewer_layers(model, 2, layers=[1, 3])
    whole = fewer_layers(model, 4)
    assert torch.equal(whole(input_ids=ids).logits, model(input_ids=ids).logits)


@pytest.mark.parametrize(
    ("n", "layers", "text"),
    [
        (5, "even", "n_layers must be at most the 4 layers of the model; got 5"),
        (0, "even", "n_layers must be a positive integer"),
        (2, "last", "layers must be one of 'even', 'first'; got 'last'"),
        (2, [0, 4], "layers must be 2 numbers from 0 to 3; got 4"),
        (2, [0, -1], "layers must be 2 numbers from 0 to 3; got -1"),
        (2, [0, 1, 2], "layers must be 2 numbers from 0 to 3; got 3 of them"),
        (2, [0, 1.0], "layers must be 2 numbers from 0 to 3; got 1.0"),
    ],
)
def test_layers_that_are_not_there(n: int, layers: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        fewer_layers(bert(layers=4), n, layers=layers)


@pytest.mark.parametrize("model", [torch.nn.Linear(2, 2), "bert"])
def test_what_is_no_model_of_layers(model: Any) -> None:
    with pytest.raises(TypeError, match=r"one stack of layers; got .* with 0"):
        fewer_layers(model, 1)
