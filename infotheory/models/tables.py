"""Texts and labels in a table of text: tsv as in GLUE, or csv."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Generator, Iterator
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import IO

from infotheory._validation import refusal
from infotheory.files.source import DAMAGE
from infotheory.models.columns import chosen_columns
from infotheory.models.labelled import Samples
from infotheory.models.labels import class_numbers, text_labels
from infotheory.models.places import existing_file
from infotheory.models.specs import Spec

__all__ = ["open_table"]

_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";"}


def open_table(spec: Spec) -> Samples:
    """Read one or two columns of text, and the labels.

    Parameters
    ----------
    spec : Spec
        ``tsv:FILE?sample=COLUMN,COLUMN&label=COLUMN&delimiter=tab|comma|...&header=yes|no``. The
        delimiter is a comma in files named ``.csv`` and a tab in others (also with ``.gz`` behind
        it). Where it is a tab, quotation marks are text, as in GLUE; otherwise they enclose entries
        as usual. Columns without a header are called 0, 1, ...

    Returns
    -------
    Samples
        In memory: texts, or pairs of texts.

    Raises
    ------
    ValueError
        If the file or a column of it cannot be used; the text names the row.
    """
    sample, label = spec.take("sample"), spec.take("label")
    delimiter, header = spec.take("delimiter"), spec.take("header", "yes")
    spec.finish()
    if header not in ("yes", "no"):
        raise refusal("header", "one of 'yes', 'no'", f"{header!r} in {spec.text!r}", "")
    path = existing_file(spec)
    separator = _separator(spec, path, delimiter)
    try:
        with closing(_rows(path, separator)) as rows:
            table = list(rows)
    except DAMAGE as error:
        raise refusal(
            spec.argument, "a table of text in UTF-8", f"{path}: {error}", "Mend or convert it."
        ) from error
    if not table:
        raise refusal(
            "data", "have at least one sample", f"none in {path}", "Is it the right file?"
        )
    names = table.pop(0) if header == "yes" else [str(place) for place in range(len(table[0]))]
    _check_rows(spec, path, names, table)
    columns, label = chosen_columns(spec.text.partition("?")[0], names, sample, label)
    if len(columns) > 2:
        raise refusal(
            "sample",
            "one column of text, or two",
            f"{len(columns)} in {spec.text!r}",
            "Numbers are read from npz and parquet files.",
        )
    texts = list(map(itemgetter(*map(names.index, columns)), table))
    place = names.index(label)
    labels, class_names = class_numbers(
        text_labels([row[place] for row in table]), argument=f"column {label!r} of {path}"
    )
    return Samples(path.name, labels, class_names, texts, str(path))


def _separator(spec: Spec, path: Path, delimiter: str | None) -> str:
    if delimiter is None:
        return "," if path.name.lower().removesuffix(".gz").endswith(".csv") else "\t"
    separator = _DELIMITERS.get(delimiter, delimiter)
    if len(separator) != 1:
        raise refusal(
            "delimiter",
            f"one character, or one of {', '.join(map(repr, _DELIMITERS))}",
            f"{delimiter!r} in {spec.text!r}",
            "",
        )
    return separator


def _rows(path: Path, separator: str) -> Generator[list[str], None, None]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
        yield from _plain(stream) if separator == "\t" else _quoted(stream, separator)


def _plain(stream: IO[str]) -> Iterator[list[str]]:
    for line in stream:
        text = line.rstrip("\r\n")
        if text:
            yield text.split("\t")


def _quoted(stream: IO[str], separator: str) -> Iterator[list[str]]:
    try:
        yield from filter(None, csv.reader(stream, delimiter=separator, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _check_rows(spec: Spec, path: Path, names: list[str], table: list[list[str]]) -> None:
    repeated = [name for number, name in enumerate(names) if name in names[:number]]
    if repeated:
        raise refusal(
            spec.argument,
            "a table with different names of columns",
            f"{repeated[0]!r} twice in {path}",
            "Without a line of names, add ?header=no.",
        )
    for number, row in enumerate(table):
        if len(row) != len(names):
            raise refusal(
                spec.argument,
                f"a table with one entry a column ({len(names)}) in every row",
                f"{len(row)} at row {number} of {path}",
                "The file may be cut off, or have another ?delimiter=.",
            )
