"""Where each quantity comes from: a registry of papers, cited by key.

Docstrings, the documentation and the notebooks name papers by these keys, so that each paper is
described once, in ``references.toml``.

>>> from infotheory.references import REFERENCES, cite
>>> REFERENCES["guo2017calibration"].title
'On Calibration of Modern Neural Networks'
>>> cite("guo2017calibration").endswith("2017, arXiv:1706.04599.")
True
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
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


def _read() -> dict[str, Reference]:
    tables = tomllib.loads((files("infotheory") / "references.toml").read_text(encoding="utf-8"))
    return {
        key: Reference(key=key, **{**table, "authors": tuple(table["authors"])})
        for key, table in tables.items()
    }


REFERENCES: Mapping[str, Reference] = MappingProxyType(_read())
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
