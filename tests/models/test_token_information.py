"""Information of tokens: against one pass of the whole prefix for each of them, and by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from models.model_support import module_of, no_network

from infotheory.exceptions import PrecisionWarning, UndefinedIntervalWarning
from infotheory.models.causal_models import CausalModel, windows
from infotheory.models.token_information import token_information
from infotheory.models.token_result import TokenInformation

LETTERS = "abcdefghijklmnopqrstuvwxyz \n"
TEXT = "the cat sat on the mat and the dog sat on the cat\nall in all a day"
UNKNOWN = {"unk_token": "<unk>"}
SHORT = "no interval of one block"
SIZES = {
    "GPT2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64},
    "Llama": {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 64,
    },
}  # fmt: skip
HEADS = {"GPT2": "GPT2LMHeadModel", "Llama": "LlamaForCausalLM"}

pytestmark = pytest.mark.filterwarnings(
    # What is tested here is not the interval, which short texts do not have.
    "ignore:The interval rests on:infotheory.exceptions.PrecisionWarning"
)


@pytest.fixture(scope="module", autouse=True)
def _libraries() -> None:
    for name in ("torch", "transformers"):
        pytest.importorskip(name, reason=f"{name} is not installed")


def letters(begin: bool = True, alphabet: str = LETTERS, **options: Any) -> Any:
    """A tokenizer of single characters; 0 begins a text, if there is such a token, 1 is unknown."""
    import transformers
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    special = {"<s>": 0, "<unk>": 1}
    vocabulary = special | {c: 2 + i for i, c in enumerate(alphabet)}
    found = Tokenizer(models.WordLevel(vocabulary, **UNKNOWN))
    found.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    found.decoder = decoders.Fuse()
    tokens = UNKNOWN | ({"bos_token": "<s>"} if begin else {})
    return transformers.PreTrainedTokenizerFast(tokenizer_object=found, **(tokens | options))


def network(kind: str = "GPT2", *, double: bool = True, **options: Any) -> Any:
    """A small language model; its weights are large enough for what is far away to matter."""
    import torch
    import transformers

    begin = {"vocab_size": 32, "bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.3}
    config = getattr(transformers, f"{kind}Config")(**(begin | SIZES[kind] | options))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = getattr(transformers, HEADS[kind])(config).eval()
    return module.double() if double else module


def told(module: Any, tokens: list[int]) -> np.ndarray:
    """Logarithms of the law of the token that follows some: one pass, nothing padded."""
    import torch

    with torch.no_grad():
        logits = module(input_ids=torch.tensor([tokens])).logits[0, -1]
    z = logits.double().numpy()
    top = max(z)
    return z - top - math.log(math.fsum(math.exp(each - top) for each in z))


def expected(module: Any, tokens: list[int], seen: Any) -> tuple[list[float], list[float]]:
    """Information and entropy of all tokens but the first, of which seen(t) before t are seen."""
    information, entropy = [], []
    for t in range(1, len(tokens)):
        log_p = told(module, tokens[t - seen(t) : t])
        information.append(-float(log_p[tokens[t]]))
        entropy.append(-math.fsum(math.exp(each) * each for each in log_p))
    return information, entropy


# ----------------------------------------------------------------------------------------- oracle


@pytest.mark.parametrize("kind", ["GPT2", "Llama"])
@pytest.mark.parametrize("begin", [True, False])
def test_each_token_equals_one_pass_over_its_prefix(kind: str, begin: bool) -> None:
    """All of the text is in one window."""
    module, tokenizer = network(kind), letters(begin)
    text = TEXT[:60]
    found = token_information(module, tokenizer, text)
    tokens = [0] * begin + tokenizer.encode(text, add_special_tokens=False)
    information, entropy = expected(module, tokens, lambda t: t)
    # Some hundred products in double precision each
    np.testing.assert_allclose(found.information, information, rtol=1e-11)
    np.testing.assert_allclose(found.conditional_entropy, entropy, rtol=1e-11)
    assert found.n == len(information) == 60 - (not begin)
    assert found.tokens == tuple(text[not begin :])


def context(t: int, length: int, stride: int) -> int:
    """How many tokens are seen before token t: counted window by window."""
    begin = 0
    while begin + length <= t:
        begin += stride
    return t - begin


@pytest.mark.parametrize(
    ("length", "stride"), [(8, 7), (8, 1), (8, 3), (8, 4), (2, 1), (7, 5), (64, 32), (67, 3)]
)
@pytest.mark.parametrize("kind", ["GPT2", "Llama"])
def test_windows_move_over_long_texts(kind: str, length: int, stride: int) -> None:
    module, tokenizer = network(kind, **({"n_positions": 80} if kind == "GPT2" else {})), letters()
    if kind == "Llama":
        module.config.max_position_embeddings = 80  # rotations have no end
    found = token_information(module, tokenizer, TEXT, max_length=length, stride=stride)
    tokens = [0, *tokenizer.encode(TEXT, add_special_tokens=False)]
    seen = [context(t, length, stride) for t in range(1, len(tokens))]
    assert all(each >= min(t, length - stride) for t, each in enumerate(seen, 1))
    assert max(seen) == min(length, len(tokens)) - 1
    information, entropy = expected(module, tokens, lambda t: seen[t - 1])
    np.testing.assert_allclose(found.information, information, rtol=1e-11)
    np.testing.assert_allclose(found.conditional_entropy, entropy, rtol=1e-11)
    assert (found.max_length, found.stride) == (length, stride)


@pytest.mark.parametrize("size", [2, 3, 9, 10, 11, 40])
@pytest.mark.parametrize(("length", "stride"), [(10, 9), (10, 1), (10, 7), (2, 1)])
def test_windows_predict_each_token_once(size: int, length: int, stride: int) -> None:
    tokens = np.arange(size) + 5
    cut = [*windows(tokens, length, stride)]
    predicted = np.concatenate([window.targets[window.first :] for window in cut])
    assert predicted.tolist() == tokens[1:].tolist()
    for window in cut:
        assert 1 <= window.inputs.size < length
        assert (window.targets == window.inputs + 1).all()
    for window in cut[1:]:
        assert window.first + 1 == length - stride


@pytest.mark.parametrize("kind", ["GPT2", "Llama"])
def test_the_size_of_batches_changes_nothing(kind: str) -> None:
    """Windows of different lengths, padded or not."""
    module, tokenizer = network(kind), letters()
    texts = [TEXT, "a", TEXT[:30], "some more"]
    found = [
        token_information(module, tokenizer, texts, max_length=16, stride=5, batch_size=size)
        for size in (1, 3, 100)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other.information, found[0].information, rtol=1e-11)
        np.testing.assert_allclose(
            other.conditional_entropy, found[0].conditional_entropy, rtol=1e-11
        )
    alone = np.concatenate(
        [quietly(module, tokenizer, text, max_length=16, stride=5).information for text in texts]
    )
    np.testing.assert_allclose(found[0].information, alone, rtol=1e-11)
    assert found[0].lengths.tolist() == [len(text) for text in texts]
    assert found[0].documents.tolist() == [d for d, text in enumerate(texts) for _ in text]


@pytest.mark.filterwarnings(
    "ignore:The interval is undefined:infotheory.exceptions.UndefinedIntervalWarning"
)
def quietly(*args: Any, **options: Any) -> Any:
    return token_information(*args, **options)


@pytest.mark.parametrize("rows", [1, 64, 65, 1000])
def test_large_vocabularies_are_taken_in_parts(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module, tokenizer = network(), letters()
    whole = token_information(module, tokenizer, TEXT)
    monkeypatch.setattr("infotheory.models.causal_models._NUMBERS", rows)
    parts = token_information(module, tokenizer, TEXT)
    assert np.array_equal(parts.information, whole.information)


def test_single_precision_is_close_to_double() -> None:
    """Logits of some units, rounded to 24 bits in some hundred products."""
    tokenizer = letters()
    single = token_information(network(double=False), tokenizer, TEXT)
    double = token_information(network(), tokenizer, TEXT)
    np.testing.assert_allclose(single.information, double.information, rtol=1e-4, atol=1e-4)
    assert single.information.dtype == np.float64


def test_half_precision_is_taken_as_it_is() -> None:
    import torch

    module = network(double=False).to(torch.bfloat16)
    found = token_information(module, letters(), TEXT)
    double = token_information(network(), letters(), TEXT)
    # Eight bits: logits are some units large
    np.testing.assert_allclose(found.information.mean(), double.information.mean(), rtol=0.05)


# ------------------------------------------------------------------------------------ known values


def uniform(kind: str = "GPT2") -> Any:
    import torch

    module = network(kind, double=False)
    with torch.no_grad():
        module.get_output_embeddings().weight.zero_()
    return module


def test_a_uniform_model_gives_the_logarithm_of_the_vocabulary() -> None:
    found = token_information(uniform("Llama"), letters(), TEXT)
    # log_softmax of 32 equal numbers: one rounded logarithm
    np.testing.assert_allclose(found.information, math.log(32), rtol=4e-16)
    np.testing.assert_allclose(found.conditional_entropy, math.log(32), rtol=4e-16)
    assert found.entropy_rate == pytest.approx(math.log(32), rel=1e-15)
    assert found.per_character == pytest.approx(math.log(32), rel=1e-15)
    assert found.perplexity == pytest.approx(32, rel=1e-14)
    assert found.varentropy < 1e-28
    assert found.entropy_rate.standard_error < 1e-14


def test_bits_are_nats_over_ln_2() -> None:
    module, tokenizer = network(), letters()
    nats = token_information(module, tokenizer, TEXT)
    bits = token_information(module, tokenizer, TEXT, base=2)
    for name in ("information", "conditional_entropy"):
        np.testing.assert_allclose(
            getattr(bits, name), getattr(nats, name) / math.log(2), rtol=1e-15
        )
    assert bits.entropy_rate == pytest.approx(nats.entropy_rate / math.log(2), rel=1e-14)
    assert bits.entropy_rate.standard_error == pytest.approx(
        nats.entropy_rate.standard_error / math.log(2), rel=1e-12
    )
    assert bits.varentropy == pytest.approx(nats.varentropy / math.log(2) ** 2, rel=1e-12)
    assert bits.perplexity == pytest.approx(nats.perplexity, rel=1e-13)
    assert (bits.unit, nats.unit, bits.entropy_rate.unit) == ("bits", "nats", "bits")


def test_summaries_are_those_of_the_information() -> None:
    found = token_information(network(), letters(), [TEXT, TEXT[:20]], level=0.8)
    values = found.information.tolist()
    mean = math.fsum(values) / len(values)
    assert found.entropy_rate == pytest.approx(mean, rel=1e-14)
    assert found.entropy_rate.level == found.per_character.level == 0.8
    assert found.entropy_rate.n == found.n == len(TEXT) + 20
    assert found.entropy_rate.interval.method.startswith("batch means")
    assert found.varentropy == pytest.approx(
        math.fsum((v - mean) ** 2 for v in values) / len(values), rel=1e-13
    )
    assert found.perplexity == pytest.approx(math.exp(mean), rel=1e-13)
    # One token a character here
    assert found.per_character == pytest.approx(mean, rel=1e-14)
    np.testing.assert_allclose(found.by_character(), values, rtol=1e-15)


# ---------------------------------------------------------------------------- tokens and characters


def pairs_of_bytes(begin: bool) -> Any:
    """Bytes, and the merges of some: a character may take two tokens, a token two characters."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<s>", *alphabet, "th", "the", "Ġt", "Ġthe", "at"]
    merges = [("t", "h"), ("th", "e"), ("Ġ", "t"), ("Ġ", "the"), ("a", "t")]
    found = Tokenizer(models.BPE({word: i for i, word in enumerate(words)}, merges))
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    options = {"bos_token": "<s>"} if begin else {}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=found, **options)


@pytest.mark.parametrize("begin", [True, False])
def test_offsets_rebuild_the_text(begin: bool) -> None:
    text = "the cat at the mat é sat — there 🙂 is that\n\n"
    tokenizer = pairs_of_bytes(begin)
    module = network(vocab_size=len(tokenizer))
    found = token_information(module, tokenizer, text)
    pieces, done = [], 0
    for start, end in found.offsets:
        pieces.append(text[max(start, done) : end])
        done = max(done, end)
    assert "".join(pieces) == text[int(found.left_out[0]) :]
    assert found.left_out.tolist() == [0 if begin else 3]
    assert found.warnings == ()
    assert found.characters.tolist() == [len(text)]

    by_character = found.by_character()
    assert by_character.size == len(text)
    skipped = int(found.left_out[0])
    assert np.isnan(by_character[:skipped]).all()
    rest = by_character[skipped:]
    assert rest.sum() == pytest.approx(found.information.sum(), rel=1e-13)
    rate = math.fsum(found.information) / (len(text) - skipped)
    assert found.per_character == pytest.approx(rate, rel=1e-13)
    assert found.per_character < found.entropy_rate * 1.2
    # A token's information stands where its last character is.
    for place in range(skipped, len(text)):
        own = found.information[found.offsets[:, 1] == place + 1]
        assert by_character[place] == pytest.approx(math.fsum(own), rel=1e-13)


@pytest.mark.filterwarnings(
    "ignore:The interval is undefined:infotheory.exceptions.UndefinedIntervalWarning"
)
def test_a_first_character_of_several_tokens_is_not_left_out() -> None:
    tokenizer = pairs_of_bytes(begin=False)
    found = token_information(network(vocab_size=len(tokenizer)), tokenizer, ["🙂", "é"])
    assert found.left_out.tolist() == [0, 0]
    assert found.lengths.tolist() == [3, 1]
    by_character = found.by_character()
    np.testing.assert_allclose(
        by_character, [found.information[:3].sum(), found.information[3]], rtol=1e-14
    )


@pytest.mark.filterwarnings(
    "ignore:The interval is undefined:infotheory.exceptions.UndefinedIntervalWarning"
)
def test_tokens_that_stand_nowhere_and_characters_without_a_token() -> None:
    """A token without characters comes with the one before, what is behind all with the last."""
    found = TokenInformation(
        model="by hand", tokens=("a", "nowhere", "bc"), offsets=np.array([[0, 1], [0, 0], [1, 3]]),
        documents=np.zeros(3, int), information=np.array([1.0, 2.0, 4.0]),
        conditional_entropy=np.zeros(3), characters=np.array([5]), left_out=np.array([0]),
        base=None, level=0.95, max_length=8, stride=4,
    )  # fmt: skip
    assert found.by_character().tolist() == [3.0, 0.0, 0.0, 0.0, 4.0]
    assert found.per_character == 7 / 5


def test_blanks_that_belong_to_a_token_are_not_missed() -> None:
    """Some tokenizers do not count the blank before a word, though the token tells it."""
    from tokenizers import processors

    tokenizer = pairs_of_bytes(begin=True)
    tokenizer.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    text = "the cat at that"
    found = token_information(network(vocab_size=len(tokenizer)), tokenizer, text)
    assert (found.offsets[1:, 0] > found.offsets[:-1, 1]).sum() == text.count(" ")
    assert found.warnings == ()


def test_special_tokens_are_not_part_of_the_text() -> None:
    """Of a tokenizer that begins and ends texts by itself."""
    from tokenizers import processors

    tokenizer = letters()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A <unk>", special_tokens=[("<s>", 0), ("<unk>", 1)]
    )
    assert len(tokenizer(TEXT)["input_ids"]) == len(TEXT) + 2
    found = token_information(network(), tokenizer, TEXT, max_length=16)
    plain = token_information(network(), letters(), TEXT, max_length=16)
    assert np.array_equal(found.information, plain.information)


def test_documents_are_in_a_row_in_by_character() -> None:
    tokenizer = pairs_of_bytes(begin=False)
    texts = ["the cat", "at that", " the"]
    module = network(vocab_size=len(tokenizer))
    with pytest.raises(ValueError, match=re.escape("text[2] must be of 2 token(s) at least")):
        token_information(module, tokenizer, texts)
    texts[2] += "m"
    found = token_information(module, tokenizer, texts)
    assert found.left_out.tolist() == [3, 2, 4]
    known = ~np.isnan(found.by_character())
    assert known.tolist() == [c >= skip for t, skip in zip(texts, (3, 2, 4), strict=True)
                              for c in range(len(t))]  # fmt: skip
    assert found.per_character == pytest.approx(found.information.sum() / known.sum(), rel=1e-13)


def test_what_tokens_do_not_tell_is_said() -> None:
    tokenizer = letters(alphabet=LETTERS.replace("t", "").replace("m", ""))
    with pytest.warns(PrecisionWarning, match="token.s. stand for text that the tokenizer does"):
        found = token_information(network(), tokenizer, TEXT)
    count = sum(c in "tm" for c in TEXT)
    assert found.warnings[0].startswith(f"{count} token(s) stand for text")

    from tokenizers import pre_tokenizers

    words = letters(alphabet=LETTERS)
    words.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("", "isolated")]
    )
    blanks = sum(c.isspace() for c in TEXT)
    with pytest.warns(PrecisionWarning, match=f"{blanks} of {len(TEXT)} characters belong to no"):
        found = token_information(network(), words, TEXT)
    assert found.n == len(TEXT) - blanks
    # Characters in between belong to the next token.
    assert found.per_character == pytest.approx(found.information.sum() / len(TEXT), rel=1e-13)


# --------------------------------------------------------------------------------------- the result


def test_the_result_shows_itself() -> None:
    found = token_information(network(), letters(), [TEXT, TEXT], base=2)
    text = repr(found)
    assert text.startswith("TokenInformation(GPT2LMHeadModel: ")
    for part in (f"{found.entropy_rate.value:.4g} [", "bits a token", "a character, perplexity",
                 f"{2 * len(TEXT)} tokens in 2 texts"):  # fmt: skip
        assert part in text
    assert "\n" not in text
    shown = found._repr_html_()
    assert "<table>" in shown
    assert "batch means" not in text
    assert 'title="' in shown
    assert "<s>" not in shown
    with pytest.raises(ValueError, match="read-only"):
        found.information[0] = 0.0
    with pytest.raises(AttributeError):
        found.base = None  # type: ignore[misc]


def test_a_table_has_one_row_a_token() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    found = token_information(network(), letters(), [TEXT, SHORT])
    frame = found.to_frame()
    assert list(frame.columns) == [
        "document", "token", "start", "end", "information", "conditional_entropy",
    ]  # fmt: skip
    assert len(frame) == found.n
    second = frame[frame["document"] == 1]
    assert "".join(second["token"]) == SHORT
    assert [SHORT[a:b] for a, b in zip(second["start"], second["end"], strict=True)] == list(SHORT)


def test_plot_draws_the_spectrum() -> None:
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    found = token_information(network(), letters(), [TEXT * 3, TEXT * 2], max_length=16)
    figure, axes = plt.subplots()
    assert found.plot(axes) is axes
    assert axes.get_xlabel() == "nats a token, n = 4"  # 335 / 50 is 6.7
    assert found.plot(axes, n=10).get_xlabel() == "nats a token, n = 10"
    plt.close(figure)


# -------------------------------------------------------------------------------- from a directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tiny")
    network(double=False).save_pretrained(place)
    letters().save_pretrained(place)
    return place


def test_a_directory_is_opened_without_the_network(folder: Path) -> None:
    with no_network():
        found = token_information(folder, None, TEXT, device="cpu")
    given = token_information(network(double=False), letters(), TEXT)
    assert np.array_equal(found.information, given.information)
    assert found.model == folder.name
    other = token_information(str(folder), letters(), TEXT, device="cpu")
    assert np.array_equal(other.information, given.information)


def test_an_encoder_in_a_directory_is_refused(tmp_path: Path) -> None:
    import transformers

    config = transformers.BertConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16,
    )  # fmt: skip
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path)
    letters().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="BertLMHeadModel, which looks at later tokens too"):
        token_information(tmp_path, None, TEXT, device="cpu")


def test_a_directory_without_safetensors_is_refused(folder: Path, tmp_path: Path) -> None:
    import torch

    torch.save(network(double=False).state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(ValueError, match=r"weights as safetensors; got .*pytorch_model\.bin"):
        token_information(tmp_path, letters(), TEXT)


def test_weights_are_not_unpickled_beside_other_safetensors(folder: Path, tmp_path: Path) -> None:
    import torch

    torch.save(network(double=False).state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "other.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="model must be one that its library can load; got"):
        token_information(tmp_path, letters(), TEXT)


def test_a_directory_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    import transformers

    network(double=False).transformer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="directory with the model's own tokenizer"):
        token_information(tmp_path, None, TEXT)
    config = transformers.LlamaConfig(vocab_size=32, **SIZES["Llama"], tie_word_embeddings=False)
    transformers.LlamaModel(config).save_pretrained(tmp_path / "headless")
    with pytest.raises(ValueError, match=r"a model with all its weights; got .* without lm_head"):
        token_information(tmp_path / "headless", letters(), TEXT)


# ---------------------------------------------------------------------------------------- refusals


def test_models_that_are_not_causal_are_refused() -> None:
    import transformers

    bert = {"vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 16}  # fmt: skip
    bart = transformers.BartConfig(
        vocab_size=32, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
    )  # fmt: skip
    gpt = {"vocab_size": 32, "bos_token_id": 0, "eos_token_id": 0, **SIZES["GPT2"]}
    wrong = {
        "BertForMaskedLM, which looks at later": transformers.BertForMaskedLM(
            transformers.BertConfig(**bert)
        ),
        "GPT2Model, without logits for each": transformers.GPT2Model(
            transformers.GPT2Config(**gpt)
        ),
        "GPT2ForSequenceClassification, without logits": transformers.GPT2ForSequenceClassification(
            transformers.GPT2Config(**gpt, pad_token_id=0)
        ),
        "BartForConditionalGeneration, which reads with an encoder": (
            transformers.BartForConditionalGeneration(bart)
        ),
    }
    for fact, module in wrong.items():
        with pytest.raises(ValueError, match=f"model must be a causal language model.*{fact}"):
            token_information(module, letters(), TEXT)


def test_a_decoder_of_a_kind_of_encoders_is_taken() -> None:
    import transformers

    config = transformers.BertConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, is_decoder=True,
    )  # fmt: skip
    module = transformers.BertLMHeadModel(config).eval()
    assert token_information(module, letters(), TEXT).n == len(TEXT)


def test_other_things_are_refused() -> None:
    import torch

    module, tokenizer = network(), letters()
    with pytest.raises(TypeError, match="model must be a model of transformers, or a directory"):
        token_information(42, tokenizer, TEXT)
    with pytest.raises(TypeError, match="got an object of type Computing"):
        token_information(module_of(torch, lambda batch: batch), tokenizer, TEXT)
    with pytest.raises(ValueError, match=r"tokenizer must be a fast one of transformers.*NoneType"):
        token_information(module, None, TEXT)
    with pytest.raises(ValueError, match="which knows 20 tokens; got token 29"):
        token_information(network(vocab_size=20), tokenizer, "zaz \n")
    with pytest.raises(ValueError, match="level must be a number between 0 and 1"):
        token_information(module, tokenizer, TEXT, level=95)
    with pytest.raises(ValueError, match="batch_size must be a positive integer"):
        token_information(module, tokenizer, TEXT, batch_size=0)
    with pytest.raises(ValueError, match="base must be None"):
        token_information(module, tokenizer, TEXT, base=1)
    with pytest.raises(ValueError, match="progress must be True or False"):
        token_information(module, tokenizer, TEXT, progress="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "fault", "kind"),
    [
        ("", "text must have characters; got an empty one.", ValueError),
        ([], "text must have characters; got none.", ValueError),
        (["a", ""], "text must have characters; got an empty one at text[1].", ValueError),
        (7, "text must be a str, or a sequence of them; got a int.", TypeError),
        (["a", 7], "text must be a str, or a sequence of them; got a list.", TypeError),
    ],
)
def test_texts_that_are_none_are_refused(text: Any, fault: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=re.escape(fault)):
        token_information(network(), letters(), text)


def test_a_text_without_a_token_to_predict_is_refused() -> None:
    fault = "text must be of 2 token(s) at least, with a tokenizer that has no token to begin with"
    with pytest.raises(ValueError, match=re.escape(fault)):
        token_information(network(), letters(begin=False), "a")
    found = token_information(network(), letters(), "a")
    assert (found.n, found.left_out.tolist()) == (1, [0])
    with pytest.warns(UndefinedIntervalWarning, match="all values are in one block"):
        assert math.isnan(found.entropy_rate.low)
    with pytest.warns(UndefinedIntervalWarning):
        assert "nan" not in str(found)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"max_length": 8, "stride": 8},
            "stride must be less than max_length (8), or tokens would",
        ),
        ({"max_length": 1}, "max_length must be 2 at least: a token to look at, and one to"),
        ({"max_length": 65}, "max_length must be at most the 64 tokens that the model takes"),
        ({"max_length": 0}, "max_length must be a positive integer"),
        ({"stride": 0}, "stride must be a positive integer"),
        ({"device": "nowhere"}, "device must be None or a device of torch"),
    ],
)
def test_lengths_and_devices_are_checked(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        token_information(network(), letters(), TEXT, **options)


def test_logits_that_are_no_numbers_are_refused() -> None:
    import torch

    module = network()
    with torch.no_grad():
        module.transformer.ln_f.weight.fill_(math.nan)
    with pytest.raises(ValueError, match="logits must be numbers; got nan"):
        token_information(module, letters(), TEXT)


def test_lengths_are_as_long_as_the_model_takes() -> None:
    tokenizer = letters()
    reader = CausalModel(network(), tokenizer)
    assert (reader.max_length, reader.stride) == (64, 32)
    tokenizer.model_max_length = 20
    assert CausalModel(network(), tokenizer).max_length == 20
    assert CausalModel(network(n_positions=4096), letters()).max_length == 1024
    assert CausalModel(network(), letters(), max_length=2).stride == 1


def test_the_model_is_left_as_it_was() -> None:
    module = network().train()
    module.transformer.h[0].eval()
    first = token_information(module, letters(), TEXT)
    assert module.training
    assert not module.transformer.h[0].training
    # With dropout at work no two runs would be equal.
    assert np.array_equal(token_information(module, letters(), TEXT).information, first.information)
    assert all(weight.requires_grad for weight in module.parameters())


def test_too_little_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    from infotheory.exceptions import BatchHalvedWarning

    module, tokenizer = network(), letters()
    whole = token_information(module, tokenizer, TEXT, max_length=8)
    forward = module.forward

    def small(*, input_ids: Any, **options: Any) -> Any:
        if len(input_ids) > 3:
            raise RuntimeError("out of memory")
        return forward(input_ids=input_ids, **options)

    monkeypatch.setattr(module, "forward", small)
    with pytest.warns(BatchHalvedWarning, match="takes 2 at a time from now on"):
        found = token_information(module, tokenizer, TEXT, max_length=8)
    np.testing.assert_allclose(found.information, whole.information, rtol=1e-11)


def test_a_bar_counts_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []

    class Bar:
        def __init__(self, **options: Any) -> None:
            shown.append(options | {"done": 0})

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *fault: object) -> None:
            pass

        def update(self, count: int) -> None:
            shown[-1]["done"] += count

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    for progress in (None, True, False):
        token_information(network(), letters(), [TEXT, "ab"], max_length=8, progress=progress)
    assert [each["disable"] for each in shown] == [None, False, True]
    assert [each["done"] for each in shown] == [each["total"] for each in shown]
    assert shown[0]["total"] == len(TEXT) + 2


@pytest.mark.gpu
def test_a_gpu_gives_the_same() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    found = token_information(network(double=False), letters(), TEXT, device="cuda")
    host = token_information(network(double=False), letters(), TEXT, device="cpu")
    np.testing.assert_allclose(found.information, host.information, rtol=1e-4, atol=1e-4)
