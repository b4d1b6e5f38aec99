"""How far a row of probabilities may be from summing to one, by dtype and length."""

from __future__ import annotations

import numpy as np
import pytest

import infotheory

# Most classes are empty here, and that is not the matter.
pytestmark = pytest.mark.filterwarnings("ignore::infotheory.exceptions.InfotheoryWarning")


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("k", [2, 10, 1000, 20_000])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("peak", [0.0, 10.0])
def test_a_rounded_softmax_is_accepted(k: int, dtype: str, peak: float) -> None:
    rng = np.random.default_rng(k)
    y = rng.integers(0, 2, 50)
    z = rng.normal(size=(50, k))
    z[np.arange(50), y] += peak
    probs = softmax(z).astype(dtype)
    assert infotheory.measure_classifier(probs, y, kind="probs", smoothing=1e-6).n == 50


@pytest.mark.parametrize(
    ("dtype", "k", "excess"),
    # Four times the stated constant, and what rounding each of k entries can add to it.
    [
        ("float16", 4, 2.0**-6),
        ("float16", 1024, 2.0**-6),
        ("float32", 4, 2.0**-13),
        ("float32", 1024, 2.0**-12),
        ("float64", 4, 2.0**-40),
        ("float64", 1024, 2.0**-40),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_row_of_another_sum_is_refused(dtype: str, k: int, excess: float, sign: int) -> None:
    probs = np.full((3, k), 1 / k, dtype)
    probs[1] = (1 + sign * excess) / k
    with pytest.raises(ValueError, match=r"sum to one for kind='probs'; got row 1 with sum "):
        infotheory.ncmi(probs, [0, 1, 1], kind="probs")


def test_the_sum_of_an_accepted_row_is_divided_out() -> None:
    probs = np.array([[0.7, 0.3], [0.2, 0.8]], np.float32) * np.float32(1 + 2.0**-17)
    exact = np.asarray(probs, float)
    exact /= exact.sum(axis=1, keepdims=True)
    given = infotheory.measure_classifier(probs, [0, 0], kind="probs", n_classes=2)
    want = infotheory.measure_classifier(exact, [0, 0], kind="probs", n_classes=2)
    assert given.cmi == pytest.approx(want.cmi, rel=1e-13)
