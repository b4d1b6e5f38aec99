"""What every source can do: draw samples, state its truth, and be compared and printed."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any, Generic, TypeVar

import numpy as np

from infotheory._typing import AnyArray, FloatArray, IntArray
from infotheory._validation import as_rng, check_base, check_count, refusal

__all__ = ["ContinuousSource", "DiscreteSource", "JointSource", "Source", "in_base"]

_SHOWN = 12  # entries of an array that are printed

Samples = TypeVar("Samples")


def in_base(nats: float, base: float | None) -> float:
    """Convert nats to the unit of a checked base."""
    unit = check_base(base)
    return nats if unit is None else nats / math.log(unit)


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(value.tolist()) if value.size <= _SHOWN else f"<array of shape {value.shape}>"
    return str(getattr(value, "__name__", None) or repr(value))


def _key(value: Any) -> Any:
    # The sum makes one zero of two.
    return (value.shape, (value + 0.0).tobytes()) if isinstance(value, np.ndarray) else value


class Source(ABC, Generic[Samples]):
    """What samples are drawn from.

    Sources are frozen dataclasses: their parameters cannot be changed, and two sources are equal
    where they are of one kind with equal parameters. Arrays among the parameters are kept as
    read-only copies.
    """

    def sample(self, n: int, rng: Any = None) -> Samples:
        """Draw independent samples, or a path of a process.

        Parameters
        ----------
        n : int
            How many.
        rng : numpy.random.Generator or int, optional
            Source of randomness or its seed; with the same seed, the same samples.

        Returns
        -------
        ndarray, or one for each variable
            Samples along the first axis: shape (n,) for a variable that is a number, (n, d) for a
            vector of d.
        """
        return self._draw(check_count("n", n), as_rng(rng))

    @abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> Samples: ...

    def _keep(self, **values: Any) -> None:
        """Set fields of a frozen instance while it is made; arrays become read-only."""
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)

    def _parameters(self) -> tuple[Any, ...]:
        # Every subclass is a dataclass.
        return tuple(getattr(self, item.name) for item in fields(self))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        names = (item.name for item in fields(self))  # type: ignore[arg-type]
        pairs = zip(names, self._parameters(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{k}={_shown(v)}' for k, v in pairs)})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Source)
        return [*map(_key, self._parameters())] == [*map(_key, other._parameters())]

    def __hash__(self) -> int:
        return hash((type(self), *map(_key, self._parameters())))


class DiscreteSource(Source[IntArray]):
    """Independent symbols 0, 1, 2, ... of one distribution.

    A source of a finite alphabet also has ``probabilities``, a read-only array.
    """

    def entropy(self, base: float | None = None) -> float:
        """Entropy H(X) of one symbol, exact.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            At least 0.
        """
        return in_base(self._entropy(), base)

    @abstractmethod
    def _entropy(self) -> float: ...


class ContinuousSource(Source[FloatArray]):
    """Independent numbers, or vectors, of one density."""

    def differential_entropy(self, base: float | None = None) -> float:
        """Differential entropy h(X) of one sample, exact.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            Of either sign: it depends on the unit in which X is measured.
        """
        return in_base(self._differential_entropy(), base)

    @abstractmethod
    def _differential_entropy(self) -> float: ...


class JointSource(Source[tuple[AnyArray, ...]]):
    """Independent samples of two variables X and Y, or three, X, Y and Z.

    ``sample`` gives one array a variable: ``x, y = pair.sample(100)``.
    """

    @property
    def n_variables(self) -> int:
        """Two, X and Y, or three with Z."""
        return 2

    def mutual_information(self, base: float | None = None) -> float:
        """Mutual information I(X; Y), exact; of a triple, that of X and Y without regard to Z.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            At least 0.
        """
        return in_base(self._mutual_information(), base)

    def conditional_mutual_information(self, base: float | None = None) -> float:
        """Conditional mutual information I(X; Y | Z) of a triple, exact.

        Parameters
        ----------
        base : float, optional
            Base of the logarithm, 2 for bits; nats by default.

        Returns
        -------
        float
            At least 0.

        Raises
        ------
        ValueError
            If there is no Z.
        """
        return in_base(self._conditional_mutual_information(), base)

    @abstractmethod
    def _mutual_information(self) -> float: ...

    def _conditional_mutual_information(self) -> float:
        raise refusal(
            "source",
            "of three variables, X, Y and Z",
            f"two, in {self!r}",
            "Call mutual_information for I(X; Y).",
        )
