"""A saved state that somebody cuts short while it is being read."""

from __future__ import annotations

import hashlib
import io

from infotheory.classifiers.state import _checksum


class Shrinking(io.BytesIO):
    """Says that it is long, and has nothing more after some bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size) if self.tell() == 0 else b""


def test_reading_ends_where_the_bytes_end() -> None:
    """It takes in blocks what is there, and does not wait for the rest."""
    content = bytes(range(256)) * 20_000
    found = _checksum(Shrinking(content))
    taken = next(
        size for size in (1 << power for power in range(12, 23))
        if hashlib.sha256(content[:size]).hexdigest().encode() == found
    )  # fmt: skip
    assert taken < len(content)
