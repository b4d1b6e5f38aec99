"""Plain text as characters, letters and words."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import columns as oracle

from infotheory.files import TEXT_UNITS, TextReader, UnusableFileError
from infotheory.files import text as module

SAMPLE = "Don't “stop”, Ünal’s 2nd café:\nrock-'n'-roll, ROCK!\tZoë’ 'tis x_y\n"


def written(folder: Path, content: str | bytes, name: str = "t.txt") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def symbols(path: Path, unit: str) -> list[str]:
    reader = TextReader(path, unit)
    assert reader.names == (unit,)
    found = []
    for batch in reader.batches():
        book = reader.symbols(unit)
        found += [book[code] for code in batch[unit]]
    assert reader.broken == {}
    return found


def test_units_of_a_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, "It's 2 o’clock: GO, go!\r\n")
    assert symbols(path, "words") == ["it's", "o’clock", "go", "go"]
    assert "".join(symbols(path, "letters")) == "itsoclockgogo"
    assert "".join(symbols(path, "characters")) == "It's 2 o’clock: GO, go!\n"
    assert TEXT_UNITS == ("characters", "letters", "words")


TEXTS = st.text(st.sampled_from("aBcéÜß'’ \n-1,_"), max_size=60)


@given(TEXTS, st.integers(1, 70))
def test_texts_cut_anywhere_equal_those_cut_by_hand(
    tmp_path_factory: pytest.TempPathFactory, text: str, size: int
) -> None:
    path = written(tmp_path_factory.mktemp("text"), text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHARACTERS", size)
        assert "".join(symbols(path, "characters")) == text
        assert symbols(path, "letters") == oracle.letters(text)
        assert symbols(path, "words") == oracle.words(text)


def test_the_sample_of_marks_equals_that_cut_by_hand(tmp_path: Path) -> None:
    path = written(tmp_path, SAMPLE)
    assert symbols(path, "words") == oracle.words(SAMPLE)
    assert Counter(symbols(path, "letters")) == Counter(oracle.letters(SAMPLE))


def test_letters_of_two_characters_are_one(tmp_path: Path) -> None:
    path = written(tmp_path, "Cafe\u0301 CAFÉ")
    assert symbols(path, "words") == ["café", "café"]
    assert symbols(path, "letters") == list("cafécafé")


def test_compressed_text_and_marks_of_encoding(tmp_path: Path) -> None:
    content = "\ufeffab\r\na".encode()
    assert symbols(written(tmp_path, gzip.compress(content), "t.TXT.GZ"), "characters") == list(
        "ab\na"
    )
    assert symbols(written(tmp_path, content), "letters") == list("aba")


@pytest.mark.parametrize("unit", TEXT_UNITS)
def test_an_empty_text_has_no_symbols(tmp_path: Path, unit: str) -> None:
    assert symbols(written(tmp_path, ""), unit) == []


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UnusableFileError, match=r"the file must be text in UTF-8; got .* byte 0xff"
    ):
        symbols(written(tmp_path, b"abc \xff"), "words")
    with pytest.raises(UnusableFileError, match="the file is truncated or damaged"):
        symbols(written(tmp_path, gzip.compress(b"abc" * 999)[:20], "t.gz"), "words")
    with pytest.raises(UnusableFileError, match=r"^there is no such file\.$"):
        TextReader(tmp_path / "none.txt", "words")
    with pytest.raises(UnusableFileError, match=r"^this is a folder\.$"):
        TextReader(tmp_path, "words")
