"""The state from which every quantity of a classifier follows, and its pure ``finish``.

Let P_i be the output distribution of sample i, over K symbols, and y_i its label.  For each class c

* n_c, the number of samples;
* A_c, the sum of P_i (``mass``), so that the centroid is Q_c = A_c / n_c;
* B_c, the sum of the finite ln P_i (``log_mass``), with Z_c(k), the number of samples for which
  P_i(k) is exactly zero (``zeros``, absent until the first zero is met);
* h_c, the sum of <P_i, ln P_i> (``entropy``);
* the tallies of the report.

All of these add when data sets are concatenated, so the same state streams over batches and merges
over processes and files.  Numerical care: CMI is the difference of two entropies that may both be
tiny; each is formed from its small terms, never from one minus something (see
:func:`centroid_entropies`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from infotheory._kernels.class_sums import N_BINS
from infotheory._typing import BoolArray, FloatArray, IntArray
from infotheory._validation import refusal

__all__ = ["ClassSums", "Quantities", "finish", "separation_matrix"]

_BLOCK_BYTES = 1 << 19  # temporaries of a block of rows stay in the second-level cache
_TINY = np.finfo(np.float64).tiny
_LEAST = 1e-290  # the kernels do not tell exp(-700) from smaller probabilities


@dataclass(eq=False)
class ClassSums:
    """Per-class sums of output distributions; rows stand for the classes met so far.

    Attributes
    ----------
    n_classes, n_outputs : int
        C, the number of classes, and K, the number of output symbols. Where they are equal,
        labels name columns and the tallies of the decision are kept.
    classes : ndarray of int, shape (S,)
        Classes met so far, ascending. Memory is proportional to S K, not C K.
    counts : ndarray of int, shape (S,)
        n_c.
    mass, log_mass : ndarray of float, shape (S, K)
        A_c and B_c.
    zeros : ndarray of int, shape (S, K), or None
        Z_c(k), or None where no probability was exactly zero.
    entropy : ndarray of float, shape (S,)
        h_c, in nats, not positive.
    loss : ndarray of float, shape (S,)
        Sum of -ln P_i(y_i); where labels do not name columns, of -ln max P_i.
    top5_misses : ndarray of int, shape (S,)
        Samples whose label is not among the five most probable symbols.
    bins : ndarray of int, shape (S, 15, 2)
        Samples, and correct samples, by confidence bin.
    confidence : ndarray of float, shape (S, 15)
        Sum of the confidences in each bin.
    first_zero_row : int or None
        The first sample with an exact zero, counted over all samples.
    """

    n_classes: int
    n_outputs: int
    classes: IntArray
    counts: IntArray
    mass: FloatArray
    log_mass: FloatArray
    zeros: IntArray | None
    entropy: FloatArray
    loss: FloatArray
    top5_misses: IntArray
    bins: IntArray
    confidence: FloatArray
    first_zero_row: int | None = None

    @classmethod
    def empty(cls, n_classes: int, n_outputs: int, classes: IntArray) -> ClassSums:
        """Return sums over no samples, with room for the given classes."""
        size = classes.size
        return cls(
            n_classes=n_classes,
            n_outputs=n_outputs,
            classes=classes,
            counts=np.zeros(size, np.int64),
            mass=np.zeros((size, n_outputs)),
            log_mass=np.zeros((size, n_outputs)),
            zeros=None,
            entropy=np.zeros(size),
            loss=np.zeros(size),
            top5_misses=np.zeros(size, np.int64),
            bins=np.zeros((size, N_BINS, 2), np.int64),
            confidence=np.zeros((size, N_BINS)),
        )

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())

    @property
    def labelled(self) -> bool:
        """Whether labels name output columns, so that there is a decision to judge."""
        return self.n_classes == self.n_outputs

    @cached_property
    def centroid_entropies(self) -> FloatArray:
        """n_c H(Q_c) in nats, shape (S,)."""
        return _entropies(self.mass, self.counts.astype(np.float64))

    def copy(self) -> ClassSums:
        """Return sums that share nothing with these."""
        return self._spread(self.classes)

    def __add__(self, other: ClassSums) -> ClassSums:
        """Return the sums of the concatenated samples, those of `other` last."""
        return self.copy().absorb(other)

    def absorb(self, other: ClassSums) -> ClassSums:
        """Return the sums of the concatenation, reusing this state's arrays, which it consumes."""
        for argument, mine, its in (
            ("n_classes", self.n_classes, other.n_classes),
            ("n_outputs", self.n_outputs, other.n_outputs),
        ):
            if mine != its:
                raise refusal(
                    f"{argument} of the sums to merge",
                    f"equal ({mine})",
                    str(its),
                    "Only outputs over the same classes and symbols add up.",
                )
        union = np.union1d(self.classes, other.classes)
        total = self if union.size == self.classes.size else self._spread(union)
        rows = np.searchsorted(union, other.classes)
        if other.zeros is not None:
            if total.zeros is None:
                total.zeros = np.zeros((union.size, self.n_outputs), np.int64)
            total.zeros[rows] += other.zeros
        for name in _ADDITIVE:
            mine, its = getattr(total, name), getattr(other, name)
            if rows.size == union.size:
                mine += its
            else:
                mine[rows] += its
        if total.first_zero_row is None and other.first_zero_row is not None:
            total.first_zero_row = total.n - other.n + other.first_zero_row  # counts are added
        total.__dict__.pop("centroid_entropies", None)
        return total

    def _spread(self, classes: IntArray) -> ClassSums:
        """Copy into rows for `classes`, a superset of the present ones."""
        larger = ClassSums.empty(self.n_classes, self.n_outputs, classes.copy())
        rows = np.searchsorted(classes, self.classes)
        for name in _ADDITIVE:
            getattr(larger, name)[rows] = getattr(self, name)
        if self.zeros is not None:
            larger.zeros = np.zeros((classes.size, self.n_outputs), np.int64)
            larger.zeros[rows] = self.zeros
        larger.first_zero_row = self.first_zero_row
        return larger


_ADDITIVE = (
    "counts",
    "mass",
    "log_mass",
    "entropy",
    "loss",
    "top5_misses",
    "bins",
    "confidence",
)


def _row_blocks(shape: tuple[int, ...]) -> list[slice]:
    step = max(1, _BLOCK_BYTES // (8 * max(1, shape[1])))
    return [slice(start, start + step) for start in range(0, shape[0], step)]


def _entropies(mass: FloatArray, counts: FloatArray) -> FloatArray:
    """Return n H(A / n) for each row A of `mass`, whose entries add up to n.

    Where one entry is close to n, its logarithm is log1p(-rest / n) with the rest added up from
    the other entries: exact for peaked rows, where n - rest has lost the rest.
    """
    result = np.empty(counts.size)
    blocks = _row_blocks(mass.shape)
    others_buffer, logs_buffer = np.empty((2, *mass[blocks[0]].shape))  # no allocation per block
    for block in blocks:
        part, n = mass[block], counts[block]
        rows = np.arange(n.size)
        others, logs = others_buffer[: n.size], logs_buffer[: n.size]
        np.copyto(others, part)
        others[rows, part.argmax(axis=1)] = 0.0
        rest = np.minimum(others.sum(axis=1), n)
        np.maximum(others, _TINY, out=logs)  # 0 ln 0 = 0: the logarithm of a zero is never used
        np.log(logs, out=logs)
        largest = n - rest
        with np.errstate(divide="ignore", invalid="ignore"):
            peak = np.where(largest > 0, largest * np.log1p(-rest / n), 0.0)
        result[block] = rest * np.log(n) - np.einsum("ij,ij->i", others, logs) - peak
    return result


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
        Sums over at least one sample. Not changed.

    Returns
    -------
    Quantities
        Per-class arrays follow ``sums.classes``.

    Notes
    -----
    The closed forms, with p_c = n_c / n and sums over classes:

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
    n, counts = sums.n, sums.counts.astype(np.float64)
    centroid = sums.centroid_entropies
    # Both entropies are exact to rounding, and the concavity of entropy makes the sum positive.
    divergence = np.maximum(centroid + sums.entropy, 0.0)
    cmi = float(divergence.sum()) / n
    n2_gamma = _n2_gamma(sums)
    gamma = n2_gamma / n**2
    n2_gamma_kl = max(n2_gamma + float(((n - counts) * sums.entropy).sum()), 0.0)
    different_pairs = float((counts * (n - counts)).sum())
    single = sums.classes.size == 1
    total = float(_entropies(sums.mass.sum(axis=0)[None], np.array([float(n)]))[0])
    correct = sums.bins[:, :, 1].sum(axis=1)
    gaps = np.abs(sums.bins[:, :, 1].sum(axis=0) - sums.confidence.sum(axis=0))
    decided = 1.0 if sums.labelled else np.nan
    return Quantities(
        cmi=cmi,
        gamma=gamma,
        gamma_kl=n2_gamma_kl / n**2,
        gamma_pair=np.nan if single else n2_gamma / different_pairs,
        ncmi=np.nan if gamma == 0.0 else cmi / gamma,
        mutual_information=max(total + float(sums.entropy.sum()), 0.0) / n,
        label_information=max(total - float(centroid.sum()), 0.0) / n,
        cross_entropy=decided * float(sums.loss.sum()) / n,
        error=decided * (n - int(correct.sum())) / n,
        top5_error=decided * int(sums.top5_misses.sum()) / n,
        expected_calibration_error=decided * float(gaps.sum()) / n,
        class_cmi=divergence / counts,
        class_centroid_entropy=centroid / counts,
        class_error=decided * (counts - correct) / counts,
    )


def _n2_gamma(sums: ClassSums) -> float:
    if sums.classes.size == 1:
        return 0.0
    # A class that meets itself meets another too: that one either has mass there or excludes it.
    if _meets_zero(sums).any():
        return float("inf")
    everything = sums.log_mass.sum(axis=0)
    inner = sum(
        float(np.einsum("ij,ij->", sums.mass[block], everything - sums.log_mass[block]))
        for block in _row_blocks(sums.mass.shape)
    )
    return -inner if -inner > _LEAST else 0.0


def _meets_zero(sums: ClassSums) -> BoolArray:
    """Return [a, b]: whether class a has mass at a symbol that some sample of class b excludes.

    Class a has mass there unless all of its samples exclude the symbol too; its sum could say zero
    where a positive probability has underflowed.
    """
    if sums.zeros is None:
        return np.zeros((sums.classes.size,) * 2, np.bool_)
    has_mass = (sums.zeros < sums.counts[:, None]).astype(np.float64)
    return np.asarray(has_mass @ (sums.zeros > 0).astype(np.float64).T > 0)


def separation_matrix(sums: ClassSums) -> FloatArray:
    """Return G of shape (C, C): mean of H(P_i, P_j) over i in class a and j in class b, in nats.

    Gamma is the sum of p_a p_b G[a, b] over a != b. Rows and columns of classes without samples
    are nan. Costs one S x K by K x S product.
    """
    counts = sums.counts.astype(np.float64)
    inner = -(sums.mass @ sums.log_mass.T) / np.outer(counts, counts)
    inner[_meets_zero(sums)] = np.inf
    full = np.full((sums.n_classes, sums.n_classes), np.nan)
    full[np.ix_(sums.classes, sums.classes)] = inner
    return full
