"""What a language model makes of the tokens of a text: rates, tables and figures."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from infotheory._results import Estimate, unit_name
from infotheory._typing import FloatArray, IntArray
from infotheory.estimators.sequences import estimate_rate

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["TokenInformation"]

_COLOURED = 300  # tokens in a notebook
_BLOCKS = 50  # of a figure, at least


@dataclass(frozen=True, eq=False, repr=False)
class TokenInformation:
    """What a language model makes of each token of a text, or of several.

    Attributes
    ----------
    model : str
        Name of the model.
    tokens : tuple of str
        Those that were predicted, as the vocabulary writes them, one document after the other.
    offsets : ndarray of int, shape (n, 2)
        Where each begins and ends in its document, in characters.
    documents : ndarray of int, shape (n,)
        Number of the document that each belongs to, from 0.
    information : ndarray of float, shape (n,)
        Information density -ln p(token | tokens before it).
    conditional_entropy : ndarray of float, shape (n,)
        Entropy of the law by which the token was predicted: its expected information, if the model
        were right.
    characters : ndarray of int, shape (number of documents,)
        Length of each document.
    left_out : ndarray of int, shape (number of documents,)
        How many characters of its beginning nothing predicts: those of the first token, where the
        tokenizer has no token that begins a text.
    base : float or None
        Base of the logarithm; None for nats.
    level : float
        Confidence level of the intervals.
    max_length, stride : int
        Those of the windows.
    warnings : tuple of str
        What to know before relying on it.
    """

    model: str
    tokens: tuple[str, ...]
    offsets: IntArray
    documents: IntArray
    information: FloatArray
    conditional_entropy: FloatArray
    characters: IntArray
    left_out: IntArray
    base: float | None
    level: float
    max_length: int
    stride: int
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (
            self.offsets,
            self.documents,
            self.information,
            self.conditional_entropy,
            self.characters,
            self.left_out,
        ):
            array.flags.writeable = False

    @property
    def n(self) -> int:
        """Number of tokens that were predicted."""
        return len(self.tokens)

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return unit_name(self.base)

    @property
    def lengths(self) -> IntArray:
        """How many of the tokens each document has."""
        return np.bincount(self.documents, minlength=self.characters.size)

    @cached_property
    def entropy_rate(self) -> Estimate:
        """Mean information a token, the cross-entropy rate, with an interval by batch means.

        Of the text it is an upper bound on the entropy rate per token, but for the interval.
        """
        return estimate_rate(
            self.information, lengths=self.lengths, base=self.base, level=self.level
        )

    @cached_property
    def per_character(self) -> Estimate:
        """Information a character: that of all tokens over all characters but those left out."""
        return estimate_rate(
            self.information,
            sizes=self._ends()[1],
            lengths=self.lengths,
            base=self.base,
            level=self.level,
        )

    @property
    def perplexity(self) -> float:
        """Exponential of the mean information a token: of how many tokens it might be one."""
        nats = float(self.information.mean()) * math.log(self.base or math.e)
        return math.exp(nats) if nats < 709.0 else math.inf

    @property
    def varentropy(self) -> float:
        """Variance of the information of a token, in squares of the unit."""
        return float(self.information.var())

    def by_character(self) -> FloatArray:
        """Information of the text at each character, to be held against another model of it.

        Returns
        -------
        ndarray of float, shape (total number of characters,)
            One document after the other. That of a token stands at its last character, and other
            characters have 0; nan where nothing predicts them.
        """
        ends, _ = self._ends()
        stops = np.cumsum(self.characters)
        at = np.zeros(int(stops[-1]))
        np.add.at(at, np.maximum(ends - 1, 0), self.information)
        for stop, length, count in zip(stops, self.characters, self.left_out, strict=True):
            at[stop - length : stop - length + count] = np.nan
        return at

    def _ends(self) -> tuple[IntArray, IntArray]:
        """Where tokens end in all documents in a row, and how many characters each covers.

        Those between two tokens belong to the second, and those behind the last one to it.
        """
        stops = np.cumsum(self.characters)
        starts, lengths = stops - self.characters, self.lengths
        begins = starts + self.left_out
        ends = np.maximum.accumulate(self.offsets[:, 1] + starts[self.documents])
        ends = np.maximum(ends, begins[self.documents])
        ends[np.cumsum(lengths) - 1] = stops
        before = np.roll(ends, 1)
        before[np.cumsum(lengths) - lengths] = begins
        return ends, ends - before

    def to_frame(self) -> pd.DataFrame:
        """Return one row a token.

        Returns
        -------
        DataFrame
            With columns document, token, start, end, information and conditional_entropy.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "document": self.documents,
                "token": self.tokens,
                "start": self.offsets[:, 0],
                "end": self.offsets[:, 1],
                "information": self.information,
                "conditional_entropy": self.conditional_entropy,
            }
        )

    def plot(self, ax: Axes | None = None, *, n: int | None = None) -> Axes:
        """Draw the information spectrum at n tokens, and what independent tokens would have.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        n : int, optional
            Tokens in a block; by default the largest power of two with which there are some 50
            blocks.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from infotheory.plotting.sequences import block_spectra

        longest = int(self.lengths.max())
        block = 1 << max(min(self.n // _BLOCKS, longest).bit_length() - 1, 0) if n is None else n
        return block_spectra(
            {self.model: self.information}, block, ax, lengths=self.lengths, base=self.base
        )

    def __str__(self) -> str:
        texts = "" if self.characters.size == 1 else f" in {self.characters.size:,} texts"
        rate = self.entropy_rate
        interval = "" if math.isnan(rate.low) else f" [{rate.low:.4g}, {rate.high:.4g}]"
        return (
            f"{self.model}: {rate.value:.4g}{interval} {self.unit} a token, "
            f"{self.per_character.value:.4g} a character, perplexity {self.perplexity:.4g}, "
            f"{self.n:,} tokens{texts}"
        )

    def __repr__(self) -> str:
        return f"TokenInformation({self})"

    def _repr_html_(self) -> str:
        rows = {
            "model": f"{self.model}, windows of {self.max_length:,} tokens, stride {self.stride:,}",
            "entropy rate": f"{self.entropy_rate} a token",
            "expected by the model": f"{self.conditional_entropy.mean():.6g} {self.unit} a token",
            "per character": f"{self.per_character:.6g} {self.unit}",
            "perplexity": f"{self.perplexity:.6g}",
            "varentropy": f"{self.varentropy:.6g}",
            "warnings": " ".join(self.warnings),
        }
        cells = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
            for name, text in rows.items()
            if text
        )
        return f"<table>{cells}</table><p>{self._coloured()}</p>"

    def _coloured(self) -> str:
        """Write the first tokens on a ground that is the darker the more information they have."""
        shown = self.information[:_COLOURED]
        finite = shown[np.isfinite(shown)]
        most = max(float(finite.max(initial=0.0)), 1e-9)
        marks = [
            f'<span style="background: rgba(213, 94, 0, {min(each / most, 1.0):.2f})" '
            f'title="{each:.3g} {self.unit}">{html.escape(token)}</span>'
            for token, each in zip(self.tokens, shown.tolist(), strict=False)
        ]
        return " ".join(marks) + (" …" if self.n > _COLOURED else "")
