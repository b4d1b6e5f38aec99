"""``infotheory verify``: the table, counterexamples, and how to repeat them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from infotheory.cli import main
from infotheory.testing import TOPICS, Finding, hunt, hunting


def planted(rng: np.random.Generator) -> Iterator[Finding]:
    number = float(rng.random())
    yield Finding("below 0.9", 0.9 - number, f"number = {number}")
    yield Finding("no bound", math.inf, f"number = {number}")


@pytest.fixture
def mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunting, "_topics", lambda: {"nep": planted})


def test_what_holds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    given = ["--max-examples", "20", "--seed", "5", "--json", str(path)]
    assert main(["verify", "measures", "renyi", *given]) == 0
    out = capsys.readouterr().out
    want = hunt("measures", max_examples=20, seed=5)
    assert out.startswith("measures: 20 cases of seed 5\nstatement ")
    assert "\nrenyi: 20 cases of seed 5\n" in out
    assert out.count("no counterexamples\n") == 2
    for name, (case, finding) in want.tightest.items():
        (line,) = (line for line in out.splitlines() if line.startswith(f"{name}  "))
        assert line.split()[-3:] == [
            f"{want.n_checks[name]}",
            f"{finding.margin:.3g}",
            f"{case}",
        ]
    document = json.loads(path.read_text())["hunts"][0]
    assert document["topic"] == "measures"
    assert document["n_cases"] == 20
    assert document["violations"] == []
    assert {one["statement"] for one in document["tightest"]} == set(want.tightest)


@pytest.mark.usefixtures("mistaken")
def test_a_counterexample(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    assert main(["verify", "nep", "--json", str(path)]) == 1
    out = capsys.readouterr().out
    ((case, finding),) = hunt("nep").violations
    assert f"\nVIOLATED: below 0.9, by {-finding.margin:.6g}\n  {finding.case}\n" in out
    assert f"  again: infotheory verify nep --seed 0 --case {case}\n1 counterexample\n" in out
    assert "no bound" in out
    assert " inf " in out
    document = json.loads(path.read_text())["hunts"][0]
    assert document["violations"][0]["case"] == finding.case
    assert main(["verify", "nep", "--stop-at", "2"]) == 1
    assert capsys.readouterr().out.endswith("2 counterexamples\n\n")


@pytest.mark.usefixtures("mistaken")
def test_a_case_again(capsys: pytest.CaptureFixture[str]) -> None:
    ((case, finding),) = hunt("nep").violations
    assert main(["verify", "nep", "--case", str(case)]) == 1
    out = capsys.readouterr().out
    assert f"VIOLATED  below 0.9\n  margin {finding.margin:.6g}\n  {finding.case}\n" in out
    assert "holds     no bound\n  margin inf\n" in out
    assert main(["verify", "nep", "--case", "0" if case else "1"]) == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nap"], "invalid choice: 'nap'"),
        ([], "required: TOPIC"),
        (["nep", "--max-examples", "0"], "must be a whole number from 1"),
        (["nep", "--seed", "x"], "must be a whole number"),
        (["nep", "--json", "missing/found.json"], "missing"),
    ],
)
def test_what_is_refused(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_topics_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--help"]) == 0
    out = capsys.readouterr().out
    for topic in TOPICS:
        assert f"\n  {topic} " in out
