"""How far discrete entropy estimates are from the truth, ours and those of other packages.

    python benchmarks/accuracy_discrete.py [--draws 200] [--save]

Uniform and Zipf distributions, 50 to 1000 samples. All methods see the same multinomial draws.
For each method: mean error, root mean square error with its standard error, how often the value
was not finite (such draws are left out of the rest), how often our 95 % interval covers the truth,
and how often we warned. "K" after a name says that the method was told the size of the alphabet.

Infomeasure and pyitlib take part where they can be imported.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from infotheory.estimators import ENTROPY_METHODS, estimate_entropy_from_counts

RESULTS = Path(__file__).parent / "results" / "accuracy_discrete.json"
SEED = 20240
DISTRIBUTIONS = {  # size of the alphabet, exponent
    "uniform K=1000": (1000, 0.0),
    "zipf1 K=1000": (1000, 1.0),
    "zipf1.5 K=10000": (10_000, 1.5),
    "uniform K=100": (100, 0.0),
}
SAMPLES = (50, 200, 1000)
USE_THE_ALPHABET = (
    *("auto", "james_stein", "laplace", "jeffreys", "perks", "minimax", "dirichlet", "nsb"),
)
SHOWN = ("auto K", "auto", "nsb K", "james_stein K", "chao_wang_jost", "chao_shen", "jvhw")

Estimator = Callable[[np.ndarray, int], Any]


def ours() -> dict[str, Estimator]:
    """Every method, and those that use the alphabet told its size besides."""
    found: dict[str, Estimator] = {}
    for method in ("auto", *ENTROPY_METHODS):
        found[method] = lambda counts, _, m=method: estimate_entropy_from_counts(counts, method=m)
        if method in USE_THE_ALPHABET:
            found[f"{method} K"] = lambda counts, size, m=method: estimate_entropy_from_counts(
                counts, method=m, n_symbols=size
            )
    return found


def peers() -> dict[str, Estimator]:
    """What other packages offer, by package and method; none where they are not installed."""
    return {**dict(_infomeasure()), **dict(_pyitlib())}


def _infomeasure() -> Iterator[tuple[str, Estimator]]:
    try:
        import infomeasure
    except ImportError:
        return
    for method in (
        *("discrete", "miller_madow", "grassberger", "chao_shen", "chao_wang_jost", "shrink"),
        *("bayes", "nsb", "ansb", "bonachela", "zhang"),
    ):
        options = {"alpha": "jeffrey"} if method == "bayes" else {}

        def run(counts: np.ndarray, _: int, m: str = method, o: dict[str, str] = options) -> Any:
            return infomeasure.entropy(samples_of(counts), approach=m, base="e", **o)

        yield f"infomeasure {method}", run


def _pyitlib() -> Iterator[tuple[str, Estimator]]:
    try:
        from pyitlib import discrete_random_variable as drv
    except ImportError:
        return
    for method in ("JAMES-STEIN", "PERKS", "MINIMAX", "GOOD-TURING", 0.5, 1.0):

        def run(counts: np.ndarray, size: int, m: Any = method) -> Any:
            samples, alphabet = samples_of(counts), np.arange(size)
            return drv.entropy(samples, base=np.e, estimator=m, Alphabet_X=alphabet)

        yield f"pyitlib {method} K", run


def samples_of(counts: np.ndarray) -> np.ndarray:
    """Samples with these counts."""
    return np.repeat(np.arange(counts.size), counts)


def measure(estimator: Estimator, draws: np.ndarray, truth: float) -> dict[str, float | None]:
    """Errors of an estimator over draws, in nats."""
    values, covered, warned = [], [], []
    for counts in draws:
        try:
            found = estimator(counts, counts.size)
        except (ArithmeticError, ValueError, RuntimeError):  # of a peer
            found = np.nan
        values.append(float(found))
        if hasattr(found, "interval"):
            covered.append(found.low <= truth <= found.high)
            warned.append(bool(found.warnings))
    errors = np.array(values) - truth
    finite = np.isfinite(errors)
    errors = errors[finite]
    if errors.size == 0:
        return {"not_finite": 1.0}
    rmse = float(np.sqrt(np.mean(errors**2)))
    # The delta method: the error of the mean square over twice its root.
    error = float(np.std(errors**2) / np.sqrt(errors.size) / (2 * rmse))
    return {
        "mean_error": float(errors.mean()),
        "rmse": rmse,
        "rmse_error": error,
        "not_finite": float(1 - finite.mean()),
        "coverage": float(np.mean(covered)) if covered else None,
        "warned": float(np.mean(warned)) if warned else None,
    }


def rank(found: dict[str, dict[str, Any]], names: Any) -> list[tuple[float, str]]:
    """Methods whose values were always finite, the best first."""
    return sorted((found[m]["rmse"], m) for m in names if found[m]["not_finite"] == 0.0)


def verdict(found: dict[str, dict[str, Any]], mine: Any, others: Any) -> dict[str, Any]:
    """Compare the best of ours with the best peer, and "auto" with everything."""
    best, name = rank(found, mine)[0]
    result: dict[str, Any] = {"best": name}
    worst = max(rank(found, found))[1]
    result["auto_is_worst"] = worst in ("auto", "auto K")
    if others:
        theirs, peer = rank(found, others)[0]
        result |= {"best_peer": peer, "met": best <= theirs + found[peer]["rmse_error"]}
    return result


def cell(found: dict[str, Any]) -> str:
    if "rmse" not in found:
        return "none"
    mark = f" ({100 * found['not_finite']:.0f} % not finite)" if found["not_finite"] else ""
    return f"{found['mean_error']:+.3f} ({found['rmse']:.3f} ± {found['rmse_error']:.3f}){mark}"


def coverage(found: dict[str, Any]) -> str:
    return f"{100 * found['coverage']:.0f} ({100 * found['warned']:.0f})"


def table(
    rows: list[dict[str, Any]], columns: list[str], cell: Callable[[dict[str, Any]], str]
) -> str:
    """Markdown: a row a case."""
    lines = ["| case | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [cell(row["methods"][name]) for name in columns if name in row["methods"]]
        lines.append(f"| {row['case']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    mine, others = ours(), peers()
    rows = []
    for name, (size, exponent) in DISTRIBUTIONS.items():
        p = np.arange(1.0, size + 1) ** -exponent
        p /= p.sum()
        truth = -float(p @ np.log(p))
        for n in SAMPLES:
            draws = np.random.default_rng(SEED).multinomial(n, p, size=arguments.draws)
            found = {m: measure(run, draws, truth) for m, run in {**mine, **others}.items()}
            row = {"case": f"{name} n={n}", "truth": truth, "methods": found}
            rows.append(row | verdict(found, mine, others))
            print(
                f"{row['case']}: {rows[-1]['best']}, {rows[-1].get('best_peer')}", file=sys.stderr
            )
    print(table(rows, [m for m in mine if m not in SHOWN] + list(others), cell))
    print(table(rows, list(SHOWN), cell))
    print("Coverage of the 95 % interval (share of estimates with a warning), in %")
    print(table(rows, list(mine), coverage))
    for row in rows:
        peer = row.get("best_peer")
        text = f"{row['case']}: {row['best']} {cell(row['methods'][row['best']])}"
        if peer:
            text += f"; {peer} {cell(row['methods'][peer])}: {'met' if row['met'] else 'MISSED'}"
        print(text + ("; auto is worst" if row["auto_is_worst"] else ""))
    if arguments.save:
        save(rows, arguments.draws, [name.split()[0] for name in others])


def save(rows: list[dict[str, Any]], draws: int, packages: list[str]) -> None:
    """Write the table as JSON, with what it was made by."""
    content = {
        "command": " ".join(["python", "benchmarks/accuracy_discrete.py", *sys.argv[1:]]),
        "seed": SEED,
        "draws": draws,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "peers": {name: version(name) for name in dict.fromkeys(packages)},
        "cases": [_rounded(row) for row in rows],
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
