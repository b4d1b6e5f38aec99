"""How often the confidence intervals of CMI, Gamma, NCMI and error cover the truth.

    python benchmarks/coverage_ncmi.py [--repeats 2000] [--save]

Each cell of the grid has a population: a finite set of output rows for each of C classes, from
which samples are drawn with replacement, so that the true values are those of the population,
computed exactly. Classes have n_c samples each, or in the unbalanced cells one half of the classes
has 9 n_c and the other n_c. Two populations for each C: "smooth" has errors at the rate of a small
network and moderate confidence; "peaked" is as confident as a trained network, with few errors, so
that CMI comes from a few samples with large divergence.

A cell passes where coverage lies in 92 to 98 %. With 2,000 repeats its standard error is 0.5 %.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import infotheory

RESULTS = Path(__file__).parent / "results" / "coverage_ncmi.json"
QUANTITIES = ("cmi", "gamma", "ncmi", "error")
METHODS = ("jackknife", "delta", "bootstrap")
# Share of hard samples, height of the label's logit, spread of the others.
POPULATIONS = {"smooth": (0.15, 3.0, 1.0), "peaked": (0.08, 9.0, 2.0)}
KEY = ("population", "classes", "n_c", "balanced", "method")
LOWEST, HIGHEST = 0.92, 0.98
BOOTSTRAP_UP_TO = 1000  # samples; larger cells would take hours


def population(name: str, n_classes: int, per_class: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Logits of `per_class` rows of each class, and the labels."""
    hard, height, spread = POPULATIONS[name]
    rng = np.random.default_rng(n_classes)
    labels = np.repeat(np.arange(n_classes), per_class)
    logits = rng.normal(0.0, spread, (labels.size, n_classes))
    share = np.where(rng.random(labels.size) < hard, rng.random(labels.size), 1.0)
    logits[np.arange(labels.size), labels] += height * share
    return logits, labels


def sizes(n_classes: int, n_c: int, balanced: bool) -> np.ndarray:
    """Samples of each class."""
    many = np.arange(n_classes) < n_classes // 2
    return np.where(many & (not balanced), 9 * n_c, n_c)


def truth(logits: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """The values of the population, with the class shares of the samples."""
    report = infotheory.measure_classifier(
        logits, labels, sample_weight=counts[labels].astype(float)
    )
    return {name: getattr(report, name) for name in QUANTITIES}


def cover(job: tuple[str, int, int, bool, str, int, int]) -> dict[str, list[float]]:
    """Draw samples and count: covered, below, above the interval, and widths."""
    name, n_classes, n_c, balanced, method, repeats, seed = job
    warnings.simplefilter("ignore")
    logits, labels = population(name, n_classes)
    counts = sizes(n_classes, n_c, balanced)
    exact = truth(logits, labels, counts)
    per_class = labels.size // n_classes
    drawn_labels = np.repeat(np.arange(n_classes), counts)
    rng = np.random.default_rng([seed, n_classes, n_c])
    found: dict[str, list[float]] = {q: [0, 0, 0, 0.0] for q in QUANTITIES}
    for _ in range(repeats):
        rows = drawn_labels * per_class + rng.integers(0, per_class, drawn_labels.size)
        report = infotheory.measure_classifier(
            logits[rows], drawn_labels, interval=method, n_resamples=400, rng=rng
        )
        for quantity, interval in report.intervals.items():
            tally = found[quantity]
            tally[0] += interval.low <= exact[quantity] <= interval.high
            tally[1] += exact[quantity] < interval.low
            tally[2] += exact[quantity] > interval.high
            tally[3] += interval.width / exact[quantity]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--classes", nargs="+", type=int, default=[2, 10, 100])
    parser.add_argument("--n-c", nargs="+", type=int, default=[10, 30, 100])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    started = time.time()
    cells = [
        (name, n_classes, n_c, balanced, method)
        for name in POPULATIONS
        for n_classes in arguments.classes
        for balanced in (True, False)
        for n_c in arguments.n_c
        for method in arguments.methods
        if method != "bootstrap" or sizes(n_classes, n_c, balanced).sum() <= BOOTSTRAP_UP_TO
    ]
    shares = max(1, min(8, arguments.repeats // 50))  # each cell in pieces, to keep all cores busy
    jobs = [
        (*cell, arguments.repeats // shares, arguments.seed * 1000 + piece)
        for cell in cells
        for piece in range(shares)
    ]
    heading = f"{'population':11}{'C':>4}{'n_c':>5}  {'design':9}{'method':11}"
    print(heading + "".join(f"{q:>8}" for q in QUANTITIES) + "   truth above / below (CMI)")
    results = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        done = pool.map(cover, jobs, chunksize=1)
        for cell in cells:
            pieces = [next(done) for _ in range(shares)]
            repeats = shares * (arguments.repeats // shares)
            total = {q: np.sum([p[q] for p in pieces], axis=0) / repeats for q in QUANTITIES}
            name, n_classes, n_c, balanced, method = cell
            failing = [q for q in QUANTITIES if not LOWEST <= total[q][0] <= HIGHEST]
            results.append(
                {
                    "population": name,
                    "classes": n_classes,
                    "n_c": n_c,
                    "balanced": balanced,
                    "method": method,
                    "coverage": {q: round(float(total[q][0]), 4) for q in QUANTITIES},
                    "truth_above": {q: round(float(total[q][2]), 4) for q in QUANTITIES},
                    "relative_width": {q: round(float(total[q][3]), 4) for q in QUANTITIES},
                    "failing": failing,
                }
            )
            marks = "".join(
                f"{100 * total[q][0]:7.1f}{'*' if q in failing else ' '}" for q in QUANTITIES
            )
            design = "balanced" if balanced else "9:1"
            sides = f"{100 * total['cmi'][2]:5.1f} / {100 * total['cmi'][1]:.1f}"
            print(
                f"{name:11}{n_classes:4}{n_c:5}  {design:9}{method:11}{marks}   {sides}", flush=True
            )
    for method in arguments.methods:
        mine = [r for r in results if r["method"] == method]
        for quantity in QUANTITIES:
            bad = sum(quantity in r["failing"] for r in mine)
            print(f"{method:10} {quantity:6} {len(mine) - bad} of {len(mine)} cells in 92 to 98 %")
    if arguments.save:
        save(results, arguments.repeats, arguments.seed, time.time() - started)


def save(results: list[dict[str, Any]], repeats: int, seed: int, seconds: float) -> None:
    """Write the cells; those of an earlier run that were not measured now stay as they were."""
    facts = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "repeats": repeats,
        "seed": seed,
    }
    run = {"command": " ".join(["python", "benchmarks/coverage_ncmi.py", *sys.argv[1:]]), **facts}
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": [], "cells": []}
    now = {tuple(cell[key] for key in KEY) for cell in results}
    kept = [cell for cell in old["cells"] if tuple(cell[key] for key in KEY) not in now]
    cells = sorted(kept + results, key=lambda cell: [str(cell[key]) for key in KEY])
    content = {"runs": [*old["runs"], run | {"seconds": round(seconds)}], "cells": cells}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
