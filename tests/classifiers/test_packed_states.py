"""Saved states as bytes, for another process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from infotheory import NCMIAccumulator
from infotheory.classifiers import write_states
from infotheory.classifiers.state import pack_states, unpack_states
from infotheory.exceptions import StateError


def filled() -> NCMIAccumulator:
    z = np.random.default_rng(0).normal(size=(9, 3))
    z[4, 1] = -np.inf
    return NCMIAccumulator(shards=4).update(z, np.arange(9) % 3)


def test_the_bytes_are_those_of_a_file(tmp_path: Path) -> None:
    states = {"a": filled(), "b": NCMIAccumulator(4)}
    packed = pack_states(states, {"a": {"rows": 9}})
    assert states["a"].digests == frozenset()  # packing is not saving
    write_states(tmp_path / "state", states, {"a": {"rows": 9}})
    assert (tmp_path / "state").read_bytes() == packed


def test_there_and_back() -> None:
    packed = pack_states({"a": filled(), "b": NCMIAccumulator(4)}, {"a": {"rows": 9}})
    states = unpack_states(packed, "what came")
    assert list(states) == ["a", "b"]
    assert (states["a"].note, states["b"].accumulator.n_classes) == ({"rows": 9}, 4)
    again = states["a"].accumulator
    assert np.array_equal(again.sums.log_mass, filled().sums.log_mass)
    assert again.sums.first_zero_row == 4
    assert pack_states({"a": filled()}) == pack_states({"a": filled()})


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda packed: b"", "what came must be a state saved by infotheory; got an empty file"),
        (lambda packed: packed[:-1], "got a file that is truncated or damaged"),
        (lambda packed: b"\0" + packed, "got a file of another kind"),
    ],
)
def test_damage_is_refused(damage: object, text: str) -> None:
    assert callable(damage)
    with pytest.raises(StateError, match=text):
        unpack_states(damage(pack_states({"a": filled()})), "what came")


def test_names_are_strings() -> None:
    with pytest.raises(TypeError, match="names of states must be strings; got 1"):
        pack_states({1: filled()})  # type: ignore[dict-item]
