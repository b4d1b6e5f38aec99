"""Values that are exchanged among near samples."""

from __future__ import annotations

from infotheory._jit import kernel
from infotheory._typing import AnyArray

__all__ = ["fill_exchange"]


@kernel
def fill_exchange(choices: AnyArray, turns: AnyArray, taken: AnyArray, found: AnyArray) -> None:
    """Let samples choose in turn: the first of a row that was not taken, or else the first.

    `taken` (n,) is False before; choices have shape (n, m).
    """
    for sample in turns:
        chosen = choices[sample, 0]
        for place in range(choices.shape[1]):
            if not taken[choices[sample, place]]:
                chosen = choices[sample, place]
                break
        taken[chosen] = True
        found[sample] = chosen
