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

from infotheory.classifiers.shards import usual_shards
from infotheory.cli import _arguments, main
from infotheory.evaluation.states import read_kept, write_kept


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


def test_parts_have_the_shards_of_all_rows(room: Room, tmp_path: Path) -> None:
    """Not those that each of them would have by itself, which could not be merged."""
    parts = [tmp_path / f"{number}.state" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        options = ["--interval", "jackknife", "--part", f"{number}/3", "--save-state", part]
        assert run(*room.arguments("soft"), *options) == 0
    whole = tmp_path / "whole.state"
    assert run(*room.arguments("soft"), "--interval", "jackknife", "--save-state", whole) == 0
    shards = {read_kept(path)["soft"].measurement.total.shards for path in (*parts, whole)}
    assert shards == {usual_shards(np.bincount(LABELS), K)}
    assert usual_shards(np.bincount(LABELS[:30]), K) not in shards
    assert run("--merge", *parts, "--interval", "jackknife") == 0


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


def measured(room: Room, folder: Path, model: str, part: str, *options: object) -> Path:
    """A state of a part of the rows, under the name of all such states."""
    state = folder / f"{model}-{part.replace('/', 'of')}-{len(list(folder.iterdir()))}.state"
    saved = ["--name", "m", "--part", part, "--save-state", state]
    assert run(*room.arguments(model), *saved, *options) == 0
    return state


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return what is said on standard error, where nothing is printed."""
    capsys.readouterr()
    assert run("--merge", *arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize("part", ["2/2", "1/1", "3/3"])
def test_another_model_of_the_same_name_is_not_merged(
    part: str, room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = measured(room, tmp_path, "soft", "1/2")
    second = measured(room, tmp_path, "sharp", part)
    err = refused(capsys, first, second)
    assert err.startswith(
        f"infotheory ncmi: {second}: 'm' must be one model in all of the states; got "
        f"{room.model('sharp')}, which computes otherwise than {room.model('soft')} on data. "
        "Measure all parts with the same model, or give each its own name by --name."
    )
    assert "must be one model" in refused(capsys, second, first, "--allow-repeats")


def test_parts_of_other_data_are_not_merged(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = measured(room, tmp_path, "soft", "1/2")
    whole = measured(room, tmp_path, "soft", "1/1")
    np.savez(room.folder / "data.npz", features=FEATURES[::-1], labels=LABELS)
    second = measured(room, tmp_path, "soft", "2/2")
    text = (
        "infotheory ncmi: 'm' must be measured on all rows of each of its 2 data sets; got none "
        f"of the rows 45:90 of 90 of {room.model('soft')} on data. Parts of one data set have"
    )
    assert refused(capsys, first, second).startswith(text)
    assert "got none of the rows 0:45 of 90" in refused(capsys, whole, second)
    # Two data sets, all rows of each of them: one in two parts.
    other = measured(room, tmp_path, "soft", "1/2")
    assert run("--merge", other, whole, second) == 0
    assert capsys.readouterr().err == ""


def test_data_with_other_labels_are_not_other_data(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "map.json").write_text(
        json.dumps({str(label): (label + 1) % K for label in range(K)}), encoding="utf-8"
    )
    plain = measured(room, tmp_path, "soft", "1/1")
    shifted = measured(room, tmp_path, "soft", "1/1", "--label-map", tmp_path / "map.json")
    err = refused(capsys, plain, shifted)
    assert "'m' must be merged once; got data that are contained already with other labels" in err
    assert run("--merge", plain, shifted, "--allow-repeats") == 0


def test_parts_of_another_precision_are_not_merged(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As bfloat16 decides what a model computes; batches of another size do not."""
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for number, path in enumerate(paths[:2]):
        part = measured(room, tmp_path, "soft", f"{number + 1}/2", "--batch-size", 16 + number)
        kept = read_kept(part)
        write_kept(path, kept)
    kept["m"].options["precision"] = "bf16"
    write_kept(paths[2], kept)
    assert run("--merge", *paths[:2]) == 0
    assert (
        f"{paths[2]}: 'm' must be of one precision in all of the states; got bf16 beside float32."
    ) in refused(capsys, paths[0], paths[2])


def test_one_row_in_common_is_noticed(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 44 of 90 is the last one of 0:45; row 45 is not one of them."""
    first = measured(room, tmp_path, "soft", "1/2")
    states = {n: measured(room, tmp_path, "soft", f"{n + 1}/90") for n in (44, 45)}
    for order in (1, -1):
        err = refused(capsys, *[first, states[44]][::order])
        assert f"got rows {'44:45' if order == 1 else '0:45'} of" in err
        assert "some of which are contained already" in err
        assert run("--merge", *[first, states[45]][::order]) == 0


def test_states_from_before_models_were_told_apart_are_read(
    room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They know a whole only: parts of two of them are refused all the same."""
    paths = [
        measured(room, tmp_path, model, part)
        for model, part in (("soft", "1/2"), ("soft", "2/2"), ("sharp", "2/2"))
    ]
    for path in paths:
        kept = read_kept(path)
        for key in [key for key in kept["m"].sources[0] if key.endswith(" fingerprint")]:
            del kept["m"].sources[0][key]
        write_kept(path, kept)
    assert run("--merge", *paths[:2]) == 0
    assert "'m' must be measured on all rows of each" in refused(capsys, paths[0], paths[2])


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
    room.mended.touch()
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
