"""A table of symbols with known dependences, for the tests of the command line."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from infotheory.cli import main

N = 240
RNG = np.random.default_rng(20240)
SEX = RNG.choice(["f", "m"], N).tolist()
AGE = RNG.integers(1, 5, N).tolist()
VOTE = [
    "yes" if (s == "f") ^ (rng > 0.8) else "no"
    for s, rng in zip(SEX, RNG.random(N).tolist(), strict=True)
]
PRICE = RNG.normal(size=N).round(3).tolist()
COLUMNS: dict[str, list[Any]] = {"sex": SEX, "age": AGE, "vote": VOTE, "price": PRICE}
WITH_GAPS = [None if i in {3, 7, 200} else v for i, v in enumerate(AGE)]


def table(path: Path, columns: Mapping[str, Sequence[Any]] = COLUMNS) -> Path:
    """Write a csv file, in which None is an empty entry."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def expected(function: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
    """What the library says, warnings apart."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: dict[str, Any] = function(*arguments, **options).to_dict()
    return found


def estimates(*arguments: object, out: Path, status: int = 0) -> list[dict[str, Any]]:
    """What a run writes as JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert main([*map(str, arguments), "--json", str(out)]) == status
    content = json.loads(out.read_text(encoding="utf-8"), parse_constant=refuse)
    return content["estimates"]


def lines(text: str) -> list[list[str]]:
    """The words of the lines between the rule of the table and the line of the unit."""
    body = text.split("---\n", 1)[1].split("\n")
    return [line.split() for line in body[: next(i for i, x in enumerate(body) if " in " in x)]]
