"""What ``infotheory ncmi --model`` refuses, and how it says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.live_models import FEATURES, LABELS, Room
from cli.models import table_rows
from cli.running import results, run


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--model", "m:x"], "--model needs --data SPEC"),
        (["--model", "m:x", "--data", "d:x", "a.npz"], "FILE and --model exclude each other"),
        (["--model", "m:x", "--data", "d:x", "--merge", "s"], "--model and --merge exclude each"),
        (["--model", "m:x", "--model", "m:x", "--data", "d:x"], "name each model once; got 'm:x'"),
        (
            ["--model", "m:x", "--model", "m:y", "--data", "d:x", "--name", "n"],
            "--name goes with one --model",
        ),
        (
            ["--model", "m:x", "--data", "d:x", "--interval", "delta"],
            "--interval delta needs the outputs once more: use --interval jackknife, or --save-o",
        ),
        (["--model", "m:x", "--data", "d:x", "--interval", "bootstrap"], "--interval bootstrap"),
        (["--model", "m:x", "--data", "d:x", "--labels", "y"], "--labels goes with FILE: a model"),
        (["--model", "m:x", "--data", "d:x", "--kind", "probs"], "--kind goes with FILE"),
        (["--model", "m:x", "--data", "d:x", "--n-classes", "3"], "--n-classes goes with FILE"),
        (["--model", "m:x", "--data", "d:x", "--part", "17/16"], "must be I/N, with I from 1 to N"),
        (["--model", "m:x", "--data", "d:x", "--part", "0/2"], "got '0/2'"),
        (["--model", "m:x", "--data", "d:x", "--part", "2"], "got '2'"),
        (["--model", "m:x", "--data", "d:x", "--batch-size", "0"], "must be a whole number from 1"),
        (["--model", "m:x", "--data", "d:x", "--threads", "-1"], "must be a whole number from 0"),
        (["--model", "m:x", "--data", "d:x", "--on-error", "no"], "invalid choice: 'no'"),
        (["--model", "m:x", "--data", "d:x", "--precision", "int8"], "invalid choice: 'int8'"),
        (["--model", "m:x", "--data", "d:x", "--allow-repeats", "--name", "n"], ""),
        (["a.npz", "--data", "d:x"], "--data goes with --model"),
        (["a.npz", "--batch-size", "7"], "--batch-size goes with --model"),
        (["a.npz", "--download"], "--download goes with --model"),
        (["a.npz", "--part", "1/2"], "--part goes with --model"),
        (["--merge", "s", "--save-outputs", "d"], "--save-outputs goes with --model"),
        ([], "required: FILE, or --model SPEC, or --merge STATE"),
    ],
)
def test_arguments_that_do_not_go_together(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not text:
        assert run(*arguments) == 1  # the schemes are not known
        return
    assert run(*arguments) == 2
    assert text in capsys.readouterr().err


def test_a_part_has_rows(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*room.arguments("soft"), "--part", "1/91") == 1
    err = capsys.readouterr().err
    assert "--part: N must be at most the number of rows (90); got 91." in err
    assert run(*room.arguments("soft"), "--part", "90/90") == 0


def test_unknown_schemes_are_refused_with_a_list(
    room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--model", "keras:x", "--data", room.data) == 1
    err = capsys.readouterr().err
    assert "infotheory ncmi: keras:x: model must be one of timm:NAME, torchvision:NAME" in err
    assert run(*room.arguments("soft")[:2], "--data", "folder:x") == 1
    err = capsys.readouterr().err
    assert "infotheory ncmi: folder:x: data must be one of imagefolder:DIR, idx:DIR" in err


def test_a_model_that_fails_does_not_stop_the_others(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = results(
        *room.arguments("features", "narrow", "soft", "nowhere", "failing"),
        "--batch-size", 16, "--save-outputs", tmp_path / "outputs",
        out=tmp_path / "out.json", status=1,
    )  # fmt: skip
    captured = capsys.readouterr()
    assert table_rows(captured.out) == ["soft"]
    reasons = {item["where"]: item["reason"] for item in content["failed"]}
    assert reasons.keys() == {room.model(n) for n in ("features", "narrow", "nowhere", "failing")}
    assert "classification head" in reasons[room.model("features")]
    assert "(16, 4, 1)" in reasons[room.model("features")]
    assert "3" in reasons[room.model("narrow")]
    assert "'nowhere'" in reasons[room.model("nowhere")]
    assert reasons[room.model("failing")] == "RuntimeError: the model has had enough"
    for where, reason in reasons.items():
        assert f"infotheory ncmi: {where}: {reason}" in captured.err
    names = sorted(entry.name for entry in (tmp_path / "outputs").iterdir())
    assert names == ["labels.npy", "soft.npy"]


def test_a_state_of_other_weights_is_refused(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert run(*room.arguments("soft"), "--save-state", state) == 0
    content = state.read_bytes()
    room.models.write_text(
        room.models.read_text(encoding="utf-8").replace("1.0 * rows", "1.5 * rows"),
        encoding="utf-8",
    )
    assert run(*room.arguments("soft"), "--save-state", state) == 1
    err = capsys.readouterr().err
    assert "'soft' must be kept of the same data and options; got a model, data, labels" in err
    np.savez(tmp_path / "data.npz", features=FEATURES[::-1], labels=LABELS)
    assert run(*room.arguments("soft"), "--save-state", state) == 1
    assert run(*room.arguments("soft"), "--save-state", state, "--smoothing", 0.1) == 1
    assert "smoothing 0.0 and not 0.1" in capsys.readouterr().err
    assert state.read_bytes() == content


def test_a_state_of_stored_outputs_is_another_thing(
    room: Room, npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert run(npz, "--save-state", state) == 0
    assert run(*room.arguments("soft"), "--name", "weak", "--save-state", state) == 1
    assert f"other than those measured (outputs from {npz})" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_folder_is_refused(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*room.arguments("soft"), "--save-outputs", room.models) == 2
    assert f"{room.models}: this is no folder" in capsys.readouterr().err


def test_a_label_map_is_not_written_over(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.json"
    path.write_text("{}", encoding="utf-8")
    assert run(*room.arguments("soft"), "--label-map", path, "--json", path) == 2
    assert "would be overwritten, and is read" in capsys.readouterr().err


def test_two_runs_do_not_share_a_state(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from infotheory._atomic import reserved

    with reserved(tmp_path / "state") as free:
        assert free
        assert run(*room.arguments("soft"), "--save-state", tmp_path / "state") == 1
    assert "must be used by one run at a time" in capsys.readouterr().err
