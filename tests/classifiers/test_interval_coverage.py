"""What intervals promise, counted: they agree with one another, and they cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from classifiers.support import clustered_logits, measure

from infotheory.classifiers.one_pass import class_sums
from infotheory.classifiers.quantities import cmi_and_gamma

K = 4


def test_the_three_methods_agree_on_many_rows() -> None:
    """Standard errors of one quantity, found in three ways.

    A jackknife over 20 shards knows its own to 1/sqrt(2 19) = 16 %, and 500 resamples to
    1/sqrt(2 500) = 3 %; 3.5 of these. Influence functions are right to 1/sqrt(n), which is 2 %.
    """
    rng = np.random.default_rng(1)
    y = rng.permutation(np.arange(3000) % K)
    z = clustered_logits(rng, y, K, 0.5)
    jackknife, delta, bootstrap = (
        measure(z, y, interval=method, n_resamples=500, rng=0).intervals
        for method in ("jackknife", "delta", "bootstrap")
    )
    for name in ("cmi", "gamma", "ncmi"):
        error = delta[name].standard_error
        assert jackknife[name].standard_error / error == pytest.approx(1.0, abs=3.5 * 0.162)
        assert bootstrap[name].standard_error / error == pytest.approx(1.0, abs=3.5 * 0.032 + 0.02)
        # The bias is the same for all three.
        assert jackknife[name].bias == delta[name].bias == bootstrap[name].bias
        # Quantiles of 19 degrees of freedom: 2.09 in place of 1.96. Those of 500 resamples are
        # known to sqrt(q (1 - q) / 500) / f(z_q) = 0.12 standard errors at each end of 3.92.
        width = delta[name].width
        assert bootstrap[name].width / width == pytest.approx(1.0, abs=3.5 * 0.043 + 0.02)
        assert jackknife[name].width / width == pytest.approx(1.067, abs=3.5 * 0.173)
    assert jackknife["error"] == delta["error"] == bootstrap["error"]


@pytest.mark.parametrize("interval", ["jackknife", "delta"])
def test_ninety_five_of_a_hundred_cover(interval: str) -> None:
    """A smooth classifier, 4 classes of 30 rows, 200 samples, a fixed seed.

    If the chance of covering is 95 %, the count of 200 has a standard deviation of 3.1: three of
    these, and two for what logarithms and t quantiles leave at this size. The truth is that of
    200,000 rows, 40 times as exact as one sample.
    """
    rng = np.random.default_rng(20)
    centres = clustered_logits(rng, np.arange(K), K, 0.7, 0.0)

    def drawn(n: int) -> tuple[Any, Any]:
        y = np.arange(n) % K
        return centres[y] + rng.normal(size=(n, K)), y

    truth = dict(zip(("cmi", "gamma"), cmi_and_gamma(class_sums(*drawn(200_000), K)), strict=True))
    truth["ncmi"] = truth["cmi"] / truth["gamma"]
    covered = dict.fromkeys(truth, 0)
    for _ in range(200):
        found = measure(*drawn(30 * K), interval=interval).intervals
        for name, value in truth.items():
            covered[name] += value in found[name]
    for name, count in covered.items():
        assert 190 - 9.3 - 2 <= count <= 199, (name, count)


def test_the_bias_is_found_and_removed() -> None:
    """Peaked outputs, 12 rows a class: the plug-in CMI is too small, the corrected one less so.

    Means over 100 samples. The corrected ones are to leave at most half of what is missing.
    """
    rng = np.random.default_rng(5)
    centres = 6.0 * np.eye(K)

    def drawn(n: int) -> tuple[Any, Any]:
        y = np.arange(n) % K
        return centres[y] + 3.0 * rng.normal(size=(n, K)), y

    truth, _ = cmi_and_gamma(class_sums(*drawn(200_000), K))
    found = [measure(*drawn(12 * K), interval="jackknife").intervals["cmi"] for _ in range(100)]
    plain = float(np.mean([interval.estimate for interval in found]))
    corrected = float(np.mean([interval.corrected for interval in found]))
    standard_error = float(np.std([interval.corrected for interval in found])) / 10
    assert plain < truth - 4 * standard_error
    assert abs(corrected - truth) < (truth - plain) / 2
    assert all(interval.bias <= 0.0 for interval in found)
