"""Class sums of logits on a GPU, reading them once: the Triton kernels, and when to trust them.

Exponentials are taken in single precision where that is exact enough, and sums over rows kept in
double precision. Logits of minus infinity, whose zeros are to be counted, are not for these
kernels: they are found on the way, and the caller turns to the plain pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch

from infotheory._kernels.class_sums import N_BINS
from infotheory.learning.functional.plain_sums import Filled, Grouped

__all__ = ["LAUNCH", "Launch", "fused_pass", "fused_suits", "fused_sums", "has_triton"]

_WIDEST = 4096  # columns of a row that still fits into one tile
_WIDE_BLOCK = 1024  # columns of a tile of longer rows
_PROGRAMS = 1024  # to have at least, where there are rows enough
_SMALL = 1 << 20  # numbers; below, single precision saves nothing that could be noticed


@dataclass
class Launch:
    """How the kernels are launched; the defaults are for GPUs of the years 2020 to 2024.

    Attributes
    ----------
    tile : int
        Numbers of a tile in single precision, half as many in double; a power of two.
    warps : int
        Warps of a program, for such a tile; more for the rows that need a larger one.
    stages : int
        Tiles on their way at a time, less one.
    """

    tile: int = 2048
    warps: int = 4
    stages: int = 3


LAUNCH = Launch()
"""What is used; benchmarks/device.py tries others."""


class _Runs(NamedTuple):
    """How rows are cut into runs, one for each program; tables on the device."""

    n_programs: int  # some of them may find nothing to do
    n_spare: int
    slots: torch.Tensor  # of each program; the number of slots where there is no run
    pieces: torch.Tensor  # runs of each slot
    run_starts: torch.Tensor  # first run of each slot
    spare_starts: torch.Tensor  # first spare row of each slot


def has_triton() -> bool:
    """Whether Triton can be imported: it comes with torch for GPUs, not with that for the host.

    Returns
    -------
    bool
    """
    return find_spec("triton") is not None


def fused_suits(
    outputs: torch.Tensor, kind: str, smoothing: float, weights: torch.Tensor | None
) -> str | None:
    """Say why the kernels cannot take these outputs, or return None where they can.

    Parameters
    ----------
    outputs : Tensor, shape (n, K)
        Of any floating type.
    kind, smoothing, weights
        As of :func:`infotheory.learning.functional.class_sums`.

    Returns
    -------
    str or None
    """
    if kind != "logits" or smoothing > 0.0 or weights is not None:
        return "probabilities, smoothing or weights"
    if not has_triton():
        return "no Triton"
    if outputs.stride(1) != 1:
        return "rows that are not contiguous"
    if not outputs.is_cuda:
        from infotheory.learning.functional._fused import interpreted

        return None if interpreted() else f"outputs on {outputs.device}"
    return None


def fused_sums(
    outputs: torch.Tensor,
    grouped: Grouped,
    *,
    labelled: bool,
    temperature: float,
    precision: str | None,
) -> Filled | None:
    """Fill class sums of logits, or return None where some logit is minus infinity.

    Parameters
    ----------
    outputs : Tensor, shape (n, K)
        Logits, rows contiguous.
    grouped : Grouped
        Their rows, by slot.
    labelled : bool
        Whether classes are columns.
    temperature : float
        P = softmax(z / temperature).
    precision : {"single", "double"} or None
        Of the exponentials. By default single for larger batches of float32 or less, with a
        second pass in double precision where single turns out not to be enough. "single" is kept
        to but where sums overflow.

    Returns
    -------
    Filled or None
    """
    n, columns = outputs.shape
    small = outputs.numel() < _SMALL or outputs.dtype == torch.float64
    if precision != "double" and not (small and precision is None):
        buffer, named = fused_pass(outputs, grouped, labelled, temperature, exact=False)
        filled = _filled(buffer, grouped, columns)
        # Logits of -3e38, which stand for a mask here and there, add up in double precision only.
        enough = filled.log_mass.sum().isfinite()
        if precision is None:
            enough &= _single_is_enough(filled, buffer[:, 2 * columns + 2], n)
        filled.invalid, masked, done = _told(torch.cat([named, enough[None]]), n)
        if filled.invalid is not None or masked or done:
            return None if masked else filled
    buffer, named = fused_pass(outputs, grouped, labelled, temperature, exact=True)
    filled = _filled(buffer, grouped, columns)
    filled.invalid, masked = _told(named, n)
    return None if masked else filled


def _told(numbers: torch.Tensor, n: int) -> Any:
    """Bring the first invalid row, or None, and flags to the host; what is invalid comes first."""
    invalid, masked, *rest = numbers.tolist()
    return (invalid, 0, *rest) if invalid < n else (None, masked, *rest)


def _single_is_enough(filled: Filled, lse: torch.Tensor, n: int) -> torch.Tensor:
    """Whether exponentials in single precision left CMI with six good digits.

    CMI is a difference of terms whose mean size over rows is the mean log-sum-exp, from the largest
    logit on, plus the mean entropy. What exponentials do systematically is below 3e-8 of them.
    Their rounding and that of a tile's sums is some 4e-7 a row, and averages out over the rows that
    contribute: where most rows are nearly certain the few others decide. Where all rows of a class
    are alike it does not average out, but CMI is then all rounding, and double precision follows.
    """
    entropy, weight = filled.tallies["entropy"], filled.tallies["weight"]
    of_centroids = torch.xlogy(weight, weight).sum() - torch.xlogy(filled.mass, filled.mass).sum()
    cmi = (of_centroids + entropy.sum()) / n
    terms = (lse.sum() - entropy.sum()) / n
    contributing = n * terms.clamp(max=1.0)
    return (3e-8 + 4e-7 / contributing.sqrt()) * terms < 1e-6 * cmi


def fused_pass(
    outputs: torch.Tensor, grouped: Grouped, labelled: bool, temperature: float, *, exact: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the kernels, and do not wait for them.

    Parameters
    ----------
    outputs, grouped, labelled, temperature
        As of :func:`fused_sums`.
    exact : bool
        Whether exponentials are in double precision.

    Returns
    -------
    buffer : Tensor, shape (S, 2 K + 64)
        Sums of P, of ln P, and the tallies of each slot.
    told : Tensor of int64, shape (2,)
        The first invalid row, or n; and whether some logit is minus infinity.
    """
    import triton
    import triton.language as tl

    from infotheory.learning.functional import _fused as kernels

    (n, columns), device = outputs.shape, outputs.device
    size = grouped.classes.numel()
    dtype = torch.float64 if exact else torch.float32
    number = tl.float64 if exact else tl.float32
    wide = columns > _WIDEST
    block = _WIDE_BLOCK if wide else max(16, triton.next_power_of_2(columns))
    tile = LAUNCH.tile // 2 if exact else LAUNCH.tile
    rows = max(1, tile // block)
    n_blocks = triton.cdiv(columns, block)
    runs = _runs(grouped, n, rows)
    width = 2 * columns + kernels.TALLIES
    buffer = torch.empty((size + runs.n_spare, width), dtype=torch.float64, device=device)
    slopes = torch.empty((runs.n_programs, n_blocks), dtype=torch.float64, device=device)
    factor = torch.tensor(math.log2(math.e) / temperature, dtype=dtype).item()
    constants = torch.tensor([factor, factor * math.log(2.0)], dtype=torch.float64, device=device)
    powers, gaps, tops = torch.empty((3, n), dtype=dtype, device=device)
    ties, ranks = torch.empty((2, n), dtype=torch.int32, device=device)
    invalid = torch.full((runs.n_programs,), n, dtype=torch.int64, device=device)
    masked = torch.zeros_like(invalid)
    cut = (runs.slots, grouped.starts, runs.pieces, runs.run_starts, runs.spare_starts, size)
    matrix = (outputs, outputs.stride(0), columns, grouped.order)
    # Triton 3.9 warns where nothing is said about fusing a product and a sum.
    some: dict[str, Any] = {"num_warps": LAUNCH.warps, "enable_fp_fusion": True}
    more = some | {"num_warps": min(16, LAUNCH.warps * max(1, rows * block // tile))}
    with torch.cuda.device_of(outputs):
        if wide:
            slots_of_rows = torch.repeat_interleave(
                torch.arange(size, device=device), grouped.starts.diff(), output_size=n
            )
            kernels.row_statistics[(n,)](
                *matrix, slots_of_rows, grouped.classes, constants,
                tops, powers, gaps, ties, ranks,
                LABELLED=labelled, BLOCK=2048, NUMBER=number, **some,
            )  # fmt: skip
            kernels.wide_sums[(runs.n_programs, n_blocks)](
                *matrix, *cut, constants, buffer, slopes, tops, powers, ties,
                ROWS=rows, BLOCK=block, STAGES=LAUNCH.stages, NUMBER=number,
                TALLIES=kernels.TALLIES, **more,
            )  # fmt: skip
        else:
            kernels.tile_sums[(runs.n_programs,)](
                *matrix, *cut, grouped.classes, constants, buffer, slopes, powers, gaps, ties,
                LABELLED=labelled, ROWS=rows, BLOCK=block, STAGES=LAUNCH.stages, NUMBER=number,
                RANK=kernels.RANK, TALLIES=kernels.TALLIES, **more,
            )  # fmt: skip
        kernels.tally_runs[(runs.n_programs,)](
            grouped.order, *cut, columns, constants, buffer, slopes, powers, gaps, ties, ranks,
            invalid, masked, LABELLED=labelled, PACKED=not wide, PARTS=n_blocks, TILE=128,
            ROWS=rows, RANK=kernels.RANK, TALLIES=kernels.TALLIES, **some,
        )  # fmt: skip
        kernels.join_runs[(size, triton.cdiv(width, 256))](
            runs.pieces, runs.spare_starts, size, columns, constants, buffer,
            TILE=16, BLOCK=256, TALLIES=kernels.TALLIES, **some,
        )  # fmt: skip
    return buffer[:size], torch.stack([invalid.amin(), masked.amax()])


def _runs(grouped: Grouped, n: int, rows: int) -> _Runs:
    """Cut each slot into even runs of at most `most` rows; no table waits for the device."""
    most = 1 << max(0, (n - 1) // _PROGRAMS).bit_length()
    most = max(most, rows)
    size = grouped.classes.numel()
    pieces = (grouped.starts.diff() + (most - 1)).div(most, rounding_mode="floor")
    ends = pieces.cumsum(0)
    several = torch.where(pieces > 1, pieces, 0)
    n_programs = n // most + min(size, n)
    programs = torch.arange(n_programs, device=ends.device)
    slots = torch.searchsorted(ends, programs, right=True)
    # A slot of m > 1 runs has more than (m - 1) * most rows, so that m < 2 (its rows / most).
    n_spare = min(n_programs, 2 * n // most)
    return _Runs(n_programs, n_spare, slots, pieces, ends - pieces, several.cumsum(0) - several)


def _filled(buffer: torch.Tensor, grouped: Grouped, columns: int) -> Filled:
    """Name the columns of the buffer."""
    counts = grouped.starts.diff().double()
    scalars, bins, correct, confidence = buffer[:, 2 * columns :].split(16, dim=1)
    entropy, loss, _, misses = scalars[:, :4].unbind(dim=1)
    tallies = {
        "counts": counts,
        "weight": counts,
        "squares": counts,
        "entropy": entropy,
        "loss": loss,
        "top5_misses": misses,
        "bins": torch.stack([bins, correct], dim=2)[:, :N_BINS],
        "confidence": confidence[:, :N_BINS],
    }
    return Filled(buffer[:, :columns], buffer[:, columns : 2 * columns], None, tallies, None, None)
