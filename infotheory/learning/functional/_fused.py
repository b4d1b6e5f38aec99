"""The Triton kernels behind :mod:`infotheory.learning.functional.fused_sums`.

Rows come grouped by slot (a row of the sums); a run is a stretch of rows of one slot, handled by
one program. A slot of one run is written to its row of the buffer at once, one of several runs to
spare rows behind, which :func:`join_runs` adds up: no atomic additions, so equal inputs give equal
sums. A row of the buffer holds K sums of P, K of v, and ``TALLIES`` numbers: sums over rows of
<P, ln P>, of the loss, of ln S, of misses beyond rank five; then three histograms.

``constants`` are two numbers in double precision: log2(e) / T as the exponentials see it, and the
1/T that goes with it exactly, so that a temperature rounded to single precision is one temperature.

v is a logit less the largest of its row, and S the sum of exp(v / T), so that
ln P = v / T - ln S: the logarithm is one a row, and is taken off the sums of v at the end. As in
the vector kernels for the host, sums of exponentials leave out the largest logits, which count
exactly one each: rows that are nearly certain keep their small terms.

What is wrong with a row shows in its sums: that of exponentials is nan where a logit is nan or
infinite or all are -inf, that of P v is nan where some are -inf, which is 0 times infinity.
"""

# mypy: disable-error-code="no-untyped-call, no-untyped-def"
# ruff: noqa: PLR0124, PLR0915 (nan differs from itself; a kernel is one fused loop)

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl

__all__ = ["RANK", "TALLIES", "join_runs", "row_statistics", "tally_runs", "tile_sums", "wide_sums"]

RANK = 1 << 14  # one rank in the number that holds it beside the count of the largest logits
TALLIES = 64  # four groups of sixteen


@triton.jit
def _bounds(run, slot, starts, runs, run_starts, spare_starts, n_slots, ROWS: tl.constexpr):
    """Rows of a run, and the row of the buffer for its sums."""
    pieces = tl.load(runs + slot)
    piece = run - tl.load(run_starts + slot)
    first, last = tl.load(starts + slot), tl.load(starts + slot + 1)
    length = tl.cdiv(tl.cdiv(last - first, pieces), ROWS) * ROWS  # even, in whole tiles
    start = first + piece * length
    stop = tl.minimum(start + length, last)
    place = slot
    if pieces > 1:
        place = n_slots + tl.load(spare_starts + slot) + piece
    return start, stop, place


@triton.jit
def tile_sums(
    x, stride: tl.constexpr, n_columns: tl.constexpr, order, slots, starts, runs, run_starts,
    spare_starts, n_slots, classes, constants, buffer, slopes, powers, gaps, codes,
    LABELLED: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, STAGES: tl.constexpr,
    NUMBER: tl.constexpr, RANK: tl.constexpr, TALLIES: tl.constexpr,
):  # fmt: skip
    """Sums over a run of rows that fit into a tile: one read of the logits.

    The shape is known when this is compiled, so that a row of 1000 numbers, which begins at a
    multiple of eight, is loaded four or eight at a time.
    """
    run = tl.program_id(0)
    slot = tl.load(slots + run)
    if slot >= n_slots:
        return
    start, stop, place = _bounds(run, slot, starts, runs, run_starts, spare_starts, n_slots, ROWS)
    label = tl.load(classes + slot)
    factor = tl.load(constants).to(NUMBER)
    columns = tl.arange(0, BLOCK)
    inside = columns < n_columns
    mass = tl.zeros([BLOCK], tl.float64)
    logs = tl.zeros([BLOCK], tl.float64)
    slope = tl.zeros([BLOCK], tl.float64)
    for t in tl.range(start, stop, ROWS, num_stages=STAGES):
        at = t + tl.arange(0, ROWS)
        live = at < stop  # beyond the end the last row stands in, with weight zero
        row = x + tl.load(order + tl.minimum(at, stop - 1)).to(tl.int64) * stride
        logits = tl.load(
            row[:, None] + columns[None, :], mask=inside[None, :], other=float("-inf")
        ).to(NUMBER)
        largest = tl.max(logits, axis=1)
        v = logits - largest[:, None]
        e = tl.exp2(v * factor)
        top = v == 0.0
        power = tl.sum(tl.where(top, 0.0, e), axis=1)
        code = tl.sum(top.to(tl.int32), axis=1)
        total = code.to(NUMBER) + power
        p = e * tl.where(live, 1.0 / total, 0.0)[:, None]
        mass += tl.sum(p, axis=0).to(tl.float64)
        slope += tl.sum(p * v, axis=0).to(tl.float64)  # nan where v is -inf, padding included
        logs += tl.sum(v * live.to(NUMBER)[:, None], axis=0).to(tl.float64)
        if LABELLED:
            own = tl.load(row + label).to(NUMBER)
            tl.store(gaps + at, largest - own, mask=live)
            if tl.max(((own < largest) | (code > 1)).to(tl.int32), axis=0) > 0:
                ahead = logits > own[:, None]
                ahead = ahead | ((columns < label)[None, :] & (logits == own[:, None]))
                code += RANK * tl.sum(ahead.to(tl.int32), axis=1)
        tl.store(powers + at, power, mask=live)
        tl.store(codes + at, code, mask=live)
    target = buffer + place.to(tl.int64) * (2 * n_columns + TALLIES)
    tl.store(target + columns, mass, mask=inside)
    tl.store(target + n_columns + columns, logs, mask=inside)
    tl.store(slopes + run, tl.sum(tl.where(inside, slope, 0.0), axis=0))


@triton.jit
def row_statistics(
    x, stride: tl.constexpr, n_columns: tl.constexpr, order, slots_of_rows, classes, constants,
    tops, powers, gaps, ties, ranks,
    LABELLED: tl.constexpr, BLOCK: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """Sums along one row too long for a tile."""
    at = tl.program_id(0)
    row = x + tl.load(order + at).to(tl.int64) * stride
    best = tl.full([BLOCK], float("-inf"), NUMBER)
    for begin in range(0, n_columns, BLOCK):
        columns = begin + tl.arange(0, BLOCK)
        logits = tl.load(row + columns, mask=columns < n_columns, other=float("-inf"))
        best = tl.maximum(best, logits.to(NUMBER))
    largest = tl.max(best, axis=0)
    label = tl.load(classes + tl.load(slots_of_rows + at))
    factor = tl.load(constants).to(NUMBER)
    own = largest
    if LABELLED:
        own = tl.load(row + label).to(NUMBER)
        tl.store(gaps + at, largest - own)
    power = tl.zeros([BLOCK], NUMBER)
    tie = tl.zeros([BLOCK], tl.int32)
    rank = tl.zeros([BLOCK], tl.int32)
    for begin in range(0, n_columns, BLOCK):
        columns = begin + tl.arange(0, BLOCK)
        logits = tl.load(row + columns, mask=columns < n_columns, other=float("-inf")).to(NUMBER)
        v = logits - largest
        top = v == 0.0
        power += tl.where(top, 0.0, tl.exp2(v * factor))
        tie += top.to(tl.int32)
        rank += ((logits > own) | ((logits == own) & (columns < label))).to(tl.int32)
    tl.store(tops + at, largest)
    tl.store(powers + at, tl.sum(power, axis=0))
    tl.store(ties + at, tl.sum(tie, axis=0))
    tl.store(ranks + at, tl.sum(rank, axis=0))


@triton.jit
def wide_sums(
    x, stride: tl.constexpr, n_columns: tl.constexpr, order, slots, starts, runs, run_starts,
    spare_starts, n_slots, constants, buffer, slopes, tops, powers, ties,
    ROWS: tl.constexpr, BLOCK: tl.constexpr, STAGES: tl.constexpr, NUMBER: tl.constexpr,
    TALLIES: tl.constexpr,
):  # fmt: skip
    """Sums over a run of rows, a block of columns a program, once each row's sum is known."""
    run, part = tl.program_id(0), tl.program_id(1)
    slot = tl.load(slots + run)
    if slot >= n_slots:
        return
    start, stop, place = _bounds(run, slot, starts, runs, run_starts, spare_starts, n_slots, ROWS)
    factor = tl.load(constants).to(NUMBER)
    columns = part * BLOCK + tl.arange(0, BLOCK)
    inside = columns < n_columns
    mass = tl.zeros([BLOCK], tl.float64)
    logs = tl.zeros([BLOCK], tl.float64)
    slope = tl.zeros([BLOCK], tl.float64)
    for t in tl.range(start, stop, ROWS, num_stages=STAGES):
        at = t + tl.arange(0, ROWS)
        live = at < stop
        at = tl.minimum(at, stop - 1)
        row = x + tl.load(order + at).to(tl.int64) * stride
        logits = tl.load(
            row[:, None] + columns[None, :], mask=inside[None, :], other=float("-inf")
        ).to(NUMBER)
        v = logits - tl.load(tops + at)[:, None]
        total = tl.load(ties + at).to(NUMBER) + tl.load(powers + at)
        p = tl.exp2(v * factor) * tl.where(live, 1.0 / total, 0.0)[:, None]
        mass += tl.sum(p, axis=0).to(tl.float64)
        slope += tl.sum(p * v, axis=0).to(tl.float64)
        logs += tl.sum(v * live.to(NUMBER)[:, None], axis=0).to(tl.float64)
    target = buffer + place.to(tl.int64) * (2 * n_columns + TALLIES)
    tl.store(target + columns, mass, mask=inside)
    tl.store(target + n_columns + columns, logs, mask=inside)
    total_slope = tl.sum(tl.where(inside, slope, 0.0), axis=0)
    tl.store(slopes + run * tl.num_programs(1) + part, total_slope)


@triton.jit
def tally_runs(
    order, slots, starts, runs, run_starts, spare_starts, n_slots, n_columns: tl.constexpr,
    constants, buffer, slopes, powers, gaps, ties, ranks, invalid, masked,
    LABELLED: tl.constexpr, PACKED: tl.constexpr, PARTS: tl.constexpr, TILE: tl.constexpr,
    ROWS: tl.constexpr, RANK: tl.constexpr, TALLIES: tl.constexpr,
):  # fmt: skip
    """The sums of a run without columns, from what its rows left; and what is wrong with it."""
    run = tl.program_id(0)
    slot = tl.load(slots + run)
    if slot >= n_slots:
        return
    start, stop, place = _bounds(run, slot, starts, runs, run_starts, spare_starts, n_slots, ROWS)
    scale = tl.load(constants + 1)
    sixteen = tl.arange(0, 16)
    lses = tl.zeros([TILE], tl.float64)
    losses = tl.zeros([TILE], tl.float64)
    misses = tl.zeros([TILE], tl.float64)
    bins = tl.zeros([16], tl.float64)
    correct = tl.zeros([16], tl.float64)
    confidence = tl.zeros([16], tl.float64)
    none = tl.load(invalid + run)  # the number of rows stands there, for none
    wrong = tl.full([TILE], 0, tl.int64) + none
    for t in range(start, stop, TILE):
        at = t + tl.arange(0, TILE)
        live = at < stop
        power = tl.load(powers + at, mask=live, other=0.0).to(tl.float64)
        tie = tl.load(ties + at, mask=live, other=1)
        rank = tie * 0
        if PACKED:
            rank = tie // RANK
            tie = tie % RANK
        elif LABELLED:
            rank = tl.load(ranks + at, mask=live, other=0)
        bad = live & (power != power)
        wrong = tl.where(bad, tl.minimum(wrong, tl.load(order + at, mask=bad, other=0)), wrong)
        count = tie.to(tl.float64)
        # log1p by way of log: what rounding takes from 1 + r is put back as a factor.
        ratio = power / count
        near = 1.0 + ratio
        lost = tl.where(near == 1.0, 1.0, near - 1.0)
        log1p = tl.where(near == 1.0, ratio, tl.log(near) * (ratio / lost))
        lse = tl.where(live, log1p + tl.log(count), 0.0)
        lses += lse
        if LABELLED:
            losses += lse + tl.load(gaps + at, mask=live, other=0.0).to(tl.float64) * scale
            misses += (live & (rank >= 5)).to(tl.float64)
            certainty = 1.0 / (count + power)
            bin_number = tl.minimum(tl.maximum(tl.ceil(certainty * 15.0).to(tl.int32) - 1, 0), 14)
            member = (bin_number[:, None] == sixteen[None, :]) & live[:, None]
            hit = member & (rank == 0)[:, None]
            bins += tl.sum(member.to(tl.float64), axis=0)
            correct += tl.sum(hit.to(tl.float64), axis=0)
            confidence += tl.sum(tl.where(member, certainty[:, None], 0.0), axis=0)
        else:
            losses += lse
    lse_sum = tl.sum(lses, axis=0)
    slope = tl.load(slopes + run * PARTS)
    for part in range(1, PARTS):
        slope += tl.load(slopes + run * PARTS + part)
    scalars = tl.where(sixteen == 0, slope * scale - lse_sum, 0.0)
    scalars = tl.where(sixteen == 1, tl.sum(losses, axis=0), scalars)
    scalars = tl.where(sixteen == 2, lse_sum, scalars)
    scalars = tl.where(sixteen == 3, tl.sum(misses, axis=0), scalars)
    target = buffer + place.to(tl.int64) * (2 * n_columns + TALLIES) + 2 * n_columns
    tl.store(target + sixteen, scalars)
    tl.store(target + 16 + sixteen, bins)
    tl.store(target + 32 + sixteen, correct)
    tl.store(target + 48 + sixteen, confidence)
    tl.store(invalid + run, tl.min(wrong, axis=0))
    tl.store(masked + run, tl.where(slope != slope, 1, 0))


@triton.jit
def join_runs(
    runs, spare_starts, n_slots, n_columns: tl.constexpr, constants, buffer,
    TILE: tl.constexpr, BLOCK: tl.constexpr, TALLIES: tl.constexpr,
):  # fmt: skip
    """Add up the runs of a slot into its row; sums of v become sums of ln P."""
    slot = tl.program_id(0)
    width = 2 * n_columns + TALLIES
    begin = tl.program_id(1) * BLOCK
    pieces = tl.load(runs + slot)
    if (pieces == 1) & ((begin + BLOCK <= n_columns) | (begin >= 2 * n_columns)):
        return  # stands there as it is to be
    columns = begin + tl.arange(0, BLOCK)
    first = slot.to(tl.int64)
    if pieces > 1:
        first = n_slots + tl.load(spare_starts + slot)
    total = tl.zeros([BLOCK], tl.float64)
    lse = tl.zeros([TILE], tl.float64)
    for piece in range(0, pieces, TILE):
        number = piece + tl.arange(0, TILE)
        live = number < pieces
        row = buffer + (first + number).to(tl.int64) * width
        mask = live[:, None] & (columns < width)[None, :]
        total += tl.sum(tl.load(row[:, None] + columns[None, :], mask=mask, other=0.0), axis=0)
        lse += tl.load(row + 2 * n_columns + 2, mask=live, other=0.0)
    is_log = (columns >= n_columns) & (columns < 2 * n_columns)
    total = tl.where(is_log, total * tl.load(constants + 1) - tl.sum(lse, axis=0), total)
    tl.store(buffer + slot.to(tl.int64) * width + columns, total, mask=columns < width)


def interpreted() -> bool:
    """Whether the kernels run as plain Python, on tensors of the host."""
    kernel: Any = tile_sums
    return not isinstance(kernel, triton.runtime.jit.JITFunction)
