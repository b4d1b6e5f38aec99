"""The classification tasks of GLUE by name, from the files in which people have them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import refusal
from infotheory.models.glue_tables import Found, corpus_of_mrpc, looked_for, tables_of_split
from infotheory.models.glue_tasks import GLUE_TASKS, GlueTask, chosen_task, plain
from infotheory.models.hub import open_hub
from infotheory.models.labelled import Labelled
from infotheory.models.parquet_data import open_parquet_data
from infotheory.models.specs import Spec
from infotheory.models.task_data import TaskData

__all__ = ["GLUE_TASKS", "GlueTask", "TaskData", "open_glue", "read_task"]

_HUB = ("nyu-mll/glue", "glue")  # names of GLUE on the hub, with a configuration a task
_SHOWN = 30  # names of files


def read_task(
    task: str | GlueTask,
    data: str | os.PathLike[str],
    split: str = "train",
    *,
    download: bool = False,
) -> TaskData:
    r"""Read a split of a classification task of GLUE.

    Parameters
    ----------
    task : str or GlueTask
        "cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte" or "wnli"; "SST-2" will do as well.
    data : str or path
        The folder of the task, or one in which it lies under the name of the task (``SST-2``,
        ``sst2``, ...); or the name of a data set of the Hub, such as "nyu-mll/glue".
    split : str, default "train"
        "train" or "dev" (also "validation"); of MNLI "dev_matched" or "dev_mismatched"; of MRPC
        also "test". Labels of the other test files are not public.
    download : bool, default False
        Whether a data set of the Hub that is not on this machine may be fetched.

    Returns
    -------
    TaskData
        Its ``notes`` say where the rows are others than those of GLUE. Samples are texts or pairs
        of texts, labels numbers in the order of the classes on the Hub.

    Raises
    ------
    ValueError
        If there is no such task or split, its files are not there or not of its form, a row is
        malformed or a label is no class of the task; the text names file and row.
    ImportError
        If a library is missing that the files need.

    Notes
    -----
    Of what is in the folder the first of these is taken:

    1. tables as GLUE gives them, ``train.tsv``, ``dev.tsv``, ``dev_matched.tsv``, ...; CoLA's are
       without a header. Quotation marks are text. The first QQP of GLUE has broken rows, which are
       refused; "QQP-clean" and the parquet files of the Hub have none;
    2. tables of the corpora: ``in_domain_train.tsv`` of CoLA, and ``in_domain_dev.tsv`` with
       ``out_of_domain_dev.tsv``, which together are GLUE dev; ``msr_paraphrase_train.txt`` of
       MRPC, of which ``dev_ids.tsv`` lists the 408 rows of GLUE dev, and
       ``msr_paraphrase_test.txt``. Without that list, which of the rows are GLUE dev is not
       known: "dev" is refused, and "train" is all 4,076, as a note says;
    3. parquet files as the Hub has them, ``train.parquet`` or ``train-00000-of-00001.parquet``;
    4. what ``save_to_disk`` of `datasets` has written.

    A dev with more rows than GLUE's is refused: it would be something else. GLUE's ``test.tsv`` has
    no labels. Where one has them, and the rows of GLUE dev by number while ``dev.tsv`` has not,
    ``test.tsv`` *is* GLUE dev, and ``train.tsv`` and ``dev.tsv`` together are GLUE train (copies of
    SST-2 in 60,614, 6,735 and 872 rows); they are read so, with a note. Any other split with labels
    in ``test.tsv`` is refused.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from infotheory.models.glue import read_task
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "dev.tsv"
    ...     _ = file.write_text("sentence\tlabel\na charming journey\t1\nbleak\t0\n")
    ...     data = read_task("sst2", folder, "dev")
    >>> data.sample(0), data.labels, data.class_names
    ('a charming journey', array([1, 0]), ('negative', 'positive'))
    >>> data.notes
    ('2 rows, where GLUE has 872',)
    """
    chosen = chosen_task(task)
    name = chosen.split(split)
    path = Path(data).expanduser()
    if path.is_dir():
        return _of_folder(chosen, _task_folder(chosen, path), name)
    if path.exists() or not (download or str(data) in _HUB):
        fact = f"{'a file' if path.exists() else 'no such folder'}: {str(data)!r}"
        fix = "A name of the Hub goes with download=True (--download)."
        raise refusal("data", f"a folder with {chosen.name}", fact, fix)
    options = {"config": chosen.name} if str(data) in _HUB else {}
    spec = _spec("hf", str(data), chosen, options | {"split": _on_hub(name)})
    found = Found([open_hub(spec, download=download)], _spellings(chosen))
    return _made(chosen, name, found, str(data))


def open_glue(spec: Spec, *, download: bool) -> TaskData:
    """Read a split of a task that a text names.

    Parameters
    ----------
    spec : Spec
        ``glue:TASK?dir=DIR&split=SPLIT``: as for :func:`read_task`, with "dev" as the default
        split. Without a folder it is the data set of the Hub, from its cache.
    download : bool
        Whether that may be fetched.

    Returns
    -------
    TaskData

    Raises
    ------
    ValueError
        As for :func:`read_task`.
    """
    folder, split = spec.take("dir", _HUB[0]), spec.take("split", "dev")
    spec.finish()
    assert folder is not None
    assert split is not None
    return read_task(spec.place, folder, split, download=download)


# ----------------------------------------------------------------------------------------- folders


def _task_folder(task: GlueTask, folder: Path) -> Path:
    """Return the folder of a task: one below, by its name, or the given one."""
    below = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    named = [path for path in below if plain(path.name) == task.name]
    if len(named) > 1:
        listed = " and ".join(repr(path.name) for path in named)
        fact = f"{listed} in {folder}"
        raise refusal("data", f"one folder of {task.name}", fact, "Pass the one that is meant.")
    if named:
        return named[0]
    own = plain(folder.resolve().name)
    if own in GLUE_TASKS and own != task.name:
        fact = f"the folder of another task, {folder}"
        raise refusal("data", f"a folder with {task.name}", fact, "Pass its own, or the one above.")
    return folder


def _of_folder(task: GlueTask, folder: Path, split: str) -> TaskData:
    """Read a split from the first of its forms that is there."""
    for form in (tables_of_split, corpus_of_mrpc, _parquet, _saved):
        found = form(task, folder, split)
        if found is not None:
            return _made(task, split, found, str(folder))
    there = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    listed = ", ".join(there[:_SHOWN]) + (", ..." if len(there) > _SHOWN else "")
    stored = f"{_on_hub(split)}.parquet or its parts, or a folder of save_to_disk with this split"
    raise refusal(
        "data",
        f"a folder with {split} of {task.name}: {looked_for(task, split)}, {stored}",
        f"{listed or 'nothing'} in {folder}",
        f"Or pass a folder with all tasks, in which one is called {task.name}.",
    )


# ---------------------------------------------------------------------------- parquet and datasets


def _on_hub(split: str) -> str:
    return split.replace("dev", "validation")


def _spec(scheme: str, place: str, task: GlueTask, options: Mapping[str, str]) -> Spec:
    columns = {"sample": ",".join(task.sentences), "label": "label"}
    return Spec("data", f"{scheme}:{place}", scheme, place, {**columns, **options})


def _parquet(task: GlueTask, folder: Path, split: str) -> Found | None:
    for name in (_on_hub(split), split):
        parts = re.compile(rf"{name}(-\d{{5}}-of-\d{{5}})?\.parquet")
        files = [path for path in sorted(folder.iterdir()) if parts.fullmatch(path.name)]
        if files:
            break
    else:
        return None
    one = len(files) == 1
    spec = _spec("parquet", str(files[0] if one else folder), task, {} if one else {"split": name})
    return Found([open_parquet_data(spec)], _spellings(task))


def _saved(task: GlueTask, folder: Path, split: str) -> Found | None:
    several, single = folder / "dataset_dict.json", folder / "state.json"
    options: dict[str, str] = {}
    if several.is_file():
        there = _told(several, "splits") or []
        chosen = next((name for name in (_on_hub(split), split) if name in there), None)
        options = {} if chosen is None else {"split": chosen}
    elif single.is_file():  # it says of which split it is
        chosen = _told(single, "_split")
        chosen = chosen if chosen in (_on_hub(split), split) else None
    else:
        return None
    if chosen is None:
        return None
    source = open_hub(_spec("hf", str(folder), task, options), download=False)
    return Found([source], _spellings(task))


def _told(path: Path, what: str) -> Any:
    """Return an entry of what save_to_disk has written about a data set."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return about.get(what)
    except (AttributeError, ValueError) as error:
        fact = f"{path} ({error})"
        fix = "Save it again."
        raise refusal("data", "undamaged, as save_to_disk has left it", fact, fix) from error


# ------------------------------------------------------------------------------------------ labels


def _spellings(task: GlueTask) -> dict[str, int]:
    """Return the classes as they may be stored elsewhere: numbers of the Hub, or names."""
    numbers = {str(k): k for k in range(len(task.class_names))}
    return numbers | {name: k for k, name in enumerate(task.class_names)}


def _numbers(task: GlueTask, source: Labelled, classes: Mapping[str, int]) -> IntArray:
    """Return the classes of a source as the task numbers them."""
    values, places = np.unique(source.labels, return_inverse=True)
    names = source.class_names
    stored = [str(value) if names is None else names[value] for value in values]
    labels = np.array([classes.get(name, -1) for name in stored], np.int64)[places]
    if (labels < 0).any():
        row = int(np.argmax(labels < 0))
        listed = ", ".join(map(repr, classes))
        fact = f"{stored[places[row]]!r} at {source.where(row)}"
        raise refusal(f"a label of {task.name}", f"one of {listed}", fact, "Is it of this task?")
    return labels


def _made(task: GlueTask, split: str, found: Found, place: str) -> TaskData:
    """Put sources together, and compare the number of rows with that of GLUE."""
    labels = np.concatenate([_numbers(task, source, found.classes) for source in found.sources])
    rows = np.arange(len(labels)) if found.rows is None else found.rows
    expected, notes = task.rows[task.splits.index(split)], found.notes
    if split.startswith("dev") and len(rows) > expected:
        raise refusal(
            f"{split} of {task.name}",
            f"GLUE's, of {expected:,} rows",
            f"{len(rows):,} in {place}",
            "Some copies name parts of train so; open the file by tsv:FILE.",
        )
    name = f"{task.name} ({split})"
    if len(rows) != expected:
        notes = (*notes, f"{len(rows):,} rows, where GLUE has {expected:,}")
    sources, labels = tuple(found.sources), labels[rows]
    return TaskData(name, labels, task.class_names, task, split, sources, rows, notes=notes)
