"""The loss of CMIC-DL and its centroids."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from classifiers.support import EXAMPLE_A, EXAMPLE_B, LABELS_A, LABELS_B
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import training as oracle

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")

CLOSE = 1e-13  # some hundred terms of order one in double precision
DUMMY = [[0.6, 0.25, 0.15], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]]


def loss_of(*args: Any, **options: Any) -> Any:
    from infotheory.learning.losses.classification import CMICLoss

    return CMICLoss(*args, **options)


def doubled(*args: Any, **options: Any) -> Any:
    return loss_of(*args, **options).double().reset()  # a third is another one in each type


def tensor(values: Any, grad: bool = False) -> Any:
    import torch

    return torch.tensor(np.asarray(values, dtype=np.float64), requires_grad=grad)


def labels_of(values: Any) -> Any:
    import torch

    return torch.tensor(list(values), dtype=torch.int64)


def example_a(grad: bool = False) -> tuple[Any, Any]:
    return tensor(np.log(np.array(EXAMPLE_A)), grad), labels_of(LABELS_A)


def example_b(grad: bool = False) -> tuple[Any, Any]:
    return tensor(EXAMPLE_B, grad), labels_of(LABELS_B)


def number(value: Any) -> float:
    return float(value.detach())


def gradient(value: Any, logits: Any) -> Any:
    import torch

    return torch.autograd.grad(value, logits)[0]


# ------------------------------------------------------------------------------------ known values


def test_worked_example_a() -> None:
    logits, labels = example_a()
    criterion = doubled(3, 0.7, 0.4, centroid="batch")
    assert number(criterion(logits, labels)) == pytest.approx(0.1885177027901368, abs=CLOSE)
    want = {
        "cross_entropy": 0.5351512758698374,
        "cmi": 0.0525894429872832,
        "gamma": 0.9586154579269967,
    }
    assert {k: float(v) for k, v in criterion.terms.items()} == pytest.approx(want, abs=CLOSE)
    exact = doubled(3, 0.7, 0.4, centroid="epoch").fit(
        [(logits[:4], labels[:4]), (logits[4:], labels[4:])]
    )
    assert number(exact(logits, labels)) == pytest.approx(0.1885177027901368, abs=CLOSE)


def test_a_step_of_the_centroids_of_example_a() -> None:
    """Dummy centroids, then one moving average with decay 0.9 towards the true ones."""
    logits, labels = example_a()
    criterion = doubled(3, 0.7, 0.4, decay=0.9).set_centroids(DUMMY)
    criterion(logits, labels, update=False)
    assert number(criterion.terms["cmi"]) == pytest.approx(0.0592147124131202, abs=CLOSE)
    criterion.update(logits, labels)
    want = [
        [0.6, 0.25, 0.15],
        [0.2, 0.5966666666666667, 0.2033333333333333],
        [0.095, 0.195, 0.71],
    ]
    np.testing.assert_allclose(criterion.centroids, want, rtol=CLOSE)
    criterion(logits, labels, update=False)
    assert number(criterion.terms["cmi"]) == pytest.approx(0.0580338612700672, abs=CLOSE)


def test_worked_example_b() -> None:
    """Cross entropy, and the gradient as the sum of those printed."""
    logits, labels = example_b(grad=True)
    criterion = doubled(3, 2.0, 0.5, centroid="batch", gradient="both")
    loss = criterion(logits, labels)
    assert number(criterion.terms["cross_entropy"]) == pytest.approx(0.7936030038757195, abs=CLOSE)
    first = np.array(oracle.softmax_row(EXAMPLE_B[0])) - [1.0, 0.0, 0.0]
    cmi = np.array([0.036442294722740, -0.026641452182022, -0.009800842540718])
    gamma = np.array([0.069610499981928, -0.042243215589606, -0.027367284392322])
    np.testing.assert_allclose(
        gradient(loss, logits)[0], first / 5 + 2.0 * cmi - 0.5 * gamma, atol=3e-15
    )


# ------------------------------------------------------------------------- against the definitions


@settings(max_examples=20)
@given(data=st.data())
def test_value_and_gradient(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(1, 8)), data.draw(st.integers(2, 5))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    lam, beta = data.draw(st.sampled_from([0.0, 0.7, 3.0])), data.draw(st.sampled_from([0.0, 0.4]))
    rows, labels = 2 * rng.normal(size=(n, k)), rng.integers(0, k, n)
    y = labels.tolist()
    z = tensor(rows, grad=True)
    loss = doubled(k, lam, beta, centroid="batch", gradient="both")(z, labels_of(labels))
    want = oracle.objective(rows.tolist(), y, lam, beta)
    assert number(loss) == pytest.approx(want, abs=1e-12)
    slopes = oracle.slopes(lambda z: oracle.objective(z, y, lam, beta), rows.tolist())
    # Values up to some ten, differences over 1e-5.
    np.testing.assert_allclose(gradient(loss, z), slopes, atol=5e-9)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from(["ema", "epoch"]))
def test_given_centroids_are_constants(seed: int, centroid: str) -> None:
    """As PyTorch differentiates the formula with Q held constant."""
    import torch

    rng = np.random.default_rng(seed)
    z, labels = tensor(rng.normal(size=(7, 4)), grad=True), labels_of(rng.integers(0, 4, 7))
    q = tensor(rng.dirichlet(np.ones(4), 4))
    criterion = doubled(4, 0.7, 0.0, centroid=centroid).set_centroids(q)
    log_p = torch.log_softmax(z, 1)
    cross = torch.nn.functional.cross_entropy(z, labels)
    want = cross + 0.7 * (log_p.exp() * (log_p - q.log()[labels])).sum(1).mean()
    got = criterion(z, labels, update=False)
    assert number(got) == pytest.approx(number(want), abs=1e-12)
    np.testing.assert_allclose(gradient(got, z), gradient(want, z), atol=1e-13)


@pytest.mark.parametrize("gradient_of", ["both", "first"])
@pytest.mark.parametrize("unbiased", [False, True])
def test_options_reach_the_terms(gradient_of: str, unbiased: bool) -> None:
    from infotheory.learning.functional.classification import gamma

    options = {"gradient": gradient_of, "unbiased": unbiased}
    z, labels = example_b(grad=True)
    own = gradient(doubled(3, 0.0, 0.0, centroid="batch")(z, labels), z)
    loss = doubled(3, 0.0, 1.0, centroid="batch", **options)(z, labels)
    want = own - gradient(gamma(z, labels, **options), z)
    np.testing.assert_allclose(gradient(loss, z), want, atol=1e-15)


def test_without_weights_it_is_cross_entropy(torch: ModuleType) -> None:
    z, labels = example_b(grad=True)
    loss = doubled(3, 0.0, 0.0)(z, labels)
    want = torch.nn.functional.cross_entropy(z, labels)
    assert number(loss) == pytest.approx(number(want), abs=1e-15)
    np.testing.assert_allclose(gradient(loss, z), gradient(want, z), atol=1e-16)


@pytest.mark.parametrize("centroid", ["ema", "epoch", "batch"])
def test_gradcheck(centroid: str, torch: ModuleType) -> None:
    torch.manual_seed(0)
    z = torch.randn(8, 5, dtype=torch.float64, requires_grad=True)
    labels = labels_of([0, 1, 1, 4, 0, 1, 2, 2])
    criterion = doubled(5, 0.7, 0.4, centroid=centroid, gradient="both")
    criterion.set_centroids(torch.rand(5, 5).softmax(1))
    assert torch.autograd.gradcheck(lambda z: criterion(z, labels, update=False), z)


def test_the_graph_goes_through_the_network(torch: ModuleType) -> None:
    """Scaled losses and kept graphs, as gradient scaling and accumulation need them."""
    torch.manual_seed(1)
    network = torch.nn.Linear(3, 4)
    x, labels = torch.randn(6, 3), labels_of([0, 1, 2, 3, 0, 1])
    loss = loss_of(4, 0.7, 0.4, centroid="batch")(network(x), labels)
    loss.backward(retain_graph=True)
    once = network.weight.grad.clone()
    (loss * 1024.0).backward()
    assert torch.allclose(network.weight.grad, 1025.0 * once, rtol=1e-5)


# --------------------------------------------------------------------------------- moving centroids


def test_they_start_uniform_and_go_back() -> None:
    criterion = doubled(4, 0.7, 0.4)
    assert (criterion.centroids == 0.25).all()
    logits, labels = tensor(np.eye(4)), labels_of([0, 1, 2, 3])
    criterion.update(logits, labels)
    assert (criterion.seen == 1).all()
    criterion.reset()
    assert (criterion.centroids == 0.25).all()
    assert not criterion.seen.any()


def test_from_uniform_centroids_cmi_is_a_penalty_on_confidence() -> None:
    from infotheory.learning.functional.entropies import entropy

    logits, labels = example_b()
    criterion = doubled(3, 0.7, 0.4)
    criterion(logits, labels)
    want = math.log(3) - float(entropy(logits).mean())
    assert number(criterion.terms["cmi"]) == pytest.approx(want, abs=CLOSE)


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 0.99]))
def test_updates(seed: int, decay: float) -> None:
    """Steps of classes that are there; the others stay."""
    rng = np.random.default_rng(seed)
    criterion = doubled(5, 0.7, 0.4, decay=decay)
    q = [list(row) for row in criterion.centroids.tolist()]
    counts = [0] * 5
    for _ in range(3):
        rows, y = rng.normal(size=(6, 5)), rng.integers(0, 5, 6).tolist()
        criterion.update(tensor(rows), labels_of(y))
        for c, mean in oracle.centroids(rows.tolist(), y).items():
            q[c] = oracle.moved(q[c], mean, 1.0 - decay)
            counts[c] += y.count(c)
    np.testing.assert_allclose(criterion.centroids, q, atol=1e-14)
    assert criterion.seen.tolist() == counts


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_own_batches_move_them(seed: int) -> None:
    """By twice the share of the new samples, at most wholly, at least by 1 - decay."""
    rng = np.random.default_rng(seed)
    criterion = doubled(4, 0.7, 0.4, decay=0.6)
    q = [list(row) for row in criterion.centroids.tolist()]
    counts = [0] * 4
    for _ in range(6):
        rows, y = rng.normal(size=(5, 4)), rng.integers(0, 4, 5).tolist()
        criterion(tensor(rows, grad=True), labels_of(y))
        for c, mean in oracle.centroids(rows.tolist(), y).items():
            m = y.count(c)
            share = 2.0 * m / (counts[c] + m)
            q[c] = oracle.moved(q[c], mean, min(1.0, max(0.4, share)))
            counts[c] += m
        np.testing.assert_allclose(criterion.centroids, q, atol=1e-14)


def test_steps_normalise() -> None:
    """What rounding has left over is taken out again."""
    z, labels = example_b(grad=True)
    for step in ("update", "__call__"):
        criterion = doubled(3, 0.7, 0.4).set_centroids(DUMMY)
        criterion.centroids *= 1.001
        getattr(criterion, step)(z, labels)
        assert criterion.centroids.sum(1).tolist() == pytest.approx([1.0] * 3, abs=1e-15)


def test_the_first_batch_replaces_the_uniform_start() -> None:
    z, labels = example_b(grad=True)
    criterion = doubled(3, 0.7, 0.4)
    criterion(z, labels)
    exact = doubled(3, 0.7, 0.4, centroid="batch")
    want = number(exact(z, labels))
    assert number(criterion(z, labels, update=False)) == pytest.approx(want, abs=CLOSE)


@pytest.mark.parametrize("case", ["update=False", "eval", "no_grad", "constant", "batch", "epoch"])
def test_when_they_stay(case: str, torch: ModuleType) -> None:
    z, labels = example_b(grad=case != "constant")
    centroid = case if case in ("batch", "epoch") else "ema"
    criterion = doubled(3, 0.7, 0.4, centroid=centroid).set_centroids(DUMMY)
    before = criterion.centroids.clone()
    criterion.train(case != "eval")
    with torch.set_grad_enabled(case != "no_grad"):
        criterion(z, labels, update=case != "update=False")
    assert torch.equal(criterion.centroids, before)


def test_more_classes_than_samples(torch: ModuleType) -> None:
    """Only what is met is looked at and moved."""
    torch.manual_seed(2)
    z = torch.randn(6, 50, dtype=torch.float64, requires_grad=True)
    labels = labels_of([3, 3, 49, 7, 7, 0])
    wide = doubled(50, 0.7, 0.4).set_centroids(torch.rand(50, 50).softmax(1))
    before = wide.centroids.clone()
    value = wide(z, labels)
    log_q = {c: row.log().tolist() for c, row in enumerate(before)}
    want = oracle.surrogate(z.tolist(), labels.tolist(), log_q)
    assert number(wide.terms["cmi"]) == pytest.approx(want, abs=1e-12)
    assert value.isfinite()
    moved = (wide.centroids != before).any(1)
    assert moved.nonzero()[:, 0].tolist() == [0, 3, 7, 49]


def test_stored_zeros_are_raised(torch: ModuleType) -> None:
    """A symbol that a centroid lacks costs ln 1e12, not infinity."""
    criterion = doubled(2, 1.0, 0.0).set_centroids([[1.0, 0.0], [0.5, 0.5]])
    z = tensor([[0.0, 100.0]], grad=True)
    loss = criterion(z, labels_of([0]), update=False)
    assert number(criterion.terms["cmi"]) == pytest.approx(12 * math.log(10), rel=1e-12)
    assert gradient(loss, z).isfinite().all()


# --------------------------------------------------------------------------------- exact centroids


def test_a_pass_gives_the_class_means(torch: ModuleType) -> None:
    torch.manual_seed(3)
    logits, labels = torch.randn(40, 6), torch.randint(0, 5, (40,))
    criterion = loss_of(6, 0.7, 0.4, centroid="epoch")
    rows = torch.arange(40)
    parts = [slice(0, 17), slice(17, 18), slice(18, 40)]
    criterion.fit((logits[p], labels[p], rows[p]) for p in parts)
    want = oracle.centroids(logits.double().tolist(), labels.tolist())
    for c, row in want.items():
        np.testing.assert_allclose(criterion.centroids[c], row, rtol=2.0**-23)
    assert (criterion.centroids[5] == 1 / 6).all()  # no sample
    assert criterion.seen.tolist() == torch.bincount(labels, minlength=6).tolist()


def test_a_pass_in_half_precision(torch: ModuleType) -> None:
    logits, labels = torch.randn(9, 3).bfloat16(), torch.arange(9) % 3
    criterion = loss_of(3, 0.7, 0.4, centroid="epoch").fit([(logits, labels)])
    want = oracle.centroids(logits.double().tolist(), labels.tolist())
    np.testing.assert_allclose(criterion.centroids, [want[c] for c in range(3)], rtol=2.0**-23)


def test_another_pass_replaces_the_first() -> None:
    logits, labels = example_a()
    criterion = doubled(3, 0.7, 0.4, centroid="epoch").fit([(logits.flip(1), labels)])
    criterion.fit([(logits, labels)])
    assert number(criterion(logits, labels)) == pytest.approx(0.1885177027901368, abs=CLOSE)
    assert criterion.seen.tolist() == [2, 3, 1]


# ------------------------------------------------------------------------------------ saved state


def test_state_is_restored_bit_for_bit(tmp_path: Path, torch: ModuleType) -> None:
    z, labels = example_b(grad=True)
    criterion = doubled(3, 0.7, 0.4, decay=0.9)
    criterion(z, labels)
    assert sorted(criterion.state_dict()) == ["centroids", "seen"]
    torch.save(criterion.state_dict(), tmp_path / "state.pt")
    other = doubled(3, 0.7, 0.4, decay=0.9)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    twin = copy.deepcopy(criterion)
    for _ in range(3):
        want = criterion(z, labels)
        assert torch.equal(other(z, labels), want)
        assert torch.equal(twin(z, labels), want)
    assert torch.equal(other.centroids, criterion.centroids)
    assert torch.equal(other.seen, criterion.seen)


def test_restored_centroids_count_as_computed() -> None:
    logits, labels = example_b()
    saved = doubled(3, 0.7, 0.4, centroid="epoch").fit([(logits, labels)]).state_dict()
    other = doubled(3, 0.7, 0.4, centroid="epoch")
    empty = other.state_dict()
    empty = {name: value.clone() for name, value in empty.items()}
    other.load_state_dict(saved)
    assert number(other(logits, labels)) < 1
    other.load_state_dict(empty)
    with pytest.raises(ValueError, match="fit"):
        other(logits, labels)


@pytest.mark.parametrize("wrap", [False, True])
def test_state_of_another_shape_is_refused(wrap: bool, torch: ModuleType) -> None:
    given_state, own = loss_of(5, 0.7, 0.4), loss_of(3, 0.7, 0.4)
    if wrap:
        given_state, own = torch.nn.Sequential(given_state), torch.nn.Sequential(own)
    with pytest.raises(
        ValueError,
        match=r"^state_dict must have centroids of shape \(3, 3\); got shape \(5, 5\)\. It was",
    ):
        own.load_state_dict(given_state.state_dict())


def test_missing_state_is_told() -> None:
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "seen"'):
        loss_of(3, 0.7, 0.4).load_state_dict({"centroids": loss_of(3, 0.7, 0.4).centroids})


# --------------------------------------------------------------------------------------- precision


def test_centroids_are_never_in_half_precision(torch: ModuleType) -> None:
    criterion = loss_of(3, 0.7, 0.4).set_centroids(DUMMY)
    for convert in (lambda c: c.half(), lambda c: c.bfloat16(), lambda c: c.to(torch.float16)):
        assert convert(criterion).centroids.dtype == torch.float32
        assert torch.equal(criterion.centroids, torch.tensor(DUMMY))
    assert criterion.double().centroids.dtype == torch.float64


def test_updates_in_half_precision(torch: ModuleType) -> None:
    torch.manual_seed(8)
    z, labels = torch.randn(12, 5).bfloat16(), torch.randint(0, 5, (12,))
    plain, cast = loss_of(5, 0.7, 0.4), loss_of(5, 0.7, 0.4)
    plain.update(z.float(), labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast.update(z, labels)
    assert torch.equal(plain.centroids, cast.centroids)


def test_autocast(torch: ModuleType) -> None:
    """As in single precision of the logits that were rounded."""
    torch.manual_seed(4)
    z = torch.randn(12, 5).bfloat16().requires_grad_()
    labels = torch.randint(0, 5, (12,))
    plain, cast = loss_of(5, 0.7, 0.4), loss_of(5, 0.7, 0.4)
    for _ in range(2):
        want = plain(z.detach().float().requires_grad_(), labels)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = cast(z, labels)
        assert got.dtype == torch.float32
        assert torch.equal(got, want)
        assert torch.equal(plain.centroids, cast.centroids)


@pytest.mark.parametrize("centroid", ["ema", "batch"])
def test_extreme_logits(centroid: str, torch: ModuleType) -> None:
    z = torch.zeros(4, 3)
    z[range(4), [0, 1, 1, 2]] = 1e4
    z[3, 0] = -1e4
    z.requires_grad_()
    criterion = loss_of(3, 0.7, 0.4, centroid=centroid)
    for _ in range(3):
        loss = criterion(z, labels_of([0, 0, 1, 2]))
        assert loss.isfinite()
        assert gradient(loss, z).isfinite().all()
        assert criterion.centroids.isfinite().all()


def test_the_order_of_the_batch_does_not_matter(torch: ModuleType) -> None:
    torch.manual_seed(5)
    z, labels = torch.randn(30, 8, dtype=torch.float64), torch.randint(0, 8, (30,))
    order = torch.randperm(30)
    first, second = doubled(8, 0.7, 0.4), doubled(8, 0.7, 0.4)
    for _ in range(2):
        a, b = z.clone().requires_grad_(), z[order].requires_grad_()
        one, two = first(a, labels), second(b, labels[order])
        assert number(one) == pytest.approx(number(two), abs=CLOSE)
        assert torch.allclose(gradient(one, a)[order], gradient(two, b), atol=1e-15)
    assert torch.allclose(first.centroids, second.centroids, atol=1e-15)


def test_a_batch_of_one_class_or_one_sample(torch: ModuleType) -> None:
    for rows in ([0, 1], [0]):
        z, labels = example_b(grad=True)
        criterion = doubled(3, 0.7, 0.4, centroid="batch")
        loss = criterion(z[rows], labels[rows])
        assert gradient(loss, z).isfinite().all()
        assert number(criterion.terms["gamma"]) == 0.0


def test_outputs_beyond_the_classes() -> None:
    """A head of more columns than classes."""
    z = tensor(np.random.default_rng(6).normal(size=(6, 5)), grad=True)
    labels = labels_of([0, 1, 2, 0, 1, 2])
    criterion = doubled(3, 0.7, 0.4, n_outputs=5, centroid="batch")
    want = oracle.objective(z.tolist(), labels.tolist(), 0.7, 0.4)
    assert number(criterion(z, labels)) == pytest.approx(want, abs=CLOSE)
    assert criterion.centroids.shape == (3, 5)


# ------------------------------------------------------------------------------------------ at work


@pytest.mark.parametrize("centroid", ["ema", "batch"])
def test_twenty_steps_lower_the_objective(centroid: str, torch: ModuleType) -> None:
    """From random weights on clusters that overlap a little: by a third of ln 4 at least."""
    torch.manual_seed(6)
    labels = torch.arange(64) % 4
    x = torch.randn(4, 8)[labels] * 2 + torch.randn(64, 8)
    network = torch.nn.Linear(8, 4)
    criterion = loss_of(4, lam=0.7, beta=0.4, centroid=centroid)
    exact = loss_of(4, lam=0.7, beta=0.4, centroid="batch")
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    before = number(exact(network(x), labels))
    for _ in range(20):
        optimiser.zero_grad()
        criterion(network(x), labels).backward()
        optimiser.step()
    after = number(exact(network(x), labels))
    assert after < before - math.log(4) / 3
    assert number(criterion.terms["gamma"]) > 0


@pytest.mark.parametrize("centroid", ["ema", "batch"])
def test_certain_answers_are_not_pushed_further(centroid: str, torch: ModuleType) -> None:
    """By default; the true gradient of Gamma would lower the loss without end."""
    z = (40.0 * torch.eye(4)).requires_grad_()  # other probabilities are exp(-40)
    labels = torch.arange(4)
    sizes = {}
    for gradient_of in ("first", "both"):
        options = {} if gradient_of == "first" else {"gradient": "both"}
        criterion = loss_of(4, 0.7, 0.4, centroid=centroid, **options)
        slope = gradient(criterion(z, labels, update=False), z)
        sizes[gradient_of] = float(slope.abs().max())
    assert sizes["first"] < 1e-13  # exp(-40) times logarithms
    assert sizes["both"] > 0.01


def test_it_says_what_it_is() -> None:
    text = repr(loss_of(3, 0.7, 0.4, decay=0.99))
    assert text == (
        "CMICLoss(3, lam=0.7, beta=0.4, n_outputs=3, centroid='ema', decay=0.99, "
        "gradient='first', unbiased=False)"
    )


def test_terms_are_constants() -> None:
    z, labels = example_b(grad=True)
    criterion = doubled(3, 0.7, 0.4)
    loss = criterion(z, labels)
    assert list(criterion.terms) == ["cross_entropy", "cmi", "gamma"]
    assert not any(term.requires_grad for term in criterion.terms.values())
    parts = criterion.terms
    total = parts["cross_entropy"] + 0.7 * parts["cmi"] - 0.4 * parts["gamma"]
    assert number(loss) == pytest.approx(float(total), abs=1e-15)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lam": -0.1}, r"^lam must be a finite number of at least 0; got -0\.1\."),
        ({"lam": math.inf}, r"^lam must be a finite number of at least 0; got inf\."),
        ({"lam": "high"}, r"^lam must be a finite number of at least 0; got 'high'\."),
        ({"beta": -1}, r"^beta must be a finite number of at least 0; got -1\."),
        ({"beta": math.nan}, r"^beta must be a finite number of at least 0; got nan\."),
        ({"decay": 1.0}, r"^decay must be a number in \[0, 1\); got 1\.0\. It is what stays"),
        ({"decay": -0.5}, r"^decay must be a number in \[0, 1\); got -0\.5\."),
        ({"decay": True}, r"^decay must be a number in \[0, 1\); got True\."),
        ({"centroid": "mean"}, r"^centroid must be one of 'ema', 'epoch', 'batch'; got 'mean'"),
        ({"gradient": "second"}, r"^gradient must be one of 'both', 'first'; got 'second'"),
        ({"unbiased": 1}, r"^unbiased must be True or False; got 1\."),
        ({"n_outputs": 2}, r"^n_outputs must be at least n_classes, 3, and 2; got 2\. Labels"),
        ({"n_classes": 0}, r"^n_classes must be a positive integer"),
        ({"n_classes": 1}, r"^n_outputs must be at least n_classes, 1, and 2; got 1\."),
    ],
)
def test_refused_arguments(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        loss_of(**({"n_classes": 3, "lam": 0.7, "beta": 0.4} | options))


def test_refused_batches() -> None:
    logits, labels = example_b()
    criterion = doubled(3, 0.7, 0.4)
    with pytest.raises(ValueError, match=r"^labels must .*in \[0, 3\); got 3 in row 1\."):
        criterion(logits, labels_of([0, 3, 0, 0, 0]))
    with pytest.raises(ValueError, match=r"^logits must have 3 columns, as the centroids; got 2\."):
        criterion(logits[:, :2], labels)
    with pytest.raises(ValueError, match=r"^logits must have 3 columns, as the centroids; got 2\."):
        criterion.fit([(logits[:, :2], labels)])
    with pytest.raises(TypeError, match=r"^labels must be integers; got torch.float64\."):
        criterion.update(logits, labels.double())


def test_centroids_of_an_epoch_need_a_pass() -> None:
    logits, labels = example_b()
    criterion = doubled(3, 0.7, 0.4, centroid="epoch")
    with pytest.raises(
        ValueError,
        match=r"^centroids must be computed before the first batch with centroid='epoch'; got a "
        r"loss without any\. Call fit\(batches\)",
    ):
        criterion(logits, labels)
    criterion.fit([(logits, labels)])
    criterion(logits, labels)
    criterion.reset()
    with pytest.raises(ValueError, match="Call fit"):
        criterion(logits, labels)


def test_a_pass_without_samples_is_refused() -> None:
    criterion = doubled(3, 0.7, 0.4)
    used_up = iter([])
    with pytest.raises(ValueError, match=r"^batches must have at least one sample; got none\."):
        criterion.fit(used_up)
    assert (criterion.centroids == 1 / 3).all()


@pytest.mark.parametrize(
    ("centroids", "text"),
    [
        (np.eye(4), r"^centroids must have shape \(3, 3\); got shape \(4, 4\)\."),
        ([[1, 0, 0], [0, 1, 0], [1, 1, 0]], r"^centroids must be distributions.*got row 2 with"),
        (
            [[1, 0, 0], [-1, 2, 0], [1, 0, 0]],
            r"got row 1 with sum 1 and least entry -1\. Pass prob",
        ),
        ([[math.nan] * 3] * 3, r"got row 0 with sum nan"),
    ],
)
def test_refused_centroids(centroids: Any, text: str) -> None:
    criterion = doubled(3, 0.7, 0.4)
    with pytest.raises(ValueError, match=text):
        criterion.set_centroids(centroids)
    assert not criterion.seen.any()


def test_given_centroids_are_normalised_and_counted() -> None:
    criterion = doubled(2, 0.7, 0.4, decay=0.99).set_centroids([[0.50002, 0.5], [1.0, 0.0]])
    assert float(criterion.centroids.sum(1).max()) == pytest.approx(1.0, abs=1e-15)
    assert criterion.seen.tolist() == [100, 100]
    assert criterion.set_centroids([[0.5, 0.5]] * 2, seen=[3, 4]).seen.tolist() == [3, 4]


def test_another_device_is_told(torch: ModuleType) -> None:
    criterion = loss_of(3, 0.7, 0.4).to("meta")
    with pytest.raises(
        ValueError,
        match=r"^logits must be on meta.*got a tensor on cpu\. Move the loss: criterion\.to",
    ):
        criterion(torch.zeros(2, 3), labels_of([0, 1]))


@pytest.mark.gpu
def test_on_a_device(torch: ModuleType) -> None:
    """The same as on the host; all classes have a slot there."""
    torch.manual_seed(7)
    z, labels = torch.randn(20, 50, dtype=torch.float64), torch.randint(0, 50, (20,))
    here, there = doubled(50, 0.7, 0.4), doubled(50, 0.7, 0.4).cuda()
    for _ in range(3):
        a, b = z.clone().requires_grad_(), z.cuda().requires_grad_()
        one, two = here(a, labels), there(b, labels.cuda())
        assert number(one) == pytest.approx(number(two.cpu()), abs=1e-12)
        assert torch.allclose(gradient(one, a), gradient(two, b).cpu(), atol=1e-13)
        assert torch.allclose(here.centroids, there.centroids.cpu(), atol=1e-14)


def test_a_batch_that_overflowed_moves_nothing(torch: Any) -> None:
    """A loop that skips the batch goes on as if it had not been."""
    from infotheory.learning.losses import CMICLoss, MCMITeacherLoss

    good = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    bad = good.clone()
    bad[0, 1] = math.inf
    for criterion in (CMICLoss(3, 0.3, 0.1), MCMITeacherLoss(3, 0.1, centroid="ema")):
        first = criterion(good.clone().requires_grad_(), labels)
        kept = criterion.centroids.clone(), criterion.seen.clone()
        assert not criterion(bad.clone().requires_grad_(), labels).isfinite()
        assert torch.equal(criterion.centroids[0], kept[0][0])
        assert criterion.seen[0] == kept[1][0]
        assert criterion(good.clone().requires_grad_(), labels).isfinite()
        assert first.isfinite()
