"""Rows of a task that are drawn at random, of each class its share."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.glue_files import sst2, texts

from infotheory.models import as_dataset
from infotheory.models.glue import GLUE_TASKS, TaskData, read_task


def task_data(labels: list[int]) -> TaskData:
    source = as_dataset([f"text {row}" for row in range(len(labels))], labels)
    numbers, rows = np.array(labels, np.int64), np.arange(len(labels))
    mnli = GLUE_TASKS["mnli"]
    return TaskData("mnli (train)", numbers, mnli.class_names, mnli, "train", [source], rows)  # type: ignore[list-item]


LABELS = st.lists(st.integers(0, 2), min_size=3, max_size=60)


@given(LABELS, st.data(), st.integers(0, 5))
def test_a_subset_has_the_share_of_each_class(labels: list[int], draw: Any, seed: int) -> None:
    data, counts = task_data(labels), Counter(labels)
    n = draw.draw(st.integers(len(counts), len(labels)))
    part = data.subset(n, seed)
    assert len(part) == n
    assert part.name == f"mnli (train, {n} rows)"
    found = Counter(part.labels.tolist())
    for label, count in counts.items():
        share = n * count / len(labels)
        # None is beyond its share rounded up, so none lacks more than the others have gained;
        # 1e-9 for a share that is a whole number but for rounding.
        assert max(1, share - (len(counts) - 1) - 1e-9) <= found[label] <= math.ceil(share - 1e-9)
    kept = [int(text.removeprefix("text ")) for text in texts(part)]
    assert kept == sorted(set(kept))
    assert [labels[row] for row in kept] == part.labels.tolist()
    assert part.where(0) == f"row {kept[0]} of data"
    smaller = data.subset(len(counts), seed)  # a smaller draw of the same seed is part of it
    assert set(texts(smaller)) <= set(texts(part))
    assert texts(data.subset(n, seed)) == texts(part)


@given(LABELS, st.floats(0.2, 0.8), st.integers(0, 5))
def test_a_split_shares_out_all_rows(labels: list[int], fraction: float, seed: int) -> None:
    data, counts = task_data(labels), Counter(labels)
    if max(counts.values()) * fraction < 1:
        return
    rest, aside = data.split(fraction, seed)
    assert sorted(texts(rest) + texts(aside)) == sorted(texts(data))
    found = Counter(aside.labels.tolist())
    for label, count in counts.items():
        assert abs(found[label] - fraction * count) < 1 or found[label] == count - 1
        assert found[label] < count
    assert rest.fingerprint() != aside.fingerprint()
    again = data.split(fraction, seed)
    assert [texts(part) for part in again] == [texts(rest), texts(aside)]


def test_every_row_is_as_likely_as_the_others_of_its_class() -> None:
    data = task_data([0] * 4 + [1] * 8)
    draws = 2000
    found = Counter(itertools.chain(*(texts(data.subset(6, seed)) for seed in range(draws))))
    # Each row is in a draw with probability 1/2; 6 standard deviations of the frequency.
    assert len(found) == 12
    assert all(abs(count / draws - 0.5) < 6 * 0.5 / math.sqrt(draws) for count in found.values())


def test_parts_of_parts_are_parts(tmp_path: Path) -> None:
    path = sst2(tmp_path / "train.tsv", 20)
    rest, _ = read_task("sst2", tmp_path).split(0.6, 1)
    part = rest.subset(6, 2)
    assert set(texts(part)) < set(texts(rest))
    assert Counter(part.labels.tolist()) == {0: 3, 1: 3}
    for row, text in enumerate(texts(part)):
        number = int(text.removeprefix("x "))
        assert part.where(row) == f"row {number} of {path}"
        assert part.labels[row] == number % 2
    assert part.notes == rest.notes
    prints = {data.fingerprint() for data in (rest, part, rest.subset(6, 3))}
    assert len(prints) == 3
    assert rest.subset(6, 2).fingerprint() == part.fingerprint()
    sst2(path, 20, "other texts")
    other = read_task("sst2", tmp_path).split(0.6, 1)[0].subset(6, 2)
    assert other.labels.tolist() == part.labels.tolist()
    assert other.fingerprint() != part.fingerprint()


@pytest.mark.parametrize(
    ("n", "fact"),
    [
        (1, "n must be from 2, one row a class, to 4, the rows of mnli (train); got 1."),
        (5, "to 4, the rows of mnli (train); got 5."),
        (0, "n must be a positive integer"),
        (2.0, "n must be a positive integer"),
    ],
)
def test_subsets_that_there_are_not(n: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        task_data([0, 1, 0, 1]).subset(n)


@pytest.mark.parametrize(
    ("fraction", "fact"),
    [
        (0.0, "fraction must be a number in (0, 1); got 0.0. It is the share of each class"),
        (1, "fraction must be a number in (0, 1); got 1."),
        (1e-9, "fraction must be large enough to set rows aside; got 1e-09 of 4 rows in 2 classes"),
    ],
)
def test_splits_that_there_are_not(fraction: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        task_data([0, 1, 0, 1]).split(fraction, 0)
