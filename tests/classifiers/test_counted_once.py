"""Saved states know what they contain: no sample is counted twice unless that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory import NCMIAccumulator

MORE = (2 * np.eye(4), [0, 1, 2, 3])


def filled(seed: int = 0, **options: Any) -> NCMIAccumulator:
    rng = np.random.default_rng(seed)
    return NCMIAccumulator(**options).update(rng.normal(size=(9, 4)), np.arange(9) % 3)


def saved(path: Path, accumulator: NCMIAccumulator) -> NCMIAccumulator:
    accumulator.save(path)
    return accumulator


def test_what_was_never_saved_has_no_parts() -> None:
    assert (filled() + filled(1)).digests == frozenset()
    accumulator = filled()
    assert accumulator.merge(accumulator).n == 18


def test_a_digest_is_that_of_the_content(tmp_path: Path) -> None:
    (part,) = saved(tmp_path / "a", filled()).digests
    assert len(part) == 64
    assert saved(tmp_path / "b", filled()).digests == {part}
    others = [filled(1), filled(temperature=2.0), filled(class_names="abcd"), filled(shards=5)]
    digests = {tuple(saved(tmp_path / "c", other).digests) for other in others}
    assert len(digests | {(part,)}) == 5


def test_saving_again_adds_nothing_and_going_on_adds_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    accumulator = saved(path, filled())
    first = accumulator.digests
    accumulator.save(path)
    assert accumulator.digests == first == NCMIAccumulator.load(path).digests
    accumulator.update(*MORE).save(path)
    assert accumulator.digests > first
    assert len(accumulator.digests) == 2
    assert NCMIAccumulator.load(path).digests == accumulator.digests


def test_an_empty_state_is_no_part(tmp_path: Path) -> None:
    path = tmp_path / "state"
    empty = saved(path, NCMIAccumulator())
    assert empty.digests == NCMIAccumulator.load(path).digests == frozenset()
    empty.merge(NCMIAccumulator.load(path))
    assert empty.n == 0


REPEATS = {
    "the same file twice": lambda load: (load("a"), load("a")),
    "a total and one of its parts": lambda load: (load("a") + load("b"), load("b")),
    "a part and the saved total": lambda load: (load("b"), load("a and b")),
    "a state and what it grew into": lambda load: (load("a"), load("a").update(*MORE)),
    "two that grew from one": lambda load: (load("a").update(*MORE), load("a").merge(filled(3))),
    "equal content in two files": lambda load: (load("a"), load("copy of a")),
}


@pytest.mark.parametrize("how", REPEATS)
def test_no_saved_state_is_merged_twice(tmp_path: Path, how: str) -> None:
    a, b = saved(tmp_path / "a", filled(0)), saved(tmp_path / "b", filled(1))
    saved(tmp_path / "a and b", a + b)
    saved(tmp_path / "copy of a", filled(0))
    mine, other = REPEATS[how](lambda name: NCMIAccumulator.load(tmp_path / name))
    n, parts, common = mine.n, mine.digests, mine.digests & other.digests
    for merge in (lambda: mine.merge(other), lambda: mine + other, lambda: other + mine):
        with pytest.raises(ValueError, match="a saved state must be merged once; got one that is"):
            merge()
    with pytest.raises(ValueError, match=rf"\(digest {min(common)[:12]}\)\. Pass allow_repeats="):
        mine.merge(other)
    assert (mine.n, mine.digests) == (n, parts)
    mine.merge(other, allow_repeats=True)
    assert mine.n == n + other.n
    assert mine.digests == parts | other.digests


def test_what_was_just_saved_is_not_merged_with_its_file(tmp_path: Path) -> None:
    a = saved(tmp_path / "a", filled())
    with pytest.raises(ValueError, match="merged once"):
        a.merge(NCMIAccumulator.load(tmp_path / "a"))


def test_different_states_merge(tmp_path: Path) -> None:
    a, b = saved(tmp_path / "a", filled(0)), saved(tmp_path / "b", filled(1))
    total = a + b
    assert total.digests == a.digests | b.digests
    assert len(total.digests) == 2
