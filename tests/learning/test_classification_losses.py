"""The loss of CMIC-DL."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from classifiers.support import EXAMPLE_B
from hypothesis import given, settings
from hypothesis import strategies as st
from learning.class_batches import (
    CLOSE,
    doubled,
    example_a,
    example_b,
    gradient,
    labels_of,
    loss_of,
    number,
    tensor,
)
from oracles import training as oracle

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")


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


# --------------------------------------------------------------------------------------- precision


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


# ----------------------------------------------------------------------------------------- at work


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
