"""Class sums by whole-tensor operations in double precision, for any device and any outputs."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from infotheory._kernels.class_sums import N_BINS

__all__ = ["Filled", "Grouped", "plain_sums"]

# Numbers of one block in double precision. Some six such blocks are there at a time: 50 MB on the
# host, where more would leave the caches, and 400 MB on an accelerator, which wants long launches.
_BLOCK_NUMBERS = 1 << 20
_DEVICE_BLOCK_NUMBERS = 1 << 23


class Grouped(NamedTuple):
    """Rows grouped by slot, a slot being a row of the sums.

    Attributes
    ----------
    order : Tensor of int64, shape (n,)
        Row numbers, slot after slot, in their own order within each.
    starts : Tensor of int64, shape (S + 1,)
        Where each slot begins in `order`, and where the last one ends.
    classes : Tensor of int64, shape (S,)
        Of which class each slot is.
    """

    order: torch.Tensor
    starts: torch.Tensor
    classes: torch.Tensor


@dataclass
class Filled:
    """What a pass found: sums by slot, and the rows to be named.

    Attributes
    ----------
    mass, log_mass : Tensor, shape (S, K)
        As in :class:`infotheory.classifiers.ClassSums`.
    zeros : Tensor, shape (S, K), or None
        The same.
    tallies : dict of str to Tensor
        The sums without columns, "counts" among them, by name.
    invalid, first_zero : int or None
        The first row that is no distribution, and the first of positive weight with a zero.
    """

    mass: torch.Tensor
    log_mass: torch.Tensor
    zeros: torch.Tensor | None
    tallies: dict[str, torch.Tensor]
    invalid: int | None
    first_zero: int | None


class _Block(NamedTuple):
    """Some distributions: P, ln P with 0 in place of minus infinity, where, and which are valid."""

    probs: torch.Tensor
    log_probs: torch.Tensor
    zero: torch.Tensor
    valid: torch.Tensor


def _distributions(
    x: torch.Tensor, kind: str, temperature: float, smoothing: float, tolerance: float
) -> _Block:
    largest, top = x.max(dim=1, keepdim=True)  # nan where there is one
    if kind == "probs":
        valid = (x >= 0).all(dim=1) & ((x.sum(dim=1) - 1.0).abs() <= tolerance)
        z = (x / largest).log_() / temperature
    else:
        valid = (x < math.inf).all(dim=1) & (largest[:, 0] > -math.inf)
        if kind == "log_probs":
            valid &= (x.exp().sum(dim=1) - 1.0).abs() <= tolerance
        z = (x - largest) / temperature
    probs = z.exp()
    # The largest term is 1: summing the others apart keeps what 1 + rest would round away.
    rest = probs.scatter_(1, top, 0.0).sum(dim=1, keepdim=True)
    probs = probs.scatter_(1, top, 1.0).div_(1.0 + rest)
    zero = z == -math.inf
    z = z.sub_(rest.log1p()).masked_fill_(zero, 0.0)
    if smoothing > 0.0:
        probs = probs.mul_(1.0 - smoothing).add_(smoothing / x.shape[1])
        return _Block(probs, probs.log(), torch.zeros_like(zero), valid)
    return _Block(probs, z, zero, valid)


def _row_tallies(
    x: torch.Tensor, block: _Block, labels: torch.Tensor | None, weight: torch.Tensor
) -> torch.Tensor:
    """What each row adds to the sums without columns: six numbers, and three histograms."""
    certainty, top = block.probs.max(dim=1)
    entropy = (block.probs * block.log_probs).sum(dim=1)
    loss = -block.log_probs.gather(1, top[:, None])[:, 0]
    correct = beyond = torch.zeros_like(certainty)
    place = torch.zeros_like(top)
    inside = 0.0
    if labels is not None:
        own = labels[:, None]
        loss = -block.log_probs.gather(1, own)[:, 0]
        # A sample of weight zero is to add nothing, not zero times infinity.
        loss = loss.masked_fill(block.zero.gather(1, own)[:, 0] & (weight > 0), math.inf)
        chosen = x.gather(1, own)
        columns = torch.arange(x.shape[1], device=x.device)
        rank = ((x > chosen) | ((x == chosen) & (columns < own))).sum(dim=1)
        correct, beyond = (rank == 0).double(), (rank >= 5).double()
        place = ((certainty * N_BINS).ceil().long() - 1).clamp(0, N_BINS - 1)
        inside = 1.0
    bins = torch.nn.functional.one_hot(place, N_BINS).double() * inside
    counted = (weight > 0).double()
    scalars = torch.stack([counted, weight, weight**2, weight * entropy, weight * loss,
                           weight * beyond], dim=1)  # fmt: skip
    weight = weight[:, None]
    return torch.cat(
        [scalars, weight * bins, weight * correct[:, None] * bins,
         weight * certainty[:, None] * bins], dim=1
    )  # fmt: skip


def plain_sums(
    outputs: torch.Tensor,
    grouped: Grouped,
    weights: torch.Tensor | None,
    *,
    labelled: bool,
    kind: str,
    temperature: float,
    smoothing: float,
    tolerance: float,
) -> Filled:
    """Fill class sums a block of rows at a time.

    Parameters
    ----------
    outputs : Tensor, shape (n, K)
        Of any floating type.
    grouped : Grouped
        Their rows, by slot.
    weights : Tensor of float64, shape (n,), or None
        Sample weights.
    labelled : bool
        Whether classes are columns.
    kind, temperature, smoothing, tolerance
        What the rows hold and how far their sums may be from one.

    Returns
    -------
    Filled
    """
    (n, columns), device = outputs.shape, outputs.device
    starts = grouped.starts.tolist()
    size = len(starts) - 1
    mass, log_mass = torch.zeros((2, size, columns), dtype=torch.float64, device=device)
    narrow = torch.zeros((size, 6 + 3 * N_BINS), dtype=torch.float64, device=device)
    zeros = None
    named = torch.full((2,), n, dtype=torch.int64, device=device)
    numbers = _BLOCK_NUMBERS if device.type == "cpu" else _DEVICE_BLOCK_NUMBERS
    step = max(1, numbers // columns)
    slot_of = torch.repeat_interleave(torch.arange(size, device=device), grouped.starts.diff())
    for start in range(0, n, step):
        stop = min(start + step, n)
        rows, slots = grouped.order[start:stop], slot_of[start:stop]
        x = outputs[rows].double()
        block = _distributions(x, kind, temperature, smoothing, tolerance)
        weight = torch.ones_like(x[:, 0]) if weights is None else weights[rows]
        labels = grouped.classes[slots] if labelled else None
        here = slice(*_span(starts, start, stop))
        edges = grouped.starts[here.start : here.stop + 1].clamp(start, stop)
        lengths = edges.diff()
        narrow[here] += _segments(_row_tallies(x, block, labels, weight), lengths)
        mass[here] += _segments(block.probs.mul_(weight[:, None]), lengths)
        log_mass[here] += _segments(block.log_probs.mul_(weight[:, None]), lengths)
        with_zero = block.zero.any(dim=1) & (weight > 0)
        for which, rows_named in enumerate((~block.valid, with_zero)):
            found = torch.where(rows_named, rows, n).min()
            named[which] = torch.minimum(named[which], found)
        if bool(with_zero.any()):
            if zeros is None:
                zeros = torch.zeros((size, columns), dtype=torch.float64, device=device)
            zeros[here] += _segments((block.zero & with_zero[:, None]).double(), lengths)
    invalid, first_zero = (row if row < n else None for row in named.tolist())
    scalars, bins, correct, confidence = narrow.split([6, N_BINS, N_BINS, N_BINS], dim=1)
    names = ("counts", "weight", "squares", "entropy", "loss", "top5_misses")
    tallies: dict[str, Any] = dict(zip(names, scalars.unbind(dim=1), strict=True))
    tallies |= {"bins": torch.stack([bins, correct], dim=2), "confidence": confidence}
    return Filled(
        mass,
        log_mass,
        None if zeros is None else zeros.long(),
        tallies,
        invalid,
        first_zero,
    )


def _span(starts: list[int], start: int, stop: int) -> tuple[int, int]:
    """First slot with rows in [start, stop), and one beyond the last."""
    return bisect_right(starts, start) - 1, bisect_left(starts, stop)


def _segments(rows: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Sum runs of rows, in their order: no atomic additions, so equal inputs give equal sums."""
    return torch.segment_reduce(rows, "sum", lengths=lengths, axis=0, unsafe=True)
