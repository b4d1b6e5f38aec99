"""The definitions of `oracles.classifiers` with numpy float64, for thousands of rows.

The separation is still a sum over pairs of rows (a product of n x K matrices, taken in slices and
reduced afterwards), unless the per-class closed form is asked for. Gradients with respect to
logits are closed forms of their own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.classifiers import ECE_BINS, Exact, ratio

Array = np.ndarray[Any, np.dtype[np.float64]]


def distributions(
    outputs: Any, kind: str = "logits", temperature: float = 1.0, smoothing: float = 0.0
) -> tuple[Array, Array]:
    """Rows of outputs as (P, ln P), after temperature and then smoothing."""
    x = np.array(outputs, dtype=np.float64)
    if kind == "probs":
        total = x.sum(axis=1)
        p = x / total[:, None]
        with np.errstate(divide="ignore"):
            logs = np.log(p)
        rows, top = np.arange(len(x)), x.argmax(axis=1)
        others = x.copy()
        others[rows, top] = 0.0
        logs[rows, top] = np.log1p(-others.sum(axis=1) / total)
        if temperature != 1.0:
            p, logs = _softmax(logs / temperature)
    else:
        p, logs = _softmax((x - x.max(axis=1, keepdims=True)) / temperature)
    if smoothing > 0.0:
        p = (1.0 - smoothing) * p + smoothing / p.shape[1]
        logs = np.log(p)
    return p, logs


def _softmax(z: Array) -> tuple[Array, Array]:
    rows, top = np.arange(len(z)), z.argmax(axis=1)
    shifted = z - z[rows, top][:, None]
    weights = np.exp(shifted)
    weights[rows, top] = 0.0
    rest = weights.sum(axis=1, keepdims=True)
    weights[rows, top] = 1.0
    return weights / (1.0 + rest), shifted - np.log1p(rest)


def divergences(p: Array, q: Array) -> Array:
    """D(p_i||q_i) row by row, as sum (p ln(p/q) - p + q): no term is negative."""
    difference = p - q
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near = np.log1p(difference / q)
        far = np.log(p / q)
    logs = np.where(np.abs(difference) < 0.5 * q, near, far)
    terms = np.where((p > 0) & (q > 0), p * np.where(p > 0, logs, 0.0) - difference, -difference)
    return terms.sum(axis=1)


def centroids(p: Array, y: Any, classes: int) -> Array:
    """Class means of the rows; nan for a class without samples."""
    result = np.full((classes, p.shape[1]), np.nan)
    for c in range(classes):
        rows = p[y == c]
        if len(rows):
            result[c] = rows.mean(axis=0)
    return result


def pair_sums(p: Array, logs: Array, y: Any, classes: int, step: int = 512) -> Array:
    """S[a, b] = sum over i in a and j in b of H(P_i, P_j), from every single pair."""
    order = np.argsort(y, kind="stable")
    sizes = np.bincount(y, minlength=classes)
    present = np.flatnonzero(sizes)
    starts = (np.cumsum(sizes) - sizes)[present]
    exact_zero = np.isneginf(logs)
    any_zero = bool(exact_zero.any())
    finite = np.where(exact_zero, 0.0, logs)[order]
    # float32 counts of at most K ones are exact.
    zero = exact_zero[order].astype(np.float32)
    sums = np.zeros((classes, classes))
    for begin in range(0, len(p), step):
        part = order[begin : begin + step]
        pairs = -(p[part] @ finite.T)
        if any_zero:
            mass = (~exact_zero[part]).astype(np.float32)
            pairs[mass @ zero.T > 0] = np.inf
        by_class = np.add.reduceat(pairs, starts, axis=1)
        for label in np.unique(y[part]):
            sums[label, present] += by_class[y[part] == label].sum(axis=0)
    return sums


def class_pair_sums(p: Array, logs: Array, y: Any, classes: int) -> Array:
    """The same sums in closed form, -<A_a, B_b> from the per-class sums of P and of ln P."""
    member = (np.arange(classes)[:, None] == np.asarray(y)[None, :]).astype(np.float64)
    zero = np.isneginf(logs)
    sums = -(member @ p) @ (member @ np.where(zero, 0.0, logs)).T
    clash = (member @ ~zero) @ (member @ zero).T > 0
    sums[clash] = np.inf
    return sums


def measure(
    outputs: Any,
    labels: Any,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    n_classes: int | None = None,
    pairwise: bool = True,
) -> Exact:
    """Every quantity of a report, as `oracles.classifiers.measure` does.

    Without `pairwise` the separation comes from the closed form, in O(nK + C^2 K).
    """
    raw = np.asarray(outputs, dtype=np.float64)
    y = np.asarray(labels).astype(np.int64)
    n, k = raw.shape
    classes = k if n_classes is None else n_classes
    p, logs = distributions(raw, kind, temperature, smoothing)
    sizes = np.bincount(y, minlength=classes)
    weights = sizes / n
    q = centroids(p, y, classes)
    overall = p.mean(axis=0)
    to_centroid = divergences(p, q[y])
    cmi = math.fsum(to_centroid) / n

    sums = (pair_sums if pairwise else class_pair_sums)(p, logs, y, classes)
    off_diagonal = ~np.eye(classes, dtype=bool)
    gamma_sum = math.fsum(sums[off_diagonal])
    gamma = gamma_sum / n**2
    with np.errstate(invalid="ignore"):
        terms = np.where(p > 0, p * np.where(p > 0, logs, 0.0), 0.0)
    own = math.fsum((1.0 - weights[y]) * -terms.sum(axis=1)) / n
    different_pairs = n**2 - int((sizes.astype(np.int64) ** 2).sum())
    with np.errstate(invalid="ignore"):
        separation = np.where(np.outer(sizes, sizes) > 0, sums / np.outer(sizes, sizes), np.nan)

    seen = sizes > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        class_cmi = np.bincount(y, to_centroid, classes) / sizes
        q_terms = np.where(q > 0, q * np.log(np.where(q > 0, q, 1.0)), 0.0)
    ce = error = top5 = ece = math.nan
    class_error = np.full(classes, np.nan)
    loss = -(logs[np.arange(n), y] if classes == k else logs.max(axis=1))
    if classes == k:
        ranks = label_ranks(raw, y)
        ce = math.fsum(loss) / n
        error, top5 = float((ranks >= 1).mean()), float((ranks >= 5).mean())
        ece = calibration_error(p.max(axis=1), ranks == 0)
        with np.errstate(invalid="ignore"):
            class_error = np.bincount(y, ranks >= 1, classes) / sizes
    zero_rows = np.flatnonzero(np.isneginf(logs).any(axis=1))
    return Exact(
        n=n,
        n_classes=classes,
        n_outputs=k,
        cmi=cmi,
        gamma=gamma,
        gamma_kl=gamma - own,
        gamma_pair=gamma_sum / different_pairs if different_pairs else math.nan,
        ncmi=ratio(cmi, gamma),
        mutual_information=math.fsum(divergences(p, np.broadcast_to(overall, p.shape))) / n,
        label_information=math.fsum(
            weights[seen] * divergences(q[seen], np.broadcast_to(overall, q[seen].shape))
        ),
        cross_entropy=ce,
        error=error,
        top5_error=top5,
        expected_calibration_error=ece,
        zeros=int(np.isneginf(logs).sum()),
        first_zero_row=int(zero_rows[0]) if len(zero_rows) else None,
        row_entropy=-math.fsum(terms.sum(axis=1)) / n,
        class_n=[int(v) for v in sizes],
        class_cmi=class_cmi.tolist(),
        class_error=class_error.tolist(),
        class_loss=[float(loss[y == c].max()) if seen[c] else math.nan for c in range(classes)],
        centroid_entropy=np.where(seen, -q_terms.sum(axis=1), np.nan).tolist(),
        separation=separation.tolist(),
    )


def label_ranks(raw: Array, y: Any) -> Any:
    """Columns before the label: strictly greater, or equal at a lower index."""
    own = raw[np.arange(len(raw)), y][:, None]
    earlier = np.arange(raw.shape[1])[None, :] < np.asarray(y)[:, None]
    return (raw > own).sum(axis=1) + ((raw == own) & earlier).sum(axis=1)


def calibration_error(confidence: Array, correct: Any) -> float:
    """Sum over 15 equal bins (i/15, (i+1)/15] of n_b/n |accuracy - mean confidence|."""
    total = 0.0
    for b in range(ECE_BINS):
        inside = (confidence > b / ECE_BINS) & (confidence <= (b + 1) / ECE_BINS)
        if inside.any():
            gap = abs(float(correct[inside].mean()) - float(confidence[inside].mean()))
            total += float(inside.mean()) * gap
    return total


def surrogate(p: Array, y: Any, dummy: Array) -> float:
    """(1/n) sum_i D(P_i||Q~_{y_i}) for any strictly positive dummy distributions Q~."""
    return math.fsum(divergences(p, dummy[y])) / len(p)


def cmi_gradient(z: Array, y: Any, classes: int) -> Array:
    """d CMI / d logits with the centroids held constant (stop-gradient)."""
    p, logs = distributions(z)
    excess = logs - np.log(centroids(p, y, classes)[y])
    return p * (excess - (p * excess).sum(axis=1, keepdims=True)) / len(p)


def gamma_gradient(z: Array, y: Any, *, detach_second: bool = False) -> Array:
    """d Gamma / d logits, through both arguments of the cross entropy or the first alone."""
    p, logs = distributions(z)
    different = (np.asarray(y)[:, None] != np.asarray(y)[None, :]).astype(np.float64)
    a, b = different @ p, different @ logs
    bracket = p * (b - (p * b).sum(axis=1, keepdims=True))
    if not detach_second:
        bracket += a - different.sum(axis=1, keepdims=True) * p
    return -bracket / len(p) ** 2
