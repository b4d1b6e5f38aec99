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
from infotheory.learning.language import CMIArguments, CMIObjective, CMITrainer

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


def of_ones_own(folder: Path, **options: Any) -> tuple[Any, Any]:
    """A trainer of transformers with the loss, and the loss."""
    import transformers

    model = classifier(dropout=0.1)
    objective = CMIObjective(model, CMIArguments(lam=0.5))
    trainer = transformers.Trainer(
        model,
        training(folder, **EVERY | options),
        train_dataset=texts(24),
        compute_loss_func=objective,
        callbacks=[objective.callback],
    )
    return trainer, objective


def test_the_centroids_of_another_run_are_not_taken(tmp_path: Path) -> None:
    """A trainer of one's own does not tell from where it goes on."""
    whole, wanted = of_ones_own(tmp_path / "a")
    whole.train()
    shutil.copytree(tmp_path / "a/checkpoint-2", tmp_path / "kept")
    of_ones_own(tmp_path / "b", learning_rate=0.05)[0].train()  # has a checkpoint-2 too
    place = str(tmp_path / "kept")
    for folder, fault in (
        ("b", r"other weights than those of .*b.checkpoint-2'"),
        ("c", r"none in .*c.checkpoint-2' that are known to be of its weights"),
    ):
        trainer, _ = of_ones_own(tmp_path / folder)
        text = (
            r"the centroids of the checkpoint that is resumed must be in output_dir; got "
            rf"{fault}.*objective.callback.checkpoint = Path\(...\)"
        )
        with pytest.raises(ValueError, match=text):
            trainer.train(resume_from_checkpoint=place)
    again, objective = of_ones_own(tmp_path / "b")
    objective.callback.checkpoint = tmp_path / "kept"
    again.train(resume_from_checkpoint=place)
    inside, found = of_ones_own(tmp_path / "a")
    inside.train(resume_from_checkpoint=str(tmp_path / "a/checkpoint-3"))
    for trainer, loss in ((again, objective), (inside, found)):
        assert losses(trainer) == losses(whole)
        assert np.array_equal(loss.criterion.centroids, wanted.criterion.centroids)


@pytest.mark.parametrize("content", ["", "[]", '{"weights": null}'])
def test_a_record_of_the_weights_that_cannot_be_read(tmp_path: Path, content: str) -> None:
    of_ones_own(tmp_path, max_steps=2)[0].train()
    place = tmp_path / "checkpoint-1"
    (place / "cmi_weights.json").write_text(content)
    with pytest.raises(ValueError, match=r"must be in output_dir; got none in .*checkpoint-1' th"):
        of_ones_own(tmp_path, max_steps=2)[0].train(resume_from_checkpoint=str(place))


def test_weights_divided_among_processes_have_to_be_named(tmp_path: Path) -> None:
    """As with FSDP: nothing is compared, and nothing taken unseen."""
    from infotheory.learning.language.state_file import check_weights, save_weights

    model = classifier()
    save_weights(tmp_path, model)
    check_weights(tmp_path, classifier())
    model.classifier.bias.to_local = None
    for _ in range(2):
        with pytest.raises(ValueError, match=r"Tell where they are: objective.callback.check"):
            check_weights(tmp_path, model)
        save_weights(tmp_path, model)


def numbered(*texts: tuple[list[int], list[int] | None, int]) -> tuple[Any, list[int]]:
    """Numbers of samples that are given as tokens, types and class; found one by one."""
    import torch

    from infotheory.learning.language.passes import SampleNumbers

    numbers = SampleNumbers(padding=0)
    asked = [
        (
            (torch.tensor([ids]), None, None if types is None else torch.tensor([types])),
            torch.tensor([label]),
        )
        for ids, types, label in texts
    ]
    for row, (tokens, label) in enumerate(asked):
        numbers.add(tokens, label, row)
    return numbers, [int(numbers.find(tokens, label)) for tokens, label in asked]


def test_equal_tokens_of_other_classes_or_types_are_other_samples() -> None:
    """A pair of sentences that is divided elsewhere is another text."""
    _, found = numbered(
        ([5, 6, 7], [0, 0, 1], 0),
        ([5, 6, 7], [0, 0, 1], 1),  # another class
        ([5, 6, 7], [0, 1, 1], 0),  # divided elsewhere
        ([5, 6, 7], [0, 0, 0], 0),
        ([5, 6, 8], [0, 0, 1], 0),
    )
    assert found == [0, 1, 2, 3, 4]


def test_equal_samples_are_one_whatever_their_padding() -> None:
    numbers, found = numbered(
        ([5, 6, 0, 0], [0, 1, 0, 0], 1),
        ([0, 5, 6], [1, 0, 1], 1),
        ([5, 6], [0, 1], 1),
        ([7, 8], None, 1),  # without types all are 0
        ([7, 8], [0, 0], 1),
    )
    assert found == [0, 0, 0, 3, 3]
    import torch

    other = (torch.tensor([[5, 6]]), None, torch.tensor([[1, 1]]))
    with pytest.raises(ValueError, match=r"samples must be those of the training set with centr"):
        numbers.find(other, torch.tensor([1]))


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


def test_texts_that_differ_by_their_segments_alone_are_other_samples(tmp_path: Path) -> None:
    """With the reverse channel each has a ratio of its own."""
    samples = []
    for sample in texts(24):
        half = [0] * 2 + [1] * (len(sample["input_ids"]) - 2)
        samples += [
            sample | {"token_type_ids": [0] * len(half)},
            sample | {"token_type_ids": half},
        ]
    chosen = CMIArguments(lam=0.5, role="teacher", centroid="reverse")
    trainer = CMITrainer(classifier(), training(tmp_path), train_dataset=samples, cmi=chosen)
    trainer.train()
    numbers = trainer.objective._numbers
    assert sorted(numbers._numbers.values()) == list(range(48))
