"""``infotheory ncmi --save-state``: one run at a time, and what a state remembers of its past."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli.models import LABELS, MODELS
from cli.running import run

from infotheory import NCMIAccumulator
from infotheory._atomic import reserved
from infotheory.classifiers import read_states, write_states

pytestmark = pytest.mark.usefixtures("small_batches")


@pytest.mark.usefixtures("saved_at_every_batch")
def test_digests_do_not_grow_with_the_savings(npz: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert run(npz, "--groups", "labels", "--save-state", state) == 0
    assert {len(accumulator.digests) for accumulator, _ in read_states(state).values()} == {1}


def test_a_library_remembers_what_it_saves_unless_told_otherwise(tmp_path: Path) -> None:
    accumulator = NCMIAccumulator().update(MODELS["weak"], LABELS)
    write_states(tmp_path / "state", {"a": accumulator}, remember=False)
    assert not accumulator.digests
    saved = read_states(tmp_path / "state")["a"].accumulator.digests
    write_states(tmp_path / "state", {"a": accumulator})
    assert accumulator.digests == saved != frozenset()


@pytest.mark.skipif(os.name != "posix", reason="locks files the POSIX way")
def test_a_state_is_used_by_one_run_at_a_time(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "states"
    folder.mkdir()
    state, link, other = folder / "state", tmp_path / "link", tmp_path / "other"
    assert run(npz, "--outputs", "weak", "--save-state", state) == 0
    assert run(npz, "--save-state", other) == 0
    link.symlink_to(state)
    before = state.read_bytes()
    capsys.readouterr()
    with reserved(state):
        for command in ([npz], ["--merge", other, state]):
            assert run(*command, "--save-state", state) == 1
            out, err = capsys.readouterr()
            assert out == ""
            assert err.startswith(f"infotheory ncmi: {state} must be used by one run at a time")
            assert "it is in use by another run" in err
        assert run(npz, "--save-state", link) == 1
        assert run("--merge", state) == 0  # reading is free
    assert state.read_bytes() == before
    assert run(npz, "--save-state", state) == 0
    assert [entry.name for entry in folder.iterdir()] == ["state"]
