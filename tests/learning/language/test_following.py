"""The bar of a fine-tuning, and its log as rows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="torch is not installed: nothing to fine-tune")
pytest.importorskip("transformers", reason="transformers is not installed: no language models")
pytest.importorskip("accelerate", reason="accelerate is not installed: no loop")

from infotheory.learning.language.following import Bar, SaveBetween, history_of, metrics_of


def test_the_bar_goes_on_where_the_run_does(capsys: pytest.CaptureFixture[str]) -> None:
    state = SimpleNamespace(
        is_world_process_zero=True, max_steps=8, global_step=3, epoch=0.75, log_history=[]
    )
    arguments = SimpleNamespace(num_train_epochs=2)
    with Bar(show=True) as bar:
        bar.on_train_begin(arguments, state, None)
        assert bar._bar is not None
        assert (bar._bar._bar.n, bar._bar._bar.total) == (3, 8)
        for step, epoch in ((4, "1/2"), (5, "2/2")):  # the fourth step ends the first epoch
            state.global_step, state.epoch = step, step / 4
            bar.on_step_end(arguments, state, None)
            assert bar._bar._bar.desc == f"epoch {epoch}: "
        bar.on_evaluate(arguments, state, None, metrics={"eval_error": 0.25, "eval_loss": 1.0})
        bar.on_step_end(arguments, state, None)
        assert "error=0.25" in bar._bar._bar.postfix
        assert bar._bar._bar.n == 6
    assert "6/8" in capsys.readouterr().err


def test_checkpoints_between_the_ends_of_epochs() -> None:
    found = []
    for step in range(1, 13):
        state = SimpleNamespace(global_step=step, max_steps=10)
        control = SimpleNamespace(should_save=False)
        SaveBetween(2, 4).on_step_end(None, state, control)
        found += [step] * control.should_save
    assert found == [2, 6]  # 4 and 8 end an epoch, 10 the run


def test_the_log_becomes_a_row_an_epoch() -> None:
    log = [
        {"loss": 0.9, "learning_rate": 0.1, "grad_norm": 3.0, "cmi": 0.2, "epoch": 1.0, "step": 4},
        {"eval_loss": 0.8, "eval_error": 0.5, "eval_runtime": 3.0, "epoch": 1.0, "step": 4},
        {"loss": 0.7, "learning_rate": 0.0, "cmi": 0.1, "epoch": 2.0, "step": 8},
        {"train_loss": 0.8, "train_runtime": 9.0, "total_flos": 1.0, "epoch": 2.0, "step": 8},
    ]
    assert history_of(log) == [
        {"epoch": 1.0, "loss": 0.9, "lr": 0.1, "training_cmi": 0.2, "error": 0.5},
        {"epoch": 2.0, "loss": 0.7, "lr": 0.0, "training_cmi": 0.1},
    ]
    assert metrics_of(log[1]) == {"loss": 0.8, "error": 0.5}
