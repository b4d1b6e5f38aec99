"""Sources made of other sources."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from infotheory._typing import AnyArray
from infotheory._validation import refusal
from infotheory.sources._parameters import wrong_kind
from infotheory.sources.source import JointSource, Source

__all__ = ["Independent", "Stacked"]


@dataclass(frozen=True, eq=False, repr=False)
class Independent(JointSource):
    """X from one source and Y from another, independent of each other.

    Attributes
    ----------
    x, y : Source
        Of one variable each, discrete or continuous.

    Raises
    ------
    TypeError
        If one of them is not a source of one variable.

    Notes
    -----
    I(X; Y) = 0, whatever the marginal distributions: the case in which the bias of an estimate
    shows most clearly.

    References
    ----------
    .. [1] cover2006elements, chapter 2.

    Examples
    --------
    >>> from infotheory.sources import Gamma, Independent, Zipf
    >>> pair = Independent(Gamma(0.3), Zipf(10))
    >>> pair.mutual_information()
    0.0
    """

    x: Source[Any]
    y: Source[Any]

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            if not isinstance(value, Source) or isinstance(value, JointSource):
                raise wrong_kind(name, "a source of one variable", value)

    def _mutual_information(self) -> float:
        return 0.0

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        return self.x.sample(n, rng), self.y.sample(n, rng)


@dataclass(frozen=True, eq=False, repr=False)
class Stacked(JointSource):
    """Vectors X and Y whose coordinates come from several independent sources.

    Attributes
    ----------
    sources : sequence of JointSource
        All pairs, or all triples; at least one.

    Raises
    ------
    TypeError
        If one of them is not a pair or a triple.
    ValueError
        If there are none, or pairs as well as triples.

    Notes
    -----
    I(X; Y) and I(X; Y | Z) are the sums over the sources. Samples have shape (n, d), one column or
    more from each source.

    References
    ----------
    .. [1] cover2006elements, chapter 2.

    Examples
    --------
    >>> from infotheory.sources import GaussianPair, Stacked, UniformSum
    >>> pair = Stacked([GaussianPair(0.0), UniformSum(0.5)])
    >>> pair.mutual_information()
    0.5
    >>> x, y = pair.sample(100, rng=0)
    >>> x.shape
    (100, 2)
    """

    sources: Any

    def __post_init__(self) -> None:
        if not isinstance(self.sources, (list, tuple)) or not self.sources:
            raise refusal(
                "sources", "a list of at least one source", repr(self.sources), "Stack two or more."
            )
        for place, source in enumerate(self.sources):
            if not isinstance(source, JointSource):
                raise wrong_kind(f"sources[{place}]", "a pair or a triple", source)
            if source.n_variables != self.sources[0].n_variables:
                raise refusal(
                    f"sources[{place}]",
                    f"of as many variables as sources[0] ({self.sources[0].n_variables})",
                    str(source.n_variables),
                    "Stack pairs with pairs and triples with triples.",
                )
        self._keep(sources=tuple(self.sources))

    @property
    def n_variables(self) -> int:
        """As each of the sources."""
        n: int = self.sources[0].n_variables
        return n

    def _mutual_information(self) -> float:
        return math.fsum(source.mutual_information() for source in self.sources)

    def _conditional_mutual_information(self) -> float:
        if self.n_variables == 2:
            return super()._conditional_mutual_information()
        return math.fsum(source.conditional_mutual_information() for source in self.sources)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        samples = [source.sample(n, rng) for source in self.sources]
        return tuple(np.column_stack(variable) for variable in zip(*samples, strict=True))
