"""Tables of the experiment in language_models.py."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from scipy import stats

Line = dict[str, Any]
HEADLINE = {"cola": "matthews", "sst2": "accuracy", "mrpc": "f1", "rte": "accuracy"}


def report(lines: Sequence[Line]) -> str:
    """Return what was chosen, and the tables of both comparisons, in Markdown."""
    tasks = [task for task in HEADLINE if any(line["task"] == task for line in lines)]
    return "\n\n".join([_compared(lines, tasks), _distilled(lines, tasks)])


def _score(line: Line) -> float:
    return 100.0 * float(line["metrics"][HEADLINE[line["task"]]])


def _cell(scores: Sequence[float]) -> str:
    if not scores:
        return ""
    if len(scores) == 1:
        return f"{scores[0]:.1f}"
    return f"{statistics.mean(scores):.1f} ± {statistics.stdev(scores):.1f}"


def _of(lines: Iterable[Line], **wanted: Any) -> dict[int, Line]:
    """Return the lines of some kind, by their seeds."""
    return {
        line["seed"]: line
        for line in lines
        if all(line[name] == value for name, value in wanted.items())
    }


def _paired(first: dict[int, float], second: dict[int, float]) -> tuple[float, float, float]:
    """Return the mean difference over shared seeds, its standard error, and the p of Student."""
    seeds = sorted(first.keys() & second.keys())
    gaps = [second[seed] - first[seed] for seed in seeds]
    if len(gaps) < 2:
        return math.nan, math.nan, math.nan
    error = statistics.stdev(gaps) / math.sqrt(len(gaps))
    test = stats.ttest_rel([second[s] for s in seeds], [first[s] for s in seeds])
    return statistics.mean(gaps), error, float(test.pvalue)


def _scores(lines: dict[int, Line]) -> dict[int, float]:
    return {seed: _score(line) for seed, line in lines.items()}


def _chosen(lines: Sequence[Line], task: str, term: str) -> float | None:
    """Return the weight that did best on the validation texts."""
    tried = [
        line
        for line in lines
        if (line["stage"], line["task"], line["term"]) == ("choose", task, term)
        and (term != "teacher" or line["loss"] == "kd")
    ]
    best = max(tried, key=lambda line: (_score(line), -line["metrics"]["loss"]), default=None)
    return None if best is None else float(best["weight"])


def _compared(lines: Sequence[Line], tasks: Sequence[str]) -> str:
    """Return the table of cross entropy beside both forms of the term."""
    rows = ["| task | objective | score | accuracy | CMI of features | norm | CMI of outputs |"]
    rows.append("|---|---|---|---|---|---|---|")
    tests = ["| task | term | chosen weight | score less that of cross entropy | p |"]
    tests.append("|---|---|---|---|---|")
    for task in tasks:
        final = [line for line in lines if (line["stage"], line["task"]) == ("compare", task)]
        base = _of(final, term="none")
        weights = sorted({(line["term"], line["weight"]) for line in final})
        for term, weight in sorted(weights, key=lambda each: (each[0] != "none", each)):
            found = _of(final, term=term, weight=weight)
            name = "CE" if term == "none" else f"CE + {weight:g} CMI of {term}s"
            if term == "teacher":
                name = f"CE - {weight:g} CMI of features"
            values = [
                statistics.mean(line["metrics"][key] for line in found.values())
                for key in ("feature_cmi", "feature_norm", "cmi")
            ]
            right = [100.0 * (1.0 - line["metrics"]["error"]) for line in found.values()]
            cells = [_cell(right), f"{values[0]:.4f}", f"{values[1]:.2f}", f"{values[2]:.3f}"]
            rows.append(
                f"| {task} ({HEADLINE[task]}) | {name} | {_cell(list(_scores(found).values()))} | "
                + " | ".join(cells)
                + " |"
            )
        for term in ("feature", "output"):
            weight = _chosen(lines, task, term)
            if weight is None:
                continue
            gap, error, p = _paired(_scores(base), _scores(_of(final, term=term, weight=weight)))
            tests.append(f"| {task} | {term} | {weight:g} | {gap:+.2f} ± {error:.2f} | {p:.2f} |")
    return "\n".join([*rows, "", *tests])


def _distilled(lines: Sequence[Line], tasks: Sequence[str]) -> str:
    """Return the table of students."""
    rows = ["| task | student | teacher by CE | teacher of most CMI | difference | p |"]
    rows.append("|---|---|---|---|---|---|")
    for task in tasks:
        final = [line for line in lines if (line["stage"], line["task"]) == ("distil", task)]
        alone = _of(final, loss=None)
        rows.append(f"| {task} | without | {_cell(list(_scores(alone).values()))} | | | |")
        for loss in ("kd", "ttm", "wttm"):
            plain = _scores(_of(final, loss=loss, term="none"))
            most = _scores(_of(final, loss=loss, term="teacher"))
            gap, error, p = _paired(plain, most)
            rows.append(
                f"| {task} | {loss.upper()} | {_cell(list(plain.values()))} | "
                f"{_cell(list(most.values()))} | {gap:+.2f} ± {error:.2f} | {p:.2f} |"
            )
    return "\n".join(rows)
