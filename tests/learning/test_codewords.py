"""The NCMI surrogate loss: features as distributions, codewords, decoding."""

from __future__ import annotations

import copy
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import codewords as oracle

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to train with")

# The worked example of the specification: m = 4, C = 3, T = 0.2.
FEATURES = [
    [1.0, -0.5, 0.2, 0.3],
    [0.8, -0.2, -0.4, 0.1],
    [-0.3, 0.9, 0.1, -0.2],
    [0, 0.2, 1.1, 0.4],
]
LABELS = [0, 0, 1, 2]
CENTRE = [0.375, 0.1, 0.25, 0.15]
CODEBOOK = [[10.0 * (c == k) + 1e-6 for k in range(4)] for c in range(3)]
EPSILON = 1e-8  # of the released code


def functional() -> Any:
    from infotheory.learning.functional import codewords

    return codewords


def made(*args: Any, **options: Any) -> Any:
    from infotheory.learning.losses.codewords import NCMILoss

    return NCMILoss(*args, **options)


def rows(values: Any, grad: bool = False, dtype: str = "float64") -> Any:
    return torch.tensor(values, dtype=getattr(torch, dtype), requires_grad=grad)


def labels_of(values: list[int]) -> Any:
    return torch.tensor(values)


def released(**options: Any) -> Any:
    """The loss of the worked example."""
    # Buffers are made in double precision: 1e-6 and 10 are not whole numbers of single units.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return made(3, 4, epsilon=EPSILON, **options)
    finally:
        torch.set_default_dtype(before)


def random_case(n: int = 9, m: int = 5, c: int = 3, seed: int = 0) -> tuple[Any, Any, Any]:
    """Features, labels that meet every class, and arguments of codewords."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(c), rng.integers(0, c, n - c)])
    arrays = rng.normal(size=(n, m)), labels, rng.normal(size=(c, m))
    return tuple(torch.from_numpy(array) for array in arrays)


def log_p_of(features: Any, temperature: float = 0.2) -> Any:
    centre = features.mean(0).detach()
    u = functional().normalised_features(features, centre, temperature)
    return functional().log_sigmax(u)


def broadcast_loss(log_p: Any, labels: Any, log_s: Any) -> Any:
    """As the released code has it: a tensor of samples, classes and features."""
    pairs = (log_s.exp() * (log_s - log_p[:, None])).sum(2)
    others = pairs.masked_fill(torch.nn.functional.one_hot(labels, len(log_s)).bool(), 0.0)
    own = (log_p.exp() * (log_p - log_s[labels])).sum(1) + 1e-10
    return (own / (others.sum(1) / len(log_s))).mean()


# -------------------------------------------------------------------------------- known values


def test_worked_example_distributions() -> None:
    u = functional().normalised_features(rows(FEATURES), rows(CENTRE), 0.2)
    p = functional().log_sigmax(u, EPSILON).exp()
    expected = [
        [0.455383131045416, 0.015036571707495, 0.201217471238345, 0.328362821323887],
        [0.612167837958378, 0.093754550474899, 0.013138566031599, 0.280939038934419],
        [0.030139765809267, 0.636452929496619, 0.220885537074325, 0.112521761079821],
        [0.049838173027494, 0.248131081091870, 0.391272145456090, 0.310758596463487],
    ]
    np.testing.assert_allclose(p.numpy(), expected, atol=2e-15)
    s = functional().log_sigmax(rows(CODEBOOK), EPSILON).exp()
    assert s[1].tolist() == pytest.approx(
        [0.200003671091412, 0.399988982725691, 0.200003671091412, 0.200003671091412], abs=2e-15
    )


def test_worked_example_loss_and_gradients() -> None:
    f = rows(FEATURES, grad=True)
    loss = released(centroid="trained")
    found = loss(f, labels_of(LABELS))
    found.backward()
    assert loss.centre.tolist() == pytest.approx(CENTRE, abs=1e-16)
    assert found.item() == pytest.approx(0.3871797980586200, abs=1e-14)
    expected = [
        [0.020472896517277, 0.039365395380683, -0.021807711476603, 0.064888608875209],
        [0.011728687705461, -0.090687347131713, 0.049052153062683, 0.006139938471820],
        [0.043338330501082, -0.013679931978821, 0.004522628956748, -0.116787751470856],
        [-0.012003279691897, 0.067899923530842, -0.032527589903402, 0.065428916721383],
    ]
    np.testing.assert_allclose(f.grad.numpy(), expected, atol=2e-15)
    expected = [
        [-0.000010514172524, 0.088791516619723, 0.057017213215807, -0.030008386489756],
        [0.050023923027853, -0.000009045190125, 0.003616324713385, 0.045981108323040],
        [0.076543501430620, -0.019092878957143, -0.000001676336631, -0.038987891779413],
    ]
    np.testing.assert_allclose(loss.codewords.grad.numpy(), expected, atol=2e-15)


def test_worked_example_parts() -> None:
    log_p = functional().log_sigmax(
        functional().normalised_features(rows(FEATURES), rows(CENTRE), 0.2), EPSILON
    )
    log_s = functional().log_sigmax(rows(CODEBOOK), EPSILON)
    own, others = functional().codeword_divergences(log_p, labels_of(LABELS), log_s)
    near = [0.184166078443161, 0.249176466363603, 0.195790893466727, 0.112573671695265]
    far = [0.525360756890537, 0.686434665357611, 0.465800957831574, 0.271369830062307]
    assert (own + 1e-10).tolist() == pytest.approx(near, abs=2e-15)
    assert others.tolist() == pytest.approx(far, abs=2e-15)
    ratio = (own + 1e-10).mean() / others.mean()  # of means, which is not the loss
    assert ratio.item() == pytest.approx(0.3805643761852113, abs=1e-14)
    assert functional().centroid_scores(log_p, log_s).argmax(1).tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("centroid", ["fixed", "trained", "mean"])
def test_all_begin_as_the_released_code(centroid: str) -> None:
    loss = released(centroid=centroid)
    found = loss(rows(FEATURES), labels_of(LABELS))
    assert found.item() == pytest.approx(0.3871797980586200, abs=1e-14)
    assert loss.scores(rows(FEATURES)).argmax(1).tolist() == [0, 0, 1, 2]
    exact = made(3, 4, centroid=centroid).double()  # epsilon = 0, codebook in single precision
    found = exact(rows(FEATURES), labels_of(LABELS))
    # Logarithms of codewords near 1.6 to 1.2e-7, over denominators of at least 0.27.
    assert found.item() == pytest.approx(0.3871798018951814, abs=2e-6)


def test_worked_example_decoding() -> None:
    loss = released()
    f, y = rows(FEATURES), labels_of(LABELS)
    loss(f, y)
    found = loss.fit_decoding([(f[:3], y[:3]), (f[3:], y[3:])])
    # Rows sum to one less some 1e-8 there, V exactly to one.
    assert found == pytest.approx(0.0360692027838415, abs=1e-8)
    v = loss.log_centroids.exp()
    expected = [0.533775484501897, 0.054395561091197, 0.107178018634972, 0.304650930129153]
    assert v[0].tolist() == pytest.approx(expected, abs=1e-8)
    assert v[2].tolist() == pytest.approx(
        [0.049838173027494, 0.248131081091870, 0.391272145456090, 0.310758596463487], abs=1e-8
    )
    assert loss.eval().scores(f).argmax(1).tolist() == LABELS
    short = made(3, 4, epsilon=0.25)
    short.fit_decoding([(f.float(), y)])
    torch.testing.assert_close(short.log_centroids.exp().sum(1), torch.ones(3))


def test_the_concentration_of_decoding_centroids_is_the_cmi() -> None:
    from infotheory.classifiers import cmi

    f, y, _ = random_case(40, 6, 3)
    loss = made(3, 6).double()
    loss(f, y)
    found = loss.fit_decoding([(f, y, torch.arange(40))])
    log_p = functional().log_sigmax(functional().normalised_features(f, loss.centre, 0.2))
    exact = cmi(log_p.numpy(), y.numpy(), kind="log_probs", n_classes=3)
    # A difference of two means of logarithms of some units, formed in double precision.
    assert found == pytest.approx(exact, abs=1e-13)
    distances = -loss.eval().scores(f).gather(1, y[:, None])
    assert distances.mean().item() == pytest.approx(exact, abs=1e-13)


# -------------------------------------------------------------------------------------- oracle


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_is_that_of_loops(seed: int) -> None:
    f, y, w = random_case(seed=seed)
    centre = f.mean(0)
    p = oracle.probabilities(f.tolist(), centre.tolist(), 0.3)
    s = [oracle.sigmax(row) for row in w.tolist()]
    log_p = functional().log_sigmax(functional().normalised_features(f, centre, 0.3))
    log_s = functional().log_sigmax(w)
    np.testing.assert_allclose(log_p.exp().numpy(), p, rtol=1e-13)
    own, others = functional().codeword_divergences(log_p, y, log_s)
    for ours, exact in zip((own, others), oracle.parts(p, y.tolist(), s), strict=True):
        assert ours.tolist() == pytest.approx(exact, abs=1e-14)
    found = functional().ncmi_codeword_loss(log_p, y, log_s).item()
    assert found == pytest.approx(oracle.loss(p, y.tolist(), s), rel=1e-12)
    scores = functional().centroid_scores(log_p, log_s)
    exact = [[-oracle.divergence(row, word) for word in s] for row in p]
    np.testing.assert_allclose(scores.numpy(), exact, atol=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradients_are_those_of_the_broadcast_form(seed: int) -> None:
    f, y, w = random_case(8, 6, 4, seed)
    f.requires_grad_()
    w.requires_grad_()
    log_p, log_s = log_p_of(f), functional().log_sigmax(w)
    found = functional().ncmi_codeword_loss(log_p, y, log_s)
    exact = broadcast_loss(log_p, y, log_s)
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=0)
    ours = torch.autograd.grad(found, (f, w), retain_graph=True)
    theirs = torch.autograd.grad(exact, (f, w))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-13)


def test_gradients_are_those_of_finite_differences() -> None:
    f, y, w = random_case(4, 3, 2)
    f.requires_grad_()
    w.requires_grad_()
    centre = f.mean(0).detach()

    def value(features: Any, codewords: Any) -> Any:
        u = functional().normalised_features(features, centre, 0.5)
        log_s = functional().log_sigmax(codewords, 1e-3)
        return functional().ncmi_codeword_loss(functional().log_sigmax(u, 1e-3), y, log_s)

    assert torch.autograd.gradcheck(value, (f, w))
    log_p = log_p_of(f).detach().requires_grad_()
    log_s = functional().log_sigmax(w).detach().requires_grad_()
    assert torch.autograd.gradcheck(functional().centroid_scores, (log_p, log_s))


# ---------------------------------------------------------------------------------- properties

seeds = st.integers(0, 10**6)


@given(seeds, st.floats(0.1, 3.0))
def test_the_loss_is_positive_and_least_at_the_codewords(seed: int, temperature: float) -> None:
    f, y, w = random_case(seed=seed)
    log_s = functional().log_sigmax(w)
    loss = functional().ncmi_codeword_loss
    assert loss(log_p_of(f, temperature), y, log_s).item() > 0.0
    own, others = functional().codeword_divergences(log_s[y], y, log_s)
    assert own.abs().max().item() <= 1e-15
    expected = ((own + 1e-10) / others).mean().item()
    assert loss(log_s[y], y, log_s).item() == pytest.approx(expected, rel=1e-14)


@given(seeds, st.permutations(range(3)), st.permutations(range(5)), st.floats(0.1, 10))
def test_invariances(seed: int, classes: list[int], features: list[int], scale: float) -> None:
    f, y, w = random_case(seed=seed)
    loss, log_s = functional().ncmi_codeword_loss, functional().log_sigmax(w)
    value = loss(log_p_of(f), y, log_s)
    order = torch.tensor(classes)
    renamed = loss(log_p_of(f), order[y], log_s[torch.argsort(order)])
    turned = loss(log_p_of(f[:, features]), y, log_s[:, features])
    mixed = torch.from_numpy(np.random.default_rng(seed).permutation(len(y)))
    dealt = loss(log_p_of(f[mixed]), y[mixed], log_s)
    centre = f.mean(0)
    stretched = loss(log_p_of(centre + scale * (f - centre)), y, log_s)
    for other in (renamed, turned, dealt, stretched):
        torch.testing.assert_close(other, value, rtol=1e-11, atol=0)


@given(seeds)
def test_gradients_are_orthogonal_to_the_offset_from_the_centre(seed: int) -> None:
    f, y, w = random_case(seed=seed)
    f.requires_grad_()
    functional().ncmi_codeword_loss(log_p_of(f), y, functional().log_sigmax(w)).backward()
    offset = f.detach() - f.detach().mean(0)
    inner = (f.grad * offset).sum(1).abs()
    assert bool((inner <= 1e-12 * (1 + f.grad.norm(dim=1) * offset.norm(dim=1))).all())


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=6), st.floats(30, 60))
def test_sigmax(values: list[float], shift: float) -> None:
    u = rows([values])
    p = functional().log_sigmax(u).exp()
    assert bool((p > 0).all())
    assert p.sum().item() == pytest.approx(1.0, abs=1e-14)
    order = sorted(range(len(values)), key=values.__getitem__)
    assert bool((p[0, order].diff() >= 0).all())
    # Far to the left it is softmax; the sigmoid is exp(u) (1 - O(exp u)) there.
    left = functional().log_sigmax(u - 30 - shift).exp()
    torch.testing.assert_close(left, torch.softmax(u, 1), rtol=1e-12, atol=0)
    assert functional().log_sigmax(0 * u).exp().tolist()[0] == pytest.approx(
        [1 / len(values)] * len(values)
    )


def test_sigmax_is_not_shift_invariant() -> None:
    u = rows([[1.0, 0.0, -2.0]])
    assert not torch.allclose(functional().log_sigmax(u + 1.0), functional().log_sigmax(u))


def test_sigmax_with_epsilon_falls_short_of_one() -> None:
    u = rows([[1.0, -2.0, 0.5]])
    total = torch.sigmoid(u).sum()
    found = functional().log_sigmax(u, 0.25).exp().sum()
    assert found.item() == pytest.approx((total / (total + 0.25)).item(), rel=1e-14)


@given(seeds)
def test_class_means_are_nearest_to_their_samples(seed: int) -> None:
    f, y, w = random_case(seed=seed)
    log_p, divergences = log_p_of(f), functional().codeword_divergences
    means = oracle.class_means(log_p.exp().tolist(), y.tolist(), 3)
    least, _ = divergences(log_p, y, rows(means).log())
    any_other, _ = divergences(log_p, y, functional().log_sigmax(w))
    assert least.mean().item() <= any_other.mean().item() + 1e-14


def test_mean_of_ratios_is_the_ratio_of_means_for_equal_denominators() -> None:
    own, others = rows([0.1, 0.4, 0.3]), rows([0.5, 0.5, 0.5])
    found = functional().codeword_ratio(own, others, 1e-8).item()
    assert found == pytest.approx(((own + 1e-10).mean() / 0.5).item(), rel=1e-15)
    unequal = rows([0.5, 0.25, 0.25])
    assert functional().codeword_ratio(own, unequal, 1e-8) != own.mean() / unequal.mean()


# --------------------------------------------------------------------------------- hard inputs


def test_features_at_the_centre_have_no_direction_and_no_explosion() -> None:
    f = rows([CENTRE, [1.0, 0.0, 0.0, 0.0]], grad=True)
    u = functional().normalised_features(f, rows(CENTRE), 0.2)
    assert u[0].abs().max().item() == 0.0
    assert u[1].norm().item() == pytest.approx(5.0)
    (u * rows([[1.0, 2.0, 3.0, 4.0]])).sum().backward()
    assert f.grad[0].abs().max().item() <= 20.0  # 4 / T
    loss = made(3, 4)
    only = torch.tensor([[1.0, 2.0, 3.0, 4.0]], requires_grad=True)
    loss(only, labels_of([1])).backward()  # the first batch is one sample: the centre itself
    assert bool(only.grad.isfinite().all())


def test_samples_near_all_codewords_meet_the_floor() -> None:
    log_s = torch.full((2, 3), -math.log(3.0), dtype=torch.float64)
    log_p = log_s.clone().requires_grad_()
    found = functional().ncmi_codeword_loss(log_p, labels_of([0, 1]), log_s, floor=1e-4)
    assert found.item() == pytest.approx(1e-6, rel=1e-6)  # 1e-10 / 1e-4
    found.backward()
    assert bool(log_p.grad.isfinite().all())


@pytest.mark.parametrize("temperature", [5e-4, 0.07, 1e4])
def test_extreme_temperatures_give_numbers(temperature: float) -> None:
    f, y, _ = random_case(20, 6, 3)
    f[y == 0, 1] = -5.0  # a class in which a feature hardly ever is on
    for centroid in ("fixed", "trained", "mean"):
        loss = made(3, 6, temperature=temperature, centroid=centroid)
        features = f.float().requires_grad_()
        for _ in range(2):
            loss(features, y).backward()
        assert bool(features.grad.isfinite().all())
        assert math.isfinite(loss.fit_decoding([(features, y)]))
        assert bool(loss.eval().scores(features).isfinite().all())


def test_single_precision_keeps_its_digits() -> None:
    f, y, _ = random_case(64, 512, 10)
    exact = made(10, 512).double()(f, y).item()
    found = made(10, 512)(f.float(), y)
    assert found.dtype == torch.float32
    # Logarithms near 6.2 are good to 2.4e-7, beside divergences of 0.0067, in both parts.
    assert found.item() == pytest.approx(exact, rel=2 * 5e-7 / 0.0067)


def test_half_precision_and_autocast_compute_in_single_precision() -> None:
    f, y, _ = random_case(16, 8, 4)
    half = f.bfloat16()
    expected = made(4, 8)(half.float(), y)
    leaf = half.clone().requires_grad_()
    loss = made(4, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(leaf, y)
        loss.fit_decoding([(half, y)])
        scores = loss.scores(half)
    assert torch.equal(found, expected)
    found.backward()
    assert leaf.grad.dtype == torch.bfloat16
    assert scores.dtype == torch.float32
    assert torch.equal(scores, loss.scores(half.float()))


# ------------------------------------------------------------------------------- the module


def test_the_centre_moves_by_its_decay_in_training_only() -> None:
    loss = made(2, 3, centre_decay=0.75)
    first, second = rows([[1.0, 2, 3], [3, 2, 1]], dtype="float32"), torch.zeros(4, 3)
    loss(first, labels_of([0, 1]))
    assert loss.centre.tolist() == [2.0, 2.0, 2.0]  # the mean of the first batch
    loss(second, labels_of([0, 1, 0, 1]))
    assert loss.centre.tolist() == [1.5, 1.5, 1.5]
    assert loss.batches.item() == 2
    loss.eval()
    loss(first, labels_of([0, 1]))
    assert loss.centre.tolist() == [1.5, 1.5, 1.5]
    means = made(2, 3, centroid="mean")
    means(first, labels_of([0, 1]))
    before = copy.deepcopy(means.eval().state_dict())
    means(first, labels_of([0, 1]))
    for name, value in means.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert made(2, 3).centre_decay == 0.999999


def test_a_batch_that_overflowed_does_not_stay_in_the_centre() -> None:
    loss = made(2, 3, centroid="mean")
    y = labels_of([0, 1])
    loss(torch.tensor([[1.0, 2, 3], [3, 2, 1]]), y)
    state = copy.deepcopy(loss.state_dict())
    assert math.isnan(loss(torch.tensor([[1.0, math.inf, 3], [3, math.nan, 1]]), y).item())
    for name, value in loss.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_a_refused_batch_changes_nothing() -> None:
    loss = made(2, 3)
    with pytest.raises(ValueError, match=r"\[0, 2\); got 2 in row 1"):
        loss(torch.ones(2, 3), labels_of([0, 2]))
    assert loss.batches.item() == 0


def test_codewords_of_means_follow_the_batches() -> None:
    f, y, _ = random_case(30, 5, 3)
    f, y = f.float(), y.clone()
    y[y == 1] = 0  # class 1 is missing
    loss = made(3, 5, centroid="mean", centroid_decay=0.25)
    before = loss.log_codewords().clone()
    value = loss(f, y)
    log_p = functional().log_sigmax(functional().normalised_features(f, loss.centre, 0.2))
    # The loss is that of the codewords before.
    torch.testing.assert_close(value, functional().ncmi_codeword_loss(log_p, y, before))
    after = loss.log_codewords()
    assert torch.equal(after[1], before[1])
    for c in (0, 2):
        mean = log_p[y == c].exp().mean(0)
        torch.testing.assert_close(after[c].exp(), 0.25 * before[c].exp() + 0.75 * mean)
    still = made(3, 5, centroid="mean", centroid_decay=1.0)
    still(f, y)
    assert torch.equal(still.log_codewords(), before)


def test_fitted_codewords_are_the_class_means() -> None:
    f, y, _ = random_case(30, 5, 3)
    loss = made(3, 5, centroid="mean").double()
    loss.fit([(f[:10], y[:10]), (f[10:], y[10:])])
    assert loss.centre.tolist() == pytest.approx(f[:10].mean(0).tolist())  # there was none yet
    p = oracle.probabilities(f.tolist(), loss.centre.tolist(), 0.2)
    means = oracle.class_means(p, y.tolist(), 3)
    np.testing.assert_allclose(loss.log_codewords().exp().numpy(), means, rtol=1e-12)
    assert not bool(loss.decodes)


def test_trained_codewords_move_with_their_optimiser() -> None:
    f, y, _ = random_case(30, 5, 3)
    loss = made(3, 5, centroid="trained", codebook="random",
                generator=torch.Generator().manual_seed(0)).double()  # fmt: skip
    assert [name for name, _ in loss.named_parameters()] == ["codewords"]
    assert list(made(3, 5).parameters()) == []
    optimiser = torch.optim.SGD(loss.parameters(), lr=1.0)
    start = loss(f, y).item()
    for _ in range(20):
        optimiser.zero_grad()
        value = loss(f, y)
        value.backward()
        optimiser.step()
    assert value.item() < 0.8 * start


def test_random_codewords_are_as_long_as_features_and_drawn_from_the_generator() -> None:
    one, two, three = (
        made(7, 3, codebook="random", centroid="trained", temperature=0.25,
             generator=torch.Generator().manual_seed(seed)).codewords
        for seed in (0, 0, 1)
    )  # fmt: skip
    assert torch.equal(one, two)
    assert not torch.equal(one, three)
    torch.testing.assert_close(one.norm(dim=1), torch.full((7,), 4.0))


@pytest.mark.parametrize("centroid", ["fixed", "trained", "mean"])
def test_training_a_network_lowers_the_loss_and_the_error(centroid: str) -> None:
    generator = torch.Generator().manual_seed(1)
    y = torch.arange(90) % 3
    inputs = torch.randn(90, 8, generator=generator) + 4.0 * torch.eye(3, 8)[y]
    weights = torch.randn(8, 6, generator=generator).div_(8.0).requires_grad_()
    loss = made(3, 6, centroid=centroid)
    optimiser = torch.optim.SGD([weights], lr=0.5)
    values = []
    for _ in range(20):
        optimiser.zero_grad()
        value = loss(inputs @ weights, y)
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]
    loss.eval().fit_decoding([(inputs @ weights, y)])
    assert (loss.scores(inputs @ weights).argmax(1) != y).float().mean().item() < 0.1
    assert set(loss.terms) == {"concentration", "separation"}
    assert not any(term.requires_grad for term in loss.terms.values())


def test_terms_are_the_means_of_the_parts() -> None:
    loss = released()
    loss(rows(FEATURES), labels_of(LABELS))
    near = [0.184166078443161, 0.249176466363603, 0.195790893466727, 0.112573671695265]
    far = [0.525360756890537, 0.686434665357611, 0.465800957831574, 0.271369830062307]
    assert loss.terms["concentration"].item() == pytest.approx(np.mean(near) - 1e-10, abs=1e-14)
    assert loss.terms["separation"].item() == pytest.approx(np.mean(far), abs=1e-14)


@pytest.mark.parametrize("centroid", ["fixed", "trained", "mean"])
def test_the_state_is_saved_whole(centroid: str) -> None:
    f, y, _ = random_case(30, 5, 3)
    f = f.float()
    loss = made(3, 5, centroid=centroid, codebook="random")
    for _ in range(3):
        loss(f, y)
    loss.fit_decoding([(f, y)])
    again = made(3, 5, centroid=centroid, codebook="random")
    again.load_state_dict(loss.state_dict())
    assert torch.equal(again(f, y), loss(f, y))
    assert torch.equal(again.eval().scores(f), loss.eval().scores(f))
    other = made(4, 5, centroid=centroid)
    with pytest.raises(RuntimeError, match="size mismatch for log_centroids"):
        other.load_state_dict(loss.state_dict())


def test_scores_are_differentiable_and_leave_the_state_alone() -> None:
    f, y, _ = random_case(30, 5, 3)
    loss = made(3, 5).double()
    loss(f, y)
    state = copy.deepcopy(loss.state_dict())
    f.requires_grad_()
    loss.scores(f).gather(1, y[:, None]).sum().backward()
    assert f.grad.abs().sum().item() > 0.0
    for name, value in loss.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert loss.fit_decoding([(f, y)]) > 0.0
    assert not loss.log_centroids.requires_grad


def test_settings_are_shown() -> None:
    assert repr(made(3, 5, centroid="mean", codebook="random", centroid_decay=0.5)) == (
        "NCMILoss(3, 5, temperature=0.2, centroid='mean', codebook='random', "
        "centre_decay=0.999999, centroid_decay=0.5, epsilon=0, floor=1e-08)"
    )


@pytest.mark.gpu
@pytest.mark.parametrize("centroid", ["fixed", "trained", "mean"])
def test_a_gpu_gives_the_same(centroid: str) -> None:
    f, y, _ = random_case(30, 5, 3)
    here = made(3, 5, centroid=centroid).double()
    there = copy.deepcopy(here).cuda()
    for _ in range(2):
        found = there(f.cuda(), y.cuda())
        torch.testing.assert_close(found.cpu(), here(f, y), rtol=1e-12, atol=0)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        found = there.fit_decoding([(f.cuda(), y.cuda())])
    assert found == pytest.approx(here.fit_decoding([(f, y)]), rel=1e-12)
    scores = there.eval().scores(f.cuda()).cpu()
    torch.testing.assert_close(scores, here.eval().scores(f), rtol=1e-11, atol=1e-13)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_classes": 1}, "n_classes must be at least 2; got 1."),
        ({"n_features": 1}, "n_features must be at least 2; got 1."),
        ({"n_classes": 2.5}, "n_classes must be a positive integer"),
        (
            {"n_classes": 6},
            "n_features must be at least n_classes (6) for codebook='identity'; got 5. Pass",
        ),
        ({"temperature": 0.0}, "temperature must be a positive finite number; got 0.0."),
        ({"centroid": "ema"}, "centroid must be one of 'fixed', 'trained', 'mean'; got 'ema'."),
        ({"codebook": "simplex"}, "codebook must be one of 'identity', 'random'; got 'simplex'."),
        ({"centre_decay": 1.5}, "centre_decay must be a number from 0 to 1; got 1.5."),
        ({"centre_decay": math.nan}, "centre_decay must be a number from 0 to 1; got nan."),
        ({"centroid_decay": -0.1}, "centroid_decay must be a number from 0 to 1; got -0.1."),
        ({"epsilon": -1e-8}, "epsilon must be a finite number of at least 0; got -1e-08."),
        ({"floor": 0.0}, "floor must be a positive finite number; got 0.0."),
    ],
)
def test_arguments_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        made(**({"n_classes": 3, "n_features": 5} | options))


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"features must have 3 columns; got shape \(4, 5\)"):
        made(2, 3)(torch.zeros(4, 5), labels_of([0, 1, 0, 1]))


def test_there_is_no_measuring_before_a_centre() -> None:
    loss = made(2, 3).eval()
    message = "the centre must be set before features are measured; got no training batch so far"
    with pytest.raises(ValueError, match=message):
        loss(torch.zeros(2, 3), labels_of([0, 1]))
    with pytest.raises(ValueError, match=message):
        loss.scores(torch.zeros(2, 3))


def test_means_of_a_missing_class_are_refused() -> None:
    f, y = torch.randn(4, 5), labels_of([0, 2, 2, 0])
    loss = made(4, 5, centroid="mean")
    for fit in (loss.fit, loss.fit_decoding):
        with pytest.raises(ValueError, match="samples of every class; got none of class 1, 3"):
            fit([(f, y)])
    assert not bool(loss.decodes)


@pytest.mark.parametrize("centroid", ["fixed", "trained"])
def test_only_means_are_fitted(centroid: str) -> None:
    with pytest.raises(ValueError, match="centroid must be 'mean' for codewords to be fitted"):
        made(2, 3, centroid=centroid).fit([])


def test_shapes_that_do_not_fit_are_refused() -> None:
    log_p, y = torch.zeros(4, 5), labels_of([0, 1, 0, 1])
    loss = functional().ncmi_codeword_loss
    with pytest.raises(ValueError, match=r"log_codewords must have shape \(C, 5\) with C >= 2; "):
        loss(log_p, y, torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"got shape \(1, 5\)\. One codeword a class"):
        loss(log_p, y, torch.zeros(1, 5))
    with pytest.raises(ValueError, match=r"labels must have shape \(4,\); got shape \(3,\)"):
        loss(log_p, y[:3], torch.zeros(2, 5))
    with pytest.raises(ValueError, match=r"log_centroids must have shape \(C, 5\)"):
        functional().centroid_scores(log_p, torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"centre must have shape \(5,\); got shape \(4,\)"):
        functional().normalised_features(log_p, torch.zeros(4), 0.2)
    with pytest.raises(ValueError, match=r"floor must be a positive finite number; got -1\.0"):
        loss(log_p, y, torch.zeros(2, 5), floor=-1.0)
