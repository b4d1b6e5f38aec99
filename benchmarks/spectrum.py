"""Certified tails: how narrow, how fast, and beside two accountants of differential privacy.

    python benchmarks/spectrum.py                 a few minutes
    python benchmarks/spectrum.py --laws 10000    random small laws against all sequences too
    python benchmarks/spectrum.py --save          also write benchmarks/results/spectrum.json

The accountants bound E_P max(0, 1 - e^(eps - L)) = P(L > eps) - e^eps Q(L > eps) for the sum L of n
log-likelihood ratios. Ours is made of two tails, under P and under Q. Both take part where they can
be imported (dp-accounting, prv-accountant).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from timing import machine

from infotheory.measures import Score
from infotheory.spectrum import tail

RESULTS = Path(__file__).parent / "results" / "spectrum.json"
FOUR = (0.4, 0.3, 0.2, 0.1)
FIVE = (0.35, 0.25, 0.2, 0.13, 0.07)
EIGHT = (0.28, 0.21, 0.16, 0.12, 0.09, 0.07, 0.05, 0.02)
ENGLISH = (
    *(8.167, 1.492, 2.782, 4.253, 12.702, 2.228, 2.015, 6.094, 6.966, 0.153, 0.772, 4.025, 2.406),
    *(6.749, 7.507, 1.929, 0.095, 5.987, 6.327, 9.056, 2.758, 0.978, 2.360, 0.150, 1.974, 0.074),
)
# Values that two independent methods agree on to 1e-12.
REFERENCES = {
    (10**4, 0.02): -13.357553023335,
    (10**4, 0.1): -257.966418348566,
    (10**5, 0.02): -112.110526758449,
    (10**6, 0.01): -277.822263158720,
}
GOALS = {10**4: 0.02, 10**5: 0.06, 10**6: 0.4}  # seconds, four letters, ln-width 1e-9
ANY_ALPHABET = 0.3  # seconds, ln-width 1e-8
DELTAS = {50: 0.3, 100: 0.2, 10**3: 0.1, 10**4: 0.02, 10**5: 0.02, 10**6: 0.01, 10**9: 0.0003}


def timed(run: Callable[[], Any], repeats: int = 5) -> tuple[Any, float]:
    """Return the result after a first call, and the median CPU time of the others."""
    found, taken = run(), []
    for _ in range(repeats):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return found, statistics.median(taken)


def four_letters() -> list[dict[str, Any]]:
    """Four letters against the reference values."""
    score, rows = Score.entropy(FOUR), []
    for (n, delta), want in REFERENCES.items():
        found, seconds = timed(lambda n=n, delta=delta: tail(score, n, delta, width=1e-9))
        rows.append(
            {
                "n": n,
                "delta": delta,
                "method": found.method,
                "width": found.width,
                "off": 0.5 * (found.lower + found.upper) - want,
                "seconds": seconds,
                "goal": GOALS[n],
                "met": seconds <= GOALS[n] and found.width <= 1e-9,
            }
        )
    return rows


def alphabets() -> list[dict[str, Any]]:
    """Alphabets of five to 26 letters."""
    rows = []
    for name, p in {"5": FIVE, "8": EIGHT, "26, English": ENGLISH}.items():
        score = Score.entropy(np.array(p) / sum(p))
        for n, delta in DELTAS.items():
            found, seconds = timed(
                lambda n=n, delta=delta, score=score: tail(score, n, delta, width=1e-8), 3
            )
            rows.append(
                {
                    "letters": name,
                    "n": n,
                    "delta": delta,
                    "method": found.method,
                    "width": found.width,
                    "seconds": seconds,
                    "met": seconds <= ANY_ALPHABET and found.width <= 1e-8,
                }
            )
    return rows


def small_laws(number: int) -> dict[str, Any]:
    """Random laws of two to six letters against all sequences up to order."""
    from infotheory.testing import enumerated_law

    rng = np.random.default_rng(20240)
    missed: dict[str, int] = {}
    widths: dict[str, list[float]] = {}
    longest = {2: 400, 3: 60, 4: 25, 5: 14, 6: 10}
    for _ in range(number):
        k = int(rng.integers(2, 7))
        p = rng.dirichlet(np.full(k, float(rng.choice([0.3, 1.0, 3.0])))) + 1e-6
        score = (
            Score.entropy(p / p.sum())
            if rng.random() < 0.5
            else Score(rng.normal(size=k), p / p.sum())
        )
        n = int(rng.integers(2, longest[k] + 1))
        law = enumerated_law(score, n)
        threshold = n * score.mean + math.sqrt(n * score.variance) * float(rng.exponential(1.5))
        if not law.is_clear_of(threshold) or not law.log_above(threshold) > -math.inf:
            continue
        want = law.log_above(threshold)
        for method in ("windows", "transform", "brackets"):
            if method == "windows" and len(score) < 3:
                continue
            found = tail(score, n, threshold=threshold, method=method, width=1e-4)
            allowed = 1e-11 * (1 + abs(want))  # of the enumeration
            outside = not found.lower - allowed <= want <= found.upper + allowed
            missed[method] = missed.get(method, 0) + outside
            widths.setdefault(method, []).append(found.width)
    return {
        name: {
            "intervals": len(found),
            "missed": missed[name],
            "median width": float(np.median(found)),
            "99 %": float(np.quantile(found, 0.99)),
        }
        for name, found in widths.items()
    }


# --------------------------------------------------------------------------------- accountants

P, Q = (0.5, 0.3, 0.2), (0.45, 0.31, 0.24)
LENGTH = 1000


def hockey_stick(eps: float) -> tuple[float, float]:
    """Bounds from two certified tails."""
    under_p, under_q = Score.relative_entropy(P, Q), -Score.relative_entropy(Q, P)
    one = tail(under_p, LENGTH, threshold=eps).probability
    other = tail(under_q, LENGTH, threshold=eps).probability
    return one[0] - math.exp(eps) * other[1], one[1] - math.exp(eps) * other[0]


def accountants() -> dict[str, Callable[[float], tuple[float, float]]]:
    """Bounds by other packages, where they are installed; with their grids."""
    found: dict[str, Callable[[float], tuple[float, float]]] = {"ours": hockey_stick}
    try:
        from dp_accounting.pld import privacy_loss_distribution as pld
    except ImportError:
        pass
    else:
        upper = {i: math.log(p) for i, p in enumerate(P)}
        lower = {i: math.log(q) for i, q in enumerate(Q)}

        def google(eps: float, grid: float) -> tuple[float, float]:
            ends = []
            for pessimistic in (False, True):
                one = pld.from_two_probability_mass_functions(
                    lower,
                    upper,
                    pessimistic_estimate=pessimistic,
                    value_discretization_interval=grid,
                )
                ends.append(float(one.self_compose(LENGTH).get_delta_for_epsilon(eps)))
            return ends[0], ends[1]

        for grid in (1e-3, 1e-4, 1e-5):
            found[f"dp_accounting, grid {grid:g}"] = lambda eps, g=grid: google(eps, g)
    try:
        from prv_accountant import PRVAccountant
        from prv_accountant.privacy_random_variables import PrivacyRandomVariable
    except ImportError:
        return found

    losses = np.log(np.array(P) / np.array(Q))
    order = np.argsort(losses)

    class Discrete(PrivacyRandomVariable):
        def cdf(self, t: Any) -> Any:
            steps = np.concatenate([[0.0], np.cumsum(np.array(P)[order])])
            return steps[np.searchsorted(losses[order], t, side="right")]

        def mean(self) -> float:
            return float(np.array(P) @ losses)

        def rdp(self, alpha: float) -> float:
            return float(
                np.log(np.sum(np.array(P) ** alpha * np.array(Q) ** (1 - alpha))) / (alpha - 1)
            )

    def microsoft(eps: float, error: float) -> tuple[float, float]:
        one = PRVAccountant(
            prvs=[Discrete()], max_self_compositions=[LENGTH], eps_error=error, delta_error=1e-10
        )
        low, _, high = one.compute_delta(eps, [LENGTH])
        return float(low), float(high)

    for error in (0.1, 0.01):
        found[f"prv_accountant, error {error:g}"] = lambda eps, e=error: microsoft(eps, e)
    return found


def beside_accountants(eps: float) -> list[dict[str, Any]]:
    """Width relative to the value, and time, of every contender."""
    rows = []
    for name, run in accountants().items():
        try:
            (low, high), seconds = timed(lambda run=run: run(eps), 3)
        except (ArithmeticError, RuntimeError, ValueError) as error:  # of a peer
            rows.append({"contender": name, "failed": f"{type(error).__name__}: {error}"[:120]})
            continue
        width = (high - low) / max(high, 1e-300)
        rows.append(
            {
                "contender": name,
                "low": low,
                "high": high,
                "relative width": width,
                "seconds": seconds,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--laws", type=int, default=300, help="random small laws (default: 300)")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    content: dict[str, Any] = {"command": "python benchmarks/spectrum.py", "machine": machine()}
    content["four letters"] = four_letters()
    content["alphabets"] = alphabets()
    content["accountants"] = {
        "eps": 8.0,
        "n": LENGTH,
        "rows": beside_accountants(8.0),
        "versions": _versions("dp-accounting", "prv-accountant"),
    }
    content["random laws"] = small_laws(arguments.laws)
    print(json.dumps(content, indent=1))
    if arguments.save:
        content["command"] += f" --laws {arguments.laws} --save"
        RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except ImportError:
            continue
    return found


if __name__ == "__main__":
    main()
