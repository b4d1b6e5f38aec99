"""Error of mutual information by every entropy method, over strengths and sampling densities.

    python benchmarks/accuracy_information.py [--repeats 60] [--save]

Tables of K x K cells, with uniform or Zipf margins; a share of copies mixed into independent
symbols. "known" after a name says that the method was told the sizes of the alphabets. The summary
compares root mean square errors with the best method of each case: methods that do not know the
sizes with each other, those that do with all.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from timing import machine

from infotheory import measures
from infotheory.estimators import ENTROPY_METHODS, estimate_mutual_information_from_counts
from infotheory.exceptions import InfotheoryWarning

RESULTS = Path(__file__).parent / "results" / "accuracy_information.json"
SEED = 20240
DENSITIES = (0.1, 0.3, 1, 3, 10)  # samples a cell
UNTOLD = ("auto", *(method for method in ENTROPY_METHODS if method != "ansb"))
TOLD = tuple(f"{method}, known" for method in ("auto", "james_stein", "dirichlet", "nsb", "jvhw"))


def joint_law(size: int, margin: str, share: float) -> np.ndarray:
    """A share of copies, and independent symbols else."""
    p = np.ones(size) if margin == "uniform" else 1 / np.arange(1, size + 1)
    p /= p.sum()
    return (1 - share) * np.outer(p, p) + share * np.diag(p)


def cases(repeats: int) -> Iterator[dict[str, Any]]:
    """Mean error and root mean square error of every method, case by case."""
    laws = product((4, 10, 30), ("uniform", "Zipf"), (0.0, 0.1, 0.5, 1.0), DENSITIES)
    for size, margin, share, density in laws:
        n = int(density * size**2)
        if n < 8:
            continue
        joint = joint_law(size, margin, share)
        truth = measures.mutual_information(joint)
        rng = np.random.default_rng(SEED)
        tables = rng.multinomial(n, joint.ravel(), repeats).reshape(-1, size, size)
        case = {"K": size, "margin": margin, "copies": share, "n": n, "truth": truth}
        for name in (*UNTOLD, *TOLD):
            method, _, told = name.partition(", ")
            sizes = (size, size) if told else None
            error = [
                estimate_mutual_information_from_counts(table, method=method, n_symbols=sizes).value
                - truth
                for table in tables
            ]
            case[name] = {"bias": np.mean(error), "rmse": np.sqrt(np.mean(np.square(error)))}
        yield case


def summary(found: list[dict[str, Any]]) -> Iterator[str]:
    """One line a method: mean error, and its ratio to the best method of each case."""
    yield "| method | RMSE | over the best | n < K^2 | n >= K^2 | independent | worst in |"
    yield "|---|---|---|---|---|---|---|"
    few = np.array([case["n"] < case["K"] ** 2 for case in found])
    free = np.array([case["copies"] == 0 for case in found])
    for name in (*UNTOLD, *TOLD):
        rivals = (*UNTOLD, *TOLD) if name in TOLD else UNTOLD
        table = np.array([[case[rival]["rmse"] for rival in rivals] for case in found])
        own = table[:, rivals.index(name)]
        ratio = np.log(own / table.min(axis=1))
        cells = [np.exp(ratio[part].mean()) for part in (slice(None), few, ~few, free)]
        worst = int((own >= table.max(axis=1)).sum())
        yield (
            f"| {name} | {own.mean():.3f} | "
            + " | ".join(f"{cell:.2f}" for cell in cells)
            + f" | {worst} of {len(found)} |"
        )


def _finite(value: Any) -> Any:
    """JSON has no infinity: null, where a method gave one."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", InfotheoryWarning)
    found = list(cases(arguments.repeats))
    lines = list(summary(found))
    print("\n".join(lines))
    if arguments.save:
        record = {
            "command": "python benchmarks/accuracy_information.py --save",
            "seed": SEED,
            "repeats": arguments.repeats,
            "machine": machine(),
            "cases": [{key: _finite(value) for key, value in case.items()} for case in found],
        }
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
