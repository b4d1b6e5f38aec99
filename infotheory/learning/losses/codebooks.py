"""How the codewords of the NCMI loss begin."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from infotheory._validation import check_choice, check_count, refusal

__all__ = ["at_least_two", "initial_codewords"]

_CODEBOOKS = ("identity", "random")
_OWN, _OTHER = 10.0, 1e-6  # 10 [I|0] + 1e-6 is the authors' codebook


def initial_codewords(
    codebook: str,
    n_classes: int,
    n_features: int,
    temperature: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return w, of which the codewords are sigmax(w).

    Parameters
    ----------
    codebook : {"identity", "random"}
        10 at the feature with the number of the class and 1e-6 elsewhere; or a random direction
        with the length 1/T of the features.
    n_classes, n_features : int
        C and m.
    temperature : float
        T.
    generator : torch.Generator, optional
        For random directions; by default PyTorch's global one.

    Returns
    -------
    Tensor, shape (C, m)

    Raises
    ------
    ValueError
        If the codebook is unknown, or "identity" and m below C.
    """
    check_choice("codebook", codebook, _CODEBOOKS)
    if codebook == "random":
        w = torch.randn((n_classes, n_features), generator=generator)
        directions: Tensor = w / (temperature * w.norm(dim=1, keepdim=True))
        return directions
    if n_features < n_classes:
        raise refusal(
            "n_features",
            f"at least n_classes ({n_classes}) for codebook='identity'",
            str(n_features),
            "Pass codebook='random', or let the network give more features.",
        )
    return _OWN * torch.eye(n_classes, n_features) + _OTHER


def at_least_two(argument: str, value: Any) -> int:
    """Return a count as an int, or refuse one below two.

    Parameters
    ----------
    argument : str
        What a refusal calls it.
    value : int
        The count.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        If it is no integer, or below two.
    """
    count = check_count(argument, value)
    if count < 2:
        raise refusal(argument, "at least 2", str(count))
    return count
