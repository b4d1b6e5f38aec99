"""``infotheory ncmi``: failing files, refused arguments, exit codes, help."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from cli.models import LABELS, MODELS, softmax, table_rows

from infotheory.cli import main

# ----------------------------------------------------------------------------- failures and usage


def test_a_failing_file_is_named_and_the_others_are_measured(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, out = tmp_path / "none.npz", tmp_path / "out.json"
    assert main(["ncmi", str(missing), str(npz), "--json", str(out)]) == 1
    text, err = capsys.readouterr()
    assert err == f"infotheory ncmi: {missing}: there is no such file.\n"
    assert len(table_rows(text)) == 3
    content = json.loads(out.read_text())
    assert len(content["models"]) == 3
    assert content["failed"] == [{"where": str(missing), "reason": "there is no such file."}]


def test_a_failing_model_is_named_and_the_others_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    objects, bad = MODELS["weak"].astype(object), MODELS["weak"].copy()
    bad[3, 1] = np.nan
    np.savez(path, fine=MODELS["weak"], bad=bad, objects=objects, labels=LABELS)
    assert main(["ncmi", str(path)]) == 1
    out, err = capsys.readouterr()
    assert table_rows(out) == ["fine"]
    first, second = err.splitlines()
    assert first.startswith(f"infotheory ncmi: {path}[bad]: outputs must be finite or -inf")
    assert "got nan at row 3, column 1." in first
    assert second.startswith(f"infotheory ncmi: {path}[objects]: array 'objects' holds Python")


def test_nothing_measured_prints_no_table_and_no_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    assert main(["ncmi", str(tmp_path / "none.npz"), "--plot", str(out)]) == 1
    assert capsys.readouterr().out == ""
    assert not out.exists()


def test_labels_of_another_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, a=MODELS["weak"], labels=LABELS[:-1])
    assert main(["ncmi", str(path)]) == 1
    assert (
        f"{path}[a]: labels must have one entry per row of outputs (60); got shape (59,)."
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (LABELS.astype(float), "labels must be integers; got dtype float64."),
        (LABELS - 1, "labels must be integers in [0, 5); got -1 at row 0."),
        (LABELS + 1, "labels must be integers in [0, 5); got 5 at row 4."),
    ],
)
def test_labels_that_are_no_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: np.ndarray, text: str
) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, a=MODELS["weak"], labels=labels)
    assert main(["ncmi", str(path)]) == 1
    assert text in capsys.readouterr().err


def test_probabilities_as_logits_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, a=softmax(MODELS["weak"]), labels=LABELS)
    assert main(["ncmi", str(path)]) == 1
    assert "Pass kind='probs'" in capsys.readouterr().err


def test_zero_rows_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "models.npz"
    np.savez(path, a=np.zeros((0, 5)), labels=np.zeros(0, int))
    assert main(["ncmi", str(path)]) == 1
    assert (
        "outputs must have at least one row and one column; got shape (0, 5)."
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "the following arguments are required: FILE"),
        (["x.npz", "--kind", "scores"], "argument --kind: invalid choice: 'scores'"),
        (["x.npz", "--temperature", "0"], "--temperature: must be a positive number; got '0'"),
        (["x.npz", "--temperature", "warm"], "must be a positive number; got 'warm'"),
        (["x.npz", "--smoothing", "1"], "--smoothing: must be a number in [0, 1); got '1'"),
        (
            ["x.npz", "--n-classes", "2.5"],
            "--n-classes: must be a whole number from 1 to 100000000;",
        ),
        (["x.npz", "--base", "1"], "--base: must be a number above 1; got '1'"),
        (["x.npz", "--plot", "x.xyz"], "x.xyz: a figure's name must end in one of "),
        (["x.npz", "--json", "no/x.json"], "no/x.json: there is no folder no"),
        (["x.npz", "--csv", "."], ".: this is a folder"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["ncmi", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_a_plot_without_matplotlib_is_refused_before_the_work(
    npz: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    assert main(["ncmi", str(npz), "--plot", "x.png"]) == 2
    out, err = capsys.readouterr()
    assert 'pip install "infotheory-toolkit[demo]"' in err
    assert out == ""


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ncmi", "--help"]) == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert "infotheory ncmi huge.npy --labels labels.npy" in out
    assert "exit status:" in out


def test_the_program_lists_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "ncmi" in out
    assert "demo" in out
    assert main([]) == 2
    assert main(["nonsense"]) == 2
    assert "invalid choice: 'nonsense'" in capsys.readouterr().err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    import infotheory

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"infotheory {infotheory.__version__}\n"


def test_an_interruption_is_one_line_and_the_usual_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("infotheory.cli.ncmi.run", interrupted)
    assert main(["ncmi", "x.npz"]) == 130
    assert capsys.readouterr().err == "infotheory ncmi: interrupted\n"


def test_an_output_never_takes_the_place_of_an_input_or_another_output(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = npz.read_bytes()
    assert main(["ncmi", str(npz), "--json", str(npz)]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert npz.read_bytes() == before
    both = str(tmp_path / "both")
    assert main(["ncmi", str(npz), "--json", both, "--csv", both]) == 2
    assert "written for another option" in capsys.readouterr().err


@pytest.mark.parametrize("kept", [None, 100])
def test_an_output_never_takes_the_place_of_a_saved_state(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: int | None
) -> None:
    state = tmp_path / "state.png"
    assert main(["ncmi", str(npz), "--save-state", str(state)]) == 0
    state.write_bytes(state.read_bytes()[:kept])  # also one that is cut off
    before = state.read_bytes()
    commands = [["ncmi", str(npz), option] for option in ("--json", "--csv", "--plot")]
    for command in (*commands, ["demo", "--json"]):
        assert main([*command, str(state)]) == 2
        assert f"{state}: would be overwritten, and is a saved state" in capsys.readouterr().err
    assert state.read_bytes() == before


def test_an_output_follows_a_link_and_keeps_the_mode(npz: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    assert main(["ncmi", str(npz), "--json", str(link)]) == 0
    assert link.is_symlink()
    assert real.read_text() != "old"
    assert real.stat().st_mode & 0o777 == 0o600


def test_an_output_may_be_a_device(npz: Path) -> None:
    assert main(["ncmi", str(npz), "--json", "/dev/null", "--csv", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()
