"""``infotheory spectrum``: the table, the document and the picture."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from infotheory._jit import JIT_ENABLED
from infotheory.cli import main
from infotheory.measures import Score
from infotheory.spectrum import nep_bounds, tail

pytestmark = pytest.mark.skipif(not JIT_ENABLED, reason="takes minutes in plain Python")

PMF = "0.4,0.3,0.2,0.1"
P = [0.4, 0.3, 0.2, 0.1]


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--pmf", PMF, "-n", "100", "--delta", "0.05", "0.3", "9"]
    assert main(["spectrum", *arguments]) == 0
    heading, names, *lines = capsys.readouterr().out.splitlines()
    assert heading.startswith("H = 1.27985423 nats a letter, standard deviation 0.425348")
    assert heading.endswith(", n = 100")
    assert names.split()[:6] == ["delta", "ln", "P", "from", "to", "P"]
    score = Score.entropy(P)
    for line, delta in zip(lines, (0.05, 0.3), strict=False):
        found, closed = tail(score, 100, delta), nep_bounds(score, 100, delta)
        words = line.split()
        assert float(words[0]) == delta
        assert [float(word) for word in words[1:3]] == pytest.approx(
            [found.lower, found.upper], rel=1e-9
        )
        assert float(words[3]) == pytest.approx(math.exp(found.lower), rel=1e-6)
        assert float(words[4]) == pytest.approx(closed.lower, rel=1e-5)
        assert words[6] == found.method
    assert lines[2].split() == ["9", "-inf", "-inf", "0", "-inf", "-inf", "exact"]


def test_the_left_side_and_a_reference(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "tails.json"
    arguments = ["--pmf", "0.9,0.1", "--reference", "0.5,0.5", "-n", "40", "--delta", "0.1"]
    options = ["--side", "left", "--inclusive", "--json", str(path), "--method", "types"]
    assert main(["spectrum", *arguments, *options]) == 0
    assert capsys.readouterr().out.startswith("D = 0.36806")
    score = Score.relative_entropy([0.9, 0.1], [0.5, 0.5])
    want = tail(score, 40, 0.1, side="left", strict=False, method="types")
    document = json.loads(path.read_text())
    (found,) = document["tails"]
    assert (found["lower"], found["upper"]) == (want.lower, want.upper)
    assert found["event"] == want.event
    assert found["method"] == "types"
    assert document["n"] == 40
    assert document["mean"] == score.mean


def test_a_probability_that_no_double_holds(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--pmf", "0.7,0.3", "-n", "10000", "--delta", "0.3"]
    assert main(["spectrum", *arguments]) == 0
    words = capsys.readouterr().out.splitlines()[-1].split()
    assert 10 * float(words[3].split("e-")[1]) == pytest.approx(
        -10 * float(words[1]) / math.log(10), abs=10
    )


def test_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "law.png"
    arguments = ["--pmf", PMF, "-n", "30", "--delta", "0.1", "--plot", str(path)]
    assert main(["spectrum", *arguments]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_a_law_that_is_too_narrow(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "law.png"
    arguments = ["--pmf", PMF, "-n", "1000000000", "--delta", "0.1", "--plot", str(path)]
    assert main(["spectrum", *arguments]) == 1
    output, errors = capsys.readouterr()
    assert len(output.splitlines()) == 3
    assert errors.startswith("infotheory spectrum: --plot takes a smaller n than 1,000,000,000,")
    assert "size" not in errors
    assert not path.exists()


@pytest.mark.parametrize("n", ["1000000000000", "1000000000000000"])
def test_words_of_any_length(n: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is warned of is said once, in a line without the place in the source."""
    arguments = ["--pmf", PMF, "-n", n, "--delta", "0.1", "0.2"]
    assert main(["spectrum", *arguments]) == 0
    output, errors = capsys.readouterr()
    closed = nep_bounds(Score.entropy(P), int(n), 0.1)
    assert float(output.splitlines()[2].split()[1]) == pytest.approx(closed.lower, rel=1e-9)
    if n == "1000000000000":
        assert errors == ""
    else:
        (line,) = errors.splitlines()
        assert line.startswith(f"note: n = {n} is beyond 1e+12")
        assert ".py" not in line


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["--pmf", "0.5;0.5", "-n", "9", "--delta", "0.1"], 2, "numbers with commas between them"),
        (["--pmf", "0.5,0.6", "-n", "9", "--delta", "0.1"], 1, "p must have sum one over the last"),
        (["--pmf", "0.5,0.5", "-n", "0", "--delta", "0.1"], 2, "a whole number from 1"),
        (["--pmf", "0.5,0.5", "-n", "9", "--delta", "nan"], 2, "must be a finite number"),
        (["--pmf", "0.5,0.5", "-n", "9"], 2, "required: --delta"),
        (
            ["--pmf", "0.5,0.5", "--reference", "1,0", "-n", "9", "--delta", "0.1"],
            1,
            "q must be positive wherever p is",
        ),
    ],
)
def test_what_is_refused(
    arguments: list[str], status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["spectrum", *arguments]) == status
    assert text in capsys.readouterr().err
