"""Run the Triton kernels as plain Python on tensors of the host, and write down what they find.

    TRITON_INTERPRET=1 python interpreted.py RESULTS.npz

In a process of its own: how a kernel runs is settled when Triton is imported.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from parity.support import TWICE, fused_cases

from infotheory.classifiers import ClassSums
from infotheory.learning.functional import class_sums, fused_sums

FOUND: dict[str, Any] = {}


def keep(name: str, sums: Any) -> None:
    arrays = sums.class_sums()
    numbers = {}
    for item in fields(ClassSums):
        value = getattr(arrays, item.name)
        if isinstance(value, np.ndarray):
            FOUND[f"{name}/{item.name}"] = value
        else:
            numbers[item.name] = value
    FOUND[f"{name}/numbers"] = json.dumps(numbers)


def refusal(x: Any, labels: Any, **options: Any) -> str:
    try:
        class_sums(x, labels, method="fused", **options)
    except ValueError as error:
        return str(error)
    return ""


def main(target: str) -> None:
    torch.set_num_threads(1)
    # The interpreter evaluates both sides of a choice, of which the kernel then takes one.
    warnings.filterwarnings("ignore", message="(invalid value|divide by zero|overflow)")
    cases = fused_cases()
    for name, case in cases.items():
        x, labels = case.tensor(), torch.from_numpy(case.labels)
        for precision in ("single", "double") if name in TWICE else ("single",):
            sums = class_sums(x, labels, method="fused", precision=precision, **case.options)
            keep(f"{name}/{precision}", sums)
    for name in ("two columns", "alike"):
        fused_sums._SMALL = 0  # what is left to the choice of precision
        keep(f"{name}/chosen", class_sums(cases[name].tensor(), cases[name].labels, method="fused"))
    fused_sums._SMALL = 1 << 20
    again = cases["ten columns"]
    wider = torch.zeros((len(again.labels), 16)).to(torch.bfloat16)
    wider[:, :10] = again.tensor()
    keep("strided", class_sums(wider[:, :10], again.labels, method="fused", precision="single"))
    holed = again.tensor()
    holed[7, 3] = -torch.inf
    keep("holed", class_sums(holed, again.labels, method="fused"))
    for name, value in (("nan", torch.nan), ("infinite", torch.inf)):
        wrong = again.tensor()
        wrong[90, 3] = wrong[41, 2] = value
        FOUND[f"refused/{name}"] = refusal(wrong, again.labels, first_row=1000)
    wrong = again.tensor()
    wrong[41] = -torch.inf
    wrong[60, 2] = -torch.inf
    FOUND["refused/empty"] = refusal(wrong, again.labels)
    wide = cases["wide"].tensor()
    wide[3, 4321] = torch.nan
    FOUND["refused/wide"] = refusal(wide, cases["wide"].labels, n_classes=4500)
    FOUND["refused/weights"] = refusal(again.tensor(), again.labels, smoothing=0.1)
    FOUND["refused/columns"] = refusal(again.tensor().T, again.labels[:10], n_classes=200)
    np.savez(target, **FOUND)


if __name__ == "__main__":
    main(sys.argv[1])
