"""``infotheory ncmi --model``: models at work, in one pass over the data."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.live_models import FEATURES, LABELS, SCALES, K, N, Room
from cli.models import report, table_rows
from cli.running import results, run

from infotheory.cli import _arguments, main
from infotheory.evaluation.states import read_kept


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def by_name(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {model["name"]: model for model in content["models"]}


def test_the_numbers_are_those_of_the_library(room: Room, tmp_path: Path) -> None:
    content = results(
        *room.arguments(*SCALES), "--batch-size", 16, "--interval", "jackknife",
        out=tmp_path / "out.json",
    )  # fmt: skip
    found = by_name(content)
    for name, scale in SCALES.items():
        expected = report(scale * FEATURES, LABELS, interval="jackknife")
        for quantity in ("cmi", "gamma", "ncmi", "error", "cross_entropy"):
            assert found[name][quantity] == pytest.approx(getattr(expected, quantity), rel=1e-12)
        low = expected.intervals["ncmi"].low
        assert found[name]["intervals"]["ncmi"]["low"] == pytest.approx(low, rel=1e-9)
        assert found[name]["model"] == room.model(name)
        assert found[name]["data"] == "data"
        assert found[name]["kind"] == "logits"


def test_it_prints_and_writes_what_files_give(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same models, stored: the same table, CSV and tables of classes, bit by bit."""
    stored = tmp_path / "stored.npz"
    np.savez(stored, **{name: scale * FEATURES for name, scale in SCALES.items()}, labels=LABELS)
    options = ["--per-class", "--interval", "jackknife", "--base", 2, "--temperature", 0.5]
    assert run(stored, *options, "--csv", tmp_path / "stored.csv") == 0
    expected = capsys.readouterr().out
    written = ["--csv", tmp_path / "live.csv", "--plot", tmp_path / "plot.png"]
    assert run(*room.arguments(*SCALES), *options, "--batch-size", N, *written) == 0
    assert capsys.readouterr().out == expected
    assert (tmp_path / "plot.png").stat().st_size > 1000
    live, old = (
        (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        for name in ("live", "stored")
    )
    assert live[0].split(",")[:4] == ["name", "model", "data", "kind"]
    assert [line.split(",")[4:] for line in live] == [line.split(",")[4:] for line in old]


def test_no_intervals_unless_asked_for(room: Room, tmp_path: Path) -> None:
    state = tmp_path / "state"
    content = results(*room.arguments("soft"), "--save-state", state, out=tmp_path / "out.json")
    assert by_name(content)["soft"]["intervals"] == {}
    assert read_kept(state)["soft"].measurement.total.shards == 0


def test_saved_outputs_are_read_by_the_other_form(room: Room, tmp_path: Path) -> None:
    folder = tmp_path / "outputs"
    live = results(*room.arguments("sharp", "flat"), "--save-outputs", folder, out=tmp_path / "a")
    again = results(
        folder / "sharp.npy", folder / "flat.npy", "--labels", folder / "labels.npy",
        "--interval", "delta", out=tmp_path / "b",
    )  # fmt: skip
    ncmi = by_name(again)["flat"]["ncmi"]
    assert by_name(live)["flat"]["ncmi"] == pytest.approx(ncmi, rel=1e-12)
    assert by_name(live)["sharp"]["error"] == by_name(again)["sharp"]["error"]


def test_names_that_are_not_the_only_ones_are_told_in_full(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.py"
    other.write_text(room.models.read_text(encoding="utf-8"), encoding="utf-8")
    second = f"python:{other}:soft"
    assert run(*room.arguments("soft", "flat"), "--model", second) == 0
    names = set(table_rows(capsys.readouterr().out))
    assert names == {room.model("soft"), "flat", second}


def test_one_model_may_be_given_a_name(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*room.arguments("soft"), "--name", "mine") == 0
    assert table_rows(capsys.readouterr().out) == ["mine"]


def test_a_label_map_is_read(room: Room, tmp_path: Path) -> None:
    shifted = {str(label): (label + 1) % K for label in range(K)}
    (tmp_path / "map.json").write_text(json.dumps(shifted), encoding="utf-8")
    content = results(
        *room.arguments("soft"), "--label-map", tmp_path / "map.json", out=tmp_path / "out"
    )
    expected = report(FEATURES, (LABELS + 1) % K)
    assert by_name(content)["soft"]["error"] == expected.error


# ---------------------------------------------------------------------------- unreadable samples


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Images of two grey levels, of which two files are damaged."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for label, level in (("dark", 20), ("light", 220)):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for number in range(6):
            image.new("RGB", (4, 4), (level + 3 * number,) * 3).save(folder / f"{number}.png")
    (tmp_path / "pictures" / "dark" / "2.png").write_bytes(b"")
    good = (tmp_path / "pictures" / "light" / "4.png").read_bytes()
    (tmp_path / "pictures" / "light" / "4.png").write_bytes(good[: len(good) // 2])
    (tmp_path / "grey.py").write_text(
        "import numpy as np\n"
        "def mean(image):\n"
        "    return np.asarray(image, dtype=float).mean() / 50 - 2.4\n"
        "def net():\n"
        "    return (lambda rows: np.stack([-rows, rows], axis=1)), mean\n",
        encoding="utf-8",
    )
    return tmp_path / "pictures"


def test_an_unreadable_image_is_named(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", f"python:{pictures.parent / 'grey.py'}:net"]
    assert run(*arguments, "--data", f"imagefolder:{pictures}") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"infotheory ncmi: imagefolder:{pictures}: " in captured.err
    assert "2.png" in captured.err
    assert "--on-error skip" in captured.err


def test_unreadable_images_are_left_out_counted_and_named(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", f"python:{pictures.parent / 'grey.py'}:net", "--on-error", "skip"]
    content = results(*arguments, "--data", f"imagefolder:{pictures}", out=tmp_path / "out.json")
    (model,) = content["models"]
    assert (model["n"], model["error"]) == (10, 0.0)
    (text,) = model["warnings"]
    assert text.startswith("2 samples could not be read and are left out: ")
    assert "2.png" in text
    assert "4.png" in text
    assert f"note: net: {text}" in capsys.readouterr().err


# ------------------------------------------------------------------------------ states and parts


def test_parts_are_put_together(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last part has no sample of one class; three parts of 90 rows in batches of 16."""
    options = [*room.arguments("sharp", "flat"), "--shards", 5, "--batch-size", 16]
    whole = results(*options, "--interval", "jackknife", out=tmp_path / "whole.json")
    parts = [tmp_path / f"{number}.state" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        saved = ["--save-state", part, "--save-outputs", tmp_path / "outputs"]
        assert run(*options, "--part", f"{number}/3", *saved) == 0
    capsys.readouterr()
    total = ["--merge", *parts, "--interval", "jackknife"]
    merged = results(*total, "--save-state", tmp_path / "total", out=tmp_path / "merged.json")
    assert capsys.readouterr().err == ""
    for name, model in by_name(whole).items():
        other = by_name(merged)[name]
        for quantity in ("n", "cmi", "gamma", "ncmi", "error", "expected_calibration_error"):
            assert other[quantity] == pytest.approx(model[quantity], rel=1e-12)
        assert other["intervals"]["ncmi"]["low"] == pytest.approx(
            model["intervals"]["ncmi"]["low"], rel=1e-9
        )
        assert (other["model"], other["data"]) == (model["model"], model["data"])
    outputs = [np.load(tmp_path / "outputs" / f"part{n}of3" / "flat.npy") for n in (1, 2, 3)]
    assert np.array_equal(np.concatenate(outputs), 0.25 * FEATURES)


def test_missing_and_overlapping_parts_are_noticed(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    states = {}
    for part in ("1/3", "3/3", "4/9"):
        states[part] = tmp_path / part.replace("/", "of")
        assert run(*room.arguments("soft"), "--part", part, "--save-state", states[part]) == 0
    capsys.readouterr()
    assert run("--merge", states["3/3"], states["1/3"]) == 0
    assert "note: 'soft': rows 30:60 of 90 are in no state" in capsys.readouterr().err
    assert run("--merge", states["1/3"], states["4/9"]) == 0
    assert "rows 40:90 of 90 are in no state" in capsys.readouterr().err
    wide = tmp_path / "1of2"
    assert run(*room.arguments("soft"), "--part", "1/2", "--save-state", wide) == 0
    capsys.readouterr()
    assert run("--merge", states["1/3"], wide) == 1
    text = f"got rows 0:45 of {room.model('soft')} on data, some of which are contained already"
    assert text in capsys.readouterr().err
    assert run("--merge", states["1/3"], states["1/3"], "--allow-repeats") == 0


def test_a_state_of_another_part_is_refused(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert run(*room.arguments("soft"), "--part", "1/2", "--save-state", state) == 0
    assert run(*room.arguments("soft"), "--part", "2/2", "--save-state", state) == 1
    text = f"part of the rows other than those measured ({room.model('soft')} on data)"
    assert text in capsys.readouterr().err


def test_going_on_is_told(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str], saved_at_every_batch: None
) -> None:
    state = tmp_path / "state"
    options = [*room.arguments("failing", "soft"), "--batch-size", 16, "--save-state", state]
    assert run(*options) == 1
    err = capsys.readouterr().err
    assert f"{room.model('failing')}: RuntimeError: the model has had enough" in err
    room.models.write_text(
        room.models.read_text(encoding="utf-8").replace("FAILS_AT = ", "FAILS_AT = 1000 + "),
        encoding="utf-8",
    )  # what a function finds in its module is not seen: the same model
    assert run(*options) == 0
    captured = capsys.readouterr()
    assert "note: failing: resumed behind 48 of 90 rows" in captured.err
    assert f"note: soft: already measured, see {state}" in captured.err
    assert set(table_rows(captured.out)) == {"failing", "soft"}
    assert run(*room.arguments("soft"), "--batch-size", 16, "--save-state", state) == 0
    assert f"note: {state}: 'failing' is kept as it is" in capsys.readouterr().err


def test_the_examples_of_the_help_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ncmi", "--help"]) == 0
    text = capsys.readouterr().out
    commands = [line.strip() for line in text.splitlines() if "ncmi --model" in line]
    assert len(commands) == 4
    for command in commands:
        words = shlex.split(command)
        _arguments.parse(words[words.index("ncmi") + 1 :])
