"""The tables of text in which GLUE and its corpora come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infotheory._typing import BoolArray, IntArray
from infotheory._validation import refusal
from infotheory.models.glue_tasks import GlueTask
from infotheory.models.labelled import Labelled
from infotheory.models.specs import Spec
from infotheory.models.tables import open_table

__all__ = ["Found", "corpus_of_mrpc", "looked_for", "tables_of_split"]

_SHOWN = 30  # characters of a name of a column


class Found(NamedTuple):
    """What makes up a split.

    Attributes
    ----------
    sources : sequence of Labelled
        One file after the other.
    classes : mapping of str to int
        Numbers of the classes, by how they are written there.
    rows : ndarray of int or None
        Which rows, counted through all sources; None for all.
    notes : tuple of str
        What is to be told of it.
    """

    sources: Sequence[Labelled]
    classes: Mapping[str, int]
    rows: IntArray | None = None
    notes: tuple[str, ...] = ()


class _Table(NamedTuple):
    """How the tab-separated files of a task look: columns of the texts and of the labels."""

    sentences: tuple[str, ...]
    label: str
    header: bool = True
    words: bool = False  # labels are names of classes, and not their numbers


_TABLES = {
    "cola": _Table(("3",), "1", header=False),
    "sst2": _Table(("sentence",), "label"),
    "mrpc": _Table(("#1 String", "#2 String"), "Quality"),
    "qqp": _Table(("question1", "question2"), "is_duplicate"),
    "mnli": _Table(("sentence1", "sentence2"), "gold_label", words=True),
    "qnli": _Table(("question", "sentence"), "label", words=True),
    "rte": _Table(("sentence1", "sentence2"), "label", words=True),
    "wnli": _Table(("sentence1", "sentence2"), "label"),
}
_COLA_COLUMNS = 4  # source, label, the author's mark, sentence

# Tables of a split beside SPLIT.tsv, all of which are needed.
_CORPUS = {
    ("cola", "train"): ("in_domain_train.tsv",),
    ("cola", "dev"): ("in_domain_dev.tsv", "out_of_domain_dev.tsv"),
    ("mrpc", "test"): ("msr_paraphrase_test.txt",),
}
_MRPC_TRAIN = "msr_paraphrase_train.txt"
_MRPC_DEV = ("dev_ids.tsv", "mrpc_dev_ids.tsv")
_MRPC_IDS = ("#1 ID", "#2 ID")


def looked_for(task: GlueTask, split: str) -> str:
    """Return the words of a refusal for the tables of a split.

    Parameters
    ----------
    task : GlueTask
        The task.
    split : str
        One of its splits.

    Returns
    -------
    str
    """
    looked = [" with ".join(names) for names in _names(task, split)]
    if task.name == "mrpc" and split != "test":
        looked.append(f"{_MRPC_TRAIN} with {_MRPC_DEV[0]}")
    return ", ".join(looked)


def _names(task: GlueTask, split: str) -> list[tuple[str, ...]]:
    """Return the names of tables that make up a split, in the order of preference."""
    own = () if split == "test" else ((f"{split}.tsv",),)
    corpus = _CORPUS.get((task.name, split))
    return [*own, *([] if corpus is None else [corpus])]


def tables_of_split(task: GlueTask, folder: Path, split: str) -> Found | None:
    """Read the tables of a split.

    Parameters
    ----------
    task : GlueTask
        The task.
    folder : Path
        Where they are.
    split : str
        One of its splits.

    Returns
    -------
    Found or None
        None where they are not there.

    Raises
    ------
    ValueError
        If they are of another form, malformed, or split otherwise than in GLUE.
    """
    for names in _names(task, split):
        if all((folder / name).is_file() for name in names):
            break
    else:
        return None
    notes: tuple[str, ...] = ()
    if names == (f"{split}.tsv",) and _is_resplit(task, folder):
        names = ("test.tsv",) if split == "dev" else ("train.tsv", "dev.tsv")
        notes = (f"read from {' and '.join(names)} of {folder}",)
    sources = [_table(task, folder / name) for name in names]
    return Found(sources, _written(task), notes=notes)


def _is_resplit(task: GlueTask, folder: Path) -> bool:
    """Tell whether test.tsv is GLUE dev, which only labels in it can mean."""
    test = folder / "test.tsv"
    if not (test.is_file() and _has_labels(task, test)):
        return False
    expected = task.rows[1]
    counts = {
        name: len(_table(task, folder / name)) if (folder / name).is_file() else 0
        for name in ("dev.tsv", "test.tsv")
    }
    if counts["dev.tsv"] == expected:
        return False
    if counts["test.tsv"] == expected and counts["dev.tsv"]:
        return True
    listed = " and ".join(f"{count:,} rows in {name}" for name, count in counts.items())
    raise refusal(
        "data",
        f"split as in GLUE, where dev of {task.name} has {expected:,} rows and test no labels",
        f"labels in {test}, with {listed}",
        "Which rows are GLUE dev cannot be told; open the files one by one, by tsv:FILE.",
    )


def _columns(path: Path) -> list[str]:
    """Return the entries of the first row. What is no UTF-8 is for the reader to refuse."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        return stream.readline().rstrip("\r\n").split("\t")


def _has_labels(task: GlueTask, path: Path) -> bool:
    form, there = _TABLES[task.name], _columns(path)
    return form.label in there if form.header else len(there) == _COLA_COLUMNS


def _table(task: GlueTask, path: Path, sentences: Sequence[str] | None = None) -> Labelled:
    """Read a table; other columns may be taken for its texts."""
    form, there = _TABLES[task.name], _columns(path)
    wanted = (*form.sentences, form.label)
    missing = [name for name in wanted if name not in there] if form.header else []
    if missing or not (form.header or len(there) == _COLA_COLUMNS):
        shown = ", ".join(repr(name[:_SHOWN]) for name in there)
        columns = ", ".join(map(repr, wanted)) if form.header else "no header and 4 columns"
        fix = f"Is it a file of {task.name} with labels? Those of GLUE test are not public."
        raise refusal(f"a table of {task.name}", f"have {columns}", f"{shown} in {path}", fix)
    options = {"sample": ",".join(sentences or form.sentences), "label": form.label}
    if not form.header:
        options["header"] = "no"
    return open_table(Spec("data", f"tsv:{path}", "tsv", str(path), options))


def corpus_of_mrpc(task: GlueTask, folder: Path, split: str) -> Found | None:
    """Read GLUE train or dev of MRPC from the training file of the corpus.

    Parameters
    ----------
    task : GlueTask
        Any task.
    folder : Path
        Where the file is, and the list of GLUE dev.
    split : str
        One of its splits.

    Returns
    -------
    Found or None
        None for other tasks and splits, and where the file is not there.

    Raises
    ------
    ValueError
        If GLUE dev is asked for without its list, or file and list do not belong together.
    """
    path = folder / _MRPC_TRAIN
    if task.name != "mrpc" or split == "test" or not path.is_file():
        return None
    texts, listed = _table(task, path), [folder / name for name in _MRPC_DEV]
    lists = [file for file in listed if file.is_file()]
    if lists:
        rows = np.flatnonzero(_in_dev(task, path, lists[0]) == (split == "dev"))
        return Found([texts], _written(task), rows)
    if split == "dev":
        raise refusal(
            "data",
            f"a folder with {_MRPC_DEV[0]}, which lists the rows of {_MRPC_TRAIN} that are GLUE "
            "dev of mrpc",
            f"none in {folder}",
            "Set rows of train aside by its split(), or take split='test', that of the corpus.",
        )
    note = f"all of {path}, with the rows of GLUE dev: there is no {_MRPC_DEV[0]}"
    return Found([texts], _written(task), notes=(note,))


def _in_dev(task: GlueTask, path: Path, list_: Path) -> BoolArray:
    """Tell for each row of the training file whether it is in the list of GLUE dev."""
    lines = list_.read_text(encoding="utf-8-sig").splitlines()
    pairs = [tuple(line.split("\t")) for line in lines if line]
    wrong = next((row for row, pair in enumerate(pairs) if len(pair) != 2), None)
    if wrong is not None:
        fact = f"{len(pairs[wrong])} at row {wrong} of {list_}"
        raise refusal("the list of GLUE dev", "of two numbers a row", fact)
    wanted = set(pairs) - {_MRPC_IDS}  # the header that some copies have
    numbers = _table(task, path, _MRPC_IDS)
    found = [numbers.sample(row) for row in range(len(numbers))]
    unknown = wanted.difference(found)
    if unknown or not wanted:
        fact = f"{min(unknown)} of {list_}" if unknown else f"nothing in {list_}"
        raise refusal("the list of GLUE dev", f"of rows of {path}", fact)
    return np.array([pair in wanted for pair in found])


def _written(task: GlueTask) -> dict[str, int]:
    """Return the classes as tables write them."""
    words = _TABLES[task.name].words
    return {name if words else str(k): k for k, name in enumerate(task.class_names)}
