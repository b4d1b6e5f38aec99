"""The classification tasks of GLUE: their texts, classes, splits and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from infotheory._validation import refusal
from infotheory.models.places import SPLITS

__all__ = ["GLUE_TASKS", "GlueTask", "chosen_task", "plain"]


@dataclass(frozen=True)
class GlueTask:
    """A task of GLUE that is a classification.

    Attributes
    ----------
    name : str
        As it is called on the hub of Hugging Face: "sst2".
    title : str
        As its paper calls it.
    sentences : tuple of str
        Columns of its one text or two, as the hub names them.
    class_names : tuple of str
        Names of the classes in the order of their numbers.
    metrics : tuple of {"accuracy", "f1", "matthews"}
        What GLUE reports.
    headline : str
        The one of them by which models are chosen.
    splits : tuple of str
        Those with public labels.
    rows : tuple of int
        How many rows GLUE has in each of these.
    """

    name: str
    title: str
    sentences: tuple[str, ...]
    class_names: tuple[str, ...]
    metrics: tuple[str, ...]
    headline: str
    splits: tuple[str, ...]
    rows: tuple[int, ...]

    def split(self, asked: str) -> str:
        """Return the name of a split, by this or another usual name of it.

        Parameters
        ----------
        asked : str
            "dev", say, or "validation".

        Returns
        -------
        str
            One of the splits.

        Raises
        ------
        ValueError
            If there is no such split, or it has no labels.
        """
        if not isinstance(asked, str):
            raise TypeError(f"split must be a text such as 'dev'; got {type(asked).__name__}.")
        first, mark, rest = asked.partition("_")
        usual = SPLITS.get(first, first).replace("validation", "dev") + mark + rest
        if usual in self.splits:
            return usual
        fix = ""
        if usual.startswith("test"):
            fix = f"Labels of GLUE test are not public; use {' or '.join(self.splits[1:])}."
        listed = ", ".join(map(repr, self.splits))
        raise refusal("split", f"one of {listed} for {self.name}", repr(asked), fix)


def _task(
    name: str,
    title: str,
    sentences: str,
    class_names: str,
    metrics: str,
    *,
    splits: str = "train dev",
    rows: tuple[int, ...],
) -> GlueTask:
    """Make a task; the metric that counts is the last one."""
    named = tuple(metrics.split())
    texts, classes = tuple(sentences.split()), tuple(class_names.split())
    return GlueTask(name, title, texts, classes, named, named[-1], tuple(splits.split()), rows)


# Columns, order of classes and numbers of rows are those of the configurations of `glue` on the
# hub of Hugging Face (glue.py of its `datasets`, now nyu-mll/glue), metrics those of GLUE (Wang et
# al., arXiv:1804.07461, table 1). MRPC's labels of test are public: it is the file of the corpus.
_ENTAILS = "entailment not_entailment"
GLUE_TASKS: Mapping[str, GlueTask] = MappingProxyType(
    {
        task.name: task
        for task in (
            _task(
                "cola",
                "Corpus of Linguistic Acceptability",
                "sentence",
                "unacceptable acceptable",
                "matthews",
                rows=(8_551, 1_043),
            ),
            _task(
                "sst2",
                "Stanford Sentiment Treebank",
                "sentence",
                "negative positive",
                "accuracy",
                rows=(67_349, 872),
            ),
            _task(
                "mrpc",
                "Microsoft Research Paraphrase Corpus",
                "sentence1 sentence2",
                "not_equivalent equivalent",
                "accuracy f1",
                splits="train dev test",
                rows=(3_668, 408, 1_725),
            ),
            _task(
                "qqp",
                "Quora Question Pairs",
                "question1 question2",
                "not_duplicate duplicate",
                "accuracy f1",
                rows=(363_846, 40_430),
            ),
            _task(
                "mnli",
                "Multi-Genre Natural Language Inference",
                "premise hypothesis",
                "entailment neutral contradiction",
                "accuracy",
                splits="train dev_matched dev_mismatched",
                rows=(392_702, 9_815, 9_832),
            ),
            _task(
                "qnli",
                "Question-answering Natural Language Inference",
                "question sentence",
                _ENTAILS,
                "accuracy",
                rows=(104_743, 5_463),
            ),
            _task(
                "rte",
                "Recognizing Textual Entailment",
                "sentence1 sentence2",
                _ENTAILS,
                "accuracy",
                rows=(2_490, 277),
            ),
            _task(
                "wnli",
                "Winograd Natural Language Inference",
                "sentence1 sentence2",
                "not_entailment entailment",
                "accuracy",
                rows=(635, 71),
            ),
        )
    }
)
"""The tasks by their names."""


def chosen_task(task: str | GlueTask) -> GlueTask:
    """Return a task by its name.

    Parameters
    ----------
    task : str or GlueTask
        A name in ``GLUE_TASKS``, also as "SST-2" or "CoLA"; a task is returned as it is.

    Returns
    -------
    GlueTask

    Raises
    ------
    ValueError
        If there is no such task; the text lists them.
    TypeError
        If it is something else.
    """
    if isinstance(task, GlueTask):
        return task
    if not isinstance(task, str):
        raise TypeError(f"task must be a name such as 'sst2'; got {type(task).__name__}.")
    found = GLUE_TASKS.get(plain(task))
    if found is None:
        listed = ", ".join(map(repr, GLUE_TASKS))
        fix = "Other texts with labels are opened by open_dataset, tsv: say."
        raise refusal("task", f"one of {listed}", repr(task), fix)
    return found


def plain(name: str) -> str:
    """Return a name without what its spellings differ in: "SST-2" is "sst2".

    Parameters
    ----------
    name : str
        Of a task or a folder.

    Returns
    -------
    str
    """
    return name.lower().replace("-", "").replace("_", "")
