"""Digests of content see every change of small data, and do not depend on how it is cut."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.files import digests
from infotheory.files.digests import ArrayBytes, FileBytes, Piece, content_digest
from infotheory.files.npy import open_npy


class Text(Piece):
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def read(self, start: int, length: int) -> bytes:
        assert 0 <= start < start + length <= self.size
        return self.content[start : start + length]


def by_hand(content: bytes, stripe: int, stripes: int) -> bytes:
    """The same of one whole content, from its definition."""
    digest = hashlib.sha256(f"{len(content)}:".encode())
    count = min(max(2, -(-len(content) // stripe)), stripes)
    for number in range(count):
        begin = number * max(0, len(content) - stripe) // (count - 1)
        digest.update(content[begin : begin + stripe])
    return digest.digest()


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 9))
def test_pieces_count_as_what_they_are_together(pieces: list[bytes], stripe: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "_STRIPE", stripe)
        patch.setattr(digests, "_STRIPES", 5)
        found = content_digest([Text(piece) for piece in pieces])
    assert found == by_hand(b"".join(pieces), stripe, 5)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_every_byte_counts_where_stripes_suffice(content: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(content) - 1))
    other = bytearray(content)
    other[place] ^= 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "_STRIPE", 1)
        assert content_digest([Text(content)]) != content_digest([Text(bytes(other))])


def test_a_file_has_the_digest_of_stored_outputs(tmp_path: Path) -> None:
    path = tmp_path / "outputs.npy"
    np.save(path, np.arange(300_000.0))  # more than two stripes
    assert content_digest([FileBytes(path)]) == open_npy(path).content_digest


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read_in_c_order(order: str) -> None:
    array = np.asarray(np.arange(24, dtype=np.int16).reshape(4, 3, 2), order=order)  # type: ignore[call-overload]
    whole = np.ascontiguousarray(array).tobytes()
    piece = ArrayBytes(array)
    assert piece.size == len(whole)
    for start in range(len(whole)):
        for length in range(len(whole) - start + 1):
            assert piece.read(start, length) == whole[start : start + length]


def test_a_file_that_has_gone_has_no_bytes(tmp_path: Path) -> None:
    assert FileBytes(tmp_path / "nothing").size == 0
