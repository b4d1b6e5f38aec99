"""The loss of teachers of most conditional mutual information."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import EXAMPLE_B, LABELS_B
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import training as oracle

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")

CLOSE = 1e-13  # some hundred terms of order one in double precision


def loss_of(*args: Any, **options: Any) -> Any:
    from infotheory.learning.losses.teacher import MCMITeacherLoss

    return MCMITeacherLoss(*args, **options).double().reset()


def tensor(values: Any, grad: bool = False) -> Any:
    import torch

    return torch.tensor(np.asarray(values, dtype=np.float64), requires_grad=grad)


def labels_of(values: Any) -> Any:
    import torch

    return torch.tensor(list(values), dtype=torch.int64)


def example_b(grad: bool = False) -> tuple[Any, Any]:
    return tensor(EXAMPLE_B, grad), labels_of(LABELS_B)


def number(value: Any) -> float:
    return float(value.detach())


def gradient(value: Any, logits: Any) -> Any:
    import torch

    return torch.autograd.grad(value, logits)[0]


def numbered(logits: Any, labels: Any) -> Any:
    """One pass in two parts, in another order than that of the numbers."""
    rows = labels_of(range(len(labels)))
    order = rows.flip(0)
    for part in order.split(max(1, len(order) // 2)):
        yield logits[part], labels[part], part


# ------------------------------------------------------------------------------------ known values


def test_worked_example_a() -> None:
    logits, labels = example_b(grad=True)
    criterion = loss_of(3, 0.15).fit([(logits, labels)])
    want = [
        [0.575495310099919, 0.310337795220124, 0.114166894679957],
        [0.186222953302010, 0.559465183961305, 0.254311862736685],
        [0.589797663656813, 0.131601647146914, 0.278600689196273],
    ]
    np.testing.assert_allclose(criterion.centroids, want, atol=1e-15)
    loss = criterion(logits, labels)
    assert number(loss) == pytest.approx(0.7766436725743778, abs=CLOSE)
    terms = {name: number(value) for name, value in criterion.terms.items()}
    assert terms == pytest.approx(
        {
            "cross_entropy": 0.7936030038757195,
            "surrogate": 0.1130622086756108,
            "cmi": 0.1130622086756108,
        },
        abs=CLOSE,
    )
    criterion(1.3 * logits, labels)
    assert number(criterion.terms["surrogate"]) == pytest.approx(0.1638099112473312, abs=CLOSE)
    assert number(criterion.terms["cmi"]) == pytest.approx(0.1584343880512710, abs=CLOSE)


def test_worked_example_d() -> None:
    """A frozen centroid sees something in two equal rows, which have no CMI."""
    criterion = loss_of(3, 0.15).set_centroids([[0.8, 0.1, 0.1]] * 3)
    criterion(tensor([(1, 0, 0), (1, 0, 0)]), labels_of([0, 0]))
    assert number(criterion.terms["surrogate"]) == pytest.approx(0.1292558807825835, abs=CLOSE)
    assert number(criterion.terms["cmi"]) == 0.0


def test_worked_example_f() -> None:
    logits, labels = example_b()
    criterion = loss_of(3, 0.15, centroid="reverse", n_samples=5).fit(numbered(logits, labels))
    rows = labels_of([3, 0, 4, 1, 2])
    after = 1.3 * logits[rows]
    loss = criterion(after, labels[rows], rows=rows)
    terms = {name: number(value) for name, value in criterion.terms.items()}
    assert terms["surrogate"] == pytest.approx(0.1517924871434507, abs=CLOSE)
    assert terms["cmi"] == pytest.approx(0.1584343880512710, abs=CLOSE)
    want = terms["cross_entropy"] - 0.15 * terms["surrogate"]
    assert number(loss) == pytest.approx(want, abs=1e-15)


# ----------------------------------------------------------------------------------- what is true


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from(["frozen", "epoch", "ema", "batch", "reverse"]))
def test_value_and_gradient(seed: int, centroid: str) -> None:
    """The formula by PyTorch, with what was stored as a constant."""
    import torch

    rng = np.random.default_rng(seed)
    n, k, lam = 7, 4, float(rng.uniform(0, 1))
    before = tensor(rng.normal(size=(n, k)))
    z, labels = tensor(rng.normal(size=(n, k)), grad=True), labels_of(rng.integers(0, k, n))
    samples = {"n_samples": n} if centroid == "reverse" else {}
    criterion = loss_of(k, lam, centroid=centroid, **samples)
    criterion.fit(numbered(before, labels))
    log_p = torch.log_softmax(z, 1)
    q = oracle.log_centroids(before.tolist(), labels.tolist())
    log_q = tensor([q.get(c, [-math.log(k)] * k) for c in range(k)])
    if centroid == "reverse":
        slopes = torch.log_softmax(before, 1) - log_q[labels]
    elif centroid == "batch":
        own = oracle.log_centroids(z.tolist(), labels.tolist())
        slopes = log_p - tensor([own[int(y)] for y in labels])
    else:
        slopes = log_p - log_q[labels]
    surrogate = (log_p.exp() * slopes).sum(1).mean()
    want = torch.nn.functional.cross_entropy(z, labels) - lam * surrogate
    extra = {"rows": labels_of(range(n))} if centroid == "reverse" else {}
    got = criterion(z, labels, **extra)
    assert number(got) == pytest.approx(number(want), abs=1e-12)
    np.testing.assert_allclose(gradient(got, z), gradient(want, z), atol=1e-13)
    exact = oracle.cmi(z.tolist(), labels.tolist())
    assert number(criterion.terms["cmi"]) == pytest.approx(exact, abs=1e-12)
    assert number(criterion.terms["surrogate"]) == pytest.approx(number(surrogate), abs=1e-12)
    if centroid == "reverse":
        assert number(surrogate) <= exact + 1e-13
    else:
        assert number(surrogate) >= exact - 1e-13


def test_the_loss_is_affine_in_its_weight() -> None:
    z, labels = example_b(grad=True)
    stored = 0.5 * z.detach()
    values = []
    for lam in (0.0, 0.25, 1.0):
        criterion = loss_of(3, lam).fit([(stored, labels)])
        values.append(number(criterion(z, labels)))
    assert values[0] == pytest.approx(number(criterion.terms["cross_entropy"]), abs=1e-15)
    surrogate = number(criterion.terms["surrogate"])
    for lam, value in zip((0.0, 0.25, 1.0), values, strict=True):
        assert value == pytest.approx(values[0] - lam * surrogate, abs=1e-14)


def test_rows_at_their_centroid_have_no_slope_of_cmi() -> None:
    import torch

    z = tensor([[1.0, 0.0, -1.0]] * 4, grad=True)
    labels = labels_of([0, 0, 1, 1])
    criterion = loss_of(3, 0.2).fit([(z, labels)])
    want = gradient(torch.nn.functional.cross_entropy(z, labels), z)
    np.testing.assert_allclose(gradient(criterion(z, labels), z), want, atol=1e-16)


def test_the_bound_cannot_be_fooled() -> None:
    """Both answers become the same: the frozen surrogate rises, the bound falls below zero."""
    before, after = tensor([(1, 0, 0), (0, 1, 0)]), tensor([(1, 0, 0), (1, 0, 0)])
    labels, rows = labels_of([0, 0]), labels_of([0, 1])
    frozen = loss_of(3, 0.2).fit([(before, labels)])
    frozen(after, labels)
    assert number(frozen.terms["surrogate"]) == pytest.approx(0.0874304123132399, abs=CLOSE)
    reverse = loss_of(3, 0.2, centroid="reverse", n_samples=2).fit([(before, labels, rows)])
    reverse(after, labels, rows=rows)
    assert number(reverse.terms["surrogate"]) == pytest.approx(-0.0946572512611320, abs=CLOSE)


def test_extreme_outputs_are_stored_as_logarithms() -> None:
    """Where every probability underflows, the ratio is that of the logarithms."""
    before = tensor([[1e4, 0.0, -1e4], [1e4, 1.0, -2e4], [0.0, 1e4, 0.0]])
    labels, rows = labels_of([0, 0, 1]), labels_of([0, 1, 2])
    criterion = loss_of(3, 0.2, centroid="reverse", n_samples=3).fit([(before, labels, rows)])
    assert criterion.log_ratio.isfinite().all()
    assert float(criterion.log_ratio.max()) <= math.log(2)
    assert (criterion.log_ratio[2] == 0).all()
    want = math.log(2) - math.log1p(math.exp(1))
    assert float(criterion.log_ratio[0, 1]) == pytest.approx(want, abs=1e-11)  # of 1e4


def test_moving_averages() -> None:
    import torch

    z, labels = example_b(grad=True)
    criterion = loss_of(3, 0.15, centroid="ema", decay=0.9)
    criterion(z, labels)
    want = torch.stack([z[labels == c].softmax(1).mean(0) for c in range(3)]).detach()
    assert torch.allclose(criterion.centroids, want, atol=1e-15)
    for stays in (loss_of(3, 0.15), loss_of(3, 0.15, centroid="epoch")):
        stays.fit([(0.5 * z, labels)])
        before = stays.centroids.clone()
        stays(z, labels)
        assert torch.equal(stays.centroids, before)
    before = criterion.centroids.clone()
    criterion(2 * z, labels, update=False)
    assert torch.equal(criterion.centroids, before)


@pytest.mark.parametrize("centroid", ["frozen", "reverse"])
def test_state_goes_through_a_file(centroid: str, tmp_path: Any) -> None:
    import torch

    logits, labels = example_b()
    samples = {"n_samples": 5} if centroid == "reverse" else {}
    extra = {"rows": labels_of(range(5))} if samples else {}
    criterion = loss_of(3, 0.15, centroid=centroid, **samples).fit(numbered(logits, labels))
    torch.save(criterion.state_dict(), tmp_path / "loss.pt")
    other = loss_of(3, 0.15, centroid=centroid, **samples)
    other.load_state_dict(torch.load(tmp_path / "loss.pt", weights_only=True))
    want = criterion(2 * logits, labels, **extra)
    assert torch.equal(other(2 * logits, labels, **extra), want)


def test_twenty_steps_raise_cmi() -> None:
    """Each centroid raises the exact CMI of a fitted classifier, and says so."""
    import torch

    torch.manual_seed(0)
    labels = torch.arange(60) % 3
    x = torch.randn(3, 6)[labels] * 2 + torch.randn(60, 6)
    start = torch.nn.Linear(6, 3)
    cross = torch.nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(start.parameters(), lr=0.5)
    for _ in range(100):
        optimiser.zero_grad()
        cross(start(x), labels).backward()
        optimiser.step()
    rows = torch.arange(60)
    gains = {}
    for centroid in ("frozen", "epoch", "ema", "batch", "reverse"):
        network = torch.nn.Linear(6, 3)
        network.load_state_dict(start.state_dict())
        samples = {"n_samples": 60} if centroid == "reverse" else {}
        extra = {"rows": rows} if samples else {}
        criterion = loss_of(3, 2.0, centroid=centroid, **samples).float()
        optimiser = torch.optim.SGD(network.parameters(), lr=0.2)
        criterion.fit([(network(x).detach(), labels, rows)])
        values = []
        for _ in range(20):
            optimiser.zero_grad()
            criterion(network(x), labels, **extra).backward()
            optimiser.step()
            values.append(number(criterion.terms["cmi"]))
        gains[centroid] = values[-1] / values[0]
    assert min(gains.values()) > 1.1


def test_it_says_what_it_is() -> None:
    assert repr(loss_of(3, 0.15)) == (
        "MCMITeacherLoss(3, lam=0.15, n_outputs=3, centroid='frozen', decay=0.9999)"
    )
    reverse = loss_of(3, 0.15, centroid="reverse", n_samples=9)
    assert "centroid='reverse', n_samples=9, decay" in repr(reverse)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("centroid", ["frozen", "epoch", "reverse"])
def test_a_pass_is_needed(centroid: str) -> None:
    logits, labels = example_b()
    criterion = loss_of(3, 0.15, centroid=centroid, n_samples=5 if centroid == "reverse" else None)
    text = rf"^centroids must be computed before the first batch with centroid='{centroid}'"
    with pytest.raises(ValueError, match=text):
        criterion(logits, labels)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lam": -0.15}, r"^lam must be a finite number of at least 0; got -0\.15\."),
        ({"centroid": "fixed"}, r"^centroid must be one of 'frozen', .*'reverse'; got 'fixed'"),
        ({"centroid": "reverse"}, r"^n_samples must be given with centroid='reverse' and with no"),
        ({"n_samples": 5}, r"^n_samples must be given with .*; got 5 with centroid='frozen'\."),
        ({"centroid": "reverse", "n_samples": 0}, r"^n_samples must be a positive integer"),
    ],
)
def test_refused_arguments(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        loss_of(**({"n_classes": 3, "lam": 0.15} | options))


def test_refused_rows() -> None:
    logits, labels = example_b()
    criterion = loss_of(3, 0.15, centroid="reverse", n_samples=5).fit(numbered(logits, labels))
    with pytest.raises(
        ValueError, match=r"^rows must be given with centroid='reverse'; got None\."
    ):
        criterion(logits, labels)
    with pytest.raises(ValueError, match=r"^rows must be numbers of samples in \[0, 5\); got 5\."):
        criterion(logits, labels, rows=labels_of([0, 1, 2, 3, 5]))
    with pytest.raises(ValueError, match=r"^rows must have shape \(5,\); got shape \(4,\)\."):
        criterion(logits, labels, rows=labels_of([0, 1, 2, 3]))
    with pytest.raises(
        TypeError, match=r"^rows must be a tensor of integers; got torch\.float64\."
    ):
        criterion(logits, labels, rows=labels_of(range(5)).double())
    with pytest.raises(TypeError, match=r"^rows must be a tensor of integers; got list\."):
        criterion(logits, labels, rows=[0, 1, 2, 3, 4])


def test_a_pass_of_the_reverse_channel_meets_every_sample_once() -> None:
    logits, labels = example_b()
    rows = labels_of(range(5))
    criterion = loss_of(3, 0.15, centroid="reverse", n_samples=5).fit(numbered(logits, labels))
    with pytest.raises(ValueError, match=r"^batches must be triples .* got pairs\. Number the"):
        criterion.fit([(logits, labels)])
    with pytest.raises(ValueError, match=r"all 5 samples, each once; got 0 times sample 4\. Pass"):
        criterion.fit([(logits[:4], labels[:4], rows[:4])])
    twice = [(logits, labels, rows), (logits[2:3], labels[2:3], rows[2:3])]
    with pytest.raises(ValueError, match=r"got 2 times sample 2\."):
        criterion.fit(twice)
    with pytest.raises(ValueError, match="Call fit"):  # nothing half made is used
        criterion(logits, labels, rows=rows)


def test_state_of_other_samples_is_refused() -> None:
    saved = loss_of(3, 0.15, centroid="reverse", n_samples=5).state_dict()
    with pytest.raises(
        ValueError, match=r"^state_dict must have log_ratio of shape \(7, 3\); got shape \(5, 3\)\."
    ):
        loss_of(3, 0.15, centroid="reverse", n_samples=7).load_state_dict(saved)
