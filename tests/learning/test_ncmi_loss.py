"""The NCMI loss as a module: its centre, its codewords, decoding, state."""

from __future__ import annotations

import copy
import math
import re
from typing import Any

import numpy as np
import pytest
from learning.codeword_cases import (
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


# -------------------------------------------------------------------------------------- the module


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


@pytest.mark.parametrize("codebook", ["identity", "random"])
@pytest.mark.parametrize("centroid", ["fixed", "trained", "mean"])
def test_after_a_reset_it_is_as_new(centroid: str, codebook: str) -> None:
    def new() -> Any:
        generator = torch.Generator().manual_seed(1)
        return made(3, 5, centroid=centroid, codebook=codebook, generator=generator)

    loss, start = new(), new().state_dict()
    assert "_start" not in start  # what it goes back to is none of a checkpoint's business
    for seed in range(2):  # another network, whose features lie elsewhere
        f, y, _ = random_case(30, 5, 3, seed)
        f = f.float() + 100.0 * seed
        optimiser = torch.optim.SGD([*loss.parameters(), f.requires_grad_()], lr=1.0)
        value = loss(f, y)
        assert torch.equal(value, new()(f, y))
        value.backward()
        optimiser.step()
        loss.fit_decoding([(f, y)])
        assert loss.reset() is loss
        for name, value in loss.state_dict().items():
            assert torch.equal(value, start[name]), name
        assert loss.terms == {}
        with pytest.raises(ValueError, match="the centre must be set before features"):
            loss.scores(f)


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


# ---------------------------------------------------------------------------------------- refusals


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
