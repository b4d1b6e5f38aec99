"""Cases for both versions of the class sums, arrays and tensors, and how far they may differ."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from oracles import classifiers_large as large

from infotheory import NCMIAccumulator
from infotheory.classifiers import ClassSums

EPS = 2.0**-52
SINGLE = 2.0**-24  # unit roundoff of float32
TWICE = ("two columns", "double", "thousand", "wide", "tied", "certain")  # in double precision, too


@dataclass(frozen=True)
class Case:
    """Outputs as float64 values that the named type holds exactly, labels, and options."""

    outputs: Any
    labels: Any
    dtype: str = "float32"
    options: dict[str, Any] = field(default_factory=dict)

    def tensor(self) -> Any:
        import torch

        return torch.from_numpy(self.outputs).to(getattr(torch, self.dtype))


def held(values: Any, dtype: str) -> Any:
    """What is left of values in a type."""
    import torch

    return torch.from_numpy(np.asarray(values)).to(getattr(torch, dtype)).double().numpy()


def drawn(n: int, k: int, classes: int, dtype: str = "float32", *, seed: int = 0,
          scale: float = 2.0, **options: Any) -> Case:  # fmt: skip
    """Rows around a centre a class, some nearly certain; labels in random order."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = scale * (rng.normal(size=(classes, k))[labels] + rng.normal(size=(n, k)))
    logits[rng.random(n) < 0.2, 0] += 30.0
    return Case(held(logits, dtype), labels, dtype, options)


def arrays(case: Case) -> ClassSums:
    """The sums that the array version forms, in double precision."""
    options = dict(case.options)
    kind, weights = options.pop("kind", "logits"), options.pop("weights", None)
    parts, n_parts = options.pop("parts", None), options.pop("n_parts", 1)
    accumulator = NCMIAccumulator(**options)
    values = case.tensor()
    if parts is None:
        return accumulator.update(values, case.labels, kind, sample_weight=weights).sums
    from infotheory.classifiers.one_pass import class_sums

    rows, targets = accumulator.check(values, case.labels, kind)
    return class_sums(rows, targets, options.get("n_classes") or rows.shape[1], kind=kind,
                      weights=weights, parts=parts, n_parts=n_parts)  # fmt: skip


def assert_same_double(got: ClassSums, want: ClassSums) -> None:
    """Equal but for rounding of double precision.

    A sum of n terms of one sign is off by at most n eps of itself, and each term by some eps for
    each unit of ln P, at most 700 where it still counts: below, a probability may be any number up
    to 1e-290.
    """
    relative = (got.n_rows + 1000) * EPS
    _assert_same(got, want, lambda _, values: relative * np.abs(values) + 1e-290 * got.n_rows)


def assert_same_single(got: ClassSums, want: ClassSums, case: Case) -> None:
    """Equal but for exponentials in single precision.

    v, v / T and the temperature are rounded once each, which changes P by 3 |ln P| roundings of
    itself; the exponential is good to 2 ulp, the sums of a row and the division bring a few more,
    and adding up a tile of 128 rows in any order at most 128. ln P is off by the same shares of
    1 + |ln P|. Below 2^-126 a probability is zero, and P ln P up to 88 times that is lost.
    """
    least = got.n_rows * 2.0**-119
    temperature = case.options.get("temperature", 1.0)
    probs, logs = large.distributions(case.outputs, "logits", temperature)
    size = 1.0 + np.abs(logs)
    share = (8.0 + min(128.0, got.n_rows)) * SINGLE
    cells = case.labels * got.n_parts + case.options.get("parts", np.zeros_like(case.labels))
    per_row = {
        "mass": probs * size,
        "log_mass": size,
        "entropy": (probs * size * np.abs(logs)).sum(axis=1) + (probs * size).sum(axis=1),
        "loss": size.max(axis=1),
        "confidence": np.tile(probs.max(axis=1)[:, None] * 4.0, 15),
    }
    allowed = {
        name: np.stack([values[cells == cell].sum(axis=0) for cell in got.cells]) * share
        for name, values in per_row.items()
    }
    _assert_same(got, want, lambda name, values: allowed.get(name, 0.0 * values) + least)


def _assert_same(got: ClassSums, want: ClassSums, allowed: Any) -> None:
    for item in fields(ClassSums):
        mine, its = getattr(got, item.name), getattr(want, item.name)
        if not isinstance(its, np.ndarray):
            assert mine == its, item.name
        elif its.dtype.kind == "i" or item.name in ("bins", "top5_misses", "weight", "squares"):
            assert mine.dtype == its.dtype
            np.testing.assert_allclose(mine, its, rtol=got.n_rows * EPS, err_msg=item.name)
        else:
            assert (mine.dtype, mine.shape) == (its.dtype, its.shape), item.name
            finite = np.isfinite(its)
            assert (mine[~finite] == its[~finite]).all(), item.name
            off = np.abs(np.where(finite, mine, 0.0) - np.where(finite, its, 0.0))
            limit = allowed(item.name, np.where(finite, its, 0.0))
            worst = np.unravel_index(np.argmax(off - limit), off.shape)
            assert (off <= limit).all(), (item.name, worst, mine[worst], its[worst], limit[worst])


def away_from_bins(case: Case) -> Case:
    """Without the rows whose confidence is so near an edge of a bin that rounding decides."""
    temperature = case.options.get("temperature", 1.0)
    confidence = large.distributions(case.outputs, "logits", temperature)[0].max(axis=1)
    near = np.abs(confidence[:, None] * 15 - np.arange(1, 15)).min(axis=1) < 1e-4
    return Case(case.outputs[~near], case.labels[~near], case.dtype, case.options)


def fused_cases() -> dict[str, Case]:
    """Logits for the fused pass: small, as its interpreter is slow."""
    rng = np.random.default_rng(1)
    low = float(np.finfo(np.float32).min)
    masked = drawn(12, 9, 9, seed=3).outputs
    masked[:, 7] = masked[::2, 2] = low
    tied = rng.integers(-2, 3, (24, 12)).astype(float)
    alike = np.repeat(drawn(4, 30, 4, seed=4).outputs, 12, axis=0)
    parted = drawn(30, 10, 3, seed=5)
    parts = rng.integers(0, 3, 30)
    sure = rng.integers(0, 8, 20)
    cases = {
        "two columns": drawn(300, 2, 2),  # several runs a class
        "ten columns": drawn(110, 10, 10, "bfloat16"),
        "sorted": drawn(60, 10, 10, seed=2),
        "half": drawn(30, 17, 17, "float16"),
        "double": drawn(24, 9, 9, "float64"),
        "thousand": drawn(14, 1000, 2, n_classes=1000),
        "features": drawn(14, 1000, 2, n_classes=3),
        "wide": drawn(5, 4500, 2, n_classes=4500),
        "wide features": drawn(5, 4500, 1, n_classes=2),
        "tile of one row": drawn(4, 2500, 2, n_classes=2500),
        "one class": drawn(20, 16, 1, n_classes=16),
        "tied": Case(tied, rng.integers(0, 12, 24), "bfloat16"),
        "extreme": drawn(30, 8, 8, seed=6, scale=1e4),
        "cold": drawn(30, 8, 8, seed=7, temperature=0.05),
        "hot": drawn(30, 8, 8, seed=8, temperature=300.0),
        "lowest": Case(held(masked, "float32"), rng.integers(0, 9, 12)),
        "alike": Case(held(alike, "float32"), np.repeat(np.arange(4), 12)),
        "certain": Case(rng.normal(size=(20, 8)) + 22.0 * np.eye(8)[sure], sure, "float64"),
        "parts": Case(parted.outputs, parted.labels, options={"parts": parts, "n_parts": 3}),
    }
    order = np.argsort(cases["sorted"].labels, kind="stable")
    whole = cases["sorted"]
    cases["sorted"] = Case(whole.outputs[order], whole.labels[order])
    return {name: away_from_bins(case) if case.options.get("parts") is None else case
            for name, case in cases.items()}  # fmt: skip
