"""How often the intervals of estimates from measurements hold the truth, and how often they warn.

    python benchmarks/coverage_knn.py [--repeats 300] [--save]

Laws whose truth is known; 95 % intervals. A cell with R repeats has a standard error of
sqrt(0.95 * 0.05 / R), 1.3 % for 300. The last table holds p-values of permutation tests under
independence: the share of them that are at most 0.05.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from timing import machine

from infotheory import estimators, sources
from infotheory.exceptions import InfotheoryWarning

RESULTS = Path(__file__).parent / "results" / "coverage_knn.json"
SEED = 20240
SIZES = (200, 1000, 5000)
METHODS = ("ksg1", "ksg2", "gao", "mesner_shalizi", "gaussian", "gaussian_copula")

Draw = Callable[[int, np.random.Generator], tuple[np.ndarray, ...]]


def gaussian(d: int, rho: float) -> Draw:
    def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        x = rng.normal(size=(n, d))
        return x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(n, d))

    return draw


def of(source: Any) -> Draw:
    return lambda n, rng: source.sample(n, rng=rng)


def pairs() -> dict[str, tuple[float, Draw]]:
    """Truth, and what draws x and y."""
    found = {}
    for d, rho in ((1, 0.0), (1, 0.5), (1, 0.9), (2, 0.5), (3, 0.5), (5, 0.9)):
        found[f"Gauss d={d} rho={rho}"] = (-0.5 * d * float(np.log1p(-(rho**2))), gaussian(d, rho))
    for name, source in {
        "Student nu=2": sources.StudentTPair(2, 0.5),
        "uniform sum 0.75": sources.UniformSum(0.75),
        "zero-inflated Poisson": sources.ZeroInflatedPoisson(0.15),
    }.items():
        found[name] = (source.mutual_information(), of(source))
    return found


def densities() -> dict[str, tuple[float, Draw]]:
    """Truth, and what draws x."""
    found = {}
    for name, source in {
        "normal": sources.Gaussian(np.zeros(1), np.eye(1)),
        "exponential": sources.Exponential(),
        "uniform": sources.Uniform(),
        "normal d=3": sources.Gaussian(np.zeros(3), np.eye(3)),
    }.items():
        found[name] = (
            source.differential_entropy(),
            lambda n, rng, s=source: (s.sample(n, rng=rng),),
        )
    return found


def cells(
    cases: dict[str, tuple[float, Draw]],
    function: Callable[..., Any],
    methods: tuple[str, ...],
    repeats: int,
) -> Iterator[dict[str, Any]]:
    """One cell a law, size and method."""
    for (law, (truth, draw)), n, method in product(cases.items(), SIZES, methods):
        rng = np.random.default_rng(SEED)
        try:
            found = [function(*draw(n, rng), method=method) for _ in range(repeats)]
        except ValueError:  # the method takes one column only
            continue
        yield {
            "law": law,
            "n": n,
            "method": method,
            "held": float(np.mean([e.low <= truth <= e.high for e in found])),
            "warned": float(np.mean([bool(e.warnings) for e in found])),
            "bias": float(np.mean([e.value - truth for e in found])),
            "scatter": float(np.std([e.value for e in found])),
            "standard_error": float(np.mean([e.standard_error for e in found])),
        }


def tests(repeats: int) -> Iterator[dict[str, Any]]:
    """Share of p-values of at most 0.05 where the truth is independence."""
    for method, n in product(("ksg1", "gaussian_copula"), (50, 200)):
        rng = np.random.default_rng(SEED)
        reached = 0
        for seed in range(repeats):
            x, y = rng.standard_t(2, size=(2, n))
            found = estimators.estimate_mutual_information(
                x, y, method=method, n_permutations=99, rng=seed, interval=False
            )
            reached += found.p_value <= 0.05
        yield {"test": "I(X;Y)", "method": method, "n": n, "rejected": reached / repeats}
    rng = np.random.default_rng(SEED)
    reached = 0
    for seed in range(repeats):
        z = rng.normal(size=200)
        x, y = z + rng.normal(size=200), z + rng.normal(size=200)
        found = estimators.estimate_conditional_mutual_information(
            x, y, z, n_permutations=99, rng=seed, interval=False
        )
        reached += found.p_value <= 0.05
    yield {"test": "I(X;Y|Z)", "method": "ksg1", "n": 200, "rejected": reached / repeats}


def print_table(found: list[dict[str, Any]], methods: tuple[str, ...]) -> None:
    """One line a law and size: percent held, with an asterisk where half were warned of."""
    print(f"| law | n | {' | '.join(methods)} |")
    print(f"|---|---|{'---|' * len(methods)}")
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for cell in found:
        text = f"{100 * cell['held']:.0f}{'*' if cell['warned'] > 0.5 else ''}"
        rows.setdefault((cell["law"], cell["n"]), {})[cell["method"]] = text
    for (law, n), row in rows.items():
        print(f"| {law} | {n} | {' | '.join(row.get(method, '') for method in methods)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", InfotheoryWarning)
    information = list(
        cells(pairs(), estimators.estimate_mutual_information, METHODS, arguments.repeats)
    )
    print_table(information, METHODS)
    print()
    methods = ("kozachenko_leonenko", "vasicek", "gaussian")
    entropy = list(cells(densities(), estimators.estimate_entropy, methods, arguments.repeats))
    print_table(entropy, methods)
    print()
    rejected = list(tests(arguments.repeats))
    for row in rejected:
        print(f"{row['test']}, {row['method']}, n={row['n']}: {100 * row['rejected']:.1f} %")
    if arguments.save:
        record = {
            "command": "python benchmarks/coverage_knn.py --save",
            "seed": SEED,
            "repeats": arguments.repeats,
            "machine": machine(),
            "information": information,
            "entropy": entropy,
            "tests": rejected,
        }
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
