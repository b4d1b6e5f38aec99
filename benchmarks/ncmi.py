"""CMI, Gamma and NCMI of logits against torch and plain numpy: speed, accuracy, memory, start-up.

    python benchmarks/ncmi.py                   all cases, about two minutes
    python benchmarks/ncmi.py --only 50000      the cases with that many rows
    python benchmarks/ncmi.py --save            also write benchmarks/results/ncmi.json

The yardstick is ``torch.log_softmax(x, 1, out=buffer)`` with one thread on the same array: it only
writes the log-probabilities, while we deliver every quantity of the report but the separation
matrix. The physical limits printed with each case are one read of the logits, and that read plus
one exponential per number.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timing import interleave, machine, ratio, verdict

import infotheory
from infotheory._kernels.class_sums import LOGITS, scalar_class_sums
from infotheory.classifiers import class_sums as state

RESULTS = Path(__file__).parent / "results" / "ncmi.json"

# rows, columns, classes, dtype, goal and largest ratio to log_softmax
CASES = [
    (50_000, 1000, 1000, "float32", 0.85, 1.3),
    (50_000, 1000, 1000, "float16", 1.5, 1.5),
    (50_000, 1000, 1000, "bfloat16", 1.5, 1.5),
    (50_000, 1000, 1000, "float64", None, None),
    (2_000, 50_000, 20, "float32", 0.6, None),
    (200_000, 100, 100, "float32", 1.0, 2.0),
    (1_000_000, 10, 10, "float32", 0.3, None),
]


def sample(n: int, columns: int, classes: int, dtype: str) -> tuple[torch.Tensor, np.ndarray]:
    """Logits of a net that is right, more or less surely, on two rows in three."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, columns), dtype=np.float32) * np.float32(1.5)
    y = rng.integers(0, classes, n)
    x[np.arange(n), y] += (16 * rng.random(n)).astype(np.float32)
    return torch.from_numpy(x).to(getattr(torch, dtype)), y


def torch_one_pass(x: torch.Tensor, y: torch.Tensor) -> float:
    """The same closed forms, as one would write them with torch."""
    n, columns = x.shape
    logs = torch.log_softmax(x, 1)
    probs = logs.exp()
    mass = torch.zeros(columns, columns).index_add_(0, y, probs)
    log_mass = torch.zeros(columns, columns).index_add_(0, y, logs)
    entropy = (probs * logs).sum()
    counts = torch.bincount(y, minlength=columns).clamp(min=1)
    centroids = mass / counts[:, None]
    cmi = (entropy - torch.xlogy(mass, centroids).sum()) / n
    everything = (mass.sum(0) * log_mass.sum(0)).sum()
    gamma = -(everything - (mass * log_mass).sum()) / n**2
    return float(cmi / gamma)


def numpy_per_class(x: np.ndarray, y: np.ndarray, dtype: type = np.float32) -> float:
    """CMI alone, a class at a time, as research scripts do it."""
    total = 0.0
    for c in np.unique(y):
        z = x[y == c].astype(dtype, copy=False)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        total += (p * (np.log(p + 1e-12) - np.log(p.mean(axis=0) + 1e-12))).sum()
    return total / len(y)


def scalar_twin(x: np.ndarray, y: np.ndarray, columns: int) -> None:
    """The readable numba loop."""
    classes = np.unique(y)
    sums = state.ClassSums.empty(columns, columns, classes)
    scalar_class_sums(
        x, np.searchsorted(classes, y), np.ones(y.size), classes, True, LOGITS, 1.0, 0.0, 0.0,
        sums.mass, sums.log_mass, np.zeros(sums.mass.shape, np.int64), np.zeros((classes.size, 3)),
        sums.top5_misses, sums.bins, sums.confidence,
    )  # fmt: skip


def contenders_for(
    x: torch.Tensor, y: np.ndarray, *, peers: bool
) -> dict[str, Callable[[], object]]:
    """Everything that is timed on one array; the slow peers only where asked."""
    buffer = torch.empty_like(x)
    # Half types have slow sums; the same bytes read as float32 show what memory delivers.
    raw = x.view(torch.float32) if x.element_size() == 2 else x
    contenders: dict[str, Callable[[], object]] = {
        "ours": lambda: infotheory.measure_classifier(x, y, n_jobs=1),
        "log_softmax(out=)": lambda: torch.log_softmax(x, 1, out=buffer),
        "read once (sum)": raw.sum,
    }
    if peers:
        targets, plain = torch.from_numpy(y), x.numpy()
        contenders |= {
            "ours, rows grouped by label": _grouped_rows(plain, y),
            "plain numba twin": lambda: scalar_twin(plain, y, x.shape[1]),
            "torch one pass": lambda: torch_one_pass(x, targets),
            "numpy per class, CMI only": lambda: numpy_per_class(plain, y),
            "the same in double": lambda: numpy_per_class(plain, y, np.float64),
        }
    return contenders


def measure_speed(cases: list[tuple[Any, ...]], rounds: int) -> list[dict[str, Any]]:
    """Print one block a case and return the figures."""
    rows = []
    for n, columns, classes, dtype, goal, largest in cases:
        x, y = sample(n, columns, classes, dtype)
        taken = interleave(contenders_for(x, y, peers=(n, dtype) == (50_000, "float32")), rounds)
        yard = taken["log_softmax(out=)"]
        print(f"\n{n:,} x {columns:,} {dtype}, {classes} classes")
        case: dict[str, Any] = {"case": f"{n} x {columns} {dtype}, {classes} classes"}
        for name, timing in taken.items():
            middle, low, high = ratio(timing, yard)
            cpu, wall = 1e3 * min(timing.cpu), 1e3 * min(timing.wall)
            print(
                f"  {name:28} CPU {cpu:8.1f} ms  wall {wall:8.1f} ms"
                f"  {middle:6.2f} x log_softmax [{low:.2f}, {high:.2f}]"
            )
            case[name] = {
                "cpu_ms_min": round(cpu, 2),
                "wall_ms_min": round(wall, 2),
                "ratio": round(middle, 3),
                "quartiles": [round(low, 3), round(high, 3)],
            }
        for word, bound in (("goal", goal), ("at most", largest)):
            if bound is not None:
                found = verdict(taken["ours"], yard, bound)
                case[f"{word} {bound}"] = found
                print(f"  {word} {bound}: {found}")
        rows.append(case)
    return rows


def _grouped_rows(x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    order = np.argsort(y, kind="stable")
    rows, labels = x[order], y[order]
    return lambda: infotheory.measure_classifier(rows, labels, n_jobs=1)


def measure_threads(rounds: int) -> dict[str, Any]:
    """Two threads against two threads, by wall time."""
    x, y = sample(50_000, 1000, 1000, "float32")
    buffer = torch.empty_like(x)
    torch.set_num_threads(2)
    taken = interleave(
        {
            "ours": lambda: infotheory.measure_classifier(x, y, n_jobs=2),
            "log_softmax(out=)": lambda: torch.log_softmax(x, 1, out=buffer),
        },
        rounds,
    )
    torch.set_num_threads(1)
    middle, low, high = ratio(taken["ours"], taken["log_softmax(out=)"], "wall")
    print(f"\ntwo threads, wall, 50,000 x 1000 float32: {middle:.2f} [{low:.2f}, {high:.2f}]")
    return {"ratio_wall": round(middle, 3), "quartiles": [round(low, 3), round(high, 3)]}


def measure_accuracy() -> list[dict[str, Any]]:
    """Relative error of CMI and Gamma against the double-precision path on the same numbers."""
    print("\nrelative error against double precision (of the same stored numbers)")
    rows = []
    rng = np.random.default_rng(1)
    n, columns = 20_000, 200
    y = rng.integers(0, columns, n)
    noise = rng.standard_normal((n, columns))
    hit = np.zeros((n, columns))
    hit[np.arange(n), y] = 1.0
    for name, logits in (
        ("an ordinary net", 1.5 * noise + 6 * hit),
        ("peaked rows", 3 * noise + 25 * hit),
        ("very peaked rows", noise + 40 * hit),
        ("peaked and often wrong", 8 * noise + 4 * hit),
        ("soft rows that agree, CMI 1e-2", 0.15 * noise + 2 * hit),
        ("soft rows that agree, CMI 1e-4", 0.015 * noise + 2 * hit),
        ("soft rows that agree, CMI 1e-6", 0.0015 * noise + 2 * hit),
    ):
        for dtype in ("float32", "float16", "bfloat16"):
            x = torch.from_numpy(logits).to(getattr(torch, dtype))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                got = infotheory.measure_classifier(x, y)
                exact = infotheory.measure_classifier(x.double(), y)
            cmi, gamma = abs(got.cmi / exact.cmi - 1), abs(got.gamma / exact.gamma - 1)
            print(f"  {name:32} {dtype:9} CMI {exact.cmi:9.3g}: {cmi:.1e}   Gamma: {gamma:.1e}")
            rows.append({"case": name, "dtype": dtype, "cmi": exact.cmi, "cmi_error": cmi,
                         "gamma_error": gamma})  # fmt: skip
    return rows


def measure_memory() -> float:
    """Peak of what one call allocates beyond its input, in MB, for 200 MB of logits."""
    x, y = sample(50_000, 1000, 1000, "float32")
    infotheory.measure_classifier(x, y)
    tracemalloc.start()
    infotheory.measure_classifier(x, y)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"\npeak of memory allocated by a call on 200 MB of logits: {peak:.0f} MB (goal 64)")
    return peak


def measure_start() -> dict[str, float]:
    """Cold import, and first call in a fresh process with a warm kernel cache (best of three)."""
    importing = "import time; t = time.perf_counter(); import infotheory; "
    first = (
        importing + "import numpy as np; x = np.random.default_rng(0).standard_normal((1000, 10));"
        "infotheory.ncmi(x.astype('f'), np.arange(1000) % 10); print(time.perf_counter() - t)"
    )
    _python(first)  # fills the cache
    figures = {
        "import infotheory": min(
            float(_python(importing + "print(time.perf_counter() - t)")) for _ in range(3)
        ),
        "import and first ncmi, warm cache": min(float(_python(first)) for _ in range(3)),
    }
    print()
    for name, seconds in figures.items():
        print(f"{name}: {seconds:.2f} s")
    return {name: round(seconds, 3) for name, seconds in figures.items()}


def _python(program: str) -> str:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=os.environ
    )
    return done.stdout


def main() -> None:
    """Run the cases and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=int, help="only the cases with this many rows")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    facts = machine() | {"numpy": np.__version__, "torch": torch.__version__}
    print(", ".join(f"{k} {v}" for k, v in facts.items()))
    started = time.perf_counter()
    figures: dict[str, Any] = {"command": "python benchmarks/ncmi.py --save", "machine": facts}
    cases = [case for case in CASES if options.only in (None, case[0])]
    figures["speed"] = measure_speed(cases, options.rounds)
    if options.only is None:
        figures["two_threads"] = measure_threads(options.rounds)
        figures["accuracy"] = measure_accuracy()
        figures["extra_memory_mb"] = round(measure_memory(), 1)
        figures["start"] = measure_start()
    print(f"\n{time.perf_counter() - started:.0f} s")
    if options.save:
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n")
        print(f"written: {RESULTS.name}")


if __name__ == "__main__":
    main()
