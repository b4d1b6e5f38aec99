"""Fill class sums from tensors on the device where they are, reading the outputs once.

Which pass runs is decided here and nowhere else:

* logits on a GPU, no smoothing, no weights: the fused Triton kernels
  (:mod:`infotheory.learning.functional.fused_sums`), unless some logit is minus infinity;
* everything else: whole-tensor operations, a block of rows at a time
  (:mod:`infotheory.learning.functional.plain_sums`).
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import torch

from infotheory._simplex import KINDS, are_probabilities, sum_tolerance
from infotheory._typing import AnyArray
from infotheory._validation import (
    BFLOAT16,
    as_labels,
    as_outputs,
    as_weights,
    check_choice,
    check_count,
    check_smoothing,
    check_temperature,
    decode,
    refusal,
)
from infotheory.classifiers.valid_rows import refuse_probabilities, refuse_row
from infotheory.learning.functional.fused_sums import fused_suits, fused_sums
from infotheory.learning.functional.plain_sums import Filled, Grouped, plain_sums
from infotheory.learning.functional.tensor_sums import TensorSums

__all__ = ["class_sums", "group", "stand_in"]

_DTYPES: dict[torch.dtype, np.dtype[Any]] = {
    torch.float16: np.dtype(np.float16),
    torch.bfloat16: BFLOAT16,
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
}
_MOST_SHORT = 32_000  # slots whose numbers are sorted as int16, in a quarter of the time


def class_sums(
    outputs: torch.Tensor,
    labels: Any,
    n_classes: int | None = None,
    *,
    kind: str = "logits",
    temperature: float = 1.0,
    smoothing: float = 0.0,
    weights: Any = None,
    parts: Any = None,
    n_parts: int = 1,
    first_row: int = 0,
    method: str | None = None,
    precision: str | None = None,
) -> TensorSums:
    """Sum output distributions by class, on the device where they are.

    Parameters
    ----------
    outputs : Tensor, shape (n, K)
        float16, bfloat16, float32, float64 or integers; gradients are not followed.
    labels : array_like of int, shape (n,)
        Class numbers in [0, C), on any device.
    n_classes : int, optional
        C; by default K, and labels then name columns.
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What `outputs` holds. -inf logits are legal: they mask a symbol.
    temperature : float, default 1.0
        P = softmax(z / temperature); probabilities are raised to 1/temperature and normalised.
    smoothing : float, default 0.0
        Weight in [0, 1) of the uniform distribution that is mixed into every row.
    weights : array_like of float, shape (n,), optional
        How much each sample counts; zero leaves it out.
    parts : array_like of int, shape (n,), optional
        The part (shard, group) of each row, in [0, n_parts), which is not checked.
    n_parts : int, default 1
        Into how many parts the rows are divided.
    first_row : int, default 0
        What a refusal calls the first row.
    method : {"fused", "plain"}, optional
        Which pass. By default the fused one where it can be.
    precision : {"single", "double"}, optional
        Of the exponentials in the fused pass; the plain one always takes double. By default
        single where CMI keeps six digits, which is checked, and double elsewhere.

    Returns
    -------
    TensorSums
        The same sums as :class:`infotheory.classifiers.ClassSums`, float64.

    Raises
    ------
    ValueError, TypeError
        Where a row is not a distribution or a label no class, with the sentence and the first row
        that :func:`infotheory.measure_classifier` names.

    Notes
    -----
    For each class, A = sum of P, B = sum of the finite ln P and h = sum of <P, ln P>, with the
    tallies of the report; see :mod:`infotheory.classifiers.class_sums`.

    Rows are grouped by class with a stable sort, and each class is added up in that order: equal
    inputs give equal sums. Nothing of size n x K is allocated. The plain pass holds some six blocks
    of 2^20 numbers in double precision on the host, 2^23 elsewhere (50 and 400 MB). The fused one
    holds 16 K bytes for each of at most 2048 stretches of rows, and some 40 bytes a row. The result
    takes 16 K bytes a cell, or where cells outnumber rows, a cell that is met.

    In single precision a probability has a relative error of about 1e-7 (1 + abs(ln P)). The
    first batch of a shape waits some seconds for Triton to compile, which is kept on disk.

    References
    ----------
    yang2023cmicdl

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.functional import class_sums
    >>> sums = class_sums(torch.tensor([[0.5, 0.5], [0.25, 0.75]]), [1, 1], kind="probs")
    >>> sums.cells, sums.mass
    (array([1]), tensor([[0.7500, 1.2500]], dtype=torch.float64))
    """
    check_choice("kind", kind, KINDS)
    if method is not None:
        check_choice("method", method, ("fused", "plain"))
    if precision is not None:
        check_choice("precision", precision, ("single", "double"))
    temperature, smoothing = check_temperature(temperature), check_smoothing(smoothing)
    n, columns = as_outputs(stand_in(outputs)).shape
    outputs = outputs.detach()
    if outputs.dtype not in _DTYPES:
        outputs = outputs.double()
    size = columns if n_classes is None else check_count("n_classes", n_classes)
    if kind == "logits":
        _refuse_probabilities(outputs)
    targets = _on_device(labels, n, size, outputs.device)
    every = None
    if weights is not None:
        every = torch.from_numpy(as_weights(weights, n)).to(outputs.device)
    if parts is not None:
        targets = targets * n_parts + torch.as_tensor(parts, device=outputs.device)
    present, grouped = group(targets, size, n_parts)
    tolerance = sum_tolerance(_DTYPES[outputs.dtype], columns, kind)
    unfit = "method='plain'" if method == "plain" else fused_suits(outputs, kind, smoothing, every)
    if method == "fused" and unfit is not None:
        raise refusal(
            "method", "'plain' here", f"'fused' with {unfit}", "By default the choice is made."
        )
    filled = None
    if unfit is None:
        filled = fused_sums(
            outputs, grouped, labelled=size == columns, temperature=temperature, precision=precision
        )
    if filled is None:
        filled = plain_sums(
            outputs, grouped, every, labelled=size == columns, kind=kind, temperature=temperature,
            smoothing=smoothing, tolerance=tolerance,
        )  # fmt: skip
    if filled.invalid is not None:
        _refuse_row(outputs, filled.invalid, kind, tolerance, first_row)
    return _met(filled, present, n, size, n_parts)


def stand_in(outputs: Any) -> AnyArray:
    """Return an array of the shape of a tensor that takes no memory, for the checks of arrays.

    Parameters
    ----------
    outputs : Tensor
        Of any type.

    Returns
    -------
    ndarray
        Zeros, of which no row sums to one; of a type that is refused where the tensor's is.
    """
    if not isinstance(outputs, torch.Tensor):
        raise TypeError(f"outputs must be a tensor; got {type(outputs).__name__}.")
    dtype, name = "float32", str(outputs.dtype).removeprefix("torch.")
    if outputs.dtype not in _DTYPES and not name.removeprefix("u").startswith("int"):
        dtype = name if hasattr(np, name) else "void"
    return np.broadcast_to(np.zeros((), dtype), tuple(outputs.shape))


def _on_device(labels: Any, n: int, n_classes: int, device: torch.device) -> torch.Tensor:
    """Return checked labels as int64; those that are on the device are checked there."""
    if (
        isinstance(labels, torch.Tensor)
        and labels.device == device
        and labels.shape == (n,)
        and not (labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool)
    ):
        numbers = labels.detach().long()  # of some unsigned types torch knows no more
        least, most = torch.stack(numbers.aminmax()).tolist()
        if 0 <= least and most < n_classes:
            return numbers
    return torch.from_numpy(as_labels(labels, n, n_classes)).to(device)


def _refuse_probabilities(outputs: torch.Tensor) -> None:
    """As for arrays; most often the first rows, which are few, show that these are logits."""
    if are_probabilities(as_outputs(outputs[:8])):
        refuse_probabilities(as_outputs(outputs))


def group(cells: torch.Tensor, n_classes: int, n_parts: int) -> tuple[torch.Tensor, Grouped]:
    """Group rows by cell.

    Parameters
    ----------
    cells : Tensor of int64, shape (n,)
        Class times `n_parts`, plus the part, of each row.
    n_classes, n_parts : int
        How many classes and parts there are.

    Returns
    -------
    present : Tensor of int64, shape (S,)
        The cell of each slot, ascending: every cell, or those met where they outnumber the rows.
    grouped : Grouped
        The rows, by slot.
    """
    size = n_classes * n_parts
    if size > cells.numel():
        present, slots = torch.unique(cells, return_inverse=True)
    else:
        present, slots = torch.arange(size, device=cells.device), cells
    size = present.numel()
    keys, order = slots.to(torch.int16 if size < _MOST_SHORT else torch.int32).sort(stable=True)
    edges = torch.arange(size + 1, device=keys.device, dtype=keys.dtype)
    starts = torch.searchsorted(keys, edges)
    return present, Grouped(order, starts, present.div(n_parts, rounding_mode="floor"))


def _met(filled: Filled, present: torch.Tensor, n: int, n_classes: int, n_parts: int) -> TensorSums:
    """Return the sums of the slots that have samples of positive weight."""
    cells, counts = torch.stack([present, filled.tallies.pop("counts").long()]).cpu().numpy()
    met = np.flatnonzero(counts)
    sums: dict[str, torch.Tensor | None] = {
        "mass": filled.mass, "log_mass": filled.log_mass, "zeros": filled.zeros, **filled.tallies
    }  # fmt: skip
    if met.size < counts.size:
        rows = torch.from_numpy(met).to(present.device)
        sums = {name: None if part is None else part[rows] for name, part in sums.items()}
    return TensorSums(
        n_classes=n_classes,
        n_outputs=filled.mass.shape[1],
        cells=cells[met],
        counts=counts[met],
        n_parts=n_parts,
        n_rows=n,
        first_zero_row=filled.first_zero,
        **sums,
    )


def _refuse_row(
    outputs: torch.Tensor, row: int, kind: str, tolerance: float, first_row: int
) -> NoReturn:
    refuse_row(decode(as_outputs(outputs[row : row + 1])), 0, kind, tolerance, first_row + row)
