"""``infotheory ncmi --save-state``: nothing is lost, and only what is one's own goes on."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.models import LABELS, MODELS, N, report, table_rows
from cli.running import ROWS, results, rows_done, run, shard_files, stopped_after

from infotheory import NCMIAccumulator
from infotheory.classifiers import read_states, write_states
from infotheory.evaluation import states
from infotheory.evaluation.measurement import Measurement

pytestmark = pytest.mark.usefixtures("ctrl_c", "small_batches")


# ------------------------------------------------------------------------------ going on


def test_a_state_holds_the_accumulators(npz: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert run(npz, "--save-state", state, "--temperature", 2) == 0
    stored = read_states(state)
    assert list(stored) == list(MODELS)
    for name, (accumulator, note) in stored.items():
        assert accumulator.report().ncmi == pytest.approx(
            report(MODELS[name], temperature=2.0).ncmi, rel=1e-12
        )
        assert (note["rows done"], note["rows total"]) == (N, N)
        assert note["options"]["temperature"] == 2.0
    assert NCMIAccumulator.load(state, "weak").n == N


def test_saving_changes_no_result(npz: Path, tmp_path: Path) -> None:
    plain = results(npz, out=tmp_path / "plain.json")
    assert results(npz, "--save-state", tmp_path / "s", out=tmp_path / "o.json") == plain


@pytest.mark.usefixtures("saved_at_every_batch")
@pytest.mark.parametrize("batches", range(0, 27, 4))
def test_an_interruption_loses_nothing(
    npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    batches: int,
) -> None:
    """Nine batches a model: wherever Ctrl-C comes, its batch is finished and saved."""
    state, plain = tmp_path / "state", results(npz, out=tmp_path / "plain.json")
    with monkeypatch.context() as patched:
        stopped_after(patched, batches, lambda: signal.raise_signal(signal.SIGINT))
        assert run(npz, "--save-state", state) == 130
    assert capsys.readouterr().err.endswith("infotheory ncmi: interrupted\n")
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler
    done = rows_done(state)
    assert sum(-(-rows // ROWS) for rows in done.values()) == batches + 1
    taken = []
    with monkeypatch.context() as patched:
        take = NCMIAccumulator.take
        patched.setattr(
            NCMIAccumulator, "take", lambda self, *a, **o: (taken.append(1), take(self, *a, **o))
        )
        again = results(npz, "--save-state", state, out=tmp_path / "again.json")
    assert again == plain  # to the last bit
    assert len(taken) == 27 - (batches + 1)  # no batch twice
    err = capsys.readouterr().err
    for name, rows in done.items():
        if rows == N:
            assert f"note: {name}: already measured, see {state}\n" in err
        elif rows:
            assert f"note: {name}: resumed behind {rows} of {N} rows\n" in err
        else:
            assert f"note: {name}:" not in err


@pytest.mark.parametrize("batches", range(9))
def test_an_interruption_loses_nothing_of_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    """Three batches a file; the files together are one model."""
    arguments = [*shard_files(tmp_path), "--outputs", "weak", "--name", "m"]
    state, plain = tmp_path / "state", results(*arguments, out=tmp_path / "plain.json")
    with monkeypatch.context() as patched:
        stopped_after(patched, batches, lambda: signal.raise_signal(signal.SIGINT))
        assert run(*arguments, "--save-state", state) == 130
    assert rows_done(state) == {"m": [7, 14, 20, 27, 34, 40, 47, 54, 60][batches]}
    assert results(*arguments, "--save-state", state, out=tmp_path / "again.json") == plain


def test_ctrl_c_saves_although_it_is_not_yet_time(
    npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    stopped_after(monkeypatch, 2, lambda: signal.raise_signal(signal.SIGINT))
    assert run(npz, "--save-state", state) == 130
    assert rows_done(state) == {"weak": 3 * ROWS, "strong": 0, "middling": 0}


def test_ctrl_c_behind_the_last_row_is_not_forgotten(
    npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state, close = tmp_path / "state", Measurement.report

    def interrupted(self: Measurement, **options: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return close(self, **options)

    monkeypatch.setattr(Measurement, "report", interrupted)
    assert run(npz, "--outputs", "weak", "--save-state", state) == 130
    assert rows_done(state) == {"weak": N}
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("saved_at_every_batch")
def test_a_second_ctrl_c_acts_at_once(
    npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an addition: the state of before is left as it is."""
    state = tmp_path / "state"

    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    stopped_after(monkeypatch, 2, twice)
    assert run(npz, "--save-state", state) == 130
    assert rows_done(state)["weak"] == 2 * ROWS
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_a_state_ctrl_c_acts_at_once(npz: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_after(monkeypatch, 2, lambda: signal.raise_signal(signal.SIGINT))
    assert run(npz) == 130


def test_a_state_is_written_every_few_seconds(
    npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that runs one second a batch; and not so often that it takes up the time."""
    state, now, written = tmp_path / "state", [0.0], []
    take, write = NCMIAccumulator.take, write_states
    duration = 0.0

    def slow(self: NCMIAccumulator, *args: Any, **options: Any) -> None:
        now[0] += 1.0
        take(self, *args, **options)

    def recorded(*args: Any, **options: Any) -> None:
        written.append(now[0])
        now[0] += duration
        write(*args, **options)

    monkeypatch.setattr(NCMIAccumulator, "take", slow)
    monkeypatch.setattr(states, "_clock", lambda: now[0])
    monkeypatch.setattr(states, "write_states", recorded)
    assert run(npz, "--save-state", state) == 0
    assert written == [5.0, 10.0, 15.0, 20.0, 25.0, 27.0]
    state.unlink()
    written.clear()
    now[0], duration = 0.0, 0.5
    assert run(npz, "--save-state", state) == 0
    assert written == [5.0, 15.5, 26.0, 28.5]  # twenty times half a second apart


def test_what_is_complete_is_not_written_again(npz: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert run(npz, "--save-state", state) == 0
    state.chmod(0o400)
    before = state.stat()
    assert run(npz, "--save-state", state) == 0
    after = state.stat()  # the time of access may be another: it is read
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_models_of_a_state_are_kept(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, other = tmp_path / "state", tmp_path / "other.npz"
    np.savez(other, fourth=MODELS["weak"] + 1, labels=LABELS)
    assert run(npz, "--save-state", state) == 0
    capsys.readouterr()
    assert run(other, "--save-state", state) == 0
    out, err = capsys.readouterr()
    assert table_rows(out) == ["fourth"]
    assert err.splitlines() == [f"note: {state}: {name!r} is kept as it is" for name in MODELS]
    assert rows_done(state) == dict.fromkeys([*MODELS, "fourth"], N)


def test_a_refused_row_keeps_what_came_before(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, path = tmp_path / "state", tmp_path / "bad.npz"
    bad = MODELS["weak"].copy()
    bad[30, 1] = np.nan
    np.savez(path, weak=bad, strong=MODELS["strong"], labels=LABELS)
    assert run(path, "--save-state", state) == 1
    assert table_rows(capsys.readouterr().out) == ["strong"]
    assert rows_done(state) == {"weak": 28, "strong": N}
    for _ in range(2):
        assert run(path, "--save-state", state) == 1
        err = capsys.readouterr().err
        assert "got nan at row 2, column 1." in err
        assert "Rows are counted from row 28 of the array." in err
        assert "weak: resumed behind 28 of 60 rows" in err


def test_a_refused_batch_leaves_groups_and_total_alike(tmp_path: Path) -> None:
    state, path = tmp_path / "state", tmp_path / "bad.npz"
    bad = MODELS["weak"].copy()
    bad[30, 1] = np.nan
    np.savez(path, weak=bad, labels=LABELS, side=np.arange(N) % 2)
    assert run(path, "--save-state", state, "--groups", "side") == 1
    measurement = states.read_kept(state)["weak"].measurement
    assert measurement.total.n == measurement.rows == 28
    assert {name: group.n for name, group in measurement.groups.items()} == {"0": 14, "1": 14}


# --------------------------------------------------------------------- what is not one's own


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--temperature", "2"], "temperature 1.0 and not 2.0"),
        (["--smoothing", "0.1"], "smoothing 0.0 and not 0.1"),
        (["--kind", "log_probs"], "kind logits and not log_probs"),
        (["--n-classes", "6"], "n-classes None and not 6"),
        (["--shards", "4"], "shards 0 and not 4"),
        (["--weights", "w"], "outputs, labels, weights or groups, or files of them, other than"),
        (["--groups", "labels"], "outputs, labels, weights or groups"),
    ],
)
def test_other_options_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], fact: str
) -> None:
    path, state = tmp_path / "models.npz", tmp_path / "state"
    np.savez(path, weak=MODELS["weak"], labels=LABELS, w=np.ones(N))
    assert run(path, "--save-state", state) == 0
    before = state.read_bytes()
    capsys.readouterr()
    assert run(path, "--save-state", state, *options) == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = (x for x in err.splitlines() if not x.startswith("note"))
    assert line.startswith(
        f"infotheory ncmi: {state}: 'weak' must be kept of the same data and options; got {fact}"
    )
    assert line.endswith("It is left as it is: save into another file.")
    assert state.read_bytes() == before


def test_other_data_are_refused(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert run(npz, "--save-state", state) == 0
    before = state.read_bytes()
    np.savez(npz, **{**MODELS, "weak": MODELS["strong"]}, labels=LABELS)
    assert run(npz, "--save-state", state) == 1
    assert f"other than those measured (outputs from {npz})" in capsys.readouterr().err
    assert state.read_bytes() == before


def test_moved_data_are_the_same(npz: Path, tmp_path: Path) -> None:
    state, plain = tmp_path / "state", results(npz, out=tmp_path / "plain.json")
    assert run(npz, "--save-state", state) == 0
    moved = npz.rename(tmp_path / "moved.npz")
    again = results(moved, "--save-state", state, out=tmp_path / "again.json")
    for model in (*plain["models"], *again["models"]):
        del model["file"]
    assert again == plain


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_damaged_state_is_refused_and_kept(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    state = tmp_path / "state"
    assert run(npz, "--save-state", state) == 0
    damaged = state.read_bytes()[:size]
    state.write_bytes(damaged)
    capsys.readouterr()
    assert run(npz, "--save-state", state) == 1
    assert run("--merge", state) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count(f"infotheory ncmi: {state} must be a state saved by infotheory; got ") == 2
    assert state.read_bytes() == damaged


@pytest.mark.parametrize("note", [{"rows": 3}, {"model": "a", "group": None, "sources": [1]}])
def test_notes_of_another_program_are_refused(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], note: dict[str, Any]
) -> None:
    state = tmp_path / "state"
    write_states(state, {"weak": NCMIAccumulator()}, {"weak": note})
    assert run(npz, "--save-state", state) == 1
    assert "must be a state written by infotheory ncmi; got notes of" in capsys.readouterr().err


def test_a_state_that_cannot_be_written_is_said_behind_the_results(
    npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = tmp_path / "state"

    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(states, "write_states", full)
    assert run(npz, "--save-state", state) == 1
    out, err = capsys.readouterr()
    assert len(table_rows(out)) == 3
    assert err == f"infotheory ncmi: {state}: [Errno 28] No space left on device\n"


def test_a_failing_save_in_between_is_said_once_and_tried_again(
    npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By a clock that runs one second a batch, on a disk that is full for the first 18 of 27."""
    state, now, tried = tmp_path / "state", [0.0], []
    take, write = NCMIAccumulator.take, write_states

    def slow(self: NCMIAccumulator, *args: Any, **options: Any) -> None:
        now[0] += 1.0
        take(self, *args, **options)

    def full_at_first(*args: Any, **options: Any) -> None:
        tried.append(now[0])
        if now[0] < 18:
            raise OSError(28, "No space left on device")
        write(*args, **options)

    monkeypatch.setattr(NCMIAccumulator, "take", slow)
    monkeypatch.setattr(states, "_clock", lambda: now[0])
    monkeypatch.setattr(states, "write_states", full_at_first)
    assert run(npz, "--save-state", state) == 0
    assert tried == [5.0, 10.0, 15.0, 20.0, 25.0, 27.0]
    out, err = capsys.readouterr()
    assert len(table_rows(out)) == 3
    assert err == (
        f"note: {state}: cannot be written, and is tried again "
        "([Errno 28] No space left on device)\n"
    )
    assert rows_done(state) == dict.fromkeys(MODELS, N)


def test_where_interruptions_are_ignored_they_stay_so(npz: Path, tmp_path: Path) -> None:
    """As in the background of a shell, or where a program brings a handler of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    seen = []
    with states.deferred_interrupt() as asked:
        seen.append(signal.getsignal(signal.SIGINT))
        signal.raise_signal(signal.SIGINT)
        assert not asked()
    assert seen == [signal.SIG_IGN]
    assert run(npz, "--save-state", tmp_path / "state") == 0


def test_other_threads_are_not_interrupted(npz: Path, tmp_path: Path) -> None:
    status = []
    thread = threading.Thread(
        target=lambda: status.append(run(npz, "--save-state", tmp_path / "state"))
    )
    thread.start()
    thread.join()
    assert status == [0]
