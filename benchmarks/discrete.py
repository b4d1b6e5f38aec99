"""Measures and discrete estimators against numpy, scipy and scikit-learn.

    python benchmarks/discrete.py           all cases, about a minute
    python benchmarks/discrete.py --save    also write benchmarks/results/discrete.json

Every case names the fastest expression that we know of for the same numbers, and, where there is
one, the physical limit: a single read of the data.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score
from timing import interleave, machine, ratio, verdict

from infotheory import estimators, measures
from infotheory.exceptions import PrecisionWarning

RESULTS = Path(__file__).parent / "results" / "discrete.json"

Contenders = dict[str, Callable[[], object]]


def counting() -> Contenders:
    """Plug-in entropy of a million samples of a thousand symbols."""
    x = np.random.default_rng(0).integers(0, 1000, 10**6)
    return {
        "ours": lambda: estimators.estimate_entropy(x, method="plugin"),
        "bincount + scipy entropy": lambda: stats.entropy(np.bincount(x)),
        "read once (sum)": x.sum,
    }


def _batch(seed: int = 0) -> Any:
    return np.random.default_rng(seed).dirichlet(np.ones(100), 10**5)


def shannon() -> Contenders:
    """Entropies of 100,000 distributions on 100 symbols."""
    p = _batch()
    return {
        "ours": lambda: measures.entropy(p),
        "numpy einsum": lambda: -np.einsum("ij,ij->i", p, np.log(p)),
        "numpy sum": lambda: -(p * np.log(p)).sum(axis=-1),
        "scipy entropy": lambda: stats.entropy(p, axis=-1),
        "read once (sum)": p.sum,
    }


def renyi(alpha: float) -> Callable[[], Contenders]:
    """Rényi entropies of the same batch."""

    def contenders() -> Contenders:
        p = _batch()
        peers: Contenders = {
            "numpy power": lambda: np.log(np.einsum("ij->i", p**alpha)) / (1 - alpha),
            "numpy exp log": lambda: (
                np.log(np.einsum("ij->i", np.exp(alpha * np.log(p)))) / (1 - alpha)
            ),
        }
        if alpha == 2:
            peers["numpy einsum"] = lambda: -np.log(np.einsum("ij,ij->i", p, p))
        if alpha == 3:
            peers["numpy einsum"] = lambda: np.log(np.einsum("ij,ij,ij->i", p, p, p)) / -2
            peers["numpy products"] = lambda: np.log(np.einsum("ij,ij->i", p * p, p)) / -2
        if alpha == 0.5:
            peers["numpy sqrt"] = lambda: 2 * np.log(np.einsum("ij->i", np.sqrt(p)))
        return {
            "ours": lambda: measures.renyi_entropy(p, alpha=alpha),
            **peers,
            "read once (sum)": p.sum,
        }

    return contenders


def relative() -> Contenders:
    """Kullback-Leibler divergences of 100,000 pairs."""
    p, q = _batch(), _batch(1)
    return {
        "ours": lambda: measures.kl_divergence(p, q),
        "numpy einsum": lambda: np.einsum("ij,ij->i", p, np.log(p / q)),
        "scipy entropy": lambda: stats.entropy(p, q, axis=-1),
        "read once (sum)": lambda: p.sum() + q.sum(),
    }


def nsb(n_symbols: int) -> Callable[[], Contenders]:
    """NSB of 100,000 samples of Zipf's law, from counts."""

    def contenders() -> Contenders:
        p = 1 / np.arange(1, n_symbols + 1)
        counts = np.random.default_rng(0).multinomial(10**5, p / p.sum())
        counts = counts[counts > 0]
        return {
            "ours": lambda: estimators.estimate_entropy_from_counts(
                counts, method="nsb", n_symbols=n_symbols
            )
        }

    return contenders


def mutual_information() -> Contenders:
    """Mutual information of a million pairs of labels, 50 x 50 symbols."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 50, 10**6)
    y = (x + rng.integers(0, 25, 10**6)) % 50
    return {
        "ours": lambda: estimators.estimate_mutual_information(x, y, method="plugin"),
        "scikit-learn": lambda: mutual_info_score(x, y),
        "read once (sum)": lambda: x.sum() + y.sum(),
    }


def adjusted() -> Contenders:
    """Adjusted mutual information of two clusterings of 10,000 points, 50 x 50 clusters."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 50, 10**4)
    y = np.where(rng.random(10**4) < 0.5, x, rng.integers(0, 50, 10**4))
    return {
        "ours": lambda: measures.adjusted_mutual_information(x, y),
        "scikit-learn": lambda: adjusted_mutual_info_score(x, y),
    }


# name, contenders, largest ratio to the fastest peer, largest time in milliseconds
CASES: list[tuple[str, Callable[[], Contenders], float | None, float | None]] = [
    ("plug-in entropy, 1e6 samples, K=1e3", counting, 1.0, None),
    ("Shannon entropy, 1e5 x 100", shannon, 1.2, None),
    ("Rényi entropy 0.5, 1e5 x 100", renyi(0.5), 1.2, None),
    ("Rényi entropy 2, 1e5 x 100", renyi(2), 1.2, None),
    ("Rényi entropy 3, 1e5 x 100", renyi(3), 1.2, None),
    ("Rényi entropy 1.7, 1e5 x 100", renyi(1.7), 1.2, None),
    ("KL divergence, 1e5 x 100", relative, 1.2, None),
    ("NSB, n=1e5, Zipf K=1e3", nsb(1000), None, 50.0),
    ("NSB, n=1e5, Zipf K=1e6", nsb(10**6), None, 50.0),
    ("mutual information, 1e6 pairs, 50 x 50", mutual_information, 1.0, None),
    ("adjusted mutual information, n=1e4, 50 x 50", adjusted, 1.0, None),
]


def measure(rounds: int) -> list[dict[str, Any]]:
    """Time every case and print it."""
    rows = []
    for name, contenders, goal, limit_ms in CASES:
        taken = interleave(contenders(), rounds)
        ours = taken["ours"]
        milliseconds = {key: 1e3 * sorted(t.cpu)[len(t.cpu) // 2] for key, t in taken.items()}
        row: dict[str, Any] = {"case": name, "cpu_ms": milliseconds, "spread": ours.spread}
        print(f"\n{name}")
        for key, value in milliseconds.items():
            print(f"  {key:28}{value:10.3f} ms CPU")
        peers = {k: v for k, v in milliseconds.items() if k not in {"ours", "read once (sum)"}}
        if peers and goal is not None:
            best = min(peers, key=lambda key: peers[key])
            middle, low, high = ratio(ours, taken[best])
            row |= {"fastest_peer": best, "ratio": [middle, low, high], "goal": goal}
            outcome = verdict(ours, taken[best], goal)
            print(f"  {middle:.2f} [{low:.2f}, {high:.2f}] of {best}; at most {goal}: {outcome}")
        if limit_ms is not None:
            row |= {"goal_ms": limit_ms}
            outcome = "met" if milliseconds["ours"] <= limit_ms else "missed"
            print(f"  at most {limit_ms} ms: {outcome}")
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", PrecisionWarning)  # speed is the subject here
    facts = machine()
    print(", ".join(f"{key}: {value}" for key, value in facts.items()))
    rows = measure(arguments.rounds)
    if arguments.save:
        record = {
            "command": "python benchmarks/discrete.py --save",
            "seed": 0,
            "machine": facts,
            "rounds": arguments.rounds,
            "cases": rows,
        }
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
