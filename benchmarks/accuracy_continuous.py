"""Error of mutual information and differential entropy from samples, ours beside other packages.

    python benchmarks/accuracy_continuous.py [--draws 40] [--save]

Laws whose truth is known (`infotheory.sources`), n = 2000 (conditional: 1000), k = 3. A cell gives
the mean error, the root mean square error and the standard error of the latter, in nats. Packages
that are not installed are left out.
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

from infotheory import estimators, sources

RESULTS = Path(__file__).parent / "results" / "accuracy_continuous.json"
SEED = 20240
INFORMATION = tuple(m for m in ("auto", *estimators.INFORMATION_METHODS))
CONDITIONAL = ("auto", *estimators.CONDITIONAL_METHODS)
ENTROPY = ("auto", *estimators.DENSITY_METHODS)

Draw = Callable[[np.random.Generator], tuple[np.ndarray, ...]]
Estimator = Callable[..., float]


def information_cases() -> Iterator[tuple[str, float, Draw]]:
    """Name, truth, and what draws x and y."""
    n = 2000

    def of(source: Any) -> Draw:
        return lambda rng: source.sample(n, rng=rng)

    for rho in (0.0, 0.5, 0.9, 0.99, 0.999):
        pair = sources.GaussianPair(rho)
        yield f"Gauss d=1 rho={rho}", pair.mutual_information(), of(pair)
    for d, rho in ((3, 0.5), (10, 0.5), (3, 0.9), (10, 0.9)):
        yield f"Gauss d={d} rho={rho}", -0.5 * d * np.log1p(-(rho**2)), _gaussian(n, d, rho)
    for nu in (1, 2, 5):
        pair = sources.StudentTPair(nu, 0.5)
        yield f"Student nu={nu} rho=0.5", pair.mutual_information(), of(pair)
    for eps in (0.75, 0.1):
        pair = sources.UniformSum(eps)
        yield f"uniform sum eps={eps}", pair.mutual_information(), of(pair)
    for p in (0.0, 0.15):
        pair = sources.ZeroInflatedPoisson(p)
        yield f"zero-inflated Poisson p={p}", pair.mutual_information(), of(pair)
    for step in (0.01, 0.1, 1.0):
        yield f"independent, rounded to {step}", 0.0, _rounded_normal(n, step)


def _rounded_normal(n: int, step: float) -> Draw:
    return lambda rng: tuple(np.round(rng.normal(size=(2, n)) / step) * step)


def _gaussian(n: int, d: int, rho: float) -> Draw:
    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, d))
        return x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(n, d))

    return draw


def conditional_cases() -> Iterator[tuple[str, float, Draw]]:
    """Name, truth, and what draws x, y and z."""
    n = 1000

    def chain(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        x = rng.normal(size=n)
        z = x + rng.normal(size=n)
        return x, z + rng.normal(size=n), z

    def common(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        x, z = rng.normal(size=n), rng.normal(size=n)
        return x + z, 0.9 * x + np.sqrt(0.19) * rng.normal(size=n) + z, z

    def mixed(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        z = rng.integers(0, 5, n)
        return z + rng.random(n), rng.binomial(z, 0.5), z

    yield "Markov chain X-Z-Y", 0.0, chain
    yield "Gauss given Z, rho=0.9", float(-0.5 * np.log(0.19)), common
    yield "mixed, independent given Z", 0.0, mixed


def entropy_cases() -> Iterator[tuple[str, float, Draw]]:
    """Name, truth, and what draws x."""
    for name, source in {
        "exponential": sources.Exponential(),
        "gamma 0.3": sources.Gamma(0.3),
        "gamma 3": sources.Gamma(3.0),
        "uniform": sources.Uniform(),
        "normal d=3": sources.Gaussian(np.zeros(3), np.eye(3)),
        "normal d=10": sources.Gaussian(np.zeros(10), np.eye(10)),
    }.items():
        yield name, source.differential_entropy(), lambda rng, s=source: (s.sample(2000, rng=rng),)


# ------------------------------------------------------------------------------------ estimators


def ours(function: Callable[..., Any], methods: tuple[str, ...]) -> dict[str, Estimator]:
    """Every method; nan where it does not apply."""

    def of(method: str) -> Estimator:
        return lambda *arrays: float(function(*arrays, method=method, interval=False))

    return {method: of(method) for method in methods}


def peers() -> dict[str, dict[str, Estimator]]:
    """What other packages offer for each table."""
    found: dict[str, dict[str, Estimator]] = {"mi": {}, "cmi": {}, "entropy": {}}
    try:
        from sklearn.feature_selection import mutual_info_regression

        found["mi"]["scikit-learn"] = lambda x, y: _flat(
            x, y, lambda a, b: mutual_info_regression(a[:, None], b, random_state=0)[0]
        )
    except ImportError:
        pass
    try:
        import ennemi

        found["mi"]["ennemi"] = lambda x, y: _flat(
            x, y, lambda a, b: np.asarray(ennemi.estimate_mi(b, a)).item()
        )
        found["cmi"]["ennemi"] = lambda x, y, z: np.asarray(
            ennemi.estimate_mi(y.astype(float), x, cond=z.astype(float))
        ).item()
        found["entropy"]["ennemi"] = lambda x: np.asarray(
            ennemi.estimate_entropy(x, multidim=True)
        ).item()
    except ImportError:
        pass
    try:
        import infomeasure

        found["mi"]["infomeasure"] = lambda x, y: infomeasure.mutual_information(
            x, y, approach="ksg", k=3, noise_level=0, base="e"
        )
        found["cmi"]["infomeasure"] = lambda x, y, z: infomeasure.conditional_mutual_information(
            x, y, cond=z, approach="ksg", k=3, noise_level=1e-10, base="e"
        )
        found["entropy"]["infomeasure"] = lambda x: infomeasure.entropy(
            x, approach="metric", k=3, noise_level=0, base="e"
        )
    except ImportError:
        pass
    try:
        import copent

        found["mi"]["copent"] = lambda x, y: _flat(
            x, y, lambda a, b: copent.copent(np.column_stack([a, b]))
        )
    except ImportError:
        pass
    return found


def _flat(x: np.ndarray, y: np.ndarray, run: Estimator) -> float:
    return np.nan if x.ndim == 2 and x.shape[1] > 1 else run(x.ravel(), y.ravel())


# ------------------------------------------------------------------------------------- measuring


def measure(run: Estimator, samples: list[tuple[np.ndarray, ...]], truth: float) -> dict[str, Any]:
    """Errors of an estimator over draws, in nats; empty where it does not apply."""
    values = []
    for arrays in samples:
        try:
            values.append(float(run(*arrays)))
        except (ArithmeticError, ValueError, TypeError, RuntimeError, AssertionError):
            return {}
    errors = np.array(values) - truth
    if not np.isfinite(errors).all():
        return {}
    rmse = float(np.sqrt(np.mean(errors**2)))
    error = float(np.std(errors**2) / np.sqrt(errors.size) / (2 * rmse)) if rmse else 0.0
    return {"mean_error": float(errors.mean()), "rmse": rmse, "rmse_error": error}


def row_of(
    name: str, truth: float, draw: Draw, draws: int, mine: dict[str, Any], others: dict[str, Any]
) -> dict[str, Any]:
    """One case: errors of everything, the best, and whether "auto" is the worst."""
    rng = np.random.default_rng(SEED)
    samples = [draw(rng) for _ in range(draws)]
    found = {key: measure(run, samples, truth) for key, run in {**mine, **others}.items()}
    ranked = sorted((cell["rmse"], key) for key, cell in found.items() if cell)
    best = next(key for _, key in ranked if key in mine)
    row = {"case": name, "truth": truth, "methods": found, "best": best}
    row["auto_is_worst"] = ranked[-1][1] == "auto"
    theirs = [key for _, key in ranked if key in others]
    if theirs:
        limit = found[theirs[0]]["rmse"] + found[theirs[0]]["rmse_error"]
        row |= {"best_peer": theirs[0], "met": found[best]["rmse"] <= limit}
    return row


def cell(found: dict[str, Any]) -> str:
    return f"{found['mean_error']:+.3f} ({found['rmse']:.3f})" if found else ""


def print_table(rows: list[dict[str, Any]]) -> None:
    """Markdown: a row a case."""
    names = list(rows[0]["methods"])
    print("| case | truth | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 2) + "|")
    for row in rows:
        cells = (cell(row["methods"][name]) for name in names)
        print(f"| {row['case']} | {row['truth']:.4f} | " + " | ".join(cells) + " |")
    for row in rows:
        text = f"{row['case']}: {row['best']} {cell(row['methods'][row['best']])}"
        if "best_peer" in row:
            peer = row["best_peer"]
            text += f"; {peer} {cell(row['methods'][peer])}: {'met' if row['met'] else 'MISSED'}"
        print(text + ("; auto is worst" if row["auto_is_worst"] else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    theirs = peers()
    tables = {
        "mi": (information_cases, estimators.estimate_mutual_information, INFORMATION),
        "cmi": (conditional_cases, estimators.estimate_conditional_mutual_information, CONDITIONAL),
        "entropy": (entropy_cases, estimators.estimate_entropy, ENTROPY),
    }
    found = {}
    for key, (cases, function, methods) in tables.items():
        mine = ours(function, methods)
        found[key] = []
        for name, truth, draw in cases():
            print(name, file=sys.stderr)
            found[key].append(row_of(name, truth, draw, arguments.draws, mine, theirs[key]))
        print_table(found[key])
        print()
    if arguments.save:
        save(found, arguments.draws, sorted({name for table in theirs.values() for name in table}))


def save(found: dict[str, Any], draws: int, packages: list[str]) -> None:
    """Write the tables as JSON, with what they were made by."""
    content = {
        "command": " ".join(["python", "benchmarks/accuracy_continuous.py", *sys.argv[1:]]),
        "seed": SEED,
        "draws": draws,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "peers": {name: version(name) for name in packages},
        "tables": _rounded(found),
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
