"""Files that are no saved state, or are one no longer: each is refused, by one class of error."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infotheory import NCMIAccumulator
from infotheory.classifiers import read_states, write_states
from infotheory.exceptions import StateError

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def filled(seed: int = 0, **options: Any) -> NCMIAccumulator:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(9, 3))
    z[4, 1] = -math.inf
    return NCMIAccumulator(**options).update(z, np.arange(9) % 3)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("states") / "state"
    write_states(path, {"a": filled(), "b": NCMIAccumulator(4)}, {"a": {"rows": 9}})
    return path.read_bytes()


def refused(path: Path, content: bytes, match: str = "got") -> None:
    path.write_bytes(content)
    with pytest.raises(StateError, match=match) as caught:
        read_states(path)
    assert str(caught.value).startswith(f"{path} must be a state saved by infotheory; got ")
    assert path.read_bytes() == content


# --------------------------------------------------------------------------------- by accident


def test_cut_short_at_any_byte(tmp_path: Path, content: bytes) -> None:
    for length in range(len(content)):
        refused(tmp_path / "state", content[:length])


def test_any_byte_damaged(tmp_path: Path, content: bytes) -> None:
    masks = np.random.default_rng(0).integers(1, 256, len(content))
    for position, mask in enumerate(masks.tolist()):
        damaged = bytearray(content)
        damaged[position] ^= mask
        refused(tmp_path / "state", bytes(damaged))


@in_one_folder
@given(data=st.data())
def test_damaged_anyhow(tmp_path: Path, content: bytes, data: st.DataObject) -> None:
    """A piece replaced, dropped, doubled or moved."""
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    piece = data.draw(st.one_of(st.binary(max_size=40), st.just(2 * content[start:end])))
    damaged = content[:start] + piece + content[end:]
    if damaged != content:
        refused(tmp_path / "state", damaged)


def test_something_added_at_the_end(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path / "state", content + b"\n", "truncated or damaged")
    refused(tmp_path / "state", content + content, "truncated or damaged")


def archive_of(**arrays: Any) -> bytes:
    stream = BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("foreign", "match"),
    [
        (b"", "an empty file"),
        (b"model,error\na,0.1\n", "a file of another kind"),
        (archive_of(logits=np.eye(3), labels=np.arange(3)), "a file of another kind"),
        (archive_of(), "a file of another kind"),
        (pickle.dumps(filled()), "a file of another kind"),
        (b"\x93NUMPY\x01\x00", "a file of another kind"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, foreign: bytes, match: str) -> None:
    refused(tmp_path / "state", foreign, match)


# ---------------------------------------------------------------------------------- on purpose
#
# With a true checksum: what a later version might write, or somebody with bad intentions.


def signed(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
        archive.comment = bytes(64)
    text = stream.getvalue()[:-64]
    return text + hashlib.sha256(text).hexdigest().encode()


def members_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forged(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The same file with another index."""
    members = members_of(content)
    index = json.loads(members["state.json"])
    change(index)
    return signed({**members, "state.json": json.dumps(index).encode()})


def test_the_forger_can_write_what_is_accepted(tmp_path: Path, content: bytes) -> None:
    """Otherwise the following tests would show nothing."""
    path = tmp_path / "state"
    path.write_bytes(forged(content, lambda index: None))
    assert read_states(path)["a"].accumulator.n == 9


def test_a_later_version_is_named_as_such(tmp_path: Path, content: bytes) -> None:
    later = forged(content, lambda index: index.update(version=2, states="something new"))
    refused(
        tmp_path / "state",
        later,
        r"got format 2, written by a later version\. .* reads up to format 1; install a newer one",
    )


CHANGES = {
    "another format": lambda index: index.update(format="else"),
    "no format": lambda index: index.pop("format"),
    "no version": lambda index: index.pop("version"),
    "version 0": lambda index: index.update(version=0),
    "version as text": lambda index: index.update(version="1"),
    "no list of states": lambda index: index.update(states={"a": 1}),
    "a state that is a number": lambda index: index.update(states=[1]),
    "a state without a name": lambda index: index["states"][0].pop("name"),
    "a name that is none": lambda index: index["states"][0].update(name=["a"]),
    "two states of one name": lambda index: index["states"][1].update(name="a"),
    "a note that is a list": lambda index: index["states"][0].update(note=[]),
    "digests that are numbers": lambda index: index["states"][0].update(digests=[1]),
    "no digests": lambda index: index["states"][0].pop("digests"),
    "another digest": lambda index: index["states"][0].update(digest="0" * 64),
    "other settings": lambda index: index["states"][0]["settings"].update(temperature=2.0),
    "settings that are none": lambda index: index["states"][1].update(settings=[]),
    "other numbers": lambda index: index["states"][0]["numbers"].update(n_rows=10),
    "an array less": lambda index: index["states"][0]["arrays"].remove("mass"),
    "an array that is not there": lambda index: index["states"][0]["arrays"].append("masses"),
    "an array beyond the archive": lambda index: index["states"][0].update(arrays=["../mass"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_index_that_contradicts_itself(tmp_path: Path, content: bytes, change: str) -> None:
    refused(tmp_path / "state", forged(content, CHANGES[change]))


@pytest.mark.parametrize(
    "text", [b"", b"[", b"null", b"\xff", b"NaN", b"[" * 100_000, b'{"a": 1' + b"0" * 5000 + b"}"]
)
def test_an_index_that_is_no_json(tmp_path: Path, content: bytes, text: bytes) -> None:
    refused(tmp_path / "state", signed({**members_of(content), "state.json": text}))


@in_one_folder
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
    data=st.data(),
)
def test_an_index_with_anything_in_it(
    tmp_path: Path, content: bytes, value: Any, data: st.DataObject
) -> None:
    """Any value anywhere: refused in the one way, or harmless."""

    def change(index: dict[str, Any]) -> None:
        place: Any = index
        while True:
            keys = range(len(place)) if isinstance(place, list) else sorted(place)
            key = data.draw(st.sampled_from(keys))
            inner = place[key]
            if not (isinstance(inner, list | dict) and inner and data.draw(st.booleans())):
                place[key] = value
                return
            place = inner

    path = tmp_path / "state"
    path.write_bytes(forged(content, change))
    try:
        stored = read_states(path)
    except StateError:
        return
    assert all(isinstance(state.accumulator, NCMIAccumulator) for state in stored.values())


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def npy_of(array: Any) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_nothing_is_unpickled(tmp_path: Path, content: bytes) -> None:
    sprung = tmp_path / "sprung"
    trap = np.empty(1, object)
    trap[0] = Trap(sprung)
    member = npy_of(trap)
    refused(tmp_path / "state", signed({**members_of(content), "0/counts.npy": member}))
    assert not sprung.exists()
    np.load(BytesIO(member), allow_pickle=True)  # it does spring
    assert sprung.exists()


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"\x93NUMPY",
        npy_of(np.arange(3))[:-1],
        npy_of(np.arange(3)) + b"\0",
        npy_of(np.arange(3)).replace(b"(3,)", b"(4,)"),
        npy_of(np.arange(3)).replace(b"(3,), }       ", b"(10**17,), }  "),
        npy_of(np.arange(3)).replace(b"'<i8'", b"'|O' "),
        npy_of(np.arange(3)).replace(b"\x01\x00", b"\x03\x00", 1),
        npy_of(np.arange(3) + 1),
    ],
)
def test_arrays_that_are_none(tmp_path: Path, content: bytes, member: bytes) -> None:
    refused(tmp_path / "state", signed({**members_of(content), "0/counts.npy": member}))


def test_compressed_members_are_not_unpacked(tmp_path: Path, content: bytes) -> None:
    refused(
        tmp_path / "state",
        signed(members_of(content), zipfile.ZIP_DEFLATED),
        "is compressed",
    )


def altered(name: str, change: Callable[[Any], Any]) -> NCMIAccumulator:
    accumulator = filled(shards=4)
    setattr(accumulator.sums, name, change(getattr(accumulator.sums, name)))
    return accumulator


def negative(array: Any) -> Any:
    return np.where(np.arange(array.size).reshape(array.shape) == 1, -1, array)


def undefined(array: Any) -> Any:
    return np.where(np.arange(array.size).reshape(array.shape) == 1, math.nan, array)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("cells", lambda x: x[::-1].copy()),
        ("cells", lambda x: x + 10),
        ("cells", lambda x: x - 1),
        ("cells", lambda x: np.where(x == x[1], x[0], x)),
        ("cells", lambda x: x[:-1]),
        ("counts", negative),
        ("counts", lambda x: x.astype(np.float64)),
        ("counts", lambda x: x + 1),
        ("zeros", negative),
        ("zeros", lambda x: x[:, :2]),
        ("mass", undefined),
        ("mass", lambda x: x[:, :2]),
        ("mass", lambda x: 3),
        ("mass", lambda x: x.astype(np.float32)),
        ("log_mass", undefined),
        ("log_mass", lambda x: x[:2]),
        ("entropy", undefined),
        ("bins", lambda x: x[..., 0]),
        ("n_classes", lambda x: 2),
        ("n_classes", lambda x: None),
        ("n_outputs", lambda x: 4),
        ("n_outputs", lambda x: 10**15),
        ("n_parts", lambda x: 1),
        ("n_rows", lambda x: 8),
        ("n_rows", lambda x: "9"),
        ("n_rows", lambda x: np.arange(9)),
    ],
)
def test_sums_that_do_not_fit_together(
    tmp_path: Path, name: str, change: Callable[[Any], Any]
) -> None:
    """Saved with a true digest: what is wrong is the content."""
    path = tmp_path / "state"
    filled(shards=4).save(path)
    assert NCMIAccumulator.load(path).n == 9
    altered(name, change).save(path)
    refused(path, path.read_bytes(), "contradicts itself")
