"""Fine-tuning with CMI that cannot go on, or not begin."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from learning.language.cmi_runs import trained
from learning.language.tiny import classifier, losses, texts, training

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: transformers cannot train")

from infotheory.learning.language import CMIArguments, CMIObjective, CMITrainer


class Spoiling:
    """A callback that ruins the weights before a step."""

    @staticmethod
    def at(step: int) -> Any:
        import torch
        import transformers

        class Callback(transformers.TrainerCallback):
            def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                if state.global_step == step:
                    with torch.no_grad():
                        kwargs["model"].classifier.bias.fill_(math.nan)

        return Callback()


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 2}
    text = (
        r"the loss must be finite; got nan in step 4 \(learning rate 0.000625, lam=0.1, "
        r"role='student'; .*Try a smaller learning rate or lam, .* the last is .*checkpoint-2\."
    )
    with pytest.raises(FloatingPointError, match=text):
        trained(tmp_path, cmi=CMIArguments(), callbacks=[Spoiling.at(3)], **options)
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-2"]
    with pytest.raises(FloatingPointError, match=r"in step 1 .* none was saved yet\."):
        trained(tmp_path, cmi=CMIArguments(), callbacks=[Spoiling.at(0)])
    good = CMITrainer(
        classifier(), training(tmp_path, **options), train_dataset=texts(), cmi=CMIArguments()
    )
    good.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert good.state.global_step == 8


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    """A finite loss may have gradients that are none."""
    import transformers

    class Breaking(transformers.TrainerCallback):
        def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == 3:
                kwargs["model"].classifier.bias.data.fill_(math.inf)

    for strategy, kept in (("steps", ["checkpoint-2"]), ("epoch", [])):
        options = {"save_strategy": strategy, "save_steps": 2, "save_total_limit": 1}
        text = r"the weights must be finite to be saved; got others in 'classifier.bias' after st"
        with pytest.raises(FloatingPointError, match=text):
            trained(tmp_path / strategy, cmi=CMIArguments(), callbacks=[Breaking()], **options)
        assert [path.name for path in tmp_path.glob(f"{strategy}/checkpoint-*")] == kept


def test_classes_without_samples(tmp_path: Path) -> None:
    names = {0: "negative", 1: "positive", 2: "neither"}
    model = classifier(num_labels=3, id2label=names)
    text = r"have samples of each of the 3 classes; got none of 'neither'. Load the model with"
    for centroid in ("ema", "batch"):
        with pytest.raises(ValueError, match=text):
            trained(tmp_path, model, CMIArguments(centroid=centroid))
    # One class in a batch is no fault.
    ordered = sorted(texts(32), key=lambda sample: sample["labels"])
    cmi = CMIArguments(lam=1.0)
    trainer = trained(tmp_path, cmi=cmi, samples=ordered, train_sampling_strategy="sequential")
    assert all(math.isfinite(loss) for loss in losses(trainer))


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (-100, r"labels must be in \[0, 2\); got -100 in row 1"),
        (2, r"labels must be in \[0, 2\); got 2 in row 1"),
        (0.5, r"labels must be integers; got torch.float32"),
        (None, r"train_dataset must have labels; got batches of 'input_ids', 'attention_mask'"),
    ],
)
def test_labels_that_are_no_classes(tmp_path: Path, label: Any, text: str) -> None:
    samples = texts(8)
    for sample in samples if isinstance(label, float | None) else samples[1:2]:
        sample["labels"] = label
    if label is None:
        samples = [{name: sample[name] for name in list(sample)[:2]} for sample in samples]
    with pytest.raises((TypeError, ValueError), match=text):
        trained(tmp_path, cmi=CMIArguments(), samples=samples)


def test_arguments_that_do_not_go_together(tmp_path: Path) -> None:
    model = classifier()
    for options, text in (
        ({"lam": -1.0}, r"lam must be at least 0; got -1.0. Or use role='teacher'."),
        ({"feature": "first"}, r"feature must be one of 'pooled'"),
        ({"decay": 2.0}, r"decay must be a number in \[0, 1\)"),
        ({"feature_temperature": -1.0}, r"temperature must be a positive finite number"),
    ):
        with pytest.raises(ValueError, match=text):
            CMIArguments(**options)
    with pytest.raises(ValueError, match=r"label_smoothing_factor must be 0 with CMI; got 0.1"):
        CMITrainer(model, training(tmp_path, label_smoothing_factor=0.1), cmi=CMIArguments())
    with pytest.raises(ValueError, match=r"compute_loss_func must be None with cmi"):
        CMITrainer(model, training(tmp_path), compute_loss_func=len, cmi=CMIArguments())
    with pytest.raises(ValueError, match=r"n_classes must be config.num_labels, 2; got 3"):
        CMIObjective(model, CMIArguments(), 3)
    with pytest.raises(TypeError, match=r"arguments must be CMIArguments; got dict"):
        CMIObjective(model, {})
    for changes in ({"num_labels": 1}, {"problem_type": "multi_label_classification"}):
        with pytest.raises(ValueError, match=r"a classifier with one label a text and at least 2"):
            CMIObjective(classifier(**changes), CMIArguments())


def test_streams_and_several_devices(tmp_path: Path) -> None:
    import torch

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            yield from texts(8)

    with pytest.raises(ValueError, match=r"train_dataset must be one with a length"):
        trained(tmp_path, cmi=CMIArguments(), samples=Stream(), max_steps=2)

    from infotheory.learning.language.callback import check_training

    class TwoDevices:
        label_smoothing_factor, n_gpu = 0.0, 2

    with pytest.raises(ValueError, match=r"the number of GPUs in one process must be 1; got 2"):
        check_training(TwoDevices)
