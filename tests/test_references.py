from __future__ import annotations

import ast
import re
import unicodedata
from pathlib import Path
from string import ascii_lowercase

import pytest

import infotheory
from infotheory import cite
from infotheory.references import REFERENCES, Reference


def test_every_entry_is_filed_under_its_own_key() -> None:
    assert all(key == entry.key for key, entry in REFERENCES.items())


@pytest.mark.parametrize("entry", REFERENCES.values(), ids=lambda entry: entry.key)
def test_entries_are_complete(entry: Reference) -> None:
    assert re.fullmatch(r"[a-z]+\d{4}[a-z]+", entry.key)
    assert entry.title
    assert entry.venue
    assert entry.authors
    assert 1900 < entry.year < 2100
    assert entry.arxiv is None or re.fullmatch(r"\d{4}\.\d{4,5}", entry.arxiv)
    assert entry.doi is None or re.fullmatch(r"10\.\d{4,}/\S+", entry.doi)
    # The key opens with the first author's name.
    surname = unicodedata.normalize("NFKD", entry.authors[0].split()[-1].lower())
    assert entry.key.startswith("".join(letter for letter in surname if letter in ascii_lowercase))


def test_cite_prints_authors_title_venue_year_and_identifiers() -> None:
    assert cite("yang2023cmicdl") == (
        "E.-H. Yang, S. Mohajer Hamidi, L. Ye, R. Tan, B. Yang, "
        '"Conditional Mutual Information Constrained Deep Learning for Classification", '
        "IEEE Transactions on Neural Networks and Learning Systems 36(8):15436-15448, 2025, "
        "arXiv:2309.09123, doi:10.1109/TNNLS.2025.3540014."
    )
    assert cite("guo2017calibration").endswith("2017, arXiv:1706.04599.")


def test_unknown_key_lists_the_keys() -> None:
    with pytest.raises(
        ValueError, match=r"^key must be one of '.*'; got 'nobody1900'\.$"
    ) as caught:
        cite("nobody1900")
    assert all(repr(key) in str(caught.value) for key in REFERENCES)


def test_the_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        REFERENCES["new"] = REFERENCES["guo2017calibration"]  # type: ignore[index]


def _keys_in_reference_sections(source: str) -> set[str]:
    keys = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            _, _, section = (ast.get_docstring(node) or "").partition("References\n----------\n")
            section = re.split(r"\n\w+\n-{3,}\n", section)[0]
            keys |= set(re.findall(r"\b[a-z]+(?:19|20)\d{2}[a-z]+\b", section))
    return keys


def test_docstrings_cite_only_known_keys() -> None:
    root = Path(infotheory.__file__).parent
    cited = {
        key
        for path in root.rglob("*.py")
        for key in _keys_in_reference_sections(path.read_text(encoding="utf-8"))
    }
    assert "yang2023cmicdl" in cited
    assert cited <= set(REFERENCES)


def test_unknown_keys_in_docstrings_would_be_found() -> None:
    source = '"""Title.\n\nReferences\n----------\nSee nobody1900void, eq. 3.\n"""\n'
    assert _keys_in_reference_sections(source) == {"nobody1900void"}
