"""``infotheory ncmi``: what is printed, and what the options do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli.models import LABELS, MODELS, RNG, WITH_ZEROS, K, N, logits, report, softmax, table_rows

from infotheory.cli import main

# -------------------------------------------------------------------------------------- the table


def test_the_table_is_sorted_by_ncmi(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ncmi", str(npz)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    expected = sorted(MODELS, key=lambda name: report(MODELS[name]).ncmi)
    assert table_rows(out) == expected


def test_the_table_shows_the_values_of_the_library(
    npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["ncmi", str(npz)])
    out = capsys.readouterr().out
    header = out.splitlines()[0].split()
    assert header == ["model", "n", "error", "CMI", "Gamma", "NCMI", "cross", "entropy"]
    for name, outputs in MODELS.items():
        (line,) = (line for line in out.splitlines() if line.startswith(name))
        r = report(outputs)
        shown = [float(cell) for cell in line.split()[1:]]
        assert shown == pytest.approx(
            [N, r.error, r.cmi, r.gamma, r.ncmi, r.cross_entropy], abs=1e-5
        )
        assert shown[2:5] == pytest.approx([r.cmi, r.gamma, r.ncmi], abs=6e-7)


def test_very_small_and_very_large_values_stay_readable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    tiny, vast = 1e-3 * MODELS["weak"], MODELS["weak"].astype(np.float64) * 1e200
    np.savez(path, tiny=tiny, vast=vast, labels=LABELS)
    assert main(["ncmi", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines[:4]}) == 1  # the columns hold
    (row,) = (line.split() for line in lines if line.startswith("tiny"))
    assert float(row[3]) == pytest.approx(report(tiny).cmi, rel=1e-3)
    (row,) = (line.split() for line in lines if line.startswith("vast"))
    assert float(row[4]) == pytest.approx(report(vast).gamma, rel=1e-3)


def test_units_are_stated(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ncmi", str(npz)])
    assert "CMI, Gamma and cross entropy in nats;" in capsys.readouterr().out
    main(["ncmi", str(npz), "--base", "2"])
    assert "CMI, Gamma and cross entropy in bits;" in capsys.readouterr().out


def test_infinite_gamma_sorts_last_is_flagged_and_takes_no_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    probs = {name: softmax(outputs) for name, outputs in MODELS.items()}
    np.savez(path, zeros=WITH_ZEROS, **probs, labels=LABELS)
    assert main(["ncmi", str(path), "--kind", "probs"]) == 0
    out, err = capsys.readouterr()
    assert table_rows(out)[-1] == "zeros"
    zeros = N * (K - 1)
    assert f"not ranked: {zeros} exact zeros" in out
    assert "over 3 models" in out
    assert err.startswith("note: zeros: Gamma is infinite")
    assert err.count("Gamma is infinite") == 1


def test_smoothing_makes_it_finite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, zeros=WITH_ZEROS, labels=LABELS)
    assert main(["ncmi", str(path), "--kind", "probs", "--smoothing", "0.01"]) == 0
    out, err = capsys.readouterr()
    assert "not ranked" not in out
    assert err == ""


def test_an_undefined_ncmi_comes_last_of_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, other = tmp_path / "one.npz", tmp_path / "two.npz"
    np.savez(path, single=softmax(MODELS["weak"]), labels=np.zeros(N, int))
    np.savez(other, zeros=WITH_ZEROS, fine=softmax(MODELS["weak"]), labels=LABELS)
    assert main(["ncmi", str(path), str(other), "--kind", "probs"]) == 0
    out, err = capsys.readouterr()
    assert table_rows(out) == ["fine", "zeros", "single"]
    assert "not ranked: NCMI is undefined" in out
    assert "note: single: NCMI is undefined (nan)" in err


def test_a_warning_of_several_models_is_printed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    kept = LABELS != 3
    np.savez(path, labels=LABELS[kept], **{name: x[kept] for name, x in MODELS.items()})
    assert main(["ncmi", str(path)]) == 0
    (note,) = capsys.readouterr().err.splitlines()
    for name in MODELS:
        assert name in note
    assert "1 of 5 classes have no samples" in note


# -------------------------------------------------------------------------------- the correlation


def test_the_correlation_is_that_of_the_values(
    npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["ncmi", str(npz)])
    reports = [report(outputs) for outputs in MODELS.values()]
    pearson = np.corrcoef([r.ncmi for r in reports], [r.error for r in reports])[0, 1]
    assert (
        f"NCMI against error over 3 models: Pearson {pearson:.3f}, Spearman"
        in capsys.readouterr().out
    )


def test_no_correlation_of_two_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, a=MODELS["weak"], b=MODELS["strong"], labels=LABELS)
    main(["ncmi", str(path)])
    assert "No correlation of NCMI with error" in capsys.readouterr().out


def test_no_correlation_over_different_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = []
    for i, (name, outputs) in enumerate(MODELS.items()):
        paths.append(str(tmp_path / f"{name}.npz"))
        np.savez(paths[-1], **{name: outputs[i:]}, labels=LABELS[i:])
    main(["ncmi", *paths])
    assert "No correlation of NCMI with error" in capsys.readouterr().out


def test_one_model_has_no_line_on_correlation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, a=MODELS["weak"], labels=LABELS)
    main(["ncmi", str(path)])
    assert "orrelation" not in capsys.readouterr().out


# ------------------------------------------------------------------------------------- the options


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--temperature", "2.5"], {"temperature": 2.5}),
        (["--smoothing", "0.1"], {"smoothing": 0.1}),
        (["--base", "2"], {"base": 2.0}),
        (["--n-classes", "7"], {"n_classes": 7}),
    ],
)
def test_options_reach_the_library(
    npz: Path, tmp_path: Path, arguments: list[str], options: dict[str, float]
) -> None:
    out = tmp_path / "out.json"
    assert main(["ncmi", str(npz), *arguments, "--json", str(out)]) == 0
    for model in json.loads(out.read_text())["models"]:
        expected = report(MODELS[model["name"]], **options)
        assert model["cmi"] == pytest.approx(expected.cmi, rel=1e-12)
        assert model["gamma"] == pytest.approx(expected.gamma, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "convert"), [("probs", softmax), ("log_probs", lambda z: np.log(softmax(z)))]
)
def test_kinds(tmp_path: Path, kind: str, convert: object) -> None:
    path, out = tmp_path / "models.npz", tmp_path / "out.json"
    np.savez(path, m=convert(MODELS["weak"]), y=LABELS)
    assert main(["ncmi", str(path), "--kind", kind, "--labels", "y", "--json", str(out)]) == 0
    (model,) = json.loads(out.read_text())["models"]
    assert model["ncmi"] == pytest.approx(report(MODELS["weak"]).ncmi, rel=1e-6)


def test_per_class_tables(npz: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ncmi", str(npz), "--per-class"]) == 0
    out = capsys.readouterr().out
    for name, outputs in MODELS.items():
        block = out.split(f"\n{name}\n", 1)[1].splitlines()[: K + 2]
        assert block[0].split() == ["n", "cmi", "error", "centroid_entropy"]
        table = report(outputs).per_class.sort_values("cmi", ascending=False)
        rows = [line.split() for line in block[2:]]
        assert [row[0] for row in rows] == list(table.index)
        assert [float(row[2]) for row in rows] == pytest.approx(list(table["cmi"]), abs=1e-6)


def test_per_class_tables_of_many_classes_are_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    labels = np.arange(60) % 30
    np.savez(path, m=RNG.normal(size=(60, 30)), labels=labels)
    assert main(["ncmi", str(path), "--per-class"]) == 0
    assert "... and 10 classes more; --json writes all of them." in capsys.readouterr().out


# -------------------------------------------------------------------------------------- the names


def test_equal_keys_are_told_apart_by_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        np.savez(tmp_path / f"{name}.npz", z=logits(2.0), labels=LABELS)
    np.savez(tmp_path / "three.npz", z=logits(2.0), w=logits(2.0), labels=LABELS)
    main(["ncmi", *(str(tmp_path / f"{name}.npz") for name in ("one", "two", "three"))])
    assert sorted(table_rows(capsys.readouterr().out)) == ["one", "three:z", "two", "w"]


def test_equal_files_of_two_folders_are_told_apart_by_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "x.npz")
        np.savez(paths[-1], z=logits(2.0), labels=LABELS)
    main(["ncmi", *map(str, paths)])
    assert sorted(table_rows(capsys.readouterr().out)) == [f"{path}:z" for path in paths]


def test_a_key_that_is_the_name_of_another_file_loses_no_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "b.npz", x=logits(2.0), labels=LABELS)
    np.savez(tmp_path / "d.npz", x=logits(1.0), b=logits(3.0), labels=LABELS)
    assert main(["ncmi", str(tmp_path / "b.npz"), str(tmp_path / "d.npz")]) == 0
    assert len(table_rows(capsys.readouterr().out)) == 3


def test_the_same_file_twice_is_measured_once(
    npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ncmi", str(npz), str(npz)]) == 0
    assert len(table_rows(capsys.readouterr().out)) == len(MODELS)


def test_as_a_program(npz: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "infotheory", "ncmi"]
    done = subprocess.run(
        [*command, str(npz), str(tmp_path / "none.npy")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].split()[0] == "model"
    assert len(table_rows(done.stdout)) == 3
    assert done.stderr == f"infotheory ncmi: {tmp_path / 'none.npy'}: there is no such file.\n"


# ------------------------------------------------------------------------------------ real networks


def test_real_networks_are_all_measured(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = data_dir / "logits_cifar10" / "logits_8models.npz", tmp_path / "out.json"
    assert main(["ncmi", str(path), "--json", str(out)]) == 0
    stored = np.load(path, allow_pickle=False)
    models = json.loads(out.read_text())["models"]
    assert {model["name"] for model in models} == {*stored.files} - {"labels"}
    for model in models:
        wrong = stored[model["name"]].argmax(axis=1) != stored["labels"]
        assert model["error"] == pytest.approx(wrong.mean(), abs=1e-12)
    assert "over 8 models" in capsys.readouterr().out
