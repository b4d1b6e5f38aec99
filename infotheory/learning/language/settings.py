"""How a language model is fine-tuned, apart from its objective."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from infotheory._validation import check_choice, check_count, refusal

__all__ = ["FinetuneSettings"]

PRECISIONS = ("no", "fp16", "bf16")
_FREE = ("device", "save_steps")


@dataclass(frozen=True, kw_only=True)
class FinetuneSettings:
    """How long, how fast and on what to fine-tune.

    Attributes
    ----------
    epochs : int
        How many passes over the training set.
    max_steps : int or None
        Stop after so many steps of the optimiser, before `epochs` end, and let the learning rate
        end there.
    batch_size : int
        Texts of one step, over all processes and accumulated batches together.
    accumulation : int
        In how many batches, one after the other, the texts of a step are passed.
    lr : float
        Largest learning rate of AdamW; it rises linearly over `warmup` and then falls to zero.
    warmup : float
        For what share of all steps the rate rises, in [0, 1].
    weight_decay : float
        Of all weights but biases and normalisation.
    max_length : int
        Number of tokens to cut texts at.
    precision : {"no", "fp16", "bf16"}
        In what the network runs, by autocast. Losses and measurements are in float32 at least.
    seed : int
        Of the new head, the order of the texts, and dropout.
    device : {"cpu", None}
        "cpu" forces the host; None takes an accelerator where there is one.
    evaluate : {"epoch", "end"}
        When to measure the evaluation set: after each epoch, or at the end.
    save_steps : int or None
        Steps between checkpoints, beside those at the ends of epochs.

    Raises
    ------
    ValueError, TypeError
        Where a value cannot be used; the text names it.

    Examples
    --------
    >>> from infotheory.learning.language.settings import FinetuneSettings
    >>> FinetuneSettings(epochs=2, max_length=64).lr
    3e-05
    """

    epochs: int = 3
    max_steps: int | None = None
    batch_size: int = 32
    accumulation: int = 1
    lr: float = 3e-5
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_length: int = 128
    precision: str = "no"
    seed: int = 0
    device: str | None = None
    evaluate: str = "epoch"
    save_steps: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulation", "max_length"):
            object.__setattr__(self, name, check_count(name, getattr(self, name)))
        for name in ("max_steps", "save_steps"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, check_count(name, getattr(self, name)))
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("evaluate", self.evaluate, ("epoch", "end"))
        for name, least, most, range_ in (
            ("lr", 5e-324, math.inf, "a positive number"),
            ("warmup", 0.0, 1.0, "a share of the steps, in [0, 1]"),
            ("weight_decay", 0.0, math.inf, "a number of at least 0"),
        ):
            value = getattr(self, name)
            known = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not (known and least <= value <= most and math.isfinite(value)):
                raise refusal(name, range_, repr(value))
            object.__setattr__(self, name, float(value))
        seed: Any = self.seed
        whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
        if not (whole and 0 <= seed < 2**32):
            raise refusal("seed", "a whole number from 0 to 4294967295", repr(seed))
        object.__setattr__(self, "seed", int(seed))
        if self.device not in (None, "cpu"):
            raise refusal(
                "device", "None or 'cpu'", repr(self.device), "None takes a GPU where there is one."
            )
        if self.batch_size % self.accumulation:
            raise refusal(
                "batch_size",
                f"a multiple of accumulation ({self.accumulation})",
                str(self.batch_size),
            )

    def to_dict(self) -> dict[str, Any]:
        """Return all of them by name, as JSON keeps them."""
        return asdict(self)

    def binding(self) -> dict[str, Any]:
        """Return those that a run may not change in the middle, by name.

        Returns
        -------
        dict
            All but those that leave every step as it would be.
        """
        return {name: value for name, value in self.to_dict().items() if name not in _FREE}
