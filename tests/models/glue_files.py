"""Files of GLUE as the tests write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infotheory.models import LabelledData

# As the configurations of `glue` on the Hub have them.
CLASSES = {
    "cola": ("unacceptable", "acceptable"),
    "sst2": ("negative", "positive"),
    "mrpc": ("not_equivalent", "equivalent"),
    "qqp": ("not_duplicate", "duplicate"),
    "mnli": ("entailment", "neutral", "contradiction"),
    "qnli": ("entailment", "not_entailment"),
    "rte": ("entailment", "not_entailment"),
    "wnli": ("not_entailment", "entailment"),
}

# For each task: folder, header, rows in the form of GLUE's files, their texts and classes.
FORMS: dict[str, tuple[str, str, list[str], list[Any], list[int]]] = {
    "cola": (
        "CoLA",
        "",
        ["gj04\t1\t\tIt sails.", 'gj04\t0\t*\t"Sails it.'],
        ["It sails.", '"Sails it.'],
        [1, 0],
    ),
    "sst2": ("SST-2", "sentence\tlabel", ["fine \t1", "dull\t0"], ["fine ", "dull"], [1, 0]),
    "mrpc": (
        "MRPC",
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String",
        ["1\t1\t2\ta\tb", '0\t3\t4\tc "\td'],
        [("a", "b"), ('c "', "d")],
        [1, 0],
    ),
    "qqp": (
        "QQP",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
        ["0\t1\t2\twho?\twhat?\t0", "1\t3\t4\twhy?\thow?\t1"],
        [("who?", "what?"), ("why?", "how?")],
        [0, 1],
    ),
    "mnli": (
        "MNLI",
        "index\tpairID\tsentence1\tsentence2\tlabel1\tgold_label",
        ["0\tx\ta\tb\tneutral\tcontradiction", "1\ty\tc\td\tneutral\tentailment"],
        [("a", "b"), ("c", "d")],
        [2, 0],
    ),
    "qnli": (
        "QNLI",
        "index\tquestion\tsentence\tlabel",
        ["0\twho?\tshe.\tnot_entailment", "1\twhy?\tso.\tentailment"],
        [("who?", "she."), ("why?", "so.")],
        [1, 0],
    ),
    "rte": (
        "RTE",
        "index\tsentence1\tsentence2\tlabel",
        ["0\ta\tb\tnot_entailment", "1\tc\td\tnot_entailment"],
        [("a", "b"), ("c", "d")],
        [1, 1],
    ),
    "wnli": (
        "WNLI",
        "index\tsentence1\tsentence2\tlabel",
        ["0\ta\tb\t1", "1\tc\td\t0"],
        [("a", "b"), ("c", "d")],
        [1, 0],
    ),
}


def write(path: Path, *lines: str, start: str = "", end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((start + "".join(line + end for line in lines if line)).encode())
    return path


def sst2(path: Path, n: int, word: str = "x") -> Path:
    rows = [f"{word} {row}\t{row % 2}" for row in range(n)]
    return write(path, "sentence\tlabel", *rows)


def texts(data: LabelledData) -> list[Any]:
    return [data.sample(row) for row in range(len(data.labels))]
