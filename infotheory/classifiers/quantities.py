"""From class sums to the quantities of the report: pure functions of the state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infotheory._typing import BoolArray, FloatArray
from infotheory.classifiers.class_sums import ClassSums
from infotheory.classifiers.entropies import entropies, row_blocks

__all__ = ["Quantities", "cmi_and_gamma", "error_rate", "finish", "ncmi_of", "separation_matrix"]

_LEAST = 1e-290  # the kernels do not tell exp(-700) from smaller probabilities


@dataclass(frozen=True)
class Quantities:
    """What :func:`finish` returns, in nats; fields as in the report."""

    cmi: float
    gamma: float
    gamma_kl: float
    gamma_pair: float
    ncmi: float
    mutual_information: float
    label_information: float
    cross_entropy: float
    error: float
    top5_error: float
    expected_calibration_error: float
    class_cmi: FloatArray
    class_centroid_entropy: FloatArray
    class_error: FloatArray


def finish(sums: ClassSums) -> Quantities:
    """Turn class sums into the quantities of the report, in nats.

    Parameters
    ----------
    sums : ClassSums
        Sums of one part, over at least one sample. Not changed.

    Returns
    -------
    Quantities
        Per-class arrays follow ``sums.classes``. Samples count by their weight.

    Notes
    -----
    The closed forms, with n_c and n sums of weights, p_c = n_c / n, and sums over classes:

    * n CMI = sum of h_c + n_c H(Q_c);
    * n^2 Gamma = -sum over c of <A_c, B - B_c>, B the sum of all B_c: every term has one sign, so
      nothing cancels;
    * n^2 Gamma_KL = n^2 Gamma + sum of (n - n_c) h_c;
    * I(X;Yhat) = H(A / n) + h / n and I(Y;Yhat) = H(A / n) - sum of p_c H(Q_c).

    Time and temporaries are O(S K) and O(K).

    References
    ----------
    yang2023cmicdl, Definitions of CMI, Gamma and NCMI; the closed forms are derived from them.
    """
    weight = sums.weight
    n = float(weight.sum())
    centroid = sums.centroid_entropies
    cmi, gamma = cmi_and_gamma(sums)
    n2_gamma = gamma * n**2
    n2_gamma_kl = max(n2_gamma + float(((n - weight) * sums.entropy).sum()), 0.0)
    different_pairs = float((weight * (n - weight)).sum())
    single = sums.cells.size == 1
    total = float(entropies(sums.mass.sum(axis=0)[None], np.array([n]))[0])
    wrong = _wrong(sums)
    gaps = np.abs(sums.bins[:, :, 1].sum(axis=0) - sums.confidence.sum(axis=0))
    decided = 1.0 if sums.labelled else np.nan
    return Quantities(
        cmi=cmi,
        gamma=gamma,
        gamma_kl=n2_gamma_kl / n**2,
        gamma_pair=np.nan if single else n2_gamma / different_pairs,
        ncmi=ncmi_of(cmi, gamma),
        mutual_information=max(total + float(sums.entropy.sum()), 0.0) / n,
        label_information=max(total - float(centroid.sum()), 0.0) / n,
        cross_entropy=decided * float(sums.loss.sum()) / n,
        error=error_rate(sums),
        top5_error=decided * float(sums.top5_misses.sum()) / n,
        expected_calibration_error=decided * float(gaps.sum()) / n,
        class_cmi=sums.class_cmi,
        class_centroid_entropy=centroid / weight,
        class_error=decided * np.minimum(wrong / weight, 1.0),
    )


def cmi_and_gamma(sums: ClassSums) -> tuple[float, float]:
    """CMI and Gamma alone, in nats; parameters and care as in :func:`finish`."""
    n = float(sums.weight.sum())
    cmi = float((sums.weight * sums.class_cmi).sum()) / n
    if sums.cells.size == 1:
        return cmi, 0.0
    return cmi, _n2_gamma(sums) / n**2


def ncmi_of(cmi: float, gamma: float) -> float:
    """Return CMI / Gamma; nan where Gamma is 0, and 0 where it is infinite."""
    return np.nan if gamma == 0.0 else cmi / gamma


def error_rate(sums: ClassSums) -> float:
    """Share of wrong decisions; nan where labels do not name columns."""
    if not sums.labelled:
        return np.nan
    return min(float(_wrong(sums).sum() / sums.weight.sum()), 1.0)  # which rounding may pass


def _wrong(sums: ClassSums) -> FloatArray:
    wrong: FloatArray = (sums.bins[:, :, 0] - sums.bins[:, :, 1]).sum(axis=1)
    return wrong  # exactly 0 where all decisions are right


def _n2_gamma(sums: ClassSums) -> float:
    # A class that meets itself meets another too: that one either has mass there or excludes it.
    if _meets_zero(sums).any():
        return float("inf")
    everything = sums.log_mass.sum(axis=0)
    inner = sum(
        float(np.einsum("ij,ij->", sums.mass[block], everything - sums.log_mass[block]))
        for block in row_blocks(sums.mass.shape)
    )
    return -inner if -inner > _LEAST else 0.0


def _meets_zero(sums: ClassSums) -> BoolArray:
    """Return [a, b]: whether class a has mass at a symbol that some sample of class b excludes.

    Class a has mass there unless all of its samples exclude the symbol too; its sum could say zero
    where a positive probability has underflowed.
    """
    if sums.zeros is None:
        return np.zeros((sums.cells.size,) * 2, np.bool_)
    has_mass = (sums.zeros < sums.counts[:, None]).astype(np.float64)
    return np.asarray(has_mass @ (sums.zeros > 0).astype(np.float64).T > 0)


def separation_matrix(sums: ClassSums) -> FloatArray:
    """Return G of shape (C, C): mean of H(P_i, P_j) over i in class a and j in class b, in nats.

    Gamma is the sum of p_a p_b G[a, b] over a != b. Rows and columns of classes without samples
    are nan. Costs one S x K by K x S product.
    """
    inner = -(sums.mass @ sums.log_mass.T) / np.outer(sums.weight, sums.weight)
    inner[_meets_zero(sums)] = np.inf
    full = np.full((sums.n_classes, sums.n_classes), np.nan)
    full[np.ix_(sums.classes, sums.classes)] = inner
    return full
