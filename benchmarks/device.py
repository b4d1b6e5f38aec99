"""Class sums of logits on a GPU: the share of its memory bandwidth that one pass reaches.

    python benchmarks/device.py                 all cases, some minutes
    python benchmarks/device.py --only bfloat16 the cases of that type
    python benchmarks/device.py --sweep         other ways to launch the kernels, each timed
    python benchmarks/device.py --save          also write benchmarks/results/device.json

The yardstick is a copy inside the device's memory: its bandwidth counts bytes read and written,
that of a pass the bytes of the logits, which it has to read. The pass is timed by itself, on rows
that have been grouped by class, and so is the whole call: checks, sorting, refusals. Beside them
stand the same sums by whole-tensor operations, the closed forms compiled by ``torch.compile``, and
``log_softmax`` alone, which only writes the log-probabilities.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from timing import machine

from infotheory.classifiers.quantities import cmi_and_gamma
from infotheory.learning.functional import class_sums, fused_sums
from infotheory.learning.functional.class_sums import group

RESULTS = Path(__file__).parent / "results" / "device.json"
LARGEST_SPREAD = 0.10  # no verdict beyond this (interquartile range over median)
TO_CLOSE, GOAL = 0.6, 0.8
COPIED = 1 << 30  # bytes, far beyond any cache

# rows, columns, type, and whether the share is promised
CASES = [
    (200_000, 1000, "float32", True),
    (200_000, 1000, "bfloat16", True),
    (200_000, 1000, "float64", False),
    (2_000_000, 100, "float32", False),
    (10_000_000, 10, "float32", False),
    (4_000, 50_000, "float32", False),
    (256, 1000, "float32", False),
]


def sample(n: int, columns: int, dtype: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a net that is right, more or less surely, on two rows in three."""
    generator = torch.Generator("cuda").manual_seed(0)
    x = torch.randn((n, columns), generator=generator, device="cuda", dtype=torch.float32)
    y = torch.randint(0, columns, (n,), generator=generator, device="cuda")
    sure = 16.0 * torch.rand(n, generator=generator, device="cuda")
    x = (1.5 * x).scatter_add_(1, y[:, None], sure[:, None])
    return x.to(getattr(torch, dtype)), y


def closed_forms(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The sums behind CMI and Gamma, as one would write them with torch."""
    logs = torch.log_softmax(x.float(), 1)
    probs = logs.exp()
    zero = torch.zeros((x.shape[1], x.shape[1]), device=x.device)
    return zero.index_add(0, y, probs), zero.index_add(0, y, logs), (probs * logs).sum()


def milliseconds(run: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end))


def interleave(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time every contender once a round, after three uncounted rounds."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for count in range(rounds + 3):
        for name, run in contenders.items():
            found = milliseconds(run)
            if count >= 3:
                taken[name].append(found)
    return taken


def spread(times: list[float]) -> float:
    low, middle, high = statistics.quantiles(times, n=4)
    return (high - low) / middle


def the_pass(x: torch.Tensor, y: torch.Tensor) -> Callable[[], object]:
    """The fused pass alone, in the precision that is chosen for large batches."""
    _, grouped = group(y, x.shape[1], 1)
    exact = x.dtype == torch.float64
    return lambda: fused_sums.fused_pass(x, grouped, True, 1.0, exact=exact)


def contenders_for(x: torch.Tensor, y: torch.Tensor) -> dict[str, Callable[[], object]]:
    """Everything that is timed on one array."""
    compiled = torch.compile(closed_forms)
    source, target = torch.empty((2, COPIED), dtype=torch.uint8, device="cuda")
    found: dict[str, Callable[[], object]] = {
        "copy": lambda: target.copy_(source),
        "the pass": the_pass(x, y),
        "class_sums": lambda: class_sums(x, y),
        "class_sums, double": lambda: class_sums(x, y, precision="double"),
        "class_sums, plain": lambda: class_sums(x, y, method="plain"),
    }
    if x.shape[1] <= 1000:
        found["closed forms, compiled"] = lambda: compiled(x, y)
        found["log_softmax"] = lambda: torch.log_softmax(x, 1)
    return found


def error_of(x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Relative error of CMI and Gamma against double precision."""
    got = cmi_and_gamma(class_sums(x, y).class_sums())
    exact = cmi_and_gamma(class_sums(x, y, precision="double").class_sums())
    cmi, gamma = (abs(a - b) / max(b, 1e-300) for a, b in zip(got, exact, strict=True))
    return cmi, gamma


def measure(case: tuple[int, int, str, bool], rounds: int) -> dict[str, Any]:
    """Print one block and return the figures."""
    n, columns, dtype, promised = case
    x, y = sample(n, columns, dtype)
    taken = interleave(contenders_for(x, y), rounds)
    bandwidth = 2 * COPIED / statistics.median(taken["copy"])  # bytes a millisecond
    title = f"{n} x {columns} {dtype}"
    print(f"\n{title}: copies at {bandwidth / 1e9:.2f} TB/s")
    figures: dict[str, Any] = {"case": title, "copy_tb_per_s": round(bandwidth / 1e9, 3)}
    read = x.numel() * x.element_size()
    for name, times in taken.items():
        middle = statistics.median(times)
        share = read / middle / bandwidth
        shown = "" if name == "copy" else f"  {share:6.1%} of the bandwidth"
        print(f"  {name:24} {middle:9.3f} ms  spread {spread(times):5.1%}{shown}")
        figures[name] = {"ms": round(middle, 4), "spread": round(spread(times), 3)}
        if name != "copy":
            figures[name]["share"] = round(share, 4)
    if promised:
        share, scatter = figures["the pass"]["share"], spread(taken["the pass"])
        for word, bound in (("to close", TO_CLOSE), ("goal", GOAL)):
            verdict = "met" if share >= bound else "missed"
            if scatter > LARGEST_SPREAD:
                verdict = f"no verdict (times scatter by {scatter:.0%})"
            print(f"  {word} {bound:.0%}: {verdict}")
            figures[word] = verdict
    cmi, gamma = error_of(x, y)
    print(f"  relative error of CMI {cmi:.1e}, of Gamma {gamma:.1e}")
    return figures | {"cmi_error": cmi, "gamma_error": gamma}


def sweep(case: tuple[int, int, str, bool], rounds: int) -> list[dict[str, Any]]:
    """Time the pass with other tiles, warps and stages."""
    n, columns, dtype, _ = case
    x, y = sample(n, columns, dtype)
    run, used, found = the_pass(x, y), vars(fused_sums.LAUNCH).copy(), []
    print(f"\n{n} x {columns} {dtype}, used: {used}")
    for tile, warps, stages in itertools.product((1024, 2048, 4096), (2, 4, 8), (1, 2, 3, 4)):
        vars(fused_sums.LAUNCH).update(tile=tile, warps=warps, stages=stages)
        try:
            middle = statistics.median(interleave({"": run}, rounds)[""])
        except Exception as error:  # noqa: BLE001 (too much shared memory, whatever it is called)
            print(f"  tile {tile} warps {warps} stages {stages}: {type(error).__name__}")
            continue
        found.append({"tile": tile, "warps": warps, "stages": stages, "ms": round(middle, 4)})
    vars(fused_sums.LAUNCH).update(used)
    found.sort(key=lambda figures: figures["ms"])
    for figures in found:
        print(" ", ", ".join(f"{name} {value}" for name, value in figures.items()))
    return found


def main() -> None:
    """Run the cases and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="only the cases of this type, float32 say")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--sweep", action="store_true", help="try other ways to launch")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit(
            "benchmarks/device.py must run where torch finds a CUDA device; got none. "
            "On the host, python benchmarks/ncmi.py measures the same sums."
        )
    warnings.simplefilter("ignore")
    cases = [case for case in CASES if options.only in (None, case[2])]
    facts = machine() | {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    print(", ".join(f"{k} {v}" for k, v in facts.items()))
    figures: dict[str, Any] = {"command": "python benchmarks/device.py --save", "machine": facts}
    if options.sweep:
        figures["sweep"] = {case[2]: sweep(case, options.rounds) for case in cases if case[3]}
    else:
        figures["speed"] = [measure(case, options.rounds) for case in cases]
    if options.save:
        RESULTS.write_text(json.dumps(figures, indent=1) + "\n")
        print(f"written: {RESULTS.name}")


if __name__ == "__main__":
    main()
