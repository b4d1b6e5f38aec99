"""``infotheory ncmi --merge``: as one pass, and nothing counted twice."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from cli.models import LABELS, MODELS, WITH_ZEROS, K, N, report, table_rows
from cli.running import results, rows_done, run, shard_files, states_of, stopped_after

from infotheory import NCMIAccumulator
from infotheory.classifiers import read_states
from infotheory.cli import ncmi as verb

pytestmark = pytest.mark.usefixtures("ctrl_c", "small_batches")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--merge"], "argument --merge: expected at least one argument"),
        (["x.npz", "--merge", "a"], "FILE and --merge exclude each other"),
        (["--merge", "a", "--kind", "probs"], "--kind has no meaning with --merge"),
        (["--merge", "a", "--labels", "y"], "--labels has no meaning with --merge"),
        (["--merge", "a", "--n-classes", "3"], "--n-classes has no meaning with --merge"),
        (["--merge", "a", "--interval", "delta"], "--interval delta needs the rows"),
        (["--merge", "a", "--json", "a"], "a: would be overwritten, and is read"),
        (["x.npz", "--save-state", "x.npz"], "x.npz: would be overwritten, and is read"),
        (["x.npz", "--save-state", "s", "--json", "s"], "s: would be overwritten, and is written"),
        (["x.npz", "--save-state", "no/s"], "no/s: there is no folder no"),
        (["x.npz", "--save-state", "/dev/null"], "a state is kept in an ordinary file only"),
        (["x.npz", "--allow-incomplete"], "--allow-incomplete goes with --merge"),
        (["x.npz", "--allow-repeats"], "--allow-repeats goes with --merge or --name"),
        (["x.npz", "--shards", "3"], "--shards: must be a whole number from 4 to 1000; got '3'"),
        (["x.npz", "--level", "1"], "--level: must be a number between 0 and 1; got '1'"),
        (["x", "y", "z", "--labels", "a", "--labels", "b"], "--labels must be given once, or once"),
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
    assert run(*arguments) == 2
    assert text in capsys.readouterr().err


# ------------------------------------------------------------------------------- merging


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_merged_shards_equal_one_pass(npz: Path, tmp_path: Path, order: tuple[int, ...]) -> None:
    states = states_of(shard_files(tmp_path))
    plain = results(npz, out=tmp_path / "plain.json")
    merged = results("--merge", *(states[i] for i in order), out=tmp_path / "merged.json")
    assert merged["correlation"] == pytest.approx(plain["correlation"], rel=1e-9)
    for got, want in zip(merged["models"], plain["models"], strict=True):
        files = got.pop("file")
        assert files == "; ".join(str(states[i].with_suffix(".npz")) for i in order)
        assert got.pop("array") == got["name"]
        for field, value in want.items():
            if isinstance(value, float):
                # Sums of sixty numbers in another order; CMI loses a digit by cancellation.
                assert got[field] == pytest.approx(value, rel=1e-12, abs=1e-15), field
            elif field not in {"file", "array"}:
                assert got[field] == value, field


def test_merging_in_steps_through_a_total(npz: Path, tmp_path: Path) -> None:
    states, total = states_of(shard_files(tmp_path)), tmp_path / "total"
    assert run("--merge", *states[:2], "--save-state", total) == 0
    # A total may grow in place.
    stepwise = results("--merge", total, states[2], "--save-state", total, out=tmp_path / "a.json")
    assert stepwise == results("--merge", *states, out=tmp_path / "b.json")
    assert results("--merge", total, out=tmp_path / "c.json") == stepwise
    assert rows_done(total) == dict.fromkeys(MODELS, N)


def test_a_total_replaces_no_other_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states = states_of(shard_files(tmp_path))
    before = states[2].read_bytes()
    assert run("--merge", *states[:2], "--save-state", states[2]) == 2
    assert "there is a file already; merge it too, or choose another name" in (
        capsys.readouterr().err
    )
    assert states[2].read_bytes() == before


def test_parts_in_files_of_any_name_are_one_model_by_its_name(tmp_path: Path) -> None:
    states = []
    for number, rows in enumerate(np.array_split(np.arange(N), 3)):
        path = tmp_path / f"part{number}.npy"
        states.append(path.with_suffix(".state"))
        np.save(path, MODELS["weak"][rows])
        np.save(tmp_path / "y.npy", LABELS[rows])
        arguments = ["--labels", tmp_path / "y.npy", "--name", "m", "--save-state", states[-1]]
        assert run(path, *arguments) == 0
    (model,) = results("--merge", *states, out=tmp_path / "o.json")["models"]
    assert model["name"] == "m"
    assert model["ncmi"] == pytest.approx(report(MODELS["weak"]).ncmi, rel=1e-12)


def test_no_shard_is_merged_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states, total = states_of(shard_files(tmp_path)), tmp_path / "total"
    assert run("--merge", *states[:2], "--save-state", total) == 0
    capsys.readouterr()
    for repeated in ([states[0]] * 2, [total, states[1]], [states[1], states[2], total]):
        assert run("--merge", *repeated) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(
            f"infotheory ncmi: {repeated[-1]}: 'weak' must be merged once; "
            "got a state that is contained already (digest "
        )
        assert "Pass --allow-repeats to count those samples again." in err
    twice = results("--merge", *[states[0]] * 2, "--allow-repeats", out=tmp_path / "o.json")
    once = results("--merge", states[0], out=tmp_path / "o.json")
    assert twice["models"][0]["n"] == 2 * once["models"][0]["n"]
    assert twice["models"][0]["ncmi"] == pytest.approx(once["models"][0]["ncmi"], rel=1e-12)


def test_the_same_data_measured_apart_are_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other batches round otherwise, so the states differ; their data do not."""
    (path, *_) = shard_files(tmp_path)
    (first,) = states_of([path])
    monkeypatch.setattr(verb, "_CHUNK_BYTES", 1 << 20)
    second = tmp_path / "second"
    assert run(path, "--save-state", second) == 0
    parts = [read_states(state)["weak"].accumulator.digests for state in (first, second)]
    assert not parts[0] & parts[1]
    assert run("--merge", first, second) == 1
    assert f"got data that are contained already ({path})" in capsys.readouterr().err
    assert run("--merge", first, second, "--allow-repeats") == 0


def test_an_incomplete_state_is_merged_on_demand_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = shard_files(tmp_path)
    states = states_of(files[:2])
    states.append(tmp_path / "incomplete")
    with monkeypatch.context() as patched:
        stopped_after(patched, 1, lambda: signal.raise_signal(signal.SIGINT))
        assert run(files[2], "--save-state", states[2]) == 130
    capsys.readouterr()
    assert run("--merge", *states) == 1
    assert capsys.readouterr().err == (
        f"infotheory ncmi: {states[2]}: 'weak' must be measured to the end; got 14 of 20 rows. "
        "Go on with it, or pass --allow-incomplete.\n"
    )
    total = tmp_path / "total"
    arguments = ["--merge", states[0], states[2]]
    assert run(*arguments, "--allow-incomplete", "--save-state", total) == 0
    out, err = capsys.readouterr()
    assert f"note: {states[2]}: 'weak' is incomplete: 14 of 20 rows\n" in err
    assert len(table_rows(out)) == 3
    assert run("--merge", total) == 1  # a total of incomplete states is incomplete
    assert "'weak' must be measured to the end; got 34 of 40 rows." in capsys.readouterr().err


def test_what_is_not_in_all_states_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = shard_files(tmp_path, 2)
    np.savez(files[1], weak=MODELS["weak"][30:], labels=LABELS[30:])
    assert run("--merge", *states_of(files)) == 0
    err = capsys.readouterr().err
    assert "note: 'strong' is in 1 of 2 states only; parts of one model have one name" in err
    assert "'weak' is in" not in err


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--temperature", "2"], "temperature of the accumulator to merge must be equal"),
        (["--n-classes", "7"], r"n_classes of the accumulator to merge must be equal (5); got 7."),
        (["--shards", "5"], "shards of the accumulator to merge must be equal (0); got 5."),
        (["--groups", "labels"], "'weak' must have groups in all of the states or in none"),
    ],
)
def test_unlike_states_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    files = shard_files(tmp_path, 2)
    (first,) = states_of(files[:1])
    (second,) = states_of(files[1:], *options)
    capsys.readouterr()
    assert run("--merge", first, second) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"infotheory ncmi: {second}: 'weak'")
    assert text in err


def test_states_of_the_library_are_merged_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path, rows in zip(paths, (slice(20), slice(20, None)), strict=True):
        NCMIAccumulator().update(MODELS["weak"][rows], LABELS[rows]).save(path)
    (model,) = results("--merge", *paths, out=tmp_path / "o.json")["models"]
    assert model["name"] == "classifier"
    assert model["ncmi"] == pytest.approx(report(MODELS["weak"]).ncmi, rel=1e-12)
    # Nobody knows of which rows it is, so nothing goes on from it.
    npy = tmp_path / "classifier.npz"
    np.savez(npy, classifier=MODELS["weak"], labels=LABELS)
    assert run(npy, "--save-state", paths[0]) == 1
    assert "must be kept of the same data" in capsys.readouterr().err


def test_nothing_goes_on_from_a_merger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its rows are not the first ones of anything."""
    files, total = shard_files(tmp_path, 2), tmp_path / "total"
    for path in files:
        with np.load(path) as stored:
            np.savez(path, m=stored["weak"], labels=stored["labels"])
    assert run("--merge", *states_of(files), "--save-state", total) == 0
    assert run(*files, "--name", "m", "--save-state", total) == 1
    assert "got a merger of several states" in capsys.readouterr().err


def test_merged_zeros_and_their_rows(tmp_path: Path) -> None:
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    np.savez(paths[0], m=np.full((10, K), 1 / K), labels=LABELS[:10])
    np.savez(paths[1], m=WITH_ZEROS, labels=LABELS)
    states = states_of(paths, "--kind", "probs")
    (model,) = results("--merge", *states, out=tmp_path / "o.json")["models"]
    assert (model["n"], model["zeros"], model["first_zero_row"]) == (N + 10, N * (K - 1), 10)


def test_merged_shards_give_intervals(
    npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    states = states_of(shard_files(tmp_path, 2), "--shards", 5)
    assert "%" not in capsys.readouterr().out
    merged = results(
        "--merge", *states, "--interval", "jackknife", "--level", 0.9, out=tmp_path / "o.json"
    )
    assert "NCMI, 90 %" in capsys.readouterr().out
    for model in merged["models"]:
        interval = model["intervals"]["ncmi"]
        assert interval["low"] < model["ncmi"] - interval["bias"] < interval["high"]
        assert (interval["level"], interval["method"]) == (0.9, "jackknife over 5 shards")
    plain = results("--merge", *states, out=tmp_path / "o.json")["models"]
    assert [model["intervals"] for model in plain] == [{}, {}, {}]
    (plain,) = states_of([npz])
    assert run("--merge", plain, "--interval", "jackknife") == 1
    assert "'weak' must have shards for --interval jackknife; got" in capsys.readouterr().err


def test_names_of_models_and_groups_may_clash(tmp_path: Path) -> None:
    path, state = tmp_path / "models.npz", tmp_path / "state"
    odd = {"m": MODELS["weak"], "m[0]": MODELS["strong"], "m[0]'": MODELS["middling"]}
    np.savez(path, labels=LABELS, side=np.arange(N) % 2, **odd)
    want = results(path, "--groups", "side", "--save-state", state, out=tmp_path / "o.json")
    assert len(read_states(state)) == 9
    got = results("--merge", state, out=tmp_path / "o.json")
    assert got == want


def test_groups_are_saved_and_merged(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    side = np.array(["left", "right", "top"])[rng.integers(0, 3, N)]
    whole = tmp_path / "whole.npz"
    np.savez(whole, weak=MODELS["weak"], labels=LABELS, side=side)
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path, rows in zip(files, (slice(25), slice(25, None)), strict=True):
        np.savez(path, weak=MODELS["weak"][rows], labels=LABELS[rows], side=side[rows])
    (want,) = results(whole, "--groups", "side", out=tmp_path / "o.json")["models"]
    states = states_of(files, "--groups", "side")
    (got,) = results("--merge", *states, out=tmp_path / "o.json")["models"]
    for mine, its in zip(got["per_group"], want["per_group"], strict=True):
        assert mine.pop("group") == its.pop("group")
        assert mine == pytest.approx(its, rel=1e-12)
