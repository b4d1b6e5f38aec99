"""What a state file is a state of: the same model on the same data, measured in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation.fakes import FEATURES, LABELS, MATRIX, FakeData, FakeModel, N

from infotheory.evaluation import evaluate_model
from infotheory.exceptions import InfotheoryWarning, StateError
from infotheory.models import UnreadableSampleError


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    evaluate_model(FakeModel(), FakeData(), save_state=state)
    content = state.read_bytes()
    others: list[tuple[Any, Any, dict[str, Any], str]] = [
        (FakeModel(2 * MATRIX), FakeData(), {}, "a model, data, labels or part of the rows other"),
        (FakeModel(), FakeData(FEATURES + 1), {}, "a model, data, labels or part of the rows"),
        (FakeModel(), FakeData(labels=LABELS[::-1].copy()), {}, "than those measured"),
        (FakeModel(), FakeData(), {"batch_size": 5}, "batch-size 64 and not 5"),
        (FakeModel(), FakeData(), {"temperature": 2.0}, "temperature 1.0 and not 2.0"),
    ]
    for model, data, options, text in others:
        with pytest.raises(StateError, match=f"'linear' must be kept of the same .*{text}"):
            evaluate_model(model, data, save_state=state, **options)
    assert state.read_bytes() == content
    with pytest.warns(InfotheoryWarning, match="linear: already measured"):
        assert evaluate_model(FakeModel(), FakeData(broken=range(N)), save_state=state).n == N


def test_a_state_of_another_precision_is_refused(tmp_path: Path) -> None:
    """Whether or not the model's own fingerprint tells."""
    from dataclasses import replace

    from infotheory.evaluation.live import live_model
    from infotheory.evaluation.states import StateFile

    evaluate_model(FakeModel(), FakeData(), save_state=tmp_path / "state", shards=0)
    model, settings = live_model(
        "linear", FakeModel(), FakeData(), None, range(N), batch_size=64, precision="float32",
        temperature=1.0, smoothing=0.0, shards=0, note=print,
    )  # fmt: skip
    state = StateFile(tmp_path / "state", print)
    assert state.begin({"linear": (model, settings)})["linear"].rows == N
    with pytest.raises(StateError, match="precision float32 and not bf16"):
        state.begin({"linear": (model, replace(settings, precision="bf16"))})


WEIGHTS = MATRIX.copy()


def trained(rows: np.ndarray) -> np.ndarray:
    return rows @ WEIGHTS


@pytest.mark.parametrize("items", [False, True])
def test_changed_data_and_retrained_functions_are_not_what_was_measured(
    items: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists of arrays, data sets with items, and weights that a function finds in its module."""

    def data(features: np.ndarray) -> Any:
        if items:
            return list(zip(features, LABELS.tolist(), strict=True))
        return list(features), LABELS

    state = tmp_path / "state"
    first = evaluate_model(trained, data(FEATURES), save_state=state)
    with pytest.warns(InfotheoryWarning, match="trained: already measured, see .*state"):
        again = evaluate_model(trained, data(FEATURES), save_state=state)
    assert again.to_dict() == first.to_dict()
    changed = FEATURES.copy()
    changed[50, 1] += 0.5
    with pytest.raises(StateError, match="'trained' must be kept of the same data"):
        evaluate_model(trained, data(changed), save_state=state)
    monkeypatch.setattr(f"{__name__}.WEIGHTS", 2 * MATRIX)
    with pytest.raises(StateError, match="'trained' must be kept of the same data"):
        evaluate_model(trained, data(FEATURES), save_state=state)


def test_what_a_state_has_already_is_told(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with pytest.raises(UnreadableSampleError):
        evaluate_model(FakeModel(), FakeData(broken=[55]), batch_size=10, save_state=state)
    with pytest.warns(InfotheoryWarning, match="^linear: resumed behind 50 of 103 rows$") as caught:
        evaluate_model(FakeModel(), FakeData(), batch_size=10, save_state=state)
    assert [item.filename for item in caught] == [__file__]
    with pytest.warns(InfotheoryWarning, match="'linear' is kept as it is"):
        evaluate_model(FakeModel(name="new"), FakeData(), batch_size=10, save_state=state)


def test_outputs_cannot_be_had_of_rows_that_are_measured(tmp_path: Path) -> None:
    evaluate_model(FakeModel(), FakeData(), save_state=tmp_path / "state")
    with pytest.raises(
        StateError, match=r"linear\.npy\.part must hold the outputs of the 103 rows"
    ):
        evaluate_model(
            FakeModel(), FakeData(), save_state=tmp_path / "state", save_outputs=tmp_path
        )


def test_a_state_that_cannot_be_written_does_not_cost_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("infotheory.evaluation.states.write_kept", fail)
    with pytest.warns(InfotheoryWarning, match=r"state: cannot be written \(disk full\)"):
        found = evaluate_model(FakeModel(), FakeData(), save_state=tmp_path / "state")
    assert found.n == N
