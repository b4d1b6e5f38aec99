"""The fused pass where there is a GPU to run it on."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from classifiers.support import quietly

from infotheory import NCMIAccumulator

pytestmark = [
    pytest.mark.gpu,
    # Triton asks users to choose; the kernels say what they want, those of torch do not.
    pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION:UserWarning"),
]


def on_gpu(case: Any, **options: Any) -> Any:
    import torch

    from infotheory.learning.functional import class_sums

    labels = torch.from_numpy(case.labels).cuda()
    return class_sums(case.tensor().cuda(), labels, **case.options, **options).class_sums()


@pytest.mark.parametrize("precision", ["single", "double"])
def test_the_fused_pass(precision: str, torch: ModuleType) -> None:
    from parity.support import arrays, assert_same_double, assert_same_single, fused_cases

    for case in fused_cases().values():
        got = on_gpu(case, method="fused", precision=precision)
        if precision == "double":
            assert_same_double(got, arrays(case))
        else:
            assert_same_single(got, arrays(case), case)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float64"])
@pytest.mark.parametrize("k", [2, 10, 100, 1000, 5000])
def test_many_rows(dtype: str, k: int, torch: ModuleType) -> None:
    """The promise of the automatic choice: six digits of CMI; here on several runs a class."""
    from parity.support import drawn

    from infotheory.learning import NCMIMetric

    case = drawn(4_000_000 // max(k, 100), k, k, dtype, seed=k)
    want = quietly(NCMIAccumulator(k).update(case.tensor().double(), case.labels).report)
    labels = torch.from_numpy(case.labels).cuda()
    got = quietly(NCMIMetric().update(case.tensor().cuda(), labels).compute)
    assert got.cmi == pytest.approx(want.cmi, rel=1e-6)
    assert got.gamma == pytest.approx(want.gamma, rel=1e-6)
    assert got.error == want.error


@pytest.mark.parametrize("kind", ["probs", "log_probs"])
def test_the_plain_pass(kind: str, torch: ModuleType) -> None:
    from oracles import classifiers_large as large
    from parity.support import Case, arrays, assert_same_double, drawn, held

    case = drawn(500, 20, 20)
    values = held(large.distributions(case.outputs)[kind == "log_probs"], "float32")
    given = Case(values, case.labels, options={"kind": kind})
    assert_same_double(on_gpu(given), arrays(given))


def test_masked_and_invalid(torch: ModuleType) -> None:
    from parity.support import Case, arrays, assert_same_double, drawn

    case = drawn(300, 20, 20)
    outputs = case.outputs.copy()
    outputs[200, 3] = -np.inf
    holed = Case(outputs, case.labels)
    assert_same_double(on_gpu(holed), arrays(holed))
    outputs[250, 7] = np.nan
    with pytest.raises(ValueError, match="got nan at row 250, column 7"):
        on_gpu(Case(outputs, case.labels))


def test_equal_inputs_give_equal_sums(torch: ModuleType) -> None:
    from parity.support import drawn

    case = drawn(20_000, 100, 100)
    first, second = on_gpu(case), on_gpu(case)
    assert np.array_equal(first.mass, second.mass)
    assert np.array_equal(first.entropy, second.entropy)
    assert np.array_equal(first.bins, second.bins)
