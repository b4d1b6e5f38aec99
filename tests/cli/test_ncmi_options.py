"""``infotheory ncmi``: several files as one model, weights, groups, intervals."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.models import LABELS, MODELS, K, N, report, softmax, table_rows
from cli.running import ROWS, results, run, shard_files

from infotheory.cli import ncmi as verb

RNG = np.random.default_rng(11)
WEIGHTS = np.where(np.arange(N) % 9 == 4, 0.0, RNG.random(N) + 0.5)
SIDES = np.array(["left", "right"])[RNG.integers(0, 2, N)]

FIELDS = ("n", "error", "cmi", "gamma", "ncmi", "cross_entropy", "expected_calibration_error")


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """Models with weights and groups beside them."""
    path = tmp_path / "models.npz"
    np.savez(path, **MODELS, labels=LABELS, w=WEIGHTS, side=SIDES, number=np.arange(N) % 12)
    return path


def close(got: dict[str, Any], want: Any) -> None:
    """A model of a document against a report: the same sums, in batches."""
    for field in FIELDS:
        assert got[field] == pytest.approx(getattr(want, field), rel=1e-12), field


# ------------------------------------------------------------------ several files, one model


@pytest.mark.usefixtures("small_batches")
def test_files_together_are_one_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, out = shard_files(tmp_path), tmp_path / "o.json"
    (model,) = results(*files, "--outputs", "weak", "--name", "all", out=out)["models"]
    assert table_rows(capsys.readouterr().out) == ["all"]
    assert (model["name"], model["array"]) == ("all", "weak")
    assert model["file"] == "; ".join(map(str, files))
    close(model, report(MODELS["weak"]))


def test_labels_once_for_each_file(tmp_path: Path) -> None:
    files, arguments = [], []
    for number, rows in enumerate(np.split(np.arange(N), [17, 39])):
        files.append(tmp_path / f"z{number}.npy")
        arguments += ["--labels", tmp_path / f"y{number}.npy"]
        np.save(files[-1], MODELS["weak"][rows])
        np.save(arguments[-1], LABELS[rows])
    (model,) = results(*files, *arguments, "--name", "all", out=tmp_path / "o.json")["models"]
    close(model, report(MODELS["weak"]))
    models = results(*files, *arguments, out=tmp_path / "o.json")["models"]
    assert {model["name"]: model["n"] for model in models} == {"z0": 17, "z1": 22, "z2": 21}


def test_the_order_of_the_files_counts_the_rows(tmp_path: Path) -> None:
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    zeros = softmax(MODELS["weak"][:20])
    zeros[3] = np.eye(K)[2]
    np.savez(files[0], m=zeros, labels=LABELS[:20])
    np.savez(files[1], m=softmax(MODELS["weak"][20:30]), labels=LABELS[20:30])
    for order, row in ((files, 3), (files[::-1], 13)):
        content = results(*order, "--kind", "probs", "--name", "m", out=tmp_path / "o.json")
        assert content["models"][0]["first_zero_row"] == row


@pytest.mark.usefixtures("small_batches")
def test_a_bad_row_is_placed_in_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    bad = MODELS["weak"][20:].copy()
    bad[ROWS + 2, 1] = np.nan
    np.savez(files[0], m=MODELS["weak"][:20], labels=LABELS[:20])
    np.savez(files[1], m=bad, labels=LABELS[20:])
    assert run(*files, "--name", "m") == 1
    err = capsys.readouterr().err
    assert err.startswith(f"infotheory ncmi: m: {files[1]}: outputs must be finite or -inf")
    assert "got nan at row 2, column 1." in err
    assert f"Rows are counted from row {ROWS} of the array." in err


def test_one_unusable_file_fails_the_whole_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part of the rows would pass for all of them."""
    files = shard_files(tmp_path)
    files[1].write_bytes(files[1].read_bytes()[:100])
    assert run(*files, "--outputs", "weak", "--name", "m") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"infotheory ncmi: {files[1]}: the file is truncated or damaged")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], "it must hold one model, to be a part of 'm'; got 'weak', 'strong', 'middling'."),
        (["--outputs", "weak"], "its samples must be others than those of"),
    ],
)
def test_files_that_are_no_model_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    (path,) = shard_files(tmp_path, 1)
    assert run(path, path, "--name", "m", *options) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"infotheory ncmi: {path}: {text}")


def test_the_same_file_twice_on_demand(tmp_path: Path) -> None:
    (path,) = shard_files(tmp_path, 1)
    options = ["--outputs", "weak", "--name", "m", "--allow-repeats"]
    (model,) = results(path, path, *options, out=tmp_path / "o.json")["models"]
    close(model, report(np.tile(MODELS["weak"], (2, 1)), np.tile(LABELS, 2)))


def test_files_of_other_widths_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path, width in zip(files, (4, 5), strict=True):
        np.savez(path, z=MODELS["weak"][:, :width], labels=LABELS % 4)
    assert run(*files, "--name", "m") == 1
    assert capsys.readouterr().err == (
        "infotheory ncmi: m: outputs must have the same number of columns in each file; "
        f"got 4 in {files[0]}, 5 in {files[1]}.\n"
    )


def test_a_wrong_key_of_an_npy_file_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "z.npy"
    np.save(path, MODELS["weak"])
    assert run(path, "--labels", "y") == 1
    err = capsys.readouterr().err
    assert "no file 'y' and no array 'y'" in err
    assert "an npy file holds one array without a name" in err


# ----------------------------------------------------------------------- weights and groups


@pytest.mark.usefixtures("small_batches")
def test_weights(full: Path, tmp_path: Path) -> None:
    for model in results(full, "--weights", "w", out=tmp_path / "o.json")["models"]:
        close(model, report(MODELS[model["name"]], sample_weight=WEIGHTS))
        assert model["n"] == np.count_nonzero(WEIGHTS)


def test_weights_of_zero_only_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, m=MODELS["weak"], labels=LABELS, w=np.zeros(N))
    for interval in ("none", "jackknife"):
        assert run(path, "--weights", "w", "--interval", interval) == 1
        err = capsys.readouterr().err
        assert f"{path}[m]: sample_weight must be positive for at least one sample" in err


def test_bad_weights_are_placed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, m=MODELS["weak"], labels=LABELS, w=np.where(np.arange(N) == 5, -1.0, 1.0))
    assert run(path, "--weights", "w") == 1
    assert f"{path}[m]: sample_weight must be zero or positive" in capsys.readouterr().err


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("key", ["side", "number"])
def test_groups(full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str) -> None:
    groups = SIDES if key == "side" else np.arange(N) % 12
    options = ["--groups", key, "--weights", "w"]
    content = results(full, *options, out=tmp_path / "o.json")
    out = capsys.readouterr().out
    for model in content["models"]:
        want = report(MODELS[model["name"]], sample_weight=WEIGHTS, groups=groups)
        close(model, want)
        table = want.per_group
        assert [group["group"] for group in model["per_group"]] == list(table.index)
        for got, (_, row) in zip(model["per_group"], table.iterrows(), strict=True):
            for field in table.columns:
                value = None if np.isnan(row[field]) else row[field]
                assert got[field] == (value if value is None else pytest.approx(value, rel=1e-9))
        block = out.split(f"\n{model['name']}\n", 1)[1].splitlines()
        assert [line.split()[0] for line in block[2 : 2 + len(table)]] == list(table.index)


def test_groups_change_nothing_else(full: Path, tmp_path: Path) -> None:
    plain = results(full, out=tmp_path / "o.json")
    grouped = results(full, "--groups", "side", out=tmp_path / "o.json")
    for model in grouped["models"]:
        del model["per_group"]
    assert grouped == plain


def test_groups_of_bytes_and_of_numbers_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, m=MODELS["weak"], labels=LABELS, b=SIDES.astype("S"), x=WEIGHTS)
    (model,) = results(path, "--groups", "b", out=tmp_path / "o.json")["models"]
    assert [group["group"] for group in model["per_group"]] == ["left", "right"]
    assert run(path, "--groups", "x") == 1
    assert "groups must be strings or integers; got dtype float64" in capsys.readouterr().err


# -------------------------------------------------------------------------------- intervals


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("interval", ["jackknife", "delta", "bootstrap"])
def test_intervals_are_those_of_the_library(
    full: Path, tmp_path: Path, interval: str, grouped: bool, weighted: bool
) -> None:
    options: list[object] = ["--interval", interval, "--level", 0.9, "--seed", 5]
    arguments: dict[str, Any] = {"interval": interval, "level": 0.9, "rng": 5}
    if weighted:
        options += ["--weights", "w"]
        arguments["sample_weight"] = WEIGHTS
    content = results(full, *options, *(["--groups", "side"] * grouped), out=tmp_path / "o.json")
    for model in content["models"]:
        want = report(MODELS[model["name"]], **arguments)
        for name, its in want.intervals.items():
            got = model["intervals"][name]
            assert (got["method"], got["level"]) == (its.method, its.level)
            if interval == "bootstrap" and grouped:
                continue  # groups have their resamples first: other random numbers
            for end in ("estimate", "low", "high", "standard_error", "bias"):
                assert got[end] == pytest.approx(getattr(its, end), rel=1e-9, abs=1e-12), end
        assert ("per_group" in model) == grouped
        for group in model.get("per_group", ()):
            assert group["ncmi_low"] < group["ncmi_high"]


@pytest.mark.parametrize("interval", ["jackknife", "delta", "bootstrap"])
def test_a_class_of_weight_zero_is_not_there(tmp_path: Path, interval: str) -> None:
    path, out = tmp_path / "models.npz", tmp_path / "o.json"
    kept = LABELS != 2
    options = ["--interval", interval, "--n-classes", K]
    np.savez(path, m=MODELS["weak"], labels=LABELS, w=kept.astype(float))
    (weighted,) = results(path, "--weights", "w", *options, out=out)["models"]
    np.savez(path, m=MODELS["weak"][kept], labels=LABELS[kept])
    (without,) = results(path, *options, out=out)["models"]
    for name in ("cmi", "gamma", "ncmi", "error"):
        for end in ("low", "high"):
            value = without["intervals"][name][end]
            assert weighted["intervals"][name][end] == pytest.approx(value, rel=1e-9)


def test_intervals_of_groups_are_those_of_their_rows(full: Path, tmp_path: Path) -> None:
    options = ["--groups", "side", "--interval", "delta", "--shards", 6]
    content = results(full, *options, out=tmp_path / "o.json")
    for side in ("left", "right"):
        path = tmp_path / f"{side}.npz"
        chosen = side == SIDES
        np.savez(path, weak=MODELS["weak"][chosen], labels=LABELS[chosen])
        alone = results(path, *options[2:], out=tmp_path / "o.json")["models"][0]["intervals"]
        (model,) = (m for m in content["models"] if m["name"] == "weak")
        (group,) = (g for g in model["per_group"] if g["group"] == side)
        for name in ("cmi", "gamma", "ncmi", "error"):
            for end in ("low", "high"):
                assert group[f"{name}_{end}"] == pytest.approx(alone[name][end], rel=1e-12)


def test_intervals_are_printed_and_written(
    full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o.csv"
    assert run(full, "--interval", "jackknife", "--csv", out) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("NCMI, 95 %")
    assert len({len(line) for line in lines[:5]}) == 1  # the columns hold
    with out.open(newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    for line in lines[2:5]:
        name, *_, low, _, high = line.split()
        assert float(low) == pytest.approx(float(rows[name]["ncmi_low"]), abs=6e-7)
        assert float(high) == pytest.approx(float(rows[name]["ncmi_high"]), abs=6e-7)
        assert {f"{q}_low" for q in ("cmi", "gamma", "ncmi", "error")} <= set(rows[name])


def test_no_intervals_unless_asked_for(
    full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for options in ([], ["--shards", 5, "--groups", "side"]):
        content = results(full, *options, out=tmp_path / "o.json")
        assert all(model["intervals"] == {} for model in content["models"])
        assert "%" not in capsys.readouterr().out


def test_undefined_intervals_are_null_and_named(tmp_path: Path) -> None:
    path, out = tmp_path / "models.npz", tmp_path / "o.json"
    np.savez(path, m=np.eye(K)[np.roll(LABELS, 1)], labels=LABELS)
    options = ["--kind", "probs", "--interval", "jackknife"]
    (model,) = results(path, *options, out=out)["models"]
    assert model["intervals"]["gamma"]["high"] is None
    assert model["non_finite"]["intervals.gamma.high"] == "nan"
    json.dumps(model, allow_nan=False)


def test_rows_that_do_not_fit_in_memory_are_no_crash(
    full: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def scarce(*args: Any) -> Iterator[Any]:
        yield from ()
        raise MemoryError

    monkeypatch.setattr("infotheory.cli._intervals._samples", scarce)
    assert run(full, "--outputs", "weak", "--interval", "bootstrap") == 1
    assert "the rows do not fit in memory, which the bootstrap needs" in capsys.readouterr().err


def test_a_file_is_read_as_often_as_is_said(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infotheory.cli._models import Model

    read = []
    batches = Model.batches

    def counted(self: Model, *args: Any) -> Any:
        read.append(self.name)
        return batches(self, *args)

    monkeypatch.setattr(Model, "batches", counted)
    for options, times in (
        ([], 1),
        (["--shards", 6], 1),
        (["--shards", 6, "--interval", "jackknife"], 1),
        (["--interval", "jackknife"], 2),
        (["--shards", 6, "--interval", "delta"], 2),
        (["--interval", "delta"], 3),
        (["--interval", "jackknife", "--groups", "side"], 2),
        (["--shards", 6, "--interval", "delta", "--groups", "side"], 4),
        (["--shards", 6, "--interval", "bootstrap", "--groups", "side"], 4),
    ):
        read.clear()
        assert run(full, "--outputs", "weak", *options) == 0
        assert len(read) == times, options


def test_batches_do_not_matter(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--groups", "side", "--weights", "w", "--interval", "jackknife"]
    contents = []
    for rows in (1, 13, 1000):
        monkeypatch.setattr(verb, "_CHUNK_BYTES", rows * K * 4)
        contents.append(results(full, *options, out=tmp_path / "o.json"))
    for content in contents[1:]:
        for got, want in zip(content["models"], contents[0]["models"], strict=True):
            for end in ("low", "high", "bias"):
                value = want["intervals"]["ncmi"][end]
                assert got["intervals"]["ncmi"][end] == pytest.approx(value, rel=1e-9)
