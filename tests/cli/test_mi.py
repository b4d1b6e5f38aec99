"""``infotheory mi``: which pairs are measured, and what is printed and written."""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.columns import AGE, COLUMNS, SEX, VOTE, WITH_GAPS, N, estimates, expected, lines, table
from oracles import columns as oracle

from infotheory.cli import main
from infotheory.cli import mi as verb
from infotheory.estimators import (
    ENTROPY_METHODS,
    estimate_conditional_mutual_information,
    estimate_mutual_information,
)
from infotheory.files import SymbolReader


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return table(tmp_path / "survey.csv")


def roles(item: dict[str, Any]) -> list[list[str]]:
    return [item[role] for role in ("x", "y", "z") if role in item]


# ------------------------------------------------------------------------------------- the numbers


def test_all_pairs_the_most_dependent_first(
    tmp_path: Path, survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = estimates("mi", survey, "--method", "plugin", out=tmp_path / "out.json")
    values = {
        (x, y): oracle.mutual_information(COLUMNS[x], COLUMNS[y])
        for x, y in combinations(["sex", "age", "vote"], 2)
    }
    ranked = sorted(values, key=lambda pair: -values[pair])
    assert [roles(item) for item in found] == [[[x], [y]] for x, y in ranked]
    assert ranked[0] == ("sex", "vote")
    for item, pair in zip(found, ranked, strict=True):
        # Three entropies of at most ten terms near 1; the difference of their rounding remains.
        assert item["value"] == pytest.approx(values[pair], abs=1e-13)
    out, err = capsys.readouterr()
    assert [tuple(words[:2]) for words in lines(out)] == ranked
    assert out.splitlines()[0].split()[:3] == ["x", "y", "I(x;"]
    assert out.endswith("I(x; y) in nats.\n")
    assert err.startswith(f"note: {survey}: not discrete, passed over: 'price' (")


@pytest.mark.parametrize("method", ["auto", *ENTROPY_METHODS])
def test_every_method_is_that_of_the_library(tmp_path: Path, survey: Path, method: str) -> None:
    options = ["--x", "age", "--y", "vote", "--method", method, "--base", 2, "--level", 0.8]
    (item,) = estimates("mi", survey, *options, out=tmp_path / "out.json")
    by_library = expected(estimate_mutual_information, AGE, VOTE, method=method, base=2, level=0.8)
    assert list(item)[:4] == ["file", "x", "y", "missing"]
    assert list(item)[4:-1] == list(by_library)
    for key, value in by_library.items():
        # Symbols have other numbers, so sums have another order: a few ulp of entropies near 1.
        assert item[key] == (pytest.approx(value, abs=1e-13) if type(value) is float else value)
    assert item["file"] == str(survey)


def test_one_pair_is_one_line(survey: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mi", str(survey), "--x", "sex", "--y", "vote", "--method", "plugin"]) == 0
    out, err = capsys.readouterr()
    (words,) = lines(out)
    assert words[:2] == ["sex", "vote"]
    assert float(words[2]) == pytest.approx(oracle.mutual_information(SEX, VOTE), abs=5e-7)
    assert err == ""


def test_several_columns_are_one_variable(
    tmp_path: Path, survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--x", "sex", "age", "--y", "v*", "pric*", "--method", "plugin"]
    (item,) = estimates("mi", survey, *arguments, out=tmp_path / "out.json")
    assert roles(item) == [["sex", "age"], ["vote"]]
    assert f"note: {survey}: not discrete, passed over: 'price' (" in capsys.readouterr().err
    both = list(zip(SEX, AGE, strict=True))
    assert item["value"] == pytest.approx(oracle.mutual_information(both, VOTE), abs=1e-13)


def test_given_other_columns(
    tmp_path: Path, survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--x", "age", "--y", "vote", "--z", "sex", "--method", "plugin"]
    (item,) = estimates("mi", survey, *arguments, out=tmp_path / "out.json")
    assert roles(item) == [["age"], ["vote"], ["sex"]]
    conditional = oracle.mutual_information(AGE, VOTE, SEX)
    assert item["value"] == pytest.approx(conditional, abs=1e-13)
    assert capsys.readouterr().out.endswith("I(x; y | z) in nats.\n")
    options = [*arguments, "--permutations", 199, "--seed", 3]
    (item,) = estimates("mi", survey, *options, out=tmp_path / "out.json")
    by_library = expected(
        estimate_conditional_mutual_information, AGE, VOTE, SEX, n_permutations=199, rng=3
    )
    # Strata are drawn one after another, in the order of their numbers: another sample of the law.
    assert abs(item["p_value"] - by_library["p_value"]) < 5 * np.sqrt(2 * 0.25 / 199)


def test_each_column_with_one(tmp_path: Path, survey: Path) -> None:
    for role, other in (("x", "y"), ("y", "x")):
        found = estimates("mi", survey, f"--{role}", "vote", out=tmp_path / "out.json")
        assert sorted(item[other] for item in found) == [["age"], ["price"], ["sex"]]
        assert found[0][other] == ["sex"]
        assert [item[role] for item in found] == [["vote"]] * 3
    found = estimates("mi", survey, "--y", "vote", "--z", "sex", out=tmp_path / "out.json")
    assert sorted(map(roles, found)) == [[[x], ["vote"], ["sex"]] for x in ("age", "price")]


def test_which_columns_are_gone_through(tmp_path: Path, survey: Path) -> None:
    (item,) = estimates("mi", survey, "--columns", "age", "s*", out=tmp_path / "out.json")
    assert roles(item) == [["age"], ["sex"]]


def test_small_batches_change_nothing(
    tmp_path: Path, survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = estimates("mi", survey, out=tmp_path / "a.json")
    batches = SymbolReader.batches
    monkeypatch.setattr(SymbolReader, "batches", lambda self: batches(self, 7))
    assert estimates("mi", survey, out=tmp_path / "b.json") == whole


def test_more_symbols_than_a_byte_counts(tmp_path: Path) -> None:
    x = np.repeat(np.arange(300), 4)
    np.save(tmp_path / "t.npy", np.stack([x, x % 2], axis=1))
    arguments = [tmp_path / "t.npy", "--method", "plugin"]
    (item,) = estimates("mi", *arguments, out=tmp_path / "out.json")
    assert item["value"] == pytest.approx(np.log(2), abs=1e-12)  # y is a function of x
    assert item["x"] == ["0"]


def test_a_p_value_is_that_of_the_pair(
    tmp_path: Path, survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--permutations", 199, "--seed", 5]
    found = estimates("mi", survey, *arguments, out=tmp_path / "out.json")
    by_pair = {(item["x"][0], item["y"][0]): item for item in found}
    assert by_pair["sex", "vote"]["p_value"] == 1 / 200
    assert 0.01 < by_pair["sex", "age"]["p_value"] <= 1.0
    assert capsys.readouterr().out.splitlines()[0].split()[-3:] == ["p", "n", "method"]
    arguments += ["--x", "sex", "--y", "age"]
    (alone,) = estimates("mi", survey, *arguments, out=tmp_path / "out.json")
    assert alone == by_pair["sex", "age"]
    other = estimates("mi", survey, *arguments, "--seed", 6, out=tmp_path / "out.json")
    assert other[0]["p_value"] != alone["p_value"]


# ------------------------------------------------------------------------------------- the missing


@pytest.fixture
def gaps(tmp_path: Path) -> Path:
    other = [None if place == 5 else value for place, value in enumerate(VOTE)]
    return table(tmp_path / "gaps.csv", {"age": WITH_GAPS, "sex": SEX, "vote": other})


def test_rows_are_left_out_pair_by_pair(tmp_path: Path, gaps: Path) -> None:
    arguments = ["--nan-policy", "omit", "--method", "plugin"]
    found = estimates("mi", gaps, *arguments, out=tmp_path / "out.json")
    sizes = {tuple(x for (x,) in roles(item)): (item["n"], item["missing"]) for item in found}
    assert sizes == {
        ("age", "sex"): (N - 3, 3),
        ("age", "vote"): (N - 4, 4),
        ("sex", "vote"): (N - 1, 1),
    }
    (item,) = (item for item in found if roles(item) == [["age"], ["vote"]])
    rows = [place for place in range(N) if place not in {3, 5, 7, 200}]
    age, vote = ([column[place] for place in rows] for column in (AGE, VOTE))
    assert item["value"] == pytest.approx(oracle.mutual_information(age, vote), abs=1e-13)
    (item,) = estimates(
        "mi", gaps, *arguments, "--x", "sex", "--y", "vote", "--z", "age", out=tmp_path / "o.json"
    )
    assert (item["n"], item["missing"]) == (N - 4, 4)


def test_columns_with_missing_entries_fail_and_the_others_are_measured(
    tmp_path: Path, gaps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"age": WITH_GAPS, "sex": SEX, "vote": VOTE, "year": AGE})
    assert len(estimates("mi", path, out=tmp_path / "out.json", status=1)) == 3
    assert capsys.readouterr().err == (
        f"infotheory mi: {path}[age]: column 'age' must be without missing entries; got nothing "
        "at row 3. Pass --nan-policy omit to leave such rows out.\n"
    )
    assert main(["mi", str(gaps)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2


def test_missing_entries_of_wanted_columns_are_refused(
    gaps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mi", str(gaps), "--y", "vote"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"infotheory mi: {gaps}: column 'vote' must be without missing entries;")
    assert "at row 5." in err


def test_columns_never_observed_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path / "t.csv", {"a": [1, 2, ""], "b": ["", "", "x"], "c": [1, 1, 2]})
    assert main(["mi", str(path), "--nan-policy", "omit"]) == 1
    assert (
        f"infotheory mi: {path}[a; b]: columns 'a', 'b' must have a row without missing entries; "
        "got none. Choose columns that were observed together."
    ) in capsys.readouterr().err


# ---------------------------------------------------------------------------------------- refusals


def test_a_late_fraction_ends_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"a": [1] * 1200 + [0.5, 2], "b": [0, 1] * 601, "c": [1, 1, 0] * 400 + [1, 0]}
    path = table(tmp_path / "t.csv", columns)
    (item,) = estimates("mi", path, "--method", "plugin", out=tmp_path / "out.json")
    assert roles(item) == [["b"], ["c"]]
    note = f"note: {path}: not discrete, passed over: 'a' (0.5 at row 1200)\n"
    assert note in capsys.readouterr().err
    for wanted in (["--columns", "a", "b"], ["--x", "[a]"], ["--z", "a"]):
        assert main(["mi", str(path), *wanted, "--method", "plugin"]) == 1
        assert f"{path}: column 'a' must be discrete (whole" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--x", "sexx"], "got 'sexx', and there are 'sex', 'age', 'vote', 'price'. Did you mean"),
        (["--y", "price", "--method", "plugin"], "column 'price' must be discrete"),
        (["--columns", "sex"], "there must be 2 or more columns to go through; got column 'sex'."),
        (["--x", "sex", "--columns", "s*"], "there must be 1 or more columns to go through; got n"),
        (
            ["--columns", "sex", "--method", "plugin"],
            "there must be 2 or more columns of symbols to go through; got column 'sex'.",
        ),
    ],
)
def test_columns_that_cannot_be_measured(
    survey: Path, arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mi", str(survey), *arguments]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"infotheory mi: {survey}: ")
    assert text in err


def test_columns_of_several_lengths_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "t.npz", a=np.arange(3), b=np.arange(4), c=np.arange(3))
    assert main(["mi", str(tmp_path / "t.npz")]) == 1
    assert "columns must have one entry for each row; got 3 in 'a' and 4 in 'b'" in (
        capsys.readouterr().err
    )
    assert main(["mi", str(tmp_path / "t.npz"), "--columns", "a", "c"]) == 0


def test_what_the_library_refuses_is_said_of_the_pair(
    survey: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise ValueError("samples must be fewer; got many.")

    monkeypatch.setattr(verb, "estimate_mutual_information", refuse)
    assert main(["mi", str(survey), "--x", "sex", "--y", "vote"]) == 1
    assert capsys.readouterr().err == (
        f"infotheory mi: {survey}[sex; vote]: samples must be fewer; got many.\n"
    )


# --------------------------------------------------------------------------------------- the files


def test_csv_holds_what_json_holds(tmp_path: Path, survey: Path) -> None:
    out = tmp_path / "out.csv"
    arguments = ["--x", "sex", "age", "--y", "vote", "--csv", out]
    (item,) = estimates("mi", survey, *arguments, out=tmp_path / "out.json")
    with out.open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["x"], row["y"], float(row["value"])) == ("sex; age", "vote", item["value"])


@pytest.mark.parametrize(
    ("arguments", "function"),
    [([], "pair_matrix"), (["--y", "vote"], "estimate_points"), (["--z", "age"], "pair_matrix")],
)
def test_plots_show_a_matrix_or_points(
    tmp_path: Path,
    survey: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    function: str,
) -> None:
    from infotheory import plotting

    drawn = []
    draw = getattr(plotting, function)
    monkeypatch.setattr(
        plotting, function, lambda *a, **o: drawn.append((a[0], o)) or draw(*a, **o)
    )
    out = tmp_path / "x.png"
    arguments = [*arguments, "--method", "chao_wang_jost"]
    assert main(["mi", str(survey), *arguments, "--plot", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    ((shown, options),) = drawn
    if function == "pair_matrix":
        given = ", given age" if "--z" in arguments else ""
        pairs = [("sex", "vote")] if given else list(combinations(["sex", "age", "vote"], 2))
        assert list(shown) == pairs
        assert options["quantity"] == f"mutual information{given}"
    else:
        assert list(shown) == ["sex", "age"]
        assert options["quantity"] == "mutual information with vote"
