"""Random distributions, of which many are degenerate or nearly so."""

from __future__ import annotations

import numpy as np

from infotheory._typing import FloatArray

__all__ = ["draw_channel", "draw_joint", "draw_pmf"]

_CONCENTRATIONS = (0.1, 0.3, 1.0, 3.0, 30.0)


def draw_pmf(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw a distribution: Dirichlet, at times with zeros, tiny masses or equal ones.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    size : int
        Number of symbols.

    Returns
    -------
    ndarray of float, shape (size,)

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.testing import draw_pmf
    >>> bool(abs(draw_pmf(np.random.default_rng(0), 4).sum() - 1) < 1e-15)
    True
    """
    kind = rng.random()
    if kind < 0.06:
        return np.full(size, 1.0 / size)
    p = rng.dirichlet(np.full(size, rng.choice(_CONCENTRATIONS))) + 1e-300
    if kind < 0.2 and size > 1:  # some symbols do not occur
        p[rng.permutation(size)[: rng.integers(1, size)]] = 0.0
    elif kind < 0.35:  # some hardly do
        p[rng.integers(size)] *= 10.0 ** -rng.integers(3, 30)
    elif kind < 0.45:  # some are equally likely
        p[rng.integers(size)] = p[rng.integers(size)]
    found: FloatArray = p / p.sum()
    return found


def draw_channel(rng: np.random.Generator, inputs: int, outputs: int) -> FloatArray:
    """Draw a channel: a distribution of the output for each input.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    inputs, outputs : int
        Numbers of symbols.

    Returns
    -------
    ndarray of float, shape (inputs, outputs)

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.testing import draw_channel
    >>> draw_channel(np.random.default_rng(0), 2, 3).shape
    (2, 3)
    """
    if rng.random() < 0.1 and inputs == outputs:
        return np.eye(inputs)[rng.permutation(inputs)]
    return np.array([draw_pmf(rng, outputs) for _ in range(inputs)])


def draw_joint(rng: np.random.Generator, *sizes: int) -> FloatArray:
    """Draw a joint distribution.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    *sizes : int
        Numbers of symbols, one for each variable.

    Returns
    -------
    ndarray of float, shape `sizes`

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.testing import draw_joint
    >>> draw_joint(np.random.default_rng(0), 2, 3).shape
    (2, 3)
    """
    if rng.random() < 0.15:  # independent
        found = draw_pmf(rng, sizes[0])
        for size in sizes[1:]:
            found = np.multiply.outer(found, draw_pmf(rng, size))
        return np.asarray(found / found.sum())
    return draw_pmf(rng, int(np.prod(sizes))).reshape(sizes)
