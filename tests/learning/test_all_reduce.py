"""Several real processes measure as one: see `ranks.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning.samples import everything, part

from infotheory import NCMIAccumulator

pytest.importorskip("torch", reason="torch is not installed: no processes to connect")

HERE = Path(__file__).parent
CLOSE = 1e-12


@pytest.fixture(scope="module", params=[2, 3])
def ranks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """How many processes there were, and where they have left what they found."""
    folder = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, str(HERE / "ranks.py"), str(folder / "store"), str(folder)]
    started = []
    for rank in range(request.param):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(request.param)}
        with (folder / f"log-{rank}").open("w") as log:
            started.append(subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=log))
    try:
        codes = [process.wait(timeout=300) for process in started]
    finally:
        for process in started:
            process.kill()
    logs = "\n".join((folder / f"log-{rank}").read_text() for rank in range(request.param))
    assert codes == [0] * request.param, logs
    return request.param, folder


def single(rows: slice | Any = slice(None), **options: Any) -> NCMIAccumulator:
    logits, labels = everything()
    return NCMIAccumulator(**options).update(logits[rows], labels[rows])


def assert_total(ranks: Any, name: str, want: NCMIAccumulator, only: Any = None) -> None:
    """Every rank has the same total, to the last bit, and it is that of one process."""
    world, folder = ranks
    loaded = [NCMIAccumulator.load(folder / f"{name}-{rank}") for rank in only or range(world)]
    for got in loaded:
        assert got.settings == want.settings
        assert got.n == want.n
        mine, its = got.sums, want.sums
        assert np.array_equal(mine.mass, loaded[0].sums.mass)
        assert np.array_equal(mine.cells, its.cells)
        assert np.array_equal(mine.counts, its.counts)
        assert (mine.n_rows, mine.first_zero_row) == (its.n_rows, its.first_zero_row)
        for field in ("mass", "log_mass", "entropy", "loss", "bins", "confidence"):
            np.testing.assert_allclose(getattr(mine, field), getattr(its, field), rtol=CLOSE)


def test_the_total_is_that_of_one_process(ranks: Any) -> None:
    """With partial batches, a class that only one rank has, shards, and zeros on two of them."""
    assert_total(ranks, "whole", single(shards=5, class_names=tuple("abcdefg")))


def test_a_rank_without_samples(ranks: Any) -> None:
    assert_total(ranks, "empty", single(slice(0, 60)))


def test_equal_samples_count_on_every_rank(ranks: Any) -> None:
    assert_total(ranks, "alike", single(np.tile(np.arange(30), ranks[0])))


def test_after_a_reset(ranks: Any) -> None:
    assert_total(ranks, "again", single())


def test_a_group_of_some(ranks: Any) -> None:
    world, _ = ranks
    ends = sorted({0, world - 1})
    rows = np.concatenate([np.arange(101)[part(rank, world)] for rank in ends])
    assert_total(ranks, "ends", single(rows), only=ends)


def texts(ranks: Any, name: str) -> list[str]:
    world, folder = ranks
    found = [json.loads((folder / f"texts-{rank}.json").read_text()) for rank in range(world)]
    return [text[name] for text in found]


def test_twice_is_refused_by_all(ranks: Any) -> None:
    for text in texts(ranks, "twice"):
        assert text == (
            "metric must be reduced once; got one on rank 0 that holds the samples of all ranks. "
            "Call reset() before the next epoch; copy the metric to go on with the part."
        )


def test_unlike_metrics_are_refused_by_all(ranks: Any) -> None:
    world, _ = ranks
    for text in texts(ranks, "unlike"):
        assert text.startswith(
            f"rank {world - 1}: temperature of the accumulator to merge must be equal (1.0); got 2."
        )


def test_torchmetrics_synchronises_by_itself(ranks: Any) -> None:
    world, _ = ranks
    if world == 3:
        pytest.skip("two processes show it")
    report = single().report
    with pytest.warns(UserWarning, match="infinite"):
        want = report()
    for rank, text in enumerate(texts(ranks, "torchmetrics")):
        values = json.loads(text)
        assert values["cmi"] == pytest.approx(want.cmi, rel=CLOSE)
        assert (values["gamma"], values["ncmi"]) == (np.inf, 0.0)
        assert values["error"] == pytest.approx(want.error, rel=CLOSE)
        assert values["zeros of all"] == 2.0
        assert values["n"] == len(everything()[1][part(rank, world)])  # as before
