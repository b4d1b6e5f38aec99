"""``infotheory demo`` on a few of its models."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from infotheory import measure_classifier
from infotheory.cli import demo, main

BY_NAME = {candidate.name: candidate for candidate in demo.ZOO}
FEW = [
    BY_NAME[name]
    for name in (
        "5 nearest neighbours",
        "logistic regression",
        "linear discriminant",
        "random forest",
        "logistic, strong penalty",
    )
]
INFINITE = {"5 nearest neighbours", "random forest"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """One run: its text, its JSON, its figure."""
    folder = tmp_path_factory.mktemp("demo")
    figure, document = folder / "figure.png", folder / "demo.json"
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("builtins.print", lambda *text, **_: said.append(" ".join(text)))
        status = demo.run(["--plot", str(figure), "--json", str(document)], zoo=FEW)
    return {
        "status": status,
        "text": "\n".join(said),
        "json": json.loads(document.read_text()),
        "figure": figure,
    }


def test_ten_different_models_are_on_offer() -> None:
    assert len(BY_NAME) == len(demo.ZOO) == 10
    assert {candidate.kind for candidate in demo.ZOO} == {"logits", "probs", "log_probs"}


def test_it_succeeds_and_draws(results: dict) -> None:
    assert results["status"] == 0
    assert results["figure"].read_bytes().startswith(b"\x89PNG")
    assert f"Figure: {results['figure']}" in results["text"]


def test_infinite_rows_come_last_whatever_their_ncmi(results: dict) -> None:
    models = results["json"]["models"]
    assert {model["name"] for model in models[-2:]} == INFINITE
    assert [model["ncmi"] for model in models[-2:]] == [0.0, 0.0]
    finite = [model["ncmi"] for model in models[:-2]]
    assert finite == sorted(finite)
    assert min(finite) > 0.0
    first, second = results["text"].split("With smoothing=0.001")
    lines = [line for line in first.splitlines() if "  899  " in line]
    assert [line[:24].rstrip() for line in lines] == [model["name"] for model in models]
    for line, model in zip(lines, models, strict=True):
        flagged = line.endswith(f"not ranked: {model['zeros']:,} exact zeros")
        assert flagged == (model["name"] in INFINITE)
    for name in INFINITE:
        assert name in second


def test_the_correlation_leaves_out_the_infinite(results: dict) -> None:
    models = results["json"]["models"][:-2]
    pearson = np.corrcoef([m["ncmi"] for m in models], [m["error"] for m in models])[0, 1]
    found = results["json"]["correlation"]
    assert found["models"] == 3
    assert found["pearson"] == pytest.approx(pearson, rel=1e-9)
    assert f"over 3 models: Pearson {pearson:.3f}" in results["text"]


def test_smoothing_is_explicit_and_finite(results: dict) -> None:
    smoothed = results["json"]["smoothed"]
    assert {model["name"] for model in smoothed} == INFINITE
    for model in smoothed:
        assert model["smoothing"] == 1e-3
        assert model["gamma"] is not None
        assert model["ncmi"] > 0
    assert all(model["smoothing"] == 0 for model in results["json"]["models"])


def test_values_are_those_of_the_models(results: dict) -> None:
    from sklearn.datasets import load_digits
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        images / 16, labels, test_size=0.5, stratify=labels, random_state=0
    )
    model = LinearDiscriminantAnalysis().fit(x_train, y_train)
    expected = measure_classifier(model.predict_log_proba(x_test), y_test, kind="log_probs")
    (found,) = (m for m in results["json"]["models"] if m["name"] == "linear discriminant")
    assert found["ncmi"] == pytest.approx(expected.ncmi, rel=1e-9)
    assert found["error"] == pytest.approx(1 - model.score(x_test, y_test), abs=1e-12)


def test_the_seed_decides(tmp_path: Path, results: dict) -> None:
    def measured(seed: str) -> list[dict]:
        out = tmp_path / "out.json"
        plot = str(tmp_path / "x.svg")
        assert demo.run(["--seed", seed, "--json", str(out), "--plot", plot], zoo=FEW[1:4]) == 0
        return json.loads(out.read_text())["models"]

    by_name = {model["name"]: model for model in results["json"]["models"]}
    assert all(model == by_name[model["name"]] for model in measured("0"))
    assert all(model != by_name[model["name"]] for model in measured("1"))


def test_no_second_table_where_all_are_finite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.run(["--plot", str(tmp_path / "x.png")], zoo=[BY_NAME["linear discriminant"]]) == 0
    assert "smoothing" not in capsys.readouterr().out


def test_every_candidate_gives_outputs_of_its_kind() -> None:
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = np.arange(60) % 3
    for candidate in demo.ZOO:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            outputs, kind = demo._train(candidate, 0, x, y, x)
            warnings.simplefilter("ignore")
            report = measure_classifier(outputs, y, kind=kind)
        assert report.n_outputs == 3, candidate.name


def test_only_announced_early_stops_are_silent() -> None:
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = np.arange(60) % 3
    build = demo._network(4, epochs=2)
    quiet = demo.Candidate("quiet", build, "probs", "predict_proba", stops_early=True)
    loud = demo.Candidate("loud", build, "probs", "predict_proba")
    demo._train(quiet, 0, x, y, x)
    with pytest.warns(ConvergenceWarning):
        demo._train(loud, 0, x, y, x)


def test_without_scikit_learn_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["demo", "--plot", str(tmp_path / "x.png")]) == 1
    assert 'pip install "infotheory-toolkit[demo]"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--plot", "x.xyz"], "a figure's name must end in one of"),
        (["--plot", "no/x.png"], "there is no folder no"),
        (["--seed", "x"], "argument --seed: invalid int value"),
        (["--json", "no/x.json"], "there is no folder no"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--help"]) == 0
    assert "infotheory demo --plot digits.png" in capsys.readouterr().out
