"""Runs with CMI that go on from a checkpoint, and checkpoints that are refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning.language.tiny import classifier, losses, texts, training

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: transformers cannot train")

from infotheory.exceptions import StateError
from infotheory.learning.language import CMIArguments, CMITrainer

FILE = "cmi_centroids.safetensors"
EVERY = {"save_strategy": "steps", "save_steps": 1, "per_device_train_batch_size": 8}


def trainer_of(folder: Path, cmi: Any, model: Any = None, **options: Any) -> Any:
    return CMITrainer(
        model or classifier(dropout=0.1),
        training(folder, **EVERY | options),
        train_dataset=texts(24),
        eval_dataset=texts(12, seed=8),
        cmi=cmi,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A whole run of six steps, with a checkpoint at each; by the way centroids are kept."""
    made: dict[str, Any] = {}

    def whole(centroid: str) -> Any:
        if centroid not in made:
            role = "teacher" if centroid == "reverse" else "student"
            cmi = CMIArguments(lam=0.5, role=role, centroid=centroid)
            folder = tmp_path_factory.mktemp(centroid)
            trainer = trainer_of(folder, cmi)
            trainer.train()
            made[centroid] = cmi, trainer, trainer.evaluate(), folder
        return made[centroid]

    return whole


def same(first: Any, second: Any, ends: dict[str, float]) -> None:
    assert losses(first) == losses(second)
    state, other = (each.objective.criterion.state_dict() for each in (first, second))
    assert sorted(state) == sorted(other)
    for name in state:
        assert np.array_equal(state[name], other[name]), name
    found = second.evaluate()
    timed = {name for name in ends if "second" in name or "time" in name}
    assert {n: found[n] for n in set(ends) - timed} == {n: ends[n] for n in set(ends) - timed}


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("centroid", ["ema", "epoch", "frozen", "reverse", "batch"])
def test_a_resumed_run_is_the_whole_one(run: Any, tmp_path: Path, centroid: str, step: int) -> None:
    """From the middle of an epoch and from its end, out of a folder of another name."""
    cmi, whole, ends, folder = run(centroid)
    shutil.copytree(folder / f"checkpoint-{step}", tmp_path / "kept")
    again = trainer_of(tmp_path / "new", cmi)
    again.train(resume_from_checkpoint=str(tmp_path / "kept"))
    same(whole, again, ends)


def test_the_last_checkpoint_of_the_folder(run: Any, tmp_path: Path) -> None:
    cmi, whole, ends, folder = run("ema")
    for step in (1, 4):
        shutil.copytree(folder / f"checkpoint-{step}", tmp_path / f"checkpoint-{step}")
    again = trainer_of(tmp_path, cmi)
    again.train(resume_from_checkpoint=True)
    same(whole, again, ends)
    again.save_model(str(tmp_path / "final"))
    assert (tmp_path / "final" / FILE).is_file()
    assert (tmp_path / "final/model.safetensors").is_file()


def test_a_second_run_of_the_same_trainer_begins_anew(tmp_path: Path) -> None:
    """The first loss holds the centroids of the weights as they are then."""
    trainer = trainer_of(tmp_path, CMIArguments(lam=9.0), classifier(), save_strategy="no")
    trainer.train()
    first = losses(trainer)
    assert not np.isclose(first[0], first[-1], atol=1e-3)
    trainer.model.load_state_dict(classifier().state_dict())
    trainer.train()
    assert losses(trainer)[0] == first[0]
    assert len(losses(trainer)) == len(first)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"lam": 0.25}, r"of a run with lam=0.25; got lam=0.5 in .*Go on with its arguments"),
        ({"role": "teacher"}, r"of a run with role='teacher'; got role='student' in"),
        (
            {"feature": "cls", "decay": 0.5},
            r"with decay=0.5, feature='cls'; got decay=0.9, feature='pooled' in",
        ),
        ({"space": "output"}, r"of a run with space='output'; got space='feature' in"),
    ],
)
def test_checkpoints_of_other_arguments(
    run: Any, tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    cmi, _, _, folder = run("ema")
    other = trainer_of(tmp_path, CMIArguments(**cmi.as_dict() | changes))
    before = [each.detach().clone() for each in other.model.parameters()]
    with pytest.raises(ValueError, match=text):
        other.train(resume_from_checkpoint=str(folder / "checkpoint-2"))
    for own, want in zip(other.model.parameters(), before, strict=True):
        assert np.array_equal(own.detach(), want)


def test_checkpoints_of_another_task_or_kind(run: Any, tmp_path: Path) -> None:
    cmi, _, _, folder = run("ema")
    place = str(folder / "checkpoint-2")
    task = trainer_of(tmp_path, cmi, classifier(id2label={0: "not", 1: "paraphrase"}))
    with pytest.raises(ValueError, match=r"classes=\['not', 'paraphrase'\]; got classes=\['LABEL"):
        task.train(resume_from_checkpoint=place)
    plain = trainer_of(tmp_path, None)
    with pytest.raises(ValueError, match=r"of a run without CMI, as cmi=None says; got .*Pass the"):
        plain.train(resume_from_checkpoint=place)
    shutil.copytree(place, tmp_path / "bare")
    (tmp_path / "bare" / FILE).unlink()
    text = rf"resume_from_checkpoint must be a checkpoint with {FILE}; got .*bare' without it"
    with pytest.raises(ValueError, match=text):
        trainer_of(tmp_path, cmi).train(resume_from_checkpoint=str(tmp_path / "bare"))
    plain.train(resume_from_checkpoint=str(tmp_path / "bare"))
    assert plain.state.global_step == 6


def test_other_data_for_a_state_of_each_sample(run: Any, tmp_path: Path) -> None:
    cmi, _, _, folder = run("reverse")
    trainer = trainer_of(tmp_path, cmi)
    trainer.train_dataset = texts(23)
    text = r"train_dataset must have the 24 samples of the run that is resumed; got 23."
    with pytest.raises(ValueError, match=text):
        trainer.train(resume_from_checkpoint=str(folder / "checkpoint-2"))


def test_samples_that_change_have_no_state_of_their_own(tmp_path: Path) -> None:
    class Changing(list[Any]):
        reads = 0

        def __getitem__(self, row: Any) -> Any:
            self.reads += 1
            sample = dict(super().__getitem__(row))
            sample["input_ids"] = [(word + self.reads // 24) % 40 for word in sample["input_ids"]]
            return sample

    cmi = CMIArguments(lam=1.0, role="teacher", centroid="reverse")
    trainer = trainer_of(tmp_path, cmi)
    trainer.train_dataset = Changing(texts(24))
    text = r"samples must be those of the training set with centroid='reverse'; got others in row"
    with pytest.raises(ValueError, match=text):
        trainer.train()


def test_damaged_files(run: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    _, trainer, _, folder = run("ema")
    whole = (folder / "checkpoint-2" / FILE).read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1]):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(StateError, match=rf"{FILE} must be a whole file that this version"):
            trainer.objective.load(tmp_path)
    tensors = trainer.objective.criterion.state_dict()
    save_file(tensors, tmp_path / FILE, metadata={"format": "another"})
    with pytest.raises(StateError, match=r"its format is 'another'. Resume from an earlier"):
        trainer.objective.load(tmp_path)


def test_what_a_checkpoint_tells(run: Any) -> None:
    from safetensors import safe_open

    for centroid in ("ema", "reverse"):
        cmi, trainer, _, folder = run(centroid)
        with safe_open(folder / "checkpoint-6" / FILE, framework="np") as file:
            told, names = file.metadata(), sorted(file.keys())
        bound = json.loads(told["run"])
        assert bound == cmi.as_dict() | {
            "feature": "pooled", "classes": ["LABEL_0", "LABEL_1"], "n_features": 16,
        }  # fmt: skip
        more = ["log_ratio"] if centroid == "reverse" else []
        assert names == ["centroids", *more, "seen"]
        assert trainer.objective.criterion.n_samples == (24 if more else None)
