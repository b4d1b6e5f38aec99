"""The differentiable quantities are those that the numeric layer measures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from classifiers.support import clustered_logits, measure
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed: no tensors to differentiate")

# Both are sums of n K terms of order one in double precision; the numeric layer takes CMI from
# entropies, whose difference keeps some eps of ln K.
CLOSE = 1e-12


def found(logits: Any, labels: Any, n_classes: int) -> dict[str, float]:
    import torch

    from infotheory.learning.functional import classification

    z, y = torch.from_numpy(logits), torch.from_numpy(labels)
    names = ("cmi", "gamma", "gamma_kl", "ncmi")
    return {name: float(getattr(classification, name)(z, y, n_classes=n_classes)) for name in names}


@settings(max_examples=25)
@given(data=st.data())
def test_the_same_numbers(data: st.DataObject) -> None:
    n, k = data.draw(st.integers(2, 60)), data.draw(st.integers(2, 12))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    labels = rng.integers(0, data.draw(st.integers(1, k)), n)
    logits = clustered_logits(rng, labels, k, scale=data.draw(st.sampled_from([0.1, 3.0])))
    report = measure(logits, labels)
    got = found(logits, labels, k)
    assert got["cmi"] == pytest.approx(report.cmi, rel=CLOSE, abs=CLOSE)
    assert got["gamma"] == pytest.approx(report.gamma, rel=CLOSE)
    assert got["gamma_kl"] == pytest.approx(report.gamma_kl, rel=CLOSE, abs=CLOSE)
    if math.isnan(report.ncmi):
        assert math.isnan(got["ncmi"])
        return
    assert got["ncmi"] == pytest.approx(report.ncmi, rel=CLOSE, abs=CLOSE / report.gamma)
    pairs = n * n - sum(int(m) ** 2 for m in np.bincount(labels))
    assert got["gamma"] * n * n / pairs == pytest.approx(report.gamma_pair, rel=CLOSE)


def test_the_front_doors() -> None:
    from infotheory.classifiers import cmi, gamma, ncmi

    rng = np.random.default_rng(0)
    labels = np.arange(200) % 7
    logits = clustered_logits(rng, labels, 7)
    got = found(logits, labels, 7)
    assert got["cmi"] == pytest.approx(cmi(logits, labels, n_classes=7), rel=CLOSE)
    assert got["gamma"] == pytest.approx(gamma(logits, labels, n_classes=7), rel=CLOSE)
    assert got["ncmi"] == pytest.approx(ncmi(logits, labels, n_classes=7), rel=CLOSE)


def test_terms_of_the_losses() -> None:
    """A loss whose centroids come from a pass over the data has the report's terms on all of it."""
    import torch

    from infotheory.learning.losses.classification import CMICLoss
    from infotheory.learning.losses.teacher import MCMITeacherLoss

    rng = np.random.default_rng(1)
    labels = rng.integers(0, 5, 150)
    logits = clustered_logits(rng, labels, 5)
    report = measure(logits, labels)
    z, y = torch.from_numpy(logits), torch.from_numpy(labels)
    batches = list(zip(z.split(40), y.split(40), strict=True))
    student = CMICLoss(5, lam=0.7, beta=0.4, centroid="epoch").double().fit(batches)
    value = float(student(z, y))
    want = report.cross_entropy + 0.7 * report.cmi - 0.4 * report.gamma
    assert value == pytest.approx(want, rel=CLOSE)
    assert float(student.terms["cmi"]) == pytest.approx(report.cmi, rel=CLOSE)
    assert float(student.terms["gamma"]) == pytest.approx(report.gamma, rel=CLOSE)
    teacher = MCMITeacherLoss(5, lam=0.2).double().fit(batches)
    assert float(teacher(z, y)) == pytest.approx(report.cross_entropy - 0.2 * report.cmi, rel=CLOSE)
