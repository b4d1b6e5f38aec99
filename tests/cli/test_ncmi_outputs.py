"""``infotheory ncmi``: what is written, and files read in chunks."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli.models import LABELS, MODELS, WITH_ZEROS, K, N, report

from infotheory.cli import main
from infotheory.cli import ncmi as verb

# --------------------------------------------------------------------------------------- the files


def test_json_holds_what_the_library_says(npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["ncmi", str(npz), "--json", str(out), "--per-class"]) == 0
    content = json.loads(out.read_text())
    assert content["failed"] == []
    assert content["correlation"]["models"] == 3
    names = [model["name"] for model in content["models"]]
    assert names == sorted(MODELS, key=lambda name: report(MODELS[name]).ncmi)
    for model in content["models"]:
        expected = report(MODELS[model["name"]])
        assert (model["file"], model["array"]) == (str(npz), model["name"])
        assert model["kind"] == "logits"
        assert model["non_finite"] == {}
        assert model["warnings"] == []
        for field, value in expected.to_dict().items():
            if not isinstance(value, list):
                assert model[field] == value, field
        classes = expected.per_class.reset_index().to_dict("records")
        assert model["per_class"] == classes


def test_json_stays_strict_where_values_are_not_finite(tmp_path: Path) -> None:
    path, out = tmp_path / "models.npz", tmp_path / "out.json"
    empty = LABELS != 4
    np.savez(path, zeros=WITH_ZEROS[empty], labels=LABELS[empty])
    assert main(["ncmi", str(path), "--kind", "probs", "--json", str(out), "--per-class"]) == 0

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    content = json.loads(out.read_text(), parse_constant=refuse)
    (model,) = content["models"]
    assert model["gamma"] is None
    assert model["ncmi"] == 0.0
    assert model["non_finite"]["gamma"] == "inf"
    assert "ncmi" not in model["non_finite"]
    assert model["per_class"][4] == {
        "class": "4",
        "n": 0,
        "cmi": None,
        "error": None,
        "centroid_entropy": None,
    }
    assert any("Gamma is infinite" in text for text in model["warnings"])


def test_csv_holds_what_the_library_says(npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert main(["ncmi", str(npz), "--csv", str(out)]) == 0
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == sorted(MODELS, key=lambda k: report(MODELS[k]).ncmi)
    for row in rows:
        expected = report(MODELS[row["name"]])
        for field in ("cmi", "gamma", "ncmi", "error", "top5_error", "n", "label_information"):
            assert float(row[field]) == getattr(expected, field)


def test_csv_writes_infinity_and_nothing_for_nan(tmp_path: Path) -> None:
    path, out = tmp_path / "models.npz", tmp_path / "out.csv"
    np.savez(path, zeros=WITH_ZEROS, labels=LABELS)
    arguments = ["--kind", "probs", "--n-classes", "6", "--csv", str(out)]
    assert main(["ncmi", str(path), *arguments]) == 0
    with out.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert math.isinf(float(row["gamma"]))
    assert row["error"] == ""


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_plots_are_written(npz: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"figure.{ending}"
    assert main(["ncmi", str(npz), "--plot", str(out)]) == 0
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert out.read_bytes().startswith(magic)


def test_existing_files_are_replaced_and_no_drafts_left(npz: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    outputs = {f"--{kind}": folder / f"x.{kind}" for kind in ("json", "csv")}
    outputs["--plot"] = folder / "x.png"
    for path in outputs.values():
        path.write_text("old", encoding="utf-8")
    assert main(["ncmi", str(npz), *(str(x) for pair in outputs.items() for x in pair)]) == 0
    assert sorted(folder.iterdir()) == sorted(outputs.values())
    assert all(path.stat().st_size > 100 for path in outputs.values())


def test_a_failing_write_is_said_and_leaves_the_old_file(
    npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "x.json"
    out.write_text("old", encoding="utf-8")

    def full(self: Path, *args: object, **options: object) -> None:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["ncmi", str(npz), "--json", str(out)]) == 1
    assert "infotheory ncmi: [Errno 28] No space left on device" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert list(folder.iterdir()) == [out]


# ------------------------------------------------------------------------------------- npy streams


def test_a_mapped_file_in_small_chunks_equals_one_shot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, labels, out = tmp_path / "z.npy", tmp_path / "y.npy", tmp_path / "out.json"
    np.save(outputs, MODELS["weak"])
    np.save(labels, LABELS.astype(np.uint8))
    monkeypatch.setattr(verb, "_CHUNK_BYTES", 7 * K * 4)  # seven rows at a time
    assert main(["ncmi", str(outputs), "--labels", str(labels), "--json", str(out)]) == 0
    (model,) = json.loads(out.read_text())["models"]
    assert model["name"] == "z"
    expected = report(MODELS["weak"])
    for field in ("cmi", "gamma", "ncmi", "cross_entropy", "expected_calibration_error"):
        assert model[field] == pytest.approx(getattr(expected, field), rel=1e-12)
    assert (model["n"], model["error"]) == (N, expected.error)


def test_a_bad_row_of_a_later_chunk_is_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs, labels = tmp_path / "z.npy", tmp_path / "y.npy"
    z = MODELS["weak"].copy()
    z[16, 2] = np.nan
    np.save(outputs, z)
    np.save(labels, LABELS)
    monkeypatch.setattr(verb, "_CHUNK_BYTES", 7 * K * 4)
    assert main(["ncmi", str(outputs), "--labels", str(labels)]) == 1
    err = capsys.readouterr().err
    assert "got nan at row 2, column 2." in err
    assert "Rows are counted from row 14 of the array." in err


def test_a_reader_that_has_seen_enough_is_no_fault(npz: Path) -> None:
    command = [sys.executable, "-m", "infotheory", "ncmi", str(npz)]
    read, write = os.pipe()
    os.close(read)  # as after `| head`
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")
