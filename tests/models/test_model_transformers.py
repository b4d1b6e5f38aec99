"""Classifiers of transformers, made from a configuration and a small vocabulary."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.model_support import no_network, outputs

from infotheory.models.opening import as_classifier, open_model
from infotheory.models.specs import parse_spec

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "bad", "film", "good", "the", "##s"]
TEXTS = ["good", "the good film", "a bad", "films", "unknown"]
LONG = "the good film a bad film the good"
NAMES = {0: "negative", 1: "neutral", 2: "positive"}


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture(scope="module")
def transformers(torch: Any) -> Any:
    found = pytest.importorskip("transformers", reason="transformers is not installed")
    found.utils.logging.disable_progress_bar()
    return found


def saved(torch: Any, model_class: Any, config: Any, folder: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model_class(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def tokenizer(transformers: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    return transformers.BertTokenizerFast.from_pretrained(folder, model_max_length=8)


@pytest.fixture(scope="module")
def bert(transformers: Any, torch: Any, tokenizer: Any, tmp_path_factory: Any) -> Path:
    """A directory with a BERT that classifies texts, as save_pretrained writes it."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        num_labels=3,
        id2label=NAMES,
    )
    saved(torch, transformers.BertForSequenceClassification, config, folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def vit(transformers: Any, torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a vision transformer, and the preprocessing of its images."""
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    folder = tmp_path_factory.mktemp("tiny-vit")
    config = transformers.ViTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=16,
        patch_size=8,
        num_labels=4,
    )
    saved(torch, transformers.ViTForImageClassification, config, folder)
    processor = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "size": {"height": 16, "width": 16},
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.25, 0.25, 0.25],
        "resample": 2,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    return folder


@pytest.fixture
def copied(tmp_path: Path) -> Any:
    """Copies of a directory with some changes to its configuration."""

    def copy(folder: Path, **changes: Any) -> Path:
        place = tmp_path / "copy"
        shutil.copytree(folder, place)
        config = json.loads((place / "config.json").read_text(encoding="utf-8")) | changes
        (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return place

    return copy


def opened(folder: Path, query: str = "") -> Any:
    return open_model(f"hf:{folder}{query}", device="cpu")


# ------------------------------------------------------------------------------------------- texts


def test_texts_equal_transformers_by_hand(
    transformers: Any, torch: Any, bert: Path, tokenizer: Any
) -> None:
    module = transformers.AutoModelForSequenceClassification.from_pretrained(bert).eval()
    with no_network():
        model = opened(bert)
    assert (model.name, model.kind, model.n_outputs) == (bert.name, "logits", 3)
    assert model.class_names == ("negative", "neutral", "positive")
    found = outputs(model, TEXTS)
    with torch.no_grad():
        batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
        np.testing.assert_array_equal(found, module(**batch).logits.numpy())
        # One at a time, without any padding: the same but for the order of sums of 16 terms.
        alone = [module(**tokenizer(text, return_tensors="pt")).logits.numpy() for text in TEXTS]
    np.testing.assert_allclose(found, np.concatenate(alone), rtol=0, atol=1e-6)
    assert model.notes == ()


def test_pairs_of_texts_are_told_apart(
    transformers: Any, torch: Any, bert: Path, tokenizer: Any
) -> None:
    module = transformers.AutoModelForSequenceClassification.from_pretrained(bert).eval()
    pairs = [("good film", "bad"), ("bad", "good film")]
    model = opened(bert)
    prepared = [model.prepare(pair) for pair in pairs]
    assert prepared[0]["token_type_ids"] == [0, 0, 0, 0, 1, 1]
    with torch.no_grad():
        batch = tokenizer(*map(list, zip(*pairs, strict=True)), padding=True, return_tensors="pt")
        np.testing.assert_array_equal(model.outputs(prepared), module(**batch).logits.numpy())


def test_long_texts_are_cut_and_counted(bert: Path, tokenizer: Any) -> None:
    model = opened(bert)
    prepared = [model.prepare(text) for text in (*TEXTS, LONG)]
    assert [len(one["input_ids"]) for one in prepared] == [3, 5, 4, 4, 3, 8]
    expected = [2, *tokenizer.convert_tokens_to_ids(LONG.split()[:6]), 3]
    assert prepared[-1]["input_ids"] == expected
    assert model.notes == (f"model {bert.name!r}: 1 of 6 texts were cut at 8 tokens",)
    shorter = opened(bert, "?max_length=4")
    assert len(shorter.prepare(LONG)["input_ids"]) == 4
    assert shorter.fingerprint() != model.fingerprint()


def test_texts_are_prepared_in_many_threads(bert: Path) -> None:
    model = opened(bert)
    texts = [TEXTS[1], LONG] * 200
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(model.prepare, texts))
    assert found == [model.prepare(TEXTS[1]), model.prepare(LONG)] * 200


def test_the_longest_input_of_the_model_counts_too(transformers: Any, torch: Any) -> None:
    from infotheory.models.text_models import _longest

    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    size |= {"intermediate_size": 8, "vocab_size": 9, "max_position_embeddings": 20}
    bert = transformers.BertForSequenceClassification(transformers.BertConfig(**size))
    # Positions of RoBERTa count from behind the padding, 1: 20 of them reach for 18 tokens.
    roberta = transformers.RobertaForSequenceClassification(
        transformers.RobertaConfig(**size, pad_token_id=1)
    )

    class Tokenizer:
        model_max_length = 10**30

    assert (_longest(bert, Tokenizer), _longest(roberta, Tokenizer)) == (20, 18)
    Tokenizer.model_max_length = 12
    assert _longest(roberta, Tokenizer) == 12
    tokens = torch.ones(1, 18, dtype=torch.long) * 5
    roberta.eval()(tokens)
    with pytest.raises((IndexError, RuntimeError)):
        roberta(torch.ones(1, 19, dtype=torch.long) * 5)


def test_without_padding_texts_go_one_by_one(
    transformers: Any, torch: Any, tokenizer: Any, tmp_path: Path
) -> None:
    config = transformers.GPT2Config(
        vocab_size=len(WORDS), n_embd=8, n_layer=1, n_head=2, n_positions=16, num_labels=2,
        bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    saved(torch, transformers.GPT2ForSequenceClassification, config, tmp_path)
    tokenizer.save_pretrained(tmp_path)
    settings = tmp_path / "tokenizer_config.json"
    kept = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps(kept | {"pad_token": None}), encoding="utf-8")
    module = transformers.GPT2ForSequenceClassification.from_pretrained(tmp_path).eval()
    model = opened(tmp_path)
    assert model.tokenizer.pad_token is None
    assert model.class_names is None  # LABEL_0 and LABEL_1
    with torch.no_grad():
        alone = [module(**tokenizer(text, return_tensors="pt")).logits.numpy() for text in TEXTS]
    np.testing.assert_allclose(outputs(model, TEXTS), np.concatenate(alone), rtol=0, atol=1e-6)


@pytest.mark.parametrize("sample", [np.zeros(3), ("a", "b", "c"), 7])
def test_what_is_no_text_is_refused(bert: Path, sample: Any) -> None:
    with pytest.raises(ValueError, match="sample must be a text, or a pair of texts; got an"):
        opened(bert).prepare(sample)


# ------------------------------------------------------------------------------------------ images


def test_images_equal_transformers_by_hand(transformers: Any, torch: Any, vit: Path) -> None:
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    module = transformers.AutoModelForImageClassification.from_pretrained(vit).eval()
    with no_network():
        model = opened(vit)
    assert (model.n_outputs, model.class_names) == (4, None)
    small = np.stack([np.asarray(Image.fromarray(one).resize((16, 16), 2)) for one in images])
    pixels = torch.from_numpy((small / 255 - 0.5) / 0.25).float().permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = module(pixels).logits.numpy()
    for samples in (images, [Image.fromarray(one) for one in images]):
        # The processor normalises in float32: a few roundings of 6e-8 on inputs of up to 2.
        np.testing.assert_allclose(outputs(model, samples), expected, rtol=0, atol=2e-6)
    assert model.prepare(pixels[0].numpy()).shape == (3, 16, 16)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"architectures": ["BertForMaskedLM"]}, "with architectures ['BertForMaskedLM']"),
        ({"architectures": None}, "with architectures []"),
        ({"problem_type": "multi_label_classification"}, "problem_type 'multi_label_class"),
        ({"problem_type": "regression"}, "problem_type 'regression'"),
        ({"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}, "with num_labels 1"),
    ],
)
def test_what_does_not_classify_is_refused(
    bert: Path, copied: Any, changes: dict[str, Any], fact: str
) -> None:
    with pytest.raises(ValueError, match="model must be a") as caught:
        opened(copied(bert, **changes))
    assert fact in str(caught.value)


def test_a_head_is_never_drawn_at_random(bert: Path, copied: Any) -> None:
    from safetensors.torch import load_file, save_file

    place = copied(bert)
    weights = load_file(place / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "classifier" not in name}
    save_file(kept, place / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"all its weights.*without classifier.bias, classifier.w"):
        opened(place)


def test_unsafe_weights_are_refused_with_the_safe_way(torch: Any, bert: Path, copied: Any) -> None:
    place = copied(bert)
    (place / "model.safetensors").unlink()
    torch.save({}, place / "pytorch_model.bin")
    with pytest.raises(ValueError, match="weights as safetensors") as caught:
        opened(place)
    assert "with pytorch_model.bin. Where you trust them, load and save" in str(caught.value)
    (place / "pytorch_model.bin").unlink()
    with pytest.raises(ValueError, match=r"with no weights\."):
        opened(place)


@pytest.mark.usefixtures("transformers")
def test_names_that_are_not_on_this_machine(tmp_path: Path) -> None:
    import huggingface_hub.constants

    with no_network(), pytest.raises(ValueError, match="nothing is downloaded unasked") as caught:
        open_model("hf:nobody/no-such-model")
    assert "got 'nobody/no-such-model', which is not (" in str(caught.value)
    assert "Pass download=True (--download), or a file or directory" in str(caught.value)
    assert not huggingface_hub.constants.HF_HUB_OFFLINE

    (tmp_path / "x").touch()
    for place in (tmp_path / "none", "./none", "~/none", "a/b/c", tmp_path / "x"):
        with pytest.raises(ValueError, match="a directory, or a name like 'owner/model'"):
            open_model(f"hf:{place}")
    with pytest.raises(ValueError, match=r"with a config.json; got '.*', with x\."):
        open_model(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("?max_length=x", "max_length must be a positive integer"),
        ("?max_length=0", "max_length must be a positive integer"),
        ("?len=3", "without options that hf: does not have; got 'len'"),
    ],
)
def test_options_out_of_range_are_refused(bert: Path, query: str, text: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        opened(bert, query)
    assert text in str(caught.value)


def test_images_have_no_length(vit: Path) -> None:
    with pytest.raises(ValueError, match="max_length must be given for texts; got a model of im"):
        opened(vit, "?max_length=3")


def test_reports_and_bars_are_as_before(transformers: Any, bert: Path, capfd: Any) -> None:
    logging = transformers.utils.logging
    logging.enable_progress_bar()
    level = logging.get_verbosity()
    try:
        opened(bert)
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (level, True)
    finally:
        logging.disable_progress_bar()
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------------------------------- at hand


def test_models_at_hand(transformers: Any, bert: Path, vit: Path, tokenizer: Any) -> None:
    module = transformers.AutoModelForSequenceClassification.from_pretrained(bert)
    model = as_classifier(module, preprocess=tokenizer, name="mine")
    np.testing.assert_array_equal(outputs(model, TEXTS), outputs(opened(bert), TEXTS))
    image = np.zeros((20, 30, 3), dtype=np.uint8)
    module = transformers.AutoModelForImageClassification.from_pretrained(vit)
    processor = transformers.AutoImageProcessor.from_pretrained(vit)
    model = as_classifier(module, preprocess=processor)
    np.testing.assert_array_equal(outputs(model, [image]), outputs(opened(vit), [image]))
    with pytest.raises(ValueError, match="Pass preprocess="):
        as_classifier(module).prepare("text")


def test_fingerprints_know_weights_and_words_again(bert: Path, copied: Any) -> None:
    first = opened(bert)
    before = first.fingerprint()
    outputs(first, [*TEXTS, LONG])  # what the tokenizer has done does not count
    place = copied(bert)
    assert first.fingerprint() == before == opened(place).fingerprint()
    words = json.loads((place / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = words["model"]["vocab"]
    vocabulary["good"], vocabulary["bad"] = vocabulary["bad"], vocabulary["good"]
    (place / "tokenizer.json").write_text(json.dumps(words), encoding="utf-8")
    assert opened(place).fingerprint() != before


def test_fingerprints_know_the_processor_of_images_again(vit: Path, copied: Any) -> None:
    before = opened(vit).fingerprint()
    place = copied(vit)
    assert opened(place).fingerprint() == before
    settings = place / "preprocessor_config.json"
    changed = json.loads(settings.read_text(encoding="utf-8")) | {"image_mean": [0.5, 0.5, 0.6]}
    settings.write_text(json.dumps(changed), encoding="utf-8")
    assert opened(place).fingerprint() != before


def test_the_scheme_has_a_form() -> None:
    from infotheory.models.opening import MODEL_FORMS

    assert parse_spec("model", "hf:owner/model?revision=v1", MODEL_FORMS).place == "owner/model"
