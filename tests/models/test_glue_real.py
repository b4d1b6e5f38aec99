"""The tasks of GLUE as they are: every row against Python's own reader."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from models.glue_files import CLASSES, texts

from infotheory.models.glue import GLUE_TASKS, read_task


@pytest.mark.parametrize(
    ("task", "split", "counts"),
    [
        # Rows in all are those of GLUE; of each class as counted in the files by csv.
        ("cola", "train", [2528, 6023]),
        ("cola", "dev", [324, 719]),
        ("sst2", "train", [29780, 37569]),
        ("sst2", "dev", [428, 444]),
        ("mrpc", "train", [1323, 2753]),
        ("mrpc", "test", [578, 1147]),
        ("rte", "train", [1249, 1241]),
        ("rte", "dev", [146, 131]),
        ("wnli", "train", [323, 312]),
        ("wnli", "dev", [40, 31]),
        ("qnli", "dev", [2702, 2761]),
    ],
)
def test_the_real_tasks(data_dir: Path, task: str, split: str, counts: list[int]) -> None:
    data = read_task(task, data_dir / "glue_text", split)
    assert np.bincount(data.labels).tolist() == counts
    expected = GLUE_TASKS[task].rows[GLUE_TASKS[task].splits.index(split)]
    noted = any("where GLUE has" in note for note in data.notes)
    assert noted == (len(data) != expected) == ((task, split) == ("mrpc", "train"))


@pytest.mark.parametrize(
    ("task", "split", "files", "columns", "label"),
    [
        ("sst2", "dev", ["test.tsv"], ["sentence"], "label"),
        ("sst2", "train", ["train.tsv", "dev.tsv"], ["sentence"], "label"),
        ("mrpc", "train", ["msr_paraphrase_train.txt"], ["#1 String", "#2 String"], "Quality"),
        ("qnli", "dev", ["dev.tsv"], ["question", "sentence"], "label"),
        ("wnli", "dev", ["dev.tsv"], ["sentence1", "sentence2"], "label"),
    ],
)
def test_the_real_rows(
    data_dir: Path, task: str, split: str, files: list[str], columns: list[str], label: str
) -> None:
    """Row by row against Python's own reader."""
    rows = []
    for name in files:
        path = data_dir / "glue_text" / task / name
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows += list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    data = read_task(task, data_dir / "glue_text", split)
    pairs = [tuple(row[column] for column in columns) for row in rows]
    assert texts(data) == (pairs if len(columns) == 2 else [text for (text,) in pairs])
    names = CLASSES[task]
    number = {**{str(k): k for k in range(len(names))}, **{n: k for k, n in enumerate(names)}}
    assert data.labels.tolist() == [number[row[label]] for row in rows]


def test_what_the_real_folders_lack(data_dir: Path) -> None:
    folder = data_dir / "glue_text"
    with pytest.raises(ValueError, match=r"a folder with dev_ids\.tsv"):
        read_task("mrpc", folder, "dev")
    with pytest.raises(ValueError, match=r"a folder with train of qnli: .*; got dev\.tsv in "):
        read_task("qnli", folder)
    with pytest.raises(
        ValueError, match=r"a table of sst2 must have 'sentence', 'label'; got 'one"
    ):
        read_task("sst2", folder / "sst2_sentences", "dev")
