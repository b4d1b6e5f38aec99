"""The NCMI surrogate loss: features as distributions, codewords, decoding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning.codeword_cases import (
    CENTRE,
    CODEBOOK,
    EPSILON,
    FEATURES,
    LABELS,
    functional,
    labels_of,
    made,
    random_case,
    released,
    rows,
)
from oracles import codewords as oracle

torch = pytest.importorskip("torch", reason="torch is not installed: no tensors to train with")


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


# ------------------------------------------------------------------------------------ known values


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


# ------------------------------------------------------------------------------------------ oracle


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


# -------------------------------------------------------------------------------------- properties


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


# ------------------------------------------------------------------------------------- hard inputs


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
