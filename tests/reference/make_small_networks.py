"""Write small_networks.json: a handful of data sets and their quantities to 30 digits.

Run from the root of the repository:

    python tests/reference/make_small_networks.py tests/reference/small_networks.json

The logits are multiples of 1/8 below 16, exact in every floating type down to bfloat16. The
quantities follow the definitions with mpmath at fifty digits; nothing here imports the library or
the other oracles.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

from mpmath import exp, log, mp, mpf

COMMAND = "python tests/reference/make_small_networks.py tests/reference/small_networks.json"
CASES = [
    # name, rows, columns, classes, height of the label's column, width of the noise, in eighths
    ("ten classes, good", 60, 10, 10, 40, 10),
    ("ten classes, poor", 60, 10, 10, 8, 12),
    ("three classes, confident", 40, 3, 3, 90, 6),
    ("more columns than classes", 40, 18, 4, 30, 12),
    ("more classes than columns", 40, 4, 9, 24, 12),
    ("almost equal rows", 40, 6, 3, 3, 1),
]


def total(values: Any) -> Any:
    return sum(values, mpf(0))


def entropy(p: list[Any]) -> Any:
    return -total(v * log(v) for v in p)


def divergence(p: list[Any], q: list[Any]) -> Any:
    return total(a * log(a / b) for a, b in zip(p, q, strict=True))


def mean(rows: list[list[Any]]) -> list[Any]:
    return [total(column) / len(rows) for column in zip(*rows, strict=True)]


def softmax(eighths: list[int]) -> list[Any]:
    weights = [exp(mpf(v) / 8) for v in eighths]
    return [w / total(weights) for w in weights]


def quantities(eighths: list[list[int]], labels: list[int], classes: int) -> dict[str, str]:
    n, k = len(labels), len(eighths[0])
    p = [softmax(row) for row in eighths]
    logs = [[log(v) for v in row] for row in p]
    members = {c: [i for i in range(n) if labels[i] == c] for c in set(labels)}
    centroid = {c: mean([p[i] for i in rows]) for c, rows in members.items()}
    overall = mean(p)
    cmi = total(divergence(p[i], centroid[labels[i]]) for i in range(n)) / n
    pairs = [(i, j) for i in range(n) for j in range(n) if labels[i] != labels[j]]
    gamma_sum = total(-a * b for i, j in pairs for a, b in zip(p[i], logs[j], strict=True))
    gamma = gamma_sum / n**2
    result = {
        "cmi": cmi,
        "gamma": gamma,
        "gamma_kl": gamma - total(entropy(p[i]) for i, _ in pairs) / n**2,
        "gamma_pair": gamma_sum / len(pairs),
        "ncmi": cmi / gamma,
        "mutual_information": total(divergence(row, overall) for row in p) / n,
        "label_information": total(
            mpf(len(members[c])) / n * divergence(q, overall) for c, q in centroid.items()
        ),
    }
    if classes == k:
        result["cross_entropy"] = -total(logs[i][labels[i]] for i in range(n)) / n
        wrong = [i for i in range(n) if eighths[i].index(max(eighths[i])) != labels[i]]
        result["error"] = mpf(len(wrong)) / n
    return {name: mp.nstr(value, 30) for name, value in result.items()}


def main(target: Path) -> None:
    mp.dps = 50
    draw = random.Random(2309)  # noqa: S311
    cases = []
    for name, n, k, classes, height, width in CASES:
        labels = [draw.randrange(classes) for _ in range(n)]
        rows = []
        for label in labels:
            row = [max(-127, min(127, round(draw.gauss(0, width)))) for _ in range(k)]
            row[label % k] = min(127, row[label % k] + height)
            rows.append(row)
        cases.append(
            {
                "name": name,
                "n_classes": classes,
                "labels": labels,
                "logits_in_eighths": rows,
                "quantities": quantities(rows, labels, classes),
            }
        )
    content = {"made by": COMMAND, "unit": "nats", "cases": cases}
    # Rows of numbers stay on one line each: they have no brackets inside.
    text = re.sub(r"\[[^][{}]*\]", _on_one_line, json.dumps(content, indent=1))
    target.write_text(text + "\n", encoding="utf-8")


def _on_one_line(match: re.Match[str]) -> str:
    return re.sub(r"\s+", "", match[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
