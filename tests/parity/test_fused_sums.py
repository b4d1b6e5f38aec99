"""The Triton kernels against the array version, as plain Python on tensors of the host.

The process that runs them writes down what it finds: see `interpreted.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parity.support import (
    TWICE,
    Case,
    arrays,
    assert_same_double,
    assert_same_single,
    fused_cases,
    held,
)

from infotheory.classifiers import ClassSums, NCMIReport

pytest.importorskip("torch", reason="torch is not installed: no tensors to measure")
pytest.importorskip("triton", reason="triton is not installed: no fused pass")

HERE = Path(__file__).parent
NAMES = [
    "two columns", "ten columns", "sorted", "half", "double", "thousand", "features", "wide",
    "wide features", "tile of one row", "one class", "tied", "extreme", "cold", "hot", "lowest",
    "alike", "certain", "parts",
]  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    target = tmp_path_factory.mktemp("fused") / "found.npz"
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, str(HERE / "interpreted.py"), str(target)],
        env=os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": path},
        check=True,
    )
    with np.load(target, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return fused_cases()


def sums_of(found: Any, name: str) -> ClassSums:
    own = {k.rpartition("/")[2]: v for k, v in found.items() if k.startswith(f"{name}/")}
    values: dict[str, Any] = json.loads(str(own.pop("numbers")))
    return ClassSums(**{**values, **own})


def cmi_of(sums: ClassSums) -> float:
    return float((sums.weight * sums.class_cmi).sum() / sums.weight.sum())


def test_every_case_is_looked_at(cases: dict[str, Case]) -> None:
    assert sorted(cases) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_single_precision(found: Any, cases: dict[str, Case], name: str) -> None:
    assert_same_single(sums_of(found, f"{name}/single"), arrays(cases[name]), cases[name])


@pytest.mark.parametrize("name", TWICE)
def test_double_precision(found: Any, cases: dict[str, Case], name: str) -> None:
    assert_same_double(sums_of(found, f"{name}/double"), arrays(cases[name]))


def test_rows_with_a_stride(found: Any) -> None:
    """Views of wider rows are read where they are."""
    strided, plain = sums_of(found, "strided"), sums_of(found, "ten columns/single")
    assert np.array_equal(strided.mass, plain.mass)
    assert np.array_equal(strided.entropy, plain.entropy)


def test_single_precision_stays_where_it_is_enough(found: Any, cases: dict[str, Case]) -> None:
    chosen, single = sums_of(found, "two columns/chosen"), sums_of(found, "two columns/single")
    assert np.array_equal(chosen.mass, single.mass)
    assert cmi_of(chosen) == pytest.approx(cmi_of(arrays(cases["two columns"])), rel=1e-6)


def test_double_precision_follows_where_it_is_not(found: Any, cases: dict[str, Case]) -> None:
    """Equal rows have no CMI but that of rounding, which single precision leaves visible."""
    assert_same_double(sums_of(found, "alike/chosen"), arrays(cases["alike"]))
    # n eps of the entropies, at most ln 30 for each row, which cancel.
    assert cmi_of(sums_of(found, "alike/chosen")) <= 48 * 2.0**-52 * np.log(30)


def test_masked_symbols_take_the_plain_pass(found: Any, cases: dict[str, Case]) -> None:
    case = cases["ten columns"]
    outputs = case.outputs.copy()
    outputs[7, 3] = -np.inf
    sums = sums_of(found, "holed")
    assert sums.first_zero_row == 7
    assert_same_double(sums, arrays(Case(held(outputs, case.dtype), case.labels, case.dtype)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nan", "outputs must be finite or -inf logits; got nan at row 1041, column 2."),
        ("infinite", "outputs must be finite or -inf logits; got inf at row 1041, column 2."),
        ("empty", "outputs must be rows with at least one finite entry; got only -inf in row 41."),
        ("wide", "outputs must be finite or -inf logits; got nan at row 3, column 4321."),
        ("weights", "method must be 'plain' here; got 'fused' with probabilities, smoothing or"),
        ("columns", "method must be 'plain' here; got 'fused' with rows that are not contiguous"),
    ],
)
def test_what_is_refused(found: Any, name: str, text: str) -> None:
    assert str(found[f"refused/{name}"]).startswith(text)


@pytest.mark.filterwarnings("ignore::infotheory.exceptions.InfotheoryWarning")
def test_the_report(found: Any, cases: dict[str, Case]) -> None:
    """The promise of single precision in the numbers that people read."""
    report = NCMIReport.from_sums(sums_of(found, "ten columns/single"))
    exact = NCMIReport.from_sums(arrays(cases["ten columns"]))
    for name in ("cmi", "gamma", "ncmi", "cross_entropy", "mutual_information"):
        assert getattr(report, name) == pytest.approx(getattr(exact, name), rel=2e-6), name
    assert report.error == exact.error
