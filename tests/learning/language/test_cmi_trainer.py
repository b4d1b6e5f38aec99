"""Training of text classifiers with CMI by the trainer of transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from learning.language.cmi_runs import CLOSE, centroids, features_of, logged, trained
from learning.language.tiny import (
    PEFT_ASKS,
    batch_of,
    checkpoint_activations,
    classifier,
    losses,
    texts,
    training,
)

pytest.importorskip("torch", reason="torch is not installed: nothing to train")
pytest.importorskip("transformers", reason="transformers is not installed: no trainer")
pytest.importorskip("accelerate", reason="accelerate is not installed: transformers cannot train")

from infotheory.learning.language import CMIArguments, CMIObjective, CMITrainer

# ----------------------------------------------------------------------------------------- the loss


def test_steps_are_those_of_the_loss_by_hand(tmp_path: Path) -> None:
    import torch

    from infotheory.learning.losses import LanguageCMILoss

    samples = texts(16)
    trainer = trained(
        tmp_path, cmi=CMIArguments(lam=2.0), samples=samples, num_train_epochs=3,
        max_grad_norm=0.0, optim="sgd", learning_rate=0.5, lr_scheduler_type="constant",
    )  # fmt: skip
    model, batch = classifier(), batch_of(samples)
    labels = torch.tensor([sample["labels"] for sample in samples])
    criterion = LanguageCMILoss(2, 16, 2.0)
    criterion.fit([(features_of(model, samples)[1], labels)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    fitted, wanted = criterion.centroids.clone(), []
    for _ in range(3):
        answers = model.train()(**batch, output_hidden_states=True)
        pooled = model.bert.pooler(answers.hidden_states[-1])
        loss = criterion(answers.logits, labels, pooled)
        wanted.append({"loss": loss.detach()} | criterion.terms)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name in wanted[0]:
        want = [float(each[name]) for each in wanted]
        assert logged(trainer, name) == pytest.approx(want, rel=1e-4, abs=CLOSE), name
    np.testing.assert_allclose(centroids(trainer), criterion.centroids, rtol=CLOSE)
    assert float((criterion.centroids - fitted).abs().max()) > 10 * CLOSE  # they have moved
    for own, want in zip(trainer.model.parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(own.detach(), want.detach(), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("centroid", ["ema", "epoch", "frozen", "reverse"])
@pytest.mark.parametrize("space", ["feature", "output"])
def test_accumulated_parts_are_the_whole(tmp_path: Path, centroid: str, space: str) -> None:
    role = "teacher" if centroid == "reverse" else "student"
    cmi = CMIArguments(lam=1.0, role=role, centroid=centroid, space=space)
    whole = trained(tmp_path, cmi=cmi)
    parts = trained(tmp_path, cmi=cmi, per_device_train_batch_size=4, gradient_accumulation_steps=4)
    assert len(losses(whole)) == 8
    assert losses(parts) == pytest.approx(losses(whole), abs=CLOSE)
    np.testing.assert_allclose(centroids(parts), centroids(whole), rtol=0, atol=CLOSE)
    for name in ("surrogate", "feature_norm"):
        assert logged(parts, name) == pytest.approx(logged(whole, name), rel=1e-3, abs=CLOSE)


def test_a_last_step_of_fewer_samples(tmp_path: Path) -> None:
    """Each sample of a step weighs the same, whatever the parts."""
    cmi, samples = CMIArguments(lam=1.0), texts(24)
    whole = trained(tmp_path, cmi=cmi, samples=samples, num_train_epochs=1)
    parts = trained(
        tmp_path, cmi=cmi, samples=samples, num_train_epochs=1,
        per_device_train_batch_size=3, gradient_accumulation_steps=6,
    )  # fmt: skip
    assert len(losses(whole)) == len(losses(parts)) == 2
    uneven = trained(
        tmp_path, cmi=cmi, samples=samples, num_train_epochs=1,
        per_device_train_batch_size=16, gradient_accumulation_steps=2,
    )  # fmt: skip
    at_once = trained(
        tmp_path, cmi=cmi, samples=samples, num_train_epochs=1, per_device_train_batch_size=24
    )
    assert losses(uneven) == pytest.approx(losses(at_once), abs=CLOSE)
    np.testing.assert_allclose(centroids(uneven), centroids(at_once), rtol=0, atol=CLOSE)


def test_samples_are_known_again_by_their_tokens(tmp_path: Path) -> None:
    """Before the first step the lower bound of any batch is what the centroids themselves give."""
    found = []
    for centroid in ("reverse", "frozen"):
        # Of all tokens: the first alone would tell most of a model that has learnt nothing.
        cmi = CMIArguments(lam=9.0, role="teacher", centroid=centroid, feature="mean")
        trainer = trained(tmp_path, cmi=cmi, max_steps=1)
        found.append(logged(trainer, "surrogate"))
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert found[0][0] > 1e-4


def test_what_a_broken_step_left_is_dropped(tmp_path: Path) -> None:
    import torch

    cmi = CMIArguments(lam=1.0)
    trainer = CMITrainer(classifier(), training(tmp_path), train_dataset=texts(), cmi=cmi)
    trainer.objective.criterion.observe(torch.eye(2, 16), torch.arange(2))
    trainer.train()
    assert np.array_equal(centroids(trainer), centroids(trained(tmp_path, cmi=cmi)))


def test_without_weight_it_is_the_trainer_of_transformers(tmp_path: Path) -> None:
    import transformers

    plain = transformers.Trainer(classifier(), training(tmp_path), train_dataset=texts())
    plain.train()
    for cmi in (None, CMIArguments(lam=0.0)):
        trainer = trained(tmp_path, cmi=cmi)
        assert losses(trainer) == pytest.approx(losses(plain), abs=CLOSE)
    assert trained(tmp_path, cmi=None).objective is None


def test_random_numbers_of_training_are_left_alone(tmp_path: Path) -> None:
    """With dropout and shuffling, the pass over the data changes neither."""
    import transformers

    plain = transformers.Trainer(classifier(dropout=0.1), training(tmp_path), train_dataset=texts())
    plain.train()
    cmi = CMIArguments(lam=0.0, centroid="epoch")
    trainer = trained(tmp_path, classifier(dropout=0.1), cmi)
    assert losses(trainer) == pytest.approx(losses(plain), abs=CLOSE)


def test_a_callback_for_a_trainer_of_ones_own(tmp_path: Path) -> None:
    import transformers

    cmi = CMIArguments(lam=1.0, centroid="epoch")
    want = trained(tmp_path / "a", cmi=cmi)
    model = classifier()
    objective = CMIObjective(model, cmi, 2)
    assert objective.arguments.feature == "pooled"
    assert "lam=1.0" in repr(objective)
    trainer = transformers.Trainer(
        model,
        training(tmp_path / "b", save_strategy="epoch"),
        train_dataset=texts(),
        compute_loss_func=objective,
        callbacks=[objective.callback],
    )
    trainer.train()
    assert losses(trainer) == losses(want)
    assert logged(trainer, "cmi") == logged(want, "cmi")
    assert np.array_equal(objective.criterion.centroids, centroids(want))
    assert (tmp_path / "b/checkpoint-8/cmi_centroids.safetensors").is_file()
    again = transformers.Trainer(
        classifier(),
        training(tmp_path / "b", save_strategy="epoch"),
        train_dataset=texts(),
        compute_loss_func=(other := CMIObjective(classifier(), cmi)),  # made for another model
        callbacks=[other.callback],
    )
    again.train(resume_from_checkpoint=str(tmp_path / "b/checkpoint-4"))
    assert losses(again) == losses(want)
    objective.close()
    assert not model.bert._forward_hooks


def test_a_student_shrinks_its_features_and_a_frozen_surrogate_lies(tmp_path: Path) -> None:
    """What the logged numbers are there for."""
    options = {"num_train_epochs": 8, "learning_rate": 5e-3, "logging_steps": 16}
    plain = trained(tmp_path, cmi=None, **options).evaluate()
    student = trained(tmp_path, cmi=CMIArguments(lam=50.0), **options)
    assert student.evaluate()["eval_feature_cmi"] < 0.5 * plain["eval_feature_cmi"]
    assert student.evaluate()["eval_feature_norm"] < plain["eval_feature_norm"]
    told = {}
    for centroid in ("frozen", "reverse"):
        cmi = CMIArguments(lam=50.0, role="teacher", centroid=centroid)
        teacher = trained(tmp_path, cmi=cmi, **options)
        exact = teacher.evaluate()["eval_feature_cmi"]
        told[centroid] = logged(teacher, "surrogate")[-1], logged(teacher, "cmi")[-1], exact
    surrogate, of_batches, exact = told["frozen"]
    assert surrogate > 5 * of_batches  # whole classes have moved away from their old centroids
    assert exact < plain["eval_feature_cmi"]
    assert told["reverse"][2] > plain["eval_feature_cmi"]


# ------------------------------------------------------------------------------- other models, ways


@PEFT_ASKS
def test_adapters(tmp_path: Path) -> None:
    """Parts of a step are the whole; adapters are trained, and saved beside the centroids."""
    peft = pytest.importorskip("peft", reason="peft is not installed: no adapters")
    config = peft.LoraConfig(task_type="SEQ_CLS", r=2, lora_dropout=0.0)
    import torch

    runs = []
    for steps in (1, 4):
        with torch.random.fork_rng():
            torch.manual_seed(5)
            model = peft.get_peft_model(classifier(), config)
        runs.append(
            trained(
                tmp_path, model, CMIArguments(lam=1.0),
                per_device_train_batch_size=16 // steps, gradient_accumulation_steps=steps,
                save_strategy="epoch", learning_rate=1e-2,
            )
        )  # fmt: skip
    whole, parts = runs
    assert losses(parts) == pytest.approx(losses(whole), abs=CLOSE)
    np.testing.assert_allclose(centroids(parts), centroids(whole), rtol=0, atol=CLOSE)
    assert not np.array_equal(centroids(whole)[0], np.full(16, 1 / 16))
    folder = tmp_path / "checkpoint-8"
    assert (folder / "adapter_model.safetensors").is_file()
    assert (folder / "cmi_centroids.safetensors").is_file()
    assert whole.evaluate()["eval_feature_cmi"] > 0
    moved = [
        float(each.detach().abs().sum())
        for name, each in whole.model.named_parameters()
        if "lora_B" in name
    ]
    assert min(moved) > 0  # they begin at zero


@pytest.mark.parametrize("kind", ["GPT2", "Llama", "DistilBert"])
def test_other_models(tmp_path: Path, kind: str) -> None:
    cmi = CMIArguments(lam=1.0, feature="mean")
    whole = trained(tmp_path, classifier(kind), cmi)
    parts = trained(
        tmp_path, classifier(kind), cmi,
        per_device_train_batch_size=8, gradient_accumulation_steps=2,
    )  # fmt: skip
    assert losses(parts) == pytest.approx(losses(whole), abs=CLOSE)
    np.testing.assert_allclose(centroids(parts), centroids(whole), rtol=0, atol=CLOSE)


def test_checkpointed_activations_and_half_precision(tmp_path: Path) -> None:
    cmi = CMIArguments(lam=1.0)
    want = trained(tmp_path, cmi=cmi)
    model = classifier()
    checkpoint_activations(model)
    assert losses(trained(tmp_path, model, cmi)) == pytest.approx(losses(want), abs=CLOSE)
    half = trained(tmp_path, cmi=cmi, bf16=True)
    assert half.objective.criterion.centroids.dtype.itemsize == 4
    assert losses(half) == pytest.approx(losses(want), abs=0.02)  # bfloat16 has 8 bits
    assert half.evaluate()["eval_feature_cmi"] > 0


def test_a_model_that_each_run_makes_anew(tmp_path: Path) -> None:
    cmi = CMIArguments(lam=1.0)
    trainer = CMITrainer(
        model_init=lambda: classifier(), args=training(tmp_path), train_dataset=texts(), cmi=cmi
    )
    for _ in range(2):
        trainer.train()
        assert losses(trainer) == losses(trained(tmp_path, cmi=cmi))
