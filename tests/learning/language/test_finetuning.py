"""Fine-tuning from a directory and texts to numbers: what it gives, keeps and refuses."""

from __future__ import annotations

import copy
import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to fine-tune")
pytest.importorskip("transformers", reason="transformers is not installed: no language models")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: no metrics of tasks")

import torch
from learning.language import worded
from learning.language.tiny import classifier

from infotheory import evaluate_model
from infotheory.learning.language import (
    CMIArguments,
    DistillationArguments,
    FinetuneSettings,
    finetune,
)
from infotheory.learning.language.following import Bar
from infotheory.models import open_model

SETTINGS = FinetuneSettings(epochs=2, batch_size=16, lr=5e-3, max_length=8, seed=1, device="cpu")


@pytest.fixture(scope="module")
def done(place: Path, data: tuple[Any, Any]) -> Any:
    return finetune(
        place / "encoder",
        *data,
        task="sst2",
        cmi=CMIArguments(lam=0.5),
        settings=SETTINGS,
        folder=place / "run",
    )


def without_dropout(folder: Path) -> Path:
    worded.encoder(folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_the_folder_has_the_result(done: Any, place: Path) -> None:
    assert {"run.json", "metrics.json", "model"} <= {
        each.name for each in (place / "run").iterdir()
    }
    written = json.loads((place / "run" / "metrics.json").read_text())
    assert written["metrics"] == done.metrics
    assert written["history"] == done.history
    assert [row["epoch"] for row in done.history] == [1.0, 2.0]
    assert done.history[-1]["accuracy"] == done.metrics["accuracy"]
    assert done.history[-1]["loss"] < done.history[0]["loss"]
    assert done.metrics["error"] == pytest.approx(1.0 - done.metrics["accuracy"], abs=1e-12)
    frame = done.to_frame()
    assert {"loss", "lr", "cmi", "feature_norm", "training_surrogate"} <= set(frame.columns)


def test_it_learns_which_words_belong_to_which_class(place: Path, data: tuple[Any, Any]) -> None:
    found = finetune(
        place / "encoder",
        *data,
        task="sst2",
        cmi=CMIArguments(lam=0.5),
        settings=replace(SETTINGS, epochs=12, evaluate="end"),
    )
    # Of 24 texts a coin gets 18 right with probability .011.
    assert found.metrics["accuracy"] >= 0.75
    assert found.history[-1]["loss"] < 0.9 * found.history[0]["loss"]


@pytest.mark.filterwarnings("ignore:sst2 .dev.. 24 rows")  # as it is said to be
def test_its_model_measures_the_same(done: Any, place: Path, data: tuple[Any, Any]) -> None:
    model = open_model(f"hf:{place / 'run' / 'model'}?max_length=8", device="cpu")
    assert model.class_names == ("negative", "positive")
    report = evaluate_model(model, data[1], progress=False)
    # The same outputs in single precision, once through the files.
    assert report.cmi == pytest.approx(done.metrics["cmi"], rel=1e-4, abs=1e-7)
    assert report.gamma == pytest.approx(done.metrics["gamma"], rel=1e-4)
    assert report.error == pytest.approx(done.metrics["error"], abs=1e-12)


def test_without_a_term_it_is_what_transformers_does(
    place: Path, data: tuple[Any, Any], tmp_path: Path
) -> None:
    import transformers

    from infotheory.learning.language.texts import TokenisedTexts
    from infotheory.models.transformers_models import open_encoder

    still = without_dropout(place / "without")  # the pass for the centroids moves its draws
    found = finetune(still, *data, settings=SETTINGS)
    model, tokenizer = open_encoder(still, ("negative", "positive"), seed=1)
    arguments = transformers.TrainingArguments(
        str(tmp_path), num_train_epochs=2, per_device_train_batch_size=16, learning_rate=5e-3,
        warmup_steps=1, weight_decay=0.01, seed=1, use_cpu=True, report_to=[], disable_tqdm=True,
        save_strategy="no",
    )  # fmt: skip
    texts = TokenisedTexts(data[0], tokenizer, 8)
    collator = transformers.DataCollatorWithPadding(tokenizer)
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    transformers.Trainer(model, arguments, train_dataset=texts, data_collator=collator).train()
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    random.setstate(states[2])
    for (name, own), other in zip(
        found.model.state_dict().items(), model.state_dict().values(), strict=True
    ):
        assert torch.allclose(own, other, atol=1e-5), name


def test_the_same_seed_gives_the_same_bits_and_leaves_chance_alone(
    done: Any, place: Path, data: tuple[Any, Any]
) -> None:
    states = torch.get_rng_state(), random.getstate()
    again = finetune(
        place / "encoder", *data, task="sst2", cmi=CMIArguments(lam=0.5), settings=SETTINGS
    )
    assert again.metrics == done.metrics
    assert again.folder is None
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    other = finetune(
        place / "encoder",
        *data,
        task="sst2",
        cmi=CMIArguments(lam=0.5),
        settings=replace(SETTINGS, seed=2, evaluate="end"),
    )
    assert other.metrics["cmi"] != done.metrics["cmi"]
    assert len(other.history) == 2


def test_accumulated_batches_give_the_same_weights(place: Path, data: tuple[Any, Any]) -> None:
    still = without_dropout(place / "still")
    runs = [
        finetune(
            still,
            *data,
            cmi=CMIArguments(lam=0.5),
            settings=replace(SETTINGS, accumulation=parts, epochs=1),
        )
        for parts in (1, 2)
    ]
    for name, value in runs[0].metrics.items():
        assert runs[1].metrics[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name


def test_a_finished_run_is_given_back(done: Any, place: Path, data: tuple[Any, Any]) -> None:
    again = finetune(
        place / "encoder",
        *data,
        task="sst2",
        cmi=CMIArguments(lam=0.5),
        settings=SETTINGS,
        folder=place / "run",
        resume=True,
    )
    assert again.metrics == done.metrics


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"cmi": CMIArguments(lam=0.6)}, "the same objective, lam=0.6; got .* with lam=0.5"),
        ({"task": None}, "the same task, None; got .* with sst2"),
        ({"settings": replace(SETTINGS, lr=1e-3)}, "the same settings, lr=0.001; .* with lr=0.005"),
        ({"layers": 1}, "the same layers, 1"),
    ],
    ids=["objective", "task", "settings", "layers"],
)
def test_another_run_does_not_go_on(
    done: Any, place: Path, data: tuple[Any, Any], change: dict[str, Any], text: str
) -> None:
    same: dict[str, Any] = {"task": "sst2", "cmi": CMIArguments(lam=0.5), "settings": SETTINGS}
    with pytest.raises(ValueError, match=f"folder must be that of a run with {text}"):
        finetune(place / "encoder", *data, folder=place / "run", resume=True, **(same | change))


def test_a_run_is_not_written_over(done: Any, place: Path, data: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"folder must be without a run; got .*, which has one"):
        finetune(place / "encoder", *data, settings=SETTINGS, folder=place / "run")


def test_other_texts_do_not_go_on(done: Any, place: Path, data: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match="a run with the same train, "):
        finetune(
            place / "encoder",
            data[0].subset(32, 0),
            data[1],
            task="sst2",
            cmi=CMIArguments(lam=0.5),
            settings=SETTINGS,
            folder=place / "run",
            resume=True,
        )


def test_texts_that_are_cut_are_counted(place: Path, data: tuple[Any, Any]) -> None:
    found = finetune(place / "encoder", *data, settings=replace(SETTINGS, max_length=4, epochs=1))
    counts = [sum(len(each.sample(k).split()) > 4 for k in range(len(each))) for each in data]
    assert min(counts) > 0
    cut = [note for note in found.notes if "cut" in note]
    assert [int(re.findall(r"(\d+) of", note)[0]) for note in cut] == counts
    assert cut[0].endswith("of 64 texts were cut at 4 tokens")
    assert "sst2 (dev): 24 rows, where GLUE has 872" in found.notes


def test_a_student_learns_from_a_teacher_with_other_tokens(
    place: Path, data: tuple[Any, Any], tmp_path: Path
) -> None:
    # The teacher knows each word by another number: with the student's it would talk nonsense.
    teacher = classifier(id2label={0: "negative", 1: "positive"})
    backwards = worded.tokenizer(backwards=True)
    teacher.save_pretrained(tmp_path / "teacher")
    backwards.save_pretrained(tmp_path / "teacher")
    found = finetune(
        place / "encoder",
        *data,
        task="sst2",
        teacher=tmp_path / "teacher",
        distillation=DistillationArguments("wttm", ce_weight=0.0, weight=1.0),
        layers=1,
        settings=replace(SETTINGS, epochs=1),
        folder=tmp_path / "run",
    )
    assert found.model.config.num_hidden_layers == 1
    assert {"accuracy", "cmi", "feature_cmi", "feature_norm"} <= set(found.metrics)
    from infotheory.learning.language import TeacherOutputs

    kept = TeacherOutputs.open(tmp_path / "run" / "teacher")
    one = backwards(data[0].sample(3), return_tensors="pt")
    with torch.no_grad():
        expected = teacher.eval()(**one).logits[0]
    assert torch.allclose(kept.logits[3], expected, atol=1e-5)


@pytest.mark.parametrize("save_steps", [None, 2, 3, 4])
def test_a_run_that_breaks_off_goes_on_to_the_same_metrics(
    save_steps: int | None, place: Path, data: tuple[Any, Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings = replace(SETTINGS, save_steps=save_steps)  # four steps an epoch, with dropout
    options: dict[str, Any] = {"task": "sst2", "cmi": CMIArguments(lam=0.5), "settings": settings}
    whole = finetune(place / "encoder", *data, **options)

    def broken(bar: Bar, args: Any, state: Any, control: Any, **more: Any) -> None:
        del bar, args, control, more
        if state.global_step == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Bar, "on_step_end", broken)
        with pytest.raises(KeyboardInterrupt):
            finetune(place / "encoder", *data, **options, folder=tmp_path)
    assert (tmp_path / "checkpoint-4").is_dir()
    resumed = finetune(place / "encoder", *data, **options, folder=tmp_path, resume=True)
    assert resumed.metrics == whole.metrics
    assert resumed.history == whole.history  # it broke off where an epoch had ended
    late = finetune(
        place / "encoder", *data, **options | {"settings": replace(settings, evaluate="end")}
    )
    assert late.metrics == whole.metrics  # looking changes nothing


def test_no_checkpoint_is_made_before_the_epoch_is_measured(
    place: Path, data: tuple[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"task": "sst2", "settings": replace(SETTINGS, save_steps=2)}
    whole = finetune(place / "encoder", *data, **options)

    def broken(bar: Bar, args: Any, state: Any, control: Any, **more: Any) -> None:
        del bar, args, state, control, more
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Bar, "on_evaluate", broken)
        with pytest.raises(KeyboardInterrupt):
            finetune(place / "encoder", *data, **options, folder=tmp_path)
    assert {each.name for each in tmp_path.glob("checkpoint-*")} == {"checkpoint-2"}
    resumed = finetune(place / "encoder", *data, **options, folder=tmp_path, resume=True)
    assert resumed.metrics == whole.metrics
    assert [row["accuracy"] for row in resumed.history] == [
        row["accuracy"] for row in whole.history
    ]


def test_a_checkpoint_that_was_cut_off_is_passed_over(
    place: Path, data: tuple[Any, Any], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"settings": replace(SETTINGS, save_steps=3), "folder": tmp_path}
    whole = finetune(place / "encoder", *data, **options)
    assert {each.name for each in tmp_path.glob("checkpoint-*")} == {"checkpoint-6", "checkpoint-8"}
    (tmp_path / "checkpoint-8" / "trainer_state.json").unlink()
    resumed = finetune(place / "encoder", *data, **options, resume=True)
    assert resumed.metrics == whole.metrics


def test_the_model_goes_on_without_hooks(done: Any) -> None:
    assert not any(part._forward_hooks for part in done.model.modules())
    done.model(torch.ones(1, 3, dtype=torch.int64))
    copy.deepcopy(done.model)


def test_steps_end_with_the_epochs(place: Path, data: tuple[Any, Any]) -> None:
    for most, epochs in ((20, [1.0]), (2, [0.5])):
        found = finetune(
            place / "encoder", *data, settings=replace(SETTINGS, epochs=1, max_steps=most)
        )
        assert [row["epoch"] for row in found.history] == epochs


@pytest.mark.parametrize("kind", ["GPT2", "Bert"])
@pytest.mark.filterwarnings("ignore:sst2 .dev.. 24 rows")
def test_padding_before_texts_moves_no_positions(
    kind: str, data: tuple[Any, Any], tmp_path: Path
) -> None:
    classifier(kind).base_model.save_pretrained(tmp_path / "encoder")
    worded.tokenizer().save_pretrained(tmp_path / "encoder")
    config = tmp_path / "encoder" / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"padding_side": "left"}))
    found = finetune(
        tmp_path / "encoder", *data, settings=replace(SETTINGS, epochs=1), folder=tmp_path / "run"
    )
    model = open_model(f"hf:{tmp_path / 'run' / 'model'}?max_length=8", device="cpu")
    alone = evaluate_model(model, data[1], progress=False, batch_size=1)
    assert alone.cmi == pytest.approx(found.metrics["cmi"], rel=1e-4, abs=1e-9)
    assert alone.error == pytest.approx(found.metrics["error"], abs=1e-12)
