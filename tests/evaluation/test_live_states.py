"""A live measurement that is stopped goes on where it was, and ends with the very same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation.fakes import LABELS, MATRIX, OUTPUTS, FakeData, FakeModel, N

from infotheory.evaluation import evaluate_models, states
from infotheory.evaluation.states import read_kept
from infotheory.exceptions import InfotheoryWarning

MODELS = {"one": MATRIX, "two": 2 * MATRIX, "three": MATRIX[:, ::-1]}
BROKEN = (3, 31, 77)


class FailedError(RuntimeError):
    """A model that has had enough."""


def evaluated(folder: Path, stop_at: int | None = None, **options: Any) -> dict[str, Any]:
    """All models in batches of 7; the second one fails at a batch."""

    def stop(batch: int) -> None:
        if batch == stop_at:
            raise FailedError

    folder.mkdir(exist_ok=True)

    models = {
        name: FakeModel(matrix, name=name, before=stop if name == "two" else lambda batch: None)
        for name, matrix in MODELS.items()
    }
    reports = evaluate_models(
        models,
        FakeData(broken=BROKEN),
        batch_size=7,
        on_error="skip",
        save_state=folder / "state",
        save_outputs=folder / "outputs",
        **options,
    )
    return {
        name: {**report.to_dict(), "warnings": report.warnings} for name, report in reports.items()
    }


@pytest.fixture(autouse=True)
def _quiet(saved_at_every_batch: None, recwarn: pytest.WarningsRecorder) -> None:
    """What is left out is not the subject here."""


@pytest.fixture
def saved_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_EVERY", 0.0)
    monkeypatch.setattr(states, "_SHARE", 0.0)


@pytest.mark.filterwarnings("always::infotheory.exceptions.InfotheoryWarning")
@pytest.mark.parametrize("n_threads", [0, 2])
def test_stopped_at_random_batches(tmp_path: Path, n_threads: int) -> None:
    """The second model has had one batch less than the first one, and as many as the third."""
    plain = evaluated(tmp_path / "plain", n_threads=n_threads)
    numbers = np.random.default_rng(4)
    folder = tmp_path / "stopped"
    done = 0
    for _ in range(6):
        with pytest.raises(FailedError):
            evaluated(folder, stop_at=int(numbers.integers(0, 3)), n_threads=n_threads)
        kept = read_kept(folder / "state")
        rows = {name: one.measurement.rows for name, one in kept.items()}
        assert rows["one"] == rows["two"] + 7
        assert rows["three"] == rows["two"]
        assert rows["two"] >= done
        done = rows["two"]
        skipped = kept["two"].measurement.skipped.rows
        assert skipped == [row for row in BROKEN if row < done]
        assert kept["two"].measurement.total.n == done - len(skipped)
    assert 0 < done < N
    assert evaluated(folder, n_threads=n_threads) == plain  # to the last bit
    left = np.setdiff1d(np.arange(N), BROKEN)
    for name, matrix in MODELS.items():
        expected = np.array([row @ matrix for row in FakeData().features[left]])
        assert np.array_equal(np.load(folder / "outputs" / f"{name}.npy"), expected)
    assert np.array_equal(np.load(folder / "outputs" / "labels.npy"), LABELS[left])
    assert not list((folder / "outputs").glob("*.part"))


@pytest.mark.filterwarnings("always::infotheory.exceptions.InfotheoryWarning")
def test_a_state_that_is_complete_is_only_reported(tmp_path: Path) -> None:
    plain = evaluated(tmp_path)
    assert evaluated(tmp_path, stop_at=0) == plain


def test_an_unreadable_sample_keeps_what_was_before(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row 50 of fake"):
        evaluate_models(
            {"one": FakeModel()},
            FakeData(broken=[50]),
            batch_size=7,
            save_state=tmp_path / "state",
            n_threads=2,
        )
    assert read_kept(tmp_path / "state")["one"].measurement.rows == 49
    data = FakeData()
    found = evaluate_models({"one": FakeModel()}, data, batch_size=7, save_state=tmp_path / "state")
    assert sorted(data.read) == list(range(49, N))
    assert found["one"].n == N


def test_a_model_that_joins_is_measured_from_the_beginning(tmp_path: Path) -> None:
    options: dict[str, Any] = {"batch_size": 10, "save_state": tmp_path / "state"}
    with pytest.raises(ValueError, match="row 55"):
        evaluate_models({"old": FakeModel()}, FakeData(broken=[55]), **options)
    old, new = FakeModel(), FakeModel(2 * MATRIX)
    found = evaluate_models({"old": old, "new": new}, FakeData(), **options)
    assert sum(old.batches) == N - 50
    assert sum(new.batches) == N
    assert found["old"].n == found["new"].n == N


def test_an_interruption_waits_for_the_end_of_the_batch(tmp_path: Path, ctrl_c: None) -> None:
    import os
    import signal

    model = FakeModel(before=lambda batch: batch == 3 and os.kill(os.getpid(), signal.SIGINT))
    options: dict[str, Any] = {"batch_size": 10, "save_state": tmp_path / "state"}
    with pytest.raises(KeyboardInterrupt):
        evaluate_models({"one": model, "two": FakeModel()}, FakeData(), **options)
    kept = read_kept(tmp_path / "state")
    assert {one.measurement.rows for one in kept.values()} == {40}
    found = evaluate_models({"one": FakeModel(), "two": FakeModel()}, FakeData(), **options)
    assert found["one"].n == N


def test_a_second_interruption_spoils_nothing(
    tmp_path: Path, ctrl_c: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes in the middle of an addition, so the state stays that of the batch before."""
    from infotheory import NCMIAccumulator

    update = NCMIAccumulator.update

    def twice(self: NCMIAccumulator, *arguments: Any, **options: Any) -> Any:
        update(self, *arguments, **options)
        if self.n == 40:
            raise KeyboardInterrupt  # after the sums, before the count of rows
        return self

    options: dict[str, Any] = {"batch_size": 10, "save_state": tmp_path / "state"}
    with monkeypatch.context() as patch:
        patch.setattr(NCMIAccumulator, "update", twice)
        with pytest.raises(KeyboardInterrupt):
            evaluate_models({"one": FakeModel()}, FakeData(), **options)
    assert read_kept(tmp_path / "state")["one"].measurement.rows == 30
    found = evaluate_models({"one": FakeModel()}, FakeData(), **options)
    assert found["one"].n == N


def test_the_outputs_are_on_the_disk_before_the_state_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infotheory.evaluation.outputs import SavedOutputs

    order: list[str] = []
    sync, write = SavedOutputs.sync, states.write_kept
    monkeypatch.setattr(SavedOutputs, "sync", lambda self: (order.append("outputs"), sync(self))[1])
    monkeypatch.setattr(
        states, "write_kept", lambda *given: (order.append("state"), write(*given))[1]
    )
    evaluate_models(
        {"one": FakeModel()},
        FakeData(),
        batch_size=50,
        save_state=tmp_path / "state",
        save_outputs=tmp_path,
    )
    written = [number for number, what in enumerate(order) if what == "state"]
    assert len(written) == 3
    assert all(order[number - 1] == "outputs" for number in written)
    assert np.array_equal(np.load(tmp_path / "one.npy"), OUTPUTS)


def test_what_was_left_out_is_merged(tmp_path: Path) -> None:
    from infotheory.evaluation.merging import merged
    from infotheory.evaluation.states import write_kept

    with pytest.warns(InfotheoryWarning, match="could not be read"):
        evaluated(tmp_path / "one")
    first = read_kept(tmp_path / "one" / "state")["one"]
    second = read_kept(tmp_path / "one" / "state")["one"]
    for kept, rows in ((first, "0:103"), (second, "103:206")):
        kept.sources[0] |= {"rows": rows, "of": "206", "fingerprint": rows}
    for name, kept in (("a", first), ("b", second)):
        write_kept(tmp_path / name, {"one": kept})
    found, notes = merged(
        [tmp_path / "a", tmp_path / "b"], allow_repeats=False, allow_incomplete=False
    )
    assert notes == []
    skipped = found["one"].measurement.skipped
    assert skipped.rows == [*BROKEN, *BROKEN]
    assert skipped.warning().startswith("6 samples could not be read and are left out: row 3 of")
    assert len(skipped.named) == 5


def test_notes_of_each_run_are_kept_and_merged(tmp_path: Path) -> None:
    """Each run counts its own; a later one, and a merger, tell of all."""
    from infotheory.evaluation.merging import merged
    from infotheory.evaluation.states import write_kept

    options: dict[str, Any] = {"batch_size": 10, "save_state": tmp_path / "state"}
    with pytest.raises(ValueError, match="row 55"):
        evaluate_models({"one": FakeModel(short=8)}, FakeData(broken=[55]), **options)
    texts = ("5 batches were cut at 8", "6 batches were cut at 8")
    for _ in range(2):  # the second time nothing is left to do
        found = evaluate_models({"one": FakeModel(short=8)}, FakeData(), **options)
        assert found["one"].warnings == texts
    paths = [tmp_path / name for name in ("a", "b")]
    for path, rows in zip(paths, ("0:103", "103:206"), strict=True):
        kept = read_kept(tmp_path / "state")
        kept["one"].sources[0] |= {"rows": rows, "of": "206", "fingerprint": rows}
        write_kept(path, kept)
    total, _ = merged(paths, allow_repeats=False, allow_incomplete=False)
    assert total["one"].measurement.notes == [*texts, *texts]


def test_notes_of_another_kind_are_refused(tmp_path: Path) -> None:
    from infotheory.evaluation.states import write_kept
    from infotheory.exceptions import StateError

    evaluate_models({"one": FakeModel()}, FakeData(), save_state=tmp_path / "state")
    kept = read_kept(tmp_path / "state")
    kept["one"].sources[0]["rows"] = "all"
    write_kept(tmp_path / "odd", kept)
    with pytest.raises(StateError, match="got notes of another kind"):
        read_kept(tmp_path / "odd")
