"""How often the intervals of discrete estimates hold the truth, and how often a warning is given.

    python benchmarks/coverage_discrete.py          print the tables
    python benchmarks/coverage_discrete.py --save   also write benchmarks/results/

Multinomial samples of known laws; 95 % intervals. A cell with R repeats has a standard error of
sqrt(0.95 * 0.05 / R), 0.7 % for a thousand.
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
from infotheory.estimators import (
    estimate_entropy_from_counts,
    estimate_mutual_information_from_counts,
)
from infotheory.exceptions import PrecisionWarning

RESULTS = Path(__file__).parent / "results" / "coverage_discrete.json"
SEED = 20240

ENTROPY_METHODS = ("plugin", "miller_madow", "chao_shen", "chao_wang_jost", "nsb", "nsb, K known")
INFORMATION_METHODS = ("auto", "plugin", "miller_madow", "chao_wang_jost")


def laws() -> dict[str, np.ndarray]:
    """Uniform and Zipf laws of several sizes."""
    found = {}
    for size in (10, 100, 1000):
        found[f"uniform {size}"] = np.full(size, 1 / size)
        zipf = 1 / np.arange(1, size + 1)
        found[f"Zipf {size}"] = zipf / zipf.sum()
    return found


def pairs() -> dict[str, np.ndarray]:
    """Joint laws of two variables: a share of copies mixed into independent symbols."""
    found = {}
    for size, share in product((2, 5, 20), (0.0, 0.1, 0.5, 0.9)):
        joint = np.full((size, size), (1 - share) / size**2)
        joint[np.diag_indices(size)] += share / size
        found[f"{size} x {size}, {100 * share:g} % copies"] = joint
    return found


def entropy_cells(repeats: int) -> Iterator[dict[str, Any]]:
    """One cell a law, size and method."""
    for (law, p), n, method in product(laws().items(), (50, 200, 1000, 5000), ENTROPY_METHODS):
        rng = np.random.default_rng(SEED)
        name, _, known = method.partition(", ")
        found = [
            estimate_entropy_from_counts(counts, method=name, n_symbols=p.size if known else None)
            for counts in rng.multinomial(n, p, size=repeats)
        ]
        yield {"law": law, "n": n, "method": method, **_held(found, measures.entropy(p))}


def information_cells(repeats: int) -> Iterator[dict[str, Any]]:
    """One cell a joint law, size and method."""
    for (law, joint), n, method in product(pairs().items(), (50, 200, 1000), INFORMATION_METHODS):
        rng = np.random.default_rng(SEED)
        tables = rng.multinomial(n, joint.ravel(), size=repeats).reshape(-1, *joint.shape)
        found = [estimate_mutual_information_from_counts(table, method=method) for table in tables]
        yield {
            "law": law,
            "n": n,
            "method": method,
            **_held(found, measures.mutual_information(joint)),
        }


def _held(found: list[Any], truth: float) -> dict[str, float]:
    # The truth may be an end of the interval: zero information, or the entropy of a full alphabet.
    slack = 1e-12
    return {
        "held": float(np.mean([e.low - slack <= truth <= e.high + slack for e in found])),
        "warned": float(np.mean([bool(e.warnings) for e in found])),
        "bias": float(np.mean([e.value - truth for e in found])),
        "width": float(np.mean([e.high - e.low for e in found])),
    }


def print_table(cells: list[dict[str, Any]], methods: tuple[str, ...]) -> None:
    """One line a law and size: percent held, with an asterisk where half were warned of."""
    print(f"| law | n | {' | '.join(methods)} |")
    print(f"|---|---|{'---|' * len(methods)}")
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for cell in cells:
        text = f"{100 * cell['held']:.1f}{'*' if cell['warned'] > 0.5 else ''}"
        rows.setdefault((cell["law"], cell["n"]), {})[cell["method"]] = text
    for (law, n), row in rows.items():
        print(f"| {law} | {n} | {' | '.join(row[method] for method in methods)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", PrecisionWarning)
    entropy = list(entropy_cells(arguments.repeats))
    print_table(entropy, ENTROPY_METHODS)
    print()
    information = list(information_cells(arguments.repeats))
    print_table(information, INFORMATION_METHODS)
    if arguments.save:
        record = {
            "command": "python benchmarks/coverage_discrete.py --save",
            "seed": SEED,
            "repeats": arguments.repeats,
            "machine": machine(),
            "entropy": entropy,
            "mutual_information": information,
        }
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
