"""Estimates from neighbours against other packages and against bare trees, on the same data.

    python benchmarks/knn.py [--rounds 9] [--only TEXT] [--save]

One thread, k = 3, values without intervals, as the peers give them; CPU time, medians, ratios round
by round. "scikit-learn trees" is the way of NPEET, written here with the trees that it uses: a
search in the joint space, and a count in each marginal. Packages that are not installed are
left out; the floor, where one is known, is named in the case.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.neighbors import KDTree
from timing import interleave, machine, ratio

from infotheory import estimators

RESULTS = Path(__file__).parent / "results" / "knn.json"
Contenders = dict[str, Callable[[], object]]
SINGLE = {"interval": False, "n_jobs": 1}


def trees(*blocks: np.ndarray, given: np.ndarray | None = None, k: int = 3) -> float:
    """Mutual information, conditional or not, from scikit-learn's trees."""
    whole = np.hstack([*blocks, *([] if given is None else [given])])
    radii = KDTree(whole, metric="chebyshev").query(whole, k + 1)[0][:, k]
    closer = np.nextafter(radii, 0)

    def mean_digamma(points: np.ndarray) -> float:
        counts = KDTree(points, metric="chebyshev").query_radius(points, closer, count_only=True)
        return float(np.mean(digamma(counts)))

    if given is None:
        return digamma(k) + digamma(len(whole)) - sum(map(mean_digamma, blocks))
    joint = sum(mean_digamma(np.hstack([block, given])) for block in blocks)
    return float(digamma(k)) - joint + mean_digamma(given)


def _gaussian(n: int, d: int, rho: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d))
    return x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(n, d))


def ksg(n: int, d: int) -> Callable[[], Contenders]:
    """KSG of d columns and d columns."""

    def contenders() -> Contenders:
        x, y = _gaussian(n, d)
        found: Contenders = {
            "ours": lambda: estimators.estimate_mutual_information(
                x, y, method="ksg1", standardize=False, **SINGLE
            ),
        }
        if n <= 10**5:
            found["scikit-learn trees"] = lambda: trees(x, y)
        if d == 1:
            found["scikit-learn"] = lambda: mutual_info_regression(x, y[:, 0], random_state=0)
            if n <= 10**5:
                found |= _ennemi(lambda e: e.estimate_mi(y[:, 0], x[:, 0]))
        if n <= 10**4:
            found |= _infomeasure(
                lambda i: i.mutual_information(x, y, approach="ksg", k=3, noise_level=0, base="e")
            )
        return found

    return contenders


def conditional(n: int) -> Callable[[], Contenders]:
    """Frenzel-Pompe of three columns."""

    def contenders() -> Contenders:
        x, y = _gaussian(n, 1, 0.5)
        z = np.random.default_rng(1).normal(size=(n, 1)) + x
        found: Contenders = {
            "ours": lambda: estimators.estimate_conditional_mutual_information(
                x, y, z, method="ksg1", standardize=False, **SINGLE
            ),
            "scikit-learn trees": lambda: trees(x, y, given=z),
        }
        return found | _ennemi(lambda e: e.estimate_mi(y[:, 0], x[:, 0], cond=z[:, 0]))

    return contenders


def entropy(norm: str) -> Callable[[], Contenders]:
    """Kozachenko-Leonenko, against a bare tree: building it and asking it."""

    def contenders() -> Contenders:
        x = np.random.default_rng(0).normal(size=(10**5, 3))
        p = np.inf if norm == "max" else 2
        return {
            "ours": lambda: estimators.estimate_entropy(x, norm=norm, standardize=False, **SINGLE),
            "bare cKDTree": lambda: cKDTree(x).query(x, 4, p=p, workers=1),
        }

    return contenders


def ross() -> Contenders:
    """Measurements and symbols."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 5, 10**4)
    x = rng.normal(size=10**4) + y
    return {
        "ours": lambda: estimators.estimate_mutual_information(
            x, y, method="ross", standardize=False, **SINGLE
        ),
        "scikit-learn": lambda: mutual_info_classif(x[:, None], y, random_state=0),
    }


def gao() -> Contenders:
    """Mixtures, against the loop over points with cKDTree that the authors published."""
    x, y = (column.ravel() for column in _gaussian(10**4, 1))

    def loop() -> float:
        points = np.column_stack([x, y])
        joint, of_x, of_y = cKDTree(points), cKDTree(x[:, None]), cKDTree(y[:, None])
        radii = [joint.query(point, 4, p=np.inf)[0][3] for point in points]
        total = 0.0
        for i, radius in enumerate(radii):
            near = max(np.nextafter(radius, 0), 0)
            nx = len(of_x.query_ball_point([x[i]], near, p=np.inf))
            ny = len(of_y.query_ball_point([y[i]], near, p=np.inf))
            total += digamma(3) - digamma(nx) - digamma(ny)
        return total / len(points) + np.log(len(points))

    return {
        "ours": lambda: estimators.estimate_mutual_information(
            x, y, method="gao", standardize=False, **SINGLE
        ),
        "loop over cKDTree": loop,
    }


def matrix(n_jobs: int) -> Callable[[], Contenders]:
    """All pairs of 50 columns of 10,000; the peer does eight, and is scaled to 1225 pairs."""

    def contenders() -> Contenders:
        rng = np.random.default_rng(0)
        table = rng.normal(size=(10**4, 50)) + rng.normal(size=(10**4, 1))
        found: Contenders = {
            "ours": lambda: estimators.pairwise_mutual_information(
                table, n_jobs=n_jobs, standardize=False, progress=False
            )
        }
        if n_jobs == 1:
            return found | _ennemi(lambda e: e.pairwise_mi(table[:, :8], max_threads=1))
        found["one thread"] = lambda: estimators.pairwise_mutual_information(
            table, n_jobs=1, standardize=False, progress=False
        )
        return found

    return contenders


def _ennemi(run: Callable[[Any], object]) -> Contenders:
    try:
        import ennemi
    except ImportError:
        return {}
    return {"ennemi": lambda: run(ennemi)}


def _infomeasure(run: Callable[[Any], object]) -> Contenders:
    try:
        import infomeasure
    except ImportError:
        return {}
    return {"infomeasure": lambda: run(infomeasure)}


# name, contenders, times as fast as the fastest peer: to close, goal; most rounds; clock
CASES: list[tuple[str, Callable[[], Contenders], float, float, int, str]] = [
    ("KSG 1+1, n=1e4", ksg(10**4, 1), 9, 14, 15, "cpu"),
    ("KSG 1+1, n=1e5", ksg(10**5, 1), 8, 12, 5, "cpu"),
    ("KSG 1+1, n=1e6", ksg(10**6, 1), 18, 29, 2, "cpu"),
    ("KSG 2+2, n=1e4", ksg(10**4, 2), 4, 6, 9, "cpu"),
    ("KSG 3+3, n=1e4", ksg(10**4, 3), 3, 4.8, 9, "cpu"),
    ("KSG 3+3, n=1e5", ksg(10**5, 3), 3, 4.8, 2, "cpu"),
    ("CMI 1+1+1, n=1e4", conditional(10**4), 5, 7, 9, "cpu"),
    ("CMI 1+1+1, n=1e5", conditional(10**5), 5, 7, 3, "cpu"),
    ("KL entropy d=3, n=1e5, max norm", entropy("max"), 1 / 0.5, 1 / 0.27, 9, "cpu"),
    ("KL entropy d=3, n=1e5, Euclidean", entropy("euclidean"), 1 / 0.7, 1 / 0.42, 9, "cpu"),
    ("Ross, n=1e4", ross, 12, 18, 15, "cpu"),
    ("Gao, n=1e4", gao, 40, 98, 5, "cpu"),
    ("pairwise, 50 x 1e4, per core", matrix(1), 14, 20, 3, "cpu"),
    ("pairwise, 50 x 1e4, two cores", matrix(2), 1.8, 1.95, 3, "wall"),
]
_PAIRS = 1225 / 28  # of 50 columns and of eight


def measure(rounds: int, only: str) -> list[dict[str, Any]]:
    """Time every case and print it."""
    rows = []
    for name, contenders, to_close, goal, most, clock in CASES:
        if only not in name:
            continue
        taken = interleave(contenders(), max(2, min(rounds, most)))
        times = {key: 1e3 * float(np.median(getattr(t, clock))) for key, t in taken.items()}
        scale = _PAIRS if "per core" in name else 1.0
        print(f"\n{name} ({clock})")
        for key, value in times.items():
            print(f"  {key:24}{value:12.2f} ms")
        row: dict[str, Any] = {"case": name, "clock": clock, "ms": times, "goals": [to_close, goal]}
        peers = [key for key in times if key != "ours"]
        if peers:
            peer = min(peers, key=lambda key: times[key])
            middle, low, high = (scale * x for x in ratio(taken[peer], taken["ours"], clock))
            row |= {"fastest_peer": peer, "times_as_fast": [middle, low, high]}
            met = "goal met" if middle >= goal else "closed" if middle >= to_close else "missed"
            print(
                f"  {middle:.2f} [{low:.2f}, {high:.2f}] times as fast as {peer}; "
                f"to close {to_close:.3g}, goal {goal:.3g}: {met}"
            )
        rows.append(row)
    return rows


def first_call() -> float:
    """Seconds of the first call in a new process, from kernels compiled before."""
    code = (
        "import time, numpy as np; x = np.random.default_rng(0).normal(size=(1000, 2)); "
        "import infotheory; s = time.perf_counter(); "
        "infotheory.estimate_mutual_information(x[:, 0], x[:, 1]); "
        "print(time.perf_counter() - s)"
    )
    command = [sys.executable, "-c", code]
    times = [
        float(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603
        for _ in range(4)
    ]
    return min(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # speed is the subject here
    logging.disable(logging.CRITICAL)
    facts = machine()
    print(", ".join(f"{key}: {value}" for key, value in facts.items()))
    seconds = first_call()
    print(f"first call in a new process: {seconds:.2f} s (to close 1, goal 0.2)")
    rows = measure(arguments.rounds, arguments.only)
    if arguments.save:
        record = {
            "command": "python benchmarks/knn.py --save",
            "seed": 0,
            "machine": facts,
            "first_call_s": seconds,
            "cases": rows,
        }
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
