"""Where each quantity comes from: a registry of papers, cited by key.

Docstrings, the documentation and the notebooks name papers by these keys, so that each paper is
described once.

>>> from infotheory.references import REFERENCES, cite
>>> REFERENCES["guo2017calibration"].title
'On Calibration of Modern Neural Networks'
>>> cite("guo2017calibration").endswith("2017, arXiv:1706.04599.")
True
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["REFERENCES", "Reference", "cite"]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One paper.

    Attributes
    ----------
    key : str
        Short name: first author, year, topic.
    title : str
        Full title.
    authors : tuple of str
        Authors in printed order, initials first.
    venue : str
        Journal or conference, with volume and pages where known.
    year : int
        Year of that publication.
    arxiv : str or None
        Identifier on arXiv.
    doi : str or None
        Digital object identifier.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    venue: str
    year: int
    arxiv: str | None = None
    doi: str | None = None

    def __str__(self) -> str:
        parts = [", ".join(self.authors), f'"{self.title}"', self.venue, str(self.year)]
        if self.arxiv is not None:
            parts.append(f"arXiv:{self.arxiv}")
        if self.doi is not None:
            parts.append(f"doi:{self.doi}")
        return ", ".join(parts) + "."


_CMIC_AUTHORS = ("E.-H. Yang", "S. Mohajer Hamidi", "L. Ye", "R. Tan", "B. Yang")

_ENTRIES = (
    Reference(
        key="yang2023cmicdl",
        title="Conditional Mutual Information Constrained Deep Learning for Classification",
        authors=_CMIC_AUTHORS,
        venue="IEEE Transactions on Neural Networks and Learning Systems 36(8):15436-15448",
        year=2025,
        arxiv="2309.09123",
        doi="10.1109/TNNLS.2025.3540014",
    ),
    Reference(
        key="yang2024cmicisit",
        title=(
            "Conditional Mutual Information Constrained Deep Learning: "
            "Framework and Preliminary Results"
        ),
        authors=_CMIC_AUTHORS,
        venue="IEEE International Symposium on Information Theory (ISIT), pp. 569-574",
        year=2024,
        doi="10.1109/ISIT57864.2024.10619241",
    ),
    Reference(
        key="guo2017calibration",
        title="On Calibration of Modern Neural Networks",
        authors=("C. Guo", "G. Pleiss", "Y. Sun", "K. Q. Weinberger"),
        venue="International Conference on Machine Learning (ICML), PMLR 70:1321-1330",
        year=2017,
        arxiv="1706.04599",
    ),
)

REFERENCES: Mapping[str, Reference] = MappingProxyType({entry.key: entry for entry in _ENTRIES})
"""Every paper of the registry by its key; read-only."""


def cite(key: str) -> str:
    """Give the full citation of a paper of the registry.

    Parameters
    ----------
    key : str
        Key of the paper, as printed in the References section of a docstring.

    Returns
    -------
    str
        One line: authors, title, venue, year, identifiers.

    Raises
    ------
    ValueError
        If no paper has this key; the message lists the keys there are.

    Examples
    --------
    >>> import infotheory
    >>> infotheory.cite("yang2023cmicdl").endswith("doi:10.1109/TNNLS.2025.3540014.")
    True
    """
    if key not in REFERENCES:
        known = ", ".join(repr(name) for name in sorted(REFERENCES))
        raise ValueError(f"key must be one of {known}; got {key!r}.")
    return str(REFERENCES[key])
