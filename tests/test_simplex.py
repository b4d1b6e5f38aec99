"""Batches of distributions: what is accepted, how it is cut, what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory._simplex import Block, Distributions, over_blocks, sum_tolerance


def _probabilities(block: Block) -> Any:
    return block.p


def _batch(*shape: int, seed: int = 0) -> Any:
    weights = np.random.default_rng(seed).exponential(size=shape)
    return weights / weights.sum(axis=-1, keepdims=True)


# -------------------------------------------------------------------------------------- one block


@given(
    st.lists(st.floats(0.0, 1.0).map(lambda x: x if x > 1e-300 else 0.0), min_size=1, max_size=6)
)
def test_a_block_of_weights(weights: list[float]) -> None:
    total = math.fsum(weights)
    if total == 0.0:
        return
    block = Block(np.array([weights]), np.array([total]), positive=min(weights) > 0)
    for k, weight in enumerate(weights):
        # One rounding of 1 / total, one of the product; a logarithm and a difference.
        assert block.p[0, k] == pytest.approx(weight / total, rel=2**-51)
        if weight == 0.0:
            assert block.log_p[0, k] == -math.inf
            assert block.finite_log_p[0, k] == block.finite_log_weights[0, k] == 0.0
        else:
            expected = math.log(weight) - math.log(total)
            assert block.log_p[0, k] == pytest.approx(expected, rel=2**-50, abs=2**-42)
            assert block.finite_log_p[0, k] == block.log_p[0, k]
            assert block.log_weights[0, k] == pytest.approx(math.log(weight), rel=2**-51)
    assert block.weights is not block.p
    assert block.total[0] == total
    assert len(block) == 1


def test_a_block_of_logarithms() -> None:
    block = Block(np.log([[0.25, 0.75], [0.5, 0.5]]), None, positive=False)
    assert np.allclose(block.p, [[0.25, 0.75], [0.5, 0.5]], rtol=2**-50, atol=0)
    assert block.weights is block.p
    assert np.array_equal(block.total, [1.0, 1.0])
    assert block.log_weights is block.log_p


def test_joint_blocks_keep_their_axes() -> None:
    joint = np.array([[[0.1, 0.2, 0.3], [0.0, 0.4, 0.0]]])
    block = Block(joint, joint.sum(axis=(1, 2)), positive=False)
    assert block.p.shape == block.log_p.shape == (1, 2, 3)
    assert block.finite_log_p[0, 1, 0] == 0.0


# ------------------------------------------------------------------------------------- the batches


def test_every_row_arrives_once_and_in_order() -> None:
    p = _batch(3000, 50)  # several blocks
    calls = []

    def first(block: Block) -> Any:
        calls.append(len(block))
        return block.p[:, 0]

    assert np.allclose(over_blocks(first, Distributions(p)), p[:, 0], rtol=2**-50, atol=0)
    assert sum(calls) == 3000
    assert len(calls) > 1


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4), (0, 4), (2, 0, 4)])
def test_the_batch_keeps_its_shape(shape: tuple[int, ...]) -> None:
    p = np.full(shape, 0.25)
    result = over_blocks(lambda block: block.p[:, 0], Distributions(p))
    assert np.shape(result) == shape[:-1]
    assert isinstance(result, float) == (shape == (4,))
    whole = over_blocks(_probabilities, Distributions(p))
    assert np.shape(whole) == shape


@pytest.mark.parametrize("order", ["C", "F", "reversed", "strided", "big-endian"])
def test_memory_layouts(order: str) -> None:
    p = _batch(6, 5)
    given_ = {
        "C": p,
        "F": np.asfortranarray(p),
        "reversed": p[::-1][::-1],
        "strided": np.repeat(p, 2, axis=0)[::2],
        "big-endian": p.astype(">f8"),
    }[order]
    assert np.array_equal(
        over_blocks(_probabilities, Distributions(given_)),
        over_blocks(_probabilities, Distributions(p)),
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes_are_widened(dtype: str) -> None:
    p = _batch(7, 5).astype(dtype)
    expected = p.astype(float) / p.astype(float).sum(axis=1, keepdims=True)
    got = over_blocks(_probabilities, Distributions(p))
    assert got.dtype == np.float64
    assert np.allclose(got, expected, rtol=2**-50, atol=0)


def test_whole_numbers_and_lists() -> None:
    assert np.array_equal(over_blocks(_probabilities, Distributions([0, 1, 0])), [0.0, 1.0, 0.0])


def test_torch_tensors_bfloat16_included() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for dtype in (torch.bfloat16, torch.float32):
        p = torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.875, 0.0]], dtype=dtype, requires_grad=True)
        got = over_blocks(_probabilities, Distributions(p))
        assert np.array_equal(got, [[0.5, 0.25, 0.25], [0.125, 0.875, 0.0]])


def test_operands_broadcast() -> None:
    p, q, r = _batch(4, 1, 3), _batch(5, 3, seed=1), _batch(3, seed=2)

    def products(a: Block, b: Block, c: Block) -> Any:
        return (a.p * b.p * c.p).sum(axis=1)

    got = over_blocks(
        products, *(Distributions(x, name) for x, name in ((p, "p"), (q, "q"), (r, "r")))
    )
    assert np.allclose(got, np.einsum("aik,bk,k->ab", p, q, r), rtol=2**-48, atol=0)


def test_two_single_distributions_against_a_batch_of_one() -> None:
    p, q = _batch(1, 3), _batch(3, seed=1)
    got = over_blocks(lambda a, b: (a.p * b.p).sum(axis=1), Distributions(p), Distributions(q))
    assert got.shape == (1,)


def test_units() -> None:
    p = Distributions([0.5, 0.5])
    assert over_blocks(lambda block: -block.log_p[:, 0], p, base=2) == 1.0
    assert over_blocks(lambda block: -block.log_p[:, 0], p) == math.log(2)
    with pytest.raises(ValueError, match="base must be None"):
        over_blocks(lambda block: block.p[:, 0], p, base=1)


def test_frames_give_series() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[0.5, 0.5], [0.25, 0.75]], index=["a", "b"])
    got = over_blocks(lambda block: block.p[:, 0], Distributions(frame))
    assert isinstance(got, pandas.Series)
    assert got.to_dict() == {"a": 0.5, "b": 0.25}
    other = over_blocks(
        lambda a, b: a.p[:, 0] * b.p[:, 0], Distributions([0.5, 0.5]), Distributions(frame)
    )
    assert other.to_dict() == {"a": 0.25, "b": 0.125}
    whole = over_blocks(_probabilities, Distributions(frame))
    assert isinstance(whole, np.ndarray)
    # The rows of a joint distribution are symbols, not distributions.
    joint = Distributions(frame / 2, "joint", n_axes=2)
    assert isinstance(over_blocks(lambda block: block.p.sum(axis=2), joint), np.ndarray)


# ---------------------------------------------------------------------------------- the log domain


@given(st.lists(st.floats(-2000.0, 2000.0), min_size=1, max_size=6))
def test_logits_of_any_size(z: list[float]) -> None:
    largest = max(z)
    log_total = largest + math.log(math.fsum(math.exp(x - largest) for x in z))
    got = over_blocks(lambda block: block.log_p, Distributions(z, kind="logits"))
    # x - largest and log_total are rounded once each, at the size of the largest logit.
    assert np.allclose(got, [x - log_total for x in z], rtol=2**-50, atol=2**-51 * 4000)


def test_a_nearly_certain_row_keeps_its_small_parts() -> None:
    got = over_blocks(lambda block: block.log_p, Distributions([0.0, -50.0], kind="logits"))
    assert got[0] == -math.log1p(math.exp(-50.0))
    assert got[0] < 0.0


def test_masked_symbols() -> None:
    got = over_blocks(_probabilities, Distributions([0.0, -np.inf, 0.0], kind="logits"))
    assert np.allclose(got, [0.5, 0.0, 0.5], rtol=2**-51, atol=0)
    log_p = np.log(_batch(3, 4))
    log_p[0] = [0.0, -np.inf, -np.inf, -np.inf]
    got = over_blocks(_probabilities, Distributions(log_p, kind="log_probs"))
    assert np.allclose(got, np.exp(log_p), rtol=2**-49, atol=0)


# ------------------------------------------------------------------------------------- what is not


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ([0.5, 0.6], "probs", r"p must have sum one over the last axis; got 1.1, where 2.3e-13"),
        ([[0.5, 0.5], [0.5, 0.4]], "probs", r"got 0.9 at p\[1\], where .* Divide by the sum"),
        ([0.5, -0.5, 1.0], "probs", r"p must be probabilities, .*; got -0.5 at p\[1\]. Drop"),
        ([[[0.5, 0.5], [math.nan, 1.0]]], "probs", r"got nan at p\[0, 1, 0\]"),
        ([math.inf, 0.5], "probs", r"must have sum one over the last axis; got inf"),
        ([0.0, math.nan], "logits", r"finite or -inf for kind='logits'; got nan at p\[1\]"),
        ([0.0, math.inf], "log_probs", r"finite or -inf for kind='log_probs'; got inf at p\[1\]"),
        ([[0.0], [-math.inf]], "logits", r"a finite entry in each .*; got only -inf at p\[1\]"),
        ([0.0, 0.0], "log_probs", r"p must have sum one over the last axis; got 2, where"),
        ([5000.0, 0.0], "log_probs", r"got 1.01423205e\+304, where"),
        ([], "probs", r"at least 1 axis, and at least one symbol along each; got shape \(0,\)"),
        (0.5, "probs", r"got shape \(\). Probabilities lie along the last axis"),
        ([1.0], "odds", "kind must be one of 'logits', 'probs', 'log_probs'; got 'odds'"),
        ([[1.0], [0.5, 0.5]], "probs", "p must be a rectangular array; got rows of different"),
    ],
)
def test_refusals(value: Any, kind: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        over_blocks(_probabilities, Distributions(value, "p", kind))


@pytest.mark.parametrize(
    ("value", "n_axes"),
    [
        ([[0.5, 0.5], [0.25, 0.75]], 1),
        (np.eye(3), 1),
        (np.full((2, 3, 4), 0.25, np.float16), 1),
        (np.full((3, 2, 2), 0.25), 2),
        (np.full((70_000, 2), 0.5, np.float32), 1),
    ],
)
def test_probabilities_that_are_called_logits(value: Any, n_axes: int) -> None:
    message = r"p must be logits for kind='logits'; got non-negative .* one.*\. Pass kind='probs'"
    with pytest.raises(ValueError, match=message):
        over_blocks(_probabilities, Distributions(value, kind="logits", n_axes=n_axes))


def test_logits_that_look_like_probabilities_in_part() -> None:
    late = np.full((70_000, 2), 0.5)  # only the last row, in the last block, is none
    late[-1, 0] = 0.75
    for value, n_axes in (
        ([0.5, 0.5], 1),  # one row proves nothing
        ([[0.5, 0.5]], 1),
        ([[0.25, 0.25], [0.25, 0.25]], 2),
        ([[0.5, 0.5], [1.5, -0.5]], 1),
        ([[1e308, 1e308], [0.5, 0.5]], 1),
        (late, 1),
        (np.ones((0, 1)), 1),
    ):
        got = over_blocks(_probabilities, Distributions(value, kind="logits", n_axes=n_axes))
        assert got.shape == np.shape(value)


@pytest.mark.parametrize(
    ("value", "dtype"), [(["a"], "<U1"), ([True, False], "bool"), ([1j], "complex128")]
)
def test_types_that_are_no_probabilities(value: Any, dtype: str) -> None:
    with pytest.raises(TypeError, match=f"p must be numeric .*; got dtype {dtype}. Convert it"):
        Distributions(value)


def test_joint_distributions_need_their_axes() -> None:
    with pytest.raises(
        ValueError, match=r"joint must have at least 2 axes, one a variable.*\(2,\)"
    ):
        Distributions([0.5, 0.5], "joint", n_axes=2)
    with pytest.raises(ValueError, match=r"sum one over the last 2 axes; got 2 at joint\[0\]"):
        over_blocks(
            _probabilities, Distributions([[[1.0, 0.0], [0.0, 1.0]]] * 3, "joint", n_axes=2)
        )
    wrong = np.full((3, 2, 2), 0.25)
    wrong[2, 1, 0] = -1.0
    with pytest.raises(ValueError, match=r"got -1 at joint\[2, 1, 0\]"):
        over_blocks(_probabilities, Distributions(wrong, "joint", n_axes=2))


def test_batches_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match=r"q must be of a batch shape .* p; got shapes p \(2, 3\)"):
        over_blocks(
            lambda a, b: a.p[:, 0] * b.p[:, 0],
            Distributions(_batch(2, 3), "p"),
            Distributions(_batch(4, 3), "q"),
        )


def test_the_first_row_at_fault_is_named_in_a_later_block_too() -> None:
    p = _batch(40, 100, 40)
    p[37, 5, 3] = np.nan
    p[39] = np.nan
    with pytest.raises(ValueError, match=r"got nan at p\[37, 5, 3\]"):
        over_blocks(_probabilities, Distributions(p))


def test_the_tolerance_is_that_of_the_dtype() -> None:
    for dtype, unit in ((np.float16, 2.0**-8), (np.float32, 2.0**-15), (np.float64, 2.0**-42)):
        tolerance = sum_tolerance(np.dtype(dtype), 2, "probs")
        assert unit <= tolerance <= 1.1 * unit
    assert sum_tolerance(np.dtype(">f4"), 9, "log_probs") == pytest.approx(
        sum_tolerance(np.dtype(np.float32), 9, "probs") * (1 + math.log(9))
    )
    accepted = np.array([0.5, 0.5 + 2e-5], dtype=np.float32)
    assert over_blocks(lambda block: block.p.sum(axis=1), Distributions(accepted)) == 1.0
    with pytest.raises(ValueError, match="sum one"):
        over_blocks(_probabilities, Distributions(accepted.astype(np.float64)))
