"""``infotheory mi`` of measured columns: what cannot be measured, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.columns import estimates, table
from files.support import write_npz

from infotheory.cli import main

BROKEN: Mapping[str, Sequence[Any]] = {
    "text": ["x", "y", "x", "y"],
    "mixed": [0.5, 1.5, "NA", 2.5],
    "endless": [0.5, "inf", 1.5, 2.5],
    "large": [2**53 + 1, 1, 2, 3],
    "fine": [0.5, 2.5, 1.5, 3.5],
    "whole": [1, 2, 1, 2],
}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--x", "mixed", "--y", "fine"],
            "and finite; got NA at row 2 among measurements. Say what stands for missing entries w",
        ),
        (["--x", "endless", "--y", "fine"], "column 'endless' must be numbers, booleans or str"),
        (["--columns", "fine", "endless"], "and finite; got inf at row 1. Say what stands for"),
        (
            ["--continuous", "text", "--columns", "t*", "f*"],
            "column 'text' must be numbers, and finite; got 'x' at row 0. Say",
        ),
        (
            ["--x", "text", "fine", "--y", "whole"],
            "measurements, or symbols, all of them together; got 'x' at row 0 in 'text'. Take th",
        ),
        (
            ["--x", "large", "--y", "fine", "--continuous", "large"],
            "column 'large' must be of integers up to 2**53, which doubles hold exactly; got 90071",
        ),
        (
            ["--discrete", "f*", "--continuous", "fine"],
            "column 'fine' must be discrete or continuous; got both. Leave one of them.",
        ),
        (["--discrete", "nothing"], "got 'nothing', and there are 'text', 'mixed',"),
        (["--x", "fine", "--y", "whole", "--k", "4"], "k must be smaller than the number of sampl"),
        (
            ["--x", "fine", "--y", "whole", "--n-symbols", "2", "2"],
            "n_symbols must be None where a variable is continuous",
        ),
        (["--x", "text", "--y", "whole", "--method", "gao"], "method must be one of auto, plugin"),
    ],
)
def test_what_cannot_be_measured(
    tmp_path: Path, arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", BROKEN)
    assert main(["mi", str(path), *arguments]) == 1
    out, err = capsys.readouterr()
    assert text in err
    assert out == ""


def test_what_cannot_be_measured_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"fine": BROKEN["fine"] * 9, "odd": BROKEN["mixed"] * 9,
                                      "other": BROKEN["whole"] * 9})  # fmt: skip
    (item,) = estimates("mi", path, out=tmp_path / "out.json")
    assert (item["x"], item["y"]) == (["fine"], ["other"])
    assert (
        f"note: {path}: not numbers, booleans or strings, passed over: 'odd' (NA at row 2 among "
        "measurements)\n"
    ) in capsys.readouterr().err


def test_arrays_that_are_no_columns_are_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cube, complexes = np.zeros((9, 2, 2)), np.zeros(9, complex)
    path = write_npz(tmp_path / "t.npz", {"a": np.arange(9) / 2, "cube": cube, "c": complexes})
    assert main(["mi", str(path)]) == 1
    err = capsys.readouterr().err
    assert "'cube' (an array of 3 dimensions), 'c' (dtype complex128)" in err
    assert "there must be 2 or more columns to go through; got column 'a'." in err
    assert main(["mi", str(path), "--x", "c", "--y", "a"]) == 1
    err = capsys.readouterr().err
    assert "column 'c' must be numbers, booleans or strings; got dtype complex128.\n" in err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--continuous", "a", "--method", "nsb"], "--continuous has no meaning with --method nsb"),
        (["--discrete", "a", "--method", "ksg1"], "--discrete has no meaning with --method ksg1"),
        (
            ["--z", "a", "--method", "ksg2"],
            "--z must be with one of ksg1, ksg_ties, mesner_shalizi, gauss",
        ),
        (["--n-symbols", "2", "2"], "--n-symbols must be one number for each of --x, --y and --z"),
        (["--x", "a", "--y", "b", "--n-symbols", "2"], "--n-symbols must be one number for each"),
        (["--k", "0"], "argument --k: must be a whole number from 1 to"),
        (["--method", "ksg"], "argument --method: invalid choice: 'ksg'"),
    ],
)
def test_arguments_that_do_not_go_together(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mi", "t.csv", *arguments]) == 2
    assert text in capsys.readouterr().err
