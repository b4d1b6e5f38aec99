"""Laws of sums in a form that :func:`exact` would not choose for them."""

from __future__ import annotations

import numpy as np

from infotheory.measures import Score
from infotheory.spectrum._laws import Latticed, on_a_grid
from infotheory.spectrum._stitched import StitchedSums
from infotheory.spectrum.spectrum import Spectrum

FOUR = Score.entropy([0.4, 0.3, 0.2, 0.1])
SMALL = 2**10

# A transform is off by some units of its norm, a tenth of the peak; blocks end where the law is an
# eighth of its peak, or a hundredth where it is skewed: 1e-12 leaves a factor of a hundred.
STITCHED = 1e-12


def latticed(places: list[int], p: list[float], n: int, span: float = 1.0) -> Spectrum:
    score = Score(span * np.array(places, float), p)
    law = StitchedSums(np.array(places), score.log_probabilities, n)
    return Spectrum(score, n, Latticed(score, law, span * n * places[0], span))


def gridded(score: Score, n: int, size: int = SMALL) -> Spectrum:
    return Spectrum(score, n, on_a_grid(score, n, size))
