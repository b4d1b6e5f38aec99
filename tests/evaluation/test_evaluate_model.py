"""``evaluate_model`` finds what ``measure_classifier`` finds in the outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation.fakes import FEATURES, LABELS, MATRIX, OUTPUTS, FakeData, FakeModel, K, N
from hypothesis import given
from hypothesis import strategies as st

from infotheory import NCMIReport, measure_classifier
from infotheory.evaluation import evaluate_model, evaluate_models
from infotheory.exceptions import EmptyClassWarning, InfotheoryWarning
from infotheory.models import UnreadableSampleError


def same(found: NCMIReport, expected: NCMIReport) -> bool:
    """Equal but for the order of summation: some N roundings of sums that do not cancel."""
    numbers = {k: v for k, v in expected.to_dict().items() if isinstance(v, float)}
    return all(
        getattr(found, name) == pytest.approx(value, rel=1e-12, abs=1e-13, nan_ok=True)
        for name, value in numbers.items()
    ) and (found.n, found.n_classes) == (expected.n, expected.n_classes)


def expected(rows: Any = slice(None), **options: Any) -> NCMIReport:
    return measure_classifier(OUTPUTS[rows], LABELS[rows], interval="jackknife", **options)


@given(
    batch_size=st.integers(1, N + 1),
    n_threads=st.sampled_from([0, 2]),
    temperature=st.sampled_from([1.0, 0.5]),
    smoothing=st.sampled_from([0.0, 0.01]),
    base=st.sampled_from([None, 2]),
)
def test_it_is_measure_classifier_of_the_outputs(
    batch_size: int, n_threads: int, temperature: float, smoothing: float, base: float | None
) -> None:
    options: dict[str, Any] = {"temperature": temperature, "smoothing": smoothing, "base": base}
    options["level"] = 0.9
    found = evaluate_model(
        FakeModel(), FakeData(), batch_size=batch_size, n_threads=n_threads, **options
    )
    by_hand = expected(**options)
    assert same(found, by_hand)
    for name, interval in by_hand.intervals.items():
        mine = found.intervals[name]
        assert (mine.low, mine.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
        assert mine.method == interval.method
        assert mine.level == 0.9


def test_batches_are_of_the_size_asked_for() -> None:
    model = FakeModel()
    evaluate_model(model, FakeData(), batch_size=25)
    assert model.batches == [25, 25, 25, 25, 3]


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
def test_the_kind_is_that_of_the_model(kind: str) -> None:
    data = FakeData(np.exp(OUTPUTS) / np.exp(OUTPUTS).sum(axis=1, keepdims=True))
    if kind == "log_probs":
        data.features = np.log(data.features)
    found = evaluate_model(FakeModel(np.eye(K), kind=kind), data)
    assert found.ncmi == pytest.approx(expected().ncmi, rel=1e-10)


def test_objects_become_model_and_data() -> None:
    found = evaluate_model(lambda x: x @ MATRIX, (FEATURES, LABELS), shards=0)
    assert found.ncmi == pytest.approx(expected().ncmi, rel=1e-10)
    assert found.intervals == {}


def test_several_models_read_the_data_once() -> None:
    data = FakeData()
    models = {"one": FakeModel(), "two": FakeModel(2 * MATRIX)}
    found = evaluate_models(models, data, batch_size=10)
    assert sorted(data.read) == list(range(N))
    assert list(found) == ["one", "two"]
    assert same(found["one"], expected())
    assert found["two"].cmi == pytest.approx(measure_classifier(2 * OUTPUTS, LABELS).cmi, rel=1e-12)


def test_names_of_classes_renumber_labels() -> None:
    order = [2, 0, 3, 1]
    names = ("ant", "bee", "cat", "dog")
    model = FakeModel(MATRIX[:, order], class_names=tuple(names[i] for i in order))
    with pytest.warns(InfotheoryWarning, match="labels renumbered"):
        found = evaluate_model(model, FakeData(class_names=names))
    assert found.error == expected().error
    assert found.ncmi == pytest.approx(expected().ncmi, rel=1e-12)
    assert found.class_names == model.class_names


def test_a_label_map_renumbers_labels() -> None:
    order = [2, 0, 3, 1]
    label_map = {label: order.index(label) for label in range(K)}
    with pytest.warns(InfotheoryWarning, match="label"):
        found = evaluate_model(FakeModel(MATRIX[:, order]), FakeData(), label_map=label_map)
    assert found.error == expected().error


# ---------------------------------------------------------------------------- unreadable samples


@pytest.mark.parametrize("n_threads", [0, 2])
def test_unreadable_samples_are_left_out_and_named(n_threads: int) -> None:
    broken = [0, 17, 18, 40, 60, 102]
    text = (
        "6 samples could not be read and are left out: row 0 of fake, row 17 of fake, "
        "row 18 of fake, row 40 of fake, row 60 of fake, ..."
    )
    with pytest.warns(InfotheoryWarning, match=text):
        found = evaluate_model(
            FakeModel(), FakeData(broken=broken), batch_size=8, on_error="skip",
            n_threads=n_threads,
        )  # fmt: skip
    kept = np.setdiff1d(np.arange(N), broken)
    assert same(found, expected(kept))
    assert found.warnings == (text,)


def test_whole_batches_may_be_unreadable(tmp_path: Path) -> None:
    with pytest.warns(InfotheoryWarning, match="10 samples could not be read"):
        found = evaluate_model(
            FakeModel(),
            FakeData(broken=range(10, 20)),
            batch_size=5,
            on_error="skip",
            save_outputs=tmp_path,
        )
    kept = np.setdiff1d(np.arange(N), np.arange(10, 20))
    assert same(found, expected(kept))
    assert np.array_equal(np.load(tmp_path / "linear.npy"), OUTPUTS[kept])
    assert np.array_equal(np.load(tmp_path / "labels.npy"), LABELS[kept])


def test_one_is_told_in_the_singular() -> None:
    with pytest.warns(InfotheoryWarning, match="^1 sample could not be read and is left out: row"):
        evaluate_model(FakeModel(), FakeData(broken=[5]), on_error="skip")


def test_unreadable_samples_stop_unless_they_may_be_left_out() -> None:
    with pytest.raises(UnreadableSampleError, match=r"row 5 of fake .* on_error='skip'"):
        evaluate_model(FakeModel(), FakeData(broken=[5, 7]))


def test_nothing_readable_is_nothing_to_report() -> None:
    with pytest.raises(ValueError, match=r"nothing to report: 103 samples could not be read"):
        evaluate_model(FakeModel(), FakeData(broken=range(N)), on_error="skip")


def test_notes_of_the_model_are_warnings_of_its_report() -> None:
    """Of this call: what the model was used for before is another matter."""
    model = FakeModel(short=8)
    text = "11 batches were cut at 8"
    for _ in range(2):
        model.batches = []
        with pytest.warns(InfotheoryWarning, match=f"^{text}$"):
            found = evaluate_model(model, FakeData(), batch_size=10)
        assert found.warnings == (text,)
    with pytest.warns(InfotheoryWarning) as caught:
        reports = evaluate_models({"a": FakeModel(short=8), "b": FakeModel()}, FakeData())
    assert [str(item.message) for item in caught] == ["a: 2 batches were cut at 8"]
    assert {name: len(report.warnings) for name, report in reports.items()} == {"a": 1, "b": 0}


def test_texts_that_were_cut_are_told() -> None:
    """With a tokenizer that knows letters, and a model of at most eight of them."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    from tokenizers import Tokenizer, models, pre_tokenizers

    from infotheory.models import as_classifier

    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = {"[PAD]": 0, "[UNK]": 1} | {letter: 2 + i for i, letter in enumerate(letters)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="[UNK]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
    )
    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=8, num_labels=2, max_position_embeddings=8,
    )  # fmt: skip
    net = transformers.BertForSequenceClassification(config).eval()
    model = as_classifier(net, preprocess=tokenizer, name="bert")
    texts = ["a b c"] * 4 + ["a b c d e f g h i j"] * 2
    for _ in range(2):
        with pytest.warns(InfotheoryWarning, match="2 of 6 texts were cut at 8 tokens"):
            found = evaluate_model(model, (texts, [0, 1, 0, 1, 0, 1]))
        assert found.warnings[-1] == "model 'bert': 2 of 6 texts were cut at 8 tokens"


# --------------------------------------------------------------------------------------- refusals


def test_more_labels_than_outputs_are_refused() -> None:
    text = r"below the number of outputs of linear \(3\); got 3 at row 1 of fake"
    with pytest.raises(ValueError, match=text):
        evaluate_model(FakeModel(MATRIX[:, :3]), FakeData())


def test_a_count_that_shows_late_is_refused_too() -> None:
    model = FakeModel(MATRIX[:, :3])
    model.n_outputs = None
    with pytest.raises(ValueError, match=r"integers in \[0, 3\)"):
        evaluate_model(model, FakeData())


def test_names_are_looked_at_again_when_the_outputs_are_known() -> None:
    def learnt(batch: int) -> None:
        model.n_outputs = K

    model = FakeModel(before=learnt)
    model.n_outputs = None
    names = ("ant", "bee", "cat", "dog", "elk")
    with pytest.raises(ValueError, match="fake"):  # and not: class_names must have one name per
        evaluate_model(model, FakeData(class_names=names))


def test_a_refused_row_is_placed() -> None:
    features = FEATURES.copy()
    features[57, 2] = np.nan
    text = r"row 7.* This is in the batch of rows 50 to 59 of fake\."
    with pytest.raises(ValueError, match=text):
        evaluate_model(FakeModel(), FakeData(features), batch_size=10)


def test_a_failing_model_is_named_among_several() -> None:
    def fail(batch: int) -> None:
        raise ValueError("model must be fine; got broken.")

    with pytest.raises(ValueError, match=r"^bad: model must be fine; got broken\."):
        evaluate_models({"good": FakeModel(), "bad": FakeModel(before=fail)}, FakeData())
    with pytest.raises(ValueError, match=r"^model must be fine; got broken\."):
        evaluate_model(FakeModel(before=fail), FakeData())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"batch_size": 0}, "batch_size must be a positive integer .*; got 0"),
        ({"on_error": "ignore"}, "on_error must be one of 'stop', 'skip'; got 'ignore'"),
        ({"n_threads": -1}, "n_threads must be None"),
        ({"temperature": 0}, "temperature must be a positive finite number; got 0"),
        ({"smoothing": 1}, r"smoothing must be a number in \[0, 1\); got 1"),
        ({"shards": 3}, "shards must be 0"),
        ({"level": 95}, "level must be a number between 0 and 1; got 95"),
        ({"base": 1}, "base must be None"),
        ({"download": 1}, "download must be True or False; got 1"),
        ({"progress": "no"}, "progress must be True or False; got 'no'"),
    ],
)
def test_arguments_are_checked_before_any_work(options: dict[str, Any], text: str) -> None:
    data = FakeData()
    with pytest.raises(ValueError, match=text):
        evaluate_model(FakeModel(), data, **options)
    assert data.read == []


@pytest.mark.parametrize("models", [{}, [FakeModel()], None])
def test_models_are_a_mapping(models: Any) -> None:
    with pytest.raises(ValueError, match="models must be a mapping from names to models"):
        evaluate_models(models, FakeData())


def test_names_are_strings() -> None:
    with pytest.raises(TypeError, match="names of models must be strings; got 1"):
        evaluate_models({1: FakeModel()}, FakeData())


def test_a_state_needs_a_place(tmp_path: Path) -> None:
    data = FakeData()
    for place, text in (
        (tmp_path, f"save_state must be a file; got the folder {tmp_path}"),
        (tmp_path / "no" / "s", "save_state must be in an existing folder; got .*no.s. Make"),
    ):
        with pytest.raises(ValueError, match=text):
            evaluate_model(FakeModel(), data, save_state=place)
    assert data.read == []


def test_unknown_schemes_are_refused_with_a_list() -> None:
    with pytest.raises(ValueError, match=r"model must be one of timm:NAME, .*; got 'keras:x'"):
        evaluate_model("keras:x", FakeData())
    with pytest.raises(ValueError, match=r"must be one of imagefolder:DIR, .*; got 'folder:x'"):
        evaluate_model(FakeModel(), "folder:x")


# ---------------------------------------------------------------------------------------- outputs


def test_saved_outputs_are_measured_alike(tmp_path: Path) -> None:
    models = {"a/b": FakeModel(), "twice": FakeModel(2 * MATRIX)}
    found = evaluate_models(models, FakeData(), save_outputs=tmp_path / "new", batch_size=10)
    names = sorted(entry.name for entry in (tmp_path / "new").iterdir())
    assert names == ["a_b.npy", "labels.npy", "twice.npy"]
    labels = np.load(tmp_path / "new" / "labels.npy")
    again = measure_classifier(np.load(tmp_path / "new" / "a_b.npy", mmap_mode="r"), labels)
    assert same(found["a/b"], again)


def test_nothing_is_left_of_a_run_that_failed(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSampleError):
        evaluate_model(FakeModel(), FakeData(broken=[90]), save_outputs=tmp_path, batch_size=9)
    assert list(tmp_path.iterdir()) == []


def test_warnings_of_the_report_are_given_at_the_line_that_asks() -> None:
    rows = LABELS < 3
    with pytest.warns(InfotheoryWarning) as caught:
        evaluate_models(
            {"one": FakeModel(), "two": FakeModel()}, FakeData(FEATURES[rows], LABELS[rows])
        )
    assert {item.filename for item in caught} == {__file__}
    empty = [str(item.message) for item in caught if item.category is EmptyClassWarning]
    assert [text[:22] for text in empty] == ["one: 1 of 4 classes ha", "two: 1 of 4 classes ha"]


def test_a_model_that_has_failed_is_not_prepared_for() -> None:
    from infotheory.evaluation.live import live_model
    from infotheory.evaluation.one_pass import Pass, measure_live

    def fail(batch: int) -> None:
        raise ValueError("model must be fine; got broken.")

    bad, good = FakeModel(before=fail), FakeModel()
    prepared: list[Any] = []
    bad.prepare = prepared.append  # type: ignore[method-assign]
    data = FakeData()
    options: dict[str, Any] = {
        "batch_size": 10, "precision": "float32", "temperature": 1.0, "smoothing": 0.0, "shards": 0
    }  # fmt: skip
    models = {
        name: live_model(name, model, data, None, range(N), note=print, **options)
        for name, model in {"bad": bad, "good": good}.items()
    }
    failures: dict[str, Exception] = {}
    found = measure_live(
        Pass(data, models, range(N), 10, 0, "stop"),
        note=print,
        news=print,
        failed=failures.__setitem__,
        unsaved=print,
        progress=False,
    )
    assert len(prepared) == 10
    assert list(found) == ["good"]
    assert str(failures["bad"]) == "model must be fine; got broken."
