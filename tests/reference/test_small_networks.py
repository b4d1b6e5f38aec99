"""Data sets kept with the tests, their quantities computed beforehand to 30 digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifiers.support import measure, rounding_floor
from oracles import classifiers as oracle
from oracles import classifiers_large as large

REFERENCE = json.loads((Path(__file__).parent / "small_networks.json").read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=case["name"]) for case in REFERENCE["cases"]]


def contents(case: dict[str, Any], dtype: str = "float64") -> tuple[Any, Any]:
    # Multiples of 1/8 below 16 are exact even in half precision.
    return np.array(case["logits_in_eighths"], dtype=dtype) / np.dtype(dtype).type(8), np.array(
        case["labels"]
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_the_library(case: dict[str, Any], dtype: str) -> None:
    z, y = contents(case, dtype)
    assert z.dtype == dtype
    report = measure(z, y, n_classes=case["n_classes"])
    relative = 1e-12 if dtype == "float64" else 1e-7
    floor = rounding_floor(large.measure(z, y, n_classes=case["n_classes"]))
    for name, digits in case["quantities"].items():
        allowed = relative if name in {"cmi", "gamma", "gamma_pair", "ncmi"} else 10 * relative
        value = getattr(report, name)
        assert value == pytest.approx(float(digits), rel=allowed, abs=floor), name


@pytest.mark.parametrize("subject", [oracle.measure, large.measure])
@pytest.mark.parametrize("case", CASES)
def test_the_oracles(case: dict[str, Any], subject: Any) -> None:
    z, y = contents(case)
    exact = subject(z, y, n_classes=case["n_classes"])
    for name, digits in case["quantities"].items():
        assert getattr(exact, name) == pytest.approx(float(digits), rel=1e-12, abs=1e-15), name
