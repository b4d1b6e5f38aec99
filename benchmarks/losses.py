"""What the losses cost: the terms alone, beside their peers, and in a step of a network.

    python benchmarks/losses.py                 all parts, some minutes
    python benchmarks/losses.py --only kd       one part: cmic, step, kd or ncmi
    python benchmarks/losses.py --save          also write benchmarks/results/losses.json

Every contender is forward and backward from logits (or features) that ask for gradients, in a
process whose allocator keeps memory that is freed, as one that trains a network does. In a fresh
one every tensor of a megabyte is got from the system, and costs more than what is computed in it.

* cmic: the loss of CMIC-DL beside the cross entropy that it contains; the floor is one
  log_softmax, its exponential and one pass that writes a gradient, without any sum by class.
* step: the same as a share of a training step of ResNet-20.
* kd: TTM and WTTM beside classic distillation as users of torchdistill and RepDistiller write it,
  for teacher logits that are kept, and with a teacher that is run in every step.
* ncmi: the NCMI loss beside the tensor of samples, classes and features that it stands for; peak
  memory is that of a fresh process, less what it held before (Linux only).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from timing import Timing, interleave, machine, ratio, verdict

from infotheory.learning.functional.codewords import log_sigmax, normalised_features
from infotheory.learning.losses import CMICLoss, KDLoss, NCMILoss, TTMLoss, WTTMLoss
from infotheory.learning.networks import resnet20

RESULTS = Path(__file__).parent / "results" / "losses.json"
SHAPES = [(256, 1000), (256, 100), (128, 10)]
STEPS = [(128, 10), (256, 1000)]  # batch and classes of a ResNet-20
WIDE = (256, 1000, 2048)  # samples, classes, features
TEMPERATURE = 4.0
CMIC_GOALS = {"milliseconds": 1.5, "ratio": 1.5, "share": 0.01}
WTTM_GOAL = 1.2
MEMORY_GOAL = 200.0  # MB

Run = Callable[[], object]


def logits(n: int, k: int, seed: int = 0) -> torch.Tensor:
    """Logits that are right, more or less surely, on two rows in three."""
    generator = torch.Generator().manual_seed(seed)
    x = 1.5 * torch.randn(n, k, generator=generator)
    sure = 16.0 * torch.rand(n, generator=generator)
    return x.scatter_add_(1, classes(n, k)[:, None], sure[:, None])


def classes(n: int, k: int) -> torch.Tensor:
    return torch.randint(0, k, (n,), generator=torch.Generator().manual_seed(1))


def repeated(run: Run, times: int) -> Run:
    def several() -> None:
        for _ in range(times):
            run()

    return several


def backward(leaf: torch.Tensor, loss: Callable[[], torch.Tensor]) -> Run:
    """Forward and backward, down to the leaf."""

    def run() -> None:
        leaf.grad = None
        loss().backward()

    return run


def milliseconds(timing: Timing, times: int, clock: str = "wall") -> float:
    return 1e3 * statistics.median(getattr(timing, clock)) / times


def compared(
    taken: dict[str, Timing], name: str, yardstick: str, goal: float | None, clock: str = "cpu"
) -> dict[str, Any]:
    middle, low, high = ratio(taken[name], taken[yardstick], clock)
    said = None if goal is None else verdict(taken[name], taken[yardstick], goal, clock)
    note = "" if goal is None else f", goal {goal}: {said}"
    print(f"  {name} / {yardstick}, {clock}: {middle:.2f} ({low:.2f} to {high:.2f}){note}")
    row = {"what": name, "against": yardstick, "clock": clock, "ratio": middle}
    return row | {"quartiles": [low, high], "goal": goal, "verdict": said}


def table(
    contenders: dict[str, Run], rounds: int, times: int
) -> tuple[dict[str, Timing], dict[str, dict[str, float]]]:
    taken = interleave({name: repeated(run, times) for name, run in contenders.items()}, rounds)
    rows = {}
    for name, timing in taken.items():
        rows[name] = {clock: milliseconds(timing, times, clock) for clock in ("cpu", "wall")}
        print(
            f"  {name}: {rows[name]['wall']:.3f} ms wall, {rows[name]['cpu']:.3f} ms cpu, "
            f"spread {timing.spread:.2f}"
        )
    return taken, rows


# ---------------------------------------------------------------------------------------- CMIC


def cmic_contenders(n: int, k: int) -> dict[str, Run]:
    z, y = logits(n, k).requires_grad_(), classes(n, k)
    kept = CMICLoss(k, lam=0.7, beta=0.4)
    own = CMICLoss(k, lam=0.7, beta=0.4, centroid="batch")
    fixed = CMICLoss(k, lam=0.7, beta=0.4)
    kept(z, y)
    fixed(z, y)

    def floor() -> None:
        log_p = torch.log_softmax(z.detach(), 1)
        log_p.exp().mul_(log_p)

    return {
        "cross entropy": backward(z, lambda: F.cross_entropy(z, y)),
        "floor": floor,
        "CMIC, no update of Q": backward(z, lambda: fixed(z, y, update=False)),
        "CMIC, moving Q": backward(z, lambda: kept(z, y)),
        "CMIC, Q of the batch": backward(z, lambda: own(z, y)),
    }


def cmic_part(rounds: int) -> list[dict[str, Any]]:
    found = []
    for n, k in SHAPES:
        print(f"CMIC, batch {n}, {k} classes")
        taken, rows = table(cmic_contenders(n, k), rounds, 2_000_000 // (n * k * 4) + 5)
        pairs = [
            compared(taken, name, "cross entropy", CMIC_GOALS["ratio"])
            for name in taken
            if name.startswith("CMIC")
        ]
        found.append({"batch": n, "classes": k, "milliseconds": rows, "ratios": pairs})
    limit, largest = CMIC_GOALS["milliseconds"], found[0]["milliseconds"]
    for name in ("CMIC, no update of Q", "CMIC, moving Q"):
        taken_ms = largest[name]["cpu"]
        said = "met" if taken_ms <= limit else "missed"
        print(f"  {name}, at {SHAPES[0]}: {taken_ms:.2f} ms cpu, goal {limit}: {said}")
    return found


def step_part(rounds: int) -> list[dict[str, Any]]:
    found = []
    for n, k in STEPS:
        print(f"A step of ResNet-20, batch {n}, {k} classes")
        network = resnet20(k)
        images, y = torch.randn(n, 3, 32, 32), classes(n, k)
        optimiser = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)

        def step() -> None:
            optimiser.zero_grad()
            F.cross_entropy(network(images), y).backward()
            optimiser.step()

        terms = cmic_contenders(n, k)
        names = ("cross entropy", "CMIC, no update of Q", "CMIC, moving Q")
        times = 20
        contenders = {"step": step} | {name: repeated(terms[name], times) for name in names}
        taken = interleave(contenders, rounds)
        row: dict[str, Any] = {"batch": n, "classes": k}
        row["step_milliseconds"] = milliseconds(taken["step"], 1)
        for name in names[1:]:
            more = [
                (a - b) / (times * c)
                for a, b, c in zip(
                    taken[name].cpu, taken[names[0]].cpu, taken["step"].cpu, strict=True
                )
            ]
            share = statistics.median(more)
            row[name] = {"share_beyond_cross_entropy": share}
            said = "met" if share <= CMIC_GOALS["share"] else "missed"
            print(
                f"  {name}, beyond cross entropy: {100 * share:.3f} % of "
                f"{row['step_milliseconds']:.0f} ms, goal {100 * CMIC_GOALS['share']:g} %: {said}"
            )
        found.append(row)
    return found


# ------------------------------------------------------------------------------- distillation


def as_written(z: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Classic distillation as in torchdistill and RepDistiller."""
    log_q = F.log_softmax(z / TEMPERATURE, dim=1)
    p = F.softmax(v / TEMPERATURE, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean") * TEMPERATURE**2


def wttm_by_powers(z: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """WTTM by powers of probabilities, as its authors' code forms it."""
    powers = F.softmax(v, dim=1) ** (1.0 / TEMPERATURE)
    total = powers.sum(1)
    each = F.kl_div(F.log_softmax(z, dim=1), powers / total[:, None], reduction="none").sum(1)
    return (total * each).mean()


def kd_part(rounds: int) -> list[dict[str, Any]]:
    found = []
    for n, k in SHAPES:
        print(f"Distillation, batch {n}, {k} classes, T = {TEMPERATURE:g}")
        z, v = logits(n, k).requires_grad_(), logits(n, k, 2)
        teacher, images = resnet20(k).eval(), torch.randn(n, 3, 32, 32)
        losses = {"KD as written": as_written, "WTTM by powers": wttm_by_powers}
        losses |= {"KD": KDLoss(4.0), "TTM": TTMLoss(4.0), "WTTM": WTTMLoss(4.0)}

        def with_teacher(loss: Callable[..., torch.Tensor]) -> torch.Tensor:
            with torch.no_grad():
                target = teacher(images)
            return loss(z, target)

        cached = {name: backward(z, lambda f=f: f(z, v)) for name, f in losses.items()}
        taken, rows = table(cached, rounds, 2_000_000 // (n * k * 4) + 5)
        pairs = [
            compared(taken, name, "KD as written", WTTM_GOAL if name == "WTTM" else None)
            for name in ("KD", "TTM", "WTTM", "WTTM by powers")
        ]
        running = {
            f"{name}, teacher run": backward(z, lambda f=losses[name]: with_teacher(f))
            for name in ("KD as written", "WTTM")
        }
        taken, more = table(running, max(5, rounds // 3), 1)
        pairs.append(compared(taken, "WTTM, teacher run", "KD as written, teacher run", WTTM_GOAL))
        found.append({"batch": n, "classes": k, "milliseconds": rows | more, "ratios": pairs})
    return found


# --------------------------------------------------------------------------------------- NCMI


def ncmi_contender(kind: str, n: int, c: int, m: int) -> Run:
    f = torch.randn(n, m, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = classes(n, c)
    if kind != "broadcast":
        loss = NCMILoss(c, m, centroid=kind)
        return backward(f, lambda: loss(f, y))
    codewords = NCMILoss(c, m).log_codewords()
    centre, own = f.detach().mean(0), F.one_hot(y, c).bool()

    def broadcast() -> torch.Tensor:
        log_p = log_sigmax(normalised_features(f, centre, 0.2))
        near = (log_p.exp() * (log_p - codewords[y])).sum(1) + 1e-10
        pairs = (codewords.exp() * (codewords - log_p[:, None])).sum(2)
        return (near / (pairs.masked_fill(own, 0.0).sum(1) / c)).mean()

    return backward(f, broadcast)


def keep_memory() -> None:
    """Free one block as large as the C library ever keeps, so that it keeps smaller ones too."""
    block = torch.ones(7_500_000)
    del block


def largest_memory() -> float:
    """Return the largest memory of this process since :func:`forget_largest_memory`, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000.0


def forget_largest_memory() -> None:
    """Let the largest memory be the present one: loading torch takes more."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak(kind: str, shape: tuple[int, int, int]) -> dict[str, float]:
    """Peak memory and time of the first pass, in this process, after a small one."""
    ncmi_contender(kind, 4, 3, 5)()  # what is loaded once is not counted
    run = ncmi_contender(kind, *shape)
    forget_largest_memory()
    before, start = largest_memory(), time.perf_counter()
    run()
    return {"megabytes": largest_memory() - before, "seconds": time.perf_counter() - start}


def ncmi_part(rounds: int, threads: int) -> dict[str, Any]:
    print("NCMI, {} samples, {} classes, {} features".format(*WIDE))
    kinds = ("fixed", "trained", "mean")
    contenders = {kind: ncmi_contender(kind, *WIDE) for kind in kinds}
    x = torch.randn(WIDE[1], WIDE[2])
    contenders["one exponential of the codewords"] = lambda: x.exp()
    contenders["two products of matrices"] = lambda: (x[: WIDE[0]] @ x.T, x[: WIDE[0]] @ x.T)
    _, rows = table(contenders, rounds, 5)
    memory = {}
    for kind in (*kinds, "broadcast"):
        command = [sys.executable, __file__, "--peak", kind, "--threads", str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            print(f"  {kind}: no peak ({done.stderr.strip().splitlines()[-1:]})")
            continue
        memory[kind] = json.loads(done.stdout)
        goal = MEMORY_GOAL if kind != "broadcast" else None
        said = "" if goal is None else f", goal {goal:g}: "
        said += "" if goal is None else "met" if memory[kind]["megabytes"] <= goal else "missed"
        print(
            f"  {kind}, first pass of a process: {memory[kind]['megabytes']:.0f} MB{said}; "
            f"{memory[kind]['seconds']:.2f} s"
        )
    return {"shape": list(WIDE), "milliseconds": rows, "first_pass": memory}


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=["cmic", "step", "kd", "ncmi"])
    parser.add_argument("--peak", choices=["fixed", "trained", "mean", "broadcast"])
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.peak:
        print(json.dumps(peak(arguments.peak, WIDE)))
        return 0
    keep_memory()
    parts: dict[str, Callable[[], Any]] = {
        "cmic": lambda: cmic_part(arguments.rounds),
        "step": lambda: step_part(max(5, arguments.rounds // 3)),
        "kd": lambda: kd_part(arguments.rounds),
        "ncmi": lambda: ncmi_part(arguments.rounds, arguments.threads),
    }
    if arguments.only:
        parts = {arguments.only: parts[arguments.only]}
    content: dict[str, Any] = {
        "command": f"python benchmarks/losses.py {' '.join(sys.argv[1:])}".strip(),
        "machine": machine(),
        "torch": torch.__version__,
        "threads": arguments.threads,
        "goals": {"cmic": CMIC_GOALS, "wttm": WTTM_GOAL, "megabytes": MEMORY_GOAL},
    }
    for name, part in parts.items():
        content[name] = part()
    if arguments.save:
        RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run())
