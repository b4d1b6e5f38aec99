"""How a network is trained, whatever the procedure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from infotheory._validation import check_choice, check_count, check_flag, refusal

__all__ = ["MONITORS", "OPTIMISERS", "PRECISIONS", "SCHEDULES", "Settings"]

OPTIMISERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "cosine", "steps")
PRECISIONS = ("no", "fp16", "bf16")
MONITORS = ("error", "ncmi", "cross_entropy")

_FREE = ("checkpoint_every", "device", "epochs", "workers")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How long, how fast and on what to train.

    Attributes
    ----------
    epochs : int
        How many passes over the training set.
    batch_size : int
        Rows that one loss sees, over all processes together.
    lr : float
        Learning rate, before the schedule.
    optimiser : {"sgd", "adam", "adamw"}
        What steps the parameters of the network. "adam" adds the weight decay to the gradient,
        "adamw" takes it off the weights.
    momentum, nesterov
        Of "sgd".
    weight_decay : float
        Of all parameters.
    schedule : {"constant", "cosine", "steps"}
        What the learning rate does from epoch to epoch: stays; falls to zero along half a cosine;
        is multiplied by `factor` at each of the `milestones`.
    milestones : tuple of int
        Numbers of the epochs, counted from 0, that begin with a smaller rate; of "steps".
    factor : float
        Of "steps".
    warmup_epochs : float
        For how long the rate rises, step by step, from zero; the schedule is for the rest.
    precision : {"no", "fp16", "bf16"}
        In what the network runs, by autocast. Losses and measurements are in float32 at least.
    accumulation : int
        Batches whose gradients are averaged for one step of the optimiser. A loss over pairs of
        rows still sees those of one batch only.
    clip : float or None
        Largest norm of the gradient; longer ones are shortened to it.
    seed : int
        Of the order of the rows, augmentation, dropout and draws of the procedure. Weights are
        initialised before, where the network is made.
    drop_last : bool
        Whether to leave out a last batch that is short.
    workers : int
        Processes that read samples which are not in memory.
    patience : int or None
        Stop after so many epochs in which `monitor` has not fallen.
    monitor : {"error", "ncmi", "cross_entropy"}
        What, measured on the validation data, says which epoch is the best.
    keep : {"last", "best"}
        Which network to give back, and to measure on the test data.
    device : {"cpu", None}
        "cpu" forces the host; None takes an accelerator where there is one.
    deterministic : bool
        Whether to allow only algorithms that give equal bits in each run. On the host they all do,
        at a fixed number of threads.
    checkpoint_every : int
        Epochs between checkpoints; the last epoch always has one.

    Raises
    ------
    ValueError, TypeError
        Where a value cannot be used; the text names it.

    Examples
    --------
    >>> from infotheory.learning.engine.settings import Settings
    >>> settings = Settings(epochs=200, schedule="steps", milestones=(60, 120, 160), factor=0.2)
    >>> settings.milestones, settings.batch_size
    ((60, 120, 160), 128)
    """

    epochs: int = 10
    batch_size: int = 128
    lr: float = 0.1
    optimiser: str = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    warmup_epochs: float = 0.0
    precision: str = "no"
    accumulation: int = 1
    clip: float | None = None
    seed: int = 0
    drop_last: bool = False
    workers: int = 0
    patience: int | None = None
    monitor: str = "error"
    keep: str = "last"
    device: str | None = None
    deterministic: bool = False
    checkpoint_every: int = 1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.generic):  # files know the numbers of Python alone
                object.__setattr__(self, name, value.item())
        for name in ("epochs", "batch_size", "accumulation", "checkpoint_every"):
            check_count(name, getattr(self, name))
        for name in ("nesterov", "drop_last", "deterministic"):
            check_flag(name, getattr(self, name))
        for name, choices in (
            ("optimiser", OPTIMISERS),
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
            ("monitor", MONITORS),
            ("keep", ("last", "best")),
        ):
            check_choice(name, getattr(self, name), choices)
        self._check_numbers()
        self._check_schedule()
        if self.patience is not None:
            check_count("patience", self.patience)
        if self.device not in (None, "cpu"):
            raise refusal(
                "device", "None or 'cpu'", repr(self.device), "None takes a GPU where there is one."
            )
        if self.nesterov and (self.optimiser != "sgd" or self.momentum == 0.0):
            raise refusal(
                "nesterov",
                "False without optimiser='sgd' and momentum",
                f"True with optimiser={self.optimiser!r} and momentum={self.momentum:g}",
            )

    def _check_numbers(self) -> None:
        _check_number("lr", self.lr, "a positive number", above=0.0)
        _check_number("momentum", self.momentum, "a number in [0, 1)", least=0.0, below=1.0)
        _check_number("weight_decay", self.weight_decay, "a number of at least 0", least=0.0)
        _check_number("factor", self.factor, "a positive number", above=0.0)
        if self.clip is not None:
            _check_number("clip", self.clip, "a positive number, or None", above=0.0)
        for name, most in (("seed", 2**63 - 1), ("workers", 1024)):
            value = getattr(self, name)
            if not (_is_whole(value) and 0 <= value <= most):
                raise refusal(name, f"a whole number from 0 to {most}", repr(value))

    def _check_schedule(self) -> None:
        _check_number("warmup_epochs", self.warmup_epochs, "a number from 0 to epochs", least=0.0)
        if self.warmup_epochs > self.epochs:
            raise refusal(
                "warmup_epochs", f"at most epochs ({self.epochs})", f"{self.warmup_epochs:g}"
            )
        milestones: Any = self.milestones
        if isinstance(milestones, str) or not isinstance(milestones, Sequence):
            raise TypeError(
                f"milestones must be a sequence of epochs; got {type(milestones).__name__}."
            )
        rising = all(_is_whole(each) for each in milestones) and all(
            first < second for first, second in zip((0, *milestones), milestones, strict=False)
        )
        if not rising:
            raise refusal("milestones", "whole numbers that rise from 1 on", repr(milestones))
        if bool(milestones) != (self.schedule == "steps"):
            raise refusal(
                "milestones",
                "given with schedule='steps', and only there",
                f"{tuple(milestones)} with schedule={self.schedule!r}",
            )
        object.__setattr__(self, "milestones", tuple(map(int, milestones)))  # lists of TOML

    def to_dict(self) -> dict[str, Any]:
        """Return all of them by name, as JSON and checkpoints keep them."""
        return asdict(self) | {"milestones": list(self.milestones)}

    def binding(self) -> dict[str, Any]:
        """Return those that a run may not change in the middle, by name.

        Returns
        -------
        dict
            All but those that leave every step as it would be. The number of epochs is among them
            where the schedule depends on it.
        """
        free = set(_FREE) - ({"epochs"} if self.schedule == "cosine" else set())
        return {name: value for name, value in self.to_dict().items() if name not in free}


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_number(
    name: str,
    value: object,
    requirement: str,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
) -> None:
    known = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (known and above < value < below and value >= least):  # type: ignore[operator]
        raise refusal(name, requirement, repr(value))
