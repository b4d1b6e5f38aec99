"""Checks of arguments, and the one sentence that every refusal follows.

*argument* must be *requirement*; got *fact*. *fix*.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from infotheory._typing import AnyArray, FloatArray, IntArray

__all__ = [
    "BFLOAT16",
    "as_array",
    "as_groups",
    "as_labels",
    "as_names",
    "as_numbers",
    "as_outputs",
    "as_rng",
    "as_weights",
    "check_base",
    "check_choice",
    "check_count",
    "check_flag",
    "check_jobs",
    "check_level",
    "check_resamples",
    "check_shards",
    "check_smoothing",
    "check_temperature",
    "decode",
    "refusal",
]

_MOST = 100_000_000

BFLOAT16 = np.dtype(np.int16)
"""How a bfloat16 array travels inside the package: as its bits, since numpy has no such type."""


def refusal(argument: str, requirement: str, fact: str, fix: str = "") -> ValueError:
    """Build the error for a value that cannot be used.

    >>> str(refusal("k", "a positive integer", "0", "Try k=3."))
    'k must be a positive integer; got 0. Try k=3.'
    """
    return ValueError(_sentence(argument, requirement, fact, fix))


def _sentence(argument: str, requirement: str, fact: str, fix: str) -> str:
    verb = "" if requirement.startswith("have ") else "be "
    return f"{argument} must {verb}{requirement}; got {fact}.{' ' if fix else ''}{fix}"


def as_outputs(outputs: Any, argument: str = "outputs") -> AnyArray:
    """Return classifier outputs as a 2-D numpy array, without copying where possible.

    The result has dtype float16, float32 or float64, in any memory order and byte order, or
    int16 holding the bits of bfloat16. Integers become float64. Torch tensors are recognised by
    their methods, so torch is not imported.
    """
    array = as_numbers(outputs, argument)
    if array.ndim != 2:
        raise refusal(
            argument,
            "2-dimensional, one row a sample and one column an output symbol",
            f"{array.ndim} dimension(s), shape {array.shape}",
            "Reshape it to (n_samples, n_outputs).",
        )
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise refusal(
            argument,
            "have at least one row and one column",
            f"shape {array.shape}",
            "Pass at least one sample.",
        )
    return array


def as_numbers(value: Any, argument: str) -> AnyArray:
    """Return an array of floats, or the bits of bfloat16 as int16; integers become float64."""
    if _is_bfloat16_tensor(value):
        bits = value.detach().cpu().contiguous().view(sys.modules["torch"].int16)
        return np.asarray(bits.numpy())
    array = as_array(value, argument)
    if array.dtype.name == "bfloat16":  # a scalar type that other packages register with numpy
        array = array.view(np.int16)
    elif not (array.dtype.kind in "iu" or array.dtype.name in ("float16", "float32", "float64")):
        raise TypeError(
            _sentence(
                argument,
                "numeric (float16, float32, float64, bfloat16 or integer)",
                f"dtype {array.dtype}",
                "Convert it with .astype(float).",
            )
        )
    elif array.dtype.kind in "iu":
        array = array.astype(np.float64)
    return array


def as_labels(labels: Any, n_rows: int, n_classes: int) -> IntArray:
    """Return labels as a 1-D int64 array of `n_rows` values in [0, `n_classes`)."""
    array = as_array(labels, "labels")
    if array.dtype.kind not in "iu":
        raise TypeError(
            _sentence(
                "labels",
                "integers",
                f"dtype {array.dtype}",
                "Convert them with .astype(int), or encode names as class numbers.",
            )
        )
    if array.ndim != 1:
        raise refusal(
            "labels", "1-dimensional", f"shape {array.shape}", "Use labels.ravel() or argmax(1)."
        )
    if array.shape[0] != n_rows:
        raise refusal(
            "labels",
            f"have one entry per row of outputs ({n_rows})",
            str(array.shape[0]),
            "Check that outputs and labels come from the same samples.",
        )
    if int(array.min()) < 0 or int(array.max()) >= n_classes:
        row = int(np.argmax((array < 0) | (array >= n_classes)))
        raise refusal(
            "labels",
            f"integers in [0, {n_classes})",
            f"{array[row]} at row {row}",
            "Labels count from 0; pass n_classes if there are more classes than output columns.",
        )
    return array.astype(np.int64, copy=False)


def as_names(names: Any) -> tuple[str, ...] | None:
    """Return class names as strings, or None."""
    if names is None:
        return None
    if not hasattr(names, "__iter__"):
        raise TypeError(
            _sentence("class_names", "a sequence of strings", repr(names), "List one name a class.")
        )
    return tuple(map(str, names))


def as_rng(rng: Any) -> np.random.Generator:
    """Return a source of randomness: the given one, one of a seed, or a fresh one for None."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise refusal(
            "rng",
            "a seed (a whole number of at least 0), a numpy.random.Generator, or None",
            repr(rng),
            "A seed makes the result reproducible.",
        ) from error


def as_weights(weights: Any, n_rows: int) -> FloatArray:
    """Return sample weights as a 1-D float64 array of `n_rows` values, zero or in [1e-100, 1e100].

    That all of them are zero is for the caller to refuse: one batch of many may be.
    """
    array = as_array(weights, "sample_weight")
    if array.dtype.kind not in "iufb":
        raise TypeError(
            _sentence("sample_weight", "numbers", f"dtype {array.dtype}", "Use .astype(float).")
        )
    if array.shape != (n_rows,):
        raise refusal(
            "sample_weight",
            f"have one entry per row of outputs, shape ({n_rows},)",
            f"shape {array.shape}",
            "Give every sample a weight.",
        )
    array = array.astype(np.float64)
    wrong = ~((array == 0.0) | ((array >= 1e-100) & (array <= 1e100)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise refusal(
            "sample_weight",
            "zero or positive and finite (1e-100 to 1e100)",
            f"{array[row]} at row {row}",
            "A weight of zero leaves a sample out.",
        )
    return array


def as_groups(groups: Any, n_rows: int) -> tuple[list[str], IntArray]:
    """Return the names of the groups, sorted, and the number of the group of each row."""
    # Numpy would make the string "nan" of a missing name in a list of strings.
    named = isinstance(groups, (list, tuple))
    array = np.array(groups, dtype=object) if named else as_array(groups, "groups")
    if array.shape != (n_rows,):
        raise refusal(
            "groups",
            f"have one entry per row of outputs, shape ({n_rows},)",
            f"shape {array.shape}",
            "Give every sample a group.",
        )
    if array.dtype.kind == "O":
        whole = [isinstance(name, (int, np.integer)) for name in array]
        odd = [row for row, name in enumerate(array) if not (whole[row] or isinstance(name, str))]
        if odd:
            raise refusal(
                "groups",
                "strings or integers",
                f"{array[odd[0]]!r} at row {odd[0]}",
                "Name the group of every sample.",
            )
        array = array.astype(np.int64 if all(whole) else str)
    if array.dtype.kind not in "iubUT":
        raise TypeError(
            _sentence(
                "groups", "strings or integers", f"dtype {array.dtype}", "Cut numbers into bins."
            )
        )
    names, numbers = np.unique(array, return_inverse=True)  # integers in the order of numbers
    return [str(name) for name in names], numbers.astype(np.int64)


def _is_bfloat16_tensor(value: Any) -> bool:
    return callable(getattr(value, "detach", None)) and str(value.dtype) == "torch.bfloat16"


def as_array(value: Any, argument: str) -> AnyArray:
    """Return a numpy array of anything array-like, torch tensors included.

    Nothing is copied but bfloat16, a type that numpy lacks: it becomes float32.
    """
    if callable(getattr(value, "detach", None)):  # a torch tensor
        value = value.detach().cpu()
        return np.asarray((value.float() if _is_bfloat16_tensor(value) else value).numpy())
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        row = int(np.argwhere(np.ma.getmaskarray(value))[0][0])
        raise refusal(
            argument,
            "without masked entries",
            f"a masked entry in row {row}",
            "Drop those samples; a masked symbol is a logit of -inf.",
        )
    try:
        return np.asarray(value)
    except ValueError as error:
        raise refusal(
            argument, "a rectangular array", "rows of different lengths", "Pad or split the rows."
        ) from error


def decode(rows: AnyArray) -> FloatArray:
    """Return rows in double precision; int16 holds the bits of bfloat16."""
    if rows.dtype == BFLOAT16:
        bits = np.ascontiguousarray(rows).view(np.uint16).astype(np.uint32) << np.uint32(16)
        return bits.view(np.float32).astype(np.float64)
    return rows.astype(np.float64)


def check_choice(argument: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse a value that is not one of the choices, which the message lists."""
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise refusal(argument, f"one of {listed}", repr(value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def check_temperature(temperature: Any) -> float:
    """Return the temperature as a float; it must be positive and finite."""
    if not (_is_number(temperature) and 1e-30 <= temperature <= 1e30):
        raise refusal(
            "temperature",
            "a positive finite number",
            repr(temperature),
            "From 1e-30 to 1e30 is accepted; temperature=1.0 leaves the outputs as they are.",
        )
    return float(temperature)


def check_smoothing(smoothing: Any) -> float:
    """Return the weight of the uniform distribution as a float in [0, 1)."""
    if not (_is_number(smoothing) and 0 <= smoothing < 1):
        raise refusal(
            "smoothing",
            "a number in [0, 1)",
            repr(smoothing),
            "It is the weight of the uniform distribution; 0.001 is a usual choice.",
        )
    return float(smoothing)


def check_base(base: Any) -> float | None:
    """Return the base of the logarithm as a float, or None for nats."""
    if base is None:
        return None
    if not (_is_number(base) and 1 < base < math.inf):
        raise refusal(
            "base",
            "None (nats) or a finite number greater than 1",
            repr(base),
            "Use base=2 for bits.",
        )
    return float(base)


def check_count(argument: str, value: Any) -> int:
    """Return a positive integer, small enough to count things in memory."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not (whole and 1 <= value <= _MOST):
        raise refusal(argument, f"a positive integer (at most {_MOST:,})", repr(value))
    return int(value)


def check_flag(argument: str, value: Any) -> bool:
    """Return True or False, and refuse what only looks like it."""
    if not isinstance(value, (bool, np.bool_)):
        raise refusal(argument, "True or False", repr(value))
    return bool(value)


def check_jobs(n_jobs: Any) -> int | None:
    """Return the number of threads, or None for the automatic choice."""
    return None if n_jobs is None else check_count("n_jobs", n_jobs)


def check_shards(shards: Any) -> int:
    """Return into how many shards the samples are dealt: 0, or at least 4."""
    whole = isinstance(shards, (int, np.integer)) and not isinstance(shards, bool)
    if not (whole and (shards == 0 or 4 <= shards <= 1000)):
        raise refusal(
            "shards",
            "0 (none) or a whole number from 4 to 1000",
            repr(shards),
            "20 is a usual choice; memory grows in proportion.",
        )
    return int(shards)


def check_resamples(n_resamples: Any) -> int:
    """Return the number of bootstrap resamples, enough for quantiles."""
    whole = isinstance(n_resamples, (int, np.integer)) and not isinstance(n_resamples, bool)
    if not (whole and 100 <= n_resamples <= _MOST):
        raise refusal(
            "n_resamples",
            f"a whole number from 100 to {_MOST:,}",
            repr(n_resamples),
            "1000 is a usual choice.",
        )
    return int(n_resamples)


def check_level(level: Any) -> float:
    """Return the confidence level as a float in (0, 1)."""
    if not (_is_number(level) and 0 < level < 1):
        raise refusal("level", "a number between 0 and 1", repr(level), "0.95 is a usual choice.")
    return float(level)
