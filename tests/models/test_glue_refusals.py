"""Folders and files that are no task of GLUE, or not the one that is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from models.glue_files import FORMS, sst2, write

from infotheory.models.glue import read_task


def test_two_folders_of_a_task_are_refused(tmp_path: Path) -> None:
    for name in ("SST-2", "sst2"):
        sst2(tmp_path / name / "dev.tsv", 2)
    with pytest.raises(ValueError, match="one folder of sst2; got 'SST-2' and 'sst2' in "):
        read_task("sst2", tmp_path, "dev")
    assert len(read_task("sst2", tmp_path / "sst2", "dev")) == 2


def test_the_folder_of_another_task_is_refused(tmp_path: Path) -> None:
    _, header, rows, _, _ = FORMS["wnli"]
    write(tmp_path / "WNLI" / "dev.tsv", header, *rows)
    with pytest.raises(ValueError, match="data must be a folder with rte; got the folder of anoth"):
        read_task("rte", tmp_path / "WNLI", "dev")


@pytest.mark.parametrize(
    ("task", "split", "fact"),
    [
        ("sst3", "dev", "task must be one of 'cola', 'sst2', 'mrpc', 'qqp', 'mnli', 'qnli', 'rte'"),
        ("stsb", "dev", "got 'stsb'. Other texts with labels are opened by open_dataset"),
        ("sst2", "test", "got 'test'. Labels of GLUE test are not public; use dev."),
        ("sst2", "eval", "got 'eval'. Labels of GLUE test are not public; use dev."),
        ("mnli", "test_matched", "not public; use dev_matched or dev_mismatched."),
        ("sst2", "dev_matched", "split must be one of 'train', 'dev' for sst2; got 'dev_matched'."),
        (
            "sst2",
            "dev",
            (
                "data must be a folder with dev of sst2: dev.tsv, validation.parquet or its parts, "
                "or a folder of save_to_disk with this split; got a.tsv, folder/ in PATH. Or pass "
                "a folder with all tasks, in which one is called sst2."
            ),
        ),
        ("cola", "train", "train.tsv, in_domain_train.tsv, train.parquet or its parts"),
        ("mrpc", "train", "train.tsv, msr_paraphrase_train.txt with dev_ids.tsv, train.parquet"),
        ("mrpc", "test", "a folder with test of mrpc: msr_paraphrase_test.txt, test.parquet"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, task: str, split: str, fact: str) -> None:
    write(tmp_path / "a.tsv", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=re.escape(fact.replace("PATH", str(tmp_path)))):
        read_task(task, tmp_path, split)


def test_files_and_other_objects_are_refused(tmp_path: Path) -> None:
    path = sst2(tmp_path / "dev.tsv", 2)
    with pytest.raises(ValueError, match="data must be a folder with sst2; got a file: "):
        read_task("sst2", path, "dev")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="got nothing in "):
        read_task("sst2", tmp_path / "empty", "dev")
    with pytest.raises(TypeError, match="task must be a name such as 'sst2'; got int"):
        read_task(3, tmp_path)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="split must be a text such as 'dev'; got NoneType"):
        read_task("sst2", tmp_path, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "lines", "fact"),
    [
        (
            "sst2",
            ["index\tsentence", "0\ta"],
            (
                "a table of sst2 must have 'sentence', 'label'; got 'index', 'sentence' in PATH. "
                "Is it a file of sst2 with labels? Those of GLUE test are not public."
            ),
        ),
        ("cola", ["sentence\tlabel", "a\t1"], "must have no header and 4 columns; got 'sentence',"),
        ("sst2", ["sentence\tlabel", "a\t1", "b"], "got 1 at row 1 of PATH. The file may be cut"),
        ("sst2", ["sentence\tlabel", "a\t1", "b\t"], "PATH must be there for every sample; got no"),
        ("sst2", ["sentence\tlabel", "a\t1", "b\t-1"], "PATH must be integers from 0 on, or names"),
        (
            "sst2",
            ["sentence\tlabel", "a\t1", "b\t2"],
            "a label of sst2 must be one of '0', '1'; got '2' at row 1 of PATH. Is it of this task",
        ),
        ("sst2", ["sentence\tlabel", "a\tgood", "b\tbad"], "got 'good' at row 0 of PATH."),
        (
            "rte",
            ["index\tsentence1\tsentence2\tlabel", "0\ta\tb\tentailment", "1\ta\tb\tneutral"],
            "must be one of 'entailment', 'not_entailment'; got 'neutral' at row 1 of PATH.",
        ),
        # Numbers would be those of WNLI, in which they mean the opposite.
        ("rte", ["index\tsentence1\tsentence2\tlabel", "0\ta\tb\t1"], "got '1' at row 0 of PATH."),
        ("sst2", ["sentence\tlabel"], "data must have at least one sample; got none."),
    ],
)
def test_tables_of_another_form_are_refused(
    tmp_path: Path, task: str, lines: list[str], fact: str
) -> None:
    path = write(tmp_path / "dev.tsv", *lines)
    with pytest.raises(ValueError, match=re.escape(fact.replace("PATH", str(path)))):
        read_task(task, tmp_path, "dev")


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dev.tsv").write_bytes("sentence\tlabel\nä\t1\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"a table of text in UTF-8; got .*dev\.tsv: 'utf-8'"):
        read_task("sst2", tmp_path, "dev")
